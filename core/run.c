/* run.c - `runner run`, `runner check`, `runner list`. */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "descriptors.h"
#include "files.h"
#include "report.h"
#include "supervisor.h"
#include "text.h"
#include "units.h"

enum {
  OPTION_TAG = 256, OPTION_WHERE, OPTION_SHARD, OPTION_LAST_FAILED, OPTION_SHUFFLE, OPTION_FAIL_FAST, OPTION_RETRIES,
  OPTION_REPEAT, OPTION_TIMEOUT, OPTION_TARGET, OPTION_VAR, OPTION_PLUGIN_PATH, OPTION_JUNIT, OPTION_LIST,
  OPTION_DRY_RUN, OPTION_COLOR, OPTION_TAP, OPTION_HELP, OPTION_VERSION
};

/* How it was called, for messages: run or list. */
static const char *called = "run";

static const struct option long_options[] = {
  { "jobs", required_argument, NULL, 'j' },
  { "output", required_argument, NULL, 'o' },
  { "keyword", required_argument, NULL, 'k' },
  { "tag", required_argument, NULL, OPTION_TAG },
  { "where", required_argument, NULL, OPTION_WHERE },
  { "shard", required_argument, NULL, OPTION_SHARD },
  { "last-failed", no_argument, NULL, OPTION_LAST_FAILED },
  { "shuffle", optional_argument, NULL, OPTION_SHUFFLE },
  { "fail-fast", no_argument, NULL, OPTION_FAIL_FAST },
  { "retries", required_argument, NULL, OPTION_RETRIES },
  { "repeat", required_argument, NULL, OPTION_REPEAT },
  { "timeout", required_argument, NULL, OPTION_TIMEOUT },
  { "target", required_argument, NULL, OPTION_TARGET },
  { "var", required_argument, NULL, OPTION_VAR },
  { "plugin-path", required_argument, NULL, OPTION_PLUGIN_PATH },
  { "junit", required_argument, NULL, OPTION_JUNIT },
  { "tap", no_argument, NULL, OPTION_TAP },
  { "list", no_argument, NULL, OPTION_LIST },
  { "dry-run", no_argument, NULL, OPTION_DRY_RUN },
  { "verbose", no_argument, NULL, 'v' },
  { "quiet", no_argument, NULL, 'q' },
  { "color", optional_argument, NULL, OPTION_COLOR },
  { "help", no_argument, NULL, OPTION_HELP },
  { "version", no_argument, NULL, OPTION_VERSION },
  { NULL, 0, NULL, 0 }
};

static const char run_help[] =
  "Usage: runner [run] [OPTION]… SUITE…\n"
  "Runs suites: files, or folders with *.yaml below them.\n"
  "\n"
  "Which tests:\n"
  "  -k, --keyword TEXT       only tests whose name, or whose suite's name, holds TEXT\n"
  "      --tag TAG            only tests with the tag; `!TAG`: only those without\n"
  "      --where EXPRESSION   only tests for which it holds: name, suite, path, tags, line\n"
  "      --shard I/N          only every N-th part; also from CI_NODE_INDEX/CI_NODE_TOTAL,\n"
  "                           JOB_COMPLETION_INDEX/JOB_COMPLETIONS, SLURM_ARRAY_TASK_ID/_COUNT\n"
  "      --last-failed        only tests that did not pass in the run told in OUTPUT\n"
  "      --list, --dry-run    print what would be run, and run nothing\n"
  "How:\n"
  "  -j, --jobs N             suites at once [1]\n"
  "      --shuffle[=SEED]     in an order by chance; the seed is printed\n"
  "      --fail-fast          stop after the first failure\n"
  "      --retries N          try a test that fails again, N times at most\n"
  "      --repeat N           run every test N times\n"
  "      --timeout TIME       no test may take longer\n"
  "      --var NAME=VALUE     the value of a suite's variable\n"
  "      --target ROLE.EXPORT=VALUE  use a system that runs elsewhere instead of the role\n"
  "      --plugin-path PATH   where plugins are looked for first, colon-separated\n"
  "What comes out:\n"
  "  -o, --output DIR         folder for reports and logs [test-results]; report/index.html in it\n"
  "                           shows the run\n"
  "      --junit FILE         the JUnit report [OUTPUT/junit.xml]\n"
  "      --tap                TAP version 14 on standard output instead of the console report\n"
  "  -v, --verbose; -q, --quiet   more, or only failures and the end\n"
  "      --color[=WHEN]       always, never, auto\n"
  "      --help, --version\n"
  "\n"
  "Exit status: 0 all passed; 1 a test failed; 2 the suites or the command line are wrong;\n"
  "3 something could not be run or told; 130 interrupted.\n";

