/* tcp.c - the plugin tcp: connections over TCP, TLS and Unix sockets, as a client
 * or a server.  Here are its tables and the verbs on an open connection; opening
 * them is in open.c, TLS in tls.c.  It knows no protocol above bytes. */
#define _GNU_SOURCE 1
#include "open.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define CONN(args) \
  RUNNER_PARAM (args, conn, .preset = "default", .flags = RUNNER_HANDLE, .help = "name of the connection")

#define PEER_FORM                                                                                          \
  .pattern = "^unix:|:[0-9]*[1-9][0-9]*$", .form = "an address with a port (host:port, [v6]:port) or unix:/path"

/* ---- send ---- */

struct send_args {
  const char *conn;
  struct runner_bytes text;
  struct runner_size chunk;
  struct runner_duration pause;
};

static int
tcp_send (struct runner_step *step, const void *arguments)
{
  const struct send_args *args = arguments;
  struct connection *connection = connection_use (step, args->conn, 0);
  if (!connection)
    return RUNNER_ERROR;
  size_t size = args->text.size, done = 0;
  size_t chunk = args->chunk.bytes && args->chunk.bytes < size ? (size_t) args->chunk.bytes : size;
  if (args->pause.ns && !args->chunk.bytes)
    return runner_error (step, "pause is between chunks: say with chunk how large they are");
  int outcome = RUNNER_PASS;
  while (done < size && outcome == RUNNER_PASS) {
    size_t n = size - done < chunk ? size - done : chunk, sent = 0;
    outcome = connection_send (step, connection, (const char *) args->text.data + done, n, &sent);
    done += sent;
    if (outcome == RUNNER_PASS && done < size && args->pause.ns && runner_sleep (step, args->pause.ns) < 0)
      outcome = runner_expired (step, "sending to %s: %zu of %zu bytes were sent", connection->name, done, size);
  }
  runner_put_int (runner_result (step), "sent", (int64_t) done);
  return outcome;
}

static const struct runner_param send_params[] = {
  RUNNER_PARAM (struct send_args, text, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "bytes to send"),
  CONN (struct send_args),
  RUNNER_PARAM (struct send_args, chunk, .min = "1", .help = "send them in pieces of this size"),
  RUNNER_PARAM (struct send_args, pause, .help = "with a pause between the pieces"),
  { 0 },
};
static const struct runner_field send_result[] = {
  { .name = "sent", .type = RUNNER_INT, .help = "bytes sent" },
  { 0 },
};

/* ---- receive, wait, quiet ---- */

struct receive_args { const char *conn; int64_t count; struct stream_args wanted; };
struct quiet_args { const char *conn; struct runner_duration ns; struct stream_args wanted; };

static int
tcp_receive (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct connection *connection = connection_use (step, args->conn, 0);
  if (!connection)
    return RUNNER_ERROR;
  struct stream_source source = connection_source (connection);
  return stream_receive (step, &source, &args->wanted, args->count);
}

static int
tcp_wait (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct connection *connection = connection_use (step, args->conn, 0);
  if (!connection)
    return RUNNER_ERROR;
  struct stream_source source = connection_source (connection);
  return stream_wait (step, &source, &args->wanted);
}

static int
tcp_quiet (struct runner_step *step, const void *arguments)
{
  const struct quiet_args *args = arguments;
  struct connection *connection = connection_use (step, args->conn, 0);
  if (!connection)
    return RUNNER_ERROR;
  struct stream_source source = connection_source (connection);
  return stream_quiet (step, &source, &args->wanted, args->ns.ns);
}

