/* report.h - reporters: pure consumers of events.
 *
 * Each gets every event in order and writes something for people or programs.
 * A reporter never stops a run: what goes wrong (disk full) it keeps as its
 * error and becomes silent; the supervisor tells about it once. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "event.h"

struct reporter;

struct reporter_type {
  const char *name; /* "junit" */
  void (*event) (struct reporter *reporter, const struct event *event);
  /* The run is over (also without an EVENT_END: then what is planned and has no
   * result counts as not run): finish the files. */
  void (*finish) (struct reporter *reporter);
  /* May be called from time to time, with the time since 1970: draws what is running
   * now (live console); NULL: no. */
  void (*tick) (struct reporter *reporter, int64_t now_us);
  void (*free) (struct reporter *reporter);
};

struct reporter {
  const struct reporter_type *type;
  char error[512]; /* "": all is well */
};

/* `color`, `live` (redraws a status line), `verbose` (1: every test and step; -1:
 * only failures and the end).  `page`: where `pages` begins, which the end names unless
 * it has failed; NULL: it names none. */
struct console_options {
  FILE *out;
  bool color, live;
  int verbose, width;
  const struct reporter *pages;
  const char *page;
};

struct reporter *report_console (const struct console_options *options);
/* `path` is an output-file.h. */
struct reporter *report_junit (const char *path);
/* Pages in the folder `path`, which is made when its parent is there; without fsync. */
struct reporter *report_html (const char *path);
/* TAP 14 on `out` (not closed) */
struct reporter *report_tap (FILE *out);

/* Calls, in this order. */
void report_event (struct reporter *reporter, const struct event *event);
void report_finish (struct reporter *reporter);
void report_free (struct reporter *reporter);
/* The first is its error, and it gets no more events. */
void report_failed (struct reporter *reporter, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));

/* Those of a run, each of which gets everything. */
#define REPORTERS_MOST 4
struct reporters {
  struct reporter *items[REPORTERS_MOST];
  size_t count;
};
void reporters_add (struct reporters *reporters, struct reporter *reporter);
void reporters_event (struct reporters *reporters, const struct event *event);
void reporters_tick (struct reporters *reporters, int64_t now_us);
/* The last of them first: the console comes before those that it names at its end.
 * False: a report is lost, which is told on stderr, as of `program`. */
bool reporters_finish (struct reporters *reporters, const char *program);
void reporters_free (struct reporters *reporters);

#endif
