/* match-walk.h - what the files match*.c share: one walk over a pattern and a value.
 *
 * What is missing in the value is walked as NULL, since $absent may want it so.  Every
 * function that returns an int returns an enum match_result. */
#ifndef MATCH_WALK_H
#define MATCH_WALK_H

#include "match.h"
#include "matchers.h"
#include "trail.h"

#define DIFFERENCES 20

struct matching {
  const struct match *match;
  struct differences *all; /* what the caller gets, or NULL */
  struct differences *out; /* where differences go at this place; NULL: only the answer counts */
  size_t work, depth;      /* comparisons left, about; levels of the pattern */
  bool rating;             /* looking for the closest item: not within itself, that would take too long */
  bool exact;              /* plain maps have no other keys, 1 and 1.0 differ */
};

/* Any pattern held against any value, or NULL. */
int walk_any (struct matching *m, const struct value *pattern, const struct value *actual,
              const struct trail *trail);
/* The answer alone, without differences. */
int walk_quietly (struct matching *m, const struct value *pattern, const struct value *actual,
                  const struct trail *trail);
/* What the JSONPath of a key finds, held against the key's pattern. */
int walk_path (struct matching *m, const struct member *member, const struct value *actual,
               const struct trail *trail);
/* A map of matchers (and perhaps paths). */
int walk_matchers (struct matching *m, const struct value *pattern, const struct value *actual,
                   const struct trail *trail);
/* Takes one more answer into the sum of them; false: no need to go on. */
bool walk_sum (const struct matching *m, int *sum, int answer);
/* Takes so many comparisons from what is left; false: that was too much, see walk_too_much. */
bool walk_spend (struct matching *m, size_t amount);

/* ---- telling (match-tell.c) ---- */

/* Is someone interested in one more difference?  Counts those that are too many. */
bool walk_wanted (struct matching *m);
/* Tell a difference at this place, in words, as what is missing, as two values; MATCH_NO. */
int walk_differ_text (struct matching *m, const struct value *where, const struct trail *trail,
                      const struct buffer *text);
int walk_differ_missing (struct matching *m, const struct value *pattern, const struct trail *trail);
int walk_differ_values (struct matching *m, const struct value *pattern, const struct value *actual,
                        const struct trail *trail);
/* "expected WHAT operand, got actual (why)"; what and why may be NULL. */
int walk_differ (struct matching *m, const char *what, const struct value *operand, const struct value *actual,
                 const struct trail *trail, const char *why);
/* The pattern is wrong: this is told alone, whatever else was found. */
int walk_wrong (struct matching *m, const struct value *where, const struct trail *trail, const char *fmt, ...)
  __attribute__ ((format (printf, 4, 5)));
/* The same: there is too much to compare. */
int walk_too_much (struct matching *m, const struct value *where, const struct trail *trail);

/* ---- bytes (match-bytes.c) ---- */

struct bytes { const uint8_t *data, *mask; size_t size; }; /* mask NULL: every bit counts */

/* A text, {hex: …} or {base64: …} as bytes. */
int bytes_read (struct matching *m, const struct value *pattern, const struct trail *trail, struct bytes *out);
/* How many bytes are the same from the start; `text` has at least the pattern's size. */
size_t bytes_same (const struct bytes *pattern, const char *text);
/* Are they anywhere in it? */
bool bytes_find (const struct bytes *pattern, const struct value *text);
/* {hex: …} or {base64: …} held against a whole string. */
int walk_bytes (struct matching *m, const struct value *pattern, const struct value *actual,
                const struct trail *trail);

#endif
