/* run.c - `runner run`, `runner check`, `runner list`. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "commands.h"
#include "descriptors.h"
#include "files.h"
#include "format.h"
#include "options.h"
#include "output-file.h"
#include "report.h"
#include "supervisor.h"

static int
print_list (const struct plan *plan)
{
  for (size_t i = 0; i < plan->suite_count; i++) {
    const struct planned_suite *suite = &plan->suites[i];
    for (size_t j = 0; j < suite->count; j++) {
      CLEANUP_BUFFER struct buffer line = { 0 };
      format_line (&line, suite->suite->path);
      buffer_lit (&line, ": ");
      format_line (&line, suite->tests[j].name);
      puts (buffer_text (&line));
    }
  }
  if (fflush (stdout) != 0)
    return 3;
  return 0;
}

static int
terminal_width (void)
{
  struct winsize size;
  return ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* The folder is there, and takes the file that every run writes: else all would be lost. */
static bool
prepare_output (const struct run_options *o)
{
  CLEANUP_BUFFER struct buffer failed = { 0 }, events = { 0 };
  if (!make_folders (o->output, &failed)) {
    fprintf (stderr, "runner: cannot make the folder %s: %s\n", buffer_text (&failed), strerror (errno));
    return false;
  }
  buffer_printf (&events, "%s/events.jsonl", o->output);
  CLEANUP_CLOSE int fd = open (buffer_text (&events), O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0666);
  if (fd < 0)
    fprintf (stderr, "runner: cannot write %s: %s\n", buffer_text (&events), strerror (errno));
  return fd >= 0;
}

static int
run_plan (struct plan *plan, struct run_options *o, struct expr_engine *engine, struct run_roles *roles)
{
  struct reporters reporters = { .count = 0 };
  CLEANUP_BUFFER struct buffer junit = { 0 }, html = { 0 }, page = { 0 };
  if (!prepare_output (o))
    return 2;
  descriptors_raise ();
  buffer_printf (&html, "%s/report", o->output);
  buffer_printf (&page, "%s/index.html", buffer_text (&html));
  struct reporter *pages = report_html (buffer_text (&html));
  if (o->tap)
    reporters_add (&reporters, report_tap (stdout));
  else {
    struct console_options console = { .out = stdout, .color = wants_color (STDOUT_FILENO, o->color),
                                       .live = isatty (STDOUT_FILENO) && o->verbose >= 0, .verbose = o->verbose,
                                       .width = terminal_width (), .pages = pages, .page = buffer_text (&page) };
    reporters_add (&reporters, report_console (&console));
  }
  if (!o->junit) {
    buffer_printf (&junit, "%s/junit.xml", o->output);
    o->junit = buffer_text (&junit);
  }
  reporters_add (&reporters, report_junit (o->junit));
  reporters_add (&reporters, pages);
  int status = supervise (plan, o, engine, roles, &reporters);
  reporters_free (&reporters);
  if (fflush (stdout) != 0 && status < 3)
    status = 3;
  return status;
}

/* A word that was mistyped shall not look like success.  A part of a whole may be
 * empty, and so may what failed last time. */
static bool
nothing_fits (const struct plan *plan, const struct run_options *o)
{
  return plan->test_count == 0 && (o->keyword_count || o->tag_count || o->where) && !o->shards && !o->last_failed;
}

static void
remove_file (const char *path)
{
  CLEANUP_BUFFER struct buffer file = { 0 };
  if (output_file_target (path, &file) && unlink (buffer_text (&file)) < 0 && errno != ENOENT)
    fprintf (stderr, "runner: the old report %s cannot be removed: %s\n", path, strerror (errno));
}

/* The reports of an earlier run: Jenkins would take them for this one's. */
static void
remove_old_reports (const struct run_options *o)
{
  CLEANUP_BUFFER struct buffer path = { 0 };
  if (o->junit)
    buffer_puts (&path, o->junit);
  else
    buffer_printf (&path, "%s/junit.xml", o->output);
  remove_file (buffer_text (&path));
  path.size = 0;
  buffer_printf (&path, "%s/report/index.html", o->output);
  remove_file (buffer_text (&path));
}

