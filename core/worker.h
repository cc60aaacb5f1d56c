/* worker.h - a process that runs the tests of one suite; what its files share.
 *
 *   worker.c        setup, tests in turn, teardown; their verdicts as events
 *   context.c       a thread's names, when it must stop, what its test has come to
 *   step-run.c      one step with its modifiers
 *   step-expect.c   what is held against its result
 *   step-each.c     the rows of `each`
 *   branch.c        steps in a thread of their own
 *   step-parallel.c branches that are waited for
 *   step-background.c branches that are joined later
 *   step-load.c     simulated users
 *   step-api.c      the interface for plugins: runner_* of a step
 *   step-handle.c   the same for handles
 *   step-program.c  the same for programs and their output
 *   core-verbs.c    log, sleep, fail, skip
 *   role-control.c  starting, stopping, watching roles
 *   role-start.c    the process of one
 *   role-end.c      how it ended
 *   role-verbs.c    role.* verbs
 *   leftover.c      programs that a test leaves running
 */
#ifndef WORKER_H
#define WORKER_H

#include <poll.h>

#include "event.h"
#include "guard.h"
#include "keeper.h"
#include "match.h"
#include "out.h"
#include "plan.h"
#include "run-roles.h"
#include "scope.h"
#include "shared.h"

#define STEP_NEST 64         /* groups and keywords inside each other */
#define STEP_NEST_USER 24    /* the same for a simulated user, whose stack is small */
#define STEPS_TOLD 1000      /* of one test in its event */
#define LOG_TAIL ((size_t) 16 << 10)     /* of a log, told with a failure */
#define OUTPUT_MOST ((size_t) 256 << 10) /* of one test: first and last halves */

/* How a worker ends. */
#define WORKER_DONE 0
#define WORKER_RESTART 10    /* a role is gone: go on in a new one */
#define WORKER_INTERRUPTED 11
#define WORKER_BROKEN 12     /* a function of a plugin has spoilt it: see enum worker_fault */

struct verdict {
  int outcome;               /* enum runner_outcome */
  bool expired;              /* a deadline was overrun, or it was cancelled */
  const struct step *step;   /* to blame; NULL: none */
  const char *name;          /* of that step, as it was evaluated; NULL: none */
  struct value where;        /* its place */
  const struct event_step *at; /* instead of both: what the test has told of a step; NULL */
  const char *message;       /* these belong to the test's arena */
  const char *details;       /* NULL: none */
};

struct deferred {
  struct deferred *older;
  struct steps steps;
  struct scope *scope;
};

/* One attempt at one test, or the suite's setup or teardown. */
struct test_run {
  struct arena arena;
  const struct planned *planned; /* NULL: setup, teardown */
  struct verdict verdict;
  int64_t start_ns, start_us;
  uint64_t checks;           /* expectations that were held against something */
  uint64_t acted;            /* steps that did something: not skipped, and more than a group around such */
  struct event_step *steps;
  size_t step_count, step_room, steps_untold;
  struct buffer output;
  size_t output_lost;
  struct deferred *deferred;
  struct scope *scope;       /* of its variables; NULL: the suite's */
  struct background *backgrounds; /* running, or ended and not joined */
  struct scope *kept_scopes; /* of keywords that deferred something: freed at the end */
  const char *temp;          /* folder; NULL: none was asked for */
  const char **warnings;
  size_t warning_count;
  struct event_load *loads;
  size_t load_count;
  bool spawned;              /* some program was started: look for leftovers */
};

/* What the threads of a background know of its end. */
struct background_life {
  struct background_life *outer; /* in which it was started; NULL */
  _Atomic bool over;         /* it is cancelled because its test has ended: loads end as at the end of their time */
  _Atomic unsigned loads;    /* that run in it */
};

struct background;
struct load;
struct load_user;
struct role_state;
struct worker;

/* A thread of execution. */
struct context {
  struct worker *worker;
  struct test_run *test;
  struct evaluator evaluator;
  struct scope *scope;
  const char *phase;         /* of event_step; NULL: the test's own steps */
  int slot;
  int cancel_fd;             /* becomes readable when steps must stop */
  struct background_life *background; /* what it is part of; NULL: of nothing in the background */
  int64_t deadline_ns;       /* of the test (monotonic), or sooner: */
  bool step_deadline;        /* it is that of a step around what runs */
  int64_t looked_ns;         /* at cancel_fd, last */
  unsigned depth;            /* of groups and keywords */
  struct arena pool[STEP_NEST + 2];
  struct scope *suite_scope; /* what keywords see */
  struct load *load;         /* whose steps these are; NULL */
  struct load_user *user;    /* whose thread this is; NULL */
  struct fiber *fiber;       /* which this is instead of a thread; NULL */
  const struct value *result; /* of the step whose modifiers are at work; NULL */
  struct role_cursor *cursors; /* of a branch: how far it has read what roles say */
};

