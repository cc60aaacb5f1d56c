/* child.h - a fork whose child is to become another program. */
#ifndef CHILD_H
#define CHILD_H

#include <sys/types.h>

/* As fork.  The child has a session of its own, default signals, none of them blocked, and may
 * have as many descriptors as this process was started with; only what is safe after a fork of
 * a process with threads may follow there, and exec. */
pid_t child_fork (void);

#endif
