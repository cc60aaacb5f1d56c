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
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "judge.h"
#include "run-events.h"
#include "text.h"

#define TICK_NS (INT64_C (100) * 1000000)
#define INTERRUPT_NS (INT64_C (30) * 1000000000) /* interrupted workers have so long to clean up */
#define READ_SIZE ((size_t) 256 << 10)

struct supervisor {
  struct run run;
  struct run_events events;
  size_t running, waiting;
  size_t most;               /* suites at once: as wanted, less when the system does not allow it */
  bool slots[JOBS_MOST];
  int64_t start_us;
  bool interrupted, stopping; /* stopping: no new suites (fail-fast, interrupt) */
  int64_t interrupted_ns;
  int64_t ticked_ns;
  struct arena arena;        /* of one event */
  bool failed, broken;       /* exit statuses 1 and 3 */
  bool unfinished;           /* a test was not run */
  pid_t *earlier;            /* children that this process had before: of who became it by exec */
  size_t earlier_count;
};

/* ---- telling ---- */

static void
note_outcome (struct supervisor *s, int outcome)
{
  s->failed |= outcome == OUTCOME_FAILED;
  s->broken |= outcome == OUTCOME_ERROR;
  s->unfinished |= outcome == OUTCOME_NOT_RUN;
}

#define PLANNED_PER_EVENT 500

static const char *
join_tags (struct arena *arena, const char **tags)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!tags || !*tags)
    return NULL;
  for (; *tags; tags++)
    buffer_printf (&text, "%s%s", text.size ? "," : "", *tags);
  return arena_copy (arena, text.data, text.size);
}

static void
tell_plan (struct supervisor *s, const struct planned_suite *planned)
{
  for (size_t first = 0; first < planned->count; first += PLANNED_PER_EVENT) {
    CLEANUP_ARENA struct arena arena = { 0 };
    struct event_planned tests[PLANNED_PER_EVENT];
    size_t n = planned->count - first < PLANNED_PER_EVENT ? planned->count - first : PLANNED_PER_EVENT;
    for (size_t i = 0; i < n; i++) {
      const struct planned *test = &planned->tests[first + i];
      tests[i] = (struct event_planned) { .name = test->name, .line = test->test->where.line,
                                          .tags = join_tags (&arena, test->test->tags), .about = test->test->about };
    }
    struct event event = { .type = EVENT_PLAN, .suite = planned->suite->number, .path = planned->suite->path,
                           .name = planned->suite->name, .about = planned->suite->about, .first = (uint32_t) first, .planned = tests,
                           .planned_count = n };
    run_events_tell (&s->events, &event);
  }
}

static void
tell_run (struct supervisor *s)
{
  char host[256] = "", seed[32];
  gethostname (host, sizeof host - 1);
  snprintf (seed, sizeof seed, "%llu", (unsigned long long) s->run.options->seed);
  struct event event = { .type = EVENT_RUN, .version = EVENT_VERSION, .runner = PACKAGE_VERSION, .host = host,
                         .seed = s->run.options->shuffle ? seed : NULL, .command = s->run.options->command,
                         .suites = s->run.plan->suite_count, .tests = s->run.plan->test_count,
                         .jobs = (uint32_t) (s->most < s->run.plan->suite_count ? s->most : s->run.plan->suite_count) };
  run_events_tell (&s->events, &event);
  s->start_us = event.time_us;
  for (size_t i = 0; i < s->run.plan->suite_count; i++)
    tell_plan (s, &s->run.plan->suites[i]);
}

/* ---- results ---- */

/* The final result of a test, or what its suite's end tells. */
static void
note_result (struct supervisor *s, struct job *job, int outcome)
{
  note_outcome (s, outcome);
  if (outcome == OUTCOME_FAILED || outcome == OUTCOME_ERROR)
    job->outcome = job->outcome == OUTCOME_ERROR ? OUTCOME_ERROR : outcome;
  else if (outcome == OUTCOME_NOT_RUN && job->outcome == OUTCOME_PASSED)
    job->outcome = OUTCOME_NOT_RUN;
}

/* What belongs to no test, as errors come before failures; 0: nothing went wrong. */
static int
own_failure (const struct event *event)
{
  bool failed = event->message && (event->outcome == OUTCOME_FAILED || event->outcome == OUTCOME_ERROR);
  return failed ? event->outcome : 0;
}

