/* value.c - see value.h. */
#include "config.h"

#include "value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

const struct value value_null = { .type = VALUE_NULL };

struct value
value_bool (bool on)
{
  return (struct value) { .type = VALUE_BOOL, .boolean = on };
}

struct value
value_int (int64_t number)
{
  return (struct value) { .type = VALUE_INT, .integer = number };
}

struct value
value_float (double number)
{
  return (struct value) { .type = VALUE_FLOAT, .number = number };
}

struct value
value_text (const char *text, size_t size)
{
  return (struct value) { .type = VALUE_STRING, .size = size, .string = text };
}

struct value
value_string (const char *text)
{
  return value_text (text, strlen (text));
}

const struct value *
value_find (const struct value *map, const char *key, size_t size)
{
  if (!map || map->type != VALUE_MAP)
    return NULL;
  bool caseless = map->flags & VALUE_CASELESS;
  for (size_t i = 0; i < map->count; i++) {
    const struct member *m = &map->members[i];
    if (m->key.size == size
        && (caseless ? strncasecmp (m->key.string, key, size) == 0 : memcmp (m->key.string, key, size) == 0))
      return &m->value;
  }
  return NULL;
}

static bool
same_key (const struct value *a, const struct value *b, bool caseless)
{
  return a->size == b->size
         && (caseless ? strncasecmp (a->string, b->string, a->size) == 0
             : memcmp (a->string, b->string, a->size) == 0);
}

const struct value *
value_find_from (const struct value *map, const struct value *key, size_t *from, size_t *work)
{
  if (map->type != VALUE_MAP || map->count == 0)
    return NULL;
  bool caseless = map->flags & VALUE_CASELESS;
  size_t at = *from < map->count ? *from : 0;
  for (size_t looks = 0; looks < map->count && *work > 0; looks++, --*work) {
    const struct member *m = &map->members[at];
    at = at + 1 < map->count ? at + 1 : 0;
    if (same_key (&m->key, key, caseless)) {
      *from = at;
      return &m->value;
    }
  }
  return NULL;
}

const struct value *
value_get (const struct value *map, const char *key)
{
  return value_find (map, key, strlen (key));
}

const char *
value_type_name (int type)
{
  static const char *const names[] = { "null", "boolean", "integer", "number", "string", "list", "map" };
  return type >= 0 && type < (int) (sizeof names / sizeof *names) ? names[type] : "unknown";
}

static bool
equal_numbers (const struct value *a, const struct value *b)
{
  if (a->type == VALUE_INT && b->type == VALUE_INT)
    return a->integer == b->integer;
  if (a->type == VALUE_FLOAT && b->type == VALUE_FLOAT)
    return a->number == b->number;
  int64_t integer = a->type == VALUE_INT ? a->integer : b->integer;
  double number = a->type == VALUE_INT ? b->number : a->number;
  /* exact: the double must be that integer, beyond 2^53 too */
  return number >= -0x1p63 && number < 0x1p63 && (int64_t) number == integer && (double) integer == number;
}

static bool
equal_maps (const struct value *a, const struct value *b)
{
  if (a->count != b->count)
    return false;
  for (size_t i = 0; i < a->count; i++) {
    const struct value *other = value_find (b, a->members[i].key.string, a->members[i].key.size);
    if (!other || !value_equal (&a->members[i].value, other))
      return false;
  }
  return true;
}

static bool
is_number (const struct value *value)
{
  return value->type == VALUE_INT || value->type == VALUE_FLOAT;
}

bool
value_equal (const struct value *a, const struct value *b)
{
  if (is_number (a) && is_number (b))
    return equal_numbers (a, b);
  if (a->type != b->type)
    return false;
  switch (a->type) {
  case VALUE_NULL:
    return true;
  case VALUE_BOOL:
    return a->boolean == b->boolean;
  case VALUE_STRING:
    return a->size == b->size && memcmp (a->string, b->string, a->size) == 0;
  case VALUE_LIST:
    if (a->count != b->count)
      return false;
    for (size_t i = 0; i < a->count; i++)
      if (!value_equal (&a->items[i], &b->items[i]))
        return false;
    return true;
  default:
    return equal_maps (a, b);
  }
}

static bool
spend (size_t *work, size_t amount)
{
  bool enough = *work > amount;
  *work = enough ? *work - amount : 0;
  return enough;
}

static int equal_within (const struct value *a, const struct value *b, bool strict, size_t *work, size_t depth);

static int
equal_lists_within (const struct value *a, const struct value *b, bool strict, size_t *work, size_t depth)
{
  for (size_t i = 0; i < a->count; i++) {
    int answer = equal_within (&a->items[i], &b->items[i], strict, work, depth);
    if (answer != 1)
      return answer;
  }
  return 1;
}

