/* test-secret.c - secret.c: what is masked, what is not, in one piece and in streams. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "arena.h"
#include "secret.h"
#include "text.h"

static void
setup (void)
{
  secret_forget_all ();
}

static void
add (const char *secret)
{
  ck_assert (secret_add (secret, strlen (secret)));
}

static void
masked (const char *text, const char *expected)
{
  struct buffer buffer = { 0 };
  buffer_puts (&buffer, text);
  secret_mask (&buffer, 0);
  ck_assert_str_eq (buffer_text (&buffer), expected);
  buffer_free (&buffer);
}

START_TEST (nothing_is_masked_without_secrets)
{
  ck_assert (!secret_any ());
  masked ("a password: hunter22", "a password: hunter22");
  ck_assert (!secret_add ("abc", 3));
  ck_assert (!secret_any ());
}
END_TEST

START_TEST (the_raw_value_is_masked)
{
  add ("hunter22");
  ck_assert (secret_any ());
  masked ("hunter22", "***");
  masked ("a hunter22, hunter2 and hunter22!", "a ***, hunter2 and ***!");
  masked ("hhunter22", "h***");
  masked ("hunter22hunter22", "******");
}
END_TEST

static void
masked_cut (const char *text, enum secret_cut where, const char *expected)
{
  struct buffer buffer = { 0 };
  buffer_puts (&buffer, text);
  secret_mask_cut (&buffer, 0, where);
  ck_assert_str_eq (buffer_text (&buffer), expected);
  buffer_free (&buffer);
}

START_TEST (what_a_cut_leaves_of_a_secret_is_masked)
{
  add ("hunter22/password");
  masked_cut ("a hunter22/pass", SECRET_CUT_END, "a ***");
  masked_cut ("a hunt", SECRET_CUT_END, "a ***");
  masked_cut ("a hun", SECRET_CUT_END, "a hun"); /* too little to be known */
  masked_cut ("a hunter22/pass", SECRET_CUT_BEGIN, "a hunter22/pass");
  masked_cut ("a hunter22/pass.", SECRET_CUT_BOTH, "a hunter22/pass.");
  masked_cut ("22/password, hunter22/password, hunt", SECRET_CUT_BOTH, "***, ***, ***");
  masked_cut ("22/password, hunt", SECRET_CUT_END, "22/password, ***");
  masked_cut ("ter22/pass", SECRET_CUT_BOTH, "***"); /* both ends are missing */
  masked_cut ("word", SECRET_CUT_BEGIN, "***");
  masked_cut ("ord", SECRET_CUT_BEGIN, "ord");
  masked_cut ("hunter22/password", SECRET_CUT_BOTH, "***");
  masked_cut ("", SECRET_CUT_BOTH, "");
}
END_TEST

START_TEST (what_a_cut_leaves_of_a_spelling_is_masked)
{
  add ("a/b\"c?d e+secret");
  masked_cut ("x a%2Fb%22c%3", SECRET_CUT_END, "x ***");
  masked_cut ("2Fb%22c%3Fd+e%2Bsecret&k=v", SECRET_CUT_BEGIN, "***&k=v");
  masked_cut ("{\"k\":\"a\\/b\\\"c?d\\u00", SECRET_CUT_END, "{\"k\":\"***");
  masked_cut ("022c?d e+secret\"", SECRET_CUT_BEGIN, "***\"");
  masked_cut ("612f6222633f", SECRET_CUT_END, "***");
  masked_cut ("2b736563726574 and", SECRET_CUT_BEGIN, "*** and");
  masked_cut ("YS9iImM/ZCBl", SECRET_CUT_END, "***");
  masked_cut ("plain", SECRET_CUT_BOTH, "plain");
}
END_TEST

