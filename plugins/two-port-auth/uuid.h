/* uuid.h - random UUIDs (RFC 9562, version 4). */
#ifndef TWO_PORT_AUTH_UUID_H
#define TWO_PORT_AUTH_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UUID_SIZE 36

/* `{ 0 }` is an empty one.  For one thread. */
struct uuid_source {
  uint8_t random[1024];
  size_t left; /* bytes at the end that nobody got yet */
};

/* NUL-terminated.  False: the system has no random numbers; see errno. */
bool uuid_make (struct uuid_source *source, char out[UUID_SIZE + 1]);

#endif