static int
equal_maps_within (const struct value *a, const struct value *b, bool strict, size_t *work, size_t depth)
{
  size_t from = 0;
  for (size_t i = 0; i < a->count; i++) {
    const struct value *other = value_find_from (b, &a->members[i].key, &from, work);
    if (!other)
      return *work ? 0 : -1;
    int answer = equal_within (&a->members[i].value, other, strict, work, depth);
    if (answer != 1)
      return answer;
  }
  return 1;
}

#define EQUAL_DEPTH 200

static int
equal_within (const struct value *a, const struct value *b, bool strict, size_t *work, size_t depth)
{
  if (!spend (work, 1))
    return -1;
  bool maps = a->type == VALUE_MAP && b->type == VALUE_MAP, lists = a->type == VALUE_LIST && b->type == VALUE_LIST;
  if (maps || lists) {
    if (a->count != b->count)
      return 0;
    if (depth >= EQUAL_DEPTH)
      return -1;
    return maps ? equal_maps_within (a, b, strict, work, depth + 1)
           : equal_lists_within (a, b, strict, work, depth + 1);
  }
  if (strict && a->type != b->type)
    return 0;
  if (a->type == VALUE_STRING && b->type == VALUE_STRING && a->size == b->size && !spend (work, a->size / 64))
    return -1;
  return value_equal (a, b);
}

int
value_equal_within (const struct value *a, const struct value *b, bool strict, size_t *work)
{
  return equal_within (a, b, strict, work, 0);
}

static enum value_order
order_of (double difference)
{
  return difference < 0 ? VALUE_LESS : difference > 0 ? VALUE_MORE : VALUE_SAME;
}

/* An integer and a double: exact where the double of the integer would be rounded. */
static enum value_order
compare_mixed (int64_t integer, double number)
{
  if (isnan (number))
    return VALUE_UNORDERED;
  if (number >= 0x1p63)
    return VALUE_LESS;
  if (number < -0x1p63)
    return VALUE_MORE;
  int64_t whole = (int64_t) number; /* towards zero */
  if (integer != whole)
    return integer < whole ? VALUE_LESS : VALUE_MORE;
  return order_of ((double) whole - number);
}

enum value_order
value_compare_numbers (const struct value *a, const struct value *b)
{
  if (!is_number (a) || !is_number (b))
    return VALUE_UNORDERED;
  if (a->type == VALUE_INT && b->type == VALUE_INT)
    return a->integer < b->integer ? VALUE_LESS : a->integer > b->integer ? VALUE_MORE : VALUE_SAME;
  if (a->type == VALUE_INT)
    return compare_mixed (a->integer, b->number);
  if (b->type == VALUE_INT) {
    enum value_order order = compare_mixed (b->integer, a->number);
    return order == VALUE_UNORDERED ? order : (enum value_order) -(int) order;
  }
  if (isnan (a->number) || isnan (b->number))
    return VALUE_UNORDERED;
  return a->number < b->number ? VALUE_LESS : a->number > b->number ? VALUE_MORE : VALUE_SAME;
}

bool
value_is (const struct value *value, const char *text)
{
  if (value->type != VALUE_STRING || (value->size && *value->string != *text)) /* mostly it is another one */
    return false;
  size_t size = strlen (text);
  return value->size == size && memcmp (value->string, text, size) == 0;
}

struct value
value_copy (struct arena *arena, const struct value *value)
{
  struct value copy = *value;
  switch (value->type) {
  case VALUE_STRING:
    copy.string = arena_copy (arena, value->string, value->size);
    break;
  case VALUE_LIST: {
    struct value *items = arena_array (arena, value->count, sizeof *items);
    for (size_t i = 0; i < value->count; i++)
      items[i] = value_copy (arena, &value->items[i]);
    copy.items = items;
    break;
  }
  case VALUE_MAP: {
    struct member *members = arena_array (arena, value->count, sizeof *members);
    for (size_t i = 0; i < value->count; i++) {
      members[i].key = value_copy (arena, &value->members[i].key);
      members[i].value = value_copy (arena, &value->members[i].value);
    }
    copy.members = members;
    break;
  }
  default:
    break;
  }
  return copy;
}

bool
value_print (struct buffer *out, const struct value *scalar)
{
  switch (scalar->type) {
  case VALUE_NULL:
    buffer_lit (out, "null");
    return true;
  case VALUE_BOOL:
    buffer_puts (out, scalar->boolean ? "true" : "false");
    return true;
  case VALUE_INT:
    buffer_int (out, scalar->integer);
    return true;
  case VALUE_FLOAT:
    if (scalar->number == floor (scalar->number) && fabs (scalar->number) < 0x1p63)
      buffer_int (out, (int64_t) scalar->number);
    else
      buffer_float (out, scalar->number);
    return true;
  case VALUE_STRING:
    buffer_add (out, scalar->string, scalar->size);
    return true;
  default:
    return false;
  }
}

