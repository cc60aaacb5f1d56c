/* match-matchers.c - what each matcher does. */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "difference.h"
#include "match-walk.h"
#include "pairing.h"
#include "regexp.h"
#include "text.h"

#define CLOSEST_OF 100 /* items that are looked at for the one that nearly matches */
#define PAIRS ((size_t) 20 * 1000 * 1000)

/* Its operand has been checked; `actual` is NULL (missing) only for those that deal with it. */
typedef int matcher_function (struct matching *m, enum matcher matcher, const struct value *operand,
                              const struct value *actual, const struct trail *trail);

/* ---- of any value ---- */

static bool
has_type (const struct value *actual, enum matcher_type type)
{
  switch (type) {
  case TYPE_STRING:
    return actual->type == VALUE_STRING;
  case TYPE_INTEGER:
    return actual->type == VALUE_INT;
  case TYPE_FLOAT:
    return actual->type == VALUE_FLOAT;
  case TYPE_NUMBER:
    return actual->type == VALUE_INT || actual->type == VALUE_FLOAT;
  case TYPE_BOOLEAN:
    return actual->type == VALUE_BOOL;
  case TYPE_NULL:
    return actual->type == VALUE_NULL;
  case TYPE_LIST:
    return actual->type == VALUE_LIST;
  case TYPE_MAP:
    return actual->type == VALUE_MAP;
  default:
    return false;
  }
}

static int
match_type (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
            const struct trail *trail)
{
  (void) matcher;
  if (operand->type != VALUE_LIST && has_type (actual, matcher_type (operand)))
    return MATCH_YES;
  if (operand->type == VALUE_LIST)
    for (size_t i = 0; i < operand->count; i++)
      if (has_type (actual, matcher_type (&operand->items[i])))
        return MATCH_YES;
  return walk_differ (m, "type ", operand, actual, trail, value_type_name (actual->type));
}

static int
match_not (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
           const struct trail *trail)
{
  (void) matcher;
  int answer = walk_quietly (m, operand, actual, trail);
  if (answer == MATCH_WRONG)
    return answer;
  return answer == MATCH_NO ? MATCH_YES : walk_differ (m, "anything but ", operand, actual, trail, NULL);
}

static int
match_one_of (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
              const struct trail *trail)
{
  (void) matcher;
  for (size_t i = 0; i < operand->count; i++) {
    int answer = walk_quietly (m, &operand->items[i], actual, trail);
    if (answer != MATCH_NO)
      return answer;
  }
  return walk_differ (m, "one of ", operand, actual, trail, NULL);
}

static int
match_any (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
           const struct trail *trail)
{
  (void) m, (void) matcher, (void) operand, (void) actual, (void) trail;
  return MATCH_YES; /* what is missing never comes here */
}

static int
match_absent (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
              const struct trail *trail)
{
  (void) matcher;
  if (operand->boolean == !actual)
    return MATCH_YES;
  if (!actual)
    return walk_differ_missing (m, operand, trail);
  if (!walk_wanted (m))
    return MATCH_NO;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_lit (&text, "expected nothing here, got ");
  difference_show (&text, actual, false);
  return walk_differ_text (m, operand, trail, &text);
}

static int
match_exact (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
             const struct trail *trail)
{
  (void) matcher;
  m->exact = true; /* the caller puts it back */
  return walk_any (m, operand, actual, trail);
}

static int
match_equals (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
              const struct trail *trail)
{
  (void) matcher;
  int answer = value_equal_within (operand, actual, false, &m->work);
  if (answer < 0)
    return walk_too_much (m, operand, trail);
  return answer ? MATCH_YES : walk_differ_values (m, operand, actual, trail);
}

/* ---- order ---- */

