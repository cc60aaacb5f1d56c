/* html-load.c - loads in the HTML report: seconds are kept while a load runs, and
 * become pictures and tables when its test ends. */
#include "config.h"

#include "html-report.h"

#include <stdlib.h>

#include "format.h"
#include "html-text.h"

#define MOST_SAMPLES 2048 /* of one load: then two become one */
#define FIRST_ROOM 64
#define SHORTEST_US 500000
#define MOST_SERIES 100
#define MOST_ERRORS 50
#define MOST_SECONDS 300  /* in the table */
#define MOST_STEP_SECONDS 1000 /* in the tables of all steps */
#define MOST_CURVES 32    /* of one load */
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
  for (size_t c = 0; c < samples->curve_count; c++) {
    struct chart_sample *items = samples->curves[c].items;
    for (size_t i = 0; i < samples->count / 2; i++) {
      items[i] = items[2 * i];
      join (&items[i], &items[2 * i + 1]);
    }
  }
  samples->count /= 2;
  samples->joined *= 2;
}

static void
make_room (struct html_samples *samples)
{
  if (samples->count == MOST_SAMPLES)
    halve (samples);
  if (samples->count < samples->room)
    return;
  samples->room *= 2;
  for (size_t c = 0; c < samples->curve_count; c++)
    samples->curves[c].items = xrealloc (samples->curves[c].items, samples->room, sizeof *samples->curves[c].items);
}

enum place { NEW_ITEM, JOINED, ADDED };

/* Where a second goes, the same for all curves. */
static enum place
find_place (struct html_samples *samples, int64_t span_us)
{
  if (samples->count && span_us < SHORTEST_US) /* the end of a load: its percentiles are of a few steps */
    return ADDED;
  if (samples->count && samples->in_last < samples->joined) {
    samples->in_last++;
    return JOINED;
  }
  make_room (samples);
  samples->count++;
  samples->in_last = 1;
  return NEW_ITEM;
}

static void
keep (struct chart_sample *last, const struct chart_sample *sample, enum place place)
{
  if (place == NEW_ITEM)
    *last = *sample;
  else if (place == JOINED)
    join (last, sample);
  else {
    last->at_us = sample->at_us;
    last->span_us += sample->span_us;
    last->count += sample->count;
    last->failed += sample->failed;
  }
}

/* Sums of what counts. */
static void
add_up (struct chart_curve *curve, const struct event_series *series)
{
  if (!series->count)
    return;
  if (!curve->count || series->min_us < curve->min_us)
    curve->min_us = series->min_us;
  if (series->max_us > curve->max_us)
    curve->max_us = series->max_us;
  curve->count += series->count;
  curve->failed += series->failed;
  curve->sum_us += (double) series->mean_us * (double) series->count;
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
    for (size_t c = 0; c < samples->curve_count; c++) {
      free (samples->curves[c].name);
      free (samples->curves[c].items);
    }
    free (samples->curves);
    arena_free (&samples->arena);
    free (samples);
  }
}

/* A new curve has nothing in the seconds before. */
static struct chart_curve *
add_curve (struct html_samples *samples, const char *name)
{
  samples->curves = xrealloc (samples->curves, samples->curve_count + 1, sizeof *samples->curves);
  struct chart_curve *curve = &samples->curves[samples->curve_count++];
  *curve = (struct chart_curve) { .name = xstrdup (name), .items = xcalloc (samples->room, sizeof *curve->items) };
  for (size_t i = 0; i < samples->count; i++) {
    const struct chart_sample *s = &samples->curves[0].items[i];
    curve->items[i] = (struct chart_sample) { .at_us = s->at_us, .span_us = s->span_us, .users = s->users,
                                              .warmup = s->warmup };
  }
  return curve;
}

static const char *
copy_text (struct arena *arena, const char *text)
{
  return text ? arena_strdup (arena, text) : NULL;
}

