/* supervisor.c - see supervisor.h.  One thread, driven by poll; calls nothing of
 * a plugin. */
#include "config.h"

#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "judge.h"
#include "text.h"
#include "worker.h"

#define TICK_NS (INT64_C (100) * 1000000)
#define INTERRUPT_NS (INT64_C (30) * 1000000000) /* interrupted workers have so long to clean up */
#define READ_SIZE ((size_t) 256 << 10)
#define JOBS_MOST 256

struct supervisor {
  const struct plan *plan;
  const struct run_options *options;
  struct expr_engine *engine;
  struct run_roles *run_roles;
  struct reporter **reporters;
  size_t reporter_count;
  struct job *jobs;
  size_t running, waiting;
  size_t most;               /* suites at once: as wanted, less when the system does not allow it */
  bool slots[JOBS_MOST];
  int signals, never;
  bool interrupted, stopping; /* stopping: no new suites (fail-fast, interrupt) */
  int64_t interrupted_ns;
  int64_t ticked_ns;
  int events_file;           /* -1: lost */
  struct buffer out;         /* for events.jsonl */
  struct arena arena;        /* of one event */
  struct buffer line;
  bool failed, broken;       /* exit statuses 1 and 3 */
};

/* ---- telling ---- */

static void
lost_events (struct supervisor *s, int error)
{
  fprintf (stderr, "runner: events.jsonl cannot be written any more: %s\n", strerror (error));
  if (s->events_file >= 0)
    close (s->events_file);
  s->events_file = -1;
  s->broken = true;
}

