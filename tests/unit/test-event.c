/* test-event.c - event.c: what is written can be read, and what is read is checked. */
#include "unit.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"

static struct arena arena;
static struct buffer line;
static char error[200];

static void
teardown (void)
{
  arena_free (&arena);
  buffer_free (&line);
}

/* Writes the event, checks that jansson agrees that it is JSON on one line, reads it. */
static struct event
there_and_back (const struct event *event)
{
  struct event back;
  line.size = 0;
  event_write (&line, event);
  ck_assert_uint_gt (line.size, 0);
  ck_assert_ptr_eq (memchr (line.data, '\n', line.size), line.data + line.size - 1);
  json_error_t why;
  json_t *json = json_loadb (line.data, line.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
  if (!memmem (line.data, line.size, "\\udc", 4)) /* which jansson refuses */
    ck_assert_msg (json, "%s", why.text);
  json_decref (json);
  ck_assert_msg (event_read (&arena, line.data, line.size, &back, error, sizeof error), "%s\n%.*s", error,
                 (int) line.size, line.data);
  ck_assert_int_eq (back.type, event->type);
  return back;
}

START_TEST (a_trivial_test_is_a_short_line)
{
  struct event event = { .type = EVENT_TEST, .time_us = 1700000000000450, .suite = 3, .test = 5, .attempt = 1,
                         .final = true, .start_us = 1700000000000000, .duration_us = 450 };
  there_and_back (&event);
  ck_assert_str_eq (buffer_text (&line),
                    "{\"event\":\"test\",\"time_us\":1700000000000450,\"suite\":3,\"test\":5,\"attempt\":1,"
                    "\"final\":true,\"outcome\":\"passed\",\"start_us\":1700000000000000,\"duration_us\":450}\n");
}
END_TEST

static struct event_step steps[] = {
  { .where = "a.yaml:1:2", .verb = "tcp.send", .attempts = 1, .time_us = 5 },
  { .where = "a.yaml:3:4", .verb = "tcp.receive", .name = "the answer", .outcome = OUTCOME_FAILED, .start_us = 7,
    .time_us = 9, .attempts = 4, .depth = 2, .phase = "defer", .message = "no \"answer\"\n" },
};
static struct event_traffic traffic[] = {
  { .peer = "[::1]:80", .received = 1, .time_us = 11, .size = 1000, .data = "\0\xff\xc3\xa9", .data_size = 4 },
  { .peer = "", .size = 0 },
};
static struct event_log logs[] = { { "hub", "x\x1b[1m\n", 6, "/tmp/hub.log" }, { "other", NULL, 0, NULL } };
static struct event_bucket buckets[] = { { 400, 52 }, { 700, 8 } };
static struct event_series series[] = {
  { .name = "total", .count = 60, .failed = 3, .min_us = 1, .mean_us = 2, .p50_us = 3, .p90_us = 4, .p95_us = 5,
    .p99_us = 6, .p999_us = 7, .max_us = 8, .buckets = buckets, .bucket_count = 2 },
  { .name = "iteration" },
};
static struct event_threshold thresholds[] = {
  { .name = "p95", .where = "a.yaml:9:1", .outcome = OUTCOME_FAILED, .actual = "5us", .limit = "< 4us", .message = "too slow" },
  { .name = "errors", .outcome = OUTCOME_ERROR },
};
static struct event_load_error load_errors[] = { { "refused", "a.yaml:7:7", 2 }, { "reset", NULL, 1 } };
static struct event_setting settings[] = { { "users", "14" }, { "think", "1s..2s" } };
static struct event_load loads[] = {
  { .where = "a.yaml:5:5", .name = "rush", .model = "open", .start_us = 11, .duration_us = 12, .warmup_us = 13,
    .users = 14, .rate = 1234.5, .settings = settings, .setting_count = 2, .series = series, .series_count = 2, .thresholds = thresholds,
    .threshold_count = 2, .errors = load_errors, .error_count = 2 },
  { .number = 7, .where = "a.yaml:6:5", .rate = 1e300 },
};
static const char *attachments[] = { "/a b", "/c" }, *warnings[] = { "checks nothing" };
static const struct event full = {
  .type = EVENT_TEST, .time_us = 1, .suite = UINT32_MAX, .test = 2, .name = "né\xf0\x9f\x98\x80", .attempt = 3,
  .worker = 4, .final = true, .outcome = OUTCOME_ERROR, .start_us = -(INT64_C (1) << 56),
  .duration_us = INT64_C (1) << 56,
  .message = "\b\f\t\r\\/", .where = "w", .verb = "v", .step = "s", .details = "d1\nd2", .signal = "SIGSEGV",
  .output = "o\0\x80p", .output_size = 4, .steps = steps, .step_count = 2, .traffic = traffic, .traffic_count = 2,
  .logs = logs, .log_count = 2, .loads = loads, .load_count = 2, .attachments = attachments, .attachment_count = 2, .warnings = warnings,
  .warning_count = 1,
};

START_TEST (a_full_test_comes_back_as_it_was)
{
  struct event back = there_and_back (&full);
  ck_assert_uint_eq (back.suite, UINT32_MAX);
  ck_assert_uint_eq (back.test, 2);
  ck_assert_str_eq (back.name, full.name);
  ck_assert_uint_eq (back.attempt, 3);
  ck_assert_uint_eq (back.worker, 4);
  ck_assert (back.final);
  ck_assert_int_eq (back.outcome, OUTCOME_ERROR);
  ck_assert_int_eq (back.start_us, full.start_us);
  ck_assert_int_eq (back.duration_us, full.duration_us);
  ck_assert_str_eq (back.message, full.message);
  ck_assert_str_eq (back.details, full.details);
  ck_assert_str_eq (back.signal, "SIGSEGV");
  ck_assert_uint_eq (back.output_size, 4);
  ck_assert (memcmp (back.output, "o\0\x80p", 5) == 0);
  ck_assert_uint_eq (back.attachment_count, 2);
  ck_assert_str_eq (back.attachments[1], "/c");
  ck_assert_uint_eq (back.warning_count, 1);
  ck_assert_str_eq (back.warnings[0], "checks nothing");
}
END_TEST

START_TEST (steps_traffic_and_logs_come_back)
{
  struct event back = there_and_back (&full);
  ck_assert_uint_eq (back.step_count, 2);
  ck_assert_ptr_null (back.steps[0].name);
  ck_assert_uint_eq (back.steps[0].attempts, 1);
  ck_assert_str_eq (back.steps[1].message, "no \"answer\"\n");
  ck_assert_uint_eq (back.steps[1].attempts, 4);
  ck_assert_uint_eq (back.steps[1].depth, 2);
  ck_assert_int_eq (back.steps[1].start_us, 7);
  ck_assert_int_eq (back.steps[1].time_us, 9);
  ck_assert_str_eq (back.steps[1].phase, "defer");
  ck_assert_uint_eq (back.traffic_count, 2);
  ck_assert_int_eq (back.traffic[0].received, 1);
  ck_assert_uint_eq (back.traffic[0].size, 1000);
  ck_assert_uint_eq (back.traffic[0].data_size, 4);
  ck_assert (memcmp (back.traffic[0].data, "\0\xff\xc3\xa9", 4) == 0);
  ck_assert_int_eq (back.traffic[1].received, 0);
  ck_assert_uint_eq (back.log_count, 2);
  ck_assert_str_eq (back.logs[0].text, "x\x1b[1m\n");
  ck_assert_str_eq (back.logs[0].file, "/tmp/hub.log");
  ck_assert_ptr_null (back.logs[1].file);
}
END_TEST

START_TEST (loads_come_back)
{
  struct event back = there_and_back (&full);
  ck_assert_uint_eq (back.load_count, 2);
  const struct event_load *load = &back.loads[0];
  ck_assert_str_eq (load->where, "a.yaml:5:5");
  ck_assert_str_eq (load->name, "rush");
  ck_assert_str_eq (load->model, "open");
  ck_assert_int_eq (load->start_us, 11);
  ck_assert_int_eq (load->duration_us, 12);
  ck_assert_int_eq (load->warmup_us, 13);
  ck_assert_uint_eq (load->users, 14);
  ck_assert_double_eq (load->rate, 1234.5);
  ck_assert_double_eq (back.loads[1].rate, 1e300);
  ck_assert_uint_eq (load->number, 0);
  ck_assert_uint_eq (back.loads[1].number, 7);
  ck_assert_ptr_null (back.loads[1].name);
  ck_assert_uint_eq (load->threshold_count, 2);
  ck_assert_str_eq (load->thresholds[0].actual, "5us");
  ck_assert_str_eq (load->thresholds[0].limit, "< 4us");
  ck_assert_uint_eq (load->setting_count, 2);
  ck_assert_str_eq (load->settings[1].name, "think");
  ck_assert_str_eq (load->settings[1].value, "1s..2s");
  ck_assert_str_eq (load->thresholds[0].message, "too slow");
  ck_assert_str_eq (load->thresholds[0].where, "a.yaml:9:1");
  ck_assert_int_eq (load->thresholds[0].outcome, OUTCOME_FAILED);
  ck_assert_int_eq (load->thresholds[1].outcome, OUTCOME_ERROR);
  ck_assert_uint_eq (load->error_count, 2);
  ck_assert_str_eq (load->errors[0].message, "refused");
  ck_assert_str_eq (load->errors[0].where, "a.yaml:7:7");
  ck_assert_uint_eq (load->errors[1].count, 1);
}
END_TEST

static void
is_the_series (const struct event_series *got)
{
  ck_assert_str_eq (got[0].name, "total");
  const int64_t numbers[] = { got->min_us, got->mean_us, got->p50_us,  got->p90_us,
                              got->p95_us, got->p99_us,  got->p999_us, got->max_us };
  for (int i = 0; i < 8; i++)
    ck_assert_int_eq (numbers[i], i + 1);
  ck_assert_uint_eq (got->count, 60);
  ck_assert_uint_eq (got->failed, 3);
  ck_assert_uint_eq (got->bucket_count, 2);
  ck_assert_int_eq (got->buckets[1].to_us, 700);
  ck_assert_uint_eq (got->buckets[1].count, 8);
  ck_assert_str_eq (got[1].name, "iteration");
  ck_assert_uint_eq (got[1].count, 0);
}

START_TEST (series_and_samples_come_back)
{
  struct event sample = { .type = EVENT_SAMPLE, .time_us = 1, .suite = 2, .test = 3, .attempt = 4, .worker = 5,
                          .load = 6, .at_us = 7, .span_us = 8, .warmup = true, .users = 9, .series = series,
                          .series_count = 2 };
  struct event back = there_and_back (&full);
  ck_assert_uint_eq (back.loads[0].series_count, 2);
  is_the_series (back.loads[0].series);
  back = there_and_back (&sample);
  ck_assert_uint_eq (back.series_count, 2);
  is_the_series (back.series);
  ck_assert_uint_eq (back.suite, 2);
  ck_assert_uint_eq (back.test, 3);
  ck_assert_uint_eq (back.attempt, 4);
  ck_assert_uint_eq (back.worker, 5);
  ck_assert_uint_eq (back.load, 6);
  ck_assert_int_eq (back.at_us, 7);
  ck_assert_int_eq (back.span_us, 8);
  ck_assert (back.warmup);
  ck_assert_uint_eq (back.users, 9);
}
END_TEST

/* JSON has no infinity. */
START_TEST (a_rate_that_is_no_number_is_left_out)
{
  struct event_load odd[] = { { .where = "a", .rate = INFINITY }, { .where = "b", .rate = NAN },
                              { .where = "c", .rate = -0.25 } };
  struct event event = { .type = EVENT_TEST, .attempt = 1, .loads = odd, .load_count = 3 };
  struct event back = there_and_back (&event);
  ck_assert_double_eq (back.loads[0].rate, 0);
  ck_assert_double_eq (back.loads[1].rate, 0);
  ck_assert_double_eq (back.loads[2].rate, -0.25);
}
END_TEST

START_TEST (the_other_events_come_back)
{
  struct event_planned planned[] = { { "one", 3, "a,b", "why" }, { .name = "two", .line = 9 } };
  struct event run = { .type = EVENT_RUN, .version = 1, .runner = "0.1", .seed = "7", .suites = 2,
                       .tests = 3, .jobs = 4 };
  struct event plan = { .type = EVENT_PLAN, .suite = 1, .path = "p", .name = "n", .about = "all", .first = 2, .planned = planned,
                        .planned_count = 2 };
  struct event end = { .type = EVENT_END, .status = 130, .interrupted = true, .outcome = OUTCOME_NOT_RUN };
  struct event back = there_and_back (&run);
  ck_assert_str_eq (back.seed, "7");
  ck_assert_ptr_null (back.host);
  ck_assert_uint_eq (back.tests, 3);
  ck_assert_uint_eq (back.jobs, 4);
  back = there_and_back (&plan);
  ck_assert_uint_eq (back.planned_count, 2);
  ck_assert_uint_eq (back.first, 2);
  ck_assert_str_eq (back.about, "all");
  ck_assert_str_eq (back.planned[0].tags, "a,b");
  ck_assert_str_eq (back.planned[0].about, "why");
  ck_assert_ptr_null (back.planned[1].about);
  ck_assert_uint_eq (back.planned[1].line, 9);
  back = there_and_back (&end);
  ck_assert_int_eq (back.status, 130);
  ck_assert (back.interrupted);
  ck_assert_int_eq (back.outcome, OUTCOME_NOT_RUN);
}
END_TEST

#define WARNING_WITH(members) "{\"event\":\"warning\",\"time_us\":1," members "}"

START_TEST (later_versions_may_add_things)
{
  struct event event;
  const char text[] = " { \"new\" : [1, {\"a\": [null, true, -1.5e+3, \"\\u00e9\\\"\"]}] , "
                      "\"event\" : \"warning\",\"time_us\":1,"
                      "\"message\" : \"hi\", \"where\": null } ";
  ck_assert_msg (event_read (&arena, text, strlen (text), &event, error, sizeof error), "%s", error);
  ck_assert_int_eq (event.type, EVENT_WARNING);
  ck_assert_str_eq (event.message, "hi");
  ck_assert_ptr_null (event.where);
  const char escapes[] = WARNING_WITH ("\"message\":\"\\ud83d\\ude00\\u00e9\\u20ac\\u0041\\/\"");
  ck_assert_msg (event_read (&arena, escapes, strlen (escapes), &event, error, sizeof error), "%s", error);
  ck_assert_str_eq (event.message, "\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac" "A/");
  const char later[] = "{\"event\":\"forecast\",\"suite\":\"another type\"}";
  ck_assert_msg (event_read (&arena, later, strlen (later), &event, error, sizeof error), "%s", error);
  ck_assert_int_eq (event.type, EVENT_UNKNOWN);
}
END_TEST

static const struct { const char *text, *error; } bad[] = {
  { "", "column 1: `{` is missing at the end" },
  { "[]", "column 1: `{` is missing" },
  { "{}", "column 3: `event` is missing" },
  { "{\"time_us\":1}", "column 13: `event` is missing" },
  { "{\"event\":1}", "column 10: `event` must be a string" },
  { "{\"event\":\"x\"", "column 13: `}` is missing at the end" },
  { "{\"event\":\"x\"}x", "column 14: something follows the event" },
  { "{\"event\":\"x\",}", "column 14: the name of a member is missing" },
  { "{\"event\":\"x\" \"y\":1}", "column 14: `}` is missing" },
  { "{\"event\":\"x\",\"y\"1}", "column 17: `:` is missing" },
  { "{\"event\":\"x\",\"y\":01}", "column 20: a number begins with 0" },
  { "{\"event\":\"x\",\"y\":1.}", "column 20: a digit is missing" },
  { "{\"event\":\"x\",\"y\":nul}", "column 18: an unknown word" },
  { "{\"event\":\"x\",\"y\":[[1]", "column 22: `]` is missing at the end" },
  { WARNING_WITH ("\"message\":5"), "column 42: `message` must be a string" },
  { WARNING_WITH ("\"message\":null"), "column 47: `message` is missing" },
  { WARNING_WITH ("\"message\":\"a\\u0000b\""), "column 52: `message` holds a NUL" },
  { WARNING_WITH ("\"message\":\"a\\x\""), "column 46: an unknown escape" },
  { WARNING_WITH ("\"message\":\"\\u12g4\""), "column 48: a \\u escape needs four hexadecimal digits" },
  { WARNING_WITH ("\"message\":\"\\ud800x\""), "column 49: half of a surrogate pair" },
  { WARNING_WITH ("\"message\":\"\\udc7fx\""), "column 49: half of a surrogate pair" },
  { WARNING_WITH ("\"message\":\"\\ud800\\u0041\""), "column 55: half of a surrogate pair" },
  { WARNING_WITH ("\"message\":\"\x01\""), "column 43: a control character in a string" },
  { WARNING_WITH ("\"message\":\"\xff\""), "column 43: a string is not UTF-8" },
  { WARNING_WITH ("\"message\":\"a\",\"message\":\"a\""), "column 56: `message` is there twice" },
  { "{\"event\":\"warning\",\"message\":\"a", "column 32: the string is cut off" },
  { "{\"event\":\"warning\",\"message\":\"a\"}", "column 34: `time_us` is missing" },
  { "{\"event\":\"warning\",\"time_us\":9223372036854775808}", "column 30: the number is too large" },
  { "{\"event\":\"warning\",\"time_us\":9223372036854775807}", "column 49: `time_us` is out of range" },
  { "{\"event\":\"warning\",\"time_us\":1.0}", "column 30: an integer is missing" },
  { "{\"event\":\"warning\",\"time_us\":01}", "column 30: an integer is missing" },
  { "{\"event\":\"warning\",\"time_us\":-}", "column 30: an integer is missing" },
  { "{\"event\":\"start\",\"time_us\":1,\"suite\":-1}", "column 40: `suite` is out of range" },
  { "{\"event\":\"start\",\"time_us\":1,\"suite\":4294967296}", "column 48: `suite` is out of range" },
  { "{\"event\":\"test\",\"outcome\":\"good\"}", "column 33: an unknown outcome" },
  { "{\"event\":\"test\",\"final\":1}", "column 25: `final` must be a boolean" },
  { "{\"event\":\"test\",\"steps\":{}}", "column 25: `steps` must be a list" },
  { "{\"event\":\"test\",\"steps\":[1]}", "column 26: `{` is missing" },
  { "{\"event\":\"test\",\"steps\":[{\"verb\":\"a\"}]}", "column 38: `where` is missing" },
  { "{\"event\":\"test\",\"loads\":[{\"rate\":\"1\"}]}", "column 34: `rate` must be a number" },
  { "{\"event\":\"test\",\"loads\":[{\"rate\":1e999}]}", "column 39: `rate` is out of range" },
  { "{\"event\":\"test\",\"loads\":[{\"rate\":1.}]}", "column 36: a digit is missing" },
  { "{\"event\":\"test\",\"loads\":[{\"rate\":1"
    "0000000000000000000000000000000000000000000000000000000000000000}]}",
    "column 99: `rate` has too many digits" },
  { "{\"event\":\"test\",\"loads\":[{\"rate\":1}]}", "column 36: `where` is missing" },
  { "{\"event\":\"sample\",\"time_us\":1,\"suite\":1,\"test\":1,\"span_us\":1}",
    "column 62: `at_us` is missing" },
  { "{\"event\":\"test\",\"warnings\":[1]}", "column 29: `warnings` must be a list" },
};

START_TEST (what_is_no_event_is_refused)
{
  struct event event;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    /* exactly as large as the text, so that reading beyond it is seen */
    char *copy = malloc (strlen (bad[i].text) + 1);
    memcpy (copy, bad[i].text, strlen (bad[i].text));
    char *exact = realloc (copy, strlen (bad[i].text) + !*bad[i].text);
    ck_assert_ptr_nonnull (exact);
    bool ok = event_read (&arena, exact, strlen (bad[i].text), &event, error, sizeof error);
    ck_assert_msg (!ok, "%s", bad[i].text);
    ck_assert_msg (strcmp (error, bad[i].error) == 0, "%s\nsays %s\nnot  %s", bad[i].text, error, bad[i].error);
    free (exact);
  }
}
END_TEST

