/* ws-open.h - a WebSocket that is being opened. */
#ifndef HTTP_WS_OPEN_H
#define HTTP_WS_OPEN_H

#include "websocket.h"
#include "ws-handshake.h"

#define WS_PROTOCOLS_MOST 32

/* From a step's arguments to an open WebSocket. */
struct opening {
  struct websocket *ws;
  struct http_request request;
  struct http_request_args args; /* of that request */
  const char *protocols[WS_PROTOCOLS_MOST + 1];
  char fresh_key[WS_KEY_ROOM];
  struct ws_offer offer;
  size_t head; /* bytes of the answer's head */
};

/* Writes the request for it, as it is sent, when `request` is prepared; sets `offer`.  RUNNER_PASS, or the outcome. */
int ws_request_write (struct opening *opening, struct http_bytes *text);

#endif
