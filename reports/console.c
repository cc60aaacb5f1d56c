/* console.c - the run as people see it on a terminal or in a log: failures in full
 * when they happen, a line a suite, a summary.
 *
 * What tests and systems say is shown so that it cannot drive the terminal. */
#include "config.h"

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "secret.h"
#include "format.h"
#include "tally.h"
#include "text.h"

#define SLOW_US 1000000
#define MOST_SLOW 5
#define MOST_REASONS 100
#define MOST_LISTED 50
#define REDRAW_US 50000
#define SHORTEST_US 500000
#define WIDEST_PATH 48
#define SHORTEST_NAME 12 /* columns of a test's name in the status line that has no room for more */

struct place { uint32_t suite, test; bool of_suite; };
struct running { uint32_t suite, test; int64_t since_us; char *sample; uint64_t errors; }; /* of its last second */
struct slow { struct place place; int64_t duration_us; };
struct reason { char *text; size_t count; };

struct console {
  struct reporter reporter;
  struct console_options options;
  struct tally tally;
  struct buffer out;      /* what the current event says */
  struct buffer text;     /* scratch */
  struct place *failed;
  size_t failed_count, failed_room;
  struct running *running;
  size_t running_count, running_room;
  struct slow slow[MOST_SLOW];
  size_t slow_count;
  struct reason reasons[MOST_REASONS]; /* of skipped tests, and of those not run */
  size_t reason_count, other_reasons;
  size_t path_width;
  bool status_shown;
  int64_t drawn_us;
};

/* ---- output ---- */

enum color { PLAIN, BOLD, DIM, RED, GREEN, YELLOW };

static void
begin_color (struct console *c, enum color color)
{
  static const char *const codes[] = { "", "\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m" };
  if (c->options.color)
    buffer_puts (&c->out, codes[color]);
}

static void
end_color (struct console *c, enum color color)
{
  if (c->options.color && color != PLAIN)
    buffer_lit (&c->out, "\033[0m");
}

static void
paint (struct console *c, enum color color, const char *text)
{
  begin_color (c, color);
  format_line (&c->out, text);
  end_color (c, color);
}

static void
write_out (struct console *c, const char *data, size_t size)
{
  if (size && (fwrite (data, 1, size, c->options.out) != size || fflush (c->options.out) != 0))
    report_failed (&c->reporter, "console: %s", strerror (errno));
}

static void
erase_status (struct console *c)
{
  static const char erase[] = "\r\033[K";
  if (c->status_shown)
    write_out (c, erase, sizeof erase - 1);
  c->status_shown = false;
}

static void
flush (struct console *c)
{
  if (!c->out.size)
    return;
  erase_status (c);
  secret_mask (&c->out, 0);
  write_out (c, c->out.data, c->out.size);
  c->out.size = 0;
}

/* Blanks up to `width` columns from where the line was at `start`. */
static void
pad (struct buffer *out, size_t start, size_t width)
{
  size_t used = utf8_columns (out->data + start, out->size - start);
  for (; used < width; used++)
    buffer_putc (out, ' ');
}

static void
add_duration (struct console *c, int64_t us)
{
  begin_color (c, DIM);
  format_duration (&c->out, us);
  end_color (c, DIM);
}

/* ---- parts of lines ---- */

static const char *const words[] = { "passed", "FAILED", "ERROR", "skipped", "not run" };
static const enum color word_colors[] = { GREEN, RED, RED, YELLOW, YELLOW };

static void
add_word (struct console *c, enum color color, const char *word)
{
  paint (c, color, word);
  for (size_t n = strlen (word); n < 9; n++)
    buffer_putc (&c->out, ' ');
}

/* "suites/login.yaml: a user logs in", or the suite alone. */
static void
add_place (struct console *c, const struct place *place, bool with_line)
{
  struct tally_suite *suite = tally_suite (&c->tally, place->suite);
  format_line (&c->out, suite->path);
  if (place->of_suite)
    return;
  struct tally_test *test = tally_test (&c->tally, suite, place->test);
  if (with_line && test->line) {
    buffer_putc (&c->out, ':');
    buffer_int (&c->out, test->line);
  }
  buffer_lit (&c->out, ": ");
  paint (c, BOLD, test->name);
}

