/* test-regexp.c - regexp.c: searching, its limits, its cache. */
#include "unit.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "regexp.h"
#include "text.h"

static char error[256];

static int
search (const char *regex, const char *text)
{
  error[0] = '\0';
  return regex_search (regex, strlen (regex), text, strlen (text), NULL, 0, NULL, error, sizeof error);
}

START_TEST (it_searches_anywhere)
{
  ck_assert_int_eq (search ("b+", "aabbcc"), REGEX_YES);
  ck_assert_int_eq (search ("^b+", "aabbcc"), REGEX_NO);
  ck_assert_int_eq (search ("", ""), REGEX_YES);
}
END_TEST

START_TEST (groups_are_told)
{
  size_t groups[10], found;
  const char *text = "key=value";
  ck_assert_int_eq (regex_search ("(\\w+)=(\\w+)|(x)", 15, text, strlen (text), groups, 5, &found, error,
                                  sizeof error),
                    REGEX_YES);
  ck_assert_uint_eq (found, 4);
  ck_assert_uint_eq (groups[2], 0);
  ck_assert_uint_eq (groups[3], 3);
  ck_assert_uint_eq (groups[4], 4);
  ck_assert_uint_eq (groups[5], 9);
  ck_assert_uint_eq (groups[6], SIZE_MAX); /* did not take part */
  ck_assert_uint_eq (groups[8], SIZE_MAX); /* there is none */
  /* fewer asked for than there are */
  ck_assert_int_eq (regex_search ("(k)(e)", 6, text, strlen (text), groups, 1, &found, error, sizeof error),
                    REGEX_YES);
  ck_assert_uint_eq (groups[1], 2);
  ck_assert_uint_eq (found, 3);
}
END_TEST

START_TEST (characters_count_when_both_are_utf8)
{
  ck_assert_int_eq (search ("^.$", "é"), REGEX_YES);
  ck_assert_int_eq (search ("^..$", "\xff\xfe"), REGEX_YES);
  ck_assert_int_eq (search ("\\xff", "\xff"), REGEX_YES);
  ck_assert_int_eq (search ("(?i)É", "é"), REGEX_YES);
}
END_TEST

START_TEST (what_is_wrong_is_told_with_its_place)
{
  ck_assert_int_eq (search ("é(b", "x"), REGEX_WRONG);
  ck_assert_str_eq (error, "bad regular expression at character 4: missing closing parenthesis");
  size_t offset = 99;
  ck_assert (!regex_check ("é[b", strlen ("é[b"), &offset, error, sizeof error));
  ck_assert_uint_eq (offset, 3);
  ck_assert_str_eq (error, "missing terminating ] for character class");
  ck_assert (regex_check ("a|b", 3, NULL, error, sizeof error));
  ck_assert_int_eq (search ("\\C", "é"), REGEX_WRONG);
}
END_TEST

/* A runaway is refused, quickly even under sanitizers. */
static void
refused_quickly (const char *regex, const char *text)
{
  int64_t start = clock_now_ns ();
  ck_assert_int_eq (search (regex, text), REGEX_WRONG);
  ck_assert_str_eq (error, "the regular expression needs too long on this text");
  ck_assert_int_lt (clock_now_ns () - start, INT64_C (3000000000));
}

START_TEST (a_runaway_is_stopped)
{
  refused_quickly ("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab");
  refused_quickly ("^(([a-z])+.)+[A-Z]([a-z])+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
}
END_TEST

START_TEST (long_texts_are_no_runaway)
{
  size_t size = 1 << 20;
  char *text = malloc (size);
  ck_assert_ptr_nonnull (text);
  memset (text, 'a', size);
  text[1000] = 'x';
  ck_assert_int_eq (regex_search (".*x", 3, text, size, NULL, 0, NULL, error, sizeof error), REGEX_YES);
  ck_assert_int_eq (regex_search ("^(a|b)*x", 8, text, size, NULL, 0, NULL, error, sizeof error), REGEX_YES);
  free (text);
}
END_TEST

START_TEST (nesting_is_bounded)
{
  char regex[4001];
  memset (regex, '(', 2000);
  memset (regex + 2000, ')', 2000);
  regex[4000] = '\0';
  ck_assert_int_eq (search (regex, "x"), REGEX_WRONG);
  ck_assert_ptr_nonnull (strstr (error, "nested"));
}
END_TEST

/* More expressions than the cache keeps, from several threads: it is emptied
 * while others use what was in it. */
static void *
many_expressions (void *wrong)
{
  for (int i = 0; i < 6000; i++) {
    char regex[32], text[32], why[128];
    int n = snprintf (regex, sizeof regex, "^n%d(x?)$", i);
    int m = snprintf (text, sizeof text, "n%d", i);
    size_t groups[4];
    if (regex_search (regex, (size_t) n, text, (size_t) m, groups, 2, NULL, why, sizeof why) != REGEX_YES
        || groups[2] != (size_t) m)
      ++*(int *) wrong;
  }
  return NULL;
}

START_TEST (threads_share_the_cache)
{
  pthread_t threads[4];
  int wrong[4] = { 0 };
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, many_expressions, &wrong[i]), 0);
  for (int i = 0; i < 4; i++) {
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
    ck_assert_int_eq (wrong[i], 0);
  }
}
END_TEST

Suite *
regexp_suite (void)
{
  Suite *suite = suite_create ("regexp");
  TCase *tc = tcase_create ("regexp");
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, it_searches_anywhere);
  tcase_add_test (tc, groups_are_told);
  tcase_add_test (tc, characters_count_when_both_are_utf8);
  tcase_add_test (tc, what_is_wrong_is_told_with_its_place);
  tcase_add_test (tc, a_runaway_is_stopped);
  tcase_add_test (tc, long_texts_are_no_runaway);
  tcase_add_test (tc, nesting_is_bounded);
  tcase_add_test (tc, threads_share_the_cache);
  suite_add_tcase (suite, tc);
  return suite;
}
