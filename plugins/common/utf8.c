/* utf8.c - see utf8.h. */
#include "utf8.h"

size_t
utf8_next (const char *text, size_t size, uint32_t *point)
{
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  const uint8_t *bytes = (const uint8_t *) text;
  if (!size)
    return 0;
  if (bytes[0] < 0x80) {
    *point = bytes[0];
    return 1;
  }
  size_t length = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : 2;
  if (bytes[0] < 0xc2 || bytes[0] > 0xf4 || length > size)
    return 0;
  uint32_t code = bytes[0] & (0xffu >> (length + 1));
  for (size_t i = 1; i < length; i++) {
    if ((bytes[i] & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (bytes[i] & 0x3f);
  }
  if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
    return 0;
  *point = code;
  return length;
}

bool
utf8_is_valid (const char *text, size_t size)
{
  for (size_t i = 0; i < size;) {
    uint32_t point;
    size_t length = utf8_next (text + i, size - i, &point);
    if (!length)
      return false;
    i += length;
  }
  return true;
}

size_t
utf8_cut (const char *text, size_t size, size_t characters)
{
  size_t at = 0;
  for (; characters && at < size; characters--) {
    uint32_t point;
    size_t length = utf8_next (text + at, size - at, &point);
    at += length ? length : 1;
  }
  return at;
}
