/* frame.c - see frame.h. */
#include "frame.h"

#include <string.h>

#include "../common/utf8.h"

/* Memory that a reader keeps between frames. */
#define KEPT_ROOM 1024

static void
advance (const char **data, size_t *size, size_t n)
{
  *data += n;
  *size -= n;
}

/* Is the end of a frame still possible after `n` more bytes? */
static bool
may_see (struct frame_reader *reader, size_t n)
{
  if (n >= FRAME_LIMIT - reader->seen)
    return false;
  reader->seen += n;
  return true;
}

static void
forget_frame (struct frame_reader *reader)
{
  reader->handed_out = false;
  reader->seen = 0;
  reader->kept.size = 0;
  if (reader->kept.room > KEPT_ROOM)
    bytes_free (&reader->kept);
}

/* Nothing is kept: looks for a frame's first `@`, and if the whole frame is
 * there takes it where it lies. */
static enum frame_found
find_start (struct frame_reader *reader, const char **data, size_t *size, struct frame *frame)
{
  const char *at = memchr (*data, '@', *size);
  size_t skipped = at ? (size_t) (at - *data) : *size;
  if (!may_see (reader, skipped))
    return FRAME_TOO_LONG;
  advance (data, size, skipped);
  if (!at)
    return FRAME_MORE;
  const char *end = memchr (at + 1, '@', *size - 1);
  size_t length = end ? (size_t) (end - at) + 1 : *size;
  if (end && length == 2) /* of `@@` only the second can begin a frame */
    length = 1;
  else if (end) {
    if (length > FRAME_LIMIT - reader->seen)
      return FRAME_TOO_LONG;
    *frame = (struct frame) { at, length };
    advance (data, size, length);
    reader->seen = 0;
    return FRAME_FOUND;
  } else
    bytes_add (&reader->kept, at, length);
  advance (data, size, length);
  return may_see (reader, length) ? FRAME_MORE : FRAME_TOO_LONG;
}

/* The kept bytes begin with `@`: looks for the other one. */
static enum frame_found
find_end (struct frame_reader *reader, const char **data, size_t *size, struct frame *frame)
{
  const char *end = memchr (*data, '@', *size);
  size_t length = end ? (size_t) (end - *data) + 1 : *size;
  if (end && length == 1 && reader->kept.size == 1) { /* `@@` again */
    advance (data, size, 1);
    return may_see (reader, 1) ? FRAME_MORE : FRAME_TOO_LONG;
  }
  if (end ? length > FRAME_LIMIT - reader->seen : !may_see (reader, length))
    return FRAME_TOO_LONG;
  bytes_add (&reader->kept, *data, length);
  advance (data, size, length);
  if (!end)
    return FRAME_MORE;
  *frame = (struct frame) { reader->kept.data, reader->kept.size };
  reader->handed_out = true;
  return FRAME_FOUND;
}

enum frame_found
frame_next (struct frame_reader *reader, const char **data, size_t *size, struct frame *frame)
{
  if (reader->handed_out)
    forget_frame (reader);
  while (*size) {
    enum frame_found found = reader->kept.size ? find_end (reader, data, size, frame)
                                               : find_start (reader, data, size, frame);
    if (found != FRAME_MORE)
      return found;
  }
  return FRAME_MORE;
}

void
frame_reader_free (struct frame_reader *reader)
{
  bytes_free (&reader->kept);
}

bool
parse_id (const char *text, size_t size, int64_t *id)
{
  size_t i = size && (text[0] == '-' || text[0] == '+');
  bool negative = i && text[0] == '-';
  if (i == size)
    return false;
  int64_t number = 0;
  for (; i < size; i++) {
    if (text[i] < '0' || text[i] > '9')
      return false;
    int64_t digit = negative ? '0' - text[i] : text[i] - '0';
    if (__builtin_mul_overflow (number, 10, &number) || __builtin_add_overflow (number, digit, &number))
      return false;
  }
  *id = number;
  return true;
}

const char *
frame_parse (const struct frame *frame, struct report *report)
{
  const char *text = frame->text + 1;
  size_t size = frame->size - 2;
  const char *comma = memchr (text, ',', size);
  if (!comma)
    return "there is no comma";
  if (!parse_id (text, (size_t) (comma - text), &report->id))
    return "the id is no decimal integer";
  report->text = comma + 1;
  report->size = size - (size_t) (report->text - text);
  if (!utf8_is_valid (report->text, report->size))
    return "the report is not UTF-8";
  return NULL;
}

void
frame_write (struct bytes *out, const struct report *report)
{
  bytes_reserve (out, report->size + 24);
  bytes_add (out, "@", 1);
  bytes_int (out, report->id);
  bytes_add (out, ",", 1);
  bytes_add (out, report->text, report->size);
  bytes_add (out, "@", 1);
}
