/* html-test.c - what is told of one test in the HTML report. */
#include "config.h"

#include "html-report.h"

#include <stdlib.h>

#include "format.h"
#include "html-text.h"

#define MOST_STEPS 500
#define MOST_STEPS_PASSED 60
#define MOST_DETAILS ((size_t) 64 << 10)
#define MOST_OUTPUT ((size_t) 64 << 10)
#define MOST_OUTPUT_PASSED ((size_t) 4 << 10)
#define MOST_TRAFFIC ((size_t) 128 << 10) /* as it is shown, of all connections */
#define MOST_LOGS ((size_t) 128 << 10)
#define MOST_FILES 100
#define DEEPEST 6

/* ---- small parts ---- */

const char *const html_outcome_words[] = { "passed", "failed", "error", "skipped", "not run" };
const char *const html_outcome_classes[] = { "passed", "failed", "error", "skipped", "notrun" };

void
html_badge (struct buffer *out, int outcome, bool flaky)
{
  buffer_printf (out, "<span class=\"badge %s\">%s</span>", flaky ? "flaky" : html_outcome_classes[outcome],
                 flaky ? "flaky" : html_outcome_words[outcome]);
}

void
html_time (struct buffer *out, int64_t us)
{
  buffer_lit (out, "<span class=\"time\">");
  format_duration (out, us);
  buffer_lit (out, "</span>");
}

static const char *
below (const char *path, const char *root)
{
  size_t size = root ? strlen (root) : 0;
  return size && strncmp (path, root, size) == 0 && path[size] ? path + size : NULL;
}

/* A link to a file below the folder above the report, else its name alone. */
static void
add_file (struct html_report *html, struct buffer *out, const char *path)
{
  const char *rest = below (path, html->root);
  rest = rest ? rest : below (path, html->real_root);
  rest = rest ? rest : below (path, html->named_root);
  bool up = rest && (strncmp (rest, "../", 3) == 0 || strstr (rest, "/../"));
  if (rest && !up) {
    buffer_lit (out, "<a href=\"../");
    html_path (out, rest);
    buffer_lit (out, "\">");
    html_short (out, rest, 300);
    buffer_lit (out, "</a>");
  }
  else {
    buffer_lit (out, "<code>");
    html_short (out, path, 500);
    buffer_lit (out, "</code>");
  }
}

static void
add_label (struct buffer *out, const char *text)
{
  buffer_lit (out, "<p class=\"label\">");
  html_line (out, text);
  buffer_lit (out, "</p>\n");
}

static void
add_pre (struct buffer *out, const char *class_name, const char *text, size_t size, size_t limit)
{
  buffer_lit (out, "<pre class=\"");
  buffer_puts (out, class_name);
  buffer_lit (out, "\">");
  html_ends (out, text, size, limit);
  buffer_lit (out, "</pre>\n");
}

/* ---- parts of a failure ---- */

static void
add_blame (struct buffer *out, const struct event *event)
{
  buffer_lit (out, "<div class=\"blame\">");
  if (event->where || event->verb) {
    buffer_lit (out, "<p>");
    html_element (out, "code", "where", event->where);
    buffer_putc (out, ' ');
    if (event->step) {
      html_element (out, "span", "step", event->step);
      buffer_putc (out, ' ');
    }
    html_element (out, "code", "verb", event->verb);
    if (event->signal) {
      buffer_putc (out, ' ');
      html_element (out, "code", "signal", event->signal);
    }
    buffer_lit (out, "</p>");
  }
  const char *message = event->message ? event->message : "failed";
  add_pre (out, "message", message, strlen (message), MOST_DETAILS);
  CLEANUP_BUFFER struct buffer callers = { 0 };
  format_callers (&callers, event);
  if (callers.size)
    add_pre (out, "callers", callers.data, callers.size - 1, MOST_DETAILS);
  buffer_lit (out, "</div>\n");
}

/* A line of a pattern's difference: `$.path: expected 1, got 2`. */
static void
add_details (struct buffer *out, const char *details)
{
  size_t size = strlen (details);
  if (!size)
    return;
  add_label (out, "Details");
  add_pre (out, "details", details, size, MOST_DETAILS);
}

