/* @NAME@.c - a plugin for runner: the step @NAME@.ask asks a server to greet somebody,
 * the role @NAME@.server is such a server.  Put your protocol in their place.
 *
 * The protocol: the client sends a name and a newline, the server answers with one line.
 *
 * runner-plugin.h describes everything that is used here. */
#define _GNU_SOURCE 1
#include <runner-plugin.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MOST 1000 /* bytes of a name or an answer, with its newline */

/* ---- the step: a blocking call, which may be made from several threads at once ---- */

struct ask_args { struct runner_address to; const char *name; };

static const struct runner_param ask_params[] = {
  RUNNER_PARAM (struct ask_args, to, .flags = RUNNER_REQUIRED, .help = "address of the server, with its port"),
  RUNNER_PARAM (struct ask_args, name, .preset = "world", .help = "who is to be greeted"),
  { 0 }
};
static const struct runner_field ask_result[] = {
  { .name = "answer", .type = RUNNER_TEXT, .help = "what the server said, without the newline" },
  { 0 }
};

/* A connected socket; -1: `*outcome` is what to return. */
static int
connect_to (struct runner_step *step, const struct runner_address *to, int *outcome)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV }, *found;
  char port[8];
  snprintf (port, sizeof port, "%u", to->port);
  if (!to->host || getaddrinfo (to->host, port, &hints, &found) != 0) {
    *outcome = runner_error (step, "to: %s: an IP address and a port are needed", to->text);
    return -1;
  }
  int error = 0, fd = socket (found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || (connect (fd, found->ai_addr, found->ai_addrlen) < 0 && errno != EINPROGRESS))
    error = errno;
  freeaddrinfo (found);
  if (fd >= 0 && !error) {
    /* every wait goes through runner_poll: it knows the step's time, and when to stop */
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    socklen_t size = sizeof error;
    if (runner_poll (step, &ready, 1, -1) < 0) {
      *outcome = runner_expired (step, "connecting to %s", to->text);
      close (fd);
      return -1;
    }
    if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
      error = errno;
  }
  if (error) {
    *outcome = runner_fail (step, "cannot connect to %s: %s", to->text, strerror (error));
    if (fd >= 0)
      close (fd);
    return -1;
  }
  return fd;
}

static int
send_all (struct runner_step *step, int fd, const char *peer, const char *data, size_t size)
{
  runner_wire (step, RUNNER_SENT, peer, data, size);
  while (size) {
    ssize_t n = send (fd, data, size, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
      return runner_fail (step, "cannot send to %s: %s", peer, strerror (errno));
    struct pollfd ready = { .fd = fd, .events = POLLOUT };
    if (n < 0 && runner_poll (step, &ready, 1, -1) < 0)
      return runner_expired (step, "sending to %s", peer);
    if (n > 0) {
      data += n;
      size -= (size_t) n;
    }
  }
  return RUNNER_PASS;
}

static int
receive_line (struct runner_step *step, int fd, const char *peer, char *line, size_t *size)
{
  for (*size = 0; *size < LINE_MOST;) {
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    if (runner_poll (step, &ready, 1, -1) < 0)
      return runner_expired (step, "waiting for the answer of %s", peer);
    ssize_t n = recv (fd, line + *size, LINE_MOST - *size, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
      continue;
    if (n < 0)
      return runner_fail (step, "cannot receive from %s: %s", peer, strerror (errno));
    if (n == 0)
      return runner_fail (step, "%s closed the connection before it had answered", peer);
    runner_wire (step, RUNNER_RECEIVED, peer, line + *size, (size_t) n);
    *size += (size_t) n;
    char *end = memchr (line, '\n', *size);
    if (end) {
      *size = (size_t) (end - line);
      return RUNNER_PASS;
    }
  }
  return runner_fail (step, "the answer of %s is longer than %d bytes", peer, LINE_MOST);
}

static int
ask (struct runner_step *step, const void *arguments)
{
  const struct ask_args *args = arguments;
  char line[LINE_MOST];
  size_t size = strlen (args->name);
  if (size + 1 > sizeof line || strchr (args->name, '\n'))
    return runner_error (step, "name: it must be one line of fewer than %d bytes", LINE_MOST);
  int outcome = RUNNER_ERROR, fd = connect_to (step, &args->to, &outcome);
  if (fd < 0)
    return outcome;
  memcpy (line, args->name, size);
  line[size] = '\n';
  outcome = send_all (step, fd, args->to.text, line, size + 1);
  if (outcome == RUNNER_PASS)
    outcome = receive_line (step, fd, args->to.text, line, &size);
  if (outcome == RUNNER_PASS)
    runner_put_text (runner_result (step), "answer", line, size);
  close (fd);
  return outcome;
}

static const struct runner_verb verbs[] = {
  { .name = "ask", .help = "asks a server to greet somebody", .run = ask, .params = ask_params,
    .args_size = sizeof (struct ask_args), .result = ask_result, .flags = RUNNER_COOPERATIVE },
  { 0 }
};

/* ---- the role: a process of its own, which runs until it is told to stop ---- */

struct server_args { const char *greeting; int64_t port; };

static const struct runner_param server_params[] = {
  RUNNER_PARAM (struct server_args, greeting, .preset = "Hello", .help = "the word before the name"),
  RUNNER_PARAM (struct server_args, port, .preset = "0", .min = "0", .max = "65535",
                .help = "port on 127.0.0.1; 0: any that is free"),
  { 0 }
};
static const struct runner_field server_exports[] = {
  { .name = "address", .type = RUNNER_ADDRESS, .help = "where it listens", .param = "port" },
  { 0 }
};

/* Waits until `fd` is readable.  False: the role has to stop, or nothing came in time. */
static int
readable (struct runner_role *role, int fd, int timeout_ms)
{
  struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = runner_stop_fd (role), .events = POLLIN } };
  int n;
  do
    n = poll (fds, 2, timeout_ms);
  while (n < 0 && errno == EINTR);
  return n > 0 && !fds[1].revents;
}

