/* show.c - see show.h. */
#include "show.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "runner-plugin.h"
#include "utf8.h"

#define SHOWN 200 /* bytes; each is written as 4 characters at most */

/* Writes the character at `text`, escaped if need be; returns how many bytes it had. */
static size_t
show_character (char **out, const uint8_t *text, size_t size)
{
  static const char escaped[] = "\n\r\t\"\\", letters[] = "nrt\"\\";
  const char *special = *text ? strchr (escaped, *text) : NULL;
  if (special) {
    *(*out)++ = '\\';
    *(*out)++ = letters[special - escaped];
    return 1;
  }
  uint32_t point;
  size_t length = utf8_next ((const char *) text, size, &point);
  if (length == 0 || *text < 0x20 || *text == 0x7f) {
    static const char digits[] = "0123456789abcdef";
    *(*out)++ = '\\';
    *(*out)++ = 'x';
    *(*out)++ = digits[*text >> 4];
    *(*out)++ = digits[*text & 15];
    return 1;
  }
  memcpy (*out, text, length);
  *out += length;
  return length;
}

static char *
show_quoted (char *out, const uint8_t *text, size_t size)
{
  *out++ = '"';
  for (size_t at = 0; at < size;)
    at += show_character (&out, text + at, size - at);
  *out++ = '"';
  *out = '\0';
  return out;
}

const char *
show_first (char *out, const void *data, size_t size)
{
  if (size <= SHOWN) {
    show_quoted (out, data, size);
    return out;
  }
  char kept[SHOWN];
  memcpy (kept, data, SHOWN);
  char *end = show_quoted (out, (const uint8_t *) kept, runner_mask (kept, SHOWN, RUNNER_CUT_END));
  snprintf (end, 40, "… (%zu bytes)", size);
  return out;
}

const char *
show_last (char *out, const void *data, size_t size)
{
  if (size <= SHOWN)
    return show_first (out, data, size);
  const uint8_t *tail = (const uint8_t *) data + (size - SHOWN);
  size_t shown = SHOWN;
  /* Begin with a whole character. */
  for (int i = 0; i < 3 && (*tail & 0xc0) == 0x80; i++, shown--)
    tail++;
  char kept[SHOWN];
  memcpy (kept, tail, shown);
  int lead = snprintf (out, 40, "…");
  char *end = show_quoted (out + lead, (const uint8_t *) kept, runner_mask (kept, shown, RUNNER_CUT_BEGIN));
  snprintf (end, 40, " (%zu bytes)", size);
  return out;
}

const char *
show_time (char *out, long long ns)
{
  if (ns >= 1000000000LL) {
    long long tenths = (ns + 50000000) / 100000000;
    if (tenths % 10)
      snprintf (out, 40, "%lld.%llds", tenths / 10, tenths % 10);
    else
      snprintf (out, 40, "%llds", tenths / 10);
  } else {
    snprintf (out, 40, "%lldms", (ns + 500000) / 1000000);
  }
  return out;
}