static void
add_traffic (struct buffer *out, const struct event *event)
{
  static const struct format_limits limits = { .traffic_bytes = 16 << 10, .traffic_most = 32 << 10 };
  if (!event->traffic_count)
    return;
  size_t n;
  const struct event_traffic **told = format_pick_traffic (event, &limits, &n);
  CLEANUP_BUFFER struct buffer title = { 0 }, body = { 0 };
  size_t begin = out->size;
  add_label (out, "Last traffic");
  if (n < event->traffic_count)
    buffer_printf (out, "<p>%zu earlier messages are left out.</p>\n", event->traffic_count - n);
  buffer_lit (out, "<ol class=\"traffic\">\n");
  for (size_t i = 0; i < n; i++) {
    if (out->size - begin > MOST_TRAFFIC) {
      buffer_printf (out, "<li>and %zu more</li>\n", n - i);
      break;
    }
    title.size = body.size = 0;
    format_message_title (&title, told[i], limits.traffic_bytes);
    format_message_body (&body, told[i], limits.traffic_bytes, "");
    buffer_puts (out, told[i]->received ? "<li class=\"received\"><p>" : "<li class=\"sent\"><p>");
    html_line (out, buffer_text (&title));
    buffer_lit (out, "</p>");
    if (body.size)
      add_pre (out, "message", body.data, body.size - 1, MOST_TRAFFIC);
    buffer_lit (out, "</li>\n");
  }
  buffer_lit (out, "</ol>\n");
  free (told);
}

static void
add_logs (struct html_report *html, struct buffer *out, const struct event *event)
{
  CLEANUP_BUFFER struct buffer tail = { 0 };
  size_t begin = out->size;
  for (size_t i = 0; i < event->log_count && out->size - begin < MOST_LOGS; i++) {
    const struct event_log *log = &event->logs[i];
    tail.size = 0;
    bool all = format_tail (&tail, log->text, log->text_size, 200, 16 << 10, "");
    buffer_puts (out, all ? "<details class=\"log\" open><summary>Log of " : "<details class=\"log\" open><summary>End of the log of ");
    html_short (out, log->name ? log->name : "?", 200);
    buffer_lit (out, "</summary>\n");
    if (log->file) {
      buffer_lit (out, "<p>");
      add_file (html, out, log->file);
      buffer_lit (out, "</p>\n");
    }
    if (tail.size)
      add_pre (out, "log", tail.data, tail.size - 1, MOST_LOGS);
    else
      buffer_lit (out, "<p>It is empty.</p>\n");
    buffer_lit (out, "</details>\n");
  }
}

/* ---- steps ---- */

static void
add_step (struct buffer *out, const struct event_step *step, uint32_t level)
{
  buffer_lit (out, "<tr class=\"");
  buffer_puts (out, html_outcome_classes[step->outcome]);
  buffer_lit (out, "\"><th scope=\"row\"");
  if (level) {
    buffer_lit (out, " class=\"d");
    buffer_int (out, level < DEEPEST ? level : DEEPEST);
    buffer_putc (out, '"');
  }
  buffer_lit (out, "><code>");
  html_short (out, step->verb, 100);
  buffer_lit (out, "</code>");
  if (step->name) {
    buffer_putc (out, ' ');
    html_short (out, step->name, 200);
  }
  if (step->phase) {
    buffer_lit (out, " <span class=\"phase\">");
    html_short (out, step->phase, 40);
    buffer_lit (out, "</span>");
  }
  if (step->message && step->outcome != OUTCOME_PASSED) {
    buffer_lit (out, "<span class=\"why\">");
    html_short (out, step->message, 500);
    buffer_lit (out, "</span>");
  }
  buffer_lit (out, "</th><td class=\"where\">");
  html_short (out, step->where, 200);
  buffer_lit (out, "</td><td class=\"result\">");
  buffer_puts (out, html_outcome_words[step->outcome]);
  if (step->attempts > 1) {
    buffer_lit (out, " at try ");
    buffer_int (out, step->attempts);
  }
  buffer_lit (out, "</td><td class=\"n\">");
  format_duration (out, step->start_us);
  buffer_lit (out, "</td><td class=\"n\">");
  format_duration (out, step->time_us);
  buffer_lit (out, "</td></tr>\n");
}

