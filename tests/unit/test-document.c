/* test-document.c - document.c, scalar.c, syntax.c: trees out of YAML, limits, and
 * what people read when their YAML is wrong. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "document.h"
#include "json.h"

struct fixture { struct arena arena; struct faults faults; struct value value; struct buffer out; bool good; };

static void
done (struct fixture *f)
{
  arena_free (&f->arena);
  faults_free (&f->faults);
  buffer_free (&f->out);
  source_forget_all ();
}

static void
parse (struct fixture *f, const char *text, size_t size)
{
  faults_free (&f->faults);
  f->good = document_parse (&f->arena, "s.yaml", text, size, &f->value, &f->faults);
  ck_assert_int_eq (f->good, f->faults.count == 0);
  if (!f->good)
    ck_assert_int_eq (f->value.type, VALUE_NULL);
}

/* "3:9: message", all faults joined by newlines. */
static const char *
told (struct fixture *f)
{
  f->out.size = 0;
  for (size_t i = 0; i < f->faults.count; i++)
    buffer_printf (&f->out, "%s%u:%u: %s", i ? "\n" : "", f->faults.items[i].where.line,
                   f->faults.items[i].where.column, f->faults.items[i].message);
  return buffer_text (&f->out);
}

static void
ck_json (struct fixture *f, const char *text, const char *json)
{
  parse (f, text, strlen (text));
  ck_assert_msg (f->good, "%s\n%s", text, told (f));
  f->out.size = 0;
  json_write (&f->out, &f->value);
  ck_assert_msg (strcmp (buffer_text (&f->out), json) == 0, "%s\ngives    %s\ninstead of %s", text, f->out.data, json);
}

static void
ck_fault (struct fixture *f, const char *text, const char *expected)
{
  parse (f, text, strlen (text));
  ck_assert_msg (strcmp (told (f), expected) == 0, "%s\ntells      %s\ninstead of %s", text, told (f), expected);
}

static const struct value *
at (const struct fixture *f, const char *key)
{
  const struct value *value = value_get (&f->value, key);
  ck_assert_ptr_nonnull (value);
  return value;
}

/* ---- scalars ---- */

