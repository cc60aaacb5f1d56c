/* test-http.c - http.c over real sockets: what is stored and logged when an answer comes, and when it cannot be. */
#include "unit.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange.h"
#include "http.h"
#include "line.h"

static struct {
  uint16_t ports[2];
  int stop_fd, hangup_fd;
  pthread_t thread;
  struct http *http;
  struct committer *committer;
  struct store_reader *reader;
  struct log log;
  struct bytes told, logged, warned; /* read when the thread has ended */
  atomic_int rounds;
} server;

static unsigned connections; /* the limit of the next server; 0: what fits */

static void
collect_event (void *data, const struct http_event *event)
{
  (void) data;
  bytes_puts (&server.told, event->name);
  bytes_puts (&server.told, "\n");
}

static void
collect_line (void *data, const char *line, size_t size)
{
  (void) data;
  bytes_add (&server.logged, line, size);
}

static void
collect_warning (void *data, const char *text)
{
  (void) data;
  bytes_puts (&server.warned, text);
  bytes_puts (&server.warned, "\n");
}

static void
ignore_error (void *data, const char *text)
{
  (void) data;
  (void) text;
}

static void
count_round (void *data)
{
  (void) data;
  server.rounds++;
}

static void *
serve (void *data)
{
  (void) data;
  return http_serve (server.http, server.stop_fd) ? NULL : &server;
}

static void
start_server (void)
{
  char error[512];
  enter_folder ();
  signal (SIGXFSZ, SIG_IGN);
  memset (&server, 0, sizeof server);
  struct store_writer *writer = store_writer_open ("db", error, sizeof error);
  ck_assert_msg (writer != NULL, "%s", error);
  server.reader = store_reader_open ("db", error, sizeof error);
  ck_assert (server.reader && log_open (&server.log, "log", error, sizeof error));
  server.hangup_fd = eventfd (0, EFD_CLOEXEC);
  server.committer = committer_start (writer, ignore_error, NULL);
  struct http_options options = {
    .registration = net_bind ("127.0.0.1", &server.ports[0], NULL, error, sizeof error),
    .authentication = net_bind ("127.0.0.1", &server.ports[1], NULL, error, sizeof error),
    .body_limit = 4096, .limits = http_default_limits,
    .reader = server.reader, .committer = server.committer, .log = &server.log, .hangup_fd = server.hangup_fd,
    .tell = collect_event, .logged = collect_line, .warn = collect_warning, .round = count_round,
  };
  options.limits.connections = connections;
  ck_assert (options.registration >= 0 && options.authentication >= 0 && server.committer);
  server.http = http_start (&options);
  server.stop_fd = eventfd (0, EFD_CLOEXEC);
  ck_assert (server.http && server.stop_fd >= 0);
  ck_assert_int_eq (pthread_create (&server.thread, NULL, serve, NULL), 0);
}

/* Ends the loop; what it collected may be read then. */
static void
end_loop (void)
{
  void *failed;
  if (!server.http)
    return;
  ck_assert_int_eq (eventfd_write (server.stop_fd, 1), 0);
  ck_assert_int_eq (pthread_join (server.thread, &failed), 0);
  ck_assert_ptr_null (failed);
  http_stop (server.http);
  server.http = NULL;
}

static void
stop_server (void)
{
  end_loop ();
  ck_assert_ptr_null (committer_stop (server.committer));
  store_reader_close (server.reader);
  ck_assert (log_close (&server.log));
  bytes_free (&server.told);
  bytes_free (&server.logged);
  bytes_free (&server.warned);
  close (server.stop_fd);
  close (server.hangup_fd);
  leave_folder ();
}

static int
wait_long (void *data, int fd, short events)
{
  (void) data;
  struct pollfd fds = { .fd = fd, .events = events };
  return poll (&fds, 1, 30000);
}