static void
add_steps (struct buffer *out, const struct event *event, size_t most)
{
  if (!event->step_count)
    return;
  buffer_lit (out, "<div class=\"wide\"><table class=\"steps\"><caption>Steps</caption>\n<thead><tr>"
                   "<th scope=\"col\">step</th><th scope=\"col\">place</th><th scope=\"col\">result</th>"
                   "<th scope=\"col\" class=\"n\">at</th><th scope=\"col\" class=\"n\">took</th></tr></thead>\n<tbody>\n");
  struct format_step *ordered = format_order_steps (event);
  size_t told = 0;
  for (size_t i = 0; i < event->step_count; i++) {
    /* of many steps the first are told, and all that went wrong */
    bool wrong = ordered[i].step->outcome == OUTCOME_FAILED || ordered[i].step->outcome == OUTCOME_ERROR;
    if (i >= most && !(wrong && told < 2 * most))
      continue;
    add_step (out, ordered[i].step, ordered[i].level);
    told++;
  }
  free (ordered);
  buffer_lit (out, "</tbody></table></div>\n");
  if (event->step_count > told)
    buffer_printf (out, "<p>and %zu more steps</p>\n", event->step_count - told);
}

/* ---- the whole ---- */

bool
html_is_line (const struct event *event)
{
  const struct event_step *step = event->steps;
  return event->type == EVENT_TEST && event->outcome == OUTCOME_PASSED && event->step_count == 1 && !step->phase
         && step->attempts < 2 && !event->message && !event->details && !event->warning_count && !event->load_count
         && !event->output_size && !event->attachment_count;
}

void
html_line_detail (struct buffer *out, const struct event *event)
{
  const struct event_step *step = event->steps;
  buffer_lit (out, " <code class=\"where\">");
  html_short (out, step->verb, 100);
  buffer_putc (out, ' ');
  html_short (out, step->where, 200);
  buffer_lit (out, "</code>");
}

static void
add_output (struct buffer *out, const struct event *event, size_t limit)
{
  if (!event->output_size)
    return;
  add_label (out, "Output");
  add_pre (out, "log", event->output, event->output_size, limit);
}

static void
add_files (struct html_report *html, struct buffer *out, const struct event *event)
{
  if (!event->attachment_count)
    return;
  add_label (out, "Files");
  buffer_lit (out, "<ul class=\"files\">\n");
  for (size_t i = 0; i < event->attachment_count && i < MOST_FILES; i++) {
    buffer_lit (out, "<li>");
    add_file (html, out, event->attachments[i]);
    buffer_lit (out, "</li>\n");
  }
  buffer_lit (out, "</ul>\n");
}

void
html_detail (struct html_report *html, struct buffer *out, const struct event *event)
{
  bool failed = event->outcome == OUTCOME_FAILED || event->outcome == OUTCOME_ERROR;
  if (failed)
    add_blame (out, event);
  else if (event->message && strlen (event->message) > HTML_LONGEST_BLAME) { /* else the line of its name has it */
    buffer_lit (out, "<p class=\"reason\">");
    html_short (out, event->message, 2000);
    buffer_lit (out, "</p>\n");
  }
  for (size_t i = 0; i < event->warning_count && i < MOST_FILES; i++) {
    buffer_lit (out, "<p class=\"warning\"><b>Warning:</b> ");
    html_short (out, event->warnings[i], 2000);
    buffer_lit (out, "</p>\n");
  }
  if (event->details)
    add_details (out, event->details);
  html_loads (html, out, event);
  if (failed)
    add_traffic (out, event);
  add_steps (out, event, failed ? MOST_STEPS : MOST_STEPS_PASSED);
  if (failed)
    add_logs (html, out, event);
  add_output (out, event, failed ? MOST_OUTPUT : MOST_OUTPUT_PASSED);
  add_files (html, out, event);
}