/* YAML 1.2.2, 10.3.2. */
START_TEST (core_schema)
{
  static const struct { const char *text; int type; double number; } rows[] = {
    { "", VALUE_NULL, 0 }, { "~", VALUE_NULL, 0 }, { "null", VALUE_NULL, 0 }, { "Null", VALUE_NULL, 0 },
    { "NULL", VALUE_NULL, 0 }, { "nULL", VALUE_STRING, 0 }, { "nil", VALUE_STRING, 0 }, { "~~", VALUE_STRING, 0 },
    { "true", VALUE_BOOL, 1 }, { "True", VALUE_BOOL, 1 }, { "TRUE", VALUE_BOOL, 1 }, { "tRUE", VALUE_STRING, 0 },
    { "false", VALUE_BOOL, 0 }, { "False", VALUE_BOOL, 0 }, { "FALSE", VALUE_BOOL, 0 },
    { "yes", VALUE_STRING, 0 }, { "no", VALUE_STRING, 0 }, { "on", VALUE_STRING, 0 }, { "off", VALUE_STRING, 0 },
    { "y", VALUE_STRING, 0 }, { "n", VALUE_STRING, 0 },
    { "0", VALUE_INT, 0 }, { "-0", VALUE_INT, 0 }, { "+12", VALUE_INT, 12 }, { "-19", VALUE_INT, -19 }, { "007", VALUE_INT, 7 },
    { "0o17", VALUE_INT, 15 }, { "0x1F", VALUE_INT, 31 }, { "0xff", VALUE_INT, 255 },
    { "0o8", VALUE_STRING, 0 }, { "0x", VALUE_STRING, 0 }, { "0xg", VALUE_STRING, 0 }, { "-0x1F", VALUE_STRING, 0 },
    { "0X1F", VALUE_STRING, 0 }, { "0b1", VALUE_STRING, 0 }, { "1_000", VALUE_STRING, 0 }, { "1:30", VALUE_STRING, 0 },
    { "1e3", VALUE_FLOAT, 1000 }, { "-1E+2", VALUE_FLOAT, -100 }, { "1.", VALUE_FLOAT, 1 }, { ".5", VALUE_FLOAT, .5 },
    { "+.5e-1", VALUE_FLOAT, .05 }, { "12.5", VALUE_FLOAT, 12.5 }, { "0.", VALUE_FLOAT, 0 },
    { ".", VALUE_STRING, 0 }, { "-", VALUE_STRING, 0 }, { "+", VALUE_STRING, 0 }, { "-.", VALUE_STRING, 0 },
    { ".e1", VALUE_STRING, 0 }, { "1e", VALUE_STRING, 0 }, { "1e+", VALUE_STRING, 0 }, { "1.5.2", VALUE_STRING, 0 },
    { "1.5s", VALUE_STRING, 0 }, { "5s", VALUE_STRING, 0 }, { "1e3x", VALUE_STRING, 0 }, { "0x1p3", VALUE_STRING, 0 },
    { ".inf", VALUE_FLOAT, INFINITY }, { "-.Inf", VALUE_FLOAT, -INFINITY }, { "+.INF", VALUE_FLOAT, INFINITY },
    { ".iNF", VALUE_STRING, 0 }, { "inf", VALUE_STRING, 0 }, { "nan", VALUE_STRING, 0 }, { "-.nan", VALUE_STRING, 0 },
    { "9223372036854775807", VALUE_INT, 0x1p63 }, { "-9223372036854775808", VALUE_INT, -0x1p63 },
    { "0x7fffffffffffffff", VALUE_INT, 0x1p63 }, { "00000000000000000000000001", VALUE_INT, 1 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct value v;
    ck_assert_msg (document_scalar (rows[i].text, strlen (rows[i].text), &v), "%s", rows[i].text);
    ck_assert_msg (v.type == rows[i].type, "%s is of type %s", rows[i].text, value_type_name (v.type));
    if (v.type == VALUE_BOOL)
      ck_assert_int_eq (v.boolean, (int) rows[i].number);
    if (v.type == VALUE_INT)
      ck_assert_msg ((double) v.integer == rows[i].number, "%s", rows[i].text);
    if (v.type == VALUE_FLOAT)
      ck_assert_msg (v.number == rows[i].number, "%s", rows[i].text);
    if (v.type == VALUE_STRING)
      ck_assert_ptr_eq (v.string, rows[i].text);
  }
  struct value v;
  static const char *const nans[] = { ".nan", ".NaN", ".NAN" };
  for (int i = 0; i < 3; i++)
    ck_assert (document_scalar (nans[i], 4, &v) && v.type == VALUE_FLOAT && isnan (v.number));
  ck_assert (document_scalar ("9223372036854775807", 19, &v) && v.integer == INT64_MAX);
  ck_assert (document_scalar ("1.5xxx", 3, &v) && v.number == 1.5); /* no NUL is needed */
}
END_TEST

START_TEST (numbers_that_are_too_large)
{
  static const char *const texts[] = { "9223372036854775808", "-9223372036854775809", "0x8000000000000000",
                                       "0o1000000000000000000000", "99999999999999999999999", "1e999" };
  struct value v;
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    ck_assert_msg (!document_scalar (texts[i], strlen (texts[i]), &v), "%s", texts[i]);
  struct fixture f = { 0 };
  ck_fault (&f, "a: 9223372036854775808",
            "1:4: the number 9223372036854775808 is too large; put it in quotes if it is a text");
  ck_json (&f, "a: \"9223372036854775808\"", "{\"a\":\"9223372036854775808\"}");
  done (&f);
}
END_TEST

START_TEST (trees)
{
  struct fixture f = { 0 };
  ck_json (&f, "a: 1\nb: [x, {y: z}]\nc:\n  - 1.5\n  - ~\n", "{\"a\":1,\"b\":[\"x\",{\"y\":\"z\"}],\"c\":[1.5,null]}");
  ck_json (&f, "just text", "\"just text\"");
  ck_json (&f, "---\n", "null");
  ck_json (&f, "--- a\n...\n", "\"a\"");
  ck_json (&f, "{}", "{}");
  ck_json (&f, "1: x\ntrue: y\n~: z\n1.50: q", "{\"1\":\"x\",\"true\":\"y\",\"~\":\"z\",\"1.50\":\"q\"}");
  ck_json (&f, "{a: , \"b\":1, c: }", "{\"a\":null,\"b\":1,\"c\":null}");
  ck_json (&f, "\xef\xbb\xbf" "a: é", "{\"a\":\"é\"}");
  ck_json (&f, "a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}");
  ck_json (&f, "a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}");
  ck_json (&f, "? a", "{\"a\":null}");
  ck_json (&f, "a: \"\\0x\"", "{\"a\":\"\\u0000x\"}");
  ck_json (&f, "\"\": 1", "{\"\":1}");
  ck_json (&f, "%YAML 1.1\n---\na: 1", "{\"a\":1}");
  done (&f);
}
END_TEST

START_TEST (places)
{
  struct fixture f = { 0 };
  static const char text[] = "\xef\xbb\xbf" "é: ü\nlist:\n  - a\n  - {k: \"v\"}\r\nlast: &x !!int 1\nagain: *x";
  parse (&f, text, sizeof text - 1);
  ck_assert_msg (f.good, "%s", told (&f));
  static const struct { const char *key; uint32_t line, column; } rows[] = {
    { "é", 1, 4 }, { "list", 3, 3 }, { "last", 5, 7 }, { "again", 5, 7 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ck_assert_uint_eq (at (&f, rows[i].key)->line, rows[i].line);
    ck_assert_uint_eq (at (&f, rows[i].key)->column, rows[i].column);
    ck_assert_uint_eq (at (&f, rows[i].key)->file, 1);
  }
  ck_assert_uint_eq (f.value.line, 1);
  ck_assert_uint_eq (f.value.column, 1);
  ck_assert_uint_eq (f.value.members[1].key.line, 2);
  const struct value *v = value_get (&at (&f, "list")->items[1], "k");
  ck_assert_uint_eq (v->line, 4);
  ck_assert_uint_eq (v->column, 9);
  done (&f);
}
END_TEST

START_TEST (flags_of_scalars)
{
  struct fixture f = { 0 };
  static const char text[] = "plain: x\nsingle: '1'\ndouble: \"1\"\nliteral: |\n  1\nfolded: >\n  1\ntag: !!str 1\n"
                             "mark: ! 1\nboth: &a ! 1\nlines: a\n  b\n\"key\": 1\nreal: !!float 1";
  parse (&f, text, sizeof text - 1);
  ck_assert_msg (f.good, "%s", told (&f));
  static const struct { const char *key; unsigned flags; int type; } rows[] = {
    { "plain", 0, VALUE_STRING }, { "single", VALUE_QUOTED, VALUE_STRING }, { "double", VALUE_QUOTED, VALUE_STRING },
    { "literal", VALUE_QUOTED | VALUE_BLOCK, VALUE_STRING }, { "folded", VALUE_QUOTED | VALUE_BLOCK, VALUE_STRING },
    { "tag", VALUE_QUOTED, VALUE_STRING }, { "mark", VALUE_QUOTED, VALUE_STRING },
    { "both", VALUE_QUOTED, VALUE_STRING }, { "lines", 0, VALUE_STRING }, { "key", 0, VALUE_INT },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ck_assert_msg (at (&f, rows[i].key)->flags == rows[i].flags, "%s: %u", rows[i].key, at (&f, rows[i].key)->flags);
    ck_assert_msg (at (&f, rows[i].key)->type == rows[i].type, "%s", rows[i].key);
  }
  ck_assert_int_eq (at (&f, "real")->type, VALUE_FLOAT);
  ck_assert_uint_eq (f.value.members[0].key.flags, 0);
  ck_assert_uint_eq (f.value.members[9].key.flags, VALUE_QUOTED);
  done (&f);
}
END_TEST

START_TEST (what_is_dynamic)
{
  struct fixture f = { 0 };
  static const char text[] = "a: ${x}\nb: 'y ${x}'\nc: $${x}\nd: $x {y}\ne: [[], [1, \"${x}\"]]\nf: {\"${k}\": 1}\n"
                             "g: {a: {b: [c]}}\nh: $\ni: |\n  a ${x}\nj: {<<: {k: \"${x}\"}}\nk: \"$\\0{\"\nl: $$${";
  parse (&f, text, sizeof text - 1);
  ck_assert_msg (f.good, "%s", told (&f));
  for (const char *key = "abcefijl"; *key; key++)
    ck_assert_msg (at (&f, (char[]) { *key, '\0' })->flags & VALUE_DYNAMIC, "%c", *key);
  for (const char *key = "dghk"; *key; key++)
    ck_assert_msg (!(at (&f, (char[]) { *key, '\0' })->flags & VALUE_DYNAMIC), "%c", *key);
  ck_assert (f.value.flags & VALUE_DYNAMIC);
  ck_assert (!(at (&f, "e")->items[0].flags & VALUE_DYNAMIC));
  ck_assert (at (&f, "e")->items[1].flags & VALUE_DYNAMIC);
  parse (&f, "a: [b]", 6);
  ck_assert (!(f.value.flags & VALUE_DYNAMIC));
  done (&f);
}
END_TEST

START_TEST (tags)
{
  struct fixture f = { 0 };
  ck_json (&f, "[!!str 1, !!int \"2\", !!float 3, !!bool 'true', !!null '', !!map {}, !!seq [], ! [], !!str x]",
           "[\"1\",2,3.0,true,null,{},[],[],\"x\"]");
  ck_json (&f, "!<tag:yaml.org,2002:int> 3", "3");
  ck_fault (&f, "a: !!int x", "1:4: this does not fit its tag !!int");
  ck_fault (&f, "a: !!int 1.5", "1:4: this does not fit its tag !!int");
  ck_fault (&f, "a: !!bool yes", "1:4: this does not fit its tag !!bool");
  ck_fault (&f, "a: !!map []", "1:4: this does not fit its tag !!map");
  ck_fault (&f, "a: !!str []", "1:4: this does not fit its tag !!str");
  ck_fault (&f, "a: !!seq x", "1:4: this does not fit its tag !!seq");
  ck_fault (&f, "a: !!string x", "1:4: unknown tag \"!!string\"; did you mean \"!!str\"?");
  ck_fault (&f, "a: !ok x", "1:4: unknown tag \"!ok\": put a text that begins with ! in quotes (in an expression, write "
                            "\"not\" and \"~=\")");
  ck_fault (&f, "a: !!binary x\nb: !!set {}\n",
            "1:4: unknown tag \"!!binary\": put a text that begins with ! in quotes (in an expression, write \"not\" and "
            "\"~=\")\n2:4: unknown tag \"!!set\"; did you mean \"!!seq\"?");
  ck_fault (&f, "%TAG !e! tag:e,2000:\n---\na: 1", "1:1: there are no tags of one's own: %TAG cannot be used");
  ck_fault (&f, "a\r...\r%TAG !e! tag:e,2000:\n---\na: 1", "3:1: there are no tags of one's own: %TAG cannot be used");
  done (&f);
}
END_TEST

START_TEST (merges)
{
  struct fixture f = { 0 };
  ck_json (&f, "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3, c: 4}",
           "{\"x\":{\"a\":1,\"b\":2},\"y\":{\"a\":1,\"b\":3,\"c\":4}}");
  ck_json (&f, "y: {b: 3, <<: {a: 1, b: 2}}", "{\"y\":{\"b\":3,\"a\":1}}");
  ck_json (&f, "<<: [{a: 1}, {a: 2, b: 2}, {b: 3, c: 3}]\nc: 4", "{\"a\":1,\"b\":2,\"c\":4}");
  ck_json (&f, "<<: {<<: {a: 1}, b: 2}", "{\"a\":1,\"b\":2}");
  ck_json (&f, "<<: {}", "{}");
  ck_json (&f, "\"<<\": 1", "{\"<<\":1}");
  ck_json (&f, "- &m {a: 1}\n- &n {<<: *m, b: 2}\n- {<<: [*n]}", "[{\"a\":1},{\"a\":1,\"b\":2},{\"a\":1,\"b\":2}]");
  ck_fault (&f, "<<: 1", "1:5: << takes a map or a list of maps; this is of type integer");
  ck_fault (&f, "<<: [{}, x]", "1:10: << takes a map or a list of maps; this is of type string");
  ck_fault (&f, "<<: {a: 1}\n<<: {b: 2}", "2:1: duplicate key \"<<\"; the first one is at line 1, column 1");
  done (&f);
}
END_TEST

START_TEST (a_merge_of_many_keys)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  buffer_lit (&text, "x: &x {");
  for (int i = 0; i < 1000; i++)
    buffer_printf (&text, "k%d: 1, ", i);
  buffer_lit (&text, "}\ny: {<<: *x, k500: 2, z: 3}");
  parse (&f, text.data, text.size);
  ck_assert_msg (f.good, "%s", told (&f));
  const struct value *y = at (&f, "y");
  ck_assert_uint_eq (y->count, 1001);
  ck_assert_int_eq (value_get (y, "k500")->integer, 2);
  ck_assert_int_eq (value_get (y, "k999")->integer, 1);
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (anchors)
{
  struct fixture f = { 0 };
  ck_json (&f, "- &a [1, {b: 2}]\n- *a\n- &a x\n- *a", "[[1,{\"b\":2}],[1,{\"b\":2}],\"x\",\"x\"]");
  ck_json (&f, "- &k key\n- {*k : 1}", "[\"key\",{\"key\":1}]");
  ck_json (&f, "- {&k key: 1}\n- *k", "[{\"key\":1},\"key\"]");
  ck_json (&f, "&a [&a b, *a]", "[\"b\",\"b\"]"); /* the nearest one before counts */
  ck_json (&f, "- &a {x: &b 1}\n- *b\n- &e\n- *e", "[{\"x\":1},1,null,null]");
  ck_fault (&f, "a: *b\nc: *d", "1:4: there is no anchor &b before this alias\n2:4: there is no anchor &d before this alias");
  ck_fault (&f, "a: &a [*a]", "1:8: the alias *a is inside of what it stands for");
  ck_fault (&f, "a: &a {b: {c: *a}}", "1:15: the alias *a is inside of what it stands for");
  ck_fault (&f, "- &a [1]\n- {*a : 1}", "2:4: a key must be a text; this is of type list");
  done (&f);
}
END_TEST

/* ---- limits ---- */

START_TEST (a_billion_laughs)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  buffer_lit (&text, "a: &a [x, x, x, x, x, x, x, x, x]\n");
  for (char c = 'b'; c <= 'z'; c++)
    buffer_printf (&text, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c, c - 1, c - 1, c - 1, c - 1,
                   c - 1, c - 1, c - 1, c - 1, c - 1);
  ck_fault (&f, buffer_text (&text), "7:28: the document has more than 4000000 nodes (with its aliases expanded)");
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (aliases_of_a_long_text)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  buffer_lit (&text, "a: &a ");
  for (int i = 0; i < 1000000; i++)
    buffer_putc (&text, 'x');
  buffer_lit (&text, "\nb:\n");
  for (int i = 0; i < 100; i++)
    buffer_lit (&text, "- *a\n");
  ck_fault (&f, buffer_text (&text), "69:3: the document has more than 64 MiB (with its aliases expanded)");
  buffer_free (&text);
  done (&f);
}
END_TEST

static void
repeat (struct buffer *text, const char *what, size_t n)
{
  text->size = 0;
  for (size_t i = 0; i < n; i++)
    buffer_puts (text, what);
}

START_TEST (depth)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  repeat (&text, "[", 100000);
  ck_fault (&f, buffer_text (&text), "1:65: nested more than 64 levels deep");
  repeat (&text, "- ", 100000);
  ck_fault (&f, buffer_text (&text), "1:129: nested more than 64 levels deep");
  repeat (&text, "{", 100000);
  ck_fault (&f, buffer_text (&text),
            "1:2: a key must be a text, not a map (put a text that begins with { or [ in quotes)\n"
            "1:65: nested more than 64 levels deep");
  repeat (&text, "[", 64);
  for (int i = 0; i < 64; i++)
    buffer_putc (&text, ']');
  parse (&f, text.data, text.size);
  ck_assert (f.good);
  /* an alias brings its own depth */
  repeat (&text, "[", 40);
  struct buffer all = { 0 };
  buffer_lit (&all, "- &a ");
  buffer_add (&all, text.data, text.size);
  for (int i = 0; i < 40; i++)
    buffer_putc (&all, ']');
  buffer_lit (&all, "\n- ");
  buffer_add (&all, text.data, text.size);
  buffer_lit (&all, "*a");
  for (int i = 0; i < 40; i++)
    buffer_putc (&all, ']');
  ck_fault (&f, buffer_text (&all), "2:43: nested more than 64 levels deep");
  buffer_free (&all);
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (sizes)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  buffer_lit (&text, "ok: 1\na: ");
  for (int i = 0; i < 10000000; i++)
    buffer_putc (&text, 'x');
  ck_fault (&f, buffer_text (&text), "2:4: a text of more than 8 MiB");
  buffer_reserve (&text, DOCUMENT_BYTES + 1);
  memset (text.data, ' ', DOCUMENT_BYTES + 1);
  parse (&f, text.data, DOCUMENT_BYTES + 1);
  ck_assert_str_eq (told (&f), "0:0: the file is larger than 64 MiB");
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (too_many_nodes)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  repeat (&text, "- \n", 4000001);
  ck_fault (&f, buffer_text (&text), "4000000:2: the document has more than 4000000 nodes (with its aliases expanded)");
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (duplicate_keys)
{
  struct fixture f = { 0 };
  ck_fault (&f, "a: 1\nb: 2\n\"a\": 3", "3:1: duplicate key \"a\"; the first one is at line 1, column 1");
  ck_fault (&f, "x: {a: 1, a: 2, a: 3}",
            "1:11: duplicate key \"a\"; the first one is at line 1, column 5\n"
            "1:17: duplicate key \"a\"; the first one is at line 1, column 5");
  ck_fault (&f, "1: x\n\"1\": y", "2:1: duplicate key \"1\"; the first one is at line 1, column 1");
  struct buffer text = { 0 };
  for (int i = 0; i < 100000; i++)
    buffer_printf (&text, "key number %d: x\n", i);
  parse (&f, text.data, text.size);
  ck_assert (f.good);
  ck_assert_uint_eq (f.value.count, 100000);
  buffer_lit (&text, "key number 777: y\n");
  ck_fault (&f, buffer_text (&text),
            "100001:1: duplicate key \"key number 777\"; the first one is at line 778, column 1");
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (many_faults_end_the_reading)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  repeat (&text, "- *a\n", 100000);
  parse (&f, text.data, text.size);
  ck_assert_uint_eq (f.faults.count, FAULTS_LIMIT);
  ck_assert_uint_eq (f.faults.more, 1);
  /* and no value is looked for in a long line again and again */
  repeat (&text, "a: {b: ,b: ,", 1);
  for (int i = 0; i < 100000; i++)
    buffer_printf (&text, "k%d: ,", i);
  buffer_putc (&text, '}');
  parse (&f, text.data, text.size);
  ck_assert_str_eq (told (&f), "1:9: duplicate key \"b\"; the first one is at line 1, column 5");
  buffer_free (&text);
  done (&f);
}
END_TEST

/* ---- what people read ---- */

START_TEST (keys_that_are_no_texts)
{
  struct fixture f = { 0 };
  ck_fault (&f, "? [a, {b: c}]\n: 2\n? {}\n: *x",
            "1:3: a key must be a text, not a list (put a text that begins with { or [ in quotes)\n"
            "3:3: a key must be a text, not a map (put a text that begins with { or [ in quotes)\n"
            "4:3: there is no anchor &x before this alias");
  ck_fault (&f, "url: {{ a }}/x",
            "1:7: a key must be a text, not a map (put a text that begins with { or [ in quotes)\n"
            "1:13: nothing may follow the closing } here: put the whole text in quotes");
  ck_fault (&f, "?\n: x", "1:2: a key is missing before the colon");
  done (&f);
}
END_TEST

START_TEST (known_traps)
{
  struct fixture f = { 0 };
  ck_fault (&f, "a: {url: ${a}/x}", "1:10: inside [ ] and { } a text with ${…} must be in quotes: {key: \"${name}\"}");
  ck_fault (&f, "a:\n- [1, é${a}]", "2:8: inside [ ] and { } a text with ${…} must be in quotes: {key: \"${name}\"}");
  ck_fault (&f, "{${a}: 1}", "1:2: inside [ ] and { } a text with ${…} must be in quotes: {key: \"${name}\"}");
  ck_fault (&f, "{text: a,b}",
            "1:10: \"b\" has no value: a text with a comma inside { } must be in quotes: {key: \"a,b\"}");
  ck_fault (&f, "{a: 1, b # : \n, 'c:d'}",
            "1:8: \"b\" has no value: a text with a comma inside { } must be in quotes: {key: \"a,b\"}\n"
            "2:3: \"c:d\" has no value: a text with a comma inside { } must be in quotes: {key: \"a,b\"}");
  ck_fault (&f, "{\"a\" 1}", "1:6: \",\" or \"}\" is expected here, in the map that begins at line 1, column 1");
  ck_fault (&f, "{a:1}", "1:2: \"a:1\" has no value: a blank must follow the colon");
  ck_fault (&f, "a: @x", "1:4: a text cannot begin with @: put it in quotes");
  ck_fault (&f, "a: `x`", "1:4: a text cannot begin with `: put it in quotes");
  ck_fault (&f, "a: %x", "1:4: a text cannot begin with %: put it in quotes");
  ck_fault (&f, "%x", "1:1: a text cannot begin with %: put it in quotes");
  ck_fault (&f, "a: *.json", "1:4: a text cannot begin with *: put it in quotes");
  ck_fault (&f, "a: && b", "1:4: a text cannot begin with &: put it in quotes");
  ck_fault (&f, "a: ? b", "1:4: a text cannot begin with \"? \": put it in quotes");
  ck_fault (&f, "a: [|]", "1:5: a block text (|) cannot be inside [ ] or { }: use quotes");
  ck_fault (&f, "a: b: c",
            "1:5: a \": \" cannot be here: put a text that contains \": \" in quotes, or check the indentation");
  ck_fault (&f, "a: \"x\" y", "1:8: nothing may follow the closing \" here: put the whole text in quotes");
  ck_fault (&f, "a: 'it's'", "1:8: nothing may follow the closing ' here: put the whole text in quotes");
  ck_fault (&f, "a: [1] == b", "1:8: nothing may follow the closing ] here: put the whole text in quotes");
  done (&f);
}
END_TEST

START_TEST (wrong_syntax)
{
  struct fixture f = { 0 };
  ck_fault (&f, "a:\n\tb: 1", "2:1: a tab cannot indent or begin a text: use spaces");
  ck_fault (&f, "a: 1\nb:2\nc: 3",
            "2:1: a key needs a colon and a blank after it on the same line (or the indentation is wrong)");
  ck_fault (&f, "a: x\n- b", "2:1: a key of the map that begins at line 1, column 1 is expected: check the indentation");
  ck_fault (&f, "- a\nb: 1",
            "2:1: \"- \" of the list that begins at line 1, column 1 is expected: check the indentation");
  ck_fault (&f, "a: [1, 2", "1:4: the closing ] is missing");
  ck_fault (&f, "a: {b: 1\n\n", "1:4: the closing } is missing");
  ck_fault (&f, "a: {b: \"x\" y}", "1:12: \",\" or \"}\" is expected here, in the map that begins at line 1, column 4");
  ck_fault (&f, "a: 'x\nb: 1\n", "1:4: the closing quote is missing");
  ck_fault (&f, "a: \"\\d\"", "1:5: between double quotes \\ begins an escape that must exist (\\n, \\t, \\\", \\x41): "
                             "write \\\\ for a backslash, or use single quotes");
  ck_fault (&f, "a: \"\\xg0\"", "1:7: after \\x, \\u and \\U come 2, 4 and 8 hexadecimal digits");
  ck_fault (&f, "a: \"\\ud800\"", "1:7: no character has this code");
  ck_fault (&f, "a: - b", "1:4: a list cannot begin here: give its first \"- \" a line of its own");
  ck_fault (&f, "a: [1,,2]", "1:7: a value is missing here");
  ck_fault (&f, "--- a\n...\nb", "3:1: this does not belong to what is above: check indentation, quotes and brackets");
  ck_fault (&f, "a: |x\n y", "1:5: the text after | or > begins on the next line; put a text that begins so in quotes");
  ck_fault (&f, "%YAML 2.0\n---\na", "1:1: only YAML 1.1 and 1.2 are known");
  done (&f);
}
END_TEST

START_TEST (documents_that_are_none_or_two)
{
  struct fixture f = { 0 };
  ck_fault (&f, "", "1:1: the file is empty");
  ck_fault (&f, "# only this\n\n", "1:1: the file is empty");
  ck_fault (&f, "a: 1\n---\nb: 2\n---\n", "2:1: a second document begins here; a file holds one");
  ck_fault (&f, "a: 1\na: 2\n---\nb: [", "2:1: duplicate key \"a\"; the first one is at line 1, column 1\n"
                                           "3:1: a second document begins here; a file holds one");
  done (&f);
}
END_TEST

START_TEST (bytes_that_are_no_text)
{
  static const struct { const char *text; size_t size; const char *fault; } rows[] = {
    { "a: x\0", 5, "1:5: a NUL byte: this is no text" },
    { "é: 1\r\nb: \xff\n", 11, "2:4: byte 0xff is not UTF-8" },
    { "a: \xed\xa0\x80", 6, "1:4: byte 0xed is not UTF-8" },
    { "a: \xc3", 4, "1:4: byte 0xc3 is not UTF-8" },
    { "a: \033[1m", 7, "1:4: control character U+001B; write it as \\x1b between double quotes" },
    { "a: \302\202", 5, "1:4: control character U+0082; write it as \\x82 between double quotes" },
    { "\xff\xfe" "a\0:\0", 6, "1:1: the file is UTF-16; save it as UTF-8" },
  };
  struct fixture f = { 0 };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    parse (&f, rows[i].text, rows[i].size);
    ck_assert_str_eq (told (&f), rows[i].fault);
  }
  done (&f);
}
END_TEST