START_TEST (quoting_shows_no_piece_of_a_secret)
{
  char secret[1500], text[2000];
  memset (secret, 0, sizeof secret);
  for (size_t i = 0; i < sizeof secret - 1; i++)
    secret[i] = (char) ('!' + i * 7 % 90);
  add (secret);
  for (size_t before = 0; before < 300; before++) {
    CLEANUP_BUFFER struct buffer out = { 0 };
    memset (text, 'y', before);
    strcpy (text + before, secret);
    text_quote (&out, text, strlen (text), 200);
    const char *rest = buffer_text (&out) + 1 + (before < 200 ? before : 200);
    ck_assert_msg (memcmp (rest, "***", 3) == 0 || memcmp (rest, "…", 3) == 0 || before > 196, "%s", out.data);
    ck_assert_ptr_nonnull (strstr (out.data, " bytes)"));
  }
}
END_TEST

START_TEST (masking_begins_where_told)
{
  add ("hunter22");
  struct buffer buffer = { 0 };
  buffer_puts (&buffer, "hunter22 hunter22");
  secret_mask (&buffer, 3);
  ck_assert_str_eq (buffer_text (&buffer), "hunter22 ***");
  secret_mask (&buffer, buffer.size);
  ck_assert_str_eq (buffer_text (&buffer), "hunter22 ***");
  buffer_free (&buffer);
}
END_TEST

START_TEST (every_json_spelling_is_masked)
{
  add ("a/b\"c\\d\n\xc3\xa9\xf0\x9f\x98\x80z");
  masked ("{\"k\":\"a/b\\\"c\\\\d\\n\xc3\xa9\xf0\x9f\x98\x80z\"}", "{\"k\":\"***\"}");
  masked ("[a\\/b\\\"c\\\\d\\n\\u00e9\\ud83d\\ude00z]", "[***]");
  masked ("[\\u0061\\u002F\\u0062\\u0022c\\u005cd\\u000a\\u00E9\\uD83D\\uDE00z]", "[***]");
  masked ("[a\\/b\\\"c\\\\d\\n\\u00e9\\ud83d\\ude00y]", "[a\\/b\\\"c\\\\d\\n\\u00e9\\ud83d\\ude00y]");
}
END_TEST

START_TEST (bytes_that_are_no_text_are_masked_as_events_write_them)
{
  ck_assert (secret_add ("\xff\xfe\x00\x80", 4));
  masked ("\"\\udcff\\udcfe\\u0000\\udc80\"", "\"***\"");
  masked ("fffe0080 FFFE0080", "*** ***");
}
END_TEST

START_TEST (every_url_spelling_is_masked)
{
  add ("p w/d+%41\xc3\xa9");
  masked ("?a=p+w%2Fd%2B%2541%C3%A9&b", "?a=***&b");
  masked ("?a=p%20w%2fd%2b%2541%c3%a9&b", "?a=***&b");
  masked ("?a=%70%20w/d%2B%25%34%31%c3%A9&b", "?a=***&b");
  masked ("?a=p w/d+%41\xc3\xa9", "?a=***");
  masked ("?a=p+w%2Fd%2B%2542%C3%A9&b", "?a=p+w%2Fd%2B%2542%C3%A9&b");
}
END_TEST

/* However it is spelled, the first character is where a mask begins. */
START_TEST (secrets_may_begin_with_what_is_escaped)
{
  static const char *const spellings[][5] = {
    { " pw9", "+pw9", "%20pw9", "+%70w9", "\\u0020pw9" },     { "  9w", "++9w", "%20+9w", "+%209w", " \\u00209w" },
    { " %9w", "+%259w", "%20%259w", " \\u00259w", "%20%25%39w" },
    { "%pw9", "%25pw9", "%25%70w9", "\\u0025pw9", "%\\u0070w9" },
    { "\\pw9", "\\\\pw9", "%5cpw9", "\\u005cpw9", "\\u005C\\u0070w9" },
    { "\"pw9", "\\\"pw9", "%22pw9", "\\u0022pw9", "\"\\u0070w9" },
    { "/pw9", "\\/pw9", "%2fpw9", "%2Fpw9", "\\u002fpw9" }, { "\npw9", "\\npw9", "%0apw9", "%0Apw9", "\\u000Apw9" },
    { "+pw9", "%2bpw9", "%2Bpw9", "\\u002bpw9", "+%70w9" },
  };
  for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
    secret_forget_all ();
    add (spellings[i][0]);
    for (size_t k = 0; k < 5; k++)
      masked (spellings[i][k], "***");
  }
}
END_TEST

