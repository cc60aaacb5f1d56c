/* request.c - from a step's arguments to the options of a libcurl transfer: URL,
 * headers, credentials, TLS.  The body is made in body.c. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http.h"

#define USER_AGENT "runner"

/* libcurl makes a line of its own option for it once more for each request. */
static char user_agent_line[] = "User-Agent: " USER_AGENT;
static struct curl_slist user_agent = { user_agent_line, NULL };

/* A body of this size or more makes libcurl ask by `Expect: 100-continue` and
 * wait a second for servers that do not know it. */
#define EXPECT_SIZE (1024 * 1024)

const char *
http_keep (struct http_kept **kept, const void *data, size_t size)
{
  struct http_kept *one = malloc (sizeof *one + size + 1);
  if (!one)
    return NULL;
  memcpy (one->text, data, size);
  one->text[size] = '\0';
  one->next = *kept;
  *kept = one;
  return one->text;
}

void
http_kept_free (struct http_kept **kept)
{
  while (*kept) {
    struct http_kept *next = (*kept)->next;
    free (*kept);
    *kept = next;
  }
}

const char *
http_path (struct runner_step *step, struct http_kept **kept, const char *name)
{
  if (name[0] == '/')
    return http_keep (kept, name, strlen (name));
  struct http_bytes path = { 0 };
  http_bytes_puts (&path, runner_folder (step));
  http_bytes_puts (&path, "/");
  http_bytes_puts (&path, name);
  const char *text = path.failed ? NULL : http_keep (kept, path.data, path.size);
  http_bytes_free (&path);
  return text;
}

/* ---- options ---- */

static int
merge_secret (struct runner_step *step, const char *name, struct runner_secret secret, const char **text,
              struct http_kept **kept)
{
  if (!secret.data)
    return RUNNER_PASS;
  if (memchr (secret.data, '\0', secret.size) || memchr (secret.data, '\n', secret.size)
      || memchr (secret.data, '\r', secret.size))
    return runner_error (step, "%s: a line end or a NUL byte cannot be sent", name);
  *text = http_keep (kept, secret.data, secret.size);
  return *text ? RUNNER_PASS : runner_error (step, "no memory for %s", name);
}

static int
merge_file (struct runner_step *step, const char *name, const char **path, struct http_kept **kept)
{
  if (!name)
    return RUNNER_PASS;
  *path = http_path (step, kept, name);
  return *path ? RUNNER_PASS : runner_error (step, "no memory for a file's name");
}

static void
merge_address (const struct runner_address *address, struct http_settings *settings)
{
  if (!address->text)
    return;
  settings->connect_host = address->host;
  settings->connect_port = address->port;
  settings->connect_path = address->path;
}

/* Credentials of one kind given here end those of the other that were given before. */
static void
merge_kind (const struct http_options *options, struct http_settings *settings)
{
  if (options->user && !options->bearer.data)
    settings->bearer = NULL;
  if (options->bearer.data && !options->user)
    settings->user = NULL;
}

/* A preset does not change what the session says; asking whether a parameter was
 * given is spared where it would not matter. */