static void
add_number (struct buffer *out, size_t count, const char *what, const char **separator)
{
  if (!count)
    return;
  buffer_puts (out, *separator);
  buffer_int (out, (int64_t) count);
  buffer_putc (out, ' ');
  buffer_puts (out, what);
  *separator = ", ";
}

/* "11 passed, 1 failed": what is not zero. */
static void
add_counts (struct buffer *out, const struct tally_counts *counts)
{
  const char *separator = "";
  add_number (out, counts->passed, "passed", &separator);
  add_number (out, counts->failed, "failed", &separator);
  add_number (out, counts->error, counts->error == 1 ? "error" : "errors", &separator);
  add_number (out, counts->skipped, "skipped", &separator);
  add_number (out, counts->not_run, "not run", &separator);
  add_number (out, counts->flaky, "flaky", &separator);
  if (!*separator)
    buffer_lit (out, "no tests");
}

/* A block of text, indented and harmless. */
static void
add_block (struct console *c, const char *text, size_t size, const char *indent)
{
  while (size) {
    const char *newline = memchr (text, '\n', size);
    size_t n = newline ? (size_t) (newline - text) : size;
    buffer_puts (&c->out, indent);
    format_safe (&c->out, text, n);
    buffer_putc (&c->out, '\n');
    n += newline != NULL;
    text += n;
    size -= n;
  }
}

/* ---- what is kept for the summary ---- */

static struct place
place_of (const struct event *event)
{
  return (struct place) { event->suite, event->test, event->type == EVENT_SUITE_END };
}

static void
keep_failed (struct console *c, const struct event *event)
{
  if (c->failed_count == c->failed_room) {
    c->failed_room = c->failed_room ? c->failed_room * 2 : 16;
    c->failed = xrealloc (c->failed, c->failed_room, sizeof *c->failed);
  }
  c->failed[c->failed_count++] = place_of (event);
}

static void
keep_reason (struct console *c, const char *before, const char *why)
{
  c->text.size = 0;
  buffer_puts (&c->text, before);
  buffer_puts (&c->text, why);
  const char *text = buffer_text (&c->text);
  for (size_t i = 0; i < c->reason_count; i++)
    if (strcmp (c->reasons[i].text, text) == 0) {
      c->reasons[i].count++;
      return;
    }
  if (c->reason_count == MOST_REASONS)
    c->other_reasons++;
  else
    c->reasons[c->reason_count++] = (struct reason) { xstrdup (text), 1 };
}

static void
keep_slow (struct console *c, const struct event *event)
{
  if (event->duration_us < SLOW_US)
    return;
  size_t at = c->slow_count;
  while (at > 0 && c->slow[at - 1].duration_us < event->duration_us)
    at--;
  if (at == MOST_SLOW)
    return;
  if (c->slow_count < MOST_SLOW)
    c->slow_count++;
  memmove (c->slow + at + 1, c->slow + at, (c->slow_count - at - 1) * sizeof *c->slow);
  c->slow[at] = (struct slow) { place_of (event), event->duration_us };
}

static struct running *
begin_running (struct console *c, const struct event *event)
{
  if (c->running_count == c->running_room) {
    c->running_room = c->running_room ? c->running_room * 2 : 16;
    c->running = xrealloc (c->running, c->running_room, sizeof *c->running);
  }
  c->running[c->running_count] = (struct running) { event->suite, event->test, event->time_us, NULL, 0 };
  return &c->running[c->running_count++];
}

/* A suite runs one test at a time. */
static void
end_running (struct console *c, uint32_t suite)
{
  size_t kept = 0;
  for (size_t i = 0; i < c->running_count; i++)
    if (c->running[i].suite == suite)
      free (c->running[i].sample);
    else
      c->running[kept++] = c->running[i];
  c->running_count = kept;
}

/* ---- events ---- */

static void
add_header_part (struct console *c, size_t count, const char *one, const char *many)
{
  buffer_int (&c->out, (int64_t) count);
  buffer_putc (&c->out, ' ');
  buffer_puts (&c->out, count == 1 ? one : many);
}

