/* ws-open.c - http.websocket: connects by libcurl, asks for the upgrade and judges the answer. */
#include "websocket.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "headers.h"
#include "ws-handshake.h"

#define HEAD_LIMIT 65536 /* bytes of the answer's head */
#define PROTOCOLS_MOST 32

/* From a step's arguments to an open WebSocket. */
struct opening {
  struct websocket *ws;
  struct http_request request;
  struct http_request_args args; /* of that request */
  const char *protocols[PROTOCOLS_MOST + 1];
  char fresh_key[WS_KEY_ROOM];
  struct ws_offer offer;
  size_t head; /* bytes of the answer's head */
};

/* ---- what is asked for ---- */

/* libcurl knows it by the schemes of HTTP.  NULL: no memory. */
static const char *
http_url (struct opening *opening, const char *url)
{
  if (strncasecmp (url, "ws", 2) != 0 || (strncasecmp (url, "ws://", 5) != 0 && strncasecmp (url, "wss://", 6) != 0))
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
  if (n > PROTOCOLS_MOST)
    return runner_error (step, "protocols: more than %d", PROTOCOLS_MOST);
  for (size_t i = 0; i < n; i++) {
    size_t size = 0;
    const char *text = runner_node_text (runner_node_at (list.node, i), &size);
    if (!text || !size || strlen (text) != size || strpbrk (text, " ,;\"\t\r\n"))
      return runner_error (step, "protocols: expected names, without blanks and commas");
    opening->protocols[i] = text;
  }
  return RUNNER_PASS;
}

/* The value of a header that the suite gives; NULL: it does not. */
static const char *
given_value (struct opening *opening, const char *name)
{
  const char *line = http_header_line (opening->request.headers, name);
  if (!line || line[strlen (name)] != ':')
    return NULL;
  const char *value = line + strlen (name) + 1;
  size_t size = strlen (value);
  http_trim (&value, &size);
  return http_keep (&opening->request.kept, value, size);
}

/* A header that the suite has not given itself, or left out by null. */
static void
add_usual (const struct opening *opening, struct http_bytes *text, const char *name, const char *value)
{
  if (!*value || http_header_line (opening->request.headers, name))
    return;
  http_bytes_puts (text, name);
  http_bytes_puts (text, ": ");
  http_bytes_puts (text, value);
  http_bytes_puts (text, "\r\n");
}

