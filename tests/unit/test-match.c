/* test-match.c - match.c and what belongs to it: patterns against values, by tables. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "json.h"
#include "match.h"
#include "pairing.h"
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

/* "yes", or every difference; "WRONG" before it if the pattern is.  The answer without
 * differences must be the same (but it ends at the first, before all of the pattern is seen). */
static const char *
outcome_with (const struct match *match, const struct value *pattern, const struct value *actual)
{
  struct differences differences = { .arena = &arena };
  int answer = match_value (match, pattern, actual, &differences);
  int quick = match_value (match, pattern, actual, NULL);
  ck_assert (quick == answer || (answer == MATCH_WRONG && quick == MATCH_NO));
  ck_assert_int_eq (answer == MATCH_YES, differences.count == 0);
  out.size = 0;
  buffer_puts (&out, answer == MATCH_YES ? "yes" : answer == MATCH_WRONG ? "WRONG " : "");
  for (size_t i = 0; i < differences.count; i++)
    buffer_printf (&out, "%s%s: %s", i ? " | " : "", differences.items[i].path, differences.items[i].text);
  if (differences.more)
    buffer_printf (&out, " | %zu more", differences.more);
  return buffer_text (&out);
}

static const char *
outcome (const struct value *pattern, const struct value *actual)
{
  struct match match = { .arena = &arena };
  return outcome_with (&match, pattern, actual);
}

struct row { const char *pattern, *actual, *outcome; };

static void
check_rows (const struct row *rows, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    struct value pattern = json (rows[i].pattern), actual = json (rows[i].actual);
    const char *got = outcome (&pattern, &actual);
    ck_assert_msg (strcmp (got, rows[i].outcome) == 0, "%s against %s\n  got:      %s\n  expected: %s",
                   rows[i].pattern,
                   rows[i].actual, got, rows[i].outcome);
  }
}
#define CHECK(...)                                                                                               \
  do {                                                                                                           \
    static const struct row rows[] = { __VA_ARGS__ };                                                            \
    check_rows (rows, sizeof rows / sizeof *rows);                                                               \
  } while (0)

START_TEST (scalars)
{
  CHECK ({ "1", "1", "yes" }, { "1", "1.0", "yes" }, { "null", "null", "yes" }, { "\"a\"", "\"a\"", "yes" },
         { "200", "404", "$: expected 200, got 404" }, { "true", "false", "$: expected true, got false" },
         { "\"5\"", "5", "$: expected \"5\" (string), got 5 (integer)" },
         { "null", "0", "$: expected null, got 0 (integer)" }, { "0", "null", "$: expected 0 (integer), got null" },
         { "\"a\"", "\"b\"", "$: expected \"a\", got \"b\"" }, { "1", "1.5", "$: expected 1, got 1.5" },
         { "1", "[1]", "$: expected 1 (integer), got [1] (list)" });
}
END_TEST

START_TEST (maps)
{
  CHECK ({ "{}", "{\"a\": 1}", "yes" }, { "{\"a\": 1}", "{\"b\": 2, \"a\": 1}", "yes" },
         { "{}", "[]", "$: expected {} (map), got [] (list)" },
         { "{\"a\": {\"b\": [1, {\"c\": 2}]}}", "{\"a\": {\"b\": [1, {\"c\": 3}]}}",
          "$.a.b[1].c: expected 2, got 3" },
         { "{\"a\": 1, \"b\": 2}", "{\"a\": 2, \"b\": 3}", "$.a: expected 1, got 2 | $.b: expected 2, got 3" },
         { "{\"status\": 1}", "{\"statos\": 1}",
          "$.status: expected 1, but there is no such key; did you mean \"statos\"?" },
         { "{\"x\": 1}", "{\"abc\": 1, \"def\": 2}",
          "$.x: expected 1, but there is no such key (there are: \"abc\", \"def\")" },
         { "{\"x\": 1}", "{\"y\": 1, \"x_error\": \"line 1: it ends\"}",
          "$.x: expected 1, but there is no such key: x_error says \"line 1: it ends\" (there are: \"y\", \"x_error\")" },
         { "{\"x\": null}", "{}", "$.x: expected null, but there is no such key (the map is empty)" },
         { "{\"x\": {\"y\": 1}}", "{}", "$.x: expected {\"y\": 1}, but there is no such key (the map is empty)" },
         { "{\"a b\": 1}", "{\"a b\": 2}", "$['a b']: expected 1, got 2" },
         { "{\"$$type\": 1}", "{\"$type\": 1}", "yes" }, { "{\"$$$a\": 1}", "{\"$$a\": 1}", "yes" },
         { "{\"$$\": 1, \"$1\": 2}", "{\"$\": 1, \"$1\": 2}", "yes" },
         { "{\"$$a\": 1}", "{\"$a\": 2}", "$['$a']: expected 1, got 2" });
}
END_TEST

START_TEST (header_names_ignore_case)
{
  struct value pattern = json ("{\"content-TYPE\": \"a\", \"X\": {\"$any\": true}}");
  struct value actual = json ("{\"x\": 1, \"Content-Type\": \"a\"}");
  ck_assert_str_ne (outcome (&pattern, &actual), "yes");
  actual.flags |= VALUE_CASELESS;
  ck_assert_str_eq (outcome (&pattern, &actual), "yes");
  pattern = json ("{\"$exact\": {\"content-TYPE\": \"a\"}}");
  ck_assert_str_eq (outcome (&pattern, &actual), "$.x: expected no such key, got 1");
  pattern = json ("{\"$exact\": {\"content-TYPE\": \"a\", \"X\": 1}}");
  ck_assert_str_eq (outcome (&pattern, &actual), "yes");
}
END_TEST

