/* expr.c - the engine of expressions: compiles, keeps what it compiled, runs it
 * and says where an error was.  What Lua code may do is expr-sandbox.c's part. */
#include "config.h"

#include "expr-internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

/* A compiled expression, or the reason why it does not compile. */
struct expr_chunk {
  struct expr_chunk *next;
  uint64_t hash;
  size_t size;
  char *text;
  int function;    /* registry reference */
  char *problem;   /* NULL: compiled */
  size_t problem_at;
};

/* More chunks or more memory than that, and all are forgotten: texts may be made
 * anew for every iteration. */
#define CHUNKS_KEPT 4096
#define TEXTS_KEPT ((size_t) 4 << 20) /* bytes */
#define MEMORY_KEPT (EXPR_MEMORY / 4)

bool
expr_fail (struct expr_error *error, const struct value *where, const char *fmt, ...)
{
  if (!error)
    return false;
  error->where = *where;
  va_list args;
  va_start (args, fmt);
  vsnprintf (error->message, sizeof error->message, fmt, args);
  va_end (args);
  return false;
}

/* ---- the engine ---- */

static int
open_engine (lua_State *lua)
{
  struct expr_engine *engine = expr_engine_of (lua);
  uint64_t seed = (uint64_t) lua_tointeger (lua, 1);
  expr_open_values (lua);
  expr_open_sandbox (lua, seed);
  engine->environment = luaL_ref (lua, LUA_REGISTRYINDEX);
  return 0;
}

struct expr_engine *
expr_new (uint64_t seed)
{
  struct expr_engine *engine = xcalloc (1, sizeof *engine);
  engine->lua = lua_newstate (expr_alloc, engine);
  bool ready = false;
  if (engine->lua) {
    *(struct expr_engine **) lua_getextraspace (engine->lua) = engine;
    engine->run.work = EXPR_WORK;
    lua_pushcfunction (engine->lua, open_engine);
    lua_pushinteger (engine->lua, (lua_Integer) seed);
    ready = lua_pcall (engine->lua, 1, 0, 0) == LUA_OK;
  }
  if (!ready) {
    fputs ("runner: cannot start Lua\n", stderr);
    abort ();
  }
  return engine;
}

static void
forget_chunks (struct expr_engine *engine)
{
  for (size_t i = 0; i < EXPR_BUCKETS; i++) {
    for (struct expr_chunk *chunk = engine->chunks[i], *next; chunk; chunk = next) {
      next = chunk->next;
      if (!chunk->problem)
        luaL_unref (engine->lua, LUA_REGISTRYINDEX, chunk->function);
      free (chunk->problem);
      free (chunk->text);
      free (chunk);
    }
    engine->chunks[i] = NULL;
  }
  engine->n_chunks = 0;
  engine->chunk_bytes = 0;
}

void
expr_free (struct expr_engine *engine)
{
  if (!engine)
    return;
  forget_chunks (engine);
  lua_close (engine->lua);
  arena_free (&engine->temporary);
  buffer_free (&engine->scratch);
  free (engine);
}

/* ---- compiling ---- */

/* Takes "?:3: " off a message of Lua; the line goes to *line (0: none). */
static const char *
strip_position (const char *message, size_t *line)
{
  *line = 0;
  if (message[0] != '?' || message[1] != ':')
    return message;
  char *end;
  unsigned long n = strtoul (message + 2, &end, 10);
  if (end == message + 2 || end[0] != ':' || end[1] != ' ')
    return message;
  *line = n;
  return end + 2;
}

/* The byte where a line (from 1) begins. */
static size_t
line_start (const char *text, size_t size, size_t line)
{
  size_t at = 0;
  for (; line > 1; line--) {
    const char *newline = memchr (text + at, '\n', size - at);
    if (!newline)
      break;
    at = (size_t) (newline - text) + 1;
  }
  return at;
}

/* Where the token stands that Lua names in "… near 'x'", if it is the only one in that line. */
static size_t
near_at (const char *text, size_t size, size_t line, const char *message)
{
  size_t start = line_start (text, size, line), found = start, hits = 0;
  const char *quoted = strstr (message, " near '");
  if (!quoted)
    return start;
  quoted += strlen (" near '");
  const char *last = strrchr (quoted, '\'');
  if (!last || last == quoted)
    return start;
  const char *newline = memchr (text + start, '\n', size - start);
  size_t end = newline ? (size_t) (newline - text) : size, wanted = (size_t) (last - quoted);
  for (struct expr_lexer lexer = { text, size, 0 };;) {
    struct expr_token token = expr_next_token (&lexer);
    if (token.type == EXPR_END || token.start >= end)
      break;
    if (token.start >= start && token.size >= wanted && memcmp (text + token.start, quoted, wanted) == 0) {
      found = token.start;
      hits++;
    }
  }
  return hits == 1 ? found : start;
}

