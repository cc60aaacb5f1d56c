/* document.c - see document.h.  Makes a tree out of libyaml's events; what a plain
 * scalar means is scalar.c's, what is wrong with the syntax is told by syntax.c. */
#include "config.h"

#include "document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "expr.h"
#include "keys.h"
#include "syntax.h"
#include "text.h"

_Static_assert (DOCUMENT_DEPTH <= BUILDER_DEPTH, "what is read can be built");

#define TAG_PREFIX "tag:yaml.org,2002:"

/* What a node amounts to with its aliases expanded: they share its memory, but
 * whoever walks over the tree meets all of it. */
struct weight { size_t nodes, bytes; unsigned height; };

struct anchor {
  struct value name; /* first: the set of anchors holds pointers to it */
  struct value value;
  struct weight weight;
  bool done;
};

/* An open list or map. */
struct level {
  bool is_map, key_next, flow, merges;
  yaml_mark_t key_end;   /* where its last key ended */
  struct weight before;  /* nodes and bytes when it was opened; height: of its children */
  struct anchor *anchor; /* or NULL */
};

struct document {
  struct arena *arena;
  struct faults *faults;
  size_t faults_before;
  uint16_t file;
  struct syntax_cursor cursor; /* where libyaml's events do not tell enough */
  yaml_parser_t parser;
  struct builder builder;
  struct level levels[DOCUMENT_DEPTH];
  size_t depth;
  size_t skipped; /* open lists and maps of a key that cannot be one */
  struct weight weight; /* of all so far */
  struct keys anchors, keys;
  struct arena scratch; /* anchors */
  struct value *children; /* of the map that is merged */
  size_t children_room;
  bool stopped;
};

/* ---- limits ---- */

/* Ends the reading: more would only cost time. */
static void
stop (struct document *document)
{
  document->stopped = true;
}

static void
weigh (struct document *document, const struct value *where, const struct weight *more)
{
  struct weight *weight = &document->weight;
  weight->nodes += more->nodes;
  weight->bytes += more->bytes;
  if (weight->nodes > DOCUMENT_NODES)
    fault_add (document->faults, where, "the document has more than %zu nodes (with its aliases expanded)",
               DOCUMENT_NODES);
  else if (weight->bytes > DOCUMENT_BYTES)
    fault_add (document->faults, where, "the document has more than %zu MiB (with its aliases expanded)",
               DOCUMENT_BYTES >> 20);
  else if (document->depth + more->height > DOCUMENT_DEPTH)
    fault_add (document->faults, where, "nested more than %d levels deep", DOCUMENT_DEPTH);
  else
    return;
  stop (document);
}

static struct level *
innermost (struct document *document)
{
  return document->depth ? &document->levels[document->depth - 1] : NULL;
}

static void
raise_height (struct document *document, unsigned height)
{
  struct level *level = innermost (document);
  if (level && level->before.height < height)
    level->before.height = height;
}

/* ---- anchors ---- */

static struct anchor *
anchor_new (struct document *document, const yaml_char_t *name)
{
  if (!name)
    return NULL;
  struct anchor *anchor = arena_alloc (&document->scratch, sizeof *anchor);
  anchor->name = value_string (arena_strdup (&document->scratch, (const char *) name));
  keys_replace (&document->anchors, &anchor->name);
  return anchor;
}

static void
anchor_done (struct anchor *anchor, const struct value *value, struct weight weight)
{
  if (!anchor)
    return;
  anchor->value = *value;
  anchor->weight = weight;
  anchor->done = true;
}

/* ---- keys ---- */

/* A key is a string, whatever it looks like: its text. */
static void
put_key (struct document *document, struct value key, const yaml_event_t *event)
{
  struct level *level = innermost (document);
  level->key_next = false;
  level->key_end = event->end_mark;
  builder_key (&document->builder, key);
}

/* In the place of a key that cannot be one; file 0 tells it from others. */
static void
put_no_key (struct document *document, const yaml_event_t *event)
{
  put_key (document, value_text ("", 0), event);
}

/* Every key that is there twice. */
static void
check_duplicates (struct document *document, const struct value *children, size_t count)
{
  keys_clear (&document->keys);
  for (size_t i = 0; i < count; i += 2) {
    const struct value *key = &children[i];
    const struct value *first = key->file || key->size ? keys_add (&document->keys, key) : NULL;
    if (!first)
      continue;
    struct buffer name = { 0 };
    text_quote (&name, key->string, key->size, 100);
    fault_add (document->faults, key, "duplicate key %s; the first one is at line %u, column %u",
               buffer_text (&name), first->line, first->column);
    buffer_free (&name);
  }
}

