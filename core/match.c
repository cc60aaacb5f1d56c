/* match.c - see match.h.
 *
 * One walk over pattern and value.  Differences are put into words only when someone
 * wants them; where only the answer counts (below $not, $one_of, $contains …) the walk
 * stops at the first. */
#include "config.h"

#include "match.h"

#include <string.h>

#include "difference.h"
#include "match-walk.h"
#include "path.h"

#define WORK ((size_t) 20 * 1000 * 1000) /* comparisons, about; up to a second */
#define NODE_WORK 16                     /* for what a path finds: it takes memory too */
#define DEPTH 100                        /* levels of the pattern: threads have small stacks */

bool
walk_spend (struct matching *m, size_t amount)
{
  bool enough = m->work > amount;
  m->work = enough ? m->work - amount : 0;
  return enough;
}

int
walk_quietly (struct matching *m, const struct value *pattern, const struct value *actual,
              const struct trail *trail)
{
  struct differences *out = m->out;
  m->out = NULL;
  int answer = walk_any (m, pattern, actual, trail);
  m->out = out;
  return answer;
}

bool
walk_sum (const struct matching *m, int *sum, int answer)
{
  if (answer == MATCH_WRONG || (answer == MATCH_NO && *sum == MATCH_YES))
    *sum = answer;
  return *sum == MATCH_YES || (*sum == MATCH_NO && m->out);
}

/* ---- scalars and lists ---- */

static int
match_scalar (struct matching *m, const struct value *pattern, const struct value *actual,
              const struct trail *trail)
{
  if (!actual)
    return walk_differ_missing (m, pattern, trail);
  if (pattern->type == VALUE_STRING && actual->type == VALUE_STRING && pattern->size == actual->size
      && !walk_spend (m, pattern->size / 64))
    return walk_too_much (m, pattern, trail);
  bool same = value_equal (pattern, actual) && !(m->exact && pattern->type != actual->type);
  return same ? MATCH_YES : walk_differ_values (m, pattern, actual, trail);
}

/* How many items match from the start, or from the end but not in the first `skip`. */
static int
matching_ends (struct matching *m, const struct value *pattern, const struct value *actual,
               const struct trail *trail,
               bool from_end, size_t skip, size_t *count)
{
  size_t least = pattern->count < actual->count ? pattern->count : actual->count;
  for (*count = 0; *count < least - skip; ++*count) {
    size_t i = from_end ? pattern->count - 1 - *count : *count;
    size_t j = from_end ? actual->count - 1 - *count : *count;
    struct trail step = { .parent = trail, .kind = TRAIL_INDEX, .of = actual, .index = j };
    int answer = walk_quietly (m, &pattern->items[i], &actual->items[j], &step);
    if (answer != MATCH_YES)
      return answer;
  }
  return MATCH_YES;
}

static void
tell_items (struct buffer *text, const char *what, const struct value *list, size_t from, size_t end)
{
  if (from == end)
    return;
  buffer_printf (text, "; %s", what);
  for (size_t i = from; i < end; i++) {
    buffer_printf (text, i > from ? ", [%zu] " : " [%zu] ", i);
    if (i - from == 3) {
      buffer_printf (text, "and %zu more", end - i - 1);
      break;
    }
    value_show (text, &list->items[i], DIFFERENCE_SHOW / 3);
  }
}

/* The lists have different lengths: which items are missing or too many. */
static __attribute__ ((noinline)) int
differ_lengths (struct matching *m, const struct value *pattern, const struct value *actual,
                const struct trail *trail)
{
  size_t start, end;
  if (!walk_wanted (m))
    return MATCH_NO;
  if (matching_ends (m, pattern, actual, trail, false, 0, &start) == MATCH_WRONG
      || matching_ends (m, pattern, actual, trail, true, start, &end) == MATCH_WRONG)
    return MATCH_WRONG;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "expected %zu item%s, got %zu", pattern->count, pattern->count == 1 ? "" : "s", actual->count);
  tell_items (&text, "missing", pattern, start, pattern->count - end);
  tell_items (&text, "extra", actual, start, actual->count - end);
  return walk_differ_text (m, pattern, trail, &text);
}