START_TEST (lists)
{
  CHECK ({ "[]", "[]", "yes" }, { "[1, {\"a\": 2}]", "[1, {\"a\": 2, \"b\": 3}]", "yes" },
         { "[1, 2]", "[2, 1]", "$[0]: expected 1, got 2 | $[1]: expected 2, got 1" },
         { "[1, 2, 3]", "[1, 3]", "$: expected 3 items, got 2; missing [1] 2" },
         { "[1, 3]", "[1, 2, 3]", "$: expected 2 items, got 3; extra [1] 2" },
         { "[1]", "[]", "$: expected 1 item, got 0; missing [0] 1" },
         { "[]", "[1, 2, 3, 4, 5, 6]", "$: expected 0 items, got 6; extra [0] 1, [1] 2, [2] 3, [3] and 2 more" },
         { "[1, 1]", "[1, 1, 1]", "$: expected 2 items, got 3; extra [2] 1" },
         { "[1, 5, 3]", "[1, 6, 7, 3]", "$: expected 3 items, got 4; missing [1] 5; extra [1] 6, [2] 7" },
         { "[1]", "{\"a\": 1}", "$: expected [1] (list), got {\"a\": 1} (map)" });
}
END_TEST

START_TEST (paths)
{
  CHECK ({ "{\"$.a[0].b\": 1}", "{\"a\": [{\"b\": 1}]}", "yes" }, { "{\"$\": 5}", "5", "yes" },
         { "{\"$[1]\": 2, \"$[0]\": {\"$type\": \"integer\"}}", "[1, 2]", "yes" },
         { "{\"$.a[-1]\": 1}", "{\"a\": [0, 2]}", "$.a[1]: expected 1, got 2" },
         { "{\"r\": {\"$['x y'].b\": 1}}", "{\"r\": {\"x y\": {\"b\": 2}}}", "$.r['x y'].b: expected 1, got 2" },
         { "{\"$.a.c\": 1}", "{\"a\": {}}", "$.a.c: expected 1, but there is nothing" },
         { "{\"$.a.c\": {\"$absent\": true}, \"$.a\": {}}", "{\"a\": {}}", "yes" },
         { "{\"$..n\": [1, 2]}", "[{\"n\": 1}, {\"m\": {\"n\": 2}}]", "yes" },
         { "{\"$..n\": [1, 3]}", "[{\"n\": 1}, {\"m\": {\"n\": 2}}]", "$[1].m.n: expected 3, got 2" },
         { "{\"$..n\": {\"$each\": {\"v\": 1}}}", "{\"a b\": [{\"n\": {\"v\": 2}}]}",
          "$['a b'][0].n.v: expected 1, got 2" },
         { "{\"$[*].n\": {\"$contains_all\": [\"a\", \"c\"]}}", "[{\"n\": \"a\"}, {\"n\": \"b\"}]",
           "$[*].n: expected an item \"c\", got [\"a\", \"b\"]" },
         { "{\"$..x\": []}", "{}", "yes" }, { "{\"$..x\": {\"$absent\": true}}", "{}", "yes" },
         { "{\"$..x\": {\"$absent\": true}}", "{\"x\": 1}", "$..x: expected nothing here, got [1]" },
         { "{\"$..x\": {\"$length\": {\"$ge\": 1}}}", "{}",
          "$..x: expected length {\"$ge\": 1}, got [] (length 0)" },
         { "{\"$.a\": 1, \"b\": 2}", "{\"a\": 1, \"b\": 2}", "yes" },
         { "{\"$.a[\": 1}", "{}",
          "WRONG $: bad path $.a[: at character 5: expected a quoted name, an index, a slice, * or a filter" },
         { "{\"$[?@.id == 2].v\": [5]}", "[{\"id\": 1, \"v\": 4}, {\"id\": 2, \"v\": 5}]", "yes" });
}
END_TEST

START_TEST (types_and_presence)
{
  CHECK ({ "{\"$type\": \"integer\"}", "1", "yes" },
         { "{\"$type\": \"integer\"}", "1.0", "$: expected type \"integer\", got 1.0 (number)" },
         { "{\"$type\": \"number\"}", "1", "yes" }, { "{\"$type\": \"number\"}", "1.5", "yes" },
         { "{\"$type\": \"float\"}", "1.5", "yes" }, { "{\"$type\": [\"string\", \"null\"]}", "null", "yes" },
         { "{\"$type\": null}", "null", "yes" }, { "{\"$type\": \"boolean\"}", "true", "yes" },
         { "{\"$type\": \"list\"}", "[]", "yes" }, { "{\"$type\": \"map\"}", "{}", "yes" },
         { "{\"$type\": \"string\"}", "1", "$: expected type \"string\", got 1 (integer)" },
         { "{\"a\": {\"$any\": true}}", "{\"a\": null}", "yes" },
         { "{\"a\": {\"$any\": true}}", "{}",
          "$.a: expected {\"$any\": true}, but there is no such key (the map is empty)" },
         { "{\"a\": {\"$absent\": true}}", "{}", "yes" },
         { "{\"a\": {\"$absent\": true}}", "{\"a\": 1}", "$.a: expected nothing here, got 1" },
         { "{\"a\": {\"$absent\": false}}", "{\"a\": 1}", "yes" },
         { "{\"a\": {\"$absent\": false}}", "{}",
          "$.a: expected false, but there is no such key (the map is empty)" },
         { "{\"a\": {\"$one_of\": [5, {\"$absent\": true}]}}", "{}", "yes" },
         { "{\"a\": {\"$one_of\": [5, {\"$absent\": true}]}}", "{\"a\": 6}",
          "$.a: expected one of [5, {\"$absent\": true}], got 6" },
         { "{\"a\": {\"$not\": 5}}", "{}",
          "$.a: expected {\"$not\": 5}, but there is no such key (the map is empty)" },
         { "{\"a\": {\"$type\": \"string\", \"$length\": 3}}", "{}",
           "$.a: expected {\"$type\": \"string\", \"$length\": 3}, but there is no such key (the map is empty)" });
}
END_TEST

