/* difference.c - see difference.h. */
#include "config.h"

#include "difference.h"

#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "text.h"

#define LONG_STRING 100 /* bytes; longer ones show only where they differ */
#define CONTEXT 30      /* bytes before that place */
#define LINES_BYTES ((size_t) 1 << 18) /* longer texts are not split */
#define LINES 60        /* compared line by line; of more only the first ones that differ are */
#define LINES_SHOWN 16
#define LINE_BYTES 160

void
difference_show (struct buffer *out, const struct value *value, bool with_type)
{
  value_show (out, value, DIFFERENCE_SHOW);
  if (with_type && value->type != VALUE_NULL)
    buffer_printf (out, " (%s)", value_type_name (value->type));
}

/* ---- long strings ---- */

/* Back to the beginning of a character, if it is UTF-8. */
static size_t
character_start (const char *text, size_t at)
{
  size_t start = at;
  for (int i = 0; i < 3 && start > 0 && ((unsigned char) text[start] & 0xc0) == 0x80; i++)
    start--;
  return start;
}

static size_t
first_difference (const struct value *a, const struct value *b)
{
  size_t least = a->size < b->size ? a->size : b->size, at = 0;
  while (at < least && a->string[at] == b->string[at])
    at++;
  return at < a->size && at < b->size ? character_start (a->string, at) : at;
}

static void
show_from (struct buffer *out, const struct value *text, size_t at)
{
  size_t start = at > CONTEXT ? character_start (text->string, at - CONTEXT) : 0;
  size_t end = at + LONG_STRING < text->size ? character_start (text->string, at + LONG_STRING) : text->size;
  if (start)
    buffer_lit (out, "…");
  CLEANUP_BUFFER struct buffer piece = { 0 };
  buffer_add (&piece, text->string + start, end - start);
  secret_mask_cut (&piece, 0, (start ? SECRET_CUT_BEGIN : 0) | (end < text->size ? SECRET_CUT_END : 0));
  text_quote (out, buffer_text (&piece), piece.size, DIFFERENCE_SHOW);
  if (end < text->size)
    buffer_lit (out, "…");
}

static void
long_strings (struct buffer *out, const struct value *expected, const struct value *actual)
{
  size_t at = first_difference (expected, actual);
  buffer_printf (out, "differs at character %zu: expected ", utf8_count (expected->string, at) + 1);
  show_from (out, expected, at);
  buffer_lit (out, ", got ");
  show_from (out, actual, at);
  buffer_printf (out, " (%zu and %zu bytes)", expected->size, actual->size);
}

/* ---- lines ---- */

struct line { const char *text; size_t size; };
struct lines { struct line *items; size_t count; };

static struct lines
split (const struct value *text)
{
  size_t n = 1;
  for (size_t i = 0; i < text->size; i++)
    n += text->string[i] == '\n';
  struct lines lines = { xcalloc (n, sizeof *lines.items), n };
  const char *start = text->string, *end = text->string + text->size;
  for (size_t i = 0; i < n; i++) {
    const char *newline = memchr (start, '\n', (size_t) (end - start));
    lines.items[i] = (struct line) { start, (size_t) ((newline ? newline : end) - start) };
    start = newline ? newline + 1 : end;
  }
  return lines;
}

static bool
same_line (const struct line *a, const struct line *b)
{
  return a->size == b->size && memcmp (a->text, b->text, a->size) == 0;
}

static void
show_line (struct buffer *out, char sign, const struct line *line)
{
  CLEANUP_BUFFER struct buffer kept = { 0 };
  size_t end = out->size + 3 + LINE_BYTES;
  bool cut = line->size > LINE_BYTES;
  buffer_printf (out, "\n%c ", sign);
  buffer_add (&kept, line->text, cut ? LINE_BYTES : line->size);
  secret_mask_cut (&kept, 0, cut ? SECRET_CUT_END : 0); /* before it is cut: half a secret would not be found */
  for (size_t i = 0; i < kept.size;) {
    size_t n = utf8_decode (kept.data + i, kept.size - i, NULL);
    unsigned char c = (unsigned char) kept.data[i];
    if (out->size >= end) {
      buffer_lit (out, "…");
      return;
    }
    if (n == 0 || (c < 0x20 && c != '\t') || c == 0x7f)
      buffer_printf (out, c == '\r' ? "\\r" : "\\x%02x", c);
    else
      buffer_add (out, kept.data + i, n);
    i += n ? n : 1;
  }
  if (cut)
    buffer_lit (out, "…");
}

