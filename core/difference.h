/* difference.h - words for how two values differ.  Whether they differ is match.c's. */
#ifndef DIFFERENCE_H
#define DIFFERENCE_H

#include "value.h"

#define DIFFERENCE_SHOW ((size_t) 300) /* bytes of a value in a message, about */

/* Adds `expected 200, got 404`; for long strings where they first differ, for texts of
 * several lines the lines that do. */
void difference_values (struct buffer *out, const struct value *expected, const struct value *actual);
/* A value for a message, with its type where that helps: "5" (string). */
void difference_show (struct buffer *out, const struct value *value, bool with_type);

#endif
