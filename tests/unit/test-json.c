/* test-json.c - json.c: reading, writing, and bytes that are no UTF-8. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include "json.h"

struct fixture { struct arena arena; struct buffer out; struct value value; char error[200]; };

static void
done (struct fixture *f)
{
  arena_free (&f->arena);
  buffer_free (&f->out);
}

static bool
parse (struct fixture *f, const char *text, size_t size)
{
  return json_parse (&f->arena, text, size, &f->value, f->error, sizeof f->error);
}

static const char *
written (struct fixture *f)
{
  f->out.size = 0;
  json_write (&f->out, &f->value);
  return buffer_text (&f->out);
}

#define ck_same(f, text)                                                           \
  do {                                                                             \
    ck_assert_msg (parse (f, text, strlen (text)), "%s: %s", text, (f)->error);    \
    ck_assert_str_eq (written (f), text);                                          \
  } while (0)

#define ck_refused(f, text, what)                                                  \
  do {                                                                             \
    ck_assert_msg (!parse (f, text, sizeof text - 1), "%s", text);                 \
    ck_assert_msg (strstr ((f)->error, what) != NULL, "%s: %s", text, (f)->error); \
    ck_assert_int_eq ((f)->value.type, VALUE_NULL);                                \
  } while (0)

START_TEST (what_is_read_is_written_again)
{
  struct fixture f = { 0 };
  ck_same (&f, "null");
  ck_same (&f, "true");
  ck_same (&f, "\"text\"");
  ck_same (&f, "[]");
  ck_same (&f, "{}");
  ck_same (&f, "{\"b\":[1,{\"a\":null}],\"a\":\"é日\\\"\\\\\\n\\u0001\"}"); /* members keep their order */
  ck_same (&f, "[9223372036854775807,-9223372036854775808]");
  ck_same (&f, "[0.1,1.0,1e+300,5e-324,-0.0,123456789012345.67]");
  ck_same (&f, "\"\\u0000\"");
  ck_assert_uint_eq (f.value.size, 1);
  done (&f);
}
END_TEST

START_TEST (text_escapes_are_decoded)
{
  struct fixture f = { 0 };
  ck_assert (parse (&f, "\"\\u00e9\\ud83d\\udc80\\/\"", 22));
  ck_assert_str_eq (f.value.string, "é💀/");
  done (&f);
}
END_TEST

START_TEST (what_is_wrong_is_refused_with_its_place)
{
  struct fixture f = { 0 };
  ck_refused (&f, "", "line 1, column 1: ");
  ck_refused (&f, "{\"a\": 1,\n \"a\": 2}", "line 2, column 4: duplicate object key");
  ck_refused (&f, "[1,\n  }", "line 2, column 3: ");
  ck_refused (&f, "[1] x", "end of file expected");
  ck_refused (&f, "9223372036854775808", "integer");
  ck_refused (&f, "1e999", "real number overflow");
  ck_refused (&f, "[1,]", "");
  ck_refused (&f, "'a'", "");
  ck_refused (&f, "\"\xff\"", "unable to decode byte 0xff");
  ck_refused (&f, "\"\\ud800\"", "");
  ck_refused (&f, "\"\\udc7f\"", "");   /* no escaped byte: below 0x80 */
  ck_refused (&f, "\"\\udd00\"", "");
  ck_refused (&f, "\"a", "");
  ck_refused (&f, "\"\\", "");
  ck_refused (&f, "\"\\u", "");
  ck_refused (&f, "\"\\udc8", "");
  ck_refused (&f, "\\udc80", "");
  ck_refused (&f, "[\"\\udc80\", }", "line 1, column 12: ");
  char small[8] = "xxxxxxx";
  ck_assert (!json_parse (&f.arena, "[", 1, &f.value, small, sizeof small));
  ck_assert_str_eq (small, "line 1,");
  ck_assert (!json_parse (&f.arena, "[", 1, &f.value, NULL, 0));
  done (&f);
}
END_TEST

