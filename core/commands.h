/* commands.h - the program's commands; each gets its own argc and argv and gives
 * the exit status. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stddef.h>

#include "suite.h"

int command_run (int argc, char **argv);     /* run.c */
int command_check (int argc, char **argv);
int command_list (int argc, char **argv);
int command_role (int argc, char **argv);    /* role-process.c */
int command_plugins (int argc, char **argv); /* command-plugins.c */
int command_plugin (int argc, char **argv);  /* command-plugin.c */
int command_report (int argc, char **argv);  /* command-report.c */
int command_schema (int argc, char **argv);  /* command-schema.c */
int command_version (int argc, char **argv); /* command-version.c */

/* Prints "runner: …; try `runner COMMAND --help`" and gives 2. */
int usage_error (const char *command, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

/* Loads and checks suites (files, or folders with *.yaml below them), and libraries that
 * are named besides: how many goes to *libraries (NULL: they alone are a fault).  All
 * faults are printed.  NULL: there were some; else *loaded of them, for free_suites. */
struct suite **load_suites (const char *const *paths, size_t count, struct expr_engine *engine, size_t *loaded,
                            size_t *libraries, struct faults *faults);
void free_suites (struct suite **suites, size_t count);

#endif