static const struct runner_param receive_params[] = {
  STREAM_PARAMS (struct receive_args, wanted, RUNNER_PRIMARY),
  CONN (struct receive_args),
  RUNNER_PARAM (struct receive_args, count, .min = "1", .max = "1000000",
                .help = "receive so many, as the list `messages`"),
  { 0 },
};
static const struct runner_param wait_params[] = {
  STREAM_PARAMS (struct receive_args, wanted, RUNNER_PRIMARY),
  CONN (struct receive_args),
  { 0 },
};
static const struct runner_param quiet_params[] = {
  RUNNER_PARAM_AS ("for", struct quiet_args, ns, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "how long"),
  STREAM_PARAMS (struct quiet_args, wanted, 0),
  CONN (struct quiet_args),
  { 0 },
};
static const struct runner_field receive_result[] = { STREAM_RECEIVE_RESULT, { 0 } };
static const struct runner_field wait_result[] = { STREAM_WAIT_RESULT, { 0 } };

/* ---- shutdown, close, reset ---- */

struct conn_args { const char *conn; };

static int
tcp_shutdown (struct runner_step *step, const void *arguments)
{
  const struct conn_args *args = arguments;
  struct connection *connection = connection_use (step, args->conn, 0);
  return connection ? connection_shutdown (step, connection) : RUNNER_ERROR;
}

static int
tcp_close (struct runner_step *step, const void *arguments)
{
  const struct conn_args *args = arguments;
  return runner_handle_close (step, args->conn, &tcp_socket) == 0 ? RUNNER_PASS : RUNNER_ERROR;
}

static int
tcp_reset (struct runner_step *step, const void *arguments)
{
  const struct conn_args *args = arguments;
  struct connection *connection = connection_use (step, args->conn, 0);
  if (!connection)
    return RUNNER_ERROR;
  /* With a linger time of 0, close(2) sends RST (tcp(7), socket(7)). */
  struct linger linger = { .l_onoff = 1 };
  if (setsockopt (connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) < 0)
    return runner_error (step, "%s: %s", connection->name, strerror (errno));
  connection->abort = 1;
  return tcp_close (step, args);
}

static const struct runner_param conn_params[] = {
  RUNNER_PARAM (struct conn_args, conn, .preset = "default", .flags = RUNNER_HANDLE | RUNNER_PRIMARY,
                .help = "name of the connection"),
  { 0 },
};

/* ---- connect, listen, accept ---- */

static const struct runner_param connect_params[] = {
  RUNNER_PARAM (struct connect_args, to, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, PEER_FORM,
                .help = "host:port, [v6]:port or unix:/path; all addresses of a host are tried"),
  RUNNER_PARAM (struct connect_args, as, .preset = "default", .flags = RUNNER_NEW_HANDLE,
                .help = "name that the connection gets"),
  RUNNER_PARAM (struct connect_args, within, .preset = "0s", .help = "try again while it is refused, for so long"),
  RUNNER_PARAM (struct connect_args, bind, .help = "our own address; port 0 or none: any"),
  RUNNER_PARAM (struct connect_args, tls, .preset = "false", .help = "speak TLS"),
  TLS_PARAMS (struct connect_args, tls_args),
  { 0 },
};
static const struct runner_param listen_params[] = {
  RUNNER_PARAM (struct listen_args, at, .preset = "127.0.0.1:0", .flags = RUNNER_PRIMARY,
                .help = "host:port or unix:/path; port 0: any that is free"),
  RUNNER_PARAM (struct listen_args, as, .preset = "listener", .flags = RUNNER_NEW_HANDLE,
                .help = "name that the listening socket gets"),
  { 0 },
};
static const struct runner_param accept_params[] = {
  RUNNER_PARAM (struct accept_args, conn, .preset = "listener", .flags = RUNNER_HANDLE,
                .help = "name of the listening socket"),
  RUNNER_PARAM (struct accept_args, as, .preset = "default", .flags = RUNNER_NEW_HANDLE | RUNNER_PRIMARY,
                .help = "name that the connection gets"),
  RUNNER_PARAM (struct accept_args, tls, .preset = "false",
                .help = "speak TLS, as its server; with tls_ca the client needs a certificate"),
  TLS_PARAMS (struct accept_args, tls_args),
  { 0 },
};
static const struct runner_param start_tls_params[] = {
  RUNNER_PARAM (struct start_tls_args, conn, .preset = "default", .flags = RUNNER_HANDLE | RUNNER_PRIMARY,
                .help = "name of the connection"),
  RUNNER_PARAM (struct start_tls_args, server, .preset = "false", .help = "as the server: tls_cert is needed"),
  TLS_PARAMS (struct start_tls_args, tls_args),
  { 0 },
};

