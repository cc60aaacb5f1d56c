/* http.h - what the files of the plugin `http` share.
 *
 *   http.c      the tables and the verbs
 *   session.c   sessions: what is kept between requests (connections, cookies)
 *   request.c   from a step's arguments to a libcurl transfer
 *   body.c      the request's body: json, form, multipart, bytes, file
 *   save.c      the file that save_to asks for
 *   transfer.c  the transfer itself: waiting, limits, traffic, what went wrong
 *   response.c  from a transfer to a step's result
 *   headers.c   blocks of header lines
 *   xml.c       XPath on a response's body
 *   websocket.h WebSockets
 */
#ifndef HTTP_H
#define HTTP_H

#include <curl/curl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>

#include "bytes.h"
#include "runner-plugin.h"

#define HTTP_DEFAULT_LIMIT (64u * 1024 * 1024)
#define HTTP_PEER_ROOM 324 /* a connection's name and an authority */

/* Parameters of requests that a session can give once for all of them. */
struct http_options {
  struct runner_map headers;
  const char *user;
  struct runner_secret password;
  const char *auth;
  struct runner_secret bearer;
  struct runner_bool follow;
  int64_t max_redirects;
  struct runner_bool verify;
  const char *ca, *cert, *key;
  struct runner_secret key_password;
  struct runner_address connect_to;
  const char *proxy;
  const char *http_version;
  struct runner_bool compressed;
  struct runner_size limit;
};

struct http_request_args {
  struct http_options options;
  const char *method; /* of http.request */
  const char *url;
  const char *conn;
  struct runner_map query;
  struct runner_value json;
  struct runner_map form;
  struct runner_value multipart;
  struct runner_bytes body;
  const char *body_file;
  const char *content_type;
  const char *save_to;
  struct runner_map xpath, xmlns;
};

struct http_session_args {
  struct http_options options;
  const char *as;
  const char *base_url;
  struct runner_map cookies;
};

struct http_conn_args {
  const char *conn;
};

/* Options as libcurl wants them.  Of a session they are its own; a request's
 * point into the session, the step's arguments and the request's `kept`. */
struct http_settings {
  const char *user, *auth;
  const char *password, *bearer, *key_password; /* without NUL inside */
  const char *ca, *cert, *key, *proxy, *http_version;
  const char *connect_host; /* connect there, whatever the URL says */
  const char *connect_path; /* the same, a Unix socket; `@`: abstract */
  uint32_t connect_port;    /* as wide as its neighbours: sessions compare settings as bytes */
  int follow, verify, compressed;
  int64_t max_redirects;
  uint64_t limit; /* bytes of a decoded body */
};

/* Texts that live as long as a request or session. */
struct http_kept {
  struct http_kept *next;
  char text[];
};
/* NULL: no memory. */
const char *http_keep (struct http_kept **kept, const void *data, size_t size);
void http_kept_free (struct http_kept **kept);

/* Why our own callbacks stopped a transfer. */
enum http_stop { HTTP_GOES_ON, HTTP_TOO_LARGE, HTTP_TOO_MANY_HEADERS, HTTP_CANNOT_SAVE, HTTP_CANNOT_READ,
                 HTTP_NO_MEMORY };

/* What comes and goes in one step.  Its buffers are reused by the session's next
 * request. */
struct http_exchange {
  struct runner_step *step;
  CURL *easy;
  char peer[HTTP_PEER_ROOM];   /* for runner_wire: "default localhost:8080" */
  struct http_bytes sent;      /* the last request's header block, credentials hidden */
  struct http_bytes received;  /* the last response's header block, later its trailers */
  size_t trailers;             /* where the trailers begin in `received`; 0: none */
  struct http_bytes body;      /* of the response, decoded, unless saved to a file */
  struct http_bytes form;      /* the request's urlencoded body */
  uint64_t body_size, limit;
  size_t header_bytes, header_lines; /* of all responses of the step */
  size_t wired_out, wired_in;  /* body bytes given to runner_wire */
  int headers_done;            /* the last response's header block is complete */
  int sends_body;
  int proxied;                 /* a proxy was named: it may be asked first */
  int plain_method;            /* 0: a method that libcurl does not know to change on a 303 */
  enum http_stop stop;
  int error;                   /* errno of HTTP_CANNOT_SAVE and HTTP_CANNOT_READ */
  int save_fd, body_fd;        /* -1: none */
  const char *save_path;
  int64_t body_at, body_end;   /* of body_fd */
  char message[CURL_ERROR_SIZE];
};

/* What libcurl waits for in a transfer. */
struct http_waiting {
  struct pollfd *fds;
  size_t count, room;
  int64_t until_ns; /* it wants to be asked again then; INT64_MAX: never */
};