static void
flush_events (struct supervisor *s)
{
  size_t done = 0;
  while (s->events_file >= 0 && done < s->out.size) {
    ssize_t n = write (s->events_file, s->out.data + done, s->out.size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      lost_events (s, errno);
    else
      done += (size_t) n;
  }
  s->out.size = 0;
}

static void
feed_reporters (struct supervisor *s, const struct event *event)
{
  for (size_t i = 0; i < s->reporter_count; i++)
    report_event (s->reporters[i], event);
}

static void
keep_line (struct supervisor *s, const char *line, size_t size)
{
  if (s->events_file < 0)
    return;
  buffer_add (&s->out, line, size);
  if (s->out.size > READ_SIZE)
    flush_events (s);
}

/* An event of the supervisor's own. */
static void
tell (struct supervisor *s, struct event *event)
{
  if (!event->time_us)
    event->time_us = time_now_us ();
  CLEANUP_ARENA struct arena arena = { 0 };
  event_mask (event, &arena);
  s->line.size = 0;
  event_write (&s->line, event);
  keep_line (s, s->line.data, s->line.size);
  feed_reporters (s, event);
}

static void
warn_event (struct supervisor *s, const char *where, const char *fmt, ...) __attribute__ ((format (printf, 3, 4)));
static void
warn_event (struct supervisor *s, const char *where, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  va_list args;
  va_start (args, fmt);
  buffer_vprintf (&text, fmt, args);
  va_end (args);
  struct event event = { .type = EVENT_WARNING, .message = buffer_text (&text), .where = where };
  tell (s, &event);
}

static void
note_outcome (struct supervisor *s, int outcome)
{
  s->failed |= outcome == OUTCOME_FAILED;
  s->broken |= outcome == OUTCOME_ERROR;
}

#define PLANNED_PER_EVENT 500

static void
tell_plan (struct supervisor *s, const struct planned_suite *planned)
{
  for (size_t first = 0; first < planned->count; first += PLANNED_PER_EVENT) {
    struct event_planned tests[PLANNED_PER_EVENT];
    size_t n = planned->count - first < PLANNED_PER_EVENT ? planned->count - first : PLANNED_PER_EVENT;
    for (size_t i = 0; i < n; i++) {
      const struct planned *test = &planned->tests[first + i];
      tests[i] = (struct event_planned) { .name = test->name, .line = test->test->where.line };
    }
    struct event event = { .type = EVENT_PLAN, .suite = planned->suite->number, .path = planned->suite->path,
                           .name = planned->suite->name, .first = (uint32_t) first, .planned = tests,
                           .planned_count = n };
    tell (s, &event);
  }
}

static void
tell_run (struct supervisor *s)
{
  char host[256] = "", seed[32];
  gethostname (host, sizeof host - 1);
  snprintf (seed, sizeof seed, "%llu", (unsigned long long) s->options->seed);
  struct event event = { .type = EVENT_RUN, .version = EVENT_VERSION, .runner = PACKAGE_VERSION, .host = host,
                         .seed = s->options->shuffle ? seed : NULL, .command = s->options->command,
                         .suites = s->plan->suite_count, .tests = s->plan->test_count };
  tell (s, &event);
  for (size_t i = 0; i < s->plan->suite_count; i++)
    tell_plan (s, &s->plan->suites[i]);
}

/* ---- starting a worker ---- */

static void
make_folders (const char *path)
{
  char copy[PATH_MAX];
  if (snprintf (copy, sizeof copy, "%s", path) >= (int) sizeof copy)
    return;
  for (char *p = copy + 1; *p; p++)
    if (*p == '/') {
      *p = '\0';
      mkdir (copy, 0777);
      *p = '/';
    }
  mkdir (copy, 0777);
}

/* "logs/suites.tcp-device" */
static void
log_folder (const struct supervisor *s, const struct suite *suite, char *out, size_t size)
{
  int n = snprintf (out, size, "%s/logs/", s->options->output);
  size_t at = n > 0 && (size_t) n < size ? (size_t) n : 0;
  const char *path = suite->path, *end = path + strlen (path);
  if (end - path > 5 && strcmp (end - 5, ".yaml") == 0)
    end -= 5;
  while (strncmp (path, "./", 2) == 0 || strncmp (path, "../", 3) == 0 || *path == '/')
    path += *path == '/' ? 1 : path[1] == '/' ? 2 : 3;
  for (; path < end && at + 1 < size; path++)
    out[at++] = *path == '/' ? '.' : *path;
  out[at] = '\0';
}

struct work {
  struct supervisor *s;
  struct job *job;
  int events, control;
  size_t count;
};

static int
work (void *data, struct keeper_link *link)
{
  struct work *work = data;
  struct supervisor *s = work->s;
  struct job *job = work->job;
  char folder[PATH_MAX];
  sigset_t none;
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGINT, SIG_IGN); /* the supervisor tells by the control pipe */
  signal (SIGTERM, SIG_DFL);
  signal (SIGPIPE, SIG_IGN);
  shared_watch_crashes (job->shared, SIGRTMIN + 3);
  log_folder (s, job->planned->suite, folder, sizeof folder);
  if (job->planned->suite->role_count || suite_has_test_roles (job->planned->suite))
    make_folders (folder);
  struct worker worker = {
    .suite = job->planned->suite, .plan = s->plan, .options = s->options, .shared = job->shared, .link = link,
    .engine = s->engine, .number = job->slot, .events_fd = work->events, .control_fd = work->control,
    .never_fd = s->never, .log_folder = folder, .plan_index = job->index, .run_roles = s->run_roles
  };
  return worker_run (&worker, job->remaining, work->count, job->next_attempt);
}

/* The numbers of the tests that have no final result. */
static size_t
list_remaining (struct job *job)
{
  size_t n = 0;
  for (uint32_t i = 0; i < job->planned->count; i++)
    if (!job->done[i])
      job->remaining[n++] = i;
  return n;
}

/* Descriptors of the other workers: not for the one that is made. */
static void
foreign (const struct supervisor *s, const struct job *but, int *list)
{
  size_t n = 0;
  for (size_t i = 0; i < s->plan->suite_count; i++) {
    const struct job *job = &s->jobs[i];
    if (job == but || job->state != JOB_RUNNING)
      continue;
    list[n++] = job->keeper.lifeline;
    list[n++] = job->keeper.status;
    list[n++] = job->control;
    if (job->events >= 0) /* else it is at its end already; -1 would end the list */
      list[n++] = job->events;
  }
  list[n++] = s->signals;
  list[n++] = s->run_roles->keeper.pid > 0 ? s->run_roles->keeper.lifeline : -1;
  list[n] = -1;
}