static void
add_text (const char ***list, size_t *count, const char *text)
{
  *list = xrealloc (*list, *count + 1, sizeof **list);
  (*list)[(*count)++] = text;
}

static bool
parse_number (const char *text, long min, long max, long *out)
{
  char *end;
  errno = 0;
  *out = strtol (text, &end, 10);
  return !errno && end != text && !*end && *out >= min && *out <= max;
}

static bool
parse_count (const char *text, long min, long max, uint32_t *out)
{
  long number;
  bool fine = parse_number (text, min, max, &number);
  if (fine)
    *out = (uint32_t) number;
  return fine;
}

static bool
parse_shard (const char *text, struct run_options *options)
{
  unsigned i, n;
  char end;
  if (sscanf (text, "%u/%u%c", &i, &n, &end) != 2 || n == 0 || n > 100000 || i == 0 || i > n)
    return false;
  options->shard = i;
  options->shards = n;
  return true;
}

/* What CI systems say of the part this machine is to do. */
static bool
shard_from_environment (struct run_options *options)
{
  static const struct {
    const char *index, *total;
    long first;
  } known[] = { { "CI_NODE_INDEX", "CI_NODE_TOTAL", 1 },
                { "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0 },
                { "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", -1 } };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const char *index = getenv (known[i].index), *total = getenv (known[i].total);
    if (!index || !total || !*index || !*total)
      continue;
    long n, at, first = known[i].first;
    if (first < 0) { /* Slurm counts from what the array's range begins with */
      const char *min = getenv ("SLURM_ARRAY_TASK_MIN");
      if (!min || !parse_number (min, 0, 1000000, &first))
        first = 0;
    }
    if (!parse_number (total, 1, 100000, &n) || !parse_number (index, first, first + n - 1, &at)) {
      usage_error (called, "%s=%s and %s=%s are no part of a whole", known[i].index, index, known[i].total, total);
      return false;
    }
    options->shard = (uint32_t) (at - first + 1);
    options->shards = (uint32_t) n;
    return true;
  }
  return true;
}

bool
parse_color (const char *text, int *color)
{
  if (!text || strcmp (text, "always") == 0)
    *color = 1;
  else if (strcmp (text, "never") == 0)
    *color = 0;
  else if (strcmp (text, "auto") == 0)
    *color = -1;
  else
    return false;
  return true;
}

static bool
parse_seed (const char *text, uint64_t *seed)
{
  char *end;
  if (!text) {
    *seed = (uint64_t) time_now_us () ^ (uint64_t) getpid () << 32;
    *seed %= 1000000000; /* short enough to be typed again */
    return true;
  }
  errno = 0;
  *seed = strtoull (text, &end, 10);
  return !errno && end != text && !*end && text[0] != '-';
}

static const char *
what_it_takes (int option)
{
  switch (option) {
  case 'j':
    return "an integer from 1 to 256";
  case 'o':
    return "a folder";
  case OPTION_SHARD:
    return "I/N, with I from 1 to N";
  case OPTION_SHUFFLE:
    return "a seed, an integer from 0 on";
  case OPTION_RETRIES:
    return "an integer from 0 to 100";
  case OPTION_REPEAT:
    return "an integer from 1 to 100000";
  case OPTION_TIMEOUT:
    return "a duration with its unit (30s, 5m), more than 0";
  default:
    return "always, never or auto";
  }
}

