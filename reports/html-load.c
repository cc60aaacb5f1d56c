/* html-load.c - loads in the HTML report: seconds are kept while a load runs, and
 * become pictures and tables when its test ends. */
#include "config.h"

#include "html-report.h"

#include <stdlib.h>

#include "format.h"
#include "html-text.h"

#define MOST_SAMPLES 2048 /* of one load: then two become one */
#define SHORTEST_US 500000
#define MOST_SERIES 100
#define MOST_ERRORS 50
#define MOST_SECONDS 300  /* in the table */
#define MOST_LOADS 32     /* of one test, at once */

/* ---- seconds ---- */

/* Counts are added; of two percentiles the greater one is told. */
static void
join (struct chart_sample *into, const struct chart_sample *next)
{
  into->at_us = next->at_us;
  into->span_us += next->span_us;
  into->users = next->users;
  into->count += next->count;
  into->failed += next->failed;
  into->p50_us = next->p50_us > into->p50_us ? next->p50_us : into->p50_us;
  into->p95_us = next->p95_us > into->p95_us ? next->p95_us : into->p95_us;
  into->p99_us = next->p99_us > into->p99_us ? next->p99_us : into->p99_us;
  into->warmup &= next->warmup;
}

static void
halve (struct html_samples *samples)
{
  for (size_t i = 0; i < samples->count / 2; i++) {
    samples->items[i] = samples->items[2 * i];
    join (&samples->items[i], &samples->items[2 * i + 1]);
  }
  samples->count /= 2;
  samples->joined *= 2;
}

static void
keep (struct html_samples *samples, const struct chart_sample *sample)
{
  if (samples->count && sample->span_us < SHORTEST_US) { /* the end of a load: its percentiles are of a few steps */
    struct chart_sample *last = &samples->items[samples->count - 1];
    last->at_us = sample->at_us;
    last->span_us += sample->span_us;
    last->count += sample->count;
    last->failed += sample->failed;
    return;
  }
  if (samples->count && samples->in_last < samples->joined) {
    join (&samples->items[samples->count - 1], sample);
    samples->in_last++;
    return;
  }
  if (samples->count == MOST_SAMPLES)
    halve (samples);
  if (samples->count == samples->room) {
    samples->room = samples->room ? samples->room * 2 : 64;
    samples->items = xrealloc (samples->items, samples->room, sizeof *samples->items);
  }
  samples->items[samples->count++] = *sample;
  samples->in_last = 1;
}

static struct html_samples *
find_samples (struct html_suite *suite, uint32_t test, uint32_t attempt, uint32_t load)
{
  for (struct html_samples *s = suite->samples; s; s = s->next)
    if (s->test == test && s->attempt == attempt && s->load == load)
      return s;
  return NULL;
}

void
html_forget_samples (struct html_suite *suite)
{
  while (suite->samples) {
    struct html_samples *samples = suite->samples;
    suite->samples = samples->next;
    free (samples->items);
    free (samples);
  }
}

void
html_sample (struct html_suite *suite, const struct event *event)
{
  if (event->load >= MOST_LOADS)
    return;
  if (suite->samples && (suite->samples->test != event->test || suite->samples->attempt != event->attempt))
    html_forget_samples (suite); /* of a test whose end was not told */
  struct html_samples *samples = find_samples (suite, event->test, event->attempt, event->load);
  if (!samples) {
    samples = xcalloc (1, sizeof *samples);
    *samples = (struct html_samples) { .next = suite->samples, .test = event->test, .attempt = event->attempt,
                                       .load = event->load, .joined = 1 };
    suite->samples = samples;
  }
  struct chart_sample sample = { .at_us = event->at_us, .span_us = event->span_us, .users = event->users,
                                 .warmup = event->warmup };
  const struct event_series *total = series_total (event->series, event->series_count);
  if (total) {
    sample.count = total->count;
    sample.failed = total->failed;
    sample.p50_us = total->p50_us;
    sample.p95_us = total->p95_us;
    sample.p99_us = total->p99_us;
  }
  keep (samples, &sample);
}