/* For the case that its end is never told. */
static void
keep_begun (struct html_samples *samples, const struct event_load *load)
{
  struct arena *arena = &samples->arena;
  samples->begun = (struct event_load) {
    .where = copy_text (arena, load->where), .name = copy_text (arena, load->name),
    .model = copy_text (arena, load->model), .start_us = load->start_us, .setting_count = load->setting_count,
    .settings = arena_array (arena, load->setting_count + 1, sizeof *load->settings),
  };
  for (size_t i = 0; i < load->setting_count; i++)
    samples->begun.settings[i] = (struct event_setting) { .name = copy_text (arena, load->settings[i].name),
                                                          .value = copy_text (arena, load->settings[i].value) };
}

static struct html_samples *
add_samples (struct html_suite *suite, const struct event *event)
{
  struct html_samples *samples = xcalloc (1, sizeof *samples);
  *samples = (struct html_samples) { .next = suite->samples, .test = event->test, .attempt = event->attempt,
                                     .load = event->load, .room = FIRST_ROOM, .joined = 1 };
  suite->samples = samples;
  add_curve (samples, "total");
  return samples;
}

static void
add_curves (struct html_samples *samples, const struct event *event)
{
  for (size_t i = 0; i < event->series_count; i++) {
    const char *name = event->series[i].name;
    bool known = !name;
    for (size_t c = 0; c < samples->curve_count && !known; c++)
      known = strcmp (samples->curves[c].name, name) == 0;
    if (!known && samples->curve_count < MOST_CURVES)
      add_curve (samples, name);
  }
}

static const struct event_series *
find_series (const struct event *event, const char *name)
{
  for (size_t i = 0; i < event->series_count; i++)
    if (event->series[i].name && strcmp (event->series[i].name, name) == 0)
      return &event->series[i];
  return NULL;
}

void
html_sample (struct html_suite *suite, const struct event *event)
{
  if (event->load >= MOST_LOADS)
    return;
  if (suite->samples && (suite->samples->test != event->test || suite->samples->attempt != event->attempt))
    html_forget_samples (suite); /* of a test whose end was not told */
  struct html_samples *samples = find_samples (suite, event->test, event->attempt, event->load);
  if (!samples)
    samples = add_samples (suite, event);
  if (event->load_count && !samples->begun.where)
    keep_begun (samples, event->loads);
  add_curves (samples, event);
  enum place place = find_place (samples, event->span_us);
  samples->end_us = event->at_us;
  samples->users = event->users > samples->users ? event->users : samples->users;
  if (event->warmup)
    samples->warmup_us = event->at_us;
  for (size_t c = 0; c < samples->curve_count; c++) {
    struct chart_curve *curve = &samples->curves[c];
    const struct event_series *series = find_series (event, curve->name);
    struct chart_sample sample = { .at_us = event->at_us, .span_us = event->span_us, .users = event->users,
                                   .warmup = event->warmup };
    if (series) {
      sample.count = series->count;
      sample.failed = series->failed;
      sample.p50_us = series->p50_us;
      sample.p95_us = series->p95_us;
      sample.p99_us = series->p99_us;
    }
    keep (&curve->items[samples->count - 1], &sample, place);
    if (series && !event->warmup)
      add_up (curve, series);
  }
}

/* ---- pictures ---- */

static void
add_picture (struct html_report *html, struct buffer *out, const struct event *event, uint32_t load, const char *kind,
             int height, const char *text)
{
  struct html_picture *picture = xcalloc (1, sizeof *picture);
  struct buffer name = { 0 };
  buffer_printf (&name, "load-%u-%u-%u-%u-%s.svg", event->suite, event->test, event->attempt, load, kind);
  picture->name = xstrdup (buffer_text (&name));
  buffer_free (&name);
  *html->last_picture = picture;
  html->last_picture = &picture->next;
  int error = html_parts_add (&html->parts, &html->scratch, &picture->part);
  if (error)
    report_failed (&html->reporter, "%s: %s", html->path, strerror (error));
  buffer_printf (out, "<div class=\"wide\"><img src=\"%s\" width=\"520\" height=\"%d\" alt=\"%s\"></div>\n", picture->name,
                 height, text);
  html->scratch.size = 0;
}