static struct http_answer
post (int port, const char *client, const char *code, const char *message)
{
  char error[256] = "";
  struct net_wait wait = { wait_long, NULL };
  struct http_answer answer = { 0 };
  CLEANUP_BYTES struct bytes form = { 0 };
  exchange_add_field (&form, "client_uuid", client, strlen (client));
  if (code)
    exchange_add_field (&form, "server_uuid", code, strlen (code));
  if (message)
    exchange_add_field (&form, "message", message, strlen (message));
  int fd = net_connect ("127.0.0.1", server.ports[port], &wait, error, sizeof error);
  ck_assert_msg (fd >= 0, "%s", error);
  int rc = exchange_post (fd, "127.0.0.1", server.ports[port], &form, &answer, &wait, error, sizeof error);
  ck_assert_msg (rc == NET_OK, "%s", error);
  close (fd);
  return answer;
}

static void
register_client (const char *client, char code[UUID_SIZE + 1])
{
  size_t size = 0;
  struct http_answer answer = post (0, client, NULL, NULL);
  const char *found = exchange_code (&answer, &size);
  ck_assert (found && size == UUID_SIZE);
  memcpy (code, found, UUID_SIZE);
  code[UUID_SIZE] = 0;
  http_answer_free (&answer);
}

static void
assert_authenticated (const char *client, const char *code, const char *message, int status, bool success)
{
  struct http_answer answer = post (1, client, code, message);
  ck_assert_int_eq (answer.status, status);
  ck_assert_int_eq (exchange_is_success (&answer), success);
  http_answer_free (&answer);
}

START_TEST (a_code_is_stored_when_it_is_answered)
{
  char code[UUID_SIZE + 1], error[512];
  register_client ("ada", code);
  struct store_reader *ours = store_reader_open ("db", error, sizeof error); /* the server's is its thread's */
  ck_assert_msg (ours != NULL, "%s", error);
  ck_assert_int_eq (store_find (ours, "ada", 3, code, UUID_SIZE), 1);
  store_reader_close (ours);
  assert_authenticated ("ada", code, NULL, 200, true);
  assert_authenticated ("bob", code, NULL, 200, false);
  end_loop ();
  ck_assert_str_eq (bytes_text (&server.told), "registered\nauthenticated\nrefused\n");
}
END_TEST

/* So many lines are in the file, the first one has that text. */
static void
assert_holds (const char *name, const char *text, int lines)
{
  char have[4096];
  FILE *file = fopen (name, "r");
  ck_assert_ptr_nonnull (file);
  have[fread (have, 1, sizeof have - 1, file)] = 0;
  fclose (file);
  ck_assert_msg (strstr (have, text) != NULL, "%s", have);
  for (const char *p = have; (p = strchr (p, '\n')); p++)
    lines--;
  ck_assert_msg (lines == 0, "%s", have);
}

START_TEST (a_message_is_logged_when_it_is_answered)
{
  char code[UUID_SIZE + 1], text[4096];
  register_client ("ada", code);
  assert_authenticated ("ada", code, "one\ntwo", 200, true);
  FILE *file = fopen ("log", "r");
  ck_assert_ptr_nonnull (file);
  text[fread (text, 1, sizeof text - 1, file)] = 0;
  fclose (file);
  ck_assert_ptr_nonnull (strstr (text, "[success] (one\\ntwo) ada "));
  end_loop ();
  ck_assert_str_eq (bytes_text (&server.logged), text);
}
END_TEST

static void
limit_files (rlim_t bytes)
{
  struct rlimit limit = { bytes, RLIM_INFINITY };
  ck_assert_int_eq (setrlimit (RLIMIT_FSIZE, &limit), 0);
}

START_TEST (what_cannot_be_kept_is_answered_by_503)
{
  char code[UUID_SIZE + 1];
  register_client ("ada", code);
  limit_files (10);
  assert_authenticated ("ada", code, "a message that does not fit", 503, false);
  assert_authenticated ("ada", code, NULL, 200, true);
  struct http_answer answer = post (0, "bob", NULL, NULL);
  ck_assert_int_eq (answer.status, 503);
  http_answer_free (&answer);
  limit_files (RLIM_INFINITY);
  register_client ("bob", code);
  assert_authenticated ("bob", code, "it fits now", 200, true);
  end_loop ();
  ck_assert_ptr_null (strstr (bytes_text (&server.logged), "not fit"));
  ck_assert_str_eq (bytes_text (&server.told), "registered\nauthenticated\nregistered\nauthenticated\n");
}
END_TEST

