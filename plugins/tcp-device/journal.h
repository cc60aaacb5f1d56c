/* journal.h - what the system's parts tell: lines for people, events for tests.
 *
 * The parts do not know where it goes: a role prints and observes, a unit test
 * collects.
 */
#ifndef TCP_DEVICE_JOURNAL_H
#define TCP_DEVICE_JOURNAL_H

#include <stdint.h>

#include "../common/bytes.h"
#include "frame.h"

/* Only what is set belongs to the event. */
struct event {
  const char *name;            /* "connected", "report", "dropped", "sent", "stored", … */
  const int64_t *id;           /* of the device */
  const struct report *report; /* has an id too */
  const struct report *cached; /* what the cache holds for the report's device */
  const struct bytes *frame;   /* as it came */
  const char *reason;
  const int *success;
  int64_t connections;         /* 0: not told */
};

struct journal {
  void (*print) (struct journal *journal, const char *line); /* without the end of line, to standard output */
  void (*warn) (struct journal *journal, const char *line);  /* to standard error */
  void (*tell) (struct journal *journal, const struct event *event);
};

/* The line that `text` begins and the report's values end: "send to client 123". */
void journal_print_id (struct journal *journal, const char *text, int64_t id);
void journal_print_message (struct journal *journal, const char *text, const struct report *report);

#endif