static int
match_order (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
             const struct trail *trail)
{
  static const char *const words[] = { [MATCHER_GT] = "more than ", [MATCHER_GE] = "at least ",
                                       [MATCHER_LT] = "less than ", [MATCHER_LE] = "at most " };
  const char *why = NULL;
  if (actual->type == VALUE_STRING && !walk_spend (m, actual->size / 64))
    return walk_too_much (m, operand, trail);
  enum value_order order = compare_values (actual, operand, &why);
  bool holds = (order == VALUE_SAME && (matcher == MATCHER_GE || matcher == MATCHER_LE))
               || (order == VALUE_MORE && (matcher == MATCHER_GT || matcher == MATCHER_GE))
               || (order == VALUE_LESS && (matcher == MATCHER_LT || matcher == MATCHER_LE));
  if (holds)
    return MATCH_YES;
  return walk_differ (m, words[matcher], operand, actual, trail, order == VALUE_UNORDERED ? why : NULL);
}

static int
match_near (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
            const struct trail *trail)
{
  (void) matcher;
  const char *why = NULL;
  int answer = compare_near (actual, value_get (operand, "value"), value_get (operand, "within"), &why);
  return answer > 0 ? MATCH_YES : walk_differ (m, "near ", operand, actual, trail, answer < 0 ? why : NULL);
}

/* ---- texts ---- */

static int
match_matches (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
               const struct trail *trail)
{
  (void) matcher;
  char error[256];
  if (actual->type != VALUE_STRING)
    return walk_differ (m, "a text that matches ", operand, actual, trail, "is no text");
  if (!walk_spend (m, 50 + operand->size / 8 + actual->size / 8))
    return walk_too_much (m, operand, trail);
  int answer = regex_search (operand->string, operand->size, actual->string, actual->size, NULL, 0, NULL, error,
                             sizeof error);
  if (answer == REGEX_WRONG)
    return walk_wrong (m, operand, trail, "%s", error);
  return answer == REGEX_YES ? MATCH_YES : walk_differ (m, "a text that matches ", operand, actual, trail, NULL);
}

static int
match_end (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
           const struct trail *trail)
{
  struct bytes bytes;
  bool start = matcher == MATCHER_STARTS_WITH;
  if (bytes_read (m, operand, trail, &bytes) == MATCH_WRONG)
    return MATCH_WRONG;
  const char *what = start ? "a text that starts with " : "a text that ends with ";
  if (actual->type != VALUE_STRING)
    return walk_differ (m, what, operand, actual, trail, "is no text");
  if (!walk_spend (m, bytes.size / 16))
    return walk_too_much (m, operand, trail);
  size_t from = start || bytes.size > actual->size ? 0 : actual->size - bytes.size;
  bool same = bytes.size <= actual->size && bytes_same (&bytes, actual->string + from) == bytes.size;
  return same ? MATCH_YES : walk_differ (m, what, operand, actual, trail, NULL);
}

/* ---- length and content ---- */

static int
match_length (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
              const struct trail *trail)
{
  (void) matcher;
  size_t n = 0;
  if (actual->type == VALUE_STRING && !walk_spend (m, actual->size / 16))
    return walk_too_much (m, operand, trail);
  if (actual->type == VALUE_STRING)
    n = utf8_count (actual->string, actual->size);
  else if (actual->type == VALUE_LIST || actual->type == VALUE_MAP)
    n = actual->count;
  else
    return walk_differ (m, "length ", operand, actual, trail, "has no length");
  struct value length = value_int ((int64_t) n);
  int answer = walk_quietly (m, operand, &length, trail);
  if (answer != MATCH_NO)
    return answer;
  char why[64];
  snprintf (why, sizeof why, "length %zu", n);
  return walk_differ (m, "length ", operand, actual, trail, why);
}

/* How badly an item fails; the differences stay in the arena. */
static int
rate_item (struct matching *m, const struct value *pattern, const struct value *list, size_t i,
           const struct trail *trail, struct differences *differences, size_t *badness)
{
  struct differences *out = m->out;
  struct trail step = { .parent = trail, .kind = TRAIL_INDEX, .of = list, .index = i };
  *differences = (struct differences) { .arena = m->match->arena };
  m->out = differences;
  m->rating = true;
  int answer = walk_any (m, pattern, &list->items[i], &step);
  m->rating = false;
  m->out = out;
  *badness = differences->count + differences->more + (pattern->type == list->items[i].type ? 0 : 1000);
  return answer;
}

