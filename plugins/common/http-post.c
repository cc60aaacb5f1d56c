/* http-post.c - see http-post.h. */
#include "http-post.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ANSWER_LIMIT ((size_t) 1 << 20)

/* The status of one head that ends at `end`. */
static int
status_of_head (const char *text, const char *end)
{
  int digits = 0, status = 0;
  if (end - text < 12 || memcmp (text, "HTTP/1.", 7) != 0 || text[8] != ' ')
    return -1;
  for (; digits < 3 && text[9 + digits] >= '0' && text[9 + digits] <= '9'; digits++)
    status = status * 10 + (text[9 + digits] - '0');
  return digits == 3 && status >= 100 ? status : -1;
}

/* Finds the last head that is complete: its status, or 0: more must come, -1. */
static int
find_head (const char *text, size_t size, size_t *head, size_t *body)
{
  const char *start = text, *limit = text + size, *end;
  while ((end = memmem (start, (size_t) (limit - start), "\r\n\r\n", 4))) {
    int status = status_of_head (start, end);
    *head = (size_t) (start - text);
    *body = (size_t) (end - text) + 4;
    if (status < 0 || status >= 200)
      return status;
    start = end + 4; /* 1xx: the answer itself is still to come */
  }
  return 0;
}

int
http_status (const char *text, size_t size)
{
  size_t head, body;
  return find_head (text, size, &head, &body);
}

static bool
is_space (char c)
{
  return c == ' ' || c == '\t';
}

const char *
http_answer_field (const struct http_answer *answer, const char *name, size_t *size)
{
  const char *line = answer->text.data + answer->head, *end = answer->text.data + answer->body, *stop;
  size_t length = strlen (name);
  for (; line < end && (stop = memmem (line, (size_t) (end - line), "\r\n", 2)); line = stop + 2) {
    if ((size_t) (stop - line) <= length || line[length] != ':' || strncasecmp (line, name, length) != 0)
      continue;
    const char *value = line + length + 1;
    while (value < stop && is_space (*value))
      value++;
    while (stop > value && is_space (stop[-1]))
      stop--;
    *size = (size_t) (stop - value);
    return value;
  }
  return NULL;
}

void
http_answer_free (struct http_answer *answer)
{
  bytes_free (&answer->text);
}

static void
write_request (struct bytes *out, const struct http_request *request)
{
  bool v6 = strchr (request->host, ':') != NULL;
  bytes_puts (out, "POST ");
  bytes_puts (out, request->path);
  bytes_puts (out, v6 ? " HTTP/1.1\r\nHost: [" : " HTTP/1.1\r\nHost: ");
  bytes_puts (out, request->host);
  bytes_puts (out, v6 ? "]:" : ":");
  bytes_int (out, request->port);
  bytes_puts (out, "\r\nContent-Type: ");
  bytes_puts (out, request->type);
  bytes_puts (out, "\r\nConnection: close\r\nContent-Length: ");
  bytes_int (out, (int64_t) request->body_size);
  bytes_puts (out, "\r\n\r\n");
  bytes_add (out, request->body, request->body_size);
}

/* Has all of the answer come that was announced?  Without a length its end says so. */
static bool
is_complete (const struct http_answer *answer)
{
  size_t digits, length = 0;
  const char *text = http_answer_field (answer, "Content-Length", &digits);
  if (!text || !digits)
    return false;
  for (size_t i = 0; i < digits; i++) {
    if (text[i] < '0' || text[i] > '9' || length > ANSWER_LIMIT)
      return false;
    length = length * 10 + (size_t) (text[i] - '0');
  }
  return answer->text.size - answer->body >= length;
}

static int
read_answer (int fd, struct http_answer *answer, const struct net_wait *wait, char *error, size_t error_size)
{
  while (answer->text.size < ANSWER_LIMIT) {
    bytes_reserve (&answer->text, 4096);
    ssize_t n = net_read (fd, answer->text.data + answer->text.size, 4096, wait, error, error_size);
    if (n < 0)
      return (int) n;
    answer->text.size += (size_t) n;
    answer->status = find_head (answer->text.data, answer->text.size, &answer->head, &answer->body);
    if (answer->status > 0 && (n == 0 || is_complete (answer)))
      return NET_OK;
    if (answer->status < 0 || n == 0)
      break;
  }
  bool none = !answer->text.size;
  snprintf (error, error_size, "%s", none ? "there was no answer" : "the answer is not HTTP, or too long");
  return NET_FAILED;
}

int
http_exchange (int fd, const struct http_request *request, struct http_answer *answer,
               const struct net_wait *wait, char *error, size_t error_size)
{
  CLEANUP_BYTES struct bytes text = { 0 };
  write_request (&text, request);
  int rc = net_write_all (fd, text.data, text.size, wait, error, error_size);
  return rc == NET_OK ? read_answer (fd, answer, wait, error, error_size) : rc;
}

int
http_post (const char *host, uint16_t port, const char *path, const char *json, const struct net_wait *wait,
           char *error, size_t error_size)
{
  struct http_request request = { host, port, path, "application/json", json, strlen (json) };
  struct http_answer answer = { 0 };
  int fd = net_connect (host, port, wait, error, error_size);
  if (fd < 0)
    return fd;
  int rc = http_exchange (fd, &request, &answer, wait, error, error_size);
  if (rc == NET_OK)
    rc = answer.status;
  http_answer_free (&answer);
  close (fd);
  return rc;
}

/* 1 to 65535, digits only. */
static bool
read_port (const char *text, size_t size, uint16_t *port)
{
  unsigned number = 0;
  for (size_t i = 0; i < size; i++) {
    if (text[i] < '0' || text[i] > '9' || number > UINT16_MAX)
      return false;
    number = number * 10 + (unsigned) (text[i] - '0');
  }
  *port = (uint16_t) number;
  return number >= 1 && number <= UINT16_MAX;
}

bool
http_split (const char *url, char *host, size_t host_size, uint16_t *port)
{
  static const char scheme[] = "http://";
  if (strncmp (url, scheme, sizeof scheme - 1) == 0)
    url += sizeof scheme - 1;
  bool v6 = *url == '[';
  const char *start = url + v6;
  size_t length = strcspn (start, v6 ? "]" : ":/");
  if (!length || length >= host_size || (v6 && start[length] != ']'))
    return false;
  memcpy (host, start, length);
  host[length] = 0;
  const char *rest = start + length + v6;
  if (*rest == ':') {
    size_t digits = strcspn (rest + 1, "/");
    if (!read_port (rest + 1, digits, port))
      return false;
    rest += 1 + digits;
  }
  return !*rest || strcmp (rest, "/") == 0;
}
