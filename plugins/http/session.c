/* session.c - sessions: connections, cookies and settings that requests share.
 *
 * A session belongs to one thread at a time.  A branch or a simulated user gets a
 * copy of the outer one: the same settings and cookies, its own connections. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "http.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

/* volatile: the compiler would make calloc of malloc and memset. */
static void *(*volatile allocate) (size_t size) = malloc;

/* calloc for libcurl, which asks for the same sizes again and again: glibc's own passes by what
 * the thread has just freed. */
static void *
zeroed (size_t count, size_t size)
{
  size_t bytes;
  void *memory = __builtin_mul_overflow (count, size, &bytes) ? NULL : allocate (bytes);
  return memory ? memset (memory, 0, bytes) : NULL;
}

static void
init_libraries (void)
{
  global_result = curl_global_init_mem (CURL_GLOBAL_DEFAULT, malloc, free, realloc, strdup, zeroed);
  http_xml_init ();
}

static void
jar_lock (CURL *easy, curl_lock_data data, curl_lock_access access, void *user)
{
  struct http_session *session = user;
  (void) easy, (void) access;
  pthread_mutex_lock (&session->locks[data]);
}

static void
jar_unlock (CURL *easy, curl_lock_data data, void *user)
{
  struct http_session *session = user;
  (void) easy;
  pthread_mutex_unlock (&session->locks[data]);
}

void
http_session_free (struct http_session *session)
{
  if (!session)
    return;
  if (session->easy)
    curl_easy_cleanup (session->easy);
  if (session->multi)
    curl_multi_cleanup (session->multi);
  if (session->jar)
    curl_share_cleanup (session->jar);
  curl_url_cleanup (session->url);
  free (session->url_text);
  curl_free (session->url_told);
  curl_slist_free_all (session->headers);
  free (session->waiting.fds);
  http_bytes_free (&session->exchange.sent);
  http_bytes_free (&session->exchange.received);
  http_bytes_free (&session->exchange.body);
  http_bytes_free (&session->exchange.form);
  http_kept_free (&session->kept);
  for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
    pthread_mutex_destroy (&session->locks[i]);
  free (session);
}

/* A session with the default settings; NULL: the step's error is set. */
static struct http_session *
session_new (struct runner_step *step)
{
  pthread_once (&once, init_libraries);
  if (global_result != CURLE_OK) {
    runner_error (step, "libcurl cannot be used: %s", curl_easy_strerror (global_result));
    return NULL;
  }
  struct http_session *session = calloc (1, sizeof *session);
  if (!session) {
    runner_error (step, "no memory for a session");
    return NULL;
  }
  for (int i = 0; i < CURL_LOCK_DATA_LAST; i++)
    pthread_mutex_init (&session->locks[i], NULL);
  session->easy = curl_easy_init ();
  session->multi = curl_multi_init ();
  session->jar = curl_share_init ();
  session->url = curl_url ();
  if (!session->easy || !session->multi || !session->jar || !session->url) {
    runner_error (step, "no memory or no descriptors for a session");
    http_session_free (session);
    return NULL;
  }
  http_transfer_watch (session);
  curl_share_setopt (session->jar, CURLSHOPT_USERDATA, session);
  curl_share_setopt (session->jar, CURLSHOPT_LOCKFUNC, jar_lock);
  curl_share_setopt (session->jar, CURLSHOPT_UNLOCKFUNC, jar_unlock);
  curl_share_setopt (session->jar, CURLSHOPT_SHARE, (int) CURL_LOCK_DATA_COOKIE);
  /* A multi handle's own table of names is thrice as large, and looked through after each request. */
  curl_share_setopt (session->jar, CURLSHOPT_SHARE, (int) CURL_LOCK_DATA_DNS);
  curl_easy_setopt (session->easy, CURLOPT_SHARE, session->jar);
  /* Has cookies kept from now on; the reset forgets the file's name, not that. */
  curl_easy_setopt (session->easy, CURLOPT_COOKIEJAR, "");
  curl_easy_reset (session->easy);
  session->settings.verify = 1;
  session->settings.limit = HTTP_DEFAULT_LIMIT;
  session->settings.max_redirects = 20;
  return session;
}

static void
session_destroy (struct runner_step *step, void *object)
{
  (void) step;
  http_session_free (object);
}

struct curl_slist *
http_cookie_list (CURL *easy)
{
  struct curl_slist *list = NULL;
  return curl_easy_getinfo (easy, CURLINFO_COOKIELIST, &list) == CURLE_OK ? list : NULL;
}

