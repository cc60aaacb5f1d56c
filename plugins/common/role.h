/* role.h - what the roles of system plugins have in common. */
#ifndef COMMON_ROLE_H
#define COMMON_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner-plugin.h"

/* A connection is a descriptor: as many as we may have. */
void role_raise_descriptors (void);

/* Where a client on this machine finds what listens on `host`. */
const char *role_host_to_export (const char *host);
/* Exports `http://host:port`.  False: the name is too long, which has been told. */
bool role_export_url (struct runner_role *role, const char *name, const char *host, uint16_t port);

#endif
