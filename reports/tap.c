/* tap.c - TAP 14 (testanything.org): a test point a test, told when it is final; the
 * plan comes last, because a suite's own failure is a point that nobody planned. */
#include "config.h"

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "secret.h"
#include "format.h"
#include "tally.h"

struct tap {
  struct reporter reporter;
  FILE *file;
  struct tally tally;
  struct buffer out, text;
  size_t points;
  bool begun;
};

/* `#` begins a directive, `\` escapes: both are escaped. */
static void
add_description (struct tap *tap, const char *text)
{
  tap->text.size = 0;
  format_line (&tap->text, text);
  for (size_t i = 0; i < tap->text.size; i++) {
    char c = tap->text.data[i];
    if (c == '#' || c == '\\')
      buffer_putc (&tap->out, '\\');
    buffer_putc (&tap->out, c);
  }
}

/* A YAML scalar in double quotes. */
static void
add_quoted (struct tap *tap, const char *text)
{
  tap->text.size = 0;
  format_line (&tap->text, text);
  buffer_putc (&tap->out, '"');
  for (size_t i = 0; i < tap->text.size; i++) {
    char c = tap->text.data[i];
    if (c == '"' || c == '\\')
      buffer_putc (&tap->out, '\\');
    buffer_putc (&tap->out, c);
  }
  buffer_lit (&tap->out, "\"\n");
}

static void
add_member (struct tap *tap, const char *name, const char *text)
{
  if (!text)
    return;
  buffer_lit (&tap->out, "  ");
  buffer_puts (&tap->out, name);
  buffer_lit (&tap->out, ": ");
  add_quoted (tap, text);
}

/* A literal block scalar: every line indented. */
static void
add_block (struct tap *tap, const char *name, const char *text, size_t size)
{
  buffer_lit (&tap->out, "  ");
  buffer_puts (&tap->out, name);
  buffer_lit (&tap->out, ": |2\n"); /* the text may begin with blanks of its own */
  while (size) {
    const char *newline = memchr (text, '\n', size);
    size_t n = newline ? (size_t) (newline - text) : size;
    buffer_lit (&tap->out, "    ");
    format_safe (&tap->out, text, n);
    buffer_putc (&tap->out, '\n');
    n += newline != NULL;
    text += n;
    size -= n;
  }
}

static void
add_diagnostics (struct tap *tap, const struct event *event)
{
  static const struct format_limits limits = { .traffic_bytes = 1 << 10, .traffic_most = 8 << 10,
                                               .log_lines = 10, .log_bytes = 4 << 10 };
  CLEANUP_BUFFER struct buffer failure = { 0 };
  format_failure (&failure, event, &limits);
  buffer_lit (&tap->out, "  ---\n");
  add_member (tap, "message", event->message);
  buffer_puts (&tap->out, event->outcome == OUTCOME_ERROR ? "  severity: error\n" : "  severity: fail\n");
  add_member (tap, "at", event->where);
  add_member (tap, "verb", event->verb);
  add_member (tap, "step", event->step);
  add_member (tap, "signal", event->signal);
  buffer_lit (&tap->out, "  duration_ms: ");
  buffer_int (&tap->out, event->duration_us < 0 ? 0 : event->duration_us / 1000);
  buffer_putc (&tap->out, '\n');
  add_block (tap, "details", failure.data, failure.size);
  buffer_lit (&tap->out, "  ...\n");
}

static void
add_point (struct tap *tap, bool ok, uint32_t suite_number, const char *name)
{
  struct tally_suite *suite = tally_suite (&tap->tally, suite_number);
  buffer_puts (&tap->out, ok ? "ok " : "not ok ");
  buffer_int (&tap->out, (int64_t) ++tap->points);
  buffer_lit (&tap->out, " - ");
  add_description (tap, suite->path);
  buffer_lit (&tap->out, ": ");
  add_description (tap, name);
}

static void
add_skip (struct tap *tap, const char *before, const char *why)
{
  buffer_lit (&tap->out, " # SKIP ");
  buffer_puts (&tap->out, before);
  add_description (tap, why ? why : "");
}

