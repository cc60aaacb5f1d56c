/* secret.c - see secret.h.
 *
 * Encodings that give one text (hex, base64) are looked for byte by byte, base64
 * also with a line's end between any two of its characters.  URL
 * and JSON leave the writer a choice for every character (`a`, `%61`; `/`, `\/`,
 * `\u002f`), so these are decoded while they are compared: then no spelling is
 * missed.  Base64 text depends on what surrounds the secret: characters that the
 * secret alone determines are looked for, in the three alignments. */
#include "config.h"

#include "secret.h"

#include <stdlib.h>

#include "arena.h"
#include "text.h"

#define SHORTEST_LINE 8
#define INDENT_MOST 64 /* blanks at the beginning of a line of base64 */

enum spelling { SPELLING_FIXED, SPELLING_BASE64, SPELLING_URL, SPELLING_JSON };

struct pattern {
  enum spelling spelling;
  unsigned char *data;
  size_t size;
};
static struct pattern *patterns;
static size_t pattern_count, pattern_room;

/* Which patterns can begin with a byte. */
static struct bucket { uint32_t *numbers; size_t count, room; } buckets[256];

/* A bit for each two bytes that a pattern can begin with: without this first look
 * ten secrets would cost eleven times as much for every byte of every text. */
static uint64_t pairs[65536 / 64];

/* ---- filling the list ---- */

static void
add_pair (unsigned char first, unsigned char second)
{
  size_t pair = (size_t) first << 8 | second;
  pairs[pair / 64] |= UINT64_C (1) << pair % 64;
}

static void
add_pairs (unsigned char first, const char *seconds)
{
  while (*seconds)
    add_pair (first, (unsigned char) *seconds++);
}

/* All that the first two bytes of the pattern can be spelled as. */
static void
add_beginnings (const struct pattern *pattern)
{
  unsigned char first = pattern->data[0], second = pattern->data[1];
  add_pair (first, second);
  if (pattern->spelling == SPELLING_URL) {
    add_pairs (first, second == ' ' ? "%+" : "%");
    add_pairs ('%', "0123456789abcdefABCDEF");
    if (first == ' ') {
      add_pair ('+', second);
      add_pairs ('+', "%+");
    }
  }
  else if (pattern->spelling == SPELLING_BASE64)
    add_pairs (first, "\r\n\\");
  else if (pattern->spelling == SPELLING_JSON) {
    add_pairs (first, "\\");
    add_pairs ('\\', "\"\\/bfnrtu");
  }
}

static void
add_to_bucket (unsigned char first, size_t number)
{
  struct bucket *bucket = &buckets[first];
  if (bucket->count == bucket->room) {
    bucket->room = bucket->room ? bucket->room * 2 : 8;
    bucket->numbers = xrealloc (bucket->numbers, bucket->room, sizeof *bucket->numbers);
  }
  bucket->numbers[bucket->count++] = (uint32_t) number;
}

static bool
is_known (enum spelling spelling, const void *data, size_t size)
{
  for (size_t i = 0; i < pattern_count; i++)
    if (patterns[i].spelling == spelling && patterns[i].size == size && memcmp (patterns[i].data, data, size) == 0)
      return true;
  return false;
}

static void
add_pattern (enum spelling spelling, const void *data, size_t size)
{
  if (is_known (spelling, data, size))
    return;
  if (pattern_count == pattern_room) {
    pattern_room = pattern_room ? pattern_room * 2 : 16;
    patterns = xrealloc (patterns, pattern_room, sizeof *patterns);
  }
  struct pattern *pattern = &patterns[pattern_count];
  *pattern = (struct pattern) { spelling, xmalloc (size), size };
  memcpy (pattern->data, data, size);
  add_to_bucket (pattern->data[0], pattern_count);
  add_beginnings (pattern);
  if (spelling == SPELLING_URL && pattern->data[0] != '%')
    add_to_bucket ('%', pattern_count);
  if (spelling == SPELLING_URL && pattern->data[0] == ' ')
    add_to_bucket ('+', pattern_count);
  if (spelling == SPELLING_JSON && pattern->data[0] != '\\')
    add_to_bucket ('\\', pattern_count);
  pattern_count++;
}

static void
add_hex (const unsigned char *data, size_t size, const char *digits)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  for (size_t i = 0; i < size; i++) {
    buffer_putc (&text, digits[data[i] >> 4]);
    buffer_putc (&text, digits[data[i] & 15]);
  }
  add_pattern (SPELLING_FIXED, text.data, text.size);
}

/* The base64 characters of the bits from `bit` on, as many as `size` bytes that
 * begin at bit `begin` determine; *rest: bits of them in the character after. */
