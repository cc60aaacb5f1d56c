/* fuzz-expr.c - any bytes as an expression or a text with `${…}` over a few variables: refused,
 * or a value without `${`; and errors lie in the source. */
#include "fuzz.h"

#include <string.h>

#include "expr.h"
#include "json.h"

/* The first byte: how the rest is written and what is done with it. */
#define QUOTED 1
#define BLOCK 2
#define TEMPLATE 4
#define INDENTED 16

static const struct value *
lookup (void *variables, const char *name, size_t size)
{
  return value_find (variables, name, size);
}

static void
names (void *variables, void (*each) (void *each_data, const char *name), void *each_data)
{
  const struct value *map = variables;
  for (size_t i = 0; i < map->count; i++)
    each (each_data, map->members[i].key.string);
}

static void
check_place (const struct value *where)
{
  size_t size;
  FUZZ_CHECK (source_line (where->file, where->line, &size));
  FUZZ_CHECK (where->column >= 1 && where->column <= size + 3);
}

static void
check_before (struct expr_engine *engine, const struct expr_scope *scope, const struct value *text, bool template)
{
  struct faults faults = { 0 };
  if (template)
    expr_check_all (engine, text, scope, &faults);
  else
    expr_check (engine, text, scope, &faults);
  for (size_t i = 0; i < faults.count; i++)
    check_place (&faults.items[i].where);
  faults_free (&faults);
}

static void
use (struct expr_engine *engine, const struct expr_scope *scope, const struct value *text, uint8_t how,
     struct arena *arena)
{
  struct expr_error error = { .message = "" };
  struct value out = value_null;
  bool on, good;
  if (how & TEMPLATE)
    good = expr_expand (engine, text, scope, arena, &out, &error);
  else
    good = expr_test (engine, text, scope, &on, &error);
  FUZZ_CHECK (!(out.flags & VALUE_DYNAMIC));
  if (good)
    return;
  FUZZ_CHECK (error.message[0]);
  check_place (&error.where);
}

FUZZ_TARGET (expr)
{
  static const char json[] = "{\"one\": 1, \"half\": 0.5, \"s\": \"t\xc3\xa4xt\", \"no\": null, \"l\": [3, 1, [2]],"
                             " \"m\": {\"a\": {\"b\": [1]}}, \"result\": {\"status\": 200, \"json\": [{\"x\": 1}]}}";
  if (size == 0)
    return;
  struct arena arena = { 0 };
  struct value variables;
  char error[200];
  FUZZ_CHECK (json_parse (&arena, json, strlen (json), &variables, error, sizeof error));
  struct expr_scope scope = { lookup, names, &variables, "/nonexistent" };
  struct expr_engine *engine = expr_new (1);
  const char *text = arena_copy (&arena, data + 1, size - 1);
  source_forget_all ();
  struct value value = value_text (text, size - 1);
  value.file = source_add ("fuzz", text, size - 1);
  value.line = 1;
  value.column = data[0] & INDENTED ? 3 : 1;
  value.flags = (data[0] & QUOTED ? VALUE_QUOTED : 0) | (data[0] & BLOCK ? VALUE_BLOCK : 0);
  if ((data[0] & TEMPLATE) && expr_is_dynamic (text, size - 1))
    value.flags |= VALUE_DYNAMIC;
  check_before (engine, &scope, &value, data[0] & TEMPLATE);
  use (engine, &scope, &value, data[0], &arena);
  source_forget_all ();
  expr_free (engine);
  arena_free (&arena);
}
