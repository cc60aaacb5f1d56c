/* out.c - see out.h; and the functions that read values for plugins. */
#include "config.h"

#include "out.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

void
out_init (struct runner_out *out, struct arena *arena)
{
  builder_init (&out->builder, arena);
  out->arena = out->lasting = arena;
  out->own = (struct arena) { 0 };
  out->open = out->broken = false;
}

void
out_free (struct runner_out *out)
{
  builder_free (&out->builder);
  arena_free (&out->own);
}

static void
begin (struct runner_out *out)
{
  if (!out->open) {
    out->broken |= !builder_open (&out->builder, (struct value) { .type = VALUE_MAP });
    out->open = true;
  }
}

static struct value
finish (struct runner_out *out)
{
  begin (out);
  while (out->builder.depth > 0 && !out->broken)
    out->broken |= !builder_close (&out->builder);
  return out->broken ? (struct value) { .type = VALUE_MAP } : builder_finish (&out->builder);
}

struct value
out_finish (struct runner_out *out)
{
  struct value value = finish (out);
  return out->arena == out->lasting ? value : value_copy (out->lasting, &value);
}

struct value
out_peek (struct runner_out *out)
{
  begin (out);
  if (out->broken || out->builder.depth != 1)
    return finish (out);
  /* closing and opening again would move the children: make the map aside */
  size_t n = out->builder.top / 2;
  struct member *members = arena_array (out->arena, n, sizeof *members);
  for (size_t i = 0; i < n; i++) {
    members[i].key = out->builder.stack[2 * i];
    members[i].value = out->builder.stack[2 * i + 1];
  }
  return (struct value) { .type = VALUE_MAP, .count = n, .members = members };
}

static void
put (struct runner_out *out, const char *key, struct value value)
{
  begin (out);
  if (key) {
    const char *copy = arena_strdup (out->arena, key);
    out->broken |= !builder_key (&out->builder, value_string (copy));
  }
  out->broken |= !builder_put (&out->builder, value);
}

static void
open_level (struct runner_out *out, const char *key, enum value_type type, uint8_t flags)
{
  begin (out);
  if (key)
    out->broken |= !builder_key (&out->builder, value_string (arena_strdup (out->arena, key)));
  out->broken |= !builder_open (&out->builder, (struct value) { .type = (uint8_t) type, .flags = flags });
}

void
runner_put_null (struct runner_out *out, const char *key)
{
  put (out, key, value_null);
}

void
runner_put_bool (struct runner_out *out, const char *key, int on)
{
  put (out, key, value_bool (on != 0));
}

void
runner_put_int (struct runner_out *out, const char *key, int64_t number)
{
  put (out, key, value_int (number));
}

void
runner_put_float (struct runner_out *out, const char *key, double number)
{
  put (out, key, value_float (number));
}

void
runner_put_text (struct runner_out *out, const char *key, const char *text, size_t size)
{
  put (out, key, value_text (arena_copy (out->arena, text, size), size));
}

void
runner_put_string (struct runner_out *out, const char *key, const char *text)
{
  if (text)
    runner_put_text (out, key, text, strlen (text));
  else
    runner_put_null (out, key);
}

void
runner_put_map (struct runner_out *out, const char *key)
{
  open_level (out, key, VALUE_MAP, 0);
}

void
runner_put_headers (struct runner_out *out, const char *key)
{
  open_level (out, key, VALUE_MAP, VALUE_CASELESS);
}

void
runner_put_list (struct runner_out *out, const char *key)
{
  open_level (out, key, VALUE_LIST, 0);
}

void
runner_put_end (struct runner_out *out)
{
  if (out->builder.depth <= 1)
    out->broken = true; /* the root is ours to close */
  else
    out->broken |= !builder_close (&out->builder);
}

void
runner_put_node (struct runner_out *out, const char *key, const struct runner_node *node)
{
  const struct value *value = (const struct value *) node;
  put (out, key, value ? value_copy (out->arena, value) : value_null);
}

int
runner_put_json (struct runner_out *out, const char *key, const char *text, size_t size, char *error,
                 size_t error_size)
{
  struct value value;
  char why[256];
  if (!json_parse (out->arena, text, size, &value, why, sizeof why)) {
    if (error)
      snprintf (error, error_size, "%s", why);
    return -1;
  }
  put (out, key, value);
  return 0;
}

/* Begins anew in an arena: `lasting` or `own`. */
static void
start_over (struct runner_out *out, struct arena *arena)
{
  builder_reset (&out->builder);
  out->arena = out->builder.arena = arena;
  out->open = out->broken = false;
}

void
out_reset (struct runner_out *out)
{
  start_over (out, out->lasting);
}

/* Who puts one message after the other for runner_result_holds may do so for ever: only the
 * first stays in the caller's arena, which most results never leave. */
void
runner_put_reset (struct runner_out *out)
{
  if (out->arena == &out->own)
    arena_reset (&out->own);
  start_over (out, out->open ? &out->own : out->arena);
}

/* ---- reading ---- */

static const struct value *
of (const struct runner_node *node)
{
  return node ? (const struct value *) node : &value_null;
}

int
runner_kind (const struct runner_node *node)
{
  return of (node)->type; /* enum runner_kind has the same order as enum value_type */
}

int64_t
runner_node_int (const struct runner_node *node)
{
  const struct value *value = of (node);
  return value->type == VALUE_INT ? value->integer : value->type == VALUE_BOOL ? value->boolean : 0;
}

double
runner_node_float (const struct runner_node *node)
{
  const struct value *value = of (node);
  return value->type == VALUE_FLOAT ? value->number : value->type == VALUE_INT ? (double) value->integer : 0;
}

const char *
runner_node_text (const struct runner_node *node, size_t *size)
{
  const struct value *value = of (node);
  if (size)
    *size = value->type == VALUE_STRING ? value->size : 0;
  return value->type == VALUE_STRING ? value->string : NULL;
}

size_t
runner_node_count (const struct runner_node *node)
{
  const struct value *value = of (node);
  return value->type == VALUE_LIST || value->type == VALUE_MAP ? value->count : 0;
}

const struct runner_node *
runner_node_at (const struct runner_node *node, size_t i)
{
  const struct value *value = of (node);
  if (i >= runner_node_count (node))
    return NULL;
  return (const struct runner_node *) (value->type == VALUE_LIST ? &value->items[i] : &value->members[i].value);
}

const char *
runner_node_key (const struct runner_node *node, size_t i, size_t *size)
{
  const struct value *value = of (node);
  if (value->type != VALUE_MAP || i >= value->count)
    return NULL;
  if (size)
    *size = value->members[i].key.size;
  return value->members[i].key.string;
}

const struct runner_node *
runner_node_get (const struct runner_node *node, const char *key)
{
  return (const struct runner_node *) value_get (of (node), key);
}