/* No item matched: tells of the one that nearly did. */
static __attribute__ ((noinline)) int
differ_closest (struct matching *m, const struct value *pattern, const struct value *list,
                const struct trail *trail)
{
  if (m->rating || (pattern->type != VALUE_MAP && pattern->type != VALUE_LIST))
    return walk_differ (m, "an item ", pattern, list, trail, NULL);
  if (!walk_wanted (m))
    return MATCH_NO;
  struct differences best = { 0 };
  size_t least = SIZE_MAX;
  for (size_t i = 0; i < list->count && i < CLOSEST_OF; i++) {
    struct differences these;
    size_t badness;
    if (rate_item (m, pattern, list, i, trail, &these, &badness) == MATCH_WRONG)
      return MATCH_WRONG;
    if (badness < least) {
      least = badness;
      best = these;
    }
  }
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "none of %zu items matches ", list->count);
  difference_show (&text, pattern, false);
  for (size_t i = 0; i < best.count && i < 3; i++)
    buffer_printf (&text, "%s%s: %s", i ? "; " : "; closest: ", best.items[i].path, best.items[i].text);
  return walk_differ_text (m, pattern, trail, &text);
}

static int
text_contains (struct matching *m, const struct value *operand, const struct value *actual,
               const struct trail *trail)
{
  struct bytes bytes;
  if (operand->type != VALUE_STRING && !matcher_is_bytes (operand))
    return walk_differ (m, "a text with ", operand, actual, trail, "a text contains texts and bytes only");
  if (bytes_read (m, operand, trail, &bytes) == MATCH_WRONG)
    return MATCH_WRONG;
  size_t cost = bytes.mask ? actual->size / 16 * (bytes.size / 8 + 1) : actual->size / 64;
  if (!walk_spend (m, cost))
    return walk_too_much (m, operand, trail);
  return bytes_find (&bytes, actual) ? MATCH_YES : walk_differ (m, "a text with ", operand, actual, trail, NULL);
}

static int
list_contains (struct matching *m, const struct value *operand, const struct value *actual,
               const struct trail *trail)
{
  for (size_t i = 0; i < actual->count; i++) {
    struct trail step = { .parent = trail, .kind = TRAIL_INDEX, .of = actual, .index = i };
    int answer = walk_quietly (m, operand, &actual->items[i], &step);
    if (answer != MATCH_NO)
      return answer;
  }
  return differ_closest (m, operand, actual, trail);
}

static int
map_contains (struct matching *m, const struct value *operand, const struct value *actual,
              const struct trail *trail)
{
  size_t from = 0;
  if (operand->type != VALUE_STRING)
    return walk_differ (m, "a map with the key ", operand, actual, trail, "a map's keys are texts");
  if (value_find_from (actual, operand, &from, &m->work))
    return MATCH_YES;
  if (m->work == 0)
    return walk_too_much (m, operand, trail);
  return walk_differ (m, "a map with the key ", operand, actual, trail, NULL);
}

static int
match_contains (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
                const struct trail *trail)
{
  (void) matcher;
  switch (actual->type) {
  case VALUE_STRING:
    return text_contains (m, operand, actual, trail);
  case VALUE_LIST:
    return list_contains (m, operand, actual, trail);
  case VALUE_MAP:
    return map_contains (m, operand, actual, trail);
  default:
    return walk_differ (m, "something with ", operand, actual, trail, "contains nothing");
  }
}

static int
match_contains_all (struct matching *m, enum matcher matcher, const struct value *operand,
                    const struct value *actual,
                    const struct trail *trail)
{
  int sum = MATCH_YES;
  for (size_t i = 0; i < operand->count; i++)
    if (!walk_sum (m, &sum, match_contains (m, matcher, &operand->items[i], actual, trail)))
      break;
  return sum;
}

static int
match_each (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
            const struct trail *trail)
{
  (void) matcher;
  if (actual->type != VALUE_LIST && actual->type != VALUE_MAP)
    return walk_differ (m, "a list where each item is ", operand, actual, trail, "is no list");
  int sum = MATCH_YES;
  for (size_t i = 0; i < actual->count; i++) {
    bool list = actual->type == VALUE_LIST;
    struct trail step = { .parent = trail, .kind = list ? TRAIL_INDEX : TRAIL_NAME, .of = actual };
    if (list)
      step.index = i;
    else
      step.key = &actual->members[i].key;
    const struct value *item = list ? &actual->items[i] : &actual->members[i].value;
    if (!walk_sum (m, &sum, walk_any (m, operand, item, &step)))
      break;
  }
  return sum;
}