START_TEST (what_fails_again_and_again_is_told_once)
{
  char code[UUID_SIZE + 1];
  register_client ("ada", code);
  limit_files (10);
  for (int i = 0; i < 5; i++)
    assert_authenticated ("ada", code, "a message that does not fit", 503, false);
  limit_files (RLIM_INFINITY);
  for (int i = 0; i < 2; i++)
    assert_authenticated ("ada", code, "it fits now", 200, true);
  end_loop ();
  ck_assert_str_eq (bytes_text (&server.warned),
                    "the log file: log: No space left on device\n"
                    "the log file: it works again; 5 requests were answered by 503\n");
}
END_TEST

START_TEST (a_log_that_was_renamed_is_opened_again)
{
  char code[UUID_SIZE + 1];
  register_client ("ada", code);
  assert_authenticated ("ada", code, "before", 200, true);
  ck_assert_int_eq (rename ("log", "log.1"), 0);
  assert_authenticated ("ada", code, "after", 200, true);
  assert_holds ("log.1", "(before) ada", 1);
  assert_holds ("log", "(after) ada", 1);
  ck_assert_int_eq (unlink ("log"), 0);
  ck_assert_int_eq (eventfd_write (server.hangup_fd, 1), 0);
  for (int waits = 0; access ("log", F_OK) != 0 && waits < 30000; waits++)
    poll (NULL, 0, 1);
  assert_holds ("log", "", 0);
  ck_assert_int_eq (rename ("log", "log.2"), 0);
  ck_assert_int_eq (mkdir ("log", 0700), 0);
  for (int i = 0; i < 3; i++)
    assert_authenticated ("ada", code, "nowhere", 503, false);
  ck_assert_int_eq (rmdir ("log"), 0);
  assert_authenticated ("ada", code, "again", 200, true);
  assert_holds ("log", "(again) ada", 1);
  ck_assert_int_eq (rename ("log", "log.3"), 0);
  ck_assert_int_eq (mkdir ("log", 0700), 0);
  assert_authenticated ("ada", code, "nowhere", 503, false);
  ck_assert_int_eq (rmdir ("log"), 0);
  assert_authenticated ("ada", code, "again", 200, true);
  end_loop ();
  ck_assert_str_eq (bytes_text (&server.warned),
                    "the log file: log: Is a directory\n"
                    "the log file: it works again; 3 requests were answered by 503\n"
                    "the log file: log: Is a directory\n"
                    "the log file: it works again; 1 request was answered by 503\n");
}
END_TEST

static void *
register_some (void *data)
{
  char client[32], code[UUID_SIZE + 1];
  for (int i = 0; i < 20; i++) {
    snprintf (client, sizeof client, "%s %d", (const char *) data, i);
    register_client (client, code);
    assert_authenticated (client, code, client, 200, true);
  }
  return NULL;
}

START_TEST (many_at_once_are_served)
{
  static char names[][4] = { "a", "b", "c", "d", "e", "f", "g", "h" };
  enum { COUNT = sizeof names / sizeof *names };
  pthread_t threads[COUNT];
  for (int i = 0; i < COUNT; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, register_some, names[i]), 0);
  for (int i = 0; i < COUNT; i++)
    ck_assert_int_eq (pthread_join (threads[i], NULL), 0);
  end_loop ();
  int lines = 0;
  for (const char *p = bytes_text (&server.logged); (p = strchr (p, '\n')); p++)
    lines++;
  ck_assert_int_eq (lines, COUNT * 20);
}
END_TEST

