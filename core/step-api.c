/* step-api.c - the interface for plugins: what runner-plugin.h says of steps. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"
#include "descriptors.h"
#include "regexp.h"
#include "text.h"
#include "worker.h"

void
step_begin (struct runner_step *step, struct context *context, const struct step *source, struct arena *arena,
            int64_t deadline_ns)
{
  *step = (struct runner_step) {
    .context = context, .step = source, .arena = arena, .deadline_ns = deadline_ns, .cancel_fd = context->cancel_fd
  };
  if (source) {
    step->where = *source->key;
    if (source->verb)
      step->params = &source->verb->params;
  }
  out_init (&step->out, arena);
}

void
step_release (struct runner_step *step)
{
  for (size_t i = 0; i < step->held_count; i++)
    scope_release (step->held[i]);
  step->held_count = 0;
  out_free (&step->out);
  buffer_free (&step->near);
}

/* ---- outcome ---- */

static int __attribute__ ((format (printf, 3, 0)))
say (struct runner_step *step, int outcome, const char *fmt, va_list args)
{
  if (!step->message)
    step->message = arena_vprintf (step->arena, fmt, args);
  if (step->outcome == RUNNER_PASS)
    step->outcome = outcome;
  return step->outcome;
}

int
runner_fail (struct runner_step *step, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_FAIL, fmt, args);
  va_end (args);
  return outcome;
}

int
runner_error (struct runner_step *step, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_ERROR, fmt, args);
  va_end (args);
  return outcome;
}

int
runner_skip (struct runner_step *step, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_SKIP, fmt, args);
  va_end (args);
  return outcome;
}

int
runner_expired (struct runner_step *step, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  struct pollfd cancel = { .fd = step->cancel_fd, .events = POLLIN };
  bool cancelled = poll (&cancel, 1, 0) > 0;
  va_list args;
  va_start (args, fmt);
  buffer_puts (&text, cancelled ? "cancelled while " : "timed out while ");
  buffer_vprintf (&text, fmt, args);
  va_end (args);
  step->expired = true;
  return runner_fail (step, "%s", buffer_text (&text));
}

int
runner_bad (struct runner_step *step, const char *field, const char *fmt, ...)
{
  const struct value *expect = step->step ? step->step->expect : NULL;
  if (expect && expect->type == VALUE_MAP && (value_get (expect, field)))
    return RUNNER_PASS;
  if (expect && expect->type == VALUE_MAP) { /* as a path: "$.status" */
    size_t n = strlen (field);
    for (size_t i = 0; i < expect->count; i++) {
      const struct value *key = &expect->members[i].key;
      if (key->size >= n + 2 && memcmp (key->string, "$.", 2) == 0 && memcmp (key->string + 2, field, n) == 0
          && strchr (".[", key->string[n + 2]))
        return RUNNER_PASS;
    }
  }
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_FAIL, fmt, args);
  va_end (args);
  step->bad = true;
  return outcome;
}

void
runner_log (struct runner_step *step, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  va_list args;
  va_start (args, fmt);
  buffer_vprintf (&text, fmt, args);
  va_end (args);
  buffer_putc (&text, '\n');
  test_output (step->context, text.data, text.size);
}

void
runner_wire (struct runner_step *step, int direction, const char *peer, const void *data, size_t size)
{
  struct worker *worker = step->context->worker;
  if (step->context->load) {
    if (step->context->user)
      load_wire (step->context->user, direction == RUNNER_RECEIVED, peer, data, size);
    return;
  }
  pthread_mutex_lock (&worker->lock);
  shared_wire (worker->shared, direction == RUNNER_RECEIVED, peer, data, size);
  pthread_mutex_unlock (&worker->lock);
}

/* ---- time ---- */

int64_t
runner_now (void)
{
  return clock_now_ns ();
}

int64_t
runner_deadline (struct runner_step *step)
{
  return step->deadline_ns;
}

int64_t
runner_left (struct runner_step *step)
{
  int64_t left = step->deadline_ns - clock_now_ns ();
  return left > 0 ? left : 0;
}

int
runner_cancel_fd (struct runner_step *step)
{
  return step->cancel_fd;
}

#define POLL_MOST 1024

