/* tally.h - what is planned and how it went, for reporters: suites and tests by
 * number, names that are unique, counts.  It keeps no outputs. */
#ifndef TALLY_H
#define TALLY_H

#include "event.h"

struct tally_counts { size_t passed, failed, error, skipped, not_run, flaky; };

struct tally_test {
  uint32_t number, line;
  const char *name;    /* unique in its suite: a second "x" is "x (2)" */
  const char *tags, *about; /* NULL: none */
  int64_t start_us;    /* of an attempt that was seen to begin, and not to end; 0: there is none */
  uint32_t worker;     /* that ran it last, when start_us is told */
  uint8_t outcome;     /* enum outcome, when done */
  uint8_t attempts;    /* that have ended, at most 255 */
  bool done;
};

/* Names in use, to make others different. */
struct tally_names { const char **slots; size_t room, count; };

struct tally_suite {
  uint32_t number;
  const char *path;
  const char *name;       /* as written; the path if there is none */
  const char *about;      /* NULL: nothing */
  const char *class_name; /* unique: "suites.login" for ./suites/login.yaml, see tally_class_name */
  struct tally_test *tests; /* by number */
  size_t count, room;
  struct tally_names names;
  struct tally_counts counts;
  bool started, ended;
  int64_t start_us, duration_us; /* 0: not known */
  int64_t busy_us;        /* the sum of its tests' durations */
  void *user;             /* the reporter's */
};

struct tally {
  struct arena arena;
  struct tally_suite **suites; /* by number */
  size_t count, room;
  struct tally_names class_names;
  struct tally_counts counts;
  size_t tests;           /* planned or seen */
  const char *runner, *host, *seed, *command; /* NULL: not told */
  int64_t start_us, last_us; /* of the first and last event */
  bool ended, interrupted;
  int status;
};

/* Takes note.  False: the event repeats a result that is there already; ignore it. */
bool tally_event (struct tally *tally, const struct event *event);
/* The run is over: what has no result was not run. */
void tally_finish (struct tally *tally);
/* Found or made. */
struct tally_suite *tally_suite (struct tally *tally, uint32_t number);
struct tally_test *tally_test (struct tally *tally, struct tally_suite *suite, uint32_t number);
/* A name for something else in the suite, unlike any test's: a second "x" is "x (2)". */
const char *tally_case_name (struct tally *tally, struct tally_suite *suite, const char *name);
/* Why tests without a result have none ("interrupted"), or this one. */
const char *tally_why_not_run (struct tally *tally, const struct tally_test *test);
/* How long a test without a result is known to have run; 0: it had not begun. */
int64_t tally_ran_us (const struct tally *tally, const struct tally_test *test);
/* Such a test's result, as an event of the last moment that is known. */
struct event tally_broken_off (struct tally *tally, const struct tally_suite *suite, const struct tally_test *test);
/* The failed tests of a suite's end, and of tests: these count as failed or error. */
bool tally_is_failure (const struct event *event);
void tally_free (struct tally *tally);

/* `path` as the name of a class, as Jenkins wants it: without suffix, `/` as `.`,
 * other dots as `_`, without `./` and `../`. */
void tally_class_name (struct buffer *out, const char *path);

#endif
