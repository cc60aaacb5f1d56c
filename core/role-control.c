/* role-control.c - roles as a worker sees them: starting, stopping, watching.  The role.*
 * verbs are in role-verbs.c, the start of a process in role-start.c, the role's own side in role-process.c. */
#include "config.h"

#include "role-control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "document.h"
#include "files.h"
#include "json.h"
#include "text.h"
#include "units.h"

#define LINE_MOST ((size_t) 1 << 20) /* of what a role says */

pthread_mutex_t roles_lock = PTHREAD_MUTEX_INITIALIZER;

bool
role_cannot (struct context *context, const struct role_state *role, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "role %s ", role->name);
  va_list args;
  va_start (args, fmt);
  buffer_vprintf (&text, fmt, args);
  va_end (args);
  record_failure (context, NULL, &role->def->where, RUNNER_ERROR, false, buffer_text (&text), NULL);
  return false;
}

/* ---- what a role says ---- */

int
role_next_line (struct role_state *role, uint64_t *cursor, struct buffer *line)
{
  uint64_t from = *cursor;
  line->size = 0;
  for (;;) {
    char data[4096];
    uint64_t wanted = from;
    size_t n = capture_read (&role->control, &from, data, sizeof data);
    if (from != wanted) {
      *cursor = from;
      return -1;
    }
    if (n == 0)
      return 0;
    const char *end = memchr (data, '\n', n);
    buffer_add (line, data, end ? (size_t) (end - data) : n);
    if (end) {
      *cursor = from + (uint64_t) (end - data) + 1;
      return 1;
    }
    from += n;
    if (line->size > LINE_MOST) {
      *cursor = from;
      return -1;
    }
  }
}

const struct value *
role_said (const struct buffer *line, const char *what, struct arena *arena)
{
  struct value *value = arena_alloc (arena, sizeof *value);
  char error[128];
  if (!json_parse (arena, line->data ? line->data : "", line->size, value, error, sizeof error))
    return NULL;
  return value_get (value, what);
}

/* The test is cancelled, or has no time left: the role may be fine. */
static bool
stopped_early (struct context *context, const struct role_state *role)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "%s before role %s was ready",
                 context_cancelled (context) ? "cancelled" : "the test's time was over", role->name);
  record_failure (context, NULL, &role->def->where, RUNNER_ERROR, true, buffer_text (&text), NULL);
  return false;
}

/* Waits for {"ready": …}. */
static bool
wait_ready (struct context *context, struct role_state *role)
{
  int64_t end = clock_now_ns () + role->def->ready_ns;
  CLEANUP_BUFFER struct buffer line = { 0 }, why = { 0 };
  uint64_t cursor = 0;
  for (;;) {
    CLEANUP_ARENA struct arena arena = { 0 };
    const struct value *ready = NULL;
    while (!ready && role_next_line (role, &cursor, &line) == 1) /* what follows is for role.wait */
      ready = role_said (&line, "ready", &arena);
    if (ready) {
      struct value exports = value_copy (&role->arena, ready);
      pthread_mutex_lock (&roles_lock);
      role->exports = exports;
      role->cursor = cursor;
      pthread_mutex_unlock (&roles_lock);
      return true;
    }
    bool ended = role_has_ended (role);
    if (ended && !capture_ended (&role->control)) {
      role_wait_drained (&role->control); /* it may have got ready before */
      if (capture_ended (&role->control))
        continue;
    }
    if (ended) {
      role_describe_end (role->wait_status, &why);
      role_last_words (role, &why);
      return role_cannot (context, role, "is not ready: it %s", buffer_text (&why));
    }
    int64_t left = end - clock_now_ns ();
    if (left > 0 && context_stopped (context))
      return stopped_early (context, role);
    if (left <= 0) {
      role_last_words (role, &why);
      struct buffer took = { 0 };
      print_duration (&took, role->def->ready_ns);
      bool fine = role_cannot (context, role, "did not get ready within %s%s", buffer_text (&took), buffer_text (&why));
      buffer_free (&took);
      return fine;
    }
    struct pollfd fds[] = { { .fd = role->control.event_fd, .events = POLLIN },
                            { .fd = role->pid_fd, .events = POLLIN },
                            { .fd = context->cancel_fd, .events = POLLIN } };
    if (left > context->deadline_ns - clock_now_ns ())
      left = context->deadline_ns - clock_now_ns ();
    poll (fds, 3, left < 0 ? 0 : (int) (left / 1000000 > 60000 ? 60000 : left / 1000000 + 1));
    uint64_t count;
    if (fds[0].revents && read (role->control.event_fd, &count, sizeof count) < 0 && errno != EAGAIN)
      return role_cannot (context, role, "cannot be heard: %s", strerror (errno));
  }
}

