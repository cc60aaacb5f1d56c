/* verbs.h - what a test does as a client: register, authenticate. */
#ifndef TWO_PORT_AUTH_VERBS_H
#define TWO_PORT_AUTH_VERBS_H

#include "runner-plugin.h"

struct register_args {
  const char *to;
  const char *client_uuid;
};

struct authenticate_args {
  const char *to;
  const char *client_uuid;
  const char *server_uuid;
  struct runner_bytes message;
};

int verb_register (struct runner_step *step, const void *args);
int verb_authenticate (struct runner_step *step, const void *args);

#endif
