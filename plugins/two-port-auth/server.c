/* server.c - the role `server`: opens the database, the log and both ports, and serves. */
#include "roles.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "../common/bytes.h"
#include "../common/net.h"
#include "../common/role.h"
#include "http.h"
#include "line.h"

/* Observations a second that are told one by one; of the rest only the number is. */
#define OBSERVED_PER_SECOND 1000

#define SECOND INT64_C (1000000000)
#define MILLISECOND INT64_C (1000000)

/* What is printed is written when all that was ready has been served, or there is so much. */
#define PRINT_AT ((size_t) 64 << 10)

struct server {
  struct runner_role *role;
  const struct server_args *args;
  char database[PATH_MAX], log_path[PATH_MAX];
  struct log log;
  int hangup_fd;
  struct store_reader *reader;
  struct committer *committer;
  struct http *http;
  bool stopped;         /* before it was ready */
  struct bytes printed; /* lines for standard output */
  int64_t second;       /* when the count of observations began */
  int64_t observed, unobserved;
};

/* ---- lines and observations ------------------------------------------------ */

static void
warn (void *data, const char *text)
{
  struct server *server = data;
  runner_role_error (server->role, "%s", text);
}

/* On the committer's thread. */
static void
warn_store (void *data, const char *text)
{
  struct server *server = data;
  runner_role_error (server->role, "the database: %s", text);
}

static void
print_now (struct server *server)
{
  runner_role_print (server->role, server->printed.data, server->printed.size); /* tells itself what fails */
  server->printed.size = 0;
}

static void
logged (void *data, const char *line, size_t size)
{
  struct server *server = data;
  size_t prefix = sizeof LINE_PREFIX - 1;
  bytes_add (&server->printed, line + prefix, size - prefix);
  if (server->printed.size > PRINT_AT)
    print_now (server);
}

static void
put_field (struct runner_out *out, const char *key, const struct form_field *field)
{
  if (field)
    runner_put_text (out, key, field->text, field->size);
}

/* Those that were not told one by one. */
static void
tell_unobserved (struct server *server)
{
  struct runner_out *out = runner_observation (server->role);
  runner_put_string (out, "event", "unobserved");
  runner_put_int (out, "count", server->unobserved);
  runner_observe (server->role);
  server->unobserved = 0;
}

/* What a test waits for is there; what a load makes too many of is counted. */
static bool
may_observe (struct server *server)
{
  int64_t now = runner_now ();
  if (now - server->second >= SECOND) {
    server->second = now;
    server->observed = 0;
    if (server->unobserved)
      tell_unobserved (server);
  }
  if (server->observed++ < OBSERVED_PER_SECOND)
    return true;
  server->unobserved++;
  return false;
}

static void
tell (void *data, const struct http_event *event)
{
  struct server *server = data;
  if (!may_observe (server))
    return;
  print_now (server); /* who has waited for this finds its line */
  struct runner_out *out = runner_observation (server->role);
  runner_put_string (out, "event", event->name);
  put_field (out, "client_uuid", event->client);
  put_field (out, "server_uuid", event->server);
  put_field (out, "message", event->message);
  runner_observe (server->role);
}

static void
round_over (void *data)
{
  print_now (data);
}

/* ---- files -------------------------------------------------------------------- */

/* The path that was given; else a file in the role's own folder, or, from a shell, in the current one. */
static bool
choose_path (struct server *server, const char *given, const char *name, char *out, size_t size)
{
  const char *folder = runner_role_temp (server->role);
  int n;
  if (given && *given)
    n = snprintf (out, size, "%s", given);
  else
    n = snprintf (out, size, "%s%s%s", folder ? folder : "", folder ? "/" : "", name);
  if (n >= 0 && (size_t) n < size)
    return true;
  runner_role_error (server->role, "the path of %s is too long", name);
  return false;
}

static bool
is_log_apart (const struct server *server, char *error, size_t error_size)
{
  if (!store_has_file (server->database, server->log_path))
    return true;
  snprintf (error, error_size, "%s: the log would be a file of the database %s", server->log_path, server->database);
  return false;
}

/* Looks before it changes a file that is there, and again when there is one. */
static bool
open_log (struct server *server, char *error, size_t error_size)
{
  return is_log_apart (server, error, error_size)
         && log_open (&server->log, server->log_path, error, error_size)
         && is_log_apart (server, error, error_size);
}

static bool
open_files (struct server *server)
{
  char error[2 * PATH_MAX + 256];
  if (!choose_path (server, server->args->database, "database.db", server->database, sizeof server->database)
      || !choose_path (server, server->args->log, "logfile.log", server->log_path, sizeof server->log_path))
    return false;
  struct store_writer *writer = NULL;
  if (open_log (server, error, sizeof error)
      && (writer = store_writer_open (server->database, error, sizeof error)))
    server->reader = store_reader_open (server->database, error, sizeof error);
  if (server->reader && !(server->committer = committer_start (writer, warn_store, server)))
    snprintf (error, sizeof error, "no thread: %s", strerror (errno));
  if (server->committer)
    return true;
  if (writer)
    store_writer_close (writer);
  runner_role_error (server->role, "%s", error);
  return false;
}

