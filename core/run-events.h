/* run-events.h - where all events of a run go: into events.jsonl, and to the reporters.
 *
 * A file that cannot be written any more is told once; the reporters go on. */
#ifndef RUN_EVENTS_H
#define RUN_EVENTS_H

#include "buffer.h"
#include "event.h"
#include "report.h"

struct run_events {
  struct reporters *reporters; /* borrowed */
  int file;                    /* -1: lost */
  struct buffer out;           /* what is not yet in the file */
  struct buffer line;
  bool lost;                   /* some of the file is */
};

/* Opens FOLDER/events.jsonl.  False: another run is at work in the same folder; each would
 * spoil what the other writes. */
bool run_events_open (struct run_events *events, const char *folder, struct reporters *reporters);
/* An event of the supervisor's own; masked, and with the time if it has none. */
void run_events_tell (struct run_events *events, struct event *event);
/* A warning; `where` ("file:line:col") may be NULL. */
void run_events_warn (struct run_events *events, const char *where, const char *fmt, ...)
  __attribute__ ((format (printf, 3, 4)));
/* An event of a worker, with the line that it is, newline and all: it was masked there. */
void run_events_pass (struct run_events *events, const struct event *event, const char *line, size_t size);
/* Into the file now.  Before a fork: else the child would write it once more. */
void run_events_flush (struct run_events *events);
void run_events_close (struct run_events *events); /* more than once, if need be */

#endif