static void
encode_base64 (struct buffer *text, const unsigned char *data, size_t size, size_t begin, const char *alphabet,
               size_t *rest)
{
  size_t end = begin + 8 * size;
  size_t bit = (begin + 5) / 6 * 6;
  unsigned index;
  for (; bit + 6 <= end; bit += 6) {
    index = 0;
    for (size_t b = bit - begin; b < bit - begin + 6; b++)
      index = index << 1 | (data[b / 8] >> (7 - b % 8) & 1u);
    buffer_putc (text, alphabet[index]);
  }
  *rest = end - bit;
}

/* The secret at byte `offset` of a group of three. */
static void
add_base64 (const unsigned char *data, size_t size, size_t offset, const char *alphabet)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  size_t rest;
  encode_base64 (&text, data, size, 8 * offset, alphabet, &rest);
  add_pattern (SPELLING_BASE64, text.data, text.size);
  if (rest == 0)
    return;
  /* Where the encoded text ends with the secret, zeros fill the last character. */
  unsigned last = (unsigned) data[size - 1] << (6 - rest) & 63u;
  buffer_putc (&text, alphabet[last]);
  add_pattern (SPELLING_BASE64, text.data, text.size);
}

static void
add_spellings (const char *text, size_t size)
{
#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  static const char *const alphabets[] = { ALPHABET "+/", ALPHABET "-_" };
  const unsigned char *data = (const unsigned char *) text;
  add_pattern (SPELLING_FIXED, data, size);
  add_pattern (SPELLING_URL, data, size);
  add_pattern (SPELLING_JSON, data, size);
  add_hex (data, size, "0123456789abcdef");
  add_hex (data, size, "0123456789ABCDEF");
  for (size_t a = 0; a < 2; a++)
    for (size_t offset = 0; offset < 3; offset++)
      add_base64 (data, size, offset, alphabets[a]);
}

static size_t
without_line_end (const char *data, size_t size)
{
  while (size && (data[size - 1] == '\n' || data[size - 1] == '\r'))
    size--;
  return size;
}

static void
add_lines (const char *data, size_t size)
{
  while (size) {
    const char *newline = memchr (data, '\n', size);
    size_t line = newline ? (size_t) (newline - data) : size;
    size_t kept = without_line_end (data, line);
    if (kept >= SHORTEST_LINE)
      add_spellings (data, kept);
    size_t step = newline ? line + 1 : line;
    data += step;
    size -= step;
  }
}

bool
secret_add (const char *data, size_t size)
{
  if (size < SECRET_SHORTEST)
    return false;
  add_spellings (data, size);
  size_t kept = without_line_end (data, size);
  if (kept < size && kept >= SECRET_SHORTEST)
    add_spellings (data, kept);
  if (memchr (data, '\n', kept))
    add_lines (data, kept);
  return true;
}

bool
secret_any (void)
{
  return pattern_count > 0;
}

void
secret_forget_all (void)
{
  for (size_t i = 0; i < pattern_count; i++)
    free (patterns[i].data);
  free (patterns);
  patterns = NULL;
  pattern_count = pattern_room = 0;
  memset (pairs, 0, sizeof pairs);
  for (size_t i = 0; i < 256; i++) {
    free (buckets[i].numbers);
    buckets[i] = (struct bucket) { 0 };
  }
}

/* ---- comparing ---- */

/* How a text compares with a pattern: bytes of the text that are it, or NO_MATCH. */
#define NO_MATCH ((size_t) 0)

/* The text has ended before the pattern: is it the beginning of one that was cut?  `same` of its bytes are there. */
static size_t
cut_match (bool cut, size_t same, size_t size)
{
  return cut && same >= SECRET_SHORTEST ? size : NO_MATCH;
}

static size_t
compare_fixed (const struct pattern *pattern, const char *text, size_t size, bool cut)
{
  if (size >= pattern->size)
    return memcmp (text, pattern->data, pattern->size) == 0 ? pattern->size : NO_MATCH;
  return cut && memcmp (text, pattern->data, size) == 0 ? cut_match (cut, size, size) : NO_MATCH;
}

/* The size of one character of a line's end, plain or escaped as in JSON; 0: it is not there. */
static size_t
line_end (const char *text, size_t size, char plain, char escaped)
{
  if (size && text[0] == plain)
    return 1;
  return size > 1 && text[0] == '\\' && text[1] == escaped ? 2 : 0;
}

