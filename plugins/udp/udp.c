/* udp.c - the plugin udp: datagrams.  Here are its tables and the verbs that
 * send and receive; sockets are in socket.c. */
#define _GNU_SOURCE 1
#include "socket.h"

#include <stdio.h>
#include <stdlib.h>

#include "../common/pace.h"
#include "../common/quiet.h"
#include "../common/show.h"

#define PEER_FORM .pattern = ":[0-9]*[1-9][0-9]*$", .form = "an address with a port (host:port or [v6]:port)"

/* ---- open, send, close ---- */

static const struct runner_param open_params[] = {
  RUNNER_PARAM (struct open_args, to, .flags = RUNNER_PRIMARY, PEER_FORM,
                .help = "the peer, host:port; only its datagrams are received. By default everybody's"),
  RUNNER_PARAM (struct open_args, bind,
                .help = "our own address; by default any that is free, on 127.0.0.1 without to"),
  RUNNER_PARAM (struct open_args, as, .preset = "default", .flags = RUNNER_NEW_HANDLE,
                .help = "name that the socket gets"),
  { 0 },
};
static const struct runner_field open_result[] = {
  { .name = "address", .type = RUNNER_ADDRESS, .help = "our address" },
  { .name = "port", .type = RUNNER_INT, .help = "the port in it" },
  { .name = "peer", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "with to: the peer's address" },
  { 0 },
};

#define CONN(args, more_flags)                                                                             \
  RUNNER_PARAM (args, conn, .preset = "default", .flags = RUNNER_HANDLE | more_flags, .help = "name of the socket")

struct send_args { struct runner_bytes text; struct runner_address to; const char *conn; };

static int
udp_send (struct runner_step *step, const void *arguments)
{
  const struct send_args *args = arguments;
  struct udp_socket *socket = socket_use (step, args->conn);
  if (!socket)
    return RUNNER_ERROR;
  if (!args->to.text) {
    if (!socket->connected && !socket->last.size)
      return runner_error (step, "%s: no peer: say `to`, here or in udp.open", socket->name);
    return socket_send (step, socket, socket->connected ? NULL : &socket->last, args->text.data, args->text.size);
  }
  if (socket->connected)
    return runner_error (step, "%s has its peer; `to` is for sockets that were opened without one", socket->name);
  if (args->to.path || args->to.port == 0)
    return runner_error (step, "to: %s: host:port is needed", args->to.text);
  struct addresses to;
  int outcome = address_resolve (step, &args->to, SOCK_DGRAM, 0, &to);
  if (outcome != RUNNER_PASS)
    return outcome;
  const struct address *peer = address_of_family (&to, socket->family);
  if (!peer)
    return runner_error (step, "to: %s is of another family of addresses than %s", args->to.text, socket->name);
  return socket_send (step, socket, peer, args->text.data, args->text.size);
}

static const struct runner_param send_params[] = {
  RUNNER_PARAM (struct send_args, text, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "the datagram"),
  RUNNER_PARAM (struct send_args, to, PEER_FORM,
                .help = "to whom; by default the peer of udp.open, or who sent the last datagram that was received"),
  CONN (struct send_args, 0),
  { 0 },
};

struct close_args { const char *conn; };

static int
udp_close (struct runner_step *step, const void *arguments)
{
  const struct close_args *args = arguments;
  return runner_handle_close (step, args->conn, &udp_type) == 0 ? RUNNER_PASS : RUNNER_ERROR;
}

static const struct runner_param close_params[] = { CONN (struct close_args, RUNNER_PRIMARY), { 0 } };

/* ---- receive, wait, quiet ---- */

/* What a datagram is to be: stream_args without what belongs to streams. */
struct wanted_args { struct runner_bytes text; const char *regex; struct runner_bytes_pattern bytes; };
struct receive_args { const char *conn; int64_t count; struct wanted_args wanted; };
struct quiet_args { const char *conn; struct runner_duration ns; struct wanted_args wanted; };

/* The socket, and what is to come: RUNNER_PASS, or the outcome to return. */
static int
begin_receiving (struct runner_step *step, const char *conn, const struct wanted_args *args,
                 struct udp_socket **socket, struct stream_wanted *wanted)
{
  struct stream_args all = { .text = args->text, .regex = args->regex, .bytes = args->bytes };
  *socket = socket_use (step, conn);
  return *socket ? stream_wanted (step, &all, wanted) : RUNNER_ERROR;
}

static const char *
describe (char *out, const struct stream_wanted *wanted)
{
  if (wanted->content != CONTENT_ANY)
    return stream_describe (out, wanted);
  snprintf (out, STREAM_DESCRIBE_ROOM, "a datagram");
  return out;
}

static void
put_datagram (struct runner_out *out, const struct stream_wanted *wanted, const struct datagram *datagram,
              const struct stream_found *found)
{
  char address[ADDRESS_ROOM];
  stream_put_found (out, wanted, datagram->data, found);
  runner_put_string (out, "from", address_print (address, &datagram->from));
}

