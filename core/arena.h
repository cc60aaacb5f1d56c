/* arena.h - memory for what lives and dies together (a document, a result).
 *
 * Allocation never fails: when memory is exhausted the process says so and
 * aborts, which the supervisor tells as a crash of the test that ran. */
#ifndef ARENA_H
#define ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;
struct arena {
  struct arena_block *first, *current;
  size_t used;  /* bytes handed out since the last reset */
};

/* `{ 0 }` is an empty arena, ready for use.  What these return belongs to it. */
void *arena_alloc (struct arena *arena, size_t size); /* zeroed, aligned for any type */
void *arena_array (struct arena *arena, size_t n, size_t size); /* checked product */
/* Room for one more: gives `items`, or, when `count` of them fill *room, a copy with more of it. */
void *arena_grow (struct arena *arena, void *items, size_t count, size_t *room, size_t size);
char *arena_copy (struct arena *arena, const void *data, size_t size); /* + a final NUL */
char *arena_strdup (struct arena *arena, const char *text);
char *arena_printf (struct arena *arena, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));
char *arena_vprintf (struct arena *arena, const char *fmt, va_list args)
  __attribute__ ((format (printf, 2, 0)));

/* Forgets everything but keeps the first blocks, so that a loop of uses settles
 * without malloc. */
void arena_reset (struct arena *arena);
void arena_free (struct arena *arena); /* it is empty then, and can be used again */

/* How far an arena is filled, and back to there: forgets what was allocated since. */
struct arena_mark {
  struct arena_block *block;
  size_t block_used, used;
};
struct arena_mark arena_mark (const struct arena *arena);
void arena_release (struct arena *arena, struct arena_mark mark);

/* malloc and friends that abort like the above; the caller frees.  `n` times `size` is checked. */
void *xmalloc (size_t size);
void *xcalloc (size_t n, size_t size);
void *xrealloc (void *old, size_t n, size_t size);
char *xstrdup (const char *text);

/* For the attribute, so they get a variable's address: of a pointer from malloc or NULL; of a descriptor or -1. */
void cleanup_free (void *pointer);
void cleanup_close (const int *fd);
#define CLEANUP_FREE __attribute__ ((cleanup (cleanup_free)))
#define CLEANUP_CLOSE __attribute__ ((cleanup (cleanup_close)))
#define CLEANUP_ARENA __attribute__ ((cleanup (arena_free)))

#endif