START_TEST (depth_is_bounded)
{
  struct event event;
  buffer_puts (&line, "{\"event\":\"x\",\"y\":");
  for (int i = 0; i < 100000; i++)
    buffer_putc (&line, '[');
  ck_assert (!event_read (&arena, line.data, line.size, &event, error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "nested too deeply"));
}
END_TEST

/* Every prefix of a full line is refused, and none is read beyond its end. */
START_TEST (a_line_that_was_cut_off_is_refused)
{
  struct event event;
  there_and_back (&full);
  for (size_t n = 0; n < line.size - 2; n++) {
    char *prefix = malloc (n ? n : 1);
    ck_assert_ptr_nonnull (prefix);
    memcpy (prefix, line.data, n);
    ck_assert_msg (!event_read (&arena, prefix, n, &event, error, sizeof error), "%zu bytes", n);
    free (prefix);
  }
}
END_TEST

START_TEST (a_result_is_never_too_long_to_be_read)
{
  size_t size = 7 << 20;
  char *much = malloc (size + 1);
  ck_assert_ptr_nonnull (much);
  memset (much, 1, size); /* six bytes each in JSON */
  much[size] = '\0';
  struct event event = { .type = EVENT_TEST, .suite = 1, .test = 2, .outcome = OUTCOME_FAILED, .message = "short",
                         .output = much, .output_size = size, .steps = steps, .step_count = 2 };
  struct event back = there_and_back (&event);
  ck_assert_uint_eq (back.output_size, 1 << 20);
  ck_assert_str_eq (back.message, "short");
  ck_assert_uint_eq (back.warning_count, 1);
  struct event_load_error long_error = { .message = much, .count = 1 };
  struct event_load load = { .where = "here", .errors = &long_error, .error_count = 1 };
  event.loads = &load;
  event.load_count = 1;
  event.output_size = 0;
  back = there_and_back (&event);
  ck_assert_uint_eq (back.load_count, 0);
  ck_assert_str_eq (back.message, "short");
  long_error.message = "e";
  event.output_size = size;
  back = there_and_back (&event);
  ck_assert_uint_eq (back.load_count, 1);
  event.message = event.details = much;
  back = there_and_back (&event);
  ck_assert_int_eq (back.outcome, OUTCOME_FAILED);
  ck_assert_str_eq (back.message, back.warnings[0]);
  free (much);
}
END_TEST

