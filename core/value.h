/* value.h - the value tree: documents, variables, results, patterns.
 *
 * A value is small and is copied freely; strings, items and members belong to
 * the arena it was made in and are never changed afterwards.  Every value knows
 * where it was written (file 0: nowhere). */
#ifndef VALUE_H
#define VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "buffer.h"

enum value_type { VALUE_NULL, VALUE_BOOL, VALUE_INT, VALUE_FLOAT, VALUE_STRING, VALUE_LIST, VALUE_MAP };

#define VALUE_QUOTED 1u   /* scalar: it was quoted or a block: a string for sure */
#define VALUE_DYNAMIC 2u  /* a string with `${`, or a list or map that holds one (keys too) */
#define VALUE_CASELESS 4u /* map: keys match without regard to case (headers) */
#define VALUE_BLOCK 8u    /* scalar: a block scalar (`|`, `>`) */
#define VALUE_UNSTARTED 16u /* map: a role that has exported nothing yet; list: one with such a role in it */

struct member;
struct value {
  uint8_t type;   /* enum value_type */
  uint8_t flags;
  uint16_t file;  /* see source.h */
  uint32_t line;  /* from 1 */
  uint32_t column; /* from 1, in characters */
  union {
    bool boolean;
    int64_t integer;
    double number;
    size_t size;  /* bytes of the string */
    size_t count; /* items or members */
  };
  union {
    const char *string; /* always followed by a NUL that size does not count; may hold NULs */
    const struct value *items;
    const struct member *members;
  };
};
struct member { struct value key, value; };

extern const struct value value_null;
struct value value_bool (bool on);
struct value value_int (int64_t number);
struct value value_float (double number);
struct value value_text (const char *text, size_t size); /* borrowed, must be NUL-terminated */
struct value value_string (const char *text);            /* the same, of a C string */

/* NULL when there is none. */
const struct value *value_get (const struct value *map, const char *key);
const struct value *value_find (const struct value *map, const char *key, size_t size);
/* The same beginning at member *from, and around; leaves *from after what it
 * found, so that maps in the same order need one look a key.  Looks are taken
 * from *work, which ends at 0. */
const struct value *value_find_from (const struct value *map, const struct value *key, size_t *from, size_t *work);
const char *value_type_name (int type); /* "null", "boolean", "integer", "number", "string", "list", "map" */

/* Same type and content; 1 and 1.0 are equal, maps in any order. */
bool value_equal (const struct value *a, const struct value *b);
/* The same with bounds: what it compares is taken from *work.  `strict`: 1 and 1.0
 * differ.  1: equal, 0: not, -1: too much work or too deep. */
int value_equal_within (const struct value *a, const struct value *b, bool strict, size_t *work);
/* Exact, beyond 2^53 too.  VALUE_UNORDERED: one is NaN or no number. */
enum value_order { VALUE_LESS = -1, VALUE_SAME = 0, VALUE_MORE = 1, VALUE_UNORDERED = 2 };
enum value_order value_compare_numbers (const struct value *a, const struct value *b);
bool value_is (const struct value *value, const char *text); /* a string with this text */

/* A deep copy into another arena, strings too. */
struct value value_copy (struct arena *arena, const struct value *value);

/* A scalar as `${…}` prints it into a text (true, null, 1, 1.5).  Integral
 * floats print plainly (2.0 as 2).  False for lists and maps. */
bool value_print (struct buffer *out, const struct value *scalar);

/* For messages: JSON-like, on one line, at most about `limit` bytes, strings
 * escaped and in double quotes. */
void value_show (struct buffer *out, const struct value *value, size_t limit);

/* ---- building ---- */

/* Puts values one after the other; the arena owns the result. */
struct builder {
  struct arena *arena;
  struct builder_level *levels;
  size_t depth, room;
  struct value *stack; /* finished children of the open levels */
  size_t top, stack_room;
  bool done;
  struct value result;
};
#define BUILDER_DEPTH 64

/* Values go to `arena`, which must last as long as they do. */
void builder_init (struct builder *builder, struct arena *arena);
void builder_reset (struct builder *builder); /* forgets all values, keeps memory */
void builder_free (struct builder *builder);  /* the working memory, not the values */
/* In a map every value is preceded by its key.  Both return false when nested
 * too deeply or used out of order. */
bool builder_key (struct builder *builder, struct value key);
bool builder_put (struct builder *builder, struct value value); /* borrowed content */
bool builder_open (struct builder *builder, struct value list_or_map); /* type, flags, place */
bool builder_close (struct builder *builder);
/* The list or map that was closed, or the value that was put, just now; until the
 * next change. */
const struct value *builder_last (const struct builder *builder);
/* The children of the innermost open list or map (keys and values in turn), and to
 * forget all but the first `count` of them. */
const struct value *builder_children (const struct builder *builder, size_t *count);
void builder_truncate (struct builder *builder, size_t count);
/* The finished value; null when there is none yet. */
struct value builder_finish (struct builder *builder);

#endif
