/* test-units.c - units.c: durations, sizes, addresses, bytes. */
#include "unit.h"

#include "units.h"

START_TEST (durations)
{
  static const struct { const char *text; int64_t ns; } rows[] = {
    { "0", 0 }, { "0s", 0 }, { "10ns", 10 }, { "10us", 10000 }, { "10ms", 10000000 },
    { "1.5s", 1500000000 }, { "2m", INT64_C (120000000000) }, { "1h", INT64_C (3600000000000) },
    { "1d", INT64_C (86400000000000) }, { "1m30s", INT64_C (90000000000) },
    { "1d2h3m4s5ms6us7ns", INT64_C (93784005006007) }, { "0.000000001s", 1 },
    { "9223372036854775807ns", INT64_MAX },
    /* no durations */
    { "", -1 }, { "5", -1 }, { "s", -1 }, { "5 s", -1 }, { "5s ", -1 }, { "-5s", -1 }, { "+5s", -1 },
    { "5S", -1 }, { "5sec", -1 }, { "1.s", -1 }, { ".5s", -1 }, { "1e3s", -1 }, { "1s1s", -1 }, { "30s1m", -1 },
    { "1m30", -1 }, { "0s0", -1 }, { "0.5ns", -1 }, { "9223372036854775808ns", -1 }, { "106752d", -1 },
    { "99999999999999999999s", -1 }, { "1.0000000000000000000s", -1 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t ns = -1;
    bool good = parse_duration (rows[i].text, strlen (rows[i].text), &ns);
    ck_assert_msg (good == (rows[i].ns >= 0) && ns == rows[i].ns, "%s: %d %lld", rows[i].text, good, (long long) ns);
  }
  int64_t ns;
  ck_assert (!parse_duration ("1m\0s", 4, &ns));
}
END_TEST

START_TEST (sizes)
{
  static const struct { const char *text; bool good; uint64_t bytes; } rows[] = {
    { "0", true, 0 }, { "100", true, 100 }, { "100B", true, 100 }, { "4KB", true, 4000 }, { "4kB", true, 4000 },
    { "4KiB", true, 4096 }, { "3MB", true, 3000000 }, { "3MiB", true, 3 << 20 },
    { "2GB", true, 2000000000 }, { "2GiB", true, (uint64_t) 2 << 30 }, { "1.5KiB", true, 1536 },
    { "18446744073709551615", true, UINT64_MAX },
    { "", false, 0 }, { "KB", false, 0 }, { "-1", false, 0 }, { "1K", false, 0 }, { "1 KB", false, 0 },
    { "1kb", false, 0 }, { "1KBx", false, 0 }, { "1KB2B", false, 0 }, { "0.5", false, 0 }, { "1.5B", false, 0 },
    { "18446744073709551616", false, 0 }, { "17179869184GiB", false, 0 },
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t bytes = 0;
    bool good = parse_size (rows[i].text, strlen (rows[i].text), &bytes);
    ck_assert_msg (good == rows[i].good && bytes == rows[i].bytes, "%s: %d %llu", rows[i].text, good,
                   (unsigned long long) bytes);
  }
}
END_TEST

START_TEST (printed_durations)
{
  static const struct { int64_t ns; const char *shown, *exact; } rows[] = {
    { 0, "0 s", "0s" },
    { 7, "7 ns", "7ns" },
    { 999, "999 ns", "999ns" },
    { 1500, "1.50 µs", "1500ns" },
    { 12345, "12.3 µs", "12345ns" },
    { 999600, "1.00 ms", "999600ns" },
    { 230000000, "230 ms", "230ms" },
    { 1500000000, "1.50 s", "1500ms" },
    { 9996000000, "10.0 s", "9996ms" },
    { 59949000000, "59.9 s", "59949ms" },
    { 59960000000, "1 m 00 s", "59960ms" },
    { INT64_C (123000000000), "2 m 03 s", "123s" },
    { INT64_C (3599600000000), "1 h 00 m", "3599600ms" },
    { INT64_C (3720000000000), "1 h 02 m", "62m" },
    { INT64_C (86399000000000), "1 d 00 h", "86399s" },
    { INT64_C (172800000000000), "2 d 00 h", "2d" },
    { -230000000, "-230 ms", "-230ms" },
    { INT64_MAX, "106752 d 00 h", "9223372036854775807ns" },
  };
  struct buffer out = { 0 };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    out.size = 0;
    print_duration (&out, rows[i].ns);
    ck_assert_str_eq (buffer_text (&out), rows[i].shown);
    int64_t read;
    if (rows[i].ns >= 0) {
      ck_assert (parse_duration (rows[i].exact, strlen (rows[i].exact), &read));
      ck_assert_int_eq (read, rows[i].ns);
    }
  }
  buffer_free (&out);
}
END_TEST

START_TEST (addresses)
{
  static const struct { const char *text, *host; int port; const char *path; } rows[] = {
    { "localhost:80", "localhost", 80, NULL }, { "localhost", "localhost", 0, NULL }, { ":8080", "localhost", 8080, NULL },
    { "10.0.0.1:65535", "10.0.0.1", 65535, NULL }, { "a-b_c.example:0", "a-b_c.example", 0, NULL },
    { "[::1]:443", "::1", 443, NULL }, { "[::1]", "::1", 0, NULL }, { "[fe80::1%eth0]:1", "fe80::1%eth0", 1, NULL },
    { "unix:/run/x", NULL, 0, "/run/x" }, { "unix:@name", NULL, 0, "@name" },
  };
  struct arena arena = { 0 };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct address address;
    const char *why = NULL;
    ck_assert_msg (parse_address (&arena, rows[i].text, strlen (rows[i].text), &address, &why), "%s: %s",
                   rows[i].text, why);
    ck_assert_pstr_eq (address.host, rows[i].host);
    ck_assert_pstr_eq (address.path, rows[i].path);
    ck_assert_int_eq (address.port, rows[i].port);
  }
  arena_free (&arena);
}
END_TEST