START_TEST (logic)
{
  CHECK ({ "{\"$not\": 5}", "6", "yes" }, { "{\"$not\": 5}", "5", "$: expected anything but 5, got 5" },
         { "{\"$not\": {\"$matches\": \"^a\"}}", "\"b\"", "yes" }, { "{\"$one_of\": [1, {\"$gt\": 10}]}", "11",
                                                                    "yes" },
         { "{\"$one_of\": [1, 2]}", "3", "$: expected one of [1, 2], got 3" },
         { "{\"$gt\": 1, \"$lt\": 3}", "2", "yes" }, { "{\"$gt\": 1, \"$lt\": 3}", "3",
                                                      "$: expected less than 3, got 3" },
         { "{\"$gt\": 5, \"$lt\": 3}", "4", "$: expected more than 5, got 4 | $: expected less than 3, got 4" });
}
END_TEST

START_TEST (texts)
{
  CHECK ({ "{\"$matches\": \"b+c\"}", "\"abbc\"", "yes" },
         { "{\"$matches\": \"^b\"}", "\"abc\"", "$: expected a text that matches \"^b\", got \"abc\"" },
         { "{\"$matches\": \"4\"}", "404", "$: expected a text that matches \"4\", got 404 (is no text)" },
         { "{\"$matches\": \"(\"}", "\"a\"",
          "WRONG $: bad regular expression at character 2: missing closing parenthesis" },
         { "{\"$starts_with\": \"ab\", \"$ends_with\": \"bc\"}", "\"abc\"", "yes" },
         { "{\"$starts_with\": \"abcd\"}", "\"abc\"", "$: expected a text that starts with \"abcd\", got \"abc\"" },
         { "{\"$ends_with\": \"abcd\"}", "\"bcd\"", "$: expected a text that ends with \"abcd\", got \"bcd\"" },
         { "{\"$starts_with\": {\"hex\": \"61 .2\"}}", "\"abc\"", "yes" }, { "{\"$ends_with\": \"\"}", "\"\"",
                                                                            "yes" },
         { "{\"$contains\": \"b\"}", "\"abc\"", "yes" }, { "{\"$contains\": {\"hex\": \"62..\"}}", "\"abc\"",
                                                          "yes" },
         { "{\"$contains\": {\"base64\": \"YmM=\"}}", "\"abc\"", "yes" },
         { "{\"$contains\": {\"hex\": \"63..\"}}", "\"abc\"",
          "$: expected a text with {\"hex\": \"63..\"}, got \"abc\"" },
         { "{\"$contains\": 5}", "\"5\"",
          "$: expected a text with 5, got \"5\" (a text contains texts and bytes only)" },
         { "{\"$contains_all\": [\"a\", \"x\", \"y\"]}", "\"abc\"",
           "$: expected a text with \"x\", got \"abc\" | $: expected a text with \"y\", got \"abc\"" },
         { "{\"$length\": 2}", "\"éa\"", "yes" },
         { "{\"$length\": 3}", "\"éa\"", "$: expected length 3, got \"éa\" (length 2)" });
}
END_TEST

START_TEST (bytes)
{
  CHECK ({ "{\"hex\": \"6162\"}", "\"ab\"", "yes" }, { "{\"hex\": \"61 .2 ..\"}", "\"abc\"", "yes" },
         { "{\"base64\": \"YWI=\"}", "\"ab\"", "yes" },
         { "{\"hex\": \"6163\"}", "\"ab\"", "$: differs at byte 1 (from 0): expected 61 63, got 61 62" },
         { "{\"hex\": \"61.2\"}", "\"abc\"",
          "$: expected 2 bytes, got 3; they differ at byte 2 (from 0): expected 61 .2, got 61 62 63" },
         { "{\"hex\": \"6\"}", "\"a\"", "WRONG $: hex takes pairs of hexadecimal digits (. is any digit)" },
         { "{\"hex\": 6161}", "\"a\"", "WRONG $: hex takes a text: write it in quotes" },
         { "{\"base64\": \"!\"}", "\"a\"", "WRONG $: this is not base64" }, { "{\"hex\": \"zz\"}",
                                                                             "{\"hex\": \"zz\"}", "yes" },
         { "{\"hex\": \"61\"}", "5", "$: expected {\"hex\": \"61\"} (map), got 5 (integer)" });
}
END_TEST

