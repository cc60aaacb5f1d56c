/* html-index.c - the first page of the HTML report: how it went, what failed, the
 * suites, what is slow or flaky; see html-report.h. */
#include "config.h"

#include "html-report.h"

#include <stdlib.h>

#include "format.h"
#include "html-text.h"

#define MOST_SUITES 500 /* of one page */
#define MOST_FAILED 100
#define MOST_FLAKY 50
#define MOST_SLOW 10

static const struct html_row *
last_row (const struct html_suite *suite, const struct html_entry *entry)
{
  return entry->count ? &suite->rows[entry->first + entry->count - 1] : NULL;
}

static bool
went_wrong (int outcome)
{
  return outcome == OUTCOME_FAILED || outcome == OUTCOME_ERROR;
}

static size_t
wrong_in (const struct tally_suite *suite)
{
  return suite->counts.failed + suite->counts.error;
}

uint32_t
html_index_pages (const struct html_report *html)
{
  return html->tally.count > MOST_SUITES ? (uint32_t) ((html->tally.count + MOST_SUITES - 1) / MOST_SUITES) : 1;
}

static void
add_link (struct buffer *out, const struct html_suite *suite, uint32_t page, uint32_t test, const char *name)
{
  buffer_lit (out, "<a href=\"");
  html_page_name (out, suite->file, page);
  buffer_printf (out, "#t%u\">", test);
  html_short (out, name, 300);
  buffer_lit (out, "</a>");
}

/* ---- how it went ---- */

static void
add_verdict (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  const struct tally_counts *counts = &tally->counts;
  size_t wrong = counts->failed + counts->error;
  bool broken = !tally->ended || tally->interrupted || tally->status > 1;
  buffer_printf (out, "<h1>Test report</h1>\n<p class=\"verdict %s\">",
                 wrong || broken ? "bad" : counts->not_run || !counts->passed ? "mixed" : "good");
  if (tally->interrupted)
    buffer_lit (out, "Interrupted. ");
  else if (!tally->ended)
    buffer_lit (out, "Broken off. ");
  if (wrong)
    buffer_printf (out, "%zu of %zu failed", wrong, wrong + counts->passed + counts->skipped + counts->not_run);
  else if (counts->passed && !counts->not_run)
    buffer_printf (out, "%s passed", counts->skipped ? "All that ran" : "All");
  else
    buffer_printf (out, "%zu passed", counts->passed);
  buffer_lit (out, "</p>\n");
}

static void
add_tile (struct buffer *out, const char *class_name, size_t count, const char *what)
{
  buffer_printf (out, "<li class=\"%s%s\"><b>%zu</b> %s</li>\n", class_name, count ? "" : " none", count, what);
}

static void
add_tiles (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  const struct tally_counts *counts = &tally->counts;
  buffer_lit (out, "<ul class=\"tiles\">\n");
  add_tile (out, "failed", counts->failed, "failed");
  add_tile (out, "error", counts->error, counts->error == 1 ? "error" : "errors");
  add_tile (out, "flaky", counts->flaky, "flaky");
  add_tile (out, "passed", counts->passed, "passed");
  add_tile (out, "skipped", counts->skipped, "skipped");
  add_tile (out, "notrun", counts->not_run, "not run");
  buffer_lit (out, "<li><b>");
  format_duration (out, tally->last_us - tally->start_us);
  buffer_lit (out, "</b> in all</li>\n</ul>\n");
  buffer_lit (out, "<p><img class=\"share\" src=\"share.svg\" width=\"960\" height=\"12\" alt=\"");
  html_counts (out, counts);
  buffer_lit (out, "\"></p>\n");
}

/* ---- what failed ---- */

static void
add_failure (struct buffer *out, const struct tally_suite *tally, const struct html_suite *suite,
             const struct html_entry *entry)
{
  const struct html_row *row = last_row (suite, entry);
  buffer_lit (out, "<li>");
  html_badge (out, entry->test->outcome, false);
  buffer_putc (out, ' ');
  add_link (out, suite, entry->page, entry->test->number, entry->test->name);
  buffer_putc (out, ' ');
  buffer_lit (out, "<span class=\"suite\">in ");
  html_short (out, tally->name, 300);
  buffer_lit (out, "</span>");
  if (row) {
    buffer_putc (out, ' ');
    html_time (out, row->duration_us);
    html_element (out, "p", "message", row->message);
  }
  buffer_lit (out, "</li>\n");
}