static bool
start_worker (struct supervisor *s, struct job *job)
{
  int events[2] = { -1, -1 }, control[2] = { -1, -1 };
  int others[4 * JOBS_MOST + 3];
  if (!job->shared)
    job->shared = shared_new ();
  if (!job->shared || pipe2 (events, O_CLOEXEC) < 0 || pipe2 (control, O_CLOEXEC) < 0)
    goto fail;
  fcntl (events[1], F_SETPIPE_SZ, 1 << 20); /* fewer turns between worker and supervisor */
  struct work w = { s, job, events[1], control[0], list_remaining (job) };
  int not_keepers[] = { events[0], events[1], control[0], control[1], -1 };
  foreign (s, job, others);
  job->exited = job->hung = false;
  job->probed_ns = 0;
  job->worker = 0;
  job->done_before = job->done_count;
  job->attempt_before = job->next_attempt;
  job->in.size = job->status.size = 0;
  flush_events (s); /* not once more by a child */
  fflush (stdout);
  if (!keeper_start (&job->keeper, work, &w, not_keepers, others))
    goto fail;
  close (events[1]);
  close (control[0]);
  fcntl (events[0], F_SETFL, O_NONBLOCK);
  fcntl (job->keeper.status, F_SETFL, O_NONBLOCK);
  job->events = events[0];
  job->control = control[1];
  job->state = JOB_RUNNING;
  return true;
fail:;
  int error = errno;
  for (int i = 0; i < 2; i++) {
    if (events[i] >= 0)
      close (events[i]);
    if (control[i] >= 0)
      close (control[i]);
  }
  errno = error;
  return false;
}

/* ---- results ---- */

static void
not_run (struct supervisor *s, struct job *job, uint32_t test, int outcome, const char *why)
{
  struct event event = { .type = EVENT_TEST, .suite = job->planned->suite->number, .test = test,
                         .name = job->planned->tests[test].name, .attempt = 1, .final = true,
                         .outcome = outcome, .message = why, .worker = job->slot };
  event.time_us = event.start_us = time_now_us ();
  job->done[test] = true;
  job->done_count++;
  tell (s, &event);
}

static void
rest_not_run (struct supervisor *s, struct job *job, const char *why)
{
  for (uint32_t i = 0; i < job->planned->count; i++)
    if (!job->done[i])
      not_run (s, job, i, OUTCOME_NOT_RUN, why);
}

/* The same when nobody wanted it so: reports tell it as an error of the first. */
static void
rest_cannot_run (struct supervisor *s, struct job *job, const char *why)
{
  uint32_t first = 0;
  s->broken = true;
  while (first < job->planned->count && job->done[first])
    first++;
  if (first < job->planned->count)
    not_run (s, job, first, OUTCOME_ERROR, why);
  rest_not_run (s, job, why);
}

static void
cannot_start (struct supervisor *s, struct job *job)
{
  char why[200];
  snprintf (why, sizeof why, "no worker could be started: %s", strerror (errno));
  rest_cannot_run (s, job, why);
}

static void
stop_all (struct supervisor *s)
{
  s->stopping = true;
  for (size_t i = 0; i < s->plan->suite_count; i++)
    if (s->jobs[i].state == JOB_RUNNING && write (s->jobs[i].control, "c", 1) < 0 && errno != EPIPE)
      warn_event (s, NULL, "cannot stop a worker: %s", strerror (errno));
}

