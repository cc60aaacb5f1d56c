/* test-server.c - server.c and http.c in a real loop, with real sockets on loopback. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cache.h"
#include "http.h"
#include "../../common/net.h"
#include "server.h"

static uv_loop_t loop;
static struct collector collector;
static struct broker *broker;
static struct cache *cache;
static struct server *server;
static struct web web;
static struct http *http;
static size_t most_devices = 1000;
static uint16_t device_port, web_port;
static struct bytes input; /* what was published there */

static void
collect_input (void *data, struct broker_message *message)
{
  (void) data;
  bytes_add (&input, message->body, message->size);
  broker->ops->acknowledge (broker, message);
}

static int
bind_any (uint16_t *port)
{
  char error[256];
  *port = 0;
  int fd = net_bind ("127.0.0.1", port, NULL, error, sizeof error);
  ck_assert_msg (fd >= 0, "%s", error);
  return fd;
}

static void
start (void)
{
  char error[256];
  collector_init (&collector);
  input = (struct bytes) { 0 };
  ck_assert_int_eq (uv_loop_init (&loop), 0);
  broker = broker_memory_open ();
  cache = cache_memory_open (1 << 20);
  server = server_start (&loop, bind_any (&device_port), most_devices, broker, cache, &collector.journal);
  ck_assert_ptr_nonnull (server);
  web = (struct web) { store_sqlite_open (NULL, false, error, sizeof error), broker, &collector.journal };
  ck_assert_ptr_nonnull (web.store);
  ck_assert_int_eq (broker->ops->subscribe (broker, BROKER_INPUT, collect_input, NULL), 0);
  int listener = bind_any (&web_port);
  ck_assert_int_eq (listen (listener, 100), 0);
  http = http_start (&loop, listener, 100, &web);
  ck_assert_ptr_nonnull (http);
}

static void
start_small (void)
{
  most_devices = 2;
  start ();
}

static void
stop (void)
{
  http_stop (http);
  server_stop (server);
  ck_assert_int_eq (uv_run (&loop, UV_RUN_DEFAULT), 0);
  ck_assert_int_eq (uv_loop_close (&loop), 0);
  web.store->ops->close (web.store);
  cache->ops->close (cache);
  broker->ops->close (broker);
  collector_free (&collector);
  bytes_free (&input);
}

static double
seconds (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* Lets the loop run until the collected lines hold `text`; gives them. */
static const char *
run_until (const char *text)
{
  double end = seconds () + 10;
  while (!strstr (bytes_text (&collector.lines), text)) {
    ck_assert_msg (seconds () < end, "no %s in: %s", text, bytes_text (&collector.lines));
    uv_run (&loop, UV_RUN_NOWAIT);
  }
  return collector_take (&collector);
}

/* `room`: of the receive buffer; 0: as usual. */
static int
connect_with_room (uint16_t port, int room)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  if (room)
    ck_assert_int_eq (setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
  ck_assert_int_eq (connect (fd, (struct sockaddr *) &address, sizeof address), 0);
  return fd;
}

static int
connect_to (uint16_t port)
{
  return connect_with_room (port, 0);
}

static void
put (int fd, const char *text)
{
  ck_assert_int_eq (send (fd, text, strlen (text), MSG_NOSIGNAL), (ssize_t) strlen (text));
}

/* Reads while the loop runs, until `text` has come whole, or the end. */
static char *
get_until (int fd, const char *text)
{
  struct bytes all = { 0 };
  double end = seconds () + 10;
  size_t searched = 0; /* it is not in these */
  while (!text || !strstr (bytes_text (&all) + searched, text)) {
    char data[65536];
    searched = text && all.size > strlen (text) ? all.size - strlen (text) : 0;
    ssize_t n = recv (fd, data, sizeof data, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno == ECONNRESET))
      break;
    if (n > 0)
      bytes_add (&all, data, (size_t) n);
    ck_assert_msg (seconds () < end, "only this came: %s", bytes_text (&all));
    uv_run (&loop, UV_RUN_NOWAIT);
  }
  bytes_text (&all);
  return all.data;
}

static void
assert_gets (int fd, const char *text)
{
  char *got = get_until (fd, text);
  ck_assert_str_eq (got, text);
  free (got);
}

static void
publish (const char *text)
{
  ck_assert_int_eq (broker->ops->publish (broker, BROKER_OUTPUT, text, strlen (text)), 0);
}

