/* client.c - the role `client`: registers, authenticates with a message, prints what it was answered. */
#include "roles.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/role.h"
#include "exchange.h"
#include "uuid.h"

#define ANSWER_NS INT64_C (10000000000) /* that an exchange may take */

/* Exit statuses. */
enum { CLIENT_FINE = 0, CLIENT_REFUSED = 1, CLIENT_NO_SERVER = 2 };

struct client {
  struct runner_role *role;
  const struct client_args *args;
  char uuid[UUID_SIZE + 1]; /* that it picked for itself */
  const char *name;         /* it, or the one that was given */
};

/* One exchange on a connection of its own: CLIENT_FINE, or the exit status. */
static int
post (struct client *client, const char *url, uint16_t port, const struct bytes *form, struct http_answer *answer)
{
  char host[256], error[256];
  if (!http_split (url, host, sizeof host, &port)) {
    runner_role_error (client->role, "this is no address: %s", url);
    return CLIENT_NO_SERVER;
  }
  struct role_wait until = { client->role, runner_now () + ANSWER_NS };
  struct net_wait wait = { role_wait, &until };
  int fd = net_connect (host, port, &wait, error, sizeof error);
  int rc = fd < 0 ? fd : exchange_post (fd, host, port, form, answer, &wait, error, sizeof error);
  if (fd >= 0)
    close (fd);
  if (rc == NET_OK)
    return CLIENT_FINE;
  runner_role_error (client->role, "%s port %u: %s", host, (unsigned) port, error);
  return CLIENT_NO_SERVER;
}

/* The fields of the answer's head, as they came, a line each. */
static void
print_head (const struct client *client, const struct http_answer *answer)
{
  CLEANUP_BYTES struct bytes text = { 0 };
  const char *line = answer->text.data + answer->head, *end = answer->text.data + answer->body, *stop;
  bool first = true; /* the status line */
  for (; line < end && (stop = memmem (line, (size_t) (end - line), "\r\n", 2)); line = stop + 2, first = false) {
    if (first || stop == line)
      continue;
    bytes_add (&text, line, (size_t) (stop - line));
    bytes_puts (&text, "\n");
  }
  runner_role_print (client->role, text.data, text.size); /* the exit status tells more */
}

static void
tell (struct client *client, const char *event, bool success, const char *code, size_t code_size)
{
  struct runner_out *out = runner_observation (client->role);
  runner_put_string (out, "event", event);
  runner_put_string (out, "client_uuid", client->name);
  if (code)
    runner_put_text (out, "server_uuid", code, code_size);
  runner_put_bool (out, "success", success);
  runner_observe (client->role);
}

static int
authenticate (struct client *client, const char *code, size_t code_size)
{
  CLEANUP_BYTES struct bytes form = { 0 };
  struct http_answer answer = { 0 };
  exchange_add_field (&form, "client_uuid", client->name, strlen (client->name));
  exchange_add_field (&form, "server_uuid", code, code_size);
  exchange_add_field (&form, "message", client->args->message, strlen (client->args->message));
  int status = post (client, client->args->authentication, 8001, &form, &answer);
  if (status == CLIENT_FINE) {
    print_head (client, &answer);
    bool success = exchange_is_success (&answer);
    tell (client, "authenticated", success, code, code_size);
    status = success ? CLIENT_FINE : CLIENT_REFUSED;
  }
  http_answer_free (&answer);
  return status;
}

static int
register_and_authenticate (struct client *client)
{
  CLEANUP_BYTES struct bytes form = { 0 };
  struct http_answer answer = { 0 };
  exchange_add_field (&form, "client_uuid", client->name, strlen (client->name));
  int status = post (client, client->args->registration, 8000, &form, &answer);
  if (status == CLIENT_FINE) {
    size_t size = 0;
    const char *code = exchange_code (&answer, &size);
    print_head (client, &answer);
    tell (client, "registered", code != NULL, code, size);
    status = code ? authenticate (client, code, size) : CLIENT_REFUSED;
  }
  http_answer_free (&answer);
  return status;
}

int
client_run (struct runner_role *role, const void *args)
{
  struct client client = { .role = role, .args = args };
  struct uuid_source source = { .left = 0 };
  signal (SIGPIPE, SIG_IGN); /* standard output may be a pipe */
  if (!uuid_make (&source, client.uuid))
    return runner_role_error (role, "no random numbers: %s", strerror (errno));
  bool given = client.args->client_uuid && *client.args->client_uuid;
  client.name = given ? client.args->client_uuid : client.uuid;
  runner_export_text (role, "client_uuid", client.name);
  if (runner_ready (role) != 0)
    return runner_role_error (role, "nobody waits for this role");
  return register_and_authenticate (&client);
}
