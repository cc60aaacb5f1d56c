/* connection.h - an open connection (or listening socket): a handle of the tcp plugin. */
#ifndef TCP_CONNECTION_H
#define TCP_CONNECTION_H

#include "../common/address.h"
#include "../common/stream.h"

struct tls; /* see tls.h */

struct connection {
  int fd;
  int listening;
  struct stream stream;
  struct tls *tls;                /* NULL: plain */
  int shut;                       /* we have sent our end */
  int abort;                      /* close is to reset the connection */
  char name[64 + ADDRESS_ROOM];   /* "dev 127.0.0.1:4000": for traffic and messages */
  char *path;                     /* a Unix socket's file, removed at the end; NULL: none */
};

extern const struct runner_handle_type tcp_socket;

/* A connection on `fd`, which it then owns.  NULL: no memory; `fd` is closed. */
struct connection *connection_new (int fd, const char *name, const char *peer);
void connection_free (struct connection *connection);

/* The handle, if it is a connection (or, for `listening`, a listening socket).
 * NULL: the step's error is set. */
struct connection *connection_use (struct runner_step *step, const char *name, int listening);

/* Where received bytes come from, for the verbs of stream.h. */
struct stream_source connection_source (struct connection *connection);

/* Sends everything, and takes in what the peer sends meanwhile.  RUNNER_PASS, or
 * the outcome to return; *sent (may be NULL) counts the bytes given to the system. */
int connection_send (struct runner_step *step, struct connection *connection, const void *data, size_t size,
                     size_t *sent);
/* The same below TLS, for it: notes no traffic. */
int connection_send_raw (struct runner_step *step, struct connection *connection, const void *data, size_t size,
                         size_t *sent);
/* Says that the peer closed or reset the connection while we `did` something. */
int connection_lost (struct runner_step *step, struct connection *connection, const char *did, int error);
/* Sends our end: the peer sees that no more comes. */
int connection_shutdown (struct runner_step *step, struct connection *connection);

#endif
