/* role-verbs.c - the role.* verbs, and how far each branch has read what roles say. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role-control.h"
#include "text.h"

struct role_args { const char *role; int64_t index; };
struct quiet_args { struct role_args role; struct runner_duration time; struct runner_pattern match; };

#define ROLE_ROWS(type, prefix)                                                                        \
  RUNNER_PARAM_AS ("role", type, prefix role, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,              \
                   .help = "name of the role"),                                                        \
  RUNNER_PARAM_AS ("index", type, prefix index, .min = "0", .help = "which of them, from 0, if the role has a count")

static const struct runner_param role_params[] = { ROLE_ROWS (struct role_args, ), { 0 } };
static const struct runner_param quiet_params[] = {
  ROLE_ROWS (struct quiet_args, role.),
  RUNNER_PARAM_AS ("for", struct quiet_args, time, .flags = RUNNER_REQUIRED, .help = "how long nothing may come"),
  RUNNER_PARAM_AS ("match", struct quiet_args, match, .help = "what may not come; left out: any observation"),
  { 0 }
};

/* What a verb needs of the role, besides that there is one whose process is ours. */
enum need { NEEDS_PROCESS = 1, NEEDS_OWN = 2, NEEDS_ALONE = 4 };

/* With the lock held: may the step be at work with it?  RUNNER_PASS, or why not. */
static int
may_use (struct runner_step *step, const struct role_state *role, unsigned need)
{
  if (role->external)
    return runner_skip (step, "role %s is a system that runs elsewhere (--target): its process is not ours",
                        role->name);
  if ((need & NEEDS_OWN) && role->shared)
    return runner_error (step, "role %s is used by the whole run (scope: run): no suite can start, stop or pause it",
                         role->name);
  if ((need & NEEDS_ALONE) ? role->users > 0 : role->changing) {
    CLEANUP_BUFFER struct buffer place = { 0 };
    place_print (&place, &role->user_where);
    return runner_error (step, "role %s is in use at %s", role->name, buffer_text (&place));
  }
  if ((need & NEEDS_ALONE) && role->running) /* told here: not even for a moment is it in others' way */
    return runner_error (step, "role %s runs already", role->name);
  if ((need & NEEDS_PROCESS) && !role->running)
    return runner_error (step, "role %s does not run", role->name);
  return RUNNER_PASS;
}

/* Does the work on the role that the step names.  As with handles, nobody waits: who starts
 * a role is the only one to use it. */
static int
with_role (struct runner_step *step, const struct role_args *args, unsigned need,
           int (*work) (struct runner_step *step, struct role_state *role, const void *args), const void *more)
{
  struct role_state *role = role_find (step->context->worker, args->role, (uint32_t) args->index);
  if (!role)
    return runner_error (step, "there is no role %s%s", args->role, args->index ? " of that index" : "");
  if (need & NEEDS_ALONE)
    role_has_ended (role); /* has `running` say how it is now */
  pthread_mutex_lock (&roles_lock);
  int outcome = may_use (step, role, need);
  if (outcome == RUNNER_PASS) {
    role->users++;
    role->changing = need & NEEDS_ALONE;
    role->user_where = step->where;
  }
  pthread_mutex_unlock (&roles_lock);
  if (outcome != RUNNER_PASS)
    return outcome;
  outcome = work (step, role, more);
  pthread_mutex_lock (&roles_lock);
  role->users--;
  role->changing = false;
  pthread_mutex_unlock (&roles_lock);
  return outcome;
}

static int
start_one (struct runner_step *step, struct role_state *role, const void *args)
{
  struct context *context = step->context;
  struct verdict before = context->test->verdict;
  (void) args;
  if (role_restart (context, role))
    return RUNNER_PASS;
  step->expired |= context->test->verdict.expired;
  int outcome = runner_error (step, "%s", context->test->verdict.message);
  context->test->verdict = before;
  return outcome;
}