/* A line of a worker. */
static void
take_line (struct supervisor *s, struct job *job, const char *line, size_t size)
{
  struct event event;
  char error[256];
  arena_reset (&s->arena);
  if (!event_read (&s->arena, line, size, &event, error, sizeof error)) {
    warn_event (s, job->planned->suite->path, "a worker told something that is no event: %s", error);
    s->broken = true;
    return;
  }
  if (event.type == EVENT_TEST) {
    if (event.test >= job->planned->count)
      return;
    if (event.final && !job->done[event.test]) {
      job->done[event.test] = true;
      job->done_count++;
      job->next_attempt = 1;
      note_outcome (s, event.outcome);
      if (event.outcome == OUTCOME_FAILED || event.outcome == OUTCOME_ERROR)
        job->outcome = event.outcome > job->outcome ? event.outcome : job->outcome;
    }
    else if (!event.final)
      job->next_attempt = event.attempt + 1;
  }
  if (event.type == EVENT_SUITE_END) {
    note_outcome (s, event.outcome);
    job->ended = true;
  }
  keep_line (s, line, size);
  feed_reporters (s, &event);
  if (event.type == EVENT_TEST && event.final && s->options->fail_fast && !s->stopping
      && (event.outcome == OUTCOME_FAILED || event.outcome == OUTCOME_ERROR))
    stop_all (s);
}

#define READS_AT_ONCE 8 /* then the others, and signals, have their turn */

static void
read_events (struct supervisor *s, struct job *job, unsigned most)
{
  for (unsigned i = 0; i < most; i++) {
    buffer_reserve (&job->in, READ_SIZE);
    ssize_t n = read (job->events, job->in.data + job->in.size, READ_SIZE);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      if (n == 0) {
        close (job->events);
        job->events = -1;
      }
      return;
    }
    job->in.size += (size_t) n;
    size_t done = 0;
    for (;;) {
      const char *start = job->in.data + done, *end = memchr (start, '\n', job->in.size - done);
      if (!end)
        break;
      take_line (s, job, start, (size_t) (end - start) + 1);
      done += (size_t) (end - start) + 1;
    }
    buffer_remove (&job->in, done);
    if (job->in.size > EVENT_LINE_MAX) {
      warn_event (s, job->planned->suite->path, "a worker told something longer than any event");
      s->broken = true;
      job->in.size = 0;
    }
  }
}

/* ---- the end of a worker ---- */

static void
read_status_line (struct job *job, const char *line)
{
  int number;
  if (sscanf (line, "worker %d", &number) == 1)
    job->worker = number;
  else if (sscanf (line, "exit %d", &number) == 1) {
    job->wait_status = number;
    job->exited = true;
  }
  else if (strncmp (line, "last ", 5) == 0 && job->log_count < LOGS_MOST)
    job->logs[job->log_count++] = xstrdup (line + 5);
}

/* True: the keeper is gone, and everything below it. */
static bool
read_status (struct supervisor *s, struct job *job)
{
  for (;;) {
    buffer_reserve (&job->status, 4096);
    ssize_t n = read (job->keeper.status, job->status.data + job->status.size, 4096);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    if (n == 0)
      return true;
    job->status.size += (size_t) n;
    char *end;
    while ((end = memchr (job->status.data, '\n', job->status.size))) {
      *end = '\0';
      if (strncmp (job->status.data, "lost ", 5) == 0) {
        warn_event (s, job->planned->suite->path, "a log is lost: %s", job->status.data + 5);
        s->broken = true;
      }
      read_status_line (job, job->status.data);
      buffer_remove (&job->status, (size_t) (end - job->status.data) + 1);
    }
  }
}

static void
blame_test (struct supervisor *s, struct job *job)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  uint32_t number = job->shared->test;
  if (number >= job->planned->count || job->done[number])
    return;
  const struct planned *planned = &job->planned->tests[number];
  struct event event = { .type = EVENT_TEST, .test = number, .name = planned->name,
                         .attempt = job->shared->attempt };
  judge_death (job, &arena, &event);
  uint32_t retries = planned->test->retries > s->options->retries ? planned->test->retries : s->options->retries;
  event.final = event.attempt > retries || s->stopping;
  if (event.final) {
    job->done[number] = true;
    job->done_count++;
    job->next_attempt = 1;
    job->outcome = OUTCOME_ERROR;
    note_outcome (s, OUTCOME_ERROR);
  }
  else
    job->next_attempt = event.attempt + 1;
  tell (s, &event);
  if (event.final && s->options->fail_fast && !s->stopping)
    stop_all (s);
}

