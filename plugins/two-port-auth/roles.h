/* roles.h - the roles of this plugin: their arguments and functions. */
#ifndef TWO_PORT_AUTH_ROLES_H
#define TWO_PORT_AUTH_ROLES_H

#include "runner-plugin.h"

struct server_args {
  int64_t registration_port;
  int64_t authentication_port;
  const char *host;
  const char *database;
  const char *log;
  struct runner_size body_limit;
  struct runner_duration request_limit;
  struct runner_duration idle_limit;
};

struct client_args {
  const char *registration;
  const char *authentication;
  const char *client_uuid;
  const char *message;
};

int server_run (struct runner_role *role, const void *args);
int client_run (struct runner_role *role, const void *args);

#endif
