/* branch.h - steps that run in a thread of their own: `parallel`, `first_of`,
 * `background`.
 *
 * A branch sees its parent's variables and handles through a scope of its own, has
 * its own expression engine and its own record of what it did; when it has ended,
 * its parent takes over what it leaves. */
#ifndef BRANCH_H
#define BRANCH_H

#include "thread.h"
#include "worker.h"

struct branch {
  struct steps steps;
  const struct value *where; /* for what goes wrong before its first step */
  struct context context;
  struct scope scope;
  struct scope *suite_scope; /* for keywords; NULL: the parent's */
  struct background_life *background; /* NULL: the parent's */
  struct test_run test;
  pthread_t thread;
  int ended_fd;              /* eventfd: gets 1 when it ends */
  bool started, waited;
  _Atomic bool ended;
  atomic_uint *endings;      /* counts who ended before; NULL: nobody asks */
  unsigned order;            /* of its end, from 1 */
  int outcome;               /* enum runner_outcome */
};

/* Starts its thread.  `steps`, `where`, `ended_fd`, `endings` and `scope` are set by the
 * caller; `cancel_fd` becomes readable when it must stop.  Whatever is returned, it
 * is freed by branch_free.  False: there is no thread. */
bool branch_start (struct context *parent, struct branch *branch, int cancel_fd);
/* Waits until the thread is gone. */
void branch_wait (struct branch *branch);
/* The parent's, in the parent's thread, after branch_wait: the steps it did, its
 * output and warnings. */
void branch_join_record (struct context *parent, struct branch *branch);
/* Of that, what its loads came to. */
void branch_join_loads (struct context *parent, struct branch *branch);
/* What it has saved and deferred becomes the parent's. */
void branch_join_names (struct context *parent, struct branch *branch);
/* Did a load fail that was judged, and not what was cancelled? */
bool branch_failed_by_load (const struct branch *branch);
/* Its verdict becomes the parent's. */
void branch_tell_verdict (struct context *parent, const struct branch *branch);
/* Its result does not count: what it deferred runs at once, while its connections are there. */
void branch_clean (struct context *parent, struct branch *branch);
/* Last, in any case: its temporary folder goes, its memory is freed. */
void branch_free (struct context *parent, struct branch *branch);

#endif
