/* run.h - exec.run: runs a program to its end. */
#ifndef EXEC_RUN_H
#define EXEC_RUN_H

#include "program.h"

struct run_args {
  struct program_args program;
  struct runner_bytes input;
  struct runner_size limit;
};

int exec_run (struct runner_step *step, const void *args);
/* The program's end as the step's outcome: an exit status that is not 0 and a
 * signal are bad.  `last`: the end of what it said on standard error. */
int exec_judge (struct runner_step *step, const struct program *program, const char *last, size_t size);

#endif
