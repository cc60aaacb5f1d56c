/* job.h - a suite of the run as the supervisor sees it: its worker, and what is done of it.
 *
 * Here it gets a worker and loses it; what its end means is judge.c, what happens then
 * supervisor.c. */
#ifndef JOB_H
#define JOB_H

#include "event.h"
#include "keeper.h"
#include "plan.h"
#include "run-roles.h"
#include "shared.h"

#define JOBS_MOST 256 /* at once */
#define LOGS_MOST 32

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_DONE };

struct job {
  const struct planned_suite *planned;
  uint32_t index;            /* in the plan */
  enum job_state state;
  uint32_t slot;             /* which of the -j workers */
  bool *done;                /* per test: its final result has been told */
  uint32_t done_count;
  uint32_t next_attempt;     /* of the first test that is not done, after a crash */
  uint32_t *remaining;       /* numbers of tests for the worker that runs */
  unsigned setup_deaths, restarts_in_vain;
  uint32_t done_before, attempt_before; /* what it had come to when its worker started */
  int outcome;               /* the worst of its tests */
  int64_t start_us;
  bool end_kept;             /* the next two: what its workers said at their ends, to be told at its own */
  struct event end;
  struct arena end_arena;

  /* of its worker */
  struct keeper keeper;
  pid_t worker;
  int events, control;
  struct shared *shared;
  struct capture printed;    /* by the worker itself */
  struct buffer in, status;
  int wait_status;
  bool exited;               /* wait_status is set */
  bool ended;                /* its EVENT_SUITE_END has been seen */
  pid_t last_keeper;         /* these two after job_reap_keeper */
  int keeper_status;
  bool hung;                 /* it was ended for that */
  int64_t probed_ns;         /* 0: not; else these three say what overran then */
  int probed_slot;
  uint32_t probed_step;
  int64_t probed_deadline_ns;
  int64_t answered_ns;       /* when it was seen to have answered; 0: not yet */
  uint32_t hung_step;
  int hung_slot;
  char *logs[LOGS_MOST];     /* "name\tpath" of logs that the worker left to its keeper */
  size_t log_count;
};

/* What all workers of a run are given. */
struct run {
  const struct plan *plan;
  const struct run_options *options;
  struct expr_engine *engine;
  struct run_roles *run_roles;
  struct job *jobs;          /* one for each suite of the plan */
  int signals, never;        /* descriptors: of the supervisor alone; one that is never readable */
};

/* Starts a worker for the tests that have no final result.  False: errno. */
bool job_start (const struct run *run, struct job *job);
/* A line of its keeper, which comes from a keeper's status. */
void job_status (struct job *job, const char *line);
/* Waits for its keeper, whose status has ended. */
void job_reap_keeper (struct job *job);
/* Its worker is gone, and all that it had started: closes what led to it. */
void job_release (struct job *job);
/* After job_release: nothing of the last worker is blamed on the next. */
void job_forget (struct job *job);
void job_free (struct job *job);
/* Ends its worker and all below it, by its keeper. */
void job_cut (struct job *job);

#endif
