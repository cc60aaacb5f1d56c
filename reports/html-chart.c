/* html-chart.c - see html-chart.h.
 *
 * Colours are attributes, which are right on a light ground of their own; a style
 * element overrides them where the reader prefers dark and style is not forbidden. */
#include "config.h"

#include "html-chart.h"

#include <math.h>

#include "format.h"
#include "html-text.h"

#define WIDTH 520
#define LOGARITHMIC 25 /* the greatest value in least ones, from which on an axis is */
#define LEFT 58
#define RIGHT 26

/* ---- the paper ---- */

static void
begin_picture (struct buffer *out, double width, double height, const char *title)
{
  /* a bar is stretched to the width that there is */
  buffer_puts (out, height < 20 ? "<svg xmlns=\"http://www.w3.org/2000/svg\" preserveAspectRatio=\"none\" viewBox=\"0 0 "
                                : "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 ");
  html_number (out, width);
  buffer_putc (out, ' ');
  html_number (out, height);
  buffer_lit (out, "\" width=\"");
  html_number (out, width);
  buffer_lit (out, "\" height=\"");
  html_number (out, height);
  buffer_lit (out, "\" font-family=\"system-ui,-apple-system,Segoe UI,Roboto,sans-serif\" font-size=\"12\">\n<title>");
  html_line (out, title);
  buffer_lit (out,
    "</title>\n<style>@media (prefers-color-scheme: dark) {"
    ".paper{fill:#171c24}.grid{stroke:#2e3642}.ink{fill:#a9b4c2}.axis{stroke:#5a6676}.shade{fill:#222a35}"
    ".blue{stroke:#6ea8fe}.amber{stroke:#f0b24b}.red{stroke:#ff7b72}.violet{stroke:#b69cff}"
    ".green{stroke:#57d17f}.teal{stroke:#4cc9d9}.pink{stroke:#ff8ac9}.grey{stroke:#a9b4c2}"
    ".fgreen{fill:#57d17f}.fteal{fill:#4cc9d9}.fpink{fill:#ff8ac9}.fgrey{fill:#a9b4c2}"
    ".fblue{fill:#6ea8fe}.famber{fill:#f0b24b}.fred{fill:#ff7b72}.fviolet{fill:#b69cff}"
    ".o1{fill:#3fb26b}.o2{fill:#ff7b72}.o3{fill:#e58bff}.o4{fill:#7d8895}.o5{fill:#59636f}"
    "}</style>\n"
    "<rect class=\"paper\" width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#ffffff\"/>\n");
}

static void
end_picture (struct buffer *out)
{
  buffer_lit (out, "</svg>\n");
}

static void
add_rect (struct buffer *out, const char *attributes, double x, double y, double width, double height)
{
  buffer_lit (out, "<rect ");
  buffer_puts (out, attributes);
  buffer_lit (out, " x=\"");
  html_number (out, x);
  buffer_lit (out, "\" y=\"");
  html_number (out, y);
  buffer_lit (out, "\" width=\"");
  html_number (out, width);
  buffer_lit (out, "\" height=\"");
  html_number (out, height);
  buffer_lit (out, "\"/>\n");
}

static void
add_line (struct buffer *out, const char *attributes, double x1, double y1, double x2, double y2)
{
  buffer_lit (out, "<path ");
  buffer_puts (out, attributes);
  buffer_lit (out, " d=\"M");
  html_number (out, x1);
  buffer_putc (out, ' ');
  html_number (out, y1);
  buffer_putc (out, 'L');
  html_number (out, x2);
  buffer_putc (out, ' ');
  html_number (out, y2);
  buffer_lit (out, "\"/>\n");
}

#define INK "class=\"ink\" fill=\"#59636e\""
#define GRID "class=\"grid\" stroke=\"#e4e7eb\""

/* `anchor`: start, middle, end. */
static void
add_label (struct buffer *out, const char *anchor, const char *attributes, double x, double y, const char *text)
{
  buffer_lit (out, "<text text-anchor=\"");
  buffer_puts (out, anchor);
  buffer_lit (out, "\" ");
  buffer_puts (out, attributes);
  buffer_lit (out, " x=\"");
  html_number (out, x);
  buffer_lit (out, "\" y=\"");
  html_number (out, y);
  buffer_lit (out, "\">");
  html_line (out, text);
  buffer_lit (out, "</text>\n");
}

/* ---- axes ---- */