/* The example of the manual is what we write: it is read and written again. */
START_TEST (a_plan_is_never_too_long_to_be_read)
{
  enum { TESTS = 500 };
  static struct event_planned planned[TESTS];
  size_t size = 80000;
  char *much = malloc (size + 1);
  ck_assert_ptr_nonnull (much);
  for (size_t i = 0; i + 1 < size; i += 2)
    memcpy (much + i, "\xc3\xa9", 2); /* é */
  much[size] = '\0';
  for (uint32_t i = 0; i < TESTS; i++)
    planned[i] = (struct event_planned) { .name = i == 7 ? much : "short", .line = i, .about = much, .tags = "a,b" };
  struct event event = { .type = EVENT_PLAN, .suite = 1, .path = "a.yaml", .name = much, .first = 500,
                         .planned = planned, .planned_count = TESTS };
  struct event back = there_and_back (&event);
  ck_assert_uint_eq (back.planned_count, TESTS);
  ck_assert_uint_eq (back.first, 500);
  ck_assert_str_eq (back.planned[499].name, "short");
  ck_assert_str_eq (back.planned[499].tags, "a,b");
  ck_assert_uint_eq (back.planned[499].line, 499);
  const char *cut[] = { back.name, back.planned[7].name, back.planned[0].about };
  for (int i = 0; i < 3; i++) {
    size_t n = strlen (cut[i]);
    ck_assert_uint_gt (n, 2000);
    ck_assert_uint_lt (n, 8000);
    ck_assert_str_eq (cut[i] + n - 5, "é…");
  }
  memset (much, 1, size); /* six bytes each in JSON */
  for (int i = 0; i < TESTS; i++)
    planned[i].name = planned[i].tags = much;
  there_and_back (&event);
  planned[0].name = planned[0].tags = planned[0].about = "whole";
  event.planned_count = 1;
  ck_assert_str_eq (there_and_back (&event).name, much);
  free (much);
}
END_TEST

