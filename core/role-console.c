/* role-console.c - see role-console.h. */
#include "config.h"

#include "role-console.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same pipe or terminal with flags of our own; -1: it may not be opened again. */
static int
open_again (int fd)
{
  char path[40];
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return open (path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void
role_console_open (struct role_console *console, int fd, bool waits)
{
  struct stat about;
  *console = (struct role_console) { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = fd, .given = fd,
                                     .way = CONSOLE_WAITS };
  if (waits || fstat (fd, &about) != 0 || !(S_ISFIFO (about.st_mode) || S_ISCHR (about.st_mode)
                                            || S_ISSOCK (about.st_mode)))
    return;
  int own = S_ISSOCK (about.st_mode) ? -1 : open_again (fd);
  console->way = S_ISSOCK (about.st_mode) ? CONSOLE_SOCKET : own < 0 ? CONSOLE_POLLED : CONSOLE_NEVER_WAITS;
  console->fd = own < 0 ? fd : own;
}

/* As write, of a part perhaps. */
static ssize_t
write_part (const struct role_console *console, const char *data, size_t size)
{
  struct pollfd ready = { .fd = console->fd, .events = POLLOUT };
  if (console->way == CONSOLE_SOCKET)
    return send (console->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (console->way != CONSOLE_POLLED)
    return write (console->fd, data, size);
  int n = poll (&ready, 1, 0);
  if (n <= 0) {
    errno = n < 0 ? errno : EAGAIN;
    return -1;
  }
  return write (console->fd, data, size < PIPE_BUF ? size : PIPE_BUF); /* a pipe that is ready takes so much */
}

/* How much of it was taken; all of it does not matter any more when it has failed. */
static size_t
write_some (struct role_console *console, const char *data, size_t size)
{
  size_t done = 0;
  while (done < size) {
    ssize_t n = write_part (console, data + done, size - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0 && (errno != EAGAIN || console->way == CONSOLE_WAITS))
      console->failed = true;
    if (n <= 0)
      break;
    done += (size_t) n;
  }
  return done;
}

static uint64_t
count_lines (const char *data, size_t size)
{
  uint64_t count = 0;
  for (const char *end = data + size; data < end && (data = memchr (data, '\n', (size_t) (end - data))); data++)
    count++;
  return count;
}

/* The line that was begun is kept, for its end to be written later. */
static void
drop (struct role_console *console, const char *lines, size_t done, size_t size)
{
  if (done && lines[done - 1] != '\n') {
    const char *end = memchr (lines + done, '\n', size - done);
    size_t rest = end ? (size_t) (end - lines) + 1 - done : size - done;
    buffer_add (&console->rest, lines + done, rest);
    done += rest;
  }
  console->dropped += count_lines (lines + done, size - done);
}

static enum console_news
print_locked (struct role_console *console, const char *lines, size_t size, uint64_t *dropped)
{
  uint64_t before = console->dropped;
  if (console->failed || !size)
    return CONSOLE_NO_NEWS;
  buffer_remove (&console->rest, write_some (console, console->rest.data, console->rest.size));
  size_t done = console->rest.size ? 0 : write_some (console, lines, size);
  if (console->failed)
    return CONSOLE_FAILS;
  if (before && done == size) {
    *dropped = before;
    console->dropped = 0;
    return CONSOLE_AGAIN;
  }
  drop (console, lines, done, size);
  return !before && console->dropped ? CONSOLE_FULL : CONSOLE_NO_NEWS;
}

enum console_news
role_console_print (struct role_console *console, const char *lines, size_t size, uint64_t *dropped)
{
  pthread_mutex_lock (&console->lock);
  enum console_news news = print_locked (console, lines, size, dropped);
  pthread_mutex_unlock (&console->lock);
  return news;
}

void
role_console_close (struct role_console *console)
{
  if (console->fd != console->given)
    close (console->fd); /* all was written, or dropped */
  buffer_free (&console->rest);
  pthread_mutex_destroy (&console->lock);
}
