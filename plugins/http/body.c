/* body.c - what a request sends: json, form, multipart, bytes or a file; and the
 * encoding of forms, which queries share. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http.h"

/* ---- forms and queries ---- */

static int
add_pair (struct runner_step *step, struct http_bytes *out, const char *name, size_t name_size,
          const struct runner_node *node, int plus)
{
  size_t size = 0;
  const char *value = NULL;
  struct runner_bytes bytes;
  if (runner_kind (node) == RUNNER_IS_NULL)
    return RUNNER_PASS;
  if (runner_kind (node) == RUNNER_IS_MAP) {
    if (runner_node_bytes (step, node, &bytes) < 0)
      return RUNNER_ERROR;
    value = bytes.data;
    size = bytes.size;
  } else
    value = runner_node_print (step, node, &size);
  if (runner_kind (node) != RUNNER_IS_MAP && !value)
    return runner_error (step, "the value of \"%.*s\" must be a text, a number, bytes, or a list of them",
                         (int) (name_size < 80 ? name_size : 80), name);
  if (out->size)
    http_bytes_puts (out, "&");
  http_bytes_url (out, name, name_size, plus);
  http_bytes_puts (out, "=");
  http_bytes_url (out, value, size, plus);
  return RUNNER_PASS;
}

int
http_query (struct runner_step *step, struct http_bytes *out, struct runner_map map, int plus)
{
  int outcome = RUNNER_PASS;
  for (size_t i = 0; i < runner_node_count (map.node) && outcome == RUNNER_PASS; i++) {
    size_t size;
    const char *name = runner_node_key (map.node, i, &size);
    const struct runner_node *node = runner_node_at (map.node, i);
    if (runner_kind (node) != RUNNER_IS_LIST) {
      outcome = add_pair (step, out, name, size, node, plus);
      continue;
    }
    for (size_t j = 0; j < runner_node_count (node) && outcome == RUNNER_PASS; j++)
      if (runner_kind (runner_node_at (node, j)) == RUNNER_IS_LIST)
        outcome = runner_error (step, "a list in the list of \"%.*s\" cannot be sent",
                                (int) (size < 80 ? size : 80), name);
      else
        outcome = add_pair (step, out, name, size, runner_node_at (node, j), plus);
  }
  return outcome;
}

/* ---- multipart/form-data ---- */

static int
known_part_key (const char *key, size_t size)
{
  static const char *const known[] = { "name", "text", "file", "filename", "type" };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strlen (known[i]) == size && memcmp (known[i], key, size) == 0)
      return 1;
  return 0;
}

/* A text of a part's map; "" and NULL: it is there, but no text; it is not there. */
static const char *
part_text (const struct runner_node *part, const char *key)
{
  const struct runner_node *node = runner_node_get (part, key);
  size_t size;
  const char *text = node ? runner_node_text (node, &size) : NULL;
  if (!node)
    return NULL;
  return text && !memchr (text, '\0', size) ? text : "";
}

static CURLcode
add_part_bytes (struct http_request *request, curl_mimepart *mime, const struct runner_node *node, int *outcome)
{
  struct runner_bytes bytes = { "", 0 };
  size_t size;
  const char *printed = runner_kind (node) == RUNNER_IS_MAP ? NULL : runner_node_print (request->step, node, &size);
  if (printed)
    bytes = (struct runner_bytes) { printed, size };
  else if (runner_node_bytes (request->step, node, &bytes) < 0) {
    *outcome = RUNNER_ERROR;
    return CURLE_OK;
  }
  return curl_mime_data (mime, bytes.size ? bytes.data : "", bytes.size);
}

static CURLcode
add_part_file (struct http_request *request, curl_mimepart *mime, const char *file, int *outcome)
{
  const char *path = http_path (request->step, &request->kept, file);
  if (!path)
    return CURLE_OUT_OF_MEMORY;
  CURLcode result = curl_mime_filedata (mime, path);
  if (result == CURLE_READ_ERROR) {
    *outcome = runner_error (request->step, "multipart: cannot read %s: %s", path, strerror (errno));
    return CURLE_OK;
  }
  return result;
}

/* The map form of a part: {text|file, filename, type, name}. */
static CURLcode
fill_part (struct http_request *request, curl_mimepart *mime, const char *name, const struct runner_node *part,
           int *outcome)
{
  const char *file = part_text (part, "file"), *type = part_text (part, "type");
  const char *filename = part_text (part, "filename");
  const struct runner_node *text = runner_node_get (part, "text");
  for (size_t i = 0; i < runner_node_count (part); i++) {
    size_t size;
    const char *key = runner_node_key (part, i, &size);
    if (!known_part_key (key, size)) {
      *outcome = runner_error (request->step, "multipart: a part has name, text, file, filename, type; no \"%.*s\"",
                               (int) (size < 80 ? size : 80), key);
      return CURLE_OK;
    }
  }
  if (!file == !text || (file && !*file)) {
    *outcome = runner_error (request->step, "multipart: a part needs either text or file");
    return CURLE_OK;
  }
  if (type && strpbrk (type, "\r\n")) {
    *outcome = runner_error (request->step, "multipart: the type of \"%s\" has a line end in it", name);
    return CURLE_OK;
  }
  CURLcode result = file ? add_part_file (request, mime, file, outcome)
                         : add_part_bytes (request, mime, text, outcome);
  if (result == CURLE_OK && *outcome == RUNNER_PASS && filename)
    result = curl_mime_filename (mime, filename);
  if (result == CURLE_OK && *outcome == RUNNER_PASS && type)
    result = curl_mime_type (mime, type);
  return result;
}

