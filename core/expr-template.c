/* expr-template.c - `${…}` in texts: finds it, puts values in its place, and
 * tells where in the source an expression stands. */
#include "config.h"

#include "expr-internal.h"

#include "keys.h"
#include "text.h"

#define TEXT_LARGEST ((size_t) 64 << 20)

bool
expr_is_dynamic (const char *text, size_t size)
{
  const char *end = text + size;
  for (const char *at = text; at < end && (at = memchr (at, '$', (size_t) (end - at))); at++)
    if (end - at >= 2 && at[1] == '{')
      return true;
  return false;
}

/* ---- pieces ---- */

/* The `}` that ends the code at `start`; SIZE_MAX: there is none, *problem says why. */
static size_t
end_of_code (const char *text, size_t size, size_t start, const char **problem)
{
  struct expr_lexer lexer = { text, size, start };
  size_t open = 0;
  for (;;) {
    struct expr_token token = expr_next_token (&lexer);
    if (token.type == EXPR_END)
      break;
    if (token.type == EXPR_UNFINISHED) {
      *problem = "a string or comment in this `${` does not end";
      return SIZE_MAX;
    }
    if (token.type != EXPR_SIGN)
      continue;
    if (text[token.start] == '{')
      open++;
    else if (text[token.start] == '}' && open-- == 0)
      return token.start;
  }
  *problem = "this `${` has no `}` (a `${` that is meant literally is written `$${`)";
  return SIZE_MAX;
}

struct expr_piece
expr_next_piece (const char *text, size_t size, size_t *at)
{
  struct expr_piece piece = { EXPR_PIECE_END, *at, 0, NULL };
  const char *p = text + *at, *end = text + size;
  if (p >= end)
    return piece;
  size_t left = (size_t) (end - p);
  if (left >= 3 && memcmp (p, "$${", 3) == 0) {
    piece.type = EXPR_PIECE_ESCAPE;
    piece.start++;
    piece.size = 2;
    *at += 3;
  }
  else if (left >= 2 && memcmp (p, "${", 2) == 0) {
    size_t close = end_of_code (text, size, *at + 2, &piece.problem);
    piece.type = close == SIZE_MAX ? EXPR_PIECE_OPEN : EXPR_PIECE_CODE;
    piece.start += 2;
    piece.size = close == SIZE_MAX ? left - 2 : close - piece.start;
    *at = close == SIZE_MAX ? size : close + 1;
  }
  else {
    const char *next = memmem (p + 1, left - 1, "${", 2);
    if (next && next[-1] == '$')
      next--; /* the escape begins before it */
    piece.type = EXPR_PIECE_TEXT;
    piece.size = next ? (size_t) (next - p) : left;
    *at += piece.size;
  }
  return piece;
}

/* ---- places ---- */

/* Characters that the first bytes of a line are. */
static uint32_t
column_of (const char *line, size_t bytes)
{
  return (uint32_t) utf8_count (line, bytes) + 1;
}

/* The byte of a line where a column (from 1) is; SIZE_MAX: behind its end. */
static size_t
byte_of (const char *line, size_t size, uint32_t column)
{
  size_t at = 0;
  for (uint32_t i = 1; i < column; i++) {
    if (at >= size)
      return SIZE_MAX;
    size_t n = utf8_decode (line + at, size - at, NULL);
    at += n ? n : 1;
  }
  return at;
}

/* Looks for some bytes of a scalar in a line of the source, from byte `from` on. */
static bool
find_in_line (struct value *place, uint32_t line, size_t from, const char *text, size_t size)
{
  size_t line_size;
  const char *source = source_line (place->file, line, &line_size);
  if (!source || from > line_size || size == 0)
    return false;
  const char *found = memmem (source + from, line_size - from, text, size);
  if (!found)
    return false;
  place->line = line;
  place->column = column_of (source, (size_t) (found - source));
  return true;
}

#define LINES_SEARCHED 1000

/* A block's lines are those after its head; folded ones are found by searching. */
static void
place_in_block (struct value *place, const struct value *scalar, size_t at, const char *part, size_t part_size)
{
  uint32_t head = place->line, line = head + 1;
  size_t start = 0;
  for (size_t i = 0; i < at; i++)
    if (scalar->string[i] == '\n') {
      line++;
      start = i + 1;
    }
  const char *end = memchr (scalar->string + start, '\n', scalar->size - start);
  size_t size = end ? (size_t) (end - scalar->string) - start : scalar->size - start;
  if (find_in_line (place, line, 0, scalar->string + start, size)) {
    place->column += (uint32_t) utf8_count (scalar->string + start, at - start);
    return;
  }
  for (uint32_t i = head + 1; i < head + LINES_SEARCHED; i++)
    if (find_in_line (place, i, 0, part, part_size))
      return;
}

