/* ws-frames.c - see ws-frames.h.  wslay reads and writes the frames; what they mean (RFC 6455, 5.4 to 7.1) is here. */
#include "ws-frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../common/utf8.h"

#define ROUND_BYTES ((size_t) 256 << 10) /* read at once, before time and messages are looked at */
#define ROUND_READS 500                  /* likewise: TLS gives what came in one record, which may be a byte */
#define UNREAD_LIMIT ((size_t) 64 << 20) /* messages that nobody looked at */
#define DATA_SHOWN 4096                  /* of a message, as traffic */

/* ---- traffic ---- */

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
note_control (struct websocket *ws, int direction, const char *what, const void *data, size_t size)
{
  char text[200];
  int n = snprintf (text, sizeof text, "[%s%s%.*s]", what, size ? " " : "", (int) size, (const char *) data);
  runner_wire (ws->step, direction, ws->name, text, (size_t) n);
}

static void
note_close (struct websocket *ws, int direction, unsigned code, const char *reason, size_t size)
{
  char what[40];
  snprintf (what, sizeof what, code == WS_NO_STATUS ? "close" : "close %u", code);
  note_control (ws, direction, what, reason, size);
}

/* ---- what is sent ---- */

/* wslay's send_callback: a frame goes to `out` as a whole. */
static ssize_t
on_write (const uint8_t *data, size_t size, int flags, void *user)
{
  struct websocket *ws = user;
  (void) flags;
  http_bytes_add (&ws->out, data, size);
  ws->put += size;
  return ws->out.failed ? -1 : (ssize_t) size;
}

static int
on_mask (uint8_t *data, size_t size, void *user)
{
  (void) user;
  return getrandom (data, size, 0) == (ssize_t) size ? 0 : -1;
}

static void
broken (struct websocket *ws, const char *why)
{
  if (ws->state != WS_OPEN)
    return;
  ws->state = WS_BROKEN;
  snprintf (ws->why, sizeof ws->why, "%s", why);
}

static void
put_frame (struct websocket *ws, uint8_t opcode, const void *data, size_t size)
{
  struct wslay_frame_iocb frame = { .fin = 1, .opcode = opcode, .payload_length = size, .mask = 1,
                                    .data = size ? data : (const void *) "", .data_length = size };
  if (wslay_frame_send (ws->frames, &frame) != (ssize_t) size)
    broken (ws, "no memory for what is sent");
}

void
ws_put_message (struct websocket *ws, bool is_text, const void *data, size_t size)
{
  put_frame (ws, is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, data, size);
  note (ws, RUNNER_SENT, data, size);
}

void
ws_put_close (struct websocket *ws, unsigned code, const char *reason, size_t size)
{
  char data[WS_CONTROL_MOST] = { (char) (code >> 8), (char) (code & 0xff) };
  if (size)
    memcpy (data + 2, reason, size);
  put_frame (ws, WSLAY_CONNECTION_CLOSE, data, code == WS_NO_STATUS ? 0 : size + 2);
  ws->close_sent = true;
  note_close (ws, RUNNER_SENT, code, reason, size);
}

bool
ws_has_unsent (const struct websocket *ws)
{
  return ws->out_sent < ws->out.size || ws->pong_due;
}

/* The last ping is answered: who sends many before that gets one answer (RFC 6455, 5.5.3). */
static void
put_pong (struct websocket *ws)
{
  ws->pong_due = false;
  put_frame (ws, WSLAY_PONG, ws->pong, ws->pong_size);
  note_control (ws, RUNNER_SENT, "pong", ws->pong, ws->pong_size);
}

/* As much as the connection takes. */
static void
write_out (struct websocket *ws)
{
  while (!ws->cannot_write) {
    if (ws->out_sent == ws->out.size) {
      http_bytes_clear (&ws->out);
      ws->out_sent = 0;
      if (!ws->pong_due)
        return;
      put_pong (ws);
    }
    size_t n = 0;
    CURLcode code = curl_easy_send (ws->session->easy, ws->out.data + ws->out_sent, ws->out.size - ws->out_sent, &n);
    if (code == CURLE_AGAIN || (code == CURLE_OK && !n))
      return;
    ws->cannot_write = code != CURLE_OK; /* there may be more to read, such as why */
    ws->out_sent += n;
    ws->sent += n;
  }
}