static void
say_run (struct console *c, const struct event *event)
{
  if (c->options.verbose < 0)
    return;
  paint (c, BOLD, "runner");
  if (event->runner) {
    buffer_putc (&c->out, ' ');
    format_line (&c->out, event->runner);
  }
  buffer_lit (&c->out, ": ");
  add_header_part (c, event->tests, "test", "tests");
  buffer_lit (&c->out, " in ");
  add_header_part (c, event->suites, "suite", "suites");
  if (event->jobs > 1) {
    buffer_lit (&c->out, ", ");
    buffer_int (&c->out, event->jobs);
    buffer_lit (&c->out, " at once");
  }
  if (event->seed) {
    buffer_lit (&c->out, ", shuffled with seed ");
    paint (c, BOLD, event->seed);
  }
  buffer_putc (&c->out, '\n');
}

static void
note_path (struct console *c, const struct event *event)
{
  size_t width = event->path ? utf8_columns (event->path, strlen (event->path)) : 0;
  if (width > c->path_width)
    c->path_width = width < WIDEST_PATH ? width : WIDEST_PATH;
}

static void
add_step_title (struct console *c, const struct event_step *step)
{
  const char *const parts[] = { step->where, step->verb, step->name };
  const char *separator = "";
  c->text.size = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i]) {
      buffer_puts (&c->text, separator);
      buffer_puts (&c->text, parts[i]);
      separator = "  ";
    }
  if (step->phase) {
    buffer_lit (&c->text, " [");
    buffer_puts (&c->text, step->phase);
    buffer_putc (&c->text, ']');
  }
  format_line (&c->out, buffer_text (&c->text));
}

static void
say_steps (struct console *c, const struct event *event)
{
  struct format_step *ordered = format_order_steps (event);
  for (size_t i = 0; i < event->step_count; i++) {
    const struct event_step *step = ordered[i].step;
    buffer_lit (&c->out, "    ");
    for (uint32_t d = 0; d < ordered[i].level && d < 16; d++)
      buffer_lit (&c->out, "  ");
    add_word (c, word_colors[step->outcome], words[step->outcome]);
    add_step_title (c, step);
    buffer_lit (&c->out, "  ");
    add_duration (c, step->time_us);
    if (step->attempts > 1) {
      buffer_lit (&c->out, ", attempt ");
      buffer_int (&c->out, step->attempts);
    }
    buffer_putc (&c->out, '\n');
  }
  free (ordered);
}

static void
say_warnings (struct console *c, const struct event *event)
{
  for (size_t i = 0; i < event->warning_count; i++) {
    struct place place = place_of (event);
    add_word (c, YELLOW, "warning");
    add_place (c, &place, true);
    buffer_lit (&c->out, ": ");
    format_line (&c->out, event->warnings[i]);
    buffer_putc (&c->out, '\n');
  }
}

static void
say_output (struct console *c, const struct event *event)
{
  if (!event->output_size)
    return;
  bool more = c->options.verbose > 0;
  c->text.size = 0;
  size_t lines = more ? 1000 : 20, bytes = more ? 256 << 10 : 8 << 10;
  bool all = format_tail (&c->text, event->output, event->output_size, lines, bytes, "");
  buffer_puts (&c->out, all ? "      its output:\n" : "      the end of its output:\n");
  add_block (c, c->text.data, c->text.size, "        | ");
}

static void
say_failure (struct console *c, const struct event *event)
{
  bool more = c->options.verbose > 0;
  const struct format_limits limits = {
    .traffic_bytes = more ? 16 << 10 : 1 << 10, .traffic_most = more ? 64 << 10 : 8 << 10,
    .log_lines = more ? 100 : 10, .log_bytes = more ? 64 << 10 : 4 << 10,
  };
  c->text.size = 0;
  format_failure (&c->text, event, &limits);
  size_t blame = strcspn (buffer_text (&c->text), "\n");
  buffer_lit (&c->out, "    ");
  begin_color (c, RED);
  format_safe (&c->out, c->text.data, blame);
  end_color (c, RED);
  buffer_putc (&c->out, '\n');
  if (blame + 1 < c->text.size)
    add_block (c, c->text.data + blame + 1, c->text.size - blame - 1, "    ");
  say_output (c, event);
  for (size_t i = 0; i < event->attachment_count; i++) {
    buffer_lit (&c->out, "    file: ");
    format_line (&c->out, event->attachments[i]);
    buffer_putc (&c->out, '\n');
  }
}

