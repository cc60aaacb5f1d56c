/* program.c - see program.h. */
#define _GNU_SOURCE 1
#include "program.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILL_TAKES INT64_C (2000000000) /* 2 s: how long a killed program may take to be gone */
#define LEFT_TAKES INT64_C (500000000)  /* 500 ms: the same where a step is late already */
#define LOOK_EVERY INT64_C (20000000) /* 20 ms: how often to look where there is no pidfd */

/* ---- the command ---- */

static void
free_texts (char **texts)
{
  for (char **text = texts; text && *text; text++)
    free (*text);
  free (texts);
}

/* A scalar as a C string, with `prefix_size` bytes of `prefix` and `=` before it
 * if there is one.  NULL: the step's error is set. */
static char *
text_of (struct runner_step *step, const char *what, const char *prefix, size_t prefix_size,
         const struct runner_node *node)
{
  size_t size = 0;
  const char *text = runner_kind (node) == RUNNER_IS_NULL ? NULL : runner_node_print (step, node, &size);
  if (!text) {
    runner_error (step, "%s: texts and numbers only", what);
    return NULL;
  }
  if (memchr (text, '\0', size)) {
    runner_error (step, "%s: a text with a zero byte cannot be given to a program", what);
    return NULL;
  }
  size_t lead = prefix ? prefix_size + 1 : 0;
  char *copy = malloc (lead + size + 1);
  if (!copy) {
    runner_error (step, "out of memory");
    return NULL;
  }
  if (prefix) {
    memcpy (copy, prefix, prefix_size);
    copy[prefix_size] = '=';
  }
  memcpy (copy + lead, text, size);
  copy[lead + size] = '\0';
  return copy;
}

/* Room for `n` texts more than the list or map has; NULL: the step's error is set. */
static char **
texts_new (struct runner_step *step, const struct runner_node *node, size_t n)
{
  char **texts = calloc (runner_node_count (node) + n + 1, sizeof *texts);
  if (!texts)
    runner_error (step, "out of memory");
  return texts;
}

static char **
make_argv (struct runner_step *step, const struct program_args *args)
{
  char **argv;
  if (args->shell) {
    const char *const command[] = { "/bin/sh", "-c", args->shell };
    if (!(argv = texts_new (step, NULL, 3)))
      return NULL;
    for (size_t i = 0; i < 3; i++)
      if (!(argv[i] = strdup (command[i]))) {
        free_texts (argv);
        runner_error (step, "out of memory");
        return NULL;
      }
    return argv;
  }
  size_t count = runner_node_count (args->argv.node);
  if (count == 0) { /* the table asks for one */
    runner_error (step, "argv is empty: the program's name comes first");
    return NULL;
  }
  if (!(argv = texts_new (step, args->argv.node, 0)))
    return NULL;
  for (size_t i = 0; i < count; i++)
    if (!(argv[i] = text_of (step, "argv", NULL, 0, runner_node_at (args->argv.node, i)))) {
      free_texts (argv);
      return NULL;
    }
  return argv;
}

static char **
make_env (struct runner_step *step, const struct program_args *args)
{
  const struct runner_node *map = args->env.node;
  char **env = texts_new (step, map, 1);
  size_t n = 0;
  int path = 0;
  for (size_t i = 0; env && i < runner_node_count (map); i++) {
    size_t size;
    const char *key = runner_node_key (map, i, &size);
    if (size == 0 || memchr (key, '=', size) || memchr (key, '\0', size)) {
      runner_error (step, "env: %.*s is no name of a variable", (int) (size > 100 ? 100 : size), key);
      free_texts (env);
      return NULL;
    }
    path |= size == 4 && memcmp (key, "PATH", 4) == 0;
    if (!(env[n++] = text_of (step, "env", key, size, runner_node_at (map, i)))) {
      free_texts (env);
      return NULL;
    }
  }
  const char *ours = getenv ("PATH");
  if (env && args->clear_env.on && !path && ours && asprintf (&env[n], "PATH=%s", ours) < 0) {
    env[n] = NULL;
    runner_error (step, "out of memory");
    free_texts (env);
    return NULL;
  }
  return env;
}

