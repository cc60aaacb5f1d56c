/* role-process.h - `runner role PLUGIN.ROLE`: a role in a process of its own.
 *
 * The same from a suite and from a shell.  From a suite, RUNNER_ROLE_FD names a
 * socket: the runner sends the secret parameters on it as one JSON line, the role
 * sends JSON lines back: {"ready": {exports}}, {"observe": {…}}. */
#ifndef ROLE_PROCESS_H
#define ROLE_PROCESS_H

/* The environment variable with the number of that socket. */
#define ROLE_FD_ENV "RUNNER_ROLE_FD"
/* The environment variable with the role's own folder. */
#define ROLE_TEMP_ENV "RUNNER_ROLE_TEMP"

#endif