START_TEST (order)
{
  CHECK ({ "{\"$gt\": 1}", "1.5", "yes" }, { "{\"$ge\": 2}", "2", "yes" }, { "{\"$le\": 2.0}", "2", "yes" },
         { "{\"$gt\": 9007199254740992.0}", "9007199254740993", "yes" },
         { "{\"$lt\": 5}", "\"3\"", "$: expected less than 5, got \"3\" (is no number)" },
         { "{\"$lt\": \"50ms\"}", "0.049", "yes" }, { "{\"$le\": \"50ms\"}", "0.05", "yes" },
         { "{\"$lt\": \"50ms\"}", "0.05", "$: expected less than \"50ms\", got 0.05" },
         { "{\"$gt\": \"50ms\"}", "1", "yes" }, { "{\"$lt\": \"1m\"}", "\"59s\"", "yes" },
         { "{\"$lt\": \"1m\"}", "\"x\"", "$: expected less than \"1m\", got \"x\" (is no duration)" },
         { "{\"$lt\": \"1m\"}", "\"1KB\"", "$: expected less than \"1m\", got \"1KB\" (is no duration)" },
         { "{\"$ge\": \"4KiB\"}", "4096", "yes" }, { "{\"$ge\": \"4KiB\"}", "\"4096\"", "yes" },
         { "{\"$lt\": \"4KiB\"}", "\"4KB\"", "yes" }, { "{\"$lt\": \"b\"}", "\"a\"", "yes" }, { "{\"$lt\": \"a\"}",
                                                                                               "\"\"", "yes" },
         { "{\"$lt\": \"b\"}", "1", "$: expected less than \"b\", got 1 (is no plain text)" },
         { "{\"$lt\": \"b\"}", "\"5s\"", "$: expected less than \"b\", got \"5s\" (is no plain text)" },
         { "{\"$lt\": \"2024-05-01T12:00:00Z\"}", "\"2024-05-01T13:30:00+02:00\"", "yes" },
         { "{\"$gt\": \"2024-02-28\"}", "\"2024-02-29T00:00\"", "yes" },
         { "{\"$gt\": \"2024-05-01T12:00:00.25Z\"}", "\"2024-05-01 12:00:00.250000001Z\"", "yes" },
         { "{\"$gt\": \"2024-05-01T12:00:00Z\"}", "\"2024-05-01T12:00:01\"",
           "$: expected more than \"2024-05-01T12:00:00Z\", got \"2024-05-01T12:00:01\" (only one of them has a time zone)" },
         { "{\"$gt\": \"2024-05-01\"}", "5", "$: expected more than \"2024-05-01\", got 5 (is no time)" },
         { "{\"$gt\": true}", "5", "WRONG $: $gt takes a number, a text, a duration, a size or a time" });
}
END_TEST

START_TEST (nearness)
{
  CHECK ({ "{\"$near\": {\"value\": 10, \"within\": 1}}", "11", "yes" },
         { "{\"$near\": {\"value\": 10, \"within\": 1}}", "12",
          "$: expected near {\"value\": 10, \"within\": 1}, got 12" },
         { "{\"$near\": {\"value\": 0.2, \"within\": 0.1}}", "0.3", "yes" },
         { "{\"$near\": {\"value\": 0.2, \"within\": 0}}", "0.2", "yes" },
         { "{\"$near\": {\"value\": \"1s\", \"within\": \"50ms\"}}", "1.05", "yes" },
         { "{\"$near\": {\"value\": \"1s\", \"within\": \"50ms\"}}", "\"1051ms\"",
           "$: expected near {\"value\": \"1s\", \"within\": \"50ms\"}, got \"1051ms\"" },
         { "{\"$near\": {\"value\": \"2024-05-01T12:00:00Z\", \"within\": \"2s\"}}", "\"2024-05-01T11:59:58Z\"",
          "yes" },
         { "{\"$near\": {\"value\": \"1KiB\", \"within\": \"24B\"}}", "1000", "yes" },
         { "{\"$near\": {\"value\": 1, \"within\": 1}}", "\"1\"",
          "$: expected near {\"value\": 1, \"within\": 1}, got \"1\" (is no number)" },
         { "{\"$near\": {\"value\": 1}}", "1", "WRONG $: $near takes {value: 10, within: 0.5}" },
         { "{\"$near\": {\"value\": 1, \"within\": -1}}", "1",
           "WRONG $: $near takes a `value` that is a number, a duration, a size or a time, and a `within` of that kind, not below 0 (for times a duration)" });
}
END_TEST

START_TEST (contents)
{
  CHECK ({ "{\"$length\": 2}", "[1, 2]", "yes" },
         { "{\"$length\": {\"$ge\": 1, \"$lt\": 3}}", "{\"a\": 1}", "yes" },
         { "{\"$length\": 1}", "5", "$: expected length 1, got 5 (has no length)" },
         { "{\"$length\": -1}", "[]", "WRONG $: $length takes a whole number from 0, or a pattern for one" },
         { "{\"$contains\": 2}", "[1, 2]", "yes" }, { "{\"$contains\": {\"a\": 1}}", "[{\"a\": 1, \"b\": 2}]",
                                                     "yes" },
         { "{\"$contains\": 3}", "[1, 2]", "$: expected an item 3, got [1, 2]" },
         { "{\"$contains\": {\"a\": 1, \"b\": 2}}", "[{\"a\": 5}, 7, {\"a\": 1, \"b\": 3}]",
           "$: none of 3 items matches {\"a\": 1, \"b\": 2}; closest: $[2].b: expected 2, got 3" },
         { "{\"$contains\": \"k\"}", "{\"k\": 1}", "yes" },
         { "{\"$contains\": \"x\"}", "{\"k\": 1}", "$: expected a map with the key \"x\", got {\"k\": 1}" },
         { "{\"$contains\": 1}", "5", "$: expected something with 1, got 5 (contains nothing)" },
         { "{\"$contains_all\": [2, 1]}", "[1, 2, 3]", "yes" }, { "{\"$contains_all\": []}", "[]", "yes" },
         { "{\"$contains_all\": 5}", "[]", "WRONG $: $contains_all takes a list of patterns" },
         { "{\"$each\": {\"$gt\": 0}}", "[1, 2]", "yes" }, { "{\"$each\": {\"$gt\": 0}}", "[1, 0]",
                                                            "$[1]: expected more than 0, got 0" },
         { "{\"$each\": 1}", "{\"a\": 1, \"b\": 2}", "$.b: expected 1, got 2" },
         { "{\"$each\": 1}", "5", "$: expected a list where each item is 1, got 5 (is no list)" });
}
END_TEST

