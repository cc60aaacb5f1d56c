/* transfer.c - one transfer: waits for it under the step's deadline, bounds what
 * comes, notes the traffic, and says what went wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http.h"

/* What the headers of all responses of a step may take together: redirects,
 * 1xx and trailers included. */
#define HEADER_BYTES (1024 * 1024)
#define HEADER_LINES 2000

/* Body bytes of each direction that are shown as traffic. */
#define WIRE_BODY 4096

/* ---- what comes ---- */

/* The blank line after a header block. */
static void
end_headers (struct http_exchange *exchange)
{
  long status = 0;
  exchange->headers_done = 1;
  exchange->wired_in = 0;
  runner_wire (exchange->step, RUNNER_RECEIVED, exchange->peer, exchange->received.data, exchange->received.size);
  /* A 303 asks for GET (RFC 9110, 15.4.4); libcurl keeps a method that was set by name. */
  if (!exchange->plain_method && curl_easy_getinfo (exchange->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK
      && status == 303)
    curl_easy_setopt (exchange->easy, CURLOPT_CUSTOMREQUEST, NULL);
}

static size_t
on_header (char *data, size_t one, size_t size, void *user)
{
  struct http_exchange *exchange = user;
  (void) one;
  exchange->header_bytes += size;
  exchange->header_lines++;
  if (exchange->header_bytes > HEADER_BYTES || exchange->header_lines > HEADER_LINES) {
    exchange->stop = HTTP_TOO_MANY_HEADERS;
    return 0;
  }
  if (exchange->headers_done && size > 5 && memcmp (data, "HTTP/", 5) == 0) {
    http_bytes_clear (&exchange->received); /* the next response: a redirect's, or after 1xx or 401 */
    exchange->headers_done = 0;
    exchange->trailers = 0;
  } else if (exchange->headers_done && !exchange->trailers)
    exchange->trailers = exchange->received.size;
  if (size > 0 && (data[0] == ' ' || data[0] == '\t')) /* obsolete folding: RFC 9112, 5.2 */
    http_bytes_cut_line (&exchange->received);
  http_bytes_add (&exchange->received, data, size);
  if (exchange->received.failed) {
    exchange->stop = HTTP_NO_MEMORY;
    return 0;
  }
  if (!exchange->headers_done && size > 0 && (data[0] == '\r' || data[0] == '\n'))
    end_headers (exchange);
  return size;
}

static int
save_bytes (struct http_exchange *exchange, const char *data, size_t size)
{
  while (size) {
    ssize_t n = write (exchange->save_fd, data, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      exchange->error = n < 0 ? errno : EIO;
      return -1;
    }
    data += n;
    size -= (size_t) n;
  }
  return 0;
}

static size_t
on_body (char *data, size_t one, size_t size, void *user)
{
  struct http_exchange *exchange = user;
  (void) one;
  if (size > exchange->limit - exchange->body_size) {
    exchange->stop = HTTP_TOO_LARGE;
    return 0;
  }
  exchange->body_size += size;
  if (exchange->wired_in < WIRE_BODY) {
    size_t shown = size < WIRE_BODY - exchange->wired_in ? size : WIRE_BODY - exchange->wired_in;
    exchange->wired_in += shown;
    runner_wire (exchange->step, RUNNER_RECEIVED, exchange->peer, data, shown);
  }
  if (exchange->save_fd >= 0) {
    if (save_bytes (exchange, data, size) == 0)
      return size;
    exchange->stop = HTTP_CANNOT_SAVE;
    return 0;
  }
  http_bytes_add (&exchange->body, data, size);
  if (!exchange->body.failed)
    return size;
  exchange->stop = HTTP_NO_MEMORY;
  return 0;
}

/* ---- what goes ---- */

static size_t
on_read (char *data, size_t one, size_t room, void *user)
{
  struct http_exchange *exchange = user;
  (void) one;
  int64_t rest = exchange->body_end - exchange->body_at;
  if (rest < (int64_t) room)
    room = (size_t) rest;
  ssize_t n;
  do
    n = pread (exchange->body_fd, data, room, exchange->body_at);
  while (n < 0 && errno == EINTR);
  if (n < 0 || (n == 0 && room)) { /* failed, or the file has become shorter */
    exchange->error = n < 0 ? errno : ENODATA;
    exchange->stop = HTTP_CANNOT_READ;
    return CURL_READFUNC_ABORT;
  }
  exchange->body_at += n;
  return (size_t) n;
}

/* Redirects and authentication begin the body again. */
static int
on_seek (void *user, curl_off_t offset, int origin)
{
  struct http_exchange *exchange = user;
  if (origin != SEEK_SET || offset < 0 || offset > exchange->body_end)
    return CURL_SEEKFUNC_FAIL;
  exchange->body_at = offset;
  return CURL_SEEKFUNC_OK;
}

/* Keeps a request's header block without its credentials: "Basic ***". */
static void
keep_sent (struct http_exchange *exchange, const char *data, size_t size)
{
  http_bytes_clear (&exchange->sent);
  for (const char *end = data + size; data < end;) {
    const char *next = memchr (data, '\n', (size_t) (end - data));
    next = next ? next + 1 : end;
    int hidden = strncasecmp (data, "Authorization:", 14) == 0 ? 14
                 : strncasecmp (data, "Proxy-Authorization:", 20) == 0 ? 20 : 0;
    if (hidden) {
      const char *scheme = data + hidden;
      while (scheme < next && *scheme == ' ')
        scheme++;
      while (scheme < next && *scheme != ' ' && *scheme != '\r' && *scheme != '\n')
        scheme++;
      int alone = scheme == next || *scheme != ' ';
      http_bytes_add (&exchange->sent, data, (size_t) ((alone ? data + hidden : scheme) - data));
      http_bytes_puts (&exchange->sent, " ***\r\n");
    } else
      http_bytes_add (&exchange->sent, data, (size_t) (next - data));
    data = next;
  }
}

void
http_transfer_sent (struct http_exchange *exchange, const char *data, size_t size)
{
  keep_sent (exchange, data, size);
  exchange->wired_out = 0;
  runner_wire (exchange->step, RUNNER_SENT, exchange->peer, exchange->sent.data, exchange->sent.size);
}

/* What is sent can be seen only while libcurl is verbose, which costs a tenth of a
 * request's processor time: it is made so just before a request is sent. */
#if LIBCURL_VERSION_NUM >= 0x075000
static int
on_connected (void *user, char *address, char *own_address, int port, int own_port)
{
  const struct http_exchange *exchange = user;
  (void) address, (void) own_address, (void) port, (void) own_port;
  curl_easy_setopt (exchange->easy, CURLOPT_VERBOSE, 1L);
  return CURL_PREREQFUNC_OK;
}

static void
watch_what_is_sent (const struct http_exchange *exchange)
{
  curl_easy_setopt (exchange->easy, CURLOPT_VERBOSE, (long) exchange->proxied); /* a proxy is asked earlier */
  curl_easy_setopt (exchange->easy, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt (exchange->easy, CURLOPT_PREREQDATA, exchange);
}

/* A header block has been sent. */
static void
watch_no_more (const struct http_exchange *exchange, const char *data, size_t size)
{
  int whole = size >= 4 && memcmp (data + size - 4, "\r\n\r\n", 4) == 0;
  if (whole && !exchange->sends_body && !exchange->proxied)
    curl_easy_setopt (exchange->easy, CURLOPT_VERBOSE, 0L);
}
#else
static void
watch_what_is_sent (const struct http_exchange *exchange)
{
  curl_easy_setopt (exchange->easy, CURLOPT_VERBOSE, 1L);
}

static void
watch_no_more (const struct http_exchange *exchange, const char *data, size_t size)
{
  (void) exchange, (void) data, (void) size;
}
#endif

static int
on_debug (CURL *easy, curl_infotype type, char *data, size_t size, void *user)
{
  struct http_exchange *exchange = user;
  (void) easy;
  if (type == CURLINFO_HEADER_OUT) {
    http_transfer_sent (exchange, data, size);
    watch_no_more (exchange, data, size);
  } else if (type == CURLINFO_DATA_OUT && exchange->wired_out < WIRE_BODY) {
    size_t shown = size < WIRE_BODY - exchange->wired_out ? size : WIRE_BODY - exchange->wired_out;
    exchange->wired_out += shown;
    runner_wire (exchange->step, RUNNER_SENT, exchange->peer, data, shown);
  }
  return 0;
}

/* ---- the transfer ---- */

void
http_transfer_begin (struct http_request *request)
{
  struct http_exchange *exchange = &request->session->exchange;
  exchange->step = request->step;
  exchange->easy = request->session->easy;
  exchange->peer[0] = '\0';
  http_bytes_clear (&exchange->sent);
  http_bytes_clear (&exchange->received);
  http_bytes_clear (&exchange->body);
  http_bytes_clear (&exchange->form);
  exchange->trailers = exchange->header_bytes = exchange->header_lines = 0;
  exchange->wired_in = exchange->wired_out = 0;
  exchange->body_size = 0;
  exchange->headers_done = 0;
  exchange->stop = HTTP_GOES_ON;
  exchange->error = 0;
  exchange->save_fd = exchange->body_fd = -1;
  exchange->save_path = NULL;
  exchange->message[0] = '\0';
}

void
http_transfer_options (struct http_exchange *exchange)
{
  CURL *easy = exchange->easy;
  curl_easy_setopt (easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt (easy, CURLOPT_HEADERDATA, exchange);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt (easy, CURLOPT_WRITEDATA, exchange);
  curl_easy_setopt (easy, CURLOPT_ERRORBUFFER, exchange->message);
  curl_easy_setopt (easy, CURLOPT_DEBUGFUNCTION, on_debug);
  curl_easy_setopt (easy, CURLOPT_DEBUGDATA, exchange);
  watch_what_is_sent (exchange);
  if (exchange->body_fd < 0)
    return;
  curl_easy_setopt (easy, CURLOPT_READFUNCTION, on_read);
  curl_easy_setopt (easy, CURLOPT_READDATA, exchange);
  curl_easy_setopt (easy, CURLOPT_SEEKFUNCTION, on_seek);
  curl_easy_setopt (easy, CURLOPT_SEEKDATA, exchange);
}

/* ---- waiting for what libcurl waits for ---- */

/* CURLMOPT_SOCKETFUNCTION: from now on it waits for this; 0, and -1: no memory. */
static int
on_socket (CURL *easy, curl_socket_t fd, int what, void *data, void *per_socket)
{
  struct http_waiting *waiting = data;
  size_t i = 0;
  (void) easy, (void) per_socket;
  while (i < waiting->count && waiting->fds[i].fd != fd)
    i++;
  if (what == CURL_POLL_REMOVE) {
    if (i < waiting->count)
      waiting->fds[i] = waiting->fds[--waiting->count];
    return 0;
  }
  if (i == waiting->room) {
    struct pollfd *fds = realloc (waiting->fds, (i + 4) * sizeof *fds);
    if (!fds)
      return -1;
    waiting->fds = fds;
    waiting->room = i + 4;
  }
  if (i == waiting->count)
    waiting->count++;
  short events = (short) ((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
  waiting->fds[i] = (struct pollfd) { .fd = fd, .events = events };
  return 0;
}

/* CURLMOPT_TIMERFUNCTION */
static int
on_timer (CURLM *multi, long ms, void *data)
{
  struct http_waiting *waiting = data;
  (void) multi;
  waiting->until_ns = ms < 0 ? INT64_MAX : runner_now () + (int64_t) ms * 1000000;
  return 0;
}

void
http_transfer_watch (struct http_session *session)
{
  session->waiting.until_ns = INT64_MAX;
  curl_multi_setopt (session->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt (session->multi, CURLMOPT_SOCKETDATA, &session->waiting);
  curl_multi_setopt (session->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt (session->multi, CURLMOPT_TIMERDATA, &session->waiting);
}

/* Lets libcurl go on with what is ready, or due. */
static CURLMcode
go_on (CURLM *multi, struct http_waiting *waiting, int *running)
{
  for (size_t i = 0; i < waiting->count; i++) {
    struct pollfd *ready = &waiting->fds[i];
    short came = ready->revents;
    int what = (came & POLLIN ? CURL_CSELECT_IN : 0) | (came & POLLOUT ? CURL_CSELECT_OUT : 0);
    ready->revents = 0;
    if (came) /* the list may be another one then: what else is ready is so in the next round */
      return curl_multi_socket_action (multi, ready->fd, came & ~(POLLIN | POLLOUT) ? 0 /* look yourself */ : what,
                                       running);
  }
  waiting->until_ns = INT64_MAX;
  return curl_multi_socket_action (multi, CURL_SOCKET_TIMEOUT, 0, running);
}

/* Drives the transfer to its end: its result.  -1: the step must end. */
static int
drive (struct runner_step *step, CURLM *multi, struct http_waiting *waiting)
{
  int running = 1;
  for (;;) {
    if (go_on (multi, waiting, &running) != CURLM_OK)
      return CURLE_FAILED_INIT;
    int rest;
    const CURLMsg *message = running ? NULL : curl_multi_info_read (multi, &rest);
    if (message)
      return (int) message->data.result;
    int64_t ns = -1;
    if (waiting->until_ns != INT64_MAX) {
      int64_t now = runner_now ();
      ns = waiting->until_ns > now ? waiting->until_ns - now : 0;
    }
    if (runner_poll (step, waiting->fds, waiting->count, ns) < 0)
      return -1;
  }
}

static int
is_connected (CURL *easy)
{
  curl_off_t us = 0;
  return curl_easy_getinfo (easy, CURLINFO_PRETRANSFER_TIME_T, &us) == CURLE_OK && us > 0;
}

static int
expired (struct http_request *request)
{
  const struct http_exchange *exchange = &request->session->exchange;
  struct runner_step *step = request->step;
  const char *method = request->method, *url = request->url;
  if (!is_connected (request->session->easy))
    return runner_expired (step, "waiting for a connection to %s", request->authority);
  if (exchange->body_size)
    return runner_expired (step, "reading the body of %s %s, after %llu bytes", method, url,
                           (unsigned long long) exchange->body_size);
  if (exchange->header_bytes)
    return runner_expired (step, "waiting for the rest of the response to %s %s", method, url);
  return runner_expired (step, "waiting for the response to %s %s", method, url);
}

/* Our own callbacks ended the transfer. */
static int
stopped (struct http_request *request)
{
  const struct http_exchange *exchange = &request->session->exchange;
  struct runner_step *step = request->step;
  switch (exchange->stop) {
  case HTTP_TOO_LARGE:
    return runner_fail (step, "the body of the response is larger than the limit of %llu bytes",
                        (unsigned long long) exchange->limit);
  case HTTP_TOO_MANY_HEADERS:
    return runner_fail (step, "the response has more than %d header lines or %d bytes of them", HEADER_LINES,
                        HEADER_BYTES);
  case HTTP_CANNOT_SAVE:
    return runner_error (step, "cannot write %s: %s", exchange->save_path, strerror (exchange->error));
  case HTTP_CANNOT_READ:
    return runner_error (step, "cannot read %s: %s", request->args->body_file,
                         exchange->error == ENODATA ? "it has become shorter" : strerror (exchange->error));
  case HTTP_NO_MEMORY: case HTTP_GOES_ON: break;
  }
  return runner_error (step, "no memory for the response");
}

/* Where the transfer was when it failed: redirects may have led elsewhere. */
static const char *
current_authority (struct http_request *request)
{
  char *effective = NULL, *host = NULL, *port = NULL;
  long redirects = 0;
  if (curl_easy_getinfo (request->session->easy, CURLINFO_REDIRECT_COUNT, &redirects) != CURLE_OK || !redirects)
    return request->authority;
  if (curl_easy_getinfo (request->session->easy, CURLINFO_EFFECTIVE_URL, &effective) != CURLE_OK || !effective)
    return request->authority;
  CURLU *url = curl_url ();
  if (url && !curl_url_set (url, CURLUPART_URL, effective, 0) && !curl_url_get (url, CURLUPART_HOST, &host, 0)
      && !curl_url_get (url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT))
    snprintf (request->authority, sizeof request->authority, "%.200s:%s", host, port);
  curl_free (host);
  curl_free (port);
  curl_url_cleanup (url);
  return request->authority;
}

static int
is_our_fault (CURLcode code)
{
  switch (code) {
  case CURLE_OUT_OF_MEMORY: case CURLE_FAILED_INIT: case CURLE_NOT_BUILT_IN:
  case CURLE_BAD_FUNCTION_ARGUMENT: case CURLE_UNKNOWN_OPTION: case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CACERT_BADFILE: case CURLE_SSL_ENGINE_NOTFOUND: case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_CIPHER: case CURLE_READ_ERROR: case CURLE_SEND_FAIL_REWIND: case CURLE_INTERFACE_FAILED:
    return 1;
  default:
    return 0;
  }
}

static int
failed (struct http_request *request, CURLcode code)
{
  const struct http_exchange *exchange = &request->session->exchange;
  struct runner_step *step = request->step;
  const char *where = current_authority (request);
  const char *why = exchange->message[0] ? exchange->message : curl_easy_strerror (code);
  long number = 0;
  if (curl_easy_getinfo (request->session->easy, CURLINFO_OS_ERRNO, &number) != CURLE_OK)
    number = 0;
  if (!exchange->headers_done && is_connected (request->session->easy)) {
    if (code == CURLE_OUT_OF_MEMORY) /* what libcurl says when a line is longer than it wants */
      return runner_fail (step, "%s: a header of the response is longer than 100 KiB", where);
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
      return runner_fail (step, "%s: the response is not HTTP", where);
  }
  if (is_our_fault (code))
    return runner_error (step, "%s: %s", where, why);
  switch ((int) code) {
  case CURLE_COULDNT_CONNECT:
    return runner_fail (step, "cannot connect to %s: %s", where, number ? strerror ((int) number) : why);
  case CURLE_COULDNT_RESOLVE_HOST: case CURLE_COULDNT_RESOLVE_PROXY:
    return runner_fail (step, "cannot connect to %s: %s", where, why);
  case CURLE_PEER_FAILED_VERIFICATION:
    return runner_fail (step, "%s: the certificate is not trusted: %s", where, why);
  case CURLE_GOT_NOTHING:
    return runner_fail (step, "%s closed the connection without a response", where);
  case CURLE_RECV_ERROR: case CURLE_SEND_ERROR:
    return runner_fail (step, "the connection to %s broke: %s", where, why);
  case CURLE_PARTIAL_FILE:
    return runner_fail (step, "%s closed the connection in the middle of the body: %s", where, why);
  case CURLE_TOO_MANY_REDIRECTS:
    return runner_fail (step, "more than %lld redirects, the last to %s",
                        (long long) request->settings.max_redirects, where);
  default:
    return runner_fail (step, "%s: %s", where, why);
  }
}

/* The traffic shows only the beginning of a body. */
static void
note_hidden_bytes (struct http_exchange *exchange)
{
  char note[64];
  if (exchange->body_size <= WIRE_BODY)
    return;
  int n = snprintf (note, sizeof note, "[... %llu bytes of the body in all]",
                    (unsigned long long) exchange->body_size);
  runner_wire (exchange->step, RUNNER_RECEIVED, exchange->peer, note, (size_t) n);
}

int
http_transfer_run (struct http_request *request)
{
  struct http_session *session = request->session;
  session->exchange.limit = request->settings.limit;
  CURLMcode wrong = curl_multi_add_handle (session->multi, session->easy);
  if (wrong != CURLM_OK)
    return runner_error (request->step, "the transfer cannot start: %s", curl_multi_strerror (wrong));
  int code = drive (request->step, session->multi, &session->waiting);
  int outcome = RUNNER_PASS;
  if (session->exchange.stop != HTTP_GOES_ON)
    outcome = stopped (request);
  else if (code < 0 || code == CURLE_OPERATION_TIMEDOUT)
    outcome = expired (request);
  else if (code != CURLE_OK)
    outcome = failed (request, (CURLcode) code);
  note_hidden_bytes (&session->exchange);
  curl_multi_remove_handle (session->multi, session->easy);
  return outcome;
}

int
http_transfer_connect (struct http_request *request)
{
  struct http_session *session = request->session;
  curl_easy_setopt (session->easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt (session->easy, CURLOPT_HTTPPROXYTUNNEL, 1L); /* RFC 6455, 4.1 */
  curl_easy_setopt (session->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt (session->easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1); /* in ALPN, too */
  CURLMcode wrong = curl_multi_add_handle (session->multi, session->easy);
  if (wrong != CURLM_OK)
    return runner_error (request->step, "it cannot connect: %s", curl_multi_strerror (wrong));
  int code = drive (request->step, session->multi, &session->waiting);
  if (code < 0 || code == CURLE_OPERATION_TIMEDOUT)
    return expired (request);
  return code == CURLE_OK ? RUNNER_PASS : failed (request, (CURLcode) code);
}
