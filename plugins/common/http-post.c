/* http-post.c - see http-post.h. */
#include "http-post.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "frame.h"

#define HEAD_LIMIT 65536

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

int
http_status (const char *text, size_t size)
{
  const char *limit = text + size, *end;
  while ((end = memmem (text, (size_t) (limit - text), "\r\n\r\n", 4))) {
    int status = status_of_head (text, end);
    if (status < 0 || status >= 200)
      return status;
    text = end + 4; /* 1xx: the answer itself is still to come */
  }
  return 0;
}

static void
write_request (struct bytes *out, const char *host, uint16_t port, const char *path, const char *json)
{
  bool v6 = strchr (host, ':') != NULL;
  bytes_puts (out, "POST ");
  bytes_puts (out, path);
  bytes_puts (out, v6 ? " HTTP/1.1\r\nHost: [" : " HTTP/1.1\r\nHost: ");
  bytes_puts (out, host);
  bytes_puts (out, v6 ? "]:" : ":");
  bytes_int (out, port);
  bytes_puts (out, "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ");
  bytes_int (out, (int64_t) strlen (json));
  bytes_puts (out, "\r\n\r\n");
  bytes_puts (out, json);
}

static int
read_status (int fd, const struct net_wait *wait, char *error, size_t error_size)
{
  CLEANUP_BYTES struct bytes answer = { 0 };
  while (answer.size < HEAD_LIMIT) {
    bytes_reserve (&answer, 4096);
    ssize_t n = net_read (fd, answer.data + answer.size, 4096, wait, error, error_size);
    if (n < 0)
      return (int) n;
    answer.size += (size_t) n;
    int status = http_status (answer.data, answer.size);
    if (status > 0)
      return status;
    if (status < 0 || n == 0)
      break;
  }
  snprintf (error, error_size, "the answer is not HTTP");
  return NET_FAILED;
}

int
http_post (const char *host, uint16_t port, const char *path, const char *json, const struct net_wait *wait,
           char *error, size_t error_size)
{
  int fd = net_connect (host, port, wait, error, error_size);
  if (fd < 0)
    return fd;
  CLEANUP_BYTES struct bytes request = { 0 };
  write_request (&request, host, port, path, json);
  int rc = net_write_all (fd, request.data, request.size, wait, error, error_size);
  if (rc == NET_OK)
    rc = read_status (fd, wait, error, error_size);
  close (fd);
  return rc;
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
    int64_t number;
    size_t digits = strcspn (rest + 1, "/");
    if (!parse_id (rest + 1, digits, &number) || number < 1 || number > UINT16_MAX)
      return false;
    *port = (uint16_t) number;
    rest += 1 + digits;
  }
  return !*rest || strcmp (rest, "/") == 0;
}
