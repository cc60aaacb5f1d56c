/* path.c - JSONPath into a tree of segments, selectors and filters; and normalized paths.
 * What a path selects is path-select.c's. */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "path-tree.h"
#include "text.h"

#define PATH_BYTES ((size_t) 64 << 10)
#define NEST_LIMIT 32                         /* parentheses, filters in filters, functions in functions */
#define PARTS_LIMIT 100                       /* of a && b && … */
#define INDEX_MOST INT64_C (9007199254740991) /* 2^53 - 1: RFC 9535, 2.1 */

/* What functions take and give: RFC 9535, 2.4.1. */
enum kind_of_value { GIVES_VALUE, GIVES_LOGICAL, GIVES_NODES };
static const struct {
  const char *name;
  enum kind_of_value gives;
  size_t count;
  enum kind_of_value takes[2];
} functions[] = {
  [FUNCTION_LENGTH] = { "length", GIVES_VALUE, 1, { GIVES_VALUE } },
  [FUNCTION_COUNT] = { "count", GIVES_VALUE, 1, { GIVES_NODES } },
  [FUNCTION_MATCH] = { "match", GIVES_LOGICAL, 2, { GIVES_VALUE, GIVES_VALUE } },
  [FUNCTION_SEARCH] = { "search", GIVES_LOGICAL, 2, { GIVES_VALUE, GIVES_VALUE } },
  [FUNCTION_VALUE] = { "value", GIVES_VALUE, 1, { GIVES_NODES } },
};

/* ---- compiling ---- */

struct parser {
  struct arena *arena;
  const char *text;
  size_t size, at;
  size_t nest;
  const char *wrong; /* the first thing that is wrong, NULL so far; the arena's */
  size_t wrong_at;
};

static bool
wrong_at (struct parser *p, size_t at, const char *why)
{
  if (!p->wrong) {
    p->wrong = why;
    p->wrong_at = at;
  }
  return false;
}

static bool
wrong (struct parser *p, const char *why)
{
  return wrong_at (p, p->at, why);
}

static int
peek (const struct parser *p)
{
  return p->at < p->size ? (unsigned char) p->text[p->at] : -1;
}

static bool
looking_at (const struct parser *p, const char *word)
{
  size_t n = strlen (word);
  return p->size - p->at >= n && memcmp (p->text + p->at, word, n) == 0;
}

static bool
take (struct parser *p, const char *word)
{
  if (!looking_at (p, word))
    return false;
  p->at += strlen (word);
  return true;
}

static void
skip_blanks (struct parser *p)
{
  while (peek (p) == ' ' || peek (p) == '\t' || peek (p) == '\n' || peek (p) == '\r')
    p->at++;
}

static bool
enter (struct parser *p)
{
  if (p->nest++ < NEST_LIMIT)
    return true;
  return wrong (p, "nested too deeply");
}

/* The length of the character at `at` if it may begin (or be in) a short name. */
static size_t
name_character (const char *text, size_t size, bool first)
{
  if (!size)
    return 0;
  unsigned char c = (unsigned char) text[0];
  if (c >= 0x80)
    return utf8_decode (text, size, NULL);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && is_digit (c));
}

static bool
parse_short_name (struct parser *p, struct selector *selector)
{
  size_t start = p->at, n;
  while ((n = name_character (p->text + p->at, p->size - p->at, p->at == start)) > 0)
    p->at += n;
  if (p->at == start)
    return wrong (p, "expected a name, * or [");
  if (peek (p) == '-')
    return wrong (p, "a name with - needs brackets: ['a-b']");
  *selector = (struct selector) { .kind = SELECT_NAME };
  selector->name = arena_copy (p->arena, p->text + start, p->at - start);
  selector->size = p->at - start;
  return true;
}

static bool
parse_hex4 (struct parser *p, uint32_t *unit)
{
  *unit = 0;
  for (int i = 0; i < 4; i++, p->at++) {
    int digit = hex_digit (peek (p));
    if (digit < 0)
      return wrong (p, "expected four hexadecimal digits after \\u");
    *unit = *unit << 4 | (uint32_t) digit;
  }
  return true;
}