/* ---- all roles of a suite or test ---- */

struct role_state *
role_find (struct worker *worker, const char *name, uint32_t index)
{
  for (struct role_state *role = worker->roles; role; role = role->older)
    if (strcmp (role->def->name, name) == 0 && role->index == index)
      return role;
  return NULL;
}

static void
set_changed (struct scope *scope, const char *name, const struct value *now)
{
  const struct value *before = scope_get (scope, name, strlen (name));
  if (!before || !value_equal (before, now))
    scope_set (scope, name, now);
}

/* In a branch, others may be reading the suite's names: it changes its own, which become
 * the parent's when it ends; the suite's are then made by roles_publish. */
static void
publish_value (struct context *context, const char *name, const struct value *now, bool of_test)
{
  struct worker *worker = context->worker;
  struct scope *test = context->test->scope ? context->test->scope : context->scope;
  if (context != &worker->context) {
    set_changed (test, name, now);
    set_changed (context->scope, name, now);
    return;
  }
  /* the test's may hide the suite's since a branch left it there */
  if (of_test || scope_get (test, name, strlen (name)) != scope_get (&worker->scope, name, strlen (name)))
    set_changed (test, name, now);
  if (!of_test)
    set_changed (&worker->scope, name, now);
}

/* Makes ${NAME} what the roles of that name export now. */
static void
publish (struct context *context, const struct role_def *def)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct value empty = { .type = VALUE_MAP, .flags = VALUE_UNSTARTED }; /* expressions say so */
  uint8_t flags = 0;
  uint32_t n = def->count ? def->count : 1;
  struct value *items = arena_array (&arena, n, sizeof *items);
  bool of_test = false;
  pthread_mutex_lock (&roles_lock);
  for (uint32_t i = 0; i < n; i++) {
    struct role_state *role = role_find (context->worker, def->name, i);
    items[i] = role && (role->exports.count || role->starts) ? role->exports : empty;
    flags |= items[i].flags & VALUE_UNSTARTED;
    of_test |= role && role->of_test;
  }
  pthread_mutex_unlock (&roles_lock);
  struct value list = { .type = VALUE_LIST, .flags = flags, .count = n, .items = items };
  publish_value (context, def->name, def->count ? &list : &items[0], of_test);
}

void
roles_publish (struct context *context)
{
  const struct suite *suite = context->worker->suite;
  const struct planned *planned = context->test->planned;
  for (size_t i = 0; i < suite->role_count; i++)
    if (role_find (context->worker, suite->roles[i].name, 0))
      publish (context, &suite->roles[i]);
  for (size_t i = 0; planned && i < planned->test->role_count; i++)
    if (role_find (context->worker, planned->test->roles[i].name, 0))
      publish (context, &planned->test->roles[i]);
}

static struct role_state *
add_role (struct worker *worker, const struct role_def *def, uint32_t index, bool of_test)
{
  struct role_state *role = xcalloc (1, sizeof *role);
  role->def = def;
  role->index = index;
  role->of_test = of_test;
  role->pid_fd = -1;
  role->exports = (struct value) { .type = VALUE_MAP };
  role->name = def->count ? arena_printf (&role->arena, "%s[%u]", def->name, index) : def->name;
  role->older = worker->roles;
  worker->roles = role;
  return role;
}

static void
use_target (struct worker *worker, struct role_state *role)
{
  const struct role_type *type = role->def->type;
  struct member *members = arena_array (&role->arena, type->export_count, sizeof *members);
  size_t n = 0;
  for (size_t i = 0; i < type->export_count; i++) {
    const char *text = plan_target (worker->plan, role->def->name, type->exports[i].name);
    struct value value;
    if (!text)
      continue;
    if (type->exports[i].type != RUNNER_INT || !document_scalar (text, strlen (text), &value))
      value = value_string (text);
    members[n++] = (struct member) { value_string (type->exports[i].name), value };
  }
  role->exports = (struct value) { .type = VALUE_MAP, .count = n, .members = members };
  role->external = true;
}

