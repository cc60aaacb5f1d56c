/* role-start.c - the process of a role: its command line, its environment, what leads to it. */
#include "config.h"

#include "role-control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "descriptors.h"
#include "json.h"
#include "role-process.h"
#include "secret.h"

/* ---- command line ---- */

struct command {
  struct arena *arena;
  const char **argv;
  size_t count, room;
  struct buffer secrets;       /* a JSON object */
  bool any_secret;
};

static void
add_word (struct command *command, const char *word)
{
  command->argv = arena_grow (command->arena, command->argv, command->count, &command->room, sizeof *command->argv);
  command->argv[command->count++] = word;
}

/* Does masking change it? */
static bool
holds_secret (const struct buffer *text)
{
  CLEANUP_BUFFER struct buffer masked = { 0 };
  if (!secret_any ())
    return false;
  buffer_add (&masked, text->data, text->size);
  secret_mask (&masked, 0);
  return masked.size != text->size || memcmp (masked.data, text->data, text->size) != 0;
}

static void
add_option (struct command *command, const struct runner_param *row, const char *name, const struct value *value)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!value_print (&text, value))
    json_write (&text, value);
  bool nul = memchr (buffer_text (&text), 0, text.size) != NULL;
  if (nul || (row && row->type == RUNNER_SECRET) || holds_secret (&text)) {
    if (command->any_secret)
      buffer_putc (&command->secrets, ',');
    json_write_string (&command->secrets, name, strlen (name));
    buffer_putc (&command->secrets, ':');
    json_write (&command->secrets, value);
    command->any_secret = true;
    return;
  }
  char *option = arena_printf (command->arena, "--%s=%s", name, buffer_text (&text));
  for (char *p = option + 2; *p != '='; p++)
    if (*p == '_')
      *p = '-';
  add_word (command, option);
}

/* The port at the end of "host:port" or "http://host:port/…"; 0: none. */
static int64_t
port_of (const char *text)
{
  const char *host = strstr (text, "://");
  host = host ? host + 3 : text;
  const char *end = host + strcspn (host, "/");
  while (end > host && end[-1] != ':')
    end--;
  return end > host ? strtol (end, NULL, 10) : 0;
}

/* Started again, a role gets the very addresses it had. */
static const struct value *
earlier_address (const struct role_state *role, const char *param, struct value *out)
{
  if (role->starts == 0)
    return NULL;
  for (size_t i = 0; i < role->def->type->export_count; i++) {
    const struct runner_field *field = &role->def->type->exports[i];
    const struct value *value = field->param ? value_get (&role->exports, field->name) : NULL;
    if (!value || strcmp (field->param, param) != 0)
      continue;
    const struct runner_param *row = param_find (&role->def->type->params, param, strlen (param));
    if (row && row->type == RUNNER_INT && value->type == VALUE_STRING)
      *out = value_int (port_of (value->string));
    else
      *out = *value;
    return out;
  }
  return NULL;
}

static void
build_command (struct command *command, const struct role_state *role)
{
  const struct role_type *type = role->def->type;
  const char *path = plugin_get_path ();
  buffer_putc (&command->secrets, '{');
  add_word (command, "/proc/self/exe");
  add_word (command, "role");
  if (path)
    add_word (command, arena_printf (command->arena, "--plugin-path=%s", path));
  add_word (command, type->name);
  const struct value *args = &role->args;
  for (size_t i = 0; i < type->params.count; i++) {
    const struct runner_param *row = &type->params.rows[i];
    struct value again;
    const struct value *value = earlier_address (role, row->name, &again);
    if (!value && args->type == VALUE_MAP)
      value = value_get (args, row->name);
    else if (!value && args->type != VALUE_NULL && (row->flags & RUNNER_PRIMARY))
      value = args;
    if (value)
      add_option (command, row, row->name, value);
  }
  add_word (command, NULL);
  buffer_lit (&command->secrets, "}\n");
}

/* ---- its log ---- */

/* The last number of a log of this name that this worker has given. */
static unsigned *
last_log (struct worker *worker, const char *name)
{
  struct role_log *log = worker->role_logs;
  while (log && strcmp (log->name, name) != 0)
    log = log->older;
  if (!log) {
    log = arena_alloc (&worker->arena, sizeof *log);
    *log = (struct role_log) { .older = worker->role_logs, .name = arena_strdup (&worker->arena, name) };
    worker->role_logs = log;
  }
  return &log->last;
}

