/* pyrepr.c - see pyrepr.h.  The rules are those of CPython's unicode_repr and bytes_repr. */
#include "pyrepr.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pyrepr-table.h"
#include "../common/utf8.h"

static bool
is_printable (uint32_t point)
{
  if (point < 0x80)
    return point >= 0x20 && point < 0x7f;
  size_t low = 0, high = sizeof not_printable / sizeof *not_printable;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (point > not_printable[middle][1])
      low = middle + 1;
    else if (point < not_printable[middle][0])
      high = middle;
    else
      return false;
  }
  return true;
}

static void
add_escape (struct bytes *out, uint32_t point)
{
  char text[12];
  if (point == '\t' || point == '\n' || point == '\r')
    snprintf (text, sizeof text, "\\%c", point == '\t' ? 't' : point == '\n' ? 'n' : 'r');
  else if (point < 0x100)
    snprintf (text, sizeof text, "\\x%02x", (unsigned) point);
  else if (point < 0x10000)
    snprintf (text, sizeof text, "\\u%04x", (unsigned) point);
  else
    snprintf (text, sizeof text, "\\U%08x", (unsigned) point);
  bytes_puts (out, text);
}

/* Single quotes, unless only the others save escapes. */
static char
choose_quote (const char *text, size_t size)
{
  return memchr (text, '\'', size) && !memchr (text, '"', size) ? '"' : '\'';
}

/* The characters, with `quote` (0: none) and then `\` escaped too. */
static void
add_characters (struct bytes *out, const char *text, size_t size, char quote)
{
  for (size_t i = 0, length; i < size; i += length) {
    uint32_t point;
    length = utf8_next (text + i, size - i, &point);
    if (!length) {
      length = 1;
      add_escape (out, (uint8_t) text[i]);
    } else if (!is_printable (point))
      add_escape (out, point);
    else {
      if (quote && (text[i] == quote || text[i] == '\\'))
        bytes_add (out, "\\", 1);
      bytes_add (out, text + i, length);
    }
  }
}

void
pyrepr_text (struct bytes *out, const char *text, size_t size)
{
  char quote = choose_quote (text, size);
  bytes_add (out, &quote, 1);
  add_characters (out, text, size, quote);
  bytes_add (out, &quote, 1);
}

void
pyrepr_line (struct bytes *out, const char *text, size_t size)
{
  add_characters (out, text, size, 0);
}

void
pyrepr_bytes (struct bytes *out, const void *data, size_t size)
{
  const char *text = data;
  char quote = choose_quote (text, size);
  bytes_add (out, "b", 1);
  bytes_add (out, &quote, 1);
  for (size_t i = 0; i < size; i++) {
    uint8_t byte = (uint8_t) text[i];
    if (byte < 0x20 || byte >= 0x7f)
      add_escape (out, byte);
    else {
      if (byte == (uint8_t) quote || byte == '\\')
        bytes_add (out, "\\", 1);
      bytes_add (out, &text[i], 1);
    }
  }
  bytes_add (out, &quote, 1);
}
