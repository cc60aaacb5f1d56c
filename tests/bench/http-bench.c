/* http-bench.c - what a step `http.get` costs beside a bare loop of libcurl.
 *
 *   http-bench RUNNER
 *
 * Both ask the same small server, over one connection.  The runner is timed twice,
 * with few steps and with many, so that its start is left out.  The best of
 * several rounds counts.  Exit status 1: a step costs more than 1.3 requests. */
#include "config.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FEW 500
#define MANY 10500
#define ROUNDS 5
#define MOST 1.3

extern char **environ;

static void
die (const char *what)
{
  perror (what);
  exit (2);
}

static double
now_us (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

/* ---- the server ---- */

static void
serve_connection (int fd)
{
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n"
                               "{\"status\": \"ok\", \"items\": [1, 2]}";
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

/* A process a connection.  Returns the server's process id. */
static pid_t
start_server (uint16_t *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind (listener, (struct sockaddr *) &address, size) < 0 || listen (listener, 64) < 0
      || getsockname (listener, (struct sockaddr *) &address, &size) < 0)
    die ("a server");
  *port = ntohs (address.sin_port);
  pid_t server = fork ();
  if (server < 0)
    die ("fork");
  if (server > 0) {
    close (listener);
    return server;
  }
  signal (SIGCHLD, SIG_IGN);
  for (;;) {
    int fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
      continue;
    if (fork () == 0)
      serve_connection (fd);
    close (fd);
  }
}

/* ---- the two clients ---- */

static size_t
take (char *data, size_t one, size_t size, void *user)
{
  (void) data, (void) user;
  return one * size;
}

static double
time_bare (const char *url)
{
  CURL *easy = curl_easy_init ();
  if (!easy)
    die ("libcurl");
  curl_easy_setopt (easy, CURLOPT_URL, url);
  curl_easy_setopt (easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt (easy, CURLOPT_WRITEFUNCTION, take);
  double start = 0;
  for (int i = 0; i < MANY; i++) {
    if (i == FEW)
      start = now_us ();
    if (curl_easy_perform (easy) != CURLE_OK) {
      fprintf (stderr, "http-bench: the server does not answer\n");
      exit (2);
    }
  }
  double us = (now_us () - start) / (MANY - FEW);
  curl_easy_cleanup (easy);
  return us;
}

static void
write_suite (const char *path, const char *url, int steps)
{
  FILE *file = fopen (path, "w");
  if (!file)
    die (path);
  fprintf (file, "suite: bench\ntests:\n  - test: loop\n    steps:\n      - http.get: \"%s\"\n"
                 "        each: {i: 1..%d}\n        expect: {status: 200}\n", url, steps);
  if (fclose (file) != 0)
    die (path);
}

static double
time_suite (const char *runner, const char *folder, const char *url, int steps)
{
  char suite[512], results[512];
  snprintf (suite, sizeof suite, "%s/bench.yaml", folder);
  snprintf (results, sizeof results, "%s/results", folder);
  write_suite (suite, url, steps);
  char *argv[] = { (char *) runner, "-o", results, suite, NULL };
  posix_spawn_file_actions_t actions;
  pid_t pid;
  int status;
  if (posix_spawn_file_actions_init (&actions) != 0
      || posix_spawn_file_actions_addopen (&actions, 1, "/dev/null", O_WRONLY, 0) != 0)
    die ("posix_spawn");
  double start = now_us ();
  if (posix_spawn (&pid, runner, &actions, NULL, argv, environ) != 0 || waitpid (pid, &status, 0) != pid)
    die (runner);
  double us = now_us () - start;
  posix_spawn_file_actions_destroy (&actions);
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 0) {
    fprintf (stderr, "http-bench: %s did not pass the suite\n", runner);
    exit (2);
  }
  return us;
}

static void
remove_folder (const char *folder)
{
  char command[600];
  snprintf (command, sizeof command, "rm -rf '%s'", folder);
  if (system (command) != 0)
    fprintf (stderr, "http-bench: cannot remove %s\n", folder);
}

int
main (int argc, char **argv)
{
  char folder[] = "/tmp/http-bench-XXXXXX", url[64];
  uint16_t port;
  double bare = 1e9, few = 1e12, many = 1e12;
  if (argc != 2) {
    fprintf (stderr, "usage: http-bench RUNNER\n");
    return 2;
  }
  pid_t server = start_server (&port);
  snprintf (url, sizeof url, "http://127.0.0.1:%u/", port);
  if (!mkdtemp (folder))
    die (folder);
  for (int round = 0; round < ROUNDS; round++) {
    double us = time_bare (url);
    bare = us < bare ? us : bare;
    us = time_suite (argv[1], folder, url, FEW);
    few = us < few ? us : few;
    us = time_suite (argv[1], folder, url, MANY);
    many = us < many ? us : many;
  }
  double step = (many - few) / (MANY - FEW);
  printf ("bare libcurl %.1f us a request, http.get %.1f us a step: %.2f times\n", bare, step, step / bare);
  remove_folder (folder);
  kill (server, SIGTERM);
  waitpid (server, NULL, 0);
  return step / bare > MOST;
}