/* Of one name; in the worker's arena. */
struct role_log {
  struct role_log *older;
  const char *name;
  unsigned last;
};

struct worker {
  const struct suite *suite;
  const struct plan *plan;
  const struct run_options *options;
  struct shared *shared;
  struct keeper_link *link;
  struct expr_engine *engine;
  uint32_t number;           /* which of the -j workers */
  int events_fd, control_fd, never_fd;
  struct guard guard;
  const char *log_folder;    /* for this suite's logs */
  struct buffer events;
  bool lost_events;          /* the supervisor is gone */
  struct scope scope;        /* the suite's */
  struct arena arena;        /* as long as the worker */
  struct role_state *roles;  /* newest first */
  struct role_log *role_logs; /* numbers of their files */
  const struct run_roles *run_roles; /* shared by all suites; NULL: none */
  pthread_mutex_t lock;      /* of the traffic, the output and the events */
  struct spawned *spawned;
  struct engine_store engines; /* of threads that have ended */
  struct runner_drain *drains; /* open ones */
  const struct planned *running; /* the test whose start can be told; NULL: none */
  struct deferred *suite_deferred; /* of the setup */
  const char *suite_temp;    /* the setup's folder; NULL: none */
  struct test_run *setup;    /* what it printed and was warned of is still to be told; NULL: nothing */
  uint32_t plan_index;       /* of the suite in the plan */
  int64_t flushed_ns, start_us;
  _Atomic uint32_t loads;    /* that have begun in this attempt at a test */
  struct context context;    /* of the main thread */
};

struct runner_step {
  struct context *context;
  const struct step *step;   /* NULL: a handle is being destroyed */
  struct value where;
  struct arena *arena;
  const struct params *params;
  uint64_t given;
  int64_t deadline_ns;
  int cancel_fd;
  struct runner_out out;
  int outcome;               /* the worst said so far */
  bool expired, bad;
  const char *message;       /* the first; in `arena` */
  struct buffer near;        /* why the last message that a verb looked at did not do */
  uint64_t candidates;
  struct arena scratch;      /* see step-api.c: emptied for each of them but the first */
  bool looked;               /* at the first */
  struct handle *held[8];
  size_t held_count;
};

/* worker.c */
/* All deferred steps, whatever fails, the newest first. */
void run_deferred (struct context *context);
/* The scopes of its keywords; what they deferred has run. */
void free_kept_scopes (struct test_run *test);

/* step-run.c: the outcome; the verdict is set when it is no pass. */
int run_steps (struct context *context, struct steps steps);

/* context.c */
/* A variable, or the `result` that is being looked at; NULL: there is none of the name. */
const struct value *context_lookup (const struct context *context, const char *name, size_t size);
/* An expression scope over this context's variables. */
struct expr_scope context_scope (struct context *context);
/* The same for what is written at `where`: files are relative to that file. */
struct expr_scope context_scope_at (struct context *context, const struct value *where);
/* The first is the test's verdict; what comes after it goes to the verdict's details. */
void record_failure (struct context *context, const struct step *step, const struct value *where, int outcome,
                     bool expired, const char *message, const char *details);
/* If the verdict is that step's: it is called so.  `name` may be NULL. */
void name_failure (struct context *context, const struct step *step, const char *name);
bool context_cancelled (const struct context *context);
/* As poll (2), until `end_ns` of the monotonic clock (INT64_MAX: no end); what shares its thread goes on meanwhile. */
int context_poll (const struct context *context, struct pollfd *fds, size_t n, int64_t end_ns);
/* Cancelled, or out of time.  Small steps follow each other faster than it looks whether it is cancelled. */
bool context_stopped (struct context *context);

/* A new record at the end of the test's list; NULL: the list is full, which was counted. */
struct event_step *add_step_record (struct test_run *test);
void context_free (struct context *context); /* its working memory */

/* step-parallel.c: outcome of the group; the verdict is set when it is no pass. */
int run_parallel (struct context *context, const struct step *step);
int run_first_of (struct context *context, const struct step *step, const char **which);

/* step-background.c: the outcome; the verdict is set when it is no pass.  `name`: a text. */
int run_background (struct context *context, const struct step *step, const struct value *name);
int run_join (struct context *context, const struct step *step, const struct value *name);
/* Ends what was not joined.  What failed by itself is the test's failure. */
void background_end (struct context *context);
/* Of that, what loads run in: before the test cleans up, which would make them fail. */
void background_end_loads (struct context *context);
/* A load begins or ends in that thread. */
void background_count_load (struct context *context, bool begins);