static void
say_result (struct console *c, const struct event *event, const char *word, enum color color)
{
  struct place place = place_of (event);
  add_word (c, color, word);
  add_place (c, &place, false);
  buffer_lit (&c->out, "  ");
  add_duration (c, event->duration_us);
  if (event->attempt > 1) {
    buffer_lit (&c->out, ", attempt ");
    buffer_int (&c->out, event->attempt);
  }
}

/* An attempt failed and there will be another one. */
static void
say_again (struct console *c, const struct event *event)
{
  if (c->options.verbose < 0)
    return;
  say_result (c, event, "again", YELLOW);
  buffer_lit (&c->out, "\n    ");
  c->text.size = 0;
  format_event_blame (&c->text, event);
  format_line (&c->out, buffer_text (&c->text));
  buffer_putc (&c->out, '\n');
}

static void
say_loads (struct console *c, const struct event *event)
{
  c->text.size = 0;
  format_loads (&c->text, event);
  add_block (c, c->text.data, c->text.size, "  ");
}

/* The last second of a load is shown in the status line; all of them, with -v. */
static void
say_sample (struct console *c, const struct event *event)
{
  struct running *running = NULL;
  for (size_t i = 0; i < c->running_count; i++)
    if (c->running[i].suite == event->suite && c->running[i].test == event->test)
      running = &c->running[i];
  if (!running)
    running = begin_running (c, event);
  const struct event_series *total = series_total (event->series, event->series_count);
  running->errors += total ? total->failed : 0;
  if (event->span_us < SHORTEST_US && event->at_us > event->span_us)
    return; /* the end of a load that nobody could foresee: no second, its rate is of a few steps */
  c->text.size = 0;
  format_sample (&c->text, event, running->errors);
  free (running->sample);
  running->sample = xstrdup (buffer_text (&c->text));
  if (c->options.verbose <= 0)
    return;
  struct place place = place_of (event);
  add_word (c, DIM, "load");
  add_place (c, &place, false);
  buffer_printf (&c->out, "  %lld s  ", (long long) ((event->at_us + 500000) / 1000000));
  buffer_add (&c->out, c->text.data, c->text.size);
  buffer_putc (&c->out, '\n');
}

static void
say_test (struct console *c, const struct event *event)
{
  int verbose = c->options.verbose;
  bool failed = tally_is_failure (event), flaky = event->outcome == OUTCOME_PASSED && event->attempt > 1;
  if (failed || verbose > 0 || ((flaky || event->load_count) && verbose == 0)) {
    say_result (c, event, flaky ? "flaky" : words[event->outcome], flaky ? YELLOW : word_colors[event->outcome]);
    if (!failed && event->message) {
      buffer_lit (&c->out, ": ");
      format_line (&c->out, event->message);
    }
    buffer_putc (&c->out, '\n');
  }
  if (verbose > 1)
    say_steps (c, event);
  if (!failed && event->load_count && verbose >= 0)
    say_loads (c, event);
  if (failed)
    say_failure (c, event);
  else if (verbose > 1)
    say_output (c, event);
  if (verbose >= 0)
    say_warnings (c, event);
}

static void
note_test (struct console *c, const struct event *event)
{
  if (tally_is_failure (event))
    keep_failed (c, event);
  if (event->outcome == OUTCOME_SKIPPED)
    keep_reason (c, "", event->message ? event->message : "no reason given");
  else if (event->outcome == OUTCOME_NOT_RUN)
    keep_reason (c, "not run: ", event->message ? event->message : "interrupted");
  keep_slow (c, event);
}

/* The worst outcome that the suite has, for the word before it. */
static int
suite_outcome (const struct tally_counts *counts)
{
  return counts->failed    ? OUTCOME_FAILED
         : counts->error   ? OUTCOME_ERROR
         : counts->not_run ? OUTCOME_NOT_RUN
         : counts->passed  ? OUTCOME_PASSED
                           : OUTCOME_SKIPPED;
}

