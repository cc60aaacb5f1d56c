/* judge.h - what a worker came to: did it crash, hang, or end by itself, and at which step? */
#ifndef JUDGE_H
#define JUDGE_H

#include "event.h"
#include "keeper.h"
#include "plan.h"
#include "shared.h"

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
  bool ended;                /* its EVENT_SUITE_END has been seen */
  bool started;
  int outcome;               /* the worst of its tests */
  int64_t start_us;

  struct keeper keeper;
  pid_t worker;
  int events, control;
  struct shared *shared;
  struct buffer in, status;
  int wait_status;
  bool exited;               /* wait_status is set */
  bool hung;                 /* it was ended for that */
  int64_t probed_ns;         /* 0: not */
  uint32_t hung_step;
  char *logs[LOGS_MOST];     /* "name\tpath" of logs that the worker left to its keeper */
  size_t log_count;
};

/* Did it end otherwise than by its own decision?  Whatever its exit status: a library
 * may have called exit in the middle of a test. */
bool judge_died (const struct job *job);
/* The event of a worker's violent end, blamed on what ran. */
void judge_death (struct job *job, struct arena *arena, struct event *event);
/* Ends a worker one of whose steps has ignored its deadline for long. */
void judge_deadlines (struct job *job, int64_t now);

#endif
