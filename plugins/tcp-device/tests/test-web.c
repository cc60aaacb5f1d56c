/* test-web.c - web.c: what is answered, stored, published and printed. */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

static struct web web;
static struct collector collector;
static struct bytes published;

static void
collect_output (void *data, struct broker_message *message)
{
  (void) data;
  bytes_add (&published, message->body, message->size);
  web.broker->ops->acknowledge (web.broker, message);
}

static void
start (void)
{
  char error[256];
  collector_init (&collector);
  published = (struct bytes) { 0 };
  web = (struct web) { store_sqlite_open (NULL, false, error, sizeof error), broker_memory_open (),
                       &collector.journal };
  ck_assert_ptr_nonnull (web.store);
  ck_assert_int_eq (web_start (&web), 0);
  ck_assert_int_eq (web.broker->ops->subscribe (web.broker, BROKER_OUTPUT, collect_output, NULL), 0);
}

static void
stop (void)
{
  web.broker->ops->close (web.broker);
  web.store->ops->close (web.store);
  collector_free (&collector);
  bytes_free (&published);
}

/* The answer's status; its whole body in *body (to be freed), unless that is NULL. */
static unsigned
ask (const char *method, const char *path, const char *text, size_t size, char **body)
{
  struct web_request request = { method, path, text, size, size > WEB_BODY_LIMIT };
  struct web_response response;
  web_answer (&web, &request, &response);
  struct bytes all = { 0 };
  bytes_add (&all, response.body.data, response.body.size);
  while (response.more) {
    ck_assert_int_eq (web_more (&web, &response), 0);
    bytes_add (&all, response.body.data, response.body.size);
  }
  bytes_free (&response.body);
  bytes_text (&all);
  ck_assert_str_eq (response.type, all.data[0] == '{' ? "application/json" : "text/html; charset=utf-8");
  if (body)
    *body = all.data;
  else
    bytes_free (&all);
  return response.status;
}

static void
assert_answer (const char *method, const char *path, const char *text, unsigned status, const char *expected)
{
  char *body;
  unsigned got = ask (method, path, text, strlen (text), &body);
  ck_assert_msg (got == status, "%s %s %s: %u", method, path, text, got);
  ck_assert_str_eq (body, expected);
  free (body);
}

static void
create (int64_t id)
{
  char text[64];
  snprintf (text, sizeof text, "{\"id\": %lld}", (long long) id);
  assert_answer ("POST", "/api/v1/device", text, 200, "OK");
}

static void
publish_input (const char *text)
{
  ck_assert_int_eq (web.broker->ops->publish (web.broker, BROKER_INPUT, text, strlen (text)), 0);
}

static json_t *
reports_of (const char *path)
{
  char *body;
  ck_assert_uint_eq (ask ("GET", path, "", 0, &body), 200);
  json_t *json = json_loads (body, 0, NULL);
  ck_assert_msg (json != NULL, "%s", body);
  free (body);
  json_t *reports = json_incref (json_object_get (json, "reports"));
  ck_assert (json_is_array (reports));
  json_decref (json);
  return reports;
}

START_TEST (a_device_is_created_once)
{
  create (123);
  create (123);
  create (INT64_MIN);
  create (INT64_MAX);
  ck_assert_int_eq (web.store->ops->has_device (web.store, 123), 1);
  ck_assert_int_eq (web.store->ops->has_device (web.store, INT64_MAX), 1);
  ck_assert_int_eq (web.store->ops->has_device (web.store, 124), 0);
}
END_TEST

START_TEST (a_report_to_a_known_device_is_published_unchanged)
{
  const char *text = " {\"report\" :\"n\\u0061me\",\n \"id\":123, \"more\": [1]} ";
  assert_answer ("POST", "/api/v1/device/123/reports", text, 200, "device is UNKNOWN");
  ck_assert_uint_eq (published.size, 0);
  create (123);
  assert_answer ("POST", "/api/v1/device/123/reports", text, 200, "OK");
  ck_assert_str_eq (bytes_text (&published), text);
}
END_TEST

START_TEST (what_devices_report_is_stored_newest_first)
{
  create (123);
  collector_take (&collector);
  publish_input ("{\"id\": 123, \"report\": \"one\"}");
  ck_assert_str_eq (collector_take (&collector),
                    "print web on_message_input {'id': 123, 'report': 'one'}\ntell stored id=123 report=one\n");
  publish_input ("{\"id\": 123, \"report\": \"two\"}");
  json_t *reports = reports_of ("/api/v1/device/123/reports");
  ck_assert_uint_eq (json_array_size (reports), 2);
  ck_assert_str_eq (json_string_value (json_object_get (json_array_get (reports, 0), "report")), "two");
  ck_assert_str_eq (json_string_value (json_object_get (json_array_get (reports, 1), "report")), "one");
  ck_assert (json_is_integer (json_object_get (json_array_get (reports, 0), "timestamp")));
  json_decref (reports);
}
END_TEST

