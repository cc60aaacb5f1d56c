/* uuid.c - see uuid.h. */
#include "uuid.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

/* Several at once: a system call each would cost as much as a look-up. */
static bool
refill (struct uuid_source *source)
{
  for (size_t have = 0; have < sizeof source->random;) {
    ssize_t n = getrandom (source->random + have, sizeof source->random - have, 0);
    if (n < 0 && errno != EINTR)
      return false;
    have += n > 0 ? (size_t) n : 0;
  }
  source->left = sizeof source->random;
  return true;
}

bool
uuid_make (struct uuid_source *source, char out[UUID_SIZE + 1])
{
  static const char digits[] = "0123456789abcdef";
  uint8_t bytes[16];
  if (source->left < sizeof bytes && !refill (source))
    return false;
  uint8_t *from = source->random + sizeof source->random - source->left;
  memcpy (bytes, from, sizeof bytes);
  explicit_bzero (from, sizeof bytes); /* a code is nowhere twice */
  source->left -= sizeof bytes;
  bytes[6] = (uint8_t) ((bytes[6] & 0x0f) | 0x40);
  bytes[8] = (uint8_t) ((bytes[8] & 0x3f) | 0x80);
  char *p = out;
  for (size_t i = 0; i < sizeof bytes; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *p++ = '-';
    *p++ = digits[bytes[i] >> 4];
    *p++ = digits[bytes[i] & 15];
  }
  *p = 0;
  return true;
}