/* ---- `<<` ---- */

static bool
is_merge_key (const struct value *key)
{
  return !(key->flags & VALUE_QUOTED) && value_is (key, "<<");
}

/* Adds the members of a map that the keys so far leave room for. */
static void
merge_map (struct document *document, const struct value *map)
{
  for (size_t i = 0; i < map->count; i++) {
    const struct member *member = &map->members[i];
    if (keys_add (&document->keys, &member->key))
      continue;
    builder_key (&document->builder, member->key);
    builder_put (&document->builder, member->value);
  }
}

static void
merge (struct document *document, const struct value *what)
{
  const struct value *wrong = NULL;
  if (what->type == VALUE_MAP)
    merge_map (document, what);
  else if (what->type != VALUE_LIST)
    wrong = what;
  else
    for (size_t i = 0; i < what->count; i++) {
      if (what->items[i].type == VALUE_MAP)
        merge_map (document, &what->items[i]);
      else
        wrong = &what->items[i];
    }
  if (wrong)
    fault_add (document->faults, wrong, "<< takes a map or a list of maps; this is of type %s", value_type_name (wrong->type));
}

/* Rebuilds the innermost map with what its `<<` brings; its own keys are in
 * document->keys and win. */
static void
merge_all (struct document *document)
{
  size_t count;
  const struct value *children = builder_children (&document->builder, &count);
  if (document->children_room < count) {
    document->children = xrealloc (document->children, count, sizeof *children);
    document->children_room = count;
  }
  memcpy (document->children, children, count * sizeof *children);
  builder_truncate (&document->builder, 0);
  /* The keys must stay where they are for as long as the set holds them. */
  keys_clear (&document->keys);
  for (size_t i = 0; i < count; i += 2)
    if (!is_merge_key (&document->children[i]))
      keys_add (&document->keys, &document->children[i]);
  for (size_t i = 0; i < count; i += 2) {
    if (is_merge_key (&document->children[i])) {
      merge (document, &document->children[i + 1]);
      continue;
    }
    builder_key (&document->builder, document->children[i]);
    builder_put (&document->builder, document->children[i + 1]);
  }
}

/* ---- tags ---- */

static const char *const tag_names[] = { "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", NULL };

static void
refuse_tag (struct document *document, const struct value *where, const char *tag)
{
  struct buffer name = { 0 };
  if (strncmp (tag, TAG_PREFIX, strlen (TAG_PREFIX)) == 0)
    buffer_printf (&name, "!!%s", tag + strlen (TAG_PREFIX));
  else
    buffer_puts (&name, tag);
  const char *best = NULL;
  size_t distance = 0;
  for (size_t i = 0; tag_names[i]; i++)
    text_nearest (buffer_text (&name), tag_names[i], &best, &distance);
  struct buffer quoted = { 0 };
  text_quote (&quoted, name.data, name.size, 100);
  if (best)
    fault_unknown (document->faults, where, "tag", name.data, tag_names);
  else
    fault_add (document->faults, where,
               "unknown tag %s: put a text that begins with ! in quotes (in an expression, write \"not\" and \"~=\")",
               buffer_text (&quoted));
  buffer_free (&quoted);
  buffer_free (&name);
}

/* The type that a tag asks for; -1: none, -2: unknown (a fault is added). */
static int
type_of_tag (struct document *document, const struct value *where, const yaml_char_t *tag)
{
  static const uint8_t types[] = { VALUE_STRING, VALUE_INT, VALUE_FLOAT, VALUE_BOOL, VALUE_NULL, VALUE_MAP, VALUE_LIST };
  if (!tag || strcmp ((const char *) tag, "!") == 0)
    return -1;
  if (strncmp ((const char *) tag, TAG_PREFIX, strlen (TAG_PREFIX)) == 0)
    for (size_t i = 0; tag_names[i]; i++)
      if (strcmp ((const char *) tag + strlen (TAG_PREFIX), tag_names[i] + 2) == 0)
        return types[i];
  refuse_tag (document, where, (const char *) tag);
  return -2;
}

static void
refuse_type (struct document *document, const struct value *where, int wanted)
{
  static const char *const names[] = { "null", "bool", "int", "float", "str", "seq", "map" };
  fault_add (document->faults, where, "this does not fit its tag !!%s", names[wanted]);
}

/* ---- scalars ---- */

