/* verbs.c - see verbs.h. */
#include "verbs.h"

#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/address.h"
#include "frame.h"
#include "../common/net.h"
#include "../common/pace.h"
#include "pyrepr.h"

#define READ_ROOM 16384
#define SHOWN_BYTES 200
#define PASSED_LIMIT ((size_t) 16 << 20) /* bytes */

struct device_connection {
  int fd;
  bool has_id;
  int64_t id; /* the device that it is, unless a step says another */
  struct frame_reader reader;
  const char *unread; /* within `data` */
  size_t unread_size;
  struct bytes passed; /* frames that `quiet` has passed over, one after the other: they come first */
  size_t passed_taken; /* of these bytes */
  char name[300]; /* "dev 127.0.0.1:8889" */
  char data[READ_ROOM];
};

static void
free_connection (struct device_connection *connection)
{
  if (connection->fd >= 0) {
    net_end (connection->fd);
    close (connection->fd);
  }
  frame_reader_free (&connection->reader);
  bytes_free (&connection->passed);
  free (connection);
}

static void
destroy_connection (struct runner_step *step, void *object)
{
  (void) step;
  free_connection (object);
}

static const struct runner_handle_type connection_type = { .name = "tcp-device connection",
                                                          .destroy = destroy_connection };

/* ---- waiting within the step's time ---------------------------------------- */

struct step_wait {
  struct runner_step *step;
  int64_t until; /* 0: as long as the step may */
  struct pace pace, passed_pace; /* of what comes, and of what was passed over before */
};

static int
wait_for (void *data, int fd, short events)
{
  struct step_wait *wait = data;
  struct pollfd poll_fd = { .fd = fd, .events = events };
  int64_t ns = -1;
  if (wait->until) {
    ns = wait->until - runner_now ();
    if (ns < 0)
      ns = 0;
  }
  return runner_poll (wait->step, &poll_fd, 1, ns);
}

/* ---- connect, close ---------------------------------------------------------- */

int
verb_connect (struct runner_step *step, const void *arguments)
{
  const struct connect_args *args = arguments;
  char error[256] = "it has no address";
  struct addresses found;
  if (args->to.host && !args->to.port)
    return runner_error (step, "to: %s has no port", args->to.text);
  int outcome = address_resolve (step, &args->to, SOCK_STREAM, 0, &found);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct step_wait stepwise = { .step = step };
  struct net_wait wait = { wait_for, &stepwise };
  int fd = NET_FAILED;
  for (size_t i = 0; i < found.count && fd == NET_FAILED; i++)
    fd = net_connect_address ((struct sockaddr *) &found.list[i].addr, found.list[i].size, &wait, error,
                              sizeof error);
  if (fd == NET_STOPPED || fd == NET_TIME_OVER)
    return runner_expired (step, "connecting to %s", args->to.text);
  if (fd < 0)
    return runner_fail (step, "cannot connect to %s: %s", args->to.text, error);
  struct device_connection *connection = bytes_allocate (sizeof *connection);
  connection->fd = fd;
  connection->has_id = runner_given (step, "id");
  connection->id = args->id;
  snprintf (connection->name, sizeof connection->name, "%s %s", args->as, args->to.text);
  if (runner_handle_add (step, args->as, &connection_type, connection) == 0)
    return RUNNER_PASS;
  free_connection (connection);
  return RUNNER_ERROR;
}

int
verb_close (struct runner_step *step, const void *arguments)
{
  const struct close_args *args = arguments;
  return runner_handle_close (step, args->conn, &connection_type) == 0 ? RUNNER_PASS : RUNNER_ERROR;
}

/* ---- report -------------------------------------------------------------------- */

/* The frame to be sent.  RUNNER_PASS, or the outcome to return. */
static int
make_frame (struct runner_step *step, const struct report_args *args, const struct device_connection *connection,
            struct bytes *out)
{
  if (runner_given (step, "raw")) {
    bytes_add (out, args->raw.data, args->raw.size);
    return RUNNER_PASS;
  }
  bool given = runner_given (step, "id");
  if (!given && !connection->has_id)
    return runner_error (step, "id: neither the step nor the connection says which device reports");
  if (strchr (args->report, '@'))
    return runner_error (step, "report: %s: a frame ends at `@`; send such bytes with raw", args->report);
  struct report report = { given ? args->id : connection->id, args->report, strlen (args->report) };
  frame_write (out, &report);
  return RUNNER_PASS;
}

