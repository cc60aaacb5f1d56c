/* load.c - users who register and authenticate, again and again, each on fresh connections; for measurements and
 * for the test that kills the server.
 *
 *   load USERS SECONDS REGISTRATION AUTHENTICATION [RECORD]    both are ports of 127.0.0.1
 *   load --idle COUNT PORT
 *
 * It prints `transactions errors seconds p50 p95 p99 max` (microseconds).  With RECORD it goes on until the server
 * is gone, which is no error then, and writes what was answered: `R client server` and `A message client server`.
 * With --idle it opens connections, prints how many, and holds them until its standard input ends. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C (1000000000)
#define WARM_NS (SECOND / 2)     /* not counted, at the beginning */
#define STALL_NS (30 * SECOND)   /* without any answer: the server hangs */
#define ANSWER_ROOM 1024
#define EVENTS 256

enum stage { REGISTERING, AUTHENTICATING };

struct user {
  int fd; /* -1: it has ended */
  enum stage stage;
  bool sent;
  int64_t began;
  char client[37], server[37];
  uint64_t number; /* of its message */
  size_t size;
  char answer[ANSWER_ROOM];
};

static struct {
  uint16_t ports[2];
  struct user *users;
  size_t count, alive;
  int epoll_fd;
  FILE *record;
  int64_t start, warm, end, last;
  uint64_t transactions, errors, messages, random;
  uint32_t *times; /* of transactions, in microseconds */
  size_t times_room;
} all;

static _Noreturn void
die (const char *what)
{
  fprintf (stderr, "load: %s: %s\n", what, strerror (errno));
  exit (2);
}

static int64_t
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * SECOND + now.tv_nsec;
}

/* xorshift64*: these ids need only differ. */
static uint64_t
next_random (void)
{
  all.random ^= all.random >> 12;
  all.random ^= all.random << 25;
  all.random ^= all.random >> 27;
  return all.random * UINT64_C (2685821657736338717);
}

static void
pick_client (struct user *user)
{
  uint64_t a = next_random (), b = next_random ();
  snprintf (user->client, sizeof user->client, "%08x-%04x-4%03x-8%03x-%012" PRIx64, (unsigned) (a >> 32),
            (unsigned) (a >> 16 & 0xffff), (unsigned) (a & 0xfff), (unsigned) (b >> 48 & 0xfff),
            b & 0xffffffffffff);
}

static struct sockaddr_in
address_of (uint16_t port)
{
  return (struct sockaddr_in) { .sin_family = AF_INET, .sin_port = htons (port),
                                .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
}

static void
end_user (struct user *user)
{
  if (user->fd >= 0)
    close (user->fd);
  user->fd = -1;
  all.alive--;
}

/* The server is gone, or is wrong: this user is at its end. */
static void
broken (struct user *user)
{
  all.errors++;
  end_user (user);
}

static void
connect_user (struct user *user, enum stage stage)
{
  struct sockaddr_in address = address_of (all.ports[stage]);
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = user };
  user->stage = stage;
  user->sent = false;
  user->size = 0;
  user->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (user->fd < 0)
    die ("socket");
  if (connect (user->fd, (struct sockaddr *) &address, sizeof address) < 0 && errno != EINPROGRESS)
    broken (user);
  else if (epoll_ctl (all.epoll_fd, EPOLL_CTL_ADD, user->fd, &event) < 0)
    die ("epoll_ctl");
}

static void
begin_transaction (struct user *user)
{
  user->began = now_ns ();
  user->number = all.messages++;
  pick_client (user);
  connect_user (user, REGISTERING);
}

static bool
send_request (struct user *user)
{
  char body[256], text[512];
  int body_size, size;
  if (user->stage == REGISTERING)
    body_size = snprintf (body, sizeof body, "client_uuid=%s", user->client);
  else
    body_size = snprintf (body, sizeof body, "client_uuid=%s&server_uuid=%s&message=message+%" PRIu64, user->client,
                          user->server, user->number);
  size = snprintf (text, sizeof text,
                   "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
                   "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s",
                   body_size, body);
  user->sent = true;
  return send (user->fd, text, (size_t) size, MSG_NOSIGNAL) == size;
}

static void
count_transaction (struct user *user)
{
  int64_t now = now_ns ();
  if (all.record)
    fprintf (all.record, "A message %" PRIu64 " %s %s\n", user->number, user->client, user->server);
  if (user->began < all.warm)
    return;
  if (all.transactions == all.times_room) {
    all.times_room = all.times_room ? all.times_room * 2 : 65536;
    all.times = realloc (all.times, all.times_room * sizeof *all.times);
    if (!all.times)
      die ("times");
  }
  all.times[all.transactions++] = (uint32_t) ((now - user->began) / 1000);
}

