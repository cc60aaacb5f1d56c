/* step-run.c - one step with its modifiers, in the order of the language:
 * each, if, retry, timeout, the verb, save, expect, check, fails. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "text.h"
#include "units.h"
#include "worker.h"

#define RETRY_EVERY_NS (INT64_C (100) * 1000000)
#define EACH_MOST 1000000
#define LOOK_NS 1000000 /* at what cancels: once a millisecond is enough */

/* What one attempt at a step came to. */
struct attempt {
  int outcome;
  bool expired;
  bool told;           /* a step inside has set the test's verdict already */
  struct value where;  /* to blame */
  const char *message; /* in the step's arena */
  const char *details;
  struct value result;
};

/* ---- names ---- */

static const struct value *
lookup (void *data, const char *name, size_t size)
{
  struct context *context = data;
  if (size == 6 && memcmp (name, "result", 6) == 0 && context->result)
    return context->result;
  return scope_get (context->scope, name, size);
}

static void
names (void *data, void (*each) (void *each_data, const char *name), void *each_data)
{
  struct context *context = data;
  scope_names (context->scope, each, each_data);
  if (context->result)
    each (each_data, "result");
}

struct expr_scope
context_scope (struct context *context)
{
  return (struct expr_scope) { .lookup = lookup, .names = names, .data = context,
                               .folder = context->worker->suite->folder };
}

/* The scope for what is written at `where`: files are relative to that file. */
static struct expr_scope
scope_at (struct context *context, const struct value *where)
{
  struct expr_scope scope = context_scope (context);
  scope.folder = folder_of (where);
  return scope;
}

bool
context_cancelled (const struct context *context)
{
  struct pollfd fd = { .fd = context->cancel_fd, .events = POLLIN };
  return poll (&fd, 1, 0) > 0;
}

bool
context_stopped (struct context *context)
{
  int64_t now = clock_now_ns ();
  if (now >= context->deadline_ns)
    return true;
  if (context->user)
    return load_cancelled (context);
  if (now - context->looked_ns < LOOK_NS)
    return false;
  context->looked_ns = now;
  return context_cancelled (context);
}

/* ---- outcomes ---- */

static void
set_failure (struct attempt *attempt, int outcome, const struct value *where, const char *message)
{
  if (attempt->outcome != RUNNER_PASS)
    return;
  attempt->outcome = outcome;
  attempt->where = *where;
  attempt->message = message;
}

static void
set_error (struct attempt *attempt, struct arena *arena, const struct expr_error *error, const struct value *where)
{
  set_failure (attempt, RUNNER_ERROR, error->where.line ? &error->where : where,
               arena_strdup (arena, error->message));
}

void
record_failure (struct context *context, const struct step *step, const struct value *where, int outcome, bool expired,
                const char *message, const char *details)
{
  struct test_run *test = context->test;
  struct verdict *verdict = &test->verdict;
  if (verdict->outcome != RUNNER_PASS && verdict->outcome != RUNNER_SKIP) {
    /* the first is the verdict; what came after it is told too */
    CLEANUP_BUFFER struct buffer text = { 0 };
    if (verdict->details)
      buffer_printf (&text, "%s\n", verdict->details);
    buffer_lit (&text, "then, at ");
    place_print (&text, where);
    buffer_printf (&text, ": %s", message);
    if (text.size < 64 << 10)
      verdict->details = arena_copy (&test->arena, text.data, text.size);
    return;
  }
  *verdict = (struct verdict) {
    .outcome = outcome, .expired = expired, .step = step, .where = *where,
    .message = arena_strdup (&test->arena, message),
    .details = details ? arena_strdup (&test->arena, details) : NULL
  };
}

/* ---- the step's record in the test's event ---- */

