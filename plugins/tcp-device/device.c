/* device.c - the role `device`: a client that creates itself in the web, tells the server its name until an answer
 * comes, and prints what it gets. */
#include "roles.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "../common/http-post.h"
#include "../common/net.h"
#include "../common/role.h"
#include "pyrepr.h"

#define ANSWER_NS INT64_C (10000000000) /* that web and server may take */
#define REPORT "name"
#define SENT_MOST 32 /* frames that are kept to be compared with what comes back */

struct device {
  struct runner_role *role;
  const struct device_args *args;
  struct role_journal journal;
  char server_host[256], web_host[256];
  uint16_t server_port, web_port;
  int fd;
  struct role_wait wait;
  struct frame_reader reader;
  struct bytes sent[SENT_MOST]; /* the last frames: lines may be typed before the first comes back */
  size_t sent_next;
  bool waiting;      /* for the first frame: until then it is sent again and again */
  int64_t first_write, next_write;
  struct bytes typed; /* the beginning of a line */
};

static void
tell (struct device *device, const struct event *event)
{
  device->journal.journal.tell (&device->journal.journal, event);
}

static void
print (struct device *device, struct bytes *line)
{
  device->journal.journal.print (&device->journal.journal, bytes_text (line));
}

/* ---- waiting -------------------------------------------------------------- */

static struct net_wait
patient (struct device *device)
{
  device->wait = (struct role_wait) { device->role, runner_now () + ANSWER_NS };
  return (struct net_wait) { role_wait, &device->wait };
}

/* ---- getting there ---------------------------------------------------------- */

static bool
find_hosts (struct device *device)
{
  const struct device_args *args = device->args;
  const char *server = getenv ("OPEN_SOLUTION_TCP_SERVER_HOST"), *web = getenv ("OPEN_SOLUTION_WEB_HOST");
  device->server_port = (uint16_t) args->server_port;
  device->web_port = (uint16_t) args->web_port;
  if (args->server.host) {
    server = args->server.host;
    if (args->server.port)
      device->server_port = args->server.port;
  } else if (args->server.text && *args->server.text) {
    runner_role_error (device->role, "server: %s is not host:port", args->server.text);
    return false;
  }
  if (!server || !*server)
    server = "localhost";
  if (args->web && *args->web)
    web = args->web;
  if (!web || !*web)
    web = "localhost";
  int n = snprintf (device->server_host, sizeof device->server_host, "%s", server);
  if (n < 0 || (size_t) n >= sizeof device->server_host
      || !http_split (web, device->web_host, sizeof device->web_host, &device->web_port)) {
    runner_role_error (device->role, "web or server: this is no host: %s, %s", web, server);
    return false;
  }
  return true;
}

/* What to return when something of the net did not work out. */
static int
broken (struct device *device, const char *where, uint16_t port, int result, const char *error)
{
  if (result == NET_STOPPED)
    return 0;
  return runner_role_error (device->role, "%s port %u: %s", where, (unsigned) port, error);
}

/* 0, or the role's exit status in *status. */
static int
create_device (struct device *device, int *status)
{
  char json[64], error[256];
  snprintf (json, sizeof json, "{\"id\": %" PRId64 "}", device->args->id);
  struct net_wait wait = patient (device);
  int answer = http_post (device->web_host, device->web_port, "/api/v1/device", json, &wait, error, sizeof error);
  if (answer >= 0 && answer != 200)
    snprintf (error, sizeof error, "the device was not created: status %d", answer);
  if (answer != 200) {
    *status = broken (device, device->web_host, device->web_port, answer, error);
    return -1;
  }
  CLEANUP_BYTES struct bytes line = { 0 };
  bytes_puts (&line, "CREATE DEVICE  ");
  bytes_int (&line, device->args->id);
  print (device, &line);
  tell (device, &(struct event) { .name = "created", .id = &device->args->id });
  return 0;
}

