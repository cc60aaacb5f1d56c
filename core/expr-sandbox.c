/* expr-sandbox.c - what Lua code may do here, and how much of it.
 *
 * Allowed is what the tables below name; nothing else of Lua's library can be
 * reached (no load, io, os, debug, metatables, coroutines, pcall).  Memory is
 * limited by the allocator, time by a count hook and, for what C functions do,
 * by expr_charge. */
#include "config.h"

#include "expr-internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "text.h"

/* ---- limits ---- */

#define HOOK_STEP 100 /* few: each instruction may handle a string of megabytes */
#define CHURN ((size_t) 1 << 20) /* bytes allocated between two looks at the clock */

static int64_t
processor_ns (void)
{
  struct timespec time;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (int64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Asks the cheap clock first; a busy machine is not held against the expression. */
static bool
is_late (struct expr_engine *engine)
{
  struct expr_run *run = &engine->run;
  if (run->late)
    return true;
  int64_t now = clock_now_ns ();
  if (!run->started) {
    run->started = now;
    run->started_cpu = processor_ns ();
  }
  else if (now - run->started > EXPR_SECONDS * (int64_t) 1000000000)
    run->late = processor_ns () - run->started_cpu > EXPR_SECONDS * (int64_t) 1000000000;
  return run->late;
}

void *
expr_alloc (void *data, void *old, size_t old_size, size_t size)
{
  struct expr_engine *engine = data;
  size_t had = old ? old_size : 0; /* for new objects old_size is a type */
  if (size == 0) {
    free (old);
    engine->memory -= had;
    return NULL;
  }
  if (size > had) {
    if (size - had > EXPR_MEMORY - engine->memory)
      return NULL;
    engine->run.churn += size - had;
    if (engine->run.churn > CHURN) {
      engine->run.churn = 0;
      if (engine->depth && is_late (engine))
        return NULL;
    }
  }
  void *p = realloc (old, size);
  if (!p)
    return size > had ? NULL : old; /* Lua relies on it that shrinking works */
  engine->memory = engine->memory - had + size;
  return p;
}

void
expr_charge (lua_State *lua, size_t items)
{
  struct expr_engine *engine = expr_engine_of (lua);
  if (items > EXPR_WORK)
    items = EXPR_WORK;
  engine->run.work -= (int64_t) items;
  if (engine->run.work < 0 || (items > HOOK_STEP && is_late (engine)))
    luaL_error (lua, EXPR_TOO_LONG);
}

static void
count_hook (lua_State *lua, lua_Debug *activation)
{
  (void) activation;
  struct expr_engine *engine = expr_engine_of (lua);
  engine->run.work -= HOOK_STEP;
  if (engine->run.work < 0 || is_late (engine))
    luaL_error (lua, EXPR_TOO_LONG);
}

/* After an error the count starts anew with the next evaluation: nothing catches errors. */
static void
enter_call (lua_State *lua)
{
  if (++expr_engine_of (lua)->run.calls > EXPR_CALLS)
    luaL_error (lua, "functions are nested too deeply");
}

void
expr_call (lua_State *lua, int arguments, int results)
{
  enter_call (lua);
  lua_call (lua, arguments, results);
  expr_engine_of (lua)->run.calls--;
}

/* ---- Lua's functions, bounded ---- */

/* string.rep: Lua's own loops n times even when there is nothing to repeat. */
static int
string_rep (lua_State *lua)
{
  size_t size, gap;
  const char *text = luaL_checklstring (lua, 1, &size);
  lua_Integer n = luaL_checkinteger (lua, 2);
  const char *between = luaL_optlstring (lua, 3, "", &gap);
  if (n <= 0 || size + gap == 0) {
    lua_pushliteral (lua, "");
    return 1;
  }
  if ((size_t) n > EXPR_MEMORY / (size + gap))
    return luaL_error (lua, EXPR_TOO_LARGE);
  size_t total = (size_t) n * size + ((size_t) n - 1) * gap;
  expr_charge (lua, ((size_t) n + total) / 64);
  luaL_Buffer buffer;
  char *p = luaL_buffinitsize (lua, &buffer, total);
  for (lua_Integer i = 0; i < n; i++) {
    memcpy (p, text, size);
    p += size;
    if (i + 1 < n) {
      memcpy (p, between, gap);
      p += gap;
    }
  }
  luaL_pushresultsize (&buffer, total);
  return 1;
}

/* Lua's own function, the upvalue, in the same frame: its errors name it. */
static int
call_original (lua_State *lua)
{
  return lua_tocfunction (lua, lua_upvalueindex (1)) (lua);
}

/* For functions whose work grows with the sizes of the texts they get. */
static int
string_bounded (lua_State *lua)
{
  size_t total = 0;
  for (int i = lua_gettop (lua); i > 0; i--)
    if (lua_type (lua, i) == LUA_TSTRING)
      total += lua_rawlen (lua, i);
  expr_charge (lua, total / 64);
  return call_original (lua);
}

/* For functions that walk along a table.  The length of a table with holes can
 * be anything up to 2^63. */
static int
table_bounded (lua_State *lua)
{
  luaL_checktype (lua, 1, LUA_TTABLE);
  lua_Integer n = luaL_len (lua, 1);
  if (n > EXPR_NODES)
    return luaL_error (lua, "the table is too long (more than %d items)", EXPR_NODES);
  expr_charge (lua, (size_t) n);
  return call_original (lua);
}

static int
table_move (lua_State *lua)
{
  lua_Integer from = luaL_checkinteger (lua, 2), to = luaL_checkinteger (lua, 3);
  if (from > 0 && to >= from && to - from >= EXPR_NODES)
    return luaL_error (lua, "that is too much to move (more than %d items)", EXPR_NODES);
  if (from <= 0 && to > EXPR_NODES + from)
    return luaL_error (lua, "that is too much to move (more than %d items)", EXPR_NODES);
  expr_charge (lua, to > from ? (size_t) (to - from) : 0);
  return call_original (lua);
}

/* The order of table.sort when it is given none: as `<`, each comparison counted. */
static int
sort_less (lua_State *lua)
{
  size_t size = 0;
  if (lua_type (lua, 1) == LUA_TSTRING)
    size = lua_rawlen (lua, 1);
  expr_charge (lua, 1 + size / 256);
  lua_pushboolean (lua, lua_compare (lua, 1, 2, LUA_OPLT));
  return 1;
}

static int
table_sort (lua_State *lua)
{
  luaL_checktype (lua, 1, LUA_TTABLE);
  if (lua_isnoneornil (lua, 2)) {
    lua_settop (lua, 1);
    lua_pushcfunction (lua, sort_less);
  }
  enter_call (lua);
  int n = table_bounded (lua);
  expr_engine_of (lua)->run.calls--;
  return n;
}

/* ---- small replacements of Lua's basic functions ---- */

static int
basic_type (lua_State *lua)
{
  luaL_checkany (lua, 1);
  lua_pushstring (lua, expr_is_null (lua, 1) ? "null" : luaL_typename (lua, 1));
  return 1;
}

/* As `${…}` prints; lists and maps as JSON: the address of a table says nothing. */
static int
basic_tostring (lua_State *lua)
{
  luaL_checkany (lua, 1);
  if (lua_type (lua, 1) == LUA_TSTRING) {
    lua_settop (lua, 1);
    return 1;
  }
  if (lua_isnil (lua, 1)) {
    lua_pushliteral (lua, "nil");
    return 1;
  }
  struct value value = expr_argument (lua, 1);
  if (value.type == VALUE_LIST || value.type == VALUE_MAP) {
    lua_settop (lua, 1);
    lua_pushvalue (lua, lua_upvalueindex (1)); /* to_json */
    lua_insert (lua, 1);
    lua_call (lua, 1, 1);
    return 1;
  }
  struct buffer *scratch = &expr_engine_of (lua)->scratch;
  scratch->size = 0;
  value_print (scratch, &value);
  lua_pushlstring (lua, scratch->data, scratch->size);
  return 1;
}

/* ---- what is there ---- */

enum kind { AS_IT_IS, STRING_BOUNDED, TABLE_BOUNDED, REPLACED };
struct allowed { const char *name; enum kind kind; lua_CFunction function; };

static const struct allowed basic_allowed[] = {
  { "tonumber", STRING_BOUNDED, NULL }, { "select", AS_IT_IS, NULL },       { "type", REPLACED, basic_type },
  { "pairs", REPLACED, expr_pairs },    { "ipairs", REPLACED, expr_ipairs }, { NULL, AS_IT_IS, NULL },
};

static const struct allowed string_allowed[] = {
  { "upper", STRING_BOUNDED, NULL }, { "lower", STRING_BOUNDED, NULL },  { "sub", STRING_BOUNDED, NULL },
  { "len", AS_IT_IS, NULL },         { "format", STRING_BOUNDED, NULL }, { "reverse", STRING_BOUNDED, NULL },
  { "byte", AS_IT_IS, NULL },        { "char", AS_IT_IS, NULL },         { "rep", REPLACED, string_rep },
  { NULL, AS_IT_IS, NULL },
};

static const struct allowed table_allowed[] = {
  { "concat", TABLE_BOUNDED, NULL }, { "insert", TABLE_BOUNDED, NULL }, { "remove", TABLE_BOUNDED, NULL },
  { "unpack", TABLE_BOUNDED, NULL }, { "pack", AS_IT_IS, NULL },        { "sort", REPLACED, table_sort },
  { "move", REPLACED, table_move },  { NULL, AS_IT_IS, NULL },
};

static const struct allowed math_allowed[] = {
  { "abs", AS_IT_IS, NULL },        { "acos", AS_IT_IS, NULL },       { "asin", AS_IT_IS, NULL },
  { "atan", AS_IT_IS, NULL },       { "ceil", AS_IT_IS, NULL },       { "cos", AS_IT_IS, NULL },
  { "deg", AS_IT_IS, NULL },        { "exp", AS_IT_IS, NULL },        { "floor", AS_IT_IS, NULL },
  { "fmod", AS_IT_IS, NULL },       { "huge", AS_IT_IS, NULL },       { "log", AS_IT_IS, NULL },
  { "max", AS_IT_IS, NULL },        { "maxinteger", AS_IT_IS, NULL }, { "min", AS_IT_IS, NULL },
  { "mininteger", AS_IT_IS, NULL }, { "modf", AS_IT_IS, NULL },       { "pi", AS_IT_IS, NULL },
  { "rad", AS_IT_IS, NULL },        { "random", AS_IT_IS, NULL },     { "sin", AS_IT_IS, NULL },
  { "sqrt", AS_IT_IS, NULL },       { "tan", AS_IT_IS, NULL },        { "tointeger", AS_IT_IS, NULL },
  { "type", AS_IT_IS, NULL },       { "ult", AS_IT_IS, NULL },        { NULL, AS_IT_IS, NULL },
};

static const struct allowed utf8_allowed[] = {
  { "char", AS_IT_IS, NULL },          { "codepoint", STRING_BOUNDED, NULL }, { "codes", STRING_BOUNDED, NULL },
  { "len", STRING_BOUNDED, NULL }, 
  { NULL, AS_IT_IS, NULL },
};

static const char *const helper_names[] = {
  "null", "has", "defined", "len", "list", "map", "all", "any",
  "now", "time_format", "time_parse", "seconds",
  "unique", "uuid", "env", "read", "dir",
  "base64", "base64_decode", "hex", "hex_decode", "sha256", "from_json", "to_json",
  "matches", "get",
  "tostring", "tonumber", "select", "type", "pairs", "ipairs", "string", "table", "math", "utf8",
  "_ENV", NULL,
};

const char *const *
expr_helpers (void)
{
  return helper_names;
}

bool
expr_library_has (const char *library, size_t library_size, const char *name, size_t size, const char **best)
{
  static const struct { const char *name; const struct allowed *allowed; const luaL_Reg *more; } libraries[] = {
    { "string", string_allowed, expr_string_functions },
    { "table", table_allowed, NULL },
    { "math", math_allowed, NULL },
    { "utf8", utf8_allowed, NULL },
  };
  char text[80];
  size_t distance = 0;
  *best = NULL;
  snprintf (text, sizeof text, "%.*s", (int) size, name);
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
    if (strlen (libraries[i].name) != library_size || memcmp (libraries[i].name, library, library_size) != 0)
      continue;
    for (const struct allowed *allowed = libraries[i].allowed; allowed->name; allowed++) {
      if (strcmp (allowed->name, text) == 0)
        return true;
      text_nearest (text, allowed->name, best, &distance);
    }
    for (const luaL_Reg *more = libraries[i].more; more && more->name; more++) {
      if (strcmp (more->name, text) == 0)
        return true;
      text_nearest (text, more->name, best, &distance);
    }
    return false;
  }
  return true;
}

/* ---- reading names ---- */

/* Lua's own names that are not here, and what to use instead. */
static const char *
instead_of (const char *name)
{
  static const char *const known[][2] = {
    { "print", "use the step `log`" }, { "os", "see now, time_format and env" }, { "io", "see read" },
    { "require", "" }, { "load", "" }, { "dofile", "" }, { "debug", "" }, { "coroutine", "" }, { "pcall", "" },
    { "xpcall", "" }, { "error", "" }, { "assert", "" }, { "next", "use pairs" }, { "setmetatable", "" },
    { "getmetatable", "" }, { "rawget", "" }, { "rawset", "" }, { "rawequal", "" }, { "rawlen", "" }, { "_G", "" },
    { "collectgarbage", "" }, { "loadstring", "" }, { "unpack", "use table.unpack" }, { "package", "" },
    { "True", "use true" }, { "False", "use false" }, { "None", "use null" },
  };
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (strcmp (known[i][0], name) == 0)
      return known[i][1];
  return NULL;
}

struct nearest { const char *name; char best[80]; size_t distance; };

static void
try_name (void *data, const char *candidate)
{
  struct nearest *nearest = data;
  const char *best = nearest->best[0] ? nearest->best : NULL, *before = best;
  text_nearest (nearest->name, candidate, &best, &nearest->distance);
  if (best != before) {
    snprintf (nearest->best, sizeof nearest->best, "%s", best);
  }
}

void
expr_tell_undefined (const struct expr_scope *scope, const char *name, char *message, size_t size)
{
  struct nearest nearest = { .name = name };
  if (scope && scope->names)
    scope->names (scope->data, try_name, &nearest);
  const char *instead = nearest.best[0] ? NULL : instead_of (name);
  for (size_t i = 0; helper_names[i] && !instead; i++)
    try_name (&nearest, helper_names[i]);
  if (instead)
    snprintf (message, size, "undefined name \"%s\": expressions have no such part of Lua%s%s", name,
              *instead ? "; " : "", instead);
  else if (nearest.best[0])
    snprintf (message, size, "undefined name \"%s\"; did you mean \"%s\"?", name, nearest.best);
  else
    snprintf (message, size, "undefined name \"%s\"", name);
}

static int
undefined_name (lua_State *lua, const char *name)
{
  struct expr_run *run = &expr_engine_of (lua)->run;
  char message[256];
  snprintf (run->culprit, sizeof run->culprit, "%s", name);
  expr_tell_undefined (run->scope, name, message, sizeof message);
  return luaL_error (lua, "%s", message);
}

/* A name that is no local one: a helper, or a variable of the scope. */
static int
environment_index (lua_State *lua)
{
  lua_pushvalue (lua, 2);
  if (lua_rawget (lua, lua_upvalueindex (1)) != LUA_TNIL)
    return 1;
  lua_pop (lua, 1);
  size_t size;
  if (lua_type (lua, 2) != LUA_TSTRING)
    return luaL_error (lua, "a name is a string");
  const char *name = lua_tolstring (lua, 2, &size);
  const struct expr_scope *scope = expr_engine_of (lua)->run.scope;
  const struct value *value = scope && scope->lookup ? scope->lookup (scope->data, name, size) : NULL;
  if (value) {
    if (value->flags & VALUE_UNSTARTED)
      expr_engine_of (lua)->run.unstarted = name;
    expr_push (lua, value);
    return 1;
  }
  if (scope && scope->folder && strcmp (name, "dir") == 0) {
    lua_pushstring (lua, scope->folder);
    return 1;
  }
  return undefined_name (lua, name);
}

static int
environment_newindex (lua_State *lua)
{
  if (lua_type (lua, 2) == LUA_TSTRING)
    return luaL_error (lua, "\"%s\" cannot be set: an expression changes no variables (use `local`, or the step `set`)",
                       lua_tostring (lua, 2));
  return luaL_error (lua, "an expression changes no variables");
}

/* ---- setting up ---- */

static int
read_only_newindex (lua_State *lua)
{
  return luaL_error (lua, "\"%s\" cannot be changed", lua_tostring (lua, lua_upvalueindex (1)));
}

/* Upvalues: the functions, the library's name. */
static int
library_index (lua_State *lua)
{
  lua_pushvalue (lua, 2);
  if (lua_rawget (lua, lua_upvalueindex (1)) != LUA_TNIL)
    return 1;
  if (lua_type (lua, 2) != LUA_TSTRING)
    return luaL_error (lua, "a name is a string");
  const char *name = lua_tostring (lua, 2), *library = lua_tostring (lua, lua_upvalueindex (2));
  struct nearest nearest = { .name = name };
  for (lua_pushnil (lua); lua_next (lua, lua_upvalueindex (1)); lua_pop (lua, 1))
    try_name (&nearest, lua_tostring (lua, -2));
  if (nearest.best[0])
    return luaL_error (lua, "there is no %s.%s; did you mean %s.%s?", library, name, library, nearest.best);
  return luaL_error (lua, "there is no %s.%s", library, name);
}

/* Replaces the table on top by one through which it can only be read. */
static void
make_read_only (lua_State *lua, const char *name)
{
  lua_newtable (lua); /* stays empty: every access goes to its metatable */
  lua_newtable (lua);
  lua_pushvalue (lua, -3);
  lua_pushstring (lua, name);
  lua_pushcclosure (lua, library_index, 2);
  lua_setfield (lua, -2, "__index");
  lua_pushstring (lua, name);
  lua_pushcclosure (lua, read_only_newindex, 1);
  lua_setfield (lua, -2, "__newindex");
  lua_pushstring (lua, name);
  lua_setfield (lua, -2, "__name");
  lua_setmetatable (lua, -2);
  lua_remove (lua, -2);
}

/* Copies what is allowed out of a library, on top, into the table below it. */
static void
copy_allowed (lua_State *lua, const struct allowed *allowed)
{
  for (; allowed->name; allowed++) {
    lua_getfield (lua, -1, allowed->name);
    if (allowed->kind == STRING_BOUNDED)
      lua_pushcclosure (lua, string_bounded, 1);
    else if (allowed->kind == TABLE_BOUNDED)
      lua_pushcclosure (lua, table_bounded, 1);
    else if (allowed->kind == REPLACED)
      lua_pushcclosure (lua, allowed->function, 1);
    lua_setfield (lua, -3, allowed->name);
  }
}

/* Pushes a table with what is allowed of a library. */
static void
open_library (lua_State *lua, const char *name, lua_CFunction open, const struct allowed *allowed)
{
  lua_newtable (lua);
  luaL_requiref (lua, name, open, 0);
  copy_allowed (lua, allowed);
  lua_pop (lua, 1);
}

static void
seed_random (lua_State *lua, uint64_t seed)
{
  luaL_requiref (lua, "math", luaopen_math, 0);
  lua_getfield (lua, -1, "randomseed");
  lua_pushinteger (lua, (lua_Integer) seed);
  lua_call (lua, 1, 0);
  lua_pop (lua, 1);
}

/* `("x"):upper ()` finds the allowed functions only; no arithmetic with texts. */
static void
lock_strings (lua_State *lua)
{
  lua_pushliteral (lua, "");
  lua_newtable (lua);
  lua_pushvalue (lua, -3);
  lua_setfield (lua, -2, "__index");
  lua_setmetatable (lua, -2);
  lua_pop (lua, 1);
}

/* Forgets the libraries as Lua opened them. */
static void
drop_originals (lua_State *lua)
{
  lua_pushnil (lua);
  lua_setfield (lua, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_newtable (lua);
  lua_rawseti (lua, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
}

static void
add_libraries (lua_State *lua)
{
  open_library (lua, "string", luaopen_string, string_allowed);
  luaL_setfuncs (lua, expr_string_functions, 0);
  make_read_only (lua, "string");
  lock_strings (lua);
  lua_setfield (lua, -2, "string");
  open_library (lua, "table", luaopen_table, table_allowed);
  make_read_only (lua, "table");
  lua_setfield (lua, -2, "table");
  open_library (lua, "math", luaopen_math, math_allowed);
  make_read_only (lua, "math");
  lua_setfield (lua, -2, "math");
  open_library (lua, "utf8", luaopen_utf8, utf8_allowed);
  make_read_only (lua, "utf8");
  lua_setfield (lua, -2, "utf8");
}

void
expr_open_sandbox (lua_State *lua, uint64_t seed)
{
  seed_random (lua, seed);
  open_library (lua, "_G", luaopen_base, basic_allowed);
  add_libraries (lua);
  luaL_setfuncs (lua, expr_helper_functions, 0);
  lua_getfield (lua, -1, "to_json");
  lua_pushcclosure (lua, basic_tostring, 1);
  lua_setfield (lua, -2, "tostring");
  expr_push_null (lua);
  lua_setfield (lua, -2, "null");

  lua_newtable (lua); /* the environment; stays empty */
  lua_newtable (lua);
  lua_pushvalue (lua, -3);
  lua_pushcclosure (lua, environment_index, 1);
  lua_setfield (lua, -2, "__index");
  lua_pushcfunction (lua, environment_newindex);
  lua_setfield (lua, -2, "__newindex");
  lua_setmetatable (lua, -2);
  lua_remove (lua, -2);
  drop_originals (lua);
  lua_sethook (lua, count_hook, LUA_MASKCOUNT, HOOK_STEP);
}
