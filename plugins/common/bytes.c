/* bytes.c - see bytes.h. */
#include "bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
no_memory (void)
{
  fputs ("runner: out of memory\n", stderr);
  abort ();
}

void *
bytes_allocate (size_t size)
{
  void *memory = calloc (1, size ? size : 1);
  if (!memory)
    no_memory ();
  return memory;
}

void
bytes_reserve (struct bytes *bytes, size_t more)
{
  if (bytes->room - bytes->size >= more)
    return;
  size_t wanted;
  if (__builtin_add_overflow (bytes->size, more, &wanted))
    no_memory ();
  size_t room = bytes->room > SIZE_MAX / 2 ? wanted : bytes->room * 2;
  if (room < 64)
    room = 64;
  if (room < wanted)
    room = wanted;
  char *data = realloc (bytes->data, room);
  if (!data)
    no_memory ();
  bytes->data = data;
  bytes->room = room;
}

void
bytes_add (struct bytes *bytes, const void *data, size_t size)
{
  if (!size)
    return;
  bytes_reserve (bytes, size);
  memcpy (bytes->data + bytes->size, data, size);
  bytes->size += size;
}

void
bytes_puts (struct bytes *bytes, const char *text)
{
  bytes_add (bytes, text, strlen (text));
}

void
bytes_int (struct bytes *bytes, int64_t number)
{
  char digits[24];
  int n = snprintf (digits, sizeof digits, "%" PRId64, number);
  bytes_add (bytes, digits, n > 0 ? (size_t) n : 0);
}

void
bytes_time (struct bytes *bytes, const struct timespec *when)
{
  struct tm local;
  char text[64] = "";
  localtime_r (&when->tv_sec, &local);
  size_t used = strftime (text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  snprintf (text + used, sizeof text - used, ".%06ld", when->tv_nsec / 1000);
  bytes_puts (bytes, text);
}

const char *
bytes_text (struct bytes *bytes)
{
  bytes_reserve (bytes, 1);
  bytes->data[bytes->size] = 0;
  return bytes->data;
}

void
bytes_free (struct bytes *bytes)
{
  free (bytes->data);
  *bytes = (struct bytes) { 0 };
}

bool
bytes_write (int fd, const void *data, size_t size)
{
  const char *from = data;
  while (size) {
    ssize_t n = write (fd, from, size);
    if (n < 0 && errno != EINTR)
      return false;
    from += n > 0 ? n : 0;
    size -= n > 0 ? (size_t) n : 0;
  }
  return true;
}