static void
say_suite_end (struct console *c, const struct event *event)
{
  struct tally_suite *suite = tally_suite (&c->tally, event->suite);
  if (tally_is_failure (event)) {
    say_result (c, event, words[event->outcome], word_colors[event->outcome]);
    buffer_putc (&c->out, '\n');
    say_failure (c, event);
    keep_failed (c, event);
  }
  if (c->options.verbose < 0)
    return;
  say_warnings (c, event);
  int outcome = suite_outcome (&suite->counts);
  add_word (c, word_colors[outcome], words[outcome]);
  size_t start = c->out.size;
  format_line (&c->out, suite->path);
  pad (&c->out, start, c->path_width);
  buffer_lit (&c->out, "  ");
  start = c->out.size;
  add_counts (&c->out, &suite->counts);
  pad (&c->out, start, 28);
  buffer_lit (&c->out, "  ");
  add_duration (c, suite->duration_us ? suite->duration_us : suite->busy_us);
  buffer_putc (&c->out, '\n');
}

static void
say_warning (struct console *c, const struct event *event)
{
  if (c->options.verbose < 0)
    return;
  add_word (c, YELLOW, "warning");
  c->text.size = 0;
  format_blame (&c->text, event->where, NULL, event->message);
  format_line (&c->out, buffer_text (&c->text));
  buffer_putc (&c->out, '\n');
  if (event->details)
    add_block (c, event->details, strlen (event->details), "    ");
}

static void
console_event (struct reporter *reporter, const struct event *event)
{
  struct console *c = (struct console *) reporter;
  if (!tally_event (&c->tally, event))
    return;
  switch (event->type) {
  case EVENT_RUN:
    say_run (c, event);
    break;
  case EVENT_PLAN:
    note_path (c, event);
    break;
  case EVENT_START:
    begin_running (c, event);
    break;
  case EVENT_SAMPLE:
    say_sample (c, event);
    break;
  case EVENT_TEST:
    end_running (c, event->suite);
    if (event->final) {
      note_test (c, event);
      say_test (c, event);
    }
    else
      say_again (c, event);
    break;
  case EVENT_SUITE_END:
    end_running (c, event->suite);
    say_suite_end (c, event);
    break;
  case EVENT_WARNING:
    say_warning (c, event);
    break;
  default:
    break;
  }
  flush (c);
}

/* ---- the status line ---- */

/* Cuts the text from `start` on to `width` columns, with a sign at its end that tells so. */
static void
cut (struct buffer *text, size_t start, size_t width)
{
  if (utf8_columns (text->data + start, text->size - start) <= width)
    return;
  size_t at = start, columns = 0;
  while (at < text->size) {
    uint32_t point = 0;
    size_t n = utf8_decode (text->data + at, text->size - at, &point), wide = n ? utf8_width (point) : 1;
    if (columns + wide + 1 > width)
      break;
    columns += wide;
    at += n ? n : 1;
  }
  text->size = at;
  if (width)
    buffer_lit (text, "…");
}

/* Each name takes at most `name_width` columns. */
static void
add_running (struct console *c, int64_t now_us, size_t name_width)
{
  for (size_t i = 0; i < c->running_count; i++) {
    const struct running *running = &c->running[i];
    struct tally_suite *suite = tally_suite (&c->tally, running->suite);
    buffer_puts (&c->out, i ? ", " : "  ");
    size_t start = c->out.size;
    format_line (&c->out, tally_test (&c->tally, suite, running->test)->name);
    secret_mask (&c->out, start); /* before it is cut: half a secret would not be found */
    cut (&c->out, start, name_width);
    if (now_us - running->since_us >= SLOW_US) {
      buffer_putc (&c->out, ' ');
      buffer_int (&c->out, (now_us - running->since_us) / 1000000);
      buffer_lit (&c->out, " s");
    }
    if (running->sample) {
      buffer_lit (&c->out, ": ");
      buffer_puts (&c->out, running->sample);
    }
  }
}

/* Names are shortened when else not all that runs would be seen within `width` columns. */
static void
fit_running (struct console *c, int64_t now_us, size_t width)
{
  size_t start = c->out.size;
  add_running (c, now_us, SIZE_MAX);
  if (utf8_columns (c->out.data, c->out.size) <= width)
    return;
  c->out.size = start;
  add_running (c, now_us, 0);
  size_t used = utf8_columns (c->out.data, c->out.size), each = used < width ? (width - used) / c->running_count : 0;
  c->out.size = start;
  add_running (c, now_us, each > SHORTEST_NAME ? each : SHORTEST_NAME);
}