static void
put_utf8 (struct buffer *out, uint32_t c)
{
  if (c < 0x80)
    buffer_putc (out, (char) c);
  else if (c < 0x800) {
    buffer_putc (out, (char) (0xc0 | c >> 6));
    buffer_putc (out, (char) (0x80 | (c & 0x3f)));
  }
  else if (c < 0x10000) {
    buffer_putc (out, (char) (0xe0 | c >> 12));
    buffer_putc (out, (char) (0x80 | (c >> 6 & 0x3f)));
    buffer_putc (out, (char) (0x80 | (c & 0x3f)));
  }
  else {
    buffer_putc (out, (char) (0xf0 | c >> 18));
    buffer_putc (out, (char) (0x80 | (c >> 12 & 0x3f)));
    buffer_putc (out, (char) (0x80 | (c >> 6 & 0x3f)));
    buffer_putc (out, (char) (0x80 | (c & 0x3f)));
  }
}

/* After `\u`. */
static bool
parse_unicode_escape (struct parser *p, struct buffer *out)
{
  size_t start = p->at - 2;
  uint32_t c, low;
  if (!parse_hex4 (p, &c))
    return false;
  if (c >= 0xdc00 && c < 0xe000)
    return wrong_at (p, start, "half of a surrogate pair");
  if (c >= 0xd800 && c < 0xdc00) {
    if (!take (p, "\\u"))
      return wrong_at (p, start, "half of a surrogate pair");
    if (!parse_hex4 (p, &low))
      return false;
    if (low < 0xdc00 || low >= 0xe000)
      return wrong_at (p, start, "half of a surrogate pair");
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  }
  put_utf8 (out, c);
  return true;
}

/* After the backslash, in quotes of the kind `quote`. */
static bool
parse_escape (struct parser *p, int quote, struct buffer *out)
{
  static const char letters[] = "bfnrt/\\", meanings[] = "\b\f\n\r\t/\\";
  int c = peek (p);
  const char *letter = c > 0 ? strchr (letters, c) : NULL;
  if (letter)
    buffer_putc (out, meanings[letter - letters]);
  else if (c == quote)
    buffer_putc (out, (char) c);
  else if (c == 'u') {
    p->at++;
    return parse_unicode_escape (p, out);
  }
  else
    return wrong_at (p, p->at - 1, "no such escape");
  p->at++;
  return true;
}

static bool
parse_quoted_into (struct parser *p, struct buffer *out)
{
  size_t start = p->at;
  int quote = peek (p);
  p->at++;
  while (peek (p) != quote) {
    size_t n = utf8_decode (p->text + p->at, p->size - p->at, NULL);
    if (p->at >= p->size)
      return wrong_at (p, start, "the quote is not closed");
    if (peek (p) == '\\') {
      p->at++;
      if (!parse_escape (p, quote, out))
        return false;
      continue;
    }
    if (n == 0)
      return wrong (p, "not UTF-8");
    if (peek (p) < 0x20)
      return wrong (p, "a control character must be escaped");
    buffer_add (out, p->text + p->at, n);
    p->at += n;
  }
  p->at++;
  return true;
}

static bool
parse_quoted (struct parser *p, const char **text, size_t *size)
{
  CLEANUP_BUFFER struct buffer out = { 0 };
  if (!parse_quoted_into (p, &out))
    return false;
  *text = arena_copy (p->arena, out.data, out.size);
  *size = out.size;
  return true;
}

/* An integer as indexes and slices have them: no leading zeros, no -0. */
static bool
parse_integer (struct parser *p, int64_t *number)
{
  size_t start = p->at;
  bool negative = take (p, "-");
  if (!is_digit (peek (p)))
    return wrong (p, "expected digits");
  bool zero = peek (p) == '0';
  int64_t n = 0;
  size_t digits = 0;
  for (; is_digit (peek (p)); p->at++, digits++) {
    n = n * 10 + (peek (p) - '0');
    if (n > INDEX_MOST)
      return wrong_at (p, start, "the number is too large");
  }
  if (zero && (digits > 1 || negative))
    return wrong_at (p, start, negative ? "-0 is no index" : "a number without leading zeros is needed");
  *number = negative ? -n : n;
  return true;
}

