/* websocket.c - see websocket.h.  The verbs on an open WebSocket.
 *
 * Pings are answered, and what comes is kept, whenever a step is at work with the
 * connection; between steps nothing is read. */
#include "websocket.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../common/pace.h"
#include "../common/show.h"

#define ROUND_BYTES ((size_t) 256 << 10)  /* read at once, before time and messages are looked at */
#define QUEUED_MOST 1000                  /* answers to pings; who does not take them sends no more */
#define UNREAD_LIMIT ((size_t) 64 << 20)  /* messages that nobody looked at */
#define NO_STATUS 1005                    /* RFC 6455, 7.4.1: a close frame without a code */
#define PROTOCOL_BROKEN "it broke the protocol of WebSockets"
#define DATA_SHOWN 4096                   /* of a message, as traffic */

/* ---- bytes ---- */

static void
broken (struct websocket *ws, const char *why)
{
  if (ws->state != WS_OPEN)
    return;
  ws->state = WS_BROKEN;
  snprintf (ws->why, sizeof ws->why, "%s", why);
}

/* What came behind the head of the server's answer. */
static size_t
take_ahead (struct websocket *ws, uint8_t *data, size_t size)
{
  size_t left = ws->ahead.size - ws->ahead_taken, n = left < size ? left : size;
  if (n)
    memcpy (data, ws->ahead.data + ws->ahead_taken, n);
  ws->ahead_taken += n;
  return n;
}

static bool
takes_more (const struct websocket *ws)
{
  return wslay_event_want_read (ws->frames) && wslay_event_get_queued_msg_count (ws->frames) < QUEUED_MOST;
}

