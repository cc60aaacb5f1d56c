/* buffer.c - see buffer.h. */
#include "config.h"

#include "buffer.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena.h"

void
buffer_reserve (struct buffer *buffer, size_t more)
{
  if (buffer->room - buffer->size >= more)
    return;
  size_t wanted;
  if (__builtin_add_overflow (buffer->size, more, &wanted))
    wanted = SIZE_MAX;
  size_t room = buffer->room > SIZE_MAX / 2 ? wanted : buffer->room * 2;
  if (room < 256)
    room = 256;
  if (room < wanted)
    room = wanted;
  buffer->data = xrealloc (buffer->data, room, 1);
  buffer->room = room;
}

void
buffer_add (struct buffer *buffer, const void *data, size_t size)
{
  if (!size)
    return;
  buffer_reserve (buffer, size);
  memcpy (buffer->data + buffer->size, data, size);
  buffer->size += size;
}

void
buffer_puts (struct buffer *buffer, const char *text)
{
  buffer_add (buffer, text, strlen (text));
}

void
buffer_vprintf (struct buffer *buffer, const char *fmt, va_list args)
{
  va_list again;
  va_copy (again, args);
  buffer_reserve (buffer, 64);
  int n = vsnprintf (buffer->data + buffer->size, buffer->room - buffer->size, fmt, again);
  va_end (again);
  if (n < 0)
    return;
  if ((size_t) n >= buffer->room - buffer->size) {
    buffer_reserve (buffer, (size_t) n + 1);
    vsnprintf (buffer->data + buffer->size, buffer->room - buffer->size, fmt, args);
  }
  buffer->size += (size_t) n;
}

void
buffer_printf (struct buffer *buffer, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  buffer_vprintf (buffer, fmt, args);
  va_end (args);
}

void
buffer_int (struct buffer *buffer, int64_t number)
{
  char digits[20];
  size_t n = 0;
  uint64_t rest = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;
  do
    digits[n++] = (char) ('0' + rest % 10);
  while (rest /= 10);
  if (number < 0)
    buffer_putc (buffer, '-');
  while (n)
    buffer_putc (buffer, digits[--n]);
}

void
buffer_float (struct buffer *buffer, double number)
{
  if (isnan (number)) {
    buffer_lit (buffer, "nan");
    return;
  }
  if (isinf (number)) {
    buffer_puts (buffer, number < 0 ? "-inf" : "inf");
    return;
  }
  /* The program never calls setlocale, so printf and strtod use the C locale. */
  char text[40];
  /* 15 digits are right for every normal number that has no more, and %g drops zeros at the end. */
  int first = fabs (number) < DBL_MIN ? 1 : 15;
  for (int digits = first; digits <= 17; digits++) {
    snprintf (text, sizeof text, "%.*g", digits, number);
    if (strtod (text, NULL) == number)
      break;
  }
  buffer_puts (buffer, text);
  if (!strpbrk (text, ".e"))
    buffer_lit (buffer, ".0");
}

void
buffer_remove (struct buffer *buffer, size_t from_start)
{
  if (from_start >= buffer->size) {
    buffer->size = 0;
    return;
  }
  memmove (buffer->data, buffer->data + from_start, buffer->size - from_start);
  buffer->size -= from_start;
}

const char *
buffer_text (struct buffer *buffer)
{
  buffer_putc (buffer, '\0');
  buffer->size--;
  return buffer->data;
}

void
buffer_free (struct buffer *buffer)
{
  free (buffer->data);
  *buffer = (struct buffer) { 0 };
}
