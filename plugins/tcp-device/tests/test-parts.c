/* test-parts.c - the small parts: idmap, cache, broker, store, messages, the device's POST. */
#include "unit.h"

#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker.h"
#include "cache.h"
#include "../../common/http-post.h"
#include "idmap.h"
#include "message.h"
#include "store.h"

START_TEST (ids_are_found_until_they_are_removed)
{
  enum { N = 5000 };
  struct idmap map = { 0 };
  struct idmap_node *nodes = calloc (N, sizeof *nodes);
  ck_assert_ptr_null (idmap_find (&map, 1));
  for (int i = 0; i < N; i++)
    idmap_add (&map, &nodes[i], (int64_t) i * 4096 - 7);
  for (int i = 0; i < N; i += 2)
    idmap_remove (&map, &nodes[i]);
  for (int i = 0; i < N; i++)
    ck_assert_ptr_eq (idmap_find (&map, (int64_t) i * 4096 - 7), i % 2 ? &nodes[i] : NULL);
  ck_assert_uint_eq (map.count, N / 2);
  idmap_free (&map);
  free (nodes);
}
END_TEST

static void
set (struct cache *cache, int64_t id, const char *text)
{
  struct report report = { id, text, strlen (text) };
  ck_assert_int_eq (cache->ops->set (cache, &report), 0);
}

static void
assert_cached (struct cache *cache, int64_t id, const char *text)
{
  size_t size;
  const char *value = cache->ops->get (cache, id, &size);
  ck_assert_int_eq (value != NULL, text != NULL);
  if (text) {
    ck_assert_uint_eq (size, strlen (text));
    ck_assert_mem_eq (value, text, size);
  }
}

START_TEST (the_cache_keeps_the_last_report_of_each)
{
  struct cache *cache = cache_memory_open (100000);
  assert_cached (cache, 123, NULL);
  set (cache, 123, "name");
  set (cache, 456, "other");
  set (cache, 123, "later");
  assert_cached (cache, 123, "later");
  assert_cached (cache, 456, "other");
  set (cache, 456, "");
  assert_cached (cache, 456, "");
  cache->ops->close (cache);
}
END_TEST

START_TEST (a_full_cache_forgets_what_was_set_longest_ago)
{
  char text[1001];
  memset (text, 'x', 1000);
  text[1000] = 0;
  struct cache *cache = cache_memory_open (3500);
  set (cache, 1, text);
  set (cache, 2, text);
  set (cache, 3, text);
  set (cache, 1, text); /* now 2 is the oldest */
  set (cache, 4, text);
  assert_cached (cache, 2, NULL);
  assert_cached (cache, 1, text);
  assert_cached (cache, 3, text);
  assert_cached (cache, 4, text);
  cache->ops->close (cache);
}
END_TEST

struct listener {
  struct broker *broker;
  struct bytes heard;
  const char *answer;
  bool deaf; /* does not acknowledge */
};

static void
hear (void *data, struct broker_message *message)
{
  struct listener *listener = data;
  bytes_puts (&listener->heard, "<");
  if (listener->answer)
    listener->broker->ops->publish (listener->broker, BROKER_OUTPUT, listener->answer, strlen (listener->answer));
  bytes_add (&listener->heard, message->body, message->size);
  bytes_puts (&listener->heard, ">");
  if (!listener->deaf)
    listener->broker->ops->acknowledge (listener->broker, message);
}

START_TEST (messages_reach_whoever_bound_their_key)
{
  struct broker *broker = broker_memory_open ();
  struct listener input = { broker, { 0 }, "reply", false }, output = { broker, { 0 }, NULL, false };
  ck_assert_int_eq (broker->ops->subscribe (broker, BROKER_INPUT, hear, &input), 0);
  ck_assert_int_eq (broker->ops->subscribe (broker, BROKER_OUTPUT, hear, &output), 0);
  ck_assert_int_eq (broker->ops->publish (broker, BROKER_INPUT, "one", 3), 0);
  ck_assert_int_eq (broker->ops->publish (broker, BROKER_OUTPUT, "two", 3), 0);
  ck_assert_int_eq (broker->ops->publish (broker, "nobody", "three", 5), 0);
  ck_assert_str_eq (bytes_text (&input.heard), "<one>");
  ck_assert_str_eq (bytes_text (&output.heard), "<reply><two>");
  output.deaf = true;
  ck_assert_int_eq (broker->ops->publish (broker, BROKER_OUTPUT, "lost", 4), -1);
  broker->ops->close (broker);
  bytes_free (&input.heard);
  bytes_free (&output.heard);
}
END_TEST

