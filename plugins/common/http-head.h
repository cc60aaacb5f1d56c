/* http-head.h - is it certain where a request's body ends?  What libmicrohttpd takes for granted about heads. */
#ifndef COMMON_HTTP_HEAD_H
#define COMMON_HTTP_HEAD_H

#include <microhttpd.h>
#include <stdbool.h>

struct http_refusal {
  unsigned status;
  const char *text;
};

/* Two programs that read the head may not find different bodies in it (RFC 9112, 6.3), and
 * a request of HTTP/1.1 names its host (3.2).  NULL: it is sound. */
const struct http_refusal *http_head_refusal (struct MHD_Connection *connection, const char *version);
/* Queues the answer; the connection ends with it. */
enum MHD_Result http_head_refuse (struct MHD_Connection *connection, const struct http_refusal *refusal);

/* Does the client say that no other request comes on the connection? */
bool http_head_is_last (struct MHD_Connection *connection);

/* Is its (first) Content-Length no number of bytes?  May be asked before the head is whole. */
bool http_head_has_bad_length (struct MHD_Connection *connection);
/* Writes a whole answer, 400, or 413 of a number that is too large to count, and ends the connection. */
void http_head_refuse_length (struct MHD_Connection *connection, int fd);

#endif
