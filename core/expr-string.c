/* expr-string.c - string.find, match, gmatch and gsub, with regular expressions
 * (PCRE2) where Lua has patterns of its own.  Positions are bytes, as in Lua. */
#include "config.h"

#include "expr-internal.h"

#include "regexp.h"
#include "text.h"

#define GROUPS 10 /* the whole match and nine groups */

struct search {
  const char *text, *regex;
  size_t size, regex_size;
  size_t groups[2 * GROUPS];
  size_t found; /* groups of the expression, and the whole */
};

static void
begin_search (lua_State *lua, struct search *search)
{
  search->text = luaL_checklstring (lua, 1, &search->size);
  search->regex = luaL_checklstring (lua, 2, &search->regex_size);
}

static bool
find_from (lua_State *lua, struct search *search, size_t start)
{
  char error[256];
  expr_charge (lua, EXPR_SEARCH + search->size / 64);
  int result = regex_search_from (search->regex, search->regex_size, search->text, search->size, start,
                                  search->groups, GROUPS, &search->found, error, sizeof error);
  if (result == REGEX_WRONG)
    luaL_error (lua, "%s", error);
  if (result == REGEX_YES && (search->groups[0] == SIZE_MAX || search->groups[0] < start))
    luaL_error (lua, "\\K cannot be used here"); /* it can put a match's begin behind its end */
  return result == REGEX_YES;
}

static void
push_group (lua_State *lua, const struct search *search, size_t i)
{
  if (i >= GROUPS || search->groups[2 * i] == SIZE_MAX)
    lua_pushnil (lua);
  else
    lua_pushlstring (lua, search->text + search->groups[2 * i], search->groups[2 * i + 1] - search->groups[2 * i]);
}

/* The groups, or the whole match when there are none. */
static int
push_captures (lua_State *lua, const struct search *search, bool whole)
{
  size_t n = search->found < GROUPS ? search->found : GROUPS;
  if (n <= 1) {
    if (whole)
      push_group (lua, search, 0);
    return whole;
  }
  for (size_t i = 1; i < n; i++)
    push_group (lua, search, i);
  return (int) n - 1;
}

/* The optional place to begin at, an index from 1 or from the end; as an offset. */
static size_t
start_argument (lua_State *lua, int index, size_t size)
{
  lua_Integer start = luaL_optinteger (lua, index, 1);
  if (start < 0)
    start = start < -(lua_Integer) size ? 1 : (lua_Integer) size + start + 1;
  if (start < 1)
    start = 1;
  return (size_t) start - 1;
}

static int
string_find (lua_State *lua)
{
  struct search search;
  begin_search (lua, &search);
  size_t start = start_argument (lua, 3, search.size);
  if (lua_toboolean (lua, 4))
    return luaL_error (lua, "find has no plain search: put the text into \\Q…\\E");
  if (start > search.size || !find_from (lua, &search, start)) {
    lua_pushnil (lua);
    return 1;
  }
  lua_pushinteger (lua, (lua_Integer) search.groups[0] + 1);
  lua_pushinteger (lua, (lua_Integer) search.groups[1]);
  return 2 + push_captures (lua, &search, false);
}

static int
string_match (lua_State *lua)
{
  struct search search;
  begin_search (lua, &search);
  size_t start = start_argument (lua, 3, search.size);
  if (start > search.size || !find_from (lua, &search, start)) {
    lua_pushnil (lua);
    return 1;
  }
  return push_captures (lua, &search, true);
}

/* Bytes to go on by where an empty match must not be found again. */
static size_t
one_character (const struct search *search, size_t at)
{
  size_t n = utf8_decode (search->text + at, search->size - at, NULL);
  return n ? n : 1;
}

/* The next match at or after *at; `last` is where the one before ended (SIZE_MAX: none). */
static bool
next_match (lua_State *lua, struct search *search, size_t *at, size_t last)
{
  while (*at <= search->size) {
    if (!find_from (lua, search, *at))
      return false;
    if (search->groups[1] > search->groups[0] || search->groups[1] != last)
      return true;
    *at = search->groups[1] < search->size ? search->groups[1] + one_character (search, search->groups[1])
                                           : search->size + 1;
  }
  return false;
}

