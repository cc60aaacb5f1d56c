/* role-process.c - see role-process.h. */
#include "config.h"

#include "role-process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "commands.h"
#include "descriptors.h"
#include "json.h"
#include "options.h"
#include "out.h"
#include "output-file.h"
#include "plugin.h"
#include "role-console.h"
#include "text.h"

#define SECRETS_MOST ((size_t) 1 << 20)

struct runner_role {
  const struct role_type *type;
  struct arena arena;
  uint64_t given;
  int control;             /* to the runner; -1: started from a shell */
  int stop_fd;
  const char *ready_file;  /* or NULL */
  struct runner_out exports;
  struct role_console out, err;

  pthread_mutex_t lock;    /* of the observation */
  struct arena observation_arena;
  struct runner_out observation;
  struct buffer line;
};

/* ---- the interface for plugins ---- */

void
runner_export_text (struct runner_role *role, const char *name, const char *text)
{
  runner_put_string (&role->exports, name, text);
}

void
runner_export_int (struct runner_role *role, const char *name, int64_t number)
{
  runner_put_int (&role->exports, name, number);
}

void
runner_export_address (struct runner_role *role, const char *name, const char *host, uint16_t port)
{
  const char *form = strchr (host, ':') ? "[%s]:%u" : "%s:%u";
  char text[512];
  if (form[0] == '[')
    snprintf (text, sizeof text, "[%s]:%u", host, port);
  else
    snprintf (text, sizeof text, "%s:%u", host, port);
  runner_export_text (role, name, text);
}

/* Sends {"what": value}. */
static bool
send_line (struct runner_role *role, const char *what, const struct value *value)
{
  struct buffer *line = &role->line;
  line->size = 0;
  buffer_printf (line, "{\"%s\":", what);
  json_write (line, value);
  buffer_lit (line, "}\n");
  return descriptor_send (role->control, line->data, line->size);
}

static bool
write_ready_file (struct runner_role *role, const struct value *exports)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  json_write_pretty (&text, exports);
  buffer_putc (&text, '\n');
  struct output_file file;
  bool fine = output_file_open (&file, role->ready_file) && output_file_write (&file, text.data, text.size)
              && output_file_commit (&file);
  if (!fine)
    fprintf (stderr, "runner: cannot write %s: %s\n", role->ready_file, strerror (errno));
  return fine;
}

/* Nobody is left to tell when that fails. */
static void
print_error (struct runner_role *role, const struct buffer *line)
{
  uint64_t dropped;
  role_console_print (&role->err, line->data, line->size, &dropped);
}

static void
tell_ready (struct runner_role *role, const struct value *exports)
{
  CLEANUP_BUFFER struct buffer line = { 0 };
  buffer_printf (&line, "%s is ready", role->type->name);
  for (size_t i = 0; i < exports->count; i++) {
    buffer_printf (&line, "%s %s=", i ? "," : ":", exports->members[i].key.string);
    value_print (&line, &exports->members[i].value);
  }
  buffer_putc (&line, '\n');
  print_error (role, &line);
}

int
runner_ready (struct runner_role *role)
{
  struct value exports = out_finish (&role->exports);
  for (size_t i = 0; i < role->type->export_count; i++) {
    const struct runner_field *row = &role->type->exports[i];
    if (!(row->flags & RUNNER_OPTIONAL) && !value_get (&exports, row->name)) {
      runner_role_error (role, "its export %s is missing when it says that it is ready", row->name);
      return -1;
    }
  }
  if (role->control >= 0)
    return send_line (role, "ready", &exports) ? 0 : -1;
  tell_ready (role, &exports);
  return !role->ready_file || write_ready_file (role, &exports) ? 0 : -1;
}

int
runner_stop_fd (struct runner_role *role)
{
  return role->stop_fd;
}

int
runner_role_given (struct runner_role *role, const char *param)
{
  const struct params *params = &role->type->params;
  const struct runner_param *row = param_find (params, param, strlen (param));
  return row && (role->given >> (row - params->rows) & 1);
}

const char *
runner_role_temp (struct runner_role *role)
{
  return role->control >= 0 ? getenv (ROLE_TEMP_ENV) : NULL;
}

