/* http.c - the plugin `http`: its tables and verbs.  A client of HTTP/1 and
 * HTTP/2 by libcurl, and of WebSockets by libwslay; no server. */
#include <string.h>

#include "http.h"
#include "websocket.h"

static int
run_request (struct runner_step *step, const char *method, const struct http_request_args *args)
{
  struct http_request request = { .step = step, .args = args, .method = method };
  request.session = http_session_of (step, args->conn);
  if (!request.session)
    return RUNNER_ERROR;
  int outcome = http_request_prepare (&request);
  if (outcome == RUNNER_PASS)
    outcome = http_transfer_run (&request);
  if (outcome == RUNNER_PASS)
    outcome = http_response (&request);
  http_request_end (&request);
  return outcome;
}

#define METHOD(function, method)                                   \
  static int function (struct runner_step *step, const void *args) \
  {                                                                \
    return run_request (step, method, args);                       \
  }
METHOD (run_get, "GET")
METHOD (run_head, "HEAD")
METHOD (run_post, "POST")
METHOD (run_put, "PUT")
METHOD (run_patch, "PATCH")
METHOD (run_delete, "DELETE")
METHOD (run_options, "OPTIONS")

static int
run_any (struct runner_step *step, const void *data)
{
  const struct http_request_args *args = data;
  if (strcmp (args->method, "HEAD") == 0)
    return runner_error (step, "use http.head: its response has no body");
  return run_request (step, args->method, args);
}

/* ---- parameters ---- */

static const char *const auth_choices[] = { "basic", "digest", "any", NULL };
static const char *const version_choices[] = { "HTTP/1.0", "HTTP/1.1", "HTTP/2", "h2c", NULL };

/* With a scheme, one of these two. */
#define URL_FORM                                                                                                 \
  .pattern = "^(?:[Hh][Tt][Tt][Pp][Ss]?://|(?![A-Za-z][A-Za-z0-9+.-]*://))", .form = "a URL of http or https"

#define WS_URL_FORM                                                                                              \
  .pattern = "^(?:(?:[Hh][Tt][Tt][Pp]|[Ww][Ss])[Ss]?://|(?![A-Za-z][A-Za-z0-9+.-]*://))",                        \
  .form = "a URL of ws, wss, http or https"

/* What requests and sessions have in common. */
#define OPTION(args, name, ...) RUNNER_PARAM_AS (#name, args, options.name, __VA_ARGS__)
#define CONNECTION_OPTIONS(args)                                                                                 \
  OPTION (args, headers, .help = "headers; a list sends one several times, null leaves out a usual one"),        \
  OPTION (args, user, .help = "name for basic or digest authentication"),                                        \
  OPTION (args, password, .help = "password of that user"),                                                      \
  OPTION (args, bearer, .help = "token for `Authorization: Bearer`"),                                            \
  OPTION (args, verify, .preset = "true", .help = "check the server's certificate and its name"),                \
  OPTION (args, ca, .help = "file of certificates to trust instead of the system's, for a proxy too"),           \
  OPTION (args, cert, .help = "file of the client's certificate"),                                               \
  OPTION (args, key, .help = "file of the client's key, if it is not in `cert`"),                                \
  OPTION (args, key_password, .help = "password of that key"),                                                   \
  OPTION (args, connect_to, .help = "connect there, whatever the URL says; unix:/path too"),                     \
  OPTION (args, proxy, .help = "URL of a proxy; the environment's are not used")

#define OPTIONS(args)                                                                                            \
  CONNECTION_OPTIONS (args),                                                                                     \
  OPTION (args, auth, .choices = auth_choices, .help = "how the user is authenticated (basic if not given)"),    \
  OPTION (args, follow, .preset = "false", .help = "follow redirects"),                                          \
  OPTION (args, max_redirects, .preset = "20", .min = "0", .max = "1000", .help = "how many redirects at most"), \
  OPTION (args, http_version, .choices = version_choices,                                                        \
          .help = "version to ask for; h2c: HTTP/2 at once, without TLS"),                                       \
  OPTION (args, compressed, .preset = "false", .help = "ask for a compressed body and unpack it"),               \
  OPTION (args, limit, .preset = "64MiB", .help = "largest body to take, unpacked")

