/* test-stream.c - plugins/common/stream.c and show.c: finding things in bytes that come. */
#include "unit.h"

#include "../../plugins/common/show.h"
#include "../../plugins/common/stream.h"

/* A pattern without a mask. */
static struct stream_wanted
exactly (const char *text)
{
  return (struct stream_wanted) { .content = CONTENT_PATTERN, .pattern = (const uint8_t *) text,
                                  .pattern_size = strlen (text) };
}

static enum stream_match
next (const struct stream_wanted *wanted, const char *data, int ended, struct stream_found *found)
{
  return stream_match_next (NULL, wanted, data, strlen (data), ended, found);
}

static enum stream_match
find (const struct stream_wanted *wanted, const char *data, size_t *from, struct stream_found *found)
{
  return stream_match_find (NULL, wanted, data, strlen (data), 0, from, found);
}

START_TEST (a_stream_keeps_what_is_not_consumed)
{
  struct stream stream = { 0 };
  for (int i = 0; i < 1000; i++) {
    ck_assert_int_eq (stream_add (&stream, "0123456789", 10), 0);
    stream_consume (&stream, 9);
  }
  ck_assert_uint_eq (stream.size, 1000);
  ck_assert_uint_eq (stream.received, 10000);
  ck_assert (memcmp (stream.data, "012345678901234567890", 20) == 0);
  ck_assert_uint_lt (stream.room, 10000);
  stream_free (&stream);
}
END_TEST

START_TEST (a_stream_has_a_limit)
{
  static char piece[1 << 20];
  struct stream stream = { 0 };
  for (int i = 0; i < 64; i++)
    ck_assert_int_eq (stream_add (&stream, piece, sizeof piece), 0);
  ck_assert_int_eq (stream_add (&stream, piece, 1), -1);
  stream_free (&stream);
}
END_TEST

