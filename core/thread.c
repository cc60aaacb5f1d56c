/* thread.c - see thread.h. */
#include "config.h"

#include "thread.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define STACK_TIMES 4 /* instrumented frames are larger */
#elif defined __has_feature
#if __has_feature (address_sanitizer) || __has_feature (thread_sanitizer)
#define STACK_TIMES 4
#endif
#endif
#ifndef STACK_TIMES
#define STACK_TIMES 1
#endif

bool
thread_start (pthread_t *thread, size_t stack_size, void *(*run) (void *data), void *data)
{
  pthread_attr_t attributes;
  if (pthread_attr_init (&attributes) != 0)
    return false;
  bool fine = pthread_attr_setstacksize (&attributes, stack_size * STACK_TIMES) == 0
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
