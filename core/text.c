/* text.c - see text.h. */
#include "config.h"

#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "secret.h"

size_t
utf8_decode (const char *text, size_t size, uint32_t *point)
{
  const unsigned char *s = (const unsigned char *) text;
  uint32_t c;
  size_t n;
  if (!size)
    return 0;
  if (s[0] < 0x80) {
    c = s[0];
    n = 1;
  }
  else if (s[0] >= 0xc2 && s[0] < 0xe0) {
    c = s[0] & 0x1f;
    n = 2;
  }
  else if (s[0] >= 0xe0 && s[0] < 0xf0) {
    c = s[0] & 0x0f;
    n = 3;
  }
  else if (s[0] >= 0xf0 && s[0] < 0xf5) {
    c = s[0] & 0x07;
    n = 4;
  }
  else
    return 0;
  if (n > size)
    return 0;
  for (size_t i = 1; i < n; i++) {
    if ((s[i] & 0xc0) != 0x80)
      return 0;
    c = c << 6 | (s[i] & 0x3f);
  }
  if ((n == 3 && (c < 0x800 || (c >= 0xd800 && c < 0xe000))) || (n == 4 && (c < 0x10000 || c > 0x10ffff)))
    return 0;
  if (point)
    *point = c;
  return n;
}

bool
utf8_valid (const char *text, size_t size)
{
  size_t i = 0;
  while (i < size) {
    if ((unsigned char) text[i] < 0x80) {
      i++;
      continue;
    }
    size_t n = utf8_decode (text + i, size - i, NULL);
    if (!n)
      return false;
    i += n;
  }
  return true;
}

size_t
utf8_count (const char *text, size_t size)
{
  size_t count = 0;
  for (size_t i = 0; i < size; count++) {
    size_t n = utf8_decode (text + i, size - i, NULL);
    i += n ? n : 1;
  }
  return count;
}

size_t
utf8_width (uint32_t point)
{
  if ((point >= 0x300 && point <= 0x36f) || (point >= 0xfe00 && point <= 0xfe0f))
    return 0;
  bool wide = (point >= 0x1100 && point <= 0x115f) || (point >= 0x2e80 && point <= 0xa4cf)
              || (point >= 0xac00 && point <= 0xd7a3) || (point >= 0xf900 && point <= 0xfaff)
              || (point >= 0xfe30 && point <= 0xfe6f) || (point >= 0xff00 && point <= 0xff60)
              || (point >= 0x1f300 && point <= 0x1f64f) || (point >= 0x1f900 && point <= 0x1f9ff)
              || (point >= 0x20000 && point <= 0x3fffd);
  return wide ? 2 : 1;
}

size_t
utf8_columns (const char *text, size_t size)
{
  size_t columns = 0;
  for (size_t i = 0; i < size;) {
    uint32_t point = 0;
    size_t n = utf8_decode (text + i, size - i, &point);
    columns += n ? utf8_width (point) : 1;
    i += n ? n : 1;
  }
  return columns;
}