#define END_WARNINGS_MOST 32 /* of all workers of a suite */

static void
keep_warning (struct job *job, const char *text)
{
  struct event *end = &job->end;
  for (size_t i = 0; i < end->warning_count; i++)
    if (strcmp (end->warnings[i], text) == 0)
      return;
  if (end->warning_count == END_WARNINGS_MOST)
    return;
  const char **warnings = arena_array (&job->end_arena, end->warning_count + 1, sizeof *warnings);
  if (end->warning_count)
    memcpy (warnings, end->warnings, end->warning_count * sizeof *warnings);
  warnings[end->warning_count++] = arena_strdup (&job->end_arena, text);
  end->warnings = warnings;
}

/* Keeps what the end of a worker says until the suite ends, which may have a worker for each
 * test: of failures the first of the worst, and all warnings. */
static void
keep_end (struct supervisor *s, struct job *job, const struct event *event)
{
  CLEANUP_BUFFER struct buffer line = { 0 };
  struct event copy = *event, kept = job->end;
  char error[256];
  note_outcome (s, event->outcome);
  job->ended = true;
  if (!job->end_kept || own_failure (event) > own_failure (&job->end)) {
    copy.warning_count = 0;
    event_write (&line, &copy);
    if (!event_read (&job->end_arena, line.data, line.size, &job->end, error, sizeof error))
      job->end = (struct event) { .type = EVENT_SUITE_END };
    job->end.warnings = kept.warnings;
    job->end.warning_count = kept.warning_count;
    job->end_kept = true;
  }
  job->end.time_us = event->time_us;
  for (size_t i = 0; i < event->warning_count; i++)
    keep_warning (job, event->warnings[i]);
}

/* A suite lasts from the start of its first worker to the end of the last; the outcome is the
 * worst of its tests, unless the event tells of a failure of its own. */
static void
complete_suite_end (const struct job *job, struct event *event)
{
  event->type = EVENT_SUITE_END;
  event->worker = job->slot;
  event->suite = job->planned->suite->number;
  event->name = job->planned->suite->name;
  event->path = job->planned->suite->path;
  if (!own_failure (event))
    event->message = event->where = event->verb = event->step = event->details = NULL; /* a `skip` of the teardown */
  if (!job->ended)
    event->time_us = 0; /* its last worker did not tell its end */
  event->start_us = job->start_us;
  if (!event->time_us)
    event->time_us = time_now_us ();
  event->duration_us = event->time_us > event->start_us ? event->time_us - event->start_us : 0;
  if (!event->message)
    event->outcome = job->outcome;
}

static void
not_run (struct supervisor *s, struct job *job, uint32_t test, int outcome, const char *why)
{
  struct event event = { .type = EVENT_TEST, .suite = job->planned->suite->number, .test = test,
                         .name = job->planned->tests[test].name, .attempt = 1, .final = true,
                         .outcome = outcome, .message = why, .worker = job->slot };
  event.time_us = event.start_us = time_now_us ();
  job->done[test] = true;
  job->done_count++;
  note_result (s, job, outcome);
  run_events_tell (&s->events, &event);
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

static bool
start_worker (struct supervisor *s, struct job *job)
{
  run_events_flush (&s->events); /* not once more by a child */
  fflush (stdout);
  return job_start (&s->run, job);
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
  for (size_t i = 0; i < s->run.plan->suite_count; i++) {
    struct job *job = &s->run.jobs[i];
    if (job->state != JOB_RUNNING)
      continue;
    job->shared->after_failure = !s->interrupted;
    if (write (job->control, "c", 1) < 0 && errno != EPIPE)
      run_events_warn (&s->events, NULL, "cannot stop a worker: %s", strerror (errno));
  }
}

/* A line of a worker. */
static void
take_line (struct supervisor *s, struct job *job, const char *line, size_t size)
{
  struct event event;
  char error[256];
  arena_reset (&s->arena);
  if (!event_read (&s->arena, line, size, &event, error, sizeof error)) {
    run_events_warn (&s->events, job->planned->suite->path, "a worker told something that is no event: %s", error);
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
      note_result (s, job, event.outcome);
    }
    else if (!event.final)
      job->next_attempt = event.attempt + 1;
  }
  if (event.type == EVENT_SUITE_END) {
    keep_end (s, job, &event);
    return;
  }
  run_events_pass (&s->events, &event, line, size);
  if (event.type == EVENT_TEST && event.final && s->run.options->fail_fast && !s->stopping
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
      run_events_warn (&s->events, job->planned->suite->path, "a worker told something longer than any event");
      s->broken = true;
      job->in.size = 0;
    }
  }
}