/* The steps' series, the slowest first, at most CHART_CURVES.  Returns how many there are. */
static size_t
pick_curves (const struct html_samples *samples, const struct chart_curve **picked)
{
  size_t count = 0, n = 0;
  for (size_t c = 0; c < samples->curve_count; c++) {
    const struct chart_curve *curve = &samples->curves[c];
    if (strcmp (curve->name, "total") == 0 || strcmp (curve->name, "iteration") == 0)
      continue;
    count++;
    size_t at = n;
    while (at > 0 && picked[at - 1]->max_us < curve->max_us)
      at--;
    if (at == CHART_CURVES)
      continue;
    n += n < CHART_CURVES;
    memmove (picked + at + 1, picked + at, (n - at - 1) * sizeof *picked);
    picked[at] = curve;
  }
  return count;
}

/* Of one step alone the total tells all. */
static void
add_step_pictures (struct html_report *html, struct buffer *out, const struct event *event, uint32_t load,
                   const struct html_samples *samples)
{
  const struct chart_curve *picked[CHART_CURVES];
  size_t count = pick_curves (samples, picked);
  if (count < 2)
    return;
  size_t n = count < CHART_CURVES ? count : CHART_CURVES;
  CLEANUP_BUFFER struct buffer text = { 0 };
  static const struct { enum chart_percentile percentile; const char *kind; } charts[] = {
    { CHART_P95, "p95" }, { CHART_P50, "p50" },
  };
  for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) {
    text.size = 0;
    buffer_printf (&text, "The %s of ", charts[i].kind);
    if (n < count)
      buffer_printf (&text, "the %zu slowest of %zu steps", n, count);
    else
      buffer_lit (&text, "each step");
    buffer_lit (&text, " over time; the tables of seconds have the numbers.");
    int height = chart_series (&html->scratch, picked, n, samples->count, charts[i].percentile);
    add_picture (html, out, event, load, charts[i].kind, height, buffer_text (&text));
  }
}

static const struct chart_curve *
main_curve (const struct html_samples *samples)
{
  for (size_t c = 0; c < samples->curve_count; c++)
    for (size_t i = 0; i < samples->count; i++)
      if (samples->curves[c].items[i].count)
        return &samples->curves[c]; /* total and iteration are the first */
  return &samples->curves[0];
}

/* Did its users come one after the other? */
static bool
is_rising (const struct event_load *load)
{
  bool closed = load->model && strcmp (load->model, "closed") == 0;
  for (size_t i = 0; closed && i < load->setting_count; i++)
    if (strcmp (load->settings[i].name, "spawn") == 0 || strcmp (load->settings[i].name, "stages") == 0)
      return true;
  return false;
}

