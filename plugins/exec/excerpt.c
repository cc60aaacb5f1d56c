/* excerpt.c - see excerpt.h. */
#include "excerpt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t
tail_room (const struct excerpt *excerpt)
{
  return excerpt->limit / 2;
}

static size_t
head_most (const struct excerpt *excerpt)
{
  return excerpt->limit - tail_room (excerpt);
}

static int
head_add (struct excerpt *excerpt, const char *data, size_t size)
{
  if (excerpt->head_size + size > excerpt->head_room) {
    size_t room = (excerpt->head_size + size) * 2;
    if (room > head_most (excerpt))
      room = head_most (excerpt);
    char *head = realloc (excerpt->head, room);
    if (!head)
      return -1;
    excerpt->head = head;
    excerpt->head_room = room;
  }
  memcpy (excerpt->head + excerpt->head_size, data, size);
  excerpt->head_size += size;
  return 0;
}

static int
tail_add (struct excerpt *excerpt, const char *data, size_t size)
{
  size_t room = tail_room (excerpt);
  if (room == 0)
    return 0;
  if (!excerpt->tail && !(excerpt->tail = malloc (room)))
    return -1;
  if (size > room) {
    data += size - room;
    size = room;
  }
  size_t first = room - excerpt->tail_end < size ? room - excerpt->tail_end : size;
  memcpy (excerpt->tail + excerpt->tail_end, data, first);
  memcpy (excerpt->tail, data + first, size - first);
  excerpt->tail_end = (excerpt->tail_end + size) % room;
  excerpt->tail_size = excerpt->tail_size + size > room ? room : excerpt->tail_size + size;
  return 0;
}

int
excerpt_add (struct excerpt *excerpt, const void *data, size_t size)
{
  const char *from = data;
  excerpt->total += size;
  size_t first = head_most (excerpt) - excerpt->head_size;
  if (first > size)
    first = size;
  if (first && head_add (excerpt, from, first) < 0)
    return -1;
  return first < size ? tail_add (excerpt, from + first, size - first) : 0;
}

int
excerpt_truncated (const struct excerpt *excerpt)
{
  return excerpt->total > excerpt->limit;
}

char *
excerpt_text (const struct excerpt *excerpt, size_t *size)
{
  char gap[80] = "";
  if (excerpt_truncated (excerpt))
    snprintf (gap, sizeof gap, "\n[… %" PRIu64 " bytes are left out here …]\n",
              excerpt->total - excerpt->head_size - excerpt->tail_size);
  size_t gap_size = strlen (gap);
  *size = excerpt->head_size + gap_size + excerpt->tail_size;
  char *text = malloc (*size + 1), *to = text;
  if (!text)
    return NULL;
  if (excerpt->head_size)
    to = (char *) memcpy (to, excerpt->head, excerpt->head_size) + excerpt->head_size;
  to = (char *) memcpy (to, gap, gap_size) + gap_size;
  size_t room = tail_room (excerpt);
  if (excerpt->tail_size) {
    size_t start = (excerpt->tail_end + room - excerpt->tail_size) % room;
    size_t first = room - start < excerpt->tail_size ? room - start : excerpt->tail_size;
    memcpy (to, excerpt->tail + start, first);
    memcpy (to + first, excerpt->tail, excerpt->tail_size - first);
    to += excerpt->tail_size;
  }
  *to = '\0';
  return text;
}

void
excerpt_free (struct excerpt *excerpt)
{
  free (excerpt->head);
  free (excerpt->tail);
  *excerpt = (struct excerpt) { 0 };
}
