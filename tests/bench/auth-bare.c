/* auth-bare.c - what two-port-auth's exchanges cost at least: an epoll loop that answers every request on two ports
 * with the same bytes and closes; for measurements.
 *
 * It prints both ports of loopback and ends with its standard input.  It reads a request in one piece, which is
 * how the load client sends it, stores nothing and logs nothing. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256

static const char answer[] = "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 14:00:00 GMT\r\nConnection: close\r\n"
                             "Content-Length: 0\r\nStatus: Authentication success\r\n"
                             "Client-Uuid: 00000000-0000-4000-8000-000000000000\r\n"
                             "Server-Uuid: 00000000-0000-4000-8000-000000000000\r\n\r\n";

static void
die (const char *what)
{
  perror (what);
  exit (2);
}

static int
start_listening (uint16_t *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0 || bind (listener, (struct sockaddr *) &address, size) < 0 || listen (listener, SOMAXCONN) < 0
      || getsockname (listener, (struct sockaddr *) &address, &size) < 0)
    die ("auth-bare");
  *port = ntohs (address.sin_port);
  return listener;
}

static void
watch (int epoll_fd, int fd, uint32_t events)
{
  struct epoll_event event = { .events = events, .data.fd = fd };
  if (epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
    die ("auth-bare");
}

/* False: nothing has come yet. */
static bool
serve (int fd)
{
  char request[4096];
  ssize_t n = recv (fd, request, sizeof request, 0);
  if (n < 0 && errno == EAGAIN)
    return false;
  if (n > 0)
    (void) !send (fd, answer, sizeof answer - 1, MSG_NOSIGNAL); /* the client tells when it got nothing */
  close (fd);
  return true;
}

static void
accept_all (int epoll_fd, int listener)
{
  int fd;
  while ((fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
    if (!serve (fd))
      watch (epoll_fd, fd, EPOLLIN);
}

int
main (void)
{
  uint16_t ports[2];
  int listeners[2], epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (epoll_fd < 0)
    die ("auth-bare");
  for (int i = 0; i < 2; i++) {
    listeners[i] = start_listening (&ports[i]);
    watch (epoll_fd, listeners[i], EPOLLIN);
  }
  watch (epoll_fd, STDIN_FILENO, EPOLLIN);
  printf ("%u %u\n", ports[0], ports[1]);
  if (fflush (stdout) != 0)
    die ("auth-bare");
  for (;;) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait (epoll_fd, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      int fd = events[i].data.fd;
      if (fd == STDIN_FILENO)
        return 0;
      if (fd == listeners[0] || fd == listeners[1])
        accept_all (epoll_fd, fd);
      else
        serve (fd);
    }
  }
}
