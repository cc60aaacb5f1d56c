/* headers.c - see headers.h. */
#include "headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"

int
http_is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
http_trim (const char **text, size_t *size)
{
  while (*size && http_is_blank ((*text)[*size - 1]))
    --*size;
  while (*size && http_is_blank (**text)) {
    ++*text;
    --*size;
  }
}

static size_t
count_lines (const char *data, size_t size)
{
  size_t n = 0;
  for (const char *end = data + size; data < end && (data = memchr (data, '\n', (size_t) (end - data))); data++)
    n++;
  return n + 1;
}

int
http_headers_split (const char *data, size_t size, struct http_headers *headers)
{
  headers->n = 0;
  headers->rows = calloc (count_lines (data, size), sizeof *headers->rows);
  if (!headers->rows)
    return -1;
  for (const char *end = data + size; data < end;) {
    const char *next = memchr (data, '\n', (size_t) (end - data));
    next = next ? next + 1 : end;
    const char *colon = memchr (data, ':', (size_t) (next - data));
    if (colon && strncmp (data, "HTTP/", 5) != 0) {
      struct http_header *row = &headers->rows[headers->n++];
      row->name = data;
      row->name_size = (size_t) (colon - data);
      row->value = colon + 1;
      row->value_size = (size_t) (next - row->value);
      http_trim (&row->name, &row->name_size);
      http_trim (&row->value, &row->value_size);
    }
    data = next;
  }
  return 0;
}

static int
same_name (const struct http_header *row, const char *name, size_t size)
{
  return row->name_size == size && strncasecmp (row->name, name, size) == 0;
}

static void
put_list (struct runner_out *out, const char *key, struct http_headers *headers, size_t first)
{
  const struct http_header *model = &headers->rows[first];
  runner_put_list (out, key);
  for (size_t i = first; i < headers->n; i++)
    if (same_name (&headers->rows[i], model->name, model->name_size)) {
      runner_put_text (out, NULL, headers->rows[i].value, headers->rows[i].value_size);
      headers->rows[i].done = 1;
    }
  runner_put_end (out);
}

/* All values of one name, joined (RFC 9110, 5.3).  0, or -1: no memory. */
static int
put_joined (struct runner_out *out, const char *key, struct http_headers *headers, size_t first, size_t second)
{
  const struct http_header *model = &headers->rows[first];
  struct http_bytes joined = { 0 };
  http_bytes_add (&joined, model->value, model->value_size);
  for (size_t i = second; i < headers->n; i++)
    if (same_name (&headers->rows[i], model->name, model->name_size)) {
      http_bytes_puts (&joined, ", ");
      http_bytes_add (&joined, headers->rows[i].value, headers->rows[i].value_size);
      headers->rows[i].done = 1;
    }
  if (!joined.failed)
    runner_put_text (out, key, http_bytes_text (&joined), joined.size);
  int failed = joined.failed;
  http_bytes_free (&joined);
  return failed ? -1 : 0;
}

static int
put_header (struct runner_out *out, struct http_bytes *key, struct http_headers *headers, size_t first)
{
  const struct http_header *row = &headers->rows[first];
  size_t second = first + 1;
  http_bytes_clear (key);
  http_bytes_add (key, row->name, row->name_size);
  if (key->failed)
    return -1;
  while (second < headers->n && !same_name (&headers->rows[second], row->name, row->name_size))
    second++;
  if (same_name (row, "set-cookie", 10))
    put_list (out, http_bytes_text (key), headers, first);
  else if (second < headers->n)
    return put_joined (out, http_bytes_text (key), headers, first, second);
  else
    runner_put_text (out, http_bytes_text (key), row->value, row->value_size);
  return 0;
}

int
http_headers_put (struct runner_out *out, const char *key, const char *data, size_t size)
{
  struct http_headers headers;
  struct http_bytes name = { 0 };
  int failed = http_headers_split (data, size, &headers);
  if (failed)
    return -1;
  runner_put_headers (out, key);
  for (size_t i = 0; i < headers.n && !failed; i++)
    if (!headers.rows[i].done)
      failed = put_header (out, &name, &headers, i);
  runner_put_end (out);
  http_bytes_free (&name);
  free (headers.rows);
  return failed;
}

const struct http_header *
http_headers_find (const struct http_headers *headers, const char *name)
{
  for (size_t i = 0; i < headers->n; i++)
    if (same_name (&headers->rows[i], name, strlen (name)))
      return &headers->rows[i];
  return NULL;
}

static int
lists (const struct http_header *row, const char *word)
{
  const char *end = row->value + row->value_size;
  for (const char *at = row->value; at < end;) {
    const char *comma = memchr (at, ',', (size_t) (end - at));
    const char *part = at;
    size_t size = (size_t) ((comma ? comma : end) - at);
    http_trim (&part, &size);
    if (size == strlen (word) && strncasecmp (part, word, size) == 0)
      return 1;
    at = comma ? comma + 1 : end;
  }
  return 0;
}

int
http_headers_list (const struct http_headers *headers, const char *name, const char *word)
{
  for (size_t i = 0; i < headers->n; i++)
    if (same_name (&headers->rows[i], name, strlen (name)) && lists (&headers->rows[i], word))
      return 1;
  return 0;
}
