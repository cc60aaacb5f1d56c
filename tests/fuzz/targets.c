/* targets.c - the list of fuzz targets that are linked in. */
#include "fuzz.h"

#include <string.h>

static struct fuzz_target *targets;

void
fuzz_add (struct fuzz_target *target)
{
  target->next = targets;
  targets = target;
}

const struct fuzz_target *
fuzz_find (const char *name)
{
  const struct fuzz_target *target = targets;
  while (target && strcmp (target->name, name) != 0)
    target = target->next;
  return target;
}

void
fuzz_list (FILE *out)
{
  for (const struct fuzz_target *target = targets; target; target = target->next)
    fprintf (out, "%s\n", target->name);
}
