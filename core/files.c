/* files.c - see files.h.  Reports that a build depends on are reports/output-file.c. */
#include "config.h"

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"

bool
make_folders (const char *path, struct buffer *failed)
{
  CLEANUP_BUFFER struct buffer folder = { 0 };
  for (const char *end = path; *end;) {
    end += strspn (end, "/");
    end += strcspn (end, "/");
    folder.size = 0;
    buffer_add (&folder, path, (size_t) (end - path));
    if (mkdir (buffer_text (&folder), 0777) < 0 && errno != EEXIST) {
      if (failed)
        buffer_puts (failed, buffer_text (&folder));
      return false;
    }
  }
  return true;
}

static int
remove_entry (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  (void) st;
  (void) type;
  (void) ftw;
  return remove (path) < 0 && errno != ENOENT ? errno : 0;
}

bool
remove_tree (const char *path)
{
  return nftw (path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0;
}

bool
write_file (const char *path, const char *data, size_t size)
{
  char temporary[PATH_MAX];
  int n = snprintf (temporary, sizeof temporary, "%s.%ld~", path, (long) getpid ());
  if (n < 0 || (size_t) n >= sizeof temporary) {
    errno = ENAMETOOLONG;
    return false;
  }
  int fd = open (temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    return false;
  int error = descriptor_write (fd, data, size) ? 0 : errno;
  if (close (fd) < 0 && !error)
    error = errno;
  if (!error && rename (temporary, path) == 0)
    return true;
  error = error ? error : errno;
  unlink (temporary);
  errno = error;
  return false;
}