int
verb_report (struct runner_step *step, const void *arguments)
{
  const struct report_args *args = arguments;
  struct device_connection *connection = runner_handle_use (step, args->conn, &connection_type);
  if (!connection)
    return RUNNER_ERROR;
  CLEANUP_BYTES struct bytes frame = { 0 };
  int outcome = make_frame (step, args, connection, &frame);
  if (outcome != RUNNER_PASS)
    return outcome;
  char error[256];
  struct step_wait stepwise = { .step = step };
  struct net_wait wait = { wait_for, &stepwise };
  int rc = net_write_all (connection->fd, frame.data, frame.size, &wait, error, sizeof error);
  if (rc == NET_STOPPED || rc == NET_TIME_OVER)
    return runner_expired (step, "%s: sending", connection->name);
  if (rc != NET_OK)
    return runner_fail (step, "%s: %s", connection->name, error);
  runner_wire (step, RUNNER_SENT, connection->name, frame.data, frame.size);
  runner_put_int (runner_result (step), "sent", (int64_t) frame.size);
  return RUNNER_PASS;
}

/* ---- receive, wait, quiet --------------------------------------------------------- */

enum next { NEXT_FRAME, NEXT_TIME_OVER, NEXT_STOPPED, NEXT_FAILED };

/* Reads on, for as long as `wait` says; NEXT_FRAME: something came. */
static enum next
read_more (struct runner_step *step, struct device_connection *connection, const struct net_wait *wait)
{
  char error[256];
  ssize_t n = net_read (connection->fd, connection->data, READ_ROOM, wait, error, sizeof error);
  if (n == NET_TIME_OVER)
    return NEXT_TIME_OVER;
  if (n == NET_STOPPED)
    return NEXT_STOPPED;
  if (n <= 0) {
    runner_fail (step, "%s: %s", connection->name, n == 0 ? "the server closed the connection" : error);
    return NEXT_FAILED;
  }
  runner_wire (step, RUNNER_RECEIVED, connection->name, connection->data, (size_t) n);
  connection->unread = connection->data;
  connection->unread_size = (size_t) n;
  return NEXT_FRAME;
}

/* One that was passed over: false: there are no more. */
static bool
next_passed (struct device_connection *connection, struct frame *frame)
{
  struct bytes *passed = &connection->passed;
  if (connection->passed_taken == passed->size) {
    bytes_free (passed);
    connection->passed_taken = 0;
    return false;
  }
  const char *text = passed->data + connection->passed_taken;
  const char *end = memchr (text + 1, '@', passed->size - connection->passed_taken - 1); /* a frame has two */
  *frame = (struct frame) { text, (size_t) (end - text) + 1 };
  connection->passed_taken += frame->size;
  return true;
}

static enum next
next_frame (struct runner_step *step, struct device_connection *connection, const struct net_wait *wait,
            struct frame *frame)
{
  struct step_wait *stepwise = wait->data;
  if (connection->passed.size && pace_over (step, &stepwise->passed_pace))
    return NEXT_STOPPED;
  if (next_passed (connection, frame))
    return NEXT_FRAME;
  for (bool first = !stepwise->pace.looked;; first = false) {
    if (pace_over (step, &stepwise->pace))
      return NEXT_STOPPED;
    enum frame_found found = frame_next (&connection->reader, &connection->unread, &connection->unread_size, frame);
    if (found == FRAME_FOUND)
      return NEXT_FRAME;
    if (found == FRAME_TOO_LONG) {
      runner_fail (step, "%s: 64 KiB came without an end of frame", connection->name);
      return NEXT_FAILED;
    }
    if (!first && stepwise->until && runner_now () >= stepwise->until)
      return NEXT_TIME_OVER;
    enum next more = read_more (step, connection, wait);
    if (more != NEXT_FRAME)
      return more;
  }
}

