/* http.h - the two HTTP servers, in one thread with a loop of its own. */
#ifndef TWO_PORT_AUTH_HTTP_H
#define TWO_PORT_AUTH_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "../common/http-daemon.h"
#include "committer.h"
#include "form.h"
#include "log.h"
#include "store.h"

/* What has happened, told on the thread of the loop. */
struct http_event {
  const char *name; /* "registered", "authenticated", "refused" */
  const struct form_field *client, *server, *message; /* may be NULL */
};

struct http_options {
  int registration, authentication; /* bound sockets, which then belong to it */
  size_t body_limit;
  struct http_limits limits;
  struct store_reader *reader;
  struct committer *committer;
  struct log *log;
  int hangup_fd; /* readable: to be read, and the log's path to be looked at; -1: none */
  void (*tell) (void *data, const struct http_event *event);
  void (*logged) (void *data, const char *line, size_t size); /* a line as it is in the log */
  void (*warn) (void *data, const char *text);
  void (*round) (void *data); /* all that was ready has been served */
  void *data;
};

struct http;

/* NULL: see errno. */
struct http *http_start (const struct http_options *options);
/* Serves until `stop_fd` becomes readable.  Then the listeners are closed; requests that
 * are being stored are still answered, later registrations by 503, and it returns.  False: it cannot wait any more, see errno. */
bool http_serve (struct http *http, int stop_fd);
/* The committer and the log are the caller's, and outlive it. */
void http_stop (struct http *http);

#endif