/* ---- pictures ---- */

static void
add_picture (struct html_report *html, struct buffer *out, const struct event *event, size_t load, const char *kind,
             const char *text)
{
  struct html_picture *picture = xcalloc (1, sizeof *picture);
  struct buffer name = { 0 };
  buffer_printf (&name, "load-%u-%u-%u-%zu-%s.svg", event->suite, event->test, event->attempt, load, kind);
  picture->name = xstrdup (buffer_text (&name));
  buffer_free (&name);
  *html->last_picture = picture;
  html->last_picture = &picture->next;
  int error = html_parts_add (&html->parts, &html->scratch, &picture->part);
  if (error)
    report_failed (&html->reporter, "%s: %s", html->path, strerror (error));
  buffer_printf (out, "<img src=\"%s\" width=\"520\" height=\"300\" alt=\"%s\">\n", picture->name, text);
}

static void
add_pictures (struct html_report *html, struct buffer *out, const struct event *event, size_t i)
{
  struct html_suite *suite = html_suite_of (tally_suite (&html->tally, event->suite));
  const struct html_samples *samples = find_samples (suite, event->test, event->attempt, (uint32_t) i);
  const struct event_series *total = series_total (event->loads[i].series, event->loads[i].series_count);
  bool distribution = total && total->bucket_count;
  if ((!samples || !samples->count) && !distribution)
    return;
  buffer_lit (out, "<div class=\"charts\">\n");
  if (samples && samples->count) {
    html->scratch.size = 0;
    chart_throughput (&html->scratch, samples->items, samples->count);
    add_picture (html, out, event, i, "rate",
                 "Steps a second, failures and users over time; the table of seconds has the numbers.");
    html->scratch.size = 0;
    chart_times (&html->scratch, samples->items, samples->count);
    add_picture (html, out, event, i, "times",
                 "Response times over time, p50, p95 and p99; the table of seconds has the numbers.");
  }
  if (distribution) {
    html->scratch.size = 0;
    chart_distribution (&html->scratch, total);
    add_picture (html, out, event, i, "distribution",
                 "Distribution of the response times; the table of series has its percentiles.");
  }
  buffer_lit (out, "</div>\n");
}

/* ---- tables ---- */

static void
add_number_cell (struct buffer *out, uint64_t number)
{
  buffer_lit (out, "<td class=\"n\">");
  buffer_int (out, number > INT64_MAX ? INT64_MAX : (int64_t) number);
  buffer_lit (out, "</td>");
}

static void
add_time_cell (struct buffer *out, int64_t us, bool there)
{
  buffer_lit (out, "<td class=\"n\">");
  if (there)
    format_duration (out, us);
  else
    buffer_lit (out, "–");
  buffer_lit (out, "</td>");
}

static void
begin_table (struct buffer *out, const char *caption, const char *first, const char *const *columns)
{
  buffer_printf (out, "<div class=\"wide\"><table>\n<caption>%s</caption>\n<thead><tr><th scope=\"col\">%s</th>", caption,
                 first);
  for (; *columns; columns++)
    buffer_printf (out, "<th scope=\"col\" class=\"n\">%s</th>", *columns);
  buffer_lit (out, "</tr></thead>\n<tbody>\n");
}

static void
end_table (struct buffer *out)
{
  buffer_lit (out, "</tbody></table></div>\n");
}

