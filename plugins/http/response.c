/* response.c - from a finished transfer to the step's result. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "headers.h"
#include "http.h"

/* A sent body larger than this is not repeated in the result. */
#define SHOWN_BODY (1024 * 1024)

/* What of a body stands in the message about a bad status. */
#define MESSAGE_BODY 300

/* ---- parts of the result ---- */

static const char *
version_name (CURL *easy)
{
  long version = 0;
  if (curl_easy_getinfo (easy, CURLINFO_HTTP_VERSION, &version) != CURLE_OK)
    return NULL;
  switch (version) {
  case CURL_HTTP_VERSION_1_0: return "HTTP/1.0";
  case CURL_HTTP_VERSION_1_1: return "HTTP/1.1";
  case CURL_HTTP_VERSION_2_0: return "HTTP/2";
  case CURL_HTTP_VERSION_3: return "HTTP/3";
  default: return NULL;
  }
}

/* "HTTP/1.1 404 Not Found" */
void
http_reason (const struct http_exchange *exchange, const char **reason, size_t *size)
{
  const char *line = http_bytes_text (&exchange->received);
  size_t length = strcspn (line, "\r\n");
  const char *blank = memchr (line, ' ', length);
  const char *second = blank ? memchr (blank + 1, ' ', length - (size_t) (blank + 1 - line)) : NULL;
  *reason = second ? second + 1 : "";
  *size = second ? length - (size_t) (*reason - line) : 0;
  http_trim (reason, size);
}

static void
put_time (struct runner_out *out, const char *key, CURL *easy, CURLINFO info)
{
  curl_off_t us = 0;
  if (curl_easy_getinfo (easy, info, &us) == CURLE_OK)
    runner_put_float (out, key, (double) us / 1e6);
}

static void
put_times (struct runner_out *out, CURL *easy)
{
  runner_put_map (out, "times");
  put_time (out, "connect", easy, CURLINFO_CONNECT_TIME_T);
  put_time (out, "tls", easy, CURLINFO_APPCONNECT_TIME_T);
  put_time (out, "first_byte", easy, CURLINFO_STARTTRANSFER_TIME_T);
  put_time (out, "total", easy, CURLINFO_TOTAL_TIME_T);
  runner_put_end (out);
}

/* Is there a later cookie of the same name in the list? */
static int
is_shadowed (const struct curl_slist *line, const char *name)
{
  size_t size = strlen (name);
  for (line = line->next; line; line = line->next) {
    const char *at = line->data;
    for (int i = 0; at && i < 5; i++) {
      at = strchr (at, '\t');
      at = at ? at + 1 : NULL;
    }
    if (at && strncmp (at, name, size) == 0 && at[size] == '\t')
      return 1;
  }
  return 0;
}

static void
put_cookies (struct runner_out *out, CURL *easy)
{
  struct curl_slist *list = http_cookie_list (easy);
  runner_put_map (out, "cookies");
  for (const struct curl_slist *line = list; line; line = line->next) {
    struct http_cookie cookie;
    if (http_cookie_split (line->data, &cookie) == 0 && !is_shadowed (line, cookie.name))
      runner_put_string (out, cookie.name, cookie.value);
  }
  runner_put_end (out);
  curl_slist_free_all (list);
}

/* The request, as it was sent last. */
static int
put_request (struct runner_out *out, const struct http_request *request)
{
  const struct http_exchange *exchange = &request->session->exchange;
  runner_put_map (out, "request");
  runner_put_string (out, "method", request->method);
  runner_put_string (out, "url", request->url);
  int failed = http_headers_put (out, "headers", http_bytes_text (&exchange->sent), exchange->sent.size);
  if (request->has_body && request->body && request->body_size <= SHOWN_BODY)
    runner_put_text (out, "body", request->body, request->body_size);
  if (request->args->form.node)
    runner_put_node (out, "form", request->args->form.node);
  if (request->args->json.node)
    runner_put_node (out, "json", request->args->json.node);
  runner_put_end (out);
  return failed;
}

/* ---- the body ---- */