START_TEST (what_unknown_devices_report_is_told_only)
{
  publish_input ("{\"id\": 33, \"report\": \"name\"}");
  ck_assert_str_eq (collector_take (&collector),
                    "print web on_message_input UNKNOWN device_id {'id': 33, 'report': 'name'}\n"
                    "tell unknown id=33 report=name\n");
  assert_answer ("GET", "/api/v1/device/33/reports", "", 200, "{\"reports\": []}\n");
  create (33);
  assert_answer ("GET", "/api/v1/device/33/reports", "", 200, "{\"reports\": []}\n");
}
END_TEST

START_TEST (stored_reports_have_36_characters)
{
  create (1);
  /* 40 characters of two bytes each */
  struct bytes text = { 0 };
  bytes_puts (&text, "{\"id\": 1, \"report\": \"");
  for (int i = 0; i < 40; i++)
    bytes_puts (&text, "\xd0\x96");
  bytes_puts (&text, "\"}");
  publish_input (bytes_text (&text));
  bytes_free (&text);
  json_t *reports = reports_of ("/api/v1/device/1/reports");
  const json_t *report = json_object_get (json_array_get (reports, 0), "report");
  ck_assert_uint_eq (json_string_length (report), 72);
  json_decref (reports);
}
END_TEST

START_TEST (messages_of_another_shape_are_dropped)
{
  publish_input ("{\"id\": \"33\", \"report\": \"name\"}");
  ck_assert_str_eq (collector_take (&collector), "warn web: message dropped: it has no integer \"id\"\n");
  publish_input ("nonsense");
  ck_assert_str_eq (collector_take (&collector), "warn web: message dropped: it has no integer \"id\"\n");
}
END_TEST

START_TEST (long_lists_come_complete)
{
  enum { N = 1234 }; /* more than one piece, and not a whole number of them */
  create (1);
  for (int i = 0; i < N; i++)
    publish_input ("{\"id\": 1, \"report\": \"x\"}");
  json_t *reports = reports_of ("/api/v1/device/1/reports");
  ck_assert_uint_eq (json_array_size (reports), N);
  json_decref (reports);
}
END_TEST

START_TEST (bad_bodies_are_refused_and_nothing_happens)
{
  static const char *const bad[] = {
    "", " ", "{", "nonsense", "[]", "[1]", "1", "null", "\"id\"", "{}", "{\"id\"}", "{\"id\": null}",
    "{\"id\": \"1\"}", "{\"id\": 1.0}", "{\"id\": 1e2}", "{\"id\": true}", "{\"id\": [1]}", "{\"id\": {}}",
    "{\"id\": 9223372036854775808}", "{\"id\": -9223372036854775809}", "{\"id\": 1e999}", "{\"id\": NaN}",
    "{\"id\": 01}", "{\"id\": +1}", "{\"id\": 0x1}", "{\"id\": 1, \"id\": 1}", "{\"id\": 1} x", "{\"id\": 1,}",
    "{'id': 1}", "\xef\xbb\xbf{\"id\": 1}", "{\"id\": 1, \"x\": \"\xff\"}", "{\"id\": 1, \"x\": \"\\ud800\"}",
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    char *body;
    unsigned got = ask ("POST", "/api/v1/device", bad[i], strlen (bad[i]), &body);
    ck_assert_msg (got == 400, "%s: %u", bad[i], got);
    json_t *json = json_loads (body, 0, NULL);
    ck_assert (json_is_string (json_object_get (json, "error")));
    json_decref (json);
    free (body);
    got = ask ("POST", "/api/v1/device/1/reports", bad[i], strlen (bad[i]), NULL);
    ck_assert_msg (got == 400, "%s: %u", bad[i], got);
  }
  ck_assert_int_eq (web.store->ops->has_device (web.store, 1), 0);
  ck_assert_str_eq (collector_take (&collector), "");
}
END_TEST

/* The parser's own message is cut, if need be within a character. */
START_TEST (an_error_is_good_json)
{
  static const char body[] = "{\"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\xd0\x96\xd0\x96rep\"}";
  for (size_t skipped = 2; skipped < sizeof body - 12; skipped++) {
    char text[sizeof body] = "{\"", *answer;
    strcpy (text + 2, body + skipped);
    ck_assert_uint_eq (ask ("POST", "/api/v1/device", text, strlen (text), &answer), 400);
    json_t *json = json_loads (answer, 0, NULL);
    ck_assert_msg (json_is_string (json_object_get (json, "error")), "%s", answer);
    json_decref (json);
    free (answer);
  }
}
END_TEST

START_TEST (bad_reports_are_refused_and_not_published)
{
  static const char *const bad[] = {
    "{\"id\": 2, \"report\": \"name\"}", "{\"report\": \"name\"}", "{\"id\": 1}", "{\"id\": 1, \"report\": 5}",
    "{\"id\": 1, \"report\": null}", "{\"id\": 1, \"report\": [\"name\"]}",
  };
  create (1);
  create (2);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    unsigned got = ask ("POST", "/api/v1/device/1/reports", bad[i], strlen (bad[i]), NULL);
    ck_assert_msg (got == 400, "%s: %u", bad[i], got);
  }
  ck_assert_uint_eq (published.size, 0);
}
END_TEST

