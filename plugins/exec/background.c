/* background.c - see background.h.  Their output is collected by the runner (see
 * runner_drain), so that they never stall, and read from there. */
#define _GNU_SOURCE 1
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "../common/show.h"
#include "run.h"

#define PIECE ((size_t) 64 << 10)
#define AT_ONCE ((size_t) 1 << 20)
#define GRACE INT64_C (2000000000)        /* 2 s between SIGTERM and SIGKILL at the test's end, at most */
#define LOOK_EVERY INT64_C (20000000)     /* 20 ms: how often to look where there is no pidfd */
#define LAST_COMES INT64_C (2000000000)   /* 2 s: how long the last output of an ended program is waited for */
#define LAST_SHOWN 300                    /* bytes of it */

enum { OUT, ERR, OUTPUTS };

struct output {
  struct background *owner;
  struct runner_drain *drain; /* NULL: there is none */
  uint64_t from;              /* what the drain has from here on was not yet taken */
  struct stream stream;
  char name[80];              /* "server stdout" */
};

struct background {
  struct program program;
  int in;                     /* the program's standard input or terminal; -1: closed */
  int terminal;
  int asked;                  /* the test has asked how it ended */
  int signalled;              /* the test has sent it a signal: however it ends then is its wish */
  char name[64];              /* of the handle */
  struct output outputs[OUTPUTS];
};

/* ---- its life ---- */

static void
background_free (struct background *background)
{
  if (background->program.pid > 0)
    program_release (&background->program);
  if (background->in >= 0)
    close (background->in);
  for (int i = 0; i < OUTPUTS; i++) {
    if (background->outputs[i].drain)
      runner_drain_close (background->outputs[i].drain);
    stream_free (&background->outputs[i].stream);
  }
  free (background);
}

/* Signals that a program is not sent by those who want it to end. */
static int
is_crash (int signal)
{
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGABRT || signal == SIGILL || signal == SIGFPE
         || signal == SIGSYS || signal == SIGTRAP;
}

/* Nobody has looked how it ended: by itself only with exit status 0 is fine. */
static void
judge_unseen (struct runner_step *step, const struct background *background, int by_itself)
{
  const struct program *program = &background->program;
  char name[SIGNAL_ROOM];
  if (is_crash (program->signal))
    runner_fail (step, "%s crashed: it was ended by %s, and no step looked", background->name,
                 program_signal_name (name, program->signal));
  else if (by_itself && program->signal)
    runner_fail (step, "%s was ended by %s, and no step looked", background->name,
                 program_signal_name (name, program->signal));
  else if (by_itself && program->status)
    runner_fail (step, "%s ended by itself with exit status %d, and no step looked (exec.wait_exit does)",
                 background->name, program->status);
}

/* One that has closed an output is about to end: how it does so must not depend on who is faster. */
static int
has_ended (struct background *background, int64_t left)
{
  int closed = 0;
  for (int i = 0; i < OUTPUTS; i++)
    closed += background->outputs[i].drain && runner_drain_ended (background->outputs[i].drain);
  return program_await (&background->program, !closed ? 0 : left < LAST_COMES ? left : LAST_COMES);
}

static void
background_destroy (struct runner_step *step, void *object)
{
  struct background *background = object;
  struct program *program = &background->program;
  int by_itself = has_ended (background, runner_left (step) / 2) && !background->signalled;
  int64_t grace = runner_left (step) / 2;
  if (program_end (program, grace < GRACE ? grace : GRACE))
    runner_log (step, "%s did not end on SIGTERM, and was killed", background->name);
  if (!background->asked)
    judge_unseen (step, background, by_itself);
  background_free (background);
}

static const struct runner_handle_type exec_program = { .name = "exec program", .destroy = background_destroy };

static struct background *
background_use (struct runner_step *step, const char *name)
{
  return runner_handle_use (step, name, &exec_program);
}

/* ---- start ---- */

/* The descriptors of both sides while a program is being started. */
struct ends { int theirs[3]; int ours[3]; };