static const char *
content_type (CURL *easy)
{
  char *type = NULL;
  return curl_easy_getinfo (easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type ? type : "";
}

/* RFC 6839: application/json, text/json, anything/something+json. */
static int
is_json_type (const char *type)
{
  size_t size = strcspn (type, "; \t");
  const char *end = type + size;
  return size >= 5 && (strncasecmp (end - 5, "/json", 5) == 0 || strncasecmp (end - 5, "+json", 5) == 0);
}

void
http_put_json (struct runner_out *out, int declared, const char *text, size_t size)
{
  char wrong[200] = "";
  size_t at = 0;
  while (at < size && http_is_blank (text[at]))
    at++;
  if (at == size || (!declared && text[at] != '{' && text[at] != '['))
    return;
  if (runner_put_json (out, "json", text, size, wrong, sizeof wrong) < 0 && declared)
    runner_put_string (out, "json_error", wrong);
}

static int
put_body (struct runner_out *out, struct http_request *request)
{
  struct http_exchange *exchange = &request->session->exchange;
  const char *type = content_type (request->session->easy);
  runner_put_int (out, "size", (int64_t) exchange->body_size);
  if (exchange->save_path) {
    int fd = exchange->save_fd;
    exchange->save_fd = -1;
    if (close (fd) < 0)
      return runner_error (request->step, "cannot write %s: %s", exchange->save_path, strerror (errno));
    runner_put_string (out, "file", exchange->save_path);
    return RUNNER_PASS;
  }
  if (runner_wants (request->step, "body"))
    runner_put_text (out, "body", http_bytes_text (&exchange->body), exchange->body.size);
  if (runner_wants (request->step, "json") || runner_wants (request->step, "json_error"))
    http_put_json (out, is_json_type (type), http_bytes_text (&exchange->body), exchange->body.size);
  return RUNNER_PASS;
}

/* ---- the whole ---- */

static int
judge (struct http_request *request, long status)
{
  const struct http_exchange *exchange = &request->session->exchange;
  const char *reason;
  size_t size;
  if (status < 400)
    return RUNNER_PASS;
  http_reason (exchange, &reason, &size);
  struct http_bytes text = { 0 };
  http_bytes_shown (&text, reason, size, 80);
  if (exchange->body.size) {
    http_bytes_puts (&text, ": ");
    http_bytes_shown (&text, exchange->body.data, exchange->body.size, MESSAGE_BODY);
  }
  int outcome = runner_bad (request->step, "status", "status %ld%s%s", status, size ? " " : "",
                            http_bytes_text (&text));
  http_bytes_free (&text);
  return outcome;
}

static void
put_first_line (struct runner_step *step, struct runner_out *out, const struct http_exchange *exchange)
{
  const char *reason;
  size_t size;
  if (runner_wants (step, "reason")) {
    http_reason (exchange, &reason, &size);
    runner_put_text (out, "reason", reason, size);
  }
  if (runner_wants (step, "version"))
    runner_put_string (out, "version", version_name (exchange->easy));
}

/* Where it came from in the end.  0, or -1: libcurl does not say. */
static int
put_way (struct runner_step *step, struct runner_out *out, CURL *easy)
{
  long redirects = 0;
  char *url = NULL;
  if (!runner_wants (step, "url") && !runner_wants (step, "redirects"))
    return 0;
  if (curl_easy_getinfo (easy, CURLINFO_REDIRECT_COUNT, &redirects) != CURLE_OK
      || curl_easy_getinfo (easy, CURLINFO_EFFECTIVE_URL, &url) != CURLE_OK)
    return -1;
  runner_put_string (out, "url", url);
  runner_put_int (out, "redirects", redirects);
  return 0;
}

static int
put_all_headers (struct runner_step *step, struct runner_out *out, const struct http_exchange *exchange)
{
  const char *data = http_bytes_text (&exchange->received);
  size_t size = exchange->trailers ? exchange->trailers : exchange->received.size;
  int failed = 0;
  if (runner_wants (step, "headers"))
    failed = http_headers_put (out, "headers", data, size);
  if (exchange->trailers && !failed)
    failed = http_headers_put (out, "trailers", data + size, exchange->received.size - size);
  return failed;
}

int
http_response (struct http_request *request)
{
  struct runner_step *step = request->step;
  struct http_exchange *exchange = &request->session->exchange;
  CURL *easy = request->session->easy;
  struct runner_out *out = runner_result (step);
  long status = 0;
  if (curl_easy_getinfo (easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK)
    return runner_error (request->step, "libcurl does not tell about the response");
  runner_put_int (out, "status", status);
  put_first_line (step, out, exchange);
  if (put_way (step, out, easy) < 0)
    return runner_error (request->step, "libcurl does not tell about the response");
  if (runner_wants (step, "times"))
    put_times (out, easy);
  if (runner_wants (step, "cookies"))
    put_cookies (out, easy);
  int failed = put_all_headers (step, out, exchange);
  if (!failed && runner_wants (step, "request"))
    failed = put_request (out, request);
  if (failed)
    return runner_error (request->step, "no memory for the result");
  int outcome = put_body (out, request);
  if (outcome == RUNNER_PASS)
    outcome = judge (request, status);
  if (outcome == RUNNER_PASS && request->args->xpath.node)
    outcome = http_xpath (request, content_type (easy), out);
  return outcome;
}