static int
match_list (struct matching *m, const struct value *pattern, const struct value *actual, const struct trail *trail)
{
  if (!actual)
    return walk_differ_missing (m, pattern, trail);
  if (actual->type != VALUE_LIST)
    return walk_differ_values (m, pattern, actual, trail);
  if (pattern->count != actual->count)
    return differ_lengths (m, pattern, actual, trail);
  int sum = MATCH_YES;
  for (size_t i = 0; i < pattern->count; i++) {
    struct trail step = { .parent = trail, .kind = TRAIL_INDEX, .of = actual, .index = i };
    if (!walk_sum (m, &sum, walk_any (m, &pattern->items[i], &actual->items[i], &step)))
      break;
  }
  return sum;
}

/* ---- paths ---- */

static bool
wants_absence (const struct value *pattern)
{
  return pattern->type == VALUE_MAP && value_get (pattern, match_names[MATCHER_ABSENT]);
}

/* The list of what was found, as a value. */
static int
match_nodes (struct matching *m, const struct value *key, const struct value *pattern, const struct value *actual,
             const struct value **nodes, size_t count, const struct trail *trail)
{
  struct trail step = { .parent = trail, .kind = TRAIL_NODES, .of = actual, .key = key, .nodes = nodes };
  if (count == 0 && wants_absence (pattern))
    return walk_any (m, pattern, NULL, &step);
  if (count > m->work / NODE_WORK || !walk_spend (m, count * NODE_WORK))
    return walk_too_much (m, key, trail);
  struct value *items = arena_array (m->match->arena, count, sizeof *items);
  for (size_t i = 0; i < count; i++)
    items[i] = *nodes[i];
  struct value list = { .type = VALUE_LIST, .count = count, .items = items };
  return walk_any (m, pattern, &list, &step);
}

/* The path of a key and the nodes it selects; NULL: wrong, which has been told. */
static __attribute__ ((noinline)) struct path *
select_nodes (struct matching *m, const struct value *key, const struct value *actual, const struct trail *trail,
              const struct value ***nodes, size_t *count)
{
  char error[200];
  struct path *path = path_compile (m->match->arena, key->string, key->size, error, sizeof error);
  if (!path) {
    walk_wrong (m, key, trail, "bad path %.100s: %s", key->string, error);
    return NULL;
  }
  *nodes = path_select_within (path, actual, m->match->arena, count, &m->work);
  if (*count != SIZE_MAX)
    return path;
  walk_too_much (m, key, trail);
  return NULL;
}

int
walk_path (struct matching *m, const struct member *member, const struct value *actual, const struct trail *trail)
{
  const struct value **nodes, *key = &member->key;
  size_t count;
  struct path *path = select_nodes (m, key, actual, trail, &nodes, &count);
  if (!path)
    return MATCH_WRONG;
  if (!path_singular (path))
    return match_nodes (m, key, &member->value, actual, nodes, count, trail);
  const struct value *node = count ? nodes[0] : NULL;
  struct trail step = { .parent = trail, .kind = TRAIL_FOUND, .of = actual, .key = key, .node = node };
  return walk_any (m, &member->value, node, &step);
}

/* ---- maps ---- */

/* What the keys of a pattern are; one of each kind, to name it. */
struct keys { const struct value *plain, *matcher, *path; };

static struct keys
look_at_keys (const struct value *pattern)
{
  struct keys keys = { NULL, NULL, NULL };
  for (size_t i = 0; i < pattern->count; i++) {
    const struct value *key = &pattern->members[i].key;
    enum key_kind kind = matcher_key_kind (key);
    if (kind == KEY_MATCHER)
      keys.matcher = key;
    else if (kind == KEY_PATH)
      keys.path = key;
    else
      keys.plain = key;
  }
  return keys;
}

static int
match_member (struct matching *m, const struct member *member, const struct value *actual, size_t *from,
              const struct trail *trail)
{
  enum key_kind kind = matcher_key_kind (&member->key);
  if (kind == KEY_PATH)
    return walk_path (m, member, actual, trail);
  struct value key = member->key;
  if (kind == KEY_ESCAPED) {
    key.string++;
    key.size--;
  }
  const struct value *found = value_find_from (actual, &key, from, &m->work);
  if (m->work == 0)
    return walk_too_much (m, &member->key, trail);
  struct trail step = { .parent = trail, .kind = TRAIL_NAME, .of = actual, .key = &key };
  return walk_any (m, &member->value, found, &step);
}

