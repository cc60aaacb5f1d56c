/* matchers.c - see matchers.h. */
#include "config.h"

#include "matchers.h"

#include <math.h>
#include <string.h>

#include "compare.h"
#include "path.h"
#include "text.h"

/* What an operand must be. */
enum operand {
  TAKES_TEXT, TAKES_TYPES, TAKES_ORDERED, TAKES_LENGTH, TAKES_PATTERN, TAKES_PATTERNS, TAKES_SOME_PATTERNS,
  TAKES_TRUE, TAKES_BOOLEAN, TAKES_NEAR, TAKES_BYTES, TAKES_EXPRESSION
};

const char *const match_names[] = {
  [MATCHER_MATCHES] = "$matches",
  [MATCHER_TYPE] = "$type",
  [MATCHER_GT] = "$gt",
  [MATCHER_GE] = "$ge",
  [MATCHER_LT] = "$lt",
  [MATCHER_LE] = "$le",
  [MATCHER_LENGTH] = "$length",
  [MATCHER_CONTAINS] = "$contains",
  [MATCHER_CONTAINS_ALL] = "$contains_all",
  [MATCHER_EACH] = "$each",
  [MATCHER_NOT] = "$not",
  [MATCHER_ONE_OF] = "$one_of",
  [MATCHER_ANY] = "$any",
  [MATCHER_ABSENT] = "$absent",
  [MATCHER_EXACT] = "$exact",
  [MATCHER_UNORDERED] = "$unordered",
  [MATCHER_NEAR] = "$near",
  [MATCHER_STARTS_WITH] = "$starts_with",
  [MATCHER_ENDS_WITH] = "$ends_with",
  [MATCHER_EXPR] = "$expr",
  [MATCHER_EQUALS] = "$equals",
  [MATCHERS] = NULL,
};

static const enum operand takes[MATCHERS] = {
  [MATCHER_MATCHES] = TAKES_TEXT,
  [MATCHER_TYPE] = TAKES_TYPES,
  [MATCHER_GT] = TAKES_ORDERED,
  [MATCHER_GE] = TAKES_ORDERED,
  [MATCHER_LT] = TAKES_ORDERED,
  [MATCHER_LE] = TAKES_ORDERED,
  [MATCHER_LENGTH] = TAKES_LENGTH,
  [MATCHER_CONTAINS] = TAKES_PATTERN,
  [MATCHER_CONTAINS_ALL] = TAKES_PATTERNS,
  [MATCHER_EACH] = TAKES_PATTERN,
  [MATCHER_NOT] = TAKES_PATTERN,
  [MATCHER_ONE_OF] = TAKES_SOME_PATTERNS,
  [MATCHER_ANY] = TAKES_TRUE,
  [MATCHER_ABSENT] = TAKES_BOOLEAN,
  [MATCHER_EXACT] = TAKES_PATTERN,
  [MATCHER_UNORDERED] = TAKES_PATTERNS,
  [MATCHER_NEAR] = TAKES_NEAR,
  [MATCHER_STARTS_WITH] = TAKES_BYTES,
  [MATCHER_ENDS_WITH] = TAKES_BYTES,
  [MATCHER_EXPR] = TAKES_EXPRESSION,
  [MATCHER_EQUALS] = TAKES_PATTERN,
};

static const char *const type_names[] = {
  [TYPE_STRING] = "string",   [TYPE_INTEGER] = "integer", [TYPE_FLOAT] = "float", [TYPE_NUMBER] = "number",
  [TYPE_BOOLEAN] = "boolean", [TYPE_NULL] = "null",       [TYPE_LIST] = "list",   [TYPE_MAP] = "map",
};

enum key_kind
matcher_key_kind (const struct value *key)
{
  if (key->size < 1 || key->string[0] != '$')
    return KEY_PLAIN;
  if (path_is (key->string, key->size))
    return KEY_PATH;
  if (key->string[1] == '$')
    return KEY_ESCAPED;
  return key->string[1] >= 'a' && key->string[1] <= 'z' ? KEY_MATCHER : KEY_PLAIN;
}

enum matcher
matcher_find (const struct value *key)
{
  for (int i = 0; i < MATCHERS; i++)
    if (value_is (key, match_names[i]))
      return (enum matcher) i;
  return MATCHER_UNKNOWN;
}

