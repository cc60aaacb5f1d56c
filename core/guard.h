/* guard.h - what the functions of plugins may have done to the worker that calls them: closed
 * its descriptors, ended its keeper, printed something.
 *
 * Looked at after each of them, so that the step to blame is known (at descriptors not when a
 * step soon follows another: then when the test ends); not after those of the users of a load,
 * but when their test ends. */
#ifndef GUARD_H
#define GUARD_H

#include <sys/types.h>

#include "capture.h"

struct context;
struct worker;

struct guarded { int fd; dev_t device; ino_t number; };

struct guard {
  struct guarded fds[6];   /* as they must stay */
  size_t count;            /* 0: nothing is looked at */
  int keeper;              /* a descriptor of the process */
  _Atomic int64_t looked_ns; /* when it was looked at last */
  _Atomic uint32_t suspect; /* the last step since then, or NO_STEP */
  struct capture *printed; /* by the worker */
  uint64_t collected;      /* of it */
};

/* In a new worker, before any function of a plugin is called. */
void guard_begin (struct worker *worker, struct capture *printed);
/* After this step's function.  Ends the worker when it cannot go on. */
void guard_look (const struct context *context, uint32_t step);
/* The same, looking closer; and what was printed becomes the test's output. */
void guard_end_test (struct context *context);

#endif
