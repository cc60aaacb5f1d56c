/* role-console.h - what a role prints: it never waits for who reads it.
 *
 * A terminal that was stopped, or a pipe that nobody reads, takes no more: lines are dropped then, and the
 * role goes on.  Not for roles of a suite, whose output the runner always reads. */
#ifndef ROLE_CONSOLE_H
#define ROLE_CONSOLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

enum console_way { CONSOLE_WAITS, CONSOLE_NEVER_WAITS, CONSOLE_SOCKET, CONSOLE_POLLED };

struct role_console {
  pthread_mutex_t lock;
  int fd;               /* may be one of our own: O_NONBLOCK would count for all that share the given one */
  int given;
  enum console_way way;
  struct buffer rest;   /* of a line that was begun */
  uint64_t dropped;     /* lines, since it takes no more */
  bool failed;          /* nothing is printed any more */
};

/* What has changed with a call, which is told once. */
enum console_news { CONSOLE_NO_NEWS, CONSOLE_FAILS, CONSOLE_FULL, CONSOLE_AGAIN };

/* `waits`: somebody always reads it, and no line may be lost. */
void role_console_open (struct role_console *console, int fd, bool waits);
/* Whole lines.  With CONSOLE_AGAIN *dropped becomes how many lines were lost before. */
enum console_news role_console_print (struct role_console *console, const char *lines, size_t size,
                                      uint64_t *dropped);
void role_console_close (struct role_console *console);

#endif
