/* server.c - see server.h. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "idmap.h"
#include "message.h"
#include "pyrepr.h"

#define BACKLOG 4096
#define READ_ROOM 65536
#define KEEPALIVE_SECONDS 60

/* What a device does not read is kept up to here; then its connection is closed. */
#define UNSENT_LIMIT ((size_t) 4 << 20)

/* Ids that one connection may name. */
#define IDS_OF_CONNECTION 65536

/* A crowd that comes and goes at the limit is told once in so long. */
#define TELL_FULL_MS 60000

/* How much of a bad frame a log line shows. */
#define SHOWN_BYTES 200

/* Those of one device id.  There is one as long as a connection has named it. */
struct device {
  struct idmap_node node; /* first */
  struct membership *members;
  size_t count;
};

/* A connection belongs to a device. */
struct membership {
  struct device *device;
  struct connection *connection;
  struct membership *next_of_device, **place_in_device;
  struct membership *next_of_connection;
};

struct connection {
  uv_tcp_t tcp; /* first */
  struct server *server;
  struct connection *next, **place;
  struct membership *memberships;
  size_t count;
  struct frame_reader reader;
};

struct server {
  uv_tcp_t listener; /* first */
  struct broker *broker;
  struct cache *cache;
  struct journal *journal;
  struct idmap devices;
  struct connection *connections;
  size_t count, most;   /* connections */
  bool waits;           /* libuv holds one that has come, and accepts no more until it is taken */
  uint64_t told_full;   /* when that was told, on the loop's clock; 0: never */
  struct bytes message; /* scratch */
  bool stopping;
  char read_buffer[READ_ROOM]; /* of whichever connection is being read */
};

/* Bytes that could not be written at once. */
struct unsent {
  uv_write_t request; /* first */
  char data[];
};

/* ---- which connection belongs to which device ---------------------------- */

/* Looks where there is less to look through. */
static bool
belongs (const struct connection *connection, const struct device *device)
{
  if (connection->memberships && connection->memberships->device == device)
    return true;
  const struct membership *m;
  if (connection->count <= device->count) {
    for (m = connection->memberships; m && m->device != device;)
      m = m->next_of_connection;
  } else {
    for (m = device->members; m && m->connection != connection;)
      m = m->next_of_device;
  }
  return m != NULL;
}

/* True if the connection did not belong to the device before. */
static bool
join (struct connection *connection, int64_t id)
{
  struct server *server = connection->server;
  struct device *device = (struct device *) idmap_find (&server->devices, id);
  if (device && belongs (connection, device))
    return false;
  if (!device) {
    device = bytes_allocate (sizeof *device);
    idmap_add (&server->devices, &device->node, id);
  }
  struct membership *membership = bytes_allocate (sizeof *membership);
  *membership = (struct membership) { device, connection, device->members, &device->members,
                                      connection->memberships };
  if (device->members)
    device->members->place_in_device = &membership->next_of_device;
  device->members = membership;
  device->count++;
  connection->memberships = membership;
  connection->count++;
  return true;
}

static void
leave_all (struct connection *connection)
{
  struct server *server = connection->server;
  for (struct membership *m = connection->memberships, *next; m; m = next) {
    next = m->next_of_connection;
    *m->place_in_device = m->next_of_device;
    if (m->next_of_device)
      m->next_of_device->place_in_device = m->place_in_device;
    if (--m->device->count == 0) {
      idmap_remove (&server->devices, &m->device->node);
      free (m->device);
    }
    free (m);
  }
  connection->memberships = NULL;
  connection->count = 0;
}

/* ---- the end of a connection --------------------------------------------- */

static void
free_server_if_done (struct server *server)
{
  if (!server->stopping || server->connections || server->listener.data)
    return;
  idmap_free (&server->devices);
  bytes_free (&server->message);
  free (server);
}

static void take_device (struct server *server);

static void
connection_closed (uv_handle_t *handle)
{
  struct connection *connection = (struct connection *) handle;
  struct server *server = connection->server;
  *connection->place = connection->next;
  if (connection->next)
    connection->next->place = connection->place;
  frame_reader_free (&connection->reader);
  free (connection);
  server->count--;
  if (server->waits && !server->stopping)
    take_device (server);
  free_server_if_done (server);
}

static void
tell_closed (const struct connection *connection, const char *reason)
{
  struct journal *journal = connection->server->journal;
  for (const struct membership *m = connection->memberships; m; m = m->next_of_connection)
    journal->tell (journal, &(struct event) { .name = "closed", .id = &m->device->node.id, .reason = reason });
  if (!connection->memberships)
    journal->tell (journal, &(struct event) { .name = "closed", .reason = reason });
}

