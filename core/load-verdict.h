/* load-verdict.h - what a load came to: its thresholds, its result, its event. */
#ifndef LOAD_VERDICT_H
#define LOAD_VERDICT_H

#include "load-form.h"
#include "load-require.h"
#include "load-stats.h"
#include "worker.h"

/* A fault for each threshold of a step that is not among those that are measured. */
void load_thresholds_check (const struct value *require, const struct load_names *names, struct faults *faults);

/* The same before a load runs, of rows without `${`, with what is wrong in them.  False: `error` says it. */
bool load_thresholds_ready (const struct value *require, const struct load_names *names, struct param_error *error);

/* Fills the event (texts belong to the test's arena) and the step's result (of `arena`);
 * `judge`: holds the thresholds against what was measured.  Returns the outcome; the
 * verdict is set when it is no pass. */
int load_judge (struct context *context, const struct step *step, const struct load_form *form,
                const struct load_stats *stats, struct event_load *told, struct arena *arena, struct value *result,
                bool judge);

/* Of one that was cut off: its thresholds, as not judged. */
void load_not_judged (const struct step *step, const struct value *require, struct event_load *told,
                      struct arena *arena);

/* Adds what a load of a branch came to, copied, to the test of its parent. */
void load_join (struct test_run *to, const struct event_load *load);
/* A new one, zeroed, at the end of the test's. */
struct event_load *load_add (struct test_run *test);

#endif
