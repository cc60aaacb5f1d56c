/* test-expr.c - expressions: values, limits, sandbox, helpers, templates, checks. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expr.h"
#include "json.h"
#include "sha256.h"
#include "text.h"

/* ---- fixture ---- */

static struct expr_engine *engine;
static struct arena arena;
static struct value variables;
static struct expr_error error;

static const struct value *
lookup (void *data, const char *name, size_t size)
{
  return value_find (data, name, size);
}

static void
names (void *data, void (*each) (void *each_data, const char *name), void *each_data)
{
  const struct value *map = data;
  for (size_t i = 0; i < map->count; i++)
    each (each_data, map->members[i].key.string);
}

static struct expr_scope scope = { lookup, names, &variables, NULL };

static const char variables_json[]
  = "{\"one\": 1, \"half\": 0.5, \"two\": 2.0, \"name\": \"Ünï\", \"flag\": true, \"nothing\": null,"
    " \"numbers\": [3, 1, 2], \"empty\": [], \"hub\": {\"web\": \"127.0.0.1:8080\", \"device\": {\"port\": 99}},"
    " \"result\": {\"status\": 200, \"body\": \"OK\", \"json\": {\"reports\": [{\"id\": 7}, {\"id\": 8}], \"x\": null}}}";

static void
set_up (void)
{
  char why[200];
  engine = expr_new (42);
  ck_assert_msg (json_parse (&arena, variables_json, strlen (variables_json), &variables, why, sizeof why), "%s", why);
}

static void
tear_down (void)
{
  expr_free (engine);
  arena_free (&arena);
}

static struct value
expression (const char *text)
{
  return value_string (text);
}

/* The value of an expression; false: `error` says why not. */
static bool
evaluate (const char *text, const struct expr_scope *names_of, struct value *out)
{
  const char *end = strstr (text, "--") ? "\n}" : "}"; /* a comment ends with its line */
  struct value in = value_string (arena_printf (&arena, "${%s%s", text, end));
  in.flags |= VALUE_DYNAMIC;
  return expr_expand (engine, &in, names_of, &arena, out, &error);
}

/* The result as JSON-like text. */
static const char *
eval (const char *text)
{
  struct value out;
  if (!evaluate (text, &scope, &out))
    return arena_printf (&arena, "error: %s", error.message);
  struct buffer shown = { 0 };
  value_show (&shown, &out, 10000);
  char *copy = arena_strdup (&arena, buffer_text (&shown));
  buffer_free (&shown);
  return copy;
}

#define gives(text, expected) ck_assert_str_eq (eval (text), expected)

#define fails_with(text, part)                                                            \
  do {                                                                                    \
    const char *got_ = eval (text);                                                       \
    ck_assert_msg (strncmp (got_, "error: ", 7) == 0 && strstr (got_, part), "%s: %s", text, got_); \
  } while (0)

static const char *
test (struct value where)
{
  bool on;
  if (!expr_test (engine, &where, &scope, &on, &error))
    return arena_printf (&arena, "error: %s", error.message);
  return on ? "yes" : "no";
}

static struct value
dynamic (const char *text)
{
  struct value value = value_string (text);
  if (expr_is_dynamic (text, strlen (text)))
    value.flags |= VALUE_DYNAMIC;
  return value;
}

static const char *
expand_value (const struct value *in)
{
  struct value out;
  if (!expr_expand (engine, in, &scope, &arena, &out, &error))
    return arena_printf (&arena, "error: %s", error.message);
  ck_assert (!(out.flags & VALUE_DYNAMIC));
  struct buffer shown = { 0 };
  value_show (&shown, &out, 10000);
  char *copy = arena_strdup (&arena, buffer_text (&shown));
  buffer_free (&shown);
  return copy;
}

static const char *
expand (const char *text)
{
  struct value in = dynamic (text);
  return expand_value (&in);
}

/* ---- values ---- */

START_TEST (scalars_keep_their_types)
{
  gives ("1 + 1", "2");
  gives ("one", "1");
  gives ("half", "0.5");
  gives ("two", "2.0");
  gives ("two == 2", "true");
  gives ("7 // 2", "3");
  gives ("7 / 2", "3.5");
  gives ("9223372036854775807", "9223372036854775807");
  gives ("math.mininteger", "-9223372036854775808");
  gives ("name", "\"Ünï\"");
  gives ("name .. '!'", "\"Ünï!\"");
  gives ("flag and not flag", "false");
  gives ("nothing", "null");
  gives ("nothing == null", "true");
  gives ("null", "null");
  gives ("'a\\0b'", "\"a\\x00b\"");
  gives ("1e400", "inf");
  fails_with ("9223372036854775808", "integer is too large");
  gives ("9223372036854775808.0 > 1", "true");
}
END_TEST

START_TEST (lists_and_maps_are_read_in_place)
{
  gives ("numbers[1]", "3");
  gives ("#numbers", "3");
  gives ("numbers[#numbers]", "2");
  gives ("hub.device.port + 1", "100");
  gives ("hub['web']", "\"127.0.0.1:8080\"");
  gives ("result.json.reports[2].id", "8");
  gives ("numbers", "[3, 1, 2]");
  gives ("hub.device", "{\"port\": 99}");
  gives ("numbers == {3, 1, 2}", "true");
  gives ("numbers == {3, 1}", "false");
  gives ("hub.device == map{port = 99}", "true");
  gives ("result.json.reports == from_json('[{\"id\": 7}, {\"id\": 8}]')", "true");
  gives ("table.concat(numbers, '-')", "\"3-1-2\"");
  gives ("select('#', table.unpack(numbers))", "3");
}
END_TEST

START_TEST (what_is_absent_is_an_error)
{
  fails_with ("result.statsu", "there is no field \"statsu\"; did you mean \"status\"?");
  fails_with ("hub.device.zzzzzz", "there is no field \"zzzzzz\", but port");
  fails_with ("numbers[0]", "lists begin at 1");
  fails_with ("numbers[4]", "there is no item 4: the list has 3");
  fails_with ("numbers[-1]", "there is no item -1");
  fails_with ("numbers.length", "a list has no field \"length\"");
  fails_with ("hub[1]", "its key is a string, not integer");
  fails_with ("result.json.x.y", "attempt to index a null value");
  fails_with ("#hub", "len()");
  fails_with ("one + nothing", "arithmetic on a null value");
  fails_with ("nothing < 1", "compare null with number");
  fails_with ("'1' + 1", "arithmetic on a string value");
  fails_with ("nil", "nil, which is no value");
  fails_with ("len", "a function is no value");
  fails_with ("string", "a part of Lua's library is no value");
  fails_with ("_ENV", "a part of Lua's library is no value");
}
END_TEST

