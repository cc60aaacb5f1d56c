/* html-text.c - see html-text.h. */
#include "config.h"

#include "html-text.h"

#include <math.h>

#include "format.h"
#include "text.h"

static inline bool
is_plain (unsigned char c)
{
  return c >= 0x20 && c < 0x7f && c != '<' && c != '>' && c != '&' && c != '"' && c != '\'';
}

static void
add_ascii (struct buffer *out, char c)
{
  switch (c) {
  case '<':
    buffer_lit (out, "&lt;");
    break;
  case '>':
    buffer_lit (out, "&gt;");
    break;
  case '&':
    buffer_lit (out, "&amp;");
    break;
  case '"':
    buffer_lit (out, "&quot;");
    break;
  case '\'':
    buffer_lit (out, "&#39;");
    break;
  default: /* a newline, a tab, or what must become visible */
    format_safe (out, &c, 1);
  }
}

/* A character beyond ASCII, or a byte that is none; what Unicode says is no character
 * (U+FDD0 to U+FDEF, the last two of each plane) may not stand in HTML.  Returns its size. */
static size_t
add_other (struct buffer *out, const char *text, size_t size)
{
  uint32_t point;
  size_t n = utf8_decode (text, size, &point);
  if (n && ((point & 0xfffe) == 0xfffe || (point >= 0xfdd0 && point <= 0xfdef)))
    buffer_printf (out, "\\u%04x", (unsigned) point);
  else
    format_safe (out, text, n ? n : 1);
  return n ? n : 1;
}

void
html_text (struct buffer *out, const char *text, size_t size)
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
    else
      add_ascii (out, text[i++]);
  }
}

void
html_line (struct buffer *out, const char *text)
{
  while (*text) {
    size_t n = strcspn (text, "\n\r\t");
    html_text (out, text, n);
    text += n;
    if (*text && *++text)
      buffer_putc (out, ' ');
  }
}

void
html_short (struct buffer *out, const char *text, size_t most)
{
  size_t at = 0, size = strlen (text);
  if (size <= most)
    at = size;
  for (size_t n = 0; at < size && n < most; n++) {
    size_t step = utf8_decode (text + at, size - at, NULL);
    at += step ? step : 1;
  }
  if (at == size) {
    html_line (out, text);
    return;
  }
  CLEANUP_BUFFER struct buffer copy = { 0 };
  buffer_add (&copy, text, at);
  html_line (out, buffer_text (&copy));
  buffer_lit (out, "…");
}

void
html_ends (struct buffer *out, const char *text, size_t size, size_t limit)
{
  if (size <= limit) {
    html_text (out, text, size);
    return;
  }
  CLEANUP_BUFFER struct buffer ends = { 0 };
  format_ends (&ends, text, size, limit);
  html_text (out, ends.data, ends.size);
}

void
html_path (struct buffer *out, const char *path)
{
  static const char digits[] = "0123456789ABCDEF";
  for (const unsigned char *p = (const unsigned char *) path; *p; p++) {
    bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')
                 || (*p && strchr ("/._-~", *p));
    if (plain)
      buffer_putc (out, (char) *p);
    else {
      char escape[3] = { '%', digits[*p >> 4], digits[*p & 15] };
      buffer_add (out, escape, sizeof escape);
    }
  }
}

void
html_element (struct buffer *out, const char *name, const char *class_name, const char *text)
{
  if (!text)
    return;
  buffer_putc (out, '<');
  buffer_puts (out, name);
  if (class_name) {
    buffer_lit (out, " class=\"");
    buffer_puts (out, class_name);
    buffer_putc (out, '"');
  }
  buffer_putc (out, '>');
  html_line (out, text);
  buffer_lit (out, "</");
  buffer_puts (out, name);
  buffer_putc (out, '>');
}

void
html_number (struct buffer *out, double number)
{
  if (!isfinite (number) || fabs (number) > 1e9)
    number = 0;
  int64_t tenths = (int64_t) lround (number * 10);
  if (tenths < 0)
    buffer_putc (out, '-');
  tenths = tenths < 0 ? -tenths : tenths;
  buffer_int (out, tenths / 10);
  if (tenths % 10) {
    buffer_putc (out, '.');
    buffer_int (out, tenths % 10);
  }
}
