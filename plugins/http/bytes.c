/* bytes.c - see bytes.h. */
#include "bytes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../common/percent.h"

/* What an empty string of bytes may keep for its next use. */
#define KEPT_ROOM (256 * 1024)

static int
make_room (struct http_bytes *bytes, size_t more)
{
  if (bytes->failed)
    return -1;
  if (bytes->room > bytes->size && bytes->room - bytes->size > more)
    return 0;
  size_t wanted;
  if (__builtin_add_overflow (bytes->size, more, &wanted) || wanted > SIZE_MAX / 4)
    wanted = 0;
  size_t room = bytes->room ? bytes->room : 256;
  while (wanted && room <= wanted)
    room *= 2;
  char *data = wanted ? realloc (bytes->data, room) : NULL;
  if (!data) {
    bytes->failed = 1;
    return -1;
  }
  bytes->data = data;
  bytes->room = room;
  return 0;
}

void
http_bytes_add (struct http_bytes *bytes, const void *data, size_t size)
{
  if (!size || make_room (bytes, size) < 0)
    return;
  memcpy (bytes->data + bytes->size, data, size);
  bytes->size += size;
  bytes->data[bytes->size] = '\0';
}

void
http_bytes_puts (struct http_bytes *bytes, const char *text)
{
  http_bytes_add (bytes, text, strlen (text));
}

void
http_bytes_free (struct http_bytes *bytes)
{
  free (bytes->data);
  *bytes = (struct http_bytes) { 0 };
}

void
http_bytes_clear (struct http_bytes *bytes)
{
  if (bytes->room > KEPT_ROOM)
    http_bytes_free (bytes);
  bytes->size = 0;
  bytes->failed = 0;
  if (bytes->room)
    bytes->data[0] = '\0';
}

void
http_bytes_cut_line (struct http_bytes *bytes)
{
  while (bytes->size && (bytes->data[bytes->size - 1] == '\n' || bytes->data[bytes->size - 1] == '\r'))
    bytes->size--;
}

const char *
http_bytes_text (const struct http_bytes *bytes)
{
  return bytes->room ? bytes->data : "";
}

void
http_bytes_url (struct http_bytes *bytes, const char *text, size_t size, int plus)
{
  char code[3];
  for (size_t i = 0; i < size; i++)
    http_bytes_add (bytes, code, percent_encode (code, (unsigned char) text[i], PERCENT_URL, plus));
}

void
http_bytes_shown (struct http_bytes *bytes, const char *text, size_t size, size_t limit)
{
  size_t shown = size < limit ? size : limit;
  while (shown < size && shown && ((unsigned char) text[shown] & 0xc0) == 0x80)
    shown--;
  int any = 0, blank = 0;
  for (size_t i = 0; i < shown; i++) {
    unsigned char c = (unsigned char) text[i];
    if (c <= ' ' || c == 0x7f) {
      blank = any;
      continue;
    }
    if (blank)
      http_bytes_add (bytes, " ", 1);
    http_bytes_add (bytes, &c, 1);
    any = 1;
    blank = 0;
  }
  if (shown < size)
    http_bytes_puts (bytes, "...");
}
