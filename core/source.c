/* source.c - see source.h. */
#include "config.h"

#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

/* ---- the list of files ---- */

#define SOURCES_LIMIT 65000
#define INDEX_STEP 64 /* the index knows where every 64th line begins */
#define KNOWN_MOST 20 /* names that are told where none is near */

struct source {
  char *name, *text;
  size_t size;
  size_t *index;
  size_t index_count, index_room;
};

static struct {
  struct source *items;
  size_t count, room;
} sources;

/* Bytes of the line break at the beginning of `text`, 0 if there is none.  As
 * libyaml counts lines: CR LF, LF, CR, NEL, LS, PS. */
static size_t
line_break (const unsigned char *text, size_t size)
{
  if (text[0] == '\n')
    return 1;
  if (text[0] == '\r')
    return size > 1 && text[1] == '\n' ? 2 : 1;
  if (size > 1 && text[0] == 0xc2 && text[1] == 0x85)
    return 2;
  if (size > 2 && text[0] == 0xe2 && text[1] == 0x80 && (text[2] == 0xa8 || text[2] == 0xa9))
    return 3;
  return 0;
}

/* Where the line ends that begins at `start`; its break's size in *skip (0 at the end of the text). */
static size_t
line_end (const struct source *source, size_t start, size_t *skip)
{
  const char *text = source->text;
  for (size_t i = start; (i += text_plain (text + i, source->size - i)) < source->size; i++) {
    *skip = line_break ((const unsigned char *) text + i, source->size - i);
    if (*skip)
      return i;
  }
  *skip = 0;
  return source->size;
}

static void
index_add (struct source *source, size_t start)
{
  if (source->index_count == source->index_room) {
    source->index_room = source->index_room ? source->index_room * 2 : 16;
    source->index = xrealloc (source->index, source->index_room, sizeof *source->index);
  }
  source->index[source->index_count++] = start;
}

static void
index_lines (struct source *source)
{
  size_t start = 0, skip = 1;
  for (size_t line = 0; skip; line++) {
    if (line % INDEX_STEP == 0)
      index_add (source, start);
    size_t end = line_end (source, start, &skip);
    start = end + skip;
  }
}

uint16_t
source_take (const char *name, char *text, size_t size)
{
  if (sources.count == SOURCES_LIMIT) {
    free (text);
    return 0;
  }
  if (sources.count == sources.room) {
    sources.room = sources.room ? sources.room * 2 : 16;
    sources.items = xrealloc (sources.items, sources.room, sizeof *sources.items);
  }
  struct source *source = &sources.items[sources.count++];
  *source = (struct source) { .name = xstrdup (name), .text = text, .size = size };
  index_lines (source);
  return (uint16_t) sources.count;
}

uint16_t
source_add (const char *name, const char *text, size_t size)
{
  char *copy = xmalloc (size);
  if (size)
    memcpy (copy, text, size);
  return source_take (name, copy, size);
}

static const struct source *
source_of (uint16_t file)
{
  return file && file <= sources.count ? &sources.items[file - 1] : NULL;
}

const char *
source_name (uint16_t file)
{
  const struct source *source = source_of (file);
  return source ? source->name : "";
}

const char *
source_line (uint16_t file, uint32_t line, size_t *size)
{
  const struct source *source = source_of (file);
  *size = 0;
  if (!source || !line || (line - 1) / INDEX_STEP >= source->index_count)
    return NULL;
  size_t start = source->index[(line - 1) / INDEX_STEP], skip;
  for (uint32_t i = (line - 1) % INDEX_STEP;; i--) {
    size_t end = line_end (source, start, &skip);
    if (i == 0) {
      *size = end - start;
      return source->text + start;
    }
    if (!skip)
      return NULL;
    start = end + skip;
  }
}

void
source_forget_all (void)
{
  for (size_t i = 0; i < sources.count; i++) {
    free (sources.items[i].name);
    free (sources.items[i].text);
    free (sources.items[i].index);
  }
  free (sources.items);
  sources.items = NULL;
  sources.count = sources.room = 0;
}

