/* recent.h - the registrations that were stored last, in memory: most clients authenticate at once, and need no
 * look-up in the database then.  Of a fixed size; what it does not know may still be stored. */
#ifndef TWO_PORT_AUTH_RECENT_H
#define TWO_PORT_AUTH_RECENT_H

#include <stdbool.h>
#include <stddef.h>

#include "uuid.h"

struct recent;

struct recent *recent_new (void);
/* Of one that is stored.  It may take the place of an older one. */
void recent_add (struct recent *recent, const char *client, size_t client_size, const char server[UUID_SIZE]);
bool recent_has (const struct recent *recent, const char *client, size_t client_size, const char server[UUID_SIZE]);
void recent_free (struct recent *recent);

#endif
