/* ws-frames.h - an open WebSocket: its messages, and its connection. */
#ifndef HTTP_WS_FRAMES_H
#define HTTP_WS_FRAMES_H

#include <stdbool.h>
#include <wslay/wslay.h>

#include "http.h"

#define WS_NO_STATUS 1005u /* RFC 6455, 7.4.1: stands for a close frame without a code */
#define WS_CONTROL_MOST 125 /* bytes in a control frame (5.5) */
#define WS_REASON_MOST (WS_CONTROL_MOST - 2)

/* A message that came. */
struct ws_message {
  struct ws_message *next;
  bool is_text;
  size_t size;
  char data[]; /* and a NUL */
};

enum ws_state {
  WS_OPEN,
  WS_CLOSED, /* by the server's close frame: `code`, `reason` */
  WS_ENDED,  /* without one */
  WS_BROKEN, /* see `why` */
};

struct websocket {
  struct runner_step *step; /* that is at work with it: its traffic */
  struct http_session *session; /* its own, with the connection */
  wslay_frame_context_ptr frames;
  uint64_t limit; /* of a message */
  char name[HTTP_PEER_ROOM]; /* "live localhost:8080": for traffic and messages */

  struct http_bytes ahead; /* came behind the server's answer */
  size_t ahead_taken;
  size_t bytes_left, reads_left; /* in this round */
  bool more; /* the last read did not find that there is nothing: it need not be waited for */
  bool in_frame, in_message, is_text;
  uint64_t frame_left;
  char control[WS_CONTROL_MOST]; /* of a control frame */
  size_t control_size;
  struct http_bytes coming; /* of a message */
  struct ws_message *first, **last;
  size_t unread; /* bytes of those */

  struct http_bytes out; /* frames to be sent */
  size_t out_sent;
  uint64_t put, sent; /* bytes of frames, in all */
  bool cannot_write, close_sent;
  bool pong_due;
  char pong[WS_CONTROL_MOST];
  size_t pong_size;

  enum ws_state state;
  unsigned code; /* of the server's close, or WS_NO_STATUS */
  char reason[WS_REASON_MOST];
  size_t reason_size;
  char why[160];
};

/* Begins to read and write frames; `session`, `limit` and `last` are set.  0, or -1: no memory. */
int ws_begin (struct websocket *ws);
void ws_free (struct websocket *ws);

/* Takes what has come and sends what waits, without waiting.  1: there may be more to take at once, since wslay
 * reads no more after a part of a frame's head, and TLS may have it already. */
int ws_go_on (struct websocket *ws);
/* The oldest message; free it.  NULL: there is none. */
struct ws_message *ws_take_message (struct websocket *ws);

/* These are sent by the next ws_go_on; the reason has at most WS_REASON_MOST bytes. */
void ws_put_message (struct websocket *ws, bool is_text, const void *data, size_t size);
void ws_put_close (struct websocket *ws, unsigned code, const char *reason, size_t size);
bool ws_has_unsent (const struct websocket *ws);

#endif