static void
add_result (struct tap *tap, const struct event *event)
{
  bool failed = tally_is_failure (event);
  const char *name = "(suite)";
  if (event->type == EVENT_TEST)
    name = tally_test (&tap->tally, tally_suite (&tap->tally, event->suite), event->test)->name;
  add_point (tap, !failed, event->suite, name);
  if (event->outcome == OUTCOME_SKIPPED)
    add_skip (tap, "", event->message);
  else if (event->outcome == OUTCOME_NOT_RUN)
    add_skip (tap, "not run: ", event->message ? event->message : "interrupted");
  buffer_putc (&tap->out, '\n');
  if (failed)
    add_diagnostics (tap, event);
}

static void
flush (struct tap *tap)
{
  if (!tap->begun) {
    static const char version[] = "TAP version 14\n";
    tap->begun = fwrite (version, 1, sizeof version - 1, tap->file) == sizeof version - 1;
  }
  secret_mask (&tap->out, 0);
  if (!tap->begun || fwrite (tap->out.data, 1, tap->out.size, tap->file) != tap->out.size
      || fflush (tap->file) != 0)
    report_failed (&tap->reporter, "tap: %s", strerror (errno));
  tap->out.size = 0;
}

/* A warning. */
static void
add_comment (struct tap *tap, const char *where, const char *text)
{
  tap->text.size = 0;
  format_blame (&tap->text, where, NULL, text);
  buffer_lit (&tap->out, "# ");
  format_line (&tap->out, buffer_text (&tap->text));
  buffer_putc (&tap->out, '\n');
}

static void
tap_event (struct reporter *reporter, const struct event *event)
{
  struct tap *tap = (struct tap *) reporter;
  if (!tally_event (&tap->tally, event))
    return;
  if (event->type == EVENT_WARNING)
    add_comment (tap, event->where, event->message);
  for (size_t i = 0; event->type == EVENT_SUITE_END && i < event->warning_count; i++)
    add_comment (tap, tally_suite (&tap->tally, event->suite)->path, event->warnings[i]);
  if ((event->type == EVENT_TEST && event->final) || (event->type == EVENT_SUITE_END && tally_is_failure (event)))
    add_result (tap, event);
  if (tap->out.size)
    flush (tap);
}

static void
add_missing (struct tap *tap, const struct tally_suite *suite)
{
  for (size_t i = 0; i < suite->count; i++)
    if (!suite->tests[i].done) {
      add_point (tap, true, suite->number, suite->tests[i].name);
      add_skip (tap, "not run: ", tally_why_not_run (&tap->tally, &suite->tests[i]));
      buffer_putc (&tap->out, '\n');
    }
}

static void
tap_finish (struct reporter *reporter)
{
  struct tap *tap = (struct tap *) reporter;
  for (size_t i = 0; i < tap->tally.count; i++)
    add_missing (tap, tap->tally.suites[i]);
  tally_finish (&tap->tally);
  buffer_lit (&tap->out, "1..");
  buffer_int (&tap->out, (int64_t) tap->points);
  buffer_putc (&tap->out, '\n');
  if (tap->tally.interrupted || !tap->tally.ended) {
    buffer_lit (&tap->out, "Bail out! ");
    buffer_puts (&tap->out, tally_why_not_run (&tap->tally, NULL));
    buffer_putc (&tap->out, '\n');
  }
  flush (tap);
}

static void
tap_free (struct reporter *reporter)
{
  struct tap *tap = (struct tap *) reporter;
  buffer_free (&tap->out);
  buffer_free (&tap->text);
  tally_free (&tap->tally);
  free (tap);
}

static const struct reporter_type tap_type = {
  .name = "tap", .event = tap_event, .finish = tap_finish, .free = tap_free,
};

struct reporter *
report_tap (FILE *out)
{
  struct tap *tap = xcalloc (1, sizeof *tap);
  tap->reporter.type = &tap_type;
  tap->file = out;
  return &tap->reporter;
}
