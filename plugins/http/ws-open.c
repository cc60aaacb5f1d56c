/* ws-open.c - http.websocket: connects by libcurl, asks for the upgrade and judges the answer. */
#include "ws-open.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "headers.h"

#define HEAD_LIMIT 65536 /* bytes of the answer's head */

/* ---- what is asked for ---- */

/* libcurl knows it by the schemes of HTTP.  NULL: no memory. */
static const char *
http_url (struct opening *opening, const char *url)
{
  if (strncasecmp (url, "ws://", 5) != 0 && strncasecmp (url, "wss://", 6) != 0)
    return url;
  struct http_bytes text = { 0 };
  http_bytes_puts (&text, "http");
  http_bytes_puts (&text, url + 2);
  const char *kept = text.failed ? NULL : http_keep (&opening->request.kept, http_bytes_text (&text), text.size);
  http_bytes_free (&text);
  return kept;
}

static int
read_protocols (struct opening *opening, struct runner_list list)
{
  struct runner_step *step = opening->request.step;
  size_t n = runner_node_count (list.node);
  if (n > WS_PROTOCOLS_MOST)
    return runner_error (step, "protocols: more than %d", WS_PROTOCOLS_MOST);
  for (size_t i = 0; i < n; i++) {
    size_t size = 0;
    const char *text = runner_node_text (runner_node_at (list.node, i), &size);
    if (!text || !http_is_token (text, size))
      return runner_error (step, "protocols: expected names, without blanks and commas");
    opening->protocols[i] = text;
  }
  return RUNNER_PASS;
}

/* ---- the answer ---- */

static int
broke (struct opening *opening, CURLcode code)
{
  const struct http_request *request = &opening->request;
  if (code == CURLE_OK)
    return runner_fail (request->step, "%s closed the connection without a response", request->authority);
  return runner_fail (request->step, "the connection to %s broke: %s", request->authority, curl_easy_strerror (code));
}

static int
send_request (struct opening *opening, const struct http_bytes *text)
{
  struct http_request *request = &opening->request;
  for (size_t sent = 0; sent < text->size;) {
    size_t n = 0;
    CURLcode code = curl_easy_send (request->session->easy, text->data + sent, text->size - sent, &n);
    if (code != CURLE_OK && code != CURLE_AGAIN)
      return broke (opening, code);
    sent += n;
    if (!n && ws_poll (request->step, opening->ws, POLLOUT, -1) < 0)
      return runner_expired (request->step, "sending the request to %s", request->authority);
  }
  http_transfer_sent (&request->session->exchange, text->data, text->size);
  return RUNNER_PASS;
}

/* Waits for more of the answer. */
static int
read_more (struct opening *opening)
{
  struct http_request *request = &opening->request;
  struct http_bytes *came = &request->session->exchange.received;
  char data[4096];
  for (;;) {
    size_t n = 0;
    CURLcode code = curl_easy_recv (request->session->easy, data, sizeof data, &n);
    if (code == CURLE_OK && n) {
      http_bytes_add (came, data, n);
      return came->failed ? runner_error (request->step, "no memory for the answer") : RUNNER_PASS;
    }
    if (code != CURLE_AGAIN)
      return broke (opening, code);
    if (ws_poll (request->step, opening->ws, POLLIN, -1) < 0)
      return runner_expired (request->step, "waiting for the answer of %s", request->authority);
  }
}

/* Answers of status 100 or 103, which come before the one that counts (RFC 9110, 15.2). */
static int
is_interim (const char *head, size_t size)
{
  int status = ws_head_status (head, size);
  return status >= 100 && status < 200 && status != 101;
}

/* Reads the head; what came behind it goes to the WebSocket. */
static int
read_head (struct opening *opening)
{
  struct http_request *request = &opening->request;
  struct http_bytes *came = &request->session->exchange.received;
  size_t start = 0; /* of the head that counts */
  for (;;) {
    size_t head = ws_head_size (http_bytes_text (came) + start, came->size - start);
    if (head)
      runner_wire (request->step, RUNNER_RECEIVED, request->session->exchange.peer, came->data + start, head);
    if (head && !is_interim (came->data + start, head)) {
      opening->head = head;
      break;
    }
    start += head;
    if (came->size > HEAD_LIMIT)
      return runner_fail (request->step, "%s: the head of the answer is longer than %d bytes", request->authority,
                          HEAD_LIMIT);
    int outcome = head ? RUNNER_PASS : read_more (opening);
    if (outcome != RUNNER_PASS)
      return outcome;
  }
  http_bytes_add (&opening->ws->ahead, came->data + start + opening->head, came->size - start - opening->head);
  memmove (came->data, came->data + start, opening->head);
  came->size = opening->head;
  came->data[came->size] = '\0';
  return opening->ws->ahead.failed ? runner_error (request->step, "no memory for the answer") : RUNNER_PASS;
}

