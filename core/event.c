/* event.c - events as JSON lines: the table of their members, and writing.  Reading
 * is in event-read.c. */
#include "config.h"

#include "event-fields.h"

#include <math.h>
#include <string.h>

#include "json.h"

const char *const outcome_names[] = { "passed", "failed", "error", "skipped", "not_run", NULL };

const struct event_name event_names[] = {
#define NAME(type, text) [type] = { text, sizeof text - 1 }
  NAME (EVENT_RUN, "run"),     NAME (EVENT_PLAN, "plan"),     NAME (EVENT_SUITE, "suite"),
  NAME (EVENT_START, "start"), NAME (EVENT_SAMPLE, "sample"), NAME (EVENT_TEST, "test"),
  NAME (EVENT_SUITE_END, "suite_end"), NAME (EVENT_WARNING, "warning"), NAME (EVENT_END, "end"),
#undef NAME
};

#define MANY(array) (sizeof (array) / sizeof *(array))
#define ROW(type, what, name, member)                                                                      \
  .lead = ",\"" name "\":", .name_size = sizeof name - 1, .kind = what, .offset = offsetof (struct type, member)
#define MORE(type, member) .more = offsetof (struct type, member)
#define ALWAYS .in = 1, .required = 1
#define MAYBE .in = 1

static const struct field planned_fields[] = {
  { ROW (event_planned, KIND_TEXT, "name", name), ALWAYS },
  { ROW (event_planned, KIND_UINT32, "line", line), MAYBE },
  { ROW (event_planned, KIND_TEXT, "tags", tags), MAYBE },
  { ROW (event_planned, KIND_TEXT, "about", about), MAYBE },
};
static const struct field step_fields[] = {
  { ROW (event_step, KIND_TEXT, "where", where), ALWAYS },
  { ROW (event_step, KIND_TEXT, "verb", verb), ALWAYS },
  { ROW (event_step, KIND_TEXT, "name", name), MAYBE },
  { ROW (event_step, KIND_OUTCOME, "outcome", outcome), ALWAYS },
  { ROW (event_step, KIND_INT64, "after_us", start_us), MAYBE },
  { ROW (event_step, KIND_INT64, "duration_us", time_us), MAYBE },
  { ROW (event_step, KIND_UINT32, "attempts", attempts), MAYBE, .preset = 1 },
  { ROW (event_step, KIND_UINT32, "depth", depth), MAYBE },
  { ROW (event_step, KIND_TEXT, "phase", phase), MAYBE },
  { ROW (event_step, KIND_TEXT, "message", message), MAYBE },
};
static const struct field traffic_fields[] = {
  { ROW (event_traffic, KIND_TEXT, "peer", peer), ALWAYS },
  { ROW (event_traffic, KIND_FLAG, "received", received), ALWAYS },
  { ROW (event_traffic, KIND_INT64, "after_us", time_us), MAYBE },
  { ROW (event_traffic, KIND_UINT64, "size", size), MAYBE },
  { ROW (event_traffic, KIND_BYTES, "data", data), MORE (event_traffic, data_size), MAYBE },
};
static const struct field log_fields[] = {
  { ROW (event_log, KIND_TEXT, "name", name), ALWAYS },
  { ROW (event_log, KIND_BYTES, "text", text), MORE (event_log, text_size), MAYBE },
  { ROW (event_log, KIND_TEXT, "file", file), MAYBE },
};
static const struct field bucket_fields[] = {
  { ROW (event_bucket, KIND_INT64, "to_us", to_us), ALWAYS },
  { ROW (event_bucket, KIND_UINT64, "count", count), ALWAYS },
};
static const struct field threshold_fields[] = {
  { ROW (event_threshold, KIND_TEXT, "name", name), ALWAYS },
  { ROW (event_threshold, KIND_TEXT, "where", where), MAYBE },
  { ROW (event_threshold, KIND_OUTCOME, "outcome", outcome), ALWAYS },
  { ROW (event_threshold, KIND_TEXT, "actual", actual), MAYBE },
  { ROW (event_threshold, KIND_TEXT, "limit", limit), MAYBE },
  { ROW (event_threshold, KIND_TEXT, "message", message), MAYBE },
};
static const struct field setting_fields[] = {
  { ROW (event_setting, KIND_TEXT, "name", name), ALWAYS },
  { ROW (event_setting, KIND_TEXT, "value", value), ALWAYS },
};
static const struct field load_error_fields[] = {
  { ROW (event_load_error, KIND_TEXT, "message", message), ALWAYS },
  { ROW (event_load_error, KIND_TEXT, "where", where), MAYBE },
  { ROW (event_load_error, KIND_UINT64, "count", count), MAYBE },
};
#define RECORD(name) { name##_fields, MANY (name##_fields), sizeof (struct event_##name) }
static const struct record planned_record = RECORD (planned);
static const struct record step_record = RECORD (step);
static const struct record traffic_record = RECORD (traffic);
static const struct record log_record = RECORD (log);
static const struct record bucket_record = RECORD (bucket);
static const struct record threshold_record = RECORD (threshold);
static const struct record setting_record = RECORD (setting);
static const struct record load_error_record = RECORD (load_error);

