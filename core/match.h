/* match.h - patterns: what `expect` says, held against a value. */
#ifndef MATCH_H
#define MATCH_H

#include "engines.h"

enum match_result { MATCH_NO = 0, MATCH_YES = 1, MATCH_WRONG = -1 };

struct difference {
  const char *path;           /* normalized path of the value: "$.json.reports[0]" */
  const char *text;           /* "expected 200, got 404" */
  struct value where;         /* place in the pattern */
};
struct differences {
  struct arena *arena;        /* the texts belong to it */
  struct difference *items;   /* likewise */
  size_t count, room, more;   /* `more`: beyond the first 20 */
};

struct match {
  const struct evaluator *evaluator; /* for $expr; may be NULL when patterns cannot hold it */
  const struct expr_scope *scope;
  struct arena *arena;        /* for what matching needs */
};

/* Does `actual` match `pattern` (already expanded)?  Differences are collected in
 * `differences` unless it is NULL.  MATCH_WRONG: the pattern itself is wrong (a
 * matcher that does not exist, a bad regular expression, `$length: -1`); the
 * first difference says what. */
int match_value (const struct match *match, const struct value *pattern, const struct value *actual,
                 struct differences *differences);

/* For `runner check`: everything that is wrong with a pattern before it is used.
 * Parts with `${` are left for later. */
void match_check (const struct value *pattern, struct faults *faults);

/* Every matcher's name, "$type" and so on (ends with NULL). */
extern const char *const match_names[];

#endif