#define TOO_DEEP "the expression is nested too deeply"

static bool
is_stack_overflow (const char *message)
{
  return strstr (message, "C stack overflow") || strstr (message, "too many C levels");
}

/* Lua's words for a syntax error, without those that speak of our wrapping. */
static void
tell_syntax (char *out, size_t out_size, const char *message)
{
  static const char behind[] = "<eof> expected near ";
  const char *eof = strstr (message, " near <eof>");
  if (is_stack_overflow (message))
    snprintf (out, out_size, TOO_DEEP);
  else if (strncmp (message, behind, sizeof behind - 1) == 0)
    snprintf (out, out_size, "the expression should end before %s", message + sizeof behind - 1);
  else if (eof)
    snprintf (out, out_size, "%.*s at the end of the expression", (int) (eof - message), message);
  else
    snprintf (out, out_size, "%s", message);
}

static int
load_wrapped (lua_State *lua, const char *before, const char *text, size_t size, const char *behind)
{
  struct buffer *scratch = &expr_engine_of (lua)->scratch;
  scratch->size = 0;
  buffer_puts (scratch, before);
  buffer_add (scratch, text, size);
  buffer_puts (scratch, behind);
  return luaL_loadbufferx (lua, scratch->data, scratch->size, "=?", "t");
}

struct compilation { const char *text; size_t size; int function; };

/* Does it close a parenthesis that it has not opened: `1) + (2`? */
static bool
closes_ours (const char *text, size_t size)
{
  size_t open = 0;
  for (struct expr_lexer lexer = { text, size, 0 };;) {
    struct expr_token token = expr_next_token (&lexer);
    if (token.type == EXPR_END)
      return false;
    if (expr_token_is (&lexer, &token, "("))
      open++;
    else if (expr_token_is (&lexer, &token, ")") && open-- == 0)
      return true;
  }
}

/* Compiles it in parentheses, which makes it exactly one value.  When that cannot
 * be, as it stands, so that errors are told in its own terms. */
static int
compile (lua_State *lua)
{
  struct compilation *compilation = lua_touserdata (lua, 1);
  const char *text = compilation->text;
  size_t size = compilation->size;
  if (closes_ours (text, size) || load_wrapped (lua, "return (", text, size, "\n)") != LUA_OK) {
    if (load_wrapped (lua, "return ", text, size, "") != LUA_OK)
      return lua_error (lua);
    return luaL_error (lua, "an expression gives one value: `,` and `;` cannot stand between several");
  }
  compilation->function = luaL_ref (lua, LUA_REGISTRYINDEX);
  return 0;
}

/* A decimal integer beyond int64: Lua would make a float of it, which is another number. */
static bool
is_too_large (const char *digits, size_t size)
{
  static const char largest[] = "9223372036854775807";
  for (size_t i = 0; i < size; i++)
    if (digits[i] < '0' || digits[i] > '9')
      return false;
  while (size && *digits == '0') {
    digits++;
    size--;
  }
  size_t most = sizeof largest - 1;
  return size > most || (size == most && memcmp (digits, largest, most) > 0);
}

/* What can be said before the compiler looks at it; NULL: nothing. */
static const char *
unfit (const char *text, size_t size, size_t *at)
{
  if (expr_is_blank (text, size))
    return "the expression is empty (in YAML a `#` behind a blank begins a comment: use len(list), or quotes)";
  for (struct expr_lexer lexer = { text, size, 0 };;) {
    struct expr_token token = expr_next_token (&lexer);
    *at = token.start;
    if (token.type == EXPR_NUMBER && is_too_large (text + token.start, token.size))
      return "this integer is too large (integers have 64 bits)";
    if (token.type == EXPR_END)
      break;
  }
  *at = 0;
  return NULL;
}

/* Fills in the chunk's function or its problem. */
static void
compile_chunk (struct expr_engine *engine, struct expr_chunk *chunk)
{
  lua_State *lua = engine->lua;
  struct compilation compilation = { .text = chunk->text, .size = chunk->size };
  char told[512];
  const char *problem = unfit (chunk->text, chunk->size, &chunk->problem_at);
  if (!problem) {
    lua_pushcfunction (lua, compile);
    lua_pushlightuserdata (lua, &compilation);
    int status = lua_pcall (lua, 1, 0, 0);
    if (status == LUA_OK) {
      chunk->function = compilation.function;
      return;
    }
    problem = expr_trap (chunk->text, chunk->size, &chunk->problem_at);
    if (!problem) {
      size_t line;
      const char *message = status == LUA_ERRMEM ? EXPR_TOO_LARGE : lua_tostring (lua, -1);
      message = strip_position (message, &line);
      chunk->problem_at = near_at (chunk->text, chunk->size, line, message);
      tell_syntax (told, sizeof told, message);
      problem = told;
    }
    lua_pop (lua, 1);
  }
  chunk->problem = xstrdup (problem);
}