/* What may stand between two characters of base64: one end of a line and the blanks behind it; 0: nothing does. */
static size_t
line_break (const char *text, size_t size)
{
  size_t at = line_end (text, size, '\r', 'r');
  at += line_end (text + at, size - at, '\n', 'n');
  for (size_t i = 0; at && i < INDENT_MOST && at < size && (text[at] == ' ' || text[at] == '\t'); i++)
    at++;
  return at;
}

static size_t
compare_base64 (const struct pattern *pattern, const char *text, size_t size, bool cut)
{
  size_t at = 0;
  for (size_t i = 0; i < pattern->size; i++, at++) {
    if (i && at < size && (unsigned char) text[at] != pattern->data[i])
      at += line_break (text + at, size - at);
    if (at >= size)
      return cut_match (cut, i, size);
    if ((unsigned char) text[at] != pattern->data[i])
      return NO_MATCH;
  }
  return at;
}

static size_t
compare_url (const struct pattern *pattern, const char *text, size_t size, bool cut)
{
  size_t at = 0;
  for (size_t i = 0; i < pattern->size; i++) {
    if (at == size)
      return cut_match (cut, i, size);
    unsigned char c = (unsigned char) text[at];
    if (c != '%') {
      if (c != pattern->data[i] && !(c == '+' && pattern->data[i] == ' '))
        return NO_MATCH;
      at++;
      continue;
    }
    static const char digits[] = "0123456789abcdef";
    for (size_t d = 1; d < 3; d++) {
      if (at + d == size)
        return cut_match (cut, i, size);
      int digit = hex_digit (text[at + d]);
      if (digit < 0 || digits[digit] != digits[pattern->data[i] >> (d == 1 ? 4 : 0) & 15])
        return NO_MATCH;
    }
    at += 3;
  }
  return at;
}

/* The code of `\uXXXX` at the beginning of the text; -1: there is none. */
static long
unicode_escape (const char *text, size_t size)
{
  long code = 0;
  if (size < 6 || text[0] != '\\' || text[1] != 'u')
    return -1;
  for (size_t i = 2; i < 6; i++) {
    int digit = hex_digit (text[i]);
    if (digit < 0)
      return -1;
    code = code << 4 | digit;
  }
  return code;
}

static size_t
put_utf8 (unsigned char *to, long code)
{
  if (code >= 0xdc80 && code <= 0xdcff) { /* a byte that is not UTF-8, see json.h */
    to[0] = (unsigned char) (code & 0xff);
    return 1;
  }
  if (code < 0x80) {
    to[0] = (unsigned char) code;
    return 1;
  }
  size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = n; i-- > 1; code >>= 6)
    to[i] = (unsigned char) (0x80 | (code & 0x3f));
  to[0] = (unsigned char) ((0xff00 >> n & 0xff) | code);
  return n;
}

/* Decodes the escape at the beginning of the text.  Returns its size, or NO_MATCH; what it
 * means is in `meant`. */
static size_t
json_escape (const char *text, size_t size, unsigned char *meant, size_t *meant_size)
{
  static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  if (size < 2)
    return NO_MATCH;
  if (text[1] != 'u') {
    const char *found = text[1] ? strchr (letters, text[1]) : NULL;
    if (!found)
      return NO_MATCH;
    meant[0] = (unsigned char) meanings[found - letters];
    *meant_size = 1;
    return 2;
  }
  long code = unicode_escape (text, size);
  if (code < 0)
    return NO_MATCH;
  size_t used = 6;
  if (code >= 0xd800 && code < 0xdc00) {
    long low = unicode_escape (text + 6, size - 6);
    if (low < 0xdc00 || low > 0xdfff)
      return NO_MATCH;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    used = 12;
  }
  *meant_size = put_utf8 (meant, code);
  return used;
}

#define LONGEST_ESCAPE 12 /* of JSON: two of 6 */

static size_t
compare_json (const struct pattern *pattern, const char *text, size_t size, bool cut)
{
  size_t at = 0;
  for (size_t i = 0; i < pattern->size;) {
    if (at == size)
      return cut_match (cut, i, size);
    if (text[at] != '\\') {
      if ((unsigned char) text[at++] != pattern->data[i++])
        return NO_MATCH;
      continue;
    }
    unsigned char meant[4];
    size_t n = 0, used = json_escape (text + at, size - at, meant, &n);
    if (used == NO_MATCH) /* it may have been cut itself */
      return size - at < LONGEST_ESCAPE ? cut_match (cut, i, size) : NO_MATCH;
    if (n > pattern->size - i || memcmp (meant, pattern->data + i, n) != 0)
      return NO_MATCH;
    at += used;
    i += n;
  }
  return at;
}