START_TEST (the_manual_is_right)
{
  FILE *pod = fopen (TOP_SRCDIR "/docs/events.pod", "r");
  ck_assert_ptr_nonnull (pod);
  char *text = NULL;
  size_t room = 0;
  int seen[EVENT_UNKNOWN + 1] = { 0 };
  struct event event;
  while (getline (&text, &room, pod) > 0) {
    if (strncmp (text, " {\"event\"", 9))
      continue;
    bool ok = event_read (&arena, text + 1, strlen (text + 1), &event, error, sizeof error);
    ck_assert_msg (ok, "%s: %s", error, text);
    seen[event.type]++;
    line.size = 0;
    event_write (&line, &event);
    ck_assert_str_eq (buffer_text (&line), text + 1);
  }
  for (int type = 0; type < EVENT_UNKNOWN; type++)
    ck_assert_msg (seen[type] > 0, "event %d has no example", type);
  ck_assert_int_eq (seen[EVENT_UNKNOWN], 0);
  free (text);
  fclose (pod);
}
END_TEST

Suite *
event_suite (void)
{
  Suite *suite = suite_create ("event");
  TCase *tc = tcase_create ("event");
  tcase_add_checked_fixture (tc, NULL, teardown);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, a_trivial_test_is_a_short_line);
  tcase_add_test (tc, a_full_test_comes_back_as_it_was);
  tcase_add_test (tc, steps_traffic_and_logs_come_back);
  tcase_add_test (tc, loads_come_back);
  tcase_add_test (tc, series_and_samples_come_back);
  tcase_add_test (tc, a_rate_that_is_no_number_is_left_out);
  tcase_add_test (tc, the_other_events_come_back);
  tcase_add_test (tc, later_versions_may_add_things);
  tcase_add_test (tc, what_is_no_event_is_refused);
  tcase_add_test (tc, depth_is_bounded);
  tcase_add_test (tc, a_line_that_was_cut_off_is_refused);
  tcase_add_test (tc, a_result_is_never_too_long_to_be_read);
  tcase_add_test (tc, a_plan_is_never_too_long_to_be_read);
  tcase_add_test (tc, the_manual_is_right);
  suite_add_tcase (suite, tc);
  return suite;
}
