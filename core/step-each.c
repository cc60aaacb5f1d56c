/* step-each.c - `each`: a step once for each row of a table; what it saves becomes lists. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "step-attempt.h"

#define EACH_MOST 1000000

/* A name that a step saves, and what it was in each row. */
struct column {
  const char *name;
  bool beside;           /* by steps in the background: only where a row waits for them */
  unsigned before;       /* how often it was set */
  bool set;              /* by some row */
  struct value *values;
};

struct columns {
  struct column *items;
  size_t count, room;
};

/* The names that a step saves, its groups included. */
static void
add_columns (const struct step *step, bool beside, struct arena *arena, struct columns *columns)
{
  const struct value *maps[] = { step->save, step->kind == STEP_SET ? step->args : NULL };
  for (size_t m = 0; m < 2; m++)
    for (size_t i = 0; maps[m] && i < maps[m]->count; i++) {
      columns->items = arena_grow (arena, columns->items, columns->count, &columns->room, sizeof *columns->items);
      columns->items[columns->count++] = (struct column) { .name = maps[m]->members[i].key.string, .beside = beside };
    }
  if (step->kind != STEP_DEFER && step->kind != STEP_LOAD)
    for (size_t i = 0; i < step->body.count; i++)
      add_columns (&step->body.items[i], beside || step->kind == STEP_BACKGROUND, arena, columns);
}

/* Of a row that has ended.  One that saves nothing has null, not what an earlier one saved. */
static void
take_row (const struct scope *scope, size_t row, struct arena *arena, struct columns *columns)
{
  for (size_t i = 0; i < columns->count; i++) {
    struct column *column = &columns->items[i];
    bool set = scope_times (scope, column->name) != column->before;
    const struct value *value = set ? scope_get (scope, column->name, strlen (column->name)) : NULL;
    column->values[row] = value ? value_copy (arena, value) : value_null;
    column->set |= set;
  }
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
  struct columns columns = { .count = 0 };
  add_columns (step, false, &arena, &columns);
  for (size_t i = 0; i < columns.count; i++)
    columns.items[i].values = arena_array (&arena, rows.count, sizeof *columns.items[i].values);
  for (size_t row = 0; row < rows.count; row++) {
    set_row (context, &rows, row);
    for (size_t i = 0; i < columns.count; i++)
      columns.items[i].before = scope_times (context->scope, columns.items[i].name);
    int outcome = run_once (context, step);
    if (outcome != RUNNER_PASS)
      return outcome;
    take_row (context->scope, row, &arena, &columns);
  }
  for (size_t i = 0; i < columns.count; i++) {
    const struct column *column = &columns.items[i];
    struct value list = { .type = VALUE_LIST, .count = rows.count, .items = column->values };
    if (column->set || !column->beside)
      scope_set (context->scope, column->name, &list);
  }
  return RUNNER_PASS;
}
