/* expr-helpers.c - the helper functions of expressions: has, len, unique, read, … */
#include "config.h"

#include "expr-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"
#include "path.h"
#include "regexp.h"
#include "sha256.h"
#include "text.h"
#include "units.h"

/* An empty buffer, the engine's. */
static struct buffer *
scratch_of (lua_State *lua)
{
  struct buffer *scratch = &expr_engine_of (lua)->scratch;
  scratch->size = 0;
  return scratch;
}

/* Pushes what is in the scratch buffer; a large one is given back. */
static int
push_scratch (lua_State *lua, struct buffer *scratch)
{
  lua_pushlstring (lua, scratch->size ? scratch->data : "", scratch->size);
  if (scratch->room > (size_t) 1 << 20)
    buffer_free (scratch);
  return 1;
}

/* To be called after temporary values were made. */
static void
check_temporary (lua_State *lua)
{
  if (expr_engine_of (lua)->temporary.used > EXPR_MEMORY)
    luaL_error (lua, EXPR_TOO_LARGE);
}

/* Lives as long as the evaluation. */
static const struct value *
keep_value (lua_State *lua, struct value value)
{
  struct value *kept = arena_alloc (&expr_engine_of (lua)->temporary, sizeof *kept);
  *kept = value;
  return kept;
}

/* ---- paths ---- */

/* All that a JSONPath selects; an error when it is none. */
static const struct value **
select_path (lua_State *lua, const struct value *root, const char *text, size_t size, size_t *count, bool *singular)
{
  struct arena *arena = &expr_engine_of (lua)->temporary;
  char error[256];
  struct path *path = path_compile (arena, text, size, error, sizeof error);
  if (!path)
    luaL_error (lua, "%s: %s", text, error);
  *singular = path_singular (path);
  const struct value **found = path_select (path, root, arena, count);
  if (*count == SIZE_MAX)
    luaL_error (lua, "%s: " EXPR_TOO_LONG, text);
  expr_charge (lua, EXPR_SEARCH + *count);
  check_temporary (lua);
  return found;
}

/* The digits of "[12]" at *at, which is moved behind it; false: it is no index. */
static bool
read_index (const char *text, size_t size, size_t *at, size_t *index)
{
  size_t i = *at + 1, n = 0;
  while (i < size && text[i] >= '0' && text[i] <= '9' && n < SIZE_MAX / 20)
    n = n * 10 + (size_t) (text[i++] - '0');
  if (i == *at + 1 || i >= size || text[i] != ']')
    return false;
  *index = n;
  *at = i + 1;
  return true;
}

/* Follows "a.b[0].c" (from 0, as in JSONPath).  NULL: there is none; *bad: that is no path. */
static const struct value *
follow (const struct value *value, const char *text, size_t size, bool *bad)
{
  *bad = size == 0;
  for (size_t i = 0; i < size && !*bad;) {
    size_t index;
    if (text[i] == '[') {
      if (!read_index (text, size, &i, &index))
        *bad = true;
      else
        value = value && value->type == VALUE_LIST && index < value->count ? &value->items[index] : NULL;
      if (i < size && text[i] != '.' && text[i] != '[')
        *bad = true;
      i += i < size && text[i] == '.';
    }
    else {
      size_t start = i;
      while (i < size && text[i] != '.' && text[i] != '[')
        i++;
      if (i == start)
        *bad = true;
      else
        value = value_find (value, text + start, i - start);
      i += i < size && text[i] == '.';
    }
  }
  if (size && text[size - 1] == '.')
    *bad = true;
  return *bad ? NULL : value;
}

static const struct value *
look_up (lua_State *lua, const char *name)
{
  const struct expr_scope *scope = expr_engine_of (lua)->run.scope;
  return scope && scope->lookup ? scope->lookup (scope->data, name, strlen (name)) : NULL;
}

static int
help_defined (lua_State *lua)
{
  const char *name = luaL_checkstring (lua, 1);
  lua_pushboolean (lua, text_is_one_of (name, strlen (name), expr_helpers ()) || look_up (lua, name) != NULL);
  return 1;
}

static int
help_has (lua_State *lua)
{
  if (lua_gettop (lua) == 1 && lua_type (lua, 1) == LUA_TSTRING)
    return help_defined (lua); /* of a variable */
  size_t size;
  const char *text = luaL_checklstring (lua, 2, &size);
  struct value value = expr_argument (lua, 1);
  bool found, bad = false;
  if (path_is (text, size)) {
    size_t count;
    bool singular;
    select_path (lua, &value, text, size, &count, &singular);
    found = count > 0;
  }
  else {
    bad = size && text[0] == '$'; /* `$a` for `$.a`: no key is meant */
    found = !bad && follow (&value, text, size, &bad) != NULL;
  }
  if (bad)
    return luaL_error (lua, "has: \"%s\" is no path (as \"a.b[0].c\" or \"$.a['$b']\")", text);
  lua_pushboolean (lua, found);
  return 1;
}

