/* output-file.c - see output-file.h. */
#include "config.h"

#include "output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "buffer.h"
#include "descriptors.h"
#include "text.h"

#define LINKS_MOST 40                       /* as the kernel's own limit */
#define READER_NS (INT64_C (5) * 1000000000) /* who reads a FIFO may come so much later */
#define LOOK_AGAIN_NS (10 * 1000000)

/* Puts what a link says in the place of its path. */
static bool
follow (struct buffer *path)
{
  char to[PATH_MAX];
  ssize_t n = readlink (buffer_text (path), to, sizeof to);
  if (n <= 0 || (size_t) n == sizeof to)
    return false;
  const char *slash = strrchr (buffer_text (path), '/');
  path->size = *to == '/' || !slash ? 0 : (size_t) (slash - path->data) + 1;
  buffer_add (path, to, (size_t) n);
  return true;
}

/* The descriptor, 1 or 2, that leads to this very file; or -1. */
static int
standard_descriptor (const struct stat *file)
{
  struct stat st;
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
    if (fstat (fd, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino)
      return fd;
  return -1;
}

bool
output_file_target (const char *path, struct buffer *target)
{
  struct stat st;
  target->size = 0;
  buffer_puts (target, path);
  if (stat (path, &st) == 0 ? !S_ISREG (st.st_mode) || standard_descriptor (&st) >= 0 : errno != ENOENT)
    return false;
  for (int i = 0; i < LINKS_MOST; i++) {
    if (lstat (buffer_text (target), &st) < 0)
      return errno == ENOENT;
    if (!S_ISLNK (st.st_mode))
      return S_ISREG (st.st_mode);
    if (!follow (target))
      return false;
  }
  return false;
}

/* Without blocking for ever: ENXIO when nobody comes to read a FIFO. */
static int
open_to_write (const char *path)
{
  struct stat st;
  int64_t start = clock_now_ns ();
  for (;;) {
    int fd = open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 || (errno != ENXIO && errno != EINTR))
      return fd;
    if (stat (path, &st) < 0)
      return -1;
    if (!S_ISFIFO (st.st_mode) || clock_now_ns () - start > READER_NS) {
      errno = ENXIO;
      return -1;
    }
    nanosleep (&(struct timespec) { .tv_nsec = LOOK_AGAIN_NS }, NULL);
  }
}

/* What standard output leads to is opened with the same place in it. */
static int
open_in_place (const char *path)
{
  struct stat st;
  int same = stat (path, &st) == 0 ? standard_descriptor (&st) : -1;
  if (same >= 0)
    return fcntl (same, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int fd = open_to_write (path);
  if (fd < 0)
    return -1;
  int flags = fcntl (fd, F_GETFL);
  if (flags >= 0 && fcntl (fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
    return fd;
  int error = errno;
  close (fd);
  errno = error;
  return -1;
}

/* Not mkstemp: its files are readable by their owner only. */
static void
open_beside (struct output_file *file)
{
  for (int64_t i = 0; i < 100 && file->fd < 0; i++) {
    CLEANUP_BUFFER struct buffer name = { 0 };
    buffer_puts (&name, file->target);
    buffer_putc (&name, '.');
    buffer_int (&name, getpid ());
    buffer_putc (&name, '-');
    buffer_int (&name, time_now_us () % 1000000 + i);
    buffer_lit (&name, ".tmp");
    file->fd = open (buffer_text (&name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->fd >= 0)
      file->temporary = xstrdup (name.data);
    else if (errno != EEXIST && errno != EINTR)
      return;
  }
}

/* Nothing is left of it; after a commit there is nothing to do.  Keeps errno. */
static void
abandon (struct output_file *file)
{
  int saved = errno;
  if (file->fd >= 0)
    close (file->fd);
  if (file->temporary)
    unlink (file->temporary);
  free (file->temporary);
  free (file->target);
  *file = (struct output_file) { .fd = -1 };
  errno = saved;
}

bool
output_file_open (struct output_file *file, const char *path)
{
  CLEANUP_BUFFER struct buffer target = { 0 };
  *file = (struct output_file) { .fd = -1 };
  if (output_file_target (path, &target)) {
    file->target = xstrdup (buffer_text (&target));
    open_beside (file);
  }
  else
    file->fd = open_in_place (path);
  if (file->fd < 0)
    abandon (file);
  return file->fd >= 0;
}

static bool
failed (struct output_file *file)
{
  abandon (file);
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
  /* EINVAL: what is written as it is may be of no disk. */
  if (fsync (file->fd) < 0 && (file->target || errno != EINVAL))
    return failed (file);
  int fd = file->fd;
  file->fd = -1;
  if (close (fd) < 0)
    return failed (file);
  bool fine = true;
  if (file->target) {
    if (rename (file->temporary, file->target) < 0)
      return failed (file);
    free (file->temporary);
    file->temporary = NULL;
    fine = sync_folder (file->target);
  }
  abandon (file);
  return fine;
}
