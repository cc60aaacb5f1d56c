/* path-select.c - what a path selects in a value.
 *
 * A walk depth first, which gives the RFC's order (2.1.2) without lists in between, and
 * lets tests of existence stop at the first node. */
#include "config.h"

#include <string.h>

#include "path-tree.h"
#include "regexp.h"
#include "text.h"

#define VISITS ((size_t) 10 * 1000 * 1000)
#define FOUND_WORK 4    /* visits that one found node counts for: it takes memory */
#define DEPTH_LIMIT 200 /* calls below each other: threads have small stacks */

void *
path_room_for_one (struct arena *arena, void *items, size_t n, size_t size)
{
  if (n != 0 && (n & (n - 1)) != 0)
    return items;
  void *more = arena_array (arena, n ? n * 2 : 1, size);
  if (n)
    memcpy (more, items, n * size);
  return more;
}

struct selection {
  const struct value *root;
  struct arena *arena;
  size_t *work;  /* what may still be visited; shared with the filters' selections */
  size_t *depth; /* calls below each other, likewise */
  bool *given_up;
  size_t most;   /* stop when so many are found */
  bool collect;  /* into items; else only the first is kept */
  const struct value **items, *first;
  size_t count;
};

static bool test (struct selection *s, const struct filter *filter, const struct value *current);

/* False: it is over, since enough is found or too much was done. */
static bool
spend (struct selection *s, size_t work)
{
  if (*s->work < work) {
    *s->work = 0;
    *s->given_up = true;
  }
  else
    *s->work -= work;
  return !*s->given_up;
}

static bool
found (struct selection *s, const struct value *node)
{
  if (s->count == 0)
    s->first = node;
  if (s->collect) {
    if (!spend (s, FOUND_WORK))
      return false;
    s->items = path_room_for_one (s->arena, s->items, s->count, sizeof *s->items);
    s->items[s->count] = node;
  }
  return ++s->count < s->most;
}

static bool walk (struct selection *s, const struct segment *segments, size_t n, const struct value *node);

static size_t
children (const struct value *node)
{
  return node->type == VALUE_LIST || node->type == VALUE_MAP ? node->count : 0;
}

static const struct value *
child (const struct value *node, size_t i)
{
  return node->type == VALUE_LIST ? &node->items[i] : &node->members[i].value;
}

/* RFC 9535, 2.3.4.2.2 */
static int64_t
bounded (int64_t n, int64_t least, int64_t most)
{
  return n < least ? least : n > most ? most : n;
}

static bool
walk_slice (struct selection *s, const struct slice *slice, const struct segment *rest, size_t n,
            const struct value *node)
{
  if (node->type != VALUE_LIST || slice->step == 0)
    return true;
  int64_t count = (int64_t) node->count, step = slice->step;
  int64_t start = slice->has_start ? slice->start : step > 0 ? 0 : count - 1;
  int64_t end = slice->has_end ? slice->end : step > 0 ? count : -count - 1;
  start = start < 0 ? start + count : start;
  end = end < 0 ? end + count : end;
  if (step > 0) {
    end = bounded (end, 0, count);
    for (int64_t i = bounded (start, 0, count); i < end; i += step)
      if (!walk (s, rest, n, &node->items[i]))
        return false;
  }
  else {
    end = bounded (end, -1, count - 1);
    for (int64_t i = bounded (start, -1, count - 1); i > end; i += step)
      if (!walk (s, rest, n, &node->items[i]))
        return false;
  }
  return true;
}

static bool
walk_children (struct selection *s, const struct selector *selector, const struct segment *rest, size_t n,
               const struct value *node)
{
  size_t count = children (node);
  for (size_t i = 0; i < count; i++) {
    const struct value *next = child (node, i);
    if (selector->kind == SELECT_FILTER && !test (s, selector->filter, next)) {
      if (*s->given_up)
        return false;
      continue;
    }
    if (!walk (s, rest, n, next))
      return false;
  }
  return true;
}