/* The whole answer has come. */
static void
take_answer (struct user *user)
{
  static const char code[] = "\r\nServer-Uuid: ";
  user->answer[user->size] = 0;
  close (user->fd);
  user->fd = -1;
  const char *found = strstr (user->answer, code);
  bool fine = strncmp (user->answer, "HTTP/1.1 200 ", 13) == 0 && found && strlen (found) >= sizeof code + 36;
  all.last = now_ns ();
  if (fine && user->stage == REGISTERING) {
    memcpy (user->server, found + sizeof code - 1, 36);
    if (all.record)
      fprintf (all.record, "R %s %s\n", user->client, user->server);
    connect_user (user, AUTHENTICATING);
  } else if (fine && strstr (user->answer, "\r\nStatus: Authentication success\r\n")) {
    count_transaction (user);
    if (all.last < all.end)
      begin_transaction (user);
    else
      end_user (user);
  } else
    broken (user);
}

static void
serve_user (struct user *user)
{
  if (!user->sent && !send_request (user)) {
    broken (user);
    return;
  }
  for (;;) {
    ssize_t n = recv (user->fd, user->answer + user->size, ANSWER_ROOM - 1 - user->size, 0);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && errno == EAGAIN)
      return;
    if (n < 0 || (n == 0 && !user->size) || user->size + (size_t) n == ANSWER_ROOM - 1) {
      broken (user);
      return;
    }
    if (n == 0) {
      take_answer (user);
      return;
    }
    user->size += (size_t) n;
  }
}

static void
run (void)
{
  struct epoll_event events[EVENTS];
  while (all.alive) {
    int n = epoll_wait (all.epoll_fd, events, EVENTS, 1000);
    if (n < 0 && errno != EINTR)
      die ("epoll_wait");
    for (int i = 0; i < n; i++) {
      struct user *user = events[i].data.ptr;
      if (user->fd >= 0 && (events[i].events & (EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP)))
        serve_user (user);
    }
    if (now_ns () - all.last > STALL_NS) {
      fprintf (stderr, "load: %zu users wait for answers that do not come\n", all.alive);
      exit (2);
    }
  }
}

static int
compare (const void *a, const void *b)
{
  uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
  return (left > right) - (left < right);
}

static uint32_t
percentile (unsigned of_thousand)
{
  return all.transactions ? all.times[(all.transactions - 1) * of_thousand / 1000] : 0;
}

static int
load (char **argv)
{
  all.count = all.alive = strtoul (argv[1], NULL, 10);
  double seconds = strtod (argv[2], NULL);
  all.ports[0] = (uint16_t) strtoul (argv[3], NULL, 10);
  all.ports[1] = (uint16_t) strtoul (argv[4], NULL, 10);
  all.record = argv[5] ? fopen (argv[5], "we") : NULL;
  all.users = calloc (all.count, sizeof *all.users);
  all.epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if ((argv[5] && !all.record) || !all.users || all.epoll_fd < 0)
    die (argv[5] ? argv[5] : "start");
  if (all.record && setvbuf (all.record, NULL, _IOLBF, 0) != 0) /* who kills the server looks at it */
    die (argv[5]);
  all.last = all.start = now_ns ();
  all.random = (uint64_t) all.start | 1;
  all.warm = all.start + (all.record ? 0 : WARM_NS);
  all.end = all.warm + (int64_t) (seconds * 1e9);
  for (size_t i = 0; i < all.count; i++)
    begin_transaction (&all.users[i]);
  run ();
  if (all.record && fclose (all.record) != 0)
    die (argv[5]);
  if (all.transactions)
    qsort (all.times, all.transactions, sizeof *all.times, compare);
  printf ("%" PRIu64 " %" PRIu64 " %.3f %u %u %u %u\n", all.transactions, all.errors,
          (double) (all.last - all.warm) / 1e9, percentile (500), percentile (950), percentile (990),
          percentile (1000));
  return all.errors && !all.record ? 1 : 0;
}

static int
hold_idle (char **argv)
{
  unsigned long count = strtoul (argv[2], NULL, 10);
  struct sockaddr_in address = address_of ((uint16_t) strtoul (argv[3], NULL, 10));
  char c;
  for (unsigned long i = 0; i < count; i++) {
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
      die ("connect");
  }
  printf ("%lu\n", count);
  if (fflush (stdout) != 0)
    die ("output");
  while (read (STDIN_FILENO, &c, 1) > 0)
    continue;
  return 0;
}

int
main (int argc, char **argv)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit); /* else: connecting tells */
  }
  if (argc == 4 && strcmp (argv[1], "--idle") == 0)
    return hold_idle (argv);
  if (argc == 5 || argc == 6)
    return load (argv);
  fputs ("usage: load USERS SECONDS REGISTRATION AUTHENTICATION [RECORD]\n       load --idle COUNT PORT\n", stderr);
  return 2;
}
