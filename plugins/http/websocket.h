/* websocket.h - WebSockets (RFC 6455): open connections, and the verbs on them.
 *
 *   ws-open.c       http.websocket: connects and asks for the upgrade
 *   ws-request.c    that request
 *   ws-handshake.c  what the server answered to that
 *   ws-frames.c     frames and messages, by libwslay
 *   websocket.c     http.ws_send, ws_receive, ws_wait, ws_quiet, ws_close
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include "http.h"
#include "ws-frames.h"

struct http_websocket_args {
  struct http_options options;
  const char *url, *conn, *as;
  struct runner_map query;
  struct runner_list protocols;
};
struct ws_conn_args { const char *conn; };
struct ws_receive_args { const char *conn; struct runner_bool closed; };
struct ws_quiet_args { const char *conn; struct runner_duration ns; };
struct ws_close_args { const char *conn; int64_t code; const char *reason; };
struct ws_send_args {
  const char *conn;
  struct runner_bytes text, bytes;
  struct runner_value json;
};

extern const struct runner_handle_type ws_type;

/* Waits until the connection can be read or written.  0, or -1: the step must end. */
int ws_poll (struct runner_step *step, const struct websocket *ws, short events, int64_t ns);

int http_websocket (struct runner_step *step, const void *args);
int http_ws_send (struct runner_step *step, const void *args);
int http_ws_receive (struct runner_step *step, const void *args);
int http_ws_wait (struct runner_step *step, const void *args);
int http_ws_quiet (struct runner_step *step, const void *args);
int http_ws_close (struct runner_step *step, const void *args);

#endif