/* A setup or a role's start that ended the worker: once more, then the suite ends. */
static void
blame_setup (struct supervisor *s, struct job *job)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  if (++job->setup_deaths < 2)
    return;
  uint32_t first = 0;
  while (first < job->planned->count && job->done[first])
    first++;
  if (first == job->planned->count)
    return;
  struct event event = { .type = EVENT_TEST, .test = first, .name = job->planned->tests[first].name, .attempt = 1,
                         .final = true };
  judge_death (job, &arena, &event);
  event.message = arena_printf (&arena, "the suite's setup, twice, %s", event.message);
  job->done[first] = true;
  job->done_count++;
  note_outcome (s, OUTCOME_ERROR);
  tell (s, &event);
  rest_not_run (s, job, "the suite's setup crashed twice");
}

static void
finish_job (struct supervisor *s, struct job *job)
{
  if (s->stopping)
    rest_not_run (s, job, s->interrupted ? "interrupted" : "stopped after the first failure (--fail-fast)");
  job->state = JOB_DONE;
  s->running--;
  s->slots[job->slot] = false;
  if (!job->ended) {
    struct event event = { .type = EVENT_SUITE_END, .suite = job->planned->suite->number,
                           .name = job->planned->suite->name, .path = job->planned->suite->path,
                           .start_us = job->start_us, .duration_us = time_now_us () - job->start_us };
    tell (s, &event);
  }
  shared_free (job->shared);
  job->shared = NULL;
  buffer_free (&job->in);
  buffer_free (&job->status);
  free (job->done);
  free (job->remaining);
  job->done = NULL;
  job->remaining = NULL;
}

static void
release_worker (struct job *job)
{
  if (job->events >= 0)
    close (job->events);
  close (job->control);
  close (job->keeper.lifeline);
  close (job->keeper.status);
  while (waitpid (job->keeper.pid, NULL, 0) < 0 && errno == EINTR)
    continue;
}

static void
forget_worker (struct job *job)
{
  struct shared *shared = job->shared;
  shared->crash.signal = 0;
  shared->crash.frame_count = 0;
  shared->phase = PHASE_IDLE;
  for (int i = 0; i < shared_slots_used (shared); i++) {
    shared->slots[i].thread = 0;
    shared->slots[i].step = NO_STEP;
    shared->slots[i].deadline_ns = 0;
  }
  for (size_t i = 0; i < job->log_count; i++)
    free (job->logs[i]);
  job->log_count = 0;
}

/* The worker and all it had started are gone: what comes next? */
static void
worker_ended (struct supervisor *s, struct job *job)
{
  if (job->events >= 0)
    read_events (s, job, UINT_MAX);
  release_worker (job);
  bool died = judge_died (job);
  bool cut = s->interrupted && clock_now_ns () - s->interrupted_ns > 0 && died && !job->shared->crash.signal && !job->hung;
  if (died && !cut) {
    int phase = job->shared->phase;
    if (phase == PHASE_TEST)
      blame_test (s, job);
    else if (phase == PHASE_SETUP || phase == PHASE_ROLES)
      blame_setup (s, job);
    else {
      CLEANUP_ARENA struct arena arena = { 0 };
      struct event event = { .type = EVENT_SUITE_END, .name = job->planned->suite->name,
                             .path = job->planned->suite->path };
      judge_death (job, &arena, &event);
      event.message = arena_printf (&arena, "after its tests, the suite %s", event.message);
      job->ended = true;
      s->broken = true;
      tell (s, &event);
    }
  }
  /* its results may have been read long before its end */
  bool progress = job->done_count > job->done_before || job->next_attempt != job->attempt_before;
  job->restarts_in_vain = progress ? 0 : job->restarts_in_vain + 1;
  if (job->restarts_in_vain > 3 && job->done_count < job->planned->count)
    rest_cannot_run (s, job, "the suite's worker ended again and again without a result");
  forget_worker (job);
  if (job->done_count < job->planned->count && !s->stopping) {
    if (start_worker (s, job))
      return;
    cannot_start (s, job);
  }
  finish_job (s, job);
}