static bool
expand_args (struct context *context, struct role_state *role)
{
  struct expr_error error;
  struct expr_scope scope = context_scope (context);
  struct value args;
  CLEANUP_ARENA struct arena arena = { 0 };
  if (!evaluator_expand (&context->evaluator, role->def->args, &scope, &arena, &args, &error)) {
    record_failure (context, NULL, error.where.line ? &error.where : &role->def->where, RUNNER_ERROR, false,
                    error.message, NULL);
    return false;
  }
  role->args = value_copy (&role->arena, &args);
  return true;
}

/* One that runs already, for all suites. */
static bool
join_shared (struct context *context, struct role_state *role, const struct run_role *shared)
{
  role->shared = role->running = role->drained = true;
  role->pid = shared->pid;
  role->starts = 1;
  role->log = shared->log;
  role->exports = value_copy (&role->arena, &shared->exports);
  int fds[] = { dup (shared->control.memory_fd), dup (shared->control.event_fd), dup (shared->output.memory_fd),
                dup (shared->output.event_fd) };
  if (fds[0] < 0 || fds[1] < 0 || fds[2] < 0 || fds[3] < 0 || !capture_open (&role->control, fds[0], fds[1])
      || !capture_open (&role->output, fds[2], fds[3]))
    return role_cannot (context, role, "cannot be joined: %s", strerror (errno));
  role->pid_fd = (int) syscall (SYS_pidfd_open, shared->pid, 0);
  CLEANUP_BUFFER struct buffer why = { 0 };
  if (role_shared_ended (role, &why))
    return role_cannot (context, role, "%s", buffer_text (&why));
  return true;
}

/* Starts all processes of one definition, not waiting for them. */
static bool
launch (struct context *context, const struct role_def *def, bool of_test)
{
  struct worker *worker = context->worker;
  bool external = plan_targets_role (worker->plan, def->name);
  uint32_t n = def->count ? def->count : 1;
  bool fine = true;
  for (uint32_t i = 0; i < n && fine; i++) {
    struct role_state *role = add_role (worker, def, i, of_test);
    const struct run_role *shared = def->run_scope ? run_roles_find (worker->run_roles, def->name, i) : NULL;
    if (external)
      use_target (worker, role);
    else if (shared)
      fine = join_shared (context, role, shared);
    else if (!def->manual)
      fine = expand_args (context, role) && role_spawn (context, role);
  }
  return fine;
}

static bool
await (struct context *context, const struct role_def *def)
{
  uint32_t n = def->count ? def->count : 1;
  for (uint32_t i = 0; i < n; i++) {
    struct role_state *role = role_find (context->worker, def->name, i);
    if (role && role->running && !role->shared && !wait_ready (context, role))
      return false;
  }
  publish (context, def);
  return true;
}

bool
roles_start (struct context *context, const struct role_def *roles, size_t count, bool of_test)
{
  enum { WAITING, LAUNCHED, READY } *state = xcalloc (count, sizeof *state);
  size_t ready = 0;
  bool fine = true;
  while (fine && ready < count) {
    size_t launched = 0;
    for (size_t i = 0; i < count && fine; i++) {
      bool blocked = state[i] != WAITING;
      for (size_t j = 0; j < count && !blocked; j++)
        blocked = i != j && state[j] != READY && value_mentions (roles[i].args, roles[j].name);
      if (blocked)
        continue;
      fine = launch (context, &roles[i], of_test);
      state[i] = LAUNCHED;
      launched++;
    }
    for (size_t i = 0; i < count && fine; i++)
      if (state[i] == LAUNCHED) {
        fine = await (context, &roles[i]);
        state[i] = READY;
        ready++;
      }
    if (fine && launched == 0) {
      record_failure (context, NULL, &roles[0].where, RUNNER_ERROR, false, "roles: their references go in a circle", NULL);
      fine = false;
    }
  }
  free (state);
  return fine;
}

bool
role_wait_end (struct role_state *role, int64_t ns)
{
  int64_t end = clock_now_ns () + ns;
  while (!role_has_ended (role)) {
    int64_t left = end - clock_now_ns ();
    if (left <= 0)
      return false;
    struct pollfd fd = { .fd = role->pid_fd, .events = POLLIN };
    poll (&fd, 1, (int) (left / 1000000) + 1);
  }
  return true;
}

