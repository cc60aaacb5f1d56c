/* step-run.c - one step with its modifiers, in the order of the language: each, if, retry,
 * timeout, the verb, save, expect, check, fails.  What is held against its result is in
 * step-expect.c, the rows of each in step-each.c. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "step-attempt.h"
#include "text.h"
#include "units.h"

#define RETRY_EVERY_NS (INT64_C (100) * 1000000)
/* What ends later than that after its deadline took no notice of it.  Less may be the machine:
 * what ended in time must not fail because it was told late. */
#define LATE_NS (INT64_C (200) * 1000000)

/* ---- what an attempt came to ---- */

void
attempt_fail (struct attempt *attempt, int outcome, const struct value *where, const char *message)
{
  if (attempt->outcome != RUNNER_PASS)
    return;
  attempt->outcome = outcome;
  attempt->where = *where;
  attempt->message = message;
}

void
attempt_error (struct attempt *attempt, struct arena *arena, const struct expr_error *error, const struct value *where)
{
  attempt_fail (attempt, RUNNER_ERROR, error->where.line ? &error->where : where,
                arena_strdup (arena, error->message));
}

bool
attempt_expand (struct context *context, const struct value *written, const struct value *where, struct arena *arena,
                struct value *out, struct attempt *attempt)
{
  struct expr_error error;
  struct expr_scope scope = context_scope_at (context, where);
  if (evaluator_expand (&context->evaluator, written, &scope, arena, out, &error))
    return true;
  attempt_error (attempt, arena, &error, where);
  return false;
}

/* ---- the step's record in the test's event ---- */

static void
record_step (struct context *context, const struct step *step, int outcome, int64_t start_ns, uint32_t attempts,
             const char *name, const char *message)
{
  struct test_run *test = context->test;
  struct event_step *record = add_step_record (test);
  if (!record)
    return;
  static const int outcomes[] = { OUTCOME_PASSED, OUTCOME_FAILED, OUTCOME_ERROR, OUTCOME_SKIPPED };
  struct buffer place = { 0 };
  place_print (&place, step->key);
  int64_t now = clock_now_ns ();
  *record = (struct event_step) {
    .where = arena_copy (&test->arena, place.data, place.size),
    .verb = step->key->string,
    .name = name ? arena_strdup (&test->arena, name) : NULL,
    .outcome = outcomes[outcome],
    .start_us = (start_ns - test->start_ns) / 1000,
    .time_us = (now - start_ns) / 1000,
    .attempts = attempts,
    .depth = context->depth,
    .phase = context->phase,
    .message = message ? arena_strdup (&test->arena, message) : NULL,
  };
  buffer_free (&place);
}

/* ---- the verb ---- */

static void
details_of_candidate (struct runner_step *step, struct attempt *attempt)
{
  if (attempt->outcome == RUNNER_FAIL && step->near.size)
    attempt->details = arena_printf (step->arena, "of %llu messages looked at, the last did not do:\n%s",
                                     (unsigned long long) step->candidates, buffer_text (&step->near));
}

/* The primary parameter of what stands alone is what an expression has made, also when that is a map:
 * only a map that is written there is the parameters.  One that takes no map leaves it to be them. */
static void
name_alone (const struct params *params, const struct value *written, struct value *args, struct arena *arena)
{
  if (written->type == VALUE_MAP || args->type != VALUE_MAP)
    return;
  const struct runner_param *primary = param_primary (params);
  if (!primary
      || (primary->type != RUNNER_VALUE && primary->type != RUNNER_MAP && primary->type != RUNNER_PATTERN))
    return;
  struct member *member = arena_alloc (arena, sizeof *member);
  *member = (struct member) { value_string (primary->name), *args };
  struct value named = *args;
  named.members = member;
  named.count = 1;
  *args = named;
}