static void
close_files (struct server *server)
{
  if (server->committer)
    committer_stop (server->committer); /* nothing is left in it */
  if (server->reader)
    store_reader_close (server->reader);
  if (!log_close (&server->log))
    warn (server, "the log file was not closed well");
  bytes_free (&server->printed);
}

/* ---- ports ---------------------------------------------------------------------- */

static bool
bind_both (struct server *server, int *registration, int *authentication, uint16_t ports[2])
{
  char error[256];
  int64_t port = server->args->registration_port;
  if (port && port == server->args->authentication_port) {
    runner_role_error (server->role, "both ports are %u: they must differ", (unsigned) port);
    return false;
  }
  ports[0] = (uint16_t) server->args->registration_port;
  ports[1] = (uint16_t) server->args->authentication_port;
  struct role_wait until_stop = { server->role, INT64_MAX };
  struct net_wait wait = { role_wait, &until_stop };
  *registration = net_bind (server->args->host, &ports[0], &wait, error, sizeof error);
  *authentication = *registration < 0 ? *registration
                                      : net_bind (server->args->host, &ports[1], &wait, error, sizeof error);
  if (*authentication >= 0)
    return true;
  if (*registration >= 0)
    close (*registration);
  server->stopped = *authentication == NET_STOPPED;
  if (!server->stopped)
    runner_role_error (server->role, "%s", error);
  return false;
}

static bool
start_http (struct server *server, uint16_t ports[2])
{
  struct http_options options = {
    .body_limit = (size_t) server->args->body_limit.bytes,
    .limits = { .idle_ms = server->args->idle_limit.ns / MILLISECOND,
                .request_ms = server->args->request_limit.ns / MILLISECOND, .connections = 0 },
    .reader = server->reader, .committer = server->committer, .log = &server->log,
    .hangup_fd = server->hangup_fd,
    .tell = tell, .logged = logged, .warn = warn, .round = round_over, .data = server,
  };
  if (!bind_both (server, &options.registration, &options.authentication, ports))
    return false;
  server->http = http_start (&options);
  if (!server->http)
    runner_role_error (server->role, "cannot serve on ports %u and %u: %s", (unsigned) ports[0],
                       (unsigned) ports[1], strerror (errno));
  return server->http != NULL;
}

static void
export_path (struct server *server, const char *name, const char *path)
{
  char *whole = realpath (path, NULL);
  runner_export_text (server->role, name, whole ? whole : path);
  free (whole);
}

static bool
announce (struct server *server, const uint16_t ports[2])
{
  for (int i = 0; i < 2; i++) {
    bytes_puts (&server->printed, "Server started: http://localhost:");
    bytes_int (&server->printed, ports[i]);
    bytes_puts (&server->printed, "\n");
  }
  print_now (server);
  if (!role_export_url (server->role, "registration", server->args->host, ports[0])
      || !role_export_url (server->role, "authentication", server->args->host, ports[1]))
    return false;
  export_path (server, "database", server->database);
  export_path (server, "log", server->log_path);
  if (runner_ready (server->role) == 0)
    return true;
  runner_role_error (server->role, "nobody waits for this role");
  return false;
}

/* SIGHUP, which tells a server that its log was renamed, arrives by descriptor.  -1: it is not noticed. */
static int
watch_hangup (void)
{
  sigset_t set;
  sigemptyset (&set);
  sigaddset (&set, SIGHUP);
  return pthread_sigmask (SIG_BLOCK, &set, NULL) == 0 ? signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK) : -1;
}

int
server_run (struct runner_role *role, const void *args)
{
  struct server *server = bytes_allocate (sizeof *server);
  uint16_t ports[2];
  int status = 1;
  server->role = role;
  server->args = args;
  server->log.fd = server->log.spare = -1;
  signal (SIGPIPE, SIG_IGN); /* standard output may be a pipe */
  signal (SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, no end */
  tzset ();
  role_raise_descriptors ();
  server->hangup_fd = watch_hangup ();
  if (open_files (server) && start_http (server, ports)) {
    if (announce (server, ports)) {
      status = 0;
      if (!http_serve (server->http, runner_stop_fd (role)))
        status = runner_role_error (role, "poll: %s", strerror (errno));
    }
    http_stop (server->http);
  }
  if (server->stopped)
    status = 0;
  close_files (server);
  if (server->hangup_fd >= 0)
    close (server->hangup_fd);
  free (server);
  return status;
}