static void
list (void *data, const struct stored_report *report)
{
  struct bytes *out = data;
  ck_assert_int_gt (report->timestamp, 1500000000);
  bytes_int (out, report->id);
  bytes_puts (out, "=");
  bytes_add (out, report->text, report->size);
  bytes_puts (out, " ");
}

static void
assert_listed (struct store *store, int64_t device, int64_t before, int limit, const char *expected)
{
  struct bytes out = { 0 };
  ck_assert_int_ge (store->ops->list_reports (store, device, before, limit, list, &out), 0);
  ck_assert_str_eq (bytes_text (&out), expected);
  bytes_free (&out);
}

static int
add (struct store *store, int64_t id, const char *text)
{
  struct report report = { id, text, strlen (text) };
  return store->ops->add_report (store, &report);
}

START_TEST (the_store_keeps_reports_of_known_devices)
{
  char error[512];
  struct store *store = store_sqlite_open (NULL, false, error, sizeof error);
  ck_assert_ptr_nonnull (store);
  ck_assert_int_eq (store->ops->has_device (store, 123), 0);
  ck_assert_int_eq (add (store, 123, "too early"), 0);
  ck_assert_int_eq (store->ops->create_device (store, 123), 0);
  ck_assert_int_eq (store->ops->create_device (store, 123), 0);
  ck_assert_int_eq (store->ops->create_device (store, INT64_MIN), 0);
  ck_assert_int_eq (store->ops->has_device (store, 123), 1);
  ck_assert_int_eq (add (store, 123, "a"), 1);
  ck_assert_int_eq (add (store, INT64_MIN, "of another"), 1);
  ck_assert_int_eq (add (store, 123, ""), 1);
  ck_assert_int_eq (add (store, 123, "c'; DROP TABLE reports; --"), 1);
  assert_listed (store, 123, INT64_MAX, 10, "4=c'; DROP TABLE reports; -- 3= 1=a ");
  assert_listed (store, 123, INT64_MAX, 2, "4=c'; DROP TABLE reports; -- 3= ");
  assert_listed (store, 123, 3, 2, "1=a ");
  assert_listed (store, INT64_MIN, INT64_MAX, 10, "2=of another ");
  assert_listed (store, 999, INT64_MAX, 10, "");
  store->ops->close (store);
}
END_TEST

/* A name in a folder of its own, for each test's process. */
static char folder[64], file[80];

static void
make_folder (void)
{
  strcpy (folder, "/tmp/tcp-device-XXXXXX");
  ck_assert_ptr_nonnull (mkdtemp (folder));
  snprintf (file, sizeof file, "%s/store", folder);
}

static void
remove_folder (void)
{
  char name[100];
  static const char *const ends[] = { "", "-wal", "-shm", "-journal" };
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    snprintf (name, sizeof name, "%s%s", file, ends[i]);
    unlink (name);
  }
  ck_assert_int_eq (rmdir (folder), 0);
}

START_TEST (a_file_keeps_what_it_has_until_it_is_cleaned)
{
  char error[512];
  for (int i = 0; i < 3; i++) {
    struct store *store = store_sqlite_open (file, i == 2, error, sizeof error);
    ck_assert_msg (store != NULL, "%s", error);
    ck_assert_int_eq (store->ops->has_device (store, 1), i == 1);
    assert_listed (store, 1, INT64_MAX, 10, i == 1 ? "1=kept " : "");
    ck_assert_int_eq (store->ops->create_device (store, 1), 0);
    ck_assert_int_eq (add (store, 1, "kept"), 1);
    store->ops->close (store);
  }
}
END_TEST

START_TEST (a_file_that_is_no_database_is_told)
{
  char error[512] = "";
  FILE *out = fopen (file, "w");
  ck_assert_ptr_nonnull (out);
  for (int i = 0; i < 1000; i++)
    fputs ("this is no database\n", out);
  ck_assert_int_eq (fclose (out), 0);
  ck_assert_ptr_null (store_sqlite_open (file, false, error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "not a database"));
  ck_assert_ptr_null (store_sqlite_open ("/does/not/exist", false, error, sizeof error));
  ck_assert_ptr_nonnull (strstr (error, "/does/not/exist: unable to open"));
}
END_TEST

