/* json.h - JSON to values and back.  Reading by jansson (strict, duplicate keys
 * refused, exact 64-bit integers); writing is ours: bytes that are not UTF-8 are
 * escaped as U+DC80..U+DCFF (as Python's surrogateescape does), so that a reader
 * can get them back. */
#ifndef JSON_H
#define JSON_H

#include "value.h"

/* Parses one JSON text (any value) of at most 64 levels; lone \udc80..\udcff become
 * the bytes they stand for.  The result comes from nowhere (file 0).  False: `error`
 * (of error_size) says "line 3, column 4: …". */
bool json_parse (struct arena *arena, const char *text, size_t size, struct value *out, char *error,
                 size_t error_size);
void json_write (struct buffer *out, const struct value *value);
/* Indented by two spaces a level. */
void json_write_pretty (struct buffer *out, const struct value *value);
/* A string with its quotes. */
void json_write_string (struct buffer *out, const char *text, size_t size);

#endif