static void
run_verb (struct context *context, const struct step *source, const struct value *args, struct arena *arena,
          int64_t deadline_ns, struct attempt *attempt)
{
  struct worker *worker = context->worker;
  struct runner_step step;
  struct param_error error;
  step_begin (&step, context, source, arena, deadline_ns);
  const struct params *params = &source->verb->params;
  void *converted = arena_alloc (arena, params->args_size + 1);
  if (!params_convert (params, args, converted, &step.given, arena, folder_of (source->key), &error)) {
    attempt_fail (attempt, RUNNER_ERROR, error.where.line ? &error.where : source->key,
                  arena_strdup (arena, error.message));
    step_release (&step);
    return;
  }
  if (!worker->shared->started)
    tell_start (worker);
  struct slot *slot = &worker->shared->slots[context->slot];
  atomic_store_explicit (&slot->deadline_ns, deadline_ns, memory_order_relaxed);
  atomic_store_explicit (&slot->step, source->id, memory_order_release);
  int outcome = source->verb->run (&step, converted);
  if (source->verb->plugin && !context->user)
    guard_look (context, source->id);
  atomic_store_explicit (&slot->step, NO_STEP, memory_order_release);
  atomic_store_explicit (&slot->deadline_ns, 0, memory_order_relaxed);

  if (outcome < RUNNER_PASS || outcome > RUNNER_SKIP) {
    runner_error (&step, "%s returned %d, which is no outcome", source->verb->name, outcome);
    outcome = RUNNER_ERROR;
  }
  if (outcome == RUNNER_PASS && step.outcome != RUNNER_PASS && !step.bad)
    outcome = step.outcome; /* it said why not, whatever it returned */
  attempt->result = out_finish (&step.out);
  if (step.out.broken)
    attempt_fail (attempt, RUNNER_ERROR, source->key, "its result is nested too deeply or out of order");
  if (outcome != RUNNER_PASS) {
    attempt->expired = step.expired;
    attempt_fail (attempt, outcome, source->key, step.message ? step.message : "no reason was given");
    details_of_candidate (&step, attempt);
  }
  if (source->verb->flags & RUNNER_RECEIVES)
    context->test->checks++;
  step_release (&step);
}

/* ---- groups, keywords, set ---- */

/* A group's outcome; its verdict is the test's already. */
static void
take_outcome (struct context *context, int outcome, struct attempt *attempt)
{
  attempt->outcome = outcome;
  if (attempt->outcome != RUNNER_PASS) {
    attempt->told = true;
    attempt->expired = context->test->verdict.expired;
    attempt->where = context->test->verdict.where;
    attempt->message = context->test->verdict.message;
    attempt->details = context->test->verdict.details;
  }
}

static bool
keyword_argument (struct context *context, const struct step *step, const struct keyword_param *param,
                  const struct value *args, struct scope *scope, struct arena *arena, struct attempt *attempt)
{
  const struct value *given = NULL;
  if (args->type == VALUE_MAP)
    given = value_find (args, param->name.string, param->name.size);
  else if (args->type != VALUE_NULL && param->primary)
    given = args;
  struct value preset;
  if (!given) {
    if (!param->preset) {
      attempt_fail (attempt, RUNNER_ERROR, step->key, arena_printf (arena, "%s is missing", param->name.string));
      return false;
    }
    if (!attempt_expand (context, param->preset, step->key, arena, &preset, attempt))
      return false;
    given = &preset;
  }
  if (!value_fits (given, param->type)) {
    struct buffer shown = { 0 };
    value_show (&shown, given, 100);
    attempt_fail (attempt, RUNNER_ERROR, step->key,
                  arena_printf (arena, "%s: expected %s, got %s %s", param->name.string, param->type,
                                value_type_name (given->type), buffer_text (&shown)));
    buffer_free (&shown);
    return false;
  }
  scope_set (scope, param->name.string, given);
  return true;
}