static bool
begins_integer (const struct parser *p)
{
  return is_digit (peek (p)) || peek (p) == '-';
}

/* After the first `:`, or at it. */
static bool
parse_slice (struct parser *p, struct slice *slice)
{
  p->at++;
  skip_blanks (p);
  slice->step = 1;
  if (begins_integer (p)) {
    slice->has_end = true;
    if (!parse_integer (p, &slice->end))
      return false;
    skip_blanks (p);
  }
  if (take (p, ":")) {
    skip_blanks (p);
    if (begins_integer (p))
      return parse_integer (p, &slice->step);
  }
  return true;
}

static bool
parse_index_or_slice (struct parser *p, struct selector *selector)
{
  int64_t number = 0;
  bool given = begins_integer (p);
  if (given && !parse_integer (p, &number))
    return false;
  size_t end = p->at;
  skip_blanks (p);
  if (peek (p) == ':') {
    *selector = (struct selector) { .kind = SELECT_SLICE };
    selector->slice = (struct slice) { .has_start = given, .start = number };
    return parse_slice (p, &selector->slice);
  }
  p->at = end;
  *selector = (struct selector) { .kind = SELECT_INDEX };
  selector->index = number;
  return true;
}

static bool parse_or (struct parser *p, struct filter *filter);

static bool
parse_filter (struct parser *p, struct selector *selector)
{
  p->at++;
  skip_blanks (p);
  struct filter *filter = arena_alloc (p->arena, sizeof *filter);
  *selector = (struct selector) { .kind = SELECT_FILTER };
  selector->filter = filter;
  if (!enter (p) || !parse_or (p, filter))
    return false;
  p->nest--;
  return true;
}

static bool
parse_selector (struct parser *p, struct selector *selector)
{
  int c = peek (p);
  if (c == '\'' || c == '"') {
    *selector = (struct selector) { .kind = SELECT_NAME };
    return parse_quoted (p, &selector->name, &selector->size);
  }
  if (c == '*') {
    p->at++;
    *selector = (struct selector) { .kind = SELECT_ALL };
    return true;
  }
  if (c == '?')
    return parse_filter (p, selector);
  if (c == ':' || begins_integer (p))
    return parse_index_or_slice (p, selector);
  return wrong (p, "expected a quoted name, an index, a slice, * or a filter");
}

static bool
parse_brackets (struct parser *p, struct segment *segment)
{
  struct selector *selectors = NULL;
  size_t n = 0;
  p->at++;
  do {
    skip_blanks (p);
    selectors = path_room_for_one (p->arena, selectors, n, sizeof *selectors);
    if (!parse_selector (p, &selectors[n]))
      return false;
    n++;
    skip_blanks (p);
  } while (take (p, ","));
  segment->selectors = selectors;
  segment->count = n;
  return take (p, "]") ? true : wrong (p, "expected ]");
}

static bool
parse_dotted (struct parser *p, struct segment *segment)
{
  struct selector *selector = arena_alloc (p->arena, sizeof *selector);
  segment->selectors = selector;
  segment->count = 1;
  if (take (p, "*")) {
    selector->kind = SELECT_ALL;
    return true;
  }
  return parse_short_name (p, selector);
}

static bool
parse_segment (struct parser *p, struct segment *segment)
{
  *segment = (struct segment) { 0 };
  if (take (p, "..")) {
    segment->descend = true;
    return peek (p) == '[' ? parse_brackets (p, segment) : parse_dotted (p, segment);
  }
  if (take (p, "."))
    return parse_dotted (p, segment);
  return parse_brackets (p, segment);
}

static bool
is_singular (const struct path *path)
{
  for (size_t i = 0; i < path->count; i++) {
    const struct segment *s = &path->segments[i];
    if (s->descend || s->count != 1
        || (s->selectors[0].kind != SELECT_NAME && s->selectors[0].kind != SELECT_INDEX))
      return false;
  }
  return true;
}

