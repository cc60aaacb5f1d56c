/* open.h - the verbs that make connections: connect, listen, accept. */
#ifndef TCP_OPEN_H
#define TCP_OPEN_H

#include "tls.h"

struct connect_args {
  struct runner_address to;
  const char *as;
  struct runner_address bind;
  struct runner_duration within;
  struct runner_bool tls;
  struct tls_args tls_args;
};
struct listen_args { struct runner_address at; const char *as; };
struct accept_args { const char *conn; const char *as; struct runner_bool tls; struct tls_args tls_args; };
struct start_tls_args { const char *conn; struct runner_bool server; struct tls_args tls_args; };

int tcp_connect (struct runner_step *step, const void *args);
int tcp_listen (struct runner_step *step, const void *args);
int tcp_accept (struct runner_step *step, const void *args);
int tcp_start_tls (struct runner_step *step, const void *args);

#endif
