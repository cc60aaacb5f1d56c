/* junit.c - junit.xml, for Jenkins first (what its reader does with each element is
 * told where it matters), and valid for the readers of GitLab, GitHub and Surefire.
 *
 * The counters in a suite's start tag are known at its end only, so each suite's
 * test cases are kept as finished XML: 200 bytes for one that passed. */
#include "config.h"

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output-file.h"
#include "format.h"
#include "tally.h"
#include "xml.h"

/* Jenkins keeps 1,000 characters of the output of a test that passed, 100,000 of
 * others, half of them from each end. */
#define PASSED_OUTPUT ((size_t) 4 << 10)
#define FAILED_OUTPUT ((size_t) 128 << 10)
#define LONGEST_MESSAGE ((size_t) 4 << 10)

static const struct format_limits limits = { .traffic_bytes = 16 << 10, .traffic_most = 64 << 10,
                                             .log_lines = 200, .log_bytes = 16 << 10 };

/* An attempt after which another one was begun. */
struct attempt {
  struct attempt *next;
  uint32_t test;
  struct buffer inner; /* its element from the attributes on, without name and end tag */
};

struct suite_cases {
  struct buffer xml;
  struct tally_counts thresholds; /* each is a case of its own */
  struct attempt *attempts, **last;
  struct buffer output; /* of the suite itself */
};

struct junit {
  struct reporter reporter;
  char *path;
  struct tally tally;
  struct tally_counts thresholds;
  struct buffer scratch;
};

/* ---- small parts ---- */

static void
add_digits (struct buffer *out, int number, int largest_digit)
{
  for (; largest_digit; largest_digit /= 10)
    buffer_putc (out, (char) ('0' + number / largest_digit % 10));
}

/* ` timestamp="2026-11-21T11:15:10.123Z"`.  Without one of its own a case gets its
 * start from the durations of those before it, which is wrong when suites overlap. */
static void
add_timestamp (struct buffer *out, int64_t us)
{
  time_t seconds = (time_t) (us / 1000000);
  struct tm t;
  if (us < 0 || !gmtime_r (&seconds, &t) || t.tm_year > 9999 - 1900)
    return;
  buffer_lit (out, " timestamp=\"");
  add_digits (out, t.tm_year + 1900, 1000);
  buffer_putc (out, '-');
  add_digits (out, t.tm_mon + 1, 10);
  buffer_putc (out, '-');
  add_digits (out, t.tm_mday, 10);
  buffer_putc (out, 'T');
  add_digits (out, t.tm_hour, 10);
  buffer_putc (out, ':');
  add_digits (out, t.tm_min, 10);
  buffer_putc (out, ':');
  add_digits (out, t.tm_sec, 10);
  buffer_putc (out, '.');
  add_digits (out, (int) (us / 1000 % 1000), 100);
  buffer_lit (out, "Z\"");
}

static void
add_time (struct buffer *out, int64_t us)
{
  buffer_lit (out, " time=\"");
  format_seconds (out, us);
  buffer_putc (out, '"');
}

static void
add_count (struct buffer *out, const char *name, size_t count)
{
  buffer_putc (out, ' ');
  buffer_puts (out, name);
  buffer_lit (out, "=\"");
  buffer_int (out, (int64_t) count);
  buffer_putc (out, '"');
}

static void
add_counts (struct buffer *out, const struct tally_counts *counts, const struct tally_counts *thresholds)
{
  add_count (out, "tests", counts->passed + counts->failed + counts->error + counts->skipped + counts->not_run
                             + thresholds->passed + thresholds->failed + thresholds->error + thresholds->not_run);
  add_count (out, "failures", counts->failed + thresholds->failed);
  add_count (out, "errors", counts->error + thresholds->error);
  add_count (out, "skipped", counts->skipped + counts->not_run + thresholds->not_run);
}

/* A message on one line; the body of a failure has the whole. */
static void
add_message (struct junit *junit, struct buffer *out, const char *before, const char *message)
{
  junit->scratch.size = 0;
  buffer_puts (&junit->scratch, before);
  if (message)
    format_ends (&junit->scratch, message, strlen (message), LONGEST_MESSAGE);
  for (size_t i = 0; i < junit->scratch.size; i++)
    if (junit->scratch.data[i] == '\n' || junit->scratch.data[i] == '\r')
      junit->scratch.data[i] = ' ';
  xml_attribute (out, "message", buffer_text (&junit->scratch));
}

