/* roles.h - the roles of this plugin: their arguments and functions. */
#ifndef TCP_DEVICE_ROLES_H
#define TCP_DEVICE_ROLES_H

#include "runner-plugin.h"

#include <stdbool.h>

#include "journal.h"

struct stack_args {
  int64_t device_port;
  int64_t web_port;
  const char *host;
  const char *store;
  struct runner_bool clean;
  double delay;
};

struct device_args {
  int64_t id;
  struct runner_address server;
  const char *web;
  int64_t server_port;
  int64_t web_port;
  double delay;
  struct runner_duration every;
  struct runner_duration give_up;
  struct runner_bool interactive;
};

int stack_run (struct runner_role *role, const void *args);
int device_run (struct runner_role *role, const void *args);

/* Prints what it is told, and observes it. */
struct role_journal {
  struct journal journal; /* first */
  struct runner_role *role;
  bool deaf; /* standard output has failed, which has been told */
};
void role_journal_init (struct role_journal *journal, struct runner_role *role);

/* Waits for `seconds` before the role starts.  False: it must stop. */
bool role_delay (struct runner_role *role, double seconds);

#endif