static int
connect_device (struct device *device, int *status)
{
  char error[256];
  struct net_wait wait = patient (device);
  device->fd = net_connect (device->server_host, device->server_port, &wait, error, sizeof error);
  if (device->fd < 0) {
    *status = broken (device, device->server_host, device->server_port, device->fd, error);
    return -1;
  }
  CLEANUP_BYTES struct bytes line = { 0 };
  bytes_puts (&line, "CLIENT ");
  bytes_int (&line, device->args->id);
  bytes_puts (&line, " CONNECTED TO ");
  bytes_int (&line, device->server_port);
  print (device, &line);
  tell (device, &(struct event) { .name = "connected", .id = &device->args->id });
  return 0;
}

/* ---- sending ------------------------------------------------------------------ */

static int
send_report (struct device *device, const char *text, size_t size)
{
  char error[256];
  struct report report = { device->args->id, text, size };
  struct bytes *sent = &device->sent[device->sent_next++ % SENT_MOST];
  sent->size = 0;
  frame_write (sent, &report);
  struct net_wait wait = patient (device);
  int rc = net_write_all (device->fd, sent->data, sent->size, &wait, error, sizeof error);
  if (rc == NET_OK)
    tell (device, &(struct event) { .name = "written", .report = &report });
  else if (rc != NET_STOPPED)
    runner_role_error (device->role, "the connection to the server is lost: %s", error);
  return rc;
}

/* The name, again and again, while nobody answers. */
static int
send_name_when_due (struct device *device)
{
  int64_t now = runner_now ();
  if (!device->waiting || now < device->next_write)
    return NET_OK;
  if (now - device->first_write >= device->args->give_up.ns) {
    device->waiting = false;
    device->journal.journal.warn (&device->journal.journal, "no answer: it is not asked for any more");
    tell (device, &(struct event) { .name = "gave_up", .id = &device->args->id });
    return NET_OK;
  }
  device->next_write += device->args->every.ns;
  if (device->next_write <= now) /* it was held up: no burst */
    device->next_write = now + device->args->every.ns;
  return send_report (device, REPORT, sizeof REPORT - 1);
}

static int
send_line (struct device *device, const char *line, size_t size)
{
  if (size && line[size - 1] == '\r')
    size--;
  if (memchr (line, '@', size) || size > FRAME_LIMIT - 32) {
    device->journal.journal.warn (&device->journal.journal, "not sent: a report has no @ and fits into 64 KiB");
    return NET_OK;
  }
  return send_report (device, line, size);
}

/* At the end of what is typed: a last line needs no line end. */
static int
send_last_line (struct device *device)
{
  struct bytes *typed = &device->typed;
  return typed->size ? send_line (device, typed->data, typed->size) : NET_OK;
}

/* What is typed: 1: go on, 0: it is over, else a net_result. */
static int
take_typed (struct device *device)
{
  struct bytes *typed = &device->typed;
  bytes_reserve (typed, 4096);
  ssize_t n = read (STDIN_FILENO, typed->data + typed->size, 4096);
  if (n < 0)
    return errno == EINTR || errno == EAGAIN;
  if (n == 0)
    return send_last_line (device); /* NET_OK is 0 */
  typed->size += (size_t) n;
  char *end;
  size_t used = 0;
  int rc = NET_OK;
  while (rc == NET_OK && (end = memchr (typed->data + used, '\n', typed->size - used))) {
    rc = send_line (device, typed->data + used, (size_t) (end - typed->data) - used);
    used = (size_t) (end - typed->data) + 1;
  }
  typed->size -= used;
  memmove (typed->data, typed->data + used, typed->size);
  if (typed->size > FRAME_LIMIT)
    typed->size = FRAME_LIMIT; /* too long a line stays too long */
  return rc == NET_OK ? 1 : rc;
}

/* ---- receiving ------------------------------------------------------------------ */

