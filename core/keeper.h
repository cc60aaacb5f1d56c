/* keeper.h - a small process per worker that outlives it: reads the output of
 * roles and programs, and at the end leaves nothing running.
 *
 * The supervisor forks the keeper, the keeper forks the worker.  The keeper is the
 * subreaper: whatever escapes by setsid or a double fork becomes its child.  When
 * the worker ends, or the supervisor's end of the lifeline closes (also by
 * SIGKILL), it ends every descendant.  Should it die itself, then so does the worker
 * (PR_SET_PDEATHSIG), and the rest comes to the supervisor, which ends it. */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "buffer.h"
#include "capture.h"

struct keeper {        /* as the supervisor sees it */
  pid_t pid;
  int lifeline;        /* held open as long as the run wants the worker */
  int status;          /* lines: "worker PID", "exit WAITSTATUS", "last NAME\tPATH" (a log that
                          the worker had not finished), "lost NAME\tPATH: why", "left PID (COMMAND)" (a process
                          that cannot be ended); then the end: all else is gone */
  unsigned stops;      /* how often it had been stopped */
};

struct keeper_link {   /* as the worker sees it */
  pid_t pid;           /* the keeper's */
  int socket;
  int printed_fd;      /* where to its standard output and error lead; -1: to the supervisor's */
};

/* Forks keeper and worker; `work` runs in the worker and gives its exit status.
 * Two lists of descriptors (each ends with -1): what the keeper itself must not
 * hold, and what neither of the two may: other workers' lifelines.  What the worker
 * prints on its standard output and error comes into `printed`, which is the
 * supervisor's too; NULL: it prints where the supervisor does.  False: errno says why. */
bool keeper_start (struct keeper *keeper, int (*work) (void *data, struct keeper_link *link), void *data,
                   const int *not_keepers, const int *not_ours, struct capture *printed);

/* From the worker: hands over `fd` to be read into `capture` (which stays the
 * worker's too).  `path`: the log file that is written when the worker dies
 * without a word; NULL: none.  Returns a number for keeper_finish; -1: errno. */
int keeper_drain (struct keeper_link *link, int fd, struct capture *capture, const char *name, const char *path);
/* From the worker: the log is not needed any more (path NULL), or is to be
 * written to `path`, masked.  False: errno. */
bool keeper_finish (struct keeper_link *link, int number, const char *path);

/* For the supervisor: takes what is readable of its status, and has each whole line told; the rest stays in
 * `pending`.  True: it has ended. */
bool keeper_read (const struct keeper *keeper, struct buffer *pending, void (*each) (void *data, const char *line),
                  void *data);
/* For the supervisor, now and then: one that somebody has stopped (SIGSTOP) goes on, for without it nothing
 * ends.  Whom that happens to again and again is killed.  What is to be told of it; NULL: nothing. */
const char *keeper_look (struct keeper *keeper);
/* For a subreaper whose keepers have died: ends all its children but those n, and all below
 * them, and waits for them.  False: after some seconds, something is still there. */
bool end_orphans (const pid_t *but, size_t n);
/* Ends all children of `parent` and theirs, by SIGKILL, but `except`.  Returns
 * how many there were. */
unsigned kill_descendants (pid_t parent, pid_t except);
/* "1234 (sleep 30)" */
void describe_process (pid_t pid, struct buffer *out);
/* The process ids of the children of all threads of `parent`; n at most. */
size_t children_of (pid_t parent, pid_t *pids, size_t n);
/* For mkdtemp: the keeper removes such folders when the worker could not, by the next. */
void temp_template (char *out, size_t size, pid_t keeper);
void remove_temps (pid_t keeper);

#endif