/* At `$` or `@`.  Blanks after the last segment are left. */
static bool
parse_path (struct parser *p, struct path *path)
{
  struct segment *segments = NULL;
  size_t n = 0;
  path->relative = peek (p) == '@';
  p->at++;
  for (;;) {
    size_t end = p->at;
    skip_blanks (p);
    if (peek (p) != '.' && peek (p) != '[') {
      p->at = end;
      break;
    }
    segments = path_room_for_one (p->arena, segments, n, sizeof *segments);
    if (!parse_segment (p, &segments[n]))
      return false;
    n++;
  }
  path->segments = segments;
  path->count = n;
  path->singular = is_singular (path);
  return true;
}

/* ---- compiling filters ---- */

static bool
skip_digits (struct parser *p)
{
  if (!is_digit (peek (p)))
    return wrong (p, "expected digits");
  while (is_digit (peek (p)))
    p->at++;
  return true;
}

static bool
parse_number (struct parser *p, struct value *number)
{
  size_t start = p->at;
  take (p, "-");
  if (peek (p) == '0' && p->at + 1 < p->size && is_digit ((unsigned char) p->text[p->at + 1]))
    return wrong (p, "a number without leading zeros is needed");
  if (!skip_digits (p))
    return false;
  bool integer = true;
  if (take (p, ".")) {
    integer = false;
    if (!skip_digits (p))
      return false;
  }
  if (peek (p) == 'e' || peek (p) == 'E') {
    integer = false;
    p->at++;
    if (peek (p) == '+' || peek (p) == '-')
      p->at++;
    if (!skip_digits (p))
      return false;
  }
  const char *text = arena_copy (p->arena, p->text + start, p->at - start);
  if (integer) {
    errno = 0;
    long long n = strtoll (text, NULL, 10);
    if (errno == 0) {
      *number = value_int (n);
      return true;
    }
  }
  *number = value_float (strtod (text, NULL));
  return isfinite (number->number) ? true : wrong_at (p, start, "the number is too large");
}

static bool parse_operand (struct parser *p, struct operand *operand);

/* What an operand is, as an argument or to compare. */
static enum kind_of_value
operand_gives (const struct operand *operand)
{
  switch (operand->kind) {
  case OPERAND_FUNCTION:
    return functions[operand->function].gives;
  case OPERAND_PATH:
    return GIVES_NODES;
  default:
    return GIVES_VALUE;
  }
}

static bool
fits (const struct operand *operand, enum kind_of_value wanted)
{
  enum kind_of_value gives = operand_gives (operand);
  return gives == wanted || (wanted == GIVES_VALUE && operand->kind == OPERAND_PATH && operand->path->singular);
}

static bool
parse_arguments (struct parser *p, struct operand *operand)
{
  size_t count = functions[operand->function].count;
  struct operand *arguments = arena_array (p->arena, count, sizeof *arguments);
  operand->arguments = arguments;
  for (size_t i = 0; i < count; i++) {
    skip_blanks (p);
    size_t start = p->at;
    if (i && !take (p, ","))
      return wrong (p, "expected a comma and a second argument");
    skip_blanks (p);
    if (i)
      start = p->at;
    if (!parse_operand (p, &arguments[i]))
      return false;
    enum kind_of_value takes = functions[operand->function].takes[i];
    if (!fits (&arguments[i], takes))
      return wrong_at (p, start, takes == GIVES_NODES ? "expected a path"
                       : "expected a value or a path to one value");
  }
  skip_blanks (p);
  return take (p, ")") ? true : wrong (p, "expected )");
}

static bool
parse_function (struct parser *p, struct operand *operand)
{
  size_t start = p->at;
  while ((peek (p) >= 'a' && peek (p) <= 'z') || (p->at > start && (peek (p) == '_' || is_digit (peek (p)))))
    p->at++;
  size_t n = p->at - start;
  if (n == 0)
    return wrong (p, "expected a value, a path or a function");
  *operand = (struct operand) { .kind = OPERAND_FUNCTION };
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strlen (functions[i].name) == n && memcmp (functions[i].name, p->text + start, n) == 0) {
      operand->function = (enum function) i;
      if (!take (p, "("))
        return wrong (p, "expected (");
      if (!enter (p) || !parse_arguments (p, operand))
        return false;
      p->nest--;
      return true;
    }
  return wrong_at (p, start, peek (p) == '(' ? "no such function (there are length, count, match, search, value)"
                                             : "expected a value (texts in quotes), a path or a function");
}