static void
run_keyword (struct context *context, const struct step *step, const struct value *args, struct arena *arena,
             struct attempt *attempt)
{
  const struct keyword *keyword = step->keyword;
  struct scope *scope = xcalloc (1, sizeof *scope);
  struct scope *caller = context->scope;
  struct deferred *deferred_before = context->test->deferred;
  const struct value *result_before = context->result;
  /* it sees the suite's names, not the caller's; what it opens is the caller's */
  scope_init (scope, context->suite_scope, caller->owner);
  bool fine = true;
  for (size_t i = 0; i < keyword->param_count && fine; i++)
    fine = keyword_argument (context, step, &keyword->params[i], args, scope, arena, attempt);
  context->scope = scope;
  context->result = NULL;
  if (fine)
    take_outcome (context, run_steps (context, keyword->steps), attempt);
  if (attempt->outcome == RUNNER_PASS && keyword->returns
      && attempt_expand (context, keyword->returns, &keyword->where, arena, &attempt->result, attempt))
    attempt->result = value_copy (arena, &attempt->result); /* its variables end with the scope */
  context->scope = caller;
  context->result = result_before;
  if (context->test->deferred != deferred_before) {
    /* deferred steps run later, and with these variables: kept by the test */
    struct scope **link = &context->test->kept_scopes;
    scope->parent = &context->worker->scope;
    scope->next_kept = *link;
    *link = scope;
  }
  else {
    scope_free (scope);
    free (scope);
  }
}

static void
run_set (struct context *context, const struct value *args)
{
  for (size_t i = 0; i < args->count; i++)
    scope_set (context->scope, args->members[i].key.string, &args->members[i].value);
}

static void
run_defer (struct context *context, const struct step *step)
{
  struct deferred *deferred = arena_alloc (&context->test->arena, sizeof *deferred);
  deferred->steps = step->body;
  deferred->scope = context->scope;
  deferred->older = context->test->deferred;
  context->test->deferred = deferred;
}

/* `background`, `join`, `load`: forms with arguments of their own. */
static void
run_form (struct context *context, const struct step *step, const struct value *args, struct arena *arena,
          struct attempt *attempt)
{
  if (step->kind != STEP_LOAD && args->type != VALUE_STRING) {
    attempt_fail (attempt, RUNNER_ERROR, step->args,
                  arena_printf (arena, "%s: expected a name, got %s", step->key->string, value_type_name (args->type)));
    return;
  }
  struct value result = attempt->result;
  int outcome = step->kind == STEP_LOAD         ? run_load (context, step, args, arena, &result)
                : step->kind == STEP_BACKGROUND ? run_background (context, step, args)
                                                : run_join (context, step, args);
  take_outcome (context, outcome, attempt);
  attempt->result = result;
}

static void
run_branches (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  const char *which = NULL;
  if (step->kind == STEP_PARALLEL) {
    take_outcome (context, run_parallel (context, step), attempt);
    return;
  }
  take_outcome (context, run_first_of (context, step, &which), attempt);
  if (!which)
    return;
  struct member *m = arena_alloc (arena, sizeof *m);
  m->key = value_string ("which");
  m->value = value_string (which);
  attempt->result = (struct value) { .type = VALUE_MAP, .count = 1, .members = m };
}

/* ---- an attempt ---- */

/* It went on after its deadline: that is a failure, and none that `fails` can want. */
static void
judge_time (struct context *context, const struct step *step, struct arena *arena, int64_t deadline_ns,
            struct attempt *attempt)
{
  int64_t late_ns = clock_now_ns () - deadline_ns;
  if (late_ns <= LATE_NS || attempt->outcome == RUNNER_SKIP || attempt->expired)
    return;
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (attempt->outcome != RUNNER_PASS)
    buffer_printf (&text, "%s (", attempt->message ? attempt->message : "");
  buffer_lit (&text, "it took no notice of its deadline, and ended ");
  print_duration (&text, late_ns);
  buffer_puts (&text, attempt->outcome == RUNNER_PASS ? " after it" : " after it)");
  const char *message = arena_copy (arena, text.data, text.size);
  attempt->expired = true;
  if (attempt->outcome == RUNNER_PASS)
    attempt_fail (attempt, RUNNER_FAIL, step->key, message);
  else if (attempt->told) /* by a step inside: its message is its own */
    context->test->verdict.expired = true;
  else
    attempt->message = message;
}