static int
help_get (lua_State *lua)
{
  size_t size, count;
  bool singular;
  const char *text = luaL_checklstring (lua, 1, &size);
  const struct value *result = look_up (lua, "result");
  if (!result)
    return luaL_error (lua, "get: there is no result here");
  if (!path_is (text, size))
    return luaL_error (lua, "get: a path begins with `$`: \"$.%s\"?", text);
  const struct value **found = select_path (lua, result, text, size, &count, &singular);
  if (singular && count == 0)
    return luaL_error (lua, "get: the result has no %s", text);
  if (singular) {
    expr_push (lua, found[0]);
    return 1;
  }
  struct value *items = arena_array (&expr_engine_of (lua)->temporary, count, sizeof *items);
  for (size_t i = 0; i < count; i++)
    items[i] = *found[i];
  check_temporary (lua);
  expr_push (lua, keep_value (lua, (struct value) { .type = VALUE_LIST, .count = count, .items = items }));
  return 1;
}

/* ---- lists and maps ---- */

static int
help_len (lua_State *lua)
{
  const struct value *reference = expr_reference (lua, 1);
  size_t n = 0;
  if (reference)
    n = reference->count;
  else if (lua_type (lua, 1) == LUA_TSTRING) {
    size_t size;
    const char *text = lua_tolstring (lua, 1, &size);
    expr_charge (lua, size / 64);
    n = utf8_count (text, size);
  }
  else if (lua_type (lua, 1) == LUA_TTABLE) {
    for (lua_pushnil (lua); lua_next (lua, 1); lua_pop (lua, 1))
      n++;
    expr_charge (lua, n);
  }
  else
    return luaL_error (lua, "len: a string, list or map is needed, not %s", expr_type_name (lua, 1));
  lua_pushinteger (lua, (lua_Integer) n);
  return 1;
}

/* Calls the function at 2 with every item, and its index or key, until it gives
 * `until`; pushes what came last. */
static int
call_for_each (lua_State *lua, const char *name, bool until)
{
  luaL_checktype (lua, 1, LUA_TTABLE);
  luaL_checktype (lua, 2, LUA_TFUNCTION);
  lua_settop (lua, 2);
  lua_pushcfunction (lua, expr_pairs);
  lua_pushvalue (lua, 1);
  lua_call (lua, 1, 1);
  bool stopped = false;
  while (!stopped) {
    lua_settop (lua, 3);
    lua_pushvalue (lua, 3);
    lua_call (lua, 0, 2);
    if (lua_isnil (lua, 4))
      break;
    lua_pushvalue (lua, 2);
    lua_pushvalue (lua, 5);
    lua_pushvalue (lua, 4);
    expr_charge (lua, 1);
    expr_call (lua, 2, 1);
    if (!lua_isboolean (lua, -1))
      return luaL_error (lua, "%s: the function gives %s, not true or false", name, expr_type_name (lua, -1));
    stopped = lua_toboolean (lua, -1) == until;
  }
  lua_pushboolean (lua, stopped == until);
  return 1;
}

static int
help_all (lua_State *lua)
{
  return call_for_each (lua, "all", false);
}

static int
help_any (lua_State *lua)
{
  return call_for_each (lua, "any", true);
}

/* ---- what nobody has used before ---- */