START_TEST (a_store_that_fails_says_so_and_goes_on)
{
  char error[512];
  struct store *store = store_sqlite_open (file, false, error, sizeof error);
  ck_assert_ptr_nonnull (store);
  ck_assert_int_eq (store->ops->create_device (store, 1), 0);
  sqlite3 *other;
  ck_assert_int_eq (sqlite3_open (file, &other), SQLITE_OK);
  ck_assert_int_eq (sqlite3_exec (other, "ALTER TABLE reports RENAME TO away", NULL, NULL, NULL), SQLITE_OK);
  ck_assert_int_eq (add (store, 1, "x"), -1);
  ck_assert_ptr_nonnull (strstr (store->error, "no such table"));
  ck_assert_int_eq (sqlite3_exec (other, "ALTER TABLE away RENAME TO reports", NULL, NULL, NULL), SQLITE_OK);
  ck_assert_int_eq (sqlite3_close (other), SQLITE_OK);
  ck_assert_int_eq (add (store, 1, "x"), 1);
  store->ops->close (store);
}
END_TEST

static const char *
decode (const char *text, struct report *report, json_t **json)
{
  return message_decode (text, strlen (text), json, report);
}

START_TEST (messages_are_json_objects)
{
  struct bytes out = { 0 };
  struct report report = { -5, "it's \"q\" \\ \n\t\x01 \xd0\x96", 17 }, again;
  message_encode (&out, &report);
  ck_assert_str_eq (bytes_text (&out),
                    "{\"id\": -5, \"report\": \"it's \\\"q\\\" \\\\ \\n\\u0009\\u0001 \xd0\x96\"}");
  json_t *json;
  ck_assert_ptr_null (decode (bytes_text (&out), &again, &json));
  ck_assert_int_eq (again.id, -5);
  ck_assert_uint_eq (again.size, report.size);
  ck_assert_mem_eq (again.text, report.text, report.size);
  json_decref (json);
  out.size = 0;
  message_repr (&out, &report);
  ck_assert_str_eq (bytes_text (&out), "{'id': -5, 'report': 'it\\'s \"q\" \\\\ \\n\\t\\x01 \xd0\x96'}");
  bytes_free (&out);
  static const char *const bad[] = { "", "[]", "1", "{", "{\"id\": 1}", "{\"report\": \"x\"}",
                                     "{\"id\": \"1\", \"report\": \"x\"}", "{\"id\": 1, \"report\": 2}",
                                     "{\"id\": 1.0, \"report\": \"x\"}", "{\"id\": true, \"report\": \"x\"}" };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    ck_assert_msg (decode (bad[i], &again, &json) != NULL, "%s", bad[i]);
    json_decref (json);
  }
}
END_TEST

static int
wait_long (void *data, int fd, short events)
{
  (void) data;
  struct pollfd fds = { .fd = fd, .events = events };
  return poll (&fds, 1, 30000);
}