struct plot {
  struct buffer *out;
  double left, top, width, height;
  double x_most, y_most; /* both begin at 0 */
  double y_least;        /* not 0: y is logarithmic, from there */
};

typedef void format_tick (struct buffer *out, double value);

static void
format_number (struct buffer *out, double value)
{
  if (value >= 1e6)
    buffer_printf (out, "%.4gM", value / 1e6);
  else if (value >= 1e4)
    buffer_printf (out, "%.4gk", value / 1e3);
  else
    buffer_printf (out, "%.4g", value);
}

/* Ticks are round: "250 ms", not "250.0 ms". */
void
chart_time (struct buffer *out, double us)
{
  static const struct { double size; const char *name; } units[] = { { 60e6, " min" }, { 1e6, " s" }, { 1e3, " ms" } };
  for (size_t i = us < 120e6; i < sizeof units / sizeof *units; i++)
    if (us >= units[i].size) {
      buffer_printf (out, "%.3g%s", us / units[i].size, units[i].name);
      return;
    }
  buffer_printf (out, "%.3g%s", us, us > 0 ? " µs" : "");
}

double
chart_step (double most, int steps)
{
  if (!(most > 0) || !isfinite (most))
    return 1;
  double ten = pow (10, floor (log10 (most / steps)));
  static const double factors[] = { 1, 2, 5, 10 };
  for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
    if (ten * factors[i] * steps >= most * 0.999999)
      return ten * factors[i];
  return ten * 10;
}

static double
x_of (const struct plot *plot, double x)
{
  return plot->left + fmin (fmax (x / plot->x_most, 0), 1) * plot->width;
}

static double
y_of (const struct plot *plot, double y)
{
  double part = y / plot->y_most;
  if (plot->y_least > 0)
    part = log (fmax (y, plot->y_least) / plot->y_least) / log (plot->y_most / plot->y_least);
  return plot->top + plot->height - fmin (fmax (part, 0), 1) * plot->height;
}

static void
add_y_line (struct plot *plot, double value, format_tick *format)
{
  CLEANUP_BUFFER struct buffer label = { 0 };
  double y = y_of (plot, value);
  add_line (plot->out, GRID, plot->left, y, plot->left + plot->width, y);
  format (&label, value);
  add_label (plot->out, "end", INK, plot->left - 8, y + 4, buffer_text (&label));
}

static void
add_y_axis (struct plot *plot, double most, int steps, format_tick *format)
{
  double step = chart_step (most, steps);
  if (format == format_number && step < 1) /* they are counts, or nearly */
    step = 1;
  int ticks = (int) ceil (most / step - 1e-6);
  ticks = ticks < 1 ? 1 : ticks > steps ? steps : ticks;
  plot->y_most = step * ticks;
  for (int i = 0; i <= ticks; i++)
    add_y_line (plot, step * i, format);
}

/* 1 ms, 10 ms, 100 ms; 2 and 5 between them when there is room. */
static void
add_log_y_axis (struct plot *plot, double least, double most)
{
  static const double factors[] = { 1, 2, 5 };
  least = fmax (least, 1);
  most = fmin (fmax (most, least * 2), 1e15);
  int low = (int) floor (log10 (least)), high = (int) ceil (log10 (most) - 1e-9);
  plot->y_least = pow (10, low);
  plot->y_most = pow (10, high);
  int each = high - low > 2 ? 1 : 3;
  for (int ten = low; ten <= high; ten++)
    for (int i = 0; i < (ten < high ? each : 1); i++)
      add_y_line (plot, pow (10, ten) * factors[i], chart_time);
}

static void
add_x_axis (struct plot *plot, bool labels)
{
  CLEANUP_BUFFER struct buffer label = { 0 };
  double bottom = plot->top + plot->height, step = chart_step (plot->x_most, 8);
  add_line (plot->out, "class=\"axis\" stroke=\"#aab2bd\"", plot->left, bottom, plot->left + plot->width, bottom);
  for (int i = 0; labels && i <= 10 && step * i <= plot->x_most * 1.000001; i++) {
    label.size = 0;
    chart_time (&label, step * i);
    if (i == 0)
      buffer_lit (&label, " s");
    add_label (plot->out, "middle", INK, x_of (plot, step * i), bottom + 16, buffer_text (&label));
  }
}

static void
add_key (struct plot *plot, double *right, const char *fill, const char *name)
{
  double width = 7.0 * (double) strlen (name) + 22;
  *right -= width;
  add_rect (plot->out, fill, *right, plot->top - 16, 10, 10);
  add_label (plot->out, "start", INK, *right + 14, plot->top - 7, name);
}

