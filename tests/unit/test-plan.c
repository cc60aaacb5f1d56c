/* test-plan.c - plan.c: cases out of matrices, what is selected, in which order. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan.h"

static struct expr_engine *engine;
static struct faults faults;
static struct suite *suite;
static struct plan plan;
static struct run_options options;

static void
setup (void)
{
  engine = expr_new (1);
  faults = (struct faults) { 0 };
  options = (struct run_options) { .jobs = 1, .output = "nowhere", .repeat = 1 };
  plan = (struct plan) { .suites = NULL };
}

static void
teardown (void)
{
  plan_free (&plan);
  suite_free (suite);
  suite = NULL;
  faults_free (&faults);
  expr_free (engine);
  source_forget_all ();
}

static bool
make (const char *text)
{
  suite = suite_parse ("x.yaml", text, strlen (text), 0, engine, &faults);
  ck_assert_msg (suite && !faults.count, "%s", faults.count ? faults.items[0].message : "");
  return plan_make (&plan, &suite, 1, &options, engine, &faults);
}

/* The planned names, joined by "|". */
static const char *
names (void)
{
  static struct buffer text;
  text.size = 0;
  for (size_t i = 0; i < plan.suite_count; i++)
    for (size_t j = 0; j < plan.suites[i].count; j++)
      buffer_printf (&text, "%s%s", text.size ? "|" : "", plan.suites[i].tests[j].name);
  return buffer_text (&text);
}

#define TESTS "suite: x\ntests:\n"
#define ABCD \
  TESTS "- {test: a, steps: [log: x], tags: [fast]}\n- {test: b, steps: [log: x]}\n- {test: c, steps: [log: x], tags: [fast, odd]}\n" \
        "- {test: d, steps: [log: x]}\n"

START_TEST (a_matrix_makes_cases_in_a_stable_order)
{
  ck_assert (make (TESTS "- {test: t, matrix: {m: [1, 2], n: [x, 'y z']}, steps: [log: x]}\n"));
  ck_assert_str_eq (names (), "t (m=1, n=x)|t (m=1, n=y z)|t (m=2, n=x)|t (m=2, n=y z)");
  const struct planned *last = &plan.suites[0].tests[3];
  ck_assert_uint_eq (last->number, 3);
  ck_assert_int_eq (value_get (last->row, "m")->integer, 2);
}
END_TEST

START_TEST (rows_that_look_alike_get_their_place)
{
  ck_assert (make (TESTS "- {test: t, matrix: [{m: 1}, {m: '1'}, {m: {k: [true]}}], steps: [log: x]}\n"));
  ck_assert_ptr_nonnull (strstr (names (), "t (m=1)|t (m=1) [2]|"));
  ck_assert_ptr_nonnull (strstr (names (), "t (m={\"k\": [true]})"));
}
END_TEST

START_TEST (too_many_cases_are_refused)
{
  ck_assert (!make (TESTS "- {test: t, matrix: {a: &l [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], b: *l, c: *l, d: *l, e: *l,"
                          " f: *l, g: *l}, steps: [log: x]}\n"));
  ck_assert_ptr_nonnull (strstr (faults.items[0].message, "more than"));
}
END_TEST

static const struct {
  const char *keyword, *tag, *where, *expected;
} selections[] = {
  { NULL, NULL, NULL, "a|b|c|d" },
  { "B", NULL, NULL, "b" },
  { NULL, "fast", NULL, "a|c" },
  { NULL, "!fast", NULL, "b|d" },
  { NULL, NULL, "name > 'b' and line < 6", "c" },
  { NULL, NULL, "any(tags, function (t) return t == 'odd' end)", "c" },
  { "zzz", NULL, NULL, "" },
};

START_TEST (selection)
{
  const char *keyword = selections[_i].keyword, *tag = selections[_i].tag;
  options.keywords = &keyword;
  options.keyword_count = keyword != NULL;
  options.tags = &tag;
  options.tag_count = tag != NULL;
  options.where = selections[_i].where;
  ck_assert_msg (make (ABCD), "%s", faults.count ? faults.items[0].message : "");
  ck_assert_str_eq (names (), selections[_i].expected);
}
END_TEST

START_TEST (repeats_have_names_of_their_own)
{
  options.repeat = 2;
  ck_assert (make (TESTS "- {test: a, steps: [log: x]}\n"));
  ck_assert_str_eq (names (), "a|a #2");
}
END_TEST