/* ---- any order ---- */

struct unordered {
  struct matching *m;
  const struct value *patterns, *items;
  const struct trail *trail;
  size_t *of_pattern, *of_item; /* partners; SIZE_MAX: none */
};

static int
fits (void *data, size_t pattern, size_t item)
{
  struct unordered *u = data;
  struct trail step = { .parent = u->trail, .kind = TRAIL_INDEX, .of = u->items, .index = item };
  return walk_quietly (u->m, &u->patterns->items[pattern], &u->items->items[item], &step);
}

static void
tell_alone (struct buffer *text, const char *what, const struct value *list, const size_t *partners)
{
  size_t told = 0, alone = 0;
  for (size_t i = 0; i < list->count; i++)
    alone += partners[i] == SIZE_MAX;
  for (size_t i = 0; i < list->count && told < 3; i++)
    if (partners[i] == SIZE_MAX) {
      buffer_printf (text, "%s [%zu] ", told ? "," : what, i);
      value_show (text, &list->items[i], DIFFERENCE_SHOW / 3);
      told++;
    }
  if (alone > told)
    buffer_printf (text, " and %zu more", alone - told);
}

static size_t
first_alone (const size_t *partners)
{
  size_t i = 0;
  while (partners[i] != SIZE_MAX)
    i++;
  return i;
}

static __attribute__ ((noinline)) int
differ_unordered (struct unordered *u, size_t pairs)
{
  struct matching *m = u->m;
  if (u->patterns->count == u->items->count
      && pairs + 1 == u->items->count) { /* they belong together: what differs? */
    size_t item = first_alone (u->of_item);
    struct trail step = { .parent = u->trail, .kind = TRAIL_INDEX, .of = u->items, .index = item };
    return walk_any (m, &u->patterns->items[first_alone (u->of_pattern)], &u->items->items[item], &step);
  }
  if (!walk_wanted (m))
    return MATCH_NO;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "expected %zu item%s in any order, got %zu", u->patterns->count, u->patterns->count == 1 ? "" : "s",
                 u->items->count);
  tell_alone (&text, "; no item for the patterns", u->patterns, u->of_pattern);
  tell_alone (&text, "; no pattern for the items", u->items, u->of_item);
  return walk_differ_text (m, u->patterns, u->trail, &text);
}

static int
match_unordered (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
                 const struct trail *trail)
{
  (void) matcher;
  if (actual->type != VALUE_LIST)
    return walk_differ (m, "a list, in any order, ", operand, actual, trail, "is no list");
  if (operand->count != actual->count && !m->out)
    return MATCH_NO;
  if (operand->count && actual->count > PAIRS / operand->count)
    return walk_too_much (m, operand, trail);
  CLEANUP_FREE size_t *of_pattern = xcalloc (operand->count, sizeof *of_pattern);
  CLEANUP_FREE size_t *of_item = xcalloc (actual->count, sizeof *of_item);
  struct unordered u = { m, operand, actual, trail, of_pattern, of_item };
  size_t pairs = pairing_largest (operand->count, actual->count, fits, &u, of_pattern, of_item);
  if (pairs == SIZE_MAX)
    return MATCH_WRONG;
  return pairs == operand->count && pairs == actual->count ? MATCH_YES : differ_unordered (&u, pairs);
}

/* ---- expressions ---- */

struct value_scope { const struct expr_scope *outer; const struct value *value; };

static const struct value *
look_up (void *data, const char *name, size_t size)
{
  const struct value_scope *scope = data;
  if (size == 5 && memcmp (name, "value", 5) == 0)
    return scope->value;
  return scope->outer && scope->outer->lookup ? scope->outer->lookup (scope->outer->data, name, size) : NULL;
}

static void
all_names (void *data, void (*each) (void *each_data, const char *name), void *each_data)
{
  const struct value_scope *scope = data;
  each (each_data, "value");
  if (scope->outer && scope->outer->names)
    scope->outer->names (scope->outer->data, each, each_data);
}