/* One option; false: it is wrong, which was told. */
static bool
take_option (struct run_options *o, int option, const char *text)
{
  bool fine = true;
  switch (option) {
  case 'j':
    fine = parse_count (text, 1, 256, &o->jobs);
    break;
  case 'o':
    o->output = text;
    fine = *text != '\0';
    break;
  case 'k':
    add_text (&o->keywords, &o->keyword_count, text);
    break;
  case 'v':
    o->verbose++;
    break;
  case 'q':
    o->verbose = -1;
    break;
  case OPTION_TAG:
    add_text (&o->tags, &o->tag_count, text);
    break;
  case OPTION_WHERE:
    o->where = text;
    break;
  case OPTION_SHARD:
    fine = parse_shard (text, o);
    break;
  case OPTION_LAST_FAILED:
    o->last_failed = true;
    break;
  case OPTION_SHUFFLE:
    o->shuffle = true;
    fine = parse_seed (text, &o->seed);
    break;
  case OPTION_FAIL_FAST:
    o->fail_fast = true;
    break;
  case OPTION_RETRIES:
    fine = parse_count (text, 0, 100, &o->retries);
    break;
  case OPTION_REPEAT:
    fine = parse_count (text, 1, 100000, &o->repeat);
    break;
  case OPTION_TIMEOUT:
    fine = parse_duration (text, strlen (text), &o->timeout_ns) && o->timeout_ns > 0;
    break;
  case OPTION_TARGET:
    add_text (&o->targets, &o->target_count, text);
    break;
  case OPTION_VAR:
    add_text (&o->vars, &o->var_count, text);
    break;
  case OPTION_PLUGIN_PATH:
    plugin_set_path (text);
    break;
  case OPTION_JUNIT:
    o->junit = text;
    break;
  case OPTION_TAP:
    o->tap = true;
    break;
  case OPTION_LIST:
  case OPTION_DRY_RUN:
    o->list = true;
    break;
  case OPTION_COLOR:
    fine = parse_color (text, &o->color);
    break;
  }
  if (!fine) {
    const char *name = "?";
    for (const struct option *l = long_options; l->name; l++)
      if (l->val == option)
        name = l->name;
    usage_error (called, "--%s: expected %s, got \"%s\"", name, what_it_takes (option), text ? text : "");
  }
  return fine;
}

bool
wants_color (int fd, int option)
{
  if (option >= 0)
    return option;
  const char *no = getenv ("NO_COLOR"), *term = getenv ("TERM");
  return isatty (fd) && !(no && *no) && term && strcmp (term, "dumb") != 0;
}

static const char *
join_words (int argc, char **argv)
{
  struct buffer text = { 0 };
  buffer_lit (&text, "runner");
  for (int i = 0; i < argc; i++)
    buffer_printf (&text, " %s", argv[i]);
  buffer_putc (&text, '\0');
  return text.data;
}

/* Reads the options.  -1: go on; else the exit status. */
static int
read_options (int argc, char **argv, struct run_options *o)
{
  int option;
  opterr = 0;
  optind = 1;
  while ((option = getopt_long (argc, argv, ":hj:o:k:vq", long_options, NULL)) != -1) {
    switch (option) {
    case OPTION_HELP:
    case 'h':
      fputs (run_help, stdout);
      return 0;
    case OPTION_VERSION:
      puts (PACKAGE_STRING);
      return 0;
    case ':':
      return usage_error (called, "%s needs a value", argv[optind - 1]);
    case '?': {
      const char *word = optopt && optopt < 256 ? NULL : argv[optind - 1], *best = NULL;
      size_t distance = 0;
      if (!word)
        return usage_error (called, "unknown option -%c", optopt);
      for (const struct option *l = long_options; l->name; l++)
        text_nearest (word + strspn (word, "-"), l->name, &best, &distance);
      return usage_error (called, "unknown option %s%s%s%s", word, best ? "; did you mean --" : "", best ? best : "",
                          best ? "?" : "");
    }
    default:
      if (!take_option (o, option, optarg))
        return 2;
    }
  }
  o->paths = (const char **) argv + optind;
  o->path_count = (size_t) (argc - optind);
  if (!o->path_count)
    return usage_error (called, "no suite is named");
  if (!o->shards && !shard_from_environment (o))
    return 2;
  return -1;
}

