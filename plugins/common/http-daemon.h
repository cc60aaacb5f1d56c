/* http-daemon.h - what the HTTP servers of system plugins share: libmicrohttpd without threads of its own, whose
 * epoll descriptor the plugin's loop watches, and the bodies of requests, bounded. */
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
/* Does the client announce so much that there is no use in reading it?  (Then the
 * answer is queued when its head has come.) */
bool http_upload_is_hopeless (struct MHD_Connection *connection);

/* Serves on a listening socket, which then belongs to it.  `flags` are added to
 * those for epoll.  NULL: see errno. */
struct MHD_Daemon *http_daemon_start (int listener, unsigned flags, MHD_AccessHandlerCallback handle,
                                      MHD_RequestCompletedCallback completed, void *data);
/* To be watched for POLLIN; then, and when its timeout is over, MHD_run. */
int http_daemon_fd (struct MHD_Daemon *daemon);

#endif