static __attribute__ ((noinline)) int
match_expr (struct matching *m, enum matcher matcher, const struct value *operand, const struct value *actual,
            const struct trail *trail)
{
  (void) matcher;
  if (!m->match->evaluator)
    return walk_wrong (m, operand, trail, "$expr cannot be used here");
  if (!walk_spend (m, 1000))
    return walk_too_much (m, operand, trail);
  const struct expr_scope *outer = m->match->scope;
  struct value_scope data = { outer, actual };
  struct expr_scope scope = { look_up, all_names, &data, outer ? outer->folder : NULL };
  struct expr_error error;
  bool holds = false;
  if (!evaluator_test (m->match->evaluator, operand, &scope, &holds, &error))
    return walk_wrong (m, operand, trail, "%s", error.message);
  return holds ? MATCH_YES : walk_differ (m, "a value that satisfies ", operand, actual, trail, NULL);
}

/* ---- all of them ---- */

static const struct {
  matcher_function *function;
  bool missing_too; /* it decides about what is not there */
} matchers[MATCHERS] = {
  [MATCHER_MATCHES] = { match_matches, false },
  [MATCHER_TYPE] = { match_type, false },
  [MATCHER_GT] = { match_order, false },
  [MATCHER_GE] = { match_order, false },
  [MATCHER_LT] = { match_order, false },
  [MATCHER_LE] = { match_order, false },
  [MATCHER_LENGTH] = { match_length, false },
  [MATCHER_CONTAINS] = { match_contains, false },
  [MATCHER_CONTAINS_ALL] = { match_contains_all, false },
  [MATCHER_EACH] = { match_each, false },
  [MATCHER_NOT] = { match_not, false }, /* {$not: 5} does not pass by accident where there is nothing */
  [MATCHER_ONE_OF] = { match_one_of, true },
  [MATCHER_ANY] = { match_any, false },
  [MATCHER_ABSENT] = { match_absent, true },
  [MATCHER_EXACT] = { match_exact, true },
  [MATCHER_UNORDERED] = { match_unordered, false },
  [MATCHER_NEAR] = { match_near, false },
  [MATCHER_STARTS_WITH] = { match_end, false },
  [MATCHER_ENDS_WITH] = { match_end, false },
  [MATCHER_EXPR] = { match_expr, false },
  [MATCHER_EQUALS] = { match_equals, false },
};

static __attribute__ ((noinline)) int
unknown (struct matching *m, const struct value *key, const struct trail *trail)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  matcher_unknown (&text, key);
  return walk_wrong (m, key, trail, "%s", buffer_text (&text));
}

/* `told`: that the value is missing has been said. */
static int
apply (struct matching *m, const struct value *pattern, const struct member *member, const struct value *actual,
       const struct trail *trail, bool *told)
{
  bool path = matcher_key_kind (&member->key) == KEY_PATH;
  enum matcher matcher = path ? MATCHERS : matcher_find (&member->key);
  if (!path && matcher == MATCHER_UNKNOWN)
    return unknown (m, &member->key, trail);
  const char *fault = path ? NULL : matcher_fault (matcher, &member->value, false);
  if (fault)
    return walk_wrong (m, &member->value, trail, "%s %s", match_names[matcher], fault);
  if (!actual && (path || !matchers[matcher].missing_too)) {
    int answer = *told ? MATCH_NO : walk_differ_missing (m, pattern, trail);
    *told = true;
    return answer;
  }
  return path ? walk_path (m, member, actual, trail)
              : matchers[matcher].function (m, matcher, &member->value, actual, trail);
}

int
walk_matchers (struct matching *m, const struct value *pattern, const struct value *actual,
               const struct trail *trail)
{
  bool exact = m->exact, told = false;
  int sum = MATCH_YES;
  for (size_t i = 0; i < pattern->count; i++) {
    m->exact = false;
    if (!walk_sum (m, &sum, apply (m, pattern, &pattern->members[i], actual, trail, &told)))
      break;
  }
  m->exact = exact;
  return sum;
}