START_TEST (what_is_no_address)
{
  static const struct { const char *text, *why; } rows[] = {
    { "", "empty" }, { "a:65536", "port" }, { "a:", "port" }, { "a:x", "port" }, { "a:-1", "port" }, { "a:000080", "port" },
    { "::1", "brackets" }, { "[::1", "]" }, { "[::1]80", ":port" }, { "[::1]:", "port" }, { "[x]:1", "IPv6" },
    { "[::1%]:1", "IPv6" }, { "http://a/", "URL" }, { "http://a:80/", "URL" }, { "user@host:22", "URL" },
    { "a b:1", "letters" }, { "unix:", "absolute" }, { "unix:x", "absolute" }, { "unix:@", "name" },
  };
  struct arena arena = { 0 };
  struct address address;
  const char *why;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    why = NULL;
    ck_assert_msg (!parse_address (&arena, rows[i].text, strlen (rows[i].text), &address, &why), "%s", rows[i].text);
    ck_assert_ptr_nonnull (why);
    ck_assert_msg (strstr (why, rows[i].why) != NULL, "%s: %s", rows[i].text, why);
  }
  char longest[300];
  memset (longest, 'a', sizeof longest);
  ck_assert (!parse_address (&arena, longest, sizeof longest, &address, &why));
  memcpy (longest, "unix:/", 6);
  ck_assert (!parse_address (&arena, longest, 5 + 108, &address, &why));
  ck_assert (parse_address (&arena, longest, 5 + 107, &address, &why));
  ck_assert (!parse_address (&arena, "a\0b:1", 5, &address, &why));
  arena_free (&arena);
}
END_TEST

START_TEST (hex)
{
  struct arena arena = { 0 };
  uint8_t *data, *mask;
  size_t n;
  ck_assert (parse_hex (&arena, " 00 0dF\nf\t", 10, &data, NULL, &n));
  ck_assert_uint_eq (n, 3);
  ck_assert_mem_eq (data, "\x00\x0d\xff", 4); /* and a NUL */
  ck_assert (parse_hex (&arena, "", 0, &data, NULL, &n));
  ck_assert_uint_eq (n, 0);
  ck_assert (!parse_hex (&arena, "0d ..5..", 8, &data, &mask, &n));
  ck_assert (parse_hex (&arena, "0d ..5.", 7, &data, &mask, &n));
  ck_assert_uint_eq (n, 3);
  ck_assert_mem_eq (data, "\x0d\x00\x50", 3);
  ck_assert_mem_eq (mask, "\xff\x00\xf0", 3);
  ck_assert (parse_hex (&arena, ".a", 2, &data, &mask, &n));
  ck_assert_mem_eq (mask, "\x0f", 1);
  ck_assert (!parse_hex (&arena, "0.", 2, &data, NULL, &n));
  ck_assert (!parse_hex (&arena, "0g", 2, &data, NULL, &n));
  ck_assert (!parse_hex (&arena, "0", 1, &data, NULL, &n));
  ck_assert (!parse_hex (&arena, "0x00", 4, &data, NULL, &n));
  struct buffer out = { 0 };
  print_hex (&out, "\x00\xa5\xff", 3);
  ck_assert_str_eq (buffer_text (&out), "00a5ff");
  buffer_free (&out);
  arena_free (&arena);
}
END_TEST

/* The vectors of RFC 4648, section 10, and every way to write them. */
START_TEST (base64)
{
  static const char *const vectors[][2] = {
    { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "+//+" },
  };
  struct arena arena = { 0 };
  struct buffer out = { 0 };
  uint8_t *data;
  size_t n;
  for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
    out.size = 0;
    print_base64 (&out, vectors[i][0], strlen (vectors[i][0]));
    ck_assert_str_eq (buffer_text (&out), vectors[i][1]);
    ck_assert (parse_base64 (&arena, out.data, out.size, &data, &n));
    ck_assert_uint_eq (n, strlen (vectors[i][0]));
    ck_assert_mem_eq (data, vectors[i][0], n + 1);
  }
  static const char *const good[] = { "Zg", "Zm8", " Z\ng = =", "-__-" };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++)
    ck_assert_msg (parse_base64 (&arena, good[i], strlen (good[i]), &data, &n), "%s", good[i]);
  ck_assert_mem_eq (data, "\xfb\xff\xfe", 3);
  static const char *const bad[] = { "Z", "Zg=", "Zg===", "=", "Zm9v=", "Zg==Zg==", "Zh==", "Zm9=", "Z.==", "Zm9vY" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    ck_assert_msg (!parse_base64 (&arena, bad[i], strlen (bad[i]), &data, &n), "%s", bad[i]);
  buffer_free (&out);
  arena_free (&arena);
}
END_TEST

Suite *
units_suite (void)
{
  Suite *suite = suite_create ("units");
  TCase *tc = tcase_create ("units");
  tcase_add_test (tc, durations);
  tcase_add_test (tc, sizes);
  tcase_add_test (tc, printed_durations);
  tcase_add_test (tc, addresses);
  tcase_add_test (tc, what_is_no_address);
  tcase_add_test (tc, hex);
  tcase_add_test (tc, base64);
  suite_add_tcase (suite, tc);
  return suite;
}
