/* json.c - see json.h.  Reading is jansson's; what it cannot do (a limit of our
 * own on the depth, bytes that are no UTF-8) is done before and after it. */
#include "config.h"

#include "json.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "text.h"

#define JSON_DEPTH 64
#define JSON_VALUES 4000000 /* jansson takes up to 250 bytes for each */
static const char too_deep[] = "nested more than 64 levels deep";
static const char too_many[] = "more than 4000000 values";
_Static_assert (JSON_DEPTH <= BUILDER_DEPTH, "what is read can be built");

/* ---- reading ---- */

/* What a first look at the text tells.  Jansson refuses lone surrogates, so an
 * escaped byte \udc80 … \udcff goes through it as MARK and "udc80 …", which takes
 * as many columns; a MARK that is in the text itself is doubled. */
struct survey {
  bool has_escaped_bytes;
  size_t values; /* at most so many are there */
};
#define MARK "\xf4\x8f\xbf\xbf" /* U+10FFFF, which is no character */
#define MARK_SIZE 4
#define MARK_POINT 0x10ffffu

/* The 16 bits of \uXXXX at `text`, or -1. */
static int32_t
read_escape (const char *text, size_t size)
{
  if (size < 6 || text[0] != '\\' || text[1] != 'u')
    return -1;
  int32_t unit = 0;
  for (int i = 2; i < 6; i++) {
    int digit = hex_digit (text[i]);
    if (digit < 0)
      return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

static bool
is_escaped_byte (int32_t unit)
{
  return unit >= 0xdc80 && unit <= 0xdcff;
}

/* The size of the escape at `text` (a backslash inside a string); its code point, or the
 * lone surrogate, in *point (-1: another kind of escape, or none that is right). */
static size_t
escape_size (const char *text, size_t size, int32_t *point)
{
  int32_t high = read_escape (text, size);
  *point = high;
  if (high < 0)
    return size < 2 ? size : 2;
  if (high >= 0xd800 && high < 0xdc00) {
    int32_t low = read_escape (text + 6, size - 6);
    if (low >= 0xdc00 && low < 0xe000) {
      *point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
      return 12;
    }
  }
  return 6;
}

/* Where in the text one looks: for messages. */
static void
tell_place (char *error, size_t error_size, const char *text, size_t at, const char *what)
{
  size_t line = 1, start = 0;
  for (size_t i = 0; i < at; i++)
    if (text[i] == '\n') {
      line++;
      start = i + 1;
    }
  snprintf (error, error_size, "line %zu, column %zu: %s", line, utf8_count (text + start, at - start) + 1, what);
}

/* Looks at one string, from after its quote to after the closing one. */
static size_t
survey_string (const char *text, size_t size, size_t i, struct survey *survey)
{
  while (i < size && text[i] != '"') {
    if (text[i] == '\\') {
      int32_t point;
      i += escape_size (text + i, size - i, &point);
      if (is_escaped_byte (point))
        survey->has_escaped_bytes = true;
    }
    else
      i++;
  }
  return i < size ? i + 1 : i;
}

/* False when the text is nested too deeply or holds too much; `error` is set. */
static bool
survey_text (const char *text, size_t size, struct survey *survey, char *error, size_t error_size)
{
  size_t depth = 0;
  for (size_t i = 0; i < size;) {
    char c = text[i++];
    if (c == '"')
      i = survey_string (text, size, i, survey);
    else if (c == '[' || c == '{')
      depth++;
    else if ((c == ']' || c == '}') && depth)
      depth--;
    if (c == '[' || c == '{' || c == ',')
      survey->values++;
    if (depth > JSON_DEPTH || survey->values > JSON_VALUES) {
      tell_place (error, error_size, text, i - 1, depth > JSON_DEPTH ? too_deep : too_many);
      return false;
    }
  }
  return true;
}

/* The text with escaped bytes (and marks) as jansson takes them.  Only inside
 * strings are there backslashes in a text that is right at all. */
static void
hide_escaped_bytes (struct buffer *out, const char *text, size_t size)
{
  buffer_reserve (out, size);
  for (size_t i = 0; i < size;) {
    if (text[i] == '\\') {
      int32_t point;
      size_t n = escape_size (text + i, size - i, &point);
      if (is_escaped_byte (point)) {
        buffer_lit (out, MARK);
        buffer_add (out, text + i + 1, n - 1);
      }
      else
        buffer_add (out, text + i, n);
      if (point == (int32_t) MARK_POINT)
        buffer_lit (out, MARK);
      i += n;
    }
    else if (text[i] == MARK[0] && size - i >= MARK_SIZE && memcmp (text + i, MARK, MARK_SIZE) == 0) {
      buffer_lit (out, MARK MARK);
      i += MARK_SIZE;
    }
    else
      buffer_putc (out, text[i++]);
  }
}

/* Undoes it in a string that jansson decoded, in place; returns its new size. */
static size_t
show_escaped_bytes (char *text, size_t size)
{
  size_t to = 0;
  for (size_t i = 0; i < size;) {
    if (text[i] != MARK[0] || size - i < MARK_SIZE + 1 || memcmp (text + i, MARK, MARK_SIZE) != 0) {
      text[to++] = text[i++];
      continue;
    }
    i += MARK_SIZE;
    if (text[i] == 'u' && size - i >= 5) { /* "udc80" */
      text[to++] = (char) ((unsigned) hex_digit (text[i + 3]) << 4 | (unsigned) hex_digit (text[i + 4]));
      i += 5;
    }
    else { /* the second of two marks */
      memcpy (text + to, MARK, MARK_SIZE);
      to += MARK_SIZE;
      i += size - i < MARK_SIZE ? size - i : MARK_SIZE;
    }
  }
  text[to] = '\0';
  return to;
}

struct reader {
  struct builder builder;
  bool hidden; /* strings hold hidden escaped bytes */
};

/* Escaped bytes may be spelled in several ways, which jansson takes for different keys. */
static bool
has_duplicates (const struct value *map)
{
  struct keys keys = { 0 };
  bool found = false;
  for (size_t i = 0; i < map->count && !found; i++)
    found = keys_add (&keys, &map->members[i].key) != NULL;
  keys_free (&keys);
  return found;
}

static struct value
read_string (struct reader *reader, const char *text, size_t size)
{
  char *copy = arena_copy (reader->builder.arena, text, size);
  if (reader->hidden)
    size = show_escaped_bytes (copy, size);
  return value_text (copy, size);
}

static bool read_node (struct reader *reader, json_t *node);

static bool
read_object (struct reader *reader, json_t *object)
{
  if (!builder_open (&reader->builder, (struct value) { .type = VALUE_MAP }))
    return false;
  for (void *i = json_object_iter (object); i; i = json_object_iter_next (object, i)) {
    struct value key = read_string (reader, json_object_iter_key (i), json_object_iter_key_len (i));
    if (!builder_key (&reader->builder, key) || !read_node (reader, json_object_iter_value (i)))
      return false;
  }
  return builder_close (&reader->builder)
         && (!reader->hidden || !has_duplicates (builder_last (&reader->builder)));
}

static bool
read_array (struct reader *reader, json_t *array)
{
  if (!builder_open (&reader->builder, (struct value) { .type = VALUE_LIST }))
    return false;
  for (size_t i = 0; i < json_array_size (array); i++)
    if (!read_node (reader, json_array_get (array, i)))
      return false;
  return builder_close (&reader->builder);
}

/* Recursive: the survey has checked the depth.  False: a duplicate key. */
static bool
read_node (struct reader *reader, json_t *node)
{
  struct builder *builder = &reader->builder;
  switch (json_typeof (node)) {
  case JSON_OBJECT:
    return read_object (reader, node);
  case JSON_ARRAY:
    return read_array (reader, node);
  case JSON_STRING:
    return builder_put (builder, read_string (reader, json_string_value (node), json_string_length (node)));
  case JSON_INTEGER:
    return builder_put (builder, value_int (json_integer_value (node)));
  case JSON_REAL:
    return builder_put (builder, value_float (json_real_value (node)));
  case JSON_TRUE:
  case JSON_FALSE:
    return builder_put (builder, value_bool (json_is_true (node)));
  default:
    return builder_put (builder, value_null);
  }
}

static json_t *
load (const char *text, size_t size, bool hide, json_error_t *error)
{
  const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
  if (!hide)
    return json_loadb (text, size, flags, error);
  CLEANUP_BUFFER struct buffer hidden = { 0 };
  hide_escaped_bytes (&hidden, text, size);
  return json_loadb (hidden.data, hidden.size, flags, error);
}

bool
json_parse (struct arena *arena, const char *text, size_t size, struct value *out, char *error, size_t error_size)
{
  *out = value_null;
  if (error_size)
    *error = '\0';
  struct survey survey = { 0 };
  if (!survey_text (text, size, &survey, error, error_size))
    return false;

  struct reader reader = { .hidden = survey.has_escaped_bytes };
  json_error_t fault;
  json_t *root = load (size ? text : "", size, reader.hidden, &fault);
  if (!root) {
    snprintf (error, error_size, "line %d, column %d: %s", fault.line > 0 ? fault.line : 1,
              fault.column > 0 ? fault.column : 1, fault.text);
    return false;
  }
  builder_init (&reader.builder, arena);
  bool good = read_node (&reader, root);
  *out = good ? builder_finish (&reader.builder) : value_null;
  builder_free (&reader.builder);
  json_decref (root);
  if (!good)
    snprintf (error, error_size, "line 1, column 1: duplicate object key");
  return good;
}

/* ---- writing ---- */

/* Bytes at the beginning of `text` that stand in a string as they are. */
static size_t
plain_run (const char *text, size_t size)
{
  size_t i = 0;
  while (i < size) {
    unsigned char c = (unsigned char) text[i];
    if (c < 0x20 || c == '"' || c == '\\')
      break;
    if (c < 0x80) {
      i++;
      continue;
    }
    size_t n = utf8_decode (text + i, size - i, NULL);
    if (n == 0)
      break;
    i += n;
  }
  return i;
}

static void
write_escaped (struct buffer *out, unsigned char c)
{
  static const char digits[] = "0123456789abcdef";
  static const char letters[0x20] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
  if (c == '"' || c == '\\' || (c < 0x20 && letters[c])) {
    buffer_putc (out, '\\');
    buffer_putc (out, c < 0x20 ? letters[c] : (char) c);
    return;
  }
  bool alone = c >= 0x80;
  char escape[6] = { '\\', 'u', alone ? 'd' : '0', alone ? 'c' : '0', digits[c >> 4], digits[c & 0xf] };
  buffer_add (out, escape, sizeof escape);
}

void
json_write_string (struct buffer *out, const char *text, size_t size)
{
  buffer_putc (out, '"');
  for (size_t i = 0; i < size;) {
    size_t n = plain_run (text + i, size - i);
    buffer_add (out, text + i, n);
    i += n;
    if (i < size)
      write_escaped (out, (unsigned char) text[i++]);
  }
  buffer_putc (out, '"');
}

#define COMPACT ((size_t) -1) /* as a level: all on one line */

static void
write_indent (struct buffer *out, size_t level)
{
  if (level == COMPACT)
    return;
  buffer_putc (out, '\n');
  for (size_t i = 0; i < level; i++)
    buffer_lit (out, "  ");
}

static void
write_value (struct buffer *out, const struct value *value, size_t level)
{
  size_t inner = level == COMPACT ? COMPACT : level + 1;
  switch (value->type) {
  case VALUE_STRING:
    json_write_string (out, value->string, value->size);
    break;
  case VALUE_FLOAT: /* JSON has no nan and no infinity */
    if (isfinite (value->number))
      buffer_float (out, value->number);
    else
      buffer_lit (out, "null");
    break;
  case VALUE_LIST:
    buffer_putc (out, '[');
    for (size_t i = 0; i < value->count; i++) {
      if (i)
        buffer_putc (out, ',');
      write_indent (out, inner);
      write_value (out, &value->items[i], inner);
    }
    if (value->count)
      write_indent (out, level);
    buffer_putc (out, ']');
    break;
  case VALUE_MAP:
    buffer_putc (out, '{');
    for (size_t i = 0; i < value->count; i++) {
      if (i)
        buffer_putc (out, ',');
      write_indent (out, inner);
      json_write_string (out, value->members[i].key.string, value->members[i].key.size);
      buffer_puts (out, level == COMPACT ? ":" : ": ");
      write_value (out, &value->members[i].value, inner);
    }
    if (value->count)
      write_indent (out, level);
    buffer_putc (out, '}');
    break;
  default:
    value_print (out, value);
  }
}

void
json_write (struct buffer *out, const struct value *value)
{
  write_value (out, value, COMPACT);
}

void
json_write_pretty (struct buffer *out, const struct value *value)
{
  write_value (out, value, 0);
}