static struct suite_cases *
cases_of (struct tally_suite *suite)
{
  if (!suite->user) {
    struct suite_cases *cases = xcalloc (1, sizeof *cases);
    cases->last = &cases->attempts;
    suite->user = cases;
  }
  return suite->user;
}

/* ---- a test case ---- */

static const char *
type_of_failure (const struct event *event)
{
  return event->signal ? event->signal : event->verb ? event->verb : outcome_names[event->outcome];
}

static void
add_body (struct junit *junit, struct buffer *out, const struct event *event)
{
  junit->scratch.size = 0;
  format_failure (&junit->scratch, event, &limits);
  xml_text (out, junit->scratch.data, junit->scratch.size);
}

static void
add_failure (struct junit *junit, struct buffer *out, const struct event *event)
{
  const char *element = event->outcome == OUTCOME_ERROR ? "error" : "failure";
  buffer_putc (out, '<');
  buffer_puts (out, element);
  add_message (junit, out, "", event->message);
  xml_attribute (out, "type", type_of_failure (event));
  buffer_putc (out, '>');
  add_body (junit, out, event);
  buffer_lit (out, "</");
  buffer_puts (out, element);
  buffer_lit (out, ">\n");
}

static void
add_skipped (struct junit *junit, struct buffer *out, const char *before, const char *message)
{
  buffer_lit (out, "<skipped");
  add_message (junit, out, before, message);
  buffer_lit (out, "/>\n");
}

/* Warnings, what the test printed, and its files.  The Attachments plugin finds a
 * file by a line of its own; Jenkins keeps both ends of a long output, so they are
 * at its end. */
static void
add_output (struct junit *junit, struct buffer *out, const struct event *event)
{
  bool passed = event->outcome == OUTCOME_PASSED;
  bool loads = event->load_count && !tally_is_failure (event); /* else they are told with the failure */
  if (!event->output_size && !event->warning_count && !event->attachment_count && !loads)
    return;
  struct buffer *text = &junit->scratch;
  text->size = 0;
  for (size_t i = 0; i < event->warning_count; i++) {
    buffer_lit (text, "warning: ");
    buffer_puts (text, event->warnings[i]);
    buffer_putc (text, '\n');
  }
  if (loads)
    format_loads (text, event);
  if (event->output_size)
    format_ends (text, event->output, event->output_size, passed ? PASSED_OUTPUT : FAILED_OUTPUT);
  buffer_lit (out, "<system-out>");
  if (event->attachment_count && text->size && text->data[text->size - 1] != '\n')
    buffer_putc (text, '\n');
  xml_text (out, text->data, text->size);
  for (size_t i = 0; i < event->attachment_count; i++) {
    buffer_lit (out, XML_ATTACHMENT);
    xml_text (out, event->attachments[i], strlen (event->attachments[i]));
    buffer_lit (out, "]]\n");
  }
  buffer_lit (out, "</system-out>\n");
}

/* Returns where its content begins, for end_case. */
static size_t
begin_case (struct buffer *out, const struct tally_suite *suite, const char *name, int64_t duration_us,
            int64_t start_us)
{
  buffer_lit (out, "<testcase");
  xml_attribute (out, "name", name);
  xml_attribute (out, "classname", suite->class_name);
  add_time (out, duration_us);
  if (start_us)
    add_timestamp (out, start_us);
  buffer_putc (out, '>');
  return out->size;
}

static void
end_case (struct buffer *out, size_t content)
{
  if (out->size > content)
    buffer_lit (out, "</testcase>\n");
  else {
    out->size = content - 1;
    buffer_lit (out, "/>\n");
  }
}

/* Earlier attempts.  Jenkins reads `message`, `type` and <stackTrace>; the element
 * says whether a later attempt passed. */
static void
add_attempts (struct buffer *out, struct suite_cases *cases, uint32_t test, int outcome)
{
  const char *element = outcome == OUTCOME_PASSED ? "flakyFailure" : "rerunFailure";
  for (struct attempt **link = &cases->attempts; *link;) {
    struct attempt *attempt = *link;
    if (attempt->test != test) {
      link = &attempt->next;
      continue;
    }
    buffer_putc (out, '<');
    buffer_puts (out, element);
    buffer_add (out, attempt->inner.data, attempt->inner.size);
    buffer_lit (out, "</");
    buffer_puts (out, element);
    buffer_lit (out, ">\n");
    *link = attempt->next;
    if (!*link)
      cases->last = link;
    buffer_free (&attempt->inner);
    free (attempt);
  }
}

