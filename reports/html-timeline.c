/* html-timeline.c - what ran in which worker, and when, as a picture within the overview:
 * unlike one in a file it can tell names.
 *
 * A worker's lane is divided into cells.  A test that is wider than some of them has a
 * bar of its own; of the others each cell shows the worst. */
#include "config.h"

#include "html-report.h"

#include <math.h>
#include <stdlib.h>

#include "format.h"
#include "html-text.h"

#define LANES 64
#define CELLS 840
#define OWN_BAR 3      /* cells */
#define LANE 26        /* its height, with the room below it */
#define BAR 18
#define LEFT 84
#define RIGHT 26
#define CHARACTER 7.0  /* its width, nearly */

struct cell {
  struct tally_suite *suite;
  const struct html_row *row; /* the worst that began in it or went on in it; NULL: none */
  uint32_t begun;             /* so many */
};

struct timeline {
  struct html_report *html;
  struct buffer *out;
  struct cell *lanes[LANES];  /* NULL: nothing ran there */
  int64_t start_us;
  double span_us;
};

/* ---- its parts ---- */

static void
add_rect (struct buffer *out, const char *class_name, double x, double y, double width)
{
  buffer_printf (out, "<rect class=\"%s\" x=\"", class_name);
  html_number (out, x);
  buffer_lit (out, "\" y=\"");
  html_number (out, y);
  buffer_lit (out, "\" width=\"");
  html_number (out, width);
  buffer_printf (out, "\" height=\"%d\"/>", BAR);
}

static void
add_text (struct buffer *out, const char *attributes, double x, double y, const char *text, size_t most)
{
  buffer_printf (out, "<text %s x=\"", attributes);
  html_number (out, x);
  buffer_lit (out, "\" y=\"");
  html_number (out, y);
  buffer_lit (out, "\">");
  html_short (out, text, most);
  buffer_lit (out, "</text>");
}

/* A test, with a name that browsers show when it is pointed at. */
static void
add_bar (struct timeline *t, struct tally_suite *suite, const struct html_row *row, double x, double y, double width)
{
  const char *name = tally_test (&t->html->tally, suite, row->test)->name;
  buffer_lit (t->out, "<g role=\"img\"><title>");
  html_short (t->out, name, 200);
  buffer_printf (t->out, ": %s, ", row->begun ? "broken off" : html_outcome_words[row->outcome]);
  format_duration (t->out, row->duration_us);
  buffer_lit (t->out, " (");
  html_short (t->out, suite->name, 100);
  buffer_lit (t->out, ")</title>");
  add_rect (t->out, html_outcome_classes[row->outcome], x, y, width);
  if (width > 6 * CHARACTER)
    add_text (t->out, "class=\"inside\"", x + 5, y + 13, name, (size_t) ((width - 10) / CHARACTER));
  buffer_lit (t->out, "</g>\n");
}

/* ---- cells ---- */

static double
cell_of (const struct timeline *t, int64_t us)
{
  return fmin (fmax ((double) (us - t->start_us) / t->span_us * CELLS, 0), CELLS);
}

/* In cells. */
static double
width_of (const struct timeline *t, const struct html_row *row)
{
  return cell_of (t, row->start_us + row->duration_us) - cell_of (t, row->start_us);
}

static void
put_row (struct timeline *t, struct tally_suite *suite, const struct html_row *row)
{
  static const uint8_t weights[] = { 2, 5, 4, 1, 0 }; /* what one cell shows of several */
  if (row->worker >= LANES || row->duration_us < 0)
    return;
  if (!t->lanes[row->worker])
    t->lanes[row->worker] = xcalloc (CELLS, sizeof **t->lanes);
  if (width_of (t, row) >= OWN_BAR)
    return;
  struct cell *lane = t->lanes[row->worker];
  int first = (int) fmin (cell_of (t, row->start_us), CELLS - 1);
  int last = (int) fmin (cell_of (t, row->start_us + row->duration_us), CELLS - 1);
  lane[first].begun++;
  for (int i = first; i <= last; i++)
    if (!lane[i].row || weights[row->outcome] > weights[lane[i].row->outcome]) {
      lane[i].row = row;
      lane[i].suite = suite;
    }
}