/* One connection; a client that is slow or says nonsense is closed, without an answer. */
static void
serve (struct runner_role *role, const struct server_args *args, int fd)
{
  char name[LINE_MOST], answer[2 * LINE_MOST];
  size_t size = 0;
  char *end = NULL;
  while (!end && size < sizeof name && readable (role, fd, 5000)) {
    ssize_t n = recv (fd, name + size, sizeof name - size, 0);
    if (n <= 0)
      return;
    size += (size_t) n;
    end = memchr (name, '\n', size);
  }
  if (!end)
    return;
  *end = '\0';
  /* what a suite can wait for with role.wait; noted before the answer, so that it is there by then */
  struct runner_out *out = runner_observation (role);
  runner_put_string (out, "name", name);
  runner_observe (role);
  int n = snprintf (answer, sizeof answer, "%s, %s!\n", args->greeting, name);
  if (n > 0 && (size_t) n < sizeof answer && send (fd, answer, (size_t) n, MSG_NOSIGNAL) != n)
    fprintf (stderr, "an answer was lost: %s\n", strerror (errno)); /* goes to the role's log */
}

static int
server (struct runner_role *role, const void *arguments)
{
  const struct server_args *args = arguments;
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((uint16_t) args->port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int one = 1, fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (strlen (args->greeting) > LINE_MOST / 2)
    return runner_role_error (role, "greeting: it is too long");
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0
      || bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 64) < 0
      || getsockname (fd, (struct sockaddr *) &address, &size) < 0)
    return runner_role_error (role, "cannot listen on port %d: %s", (int) args->port, strerror (errno));
  runner_export_address (role, "address", "127.0.0.1", ntohs (address.sin_port));
  if (runner_ready (role) < 0)
    return 1;
  while (readable (role, fd, -1)) {
    int client = accept4 (fd, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
      continue;
    serve (role, args, client);
    close (client);
  }
  close (fd);
  return 0;
}

static const struct runner_role_type roles[] = {
  { .name = "server", .help = "a server that greets", .run = server, .params = server_params,
    .args_size = sizeof (struct server_args), .exports = server_exports },
  { 0 }
};

RUNNER_PLUGIN (.name = "@NAME@", .version = "0.1", .help = "greetings", .verbs = verbs, .roles = roles);