START_TEST (undefined_names_are_told_with_the_nearest)
{
  fails_with ("nmae", "undefined name \"nmae\"; did you mean \"name\"?");
  fails_with ("uniqe()", "did you mean \"unique\"?");
  fails_with ("qqqqqqqq", "undefined name \"qqqqqqqq\"");
  fails_with ("os.exit()", "expressions have no such part of Lua");
  fails_with ("string.uper('x')", "there is no string.uper; did you mean string.upper?");
  ck_assert_uint_eq (scope.data == &variables, 1);
}
END_TEST

START_TEST (variables_cannot_be_changed)
{
  fails_with ("(function() one = 2 return one end)()", "\"one\" cannot be set");
  fails_with ("(function() hub.web = 2 return 1 end)()", "changes no variables");
  fails_with ("(function() numbers[1] = 2 return 1 end)()", "changes no variables");
  fails_with ("(function() numbers[9] = 2 return 1 end)()", "changes no variables");
  fails_with ("table.sort(numbers)", "changes no variables");
  fails_with ("table.insert(numbers, 1)", "changes no variables");
  fails_with ("table.move({9, 9}, 1, 2, 1, numbers)", "changes no variables");
  fails_with ("(function() now = 1 return now end)()", "\"now\" cannot be set");
  gives ("numbers", "[3, 1, 2]");
}
END_TEST

START_TEST (tables_become_lists_and_maps)
{
  gives ("{1, 2.0, 'x', null, true}", "[1, 2.0, \"x\", null, true]");
  gives ("{b = 1, a = 2, ['c d'] = {}}", "{\"a\": 2, \"b\": 1, \"c d\": []}");
  gives ("{}", "[]");
  gives ("{k = 1, j = 1, i = 1, h = 1, g = 1, f = 1, e = 1, d = 1}",
         "{\"d\": 1, \"e\": 1, \"f\": 1, \"g\": 1, \"h\": 1, \"i\": 1, \"j\": 1, \"k\": 1}");
  gives ("map{}", "{}");
  gives ("list{}", "[]");
  gives ("list(numbers)", "[3, 1, 2]");
  gives ("{numbers, hub.device}", "[[3, 1, 2], {\"port\": 99}]");
  fails_with ("list(hub)", "a map is no list");
  fails_with ("list{a = 1}", "1, 2, 3");
  fails_with ("map{1, 2}", "a map has strings as keys");
  fails_with ("{1, nil, 3}", "without a gap");
  fails_with ("{1, a = 1}", "neither map nor list");
  fails_with ("{[true] = 1}", "neither a string nor an integer");
  fails_with ("{len}", "a function is no value");
  fails_with ("(function() local t = {} t[1] = t return t end)()", "contains itself");
  fails_with ("(function() local t = from_json('[[[[[[1]]]]]]') for i = 1, 60 do t = {t} end return t end)()",
              "nested too deeply");
  fails_with ("(function() local t = {} for i = 1, 40 do t = {t, t} end return t end)()", "million values");
}
END_TEST

/* The time that this thread was running: whatever else the machine does is not in it. */
static int64_t
thread_ns (void)
{
  struct timespec now;
  ck_assert_int_eq (clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now), 0);
  return now.tv_sec * INT64_C (1000000000) + now.tv_nsec;
}

START_TEST (large_variables_are_not_converted)
{
  size_t n = 300000;
  struct value *items = arena_array (&arena, n, sizeof *items);
  for (size_t i = 0; i < n; i++)
    items[i] = value_int ((int64_t) i);
  struct member members[] = { { value_string ("big"), { .type = VALUE_LIST, .count = n, .items = items } } };
  struct value saved = variables, out;
  variables = (struct value) { .type = VALUE_MAP, .count = 1, .members = members };
  int64_t start = thread_ns ();
  for (int i = 0; i < 1000; i++)
    ck_assert (evaluate ("#big + big[5]", &scope, &out));
  /* copying them all a thousand times would take seconds */
  ck_assert_int_lt (thread_ns () - start, 1000000000);
  ck_assert_int_eq (out.integer, 300004);
  variables = saved;
}
END_TEST

/* ---- limits ---- */

START_TEST (loops_end)
{
  fails_with ("(function() while true do end end)()", "needs too long");
  fails_with ("(function() for i = 1, 1e18 do end end)()", "needs too long");
  fails_with ("(function() ::a:: goto a end)()", "needs too long");
  fails_with ("(function() local function f() return f() end return f() end)()", "needs too long");
  fails_with ("(function() local function f() return 1 + f() end return f() end)()", "too much memory");
  fails_with ("all({1}, function() while true do end end)", "needs too long");
  fails_with ("table.sort({1, 2, 3}, function(a, b) while true do end end)", "needs too long");
  fails_with ("('a'):gsub('a', function() while true do end end)", "needs too long");
  gives ("1 + 1", "2");
}
END_TEST

START_TEST (loops_inside_c_end)
{
  fails_with ("string.rep('x', 1e9)", "too much memory");
  fails_with ("('x'):rep(1e8):rep(1e8)", "too much memory");
  fails_with ("('x'):rep(math.maxinteger)", "too much memory");
  fails_with ("('x'):rep(math.maxinteger, 'yyy')", "too much memory");
  gives ("(''):rep(math.maxinteger)", "\"\"");
  gives ("('ab'):rep(3, ',')", "\"ab,ab,ab\"");
  gives ("('ab'):rep(-1)", "\"\"");
  fails_with ("string.format('%99999999d', 1)", "invalid");
  fails_with ("table.concat({}, 'x', 1, math.maxinteger)", "invalid value");
  fails_with ("table.move({1}, 1, math.maxinteger - 1, 2)", "too much to move");
  fails_with ("table.move({1}, math.mininteger, 2, 5)", "too much to move");
  fails_with ("{table.unpack({}, 1, 1e8)}", "too many results");
  /* a table whose length is 2^62 */
  char holes[2000] = "(function() local t = {[1] = 1", *end = holes + strlen (holes);
  for (int i = 1; i < 63; i++)
    end += sprintf (end, ", [%llu] = 1", 1ULL << i);
  strcpy (end, "} table.insert(t, 1, 1) end)()");
  fails_with (holes, "the table is too long");
  strcpy (end, "} table.remove(t, 1) end)()");
  fails_with (holes, "the table is too long");
  strcpy (end, "} table.sort(t) end)()");
  fails_with (holes, "the table is too long");
  fails_with ("(function() local s = ('x'):rep(1e6) while true do s:upper() end end)()", "needs too long");
  fails_with ("(function() local t = {} for i = 1, 1e4 do t[i] = 1e4 - i end while true do table.sort(t) end end)()",
              "needs too long");
  fails_with ("(function() while true do matches(('a'):rep(5000), '(a*)*b') end end)()", "too long");
  fails_with ("(function() while true do unique() end end)()", "needs too long");
}
END_TEST

