/* test-path.c - path.c: RFC 9535 by tables of cases. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "path.h"
#include "text.h"

static struct arena arena;
static struct buffer out;

static void
set_up (void)
{
  arena = (struct arena) { 0 };
  out = (struct buffer) { 0 };
}

static void
tear_down (void)
{
  buffer_free (&out);
  arena_free (&arena);
}

static struct value
json (const char *text)
{
  struct value value;
  char error[200];
  ck_assert_msg (json_parse (&arena, text, strlen (text), &value, error, sizeof error), "%s: %s", text, error);
  return value;
}

/* What a path finds, as one line; or the error. */
static const char *
find (const char *path, const struct value *root)
{
  char error[200];
  out.size = 0;
  struct path *compiled = path_compile (&arena, path, strlen (path), error, sizeof error);
  if (!compiled) {
    buffer_puts (&out, error);
    return buffer_text (&out);
  }
  size_t count;
  const struct value **nodes = path_select (compiled, root, &arena, &count);
  if (count == SIZE_MAX)
    buffer_lit (&out, "given up");
  else
    for (size_t i = 0; i < count; i++) {
      if (i)
        buffer_lit (&out, " ");
      value_show (&out, nodes[i], 1000);
    }
  return buffer_text (&out);
}

struct row { const char *path, *found; };

static void
check_rows (const char *document, const struct row *rows, size_t n)
{
  struct value root = json (document);
  for (size_t i = 0; i < n; i++) {
    const char *found = find (rows[i].path, &root);
    ck_assert_msg (strcmp (found, rows[i].found) == 0, "%s in %s\n  found:    %s\n  expected: %s", rows[i].path,
                   document, found, rows[i].found);
  }
}
#define CHECK(document, ...)                                                                                     \
  do {                                                                                                           \
    static const struct row rows[] = { __VA_ARGS__ };                                                            \
    check_rows (document, rows, sizeof rows / sizeof *rows);                                                     \
  } while (0)

START_TEST (names)
{
  CHECK ("{\"a\": 1, \"b c\": 2, \"\": 3, \"é\": 4, \"'\": 5, \"\\\"\": 6, \"\\u0001\": 7, \"😀\": 8, \"_x1\": 9}",
         { "$.a", "1" }, { "$['a']", "1" }, { "$[\"a\"]", "1" }, { "$['b c']", "2" }, { "$['']", "3" },
         { "$.é", "4" }, { "$['\\u00e9']", "4" }, { "$['\\u00E9']", "4" }, { "$['\\'']", "5" }, { "$[\"'\"]", "5" },
         { "$['\"']", "6" }, { "$[\"\\\"\"]", "6" }, { "$['\\u0001']", "7" }, { "$['\\ud83d\\ude00']", "8" },
         { "$.😀", "8" }, { "$._x1", "9" }, { "$.none", "" }, { "$.a.b", "" }, { "$.a[0]", "" }, { "$ .a", "1" },
         { "$\n['a']", "1" }, { "$[ 'a' ]", "1" }, { "$['a','b c','a']", "1 2 1" });
}
END_TEST

START_TEST (escapes)
{
  CHECK ("{\"\\b\\f\\n\\r\\t/\\\\\": 1}", { "$['\\b\\f\\n\\r\\t\\/\\\\']", "1" },
         { "$['\\u0008\\u000c\\u000A\\u000d\\u0009/\\u005c']", "1" });
}
END_TEST

