/* fuzz-websocket.c - any bytes as a server's answer to the request for a WebSocket, and the frames behind it: what is
 * kept are whole messages within the limit, texts are UTF-8, and a close has a code. */
#include "fuzz.h"

#include "runner-plugin.h"

static inline void
no_wire (const void *step, int direction, const char *peer, const void *data, size_t size)
{
  (void) step, (void) direction, (void) peer, (void) data, (void) size;
}
#define runner_wire no_wire /* there is no step */

#include "../../common/utf8.h"
#include "../bytes.c"
#include "../headers.c"
#include "../ws-frames.c"
#include "../ws-handshake.c"

#define LIMIT 4000 /* bytes of a message */
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

void
http_session_free (struct http_session *session)
{
  (void) session;
}

static void
check_head (const char *head, size_t size)
{
  static const char *const protocols[] = { "chat.v2", "chat.v1", NULL };
  struct http_headers headers;
  char why[200] = "";
  int status = ws_head_status (head, size);
  FUZZ_CHECK (status == 0 || (status >= 100 && status < 600));
  FUZZ_CHECK (http_headers_split (head, size, &headers) == 0);
  const struct ws_offer offer = { .key = KEY, .protocols = protocols };
  const char *wrong = ws_head_wrong (&headers, &offer, why, sizeof why);
  FUZZ_CHECK (!wrong || *wrong);
  FUZZ_CHECK (wrong || http_headers_find (&headers, "sec-websocket-accept"));
  free (headers.rows);
}

static void
check_frames (struct websocket *ws)
{
  struct ws_message *message;
  size_t unread = 0;
  for (message = ws->first; message; message = message->next)
    unread += sizeof *message + message->size;
  FUZZ_CHECK (unread == ws->unread);
  while ((message = ws_take_message (ws))) {
    FUZZ_CHECK (message->size <= LIMIT && message->data[message->size] == '\0');
    FUZZ_CHECK (!message->is_text || utf8_is_valid (message->data, message->size));
    free (message);
  }
  FUZZ_CHECK (ws->last == &ws->first && ws->unread == 0);
  FUZZ_CHECK (ws->state == WS_CLOSED || ws->state == WS_BROKEN); /* there is no connection to read on from */
  FUZZ_CHECK (ws->state != WS_CLOSED || (ws->code >= 1000 && ws->code < 5000));
  FUZZ_CHECK (ws->state != WS_BROKEN || *ws->why);
}

FUZZ_TARGET (websocket)
{
  static struct http_session session;
  if (!session.easy)
    session.easy = curl_easy_init (); /* without a connection: what is read ends with `ahead` */
  struct websocket *ws = calloc (1, sizeof *ws);
  FUZZ_CHECK (ws);
  ws->session = &session;
  ws->limit = LIMIT;
  ws->last = &ws->first;
  size_t head = ws_head_size ((const char *) data, size);
  if (head) {
    http_bytes_add (&ws->ahead, data, head); /* as it comes: with a NUL behind */
    check_head (http_bytes_text (&ws->ahead), head);
    http_bytes_clear (&ws->ahead);
  }
  http_bytes_add (&ws->ahead, data + head, size - head);
  FUZZ_CHECK (ws_begin (ws) == 0);
  while (ws_go_on (ws))
    continue;
  check_frames (ws);
  ws_free (ws);
}
