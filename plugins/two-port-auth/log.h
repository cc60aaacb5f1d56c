/* log.h - the log file: whole lines or none. */
#ifndef TWO_PORT_AUTH_LOG_H
#define TWO_PORT_AUTH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct log {
  const char *path; /* the caller's */
  int fd;
  dev_t device;
  ino_t inode;
  int spare;    /* a descriptor for the next opening: connections may have taken all others */
  bool looked;  /* at the path, since log_batch */
  bool regular; /* a file, not a pipe or a terminal */
  off_t torn;   /* where a piece of a line begins that could not be taken back; -1: there is none */
};

/* Opens or creates the file, and locks it (flock): one server writes to a file.  A
 * last line of ours without an end, which was never answered, is removed.  False
 * with a text in `error`. */
bool log_open (struct log *log, const char *path, char *error, size_t error_size);
/* A batch of lines begins: at its first one log_write looks whether the path still names this file.  When it
 * does not (it was renamed or deleted) the one that it names, or a new one, is opened. */
void log_batch (struct log *log);
/* Looks now.  False: there is another file, or none, and it cannot be opened. */
bool log_look (struct log *log, char *error, size_t error_size);
/* Appends whole lines in one write.  When the file takes a part only (the disk is
 * full), that part is taken back; nothing is written after it before that worked.
 * False: nothing was written, with the reason in `error`. */
bool log_write (struct log *log, const void *lines, size_t size, char *error, size_t error_size);
/* False: the file system tells a late error; see errno. */
bool log_close (struct log *log);

#endif