/* ---- what comes ---- */

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

/* wslay's recv_callback */
static ssize_t
on_read (uint8_t *data, size_t size, int flags, void *user)
{
  struct websocket *ws = user;
  (void) flags;
  ws->more = true;
  if (ws->bytes_left < size || !ws->reads_left)
    return -1;
  size_t n = take_ahead (ws, data, size);
  CURLcode code = n ? CURLE_OK : curl_easy_recv (ws->session->easy, data, size, &n);
  if (code == CURLE_AGAIN) {
    ws->more = false;
    return -1;
  }
  if (code != CURLE_OK)
    broken (ws, "the connection broke");
  else if (n == 0)
    ws->state = WS_ENDED;
  ws->bytes_left -= n;
  ws->reads_left--;
  return n ? (ssize_t) n : -1;
}

/* The server breaks the rules, and is told (RFC 6455, 7.1.7). */
static void
refuse (struct websocket *ws, unsigned code, const char *why)
{
  broken (ws, why);
  ws_put_close (ws, code, NULL, 0);
}

#define PROTOCOL_BROKEN "it broke the protocol of WebSockets: "

/* What wslay does not know: it sees single frames. */
static const char *
wrong_head (const struct websocket *ws, const struct wslay_frame_iocb *frame)
{
  if (frame->rsv)
    return PROTOCOL_BROKEN "a reserved bit is set, and no extension was agreed on";
  if (frame->mask)
    return PROTOCOL_BROKEN "a frame of the server is masked";
  switch (frame->opcode) {
  case WSLAY_CONTINUATION_FRAME:
    return ws->in_message ? NULL : PROTOCOL_BROKEN "a message goes on that has not begun";
  case WSLAY_TEXT_FRAME: case WSLAY_BINARY_FRAME:
    return ws->in_message ? PROTOCOL_BROKEN "a message begins in the middle of another" : NULL;
  case WSLAY_CONNECTION_CLOSE: case WSLAY_PING: case WSLAY_PONG:
    return NULL;
  default:
    return PROTOCOL_BROKEN "a frame has a reserved opcode";
  }
}

/* A frame begins.  -1: it is refused. */
static int
begin_frame (struct websocket *ws, const struct wslay_frame_iocb *frame)
{
  char text[80];
  const char *wrong = wrong_head (ws, frame);
  if (wrong) {
    refuse (ws, WSLAY_CODE_PROTOCOL_ERROR, wrong);
    return -1;
  }
  ws->frame_left = frame->payload_length;
  ws->control_size = 0;
  if (wslay_is_ctrl_frame (frame->opcode))
    return 0;
  if (frame->payload_length > ws->limit - ws->coming.size) {
    snprintf (text, sizeof text, "it sent a message larger than the limit of %llu bytes",
              (unsigned long long) ws->limit);
    refuse (ws, WSLAY_CODE_MESSAGE_TOO_BIG, text);
    return -1;
  }
  if (frame->opcode != WSLAY_CONTINUATION_FRAME)
    ws->is_text = frame->opcode == WSLAY_TEXT_FRAME;
  ws->in_message = !frame->fin;
  return 0;
}

static void
end_message (struct websocket *ws)
{
  size_t size = ws->coming.size;
  note (ws, RUNNER_RECEIVED, http_bytes_text (&ws->coming), size);
  if (ws->is_text && !utf8_is_valid (http_bytes_text (&ws->coming), size)) {
    refuse (ws, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA, "it sent a text that is not UTF-8");
    return;
  }
  if (ws->unread > UNREAD_LIMIT) {
    refuse (ws, WSLAY_CODE_POLICY_VIOLATION, "it sent more than 64 MiB of messages that no step has looked at");
    return;
  }
  struct ws_message *message = ws->coming.failed ? NULL : malloc (sizeof *message + size + 1);
  if (!message) {
    broken (ws, "no memory for a message");
    return;
  }
  *message = (struct ws_message) { .is_text = ws->is_text, .size = size };
  memcpy (message->data, http_bytes_text (&ws->coming), size + 1);
  http_bytes_clear (&ws->coming);
  *ws->last = message;
  ws->last = &message->next;
  ws->unread += sizeof *message + message->size;
}

/* RFC 6455, 7.4, and what is registered since: 1012 to 1014. */
static bool
may_be_sent (unsigned code)
{
  return (code >= 1000 && code <= 1014 && code != 1004 && code != WS_NO_STATUS && code != 1006)
         || (code >= 3000 && code < 5000);
}

