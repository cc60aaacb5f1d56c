/* fuzz.c - libFuzzer's two entries; the target is the one that RUNNER_FUZZ_TARGET names. */
#include "fuzz.h"

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const struct fuzz_target *target;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  (void) argc;
  (void) argv;
  const char *name = getenv ("RUNNER_FUZZ_TARGET");
  target = name ? fuzz_find (name) : NULL;
  if (!target) {
    fprintf (stderr, "set RUNNER_FUZZ_TARGET to one of:\n");
    fuzz_list (stderr);
    exit (EXIT_FAILURE);
  }
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  target->run (data, size);
  return 0;
}