static int
is_described (const struct runner_node *part)
{
  return runner_kind (part) == RUNNER_IS_MAP && !runner_node_get (part, "hex") && !runner_node_get (part, "base64");
}

static int
add_part (struct http_request *request, const char *name, size_t name_size, const struct runner_node *part)
{
  int outcome = RUNNER_PASS;
  struct runner_step *step = request->step;
  curl_mimepart *mime = curl_mime_addpart (request->mime);
  const char *key = name ? http_keep (&request->kept, name, name_size) : part_text (part, "name");
  if (!key || !*key || strpbrk (key, "\r\n"))
    return runner_error (step, "multipart: a part needs a name on one line");
  CURLcode result = mime ? curl_mime_name (mime, key) : CURLE_OUT_OF_MEMORY;
  if (result == CURLE_OK && is_described (part))
    result = fill_part (request, mime, key, part, &outcome);
  else if (result == CURLE_OK)
    result = add_part_bytes (request, mime, part, &outcome);
  if (result != CURLE_OK)
    return runner_error (step, "multipart: the part \"%s\" cannot be made: %s", key, curl_easy_strerror (result));
  return outcome;
}

static int
prepare_multipart (struct http_request *request)
{
  const struct runner_node *parts = request->args->multipart.node;
  int kind = runner_kind (parts), outcome = RUNNER_PASS;
  if (kind != RUNNER_IS_MAP && kind != RUNNER_IS_LIST)
    return runner_error (request->step, "multipart must be a map of parts, or a list of parts with names");
  request->mime = curl_mime_init (request->session->easy);
  if (!request->mime)
    return runner_error (request->step, "no memory for the body");
  for (size_t i = 0; i < runner_node_count (parts) && outcome == RUNNER_PASS; i++) {
    const struct runner_node *part = runner_node_at (parts, i);
    size_t size = 0;
    const char *name = kind == RUNNER_IS_MAP ? runner_node_key (parts, i, &size) : NULL;
    if (!name && runner_kind (part) != RUNNER_IS_MAP)
      return runner_error (request->step, "multipart: in a list every part is a map with a name");
    if (!name || runner_kind (part) != RUNNER_IS_LIST) {
      outcome = add_part (request, name, size, part);
      continue;
    }
    for (size_t j = 0; j < runner_node_count (part) && outcome == RUNNER_PASS; j++)
      outcome = add_part (request, name, size, runner_node_at (part, j));
  }
  return outcome;
}

/* ---- the whole ---- */

static int
open_body_file (struct http_request *request)
{
  struct http_exchange *exchange = &request->session->exchange;
  const char *path = http_path (request->step, &request->kept, request->args->body_file);
  struct stat status;
  if (!path)
    return runner_error (request->step, "no memory for a file's name");
  exchange->body_fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (exchange->body_fd < 0 || fstat (exchange->body_fd, &status) < 0)
    return runner_error (request->step, "cannot read %s: %s", path, strerror (errno));
  if (!S_ISREG (status.st_mode))
    return runner_error (request->step, "cannot send %s: it is no regular file", path);
  exchange->body_at = 0;
  exchange->body_end = status.st_size;
  return RUNNER_PASS;
}

static int
prepare_form (struct http_request *request)
{
  struct http_bytes *form = &request->session->exchange.form;
  int outcome = http_query (request->step, form, request->args->form, 1);
  if (outcome == RUNNER_PASS && form->failed)
    return runner_error (request->step, "no memory for the form");
  request->body = http_bytes_text (form);
  request->body_size = form->size;
  return outcome;
}

int
http_body_prepare (struct http_request *request)
{
  const struct http_request_args *args = request->args;
  request->has_body = 1;
  if (args->form.node)
    return prepare_form (request);
  if (args->multipart.node)
    return prepare_multipart (request);
  if (args->body_file)
    return open_body_file (request);
  if (args->json.node) {
    request->body = runner_node_json (request->step, args->json.node, &request->body_size);
    return request->body ? RUNNER_PASS : runner_error (request->step, "no memory for the body");
  }
  request->has_body = args->body.data != NULL;
  request->body = args->body.data;
  request->body_size = args->body.size;
  return RUNNER_PASS;
}
