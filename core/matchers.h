/* matchers.h - the names of the matchers, what each takes, and what a key in a pattern
 * means.  How they match is in match.c. */
#ifndef MATCHERS_H
#define MATCHERS_H

#include "value.h"

enum matcher {
  MATCHER_MATCHES, MATCHER_TYPE, MATCHER_GT, MATCHER_GE, MATCHER_LT, MATCHER_LE, MATCHER_LENGTH, MATCHER_CONTAINS,
  MATCHER_CONTAINS_ALL, MATCHER_EACH, MATCHER_NOT, MATCHER_ONE_OF, MATCHER_ANY, MATCHER_ABSENT, MATCHER_EXACT,
  MATCHER_UNORDERED, MATCHER_NEAR, MATCHER_STARTS_WITH, MATCHER_ENDS_WITH, MATCHER_EXPR, MATCHER_EQUALS,
  MATCHERS, MATCHER_UNKNOWN = MATCHERS
};

extern const char *const match_names[]; /* by enum matcher; ends with NULL */

/* A plain key; the same written with $$; a JSONPath; a matcher. */
enum key_kind { KEY_PLAIN, KEY_ESCAPED, KEY_PATH, KEY_MATCHER };
enum key_kind matcher_key_kind (const struct value *key);
/* By its name, "$type"; MATCHER_UNKNOWN: none is called so. */
enum matcher matcher_find (const struct value *key);
/* Words for a key that should be a matcher. */
void matcher_unknown (struct buffer *out, const struct value *key);

/* What is wrong with a matcher's operand as such ("takes a text"), not with what is in a
 * pattern, expression or regular expression: a static text, or NULL.  With `early` parts
 * that hold `${` are taken to be right. */
const char *matcher_fault (enum matcher matcher, const struct value *operand, bool early);

/* For a matcher's key, a plain key, and the first again. */
#define MATCHER_MIXED                                                                                            \
  "%.60s is a matcher and \"%.60s\" a plain key: they cannot stand in one map (a literal key is written $%.60s)"

/* {hex: …} or {base64: …}: one key that says how bytes are written. */
bool matcher_is_bytes (const struct value *pattern);

/* The types that $type knows, by their names; TYPE_UNKNOWN: none is called so. */
enum matcher_type { TYPE_STRING, TYPE_INTEGER, TYPE_FLOAT, TYPE_NUMBER, TYPE_BOOLEAN, TYPE_NULL, TYPE_LIST,
                   TYPE_MAP,
                    TYPE_UNKNOWN };
enum matcher_type matcher_type (const struct value *name);

#endif