static void
keep_attempt (struct junit *junit, struct suite_cases *cases, const struct event *event)
{
  struct attempt *attempt = xcalloc (1, sizeof *attempt);
  struct buffer *out = &attempt->inner;
  attempt->test = event->test;
  add_message (junit, out, "", event->message);
  xml_attribute (out, "type", type_of_failure (event));
  buffer_lit (out, "><stackTrace>");
  add_body (junit, out, event);
  buffer_lit (out, "</stackTrace>\n");
  add_output (junit, out, event);
  *cases->last = attempt;
  cases->last = &attempt->next;
}

/* ---- loads ---- */

static void
add_property (struct buffer *out, const char *name, const char *value)
{
  if (!value)
    return;
  buffer_lit (out, "<property");
  xml_attribute (out, "name", name);
  xml_attribute (out, "value", value);
  buffer_lit (out, "/>\n");
}

static void
add_number_property (struct junit *junit, struct buffer *out, const char *before, const char *name, uint64_t number)
{
  char digits[24];
  struct buffer *full = &junit->scratch;
  full->size = 0;
  buffer_puts (full, before);
  buffer_puts (full, name);
  snprintf (digits, sizeof digits, "%llu", (unsigned long long) number);
  add_property (out, buffer_text (full), digits);
}

/* "load.authenticate.p95_us": plain numbers, for programs that draw them over builds. */
static void
add_series (struct junit *junit, struct buffer *out, const char *load, const struct event_series *series)
{
  const struct { const char *name; int64_t value; } numbers[] = {
    { ".count", (int64_t) series->count }, { ".failed", (int64_t) series->failed }, { ".p50_us", series->p50_us },
    { ".p95_us", series->p95_us },         { ".p99_us", series->p99_us },           { ".max_us", series->max_us },
  };
  CLEANUP_BUFFER struct buffer before = { 0 };
  buffer_printf (&before, "%s.%s", load, series->name ? series->name : "?");
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (numbers[i].value >= 0)
      add_number_property (junit, out, buffer_text (&before), numbers[i].name, (uint64_t) numbers[i].value);
}

#define MOST_SERIES 200 /* of one load: a property has a hundred bytes */

static void
add_load_properties (struct junit *junit, struct buffer *out, const struct event *event)
{
  if (!event->load_count)
    return;
  buffer_lit (out, "<properties>\n");
  for (size_t i = 0; i < event->load_count; i++) {
    const struct event_load *load = &event->loads[i];
    CLEANUP_BUFFER struct buffer name = { 0 }, rate = { 0 };
    buffer_lit (&name, "load");
    if (load->name)
      buffer_printf (&name, ".%s", load->name);
    else if (event->load_count > 1)
      buffer_printf (&name, ".%zu", i + 1);
    const char *before = buffer_text (&name);
    add_number_property (junit, out, before, ".users", load->users);
    format_rate (&rate, load->rate);
    junit->scratch.size = 0;
    buffer_printf (&junit->scratch, "%s.rate", before);
    add_property (out, buffer_text (&junit->scratch), buffer_text (&rate));
    for (size_t s = 0; s < load->series_count && s < MOST_SERIES; s++)
      add_series (junit, out, before, &load->series[s]);
  }
  buffer_lit (out, "</properties>\n");
}

/* "p95: 3.2 ms, required: less than 50 ms" */
static void
say_held (struct buffer *out, const struct event_threshold *threshold)
{
  if (threshold->message) {
    buffer_printf (out, "as `fails` wants it: %s", threshold->message);
    return;
  }
  buffer_printf (out, "%s: ", threshold->name);
  format_measure (out, threshold->actual);
  if (threshold->limit) {
    buffer_lit (out, ", required: ");
    format_limit (out, threshold->limit);
  }
}