/* The loop has gone round, with the web's answer. */
static char *
get_until_answered (void)
{
  int fd = connect_to (web_port);
  put (fd, "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  char *got = get_until (fd, "not found");
  close (fd);
  return got;
}

START_TEST (a_report_is_published_cached_and_printed)
{
  int fd = connect_to (device_port);
  put (fd, "xx@123,name@");
  const char *lines = run_until ("tell report");
  ck_assert_str_eq (lines, "print Server: connected device id @123,name@\n"
                           "tell connected id=123 report=name\ntell report id=123 report=name\n");
  ck_assert_str_eq (bytes_text (&input), "{\"id\": 123, \"report\": \"name\"}");
  size_t size;
  ck_assert_mem_eq (cache->ops->get (cache, 123, &size), "name", 4);
  put (fd, "@123,again");
  put (fd, "@");
  ck_assert_str_eq (run_until ("tell report"), "tell report id=123 report=again\n");
  close (fd);
}
END_TEST

START_TEST (a_message_reaches_all_connections_of_its_device)
{
  int first = connect_to (device_port), second = connect_to (device_port), other = connect_to (device_port);
  put (first, "@1,a@");
  run_until ("tell report");
  put (second, "@1,b@");
  run_until ("tell report");
  put (other, "@2,c@@1x,bad@@3,d@");
  run_until ("tell report id=3");
  publish ("{\"id\": 1, \"report\": \"both\"}");
  ck_assert_str_eq (collector_take (&collector), "print send to client 1\ntell sent id=1 report=both\n");
  publish ("{\"id\": 2, \"report\": \"one\"}");
  publish ("{\"id\": 3, \"report\": \"other\"}");
  publish ("{\"id\": 4, \"report\": \"nobody\"}");
  publish ("{\"id\": 1, \"report\": \"last\"}");
  assert_gets (first, "@1,both@@1,last@");
  assert_gets (second, "@1,both@@1,last@");
  assert_gets (other, "@2,one@@3,other@");
  collector_take (&collector);
  close (first);
  ck_assert_str_eq (run_until ("tell closed"), "tell closed id=1\n");
  publish ("{\"id\": 1, \"report\": \"rest\"}");
  assert_gets (second, "@1,rest@");
  close (second);
  run_until ("tell closed");
  publish ("{\"id\": 1, \"report\": \"gone\"}");
  ck_assert_str_eq (collector_take (&collector), "");
  close (other);
}
END_TEST

START_TEST (a_bad_frame_leaves_the_connection_open)
{
  int fd = connect_to (device_port);
  put (fd, "@it's\n@");
  ck_assert_str_eq (run_until ("tell dropped"),
                    "warn Server: frame dropped: there is no comma: b\"@it's\\n@\"\ntell dropped\n");
  ck_assert_uint_eq (input.size, 0);
  put (fd, "@5,fine@");
  run_until ("tell report id=5");
  close (fd);
}
END_TEST

START_TEST (an_endless_frame_closes_the_connection)
{
  int fd = connect_to (device_port);
  char block[1024];
  memset (block, 'x', sizeof block - 1);
  block[1023] = 0;
  put (fd, "@5,fine@");
  run_until ("tell report");
  put (fd, "@");
  for (int i = 0; i < 65; i++)
    put (fd, block);
  ck_assert_str_eq (run_until ("tell closed"),
                    "warn Server: connection closed: 64 KiB without an end of frame\ntell closed id=5\n");
  char *got = get_until (fd, NULL);
  ck_assert_str_eq (got, "");
  free (got);
  close (fd);
}
END_TEST

START_TEST (a_device_that_does_not_read_is_given_up)
{
  int fd = connect_to (device_port);
  put (fd, "@5,fine@");
  run_until ("tell report");
  struct bytes message = { 0 };
  bytes_puts (&message, "{\"id\": 5, \"report\": \"");
  bytes_reserve (&message, 60000);
  memset (message.data + message.size, 'x', 60000);
  message.size += 60000;
  bytes_puts (&message, "\"}");
  for (int i = 0; i < 2000 && !strstr (bytes_text (&collector.lines), "tell closed"); i++)
    publish (bytes_text (&message));
  ck_assert_ptr_nonnull (strstr (bytes_text (&collector.lines),
                                 "warn Server: connection closed: the device does not read what it is sent"));
  bytes_free (&message);
  close (fd);
}
END_TEST

START_TEST (what_a_slow_device_is_sent_comes_whole_in_the_end)
{
  int fd = connect_with_room (device_port, 4096); /* the server writes in pieces */
  put (fd, "@5,fine@");
  run_until ("tell report");
  enum { N = 5 };
  static const size_t sizes[N] = { 4000000, 1, 40000, 100, 1000 }; /* the first is more than a socket takes */
  struct bytes message = { 0 }, expected = { 0 };
  for (int i = 0; i < N; i++) {
    message.size = 0;
    bytes_puts (&message, "{\"id\": 5, \"report\": \"");
    bytes_reserve (&message, sizes[i]);
    for (size_t k = 0; k < sizes[i]; k++)
      message.data[message.size + k] = (char) ('a' + (k + (size_t) i) % 26);
    bytes_puts (&expected, "@5,");
    bytes_add (&expected, message.data + message.size, sizes[i]);
    bytes_puts (&expected, i == N - 1 ? "!@" : "@");
    message.size += sizes[i];
    bytes_puts (&message, i == N - 1 ? "!\"}" : "\"}");
    publish (bytes_text (&message));
  }
  char *got = get_until (fd, "!@");
  ck_assert (strcmp (got, bytes_text (&expected)) == 0);
  free (got);
  bytes_free (&message);
  bytes_free (&expected);
  close (fd);
}
END_TEST

START_TEST (many_ids_on_many_connections_are_found)
{
  enum { N = 50, IDS = 20 };
  int fds[N];
  for (int i = 0; i < N; i++) {
    struct bytes frames = { 0 };
    for (int id = 0; id < IDS; id++) {
      bytes_puts (&frames, "@");
      bytes_int (&frames, (i + id) % N);
      bytes_puts (&frames, ",x@");
    }
    bytes_puts (&frames, "@-");
    bytes_int (&frames, i + 1);
    bytes_puts (&frames, ",last@");
    fds[i] = connect_to (device_port);
    put (fds[i], bytes_text (&frames));
    run_until (",last@");
    bytes_free (&frames);
  }
  for (int i = 0; i < N; i += 2)
    close (fds[i]);
  while (!strstr (bytes_text (&collector.lines), "tell closed id=-49\n"))
    uv_run (&loop, UV_RUN_NOWAIT);
  publish ("{\"id\": 25, \"report\": \"x\"}");
  for (int i = 1; i < N; i += 2) /* those that named 25: 6 … 25 */
    if (i >= 6 && i <= 25)
      assert_gets (fds[i], "@25,x@");
  for (int i = 1; i < N; i += 2)
    close (fds[i]);
}
END_TEST

#define FULL "Server: it is full, 2 connections are open: more have to wait until one is closed\n"

START_TEST (who_comes_to_a_full_port_waits)
{
  int fds[4];
  for (int i = 0; i < 4; i++)
    fds[i] = connect_to (device_port);
  put (fds[0], "@1,a@");
  put (fds[1], "@2,b@");
  put (fds[2], "@3,c@");
  put (fds[3], "@4,d@");
  const char *lines = run_until (FULL);
  ck_assert_ptr_null (strstr (lines, "tell report id=3"));
  free (get_until_answered ());
  ck_assert_ptr_null (strstr (bytes_text (&collector.lines), "tell report id=3"));
  close (fds[0]);
  run_until ("tell report id=3");
  close (fds[2]);
  ck_assert_ptr_null (strstr (run_until ("tell report id=4"), "it is full"));
  publish ("{\"id\": 2, \"report\": \"still\"}");
  assert_gets (fds[1], "@2,still@");
  close (fds[1]);
  close (fds[3]);
}
END_TEST

/* ---- HTTP ---------------------------------------------------------------------- */

/* The answers to a client that sends `request` and keeps its side open. */
static void
assert_http (const char *request, const char *status, const char *body)
{
  int fd = connect_to (web_port);
  put (fd, request);
  char *got = get_until (fd, body);
  ck_assert_msg (strstr (got, status) == got, "%s", got);
  ck_assert_msg (strstr (got, body) != NULL, "%s", got);
  free (got);
  close (fd);
}

START_TEST (http_brings_requests_and_answers)
{
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{\"id\": 7}",
               "HTTP/1.1 200 ", "\r\n\r\nOK");
  assert_http ("GET /api/v1/device/7/reports?since=1 HTTP/1.1\r\nHost: x\r\n\r\n",
               "HTTP/1.1 200 ", "{\"reports\": []}");
  assert_http ("GET /api/v1/device/7/reports HTTP/1.0\r\n\r\n", "HTTP/1.", "{\"reports\": []}");
  assert_http ("GET /api/v1/%64evice/7/reports HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 ", "not found");
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               "4\r\n{\"id\r\n5\r\n\": 8}\r\n0\r\n\r\n", "HTTP/1.1 200 ", "\r\n\r\nOK");
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 400 ",
               "bad JSON: the body is empty");
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n",
               "HTTP/1.1 413 ", "64 KiB");
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
               "HTTP/1.1 413 ", "\r\n\r\nThe body is too long.\n");
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Length: 9\r\n\r\n"
               "{\"id\": 99}", "HTTP/1.1 400 ", "given twice");
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: abc\r\n\r\n{\"id\": 99}",
               "HTTP/1.1 400 Bad Request\r\nDate: ", "\r\n\r\nThe length of the body is no number.\n");
  assert_http ("POST /api/v1/device HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 65537\r\n\r\n",
               "HTTP/1.1 413 ", "64 KiB");
  ck_assert_int_eq (web.store->ops->has_device (web.store, 99), 0);
  ck_assert_int_eq (web.store->ops->has_device (web.store, 7), 1);
  ck_assert_int_eq (web.store->ops->has_device (web.store, 8), 1);
}
END_TEST

