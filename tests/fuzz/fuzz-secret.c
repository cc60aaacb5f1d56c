/* fuzz-secret.c - masking any bytes: a stream in any pieces gives what the whole gives.
 * The first byte says how long the secret is that follows, the next how large the
 * pieces are; the rest is the text. */
#include "fuzz.h"

#include <string.h>

#include "secret.h"

static void
mask_in_pieces (const char *text, size_t size, size_t piece, struct buffer *out)
{
  struct secret_stream stream = { .covered = 0 };
  for (size_t i = 0; i < size; i += piece)
    secret_stream_feed (&stream, text + i, size - i < piece ? size - i : piece, out);
  secret_stream_end (&stream, out);
}

FUZZ_TARGET (secret)
{
  if (size < 2 || size - 2 < data[0])
    return;
  size_t secret_size = data[0], piece = data[1] + 1u;
  const char *text = (const char *) data + 2 + secret_size;
  size -= 2 + secret_size;
  FUZZ_CHECK (secret_add ((const char *) data + 2, secret_size) == (secret_size >= SECRET_SHORTEST));

  struct buffer whole = { 0 }, pieces = { 0 };
  buffer_add (&whole, text, size);
  secret_mask (&whole, 0);
  mask_in_pieces (text, size, piece, &pieces);
  FUZZ_CHECK (whole.size == pieces.size);
  FUZZ_CHECK (!whole.size || memcmp (whole.data, pieces.data, whole.size) == 0);
  buffer_free (&whole);
  buffer_free (&pieces);
  secret_forget_all ();
}
