/* text.h - small things with texts: UTF-8, quoting, the nearest name, time. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

/* Length in bytes of the valid UTF-8 character at `text` (no surrogates, no
 * overlong forms), 0 if it is none; the code point in *point (may be NULL). */
size_t utf8_decode (const char *text, size_t size, uint32_t *point);
bool utf8_valid (const char *text, size_t size);
size_t utf8_count (const char *text, size_t size); /* characters; a bad byte counts as one */
/* How many columns of a terminal a character takes: 0 (it is put over the one before), 1 or 2; of a text, where a
 * bad byte takes one. */
size_t utf8_width (uint32_t point);
size_t utf8_columns (const char *text, size_t size);

/* Adds a text in double quotes; `"`, `\`, control characters and bytes that are
 * not UTF-8 escaped (\n, \x1b); at most about `limit` bytes, then `…`. */
void text_quote (struct buffer *out, const char *text, size_t size, size_t limit);

/* The candidate nearest to `name` that is near enough to be meant, or NULL.
 * Candidates come one after the other: start with *best = NULL, *distance = 0. */
void text_nearest (const char *name, const char *candidate, const char **best, size_t *distance);

/* Is it one of the names?  The list ends with NULL. */
bool text_is_one_of (const char *text, size_t size, const char *const *names);

/* Whatever the locale is. */
static inline bool
is_digit (int c)
{
  return c >= '0' && c <= '9';
}

/* The value of a hexadecimal digit; -1: it is none. */
static inline int
hex_digit (int c)
{
  if (is_digit (c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* How many bytes at the beginning are printable ASCII. */
size_t text_plain (const char *text, size_t size);

/* How many bytes are before the first whole line of a text that was cut at its beginning; 0: it has no other line. */
size_t text_cut_line (const char *text, size_t size);

/* Is it a reserved word of Lua? */
bool text_is_reserved (const char *text, size_t size);
/* Is it a Lua identifier that is no reserved word? */
bool text_is_name (const char *text, size_t size);

/* Now, in microseconds since 1970. */
int64_t time_now_us (void);
/* The monotonic clock, in nanoseconds. */
int64_t clock_now_ns (void);

#endif