void
place_print (struct buffer *out, const struct value *where)
{
  if (!where->file)
    return;
  buffer_puts (out, source_name (where->file));
  if (!where->line)
    return;
  buffer_putc (out, ':');
  buffer_int (out, where->line);
  if (!where->column)
    return;
  buffer_putc (out, ':');
  buffer_int (out, where->column);
}

/* ---- faults ---- */

static bool
same_place (const struct value *a, const struct value *b)
{
  return a->file == b->file && a->line == b->line && a->column == b->column;
}

static bool
is_full (struct faults *faults)
{
  if (faults->count < FAULTS_LIMIT)
    return false;
  faults->more++;
  return true;
}

/* Takes the message. */
static void
add (struct faults *faults, const struct value *where, char *message)
{
  struct value place = { 0 };
  if (where)
    place = (struct value) { .file = where->file, .line = where->line, .column = where->column };
  for (size_t i = 0; i < faults->count; i++)
    if (same_place (&faults->items[i].where, &place) && strcmp (faults->items[i].message, message) == 0) {
      free (message);
      return;
    }
  if (faults->count == faults->room) {
    faults->room = faults->room ? faults->room * 2 : 16;
    faults->items = xrealloc (faults->items, faults->room, sizeof *faults->items);
  }
  faults->items[faults->count++] = (struct fault) { .where = place, .message = message };
}

void
fault_add (struct faults *faults, const struct value *where, const char *fmt, ...)
{
  if (is_full (faults))
    return;
  struct buffer message = { 0 };
  va_list args;
  va_start (args, fmt);
  buffer_vprintf (&message, fmt, args);
  va_end (args);
  buffer_text (&message);
  add (faults, where, message.data);
}

/* What there is instead, if that is a short list. */
static void
add_known (struct buffer *message, const char *const *names)
{
  size_t count = 0;
  while (names[count])
    count++;
  if (count == 0 || count > KNOWN_MOST)
    return;
  buffer_lit (message, "; known: ");
  for (size_t i = 0; i < count; i++)
    buffer_printf (message, "%s%s", i ? ", " : "", names[i]);
}

void
fault_unknown (struct faults *faults, const struct value *where, const char *what, const char *name,
               const char *const *names)
{
  if (is_full (faults))
    return;
  const char *best = NULL;
  size_t distance = 0;
  for (size_t i = 0; names[i]; i++)
    text_nearest (name, names[i], &best, &distance);
  struct buffer message = { 0 };
  buffer_printf (&message, "unknown %s ", what);
  text_quote (&message, name, strlen (name), 200);
  if (best)
    buffer_printf (&message, "; did you mean \"%s\"?", best);
  else
    add_known (&message, names);
  buffer_text (&message);
  add (faults, where, message.data);
}

void
faults_free (struct faults *faults)
{
  for (size_t i = 0; i < faults->count; i++)
    free (faults->items[i].message);
  free (faults->items);
  *faults = (struct faults) { 0 };
}

/* ---- printing them ---- */

#define SHOWN_BEFORE 70 /* columns of a line that are shown before and after the caret */
#define SHOWN_AFTER 40

static const char red[] = "\033[1;31m", bold[] = "\033[1m", green[] = "\033[1;32m", plain[] = "\033[0m";

/* Is it one that would change how the rest of the line is shown (controls of both sets, zero widths, bidi)? */
static bool
is_control (uint32_t point)
{
  return point < 0x20 || (point >= 0x7f && point < 0xa0) || (point >= 0x200b && point <= 0x200f)
         || (point >= 0x2028 && point <= 0x202e) || (point >= 0x2060 && point <= 0x206f) || point == 0xfeff;
}

