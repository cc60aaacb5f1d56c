/* match-bytes.c - strings held against bytes written in hex or base64. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "match-walk.h"
#include "units.h"

int
bytes_read (struct matching *m, const struct value *pattern, const struct trail *trail, struct bytes *out)
{
  if (pattern->type == VALUE_STRING) {
    *out = (struct bytes) { (const uint8_t *) pattern->string, NULL, pattern->size };
    return MATCH_YES;
  }
  bool hex = value_is (&pattern->members[0].key, "hex");
  const struct value *text = &pattern->members[0].value;
  if (text->type != VALUE_STRING)
    return walk_wrong (m, text, trail, "%s takes a text: write it in quotes", hex ? "hex" : "base64");
  uint8_t *data = NULL, *mask = NULL;
  size_t size = 0;
  if (!walk_spend (m, text->size / 8))
    return walk_too_much (m, text, trail);
  if (hex ? !parse_hex (m->match->arena, text->string, text->size, &data, &mask, &size)
          : !parse_base64 (m->match->arena, text->string, text->size, &data, &size))
    return walk_wrong (m, text, trail, hex ? "hex takes pairs of hexadecimal digits (. is any digit)"
                                      : "this is not base64");
  *out = (struct bytes) { data, mask, size };
  return MATCH_YES;
}

size_t
bytes_same (const struct bytes *pattern, const char *text)
{
  if (!pattern->mask && (pattern->size == 0 || memcmp (pattern->data, text, pattern->size) == 0))
    return pattern->size;
  for (size_t i = 0; i < pattern->size; i++) {
    uint8_t mask = pattern->mask ? pattern->mask[i] : 0xff;
    if (((uint8_t) text[i] & mask) != (pattern->data[i] & mask))
      return i;
  }
  return pattern->size;
}

bool
bytes_find (const struct bytes *pattern, const struct value *text)
{
  if (!pattern->mask)
    return memmem (text->string, text->size, pattern->data, pattern->size) != NULL;
  for (size_t i = 0; i + pattern->size <= text->size; i++)
    if (bytes_same (pattern, text->string + i) == pattern->size)
      return true;
  return false;
}

static void
show_hex (struct buffer *out, const uint8_t *data, const uint8_t *mask, size_t size, size_t at)
{
  size_t start = at > 8 ? at - 8 : 0, end = size - start > 24 ? start + 24 : size;
  buffer_puts (out, start ? "…" : "");
  for (size_t i = start; i < end; i++) {
    char digits[3];
    snprintf (digits, sizeof digits, "%02x", data[i]);
    digits[0] = !mask || mask[i] & 0xf0 ? digits[0] : '.';
    digits[1] = !mask || mask[i] & 0x0f ? digits[1] : '.';
    buffer_printf (out, i > start ? " %s" : "%s", digits);
  }
  buffer_puts (out, end < size ? "…" : "");
}

static __attribute__ ((noinline)) int
differ_bytes (struct matching *m, const struct value *pattern, const struct bytes *bytes,
              const struct value *actual, size_t at, const struct trail *trail)
{
  if (!walk_wanted (m))
    return MATCH_NO;
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (bytes->size != actual->size)
    buffer_printf (&text, "expected %zu bytes, got %zu; they differ", bytes->size, actual->size);
  else
    buffer_lit (&text, "differs");
  buffer_printf (&text, " at byte %zu (from 0): expected ", at);
  show_hex (&text, bytes->data, bytes->mask, bytes->size, at);
  buffer_lit (&text, ", got ");
  show_hex (&text, (const uint8_t *) actual->string, NULL, actual->size, at);
  return walk_differ_text (m, pattern, trail, &text);
}

int
walk_bytes (struct matching *m, const struct value *pattern, const struct value *actual, const struct trail *trail)
{
  struct bytes bytes = { 0 };
  if (bytes_read (m, pattern, trail, &bytes) != MATCH_YES)
    return MATCH_WRONG;
  if (!walk_spend (m, bytes.size / 8))
    return walk_too_much (m, pattern, trail);
  struct bytes common = bytes;
  if (common.size > actual->size)
    common.size = actual->size;
  size_t same = bytes_same (&common, actual->string);
  return bytes.size == actual->size && same == bytes.size ? MATCH_YES
                                                          : differ_bytes (m, pattern, &bytes, actual, same, trail);
}
