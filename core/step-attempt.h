/* step-attempt.h - one attempt at a step: what the files that run a step share.
 *
 *   step-run.c      the step: its verb or group, attempts, outcome
 *   step-expect.c   what is held against what it came to
 *   step-each.c     the rows of `each`
 *
 * Texts and values of an attempt belong to the step's arena. */
#ifndef STEP_ATTEMPT_H
#define STEP_ATTEMPT_H

#include "worker.h"

/* What one attempt came to. */
struct attempt {
  int outcome;         /* enum runner_outcome */
  bool expired;        /* a deadline was overrun, or it was cancelled */
  bool told;           /* a step inside has set the test's verdict already */
  struct value where;  /* to blame */
  const char *message; /* borrowed until the arena's end; NULL: none */
  const char *details;
  struct value result;
};

/* step-run.c */
/* The first that is said is the outcome; what comes later changes nothing. */
void attempt_fail (struct attempt *attempt, int outcome, const struct value *where, const char *message);
/* As an error, at the expression's own place, or `where` if that is not known. */
void attempt_error (struct attempt *attempt, struct arena *arena, const struct expr_error *error,
                    const struct value *where);
/* Evaluates what is written at `where`.  False: it cannot be, which is the attempt's error. */
bool attempt_expand (struct context *context, const struct value *written, const struct value *where,
                     struct arena *arena, struct value *out, struct attempt *attempt);
/* The step's name, or NULL.  One that cannot be told is an error of the step, unless that has failed already. */
const char *step_name (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt);
/* A step without its `each`, told in the test's event.  Its outcome; the verdict is set when it is no pass. */
int run_once (struct context *context, const struct step *step);

/* step-expect.c */
/* save, expect, check.  A step that did not pass saves what its result has, and is held against nothing. */
void attempt_hold (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt);
/* `fails`: turns the attempt's outcome round if it failed as described. */
void attempt_must_fail (struct context *context, const struct step *step, struct arena *arena,
                        struct attempt *attempt);
/* `stop_if`: give up at once?  One that cannot be told is an error of the attempt. */
bool attempt_gives_up (struct context *context, const struct step *step, struct arena *arena,
                       struct attempt *attempt);
/* `until`; if it does not hold, that is the attempt's failure. */
bool attempt_until (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt);

/* step-each.c */
/* As run_once, for each row; stops at the first that does not pass. */
int run_each (struct context *context, const struct step *step);

#endif
