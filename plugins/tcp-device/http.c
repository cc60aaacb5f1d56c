/* http.c - see http.h.  libmicrohttpd without threads of its own: its epoll descriptor and its timeouts are
 * watched by the loop, so that server and web need no locks. */
#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../common/http-daemon.h"

#define STREAM_BLOCK 32768

struct http {
  struct http_daemon *daemon;
  struct web *web;
  uv_poll_t poll;
  uv_timer_t timer;
  int open_handles;
  bool rests; /* it is not watched */
};

/* One request, and the rest of its answer. */
struct exchange {
  struct web *web;
  struct http_upload upload;
  struct web_response response;
  size_t sent; /* of response.body */
};

static void
exchange_free (void *data)
{
  struct exchange *exchange = data;
  if (!exchange)
    return;
  bytes_free (&exchange->upload.body);
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
  const struct http_upload *upload = &(*exchange)->upload;
  struct web_request request = { method, url, upload->body.data, upload->body.size,
                                 upload->size > WEB_BODY_LIMIT };
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
      return http_upload_take (&exchange->upload, WEB_BODY_LIMIT, upload, upload_size);
    return answer (connection, (struct exchange **) state, method, url);
  }
  *state = exchange = bytes_allocate (sizeof *exchange);
  exchange->web = http->web;
  if (!http_upload_is_hopeless (connection, WEB_BODY_LIMIT))
    return MHD_YES;
  exchange->upload.size = UINT64_MAX;
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

static void
warn (void *data, const char *text)
{
  struct http *http = data;
  CLEANUP_BYTES struct bytes line = { 0 };
  bytes_puts (&line, "Web: ");
  bytes_puts (&line, text);
  http->web->journal->warn (http->web->journal, bytes_text (&line));
}

/* ---- the loop ------------------------------------------------------------ */

static void serve_timer (uv_timer_t *timer);
static void serve_poll (uv_poll_t *poll, int status, int events);

/* Both calls fail for handles being closed only. */
static void
watch (struct http *http)
{
  bool rests = http_daemon_rests (http->daemon);
  if (rests == http->rests)
    return;
  http->rests = rests;
  if (rests)
    uv_poll_stop (&http->poll);
  else
    uv_poll_start (&http->poll, UV_READABLE, serve_poll);
}

static void
serve (struct http *http)
{
  http_daemon_run (http->daemon);
  watch (http);
  int wait = http_daemon_timeout (http->daemon);
  if (wait >= 0)
    uv_timer_start (&http->timer, serve_timer, (uint64_t) wait, 0);
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

static void
handle_closed (uv_handle_t *handle_of_loop)
{
  struct http *http = handle_of_loop->data;
  if (--http->open_handles)
    return;
  http_daemon_stop (http->daemon);
  free (http);
}

struct http *
http_start (uv_loop_t *loop, int listener, unsigned most, struct web *web)
{
  struct http *http = bytes_allocate (sizeof *http);
  http->web = web;
  const struct http_handlers handlers = { handle, completed, warn, http };
  struct http_limits limits = http_default_limits;
  limits.connections = most;
  http->daemon = http_daemon_start (listener, 0, &limits, &handlers);
  if (!http->daemon) {
    free (http);
    return NULL;
  }
  http->timer.data = http->poll.data = http;
  uv_timer_init (loop, &http->timer);
  http->open_handles = 1;
  int rc = uv_poll_init (loop, &http->poll, http_daemon_fd (http->daemon));
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