int
http_settings_merge (struct runner_step *step, const struct http_options *options, struct http_settings *settings,
                     struct http_kept **kept)
{
  if (options->user)
    settings->user = options->user;
  if (options->auth)
    settings->auth = options->auth;
  if (options->proxy)
    settings->proxy = options->proxy;
  if (options->http_version)
    settings->http_version = options->http_version;
  if (options->follow.on != settings->follow && runner_given (step, "follow"))
    settings->follow = options->follow.on;
  if (options->verify.on != settings->verify && runner_given (step, "verify"))
    settings->verify = options->verify.on;
  if (options->compressed.on != settings->compressed && runner_given (step, "compressed"))
    settings->compressed = options->compressed.on;
  if (options->max_redirects != settings->max_redirects && runner_given (step, "max_redirects"))
    settings->max_redirects = options->max_redirects;
  if (options->limit.bytes != settings->limit && runner_given (step, "limit"))
    settings->limit = options->limit.bytes;
  merge_address (&options->connect_to, settings);
  merge_kind (options, settings);
  int outcome = merge_secret (step, "password", options->password, &settings->password, kept);
  if (outcome == RUNNER_PASS)
    outcome = merge_secret (step, "bearer", options->bearer, &settings->bearer, kept);
  if (outcome == RUNNER_PASS)
    outcome = merge_secret (step, "key_password", options->key_password, &settings->key_password, kept);
  if (outcome == RUNNER_PASS)
    outcome = merge_file (step, options->ca, &settings->ca, kept);
  if (outcome == RUNNER_PASS)
    outcome = merge_file (step, options->cert, &settings->cert, kept);
  if (outcome == RUNNER_PASS)
    outcome = merge_file (step, options->key, &settings->key, kept);
  return outcome;
}

/* ---- headers ---- */

int
http_is_token (const char *text, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    unsigned char c = (unsigned char) text[i];
    if (c <= ' ' || c >= 0x7f || strchr ("\"(),/:;<=>?@[\\]{}", c))
      return 0;
  }
  return size > 0;
}

static int
append_line (struct runner_step *step, struct curl_slist **list, const char *line)
{
  struct curl_slist *longer = curl_slist_append (*list, line);
  if (!longer)
    return runner_error (step, "no memory for the headers");
  *list = longer;
  return RUNNER_PASS;
}

/* One header; `node` null: a header that libcurl adds by itself is left out. */
static int
add_header (struct runner_step *step, struct curl_slist **headers, const char *name, size_t name_size,
            const struct runner_node *node)
{
  struct http_bytes line = { 0 };
  http_bytes_add (&line, name, name_size);
  size_t size = 0;
  int removed = runner_kind (node) == RUNNER_IS_NULL;
  const char *value = removed ? "" : runner_node_print (step, node, &size);
  int outcome = RUNNER_PASS;
  if (!value)
    outcome = runner_error (step, "headers: the value of %s must be a text, a number, or a list of them",
                            http_bytes_text (&line));
  else if (memchr (value, '\r', size) || memchr (value, '\n', size) || memchr (value, '\0', size))
    outcome = runner_error (step, "headers: the value of %s has a line end or a NUL byte in it",
                            http_bytes_text (&line));
  else {
    http_bytes_puts (&line, removed ? ":" : size ? ": " : ";"); /* libcurl's way to say "empty" */
    http_bytes_add (&line, value, size);
    outcome = line.failed ? runner_error (step, "no memory for the headers")
                          : append_line (step, headers, http_bytes_text (&line));
  }
  http_bytes_free (&line);
  return outcome;
}

int
http_headers_add (struct runner_step *step, struct runner_map map, struct curl_slist **headers)
{
  int outcome = RUNNER_PASS;
  for (size_t i = 0; i < runner_node_count (map.node) && outcome == RUNNER_PASS; i++) {
    size_t size;
    const char *name = runner_node_key (map.node, i, &size);
    const struct runner_node *node = runner_node_at (map.node, i);
    if (!http_is_token (name, size))
      return runner_error (step, "headers: \"%.*s\" cannot be a header's name", (int) (size < 80 ? size : 80),
                           name);
    if (runner_kind (node) != RUNNER_IS_LIST) {
      outcome = add_header (step, headers, name, size, node);
      continue;
    }
    for (size_t j = 0; j < runner_node_count (node) && outcome == RUNNER_PASS; j++)
      outcome = add_header (step, headers, name, size, runner_node_at (node, j));
  }
  return outcome;
}

const char *
http_header_line (const struct curl_slist *headers, const char *name)
{
  size_t size = strlen (name);
  for (; headers; headers = headers->next)
    if (strncasecmp (headers->data, name, size) == 0 && (headers->data[size] == ':' || headers->data[size] == ';'))
      return headers->data;
  return NULL;
}

