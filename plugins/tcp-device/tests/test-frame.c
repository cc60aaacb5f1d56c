/* test-frame.c - frame.c: finding frames in a stream, however it is cut; reading and writing them. */
#include "unit.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

/* The frames of a stream that comes in pieces of `piece` bytes, each followed by
 * a space; `!` at the end: too long. */
static char *
frames_of (const char *stream, size_t size, size_t piece)
{
  struct frame_reader reader = { 0 };
  struct bytes out = { 0 };
  enum frame_found found = FRAME_MORE;
  for (size_t at = 0; at < size && found != FRAME_TOO_LONG; at += piece) {
    size_t left = size - at < piece ? size - at : piece;
    char *copy = malloc (left); /* reading past the piece is an error */
    memcpy (copy, stream + at, left);
    const char *data = copy;
    struct frame frame;
    while ((found = frame_next (&reader, &data, &left, &frame)) == FRAME_FOUND) {
      bytes_add (&out, frame.text, frame.size);
      bytes_puts (&out, " ");
    }
    if (found == FRAME_TOO_LONG)
      bytes_puts (&out, "!");
    free (copy);
  }
  frame_reader_free (&reader);
  bytes_text (&out);
  return out.data;
}

static void
assert_frames (const char *stream, const char *expected)
{
  for (size_t piece = 1; piece <= strlen (stream) + 1; piece++) {
    char *got = frames_of (stream, strlen (stream), piece);
    ck_assert_str_eq (got, expected);
    free (got);
  }
}

START_TEST (frames_are_found_from_left_to_right)
{
  assert_frames ("@1,a@", "@1,a@ ");
  assert_frames ("@1,a@@2,b@", "@1,a@ @2,b@ ");
  assert_frames ("xx@1,a@yy\n@2,b@zz", "@1,a@ @2,b@ ");
  assert_frames ("@@1,a@", "@1,a@ ");
  assert_frames ("@@@@@@1,a@", "@1,a@ ");
  assert_frames ("@1,a@@@@2,b@@", "@1,a@ @2,b@ ");
  assert_frames ("@1,a@2,b@", "@1,a@ "); /* the second `@` is used up */
  assert_frames ("@1,a", "");
  assert_frames ("@x@", "@x@ ");
  assert_frames ("@", "");
  assert_frames ("@@", "");
}
END_TEST

/* The reference: the regular expression of the protocol. */
static void
expect_by_regex (const char *stream, struct bytes *out)
{
  regex_t regex;
  regmatch_t match;
  ck_assert_int_eq (regcomp (&regex, "@[^@]+@", REG_EXTENDED), 0);
  while (regexec (&regex, stream, 1, &match, 0) == 0) {
    bytes_add (out, stream + match.rm_so, (size_t) (match.rm_eo - match.rm_so));
    bytes_puts (out, " ");
    stream += match.rm_eo;
  }
  regfree (&regex);
}

START_TEST (any_stream_gives_what_the_regular_expression_gives)
{
  srand (7);
  for (int i = 0; i < 3000; i++) {
    char stream[24] = { 0 };
    for (size_t n = (size_t) rand () % (sizeof stream - 1); n-- > 0;)
      stream[n] = "@@1,a"[rand () % 5];
    struct bytes expected = { 0 };
    expect_by_regex (stream, &expected);
    assert_frames (stream, bytes_text (&expected));
    bytes_free (&expected);
  }
}
END_TEST

/* `skipped` bytes, then a frame of `length` bytes in all. */
static void
assert_limit (size_t skipped, size_t length, bool fits)
{
  struct bytes stream = { 0 };
  bytes_puts (&stream, "@1,a@"); /* begins the count anew */
  bytes_reserve (&stream, skipped + length);
  memset (stream.data + stream.size, '.', skipped + length);
  stream.data[stream.size + skipped] = '@';
  stream.data[stream.size + skipped + length - 1] = '@';
  stream.size += skipped + length;
  static const size_t pieces[] = { 1, 7, 4096, 65535, 65536, 65537, 200000 };
  for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
    char *got = frames_of (stream.data, stream.size, pieces[i]);
    ck_assert_uint_eq (strlen (got), fits ? 6 + length + 1 : 7);
    ck_assert (fits || got[6] == '!');
    free (got);
  }
  bytes_free (&stream);
}

START_TEST (the_limit_is_exact_however_the_stream_is_cut)
{
  assert_limit (0, FRAME_LIMIT, true);
  assert_limit (0, FRAME_LIMIT + 1, false);
  assert_limit (100, FRAME_LIMIT - 100, true);
  assert_limit (100, FRAME_LIMIT - 99, false);
  assert_limit (FRAME_LIMIT - 3, 3, true);
  assert_limit (FRAME_LIMIT - 2, 3, false);
  assert_limit (FRAME_LIMIT, 5, false);
}
END_TEST