struct runner_out *
runner_observation (struct runner_role *role)
{
  pthread_mutex_lock (&role->lock);
  out_reset (&role->observation);
  arena_reset (&role->observation_arena);
  return &role->observation;
}

void
runner_observe (struct runner_role *role)
{
  struct value value = out_finish (&role->observation);
  if (role->control >= 0)
    send_line (role, "observe", &value); /* a runner that is gone needs no observations */
  pthread_mutex_unlock (&role->lock);
}

int
runner_role_error (struct runner_role *role, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer line = { 0 };
  va_list args;
  buffer_printf (&line, "%s: ", role->type->name);
  va_start (args, fmt);
  buffer_vprintf (&line, fmt, args);
  va_end (args);
  buffer_putc (&line, '\n');
  print_error (role, &line);
  return 1;
}

void
runner_role_print (struct runner_role *role, const void *lines, size_t size)
{
  uint64_t dropped = 0;
  switch (role_console_print (&role->out, lines, size, &dropped)) {
  case CONSOLE_FAILS:
    runner_role_error (role, "standard output fails: nothing is printed any more");
    break;
  case CONSOLE_FULL:
    runner_role_error (role, "nobody reads standard output: lines are dropped");
    break;
  case CONSOLE_AGAIN:
    runner_role_error (role, "standard output is read again; %" PRIu64 " line%s dropped", dropped,
                       dropped == 1 ? " was" : "s were");
    break;
  case CONSOLE_NO_NEWS:
    break;
  }
}

/* ---- the command line ---- */

/* Is `arg` (after its dashes) this row's option?  `_` in names is written `-`. */
static bool
is_option (const struct runner_param *row, const char *arg, size_t size)
{
  if (strlen (row->name) != size)
    return false;
  for (size_t i = 0; i < size; i++)
    if (row->name[i] != arg[i] && !(row->name[i] == '_' && arg[i] == '-'))
      return false;
  return true;
}

static const struct runner_param *
find_option (const struct params *params, const char *arg, size_t size)
{
  for (size_t i = 0; i < params->count; i++)
    if (is_option (&params->rows[i], arg, size))
      return &params->rows[i];
  return NULL;
}

static void
print_help (const struct role_type *type)
{
  printf ("Usage: runner role %s [OPTION]…\n%s.\n\nOptions:\n", type->name, type->help);
  for (size_t i = 0; i < type->params.count; i++) {
    const struct runner_param *row = &type->params.rows[i];
    char left[128];
    int n = snprintf (left, sizeof left, "--%s%s%s%s", row->name, row->type == RUNNER_BOOL ? "" : " ",
                      row->type == RUNNER_BOOL ? "" : param_type_name (row->type),
                      row->flags & RUNNER_REQUIRED ? " (required)" : "");
    for (char *p = left + 2; *p && *p != ' '; p++)
      if (*p == '_')
        *p = '-';
    printf ("  %-32s%s%s", left, n >= 32 ? " " : "", row->help);
    if (row->preset)
      printf (" [%s]", row->preset);
    putchar ('\n');
  }
  puts ("  --ready-file FILE               written, with the exports as JSON, when the role is ready\n"
        "  --plugin-path PATH              where plugins are looked for first\n"
        "  --help, --version               print this, or the version of runner, and exit");
  if (type->export_count)
    puts ("\nExports:");
  for (size_t i = 0; i < type->export_count; i++)
    printf ("  %-31s %s\n", type->exports[i].name, type->exports[i].help ? type->exports[i].help : "");
}

static int __attribute__ ((format (printf, 1, 2)))
wrong_usage (const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  fputs ("runner role: ", stderr);
  vfprintf (stderr, fmt, args);
  fputc ('\n', stderr);
  va_end (args);
  return 2;
}

static void
replace (struct buffer *text, char from, char to)
{
  for (size_t i = 0; i < text->size; i++)
    if (text->data[i] == from)
      text->data[i] = to;
}

