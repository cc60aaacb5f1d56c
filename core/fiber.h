/* fiber.h - very many blocking functions on few threads.
 *
 * A fiber is a function with a stack of its own.  It runs in one of a crew's threads, always
 * the same one, until it waits in fiber_poll or yields; then the thread goes on with another.
 * A fiber that blocks otherwise holds up all that share its thread.  Locks are not held while
 * it waits. */
#ifndef FIBER_H
#define FIBER_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crew;
struct fiber;

/* Functions that get the fiber's data, in its thread. */
struct fiber_calls {
  void (*run) (struct fiber *self, void *data);
  void (*resume) (void *data); /* before it runs; NULL */
  void (*park) (void *data);   /* when another goes on; NULL */
  void (*end) (void *data);    /* last, on the thread's stack: the fiber is gone */
};

/* As many threads as there are processors to run on, at most `most`.  Each calls `begin` first and `end` last.
 * NULL: the system has no threads or descriptors left. */
struct crew *crew_new (size_t most, void (*begin) (void), void (*end) (void));
/* Waits until all fibers have ended. */
void crew_free (struct crew *crew);

/* Starts one, from any thread; it runs in thread `number` modulo their number.  False: there is no
 * memory for its stack. */
bool fiber_start (struct crew *crew, size_t number, size_t stack_size, const struct fiber_calls *calls, void *data);

/* For the fiber that runs.  As poll (2): what is ready, until `end_ns` of the monotonic clock.
 * 0: the time is over; -1: no memory, errno is set. */
int fiber_poll (struct fiber *self, struct pollfd *fds, size_t n, int64_t end_ns);
/* For handlers of signals: is the calling thread between two stacks, where no frames can be told? */
bool fiber_is_switching (void);
/* Lets others of its thread go on, if it has not waited since the last time and they have had no turn for long. */
void fiber_yield (struct fiber *self);

#endif
