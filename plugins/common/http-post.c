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
  bytes_puts (out, v6 ? " HTTP/1.0\r\nHost: [" : " HTTP/1.0\r\nHost: ");
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

/* How long the body will be; SIZE_MAX: until the connection ends.  Returns what is wrong with the head, or NULL. */
static const char *
announced_length (const struct http_answer *answer, size_t *length)
{
  size_t digits;
  if (http_answer_field (answer, "Transfer-Encoding", &digits))
    return "the answer has a Transfer-Encoding, which HTTP/1.0 has not";
  *length = 0;
  if (answer->status == 204 || answer->status == 304) /* these have no body (RFC 9112, 6.3) */
    return NULL;
  const char *text = http_answer_field (answer, "Content-Length", &digits);
  if (!text)
    *length = SIZE_MAX;
  for (size_t i = 0; text && i < digits; i++) {
    if (text[i] < '0' || text[i] > '9')
      return "the answer's Content-Length is no number";
    *length = *length * 10 + (size_t) (text[i] - '0');
    if (*length > ANSWER_LIMIT)
      return "the answer is too long";
  }
  return text && !digits ? "the answer's Content-Length is empty" : NULL;
}

static int
read_more (int fd, struct bytes *text, const struct net_wait *wait, char *error, size_t error_size)
{
  bytes_reserve (text, 4096);
  ssize_t n = net_read (fd, text->data + text->size, 4096, wait, error, error_size);
  if (n > 0)
    text->size += (size_t) n;
  return (int) n;
}

/* 1: it is whole, 0: more must come, NET_FAILED with a text in `error`. */
static int
look_at_answer (struct http_answer *answer, bool ended, char *error, size_t error_size)
{
  size_t length, come;
  answer->status = find_head (answer->text.data, answer->text.size, &answer->head, &answer->body);
  const char *wrong = NULL;
  if (answer->status > 0)
    wrong = announced_length (answer, &length);
  else if (answer->status < 0)
    wrong = "the answer is not HTTP";
  else if (ended)
    wrong = answer->text.size ? "the answer ended within its head" : "there was no answer";
  if (wrong) {
    snprintf (error, error_size, "%s", wrong);
    return NET_FAILED;
  }
  if (answer->status == 0)
    return 0;
  come = answer->text.size - answer->body;
  if (come >= length)
    answer->text.size = answer->body + length; /* what is behind it is no part of it */
  else if (ended && length != SIZE_MAX) {
    snprintf (error, error_size, "the answer ended after %zu of %zu bytes", come, length);
    return NET_FAILED;
  }
  return ended || come >= length;
}

static int
read_answer (int fd, struct http_answer *answer, const struct net_wait *wait, char *error, size_t error_size)
{
  while (answer->text.size < ANSWER_LIMIT) {
    int n = read_more (fd, &answer->text, wait, error, error_size);
    int whole = n < 0 ? n : look_at_answer (answer, n == 0, error, error_size);
    if (whole)
      return whole < 0 ? whole : NET_OK;
  }
  snprintf (error, error_size, "the answer is too long");
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