int
runner_poll (struct runner_step *step, struct pollfd *fds, size_t n, int64_t ns)
{
  struct pollfd few[16], *all = few, *many = NULL;
  if (n > POLL_MOST) {
    runner_error (step, "runner_poll watches at most %d descriptors, not %zu", POLL_MOST, n);
    return -1;
  }
  if (n + 1 > sizeof few / sizeof *few)
    all = many = xcalloc (n + 1, sizeof *many);
  if (n)
    memcpy (all, fds, n * sizeof *fds);
  all[n] = (struct pollfd) { .fd = step->cancel_fd, .events = POLLIN };

  int64_t now = clock_now_ns (), end = step->deadline_ns;
  if (ns >= 0 && ns < end - now)
    end = now + ns;
  int result;
  for (;;) {
    int64_t left = end - now > 0 ? end - now : 0;
    struct timespec wait = { left / 1000000000, left % 1000000000 };
    int ready = ppoll (all, n + 1, &wait, NULL);
    now = clock_now_ns ();
    if (ready < 0 && errno == EINTR)
      continue;
    bool cancelled = ready > 0 && all[n].revents;
    if (cancelled || (ready <= 0 && now >= step->deadline_ns))
      result = -1;
    else
      result = ready < 0 ? -1 : ready;
    break;
  }
  for (size_t i = 0; i < n; i++)
    fds[i].revents = result > 0 ? all[i].revents : 0;
  free (many);
  return result;
}

int
runner_sleep (struct runner_step *step, int64_t ns)
{
  return runner_poll (step, NULL, 0, ns) < 0 ? -1 : 0;
}

/* ---- arguments ---- */

int
runner_given (struct runner_step *step, const char *param)
{
  if (!step->params)
    return 0;
  const struct runner_param *row = param_find (step->params, param, strlen (param));
  return row && (step->given >> (row - step->params->rows) & 1);
}

const char *
runner_folder (struct runner_step *step)
{
  return step->step ? folder_of (&step->where) : step->context->worker->suite->folder;
}

const char *
runner_temp (struct runner_step *step)
{
  struct test_run *test = step->context->test;
  if (test->temp)
    return test->temp;
  char template[PATH_MAX];
  temp_template (template, sizeof template, step->context->worker->link->pid);
  char *path = arena_strdup (&test->arena, template);
  if (!mkdtemp (path)) {
    runner_error (step, "cannot make a temporary folder %s: %s", template, strerror (errno));
    return NULL;
  }
  test->temp = path;
  return path;
}

/* ---- values ---- */

struct runner_out *
runner_result (struct runner_step *step)
{
  return &step->out;
}

/* Only the parts of a step itself see its result; what `expect` looks at is known
 * unless it has paths, matchers or computed keys. */
int
runner_wants (struct runner_step *step, const char *field)
{
  const struct step *source = step->step;
  if (!source)
    return 0;
  if (source->save || source->check || source->fails || source->until || source->stop_if)
    return 1;
  const struct value *expect = source->expect;
  if (!expect || expect->type != VALUE_MAP)
    return expect != NULL;
  for (size_t i = 0; i < expect->count; i++) {
    const struct value *key = &expect->members[i].key;
    if (key->flags & VALUE_DYNAMIC || key->string[0] == '$' || value_is (key, field))
      return 1;
  }
  return 0;
}

const char *
runner_node_json (struct runner_step *step, const struct runner_node *node, size_t *size)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  json_write (&text, node ? (const struct value *) node : &value_null);
  if (size)
    *size = text.size;
  return arena_copy (step->arena, text.data, text.size);
}

const char *
runner_node_print (struct runner_step *step, const struct runner_node *node, size_t *size)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!node || !value_print (&text, (const struct value *) node))
    return NULL;
  if (size)
    *size = text.size;
  return arena_copy (step->arena, text.data ? text.data : "", text.size);
}

int
runner_node_bytes (struct runner_step *step, const struct runner_node *node, struct runner_bytes *bytes)
{
  char error[512];
  const uint8_t *data;
  const struct value *value = node ? (const struct value *) node : &value_null;
  CLEANUP_BUFFER struct buffer text = { 0 };
  struct value printed = *value;
  if (value->type != VALUE_STRING && value->type != VALUE_NULL && value_print (&text, value))
    printed = value_text (arena_copy (step->arena, text.data, text.size), text.size);
  if (param_bytes (step->arena, &printed, runner_folder (step), &data, NULL, &bytes->size, error, sizeof error)) {
    bytes->data = data;
    return 0;
  }
  runner_error (step, "%s", error);
  return -1;
}

