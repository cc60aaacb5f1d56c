/* step-expect.c - what is held against what a step came to: save, expect, check, until,
 * stop_if, fails.  When they are asked is up to step-run.c. */
#include "config.h"

#include <string.h>

#include "path.h"
#include "step-attempt.h"

static void
save_one (struct context *context, const struct member *m, struct arena *arena, struct attempt *attempt, bool must)
{
  struct expr_error error;
  struct value value;
  if (m->value.flags & VALUE_DYNAMIC) {
    struct expr_scope scope = context_scope_at (context, &m->value);
    if (!evaluator_expand (&context->evaluator, &m->value, &scope, arena, &value, &error)) {
      if (must)
        attempt_error (attempt, arena, &error, &m->value);
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
    attempt_fail (attempt, RUNNER_ERROR, &m->value, path ? "the path visits too much" : arena_strdup (arena, why));
  else if (path_singular (path)) {
    if (count)
      scope_set (context->scope, m->key.string, found[0]);
    else if (must) {
      struct buffer shown = { 0 };
      value_show (&shown, context->result, 300);
      attempt_fail (attempt, RUNNER_FAIL, &m->value,
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
  struct expr_scope scope = context_scope_at (context, pattern);
  *differences = (struct differences) { .arena = arena };
  if (!attempt_expand (context, pattern, pattern, arena, &expanded, attempt))
    return MATCH_WRONG;
  struct match match = { .evaluator = &context->evaluator, .scope = &scope, .arena = arena };
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
  attempt_fail (attempt, matched == MATCH_WRONG ? RUNNER_ERROR : RUNNER_FAIL, where, message);
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
    const struct value *value = n && !member && (*start < '0' || *start > '9') ? context_lookup (context, start, n) : NULL;
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
  struct expr_scope scope = context_scope_at (context, check);
  bool holds;
  context->test->checks++;
  if (!evaluator_test (&context->evaluator, check, &scope, &holds, &error))
    attempt_error (attempt, arena, &error, check);
  else if (!holds) {
    struct buffer text = { 0 };
    buffer_lit (&text, "does not hold: ");
    if (check->type == VALUE_STRING)
      buffer_add (&text, check->string, check->size);
    else
      value_show (&text, check, 100);
    explain (context, check, &text);
    attempt_fail (attempt, RUNNER_FAIL, check, arena_copy (arena, text.data, text.size));
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
  if (fails->type == VALUE_BOOL && fails->boolean)
    return true;
  if (fails->type == VALUE_STRING) {
    if (!attempt_expand (context, fails, fails, arena, &text, judged))
      return false;
    if (text.type == VALUE_STRING)
      return strstr (message, text.string) != NULL;
  }
  const struct value *actual = is_matcher (fails) ? &members[1].value : &whole;
  return hold_against (context, &text, actual, arena, &differences, judged) == MATCH_YES;
}

/* `fails`: the step must fail or err, and as described. */
void
attempt_must_fail (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  const struct value *before = context->result;
  struct attempt judged = { .outcome = RUNNER_PASS };
  context->test->checks++;
  if (attempt->outcome == RUNNER_SKIP)
    return;
  if (attempt->outcome == RUNNER_PASS) {
    attempt_fail (attempt, RUNNER_FAIL, step->fails, "it should fail, but passed");
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
    attempt_fail (attempt, judged.outcome, &judged.where, judged.message);
  else if (!fine)
    attempt_fail (attempt, RUNNER_FAIL, step->fails, text);
}

void
attempt_hold (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
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

bool
attempt_gives_up (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct differences differences;
  struct attempt judged = { .outcome = RUNNER_PASS };
  if (!step->stop_if)
    return false;
  int matched = hold_against (context, step->stop_if, &attempt->result, arena, &differences, &judged);
  if (judged.outcome != RUNNER_PASS)
    attempt_fail (attempt, judged.outcome, &judged.where, judged.message);
  if (matched != MATCH_YES)
    return false;
  if (attempt->outcome == RUNNER_FAIL || attempt->outcome == RUNNER_ERROR)
    attempt->message = arena_printf (arena, "%s (gave up: stop_if holds)", attempt->message ? attempt->message : "");
  attempt_fail (attempt, RUNNER_FAIL, step->stop_if, "gave up: stop_if holds");
  return true;
}

bool
attempt_until (struct context *context, const struct step *step, struct arena *arena, struct attempt *attempt)
{
  struct differences differences;
  context->test->checks++;
  int matched = hold_against (context, step->until, &attempt->result, arena, &differences, attempt);
  if (matched == MATCH_YES)
    return true;
  if (attempt->outcome == RUNNER_PASS) {
    attempt_fail (attempt, matched == MATCH_WRONG ? RUNNER_ERROR : RUNNER_FAIL, step->until, "until does not hold");
    attempt->details = show_differences (arena, &differences);
  }
  return false;
}
