/* step-program.c - the interface for plugins: programs that steps start, and what they print.
 * Those that a test leaves running are ended by leftover.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "text.h"
#include "worker.h"

/* ---- starting them ---- */

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
  int error = 0;
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
  if (pipe2 (report, O_CLOEXEC) < 0) {
    *error = errno;
    return -1;
  }
  child->error_fd = report[1];
  pid_t pid = child_fork ();
  if (pid == 0)
    become (child);
  *error = errno;
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

/* ---- what they print ---- */

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
