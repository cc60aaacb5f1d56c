/* check-trivial.c - trivial tests under Check's own runner, which does not fork here.
 *
 *   check-trivial COUNT XML
 *
 * As many tests as runner is given, and a report in XML as runner writes one. */
#include <check.h>
#include <stdlib.h>

START_TEST (trivial)
{
  ck_assert_int_eq (1, 1);
}
END_TEST

int
main (int argc, char **argv)
{
  if (argc != 3)
    return 2;
  Suite *suite = suite_create ("trivial");
  TCase *tests = tcase_create ("trivial");
  for (int count = atoi (argv[1]); count > 0; count--)
    tcase_add_test (tests, trivial);
  suite_add_tcase (suite, tests);
  SRunner *runner = srunner_create (suite);
  srunner_set_fork_status (runner, CK_NOFORK);
  srunner_set_xml (runner, argv[2]);
  srunner_run_all (runner, CK_NORMAL);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? 1 : 0;
}