static void
add_host (const struct opening *opening, struct http_bytes *text)
{
  char *host = NULL, *port = NULL;
  struct http_bytes value = { 0 };
  CURLU *url = opening->request.session->url;
  if (curl_url_get (url, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
    http_bytes_puts (&value, host);
    if (curl_url_get (url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) == CURLUE_OK) {
      http_bytes_puts (&value, ":");
      http_bytes_puts (&value, port);
    }
  }
  add_usual (opening, text, "Host", http_bytes_text (&value));
  text->failed |= value.failed;
  http_bytes_free (&value);
  curl_free (host);
  curl_free (port);
}

/* ---- cookies ---- */

/* The host that cookies belong to: as libcurl has it, that of a `Host` that was given.  Without a port, and the
 * brackets of an IPv6 address.  Free it; NULL: no memory. */
static char *
cookie_host (struct opening *opening)
{
  const char *given = given_value (opening, "Host");
  char *of_url = NULL, *host = NULL;
  if (!given && curl_url_get (opening->request.session->url, CURLUPART_HOST, &of_url, 0) != CURLUE_OK)
    return NULL;
  const char *text = given ? given : of_url;
  host = text[0] == '[' ? strndup (text + 1, strcspn (text + 1, "]")) : strndup (text, strcspn (text, ":"));
  curl_free (of_url);
  return host;
}

/* Where libcurl sends Secure cookies to. */
static int
is_trusted (const struct opening *opening, const char *host)
{
  return strncasecmp (opening->request.url, "https", 5) == 0 || strcasecmp (host, "localhost") == 0
         || strcmp (host, "127.0.0.1") == 0 || strcmp (host, "::1") == 0;
}

static int
is_prefix_of_path (const char *prefix, const char *path)
{
  size_t size = strlen (prefix);
  return strncmp (prefix, path, size) == 0
         && (path[size] == '\0' || path[size] == '/' || path[size] == '?' || (size && prefix[size - 1] == '/'));
}

/* Is a cookie sent to that host and path (RFC 6265, 5.4)?  libcurl writes ".domain" for subdomains too. */
static int
is_sent (const struct http_cookie *cookie, const char *host, const char *path, int secure)
{
  const char *domain = cookie->domain;
  size_t size = strlen (domain), host_size = strlen (host);
  int same = strcmp (domain, "unknown") == 0 || strcasecmp (domain + (domain[0] == '.'), host) == 0;
  int below = domain[0] == '.' && host_size > size && strcasecmp (host + host_size - size, domain) == 0;
  return (same || below) && is_prefix_of_path (cookie->path, path)
         && (secure || strcasecmp (cookie->secure, "TRUE") != 0);
}

/* Those for the longest paths stand first (RFC 6265, 5.4): adds them from there on. */
static void
add_cookies_of (const struct curl_slist *list, const char *host, const char *path, int secure, size_t longest,
                struct http_bytes *value)
{
  size_t next = 0;
  for (const struct curl_slist *line = list; line; line = line->next) {
    struct http_cookie cookie;
    char *copy = strdup (line->data);
    int fits = copy && http_cookie_split (copy, &cookie) == 0 && is_sent (&cookie, host, path, secure);
    size_t size = fits ? strlen (cookie.path) : 0;
    if (fits && size == longest) {
      http_bytes_puts (value, value->size ? "; " : "");
      http_bytes_puts (value, cookie.name);
      http_bytes_puts (value, "=");
      http_bytes_puts (value, cookie.value);
    } else if (fits && size < longest && size > next)
      next = size;
    value->failed |= !copy;
    free (copy);
  }
  if (next)
    add_cookies_of (list, host, path, secure, next, value);
}

static void
add_cookies (struct opening *opening, struct http_bytes *text, const char *path)
{
  struct http_bytes value = { 0 };
  struct curl_slist *list = http_cookie_list (opening->request.session->easy);
  char *host = cookie_host (opening);
  if (host && list)
    add_cookies_of (list, host, path, is_trusted (opening, host), strlen (path), &value);
  add_usual (opening, text, "Cookie", http_bytes_text (&value));
  text->failed |= value.failed || !host;
  http_bytes_free (&value);
  curl_slist_free_all (list);
  free (host);
}

/* ---- credentials ---- */

/* RFC 7617 */
static void
add_basic (struct http_bytes *value, const char *user, const char *password)
{
  struct http_bytes plain = { 0 };
  http_bytes_puts (&plain, user);
  http_bytes_puts (&plain, ":");
  http_bytes_puts (&plain, password ? password : "");
  unsigned char *coded = plain.failed ? NULL : malloc (plain.size * 4 / 3 + 5);
  if (coded) {
    EVP_EncodeBlock (coded, (const unsigned char *) http_bytes_text (&plain), (int) plain.size);
    http_bytes_puts (value, "Basic ");
    http_bytes_puts (value, (const char *) coded);
  } else
    value->failed = 1;
  free (coded);
  http_bytes_free (&plain);
}

/* ws://user:password@host, as http://… has them. */
static void
add_basic_of_url (const struct opening *opening, struct http_bytes *value)
{
  char *user = NULL, *password = NULL;
  CURLU *url = opening->request.session->url;
  if (curl_url_get (url, CURLUPART_USER, &user, CURLU_URLDECODE) == CURLUE_OK) {
    if (curl_url_get (url, CURLUPART_PASSWORD, &password, CURLU_URLDECODE) != CURLUE_OK)
      password = NULL;
    add_basic (value, user, password);
  }
  curl_free (user);
  curl_free (password);
}

static void
add_credentials (const struct opening *opening, struct http_bytes *text)
{
  const struct http_settings *settings = &opening->request.settings;
  struct http_bytes value = { 0 };
  if (settings->bearer) {
    http_bytes_puts (&value, "Bearer ");
    http_bytes_puts (&value, settings->bearer);
  } else if (settings->user)
    add_basic (&value, settings->user, settings->password);
  else
    add_basic_of_url (opening, &value);
  add_usual (opening, text, "Authorization", http_bytes_text (&value));
  text->failed |= value.failed;
  http_bytes_free (&value);
}

static void
add_protocols (const struct opening *opening, struct http_bytes *text)
{
  struct http_bytes value = { 0 };
  for (const char *const *protocol = opening->protocols; *protocol; protocol++) {
    http_bytes_puts (&value, value.size ? ", " : "");
    http_bytes_puts (&value, *protocol);
  }
  add_usual (opening, text, "Sec-WebSocket-Protocol", http_bytes_text (&value));
  text->failed |= value.failed;
  http_bytes_free (&value);
}

/* The headers of the suite and the session; "Name:" leaves one out. */
static void
add_given (const struct opening *opening, struct http_bytes *text)
{
  for (const struct curl_slist *line = opening->request.headers; line; line = line->next) {
    size_t size = strcspn (line->data, ":;");
    if (line->data[size] == ':' && line->data[size + 1] == '\0')
      continue;
    http_bytes_add (text, line->data, size);
    http_bytes_puts (text, ":");
    http_bytes_puts (text, line->data[size] == ';' ? "" : line->data + size + 1);
    http_bytes_puts (text, "\r\n");
  }
}

/* "GET /path?query HTTP/1.1" and the path with its query. */
static int
add_first_line (struct opening *opening, struct http_bytes *text, struct http_bytes *target)
{
  char *path = NULL, *query = NULL;
  CURLU *url = opening->request.session->url;
  if (curl_url_get (url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
    return -1;
  http_bytes_puts (target, path);
  if (curl_url_get (url, CURLUPART_QUERY, &query, 0) == CURLUE_OK) {
    http_bytes_puts (target, "?");
    http_bytes_puts (target, query);
  }
  http_bytes_puts (text, "GET ");
  http_bytes_puts (text, http_bytes_text (target));
  http_bytes_puts (text, " HTTP/1.1\r\n");
  curl_free (path);
  curl_free (query);
  return target->failed ? -1 : 0;
}

/* What counts: the suite may write these headers itself, to try the server.  0, or -1: there is no randomness. */
static int
make_offer (struct opening *opening)
{
  if (ws_make_key (opening->fresh_key) < 0)
    return -1;
  const char *key = given_value (opening, "Sec-WebSocket-Key");
  opening->offer = (struct ws_offer) { .key = key ? key : opening->fresh_key, .protocols = opening->protocols };
  opening->offer.any_protocol = given_value (opening, "Sec-WebSocket-Protocol") != NULL;
  opening->offer.any_extension = given_value (opening, "Sec-WebSocket-Extensions") != NULL;
  return 0;
}

static int
write_request (struct opening *opening, struct http_bytes *text)
{
  struct http_bytes target = { 0 };
  int failed = add_first_line (opening, text, &target) < 0 || make_offer (opening) < 0;
  if (!failed) {
    add_host (opening, text);
    add_usual (opening, text, "Upgrade", "websocket");
    add_usual (opening, text, "Connection", "Upgrade");
    add_usual (opening, text, "Sec-WebSocket-Key", opening->fresh_key);
    add_usual (opening, text, "Sec-WebSocket-Version", "13");
    add_protocols (opening, text);
    add_usual (opening, text, "User-Agent", "runner");
    add_credentials (opening, text);
    add_cookies (opening, text, http_bytes_text (&target));
    add_given (opening, text);
    http_bytes_puts (text, "\r\n");
  }
  http_bytes_free (&target);
  return failed || text->failed ? runner_error (opening->request.step, "no memory for the request") : RUNNER_PASS;
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
    outcome = write_request (opening, &text);
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