static const struct field series_fields[] = {
  { ROW (event_series, KIND_TEXT, "name", name), ALWAYS },
  { ROW (event_series, KIND_UINT64, "count", count), ALWAYS },
  { ROW (event_series, KIND_UINT64, "failed", failed), MAYBE },
  { ROW (event_series, KIND_INT64, "min_us", min_us), MAYBE },
  { ROW (event_series, KIND_INT64, "mean_us", mean_us), MAYBE },
  { ROW (event_series, KIND_INT64, "p50_us", p50_us), MAYBE },
  { ROW (event_series, KIND_INT64, "p90_us", p90_us), MAYBE },
  { ROW (event_series, KIND_INT64, "p95_us", p95_us), MAYBE },
  { ROW (event_series, KIND_INT64, "p99_us", p99_us), MAYBE },
  { ROW (event_series, KIND_INT64, "p999_us", p999_us), MAYBE },
  { ROW (event_series, KIND_INT64, "max_us", max_us), MAYBE },
  { ROW (event_series, KIND_RECORDS, "buckets", buckets), MORE (event_series, bucket_count), MAYBE,
    .record = &bucket_record },
};
static const struct record series_record = RECORD (series);

static const struct field load_fields[] = {
  { ROW (event_load, KIND_UINT32, "number", number), MAYBE },
  { ROW (event_load, KIND_TEXT, "where", where), ALWAYS },
  { ROW (event_load, KIND_TEXT, "name", name), MAYBE },
  { ROW (event_load, KIND_TEXT, "model", model), MAYBE },
  { ROW (event_load, KIND_INT64, "after_us", start_us), MAYBE },
  { ROW (event_load, KIND_INT64, "duration_us", duration_us), MAYBE },
  { ROW (event_load, KIND_INT64, "warmup_us", warmup_us), MAYBE },
  { ROW (event_load, KIND_INT64, "window_us", window_us), MAYBE },
  { ROW (event_load, KIND_UINT64, "users", users), MAYBE },
  { ROW (event_load, KIND_DOUBLE, "rate", rate), MAYBE },
  { ROW (event_load, KIND_RECORDS, "settings", settings), MORE (event_load, setting_count), MAYBE,
    .record = &setting_record },
  { ROW (event_load, KIND_RECORDS, "series", series), MORE (event_load, series_count), MAYBE,
    .record = &series_record },
  { ROW (event_load, KIND_RECORDS, "thresholds", thresholds), MORE (event_load, threshold_count), MAYBE,
    .record = &threshold_record },
  { ROW (event_load, KIND_RECORDS, "errors", errors), MORE (event_load, error_count), MAYBE,
    .record = &load_error_record },
};
static const struct record load_record = RECORD (load);

enum {
  RUN = 1 << EVENT_RUN, PLAN = 1 << EVENT_PLAN, SUITE = 1 << EVENT_SUITE, START = 1 << EVENT_START,
  SAMPLE = 1 << EVENT_SAMPLE, TEST = 1 << EVENT_TEST, SUITE_END = 1 << EVENT_SUITE_END,
  WARNING = 1 << EVENT_WARNING, END = 1 << EVENT_END,
  EVERY = RUN | PLAN | SUITE | START | SAMPLE | TEST | SUITE_END | WARNING | END,
  OF_SUITE = PLAN | SUITE | START | TEST | SUITE_END,
  OF_TEST = START | SAMPLE | TEST,
  RESULT = TEST | SUITE_END, /* a suite's end tells what its teardown did */
};