/* Options are told as they are written, names of parameters have `_`. */
static void
unknown_option (const struct role_type *type, const char *arg)
{
  const char *best = NULL;
  size_t distance = 0;
  CLEANUP_BUFFER struct buffer given = { 0 }, hint = { 0 };
  buffer_add (&given, arg + 2, strcspn (arg + 2, "="));
  replace (&given, '-', '_');
  for (size_t i = 0; type->params.rows && i < type->params.count; i++)
    text_nearest (buffer_text (&given), type->params.rows[i].name, &best, &distance);
  buffer_puts (&hint, best ? best : "");
  replace (&hint, '_', '-');
  wrong_usage ("%s: unknown option %s%s%s%s", type->name, arg, best ? "; did you mean --" : "", buffer_text (&hint),
               best ? "?" : "");
}

/* The value of the option at argv[*i]: behind `=`, or the next word. */
static const char *
option_value (int argc, char **argv, int *i, const char *equals)
{
  if (equals)
    return equals + 1;
  return *i + 1 < argc ? argv[++*i] : NULL;
}

/* Reads the options into a map for params_convert.  False: told. */
static bool
read_options (struct runner_role *role, int argc, char **argv, struct builder *builder)
{
  for (int i = 0; i < argc; i++) {
    const char *arg = argv[i], *equals = strchr (arg, '=');
    if (strncmp (arg, "--", 2) != 0 || !arg[2]) {
      wrong_usage ("%s: unexpected \"%s\": options begin with --", role->type->name, arg);
      return false;
    }
    size_t size = equals ? (size_t) (equals - arg) - 2 : strlen (arg) - 2;
    const struct runner_param *row = find_option (&role->type->params, arg + 2, size);
    bool ready_file = size == 10 && memcmp (arg + 2, "ready-file", 10) == 0;
    if (!row && !ready_file) {
      unknown_option (role->type, arg);
      return false;
    }
    const char *text = row && row->type == RUNNER_BOOL && !equals ? "true" : option_value (argc, argv, &i, equals);
    if (!text) {
      wrong_usage ("%s: %s needs a value", role->type->name, arg);
      return false;
    }
    if (ready_file) {
      role->ready_file = text;
      continue;
    }
    struct value value;
    struct param_error error = { .message = "" };
    if (!param_from_text (row, text, &role->arena, &value, &error)) {
      wrong_usage ("%s: %s", role->type->name, error.message);
      return false;
    }
    if (!builder_key (builder, value_string (row->name)) || !builder_put (builder, value))
      return false;
  }
  return true;
}

/* The secret parameters, one JSON object on one line, from the runner. */
static bool
read_secrets (struct runner_role *role, struct builder *builder)
{
  struct buffer line = { 0 };
  for (;;) {
    char c;
    ssize_t n = recv (role->control, &c, 1, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0 || line.size > SECRETS_MOST) {
      buffer_free (&line);
      return false;
    }
    if (c == '\n')
      break;
    buffer_putc (&line, c);
  }
  struct value map;
  char error[256];
  bool fine = json_parse (&role->arena, line.data ? line.data : "", line.size, &map, error, sizeof error)
              && map.type == VALUE_MAP;
  for (size_t i = 0; fine && i < map.count; i++)
    fine = builder_key (builder, map.members[i].key) && builder_put (builder, map.members[i].value);
  buffer_free (&line);
  return fine;
}

/* A later option of the same name counts: the last one is kept. */
static struct value
without_doubles (struct arena *arena, const struct value *map)
{
  struct member *members = arena_array (arena, map->count, sizeof *members);
  size_t n = 0;
  for (size_t i = 0; i < map->count; i++) {
    size_t at = 0;
    while (at < n && !value_equal (&members[at].key, &map->members[i].key))
      at++;
    members[at] = map->members[i];
    n += at == n;
  }
  struct value copy = *map;
  copy.members = members;
  copy.count = n;
  return copy;
}

