/* http-daemon.c - see http-daemon.h. */
#include "http-daemon.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/tcp.h> /* its struct tcp_info has more than that of libc */
#include <netinet/in.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "http-head.h"

#define CONNECTIONS 20000u
#define OTHER_DESCRIPTORS 32 /* for files that are opened later */
#define REST_MS 100          /* until a descriptor may be free again */
#define MEMORY_OF_CONNECTION (16u << 10) /* request line and headers */
#define DISCARD_LIMIT (8u << 20)

/* Connections are looked at so many times in a request's time, but not for ever less than this. */
#define LOOKS 8
#define LOOK_MS_LEAST 5
#define LOOK_MS_MOST 1000

/* libmicrohttpd tells neither a request's first byte nor that one is on its way; the
 * kernel counts a connection's bytes.  What came with the end of the last request
 * (pipelining) is not seen as the next one's beginning before another byte comes. */
struct client {
  struct client *previous, *next;
  struct MHD_Connection *connection;
  int fd;
  bool whole;        /* the request has come; what takes time now is ours */
  bool last;         /* no other request comes: nobody need know when that begins */
  bool refused;      /* its time is over, or it was told why; libmicrohttpd is about to close it */
  uint64_t received; /* bytes, when the last request was over */
  int64_t begun;     /* its request, on the daemon's clock; -1: none */
};

struct http_daemon {
  struct MHD_Daemon *mhd;
  struct http_handlers handlers;
  struct client *clients;
  unsigned count, most; /* clients */
  bool full;            /* that no more can be taken has been told, when there were `full_at` */
  unsigned full_at;
  bool again;           /* it is to be run once more: libmicrohttpd then listens again */
  int64_t rests_until;  /* on the system's clock; 0: it does not rest */
  size_t begun;       /* clients whose request has begun and is not whole */
  bool served;        /* something may have come since the last look */
  int64_t request_ms, look_ms;
  int64_t looked;     /* when, on the system's clock */
  int64_t clock;      /* in ms; stands still while the process does */
};

const struct http_limits http_default_limits = { .idle_ms = 60000, .request_ms = 30000 };

enum MHD_Result
http_upload_take (struct http_upload *upload, size_t limit, const char *data, size_t *size)
{
  upload->size += *size;
  if (upload->size > DISCARD_LIMIT)
    return MHD_NO;
  if (upload->size > limit)
    bytes_free (&upload->body);
  else
    bytes_add (&upload->body, data, *size);
  *size = 0;
  return MHD_YES;
}

bool
http_upload_is_hopeless (struct MHD_Connection *connection, size_t limit)
{
  const char *text = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  const char *expect = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
  bool waits = expect && strcasecmp (expect, "100-continue") == 0;
  /* too much to count: UINTMAX_MAX */
  return text && strtoumax (text, NULL, 10) > (waits ? limit : DISCARD_LIMIT);
}

/* Paths are taken as they stand: nothing in ours needs an escape, and `%00`
 * would end the text early. */
static size_t
keep_escapes (void *data, struct MHD_Connection *connection, char *text)
{
  (void) data;
  (void) connection;
  return strlen (text);
}

/* When a request line has come.  Nobody here reads cookies, and many of them make libmicrohttpd 0.9.75 write an
 * answer's head twice.  It parses those of the first header Cookie only: ours. */
static void *
begin_head (void *data, const char *url, struct MHD_Connection *connection)
{
  (void) data;
  (void) url;
  /* fails without memory: then nothing else of the head finds room either */
  (void) MHD_set_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_COOKIE, "-");
  return NULL;
}

static int64_t
now_ms (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- how many there may be ---------------------------------------------------- */

/* Descriptors in use; 0: /proc is not there. */
static unsigned
count_descriptors (void)
{
  unsigned count = 0;
  DIR *folder = opendir ("/proc/self/fd");
  if (!folder)
    return 0;
  while (readdir (folder))
    count++;
  closedir (folder);
  return count; /* with `.`, `..` and its own: a few too many */
}

size_t
descriptors_that_fit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
    return INT_MAX; /* so many there can be: they are ints */
  rlim_t taken = count_descriptors () + OTHER_DESCRIPTORS;
  rlim_t fit = limit.rlim_cur > taken ? (limit.rlim_cur - taken) / 4 * 3 : 0;
  return fit < 1 ? 1 : (size_t) fit;
}

unsigned
http_connections_that_fit (void)
{
  size_t fit = descriptors_that_fit ();
  return fit > CONNECTIONS ? CONNECTIONS : (unsigned) fit;
}

static void
tell_full (struct http_daemon *daemon, const char *why)
{
  char text[160];
  if (daemon->full)
    return;
  daemon->full = true;
  daemon->full_at = daemon->count;
  snprintf (text, sizeof text, "%s, %u connections are open: more have to wait until one is closed", why,
            daemon->count);
  daemon->handlers.warn (daemon->handlers.data, text);
}

