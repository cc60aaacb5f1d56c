/* thread.h - starting threads and waking them. */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* What a stack needs instead of `size` in this build. */
size_t thread_stack_size (size_t size);
/* False: the system has no room for one more. */
bool thread_start (pthread_t *thread, size_t stack_size, void *(*run) (void *data), void *data);

/* Adds 1 to an eventfd: it becomes readable. */
void notify (int event_fd);

#endif
