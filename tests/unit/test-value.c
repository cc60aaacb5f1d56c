/* test-value.c - value.c: equality, printing, building. */
#include "unit.h"

#include "out.h"
#include "value.h"

START_TEST (numbers_are_equal_by_value_not_by_type)
{
  struct value one = value_int (1), one_f = value_float (1.0), big = value_int (INT64_MAX),
               big_f = value_float (0x1p63);
  ck_assert (value_equal (&one, &one_f));
  ck_assert (!value_equal (&big, &big_f));
  struct value text = value_string ("1");
  ck_assert (!value_equal (&one, &text));
}
END_TEST

START_TEST (what_was_put_before_a_reset_takes_no_memory)
{
  struct arena arena = { 0 };
  struct runner_out out;
  out_init (&out, &arena);
  for (int i = 0; i < 1000; i++) {
    char text[100] = "";
    runner_put_reset (&out);
    runner_put_text (&out, "data", text, sizeof text);
    runner_put_list (&out, "list");
    runner_put_int (&out, NULL, i);
    runner_put_end (&out);
    struct value seen = out_peek (&out);
    ck_assert_int_eq (value_get (&seen, "list")->items[0].integer, i);
  }
  ck_assert_uint_lt (arena.used + out.own.used, 3000);
  struct value value = out_finish (&out);
  out_free (&out);
  ck_assert_int_eq (value_get (&value, "list")->items[0].integer, 999);
  ck_assert_uint_eq (value_get (&value, "data")->size, 100);
  arena_free (&arena);
}
END_TEST

START_TEST (a_builder_makes_nested_values)
{
  struct arena arena = { 0 };
  struct builder b;
  builder_init (&b, &arena);
  ck_assert (builder_open (&b, (struct value) { .type = VALUE_MAP }));
  ck_assert (!builder_put (&b, value_int (1))); /* a key comes first */
  ck_assert (builder_key (&b, value_string ("list")));
  ck_assert (builder_open (&b, (struct value) { .type = VALUE_LIST }));
  ck_assert (builder_put (&b, value_int (7)));
  ck_assert (builder_put (&b, value_float (2.0)));
  ck_assert (builder_close (&b));
  ck_assert (builder_close (&b));
  struct value v = builder_finish (&b);
  struct buffer out = { 0 };
  value_show (&out, &v, 1000);
  ck_assert_str_eq (buffer_text (&out), "{\"list\": [7, 2.0]}");
  out.size = 0;
  ck_assert (value_print (&out, &value_get (&v, "list")->items[1]));
  ck_assert_str_eq (buffer_text (&out), "2");
  buffer_free (&out);
  builder_free (&b);
  arena_free (&arena);
}
END_TEST

START_TEST (a_builder_stops_at_its_depth)
{
  struct arena arena = { 0 };
  struct builder b;
  builder_init (&b, &arena);
  for (int i = 0; i < BUILDER_DEPTH; i++)
    ck_assert (builder_open (&b, (struct value) { .type = VALUE_LIST }));
  ck_assert (!builder_open (&b, (struct value) { .type = VALUE_LIST }));
  builder_free (&b);
  arena_free (&arena);
}
END_TEST

START_TEST (headers_ignore_case)
{
  struct member m[] = { { value_string ("Content-Type"), value_int (1) } };
  struct value map = { .type = VALUE_MAP, .count = 1, .members = m };
  ck_assert_ptr_null (value_get (&map, "content-type"));
  map.flags = VALUE_CASELESS;
  ck_assert_ptr_nonnull (value_get (&map, "content-type"));
}
END_TEST

Suite *
value_suite (void)
{
  Suite *suite = suite_create ("value");
  TCase *tc = tcase_create ("value");
  tcase_add_test (tc, numbers_are_equal_by_value_not_by_type);
  tcase_add_test (tc, what_was_put_before_a_reset_takes_no_memory);
  tcase_add_test (tc, a_builder_makes_nested_values);
  tcase_add_test (tc, a_builder_stops_at_its_depth);
  tcase_add_test (tc, headers_ignore_case);
  suite_add_tcase (suite, tc);
  return suite;
}