static void
put_frame (struct runner_out *out, const struct frame *frame)
{
  struct report report;
  if (!frame_parse (frame, &report)) {
    runner_put_int (out, "id", report.id);
    runner_put_text (out, "report", report.text, report.size);
  }
  runner_put_text (out, "frame", frame->text, frame->size);
}

/* Does the frame, which is the result put so far, fit the parameters?  1, 0, -1. */
static int
fits (struct runner_step *step, const struct wanted_args *wanted, const struct frame *frame)
{
  struct report report;
  bool parsed = !frame_parse (frame, &report);
  if (runner_given (step, "id") && (!parsed || report.id != wanted->id))
    return 0;
  if (runner_given (step, "report")
      && (!parsed || report.size != strlen (wanted->report)
          || memcmp (report.text, wanted->report, report.size) != 0))
    return 0;
  return runner_given (step, "match") ? runner_match (step, wanted->match, runner_result (step)) : 1;
}

/* "@123,name@", shortened, as a Python literal: it stays on one line. */
static const char *
shown (struct bytes *out, const struct frame *frame)
{
  out->size = 0;
  pyrepr_bytes (out, frame->text, frame->size < SHOWN_BYTES ? frame->size : SHOWN_BYTES);
  if (frame->size > SHOWN_BYTES)
    bytes_puts (out, "...");
  return bytes_text (out);
}

static const char *
wanted_text (struct runner_step *step, struct bytes *out, const struct wanted_args *wanted)
{
  bytes_puts (out, "a frame");
  if (runner_given (step, "id")) {
    bytes_puts (out, " of device ");
    bytes_int (out, wanted->id);
  }
  if (runner_given (step, "report")) {
    bytes_puts (out, " with report ");
    pyrepr_text (out, wanted->report, strlen (wanted->report));
  }
  if (runner_given (step, "match"))
    bytes_puts (out, " that matches");
  return bytes_text (out);
}

static int
not_received (struct runner_step *step, const struct device_connection *connection,
              const struct wanted_args *wanted, enum next next)
{
  CLEANUP_BYTES struct bytes text = { 0 };
  if (next == NEXT_FAILED)
    return RUNNER_FAIL;
  return runner_expired (step, "%s: waiting for %s", connection->name, wanted_text (step, &text, wanted));
}

static int
receive_one (struct runner_step *step, struct device_connection *connection, const struct wanted_args *wanted,
             const struct net_wait *wait, struct frame *frame)
{
  enum next next = next_frame (step, connection, wait, frame);
  if (next != NEXT_FRAME)
    return not_received (step, connection, wanted, next);
  runner_put_reset (runner_result (step));
  put_frame (runner_result (step), frame);
  int fit = fits (step, wanted, frame);
  if (fit != 0)
    return fit > 0 ? RUNNER_PASS : RUNNER_ERROR;
  CLEANUP_BYTES struct bytes text = { 0 }, got = { 0 };
  return runner_fail (step, "%s: expected %s, got %s", connection->name, wanted_text (step, &text, wanted),
                      shown (&got, frame));
}

/* The texts of the frames, one after the other, are the list `messages`. */
static int
receive_many (struct runner_step *step, struct device_connection *connection, const struct receive_args *args,
              const struct net_wait *wait)
{
  CLEANUP_BYTES struct bytes all = { 0 };
  int outcome = RUNNER_PASS;
  struct frame frame;
  for (int64_t i = 0; i < args->count && outcome == RUNNER_PASS; i++) {
    outcome = receive_one (step, connection, &args->wanted, wait, &frame);
    if (outcome == RUNNER_PASS)
      bytes_add (&all, frame.text, frame.size);
    else
      runner_log (step, "%" PRId64 " of %" PRId64 " frames came", i, args->count);
  }
  struct runner_out *out = runner_result (step);
  struct frame_reader reader = { 0 };
  const char *from = all.data;
  size_t left = all.size;
  runner_put_reset (out);
  runner_put_list (out, "messages");
  while (left && frame_next (&reader, &from, &left, &frame) == FRAME_FOUND) {
    runner_put_map (out, NULL);
    put_frame (out, &frame);
    runner_put_end (out);
  }
  runner_put_end (out);
  frame_reader_free (&reader);
  return outcome;
}

