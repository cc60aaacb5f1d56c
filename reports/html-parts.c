/* html-parts.c - bytes that are needed again at the end of a run: in memory while they
 * are few, then in a file without a name; see html-report.h. */
#include "config.h"

#include "html-report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT ((size_t) 256 << 10) /* workers are forked from this process: it stays small */

/* In the report's own folder: /tmp may be memory. */
static int
open_nameless (const char *folder)
{
  if (mkdir (folder, 0777) < 0 && errno != EEXIST)
    return -1;
  int fd = open (folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
    return fd;
  CLEANUP_BUFFER struct buffer name = { 0 };
  buffer_printf (&name, "%s/.parts-XXXXXX", folder);
  buffer_text (&name);
  fd = mkostemp (name.data, O_CLOEXEC);
  if (fd >= 0)
    unlink (name.data);
  return fd;
}

static int
store (struct html_parts *parts)
{
  if (parts->fd < 0 && (parts->fd = open_nameless (parts->folder)) < 0)
    return errno;
  for (size_t done = 0; done < parts->memory.size;) {
    ssize_t n = pwrite (parts->fd, parts->memory.data + done, parts->memory.size - done,
                        (off_t) (parts->stored + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno;
    done += (size_t) n;
  }
  parts->stored += parts->memory.size;
  parts->memory.size = 0;
  return 0;
}

int
html_parts_add (struct html_parts *parts, const struct buffer *text, struct html_piece *piece)
{
  int error = parts->memory.size + text->size > KEPT ? store (parts) : 0;
  if (error)
    return error;
  *piece = (struct html_piece) { parts->stored + parts->memory.size, text->size };
  buffer_add (&parts->memory, text->data, text->size);
  return 0;
}

int
html_parts_get (struct html_parts *parts, struct html_piece piece, struct buffer *out)
{
  if (piece.at >= parts->stored) {
    buffer_add (out, parts->memory.data + (piece.at - parts->stored), piece.size);
    return 0;
  }
  buffer_reserve (out, piece.size);
  for (size_t done = 0; done < piece.size;) {
    ssize_t n = pread (parts->fd, out->data + out->size, piece.size - done, (off_t) (piece.at + done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n < 0 ? errno : EIO;
    done += (size_t) n;
    out->size += (size_t) n;
  }
  return 0;
}

void
html_parts_free (struct html_parts *parts)
{
  if (parts->fd >= 0)
    close (parts->fd);
  buffer_free (&parts->memory);
  parts->fd = -1;
}