/* What becomes of a request that is answered by `text`, after which the connection ends. */
static int
exchange_with (const char *text, struct http_answer *answer, char *error, size_t error_size)
{
  static const char expected[] = "POST /path HTTP/1.0\r\nHost: here:1\r\nContent-Type: text/plain\r\n"
                                 "Connection: close\r\nContent-Length: 4\r\n\r\nbody";
  struct http_request request = { "here", 1, "/path", "text/plain", "body", 4 };
  struct net_wait wait = { wait_long, NULL };
  char sent[1024];
  int fds[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  ck_assert_int_eq (send (fds[1], text, strlen (text), MSG_NOSIGNAL), (ssize_t) strlen (text));
  ck_assert_int_eq (shutdown (fds[1], SHUT_WR), 0);
  *answer = (struct http_answer) { 0 };
  int rc = http_exchange (fds[0], &request, answer, &wait, error, error_size);
  ck_assert_int_eq (recv (fds[1], sent, sizeof sent, 0), (ssize_t) sizeof expected - 1);
  ck_assert_mem_eq (sent, expected, sizeof expected - 1);
  close (fds[0]);
  close (fds[1]);
  return rc;
}

START_TEST (an_answer_is_taken_that_is_whole)
{
  static const struct {
    const char *text;
    int status;
    const char *body;
  } samples[] = {
    { "HTTP/1.1 200 OK\r\nA: b\r\n\r\nOK", 200, "OK" },
    { "HTTP/1.0 404 \r\n\r\n", 404, "" },
    { "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nError", 200, "Error" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nError", 200, "Er" },
    { "HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n", 204, "" },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 C\r\n\r\nx", 201, "x" },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    struct http_answer answer;
    char error[256] = "";
    int rc = exchange_with (samples[i].text, &answer, error, sizeof error);
    ck_assert_msg (rc == NET_OK, "%s: %s", samples[i].text, error);
    ck_assert_int_eq (answer.status, samples[i].status);
    ck_assert_uint_eq (answer.text.size - answer.body, strlen (samples[i].body));
    ck_assert_str_eq (bytes_text (&answer.text) + answer.body, samples[i].body);
    http_answer_free (&answer);
  }
}
END_TEST

START_TEST (an_answer_is_refused_that_is_not_whole)
{
  static const struct {
    const char *text, *error;
  } samples[] = {
    { "", "there was no answer" },
    { "HTTP/1.1 200 OK\r\n", "the answer ended within its head" },
    { "HTTP/1.1 100 Continue\r\n\r\n", "the answer ended within its head" },
    { "SSH-2.0-OpenSSH\r\n\r\n", "the answer is not HTTP" },
    { "HTTP/1.1 2x0 OK\r\n\r\n", "the answer is not HTTP" },
    { "\r\n\r\n", "the answer is not HTTP" },
    { "HTTP/1.1 099 OK\r\n\r\n", "the answer is not HTTP" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nError", "the answer ended after 5 of 6 bytes" },
    { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "the answer's Content-Length is no number" },
    { "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", "the answer's Content-Length is empty" },
    { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", "the answer is too long" },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n",
      "the answer has a Transfer-Encoding, which HTTP/1.0 has not" },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    struct http_answer answer;
    char error[256] = "";
    ck_assert_msg (exchange_with (samples[i].text, &answer, error, sizeof error) == NET_FAILED, "%s",
                   samples[i].text);
    ck_assert_str_eq (error, samples[i].error);
    http_answer_free (&answer);
  }
}
END_TEST

START_TEST (a_url_is_host_and_port)
{
  static const struct {
    const char *url, *host;
    int port;
  } samples[] = {
    { "http://127.0.0.1:4000", "127.0.0.1", 4000 }, { "http://web/", "web", 8888 }, { "web", "web", 8888 },
    { "web:1", "web", 1 },       { "http://[::1]:99/", "::1", 99 }, { "[::1]", "::1", 8888 },
    { "", NULL, 0 },             { "http://", NULL, 0 },  { "web:0", NULL, 0 },  { "web:65536", NULL, 0 },
    { "web:x", NULL, 0 },        { "http://web/path", NULL, 0 }, { "[::1", NULL, 0 }, { "https://web", NULL, 0 },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    char host[32];
    uint16_t port = 8888;
    bool good = http_split (samples[i].url, host, sizeof host, &port);
    ck_assert_msg (good == (samples[i].host != NULL), "%s", samples[i].url);
    if (good) {
      ck_assert_str_eq (host, samples[i].host);
      ck_assert_int_eq (port, samples[i].port);
    }
  }
}
END_TEST

Suite *
parts_suite (void)
{
  Suite *suite = suite_create ("parts");
  TCase *tests = tcase_create ("parts");
  tcase_add_test (tests, ids_are_found_until_they_are_removed);
  tcase_add_test (tests, the_cache_keeps_the_last_report_of_each);
  tcase_add_test (tests, a_full_cache_forgets_what_was_set_longest_ago);
  tcase_add_test (tests, messages_reach_whoever_bound_their_key);
  tcase_add_test (tests, the_store_keeps_reports_of_known_devices);
  tcase_add_test (tests, messages_are_json_objects);
  tcase_add_test (tests, an_answer_is_taken_that_is_whole);
  tcase_add_test (tests, an_answer_is_refused_that_is_not_whole);
  tcase_add_test (tests, a_url_is_host_and_port);
  suite_add_tcase (suite, tests);
  TCase *files = tcase_create ("files");
  tcase_add_checked_fixture (files, make_folder, remove_folder);
  tcase_add_test (files, a_file_keeps_what_it_has_until_it_is_cleaned);
  tcase_add_test (files, a_file_that_is_no_database_is_told);
  tcase_add_test (files, a_store_that_fails_says_so_and_goes_on);
  suite_add_tcase (suite, files);
  return suite;
}
