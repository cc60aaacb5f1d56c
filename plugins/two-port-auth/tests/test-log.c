/* test-log.c - line.c and log.c: a message is one line, a line is whole. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "line.h"
#include "log.h"

static char error[512];

START_TEST (a_line_is_as_it_always_was)
{
  CLEANUP_BYTES struct bytes line = { 0 };
  struct timespec when = { 1579600000, 42000 };
  struct form_field message = FIELD ("hello, (world)"), client = FIELD ("c"), server = FIELD ("s");
  ck_assert_int_eq (setenv ("TZ", "UTC", 1), 0);
  tzset ();
  line_write (&line, &when, &message, &client, &server);
  ck_assert_str_eq (bytes_text (&line), "INFO:root:2020-01-21 09:46:40.000042: [success] (hello, (world)) c s\n");
}
END_TEST

START_TEST (what_is_no_plain_text_is_escaped)
{
  static const struct {
    struct form_field message;
    const char *written;
  } samples[] = {
    { { "a\nb", 3 }, "a\\nb" },         { { "a\\nb", 4 }, "a\\\\nb" },  { { "\r\t", 2 }, "\\r\\t" },
    { { "\0x", 2 }, "\\x00x" },         { { "\x1b[0m", 4 }, "\\x1b[0m" }, { { "\x7f", 1 }, "\\x7f" },
    { { "\xc2\x85", 2 }, "\\u0085" },   { { "\xe2\x80\xa8", 3 }, "\\u2028" }, { { "\xe2\x80\xa9", 3 }, "\\u2029" },
    { { "Ж😀", 6 }, "Ж😀" },            { { "", 0 }, "" },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    CLEANUP_BYTES struct bytes line = { 0 };
    char expected[64];
    struct timespec when = { 0, 0 };
    struct form_field client = FIELD ("a b\\"), server = FIELD ("s");
    line_write (&line, &when, &samples[i].message, &client, &server);
    snprintf (expected, sizeof expected, "[success] (%s) a\\x20b\\\\ s\n", samples[i].written);
    ck_assert_ptr_nonnull (strstr (bytes_text (&line), expected));
  }
}
END_TEST

static void
put_file (const char *name, const char *text)
{
  FILE *file = fopen (name, "w");
  ck_assert_ptr_nonnull (file);
  ck_assert_int_ge (fputs (text, file), 0);
  ck_assert_int_eq (fclose (file), 0);
}

static void
assert_file (const char *name, const char *text)
{
  char have[4096];
  FILE *file = fopen (name, "r");
  ck_assert_ptr_nonnull (file);
  have[fread (have, 1, sizeof have - 1, file)] = 0;
  fclose (file);
  ck_assert_str_eq (have, text);
}

static void
assert_write (struct log *log, const char *lines, bool works)
{
  ck_assert_int_eq (log_write (log, lines, strlen (lines), error, sizeof error), works);
}

START_TEST (lines_are_appended)
{
  struct log log;
  put_file ("log", "of somebody else\n");
  ck_assert_msg (log_open (&log, "log", error, sizeof error), "%s", error);
  assert_write (&log, "one\n", true);
  assert_write (&log, "two\nthree\n", true);
  ck_assert (log_close (&log));
  assert_file ("log", "of somebody else\none\ntwo\nthree\n");
}
END_TEST

/* The file may have so many bytes; beyond them a write is short, or fails. */
static void
limit_files (rlim_t bytes)
{
  struct rlimit limit = { bytes, RLIM_INFINITY };
  signal (SIGXFSZ, SIG_IGN);
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

START_TEST (a_line_that_does_not_fit_is_taken_back)
{
  struct log log;
  ck_assert (log_open (&log, "log", error, sizeof error));
  assert_write (&log, "one\n", true);
  limit_files (8);
  assert_write (&log, "longer\n", false);
  assert_file ("log", "one\n");
  assert_write (&log, "two\n", true);
  assert_write (&log, "three\n", false);
  limit_files (RLIM_INFINITY);
  assert_write (&log, "three\n", true);
  ck_assert (log_close (&log));
  assert_file ("log", "one\ntwo\nthree\n");
}
END_TEST

START_TEST (a_piece_that_was_left_is_removed_at_the_start)
{
  static const char *const pieces[] = { "I", "INFO:root:", "INFO:root:2026-01-01 00:00:00.0" };
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    struct log log;
    char text[128];
    snprintf (text, sizeof text, "INFO:root: whole\n%s", pieces[i]);
    put_file ("log", text);
    ck_assert_msg (log_open (&log, "log", error, sizeof error), "%s", error);
    assert_write (&log, "next\n", true);
    ck_assert (log_close (&log));
    assert_file ("log", "INFO:root: whole\nnext\n");
  }
}
END_TEST

