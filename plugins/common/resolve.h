/* resolve.h - from a host's name to its addresses, with an end to the waiting. */
#ifndef COMMON_RESOLVE_H
#define COMMON_RESOLVE_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

struct resolve_question {
  const char *host; /* a name, or an address in digits, which needs no name service */
  uint16_t port;
  int type;         /* SOCK_STREAM, SOCK_DGRAM */
  bool passive;     /* to be bound */
};

/* NET_OK and a list that the caller gives to freeaddrinfo; NET_FAILED with a text in `error`; or how the wait ended
 * (NULL: as long as it takes). */
int resolve_name (const struct resolve_question *asked, const struct net_wait *wait, struct addrinfo **found,
                  char *error, size_t error_size);

#endif