/* step-load.c: the verdict is set when it is no pass.  The result goes to `arena`. */
int run_load (struct context *context, const struct step *step, const struct value *args, struct arena *arena,
              struct value *result);
/* A step of a user has ended. */
void load_record (struct context *context, const struct step *step, int outcome, int64_t start_ns, int64_t end_ns);
/* As context_cancelled, of a user: without a system call for each step. */
bool load_cancelled (const struct context *context);
/* What a user sent or received: kept until it is known that all went well. */
void load_wire (struct load_user *user, bool received, const char *peer, const void *data, size_t size);

/* step-api.c */
/* For a function of a plugin that is about to be called.  `source`: NULL: a handle is being destroyed.  Results and
 * messages go to `arena`; `deadline_ns` is monotonic. */
void step_begin (struct runner_step *step, struct context *context, const struct step *source, struct arena *arena,
                 int64_t deadline_ns);
void step_release (struct runner_step *step); /* handles it holds, builders */

/* step-handle.c */
/* Destroys all handles of a scope, newest first, each under a deadline. */
void destroy_handles (struct context *context, struct scope *scope);

/* step-program.c */
/* The ends of what is being drained, n at most; texts belong to the arena. */
size_t drain_logs (struct worker *worker, struct arena *arena, struct event_log *logs, size_t n);

/* worker.c */
/* Runs these tests (indexes into the suite's plan), the first of them as that attempt.  How it ended: WORKER_…. */
int worker_run (struct worker *worker, const uint32_t *tests, size_t count, uint32_t first_attempt);
/* For roles with scope: run, in a worker of their own. */
bool worker_start_run_role (struct worker *worker, const struct suite *suite, const struct role_def *def,
                            struct verdict *verdict);
/* Stops them; how many warnings there were, which last as long as the process. */
size_t worker_stop_roles (struct worker *worker, const char *const **warnings);
/* Adds to the test's output, of which OUTPUT_MOST is kept; from any thread. */
void test_output (struct context *context, const char *text, size_t size);
/* Says in the test's output how much of it is missing; nothing is to be added then. */
void test_mark_lost (struct test_run *test);
/* Its temporary folder, if it has one; a warning tells what cannot be removed. */
void remove_test_temp (struct test_run *test);
/* Adds a warning; only from the test's or branch's own thread. */
void test_warning (struct test_run *test, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));
/* Has the start of the running test told, before something that may take long. */
void tell_start (struct worker *worker);
/* Writes an event, from any thread; it is told at once. */
void tell_event (struct worker *worker, struct event *event);

/* What is kept of the traffic, as it is told; for the supervisor too. */
size_t collect_traffic (struct shared *shared, int64_t start_ns, struct arena *arena, struct event_traffic **traffic);

/* role-control.c, role-end.c, role-verbs.c */
/* Starts roles in the order of their references; false: the verdict is set. */
bool roles_start (struct context *context, const struct role_def *roles, size_t count, bool of_test);
/* Stops all, or those of the test; what does not end well becomes a warning. */
void roles_stop (struct context *context, bool of_test_only);
/* Those that the test has left paused go on. */
void roles_resume (struct context *context);
/* Makes what the suite's roles export, as far as they run, its variables. */
void roles_publish (struct context *context);
/* A branch reads on where its parent is; what it has read is read for the parent too. */
void roles_branch (struct context *branch, const struct context *parent);
/* The branch has ended; what it has read counts for its parent if it is `kept`. */
void roles_join (struct context *parent, struct context *branch, bool kept);
/* What is known of one that runs; false: there is none. */
struct role_view {
  pid_t pid;
  const struct value *exports;
  const char *log;             /* the file for its output */
  const struct capture *control, *output;
};
bool role_look (struct worker *worker, const char *name, uint32_t index, struct role_view *view);
/* Until the control descriptor says so; those that end are told.  0 or 1. */
int worker_keep_roles (struct worker *worker);

/* Which role of the running ones ended by itself, and when (monotonic; 0: not known)?  A text in
 * the arena, or NULL. */
const char *roles_dead (struct worker *worker, struct arena *arena, int64_t *ended_ns);
/* Each test's cursor into the observations starts where the test starts. */
void roles_mark (struct worker *worker);
/* Is it the process of a role that runs? */
bool roles_own (const struct worker *worker, pid_t pid);
/* Ends of their logs since the mark, for a failed test. */
size_t roles_logs (struct worker *worker, struct arena *arena, struct event_log **logs);
const struct verb *role_verb_table (size_t *count); /* for core-verbs.c */

/* leftover.c */
/* A program was started, by the suite's setup or by the test: from any thread. */
void leftover_add (struct worker *worker, pid_t pid, bool of_suite);
/* Ends what the test left running, as far as it can be; a text about it in the arena, or NULL. */
const char *leftover_end (struct worker *worker, struct arena *arena);

#endif
