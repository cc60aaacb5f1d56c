/* run.c - see run.h.  Programs that go on in the background are in background.c. */
#define _GNU_SOURCE 1
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../common/show.h"
#include "excerpt.h"

#define PIECE ((size_t) 64 << 10)
#define GRACE INT64_C (500000000)      /* 500 ms between SIGTERM and SIGKILL when its time is over */
#define LOOK_EVERY INT64_C (20000000)  /* 20 ms: how often to look where there is no pidfd */
#define WIRE_MOST ((size_t) 4096)      /* bytes of each output that are kept as traffic */

enum { OUT, ERR, OUTPUTS };

struct run {
  struct program program;
  int in;                      /* -1: closed */
  int output[OUTPUTS];
  struct excerpt excerpt[OUTPUTS];
  const char *input;           /* not yet written */
  size_t input_size;
};

static void
close_end (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
run_close (struct run *run)
{
  close_end (&run->in);
  close_end (&run->output[OUT]);
  close_end (&run->output[ERR]);
}

/* Pipes to and from the program: `theirs` are the program's ends.  Ours do not block. */
static int
run_pipes (struct runner_step *step, struct run *run, int theirs[3])
{
  for (int i = 0; i < 3; i++) {
    int ends[2];
    if (i == 0 && run->input_size == 0)
      continue; /* /dev/null */
    if (pipe2 (ends, O_CLOEXEC) < 0)
      return runner_error (step, "no pipe: %s", strerror (errno));
    int ours = i == 0 ? ends[1] : ends[0];
    theirs[i] = i == 0 ? ends[0] : ends[1];
    *(i == 0 ? &run->in : &run->output[i - 1]) = ours;
    if (fcntl (ours, F_SETFL, O_NONBLOCK) < 0)
      return runner_error (step, "a pipe: %s", strerror (errno));
  }
  return RUNNER_PASS;
}

static int
run_start (struct runner_step *step, const struct run_args *args, struct run *run)
{
  int theirs[3] = { -1, -1, -1 };
  int outcome = run_pipes (step, run, theirs);
  if (outcome == RUNNER_PASS) {
    struct program_files files = { .in = theirs[0], .out = theirs[1], .err = theirs[2] };
    outcome = program_start (step, &args->program, &files, &run->program);
  }
  for (int i = 0; i < 3; i++)
    close_end (&theirs[i]);
  return outcome;
}

/* ---- while it runs ---- */

/* Reads at most `most` bytes.  0, or -1: no memory. */
static int
read_output (struct run *run, int which, size_t most)
{
  char data[PIECE];
  while (most && run->output[which] >= 0) {
    ssize_t n = read (run->output[which], data, most < sizeof data ? most : sizeof data);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      break;
    if (n <= 0) {
      close_end (&run->output[which]);
      break;
    }
    if (excerpt_add (&run->excerpt[which], data, (size_t) n) < 0)
      return -1;
    most -= (size_t) n;
  }
  return 0;
}

/* A program that does not want (all of) its input says so by closing it: that is its right. */
static void
write_input (struct run *run)
{
  ssize_t n = program_write (run->in, run->input, run->input_size < PIECE ? run->input_size : PIECE);
  if (n > 0) {
    run->input += n;
    run->input_size -= (size_t) n;
  }
  if (run->input_size == 0 || (n < 0 && errno != EAGAIN))
    close_end (&run->in);
}

/* Reads and writes until the program has ended.  RUNNER_PASS, or the outcome to
 * return: then it still runs. */
static int
run_loop (struct runner_step *step, struct run *run)
{
  while (!program_ended (&run->program)) {
    struct pollfd fds[] = {
      { .fd = run->program.pidfd, .events = POLLIN },
      { .fd = run->output[OUT], .events = POLLIN },
      { .fd = run->output[ERR], .events = POLLIN },
      { .fd = run->in, .events = POLLOUT },
    };
    int n = runner_poll (step, fds, 4, run->program.pidfd < 0 ? LOOK_EVERY : -1);
    if (n < 0)
      return RUNNER_FAIL;
    for (int i = 0; i < OUTPUTS; i++)
      if (fds[1 + i].revents && read_output (run, i, PIECE) < 0)
        return runner_error (step, "out of memory");
    if (fds[3].revents)
      write_input (run);
  }
  return RUNNER_PASS;
}

/* What the program wrote before its end is in the pipes.  Who else holds them may
 * write on: that is not waited for. */
static int
read_rest (struct runner_step *step, struct run *run)
{
  for (int i = 0; i < OUTPUTS; i++) {
    int there = 0;
    if (run->output[i] < 0)
      continue;
    if (ioctl (run->output[i], FIONREAD, &there) < 0)
      return runner_error (step, "a pipe: %s", strerror (errno));
    if (read_output (run, i, (size_t) there) < 0)
      return runner_error (step, "out of memory");
  }
  return RUNNER_PASS;
}

/* ---- afterwards ---- */

/* The last of a text, without line ends after it. */
static const char *
last_of (const char *text, size_t *size)
{
  while (*size && (text[*size - 1] == '\n' || text[*size - 1] == '\r'))
    (*size)--;
  return text;
}

int
exec_judge (struct runner_step *step, const struct program *program, const char *last, size_t size)
{
  char shown[SHOW_ROOM], name[SIGNAL_ROOM];
  last = last_of (last, &size);
  const char *said = size ? "; it said: " : "";
  show_last (shown, last, size);
  if (program->signal)
    return runner_bad (step, "signal", "%s was ended by %s%s%s", program->name,
                       program_signal_name (name, program->signal), said, size ? shown : "");
  if (program->status < 0)
    return runner_error (step, "%s: how it ended is not known: somebody else has waited for it", program->name);
  if (program->status)
    return runner_bad (step, "exit", "%s ended with exit status %d%s%s", program->name, program->status, said,
                       size ? shown : "");
  return RUNNER_PASS;
}

/* The output goes into the result, and its end into the report. */
static int
put_outputs (struct runner_step *step, struct run *run, char *texts[OUTPUTS], size_t sizes[OUTPUTS])
{
  static const char *const names[] = { "stdout", "stderr" };
  struct runner_out *out = runner_result (step);
  for (int i = 0; i < OUTPUTS; i++) {
    if (!(texts[i] = excerpt_text (&run->excerpt[i], &sizes[i]))) {
      runner_error (step, "out of memory");
      return RUNNER_ERROR;
    }
    runner_put_text (out, names[i], texts[i], sizes[i]);
    size_t wire = sizes[i] < WIRE_MOST ? sizes[i] : WIRE_MOST;
    char peer[sizeof run->program.name + 10];
    snprintf (peer, sizeof peer, "%s %s", run->program.name, names[i]);
    if (wire)
      runner_wire (step, RUNNER_RECEIVED, peer, texts[i] + (sizes[i] - wire), wire);
  }
  int truncated = excerpt_truncated (&run->excerpt[OUT]) || excerpt_truncated (&run->excerpt[ERR]);
  runner_put_bool (out, "truncated", truncated);
  return RUNNER_PASS;
}

static int
run_ended (struct runner_step *step, struct run *run)
{
  char *texts[OUTPUTS] = { NULL };
  size_t sizes[OUTPUTS] = { 0 };
  int outcome = read_rest (step, run);
  if (outcome == RUNNER_PASS) {
    program_put_end (runner_result (step), &run->program);
    outcome = put_outputs (step, run, texts, sizes);
  }
  if (outcome == RUNNER_PASS) {
    int which = sizes[ERR] ? ERR : OUT;
    outcome = exec_judge (step, &run->program, texts[which], sizes[which]);
  }
  free (texts[OUT]);
  free (texts[ERR]);
  return outcome;
}

/* The step must end but the program has not: end it, and say what it said last. */
static int
run_overdue (struct runner_step *step, struct run *run)
{
  char time[40], shown[SHOW_ROOM];
  int64_t lasted = runner_now () - run->program.started;
  close_end (&run->in);
  (void) program_end (&run->program, GRACE);
  (void) read_rest (step, run);
  int which = run->excerpt[ERR].total ? ERR : OUT;
  size_t size = 0;
  char *text = excerpt_text (&run->excerpt[which], &size);
  const char *last = text ? last_of (text, &size) : "";
  int outcome = runner_expired (step, "waiting for %s to end: still running after %s; the last it said: %s",
                                run->program.name, show_time (time, lasted),
                                size ? show_last (shown, last, size) : "nothing");
  free (text);
  return outcome;
}

int
exec_run (struct runner_step *step, const void *arguments)
{
  const struct run_args *args = arguments;
  struct run run = { .program = { .pidfd = -1 }, .in = -1, .output = { -1, -1 }, .input = args->input.data,
                     .input_size = args->input.size };
  for (int i = 0; i < OUTPUTS; i++)
    run.excerpt[i].limit = (size_t) args->limit.bytes;
  int outcome = run_start (step, args, &run);
  if (outcome == RUNNER_PASS) {
    outcome = run_loop (step, &run);
    if (outcome == RUNNER_PASS)
      outcome = run_ended (step, &run);
    else if (outcome == RUNNER_FAIL)
      outcome = run_overdue (step, &run);
    else
      program_destroy (&run.program);
    program_release (&run.program);
  }
  run_close (&run);
  for (int i = 0; i < OUTPUTS; i++)
    excerpt_free (&run.excerpt[i]);
  return outcome;
}