static void
run_attempt (struct context *context, const struct step *step, struct arena *arena, int64_t deadline_ns,
             struct attempt *attempt)
{
  struct value args = *step->args;
  *attempt = (struct attempt) { .outcome = RUNNER_PASS, .where = *step->key, .result = { .type = VALUE_MAP } };
  bool body_is_args = step->body.count && step->kind != STEP_BACKGROUND && step->kind != STEP_LOAD;
  if (!body_is_args && (args.flags & VALUE_DYNAMIC)
      && !attempt_expand (context, step->args, step->key, arena, &args, attempt))
    return;
  int64_t outer = context->deadline_ns;
  bool outer_is_step = context->step_deadline;
  if (deadline_ns < outer) {
    context->deadline_ns = deadline_ns;
    context->step_deadline = true;
  }
  switch (step->kind) {
  case STEP_VERB:
    name_alone (&step->verb->params, step->args, &args, arena);
    run_verb (context, step, &args, arena, deadline_ns, attempt);
    break;
  case STEP_KEYWORD:
    run_keyword (context, step, &args, arena, attempt);
    break;
  case STEP_DO:
    take_outcome (context, run_steps (context, step->body), attempt);
    break;
  case STEP_PARALLEL:
  case STEP_FIRST_OF:
    run_branches (context, step, arena, attempt);
    break;
  case STEP_BACKGROUND:
  case STEP_JOIN:
  case STEP_LOAD:
    run_form (context, step, &args, arena, attempt);
    break;
  case STEP_SET:
    run_set (context, &args);
    break;
  case STEP_DEFER:
    run_defer (context, step);
    break;
  case STEP_CHECK:
    break;
  }
  context->deadline_ns = outer;
  context->step_deadline = outer_is_step;
  judge_time (context, step, arena, deadline_ns, attempt);
  attempt_hold (context, step, arena, attempt);
}

/* ---- retry ---- */

struct timing {
  int64_t timeout_ns, retry_ns, every_ns;
};

static bool
read_time (struct context *context, const struct value *value, struct arena *arena, int64_t *ns,
           struct attempt *attempt)
{
  struct value expanded;
  if (!attempt_expand (context, value, value, arena, &expanded, attempt))
    return false;
  const char *why = duration_fault (&expanded, ns);
  if (why)
    attempt_fail (attempt, RUNNER_ERROR, value, why);
  return !why;
}

static bool
read_timing (struct context *context, const struct step *step, struct arena *arena, struct timing *timing,
             struct attempt *attempt)
{
  *timing = (struct timing) { .timeout_ns = DEFAULT_STEP_NS, .every_ns = RETRY_EVERY_NS };
  bool group = step->body.count || step->kind == STEP_KEYWORD || step->kind == STEP_JOIN;
  if (group || (step->kind == STEP_VERB && (step->verb->flags & VERB_OWN_TIME)))
    timing->timeout_ns = INT64_MAX / 4; /* its steps have timeouts of their own */
  return (!step->timeout || read_time (context, step->timeout, arena, &timing->timeout_ns, attempt))
         && (!step->retry_for || read_time (context, step->retry_for, arena, &timing->retry_ns, attempt))
         && (!step->retry_every || read_time (context, step->retry_every, arena, &timing->every_ns, attempt));
}

/* Sleeps; false when the step must stop. */
static bool
wait_for (struct context *context, int64_t ns)
{
  int64_t end = clock_now_ns () + ns;
  if (end > context->deadline_ns)
    end = context->deadline_ns;
  struct pollfd fd = { .fd = context->cancel_fd, .events = POLLIN };
  return context_poll (context, &fd, 1, end) == 0 && clock_now_ns () < context->deadline_ns;
}

