/* http.c - see http.h.
 *
 * One thread serves both ports: libmicrohttpd runs when one of its two epoll
 * descriptors is readable.  A registration is suspended while the committer's thread
 * stores it; look-ups never wait for that thread. */
#include "http.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../common/http-daemon.h"
#include "line.h"
#include "service.h"

#define TEXT_TYPE "text/plain; charset=utf-8"

/* How often libmicrohttpd is run at the end for the last answers to go out. */
#define LAST_ROUNDS 4

struct port {
  struct http *http;
  enum service_port number;
  struct http_daemon *daemon;
};

struct http {
  struct http_options options;
  struct port ports[2];
  struct uuid_source uuids;
  struct registration *first, *last; /* to be given to the committer */
  size_t suspended;                  /* connections whose registration is with the committer */
  bool stopping;                     /* nothing more is suspended, and each answer is its connection's last */
  uint64_t unlogged;                 /* messages, since the log fails */
  uint64_t unfound;                  /* look-ups, since the database fails */
  struct bytes line;                 /* scratch */
};

/* One request. */
struct exchange {
  struct http_upload upload;
  struct service_fields fields;
  struct registration registration;
  bool given; /* the registration went to the committer */
};

static void
exchange_free (struct exchange *exchange)
{
  bytes_free (&exchange->upload.body);
  free (exchange);
}

/* ---- answers --------------------------------------------------------------- */

struct header {
  const char *name, *value;
};

/* An answer whose body is a literal. */
static enum MHD_Result
answer (const struct http *http, struct MHD_Connection *connection, unsigned status, const char *body,
        const struct header *headers)
{
  struct MHD_Response *response
    = MHD_create_response_from_buffer (strlen (body), (void *) body, MHD_RESPMEM_PERSISTENT);
  enum MHD_Result result = response ? MHD_YES : MHD_NO;
  if (response && *body)
    result = MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, TEXT_TYPE);
  if (result == MHD_YES && http->stopping)
    result = MHD_add_response_header (response, MHD_HTTP_HEADER_CONNECTION, "close");
  for (; result == MHD_YES && headers && headers->name; headers++)
    result = MHD_add_response_header (response, headers->name, headers->value);
  if (result == MHD_YES)
    result = MHD_queue_response (connection, status, response);
  if (response)
    MHD_destroy_response (response);
  return result;
}

static enum MHD_Result
answer_refused (const struct http *http, struct MHD_Connection *connection)
{
  static const struct header headers[] = { { "Status", "Authentication error" }, { NULL, NULL } };
  return answer (http, connection, MHD_HTTP_OK, "Error", headers);
}

static enum MHD_Result
answer_failed (const struct http *http, struct MHD_Connection *connection)
{
  return answer (http, connection, MHD_HTTP_SERVICE_UNAVAILABLE, "It cannot be stored now.\n", NULL);
}

static void
tell (struct http *http, const char *name, const struct service_fields *fields, const struct form_field *server)
{
  struct http_event event = { name, fields->client.text ? &fields->client : NULL,
                              server && server->text ? server : NULL,
                              fields->message.text ? &fields->message : NULL };
  http->options.tell (http->options.data, &event);
}

static void
warn (struct http *http, const char *what, const char *why)
{
  char text[PATH_MAX + 512];
  snprintf (text, sizeof text, "%s: %s", what, why);
  http->options.warn (http->options.data, text);
}

/* What fails is told once, and how often when it works again. */
static void
begin_trouble (struct http *http, uint64_t *count, const char *what, const char *why)
{
  if ((*count)++ == 0)
    warn (http, what, why);
}

static void
end_trouble (struct http *http, uint64_t *count, const char *what)
{
  char text[80];
  if (!*count)
    return;
  snprintf (text, sizeof text, "it works again; %" PRIu64 " request%s answered by 503", *count,
            *count == 1 ? " was" : "s were");
  *count = 0;
  warn (http, what, text);
}

/* ---- registration ------------------------------------------------------------ */

static enum MHD_Result
begin_registration (struct http *http, struct MHD_Connection *connection, struct exchange *exchange)
{
  struct registration *registration = &exchange->registration;
  if (http->stopping)
    return answer_failed (http, connection);
  if (!uuid_make (&http->uuids, registration->server)) {
    warn (http, "no random numbers", strerror (errno));
    return answer_failed (http, connection);
  }
  registration->client = exchange->fields.client.text;
  registration->client_size = exchange->fields.client.size;
  registration->owner = connection;
  registration->next = NULL;
  if (http->first)
    http->last->next = registration;
  else
    http->first = registration;
  http->last = registration;
  http->suspended++;
  exchange->given = true;
  MHD_suspend_connection (connection);
  return MHD_YES;
}

/* The committer has given it back. */
static enum MHD_Result
end_registration (struct http *http, struct MHD_Connection *connection, struct exchange *exchange)
{
  struct registration *registration = &exchange->registration;
  if (!registration->stored)
    return answer_failed (http, connection);
  struct header headers[] = { { "Server-Uuid", registration->server }, { NULL, NULL } };
  struct form_field server = { registration->server, UUID_SIZE };
  tell (http, "registered", &exchange->fields, &server);
  return answer (http, connection, MHD_HTTP_OK, "", headers);
}

