/* load-tell.c - see load-tell.h. */
#include "config.h"

#include "load-tell.h"

#define LONGEST ((size_t) 500)

static void
add_value (struct buffer *out, const struct value *value)
{
  if (!value_print (out, value))
    value_show (out, value, LONGEST);
}

void
load_tell_settings (const struct value *args, struct event_load *told, struct arena *arena)
{
  if (args->type != VALUE_MAP)
    return;
  told->settings = arena_array (arena, args->count + 1, sizeof *told->settings);
  for (size_t i = 0; i < args->count; i++) {
    const struct member *member = &args->members[i];
    if (value_is (&member->key, "steps") || value_is (&member->key, "require"))
      continue;
    CLEANUP_BUFFER struct buffer text = { 0 };
    add_value (&text, &member->value);
    told->settings[told->setting_count++] = (struct event_setting) {
      .name = arena_copy (arena, member->key.string, member->key.size),
      .value = arena_copy (arena, text.data ? text.data : "", text.size),
    };
  }
}

/* The sign of a matcher that compares; NULL: it is another one. */
static const char *
sign_of (const struct value *key)
{
  static const struct { const char *name, *sign; } matchers[] = {
    { "$lt", "< " }, { "$le", "≤ " }, { "$gt", "> " }, { "$ge", "≥ " }, { "$equals", "" },
  };
  for (size_t i = 0; i < sizeof matchers / sizeof *matchers; i++)
    if (value_is (key, matchers[i].name))
      return matchers[i].sign;
  return NULL;
}

const char *
load_tell_limit (const struct value *pattern, struct arena *arena)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  bool signs = pattern->type == VALUE_MAP && pattern->count;
  for (size_t i = 0; signs && i < pattern->count; i++)
    signs = sign_of (&pattern->members[i].key) != NULL;
  for (size_t i = 0; signs && i < pattern->count; i++) {
    buffer_puts (&text, i ? " and " : "");
    buffer_puts (&text, sign_of (&pattern->members[i].key));
    add_value (&text, &pattern->members[i].value);
  }
  if (!signs)
    add_value (&text, pattern);
  return arena_copy (arena, text.data ? text.data : "", text.size);
}
