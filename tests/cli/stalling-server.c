/* stalling-server.c - an HTTP server that sleeps once: for load-stall.sh and tests/bench.
 *
 *   stalling-server REQUESTS MILLISECONDS
 *
 * Listens on a port of loopback that it prints, until its standard input ends.  Each
 * request is answered at once, but after the first REQUESTS it does nothing at all for
 * that long.  It reads no more of a request than where its head ends. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS 512
#define HEAD 4096

/* The first two are standard input and the listener. */
static struct pollfd fds[2 + CONNECTIONS];
static struct { char text[HEAD]; size_t size; } heads[2 + CONNECTIONS];
static nfds_t used = 2;
static long long until_stall;
static struct timespec stall;

static void
die (const char *what)
{
  perror (what);
  exit (2);
}

static void
sleep_once (void)
{
  while (nanosleep (&stall, &stall) < 0)
    if (errno != EINTR)
      die ("stalling-server");
}

static void
drop (nfds_t i)
{
  close (fds[i].fd);
  fds[i] = fds[--used];
  heads[i] = heads[used];
}

/* False: the connection is over. */
static int
answer (int fd)
{
  static const char text[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nok\n";
  if (until_stall-- == 0)
    sleep_once ();
  return send (fd, text, sizeof text - 1, MSG_NOSIGNAL) == sizeof text - 1;
}

static int
serve (nfds_t i)
{
  char *head = heads[i].text;
  ssize_t n = recv (fds[i].fd, head + heads[i].size, HEAD - 1 - heads[i].size, MSG_DONTWAIT);
  if (n < 0)
    return errno == EAGAIN || errno == EINTR;
  if (n == 0)
    return 0;
  heads[i].size += (size_t) n;
  head[heads[i].size] = '\0';
  if (!strstr (head, "\r\n\r\n"))
    return 1;
  heads[i].size = 0;
  return answer (fds[i].fd);
}

static void
take_connection (void)
{
  int on = 1, fd = accept4 (fds[1].fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0)
    return;
  if (used == sizeof fds / sizeof fds[0] || setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0) {
    close (fd);
    return;
  }
  heads[used].size = 0;
  fds[used++] = (struct pollfd) { .fd = fd, .events = POLLIN };
}

static int
start_listening (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind (listener, (struct sockaddr *) &address, size) < 0 || listen (listener, CONNECTIONS) < 0
      || getsockname (listener, (struct sockaddr *) &address, &size) < 0)
    die ("stalling-server");
  printf ("%u\n", ntohs (address.sin_port));
  if (fflush (stdout) != 0)
    die ("stalling-server");
  return listener;
}

int
main (int argc, char **argv)
{
  if (argc != 3) {
    fprintf (stderr, "usage: stalling-server REQUESTS MILLISECONDS\n");
    return 2;
  }
  long milliseconds = atol (argv[2]);
  until_stall = atoll (argv[1]);
  stall = (struct timespec) { milliseconds / 1000, milliseconds % 1000 * 1000000 };
  fds[0] = (struct pollfd) { .fd = STDIN_FILENO, .events = POLLIN };
  fds[1] = (struct pollfd) { .fd = start_listening (), .events = POLLIN };
  for (;;) {
    if (poll (fds, used, -1) < 0) {
      if (errno == EINTR)
        continue;
      die ("stalling-server");
    }
    if (fds[0].revents)
      return 0;
    for (nfds_t i = used; i-- > 2;)
      if (fds[i].revents && !serve (i))
        drop (i);
    if (fds[1].revents)
      take_connection ();
  }
}
