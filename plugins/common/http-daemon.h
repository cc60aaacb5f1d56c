/* http-daemon.h - what the HTTP servers of system plugins share: libmicrohttpd without threads of its own, whose
 * epoll descriptor the plugin's loop watches; the bodies of requests, and the time that they take, bounded. */
#ifndef COMMON_HTTP_DAEMON_H
#define COMMON_HTTP_DAEMON_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

/* A request's body.  One that is too long is read and thrown away for a while: a
 * client that still writes would miss the answer. */
struct http_upload {
  struct bytes body;
  uint64_t size; /* with what was thrown away */
};

/* Takes a piece.  MHD_NO: it is much too long, the connection is to be closed. */
enum MHD_Result http_upload_take (struct http_upload *upload, size_t limit, const char *data, size_t *size);
/* Does the client announce so much that there is no use in reading it, or more than `limit` and waits to be told
 * (Expect: 100-continue)?  (Then the answer is queued when its head has come.) */
bool http_upload_is_hopeless (struct MHD_Connection *connection, size_t limit);

struct http_limits {
  int64_t idle_ms;    /* a connection without a byte is closed then; counted in whole seconds */
  int64_t request_ms; /* likewise one whose request has begun and is not whole; role.pause is no part of it */
  unsigned connections; /* at once; more wait until one is closed.  0: http_connections_that_fit */
};

/* 60 s, 30 s, and as many connections as fit. */
extern const struct http_limits http_default_limits;

/* Three quarters of the descriptors that the process may still have, without some that other things need; 1 at
 * least. */
size_t descriptors_that_fit (void);
/* So many, and 20,000 at most: a crowd on one port leaves a quarter to the others.  When they are all in use there is
 * no accept, as at the limit. */
unsigned http_connections_that_fit (void);

struct http_handlers {
  MHD_AccessHandlerCallback handle;
  MHD_RequestCompletedCallback completed;
  void (*warn) (void *data, const char *text); /* no more connections can be taken; told once */
  void *data;
};

struct http_daemon;

/* Serves on a listening socket, which then belongs to it.  `flags` are added to
 * those for epoll.  NULL: see errno. */
struct http_daemon *http_daemon_start (int listener, unsigned flags, const struct http_limits *limits,
                                       const struct http_handlers *handlers);
/* To be watched for POLLIN; then, and when its timeout is over, http_daemon_run. */
int http_daemon_fd (struct http_daemon *daemon);
/* No descriptor is left for its first connection: it is not to be watched until its timeout is over. */
bool http_daemon_rests (const struct http_daemon *daemon);
/* Milliseconds; -1: no time ends. */
int http_daemon_timeout (const struct http_daemon *daemon);
void http_daemon_run (struct http_daemon *daemon);
/* Closes the listener: no more connections are taken.  Those that it has go on. */
void http_daemon_close_listener (struct http_daemon *daemon);
/* Closes all connections, of which none may be suspended, and frees it. */
void http_daemon_stop (struct http_daemon *daemon);

#endif