START_TEST (exactness)
{
  CHECK ({ "{\"$exact\": {\"a\": {\"$type\": \"integer\"}}}", "{\"a\": 1}", "yes" },
         { "{\"$exact\": {\"a\": 1}}", "{\"a\": 1, \"b\": 2}", "$.b: expected no such key, got 2" },
         { "{\"$exact\": {\"a\": {\"b\": 1}}}", "{\"a\": {\"b\": 1, \"c\": 2}}",
          "$.a.c: expected no such key, got 2" },
         { "{\"$exact\": {\"a\": {\"$contains\": {\"x\": 1}}}}", "{\"a\": [{\"x\": 1, \"y\": 2}]}", "yes" },
         { "{\"$exact\": {\"$$a\": 1, \"b\": 2}}", "{\"$a\": 1, \"b\": 2}", "yes" },
         { "{\"$exact\": 1}", "1.0", "$: expected 1, got 1.0" }, { "{\"$exact\": [1, 2]}", "[1, 2]", "yes" },
         { "{\"$exact\": [{\"a\": 1}]}", "[{\"a\": 1.0}]", "$[0].a: expected 1, got 1.0" },
         { "[{\"$exact\": {}}, {\"a\": 1}]", "[{}, {\"a\": 1.0, \"b\": 1}]", "yes" },
         { "{\"$equals\": {\"$type\": \"integer\"}}", "{\"$type\": \"integer\"}", "yes" },
         { "{\"$equals\": {\"a\": 1}}", "{\"a\": 1.0}", "yes" },
         { "{\"$equals\": {\"a\": 1}}", "{\"a\": 1, \"b\": 2}",
          "$: expected {\"a\": 1}, got {\"a\": 1, \"b\": 2}" });
}
END_TEST

START_TEST (any_order)
{
  CHECK ({ "{\"$unordered\": [1, 2, 3]}", "[3, 1, 2]", "yes" },
         /* choosing greedily fails here: the first pattern must leave 1 to the second */
         { "{\"$unordered\": [{\"$gt\": 0}, 1]}", "[1, 2]", "yes" },
         { "{\"$unordered\": [{\"$any\": true}, {\"$gt\": 1}, {\"$gt\": 2}, 4]}", "[4, 3, 2, 1]", "yes" },
         { "{\"$unordered\": [1, 1]}", "[1, 2]", "$[1]: expected 1, got 2" },
         { "{\"$unordered\": [{\"k\": 1, \"v\": 5}, {\"k\": 2, \"v\": 6}]}",
          "[{\"k\": 2, \"v\": 6}, {\"k\": 1, \"v\": 7}]",
           "$[1].v: expected 5, got 7" },
         { "{\"$unordered\": [1, 2]}", "[2]",
          "$: expected 2 items in any order, got 1; no item for the patterns [0] 1" },
         { "{\"$unordered\": [1]}", "[2, 1]",
          "$: expected 1 item in any order, got 2; no pattern for the items [0] 2" },
         { "{\"$unordered\": [1, 2, 3]}", "[4, 5, 3]",
           "$: expected 3 items in any order, got 3; no item for the patterns [0] 1, [1] 2; no pattern for the items [0] 4, [1] 5" },
         { "{\"$unordered\": []}", "[]", "yes" }, { "{\"$unordered\": [1]}", "5",
                                                   "$: expected a list, in any order, [1], got 5 (is no list)" });
}
END_TEST

START_TEST (wrong_patterns)
{
  CHECK ({ "{\"$typ\": \"integer\"}", "1",
          "WRONG $: unknown matcher \"$typ\"; did you mean \"$type\"? (a literal key is written $$typ)" },
         { "{\"a\": 1, \"$type\": \"map\"}", "{}",
           "WRONG $: $type is a matcher and \"a\" a plain key: they cannot stand in one map (a literal key is written $$type)" },
         { "{\"a\": 2, \"b\": {\"$foo\": 1}}", "{\"a\": 1, \"b\": 1}",
          "WRONG $.b: unknown matcher \"$foo\" (a literal key is written $$foo)" },
         { "{\"$not\": {\"$lenght\": 1}}", "1",
          "WRONG $: unknown matcher \"$lenght\"; did you mean \"$length\"? (a literal key is written $$lenght)" },
         { "{\"$type\": \"int\"}", "1",
           "WRONG $: $type takes one of string, integer, float, number, boolean, null, list, map, or a list of them" },
         { "{\"$one_of\": []}", "1", "WRONG $: $one_of takes a list of patterns that is not empty" },
         { "{\"$any\": false}", "1", "WRONG $: $any takes true (for what must not be there: $absent: true)" },
         { "{\"$expr\": \"value > 1\"}", "1", "WRONG $: $expr cannot be used here" },
         { "{\"$matches\": 5}", "\"a\"", "WRONG $: $matches takes a regular expression as a text" });
}
END_TEST

static const struct value *
look_up (void *data, const char *name, size_t size)
{
  return size == 5 && memcmp (name, "limit", 5) == 0 ? data : NULL;
}

