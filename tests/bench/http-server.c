/* http-server.c - answers every GET with the same small JSON document; for measurements.
 *
 * Listens on a port of loopback that it prints, a process a connection, until its
 * standard input ends.  It reads no more of a request than where its head ends. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
die (const char *what)
{
  perror (what);
  exit (2);
}

static void
serve_connection (int fd)
{
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n"
                               "{\"status\": \"ok\", \"items\": [1, 2]}\n";
  char head[4096];
  size_t size = 0;
  int on = 1;
  if (setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0)
    _exit (2);
  for (;;) {
    ssize_t n = recv (fd, head + size, sizeof head - size - 1, 0);
    if (n <= 0)
      _exit (0);
    size += (size_t) n;
    head[size] = '\0';
    if (!strstr (head, "\r\n\r\n"))
      continue;
    size = 0;
    if (send (fd, answer, sizeof answer - 1, MSG_NOSIGNAL) != sizeof answer - 1)
      _exit (0);
  }
}

static int
start_listening (void)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind (listener, (struct sockaddr *) &address, size) < 0 || listen (listener, 64) < 0
      || getsockname (listener, (struct sockaddr *) &address, &size) < 0)
    die ("http-server");
  printf ("%u\n", ntohs (address.sin_port));
  if (fflush (stdout) != 0)
    die ("http-server");
  return listener;
}

int
main (void)
{
  struct pollfd ready[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = start_listening (), .events = POLLIN } };
  signal (SIGCHLD, SIG_IGN); /* nobody waits for the connections' processes */
  for (;;) {
    if (poll (ready, 2, -1) < 0) {
      if (errno == EINTR)
        continue;
      die ("http-server");
    }
    if (ready[0].revents)
      return 0;
    int fd = accept4 (ready[1].fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
      continue;
    pid_t child = fork ();
    if (child == 0)
      serve_connection (fd);
    if (child < 0)
      perror ("http-server");
    close (fd);
  }
}