static void
add_threshold (struct junit *junit, struct tally_suite *suite, const struct event *event, const char *name,
               const struct event_threshold *threshold)
{
  struct suite_cases *cases = cases_of (suite);
  struct buffer *out = &cases->xml;
  bool error = threshold->outcome == OUTCOME_ERROR, failed = threshold->outcome == OUTCOME_FAILED;
  bool judged = threshold->outcome != OUTCOME_NOT_RUN;
  size_t content = begin_case (out, suite, name, 0, event->start_us ? event->start_us : event->time_us);
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (error || failed) {
    format_threshold (&text, threshold);
    buffer_puts (out, error ? "<error" : "<failure");
    add_message (junit, out, "", threshold->message ? threshold->message : buffer_text (&text));
    xml_attribute (out, "type", "load");
    buffer_putc (out, '>');
    xml_text (out, text.data, text.size);
    buffer_puts (out, error ? "</error>\n" : "</failure>\n");
  }
  else if (!judged)
    add_skipped (junit, out, "", threshold->message);
  else if (threshold->actual || threshold->message) {
    say_held (&text, threshold);
    buffer_lit (out, "<system-out>");
    xml_text (out, text.data, text.size);
    buffer_lit (out, "</system-out>\n");
  }
  end_case (out, content);
  struct tally_counts *const all[] = { &cases->thresholds, &junit->thresholds };
  for (size_t i = 0; i < 2; i++)
    (*(error ? &all[i]->error : failed ? &all[i]->failed : judged ? &all[i]->passed : &all[i]->not_run))++;
}

/* A case for each row of `require`, after the case of its test: "many users log in: authenticate.p95". */
static void
add_thresholds (struct junit *junit, struct tally_suite *suite, const struct event *event, const char *test)
{
  for (size_t i = 0; i < event->load_count; i++)
    for (size_t t = 0; t < event->loads[i].threshold_count; t++) {
      const struct event_load *load = &event->loads[i];
      CLEANUP_BUFFER struct buffer name = { 0 };
      buffer_printf (&name, "%s: %s%s%s", test, load->name ? load->name : "", load->name ? ": " : "",
                     load->thresholds[t].name);
      const char *unique = tally_case_name (&junit->tally, suite, buffer_text (&name));
      add_threshold (junit, suite, event, unique, &load->thresholds[t]);
    }
}

/* ---- a test ---- */

/* The order of the elements is that of Surefire's schema. */
static void
add_test (struct junit *junit, const struct event *event)
{
  struct tally_suite *suite = tally_suite (&junit->tally, event->suite);
  struct suite_cases *cases = cases_of (suite);
  if (event->type == EVENT_TEST && !event->final) {
    keep_attempt (junit, cases, event);
    return;
  }
  struct buffer *out = &cases->xml;
  bool is_test = event->type == EVENT_TEST;
  const char *name = is_test ? tally_test (&junit->tally, suite, event->test)->name : "(suite)";
  int64_t start_us = event->start_us ? event->start_us : event->time_us;
  size_t content = begin_case (out, suite, name, event->duration_us, start_us);
  add_load_properties (junit, out, event);
  if (event->outcome == OUTCOME_FAILED)
    add_failure (junit, out, event);
  if (is_test && cases->attempts)
    add_attempts (out, cases, event->test, event->outcome);
  if (event->outcome == OUTCOME_SKIPPED)
    add_skipped (junit, out, "", event->message);
  else if (event->outcome == OUTCOME_NOT_RUN)
    add_skipped (junit, out, "not run: ", event->message ? event->message : "interrupted");
  else if (event->outcome == OUTCOME_ERROR)
    add_failure (junit, out, event);
  add_output (junit, out, event);
  end_case (out, content);
  add_thresholds (junit, suite, event, name);
}

/* Of a suite whose end is no case of its own. */
static void
keep_warnings (struct junit *junit, const struct event *event)
{
  struct buffer *out = &cases_of (tally_suite (&junit->tally, event->suite))->output;
  for (size_t i = 0; i < event->warning_count; i++) {
    buffer_lit (out, "warning: ");
    buffer_puts (out, event->warnings[i]);
    buffer_putc (out, '\n');
  }
}

static void
junit_event (struct reporter *reporter, const struct event *event)
{
  struct junit *junit = (struct junit *) reporter;
  bool counts = tally_event (&junit->tally, event);
  if (counts && (event->type == EVENT_TEST || (event->type == EVENT_SUITE_END && tally_is_failure (event))))
    add_test (junit, event);
  else if (counts && event->type == EVENT_SUITE_END)
    keep_warnings (junit, event);
}

/* ---- the file ---- */

static void
add_missing (struct junit *junit, struct tally_suite *suite)
{
  struct suite_cases *cases = cases_of (suite);
  struct buffer *out = &cases->xml;
  for (size_t i = 0; i < suite->count; i++) {
    struct tally_test *test = &suite->tests[i];
    if (test->done)
      continue;
    int64_t start_us = test->start_us ? test->start_us : suite->start_us ? suite->start_us : junit->tally.start_us;
    int64_t ran_us = tally_ran_us (&junit->tally, test);
    if (__builtin_add_overflow (suite->busy_us, ran_us, &suite->busy_us))
      suite->busy_us = INT64_MAX;
    size_t content = begin_case (out, suite, test->name, ran_us, start_us);
    add_attempts (out, cases, test->number, OUTCOME_NOT_RUN);
    add_skipped (junit, out, "not run: ", tally_why_not_run (&junit->tally, test));
    end_case (out, content);
  }
}

