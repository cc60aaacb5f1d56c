/* http-post.h - one POST of a JSON body by HTTP/1.1: all that a device needs of a client. */
#ifndef TCP_DEVICE_HTTP_POST_H
#define TCP_DEVICE_HTTP_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

/* Returns the answer's status, or a net_result with a text in `error`. */
int http_post (const char *host, uint16_t port, const char *path, const char *json, const struct net_wait *wait,
               char *error, size_t error_size);

/* The status out of an answer's beginning: 0: more of it must come; -1: this is not HTTP. */
int http_status (const char *text, size_t size);

/* Splits `http://host:port/`, `host:port`, `host`; *port stays if none is given. */
bool http_split (const char *url, char *host, size_t host_size, uint16_t *port);

#endif
