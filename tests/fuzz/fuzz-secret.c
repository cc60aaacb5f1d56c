/* fuzz-secret.c - masking any bytes: the secret is seen nowhere from where masking begins,
 * and what is before that stays.  The first byte says how long the secret is that follows, the
 * next where masking begins; the rest is the text. */
#include "fuzz.h"

#include <string.h>

#include "secret.h"

FUZZ_TARGET (secret)
{
  if (size < 2 || size - 2 < data[0])
    return;
  size_t secret_size = data[0];
  const char *secret = (const char *) data + 2, *text = secret + secret_size;
  size -= 2 + secret_size;
  size_t from = data[1] < size ? data[1] : size;
  bool added = secret_add (secret, secret_size);
  FUZZ_CHECK (added == (secret_size >= SECRET_SHORTEST));

  struct buffer masked = { 0 };
  buffer_add (&masked, text, size);
  secret_mask (&masked, from);
  FUZZ_CHECK (masked.size >= from && (!from || memcmp (masked.data, text, from) == 0));
  if (added && masked.size > from && !memchr (secret, '*', secret_size)) /* else it may be one with the mask */
    FUZZ_CHECK (!memmem (masked.data + from, masked.size - from, secret, secret_size));
  buffer_free (&masked);
  secret_forget_all ();
}
