/* test-suite.c - suite.c, suite-step.c, suite-names.c: what is refused before
 * anything runs, with its place; and what the types hold. */
#include "unit.h"

#include <string.h>

#include "suite.h"

static struct expr_engine *engine;
static struct faults faults;

static void
setup (void)
{
  engine = expr_new (1);
  faults = (struct faults) { 0 };
}

static void
teardown (void)
{
  expr_free (engine);
  faults_free (&faults);
  source_forget_all ();
}

static struct suite *
parse (const char *text)
{
  return suite_parse ("x.yaml", text, strlen (text), 0, engine, &faults);
}

#define HEAD "suite: x\n"
#define STEPS(steps) HEAD "tests:\n- test: a\n  steps:\n" steps

static const struct {
  const char *text;
  unsigned line, column;
  const char *says;
} wrong[] = {
  { HEAD, 1, 1, "no tests" },
  { HEAD "bogus: 1\ntests: []\n", 2, 1, "bogus" },
  { HEAD "tests: {}\n", 2, 8, "expected a list of tests" },
  { HEAD "tests: []\n", 2, 8, "has no tests" },
  { HEAD "vars: {end: 1}\ntests: []\n", 2, 8, "word of Lua" },
  { STEPS ("  - log: x\n    expct: {a: 1}\n"), 6, 5, "did you mean \"expect\"" },
  { STEPS ("  - expct: {a: 1}\n    log: x\n"), 5, 5, "did you mean \"expect\"" },
  { STEPS ("  - log: x\n    sleep: 1s\n"), 6, 5, "one verb" },
  { HEAD "include: none.library.yaml\ntests: [{test: a, steps: [log: x]}]\n", 2, 10, "cannot be read" },
  { STEPS ("  - role.wait: hub\n"), 5, 16, "unknown role \"hub\"" },
  { STEPS ("  - role.quiet: {role: hub, for: 1s}\n"), 5, 24, "unknown role \"hub\"" },
  { HEAD "tests:\n- steps: [log: x]\n", 3, 3, "has no name" },
  { HEAD "tests:\n- test: a\n", 3, 9, "has no steps" },
  { HEAD "tests:\n- test: a\n  steps: [log: x]\n- test: a\n  steps: [log: x]\n", 5, 3, "two tests are named" },
  { HEAD "timeout: 5\ntests: []\n", 2, 10, "duration" },
  { HEAD "isolation: x\ntests: []\n", 2, 12, "test or suite" },
  { HEAD "vars: {env: 1}\ntests: []\n", 2, 8, "the name of a helper" },
  { HEAD "vars: {a-b: 1}\ntests: []\n", 2, 8, "is no name" },
  { HEAD "vars: {result: 1}\ntests: []\n", 2, 8, "step's own result" },
  { HEAD "secrets: {t: {env: A, file: b}}\ntests: []\n", 2, 11, "one of env, file" },
  { HEAD "roles: {r: {log.x: {}}}\ntests: []\n", 2, 13, "no plugin \"log\"" },
  { HEAD "roles: {r: {count: 3}}\ntests: []\n", 2, 9, "PLUGIN.ROLE is missing" },
  { HEAD "keywords: {k: {params: {p: {type: strin}}, steps: [log: x]}}\ntests: []\n", 2, 35, "one of string" },
  { HEAD "keywords: {k: {}}\ntests: []\n", 2, 12, "steps are missing" },
  { STEPS ("  - 5\n"), 5, 5, "expected a step" },
  { STEPS ("  - {name: x}\n"), 5, 5, "no verb" },
  { STEPS ("  - {log: a, fail: b}\n"), 5, 14, "one verb" },
  { STEPS ("  - lgo: a\n"), 5, 5, "did you mean \"log\"" },
  { STEPS ("  - role.strat: a\n"), 5, 5, "did you mean \"role.start\"" },
  { STEPS ("  - my.nothing: a\n"), 5, 5, "my.nothing" },
  { STEPS ("  - sleep: {four: 1s}\n"), 5, 13, "did you mean \"for\"" },
  { STEPS ("  - sleep: 5\n"), 5, 12, "duration with its unit" },
  { STEPS ("  - log: a\n    retry: {every: 1s}\n"), 6, 12, "for is missing" },
  { STEPS ("  - log: a\n    retry: soon\n"), 6, 12, "duration" },
  { STEPS ("  - log: a\n    save: {x: body}\n"), 6, 15, "expected a path" },
  { STEPS ("  - log: a\n    save: {x: '$.a['}\n"), 6, 15, "character" },
  { STEPS ("  - log: a\n    each: {i: 5}\n"), 6, 15, "list or a range" },
  { STEPS ("  - log: a\n    each: {i: [1, 2], j: 0..2}\n"), 6, 23, "different lengths: i has 2, j has 3" },
  { STEPS ("  - role.stats: a\n    save: {x: $.memroy}\n"), 6, 15, "did you mean \"memory\"" },
  { HEAD "tests:\n- test: a\n  matrix: [{m: 1, n: 1}, {m: 1}]\n  steps: [log: x]\n", 4, 26, "this row has no \"n\"" },
  { HEAD "tests:\n- test: a\n  matrix: [{m: 1}, {m: 1, n: 1}]\n  steps: [log: x]\n", 4, 27, "the first row has no \"n\"" },
  { STEPS ("  - log: a\n    expect: {$lenght: 1}\n"), 6, 14, "did you mean \"$length\"" },
  { STEPS ("  - role.stats: a\n    expect: {memroy: 1}\n"), 6, 14, "did you mean \"memory\"" },
  { STEPS ("  - check: []\n"), 5, 12, "empty" },
  { STEPS ("  - check: x == 1\n"), 5, 12, "undefined name \"x\"" },
  { STEPS ("  - log: \"${y}\"\n  - set: {y: 1}\n"), 5, 13, "undefined name \"y\"" },
  { STEPS ("  - defer: [{log: a}]\n    retry: 1s\n"), 5, 5, "no such modifier" },
  { STEPS ("  - parallel: []\n"), 5, 5, "no branch" },
  { STEPS ("  - parallel: [{set: {x: 1}}, {set: {x: 2}}]\n"), 5, 38, "two branches" },
  { STEPS ("  - first_of: {a: {log: x}}\n"), 5, 15, "expected a map" },
  { HEAD "tests:\n- test: a\n  matrix: {m: []}\n  steps: [log: x]\n", 4, 15, "not empty" },
  { HEAD "tests:\n- test: a\n  matrix: {m: ['${1}']}\n  steps: [log: x]\n", 4, 11, "cannot stand here" },
  { HEAD "tests:\n- test: a\n  retries: 1000\n  steps: [log: x]\n", 4, 12, "0 to 100" },
};

