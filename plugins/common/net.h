/* net.h - TCP sockets: listening, connecting, writing.  All descriptors are close-on-exec. */
#ifndef COMMON_NET_H
#define COMMON_NET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* How the caller waits: until `fd` is ready for `events`.  1: it is; 0: the time
 * is over; -1: it must stop. */
struct net_wait {
  int (*wait) (void *data, int fd, short events);
  void *data;
};

enum net_result { NET_OK = 0, NET_FAILED = -1, NET_TIME_OVER = -2, NET_STOPPED = -3 };

/* A bound socket (not listening yet); *port becomes the real one if it was 0.  Else a net_result, and a text in
 * `error`.  It waits for the name service only (NULL: as long as that takes). */
int net_bind (const char *host, uint16_t *port, const struct net_wait *wait, char *error, size_t error_size);

/* A connected, non-blocking socket.  Else a net_result, and a text in `error`. */
int net_connect_address (const struct sockaddr *address, socklen_t size, const struct net_wait *wait, char *error,
                         size_t error_size);
/* The same by name, which is resolved first; tries every address of the host. */
int net_connect (const char *host, uint16_t port, const struct net_wait *wait, char *error, size_t error_size);
/* NET_OK: all of it; else a net_result, and a text in `error`. */
int net_write_all (int fd, const void *data, size_t size, const struct net_wait *wait, char *error,
                   size_t error_size);
/* The number of bytes, 0 at the end, or a net_result, and a text in `error`. */
ssize_t net_read (int fd, void *data, size_t room, const struct net_wait *wait, char *error, size_t error_size);
/* Before a connection is closed: lets the peer see an end.  It does not wait. */
void net_end (int fd);

#endif