static int
open_pipes (struct runner_step *step, struct ends *ends)
{
  for (int i = 0; i < 3; i++) {
    int pair[2];
    if (pipe2 (pair, O_CLOEXEC) < 0)
      return runner_error (step, "no pipe: %s", strerror (errno));
    ends->theirs[i] = pair[i != 0];
    ends->ours[i] = pair[i == 0];
  }
  if (fcntl (ends->ours[0], F_SETFL, O_NONBLOCK) < 0)
    return runner_error (step, "a pipe: %s", strerror (errno));
  return RUNNER_PASS;
}

static int
prepare_terminal (int fd, const struct start_args *args)
{
  struct winsize size = { .ws_row = (unsigned short) args->rows, .ws_col = (unsigned short) args->columns };
  struct termios settings;
  if (ioctl (fd, TIOCSWINSZ, &size) < 0 || tcgetattr (fd, &settings) < 0)
    return -1;
  if (!args->echo.on)
    settings.c_lflag &= ~(tcflag_t) (ECHO | ECHONL);
  return tcsetattr (fd, TCSANOW, &settings);
}

static int
open_terminal (struct runner_step *step, const struct start_args *args, struct ends *ends)
{
  char path[64];
  int ours = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
  ends->ours[1] = ours;
  if (ours < 0 || grantpt (ours) < 0 || unlockpt (ours) < 0 || ptsname_r (ours, path, sizeof path) != 0)
    return runner_error (step, "no terminal: %s", strerror (errno));
  ends->theirs[0] = open (path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  ends->ours[0] = fcntl (ours, F_DUPFD_CLOEXEC, 0);
  if (ends->theirs[0] < 0 || ends->ours[0] < 0 || prepare_terminal (ends->theirs[0], args) < 0
      || fcntl (ours, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
    return runner_error (step, "no terminal: %s", strerror (errno));
  return RUNNER_PASS;
}

static void
close_ends (int fds[3])
{
  for (int i = 0; i < 3; i++) {
    if (fds[i] >= 0)
      close (fds[i]);
    fds[i] = -1;
  }
}

/* Has the runner collect an output; it takes over the descriptor. */
static int
collect (struct runner_step *step, struct background *background, int which, int *fd)
{
  struct output *output = &background->outputs[which];
  const char *name = background->terminal ? "terminal" : which == OUT ? "stdout" : "stderr";
  output->owner = background;
  snprintf (output->name, sizeof output->name, "%s %s", background->name, name);
  output->drain = runner_drain_open (step, *fd, output->name);
  if (!output->drain)
    return RUNNER_ERROR;
  *fd = -1;
  return RUNNER_PASS;
}

static int
start_with (struct runner_step *step, const struct start_args *args, struct background *background,
            struct ends *ends)
{
  int outcome = background->terminal ? open_terminal (step, args, ends) : open_pipes (step, ends);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct program_files files = { .in = ends->theirs[0], .out = ends->theirs[1], .err = ends->theirs[2] };
  if (background->terminal) {
    files.out = files.err = files.in;
    files.terminal = 1;
  }
  outcome = program_start (step, &args->program, &files, &background->program);
  if (outcome != RUNNER_PASS)
    return outcome;
  memcpy (background->program.name, background->name, sizeof background->name);
  background->in = ends->ours[0];
  ends->ours[0] = -1;
  outcome = collect (step, background, OUT, &ends->ours[1]);
  if (outcome == RUNNER_PASS && !background->terminal)
    outcome = collect (step, background, ERR, &ends->ours[2]);
  return outcome;
}

int
exec_start (struct runner_step *step, const void *arguments)
{
  const struct start_args *args = arguments;
  struct background *background = calloc (1, sizeof *background);
  if (!background)
    return runner_error (step, "out of memory");
  background->in = background->program.pidfd = -1;
  background->terminal = args->pty.on;
  snprintf (background->name, sizeof background->name, "%s", args->as);
  struct ends ends = { .theirs = { -1, -1, -1 }, .ours = { -1, -1, -1 } };
  int outcome = start_with (step, args, background, &ends);
  close_ends (ends.theirs);
  close_ends (ends.ours);
  if (outcome == RUNNER_PASS) {
    runner_put_int (runner_result (step), "pid", background->program.pid);
    if (runner_handle_add (step, args->as, &exec_program, background) == 0)
      return RUNNER_PASS;
    outcome = RUNNER_ERROR;
  }
  if (background->program.pid > 0)
    program_destroy (&background->program);
  background_free (background);
  return outcome;
}

/* ---- its end, told ---- */

static void
log_end (struct runner_step *step, const struct background *background)
{
  const struct program *program = &background->program;
  char name[SIGNAL_ROOM];
  if (program->signal)
    runner_log (step, "%s was ended by %s", background->name, program_signal_name (name, program->signal));
  else
    runner_log (step, "%s has ended with exit status %d", background->name, program->status);
}

/* The last bytes of what it said on standard error, or else on its output. */
static size_t
last_said (struct runner_step *step, struct background *background, char *out, size_t room)
{
  size_t size = 0;
  int64_t end = runner_now () + LAST_COMES;
  for (int i = OUTPUTS - 1; i >= 0 && size == 0; i--) {
    struct runner_drain *drain = background->outputs[i].drain;
    if (!drain)
      continue;
    while (!runner_drain_ended (drain) && runner_now () < end)
      if (runner_drain_wait (step, drain, runner_drain_total (drain), end - runner_now ()) <= 0)
        break;
    uint64_t total = runner_drain_total (drain);
    uint64_t from = total > room ? total - room : 0;
    size = runner_drain_read (drain, &from, out, room);
  }
  return size;
}

/* Waits until it has ended, at most `ns` (negative: as long as the step may).
 * 1: it has; 0: not yet; -1: the step must end. */
static int
await_end (struct runner_step *step, struct program *program, int64_t ns)
{
  int64_t end = ns < 0 ? INT64_MAX : runner_now () + ns;
  while (!program_ended (program)) {
    int64_t left = ns < 0 ? -1 : end - runner_now ();
    if (ns >= 0 && left <= 0)
      return 0;
    if (program->pidfd < 0 && (left < 0 || left > LOOK_EVERY))
      left = LOOK_EVERY;
    struct pollfd fd = { .fd = program->pidfd, .events = POLLIN };
    if (runner_poll (step, &fd, program->pidfd >= 0, left) < 0)
      return -1;
  }
  return 1;
}

int
exec_wait_exit (struct runner_step *step, const void *arguments)
{
  const struct conn_args *args = arguments;
  struct background *background = background_use (step, args->conn);
  if (!background)
    return RUNNER_ERROR;
  struct program *program = &background->program;
  char last[LAST_SHOWN], shown[SHOW_ROOM], time[40];
  int ended = await_end (step, program, -1);
  int is_fine = ended > 0 && program->status == 0 && program->signal == 0;
  size_t size = is_fine ? 0 : last_said (step, background, last, sizeof last);
  if (ended < 0)
    return runner_expired (step, "waiting for %s to end: still running after %s; the last it said: %s",
                           background->name, show_time (time, runner_now () - program->started),
                           size ? show_last (shown, last, size) : "nothing");
  background->asked = 1;
  program_put_end (runner_result (step), program);
  return exec_judge (step, program, last, size);
}

/* ---- signal, stop ---- */

int
exec_signal (struct runner_step *step, const void *arguments)
{
  const struct signal_args *args = arguments;
  struct background *background = background_use (step, args->conn);
  if (!background)
    return RUNNER_ERROR;
  int signal = program_signal_number (args->signal);
  if (!signal)
    return runner_error (step, "signal: there is no signal %s", args->signal);
  if (program_ended (&background->program)) {
    log_end (step, background);
    return runner_fail (step, "%s has ended already", background->name);
  }
  background->signalled = 1;
  int error = program_kill (&background->program, signal, args->group.on);
  return error ? runner_error (step, "%s: %s", background->name, strerror (error)) : RUNNER_PASS;
}

/* How a program's stop went. */
enum stopped { STOPPED, KILLED, GROUP_KILLED, NOT_STOPPED };

/* Sends the signal and waits, with what there is to do after `grace`.  NOT_STOPPED: the step must end. */
static enum stopped
stop (struct runner_step *step, struct program *program, int signal, int64_t grace)
{
  int64_t end = runner_now () + grace;
  (void) program_kill (program, signal, 1); /* it may have ended: that is what is wanted */
  (void) program_kill (program, SIGCONT, 1); /* a stopped one could not react */
  int ended = await_end (step, program, grace);
  if (ended < 0)
    return NOT_STOPPED;
  if (ended) {
    int killed = program_finish (step, program, end);
    return killed < 0 ? NOT_STOPPED : killed ? GROUP_KILLED : STOPPED;
  }
  program_destroy (program);
  return KILLED;
}

/* A program may end by the signal that it was sent, or say so as shells do. */
static int
judge_stopped (struct runner_step *step, struct background *background, int signal, enum stopped how, int64_t grace)
{
  const struct program *program = &background->program;
  char last[LAST_SHOWN], time[40], name[SIGNAL_ROOM];
  show_time (time, grace);
  program_signal_name (name, signal);
  if (how == KILLED)
    return runner_bad (step, "killed", "%s did not end within %s of %s, and was killed", background->name, time,
                       name);
  if (how == GROUP_KILLED
      && runner_bad (step, "killed", "%s has ended, but others of its process group did not within %s of %s, "
                     "and were killed", background->name, time, name) != RUNNER_PASS)
    return RUNNER_FAIL;
  if (program->signal == signal || program->status == 128 + signal)
    return RUNNER_PASS;
  size_t size = last_said (step, background, last, sizeof last);
  return exec_judge (step, program, last, size);
}

int
exec_stop (struct runner_step *step, const void *arguments)
{
  const struct stop_args *args = arguments;
  struct background *background = background_use (step, args->conn);
  if (!background)
    return RUNNER_ERROR;
  struct program *program = &background->program;
  int signal = program_signal_number (args->signal);
  if (!signal)
    return runner_error (step, "signal: there is no signal %s", args->signal);
  if (program_ended (program))
    log_end (step, background);
  enum stopped how = stop (step, program, signal, args->grace.ns);
  if (how == NOT_STOPPED) {
    background->signalled = 1;
    return runner_expired (step, "waiting for %s to end%s", background->name,
                           program->ended ? ": it has, but not all of its process group" : "");
  }
  background->asked = 1;
  struct runner_out *out = runner_result (step);
  program_put_end (out, program);
  runner_put_bool (out, "killed", how != STOPPED);
  return judge_stopped (step, background, signal, how, args->grace.ns);
}

/* ---- send ---- */

static int
write_all (struct runner_step *step, struct background *background, const void *data, size_t size)
{
  const char *from = data;
  char peer[sizeof background->name + 20];
  snprintf (peer, sizeof peer, "%s %s", background->name, background->terminal ? "terminal" : "stdin");
  if (size)
    runner_wire (step, RUNNER_SENT, peer, data, size);
  while (size) {
    ssize_t n = program_write (background->in, from, size < PIECE ? size : PIECE);
    if (n >= 0) {
      from += n;
      size -= (size_t) n;
      continue;
    }
    if (errno != EAGAIN) {
      int error = errno;
      if (program_ended (&background->program))
        log_end (step, background);
      return runner_fail (step, "%s: it does not read any more: %s", peer, strerror (error));
    }
    struct pollfd ready = { .fd = background->in, .events = POLLOUT };
    if (runner_poll (step, &ready, 1, -1) < 0)
      return runner_expired (step, "sending to %s: it does not read the last %zu bytes", peer, size);
  }
  return RUNNER_PASS;
}

/* A terminal stays open: it is told by the character for it, ^D. */
static int
send_end (struct runner_step *step, struct background *background)
{
  if (background->terminal)
    return write_all (step, background, "\004", 1);
  close (background->in);
  background->in = -1;
  return RUNNER_PASS;
}

int
exec_send (struct runner_step *step, const void *arguments)
{
  const struct send_args *args = arguments;
  int data = runner_given (step, "text") || runner_given (step, "line");
  if (!data && !args->eof.on)
    return runner_error (step, "nothing to send: give text, line or eof");
  struct background *background = background_use (step, args->conn);
  if (!background)
    return RUNNER_ERROR;
  if (background->in < 0)
    return runner_error (step, "%s: its standard input was closed before", background->name);
  int outcome = RUNNER_PASS;
  if (runner_given (step, "line")) {
    char *line;
    int size = asprintf (&line, "%s\n", args->line);
    if (size < 0)
      return runner_error (step, "out of memory");
    outcome = write_all (step, background, line, (size_t) size);
    free (line);
  } else if (data) {
    outcome = write_all (step, background, args->text.data, args->text.size);
  }
  return outcome == RUNNER_PASS && args->eof.on ? send_end (step, background) : outcome;
}

/* ---- receive, wait, quiet ---- */

/* Takes what the drain has.  1: something, or bytes were lost; 0: nothing; -1: *outcome is to be returned. */
static int
take (struct runner_step *step, struct output *output, int *outcome)
{
  char data[PIECE];
  uint64_t from = output->from;
  size_t n = runner_drain_read (output->drain, &from, data, sizeof data);
  if (from > output->from) {
    output->stream.lost = from - output->from;
    output->from = from; /* what was read now is read again, by who goes on after the gap */
    return 1;
  }
  output->from += n;
  if (n == 0)
    return 0;
  runner_wire (step, RUNNER_RECEIVED, output->name, data, n);
  if (stream_add (&output->stream, data, n) == 0)
    return 1;
  *outcome = runner_error (step, "%s: more than %zu MiB came that nothing has read", output->name,
                           STREAM_LIMIT >> 20);
  return -1;
}

/* As take, but more at once: who floods us is searched in larger pieces. */
static int
take_all (struct runner_step *step, struct output *output, int *outcome)
{
  int got = take (step, output, outcome), first = got;
  for (size_t n = 1; got > 0 && !output->stream.lost && n < AT_ONCE / PIECE; n++)
    got = take (step, output, outcome);
  return got < 0 ? got : first;
}

static int
output_more (struct runner_step *step, void *object, int64_t ns, int *outcome)
{
  struct output *output = object;
  int64_t end = ns < 0 ? INT64_MAX : runner_now () + ns;
  for (;;) {
    /* First the end, then the bytes: those that came in between are read then. */
    int ended = runner_drain_ended (output->drain);
    int got = take_all (step, output, outcome);
    if (got)
      return got > 0 ? MORE_CAME : MORE_FAILED;
    if (ended) {
      output->stream.state = STREAM_ENDED;
      if (program_ended (&output->owner->program))
        log_end (step, output->owner);
      return MORE_CAME;
    }
    int64_t left = ns < 0 ? -1 : end - runner_now ();
    if (ns >= 0 && left <= 0)
      return MORE_NOT_YET;
    if (runner_drain_wait (step, output->drain, output->from, left) < 0)
      return MORE_EXPIRED;
  }
}

/* The output that a verb is about.  0, or -1: the step's error is set. */
static int
output_use (struct runner_step *step, const char *conn, const char *from, struct stream_source *source)
{
  struct background *background = background_use (step, conn);
  if (!background)
    return -1;
  struct output *output = &background->outputs[strcmp (from, "stderr") == 0 ? ERR : OUT];
  if (!output->drain) {
    runner_error (step, "%s runs in a terminal: all its output is stdout", background->name);
    return -1;
  }
  *source = (struct stream_source) { .stream = &output->stream, .name = output->name, .object = output,
                                     .more = output_more };
  return 0;
}

int
exec_receive (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct stream_source source;
  if (output_use (step, args->conn, args->from, &source) < 0)
    return RUNNER_ERROR;
  return stream_receive (step, &source, &args->wanted, args->count);
}

int
exec_wait (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct stream_source source;
  if (output_use (step, args->conn, args->from, &source) < 0)
    return RUNNER_ERROR;
  return stream_wait (step, &source, &args->wanted);
}

int
exec_quiet (struct runner_step *step, const void *arguments)
{
  const struct quiet_args *args = arguments;
  struct stream_source source;
  if (output_use (step, args->conn, args->from, &source) < 0)
    return RUNNER_ERROR;
  return stream_quiet (step, &source, &args->wanted, args->ns.ns);
}
