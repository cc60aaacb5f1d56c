/* http-post.h - one POST on a connection of its own: all that the roles and verbs of system plugins need of a client.
 * It asks by HTTP/1.0, with Host, so that no answer comes in chunks.  No redirections, no TLS: for those there is the
 * plugin http. */
#ifndef COMMON_HTTP_POST_H
#define COMMON_HTTP_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "net.h"

struct http_request {
  const char *host;
  uint16_t port;
  const char *path;
  const char *type; /* of the body's content */
  const void *body;
  size_t body_size;
};

struct http_answer {
  int status;
  struct bytes text; /* all of it, as it came */
  size_t head;       /* where the last head begins, behind those of status 1xx */
  size_t body;       /* where the body begins */
};

/* Sends the request on a connected socket and reads the answer, to its announced
 * length, or to its end if it announces none.  NET_OK, or a net_result with a text in `error`.  The caller
 * frees the answer in either case. */
int http_exchange (int fd, const struct http_request *request, struct http_answer *answer,
                   const struct net_wait *wait, char *error, size_t error_size);
/* The first field of that name; NULL: there is none.  Its value is not NUL-terminated. */
const char *http_answer_field (const struct http_answer *answer, const char *name, size_t *size);
void http_answer_free (struct http_answer *answer);

/* Posts JSON on a connection of its own.  Returns the answer's status, or a
 * net_result with a text in `error`. */
int http_post (const char *host, uint16_t port, const char *path, const char *json, const struct net_wait *wait,
               char *error, size_t error_size);

/* Splits `http://host:port/`, `host:port`, `host`; *port stays if none is given.  False: it is none of them, or the
 * host is longer than its room. */
bool http_split (const char *url, char *host, size_t host_size, uint16_t *port);

#endif
