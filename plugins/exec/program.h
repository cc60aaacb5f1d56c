/* program.h - what exec.run and exec.start have in common: which program, how it
 * is started, waited for, ended, and how its end is told. */
#ifndef EXEC_PROGRAM_H
#define EXEC_PROGRAM_H

#include "runner-plugin.h"

struct program_args {
  const char *shell;
  struct runner_list argv;
  struct runner_map env;
  struct runner_bool clear_env;
  const char *cwd;
};

#define PROGRAM_PARAMS(args, member)                                                                       \
  RUNNER_PARAM_AS ("shell", args, member.shell, .flags = RUNNER_PRIMARY, .group = "program",               \
                   .help = "command for /bin/sh -c"),                                                      \
  RUNNER_PARAM_AS ("argv", args, member.argv, .group = "program", .min = "1",                              \
                   .help = "program and its arguments, without a shell; it is looked up in PATH"),         \
  RUNNER_PARAM_AS ("env", args, member.env, .help = "environment variables, added to the runner's"),       \
  RUNNER_PARAM_AS ("clear_env", args, member.clear_env, .preset = "false",                                 \
                   .help = "only the variables of env, and PATH"),                                         \
  RUNNER_PARAM_AS ("cwd", args, member.cwd, .help = "its folder; by default the suite's, relative to that")

/* Descriptors for a program; -1: /dev/null.  They stay the caller's. */
struct program_files { int in, out, err; int terminal; };

/* A program that was started. */
struct program {
  pid_t pid;      /* and process group, since it is the leader */
  int pidfd;      /* readable when it has ended; -1: the kernel has none */
  int64_t started;
  int ended;      /* it has, but is not reaped: its id stays ours */
  int reaped;     /* its id is no longer ours: nothing is sent there any more */
  int signal;     /* that ended it; 0: none */
  int status;     /* its exit status, if no signal did */
  int64_t ended_at;
  char name[64];  /* for messages */
};

/* RUNNER_PASS, or the outcome to return. */
int program_start (struct runner_step *step, const struct program_args *args, const struct program_files *files,
                   struct program *program);
/* Has it ended?  Looks without waiting; notes how it ended. */
int program_ended (struct program *program);
/* Reaps it, if that is still to be done, and gives up its descriptor.  It must have ended. */
void program_release (struct program *program);
/* Sends a signal to it, or to its whole group.  0, or an errno. */
int program_kill (struct program *program, int signal, int group);
/* Waits until it has ended, at most `ns`, without looking at the step's deadline. */
int program_await (struct program *program, int64_t ns);
/* It has ended: reaps it, and gives the others of its group until `end` (as
 * runner_now counts) before they are killed.  1: they had to be; 0: they were gone;
 * -1: the step must end before that (NULL: it is not asked), and they were killed. */
int program_finish (struct runner_step *step, struct program *program, int64_t end);
/* Kills it and its group, and reaps it. */
void program_destroy (struct program *program);
/* SIGTERM to it and its group, and after `grace` what is needed.  1: it had to be killed, or others of its group had. */
int program_end (struct program *program, int64_t grace);

/* "SIGSEGV"; into at least 24 bytes. */
#define SIGNAL_ROOM 24
const char *program_signal_name (char *out, int signal);
/* TERM, SIGTERM or 15; 0: there is none such. */
int program_signal_number (const char *text);

/* Puts `exit`, `signal`, `time`. */
void program_put_end (struct runner_out *out, const struct program *program);

/* Writes like write(2), with EPIPE but without SIGPIPE. */
ssize_t program_write (int fd, const void *data, size_t size);

#endif