/* Forgets the connection at once; `reason` NULL: the device ended it. */
static void
close_connection (struct connection *connection, const char *reason)
{
  struct journal *journal = connection->server->journal;
  if (uv_is_closing ((uv_handle_t *) connection))
    return;
  if (reason) {
    char line[160];
    snprintf (line, sizeof line, "Server: connection closed: %s", reason);
    journal->warn (journal, line);
  }
  if (!connection->server->stopping)
    tell_closed (connection, reason);
  leave_all (connection);
  uv_close ((uv_handle_t *) connection, connection_closed);
}

/* ---- what devices send ---------------------------------------------------- */

static void
drop_frame (struct connection *connection, const struct frame *frame, const char *wrong)
{
  struct journal *journal = connection->server->journal;
  CLEANUP_BYTES struct bytes line = { 0 };
  bytes_puts (&line, "Server: frame dropped: ");
  bytes_puts (&line, wrong);
  bytes_puts (&line, ": ");
  pyrepr_bytes (&line, frame->text, frame->size < SHOWN_BYTES ? frame->size : SHOWN_BYTES);
  if (frame->size > SHOWN_BYTES)
    bytes_puts (&line, "...");
  journal->warn (journal, bytes_text (&line));
  CLEANUP_BYTES struct bytes shown = { 0 };
  pyrepr_line (&shown, frame->text, frame->size);
  journal->tell (journal, &(struct event) { .name = "dropped", .frame = &shown, .reason = wrong });
}

static void
tell_connected (struct server *server, const struct report *report)
{
  CLEANUP_BYTES struct bytes line = { 0 }, frame = { 0 };
  bytes_puts (&line, "Server: connected device id ");
  frame_write (&frame, report);
  pyrepr_line (&line, frame.data, frame.size);
  server->journal->print (server->journal, bytes_text (&line));
  server->journal->tell (server->journal, &(struct event) { .name = "connected", .report = report });
}

/* With what the cache holds for its device now. */
static void
tell_report (struct server *server, const struct report *report)
{
  struct report cached = { .id = report->id };
  cached.text = server->cache->ops->get (server->cache, report->id, &cached.size);
  server->journal->tell (server->journal, &(struct event) { .name = "report", .report = report,
                                                            .cached = cached.text ? &cached : NULL });
}

static void
take_report (struct connection *connection, const struct report *report)
{
  struct server *server = connection->server;
  if (join (connection, report->id))
    tell_connected (server, report);
  if (server->cache->ops->set (server->cache, report) != 0)
    server->journal->warn (server->journal, "Server: the cache did not take a report");
  tell_report (server, report);
  server->message.size = 0;
  message_encode (&server->message, report);
  if (server->broker->ops->publish (server->broker, BROKER_INPUT, server->message.data, server->message.size) != 0)
    server->journal->warn (server->journal, "Server: the broker did not take a report");
  if (connection->count > IDS_OF_CONNECTION)
    close_connection (connection, "it named more than 65536 ids");
}

static void
take_frames (struct connection *connection, const char *data, size_t size)
{
  struct frame frame;
  enum frame_found found;
  while (!uv_is_closing ((uv_handle_t *) connection)
         && (found = frame_next (&connection->reader, &data, &size, &frame)) != FRAME_MORE) {
    if (found == FRAME_TOO_LONG) {
      close_connection (connection, "64 KiB without an end of frame");
      continue;
    }
    struct report report;
    const char *wrong = frame_parse (&frame, &report);
    if (wrong)
      drop_frame (connection, &frame, wrong);
    else
      take_report (connection, &report);
  }
}

static void
lend_buffer (uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
  (void) suggested;
  struct server *server = ((struct connection *) handle)->server;
  *buffer = uv_buf_init (server->read_buffer, READ_ROOM);
}

static void
bytes_came (uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
  struct connection *connection = (struct connection *) stream;
  if (n > 0)
    take_frames (connection, buffer->base, (size_t) n);
  else if (n < 0)
    close_connection (connection, n == UV_EOF || n == UV_ECONNRESET ? NULL : uv_strerror ((int) n));
}

/* ---- what devices get ----------------------------------------------------- */

static void
write_done (uv_write_t *request, int status)
{
  struct connection *connection = (struct connection *) request->handle;
  free (request);
  if (status < 0)
    close_connection (connection, NULL);
}