static int
role_start (struct runner_step *step, const void *args)
{
  return with_role (step, args, NEEDS_OWN | NEEDS_ALONE, start_one, NULL);
}

static int
stop_one (struct runner_step *step, struct role_state *role, const void *args)
{
  CLEANUP_BUFFER struct buffer why = { 0 };
  (void) args;
  if (!role_end (role, &why))
    return runner_fail (step, "role %s %s", role->name, buffer_text (&why));
  return RUNNER_PASS;
}

static int
role_stop (struct runner_step *step, const void *args)
{
  return with_role (step, args, NEEDS_PROCESS | NEEDS_OWN, stop_one, NULL);
}

/* As long as it was not waited for, its process id is its own.  0: sent, or it has ended. */
static int
send_signal (struct role_state *role, int signal)
{
  pthread_mutex_lock (&roles_lock);
  int result = role->running ? kill (role->pid, signal) : 0;
  role->paused = signal == SIGSTOP && role->running;
  pthread_mutex_unlock (&roles_lock);
  return result;
}

static int
kill_one (struct runner_step *step, struct role_state *role, const void *args)
{
  (void) args;
  if (!role_has_ended (role))
    kill_descendants (role->pid, 0);
  send_signal (role, SIGKILL);
  if (!role_wait_end (role, DEFAULT_GRACE_NS))
    return runner_error (step, "role %s does not end by SIGKILL", role->name);
  return RUNNER_PASS;
}

static int
role_kill (struct runner_step *step, const void *args)
{
  return with_role (step, args, NEEDS_PROCESS | NEEDS_OWN, kill_one, NULL);
}

static int
pause_one (struct runner_step *step, struct role_state *role, const void *args)
{
  (void) args;
  if (send_signal (role, SIGSTOP) < 0)
    return runner_error (step, "role %s: %s", role->name, strerror (errno));
  return RUNNER_PASS;
}

static int
resume_one (struct runner_step *step, struct role_state *role, const void *args)
{
  (void) args;
  if (send_signal (role, SIGCONT) < 0)
    return runner_error (step, "role %s: %s", role->name, strerror (errno));
  return RUNNER_PASS;
}

/* Judged here, to say first how it ended. */
static int
ended_as_expected (struct runner_step *step, const struct role_state *role)
{
  int holds = runner_result_holds (step);
  if (holds != 0)
    return holds > 0 ? RUNNER_PASS : RUNNER_ERROR;
  CLEANUP_BUFFER struct buffer how = { 0 };
  role_describe_end (role->wait_status, &how);
  while (step->near.size && step->near.data[step->near.size - 1] == '\n')
    step->near.size--;
  int outcome = runner_fail (step, "role %s %s: %.*s", role->name, buffer_text (&how), (int) step->near.size,
                             buffer_text (&step->near));
  step->near.size = 0; /* else it is told as a message that did not do */
  return outcome;
}

/* Waits until a role ends by itself: that is then expected, and no failure. */
static int
await_end (struct runner_step *step, struct role_state *role, const void *args)
{
  (void) args;
  if (role->pid_fd < 0)
    return runner_error (step, "role %s was not started", role->name);
  while (!role_has_ended (role)) {
    struct pollfd fd = { .fd = role->pid_fd, .events = POLLIN };
    if (runner_poll (step, &fd, 1, -1) < 0)
      return runner_expired (step, "waiting for the end of role %s", role->name);
  }
  if (WIFSIGNALED (role->wait_status)) {
    runner_put_null (&step->out, "exit");
    runner_put_string (&step->out, "signal",
                       arena_printf (step->arena, "SIG%s", sigabbrev_np (WTERMSIG (role->wait_status))));
  }
  else {
    runner_put_int (&step->out, "exit", WEXITSTATUS (role->wait_status));
    runner_put_null (&step->out, "signal");
  }
  return ended_as_expected (step, role);
}