/* Upvalues: text, expression, where to go on, where the last match ended. */
static int
gmatch_next (lua_State *lua)
{
  struct search search;
  lua_settop (lua, 0);
  lua_pushvalue (lua, lua_upvalueindex (1));
  lua_pushvalue (lua, lua_upvalueindex (2));
  begin_search (lua, &search);
  size_t at = (size_t) lua_tointeger (lua, lua_upvalueindex (3));
  size_t last = (size_t) lua_tointeger (lua, lua_upvalueindex (4));
  if (!next_match (lua, &search, &at, last))
    return 0;
  lua_pushinteger (lua, (lua_Integer) search.groups[1]);
  lua_pushvalue (lua, -1);
  lua_replace (lua, lua_upvalueindex (3));
  lua_replace (lua, lua_upvalueindex (4));
  return push_captures (lua, &search, true);
}

static int
string_gmatch (lua_State *lua)
{
  luaL_checkstring (lua, 1);
  luaL_checkstring (lua, 2);
  lua_settop (lua, 2);
  lua_pushinteger (lua, 0);
  lua_pushinteger (lua, -1);
  lua_pushcclosure (lua, gmatch_next, 4);
  return 1;
}

/* Adds a replacement text: %0 to %9 are the groups, %% a percent sign. */
static void
add_replacement (lua_State *lua, luaL_Buffer *out, const struct search *search, const char *text, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    if (text[i] != '%') {
      luaL_addchar (out, text[i]);
      continue;
    }
    char c = i + 1 < size ? text[++i] : '\0';
    if (c == '%')
      luaL_addchar (out, c);
    else if (c >= '0' && c <= '9') {
      size_t group = (size_t) (c - '0');
      if (group >= search->found)
        luaL_error (lua, "gsub: there is no group %%%d", (int) group);
      push_group (lua, search, group);
      if (lua_isnil (lua, -1))
        lua_pop (lua, 1);
      else
        luaL_addvalue (out);
    }
    else
      luaL_error (lua, "gsub: in the replacement %% is followed by a digit or %%");
  }
}

/* Adds what the function at 3 gives for the match; nil and false keep the text. */
static void
add_called (lua_State *lua, luaL_Buffer *out, const struct search *search)
{
  lua_pushvalue (lua, 3);
  int n = push_captures (lua, search, true);
  expr_call (lua, n, 1);
  if (!lua_toboolean (lua, -1)) {
    lua_pop (lua, 1);
    push_group (lua, search, 0);
  }
  else if (!lua_isstring (lua, -1))
    luaL_error (lua, "gsub: the function gives a %s, not a string", expr_type_name (lua, -1));
  luaL_addvalue (out);
}

static int
string_gsub (lua_State *lua)
{
  struct search search;
  begin_search (lua, &search);
  size_t replacement_size = 0;
  const char *replacement = lua_isfunction (lua, 3) ? NULL : luaL_checklstring (lua, 3, &replacement_size);
  lua_Integer most = luaL_optinteger (lua, 4, LUA_MAXINTEGER), n = 0;
  lua_settop (lua, 4);
  luaL_Buffer out;
  luaL_buffinit (lua, &out);
  size_t copied = 0, at = 0, last = SIZE_MAX;
  while (n < most && next_match (lua, &search, &at, last)) {
    luaL_addlstring (&out, search.text + copied, search.groups[0] - copied);
    if (replacement)
      add_replacement (lua, &out, &search, replacement, replacement_size);
    else
      add_called (lua, &out, &search);
    copied = at = last = search.groups[1];
    n++;
  }
  luaL_addlstring (&out, search.text + copied, search.size - copied);
  luaL_pushresult (&out);
  lua_pushinteger (lua, n);
  return 2;
}

const luaL_Reg expr_string_functions[] = {
  { "find", string_find },   { "match", string_match }, { "gmatch", string_gmatch },
  { "gsub", string_gsub },   { NULL, NULL },
};