/* Plain and quoted scalars: as written, if nothing in them is escaped or folded;
 * else where the next bytes stand. */
static void
place_in_line (struct value *place, const struct value *scalar, size_t at, const char *part, size_t part_size)
{
  size_t size;
  const char *source = source_line (place->file, place->line, &size);
  if (!source)
    return;
  size_t from = byte_of (source, size, place->column);
  if (from >= size)
    return;
  size_t text = from + (source[from] == '"' || source[from] == '\'');
  if (text <= size && size - text >= at && memcmp (source + text, scalar->string, at) == 0) {
    place->column = column_of (source, text + at);
    return;
  }
  uint32_t first = place->line;
  if (find_in_line (place, first, text, part, part_size))
    return;
  for (uint32_t i = first + 1; i < first + LINES_SEARCHED && i - first <= scalar->size; i++)
    if (find_in_line (place, i, 0, part, part_size))
      return;
}

struct value
expr_site_place (const struct expr_site *site, size_t at)
{
  const struct value *scalar = site->scalar;
  struct value place = { .type = VALUE_NULL, .file = scalar->file, .line = scalar->line, .column = scalar->column };
  if (!scalar->file || scalar->type != VALUE_STRING)
    return place;
  at = site->offset + (at < site->size ? at : site->size);
  /* enough to be found again, but not over the end of the line */
  const char *part = scalar->string + at;
  size_t part_size = 0;
  while (at + part_size < scalar->size && part_size < 24 && part[part_size] != '\n')
    part_size++;
  if (scalar->flags & VALUE_BLOCK)
    place_in_block (&place, scalar, at, part, part_size);
  else
    place_in_line (&place, scalar, at, part, part_size);
  return place;
}

/* ---- expansion ---- */

struct expansion {
  struct expr_engine *engine;
  const struct expr_scope *scope;
  struct arena *arena;
  struct expr_error *error;
};

static void
copy_place (struct value *to, const struct value *from)
{
  to->file = from->file;
  to->line = from->line;
  to->column = from->column;
}

static bool
refuse_piece (const struct expansion *x, const struct value *scalar, const struct expr_piece *piece)
{
  struct expr_site site = { scalar, piece->start - 2, piece->size };
  struct value place = expr_site_place (&site, 0);
  return expr_fail (x->error, &place, "%s", piece->problem);
}

/* A text that is one `${…}` and nothing else. */
static bool
expand_whole (const struct expansion *x, const struct value *in, const struct expr_piece *piece, struct value *out)
{
  struct expr_site site = { in, piece->start, piece->size };
  if (!expr_begin (x->engine, &site, x->scope, x->error))
    return false;
  struct expr_conversion conversion = { .lua = x->engine->lua, .arena = x->arena, .where = in };
  bool good = expr_convert (&conversion, -1, out);
  if (!good) {
    struct value place = expr_site_place (&site, 0);
    expr_fail (x->error, &place, "${%.*s} cannot be used: %s", piece->size < 80 ? (int) piece->size : 80,
               expr_site_text (&site), conversion.problem);
  }
  expr_end (x->engine);
  return good;
}

/* A `${…}` with text around it: its value is printed. */
static bool
expand_part (const struct expansion *x, const struct value *in, const struct expr_piece *piece, struct buffer *text)
{
  struct expr_site site = { in, piece->start, piece->size };
  if (!expr_begin (x->engine, &site, x->scope, x->error))
    return false;
  struct arena none = { 0 }; /* lists and maps that the expression made */
  struct expr_conversion conversion = { .lua = x->engine->lua, .arena = &none, .borrow = true };
  struct value value;
  bool good = expr_convert (&conversion, -1, &value);
  const char *problem = conversion.problem;
  if (good && !value_print (text, &value)) {
    problem = value.type == VALUE_LIST ? "a list has no place inside a text (use to_json, or table.concat)"
                                       : "a map has no place inside a text (use to_json)";
    good = false;
  }
  if (good && text->size > TEXT_LARGEST) {
    problem = "the text becomes larger than 64 MiB";
    good = false;
  }
  if (!good) {
    struct value place = expr_site_place (&site, 0);
    expr_fail (x->error, &place, "${%.*s}: %s", piece->size < 80 ? (int) piece->size : 80, expr_site_text (&site),
               problem);
  }
  expr_end (x->engine);
  arena_free (&none);
  return good;
}