START_TEST (expressions)
{
  static const struct row rows[] = {
    { "{\"$expr\": \"value % 2 == 0\"}", "4", "yes" },
    { "{\"$expr\": \"value < limit\"}", "10", "$: expected a value that satisfies \"value < limit\", got 10" },
    { "{\"a\": {\"$expr\": \"#value == 2 and value[1].b == limit\"}}", "{\"a\": [{\"b\": 10}, 5]}", "yes" },
    { "{\"$each\": {\"$expr\": \"value ~= limit\"}}", "[1, 2, 3]", "yes" },
  };
  static const char *const wrong[] = { "value", "1 +", "value.x > 1", "nothing == value" };
  struct value limit = value_int (10);
  struct expr_scope scope = { .lookup = look_up, .data = &limit };
  struct expr_engine *engine = expr_new (1);
  struct evaluator evaluator = { .own = engine };
  struct match match = { &evaluator, &scope, &arena };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct value pattern = json (rows[i].pattern), actual = json (rows[i].actual);
    const char *got = outcome_with (&match, &pattern, &actual);
    ck_assert_msg (strcmp (got, rows[i].outcome) == 0, "%s: %s", rows[i].pattern, got);
  }
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    struct member member = { value_string ("$expr"), value_string (wrong[i]) };
    struct value pattern = { .type = VALUE_MAP, .count = 1, .members = &member }, actual = value_int (1);
    const char *got = outcome_with (&match, &pattern, &actual);
    ck_assert_msg (strncmp (got, "WRONG $: ", 9) == 0, "%s: %s", wrong[i], got);
  }
  expr_free (engine);
}
END_TEST

START_TEST (long_texts_show_where_they_differ)
{
  struct buffer a = { 0 }, b = { 0 };
  for (int i = 0; i < 500; i++)
    buffer_puts (&a, "é");
  buffer_add (&b, a.data, a.size);
  buffer_puts (&a, "xyz");
  buffer_puts (&b, "xaz");
  struct value pattern = value_text (buffer_text (&a), a.size), actual = value_text (buffer_text (&b), b.size);
  ck_assert_str_eq (outcome (&pattern, &actual),
                    "$: differs at character 502: expected …\"éééééééééééééééxyz\", got …\"éééééééééééééééxaz\""
                    " (1003 and 1003 bytes)");
  buffer_free (&a);
  buffer_free (&b);
  pattern = value_string ("one\ntwo\nthree\nfour\nfive");
  actual = value_string ("one\ntwo\n3\nthree\nfour\r\nfive");
  ck_assert_str_eq (outcome (&pattern, &actual),
                    "$: texts differ at line 3 (- expected, + got):\n  two\n+ 3\n  three\n"
                                                 "- four\n+ four\\r\n  five");
}
END_TEST

START_TEST (differences_are_bounded)
{
  struct buffer a = { 0 }, b = { 0 };
  buffer_puts (&a, "[0");
  buffer_puts (&b, "[1");
  for (int i = 0; i < 99; i++) {
    buffer_puts (&a, ",0");
    buffer_puts (&b, ",1");
  }
  buffer_puts (&a, "]");
  buffer_puts (&b, "]");
  struct value pattern = json (buffer_text (&a)), actual = json (buffer_text (&b));
  struct match match = { .arena = &arena };
  struct differences differences = { .arena = &arena };
  ck_assert_int_eq (match_value (&match, &pattern, &actual, &differences), MATCH_NO);
  ck_assert_uint_eq (differences.count, 20);
  ck_assert_uint_eq (differences.more, 80);
  buffer_free (&a);
  buffer_free (&b);
}
END_TEST

/* Lists in lists: each level holds the one below twice. */
static struct value
doubling (struct value value, size_t levels)
{
  for (size_t i = 0; i < levels; i++) {
    struct value *items = arena_array (&arena, 2, sizeof *items);
    items[0] = items[1] = value;
    value = (struct value) { .type = VALUE_LIST, .count = 2, .items = items };
  }
  return value;
}

static void
refused_value (struct value pattern, struct value actual, const char *text)
{
  int64_t start = clock_now_ns ();
  const char *got = outcome (&pattern, &actual);
  ck_assert_msg (strncmp (got, "WRONG", 5) == 0 && strstr (got, text), "%s", got);
  ck_assert_int_lt (clock_now_ns () - start, INT64_C (20000000000));
}

static void
refused (const char *pattern, struct value actual, const char *text)
{
  refused_value (json (pattern), actual, text);
}

START_TEST (work_is_bounded)
{
  struct value many = doubling (value_int (0), 40);
  refused_value (doubling (value_int (0), 40), many, "too much to compare");
  refused ("{\"$..x\": 1}", many, "too much to compare");
}
END_TEST

/* Every level finds all that is below what the level above found. */
START_TEST (memory_is_bounded)
{
  struct value pattern = value_int (5), actual = doubling (value_int (0), 10);
  for (int i = 0; i < 12; i++) {
    struct member *member = arena_alloc (&arena, sizeof *member);
    *member = (struct member) { value_string ("$..*"), pattern };
    pattern = (struct value) { .type = VALUE_MAP, .count = 1, .members = member };
  }
  refused_value (pattern, actual, "too much to compare");
  ck_assert_uint_lt (arena.used, (size_t) 200 << 20);
}
END_TEST

