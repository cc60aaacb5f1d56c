/* run-roles.c - see run-roles.h. */
#include "config.h"

#include "run-roles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptors.h"
#include "json.h"
#include "role-control.h"

#define LOOK_MS 100 /* between two looks at whether the keeper still goes on */
#define WORD_MOST ((size_t) 64 << 10) /* one message: a role's exports */

/* ---- which ---- */

static struct run_role *
find_name (const struct run_roles *roles, const char *name)
{
  for (size_t i = 0; i < roles->count; i++)
    if (strcmp (roles->items[i].def->name, name) == 0)
      return &roles->items[i];
  return NULL;
}

static void
collect_role (struct run_roles *roles, const struct suite *suite, const struct role_def *def, struct faults *faults)
{
  const struct run_role *same = find_name (roles, def->name);
  if (same) {
    if (same->def->type != def->type || same->def->count != def->count || !value_equal (same->def->args, def->args)) {
      CLEANUP_BUFFER struct buffer place = { 0 };
      place_print (&place, &same->def->where);
      fault_add (faults, &def->where, "role %s with scope: run is another one than at %s", def->name,
                 buffer_text (&place));
    }
    return;
  }
  uint32_t n = def->count ? def->count : 1;
  struct run_role *items = arena_array (&roles->arena, roles->count + n, sizeof *items);
  if (roles->count)
    memcpy (items, roles->items, roles->count * sizeof *items);
  for (uint32_t i = 0; i < n; i++)
    items[roles->count++] = (struct run_role) { .def = def, .suite = suite, .index = i };
  roles->items = items;
}

void
run_roles_collect (struct run_roles *roles, const struct plan *plan, struct faults *faults)
{
  *roles = (struct run_roles) { .control = -1, .socket = -1 };
  for (size_t i = 0; i < plan->suite_count; i++) {
    const struct suite *suite = plan->suites[i].suite;
    for (size_t r = 0; r < suite->role_count; r++)
      if (suite->roles[r].run_scope && !plan_targets_role (plan, suite->roles[r].name))
        collect_role (roles, suite, &suite->roles[r], faults);
  }
}

const struct run_role *
run_roles_find (const struct run_roles *roles, const char *name, uint32_t index)
{
  for (size_t i = 0; roles && i < roles->count; i++)
    if (strcmp (roles->items[i].def->name, name) == 0 && roles->items[i].index == index)
      return &roles->items[i];
  return NULL;
}

/* ---- their worker ---- */

struct work {
  struct run_roles *roles;
  const struct plan *plan;
  const struct run_options *options;
  struct expr_engine *engine;
  int never, control, socket;
  const char *log_folder;
};

/* One message: JSON, and the four descriptors of its output. */
static bool
tell_role (const struct work *work, size_t number, const struct role_view *view)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "{\"role\":%zu,\"pid\":%d,\"log\":", number, (int) view->pid);
  json_write_string (&text, view->log, strlen (view->log));
  buffer_lit (&text, ",\"exports\":");
  json_write (&text, view->exports);
  buffer_putc (&text, '}');
  int fds[] = { view->control->memory_fd, view->control->event_fd, view->output->memory_fd, view->output->event_fd };
  return text.size <= WORD_MOST && descriptors_send (work->socket, text.data, text.size, fds, 4);
}

static void
tell_failure (const struct work *work, const struct verdict *verdict)
{
  CLEANUP_BUFFER struct buffer text = { 0 }, why = { 0 };
  place_print (&why, &verdict->where);
  buffer_printf (&why, ": %s", verdict->message);
  buffer_lit (&text, "{\"failed\":");
  json_write_string (&text, why.data, why.size);
  buffer_putc (&text, '}');
  descriptors_send (work->socket, text.data, text.size, NULL, 0);
}

/* The roles that did not end well, and the like. */
static void
tell_warnings (const struct work *work, const char *const *warnings, size_t count)
{
  for (size_t i = 0; i < count; i++) {
    CLEANUP_BUFFER struct buffer text = { 0 };
    buffer_lit (&text, "{\"warning\":");
    json_write_string (&text, warnings[i], strlen (warnings[i]));
    buffer_putc (&text, '}');
    if (text.size > WORD_MOST || !descriptors_send (work->socket, text.data, text.size, NULL, 0))
      return; /* the supervisor is gone */
  }
}

/* Does one that is not yet started have to come before it? */
static bool
is_blocked (const struct run_roles *roles, const bool *started, size_t which)
{
  for (size_t i = 0; i < roles->count; i++)
    if (i != which && !started[i] && roles->items[i].def != roles->items[which].def
        && value_mentions (roles->items[which].def->args, roles->items[i].def->name))
      return true;
  return false;
}