static void
send_bytes (struct connection *connection, const char *data, size_t size)
{
  uv_stream_t *stream = (uv_stream_t *) connection;
  int written = uv_try_write (stream, &(uv_buf_t) { .base = (char *) data, .len = size }, 1);
  if (written == UV_EAGAIN)
    written = 0;
  if (written < 0) {
    close_connection (connection, NULL);
    return;
  }
  size -= (size_t) written;
  if (!size)
    return;
  if (uv_stream_get_write_queue_size (stream) + size > UNSENT_LIMIT) {
    close_connection (connection, "the device does not read what it is sent");
    return;
  }
  struct unsent *unsent = bytes_allocate (sizeof *unsent + size);
  memcpy (unsent->data, data + written, size);
  uv_buf_t rest = uv_buf_init (unsent->data, (unsigned) size);
  if (uv_write (&unsent->request, stream, &rest, 1, write_done) != 0) {
    free (unsent);
    close_connection (connection, NULL);
  }
}

static void
send_to_device (struct server *server, const struct report *report)
{
  struct device *device = (struct device *) idmap_find (&server->devices, report->id);
  if (!device)
    return;
  CLEANUP_BYTES struct bytes frame = { 0 };
  frame_write (&frame, report);
  int64_t connections = (int64_t) device->count;
  journal_print_id (server->journal, "send to client ", report->id);
  server->journal->tell (server->journal, &(struct event) { .name = "sent", .report = report,
                                                            .connections = connections });
  for (struct membership *m = device->members, *next; m; m = next) {
    next = m->next_of_device; /* sending may close this connection, and end the device with its last one */
    send_bytes (m->connection, frame.data, frame.size);
  }
}

static void
on_message_output (void *data, struct broker_message *message)
{
  struct server *server = data;
  json_t *json;
  struct report report;
  const char *wrong = message_decode (message->body, message->size, &json, &report);
  if (wrong) {
    char line[160];
    snprintf (line, sizeof line, "Server: message dropped: %s", wrong);
    server->journal->warn (server->journal, line);
  } else
    send_to_device (server, &report);
  json_decref (json);
  server->broker->ops->acknowledge (server->broker, message);
}

/* ---- accepting -------------------------------------------------------------- */

static void
tell_full (struct server *server)
{
  char line[128];
  uint64_t now = uv_now (server->listener.loop);
  if (server->told_full && now - server->told_full < TELL_FULL_MS)
    return;
  server->told_full = now;
  snprintf (line, sizeof line, "Server: it is full, %zu connections are open: more have to wait until one is closed",
            server->count);
  server->journal->warn (server->journal, line);
}

/* The one that waits. */
static void
take_device (struct server *server)
{
  uv_stream_t *listener = (uv_stream_t *) &server->listener;
  struct connection *connection = bytes_allocate (sizeof *connection);
  server->waits = false;
  connection->server = server;
  server->count++;
  uv_tcp_init (listener->loop, &connection->tcp);
  connection->next = server->connections;
  connection->place = &server->connections;
  if (connection->next)
    connection->next->place = &connection->next;
  server->connections = connection;
  uv_stream_t *stream = (uv_stream_t *) connection;
  int rc = uv_accept (listener, stream);
  if (rc == 0)
    rc = uv_read_start (stream, lend_buffer, bytes_came);
  if (rc != 0)
    close_connection (connection, uv_strerror (rc));
  else { /* both only help */
    uv_tcp_nodelay (&connection->tcp, 1);
    uv_tcp_keepalive (&connection->tcp, 1, KEEPALIVE_SECONDS);
  }
}

static void
device_came (uv_stream_t *listener, int status)
{
  struct server *server = (struct server *) listener;
  if (status < 0) {
    server->journal->warn (server->journal, uv_strerror (status));
    return;
  }
  server->waits = true;
  if (server->count < server->most)
    take_device (server);
  else
    tell_full (server);
}

static void
listener_closed (uv_handle_t *handle)
{
  struct server *server = (struct server *) handle;
  server->listener.data = NULL;
  free_server_if_done (server);
}

void
server_stop (struct server *server)
{
  server->stopping = true;
  for (struct connection *c = server->connections; c; c = c->next)
    close_connection (c, NULL);
  uv_close ((uv_handle_t *) &server->listener, listener_closed);
}

struct server *
server_start (uv_loop_t *loop, int listener, size_t most, struct broker *broker, struct cache *cache,
              struct journal *journal)
{
  struct server *server = bytes_allocate (sizeof *server);
  server->most = most;
  server->broker = broker;
  server->cache = cache;
  server->journal = journal;
  uv_tcp_init (loop, &server->listener);
  server->listener.data = server; /* until it is closed */
  int rc = uv_tcp_open (&server->listener, listener);
  if (rc != 0)
    close (listener);
  else
    rc = uv_listen ((uv_stream_t *) &server->listener, BACKLOG, device_came);
  if (rc == 0 && broker->ops->subscribe (broker, BROKER_OUTPUT, on_message_output, server) != 0)
    rc = UV_ENOBUFS;
  if (rc == 0)
    return server;
  server_stop (server);
  errno = -rc;
  return NULL;
}