START_TEST (shared_parts_do_not_multiply)
{
  const char *const made = "(function() local big, t = {}, {} for i = 1, 3000 do big[i] = i end"
                           " big = from_json(to_json(big)) for i = 1, 50000 do t[i] = big end return ";
  char text[500];
  snprintf (text, sizeof text, "%s to_json(t) end)()", made);
  fails_with (text, "too much memory");
  snprintf (text, sizeof text, "%s big == t end)()", made);
  gives (text, "false");
  snprintf (text, sizeof text, "%s list(t) == list(table.move(t, 1, #t, 1, {})) end)()", made);
  fails_with (text, "too long");
  snprintf (text, sizeof text, "%s t end)()", made);
  fails_with (text, "a million values");
  fails_with ("from_json('[' .. ('1,'):rep(2e6) .. '1]')", "a million values");
}
END_TEST

/* What a function changes while it is called for each item. */
START_TEST (a_list_may_change_under_way)
{
  gives ("(function() local t, n = {}, 0 for i = 1, 100 do t[i] = 'text number ' .. i end"
         " local good = all(t, function(v, i) n = n + #v t[i + 1] = nil"
         "   for j = 1, 100 do local garbage = ('x'):rep(1000) .. j end return true end)"
         " return {good, n} end)()",
         "[true, 695]");
  gives ("(function() local kept all({{'a' .. one}}, function(v) kept = v return true end)"
         " for j = 1, 1000 do local garbage = ('x'):rep(1000) .. j end return kept[1] end)()",
         "\"a1\"");
}
END_TEST

START_TEST (memory_ends)
{
  fails_with ("(function() local t = {} while true do t[#t + 1] = {} end end)()", "too");
  fails_with ("(function() local s = 'x' while true do s = s .. s end end)()", "too much memory");
  fails_with ("(function() local t = {} for i = 1, 1e6 do t[i] = ('x'):rep(10000) .. i end end)()",
              "too much memory");
  fails_with ("(function() local s, t = ('x'):rep(1e6), {} for i = 1, 100 do t[i] = s end return t end)()", "64 MiB");
  fails_with ("(function() local s = '[' .. ('1,'):rep(50000) .. '1]' local n = 0"
              " while true do n = n + len(from_json(s)) end end)()",
              "too");
  /* and the engine is as good as new */
  for (int i = 0; i < 3; i++)
    gives ("len(('x'):rep(1000000))", "1000000");
}
END_TEST

START_TEST (deep_nesting_is_refused)
{
  char text[3000];
  const struct { const char *open, *middle, *close; } kinds[]
    = { { "(", "1", ")" }, { "{", "1", "}" }, { "not ", "true", "" }, { "- ", "1", "" }, { "1 .. ", "'x'", "" } };
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    text[0] = '\0';
    for (int i = 0; i < 400; i++)
      strcat (text, kinds[k].open);
    strcat (text, kinds[k].middle);
    for (int i = 0; i < 400; i++)
      strcat (text, kinds[k].close);
    fails_with (text, "nested too deeply");
  }
  fails_with ("(function() local function f(t) return all(t, f) end local t = {} for i = 1, 200 do t = {t} end"
              " return f(t) end)()", "functions are nested too deeply");
}
END_TEST

/* ---- the sandbox ---- */

START_TEST (there_is_no_way_out)
{
  const char *const absent[] = { "load", "loadstring", "dofile", "loadfile", "require", "io", "os", "debug", "_G",
                                 "collectgarbage", "rawset", "rawget", "setmetatable", "getmetatable", "coroutine",
                                 "pcall", "xpcall", "package", "print", "next", "error", "warn", "arg" };
  for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
    fails_with (absent[i], "undefined name");
  fails_with ("string.dump(len)", "there is no string.dump");
  fails_with ("string.pack('i', 1)", "there is no string.pack");
  fails_with ("('').dump", "there is no string.dump");
  fails_with ("math.randomseed(1)", "there is no math.randomseed");
  fails_with ("(function() string.upper = len end)()", "\"string\" cannot be changed");
  fails_with ("(function() ('').x = 1 end)()", "attempt to index a string value");
  fails_with ("(function() math.pi = 3 end)()", "\"math\" cannot be changed");
  fails_with ("(function() _ENV.now = 3 end)()", "cannot be set");
  fails_with ("table.insert(string, 1)", "");
  fails_with ("map(string)", "library");
  gives ("pairs(_ENV)() == nil", "true");
  fails_with ("\x1bLua", "");
}
END_TEST

START_TEST (nothing_survives_an_evaluation)
{
  gives ("(function() _ENV = {one = 5, kept = hub} return one end)()", "5");
  gives ("(function() _ENV = {one = 5, kept = hub} return one end)()", "5");
  fails_with ("kept", "undefined name");
  fails_with ("(function() x = 1 end)()", "cannot be set");
  fails_with ("x", "undefined name");
}
END_TEST

START_TEST (order_and_random_numbers_are_the_same_each_time)
{
  gives ("(function() local s = '' for k in pairs({b = 1, a = 1, 5, [2.5] = 1, [-1] = 1, ab = 1}) do s = s .. k .. ' ' end"
         " return s end)()", "\"-1 1 2.5 a ab b \"");
  gives ("(function() local s = '' for k, v in pairs(result.json.reports[1]) do s = s .. k .. v end return s end)()",
         "\"id7\"");
  gives ("(function() local s = '' for k in pairs(hub) do s = s .. k .. ' ' end return s end)()", "\"device web \"");
  gives ("(function() local s = 0 for i, n in ipairs(numbers) do s = s * 10 + n end return s end)()", "312");
  gives ("(function() local t, n = {1, 2, 3}, 0 for k in pairs(t) do t[k + 1] = nil n = n + 1 end return n end)()", "2");
  fails_with ("ipairs(hub)", "use pairs()");
  fails_with ("pairs({[{}] = 1})", "have an order");
  char *first = strdup (eval ("math.random(1000000)"));
  struct expr_engine *other = expr_new (42), *saved = engine;
  engine = other;
  ck_assert_str_eq (eval ("math.random(1000000)"), first);
  engine = saved;
  expr_free (other);
  free (first);
}
END_TEST