/* A key of the value that the pattern does not name. */
static __attribute__ ((noinline)) int
differ_extra (struct matching *m, const struct value *pattern, const struct member *extra,
              const struct value *actual, const struct trail *trail)
{
  if (!walk_wanted (m))
    return MATCH_NO;
  struct trail step = { .parent = trail, .kind = TRAIL_NAME, .of = actual, .key = &extra->key };
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_lit (&text, "expected no such key, got ");
  difference_show (&text, &extra->value, false);
  return walk_differ_text (m, pattern, &step, &text);
}

/* Does the pattern name this key? */
static bool
names_key (struct matching *m, const struct value *pattern, const struct value *actual, const struct value *key,
           size_t *from)
{
  struct value as = *pattern;
  as.flags = actual->flags & VALUE_CASELESS;
  if (key->size == 0 || key->string[0] != '$')
    return value_find_from (&as, key, from, &m->work) != NULL;
  char *escaped = arena_alloc (m->match->arena, key->size + 2);
  escaped[0] = '$';
  memcpy (escaped + 1, key->string, key->size);
  struct value doubled = value_text (escaped, key->size + 1);
  return value_find_from (&as, &doubled, from, &m->work) != NULL
         || (matcher_key_kind (key) == KEY_PLAIN && value_find_from (&as, key, from, &m->work) != NULL);
}

static int
match_no_more (struct matching *m, const struct value *pattern, const struct value *actual,
               const struct trail *trail)
{
  int sum = MATCH_YES;
  size_t from = 0;
  for (size_t i = 0; i < actual->count; i++) {
    bool named = names_key (m, pattern, actual, &actual->members[i].key, &from);
    if (m->work == 0)
      return walk_too_much (m, pattern, trail);
    if (!named && !walk_sum (m, &sum, differ_extra (m, pattern, &actual->members[i], actual, trail)))
      break;
  }
  return sum;
}

static int
match_members (struct matching *m, const struct value *pattern, const struct value *actual,
               const struct trail *trail)
{
  int sum = MATCH_YES;
  size_t from = 0;
  const struct member *members = pattern->members; /* NULL when there are none */
  for (size_t i = 0; members && i < pattern->count; i++)
    if (!walk_sum (m, &sum, match_member (m, &members[i], actual, &from, trail)))
      return sum;
  if (m->exact && actual->type == VALUE_MAP)
    walk_sum (m, &sum, match_no_more (m, pattern, actual, trail));
  return sum;
}

static int
match_map (struct matching *m, const struct value *pattern, const struct value *actual, const struct trail *trail)
{
  struct keys keys = look_at_keys (pattern);
  if (keys.matcher && keys.plain)
    return walk_wrong (m, keys.matcher, trail, MATCHER_MIXED, keys.matcher->string, keys.plain->string,
                       keys.matcher->string);
  if (keys.matcher)
    return walk_matchers (m, pattern, actual, trail);
  if (!actual)
    return walk_differ_missing (m, pattern, trail);
  if (actual->type == VALUE_STRING && matcher_is_bytes (pattern))
    return walk_bytes (m, pattern, actual, trail);
  if (actual->type != VALUE_MAP && (keys.plain || !keys.path))
    return walk_differ_values (m, pattern, actual, trail);
  return match_members (m, pattern, actual, trail);
}

int
walk_any (struct matching *m, const struct value *pattern, const struct value *actual, const struct trail *trail)
{
  int answer;
  if (!walk_spend (m, 1))
    return walk_too_much (m, pattern, trail);
  if (m->depth >= DEPTH)
    return walk_wrong (m, pattern, trail, "the pattern is nested too deeply");
  m->depth++;
  if (pattern->type == VALUE_MAP)
    answer = match_map (m, pattern, actual, trail);
  else if (pattern->type == VALUE_LIST)
    answer = match_list (m, pattern, actual, trail);
  else
    answer = match_scalar (m, pattern, actual, trail);
  m->depth--;
  return answer;
}

int
match_value (const struct match *match, const struct value *pattern, const struct value *actual,
             struct differences *differences)
{
  struct matching m = { .match = match, .all = differences, .out = differences, .work = WORK };
  struct trail root = { .kind = TRAIL_ROOT };
  return walk_any (&m, pattern, actual, &root);
}