static bool
parse_operand_path (struct parser *p, struct operand *operand)
{
  struct path *path = arena_alloc (p->arena, sizeof *path);
  *operand = (struct operand) { .kind = OPERAND_PATH, .path = path };
  return parse_path (p, path);
}

/* Is it this word, and not the beginning of another? */
static bool
take_word (struct parser *p, const char *word)
{
  size_t n = strlen (word);
  if (!looking_at (p, word) || name_character (p->text + p->at + n, p->size - p->at - n, false)
      || (p->at + n < p->size && p->text[p->at + n] == '('))
    return false;
  p->at += n;
  return true;
}

static bool
parse_operand (struct parser *p, struct operand *operand)
{
  *operand = (struct operand) { .kind = OPERAND_LITERAL };
  int c = peek (p);
  if (c == '\'' || c == '"') {
    operand->literal.type = VALUE_STRING;
    return parse_quoted (p, &operand->literal.string, &operand->literal.size);
  }
  if (begins_integer (p))
    return parse_number (p, &operand->literal);
  if (c == '$' || c == '@')
    return parse_operand_path (p, operand);
  if (take_word (p, "true"))
    operand->literal = value_bool (true);
  else if (take_word (p, "false"))
    operand->literal = value_bool (false);
  else if (!take_word (p, "null"))
    return parse_function (p, operand);
  return true;
}

static bool
take_comparison (struct parser *p, enum comparison *comparison)
{
  static const char *const signs[] = { [COMPARE_EQ] = "==", [COMPARE_NE] = "!=", [COMPARE_LE] = "<=",
                                       [COMPARE_GE] = ">=", [COMPARE_LT] = "<",  [COMPARE_GT] = ">" };
  static const enum comparison order[] = { COMPARE_EQ, COMPARE_NE, COMPARE_LE, COMPARE_GE, COMPARE_LT, COMPARE_GT };
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    if (take (p, signs[order[i]])) {
      *comparison = order[i];
      return true;
    }
  return false;
}

static bool
parse_comparable (struct parser *p, struct operand *operand)
{
  size_t start = p->at;
  return parse_operand (p, operand)
         && (fits (operand, GIVES_VALUE) || wrong_at (p, start, "only values and paths to one value are compared"));
}

static bool
parse_test (struct parser *p, struct filter *filter)
{
  size_t start = p->at;
  if (!parse_operand (p, &filter->a))
    return false;
  size_t end = p->at;
  skip_blanks (p);
  if (take_comparison (p, &filter->comparison)) {
    filter->kind = FILTER_COMPARE;
    if (!fits (&filter->a, GIVES_VALUE))
      return wrong_at (p, start, "only values and paths to one value are compared");
    skip_blanks (p);
    return parse_comparable (p, &filter->b);
  }
  if (peek (p) == '=')
    return wrong (p, "expected == (not =)");
  if (operand_gives (&filter->a) == GIVES_VALUE)
    return wrong (p, "expected a comparison");
  p->at = end;
  filter->kind = filter->a.kind == OPERAND_PATH ? FILTER_EXISTS : FILTER_FUNCTION;
  return true;
}

static bool
parse_parentheses (struct parser *p, struct filter *filter)
{
  p->at++;
  skip_blanks (p);
  if (!enter (p) || !parse_or (p, filter))
    return false;
  p->nest--;
  skip_blanks (p);
  return take (p, ")") ? true : wrong (p, "expected )");
}

static bool
parse_basic (struct parser *p, struct filter *filter)
{
  if (peek (p) == '(')
    return parse_parentheses (p, filter);
  if (peek (p) != '!')
    return parse_test (p, filter);
  p->at++;
  skip_blanks (p);
  struct filter *inner = arena_alloc (p->arena, sizeof *inner);
  *filter = (struct filter) { .kind = FILTER_NOT, .left = inner };
  if (peek (p) == '!')
    return wrong (p, "! twice");
  size_t start = p->at;
  if (!parse_basic (p, inner))
    return false;
  if (inner->kind == FILTER_COMPARE && p->text[start] != '(')
    return wrong_at (p, start, "expected ( : a comparison after ! needs parentheses");
  return true;
}