/* `cut`: the text goes on where it is not seen, a beginning of the pattern is enough at its end. */
static size_t
compare (const struct pattern *pattern, const char *text, size_t size, bool cut)
{
  switch (pattern->spelling) {
  case SPELLING_BASE64:
    return compare_base64 (pattern, text, size, cut);
  case SPELLING_URL:
    return compare_url (pattern, text, size, cut);
  case SPELLING_JSON:
    return compare_json (pattern, text, size, cut);
  default:
    return compare_fixed (pattern, text, size, cut);
  }
}

/* May it be of what is left of `%2f` or `\u002f`? */
static bool
hex_or_u (char c)
{
  return hex_digit (c) >= 0 || c == 'u';
}

/* The longest end of a pattern that the text begins with, or NO_MATCH. */
static size_t
longest_rest (const char *text, size_t size, bool cut)
{
  size_t longest = NO_MATCH;
  for (size_t i = 0; i < pattern_count; i++)
    for (size_t at = 1; at + SECRET_SHORTEST <= patterns[i].size; at++) {
      struct pattern rest = { patterns[i].spelling, patterns[i].data + at, patterns[i].size - at };
      size_t n = compare (&rest, text, size, cut);
      if (n > longest)
        longest = n;
    }
  return longest;
}

/* What is left of a secret at the beginning: its first character may be half an escape. */
static size_t
begun_match (const char *text, size_t size, bool cut)
{
  size_t n = longest_rest (text, size, cut);
  for (size_t skip = 1; n == NO_MATCH && skip < LONGEST_ESCAPE / 2 && skip < size && hex_or_u (text[skip - 1]); skip++) {
    n = longest_rest (text + skip, size - skip, cut);
    n = n == NO_MATCH ? NO_MATCH : n + skip;
  }
  return n;
}

/* The longest pattern that the text begins with, or NO_MATCH. */
static size_t
longest_match (const char *text, size_t size, bool cut)
{
  const struct bucket *bucket = &buckets[(unsigned char) text[0]];
  size_t longest = NO_MATCH;
  for (size_t i = 0; i < bucket->count; i++) {
    const struct pattern *pattern = &patterns[bucket->numbers[i]];
    size_t n = compare (pattern, text, size, cut);
    if (n > longest)
      longest = n;
  }
  return longest;
}

/* ---- masking ---- */

/* A first look: can a pattern begin here at all? */
static inline bool
may_begin (const char *text, size_t size)
{
  if (size < 2)
    return buckets[(unsigned char) text[0]].count > 0;
  size_t pair = (size_t) (unsigned char) text[0] << 8 | (unsigned char) text[1];
  return pairs[pair / 64] >> pair % 64 & 1;
}

/* Appends the text masked to `out`, of which the first `begun` bytes are to be masked.  Secrets that
 * overlap become one `***`. */
static void
mask (const char *text, size_t size, size_t begun, bool cut, struct buffer *out)
{
  size_t end = begun; /* of what is masked so far; from there on nothing has been appended */
  if (begun)
    buffer_lit (out, "***");
  for (size_t i = 0; i < size; i++) {
    if (!may_begin (text + i, size - i))
      continue;
    size_t n = longest_match (text + i, size - i, cut);
    if (n == NO_MATCH)
      continue;
    if (i >= end) {
      buffer_add (out, text + end, i - end);
      buffer_lit (out, "***");
    }
    if (i + n > end)
      end = i + n;
  }
  buffer_add (out, text + end, size - end);
}

/* Is there anything to be masked?  Most texts hold nothing, and need no copy. */
static size_t
first_match (const char *text, size_t size, bool cut)
{
  for (size_t i = 0; i < size; i++)
    if (may_begin (text + i, size - i) && longest_match (text + i, size - i, cut) != NO_MATCH)
      return i;
  return size;
}

static void
mask_piece (struct buffer *buffer, size_t from, enum secret_cut where)
{
  if (!pattern_count || from >= buffer->size)
    return;
  bool cut = where & SECRET_CUT_END;
  const char *text = buffer->data + from;
  size_t size = buffer->size - from, begun = where & SECRET_CUT_BEGIN ? begun_match (text, size, cut) : 0;
  size_t first = begun ? 0 : first_match (text, size, cut);
  if (first == size)
    return;
  CLEANUP_BUFFER struct buffer masked = { 0 };
  mask (text + first, size - first, begun, cut, &masked);
  buffer->size = from + first;
  buffer_add (buffer, masked.data, masked.size);
}

void
secret_mask (struct buffer *buffer, size_t from)
{
  mask_piece (buffer, from, 0);
}

void
secret_mask_cut (struct buffer *buffer, size_t from, enum secret_cut where)
{
  mask_piece (buffer, from, where);
}