#define COMMON(args, ...)                                                                                        \
  RUNNER_PARAM (args, url, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, URL_FORM,                                  \
                .help = "URL; with a session's base_url also what follows it"),                                  \
  RUNNER_PARAM (args, conn, .flags = RUNNER_HANDLE, .preset = "default",                                         \
                .help = "session: its connections, cookies and settings"),                                       \
  RUNNER_PARAM (args, query, .help = "added to the URL, encoded; a list repeats its name"),                      \
  OPTIONS (args),                                                                                                \
  RUNNER_PARAM (args, save_to, .help = "write the body to this file, in the test's temporary folder"),           \
  RUNNER_PARAM (args, xpath, .help = "names and the XPath expressions to evaluate on the body"),                 \
  RUNNER_PARAM (args, xmlns, .help = "prefixes for xpath and their namespaces"),                                 \
  __VA_ARGS__

#define BODY(args)                                                                                               \
  RUNNER_PARAM (args, json, .group = "?body", .help = "any value, sent as JSON"),                                \
  RUNNER_PARAM (args, form, .group = "?body", .help = "fields of an urlencoded form; a list repeats its name"),  \
  RUNNER_PARAM (args, multipart, .group = "?body",                                                               \
                .help = "parts of a form: texts, or {text or file, filename, type}"),                            \
  RUNNER_PARAM (args, body, .group = "?body", .help = "bytes to send as they are"),                              \
  RUNNER_PARAM (args, body_file, .group = "?body", .help = "file to send"),                                      \
  RUNNER_PARAM (args, content_type, .help = "type of the sent body")

static const struct runner_param plain_params[] = {
  COMMON (struct http_request_args, { 0 })
};

static const struct runner_param body_params[] = {
  COMMON (struct http_request_args, BODY (struct http_request_args), { 0 })
};

static const struct runner_param any_params[] = {
  RUNNER_PARAM (struct http_request_args, method, .flags = RUNNER_REQUIRED, .help = "method, as it is sent"),
  COMMON (struct http_request_args, BODY (struct http_request_args), { 0 })
};

static const struct runner_param session_params[] = {
  RUNNER_PARAM (struct http_session_args, as, .flags = RUNNER_NEW_HANDLE | RUNNER_PRIMARY, .preset = "default",
                .help = "name of the session"),
  RUNNER_PARAM (struct http_session_args, base_url, URL_FORM, .help = "goes before URLs that have no scheme"),
  RUNNER_PARAM (struct http_session_args, cookies, .help = "names and values of cookies to begin with"),
  OPTIONS (struct http_session_args),
  { 0 }
};

static const struct runner_param conn_params[] = {
  RUNNER_PARAM (struct http_conn_args, conn, .flags = RUNNER_HANDLE | RUNNER_PRIMARY, .preset = "default",
                .help = "name of the session"),
  { 0 }
};

#define WS_CONN(args, ...)                                                                                       \
  RUNNER_PARAM (args, conn, .preset = "default", .flags = RUNNER_HANDLE | __VA_ARGS__, .help = "name of the WebSocket")

static const struct runner_param websocket_params[] = {
  RUNNER_PARAM (struct http_websocket_args, url, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, WS_URL_FORM,
                .help = "URL; with a session's base_url also what follows it"),
  RUNNER_PARAM (struct http_websocket_args, as, .preset = "default", .flags = RUNNER_NEW_HANDLE,
                .help = "name that the WebSocket gets"),
  RUNNER_PARAM (struct http_websocket_args, conn, .flags = RUNNER_HANDLE, .preset = "default",
                .help = "session: its cookies and settings"),
  RUNNER_PARAM (struct http_websocket_args, query, .help = "added to the URL, encoded; a list repeats its name"),
  RUNNER_PARAM (struct http_websocket_args, protocols, .help = "subprotocols to offer, the best first"),
  CONNECTION_OPTIONS (struct http_websocket_args),
  OPTION (struct http_websocket_args, limit, .preset = "64MiB", .help = "largest message to take"),
  { 0 }
};

static const struct runner_param ws_send_params[] = {
  RUNNER_PARAM (struct ws_send_args, text, .group = "message", .flags = RUNNER_PRIMARY, .help = "a text to send"),
  RUNNER_PARAM (struct ws_send_args, json, .group = "message", .help = "any value, sent as JSON in a text"),
  RUNNER_PARAM (struct ws_send_args, bytes, .group = "message", .help = "bytes, sent as a binary message"),
  WS_CONN (struct ws_send_args, 0),
  { 0 }
};

