/* thread.c - see thread.h. */
#include "config.h"

#include "thread.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "sanitizers.h"

size_t
thread_stack_size (size_t size)
{
  return WITH_ASAN || WITH_TSAN ? 4 * size : size; /* instrumented frames are larger */
}

bool
thread_start (pthread_t *thread, size_t stack_size, void *(*run) (void *data), void *data)
{
  pthread_attr_t attributes;
  if (pthread_attr_init (&attributes) != 0)
    return false;
  bool fine = pthread_attr_setstacksize (&attributes, thread_stack_size (stack_size)) == 0
              && pthread_create (thread, &attributes, run, data) == 0;
  pthread_attr_destroy (&attributes);
  return fine;
}

void
notify (int event_fd)
{
  uint64_t one = 1;
  while (write (event_fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}