static uint64_t
hash_text (const char *text, size_t size)
{
  uint64_t hash = size * 0x9e3779b97f4a7c15u, word;
  while (size >= 8) {
    memcpy (&word, text, 8);
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
    text += 8;
    size -= 8;
  }
  word = 0;
  memcpy (&word, text, size);
  hash = (hash ^ word) * 0xff51afd7ed558ccdu;
  return hash ^ hash >> 32;
}

static struct expr_chunk *
find_chunk (struct expr_engine *engine, const char *text, size_t size)
{
  uint64_t hash = hash_text (text, size);
  struct expr_chunk **bucket = &engine->chunks[hash % EXPR_BUCKETS];
  for (struct expr_chunk *chunk = *bucket; chunk; chunk = chunk->next)
    if (chunk->hash == hash && chunk->size == size && memcmp (chunk->text, text, size) == 0)
      return chunk;
  struct expr_chunk *chunk = xcalloc (1, sizeof *chunk);
  chunk->hash = hash;
  chunk->size = size;
  chunk->text = xmalloc (size + 1);
  memcpy (chunk->text, text, size);
  chunk->text[size] = '\0';
  compile_chunk (engine, chunk);
  chunk->next = *bucket;
  *bucket = chunk;
  engine->n_chunks++;
  engine->chunk_bytes += size;
  return chunk;
}

/* ---- evaluating ---- */

#define EVALUATIONS_NESTED 8

static bool
is_full (const struct expr_engine *engine)
{
  return engine->n_chunks >= CHUNKS_KEPT || engine->chunk_bytes > TEXTS_KEPT || engine->memory > MEMORY_KEPT;
}

/* Before an evaluation: makes room for it, so that what earlier ones left takes nothing from its limit. */
static void
make_room (struct expr_engine *engine)
{
  if (!is_full (engine))
    return;
  lua_gc (engine->lua, LUA_GCCOLLECT, 0);
  if (!is_full (engine))
    return;
  forget_chunks (engine);
  lua_gc (engine->lua, LUA_GCCOLLECT, 0);
}

/* Opens an evaluation.  NULL, or why it cannot be done; `leave` is to be called in both cases. */
static const char *
enter (struct expr_engine *engine, size_t size, const struct expr_scope *scope, struct expr_run *outer)
{
  *outer = engine->run;
  if (engine->depth == 0) {
    make_room (engine);
    engine->run.work = EXPR_WORK;
    engine->run.started = 0;
    engine->run.calls = 0;
    engine->run.late = false;
  }
  engine->run.scope = scope;
  engine->run.culprit[0] = '\0';
  engine->depth++;
  if (size > EXPR_TEXT)
    return "the expression is too long (more than 64 KiB)";
  if (engine->depth > EVALUATIONS_NESTED)
    return "expressions refer to each other too deeply";
  return lua_checkstack (engine->lua, 20) ? NULL : EXPR_TOO_LARGE;
}

static void
leave (struct expr_engine *engine, const struct expr_run *outer)
{
  engine->depth--;
  if (engine->depth) {
    int64_t work = engine->run.work;
    bool late = engine->run.late;
    engine->run = *outer;
    engine->run.work = work; /* what runs inside counts for what is outside */
    engine->run.late = late;
  }
}

/* Where in the text the undefined name stands. */
static size_t
culprit_at (const struct expr_engine *engine, const char *text, size_t size, size_t line)
{
  size_t start = line_start (text, size, line);
  bool field = false;
  for (struct expr_lexer lexer = { text, size, 0 };;) {
    struct expr_token token = expr_next_token (&lexer);
    if (token.type == EXPR_END)
      return start;
    if (token.start >= start && token.type == EXPR_NAME && !field
        && expr_token_is (&lexer, &token, engine->run.culprit))
      return token.start;
    field = expr_token_is (&lexer, &token, ".") || expr_token_is (&lexer, &token, ":");
  }
}

