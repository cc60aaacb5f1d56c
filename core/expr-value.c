/* expr-value.c - values to Lua and back.
 *
 * A list or map becomes an empty Lua table that refers to the value; its
 * metatable reads from there.  So nothing is converted that is not used, and
 * nothing can be changed. */
#include "config.h"

#include "expr-internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "text.h"

/* Addresses that are keys: of the reference in a table, and in the registry. */
static const char keys_of[6];
#define reference_key keys_of[0]
#define null_key keys_of[1]
#define list_key keys_of[2]
#define map_key keys_of[3]
#define list_mark_key keys_of[4]
#define map_mark_key keys_of[5]

void
expr_push_null (lua_State *lua)
{
  lua_rawgetp (lua, LUA_REGISTRYINDEX, &null_key);
}

bool
expr_is_null (lua_State *lua, int index)
{
  return lua_type (lua, index) == LUA_TUSERDATA; /* there is no other */
}

void
expr_push (lua_State *lua, const struct value *value)
{
  switch (value->type) {
  case VALUE_BOOL:
    lua_pushboolean (lua, value->boolean);
    break;
  case VALUE_INT:
    lua_pushinteger (lua, value->integer);
    break;
  case VALUE_FLOAT:
    lua_pushnumber (lua, value->number);
    break;
  case VALUE_STRING:
    lua_pushlstring (lua, value->string, value->size);
    break;
  case VALUE_LIST:
  case VALUE_MAP:
    lua_createtable (lua, 0, 1);
    lua_pushlightuserdata (lua, (void *) (uintptr_t) value);
    lua_rawsetp (lua, -2, &reference_key);
    lua_rawgetp (lua, LUA_REGISTRYINDEX, value->type == VALUE_LIST ? &list_key : &map_key);
    lua_setmetatable (lua, -2);
    break;
  default:
    expr_push_null (lua);
  }
}

const struct value *
expr_reference (lua_State *lua, int index)
{
  if (lua_type (lua, index) != LUA_TTABLE)
    return NULL;
  lua_rawgetp (lua, index, &reference_key);
  const struct value *value = lua_touserdata (lua, -1);
  lua_pop (lua, 1);
  return value;
}

/* Has the table this metatable (a key of the registry)? */
static bool
has_metatable (lua_State *lua, int index, const char *key)
{
  if (!lua_getmetatable (lua, index))
    return false;
  lua_rawgetp (lua, LUA_REGISTRYINDEX, key);
  bool same = lua_rawequal (lua, -1, -2);
  lua_pop (lua, 2);
  return same;
}

/* Made by list{} or map{}: VALUE_LIST, VALUE_MAP; else -1. */
static int
marked_as (lua_State *lua, int index)
{
  if (lua_type (lua, index) != LUA_TTABLE)
    return -1;
  if (has_metatable (lua, index, &list_mark_key))
    return VALUE_LIST;
  return has_metatable (lua, index, &map_mark_key) ? VALUE_MAP : -1;
}

const char *
expr_type_name (lua_State *lua, int index)
{
  const struct value *value = expr_reference (lua, index);
  if (value)
    return value_type_name (value->type);
  switch (lua_type (lua, index)) {
  case LUA_TNUMBER:
    return lua_isinteger (lua, index) ? "integer" : "number";
  case LUA_TUSERDATA:
    return "null";
  default:
    return luaL_typename (lua, index);
  }
}

/* ---- from Lua ---- */

static bool
problem (struct expr_conversion *conversion, const char *text)
{
  if (!conversion->problem[0])
    snprintf (conversion->problem, sizeof conversion->problem, "%s", text);
  return false;
}

static bool
count_node (struct expr_conversion *conversion, size_t bytes)
{
  if (++conversion->nodes > EXPR_NODES)
    return problem (conversion, "it holds more than a million values");
  if (bytes > EXPR_MEMORY - conversion->bytes)
    return problem (conversion, "it is larger than 64 MiB");
  conversion->bytes += bytes;
  return true;
}

static void
set_place (const struct expr_conversion *conversion, struct value *out)
{
  out->file = conversion->where ? conversion->where->file : 0;
  out->line = conversion->where ? conversion->where->line : 0;
  out->column = conversion->where ? conversion->where->column : 0;
}

