/* guard.c - see guard.h.  Who breaks something on purpose gets around it. */
#include "config.h"

#include "guard.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "text.h"
#include "worker.h"

#define PRINTED_AT_ONCE ((size_t) 64 << 10)     /* of one test, its end */
#define LOOK_EVERY_NS 200000                    /* at descriptors, which costs more than a microsecond */
#define DRAINED_WITHIN_NS (INT64_C (2) * 1000000000) /* else it is told with what comes later */

static void
add (struct guard *guard, int fd)
{
  struct stat st;
  if (fd >= 0 && fstat (fd, &st) == 0)
    guard->fds[guard->count++] = (struct guarded) { fd, st.st_dev, st.st_ino };
}

void
guard_begin (struct worker *worker, struct capture *printed)
{
  struct guard *guard = &worker->guard;
  guard->keeper = (int) syscall (SYS_pidfd_open, worker->link->pid, 0);
  guard->printed = printed;
  guard->count = 0;
  guard->suspect = NO_STEP;
  const int fds[] = { worker->events_fd, worker->control_fd, worker->never_fd, worker->link->socket,
                      worker->link->printed_fd, guard->keeper };
  for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
    add (guard, fds[i]);
}

/* ---- descriptors ---- */

static bool
descriptors_stayed (const struct guard *guard)
{
  for (size_t i = 0; i < guard->count; i++) {
    struct stat st;
    const struct guarded *was = &guard->fds[i];
    if (fstat (was->fd, &st) < 0 || st.st_dev != was->device || st.st_ino != was->number)
      return false;
  }
  return true;
}

/* Closed ones only, by one system call. */
static bool
descriptors_open (const struct guard *guard)
{
  struct pollfd fds[sizeof guard->fds / sizeof *guard->fds];
  for (size_t i = 0; i < guard->count; i++)
    fds[i] = (struct pollfd) { .fd = guard->fds[i].fd };
  if (poll (fds, guard->count, 0) <= 0)
    return true;
  for (size_t i = 0; i < guard->count; i++)
    if (fds[i].revents & POLLNVAL)
      return false;
  return true;
}

/* ---- the keeper ---- */

/* One that was sent SIGKILL may be there for a moment longer, though it never runs again.
 * process_mrelease (2) tells: it is for those alone, and refuses all others (EINVAL). */
static bool
keeper_lives (const struct worker *worker)
{
  if (syscall (SYS_process_mrelease, worker->guard.keeper, 0) < 0 && (errno == EINVAL || errno == EINTR))
    return true;
  return (errno == ENOSYS || errno == EPERM || errno == EBADF) && getppid () == worker->link->pid;
}

/* Until the kernel ends this process too: the step that runs now is the one to blame. */
static _Noreturn void
wait_for_end (void)
{
  for (;;)
    pause ();
}

/* ---- what was printed ---- */

static bool
is_drained (const struct worker *worker)
{
  int waiting = 0;
  /* in this order: what left the pipe before is on its way, or has arrived */
  return ioctl (worker->link->printed_fd, FIONREAD, &waiting) < 0
         || (waiting == 0 && !atomic_load (&worker->guard.printed->head->busy));
}

static void
collect (struct context *context)
{
  struct worker *worker = context->worker;
  struct guard *guard = &worker->guard;
  fflush (stdout);
  int64_t end = 0;
  while (!is_drained (worker)) {
    struct timespec wait = { 0, 50000 };
    int64_t now = clock_now_ns ();
    end = end ? end : now + DRAINED_WITHIN_NS;
    if (now > end)
      break;
    nanosleep (&wait, NULL);
  }
  if (capture_total (guard->printed) == guard->collected)
    return;
  CLEANUP_BUFFER struct buffer text = { 0 };
  uint64_t total = capture_total (guard->printed);
  capture_since (guard->printed, guard->collected, PRINTED_AT_ONCE, &text);
  guard->collected = total;
  test_output (context, text.data, text.size);
}

static _Noreturn void
end_broken (const struct worker *worker)
{
  worker->shared->fault = FAULT_DESCRIPTORS;
  _exit (WORKER_BROKEN);
}

void
guard_look (const struct context *context, uint32_t step)
{
  struct worker *worker = context->worker;
  struct guard *guard = &worker->guard;
  if (!guard->count)
    return;
  if (!keeper_lives (worker))
    wait_for_end ();
  int64_t now = clock_now_ns ();
  guard->suspect = step;
  if (now - guard->looked_ns < LOOK_EVERY_NS)
    return;
  guard->looked_ns = now;
  if (!descriptors_open (guard))
    end_broken (worker);
  guard->suspect = NO_STEP;
}

void
guard_end_test (struct context *context)
{
  struct worker *worker = context->worker;
  if (!worker->guard.count)
    return;
  struct slot *slot = &worker->shared->slots[context->slot];
  atomic_store_explicit (&slot->step, worker->guard.suspect, memory_order_release); /* if anything is wrong */
  if (!descriptors_stayed (&worker->guard))
    end_broken (worker);
  if (!keeper_lives (worker))
    wait_for_end ();
  worker->guard.suspect = NO_STEP;
  atomic_store_explicit (&slot->step, NO_STEP, memory_order_release);
  if (worker->guard.printed)
    collect (context);
}
