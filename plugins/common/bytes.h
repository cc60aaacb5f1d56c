/* bytes.h - a growing string of bytes.  Without memory the process ends. */
#ifndef COMMON_BYTES_H
#define COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct bytes {
  char *data; /* not NUL-terminated; see bytes_text */
  size_t size, room;
};

/* `{ 0 }` is an empty one. */
void bytes_reserve (struct bytes *bytes, size_t more); /* room for as many bytes more */
void bytes_add (struct bytes *bytes, const void *data, size_t size);
void bytes_puts (struct bytes *bytes, const char *text);
void bytes_int (struct bytes *bytes, int64_t number); /* decimal */
void bytes_time (struct bytes *bytes, const struct timespec *when); /* 2026-11-21 14:25:54.557340, local */
const char *bytes_text (struct bytes *bytes);         /* NUL-terminated; owned by `bytes` */
void bytes_free (struct bytes *bytes);

/* Writes all of it, in one write if the descriptor takes it: lines are not torn.  False: errno. */
bool bytes_write (int fd, const void *data, size_t size);

/* malloc that does not return NULL; zeroed; the caller frees. */
void *bytes_allocate (size_t size);

#define CLEANUP_BYTES __attribute__ ((cleanup (bytes_free)))

#endif