/* ---- requests as bytes -------------------------------------------------------- */

static int
connect_to (int port)
{
  char error[256] = "";
  struct net_wait wait = { wait_long, NULL };
  int fd = net_connect ("127.0.0.1", server.ports[port], &wait, error, sizeof error);
  ck_assert_msg (fd >= 0, "%s", error);
  return fd;
}

static void
put (int fd, const char *text)
{
  ck_assert_int_eq (send (fd, text, strlen (text), MSG_NOSIGNAL), (ssize_t) strlen (text));
}

/* All that comes until the server closes the connection. */
static void
get_until_closed (int fd, struct bytes *out)
{
  char piece[4096];
  ssize_t n;
  do {
    ck_assert_int_eq (wait_long (NULL, fd, POLLIN), 1);
    n = recv (fd, piece, sizeof piece, 0);
    bytes_add (out, piece, n > 0 ? (size_t) n : 0);
  } while (n > 0);
}

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* Of the first answer that is more than `100 Continue`; -1: it is none. */
static int
status_of (const char *text)
{
  int status = -1;
  if (strncmp (text, CONTINUE, sizeof CONTINUE - 1) == 0)
    text += sizeof CONTINUE - 1;
  return sscanf (text, "HTTP/1.%*1[01] %3d ", &status) == 1 ? status : -1;
}

static int
count_answers (struct bytes *text)
{
  int count = 0;
  for (const char *at = bytes_text (text); (at = strstr (at, "HTTP/1.")); at++)
    count++;
  return count;
}

#define HOST "Host: x\r\n"
#define FORM "client_uuid=a"
#define CHUNKS "d\r\n" FORM "\r\n0\r\n\r\n"

