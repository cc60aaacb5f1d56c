/* web.h - the REST service: what is answered to a request, and what becomes of the devices' reports.
 *
 * It knows no sockets: http.c brings requests and takes answers.
 */
#ifndef TCP_DEVICE_WEB_H
#define TCP_DEVICE_WEB_H

#include "broker.h"
#include "../common/bytes.h"
#include "journal.h"
#include "store.h"

#define WEB_BODY_LIMIT 65536 /* bytes of a request's body */
#define WEB_STORED_CHARACTERS 36

struct web {
  struct store *store;
  struct broker *broker;
  struct journal *journal;
};

struct web_request {
  const char *method;
  const char *path; /* as in the request line, without the query */
  const char *body;
  size_t body_size;
  bool oversized;   /* the body was longer than the limit: it is not given */
};

struct web_response {
  unsigned status;
  const char *type;  /* of the body's content */
  struct bytes body; /* the caller frees it */
  /* There is more to come: see web_more. */
  bool more;
  int64_t device;
  int64_t before;
};

/* Binds the web to routing key `input`.  0, or -1. */
int web_start (struct web *web);

void web_answer (struct web *web, const struct web_request *request, struct web_response *response);

/* Puts the next piece into the response's body, in place of what was there.
 * 0, or -1: the store failed, the answer cannot be completed. */
int web_more (struct web *web, struct web_response *response);

#endif
