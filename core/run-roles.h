/* run-roles.h - roles with `scope: run`: started once, used by all suites of the run.
 *
 * A worker of their own starts them before the first suite and stops them after
 * the last; it hands the memory with their output to the supervisor, from which
 * the suites' workers inherit it. */
#ifndef RUN_ROLES_H
#define RUN_ROLES_H

#include "capture.h"
#include "keeper.h"
#include "plan.h"

struct run_role {
  const struct role_def *def;
  const struct suite *suite;   /* whose variables its parameters see */
  uint32_t index;
  pid_t pid;
  struct value exports;
  const char *log;             /* the file that will have its output */
  struct capture control, output;
  bool told;                   /* that it has ended */
};

/* Something people should know about them. */
struct run_note {
  const char *text;
  bool lost;                   /* not only a warning: something of the run is missing */
};

struct run_roles {
  struct arena arena;
  struct run_role *items;
  size_t count;
  struct keeper keeper;        /* pid 0: none runs */
  pid_t last_keeper;           /* that ran */
  int control;                 /* written to: end */
  int socket;                  /* its words; readable with nothing more: it is gone */
  struct buffer status;        /* of its keeper, not yet a line */
  struct run_note *notes;
  size_t note_count, note_room, notes_told;
};

/* The roles of all suites, one of a name; two of one name that are not alike are
 * a fault. */
void run_roles_collect (struct run_roles *roles, const struct plan *plan, struct faults *faults);

/* Starts them and waits until all are ready, or `signals` becomes readable; `foreign`
 * as in keeper_start.  False: `error` says why. */
bool run_roles_start (struct run_roles *roles, const struct plan *plan, const struct run_options *options,
                      struct expr_engine *engine, int never, int signals, const char *log_folder, const int *foreign,
                      char *error, size_t error_size);
/* Says which has ended by itself, once of each; false: none. */
bool run_roles_ended (struct run_roles *roles, struct buffer *text);
/* The next that was not yet told; NULL: none. */
const struct run_note *run_roles_note (struct run_roles *roles);
/* Has their keeper go on if somebody has stopped it; a note tells. */
void run_roles_look (struct run_roles *roles);
/* Their keeper's status is readable.  True: it has died; what it kept is the supervisor's now. */
bool run_roles_lost (struct run_roles *roles);
/* Ends them, and everything they have left.  False: their keeper died, as above. */
bool run_roles_stop (struct run_roles *roles);
void run_roles_free (struct run_roles *roles);

/* NULL: there is none, or `roles` is NULL. */
const struct run_role *run_roles_find (const struct run_roles *roles, const char *name, uint32_t index);

#endif