static void
add_title (struct plot *plot, const char *title)
{
  add_label (plot->out, "start", "class=\"ink\" fill=\"#59636e\" font-weight=\"600\"", plot->left, plot->top - 7, title);
}

/* ---- over time ---- */

#define BLUE "class=\"blue\" fill=\"none\" stroke=\"#1f6feb\" stroke-width=\"2\" stroke-linejoin=\"round\""
#define AMBER "class=\"amber\" fill=\"none\" stroke=\"#b86e00\" stroke-width=\"2\" stroke-linejoin=\"round\""
#define RED "class=\"red\" fill=\"none\" stroke=\"#cf222e\" stroke-width=\"2\" stroke-linejoin=\"round\""
#define VIOLET "class=\"violet\" fill=\"none\" stroke=\"#7a4fd0\" stroke-width=\"2\" stroke-linejoin=\"round\""
#define FILL_BLUE "class=\"fblue\" fill=\"#1f6feb\""
#define FILL_AMBER "class=\"famber\" fill=\"#b86e00\""
#define FILL_RED "class=\"fred\" fill=\"#cf222e\""
#define FILL_VIOLET "class=\"fviolet\" fill=\"#7a4fd0\""

/* The value of a second; negative: there is none. */
typedef double value_of (const struct chart_sample *sample);

static double
rate_of (const struct chart_sample *s)
{
  return s->span_us > 0 ? (double) s->count * 1e6 / (double) s->span_us : 0;
}
static double
failures_of (const struct chart_sample *s)
{
  return s->span_us > 0 ? (double) s->failed * 1e6 / (double) s->span_us : 0;
}
static double
users_of (const struct chart_sample *s)
{
  return (double) s->users;
}
static double
p50_of (const struct chart_sample *s)
{
  return s->count ? (double) s->p50_us : -1;
}
static double
p95_of (const struct chart_sample *s)
{
  return s->count ? (double) s->p95_us : -1;
}
static double
p99_of (const struct chart_sample *s)
{
  return s->count ? (double) s->p99_us : -1;
}

static double
most_of (const struct chart_sample *samples, size_t count, value_of *value)
{
  double most = 0;
  for (size_t i = 0; i < count; i++)
    most = fmax (most, value (&samples[i]));
  return most;
}

/* The least above 0; INFINITY: there is none. */
static double
least_of (const struct chart_sample *samples, size_t count, value_of *value)
{
  double least = INFINITY;
  for (size_t i = 0; i < count; i++)
    if (value (&samples[i]) > 0)
      least = fmin (least, value (&samples[i]));
  return least;
}

/* Response times: logarithmic when one stall would flatten all else. */
static void
add_times_axis (struct plot *plot, double least, double most, int steps)
{
  if (isfinite (least) && most / fmax (least, 1) > LOGARITHMIC)
    add_log_y_axis (plot, least, most);
  else
    add_y_axis (plot, most, steps, chart_time);
}

/* A line with gaps where there is no value.  It begins where the time of its first value does: a
 * value is that of the time before it; `from_zero`: that of its end, and it rose to it from 0. */
static void
add_curve (struct plot *plot, const char *attributes, const struct chart_sample *samples, size_t count, value_of *value,
           bool from_zero)
{
  bool down = from_zero && count > 0;
  buffer_lit (plot->out, "<path stroke-linecap=\"round\" ");
  buffer_puts (plot->out, attributes);
  buffer_lit (plot->out, " d=\"");
  if (down) {
    buffer_putc (plot->out, 'M');
    html_number (plot->out, x_of (plot, (double) (samples[0].at_us - samples[0].span_us)));
    buffer_putc (plot->out, ' ');
    html_number (plot->out, y_of (plot, 0));
  }
  for (size_t i = 0; i < count; i++) {
    double y = value (&samples[i]);
    if (y >= 0) {
      buffer_putc (plot->out, down ? 'L' : 'M');
      html_number (plot->out, x_of (plot, (double) (samples[i].at_us - (down ? 0 : samples[i].span_us))));
      buffer_putc (plot->out, ' ');
      html_number (plot->out, y_of (plot, y));
      if (!down) {
        buffer_putc (plot->out, 'H');
        html_number (plot->out, x_of (plot, (double) samples[i].at_us));
      }
    }
    down = y >= 0;
  }
  buffer_lit (plot->out, "\"/>\n");
}