/* ---- the end of a worker ---- */

struct status {
  struct supervisor *supervisor;
  struct job *job;
};

static void
take_status (void *data, const char *line)
{
  struct supervisor *s = ((struct status *) data)->supervisor;
  struct job *job = ((struct status *) data)->job;
  if (strncmp (line, "lost ", 5) == 0) {
    run_events_warn (&s->events, job->planned->suite->path, "a log is lost: %s", line + 5);
    s->broken = true;
  }
  if (strncmp (line, "left ", 5) == 0) {
    run_events_warn (&s->events, job->planned->suite->path, "still runs, and cannot be ended: %s", line + 5);
    s->broken = true;
  }
  job_status (job, line);
}

/* True: the keeper is gone, and everything below it. */
static bool
read_status (struct supervisor *s, struct job *job)
{
  struct status status = { s, job };
  return keeper_read (&job->keeper, &job->status, take_status, &status);
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
  uint32_t retries = planned->test->retries > s->run.options->retries ? planned->test->retries : s->run.options->retries;
  event.final = event.attempt > retries || s->stopping || !job->exited;
  if (event.final) {
    job->done[number] = true;
    job->done_count++;
    job->next_attempt = 1;
    note_result (s, job, OUTCOME_ERROR);
  }
  else
    job->next_attempt = event.attempt + 1;
  run_events_tell (&s->events, &event);
  if (event.final && s->run.options->fail_fast && !s->stopping)
    stop_all (s);
}

/* It has one more try, but is not well. */
static void
warn_of_setup (struct supervisor *s, struct job *job)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct event death = { .type = EVENT_TEST };
  judge_death (job, &arena, &death);
  struct event event = { .type = EVENT_WARNING, .where = death.where ? death.where : job->planned->suite->path,
                         .message = arena_printf (&arena, "the suite's setup %s", death.message),
                         .details = death.details };
  run_events_tell (&s->events, &event);
}

/* A setup or a role's start that ended the worker: once more, then the suite ends. */
static void
blame_setup (struct supervisor *s, struct job *job)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  if (++job->setup_deaths < 2) {
    warn_of_setup (s, job);
    return;
  }
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
  note_result (s, job, OUTCOME_ERROR);
  run_events_tell (&s->events, &event);
  rest_not_run (s, job, "the suite's setup crashed twice");
}

static void
blame_teardown (struct supervisor *s, struct job *job)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct event event = { .type = EVENT_SUITE_END, .time_us = time_now_us () };
  judge_death (job, &arena, &event);
  event.message = arena_printf (&arena, "after its tests, the suite %s", event.message);
  s->broken = true;
  keep_end (s, job, &event);
}

static void
finish_job (struct supervisor *s, struct job *job)
{
  if (s->stopping)
    rest_not_run (s, job, s->interrupted ? "interrupted" : STOPPED_AFTER_FAILURE);
  job->state = JOB_DONE;
  s->running--;
  s->slots[job->slot] = false;
  struct event end = job->end_kept ? job->end : (struct event) { .outcome = OUTCOME_PASSED };
  complete_suite_end (job, &end);
  run_events_tell (&s->events, &end);
  job_free (job);
}

/* What a keeper that died has left: its children came here. */
static void
end_left (struct supervisor *s)
{
  size_t n = 0;
  pid_t *ours = xcalloc (s->earlier_count + s->run.plan->suite_count + 1, sizeof *ours);
  while (n < s->earlier_count) {
    ours[n] = s->earlier[n];
    n++;
  }
  for (size_t i = 0; i < s->run.plan->suite_count; i++)
    if (s->run.jobs[i].state == JOB_RUNNING && s->run.jobs[i].keeper.pid > 0)
      ours[n++] = s->run.jobs[i].keeper.pid;
  if (s->run.run_roles->keeper.pid > 0)
    ours[n++] = s->run.run_roles->keeper.pid;
  if (!end_orphans (ours, n))
    run_events_warn (&s->events, NULL, "a process that was left by a keeper which died cannot be ended");
  free (ours);
}