START_TEST (indexes_and_slices)
{
  CHECK ("[0, 1, 2, 3, 4, 5, 6]", { "$[0]", "0" }, { "$[6]", "6" }, { "$[7]", "" }, { "$[-1]", "6" },
         { "$[-7]", "0" },
         { "$[-8]", "" }, { "$[1:3]", "1 2" }, { "$[5:]", "5 6" }, { "$[:2]", "0 1" }, { "$[:]", "0 1 2 3 4 5 6" },
         { "$[::]", "0 1 2 3 4 5 6" }, { "$[1:5:2]", "1 3" }, { "$[5:1:-2]", "5 3" },
         { "$[::-1]", "6 5 4 3 2 1 0" }, { "$[-3:]", "4 5 6" }, { "$[:-5]", "0 1" }, { "$[-1:-4:-1]", "6 5 4" },
         { "$[::0]", "" }, { "$[10:0:-3]", "6 3" }, { "$[3:-100:-2]", "3 1" }, { "$[2:1]", "" }, { "$[1:2:-1]",
                                                                                                  "" },
         { "$[ 1 : 3 : 1 ]", "1 2" }, { "$[-100:100]", "0 1 2 3 4 5 6" }, { "$[0, 2:4, -1, 0]", "0 2 3 6 0" },
         { "$[9007199254740991]", "" }, { "$[-9007199254740991:9007199254740991:9007199254740991]", "0" },
         { "$[:0:-9007199254740991]", "6" }, { "$.a", "" }, { "$['0']", "" });
}
END_TEST

START_TEST (wildcards_and_descendants)
{
  CHECK ("{\"o\": {\"j\": 1, \"k\": 2}, \"a\": [5, 3, [{\"j\": 4}, {\"k\": 6}]]}",
         { "$.*", "{\"j\": 1, \"k\": 2} [5, 3, [{\"j\": 4}, {\"k\": 6}]]" }, { "$.o[*]", "1 2" },
         { "$.o[*, *]", "1 2 1 2" }, { "$.a[*]", "5 3 [{\"j\": 4}, {\"k\": 6}]" }, { "$..j", "1 4" },
         { "$..[0]", "5 {\"j\": 4}" }, { "$.a..[0, 1]", "5 3 {\"j\": 4} {\"k\": 6}" },
         { "$.o..[*, *]", "1 2 1 2" }, { "$..k", "2 6" }, { "$..*.k", "2 6" }, { "$.a..*",
                                                                                "5 3 [{\"j\": 4}, {\"k\": 6}] {\"j\": 4} {\"k\": 6} 4 6" },
         { "$..[?@.j].j", "1 4" }, { "$.*.*", "1 2 5 3 [{\"j\": 4}, {\"k\": 6}]" }, { "$.o.j.*", "" },
         { "$", "{\"o\": {\"j\": 1, \"k\": 2}, \"a\": [5, 3, [{\"j\": 4}, {\"k\": 6}]]}" });
}
END_TEST

START_TEST (filters)
{
  CHECK ("{\"a\": [3, 5, 1, 2, 4, 6, {\"b\": \"j\"}, {\"b\": \"k\"}, {\"b\": {}}, {\"b\": \"kilo\"}],"
         " \"o\": {\"p\": 1, \"q\": 2, \"r\": 3, \"s\": 5, \"t\": {\"u\": 6}}, \"e\": \"f\"}",
         { "$.a[?@.b == 'kilo']", "{\"b\": \"kilo\"}" }, { "$.a[?(@.b == 'kilo')]", "{\"b\": \"kilo\"}" },
         { "$.a[?@>3.5]", "5 4 6" },
         { "$.a[?@.b]", "{\"b\": \"j\"} {\"b\": \"k\"} {\"b\": {}} {\"b\": \"kilo\"}" },
         { "$[?@.*]", "[3, 5, 1, 2, 4, 6, {\"b\": \"j\"}, {\"b\": \"k\"}, {\"b\": {}}, {\"b\": \"kilo\"}]"
                      " {\"p\": 1, \"q\": 2, \"r\": 3, \"s\": 5, \"t\": {\"u\": 6}}" },
         { "$[?@[?@.b]]", "[3, 5, 1, 2, 4, 6, {\"b\": \"j\"}, {\"b\": \"k\"}, {\"b\": {}}, {\"b\": \"kilo\"}]" },
         { "$.o[?@<3, ?@<3]", "1 2 1 2" }, { "$.a[?@<2 || @.b == \"k\"]", "1 {\"b\": \"k\"}" },
         { "$.a[?match(@.b, \"[jk]\")]", "{\"b\": \"j\"} {\"b\": \"k\"}" },
         { "$.a[?search(@.b, \"[jk]\")]", "{\"b\": \"j\"} {\"b\": \"k\"} {\"b\": \"kilo\"}" },
         { "$.o[?@>1 && @<4]", "2 3" }, { "$.o[?@.u || @.x]", "{\"u\": 6}" },
         { "$.a[?@.b == $.x]", "3 5 1 2 4 6" }, { "$.a[?@ == @]",
                                                 "3 5 1 2 4 6 {\"b\": \"j\"} {\"b\": \"k\"} {\"b\": {}} {\"b\": \"kilo\"}" },
         { "$.a[?!@.b]", "3 5 1 2 4 6" }, { "$.a[?!(@.b == 'k') && @.b]",
                                           "{\"b\": \"j\"} {\"b\": {}} {\"b\": \"kilo\"}" },
         { "$.a[?!@.b && (@ < 2 || @ > 5)]", "1 6" }, { "$.o[?@ != 1 && @ != 2 && @ != 3]", "5 {\"u\": 6}" },
         { "$.a[?@.b != 'k']", "3 5 1 2 4 6 {\"b\": \"j\"} {\"b\": {}} {\"b\": \"kilo\"}" },
         { "$.o[?@ <= 2]", "1 2" }, { "$.o[?@ >= 3]", "3 5" }, { "$.o[?$.e == 'f' && @ == 1]", "1" },
         { "$.o[?3 == @]", "3" }, { "$.a[?@.b > 'j']", "{\"b\": \"k\"} {\"b\": \"kilo\"}" }, { "$.e[?@]", "" });
}
END_TEST