static bool
walk_selector (struct selection *s, const struct selector *selector, const struct segment *rest, size_t n,
               const struct value *node)
{
  const struct value *next = NULL;
  switch (selector->kind) {
  case SELECT_NAME:
    if (node->type == VALUE_MAP && spend (s, node->count / 16))
      next = value_find (node, selector->name, selector->size);
    break;
  case SELECT_INDEX:
    if (node->type == VALUE_LIST) {
      int64_t i = selector->index < 0 ? selector->index + (int64_t) node->count : selector->index;
      if (i >= 0 && i < (int64_t) node->count)
        next = &node->items[i];
    }
    break;
  case SELECT_SLICE:
    return walk_slice (s, &selector->slice, rest, n, node);
  default:
    return walk_children (s, selector, rest, n, node);
  }
  return next ? walk (s, rest, n, next) : !*s->given_up;
}

/* One segment on one node, and below it too if the segment descends; in this
 * order: RFC 9535, 2.5.2.2. */
static bool
walk_segment (struct selection *s, const struct segment *segments, size_t n, const struct value *node)
{
  if (!spend (s, 1))
    return false;
  if (*s->depth >= DEPTH_LIMIT) {
    *s->given_up = true;
    return false;
  }
  bool on = true;
  ++*s->depth;
  for (size_t i = 0; on && i < segments->count; i++)
    on = walk_selector (s, &segments->selectors[i], segments + 1, n - 1, node);
  if (segments->descend) {
    size_t count = children (node);
    for (size_t i = 0; on && i < count; i++)
      on = walk_segment (s, segments, n, child (node, i));
  }
  --*s->depth;
  return on;
}

static bool
walk (struct selection *s, const struct segment *segments, size_t n, const struct value *node)
{
  if (n == 0)
    return spend (s, 1) && found (s, node);
  return walk_segment (s, segments, n, node);
}

/* ---- filters ---- */

/* Follows a path in a filter: how many nodes there are (up to `most`), and the first. */
static size_t
select_inside (struct selection *s, const struct path *path, const struct value *current, size_t most,
               const struct value **first)
{
  struct selection inner = *s;
  inner.most = most;
  inner.collect = false;
  inner.first = NULL;
  inner.count = 0;
  walk (&inner, path->segments, path->count, path->relative ? current : s->root);
  *first = inner.first;
  return inner.count;
}

static const struct value *operand_value (struct selection *s, const struct operand *operand,
                                          const struct value *current, struct value *room);

/* I-Regexp's dot is any character but line ends (RFC 9485, 5.3); match() wants
 * the whole text. */
static void
translate_regex (struct buffer *out, const char *regex, size_t size, bool whole)
{
  bool in_class = false;
  if (whole)
    buffer_lit (out, "\\A(?:");
  for (size_t i = 0; i < size; i++) {
    if (regex[i] == '\\' && i + 1 < size) {
      buffer_add (out, regex + i++, 2);
      continue;
    }
    if (regex[i] == '[')
      in_class = true;
    else if (regex[i] == ']')
      in_class = false;
    if (regex[i] == '.' && !in_class)
      buffer_lit (out, "[^\\n\\r]");
    else
      buffer_putc (out, regex[i]);
  }
  if (whole)
    buffer_lit (out, ")\\z");
}

/* An expression that cannot be used matches nothing: RFC 9535, 2.4.6. */
static bool
match_function (struct selection *s, const struct operand *call, const struct value *current)
{
  struct value rooms[2];
  const struct value *text = operand_value (s, &call->arguments[0], current, &rooms[0]);
  const struct value *regex = operand_value (s, &call->arguments[1], current, &rooms[1]);
  if (!text || !regex || text->type != VALUE_STRING || regex->type != VALUE_STRING
      || !spend (s, 20 + text->size / 8 + regex->size))
    return false;
  CLEANUP_BUFFER struct buffer translated = { 0 };
  translate_regex (&translated, regex->string, regex->size, call->function == FUNCTION_MATCH);
  buffer_text (&translated);
  char error[8];
  return regex_search (translated.data, translated.size, text->string, text->size, NULL, 0, NULL, error,
                       sizeof error)
         == REGEX_YES;
}

static const struct value *
length_function (struct selection *s, const struct operand *call, const struct value *current, struct value *room)
{
  const struct value *of = operand_value (s, &call->arguments[0], current, room);
  if (!of || (of->type != VALUE_STRING && of->type != VALUE_LIST && of->type != VALUE_MAP)
      || (of->type == VALUE_STRING && !spend (s, of->size / 64)))
    return NULL;
  *room = value_int ((int64_t) (of->type == VALUE_STRING ? utf8_count (of->string, of->size) : of->count));
  return room;
}