/* The same of the roles with scope: run; the suites that use them notice. */
static void
run_roles_died (struct supervisor *s)
{
  end_left (s);
  remove_temps (s->run.run_roles->last_keeper);
  run_events_warn (&s->events, NULL, "the keeper process of the roles with scope: run was killed");
  s->broken = true;
}

static void
warn_of_run_roles (struct supervisor *s)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  while (run_roles_ended (s->run.run_roles, &text)) {
    run_events_warn (&s->events, NULL, "%s", buffer_text (&text));
    text.size = 0;
  }
}

/* What their worker and their keeper had to say. */
static void
tell_run_notes (struct supervisor *s)
{
  const struct run_note *note;
  while ((note = run_roles_note (s->run.run_roles))) {
    run_events_warn (&s->events, NULL, "%s", note->text);
    s->broken |= note->lost;
  }
}

/* A keeper has died, and its worker with it.  Who did that may do it again: the suite ends. */
static void
keeper_lost (struct supervisor *s, struct job *job)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  const char *why = judge_keeper (job, &arena);
  remove_temps (job->last_keeper);
  s->broken = true;
  if (job->shared->phase == PHASE_TEST)
    blame_test (s, job);
  if (job->done_count < job->planned->count) {
    if (job->shared->phase == PHASE_TEST)
      rest_not_run (s, job, why);
    else
      rest_cannot_run (s, job, why);
  }
  else if (!job->ended)
    blame_teardown (s, job);
  job_forget (job);
  finish_job (s, job);
}

/* The worker and all it had started are gone: what comes next? */
static void
worker_ended (struct supervisor *s, struct job *job)
{
  job_reap_keeper (job); /* before its end is whole, its children are not yet here */
  if (!job->exited)
    end_left (s);
  if (job->events >= 0)
    read_events (s, job, UINT_MAX);
  job_release (job);
  if (!job->exited) {
    keeper_lost (s, job);
    return;
  }
  bool died = judge_died (job);
  bool cut = s->interrupted && clock_now_ns () - s->interrupted_ns > 0 && died && !job->shared->crash.signal && !job->hung;
  if (died && !cut) {
    int phase = job->shared->phase;
    if (phase == PHASE_TEST)
      blame_test (s, job);
    else if (phase == PHASE_SETUP || phase == PHASE_ROLES)
      blame_setup (s, job);
    else
      blame_teardown (s, job);
  }
  /* its results may have been read long before its end */
  bool progress = job->done_count > job->done_before || job->next_attempt != job->attempt_before;
  job->restarts_in_vain = progress ? 0 : job->restarts_in_vain + 1;
  if (job->restarts_in_vain > 3 && job->done_count < job->planned->count)
    rest_cannot_run (s, job, "the suite's worker ended again and again without a result");
  job_forget (job);
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
  for (size_t i = 0; i < s->run.plan->suite_count; i++)
    if (s->run.jobs[i].state == JOB_RUNNING)
      job_cut (&s->run.jobs[i]);
}

/* One that somebody has stopped. */
static void
look_at_keeper (struct supervisor *s, struct job *job)
{
  const char *how = keeper_look (&job->keeper);
  if (how)
    run_events_warn (&s->events, job->planned->suite->path,
                     "the keeper process (the parent of the suite's worker) %s", how);
}

static void
look_at_jobs (struct supervisor *s, int64_t now)
{
  for (size_t i = 0; i < s->run.plan->suite_count; i++)
    if (s->run.jobs[i].state == JOB_RUNNING) {
      look_at_keeper (s, &s->run.jobs[i]);
      judge_deadlines (&s->run.jobs[i], now);
    }
  run_roles_look (s->run.run_roles);
}