struct event_step *
add_step_record (struct test_run *test)
{
  if (test->step_count >= STEPS_TOLD) {
    test->steps_untold++;
    return NULL;
  }
  if (test->step_count == test->step_room) {
    size_t room = test->step_room ? test->step_room * 2 : 8;
    struct event_step *steps = arena_array (&test->arena, room, sizeof *steps);
    if (test->step_count)
      memcpy (steps, test->steps, test->step_count * sizeof *steps);
    test->steps = steps;
    test->step_room = room;
  }
  return &test->steps[test->step_count++];
}

void
context_free (struct context *context)
{
  for (size_t i = 0; i < sizeof context->pool / sizeof *context->pool; i++)
    arena_free (&context->pool[i]);
}

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
    set_failure (attempt, RUNNER_ERROR, error.where.line ? &error.where : source->key,
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
    set_failure (attempt, RUNNER_ERROR, source->key, "its result is nested too deeply or out of order");
  if (outcome != RUNNER_PASS) {
    attempt->expired = step.expired;
    set_failure (attempt, outcome, source->key, step.message ? step.message : "no reason was given");
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
    struct expr_error error;
    struct expr_scope names_seen = scope_at (context, step->key);
    if (!param->preset) {
      set_failure (attempt, RUNNER_ERROR, step->key, arena_printf (arena, "%s is missing", param->name.string));
      return false;
    }
    if (!evaluator_expand (&context->evaluator, param->preset, &names_seen, arena, &preset, &error)) {
      set_error (attempt, arena, &error, step->key);
      return false;
    }
    given = &preset;
  }
  if (!value_fits (given, param->type)) {
    struct buffer shown = { 0 };
    value_show (&shown, given, 100);
    set_failure (attempt, RUNNER_ERROR, step->key,
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
  if (attempt->outcome == RUNNER_PASS && keyword->returns) {
    struct expr_error error;
    struct expr_scope names_seen = scope_at (context, &keyword->where);
    if (!evaluator_expand (&context->evaluator, keyword->returns, &names_seen, arena, &attempt->result, &error))
      set_error (attempt, arena, &error, &keyword->where);
    else /* its variables end with the scope */
      attempt->result = value_copy (arena, &attempt->result);
  }
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
    set_failure (attempt, RUNNER_ERROR, step->args, arena_printf (arena, "%s: expected a name, got %s", step->key->string,
                                                                  value_type_name (args->type)));
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

/* ---- what is held against the result ---- */

static void
save_one (struct context *context, const struct member *m, struct arena *arena, struct attempt *attempt, bool must)
{
  struct expr_error error;
  struct value value;
  if (m->value.flags & VALUE_DYNAMIC) {
    struct expr_scope scope = scope_at (context, &m->value);
    if (!evaluator_expand (&context->evaluator, &m->value, &scope, arena, &value, &error)) {
      if (must)
        set_error (attempt, arena, &error, &m->value);
      return;
    }
    scope_set (context->scope, m->key.string, &value);
    return;
  }
  char why[256];
  size_t count;
  struct path *path = path_compile (arena, m->value.string, m->value.size, why, sizeof why);
  const struct value **found = path ? path_select (path, context->result, arena, &count) : NULL;
  if (!path || count == SIZE_MAX)
    set_failure (attempt, RUNNER_ERROR, &m->value, path ? "the path visits too much" : arena_strdup (arena, why));
  else if (path_singular (path)) {
    if (count)
      scope_set (context->scope, m->key.string, found[0]);
    else if (must) {
      struct buffer shown = { 0 };
      value_show (&shown, context->result, 300);
      set_failure (attempt, RUNNER_FAIL, &m->value,
                   arena_printf (arena, "save: %s finds nothing in the result %s", m->value.string,
                                 buffer_text (&shown)));
      buffer_free (&shown);
    }
  }
  else {
    struct value *items = arena_array (arena, count, sizeof *items);
    for (size_t i = 0; i < count; i++)
      items[i] = *found[i];
    value = (struct value) { .type = VALUE_LIST, .count = count, .items = items };
    scope_set (context->scope, m->key.string, &value);
  }
}

/* Lines "path: text" of the differences. */
static const char *
show_differences (struct arena *arena, const struct differences *differences)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  for (size_t i = 0; i < differences->count; i++) {
    const struct difference *d = &differences->items[i];
    buffer_printf (&text, "%s%s%s%s", i ? "\n" : "", d->path ? d->path : "", d->path && *d->path ? ": " : "", d->text);
  }
  if (differences->more)
    buffer_printf (&text, "\n… and %zu more", differences->more);
  return arena_copy (arena, text.data, text.size);
}

/* MATCH_YES and so on; what is different as a text in *shown. */
static int
hold_against (struct context *context, const struct value *pattern, const struct value *actual, struct arena *arena,
              struct differences *differences, struct attempt *attempt)
{
  struct value expanded;
  struct expr_error error;
  struct expr_scope scope = scope_at (context, pattern);
  if (!evaluator_expand (&context->evaluator, pattern, &scope, arena, &expanded, &error)) {
    set_error (attempt, arena, &error, pattern);
    return MATCH_WRONG;
  }
  struct match match = { .evaluator = &context->evaluator, .scope = &scope, .arena = arena };
  *differences = (struct differences) { .arena = arena };
  return match_value (&match, &expanded, actual, differences);
}

static void
run_expect (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct differences differences;
  context->test->checks++;
  int matched = hold_against (context, step->expect, context->result, arena, &differences, attempt);
  if (matched == MATCH_YES || attempt->outcome != RUNNER_PASS)
    return;
  const struct difference *first = differences.count ? &differences.items[0] : NULL;
  const struct value *where = first && first->where.line ? &first->where : step->expect;
  const char *message = !first ? "the result does not match"
                        : first->path && *first->path && strcmp (first->path, "$") != 0
                          ? arena_printf (arena, "%s: %s", first->path, first->text)
                          : first->text;
  const char *newline = strchr (message, '\n');
  if (newline)
    message = arena_copy (arena, message, (size_t) (newline - message));
  set_failure (attempt, matched == MATCH_WRONG ? RUNNER_ERROR : RUNNER_FAIL, where, message);
  if (differences.count > 1 || newline)
    attempt->details = show_differences (arena, &differences);
}

static bool
is_letter (char c)
{
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

#define EXPLAINED 8 /* names, at most */

/* The values of the names in an expression: " (first = 5, last = 7)". */
static void
explain (struct context *context, const struct value *check, struct buffer *out)
{
  const char *p = check->type == VALUE_STRING ? check->string : "", *end = p + (*p ? check->size : 0);
  const struct value *values[EXPLAINED];
  unsigned told = 0;
  while (p < end && told < EXPLAINED) {
    const char *start = p;
    while (p < end && is_letter (*p))
      p++;
    size_t n = (size_t) (p - start);
    bool member = start > check->string && (start[-1] == '.' || start[-1] == ':' || start[-1] == '"' || start[-1] == '\'');
    const struct value *value = n && !member && (*start < '0' || *start > '9') ? lookup (context, start, n) : NULL;
    bool again = false;
    for (unsigned i = 0; i < told; i++)
      again |= values[i] == value;
    if (value && value != context->result && !again) {
      buffer_printf (out, "%s%.*s = ", told ? ", " : " (", (int) n, start);
      values[told++] = value;
      value_show (out, value, 200);
    }
    p += n == 0;
  }
  if (told)
    buffer_putc (out, ')');
}

static void
run_check (struct context *context, const struct value *check, struct arena *arena, struct attempt *attempt)
{
  struct expr_error error;
  struct expr_scope scope = scope_at (context, check);
  bool holds;
  context->test->checks++;
  if (!evaluator_test (&context->evaluator, check, &scope, &holds, &error))
    set_error (attempt, arena, &error, check);
  else if (!holds) {
    struct buffer text = { 0 };
    buffer_lit (&text, "does not hold: ");
    if (check->type == VALUE_STRING)
      buffer_add (&text, check->string, check->size);
    else
      value_show (&text, check, 100);
    explain (context, check, &text);
    set_failure (attempt, RUNNER_FAIL, check, arena_copy (arena, text.data, text.size));
    buffer_free (&text);
  }
}

static void
run_checks (struct context *context, const struct value *check, struct arena *arena, struct attempt *attempt)
{
  if (check->type != VALUE_LIST) {
    run_check (context, check, arena, attempt);
    return;
  }
  for (size_t i = 0; i < check->count; i++)
    run_check (context, &check->items[i], arena, attempt);
}

/* A map that is a matcher ({$contains: …}) is about the message alone. */
static bool
is_matcher (const struct value *pattern)
{
  if (pattern->type != VALUE_MAP || !pattern->count)
    return false;
  const struct value *key = &pattern->members[0].key;
  return key->size > 1 && key->string[0] == '$' && key->string[1] != '.' && key->string[1] != '[';
}

/* Did it fail as `fails` describes?  A text is part of the message; a map is held
 * against {outcome, message, result}. */
static bool
fails_so (struct context *context, const struct value *fails, const struct attempt *attempt, struct arena *arena,
          struct attempt *judged)
{
  static const char *const outcomes[] = { "passed", "failed", "error", "skipped" };
  const char *message = attempt->message ? attempt->message : "";
  struct member members[] = {
    { value_string ("outcome"), value_string (outcomes[attempt->outcome]) },
    { value_string ("message"), value_string (message) },
    { value_string ("result"), attempt->result },
  };
  struct value whole = { .type = VALUE_MAP, .count = 3, .members = members }, text = *fails;
  struct differences differences;
  struct expr_error error;
  if (fails->type == VALUE_BOOL && fails->boolean)
    return true;
  if (fails->type == VALUE_STRING) {
    struct expr_scope scope = scope_at (context, fails);
    if (!evaluator_expand (&context->evaluator, fails, &scope, arena, &text, &error)) {
      set_error (judged, arena, &error, fails);
      return false;
    }
    if (text.type == VALUE_STRING)
      return strstr (message, text.string) != NULL;
  }
  const struct value *actual = is_matcher (fails) ? &members[1].value : &whole;
  return hold_against (context, &text, actual, arena, &differences, judged) == MATCH_YES;
}

/* `fails`: the step must fail or err, and as described. */
static void
run_fails (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  const struct value *before = context->result;
  struct attempt judged = { .outcome = RUNNER_PASS };
  context->test->checks++;
  if (attempt->outcome == RUNNER_SKIP)
    return;
  if (attempt->outcome == RUNNER_PASS) {
    set_failure (attempt, RUNNER_FAIL, step->fails, "it should fail, but passed");
    return;
  }
  if (attempt->expired)
    return; /* an overrun deadline never satisfies it */
  context->result = &attempt->result;
  bool fine = fails_so (context, step->fails, attempt, arena, &judged);
  context->result = before;
  const char *text = arena_printf (arena, "it failed as it should, but otherwise than expected: %s",
                                   attempt->message ? attempt->message : "");
  context->test->verdict = (struct verdict) { .outcome = RUNNER_PASS }; /* of a group: it has told it */
  *attempt = (struct attempt) { .outcome = RUNNER_PASS, .where = *step->key, .result = attempt->result };
  if (judged.outcome != RUNNER_PASS)
    set_failure (attempt, judged.outcome, &judged.where, judged.message);
  else if (!fine)
    set_failure (attempt, RUNNER_FAIL, step->fails, text);
}

/* ---- an attempt ---- */

static void
run_parts_after (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  const struct value *before = context->result;
  context->result = &attempt->result;
  bool passed = attempt->outcome == RUNNER_PASS;
  if (step->save && (passed || attempt->result.count))
    for (size_t i = 0; i < step->save->count; i++)
      save_one (context, &step->save->members[i], arena, attempt, passed);
  if (step->expect && attempt->outcome == RUNNER_PASS)
    run_expect (context, step, arena, attempt);
  if (step->check && attempt->outcome == RUNNER_PASS)
    run_checks (context, step->check, arena, attempt);
  context->result = before;
}

static void
run_attempt (struct context *context, const struct step *step, struct arena *arena, int64_t deadline_ns,
             struct attempt *attempt)
{
  struct value args = *step->args;
  struct expr_error error;
  *attempt = (struct attempt) { .outcome = RUNNER_PASS, .where = *step->key, .result = { .type = VALUE_MAP } };
  bool body_is_args = step->body.count && step->kind != STEP_BACKGROUND && step->kind != STEP_LOAD;
  if (!body_is_args && (args.flags & VALUE_DYNAMIC)) {
    struct expr_scope scope = scope_at (context, step->key);
    if (!evaluator_expand (&context->evaluator, step->args, &scope, arena, &args, &error)) {
      set_error (attempt, arena, &error, step->key);
      return;
    }
  }
  int64_t outer = context->deadline_ns;
  if (deadline_ns < outer)
    context->deadline_ns = deadline_ns;
  switch (step->kind) {
  case STEP_VERB:
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
  run_parts_after (context, step, arena, attempt);
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
  struct expr_error error;
  struct expr_scope scope = scope_at (context, value);
  if (!evaluator_expand (&context->evaluator, value, &scope, arena, &expanded, &error)) {
    set_error (attempt, arena, &error, value);
    return false;
  }
  if (value_duration (&expanded, ns))
    return true;
  set_failure (attempt, RUNNER_ERROR, value, "expected a duration with its unit (200ms, 5s, 2m)");
  return false;
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
  for (;;) {
    int64_t left = end - clock_now_ns ();
    if (left <= 0)
      return clock_now_ns () < context->deadline_ns;
    struct pollfd fd = { .fd = context->cancel_fd, .events = POLLIN };
    struct timespec wait = { left / 1000000000, left % 1000000000 };
    int ready = ppoll (&fd, 1, &wait, NULL);
    if (ready > 0)
      return false;
    if (ready < 0 && errno != EINTR)
      return false;
  }
}

/* `stop_if`: give up at once?  One that cannot be told is an error of the attempt. */
static bool
gives_up (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct differences differences;
  struct attempt judged = { .outcome = RUNNER_PASS };
  if (!step->stop_if)
    return false;
  int matched = hold_against (context, step->stop_if, &attempt->result, arena, &differences, &judged);
  if (judged.outcome != RUNNER_PASS)
    set_failure (attempt, judged.outcome, &judged.where, judged.message);
  if (matched != MATCH_YES)
    return false;
  set_failure (attempt, RUNNER_FAIL, step->stop_if, "gave up: stop_if holds");
  return true;
}

static bool
until_holds (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct differences differences;
  context->test->checks++;
  int matched = hold_against (context, step->until, &attempt->result, arena, &differences, attempt);
  if (matched == MATCH_YES)
    return true;
  if (attempt->outcome == RUNNER_PASS) {
    set_failure (attempt, matched == MATCH_WRONG ? RUNNER_ERROR : RUNNER_FAIL, step->until, "until does not hold");
    attempt->details = show_differences (arena, &differences);
  }
  return false;
}

/* After an attempt: is this enough? */
static bool
enough (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  const struct value *before = context->result;
  context->result = &attempt->result;
  bool done = gives_up (context, step, arena, attempt) || attempt->outcome == RUNNER_SKIP
              || (attempt->outcome == RUNNER_PASS && (!step->until || until_holds (context, step, arena, attempt)));
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
  for (uint32_t attempts = 1;; attempts++) {
    struct verdict before = context->test->verdict;
    int64_t now = clock_now_ns (), deadline = now + timing.timeout_ns;
    if (attempts > 1)
      arena_reset (arena);
    if (deadline > end)
      deadline = end > now ? end : now;
    if (deadline > context->deadline_ns)
      deadline = context->deadline_ns;
    run_attempt (context, step, arena, deadline, attempt);
    if (step->fails)
      run_fails (context, step, arena, attempt);
    if (!step->retry || enough (context, step, arena, attempt))
      return attempts;
    if (!attempt->expired) {
      free (earlier);
      earlier = xstrdup (attempt->message ? attempt->message : "");
    }
    else if (earlier && deadline == end)
      attempt->details = arena_printf (arena, "the attempt before it: %s", earlier);
    if (clock_now_ns () + timing.every_ns >= end || !wait_for (context, timing.every_ns)) {
      say_attempts (arena, attempt, attempts, clock_now_ns () - start);
      return attempts;
    }
    context->test->verdict = before; /* a group that failed has told it: it is tried again */
  }
}

/* ---- one step, once ---- */

static bool
condition_holds (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct expr_error error;
  struct expr_scope scope = scope_at (context, step->condition);
  bool holds = false;
  if (!evaluator_test (&context->evaluator, step->condition, &scope, &holds, &error)) {
    set_error (attempt, arena, &error, step->condition);
    return false;
  }
  return holds;
}

static const char *
expand_name (struct context *context, const struct step *step, struct arena *arena)
{
  struct value name;
  struct expr_error error;
  struct expr_scope scope = scope_at (context, step->key);
  if (!step->name || !evaluator_expand (&context->evaluator, step->name, &scope, arena, &name, &error))
    return NULL;
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!value_print (&text, &name))
    return NULL;
  return arena_copy (arena, text.data ? text.data : "", text.size);
}

static int
run_once (struct context *context, const struct step *step)
{
  struct arena *arena = &context->pool[context->depth];
  struct attempt attempt = { .outcome = RUNNER_PASS, .where = *step->key };
  uint32_t attempts = 1;
  int64_t start = clock_now_ns ();
  arena_reset (arena);
  if (context_stopped (context)) {
    set_failure (&attempt, RUNNER_FAIL, step->key,
                 context_cancelled (context) ? "cancelled" : "the test's time was over before this step");
    attempt.expired = true;
  }
  else if (step->condition && !condition_holds (context, step, arena, &attempt)) {
    if (attempt.outcome == RUNNER_PASS)
      return RUNNER_PASS;
  }
  else if (context->depth >= (context->user ? STEP_NEST_USER : STEP_NEST))
    set_failure (&attempt, RUNNER_ERROR, step->key, "keywords and groups are nested too deeply");
  else {
    context->depth++;
    attempts = run_retried (context, step, arena, &attempt);
    context->depth--;
  }
  if (context->load)
    load_record (context, step, attempt.outcome, start, clock_now_ns ());
  else
    record_step (context, step, attempt.outcome, start, attempts, expand_name (context, step, arena), attempt.message);
  if (attempt.outcome != RUNNER_PASS && (!attempt.told || step->retry)) {
    if (attempt.told)
      context->test->verdict = (struct verdict) { .outcome = RUNNER_PASS };
    record_failure (context, step, &attempt.where, attempt.outcome, attempt.expired,
                    attempt.message ? attempt.message : "", attempt.details);
  }
  return attempt.outcome;
}

/* ---- each ---- */

/* Names that a step saves, its groups included. */
static void
saved_names (const struct step *step, struct arena *arena, const char ***list, size_t *count, size_t *room)
{
  const struct value *maps[] = { step->save, step->kind == STEP_SET ? step->args : NULL };
  for (size_t m = 0; m < 2; m++)
    for (size_t i = 0; maps[m] && i < maps[m]->count; i++) {
      if (*count == *room) {
        *room = *room ? *room * 2 : 8;
        const char **larger = arena_array (arena, *room, sizeof *larger);
        if (*count)
          memcpy (larger, *list, *count * sizeof *larger);
        *list = larger;
      }
      (*list)[(*count)++] = maps[m]->members[i].key.string;
    }
  if (step->kind != STEP_DEFER && step->kind != STEP_LOAD)
    for (size_t i = 0; i < step->body.count; i++)
      saved_names (&step->body.items[i], arena, list, count, room);
}

struct rows {
  struct value table; /* expanded: a map of lists or "a..b" */
  size_t count;
};

static bool
parse_range (const struct value *value, int64_t *from, int64_t *to)
{
  long long a, b;
  char end;
  if (value->type != VALUE_STRING || sscanf (value->string, "%lld..%lld%c", &a, &b, &end) != 2)
    return false;
  *from = a;
  *to = b;
  return true;
}

static const char *
count_rows (struct rows *rows, struct arena *arena)
{
  for (size_t i = 0; i < rows->table.count; i++) {
    const struct member *m = &rows->table.members[i];
    int64_t from, to;
    size_t n;
    if (m->value.type == VALUE_LIST)
      n = m->value.count;
    else if (parse_range (&m->value, &from, &to)) {
      if (to >= from && (uint64_t) to - (uint64_t) from >= EACH_MOST)
        return arena_printf (arena, "each: %s: more than %d rows", m->key.string, EACH_MOST);
      n = to < from ? 0 : (size_t) (to - from) + 1;
    }
    else
      return arena_printf (arena, "each: %s: expected a list or a range (0..9), got %s", m->key.string,
                           value_type_name (m->value.type));
    if (i && n != rows->count)
      return arena_printf (arena, "each: lists of different lengths: %s has %zu, %s has %zu", m->key.string, n,
                           rows->table.members[0].key.string, rows->count);
    rows->count = n;
  }
  return NULL;
}

static void
set_row (struct context *context, const struct rows *rows, size_t row)
{
  for (size_t i = 0; i < rows->table.count; i++) {
    const struct member *m = &rows->table.members[i];
    int64_t from, to;
    struct value value = value_null;
    if (m->value.type == VALUE_LIST)
      value = m->value.items[row];
    else if (parse_range (&m->value, &from, &to))
      value = value_int (from + (int64_t) row);
    scope_set (context->scope, m->key.string, &value);
  }
}

static int
run_each (struct context *context, const struct step *step)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct rows rows = { .count = 0 };
  struct expr_error error;
  struct expr_scope scope = scope_at (context, step->key);
  const char *wrong = NULL;
  if (!evaluator_expand (&context->evaluator, step->each, &scope, &arena, &rows.table, &error))
    wrong = error.message;
  else
    wrong = count_rows (&rows, &arena);
  if (wrong) {
    record_failure (context, step, step->each, RUNNER_ERROR, false, wrong, NULL);
    return RUNNER_ERROR;
  }
  const char **saved = NULL;
  size_t saved_count = 0, room = 0;
  saved_names (step, &arena, &saved, &saved_count, &room);
  struct value *columns = arena_array (&arena, saved_count * rows.count, sizeof *columns);
  unsigned *before = arena_array (&arena, saved_count, sizeof *before);
  for (size_t row = 0; row < rows.count; row++) {
    set_row (context, &rows, row);
    for (size_t i = 0; i < saved_count; i++)
      before[i] = scope_times (context->scope, saved[i]);
    int outcome = run_once (context, step);
    if (outcome != RUNNER_PASS)
      return outcome;
    for (size_t i = 0; i < saved_count; i++) {
      /* a row that saves nothing has null, not what an earlier one saved */
      bool set = scope_times (context->scope, saved[i]) != before[i];
      const struct value *value = set ? scope_get (context->scope, saved[i], strlen (saved[i])) : NULL;
      columns[i * rows.count + row] = value ? value_copy (&arena, value) : value_null;
    }
  }
  for (size_t i = 0; i < saved_count; i++) {
    struct value list = { .type = VALUE_LIST, .count = rows.count, .items = columns + i * rows.count };
    scope_set (context->scope, saved[i], &list);
  }
  return RUNNER_PASS;
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