START_TEST (comparisons)
{
  /* RFC 9535, 2.3.5.3, each as a filter that holds (found) or does not */
  const char *document = "[{\"obj\": {\"x\": \"y\"}, \"arr\": [2, 3]}]";
  static const struct { const char *test; bool holds; } rows[] = {
    { "@.absent1 == @.absent2", true },
    { "@.absent1 <= @.absent2", true },
    { "@.absent == 'g'", false },
    { "@.absent1 != @.absent2", false },
    { "@.absent != 'g'", true },
    { "1 <= 2", true },
    { "1 > 2", false },
    { "13 == '13'", false },
    { "'a' <= 'b'", true },
    { "'a' > 'b'", false },
    { "@.obj == @.arr", false },
    { "@.obj != @.arr", true },
    { "@.obj == @.obj", true },
    { "@.obj != @.obj", false },
    { "@.arr == @.arr", true },
    { "@.obj == 17", false },
    { "@.obj <= @.arr", false },
    { "@.obj < @.arr", false },
    { "@.obj <= @.obj", true },
    { "@.arr <= @.arr", true },
    { "1 <= @.arr", false },
    { "1 >= @.arr", false },
    { "1 > @.arr", false },
    { "true <= true", true },
    { "true > true", false },
    { "1 == 1.0", true },
    { "-0 == 0", true },
    { "1e2 == 100", true },
    { "1.5E-1 < 0.2", true },
    { "null == null", true },
    { "null == false", false },
    { "9007199254740993 > 9007199254740992.0", true },
    { "99999999999999999999 > 9223372036854775807", true },
    { "'' < 'a'", true },
    { "\"\\u00e9\" == 'é'", true },
    { "length('é') == 1", true },
    { "length(@.obj) == 1", true },
    { "length(@.arr) == 2", true },
    { "length(@.absent) == @.absent", true },
    { "length(1) == @.absent", true },
    { "count(@.*) == 2", true },
    { "count(@..*) == 5", true },
    { "count(@.absent) == 0", true },
    { "value(@..x) == 'y'", true },
    { "value(@.arr[*]) == @.absent", true },
    { "length(value(@..x)) == 1", true },
    { "match('abc', 'a.c')", true },
    { "match('abc', 'a')", false },
    { "match('a\\nc', 'a.c')", false },
    { "match('a\\rc', 'a[.\\r]c')", true },
    { "match('a.c', 'a\\\\.c')", true },
    { "match('abc', 'b|a|abc')", true },
    { "search('abc', 'b')", true },
    { "search(@.obj.x, @.obj.x)", true },
    { "search(1, '1')", false },
    { "search('a', '[')", false },
    { "!search('a', 'b')", true },
  };
  struct value root = json (document);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char path[200];
    snprintf (path, sizeof path, "$[?%s]", rows[i].test);
    const char *found = find (path, &root);
    const char *expected = rows[i].holds ? "{\"obj\": {\"x\": \"y\"}, \"arr\": [2, 3]}" : "";
    ck_assert_msg (strcmp (found, expected) == 0, "%s: %s", path, found);
  }
}
END_TEST