/* In the order in which they are written. */
static const struct field event_fields[] = {
  { ROW (event, KIND_INT64, "time_us", time_us), .in = EVERY, .required = EVERY },
  { ROW (event, KIND_INT64, "version", version), .in = RUN, .required = RUN },
  { ROW (event, KIND_TEXT, "runner", runner), .in = RUN },
  { ROW (event, KIND_TEXT, "host", host), .in = RUN },
  { ROW (event, KIND_TEXT, "seed", seed), .in = RUN },
  { ROW (event, KIND_TEXT, "command", command), .in = RUN },
  { ROW (event, KIND_UINT64, "suites", suites), .in = RUN | END },
  { ROW (event, KIND_UINT64, "tests", tests), .in = RUN | END },
  { ROW (event, KIND_UINT32, "jobs", jobs), .in = RUN },
  { ROW (event, KIND_UINT32, "suite", suite), .in = OF_SUITE | SAMPLE, .required = OF_SUITE | SAMPLE },
  { ROW (event, KIND_TEXT, "path", path), .in = PLAN | SUITE, .required = PLAN | SUITE },
  { ROW (event, KIND_UINT32, "first", first), .in = PLAN, .required = PLAN },
  { ROW (event, KIND_UINT32, "test", test), .in = OF_TEST, .required = OF_TEST },
  { ROW (event, KIND_TEXT, "name", name), .in = OF_SUITE },
  { ROW (event, KIND_TEXT, "about", about), .in = PLAN },
  { ROW (event, KIND_RECORDS, "planned", planned), MORE (event, planned_count), .in = PLAN, .required = PLAN,
    .record = &planned_record },
  { ROW (event, KIND_UINT32, "attempt", attempt), .in = OF_TEST, .required = TEST, .preset = 1 },
  { ROW (event, KIND_UINT32, "worker", worker), .in = SUITE | START | SAMPLE | RESULT },
  { ROW (event, KIND_UINT32, "load", load), .in = SAMPLE },
  { ROW (event, KIND_INT64, "at_us", at_us), .in = SAMPLE, .required = SAMPLE },
  { ROW (event, KIND_INT64, "span_us", span_us), .in = SAMPLE, .required = SAMPLE },
  { ROW (event, KIND_BOOL, "warmup", warmup), .in = SAMPLE },
  { ROW (event, KIND_UINT64, "users", users), .in = SAMPLE },
  { ROW (event, KIND_RECORDS, "series", series), MORE (event, series_count), .in = SAMPLE,
    .record = &series_record },
  { ROW (event, KIND_BOOL, "final", final), .in = TEST, .required = TEST },
  { ROW (event, KIND_OUTCOME, "outcome", outcome), .in = RESULT | END, .required = RESULT | END },
  { ROW (event, KIND_INT64, "start_us", start_us), .in = RESULT, .required = TEST },
  { ROW (event, KIND_INT64, "duration_us", duration_us), .in = RESULT | END, .required = TEST },
  { ROW (event, KIND_TEXT, "message", message), .in = RESULT | WARNING | END, .required = WARNING },
  { ROW (event, KIND_TEXT, "where", where), .in = RESULT | WARNING },
  { ROW (event, KIND_TEXT, "verb", verb), .in = RESULT },
  { ROW (event, KIND_TEXT, "step", step), .in = RESULT },
  { ROW (event, KIND_TEXT, "details", details), .in = RESULT | WARNING },
  { ROW (event, KIND_TEXT, "signal", signal), .in = RESULT },
  { ROW (event, KIND_BYTES, "output", output), MORE (event, output_size), .in = RESULT },
  { ROW (event, KIND_RECORDS, "steps", steps), MORE (event, step_count), .in = RESULT, .record = &step_record },
  { ROW (event, KIND_RECORDS, "traffic", traffic), MORE (event, traffic_count), .in = RESULT,
    .record = &traffic_record },
  { ROW (event, KIND_RECORDS, "logs", logs), MORE (event, log_count), .in = RESULT, .record = &log_record },
  { ROW (event, KIND_RECORDS, "loads", loads), MORE (event, load_count), .in = RESULT | SAMPLE,
    .record = &load_record },
  { ROW (event, KIND_TEXTS, "attachments", attachments), MORE (event, attachment_count), .in = RESULT },
  { ROW (event, KIND_TEXTS, "warnings", warnings), MORE (event, warning_count), .in = RESULT },
  { ROW (event, KIND_INT, "status", status), .in = END, .required = END },
  { ROW (event, KIND_BOOL, "interrupted", interrupted), .in = END },
};
const struct record event_record = { event_fields, MANY (event_fields), sizeof (struct event) };
_Static_assert (MANY (event_fields) <= 64, "the reader has one bit for each");

