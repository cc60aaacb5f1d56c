/* leftover.c - programs that a test leaves running: found, ended, told.
 *
 * Nothing is looked for while no program was started: a run of small tests pays
 * nothing for this. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "text.h"
#include "worker.h"

#define LEFT_MOST 4096
#define END_TAKES_NS (INT64_C (5) * 1000000000) /* what is still there then is told, and left */
#define TOLD_MOST ((size_t) 4 << 10) /* bytes about them */

struct spawned {
  struct spawned *next;
  pid_t pid;
  bool of_suite;
};

void
leftover_add (struct worker *worker, pid_t pid, bool of_suite)
{
  struct spawned *spawned = xcalloc (1, sizeof *spawned);
  spawned->pid = pid;
  spawned->of_suite = of_suite;
  pthread_mutex_lock (&worker->lock);
  spawned->next = worker->spawned;
  worker->spawned = spawned;
  pthread_mutex_unlock (&worker->lock);
}

static bool
is_suites (struct worker *worker, pid_t pid)
{
  bool found = false;
  pthread_mutex_lock (&worker->lock);
  for (const struct spawned *s = worker->spawned; s && !found; s = s->next)
    found = s->pid == pid && s->of_suite;
  pthread_mutex_unlock (&worker->lock);
  return found || roles_own (worker, pid);
}

static void
forget_tests (struct worker *worker)
{
  pthread_mutex_lock (&worker->lock);
  for (struct spawned **link = &worker->spawned; *link;) {
    struct spawned *s = *link;
    if (s->of_suite) {
      link = &s->next;
      continue;
    }
    *link = s->next;
    free (s);
  }
  pthread_mutex_unlock (&worker->lock);
}

/* Is it a zombie, waiting to be reaped? */
static bool
has_ended (pid_t pid)
{
  char path[64], text[512];
  snprintf (path, sizeof path, "/proc/%d/stat", (int) pid);
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof text - 1);
  if (n <= 0)
    return true;
  text[n] = '\0';
  const char *state = strrchr (text, ')');
  return !state || state[1] != ' ' || state[2] == 'Z' || state[2] == 'X';
}

static void
add_told (struct buffer *told, pid_t pid)
{
  if (told->size >= TOLD_MOST)
    return;
  if (told->size)
    buffer_lit (told, ", ");
  describe_process (pid, told);
  if (told->size >= TOLD_MOST)
    buffer_lit (told, ", …");
}

/* Ends one process and all below it. */
static void
end_family (pid_t pid)
{
  kill (pid, SIGSTOP);
  kill_descendants (pid, 0);
  kill (pid, SIGKILL);
}

/* Waits until they have ended, but not for ever: one may be another user's by now, or hang in the
 * kernel.  Returns how many have not; they come first then. */
static size_t
await_ends (pid_t *pids, size_t n, bool own)
{
  int64_t end = clock_now_ns () + END_TAKES_NS;
  for (;;) {
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
      if (!has_ended (pids[i]))
        pids[left++] = pids[i];
      else if (own)
        waitpid (pids[i], NULL, WNOHANG);
    n = left;
    if (!left || clock_now_ns () > end)
      return left;
    struct timespec wait = { 0, 1000000 };
    nanosleep (&wait, NULL);
  }
}

static void
end_children (struct worker *worker, pid_t parent, struct buffer *told, struct buffer *stuck)
{
  pid_t pids[LEFT_MOST];
  size_t n, found, left;
  do {
    n = children_of (parent, pids, LEFT_MOST);
    found = 0;
    for (size_t i = 0; i < n; i++) {
      if (pids[i] == getpid () || is_suites (worker, pids[i]))
        continue;
      if (!has_ended (pids[i])) {
        add_told (told, pids[i]);
        end_family (pids[i]);
      }
      pids[found++] = pids[i];
    }
    left = await_ends (pids, found, parent == getpid ());
    for (size_t i = 0; i < left; i++) {
      add_told (stuck, pids[i]);
      leftover_add (worker, pids[i], true); /* told once: later tests are not blamed for it */
    }
  } while (n == LEFT_MOST && found > left); /* there may be more */
}

const char *
leftover_end (struct worker *worker, struct arena *arena)
{
  CLEANUP_BUFFER struct buffer told = { 0 }, stuck = { 0 };
  end_children (worker, getpid (), &told, &stuck);
  end_children (worker, worker->link->pid, &told, &stuck); /* those that escaped to the keeper */
  forget_tests (worker);
  if (!told.size)
    return NULL;
  if (!stuck.size)
    return arena_printf (arena, "left running, and ended by the runner: %s", buffer_text (&told));
  return arena_printf (arena, "left running: %s; cannot be ended: %s", buffer_text (&told), buffer_text (&stuck));
}
