/* role.h - what the roles of system plugins have in common. */
#ifndef COMMON_ROLE_H
#define COMMON_ROLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner-plugin.h"

/* A connection is a descriptor: as many as we may have. */
void role_raise_descriptors (void);

/* For a struct net_wait, with one as its data: one descriptor, the role's end, and a time. */
struct role_wait {
  struct runner_role *role;
  int64_t until; /* as runner_now; INT64_MAX: it has no end */
};
int role_wait (void *wait, int fd, short events); /* see struct net_wait; it must stop when the role must */
/* Milliseconds until then, for poll: a minute at most. */
int role_milliseconds (int64_t until);

/* Where a client on this machine finds what listens on `host`. */
const char *role_host_to_export (const char *host);
/* Exports `http://host:port`.  False: the name is too long, which has been told. */
bool role_export_url (struct runner_role *role, const char *name, const char *host, uint16_t port);

#endif