/* Waits for the next one: RUNNER_PASS, or the outcome to return. */
static int
await_first (struct runner_step *step, struct udp_socket *socket, const struct stream_wanted *wanted,
             struct pace *pace, size_t skipped)
{
  char what[STREAM_DESCRIBE_ROOM];
  struct datagram *at = NULL;
  int outcome = RUNNER_ERROR;
  int more = pace_over (step, pace) ? MORE_EXPIRED : socket_next (step, socket, &at, -1, &outcome);
  if (more == MORE_FAILED)
    return outcome;
  if (more != MORE_EXPIRED)
    return RUNNER_PASS;
  if (skipped)
    return runner_expired (step, "waiting for %s at %s; %zu others came", describe (what, wanted), socket->name,
                           skipped);
  return runner_expired (step, "waiting for %s at %s; nothing came", describe (what, wanted), socket->name);
}

/* The first datagram must be what is wanted; it goes into `out`. */
static int
receive_one (struct runner_step *step, struct udp_socket *socket, const struct stream_wanted *wanted,
             struct pace *pace, struct runner_out *out)
{
  int outcome = await_first (step, socket, wanted, pace, 0);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct datagram *datagram = socket_take (socket);
  struct stream_found found;
  enum stream_match match = stream_match_message (step, wanted, datagram->data, datagram->size, &found);
  if (match == MATCH_FOUND) {
    put_datagram (out, wanted, datagram, &found);
  } else if (match == MATCH_DIFFERS) {
    char what[STREAM_DESCRIBE_ROOM], got[SHOW_ROOM], from[ADDRESS_ROOM];
    outcome = runner_fail (step, "%s: expected %s, got %s from %s", socket->name, describe (what, wanted),
                           show_first (got, datagram->data, datagram->size), address_print (from, &datagram->from));
  } else {
    outcome = RUNNER_ERROR;
  }
  free (datagram);
  return outcome;
}

static int
udp_receive (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct stream_wanted wanted;
  struct udp_socket *socket;
  int outcome = begin_receiving (step, args->conn, &args->wanted, &socket, &wanted);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct runner_out *out = runner_result (step);
  struct pace pace = { 0 };
  if (!args->count)
    return receive_one (step, socket, &wanted, &pace, out);
  runner_put_list (out, "messages");
  for (int64_t i = 0; i < args->count && outcome == RUNNER_PASS; i++) {
    runner_put_map (out, NULL);
    outcome = receive_one (step, socket, &wanted, &pace, out);
    runner_put_end (out);
  }
  runner_put_end (out);
  return outcome;
}

/* Is the first datagram what a wait is for?  1: it is in the result; 0; -1: the
 * step's error is set. */
static int
suits (struct runner_step *step, const struct stream_wanted *wanted, const struct datagram *datagram,
       size_t skipped)
{
  struct stream_found found;
  enum stream_match match = stream_match_message (step, wanted, datagram->data, datagram->size, &found);
  if (match != MATCH_FOUND)
    return match == MATCH_WRONG ? -1 : 0;
  struct runner_out *out = runner_result (step);
  put_datagram (out, wanted, datagram, &found);
  runner_put_int (out, "skipped", (int64_t) skipped);
  int holds = runner_result_holds (step);
  if (holds == 0)
    runner_put_reset (out);
  return holds;
}

static int
udp_wait (struct runner_step *step, const void *arguments)
{
  const struct receive_args *args = arguments;
  struct stream_wanted wanted;
  struct udp_socket *socket;
  int outcome = begin_receiving (step, args->conn, &args->wanted, &socket, &wanted);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct pace pace = { 0 };
  for (size_t skipped = 0;; skipped++) {
    outcome = await_first (step, socket, &wanted, &pace, skipped);
    if (outcome != RUNNER_PASS)
      return outcome;
    struct datagram *datagram = socket_take (socket);
    int good = suits (step, &wanted, datagram, skipped);
    free (datagram);
    if (good)
      return good > 0 ? RUNNER_PASS : RUNNER_ERROR;
  }
}

/* So many may be at hand when the time is over, which came in time (Linux counts a datagram
 * as 768 bytes at least, and gives a socket room for 208 KiB). */
#define AT_HAND 1000