/* `text` is the beginning of what has `whole` bytes. */
static void
quote (struct buffer *out, const char *text, size_t size, bool cut, size_t whole, size_t limit)
{
  size_t end = out->size + limit;
  buffer_putc (out, '"');
  for (size_t i = 0;;) {
    if (out->size >= end || i == size) {
      if (i < size || cut)
        buffer_printf (out, "…\" (%zu bytes)", whole);
      else
        buffer_putc (out, '"');
      return;
    }
    unsigned char c = (unsigned char) text[i];
    size_t n = utf8_decode (text + i, size - i, NULL);
    if (c == '"' || c == '\\') {
      buffer_putc (out, '\\');
      buffer_putc (out, (char) c);
      i++;
    }
    else if (c == '\n' || c == '\t' || c == '\r') {
      buffer_putc (out, '\\');
      buffer_putc (out, c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
      i++;
    }
    else if (n == 0 || c < 0x20 || c == 0x7f) {
      buffer_printf (out, "\\x%02x", c);
      i++;
    }
    else {
      buffer_add (out, text + i, n);
      i += n;
    }
  }
}

#define ESCAPED_MOST 4 /* bytes that one becomes: \x1b */

void
text_quote (struct buffer *out, const char *text, size_t size, size_t limit)
{
  limit = limit < 16 ? 16 : limit;
  if (size < limit / ESCAPED_MOST || !secret_any ()) {
    quote (out, text, size, false, size, limit);
    return;
  }
  CLEANUP_BUFFER struct buffer kept = { 0 };
  bool cut = size > limit;
  buffer_add (&kept, text, cut ? limit : size);
  secret_mask_cut (&kept, 0, cut ? SECRET_CUT_END : 0);
  quote (out, kept.data, kept.size, cut, size, limit);
}

#define LONGEST_NAME 64

/* Edits (insert, remove, replace, swap neighbours) that make `b` out of `a`,
 * regardless of case. */
static size_t
edit_distance (const char *a, size_t na, const char *b, size_t nb)
{
  size_t rows[3][LONGEST_NAME + 1];
  for (size_t j = 0; j <= nb; j++)
    rows[0][j] = j;
  for (size_t i = 1; i <= na; i++) {
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= nb; j++) {
      int x = tolower ((unsigned char) a[i - 1]), y = tolower ((unsigned char) b[j - 1]);
      size_t best = above[j - 1] + (x != y);
      if (above[j] + 1 < best)
        best = above[j] + 1;
      if (row[j - 1] + 1 < best)
        best = row[j - 1] + 1;
      if (i > 1 && j > 1 && x == tolower ((unsigned char) b[j - 2]) && tolower ((unsigned char) a[i - 2]) == y
          && above2[j - 2] + 1 < best)
        best = above2[j - 2] + 1;
      row[j] = best;
    }
  }
  return rows[na % 3][nb];
}

void
text_nearest (const char *name, const char *candidate, const char **best, size_t *distance)
{
  size_t na = strlen (name), nb = strlen (candidate);
  if (na == 0 || nb == 0 || na > LONGEST_NAME || nb > LONGEST_NAME)
    return;
  size_t d = edit_distance (name, na, candidate, nb);
  size_t allowed = na <= 3 ? 1 : na <= 6 ? 2 : 3;
  if (d > allowed || d >= na || (*best && d >= *distance))
    return;
  *best = candidate;
  *distance = d;
}

bool
text_is_one_of (const char *text, size_t size, const char *const *names)
{
  for (; *names; names++)
    if ((!size || **names == *text) && strlen (*names) == size && memcmp (*names, text, size) == 0)
      return true;
  return false;
}

size_t
text_plain (const char *text, size_t size)
{
  const uint64_t ones = UINT64_C (0x0101010101010101);
  size_t i = 0;
  for (uint64_t word; size - i >= sizeof word; i += sizeof word) {
    memcpy (&word, text + i, sizeof word);
    /* in each byte the highest bit is set: above 0x7e, or below 0x20 */
    if ((word | (word + ones) | (word - ones * 0x20)) & (ones << 7))
      break;
  }
  while (i < size && text[i] >= 0x20 && text[i] < 0x7f)
    i++;
  return i;
}

size_t
text_cut_line (const char *text, size_t size)
{
  const char *newline = size ? memchr (text, '\n', size) : NULL;
  size_t n = newline ? (size_t) (newline - text) + 1 : 0;
  return n < size ? n : 0;
}

bool
text_is_reserved (const char *text, size_t size)
{
  /* by their size, since every name in a suite is asked for */
  static const char *const reserved[][7] = {
    [2] = { "do", "if", "in", "or" },
    [3] = { "and", "end", "for", "nil", "not" },
    [4] = { "else", "goto", "then", "true" },
    [5] = { "break", "false", "local", "until", "while" },
    [6] = { "elseif", "repeat", "return" },
    [8] = { "function" },
  };
  if (size >= sizeof reserved / sizeof *reserved)
    return false;
  for (const char *const *word = reserved[size]; *word; word++)
    if (memcmp (*word, text, size) == 0)
      return true;
  return false;
}

bool
text_is_name (const char *text, size_t size)
{
  if (size == 0 || size > LONGEST_NAME || isdigit ((unsigned char) text[0]))
    return false;
  for (size_t i = 0; i < size; i++)
    if (!(text[i] == '_' || (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'z')
          || (text[i] >= 'A' && text[i] <= 'Z')))
      return false;
  return !text_is_reserved (text, size);
}

int64_t
time_now_us (void)
{
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000000000 + now.tv_nsec;
}
