/* judge.h - what a worker came to: did it crash, hang, or end by itself, and at which step? */
#ifndef JUDGE_H
#define JUDGE_H

#include "job.h"

/* Did it end otherwise than by its own decision?  Whatever its exit status: a library
 * may have called exit in the middle of a test. */
bool judge_died (const struct job *job);
/* What has become of the keeper, which died before its worker. */
const char *judge_keeper (const struct job *job, struct arena *arena);
/* The event of a worker's violent end, blamed on what ran. */
void judge_death (struct job *job, struct arena *arena, struct event *event);
/* Ends a worker one of whose steps has ignored its deadline for long. */
void judge_deadlines (struct job *job, int64_t now);

#endif
