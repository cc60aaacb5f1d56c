/* test-source.c - source.c: lines of files, faults and how they are shown. */
#include "unit.h"

#include <stdlib.h>

#include "source.h"

static struct value
at (uint16_t file, uint32_t line, uint32_t column)
{
  return (struct value) { .file = file, .line = line, .column = column };
}

static void
ck_line (uint16_t file, uint32_t line, const char *expected)
{
  size_t size;
  const char *text = source_line (file, line, &size);
  if (!expected) {
    ck_assert_ptr_null (text);
    return;
  }
  ck_assert_ptr_nonnull (text);
  ck_assert_uint_eq (size, strlen (expected));
  ck_assert_mem_eq (text, expected, size);
}

/* What faults_print prints; the caller frees it. */
static char *
printed (const struct faults *faults, bool color)
{
  char *text = NULL;
  size_t size;
  FILE *file = open_memstream (&text, &size);
  ck_assert_ptr_nonnull (file);
  faults_print (faults, file, color);
  ck_assert_int_eq (fclose (file), 0);
  return text;
}

#define ck_printed(faults, expected)        \
  do {                                      \
    char *text_ = printed (faults, false);  \
    ck_assert_str_eq (text_, expected);     \
    free (text_);                           \
  } while (0)

START_TEST (lines_end_in_every_way)
{
  static const char text[] = "one\r\ntwo\rthree\n\nfive\302\205six\342\200\250seven";
  uint16_t file = source_add ("a.yaml", text, sizeof text - 1);
  ck_assert_uint_eq (file, 1);
  ck_assert_str_eq (source_name (file), "a.yaml");
  const char *const lines[] = { "one", "two", "three", "", "five", "six", "seven" };
  for (uint32_t i = 0; i < 7; i++)
    ck_line (file, i + 1, lines[i]);
  ck_line (file, 8, NULL);
  ck_line (file, 0, NULL);
  ck_line (2, 1, NULL);
  ck_assert_str_eq (source_name (2), "");
  ck_assert_str_eq (source_name (0), "");
  source_forget_all ();
}
END_TEST

START_TEST (every_line_of_a_long_file_is_found)
{
  struct buffer text = { 0 };
  for (int i = 1; i <= 1000; i++)
    buffer_printf (&text, "line %d\n", i);
  uint16_t file = source_add ("long.yaml", text.data, text.size);
  for (uint32_t i = 1; i <= 1000; i++) {
    char expected[20];
    snprintf (expected, sizeof expected, "line %u", i);
    ck_line (file, i, expected);
  }
  ck_line (file, 1001, "");
  ck_line (file, 1002, NULL);
  ck_line (file, UINT32_MAX, NULL);
  buffer_free (&text);
  source_forget_all ();
}
END_TEST

START_TEST (places_leave_out_what_is_not_known)
{
  uint16_t file = source_add ("s.yaml", "", 0);
  struct buffer out = { 0 };
  struct value places[] = { at (file, 3, 9), at (file, 3, 0), at (file, 0, 0), at (0, 3, 9) };
  for (int i = 0; i < 4; i++) {
    place_print (&out, &places[i]);
    buffer_putc (&out, '|');
  }
  ck_assert_str_eq (buffer_text (&out), "s.yaml:3:9|s.yaml:3|s.yaml||");
  buffer_free (&out);
  source_forget_all ();
}
END_TEST

START_TEST (files_are_limited)
{
  uint16_t file = 0;
  for (int i = 0; i < 65000; i++)
    file = source_add ("x", "", 0);
  ck_assert_uint_eq (file, 65000);
  ck_assert_uint_eq (source_add ("x", "", 0), 0);
  source_forget_all ();
}
END_TEST

START_TEST (faults_are_printed_in_order_with_a_caret)
{
  static const char text[] = "suite: a\n\ttests: {b: 1}\n";
  uint16_t file = source_add ("a.yaml", text, sizeof text - 1);
  uint16_t other = source_add ("b.yaml", "x\n", 2);
  struct faults faults = { 0 };
  struct value first = at (other, 1, 1), second = at (file, 2, 10), third = at (file, 1, 8);
  fault_add (&faults, &first, "in the other %s", "file");
  fault_add (&faults, &second, "late");
  fault_add (&faults, &third, "early");
  fault_add (&faults, &second, "later");
  fault_add (&faults, &second, "late"); /* again: dropped */
  fault_add (&faults, NULL, "nowhere");
  ck_assert_uint_eq (faults.count, 5);
  ck_printed (&faults, "nowhere\n"
                       "a.yaml:1:8: early\n"
                       "  suite: a\n"
                       "         ^\n"
                       "a.yaml:2:10: late\n"
                       "  \ttests: {b: 1}\n"
                       "  \t        ^\n"
                       "a.yaml:2:10: later\n"
                       "  \ttests: {b: 1}\n"
                       "  \t        ^\n"
                       "b.yaml:1:1: in the other file\n"
                       "  x\n"
                       "  ^\n");
  faults_free (&faults);
  source_forget_all ();
}
END_TEST