/* Operands with `&&` (or `||`) between them, as a chain that leans to the left. */
static bool
parse_chain (struct parser *p, struct filter *filter, const char *sign, enum filter_kind kind,
             bool (*parse_part) (struct parser *, struct filter *))
{
  if (!parse_part (p, filter))
    return false;
  for (size_t parts = 1;; parts++) {
    size_t end = p->at;
    skip_blanks (p);
    if (!take (p, sign)) {
      p->at = end;
      return true;
    }
    if (parts >= PARTS_LIMIT)
      return wrong (p, "too many parts");
    skip_blanks (p);
    struct filter *left = arena_alloc (p->arena, sizeof *left), *right = arena_alloc (p->arena, sizeof *right);
    *left = *filter;
    *filter = (struct filter) { .kind = kind, .left = left, .right = right };
    if (!parse_part (p, right))
      return false;
  }
}

static bool
parse_and (struct parser *p, struct filter *filter)
{
  return parse_chain (p, filter, "&&", FILTER_AND, parse_basic);
}

static bool
parse_or (struct parser *p, struct filter *filter)
{
  return parse_chain (p, filter, "||", FILTER_OR, parse_and);
}

bool
path_is (const char *text, size_t size)
{
  return size >= 1 && text[0] == '$' && (size == 1 || text[1] == '.' || text[1] == '[');
}

static bool
parse_whole (struct parser *p, struct path *path)
{
  if (p->size > PATH_BYTES)
    return wrong (p, "the path is too long");
  if (peek (p) != '$')
    return wrong (p, "expected $");
  if (!parse_path (p, path))
    return false;
  if (p->at == p->size)
    return true;
  skip_blanks (p);
  return wrong (p, p->at == p->size ? "blanks at the end" : "expected . or [");
}

struct path *
path_compile (struct arena *arena, const char *text, size_t size, char *error, size_t error_size)
{
  struct parser p = { .arena = arena, .text = text, .size = size };
  struct path *path = arena_alloc (arena, sizeof *path);
  if (parse_whole (&p, path))
    return path;
  snprintf (error, error_size, "at character %zu: %s", utf8_count (text, p.wrong_at) + 1, p.wrong);
  return NULL;
}

bool
path_singular (const struct path *path)
{
  return path->singular;
}

bool
path_goes_to (const struct path *path, const char *name)
{
  const struct segment *first = path->count ? &path->segments[0] : NULL;
  for (size_t i = 0; first && !first->descend && i < first->count; i++) {
    const struct selector *s = &first->selectors[i];
    if (s->kind == SELECT_NAME && s->size == strlen (name) && memcmp (s->name, name, s->size) == 0)
      return true;
  }
  return false;
}

/* ---- normalized paths ---- */

static bool
is_short_name (const char *name, size_t size)
{
  for (size_t i = 0, n; i < size; i += n) {
    n = name_character (name + i, size - i, i == 0);
    if (n == 0)
      return false;
  }
  return size > 0;
}

void
path_add_name (struct buffer *out, const char *name, size_t size)
{
  if (is_short_name (name, size)) {
    buffer_putc (out, '.');
    buffer_add (out, name, size);
    return;
  }
  static const char letters[] = "bfnrt'\\", meanings[] = "\b\f\n\r\t'\\";
  buffer_lit (out, "['");
  for (size_t i = 0; i < size;) {
    unsigned char c = (unsigned char) name[i];
    size_t n = utf8_decode (name + i, size - i, NULL);
    const char *meaning = c ? strchr (meanings, c) : NULL;
    if (meaning)
      buffer_printf (out, "\\%c", letters[meaning - meanings]);
    else if (n == 0)
      buffer_printf (out, "\\udc%02x", c); /* no text: as JSON is written by json.h */
    else if (c < 0x20)
      buffer_printf (out, "\\u%04x", c);
    else
      buffer_add (out, name + i, n);
    i += n ? n : 1;
  }
  buffer_lit (out, "']");
}

void
path_add_index (struct buffer *out, size_t index)
{
  buffer_printf (out, "[%zu]", index);
}