/* After an attempt: is this enough? */
static bool
enough (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  const struct value *before = context->result;
  context->result = &attempt->result;
  bool done = attempt_gives_up (context, step, arena, attempt) || attempt->outcome == RUNNER_SKIP
              || (attempt->outcome == RUNNER_PASS && (!step->until || attempt_until (context, step, arena, attempt)));
  context->result = before;
  return done;
}

static void
say_attempts (struct arena *arena, struct attempt *attempt, uint32_t attempts, int64_t ns)
{
  if (attempt->outcome != RUNNER_FAIL && attempt->outcome != RUNNER_ERROR)
    return;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "%s (after %u %s in ", attempt->message ? attempt->message : "", attempts,
                 attempts == 1 ? "attempt" : "attempts");
  print_duration (&text, ns);
  buffer_putc (&text, ')');
  attempt->message = arena_copy (arena, text.data, text.size);
}

/* What the loads of an attempt did not hold was to be so: `fails` is met. */
static void
excuse_loads (struct test_run *test, size_t first)
{
  for (size_t i = first; i < test->load_count; i++)
    for (size_t t = 0; t < test->loads[i].threshold_count; t++)
      if (test->loads[i].thresholds[t].outcome != OUTCOME_NOT_RUN)
        test->loads[i].thresholds[t].outcome = OUTCOME_PASSED; /* its message stays */
}

/* ---- what a failed attempt has told ---- */

/* All that refers to the test's arena, but for its verdict. */
struct told {
  const void *records[7];
  size_t step_count;
  struct arena_mark mark;
};

static struct told
told_so_far (const struct test_run *test)
{
  return (struct told) {
    .records = { test->steps, test->deferred, test->kept_scopes, test->backgrounds, test->temp, test->warnings,
                 test->loads },
    .step_count = test->step_count, .mark = arena_mark (&test->arena),
  };
}

/* The test has this verdict again.  Where nothing else is left of the attempt, its texts go: there may
 * be many attempts. */
static void
forget_attempt (struct test_run *test, const struct verdict *before, const struct told *told)
{
  struct told now = told_so_far (test);
  test->verdict = *before;
  if (now.step_count == told->step_count && memcmp (now.records, told->records, sizeof now.records) == 0)
    arena_release (&test->arena, told->mark);
}

/* All attempts; returns their number. */
static uint32_t
run_retried (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct timing timing;
  *attempt = (struct attempt) { .outcome = RUNNER_PASS, .where = *step->key };
  if (!read_timing (context, step, arena, &timing, attempt))
    return 1;
  CLEANUP_FREE char *earlier = NULL; /* why the last attempt failed that had all its time */
  int64_t start = clock_now_ns (), end = step->retry ? start + timing.retry_ns : INT64_MAX;
  size_t loads = context->test->load_count;
  for (uint32_t attempts = 1;; attempts++) {
    struct verdict before = context->test->verdict;
    struct told told = told_so_far (context->test);
    int64_t now = clock_now_ns (), deadline = now + timing.timeout_ns;
    if (attempts > 1)
      arena_reset (arena);
    context->test->load_count = loads; /* those of an earlier attempt do not count */
    if (deadline > end)
      deadline = end > now ? end : now;
    if (deadline > context->deadline_ns)
      deadline = context->deadline_ns;
    run_attempt (context, step, arena, deadline, attempt);
    if (step->fails)
      attempt_must_fail (context, step, arena, attempt);
    if (step->fails && attempt->outcome == RUNNER_PASS)
      excuse_loads (context->test, loads);
    if (!step->retry)
      return attempts;
    bool done = enough (context, step, arena, attempt);
    if (!done && !attempt->expired) {
      free (earlier);
      earlier = xstrdup (attempt->message ? attempt->message : "");
    }
    else if (!done && earlier && deadline == end)
      attempt->details = arena_printf (arena, "the attempt before it: %s", earlier);
    if (done || clock_now_ns () + timing.every_ns >= end || !wait_for (context, timing.every_ns)) {
      say_attempts (arena, attempt, attempts, clock_now_ns () - start);
      return attempts;
    }
    forget_attempt (context->test, &before, &told); /* a group that failed has told it: it is tried again */
  }
}