START_TEST (only_at_signs_are_no_end_of_frame_either)
{
  char *stream = malloc (FRAME_LIMIT);
  memset (stream, '@', FRAME_LIMIT);
  char *got = frames_of (stream, FRAME_LIMIT, 1000);
  ck_assert_str_eq (got, "!");
  free (got);
  got = frames_of (stream, FRAME_LIMIT - 1, 1000);
  ck_assert_str_eq (got, "");
  free (got);
  free (stream);
}
END_TEST

START_TEST (memory_of_a_long_frame_is_let_go)
{
  struct frame_reader reader = { 0 };
  struct frame frame;
  char long_one[30000];
  memset (long_one, 'x', sizeof long_one);
  long_one[0] = '@';
  const char *data = long_one;
  size_t left = sizeof long_one;
  ck_assert_int_eq (frame_next (&reader, &data, &left, &frame), FRAME_MORE);
  data = "@@1,";
  left = 4;
  ck_assert_int_eq (frame_next (&reader, &data, &left, &frame), FRAME_FOUND);
  ck_assert_uint_eq (frame.size, sizeof long_one + 1);
  ck_assert_int_eq (frame_next (&reader, &data, &left, &frame), FRAME_MORE);
  ck_assert_uint_lt (reader.kept.room, 1000);
  frame_reader_free (&reader);
}
END_TEST

static const char *
parse (const char *text, size_t size, struct report *report)
{
  struct frame frame = { text, size };
  return frame_parse (&frame, report);
}

START_TEST (a_frame_is_integer_comma_text)
{
  static const struct {
    const char *frame;
    int64_t id;
    const char *report;
  } good[] = {
    { "@123,name@", 123, "name" },
    { "@1,a,b,,c@", 1, "a,b,,c" },
    { "@5,@", 5, "" },
    { "@-5,x@", -5, "x" },
    { "@+5,x@", 5, "x" },
    { "@007,x@", 7, "x" },
    { "@9223372036854775807,x@", INT64_MAX, "x" },
    { "@-9223372036854775808,x@", INT64_MIN, "x" },
    { "@1,\xd0\x96\xf0\x9f\x98\x80@", 1, "\xd0\x96\xf0\x9f\x98\x80" },
    { "@1, a\n@", 1, " a\n" },
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct report report;
    ck_assert_ptr_null (parse (good[i].frame, strlen (good[i].frame), &report));
    ck_assert_int_eq (report.id, good[i].id);
    ck_assert_uint_eq (report.size, strlen (good[i].report));
    ck_assert_mem_eq (report.text, good[i].report, report.size);
  }
  struct report report;
  ck_assert_ptr_null (parse ("@1,a\0b@", 7, &report));
  ck_assert_uint_eq (report.size, 3);
}
END_TEST

START_TEST (other_frames_are_told_apart)
{
  static const char *const bad[] = {
    "@x@", "@123@", "@abc,name@", "@,name@", "@1.0,x@", "@ 1,x@", "@1 ,x@", "@0x1,x@", "@--1,x@", "@-,x@",
    "@1_0,x@",
    "@9223372036854775808,x@", "@-9223372036854775809,x@", "@99999999999999999999999999,x@",
    "@1,\xff@", "@1,\xc0\x80@", "@1,\xed\xa0\x80@", "@1,\xd0@", "@1,\xf4\x90\x80\x80@",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    struct report report;
    ck_assert_msg (parse (bad[i], strlen (bad[i]), &report), "%s", bad[i]);
  }
}
END_TEST

START_TEST (what_is_written_is_read_again)
{
  struct bytes out = { 0 };
  frame_write (&out, &(struct report) { -42, "a,b", 3 });
  ck_assert_str_eq (bytes_text (&out), "@-42,a,b@");
  bytes_free (&out);
}
END_TEST

Suite *
frame_suite (void)
{
  Suite *suite = suite_create ("frame");
  TCase *tests = tcase_create ("frame");
  tcase_add_test (tests, frames_are_found_from_left_to_right);
  tcase_add_test (tests, any_stream_gives_what_the_regular_expression_gives);
  tcase_add_test (tests, the_limit_is_exact_however_the_stream_is_cut);
  tcase_add_test (tests, only_at_signs_are_no_end_of_frame_either);
  tcase_add_test (tests, memory_of_a_long_frame_is_let_go);
  tcase_add_test (tests, a_frame_is_integer_comma_text);
  tcase_add_test (tests, other_frames_are_told_apart);
  tcase_add_test (tests, what_is_written_is_read_again);
  tcase_set_timeout (tests, 60);
  suite_add_tcase (suite, tests);
  return suite;
}
