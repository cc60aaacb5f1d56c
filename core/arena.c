/* arena.c - see arena.h. */
#include "config.h"

#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 16
#define FIRST_BLOCK ((size_t) 4096)
#define LARGEST_BLOCK ((size_t) 2 << 20) /* with its head; a huge page */

struct arena_block {
  struct arena_block *next;
  size_t size, used;
  _Alignas (ALIGNMENT) char data[];
};

static _Noreturn void
out_of_memory (void)
{
  static const char message[] = "runner: out of memory\n";
  if (write (STDERR_FILENO, message, sizeof message - 1) < 0) {
    /* nothing more can be done */
  }
  abort ();
}

void *
xmalloc (size_t size)
{
  void *p = malloc (size ? size : 1);
  if (!p)
    out_of_memory ();
  return p;
}

void *
xcalloc (size_t n, size_t size)
{
  void *p = calloc (n ? n : 1, size ? size : 1);
  if (!p)
    out_of_memory ();
  return p;
}

void *
xrealloc (void *old, size_t n, size_t size)
{
  size_t total;
  if (__builtin_mul_overflow (n, size, &total))
    out_of_memory ();
  void *p = realloc (old, total ? total : 1);
  if (!p)
    out_of_memory ();
  return p;
}

char *
xstrdup (const char *text)
{
  char *p = strdup (text);
  if (!p)
    out_of_memory ();
  return p;
}

void
cleanup_free (void *pointer)
{
  free (*(void **) pointer);
}

void
cleanup_close (const int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

/* All of it will be used: its pages come at once, or as a single huge one, which takes much
 * less time than one by one.  Where the system can do neither they come as ever. */
static void *
huge_block (void)
{
  void *p;
  if (posix_memalign (&p, LARGEST_BLOCK, LARGEST_BLOCK) != 0)
    out_of_memory ();
  madvise (p, LARGEST_BLOCK, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
  madvise (p, LARGEST_BLOCK, MADV_POPULATE_WRITE);
#endif
  return p;
}

static struct arena_block *
new_block (size_t size)
{
  if (size > SIZE_MAX - sizeof (struct arena_block))
    out_of_memory ();
  struct arena_block *block
    = sizeof *block + size == LARGEST_BLOCK ? huge_block () : xmalloc (sizeof *block + size);
  block->next = NULL;
  block->size = size;
  block->used = 0;
  return block;
}

/* The next block with room for `size` bytes: one kept by arena_reset, or a new one. */
static struct arena_block *
next_block (struct arena *arena, size_t size)
{
  struct arena_block *current = arena->current;
  if (current && current->next && current->next->size >= size)
    return current->next;

  size_t wanted = current ? current->size * 2 : FIRST_BLOCK;
  if (wanted > LARGEST_BLOCK - sizeof *current)
    wanted = LARGEST_BLOCK - sizeof *current;
  if (wanted < size)
    wanted = size;
  struct arena_block *block = new_block (wanted);
  if (current) {
    block->next = current->next;
    current->next = block;
  }
  else
    arena->first = block;
  return block;
}

void *
arena_alloc (struct arena *arena, size_t size)
{
  if (size > SIZE_MAX - ALIGNMENT)
    out_of_memory ();
  size = (size + ALIGNMENT - 1) & ~(size_t) (ALIGNMENT - 1);
  struct arena_block *block = arena->current;
  if (!block || block->size - block->used < size) {
    block = next_block (arena, size);
    block->used = 0;
    arena->current = block;
  }
  void *p = block->data + block->used;
  block->used += size;
  arena->used += size;
  memset (p, 0, size);
  return p;
}

void *
arena_array (struct arena *arena, size_t n, size_t size)
{
  size_t total;
  if (__builtin_mul_overflow (n, size, &total))
    out_of_memory ();
  return arena_alloc (arena, total);
}

void *
arena_grow (struct arena *arena, void *items, size_t count, size_t *room, size_t size)
{
  if (count < *room)
    return items;
  *room = *room ? *room * 2 : 8;
  void *larger = arena_array (arena, *room, size);
  if (count)
    memcpy (larger, items, count * size);
  return larger;
}

char *
arena_copy (struct arena *arena, const void *data, size_t size)
{
  if (size == SIZE_MAX)
    out_of_memory ();
  char *p = arena_alloc (arena, size + 1);
  if (size)
    memcpy (p, data, size);
  return p;
}

char *
arena_strdup (struct arena *arena, const char *text)
{
  return arena_copy (arena, text, strlen (text));
}

char *
arena_vprintf (struct arena *arena, const char *fmt, va_list args)
{
  va_list again;
  va_copy (again, args);
  int n = vsnprintf (NULL, 0, fmt, again);
  va_end (again);
  if (n < 0)
    return arena_strdup (arena, fmt);
  char *p = arena_alloc (arena, (size_t) n + 1);
  vsnprintf (p, (size_t) n + 1, fmt, args);
  return p;
}

char *
arena_printf (struct arena *arena, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  char *p = arena_vprintf (arena, fmt, args);
  va_end (args);
  return p;
}

/* Empties these blocks.  One larger than the usual was made for one large thing: it is given back. */
static void
forget_blocks (struct arena_block **link)
{
  while (*link) {
    struct arena_block *block = *link;
    if (block->size > LARGEST_BLOCK) {
      *link = block->next;
      free (block);
    }
    else {
      block->used = 0;
      link = &block->next;
    }
  }
}

void
arena_reset (struct arena *arena)
{
  forget_blocks (&arena->first);
  arena->current = arena->first;
  arena->used = 0;
}

struct arena_mark
arena_mark (const struct arena *arena)
{
  return (struct arena_mark) { arena->current, arena->current ? arena->current->used : 0, arena->used };
}

void
arena_release (struct arena *arena, struct arena_mark mark)
{
  if (!mark.block) {
    arena_reset (arena);
    return;
  }
  forget_blocks (&mark.block->next);
  mark.block->used = mark.block_used;
  arena->current = mark.block;
  arena->used = mark.used;
}

void
arena_free (struct arena *arena)
{
  for (struct arena_block *block = arena->first, *next; block; block = next) {
    next = block->next;
    free (block);
  }
  *arena = (struct arena) { 0 };
}
