/* fuzz-suite.c - any bytes as a suite: typed, checked and planned, or faults. */
#include "fuzz.h"

#include <string.h>

#include "plan.h"

/* What the plan promises of a suite that has no faults. */
static void
check_plan (struct suite *suite, struct expr_engine *engine)
{
  struct run_options options = { .jobs = 1, .output = "", .repeat = 1, .shuffle = true, .seed = 1 };
  struct faults faults = { 0 };
  struct plan plan;
  if (plan_make (&plan, &suite, 1, &options, engine, &faults))
    for (size_t i = 0; i < plan.suite_count; i++)
      for (size_t j = 0; j < plan.suites[i].count; j++) {
        const struct planned *planned = &plan.suites[i].tests[j];
        FUZZ_CHECK (planned->number == j && planned->name && *planned->name);
        FUZZ_CHECK (!planned->row || planned->row->type == VALUE_MAP);
      }
  else
    FUZZ_CHECK (faults.count > 0);
  plan_free (&plan);
  faults_free (&faults);
}

FUZZ_TARGET (suite)
{
  struct faults faults = { 0 };
  if (memmem (data, size, "include", 7))
    return; /* other files are not read here */
  struct expr_engine *engine = expr_new (1);
  struct suite *suite = suite_parse ("input.yaml", (const char *) data, size, 0, engine, &faults);
  if (suite && faults.count == 0) {
    FUZZ_CHECK (suite->name);
    for (uint32_t i = 0; i < suite->step_count; i++)
      FUZZ_CHECK (suite->all_steps[i]->id == i);
    check_plan (suite, engine);
  }
  suite_free (suite);
  expr_free (engine);
  faults_free (&faults);
  source_forget_all ();
}