START_TEST (the_shown_line_is_harmless_and_aligned)
{
  static const char text[] = "\033[2J\xffé日\342\200\256x: y\n";
  uint16_t file = source_add ("a.yaml", text, sizeof text - 1);
  struct faults faults = { 0 };
  struct value where = at (file, 1, 9); /* the x */
  fault_add (&faults, &where, "here\033[2J");
  ck_printed (&faults, "a.yaml:1:9: here\\x1b[2J\n"
                       "  \\x1b[2J\\xffé日\\u202ex: y\n"
                       "                      ^\n");
  faults_free (&faults);
  source_forget_all ();
}
END_TEST

START_TEST (a_long_line_is_cut_around_the_caret)
{
  char text[500];
  memset (text, 'a', sizeof text);
  text[250] = 'X';
  uint16_t file = source_add ("a.yaml", text, sizeof text);
  struct faults faults = { 0 };
  struct value where = at (file, 1, 251);
  fault_add (&faults, &where, "here");
  char *out = printed (&faults, false);
  char *line = strchr (out, '\n') + 1, *caret = strchr (line, '\n') + 1;
  ck_assert_uint_lt ((size_t) (caret - line), 130);
  /* "…" has three bytes and one column */
  ck_assert_int_eq (line[strchr (caret, '^') - caret + 2], 'X');
  free (out);
  faults_free (&faults);

  where.column = 501; /* just after the end */
  fault_add (&faults, &where, "end");
  out = printed (&faults, false);
  ck_assert_ptr_nonnull (strstr (out, "aaa\n"));
  free (out);
  faults_free (&faults);
  source_forget_all ();
}
END_TEST

START_TEST (colour_is_only_used_when_asked_for)
{
  uint16_t file = source_add ("a.yaml", "x", 1);
  struct faults faults = { 0 };
  struct value where = at (file, 1, 1);
  fault_add (&faults, &where, "here");
  char *with = printed (&faults, true), *without = printed (&faults, false);
  ck_assert_ptr_nonnull (strstr (with, "\033["));
  ck_assert_ptr_null (strchr (without, '\033'));
  free (with);
  free (without);
  faults_free (&faults);
  source_forget_all ();
}
END_TEST

START_TEST (unknown_names_get_a_hint)
{
  static const char *const names[] = { "suite", "tests", "teardown", NULL };
  uint16_t file = source_add ("a.yaml", "tset: 1", 7);
  struct faults faults = { 0 };
  struct value where = at (file, 1, 1);
  fault_unknown (&faults, &where, "key", "tets", names);
  fault_unknown (&faults, &where, "key", "zebra\n", names);
  ck_assert_str_eq (faults.items[0].message, "unknown key \"tets\"; did you mean \"tests\"?");
  ck_assert_str_eq (faults.items[1].message, "unknown key \"zebra\\n\"; known: suite, tests, teardown");
  faults_free (&faults);
  source_forget_all ();
}
END_TEST

START_TEST (too_many_faults_are_counted)
{
  struct faults faults = { 0 };
  for (int i = 0; i < FAULTS_LIMIT + 123; i++)
    fault_add (&faults, NULL, "fault %d", i);
  ck_assert_uint_eq (faults.count, FAULTS_LIMIT);
  ck_assert_uint_eq (faults.more, 123);
  char *out = printed (&faults, false);
  ck_assert_ptr_nonnull (strstr (out, "\nfault 999\n… and 123 more\n"));
  ck_assert_ptr_null (strstr (out, "fault 1000"));
  free (out);
  faults_free (&faults);
}
END_TEST

Suite *
source_suite (void)
{
  Suite *suite = suite_create ("source");
  TCase *tc = tcase_create ("source");
  tcase_add_test (tc, lines_end_in_every_way);
  tcase_add_test (tc, every_line_of_a_long_file_is_found);
  tcase_add_test (tc, places_leave_out_what_is_not_known);
  tcase_add_test (tc, files_are_limited);
  tcase_add_test (tc, faults_are_printed_in_order_with_a_caret);
  tcase_add_test (tc, the_shown_line_is_harmless_and_aligned);
  tcase_add_test (tc, a_long_line_is_cut_around_the_caret);
  tcase_add_test (tc, colour_is_only_used_when_asked_for);
  tcase_add_test (tc, unknown_names_get_a_hint);
  tcase_add_test (tc, too_many_faults_are_counted);
  suite_add_tcase (suite, tc);
  return suite;
}
