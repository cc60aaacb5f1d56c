/* excerpt.h - the first and the last bytes of a program's output. */
#ifndef EXEC_EXCERPT_H
#define EXEC_EXCERPT_H

#include <stddef.h>
#include <stdint.h>

/* `{ .limit = N }` keeps N bytes: half from the beginning, half from the end. */
struct excerpt {
  size_t limit;
  uint64_t total;   /* bytes that came */
  char *head;       /* the first `limit - limit / 2` */
  size_t head_size, head_room;
  char *tail;       /* a ring of `limit / 2` bytes */
  size_t tail_size, tail_end;
};

/* 0, or -1: no memory. */
int excerpt_add (struct excerpt *excerpt, const void *data, size_t size);
int excerpt_truncated (const struct excerpt *excerpt);
/* All that was kept, in one text that the caller frees, NUL after it; a line tells
 * of what was left out.  NULL: no memory. */
char *excerpt_text (const struct excerpt *excerpt, size_t *size);
void excerpt_free (struct excerpt *excerpt);

#endif