/* ---- check and if ---- */

START_TEST (a_test_must_be_true_or_false)
{
  ck_assert_str_eq (test (expression ("one == 1")), "yes");
  ck_assert_str_eq (test (expression ("one == 2")), "no");
  ck_assert_str_eq (test (value_bool (true)), "yes");
  ck_assert_str_eq (test (expression ("1 + 2")), "error: gives 3 (integer), not true or false: write a comparison");
  ck_assert_str_eq (test (expression ("''")), "error: gives \"\" (string), not true or false: write a comparison");
  ck_assert_str_eq (test (expression ("nothing")), "error: gives null, not true or false: write a comparison");
  ck_assert_str_eq (test (expression ("len")), "error: gives function, not true or false: write a comparison");
  ck_assert_str_eq (test (expression ("numbers")),
                    "error: gives [3, 1, 2] (list), not true or false: write a comparison");
  ck_assert_str_eq (test (value_int (3)), "error: gives 3 (integer), not true or false: write a comparison");
  ck_assert_ptr_nonnull (strstr (test (value_null), "len(list)"));
}
END_TEST

START_TEST (traps_are_told_with_the_fix)
{
  fails_with ("one != 2", "`!=` is written `~=`");
  fails_with ("!flag", "`!` is written `not`");
  fails_with ("flag && flag", "`&&` is written `and`");
  fails_with ("flag || flag", "`||` is written `or`");
  fails_with ("one = 1", "write `==`");
  fails_with ("one += 1", "the step `set`");
  fails_with ("numbers == [3, 1, 2]", "a list is written {1, 2, 3}");
  fails_with ("{\"a\": 1}", "{name = value}");
  fails_with ("flag ? 1 : 2", "`a and b or c`");
  fails_with ("${one} == 1", "names stand here without `${}`");
  fails_with ("", "the expression is empty");
  fails_with ("  -- note", "the expression is empty");
  fails_with ("1, 2", "one value");
  fails_with ("1 2", "should end before '2'");
  fails_with ("1) + (2", "should end before ')'");
  fails_with ("1)", "should end before ')'");
  gives ("(1) + (2)", "3");
  gives ("(1) --)", "1");
  fails_with ("1 +", "at the end of the expression");
  fails_with ("(one", "at the end of the expression");
  gives ("'a != b && c'", "\"a != b && c\"");
  gives ("one -- the first", "1");
}
END_TEST

/* ---- helpers ---- */

START_TEST (helpers_ask_and_count)
{
  gives ("has(result, 'json.reports[1].id')", "true");
  gives ("has(result, 'json.reports[2].id')", "false");
  gives ("has(result, 'json.x')", "true");
  gives ("has(result, 'json.x.y')", "false");
  gives ("has(result, '$.json.reports[-1].id')", "true");
  gives ("has(result, '$.nope')", "false");
  gives ("has({a = {1}}, 'a[0]')", "true");
  fails_with ("has(result, '')", "no path");
  fails_with ("has(1, '$$$')", "\"$$$\" is no path");
  fails_with ("has(result, '$json')", "no path");
  fails_with ("has(result, 'a..b')", "no path");
  fails_with ("has(result, 'a[x]')", "no path");
  fails_with ("has(result, '$.[')", "$.[");
  gives ("get('$.json.reports[0].id')", "7");
  gives ("get('$.json.reports[*].id')", "[7, 8]");
  gives ("get('$.json.reports[*].nope')", "[]");
  fails_with ("get('$.json.nope')", "the result has no $.json.nope");
  fails_with ("get('json')", "begins with `$`");
  gives ("defined('one')", "true");
  gives ("defined('nope')", "false");
  gives ("has('one')", "true");
  gives ("has('nope') and nope + 1 or 7", "7");
  gives ("len(name)", "3");
  gives ("#name", "5");
  gives ("len(numbers)", "3");
  gives ("len(hub)", "2");
  gives ("len({1, 2})", "2");
  fails_with ("len(1)", "not integer");
  gives ("all(numbers, function(n) return n > 0 end)", "true");
  gives ("all(numbers, function(n) return n > 1 end)", "false");
  gives ("any(numbers, function(n, i) return i == 3 end)", "true");
  gives ("any(empty, function(n) return true end)", "false");
  gives ("any({a = 1}, function(v, k) return k == 'a' end)", "true");
  fails_with ("all(numbers, function(n) return n end)", "gives integer, not true or false");
  gives ("matches(result.body, '^O.$')", "true");
  gives ("matches('ab', '^b')", "false");
  fails_with ("matches('a', '(')", "matches: ");
}
END_TEST

START_TEST (helpers_know_times)
{
  gives ("1600000000 <= now()", "true");
  gives ("math.type(now())", "\"float\"");
  gives ("time_format(0)", "\"1970-01-01T00:00:00Z\"");
  gives ("time_format(1.5)", "\"1970-01-01T00:00:01.500000Z\"");
  gives ("time_format(-1)", "\"1969-12-31T23:59:59Z\"");
  gives ("time_format(86400, '%Y/%m/%d')", "\"1970/01/02\"");
  fails_with ("time_format(1e300)", "no time");
  fails_with ("time_format(0/0)", "no time");
  fails_with ("time_format(1, '%s')", "no `%s`");
  gives ("time_parse('2024-02-29T12:00:00Z')", "1709208000");
  gives ("time_parse('2024-02-29T13:00:00+01:00')", "1709208000");
  gives ("time_parse('2024-02-29 12:00:00.25Z')", "1709208000.25");
  gives ("time_parse('2024-02-29')", "1709164800");
  fails_with ("time_parse('2023-02-29')", "no time of the format");
  fails_with ("time_parse('2024-02-29T12:00:00Zx')", "no time of the format");
  gives ("time_parse('Thu, 29 Feb 2024 12:00:00 GMT', '%a, %d %b %Y %H:%M:%S GMT')", "1709208000");
  gives ("time_parse('29.02.2024 13:00 +0100', '%d.%m.%Y %H:%M %z')", "1709208000");
  gives ("seconds('1m30s')", "90");
  gives ("seconds('250ms')", "0.25");
  fails_with ("seconds('5')", "no duration");
}
END_TEST