static void
tick (struct supervisor *s)
{
  int64_t now = clock_now_ns ();
  if (now - s->ticked_ns < TICK_NS)
    return;
  s->ticked_ns = now;
  look_at_jobs (s, now);
  if (s->interrupted && s->running && now - s->interrupted_ns > INTERRUPT_NS) {
    s->interrupted_ns = now;
    cut_lifelines (s);
  }
  warn_of_run_roles (s);
  tell_run_notes (s);
  reporters_tick (s->events.reporters, time_now_us ());
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
  for (size_t i = 0; i < s->run.plan->suite_count; i++)
    if (s->run.jobs[i].state == JOB_RUNNING && share_lock (s->run.jobs[i].planned->suite, job->planned->suite))
      return false;
  return true;
}

/* Too few descriptors, processes or memory for one more: it waits for the others. */
static void
put_off (struct supervisor *s, struct job *job)
{
  run_events_warn (&s->events, NULL, "%zu suites at once, not %zu: %s", s->running - 1, s->most, strerror (errno));
  job_free (job);
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
  struct event event = { .type = EVENT_SUITE, .suite = suite->number, .path = suite->path, .name = suite->name,
                         .worker = job->slot };
  run_events_tell (&s->events, &event);
  if (!started) {
    errno = error;
    cannot_start (s, job);
    finish_job (s, job);
  }
}

static void
start_jobs (struct supervisor *s)
{
  for (size_t i = 0; i < s->run.plan->suite_count && s->running < s->most && !s->stopping; i++)
    if (s->run.jobs[i].state == JOB_WAITING && may_start (s, &s->run.jobs[i]))
      start_job (s, &s->run.jobs[i]);
}

/* ---- the loop ---- */