/* libyaml drops the tag `!` before a plain scalar ("a string"); a plain scalar cannot begin so itself. */
static bool
is_marked_as_text (struct document *document, const yaml_event_t *event)
{
  const yaml_mark_t *start = &event->start_mark, *end = &event->end_mark;
  if (start->line == end->line && end->column - start->column == event->data.scalar.length)
    return false;
  size_t column = start->column;
  char c = syntax_byte_at (&document->cursor, start->line, column);
  if (c == '&') { /* an anchor may come first */
    while ((c = syntax_byte_at (&document->cursor, start->line, column)) && c != ' ' && c != '\t')
      column++;
    while ((c = syntax_byte_at (&document->cursor, start->line, column)) == ' ' || c == '\t')
      column++;
  }
  return c == '!';
}

/* Gives a scalar with a tag the type that this asks for. */
static bool
convert (struct value *scalar, const char *text, size_t size, int wanted)
{
  if (wanted == VALUE_STRING) {
    *scalar = value_text (text, size);
    return true;
  }
  if (!document_scalar (text, size, scalar))
    return false;
  if (wanted == VALUE_FLOAT && scalar->type == VALUE_INT)
    *scalar = value_float ((double) scalar->integer);
  return scalar->type == wanted;
}

/* The scalar's value; null, and a fault, when it has none. */
static struct value
scalar_value (struct document *document, const yaml_event_t *event, const char *text, bool is_key)
{
  struct value place = syntax_place (document->file, &event->start_mark), value = value_null;
  size_t size = event->data.scalar.length;
  bool is_plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  const yaml_char_t *tag = event->data.scalar.tag;
  int wanted = tag ? type_of_tag (document, &place, tag) : -1;

  if (wanted >= 0 && !is_key) {
    if (!convert (&value, text, size, wanted)) {
      refuse_type (document, &place, wanted);
      value = value_null;
    }
    is_plain = false;
  }
  else if (!is_plain || is_key || is_marked_as_text (document, event)) {
    value = value_text (text, size);
    is_plain = is_plain && is_key;
  }
  else if (!document_scalar (text, size, &value))
    fault_add (document->faults, &place, "the number %.40s%s is too large; put it in quotes if it is a text", text,
               size > 40 ? "…" : "");
  value.file = place.file;
  value.line = place.line;
  value.column = place.column;
  if (!is_plain)
    value.flags |= VALUE_QUOTED;
  if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE || event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
    value.flags |= VALUE_BLOCK;
  if (value.type == VALUE_STRING && expr_is_dynamic (text, size))
    value.flags |= VALUE_DYNAMIC;
  return value;
}

/* `{text: a,b}` is a map of two keys: nobody means that. */
static void
check_flow_value (struct document *document, const struct level *level, const yaml_event_t *event)
{
  if (!level || !level->is_map || !level->flow || event->data.scalar.length
      || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->data.scalar.tag || event->data.scalar.anchor
      || syntax_has_colon (&document->cursor, &level->key_end, &event->start_mark))
    return;
  char next = syntax_byte_at (&document->cursor, event->start_mark.line, event->start_mark.column);
  if (next != ',' && next != '}') /* the syntax is wrong, which comes next */
    return;
  size_t count;
  const struct value *key = builder_children (&document->builder, &count);
  key += count - 1;
  if (!key->file)
    return;
  struct buffer name = { 0 };
  text_quote (&name, key->string, key->size, 100);
  if (!(key->flags & VALUE_QUOTED) && memchr (key->string, ':', key->size))
    fault_add (document->faults, key, "%s has no value: a blank must follow the colon", buffer_text (&name));
  else
    fault_add (document->faults, key,
               "%s has no value: a text with a comma inside { } must be in quotes: {key: \"a,b\"}",
               buffer_text (&name));
  buffer_free (&name);
}

static void
take_scalar (struct document *document, const yaml_event_t *event)
{
  size_t size = event->data.scalar.length;
  struct value place = syntax_place (document->file, &event->start_mark);
  if (size > DOCUMENT_SCALAR) {
    fault_add (document->faults, &place, "a text of more than %zu MiB", DOCUMENT_SCALAR >> 20);
    stop (document);
    return;
  }
  struct weight weight = { .nodes = 1, .bytes = size };
  weigh (document, &place, &weight);
  if (document->skipped || document->stopped)
    return;

  struct level *level = innermost (document);
  bool is_key = level && level->key_next;
  const char *text = arena_copy (document->arena, event->data.scalar.value, size);
  struct value value = scalar_value (document, event, text, is_key);
  anchor_done (anchor_new (document, event->data.scalar.anchor), &value, weight);
  if (!is_key) {
    check_flow_value (document, level, event);
    builder_put (&document->builder, value);
    if (level)
      level->key_next = level->is_map;
    return;
  }
  if (size == 0 && !(value.flags & VALUE_QUOTED)) {
    fault_add (document->faults, &place, "a key is missing before the colon");
    put_no_key (document, event);
    return;
  }
  level->merges |= is_merge_key (&value);
  put_key (document, value, event);
}

