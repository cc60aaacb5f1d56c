/* fuzz-secret.c - masking any bytes: the secret is seen nowhere from where masking begins,
 * and what is before that stays; nor is a piece of it where the text was cut.  The first byte says
 * how long the secret is that follows, the next where masking begins, and how much of it the
 * cut has left; the rest is the text. */
#include "fuzz.h"

#include <string.h>

#include "secret.h"

#define PIECE_SHORTEST 4

/* A text with a piece of the secret at an end that was cut. */
static void
check_cut (const char *text, size_t size, const char *secret, size_t secret_size, size_t piece)
{
  struct buffer ends = { 0 }, begins = { 0 };
  const char *tail = secret + secret_size - piece;
  buffer_add (&ends, text, size);
  buffer_add (&ends, secret, piece);
  secret_mask_cut (&ends, 0, SECRET_CUT_END);
  FUZZ_CHECK (ends.size < piece || memcmp (ends.data + ends.size - piece, secret, piece) != 0);
  buffer_add (&begins, tail, piece);
  buffer_add (&begins, text, size);
  secret_mask_cut (&begins, 0, SECRET_CUT_BEGIN);
  FUZZ_CHECK (begins.size < piece || memcmp (begins.data, tail, piece) != 0);
  buffer_free (&ends);
  buffer_free (&begins);
}

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
  size_t piece = data[1] <= secret_size ? data[1] : secret_size;
  if (added && piece >= PIECE_SHORTEST && !memchr (secret, '*', secret_size))
    check_cut (text, size, secret, secret_size, piece);
  secret_forget_all ();
}
