/* background.h - programs that go on while the test does: a handle of the exec plugin. */
#ifndef EXEC_BACKGROUND_H
#define EXEC_BACKGROUND_H

#include "../common/stream.h"
#include "program.h"

struct start_args {
  struct program_args program;
  const char *as;
  struct runner_bool pty, echo;
  int64_t rows, columns;
};
struct send_args { const char *conn; struct runner_bytes text; const char *line; struct runner_bool eof; };
struct receive_args { const char *conn; const char *from; int64_t count; struct stream_args wanted; };
struct quiet_args { const char *conn; const char *from; struct runner_duration ns; struct stream_args wanted; };
struct signal_args { const char *conn; const char *signal; struct runner_bool group; };
struct stop_args { const char *conn; const char *signal; struct runner_duration grace; };
struct conn_args { const char *conn; };

int exec_start (struct runner_step *step, const void *args);
int exec_send (struct runner_step *step, const void *args);
int exec_receive (struct runner_step *step, const void *args);
int exec_wait (struct runner_step *step, const void *args);
int exec_quiet (struct runner_step *step, const void *args);
int exec_signal (struct runner_step *step, const void *args);
int exec_stop (struct runner_step *step, const void *args);
int exec_wait_exit (struct runner_step *step, const void *args);

#endif