START_TEST (helpers_encode)
{
  gives ("base64('hello')", "\"aGVsbG8=\"");
  gives ("base64_decode('aGVsbG8=')", "\"hello\"");
  fails_with ("base64_decode('!')", "no base64");
  gives ("hex('\\x00\\xff')", "\"00ff\"");
  gives ("hex_decode('4f 4B')", "\"OK\"");
  fails_with ("hex_decode('4')", "not hexadecimal");
  gives ("sha256('abc')", "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
  gives ("to_json({b = {1, 2.5, null}, a = 'x'})", "\"{\\\"a\\\":\\\"x\\\",\\\"b\\\":[1,2.5,null]}\"");
  gives ("from_json('{\"a\": [1, {\"b\": null}]}').a[2].b", "null");
  fails_with ("from_json('{')", "from_json: line 1");
  gives ("tostring(2.0) .. tostring(0.1) .. tostring(null) .. tostring(true)", "\"20.1nulltrue\"");
  gives ("tostring(numbers)", "\"[3,1,2]\"");
  gives ("tonumber('0x10')", "16");
  gives ("type(null) .. type(1) .. type(numbers)", "\"nullnumbertable\"");
}
END_TEST

START_TEST (strings_take_regular_expressions)
{
  gives ("('key=value'):match('(\\\\w+)=(\\\\w+)')", "\"key\"");
  gives ("select(2, ('key=value'):match('(\\\\w+)=(\\\\w+)'))", "\"value\"");
  gives ("('abc'):match('x') == nil", "true");
  gives ("{('aXbX'):find('X')}", "[2, 2]");
  gives ("{('aXbX'):find('X', 3)}", "[4, 4]");
  gives ("('äöü'):find('.', 2)", "3");
  gives ("('a.b.c'):gsub('\\\\.', '%%')", "\"a%b%c\"");
  gives ("('John Smith'):gsub('(\\\\w+) (\\\\w+)', '%2 %1')", "\"Smith John\"");
  gives ("('abc'):gsub('b*', 'x')", "\"xaxcx\"");
  gives ("('aaa'):gsub('^a', 'b')", "\"baa\"");
  gives ("('äöü'):gsub('', '-')", "\"-ä-ö-ü-\"");
  gives ("('1 2 3'):gsub('\\\\d', function(d) return tonumber(d) * 2 end)", "\"2 4 6\"");
  gives ("(function() local s = '' for w in ('one two'):gmatch('\\\\w+') do s = s .. '<' .. w .. '>' end return s end)()",
         "\"<one><two>\"");
  fails_with ("('a'):gsub('a', '%9')", "there is no group %9");
  fails_with ("('a'):match('(')", "regular expression");
  fails_with ("('ab'):gsub('(?=ab\\\\K)', 'x')", "\\K");
}
END_TEST

START_TEST (helpers_give_what_nobody_has)
{
  char *first = strdup (eval ("unique()"));
  const char *second = eval ("unique()");
  ck_assert_str_ne (first, second);
  long long number = strtoll (first, NULL, 10);
  ck_assert (number > 0 && number < 1LL << 53);
  free (first);
  gives ("matches(uuid(), '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$')", "true");
  gives ("uuid() == uuid()", "false");

  /* a forked worker does not count on where its parent was */
  long long mine[2] = { 0, 0 };
  int ends[2];
  ck_assert_int_eq (pipe (ends), 0);
  pid_t child = fork ();
  ck_assert_int_ge (child, 0);
  if (child == 0) {
    long long its = strtoll (eval ("unique()"), NULL, 10);
    _exit (write (ends[1], &its, sizeof its) == sizeof its ? 0 : 1);
  }
  ck_assert_int_eq (read (ends[0], &mine[0], sizeof mine[0]), sizeof mine[0]);
  mine[1] = strtoll (eval ("unique()"), NULL, 10);
  ck_assert_int_ne (mine[0], mine[1]);
  int status;
  ck_assert_int_eq (waitpid (child, &status, 0), child);
  ck_assert_int_eq (status, 0);
  close (ends[0]);
  close (ends[1]);
}
END_TEST

START_TEST (helpers_read_files_and_the_environment)
{
  char folder[] = "/tmp/runner-expr-XXXXXX", path[100];
  ck_assert_ptr_nonnull (mkdtemp (folder));
  snprintf (path, sizeof path, "%s/a.txt", folder);
  FILE *file = fopen (path, "w");
  ck_assert_ptr_nonnull (file);
  fputs ("content\n", file);
  ck_assert_int_eq (fclose (file), 0);
  scope.folder = folder;
  gives ("read('a.txt')", "\"content\\n\"");
  gives ("dir ~= ''", "true");
  gives ("read(dir .. '/a.txt')", "\"content\\n\"");
  fails_with ("read('b.txt')", "No such file");
  fails_with ("read('.')", "directory");
  fails_with ("read('/dev/zero')", "no regular file");
  fails_with ("read('a\\0b')", "no file's name");
  ck_assert_int_eq (truncate (path, (16 << 20) + 1), 0);
  fails_with ("read('a.txt')", "larger than 16 MiB");
  scope.folder = NULL;
  unlink (path);
  rmdir (folder);
  setenv ("RUNNER_TEST_EXPR", "x", 1);
  unsetenv ("RUNNER_TEST_ABSENT");
  gives ("env('RUNNER_TEST_EXPR')", "\"x\"");
  gives ("env('RUNNER_TEST_ABSENT', 'y')", "\"y\"");
  fails_with ("env('RUNNER_TEST_ABSENT')", "the environment has no RUNNER_TEST_ABSENT");
}
END_TEST

START_TEST (sha256_has_the_standards_digests)
{
  /* FIPS 180-4's examples, and lengths around the end of a block */
  static const struct { const char *text; size_t n; const char *digest; } vectors[] = {
    { "", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { NULL, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    { NULL, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
    { NULL, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
  };
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    char *text = xmalloc (vectors[i].n);
    if (vectors[i].text)
      memcpy (text, vectors[i].text, vectors[i].n);
    else
      memset (text, 'a', vectors[i].n);
    uint8_t digest[SHA256_SIZE];
    char hex[65];
    sha256 (text, vectors[i].n, digest);
    for (int j = 0; j < SHA256_SIZE; j++)
      snprintf (hex + 2 * j, 3, "%02x", digest[j]);
    ck_assert_str_eq (hex, vectors[i].digest);
    free (text);
  }
}
END_TEST

/* ---- templates ---- */

START_TEST (texts_are_filled_in)
{
  ck_assert_str_eq (expand ("http://${hub.web}/x/${one}"), "\"http://127.0.0.1:8080/x/1\"");
  ck_assert_str_eq (expand ("${two} ${half} ${flag} ${nothing}"), "\"2 0.5 true null\"");
  ck_assert_str_eq (expand ("${1e15}, ${0.1 + 0.2}"), "\"1000000000000000, 0.30000000000000004\"");
  ck_assert_str_eq (expand ("plain"), "\"plain\"");
  ck_assert_str_eq (expand ("$${one} $ ${one} {x} $x"), "\"${one} $ 1 {x} $x\"");
  ck_assert_str_eq (expand ("$$${one}"), "\"$${one}\"");
  ck_assert_str_eq (expand ("$${"), "\"${\"");
  ck_assert_str_eq (expand ("${#numbers} ${({a = {1}}).a[1]} ${'}'} ${\"\\\"}\"} ${[[}]]} ${[==[]]}]==]}x"),
                    "\"3 1 } \\\"} } ]]}x\"");
  ck_assert_str_eq (expand ("a ${one --[[ } ]]} b"), "\"a 1 b\"");
  ck_assert_str_eq (expand ("${name}${name}"), "\"ÜnïÜnï\"");
}
END_TEST

START_TEST (a_lone_expression_keeps_its_type)
{
  ck_assert_str_eq (expand ("${one}"), "1");
  ck_assert_str_eq (expand ("${two}"), "2.0");
  ck_assert_str_eq (expand ("${numbers}"), "[3, 1, 2]");
  ck_assert_str_eq (expand ("${{a = one}}"), "{\"a\": 1}");
  ck_assert_str_eq (expand ("${nothing}"), "null");
  ck_assert_str_eq (expand (" ${one}"), "\" 1\"");
  ck_assert_str_eq (expand ("${one}\n"), "\"1\\n\"");
  struct value block = dynamic ("${one}\n");
  block.flags |= VALUE_BLOCK;
  ck_assert_str_eq (expand_value (&block), "1");
  block = dynamic ("${one}\n\n");
  block.flags |= VALUE_BLOCK;
  ck_assert_str_eq (expand_value (&block), "\"1\\n\\n\"");
}
END_TEST

START_TEST (bad_texts_are_told)
{
  ck_assert_ptr_nonnull (strstr (expand ("a ${one"), "error: this `${` has no `}`"));
  ck_assert_ptr_nonnull (strstr (expand ("a ${{}"), "error: this `${` has no `}`"));
  ck_assert_ptr_nonnull (strstr (expand ("a ${'x}"), "error: a string or comment"));
  ck_assert_ptr_nonnull (strstr (expand ("a ${}"), "error: the expression is empty"));
  ck_assert_ptr_nonnull (strstr (expand ("${ }"), "error: the expression is empty"));
  ck_assert_ptr_nonnull (strstr (expand ("x ${numbers}"), "to_json"));
  ck_assert_ptr_nonnull (strstr (expand ("x ${hub}"), "to_json"));
  ck_assert_ptr_nonnull (strstr (expand ("x ${len}"), "a function is no value"));
  ck_assert_ptr_nonnull (strstr (expand ("${len}"), "a function is no value"));
}
END_TEST

START_TEST (trees_are_expanded)
{
  struct value items[] = { dynamic ("${one}"), value_int (5), dynamic ("x${one}") };
  struct value list = { .type = VALUE_LIST, .flags = VALUE_DYNAMIC, .count = 3, .items = items };
  struct member members[] = { { dynamic ("k${one}"), list }, { value_string ("plain"), value_string ("p") },
                              { dynamic ("${one}"), value_null } };
  struct value map = { .type = VALUE_MAP, .flags = VALUE_DYNAMIC, .count = 3, .members = members };
  ck_assert_str_eq (expand_value (&map), "{\"k1\": [1, 5, \"x1\"], \"plain\": \"p\", \"1\": null}");
  members[0].key = dynamic ("pl${'ain'}");
  ck_assert_str_eq (expand_value (&map), "error: there are two keys \"plain\" when `${…}` is replaced");
  members[0].key = dynamic ("${numbers}");
  ck_assert_str_eq (expand_value (&map), "error: ${numbers} gives a list, which cannot be a key");
  struct value text = value_string ("as it is"), out;
  ck_assert (expr_expand (engine, &text, &scope, &arena, &out, &error));
  ck_assert_ptr_eq (out.string, text.string);
}
END_TEST

START_TEST (a_variables_text_is_not_expanded_again)
{
  struct member members[] = { { value_string ("evil"), value_string ("${one}") } };
  members[0].value.flags |= VALUE_DYNAMIC;
  struct value saved = variables, in = dynamic ("${evil}");
  variables = (struct value) { .type = VALUE_MAP, .count = 1, .members = members };
  ck_assert_str_eq (expand_value (&in), "\"${one}\"");
  const struct value list = { .type = VALUE_LIST, .flags = VALUE_DYNAMIC, .count = 1, .items = &members[0].value };
  struct member inside[] = { { value_string ("evil"), list } };
  struct value out;
  variables.members = inside;
  ck_assert (expr_expand (engine, &in, &scope, &arena, &out, &error));
  ck_assert_uint_eq (out.flags, 0);
  ck_assert_uint_eq (out.items[0].flags, 0);
  ck_assert_str_eq (out.items[0].string, "${one}");
  variables = saved;
}
END_TEST

/* ---- places ---- */

static const char source[] = "check: nmae == 1\n"
                             "a: \"x ${one} ${nmae}\"\n"
                             "b: |\n"
                             "  first ${one}\n"
                             "  ü ${nmae} and\n"
                             "c: 'it''s ${nmae}'\n"
                             "d: ü${one}${nmae}\n"
                             "e: >-\n"
                             "  folded ${one\n"
                             "  + nmae}\n"
                             "f: one 5\n";

static void
error_at (const char *text, unsigned flags, uint32_t line, uint32_t column, bool whole, uint32_t error_line,
          uint32_t error_column)
{
  struct value in = whole ? expression (text) : dynamic (text), out;
  in.flags |= (uint8_t) flags;
  in.file = 1;
  in.line = line;
  in.column = column;
  bool on;
  ck_assert (whole ? !expr_test (engine, &in, &scope, &on, &error)
                   : !expr_expand (engine, &in, &scope, &arena, &out, &error));
  ck_assert_msg (error.where.file == 1 && error.where.line == error_line && error.where.column == error_column,
                 "%s: %u:%u: %s", text, error.where.line, error.where.column, error.message);
}

START_TEST (errors_know_their_place)
{
  source_forget_all ();
  ck_assert_int_eq (source_add ("s.yaml", source, strlen (source)), 1);
  error_at ("nmae == 1", 0, 1, 8, true, 1, 8);
  error_at ("x ${one} ${nmae}", VALUE_QUOTED, 2, 4, false, 2, 16);
  error_at ("first ${one}\nü ${nmae} and\n", VALUE_BLOCK, 3, 4, false, 5, 7);
  error_at ("it's ${nmae}", VALUE_QUOTED, 6, 4, false, 6, 13);
  error_at ("ü${one}${nmae}", 0, 7, 4, false, 7, 13);
  error_at ("folded ${one + nmae}", VALUE_BLOCK, 8, 4, false, 10, 5);
  error_at ("one 5", 0, 11, 4, true, 11, 8);
  source_forget_all ();
}
END_TEST

/* ---- checks before anything runs ---- */

static const struct value *
may_be_defined (void *data, const char *name, size_t size)
{
  (void) data;
  return (size == 3 && memcmp (name, "one", 3) == 0) || (size == 3 && memcmp (name, "hub", 3) == 0) ? &value_null
                                                                                                     : NULL;
}

static void
name_candidates (void *data, void (*each) (void *each_data, const char *name), void *each_data)
{
  (void) data;
  each (each_data, "one");
  each (each_data, "hub");
}

/* All faults' messages, one a line. */
static const char *
check_faults (struct value expression_value, bool all)
{
  struct expr_scope checked = { may_be_defined, name_candidates, NULL, NULL };
  struct faults faults = { 0 };
  if (all)
    expr_check_all (engine, &expression_value, &checked, &faults);
  else
    expr_check (engine, &expression_value, &checked, &faults);
  struct buffer out = { 0 };
  for (size_t i = 0; i < faults.count; i++)
    buffer_printf (&out, "%s\n", faults.items[i].message);
  char *copy = arena_strdup (&arena, buffer_text (&out));
  buffer_free (&out);
  faults_free (&faults);
  return copy;
}

#define no_fault(text) ck_assert_str_eq (check_faults (value_string (text), false), "")
#define fault_with(text, part)                                         \
  do {                                                                 \
    const char *got_ = check_faults (value_string (text), false);      \
    ck_assert_msg (strstr (got_, part), "%s: %s", text, got_);         \
  } while (0)

START_TEST (names_are_checked_before)
{
  no_fault ("one == hub.web");
  no_fault ("defined('nope') and nope + 1 or 0");
  no_fault ("has(\"nope\") and nope + 1 or 0");
  fault_with ("has(hub, 'nope') and nope", "undefined name \"nope\"");
  fault_with ("defined('other') and nope", "undefined name \"nope\"");
  no_fault ("hub.nmae:len() == 1");
  no_fault ("{nmae = one, ['x'] = 2}");
  no_fault ("all(hub, function(x, y) local z <const> = x return z == y end)");
  no_fault ("(function(...) local function f(a) return a end for i, v in ipairs({...}) do f(v) end return one end)()");
  no_fault ("(function() for i = 1, 3 do goto done end ::done:: return one end)()");
  no_fault ("has(one, 'x') and dir == env('X') and null == null");
  fault_with ("oen == 1", "undefined name \"oen\"; did you mean \"one\"?");
  fault_with ("hub[oen]", "undefined name \"oen\"");
  fault_with ("{one = oen}", "undefined name \"oen\"");
  fault_with ("one .. oen", "undefined name \"oen\"");
  fault_with ("os.time()", "no such part of Lua");
  ck_assert_str_eq (check_faults (value_string ("aaaaa + bbbbb"), false),
                    "undefined name \"aaaaa\"\nundefined name \"bbbbb\"\n");
  struct value tree_items[] = { dynamic ("x ${oen} ${one} ${"), value_string ("oen") };
  struct value tree = { .type = VALUE_LIST, .flags = VALUE_DYNAMIC, .count = 2, .items = tree_items };
  const char *found = check_faults (tree, true);
  ck_assert_ptr_nonnull (strstr (found, "undefined name \"oen\""));
  ck_assert_ptr_nonnull (strstr (found, "has no `}`"));
}
END_TEST

START_TEST (traps_are_checked_before)
{
  fault_with ("one != 1", "`!=` is written `~=`");
  fault_with ("one ==", "at the end of the expression");
  fault_with ("hub.list[0] == 1", "lists begin at 1");
  no_fault ("(function() local t = {} return t[0] == nil end)()");
  fault_with ("hub.x == nil", "no variable is ever nil");
  no_fault ("('x'):match('y') == nil");
  fault_with ("one == '${hub}'", "not replaced inside an expression");
  fault_with ("", "the expression is empty");
  ck_assert_ptr_nonnull (strstr (check_faults (value_null, false), "len(list)"));
  ck_assert_ptr_nonnull (strstr (check_faults (value_int (3), false), "write a comparison"));
  ck_assert_str_eq (check_faults (value_bool (true), false), "");
}
END_TEST

START_TEST (the_helpers_are_listed)
{
  const char *const wanted[] = { "null", "has", "defined", "len", "list", "map", "all", "any", "now", "time_format",
                                 "time_parse", "seconds", "unique", "uuid", "env", "read", "dir", "base64", "hex",
                                 "sha256", "from_json", "to_json", "matches", "get" };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    bool found = false;
    for (const char *const *p = expr_helpers (); *p; p++)
      found |= strcmp (*p, wanted[i]) == 0;
    ck_assert_msg (found, "%s", wanted[i]);
  }
  /* and each can be used */
  for (const char *const *p = expr_helpers (); *p; p++)
    if (strcmp (*p, "dir") != 0)
      ck_assert_msg (strstr (eval (*p), "undefined") == NULL, "%s", *p);
}
END_TEST

/* ---- many engines, many texts ---- */

START_TEST (texts_made_anew_do_not_fill_the_memory)
{
  char text[100];
  for (int i = 0; i < 20000; i++) {
    snprintf (text, sizeof text, "%d + one", i);
    struct value out;
    ck_assert (evaluate (text, &scope, &out));
    ck_assert_int_eq (out.integer, i + 1);
  }
}
END_TEST

/* A lookup that evaluates with the same engine. */
static const struct value *
nested_lookup (void *data, const char *name, size_t size)
{
  static struct value value;
  if (size != 5 || memcmp (name, "inner", 5) != 0)
    return lookup (data, name, size);
  ck_assert (evaluate ("one + 41", &scope, &value));
  return &value;
}

START_TEST (a_lookup_may_evaluate)
{
  struct expr_scope nested = { nested_lookup, names, &variables, NULL };
  struct value out;
  ck_assert (evaluate ("inner + one + inner", &nested, &out));
  ck_assert_int_eq (out.integer, 85);
}
END_TEST

static int lookups;

static const struct value *
endless_lookup (void *data, const char *name, size_t size)
{
  struct expr_scope endless = { endless_lookup, NULL, data, NULL };
  struct value out;
  (void) name;
  (void) size;
  lookups++;
  return evaluate ("x", &endless, &out) ? &value_null : NULL;
}

START_TEST (lookups_without_end_are_refused)
{
  struct expr_scope endless = { endless_lookup, NULL, NULL, NULL };
  struct value out;
  lookups = 0;
  ck_assert (!evaluate ("x", &endless, &out));
  ck_assert_int_lt (lookups, 20); /* a small stack must hold them */
  gives ("one", "1");
}
END_TEST

START_TEST (long_expressions_are_refused)
{
  size_t size = 100000;
  char *text = arena_alloc (&arena, size + 1);
  memset (text, ' ', size);
  text[size - 1] = '1';
  fails_with (text, "more than 64 KiB");
  text[65536] = '\0';
  text[65535] = '1';
  gives (text, "1");
}
END_TEST

static void *
simulated_user (void *data)
{
  static const char *const texts[]
    = { "all(numbers, function(n) return any(numbers, function(m) return m == n end) end)",
        "len(to_json(result)) > 10 and #string.format('%5.2f', half) == 5 and matches(name, '^.n')",
        "('abc'):gsub('b', function(b) return b:upper() end) == 'aBc' and sha256('') ~= ''",
        "time_format(time_parse('2024-01-01')) == '2024-01-01T00:00:00Z'" };
  struct expr_engine *own = expr_new (1);
  struct expr_error why;
  char *deep = data;
  bool on = false, good = true;
  for (size_t i = 0; i < 4 * sizeof texts / sizeof *texts; i++) {
    struct value where = value_string (texts[i % 4]);
    good = good && expr_test (own, &where, &scope, &on, &why) && on;
  }
  struct value where = value_string (deep);
  good = good && !expr_test (own, &where, &scope, &on, &why);
  expr_free (own);
  return good ? data : NULL;
}

/* Simulated users have 128 KiB; the address sanitizer needs more. */
#define SMALL_STACK (128 << 10)
#if defined __SANITIZE_ADDRESS__
#undef SMALL_STACK
#define SMALL_STACK (512 << 10)
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#undef SMALL_STACK
#define SMALL_STACK (512 << 10)
#endif
#endif

START_TEST (small_stacks_suffice)
{
  char deep[1000] = "";
  for (int i = 0; i < 190; i++)
    strcat (deep, "({");
  pthread_attr_t attributes;
  pthread_t threads[4];
  ck_assert_int_eq (pthread_attr_init (&attributes), 0);
  ck_assert_int_eq (pthread_attr_setstacksize (&attributes, SMALL_STACK), 0);
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq (pthread_create (&threads[i], &attributes, simulated_user, deep), 0);
  for (int i = 0; i < 4; i++) {
    void *good;
    ck_assert_int_eq (pthread_join (threads[i], &good), 0);
    ck_assert_ptr_nonnull (good);
  }
  pthread_attr_destroy (&attributes);
}
END_TEST

Suite *
expr_suite (void)
{
  Suite *suite = suite_create ("expr");
  TCase *tc = tcase_create ("expr");
  tcase_set_timeout (tc, 120);
  tcase_add_checked_fixture (tc, set_up, tear_down);
  tcase_add_test (tc, scalars_keep_their_types);
  tcase_add_test (tc, lists_and_maps_are_read_in_place);
  tcase_add_test (tc, what_is_absent_is_an_error);
  tcase_add_test (tc, undefined_names_are_told_with_the_nearest);
  tcase_add_test (tc, variables_cannot_be_changed);
  tcase_add_test (tc, tables_become_lists_and_maps);
  tcase_add_test (tc, large_variables_are_not_converted);
  tcase_add_test (tc, loops_end);
  tcase_add_test (tc, loops_inside_c_end);
  tcase_add_test (tc, shared_parts_do_not_multiply);
  tcase_add_test (tc, a_list_may_change_under_way);
  tcase_add_test (tc, memory_ends);
  tcase_add_test (tc, deep_nesting_is_refused);
  tcase_add_test (tc, there_is_no_way_out);
  tcase_add_test (tc, nothing_survives_an_evaluation);
  tcase_add_test (tc, order_and_random_numbers_are_the_same_each_time);
  tcase_add_test (tc, a_test_must_be_true_or_false);
  tcase_add_test (tc, traps_are_told_with_the_fix);
  tcase_add_test (tc, helpers_ask_and_count);
  tcase_add_test (tc, helpers_know_times);
  tcase_add_test (tc, helpers_encode);
  tcase_add_test (tc, strings_take_regular_expressions);
  tcase_add_test (tc, helpers_give_what_nobody_has);
  tcase_add_test (tc, helpers_read_files_and_the_environment);
  tcase_add_test (tc, sha256_has_the_standards_digests);
  tcase_add_test (tc, texts_are_filled_in);
  tcase_add_test (tc, a_lone_expression_keeps_its_type);
  tcase_add_test (tc, bad_texts_are_told);
  tcase_add_test (tc, trees_are_expanded);
  tcase_add_test (tc, a_variables_text_is_not_expanded_again);
  tcase_add_test (tc, errors_know_their_place);
  tcase_add_test (tc, names_are_checked_before);
  tcase_add_test (tc, traps_are_checked_before);
  tcase_add_test (tc, the_helpers_are_listed);
  tcase_add_test (tc, texts_made_anew_do_not_fill_the_memory);
  tcase_add_test (tc, a_lookup_may_evaluate);
  tcase_add_test (tc, lookups_without_end_are_refused);
  tcase_add_test (tc, long_expressions_are_refused);
  tcase_add_test (tc, small_stacks_suffice);
  suite_add_tcase (suite, tc);
  return suite;
}
