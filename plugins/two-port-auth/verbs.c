/* verbs.c - see verbs.h. */
#include "verbs.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/address.h"
#include "exchange.h"
#include "uuid.h"

static int
wait_for (void *data, int fd, short events)
{
  struct pollfd poll_fd = { .fd = fd, .events = events };
  return runner_poll (data, &poll_fd, 1, -1);
}

/* A connection to `http://host:port`: RUNNER_PASS, or the outcome to return. */
static int
connect_to (struct runner_step *step, const char *url, uint16_t port, const struct net_wait *wait, int *fd)
{
  char error[256] = "it has no address";
  struct runner_address address = { .text = url, .port = port };
  char host[256];
  struct addresses found;
  if (!http_split (url, host, sizeof host, &address.port))
    return runner_error (step, "to: %s is not http://host:port", url);
  address.host = host;
  int outcome = address_resolve (step, &address, SOCK_STREAM, 0, &found);
  *fd = NET_FAILED;
  for (size_t i = 0; outcome == RUNNER_PASS && i < found.count && *fd == NET_FAILED; i++)
    *fd = net_connect_address ((struct sockaddr *) &found.list[i].addr, found.list[i].size, wait, error,
                               sizeof error);
  if (outcome != RUNNER_PASS || *fd >= 0)
    return outcome;
  if (*fd == NET_FAILED)
    return runner_fail (step, "cannot connect to %s: %s", url, error);
  return runner_expired (step, "connecting to %s", url);
}

/* Posts the form on a connection of its own. */
static int
post (struct runner_step *step, const char *url, uint16_t port, const struct bytes *form,
      struct http_answer *answer)
{
  struct net_wait wait = { wait_for, step };
  char error[256], host[256];
  int fd = NET_FAILED, outcome = connect_to (step, url, port, &wait, &fd);
  if (outcome != RUNNER_PASS)
    return outcome;
  http_split (url, host, sizeof host, &port); /* as it was split before */
  runner_wire (step, RUNNER_SENT, url, form->data, form->size);
  int rc = exchange_post (fd, host, port, form, answer, &wait, error, sizeof error);
  close (fd);
  if (answer->text.size)
    runner_wire (step, RUNNER_RECEIVED, url, answer->text.data, answer->text.size);
  if (rc == NET_OK)
    return RUNNER_PASS;
  if (rc == NET_FAILED)
    return runner_fail (step, "%s: %s", url, error);
  return runner_expired (step, "%s: waiting for the answer", url);
}

/* What both verbs tell of an answer. */
static void
put_answer (struct runner_step *step, const struct http_answer *answer)
{
  struct runner_out *out = runner_result (step);
  runner_put_int (out, "status", answer->status);
  runner_put_text (out, "body", answer->text.data + answer->body, answer->text.size - answer->body);
}

int
verb_register (struct runner_step *step, const void *arguments)
{
  const struct register_args *args = arguments;
  CLEANUP_BYTES struct bytes form = { 0 };
  struct http_answer answer = { 0 };
  struct uuid_source source = { .left = 0 };
  char uuid[UUID_SIZE + 1];
  const char *client = args->client_uuid;
  if (!runner_given (step, "client_uuid")) {
    if (!uuid_make (&source, uuid))
      return runner_error (step, "no random numbers: %s", strerror (errno));
    client = uuid;
  }
  exchange_add_field (&form, "client_uuid", client, strlen (client));
  int outcome = post (step, args->to, 8000, &form, &answer);
  if (outcome == RUNNER_PASS) {
    size_t size = 0;
    const char *code = exchange_code (&answer, &size);
    runner_put_bool (runner_result (step), "registered", code != NULL);
    runner_put_string (runner_result (step), "client_uuid", client);
    if (code)
      runner_put_text (runner_result (step), "server_uuid", code, size);
    put_answer (step, &answer);
    if (!code)
      outcome = runner_bad (step, "registered", "%s: no code was answered, status %d", args->to, answer.status);
  }
  http_answer_free (&answer);
  return outcome;
}

int
verb_authenticate (struct runner_step *step, const void *arguments)
{
  const struct authenticate_args *args = arguments;
  CLEANUP_BYTES struct bytes form = { 0 };
  struct http_answer answer = { 0 };
  exchange_add_field (&form, "client_uuid", args->client_uuid, strlen (args->client_uuid));
  if (runner_given (step, "server_uuid"))
    exchange_add_field (&form, "server_uuid", args->server_uuid, strlen (args->server_uuid));
  if (runner_given (step, "message"))
    exchange_add_field (&form, "message", args->message.data, args->message.size);
  int outcome = post (step, args->to, 8001, &form, &answer);
  if (outcome == RUNNER_PASS) {
    bool success = exchange_is_success (&answer);
    runner_put_bool (runner_result (step), "authenticated", success);
    put_answer (step, &answer);
    if (!success)
      outcome = runner_bad (step, "authenticated", "%s: the code is refused, status %d", args->to, answer.status);
  }
  http_answer_free (&answer);
  return outcome;
}