static const struct runner_param ws_receive_params[] = {
  WS_CONN (struct ws_receive_args, RUNNER_PRIMARY),
  RUNNER_PARAM (struct ws_receive_args, closed, .preset = "false", .help = "expect the server's close instead"),
  { 0 }
};

static const struct runner_param ws_wait_params[] = {
  WS_CONN (struct ws_conn_args, RUNNER_PRIMARY),
  { 0 }
};

static const struct runner_param ws_quiet_params[] = {
  RUNNER_PARAM_AS ("for", struct ws_quiet_args, ns, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "how long"),
  WS_CONN (struct ws_quiet_args, 0),
  { 0 }
};

static const struct runner_param ws_close_params[] = {
  WS_CONN (struct ws_close_args, RUNNER_PRIMARY),
  RUNNER_PARAM (struct ws_close_args, code, .preset = "1000", .min = "1000", .max = "4999",
                .help = "status code of the close frame (RFC 6455, 7.4)"),
  RUNNER_PARAM (struct ws_close_args, reason, .help = "text of the close frame"),
  { 0 }
};

/* ---- results ---- */

static const struct runner_field response_fields[] = {
  { .name = "status", .type = RUNNER_INT, .help = "the status code; 400 and more fail unless `expect` names it" },
  { .name = "reason", .type = RUNNER_TEXT, .help = "the text behind it; empty in HTTP/2" },
  { .name = "version", .type = RUNNER_TEXT, .help = "HTTP/1.0, HTTP/1.1 or HTTP/2" },
  { .name = "url", .type = RUNNER_TEXT, .help = "URL of the response, after redirects" },
  { .name = "redirects", .type = RUNNER_INT, .help = "how many redirects were followed" },
  { .name = "headers", .type = RUNNER_MAP,
    .help = "the response's headers; repeated ones joined, set-cookie a list" },
  { .name = "trailers", .type = RUNNER_MAP, .flags = RUNNER_OPTIONAL, .help = "headers that came after the body" },
  { .name = "size", .type = RUNNER_INT, .help = "bytes of the body, unpacked" },
  { .name = "body", .type = RUNNER_BYTES, .flags = RUNNER_OPTIONAL, .help = "the body, unless saved to a file" },
  { .name = "json", .type = RUNNER_VALUE, .flags = RUNNER_OPTIONAL,
    .help = "the body parsed, if its type is JSON or it is a JSON list or object" },
  { .name = "json_error", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL,
    .help = "why a body of type JSON is none" },
  { .name = "xpath", .type = RUNNER_MAP, .flags = RUNNER_OPTIONAL,
    .help = "what the expressions give: a list of texts for nodes, or a boolean, number, text" },
  { .name = "file", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "the file of save_to, its full name" },
  { .name = "times", .type = RUNNER_MAP, .help = "connect, tls, first_byte, total: seconds since the start" },
  { .name = "cookies", .type = RUNNER_MAP, .help = "names and values of the session's cookies now" },
  { .name = "request", .type = RUNNER_MAP, .help = "what was sent: method, url, headers, body, form, json" },
  { 0 }
};

static const struct runner_field cookies_fields[] = {
  { .name = "cookies", .type = RUNNER_LIST,
    .help = "maps of name, value, domain, path, secure, http_only, expires (since 1970; 0: with the session)" },
  { 0 }
};

static const struct runner_field websocket_fields[] = {
  { .name = "status", .type = RUNNER_INT,
    .help = "101; another one fails unless `expect` names it: no WebSocket is open" },
  { .name = "reason", .type = RUNNER_TEXT, .help = "the text behind it" },
  { .name = "url", .type = RUNNER_TEXT, .help = "URL that was asked for, with the scheme of HTTP" },
  { .name = "protocol", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL,
    .help = "the subprotocol that the server chose" },
  { .name = "headers", .type = RUNNER_MAP, .help = "the answer's headers; repeated ones joined, set-cookie a list" },
  { 0 }
};

#define WS_MESSAGE_FIELDS                                                                                        \
  { .name = "data", .type = RUNNER_BYTES, .flags = RUNNER_OPTIONAL, .help = "the message" },                     \
  { .name = "json", .type = RUNNER_VALUE, .flags = RUNNER_OPTIONAL,                                              \
    .help = "a text message parsed, if it is a JSON list or object" },                                           \
  { .name = "size", .type = RUNNER_INT, .flags = RUNNER_OPTIONAL, .help = "its bytes" }