START_TEST (depth_is_bounded)
{
  struct value pattern = value_int (0);
  for (int i = 0; i < 1000; i++) {
    struct value *item = arena_alloc (&arena, sizeof *item);
    *item = pattern;
    pattern = (struct value) { .type = VALUE_LIST, .count = 1, .items = item };
  }
  struct match match = { .arena = &arena };
  struct differences differences = { .arena = &arena };
  ck_assert_int_eq (match_value (&match, &pattern, &pattern, &differences), MATCH_WRONG);
  ck_assert_uint_eq (differences.count, 1);
  ck_assert_str_eq (differences.items[0].text, "the pattern is nested too deeply");
  struct faults faults = { 0 };
  match_check (&pattern, &faults);
  ck_assert_uint_eq (faults.count, 1);
  faults_free (&faults);
}
END_TEST

START_TEST (a_difference_knows_its_place_in_the_pattern)
{
  struct value expected = value_int (1), got = value_int (2);
  expected.file = 3;
  expected.line = 14;
  expected.column = 9;
  struct member pattern_member = { value_string ("a"), expected }, actual_member = { value_string ("a"), got };
  struct value pattern = { .type = VALUE_MAP, .count = 1, .members = &pattern_member };
  struct value actual = { .type = VALUE_MAP, .count = 1, .members = &actual_member };
  struct match match = { .arena = &arena };
  struct differences differences = { .arena = &arena };
  ck_assert_int_eq (match_value (&match, &pattern, &actual, &differences), MATCH_NO);
  ck_assert_uint_eq (differences.items[0].where.file, 3);
  ck_assert_uint_eq (differences.items[0].where.line, 14);
  ck_assert_uint_eq (differences.items[0].where.column, 9);
}
END_TEST

START_TEST (scalars_and_maps_match_without_allocation)
{
  struct value pattern = json ("{\"a\": {\"b\": 1, \"c\": \"x\"}, \"l\": [1, 2], \"n\": {\"$gt\": 1, \"$type\": \"integer\"}}");
  struct value actual = json ("{\"z\": 0, \"l\": [1, 2], \"n\": 2, \"a\": {\"c\": \"x\", \"b\": 1.0}}");
  struct match match = { .arena = &arena };
  size_t before = arena.used;
  ck_assert_int_eq (match_value (&match, &pattern, &actual, NULL), MATCH_YES);
  ck_assert_uint_eq (arena.used, before);
}
END_TEST

/* ---- match_check ---- */

static const char *
faults_of (const struct value *pattern)
{
  struct faults faults = { 0 };
  match_check (pattern, &faults);
  out.size = 0;
  for (size_t i = 0; i < faults.count; i++)
    buffer_printf (&out, "%s%s", i ? " | " : "", faults.items[i].message);
  faults_free (&faults);
  return buffer_text (&out);
}

START_TEST (checked_before_use)
{
  static const struct { const char *pattern, *faults; } rows[] = {
    { "{\"a\": [1, {\"$type\": \"integer\"}], \"$.b\": {\"$one_of\": [1, 2]}, \"$$x\": 1}", "" },
    { "{\"a\": [{\"$typ\": 1}]}",
     "unknown matcher \"$typ\"; did you mean \"$type\"? (a literal key is written $$typ)" },
    { "{\"$type\": \"int\"}",
     "$type takes one of string, integer, float, number, boolean, null, list, map, or a list of them" },
    { "{\"$not\": {\"$each\": {\"$matches\": \"é(\"}}}",
     "bad regular expression at character 3: missing closing parenthesis" },
    { "{\"$.a[\": {\"$length\": -1}}",
      "bad path $.a[: at character 5: expected a quoted name, an index, a slice, * or a filter | "
      "$length takes a whole number from 0, or a pattern for one" },
    { "{\"$type\": \"map\", \"a\": {\"$unordered\": 5}}",
      "$type is a matcher and \"a\" a plain key: they cannot stand in one map (a literal key is written $$type) | "
      "$unordered takes a list of patterns" },
    { "{\"$starts_with\": {\"hex\": \"6\"}}", "hex takes pairs of hexadecimal digits (. is any digit)" },
    { "{\"$equals\": {\"$typ\": 1}}", "" },
    { "{\"$expr\": \"value > 1\"}", "" },
    { "{\"$expr\": 5}", "$expr takes an expression as a text" },
    { "{\"$contains_all\": [{\"$gt\": null}], \"$near\": 5}",
      "$gt takes a number, a text, a duration, a size or a time | $near takes {value: 10, within: 0.5}" },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct value pattern = json (rows[i].pattern);
    const char *faults = faults_of (&pattern);
    ck_assert_msg (strcmp (faults, rows[i].faults) == 0, "%s\n  got:      %s\n  expected: %s", rows[i].pattern,
                   faults,
                   rows[i].faults);
  }
}
END_TEST

START_TEST (expressions_are_checked_before_use)
{
  struct value pattern = json ("{\"a\": {\"$expr\": \"value >\"}}");
  ck_assert_str_ne (faults_of (&pattern), "");
}
END_TEST

START_TEST (dynamic_parts_are_left_for_later)
{
  static const char *const matchers[] = { "$matches", "$type", "$gt", "$length", "$one_of", "$any", "$absent",
                                          "$near", "$unordered", "$starts_with" };
  for (size_t i = 0; i < sizeof matchers / sizeof *matchers; i++) {
    struct member member = { value_string (matchers[i]), value_string ("(${x}") };
    struct value pattern = { .type = VALUE_MAP, .flags = VALUE_DYNAMIC, .count = 1, .members = &member };
    bool text_fits = i == 0 || i == 2 || i == 9;
    member.value.flags = 0;
    if (!text_fits || i == 0)
      ck_assert_str_ne (faults_of (&pattern), "");
    member.value.flags = VALUE_DYNAMIC;
    ck_assert_str_eq (faults_of (&pattern), "");
  }
  struct member member = { value_string ("$${x}"), value_int (1) };
  struct value pattern = { .type = VALUE_MAP, .flags = VALUE_DYNAMIC, .count = 1, .members = &member };
  member.key = value_string ("$.a[${i}]");
  ck_assert_str_ne (faults_of (&pattern), "");
  member.key.flags = VALUE_DYNAMIC;
  ck_assert_str_eq (faults_of (&pattern), "");
}
END_TEST

