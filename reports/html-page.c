/* html-page.c - the pages of suites, and what all pages have; see html-report.h. */
#include "config.h"

#include "html-report.h"

#include <stdlib.h>
#include <time.h>

#include "format.h"
#include "html-text.h"

#define MOST_TESTS 500                 /* of one page */
#define MOST_BYTES ((size_t) 512 << 10)
#define MOST_TAGS 20                   /* of one test */
#define LISTED_PAGES 9                 /* around this one */

/* ---- what all pages have ---- */

void
html_begin_page (struct html_report *html, struct buffer *out, const char *title, bool up)
{
  (void) html;
  buffer_lit (out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
  html_short (out, title, 60);
  buffer_lit (out, "</title>\n<link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n");
  if (up)
    buffer_lit (out, "<nav aria-label=\"Report\"><a href=\"index.html\">Test report</a></nav>\n");
  buffer_lit (out, "<main>\n");
}

void
html_end_page (struct html_report *html, struct buffer *out)
{
  const struct tally *tally = &html->tally;
  buffer_lit (out, "</main>\n<footer><p>runner");
  if (tally->runner) {
    buffer_putc (out, ' ');
    html_short (out, tally->runner, 40);
  }
  if (tally->host && *tally->host) {
    buffer_lit (out, " on ");
    html_short (out, tally->host, 100);
  }
  if (tally->start_us > 0) {
    buffer_lit (out, ", ");
    html_date (out, tally->start_us);
  }
  buffer_lit (out, "</p></footer>\n</body>\n</html>\n");
}

void
html_date (struct buffer *out, int64_t us)
{
  time_t seconds = (time_t) (us / 1000000);
  struct tm t;
  char text[40];
  if (us <= 0 || !gmtime_r (&seconds, &t) || t.tm_year > 9999 - 1900
      || !strftime (text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &t))
    return;
  buffer_puts (out, text);
}

static void
add_count (struct buffer *out, size_t count, const char *what, const char **separator)
{
  if (!count)
    return;
  buffer_printf (out, "%s%zu %s", *separator, count, what);
  *separator = ", ";
}

void
html_counts (struct buffer *out, const struct tally_counts *counts)
{
  const char *separator = "";
  add_count (out, counts->failed, "failed", &separator);
  add_count (out, counts->error, counts->error == 1 ? "error" : "errors", &separator);
  add_count (out, counts->not_run, "not run", &separator);
  add_count (out, counts->flaky, "flaky", &separator);
  add_count (out, counts->passed, "passed", &separator);
  add_count (out, counts->skipped, "skipped", &separator);
  if (!*separator)
    buffer_lit (out, "no tests");
}

void
html_page_name (struct buffer *out, const char *file, uint32_t page)
{
  buffer_puts (out, file);
  if (page)
    buffer_printf (out, "-page%u", page + 1);
  buffer_lit (out, ".html");
}

static void
add_page_link (struct buffer *out, const char *file, uint32_t page, uint32_t current)
{
  if (page == current) {
    buffer_printf (out, "<li><b aria-current=\"page\">%u</b></li>", page + 1);
    return;
  }
  buffer_lit (out, "<li><a href=\"");
  html_page_name (out, file, page);
  buffer_printf (out, "\">%u</a></li>", page + 1);
}

void
html_pager (struct buffer *out, const char *file, uint32_t page, uint32_t count)
{
  if (count < 2)
    return;
  uint32_t first = page > LISTED_PAGES ? page - LISTED_PAGES : 0;
  uint32_t last = count - 1 - page > LISTED_PAGES ? page + LISTED_PAGES : count - 1;
  buffer_printf (out, "<nav class=\"pages\" aria-label=\"Pages\"><p>Page %u of %u</p><ol>", page + 1, count);
  if (first > 0)
    add_page_link (out, file, 0, page);
  for (uint32_t i = first; i <= last; i++)
    add_page_link (out, file, i, page);
  if (last < count - 1)
    add_page_link (out, file, count - 1, page);
  buffer_lit (out, "</ol></nav>\n");
}

/* ---- which test on which page ---- */

static int
by_test (const void *a, const void *b)
{
  const struct html_row *first = a, *second = b;
  if (first->test != second->test)
    return first->test < second->test ? -1 : 1;
  return (first->part.at > second->part.at) - (first->part.at < second->part.at);
}

static bool
is_failed (const struct html_entry *entry)
{
  return entry->test->outcome == OUTCOME_FAILED || entry->test->outcome == OUTCOME_ERROR;
}

/* Those that failed come first, all in their order. */
static void
sort_entries (struct html_suite *suite, const struct tally_suite *tally)
{
  struct html_entry *all = xcalloc (tally->count + 1, sizeof *all);
  size_t n = 0, row = 0;
  for (size_t i = 0; i < tally->count; i++) {
    all[i] = (struct html_entry) { .test = &tally->tests[i], .first = row };
    while (row < suite->count && suite->rows[row].test == tally->tests[i].number) {
      row++;
      all[i].count++;
    }
  }
  suite->entries = xcalloc (tally->count + 1, sizeof *suite->entries);
  for (int failed = 1; failed >= 0; failed--)
    for (size_t i = 0; i < tally->count; i++)
      if (is_failed (&all[i]) == failed)
        suite->entries[n++] = all[i];
  suite->entry_count = n;
  free (all);
}

void
html_plan_suite (struct html_suite *suite, const struct tally_suite *tally)
{
  size_t tests = 0, bytes = 0;
  if (suite->count)
    qsort (suite->rows, suite->count, sizeof *suite->rows, by_test);
  sort_entries (suite, tally);
  suite->pages = 1;
  for (size_t i = 0; i < suite->entry_count; i++) {
    struct html_entry *entry = &suite->entries[i];
    size_t size = 300; /* what is around its parts */
    for (size_t r = 0; r < entry->count; r++)
      size += suite->rows[entry->first + r].part.size;
    if (tests && (tests == MOST_TESTS || bytes + size > MOST_BYTES)) {
      suite->pages++;
      tests = bytes = 0;
    }
    entry->page = suite->pages - 1;
    for (size_t r = 0; r < entry->count; r++)
      suite->rows[entry->first + r].page = entry->page;
    tests++;
    bytes += size;
  }
}

/* ---- a test on its page ---- */

/* Joined by commas. */
static void
add_tags (struct buffer *out, const char *tags)
{
  CLEANUP_BUFFER struct buffer tag = { 0 };
  for (size_t n = 0; tags && *tags && n < MOST_TAGS; n++) {
    size_t size = strcspn (tags, ",");
    tag.size = 0;
    buffer_add (&tag, tags, size);
    buffer_putc (out, ' ');
    html_element (out, "span", "tag", buffer_text (&tag));
    tags += size + (tags[size] == ',');
  }
}

static void
add_about (struct buffer *out, const char *about)
{
  if (!about)
    return;
  buffer_lit (out, "<p class=\"about\">");
  html_short (out, about, 4000);
  buffer_lit (out, "</p>\n");
}

void
html_entry_badge (struct buffer *out, const struct html_entry *entry, const struct html_row *row)
{
  if (row && row->begun)
    buffer_lit (out, "<span class=\"badge notrun\">broken off</span>");
  else
    html_badge (out, entry->test->outcome, entry->test->outcome == OUTCOME_PASSED && entry->test->attempts > 1);
}

static void
add_title (struct buffer *out, const struct html_entry *entry, const struct html_row *row, const char *name)
{
  html_entry_badge (out, entry, row);
  buffer_putc (out, ' ');
  html_element (out, "span", "name", name);
  add_tags (out, entry->test->tags);
  if (row) {
    buffer_putc (out, ' ');
    html_time (out, row->duration_us);
  }
}

static int
add_attempts (struct html_report *html, const struct html_suite *suite, const struct html_entry *entry,
              struct buffer *out)
{
  for (size_t r = 0; r < entry->count; r++) {
    const struct html_row *row = &suite->rows[entry->first + r];
    if (!row->final) {
      buffer_printf (out, "<details class=\"attempt\"><summary>Attempt %u ", row->attempt);
      html_badge (out, row->outcome, false);
      buffer_putc (out, ' ');
      html_time (out, row->duration_us);
      buffer_lit (out, "</summary>\n");
    }
    int error = html_parts_get (&html->parts, row->part, out);
    if (error)
      return error;
    if (!row->final)
      buffer_lit (out, "</details>\n");
  }
  return 0;
}

static int
add_failed (struct html_report *html, const struct html_suite *suite, const struct html_entry *entry,
            const struct html_row *row, struct buffer *out)
{
  buffer_printf (out, "<section class=\"test %s\" id=\"t%u\">\n<h3>",
                 entry->test->outcome == OUTCOME_ERROR ? "error" : "failed", entry->test->number);
  add_title (out, entry, row, entry->test->name);
  buffer_lit (out, "</h3>\n");
  add_about (out, entry->test->about);
  int error = add_attempts (html, suite, entry, out);
  buffer_lit (out, "</section>\n");
  return error;
}

static int
add_line_part (struct html_report *html, const struct html_row *row, struct buffer *out)
{
  buffer_lit (out, "<p>");
  int error = html_parts_get (&html->parts, row->part, out);
  buffer_lit (out, "</p>\n");
  return error;
}

/* Why it was skipped, or not run. */
static void
add_reason (struct html_report *html, const struct html_row *row, struct buffer *out)
{
  const char *reason = row ? row->message : tally_why_not_run (&html->tally, NULL);
  if (!reason)
    return;
  buffer_putc (out, ' ');
  html_element (out, "span", "reason", reason);
}

/* What it needs no one to look at is closed, and a line when there is nothing to see. */
static int
add_other (struct html_report *html, const struct html_suite *suite, const struct html_entry *entry,
           const struct html_row *row, struct buffer *out)
{
  size_t size = 0;
  bool flaky = entry->test->attempts > 1, open = row && row->load, line = row && row->line && !flaky;
  for (size_t r = 0; suite->rows && r < entry->count; r++)
    size += suite->rows[entry->first + r].part.size;
  if (!flaky && !entry->test->about && (!size || line)) {
    buffer_printf (out, "<p class=\"test\" id=\"t%u\">", entry->test->number);
    add_title (out, entry, row, entry->test->name);
    add_reason (html, row, out);
    int error = row ? html_parts_get (&html->parts, row->part, out) : 0;
    buffer_lit (out, "</p>\n");
    return error;
  }
  buffer_printf (out, "<details class=\"test\" id=\"t%u\"%s><summary>", entry->test->number, open ? " open" : "");
  add_title (out, entry, row, entry->test->name);
  add_reason (html, row, out);
  buffer_lit (out, "</summary>\n");
  add_about (out, entry->test->about);
  int error = line ? add_line_part (html, row, out) : add_attempts (html, suite, entry, out);
  buffer_lit (out, "</details>\n");
  return error;
}

static int
add_entry (struct html_report *html, const struct html_suite *suite, const struct html_entry *entry, struct buffer *out)
{
  const struct html_row *row = entry->count ? &suite->rows[entry->first + entry->count - 1] : NULL;
  if (is_failed (entry))
    return add_failed (html, suite, entry, row, out);
  return add_other (html, suite, entry, row && row->final ? row : NULL, out);
}

/* ---- a suite's page ---- */

static void
add_heading (struct buffer *out, const struct tally_suite *suite)
{
  int64_t us = suite->duration_us ? suite->duration_us : suite->busy_us;
  buffer_lit (out, "<h1>");
  html_short (out, suite->name, 300);
  buffer_lit (out, "</h1>\n<p class=\"facts\"><code>");
  html_short (out, suite->path, 500);
  buffer_lit (out, "</code> <span>");
  html_counts (out, &suite->counts);
  buffer_lit (out, "</span> ");
  html_time (out, us);
  if (suite->start_us > 0) {
    buffer_lit (out, " <span>");
    html_date (out, suite->start_us);
    buffer_lit (out, "</span>");
  }
  buffer_lit (out, "</p>\n");
  add_about (out, suite->about);
}

static int
add_around (struct html_report *html, const struct html_suite *suite, struct buffer *out)
{
  if (!suite->has_around)
    return 0;
  buffer_puts (out, suite->failure_text ? "<section class=\"test failed\" id=\"suite\">\n<h2><span class=\"badge failed\">"
                                          "failed</span> Around the tests</h2>\n"
                                        : "<section class=\"test\" id=\"suite\">\n<h2>Around the tests</h2>\n");
  int error = html_parts_get (&html->parts, suite->around, out);
  buffer_lit (out, "</section>\n");
  return error;
}

int
html_suite_page (struct html_report *html, struct tally_suite *tally, uint32_t page, struct buffer *out)
{
  const struct html_suite *suite = html_suite_of (tally);
  int error = 0, part = -1;
  html_begin_page (html, out, tally->name, true);
  add_heading (out, tally);
  html_pager (out, suite->file, page, suite->pages);
  if (page == 0)
    error = add_around (html, suite, out);
  for (size_t i = 0; i < suite->entry_count && !error; i++) {
    const struct html_entry *entry = &suite->entries[i];
    if (entry->page != page)
      continue;
    int kind = is_failed (entry);
    if (kind != part) {
      buffer_puts (out, kind ? "<h2>Failed</h2>\n" : "<h2>Tests</h2>\n");
      part = kind;
    }
    error = add_entry (html, suite, entry, out);
  }
  html_pager (out, suite->file, page, suite->pages);
  html_end_page (html, out);
  return error;
}
