/* test-param.c - param.c: from values to a struct, and what is refused. */
#include "unit.h"

#include <string.h>

#include "document.h"
#include "param.h"

struct all_args {
  const char *text;
  int64_t number;
  double real;
  struct runner_bool flag;
  struct runner_bytes bytes;
  struct runner_duration duration;
  struct runner_size size;
  struct runner_address address;
  struct runner_list list;
  struct runner_bytes_pattern pattern;
  const char *one, *other;
  const char *regex, *currency;
};

static const char *const colours[] = { "red", "green", NULL };
static const struct runner_param rows[] = {
  RUNNER_PARAM (struct all_args, text, .flags = RUNNER_PRIMARY, .preset = "red", .choices = colours, .help = "h"),
  RUNNER_PARAM (struct all_args, number, .preset = "7", .min = "1", .max = "10", .help = "h"),
  RUNNER_PARAM (struct all_args, real, .help = "h"),
  RUNNER_PARAM (struct all_args, flag, .help = "h"),
  RUNNER_PARAM (struct all_args, bytes, .help = "h"),
  RUNNER_PARAM (struct all_args, duration, .preset = "2s", .max = "1m", .help = "h"),
  RUNNER_PARAM (struct all_args, size, .help = "h"),
  RUNNER_PARAM (struct all_args, address, .help = "h"),
  RUNNER_PARAM (struct all_args, list, .min = "1", .max = "3", .help = "h"),
  RUNNER_PARAM (struct all_args, pattern, .help = "h"),
  RUNNER_PARAM (struct all_args, one, .group = "?pick", .help = "h"),
  RUNNER_PARAM (struct all_args, other, .group = "?pick", .help = "h"),
  RUNNER_PARAM (struct all_args, regex, .flags = RUNNER_REGEX, .help = "h"),
  RUNNER_PARAM (struct all_args, currency, .pattern = "^[A-Z]{3}$", .form = "a currency (EUR)", .help = "h"),
};

static struct arena arena;
static struct params params;

static void
setup (void)
{
  char error[512] = "";
  arena = (struct arena) { 0 };
  params = (struct params) { .rows = rows, .count = sizeof rows / sizeof *rows, .args_size = sizeof (struct all_args) };
  ck_assert_msg (params_prepare (&params, &arena, error, sizeof error), "%s", error);
}

static void
teardown (void)
{
  arena_free (&arena);
  source_forget_all ();
}

static struct value
yaml (const char *text)
{
  struct faults faults = { 0 };
  struct value value;
  ck_assert_msg (document_parse (&arena, "x.yaml", text, strlen (text), &value, &faults), "%s",
                 faults.count ? faults.items[0].message : "");
  faults_free (&faults);
  return value;
}

static bool
convert (const char *text, struct all_args *args, uint64_t *mask, struct param_error *error)
{
  struct value value = yaml (text);
  return params_convert (&params, &value, args, mask, &arena, NULL, error);
}

START_TEST (every_type_is_converted)
{
  struct all_args a;
  struct param_error error;
  uint64_t mask;
  ck_assert_msg (convert ("{text: green, number: 3, real: 2, flag: true, bytes: {hex: 0a ff}, duration: 1m,"
                          " size: 4KiB, address: '[::1]:80', list: [1, 2], pattern: {hex: '0. ff'}}",
                          &a, &mask, &error),
                 "%s", error.message);
  ck_assert_str_eq (a.text, "green");
  ck_assert_int_eq (a.number, 3);
  ck_assert_double_eq (a.real, 2);
  ck_assert_int_eq (a.flag.on, 1);
  ck_assert_uint_eq (a.bytes.size, 2);
  ck_assert_mem_eq (a.bytes.data, "\x0a\xff", 2);
  ck_assert_int_eq (a.duration.ns, INT64_C (60000000000));
  ck_assert_uint_eq (a.size.bytes, 4096);
  ck_assert_str_eq (a.address.host, "::1");
  ck_assert_uint_eq (a.address.port, 80);
  ck_assert_uint_eq (((const struct value *) a.list.node)->count, 2);
  ck_assert_uint_eq (a.pattern.mask[0], 0xf0);
  ck_assert_uint_eq (a.pattern.mask[1], 0xff);
  ck_assert_uint_eq (mask, 0x3ff);
}
END_TEST

START_TEST (presets_stand_for_what_is_not_given)
{
  struct all_args a;
  struct param_error error;
  uint64_t mask;
  ck_assert (convert ("{}", &a, &mask, &error));
  ck_assert_str_eq (a.text, "red");
  ck_assert_int_eq (a.number, 7);
  ck_assert_int_eq (a.duration.ns, INT64_C (2000000000));
  ck_assert_ptr_null (a.one);
  ck_assert_uint_eq (mask, 0);
  ck_assert (convert ("green", &a, &mask, &error)); /* the primary one alone */
  ck_assert_str_eq (a.text, "green");
  ck_assert_uint_eq (mask, 1);
}
END_TEST