/* ---- what it stands on ---- */

START_TEST (times)
{
  static const struct { const char *text; bool good; int64_t seconds; int32_t ns; bool zoned; } rows[] = {
    { "1970-01-01", true, 0, 0, false },
    { "1970-01-01T00:00:00Z", true, 0, 0, true },
    { "2000-02-29T12:34:56.789+01:30", true, 951822296, 789000000, true },
    { "1969-12-31 23:59:59Z", true, -1, 0, true },
    { "2024-05-01T10:00", true, 1714557600, 0, false },
    { "2024-05-01t10:00:00,5-0230", true, 1714566600, 500000000, true },
    { "2016-12-31T23:59:60Z", true, 1483228800, 0, true },
    { "0000-03-01", true, -62162035200, 0, false },
    { "2023-02-29", false, 0, 0, false },
    { "2024-13-01", false, 0, 0, false },
    { "2024-5-1", false, 0, 0, false },
    { "2024-05-01T25:00", false, 0, 0, false },
    { "2024-05-01T10:00:00.Z", false, 0, 0, false },
    { "2024-05-01T10:00+1", false, 0, 0, false },
    { "2024-05-01T10:00Zx", false, 0, 0, false },
    { "2024-05-01x", false, 0, 0, false },
    { "12:00", false, 0, 0, false },
    { "", false, 0, 0, false },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct compare_time time;
    bool good = compare_parse_time (rows[i].text, strlen (rows[i].text), &time);
    ck_assert_msg (good == rows[i].good, "%s", rows[i].text);
    if (good) {
      ck_assert_msg (time.seconds == rows[i].seconds, "%s: %lld", rows[i].text, (long long) time.seconds);
      ck_assert_int_eq (time.nanoseconds, rows[i].ns);
      ck_assert_int_eq (time.zoned, rows[i].zoned);
    }
  }
}
END_TEST

/* A left may go with rights as the bits of its byte say. */
static int
by_bits (void *data, size_t left, size_t right)
{
  const unsigned *rows = data;
  return rows[left] >> right & 1;
}

/* The largest number of pairs, by trying everything. */
static size_t
try_all (const unsigned *rows, size_t n, size_t left, unsigned used)
{
  if (left == n)
    return 0;
  size_t best = try_all (rows, n, left + 1, used);
  for (size_t right = 0; right < 6; right++)
    if ((rows[left] >> right & 1) && !(used >> right & 1)) {
      size_t with = 1 + try_all (rows, n, left + 1, used | 1u << right);
      best = with > best ? with : best;
    }
  return best;
}

START_TEST (pairings_are_the_largest)
{
  uint64_t state = 42;
  for (int round = 0; round < 2000; round++) {
    unsigned rows[6];
    for (size_t i = 0; i < 6; i++) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      rows[i] = (unsigned) (state >> 40 & state >> 20 & 0x3f);
    }
    size_t of_left[6], of_right[6];
    size_t pairs = pairing_largest (6, 6, by_bits, rows, of_left, of_right);
    ck_assert_uint_eq (pairs, try_all (rows, 6, 0, 0));
    size_t counted = 0;
    for (size_t i = 0; i < 6; i++)
      if (of_left[i] != SIZE_MAX) {
        counted++;
        ck_assert_uint_eq (of_right[of_left[i]], i);
        ck_assert (rows[i] >> of_left[i] & 1);
      }
    ck_assert_uint_eq (counted, pairs);
  }
}
END_TEST

Suite *
match_suite (void)
{
  Suite *suite = suite_create ("match");
  TCase *tc = tcase_create ("match");
  tcase_set_timeout (tc, 60);
  tcase_add_checked_fixture (tc, set_up, tear_down);
  tcase_add_test (tc, scalars);
  tcase_add_test (tc, maps);
  tcase_add_test (tc, header_names_ignore_case);
  tcase_add_test (tc, lists);
  tcase_add_test (tc, paths);
  tcase_add_test (tc, types_and_presence);
  tcase_add_test (tc, logic);
  tcase_add_test (tc, texts);
  tcase_add_test (tc, bytes);
  tcase_add_test (tc, order);
  tcase_add_test (tc, nearness);
  tcase_add_test (tc, contents);
  tcase_add_test (tc, exactness);
  tcase_add_test (tc, any_order);
  tcase_add_test (tc, wrong_patterns);
  tcase_add_test (tc, expressions);
  tcase_add_test (tc, long_texts_show_where_they_differ);
  tcase_add_test (tc, differences_are_bounded);
  tcase_add_test (tc, work_is_bounded);
  tcase_add_test (tc, memory_is_bounded);
  tcase_add_test (tc, depth_is_bounded);
  tcase_add_test (tc, a_difference_knows_its_place_in_the_pattern);
  tcase_add_test (tc, scalars_and_maps_match_without_allocation);
  tcase_add_test (tc, checked_before_use);
  tcase_add_test (tc, expressions_are_checked_before_use);
  tcase_add_test (tc, dynamic_parts_are_left_for_later);
  tcase_add_test (tc, times);
  tcase_add_test (tc, pairings_are_the_largest);
  suite_add_tcase (suite, tc);
  return suite;
}
