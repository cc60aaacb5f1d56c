/* address.h - from addresses as suites have them to those of sockets, and back. */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <sys/socket.h>

#include "runner-plugin.h"

#define ADDRESS_ROOM 128 /* for one in print */
#define ADDRESSES 16     /* of one name, at most */

struct address {
  struct sockaddr_storage addr;
  socklen_t size;
};
struct addresses {
  struct address list[ADDRESSES];
  size_t count;
};

/* The addresses of a host's name (or the one that is written, or of a Unix
 * socket).  Waits for the name service no longer than the step may.  `passive`:
 * to be bound.  RUNNER_PASS, or the outcome to return. */
int address_resolve (struct runner_step *step, const struct runner_address *address, int type, int passive,
                     struct addresses *found);

/* The first of them that is of a family; NULL: there is none. */
const struct address *address_of_family (const struct addresses *addresses, int family);

/* "127.0.0.1:80", "[::1]:80", "unix:/path", into ADDRESS_ROOM bytes. */
const char *address_print (char *out, const struct address *address);
/* Of a socket; "" if it has none. */
const char *address_local (char *out, int fd);
const char *address_peer (char *out, int fd);

#endif
