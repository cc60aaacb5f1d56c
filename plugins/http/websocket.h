/* websocket.h - WebSockets (RFC 6455): open connections, and the verbs on them.
 *
 *   ws-open.c       http.websocket: connects and asks for the upgrade
 *   ws-handshake.c  what the server answered to that
 *   websocket.c     frames, by libwslay; http.ws_send, ws_receive, ws_wait, ws_quiet, ws_close
 */
#ifndef HTTP_WEBSOCKET_H
#define HTTP_WEBSOCKET_H

#include <stdbool.h>
#include <wslay/wslay.h>

#include "http.h"

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

/* A message that came. */
struct ws_message {
  struct ws_message *next;
  bool is_text;
  size_t size;
  char data[]; /* and a NUL */
};

enum ws_state { WS_OPEN, WS_CLOSED /* by a close frame */, WS_ENDED /* without */, WS_BROKEN /* see `why` */ };

struct websocket {
  struct runner_step *step; /* that is at work with it: its traffic */
  struct http_session *session; /* its own, with the connection */
  wslay_event_context_ptr frames;
  struct http_bytes ahead; /* came behind the server's answer */
  size_t ahead_taken;
  struct http_bytes coming; /* of a message whose last frame has not come */
  bool is_control; /* the frame that comes is none of a message */
  struct ws_message *first, **last;
  size_t unread; /* bytes of those */
  uint64_t limit; /* of a message */
  size_t budget;  /* bytes that may still be read in this round */
  bool more;      /* the last read did not find that there is nothing: it need not be waited for */
  enum ws_state state;
  unsigned code;    /* of the peer's close; 1005: it gave none */
  char reason[128]; /* likewise */
  char why[CURL_ERROR_SIZE + 64];
  char name[324]; /* "live localhost:8080": for traffic and messages */
};

extern const struct runner_handle_type ws_type;

/* Frames of an open connection whose `session` is set.  0, or -1: no memory. */
int ws_begin (struct websocket *ws);
void ws_free (struct websocket *ws);
/* Waits until the connection can be read or written.  0, or -1: the step must end. */
int ws_poll (struct runner_step *step, const struct websocket *ws, short events, int64_t ns);

int http_websocket (struct runner_step *step, const void *args);
int http_ws_send (struct runner_step *step, const void *args);
int http_ws_receive (struct runner_step *step, const void *args);
int http_ws_wait (struct runner_step *step, const void *args);
int http_ws_quiet (struct runner_step *step, const void *args);
int http_ws_close (struct runner_step *step, const void *args);

#endif