#define GET(type, base, offset) (*(type const *) ((const char *) (base) + (offset)))

static double
get_double (const void *base, size_t offset)
{
  double number;
  memcpy (&number, (const char *) base + offset, sizeof number);
  return number;
}

/* ---- writing ---- */

static bool
is_left_out (const void *base, const struct field *field)
{
  switch (field->kind) {
  case KIND_TEXT:
    return !GET (char *, base, field->offset);
  case KIND_BYTES:
  case KIND_TEXTS:
  case KIND_RECORDS:
    return !GET (size_t, base, field->more);
  case KIND_INT64:
  case KIND_UINT64:
    return GET (uint64_t, base, field->offset) == field->preset;
  case KIND_DOUBLE: /* JSON has no infinity, and no number that is none */
    return !isnormal (get_double (base, field->offset));
  case KIND_BOOL:
    return !GET (bool, base, field->offset);
  default:
    return GET (uint32_t, base, field->offset) == field->preset;
  }
}

static void
write_text (struct buffer *out, const char *text)
{
  json_write_string (out, text ? text : "", text ? strlen (text) : 0);
}

static void
write_texts (struct buffer *out, char *const *texts, size_t count)
{
  buffer_putc (out, '[');
  for (size_t i = 0; i < count; i++) {
    if (i)
      buffer_putc (out, ',');
    write_text (out, texts[i]);
  }
  buffer_putc (out, ']');
}

static void
write_boolean (struct buffer *out, bool on)
{
  if (on)
    buffer_lit (out, "true");
  else
    buffer_lit (out, "false");
}

static void write_members (struct buffer *out, const struct record *record, const void *base, uint32_t bit,
                           bool first);

static void
write_records (struct buffer *out, const struct record *record, const char *items, size_t count)
{
  buffer_putc (out, '[');
  for (size_t i = 0; i < count; i++) {
    buffer_puts (out, i ? ",{" : "{");
    write_members (out, record, items + i * record->size, 1, true);
    buffer_putc (out, '}');
  }
  buffer_putc (out, ']');
}

static void
write_value (struct buffer *out, const struct field *field, const void *base)
{
  switch (field->kind) {
  case KIND_TEXT:
    write_text (out, GET (char *, base, field->offset));
    break;
  case KIND_BYTES:
    json_write_string (out, GET (char *, base, field->offset), GET (size_t, base, field->more));
    break;
  case KIND_INT64:
    buffer_int (out, GET (int64_t, base, field->offset));
    break;
  case KIND_UINT64: { /* what int64 cannot hold is not a count */
    uint64_t number = GET (uint64_t, base, field->offset);
    buffer_int (out, number > INT64_MAX ? INT64_MAX : (int64_t) number);
    break;
  }
  case KIND_UINT32:
    buffer_int (out, GET (uint32_t, base, field->offset));
    break;
  case KIND_INT:
    buffer_int (out, GET (int, base, field->offset));
    break;
  case KIND_DOUBLE:
    buffer_float (out, get_double (base, field->offset));
    break;
  case KIND_BOOL:
    write_boolean (out, GET (bool, base, field->offset));
    break;
  case KIND_FLAG:
    write_boolean (out, GET (int, base, field->offset));
    break;
  case KIND_OUTCOME: {
    int outcome = GET (int, base, field->offset);
    write_text (out, outcome_names[outcome >= 0 && outcome <= OUTCOME_NOT_RUN ? outcome : OUTCOME_ERROR]);
    break;
  }
  case KIND_TEXTS:
    write_texts (out, GET (char *const *, base, field->offset), GET (size_t, base, field->more));
    break;
  default:
    write_records (out, field->record, GET (char *, base, field->offset), GET (size_t, base, field->more));
  }
}