static int
role_ended (struct runner_step *step, const void *args)
{
  return with_role (step, args, NEEDS_OWN, await_end, NULL);
}

static int
role_pause (struct runner_step *step, const void *args)
{
  return with_role (step, args, NEEDS_PROCESS | NEEDS_OWN, pause_one, NULL);
}

static int
role_resume (struct runner_step *step, const void *args)
{
  return with_role (step, args, NEEDS_PROCESS | NEEDS_OWN, resume_one, NULL);
}

/* For loops that take what a role says, which may never pause. */
struct pace { int64_t looked; };

#define PACE_NS (INT64_C (1) * 1000000) /* between two looks, each of which is a system call */

/* Must the step end?  Not at once: what has come in time is taken even by who is late. */
static bool
pace_over (struct runner_step *step, struct pace *pace)
{
  int64_t now = clock_now_ns ();
  if (!pace->looked)
    pace->looked = now;
  if (now - pace->looked < PACE_NS)
    return false;
  pace->looked = now;
  return runner_poll (step, NULL, 0, 0) < 0;
}

/* Puts the next observation as the step's result.  1; 2: it said something else; 0: nothing yet; -1: some were
 * lost. */
static int
next_observation (struct runner_step *step, struct role_state *role, uint64_t *cursor, struct buffer *line,
                  struct arena *arena)
{
  int got = role_next_line (role, cursor, line);
  if (got != 1)
    return got;
  arena_reset (arena);
  const struct value *seen = role_said (line, "observe", arena);
  if (!seen || seen->type != VALUE_MAP)
    return 2;
  runner_put_reset (&step->out);
  for (size_t i = 0; i < seen->count; i++)
    runner_put_node (&step->out, seen->members[i].key.string,
                     (const struct runner_node *) &seen->members[i].value);
  return 1;
}

/* Waits for more to read; 1: there may be, 0: time over or the role ended, -1: stop. */
static int
wait_more (struct runner_step *step, struct role_state *role, int64_t ns)
{
  /* its end counts as well for who would wait for ever */
  struct pollfd fds[] = { { .fd = role->control.event_fd, .events = POLLIN },
                          { .fd = ns < 0 ? role->pid_fd : -1, .events = POLLIN } };
  uint64_t count;
  /* the counter may be read by another suite or branch: look again soon */
  const int64_t soon = INT64_C (20) * 1000000;
  bool alone = !role->shared && step->context == &step->context->worker->context;
  if (!alone && (ns < 0 || ns > soon))
    ns = soon;
  int ready = runner_poll (step, fds, 2, ns);
  if (ready > 0 && fds[0].revents && read (role->control.event_fd, &count, sizeof count) < 0 && errno != EAGAIN)
    return -1;
  return ready;
}

static int
lost_some (struct runner_step *step, const struct role_state *role)
{
  return runner_error (step, "role %s said more than is kept: observations that could have matched are lost", role->name);
}

/* ---- how far each branch has read ---- */

/* The main thread's position is the role's own; each branch that reads has its own. */
struct role_cursor {
  struct role_cursor *next;
  struct role_state *role;
  unsigned starts;         /* of the role, when it was read: a new process begins anew */
  uint64_t at;
};

/* With the lock held: parents take over positions while others read. */
static uint64_t *
cursor_of (struct context *context, struct role_state *role)
{
  if (context == &context->worker->context)
    return &role->cursor;
  struct role_cursor *cursor = context->cursors;
  while (cursor && cursor->role != role)
    cursor = cursor->next;
  if (!cursor) {
    cursor = xcalloc (1, sizeof *cursor);
    *cursor = (struct role_cursor) { .next = context->cursors, .role = role };
    context->cursors = cursor;
  }
  if (cursor->starts != role->starts) {
    cursor->starts = role->starts;
    cursor->at = role->cursor;
  }
  return &cursor->at;
}