/* After the number has changed.  A crowd that comes and goes at the limit is told once. */
static void
look_whether_full (struct http_daemon *daemon)
{
  unsigned fewer = daemon->full_at - daemon->full_at / 8 - (daemon->full_at > 1);
  if (daemon->full_at ? daemon->count < fewer : daemon->count)
    daemon->full = false;
  if (daemon->count == daemon->most)
    tell_full (daemon, "it is full");
}

/* What libmicrohttpd says of its accept.  When it has connections it waits until one of them is closed;
 * without any it would try again at once. */
static void
no_descriptors (struct http_daemon *daemon)
{
  tell_full (daemon, "no descriptors are left");
  if (!daemon->clients)
    daemon->rests_until = now_ms () + REST_MS;
}

bool
http_daemon_rests (const struct http_daemon *daemon)
{
  return daemon->rests_until != 0;
}

/* ---- the time of requests ---------------------------------------------------- */

/* False: this kernel does not count them (Linux does since 4.1). */
static bool
count_received (const struct client *client, uint64_t *count)
{
  struct tcp_info info;
  socklen_t size = sizeof info;
  if (getsockopt (client->fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0
      || size < offsetof (struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
    return false;
  *count = info.tcpi_bytes_received;
  return true;
}

static void
no_longer_begun (struct http_daemon *daemon, struct client *client)
{
  if (client->begun >= 0)
    daemon->begun--;
  client->begun = -1;
}

static void
look_at (struct http_daemon *daemon, struct client *client)
{
  uint64_t received;
  if (client->whole || client->refused)
    return;
  if (client->begun < 0) {
    if (!count_received (client, &received) || received == client->received)
      return;
    client->begun = daemon->clock;
    daemon->begun++;
  } else if (daemon->clock - client->begun >= daemon->request_ms) {
    client->refused = true;
    no_longer_begun (daemon, client);
    (void) shutdown (client->fd, SHUT_RDWR); /* fails when the client was faster */
  }
}

/* A process that was stopped, or is late, finds bytes that came in the meantime only now: the
 * clock goes on by no more than two looks. */
static void
look_at_all (struct http_daemon *daemon)
{
  int64_t now = now_ms (), passed = now - daemon->looked;
  if (passed < daemon->look_ms)
    return;
  daemon->clock += passed < 2 * daemon->look_ms ? passed : 2 * daemon->look_ms;
  daemon->looked = now;
  daemon->served = false;
  for (struct client *client = daemon->clients; client; client = client->next)
    look_at (daemon, client);
}

static struct client *
client_of (struct MHD_Connection *connection)
{
  return MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void
end_client (struct http_daemon *daemon, struct client *client)
{
  no_longer_begun (daemon, client);
  daemon->count--;
  daemon->again |= daemon->full;
  look_whether_full (daemon);
  if (client->previous)
    client->previous->next = client->next;
  else
    daemon->clients = client->next;
  if (client->next)
    client->next->previous = client->previous;
  free (client);
}

static void
connection_changed (void *data, struct MHD_Connection *connection, void **context,
                    enum MHD_ConnectionNotificationCode code)
{
  struct http_daemon *daemon = data;
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    end_client (daemon, *context);
    return;
  }
  struct client *client = bytes_allocate (sizeof *client);
  client->connection = connection;
  client->fd = MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
  client->begun = -1;
  client->next = daemon->clients;
  if (client->next)
    client->next->previous = client;
  daemon->clients = client;
  *context = client;
  daemon->count++;
  look_whether_full (daemon);
}

/* As the plugin's own: for the head, for each piece of the body, and at its end. */
static enum MHD_Result
handle_piece (void *data, struct MHD_Connection *connection, const char *url, const char *method,
              const char *version, const char *upload, size_t *upload_size, void **state)
{
  struct http_daemon *daemon = data;
  const struct http_refusal *refusal = *state ? NULL : http_head_refusal (connection, version);
  if (refusal)
    return http_head_refuse (connection, refusal);
  if (*state && !*upload_size) {
    struct client *client = client_of (connection);
    no_longer_begun (daemon, client);
    client->whole = true;
    client->last = http_head_is_last (connection);
  }
  return daemon->handlers.handle (daemon->handlers.data, connection, url, method, version, upload, upload_size,
                                  state);
}

static void
request_completed (void *data, struct MHD_Connection *connection, void **state,
                   enum MHD_RequestTerminationCode code)
{
  struct http_daemon *daemon = data;
  struct client *client = client_of (connection);
  no_longer_begun (daemon, client);
  client->whole = false;
  if (!client->last)
    (void) count_received (client, &client->received);
  daemon->handlers.completed (daemon->handlers.data, connection, state, code);
}

/* ---- what libmicrohttpd says ------------------------------------------------------ */

/* Of a Content-Length that is no number libmicrohttpd 0.9.75 says so here, and then writes its answer's head twice,
 * without asking us.  Ours goes out before, and the connection ends; it does not say which one it is. */
static void
refuse_lengths (struct http_daemon *daemon)
{
  for (struct client *client = daemon->clients; client; client = client->next) {
    if (client->refused || client->whole || !http_head_has_bad_length (client->connection))
      continue;
    client->refused = true;
    no_longer_begun (daemon, client);
    http_head_refuse_length (client->connection, client->fd);
  }
}

/* The rest is about clients that broke off. */
static void
take_message (void *data, const char *fmt, va_list args)
{
  (void) args;
  if (strstr (fmt, "Content-Length"))
    refuse_lengths (data);
  else if (strstr (fmt, "resource limit"))
    no_descriptors (data);
}

/* ---- the daemon ------------------------------------------------------------------ */

static struct MHD_Daemon *
start_mhd (struct http_daemon *daemon, int listener, unsigned flags, unsigned idle_seconds)
{
  return MHD_start_daemon (MHD_USE_EPOLL | MHD_USE_ERROR_LOG | flags, 0, NULL, NULL, handle_piece, daemon,
                           MHD_OPTION_EXTERNAL_LOGGER, take_message, daemon,
                           MHD_OPTION_LISTEN_SOCKET, listener,
                           MHD_OPTION_CONNECTION_LIMIT, daemon->most,
                           MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
                           MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY_OF_CONNECTION,
                           MHD_OPTION_NOTIFY_CONNECTION, connection_changed, daemon,
                           MHD_OPTION_NOTIFY_COMPLETED, request_completed, daemon,
                           MHD_OPTION_URI_LOG_CALLBACK, begin_head, NULL,
                           MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
                           MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                           MHD_OPTION_END);
}

struct http_daemon *
http_daemon_start (int listener, unsigned flags, const struct http_limits *limits,
                   const struct http_handlers *handlers)
{
  int64_t idle_seconds = limits->idle_ms / 1000 + (limits->idle_ms % 1000 != 0);
  int64_t look_ms = limits->request_ms / LOOKS;
  struct http_daemon *daemon = bytes_allocate (sizeof *daemon);
  daemon->handlers = *handlers;
  daemon->most = limits->connections ? limits->connections : http_connections_that_fit ();
  daemon->request_ms = limits->request_ms;
  daemon->look_ms = look_ms < LOOK_MS_LEAST ? LOOK_MS_LEAST : look_ms > LOOK_MS_MOST ? LOOK_MS_MOST : look_ms;
  daemon->looked = now_ms ();
  errno = 0;
  daemon->mhd = start_mhd (daemon, listener, flags, idle_seconds > INT_MAX ? INT_MAX : (unsigned) idle_seconds);
  if (daemon->mhd)
    return daemon;
  int failed = errno ? errno : EINVAL;
  free (daemon);
  errno = failed;
  return NULL;
}

int
http_daemon_fd (struct http_daemon *daemon)
{
  return MHD_get_daemon_info (daemon->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int
http_daemon_timeout (const struct http_daemon *daemon)
{
  MHD_UNSIGNED_LONG_LONG wait;
  if (daemon->rests_until) {
    int64_t left = daemon->rests_until - now_ms ();
    return left < 0 ? 0 : (int) left;
  }
  if (daemon->again)
    return 0;
  int64_t least = MHD_get_timeout (daemon->mhd, &wait) == MHD_YES ? wait > INT_MAX ? INT_MAX : (int64_t) wait : -1;
  if (daemon->clients && (daemon->served || daemon->begun)) {
    int64_t look = daemon->looked + daemon->look_ms - now_ms ();
    look = look < 0 ? 0 : look;
    least = least < 0 || look < least ? look : least;
  }
  return (int) least;
}

void
http_daemon_run (struct http_daemon *daemon)
{
  if (daemon->rests_until > now_ms ())
    return;
  daemon->rests_until = 0;
  daemon->again = false;
  daemon->served = true;
  MHD_run (daemon->mhd); /* MHD_NO only for a daemon that has threads */
  look_at_all (daemon);
}

void
http_daemon_close_listener (struct http_daemon *daemon)
{
  int listener = MHD_quiesce_daemon (daemon->mhd); /* which then leaves it to us */
  if (listener >= 0)
    close (listener);
}

void
http_daemon_stop (struct http_daemon *daemon)
{
  MHD_stop_daemon (daemon->mhd);
  free (daemon);
}