static void
add_suite_failure (struct buffer *out, const struct tally_suite *tally, const struct html_suite *suite)
{
  buffer_lit (out, "<li><span class=\"badge failed\">failed</span> <a href=\"");
  html_page_name (out, suite->file, 0);
  buffer_lit (out, "#suite\">");
  html_short (out, tally->name, 300);
  buffer_lit (out, "</a> <span class=\"suite\">around its tests</span>");
  html_element (out, "p", "message", suite->failure_text);
  buffer_lit (out, "</li>\n");
}

static void
add_failures (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  size_t told = 0, wrong = tally->counts.failed + tally->counts.error;
  if (!wrong)
    return;
  buffer_lit (out, "<section>\n<h2>Failed</h2>\n<ol class=\"failures\">\n");
  for (size_t s = 0; s < tally->count && told < MOST_FAILED; s++) {
    const struct html_suite *suite = html_suite_of (tally->suites[s]);
    if (suite->failure_text) {
      add_suite_failure (out, tally->suites[s], suite);
      told++;
    }
    for (size_t i = 0; i < suite->entry_count && told < MOST_FAILED; i++, told++) {
      if (!went_wrong (suite->entries[i].test->outcome))
        break; /* they come first */
      add_failure (out, tally->suites[s], suite, &suite->entries[i]);
    }
  }
  buffer_lit (out, "</ol>\n");
  if (told < wrong)
    buffer_printf (out, "<p>and %zu more: see the suites</p>\n", wrong - told);
  buffer_lit (out, "</section>\n");
}

/* ---- what is no failure, but should be known ---- */

static void
add_warnings (struct html_report *html, struct buffer *out)
{
  if (!html->warning_count)
    return;
  buffer_lit (out, "<section>\n<h2>Warnings</h2>\n<ul class=\"warnings\">\n");
  buffer_add (out, html->warnings.data, html->warnings.size);
  buffer_lit (out, "</ul>\n");
  if (html->warning_count > HTML_MOST_WARNINGS)
    buffer_printf (out, "<p>and %zu more</p>\n", html->warning_count - HTML_MOST_WARNINGS);
  buffer_lit (out, "</section>\n");
}

/* ---- suites ---- */

static void
add_cell (struct buffer *out, size_t count, const char *class_name)
{
  if (count)
    buffer_printf (out, "<td class=\"n %s\">%zu</td>", class_name, count);
  else
    buffer_lit (out, "<td class=\"n none\">0</td>");
}

static void
add_suite (struct html_report *html, struct buffer *out, const struct tally_suite *tally, const struct html_suite *suite)
{
  const struct tally_counts *c = &tally->counts;
  int64_t start_us = tally->start_us ? tally->start_us : html->tally.start_us;
  buffer_lit (out, "<tr><th scope=\"row\"><a href=\"");
  html_page_name (out, suite->file, 0);
  buffer_lit (out, "\">");
  html_short (out, tally->name, 200);
  buffer_lit (out, "</a>");
  if (tally->name != tally->path) {
    buffer_putc (out, ' ');
    html_element (out, "code", "where", tally->path);
  }
  buffer_lit (out, "</th>");
  add_cell (out, c->failed + c->error, "bad");
  add_cell (out, c->passed, "good");
  add_cell (out, c->flaky, "warn");
  add_cell (out, c->skipped + c->not_run, "");
  buffer_lit (out, "<td class=\"n\">");
  format_duration (out, start_us - html->tally.start_us);
  buffer_lit (out, "</td><td class=\"n\">");
  format_duration (out, tally->duration_us ? tally->duration_us : tally->busy_us);
  buffer_lit (out, "</td></tr>\n");
}