static struct match
matching (struct runner_step *step, const struct expr_scope *scope)
{
  return (struct match) { .evaluator = &step->context->evaluator, .scope = scope, .arena = step->arena };
}

int
runner_match (struct runner_step *step, struct runner_pattern pattern, struct runner_out *value)
{
  if (!pattern.node)
    return 1;
  struct expr_scope scope = context_scope (step->context);
  struct match match = matching (step, &scope);
  struct value actual = out_peek (value);
  struct differences differences = { .arena = step->arena };
  int result = match_value (&match, (const struct value *) pattern.node, &actual, &differences);
  if (result == MATCH_WRONG)
    runner_error (step, "%s", differences.count ? differences.items[0].text : "the pattern is wrong");
  return result;
}

/* Do the expectation and the checks of the step hold for `candidate`?  Why not
 * goes to step->near. */
static int
candidate_holds (struct runner_step *step, const struct value *candidate)
{
  const struct step *source = step->step;
  struct expr_scope scope = context_scope (step->context);
  struct expr_error error;
  struct value pattern;
  step->near.size = 0;
  if (source->expect) {
    if (!evaluator_expand (&step->context->evaluator, source->expect, &scope, step->arena, &pattern, &error)) {
      runner_error (step, "%s", error.message);
      return -1;
    }
    struct match match = matching (step, &scope);
    struct differences differences = { .arena = step->arena };
    int result = match_value (&match, &pattern, candidate, &differences);
    if (result == MATCH_WRONG)
      runner_error (step, "%s", differences.count ? differences.items[0].text : "the pattern is wrong");
    for (size_t i = 0; i < differences.count && result == MATCH_NO; i++)
      buffer_printf (&step->near, "%s: %s\n", differences.items[i].path, differences.items[i].text);
    if (result != MATCH_YES)
      return result;
  }
  size_t checks = !source->check ? 0 : source->check->type == VALUE_LIST ? source->check->count : 1;
  for (size_t i = 0; i < checks; i++) {
    const struct value *check = source->check->type == VALUE_LIST ? &source->check->items[i] : source->check;
    bool holds;
    if (!evaluator_test (&step->context->evaluator, check, &scope, &holds, &error)) {
      runner_error (step, "%s", error.message);
      return -1;
    }
    if (!holds) {
      buffer_printf (&step->near, "check does not hold: %s\n", check->type == VALUE_STRING ? check->string : "");
      return 0;
    }
  }
  return 1;
}

int
runner_result_holds (struct runner_step *step)
{
  if (!step->step || (!step->step->expect && !step->step->check))
    return 1;
  struct context *context = step->context;
  const struct value *before = context->result;
  struct value candidate = out_peek (&step->out);
  context->result = &candidate;
  int result = candidate_holds (step, &candidate);
  context->result = before;
  step->candidates++;
  return result;
}

int
runner_regex (struct runner_step *step, const char *regex, const char *text, size_t size, size_t *groups, size_t n)
{
  char error[512];
  size_t found = 0;
  int result = regex_search (regex, strlen (regex), text, size, groups, n, &found, error, sizeof error);
  if (result == REGEX_WRONG) {
    runner_error (step, "%s", error);
    return -1;
  }
  return result == REGEX_YES ? (int) found : 0;
}

/* ---- handles ---- */

static uint32_t
step_id (const struct runner_step *step)
{
  return step->step ? step->step->id : NO_STEP;
}

static const char *
handle_name (const char *name)
{
  return name && *name ? name : "default";
}

/* Says that the handle is another's since `where`. */
static int
in_use (struct runner_step *step, const char *name, const struct runner_handle_type *type, const struct value *where)
{
  CLEANUP_BUFFER struct buffer place = { 0 };
  place_print (&place, where);
  runner_error (step, "%s \"%s\" is in use at %s", type->name, name, buffer_text (&place));
  return -1;
}

/* A copy of what an outer scope has becomes this scope's own. */
static bool
copy_handle (struct runner_step *step, const char *name, const struct runner_handle_type *type, struct handle *original)
{
  void *copy = type->copy (step, original->object);
  scope_copied (original);
  if (copy)
    scope_add (step->context->scope, name, type, copy, &step->where, step_id (step));
  else
    runner_error (step, "%s \"%s\" cannot be copied", type->name, name);
  return copy != NULL;
}

