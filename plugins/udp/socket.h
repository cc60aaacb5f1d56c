/* socket.h - a UDP socket and the datagrams that came: a handle of the udp plugin. */
#ifndef UDP_SOCKET_H
#define UDP_SOCKET_H

#include "../common/address.h"
#include "../common/stream.h"

struct datagram {
  struct datagram *next;
  struct address from;
  size_t size;
  char data[];
};

struct udp_socket {
  int fd;
  int family;                 /* AF_INET or AF_INET6 */
  int connected;              /* it has one peer */
  struct address last;        /* who sent the last datagram that a step took */
  struct datagram *first, **end; /* that came and were not taken */
  size_t kept;                /* bytes of memory that these take */
  char name[64 + ADDRESS_ROOM];
};

struct open_args { struct runner_address to; struct runner_address bind; const char *as; };
int udp_open (struct runner_step *step, const void *args);

extern const struct runner_handle_type udp_type;
struct udp_socket *socket_use (struct runner_step *step, const char *name);

/* The place of the next datagram after *at, which is waited for at most `ns` (as
 * runner_poll does).  A MORE_ value of stream.h: with MORE_CAME, **at is it. */
int socket_next (struct runner_step *step, struct udp_socket *socket, struct datagram **at, int64_t ns,
                 int *outcome);
/* Takes the first datagram off; the caller frees it. */
struct datagram *socket_take (struct udp_socket *socket);
/* Waits until the socket takes a datagram.  RUNNER_PASS, or the outcome to return. */
int socket_send (struct runner_step *step, struct udp_socket *socket, const struct address *to, const void *data,
                 size_t size);

#endif
