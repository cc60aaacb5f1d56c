/* role-control.h - a role as a worker sees it: what role-control.c, role-start.c and role-verbs.c
 * share. */
#ifndef ROLE_CONTROL_H
#define ROLE_CONTROL_H

#include "worker.h"

/* Branches use roles at the same time: this guards what changes while the list of roles
 * stays as it is, which is as long as steps run.  Held for moments only. */
extern pthread_mutex_t roles_lock;

struct role_state {
  struct role_state *older;
  const struct role_def *def;
  uint32_t index;              /* among `count` */
  const char *name;            /* "hub", "hub[1]" */
  bool of_test, external, running, drained;
  bool shared;                 /* scope: run: another worker's */
  bool paused;                 /* by role.pause */
  bool died;                   /* by itself */
  int wait_status;             /* when it has ended */
  pid_t pid;
  int pid_fd;
  struct capture control, output;
  int control_number, output_number;
  struct value args;           /* expanded; in `arena` */
  struct value exports;        /* a map; in `arena` */
  struct arena arena;
  char *temp;                  /* its folder, made when it is first started; in `arena` */
  unsigned starts;
  const char *log;             /* the file for the output of the last process; in `arena`, or the run's */
  uint64_t cursor;             /* of the observations, for role.wait on the main thread */
  unsigned users;              /* steps that are at work with it */
  bool changing;               /* one of them starts it, and is the only one */
  struct value user_where;     /* of the last that began */
  uint64_t log_mark;           /* where the test began */
};

/* NULL: there is none. */
struct role_state *role_find (struct worker *worker, const char *name, uint32_t index);
/* Started again, on the addresses it had, and ready; false: the verdict is set. */
bool role_restart (struct context *context, struct role_state *role);
/* What leads to its process is closed, its log finished. */
void role_release (struct worker *worker, struct role_state *role);
/* Waits until the process has ended, at most so long. */
bool role_wait_end (struct role_state *role, int64_t ns);
/* Ends the process by SIGTERM within its grace time, else by SIGKILL; false: it
 * had to be killed or did not end well, `why` says. */
bool role_end (struct role_state *role, struct buffer *why);

/* The next whole line at *cursor, which moves behind it.  1: a line; 0: none yet;
 * -1: bytes were lost before it (*cursor has moved to what is kept). */
int role_next_line (struct role_state *role, uint64_t *cursor, struct buffer *line);
/* Parses {"what": …}; NULL when it is another line. */
const struct value *role_said (const struct buffer *line, const char *what, struct arena *arena);
/* What it has printed from there on, its end when that is more than `most`. */
size_t role_log_since (struct role_state *role, uint64_t from, size_t most, struct buffer *out);

/* "role NAME …", as an error of what runs; gives false. */
bool role_cannot (struct context *context, const struct role_state *role, const char *fmt, ...)
  __attribute__ ((format (printf, 3, 4)));

/* role-end.c */
/* Waits for its process if it has ended; asked when that is expected, since nobody blames it then. */
bool role_has_ended (struct role_state *role);
/* The same of a role of the run; `why` it is over, appended. */
bool role_shared_ended (struct role_state *role, struct buffer *why);
/* Has it ended, expected or not?  It is still blamed if not.  `why` as before. */
bool role_is_over (struct role_state *role, struct buffer *why);
void role_describe_end (int status, struct buffer *out); /* "was killed by SIGSEGV (…)" */
/* The last line that it printed, added as ": …"; its log is told with the failure. */
void role_last_words (struct role_state *role, struct buffer *out);
/* Until all is there that a role which has ended said; not for ever. */
void role_wait_drained (struct capture *capture);

/* role-start.c */
/* Starts the process, with what it prints and says drained; false: the verdict is set. */
bool role_spawn (struct context *context, struct role_state *role);

#endif