static int
print_list (const struct plan *plan)
{
  for (size_t i = 0; i < plan->suite_count; i++) {
    const struct planned_suite *suite = &plan->suites[i];
    for (size_t j = 0; j < suite->count; j++)
      printf ("%s: %s\n", suite->suite->path, suite->tests[j].name);
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

static bool
prepare_output (const struct run_options *o)
{
  CLEANUP_BUFFER struct buffer failed = { 0 };
  if (make_folders (o->output, &failed))
    return true;
  fprintf (stderr, "runner: cannot make the folder %s: %s\n", buffer_text (&failed), strerror (errno));
  return false;
}

static int
run_plan (struct plan *plan, struct run_options *o, struct expr_engine *engine, struct run_roles *roles)
{
  struct reporters reporters = { .count = 0 };
  CLEANUP_BUFFER struct buffer junit = { 0 }, html = { 0 };
  if (!prepare_output (o))
    return 3;
  descriptors_raise ();
  if (o->tap)
    reporters_add (&reporters, report_tap (stdout));
  else {
    struct console_options console = { .out = stdout, .color = wants_color (STDOUT_FILENO, o->color),
                                       .live = isatty (STDOUT_FILENO) && o->verbose >= 0, .verbose = o->verbose,
                                       .width = terminal_width () };
    reporters_add (&reporters, report_console (&console));
  }
  if (!o->junit) {
    buffer_printf (&junit, "%s/junit.xml", o->output);
    o->junit = buffer_text (&junit);
  }
  reporters_add (&reporters, report_junit (o->junit));
  buffer_printf (&html, "%s/report", o->output);
  reporters_add (&reporters, report_html (buffer_text (&html)));
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
free_options (struct run_options *o)
{
  free (o->keywords);
  free (o->tags);
  free (o->targets);
  free (o->vars);
  free ((char *) o->command);
}

static void
remove_file (const char *path)
{
  struct stat st;
  if (lstat (path, &st) == 0 && S_ISREG (st.st_mode) && unlink (path) < 0)
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

int
command_run (int argc, char **argv)
{
  struct run_options o = { .jobs = 1, .output = "test-results", .repeat = 1, .color = -1,
                           .command = join_words (argc - 1, argv + 1) };
  int status = read_options (argc, argv, &o);
  if (status >= 0) {
    free_options (&o);
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
  free_options (&o);
  return status;
}

/* ---- check ---- */

static const char check_help[] =
  "Usage: runner check [--plugin-path PATH] SUITE…\n"
  "Says all that is wrong with suites (files, or folders with *.yaml below them), and runs nothing.\n"
  "\n"
  "      --plugin-path PATH   where plugins are looked for first, colon-separated\n"
  "      --help, --version\n"
  "\n"
  "Exit status: 0 nothing is wrong; 2 something is, or the command line; 3 output is lost.\n";

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
  static const struct option options[] = { { "plugin-path", required_argument, NULL, OPTION_PLUGIN_PATH },
                                           { "help", no_argument, NULL, OPTION_HELP },
                                           { "version", no_argument, NULL, OPTION_VERSION },
                                           { NULL, 0, NULL, 0 } };
  int option;
  opterr = 0;
  optind = 1;
  while ((option = getopt_long (argc, argv, ":h", options, NULL)) != -1)
    switch (option) {
    case OPTION_PLUGIN_PATH:
      plugin_set_path (optarg);
      break;
    case OPTION_HELP:
    case 'h':
      fputs (check_help, stdout);
      return 0;
    case OPTION_VERSION:
      puts (PACKAGE_STRING);
      return 0;
    default:
      return usage_error ("check", "unknown option %s, or its value is missing", argv[optind - 1]);
    }
  if (optind == argc)
    return usage_error ("check", "no suite is named");
  return check_suites ((const char *const *) argv + optind, (size_t) (argc - optind));
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
  called = "list";
  int status = command_run (argc + 1, words);
  free (words);
  return status;
}
