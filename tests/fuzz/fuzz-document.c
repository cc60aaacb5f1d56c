/* fuzz-document.c - any bytes as a YAML file: a tree that holds together, or faults that can be shown. */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "document.h"
#include "json.h"

#define ENOUGH 20000 /* nodes of a tree that is looked at in full */

struct walk { size_t nodes; bool finite; };

/* Checks a tree; false: it is a large one. */
static bool
walk (struct walk *w, const struct value *value, unsigned depth)
{
  bool dynamic = false;
  FUZZ_CHECK (depth <= DOCUMENT_DEPTH);
  FUZZ_CHECK (value->file == 1 && value->line && value->column);
  if (++w->nodes > ENOUGH)
    return false;
  if (value->type == VALUE_FLOAT && !isfinite (value->number))
    w->finite = false;
  if (value->type == VALUE_STRING) {
    FUZZ_CHECK (value->string[value->size] == '\0');
    dynamic = memmem (value->string, value->size, "${", 2) != NULL;
  }
  for (size_t i = 0; value->type == VALUE_LIST && i < value->count; i++) {
    if (!walk (w, &value->items[i], depth + 1))
      return false;
    dynamic |= value->items[i].flags & VALUE_DYNAMIC;
  }
  for (size_t i = 0; value->type == VALUE_MAP && i < value->count; i++) {
    const struct member *m = &value->members[i];
    FUZZ_CHECK (m->key.type == VALUE_STRING);
    FUZZ_CHECK (value_find (value, m->key.string, m->key.size) == &m->value); /* no other one of that name */
    if (!walk (w, &m->key, depth) || !walk (w, &m->value, depth + 1))
      return false;
    dynamic |= (m->key.flags | m->value.flags) & VALUE_DYNAMIC;
  }
  FUZZ_CHECK (dynamic == !!(value->flags & VALUE_DYNAMIC));
  return true;
}

static void
check_json (struct arena *arena, const struct value *value)
{
  struct buffer text = { 0 };
  struct value again;
  char error[200];
  json_write (&text, value);
  FUZZ_CHECK (json_parse (arena, text.data, text.size, &again, error, sizeof error));
  FUZZ_CHECK (value_equal (value, &again));
  buffer_free (&text);
}

static void
check_faults (const struct faults *faults)
{
  FUZZ_CHECK (faults->count > 0);
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream (&text, &size);
  FUZZ_CHECK (out);
  faults_print (faults, out, false);
  FUZZ_CHECK (fclose (out) == 0 && size > 0);
  for (size_t i = 0; i < size; i++) /* no escape sequence reaches the terminal */
    FUZZ_CHECK (text[i] == '\n' || text[i] == '\t' || (unsigned char) text[i] >= 0x20);
  free (text);
}

FUZZ_TARGET (document)
{
  struct arena arena = { 0 };
  struct faults faults = { 0 };
  struct value value;
  if (document_parse (&arena, "input.yaml", (const char *) data, size, &value, &faults)) {
    struct walk w = { .finite = true };
    FUZZ_CHECK (faults.count == 0);
    if (walk (&w, &value, 0) && w.finite)
      check_json (&arena, &value);
  }
  else
    check_faults (&faults);
  faults_free (&faults);
  arena_free (&arena);
  source_forget_all ();
}
