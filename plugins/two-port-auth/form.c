/* form.c - see form.h. */
#include "form.h"

#include <string.h>

#include "../common/utf8.h"

static int
hex_digit (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes in place; the text never gets longer.  Returns its size. */
static size_t
decode (char *text, size_t size)
{
  char *out = text;
  for (size_t i = 0; i < size; i++) {
    int high = -1, low = -1;
    if (text[i] == '%' && size - i > 2) {
      high = hex_digit (text[i + 1]);
      low = hex_digit (text[i + 2]);
    }
    if (high >= 0 && low >= 0) {
      *out++ = (char) (high << 4 | low);
      i += 2;
    } else
      *out++ = text[i] == '+' ? ' ' : text[i];
  }
  return (size_t) (out - text);
}

static void
keep_field (const char *name, size_t name_size, const char *text, size_t size, const char *const *names,
            struct form_field *fields)
{
  for (size_t i = 0; names[i]; i++)
    if (!fields[i].text && strlen (names[i]) == name_size && memcmp (names[i], name, name_size) == 0)
      fields[i] = (struct form_field) { text, size };
}

/* `NAME=VALUE`, or `NAME` alone, which has no value and is no field. */
static bool
parse_item (char *item, size_t size, const char *const *names, struct form_field *fields)
{
  char *equals = memchr (item, '=', size);
  size_t name_size = decode (item, equals ? (size_t) (equals - item) : size);
  if (!utf8_is_valid (item, name_size))
    return false;
  if (!equals)
    return true;
  char *text = equals + 1;
  size_t text_size = decode (text, (size_t) (item + size - text));
  keep_field (item, name_size, text, text_size, names, fields);
  return utf8_is_valid (text, text_size);
}

bool
form_parse (char *body, size_t size, const char *const *names, struct form_field *fields)
{
  for (size_t i = 0; names[i]; i++)
    fields[i] = (struct form_field) { NULL, 0 };
  if (size && body[size - 1] == '\n')
    size--;
  if (size && body[size - 1] == '\r')
    size--;
  if (!size)
    return true;
  if (!memchr (body, '=', size))
    return false;
  for (char *item = body, *limit = body + size; item <= limit;) {
    char *end = item < limit ? memchr (item, '&', (size_t) (limit - item)) : NULL;
    if (!end)
      end = limit;
    if (!parse_item (item, (size_t) (end - item), names, fields))
      return false;
    item = end + 1;
  }
  return true;
}
