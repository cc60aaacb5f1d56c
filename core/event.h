/* event.h - what happens in a run, as one JSON object a line.
 *
 * Workers and the supervisor write these lines, into pipes and events.jsonl; the
 * supervisor and `runner report` read them; reporters get `struct event`.  The
 * format is documented in docs/events.pod and versioned: readers ignore fields
 * and types that they do not know.  Strings in a read event belong to the arena
 * given to event_read. */
#ifndef EVENT_H
#define EVENT_H

#include "value.h"

#define EVENT_VERSION 1
#define EVENT_LINE_MAX ((size_t) 32 << 20) /* a longer line is refused */

enum event_type {
  EVENT_RUN,        /* first: what is run, how */
  EVENT_PLAN,       /* tests of a suite (several for a large one) */
  EVENT_SUITE,      /* a suite starts */
  EVENT_START,      /* a test starts: only written when its end may take a while */
  EVENT_SAMPLE,     /* a second of a load has passed */
  EVENT_TEST,       /* an attempt at a test has ended */
  EVENT_SUITE_END,
  EVENT_WARNING,    /* something people should know: text, place */
  EVENT_END,        /* last: how the run ended */
  EVENT_UNKNOWN,    /* of a later version: ignore */
};

enum outcome {
  OUTCOME_PASSED,
  OUTCOME_FAILED,
  OUTCOME_ERROR,    /* could not be judged: crash, role not ready, deadline ignored */
  OUTCOME_SKIPPED,
  OUTCOME_NOT_RUN,  /* interrupted, or the suite's setup failed */
};
extern const char *const outcome_names[]; /* "passed" "failed" "error" "skipped" "not_run"; NULL */

struct event_planned {
  const char *name;
  uint32_t line;
  const char *tags;    /* joined by commas, or NULL */
  const char *about;   /* NULL: nothing */
};

struct event_step {
  const char *where;   /* "file:line:col" */
  const char *verb;
  const char *name;    /* NULL: none */
  int outcome;         /* enum outcome */
  int64_t start_us;    /* after the test's start */
  int64_t time_us;
  uint32_t attempts;   /* of its retry; 1 without */
  uint32_t depth;      /* 0: of the test itself */
  const char *phase;   /* NULL: its steps; else "setup", "before_each", "defer", "on_failure", "after_each", "teardown" */
  const char *message; /* NULL: none */
};

struct event_traffic { /* the last bytes of one connection, as they are to be shown */
  const char *peer;
  int received;        /* 0: sent */
  int64_t time_us;     /* after the test's start */
  uint64_t size;       /* of the whole, which may be longer than what is kept */
  const char *data;
  size_t data_size;
};

struct event_log { const char *name; const char *text; size_t text_size; const char *file; /* or NULL */ };

/* How long one kind of step took, in a load or in one second of it. */
struct event_bucket { int64_t to_us; uint64_t count; }; /* longer than the one before, at most `to_us` */
struct event_series {
  const char *name;    /* "total": all measured steps; "iteration": all steps of a user, once; else a step's */
  uint64_t count;      /* that ended, the failed ones included */
  uint64_t failed;
  int64_t min_us, mean_us, p50_us, p90_us, p95_us, p99_us, p999_us, max_us;
  struct event_bucket *buckets; /* the distribution, without empty ones; of a whole load only */
  size_t bucket_count;
};

struct event_threshold { /* a row of `require` */
  const char *name;      /* "errors", "p95", "authenticate.p95" */
  const char *where;
  int outcome;           /* OUTCOME_PASSED, OUTCOME_FAILED; OUTCOME_ERROR: there was nothing to measure */
  const char *actual;    /* "48.2ms" */
  const char *limit;     /* "< 50ms", "0" */
  const char *message;   /* one line; NULL when it held */
};

struct event_load_error { const char *message, *where; uint64_t count; }; /* one kind of failure */

struct event_setting { const char *name, *value; }; /* "think", "1s..2s": as it is written */

