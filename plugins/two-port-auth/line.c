/* line.c - see line.h. */
#include "line.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../common/utf8.h"

static bool
is_plain (uint32_t point, bool spaces)
{
  if (point < 0x20 || point == '\\' || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029)
    return false;
  return spaces || point != ' ';
}

static void
escape (struct bytes *out, uint32_t point)
{
  char text[16];
  if (point == '\\')
    bytes_puts (out, "\\\\");
  else if (point == '\n')
    bytes_puts (out, "\\n");
  else if (point == '\r')
    bytes_puts (out, "\\r");
  else if (point == '\t')
    bytes_puts (out, "\\t");
  else {
    snprintf (text, sizeof text, point < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned) point);
    bytes_puts (out, text);
  }
}

static void
add_escaped (struct bytes *out, const struct form_field *field, bool spaces)
{
  size_t done = 0;
  if (!field->size)
    return; /* it may have no text at all */
  for (size_t i = 0; i < field->size;) {
    uint32_t point = 0;
    size_t length = utf8_next (field->text + i, field->size - i, &point);
    if (length && is_plain (point, spaces)) {
      i += length;
      continue;
    }
    bytes_add (out, field->text + done, i - done);
    escape (out, length ? point : (uint8_t) field->text[i]); /* forms are UTF-8: there is always a length */
    i += length ? length : 1;
    done = i;
  }
  bytes_add (out, field->text + done, field->size - done);
}

void
line_write (struct bytes *out, const struct timespec *when, const struct form_field *message,
            const struct form_field *client, const struct form_field *server)
{
  bytes_puts (out, LINE_PREFIX);
  bytes_time (out, when);
  bytes_puts (out, ": [success] (");
  add_escaped (out, message, true);
  bytes_puts (out, ") ");
  add_escaped (out, client, false);
  bytes_puts (out, " ");
  add_escaped (out, server, false);
  bytes_puts (out, "\n");
}