/* As runner_handle_find. */
static int
take_handle (struct runner_step *step, const char *name, const struct runner_handle_type *type, struct handle **handle)
{
  struct value busy;
  struct scope *scope = step->context->scope;
  enum take take = scope_take (scope, name, type, step, &step->where, handle, &busy);
  if (take == TAKE_COPY) {
    if (!copy_handle (step, name, type, *handle))
      return -1;
    take = scope_take (scope, name, type, step, &step->where, handle, &busy);
  }
  if (take == TAKE_NONE)
    return 0;
  if (take != TAKE_OK)
    return in_use (step, name, type, &busy);
  for (size_t i = 0; i < step->held_count; i++)
    if (step->held[i] == *handle)
      return 1;
  if (step->held_count == sizeof step->held / sizeof *step->held) {
    scope_release (*handle);
    runner_error (step, "a step uses at most %zu handles", step->held_count);
    return -1;
  }
  step->held[step->held_count++] = *handle;
  return 1;
}

static void
there_is_none (struct runner_step *step, const char *name, const struct runner_handle_type *type)
{
  runner_error (step, "there is no %s named \"%s\" (it is closed, or was never made: `as: %s`)", type->name, name,
                name);
}

int
runner_handle_find (struct runner_step *step, const char *name, const struct runner_handle_type *type, void **object)
{
  struct handle *handle;
  int found = take_handle (step, handle_name (name), type, &handle);
  *object = found == 1 ? handle->object : NULL;
  return found;
}

void *
runner_handle_use (struct runner_step *step, const char *name, const struct runner_handle_type *type)
{
  struct handle *handle;
  int found = take_handle (step, handle_name (name), type, &handle);
  if (found == 0)
    there_is_none (step, handle_name (name), type);
  return found == 1 ? handle->object : NULL;
}

/* Runs a destructor with a step of its own; its failure is the test's. */
static void
destroy_handle (struct context *context, struct handle *handle)
{
  struct arena arena = { 0 };
  struct runner_step step;
  step_begin (&step, context, NULL, &arena, clock_now_ns () + DEFAULT_GRACE_NS);
  step.cancel_fd = context->worker->never_fd;
  /* the supervisor watches this deadline too, and blames the step that made it */
  struct slot *slot = &context->worker->shared->slots[context->slot];
  uint32_t step_before = slot->step;
  int64_t deadline_before = slot->deadline_ns;
  slot->step = handle->made_by;
  slot->deadline_ns = step.deadline_ns;
  handle->type->destroy (&step, handle->object);
  slot->step = step_before;
  slot->deadline_ns = deadline_before;
  if (step.outcome == RUNNER_FAIL || step.outcome == RUNNER_ERROR)
    record_failure (context, NULL, &handle->user_where, step.outcome, step.expired,
                    arena_printf (&arena, "closing %s \"%s\": %s", handle->type->name, handle->name, step.message),
                    NULL);
  step_release (&step);
  arena_free (&arena);
  handle_free (handle);
}

void
destroy_handles (struct context *context, struct scope *scope)
{
  struct handle *handle;
  while ((handle = scope_pop (scope)))
    destroy_handle (context, handle);
}

static void
forget_held (struct runner_step *step, const struct handle *handle)
{
  for (size_t i = 0; i < step->held_count; i++)
    if (step->held[i] == handle)
      step->held[i--] = step->held[--step->held_count];
}

int
runner_handle_close (struct runner_step *step, const char *name, const struct runner_handle_type *type)
{
  struct handle *handle;
  struct value busy;
  name = handle_name (name);
  int found = take_handle (step, name, type, &handle);
  if (found == 0)
    there_is_none (step, name, type);
  if (found != 1)
    return -1;
  if (scope_remove (handle->home, name, type, step, &handle, &busy) != TAKE_OK)
    return in_use (step, name, type, &busy); /* it is being copied */
  forget_held (step, handle);
  destroy_handle (step->context, handle);
  return 0;
}

