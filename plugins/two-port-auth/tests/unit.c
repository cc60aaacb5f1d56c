/* unit.c - runs the unit tests. */
#include "unit.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];

void
enter_folder (void)
{
  strcpy (folder, "/tmp/two-port-auth-unit.XXXXXX");
  ck_assert_ptr_nonnull (mkdtemp (folder));
  ck_assert_int_eq (chdir (folder), 0);
}

void
leave_folder (void)
{
  DIR *list = opendir (folder);
  ck_assert_ptr_nonnull (list);
  for (struct dirent *entry; (entry = readdir (list));)
    if (entry->d_name[0] != '.')
      ck_assert_int_eq (unlink (entry->d_name), 0);
  closedir (list);
  ck_assert_int_eq (chdir ("/"), 0);
  ck_assert_int_eq (rmdir (folder), 0);
}

int
main (void)
{
  SRunner *runner = srunner_create (form_suite ());
  srunner_add_suite (runner, log_suite ());
  srunner_add_suite (runner, store_suite ());
  srunner_add_suite (runner, http_suite ());
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
