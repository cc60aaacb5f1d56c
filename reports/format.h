/* format.h - results as text for people: what the console, junit.xml and TAP say of a
 * failure in the same words.  The text is as it came (bytes, control characters):
 * who writes it somewhere makes it safe for that place. */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>

#include "event.h"

struct format_limits {
  size_t traffic_bytes; /* of one message */
  size_t traffic_most;  /* of one connection: messages before are left out */
  size_t log_lines;     /* of the end of one log */
  size_t log_bytes;
};

/* `where: verb: message`, the calls of keywords that led there, details, loads, last traffic and logs; every line ends
 * with a newline. */
void format_failure (struct buffer *out, const struct event *event, const struct format_limits *limits);
/* Parts of it.  Which messages are told, in the order of time: an array to be freed. */
const struct event_traffic **format_pick_traffic (const struct event *event, const struct format_limits *limits,
                                                  size_t *count);
void format_message_title (struct buffer *out, const struct event_traffic *traffic, size_t limit);
void format_message_body (struct buffer *out, const struct event_traffic *traffic, size_t limit,
                          const char *indent);
/* The steps in the order in which they began: each before those within it.  As many as the event has; to be freed. */
struct format_step { const struct event_step *step; uint32_t level; /* 0: in no other */ };
struct format_step *format_order_steps (const struct event *event);
/* By which calls of keywords the step to blame was reached: lines. */
void format_callers (struct buffer *out, const struct event *event);
/* The first of those lines alone, without newline. */
void format_blame (struct buffer *out, const char *where, const char *verb, const char *message);
/* The same of a test that did not pass: `where: the step's name (verb): message`. */
void format_event_blame (struct buffer *out, const struct event *event);
/* What its loads came to: thresholds that did not hold, then a table of each; every line ends with a newline. */
void format_loads (struct buffer *out, const struct event *event);
/* "load NAME: 50 users, 10.00 s (warm-up 2.00 s), 99.5 iterations/s" */
void format_load_title (struct buffer *out, const struct event_load *load);
/* Where and why it does not hold, on one line.  False: it holds, or was not judged, and nothing is added. */
bool format_threshold (struct buffer *out, const struct event_threshold *threshold);
/* A second of a load on one line; `errors`: since its start. */
void format_sample (struct buffer *out, const struct event *event, uint64_t errors);
/* 99.5, 1200: never negative or without end. */
void format_rate (struct buffer *out, double rate);
/* A second, in the time that counts. */
double load_rate (const struct event_load *load, uint64_t count);
/* The series of all measured steps, or NULL. */
const struct event_series *series_total (const struct event_series *series, size_t count);
/* The one that stands for the whole: when no step is measured (they only sleep), that of the iterations. */
const struct event_series *series_main (const struct event_series *series, size_t count);
/* Does a table of these have a row for the one?  Not for a total of nothing, beside the iterations. */
bool series_has_row (const struct event_load *load, const struct event_series *one);
/* 450 µs, 12.3 ms, 1.20 s, 2 min 5 s */
void format_duration (struct buffer *out, int64_t us);
/* A value of a threshold, or what it asks for ("< 50ms", "0.25"), with times and numbers as everywhere else. */
void format_measure (struct buffer *out, const char *text);
/* What a threshold asks for, in words and exactly: "less than 50 ms". */
void format_limit (struct buffer *out, const char *text);
/* Seconds with three decimals, never negative. */
void format_seconds (struct buffer *out, int64_t us);
/* The first and last `limit / 2` bytes, with a line between that tells what is missing. */
void format_ends (struct buffer *out, const char *text, size_t size, size_t limit);

/* The last lines of a text, and not more than `bytes`; every line ends with a
 * newline.  False: that is not all of it. */
bool format_tail (struct buffer *out, const char *text, size_t size, size_t lines, size_t bytes,
                  const char *indent);

/* Appends a text that cannot drive a terminal: control characters (without newline
 * and tab), bytes that are not UTF-8 and characters that change the direction of
 * writing become \x1b, \u202e. */
void format_safe (struct buffer *out, const char *text, size_t size);
/* The same on one line: newlines become blanks.  NULL: nothing. */
void format_line (struct buffer *out, const char *text);

#endif