static const struct {
  const char *head, *body;
  int status;
} refused[] = {
  { HOST "Content-Length: abc", FORM, 400 },
  { HOST "Content-Length: -5", FORM, 400 },
  { HOST "Content-Length: +13", FORM, 400 },
  { HOST "Content-Length:", FORM, 400 },
  { HOST "Content-Length: 13, 13", FORM, 400 },
  { HOST "Content-Length: 99999999999999999999999999", FORM, 413 },
  { HOST "Content-Length: 13\r\nContent-Length: 3", FORM, 400 },
  { HOST "Content-Length: 3\r\nContent-Length: 13", FORM, 400 },
  { HOST "Content-Length: 13\r\ncontent-length: abc", FORM, 400 },
  { HOST "Content-Length : 13", FORM, 400 },
  { HOST "Content-Length: 13\r\nTransfer-Encoding: chunked", CHUNKS, 400 },
  { HOST "Transfer-Encoding: chunked\r\nContent-Length: 13", CHUNKS, 400 },
  { HOST "Transfer-Encoding: gzip", CHUNKS, 501 },
  { HOST "Transfer-Encoding: gzip, chunked", CHUNKS, 501 },
  { HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", CHUNKS, 501 },
  { HOST "Transfer-Encoding: identity\r\nContent-Length: 13", FORM, 501 },
  { HOST "Expect: 100-continue\r\nContent-Length: 4097", "", 413 },
  { "Content-Length: 13", FORM, 400 },
  { HOST HOST "Content-Length: 13", FORM, 400 },
};

static void
assert_refused (const char *head, const char *body, int status)
{
  char request[512];
  CLEANUP_BYTES struct bytes answer = { 0 };
  int fd = connect_to (0);
  snprintf (request, sizeof request, "POST / HTTP/1.1\r\n%s\r\n\r\n%s", head, body);
  put (fd, request);
  get_until_closed (fd, &answer);
  ck_assert_msg (status_of (bytes_text (&answer)) == status, "%s: %s", head, bytes_text (&answer));
  ck_assert_msg (count_answers (&answer) == 1, "%s: %s", head, bytes_text (&answer));
  close (fd);
}

START_TEST (a_head_is_refused_that_leaves_the_end_of_the_body_open)
{
  char pieces[] = "POST / HTTP/1.1\r\n" HOST "Content-Length: abc\r\n\r\n";
  CLEANUP_BYTES struct bytes answer = { 0 };
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
    assert_refused (refused[i].head, refused[i].body, refused[i].status);
  int fd = connect_to (0);
  for (size_t i = 0; pieces[i]; i++)
    put (fd, (char[]) { pieces[i], 0 });
  get_until_closed (fd, &answer);
  ck_assert_int_eq (status_of (bytes_text (&answer)), 400);
  ck_assert_int_eq (count_answers (&answer), 1);
  close (fd);
  end_loop ();
  ck_assert_str_eq (bytes_text (&server.told), "");
}
END_TEST

/* `Cookie: x=y; x=y; …` of so many bytes; the status of the one answer. */
static int
send_cookies (size_t size)
{
  static const char one[] = "x=y; ";
  CLEANUP_BYTES struct bytes request = { 0 }, answer = { 0 };
  int fd = connect_to (0);
  bytes_puts (&request, "POST / HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 13\r\nCookie: ");
  for (size_t i = 0; i < size; i += sizeof one - 1)
    bytes_puts (&request, one);
  bytes_puts (&request, "\r\n\r\n" FORM);
  put (fd, bytes_text (&request));
  get_until_closed (fd, &answer);
  ck_assert_msg (count_answers (&answer) == 1, "%zu: %s", size, bytes_text (&answer));
  close (fd);
  return status_of (bytes_text (&answer));
}

START_TEST (cookies_of_others_are_not_in_the_way)
{
  ck_assert_int_eq (send_cookies (0), 200);
  ck_assert_int_eq (send_cookies (8000), 200);
  ck_assert_int_eq (send_cookies (20000), 431);
}
END_TEST

START_TEST (a_head_is_taken_that_is_sound)
{
  static const char *const taken[] = {
    "HTTP/1.1\r\n" HOST "Connection: close\r\nContent-Length: 013\r\n\r\n" FORM,
    "HTTP/1.1\r\n" HOST "Connection: close\r\nTransfer-Encoding: Chunked\r\n\r\n" CHUNKS,
    "HTTP/1.1\r\n" HOST "Connection: close\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n" FORM,
    ("HTTP/1.0\r\nContent-Length: 13\r\n\r\n" FORM),
  };
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
    CLEANUP_BYTES struct bytes answer = { 0 };
    int fd = connect_to (0);
    put (fd, "POST / ");
    put (fd, taken[i]);
    get_until_closed (fd, &answer);
    ck_assert_msg (status_of (bytes_text (&answer)) == 200, "%s: %s", taken[i], bytes_text (&answer));
    close (fd);
  }
}
END_TEST

/* ---- more clients than descriptors --------------------------------------------- */

#define QUIET_MS 300 /* so long nothing may happen where nothing can */
#define ROUNDS_OF_NOTHING 50

static void
assert_unanswered (int fd)
{
  struct pollfd fds = { .fd = fd, .events = POLLIN };
  int before = server.rounds;
  ck_assert_int_eq (poll (&fds, 1, QUIET_MS), 0);
  ck_assert_int_le (server.rounds - before, ROUNDS_OF_NOTHING);
}

static void
assert_answered (int fd)
{
  char answer[4096];
  ck_assert_int_eq (wait_long (NULL, fd, POLLIN), 1);
  ssize_t n = recv (fd, answer, sizeof answer - 1, 0);
  answer[n > 0 ? n : 0] = 0;
  ck_assert_int_eq (status_of (answer), 200);
}

#define REQUEST "POST / HTTP/1.1\r\n" HOST "Content-Length: 13\r\n\r\n" FORM