/* Copies the cookies by a handle of its own: the session's may be at work. */
static int
copy_cookies (struct runner_step *step, const struct http_session *from, struct http_session *to)
{
  CURL *reader = curl_easy_init ();
  if (!reader) {
    runner_error (step, "no memory for a session");
    return -1;
  }
  curl_easy_setopt (reader, CURLOPT_SHARE, from->jar);
  struct curl_slist *list = http_cookie_list (reader);
  CURLcode result = CURLE_OK;
  for (const struct curl_slist *line = list; line && result == CURLE_OK; line = line->next)
    result = curl_easy_setopt (to->easy, CURLOPT_COOKIELIST, line->data);
  curl_slist_free_all (list);
  curl_easy_cleanup (reader);
  if (result == CURLE_OK)
    return 0;
  runner_error (step, "cannot copy the session's cookies: %s", curl_easy_strerror (result));
  return -1;
}

static int
keep_text (struct http_kept **kept, const char **text)
{
  if (*text)
    *text = http_keep (kept, *text, strlen (*text));
  return *text ? 0 : -1;
}

/* Makes every text of the settings the session's own.  0, or -1: no memory. */
static int
own_settings (struct http_session *session, const struct http_settings *settings)
{
  struct http_settings *own = &session->settings;
  *own = *settings;
  const char **texts[] = { &own->user, &own->auth, &own->password, &own->bearer, &own->key_password, &own->ca,
                           &own->cert, &own->key, &own->proxy, &own->http_version, &own->connect_host,
                           &own->connect_path };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
    if (*texts[i] && keep_text (&session->kept, texts[i]) < 0)
      return -1;
  return 0;
}

struct http_session *
http_session_copy (struct runner_step *step, const struct http_session *from)
{
  struct http_session *to = session_new (step);
  if (!to)
    return NULL;
  to->base_url = from->base_url;
  int failed = own_settings (to, &from->settings) < 0 || (to->base_url && keep_text (&to->kept, &to->base_url) < 0);
  for (const struct curl_slist *line = from->headers; line && !failed; line = line->next) {
    struct curl_slist *longer = curl_slist_append (to->headers, line->data);
    failed = !longer;
    to->headers = longer ? longer : to->headers;
  }
  if (failed)
    runner_error (step, "no memory for a session");
  if (failed || copy_cookies (step, from, to) < 0) {
    http_session_free (to);
    return NULL;
  }
  return to;
}

/* All it reads of the original never changes, but for the cookies, which have a lock. */
static void *
session_copy (struct runner_step *step, void *object)
{
  return http_session_copy (step, object);
}

static const struct runner_handle_type session_type = {
  .name = "http session",
  .destroy = session_destroy,
  .copy = session_copy,
};

struct http_session *
http_session_of (struct runner_step *step, const char *conn)
{
  if (strcmp (conn, "default") != 0)
    return runner_handle_use (step, conn, &session_type);
  void *object = NULL;
  int found = runner_handle_find (step, conn, &session_type, &object);
  if (found < 0)
    return NULL;
  if (found)
    return object;
  struct http_session *session = session_new (step);
  if (!session)
    return NULL;
  if (runner_handle_add (step, conn, &session_type, session) < 0) {
    http_session_free (session);
    return NULL;
  }
  return runner_handle_use (step, conn, &session_type);
}

/* A cookie for the host of the base URL, or for every host if there is none. */
static int
set_cookie (struct runner_step *step, struct http_session *session, const char *host, const char *name,
            const struct runner_node *node)
{
  size_t size;
  const char *value = runner_node_print (step, node, &size);
  if (!value)
    return runner_error (step, "cookies: the value of \"%s\" must be a text or a number", name);
  if (memchr (value, '\0', size) || strpbrk (value, ";\r\n") || strpbrk (name, "=;\r\n\t ") || !*name)
    return runner_error (step, "cookies: \"%s\" cannot be sent: it has a line end or a `;` in it", name);
  struct http_bytes line = { 0 };
  http_bytes_puts (&line, "Set-Cookie: ");
  http_bytes_puts (&line, name);
  http_bytes_puts (&line, "=");
  http_bytes_add (&line, value, size);
  http_bytes_puts (&line, "; path=/");
  if (host) {
    http_bytes_puts (&line, "; domain=");
    http_bytes_puts (&line, host);
  }
  int failed = line.failed
               || curl_easy_setopt (session->easy, CURLOPT_COOKIELIST, http_bytes_text (&line)) != CURLE_OK;
  http_bytes_free (&line);
  return failed ? runner_error (step, "cookies: \"%s\" cannot be set", name) : RUNNER_PASS;
}

static int
set_cookies (struct runner_step *step, struct http_session *session, struct runner_map cookies, const char *host)
{
  int outcome = RUNNER_PASS;
  for (size_t i = 0; i < runner_node_count (cookies.node) && outcome == RUNNER_PASS; i++) {
    size_t size;
    const char *key = runner_node_key (cookies.node, i, &size);
    struct http_bytes name = { 0 };
    http_bytes_add (&name, key, size);
    outcome = set_cookie (step, session, host, http_bytes_text (&name), runner_node_at (cookies.node, i));
    http_bytes_free (&name);
  }
  return outcome;
}

