/* http-daemon.c - see http-daemon.h. */
#include "http-daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_SECONDS 60u
#define CONNECTIONS 20000u
#define MEMORY_OF_CONNECTION (16u << 10) /* request line and headers */
#define DISCARD_LIMIT (8u << 20)

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
http_upload_is_hopeless (struct MHD_Connection *connection)
{
  const char *text = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  return text && strtoumax (text, NULL, 10) > DISCARD_LIMIT; /* too much to count: UINTMAX_MAX */
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

static void
keep_quiet (void *data, const char *fmt, va_list args)
{
  (void) data; /* what it says is about clients that broke off */
  (void) fmt;
  (void) args;
}

struct MHD_Daemon *
http_daemon_start (int listener, unsigned flags, MHD_AccessHandlerCallback handle,
                   MHD_RequestCompletedCallback completed, void *data)
{
  errno = 0;
  struct MHD_Daemon *daemon
    = MHD_start_daemon (MHD_USE_EPOLL | MHD_USE_ERROR_LOG | flags, 0, NULL, NULL, handle, data,
                        MHD_OPTION_EXTERNAL_LOGGER, keep_quiet, NULL,
                        MHD_OPTION_LISTEN_SOCKET, listener,
                        MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
                        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
                        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY_OF_CONNECTION,
                        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
                        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
                        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                        MHD_OPTION_END);
  if (!daemon && !errno)
    errno = EINVAL;
  return daemon;
}

int
http_daemon_fd (struct MHD_Daemon *daemon)
{
  return MHD_get_daemon_info (daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}