static void
take_signals (struct supervisor *s)
{
  struct signalfd_siginfo info;
  while (read (s->run.signals, &info, sizeof info) == (ssize_t) sizeof info) {
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
  struct pollfd fds[2 * JOBS_MOST + 2];
  struct job *jobs[2 * JOBS_MOST + 1];
  for (;;) {
    start_jobs (s);
    if (!s->running && (s->stopping || !s->waiting))
      return;
    size_t n = 0;
    fds[n] = (struct pollfd) { .fd = s->run.signals, .events = POLLIN };
    jobs[n++] = NULL;
    for (size_t i = 0; i < s->run.plan->suite_count; i++) {
      struct job *job = &s->run.jobs[i];
      if (job->state != JOB_RUNNING)
        continue;
      fds[n] = (struct pollfd) { .fd = job->events, .events = POLLIN };
      jobs[n++] = job;
      fds[n] = (struct pollfd) { .fd = job->keeper.status, .events = POLLIN };
      jobs[n++] = job;
    }
    /* not answered in pairs, so the last one */
    fds[n] = (struct pollfd) { .fd = s->run.run_roles->keeper.pid > 0 ? s->run.run_roles->keeper.status : -1,
                               .events = POLLIN };
    run_events_flush (&s->events);
    if (poll (fds, n + 1, (int) (TICK_NS / 1000000)) < 0 && errno != EINTR)
      return;
    if (fds[0].revents)
      take_signals (s);
    for (size_t i = 1; i < n; i += 2) {
      if (fds[i].revents && jobs[i]->events >= 0)
        read_events (s, jobs[i], READS_AT_ONCE);
      if (fds[i + 1].revents && read_status (s, jobs[i]))
        worker_ended (s, jobs[i]);
    }
    if (fds[n].revents && run_roles_lost (s->run.run_roles))
      run_roles_died (s);
    tick (s);
  }
}

/* The logs of the run before: its tests may have had other roles. */
static void
remove_old_logs (const struct supervisor *s)
{
  char path[PATH_MAX];
  struct stat st;
  if (snprintf (path, sizeof path, "%s/logs", s->run.options->output) < (int) sizeof path && lstat (path, &st) == 0
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

/* Is something lost, or could not be run? */
static bool
is_broken (const struct supervisor *s)
{
  return s->broken || s->events.lost;
}

static void
tell_end (struct supervisor *s, int status)
{
  struct event event = { .type = EVENT_END, .status = status, .interrupted = s->interrupted,
                         .suites = s->run.plan->suite_count, .tests = s->run.plan->test_count,
                         .time_us = time_now_us () };
  event.duration_us = event.time_us > s->start_us ? event.time_us - s->start_us : 0;
  event.outcome = is_broken (s)    ? OUTCOME_ERROR
                  : s->failed     ? OUTCOME_FAILED
                  : s->unfinished ? OUTCOME_NOT_RUN
                                  : OUTCOME_PASSED;
  run_events_tell (&s->events, &event);
  run_events_close (&s->events);
}

static int
exit_status (const struct supervisor *s)
{
  return s->interrupted ? 130 : is_broken (s) ? 3 : s->failed ? 1 : 0;
}

/* Starts the roles of the whole run.  False: no suite that uses them can run. */
static bool
start_run_roles (struct supervisor *s, char *error, size_t error_size)
{
  char folder[PATH_MAX];
  int foreign[] = { s->run.signals, -1 };
  if (!s->run.run_roles->count)
    return true;
  snprintf (folder, sizeof folder, "%.4000s/logs/run", s->run.options->output);
  make_folders (folder, NULL); /* what cannot be made shows when a log is written */
  run_events_flush (&s->events);
  fflush (stdout);
  if (run_roles_start (s->run.run_roles, s->run.plan, s->run.options, s->run.engine, s->run.never, s->run.signals, folder, foreign,
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
  for (size_t i = 0; i < s->run.plan->suite_count; i++) {
    struct job *job = &s->run.jobs[i];
    if (job->state != JOB_WAITING)
      continue;
    job->done = xcalloc (job->planned->count, sizeof *job->done);
    if (cannot && !s->interrupted)
      rest_cannot_run (s, job, cannot);
    else
      rest_not_run (s, job, s->interrupted ? "interrupted" : STOPPED_AFTER_FAILURE);
    free (job->done);
    job->done = NULL;
  }
}

static void
close_all (struct supervisor *s, const int *never, const sigset_t *old)
{
  run_events_close (&s->events);
  close (s->run.signals);
  close (never[0]);
  close (never[1]);
  sigprocmask (SIG_SETMASK, old, NULL);
}

/* As the subreaper: what a keeper leaves that dies comes here. */
static void
become_subreaper (struct supervisor *s)
{
  pid_t earlier[512];
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  s->earlier_count = children_of (getpid (), earlier, sizeof earlier / sizeof *earlier);
  s->earlier = xcalloc (s->earlier_count + 1, sizeof *earlier);
  memcpy (s->earlier, earlier, s->earlier_count * sizeof *earlier);
}

/* Everything, from the first event to the last report.  Returns the exit status. */
static int
run_all (struct supervisor *s)
{
  const struct plan *plan = s->run.plan;
  char error[2048] = "";
  s->run.jobs = xcalloc (plan->suite_count, sizeof *s->run.jobs);
  for (size_t i = 0; i < plan->suite_count; i++)
    s->run.jobs[i] = (struct job) { .planned = &plan->suites[i], .index = (uint32_t) i, .events = -1 };
  become_subreaper (s);
  tell_run (s);
  bool started = start_run_roles (s, error, sizeof error);
  if (started)
    loop (s);
  warn_of_run_roles (s);
  if (!run_roles_stop (s->run.run_roles))
    run_roles_died (s);
  tell_run_notes (s);
  tell_waiting (s, started ? NULL : error);
  tell_end (s, exit_status (s));
  if (!reporters_finish (s->events.reporters, "runner"))
    s->broken = true;
  free (s->run.jobs);
  free (s->earlier);
  arena_free (&s->arena);
  return exit_status (s);
}

int
supervise (const struct plan *plan, const struct run_options *options, struct expr_engine *engine,
           struct run_roles *run_roles, struct reporters *reporters)
{
  struct supervisor s = { .run = { .plan = plan, .options = options, .engine = engine, .run_roles = run_roles },
                          .events = { .file = -1 }, .waiting = plan->suite_count, .most = options->jobs };
  sigset_t old;
  int never[2];
  s.run.signals = block_signals (&old);
  if (s.run.signals < 0 || pipe2 (never, O_CLOEXEC) < 0) {
    fprintf (stderr, "runner: cannot start: %s\n", strerror (errno));
    return 3;
  }
  s.run.never = never[0]; /* its other end stays open: it never becomes readable */
  if (!run_events_open (&s.events, options->output, reporters)) {
    fprintf (stderr, "runner: another run writes into %s: give this one its own folder (-o)\n", options->output);
    close_all (&s, never, &old);
    return 3;
  }
  remove_old_logs (&s);
  int status = run_all (&s);
  close_all (&s, never, &old);
  return status;
}