/* ---- one step, once ---- */

static bool
condition_holds (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct expr_error error;
  struct expr_scope scope = context_scope_at (context, step->condition);
  bool holds = false;
  if (!evaluator_test (&context->evaluator, step->condition, &scope, &holds, &error)) {
    attempt_error (attempt, arena, &error, step->condition);
    return false;
  }
  return holds;
}

const char *
step_name (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct value name;
  if (!step->name || !attempt_expand (context, step->name, step->name, arena, &name, attempt))
    return NULL;
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!value_print (&text, &name)) {
    attempt_fail (attempt, RUNNER_ERROR, step->name,
                  arena_printf (arena, "name: expected a text, got %s", value_type_name (name.type)));
    return NULL;
  }
  return arena_copy (arena, text.data ? text.data : "", text.size);
}

/* Did the step do something itself?  Groups leave that to the steps in them. */
static bool
acts (const struct step *step, const struct attempt *attempt)
{
  bool group = step->kind == STEP_DO || step->kind == STEP_PARALLEL || step->kind == STEP_FIRST_OF
               || step->kind == STEP_KEYWORD;
  return attempt->outcome != RUNNER_SKIP && (!group || step->check || step->expect || step->fails);
}

int
run_once (struct context *context, const struct step *step)
{
  struct arena *arena = &context->pool[context->depth];
  struct attempt attempt = { .outcome = RUNNER_PASS, .where = *step->key };
  const char *name = NULL;
  uint32_t attempts = 1;
  int64_t start = clock_now_ns ();
  arena_reset (arena);
  if (context_stopped (context)) {
    attempt_fail (&attempt, RUNNER_FAIL, step->key,
                  context_cancelled (context) ? "cancelled"
                  : context->step_deadline    ? "the time of the group was over before this step"
                                              : "the test's time was over before this step");
    attempt.expired = true;
  }
  else if (step->condition && !condition_holds (context, step, arena, &attempt)) {
    if (attempt.outcome == RUNNER_PASS)
      return RUNNER_PASS;
  }
  else if (context->depth >= (context->user ? STEP_NEST_USER : STEP_NEST))
    attempt_fail (&attempt, RUNNER_ERROR, step->key, "keywords and groups are nested too deeply");
  else {
    context->depth++;
    attempts = run_retried (context, step, arena, &attempt);
    context->depth--;
  }
  context->test->acted += acts (step, &attempt);
  if (context->load)
    load_record (context, step, attempt.outcome, start, clock_now_ns ());
  else {
    name = step_name (context, step, arena, &attempt);
    record_step (context, step, attempt.outcome, start, attempts, name, attempt.message);
  }
  if (attempt.outcome != RUNNER_PASS && (!attempt.told || step->retry)) {
    if (attempt.told)
      context->test->verdict = (struct verdict) { .outcome = RUNNER_PASS };
    record_failure (context, step, &attempt.where, attempt.outcome, attempt.expired,
                    attempt.message ? attempt.message : "", attempt.details);
  }
  if (attempt.outcome != RUNNER_PASS)
    name_failure (context, step, name);
  return attempt.outcome;
}

int
run_steps (struct context *context, struct steps steps)
{
  for (size_t i = 0; i < steps.count; i++) {
    const struct step *step = &steps.items[i];
    int outcome = step->each ? run_each (context, step) : run_once (context, step);
    if (outcome != RUNNER_PASS)
      return outcome;
  }
  return RUNNER_PASS;
}