/* A deep copy with limits; the text it came from may hold `${`, but is a text now. */
static bool
copy_value (struct expr_conversion *conversion, const struct value *in, struct value *out, unsigned depth)
{
  *out = *in;
  out->flags = in->type == VALUE_MAP ? in->flags & VALUE_CASELESS : 0;
  set_place (conversion, out);
  if (!count_node (conversion, in->type == VALUE_STRING ? in->size : 0))
    return false;
  if (depth > EXPR_DEPTH)
    return problem (conversion, "it is nested too deeply");
  if (in->type == VALUE_STRING)
    out->string = arena_copy (conversion->arena, in->string, in->size);
  else if (in->type == VALUE_LIST) {
    struct value *items = arena_array (conversion->arena, in->count, sizeof *items);
    for (size_t i = 0; i < in->count; i++)
      if (!copy_value (conversion, &in->items[i], &items[i], depth + 1))
        return false;
    out->items = items;
  }
  else if (in->type == VALUE_MAP) {
    struct member *members = arena_array (conversion->arena, in->count, sizeof *members);
    for (size_t i = 0; i < in->count; i++)
      if (!copy_value (conversion, &in->members[i].key, &members[i].key, depth + 1)
          || !copy_value (conversion, &in->members[i].value, &members[i].value, depth + 1))
        return false;
    out->members = members;
  }
  return true;
}

static bool
convert_string (struct expr_conversion *conversion, int index, struct value *out)
{
  size_t size;
  const char *text = lua_tolstring (conversion->lua, index, &size);
  if (!count_node (conversion, conversion->borrow ? 0 : size))
    return false;
  *out = value_text (conversion->borrow ? text : arena_copy (conversion->arena, text, size), size);
  return true;
}

/* What the keys of a Lua table are. */
struct key_survey {
  size_t count, strings, integers;
  lua_Integer lowest, highest;
};

/* False: there is a key that is neither text nor integer. */
static bool
survey_keys (lua_State *lua, int index, struct key_survey *keys)
{
  *keys = (struct key_survey) { .lowest = LUA_MAXINTEGER };
  for (lua_pushnil (lua); lua_next (lua, index); lua_pop (lua, 1)) {
    keys->count++;
    if (lua_type (lua, -2) == LUA_TSTRING)
      keys->strings++;
    else if (lua_isinteger (lua, -2)) {
      lua_Integer n = lua_tointeger (lua, -2);
      keys->integers++;
      if (n < keys->lowest)
        keys->lowest = n;
      if (n > keys->highest)
        keys->highest = n;
    }
    else {
      lua_pop (lua, 2);
      return false;
    }
  }
  return true;
}

static bool convert (struct expr_conversion *conversion, int index, struct value *out, unsigned depth);

static bool
convert_list (struct expr_conversion *conversion, int index, size_t count, struct value *out, unsigned depth)
{
  if (count > EXPR_NODES)
    return problem (conversion, "it holds more than a million values");
  struct value *items = arena_array (conversion->arena, count, sizeof *items);
  for (size_t i = 0; i < count; i++) {
    lua_rawgeti (conversion->lua, index, (lua_Integer) i + 1);
    bool good = convert (conversion, lua_gettop (conversion->lua), &items[i], depth + 1);
    lua_pop (conversion->lua, 1);
    if (!good)
      return false;
  }
  *out = (struct value) { .type = VALUE_LIST, .count = count, .items = items };
  return true;
}

