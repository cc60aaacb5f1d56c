/* capture.h - the output of a program or role: its first and last MiB, in memory
 * that the keeper fills and the worker reads. */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#define CAPTURE_PART ((size_t) 1 << 20) /* first, and last, bytes that are kept */

/* How the process behind it ended: told by who waited for it, to all that read. */
enum capture_status { STATUS_UNKNOWN, STATUS_TOLD, STATUS_LOST };

struct capture_head {
  _Atomic uint64_t total; /* bytes that came */
  _Atomic int ended;
  _Atomic int64_t ended_ns; /* monotonic */
  _Atomic int status_known; /* enum capture_status */
  _Atomic int status;       /* of waitpid */
  _Atomic int busy;       /* bytes are on their way from the pipe to here */
};

struct capture {
  int memory_fd;          /* memfd: the head's page, then the first, then the last bytes as a ring */
  int event_fd;           /* eventfd: counts up whenever something came or it ended */
  struct capture_head *head;
  char *data;
};

/* Makes one; false: errno says why. */
bool capture_new (struct capture *capture);
/* The same without descriptors: for processes forked later, which wait for nothing. */
bool capture_new_plain (struct capture *capture);
/* Empty again; nobody else has it. */
void capture_reset (struct capture *capture);
/* Maps one that came by descriptor; takes over both descriptors, which are closed if that fails: false, errno. */
bool capture_open (struct capture *capture, int memory_fd, int event_fd);
void capture_free (struct capture *capture);

/* Writing: by one process only; after the end nothing more. */
void capture_put (struct capture *capture, const char *data, size_t size);
void capture_end (struct capture *capture);
/* Only the first time; who else might do so has ended. */
void capture_tell_status (struct capture *capture, enum capture_status known, int status);

/* Reading: as runner_drain_read. */
size_t capture_read (struct capture *capture, uint64_t *from, void *data, size_t size);
uint64_t capture_total (const struct capture *capture); /* bytes that came so far */
bool capture_ended (const struct capture *capture);
int64_t capture_ended_ns (const struct capture *capture); /* 0: it has not */
/* With STATUS_TOLD *status is that of waitpid. */
enum capture_status capture_status (const struct capture *capture, int *status);
/* All that is kept, with a line about what is not; appended. */
void capture_text (struct capture *capture, struct buffer *out);
/* What came since `from`, with a line about the beginning when it is more than `most`; appended.
 * A beginning that is left out ends with a line: of a secret no half is left. */
void capture_since (struct capture *capture, uint64_t from, size_t most, struct buffer *out);
/* The last bytes, at most `most`. */
void capture_tail (struct capture *capture, size_t most, struct buffer *out);

#endif
