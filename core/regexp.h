/* regexp.h - PCRE2 with limits and a cache of compiled expressions. */
#ifndef REGEXP_H
#define REGEXP_H

#include <stdbool.h>
#include <stddef.h>

enum regex_result { REGEX_NO = 0, REGEX_YES = 1, REGEX_WRONG = -1 };

/* Searches `text` for `regex` (UTF mode when both are valid UTF-8).  Fills up to
 * `n` pairs of offsets (SIZE_MAX: group did not take part) and the number of
 * groups + 1 in *found (may be NULL).  REGEX_WRONG: does not compile or ran over
 * the match limits; `error` says.  Safe in threads. */
int regex_search (const char *regex, size_t regex_size, const char *text, size_t size, size_t *groups, size_t n,
                  size_t *found, char *error, size_t error_size);
/* The same from byte `start` of the text on; what is before it can be looked at (^, \b, (?<=…)). */
int regex_search_from (const char *regex, size_t regex_size, const char *text, size_t size, size_t start,
                       size_t *groups, size_t n, size_t *found, char *error, size_t error_size);
/* Compiles it and says what is wrong with it, and where (characters from 0). */
bool regex_check (const char *regex, size_t regex_size, size_t *offset, char *error, size_t error_size);
/* Is there a match of a pattern out of a plugin's table in the text?  Both are taken as bytes.  For many short
 * texts, and only while there is one thread: what is compiled and made for a match is kept. */
bool regex_fits (const char *pattern, const char *text, size_t size);

#endif
