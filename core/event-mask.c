/* event-mask.c - takes the secrets out of an event, text by text, before it is
 * written: in the written line a text that held JSON would be escaped twice, and
 * look like nothing that is looked for. */
#include "config.h"

#include <string.h>

#include "event-fields.h"
#include "secret.h"

/* The text without secrets: the same pointer when it has none. */
static const char *
masked (const char *text, size_t *size, struct arena *arena)
{
  CLEANUP_BUFFER struct buffer copy = { 0 };
  buffer_add (&copy, text, *size);
  secret_mask (&copy, 0);
  if (copy.size == *size && memcmp (copy.data, text, *size) == 0)
    return text;
  *size = copy.size;
  return arena_copy (arena, copy.data, copy.size);
}

static void
mask_text (const char **text, struct arena *arena)
{
  if (*text && **text) {
    size_t size = strlen (*text);
    *text = masked (*text, &size, arena);
  }
}

static void
mask_texts (const char ***texts, size_t count, struct arena *arena)
{
  const char **copy = arena_array (arena, count, sizeof *copy);
  for (size_t i = 0; i < count; i++) {
    copy[i] = (*texts)[i];
    mask_text (&copy[i], arena);
  }
  *texts = copy;
}

static void mask_record (const struct record *record, char *data, struct arena *arena);

static void
mask_records (const struct record *record, char **items, size_t count, struct arena *arena)
{
  char *copy = arena_array (arena, count, record->size);
  memcpy (copy, *items, count * record->size);
  for (size_t i = 0; i < count; i++)
    mask_record (record, copy + i * record->size, arena);
  *items = copy;
}

static void
mask_record (const struct record *record, char *data, struct arena *arena)
{
  for (size_t i = 0; i < record->count; i++) {
    const struct field *field = &record->fields[i];
    void *member = data + field->offset;
    size_t *more = (size_t *) (void *) (data + field->more);
    if (field->kind == KIND_TEXT)
      mask_text (member, arena);
    else if (field->kind == KIND_BYTES && *(const char **) member && *more)
      *(const char **) member = masked (*(const char **) member, more, arena);
    else if (field->kind == KIND_TEXTS && *more)
      mask_texts (member, *more, arena);
    else if (field->kind == KIND_RECORDS && *more)
      mask_records (field->record, member, *more, arena);
  }
}

void
event_mask (struct event *event, struct arena *arena)
{
  if (secret_any ())
    mask_record (&event_record, (char *) event, arena);
}
