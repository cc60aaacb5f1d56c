/* test-http.c - the byte strings of the plugin http and their encodings. */
#include "unit.h"

#include <string.h>

#include "../../plugins/http/bytes.h"

static const char *
encoded (struct http_bytes *bytes, const char *text, size_t size, int plus)
{
  http_bytes_clear (bytes);
  http_bytes_url (bytes, text, size, plus);
  return http_bytes_text (bytes);
}

START_TEST (percent_encoding)
{
  struct http_bytes bytes = { 0 };
  ck_assert_str_eq (encoded (&bytes, "aZ09-._~", 8, 0), "aZ09-._~");
  ck_assert_str_eq (encoded (&bytes, "a b+c&d=e/", 10, 0), "a%20b%2Bc%26d%3De%2F");
  ck_assert_str_eq (encoded (&bytes, "a b+c", 5, 1), "a+b%2Bc");
  ck_assert_str_eq (encoded (&bytes, "\0\xff\xc3\xa4", 4, 1), "%00%FF%C3%A4");
  ck_assert_str_eq (encoded (&bytes, "", 0, 0), "");
  http_bytes_free (&bytes);
}
END_TEST

static const char *
shown (struct http_bytes *bytes, const char *text, size_t limit)
{
  http_bytes_clear (bytes);
  http_bytes_shown (bytes, text, strlen (text), limit);
  return http_bytes_text (bytes);
}

START_TEST (excerpts)
{
  struct http_bytes bytes = { 0 };
  ck_assert_str_eq (shown (&bytes, "\n  one\t\x01two \r\n", 100), "one two");
  ck_assert_str_eq (shown (&bytes, "0123456789", 10), "0123456789");
  ck_assert_str_eq (shown (&bytes, "0123456789", 9), "012345678...");
  ck_assert_str_eq (shown (&bytes, "a\xc3\xa4", 2), "a..."); /* no half of a character */
  http_bytes_free (&bytes);
}
END_TEST

START_TEST (growing)
{
  struct http_bytes bytes = { 0 };
  ck_assert_str_eq (http_bytes_text (&bytes), "");
  for (int i = 0; i < 100000; i++)
    http_bytes_add (&bytes, "0123456789", 10);
  ck_assert_uint_eq (bytes.size, 1000000);
  ck_assert (!bytes.failed);
  ck_assert_int_eq (bytes.data[bytes.size], '\0');
  http_bytes_clear (&bytes);
  ck_assert_uint_eq (bytes.room, 0); /* much memory is given back */
  http_bytes_puts (&bytes, "line\r\n");
  http_bytes_cut_line (&bytes);
  http_bytes_puts (&bytes, "!");
  ck_assert_str_eq (http_bytes_text (&bytes), "line!");
  http_bytes_free (&bytes);
}
END_TEST

START_TEST (no_memory)
{
  struct http_bytes bytes = { 0 };
  http_bytes_puts (&bytes, "before");
  http_bytes_add (&bytes, "", (size_t) -1 / 2);
  ck_assert (bytes.failed);
  http_bytes_puts (&bytes, "after");
  ck_assert_str_eq (http_bytes_text (&bytes), "before");
  http_bytes_clear (&bytes);
  ck_assert (!bytes.failed);
  http_bytes_free (&bytes);
}
END_TEST

Suite *
http_suite (void)
{
  Suite *suite = suite_create ("http");
  TCase *tests = tcase_create ("bytes");
  tcase_add_test (tests, percent_encoding);
  tcase_add_test (tests, excerpts);
  tcase_add_test (tests, growing);
  tcase_add_test (tests, no_memory);
  suite_add_tcase (suite, tests);
  return suite;
}