static bool
random_bytes (void *data, size_t size)
{
  char *p = data;
  while (size) {
    ssize_t n = getrandom (p, size, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    p += n;
    size -= (size_t) n;
  }
  return true;
}

/* A process begins at a random number and counts from there: 52 bits, so that
 * two runs of a million numbers each meet once in 10^9 times, and JSON readers
 * that know doubles only keep every number.  A forked process begins anew. */
static int
help_unique (lua_State *lua)
{
  static atomic_int owner;
  static _Atomic int64_t next;
  int self = (int) getpid ();
  if (atomic_load (&owner) != self) {
    uint64_t start;
    if (!random_bytes (&start, sizeof start))
      return luaL_error (lua, "unique: there are no random numbers");
    start = (start >> 12) | (uint64_t) 1 << 50; /* large, and with room to count up to 2^53 */
    atomic_store (&next, (int64_t) start);
    atomic_store (&owner, self);
  }
  lua_pushinteger (lua, atomic_fetch_add (&next, 1));
  return 1;
}

/* RFC 9562, section 5.4: version 4. */
static int
help_uuid (lua_State *lua)
{
  uint8_t b[16];
  if (!random_bytes (b, sizeof b))
    return luaL_error (lua, "uuid: there are no random numbers");
  b[6] = (uint8_t) (0x40 | (b[6] & 0x0f));
  b[8] = (uint8_t) (0x80 | (b[8] & 0x3f));
  char text[37];
  snprintf (text, sizeof text, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
            b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
  lua_pushstring (lua, text);
  return 1;
}

/* ---- environment, files, time ---- */

static int
help_env (lua_State *lua)
{
  const char *name = luaL_checkstring (lua, 1), *found = getenv (name);
  if (found)
    lua_pushstring (lua, found);
  else if (lua_gettop (lua) >= 2)
    lua_settop (lua, 2);
  else
    return luaL_error (lua, "the environment has no %s (env (name, default) gives another value)", name);
  return 1;
}

/* Adds at most EXPR_FILE bytes and one; 0 or an errno. */
static int
read_all (int fd, struct buffer *out)
{
  while (out->size <= EXPR_FILE) {
    buffer_reserve (out, (size_t) 64 << 10);
    ssize_t n = read (fd, out->data + out->size, (size_t) 64 << 10);
    if (n == 0)
      return 0;
    if (n > 0)
      out->size += (size_t) n;
    else if (errno != EINTR)
      return errno;
  }
  return EFBIG;
}

/* Reads a regular file: 0 or an errno.  Nothing of Lua is called while it is open. */
static int
read_file (const char *path, struct buffer *out)
{
  struct stat status;
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return errno;
  if (fstat (fd, &status) != 0)
    return errno;
  if (S_ISDIR (status.st_mode))
    return EISDIR;
  if (!S_ISREG (status.st_mode))
    return EINVAL;
  return read_all (fd, out);
}

static int
help_read (lua_State *lua)
{
  size_t size;
  const char *file = luaL_checklstring (lua, 1, &size);
  const struct expr_scope *scope = expr_engine_of (lua)->run.scope;
  char path[PATH_MAX];
  if (size == 0 || strlen (file) != size)
    return luaL_error (lua, "read: that is no file's name");
  int n = file[0] == '/' || !scope || !scope->folder ? snprintf (path, sizeof path, "%s", file)
                                                     : snprintf (path, sizeof path, "%s/%s", scope->folder, file);
  if (n < 0 || (size_t) n >= sizeof path)
    return luaL_error (lua, "read: the name is too long");
  struct buffer *scratch = scratch_of (lua);
  int error = read_file (path, scratch);
  if (error == EINVAL)
    return luaL_error (lua, "read: %s is no regular file", path);
  if (error == EFBIG)
    return luaL_error (lua, "read: %s is larger than 16 MiB", path);
  if (error) {
    const char *why = strerrordesc_np (error);
    return luaL_error (lua, "read: %s: %s", path, why ? why : "cannot be read");
  }
  expr_charge (lua, scratch->size / 64);
  return push_scratch (lua, scratch);
}

static int
help_now (lua_State *lua)
{
  lua_pushnumber (lua, (lua_Number) time_now_us () / 1e6);
  return 1;
}

static int
help_seconds (lua_State *lua)
{
  size_t size;
  int64_t ns;
  if (lua_type (lua, 1) == LUA_TNUMBER) {
    lua_settop (lua, 1);
    return 1;
  }
  const char *text = luaL_checklstring (lua, 1, &size);
  if (!parse_duration (text, size, &ns))
    return luaL_error (lua, "seconds: \"%s\" is no duration (as 250ms, 5s, 1m30s)", text);
  if (ns % 1000000000 == 0)
    lua_pushinteger (lua, ns / 1000000000);
  else
    lua_pushnumber (lua, (lua_Number) ns / 1e9);
  return 1;
}

/* ---- encodings ---- */

static int
encode (lua_State *lua, void (*print) (struct buffer *out, const void *data, size_t size))
{
  size_t size;
  const char *text = luaL_checklstring (lua, 1, &size);
  expr_charge (lua, size / 16);
  struct buffer *scratch = scratch_of (lua);
  print (scratch, text, size);
  return push_scratch (lua, scratch);
}

static int
help_base64 (lua_State *lua)
{
  return encode (lua, print_base64);
}

static int
help_hex (lua_State *lua)
{
  return encode (lua, print_hex);
}

static int
decode (lua_State *lua, bool hexadecimal)
{
  size_t size, n;
  uint8_t *data;
  const char *text = luaL_checklstring (lua, 1, &size);
  struct arena *arena = &expr_engine_of (lua)->temporary;
  expr_charge (lua, size / 16);
  if (hexadecimal ? !parse_hex (arena, text, size, &data, NULL, &n) : !parse_base64 (arena, text, size, &data, &n))
    return luaL_error (lua, hexadecimal ? "hex_decode: that is not hexadecimal" : "base64_decode: that is no base64");
  check_temporary (lua);
  lua_pushlstring (lua, (const char *) data, n);
  return 1;
}

static int
help_hex_decode (lua_State *lua)
{
  return decode (lua, true);
}

static int
help_base64_decode (lua_State *lua)
{
  return decode (lua, false);
}

static int
help_sha256 (lua_State *lua)
{
  size_t size;
  const char *text = luaL_checklstring (lua, 1, &size);
  uint8_t digest[SHA256_SIZE];
  expr_charge (lua, size / 8);
  sha256 (text, size, digest);
  struct buffer *scratch = scratch_of (lua);
  print_hex (scratch, digest, sizeof digest);
  return push_scratch (lua, scratch);
}

/* At most so many values are in a JSON text. */
static size_t
count_json (const char *text, size_t size)
{
  size_t n = 1;
  for (size_t i = 0; i < size; i++)
    n += text[i] == ',' || text[i] == '[' || text[i] == '{';
  return n;
}

static int
help_from_json (lua_State *lua)
{
  size_t size;
  struct value value;
  char error[256];
  const char *text = luaL_checklstring (lua, 1, &size);
  expr_charge (lua, size / 8);
  if (count_json (text, size) > EXPR_NODES)
    return luaL_error (lua, "from_json: the text holds too much (a million values)");
  if (!json_parse (&expr_engine_of (lua)->temporary, text, size, &value, error, sizeof error))
    return luaL_error (lua, "from_json: %s", error);
  check_temporary (lua);
  expr_push (lua, keep_value (lua, value));
  return 1;
}

/* Adds what writing the value costs, until it is more than EXPR_WORK: parts may be shared. */
static void
add_writing (const struct value *value, size_t *work)
{
  ++*work;
  if (value->type == VALUE_STRING)
    *work += value->size / 16;
  for (size_t i = 0; value->type == VALUE_LIST && i < value->count && *work < EXPR_WORK; i++)
    add_writing (&value->items[i], work);
  for (size_t i = 0; value->type == VALUE_MAP && i < value->count && *work < EXPR_WORK; i++) {
    add_writing (&value->members[i].key, work);
    add_writing (&value->members[i].value, work);
  }
}

static int
help_to_json (lua_State *lua)
{
  struct value value = expr_argument (lua, 1);
  size_t work = 0;
  add_writing (&value, &work);
  if (work > EXPR_MEMORY / 64)
    return luaL_error (lua, EXPR_TOO_LARGE);
  expr_charge (lua, work);
  struct buffer *scratch = scratch_of (lua);
  json_write (scratch, &value);
  return push_scratch (lua, scratch);
}

static int
help_matches (lua_State *lua)
{
  size_t size, regex_size;
  const char *text = luaL_checklstring (lua, 1, &size), *regex = luaL_checklstring (lua, 2, &regex_size);
  char error[256];
  expr_charge (lua, EXPR_SEARCH + size / 64);
  int result = regex_search (regex, regex_size, text, size, NULL, 0, NULL, error, sizeof error);
  if (result == REGEX_WRONG)
    return luaL_error (lua, "matches: %s", error);
  lua_pushboolean (lua, result == REGEX_YES);
  return 1;
}

const luaL_Reg expr_helper_functions[] = {
  { "has", help_has },
  { "defined", help_defined },
  { "len", help_len },
  { "list", expr_make_list },
  { "map", expr_make_map },
  { "all", help_all },
  { "any", help_any },
  { "now", help_now },
  { "time_format", expr_time_format },
  { "time_parse", expr_time_parse },
  { "seconds", help_seconds },
  { "unique", help_unique },
  { "uuid", help_uuid },
  { "env", help_env },
  { "read", help_read },
  { "base64", help_base64 },
  { "base64_decode", help_base64_decode },
  { "hex", help_hex },
  { "hex_decode", help_hex_decode },
  { "sha256", help_sha256 },
  { "from_json", help_from_json },
  { "to_json", help_to_json },
  { "matches", help_matches },
  { "get", help_get },
  { NULL, NULL },
};
