/* websocket.c - see websocket.h.  The verbs on an open WebSocket.
 *
 * Pings are answered, and what comes is kept, whenever a step is at work with the
 * connection; between steps nothing is read. */
#include "websocket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/pace.h"
#include "../common/quiet.h"
#include "../common/show.h"

/* The end of its scope: the server is told, if that needs no waiting. */
static void
destroy (struct runner_step *step, void *object)
{
  struct websocket *ws = object;
  ws->step = step;
  if (ws->state == WS_OPEN && !ws->close_sent) {
    ws_put_close (ws, WSLAY_CODE_GOING_AWAY, NULL, 0);
    ws_go_on (ws);
  }
  ws_free (ws);
}

const struct runner_handle_type ws_type = { .name = "WebSocket", .destroy = destroy };

static struct websocket *
use (struct runner_step *step, const char *conn)
{
  struct websocket *ws = runner_handle_use (step, conn, &ws_type);
  if (ws)
    ws->step = step;
  return ws;
}

int
ws_poll (struct runner_step *step, const struct websocket *ws, short events, int64_t ns)
{
  curl_socket_t fd = CURL_SOCKET_BAD;
  if (curl_easy_getinfo (ws->session->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
    return 0; /* it has ended: the next read tells */
  struct pollfd ready = { .fd = fd, .events = events };
  return runner_poll (step, &ready, 1, ns) < 0 ? -1 : 0;
}

static short
events_of (const struct websocket *ws)
{
  return (short) (POLLIN | (ws_has_unsent (ws) ? POLLOUT : 0));
}

/* One round of a step that waits.  0, or -1: the step must end. */
static int
wait_more (struct runner_step *step, struct websocket *ws, struct pace *pace)
{
  if (pace_over (step, pace))
    return -1;
  struct ws_message *const *end = ws->last;
  if (ws_go_on (ws) || ws->last != end || ws->state != WS_OPEN)
    return 0;
  return ws_poll (step, ws, events_of (ws), -1);
}

/* "it was closed by 1001 (bye)": how the connection ended. */
static const char *
ending (const struct websocket *ws, char *out, size_t room)
{
  char shown[SHOW_ROOM];
  switch (ws->state) {
  case WS_CLOSED:
    snprintf (out, room, "it was closed with %u%s%s", ws->code, ws->reason_size ? " " : "",
              ws->reason_size ? show_first (shown, ws->reason, ws->reason_size) : "");
    return out;
  case WS_ENDED:
    return "the connection ended without a close frame";
  default:
    return ws->why;
  }
}

static int
fail_ended (struct runner_step *step, const struct websocket *ws, const char *when)
{
  char text[SHOW_ROOM + 80];
  return runner_fail (step, "%s: %s%s", ws->name, ending (ws, text, sizeof text), when);
}

/* ---- send ---- */

/* Sends what waits now.  What is left of it when the connection ends is not sent. */
static int
flush (struct runner_step *step, struct websocket *ws, const char *what)
{
  struct pace pace = { 0 };
  char when[80];
  snprintf (when, sizeof when, " before %s was sent", what);
  for (uint64_t end = ws->put;;) {
    ws_go_on (ws);
    if (ws->sent >= end)
      return RUNNER_PASS;
    if (ws->state != WS_OPEN)
      return fail_ended (step, ws, when);
    if (pace_over (step, &pace) || ws_poll (step, ws, events_of (ws), -1) < 0)
      return runner_expired (step, "sending %s to %s: it takes no more", what, ws->name);
  }
}

int
http_ws_send (struct runner_step *step, const void *data)
{
  const struct ws_send_args *args = data;
  struct websocket *ws = use (step, args->conn);
  if (!ws)
    return RUNNER_ERROR;
  struct runner_bytes sent = args->bytes.data ? args->bytes : args->text;
  if (args->json.node) {
    sent.data = (const uint8_t *) runner_node_json (step, args->json.node, &sent.size);
    if (!sent.data)
      return RUNNER_ERROR;
  }
  ws_go_on (ws);
  if (ws->state != WS_OPEN)
    return fail_ended (step, ws, "");
  ws_put_message (ws, !args->bytes.data, sent.data, sent.size);
  return flush (step, ws, "the message");
}

/* ---- receive, wait, quiet ---- */

/* The next message; NULL and RUNNER_PASS: it was closed; else the outcome. */
static int
next_message (struct runner_step *step, struct websocket *ws, struct pace *pace, struct ws_message **message)
{
  while (!(*message = ws_take_message (ws)) && ws->state == WS_OPEN)
    if (wait_more (step, ws, pace) < 0)
      return runner_expired (step, "waiting for a message from %s", ws->name);
  return RUNNER_PASS;
}

static void
put_message (struct runner_step *step, const struct ws_message *message)
{
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "type", message->is_text ? "text" : "binary");
  runner_put_int (out, "size", (int64_t) message->size);
  if (runner_wants (step, "data"))
    runner_put_text (out, "data", message->data, message->size);
  if (message->is_text && runner_wants (step, "json"))
    http_put_json (out, 0, message->data, message->size);
}

static void
put_close (struct runner_step *step, const struct websocket *ws)
{
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "type", "close");
  runner_put_int (out, "code", ws->code);
  runner_put_text (out, "reason", ws->reason, ws->reason_size);
}

