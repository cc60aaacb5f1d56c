/* fuzz-units.c - any text as a duration, a size, an address, hex and base64. */
#include "fuzz.h"

#include <string.h>

#include "units.h"

static void
check_duration (const char *text, size_t size, struct buffer *out)
{
  int64_t ns;
  if (!parse_duration (text, size, &ns))
    return;
  FUZZ_CHECK (ns >= 0);
  print_duration (out, ns);
}

static void
check_bytes (struct arena *arena, const char *text, size_t size, struct buffer *out)
{
  uint8_t *data, *mask, *again;
  size_t n, m;
  if (parse_hex (arena, text, size, &data, &mask, &n)) {
    out->size = 0;
    print_hex (out, data, n);
    FUZZ_CHECK (parse_hex (arena, buffer_text (out), out->size, &again, NULL, &m));
    FUZZ_CHECK (n == m && memcmp (data, again, n) == 0);
    for (size_t i = 0; i < n; i++) /* what is masked out is zero */
      FUZZ_CHECK ((data[i] & ~mask[i]) == 0);
  }
  if (parse_base64 (arena, text, size, &data, &n)) {
    out->size = 0;
    print_base64 (out, data, n);
    FUZZ_CHECK (parse_base64 (arena, buffer_text (out), out->size, &again, &m));
    FUZZ_CHECK (n == m && memcmp (data, again, n) == 0);
  }
}

FUZZ_TARGET (units)
{
  struct arena arena = { 0 };
  struct buffer out = { 0 };
  const char *text = (const char *) data, *why = NULL;
  struct address address;
  uint64_t bytes;
  check_duration (text, size, &out);
  parse_size (text, size, &bytes);
  if (parse_address (&arena, text, size, &address, &why))
    FUZZ_CHECK ((address.host != NULL) != (address.path != NULL));
  else
    FUZZ_CHECK (why);
  check_bytes (&arena, text, size, &out);
  buffer_free (&out);
  arena_free (&arena);
}