/* The warm-up has a ground of its own. */
static void
add_warmup (struct plot *plot, const struct chart_sample *samples, size_t count)
{
  int64_t end = 0;
  for (size_t i = 0; i < count && samples[i].warmup; i++)
    end = samples[i].at_us;
  if (end <= 0)
    return;
  double width = x_of (plot, (double) end) - plot->left;
  add_rect (plot->out, "class=\"shade\" fill=\"#f0f2f5\"", plot->left, plot->top, width, plot->height);
  if (width > 60)
    add_label (plot->out, "start", INK, plot->left + 6, plot->top + 14, "warm-up");
}

static struct plot
begin_plot (struct buffer *out, double top, double height, const struct chart_sample *samples, size_t count)
{
  double end = count ? (double) samples[count - 1].at_us : 0;
  return (struct plot) { .out = out, .left = LEFT, .top = top, .width = WIDTH - LEFT - RIGHT, .height = height,
                         .x_most = end > 0 ? end : 1, .y_most = 1 };
}

void
chart_throughput (struct buffer *out, const struct chart_sample *samples, size_t count, const char *title, bool rising)
{
  begin_picture (out, WIDTH, 300, "steps a second, failures and users over time");
  struct plot plot = begin_plot (out, 32, 124, samples, count);
  double right = WIDTH - RIGHT;
  add_warmup (&plot, samples, count);
  add_y_axis (&plot, most_of (samples, count, rate_of), 4, format_number);
  add_x_axis (&plot, false);
  add_title (&plot, title);
  add_key (&plot, &right, FILL_RED, "failed");
  add_key (&plot, &right, FILL_BLUE, "all");
  add_curve (&plot, BLUE, samples, count, rate_of, false);
  if (most_of (samples, count, failures_of) > 0)
    add_curve (&plot, RED, samples, count, failures_of, false);
  plot = begin_plot (out, 196, 74, samples, count);
  add_warmup (&plot, samples, count);
  add_y_axis (&plot, most_of (samples, count, users_of), 3, format_number);
  add_x_axis (&plot, true);
  add_title (&plot, "Users");
  add_curve (&plot, VIOLET, samples, count, users_of, rising);
  end_picture (out);
}

void
chart_times (struct buffer *out, const struct chart_sample *samples, size_t count, const char *title)
{
  begin_picture (out, WIDTH, 300, "response times over time: p50, p95 and p99");
  struct plot plot = begin_plot (out, 32, 236, samples, count);
  double right = WIDTH - RIGHT;
  add_warmup (&plot, samples, count);
  add_times_axis (&plot, least_of (samples, count, p50_of), most_of (samples, count, p99_of), 6);
  add_x_axis (&plot, true);
  add_title (&plot, title);
  add_key (&plot, &right, FILL_RED, "p99");
  add_key (&plot, &right, FILL_AMBER, "p95");
  add_key (&plot, &right, FILL_BLUE, "p50");
  add_curve (&plot, RED, samples, count, p99_of, false);
  add_curve (&plot, AMBER, samples, count, p95_of, false);
  add_curve (&plot, BLUE, samples, count, p50_of, false);
  end_picture (out);
}

/* ---- series over time ---- */

#define LINE "fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" "
static const struct { const char *line, *fill; } colors[CHART_CURVES] = {
  { LINE "class=\"red\" stroke=\"#cf222e\"", FILL_RED },
  { LINE "class=\"blue\" stroke=\"#1f6feb\"", FILL_BLUE },
  { LINE "class=\"amber\" stroke=\"#b86e00\"", FILL_AMBER },
  { LINE "class=\"violet\" stroke=\"#7a4fd0\"", FILL_VIOLET },
  { LINE "class=\"green\" stroke=\"#1a7f37\"", "class=\"fgreen\" fill=\"#1a7f37\"" },
  { LINE "class=\"teal\" stroke=\"#0b7a8a\"", "class=\"fteal\" fill=\"#0b7a8a\"" },
  { LINE "class=\"pink\" stroke=\"#bf3989\"", "class=\"fpink\" fill=\"#bf3989\"" },
  { LINE "class=\"grey\" stroke=\"#59636e\"", "class=\"fgrey\" fill=\"#59636e\"" },
};