int
verb_receive (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct device_connection *connection = runner_handle_use (step, args->conn, &connection_type);
  struct frame frame;
  if (!connection)
    return RUNNER_ERROR;
  struct step_wait stepwise = { .step = step };
  struct net_wait wait = { wait_for, &stepwise };
  if (runner_given (step, "count"))
    return receive_many (step, connection, args, &wait);
  return receive_one (step, connection, &args->wanted, &wait, &frame);
}

int
verb_wait (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct device_connection *connection = runner_handle_use (step, args->conn, &connection_type);
  if (!connection)
    return RUNNER_ERROR;
  struct step_wait stepwise = { .step = step };
  struct net_wait wait = { wait_for, &stepwise };
  struct frame frame;
  CLEANUP_BYTES struct bytes last = { 0 };
  enum next next;
  for (int64_t skipped = 0; (next = next_frame (step, connection, &wait, &frame)) == NEXT_FRAME; skipped++) {
    runner_put_reset (runner_result (step));
    put_frame (runner_result (step), &frame);
    runner_put_int (runner_result (step), "skipped", skipped);
    int holds = fits (step, &args->wanted, &frame);
    if (holds > 0)
      holds = runner_result_holds (step);
    if (holds != 0)
      return holds > 0 ? RUNNER_PASS : RUNNER_ERROR;
    shown (&last, &frame);
  }
  if (last.size)
    runner_log (step, "%s: the last frame that was skipped: %s", connection->name, bytes_text (&last));
  return not_received (step, connection, &args->wanted, next);
}

/* What came, the frame that was not to come too, is still to be received. */
static void
pass_over (struct device_connection *connection, struct bytes *passed)
{
  struct bytes *left = &connection->passed; /* of what an earlier one has passed over */
  if (left->size > connection->passed_taken)
    bytes_add (passed, left->data + connection->passed_taken, left->size - connection->passed_taken);
  bytes_free (left);
  connection->passed = *passed;
  connection->passed_taken = 0;
}

/* What comes is added to `passed`. */
static int
stay_quiet (struct runner_step *step, struct device_connection *connection, const struct quiet_args *args,
            struct bytes *passed)
{
  struct step_wait stepwise = { .step = step, .until = runner_now () + args->duration.ns };
  struct net_wait wait = { wait_for, &stepwise };
  struct frame frame;
  enum next next;
  while ((next = next_frame (step, connection, &wait, &frame)) == NEXT_FRAME) {
    if (frame.size > PASSED_LIMIT - passed->size)
      return runner_error (step, "%s: more than %zu MiB came that was passed over", connection->name,
                           PASSED_LIMIT >> 20);
    bytes_add (passed, frame.text, frame.size);
    runner_put_reset (runner_result (step));
    put_frame (runner_result (step), &frame);
    int fit = fits (step, &args->wanted, &frame);
    if (fit < 0)
      return RUNNER_ERROR;
    CLEANUP_BYTES struct bytes got = { 0 };
    if (fit)
      return runner_fail (step, "%s: %s came", connection->name, shown (&got, &frame));
  }
  if (next == NEXT_FAILED)
    return RUNNER_FAIL;
  runner_put_reset (runner_result (step));
  return next == NEXT_TIME_OVER ? RUNNER_PASS : runner_expired (step, "%s: while it was quiet", connection->name);
}

int
verb_quiet (struct runner_step *step, const void *arguments)
{
  const struct quiet_args *args = arguments;
  struct device_connection *connection = runner_handle_use (step, args->conn, &connection_type);
  if (!connection)
    return RUNNER_ERROR;
  struct bytes passed = { 0 };
  int outcome = stay_quiet (step, connection, args, &passed);
  pass_over (connection, &passed);
  return outcome;
}