/* ---- aliases ---- */

/* The anchor that an alias names; NULL, and a fault, when it cannot be used. */
static const struct anchor *
find_anchor (struct document *document, const yaml_event_t *event, const struct value *place)
{
  const char *text = (const char *) event->data.alias.anchor;
  struct value name = value_string (text);
  const struct anchor *anchor = (const struct anchor *) keys_find (&document->anchors, &name);
  if (!anchor)
    fault_add (document->faults, place, "there is no anchor &%s before this alias", text);
  else if (!anchor->done)
    fault_add (document->faults, place, "the alias *%s is inside of what it stands for", text);
  else
    return anchor;
  return NULL;
}

static void
take_alias (struct document *document, const yaml_event_t *event)
{
  struct value place = syntax_place (document->file, &event->start_mark);
  const struct anchor *anchor = find_anchor (document, event, &place);
  weigh (document, &place, anchor ? &anchor->weight : &(struct weight) { .nodes = 1 });
  if (document->skipped || document->stopped)
    return;

  struct level *level = innermost (document);
  struct value value = anchor ? anchor->value : value_null;
  if (!level || !level->key_next) {
    if (anchor)
      raise_height (document, anchor->weight.height);
    builder_put (&document->builder, value);
    if (level)
      level->key_next = level->is_map;
    return;
  }
  if (anchor && value.type != VALUE_STRING)
    fault_add (document->faults, &place, "a key must be a text; this is of type %s", value_type_name (value.type));
  if (!anchor || value.type != VALUE_STRING) {
    put_no_key (document, event);
    return;
  }
  value.line = place.line;
  value.column = place.column;
  value.flags |= VALUE_QUOTED; /* no merge key */
  put_key (document, value, event);
}

/* ---- lists and maps ---- */

static void
open_level (struct document *document, const yaml_event_t *event, int type)
{
  struct value head = syntax_place (document->file, &event->start_mark);
  head.type = (uint8_t) type;
  bool is_map = type == VALUE_MAP;
  struct weight before = { .nodes = document->weight.nodes, .bytes = document->weight.bytes };
  weigh (document, &head, &(struct weight) { .nodes = 1, .height = (unsigned) document->skipped + 1 });
  if (document->stopped)
    return;
  struct level *parent = innermost (document);
  if (document->skipped || (parent && parent->key_next)) {
    if (document->skipped++ == 0)
      fault_add (document->faults, &head,
                 "a key must be a text, not a %s (put a text that begins with { or [ in quotes)", value_type_name (type));
    return;
  }
  const yaml_char_t *tag = is_map ? event->data.mapping_start.tag : event->data.sequence_start.tag;
  int wanted = type_of_tag (document, &head, tag);
  if (wanted >= 0 && wanted != type)
    refuse_type (document, &head, wanted);
  document->levels[document->depth++] = (struct level) {
    .is_map = is_map, .key_next = is_map, .before = before,
    .flow = is_map && event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE,
    .anchor = anchor_new (document, is_map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor),
  };
  builder_open (&document->builder, head);
}

static void
close_level (struct document *document, const yaml_event_t *event)
{
  if (document->skipped) {
    if (--document->skipped == 0)
      put_no_key (document, event);
    return;
  }
  struct level *level = innermost (document);
  if (level->is_map) {
    size_t count;
    const struct value *children = builder_children (&document->builder, &count);
    if (count > 2)
      check_duplicates (document, children, count);
    if (level->merges)
      merge_all (document);
  }
  builder_close (&document->builder);
  document->depth--;
  struct weight weight = {
    .nodes = document->weight.nodes - level->before.nodes,
    .bytes = document->weight.bytes - level->before.bytes,
    .height = level->before.height + 1,
  };
  anchor_done (level->anchor, builder_last (&document->builder), weight);
  raise_height (document, weight.height);
  struct level *parent = innermost (document);
  if (parent)
    parent->key_next = parent->is_map;
}

/* ---- the document ---- */