/* The session's headers, but for those that the request gives itself. */
static int
inherit_headers (struct http_request *request)
{
  for (const struct curl_slist *line = request->session->headers; line; line = line->next) {
    size_t size = strcspn (line->data, ":;");
    const char *name = http_keep (&request->kept, line->data, size);
    if (!name)
      return runner_error (request->step, "no memory for the headers");
    const struct runner_map *own = &request->args->options.headers;
    int given = 0;
    for (size_t i = 0; i < runner_node_count (own->node) && !given; i++) {
      size_t key_size;
      const char *key = runner_node_key (own->node, i, &key_size);
      given = key_size == size && strncasecmp (key, name, size) == 0;
    }
    if (!given && append_line (request->step, &request->headers, line->data) != RUNNER_PASS)
      return RUNNER_ERROR;
  }
  return RUNNER_PASS;
}

/* Methods that tell a body's size even if there is none (RFC 9110, 8.6). */
static int
sends_length (const char *method)
{
  return strcmp (method, "POST") == 0 || strcmp (method, "PUT") == 0 || strcmp (method, "PATCH") == 0;
}

/* Headers that follow from other parameters. */
static int
derive_headers (struct http_request *request)
{
  const char *type = request->args->content_type;
  struct runner_step *step = request->step;
  if (type && strpbrk (type, "\r\n"))
    return runner_error (step, "content_type has a line end in it");
  if (type && request->mime)
    return runner_error (step, "content_type does not go with multipart, whose type is multipart/form-data");
  if (!type && request->args->json.node)
    type = "application/json";
  if (!type && request->args->form.node)
    type = "application/x-www-form-urlencoded";
  /* Without a type libcurl would call every posted body a form. */
  int wanted = type || request->has_body || sends_length (request->method);
  if (wanted && !http_header_line (request->headers, "Content-Type") && !request->mime) {
    struct http_bytes line = { 0 };
    http_bytes_puts (&line, "Content-Type:");
    if (type) {
      http_bytes_puts (&line, " ");
      http_bytes_puts (&line, type);
    }
    int failed = line.failed || append_line (step, &request->headers, http_bytes_text (&line));
    http_bytes_free (&line);
    if (failed)
      return runner_error (step, "no memory for the headers");
  }
  int large = request->mime || request->session->exchange.body_fd >= 0 || request->body_size >= EXPECT_SIZE;
  if (large && !http_header_line (request->headers, "Expect"))
    return append_line (step, &request->headers, "Expect:");
  return RUNNER_PASS;
}

/* ---- the URL ---- */

/* Does it begin with a scheme (RFC 3986, 3.1)?  A query may hold another URL. */
static int
has_scheme (const char *url)
{
  return strncmp (url + strcspn (url, ":/?#"), "://", 3) == 0;
}

/* "/path" and "path" relative to the session's base URL. */
static const char *
absolute_url (struct http_request *request)
{
  const char *url = request->args->url;
  const char *base = request->session->base_url;
  if (!base || has_scheme (url))
    return url;
  size_t size = strlen (base);
  struct http_bytes whole = { 0 };
  http_bytes_add (&whole, base, size && base[size - 1] == '/' ? size - 1 : size);
  if (*url && *url != '/' && *url != '?')
    http_bytes_puts (&whole, "/");
  http_bytes_puts (&whole, url);
  const char *text = whole.failed ? NULL : http_keep (&request->kept, http_bytes_text (&whole), whole.size);
  http_bytes_free (&whole);
  return text;
}

/* The query goes before a fragment.  Done by hand: curl_url_set would write our
 * percent signs anew, in lower case. */