int
runner_handle_add (struct runner_step *step, const char *name, const struct runner_handle_type *type, void *object)
{
  struct scope *scope = step->context->scope;
  struct handle *older;
  struct value busy;
  name = handle_name (name);
  enum take take = scope_remove (scope, name, type, step, &older, &busy);
  if (take == TAKE_BUSY)
    return in_use (step, name, type, &busy);
  if (take == TAKE_OK) {
    forget_held (step, older);
    destroy_handle (step->context, older);
  }
  scope_add (scope, name, type, object, &step->where, step_id (step));
  return 0;
}

/* ---- programs ---- */

static char **
make_environment (const struct runner_spawn_options *options, struct arena *arena)
{
  size_t n = 0, own = 0, extra = 0;
  while (!options->clear_env && environ && environ[own])
    own++;
  while (options->env && options->env[extra])
    extra++;
  char **env = arena_array (arena, own + extra + 1, sizeof *env);
  for (size_t i = 0; i < own; i++) {
    size_t name = strcspn (environ[i], "=") + 1;
    bool replaced = false;
    for (size_t j = 0; j < extra && !replaced; j++)
      replaced = strncmp (environ[i], options->env[j], name) == 0;
    if (!replaced)
      env[n++] = environ[i];
  }
  for (size_t j = 0; j < extra; j++)
    env[n++] = (char *) options->env[j];
  return env;
}

/* argv[0] as a path: as it is with a slash, else looked up in PATH. */
static const char *
find_program (const char *name, char *path, size_t size)
{
  if (strchr (name, '/'))
    return name;
  const char *p = getenv ("PATH");
  if (!p)
    p = "/usr/local/bin:/usr/bin:/bin";
  while (*p) {
    size_t n = strcspn (p, ":");
    int length = snprintf (path, size, "%.*s/%s", (int) n, p, name);
    if (n && length > 0 && (size_t) length < size && access (path, X_OK) == 0)
      return path;
    p += n + (p[n] == ':');
  }
  errno = ENOENT;
  return NULL;
}

struct child {
  const char *path;
  char *const *argv;
  char **env;
  const char *cwd;
  int fds[3];
  int terminal;
  int error_fd;
};

/* After fork, before exec: only what is safe there.  Reports errno; less than 0: of
 * the folder. */
static _Noreturn void
become (const struct child *child)
{
  struct sigaction plain = { .sa_handler = SIG_DFL };
  sigset_t none;
  int error = 0;
  setsid ();
  descriptors_restore ();
  for (int s = 1; s < NSIG; s++)
    sigaction (s, &plain, NULL);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  if (child->cwd && chdir (child->cwd) < 0)
    error = -errno;
  /* the three may be each other's numbers: first above 2, then down */
  int high[3];
  for (int i = 0; i < 3 && !error; i++) {
    high[i] = fcntl (child->fds[i], F_DUPFD_CLOEXEC, 3);
    if (high[i] < 0)
      error = errno;
  }
  for (int i = 0; i < 3 && !error; i++)
    if (dup2 (high[i], i) < 0)
      error = errno;
  if (!error && child->terminal && ioctl (0, TIOCSCTTY, 0) < 0)
    error = errno;
  if (!error) {
    execve (child->path, child->argv, child->env);
    error = errno;
  }
  if (write (child->error_fd, &error, sizeof error) < 0)
    _exit (126);
  _exit (127);
}

static pid_t
start_child (struct child *child, int *error)
{
  int report[2];
  sigset_t all, old;
  if (pipe2 (report, O_CLOEXEC) < 0) {
    *error = errno;
    return -1;
  }
  child->error_fd = report[1];
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old); /* no handler of ours runs in the child */
  pid_t pid = fork ();
  if (pid == 0)
    become (child);
  *error = errno;
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  close (report[1]);
  if (pid > 0) {
    ssize_t n;
    do
      n = read (report[0], error, sizeof *error);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t) sizeof *error) {
      waitpid (pid, NULL, 0);
      pid = -1;
    }
  }
  close (report[0]);
  return pid;
}

