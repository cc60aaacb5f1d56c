/* html-chart.h - pictures for the HTML report: SVG files that are shown by <img>, so
 * that a page needs neither scripts nor inline style. */
#ifndef HTML_CHART_H
#define HTML_CHART_H

#include "event.h"

/* A second of a load, or some of them. */
struct chart_sample {
  int64_t at_us, span_us; /* its end, after the load's start; its length */
  uint64_t users, count, failed;
  int64_t p50_us, p95_us, p99_us;
  bool warmup;
};

/* A series over time, and its sums without the warm-up. */
struct chart_curve {
  char *name;
  struct chart_sample *items;
  uint64_t count, failed;
  int64_t min_us, max_us;
  double sum_us;
};

/* Users (`rising`: there were none at its start) and steps a second; response times; both over the time of a load. */
void chart_throughput (struct buffer *out, const struct chart_sample *samples, size_t count, const char *title,
                       bool rising);
void chart_times (struct buffer *out, const struct chart_sample *samples, size_t count, const char *title);
/* A percentile of each of some series, at most CHART_CURVES; returns the picture's height. */
#define CHART_CURVES 8
enum chart_percentile { CHART_P50, CHART_P95 };
int chart_series (struct buffer *out, const struct chart_curve *const *curves, size_t curve_count, size_t count,
                  enum chart_percentile percentile);
/* How many took how long, on a logarithmic scale. */
void chart_distribution (struct buffer *out, const struct event_series *series);

/* A step of 1, 2 or 5 tens, so that at most `steps` of them reach the greatest value; a round
 * time on an axis: "250 ms". */
double chart_step (double most, int steps);
void chart_time (struct buffer *out, double us);

/* A bar of the parts of a whole; by enum outcome. */
void chart_parts (struct buffer *out, const size_t *counts);

#endif
