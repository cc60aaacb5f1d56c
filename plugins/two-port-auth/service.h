/* service.h - what the two ports make of a request.
 *
 * It knows no sockets and no files: http.c brings requests and does what is said here.
 */
#ifndef TWO_PORT_AUTH_SERVICE_H
#define TWO_PORT_AUTH_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "form.h"

#define SERVICE_ID_LIMIT 512 /* bytes of a client's id, and of a code */

enum service_port { PORT_REGISTRATION, PORT_AUTHENTICATION };

enum service_verdict {
  VERDICT_REGISTER,     /* make a code for `client` and store both */
  VERDICT_AUTHENTICATE, /* if `client` has the code `server`, log the message */
  VERDICT_REFUSE,       /* as if there were no such code */
  VERDICT_ERROR,        /* a field is missing, or one too many: 200 and `Error` */
  VERDICT_METHOD,       /* 405 */
  VERDICT_BAD,          /* 400 */
  VERDICT_TOO_LONG,     /* 413 */
};

struct service_request {
  enum service_port port;
  const char *method;
  const char *type;  /* of the body's content; NULL: it is not said */
  char *body;        /* is decoded in place */
  size_t body_size;
  bool too_long;     /* the body was longer than the limit: it is not given */
};

/* The fields are within the body; what a verdict does not name may be missing. */
struct service_fields {
  struct form_field client, server, message;
};

enum service_verdict service_read (const struct service_request *request, struct service_fields *fields);

/* Can it be answered in a header?  Then it has no control characters, and is not too long. */
bool service_is_id (const struct form_field *field);

#endif