static void
add_series_table (struct buffer *out, const struct event_load *load)
{
  static const char *const columns[] = { "count", "failed", "a second", "min", "mean", "p50", "p90", "p95", "p99",
                                         "p99.9", "max", NULL };
  begin_table (out, "Response times", "series", columns);
  for (size_t i = 0; i < load->series_count && i < MOST_SERIES; i++) {
    const struct event_series *s = &load->series[i];
    const int64_t times[] = { s->min_us, s->mean_us, s->p50_us, s->p90_us, s->p95_us, s->p99_us, s->p999_us, s->max_us };
    buffer_lit (out, "<tr><th scope=\"row\">");
    html_short (out, s->name ? s->name : "?", 80);
    buffer_lit (out, "</th>");
    add_number_cell (out, s->count);
    buffer_puts (out, s->failed ? "<td class=\"n bad\">" : "<td class=\"n\">");
    buffer_int (out, (int64_t) s->failed);
    buffer_lit (out, "</td><td class=\"n\">");
    format_rate (out, load_rate (load, s->count));
    buffer_lit (out, "</td>");
    for (size_t t = 0; t < sizeof times / sizeof *times; t++)
      add_time_cell (out, times[t], s->count > 0);
    buffer_lit (out, "</tr>\n");
  }
  end_table (out);
  if (load->series_count > MOST_SERIES)
    buffer_printf (out, "<p>and %zu more series</p>\n", load->series_count - MOST_SERIES);
}

static void
add_measure_cell (struct buffer *out, const char *text)
{
  CLEANUP_BUFFER struct buffer measure = { 0 };
  format_measure (&measure, text ? text : "–");
  buffer_lit (out, "<td class=\"n\">");
  html_short (out, buffer_text (&measure), 120);
  buffer_lit (out, "</td>");
}

static void
add_thresholds (struct buffer *out, const struct event_load *load)
{
  if (!load->threshold_count)
    return;
  buffer_lit (out, "<div class=\"wide\"><table>\n<caption>Thresholds</caption>\n<thead><tr><th scope=\"col\">what</th>"
                   "<th scope=\"col\">result</th><th scope=\"col\" class=\"n\">measured</th>"
                   "<th scope=\"col\" class=\"n\">limit</th><th scope=\"col\">why</th></tr></thead>\n<tbody>\n");
  for (int held = 0; held < 2; held++) /* those that do not hold come first */
    for (size_t i = 0; i < load->threshold_count; i++) {
      const struct event_threshold *t = &load->thresholds[i];
      if ((t->outcome == OUTCOME_PASSED) != held)
        continue;
      buffer_lit (out, "<tr><th scope=\"row\">");
      html_short (out, t->name, 80);
      buffer_lit (out, "</th><td>");
      html_badge (out, t->outcome, false);
      buffer_lit (out, "</td>");
      add_measure_cell (out, t->actual);
      add_measure_cell (out, t->limit);
      buffer_lit (out, "<td>");
      html_element (out, "span", NULL, t->message);
      html_element (out, "code", "where", held ? NULL : t->where);
      buffer_lit (out, "</td></tr>\n");
    }
  end_table (out);
}

static void
add_errors (struct buffer *out, const struct event_load *load)
{
  if (!load->error_count)
    return;
  buffer_lit (out, "<div class=\"wide\"><table>\n<caption>What failed</caption>\n<thead><tr><th scope=\"col\">what</th>"
                   "<th scope=\"col\">where</th><th scope=\"col\" class=\"n\">times</th></tr></thead>\n<tbody>\n");
  for (size_t i = 0; i < load->error_count && i < MOST_ERRORS; i++) {
    const struct event_load_error *error = &load->errors[i];
    buffer_lit (out, "<tr><th scope=\"row\" class=\"mono\">");
    html_short (out, error->message, 500);
    buffer_lit (out, "</th><td>");
    html_element (out, "code", "where", error->where);
    buffer_lit (out, "</td>");
    add_number_cell (out, error->count);
    buffer_lit (out, "</tr>\n");
  }
  end_table (out);
}