/* Those with failures first; the others in their order.  `number`: the first of this page. */
static void
add_suites (struct html_report *html, struct buffer *out, size_t number)
{
  const struct tally *tally = &html->tally;
  size_t at = 0;
  buffer_lit (out, "<section>\n<h2>Suites</h2>\n<div class=\"wide\"><table>\n<caption>Suites, those with failures first"
                   "</caption>\n<thead><tr><th scope=\"col\">suite</th><th scope=\"col\" class=\"n\">failed</th>"
                   "<th scope=\"col\" class=\"n\">passed</th><th scope=\"col\" class=\"n\">flaky</th>"
                   "<th scope=\"col\" class=\"n\">skipped, not run</th><th scope=\"col\" class=\"n\">began at</th>"
                   "<th scope=\"col\" class=\"n\">took</th></tr></thead>\n<tbody>\n");
  for (int wrong = 1; wrong >= 0; wrong--)
    for (size_t s = 0; s < tally->count; s++) {
      if ((wrong_in (tally->suites[s]) > 0) != wrong)
        continue;
      if (at >= number && at < number + MOST_SUITES)
        add_suite (html, out, tally->suites[s], html_suite_of (tally->suites[s]));
      at++;
    }
  buffer_lit (out, "</tbody></table></div>\n</section>\n");
}

/* ---- loads, flaky ones, slow ones ---- */

static const struct html_entry *
find_entry (const struct html_suite *suite, uint32_t test)
{
  for (size_t i = 0; i < suite->entry_count; i++)
    if (suite->entries[i].test->number == test)
      return &suite->entries[i];
  return NULL;
}

static void
add_loads (struct html_report *html, struct buffer *out)
{
  if (!html->load_count)
    return;
  buffer_lit (out, "<section>\n<h2>Loads</h2>\n<div class=\"wide\"><table>\n<caption>Response times of all steps; where none is measured, of the iterations</caption>\n"
                   "<thead><tr><th scope=\"col\">test</th><th scope=\"col\">result</th>"
                   "<th scope=\"col\" class=\"n\">users</th><th scope=\"col\" class=\"n\">a second</th>"
                   "<th scope=\"col\" class=\"n\">p50</th><th scope=\"col\" class=\"n\">p95</th>"
                   "<th scope=\"col\" class=\"n\">p99</th><th scope=\"col\" class=\"n\">failed</th></tr></thead>\n<tbody>\n");
  for (size_t i = 0; i < html->load_count; i++) {
    const struct html_load *load = &html->loads[i];
    const struct html_suite *suite = html_suite_of (tally_suite (&html->tally, load->suite));
    const struct html_entry *entry = find_entry (suite, load->test);
    if (!entry)
      continue;
    buffer_lit (out, "<tr><th scope=\"row\">");
    add_link (out, suite, entry->page, load->test, entry->test->name);
    buffer_lit (out, "</th><td>");
    html_entry_badge (out, entry, last_row (suite, entry));
    buffer_lit (out, "</td>");
    buffer_puts (out, load->title);
    buffer_lit (out, "</tr>\n");
  }
  buffer_lit (out, "</tbody></table></div>\n</section>\n");
}

static void
add_flaky (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  size_t told = 0;
  if (!tally->counts.flaky)
    return;
  buffer_lit (out, "<section>\n<h2>Flaky</h2>\n<ul>\n");
  for (size_t s = 0; s < tally->count; s++) {
    const struct html_suite *suite = html_suite_of (tally->suites[s]);
    for (size_t i = 0; tally->suites[s]->counts.flaky && i < suite->entry_count && told < MOST_FLAKY; i++) {
      const struct tally_test *test = suite->entries[i].test;
      if (test->outcome != OUTCOME_PASSED || test->attempts < 2)
        continue;
      buffer_lit (out, "<li>");
      add_link (out, suite, suite->entries[i].page, test->number, test->name);
      buffer_printf (out, " <span class=\"suite\">passed at attempt %u</span></li>\n", test->attempts);
      told++;
    }
  }
  buffer_lit (out, "</ul>\n");
  if (told < tally->counts.flaky)
    buffer_printf (out, "<p>and %zu more</p>\n", tally->counts.flaky - told);
  buffer_lit (out, "</section>\n");
}