static void
add_running_suites (struct console *c)
{
  const char *separator = "  ";
  for (size_t i = 0; i < c->tally.count; i++) {
    const struct tally_suite *suite = c->tally.suites[i];
    if (!suite->started || suite->ended)
      continue;
    buffer_puts (&c->out, separator);
    format_line (&c->out, suite->path);
    separator = ", ";
  }
}

static void
console_tick (struct reporter *reporter, int64_t now_us)
{
  struct console *c = (struct console *) reporter;
  bool too_early = c->status_shown && now_us - c->drawn_us < REDRAW_US && now_us >= c->drawn_us;
  if (!c->options.live || *reporter->error || too_early)
    return;
  size_t width = (size_t) (c->options.width > 1 ? c->options.width - 1 : 79);
  const struct tally_counts *counts = &c->tally.counts;
  size_t done = counts->passed + counts->failed + counts->error + counts->skipped + counts->not_run;
  buffer_int (&c->out, (int64_t) done);
  buffer_putc (&c->out, '/');
  buffer_int (&c->out, (int64_t) c->tally.tests);
  if (counts->failed + counts->error) {
    buffer_lit (&c->out, "  ");
    buffer_int (&c->out, (int64_t) (counts->failed + counts->error));
    buffer_lit (&c->out, " failed");
  }
  buffer_lit (&c->out, "  ");
  int64_t begin_us = c->tally.start_us ? c->tally.start_us : now_us;
  buffer_int (&c->out, now_us > begin_us ? (now_us - begin_us) / 1000000 : 0);
  buffer_lit (&c->out, " s");
  if (c->running_count)
    fit_running (c, now_us, width);
  else
    add_running_suites (c);
  secret_mask (&c->out, 0); /* before it is cut: half a secret would not be found */
  cut (&c->out, 0, width);
  erase_status (c);
  write_out (c, c->out.data, c->out.size);
  c->out.size = 0;
  c->status_shown = true;
  c->drawn_us = now_us;
}

/* ---- the summary ---- */

static void
say_failed_list (struct console *c)
{
  if (!c->failed_count)
    return;
  paint (c, BOLD, "failed:");
  buffer_putc (&c->out, '\n');
  for (size_t i = 0; i < c->failed_count && i < MOST_LISTED; i++) {
    buffer_lit (&c->out, "  ");
    add_place (c, &c->failed[i], true);
    buffer_putc (&c->out, '\n');
  }
  if (c->failed_count > MOST_LISTED) {
    buffer_lit (&c->out, "  and ");
    buffer_int (&c->out, (int64_t) (c->failed_count - MOST_LISTED));
    buffer_lit (&c->out, " more\n");
  }
}

static void
say_reason (struct console *c, size_t count, const char *text)
{
  c->text.size = 0;
  buffer_int (&c->text, (int64_t) count);
  for (size_t n = c->text.size; n < 6; n++)
    buffer_putc (&c->out, ' ');
  buffer_add (&c->out, c->text.data, c->text.size);
  buffer_lit (&c->out, "  ");
  format_line (&c->out, text);
  buffer_putc (&c->out, '\n');
}

static void
say_reasons (struct console *c)
{
  if (!c->reason_count || c->options.verbose < 0)
    return;
  paint (c, BOLD, "skipped:");
  buffer_putc (&c->out, '\n');
  for (size_t i = 0; i < c->reason_count; i++)
    say_reason (c, c->reasons[i].count, c->reasons[i].text);
  if (c->other_reasons)
    say_reason (c, c->other_reasons, "other reasons");
}

static void
say_slow (struct console *c)
{
  if (!c->slow_count || c->options.verbose < 0)
    return;
  paint (c, BOLD, "slowest:");
  buffer_putc (&c->out, '\n');
  for (size_t i = 0; i < c->slow_count; i++) {
    buffer_lit (&c->out, "  ");
    size_t start = c->out.size;
    format_duration (&c->out, c->slow[i].duration_us);
    pad (&c->out, start, 12);
    add_place (c, &c->slow[i].place, true);
    buffer_putc (&c->out, '\n');
  }
}

