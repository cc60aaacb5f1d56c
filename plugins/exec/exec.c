/* exec.c - the plugin exec: programs.  Here are its tables; exec.run is in run.c,
 * what goes on in the background in background.c. */
#include "background.h"
#include "run.h"

/* ---- run ---- */

static const struct runner_param run_params[] = {
  PROGRAM_PARAMS (struct run_args, program),
  RUNNER_PARAM_AS ("stdin", struct run_args, input, 
                   .help = "bytes for its standard input; by default there are none"),
  RUNNER_PARAM (struct run_args, limit, .preset = "1MiB", .max = "256MiB",
                .help = "how much of each output is kept: half from the beginning, half from the end"),
  { 0 },
};

#define END_RESULT                                                                                         \
  { .name = "exit", .type = RUNNER_INT, .help = "exit status; null if a signal ended it" },               \
  { .name = "signal", .type = RUNNER_TEXT, .help = "name of that signal, such as SIGSEGV; else null" },   \
  { .name = "time", .type = RUNNER_FLOAT, .help = "seconds that it ran" }

static const struct runner_field run_result[] = {
  END_RESULT,
  { .name = "stdout", .type = RUNNER_TEXT, .help = "its standard output" },
  { .name = "stderr", .type = RUNNER_TEXT, .help = "its standard error" },
  { .name = "truncated", .type = RUNNER_BOOL, .help = "they were longer than limit" },
  { 0 },
};

/* ---- in the background ---- */

static const struct runner_param start_params[] = {
  PROGRAM_PARAMS (struct start_args, program),
  RUNNER_PARAM (struct start_args, as, .preset = "default", .flags = RUNNER_NEW_HANDLE,
                .help = "name that the program gets"),
  RUNNER_PARAM (struct start_args, pty, .preset = "false", .help = "run it in a terminal"),
  RUNNER_PARAM (struct start_args, echo, .preset = "false", .help = "with pty: the terminal echoes what is sent"),
  RUNNER_PARAM (struct start_args, rows, .preset = "24", .min = "1", .max = "1000", .help = "with pty: its height"),
  RUNNER_PARAM (struct start_args, columns, .preset = "80", .min = "1", .max = "10000",
                .help = "with pty: its width"),
  { 0 },
};
static const struct runner_field start_result[] = {
  { .name = "pid", .type = RUNNER_INT, .help = "process id" },
  { 0 },
};

#define CONN(args, more_flags)                                                                             \
  RUNNER_PARAM (args, conn, .preset = "default", .flags = RUNNER_HANDLE | more_flags, .help = "name of the program")

static const struct runner_param send_params[] = {
  RUNNER_PARAM (struct send_args, text, .flags = RUNNER_PRIMARY, .group = "?data", .help = "bytes to send"),
  RUNNER_PARAM (struct send_args, line, .group = "?data", .help = "a line to send; its end is added"),
  RUNNER_PARAM (struct send_args, eof, .preset = "false",
                .help = "afterwards close its standard input; in a terminal, send ^D"),
  CONN (struct send_args, 0),
  { 0 },
};

static const char *const outputs[] = { "stdout", "stderr", NULL };

#define FROM(args)                                                                                         \
  RUNNER_PARAM (args, from, .preset = "stdout", .choices = outputs,                                        \
                .help = "which output; a terminal has but stdout")

static const struct runner_param receive_params[] = {
  STREAM_PARAMS (struct receive_args, wanted, RUNNER_PRIMARY),
  CONN (struct receive_args, 0),
  FROM (struct receive_args),
  RUNNER_PARAM (struct receive_args, count, .min = "1", .max = "1000000",
                .help = "receive so many, as the list `messages`"),
  { 0 },
};
static const struct runner_param wait_params[] = {
  STREAM_PARAMS (struct receive_args, wanted, RUNNER_PRIMARY),
  CONN (struct receive_args, 0),
  FROM (struct receive_args),
  { 0 },
};
static const struct runner_param quiet_params[] = {
  RUNNER_PARAM_AS ("for", struct quiet_args, ns, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "how long"),
  STREAM_PARAMS (struct quiet_args, wanted, 0),
  CONN (struct quiet_args, 0),
  FROM (struct quiet_args),
  { 0 },
};
static const struct runner_field receive_result[] = { STREAM_RECEIVE_RESULT, { 0 } };
static const struct runner_field wait_result[] = { STREAM_WAIT_RESULT, { 0 } };

