/* quiet.h - for verbs that wait whether nothing comes. */
#ifndef COMMON_QUIET_H
#define COMMON_QUIET_H

#include "runner-plugin.h"
#include "show.h"

/* May the step wait for so long (its parameter `for`, in ns)?  RUNNER_PASS, or RUNNER_ERROR and its message. */
static inline int
quiet_fits (struct runner_step *step, int64_t ns)
{
  char wish[40], left_text[40];
  int64_t left = runner_left (step);
  if (left >= ns)
    return RUNNER_PASS;
  return runner_error (step, "for: %s is longer than the step may take (%s): give it a longer timeout",
                       show_time (wish, ns), show_time (left_text, left));
}

#endif
