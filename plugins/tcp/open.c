/* open.c - see open.h. */
#define _GNU_SOURCE 1
#include "open.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/show.h"

#define AGAIN_FIRST INT64_C (10000000)  /* 10 ms: pause before the second try within `within` */
#define AGAIN_MOST INT64_C (200000000)  /* 200 ms: it doubles up to this */

/* Small messages go out at once: tests measure, and look at segments. */
static void
no_delay (int fd, int family)
{
  int on = 1;
  if (family == AF_INET || family == AF_INET6)
    (void) setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* ---- connect ---- */

/* The addresses of both sides.  Of `to` only those are kept that go with one of `bind`. */
struct ends { struct addresses to, bind; };

static int
resolve_ends (struct runner_step *step, const struct connect_args *args, struct ends *ends)
{
  ends->bind.count = 0;
  int outcome = address_resolve (step, &args->to, SOCK_STREAM, 0, &ends->to);
  if (outcome != RUNNER_PASS || !runner_given (step, "bind"))
    return outcome;
  outcome = address_resolve (step, &args->bind, SOCK_STREAM, 1, &ends->bind);
  if (outcome != RUNNER_PASS)
    return outcome;
  size_t count = 0;
  for (size_t i = 0; i < ends->to.count; i++)
    if (address_of_family (&ends->bind, ends->to.list[i].addr.ss_family))
      ends->to.list[count++] = ends->to.list[i];
  ends->to.count = count;
  if (count)
    return RUNNER_PASS;
  return runner_error (step, "bind: %s is of another family of addresses than `to`", args->bind.text);
}

static int
bind_local (struct runner_step *step, int fd, const struct address *local, const char *text)
{
  if (!local || bind (fd, (const struct sockaddr *) &local->addr, local->size) == 0)
    return RUNNER_PASS;
  return runner_error (step, "bind: %s: %s", text, strerror (errno));
}

/* What came of an attempt to connect. */
struct attempt {
  int fd;
  int error;
  int may_come_up; /* nobody listens yet, at one of the addresses at least */
  char peer[ADDRESS_ROOM];
};

/* Waits for the connection on attempt->fd, at most `ns`. */
static int
finish_connect (struct runner_step *step, struct attempt *attempt, int64_t ns)
{
  struct pollfd ready = { .fd = attempt->fd, .events = POLLOUT };
  int n = runner_poll (step, &ready, 1, ns);
  if (n < 0)
    return runner_expired (step, "connecting to %s", attempt->peer);
  socklen_t size = sizeof attempt->error;
  if (n == 0)
    attempt->error = ETIMEDOUT;
  else if (getsockopt (attempt->fd, SOL_SOCKET, SO_ERROR, &attempt->error, &size) < 0)
    attempt->error = errno;
  return RUNNER_PASS;
}

/* On one machine, who connects to a port that nobody listens at can get that very
 * port as its own, and is then connected to itself (RFC 9293, 3.5, figure 7). */
static int
is_itself (int fd, int family)
{
  char local[ADDRESS_ROOM], peer[ADDRESS_ROOM];
  return family != AF_UNIX && strcmp (address_local (local, fd), address_peer (peer, fd)) == 0;
}

/* One address.  RUNNER_PASS says that it was tried: attempt->error says how it went. */
static int
connect_address (struct runner_step *step, const struct connect_args *args, const struct address *address,
                 const struct address *local, int64_t ns, struct attempt *attempt)
{
  int family = address->addr.ss_family;
  address_print (attempt->peer, address);
  attempt->error = 0;
  attempt->fd = socket (family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (attempt->fd < 0 && errno == EAFNOSUPPORT) { /* a system without IPv6, say */
    attempt->error = errno;
    return RUNNER_PASS;
  }
  if (attempt->fd < 0)
    return runner_error (step, "no socket for %s: %s", attempt->peer, strerror (errno));
  no_delay (attempt->fd, family);
  int outcome = bind_local (step, attempt->fd, local, args->bind.text);
  const struct sockaddr *to = (const struct sockaddr *) &address->addr;
  if (outcome == RUNNER_PASS && connect (attempt->fd, to, address->size) < 0) {
    /* EINTR: it goes on all the same (connect(2)). */
    if (errno == EINPROGRESS || errno == EINTR)
      outcome = finish_connect (step, attempt, ns);
    else
      attempt->error = errno;
  }
  if (outcome == RUNNER_PASS && !attempt->error && is_itself (attempt->fd, family))
    attempt->error = ECONNREFUSED;
  if (outcome != RUNNER_PASS || attempt->error) {
    close (attempt->fd);
    attempt->fd = -1;
  }
  return outcome;
}

/* Nobody listens there yet. */
static int
may_come_up (int error)
{
  return error == ECONNREFUSED || error == ENOENT || error == ECONNRESET;
}

/* All addresses of the host, each with its share of the time. */
static int
connect_any (struct runner_step *step, const struct connect_args *args, const struct ends *ends,
             struct attempt *attempt)
{
  const struct addresses *to = &ends->to;
  attempt->may_come_up = 0;
  for (size_t i = 0; i < to->count; i++) {
    size_t others = to->count - i;
    int64_t share = others > 1 ? runner_left (step) / (int64_t) others : -1;
    const struct address *local = address_of_family (&ends->bind, to->list[i].addr.ss_family);
    int outcome = connect_address (step, args, &to->list[i], local, share, attempt);
    if (outcome != RUNNER_PASS || !attempt->error)
      return outcome;
    attempt->may_come_up |= may_come_up (attempt->error);
    if (others > 1)
      runner_log (step, "%s: %s; trying the next address", attempt->peer, strerror (attempt->error));
  }
  return RUNNER_PASS;
}

static int
connect_within (struct runner_step *step, const struct connect_args *args, struct attempt *attempt)
{
  struct ends ends;
  int outcome = resolve_ends (step, args, &ends);
  if (outcome != RUNNER_PASS)
    return outcome;
  int64_t start = runner_now (), pause = AGAIN_FIRST;
  char within[40];
  for (;;) {
    outcome = connect_any (step, args, &ends, attempt);
    if (outcome != RUNNER_PASS || !attempt->error)
      return outcome;
    int64_t left = args->within.ns - (runner_now () - start);
    if (!attempt->may_come_up || left <= 0)
      break;
    if (runner_sleep (step, pause < left ? pause : left) < 0) /* the last attempt is at the very end */
      return runner_expired (step, "connecting to %s: %s", attempt->peer, strerror (attempt->error));
    pause = pause * 2 > AGAIN_MOST ? AGAIN_MOST : pause * 2;
  }
  if (args->within.ns && attempt->may_come_up)
    return runner_fail (step, "cannot connect to %s within %s: %s", attempt->peer,
                        show_time (within, args->within.ns), strerror (attempt->error));
  return runner_fail (step, "cannot connect to %s: %s", attempt->peer, strerror (attempt->error));
}

/* Makes the handle and puts the result. */
static int
publish (struct runner_step *step, struct connection *connection, const char *as)
{
  struct runner_out *out = runner_result (step);
  char text[ADDRESS_ROOM];
  runner_put_string (out, "local", address_local (text, connection->fd));
  runner_put_string (out, "peer", address_peer (text, connection->fd));
  if (connection->tls)
    tls_put (out, connection->tls);
  if (runner_handle_add (step, as, &tcp_socket, connection) == 0)
    return RUNNER_PASS;
  connection_free (connection);
  return RUNNER_ERROR;
}

/* Without `tls: true` there is none, and what is said of it would be overlooked. */
static int
tls_unasked (struct runner_step *step)
{
  static const char *const names[] = { "tls_name", "tls_ca", "tls_cert", "tls_key", "tls_alpn", "tls_verify" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (runner_given (step, names[i]))
      return runner_error (step, "%s says something of TLS, which this connection does not speak: give tls: true",
                           names[i]);
  return RUNNER_PASS;
}

int
tcp_connect (struct runner_step *step, const void *arguments)
{
  const struct connect_args *args = arguments;
  if (args->to.host && args->to.port == 0)
    return runner_error (step, "to: %s has no port", args->to.text);
  if (!args->tls.on && tls_unasked (step) != RUNNER_PASS)
    return RUNNER_ERROR;
  struct attempt attempt = { .fd = -1 };
  int outcome = connect_within (step, args, &attempt);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct connection *connection = connection_new (attempt.fd, args->as, attempt.peer);
  if (!connection)
    return runner_error (step, "out of memory");
  if (args->tls.on)
    outcome = tls_start (step, connection, &args->tls_args, args->to.host, 0);
  if (outcome != RUNNER_PASS) {
    connection_free (connection);
    return outcome;
  }
  return publish (step, connection, args->as);
}

/* ---- listen, accept ---- */

static int
listen_at (struct runner_step *step, const struct runner_address *at, const struct address *address, int *fd)
{
  *fd = socket (address->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (*fd < 0)
    return runner_error (step, "no socket for %s: %s", at->text, strerror (errno));
  int on = 1;
  if (address->addr.ss_family != AF_UNIX)
    (void) setsockopt (*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (*fd, (const struct sockaddr *) &address->addr, address->size) == 0 && listen (*fd, SOMAXCONN) == 0)
    return RUNNER_PASS;
  int error = errno;
  close (*fd);
  return runner_error (step, "cannot listen at %s: %s", at->text, strerror (error));
}

static void
put_listening (struct runner_step *step, const char *address)
{
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "address", address);
  const char *colon = strrchr (address, ':');
  if (strncmp (address, "unix:", 5) != 0 && colon) {
    runner_put_text (out, "host", address + (*address == '['), (size_t) (colon - address) - 2 * (*address == '['));
    runner_put_int (out, "port", strtol (colon + 1, NULL, 10));
  }
}

int
tcp_listen (struct runner_step *step, const void *arguments)
{
  const struct listen_args *args = arguments;
  struct addresses at;
  int outcome = address_resolve (step, &args->at, SOCK_STREAM, 1, &at);
  int fd;
  if (outcome == RUNNER_PASS)
    outcome = listen_at (step, &args->at, &at.list[0], &fd);
  if (outcome != RUNNER_PASS)
    return outcome;
  char address[ADDRESS_ROOM];
  address_local (address, fd);
  struct connection *listener = connection_new (fd, args->as, address);
  if (!listener)
    return runner_error (step, "out of memory");
  listener->listening = 1;
  if (args->at.path && *args->at.path != '@' && !(listener->path = strdup (args->at.path))) {
    connection_free (listener);
    return runner_error (step, "out of memory");
  }
  put_listening (step, address);
  if (runner_handle_add (step, args->as, &tcp_socket, listener) == 0)
    return RUNNER_PASS;
  connection_free (listener);
  return RUNNER_ERROR;
}

/* Waits for a connection.  Its descriptor, or -1: *outcome is to be returned. */
static int
accept_one (struct runner_step *step, struct connection *listener, struct address *peer, int *outcome)
{
  for (;;) {
    peer->size = sizeof peer->addr;
    int fd = accept4 (listener->fd, (struct sockaddr *) &peer->addr, &peer->size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
      return fd;
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS || errno == EINVAL
        || errno == EBADF) {
      *outcome = runner_error (step, "%s: cannot accept: %s", listener->name, strerror (errno));
      return -1;
    }
    /* Everything else is about the connection that was to be accepted (accept(2)). */
    struct pollfd ready = { .fd = listener->fd, .events = POLLIN };
    if (runner_poll (step, &ready, 1, -1) < 0) {
      *outcome = runner_expired (step, "waiting for a connection to %s", listener->name);
      return -1;
    }
  }
}

int
tcp_accept (struct runner_step *step, const void *arguments)
{
  const struct accept_args *args = arguments;
  struct connection *listener = connection_use (step, args->conn, 1);
  if (!listener || (!args->tls.on && tls_unasked (step) != RUNNER_PASS))
    return RUNNER_ERROR;
  struct address peer = { 0 };
  int outcome = RUNNER_PASS;
  int fd = accept_one (step, listener, &peer, &outcome);
  if (fd < 0)
    return outcome;
  char name[ADDRESS_ROOM];
  no_delay (fd, peer.addr.ss_family);
  struct connection *connection = connection_new (fd, args->as, address_print (name, &peer));
  if (!connection)
    return runner_error (step, "out of memory");
  if (args->tls.on)
    outcome = tls_start (step, connection, &args->tls_args, NULL, 1);
  if (outcome != RUNNER_PASS) {
    connection_free (connection);
    return outcome;
  }
  return publish (step, connection, args->as);
}

int
tcp_start_tls (struct runner_step *step, const void *arguments)
{
  const struct start_tls_args *args = arguments;
  struct connection *connection = connection_use (step, args->conn, 0);
  if (!connection)
    return RUNNER_ERROR;
  struct stream *stream = &connection->stream;
  if (stream->size)
    return runner_error (step, "%s: %zu bytes were not read before TLS starts", connection->name, stream->size);
  int outcome = tls_start (step, connection, &args->tls_args, NULL, args->server.on);
  if (outcome == RUNNER_PASS)
    tls_put (runner_result (step), connection->tls);
  return outcome;
}