static void
show (struct buffer *out, const struct value *value, size_t end)
{
  if (out->size >= end) {
    buffer_lit (out, "…");
    return;
  }
  switch (value->type) {
  case VALUE_STRING:
    text_quote (out, value->string, value->size, end - out->size);
    break;
  case VALUE_FLOAT:
    buffer_float (out, value->number);
    break;
  case VALUE_LIST:
    buffer_putc (out, '[');
    for (size_t i = 0; i < value->count && (i == 0 || out->size < end); i++) {
      if (i)
        buffer_lit (out, ", ");
      show (out, &value->items[i], end);
    }
    buffer_putc (out, ']');
    break;
  case VALUE_MAP:
    buffer_putc (out, '{');
    for (size_t i = 0; i < value->count && (i == 0 || out->size < end); i++) {
      if (i)
        buffer_lit (out, ", ");
      text_quote (out, value->members[i].key.string, value->members[i].key.size, 256);
      buffer_lit (out, ": ");
      show (out, &value->members[i].value, end);
    }
    buffer_putc (out, '}');
    break;
  default:
    value_print (out, value);
  }
}

void
value_show (struct buffer *out, const struct value *value, size_t limit)
{
  show (out, value, out->size + limit);
}

/* ---- building ---- */

struct builder_level {
  struct value head; /* type, flags and place of the list or map */
  size_t base;       /* where its children begin in the stack */
};

void
builder_init (struct builder *builder, struct arena *arena)
{
  *builder = (struct builder) { .arena = arena };
}

void
builder_reset (struct builder *builder)
{
  builder->depth = 0;
  builder->top = 0;
  builder->done = false;
  builder->result = value_null;
}

void
builder_free (struct builder *builder)
{
  free (builder->levels);
  free (builder->stack);
  *builder = (struct builder) { 0 };
}

static void
push (struct builder *builder, const struct value *value)
{
  if (builder->top == builder->stack_room) {
    builder->stack_room = builder->stack_room ? builder->stack_room * 2 : 32;
    builder->stack = xrealloc (builder->stack, builder->stack_room, sizeof *builder->stack);
  }
  builder->stack[builder->top++] = *value;
}

static struct builder_level *
innermost (struct builder *builder)
{
  return builder->depth ? &builder->levels[builder->depth - 1] : NULL;
}

/* In a map, is it a key's turn? */
static bool
wants_key (struct builder *builder)
{
  struct builder_level *level = innermost (builder);
  return level && level->head.type == VALUE_MAP && (builder->top - level->base) % 2 == 0;
}

bool
builder_key (struct builder *builder, struct value key)
{
  if (!wants_key (builder) || key.type != VALUE_STRING)
    return false;
  if (key.flags & VALUE_DYNAMIC)
    innermost (builder)->head.flags |= VALUE_DYNAMIC;
  push (builder, &key);
  return true;
}

bool
builder_put (struct builder *builder, struct value value)
{
  if (builder->done || wants_key (builder))
    return false;
  struct builder_level *level = innermost (builder);
  if (!level) {
    builder->result = value;
    builder->done = true;
    return true;
  }
  if (value.flags & VALUE_DYNAMIC)
    level->head.flags |= VALUE_DYNAMIC;
  push (builder, &value);
  return true;
}

bool
builder_open (struct builder *builder, struct value list_or_map)
{
  if (builder->done || wants_key (builder) || builder->depth >= BUILDER_DEPTH)
    return false;
  if (builder->depth == builder->room) {
    builder->room = builder->room ? builder->room * 2 : 8;
    builder->levels = xrealloc (builder->levels, builder->room, sizeof *builder->levels);
  }
  builder->levels[builder->depth++] = (struct builder_level) { .head = list_or_map, .base = builder->top };
  return true;
}

bool
builder_close (struct builder *builder)
{
  struct builder_level *level = innermost (builder);
  if (!level)
    return false;
  struct value value = level->head;
  size_t n = builder->top - level->base;
  const struct value *children = n ? builder->stack + level->base : NULL;
  if (value.type == VALUE_MAP) {
    if (n % 2)
      return false;
    struct member *members = arena_array (builder->arena, n / 2, sizeof *members);
    for (size_t i = 0; i < n / 2; i++) {
      members[i].key = children[2 * i];
      members[i].value = children[2 * i + 1];
    }
    value.count = n / 2;
    value.members = members;
  }
  else {
    struct value *items = arena_array (builder->arena, n, sizeof *items);
    if (n)
      memcpy (items, children, n * sizeof *items);
    value.count = n;
    value.items = items;
  }
  builder->top = level->base;
  builder->depth--;
  return builder_put (builder, value);
}

const struct value *
builder_last (const struct builder *builder)
{
  return builder->depth ? &builder->stack[builder->top - 1] : &builder->result;
}

const struct value *
builder_children (const struct builder *builder, size_t *count)
{
  size_t base = builder->levels[builder->depth - 1].base;
  *count = builder->top - base;
  return *count ? builder->stack + base : NULL;
}

void
builder_truncate (struct builder *builder, size_t count)
{
  builder->top = builder->levels[builder->depth - 1].base + count;
}

struct value
builder_finish (struct builder *builder)
{
  return builder->done ? builder->result : value_null;
}
