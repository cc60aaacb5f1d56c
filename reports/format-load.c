/* format-load.c - what a load came to, as text for people: see format.h. */
#include "config.h"

#include "format.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define MOST_ROWS 100   /* of one table: a load has a series a step */
#define WIDEST_NAME 48

void
format_rate (struct buffer *out, double rate)
{
  if (!isfinite (rate) || rate < 0)
    rate = 0;
  bool fraction = rate < 99.95;
  buffer_printf (out, fraction ? "%.1f" : "%.0f", fraction ? rate : fmin (rate, 1e15));
}

double
load_rate (const struct event_load *load, uint64_t count)
{
  int64_t us = load->window_us > 0 ? load->window_us : load->duration_us - load->warmup_us;
  return us > 0 ? (double) count * 1e6 / (double) us : 0;
}

void
format_load_title (struct buffer *out, const struct event_load *load)
{
  buffer_lit (out, "load");
  if (load->name) {
    buffer_putc (out, ' ');
    buffer_puts (out, load->name);
  }
  buffer_printf (out, ": %llu user%s, ", (unsigned long long) load->users, load->users == 1 ? "" : "s");
  format_duration (out, load->duration_us);
  if (load->warmup_us > 0) {
    buffer_lit (out, " (warm-up ");
    format_duration (out, load->warmup_us);
    buffer_putc (out, ')');
  }
  buffer_lit (out, ", ");
  format_rate (out, load->rate);
  buffer_lit (out, " iterations/s");
}

/* ---- the table ---- */

enum column { NAME, COUNT, FAILED, RATE, P50, P95, P99, MAX, COLUMNS };
static const char *const titles[COLUMNS] = { "series", "count", "failed", "rate/s", "p50", "p95", "p99", "max" };

static void
add_name (struct buffer *out, const char *name)
{
  size_t at = 0, size = strlen (name);
  for (size_t n = 0; at < size && n < WIDEST_NAME; n++) {
    size_t step = utf8_decode (name + at, size - at, NULL);
    if (name[at] == '\n' || name[at] == '\r' || name[at] == '\t')
      buffer_putc (out, ' ');
    else
      buffer_add (out, name + at, step ? step : 1);
    at += step ? step : 1;
  }
  if (at < size)
    buffer_lit (out, "…");
}

static void
add_cell (struct buffer *out, const struct event_load *load, const struct event_series *series, enum column column)
{
  const int64_t times[COLUMNS] = { [P50] = series->p50_us, [P95] = series->p95_us, [P99] = series->p99_us,
                                   [MAX] = series->max_us };
  switch (column) {
  case NAME:
    add_name (out, series->name ? series->name : "?");
    break;
  case COUNT:
    buffer_int (out, (int64_t) series->count);
    break;
  case FAILED:
    buffer_int (out, (int64_t) series->failed);
    break;
  case RATE:
    format_rate (out, load_rate (load, series->count));
    break;
  default:
    if (series->count)
      format_duration (out, times[column]);
    else
      buffer_putc (out, '-');
  }
}

static size_t
rows_of (const struct event_load *load)
{
  return load->series_count < MOST_ROWS ? load->series_count : MOST_ROWS;
}

static void
measure (const struct event_load *load, size_t *widths)
{
  CLEANUP_BUFFER struct buffer cell = { 0 };
  for (int column = 0; column < COLUMNS; column++) {
    widths[column] = strlen (titles[column]);
    for (size_t i = 0; i < rows_of (load); i++) {
      if (!series_has_row (load, &load->series[i]))
        continue;
      cell.size = 0;
      add_cell (&cell, load, &load->series[i], column);
      size_t width = utf8_count (cell.data, cell.size);
      widths[column] = width > widths[column] ? width : widths[column];
    }
  }
}