struct slow { const struct html_suite *suite; const struct html_entry *entry; int64_t duration_us; };

static void
keep_slow (struct slow *slow, size_t *count, struct slow one)
{
  size_t at = *count;
  while (at > 0 && slow[at - 1].duration_us < one.duration_us)
    at--;
  if (at == MOST_SLOW)
    return;
  *count += *count < MOST_SLOW;
  memmove (slow + at + 1, slow + at, (*count - at - 1) * sizeof *slow);
  slow[at] = one;
}

static void
add_slowest (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  struct slow slow[MOST_SLOW];
  size_t count = 0;
  for (size_t s = 0; s < tally->count; s++) {
    const struct html_suite *suite = html_suite_of (tally->suites[s]);
    for (size_t i = 0; i < suite->entry_count; i++) {
      const struct html_entry *entry = &suite->entries[i];
      if (entry->count)
        keep_slow (slow, &count, (struct slow) { suite, entry, suite->rows[entry->first + entry->count - 1].duration_us });
    }
  }
  if (!count)
    return;
  buffer_lit (out, "<section>\n<h2>Slowest</h2>\n<div class=\"wide\"><table>\n<caption>The tests that took longest</caption>\n"
                   "<thead><tr><th scope=\"col\">test</th><th scope=\"col\">result</th>"
                   "<th scope=\"col\" class=\"n\">took</th></tr></thead>\n<tbody>\n");
  for (size_t i = 0; i < count; i++) {
    const struct tally_test *test = slow[i].entry->test;
    buffer_lit (out, "<tr><th scope=\"row\">");
    add_link (out, slow[i].suite, slow[i].entry->page, test->number, test->name);
    buffer_lit (out, "</th><td>");
    html_entry_badge (out, slow[i].entry, last_row (slow[i].suite, slow[i].entry));
    buffer_lit (out, "</td><td class=\"n\">");
    format_duration (out, slow[i].duration_us);
    buffer_lit (out, "</td></tr>\n");
  }
  buffer_lit (out, "</tbody></table></div>\n</section>\n");
}

/* ---- when it was, and how ---- */

static void
add_fact (struct buffer *out, const char *name, const char *value)
{
  if (!value || !*value)
    return;
  buffer_printf (out, "<dt>%s</dt><dd>", name);
  html_short (out, value, 2000);
  buffer_lit (out, "</dd>\n");
}

static void
add_facts (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  CLEANUP_BUFFER struct buffer start = { 0 };
  html_date (&start, tally->start_us);
  buffer_lit (out, "<section>\n<h2>Run</h2>\n<dl class=\"run\">\n");
  add_fact (out, "command", tally->command);
  add_fact (out, "began", buffer_text (&start));
  add_fact (out, "machine", tally->host);
  add_fact (out, "runner", tally->runner);
  add_fact (out, "seed", tally->seed);
  buffer_lit (out, "</dl>\n</section>\n");
}

void
html_index_page (struct html_report *html, uint32_t page, struct buffer *out)
{
  uint32_t pages = html_index_pages (html);
  html_begin_page (html, out, page ? "Test report: suites" : "Test report", page > 0);
  if (page == 0) {
    add_verdict (html, out);
    add_tiles (html, out);
    add_failures (html, out);
    add_warnings (html, out);
    add_loads (html, out);
  }
  else
    buffer_lit (out, "<h1>Suites</h1>\n");
  add_suites (html, out, (size_t) page * MOST_SUITES);
  html_pager (out, "index", page, pages);
  if (page == 0) {
    add_flaky (html, out);
    add_slowest (html, out);
    html_timeline (html, out);
    add_facts (html, out);
  }
  html_end_page (html, out);
}

/* ---- its picture ---- */

void
html_share (struct html_report *html, struct buffer *out)
{
  const struct tally_counts *c = &html->tally.counts;
  const size_t counts[] = { c->passed, c->failed, c->error, c->skipped, c->not_run };
  chart_parts (out, counts);
}
