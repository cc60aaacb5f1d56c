/* role-end.c - the end of roles: have they ended, how, and when?  Ending them is in role-control.c. */
#include "config.h"

#include "role-control.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "secret.h"
#include "text.h"

#define DRAINED_WITHIN_NS (INT64_C (1) * 1000000000) /* else a child of the role has its streams */
#define LAST_WORDS ((size_t) 500)
#define TOLD_WITHIN_NS (INT64_C (2) * 1000000000)    /* how a role of the run ended, by who started it */

void
role_describe_end (int status, struct buffer *out)
{
  if (WIFSIGNALED (status))
    buffer_printf (out, "was killed by SIG%s (%s)", sigabbrev_np (WTERMSIG (status)),
                   sigdescr_np (WTERMSIG (status)));
  else
    buffer_printf (out, "ended with exit status %d", WEXITSTATUS (status));
}

/* What an ended role wrote last may still be on its way through the keeper. */
void
role_wait_drained (struct capture *capture)
{
  int64_t end = clock_now_ns () + DRAINED_WITHIN_NS;
  while (!capture_ended (capture) && clock_now_ns () < end) {
    struct pollfd fd = { .fd = capture->event_fd, .events = POLLIN };
    uint64_t count;
    poll (&fd, 1, 20);
    if (read (capture->event_fd, &count, sizeof count) < 0)
      continue;
  }
}

void
role_last_words (struct role_state *role, struct buffer *out)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!role->running || role->died)
    role_wait_drained (&role->output);
  capture_tail (&role->output, LAST_WORDS, &text);
  if (text.size == LAST_WORDS)
    secret_mask_cut (&text, 0, SECRET_CUT_BEGIN);
  while (text.size && text.data[text.size - 1] == '\n')
    text.size--;
  const char *newline = text.size ? memrchr (text.data, '\n', text.size) : NULL;
  size_t start = newline ? (size_t) (newline - text.data) + 1 : 0;
  if (text.size > start)
    buffer_printf (out, ": %.*s", (int) (text.size - start), text.data + start);
}

bool
role_has_ended (struct role_state *role)
{
  if (role->shared) /* not our child: who started it watches it */
    return false;
  pthread_mutex_lock (&roles_lock);
  if (role->running && waitpid (role->pid, &role->wait_status, WNOHANG) == role->pid)
    role->running = false;
  bool ended = !role->running;
  pthread_mutex_unlock (&roles_lock);
  return ended;
}

/* ---- roles of the whole run ---- */

/* Has its process ended?  The descriptor is readable then, whosever child it was. */
static bool
process_ended (const struct role_state *role)
{
  int status;
  struct pollfd fd = { .fd = role->pid_fd, .events = POLLIN };
  return capture_status (&role->control, &status) != STATUS_UNKNOWN || role->pid_fd < 0 || poll (&fd, 1, 0) > 0;
}

bool
role_shared_ended (struct role_state *role, struct buffer *why)
{
  if (!process_ended (role))
    return false;
  int64_t end = clock_now_ns () + TOLD_WITHIN_NS;
  int status;
  enum capture_status known;
  while ((known = capture_status (&role->control, &status)) == STATUS_UNKNOWN && clock_now_ns () < end) {
    struct timespec wait = { 0, 1000000 };
    nanosleep (&wait, NULL);
  }
  role->died = true;
  buffer_lit (why, "(scope: run) ");
  if (known == STATUS_TOLD)
    role_describe_end (status, why);
  else
    buffer_lit (why, "has ended: what had started it is gone");
  role_last_words (role, why);
  return true;
}

/* ---- of a test ---- */

/* Did it end by itself?  Asked by who then says so. */
static bool
died_alone (struct role_state *role, struct buffer *why)
{
  if (!role->running)
    return false;
  if (role->shared)
    return role_shared_ended (role, why);
  if (!role_has_ended (role))
    return false;
  role->died = true;
  role_describe_end (role->wait_status, why);
  role_last_words (role, why);
  return true;
}

const char *
roles_dead (struct worker *worker, struct arena *arena, int64_t *ended_ns)
{
  for (struct role_state *role = worker->roles; role; role = role->older) {
    CLEANUP_BUFFER struct buffer why = { 0 };
    if (!died_alone (role, &why))
      continue;
    role_wait_drained (&role->control);
    *ended_ns = capture_ended_ns (&role->control);
    return arena_printf (arena, "role %s %s", role->name, buffer_text (&why));
  }
  return NULL;
}

bool
role_is_over (struct role_state *role, struct buffer *why)
{
  if (role->shared) {
    if (!process_ended (role))
      return false;
    return role_shared_ended (role, why);
  }
  pthread_mutex_lock (&roles_lock);
  bool running = role->running;
  /* it is waited for, and blamed, when the test ends */
  siginfo_t info = { .si_pid = 0 };
  bool died = running && waitid (P_PID, (id_t) role->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid;
  pthread_mutex_unlock (&roles_lock);
  if (died)
    role_describe_end (info.si_code == CLD_EXITED ? W_EXITCODE (info.si_status, 0) : info.si_status, why);
  else if (!running)
    buffer_lit (why, "has ended");
  return died || !running;
}

/* ---- in the worker of the roles of the run ---- */

/* One that ends does not take the others with it: who uses it is told. */
static void
tell_ends (struct worker *worker)
{
  for (struct role_state *role = worker->roles; role; role = role->older)
    if (role->running && role_has_ended (role)) {
      capture_tell_status (&role->control, STATUS_TOLD, role->wait_status);
      role_release (worker, role);
    }
}

int
worker_keep_roles (struct worker *worker)
{
  struct pollfd fds[1024];
  for (;;) {
    size_t n = 0;
    fds[n++] = (struct pollfd) { .fd = worker->control_fd, .events = POLLIN };
    for (struct role_state *role = worker->roles; role && n < 1024; role = role->older)
      if (role->running)
        fds[n++] = (struct pollfd) { .fd = role->pid_fd, .events = POLLIN };
    if (poll (fds, n, -1) < 0 && errno != EINTR)
      return 1;
    if (fds[0].revents)
      return 0;
    tell_ends (worker);
  }
}