/* Cells of one outcome, side by side. */
static void
add_cells (struct timeline *t, const struct cell *lane, double y)
{
  for (int i = 0; i < CELLS;) {
    int end = i;
    uint32_t begun = 0;
    while (end < CELLS && lane[end].row && lane[end].row->outcome == lane[i].row->outcome)
      begun += lane[end++].begun;
    if (end == i)
      end++;
    else if (begun == 1)
      add_bar (t, lane[i].suite, lane[i].row, LEFT + i, y, end - i);
    else {
      buffer_lit (t->out, "<g role=\"img\"><title>");
      if (begun)
        buffer_printf (t->out, "%u tests: ", begun);
      buffer_printf (t->out, "%s</title>", html_outcome_words[lane[i].row->outcome]);
      add_rect (t->out, html_outcome_classes[lane[i].row->outcome], LEFT + i, y, end - i);
      buffer_lit (t->out, "</g>\n");
    }
    i = end;
  }
}

static void
add_bars (struct timeline *t, uint32_t worker, double y)
{
  for (size_t s = 0; s < t->html->tally.count; s++) {
    struct tally_suite *tally = t->html->tally.suites[s];
    const struct html_suite *suite = html_suite_of (tally);
    for (size_t i = 0; i < suite->count; i++) {
      const struct html_row *row = &suite->rows[i];
      if (row->worker == worker && row->duration_us >= 0 && width_of (t, row) >= OWN_BAR)
        add_bar (t, tally, row, LEFT + cell_of (t, row->start_us), y, width_of (t, row) - 0.5);
    }
  }
}

/* ---- the whole ---- */

static void
add_axis (struct timeline *t, double y)
{
  CLEANUP_BUFFER struct buffer label = { 0 };
  double step = chart_step (t->span_us, 8);
  for (int i = 0; i <= 10 && step * i <= t->span_us * 1.000001; i++) {
    label.size = 0;
    chart_time (&label, step * i);
    if (i == 0)
      buffer_lit (&label, " s");
    add_text (t->out, "text-anchor=\"middle\"", LEFT + step * i / t->span_us * CELLS, y, buffer_text (&label), 20);
  }
  buffer_putc (t->out, '\n');
}

static void
add_legend (struct timeline *t)
{
  static const char *const told[] = { "passed", "failed", "error", "skipped", "not run, or broken off" };
  buffer_lit (t->out, "<ul class=\"legend\">\n");
  for (size_t i = 0; i < sizeof told / sizeof *told; i++)
    buffer_printf (t->out, "<li class=\"%s\">%s</li>\n", html_outcome_classes[i], told[i]);
  buffer_lit (t->out, "</ul>\n");
}

static void
add_picture (struct timeline *t)
{
  int used = 0, row = 0;
  for (int i = 0; i < LANES; i++)
    used += t->lanes[i] != NULL;
  int width = LEFT + CELLS + RIGHT, height = 12 + used * LANE + 22;
  buffer_printf (t->out, "<div class=\"wide\"><svg class=\"lanes\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                         "role=\"group\" aria-label=\"What ran in which worker, and when\">\n", width, height, width, height);
  for (uint32_t i = 0; i < LANES; i++) {
    if (!t->lanes[i])
      continue;
    char name[32];
    double y = 12 + LANE * row++;
    snprintf (name, sizeof name, "worker %u", i + 1);
    add_rect (t->out, "lane", LEFT, y, CELLS);
    add_text (t->out, "text-anchor=\"end\"", LEFT - 10, y + 13, name, 20);
    buffer_putc (t->out, '\n');
    add_cells (t, t->lanes[i], y);
    add_bars (t, i, y);
  }
  add_axis (t, height - 10);
  buffer_lit (t->out, "</svg></div>\n");
}

void
html_timeline (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  struct timeline t = { .html = html, .out = out, .start_us = tally->start_us,
                        .span_us = fmax ((double) (tally->last_us - tally->start_us), 1) };
  size_t rows = 0;
  for (size_t s = 0; s < tally->count; s++) {
    const struct html_suite *suite = html_suite_of (tally->suites[s]);
    for (size_t i = 0; i < suite->count; i++, rows++)
      put_row (&t, tally->suites[s], &suite->rows[i]);
  }
  if (rows) {
    buffer_lit (out, "<section>\n<h2>Time line</h2>\n");
    add_legend (&t);
    add_picture (&t);
    buffer_lit (out, "</section>\n");
  }
  for (int i = 0; i < LANES; i++)
    free (t.lanes[i]);
}