/* Starts them in the order that their references need.  False: the verdict says why. */
static bool
start_in_order (const struct run_roles *roles, struct worker *worker, struct verdict *verdict)
{
  bool *started = xcalloc (roles->count, sizeof *started), fine = true;
  for (bool more = true; more && fine;) {
    more = false;
    for (size_t i = 0; i < roles->count && fine; i++) {
      if (started[i] || is_blocked (roles, started, i))
        continue;
      if (roles->items[i].index == 0)
        fine = worker_start_run_role (worker, roles->items[i].suite, roles->items[i].def, verdict);
      started[i] = more = true;
    }
  }
  for (size_t i = 0; i < roles->count && fine; i++)
    if (!started[i]) {
      *verdict = (struct verdict) { .outcome = RUNNER_ERROR, .where = roles->items[i].def->where,
                                    .message = "roles: their references go in a circle" };
      fine = false;
    }
  free (started);
  return fine;
}

static int
work_roles (void *data, struct keeper_link *link)
{
  struct work *work = data;
  struct run_roles *roles = work->roles;
  sigset_t none;
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGINT, SIG_IGN);
  struct shared *shared = shared_new ();
  if (!shared)
    return 3;
  struct worker worker = { .plan = work->plan, .options = work->options, .shared = shared, .link = link,
                           .engine = work->engine, .events_fd = -1, .control_fd = work->control,
                           .never_fd = work->never, .log_folder = work->log_folder };
  struct verdict verdict = { .message = "what it exports is too long" };
  bool fine = start_in_order (roles, &worker, &verdict);
  for (size_t i = 0; i < roles->count && fine; i++) {
    struct role_view view;
    if (role_look (&worker, roles->items[i].def->name, roles->items[i].index, &view))
      fine = tell_role (work, i, &view);
  }
  if (!fine)
    tell_failure (work, &verdict);
  int status = fine ? worker_keep_roles (&worker) : 1;
  const char *const *warnings = NULL;
  size_t count = worker_stop_roles (&worker, &warnings);
  tell_warnings (work, warnings, count);
  arena_free (&worker.arena);
  shared_free (shared);
  return status;
}

/* ---- the supervisor's side ---- */

static void
add_note (struct run_roles *roles, bool lost, const char *before, const char *text)
{
  if (roles->note_count == roles->note_room) {
    roles->note_room = roles->note_room ? roles->note_room * 2 : 8;
    roles->notes = xrealloc (roles->notes, roles->note_room, sizeof *roles->notes);
  }
  roles->notes[roles->note_count++] = (struct run_note) { arena_printf (&roles->arena, "%s%s", before, text), lost };
}

const struct run_note *
run_roles_note (struct run_roles *roles)
{
  return roles->notes_told < roles->note_count ? &roles->notes[roles->notes_told++] : NULL;
}

/* Takes one message; 2: a warning; 1: a role; 0: it failed; -1: it is gone, or has nothing to say now. */
static int
receive_word (struct run_roles *roles, int flags, char *error, size_t error_size)
{
  static char text[WORD_MOST];
  int fds[DESCRIPTORS_SENT];
  size_t count;
  ssize_t n = descriptors_receive (roles->socket, text, sizeof text, flags, fds, &count);
  struct value word;
  char why[128];
  if (n <= 0 || !json_parse (&roles->arena, text, (size_t) n, &word, why, sizeof why))
    return -1;
  const struct value *failed = value_get (&word, "failed"), *number = value_get (&word, "role"),
                     *pid = value_get (&word, "pid"), *log = value_get (&word, "log"),
                     *exports = value_get (&word, "exports"), *warning = value_get (&word, "warning");
  if (warning) {
    add_note (roles, false, "", warning->type == VALUE_STRING ? warning->string : "?");
    return 2;
  }
  if (failed) {
    snprintf (error, error_size, "%s", failed->type == VALUE_STRING ? failed->string : "?");
    return 0;
  }
  if (!number || !pid || !log || log->type != VALUE_STRING || !exports || number->integer < 0 || (size_t) number->integer >= roles->count
      || count != 4)
    return -1;
  struct run_role *role = &roles->items[number->integer];
  role->pid = (pid_t) pid->integer;
  role->exports = *exports;
  role->log = log->string;
  return capture_open (&role->control, fds[0], fds[1]) && capture_open (&role->output, fds[2], fds[3]) ? 1 : -1;
}

void
run_roles_look (struct run_roles *roles)
{
  const char *how = keeper_look (&roles->keeper);
  if (how)
    add_note (roles, false, "the keeper process of the roles with scope: run ", how);
}

/* Until there is a message, or a signal. */
static bool
wait_word (struct run_roles *roles, int signals, char *error, size_t error_size)
{
  struct pollfd fds[] = { { .fd = roles->socket, .events = POLLIN }, { .fd = signals, .events = POLLIN } };
  int ready;
  while ((ready = poll (fds, 2, LOOK_MS)) <= 0) {
    if (ready < 0 && errno != EINTR)
      return false;
    run_roles_look (roles);
  }
  if (fds[1].revents)
    snprintf (error, error_size, "%s", "interrupted before the roles with scope: run were ready");
  return !fds[1].revents;
}