/* ---- in between ---- */

static void
cut_lifelines (struct supervisor *s)
{
  for (size_t i = 0; i < s->plan->suite_count; i++)
    if (s->jobs[i].state == JOB_RUNNING) {
      close (s->jobs[i].keeper.lifeline);
      s->jobs[i].keeper.lifeline = open ("/dev/null", O_RDONLY | O_CLOEXEC);
    }
}

static void
tick (struct supervisor *s)
{
  int64_t now = clock_now_ns ();
  if (now - s->ticked_ns < TICK_NS)
    return;
  s->ticked_ns = now;
  for (size_t i = 0; i < s->plan->suite_count; i++)
    if (s->jobs[i].state == JOB_RUNNING)
      judge_deadlines (&s->jobs[i], now);
  if (s->interrupted && s->running && now - s->interrupted_ns > INTERRUPT_NS) {
    s->interrupted_ns = now;
    cut_lifelines (s);
  }
  for (size_t i = 0; i < s->reporter_count; i++)
    if (s->reporters[i]->type->tick && !s->reporters[i]->error[0])
      s->reporters[i]->type->tick (s->reporters[i], time_now_us ());
}

/* ---- which suite is next ---- */

static bool
share_lock (const struct suite *a, const struct suite *b)
{
  for (const char **x = a->locks; x && *x; x++)
    for (const char **y = b->locks; y && *y; y++)
      if (strcmp (*x, *y) == 0)
        return true;
  return false;
}

static bool
may_start (const struct supervisor *s, const struct job *job)
{
  for (size_t i = 0; i < s->plan->suite_count; i++)
    if (s->jobs[i].state == JOB_RUNNING && share_lock (s->jobs[i].planned->suite, job->planned->suite))
      return false;
  return true;
}

/* Too few descriptors, processes or memory for one more: it waits for the others. */
static void
put_off (struct supervisor *s, struct job *job)
{
  warn_event (s, NULL, "%zu suites at once, not %zu: %s", s->running - 1, s->most, strerror (errno));
  shared_free (job->shared);
  free (job->done);
  free (job->remaining);
  s->slots[job->slot] = false;
  *job = (struct job) { .planned = job->planned, .index = job->index, .events = -1 };
  s->waiting++;
  s->most = --s->running;
}

static void
start_job (struct supervisor *s, struct job *job)
{
  const struct suite *suite = job->planned->suite;
  job->done = xcalloc (job->planned->count, sizeof *job->done);
  job->remaining = xcalloc (job->planned->count, sizeof *job->remaining);
  job->next_attempt = 1;
  job->start_us = time_now_us ();
  for (job->slot = 0; s->slots[job->slot]; job->slot++)
    continue;
  s->slots[job->slot] = true;
  s->waiting--;
  s->running++;
  bool started = start_worker (s, job);
  if (!started && s->running > 1) {
    put_off (s, job);
    return;
  }
  int error = errno;
  struct event event = { .type = EVENT_SUITE, .suite = suite->number, .path = suite->path, .name = suite->name };
  tell (s, &event);
  if (!started) {
    errno = error;
    cannot_start (s, job);
    finish_job (s, job);
  }
}

static void
start_jobs (struct supervisor *s)
{
  for (size_t i = 0; i < s->plan->suite_count && s->running < s->most && !s->stopping; i++)
    if (s->jobs[i].state == JOB_WAITING && may_start (s, &s->jobs[i]))
      start_job (s, &s->jobs[i]);
}

