/* test-capture.c - capture.c: the first and the last MiB, whatever comes between. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "capture.h"

static struct capture capture;

static void
setup (void)
{
  ck_assert (capture_new (&capture));
}

static void
teardown (void)
{
  capture_free (&capture);
}

/* Byte number i of what is put: tells its place. */
static char
byte_at (uint64_t i)
{
  return (char) (i * 31 + i / 251);
}

static void
put_bytes (uint64_t from, size_t n)
{
  char *data = malloc (n);
  ck_assert_ptr_nonnull (data);
  for (size_t i = 0; i < n; i++)
    data[i] = byte_at (from + i);
  capture_put (&capture, data, n);
  free (data);
}

START_TEST (little_is_kept_whole)
{
  char data[16];
  uint64_t from = 0;
  capture_put (&capture, "hello", 5);
  ck_assert_uint_eq (capture_read (&capture, &from, data, sizeof data), 5);
  ck_assert_mem_eq (data, "hello", 5);
  from = 5;
  ck_assert_uint_eq (capture_read (&capture, &from, data, sizeof data), 0);
  ck_assert (!capture_ended (&capture));
  capture_end (&capture);
  ck_assert (capture_ended (&capture));
}
END_TEST

START_TEST (of_much_the_ends_are_kept)
{
  const uint64_t total = 5 * CAPTURE_PART + 12345;
  for (uint64_t done = 0; done < total; done += 54321)
    put_bytes (done, total - done < 54321 ? (size_t) (total - done) : 54321);
  ck_assert_uint_eq (capture_total (&capture), total);

  char data[1000];
  uint64_t from = CAPTURE_PART - 10; /* across the end of the first part */
  ck_assert_uint_eq (capture_read (&capture, &from, data, sizeof data), 10);
  for (int i = 0; i < 10; i++)
    ck_assert_int_eq (data[i], byte_at (CAPTURE_PART - 10 + (uint64_t) i));
  from = CAPTURE_PART; /* what comes next was overwritten */
  ck_assert_uint_eq (capture_read (&capture, &from, data, sizeof data), sizeof data);
  ck_assert_uint_eq (from, total - CAPTURE_PART);
  for (size_t i = 0; i < sizeof data; i++)
    ck_assert_int_eq (data[i], byte_at (from + i));

  struct buffer text = { 0 };
  capture_text (&capture, &text);
  ck_assert_uint_gt (text.size, 2 * CAPTURE_PART);
  ck_assert_ptr_nonnull (memmem (text.data, text.size, "bytes left out", 14));
  ck_assert_int_eq (text.data[text.size - 1], byte_at (total - 1));
  text.size = 0;
  capture_tail (&capture, 100, &text);
  ck_assert_uint_eq (text.size, 100);
  ck_assert_int_eq (text.data[99], byte_at (total - 1));
  buffer_free (&text);
}
END_TEST

START_TEST (what_came_since_begins_with_a_line)
{
  struct buffer text = { 0 };
  capture_put (&capture, "before\n", 7);
  capture_put (&capture, "cut in two\nwhole\n", 17);
  capture_since (&capture, 7, 100, &text);
  ck_assert_str_eq (buffer_text (&text), "cut in two\nwhole\n");
  text.size = 0;
  capture_since (&capture, 7, 10, &text);
  ck_assert_str_eq (buffer_text (&text), "[… 11 bytes left out …]\nwhole\n");
  text.size = 0;
  capture_since (&capture, 24, 10, &text);
  ck_assert_uint_eq (text.size, 0);
  buffer_free (&text);
}
END_TEST

START_TEST (the_first_status_counts)
{
  int status;
  ck_assert_int_eq (capture_status (&capture, &status), STATUS_UNKNOWN);
  ck_assert_int_eq (capture_ended_ns (&capture), 0);
  capture_tell_status (&capture, STATUS_TOLD, 7 << 8);
  capture_tell_status (&capture, STATUS_LOST, 0);
  ck_assert_int_eq (capture_status (&capture, &status), STATUS_TOLD);
  ck_assert_int_eq (status, 7 << 8);
  capture_end (&capture);
  ck_assert_int_gt (capture_ended_ns (&capture), 0);
}
END_TEST

Suite *
capture_suite (void)
{
  Suite *suite = suite_create ("capture");
  TCase *tc = tcase_create ("capture");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, little_is_kept_whole);
  tcase_add_test (tc, of_much_the_ends_are_kept);
  tcase_add_test (tc, what_came_since_begins_with_a_line);
  tcase_add_test (tc, the_first_status_counts);
  suite_add_tcase (suite, tc);
  return suite;
}