static const char *
add_query (struct http_request *request, const char *url)
{
  struct http_bytes query = { 0 }, whole = { 0 };
  if (!request->args->query.node)
    return url;
  const char *text = NULL;
  if (http_query (request->step, &query, request->args->query, 0) == RUNNER_PASS) {
    size_t size = strcspn (url, "#");
    const char *mark = memchr (url, '?', size);
    http_bytes_add (&whole, url, size);
    if (query.size)
      http_bytes_puts (&whole, !mark ? "?" : mark + 1 == url + size ? "" : "&");
    http_bytes_add (&whole, query.data, query.size);
    http_bytes_puts (&whole, url + size);
    if (!whole.failed && !query.failed)
      text = http_keep (&request->kept, http_bytes_text (&whole), whole.size);
    if (!text)
      runner_error (request->step, "no memory for the query");
  }
  http_bytes_free (&query);
  http_bytes_free (&whole);
  return text;
}

/* Adds to a name; where it ends then.  By hand: it is done for every request. */
static size_t
put_name (char *name, size_t room, size_t at, const char *text, size_t size)
{
  size_t n = size < room - 1 - at ? size : room - 1 - at;
  memcpy (name + at, text, n);
  name[at + n] = '\0';
  return at + n;
}

/* The part of a URL between "://" and the path, without a user's name, and the
 * port (given or usual).  Only for names in messages: libcurl parses the URL. */
static size_t
name_authority (const char *url, char *name, size_t room)
{
  const char *host = strstr (url, "://") + 3;
  size_t size = strcspn (host, "/?#");
  for (const char *at; (at = memchr (host, '@', size)); host = at + 1)
    size -= (size_t) (at + 1 - host);
  const char *bracket = memchr (host, ']', size); /* of an IPv6 address */
  const char *rest = bracket ? bracket : host;
  size_t end = put_name (name, room, 0, host, size < 150 ? size : 150);
  if (memchr (rest, ':', size - (size_t) (rest - host)))
    return end;
  const char *port = strncasecmp (url, "https", 5) == 0 ? ":443" : ":80";
  return put_name (name, room, end, port, strlen (port));
}

/* The names of the other side, for traffic and for messages. */
static void
name_peer (struct http_request *request)
{
  const struct http_settings *settings = &request->settings;
  struct http_exchange *exchange = &request->session->exchange;
  const char *conn = request->args->conn;
  size_t n = name_authority (request->url, request->authority, sizeof request->authority);
  size_t room = sizeof request->authority - n;
  size_t end = put_name (exchange->peer, sizeof exchange->peer, 0, conn, strnlen (conn, 64));
  end = put_name (exchange->peer, sizeof exchange->peer, end, " ", 1);
  put_name (exchange->peer, sizeof exchange->peer, end, request->authority, n);
  if (settings->connect_path)
    snprintf (request->authority + n, room, " at unix:%.80s", settings->connect_path);
  else if (settings->connect_host && settings->connect_port)
    snprintf (request->authority + n, room, " at %.80s:%u", settings->connect_host, settings->connect_port);
  else if (settings->connect_host)
    snprintf (request->authority + n, room, " at %.80s", settings->connect_host);
}

static int
prepare_url (struct http_request *request)
{
  struct runner_step *step = request->step;
  const char *text = absolute_url (request);
  if (!text)
    return runner_error (step, "no memory for the URL");
  text = add_query (request, text);
  if (!text)
    return RUNNER_ERROR;
  if (strncasecmp (text, "http://", 7) != 0 && strncasecmp (text, "https://", 8) != 0)
    return runner_error (step, "malformed URL \"%s\": it must begin with http:// or https://%s", text,
                         has_scheme (text) ? "" : " (or the session needs a base_url)");
  request->url = text;
  name_peer (request);
  return RUNNER_PASS;
}

/* ---- libcurl's options ---- */

