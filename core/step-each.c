/* step-each.c - `each`: a step once for each row of a table; what it saves becomes lists. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "step-attempt.h"

#define EACH_MOST 1000000

/* Names that a step saves, its groups included. */
static void
saved_names (const struct step *step, struct arena *arena, const char ***list, size_t *count, size_t *room)
{
  const struct value *maps[] = { step->save, step->kind == STEP_SET ? step->args : NULL };
  for (size_t m = 0; m < 2; m++)
    for (size_t i = 0; maps[m] && i < maps[m]->count; i++) {
      *list = arena_grow (arena, *list, *count, room, sizeof **list);
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

int
run_each (struct context *context, const struct step *step)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct rows rows = { .count = 0 };
  struct expr_error error;
  struct expr_scope scope = context_scope_at (context, step->key);
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
