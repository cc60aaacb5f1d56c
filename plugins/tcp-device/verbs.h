/* verbs.h - what a test does as a device: connect, report, receive. */
#ifndef TCP_DEVICE_VERBS_H
#define TCP_DEVICE_VERBS_H

#include "runner-plugin.h"

struct connect_args {
  struct runner_address to;
  const char *as;
  int64_t id;
};

struct report_args {
  const char *conn;
  int64_t id;
  const char *report;
  struct runner_bytes raw;
};

/* Which frames: the parameters that are given must all fit. */
struct wanted_args {
  int64_t id;
  const char *report;
  struct runner_pattern match;
};

struct receive_args {
  const char *conn;
  struct wanted_args wanted;
  int64_t count;
};

struct quiet_args {
  struct runner_duration duration;
  const char *conn;
  struct wanted_args wanted;
};

struct close_args {
  const char *conn;
};

int verb_connect (struct runner_step *step, const void *args);
int verb_report (struct runner_step *step, const void *args);
int verb_receive (struct runner_step *step, const void *args);
int verb_wait (struct runner_step *step, const void *args);
int verb_quiet (struct runner_step *step, const void *args);
int verb_close (struct runner_step *step, const void *args);

#endif