/* ---- authentication ------------------------------------------------------------ */

/* False: it is not in the log, and nothing of it. */
static bool
log_message (struct http *http, const struct service_fields *fields)
{
  static const char what[] = "the log file";
  char error[PATH_MAX + 256];
  struct timespec now;
  clock_gettime (CLOCK_REALTIME, &now);
  http->line.size = 0;
  line_write (&http->line, &now, &fields->message, &fields->client, &fields->server);
  if (!log_write (http->options.log, http->line.data, http->line.size, error, sizeof error)) {
    begin_trouble (http, &http->unlogged, what, error);
    return false;
  }
  end_trouble (http, &http->unlogged, what);
  http->options.logged (http->options.data, http->line.data, http->line.size);
  return true;
}

/* NUL-terminated, into `out` of SERVICE_ID_LIMIT + 1: a field that was found is not longer. */
static const char *
field_text (char *out, const struct form_field *field)
{
  memcpy (out, field->text, field->size);
  out[field->size] = 0;
  return out;
}

/* 1: the client has this code, 0, -1: the database failed. */
static int
look_up (struct http *http, const struct form_field *client, const struct form_field *server)
{
  static const char what[] = "the database";
  if (!service_is_id (server))
    return 0; /* no header could carry it */
  int found = store_find (http->options.reader, client->text, client->size, server->text, server->size);
  if (found < 0)
    begin_trouble (http, &http->unfound, what, store_reader_error (http->options.reader));
  else
    end_trouble (http, &http->unfound, what);
  return found;
}

static enum MHD_Result
authenticate (struct http *http, struct MHD_Connection *connection, struct exchange *exchange)
{
  const struct service_fields *fields = &exchange->fields;
  int found = look_up (http, &fields->client, &fields->server);
  if (found < 0)
    return answer_failed (http, connection);
  if (!found) {
    tell (http, "refused", fields, &fields->server);
    return answer_refused (http, connection);
  }
  if (fields->message.text && !log_message (http, fields))
    return answer_failed (http, connection);
  tell (http, "authenticated", fields, &fields->server);
  char client[SERVICE_ID_LIMIT + 1], server[SERVICE_ID_LIMIT + 1];
  struct header headers[] = { { "Status", "Authentication success" },
                              { "Server-Uuid", field_text (server, &fields->server) },
                              { "Client-Uuid", field_text (client, &fields->client) },
                              { NULL, NULL } };
  return answer (http, connection, MHD_HTTP_OK, "", headers);
}

/* ---- requests -------------------------------------------------------------------- */

static enum MHD_Result
serve_request (struct port *port, struct MHD_Connection *connection, struct exchange *exchange, const char *method)
{
  static const struct header allow[] = { { MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST }, { NULL, NULL } };
  struct http *http = port->http;
  struct http_upload *upload = &exchange->upload;
  struct service_request request = {
    .port = port->number, .method = method, .body = upload->body.data, .body_size = upload->body.size,
    .type = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE),
    .too_long = upload->size > http->options.body_limit,
  };
  switch (service_read (&request, &exchange->fields)) {
  case VERDICT_REGISTER:
    return begin_registration (http, connection, exchange);
  case VERDICT_AUTHENTICATE:
    return authenticate (http, connection, exchange);
  case VERDICT_REFUSE:
    tell (http, "refused", &exchange->fields, &exchange->fields.server);
    return answer_refused (http, connection);
  case VERDICT_ERROR:
    tell (http, "refused", &exchange->fields, &exchange->fields.server);
    return answer (http, connection, MHD_HTTP_OK, "Error", NULL);
  case VERDICT_METHOD:
    return answer (http, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "Only POST is served here.\n", allow);
  case VERDICT_TOO_LONG:
    return answer (http, connection, MHD_HTTP_CONTENT_TOO_LARGE, "The body is too long.\n", NULL);
  case VERDICT_BAD:
    break;
  }
  return answer (http, connection, MHD_HTTP_BAD_REQUEST,
                 "The body is no form in UTF-8, or its client_uuid is none.\n", NULL);
}

/* Called when the headers have come, for each piece of the body, at its end, and
 * when a connection that was suspended goes on. */
static enum MHD_Result
handle (void *data, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
        const char *upload, size_t *upload_size, void **state)
{
  (void) url;
  (void) version;
  struct port *port = data;
  struct exchange *exchange = *state;
  if (!exchange) {
    *state = exchange = bytes_allocate (sizeof *exchange);
    if (!http_upload_is_hopeless (connection, port->http->options.body_limit))
      return MHD_YES;
    exchange->upload.size = UINT64_MAX;
    return serve_request (port, connection, exchange, method);
  }
  if (*upload_size)
    return http_upload_take (&exchange->upload, port->http->options.body_limit, upload, upload_size);
  if (exchange->given)
    return end_registration (port->http, connection, exchange);
  return serve_request (port, connection, exchange, method);
}