/* Names to the left, numbers to the right. */
static void
add_aligned (struct buffer *out, const struct buffer *cell, enum column column, size_t width)
{
  size_t used = utf8_count (cell->data, cell->size);
  if (column != NAME)
    for (size_t n = used; n < width + 2; n++)
      buffer_putc (out, ' ');
  buffer_add (out, cell->data, cell->size);
  if (column == NAME)
    for (size_t n = used; n < width; n++)
      buffer_putc (out, ' ');
}

static void
add_table (struct buffer *out, const struct event_load *load)
{
  size_t widths[COLUMNS];
  CLEANUP_BUFFER struct buffer cell = { 0 };
  measure (load, widths);
  for (size_t row = 0; row <= rows_of (load); row++) {
    if (row > 0 && !series_has_row (load, &load->series[row - 1]))
      continue;
    buffer_lit (out, "    ");
    for (int column = 0; column < COLUMNS; column++) {
      cell.size = 0;
      if (row == 0)
        buffer_puts (&cell, titles[column]);
      else
        add_cell (&cell, load, &load->series[row - 1], column);
      add_aligned (out, &cell, column, widths[column]);
    }
    buffer_putc (out, '\n');
  }
  if (load->series_count > MOST_ROWS)
    buffer_printf (out, "    and %zu more\n", load->series_count - MOST_ROWS);
}

/* ---- thresholds ---- */

/* The digits that a number is worth, without zeros at the end. */
static void
add_number (struct buffer *out, double number)
{
  double size = fabs (number);
  int decimals = size < 0.001 ? 7 : size < 10 ? 4 : size < 100 ? 3 : size < 1000 ? 2 : 1;
  size_t start = out->size;
  buffer_printf (out, "%.*f", decimals, number);
  while (out->size > start && out->data[out->size - 1] == '0')
    out->size--;
  if (out->size > start && out->data[out->size - 1] == '.')
    out->size--;
}

/* "48.25ms" as "48.25 ms", with all its digits: it was judged by them. */
static bool
add_time (struct buffer *out, const char *word, size_t size)
{
  static const struct { const char *written, *name; } units[] = {
    { "ns", "ns" }, { "us", "µs" }, { "ms", "ms" }, { "s", "s" }, { "m", "min" }, { "h", "h" },
  };
  size_t digits = strspn (word, "0123456789.");
  for (size_t i = 0; digits && digits < size && i < sizeof units / sizeof *units; i++)
    if (strlen (units[i].written) == size - digits && memcmp (word + digits, units[i].written, size - digits) == 0) {
      buffer_add (out, word, digits);
      buffer_putc (out, ' ');
      buffer_puts (out, units[i].name);
      return true;
    }
  return false;
}

void
format_measure (struct buffer *out, const char *text)
{
  while (*text) {
    size_t size = strcspn (text, " ");
    if (size < 30 && memchr (text, '.', size) && strspn (text, "0123456789.") >= size)
      add_number (out, strtod (text, NULL));
    else if (!add_time (out, text, size))
      buffer_add (out, text, size);
    text += size;
    if (*text) {
      buffer_putc (out, ' ');
      text++;
    }
  }
}

void
format_limit (struct buffer *out, const char *text)
{
  static const struct { const char *sign, *words; } all[] = {
    { "< ", "less than " }, { "≤ ", "at most " }, { "> ", "more than " }, { "≥ ", "at least " },
  };
  CLEANUP_BUFFER struct buffer words = { 0 };
  while (*text) {
    const char *and = strstr (text, " and ");
    size_t size = and ? (size_t) (and - text) : strlen (text);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
      if (size > strlen (all[i].sign) && strncmp (text, all[i].sign, strlen (all[i].sign)) == 0) {
        buffer_puts (&words, all[i].words);
        size -= strlen (all[i].sign);
        text += strlen (all[i].sign);
        break;
      }
    buffer_add (&words, text, size);
    text += size;
    if (and) {
      buffer_lit (&words, " and ");
      text += 5;
    }
  }
  format_measure (out, buffer_text (&words));
}