struct event_load { /* what `load` of a test came to, without its warm-up */
  uint32_t number;       /* of the test's, in the order in which they began, from 0 */
  const char *where;
  const char *name;      /* NULL: none */
  const char *model;     /* "closed": each user waits for its answers; "open": arrivals by a schedule */
  int64_t start_us;      /* after the test's start */
  int64_t duration_us;   /* with warm-up */
  int64_t warmup_us;
  int64_t window_us;     /* what rates are over: of an open model its schedule, else `duration_us` without warm-up; 0: that */
  uint64_t users;        /* at most at once */
  double rate;           /* iterations a second */
  struct event_setting *settings; /* its arguments, without steps and what is required */
  size_t setting_count;
  struct event_series *series; /* total, iteration, then the steps in their order */
  size_t series_count;
  struct event_threshold *thresholds;
  size_t threshold_count;
  struct event_load_error *errors; /* the commonest first */
  size_t error_count;
};

struct event {
  int type;
  int64_t time_us;     /* since 1970 */

  /* run */
  int64_t version;
  const char *runner;  /* its version */
  const char *host;
  const char *seed;    /* of --shuffle; NULL: as written */
  const char *command; /* the command line, masked */
  uint64_t suites, tests; /* planned.  On EVENT_END: seen */
  uint32_t jobs;       /* suites at once; 0: not told */

  /* plan, suite, start, test, suite_end */
  uint32_t suite;      /* from 0 */
  const char *path;    /* of the suite's file, as named.  plan, suite */
  const char *name;    /* of the suite (plan, suite) or the test */
  const char *about;   /* plan: of the suite; NULL: nothing */
  uint32_t first;      /* plan: number of the first of `planned` */
  struct event_planned *planned;
  size_t planned_count;

  /* start, test */
  uint32_t test;       /* number in its suite, from 0 */
  uint32_t attempt;    /* from 1 */
  uint32_t worker;     /* which of the -j workers, from 0 */

  /* sample */
  uint32_t load;       /* which of the test's: its number */
  int64_t at_us;       /* its end, after the load's start */
  int64_t span_us;     /* how long it is: about a second */
  bool warmup;         /* it does not count */
  uint64_t users;      /* at its end */
  struct event_series *series; /* as in event_load */
  size_t series_count;

  /* test */
  bool final;          /* no further attempt follows */
  int outcome;         /* enum outcome; on EVENT_SUITE_END and EVENT_END: the worst */
  int64_t start_us;    /* since 1970 */
  int64_t duration_us;
  const char *message; /* one line; NULL when passed.  On EVENT_WARNING: the text */
  const char *where;   /* "file:line:col" of the step to blame; NULL: none */
  const char *verb;    /* of that step */
  const char *step;    /* its name; NULL: it has none */
  const char *details; /* more lines: differences, backtrace; NULL: none */
  const char *signal;  /* "SIGSEGV" when it crashed; NULL */
  const char *output;  /* what the test logged and printed; NULL: none */
  size_t output_size;
  struct event_step *steps;
  size_t step_count;
  struct event_traffic *traffic;
  size_t traffic_count;
  struct event_log *logs; /* ends of the logs of roles and programs, when it did not pass */
  size_t log_count;
  struct event_load *loads;
  size_t load_count;
  const char **attachments; /* absolute paths of files */
  size_t attachment_count;
  const char **warnings; /* "checks nothing" */
  size_t warning_count;

  /* end */
  int status;          /* exit status */
  bool interrupted;
};

/* Replaces every secret in its texts; what is changed is copied to the arena. */
void event_mask (struct event *event, struct arena *arena);

/* Appends the event as one line with its newline.  A line that would be longer
 * than EVENT_LINE_MAX is written without its largest parts, which a warning in it
 * tells; of a plan the texts are cut. */
void event_write (struct buffer *out, const struct event *event);

/* Reads one line (with or without its newline).  False: `error` says why it is
 * no event. */
bool event_read (struct arena *arena, const char *line, size_t size, struct event *out, char *error,
                 size_t error_size);

#endif
