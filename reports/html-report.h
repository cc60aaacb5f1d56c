/* html-report.h - what the files of the HTML report share.
 *
 * A test's part of its page is made when it ends, and kept, with the pictures, in a
 * file without a name once it is more than a little: a large run needs little memory,
 * and at its end the pages are put together from parts.  What is kept in memory of
 * each test is a row. */
#ifndef HTML_REPORT_H
#define HTML_REPORT_H

#include "report.h"

#include "html-chart.h"
#include "tally.h"

/* ---- parts: a store of bytes (html-parts.c) ---- */

struct html_parts {
  const char *folder;    /* where the file without a name is made */
  struct buffer memory;  /* what follows the first `stored` bytes */
  uint64_t stored;       /* in the file */
  int fd;                /* -1: none yet */
};
struct html_piece { uint64_t at; size_t size; };

/* Returns 0, or an errno. */
int html_parts_add (struct html_parts *parts, const struct buffer *text, struct html_piece *piece);
int html_parts_get (struct html_parts *parts, struct html_piece piece, struct buffer *out);
void html_parts_free (struct html_parts *parts);

/* ---- what is kept ---- */

struct html_row {        /* of an attempt at a test */
  uint32_t test, worker, attempt, page;
  struct html_piece part;
  int64_t start_us, duration_us;
  const char *message;   /* short, of what did not pass; or NULL */
  uint8_t outcome;
  bool final, load;
  bool begun;            /* the run was broken off while it ran */
  bool line;             /* its part fits into the line of its name */
};

struct html_samples {    /* of the test that a suite runs now */
  struct html_samples *next;
  uint32_t test, attempt, load;
  struct chart_curve *curves; /* the first is the total */
  size_t curve_count;
  size_t count, room, joined; /* items of each; joined: so many seconds are one item; a power of two */
  size_t in_last;        /* seconds in the last item */
  int64_t end_us, warmup_us; /* after the load's start */
  uint64_t users;        /* at most */
  struct event_load begun; /* what it is, and was told to do; without `where` it was not told */
  struct arena arena;    /* of its texts */
};

struct html_picture { struct html_picture *next; char *name; struct html_piece part; };

struct html_load {       /* for the overview */
  uint32_t suite, test;
  const char *title;     /* in HTML */
};

/* A suite's page, as it is put together. */
struct html_entry {
  const struct tally_test *test;
  size_t first, count;   /* rows */
  uint32_t page;         /* from 0 */
};

struct html_suite {
  struct html_row *rows; /* by arrival, at the end by test */
  size_t count, room;
  struct html_samples *samples;
  bool has_around;
  struct html_piece around;  /* what belongs to no test, if it failed or has warnings */
  const char *failure_text;  /* short */
  const char *file;      /* name of its first page, without ".html" */
  struct html_entry *entries; /* in the order of the pages */
  size_t entry_count;
  uint32_t pages;
  int64_t start_us, end_us;
};

#define HTML_MOST_LOADS 200
#define HTML_MOST_WARNINGS 50
#define HTML_LONGEST_BLAME 300 /* bytes of a message in a list */

struct html_report {
  struct reporter reporter;
  char *path;            /* the folder */
  char *named_root, *root, *real_root; /* the folder above it, with a final slash: as it was named, absolute,
                                           without links; NULL: not known */
  struct tally tally;
  struct html_parts parts;
  struct html_picture *pictures, **last_picture;
  struct html_load loads[HTML_MOST_LOADS];
  size_t load_count;
  struct buffer warnings; /* of the run, in HTML: the first of them */
  size_t warning_count;
  struct buffer scratch, part;
};

/* What the HTML report keeps of a suite; the tally holds it. */
struct html_suite *html_suite_of (struct tally_suite *suite);

/* ---- a test (html-test.c) ---- */

/* What is told of an attempt, or of a suite's end: steps, differences, traffic, logs. */
void html_detail (struct html_report *html, struct buffer *out, const struct event *event);
/* A test that passed by one step: its place is all there is to tell. */
bool html_is_line (const struct event *event);
void html_line_detail (struct buffer *out, const struct event *event);
/* By enum outcome: for people, and for the stylesheet. */
extern const char *const html_outcome_words[], *const html_outcome_classes[];
void html_badge (struct buffer *out, int outcome, bool flaky);
/* A duration in a <span class="time">. */
void html_time (struct buffer *out, int64_t us);

/* ---- loads (html-load.c) ---- */

void html_sample (struct html_suite *suite, const struct event *event);
/* Tables and pictures of a test's loads, also of those that were broken off. */
void html_loads (struct html_report *html, struct buffer *out, const struct event *event);
void html_forget_samples (struct html_suite *suite);

/* ---- pages (html-page.c) ---- */

/* `up`: the page is not the overview, and leads back to it. */
void html_begin_page (struct html_report *html, struct buffer *out, const char *title, bool up);
void html_end_page (struct html_report *html, struct buffer *out);
/* The name of a suite's page, counted from 0. */
void html_page_name (struct buffer *out, const char *file, uint32_t page);
/* Links to the other pages of `count`. */
void html_pager (struct buffer *out, const char *file, uint32_t page, uint32_t count);
/* 2026-11-21 14:30:16 UTC */
void html_date (struct buffer *out, int64_t us);
/* "97 passed, 2 failed", what is not zero. */
void html_counts (struct buffer *out, const struct tally_counts *counts);

/* Divides a suite into pages, and sorts its rows. */
void html_plan_suite (struct html_suite *suite, const struct tally_suite *tally);
/* How a test went; `row`: its last, or NULL. */
void html_entry_badge (struct buffer *out, const struct html_entry *entry, const struct html_row *row);
/* One page of a suite.  Returns 0, or an errno. */
int html_suite_page (struct html_report *html, struct tally_suite *suite, uint32_t page, struct buffer *out);

/* ---- the overview (html-index.c) ---- */

/* How many pages it has; page 0 is index.html. */
uint32_t html_index_pages (const struct html_report *html);
void html_index_page (struct html_report *html, uint32_t page, struct buffer *out);
void html_share (struct html_report *html, struct buffer *out);

/* ---- what ran when (html-timeline.c) ---- */

/* A section of the overview; nothing when nothing ran. */
void html_timeline (struct html_report *html, struct buffer *out);

#endif