/* What messages call it: the file's name.  A shell's command need not have any. */
static void
name_program (struct program *program, const struct program_args *args, const char *file)
{
  const char *slash = file ? strrchr (file, '/') : NULL;
  if (slash && slash[1])
    file = slash + 1;
  snprintf (program->name, sizeof program->name, "%.60s", file && !args->shell ? file : "the command");
}

int
program_start (struct runner_step *step, const struct program_args *args, const struct program_files *files,
               struct program *program)
{
  *program = (struct program) { .pid = -1, .pidfd = -1 };
  char **argv = make_argv (step, args);
  char **env = argv ? make_env (step, args) : NULL;
  char *cwd = NULL;
  int ready = env != NULL;
  if (ready && args->cwd && asprintf (&cwd, "%s%s%s", *args->cwd == '/' ? "" : runner_folder (step),
                                      *args->cwd == '/' ? "" : "/", args->cwd) < 0) {
    cwd = NULL;
    ready = 0;
    runner_error (step, "out of memory");
  }
  if (ready) {
    struct runner_spawn_options spawn = { .struct_size = sizeof spawn, .argv = (const char *const *) argv,
                                  .env = (const char *const *) env, .cwd = cwd, .stdin_fd = files->in,
                                  .stdout_fd = files->out, .stderr_fd = files->err,
                                  .clear_env = args->clear_env.on, .terminal = files->terminal };
    name_program (program, args, argv[0]);
    program->started = runner_now ();
    program->pid = runner_spawn (step, &spawn);
  }
  free (cwd);
  free_texts (env);
  free_texts (argv);
  if (program->pid < 0)
    return RUNNER_ERROR;
  program->pidfd = (int) syscall (SYS_pidfd_open, program->pid, 0); /* with close-on-exec, always */
  return RUNNER_PASS;
}

/* ---- its end ---- */

int
program_ended (struct program *program)
{
  if (program->ended)
    return 1;
  siginfo_t info;
  int result;
  do {
    info.si_pid = 0;
    /* WNOWAIT: it stays a zombie, so that its id cannot become another's. */
    result = waitid (P_PID, (id_t) program->pid, &info, WEXITED | WNOHANG | WNOWAIT);
  } while (result < 0 && errno == EINTR);
  if (result == 0 && info.si_pid == 0)
    return 0;
  program->ended = 1;
  program->ended_at = runner_now ();
  if (result < 0)
    program->status = -1; /* somebody else has reaped it: nothing is known */
  else if (info.si_code == CLD_EXITED)
    program->status = info.si_status;
  else
    program->signal = info.si_status;
  return 1;
}