/* What is left of both when the same lines at both ends are taken away. */
struct hunk {
  const struct line *expected, *actual;
  size_t n_expected, n_actual, shown;
  uint16_t longest[LINES + 1][LINES + 1]; /* common subsequence of the rests from [i][j] on */
};

static void
fill_longest (struct hunk *h)
{
  for (size_t i = h->n_expected + 1; i-- > 0;)
    for (size_t j = h->n_actual + 1; j-- > 0;) {
      if (i == h->n_expected || j == h->n_actual)
        h->longest[i][j] = 0;
      else if (same_line (&h->expected[i], &h->actual[j]))
        h->longest[i][j] = (uint16_t) (h->longest[i + 1][j + 1] + 1);
      else
        h->longest[i][j] = h->longest[i + 1][j] > h->longest[i][j + 1] ? h->longest[i + 1][j]
          : h->longest[i][j + 1];
    }
}

static void
show_hunk (struct buffer *out, struct hunk *h)
{
  size_t i = 0, j = 0;
  fill_longest (h);
  while ((i < h->n_expected || j < h->n_actual) && h->shown < LINES_SHOWN) {
    h->shown++;
    if (i < h->n_expected && j < h->n_actual && same_line (&h->expected[i], &h->actual[j])) {
      show_line (out, ' ', &h->expected[i++]);
      j++;
    }
    else if (i < h->n_expected && (j == h->n_actual || h->longest[i + 1][j] >= h->longest[i][j + 1]))
      show_line (out, '-', &h->expected[i++]);
    else
      show_line (out, '+', &h->actual[j++]);
  }
  if (i < h->n_expected || j < h->n_actual)
    buffer_lit (out, "\n  …");
}

static size_t
at_most (size_t n, size_t most)
{
  return n < most ? n : most;
}

static void
several_lines (struct buffer *out, const struct value *expected, const struct value *actual)
{
  struct lines e = split (expected), a = split (actual);
  size_t start = 0, end = 0, least = at_most (e.count, a.count);
  while (start < least && same_line (&e.items[start], &a.items[start]))
    start++;
  while (end < least - start && same_line (&e.items[e.count - 1 - end], &a.items[a.count - 1 - end]))
    end++;
  buffer_printf (out, "texts differ at line %zu (- expected, + got):", start + 1);
  if (start > 0)
    show_line (out, ' ', &e.items[start - 1]);
  struct hunk *hunk = xmalloc (sizeof *hunk);
  hunk->expected = e.items + start;
  hunk->actual = a.items + start;
  hunk->n_expected = at_most (e.count - start - end, LINES);
  hunk->n_actual = at_most (a.count - start - end, LINES);
  hunk->shown = 0;
  show_hunk (out, hunk);
  if (end > 0 && hunk->shown < LINES_SHOWN)
    show_line (out, ' ', &e.items[e.count - end]);
  free (hunk);
  free (e.items);
  free (a.items);
}

/* ---- any values ---- */

static bool
is_number (const struct value *value)
{
  return value->type == VALUE_INT || value->type == VALUE_FLOAT;
}

static bool
has_lines (const struct value *text)
{
  const char *newline = memchr (text->string, '\n', text->size);
  return newline && newline + 1 < text->string + text->size;
}

void
difference_values (struct buffer *out, const struct value *expected, const struct value *actual)
{
  bool strings = expected->type == VALUE_STRING && actual->type == VALUE_STRING;
  if (strings && expected->size && actual->size && (has_lines (expected) || has_lines (actual))
      && expected->size <= LINES_BYTES && actual->size <= LINES_BYTES)
    several_lines (out, expected, actual);
  else if (strings && expected->size && actual->size
           && (expected->size > LONG_STRING || actual->size > LONG_STRING))
    long_strings (out, expected, actual);
  else {
    bool types = expected->type != actual->type && !(is_number (expected) && is_number (actual));
    buffer_lit (out, "expected ");
    difference_show (out, expected, types);
    buffer_lit (out, ", got ");
    difference_show (out, actual, types);
  }
}
