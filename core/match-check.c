/* match-check.c - what is wrong with a pattern before it is used: see match_check. */
#include "config.h"

#include <string.h>

#include "match.h"
#include "matchers.h"
#include "path.h"
#include "regexp.h"
#include "units.h"

#define DEPTH 100

static void check (const struct value *pattern, struct faults *faults, size_t depth);

static void
check_list (const struct value *patterns, struct faults *faults, size_t depth)
{
  if (patterns->type == VALUE_LIST)
    for (size_t i = 0; i < patterns->count; i++)
      check (&patterns->items[i], faults, depth);
}

static bool
is_later (const struct value *text)
{
  return text->type != VALUE_STRING || (text->flags & VALUE_DYNAMIC);
}

static void
check_regex (const struct value *regex, struct faults *faults)
{
  char error[256];
  size_t offset;
  if (!is_later (regex) && !regex_check (regex->string, regex->size, &offset, error, sizeof error))
    fault_add (faults, regex, "bad regular expression at character %zu: %s", offset + 1, error);
}

static void
check_path (const struct value *key, struct faults *faults)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  char error[256];
  if (!path_compile (&arena, key->string, key->size, error, sizeof error))
    fault_add (faults, key, "bad path %.100s: %s", key->string, error);
}

/* Names are not checked: what may be defined where the pattern stands is not known here. */
static void
check_expression (const struct value *expression, struct faults *faults)
{
  if (is_later (expression))
    return;
  struct expr_engine *engine = expr_new (0);
  if (engine)
    expr_check (engine, expression, NULL, faults);
  expr_free (engine);
}

static void
check_bytes (const struct value *pattern, struct faults *faults)
{
  if (!matcher_is_bytes (pattern) || is_later (&pattern->members[0].value))
    return;
  CLEANUP_ARENA struct arena arena = { 0 };
  const struct value *text = &pattern->members[0].value;
  uint8_t *data, *mask;
  size_t n;
  if (value_is (&pattern->members[0].key, "hex")) {
    if (!parse_hex (&arena, text->string, text->size, &data, &mask, &n))
      fault_add (faults, text, "hex takes pairs of hexadecimal digits (. is any digit)");
  }
  else if (!parse_base64 (&arena, text->string, text->size, &data, &n))
    fault_add (faults, text, "this is not base64");
}

static void
check_operand (enum matcher matcher, const struct value *operand, struct faults *faults, size_t depth)
{
  const char *fault = matcher_fault (matcher, operand, true);
  if (fault) {
    fault_add (faults, operand, "%s %s", match_names[matcher], fault);
    return;
  }
  switch (matcher) {
  case MATCHER_MATCHES:
    check_regex (operand, faults);
    break;
  case MATCHER_EXPR:
    check_expression (operand, faults);
    break;
  case MATCHER_LENGTH:
  case MATCHER_EACH:
  case MATCHER_NOT:
  case MATCHER_EXACT:
  case MATCHER_CONTAINS:
    check (operand, faults, depth);
    break;
  case MATCHER_CONTAINS_ALL:
  case MATCHER_ONE_OF:
  case MATCHER_UNORDERED:
    check_list (operand, faults, depth);
    break;
  case MATCHER_STARTS_WITH:
  case MATCHER_ENDS_WITH:
    check_bytes (operand, faults);
    break;
  default:
    break;
  }
}

static void
check_matcher (const struct member *member, struct faults *faults, size_t depth)
{
  enum matcher matcher = matcher_find (&member->key);
  if (matcher == MATCHER_UNKNOWN) {
    CLEANUP_BUFFER struct buffer text = { 0 };
    matcher_unknown (&text, &member->key);
    fault_add (faults, &member->key, "%s", buffer_text (&text));
  }
  else
    check_operand (matcher, &member->value, faults, depth);
}

static void
check_mixing (const struct value *pattern, struct faults *faults)
{
  const struct value *matcher = NULL, *plain = NULL;
  for (size_t i = 0; i < pattern->count; i++) {
    const struct value *key = &pattern->members[i].key;
    enum key_kind kind = matcher_key_kind (key);
    if (key->flags & VALUE_DYNAMIC)
      continue;
    if (kind == KEY_MATCHER)
      matcher = key;
    else if (kind != KEY_PATH)
      plain = key;
  }
  if (matcher && plain)
    fault_add (faults, matcher, MATCHER_MIXED, matcher->string, plain->string, matcher->string);
}

static void
check_map (const struct value *pattern, struct faults *faults, size_t depth)
{
  check_mixing (pattern, faults);
  for (size_t i = 0; i < pattern->count; i++) {
    const struct member *member = &pattern->members[i];
    bool dynamic = member->key.flags & VALUE_DYNAMIC;
    enum key_kind kind = dynamic ? KEY_PLAIN : matcher_key_kind (&member->key);
    if (kind == KEY_MATCHER) {
      check_matcher (member, faults, depth);
      continue;
    }
    if (kind == KEY_PATH)
      check_path (&member->key, faults);
    check (&member->value, faults, depth);
  }
}

static void
check (const struct value *pattern, struct faults *faults, size_t depth)
{
  if (depth >= DEPTH) {
    fault_add (faults, pattern, "the pattern is nested too deeply");
    return;
  }
  if (pattern->type == VALUE_MAP)
    check_map (pattern, faults, depth + 1);
  else
    check_list (pattern, faults, depth + 1);
}

void
match_check (const struct value *pattern, struct faults *faults)
{
  check (pattern, faults, 0);
}