/* The file for the output of the process that is started now, "FOLDER/NAME.N.log".  Its number is the
 * next in the run, also when the worker before has ended or another test has a role of this name: the
 * file is made here, and the keeper fills it, or removes it when nothing was printed. */
static void
choose_log (struct worker *worker, struct role_state *role)
{
  unsigned *last = last_log (worker, role->name);
  int fd;
  do {
    role->log = arena_printf (&role->arena, "%s/%s.%u.log", worker->log_folder, role->name, ++*last);
    fd = open (role->log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd < 0 && errno == EEXIST);
  if (fd >= 0) /* else the keeper tells why it cannot be written */
    close (fd);
}

/* ---- its process ---- */

/* In the child, before exec: descriptors 0 (null), 1 and 2 (output), 3 (control). */
static _Noreturn void
become_role (const char **argv, char **env, int output, int control)
{
  int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  int high_output = fcntl (output, F_DUPFD_CLOEXEC, 10), high_control = fcntl (control, F_DUPFD_CLOEXEC, 10);
  if (null >= 0 && high_output >= 0 && high_control >= 0 && dup2 (null, 0) == 0 && dup2 (high_output, 1) == 1
      && dup2 (high_output, 2) == 2 && dup2 (high_control, 3) == 3)
    execve (argv[0], (char **) argv, env);
  _exit (127);
}

/* It is there again when the role is started again, and goes with the role. */
static bool
make_temp (struct worker *worker, struct role_state *role)
{
  char template[PATH_MAX];
  if (role->temp)
    return true;
  temp_template (template, sizeof template, worker->link->pid);
  char *path = arena_strdup (&role->arena, template);
  if (!mkdtemp (path))
    return false;
  role->temp = path;
  return true;
}

static char **
role_environment (const struct role_state *role, struct arena *arena)
{
  size_t n = 0;
  while (environ && environ[n])
    n++;
  char **env = arena_array (arena, n + 3, sizeof *env);
  for (size_t i = 0; i < n; i++)
    env[i] = environ[i];
  env[n] = arena_strdup (arena, ROLE_FD_ENV "=3");
  env[n + 1] = arena_printf (arena, ROLE_TEMP_ENV "=%s", role->temp);
  return env;
}

/* Hands both streams to the keeper. */
static bool
drain_role (struct worker *worker, struct role_state *role, int output, int control)
{
  if (!capture_new (&role->output))
    return false;
  if (!capture_new (&role->control)) {
    capture_free (&role->output);
    return false;
  }
  role->output_number = keeper_drain (worker->link, output, &role->output, role->name, role->log);
  role->control_number = keeper_drain (worker->link, control, &role->control, role->name, NULL);
  role->drained = true;
  return role->output_number >= 0 && role->control_number >= 0;
}

bool
role_spawn (struct context *context, struct role_state *role)
{
  struct worker *worker = context->worker;
  CLEANUP_ARENA struct arena arena = { 0 };
  struct command command = { .arena = &arena };
  int output[2], control[2];
  if (!make_temp (worker, role))
    return role_cannot (context, role, "cannot have a temporary folder: %s", strerror (errno));
  build_command (&command, role);
  char **env = role_environment (role, &arena);
  if (pipe2 (output, O_CLOEXEC) < 0)
    return role_cannot (context, role, "cannot be started: %s", strerror (errno));
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0) {
    close (output[0]);
    close (output[1]);
    return role_cannot (context, role, "cannot be started: %s", strerror (errno));
  }
  pid_t pid = child_fork ();
  if (pid == 0)
    become_role (command.argv, env, output[1], control[1]);
  int error = errno;
  close (output[1]);
  close (control[1]);
  if (pid < 0) {
    close (output[0]);
    close (control[0]);
    buffer_free (&command.secrets);
    return role_cannot (context, role, "cannot be started: %s", strerror (error));
  }
  pthread_mutex_lock (&roles_lock);
  role->starts++;
  choose_log (worker, role);
  role->pid = pid;
  role->pid_fd = (int) syscall (SYS_pidfd_open, pid, 0);
  role->running = true;
  role->paused = false;
  role->cursor = 0;
  role->log_mark = 0;
  pthread_mutex_unlock (&roles_lock);
  bool fine = descriptor_send (control[0], command.secrets.data, command.secrets.size);
  buffer_free (&command.secrets);
  if (!fine || !drain_role (worker, role, output[0], control[0]))
    return role_cannot (context, role, "cannot be connected: %s", strerror (errno));
  return true;
}