static void
completed (void *data, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
  (void) data;
  (void) connection;
  (void) code;
  if (*state)
    exchange_free (*state);
  *state = NULL;
}

/* ---- the loop ------------------------------------------------------------------------ */

static void
give_waiting (struct http *http)
{
  if (!http->first)
    return;
  committer_give (http->options.committer, http->first, http->last);
  http->first = http->last = NULL;
}

static void
resume_stored (struct http *http)
{
  struct registration *next;
  for (struct registration *one = committer_take (http->options.committer); one; one = next) {
    next = one->next; /* the connection may end at once */
    http->suspended--;
    MHD_resume_connection (one->owner);
  }
}

static void
run_once (struct http *http)
{
  log_batch (http->options.log);
  for (size_t i = 0; i < 2; i++)
    http_daemon_run (http->ports[i].daemon);
  store_reader_batch (http->options.reader);
  give_waiting (http);
  http->options.round (http->options.data);
}

/* Milliseconds until one of the daemons must run; -1: none must. */
static int
next_timeout (const struct http *http)
{
  int least = -1;
  for (size_t i = 0; i < 2; i++) {
    int wait = http_daemon_timeout (http->ports[i].daemon);
    if (wait >= 0 && (least < 0 || wait < least))
      least = wait;
  }
  return least;
}

/* -1, which poll leaves out: none. */
static int
watched_fd (struct http_daemon *daemon)
{
  return http_daemon_rests (daemon) ? -1 : http_daemon_fd (daemon);
}

/* All that was given to the committer is answered, and then a little more is written.  It ends whatever the clients
 * do: there are no new ones, and those that are here get one more answer each. */
static void
finish (struct http *http)
{
  http->stopping = true;
  for (size_t i = 0; i < 2; i++)
    http_daemon_close_listener (http->ports[i].daemon);
  while (http->suspended) {
    struct pollfd stored = { .fd = committer_fd (http->options.committer), .events = POLLIN };
    (void) poll (&stored, 1, -1); /* if it cannot wait there is only more to look */
    resume_stored (http);
    run_once (http);
  }
  for (int i = 0; i < LAST_ROUNDS; i++)
    run_once (http);
}

static void
look_at_log (struct http *http)
{
  char signals[1024], error[PATH_MAX + 256];
  if (read (http->options.hangup_fd, signals, sizeof signals) < 0 && errno != EINTR && errno != EAGAIN)
    http->options.hangup_fd = -1;
  if (!log_look (http->options.log, error, sizeof error))
    warn (http, "the log file", error);
}

bool
http_serve (struct http *http, int stop_fd)
{
  struct pollfd fds[5] = { { .fd = stop_fd, .events = POLLIN },
                           { .fd = committer_fd (http->options.committer), .events = POLLIN },
                           { .events = POLLIN }, { .events = POLLIN }, { .events = POLLIN } };
  bool fine = true;
  for (;;) {
    for (size_t i = 0; i < 2; i++)
      fds[2 + i].fd = watched_fd (http->ports[i].daemon);
    fds[4].fd = http->options.hangup_fd;
    int n = poll (fds, sizeof fds / sizeof *fds, next_timeout (http));
    if (n < 0 && errno == EINTR)
      continue;
    fine = n >= 0;
    if (!fine || fds[0].revents)
      break;
    if (fds[1].revents)
      resume_stored (http);
    if (fds[4].revents)
      look_at_log (http);
    run_once (http);
  }
  int failed = errno;
  finish (http);
  errno = failed;
  return fine;
}

static void
warn_of_port (void *data, const char *text)
{
  struct port *port = data;
  warn (port->http, port->number == PORT_REGISTRATION ? "the registration port" : "the authentication port", text);
}

static bool
start_port (struct http *http, enum service_port number, int listener)
{
  struct port *port = &http->ports[number];
  *port = (struct port) { .http = http, .number = number };
  const struct http_handlers handlers = { handle, completed, warn_of_port, port };
  if (listen (listener, SOMAXCONN) == 0)
    port->daemon = http_daemon_start (listener, MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME, &http->options.limits,
                                      &handlers);
  if (!port->daemon) {
    int failed = errno;
    close (listener);
    errno = failed;
  }
  return port->daemon != NULL;
}

struct http *
http_start (const struct http_options *options)
{
  struct http *http = bytes_allocate (sizeof *http);
  http->options = *options;
  bool first = start_port (http, PORT_REGISTRATION, options->registration);
  if (first && start_port (http, PORT_AUTHENTICATION, options->authentication))
    return http;
  int failed = errno;
  if (!first)
    close (options->authentication);
  http_stop (http);
  errno = failed;
  return NULL;
}

void
http_stop (struct http *http)
{
  for (size_t i = 0; i < 2; i++)
    if (http->ports[i].daemon)
      http_daemon_stop (http->ports[i].daemon);
  bytes_free (&http->line);
  free (http);
}