/* ---- the whole ---- */

bool
format_threshold (struct buffer *out, const struct event_threshold *threshold)
{
  if (threshold->outcome == OUTCOME_PASSED || threshold->outcome == OUTCOME_NOT_RUN)
    return false;
  const char *message = threshold->message ? threshold->message : threshold->actual;
  size_t size = strlen (threshold->name);
  bool named = message && strncmp (message, threshold->name, size) == 0;
  format_blame (out, threshold->where, named ? NULL : threshold->name, message);
  return true;
}

/* Does the first line of the failure say it already? */
static bool
is_blamed (const struct event *event, const struct event_threshold *threshold)
{
  return event->where && threshold->where && strcmp (event->where, threshold->where) == 0 && event->message
         && threshold->message && strstr (event->message, threshold->message);
}

static void
add_thresholds (struct buffer *out, const struct event *event)
{
  for (size_t i = 0; i < event->load_count; i++)
    for (size_t t = 0; t < event->loads[i].threshold_count; t++) {
      CLEANUP_BUFFER struct buffer text = { 0 };
      const struct event_threshold *threshold = &event->loads[i].thresholds[t];
      if (!is_blamed (event, threshold) && format_threshold (&text, threshold)) {
        buffer_lit (out, "  ");
        buffer_add (out, text.data, text.size);
        buffer_putc (out, '\n');
      }
    }
}

static void
add_errors (struct buffer *out, const struct event_load *load)
{
  if (!load->error_count)
    return;
  buffer_lit (out, "    what failed:\n");
  for (size_t i = 0; i < load->error_count && i < MOST_ROWS; i++) {
    const struct event_load_error *error = &load->errors[i];
    buffer_printf (out, "    %8llu  ", (unsigned long long) error->count);
    format_blame (out, error->where, NULL, error->message);
    buffer_putc (out, '\n');
  }
}

void
format_loads (struct buffer *out, const struct event *event)
{
  add_thresholds (out, event);
  for (size_t i = 0; i < event->load_count; i++) {
    buffer_lit (out, "  ");
    format_load_title (out, &event->loads[i]);
    buffer_putc (out, '\n');
    add_table (out, &event->loads[i]);
    add_errors (out, &event->loads[i]);
  }
}

const struct event_series *
series_total (const struct event_series *series, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (series[i].name && strcmp (series[i].name, "total") == 0)
      return &series[i];
  return NULL;
}

const struct event_series *
series_main (const struct event_series *series, size_t count)
{
  const struct event_series *total = series_total (series, count);
  for (size_t i = 0; i < count && !(total && total->count); i++)
    if (series[i].name && strcmp (series[i].name, "iteration") == 0)
      return &series[i];
  return total;
}

bool
series_has_row (const struct event_load *load, const struct event_series *one)
{
  return one != series_total (load->series, load->series_count)
         || one == series_main (load->series, load->series_count);
}

void
format_sample (struct buffer *out, const struct event *event, uint64_t errors)
{
  static const struct event_series nothing = { .name = "total" };
  const struct event_series *total = series_main (event->series, event->series_count);
  total = total ? total : &nothing;
  buffer_printf (out, "%llu user%s  ", (unsigned long long) event->users, event->users == 1 ? "" : "s");
  format_rate (out, event->span_us > 0 ? (double) total->count * 1e6 / (double) event->span_us : 0);
  buffer_lit (out, "/s");
  if (errors) /* before what may be cut */
    buffer_printf (out, "  %llu error%s", (unsigned long long) errors, errors == 1 ? "" : "s");
  if (total->count) {
    buffer_lit (out, "  p50 ");
    format_duration (out, total->p50_us);
    buffer_lit (out, "  p95 ");
    format_duration (out, total->p95_us);
    buffer_lit (out, "  p99 ");
    format_duration (out, total->p99_us);
  }
  if (event->warmup)
    buffer_lit (out, "  warm-up");
}