/* Its close frame is answered with the same code. */
static void
end_close (struct websocket *ws)
{
  const char *data = ws->control;
  size_t size = ws->control_size;
  unsigned code = size >= 2 ? (unsigned) (unsigned char) data[0] << 8 | (unsigned char) data[1] : WS_NO_STATUS;
  if (size == 1 || (size && !may_be_sent (code))) {
    refuse (ws, WSLAY_CODE_PROTOCOL_ERROR, PROTOCOL_BROKEN "a close frame has a code that none may have");
    return;
  }
  if (size && !utf8_is_valid (data + 2, size - 2)) {
    refuse (ws, WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA, "the reason in its close frame is not UTF-8");
    return;
  }
  ws->state = WS_CLOSED;
  ws->code = code;
  ws->reason_size = size ? size - 2 : 0;
  memcpy (ws->reason, data + 2, ws->reason_size);
  note_close (ws, RUNNER_RECEIVED, code, ws->reason, ws->reason_size);
  if (!ws->close_sent)
    ws_put_close (ws, code, NULL, 0);
}

static void
end_control (struct websocket *ws, uint8_t opcode)
{
  if (opcode == WSLAY_CONNECTION_CLOSE) {
    end_close (ws);
    return;
  }
  note_control (ws, RUNNER_RECEIVED, opcode == WSLAY_PING ? "ping" : "pong", ws->control, ws->control_size);
  if (opcode == WSLAY_PONG || ws->close_sent)
    return;
  memcpy (ws->pong, ws->control, ws->control_size);
  ws->pong_size = ws->control_size;
  ws->pong_due = true;
}

/* A piece of a frame, of `size` bytes; the last one makes it whole. */
static void
take_piece (struct websocket *ws, const struct wslay_frame_iocb *frame, size_t size)
{
  bool is_control = wslay_is_ctrl_frame (frame->opcode);
  if (!ws->in_frame && begin_frame (ws, frame) < 0)
    return;
  if (is_control) { /* at most WS_CONTROL_MOST in all, or wslay finds it wrong */
    if (size)
      memcpy (ws->control + ws->control_size, frame->data, size);
    ws->control_size += size;
  } else
    http_bytes_add (&ws->coming, frame->data, size);
  ws->frame_left -= size;
  ws->in_frame = ws->frame_left > 0;
  if (ws->in_frame)
    return;
  if (is_control)
    end_control (ws, frame->opcode);
  else if (frame->fin)
    end_message (ws);
}

static void
read_in (struct websocket *ws)
{
  ws->bytes_left = ROUND_BYTES;
  ws->reads_left = ROUND_READS;
  ws->more = false;
  while (ws->state == WS_OPEN) {
    struct wslay_frame_iocb frame = { 0 };
    ssize_t n = wslay_frame_recv (ws->frames, &frame);
    if (n >= 0)
      take_piece (ws, &frame, (size_t) n);
    else if (n == WSLAY_ERR_PROTO)
      refuse (ws, WSLAY_CODE_PROTOCOL_ERROR, PROTOCOL_BROKEN "the length of a frame is wrong");
    else
      return;
  }
}

int
ws_go_on (struct websocket *ws)
{
  write_out (ws);
  if (ws->state == WS_OPEN)
    read_in (ws);
  write_out (ws);
  if (ws->cannot_write && !ws->more)
    broken (ws, "the connection broke");
  return ws->state == WS_OPEN && ws->more;
}

/* ---- the whole ---- */

int
ws_begin (struct websocket *ws)
{
  static const struct wslay_frame_callbacks callbacks = { on_write, on_read, on_mask };
  return wslay_frame_context_init (&ws->frames, &callbacks, ws) == 0 ? 0 : -1;
}

struct ws_message *
ws_take_message (struct websocket *ws)
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

void
ws_free (struct websocket *ws)
{
  if (!ws)
    return;
  for (struct ws_message *message; (message = ws_take_message (ws));)
    free (message);
  if (ws->frames)
    wslay_frame_context_free (ws->frames);
  http_session_free (ws->session);
  http_bytes_free (&ws->ahead);
  http_bytes_free (&ws->coming);
  http_bytes_free (&ws->out);
  free (ws);
}