START_TEST (who_comes_to_a_full_port_waits)
{
  int idle[4];
  for (int i = 0; i < 4; i++) { /* each is taken: it gets an answer */
    idle[i] = connect_to (0);
    put (idle[i], REQUEST);
    assert_answered (idle[i]);
  }
  int late = connect_to (0), other = connect_to (1);
  put (late, REQUEST);
  put (other, REQUEST);
  assert_answered (other);
  assert_unanswered (late);
  close (idle[2]);
  assert_answered (late);
  put (idle[3], REQUEST);
  assert_answered (idle[3]);
  end_loop ();
  ck_assert_str_eq (bytes_text (&server.warned), "the registration port: it is full, 4 connections are open: more have"
                                                 " to wait until one is closed\n");
  for (int i = 0; i < 4; i++)
    if (i != 2)
      close (idle[i]);
  close (late);
  close (other);
}
END_TEST

/* The process may have no more descriptors than now. */
static struct rlimit
take_descriptors (void)
{
  struct rlimit old, limit;
  ck_assert_int_eq (getrlimit (RLIMIT_NOFILE, &old), 0);
  int lowest = dup (0);
  ck_assert_int_ge (lowest, 0);
  close (lowest);
  limit = (struct rlimit) { (rlim_t) lowest, old.rlim_max };
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
  return old;
}

START_TEST (a_server_without_descriptors_rests)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (server.ports[0]),
                                 .sin_addr = { htonl (INADDR_LOOPBACK) } };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ck_assert_int_ge (fd, 0);
  struct rlimit old = take_descriptors ();
  ck_assert_int_eq (connect (fd, (struct sockaddr *) &address, sizeof address), 0);
  put (fd, REQUEST);
  assert_unanswered (fd);
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &old), 0);
  assert_answered (fd);
  close (fd);
  end_loop ();
  ck_assert_str_eq (bytes_text (&server.warned), "the registration port: no descriptors are left, 0 connections are"
                                                 " open: more have to wait until one is closed\n");
}
END_TEST

START_TEST (a_crowd_leaves_descriptors_to_others)
{
  struct rlimit old = take_descriptors (), limit = { old.rlim_cur, old.rlim_max };
  ck_assert_int_eq (http_connections_that_fit (), 1);
  limit.rlim_cur = 256;
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
  ck_assert_uint_ge (http_connections_that_fit (), 120);
  ck_assert_uint_le (http_connections_that_fit (), 168);
  limit.rlim_cur = old.rlim_max < 20000 ? old.rlim_max : 20000;
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &limit), 0);
  ck_assert_uint_ge (http_connections_that_fit (), limit.rlim_cur / 4 * 3 - 100);
  ck_assert_int_eq (setrlimit (RLIMIT_NOFILE, &old), 0);
}
END_TEST

static void
start_small_server (void)
{
  connections = 4;
  start_server ();
}

Suite *
http_suite (void)
{
  Suite *suite = suite_create ("http");
  TCase *tests = tcase_create ("http");
  tcase_set_timeout (tests, 120);
  tcase_add_checked_fixture (tests, start_server, stop_server);
  tcase_add_test (tests, a_code_is_stored_when_it_is_answered);
  tcase_add_test (tests, a_message_is_logged_when_it_is_answered);
  tcase_add_test (tests, what_cannot_be_kept_is_answered_by_503);
  tcase_add_test (tests, what_fails_again_and_again_is_told_once);
  tcase_add_test (tests, a_log_that_was_renamed_is_opened_again);
  tcase_add_test (tests, many_at_once_are_served);
  tcase_add_test (tests, a_head_is_refused_that_leaves_the_end_of_the_body_open);
  tcase_add_test (tests, cookies_of_others_are_not_in_the_way);
  tcase_add_test (tests, a_head_is_taken_that_is_sound);
  tcase_add_test (tests, a_server_without_descriptors_rests);
  tcase_add_test (tests, a_crowd_leaves_descriptors_to_others);
  suite_add_tcase (suite, tests);
  TCase *small = tcase_create ("small");
  tcase_set_timeout (small, 120);
  tcase_add_checked_fixture (small, start_small_server, stop_server);
  tcase_add_test (small, who_comes_to_a_full_port_waits);
  suite_add_tcase (suite, small);
  return suite;
}
