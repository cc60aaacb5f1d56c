/* supervisor.h - runs a plan: starts a worker per suite, reads what they tell,
 * judges those that crash or hang, feeds the reporters. */
#ifndef SUPERVISOR_H
#define SUPERVISOR_H

#include "plan.h"
#include "report.h"
#include "run-roles.h"

/* Runs everything; returns the exit status of the program:
 * 0 all passed, 1 a test failed, 3 something could not be run or told, 130 interrupted. */
int supervise (const struct plan *plan, const struct run_options *options, struct expr_engine *engine,
               struct run_roles *run_roles, struct reporters *reporters);

#endif