static uint64_t
read_from (struct context *context, struct role_state *role)
{
  pthread_mutex_lock (&roles_lock);
  uint64_t at = *cursor_of (context, role);
  pthread_mutex_unlock (&roles_lock);
  return at;
}

static void
read_to (struct context *context, struct role_state *role, uint64_t at)
{
  pthread_mutex_lock (&roles_lock);
  *cursor_of (context, role) = at;
  pthread_mutex_unlock (&roles_lock);
}

void
roles_branch (struct context *branch, const struct context *parent)
{
  for (const struct role_cursor *cursor = parent->cursors; cursor; cursor = cursor->next) {
    struct role_cursor *copy = xcalloc (1, sizeof *copy);
    *copy = *cursor;
    copy->next = branch->cursors;
    branch->cursors = copy;
  }
}

void
roles_join (struct context *parent, struct context *branch, bool kept)
{
  while (branch->cursors) {
    struct role_cursor *cursor = branch->cursors;
    branch->cursors = cursor->next;
    pthread_mutex_lock (&roles_lock);
    uint64_t *before = cursor_of (parent, cursor->role);
    if (kept && cursor->starts == cursor->role->starts && cursor->at > *before)
      *before = cursor->at;
    pthread_mutex_unlock (&roles_lock);
    free (cursor);
  }
}

static int
wait_expired (struct runner_step *step, const struct role_state *role)
{
  runner_put_reset (&step->out);
  return runner_expired (step, "waiting for an observation of role %s%s", role->name,
                         step->candidates ? "" : ": it said nothing");
}

static int
read_until_match (struct runner_step *step, struct role_state *role, uint64_t *cursor)
{
  CLEANUP_BUFFER struct buffer line = { 0 };
  CLEANUP_ARENA struct arena arena = { 0 };
  struct pace pace = { 0 };
  for (;;) {
    int got;
    CLEANUP_BUFFER struct buffer why = { 0 };
    bool over = role_is_over (role, &why); /* asked before it is read to the end */
    if (over)
      role_wait_drained (&role->control);
    while ((got = next_observation (step, role, cursor, &line, &arena)) > 0) {
      int holds = got == 1 ? runner_result_holds (step) : 0;
      if (holds != 0)
        return holds > 0 ? RUNNER_PASS : RUNNER_ERROR;
      if (pace_over (step, &pace))
        return wait_expired (step, role);
    }
    if (got < 0)
      return lost_some (step, role);
    runner_put_reset (&step->out);
    if (over)
      return runner_fail (step, "role %s %s, and said nothing%s", role->name, buffer_text (&why),
                          step->candidates ? " that matches" : "");
    if (wait_more (step, role, -1) < 0)
      return wait_expired (step, role);
  }
}

static int
wait_one (struct runner_step *step, struct role_state *role, const void *args)
{
  (void) args;
  if (!role->drained)
    return runner_error (step, "role %s does not run", role->name);
  uint64_t at = read_from (step->context, role);
  int outcome = read_until_match (step, role, &at);
  read_to (step->context, role, at);
  return outcome;
}

static int
role_wait (struct runner_step *step, const void *args)
{
  return with_role (step, args, 0, wait_one, NULL);
}

static int
was_not_quiet (struct runner_step *step, const struct role_state *role)
{
  CLEANUP_BUFFER struct buffer shown = { 0 };
  struct value seen = out_peek (&step->out);
  value_show (&shown, &seen, 500);
  return runner_fail (step, "role %s should be quiet, but said %s", role->name, buffer_text (&shown));
}