START_TEST (depth_is_limited)
{
  struct fixture f = { 0 };
  struct buffer text = { 0 };
  for (int i = 0; i < 64; i++)
    buffer_putc (&text, '[');
  for (int i = 0; i < 64; i++)
    buffer_putc (&text, ']');
  ck_assert (parse (&f, text.data, text.size));
  text.size = 0;
  buffer_lit (&text, "\n\"[[\\\"[[\",");
  for (int i = 0; i < 100000; i++)
    buffer_puts (&text, i % 2 ? "[" : "{\"a\":");
  ck_assert (!parse (&f, text.data, text.size));
  ck_assert_str_eq (f.error, "line 2, column 202: nested more than 64 levels deep");
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (values_are_limited)
{
  struct fixture f = { 0 };
  size_t size = 5000000;
  char *text = malloc (size);
  ck_assert_ptr_nonnull (text);
  memset (text, ',', size);
  text[0] = '[';
  ck_assert (!parse (&f, text, size));
  ck_assert_ptr_nonnull (strstr (f.error, "more than 4000000 values"));
  free (text);
  done (&f);
}
END_TEST

START_TEST (every_byte_survives)
{
  struct fixture f = { 0 };
  char bytes[257] = { 0 };
  for (int i = 0; i < 256; i++)
    bytes[i] = (char) i;
  f.value = value_text (bytes, 256);
  struct buffer text = { 0 };
  json_write (&text, &f.value);
  ck_assert_ptr_nonnull (strstr (buffer_text (&text), "\\udc80\\udc81"));
  ck_assert_msg (parse (&f, text.data, text.size), "%s", f.error);
  ck_assert_uint_eq (f.value.size, 256);
  ck_assert_mem_eq (f.value.string, bytes, 257);
  buffer_free (&text);
  done (&f);
}
END_TEST

START_TEST (the_mark_of_hidden_bytes_survives_too)
{
  static const char *const texts[] = {
    "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbfudc80\x80", "\x80\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbfudc80",
    "\xff\xf4\x8f\xbf", "\xe2\x82\xff\xed\xb2\x80",
  };
  struct fixture f = { 0 };
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    f.value = value_string (texts[i]);
    struct buffer text = { 0 };
    json_write (&text, &f.value);
    ck_assert_msg (parse (&f, text.data, text.size), "%s: %s", texts[i], f.error);
    ck_assert_str_eq (f.value.string, texts[i]);
    buffer_free (&text);
  }
  /* the mark as an escape, beside a hidden byte */
  ck_assert (parse (&f, "\"\\udbff\\udfffudc80\\uDC80\"", 25));
  ck_assert_str_eq (f.value.string, "\xf4\x8f\xbf\xbfudc80\x80");
  done (&f);
}
END_TEST

START_TEST (keys_may_have_hidden_bytes_but_are_not_repeated)
{
  struct fixture f = { 0 };
  ck_same (&f, "{\"\\udcff\":1,\"\\udc80\":2}");
  ck_assert_ptr_nonnull (value_get (&f.value, "\xff"));
  ck_refused (&f, "{\"\\udcff\":1,\"\\uDCFF\":2}", "duplicate object key");
  ck_refused (&f, "[{\"\\udcc3\\udca9\":1,\"é\":2}]", "duplicate object key");
  done (&f);
}
END_TEST

START_TEST (what_json_has_not_is_null)
{
  struct fixture f = { 0 };
  struct value items[] = { value_float (NAN), value_float (INFINITY), value_float (-INFINITY), value_float (2) };
  f.value = (struct value) { .type = VALUE_LIST, .count = 4, .items = items };
  ck_assert_str_eq (written (&f), "[null,null,null,2.0]");
  done (&f);
}
END_TEST

START_TEST (pretty)
{
  struct fixture f = { 0 };
  ck_assert (parse (&f, "{\"a\":[1,[]],\"b\":{}}", 19));
  json_write_pretty (&f.out, &f.value);
  ck_assert_str_eq (buffer_text (&f.out), "{\n"
                                          "  \"a\": [\n"
                                          "    1,\n"
                                          "    []\n"
                                          "  ],\n"
                                          "  \"b\": {}\n"
                                          "}");
  done (&f);
}
END_TEST

Suite *
json_suite (void)
{
  Suite *suite = suite_create ("json");
  TCase *tc = tcase_create ("json");
  tcase_add_test (tc, what_is_read_is_written_again);
  tcase_add_test (tc, text_escapes_are_decoded);
  tcase_add_test (tc, what_is_wrong_is_refused_with_its_place);
  tcase_add_test (tc, depth_is_limited);
  tcase_add_test (tc, values_are_limited);
  tcase_add_test (tc, every_byte_survives);
  tcase_add_test (tc, the_mark_of_hidden_bytes_survives_too);
  tcase_add_test (tc, keys_may_have_hidden_bytes_but_are_not_repeated);
  tcase_add_test (tc, what_json_has_not_is_null);
  tcase_add_test (tc, pretty);
  suite_add_tcase (suite, tc);
  return suite;
}
