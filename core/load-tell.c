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

const char *
load_tell_limit (const struct value *pattern, struct arena *arena)
{
  static const struct { const char *name, *sign; } matchers[] = {
    { "$lt", "< " }, { "$le", "≤ " }, { "$gt", "> " }, { "$ge", "≥ " }, { "$equals", "" },
  };
  CLEANUP_BUFFER struct buffer text = { 0 };
  bool one = pattern->type == VALUE_MAP && pattern->count == 1;
  for (size_t i = 0; one && i < sizeof matchers / sizeof *matchers; i++)
    if (value_is (&pattern->members[0].key, matchers[i].name)) {
      buffer_puts (&text, matchers[i].sign);
      pattern = &pattern->members[0].value;
      break;
    }
  add_value (&text, pattern);
  return arena_copy (arena, text.data ? text.data : "", text.size);
}
