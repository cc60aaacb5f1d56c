/* param.h - parameter tables: from values to a verb's C struct, and back to text.
 *
 * The core alone converts.  Checking, defaults, command lines, help and schema
 * come from the same rows. */
#ifndef PARAM_H
#define PARAM_H

#include "expr.h"
#include "runner-plugin.h"

#define PARAM_MOST 64 /* rows of one table: what is given is a bit mask */

/* Rows of which exactly one must be given, or at most one. */
struct param_group {
  uint64_t rows; /* a bit each */
  bool optional;
};

struct params {
  const struct runner_param *rows;
  size_t count;
  size_t args_size;
  /* made by params_prepare: */
  void *presets;     /* args_size bytes: the struct when nothing is given */
  uint64_t required; /* rows, a bit each */
  struct param_group *groups;
  size_t group_count;
};

struct param_error {
  struct value where;
  char message[512];
};

/* The row of a name, or NULL. */
const struct runner_param *param_find (const struct params *params, const char *name, size_t size);
/* The row that may stand alone, or NULL. */
const struct runner_param *param_primary (const struct params *params);

/* Fills `args` (args_size bytes) from `given`: a map, null, or the primary
 * parameter's value alone.  Already expanded.  Strings belong to the arena or to
 * the values.  `folder` is where {file:} starts.  `mask` says which were given. */
bool params_convert (const struct params *params, const struct value *given, void *args, uint64_t *mask,
                     struct arena *arena, const char *folder, struct param_error *error);

/* For `runner check`: every fault of `given`, parts with `${` aside.  `where` is
 * the place of the verb. */
void params_check (const struct params *params, const char *what, const struct value *where,
                   const struct value *given, struct faults *faults);

/* One value as a row wants it, from text on a command line: what would be written
 * in YAML (numbers and booleans are read, everything else is a string). */
bool param_from_text (const struct runner_param *row, const char *text, struct arena *arena, struct value *out,
                      struct param_error *error);

/* "text", "duration", "bytes": for help. */
const char *param_type_name (uint32_t type);

/* Bytes out of a string or {hex:}, {base64:}, {file:}.  `mask` may be NULL: then
 * `.` in hex is not allowed. */
bool param_bytes (struct arena *arena, const struct value *value, const char *folder, const uint8_t **data,
                  const uint8_t **mask, size_t *size, char *error, size_t error_size);

/* Checks the rows themselves and fills `presets`; false with a text when a
 * plugin's table is wrong.  Once, when it is loaded. */
bool params_prepare (struct params *params, struct arena *arena, char *error, size_t error_size);

#endif
