/* test-text.c - text.c: names, and what can be passed over quickly. */
#include "unit.h"

#include <string.h>

#include "text.h"

/* Every byte, at every place of a text that is longer than what is looked at at once. */
START_TEST (plain_stops_at_the_first_other_byte)
{
  char text[21];
  for (size_t at = 0; at < sizeof text; at++)
    for (int byte = 0; byte < 256; byte++) {
      bool plain = byte >= 0x20 && byte < 0x7f;
      memset (text, '~', sizeof text);
      text[at] = (char) byte;
      ck_assert_uint_eq (text_plain (text, sizeof text), plain ? sizeof text : at);
    }
}
END_TEST

START_TEST (plain_stays_within_the_text)
{
  for (size_t size = 0; size <= 20; size++)
    ck_assert_uint_eq (text_plain ("a text of many bytes", size), size);
}
END_TEST

START_TEST (a_cut_text_begins_with_its_first_whole_line)
{
  ck_assert_uint_eq (text_cut_line ("ne\ntwo\n", 7), 3);
  ck_assert_uint_eq (text_cut_line ("\ntwo", 4), 1);
  ck_assert_uint_eq (text_cut_line ("one line\n", 9), 0); /* nothing would be left */
  ck_assert_uint_eq (text_cut_line ("one line", 8), 0);
  ck_assert_uint_eq (text_cut_line ("", 0), 0);
}
END_TEST

START_TEST (columns_of_a_terminal)
{
  ck_assert_uint_eq (utf8_columns ("", 0), 0);
  ck_assert_uint_eq (utf8_columns ("µs…", 6), 3);
  ck_assert_uint_eq (utf8_columns ("e\u0301", 3), 1); /* an accent of its own */
  ck_assert_uint_eq (utf8_columns ("登録 a", 8), 6);
  ck_assert_uint_eq (utf8_columns ("a\xff", 2), 2);
}
END_TEST

START_TEST (one_of_names)
{
  static const char *const names[] = { "set", "settings", "do", NULL };
  ck_assert (text_is_one_of ("set", 3, names));
  ck_assert (text_is_one_of ("settings", 8, names));
  ck_assert (text_is_one_of ("down", 2, names));
  ck_assert (!text_is_one_of ("se", 2, names));
  ck_assert (!text_is_one_of ("down", 4, names));
  ck_assert (!text_is_one_of ("set\0", 4, names));
  ck_assert (!text_is_one_of ("", 0, names));
}
END_TEST

START_TEST (names_of_variables)
{
  ck_assert (text_is_name ("ending", 6));
  ck_assert (text_is_name ("_1", 2));
  ck_assert (!text_is_name ("end", 3));
  ck_assert (!text_is_name ("1a", 2));
  ck_assert (!text_is_name ("a-b", 3));
  ck_assert (!text_is_name ("", 0));
  ck_assert (text_is_reserved ("end", 3));
  ck_assert (!text_is_reserved ("en", 2));
}
END_TEST

Suite *
text_suite (void)
{
  Suite *suite = suite_create ("text");
  TCase *tests = tcase_create ("text");
  tcase_add_test (tests, plain_stops_at_the_first_other_byte);
  tcase_add_test (tests, plain_stays_within_the_text);
  tcase_add_test (tests, a_cut_text_begins_with_its_first_whole_line);
  tcase_add_test (tests, columns_of_a_terminal);
  tcase_add_test (tests, one_of_names);
  tcase_add_test (tests, names_of_variables);
  suite_add_tcase (suite, tests);
  return suite;
}
