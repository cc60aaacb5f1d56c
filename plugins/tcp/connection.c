/* connection.c - see connection.h.  Connecting and accepting are in open.c. */
#define _GNU_SOURCE 1
#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../common/net.h"
#include "tls.h"

#define PIECE ((size_t) 64 << 10) /* bytes read at once */

static void
socket_destroy (struct runner_step *step, void *object)
{
  struct connection *connection = object;
  (void) step; /* nothing here waits: a peer that takes nothing must not hold up the end */
  if (connection->tls && !connection->abort && !connection->shut && connection->stream.state != STREAM_RESET)
    tls_goodbye (connection);
  if (!connection->abort && !connection->listening)
    net_end (connection->fd);
  connection_free (connection);
}

const struct runner_handle_type tcp_socket = { .name = "tcp socket", .destroy = socket_destroy };

struct connection *
connection_new (int fd, const char *name, const char *peer)
{
  struct connection *connection = calloc (1, sizeof *connection);
  if (!connection) {
    close (fd);
    return NULL;
  }
  connection->fd = fd;
  snprintf (connection->name, sizeof connection->name, "%.60s %s", name, peer);
  return connection;
}

void
connection_free (struct connection *connection)
{
  tls_free (connection->tls);
  close (connection->fd);
  if (connection->path)
    (void) unlink (connection->path);
  free (connection->path);
  stream_free (&connection->stream);
  free (connection);
}

struct connection *
connection_use (struct runner_step *step, const char *name, int listening)
{
  struct connection *connection = runner_handle_use (step, name, &tcp_socket);
  if (!connection || connection->listening == listening)
    return connection;
  runner_error (step, listening ? "%s is a connection; this needs a listening socket (tcp.listen)"
                                : "%s is a listening socket; this needs a connection (tcp.accept makes one)",
                connection->name);
  return NULL;
}

int
connection_lost (struct runner_step *step, struct connection *connection, const char *did, int error)
{
  connection->stream.state = STREAM_RESET;
  return runner_fail (step, "%s: %s: %s", connection->name, did,
                      error == EPIPE ? "the peer has closed the connection" : strerror (error));
}

/* ---- receiving ---- */

static int
take (struct runner_step *step, struct connection *connection, const void *data, size_t size)
{
  if (connection->tls)
    return tls_take (step, connection, data, size);
  runner_wire (step, RUNNER_RECEIVED, connection->name, data, size);
  if (stream_add (&connection->stream, data, size) < 0)
    return runner_error (step, "%s: more than %zu MiB came that nothing has read", connection->name,
                         STREAM_LIMIT >> 20);
  return RUNNER_PASS;
}

/* Reads what is there.  1: something, or the end; 0: nothing; -1: *outcome is to
 * be returned. */
static int
connection_read (struct runner_step *step, struct connection *connection, int *outcome)
{
  char data[PIECE];
  ssize_t n;
  do
    n = recv (connection->fd, data, sizeof data, MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  if (n > 0) {
    *outcome = take (step, connection, data, (size_t) n);
    return *outcome == RUNNER_PASS ? 1 : -1;
  }
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return 0;
  connection->stream.state = n == 0 ? STREAM_ENDED : STREAM_RESET;
  runner_log (step, "%s: %s", connection->name, n == 0 ? "closed by the peer" : strerror (errno));
  return 1;
}

static int
connection_more (struct runner_step *step, void *object, int64_t ns, int *outcome)
{
  struct connection *connection = object;
  struct stream *stream = &connection->stream;
  int64_t end = ns < 0 ? INT64_MAX : runner_now () + ns;
  for (;;) {
    /* With TLS, what comes need not hold any bytes for us. */
    uint64_t before = stream->received;
    int got = connection_read (step, connection, outcome);
    if (got < 0)
      return MORE_FAILED;
    if (stream->received != before || stream->state != STREAM_OPEN)
      return MORE_CAME;
    int64_t left = end == INT64_MAX ? -1 : end - runner_now ();
    if (end != INT64_MAX && left <= 0)
      return MORE_NOT_YET;
    struct pollfd ready = { .fd = connection->fd, .events = POLLIN };
    if (runner_poll (step, &ready, 1, left) < 0)
      return MORE_EXPIRED;
  }
}

struct stream_source
connection_source (struct connection *connection)
{
  return (struct stream_source) { .stream = &connection->stream, .name = connection->name, .object = connection,
                                  .more = connection_more };
}

/* ---- sending ---- */

/* Waits until the socket takes bytes.  Bytes that come are taken meanwhile: a
 * peer that waits for us to read them would never read ours. */
static int
await_room (struct runner_step *step, struct connection *connection, size_t unsent)
{
  for (;;) {
    short events = connection->stream.state == STREAM_OPEN ? POLLOUT | POLLIN : POLLOUT;
    struct pollfd ready = { .fd = connection->fd, .events = events };
    if (runner_poll (step, &ready, 1, -1) < 0)
      return runner_expired (step, "sending to %s: it does not take the last %zu bytes", connection->name, unsent);
    if (ready.revents & (POLLOUT | POLLERR | POLLHUP))
      return RUNNER_PASS;
    int outcome;
    if (connection_read (step, connection, &outcome) < 0)
      return outcome;
  }
}

int
connection_send_raw (struct runner_step *step, struct connection *connection, const void *data, size_t size,
                     size_t *sent)
{
  const char *from = data;
  size_t done = 0;
  int outcome = RUNNER_PASS;
  while (done < size && outcome == RUNNER_PASS) {
    ssize_t n = send (connection->fd, from + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0)
      done += (size_t) n;
    else if (errno == EAGAIN || errno == EWOULDBLOCK)
      outcome = await_room (step, connection, size - done);
    else if (errno != EINTR)
      outcome = connection_lost (step, connection, "sending", errno);
  }
  if (sent)
    *sent = done;
  return outcome;
}

int
connection_send (struct runner_step *step, struct connection *connection, const void *data, size_t size,
                 size_t *sent)
{
  if (connection->shut)
    return runner_error (step, "%s: its sending side was shut down before", connection->name);
  runner_wire (step, RUNNER_SENT, connection->name, data, size);
  if (!connection->tls)
    return connection_send_raw (step, connection, data, size, sent);
  int outcome = tls_send (step, connection, data, size);
  if (sent)
    *sent = outcome == RUNNER_PASS ? size : 0;
  return outcome;
}

int
connection_shutdown (struct runner_step *step, struct connection *connection)
{
  if (connection->shut)
    return RUNNER_PASS;
  int outcome = connection->tls ? tls_shutdown (step, connection) : RUNNER_PASS;
  if (outcome != RUNNER_PASS)
    return outcome;
  if (shutdown (connection->fd, SHUT_WR) < 0)
    return connection_lost (step, connection, "shutting down", errno);
  connection->shut = 1;
  return RUNNER_PASS;
}