START_TEST (a_fault_has_its_place)
{
  suite_free (parse (wrong[_i].text));
  ck_assert_msg (faults.count > 0, "no fault in:\n%s", wrong[_i].text);
  const struct fault *fault = &faults.items[0];
  ck_assert_msg (strstr (fault->message, wrong[_i].says) != NULL, "%s\nin:\n%s", fault->message, wrong[_i].text);
  ck_assert_msg (fault->where.line == wrong[_i].line && fault->where.column == wrong[_i].column,
                 "%u:%u instead of %u:%u: %s", fault->where.line, fault->where.column, wrong[_i].line,
                 wrong[_i].column, fault->message);
}
END_TEST

START_TEST (every_fault_is_told)
{
  suite_free (parse (HEAD "bogus: 1\nlocks: {}\ntests:\n- test: a\n  steps: [{lgo: 1}, {sleep: 5}, {fial: x}]\n"));
  ck_assert_uint_ge (faults.count, 5);
}
END_TEST

static bool
is_told (const char *text)
{
  for (size_t i = 0; i < faults.count; i++)
    if (strstr (faults.items[i].message, text))
      return true;
  return false;
}

/* What is undefined because of another fault is not told with it. */
START_TEST (names_are_told_beside_other_faults)
{
  suite_free (parse (HEAD "bogus: 1\ntests:\n- test: a\n  steps:\n  - lgo: 1\n    save: {x: $.a}\n"
                          "  - log: ${x} ${nowhere}\n  - check: 1 +\n"));
  ck_assert (is_told ("\"bogus\"") && is_told ("\"lgo\"") && is_told ("undefined name \"nowhere\"")
             && is_told ("end of the expression"));
  ck_assert (!is_told ("undefined name \"x\""));
  ck_assert_uint_eq (faults.count, 4);
}
END_TEST

START_TEST (a_library_that_is_missing_may_define_anything)
{
  suite_free (parse (HEAD "include: none.library.yaml\ntests:\n- test: a\n  steps:\n  - log: ${x}\n  - role.wait: y\n"));
  ck_assert_uint_eq (faults.count, 1);
}
END_TEST

START_TEST (a_suite_holds_what_was_written)
{
  struct suite *suite
    = parse (HEAD "tags: [s]\nordered: true\nlocks: [one]\nkeywords: {k: {params: {p: {primary: true}}, steps: "
                  "[{log: \"${p}\"}], returns: {q: 1}}}\ntests:\n- test: a\n  tags: t\n  timeout: 5s\n  locks: [two]\n"
                  "  steps:\n  - my.k: v\n    retry: {for: 1s, every: 10ms}\n  - do: [{log: a}, {log: b}]\n"
                  "  x-free: 1\n");
  ck_assert_msg (suite && faults.count == 0, "%s", faults.count ? faults.items[0].message : "");
  ck_assert_str_eq (suite->name, "x");
  ck_assert (suite->ordered);
  ck_assert_str_eq (suite->locks[1], "two");
  const struct test *test = &suite->tests[0];
  ck_assert_str_eq (test->tags[0], "s");
  ck_assert_str_eq (test->tags[1], "t");
  ck_assert_int_eq (test->timeout_ns, INT64_C (5000000000));
  ck_assert_uint_eq (test->steps.count, 2);
  ck_assert_int_eq (test->steps.items[0].kind, STEP_KEYWORD);
  ck_assert_ptr_nonnull (test->steps.items[0].retry_every);
  ck_assert_uint_eq (test->steps.items[1].body.count, 2);
  ck_assert_uint_eq (suite->step_count, 5);
  for (uint32_t i = 0; i < suite->step_count; i++)
    ck_assert_uint_eq (suite->all_steps[i]->id, i);
  suite_free (suite);
}
END_TEST

START_TEST (a_library_is_no_suite_and_no_fault)
{
  ck_assert_ptr_null (parse ("library: l\nkeywords: {}\n"));
  ck_assert_uint_eq (faults.count, 0);
}
END_TEST

Suite *
suite_suite (void)
{
  Suite *suite = suite_create ("suite");
  TCase *tc = tcase_create ("suite");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_loop_test (tc, a_fault_has_its_place, 0, sizeof wrong / sizeof *wrong);
  tcase_add_test (tc, every_fault_is_told);
  tcase_add_test (tc, names_are_told_beside_other_faults);
  tcase_add_test (tc, a_library_that_is_missing_may_define_anything);
  tcase_add_test (tc, a_suite_holds_what_was_written);
  tcase_add_test (tc, a_library_is_no_suite_and_no_fault);
  suite_add_tcase (suite, tc);
  return suite;
}
