/* log.c - see log.h. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/bytes.h"
#include "line.h"

/* More than a line can have: a body is decoded, and at most three times as long when it is escaped. */
#define TAIL_ROOM ((off_t) 32 << 20)

/* Finds where the last line begins that has no end; `size` if there is none, -1. */
static off_t
find_tail (int fd, off_t size)
{
  char block[4096];
  off_t limit = size > TAIL_ROOM ? size - TAIL_ROOM : 0;
  for (off_t at = size; at > limit;) {
    size_t n = (size_t) (at - limit) < sizeof block ? (size_t) (at - limit) : sizeof block;
    ssize_t got = pread (fd, block, n, at - (off_t) n);
    if (got != (ssize_t) n)
      return -1;
    const char *end = memrchr (block, '\n', n);
    if (end)
      return at - (off_t) n + (end - block) + 1;
    at -= (off_t) n;
  }
  return limit ? -1 : 0;
}

/* Is what begins there, as far as it goes, a line of ours? */
static bool
is_ours (int fd, off_t at)
{
  char begin[sizeof LINE_PREFIX];
  ssize_t n = pread (fd, begin, sizeof LINE_PREFIX - 1, at);
  return n >= 0 && memcmp (begin, LINE_PREFIX, (size_t) n) == 0;
}

/* A server that was killed at a full disk, or a power loss, may have left a piece of a line. */
static const char *
remove_tail (struct log *log, off_t size)
{
  off_t tail = find_tail (log->fd, size);
  if (tail == size)
    return NULL;
  if (tail < 0 || !is_ours (log->fd, tail))
    return "its last line has no end, and is not of this log";
  return ftruncate (log->fd, tail) == 0 ? NULL : strerror (errno);
}

/* -1: there is none, which matters only when there are no others either. */
static int
open_spare (void)
{
  return open ("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
close_spare (struct log *log)
{
  if (log->spare >= 0)
    close (log->spare);
  log->spare = -1;
}

bool
log_open (struct log *log, const char *path, char *error, size_t error_size)
{
  struct stat about;
  const char *wrong = NULL;
  *log = (struct log) { .path = path, .spare = -1, .torn = -1 };
  log->fd = open (path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (log->fd < 0 || fstat (log->fd, &about) != 0)
    wrong = strerror (errno);
  else {
    log->regular = S_ISREG (about.st_mode);
    log->device = about.st_dev;
    log->inode = about.st_ino;
    if (log->regular && flock (log->fd, LOCK_EX | LOCK_NB) != 0)
      wrong = errno == EWOULDBLOCK ? "another server writes to it" : strerror (errno);
    else if (log->regular)
      wrong = remove_tail (log, about.st_size);
  }
  if (!wrong) {
    log->spare = open_spare ();
    return true;
  }
  snprintf (error, error_size, "%s: %s", path, wrong);
  if (log->fd >= 0)
    close (log->fd);
  log->fd = -1;
  return false;
}

/* Takes back what is behind `torn`; nobody else writes to the file, but it may have been made shorter. */
static bool
take_back (struct log *log)
{
  struct stat about;
  if (fstat (log->fd, &about) != 0 || (about.st_size > log->torn && ftruncate (log->fd, log->torn) != 0))
    return false;
  log->torn = -1;
  return true;
}

static bool
reopen (struct log *log, char *error, size_t error_size)
{
  struct log fresh;
  close_spare (log);
  if (!log_open (&fresh, log->path, error, error_size)) {
    log->spare = open_spare ();
    return false;
  }
  (void) log_close (log); /* what was written to it was answered long ago */
  *log = fresh;
  if (log->spare < 0)
    log->spare = open_spare ();
  return true;
}

/* Is the file that is open the one that the path names? */
static bool
is_in_place (const struct log *log)
{
  struct stat about;
  return stat (log->path, &about) == 0 && about.st_dev == log->device && about.st_ino == log->inode;
}

void
log_batch (struct log *log)
{
  log->looked = false;
}

bool
log_look (struct log *log, char *error, size_t error_size)
{
  log->looked = !log->regular || is_in_place (log) || reopen (log, error, error_size);
  return log->looked;
}

/* With the errno of what failed. */
static bool
append (struct log *log, const void *lines, size_t size)
{
  if (!log->regular)
    return bytes_write (log->fd, lines, size);
  if (log->torn >= 0 && !take_back (log))
    return false;
  ssize_t n;
  do
    n = write (log->fd, lines, size);
  while (n < 0 && errno == EINTR);
  if (n < 0 || (size_t) n == size)
    return n >= 0;
  log->torn = lseek (log->fd, 0, SEEK_CUR) - n;
  take_back (log); /* else before the next line */
  errno = ENOSPC;
  return false;
}

bool
log_write (struct log *log, const void *lines, size_t size, char *error, size_t error_size)
{
  if (!log->looked && !log_look (log, error, error_size))
    return false;
  if (append (log, lines, size))
    return true;
  snprintf (error, error_size, "%s: %s", log->path, strerror (errno));
  return false;
}

bool
log_close (struct log *log)
{
  close_spare (log);
  if (log->fd < 0)
    return true;
  if (log->torn >= 0)
    take_back (log); /* else at the next start */
  int fd = log->fd;
  log->fd = -1;
  return close (fd) == 0;
}