static bool
was_sent (const struct device *device, const struct frame *frame)
{
  for (size_t i = 0; i < SENT_MOST; i++)
    if (device->sent[i].size == frame->size && memcmp (device->sent[i].data, frame->text, frame->size) == 0)
      return true;
  return false;
}

static void
take_frame (struct device *device, const struct frame *frame)
{
  int success = was_sent (device, frame);
  struct timespec now;
  CLEANUP_BYTES struct bytes line = { 0 }, shown = { 0 };
  device->waiting = false;
  clock_gettime (CLOCK_REALTIME, &now);
  bytes_time (&line, &now);
  bytes_puts (&line, ": Data ");
  pyrepr_bytes (&line, frame->text, frame->size);
  bytes_puts (&line, success ? ", Success" : ", Error");
  print (device, &line);
  pyrepr_line (&shown, frame->text, frame->size);
  struct report report;
  tell (device, &(struct event) { .name = "received", .frame = &shown, .success = &success,
                                  .report = frame_parse (frame, &report) ? NULL : &report });
}

/* 0: go on, 1: the connection is of no use any more. */
static int
take_bytes (struct device *device)
{
  char data[65536];
  ssize_t n = recv (device->fd, data, sizeof data, MSG_DONTWAIT);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return 0;
  if (n <= 0)
    return runner_role_error (device->role, "the connection to the server is lost: %s",
                              n == 0 ? "it closed it" : strerror (errno));
  const char *from = data;
  size_t left = (size_t) n;
  struct frame frame;
  enum frame_found found;
  while ((found = frame_next (&device->reader, &from, &left, &frame)) == FRAME_FOUND)
    take_frame (device, &frame);
  if (found == FRAME_TOO_LONG)
    return runner_role_error (device->role, "the server sent 64 KiB without an end of frame");
  return 0;
}

/* ---- the role ---------------------------------------------------------------------- */

/* Until the role is stopped or something breaks: the exit status. */
static int
serve (struct device *device)
{
  struct pollfd fds[3] = { { .fd = runner_stop_fd (device->role), .events = POLLIN },
                           { .fd = device->fd, .events = POLLIN },
                           { .fd = device->args->interactive.on ? STDIN_FILENO : -1, .events = POLLIN } };
  device->waiting = !device->args->interactive.on;
  device->first_write = device->next_write = runner_now ();
  for (;;) {
    int rc = send_name_when_due (device);
    if (rc != NET_OK)
      return rc != NET_STOPPED;
    if (poll (fds, 3, device->waiting ? role_milliseconds (device->next_write) : -1) < 0) {
      if (errno != EINTR)
        return runner_role_error (device->role, "poll: %s", strerror (errno));
      continue;
    }
    if (fds[0].revents)
      return 0;
    if (fds[1].revents && take_bytes (device) != 0)
      return 1;
    if (fds[2].revents && (rc = take_typed (device)) <= 0)
      return rc != 0 && rc != NET_STOPPED;
  }
}

int
device_run (struct runner_role *role, const void *args)
{
  struct device device = { .role = role, .args = args, .fd = -1 };
  int status = 1;
  signal (SIGPIPE, SIG_IGN); /* standard output may be a pipe */
  role_journal_init (&device.journal, role);
  if (!find_hosts (&device))
    return 1;
  if (!role_delay (role, device.args->delay))
    return 0;
  if (create_device (&device, &status) == 0 && connect_device (&device, &status) == 0) {
    runner_export_int (role, "id", device.args->id);
    if (runner_ready (role) != 0)
      status = runner_role_error (role, "nobody waits for this role");
    else
      status = serve (&device);
  }
  if (device.fd >= 0) {
    net_end (device.fd); /* its last report may still be on its way */
    close (device.fd);
  }
  frame_reader_free (&device.reader);
  for (size_t i = 0; i < SENT_MOST; i++)
    bytes_free (&device.sent[i]);
  bytes_free (&device.typed);
  return status;
}