START_TEST (faults)
{
  CHECK ("{}", { "", "at character 1: expected $" }, { "a", "at character 1: expected $" },
         { "$x", "at character 2: expected . or [" }, { "$ ", "at character 3: blanks at the end" },
         { "$.", "at character 3: expected a name, * or [" }, { "$..", "at character 4: expected a name, * or [" },
         { "$. a", "at character 3: expected a name, * or [" }, { "$.1",
                                                                 "at character 3: expected a name, * or [" },
         { "$.a[", "at character 5: expected a quoted name, an index, a slice, * or a filter" },
         { "$.a['b", "at character 5: the quote is not closed" }, { "$.a['b'", "at character 8: expected ]" },
         { "$.é[1", "at character 6: expected ]" }, { "$.server-uuid",
                                                     "at character 9: a name with - needs brackets: ['a-b']" },
         { "$[01]", "at character 3: a number without leading zeros is needed" },
         { "$[-0]", "at character 3: -0 is no index" }, { "$[-]", "at character 4: expected digits" },
         { "$[1.0]", "at character 4: expected ]" }, { "$[9007199254740992]",
                                                      "at character 3: the number is too large" },
         { "$[-9007199254740992]", "at character 3: the number is too large" },
         { "$[99999999999999999999999]", "at character 3: the number is too large" },
         { "$[1:2:3:4]", "at character 8: expected ]" }, { "$[]",
                                                          "at character 3: expected a quoted name, an index, a slice, * or a filter" },
         { "$['a',]", "at character 7: expected a quoted name, an index, a slice, * or a filter" },
         { "$['\\x']", "at character 4: no such escape" }, { "$['\\\"']", "at character 4: no such escape" },
         { "$['\\ud800']", "at character 4: half of a surrogate pair" }, { "$['\\udc00']",
                                                                          "at character 4: half of a surrogate pair" },
         { "$['\\ud800\\u0041']", "at character 4: half of a surrogate pair" },
         { "$['\\u12']", "at character 8: expected four hexadecimal digits after \\u" },
         { "$['a\tb']", "at character 5: a control character must be escaped" }, { "$['\xff']",
                                                                                  "at character 4: not UTF-8" },
         { "$[?@.a = 1]", "at character 8: expected == (not =)" },
         { "$[?1 = 1]", "at character 6: expected == (not =)" }, { "$[?1]",
                                                                  "at character 5: expected a comparison" },
         { "$[?@.* == 1]", "at character 4: only values and paths to one value are compared" },
         { "$[?1 == @..a]", "at character 9: only values and paths to one value are compared" },
         { "$[?!@.a == 1]", "at character 5: expected ( : a comparison after ! needs parentheses" },
         { "$[?!!@.a]", "at character 5: ! twice" }, { "$[?(@.a]", "at character 8: expected )" },
         { "$[?@.a && ]", "at character 11: expected a value, a path or a function" },
         { "$[?foo(@.a)]", "at character 4: no such function (there are length, count, match, search, value)" },
         { "$[?foo == 1]", "at character 4: expected a value (texts in quotes), a path or a function" },
         { "$[?length(@.a)]", "at character 15: expected a comparison" },
         { "$[?length(@.*) > 1]", "at character 11: expected a value or a path to one value" },
         { "$[?count(1) > 1]", "at character 10: expected a path" },
         { "$[?match(@.a) ]", "at character 13: expected a comma and a second argument" },
         { "$[?match(@.a, 'x') == true]", "at character 4: only values and paths to one value are compared" },
         { "$[?length (@.a) > 1]", "at character 10: expected (" }, { "$[?@.a == 01]",
                                                                     "at character 11: a number without leading zeros is needed" },
         { "$[?@.a == 1.]", "at character 13: expected digits" }, { "$[?@.a == 1e]",
                                                                   "at character 13: expected digits" },
         { "$[?@.a == 1e999]", "at character 11: the number is too large" },
         { "$[?true(@)]", "at character 4: no such function (there are length, count, match, search, value)" },
         { "$[?True == @.a]", "at character 4: expected a value, a path or a function" },
         { "$[?(((((((((((((((((((((((((((((((((((@)))))]", "at character 36: nested too deeply" });
}
END_TEST