/* `command`: what it is called in messages. */
static int
run_or_list (const char *command, int argc, char **argv)
{
  struct run_options o;
  int status = run_options_read (&o, command, argc, argv);
  if (status >= 0) {
    run_options_free (&o);
    return status;
  }
  struct faults faults = { 0 };
  struct plan plan = { .suites = NULL };
  struct expr_engine *engine = expr_new (o.seed);
  size_t count;
  struct suite **suites = load_suites (o.paths, o.path_count, engine, &count, NULL, &faults);
  status = 2;
  if (suites) {
    for (size_t i = 0; i < count && !o.list; i++)
      suite_read_secrets (suites[i], &faults);
    struct run_roles roles = { .control = -1, .socket = -1 };
    bool planned = !faults.count && plan_make (&plan, suites, count, &o, engine, &faults);
    if (planned)
      run_roles_collect (&roles, &plan, &faults);
    if (planned && nothing_fits (&plan, &o))
      fault_add (&faults, NULL, "no test fits what was asked for (--keyword, --tag, --where)");
    if (!planned || faults.count)
      faults_print (&faults, stderr, wants_color (STDERR_FILENO, o.color));
    else if (o.list)
      status = print_list (&plan);
    else
      status = run_plan (&plan, &o, engine, &roles);
    run_roles_free (&roles);
    plan_free (&plan);
    free_suites (suites, count);
  }
  if (status == 2 && !o.list)
    remove_old_reports (&o);
  faults_free (&faults);
  expr_free (engine);
  run_options_free (&o);
  return status;
}

int
command_run (int argc, char **argv)
{
  return run_or_list ("run", argc, argv);
}

/* `runner list`: `runner run --list`. */
int
command_list (int argc, char **argv)
{
  char **words = xcalloc ((size_t) argc + 2, sizeof *words);
  words[0] = argv[0];
  words[1] = (char *) "--list";
  for (int i = 1; i < argc; i++)
    words[i + 1] = argv[i];
  int status = run_or_list ("list", argc + 1, words);
  free (words);
  return status;
}

/* ---- check ---- */

static const struct option_row check_rows[] = { OPTION_ROW_PLUGIN_PATH, OPTION_ROWS_END };

static const struct options check_options = {
  .command = "check",
  .usage =
  "Usage: runner check [--plugin-path PATH] SUITE…\n"
  "Says all that is wrong with suites (files, or folders with *.yaml below them), and runs nothing.\n",
  .rows = check_rows,
  .more = "Exit status: 0 nothing is wrong; 2 something is, or the command line; 3 output is lost.\n"
};

static int
check_suites (const char *const *paths, size_t n)
{
  struct faults faults = { 0 };
  struct expr_engine *engine = expr_new (0);
  size_t count, libraries, tests = 0;
  struct suite **suites = load_suites (paths, n, engine, &count, &libraries, &faults);
  if (suites) {
    for (size_t i = 0; i < count; i++)
      tests += suites[i]->test_count;
    if (count)
      printf ("%zu suite%s, %zu test%s: no fault\n", count, count == 1 ? "" : "s", tests, tests == 1 ? "" : "s");
    else
      printf ("%zu librar%s: no fault\n", libraries, libraries == 1 ? "y" : "ies");
    free_suites (suites, count);
  }
  faults_free (&faults);
  expr_free (engine);
  return suites ? fflush (stdout) == 0 ? 0 : 3 : 2;
}

int
command_check (int argc, char **argv)
{
  int first, status = options_read (&check_options, argc, argv, &first);
  if (status >= 0)
    return status;
  if (first == argc)
    return usage_error ("check", "no suite is named");
  return check_suites ((const char *const *) argv + first, (size_t) (argc - first));
}
