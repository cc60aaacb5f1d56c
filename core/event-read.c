/* event-read.c - reading events, by the table of event.c.
 *
 * A pull reader of our own, because there is a line or two for every test: for a
 * passed test's line of 280 bytes jansson needs 5.6 µs for the tree alone, this one
 * 0.9 µs for the filled struct (writing: 0.5 µs).  It is as strict: UTF-8, numbers,
 * control characters, nothing after the end. */
#include "config.h"

#include "event-fields.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define DEEPEST 64
#define MOST_ITEMS ((size_t) 1 << 20)
#define FARTHEST_TIME (INT64_C (1) << 56) /* 2,283 years of microseconds: differences cannot overflow */

static const char *const kind_names[] = { "a string", "a string", "an integer", "an integer", "an integer",
                                          "an integer", "a number", "a boolean", "a boolean", "an outcome", "a list",
                                          "a list" };

#define AT(type, base, offset) (*(type *) ((char *) (base) + (offset)))

struct reader {
  struct arena *arena;
  const char *start, *at, *end;
  char *error;
  size_t error_size;
};

static bool __attribute__ ((format (printf, 2, 3)))
fail (struct reader *r, const char *fmt, ...)
{
  int n = snprintf (r->error, r->error_size, "column %zu: ", (size_t) (r->at - r->start) + 1);
  if (n < 0 || (size_t) n >= r->error_size)
    return false;
  va_list args;
  va_start (args, fmt);
  vsnprintf (r->error + n, r->error_size - (size_t) n, fmt, args);
  va_end (args);
  return false;
}

static void
skip_space (struct reader *r)
{
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
    r->at++;
}

/* Takes `c`, with the space before it. */
static bool
take (struct reader *r, char c)
{
  skip_space (r);
  if (r->at == r->end || *r->at != c)
    return false;
  r->at++;
  return true;
}

static bool
expect (struct reader *r, char c)
{
  return take (r, c) || fail (r, r->at == r->end ? "`%c` is missing at the end" : "`%c` is missing", c);
}

static bool
take_word (struct reader *r, const char *word)
{
  size_t size = strlen (word);
  if ((size_t) (r->end - r->at) < size || memcmp (r->at, word, size) != 0)
    return false;
  r->at += size;
  return true;
}

/* Moves over what stands in a string as it is: everything but `"`, `\`, control
 * characters and what is not UTF-8. */
static void
skip_plain (struct reader *r)
{
  while (r->at < r->end) {
    unsigned char c = (unsigned char) *r->at;
    if (c < 0x20 || c == '"' || c == '\\')
      return;
    size_t n = c < 0x80 ? 1 : utf8_decode (r->at, (size_t) (r->end - r->at), NULL);
    if (n == 0)
      return;
    r->at += n;
  }
}

static bool
read_hex (struct reader *r, uint32_t *code)
{
  *code = 0;
  if (r->end - r->at < 4)
    return fail (r, "a \\u escape is cut off");
  for (int i = 0; i < 4; i++) {
    char c = *r->at++, low = (char) (c | 0x20);
    uint32_t digit;
    if (c >= '0' && c <= '9')
      digit = (uint32_t) (c - '0');
    else if (low >= 'a' && low <= 'f')
      digit = (uint32_t) (low - 'a' + 10);
    else
      return fail (r, "a \\u escape needs four hexadecimal digits");
    *code = *code << 4 | digit;
  }
  return true;
}