/* ---- the loop ---- */

static void
take_signals (struct supervisor *s)
{
  struct signalfd_siginfo info;
  while (read (s->signals, &info, sizeof info) == (ssize_t) sizeof info) {
    if (s->interrupted) /* again: now */
      cut_lifelines (s);
    else {
      s->interrupted = true;
      s->interrupted_ns = clock_now_ns ();
      stop_all (s);
    }
  }
}

static void
loop (struct supervisor *s)
{
  struct pollfd fds[2 * JOBS_MOST + 1];
  struct job *jobs[2 * JOBS_MOST + 1];
  for (;;) {
    start_jobs (s);
    if (!s->running && (s->stopping || !s->waiting))
      return;
    size_t n = 0;
    fds[n] = (struct pollfd) { .fd = s->signals, .events = POLLIN };
    jobs[n++] = NULL;
    for (size_t i = 0; i < s->plan->suite_count; i++) {
      struct job *job = &s->jobs[i];
      if (job->state != JOB_RUNNING)
        continue;
      fds[n] = (struct pollfd) { .fd = job->events, .events = POLLIN };
      jobs[n++] = job;
      fds[n] = (struct pollfd) { .fd = job->keeper.status, .events = POLLIN };
      jobs[n++] = job;
    }
    flush_events (s);
    if (poll (fds, n, (int) (TICK_NS / 1000000)) < 0 && errno != EINTR)
      return;
    if (fds[0].revents)
      take_signals (s);
    for (size_t i = 1; i < n; i += 2) {
      if (fds[i].revents && jobs[i]->events >= 0)
        read_events (s, jobs[i], READS_AT_ONCE);
      if (fds[i + 1].revents && read_status (s, jobs[i]))
        worker_ended (s, jobs[i]);
    }
    tick (s);
  }
}

/* The logs of the run before: its tests may have had other roles. */
static void
remove_old_logs (const struct supervisor *s)
{
  char path[PATH_MAX];
  struct stat st;
  if (snprintf (path, sizeof path, "%s/logs", s->options->output) < (int) sizeof path && lstat (path, &st) == 0
      && S_ISDIR (st.st_mode))
    remove_tree (path); /* what cannot be removed is written over */
}

