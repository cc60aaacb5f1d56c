/* show.h - bytes, as messages show them.  Not for results, which hold them as they are. */
#ifndef COMMON_SHOW_H
#define COMMON_SHOW_H

#include <stddef.h>

/* Room for what the functions below write. */
#define SHOW_ROOM 1200

/* Write bytes in double quotes into `out` (SHOW_ROOM bytes) and return it: `"`,
 * `\`, control characters and what is not UTF-8 are escaped.  Of long ones the
 * first or the last 200 bytes are shown, and how many there are in all. */
const char *show_first (char *out, const void *data, size_t size);
const char *show_last (char *out, const void *data, size_t size);

/* A duration in nanoseconds, as one would write it: "1.5s", "230ms". */
const char *show_time (char *out, long long ns);

#endif
