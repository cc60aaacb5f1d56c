/* buffer.h - a growing string of bytes.  Without memory the process aborts, as in arena.h. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct buffer {
  char *data;   /* not NUL-terminated; see buffer_text */
  size_t size, room;
};

/* `{ 0 }` is an empty buffer. */
void buffer_reserve (struct buffer *buffer, size_t more); /* room for as many bytes more */
void buffer_add (struct buffer *buffer, const void *data, size_t size);
void buffer_puts (struct buffer *buffer, const char *text);
void buffer_printf (struct buffer *buffer, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));
void buffer_vprintf (struct buffer *buffer, const char *fmt, va_list args)
  __attribute__ ((format (printf, 2, 0)));
void buffer_int (struct buffer *buffer, int64_t number);  /* decimal, without printf */
void buffer_float (struct buffer *buffer, double number); /* shortest that reads back the same; always with a
                                                             point, an exponent, or as nan, inf, -inf */
void buffer_remove (struct buffer *buffer, size_t from_start); /* drops the first bytes */
const char *buffer_text (struct buffer *buffer);          /* NUL-terminated; owned by the buffer */
void buffer_free (struct buffer *buffer); /* it is empty then, and can be used again */

#define CLEANUP_BUFFER __attribute__ ((cleanup (buffer_free)))

static inline void
buffer_putc (struct buffer *buffer, char c)
{
  if (buffer->size == buffer->room)
    buffer_reserve (buffer, 1);
  buffer->data[buffer->size++] = c;
}

#define buffer_lit(buffer, literal) buffer_add (buffer, "" literal, sizeof literal - 1)

#endif