/* Checks the base URL; its host goes to *host (free by curl_free). */
static int
check_base (struct runner_step *step, const char *base_url, char **host)
{
  CURLU *url = curl_url ();
  if (!url)
    return runner_error (step, "no memory for a URL");
  CURLUcode wrong = curl_url_set (url, CURLUPART_URL, base_url, CURLU_PATH_AS_IS);
  if (!wrong)
    wrong = curl_url_get (url, CURLUPART_HOST, host, 0);
  curl_url_cleanup (url);
  if (wrong)
    return runner_error (step, "malformed base_url \"%s\": %s", base_url, curl_url_strerror (wrong));
  return RUNNER_PASS;
}

static int
session_fill (struct runner_step *step, const struct http_session_args *args, struct http_session *session)
{
  struct http_settings settings = session->settings;
  struct http_kept *kept = NULL;
  char *host = NULL;
  int outcome = http_settings_merge (step, &args->options, &settings, &kept);
  if (outcome == RUNNER_PASS && own_settings (session, &settings) < 0)
    outcome = runner_error (step, "no memory for a session");
  http_kept_free (&kept);
  if (outcome == RUNNER_PASS)
    outcome = http_headers_add (step, args->options.headers, &session->headers);
  if (outcome == RUNNER_PASS && args->base_url) {
    outcome = check_base (step, args->base_url, &host);
    session->base_url = args->base_url;
    if (outcome == RUNNER_PASS && keep_text (&session->kept, &session->base_url) < 0)
      outcome = runner_error (step, "no memory for a session");
  }
  if (outcome == RUNNER_PASS)
    outcome = set_cookies (step, session, args->cookies, host);
  curl_free (host);
  return outcome;
}

int
http_session_make (struct runner_step *step, const void *data)
{
  const struct http_session_args *args = data;
  struct http_session *session = session_new (step);
  if (!session)
    return RUNNER_ERROR;
  int outcome = session_fill (step, args, session);
  if (outcome == RUNNER_PASS && runner_handle_add (step, args->as, &session_type, session) < 0)
    outcome = RUNNER_ERROR;
  if (outcome != RUNNER_PASS)
    http_session_free (session);
  return outcome;
}

int
http_session_close (struct runner_step *step, const void *data)
{
  const struct http_conn_args *args = data;
  return runner_handle_close (step, args->conn, &session_type) < 0 ? RUNNER_ERROR : RUNNER_PASS;
}

int
http_cookie_split (char *line, struct http_cookie *cookie)
{
  static const char prefix[] = "#HttpOnly_";
  *cookie = (struct http_cookie) { 0 };
  if (strncmp (line, prefix, sizeof prefix - 1) == 0) {
    cookie->http_only = 1;
    line += sizeof prefix - 1;
  }
  const char *subdomains;
  const char **fields[] = { &cookie->domain, &subdomains, &cookie->path, &cookie->secure, &cookie->expires,
                            &cookie->name, &cookie->value };
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    if (!line)
      return -1;
    char *tab = i < 6 ? strchr (line, '\t') : NULL;
    *fields[i] = line;
    if (tab)
      *tab++ = '\0';
    line = tab;
  }
  /* libcurl lists cookies that have just ended, too. */
  long long expires = strtoll (cookie->expires, NULL, 10);
  return expires && expires <= (long long) time (NULL) ? -1 : 0;
}

int
http_session_cookies (struct runner_step *step, const void *data)
{
  const struct http_conn_args *args = data;
  struct http_session *session = http_session_of (step, args->conn);
  if (!session)
    return RUNNER_ERROR;
  struct runner_out *out = runner_result (step);
  struct curl_slist *list = http_cookie_list (session->easy);
  runner_put_list (out, "cookies");
  for (const struct curl_slist *line = list; line; line = line->next) {
    struct http_cookie cookie;
    if (http_cookie_split (line->data, &cookie) < 0)
      continue;
    runner_put_map (out, NULL);
    runner_put_string (out, "name", cookie.name);
    runner_put_string (out, "value", cookie.value);
    runner_put_string (out, "domain", strcmp (cookie.domain, "unknown") == 0 ? NULL : cookie.domain);
    runner_put_string (out, "path", cookie.path);
    runner_put_bool (out, "secure", strcasecmp (cookie.secure, "TRUE") == 0);
    runner_put_bool (out, "http_only", cookie.http_only);
    runner_put_int (out, "expires", strtoll (cookie.expires, NULL, 10));
    runner_put_end (out);
  }
  runner_put_end (out);
  curl_slist_free_all (list);
  return RUNNER_PASS;
}
