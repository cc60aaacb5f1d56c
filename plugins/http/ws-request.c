/* ws-request.c - the request for a WebSocket (RFC 6455, 4.1), with what libcurl would write for http.get. */
#include "ws-open.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "headers.h"

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

int
ws_request_write (struct opening *opening, struct http_bytes *text)
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
