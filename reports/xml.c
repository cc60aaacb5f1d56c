/* xml.c - see xml.h.  libxml2's xmlTextWriter takes 0.5 µs for a passed test case,
 * this 0.25 µs with all that belongs to it; and it lets through what XML forbids. */
#include "config.h"

#include "xml.h"

#include <stdbool.h>
#include <strings.h>

#include "text.h"

/* What may stand everywhere as it is. */
static inline bool
is_plain (unsigned char c)
{
  return c >= 0x20 && c < 0x7f && c != '<' && c != '>' && c != '&' && c != '"' && c != '\\' && c != '[';
}

static void
add_byte (struct buffer *out, unsigned char c)
{
  static const char digits[] = "0123456789abcdef";
  char escape[4] = { '\\', 'x', digits[c >> 4], digits[c & 15] };
  buffer_add (out, escape, sizeof escape);
}

/* What CI systems look for, in any line and some in any case. */
static bool
begins_attachment (const char *text, size_t size)
{
  static const char mark[] = XML_ATTACHMENT;
  return size >= sizeof mark - 1 && strncasecmp (text, mark, sizeof mark - 1) == 0;
}

static void
add_ascii (struct buffer *out, const char *text, size_t size, bool attribute)
{
  unsigned char c = (unsigned char) *text;
  switch (c) {
  case '<':
    buffer_lit (out, "&lt;");
    break;
  case '>': /* always, for `]]>` */
    buffer_lit (out, "&gt;");
    break;
  case '&':
    buffer_lit (out, "&amp;");
    break;
  case '"':
    buffer_puts (out, attribute ? "&quot;" : "\"");
    break;
  case '\n':
    buffer_puts (out, attribute ? "&#10;" : "\n");
    break;
  case '\t':
    buffer_puts (out, attribute ? "&#9;" : "\t");
    break;
  case '\r': /* a reader would make it a newline */
    buffer_lit (out, "&#13;");
    break;
  case '\\':
    if (size >= 4 && text[1] == 'x' && hex_digit (text[2]) >= 0 && hex_digit (text[3]) >= 0)
      add_byte (out, c);
    else
      buffer_putc (out, '\\');
    break;
  default:
    if (c < 0x20 || (c == '[' && begins_attachment (text, size)))
      add_byte (out, c);
    else
      buffer_putc (out, (char) c);
  }
}

/* A character beyond ASCII, or a byte that is none.  Returns its size. */
static size_t
add_other (struct buffer *out, const char *text, size_t size)
{
  uint32_t point;
  size_t n = utf8_decode (text, size, &point);
  if (n && point != 0xfffe && point != 0xffff) {
    buffer_add (out, text, n);
    return n;
  }
  n = n ? n : 1;
  for (size_t i = 0; i < n; i++)
    add_byte (out, (unsigned char) text[i]);
  return n;
}

static void
add_escaped (struct buffer *out, const char *text, size_t size, bool attribute)
{
  for (size_t i = 0; i < size;) {
    size_t run = i;
    while (run < size && is_plain ((unsigned char) text[run]))
      run++;
    buffer_add (out, text + i, run - i);
    i = run;
    if (i == size)
      return;
    if ((unsigned char) text[i] >= 0x80)
      i += add_other (out, text + i, size - i);
    else {
      add_ascii (out, text + i, size - i, attribute);
      i++;
    }
  }
}

void
xml_text (struct buffer *out, const char *text, size_t size)
{
  add_escaped (out, text, size, false);
}

void
xml_attribute (struct buffer *out, const char *name, const char *value)
{
  buffer_putc (out, ' ');
  buffer_puts (out, name);
  buffer_lit (out, "=\"");
  add_escaped (out, value, strlen (value), true);
  buffer_putc (out, '"');
}