static int
block_signals (sigset_t *old)
{
  sigset_t set;
  sigemptyset (&set);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  struct sigaction hang_up;
  if (sigaction (SIGHUP, NULL, &hang_up) == 0 && hang_up.sa_handler != SIG_IGN) /* nohup: it goes on */
    sigaddset (&set, SIGHUP);
  sigprocmask (SIG_BLOCK, &set, old);
  signal (SIGPIPE, SIG_IGN);
  return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* False: another run is at work in the same folder; each would spoil what the other
 * writes. */
static bool
open_events (struct supervisor *s)
{
  char path[PATH_MAX];
  snprintf (path, sizeof path, "%s/events.jsonl", s->options->output);
  s->events_file = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (s->events_file >= 0 && flock (s->events_file, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
    return false;
  if (s->events_file < 0 || (ftruncate (s->events_file, 0) < 0 && errno != EINVAL)) /* EINVAL: no regular file */
    lost_events (s, errno);
  return true;
}

static void
tell_end (struct supervisor *s, int status)
{
  struct event event = { .type = EVENT_END, .status = status, .interrupted = s->interrupted,
                         .suites = s->plan->suite_count, .tests = s->plan->test_count };
  event.outcome = s->broken ? OUTCOME_ERROR : s->failed ? OUTCOME_FAILED : OUTCOME_PASSED;
  tell (s, &event);
  flush_events (s);
  if (s->events_file >= 0 && close (s->events_file) < 0)
    lost_events (s, errno);
  s->events_file = -1;
}

static void
finish_reporters (struct supervisor *s)
{
  for (size_t i = 0; i < s->reporter_count; i++)
    report_finish (s->reporters[i]);
  for (size_t i = 0; i < s->reporter_count; i++)
    if (s->reporters[i]->error[0]) {
      fprintf (stderr, "runner: the report %s is lost: %s\n", s->reporters[i]->type->name, s->reporters[i]->error);
      s->broken = true;
    }
}

static int
exit_status (const struct supervisor *s)
{
  return s->interrupted ? 130 : s->broken ? 3 : s->failed ? 1 : 0;
}

/* Starts the roles of the whole run.  False: no suite that uses them can run. */
static bool
start_run_roles (struct supervisor *s, char *error, size_t error_size)
{
  char folder[PATH_MAX];
  int foreign[] = { s->signals, -1 };
  if (!s->run_roles->count)
    return true;
  snprintf (folder, sizeof folder, "%.4000s/logs/run", s->options->output);
  make_folders (folder);
  flush_events (s);
  fflush (stdout);
  if (run_roles_start (s->run_roles, s->plan, s->options, s->engine, s->never, s->signals, folder, foreign,
                       error, error_size))
    return true;
  take_signals (s);
  s->stopping = true;
  return false;
}

/* Suites that were never begun.  `cannot`: why, if it is not by somebody's wish. */
static void
tell_waiting (struct supervisor *s, const char *cannot)
{
  for (size_t i = 0; i < s->plan->suite_count; i++) {
    struct job *job = &s->jobs[i];
    if (job->state != JOB_WAITING)
      continue;
    job->done = xcalloc (job->planned->count, sizeof *job->done);
    if (cannot && !s->interrupted)
      rest_cannot_run (s, job, cannot);
    else
      rest_not_run (s, job, s->interrupted ? "interrupted" : "stopped after the first failure (--fail-fast)");
    free (job->done);
    job->done = NULL;
  }
}

static void
close_all (struct supervisor *s, const int *never, const sigset_t *old)
{
  if (s->events_file >= 0)
    close (s->events_file);
  close (s->signals);
  close (never[0]);
  close (never[1]);
  sigprocmask (SIG_SETMASK, old, NULL);
}

/* Everything, from the first event to the last report.  Returns the exit status. */
static int
run_all (struct supervisor *s)
{
  const struct plan *plan = s->plan;
  char error[2048] = "";
  s->jobs = xcalloc (plan->suite_count, sizeof *s->jobs);
  for (size_t i = 0; i < plan->suite_count; i++)
    s->jobs[i] = (struct job) { .planned = &plan->suites[i], .index = (uint32_t) i, .events = -1 };
  tell_run (s);
  bool started = start_run_roles (s, error, sizeof error);
  if (started)
    loop (s);
  run_roles_stop (s->run_roles);
  tell_waiting (s, started ? NULL : error);
  tell_end (s, exit_status (s));
  finish_reporters (s);
  free (s->jobs);
  buffer_free (&s->out);
  buffer_free (&s->line);
  arena_free (&s->arena);
  return exit_status (s);
}

int
supervise (const struct plan *plan, const struct run_options *options, struct expr_engine *engine,
           struct run_roles *run_roles, struct reporter **reporters, size_t reporter_count)
{
  struct supervisor s = { .plan = plan, .options = options, .engine = engine, .run_roles = run_roles, .reporters = reporters,
                          .reporter_count = reporter_count, .events_file = -1, .waiting = plan->suite_count,
                          .most = options->jobs };
  sigset_t old;
  int never[2];
  s.signals = block_signals (&old);
  if (s.signals < 0 || pipe2 (never, O_CLOEXEC) < 0) {
    fprintf (stderr, "runner: cannot start: %s\n", strerror (errno));
    return 3;
  }
  s.never = never[0]; /* its other end stays open: it never becomes readable */
  make_folders (options->output);
  if (!open_events (&s)) {
    fprintf (stderr, "runner: another run writes into %s: give this one its own folder (-o)\n", options->output);
    close_all (&s, never, &old);
    return 3;
  }
  remove_old_logs (&s);
  int status = run_all (&s);
  close_all (&s, never, &old);
  return status;
}