pid_t
runner_spawn (struct runner_step *step, const struct runner_spawn_options *options)
{
  char found[PATH_MAX];
  struct runner_spawn_options own = { .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1 };
  memcpy (&own, options, options->struct_size < sizeof own ? options->struct_size : sizeof own);
  if (!own.argv || !own.argv[0]) {
    runner_error (step, "there is no program to run: argv is empty");
    return -1;
  }
  const char *path = find_program (own.argv[0], found, sizeof found);
  if (!path) {
    runner_error (step, "cannot run %s: there is no such program in PATH", own.argv[0]);
    return -1;
  }
  CLEANUP_CLOSE int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  struct child child = { .path = path, .argv = (char *const *) own.argv, .env = make_environment (&own, step->arena),
                         .cwd = own.cwd ? own.cwd : runner_folder (step), .terminal = own.terminal,
                         .fds = { own.stdin_fd >= 0 ? own.stdin_fd : null, own.stdout_fd >= 0 ? own.stdout_fd : null,
                                  own.stderr_fd >= 0 ? own.stderr_fd : null } };
  int error = 0;
  pid_t pid = start_child (&child, &error);
  if (pid < 0) {
    if (error < 0)
      runner_error (step, "cannot run %s in the folder %s: %s", own.argv[0], child.cwd, strerror (-error));
    else
      runner_error (step, "cannot run %s: %s", own.argv[0], strerror (error));
    return -1;
  }
  struct context *context = step->context;
  context->test->spawned = true;
  leftover_add (context->worker, pid, context->test->planned == NULL);
  return pid;
}

/* ---- drains ---- */

struct runner_drain {
  struct runner_drain *next; /* of the worker's */
  struct worker *worker;
  struct capture capture;
  int number;
  char *name;
};

struct runner_drain *
runner_drain_open (struct runner_step *step, int fd, const char *name)
{
  struct worker *worker = step->context->worker;
  struct runner_drain *drain = xcalloc (1, sizeof *drain);
  drain->worker = worker;
  drain->name = xstrdup (name);
  if (!capture_new (&drain->capture)
      || (drain->number = keeper_drain (worker->link, fd, &drain->capture, name, NULL)) < 0) {
    runner_error (step, "cannot collect the output of %s: %s", name, strerror (errno));
    capture_free (&drain->capture);
    free (drain->name);
    free (drain);
    return NULL;
  }
  pthread_mutex_lock (&worker->lock);
  drain->next = worker->drains;
  worker->drains = drain;
  pthread_mutex_unlock (&worker->lock);
  return drain;
}

size_t
drain_logs (struct worker *worker, struct arena *arena, struct event_log *logs, size_t n)
{
  size_t count = 0;
  pthread_mutex_lock (&worker->lock);
  for (struct runner_drain *drain = worker->drains; drain && count < n; drain = drain->next) {
    CLEANUP_BUFFER struct buffer text = { 0 };
    capture_tail (&drain->capture, LOG_TAIL, &text);
    if (text.size)
      logs[count++] = (struct event_log) { .name = arena_strdup (arena, drain->name),
                                           .text = arena_copy (arena, text.data, text.size),
                                           .text_size = text.size };
  }
  pthread_mutex_unlock (&worker->lock);
  return count;
}

size_t
runner_drain_read (struct runner_drain *drain, uint64_t *from, void *data, size_t size)
{
  return capture_read (&drain->capture, from, data, size);
}

uint64_t
runner_drain_total (struct runner_drain *drain)
{
  return capture_total (&drain->capture);
}

int
runner_drain_ended (struct runner_drain *drain)
{
  return capture_ended (&drain->capture);
}

int
runner_drain_wait (struct runner_step *step, struct runner_drain *drain, uint64_t seen, int64_t ns)
{
  int64_t end = ns < 0 ? step->deadline_ns : clock_now_ns () + ns;
  for (;;) {
    if (capture_total (&drain->capture) > seen || capture_ended (&drain->capture))
      return 1;
    struct pollfd fd = { .fd = drain->capture.event_fd, .events = POLLIN };
    int64_t left = end - clock_now_ns ();
    int ready = runner_poll (step, &fd, 1, left > 0 ? left : 0);
    if (ready <= 0)
      return ready;
    uint64_t count;
    if (read (drain->capture.event_fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
      return -1;
  }
}

void
runner_drain_close (struct runner_drain *drain)
{
  struct worker *worker = drain->worker;
  pthread_mutex_lock (&worker->lock);
  for (struct runner_drain **link = &worker->drains; *link; link = &(*link)->next)
    if (*link == drain) {
      *link = drain->next;
      break;
    }
  pthread_mutex_unlock (&worker->lock);
  keeper_finish (worker->link, drain->number, NULL);
  capture_free (&drain->capture);
  free (drain->name);
  free (drain);
}
