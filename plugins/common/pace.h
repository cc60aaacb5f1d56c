/* pace.h - for loops that take what a peer sends: they must end in time even if it never
 * pauses, so that they never wait in runner_poll, which would tell. */
#ifndef COMMON_PACE_H
#define COMMON_PACE_H

#include "runner-plugin.h"

#define PACE_LOOKS INT64_C (1000000) /* 1 ms between two looks at whether the step was cancelled */

/* `{ 0 }` is the beginning of a loop. */
struct pace { int64_t looked; };

/* To be asked in each round: must the step end?  Not in the first round, so that what has
 * come in time is taken even by who is late.  Costs a look at the clock, and a system call
 * at most once in PACE_LOOKS. */
static inline int
pace_over (struct runner_step *step, struct pace *pace)
{
  int64_t now = runner_now ();
  if (!pace->looked)
    pace->looked = now;
  else if (now >= runner_deadline (step))
    return 1;
  if (now - pace->looked < PACE_LOOKS)
    return 0;
  pace->looked = now;
  return runner_poll (step, NULL, 0, 0) < 0;
}

#endif
