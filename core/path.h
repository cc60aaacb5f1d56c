/* path.h - RFC 9535 JSONPath over values. */
#ifndef PATH_H
#define PATH_H

#include "value.h"

struct path; /* compiled */

/* Does the text look like a path: `$` alone, or beginning with `$.` or `$[`? */
bool path_is (const char *text, size_t size);
/* Compiles; the result belongs to the arena.  NULL: `error` says at which
 * character and why. */
struct path *path_compile (struct arena *arena, const char *text, size_t size, char *error, size_t error_size);
/* Can it find at most one value (names and indexes only)? */
bool path_singular (const struct path *path);
/* Does its first step go to the member of that name? */
bool path_goes_to (const struct path *path, const char *name);
/* All nodes it selects in `root`, in the RFC's order; pointers into `root`.
 * The list belongs to the arena.  A selection that visits more than 10 million nodes
 * (one that is found counts as five) is given up: *count is SIZE_MAX and NULL is returned. */
const struct value **path_select (const struct path *path, const struct value *root, struct arena *arena,
                                  size_t *count);
/* The same; visits are also taken from *work, and end with it. */
const struct value **path_select_within (const struct path *path, const struct value *root, struct arena *arena,
                                         size_t *count, size_t *work);
/* Adds the step to a normalized path: .name where it is an identifier, else ['…']; [0]. */
void path_add_name (struct buffer *out, const char *name, size_t size);
void path_add_index (struct buffer *out, size_t index);

#endif