static const struct value *
value_function (struct selection *s, const struct operand *call, const struct value *current, struct value *room)
{
  const struct value *first;
  switch (call->function) {
  case FUNCTION_LENGTH:
    return length_function (s, call, current, room);
  case FUNCTION_COUNT:
    *room = value_int ((int64_t) select_inside (s, call->arguments[0].path, current, SIZE_MAX, &first));
    return room;
  case FUNCTION_VALUE:
    return select_inside (s, call->arguments[0].path, current, 2, &first) == 1 ? first : NULL;
  default:
    return NULL;
  }
}

/* NULL is the RFC's Nothing. */
static const struct value *
operand_value (struct selection *s, const struct operand *operand, const struct value *current, struct value *room)
{
  const struct value *first;
  switch (operand->kind) {
  case OPERAND_LITERAL:
    return &operand->literal;
  case OPERAND_PATH:
    select_inside (s, operand->path, current, 1, &first);
    return first;
  default:
    return value_function (s, operand, current, room);
  }
}

static bool
equal (struct selection *s, const struct value *a, const struct value *b)
{
  if (!a || !b)
    return !a && !b;
  int answer = value_equal_within (a, b, false, s->work);
  if (answer < 0)
    *s->given_up = true;
  return answer > 0;
}

/* Numbers with numbers and strings with strings: RFC 9535, 2.3.5.2.2. */
static bool
less (struct selection *s, const struct value *a, const struct value *b)
{
  if (!a || !b)
    return false;
  if (a->type == VALUE_STRING && b->type == VALUE_STRING) {
    size_t common = a->size < b->size ? a->size : b->size;
    if (!spend (s, common / 64))
      return false;
    int order = memcmp (a->string, b->string, common);
    return order < 0 || (order == 0 && a->size < b->size);
  }
  return value_compare_numbers (a, b) == VALUE_LESS;
}

static bool
compare (struct selection *s, const struct filter *filter, const struct value *current)
{
  struct value rooms[2];
  const struct value *a = operand_value (s, &filter->a, current, &rooms[0]);
  const struct value *b = operand_value (s, &filter->b, current, &rooms[1]);
  switch (filter->comparison) {
  case COMPARE_EQ:
    return equal (s, a, b);
  case COMPARE_NE:
    return !equal (s, a, b);
  case COMPARE_LT:
    return less (s, a, b);
  case COMPARE_GT:
    return less (s, b, a);
  case COMPARE_LE:
    return less (s, a, b) || equal (s, a, b);
  default:
    return less (s, b, a) || equal (s, a, b);
  }
}

static bool
test_inside (struct selection *s, const struct filter *filter, const struct value *current)
{
  const struct value *first;
  switch (filter->kind) {
  case FILTER_OR:
    return test (s, filter->left, current) || test (s, filter->right, current);
  case FILTER_AND:
    return test (s, filter->left, current) && test (s, filter->right, current);
  case FILTER_NOT:
    return !test (s, filter->left, current);
  case FILTER_COMPARE:
    return compare (s, filter, current);
  case FILTER_EXISTS:
    return select_inside (s, filter->a.path, current, 1, &first) > 0;
  default:
    return match_function (s, &filter->a, current);
  }
}

static bool
test (struct selection *s, const struct filter *filter, const struct value *current)
{
  if (*s->depth >= DEPTH_LIMIT)
    *s->given_up = true;
  if (!spend (s, 1))
    return false;
  ++*s->depth;
  bool holds = test_inside (s, filter, current);
  --*s->depth;
  return holds && !*s->given_up;
}

const struct value **
path_select (const struct path *path, const struct value *root, struct arena *arena, size_t *count)
{
  size_t work = VISITS;
  return path_select_within (path, root, arena, count, &work);
}

const struct value **
path_select_within (const struct path *path, const struct value *root, struct arena *arena, size_t *count,
                    size_t *work)
{
  size_t allowed = *work < VISITS ? *work : VISITS, left = allowed, depth = 0;
  bool given_up = false;
  struct selection s = { .root = root, .arena = arena, .work = &left, .depth = &depth, .given_up = &given_up,
                         .most = SIZE_MAX, .collect = true };
  walk (&s, path->segments, path->count, root);
  *work -= allowed - left;
  *count = given_up ? SIZE_MAX : s.count;
  return given_up ? NULL : s.items;
}