START_TEST (a_body_has_64_KiB_at_most)
{
  char *text = malloc (WEB_BODY_LIMIT + 1);
  memset (text, ' ', WEB_BODY_LIMIT + 1);
  memcpy (text, "{\"id\": 1}", 9);
  ck_assert_uint_eq (ask ("POST", "/api/v1/device", text, WEB_BODY_LIMIT + 1, NULL), 413);
  ck_assert_uint_eq (ask ("POST", "/api/v1/device/1/reports", text, WEB_BODY_LIMIT + 1, NULL), 413);
  ck_assert_int_eq (web.store->ops->has_device (web.store, 1), 0);
  ck_assert_uint_eq (ask ("POST", "/api/v1/device", text, WEB_BODY_LIMIT, NULL), 200);
  memset (text, '[', WEB_BODY_LIMIT);
  ck_assert_uint_eq (ask ("POST", "/api/v1/device", text, WEB_BODY_LIMIT, NULL), 400);
  free (text);
}
END_TEST

START_TEST (anything_else_is_not_found)
{
  static const char *const others[][2] = {
    { "GET", "/" }, { "GET", "/api/v1/device" }, { "PUT", "/api/v1/device" }, { "DELETE", "/api/v1/device" },
    { "HEAD", "/api/v1/device/1/reports" }, { "PUT", "/api/v1/device/1/reports" },
    { "post", "/api/v1/device" }, { "POST", "/api/v1/device/" }, { "POST", "/api/v1/device/1" },
    { "GET", "/api/v1/device/1/reports/" }, { "GET", "/api/v1/device/1/reports/1" },
    { "GET", "/api/v1/device//reports" }, { "GET", "/api/v1/device/x/reports" },
    { "GET", "/api/v1/device/1.0/reports" }, { "GET", "/api/v1/device/+1/reports" },
    { "GET", "/api/v1/device/9223372036854775808/reports" }, { "GET", "/api/v1/device/1%30/reports" },
    { "GET", "/api/v2/device/1/reports" }, { "POST", "" }, { "GET", "*" },
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_answer (others[i][0], others[i][1], "{\"id\": 1}", 404, "{\"error\": \"not found\"}\n");
}
END_TEST

static int
break_store (struct store *store)
{
  strcpy (store->error, "the disk is full");
  return -1;
}

static int
fail_id (struct store *store, int64_t id)
{
  (void) id;
  return break_store (store);
}

static int
fail_report (struct store *store, const struct report *report)
{
  (void) report;
  return break_store (store);
}

static int
fail_list (struct store *store, int64_t device, int64_t before, int limit,
           void (*each) (void *data, const struct stored_report *report), void *data)
{
  (void) device;
  (void) before;
  (void) limit;
  (void) each;
  (void) data;
  return break_store (store);
}

START_TEST (a_failing_store_is_told_and_the_web_goes_on)
{
  static const struct store_ops failing = { fail_id, fail_id, fail_report, fail_list, NULL };
  struct store *working = web.store, broken = { &failing, "" };
  static const char body[] = "{\"error\": \"the disk is full\"}\n";
  web.store = &broken;
  assert_answer ("POST", "/api/v1/device", "{\"id\": 1}", 500, body);
  assert_answer ("POST", "/api/v1/device/1/reports", "{\"id\": 1, \"report\": \"x\"}", 500, body);
  assert_answer ("GET", "/api/v1/device/1/reports", "", 500, body);
  collector_take (&collector);
  publish_input ("{\"id\": 1, \"report\": \"x\"}");
  ck_assert_str_eq (collector_take (&collector), "warn the disk is full\ntell lost id=1 report=x\n");
  web.store = working;
  create (1);
}
END_TEST

Suite *
web_suite (void)
{
  Suite *suite = suite_create ("web");
  TCase *tests = tcase_create ("web");
  tcase_add_checked_fixture (tests, start, stop);
  tcase_add_test (tests, a_device_is_created_once);
  tcase_add_test (tests, a_report_to_a_known_device_is_published_unchanged);
  tcase_add_test (tests, what_devices_report_is_stored_newest_first);
  tcase_add_test (tests, what_unknown_devices_report_is_told_only);
  tcase_add_test (tests, stored_reports_have_36_characters);
  tcase_add_test (tests, messages_of_another_shape_are_dropped);
  tcase_add_test (tests, long_lists_come_complete);
  tcase_add_test (tests, bad_bodies_are_refused_and_nothing_happens);
  tcase_add_test (tests, an_error_is_good_json);
  tcase_add_test (tests, bad_reports_are_refused_and_not_published);
  tcase_add_test (tests, a_body_has_64_KiB_at_most);
  tcase_add_test (tests, anything_else_is_not_found);
  tcase_add_test (tests, a_failing_store_is_told_and_the_web_goes_on);
  suite_add_tcase (suite, tests);
  return suite;
}
