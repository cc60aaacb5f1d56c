/* job.c - see job.h.  It tells nobody and decides nothing: the supervisor does. */
#include "config.h"

#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "worker.h"

/* "logs/suites.tcp-device" */
static void
log_folder (const struct run *run, const struct suite *suite, char *out, size_t size)
{
  int n = snprintf (out, size, "%s/logs/", run->options->output);
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

/* What the new process starts from. */
struct work {
  const struct run *run;
  struct job *job;
  int events, control;
  size_t count;
};

static int
work (void *data, struct keeper_link *link)
{
  struct work *work = data;
  const struct run *run = work->run;
  struct job *job = work->job;
  char folder[PATH_MAX];
  sigset_t none;
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  signal (SIGINT, SIG_IGN); /* the supervisor tells by the control pipe */
  signal (SIGTERM, SIG_DFL);
  signal (SIGPIPE, SIG_IGN);
  shared_watch_crashes (job->shared, SIGRTMIN + 3);
  log_folder (run, job->planned->suite, folder, sizeof folder);
  if (job->planned->suite->role_count || suite_has_test_roles (job->planned->suite))
    make_folders (folder, NULL); /* what cannot be made shows when a log is written */
  struct worker worker = {
    .suite = job->planned->suite, .plan = run->plan, .options = run->options, .shared = job->shared, .link = link,
    .engine = run->engine, .number = job->slot, .events_fd = work->events, .control_fd = work->control,
    .never_fd = run->never, .log_folder = folder, .plan_index = job->index, .run_roles = run->run_roles
  };
  guard_begin (&worker, &job->printed);
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
foreign (const struct run *run, const struct job *but, int *list)
{
  size_t n = 0;
  for (size_t i = 0; i < run->plan->suite_count; i++) {
    const struct job *job = &run->jobs[i];
    if (job == but || job->state != JOB_RUNNING)
      continue;
    list[n++] = job->keeper.lifeline;
    list[n++] = job->keeper.status;
    list[n++] = job->control;
    if (job->events >= 0) /* else it is at its end already; -1 would end the list */
      list[n++] = job->events;
  }
  list[n++] = run->signals;
  list[n++] = run->run_roles->keeper.pid > 0 ? run->run_roles->keeper.lifeline : -1;
  list[n] = -1;
}

bool
job_start (const struct run *run, struct job *job)
{
  int events[2] = { -1, -1 }, control[2] = { -1, -1 };
  int others[4 * JOBS_MOST + 3];
  if (!job->shared)
    job->shared = shared_new ();
  if (job->printed.head)
    capture_reset (&job->printed);
  else if (!capture_new_plain (&job->printed))
    goto fail;
  if (!job->shared || pipe2 (events, O_CLOEXEC) < 0 || pipe2 (control, O_CLOEXEC) < 0)
    goto fail;
  fcntl (events[1], F_SETPIPE_SZ, 1 << 20); /* fewer turns between worker and supervisor */
  struct work w = { run, job, events[1], control[0], list_remaining (job) };
  int not_keepers[] = { events[0], events[1], control[0], control[1], -1 };
  foreign (run, job, others);
  job->exited = job->hung = job->ended = false;
  job->probed_ns = 0;
  job->worker = 0;
  job->done_before = job->done_count;
  job->attempt_before = job->next_attempt;
  job->in.size = job->status.size = 0;
  if (!keeper_start (&job->keeper, work, &w, not_keepers, others, &job->printed))
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

void
job_status (struct job *job, const char *line)
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

void
job_reap_keeper (struct job *job)
{
  while (waitpid (job->keeper.pid, &job->keeper_status, 0) < 0 && errno == EINTR)
    continue;
  job->last_keeper = job->keeper.pid;
  job->keeper.pid = 0;
}

void
job_release (struct job *job)
{
  if (job->events >= 0)
    close (job->events);
  close (job->control);
  close (job->keeper.lifeline);
  close (job->keeper.status);
}

void
job_forget (struct job *job)
{
  struct shared *shared = job->shared;
  shared->crash.signal = 0;
  shared->crash.frame_count = 0;
  shared->crash.wire.count = 0;
  shared->phase = PHASE_IDLE;
  shared->fault = FAULT_NONE;
  for (int i = 0; i < shared_slots_used (shared); i++) {
    shared->slots[i].thread = 0;
    shared->slots[i].step = NO_STEP;
    shared->slots[i].deadline_ns = 0;
    shared->closing[i].what[0] = '\0';
  }
  for (size_t i = 0; i < job->log_count; i++)
    free (job->logs[i]);
  job->log_count = 0;
}

void
job_free (struct job *job)
{
  shared_free (job->shared);
  job->shared = NULL;
  capture_free (&job->printed);
  buffer_free (&job->in);
  buffer_free (&job->status);
  free (job->done);
  free (job->remaining);
  arena_free (&job->end_arena);
  job->end_kept = false;
  job->done = NULL;
  job->remaining = NULL;
}

void
job_cut (struct job *job)
{
  close (job->keeper.lifeline);
  job->keeper.lifeline = open ("/dev/null", O_RDONLY | O_CLOEXEC);
}
