/* http.h - the HTTP server of the web, in an event loop. */
#ifndef TCP_DEVICE_HTTP_H
#define TCP_DEVICE_HTTP_H

#include <uv.h>

#include "web.h"

struct http;

/* Serves on a listening socket, which then belongs to it, `most` connections at once.  NULL: see errno. */
struct http *http_start (uv_loop_t *loop, int listener, unsigned most, struct web *web);
/* Ends it; the loop must run on until its handles are closed. */
void http_stop (struct http *http);

#endif
