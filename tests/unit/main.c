/* main.c - runs the unit tests: all, or those of the suites named. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    Suite *(*make) (void);
  } suites[] = {
#define X(name) { #name, name##_suite },
    UNIT_SUITES (X)
#undef X
  };
  SRunner *runner = srunner_create (NULL);
  for (size_t i = 0; i < sizeof suites / sizeof *suites; i++) {
    int wanted = argc < 2;
    for (int a = 1; a < argc; a++)
      wanted |= strcmp (argv[a], suites[i].name) == 0;
    if (wanted)
      srunner_add_suite (runner, suites[i].make ());
  }
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  int ran = srunner_ntests_run (runner);
  srunner_free (runner);
  if (ran == 0)
    fprintf (stderr, "no such suite\n");
  return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
