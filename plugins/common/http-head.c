/* http-head.c - see http-head.h. */
#include "http-head.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#define TEXT_TYPE "text/plain; charset=utf-8"

/* What of a head says where its body ends. */
struct framing {
  unsigned hosts, lengths, codings;
  bool chunked; /* the last coding is `chunked`, and nothing else */
  bool spaced;  /* a field's name has a space in or behind it */
};

static enum MHD_Result
look_at_field (void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
  (void) kind;
  struct framing *framing = data;
  if (strcasecmp (name, MHD_HTTP_HEADER_HOST) == 0)
    framing->hosts++;
  else if (strcasecmp (name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
    framing->lengths++;
  else if (strcasecmp (name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
    framing->codings++;
    framing->chunked = value && strcasecmp (value, "chunked") == 0;
  } else if (strpbrk (name, " \t"))
    framing->spaced = true;
  return MHD_YES;
}

const struct http_refusal *
http_head_refusal (struct MHD_Connection *connection, const char *version)
{
  static const struct http_refusal
    two_lengths = { MHD_HTTP_BAD_REQUEST, "The length of the body is given twice.\n" },
    spaced = { MHD_HTTP_BAD_REQUEST, "A header's name has a space.\n" },
    no_host = { MHD_HTTP_BAD_REQUEST, "A request names its host once.\n" },
    coded = { MHD_HTTP_NOT_IMPLEMENTED, "No transfer coding but chunked is known here.\n" };
  struct framing framing = { .hosts = 0 };
  MHD_get_connection_values (connection, MHD_HEADER_KIND, look_at_field, &framing);
  if (framing.spaced)
    return &spaced;
  if (framing.codings && (framing.codings > 1 || !framing.chunked))
    return &coded;
  if (framing.lengths + framing.codings > 1)
    return &two_lengths;
  if (framing.hosts > 1 || (!framing.hosts && strcmp (version, MHD_HTTP_VERSION_1_0) != 0))
    return &no_host;
  return NULL;
}

enum MHD_Result
http_head_refuse (struct MHD_Connection *connection, const struct http_refusal *refusal)
{
  struct MHD_Response *response = MHD_create_response_from_buffer (strlen (refusal->text), (void *) refusal->text,
                                                                   MHD_RESPMEM_PERSISTENT);
  if (!response)
    return MHD_NO;
  enum MHD_Result result = MHD_add_response_header (response, MHD_HTTP_HEADER_CONTENT_TYPE, TEXT_TYPE);
  if (result == MHD_YES)
    result = MHD_add_response_header (response, MHD_HTTP_HEADER_CONNECTION, "close");
  if (result == MHD_YES)
    result = MHD_queue_response (connection, refusal->status, response);
  MHD_destroy_response (response);
  return result;
}

bool
http_head_is_last (struct MHD_Connection *connection)
{
  const char *text = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONNECTION);
  return text && strcasecmp (text, "close") == 0;
}

/* ---- a Content-Length that is none ------------------------------------------ */

static bool
is_length (const char *text)
{
  size_t digits = strspn (text, "0123456789");
  if (!digits || text[digits])
    return false;
  errno = 0;
  return strtoumax (text, NULL, 10) < UINT64_MAX && errno == 0;
}

bool
http_head_has_bad_length (struct MHD_Connection *connection)
{
  const char *text = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  return text && !is_length (text);
}

void
http_head_refuse_length (struct MHD_Connection *connection, int fd)
{
  const char *given = MHD_lookup_connection_value (connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  bool too_long = given && *given && !given[strspn (given, "0123456789")];
  const char *status = too_long ? "413 Content Too Large" : "400 Bad Request";
  const char *text = too_long ? "The body is too long.\n" : "The length of the body is no number.\n";
  char date[64] = "", answer[512];
  time_t now = time (NULL);
  struct tm utc;
  if (gmtime_r (&now, &utc))
    strftime (date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc); /* the locale is C */
  int n = snprintf (answer, sizeof answer, "HTTP/1.1 %s\r\nDate: %s\r\nConnection: close\r\n"
                    "Content-Type: " TEXT_TYPE "\r\nContent-Length: %zu\r\n\r\n%s", status, date, strlen (text), text);
  if (n > 0 && (size_t) n < sizeof answer)
    (void) send (fd, answer, (size_t) n, MSG_NOSIGNAL | MSG_DONTWAIT); /* a client that does not read gets none */
  (void) shutdown (fd, SHUT_RDWR); /* fails when the client was faster */
}
