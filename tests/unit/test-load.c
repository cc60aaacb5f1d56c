/* test-load.c - load-form.c: what is written behind `load`, and its schedule. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "document.h"
#include "load-form.h"
#include "load-require.h"

#define S INT64_C (1000000000)

static struct arena arena;
static struct load_form form;
static struct param_error error;

/* Reads it as YAML; the message, or "" */
static const char *
read_form (const char *yaml)
{
  static char text[4096];
  struct faults faults = { 0 };
  struct value root;
  arena_reset (&arena);
  snprintf (text, sizeof text, "steps: []\n%s", yaml);
  error.message[0] = '\0';
  ck_assert (document_parse (&arena, "load.yaml", text, strlen (text), &root, &faults));
  return load_form_read (&root, "/", &arena, &form, &error) ? "" : error.message;
}

static void
free_arena (void)
{
  arena_free (&arena);
}

START_TEST (users_at_once)
{
  ck_assert_str_eq (read_form ("users: 50\nfor: 30s\n"), "");
  ck_assert (!form.open);
  ck_assert_uint_eq (load_users_at (&form, 0), 50);
  ck_assert_uint_eq (load_users_at (&form, 29 * S), 50);
  ck_assert_int_eq (form.end_ns, 30 * S);
  ck_assert_uint_eq (form.times, UINT64_MAX);
  ck_assert_int_eq (form.grace_ns, 5 * S);
}
END_TEST

START_TEST (users_one_after_the_other)
{
  ck_assert_str_eq (read_form ("users: 500\nspawn: 100/s\ntimes: 3\nthink: 5s..9s\nwarmup: 10s\n"), "");
  ck_assert_uint_eq (load_users_at (&form, 0), 1);
  ck_assert_uint_eq (load_users_at (&form, S), 101);
  ck_assert_uint_eq (load_users_at (&form, 5 * S - 1), 500);
  ck_assert_uint_eq (load_users_at (&form, 100 * S), 500);
  ck_assert_uint_eq (form.times, 3);
  ck_assert_int_eq (form.think_min_ns, 5 * S);
  ck_assert_int_eq (form.think_max_ns, 9 * S);
  ck_assert_int_eq (form.warmup_ns, 10 * S);
}
END_TEST

START_TEST (stages_of_users)
{
  ck_assert_str_eq (read_form ("stages: [{for: 10s, users: 100}, {for: 10s, users: 100}, {for: 5s, users: 0}]\n"), "");
  ck_assert_uint_eq (form.users, 100);
  ck_assert_int_eq (form.end_ns, 25 * S);
  ck_assert_uint_eq (load_users_at (&form, 0), 1);
  ck_assert_uint_eq (load_users_at (&form, 5 * S), 51);
  ck_assert_uint_eq (load_users_at (&form, 15 * S), 100);
  ck_assert_uint_eq (load_users_at (&form, 22 * S + S / 2), 50);
  ck_assert_uint_eq (load_users_at (&form, 25 * S), 0);
}
END_TEST

START_TEST (a_rate)
{
  ck_assert_str_eq (read_form ("rate: 1000/s\nfor: 2s\n"), "");
  ck_assert (form.open);
  ck_assert_uint_eq (form.users, 100);
  ck_assert_int_eq (load_due_ns (&form, 0), 0);
  ck_assert_int_eq (load_due_ns (&form, 1500), S + S / 2);
  ck_assert_int_eq (load_due_ns (&form, 1999), 1999000000);
  ck_assert_int_eq (load_due_ns (&form, 2000), INT64_MAX);
  ck_assert_uint_eq (load_due_before (&form, form.end_ns), 2000);
  ck_assert_uint_eq (load_due_before (&form, S / 2), 500);
  ck_assert_str_eq (read_form ("rate: 30/m\ntimes: 3\nusers: 7\n"), "");
  ck_assert_int_eq (load_due_ns (&form, 2), 4 * S);
  ck_assert_uint_eq (load_due_before (&form, 100 * S), 3);
  ck_assert_uint_eq (form.users, 7);
}
END_TEST

START_TEST (a_stage_of_no_time_is_a_jump)
{
  ck_assert_str_eq (read_form ("stages: [{for: 0s, rate: 100/s}, {for: 2s, rate: 100/s}]\n"), "");
  ck_assert_uint_eq (load_due_before (&form, 1 * S), 100);
  ck_assert_uint_eq (load_due_before (&form, form.end_ns), 200);
  ck_assert_int_eq (load_due_ns (&form, 0), 0);
  ck_assert_int_eq (load_due_ns (&form, 100), 1 * S);
}
END_TEST

START_TEST (stages_of_rates)
{
  ck_assert_str_eq (read_form ("stages: [{for: 10s, rate: 100/s}, {for: 10s, rate: 100/s}, {for: 10s, rate: 0/s}]\n"), "");
  ck_assert (form.open);
  /* 500 while it rises, 1000, 500 while it falls */
  ck_assert_uint_eq (load_due_before (&form, 10 * S), 500);
  ck_assert_uint_eq (load_due_before (&form, 20 * S), 1500);
  ck_assert_uint_eq (load_due_before (&form, 30 * S), 2000);
  ck_assert_int_eq (load_due_ns (&form, 2000), INT64_MAX);
  int64_t before = -1;
  for (uint64_t i = 0; i < 2000; i++) {
    int64_t due = load_due_ns (&form, i);
    ck_assert_int_gt (due, before);
    ck_assert_uint_le (load_due_before (&form, due), i + 1); /* the two functions are each other's inverse */
    ck_assert_uint_ge (load_due_before (&form, due + 1000000), i + 1);
    before = due;
  }
}
END_TEST

