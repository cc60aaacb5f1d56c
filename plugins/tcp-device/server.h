/* server.h - what the devices hold their connections to. */
#ifndef TCP_DEVICE_SERVER_H
#define TCP_DEVICE_SERVER_H

#include <uv.h>

#include "broker.h"
#include "cache.h"
#include "journal.h"

struct server;

/* Serves on a listening socket, which then belongs to it.  When `most` connections are open, more wait until one is
 * closed.  NULL: see errno. */
struct server *server_start (uv_loop_t *loop, int listener, size_t most, struct broker *broker, struct cache *cache,
                             struct journal *journal);
/* Closes all connections; the loop must run on until its handles are closed. */
void server_stop (struct server *server);

#endif
