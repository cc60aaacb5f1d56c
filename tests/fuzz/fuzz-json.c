/* fuzz-json.c - any bytes as JSON: refused with a reason, or the same after writing and reading. */
#include "fuzz.h"

#include <string.h>

#include "json.h"

static void
check_again (struct arena *arena, const struct value *value, void (*write) (struct buffer *, const struct value *))
{
  struct buffer first = { 0 }, second = { 0 };
  struct value again;
  char error[200];
  write (&first, value);
  FUZZ_CHECK (json_parse (arena, first.data, first.size, &again, error, sizeof error));
  FUZZ_CHECK (value_equal (value, &again));
  write (&second, &again);
  FUZZ_CHECK (first.size == second.size && memcmp (first.data, second.data, first.size) == 0);
  buffer_free (&first);
  buffer_free (&second);
}

FUZZ_TARGET (json)
{
  struct arena arena = { 0 };
  struct value value;
  char error[200];
  if (json_parse (&arena, (const char *) data, size, &value, error, sizeof error)) {
    check_again (&arena, &value, json_write);
    check_again (&arena, &value, json_write_pretty);
  }
  else
    FUZZ_CHECK (strncmp (error, "line ", 5) == 0);

  /* The bytes themselves as a string. */
  char *text = arena_copy (&arena, data, size);
  value = value_text (text, size);
  check_again (&arena, &value, json_write);
  arena_free (&arena);
}