void
role_release (struct worker *worker, struct role_state *role)
{
  if (role->pid_fd >= 0)
    close (role->pid_fd);
  role->pid_fd = -1;
  if (role->shared) {
    capture_free (&role->output);
    capture_free (&role->control);
    role->drained = false;
  }
  if (role->drained) {
    keeper_finish (worker->link, role->output_number, role->log);
    keeper_finish (worker->link, role->control_number, NULL);
    capture_free (&role->output);
    capture_free (&role->control);
    role->drained = false;
  }
}

bool
role_end (struct role_state *role, struct buffer *why)
{
  if (role_has_ended (role))
    return true;
  kill (role->pid, SIGCONT);
  kill (role->pid, SIGTERM);
  if (!role_wait_end (role, DEFAULT_GRACE_NS)) {
    kill_descendants (role->pid, 0);
    kill (role->pid, SIGKILL);
    role_wait_end (role, DEFAULT_GRACE_NS);
    buffer_lit (why, "did not end within its grace time of 5 s after SIGTERM and was killed");
    return false;
  }
  if (role->wait_status == 0)
    return true;
  role_describe_end (role->wait_status, why);
  buffer_lit (why, " when it was stopped");
  return false;
}

bool
role_restart (struct context *context, struct role_state *role)
{
  role_release (context->worker, role);
  if (!expand_args (context, role) || !role_spawn (context, role) || !wait_ready (context, role))
    return false;
  publish (context, role->def);
  return true;
}

static void
free_role (struct context *context, struct role_state *role)
{
  role_release (context->worker, role);
  if (role->temp && !remove_tree (role->temp))
    test_warning (context->test, "role %s: the folder %s cannot be removed", role->name, role->temp);
  arena_free (&role->arena);
  free (role);
}

void
roles_stop (struct context *context, bool of_test_only)
{
  struct worker *worker = context->worker;
  for (struct role_state **link = &worker->roles; *link;) {
    struct role_state *role = *link;
    if (of_test_only && !role->of_test) {
      link = &role->older;
      continue;
    }
    CLEANUP_BUFFER struct buffer why = { 0 };
    bool was_running = role->running && !role->shared && !role_has_ended (role);
    if (was_running && !role_end (role, &why))
      test_warning (context->test, "role %s %s", role->name, buffer_text (&why));
    *link = role->older;
    free_role (context, role);
  }
}

void
roles_resume (struct context *context)
{
  for (struct role_state *role = context->worker->roles; role; role = role->older)
    if (role->running && role->paused) {
      kill (role->pid, SIGCONT);
      role->paused = false;
      test_warning (context->test, "role %s was still paused: it goes on", role->name);
    }
}

bool
role_look (struct worker *worker, const char *name, uint32_t index, struct role_view *view)
{
  struct role_state *role = role_find (worker, name, index);
  if (!role || !role->drained)
    return false;
  *view = (struct role_view) { role->pid, &role->exports, role->log, &role->control, &role->output };
  return true;
}

void
roles_mark (struct worker *worker)
{
  for (struct role_state *role = worker->roles; role; role = role->older)
    if (role->drained) {
      role->cursor = capture_total (&role->control);
      role->log_mark = capture_total (&role->output);
    }
}

bool
roles_own (const struct worker *worker, pid_t pid)
{
  for (const struct role_state *role = worker->roles; role; role = role->older)
    if (role->running && role->pid == pid)
      return true;
  return false;
}

size_t
role_log_since (struct role_state *role, uint64_t from, size_t most, struct buffer *out)
{
  uint64_t total = capture_total (&role->output);
  if (total > from + most)
    from = total - most;
  size_t n = (size_t) (total > from ? total - from : 0);
  buffer_reserve (out, n + 1);
  n = capture_read (&role->output, &from, out->data + out->size, n);
  out->size += n;
  return n;
}

size_t
roles_logs (struct worker *worker, struct arena *arena, struct event_log **logs)
{
  size_t n = 0, count = 0;
  for (struct role_state *role = worker->roles; role; role = role->older)
    n++;
  *logs = arena_array (arena, n + 1, sizeof **logs);
  for (struct role_state *role = worker->roles; role; role = role->older) {
    CLEANUP_BUFFER struct buffer text = { 0 };
    if (!role->drained || !role_log_since (role, role->died ? 0 : role->log_mark, LOG_TAIL, &text))
      continue;
    (*logs)[count++] = (struct event_log) { .name = arena_strdup (arena, role->name),
                                            .text = arena_copy (arena, text.data, text.size),
                                            .text_size = text.size, .file = arena_strdup (arena, role->log) };
  }
  return count;
}
