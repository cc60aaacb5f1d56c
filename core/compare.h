/* compare.h - which of two values is more: numbers, durations, sizes, times, texts.
 * Only what `$gt` and its like compare; equality is value_equal's. */
#ifndef COMPARE_H
#define COMPARE_H

#include "value.h"

/* Can it be compared with: a number that is not NaN, or a text? */
bool compare_usable (const struct value *expected);
/* How `actual` stands to `expected`, whose kind decides: a number wants a number; a text
 * with a unit a text with one of that kind or a number (seconds, bytes); an ISO 8601 time
 * another one; other texts other texts, by their bytes.  VALUE_UNORDERED: not comparable,
 * *why (static) says what `actual` is not: "is no duration". */
enum value_order compare_values (const struct value *actual, const struct value *expected, const char **why);

/* Is `within` usable with `expected`: a number not below 0, a duration with durations and
 * times, a size with sizes? */
bool compare_near_usable (const struct value *expected, const struct value *within);
/* Is `actual` at most `within` away from `expected`?  1, 0, or -1 with *why as above. */
int compare_near (const struct value *actual, const struct value *expected, const struct value *within,
                  const char **why);

/* ISO 8601: 2024-05-01, 2024-05-01T10:00, 2024-05-01T10:00:00.5Z, …+02:00.  Nanoseconds
 * since 1970 fit nowhere small, so seconds and the rest. */
struct compare_time { int64_t seconds; int32_t nanoseconds; bool zoned; };
bool compare_parse_time (const char *text, size_t size, struct compare_time *out);

#endif