/* Adds the character at `text` as it can be shown.  Returns its bytes; its width in *width. */
static size_t
show_character (struct buffer *out, const char *text, size_t size, size_t *width)
{
  uint32_t point;
  size_t n = utf8_decode (text, size, &point), before = out->size;
  if (n == 0) {
    buffer_printf (out, "\\x%02x", (unsigned char) *text);
    *width = out->size - before;
    return 1;
  }
  if (is_control (point) && point != '\t') {
    buffer_printf (out, point < 0x100 ? "\\x%02x" : "\\u%04x", point);
    *width = out->size - before;
    return n;
  }
  buffer_add (out, text, n);
  *width = utf8_width (point);
  return n;
}

/* A message as it can be shown: it may quote anything. */
static void
show_message (struct buffer *out, const char *message)
{
  size_t size = strlen (message), width;
  for (size_t i = 0; i < size;) {
    if (message[i] == '\n')
      buffer_putc (out, message[i++]);
    else
      i += show_character (out, message + i, size - i, &width);
  }
}

/* The byte at which character `n` (from 0) begins; at most `size`. */
static size_t
offset_of (const char *text, size_t size, size_t n)
{
  size_t i = 0;
  for (; n && i < size; n--) {
    size_t bytes = utf8_decode (text + i, size - i, NULL);
    i += bytes ? bytes : 1;
  }
  return i;
}

/* The source line around a column (from 1) into `line`, and what puts a caret
 * below that column into `padding`. */
static void
show_line (struct buffer *line, struct buffer *padding, const char *text, size_t size, size_t column)
{
  size_t first = column > SHOWN_BEFORE + 1 ? column - SHOWN_BEFORE : 1, width;
  size_t i = offset_of (text, size, first - 1);
  if (first > 1) {
    buffer_lit (line, "…");
    buffer_putc (padding, ' ');
  }
  for (size_t at = first; i < size; at++) {
    if (at > column + SHOWN_AFTER) {
      buffer_lit (line, "…");
      break;
    }
    bool tab = text[i] == '\t';
    i += show_character (line, text + i, size - i, &width);
    for (size_t j = 0; at < column && j < width; j++)
      buffer_putc (padding, tab ? '\t' : ' ');
  }
}

static void
print_fault (struct buffer *out, const struct fault *fault, bool color)
{
  if (color)
    buffer_puts (out, bold);
  size_t before = out->size;
  place_print (out, &fault->where); /* a file's name is the user's own */
  if (out->size > before)
    buffer_lit (out, ": ");
  buffer_puts (out, color ? red : "");
  show_message (out, fault->message);
  buffer_puts (out, color ? plain : "");
  buffer_putc (out, '\n');

  size_t size;
  const char *text = source_line (fault->where.file, fault->where.line, &size);
  if (!text || !size || !fault->where.column)
    return;
  CLEANUP_BUFFER struct buffer line = { 0 }, padding = { 0 };
  show_line (&line, &padding, text, size, fault->where.column);
  buffer_printf (out, "  %s\n  %s%s^%s\n", buffer_text (&line), buffer_text (&padding), color ? green : "",
                 color ? plain : "");
}

static int
compare_faults (const void *left, const void *right)
{
  const struct fault *a = *(const struct fault *const *) left, *b = *(const struct fault *const *) right;
  if (a->where.file != b->where.file)
    return a->where.file < b->where.file ? -1 : 1;
  if (a->where.line != b->where.line)
    return a->where.line < b->where.line ? -1 : 1;
  if (a->where.column != b->where.column)
    return a->where.column < b->where.column ? -1 : 1;
  return a < b ? -1 : a > b; /* as they were added */
}

void
faults_print (const struct faults *faults, FILE *out, bool color)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  CLEANUP_FREE const struct fault **sorted = xcalloc (faults->count, sizeof *sorted);
  for (size_t i = 0; i < faults->count; i++)
    sorted[i] = &faults->items[i];
  qsort (sorted, faults->count, sizeof *sorted, compare_faults);
  for (size_t i = 0; i < faults->count; i++)
    print_fault (&text, sorted[i], color);
  if (faults->more)
    buffer_printf (&text, "… and %zu more\n", faults->more);
  if (text.size)
    fwrite (text.data, 1, text.size, out); /* the stream keeps its error for whoever closes it */
}