static const struct {
  const char *given, *says;
} refused[] = {
  { "{text: blue}", "none of red, green" },
  { "{text: gren}", "did you mean \"green\"" },
  { "{number: 0}", "at least 1" },
  { "{number: 11}", "at most 10" },
  { "{number: '3'}", "expected an integer" },
  { "{number: 1.5}", "expected an integer" },
  { "{real: x}", "expected a number" },
  { "{flag: 'yes'}", "true or false" },
  { "{duration: 5}", "duration with its unit" },
  { "{duration: 2m}", "at most 1m" },
  { "{size: -1}", "size" },
  { "{address: 'a:b:c:99999'}", "address" },
  { "{list: {a: 1}}", "expected a list" },
  { "{bytes: {hex: xyz}}", "hex" },
  { "{bytes: {hexa: '00'}}", "unknown kind of bytes" },
  { "{bytes: {hex: 00}}", "put it in quotes" },
  { "{bytes: {hex: '0.'}}", "hex" },
  { "{one: a, other: b}", "only one of" },
  { "{nothing: 1}", "unknown parameter" },
  { "{list: []}", "must have at least 1 item" },
  { "{list: [1, 2, 3, 4]}", "must have at most 3 item" },
};

START_TEST (what_does_not_fit_is_refused)
{
  struct all_args a;
  struct param_error error = { .message = "" };
  uint64_t mask;
  ck_assert_msg (!convert (refused[_i].given, &a, &mask, &error), "%s is taken", refused[_i].given);
  ck_assert_msg (strstr (error.message, refused[_i].says) != NULL, "%s: %s", refused[_i].given, error.message);

  /* and the check before anything runs says the same */
  struct faults faults = { 0 };
  struct value value = yaml (refused[_i].given);
  params_check (&params, "x.y", &value, &value, &faults);
  ck_assert_uint_eq (faults.count, 1);
  faults_free (&faults);
}
END_TEST

static const struct {
  const char *given, *says; /* NULL: nothing */
} constants[] = {
  { "{regex: '('}", "bad regular expression at character 2" },
  { "{regex: '(x)'}", NULL },
  { "{regex: '${x}('}", NULL },
  { "{currency: euro}", "currency: expected a currency (EUR), got string \"euro\"" },
  { "{currency: EUR}", NULL },
  { "{currency: 978}", "expected a currency" },
  { "{currency: 'E${x}'}", NULL },
};

/* When it runs they are the verb's. */
START_TEST (constants_are_held_against_their_pattern)
{
  struct faults faults = { 0 };
  struct value value = yaml (constants[_i].given);
  params_check (&params, "x.y", &value, &value, &faults);
  ck_assert_uint_eq (faults.count, constants[_i].says ? 1 : 0);
  if (constants[_i].says)
    ck_assert_msg (strstr (faults.items[0].message, constants[_i].says) != NULL, "%s", faults.items[0].message);
  faults_free (&faults);

  struct all_args a;
  struct param_error error = { .message = "" };
  uint64_t mask;
  ck_assert_msg (convert (constants[_i].given, &a, &mask, &error), "%s", error.message);
}
END_TEST

START_TEST (a_wrong_table_is_refused)
{
  static const struct runner_param small[] = { RUNNER_PARAM (struct all_args, other, .help = "h") };
  static const struct runner_param mute[] = { RUNNER_PARAM (struct all_args, text) };
  static const struct runner_param bad_preset[] = { RUNNER_PARAM (struct all_args, number, .preset = "x", .help = "h") };
  static const struct runner_param twice[] = { RUNNER_PARAM (struct all_args, one, .help = "h"),
                                               RUNNER_PARAM (struct all_args, one, .help = "h") };
  static const struct runner_param bad_pattern[]
    = { RUNNER_PARAM (struct all_args, other, .pattern = "(", .form = "f", .help = "h") };
  static const struct runner_param lie[] = { { .name = "x", .type = RUNNER_TEXT, .size = 1, .help = "h" } };
  const struct params wrong[] = {
    { .rows = small, .count = 1, .args_size = 8 },
    { .rows = mute, .count = 1, .args_size = sizeof (struct all_args) },
    { .rows = bad_preset, .count = 1, .args_size = sizeof (struct all_args) },
    { .rows = twice, .count = 2, .args_size = sizeof (struct all_args) },
    { .rows = bad_pattern, .count = 1, .args_size = sizeof (struct all_args) },
    { .rows = lie, .count = 1, .args_size = sizeof (struct all_args) },
  };
  char error[512] = "";
  struct params copy = wrong[_i];
  ck_assert (!params_prepare (&copy, &arena, error, sizeof error));
  ck_assert_str_ne (error, "");
}
END_TEST

Suite *
param_suite (void)
{
  Suite *suite = suite_create ("param");
  TCase *tc = tcase_create ("param");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, every_type_is_converted);
  tcase_add_test (tc, presets_stand_for_what_is_not_given);
  tcase_add_loop_test (tc, what_does_not_fit_is_refused, 0, sizeof refused / sizeof *refused);
  tcase_add_loop_test (tc, a_wrong_table_is_refused, 0, 6);
  tcase_add_loop_test (tc, constants_are_held_against_their_pattern, 0, sizeof constants / sizeof *constants);
  suite_add_tcase (suite, tc);
  return suite;
}