static int
read_quiet (struct runner_step *step, struct role_state *role, const struct quiet_args *a, uint64_t *cursor)
{
  CLEANUP_BUFFER struct buffer line = { 0 };
  CLEANUP_ARENA struct arena arena = { 0 };
  struct pace pace = { 0 };
  int64_t end = clock_now_ns () + a->time.ns;
  uint64_t last = UINT64_MAX; /* what comes after it, comes after the time */
  for (;;) {
    int64_t left = end - clock_now_ns ();
    if (left <= 0 && last == UINT64_MAX)
      last = capture_total (&role->control);
    int got = *cursor < last ? next_observation (step, role, cursor, &line, &arena) : 0;
    if (got < 0)
      return lost_some (step, role);
    int matches = got == 1 ? runner_match (step, a->match, &step->out) : 0;
    if (matches != 0)
      return matches < 0 ? RUNNER_ERROR : was_not_quiet (step, role);
    runner_put_reset (&step->out);
    if (got == 0 && left <= 0)
      return RUNNER_PASS;
    if (got ? pace_over (step, &pace) : wait_more (step, role, left) < 0)
      return runner_expired (step, "watching role %s", role->name);
  }
}

static int
quiet_one (struct runner_step *step, struct role_state *role, const void *args)
{
  uint64_t at = read_from (step->context, role);
  int outcome = read_quiet (step, role, args, &at);
  read_to (step->context, role, at);
  return outcome;
}

static int
role_quiet (struct runner_step *step, const void *args)
{
  const struct quiet_args *a = args;
  return with_role (step, &a->role, NEEDS_PROCESS, quiet_one, a);
}

static int
log_one (struct runner_step *step, struct role_state *role, const void *args)
{
  (void) args;
  if (!role->drained)
    return runner_error (step, "role %s does not run", role->name);
  CLEANUP_BUFFER struct buffer text = { 0 };
  role_log_since (role, role->log_mark, 2 * CAPTURE_PART, &text);
  const char *log = buffer_text (&text);
  runner_put_text (&step->out, "text", log, text.size);
  runner_put_list (&step->out, "lines");
  for (size_t i = 0; i < text.size;) {
    const char *end = memchr (log + i, '\n', text.size - i);
    size_t n = end ? (size_t) (end - log) - i : text.size - i;
    runner_put_text (&step->out, NULL, log + i, n);
    i += n + 1;
  }
  runner_put_end (&step->out);
  return RUNNER_PASS;
}

static int
role_log (struct runner_step *step, const void *args)
{
  return with_role (step, args, 0, log_one, NULL);
}

/* A number behind `key` in /proc/PID/FILE; -1: none. */
static int64_t
proc_number (pid_t pid, const char *file, const char *key)
{
  char path[64], line[256];
  snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, file);
  FILE *stream = fopen (path, "re");
  int64_t number = -1;
  while (stream && fgets (line, sizeof line, stream))
    if (strncmp (line, key, strlen (key)) == 0)
      number = strtoll (line + strlen (key), NULL, 10);
  if (stream)
    fclose (stream);
  return number;
}

