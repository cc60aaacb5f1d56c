/* save.c - where a response's body goes that `save_to` asks for.  transfer.c writes it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "http.h"

/* Makes the folders that the name has after its first `from` bytes; `path` is changed
 * meanwhile. */
static int
make_folders (struct runner_step *step, char *path, size_t from)
{
  for (char *slash = path + from; (slash = strchr (slash, '/')); slash++) {
    *slash = '\0';
    int made = mkdir (path, 0777) == 0 || errno == EEXIST;
    if (!made)
      return runner_error (step, "cannot make the folder %s: %s", path, strerror (errno));
    *slash = '/';
  }
  return RUNNER_PASS;
}

/* As a whole component of it. */
static int
has_parent (const char *name)
{
  for (;;) {
    size_t n = strcspn (name, "/");
    if (n == 2 && memcmp (name, "..", 2) == 0)
      return 1;
    if (!name[n])
      return 0;
    name += n + 1;
  }
}

/* The full path in *path.  A relative name is in the test's own temporary folder. */
static int
find_save_path (struct http_request *request, const char *name, struct http_bytes *path)
{
  if (name[0] != '/') {
    if (has_parent (name))
      return runner_error (request->step, "save_to: no \"..\" may be in a relative name: %s", name);
    const char *folder = runner_temp (request->step);
    if (!folder)
      return RUNNER_ERROR;
    http_bytes_puts (path, folder);
    http_bytes_puts (path, "/");
  }
  size_t from = path->size;
  http_bytes_puts (path, name);
  if (path->failed)
    return runner_error (request->step, "no memory for a file's name");
  return from ? make_folders (request->step, path->data, from) : RUNNER_PASS;
}

int
http_save_open (struct http_request *request)
{
  const char *name = request->args->save_to;
  struct http_exchange *exchange = &request->session->exchange;
  if (!name)
    return RUNNER_PASS;
  struct http_bytes path = { 0 };
  int outcome = find_save_path (request, name, &path);
  exchange->save_path = outcome == RUNNER_PASS ? http_keep (&request->kept, http_bytes_text (&path), path.size) : NULL;
  http_bytes_free (&path);
  if (outcome != RUNNER_PASS)
    return outcome;
  if (!exchange->save_path)
    return runner_error (request->step, "no memory for a file's name");
  exchange->save_fd = open (exchange->save_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (exchange->save_fd < 0)
    return runner_error (request->step, "cannot write %s: %s", exchange->save_path, strerror (errno));
  return RUNNER_PASS;
}