/* Jenkins merges suites of one name, also those of several files: the path is in it. */
static void
add_suite_name (struct junit *junit, struct buffer *out, const struct tally_suite *suite)
{
  struct buffer *name = &junit->scratch;
  name->size = 0;
  if (suite->name != suite->path) {
    buffer_puts (name, suite->name);
    buffer_lit (name, " (");
  }
  buffer_puts (name, suite->class_name);
  if (suite->name != suite->path)
    buffer_putc (name, ')');
  xml_attribute (out, "name", buffer_text (name));
}

static void
begin_suite (struct junit *junit, struct buffer *out, struct tally_suite *suite)
{
  const struct tally *tally = &junit->tally;
  buffer_lit (out, "<testsuite");
  add_suite_name (junit, out, suite);
  add_counts (out, &suite->counts, &cases_of (suite)->thresholds);
  add_time (out, suite->duration_us ? suite->duration_us : suite->busy_us);
  if (suite->start_us || tally->start_us)
    add_timestamp (out, suite->start_us ? suite->start_us : tally->start_us);
  if (tally->host)
    xml_attribute (out, "hostname", tally->host);
  buffer_lit (out, ">\n<properties>\n");
  add_property (out, "suite.file", suite->path);
  add_property (out, "seed", tally->seed);
  add_property (out, "runner.version", tally->runner);
  buffer_lit (out, "</properties>\n");
}

static bool
write_suites (struct junit *junit, struct output_file *file)
{
  const struct tally *tally = &junit->tally;
  CLEANUP_BUFFER struct buffer out = { 0 };
  buffer_lit (&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"runner\"");
  add_counts (&out, &tally->counts, &junit->thresholds);
  add_time (&out, tally->last_us - tally->start_us);
  if (tally->start_us)
    add_timestamp (&out, tally->start_us);
  buffer_lit (&out, ">\n");
  for (size_t i = 0; i < tally->count; i++) {
    struct tally_suite *suite = tally->suites[i];
    struct suite_cases *cases = cases_of (suite);
    if (!cases->xml.size) /* a suite without cases: Jenkins drops it */
      continue;
    begin_suite (junit, &out, suite);
    if (!output_file_write (file, out.data, out.size)
        || !output_file_write (file, cases->xml.data, cases->xml.size))
      return false;
    out.size = 0;
    if (cases->output.size) {
      buffer_lit (&out, "<system-out>");
      xml_text (&out, cases->output.data, cases->output.size);
      buffer_lit (&out, "</system-out>\n");
    }
    buffer_lit (&out, "</testsuite>\n");
  }
  buffer_lit (&out, "</testsuites>\n");
  return output_file_write (file, out.data, out.size);
}

static void
junit_finish (struct reporter *reporter)
{
  struct junit *junit = (struct junit *) reporter;
  for (size_t i = 0; i < junit->tally.count; i++)
    add_missing (junit, junit->tally.suites[i]);
  tally_finish (&junit->tally);
  struct output_file file;
  if (!output_file_open (&file, junit->path) || !write_suites (junit, &file) || !output_file_commit (&file))
    report_failed (reporter, "%s: %s", junit->path, strerror (errno));
}

static void
junit_free (struct reporter *reporter)
{
  struct junit *junit = (struct junit *) reporter;
  for (size_t i = 0; i < junit->tally.count; i++) {
    struct suite_cases *cases = cases_of (junit->tally.suites[i]);
    while (cases->attempts) {
      struct attempt *attempt = cases->attempts;
      cases->attempts = attempt->next;
      buffer_free (&attempt->inner);
      free (attempt);
    }
    buffer_free (&cases->xml);
    buffer_free (&cases->output);
    free (cases);
  }
  tally_free (&junit->tally);
  buffer_free (&junit->scratch);
  free (junit->path);
  free (junit);
}

static const struct reporter_type junit_type = {
  .name = "junit", .event = junit_event, .finish = junit_finish, .free = junit_free,
};

struct reporter *
report_junit (const char *path)
{
  struct junit *junit = xcalloc (1, sizeof *junit);
  junit->reporter.type = &junit_type;
  junit->path = xstrdup (path);
  return &junit->reporter;
}