/* Its id may become another's after this. */
static void
reap (struct program *program)
{
  if (program->reaped)
    return;
  while (waitpid (program->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  program->reaped = 1;
}

void
program_release (struct program *program)
{
  if (program->ended)
    reap (program);
  if (program->pidfd >= 0)
    close (program->pidfd);
  program->pidfd = -1;
}

int
program_kill (struct program *program, int signal, int group)
{
  if (program->reaped)
    return ESRCH;
  return kill (group ? -program->pid : program->pid, signal) == 0 ? 0 : errno;
}

int
program_await (struct program *program, int64_t ns)
{
  int64_t end = runner_now () + ns;
  while (!program_ended (program)) {
    int64_t left = end - runner_now ();
    if (left <= 0)
      return 0;
    if (program->pidfd < 0 && left > LOOK_EVERY)
      left = LOOK_EVERY;
    struct timespec time = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
    struct pollfd fd = { .fd = program->pidfd, .events = POLLIN };
    (void) ppoll (&fd, 1, &time, NULL); /* EINTR: it is looked at again */
  }
  return 1;
}

/* Gives the rest of its group until `end`.  A zombie counts as a member, so it is
 * reaped first; the group's id stays taken as long as there are others.  1: they are gone;
 * 0: they are not; -1: the step (NULL: none) must end. */
static int
group_await (struct runner_step *step, struct program *program, int64_t end)
{
  reap (program);
  while (kill (-program->pid, 0) == 0) {
    if (runner_now () >= end)
      return 0;
    /* Nothing tells that a group has become empty: it is looked at each millisecond. */
    if (!step)
      (void) poll (NULL, 0, 1);
    else if (runner_sleep (step, 1000000) < 0)
      return -1;
  }
  return 1;
}

int
program_finish (struct runner_step *step, struct program *program, int64_t end)
{
  if (program->reaped || !program->ended)
    return 0;
  int gone = group_await (step, program, end);
  if (gone > 0)
    return 0;
  /* Also when the step must end: they cannot be found again, once the last has given up the id. */
  (void) kill (-program->pid, SIGKILL);
  (void) group_await (NULL, program, runner_now () + (gone < 0 ? LEFT_TAKES : KILL_TAKES));
  return gone < 0 ? -1 : 1;
}

void
program_destroy (struct program *program)
{
  if (program->reaped)
    return;
  (void) program_kill (program, SIGKILL, 1);
  /* Nothing outlives SIGKILL but a program stuck in the kernel: that one is not waited for. */
  int64_t end = runner_now () + KILL_TAKES;
  if (program_await (program, KILL_TAKES))
    (void) group_await (NULL, program, end);
}

int
program_end (struct program *program, int64_t grace)
{
  if (program->reaped)
    return 0;
  int64_t end = runner_now () + grace;
  (void) program_kill (program, SIGTERM, 1);
  (void) program_kill (program, SIGCONT, 1); /* a stopped one could not react */
  int ended = program_await (program, grace);
  if (ended)
    return program_finish (NULL, program, end);
  program_destroy (program);
  return 1;
}

/* ---- signals ---- */

const char *
program_signal_name (char *out, int signal)
{
  const char *name = sigabbrev_np (signal);
  if (name)
    snprintf (out, SIGNAL_ROOM, "SIG%s", name);
  else if (signal >= SIGRTMIN && signal <= SIGRTMAX)
    snprintf (out, SIGNAL_ROOM, "SIGRTMIN+%d", signal - SIGRTMIN);
  else
    snprintf (out, SIGNAL_ROOM, "%d", signal);
  return out;
}

int
program_signal_number (const char *text)
{
  if (strncmp (text, "SIG", 3) == 0)
    text += 3;
  for (int signal = 1; signal < NSIG; signal++) {
    const char *name = sigabbrev_np (signal);
    if (name && strcmp (name, text) == 0)
      return signal;
  }
  char *end;
  long number = strtol (text, &end, 10);
  return *text && !*end && number > 0 && number < NSIG ? (int) number : 0;
}

void
program_put_end (struct runner_out *out, const struct program *program)
{
  char name[SIGNAL_ROOM];
  if (program->signal || program->status < 0)
    runner_put_null (out, "exit");
  else
    runner_put_int (out, "exit", program->status);
  runner_put_string (out, "signal", program->signal ? program_signal_name (name, program->signal) : NULL);
  runner_put_float (out, "time", (double) (program->ended_at - program->started) / 1e9);
}

ssize_t
program_write (int fd, const void *data, size_t size)
{
  sigset_t pipe_only, pending, before;
  sigemptyset (&pipe_only);
  sigaddset (&pipe_only, SIGPIPE);
  sigpending (&pending);
  int was_pending = sigismember (&pending, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe_only, &before);
  ssize_t n;
  do
    n = write (fd, data, size);
  while (n < 0 && errno == EINTR);
  int error = errno;
  /* write(2) sends the signal to this very thread: take it back. */
  struct timespec now = { 0 };
  if (n < 0 && error == EPIPE && !was_pending)
    while (sigtimedwait (&pipe_only, NULL, &now) < 0 && errno == EINTR)
      ;
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = error;
  return n;
}