/* `first`: no comma before the first of them. */
static void
write_members (struct buffer *out, const struct record *record, const void *base, uint32_t bit, bool first)
{
  for (const struct field *field = record->fields; field < record->fields + record->count; field++) {
    if (!(field->in & bit) || (!(field->required & bit) && is_left_out (base, field)))
      continue;
    buffer_add (out, field->lead + first, field->name_size + 4u - first);
    first = false;
    write_value (out, field, base);
  }
}

static void
write_line (struct buffer *out, const struct event *event)
{
  const struct event_name *name = &event_names[event->type];
  buffer_lit (out, "{\"event\":\"");
  buffer_add (out, name->text, name->size);
  buffer_putc (out, '"');
  write_members (out, &event_record, event, 1u << event->type, false);
  buffer_lit (out, "}\n");
}

#define KEPT_OUTPUT ((size_t) 1 << 20)

/* An event without what can make it too long to be read.  A result must never be
 * lost for the length of what came with it. */
static struct event
shortened (const struct event *event, const char **warning)
{
  struct event rest = *event;
  static const char told[] = "more came with this result than an event can hold: "
                             "steps, traffic and logs are left out";
  *warning = told;
  rest.warnings = warning;
  rest.warning_count = 1;
  if (rest.output_size > KEPT_OUTPUT) {
    rest.output += rest.output_size - KEPT_OUTPUT;
    rest.output_size = KEPT_OUTPUT;
  }
  rest.step_count = rest.traffic_count = rest.log_count = rest.attachment_count = 0;
  return rest;
}

/* At most so many bytes of it, whole characters. */
static const char *
cut_text (struct arena *arena, const char *text, size_t most)
{
  if (!text || strlen (text) <= most)
    return text;
  while (most && ((unsigned char) text[most] & 0xc0) == 0x80)
    most--;
  return arena_printf (arena, "%.*s…", (int) most, text);
}

/* The texts of a plan are cut: together they fit, also if each of their bytes takes six in JSON. */
static struct event
shortened_plan (const struct event *event, struct arena *arena)
{
  struct event rest = *event;
  size_t most = EVENT_LINE_MAX / 8 / (3 * (event->planned_count + 1));
  rest.name = cut_text (arena, event->name, most);
  rest.about = cut_text (arena, event->about, most);
  rest.planned = arena_array (arena, event->planned_count, sizeof *rest.planned);
  for (size_t i = 0; i < event->planned_count; i++) {
    const struct event_planned *planned = &event->planned[i];
    rest.planned[i] = (struct event_planned) { .name = cut_text (arena, planned->name, most), .line = planned->line,
                                               .tags = cut_text (arena, planned->tags, most),
                                               .about = cut_text (arena, planned->about, most) };
  }
  return rest;
}

void
event_write (struct buffer *out, const struct event *event)
{
  if (event->type < 0 || event->type >= EVENT_UNKNOWN)
    return;
  size_t start = out->size;
  write_line (out, event);
  if (out->size - start <= EVENT_LINE_MAX)
    return;
  if (event->type == EVENT_PLAN) {
    CLEANUP_ARENA struct arena arena = { 0 };
    struct event plan = shortened_plan (event, &arena);
    out->size = start;
    write_line (out, &plan);
    return;
  }
  const char *warning;
  struct event rest = shortened (event, &warning);
  out->size = start;
  write_line (out, &rest);
  if (out->size - start <= EVENT_LINE_MAX)
    return;
  rest.load_count = rest.series_count = 0;
  out->size = start;
  write_line (out, &rest);
  if (out->size - start <= EVENT_LINE_MAX)
    return;
  rest.details = NULL; /* it, or the message, has the length of a file */
  rest.message = rest.message ? warning : NULL;
  rest.output_size = 0;
  out->size = start;
  write_line (out, &rest);
}