START_TEST (the_next_bytes_are_compared_as_they_come)
{
  struct stream_wanted wanted = exactly ("abc");
  struct stream_found found;
  ck_assert_int_eq (next (&wanted, "", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "ab", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "abcd", 0, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.end, 3);
  ck_assert_int_eq (next (&wanted, "aX", 0, &found), MATCH_DIFFERS);
  ck_assert_uint_eq (found.at, 1);
}
END_TEST

START_TEST (masked_bits_do_not_count)
{
  static const uint8_t pattern[] = { 0x41, 0x00, 0x40 }, mask[] = { 0xff, 0x00, 0xf0 };
  struct stream_wanted wanted = { .content = CONTENT_PATTERN, .pattern = pattern, .mask = mask, .pattern_size = 3 };
  struct stream_found found;
  size_t from = 0;
  ck_assert_int_eq (next (&wanted, "AxB", 0, &found), MATCH_FOUND);
  ck_assert_int_eq (next (&wanted, "Axb", 0, &found), MATCH_DIFFERS);
  ck_assert_uint_eq (found.at, 2);
  ck_assert_int_eq (find (&wanted, "AAxbAyCz", &from, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.at, 4);
}
END_TEST

START_TEST (a_regex_that_can_match_nothing_finds_something)
{
  struct stream_wanted wanted = { .content = CONTENT_REGEX, .regex = "([0-9]*)" };
  struct stream_found found;
  size_t from = 0;
  ck_assert_int_eq (find (&wanted, "port ", &from, &found), MATCH_MORE);
  ck_assert_int_eq (find (&wanted, "port 123", &from, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.at, 5);
  ck_assert_uint_eq (found.size, 3);
  ck_assert_uint_eq (found.groups, 2);
  ck_assert_int_eq (next (&wanted, "12 ", 0, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.size, 2);
}
END_TEST

START_TEST (a_search_goes_on_where_it_must)
{
  struct stream_wanted wanted = exactly ("needle");
  struct stream_found found;
  size_t from = 0;
  ck_assert_int_eq (find (&wanted, "hay hay need", &from, &found), MATCH_MORE);
  ck_assert_uint_eq (from, 7); /* five bytes could be its beginning */
  ck_assert_int_eq (find (&wanted, "hay hay needle!", &from, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.at, 8);
  ck_assert_uint_eq (found.end, 14);
}
END_TEST

START_TEST (messages_end_with_a_delimiter)
{
  struct stream_wanted wanted = exactly ("two");
  wanted.framing = FRAMING_DELIMITER;
  wanted.delimiter = "\r\n";
  wanted.delimiter_size = 2;
  struct stream_found found;
  size_t from = 0;
  ck_assert_int_eq (next (&wanted, "two\r", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "two\r\n", 0, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.size, 3);
  ck_assert_uint_eq (found.end, 5);
  ck_assert_int_eq (next (&wanted, "twofold\r\n", 0, &found), MATCH_DIFFERS);
  ck_assert_uint_eq (found.size, 7);
  ck_assert_uint_eq (found.end, 9);
  ck_assert_int_eq (next (&wanted, "two", 1, &found), MATCH_MORE); /* cut off by the end: no message */
  ck_assert_int_eq (find (&wanted, "one\r\ntwofold\r\ntwo\r\n", &from, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.at, 14);
}
END_TEST

START_TEST (lines_end_in_two_ways)
{
  struct stream_wanted wanted = exactly ("one");
  wanted.framing = FRAMING_LINE;
  struct stream_found found;
  ck_assert_int_eq (next (&wanted, "one", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "one\n", 0, &found), MATCH_FOUND);
  ck_assert_int_eq (next (&wanted, "one\r\nx", 0, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.end, 5);
  ck_assert_int_eq (next (&wanted, "one", 1, &found), MATCH_FOUND);
  ck_assert_int_eq (next (&wanted, "\n", 0, &found), MATCH_DIFFERS);
  wanted = exactly ("");
  wanted.framing = FRAMING_LINE;
  ck_assert_int_eq (next (&wanted, "", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "", 1, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "\n", 0, &found), MATCH_FOUND);
}
END_TEST

START_TEST (messages_have_a_length)
{
  struct stream_wanted wanted = { .framing = FRAMING_LENGTH, .length = 4 };
  struct stream_found found;
  ck_assert_int_eq (next (&wanted, "123", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "12345", 0, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.size, 4);
  wanted = exactly ("5678");
  wanted.framing = FRAMING_LENGTH;
  wanted.length = 4;
  size_t from = 0;
  /* not from any byte on, but from where a message begins */
  ck_assert_int_eq (find (&wanted, "x5678xxx5678", &from, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.at, 8);
}
END_TEST

START_TEST (a_regex_must_match_at_the_next_byte)
{
  struct stream_wanted wanted = { .content = CONTENT_REGEX, .regex = "b(\\d+)(x)?;" };
  struct stream_found found;
  size_t from = 0;
  ck_assert_int_eq (next (&wanted, "", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "b1", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "ab1;", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "b12;b", 0, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.end, 4);
  ck_assert_int_eq (find (&wanted, "aab12;b", &from, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.at, 2);
  ck_assert_uint_eq (found.groups, 3);
  ck_assert_uint_eq (found.group[2], 1); /* from where the match begins */
  ck_assert_uint_eq (found.group[3], 3);
  ck_assert_uint_eq (found.group[4], SIZE_MAX);
}
END_TEST

START_TEST (a_regex_that_matches_nothing_waits)
{
  struct stream_wanted wanted = { .content = CONTENT_REGEX, .regex = "x*" };
  struct stream_found found;
  size_t from = 0;
  ck_assert_int_eq (next (&wanted, "abc", 0, &found), MATCH_MORE);
  ck_assert_int_eq (find (&wanted, "abc", &from, &found), MATCH_MORE);
  wanted.framing = FRAMING_LINE; /* but a message may be empty */
  ck_assert_int_eq (next (&wanted, "\n", 0, &found), MATCH_FOUND);
}
END_TEST

START_TEST (the_end_comes_after_all_bytes)
{
  struct stream_wanted wanted = { .content = CONTENT_CLOSED };
  struct stream_found found;
  size_t from = 0;
  ck_assert_int_eq (next (&wanted, "", 0, &found), MATCH_MORE);
  ck_assert_int_eq (next (&wanted, "", 1, &found), MATCH_FOUND);
  ck_assert_int_eq (next (&wanted, "a", 1, &found), MATCH_DIFFERS);
  ck_assert_int_eq (find (&wanted, "abc", &from, &found), MATCH_MORE);
  ck_assert_int_eq (stream_match_find (NULL, &wanted, "abc", 3, 1, &from, &found), MATCH_FOUND);
  ck_assert_uint_eq (found.size, 3);
}
END_TEST

START_TEST (bytes_are_shown_readably)
{
  char out[SHOW_ROOM], many[1000];
  ck_assert_str_eq (show_first (out, "a\"\n\0\x80é", 7), "\"a\\\"\\n\\x00\\x80é\"");
  memset (many, '\1', sizeof many);
  ck_assert_uint_lt (strlen (show_first (out, many, sizeof many)), SHOW_ROOM);
  memcpy (many + 997, "end", 3);
  ck_assert_ptr_nonnull (strstr (show_last (out, many, sizeof many), "end\" (1000 bytes)"));
  for (size_t i = 0; i < 400; i += 2)
    memcpy (many + i, "é", 2);
  ck_assert (memcmp (show_last (out, many, 399), "…\"\\", 5) != 0); /* begins with a whole character */
  ck_assert_str_eq (show_time (out, 1500000000), "1.5s");
  ck_assert_str_eq (show_time (out, 20000000), "20ms");
}
END_TEST

Suite *
stream_suite (void)
{
  Suite *suite = suite_create ("stream");
  TCase *c = tcase_create ("stream");
  tcase_add_test (c, a_stream_keeps_what_is_not_consumed);
  tcase_add_test (c, a_stream_has_a_limit);
  tcase_add_test (c, the_next_bytes_are_compared_as_they_come);
  tcase_add_test (c, masked_bits_do_not_count);
  tcase_add_test (c, a_regex_that_can_match_nothing_finds_something);
  tcase_add_test (c, a_search_goes_on_where_it_must);
  tcase_add_test (c, messages_end_with_a_delimiter);
  tcase_add_test (c, lines_end_in_two_ways);
  tcase_add_test (c, messages_have_a_length);
  tcase_add_test (c, a_regex_must_match_at_the_next_byte);
  tcase_add_test (c, a_regex_that_matches_nothing_waits);
  tcase_add_test (c, the_end_comes_after_all_bytes);
  tcase_add_test (c, bytes_are_shown_readably);
  suite_add_tcase (suite, c);
  return suite;
}