/* What had begun is told as any other result. */
static void
say_broken_off (struct console *c)
{
  for (size_t s = 0; s < c->tally.count; s++) {
    struct tally_suite *suite = c->tally.suites[s];
    for (size_t t = 0; t < suite->count; t++) {
      struct tally_test *test = &suite->tests[t];
      if (test->done || !test->start_us)
        continue;
      struct event event = tally_broken_off (&c->tally, suite, test);
      tally_event (&c->tally, &event);
      note_test (c, &event);
      if (c->options.verbose < 0)
        continue;
      say_result (c, &event, words[event.outcome], word_colors[event.outcome]);
      buffer_lit (&c->out, ": ");
      format_line (&c->out, event.message);
      buffer_putc (&c->out, '\n');
    }
  }
}

/* Tests that no event tells of have no other reason. */
static void
note_missing (struct console *c)
{
  size_t before = c->tally.counts.not_run;
  tally_finish (&c->tally);
  for (size_t i = before; i < c->tally.counts.not_run; i++)
    keep_reason (c, "not run: ", tally_why_not_run (&c->tally, NULL));
}

/* "12 tests in 1.20 s: 1 error, 2 not run" */
static void
say_total (struct console *c)
{
  const struct tally_counts *counts = &c->tally.counts;
  bool bad = counts->failed || counts->error || c->tally.interrupted || !c->tally.ended || c->tally.status;
  enum color color = bad ? RED : counts->not_run || counts->flaky || !counts->passed ? YELLOW : GREEN;
  begin_color (c, color);
  if (c->tally.interrupted)
    buffer_lit (&c->out, "interrupted: ");
  else if (!c->tally.ended)
    buffer_lit (&c->out, "broken off: ");
  add_header_part (c, c->tally.tests, "test", "tests");
  buffer_lit (&c->out, " in ");
  format_duration (&c->out, c->tally.last_us - c->tally.start_us);
  const char *separator = ": ";
  add_number (&c->out, counts->error, counts->error == 1 ? "error" : "errors", &separator);
  add_number (&c->out, counts->not_run, "not run", &separator);
  add_number (&c->out, counts->flaky, "flaky", &separator);
  end_color (c, color);
  buffer_putc (&c->out, '\n');
}

/* Not when it is lost: that is told elsewhere. */
static void
say_page (struct console *c)
{
  if (!c->options.page || c->options.verbose < 0 || *c->options.pages->error)
    return;
  begin_color (c, DIM);
  buffer_lit (&c->out, "report: ");
  format_line (&c->out, c->options.page);
  end_color (c, DIM);
  buffer_putc (&c->out, '\n');
}

/* The very last line is for programs too: always of this form, never coloured. */
static void
say_last_line (struct console *c)
{
  const struct tally_counts *counts = &c->tally.counts;
  buffer_int (&c->out, (int64_t) counts->passed);
  buffer_lit (&c->out, " passed, ");
  buffer_int (&c->out, (int64_t) (counts->failed + counts->error));
  buffer_lit (&c->out, " failed, ");
  buffer_int (&c->out, (int64_t) counts->skipped);
  buffer_lit (&c->out, " skipped\n");
}

static void
console_finish (struct reporter *reporter)
{
  struct console *c = (struct console *) reporter;
  say_broken_off (c);
  note_missing (c);
  if (c->options.verbose >= 0)
    buffer_putc (&c->out, '\n');
  say_failed_list (c);
  say_reasons (c);
  say_slow (c);
  say_total (c);
  say_page (c);
  say_last_line (c);
  flush (c);
}

static void
console_free (struct reporter *reporter)
{
  struct console *c = (struct console *) reporter;
  for (size_t i = 0; i < c->reason_count; i++)
    free (c->reasons[i].text);
  free (c->failed);
  for (size_t i = 0; i < c->running_count; i++)
    free (c->running[i].sample);
  free (c->running);
  buffer_free (&c->out);
  buffer_free (&c->text);
  tally_free (&c->tally);
  free (c);
}

static const struct reporter_type console_type = {
  .name = "console", .event = console_event, .finish = console_finish, .tick = console_tick, .free = console_free,
};

struct reporter *
report_console (const struct console_options *options)
{
  struct console *c = xcalloc (1, sizeof *c);
  c->reporter.type = &console_type;
  c->options = *options;
  return &c->reporter;
}