static CURLcode
set_method (struct http_request *request)
{
  CURL *easy = request->session->easy;
  const char *method = request->method;
  struct http_exchange *exchange = &request->session->exchange;
  exchange->plain_method = 1;
  if (strcmp (method, "HEAD") == 0)
    return curl_easy_setopt (easy, CURLOPT_NOBODY, 1L);
  CURLcode result = CURLE_OK;
  if (request->mime)
    result = curl_easy_setopt (easy, CURLOPT_MIMEPOST, request->mime);
  else if (exchange->body_fd >= 0) {
    curl_easy_setopt (easy, CURLOPT_POST, 1L);
    curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) exchange->body_end);
  } else if (request->has_body || sends_length (method)) {
    curl_easy_setopt (easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_size);
    result = curl_easy_setopt (easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
  } else
    curl_easy_setopt (easy, CURLOPT_HTTPGET, 1L);
  exchange->plain_method = strcmp (method, request->has_body || sends_length (method) ? "POST" : "GET") == 0;
  if (!exchange->plain_method && result == CURLE_OK)
    result = curl_easy_setopt (easy, CURLOPT_CUSTOMREQUEST, method);
  return result;
}

static CURLcode
set_credentials (CURL *easy, const struct http_settings *settings)
{
  CURLcode result = CURLE_OK;
  if (settings->bearer) {
    curl_easy_setopt (easy, CURLOPT_HTTPAUTH, (long) CURLAUTH_BEARER);
    return curl_easy_setopt (easy, CURLOPT_XOAUTH2_BEARER, settings->bearer);
  }
  if (!settings->user)
    return CURLE_OK;
  unsigned long auth = CURLAUTH_BASIC;
  if (settings->auth && strcmp (settings->auth, "digest") == 0)
    auth = CURLAUTH_DIGEST;
  else if (settings->auth && strcmp (settings->auth, "any") == 0)
    auth = CURLAUTH_BASIC | CURLAUTH_DIGEST;
  curl_easy_setopt (easy, CURLOPT_HTTPAUTH, (long) auth);
  result = curl_easy_setopt (easy, CURLOPT_USERNAME, settings->user);
  if (result == CURLE_OK)
    result = curl_easy_setopt (easy, CURLOPT_PASSWORD, settings->password ? settings->password : "");
  return result;
}