START_TEST (singular_or_not)
{
  static const struct { const char *path; bool singular; } rows[] = {
    { "$", true }, { "$.a['b'][0][-1]", true }, { "$.*", false }, { "$..a", false }, { "$[0,1]", false },
    { "$[0:1]", false }, { "$['a','b']", false }, { "$[?@.a]", false },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char error[200];
    struct path *path = path_compile (&arena, rows[i].path, strlen (rows[i].path), error, sizeof error);
    ck_assert_ptr_nonnull (path);
    ck_assert_msg (path_singular (path) == rows[i].singular, "%s", rows[i].path);
  }
  ck_assert (path_is ("$", 1) && path_is ("$.a", 3) && path_is ("$[0]", 4));
  ck_assert (!path_is ("", 0) && !path_is ("$x", 2) && !path_is ("a", 1));
}
END_TEST

START_TEST (normalized)
{
  buffer_putc (&out, '$');
  path_add_name (&out, "plain_1", 7);
  path_add_index (&out, 12);
  path_add_name (&out, "é", 2);
  path_add_name (&out, "server-uuid", 11);
  path_add_name (&out, "", 0);
  path_add_name (&out, "1", 1);
  path_add_name (&out, "it's\n\x01\\\0", 8);
  path_add_name (&out, "\xff", 1);
  ck_assert_str_eq (buffer_text (&out),
                    "$.plain_1[12].é['server-uuid']['']['1']['it\\'s\\n\\u0001\\\\\\u0000']['\\udcff']");
}
END_TEST

/* [[…[0, 0, … 0]…]] of 50 levels of two: few bytes, many nodes. */
static struct value
doubling (size_t levels)
{
  struct value value = value_int (0);
  for (size_t i = 0; i < levels; i++) {
    struct value *items = arena_array (&arena, 2, sizeof *items);
    items[0] = items[1] = value;
    value = (struct value) { .type = VALUE_LIST, .count = 2, .items = items };
  }
  return value;
}

START_TEST (work_is_bounded)
{
  struct value many = doubling (50);
  ck_assert_str_eq (find ("$..a", &many), "given up");
  ck_assert_str_eq (find ("$[?count(@..*) > 3]", &many), "given up");
  ck_assert_str_eq (find ("$[?@ == $[1]]", &many), "given up");
  struct value deep = value_int (0);
  for (int i = 0; i < 10000; i++) {
    struct value *item = arena_alloc (&arena, sizeof *item);
    *item = deep;
    deep = (struct value) { .type = VALUE_LIST, .count = 1, .items = item };
  }
  ck_assert_str_eq (find ("$..a", &deep), "given up");
  ck_assert_str_eq (find ("$[?@ == $[0]]", &deep), "given up");
  struct value nested = json ("[[[[[1]]]]]");
  ck_assert_str_eq (find ("$[0][0][?@[0][0]]", &nested), "[[1]]");
}
END_TEST

Suite *
path_suite (void)
{
  Suite *suite = suite_create ("path");
  TCase *tc = tcase_create ("path");
  tcase_add_checked_fixture (tc, set_up, tear_down);
  tcase_add_test (tc, names);
  tcase_add_test (tc, escapes);
  tcase_add_test (tc, indexes_and_slices);
  tcase_add_test (tc, wildcards_and_descendants);
  tcase_add_test (tc, filters);
  tcase_add_test (tc, comparisons);
  tcase_add_test (tc, faults);
  tcase_add_test (tc, singular_or_not);
  tcase_add_test (tc, normalized);
  tcase_add_test (tc, work_is_bounded);
  suite_add_tcase (suite, tc);
  return suite;
}