START_TEST (what_is_wrong_is_told)
{
  static const struct { const char *yaml, *text; } all[] = {
    { "users: 5\n", "how long?" },
    { "for: 5s\n", "how many?" },
    { "users: 0\nfor: 5s\n", "users" },
    { "users: 16001\nfor: 5s\n", "users" },
    { "users: 5\nfor: 5\n", "unit" },
    { "users: 5\nfor: 5s\nspawn: fast\n", "spawn: expected" },
    { "users: 5\nfor: 5s\nspawn: 5/d\n", "spawn: expected" },
    { "rate: 0\nfor: 5s\n", "rate: expected" },
    { "rate: -1/s\nfor: 5s\n", "rate: expected" },
    { "rate: 1e9\nfor: 5s\n", "rate: expected" },
    { "rate: 5/s\nfor: 5s\nthink: 1s\n", "nobody thinks" },
    { "rate: 5/s\nfor: 5s\nspawn: 1/s\n", "nobody thinks" },
    { "users: 5\nfor: 5s\nthink: 3s..1s\n", "think: expected" },
    { "users: 5\nfor: 5s\nthink: 3\n", "think: expected" },
    { "users: 5\nfor: 5s\nwarmup: 5s\n", "nothing is left to count" },
    { "users: 5\nfor: 0s\n", "it lasts no time" },
    { "users: 5\nfor: 31d\n", "at most 30d" },
    { "users: 5\nfor: 1s\nthink: 1s..31d\n", "think: expected" },
    { "users: 5\nfor: 1s\nspawn: 0.000001/h\n", "spawn: expected" },
    { "stages: [{for: 31d, users: 1}]\n", "at most 30d" },
    { "stages: [{for: 0s, users: 1}]\n", "it lasts no time" },
    { "stages: []\n", "the list is empty" },
    { "stages: [5]\n", "expected a map" },
    { "stages: [{for: 5s}]\n", "for and users are needed" },
    { "stages: [{for: 5s, users: 0}]\n", "there is never a user" },
    { "stages: [{for: 5s, rate: 0/s}]\n", "no iteration is ever due" },
    { "stages: [{for: 5s, rate: 1/s}, {for: 5s, rate: ./s}]\n", "expected a rate" },
    { "stages: [{for: 5s, rate: 1/s}, {for: 5s, rate: -1}]\n", "expected a rate" },
    { "stages: [{for: 5s, users: 3, x: 1}]\n", "\"x\" is not known" },
    { "stages: [{for: 5s, rate: 3}, {for: 5s, users: 3}]\n", "\"users\" is not known" },
    { "stages: [{for: 5s, users: 3}]\nfor: 7s\n", "one or the other" },
    { "stages: [{for: 5s, users: 3}]\nusers: 7\n", "one or the other" },
    { "users: 5\nfor: 5s\nduration: 5s\n", "duration" },
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    const char *message = read_form (all[i].yaml);
    ck_assert_msg (strstr (message, all[i].text) != NULL, "%s: \"%s\" has no \"%s\"", all[i].yaml, message, all[i].text);
  }
}
END_TEST

START_TEST (thresholds)
{
  static const struct { const char *text; enum load_metric metric; double percentile; const char *series; } all[] = {
    { "errors", LOAD_ERRORS, 0, NULL },      { "error_rate", LOAD_ERROR_RATE, 0, NULL },
    { "p95", LOAD_PERCENTILE, 95, NULL },    { "p5", LOAD_PERCENTILE, 5, NULL },
    { "p999", LOAD_PERCENTILE, 99.9, NULL }, { "p975", LOAD_PERCENTILE, 97.5, NULL }, { "p9999", LOAD_PERCENTILE, 99.99, NULL },
    { "p100", LOAD_PERCENTILE, 100, NULL },  { "log in.p50", LOAD_PERCENTILE, 50, "log in" },
    { "http.get.rate", LOAD_RATE, 0, "http.get" },
  };
  static const char *const none[] = { "", "p", "p0", "p05", "p9x", "p200", "p101", "p1000", "p505", "q95", "a.", ".", "p1234567", "error" };
  struct load_threshold threshold;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    ck_assert_msg (load_threshold_parse (all[i].text, strlen (all[i].text), &threshold), "%s", all[i].text);
    ck_assert_int_eq (threshold.metric, all[i].metric);
    if (all[i].percentile > 0)
      ck_assert_double_eq_tol (threshold.percentile, all[i].percentile, 1e-9);
    ck_assert_uint_eq (threshold.series_size, all[i].series ? strlen (all[i].series) : 0);
    ck_assert (!all[i].series || memcmp (threshold.series, all[i].series, threshold.series_size) == 0);
  }
  for (size_t i = 0; i < sizeof none / sizeof *none; i++)
    ck_assert_msg (!load_threshold_parse (none[i], strlen (none[i]), &threshold), "%s", none[i]);
}
END_TEST

Suite *
load_suite (void)
{
  Suite *suite = suite_create ("load");
  TCase *test_case = tcase_create ("load");
  tcase_add_unchecked_fixture (test_case, NULL, free_arena);
  tcase_add_test (test_case, users_at_once);
  tcase_add_test (test_case, users_one_after_the_other);
  tcase_add_test (test_case, stages_of_users);
  tcase_add_test (test_case, a_rate);
  tcase_add_test (test_case, a_stage_of_no_time_is_a_jump);
  tcase_add_test (test_case, stages_of_rates);
  tcase_add_test (test_case, what_is_wrong_is_told);
  tcase_add_test (test_case, thresholds);
  suite_add_tcase (suite, test_case);
  return suite;
}