static void
add_pictures (struct html_report *html, struct buffer *out, const struct event *event, const struct event_load *load,
              struct html_samples *samples)
{
  const struct event_series *whole = series_main (load->series, load->series_count);
  bool distribution = whole && whole->bucket_count, times = samples && samples->count > 1;
  if (!times)
    buffer_lit (out, "<p>It was too short for charts over time: there is one for each second.</p>\n");
  if (!times && !distribution)
    return;
  buffer_lit (out, "<div class=\"charts\">\n");
  if (times) {
    const struct chart_curve *curve = main_curve (samples);
    bool iterations = strcmp (curve->name, "iteration") == 0;
    chart_throughput (&html->scratch, curve->items, samples->count, iterations ? "Iterations a second" : "Steps a second",
                      is_rising (load));
    add_picture (html, out, event, load->number, "rate", 300,
                 "How many a second, failures and users over time; the table of seconds has the numbers.");
    chart_times (&html->scratch, curve->items, samples->count, iterations ? "Time of an iteration" : "Response time");
    add_picture (html, out, event, load->number, "times", 300,
                 "Response times over time, p50, p95 and p99; the table of seconds has the numbers.");
    add_step_pictures (html, out, event, load->number, samples);
  }
  if (distribution) {
    chart_distribution (&html->scratch, whole);
    add_picture (html, out, event, load->number, "distribution", 300,
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

/* `whole` false: of one that was broken off; its percentiles are known of each second only. */
static void
add_series_table (struct buffer *out, const struct event_load *load, bool whole)
{
  static const char *const columns[] = { "count", "failed", "a second", "min", "mean", "p50", "p90", "p95", "p99",
                                         "p99.9", "max", NULL };
  begin_table (out, "Response times", "series", columns);
  for (size_t i = 0; i < load->series_count && i < MOST_SERIES; i++) {
    const struct event_series *s = &load->series[i];
    if (!series_has_row (load, s))
      continue;
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
      add_time_cell (out, times[t], s->count > 0 && (whole || t < 2 || t == 7));
    buffer_lit (out, "</tr>\n");
  }
  end_table (out);
  if (!whole)
    buffer_lit (out, "<p>The percentiles are known of each second only: see below.</p>\n");
  if (load->series_count > MOST_SERIES)
    buffer_printf (out, "<p>and %zu more series</p>\n", load->series_count - MOST_SERIES);
}

static void
add_measure_cell (struct buffer *out, const char *text, void (*format) (struct buffer *out, const char *text))
{
  CLEANUP_BUFFER struct buffer measure = { 0 };
  format (&measure, text ? text : "–");
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
      add_measure_cell (out, t->actual, format_measure);
      add_measure_cell (out, t->limit, format_limit);
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

static void
add_second (struct buffer *out, const struct chart_sample *s, bool users)
{
  buffer_lit (out, "<tr><th scope=\"row\" class=\"n\">");
  format_duration (out, s->at_us);
  buffer_puts (out, s->warmup ? " (warm-up)</th>" : "</th>");
  if (users)
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

/* What the pictures over time show, in numbers. */
static void
add_seconds (struct buffer *out, const struct html_samples *samples)
{
  static const char *const columns[] = { "users", "a second", "failed", "p50", "p95", "p99", NULL };
  size_t step = (samples->count + MOST_SECONDS - 1) / MOST_SECONDS;
  buffer_lit (out, "<details class=\"more\"><summary>Seconds in numbers</summary>\n");
  const struct chart_curve *curve = main_curve (samples);
  CLEANUP_BUFFER struct buffer caption = { 0 };
  buffer_printf (&caption, "%s: ", step > 1 ? "Some of the seconds" : "Over time");
  html_short (&caption, curve->name, 80);
  begin_table (out, buffer_text (&caption), "until", columns);
  for (size_t i = step - 1; i < samples->count; i += step)
    add_second (out, &curve->items[i], true);
  end_table (out);
  buffer_lit (out, "</details>\n");
}

/* The last seconds of each step and of the iterations. */
static void
add_step_seconds (struct buffer *out, const struct html_samples *samples)
{
  static const char *const columns[] = { "a second", "failed", "p50", "p95", "p99", NULL };
  if (samples->curve_count < 2)
    return;
  size_t most = MOST_STEP_SECONDS / samples->curve_count;
  size_t first = samples->count > most ? samples->count - most : 0;
  buffer_lit (out, "<details class=\"more\"><summary>Seconds of each series in numbers</summary>\n");
  CLEANUP_BUFFER struct buffer caption = { 0 };
  for (size_t c = 1; c < samples->curve_count; c++) {
    caption.size = 0;
    buffer_puts (&caption, first ? "The last seconds of " : "Over time: ");
    html_short (&caption, samples->curves[c].name, 80);
    begin_table (out, buffer_text (&caption), "until", columns);
    for (size_t i = first; i < samples->count; i++)
      add_second (out, &samples->curves[c].items[i], false);
    end_table (out);
  }
  buffer_lit (out, "</details>\n");
}

/* ---- a load ---- */

static void
add_fact (struct buffer *out, const char *name, const char *value)
{
  buffer_lit (out, "<li>");
  html_short (out, name, 40);
  buffer_lit (out, " <code>");
  html_short (out, value, 500);
  buffer_lit (out, "</code></li>\n");
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
  buffer_lit (out, "<ul class=\"settings\">\n");
  for (size_t i = 0; i < load->setting_count; i++)
    add_fact (out, load->settings[i].name, load->settings[i].value);
  add_fact (out, "began", buffer_text (&began));
  buffer_lit (out, "</ul>\n");
}

static void
note_load (struct html_report *html, const struct event *event, const struct event_load *load, bool whole)
{
  if (html->load_count == HTML_MOST_LOADS || !event->final)
    return;
  const struct event_series *total = series_main (load->series, load->series_count);
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_lit (&text, "<td class=\"n\">");
  buffer_int (&text, load->users > INT64_MAX ? INT64_MAX : (int64_t) load->users);
  buffer_lit (&text, "</td><td class=\"n\">");
  format_rate (&text, total ? load_rate (load, total->count) : 0);
  buffer_lit (&text, "</td>");
  add_time_cell (&text, total ? total->p50_us : 0, whole && total && total->count);
  add_time_cell (&text, total ? total->p95_us : 0, whole && total && total->count);
  add_time_cell (&text, total ? total->p99_us : 0, whole && total && total->count);
  add_number_cell (&text, total ? total->failed : 0);
  html->loads[html->load_count++] = (struct html_load) {
    .suite = event->suite, .test = event->test, .title = arena_strdup (&html->tally.arena, buffer_text (&text)),
  };
}

static void
add_load (struct html_report *html, struct buffer *out, const struct event *event, const struct event_load *load,
          struct html_samples *samples, bool whole)
{
  CLEANUP_BUFFER struct buffer title = { 0 };
  format_load_title (&title, load);
  buffer_lit (out, "<div class=\"load\">\n<p class=\"label\">");
  html_short (out, buffer_text (&title), 300);
  if (load->model) {
    buffer_lit (out, ", ");
    html_short (out, load->model, 40);
    buffer_lit (out, " model");
  }
  if (!whole) {
    /* first_of cancels what was not first */
    buffer_puts (out, event->outcome == OUTCOME_PASSED ? ": cancelled after " : ": broken off after ");
    format_duration (out, load->duration_us);
  }
  buffer_lit (out, "</p>\n");
  if (whole || load->where)
    add_settings (out, event, load);
  add_thresholds (out, load);
  add_errors (out, load);
  add_series_table (out, load, whole);
  add_pictures (html, out, event, load, samples);
  if (samples) {
    add_seconds (out, samples);
    add_step_seconds (out, samples);
  }
  buffer_lit (out, "</div>\n");
  note_load (html, event, load, whole);
}

/* What its seconds tell of a load that did not come to its end. */
static void
add_broken_load (struct html_report *html, struct buffer *out, const struct event *event, struct html_samples *samples)
{
  struct event_series *series = xcalloc (samples->curve_count, sizeof *series);
  int64_t counted_us = samples->end_us - samples->warmup_us;
  uint64_t iterations = 0;
  for (size_t c = 0; c < samples->curve_count; c++) {
    const struct chart_curve *curve = &samples->curves[c];
    series[c] = (struct event_series) {
      .name = curve->name, .count = curve->count, .failed = curve->failed, .min_us = curve->min_us,
      .max_us = curve->max_us, .mean_us = curve->count ? (int64_t) (curve->sum_us / (double) curve->count) : 0,
    };
    if (strcmp (curve->name, "iteration") == 0)
      iterations = curve->count;
  }
  struct event_load load = samples->begun;
  load.number = samples->load;
  load.duration_us = samples->end_us;
  load.warmup_us = samples->warmup_us;
  load.users = samples->users;
  load.rate = counted_us > 0 ? (double) iterations * 1e6 / (double) counted_us : 0;
  load.series = series;
  load.series_count = samples->curve_count;
  add_load (html, out, event, &load, samples, false);
  free (series);
}

static bool
is_told (const struct event *event, uint32_t load)
{
  for (size_t i = 0; i < event->load_count; i++)
    if (event->loads[i].number == load)
      return true;
  return false;
}

void
html_loads (struct html_report *html, struct buffer *out, const struct event *event)
{
  struct html_suite *suite = html_suite_of (tally_suite (&html->tally, event->suite));
  for (size_t i = 0; i < event->load_count && i < MOST_LOADS; i++)
    add_load (html, out, event, &event->loads[i],
              find_samples (suite, event->test, event->attempt, event->loads[i].number), true);
  for (uint32_t i = 0; suite->samples && i < MOST_LOADS; i++) {
    struct html_samples *samples = find_samples (suite, event->test, event->attempt, i);
    if (samples && !is_told (event, i))
      add_broken_load (html, out, event, samples);
  }
}