/* SIGTERM and SIGINT arrive by descriptor, in this thread and all later ones. */
static int
make_stop_fd (void)
{
  sigset_t set;
  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  signal (SIGPIPE, SIG_IGN);
  if (pthread_sigmask (SIG_BLOCK, &set, NULL) != 0)
    return -1;
  return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int
control_fd (void)
{
  const char *text = getenv (ROLE_FD_ENV);
  if (!text)
    return -1;
  int fd = atoi (text);
  unsetenv (ROLE_FD_ENV);
  return fd > 2 && fcntl (fd, F_SETFD, FD_CLOEXEC) == 0 ? fd : -1;
}

static int
run_role (struct runner_role *role, int argc, char **argv)
{
  struct builder builder;
  builder_init (&builder, &role->arena);
  builder_open (&builder, (struct value) { .type = VALUE_MAP });
  bool fine = read_options (role, argc, argv, &builder)
              && (role->control < 0 || read_secrets (role, &builder)) && builder_close (&builder);
  struct value given = builder_finish (&builder);
  builder_free (&builder);
  if (!fine)
    return 2;
  given = without_doubles (&role->arena, &given);

  void *args = arena_alloc (&role->arena, role->type->params.args_size + 1);
  struct param_error error = { .message = "" };
  if (!params_convert (&role->type->params, &given, args, &role->given, &role->arena, NULL, &error))
    return wrong_usage ("%s: %s", role->type->name, error.message);

  /* What a role's children leave behind stays below it, not with the tests. */
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  role->stop_fd = make_stop_fd ();
  if (role->stop_fd < 0)
    return runner_role_error (role, "cannot watch signals: %s", strerror (errno));
  setvbuf (stdout, NULL, _IOLBF, 0);
  int status = role->type->run (role, args);
  if (fflush (stdout) != 0)
    return 1;
  return status;
}

static const struct role_type *
find_role (const char *name)
{
  char plugin_name[128], error[1024];
  size_t n = strcspn (name, ".");
  if (!name[n] || n >= sizeof plugin_name) {
    wrong_usage ("a role is named PLUGIN.ROLE, not \"%s\"", name);
    return NULL;
  }
  memcpy (plugin_name, name, n);
  plugin_name[n] = '\0';
  const struct plugin *plugin = plugin_find (plugin_name, error, sizeof error);
  if (!plugin) {
    wrong_usage ("%s", error);
    return NULL;
  }
  const struct role_type *type = plugin_role (plugin, name);
  if (!type) {
    const char *best = NULL;
    size_t distance = 0;
    for (size_t i = 0; i < plugin->role_count; i++)
      text_nearest (name, plugin->roles[i].name, &best, &distance);
    wrong_usage ("there is no role %s%s%s%s", name, best ? "; did you mean " : "", best ? best : "", best ? "?" : "");
  }
  return type;
}

static bool
has_word (int argc, char **argv, const char *word)
{
  for (int i = 0; i < argc; i++)
    if (strcmp (argv[i], word) == 0)
      return true;
  return false;
}

static const struct option_row rows[] = { OPTION_ROW_PLUGIN_PATH, OPTION_ROWS_END };

static const struct options options = {
  .command = "role",
  .usage =
  "Usage: runner role [--plugin-path PATH] PLUGIN.ROLE [OPTION]…\n"
  "Runs one role of a system in the foreground until SIGTERM or SIGINT.\n",
  .rows = rows,
  .more = "`runner role PLUGIN.ROLE --help` lists a role's options, `runner plugins --roles` all roles.\n",
  .words_follow = true
};

int
command_role (int argc, char **argv)
{
  int first, status = options_read (&options, argc, argv, &first);
  if (status >= 0)
    return status;
  if (first >= argc)
    return usage_error ("role", "no role is named");
  const char *name = argv[first++];
  argc -= first;
  argv += first;
  if (argc == 1 && strcmp (argv[0], "--version") == 0) { /* among others it may be the role's own */
    puts (PACKAGE_STRING);
    return 0;
  }
  const struct role_type *type = find_role (name);
  if (!type)
    return 2;
  if (has_word (argc, argv, "--help") || has_word (argc, argv, "-h")) {
    print_help (type);
    return 0;
  }
  struct runner_role role = { .type = type, .control = control_fd (), .stop_fd = -1,
                              .lock = PTHREAD_MUTEX_INITIALIZER };
  out_init (&role.exports, &role.arena);
  out_init (&role.observation, &role.observation_arena);
  role_console_open (&role.out, STDOUT_FILENO, role.control >= 0);
  role_console_open (&role.err, STDERR_FILENO, role.control >= 0);
  status = run_role (&role, argc, argv);
  out_free (&role.exports);
  out_free (&role.observation);
  arena_free (&role.observation_arena);
  buffer_free (&role.line);
  arena_free (&role.arena);
  role_console_close (&role.out);
  role_console_close (&role.err);
  return status;
}