/* As program_signal_number reads it. */
#define SIGNAL_FORM                                                                                        \
  .pattern = "^(?:(?:SIG)?(?:HUP|INT|QUIT|ILL|TRAP|ABRT|BUS|FPE|KILL|USR1|SEGV|USR2|PIPE|ALRM|TERM|STKFLT|CHLD|" \
             "CONT|STOP|TSTP|TTIN|TTOU|URG|XCPU|XFSZ|VTALRM|PROF|WINCH|POLL|PWR|SYS)|[1-9]|[1-5][0-9]|6[0-4])$",  \
  .form = "a signal by its name or number (TERM, SIGTERM, 15)"

static const struct runner_param signal_params[] = {
  RUNNER_PARAM (struct signal_args, signal, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, SIGNAL_FORM,
                .help = "its name or number: TERM, SIGTERM, 15"),
  CONN (struct signal_args, 0),
  RUNNER_PARAM (struct signal_args, group, .preset = "false", .help = "to its whole process group, as ^C does"),
  { 0 },
};
static const struct runner_param stop_params[] = {
  CONN (struct stop_args, RUNNER_PRIMARY),
  RUNNER_PARAM (struct stop_args, signal, .preset = "TERM", SIGNAL_FORM,
                .help = "signal that its process group is sent"),
  RUNNER_PARAM (struct stop_args, grace, .preset = "5s", .help = "it is killed if it has not ended then"),
  { 0 },
};
static const struct runner_field stop_result[] = {
  END_RESULT,
  { .name = "killed", .type = RUNNER_BOOL, .help = "it, or others of its process group, had to be killed" },
  { 0 },
};
static const struct runner_param wait_exit_params[] = { CONN (struct conn_args, RUNNER_PRIMARY), { 0 } };
static const struct runner_field wait_exit_result[] = { END_RESULT, { 0 } };

/* ---- the plugin ---- */

static const struct runner_verb verbs[] = {
  { .name = "run", .help = "run a program to its end", .run = exec_run, .params = run_params,
    .args_size = sizeof (struct run_args), .result = run_result },
  { .name = "start", .help = "start a program that goes on in the background", .run = exec_start,
    .params = start_params, .args_size = sizeof (struct start_args), .result = start_result },
  { .name = "send", .help = "send bytes to its standard input or terminal", .run = exec_send,
    .params = send_params, .args_size = sizeof (struct send_args) },
  { .name = "receive", .help = "receive what it says next; it must be what is said here", .run = exec_receive,
    .params = receive_params, .args_size = sizeof (struct receive_args), .result = receive_result,
    .flags = RUNNER_RECEIVES },
  { .name = "wait", .help = "pass over what it says until it is what is said here", .run = exec_wait,
    .params = wait_params, .args_size = sizeof (struct receive_args), .result = wait_result,
    .flags = RUNNER_RECEIVES },
  { .name = "quiet", .help = "for a while it may not say what is said here", .run = exec_quiet,
    .params = quiet_params, .args_size = sizeof (struct quiet_args), .flags = RUNNER_RECEIVES },
  { .name = "signal", .help = "send it a signal", .run = exec_signal, .params = signal_params,
    .args_size = sizeof (struct signal_args) },
  { .name = "stop", .help = "end it: a signal, and SIGKILL if it takes too long", .run = exec_stop,
    .params = stop_params, .args_size = sizeof (struct stop_args), .result = stop_result },
  { .name = "wait_exit", .help = "wait until it has ended", .run = exec_wait_exit, .params = wait_exit_params,
    .args_size = sizeof (struct conn_args), .result = wait_exit_result },
  { 0 },
};

RUNNER_PLUGIN (.name = "exec", .version = "1.0", .help = "programs: run, talk to, signal, stop", .verbs = verbs);