void
matcher_unknown (struct buffer *out, const struct value *key)
{
  const char *best = NULL;
  size_t distance = 0;
  for (int i = 0; i < MATCHERS; i++) /* compared without the `$`, which all have */
    text_nearest (key->string + 1, match_names[i] + 1, &best, &distance);
  buffer_lit (out, "unknown matcher ");
  text_quote (out, key->string, key->size, 60);
  if (best)
    buffer_printf (out, "; did you mean \"$%s\"?", best);
  buffer_printf (out, " (a literal key is written $%.60s)", key->string);
}

bool
matcher_is_bytes (const struct value *pattern)
{
  return pattern->type == VALUE_MAP && pattern->count == 1
         && (value_is (&pattern->members[0].key, "hex") || value_is (&pattern->members[0].key, "base64"));
}

enum matcher_type
matcher_type (const struct value *name)
{
  if (name->type == VALUE_NULL) /* `$type: null`, as one would write it */
    return TYPE_NULL;
  for (int i = 0; i < TYPE_UNKNOWN; i++)
    if (value_is (name, type_names[i]))
      return (enum matcher_type) i;
  return TYPE_UNKNOWN;
}

/* ---- operands ---- */

static bool
later (const struct value *value, bool early)
{
  return early && value->type == VALUE_STRING && (value->flags & VALUE_DYNAMIC);
}

static const char *
types_fault (const struct value *operand, bool early)
{
  static const char unknown[] = "takes one of string, integer, float, number, boolean, null, list, map,"
                                " or a list of them";
  if (operand->type != VALUE_LIST)
    return matcher_type (operand) == TYPE_UNKNOWN ? unknown : NULL;
  for (size_t i = 0; i < operand->count; i++)
    if (!later (&operand->items[i], early) && matcher_type (&operand->items[i]) == TYPE_UNKNOWN)
      return unknown;
  return operand->count ? NULL : unknown;
}

static const char *
length_fault (const struct value *operand)
{
  bool whole = operand->type == VALUE_INT ? operand->integer >= 0
                                          : operand->type == VALUE_FLOAT && operand->number >= 0
                                              && operand->number == floor (operand->number);
  return whole || operand->type == VALUE_MAP ? NULL : "takes a whole number from 0, or a pattern for one";
}

static const char *
near_fault (const struct value *operand, bool early)
{
  static const char wrong[] = "takes {value: 10, within: 0.5}";
  if (operand->type != VALUE_MAP || operand->count != 2)
    return wrong;
  const struct value *value = value_get (operand, "value"), *within = value_get (operand, "within");
  if (!value || !within)
    return early && (operand->flags & VALUE_DYNAMIC) ? NULL : wrong;
  if (later (value, early) || later (within, early) || compare_near_usable (value, within))
    return NULL;
  return "takes a `value` that is a number, a duration, a size or a time, and a `within` of that kind, not below 0"
         " (for times a duration)";
}

static const char *
bytes_fault (const struct value *operand, bool early)
{
  static const char wrong[] = "takes a text, {hex: \"…\"} or {base64: \"…\"}";
  if (operand->type == VALUE_STRING)
    return NULL;
  if (operand->type == VALUE_MAP && early && (operand->flags & VALUE_DYNAMIC))
    return NULL;
  return matcher_is_bytes (operand) && operand->members[0].value.type == VALUE_STRING ? NULL : wrong;
}

const char *
matcher_fault (enum matcher matcher, const struct value *operand, bool early)
{
  if (later (operand, early))
    return NULL;
  switch (takes[matcher]) {
  case TAKES_TEXT:
    return operand->type == VALUE_STRING ? NULL : "takes a regular expression as a text";
  case TAKES_EXPRESSION:
    return operand->type == VALUE_STRING ? NULL : "takes an expression as a text";
  case TAKES_TYPES:
    return types_fault (operand, early);
  case TAKES_ORDERED:
    return compare_usable (operand) ? NULL : "takes a number, a text, a duration, a size or a time";
  case TAKES_LENGTH:
    return length_fault (operand);
  case TAKES_PATTERNS:
    return operand->type == VALUE_LIST ? NULL : "takes a list of patterns";
  case TAKES_SOME_PATTERNS:
    return operand->type == VALUE_LIST && operand->count ? NULL : "takes a list of patterns that is not empty";
  case TAKES_TRUE:
    return operand->type == VALUE_BOOL && operand->boolean ? NULL
           : "takes true (for what must not be there: $absent: true)";
  case TAKES_BOOLEAN:
    return operand->type == VALUE_BOOL ? NULL : "takes true or false";
  case TAKES_NEAR:
    return near_fault (operand, early);
  case TAKES_BYTES:
    return bytes_fault (operand, early);
  default:
    return NULL;
  }
}
