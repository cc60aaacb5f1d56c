/* test-pyrepr.c - pyrepr.c: what Python 3.11 printed for the same values. */
#include "unit.h"

#include "pyrepr.h"

struct sample {
  const char *value;
  size_t size;
  const char *printed;
};

static const struct sample texts[] = {
  { "name", 4, "'name'" },
  { "", 0, "''" },
  { "it's", 4, "\042it's\042" },
  { "say \042x\042", 7, "'say \042x\042'" },
  { "both ' and \042", 12, "'both \134' and \042'" },
  { "back\134slash", 10, "'back\134\134slash'" },
  { "tab\011new\012ret\015", 12, "'tab\134tnew\134nret\134r'" },
  { "\000nul", 4, "'\134x00nul'" },
  { "\177", 1, "'\134x7f'" },
  { "\033[31m", 5, "'\134x1b[31m'" },
  { "\303\251", 2, "'\303\251'" },
  { "\302\255", 2, "'\134xad'" },
  { "\302\240", 2, "'\134xa0'" },
  { "\320\226", 2, "'\320\226'" },
  { "\342\200\213", 3, "'\134u200b'" },
  { "\342\200\250", 3, "'\134u2028'" },
  { "\342\202\254", 3, "'\342\202\254'" },
  { "\356\200\200", 3, "'\134ue000'" },
  { "\357\273\277", 3, "'\134ufeff'" },
  { "\360\237\230\200", 4, "'\360\237\230\200'" },
  { "\363\240\200\201", 4, "'\134U000e0001'" },
  { "\315\270", 2, "'\134u0378'" },
  { "\360\237\253\267", 4, "'\134U0001faf7'" },
  { "\346\227\245\346\234\254\350\252\236", 9, "'\346\227\245\346\234\254\350\252\236'" },
  { "'\134'", 3, "\042'\134\134'\042" },
  { "\343\200\200", 3, "'\134u3000'" },
  { "\364\217\277\277", 4, "'\134U0010ffff'" },
};

static const struct sample byte_strings[] = {
  { "@123,name@", 10, "b'@123,name@'" },
  { "", 0, "b''" },
  { "it's", 4, "b\042it's\042" },
  { "say \042x\042", 7, "b'say \042x\042'" },
  { "both ' and \042", 12, "b'both \134' and \042'" },
  { "a\134b", 3, "b'a\134\134b'" },
  { "\011\012\015\000\177", 5, "b'\134t\134n\134r\134x00\134x7f'" },
  { "\320\226\377", 3, "b'\134xd0\134x96\134xff'" },
};

static void
assert_samples (const struct sample *samples, size_t n, void (*print) (struct bytes *out, const char *, size_t))
{
  for (size_t i = 0; i < n; i++) {
    struct bytes out = { 0 };
    print (&out, samples[i].value, samples[i].size);
    ck_assert_str_eq (bytes_text (&out), samples[i].printed);
    bytes_free (&out);
  }
}

static void
print_bytes (struct bytes *out, const char *text, size_t size)
{
  pyrepr_bytes (out, text, size);
}

START_TEST (texts_are_quoted)
{
  assert_samples (texts, sizeof texts / sizeof *texts, pyrepr_text);
}
END_TEST

START_TEST (bytes_are_quoted)
{
  assert_samples (byte_strings, sizeof byte_strings / sizeof *byte_strings, print_bytes);
}
END_TEST

START_TEST (a_line_stays_one_line)
{
  struct bytes out = { 0 };
  pyrepr_line (&out, "@1,it's \\ \n\x1b \xff@", 15);
  ck_assert_str_eq (bytes_text (&out), "@1,it's \\ \\n\\x1b \\xff@");
  bytes_free (&out);
}
END_TEST

Suite *
pyrepr_suite (void)
{
  Suite *suite = suite_create ("pyrepr");
  TCase *tests = tcase_create ("pyrepr");
  tcase_add_test (tests, texts_are_quoted);
  tcase_add_test (tests, bytes_are_quoted);
  tcase_add_test (tests, a_line_stays_one_line);
  suite_add_tcase (suite, tests);
  return suite;
}
