/* expr.h - Lua expressions over the variables, and `${…}` in values.
 *
 * An engine is one sandboxed Lua state with limits on memory, instructions and
 * C loops; it belongs to one thread at a time and survives fork.  Compiled
 * expressions are kept by their text. */
#ifndef EXPR_H
#define EXPR_H

#include "source.h"

struct expr_engine;

/* Where names come from. */
struct expr_scope {
  /* The value of a name, or NULL: undefined.  It must stay unchanged until the evaluation ends. */
  const struct value *(*lookup) (void *data, const char *name, size_t size);
  /* Calls `each` with every name there is: for "did you mean". */
  void (*names) (void *data, void (*each) (void *each_data, const char *name), void *each_data);
  void *data;
  const char *folder;      /* read() and {file:} start here; `dir` gives it */
};

struct expr_error {
  struct value where; /* as near as it can be told */
  char message[1024];
};

/* `seed`: of math.random; unique and uuid are really unique.  Freed by expr_free. */
struct expr_engine *expr_new (uint64_t seed);
void expr_free (struct expr_engine *engine);

/* Evaluates an expression (without `${}`) of `check` or `if`: the result must be a boolean.  `where` is the
 * expression's text and place.  False, here and below: `error` says why and where. */
bool expr_test (struct expr_engine *engine, const struct value *where, const struct expr_scope *scope,
                bool *out, struct expr_error *error);
/* Replaces every `${…}` in a value, in keys too.  A string that is exactly one
 * `${…}` keeps its type.  Values without VALUE_DYNAMIC are returned as they are.
 * Every value inside keeps the place of the text it came from. */
bool expr_expand (struct expr_engine *engine, const struct value *in, const struct expr_scope *scope,
                  struct arena *arena, struct value *out, struct expr_error *error);

/* Is the text one `${…}` and nothing else, so that it keeps the value's type? */
bool expr_is_whole (const char *text, size_t size);
/* Does the text hold a `${` (that is no `$${`)?  For the document's VALUE_DYNAMIC;
 * `$${` alone is dynamic too, since it must be unescaped. */
bool expr_is_dynamic (const char *text, size_t size);

/* For `runner check`: syntax, the known traps, undefined names, before anything
 * runs.  `scope->lookup` returns non-NULL for what may be defined there: a map if
 * its keys are all that it can have, else null.  With scope NULL names are not checked. */
void expr_check (struct expr_engine *engine, const struct value *expression, const struct expr_scope *scope,
                 struct faults *faults);
void expr_check_all (struct expr_engine *engine, const struct value *tree, const struct expr_scope *scope,
                     struct faults *faults);

/* The names of the helpers (ends with NULL): variables may not be called so. */
const char *const *expr_helpers (void);

#endif
