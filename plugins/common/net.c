/* net.c - see net.h. */
#include "net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "resolve.h"

#define DROP_LIMIT ((size_t) 64 << 20) /* bytes that an endless peer makes us read at the end */

static int
resolve (const struct resolve_question *question, const struct net_wait *wait, struct addrinfo **found, char *error,
         size_t error_size)
{
  char reason[256];
  int result = resolve_name (question, wait, found, reason, sizeof reason);
  if (result != NET_OK)
    snprintf (error, error_size, "%s: %s", question->host, reason);
  return result;
}

static uint16_t
bound_port (int fd)
{
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address = { .v6 = { 0 } };
  socklen_t size = sizeof address;
  if (getsockname (fd, &address.any, &size) != 0)
    return 0;
  return ntohs (address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static int
bind_one (const struct addrinfo *address)
{
  int on = 1;
  int fd = socket (address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  if (setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0
      && bind (fd, address->ai_addr, address->ai_addrlen) == 0)
    return fd;
  int failed = errno;
  close (fd);
  errno = failed;
  return -1;
}

int
net_bind (const char *host, uint16_t *port, const struct net_wait *wait, char *error, size_t error_size)
{
  const struct resolve_question question = { host, *port, SOCK_STREAM, true };
  struct addrinfo *found;
  int result = resolve (&question, wait, &found, error, error_size);
  if (result != NET_OK)
    return result;
  int fd = NET_FAILED;
  for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
    fd = bind_one (a);
  if (fd < 0)
    snprintf (error, error_size, "cannot listen on %s port %u: %s", host, (unsigned) *port, strerror (errno));
  else
    *port = bound_port (fd);
  freeaddrinfo (found);
  return fd;
}

/* What the wait gave, as a net_result other than NET_OK. */
static int
not_ready (int waited, char *error, size_t error_size)
{
  snprintf (error, error_size, "%s", waited == 0 ? "the time is over" : "it was stopped");
  return waited == 0 ? NET_TIME_OVER : NET_STOPPED;
}

static int
failed_with (int number, char *error, size_t error_size)
{
  snprintf (error, error_size, "%s", strerror (number));
  return NET_FAILED;
}

/* Waits until the connection stands. */
static int
finish_connect (int fd, const struct net_wait *wait, char *error, size_t error_size)
{
  int ready = wait->wait (wait->data, fd, POLLOUT), failure, on = 1;
  if (ready <= 0)
    return not_ready (ready, error, error_size);
  socklen_t size = sizeof failure;
  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
    failure = errno;
  if (failure)
    return failed_with (failure, error, error_size);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* only helps */
  return NET_OK;
}

int
net_connect_address (const struct sockaddr *address, socklen_t size, const struct net_wait *wait, char *error,
                     size_t error_size)
{
  int fd = socket (address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return failed_with (errno, error, error_size);
  int rc;
  if (connect (fd, address, size) == 0 || errno == EINPROGRESS || errno == EINTR)
    rc = finish_connect (fd, wait, error, error_size);
  else
    rc = failed_with (errno, error, error_size);
  if (rc == NET_OK)
    return fd;
  close (fd);
  return rc;
}

int
net_connect (const char *host, uint16_t port, const struct net_wait *wait, char *error, size_t error_size)
{
  const struct resolve_question question = { host, port, SOCK_STREAM, false };
  struct addrinfo *found;
  int result = resolve (&question, wait, &found, error, error_size);
  if (result != NET_OK)
    return result;
  int fd = NET_FAILED;
  for (const struct addrinfo *a = found; a && fd == NET_FAILED; a = a->ai_next)
    fd = net_connect_address (a->ai_addr, a->ai_addrlen, wait, error, error_size);
  freeaddrinfo (found);
  return fd;
}

static bool
try_again (int number)
{
  return number == EAGAIN || number == EWOULDBLOCK;
}

int
net_write_all (int fd, const void *data, size_t size, const struct net_wait *wait, char *error, size_t error_size)
{
  const char *from = data;
  while (size) {
    ssize_t n = send (fd, from, size, MSG_NOSIGNAL);
    if (n >= 0) {
      from += n;
      size -= (size_t) n;
    } else if (try_again (errno)) {
      int ready = wait->wait (wait->data, fd, POLLOUT);
      if (ready <= 0)
        return not_ready (ready, error, error_size);
    } else if (errno != EINTR)
      return failed_with (errno, error, error_size);
  }
  return NET_OK;
}

ssize_t
net_read (int fd, void *data, size_t room, const struct net_wait *wait, char *error, size_t error_size)
{
  for (;;) {
    ssize_t n = recv (fd, data, room, MSG_DONTWAIT);
    if (n >= 0)
      return n;
    if (try_again (errno)) {
      int ready = wait->wait (wait->data, fd, POLLIN);
      if (ready <= 0)
        return not_ready (ready, error, error_size);
    } else if (errno != EINTR)
      return failed_with (errno, error, error_size);
  }
}

/* With unread bytes at hand close(2) would reset the connection, and what we sent last could be lost
 * (RFC 1122, 4.2.2.13). */
void
net_end (int fd)
{
  char data[16384];
  (void) shutdown (fd, SHUT_WR); /* fails if the peer is gone: that is fine */
  for (size_t dropped = 0; dropped < DROP_LIMIT;) {
    ssize_t n = recv (fd, data, sizeof data, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EINTR))
      return;
    dropped += n > 0 ? (size_t) n : 0;
  }
}