static double
cpu_seconds (pid_t pid)
{
  char path[64], line[1024];
  unsigned long user = 0, system = 0;
  snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  FILE *stream = fopen (path, "re");
  const char *rest = stream && fgets (line, sizeof line, stream) ? strrchr (line, ')') : NULL;
  /* fields 14 and 15 of proc(5), counted behind the name */
  if (rest && sscanf (rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    user = system = 0;
  if (stream)
    fclose (stream);
  return (double) (user + system) / (double) sysconf (_SC_CLK_TCK);
}

static int64_t
open_descriptors (pid_t pid)
{
  struct stat st;
  char path[64];
  int64_t count = 0;
  for (int fd = 0; fd < 1 << 16; fd++) {
    snprintf (path, sizeof path, "/proc/%d/fd/%d", (int) pid, fd);
    if (lstat (path, &st) == 0)
      count++;
    else if (fd > count + 4096)
      break;
  }
  return count;
}

static int
stats_of_one (struct runner_step *step, struct role_state *role, const void *args)
{
  (void) args;
  runner_put_int (&step->out, "pid", role->pid);
  runner_put_int (&step->out, "memory", proc_number (role->pid, "status", "VmRSS:") * 1024);
  runner_put_int (&step->out, "memory_peak", proc_number (role->pid, "status", "VmHWM:") * 1024);
  runner_put_int (&step->out, "threads", proc_number (role->pid, "status", "Threads:"));
  runner_put_int (&step->out, "descriptors", open_descriptors (role->pid));
  runner_put_float (&step->out, "cpu", cpu_seconds (role->pid));
  return RUNNER_PASS;
}

static int
role_stats (struct runner_step *step, const void *args)
{
  return with_role (step, args, NEEDS_PROCESS, stats_of_one, NULL);
}

#define FIELDS(table) .result = table, .result_count = sizeof table / sizeof *table - 1
#define PARAMS(table, type) { .rows = table, .count = sizeof table / sizeof *table - 1, .args_size = sizeof (type) }

static const struct runner_field log_fields[] = {
  { .name = "text", .type = RUNNER_TEXT, .help = "what the role printed since the test began" },
  { .name = "lines", .type = RUNNER_LIST, .help = "the same, line by line" },
  { 0 }
};
static const struct runner_field ended_fields[] = {
  { .name = "exit", .type = RUNNER_INT, .help = "its exit status; null when a signal ended it" },
  { .name = "signal", .type = RUNNER_TEXT, .help = "the signal's name (SIGSEGV), or null" },
  { 0 }
};
static const struct runner_field stats_fields[] = {
  { .name = "pid", .type = RUNNER_INT, .help = "process id" },
  { .name = "memory", .type = RUNNER_INT, .help = "resident memory in bytes" },
  { .name = "memory_peak", .type = RUNNER_INT, .help = "its highest value so far" },
  { .name = "threads", .type = RUNNER_INT, .help = "number of threads" },
  { .name = "descriptors", .type = RUNNER_INT, .help = "open file descriptors" },
  { .name = "cpu", .type = RUNNER_FLOAT, .help = "seconds of processor time" },
  { 0 }
};

const struct verb *
role_verb_table (size_t *count)
{
  static const struct verb verbs[] = {
    { .name = "role.start", .help = "starts a role, on the addresses it had before", .run = role_start,
      .params = PARAMS (role_params, struct role_args), .flags = VERB_OWN_TIME },
    { .name = "role.stop", .help = "ends a role by SIGTERM", .run = role_stop,
      .params = PARAMS (role_params, struct role_args) },
    { .name = "role.kill", .help = "ends a role by SIGKILL", .run = role_kill,
      .params = PARAMS (role_params, struct role_args) },
    { .name = "role.ended", .help = "waits until a role has ended by itself", .run = role_ended,
      .params = PARAMS (role_params, struct role_args), FIELDS (ended_fields) },
    { .name = "role.pause", .help = "stops a role where it is (SIGSTOP)", .run = role_pause,
      .params = PARAMS (role_params, struct role_args) },
    { .name = "role.resume", .help = "lets a paused role go on (SIGCONT)", .run = role_resume,
      .params = PARAMS (role_params, struct role_args) },
    { .name = "role.wait", .help = "waits for an observation of a role that the expectations hold for",
      .run = role_wait, .params = PARAMS (role_params, struct role_args),
      .flags = RUNNER_RECEIVES | RUNNER_OPEN_RESULT },
    { .name = "role.quiet", .help = "a role may make no observation that matches", .run = role_quiet,
      .params = PARAMS (quiet_params, struct quiet_args), .flags = RUNNER_RECEIVES | RUNNER_OPEN_RESULT },
    { .name = "role.log", .help = "reads what a role has printed since the test began", .run = role_log,
      .params = PARAMS (role_params, struct role_args), FIELDS (log_fields) },
    { .name = "role.stats", .help = "reads the memory, threads, descriptors and processor time of a role",
      .run = role_stats, .params = PARAMS (role_params, struct role_args), FIELDS (stats_fields) },
  };
  *count = sizeof verbs / sizeof *verbs;
  return verbs;
}
