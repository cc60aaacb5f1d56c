/* exchange.h - what a client sends to the two ports, and what it makes of the answers; for the role `client` and
 * the verbs. */
#ifndef TWO_PORT_AUTH_EXCHANGE_H
#define TWO_PORT_AUTH_EXCHANGE_H

#include <stdbool.h>

#include "../common/http-post.h"

/* Adds `name=value` to a form, behind a `&` if it is not the first. */
void exchange_add_field (struct bytes *form, const char *name, const void *value, size_t size);

/* Posts a form on a connected socket; as http_exchange. */
int exchange_post (int fd, const char *host, uint16_t port, const struct bytes *form, struct http_answer *answer,
                   const struct net_wait *wait, char *error, size_t error_size);

/* The code in the answer to a registration; NULL: there is none. */
const char *exchange_code (const struct http_answer *answer, size_t *size);
/* Is this an authentication's success? */
bool exchange_is_success (const struct http_answer *answer);

#endif