static int
put_answer (const struct opening *opening, const struct http_headers *headers, int status)
{
  const struct http_request *request = &opening->request;
  struct http_exchange *exchange = &request->session->exchange;
  struct runner_out *out = runner_result (request->step);
  const struct http_header *protocol = http_headers_find (headers, "Sec-WebSocket-Protocol");
  const char *reason;
  size_t size;
  runner_put_int (out, "status", status);
  http_reason (exchange, &reason, &size);
  runner_put_text (out, "reason", reason, size);
  runner_put_string (out, "url", request->url);
  if (status == 101 && protocol)
    runner_put_text (out, "protocol", protocol->value, protocol->value_size);
  return http_headers_put (out, "headers", exchange->received.data, opening->head);
}

/* Is the WebSocket open?  *opened: yes; RUNNER_PASS without: the suite expects another status. */
static int
judge (struct opening *opening, int *opened)
{
  const struct http_request *request = &opening->request;
  struct http_exchange *exchange = &request->session->exchange;
  struct http_headers headers;
  int status = ws_head_status (exchange->received.data, opening->head);
  if (!status)
    return runner_fail (request->step, "%s: the answer is not HTTP/1", request->authority);
  if (http_headers_split (exchange->received.data, opening->head, &headers) < 0)
    return runner_error (request->step, "no memory for the answer");
  char why[200];
  const char *reason, *wrong = NULL;
  size_t size;
  int outcome = RUNNER_PASS;
  http_reason (exchange, &reason, &size);
  if (put_answer (opening, &headers, status) < 0)
    outcome = runner_error (request->step, "no memory for the result");
  else if (status != 101)
    outcome = runner_bad (request->step, "status", "%s: it opens no WebSocket: status %d %.*s", request->authority,
                          status, (int) (size < 80 ? size : 80), reason);
  else if (exchange->received.data[7] == '0')
    outcome = runner_fail (request->step, "%s: the answer is HTTP/1.0", request->authority);
  else if ((wrong = ws_head_wrong (&headers, &opening->offer, why, sizeof why)))
    outcome = runner_fail (request->step, "%s: %s", request->authority, wrong);
  *opened = outcome == RUNNER_PASS && status == 101;
  free (headers.rows);
  return outcome;
}

/* ---- the whole ---- */

static int
shake_hands (struct opening *opening, int *opened)
{
  struct http_request *request = &opening->request;
  struct http_bytes text = { 0 };
  int outcome = http_request_prepare (request);
  if (outcome == RUNNER_PASS && request->settings.user && !request->settings.bearer && request->settings.auth
      && strcmp (request->settings.auth, "basic") != 0)
    outcome = runner_error (request->step, "auth: a WebSocket is opened with basic authentication, or a bearer");
  if (outcome == RUNNER_PASS)
    outcome = http_transfer_connect (request);
  if (outcome == RUNNER_PASS)
    outcome = ws_request_write (opening, &text);
  if (outcome == RUNNER_PASS)
    outcome = send_request (opening, &text);
  if (outcome == RUNNER_PASS)
    outcome = read_head (opening);
  if (outcome == RUNNER_PASS)
    outcome = judge (opening, opened);
  http_bytes_free (&text);
  return outcome;
}

static int
open_websocket (struct runner_step *step, const struct http_websocket_args *args, struct websocket *ws, int *opened)
{
  struct opening opening = { .ws = ws };
  opening.request = (struct http_request) { .step = step, .args = &opening.args, .method = "GET",
                                            .session = ws->session };
  opening.args = (struct http_request_args) { .options = args->options, .conn = args->as, .query = args->query,
                                              .url = http_url (&opening, args->url) };
  int outcome = opening.args.url ? read_protocols (&opening, args->protocols)
                                 : runner_error (step, "no memory for the URL");
  if (outcome == RUNNER_PASS)
    outcome = shake_hands (&opening, opened);
  memcpy (ws->name, ws->session->exchange.peer, sizeof ws->name);
  ws->limit = opening.request.settings.limit;
  http_request_end (&opening.request);
  return outcome;
}

int
http_websocket (struct runner_step *step, const void *data)
{
  const struct http_websocket_args *args = data;
  const struct http_session *session = http_session_of (step, args->conn);
  if (!session)
    return RUNNER_ERROR;
  struct websocket *ws = calloc (1, sizeof *ws);
  if (!ws)
    return runner_error (step, "no memory for a WebSocket");
  ws->step = step;
  ws->last = &ws->first;
  ws->session = http_session_copy (step, session);
  int opened = 0;
  int outcome = ws->session ? open_websocket (step, args, ws, &opened) : RUNNER_ERROR;
  if (opened && ws_begin (ws) < 0)
    outcome = runner_error (step, "no memory for a WebSocket");
  if (outcome == RUNNER_PASS && opened && runner_handle_add (step, args->as, &ws_type, ws) == 0)
    return RUNNER_PASS;
  ws_free (ws);
  return outcome == RUNNER_PASS && opened ? RUNNER_ERROR : outcome;
}
