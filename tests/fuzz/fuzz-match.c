/* fuzz-match.c - patterns and JSONPaths against values.
 *
 * The input is a pattern or a path (it begins with `$`), a line with `=`, and a value,
 * pattern and value as JSON; or, after a byte 0, instructions to make them, so that there
 * is less that is no JSON.  Besides not crashing, matching must agree with itself. */
#include "fuzz.h"

#include <string.h>

#include "json.h"
#include "match.h"
#include "path.h"

static void
select_path (struct arena *arena, const char *text, size_t size, const struct value *root)
{
  char error[200];
  struct path *path = path_compile (arena, text, size, error, sizeof error);
  if (!path)
    return;
  size_t count, work = 100000;
  const struct value **nodes = path_select_within (path, root, arena, &count, &work);
  if (count == SIZE_MAX)
    return;
  FUZZ_CHECK (!path_singular (path) || count <= 1);
  CLEANUP_BUFFER struct buffer out = { 0 };
  for (size_t i = 0; i < count && i < 100; i++)
    value_show (&out, nodes[i], 100);
}

/* What match_check cannot know: limits, bytes (a map {hex: …} may be meant literally) and
 * that there is no engine here. */
static bool
not_foreseen (const struct differences *differences)
{
  static const char *const texts[]
    = { "too much", "too long", "hex takes", "base64", "$expr cannot", "UTF", "nested" };
  for (size_t i = 0; differences->count && i < sizeof texts / sizeof *texts; i++)
    if (strstr (differences->items[0].text, texts[i]))
      return true;
  return false;
}

static void
match_both (struct arena *arena, const struct value *pattern, const struct value *actual)
{
  struct match match = { .arena = arena };
  struct differences differences = { .arena = arena };
  struct faults faults = { 0 };
  int answer = match_value (&match, pattern, actual, &differences);
  int quick = match_value (&match, pattern, actual, NULL);
  FUZZ_CHECK ((answer == MATCH_YES) == (differences.count == 0));
  FUZZ_CHECK (quick == answer || (answer == MATCH_WRONG && quick == MATCH_NO));
  match_check (pattern, &faults);
  FUZZ_CHECK (answer != MATCH_WRONG || faults.count || not_foreseen (&differences));
  faults_free (&faults);
}

/* A value equals itself; and what is equal needs no differences. */
static void
match_itself (struct arena *arena, const struct value *actual)
{
  struct match match = { .arena = arena };
  struct differences differences = { .arena = arena };
  struct member member = { value_string ("$equals"), *actual };
  struct value pattern = { .type = VALUE_MAP, .count = 1, .members = &member };
  FUZZ_CHECK (match_value (&match, &pattern, actual, &differences) == MATCH_YES);
}

/* ---- made from bytes ---- */

struct stream { const uint8_t *data; size_t size; };

static unsigned
next (struct stream *s)
{
  if (!s->size)
    return 0;
  s->size--;
  return *s->data++;
}

static const char *const words[] = {
  "a",       "b",     "",     "$$a",      "value",  "within", "hex",         "base64",  "$",          "$.a",
  "$..b",    "$[0]",  "$.*",  "$[?@.a]",  "$..a",   "61",     "..",          "YQ==",    "50ms",       "2s",
  "4KiB",    "1024B", "12",   "a\nb\nc",  "a\nc",   "[ab]+",  "(a+)+$",      "integer", "2024-05-01",
  "2024-05-01T10:00Z", "\xff\xfe", "é",     "null", "abcdef",   "string", "(",      "$[::-1]['a']", "$[",      "$unknown",   "map",
};
#define WORDS (sizeof words / sizeof *words)

static struct value
make_word (struct stream *s)
{
  unsigned n = next (s);
  size_t matchers = 0;
  while (match_names[matchers])
    matchers++;
  return value_string (n < 128 ? words[n % WORDS] : match_names[n % matchers]);
}

static void
make (struct stream *s, struct builder *b, unsigned depth)
{
  unsigned what = next (s), n = next (s) % 5, flags = what & 8 ? VALUE_CASELESS : 0;
  switch (depth >= 12 ? what % 4 : what % 8) {
  case 0:
    builder_put (b, value_int ((int64_t) next (s) - 3));
    break;
  case 1:
    builder_put (b, n ? value_float ((double) next (s) / 4) : value_null);
    break;
  case 2:
    builder_put (b, n ? make_word (s) : value_bool (next (s) & 1));
    break;
  case 3:
    builder_put (b, make_word (s));
    break;
  case 4:
  case 5:
    builder_open (b, (struct value) { .type = VALUE_LIST });
    for (unsigned i = 0; i < n; i++)
      make (s, b, depth + 1);
    builder_close (b);
    break;
  default:
    builder_open (b, (struct value) { .type = VALUE_MAP, .flags = (uint8_t) flags });
    for (unsigned i = 0; i < n; i++) {
      builder_key (b, make_word (s));
      make (s, b, depth + 1);
    }
    builder_close (b);
  }
}

static struct value
make_value (struct arena *arena, struct stream *s)
{
  struct builder builder;
  builder_init (&builder, arena);
  make (s, &builder, 0);
  struct value value = builder_finish (&builder);
  builder_free (&builder);
  return value;
}

static void
match_made (struct arena *arena, const uint8_t *data, size_t size)
{
  struct stream s = { data, size };
  struct value pattern = make_value (arena, &s), actual = make_value (arena, &s);
  match_both (arena, &pattern, &actual);
  match_both (arena, &pattern, &pattern);
}

FUZZ_TARGET (match)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  const char *text = (const char *) data, *line = memmem (data, size, "\n=\n", 3);
  char error[200];
  struct value pattern, actual;
  if (size && data[0] == 0)
    match_made (&arena, data + 1, size - 1);
  if (!line)
    return;
  size_t first = (size_t) (line - text), rest = size - first - 3;
  if (!json_parse (&arena, line + 3, rest, &actual, error, sizeof error))
    return;
  match_itself (&arena, &actual);
  if (first > 0 && text[0] == '$')
    select_path (&arena, text, first, &actual);
  else if (json_parse (&arena, text, first, &pattern, error, sizeof error))
    match_both (&arena, &pattern, &actual);
}