/* The names below the picture, two in a row. */
static void
add_names (struct plot *plot, const struct chart_curve *const *curves, size_t count, double top)
{
  for (size_t i = 0; i < count; i++) {
    CLEANUP_BUFFER struct buffer name = { 0 };
    size_t row = i / 2;
    double x = plot->left + (i % 2 ? plot->width / 2 : 0), y = top + 18 * (double) row;
    buffer_lit (&name, "<text class=\"ink\" fill=\"#59636e\" x=\"");
    html_number (&name, x + 16);
    buffer_lit (&name, "\" y=\"");
    html_number (&name, y + 9);
    buffer_lit (&name, "\">");
    html_short (&name, curves[i]->name, 30);
    buffer_lit (&name, "</text>\n");
    add_rect (plot->out, colors[i].fill, x, y, 10, 10);
    buffer_add (plot->out, name.data, name.size);
  }
}

int
chart_series (struct buffer *out, const struct chart_curve *const *curves, size_t curve_count, size_t count,
              enum chart_percentile percentile)
{
  value_of *value = percentile == CHART_P50 ? p50_of : p95_of;
  int height = 300 + 18 * (int) ((curve_count + 1) / 2);
  double least = INFINITY, most = 0;
  for (size_t c = 0; c < curve_count; c++) {
    least = fmin (least, least_of (curves[c]->items, count, value));
    most = fmax (most, most_of (curves[c]->items, count, value));
  }
  begin_picture (out, WIDTH, height, percentile == CHART_P50 ? "p50 of each step over time" : "p95 of each step over time");
  struct plot plot = begin_plot (out, 32, 236, curves[0]->items, count);
  add_warmup (&plot, curves[0]->items, count);
  add_times_axis (&plot, least, most, 6);
  add_x_axis (&plot, true);
  add_title (&plot, percentile == CHART_P50 ? "p50 of each step" : "p95 of each step");
  for (size_t c = curve_count; c-- > 0;)
    add_curve (&plot, colors[c].line, curves[c]->items, count, value, false);
  add_names (&plot, curves, curve_count, 298);
  end_picture (out);
  return height;
}

/* ---- the distribution ---- */

#define BARS 64         /* at most */
#define RESOLUTION 0.03 /* of the values: a bucket is narrower than a sixteenth of its value */
#define FEW_STEPS 200   /* are counted; of more their shares are told */

struct histogram { double low, high, bars[BARS], total; int count; }; /* logarithms of microseconds */

/* Each bucket's count goes to the bars that it lies over, by the part of it there; of a
 * few steps to one of them. */
static void
spread (struct histogram *h, double from, double to, double count)
{
  double scale = h->count / (h->high - h->low), a = (from - h->low) * scale, b = (to - h->low) * scale;
  if (h->total < FEW_STEPS)
    a = b = (a + b) / 2;
  a = fmin (fmax (a, 0), h->count - 1e-6);
  b = fmin (fmax (b, a + 1e-6), h->count);
  for (int i = (int) a; i < h->count && i < b; i++)
    h->bars[i] += count * (fmin (b, i + 1) - fmax (a, i)) / (b - a);
}

static bool
fill_histogram (struct histogram *h, const struct event_series *series)
{
  double total = 0, before = (double) series->min_us;
  size_t last = series->bucket_count;
  if (!last)
    return false;
  for (size_t i = 0; i < last; i++)
    total += (double) series->buckets[i].count;
  if (!(total > 0))
    return false;
  double low = fmax (before > 0 ? before : (double) series->buckets[0].to_us, 1);
  double high = fmax ((double) series->buckets[last - 1].to_us, low);
  *h = (struct histogram) { .low = log10 (low) - RESOLUTION, .high = log10 (high) + RESOLUTION, .total = total };
  double more = fmax (0.3 - (h->high - h->low), 0) / 2; /* alike values are in the middle */
  h->low -= more;
  h->high += more;
  h->count = (int) fmin ((h->high - h->low) / RESOLUTION, BARS);
  for (size_t i = 0; i < last; i++) {
    double to = fmax ((double) series->buckets[i].to_us, 1);
    /* an empty bucket is left out: a bucket is narrower than a sixteenth of its value */
    double from = fmin (to, fmax (before, to * 15 / 16));
    double count = (double) series->buckets[i].count;
    spread (h, log10 (fmax (from, 1)), log10 (to), total < FEW_STEPS ? count : count / total * 100);
    before = to;
  }
  return true;
}

static double
log_x (const struct plot *plot, const struct histogram *h, double us)
{
  double part = (log10 (fmax (us, 1)) - h->low) / (h->high - h->low);
  return plot->left + fmin (fmax (part, 0), 1) * plot->width;
}