#define TLS_RESULT                                                                                         \
  { .name = "tls", .type = RUNNER_MAP, .flags = RUNNER_OPTIONAL,                                           \
    .help = "with TLS: version, cipher, alpn, subject and issuer of the peer's certificate, verified" }

static const struct runner_field connection_result[] = {
  { .name = "local", .type = RUNNER_TEXT, .help = "our address" },
  { .name = "peer", .type = RUNNER_TEXT, .help = "the peer's address" },
  TLS_RESULT,
  { 0 },
};
static const struct runner_field listen_result[] = {
  { .name = "address", .type = RUNNER_ADDRESS, .help = "where it listens" },
  { .name = "host", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "the host in it, without brackets" },
  { .name = "port", .type = RUNNER_INT, .flags = RUNNER_OPTIONAL, .help = "the port in it" },
  { 0 },
};
static const struct runner_field start_tls_result[] = { TLS_RESULT, { 0 } };

/* ---- the plugin ---- */

static const struct runner_verb verbs[] = {
  { .name = "connect", .help = "open a connection", .run = tcp_connect, .params = connect_params,
    .args_size = sizeof (struct connect_args), .result = connection_result, .flags = RUNNER_COOPERATIVE },
  { .name = "listen", .help = "wait for connections at an address", .run = tcp_listen, .params = listen_params,
    .args_size = sizeof (struct listen_args), .result = listen_result, .flags = RUNNER_COOPERATIVE },
  { .name = "accept", .help = "take the next connection that comes in", .run = tcp_accept, .params = accept_params,
    .args_size = sizeof (struct accept_args), .result = connection_result, .flags = RUNNER_COOPERATIVE },
  { .name = "start_tls", .help = "speak TLS from now on", .run = tcp_start_tls,
    .params = start_tls_params, .args_size = sizeof (struct start_tls_args), .result = start_tls_result,
    .flags = RUNNER_COOPERATIVE },
  { .name = "send", .help = "send bytes", .run = tcp_send, .params = send_params,
    .args_size = sizeof (struct send_args), .result = send_result, .flags = RUNNER_COOPERATIVE },
  { .name = "receive", .help = "receive what comes next; it must be what is said", .run = tcp_receive,
    .params = receive_params, .args_size = sizeof (struct receive_args), .result = receive_result,
    .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE },
  { .name = "wait", .help = "pass over what comes until it is what is said", .run = tcp_wait, .params = wait_params,
    .args_size = sizeof (struct receive_args), .result = wait_result,
    .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE },
  { .name = "quiet", .help = "for a while nothing may come that is what is said", .run = tcp_quiet,
    .params = quiet_params, .args_size = sizeof (struct quiet_args),
    .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE },
  { .name = "shutdown", .help = "send no more: the peer sees the end, and may go on sending", .run = tcp_shutdown,
    .params = conn_params, .args_size = sizeof (struct conn_args), .flags = RUNNER_COOPERATIVE },
  { .name = "close", .help = "close a connection or a listening socket", .run = tcp_close, .params = conn_params,
    .args_size = sizeof (struct conn_args), .flags = RUNNER_COOPERATIVE },
  { .name = "reset", .help = "break a connection off: the peer sees a reset", .run = tcp_reset,
    .params = conn_params, .args_size = sizeof (struct conn_args), .flags = RUNNER_COOPERATIVE },
  { 0 },
};

RUNNER_PLUGIN (.name = "tcp", .version = "1.0", .help = "connections over TCP, TLS and Unix sockets",
               .verbs = verbs);