/* The size without the final newline of a block. */
static size_t
trimmed_size (const struct value *scalar)
{
  bool newline = (scalar->flags & VALUE_BLOCK) && scalar->size && scalar->string[scalar->size - 1] == '\n';
  return scalar->size - newline;
}

static bool
expand_string (const struct expansion *x, const struct value *in, struct value *out)
{
  size_t at = 0;
  struct expr_piece piece = expr_next_piece (in->string, in->size, &at);
  if (piece.type == EXPR_PIECE_CODE && at >= trimmed_size (in))
    return expand_whole (x, in, &piece, out);
  CLEANUP_BUFFER struct buffer text = { 0 };
  for (; piece.type != EXPR_PIECE_END; piece = expr_next_piece (in->string, in->size, &at)) {
    if (piece.type == EXPR_PIECE_OPEN)
      return refuse_piece (x, in, &piece);
    if (piece.type != EXPR_PIECE_CODE)
      buffer_add (&text, in->string + piece.start, piece.size);
    else if (!expand_part (x, in, &piece, &text))
      return false;
  }
  *out = value_text (arena_copy (x->arena, text.data, text.size), text.size);
  out->flags = in->flags & (uint8_t) ~VALUE_DYNAMIC;
  copy_place (out, in);
  return true;
}

static bool expand (const struct expansion *x, const struct value *in, struct value *out);

static bool
expand_list (const struct expansion *x, const struct value *in, struct value *out)
{
  struct value *items = arena_array (x->arena, in->count, sizeof *items);
  for (size_t i = 0; i < in->count; i++)
    if (!expand (x, &in->items[i], &items[i]))
      return false;
  *out = *in;
  out->flags &= (uint8_t) ~VALUE_DYNAMIC;
  out->items = items;
  return true;
}

/* Keys stay strings, whatever the expression gives. */
static bool
expand_key (const struct expansion *x, const struct value *in, struct value *out)
{
  if (!expand (x, in, out))
    return false;
  if (out->type == VALUE_STRING)
    return true;
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (out->type == VALUE_NULL || !value_print (&text, out))
    return expr_fail (x->error, in, "%.*s gives a %s, which cannot be a key", in->size < 80 ? (int) in->size : 80,
                      in->string, value_type_name (out->type));
  *out = value_text (arena_copy (x->arena, text.data, text.size), text.size);
  copy_place (out, in);
  return true;
}

/* No two keys may have become the same. */
static bool
check_keys (const struct expansion *x, const struct value *in, const struct member *members)
{
  struct keys keys = { 0 };
  const struct value *again = NULL, *written = NULL;
  for (size_t i = 0; i < in->count && !again; i++)
    if (keys_add (&keys, &members[i].key)) {
      again = &members[i].key;
      written = &in->members[i].key;
    }
  keys_free (&keys);
  if (!again)
    return true;
  return expr_fail (x->error, written, "there are two keys \"%.*s\" when `${…}` is replaced",
                    again->size < 80 ? (int) again->size : 80, again->string);
}

static bool
expand_map (const struct expansion *x, const struct value *in, struct value *out)
{
  struct member *members = arena_array (x->arena, in->count, sizeof *members);
  bool dynamic = false;
  for (size_t i = 0; i < in->count; i++) {
    if (!expand_key (x, &in->members[i].key, &members[i].key)
        || !expand (x, &in->members[i].value, &members[i].value))
      return false;
    dynamic |= in->members[i].key.flags & VALUE_DYNAMIC;
  }
  *out = *in;
  out->flags &= (uint8_t) ~VALUE_DYNAMIC;
  out->members = members;
  return !dynamic || check_keys (x, in, members);
}

static bool
expand (const struct expansion *x, const struct value *in, struct value *out)
{
  *out = *in;
  if (!(in->flags & VALUE_DYNAMIC))
    return true;
  switch (in->type) {
  case VALUE_STRING:
    return expand_string (x, in, out);
  case VALUE_LIST:
    return expand_list (x, in, out);
  case VALUE_MAP:
    return expand_map (x, in, out);
  default:
    return true;
  }
}

bool
expr_expand (struct expr_engine *engine, const struct value *in, const struct expr_scope *scope, struct arena *arena,
             struct value *out, struct expr_error *error)
{
  struct expansion x = { engine, scope, arena, error };
  if (expand (&x, in, out))
    return true;
  *out = value_null;
  return false;
}

bool
expr_is_whole (const char *text, size_t size)
{
  size_t at = 0;
  return expr_next_piece (text, size, &at).type == EXPR_PIECE_CODE
         && expr_next_piece (text, size, &at).type == EXPR_PIECE_END;
}