/* Datagrams that do not match stay for later steps. */
static int
udp_quiet (struct runner_step *step, const void *arguments)
{
  const struct quiet_args *args = arguments;
  struct stream_wanted wanted;
  struct udp_socket *socket;
  int outcome = begin_receiving (step, args->conn, &args->wanted, &socket, &wanted);
  if (outcome == RUNNER_PASS)
    outcome = quiet_fits (step, args->ns.ns);
  if (outcome != RUNNER_PASS)
    return outcome;
  int64_t end = runner_now () + args->ns.ns;
  struct pace pace = { 0 };
  struct datagram *at = NULL;
  for (int late = 0; late < AT_HAND;) {
    int64_t left = end - runner_now ();
    late += left <= 0 && (!at || !at->next);
    int more = pace_over (step, &pace) ? MORE_EXPIRED
                                       : socket_next (step, socket, &at, left > 0 ? left : 0, &outcome);
    if (more == MORE_FAILED)
      return outcome;
    if (more == MORE_EXPIRED)
      return runner_expired (step, "waiting whether something comes to %s", socket->name);
    if (more == MORE_NOT_YET)
      return RUNNER_PASS;
    struct stream_found found;
    enum stream_match match = stream_match_message (step, &wanted, at->data, at->size, &found);
    if (match == MATCH_WRONG)
      return RUNNER_ERROR;
    if (match == MATCH_FOUND) {
      char got[SHOW_ROOM], from[ADDRESS_ROOM], what[STREAM_DESCRIBE_ROOM];
      return runner_fail (step, "%s: expected not to get %s, got %s from %s", socket->name,
                          describe (what, &wanted), show_first (got, at->data, at->size),
                          address_print (from, &at->from));
    }
  }
  return RUNNER_PASS;
}

#define WANTED(args, text_flags)                                                                           \
  RUNNER_PARAM_AS ("text", args, wanted.text, .flags = text_flags, .group = "?content",                    \
                   .help = "exactly these bytes are the datagram"),                                        \
  RUNNER_PARAM_AS ("regex", args, wanted.regex, .flags = RUNNER_REGEX, .group = "?content",                \
                   .help = "this regular expression (PCRE2) matches somewhere in it"),                     \
  RUNNER_PARAM_AS ("bytes", args, wanted.bytes, .group = "?content",                                       \
                   .help = "bytes in which `.` stands for any hexadecimal digit: {hex: \"00 .. ff\"}")

static const struct runner_param receive_params[] = {
  WANTED (struct receive_args, RUNNER_PRIMARY),
  CONN (struct receive_args, 0),
  RUNNER_PARAM (struct receive_args, count, .min = "1", .max = "1000000",
                .help = "receive so many, as the list `messages`"),
  { 0 },
};
static const struct runner_param wait_params[] = {
  WANTED (struct receive_args, RUNNER_PRIMARY),
  CONN (struct receive_args, 0),
  { 0 },
};
static const struct runner_param quiet_params[] = {
  RUNNER_PARAM_AS ("for", struct quiet_args, ns, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "how long"),
  WANTED (struct quiet_args, 0),
  CONN (struct quiet_args, 0),
  { 0 },
};
#define GROUPS                                                                                             \
  { .name = "groups", .type = RUNNER_LIST, .flags = RUNNER_OPTIONAL,                                       \
    .help = "with regex: what its groups matched; null for one that took no part" }
static const struct runner_field receive_result[] = {
  { .name = "data", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "the datagram" },
  { .name = "from", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "who sent it, host:port" },
  GROUPS,
  { .name = "messages", .type = RUNNER_LIST, .flags = RUNNER_OPTIONAL,
    .help = "with count: data and from (and groups) of each, instead of the above" },
  { 0 },
};
static const struct runner_field wait_result[] = {
  { .name = "data", .type = RUNNER_TEXT, .help = "the datagram" },
  { .name = "from", .type = RUNNER_TEXT, .help = "who sent it, host:port" },
  { .name = "skipped", .type = RUNNER_INT, .help = "datagrams that were passed over" },
  GROUPS,
  { 0 },
};

/* ---- the plugin ---- */

static const struct runner_verb verbs[] = {
  { .name = "open", .help = "open a socket", .run = udp_open, .params = open_params,
    .args_size = sizeof (struct open_args), .result = open_result, .flags = RUNNER_COOPERATIVE },
  { .name = "send", .help = "send a datagram", .run = udp_send, .params = send_params,
    .args_size = sizeof (struct send_args), .flags = RUNNER_COOPERATIVE },
  { .name = "receive", .help = "receive the next datagram; it must be what is said", .run = udp_receive,
    .params = receive_params, .args_size = sizeof (struct receive_args), .result = receive_result,
    .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE },
  { .name = "wait", .help = "pass over datagrams until one is what is said", .run = udp_wait, .params = wait_params,
    .args_size = sizeof (struct receive_args), .result = wait_result,
    .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE },
  { .name = "quiet", .help = "for a while no datagram may come that is what is said", .run = udp_quiet,
    .params = quiet_params, .args_size = sizeof (struct quiet_args),
    .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE },
  { .name = "close", .help = "close a socket", .run = udp_close, .params = close_params,
    .args_size = sizeof (struct close_args), .flags = RUNNER_COOPERATIVE },
  { 0 },
};

RUNNER_PLUGIN (.name = "udp", .version = "1.0", .help = "datagrams over UDP", .verbs = verbs);
