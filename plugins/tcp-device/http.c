/* http.c - see http.h.  libmicrohttpd without threads of its own: its epoll descriptor and its timeouts are
 * watched by the loop, so that server and web need no locks. */
#include "http.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_SECONDS 60u
#define CONNECTIONS 20000u
#define MEMORY_OF_CONNECTION (16u << 10) /* request line and headers */
#define STREAM_BLOCK 32768

/* A body that is too long is read and thrown away up to here: a client that
 * still writes would miss the answer.  Beyond it the connection is closed. */
#define DISCARD_LIMIT (8u << 20)

struct http {
  struct MHD_Daemon *daemon;
  struct web *web;
  uv_poll_t poll;
  uv_timer_t timer;
  int open_handles;
};

/* One request, and the rest of its answer. */
struct exchange {
  struct web *web;
  struct bytes body;
  size_t size; /* of the body, with what was thrown away */
  struct web_response response;
  size_t sent; /* of response.body */
};

static void
exchange_free (void *data)
{
  struct exchange *exchange = data;
  if (!exchange)
    return;
  bytes_free (&exchange->body);
  bytes_free (&exchange->response.body);
  free (exchange);
}

/* The rest of a long list, piece by piece. */
static ssize_t
stream_answer (void *data, uint64_t position, char *buffer, size_t room)
{
  (void) position; /* it only moves forward */
  struct exchange *exchange = data;
  struct web_response *response = &exchange->response;
  if (exchange->sent == response->body.size) {
    if (!response->more)
      return MHD_CONTENT_READER_END_OF_STREAM;
    if (web_more (exchange->web, response) != 0)
      return MHD_CONTENT_READER_END_WITH_ERROR;
    exchange->sent = 0;
  }
  size_t n = response->body.size - exchange->sent;
  n = n < room ? n : room;
  memcpy (buffer, response->body.data + exchange->sent, n);
  exchange->sent += n;
  return (ssize_t) n;
}

/* Takes the exchange's body or, for a list that goes on, the exchange. */
static struct MHD_Response *
make_response (struct exchange **exchange)
{
  struct web_response *response = &(*exchange)->response;
  struct MHD_Response *made;
  if (response->more) {
    made = MHD_create_response_from_callback (MHD_SIZE_UNKNOWN, STREAM_BLOCK, stream_answer, *exchange,
                                              exchange_free);
    if (made)
      *exchange = NULL;
  } else {
    made = MHD_create_response_from_buffer (response->body.size, response->body.data, MHD_RESPMEM_MUST_FREE);
    if (made)
      response->body = (struct bytes) { 0 };
  }
  return made;
}

static enum MHD_Result
answer (struct MHD_Connection *connection, struct exchange **exchange, const char *method, const char *url)
{
  struct web_request request = { method, url, (*exchange)->body.data, (*exchange)->body.size,
                                 (*exchange)->size > WEB_BODY_LIMIT };
  web_answer ((*exchange)->web, &request, &(*exchange)->response);
  unsigned status = (*exchange)->response.status;
  const char *type = (*exchange)->response.type;
  struct MHD_Response *response = make_response (exchange);
  if (!response)
    return MHD_NO;
  enum MHD_Result result = MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  if (result == MHD_YES)
    result = MHD_queue_response (connection, status, response);
  MHD_destroy_response (response);
  return result;
}

static enum MHD_Result
take_upload (struct exchange *exchange, const char *data, size_t *size)
{
  exchange->size += *size;
  if (exchange->size > DISCARD_LIMIT)
    return MHD_NO;
  if (exchange->size > WEB_BODY_LIMIT)
    bytes_free (&exchange->body);
  else
    bytes_add (&exchange->body, data, *size);
  *size = 0;
  return MHD_YES;
}

/* The length that the client announces; 0 if it does not. */
static uint64_t
announced_size (struct MHD_Connection *connection)
{
  const char *text = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  return text ? strtoumax (text, NULL, 10) : 0; /* too much to count: UINTMAX_MAX */
}

/* Called when the headers have come, for each piece of the body, and at its end. */
static enum MHD_Result
handle (void *data, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
        const char *upload, size_t *upload_size, void **state)
{
  (void) version;
  struct http *http = data;
  struct exchange *exchange = *state;
  if (exchange) {
    if (*upload_size)
      return take_upload (exchange, upload, upload_size);
    return answer (connection, (struct exchange **) state, method, url);
  }
  *state = exchange = bytes_allocate (sizeof *exchange);
  exchange->web = http->web;
  if (announced_size (connection) <= DISCARD_LIMIT)
    return MHD_YES;
  exchange->size = SIZE_MAX;
  return answer (connection, (struct exchange **) state, method, url);
}

static void
completed (void *data, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
  (void) data;
  (void) connection;
  (void) code;
  exchange_free (*state);
  *state = NULL;
}

/* Paths are taken as they stand: nothing in ours needs an escape, and `%00`
 * would end the text early. */
static size_t
keep_escapes (void *data, struct MHD_Connection *connection, char *text)
{
  (void) data;
  (void) connection;
  return strlen (text);
}

static void
keep_quiet (void *data, const char *fmt, va_list args)
{
  (void) data; /* what it says is about clients that broke off */
  (void) fmt;
  (void) args;
}

/* ---- the loop ------------------------------------------------------------ */

static void serve_timer (uv_timer_t *timer);

static void
serve (struct http *http)
{
  MHD_UNSIGNED_LONG_LONG wait;
  MHD_run (http->daemon); /* MHD_NO only for a daemon that has threads */
  if (MHD_get_timeout (http->daemon, &wait) == MHD_YES)
    uv_timer_start (&http->timer, serve_timer, wait, 0);
  else
    uv_timer_stop (&http->timer);
}

static void
serve_timer (uv_timer_t *timer)
{
  serve (timer->data);
}

static void
serve_poll (uv_poll_t *poll, int status, int events)
{
  (void) status;
  (void) events;
  serve (poll->data);
}

static struct MHD_Daemon *
start_daemon (int listener, struct http *http)
{
  return MHD_start_daemon (MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, handle, http,
                           MHD_OPTION_EXTERNAL_LOGGER, keep_quiet, NULL,
                           MHD_OPTION_LISTEN_SOCKET, listener,
                           MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
                           MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
                           MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY_OF_CONNECTION,
                           MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
                           MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
                           MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                           MHD_OPTION_END);
}

static void
handle_closed (uv_handle_t *handle_of_loop)
{
  struct http *http = handle_of_loop->data;
  if (--http->open_handles)
    return;
  MHD_stop_daemon (http->daemon);
  free (http);
}

struct http *
http_start (uv_loop_t *loop, int listener, struct web *web)
{
  struct http *http = bytes_allocate (sizeof *http);
  http->web = web;
  errno = 0;
  http->daemon = start_daemon (listener, http);
  if (!http->daemon) {
    free (http);
    errno = errno ? errno : EINVAL;
    return NULL;
  }
  http->timer.data = http->poll.data = http;
  uv_timer_init (loop, &http->timer);
  http->open_handles = 1;
  int rc = uv_poll_init (loop, &http->poll, MHD_get_daemon_info (http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
  if (rc != 0) {
    uv_close ((uv_handle_t *) &http->timer, handle_closed);
    errno = -rc;
    return NULL;
  }
  http->open_handles = 2;
  uv_poll_start (&http->poll, UV_READABLE, serve_poll); /* fails for handles being closed only */
  return http;
}

void
http_stop (struct http *http)
{
  uv_close ((uv_handle_t *) &http->poll, handle_closed);
  uv_close ((uv_handle_t *) &http->timer, handle_closed);
}