static void
tell_run_error (struct expr_engine *engine, int status, const struct expr_site *site, struct expr_error *error)
{
  lua_State *lua = engine->lua;
  size_t line = 0;
  const char *message = lua_type (lua, -1) == LUA_TSTRING ? lua_tostring (lua, -1) : "the expression failed";
  message = strip_position (message, &line);
  if (engine->run.late)
    message = EXPR_TOO_LONG;
  else if (status == LUA_ERRMEM)
    message = EXPR_TOO_LARGE;
  else if (is_stack_overflow (message))
    message = TOO_DEEP;
  const char *text = expr_site_text (site);
  size_t at = engine->run.culprit[0] ? culprit_at (engine, text, site->size, line)
                                     : line_start (text, site->size, line);
  struct value place = expr_site_place (site, at);
  expr_fail (error, &place, "%s", message);
}

bool
expr_begin (struct expr_engine *engine, const struct expr_site *site, const struct expr_scope *scope,
            struct expr_error *error)
{
  lua_State *lua = engine->lua;
  struct expr_run outer;
  bool good = false;
  const char *refused = enter (engine, site->size, scope, &outer);
  if (refused)
    expr_fail (error, site->scalar, "%s", refused);
  else {
    struct expr_chunk *chunk = find_chunk (engine, expr_site_text (site), site->size);
    if (chunk->problem) {
      struct value place = expr_site_place (site, chunk->problem_at);
      expr_fail (error, &place, "%s", chunk->problem);
    }
    else {
      lua_rawgeti (lua, LUA_REGISTRYINDEX, chunk->function);
      lua_rawgeti (lua, LUA_REGISTRYINDEX, engine->environment);
      lua_setupvalue (lua, -2, 1); /* each time: an expression may have set _ENV */
      int status = lua_pcall (lua, 0, 1, 0);
      good = status == LUA_OK;
      if (!good) {
        tell_run_error (engine, status, site, error);
        lua_pop (lua, 1);
      }
    }
  }
  leave (engine, &outer);
  if (!good && engine->depth == 0)
    arena_reset (&engine->temporary);
  return good;
}

void
expr_end (struct expr_engine *engine)
{
  lua_pop (engine->lua, 1);
  if (engine->depth == 0 && engine->temporary.used)
    arena_reset (&engine->temporary);
}

bool
expr_compiles (struct expr_engine *engine, const char *text, size_t size, char *message, size_t message_size,
               size_t *at)
{
  struct expr_run outer;
  const char *refused = enter (engine, size, NULL, &outer);
  struct expr_chunk *chunk = refused ? NULL : find_chunk (engine, text, size);
  leave (engine, &outer);
  *at = chunk ? chunk->problem_at : 0;
  if (chunk && !chunk->problem)
    return true;
  snprintf (message, message_size, "%s", chunk ? chunk->problem : refused);
  return false;
}

/* Why something that is no text is no expression. */
bool
expr_refuse (const struct value *where, struct expr_error *error)
{
  if (where->type == VALUE_NULL)
    return expr_fail (error, where, "the expression is empty (in YAML a `#` behind a blank begins a comment:"
                                    " use len(list), or quotes)");
  if (where->type == VALUE_LIST || where->type == VALUE_MAP)
    return expr_fail (error, where, "an expression is a text, this is a %s", value_type_name (where->type));
  CLEANUP_BUFFER struct buffer shown = { 0 };
  value_show (&shown, where, 80);
  return expr_fail (error, where, "gives %s (%s), not true or false: write a comparison", buffer_text (&shown),
                    value_type_name (where->type));
}

static bool
refuse_result (struct expr_engine *engine, const struct expr_site *site, struct expr_error *error)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  CLEANUP_BUFFER struct buffer shown = { 0 };
  struct expr_conversion conversion = { .lua = engine->lua, .arena = &arena, .borrow = true };
  struct value value, place = expr_site_place (site, 0);
  const char *type = expr_type_name (engine->lua, -1);
  if (expr_convert (&conversion, -1, &value)) {
    value_show (&shown, &value, 80);
    if (value.type == VALUE_NULL)
      return expr_fail (error, &place, "gives null, not true or false: write a comparison");
    return expr_fail (error, &place, "gives %s (%s), not true or false: write a comparison", buffer_text (&shown),
                      type);
  }
  return expr_fail (error, &place, "gives %s, not true or false: write a comparison", type);
}

bool
expr_test (struct expr_engine *engine, const struct value *where, const struct expr_scope *scope, bool *out,
           struct expr_error *error)
{
  *out = false;
  if (where->type == VALUE_BOOL) {
    *out = where->boolean;
    return true;
  }
  if (where->type != VALUE_STRING)
    return expr_refuse (where, error);
  struct expr_site site = { where, 0, where->size };
  if (!expr_begin (engine, &site, scope, error))
    return false;
  bool good = lua_isboolean (engine->lua, -1);
  if (good)
    *out = lua_toboolean (engine->lua, -1);
  else
    refuse_result (engine, &site, error);
  expr_end (engine);
  return good;
}