#define WS_CLOSE_FIELDS                                                                                          \
  { .name = "code", .type = RUNNER_INT, .flags = RUNNER_OPTIONAL,                                                \
    .help = "of the server's close frame; 1005: it has none" },                                                  \
  { .name = "reason", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "the text of that frame" }

static const struct runner_field ws_receive_fields[] = {
  { .name = "type", .type = RUNNER_TEXT, .help = "text, binary or close" },
  WS_MESSAGE_FIELDS,
  WS_CLOSE_FIELDS,
  { 0 }
};

static const struct runner_field ws_wait_fields[] = {
  { .name = "type", .type = RUNNER_TEXT, .help = "text or binary" },
  WS_MESSAGE_FIELDS,
  { .name = "skipped", .type = RUNNER_INT, .help = "messages that were passed over" },
  { 0 }
};

static const struct runner_field ws_close_fields[] = {
  { .name = "type", .type = RUNNER_TEXT, .help = "close" },
  WS_CLOSE_FIELDS,
  { 0 }
};

/* ---- the plugin ---- */

#if LIBCURL_VERSION_NUM >= 0x075700
#define FLAGS RUNNER_COOPERATIVE
#else
#define FLAGS 0 /* a transfer that is given up waits for a resolver that hangs: see CURLOPT_QUICK_EXIT */
#endif

#define REQUEST(verb, text, function, rows)                                                                      \
  { .name = verb, .help = text, .run = function, .params = rows, .args_size = sizeof (struct http_request_args), \
    .result = response_fields, .flags = FLAGS }

static const struct runner_verb verbs[] = {
  REQUEST ("get", "sends a GET request", run_get, body_params),
  REQUEST ("head", "sends a HEAD request: only headers come back", run_head, plain_params),
  REQUEST ("post", "sends a POST request", run_post, body_params),
  REQUEST ("put", "sends a PUT request", run_put, body_params),
  REQUEST ("patch", "sends a PATCH request", run_patch, body_params),
  REQUEST ("delete", "sends a DELETE request", run_delete, body_params),
  REQUEST ("options", "sends an OPTIONS request", run_options, body_params),
  REQUEST ("request", "sends a request with any method", run_any, any_params),
  { .name = "session", .help = "makes a session: settings, cookies and connections for requests",
    .run = http_session_make, .params = session_params, .args_size = sizeof (struct http_session_args),
    .flags = FLAGS },
  { .name = "cookies", .help = "reads the cookies of a session", .run = http_session_cookies, .params = conn_params,
    .args_size = sizeof (struct http_conn_args), .result = cookies_fields, .flags = FLAGS },
  { .name = "close", .help = "ends a session and its connections", .run = http_session_close, .params = conn_params,
    .args_size = sizeof (struct http_conn_args), .flags = FLAGS },
  { .name = "websocket", .help = "opens a WebSocket", .run = http_websocket, .params = websocket_params,
    .args_size = sizeof (struct http_websocket_args), .result = websocket_fields, .flags = FLAGS },
  { .name = "ws_send", .help = "sends a message over a WebSocket", .run = http_ws_send, .params = ws_send_params,
    .args_size = sizeof (struct ws_send_args), .flags = FLAGS },
  { .name = "ws_receive", .help = "receives the next message of a WebSocket", .run = http_ws_receive,
    .params = ws_receive_params, .args_size = sizeof (struct ws_receive_args), .result = ws_receive_fields,
    .flags = FLAGS },
  { .name = "ws_wait", .help = "passes over messages of a WebSocket until the step's `expect` holds",
    .run = http_ws_wait, .params = ws_wait_params, .args_size = sizeof (struct ws_conn_args), .result = ws_wait_fields,
    .flags = RUNNER_RECEIVES | FLAGS },
  { .name = "ws_quiet", .help = "for a while no message may come, nor the end", .run = http_ws_quiet,
    .params = ws_quiet_params, .args_size = sizeof (struct ws_quiet_args), .flags = FLAGS },
  { .name = "ws_close", .help = "closes a WebSocket, and waits for the server to do so", .run = http_ws_close,
    .params = ws_close_params, .args_size = sizeof (struct ws_close_args), .result = ws_close_fields, .flags = FLAGS },
  { 0 }
};

RUNNER_PLUGIN (.name = "http", .version = "1.0", .help = "requests to HTTP servers, and WebSockets", .verbs = verbs);
