/* output-file.c - see output-file.h. */
#include "config.h"

#include "output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "buffer.h"
#include "descriptors.h"
#include "text.h"

/* Not mkstemp: its files are readable by their owner only. */
bool
output_file_open (struct output_file *file, const char *path)
{
  *file = (struct output_file) { .path = path, .fd = -1 };
  for (int64_t i = 0; i < 100 && file->fd < 0; i++) {
    CLEANUP_BUFFER struct buffer name = { 0 };
    buffer_puts (&name, path);
    buffer_putc (&name, '.');
    buffer_int (&name, getpid ());
    buffer_putc (&name, '-');
    buffer_int (&name, time_now_us () % 1000000 + i);
    buffer_lit (&name, ".tmp");
    file->fd = open (buffer_text (&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->fd >= 0)
      file->temporary = xstrdup (name.data);
    else if (errno != EEXIST && errno != EINTR)
      return false;
  }
  return file->fd >= 0;
}

void
output_file_abandon (struct output_file *file)
{
  int saved = errno;
  if (file->fd >= 0)
    close (file->fd);
  if (file->temporary)
    unlink (file->temporary);
  free (file->temporary);
  *file = (struct output_file) { .path = file->path, .fd = -1 };
  errno = saved;
}

static bool
failed (struct output_file *file)
{
  output_file_abandon (file);
  return false;
}

bool
output_file_write (struct output_file *file, const void *data, size_t size)
{
  return descriptor_write (file->fd, data, size) || failed (file);
}

/* So that the name, too, survives a power loss. */
static bool
sync_folder (const char *path)
{
  const char *slash = strrchr (path, '/');
  CLEANUP_BUFFER struct buffer folder = { 0 };
  if (!slash)
    buffer_putc (&folder, '.');
  else
    buffer_add (&folder, path, slash == path ? 1 : (size_t) (slash - path));
  CLEANUP_CLOSE int fd = open (buffer_text (&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  /* Some file systems cannot do this for folders; the file itself is there. */
  return fsync (fd) == 0 || errno == EINVAL;
}

bool
output_file_commit (struct output_file *file)
{
  int error = 0;
  if (fsync (file->fd) < 0)
    return failed (file);
  if (close (file->fd) < 0)
    error = errno;
  file->fd = -1;
  if (error || rename (file->temporary, file->path) < 0) {
    if (error)
      errno = error;
    return failed (file);
  }
  free (file->temporary);
  file->temporary = NULL;
  return sync_folder (file->path);
}