/* What the pictures over time show, in numbers. */
static void
add_seconds (struct buffer *out, const struct html_samples *samples)
{
  static const char *const columns[] = { "users", "steps a second", "failed", "p50", "p95", "p99", NULL };
  if (!samples || !samples->count)
    return;
  size_t step = (samples->count + MOST_SECONDS - 1) / MOST_SECONDS;
  buffer_lit (out, "<details class=\"more\"><summary>Seconds in numbers</summary>\n");
  begin_table (out, step > 1 ? "Some of the seconds" : "Over time", "until", columns);
  for (size_t i = step - 1; i < samples->count; i += step) {
    const struct chart_sample *s = &samples->items[i];
    buffer_lit (out, "<tr><th scope=\"row\" class=\"n\">");
    format_duration (out, s->at_us);
    buffer_puts (out, s->warmup ? " (warm-up)</th>" : "</th>");
    add_number_cell (out, s->users);
    buffer_lit (out, "<td class=\"n\">");
    format_rate (out, s->span_us > 0 ? (double) s->count * 1e6 / (double) s->span_us : 0);
    buffer_lit (out, "</td>");
    add_number_cell (out, s->failed);
    add_time_cell (out, s->p50_us, s->count > 0);
    add_time_cell (out, s->p95_us, s->count > 0);
    add_time_cell (out, s->p99_us, s->count > 0);
    buffer_lit (out, "</tr>\n");
  }
  end_table (out);
  buffer_lit (out, "</details>\n");
}

/* ---- a load ---- */

static void
add_fact (struct buffer *out, const char *name, const char *value)
{
  buffer_lit (out, "<dt>");
  html_short (out, name, 40);
  buffer_lit (out, "</dt><dd>");
  html_short (out, value, 500);
  buffer_lit (out, "</dd>\n");
}

/* What it was told to do, and when it began. */
static void
add_settings (struct buffer *out, const struct event *event, const struct event_load *load)
{
  CLEANUP_BUFFER struct buffer began = { 0 };
  html_date (&began, event->start_us + load->start_us);
  buffer_lit (&began, ", ");
  format_duration (&began, load->start_us);
  buffer_lit (&began, " after the test");
  buffer_lit (out, "<dl class=\"run\">\n");
  for (size_t i = 0; i < load->setting_count; i++)
    add_fact (out, load->settings[i].name, load->settings[i].value);
  add_fact (out, "began", buffer_text (&began));
  buffer_lit (out, "</dl>\n");
}

static void
note_load (struct html_report *html, const struct event *event, const struct event_load *load)
{
  if (html->load_count == HTML_MOST_LOADS || !event->final)
    return;
  const struct event_series *total = series_total (load->series, load->series_count);
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_lit (&text, "<td class=\"n\">");
  buffer_int (&text, load->users > INT64_MAX ? INT64_MAX : (int64_t) load->users);
  buffer_lit (&text, "</td><td class=\"n\">");
  format_rate (&text, total ? load_rate (load, total->count) : 0);
  buffer_lit (&text, "</td>");
  add_time_cell (&text, total ? total->p50_us : 0, total && total->count);
  add_time_cell (&text, total ? total->p95_us : 0, total && total->count);
  add_time_cell (&text, total ? total->p99_us : 0, total && total->count);
  add_number_cell (&text, total ? total->failed : 0);
  html->loads[html->load_count++] = (struct html_load) {
    .suite = event->suite, .test = event->test, .title = arena_strdup (&html->tally.arena, buffer_text (&text)),
  };
}

void
html_loads (struct html_report *html, struct buffer *out, const struct event *event)
{
  for (size_t i = 0; i < event->load_count && i < MOST_LOADS; i++) {
    const struct event_load *load = &event->loads[i];
    struct html_suite *suite = html_suite_of (tally_suite (&html->tally, event->suite));
    CLEANUP_BUFFER struct buffer title = { 0 };
    format_load_title (&title, load);
    buffer_lit (out, "<div class=\"load\">\n<p class=\"label\">");
    html_short (out, buffer_text (&title), 300);
    if (load->model) {
      buffer_lit (out, ", ");
      html_short (out, load->model, 40);
      buffer_lit (out, " model");
    }
    buffer_lit (out, "</p>\n");
    add_settings (out, event, load);
    add_thresholds (out, load);
    add_errors (out, load);
    add_series_table (out, load);
    add_pictures (html, out, event, i);
    add_seconds (out, find_samples (suite, event->test, event->attempt, (uint32_t) i));
    buffer_lit (out, "</div>\n");
    note_load (html, event, load);
  }
}