START_TEST (hex_is_masked_in_both_cases)
{
  add ("J\xabk\xcd");
  masked ("4aab6bcd 4AAB6BCD 4aab6bce", "*** *** 4aab6bce");
}
END_TEST

/* `text` in base64, padded; by another algorithm than the one that is tested. */
static void
base64 (struct buffer *out, const char *text, bool url)
{
  static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = strlen (text);
  for (size_t i = 0; i < n; i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; k++)
      group = group << 8 | (i + k < n ? (unsigned char) text[i + k] : 0);
    for (size_t k = 0; k < 4; k++) {
      char c = standard[group >> (18 - 6 * k) & 63];
      if (url)
        c = c == '+' ? '-' : c == '/' ? '_' : c;
      buffer_putc (out, i + k > n ? '=' : c);
    }
  }
}

/* Wherever the secret is in a base64 text, at most one character on each side of
 * the mask is partly of it. */
START_TEST (base64_is_masked_in_every_alignment)
{
  const char *secret = "s3cr\xff\xfe?>~t";
  add (secret);
  for (size_t before = 0; before < 7; before++)
    for (size_t after = 0; after < 7; after++)
      for (int url = 0; url < 2; url++) {
        char text[64];
        struct buffer encoded = { 0 };
        snprintf (text, sizeof text, "%.*s%s%.*s", (int) before, "xyzuvwx", secret, (int) after, "XYZUVWX");
        base64 (&encoded, text, url);
        size_t size = encoded.size;
        secret_mask (&encoded, 0);
        const char *mask = strstr (buffer_text (&encoded), "***");
        ck_assert_ptr_nonnull (mask);
        ck_assert_uint_eq ((size_t) (mask - encoded.data), (before * 8 + 5) / 6);
        size_t rest = encoded.size - (size_t) (mask - encoded.data) - 3;
        size_t end = (before + strlen (secret)) * 8;
        ck_assert_uint_eq (size - rest, after ? end / 6 : (end + 5) / 6);
        buffer_free (&encoded);
      }
}
END_TEST

/* `text` with `line_end` after each so many characters. */
static void
fold (struct buffer *out, const struct buffer *text, size_t columns, const char *line_end)
{
  for (size_t i = 0; i < text->size; i++) {
    if (i && i % columns == 0)
      buffer_puts (out, line_end);
    buffer_putc (out, text->data[i]);
  }
}

/* MIME and PEM break lines after 76 and 64 characters; in YAML they are indented, in JSON escaped. */
START_TEST (base64_is_masked_across_lines)
{
  static const char *const line_ends[] = { "\n", "\r\n", "\r", "\n    ", "\r\n\t", "\\n", "\\r\\n", "\\n  " };
  const char *secret = "a secret that is longer than one line of MIME or PEM, so that it goes on in the next one of them";
  add (secret);
  for (size_t end = 0; end < sizeof line_ends / sizeof *line_ends; end++)
    for (size_t columns = 1; columns < 140; columns++)
      for (size_t before = 0; before < 4; before++) {
        char text[200];
        struct buffer encoded = { 0 }, folded = { 0 };
        snprintf (text, sizeof text, "%.*s%sXYZ", (int) before, "xyz", secret);
        base64 (&encoded, text, columns % 2);
        fold (&folded, &encoded, columns, line_ends[end]);
        secret_mask (&folded, 0);
        secret_mask (&encoded, 0);
        const char *mask = strstr (buffer_text (&folded), "***");
        ck_assert_msg (mask != NULL, "\"%s\" after %zu: %s", line_ends[end], columns, buffer_text (&folded));
        size_t characters = encoded.size - 3, breaks = characters + 2; /* around the mask, at most */
        ck_assert_uint_le (folded.size - 3, characters + breaks * strlen (line_ends[end]));
        buffer_free (&encoded);
        buffer_free (&folded);
      }
}
END_TEST