START_TEST (a_connection_serves_one_request_after_the_other)
{
  int fd = connect_to (web_port);
  for (int i = 0; i < 3; i++) {
    put (fd, "GET /api/v1/device/7/reports HTTP/1.1\r\nHost: x\r\n\r\n");
    char *got = get_until (fd, "{\"reports\": []}");
    free (got);
  }
  put (fd, "GET /api/v1/device/7/reports HTTP/1.1\r\nHost: x\r\n\r\nGET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  char *got = get_until (fd, "not found");
  ck_assert_ptr_nonnull (strstr (got, "{\"reports\": []}"));
  free (got);
  close (fd);
}
END_TEST

START_TEST (too_long_a_body_is_read_and_refused)
{
  int fd = connect_to (web_port);
  char block[1024];
  memset (block, 'x', sizeof block - 1);
  block[1023] = 0;
  put (fd, "POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: 66495\r\n\r\n");
  for (int i = 0; i < 65; i++) {
    put (fd, block);
    uv_run (&loop, UV_RUN_NOWAIT);
  }
  char *got = get_until (fd, "64 KiB");
  ck_assert_ptr_eq (strstr (got, "HTTP/1.1 413 "), got);
  free (got);
  put (fd, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n"); /* the connection is still good */
  free (get_until (fd, "not found"));
  close (fd);
}
END_TEST

START_TEST (a_slow_client_keeps_nobody_waiting)
{
  int slow = connect_to (web_port);
  put (slow, "POST /api/v1/device HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{\"id");
  assert_http ("GET /api/v1/device/7/reports HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 ", "{\"reports\": []}");
  put (slow, "\": 9}");
  char *got = get_until (slow, "\r\n\r\nOK");
  ck_assert_ptr_eq (strstr (got, "HTTP/1.1 200 "), got);
  free (got);
  close (slow);
}
END_TEST

START_TEST (a_long_list_is_streamed)
{
  struct report report = { 1, "x", 1 };
  ck_assert_int_eq (web.store->ops->create_device (web.store, 1), 0);
  for (int i = 0; i < 3000; i++)
    ck_assert_int_eq (web.store->ops->add_report (web.store, &report), 1);
  int fd = connect_to (web_port);
  put (fd, "GET /api/v1/device/1/reports HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  char *got = get_until (fd, "]}\n");
  size_t count = 0;
  for (const char *at = got; (at = strstr (at, "\"timestamp\"")); at++)
    count++;
  ck_assert_uint_ge (count, 2990); /* a chunk's border may lie within a word */
  ck_assert_ptr_nonnull (strstr (got, "chunked"));
  free (got);
  close (fd);
}
END_TEST

Suite *
server_suite (void)
{
  Suite *suite = suite_create ("server");
  TCase *tests = tcase_create ("server");
  tcase_add_checked_fixture (tests, start, stop);
  tcase_set_timeout (tests, 60);
  tcase_add_test (tests, a_report_is_published_cached_and_printed);
  tcase_add_test (tests, a_message_reaches_all_connections_of_its_device);
  tcase_add_test (tests, a_bad_frame_leaves_the_connection_open);
  tcase_add_test (tests, an_endless_frame_closes_the_connection);
  tcase_add_test (tests, a_device_that_does_not_read_is_given_up);
  tcase_add_test (tests, what_a_slow_device_is_sent_comes_whole_in_the_end);
  tcase_add_test (tests, many_ids_on_many_connections_are_found);
  tcase_add_test (tests, http_brings_requests_and_answers);
  tcase_add_test (tests, a_connection_serves_one_request_after_the_other);
  tcase_add_test (tests, too_long_a_body_is_read_and_refused);
  tcase_add_test (tests, a_slow_client_keeps_nobody_waiting);
  tcase_add_test (tests, a_long_list_is_streamed);
  suite_add_tcase (suite, tests);
  TCase *small = tcase_create ("small");
  tcase_add_checked_fixture (small, start_small, stop);
  tcase_set_timeout (small, 60);
  tcase_add_test (small, who_comes_to_a_full_port_waits);
  suite_add_tcase (suite, small);
  return suite;
}