static int
compare_texts (const char *a, size_t a_size, const char *b, size_t b_size)
{
  int order = memcmp (a, b, a_size < b_size ? a_size : b_size);
  return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int
compare_members (const void *a, const void *b)
{
  const struct value *x = &((const struct member *) a)->key, *y = &((const struct member *) b)->key;
  return compare_texts (x->string, x->size, y->string, y->size);
}

/* Sorted: Lua's own order differs from run to run. */
static bool
convert_map (struct expr_conversion *conversion, int index, size_t count, struct value *out, unsigned depth)
{
  lua_State *lua = conversion->lua;
  if (count > EXPR_NODES)
    return problem (conversion, "it holds more than a million values");
  struct member *members = arena_array (conversion->arena, count, sizeof *members);
  size_t n = 0;
  for (lua_pushnil (lua); lua_next (lua, index) && n < count; lua_pop (lua, 1), n++) {
    int top = lua_gettop (lua);
    if (!convert (conversion, top - 1, &members[n].key, depth + 1)
        || !convert (conversion, top, &members[n].value, depth + 1)) {
      lua_pop (lua, 2);
      return false;
    }
  }
  qsort (members, n, sizeof *members, compare_members);
  *out = (struct value) { .type = VALUE_MAP, .count = n, .members = members };
  return true;
}

static bool
convert_table (struct expr_conversion *conversion, int index, struct value *out, unsigned depth)
{
  lua_State *lua = conversion->lua;
  struct key_survey keys;
  int mark = marked_as (lua, index);
  if (depth > EXPR_DEPTH)
    return problem (conversion, "it is nested too deeply, or contains itself");
  if (!lua_checkstack (lua, 10))
    return problem (conversion, "there is no memory left for it");
  if (mark < 0 && lua_getmetatable (lua, index)) {
    lua_pop (lua, 1);
    return problem (conversion, "a part of Lua's library is no value");
  }
  if (!survey_keys (lua, index, &keys))
    return problem (conversion, "a key of a table is neither a string nor an integer");
  bool sequence = keys.strings == 0 && (keys.count == 0 || (keys.lowest == 1 && (size_t) keys.highest == keys.count));
  if (sequence && !(mark == VALUE_MAP))
    return convert_list (conversion, index, keys.count, out, depth);
  if (mark == VALUE_LIST)
    return problem (conversion, "a list has the keys 1, 2, 3 … without a gap");
  if (keys.integers)
    return problem (conversion, keys.strings ? "a table has strings and integers as keys, it is neither map nor list"
                                : mark == VALUE_MAP ? "a map has strings as keys, this one has integers"
                                                    : "a list has the keys 1, 2, 3 … without a gap");
  return convert_map (conversion, index, keys.count, out, depth);
}

static bool
convert (struct expr_conversion *conversion, int index, struct value *out, unsigned depth)
{
  lua_State *lua = conversion->lua;
  const struct value *reference;
  bool good = true;
  *out = value_null;
  switch (lua_type (lua, index)) {
  case LUA_TBOOLEAN:
    *out = value_bool (lua_toboolean (lua, index));
    break;
  case LUA_TNUMBER:
    *out = lua_isinteger (lua, index) ? value_int (lua_tointeger (lua, index)) : value_float (lua_tonumber (lua, index));
    break;
  case LUA_TSTRING:
    good = convert_string (conversion, index, out);
    break;
  case LUA_TUSERDATA:
    break;
  case LUA_TTABLE:
    reference = expr_reference (lua, index);
    if (reference && conversion->borrow)
      *out = *reference;
    else if (reference)
      good = copy_value (conversion, reference, out, depth);
    else
      good = convert_table (conversion, index, out, depth);
    break;
  case LUA_TNIL:
    return problem (conversion, "it is nil, which is no value (use null)");
  default:
    return problem (conversion, lua_isfunction (lua, index) ? "a function is no value (a call has parentheses)"
                                                            : "it is no value");
  }
  if (good && !conversion->borrow)
    set_place (conversion, out);
  return good && (out->type == VALUE_STRING || count_node (conversion, 0));
}

bool
expr_convert (struct expr_conversion *conversion, int index, struct value *out)
{
  return convert (conversion, lua_absindex (conversion->lua, index), out, 0);
}

struct value
expr_argument (lua_State *lua, int index)
{
  struct expr_engine *engine = expr_engine_of (lua);
  struct expr_conversion conversion = { .lua = lua, .arena = &engine->temporary, .borrow = true };
  struct value value;
  luaL_checkany (lua, index);
  if (!expr_convert (&conversion, index, &value))
    luaL_argerror (lua, index, lua_pushstring (lua, conversion.problem));
  expr_charge (lua, conversion.nodes);
  if (engine->temporary.used > EXPR_MEMORY)
    luaL_error (lua, EXPR_TOO_LARGE);
  return value;
}

/* ---- metatables ---- */

static int
list_index (lua_State *lua)
{
  const struct value *list = expr_reference (lua, 1);
  int exact;
  lua_Integer i = lua_tointegerx (lua, 2, &exact);
  if (lua_type (lua, 2) == LUA_TSTRING)
    return luaL_error (lua, "a list has no field \"%s\"", lua_tostring (lua, 2));
  if (!exact)
    return luaL_error (lua, "the index of a list is an integer, not a %s", expr_type_name (lua, 2));
  if (i == 0)
    return luaL_error (lua, "there is no item 0: lists begin at 1 here (from 0 they count in JSONPath only)");
  if (i < 0 || (uint64_t) i > list->count)
    return luaL_error (lua, "there is no item %I: the list has %I", i, (lua_Integer) list->count);
  expr_push (lua, &list->items[i - 1]);
  return 1;
}

/* Adds the first names of a map. */
static void
add_names (struct buffer *out, const struct value *map)
{
  size_t n = map->count < 8 ? map->count : 8;
  for (size_t i = 0; i < n; i++) {
    if (i)
      buffer_lit (out, ", ");
    size_t size = map->members[i].key.size;
    buffer_add (out, map->members[i].key.string, size < 60 ? size : 60);
  }
  if (map->count > n)
    buffer_lit (out, ", …");
}

static int
absent_field (lua_State *lua, const struct value *map, const char *name)
{
  const char *best = NULL;
  size_t distance = 0;
  for (size_t i = 0; i < map->count && i < 1000; i++)
    text_nearest (name, map->members[i].key.string, &best, &distance);
  if (best)
    return luaL_error (lua, "there is no field \"%s\"; did you mean \"%s\"? (has() asks first)", name, best);
  const char *role = expr_engine_of (lua)->run.unstarted;
  if ((map->flags & VALUE_UNSTARTED) && role)
    return luaL_error (lua, "there is no field \"%s\": the role %s has not been started (role.start)", name, role);
  if (map->count == 0)
    return luaL_error (lua, "there is no field \"%s\": the map is empty (has() asks first)", name);
  struct buffer *scratch = &expr_engine_of (lua)->scratch;
  scratch->size = 0;
  add_names (scratch, map);
  return luaL_error (lua, "there is no field \"%s\", but %s (has() asks first)", name, buffer_text (scratch));
}

static int
map_index (lua_State *lua)
{
  const struct value *map = expr_reference (lua, 1);
  if (lua_type (lua, 2) != LUA_TSTRING)
    return luaL_error (lua, "a map has names, no items: its key is a string, not %s", expr_type_name (lua, 2));
  size_t size;
  const char *name = lua_tolstring (lua, 2, &size);
  if (map->count > 64)
    expr_charge (lua, map->count / 16);
  const struct value *found = value_find (map, name, size);
  if (!found)
    return absent_field (lua, map, name);
  expr_push (lua, found);
  return 1;
}

static int
list_length (lua_State *lua)
{
  lua_pushinteger (lua, (lua_Integer) expr_reference (lua, 1)->count);
  return 1;
}

static int
map_length (lua_State *lua)
{
  return luaL_error (lua, "`#` counts the items of a list; for a map use len()");
}

static int
reference_newindex (lua_State *lua)
{
  return luaL_error (lua, "an expression changes no variables");
}

/* Adds what comparing with the value costs, until it is more than EXPR_WORK: parts
 * may be shared.  Comparing two maps looks every key of one up in the other. */
static void
add_comparing (const struct value *value, size_t *work)
{
  ++*work;
  if (value->type == VALUE_STRING)
    *work += value->size / 64;
  else if (value->type == VALUE_MAP && value->count > 64)
    *work += value->count > EXPR_WORK / 16 ? EXPR_WORK : value->count * (value->count / 16);
  for (size_t i = 0; value->type == VALUE_LIST && i < value->count && *work < EXPR_WORK; i++)
    add_comparing (&value->items[i], work);
  for (size_t i = 0; value->type == VALUE_MAP && i < value->count && *work < EXPR_WORK; i++)
    add_comparing (&value->members[i].value, work);
}

static int
values_equal (lua_State *lua)
{
  struct value a = expr_argument (lua, 1), b = expr_argument (lua, 2);
  size_t work = 0;
  add_comparing (&a, &work);
  expr_charge (lua, work);
  lua_pushboolean (lua, value_equal (&a, &b));
  return 1;
}

/* For string.format ("%s", …): the type, since the content may be large. */
static int
reference_tostring (lua_State *lua)
{
  lua_pushstring (lua, expr_type_name (lua, 1));
  return 1;
}

static void
make_metatable (lua_State *lua, const char *key, const char *name, const luaL_Reg *functions)
{
  lua_newtable (lua);
  luaL_setfuncs (lua, functions, 0);
  lua_pushstring (lua, name);
  lua_setfield (lua, -2, "__name");
  lua_rawsetp (lua, LUA_REGISTRYINDEX, key);
}

void
expr_open_values (lua_State *lua)
{
  static const luaL_Reg of_null[] = { { "__tostring", reference_tostring }, { NULL, NULL } };
  static const luaL_Reg of_list[]
    = { { "__index", list_index }, { "__newindex", reference_newindex }, { "__len", list_length },
        { "__eq", values_equal },  { "__tostring", reference_tostring }, { NULL, NULL } };
  static const luaL_Reg of_map[]
    = { { "__index", map_index }, { "__newindex", reference_newindex }, { "__len", map_length },
        { "__eq", values_equal }, { "__tostring", reference_tostring }, { NULL, NULL } };
  static const luaL_Reg of_mark[] = { { "__eq", values_equal }, { NULL, NULL } };
  lua_newuserdatauv (lua, 0, 0);
  lua_pushvalue (lua, -1);
  lua_rawsetp (lua, LUA_REGISTRYINDEX, &null_key);
  make_metatable (lua, &list_key, "null", of_null);
  lua_rawgetp (lua, LUA_REGISTRYINDEX, &list_key);
  lua_setmetatable (lua, -2);
  lua_pop (lua, 1);
  make_metatable (lua, &list_key, "list", of_list);
  make_metatable (lua, &map_key, "map", of_map);
  make_metatable (lua, &list_mark_key, "list", of_mark);
  make_metatable (lua, &map_mark_key, "map", of_mark);
}

/* ---- list{} and map{} ---- */

static int
make_marked (lua_State *lua, int type, const char *key)
{
  if (lua_isnone (lua, 1))
    lua_newtable (lua);
  luaL_checktype (lua, 1, LUA_TTABLE);
  lua_settop (lua, 1);
  const struct value *reference = expr_reference (lua, 1);
  int is = reference ? reference->type : marked_as (lua, 1);
  if (is == type)
    return 1;
  if (is >= 0)
    return luaL_error (lua, "a %s is no %s", value_type_name (is), value_type_name (type));
  if (lua_getmetatable (lua, 1))
    return luaL_error (lua, "a part of Lua's library is no %s", value_type_name (type));
  lua_rawgetp (lua, LUA_REGISTRYINDEX, key);
  lua_setmetatable (lua, 1);
  return 1;
}

int
expr_make_list (lua_State *lua)
{
  return make_marked (lua, VALUE_LIST, &list_mark_key);
}

int
expr_make_map (lua_State *lua)
{
  return make_marked (lua, VALUE_MAP, &map_mark_key);
}

/* ---- pairs and ipairs ---- */

/* A key of a table: numbers come first, then strings bytewise. */
struct sort_key {
  const char *text; /* NULL: a number */
  size_t size;
  lua_Number number;
  lua_Integer integer; /* for integers beyond 2^53 */
  lua_Integer index;   /* in the unsorted list of keys */
};

static int
compare_keys (const void *a, const void *b)
{
  const struct sort_key *x = a, *y = b;
  if (x->text && y->text)
    return compare_texts (x->text, x->size, y->text, y->size);
  if (x->text || y->text)
    return x->text ? 1 : -1;
  if (x->number != y->number)
    return x->number < y->number ? -1 : 1;
  return (x->integer > y->integer) - (x->integer < y->integer);
}

static void
set_sort_key (lua_State *lua, int index, struct sort_key *key)
{
  *key = (struct sort_key) { 0 };
  if (lua_type (lua, index) == LUA_TSTRING)
    key->text = lua_tolstring (lua, index, &key->size);
  else {
    key->number = lua_tonumber (lua, index);
    key->integer = lua_isinteger (lua, index) ? lua_tointeger (lua, index) : 0;
  }
}

/* Pushes a table with the keys of the table at 1, unsorted; returns their number. */
static size_t
push_keys (lua_State *lua)
{
  const struct value *reference = expr_reference (lua, 1);
  size_t n = 0;
  lua_newtable (lua);
  if (reference) {
    for (; n < reference->count; n++) {
      if (reference->type == VALUE_LIST)
        lua_pushinteger (lua, (lua_Integer) n + 1);
      else
        lua_pushlstring (lua, reference->members[n].key.string, reference->members[n].key.size);
      lua_rawseti (lua, 2, (lua_Integer) n + 1);
    }
    return n;
  }
  for (lua_pushnil (lua); lua_next (lua, 1); lua_pop (lua, 1)) {
    if (lua_type (lua, -2) != LUA_TSTRING && lua_type (lua, -2) != LUA_TNUMBER)
      luaL_error (lua, "pairs: a key is a %s; only strings and numbers have an order", luaL_typename (lua, -2));
    lua_pushvalue (lua, -2);
    lua_rawseti (lua, 2, (lua_Integer) ++n);
  }
  return n;
}

static int
pairs_next (lua_State *lua)
{
  lua_settop (lua, 0);
  for (lua_Integer i = lua_tointeger (lua, lua_upvalueindex (3)) + 1;; i++) {
    lua_pushinteger (lua, i);
    lua_replace (lua, lua_upvalueindex (3));
    if (lua_rawgeti (lua, lua_upvalueindex (2), i) == LUA_TNIL)
      return 1;
    lua_pushvalue (lua, 1);
    if (lua_gettable (lua, lua_upvalueindex (1)) != LUA_TNIL)
      return 2;
    lua_settop (lua, 0); /* removed since */
  }
}

int
expr_pairs (lua_State *lua)
{
  luaL_checktype (lua, 1, LUA_TTABLE);
  lua_settop (lua, 1);
  size_t n = push_keys (lua);
  expr_charge (lua, n);
  struct sort_key *keys = lua_newuserdatauv (lua, (n ? n : 1) * sizeof *keys, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti (lua, 2, (lua_Integer) i + 1);
    set_sort_key (lua, -1, &keys[i]);
    keys[i].index = (lua_Integer) i + 1;
    lua_pop (lua, 1);
  }
  qsort (keys, n, sizeof *keys, compare_keys);
  lua_pushvalue (lua, 1);
  lua_createtable (lua, (int) n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti (lua, 2, keys[i].index);
    lua_rawseti (lua, -2, (lua_Integer) i + 1);
  }
  lua_pushinteger (lua, 0);
  lua_pushcclosure (lua, pairs_next, 3);
  return 1;
}

static int
ipairs_next (lua_State *lua)
{
  lua_Integer i = luaL_checkinteger (lua, 2) + 1;
  const struct value *list = expr_reference (lua, 1);
  lua_pushinteger (lua, i);
  if (list) {
    if (i < 1 || (uint64_t) i > list->count)
      return 0;
    expr_push (lua, &list->items[i - 1]);
    return 2;
  }
  luaL_checktype (lua, 1, LUA_TTABLE);
  return lua_rawgeti (lua, 1, i) == LUA_TNIL ? 0 : 2;
}

int
expr_ipairs (lua_State *lua)
{
  luaL_checktype (lua, 1, LUA_TTABLE);
  const struct value *reference = expr_reference (lua, 1);
  if (reference && reference->type == VALUE_MAP)
    return luaL_error (lua, "a map has names, no items: use pairs()");
  lua_pushcfunction (lua, ipairs_next);
  lua_pushvalue (lua, 1);
  lua_pushinteger (lua, 0);
  return 3;
}