START_TEST (other_gaps_are_not_in_base64)
{
  add ("token!"); /* dG9rZW4h */
  masked ("dG9r\nZW4h", "***");
  masked ("dG9r\r\n \t ZW4h.", "***.");
  masked ("dG9r ZW4h", "dG9r ZW4h");
  masked ("dG9r\n\nZW4h", "dG9r\n\nZW4h");
  masked ("dG9r\\tZW4h", "dG9r\\tZW4h");
  masked ("\ndG9rZW4h\n", "\n***\n");
  masked ("dG9r\n", "dG9r\n");
  masked ("dG9r\\", "dG9r\\");
  masked ("tok\nen!", "tok\nen!");
  char text[200];
  snprintf (text, sizeof text, "dG9r\n%64sZW4h", "");
  masked (text, "***");
  snprintf (text, sizeof text, "dG9r\n%65sZW4h", "");
  masked (text, text);
}
END_TEST

START_TEST (secrets_that_overlap_become_one_mask)
{
  add ("abcdef");
  add ("defghi");
  add ("cdef");
  masked ("xabcdefghix", "x***x");
  masked ("xabcdefx", "x***x");
  masked ("abcdefabcdef", "******");
}
END_TEST

START_TEST (lines_of_a_key_are_masked_by_themselves)
{
  add ("-----BEGIN KEY-----\r\nMIIEvQIBADANBg\r\nshort\r\nkqhkiG9w0BAQEF\r\n");
  masked ("key: MIIEvQIBADANBg, kqhkiG9w0BAQEF; short", "key: ***, ***; short");
  masked ("-----BEGIN KEY-----\r\nMIIEvQIBADANBg\r\nshort\r\nkqhkiG9w0BAQEF", "***");
}
END_TEST

START_TEST (a_final_newline_need_not_be_there)
{
  add ("token1\n");
  masked ("is token1", "is ***");
  masked ("is token1\nnext", "is ***next");
}
END_TEST

Suite *
secret_suite (void)
{
  Suite *suite = suite_create ("secret");
  TCase *tc = tcase_create ("secret");
  tcase_add_checked_fixture (tc, setup, secret_forget_all);
  tcase_add_test (tc, nothing_is_masked_without_secrets);
  tcase_add_test (tc, the_raw_value_is_masked);
  tcase_add_test (tc, masking_begins_where_told);
  tcase_add_test (tc, what_a_cut_leaves_of_a_secret_is_masked);
  tcase_add_test (tc, what_a_cut_leaves_of_a_spelling_is_masked);
  tcase_add_test (tc, quoting_shows_no_piece_of_a_secret);
  tcase_add_test (tc, every_json_spelling_is_masked);
  tcase_add_test (tc, bytes_that_are_no_text_are_masked_as_events_write_them);
  tcase_add_test (tc, every_url_spelling_is_masked);
  tcase_add_test (tc, secrets_may_begin_with_what_is_escaped);
  tcase_add_test (tc, hex_is_masked_in_both_cases);
  tcase_add_test (tc, base64_is_masked_in_every_alignment);
  tcase_add_test (tc, base64_is_masked_across_lines);
  tcase_add_test (tc, other_gaps_are_not_in_base64);
  tcase_add_test (tc, secrets_that_overlap_become_one_mask);
  tcase_add_test (tc, lines_of_a_key_are_masked_by_themselves);
  tcase_add_test (tc, a_final_newline_need_not_be_there);
  suite_add_tcase (suite, tc);
  return suite;
}