int
http_ws_receive (struct runner_step *step, const void *data)
{
  const struct ws_receive_args *args = data;
  struct websocket *ws = use (step, args->conn);
  if (!ws)
    return RUNNER_ERROR;
  struct ws_message *message;
  struct pace pace = { 0 };
  char shown[SHOW_ROOM];
  int outcome = next_message (step, ws, &pace, &message);
  if (outcome != RUNNER_PASS)
    return outcome;
  if (message && !args->closed.on)
    put_message (step, message);
  else if (message)
    outcome = runner_fail (step, "%s: expected the close, got %s", ws->name,
                           show_first (shown, message->data, message->size));
  else if (args->closed.on && ws->state == WS_CLOSED)
    put_close (step, ws);
  else
    outcome = fail_ended (step, ws, args->closed.on ? "" : " before a message came");
  free (message);
  return outcome;
}

int
http_ws_wait (struct runner_step *step, const void *data)
{
  const struct ws_conn_args *args = data;
  struct websocket *ws = use (step, args->conn);
  if (!ws)
    return RUNNER_ERROR;
  struct pace pace = { 0 };
  int64_t skipped = 0;
  for (;;) {
    struct ws_message *message = NULL;
    int outcome;
    if (pace_over (step, &pace))
      outcome = runner_expired (step, "waiting for a message from %s", ws->name);
    else if ((outcome = next_message (step, ws, &pace, &message)) == RUNNER_PASS && !message)
      outcome = fail_ended (step, ws, " before the message came");
    if (!message) {
      if (skipped)
        runner_log (step, "%lld messages came that the step's expectations do not hold for", (long long) skipped);
      return outcome;
    }
    put_message (step, message);
    free (message);
    runner_put_int (runner_result (step), "skipped", skipped);
    int holds = runner_result_holds (step);
    if (holds)
      return holds > 0 ? RUNNER_PASS : RUNNER_ERROR;
    runner_put_reset (runner_result (step));
    skipped++;
  }
}

int
http_ws_quiet (struct runner_step *step, const void *data)
{
  const struct ws_quiet_args *args = data;
  struct websocket *ws = use (step, args->conn);
  if (!ws)
    return RUNNER_ERROR;
  int outcome = quiet_fits (step, args->ns.ns);
  if (outcome != RUNNER_PASS)
    return outcome;
  char shown[SHOW_ROOM];
  int64_t end = runner_now () + args->ns.ns;
  struct pace pace = { 0 };
  for (;;) {
    int more = ws_go_on (ws);
    if (ws->first)
      return runner_fail (step, "%s: expected nothing, got %s", ws->name,
                          show_first (shown, ws->first->data, ws->first->size));
    if (ws->state != WS_OPEN)
      return fail_ended (step, ws, ", expected it to stay open");
    int64_t left = end - runner_now ();
    if (!more && left <= 0)
      return RUNNER_PASS;
    if (pace_over (step, &pace) || (!more && ws_poll (step, ws, events_of (ws), left) < 0))
      return runner_expired (step, "waiting whether something comes from %s", ws->name);
  }
}

/* ---- close ---- */

/* The peer's close frame, whatever comes before it. */
static int
await_close (struct runner_step *step, struct websocket *ws)
{
  struct pace pace = { 0 };
  struct ws_message *message;
  while (ws->state == WS_OPEN) {
    while ((message = ws_take_message (ws)))
      free (message);
    if (wait_more (step, ws, &pace) < 0)
      return runner_expired (step, "waiting for %s to close, too", ws->name);
  }
  if (ws->state != WS_CLOSED)
    return fail_ended (step, ws, "");
  put_close (step, ws);
  while (ws_has_unsent (ws) && !ws->cannot_write) { /* our answer to its close */
    if (pace_over (step, &pace) || ws_poll (step, ws, POLLOUT, -1) < 0)
      return runner_expired (step, "sending the close frame to %s: it takes no more", ws->name);
    ws_go_on (ws);
  }
  return RUNNER_PASS;
}

int
http_ws_close (struct runner_step *step, const void *data)
{
  const struct ws_close_args *args = data;
  struct websocket *ws = use (step, args->conn);
  if (!ws)
    return RUNNER_ERROR;
  size_t size = args->reason ? strlen (args->reason) : 0;
  if (size > WS_REASON_MOST)
    return runner_error (step, "reason: a close frame has room for %d bytes, these are %zu", WS_REASON_MOST, size);
  ws_go_on (ws);
  if (ws->state == WS_OPEN && !ws->close_sent)
    ws_put_close (ws, (unsigned) args->code, args->reason, size);
  int outcome = await_close (step, ws);
  if (runner_handle_close (step, args->conn, &ws_type) < 0)
    return RUNNER_ERROR;
  return outcome;
}
