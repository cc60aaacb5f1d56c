/* descriptors.c - see descriptors.h. */
#include "config.h"

#include "descriptors.h"

#include <stdbool.h>
#include <sys/resource.h>

#define DESCRIPTORS_WANTED ((rlim_t) 65536)

static struct rlimit given;
static bool raised;

void
descriptors_raise (void)
{
  struct rlimit limit;
  if (raised || getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
    return;
  given = limit;
  limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
  raised = setrlimit (RLIMIT_NOFILE, &limit) == 0;
}

/* Programs that use select count on the lower limit. */
void
descriptors_restore (void)
{
  if (raised)
    setrlimit (RLIMIT_NOFILE, &given);
}