/* The results of a last run, of x.yaml; `what`: each a name, and after a tab its outcome. */
static void
last_run (char *folder, const char *const *what)
{
  char path[64];
  ck_assert_ptr_nonnull (mkdtemp (folder));
  snprintf (path, sizeof path, "%s/events.jsonl", folder);
  FILE *file = fopen (path, "we");
  ck_assert_ptr_nonnull (file);
  fputs ("{\"event\":\"plan\",\"time_us\":1,\"suite\":0,\"path\":\"x.yaml\",\"first\":0,\"planned\":[]}\n", file);
  for (unsigned i = 0; what[i]; i++) {
    const char *tab = strchr (what[i], '\t');
    fprintf (file, "{\"event\":\"test\",\"time_us\":1,\"suite\":0,\"test\":%u,\"name\":\"%.*s\",\"attempt\":1,"
                   "\"final\":true,\"outcome\":\"%s\",\"start_us\":1,\"duration_us\":1}\n",
             i, (int) (tab - what[i]), what[i], tab + 1);
  }
  ck_assert_int_eq (fclose (file), 0);
  options.output = folder;
  options.last_failed = true;
}

static void
forget_last_run (const char *folder)
{
  char path[64];
  snprintf (path, sizeof path, "%s/events.jsonl", folder);
  ck_assert_int_eq (unlink (path), 0);
  ck_assert_int_eq (rmdir (folder), 0);
}

START_TEST (a_repeat_that_failed_stands_for_its_test)
{
  char folder[] = "/tmp/runner-unit-XXXXXX";
  last_run (folder, (const char *const[]) { "a\tpassed", "b\tpassed", "c\tpassed", "a #2\tpassed", "b #2\tpassed",
                                            "c #12\tfailed", NULL });
  ck_assert (make (ABCD));
  ck_assert_str_eq (names (), "c");
  forget_last_run (folder);
}
END_TEST

START_TEST (a_test_may_be_named_like_a_repeat)
{
  char folder[] = "/tmp/runner-unit-XXXXXX";
  last_run (folder, (const char *const[]) { "a\tpassed", "a #3\tfailed", "b #\tfailed", "d #4 #2\tfailed", NULL });
  ck_assert (make (TESTS "- {test: a, steps: [log: x]}\n- {test: 'a #3', steps: [log: x]}\n- {test: b, steps: [log: x]}\n"
                         "- {test: d, steps: [log: x]}\n- {test: 'd #4', steps: [log: x]}\n"));
  ck_assert_str_eq (names (), "a #3|d #4");
  forget_last_run (folder);
}
END_TEST

START_TEST (too_many_repeats_are_refused)
{
  options.repeat = 250001;
  ck_assert (!make (ABCD));
  ck_assert_str_eq (faults.items[0].message, "--repeat: more than 1000000 cases in x.yaml");
}
END_TEST

START_TEST (a_seed_gives_an_order)
{
  options.shuffle = true;
  options.seed = 5;
  ck_assert (make (ABCD));
  char *first = strdup (names ());
  ck_assert_ptr_nonnull (first);
  plan_free (&plan);
  suite_free (suite);
  ck_assert (make (ABCD));
  ck_assert_str_eq (names (), first);
  free (first);
}
END_TEST

START_TEST (an_ordered_suite_stays_as_written)
{
  options.shuffle = true;
  for (options.seed = 0; options.seed < 20; options.seed++) {
    plan_free (&plan);
    suite_free (suite);
    ck_assert (make ("ordered: true\n" ABCD));
    ck_assert_str_eq (names (), "a|b|c|d");
  }
}
END_TEST

Suite *
plan_suite (void)
{
  Suite *s = suite_create ("plan");
  TCase *tc = tcase_create ("plan");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, a_matrix_makes_cases_in_a_stable_order);
  tcase_add_test (tc, rows_that_look_alike_get_their_place);
  tcase_add_test (tc, too_many_cases_are_refused);
  tcase_add_loop_test (tc, selection, 0, sizeof selections / sizeof *selections);
  tcase_add_test (tc, repeats_have_names_of_their_own);
  tcase_add_test (tc, a_repeat_that_failed_stands_for_its_test);
  tcase_add_test (tc, a_test_may_be_named_like_a_repeat);
  tcase_add_test (tc, too_many_repeats_are_refused);
  tcase_add_test (tc, a_seed_gives_an_order);
  tcase_add_test (tc, an_ordered_suite_stays_as_written);
  suite_add_tcase (s, tc);
  return s;
}