struct http_session {
  CURL *easy;    /* its cookies are in `jar` */
  CURLM *multi;  /* its connections */
  struct http_waiting waiting;
  CURLSH *jar;   /* cookies, so that a copy can be made while a request runs; names resolved */
  pthread_mutex_t locks[CURL_LOCK_DATA_LAST]; /* of what is in `jar` */
  struct http_settings settings;
  struct http_kept *kept;
  struct curl_slist *headers; /* "Name: value", sent with every request */
  const char *base_url;
  int plain; /* `easy` is set up for a GET with the session's own settings */
  CURLU *url;     /* the last request's, parsed */
  char *url_text; /* as it was given; NULL: none */
  char *url_told; /* as libcurl writes it; free with curl_free */
  struct http_exchange exchange;
};

/* One request, from its arguments to its result. */
struct http_request {
  struct runner_step *step;
  const struct http_request_args *args;
  const char *method;
  struct http_session *session;
  struct http_settings settings;
  struct http_kept *kept;
  const char *url;          /* with the session's base and the query */
  char authority[256];      /* for messages: "localhost:8080", and the way there if it is another */
  struct curl_slist *headers;
  struct curl_slist *connect_to;
  curl_mime *mime;
  const char *body;         /* what is sent, if it is in memory */
  size_t body_size;
  int has_body;
};

/* session.c */
/* The session that a step uses, held until it ends.  NULL: the step's outcome is set. */
struct http_session *http_session_of (struct runner_step *step, const char *conn);
/* The same settings and cookies, without connections; NULL: the step's error is set. */
struct http_session *http_session_copy (struct runner_step *step, const struct http_session *from);
void http_session_free (struct http_session *session);
int http_session_make (struct runner_step *step, const void *args);
int http_session_cookies (struct runner_step *step, const void *args);
int http_session_close (struct runner_step *step, const void *args);
/* The cookies of a session as libcurl lists them; free with curl_slist_free_all. */
struct curl_slist *http_cookie_list (CURL *easy);
/* The fields of one line of that list (Netscape's format); cuts it.  0, or -1: it
 * is malformed or has expired. */
struct http_cookie { const char *domain, *path, *secure, *expires, *name, *value; int http_only; };
int http_cookie_split (char *line, struct http_cookie *cookie);

/* request.c */
/* RFC 9110, 5.6.2: what names of headers, methods and subprotocols consist of. */
int http_is_token (const char *text, size_t size);
/* All but the session's own are optional.  RUNNER_PASS, or the outcome. */
int http_settings_merge (struct runner_step *step, const struct http_options *options,
                         struct http_settings *settings, struct http_kept **kept);
/* Adds "Name: value" lines for a map of headers.  RUNNER_PASS, or the outcome. */
int http_headers_add (struct runner_step *step, struct runner_map map, struct curl_slist **headers);
/* The header's line among "Name: value", "Name;" (empty) and "Name:" (left out); NULL: none. */
const char *http_header_line (const struct curl_slist *headers, const char *name);
int http_request_prepare (struct http_request *request);
void http_request_end (struct http_request *request);
/* A file's name, relative to the suite's folder unless absolute.  NULL: no memory. */
const char *http_path (struct runner_step *step, struct http_kept **kept, const char *name);

/* body.c */
int http_body_prepare (struct http_request *request);
int http_query (struct runner_step *step, struct http_bytes *out, struct runner_map map, int plus);

/* transfer.c */
/* Of a new session: has libcurl tell what it waits for. */
void http_transfer_watch (struct http_session *session);
/* Forgets the last exchange. */
void http_transfer_begin (struct http_request *request);
/* Sets the callbacks, after curl_easy_reset. */
void http_transfer_options (struct http_exchange *exchange);
/* RUNNER_PASS when there is a response, of whatever status. */
int http_transfer_run (struct http_request *request);

/* Only connects, with TLS and through a proxy, for curl_easy_send and curl_easy_recv; the connection lives as long
 * as the session.  RUNNER_PASS, or the outcome. */
int http_transfer_connect (struct http_request *request);
/* Notes a header block that was sent, without its credentials. */
void http_transfer_sent (struct http_exchange *exchange, const char *data, size_t size);

/* save.c */
/* Opens the file of save_to, if it was given. */
int http_save_open (struct http_request *request);

/* response.c */
int http_response (struct http_request *request);
/* Puts `json`, if the text is a JSON list or object; one that is `declared` to be JSON may be any value, and if it is
 * none, `json_error` says why. */
void http_put_json (struct runner_out *out, int declared, const char *text, size_t size);
/* What stands behind the status in the response's first line. */
void http_reason (const struct http_exchange *exchange, const char **reason, size_t *size);

/* xml.c */
void http_xml_init (void);
int http_xpath (struct http_request *request, const char *content_type, struct runner_out *out);

#endif
