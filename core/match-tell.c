/* match-tell.c - differences put into words, when someone wants them. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "difference.h"
#include "match-walk.h"
#include "text.h"

#define PATH_SHOW 500
#define KEYS_TOLD 30 /* of a map without the one that is wanted */

static void
add_difference (struct differences *to, const struct trail *trail, const struct value *where, const char *text,
                size_t size)
{
  if (to->count == to->room) {
    size_t room = to->room ? to->room * 2 : 4;
    struct difference *items = arena_array (to->arena, room, sizeof *items);
    if (to->count)
      memcpy (items, to->items, to->count * sizeof *items);
    to->items = items;
    to->room = room;
  }
  CLEANUP_BUFFER struct buffer path = { 0 };
  trail_print (&path, trail, PATH_SHOW);
  to->items[to->count++] = (struct difference) {
    .path = arena_copy (to->arena, path.data, path.size),
    .text = arena_copy (to->arena, text, size),
    .where = *where,
  };
}

bool
walk_wanted (struct matching *m)
{
  if (!m->out)
    return false;
  if (m->out->count < DIFFERENCES)
    return true;
  m->out->more++;
  return false;
}

int
walk_differ_text (struct matching *m, const struct value *where, const struct trail *trail,
                  const struct buffer *text)
{
  add_difference (m->out, trail, where, text->data, text->size);
  return MATCH_NO;
}

int
walk_wrong (struct matching *m, const struct value *where, const struct trail *trail, const char *fmt, ...)
{
  if (m->all) {
    CLEANUP_BUFFER struct buffer text = { 0 };
    va_list args;
    va_start (args, fmt);
    buffer_vprintf (&text, fmt, args);
    va_end (args);
    m->all->count = m->all->more = 0;
    add_difference (m->all, trail, where, text.data, text.size);
  }
  return MATCH_WRONG;
}

int
walk_too_much (struct matching *m, const struct value *where, const struct trail *trail)
{
  m->work = 0;
  return walk_wrong (m, where, trail, "too much to compare");
}

/* Plugins say by KEY_error why there is no KEY. */
static const struct value *
reason_for_absence (const struct value *map, const struct value *key)
{
  char name[100];
  int n = snprintf (name, sizeof name, "%.80s_error", key->string);
  const struct value *reason = value_find (map, name, (size_t) n);
  return reason && reason->type == VALUE_STRING ? reason : NULL;
}

/* The keys that are there, when one is not. */
static void
tell_keys (struct buffer *text, const struct value *map, const struct value *key)
{
  const char *best = NULL;
  const struct value *reason = reason_for_absence (map, key);
  if (reason) {
    buffer_printf (text, ": %.80s_error says ", key->string);
    text_quote (text, reason->string, reason->size, 200);
  }
  size_t distance = 0;
  for (size_t i = 0; i < map->count && i < 1000 && !reason; i++)
    text_nearest (key->string, map->members[i].key.string, &best, &distance);
  if (best) {
    buffer_lit (text, "; did you mean ");
    text_quote (text, best, strlen (best), 100);
    buffer_lit (text, "?");
    return;
  }
  buffer_puts (text, map->count ? " (there are: " : " (the map is empty)");
  for (size_t i = 0; i < map->count; i++) {
    buffer_puts (text, i ? ", " : "");
    if (i == KEYS_TOLD) {
      buffer_printf (text, "and %zu more", map->count - i);
      break;
    }
    text_quote (text, map->members[i].key.string, map->members[i].key.size, 60);
  }
  buffer_puts (text, map->count ? ")" : "");
}

int
walk_differ_missing (struct matching *m, const struct value *pattern, const struct trail *trail)
{
  if (!walk_wanted (m))
    return MATCH_NO;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_lit (&text, "expected ");
  difference_show (&text, pattern, false);
  if (trail->kind == TRAIL_NAME) {
    buffer_lit (&text, ", but there is no such key");
    tell_keys (&text, trail->of, trail->key);
  }
  else
    buffer_lit (&text, ", but there is nothing");
  return walk_differ_text (m, pattern, trail, &text);
}

int
walk_differ_values (struct matching *m, const struct value *pattern, const struct value *actual,
                    const struct trail *trail)
{
  if (!walk_wanted (m))
    return MATCH_NO;
  CLEANUP_BUFFER struct buffer text = { 0 };
  difference_values (&text, pattern, actual);
  return walk_differ_text (m, pattern, trail, &text);
}

int
walk_differ (struct matching *m, const char *what, const struct value *operand, const struct value *actual,
        const struct trail *trail, const char *why)
{
  if (!actual)
    return walk_differ_missing (m, operand, trail);
  if (!walk_wanted (m))
    return MATCH_NO;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "expected %s", what);
  difference_show (&text, operand, false);
  buffer_lit (&text, ", got ");
  difference_show (&text, actual, false);
  if (why)
    buffer_printf (&text, " (%s)", why);
  return walk_differ_text (m, operand, trail, &text);
}