static ssize_t
on_read (wslay_event_context_ptr frames, uint8_t *data, size_t size, int flags, void *user)
{
  struct websocket *ws = user;
  (void) flags;
  ws->more = true;
  if (!ws->budget || !takes_more (ws) || ws->state != WS_OPEN) {
    wslay_event_set_error (frames, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  size_t n = take_ahead (ws, data, size < ws->budget ? size : ws->budget);
  CURLcode code = n ? CURLE_OK : curl_easy_recv (ws->session->easy, data, size < ws->budget ? size : ws->budget, &n);
  if (code == CURLE_AGAIN) {
    ws->more = false;
    wslay_event_set_error (frames, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  if (code != CURLE_OK || n == 0) {
    if (code != CURLE_OK)
      broken (ws, "the connection broke");
    else if (ws->state == WS_OPEN)
      ws->state = WS_ENDED;
    wslay_event_set_error (frames, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
  }
  ws->budget -= n;
  return (ssize_t) n;
}

static ssize_t
on_write (wslay_event_context_ptr frames, const uint8_t *data, size_t size, int flags, void *user)
{
  struct websocket *ws = user;
  size_t n = 0;
  (void) flags;
  CURLcode code = curl_easy_send (ws->session->easy, data, size, &n);
  if (code == CURLE_OK && n > 0)
    return (ssize_t) n;
  if (code == CURLE_AGAIN || code == CURLE_OK)
    wslay_event_set_error (frames, WSLAY_ERR_WOULDBLOCK);
  else {
    broken (ws, "the connection broke");
    wslay_event_set_error (frames, WSLAY_ERR_CALLBACK_FAILURE);
  }
  return -1;
}

static int
on_mask (wslay_event_context_ptr frames, uint8_t *data, size_t size, void *user)
{
  (void) user;
  if (getrandom (data, size, 0) == (ssize_t) size)
    return 0;
  wslay_event_set_error (frames, WSLAY_ERR_CALLBACK_FAILURE);
  return -1;
}

/* ---- messages ---- */

static void
note (struct websocket *ws, int direction, const void *data, size_t size)
{
  char text[80];
  runner_wire (ws->step, direction, ws->name, data, size < DATA_SHOWN ? size : DATA_SHOWN);
  if (size <= DATA_SHOWN)
    return;
  int n = snprintf (text, sizeof text, "[... %zu bytes of the message in all]", size);
  runner_wire (ws->step, direction, ws->name, text, (size_t) n);
}

static void
note_control (struct websocket *ws, int direction, const char *what, size_t size)
{
  char text[80];
  int n = snprintf (text, sizeof text, "[%s, %zu bytes]", what, size);
  runner_wire (ws->step, direction, ws->name, text, (size_t) n);
}

static void
note_close (struct websocket *ws, int direction, unsigned code, const char *reason)
{
  char text[200];
  int n = snprintf (text, sizeof text, "[close %u%s%s]", code, *reason ? " " : "", reason);
  runner_wire (ws->step, direction, ws->name, text, (size_t) n);
}

/* wslay would keep each frame of a message by itself: one of a byte takes as much as 100. */
static void
on_frame (wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_start_arg *arg, void *user)
{
  struct websocket *ws = user;
  char text[80];
  ws->is_control = wslay_is_ctrl_frame (arg->opcode);
  if (ws->is_control || ws->state != WS_OPEN || arg->payload_length <= ws->limit - ws->coming.size)
    return;
  snprintf (text, sizeof text, "it sent a message larger than the limit of %llu bytes", (unsigned long long) ws->limit);
  broken (ws, text);
  wslay_event_queue_close (frames, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0);
}

static void
on_piece (wslay_event_context_ptr frames, const struct wslay_event_on_frame_recv_chunk_arg *arg, void *user)
{
  struct websocket *ws = user;
  (void) frames;
  if (!ws->is_control && ws->state == WS_OPEN)
    http_bytes_add (&ws->coming, arg->data, arg->data_length);
}

static void
keep_message (struct websocket *ws, bool is_text)
{
  size_t size = ws->coming.size;
  note (ws, RUNNER_RECEIVED, http_bytes_text (&ws->coming), size);
  struct ws_message *message = ws->coming.failed ? NULL : malloc (sizeof *message + size + 1);
  if (!message) {
    broken (ws, "no memory for a message");
    return;
  }
  *message = (struct ws_message) { .is_text = is_text, .size = size };
  memcpy (message->data, http_bytes_text (&ws->coming), size + 1);
  http_bytes_clear (&ws->coming);
  *ws->last = message;
  ws->last = &message->next;
  ws->unread += sizeof *message + message->size;
}

/* wslay has answered it already, and reads no more. */
static void
keep_close (struct websocket *ws, const struct wslay_event_on_msg_recv_arg *arg)
{
  size_t size = arg->msg_length > 2 ? arg->msg_length - 2 : 0; /* at most 123: a control frame */
  if (arg->msg_length == 1) { /* half a code, which wslay takes for none */
    broken (ws, PROTOCOL_BROKEN);
    return;
  }
  ws->state = WS_CLOSED;
  ws->code = arg->status_code ? arg->status_code : NO_STATUS;
  if (size)
    memcpy (ws->reason, arg->msg + 2, size);
  ws->reason[size] = '\0';
  note_close (ws, RUNNER_RECEIVED, ws->code, ws->reason);
}

static void
on_message (wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
  struct websocket *ws = user;
  (void) frames;
  if (ws->state != WS_OPEN)
    return;
  switch (arg->opcode) {
  case WSLAY_CONNECTION_CLOSE:
    keep_close (ws, arg);
    break;
  case WSLAY_PING: case WSLAY_PONG: /* a ping is answered by wslay */
    note_control (ws, RUNNER_RECEIVED, arg->opcode == WSLAY_PING ? "ping" : "pong", arg->msg_length);
    break;
  default:
    keep_message (ws, arg->opcode == WSLAY_TEXT_FRAME);
  }
}

static struct ws_message *
take_message (struct websocket *ws)
{
  struct ws_message *message = ws->first;
  if (!message)
    return NULL;
  ws->first = message->next;
  if (!ws->first)
    ws->last = &ws->first;
  ws->unread -= sizeof *message + message->size;
  return message;
}

/* ---- the connection ---- */

int
ws_begin (struct websocket *ws)
{
  static const struct wslay_event_callbacks callbacks = {
    .recv_callback = on_read, .send_callback = on_write, .genmask_callback = on_mask,
    .on_frame_recv_start_callback = on_frame, .on_frame_recv_chunk_callback = on_piece,
    .on_msg_recv_callback = on_message
  };
  ws->last = &ws->first;
  if (wslay_event_context_client_init (&ws->frames, &callbacks, ws) != 0)
    return -1;
  wslay_event_config_set_no_buffering (ws->frames, 1);
  wslay_event_config_set_max_recv_msg_length (ws->frames, UINT64_MAX);
  return 0;
}

void
ws_free (struct websocket *ws)
{
  if (!ws)
    return;
  for (struct ws_message *message; (message = take_message (ws));)
    free (message);
  if (ws->frames)
    wslay_event_context_free (ws->frames);
  http_session_free (ws->session);
  http_bytes_free (&ws->ahead);
  http_bytes_free (&ws->coming);
  free (ws);
}

/* The end of its scope: the server is told, if that needs no waiting. */
static void
destroy (struct runner_step *step, void *object)
{
  struct websocket *ws = object;
  ws->step = step;
  if (ws->state == WS_OPEN && wslay_event_queue_close (ws->frames, WSLAY_CODE_GOING_AWAY, NULL, 0) == 0)
    wslay_event_send (ws->frames);
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

/* wslay has found a fault in what came and sends a close frame that says so (RFC 6455, 7.4.1). */
static void
judge_frames (struct websocket *ws)
{
  if (ws->state != WS_OPEN || wslay_event_get_read_enabled (ws->frames) || wslay_event_get_close_sent (ws->frames) == 0)
    return;
  int not_text = wslay_event_get_status_code_sent (ws->frames) == WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA;
  broken (ws, not_text ? "it sent a text that is not UTF-8" : PROTOCOL_BROKEN);
}

/* Takes what has come and sends what waits.  1: there may be more at once: wslay reads no more after a part of a
 * frame's head, and TLS may have it already. */
static int
go_on (struct websocket *ws)
{
  if (ws->state == WS_BROKEN || ws->state == WS_ENDED)
    return 0;
  if (ws->state == WS_OPEN) {
    ws->budget = ROUND_BYTES;
    if (wslay_event_recv (ws->frames) == WSLAY_ERR_NOMEM)
      broken (ws, "no memory for what came");
  }
  if (wslay_event_want_write (ws->frames) && wslay_event_send (ws->frames) == WSLAY_ERR_NOMEM)
    broken (ws, "no memory for what is sent");
  judge_frames (ws);
  if (ws->unread > UNREAD_LIMIT)
    broken (ws, "more than 64 MiB of messages came that no step has looked at");
  return ws->state == WS_OPEN && ws->more && takes_more (ws);
}

/* What its connection is waited for. */
static short
events_of (const struct websocket *ws)
{
  return (short) ((takes_more (ws) ? POLLIN : 0) | (wslay_event_want_write (ws->frames) ? POLLOUT : 0));
}

/* One round of a step that waits, of at most `ns`.  0, or -1: the step must end. */
static int
wait_more (struct runner_step *step, struct websocket *ws, struct pace *pace, int64_t ns)
{
  if (pace_over (step, pace))
    return -1;
  struct ws_message *const *end = ws->last;
  if (go_on (ws) || ws->last != end || ws->state != WS_OPEN)
    return 0;
  return ws_poll (step, ws, events_of (ws), ns);
}

/* "it was closed by 1001 (bye)": how the connection ended. */
static const char *
ending (const struct websocket *ws, char *out, size_t room)
{
  char shown[SHOW_ROOM];
  switch (ws->state) {
  case WS_CLOSED:
    snprintf (out, room, "it was closed with %u%s%s", ws->code, *ws->reason ? " " : "",
              *ws->reason ? show_first (shown, ws->reason, strlen (ws->reason)) : "");
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

/* Sends all that is queued. */
static int
flush (struct runner_step *step, struct websocket *ws, const char *what)
{
  struct pace pace = { 0 };
  for (;;) {
    go_on (ws);
    if (ws->state == WS_BROKEN || ws->state == WS_ENDED)
      return fail_ended (step, ws, "");
    if (!wslay_event_want_write (ws->frames))
      return RUNNER_PASS;
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
  uint8_t opcode = args->bytes.data ? WSLAY_BINARY_FRAME : WSLAY_TEXT_FRAME;
  struct wslay_event_msg message = { opcode, sent.data, sent.size };
  go_on (ws);
  if (ws->state != WS_OPEN)
    return fail_ended (step, ws, "");
  int wrong = wslay_event_queue_msg (ws->frames, &message);
  if (wrong)
    return runner_error (step, "%s: %s", ws->name, wrong == WSLAY_ERR_NOMEM ? "no memory for the message"
                                                                             : "the message cannot be sent");
  note (ws, RUNNER_SENT, message.msg, message.msg_length);
  return flush (step, ws, "the message");
}

/* ---- receive, wait, quiet ---- */

/* The next message; NULL and RUNNER_PASS: it was closed; else the outcome. */
static int
next_message (struct runner_step *step, struct websocket *ws, struct pace *pace, struct ws_message **message)
{
  while (!(*message = take_message (ws)) && ws->state == WS_OPEN)
    if (wait_more (step, ws, pace, -1) < 0)
      return runner_expired (step, "waiting for a message from %s", ws->name);
  return RUNNER_PASS;
}

static void
put_json (struct runner_out *out, const struct ws_message *message)
{
  char wrong[200];
  size_t at = strspn (message->data, " \t\r\n");
  if (message->is_text && (message->data[at] == '{' || message->data[at] == '['))
    (void) runner_put_json (out, "json", message->data, message->size, wrong, sizeof wrong);
}

static void
put_message (struct runner_step *step, const struct ws_message *message)
{
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "type", message->is_text ? "text" : "binary");
  runner_put_int (out, "size", (int64_t) message->size);
  if (runner_wants (step, "data"))
    runner_put_text (out, "data", message->data, message->size);
  if (runner_wants (step, "json"))
    put_json (out, message);
}

static void
put_close (struct runner_step *step, const struct websocket *ws)
{
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "type", "close");
  runner_put_int (out, "code", ws->code);
  runner_put_string (out, "reason", ws->reason);
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
    int outcome = pace_over (step, &pace) ? runner_expired (step, "waiting for a message from %s", ws->name)
                                          : next_message (step, ws, &pace, &message);
    if (outcome == RUNNER_PASS && !message)
      outcome = fail_ended (step, ws, " before the message came");
    if (outcome != RUNNER_PASS) {
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
  char wish[40], left_text[40], shown[SHOW_ROOM];
  int64_t left = runner_left (step), end = runner_now () + args->ns.ns;
  if (left < args->ns.ns)
    return runner_error (step, "for: %s is longer than the step may take (%s): give it a longer timeout",
                         show_time (wish, args->ns.ns), show_time (left_text, left));
  struct pace pace = { 0 };
  for (int more = 1;;) {
    more = go_on (ws);
    if (ws->first)
      return runner_fail (step, "%s: expected nothing, got %s", ws->name,
                          show_first (shown, ws->first->data, ws->first->size));
    if (ws->state != WS_OPEN)
      return fail_ended (step, ws, ", expected it to stay open");
    left = end - runner_now ();
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
    while ((message = take_message (ws)))
      free (message);
    if (wait_more (step, ws, &pace, -1) < 0)
      return runner_expired (step, "waiting for %s to close, too", ws->name);
  }
  if (ws->state != WS_CLOSED)
    return fail_ended (step, ws, "");
  put_close (step, ws);
  return flush (step, ws, "the close frame");
}

int
http_ws_close (struct runner_step *step, const void *data)
{
  const struct ws_close_args *args = data;
  struct websocket *ws = use (step, args->conn);
  if (!ws)
    return RUNNER_ERROR;
  size_t size = args->reason ? strlen (args->reason) : 0;
  if (size > 123) /* RFC 6455, 5.5: 125 bytes in a control frame */
    return runner_error (step, "reason: a close frame has room for 123 bytes, these are %zu", size);
  go_on (ws);
  if (ws->state == WS_OPEN) {
    if (wslay_event_queue_close (ws->frames, (uint16_t) args->code, (const uint8_t *) args->reason, size) != 0)
      return runner_error (step, "%s: the close frame cannot be sent", ws->name);
    note_close (ws, RUNNER_SENT, (unsigned) args->code, args->reason ? args->reason : "");
  }
  int outcome = await_close (step, ws);
  if (runner_handle_close (step, args->conn, &ws_type) < 0)
    return RUNNER_ERROR;
  return outcome;
}
