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
#include <unistd.h>

#include "worker.h"

#define LEFT_MOST 4096
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
is_suites (const struct worker *worker, pid_t pid)
{
  for (const struct spawned *s = worker->spawned; s; s = s->next)
    if (s->pid == pid && s->of_suite)
      return true;
  return roles_own (worker, pid);
}

static void
forget_tests (struct worker *worker)
{
  for (struct spawned **link = &worker->spawned; *link;) {
    struct spawned *s = *link;
    if (s->of_suite) {
      link = &s->next;
      continue;
    }
    *link = s->next;
    free (s);
  }
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
command_line (pid_t pid, struct buffer *out)
{
  char path[64], text[200];
  snprintf (path, sizeof path, "/proc/%d/cmdline", (int) pid);
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof text);
  while (n > 0 && text[n - 1] == '\0')
    n--;
  for (ssize_t i = 0; i < n; i++)
    buffer_putc (out, text[i] ? text[i] : ' ');
  if (n <= 0)
    buffer_putc (out, '?');
}

/* Ends one process and all below it. */
static void
end_family (pid_t pid, struct buffer *told)
{
  if (told->size < TOLD_MOST) {
    buffer_printf (told, "%s%d (", told->size ? ", " : "", (int) pid);
    command_line (pid, told);
    buffer_putc (told, ')');
    if (told->size >= TOLD_MOST)
      buffer_lit (told, ", …");
  }
  kill (pid, SIGSTOP);
  kill_descendants (pid, 0);
  kill (pid, SIGKILL);
}

static void
end_children (struct worker *worker, pid_t parent, struct buffer *told)
{
  pid_t pids[LEFT_MOST];
  size_t n, ended;
  do {
    n = children_of (parent, pids, LEFT_MOST);
    ended = 0;
    for (size_t i = 0; i < n; i++) {
      if (pids[i] == getpid () || is_suites (worker, pids[i]))
        continue;
      if (!has_ended (pids[i])) {
        end_family (pids[i], told);
        ended++;
      }
      if (parent == getpid ())
        waitpid (pids[i], NULL, 0);
    }
  } while (n == LEFT_MOST && ended); /* there may be more */
}

const char *
leftover_end (struct worker *worker, struct arena *arena)
{
  CLEANUP_BUFFER struct buffer told = { 0 };
  pthread_mutex_lock (&worker->lock);
  end_children (worker, getpid (), &told);
  end_children (worker, worker->link->pid, &told); /* those that escaped to the keeper */
  forget_tests (worker);
  pthread_mutex_unlock (&worker->lock);
  return told.size ? arena_copy (arena, told.data, told.size) : NULL;
}
