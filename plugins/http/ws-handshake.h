/* ws-handshake.h - the server's answer to a request for a WebSocket (RFC 6455, 4.1). */
#ifndef HTTP_WS_HANDSHAKE_H
#define HTTP_WS_HANDSHAKE_H

#include <stddef.h>

#include "headers.h"

#define WS_KEY_ROOM 25    /* base64 of 16 bytes */
#define WS_ACCEPT_ROOM 29 /* base64 of a SHA-1 */

/* A fresh Sec-WebSocket-Key.  0, or -1: there is no randomness. */
int ws_make_key (char key[WS_KEY_ROOM]);
/* What the server makes of it for Sec-WebSocket-Accept. */
void ws_accept (const char *key, char accept[WS_ACCEPT_ROOM]);

/* The size of the head in what came, its empty line included; 0: it is not whole yet. */
size_t ws_head_size (const char *data, size_t size);
/* Its status, 100 to 599; 0: it is no answer of HTTP/1. */
int ws_head_status (const char *head, size_t size);

/* What was asked for. */
struct ws_offer {
  const char *key;
  const char *const *protocols; /* ends with NULL */
  int any_protocol, any_extension; /* the suite has written these headers itself */
};

/* Does an answer of status 101 open the WebSocket that was asked for?  NULL: it does; else what is wrong, maybe
 * in `why`. */
const char *ws_head_wrong (const struct http_headers *headers, const struct ws_offer *offer, char *why, size_t room);

#endif
