/* ws-handshake.c - see ws-handshake.h. */
#define _GNU_SOURCE 1
#include "ws-handshake.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455, 1.3 */

int
ws_make_key (char key[WS_KEY_ROOM])
{
  unsigned char nonce[16];
  if (getrandom (nonce, sizeof nonce, 0) != (ssize_t) sizeof nonce)
    return -1;
  EVP_EncodeBlock ((unsigned char *) key, nonce, sizeof nonce);
  return 0;
}

void
ws_accept (const char *key, char accept[WS_ACCEPT_ROOM])
{
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  accept[0] = '\0';
  if (context && EVP_DigestInit_ex (context, EVP_sha1 (), NULL) == 1
      && EVP_DigestUpdate (context, key, strlen (key)) == 1 && EVP_DigestUpdate (context, GUID, sizeof GUID - 1) == 1
      && EVP_DigestFinal_ex (context, digest, &size) == 1 && size == 20)
    EVP_EncodeBlock ((unsigned char *) accept, digest, (int) size);
  EVP_MD_CTX_free (context);
}

size_t
ws_head_size (const char *data, size_t size)
{
  const char *end = memmem (data, size, "\r\n\r\n", 4);
  return end ? (size_t) (end - data) + 4 : 0;
}

/* "HTTP/1.1 101 Switching Protocols" (RFC 9112, 4) */
int
ws_head_status (const char *head, size_t size)
{
  if (size < 14 || memcmp (head, "HTTP/1.", 7) != 0 || head[7] < '0' || head[7] > '9' || head[8] != ' ')
    return 0;
  int status = 0;
  for (int i = 9; i < 12; i++) {
    if (head[i] < '0' || head[i] > '9')
      return 0;
    status = status * 10 + (head[i] - '0');
  }
  return (head[12] == ' ' || head[12] == '\r') && status >= 100 && status < 600 ? status : 0;
}

/* A header that may be there once.  -1: it is there more often; NULL in *header: not at all. */
static int
find_single (const struct http_headers *headers, const char *name, const struct http_header **header)
{
  const struct http_header *first = http_headers_find (headers, name);
  *header = first;
  if (!first)
    return 0;
  struct http_headers rest = { (struct http_header *) first + 1, headers->n - (size_t) (first - headers->rows) - 1 };
  return http_headers_find (&rest, name) ? -1 : 0;
}

static const char *
wrong_protocol (const struct http_headers *headers, const struct ws_offer *offer, char *why, size_t room)
{
  const struct http_header *given;
  if (find_single (headers, "Sec-WebSocket-Protocol", &given) < 0)
    return "the answer has more than one Sec-WebSocket-Protocol";
  if (!given || offer->any_protocol)
    return NULL; /* the server may know none of them: RFC 6455, 4.2.2 */
  for (const char *const *offered = offer->protocols; *offered; offered++)
    if (strlen (*offered) == given->value_size && memcmp (*offered, given->value, given->value_size) == 0)
      return NULL;
  snprintf (why, room, "it speaks the subprotocol \"%.*s\", which was not offered",
            (int) (given->value_size < 80 ? given->value_size : 80), given->value);
  return why;
}

const char *
ws_head_wrong (const struct http_headers *headers, const struct ws_offer *offer, char *why, size_t room)
{
  char wanted[WS_ACCEPT_ROOM];
  const struct http_header *accept;
  if (!http_headers_list (headers, "Upgrade", "websocket"))
    return "the answer has no `Upgrade: websocket`";
  if (!http_headers_list (headers, "Connection", "Upgrade"))
    return "the answer has no `Connection: Upgrade`";
  if (find_single (headers, "Sec-WebSocket-Accept", &accept) < 0)
    return "the answer has more than one Sec-WebSocket-Accept";
  if (!accept)
    return "the answer has no Sec-WebSocket-Accept";
  ws_accept (offer->key, wanted);
  if (accept->value_size != strlen (wanted) || memcmp (accept->value, wanted, accept->value_size) != 0) {
    snprintf (why, room, "expected Sec-WebSocket-Accept \"%s\" for the key that was sent, got \"%.*s\"", wanted,
              (int) (accept->value_size < 80 ? accept->value_size : 80), accept->value);
    return why;
  }
  if (!offer->any_extension && http_headers_find (headers, "Sec-WebSocket-Extensions"))
    return "it uses an extension, and none was offered";
  return wrong_protocol (headers, offer, why, room);
}