static void
take_event (struct document *document, const yaml_event_t *event)
{
  struct value place;
  switch (event->type) {
  case YAML_SCALAR_EVENT:
    take_scalar (document, event);
    break;
  case YAML_ALIAS_EVENT:
    take_alias (document, event);
    break;
  case YAML_SEQUENCE_START_EVENT:
    open_level (document, event, VALUE_LIST);
    break;
  case YAML_MAPPING_START_EVENT:
    open_level (document, event, VALUE_MAP);
    break;
  case YAML_SEQUENCE_END_EVENT:
  case YAML_MAPPING_END_EVENT:
    close_level (document, event);
    break;
  case YAML_DOCUMENT_START_EVENT:
    if (!document->builder.done)
      break;
    place = syntax_place (document->file, &event->start_mark);
    fault_add (document->faults, &place, "a second document begins here; a file holds one");
    stop (document);
    break;
  case YAML_STREAM_END_EVENT:
    place = (struct value) { .file = document->file, .line = 1, .column = 1 };
    if (!document->builder.done && document->faults->count + document->faults->more == document->faults_before)
      fault_add (document->faults, &place, "the file is empty");
    stop (document);
    break;
  default:
    break;
  }
}

static void
take_events (struct document *document)
{
  while (!document->stopped) {
    yaml_event_t event;
    if (!yaml_parser_parse (&document->parser, &event)) {
      syntax_explain (document->file, &document->parser, document->faults);
      return;
    }
    take_event (document, &event);
    yaml_event_delete (&event);
    if (document->faults->more) /* enough of them */
      stop (document);
  }
}

static void
run_parser (struct document *document, const char *text, size_t size)
{
  if (!yaml_parser_initialize (&document->parser)) {
    struct value place = { .file = document->file };
    fault_add (document->faults, &place, "out of memory");
    return;
  }
  yaml_parser_set_encoding (&document->parser, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string (&document->parser, (const unsigned char *) text, size);
  take_events (document);
  yaml_parser_delete (&document->parser);
}

/* Behind a byte order mark. */
static size_t
mark_size (const char *text, size_t size)
{
  return size >= 3 && memcmp (text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool
parse_source (struct arena *arena, uint16_t file, const char *name, const char *text, size_t size,
              struct value *out, struct faults *faults)
{
  struct document document = { .arena = arena, .faults = faults, .faults_before = faults->count + faults->more,
                               .file = file };
  struct value place = { .file = file };
  *out = value_null;
  document.cursor.file = file;
  if (!file) {
    fault_add (faults, NULL, "%s: there are too many files", name);
    return false;
  }
  if (size > DOCUMENT_BYTES)
    fault_add (faults, &place, "the file is larger than %zu MiB", DOCUMENT_BYTES >> 20);
  else if (syntax_check_text (file, text, size, faults)) {
    builder_init (&document.builder, arena);
    run_parser (&document, text, size);
    if (faults->count + faults->more == document.faults_before)
      *out = builder_finish (&document.builder);
    builder_free (&document.builder);
    keys_free (&document.anchors);
    keys_free (&document.keys);
    arena_free (&document.scratch);
    free (document.children);
  }
  return faults->count + faults->more == document.faults_before;
}

bool
document_parse (struct arena *arena, const char *name, const char *text, size_t size, struct value *out,
                struct faults *faults)
{
  size_t mark = mark_size (text, size);
  uint16_t file = source_add (name, text + mark, size > DOCUMENT_BYTES ? 0 : size - mark);
  return parse_source (arena, file, name, text + mark, size - mark, out, faults);
}

/* ---- files ---- */

/* Reads up to a byte more than a document may have.  False: errno says why. */
static bool
read_file (const char *path, struct buffer *text)
{
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  struct stat st;
  bool known = fstat (fd, &st) == 0 && st.st_size >= 0 && st.st_size <= (off_t) DOCUMENT_BYTES;
  buffer_reserve (text, known ? (size_t) st.st_size + 1 : 1 << 16); /* and one, to see the end */
  while (text->size <= DOCUMENT_BYTES) {
    if (text->size == text->room)
      buffer_reserve (text, 1 << 16);
    ssize_t n = read (fd, text->data + text->size, text->room - text->size);
    if (n == 0)
      break;
    if (n > 0)
      text->size += (size_t) n;
    else if (errno != EINTR)
      return false;
  }
  return true;
}

bool
document_load (struct arena *arena, const char *path, struct value *out, struct faults *faults)
{
  struct buffer text = { 0 };
  if (read_file (path, &text)) {
    size_t mark = mark_size (text.data, text.size), size = text.size - mark;
    if (mark)
      memmove (text.data, text.data + mark, size);
    const char *content = text.data; /* the source's, which stays */
    return parse_source (arena, source_take (path, text.data, size), path, content, size, out, faults);
  }
  int error = errno;
  buffer_free (&text);
  struct value place = { .file = source_add (path, "", 0) };
  *out = value_null;
  fault_add (faults, place.file ? &place : NULL, "%s%scannot be read: %s", place.file ? "" : path,
             place.file ? "" : ": ", strerror (error));
  return false;
}