static void
add_log_axis (const struct plot *plot, const struct histogram *h)
{
  static const double factors[] = { 1, 2, 5 };
  CLEANUP_BUFFER struct buffer label = { 0 };
  double bottom = plot->top + plot->height;
  int most = h->high - h->low > 2.5 ? 1 : 3;
  for (int ten = (int) floor (h->low); ten <= (int) ceil (h->high); ten++)
    for (int i = 0; i < most; i++) {
      double us = pow (10, ten) * factors[i];
      if (log10 (us) < h->low || log10 (us) > h->high)
        continue;
      label.size = 0;
      chart_time (&label, us);
      add_line (plot->out, GRID, log_x (plot, h, us), plot->top, log_x (plot, h, us), bottom);
      add_label (plot->out, "middle", INK, log_x (plot, h, us), bottom + 16, buffer_text (&label));
    }
  add_line (plot->out, "class=\"axis\" stroke=\"#aab2bd\"", plot->left, bottom, plot->left + plot->width, bottom);
}

static void
format_percent (struct buffer *out, double value)
{
  buffer_printf (out, "%.3g %%", value);
}

static void
add_mark (const struct plot *plot, const struct histogram *h, const char *attributes, int64_t us, const char *name,
          int row)
{
  double x = log_x (plot, h, (double) us);
  bool left = x > plot->left + plot->width - 40;
  add_line (plot->out, attributes, x, plot->top, x, plot->top + plot->height);
  add_label (plot->out, left ? "end" : "start", INK, left ? x - 4 : x + 4, plot->top + 12 + 14 * row, name);
}

void
chart_distribution (struct buffer *out, const struct event_series *series)
{
  struct histogram h;
  begin_picture (out, WIDTH, 300, "distribution of response times");
  struct plot plot = { .out = out, .left = LEFT, .top = 32, .width = WIDTH - LEFT - RIGHT, .height = 236, .y_most = 1 };
  add_title (&plot, "How many steps took how long");
  if (fill_histogram (&h, series)) {
    double most = 0, width = plot.width / h.count;
    for (int i = 0; i < h.count; i++)
      most = fmax (most, h.bars[i]);
    add_log_axis (&plot, &h);
    add_y_axis (&plot, most, 5, h.total < FEW_STEPS ? format_number : format_percent);
    for (int i = 0; i < h.count; i++)
      if (h.bars[i] > 0) {
        double y = fmin (y_of (&plot, h.bars[i]), plot.top + plot.height - 1); /* what is there is seen */
        add_rect (out, FILL_BLUE, plot.left + i * width + 0.5, y, width - 1, plot.top + plot.height - y);
      }
    add_mark (&plot, &h, "class=\"blue\" stroke=\"#1f6feb\" stroke-dasharray=\"4 3\"", series->p50_us, "p50", 0);
    add_mark (&plot, &h, "class=\"amber\" stroke=\"#b86e00\" stroke-dasharray=\"4 3\"", series->p95_us, "p95", 1);
    add_mark (&plot, &h, "class=\"red\" stroke=\"#cf222e\" stroke-dasharray=\"4 3\"", series->p99_us, "p99", 2);
  }
  end_picture (out);
}

/* ---- outcomes ---- */

static const char *const outcome_fills[] = {
  "class=\"o1\" fill=\"#2e9e5b\"", "class=\"o2\" fill=\"#cf222e\"", "class=\"o3\" fill=\"#a626a4\"",
  "class=\"o4\" fill=\"#8c959f\"", "class=\"o5\" fill=\"#b7bec6\"",
};

void
chart_parts (struct buffer *out, const size_t *counts)
{
  static const int order[] = { OUTCOME_FAILED, OUTCOME_ERROR, OUTCOME_PASSED, OUTCOME_SKIPPED, OUTCOME_NOT_RUN };
  double total = 0, x = 0, rest = 960;
  for (int i = 0; i <= OUTCOME_NOT_RUN; i++)
    total += (double) counts[i];
  begin_picture (out, 960, 12, "the shares of the outcomes");
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (!counts[order[i]])
      continue;
    double width = fmin (fmax ((double) counts[order[i]] / total * 960, 6), rest); /* one of many is seen, too */
    add_rect (out, outcome_fills[order[i]], x, 0, width, 12);
    x += width;
    rest -= width;
  }
  end_picture (out);
}