bool
run_roles_start (struct run_roles *roles, const struct plan *plan, const struct run_options *options,
                 struct expr_engine *engine, int never, int signals, const char *log_folder, const int *foreign,
                 char *error, size_t error_size)
{
  int control[2], pair[2];
  snprintf (error, error_size, "%s", "the roles with scope: run ended before they were ready");
  if (pipe2 (control, O_CLOEXEC) < 0)
    return false;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
    close (control[0]);
    close (control[1]);
    return false;
  }
  struct work work = { roles, plan, options, engine, never, control[0], pair[1], log_folder };
  int not_keepers[] = { control[0], control[1], pair[0], pair[1], -1 };
  bool started = keeper_start (&roles->keeper, work_roles, &work, not_keepers, foreign, NULL);
  close (control[0]);
  close (pair[1]);
  roles->control = control[1];
  roles->socket = pair[0];
  if (!started)
    return false;
  fcntl (roles->keeper.status, F_SETFL, O_NONBLOCK);
  for (size_t i = 0; i < roles->count; i++)
    if (!wait_word (roles, signals, error, error_size) || receive_word (roles, 0, error, error_size) != 1)
      return false;
  return true;
}

bool
run_roles_ended (struct run_roles *roles, struct buffer *text)
{
  for (size_t i = 0; i < roles->count; i++) {
    struct run_role *role = &roles->items[i];
    int status;
    enum capture_status known = role->control.head ? capture_status (&role->control, &status) : STATUS_UNKNOWN;
    if (known == STATUS_UNKNOWN || role->told)
      continue;
    role->told = true;
    buffer_printf (text, "role %s", role->def->name);
    if (role->def->count)
      buffer_printf (text, "[%u]", role->index);
    buffer_lit (text, " (scope: run) ");
    if (known == STATUS_TOLD)
      role_describe_end (status, text);
    else
      buffer_lit (text, "has ended: the process that had started it is gone");
    return true;
  }
  return false;
}

/* Waits for the keeper.  True: it ended as it should. */
static bool
reap_keeper (struct run_roles *roles)
{
  int status = 0;
  while (waitpid (roles->keeper.pid, &status, 0) < 0 && errno == EINTR)
    continue;
  close (roles->keeper.lifeline);
  close (roles->keeper.status);
  roles->last_keeper = roles->keeper.pid;
  roles->keeper.pid = 0;
  for (size_t i = 0; i < roles->count; i++)
    if (roles->items[i].control.head)
      capture_tell_status (&roles->items[i].control, STATUS_LOST, 0);
  return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

static void
take_status (void *data, const char *line)
{
  if (strncmp (line, "lost ", 5) == 0)
    add_note (data, true, "a log is lost: ", line + 5);
  if (strncmp (line, "left ", 5) == 0)
    add_note (data, true, "still runs, and cannot be ended: ", line + 5);
}

bool
run_roles_lost (struct run_roles *roles)
{
  if (!keeper_read (&roles->keeper, &roles->status, take_status, roles))
    return false;
  reap_keeper (roles);
  return true;
}

/* All that it has said; by then it may be gone. */
static void
receive_words (struct run_roles *roles)
{
  char error[256];
  while (receive_word (roles, MSG_DONTWAIT, error, sizeof error) > 0)
    continue;
}

bool
run_roles_stop (struct run_roles *roles)
{
  if (roles->keeper.pid <= 0)
    return true;
  if (write (roles->control, "e", 1) < 0 && errno != EPIPE)
    perror ("runner: roles with scope: run");
  struct pollfd fds[] = { { .fd = roles->keeper.status, .events = POLLIN }, { .fd = roles->socket, .events = POLLIN } };
  bool ended = false;
  while (!ended) { /* until then something may be left */
    if (poll (fds, 2, LOOK_MS) < 0 && errno != EINTR)
      break;
    run_roles_look (roles);
    receive_words (roles);
    if (fds[1].revents & (POLLHUP | POLLERR))
      fds[1].fd = -1; /* its worker is gone: readable for ever */
    ended = keeper_read (&roles->keeper, &roles->status, take_status, roles);
  }
  receive_words (roles);
  return reap_keeper (roles);
}

void
run_roles_free (struct run_roles *roles)
{
  for (size_t i = 0; i < roles->count; i++)
    if (roles->items[i].control.head) {
      capture_free (&roles->items[i].control);
      capture_free (&roles->items[i].output);
    }
  if (roles->control >= 0)
    close (roles->control);
  if (roles->socket >= 0)
    close (roles->socket);
  buffer_free (&roles->status);
  free (roles->notes);
  arena_free (&roles->arena);
}