static CURLcode
set_tls (CURL *easy, const struct http_settings *settings)
{
  CURLcode result = CURLE_OK;
  if (!settings->verify) {
    curl_easy_setopt (easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt (easy, CURLOPT_SSL_VERIFYHOST, 0L);
  }
  if (settings->ca) {
    result = curl_easy_setopt (easy, CURLOPT_CAINFO, settings->ca);
    if (result == CURLE_OK)
      result = curl_easy_setopt (easy, CURLOPT_PROXY_CAINFO, settings->ca);
    /* libcurl looks into the system's folder of certificates too, unless it is told not to. */
    curl_easy_setopt (easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt (easy, CURLOPT_PROXY_CAPATH, NULL);
  }
  if (settings->cert && result == CURLE_OK)
    result = curl_easy_setopt (easy, CURLOPT_SSLCERT, settings->cert);
  if (settings->key && result == CURLE_OK)
    result = curl_easy_setopt (easy, CURLOPT_SSLKEY, settings->key);
  if (settings->key_password && result == CURLE_OK)
    result = curl_easy_setopt (easy, CURLOPT_KEYPASSWD, settings->key_password);
  return result;
}

/* Where to connect to: by default where the URL says.  The environment's proxy and
 * no_proxy do not count: they would make a test mean something else on each machine. */
static CURLcode
set_route (struct http_request *request, const struct http_settings *settings)
{
  CURL *easy = request->session->easy;
  CURLcode result = curl_easy_setopt (easy, CURLOPT_PROXY, settings->proxy ? settings->proxy : "");
  if (result == CURLE_OK)
    result = curl_easy_setopt (easy, CURLOPT_NOPROXY, "");
  if (settings->connect_path && result == CURLE_OK) {
    int abstract = settings->connect_path[0] == '@';
    return curl_easy_setopt (easy, abstract ? CURLOPT_ABSTRACT_UNIX_SOCKET : CURLOPT_UNIX_SOCKET_PATH,
                             settings->connect_path + abstract);
  }
  if (!settings->connect_host || result != CURLE_OK)
    return result;
  char port[12] = "";
  if (settings->connect_port)
    snprintf (port, sizeof port, "%u", settings->connect_port);
  int v6 = strchr (settings->connect_host, ':') != NULL;
  struct http_bytes line = { 0 };
  http_bytes_puts (&line, v6 ? "::[" : "::");
  http_bytes_puts (&line, settings->connect_host);
  http_bytes_puts (&line, v6 ? "]:" : ":");
  http_bytes_puts (&line, port);
  const char *text = line.failed ? NULL : http_keep (&request->kept, http_bytes_text (&line), line.size);
  http_bytes_free (&line);
  struct curl_slist *list = text ? curl_slist_append (NULL, text) : NULL;
  if (!list)
    return CURLE_OUT_OF_MEMORY;
  request->connect_to = list;
  return curl_easy_setopt (easy, CURLOPT_CONNECT_TO, list);
}

static long
version_option (const char *name)
{
  static const struct { const char *name; long option; } versions[] = {
    { "HTTP/1.0", CURL_HTTP_VERSION_1_0 },
    { "HTTP/1.1", CURL_HTTP_VERSION_1_1 },
    { "HTTP/2", CURL_HTTP_VERSION_2_0 },
    { "h2c", CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE },
  };
  for (size_t i = 0; name && i < sizeof versions / sizeof versions[0]; i++)
    if (strcmp (versions[i].name, name) == 0)
      return versions[i].option;
  return CURL_HTTP_VERSION_2TLS;
}

static void
set_protocols (CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
  curl_easy_setopt (easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt (easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
  curl_easy_setopt (easy, CURLOPT_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
  curl_easy_setopt (easy, CURLOPT_REDIR_PROTOCOLS, (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt (easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a resolver that hangs */
#endif
}

/* Is it a GET with nothing of its own but the URL? */
static int
is_plain (const struct http_request *request)
{
  return strcmp (request->method, "GET") == 0 && !request->has_body && !request->headers
         && memcmp (&request->settings, &request->session->settings, sizeof request->settings) == 0;
}

/* Makes another URL the session's. */
static CURLUcode
parse_url (struct http_session *session, const char *text)
{
  free (session->url_text);
  curl_free (session->url_told);
  session->url_text = session->url_told = NULL;
  CURLUcode wrong = curl_url_set (session->url, CURLUPART_URL, text, CURLU_PATH_AS_IS);
  if (!wrong)
    wrong = curl_url_get (session->url, CURLUPART_URL, &session->url_told, 0);
  if (wrong)
    return wrong;
  session->url_text = strdup (text);
  return session->url_text ? CURLUE_OK : CURLUE_OUT_OF_MEMORY;
}

/* Gives libcurl the URL as text, which it tells again, and parsed: to parse one takes a sixth of its work
 * for a request, so that is done once for requests that follow each other.  `anew`: all options were reset. */
static int
set_url (struct http_request *request, int anew)
{
  struct http_session *session = request->session;
  int64_t ms = runner_left (request->step) / 1000000 + 1;
  curl_easy_setopt (session->easy, CURLOPT_CONNECTTIMEOUT_MS, (long) (ms < INT_MAX ? ms : INT_MAX));
  if (!anew && session->url_text && strcmp (session->url_text, request->url) == 0)
    return RUNNER_PASS;
  CURLUcode wrong = parse_url (session, request->url);
  if (wrong)
    return runner_error (request->step, "malformed URL \"%s\": %s", request->url, curl_url_strerror (wrong));
  curl_easy_setopt (session->easy, CURLOPT_CURLU, session->url);
  if (curl_easy_setopt (session->easy, CURLOPT_URL, session->url_told) != CURLE_OK)
    return runner_error (request->step, "no memory for the URL");
  return RUNNER_PASS;
}

static int
set_options (struct http_request *request)
{
  CURL *easy = request->session->easy;
  const struct http_settings *settings = &request->settings;
  struct http_exchange *exchange = &request->session->exchange;
  int plain = is_plain (request);
  if (plain && request->session->plain) /* all is as it was: saves a microsecond */
    return set_url (request, 0);
  request->session->plain = 0;
  curl_easy_reset (easy); /* keeps connections and cookies */
  exchange->proxied = settings->proxy != NULL;
  exchange->sends_body = request->has_body || request->mime || exchange->body_fd >= 0;
  http_transfer_options (exchange);
  set_protocols (easy);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt (easy, CURLOPT_FOLLOWLOCATION, (long) settings->follow);
  curl_easy_setopt (easy, CURLOPT_MAXREDIRS, (long) settings->max_redirects);
  curl_easy_setopt (easy, CURLOPT_HTTP_VERSION, version_option (settings->http_version));
  int alone = !request->headers && !exchange->proxied;
  curl_easy_setopt (easy, CURLOPT_HTTPHEADER, alone ? &user_agent : request->headers);
  CURLcode result = curl_easy_setopt (easy, CURLOPT_USERAGENT, alone ? NULL : USER_AGENT);
  if (result == CURLE_OK && settings->compressed)
    result = curl_easy_setopt (easy, CURLOPT_ACCEPT_ENCODING, "");
  if (result == CURLE_OK)
    result = set_method (request);
  if (result == CURLE_OK)
    result = set_credentials (easy, settings);
  if (result == CURLE_OK)
    result = set_tls (easy, settings);
  if (result == CURLE_OK)
    result = set_route (request, settings);
  if (result != CURLE_OK)
    return runner_error (request->step, "libcurl refuses the request: %s", curl_easy_strerror (result));
  request->session->plain = plain && !request->connect_to;
  return set_url (request, 1);
}

/* ---- the whole ---- */

int
http_request_prepare (struct http_request *request)
{
  struct runner_step *step = request->step;
  const struct http_request_args *args = request->args;
  if (!http_is_token (request->method, strlen (request->method)))
    return runner_error (step, "\"%s\" cannot be a method", request->method);
  if (args->save_to && args->xpath.node)
    return runner_error (step, "xpath needs the body, which save_to writes to a file");
  http_transfer_begin (request);
  request->settings = request->session->settings;
  int outcome = http_settings_merge (step, &args->options, &request->settings, &request->kept);
  if (outcome == RUNNER_PASS)
    outcome = prepare_url (request);
  if (outcome == RUNNER_PASS)
    outcome = inherit_headers (request);
  if (outcome == RUNNER_PASS)
    outcome = http_headers_add (step, args->options.headers, &request->headers);
  if (outcome == RUNNER_PASS)
    outcome = http_body_prepare (request);
  if (outcome == RUNNER_PASS)
    outcome = derive_headers (request);
  if (outcome == RUNNER_PASS)
    outcome = http_save_open (request);
  if (outcome == RUNNER_PASS)
    outcome = set_options (request);
  return outcome;
}

void
http_request_end (struct http_request *request)
{
  /* The handle is not to point at what is freed now. */
  if (request->mime)
    curl_easy_setopt (request->session->easy, CURLOPT_MIMEPOST, NULL);
  if (request->headers)
    curl_easy_setopt (request->session->easy, CURLOPT_HTTPHEADER, NULL);
  if (request->connect_to)
    curl_easy_setopt (request->session->easy, CURLOPT_CONNECT_TO, NULL);
  struct http_exchange *exchange = &request->session->exchange;
  if (exchange->body_fd >= 0)
    close (exchange->body_fd);
  if (exchange->save_fd >= 0)
    close (exchange->save_fd); /* still open: the request has failed already */
  exchange->body_fd = exchange->save_fd = -1;
  curl_mime_free (request->mime);
  curl_slist_free_all (request->headers);
  curl_slist_free_all (request->connect_to);
  http_kept_free (&request->kept);
}