START_TEST (a_file_of_others_is_not_cut)
{
  struct log log;
  put_file ("log", "a line\nnotes without an end");
  ck_assert (!log_open (&log, "log", error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "no end"));
  assert_file ("log", "a line\nnotes without an end");
}
END_TEST

START_TEST (a_long_piece_is_found)
{
  struct log log;
  put_file ("log", "whole\nINFO:root:");
  FILE *file = fopen ("log", "a");
  for (int i = 0; i < 10000; i++)
    ck_assert_int_ge (fputs ("piece", file), 0);
  ck_assert_int_eq (fclose (file), 0);
  ck_assert (log_open (&log, "log", error, sizeof error));
  ck_assert (log_close (&log));
  assert_file ("log", "whole\n");
}
END_TEST

START_TEST (one_server_writes_to_a_file)
{
  struct log first, second;
  ck_assert (log_open (&first, "log", error, sizeof error));
  ck_assert (!log_open (&second, "log", error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "another server"));
  ck_assert (log_close (&first));
  ck_assert (log_open (&second, "log", error, sizeof error));
  ck_assert (log_close (&second));
}
END_TEST

START_TEST (a_file_that_was_renamed_is_followed_from_the_next_batch_on)
{
  struct log log;
  ck_assert (log_open (&log, "log", error, sizeof error));
  assert_write (&log, "one\n", true);
  ck_assert_int_eq (rename ("log", "log.1"), 0);
  assert_write (&log, "two\n", true); /* of the same batch */
  log_batch (&log);
  assert_write (&log, "three\n", true);
  assert_file ("log.1", "one\ntwo\n");
  assert_file ("log", "three\n");
  ck_assert_int_eq (unlink ("log"), 0);
  put_file ("log", "of somebody else\n");
  log_batch (&log);
  assert_write (&log, "four\n", true);
  assert_file ("log", "of somebody else\nfour\n");
  ck_assert_int_eq (rename ("log", "log.2"), 0);
  ck_assert (log_look (&log, error, sizeof error));
  assert_file ("log", "");
  ck_assert (log_close (&log));
}
END_TEST

START_TEST (a_file_is_followed_without_descriptors)
{
  struct log log;
  struct rlimit old, none;
  ck_assert_int_eq (getrlimit (RLIMIT_NOFILE, &old), 0);
  ck_assert (log_open (&log, "log", error, sizeof error));
  int lowest = dup (0);
  ck_assert_int_ge (lowest, 0);
  ck_assert_int_eq (close (lowest), 0);
  none = (struct rlimit) { (rlim_t) lowest, old.rlim_max };
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &none), 0);
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq (unlink ("log"), 0);
    log_batch (&log);
    assert_write (&log, "one\n", true);
  }
  ck_assert (log_close (&log));
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &old), 0);
  assert_file ("log", "one\n");
}
END_TEST

START_TEST (a_piece_in_a_file_that_was_emptied_is_no_hole)
{
  struct log log;
  ck_assert (log_open (&log, "log", error, sizeof error));
  assert_write (&log, "one\n", true);
  log.torn = 2; /* as if a piece were left that could not be taken back */
  ck_assert_int_eq (truncate ("log", 0), 0);
  assert_write (&log, "two\n", true);
  ck_assert (log_close (&log));
  assert_file ("log", "two\n");
}
END_TEST

START_TEST (a_log_may_be_no_file)
{
  struct log log;
  ck_assert (log_open (&log, "/dev/null", error, sizeof error));
  assert_write (&log, "one\n", true);
  ck_assert (log_close (&log));
  ck_assert (!log_open (&log, "no/such/folder/log", error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "No such file"));
}
END_TEST

Suite *
log_suite (void)
{
  Suite *suite = suite_create ("log");
  TCase *tests = tcase_create ("log");
  tcase_add_checked_fixture (tests, enter_folder, leave_folder);
  tcase_add_test (tests, a_line_is_as_it_always_was);
  tcase_add_test (tests, what_is_no_plain_text_is_escaped);
  tcase_add_test (tests, lines_are_appended);
  tcase_add_test (tests, a_line_that_does_not_fit_is_taken_back);
  tcase_add_test (tests, a_piece_that_was_left_is_removed_at_the_start);
  tcase_add_test (tests, a_file_of_others_is_not_cut);
  tcase_add_test (tests, a_long_piece_is_found);
  tcase_add_test (tests, one_server_writes_to_a_file);
  tcase_add_test (tests, a_file_that_was_renamed_is_followed_from_the_next_batch_on);
  tcase_add_test (tests, a_file_is_followed_without_descriptors);
  tcase_add_test (tests, a_piece_in_a_file_that_was_emptied_is_no_hole);
  tcase_add_test (tests, a_log_may_be_no_file);
  suite_add_tcase (suite, tests);
  return suite;
}