START_TEST (files)
{
  struct fixture f = { 0 };
  char path[] = "/tmp/runner-test-XXXXXX";
  int fd = mkstemp (path);
  ck_assert_int_ge (fd, 0);
  ck_assert_int_eq (write (fd, "a: [b, c]\n", 10), 10);
  ck_assert_int_eq (close (fd), 0);
  ck_assert (document_load (&f.arena, path, &f.value, &f.faults));
  ck_assert_uint_eq (at (&f, "a")->count, 2);
  ck_assert_str_eq (source_name (f.value.file), path);
  ck_assert_int_eq (unlink (path), 0);
  ck_assert (!document_load (&f.arena, path, &f.value, &f.faults));
  ck_assert (!document_load (&f.arena, "/", &f.value, &f.faults));
  ck_assert_str_eq (told (&f), "0:0: cannot be read: No such file or directory\n0:0: cannot be read: Is a directory");
  ck_assert_str_eq (source_name (f.faults.items[0].where.file), path);
  done (&f);
}
END_TEST

Suite *
document_suite (void)
{
  Suite *suite = suite_create ("document");
  TCase *tc = tcase_create ("document");
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, core_schema);
  tcase_add_test (tc, numbers_that_are_too_large);
  tcase_add_test (tc, trees);
  tcase_add_test (tc, places);
  tcase_add_test (tc, flags_of_scalars);
  tcase_add_test (tc, what_is_dynamic);
  tcase_add_test (tc, tags);
  tcase_add_test (tc, merges);
  tcase_add_test (tc, a_merge_of_many_keys);
  tcase_add_test (tc, anchors);
  tcase_add_test (tc, a_billion_laughs);
  tcase_add_test (tc, aliases_of_a_long_text);
  tcase_add_test (tc, depth);
  tcase_add_test (tc, sizes);
  tcase_add_test (tc, too_many_nodes);
  tcase_add_test (tc, duplicate_keys);
  tcase_add_test (tc, many_faults_end_the_reading);
  tcase_add_test (tc, keys_that_are_no_texts);
  tcase_add_test (tc, known_traps);
  tcase_add_test (tc, wrong_syntax);
  tcase_add_test (tc, documents_that_are_none_or_two);
  tcase_add_test (tc, bytes_that_are_no_text);
  tcase_add_test (tc, files);
  suite_add_tcase (suite, tc);
  return suite;
}