static char *
put_utf8 (char *to, uint32_t code)
{
  if (code < 0x80) {
    *to++ = (char) code;
    return to;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  *to++ = (char) ((0xff00 >> (more + 1) & 0xff) | code >> 6 * more); /* 110….. 1110…. 11110… */
  while (more--)
    *to++ = (char) (0x80 | (code >> 6 * more & 0x3f));
  return to;
}

/* After `\u`.  U+DC80..U+DCFF stand for bytes that are not UTF-8. */
static bool
read_unicode (struct reader *r, char **to)
{
  uint32_t code, low;
  if (!read_hex (r, &code))
    return false;
  if (code >= 0xdc80 && code <= 0xdcff) {
    *(*to)++ = (char) (code & 0xff);
    return true;
  }
  if (code >= 0xd800 && code <= 0xdbff && take_word (r, "\\u")) {
    if (!read_hex (r, &low))
      return false;
    if (low >= 0xdc00 && low <= 0xdfff)
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code >= 0xd800 && code <= 0xdfff)
    return fail (r, "half of a surrogate pair");
  *to = put_utf8 (*to, code);
  return true;
}

/* After `\`. */
static bool
read_escape (struct reader *r, char **to)
{
  static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (r->at == r->end)
    return fail (r, "the string is cut off");
  char c = *r->at++;
  if (c == 'u')
    return read_unicode (r, to);
  const char *found = c ? strchr (letters, c) : NULL;
  if (!found)
    return fail (r, "an unknown escape");
  *(*to)++ = meant[found - letters];
  return true;
}

/* Where the string that has begun ends at the latest: an upper bound of its size. */
static const char *
string_limit (const struct reader *r)
{
  const char *p = r->at;
  while (p < r->end && *p != '"')
    p += *p == '\\' && r->end - p > 1 ? 2 : 1;
  return p;
}

/* A string that has escapes; its plain beginning is from `begin` to where we are. */
static bool
read_escaped (struct reader *r, const char *begin, char **text, size_t *size)
{
  char *to = arena_alloc (r->arena, (size_t) (string_limit (r) - begin) + 1);
  *text = to;
  for (const char *from = begin;;) {
    memcpy (to, from, (size_t) (r->at - from));
    to += r->at - from;
    if (r->at == r->end)
      return fail (r, "the string is cut off");
    char c = *r->at;
    if (c != '"' && c != '\\')
      return fail (r, (unsigned char) c < 0x20 ? "a control character in a string" : "a string is not UTF-8");
    r->at++;
    if (c == '"')
      break;
    if (!read_escape (r, &to))
      return false;
    from = r->at;
    skip_plain (r);
  }
  *size = (size_t) (to - *text);
  *to = '\0';
  return true;
}

/* A string, in the arena, with a NUL after it. */
static bool
read_string (struct reader *r, char **text, size_t *size)
{
  r->at++; /* the caller has seen the quote */
  const char *begin = r->at;
  skip_plain (r);
  if (r->at == r->end || *r->at != '"')
    return read_escaped (r, begin, text, size);
  *size = (size_t) (r->at - begin);
  *text = arena_copy (r->arena, begin, *size);
  r->at++;
  return true;
}

/* The name of a member and its colon; borrowed from the line when it is plain. */
static bool
read_name (struct reader *r, const char **name, size_t *size)
{
  skip_space (r);
  if (r->at == r->end || *r->at != '"')
    return fail (r, "the name of a member is missing");
  const char *begin = r->at + 1;
  r->at++;
  skip_plain (r);
  if (r->at < r->end && *r->at == '"') {
    *name = begin;
    *size = (size_t) (r->at - begin);
    r->at++;
  }
  else {
    char *text;
    if (!read_escaped (r, begin, &text, size))
      return false;
    *name = text;
  }
  return expect (r, ':');
}

/* An integer without fraction and exponent. */
static bool
read_integer (struct reader *r, int64_t *number)
{
  const char *p = r->at;
  bool negative = p < r->end && *p == '-';
  p += negative;
  const char *digits = p;
  int64_t value = 0;
  for (; p < r->end && *p >= '0' && *p <= '9'; p++) {
    int digit = *p - '0';
    if (__builtin_mul_overflow (value, 10, &value) || __builtin_sub_overflow (value, digit, &value))
      return fail (r, "the number is too large");
  }
  if (p == digits || (*digits == '0' && p > digits + 1) || (p < r->end && (*p == '.' || (*p | 0x20) == 'e')))
    return fail (r, "an integer is missing");
  if (!negative && __builtin_sub_overflow (0, value, &value)) /* collected below zero, which reaches further */
    return fail (r, "the number is too large");
  *number = value;
  r->at = p;
  return true;
}

static bool
skip_digits (struct reader *r)
{
  const char *begin = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
    r->at++;
  return r->at > begin || fail (r, "a digit is missing");
}

static bool
skip_number (struct reader *r)
{
  if (*r->at == '-')
    r->at++;
  const char *begin = r->at;
  if (!skip_digits (r))
    return false;
  if (*begin == '0' && r->at > begin + 1)
    return fail (r, "a number begins with 0");
  if (take_word (r, ".") && !skip_digits (r))
    return false;
  if (r->at < r->end && (*r->at | 0x20) == 'e') {
    r->at++;
    if (!take_word (r, "+"))
      take_word (r, "-");
    return skip_digits (r);
  }
  return true;
}

static bool skip_value (struct reader *r, int depth);

static bool
skip_items (struct reader *r, int depth, char closing)
{
  r->at++;
  if (depth >= DEEPEST)
    return fail (r, "nested too deeply");
  if (take (r, closing))
    return true;
  do {
    const char *name = "";
    size_t size = 0;
    if ((closing == '}' && !read_name (r, &name, &size)) || !skip_value (r, depth + 1))
      return false;
  } while (take (r, ','));
  return expect (r, closing);
}

/* A value that nobody asked for; it must be JSON all the same. */
static bool
skip_value (struct reader *r, int depth)
{
  skip_space (r);
  if (r->at == r->end)
    return fail (r, "a value is missing");
  char *text;
  size_t size;
  switch (*r->at) {
  case '{':
    return skip_items (r, depth, '}');
  case '[':
    return skip_items (r, depth, ']');
  case '"':
    return read_string (r, &text, &size);
  case 't':
  case 'f':
  case 'n':
    return take_word (r, "true") || take_word (r, "false") || take_word (r, "null") || fail (r, "an unknown word");
  default:
    return skip_number (r);
  }
}

static bool
wrong_type (struct reader *r, const struct field *field)
{
  return fail (r, "`%.*s` must be %s", field->name_size, field->lead + 2, kind_names[field->kind]);
}

static bool
read_field_string (struct reader *r, const struct field *field, char **text, size_t *size)
{
  if (*r->at == '"')
    return read_string (r, text, size);
  wrong_type (r, field);
  return false;
}

static bool
read_text_field (struct reader *r, const struct field *field, void *base)
{
  char *text;
  size_t size;
  if (!read_field_string (r, field, &text, &size))
    return false;
  if (field->kind == KIND_BYTES)
    AT (size_t, base, field->more) = size;
  else if (memchr (text, 0, size))
    return fail (r, "`%.*s` holds a NUL", field->name_size, field->lead + 2);
  AT (const char *, base, field->offset) = text;
  return true;
}

static bool
read_outcome (struct reader *r, const struct field *field, void *base)
{
  char *text;
  size_t size;
  if (!read_field_string (r, field, &text, &size))
    return false;
  for (int i = 0; outcome_names[i]; i++)
    if (strcmp (outcome_names[i], text) == 0) {
      AT (int, base, field->offset) = i;
      return true;
    }
  return fail (r, "an unknown outcome");
}

static bool
read_number_field (struct reader *r, const struct field *field, void *base)
{
  static const int64_t most[] = { [KIND_INT64] = FARTHEST_TIME, [KIND_UINT64] = INT64_MAX,
                                  [KIND_UINT32] = UINT32_MAX, [KIND_INT] = INT32_MAX };
  int64_t number = 0, least = field->kind == KIND_INT64 ? -FARTHEST_TIME : 0;
  if (*r->at != '-' && (*r->at < '0' || *r->at > '9'))
    return wrong_type (r, field);
  if (!read_integer (r, &number))
    return false;
  if (number > most[field->kind] || number < least)
    return fail (r, "`%.*s` is out of range", field->name_size, field->lead + 2);
  if (field->kind == KIND_INT64 || field->kind == KIND_UINT64)
    AT (int64_t, base, field->offset) = number;
  else
    AT (uint32_t, base, field->offset) = (uint32_t) number;
  return true;
}

static bool
read_double (struct reader *r, const struct field *field, void *base)
{
  char digits[64]; /* strtod wants a NUL behind them; its locale is C */
  const char *begin = r->at;
  if (*begin != '-' && (*begin < '0' || *begin > '9'))
    return wrong_type (r, field);
  if (!skip_number (r))
    return false;
  size_t size = (size_t) (r->at - begin);
  if (size >= sizeof digits)
    return fail (r, "`%.*s` has too many digits", field->name_size, field->lead + 2);
  memcpy (digits, begin, size);
  digits[size] = '\0';
  double number = strtod (digits, NULL);
  if (!isfinite (number))
    return fail (r, "`%.*s` is out of range", field->name_size, field->lead + 2);
  memcpy ((char *) base + field->offset, &number, sizeof number);
  return true;
}

static bool
read_boolean (struct reader *r, const struct field *field, void *base)
{
  bool on = take_word (r, "true");
  if (!on && !take_word (r, "false"))
    return wrong_type (r, field);
  if (field->kind == KIND_BOOL)
    AT (bool, base, field->offset) = on;
  else
    AT (int, base, field->offset) = on;
  return true;
}

static bool read_members (struct reader *r, const struct record *record, void *base, uint32_t bit);

/* One more item behind `count` of `size` bytes each; `*room` of them fit. */
static void *
next_item (struct reader *r, char **items, size_t count, size_t *room, size_t size)
{
  *items = arena_grow (r->arena, *items, count, room, size);
  return *items + count * size;
}

static bool
read_item (struct reader *r, const struct field *field, void *item)
{
  if (field->kind == KIND_RECORDS)
    return read_members (r, field->record, item, 1);
  skip_space (r);
  char *text;
  size_t size;
  if (r->at == r->end || *r->at != '"')
    return wrong_type (r, field);
  if (!read_string (r, &text, &size))
    return false;
  *(char **) item = text;
  return true;
}

static bool
read_list (struct reader *r, const struct field *field, void *base)
{
  if (!take (r, '['))
    return wrong_type (r, field);
  size_t count = 0, room = 0, size = field->kind == KIND_RECORDS ? field->record->size : sizeof (char *);
  char *items = NULL;
  if (!take (r, ']')) {
    do {
      if (count == MOST_ITEMS)
        return fail (r, "`%.*s` has too many items", field->name_size, field->lead + 2);
      if (!read_item (r, field, next_item (r, &items, count++, &room, size)))
        return false;
    } while (take (r, ','));
    if (!expect (r, ']'))
      return false;
  }
  AT (char *, base, field->offset) = items;
  AT (size_t, base, field->more) = count;
  return true;
}

/* `null` counts as absent: *given says which. */
static bool
read_field (struct reader *r, const struct field *field, void *base, bool *given)
{
  skip_space (r);
  *given = true;
  if (r->at == r->end)
    return fail (r, "a value is missing");
  if (*r->at == 'n') {
    *given = false;
    return skip_value (r, 1);
  }
  switch (field->kind) {
  case KIND_TEXT:
  case KIND_BYTES:
    return read_text_field (r, field, base);
  case KIND_DOUBLE:
    return read_double (r, field, base);
  case KIND_BOOL:
  case KIND_FLAG:
    return read_boolean (r, field, base);
  case KIND_OUTCOME:
    return read_outcome (r, field, base);
  case KIND_TEXTS:
  case KIND_RECORDS:
    return read_list (r, field, base);
  default:
    return read_number_field (r, field, base);
  }
}

/* The number of the field of this name; looks first where it is in lines that we
 * write.  `count`: there is none. */
static size_t
find_field (const struct record *record, size_t guess, const char *name, size_t size)
{
  for (size_t n = 0; n < record->count; n++, guess++) {
    if (guess >= record->count)
      guess = 0;
    const struct field *field = &record->fields[guess];
    if (field->name_size == size && memcmp (field->lead + 2, name, size) == 0)
      return guess;
  }
  return record->count;
}

/* Sets what is left out, and says what may not be. */
static bool
complete (struct reader *r, const struct record *record, void *base, uint32_t bit, uint64_t seen)
{
  for (size_t i = 0; i < record->count; i++) {
    const struct field *field = &record->fields[i];
    if (seen >> i & 1)
      continue;
    if (field->required & bit)
      return fail (r, "`%.*s` is missing", field->name_size, field->lead + 2);
    if (field->preset)
      AT (uint32_t, base, field->offset) = field->preset;
  }
  return true;
}

static bool
read_members (struct reader *r, const struct record *record, void *base, uint32_t bit)
{
  uint64_t seen = 0;
  size_t guess = 0;
  if (!expect (r, '{'))
    return false;
  if (take (r, '}'))
    return complete (r, record, base, bit, seen);
  do {
    const char *name = "";
    size_t size = 0;
    if (!read_name (r, &name, &size))
      return false;
    size_t i = find_field (record, guess, name, size);
    if (i == record->count || !(record->fields[i].in & bit)) {
      if (!skip_value (r, 1))
        return false;
      continue;
    }
    bool given;
    if (seen >> i & 1)
      return fail (r, "`%.*s` is there twice", record->fields[i].name_size, record->fields[i].lead + 2);
    if (!read_field (r, &record->fields[i], base, &given))
      return false;
    seen |= (uint64_t) given << i;
    guess = i + 1;
  } while (take (r, ','));
  return expect (r, '}') && complete (r, record, base, bit, seen);
}

static int
type_of (const char *text, size_t size)
{
  for (int i = 0; i < EVENT_UNKNOWN; i++)
    if (event_names[i].size == size && memcmp (event_names[i].text, text, size) == 0)
      return i;
  return EVENT_UNKNOWN;
}

/* The type decides which members count, so it is looked for first.  In our lines
 * it is the first. */
static bool
find_type (struct reader r, int *type)
{
  if (!expect (&r, '{'))
    return false;
  if (take (&r, '}'))
    return fail (&r, "`event` is missing");
  do {
    const char *name = "";
    size_t size = 0;
    char *text;
    if (!read_name (&r, &name, &size))
      return false;
    if (size != 5 || memcmp (name, "event", 5) != 0) {
      if (!skip_value (&r, 1))
        return false;
      continue;
    }
    skip_space (&r);
    if (r.at == r.end || *r.at != '"')
      return fail (&r, "`event` must be a string");
    if (!read_string (&r, &text, &size))
      return false;
    *type = type_of (text, size);
    return true;
  } while (take (&r, ','));
  return fail (&r, "`event` is missing");
}

bool
event_read (struct arena *arena, const char *line, size_t size, struct event *out, char *error, size_t error_size)
{
  struct reader r = { arena, line, line, line + size, error, error_size };
  *out = (struct event) { .type = EVENT_UNKNOWN };
  if (size > EVENT_LINE_MAX)
    return fail (&r, "the line is longer than %zu bytes", EVENT_LINE_MAX);
  int type = EVENT_UNKNOWN;
  if (!find_type (r, &type))
    return false;
  bool ok = type == EVENT_UNKNOWN ? skip_value (&r, 0) : read_members (&r, &event_record, out, 1u << type);
  out->type = type;
  if (!ok)
    return false;
  skip_space (&r);
  return r.at == r.end || fail (&r, "something follows the event");
}
