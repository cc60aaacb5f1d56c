/* abi.c - a plugin that uses every part of the interface as it was in version 1.0, and
 * nothing but libc besides.  It is no example: abi.yaml says what must come of each verb.
 *
 * The binary beside it was built from this file and the header of 1.0.  It is never built
 * again; this file may not change with it, see ../README.md. */
#define _GNU_SOURCE 1
#include <runner-plugin.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND INT64_C (1000000000)

/* ---- parameters of every type ---- */

struct types_args {
  const char *text;
  int64_t integer;
  double number;
  struct runner_bool on;
  struct runner_bytes bytes;
  struct runner_duration time;
  struct runner_size size;
  struct runner_address address;
  struct runner_secret secret;
  struct runner_value value;
  struct runner_list list;
  struct runner_map map;
  struct runner_pattern pattern;
  struct runner_bytes_pattern bytes_pattern;
  const char *choice;
  const char *renamed;
};

static const char *const choices[] = { "red", "green", NULL };

static const struct runner_param types_params[] = {
  RUNNER_PARAM (struct types_args, text, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "text"),
  RUNNER_PARAM (struct types_args, integer, .preset = "-7", .min = "-10", .max = "10", .help = "integer"),
  RUNNER_PARAM (struct types_args, number, .preset = "0.5", .max = "1e6", .help = "number"),
  RUNNER_PARAM (struct types_args, on, .preset = "true", .help = "boolean"),
  RUNNER_PARAM (struct types_args, bytes, .help = "bytes"),
  RUNNER_PARAM (struct types_args, time, .preset = "1500ms", .min = "1ms", .max = "1h", .help = "duration"),
  RUNNER_PARAM (struct types_args, size, .preset = "4KiB", .max = "1MB", .help = "size"),
  RUNNER_PARAM (struct types_args, address, .help = "address"),
  RUNNER_PARAM (struct types_args, secret, .help = "secret"),
  RUNNER_PARAM (struct types_args, value, .help = "value"),
  RUNNER_PARAM (struct types_args, list, .help = "list"),
  RUNNER_PARAM (struct types_args, map, .help = "map"),
  RUNNER_PARAM (struct types_args, pattern, .help = "pattern"),
  RUNNER_PARAM (struct types_args, bytes_pattern, .help = "pattern of bytes"),
  RUNNER_PARAM (struct types_args, choice, .choices = choices, .preset = "green", .help = "one of them"),
  RUNNER_PARAM_AS ("for", struct types_args, renamed, .help = "a parameter that is named otherwise than its field"),
  { 0 }
};
static const struct runner_field types_result[] = {
  { .name = "text", .type = RUNNER_TEXT, .help = "text" },
  { .name = "integer", .type = RUNNER_INT, .help = "integer" },
  { .name = "number", .type = RUNNER_FLOAT, .help = "number" },
  { .name = "on", .type = RUNNER_BOOL, .help = "boolean" },
  { .name = "bytes", .type = RUNNER_TEXT, .help = "bytes" },
  { .name = "nanoseconds", .type = RUNNER_INT, .help = "duration" },
  { .name = "size", .type = RUNNER_INT, .help = "size" },
  { .name = "address", .type = RUNNER_MAP, .flags = RUNNER_OPTIONAL, .help = "address and its parts" },
  { .name = "secret_size", .type = RUNNER_INT, .help = "bytes of the secret" },
  { .name = "value", .type = RUNNER_VALUE, .help = "value" },
  { .name = "list", .type = RUNNER_LIST, .help = "list" },
  { .name = "map", .type = RUNNER_MAP, .help = "map" },
  { .name = "matches", .type = RUNNER_BOOL, .help = "does {text: …} match the pattern?" },
  { .name = "mask", .type = RUNNER_TEXT, .help = "of the pattern of bytes, as hexadecimal digits" },
  { .name = "choice", .type = RUNNER_TEXT, .help = "what was chosen" },
  { .name = "for", .type = RUNNER_TEXT, .help = "the renamed parameter" },
  { .name = "given", .type = RUNNER_LIST, .help = "names of what was given" },
  { 0 }
};

static void
put_hex (struct runner_out *out, const char *key, const uint8_t *data, size_t size)
{
  char text[129];
  text[0] = '\0';
  for (size_t i = 0; i < size && i < 64; i++)
    snprintf (text + 2 * i, 3, "%02x", data[i]);
  runner_put_string (out, key, text);
}

static void
put_address (struct runner_out *out, const struct runner_address *address)
{
  runner_put_map (out, "address");
  runner_put_string (out, "text", address->text);
  runner_put_string (out, "host", address->host);
  runner_put_string (out, "path", address->path);
  runner_put_int (out, "port", address->port);
  runner_put_end (out);
}

static void
put_given (struct runner_step *step, struct runner_out *out)
{
  runner_put_list (out, "given");
  for (const struct runner_param *row = types_params; row->name; row++)
    if (runner_given (step, row->name))
      runner_put_string (out, NULL, row->name);
  runner_put_end (out);
}

static int
abi_types (struct runner_step *step, const void *args)
{
  const struct types_args *a = args;
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "text", a->text);
  int matches = runner_match (step, a->pattern, out);
  if (matches < 0)
    return RUNNER_ERROR;
  runner_put_bool (out, "matches", matches);
  runner_put_int (out, "integer", a->integer);
  runner_put_float (out, "number", a->number);
  runner_put_bool (out, "on", a->on.on);
  runner_put_text (out, "bytes", a->bytes.data, a->bytes.size);
  runner_put_int (out, "nanoseconds", a->time.ns);
  runner_put_int (out, "size", (int64_t) a->size.bytes);
  if (runner_given (step, "address"))
    put_address (out, &a->address);
  runner_put_int (out, "secret_size", (int64_t) a->secret.size);
  runner_put_node (out, "value", a->value.node);
  runner_put_node (out, "list", a->list.node);
  runner_put_node (out, "map", a->map.node);
  put_hex (out, "mask", a->bytes_pattern.mask, a->bytes_pattern.size);
  runner_put_string (out, "choice", a->choice);
  runner_put_string (out, "for", a->renamed);
  put_given (step, out);
  return RUNNER_PASS;
}

/* ---- groups ---- */

struct group_args { const char *one; const char *other; int64_t left; int64_t right; };

static const struct runner_param group_params[] = {
  RUNNER_PARAM (struct group_args, one, .group = "must", .help = "exactly one of two"),
  RUNNER_PARAM (struct group_args, other, .group = "must", .help = "exactly one of two"),
  RUNNER_PARAM (struct group_args, left, .group = "?may", .help = "at most one of two"),
  RUNNER_PARAM (struct group_args, right, .group = "?may", .help = "at most one of two"),
  { 0 }
};
static const struct runner_field group_result[] = {
  { .name = "which", .type = RUNNER_TEXT, .help = "the one that was given" },
  { .name = "side", .type = RUNNER_INT, .help = "left or right" },
  { 0 }
};

static int
abi_group (struct runner_step *step, const void *args)
{
  const struct group_args *a = args;
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "which", runner_given (step, "one") ? a->one : a->other);
  runner_put_int (out, "side", runner_given (step, "left") ? a->left : a->right);
  return RUNNER_PASS;
}

/* ---- reading values ---- */

struct read_args { struct runner_value value; const char *key; };

static const struct runner_param read_params[] = {
  RUNNER_PARAM (struct read_args, value, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "what is read"),
  RUNNER_PARAM (struct read_args, key, .preset = "key", .help = "a key in it"),
  { 0 }
};
static const struct runner_field read_result[] = {
  { .name = "kind", .type = RUNNER_INT, .help = "enum runner_kind" },
  { .name = "integer", .type = RUNNER_INT, .help = "as an integer" },
  { .name = "number", .type = RUNNER_FLOAT, .help = "as a number" },
  { .name = "text", .type = RUNNER_TEXT, .help = "as a text" },
  { .name = "count", .type = RUNNER_INT, .help = "members" },
  { .name = "last", .type = RUNNER_VALUE, .help = "the last member" },
  { .name = "last_key", .type = RUNNER_TEXT, .help = "and its key" },
  { .name = "at_key", .type = RUNNER_VALUE, .help = "the member at key" },
  { .name = "json", .type = RUNNER_TEXT, .help = "as JSON" },
  { .name = "print", .type = RUNNER_TEXT, .help = "as `${…}` prints it" },
  { .name = "bytes", .type = RUNNER_TEXT, .help = "as hexadecimal digits" },
  { 0 }
};

static void
put_read_text (struct runner_out *out, const char *key, const char *text, size_t size)
{
  if (text)
    runner_put_text (out, key, text, size);
  else
    runner_put_null (out, key);
}

static int
abi_read (struct runner_step *step, const void *args)
{
  const struct read_args *a = args;
  const struct runner_node *node = a->value.node;
  struct runner_out *out = runner_result (step);
  size_t count = runner_node_count (node), size = 0;
  const char *text = runner_node_text (node, &size);
  runner_put_int (out, "kind", runner_kind (node));
  runner_put_int (out, "integer", runner_node_int (node));
  runner_put_float (out, "number", runner_node_float (node));
  put_read_text (out, "text", text, size);
  runner_put_int (out, "count", (int64_t) count);
  if (runner_node_at (node, count))
    return runner_error (step, "there is a member behind the last one");
  runner_put_node (out, "last", count ? runner_node_at (node, count - 1) : NULL);
  text = runner_node_key (node, count - 1, &size);
  put_read_text (out, "last_key", text, size);
  runner_put_node (out, "at_key", runner_node_get (node, a->key));
  text = runner_node_json (step, node, &size);
  put_read_text (out, "json", text, size);
  text = runner_node_print (step, node, &size);
  put_read_text (out, "print", text, size);
  if (runner_wants (step, "bytes")) {
    struct runner_bytes bytes;
    if (runner_node_bytes (step, node, &bytes) < 0)
      return RUNNER_ERROR;
    put_hex (out, "bytes", bytes.data, bytes.size);
  }
  return RUNNER_PASS;
}

/* ---- building results ---- */

struct build_args { struct runner_bytes json; int64_t depth; };

static const struct runner_param build_params[] = {
  RUNNER_PARAM (struct build_args, json, .flags = RUNNER_PRIMARY, .help = "becomes a part of it"),
  RUNNER_PARAM (struct build_args, depth, .preset = "3", .help = "lists within lists"),
  { 0 }
};
static const struct runner_field build_result[] = {
  { .name = "nothing", .type = RUNNER_VALUE, .help = "null" },
  { 0 }
};

static int
abi_build (struct runner_step *step, const void *args)
{
  const struct build_args *a = args;
  char why[200] = "";
  struct runner_out *out = runner_result (step);
  runner_put_string (out, "forgotten", "by what comes next");
  runner_put_reset (out);
  runner_put_null (out, "nothing");
  runner_put_string (out, "no_text", NULL);
  runner_put_bool (out, "yes", 1);
  runner_put_int (out, "least", INT64_MIN);
  runner_put_float (out, "tenth", 0.1);
  runner_put_text (out, "with_zero", "a\0b", 3);
  runner_put_headers (out, "headers");
  runner_put_string (out, "Content-Type", "text/plain");
  runner_put_end (out);
  runner_put_list (out, "many");
  for (int i = 0; i < 3; i++) {
    runner_put_map (out, NULL);
    runner_put_int (out, "i", i);
    runner_put_end (out);
  }
  runner_put_end (out);
  runner_put_list (out, "deep");
  for (int64_t i = 1; i < a->depth; i++)
    runner_put_list (out, NULL);
  for (int64_t i = 0; i < a->depth; i++)
    runner_put_end (out);
  if (runner_put_json (out, "json", a->json.data, a->json.size, why, sizeof why) < 0) {
    runner_put_string (out, "json_error", why);
    if (runner_put_json (out, "json", a->json.data, a->json.size, NULL, 0) == 0)
      return runner_error (step, "the second time it is JSON");
  }
  return RUNNER_PASS;
}

/* ---- outcomes ---- */

struct outcome_args { const char *what; };

static const char *const outcomes[] = { "pass", "fail", "error", "skip", "bad", "expired", "twice", NULL };
static const struct runner_param outcome_params[] = {
  RUNNER_PARAM (struct outcome_args, what, .flags = RUNNER_PRIMARY, .preset = "pass", .choices = outcomes,
                .help = "how it ends"),
  { 0 }
};
static const struct runner_field outcome_result[] = {
  { .name = "status", .type = RUNNER_INT, .help = "500 if it is bad" },
  { 0 }
};

static int
abi_outcome (struct runner_step *step, const void *args)
{
  const char *what = ((const struct outcome_args *) args)->what;
  runner_put_int (runner_result (step), "status", strcmp (what, "bad") == 0 ? 500 : 200);
  if (strcmp (what, "fail") == 0)
    return runner_fail (step, "expected %s, got %d", "more", 1);
  if (strcmp (what, "error") == 0)
    return runner_error (step, "cannot be %s", "judged");
  if (strcmp (what, "skip") == 0)
    return runner_skip (step, "does not apply %s", "here");
  if (strcmp (what, "bad") == 0)
    return runner_bad (step, "status", "status %d", 500);
  if (strcmp (what, "expired") == 0)
    return runner_expired (step, "waiting for %s", "nothing");
  if (strcmp (what, "twice") == 0) {
    runner_fail (step, "the first counts");
    return runner_error (step, "the second does not");
  }
  return RUNNER_PASS;
}

/* ---- time ---- */

struct wait_args { struct runner_duration time; const char *how; };

static const char *const ways[] = { "sleep", "poll", "descriptor", NULL };
static const struct runner_param wait_params[] = {
  RUNNER_PARAM (struct wait_args, time, .flags = RUNNER_PRIMARY | RUNNER_REQUIRED, .help = "how long"),
  RUNNER_PARAM (struct wait_args, how, .preset = "sleep", .choices = ways, .help = "by which function"),
  { 0 }
};
static const struct runner_field wait_result[] = {
  { .name = "waited", .type = RUNNER_INT, .help = "nanoseconds" },
  { .name = "left", .type = RUNNER_INT, .help = "nanoseconds of the step at its begin" },
  { .name = "readable", .type = RUNNER_BOOL, .help = "could the pipe be read?" },
  { 0 }
};

/* A pipe with a byte in it is readable at once; -1: the step must end. */
static int
look_at_pipe (struct runner_step *step, int64_t ns, int *readable)
{
  int ends[2];
  if (pipe2 (ends, O_CLOEXEC) < 0)
    return -1;
  struct pollfd fd = { .fd = ends[0], .events = POLLIN };
  int before = runner_poll (step, &fd, 1, ns);
  ssize_t n = write (ends[1], "x", 1);
  int after = before == 0 && n == 1 ? runner_poll (step, &fd, 1, -1) : -1;
  *readable = after == 1 && (fd.revents & POLLIN);
  close (ends[0]);
  close (ends[1]);
  return after < 0 ? -1 : 0;
}

static int
abi_wait (struct runner_step *step, const void *args)
{
  const struct wait_args *a = args;
  int64_t start = runner_now (), left = runner_left (step), until = runner_deadline (step) - start;
  int result, readable = 0;
  if (left > until || until - left > SECOND)
    return runner_error (step, "left and deadline differ");
  if (strcmp (a->how, "sleep") == 0)
    result = runner_sleep (step, a->time.ns);
  else if (strcmp (a->how, "poll") == 0)
    result = look_at_pipe (step, a->time.ns, &readable);
  else {
    struct pollfd fd = { .fd = runner_cancel_fd (step), .events = POLLIN };
    int64_t most = a->time.ns < left ? a->time.ns : left;
    result = poll (&fd, 1, (int) (most / 1000000)) != 0 || most < a->time.ns ? -1 : 0;
  }
  if (result < 0)
    return runner_expired (step, "it waited by %s", a->how);
  struct runner_out *out = runner_result (step);
  runner_put_int (out, "waited", runner_now () - start);
  runner_put_int (out, "left", left);
  runner_put_bool (out, "readable", readable);
  return RUNNER_PASS;
}

/* ---- messages ---- */

struct receive_args { int64_t most; };

static const struct runner_param receive_params[] = {
  RUNNER_PARAM (struct receive_args, most, .flags = RUNNER_PRIMARY, .preset = "100", .help = "messages that come"),
  { 0 }
};
static const struct runner_field receive_result[] = {
  { .name = "n", .type = RUNNER_INT, .help = "number of the message, from 1" },
  { 0 }
};

static int
abi_receive (struct runner_step *step, const void *args)
{
  const struct receive_args *a = args;
  for (int64_t n = 1; n <= a->most; n++) {
    runner_put_reset (runner_result (step));
    runner_put_int (runner_result (step), "n", n);
    int holds = runner_result_holds (step);
    if (holds)
      return holds > 0 ? RUNNER_PASS : RUNNER_ERROR;
  }
  return runner_fail (step, "nothing came that holds");
}

/* ---- regular expressions ---- */

struct regex_args { const char *regex; struct runner_bytes text; };

static const struct runner_param regex_params[] = {
  RUNNER_PARAM (struct regex_args, regex, .flags = RUNNER_PRIMARY | RUNNER_REQUIRED, .help = "regular expression"),
  RUNNER_PARAM (struct regex_args, text, .help = "what is searched"),
  { 0 }
};
static const struct runner_field regex_result[] = {
  { .name = "count", .type = RUNNER_INT, .help = "groups and one" },
  { .name = "pairs", .type = RUNNER_LIST, .help = "their places; null for one that took no part" },
  { 0 }
};

static int
abi_regex (struct runner_step *step, const void *args)
{
  const struct regex_args *a = args;
  size_t groups[8];
  int count = runner_regex (step, a->regex, a->text.data, a->text.size, groups, 4);
  if (count < 0)
    return RUNNER_ERROR;
  struct runner_out *out = runner_result (step);
  runner_put_int (out, "count", count);
  runner_put_list (out, "pairs");
  for (int i = 0; i < count && i < 4; i++) {
    if (groups[2 * i] == SIZE_MAX) {
      runner_put_null (out, NULL);
      continue;
    }
    runner_put_list (out, NULL);
    runner_put_int (out, NULL, (int64_t) groups[2 * i]);
    runner_put_int (out, NULL, (int64_t) groups[2 * i + 1]);
    runner_put_end (out);
  }
  runner_put_end (out);
  return RUNNER_PASS;
}

/* ---- files, traffic, output ---- */

struct note_args { struct runner_bytes data; };

static const struct runner_param note_params[] = {
  RUNNER_PARAM (struct note_args, data, .flags = RUNNER_PRIMARY, .help = "what is noted"),
  { 0 }
};
static const struct runner_field note_result[] = {
  { .name = "folder", .type = RUNNER_TEXT, .help = "of the suite" },
  { .name = "temp", .type = RUNNER_TEXT, .help = "of the test" },
  { .name = "file", .type = RUNNER_TEXT, .help = "a file in it" },
  { 0 }
};

static int
abi_note (struct runner_step *step, const void *args)
{
  const struct note_args *a = args;
  struct runner_out *out = runner_result (step);
  const char *temp = runner_temp (step);
  char path[4096];
  if (!temp)
    return RUNNER_ERROR;
  if (strcmp (temp, runner_temp (step)) != 0)
    return runner_error (step, "a test has two temporary folders");
  runner_wire (step, RUNNER_SENT, "abi peer", a->data.data, a->data.size);
  runner_wire (step, RUNNER_RECEIVED, "abi peer", a->data.data, a->data.size);
  runner_log (step, "noted %zu bytes", a->data.size);
  snprintf (path, sizeof path, "%s/note", temp);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || write (fd, a->data.data, a->data.size) != (ssize_t) a->data.size || close (fd) < 0)
    return runner_error (step, "%s: %s", path, strerror (errno));
  runner_put_string (out, "folder", runner_folder (step));
  runner_put_string (out, "temp", temp);
  runner_put_string (out, "file", path);
  return RUNNER_PASS;
}

/* ---- handles ---- */

struct thing { int64_t value, copies; int fails; };

static void
destroy_thing (struct runner_step *step, void *object)
{
  struct thing *thing = object;
  runner_log (step, "thing %lld ends", (long long) thing->value);
  if (runner_left (step) <= 0 || (thing->fails && runner_now () > 0))
    runner_fail (step, "thing %lld does not end well", (long long) thing->value);
  free (thing);
}

static void *
copy_thing (struct runner_step *step, void *object)
{
  const struct thing *from = object;
  struct thing *to = calloc (1, sizeof *to);
  if (!to) {
    runner_error (step, "no memory");
    return NULL;
  }
  *to = *from;
  to->copies++;
  return to;
}

static const struct runner_handle_type alone = { .name = "abi thing", .destroy = destroy_thing };
static const struct runner_handle_type copied
  = { .name = "abi copied thing", .destroy = destroy_thing, .copy = copy_thing };

struct make_args { const char *as; int64_t value; struct runner_bool copies; struct runner_bool fails; };
struct use_args { const char *conn; struct runner_bool copies; struct runner_duration time; };

static const struct runner_param make_params[] = {
  RUNNER_PARAM (struct make_args, as, .flags = RUNNER_NEW_HANDLE | RUNNER_PRIMARY, .preset = "default",
                .help = "name"),
  RUNNER_PARAM (struct make_args, value, .help = "its value"),
  RUNNER_PARAM (struct make_args, copies, .help = "of the type that is copied"),
  RUNNER_PARAM (struct make_args, fails, .help = "its end fails"),
  { 0 }
};
static const struct runner_param use_params[] = {
  RUNNER_PARAM (struct use_args, conn, .flags = RUNNER_HANDLE | RUNNER_PRIMARY, .preset = "default",
                .help = "name"),
  RUNNER_PARAM (struct use_args, copies, .help = "of the type that is copied"),
  RUNNER_PARAM (struct use_args, time, .preset = "0s", .help = "how long it is held"),
  { 0 }
};
static const struct runner_field use_result[] = {
  { .name = "value", .type = RUNNER_INT, .help = "its value" },
  { .name = "copies", .type = RUNNER_INT, .help = "how often it was copied" },
  { .name = "found", .type = RUNNER_BOOL, .help = "is there one?" },
  { 0 }
};

static const struct runner_handle_type *
type_of (struct runner_bool copies)
{
  return copies.on ? &copied : &alone;
}

static int
abi_make (struct runner_step *step, const void *args)
{
  const struct make_args *a = args;
  struct thing *thing = calloc (1, sizeof *thing);
  if (!thing)
    return runner_error (step, "no memory");
  thing->value = a->value;
  thing->fails = a->fails.on;
  if (runner_handle_add (step, a->as, type_of (a->copies), thing) == 0)
    return RUNNER_PASS;
  free (thing);
  return RUNNER_ERROR;
}

static int
abi_use (struct runner_step *step, const void *args)
{
  const struct use_args *a = args;
  struct thing *thing = runner_handle_use (step, a->conn, type_of (a->copies));
  if (!thing)
    return RUNNER_ERROR;
  runner_put_int (runner_result (step), "value", thing->value++);
  runner_put_int (runner_result (step), "copies", thing->copies);
  if (a->time.ns && runner_sleep (step, a->time.ns) < 0)
    return runner_expired (step, "holding %s", a->conn);
  return RUNNER_PASS;
}

static int
abi_find (struct runner_step *step, const void *args)
{
  const struct use_args *a = args;
  void *object;
  int found = runner_handle_find (step, a->conn, type_of (a->copies), &object);
  if (found < 0)
    return RUNNER_ERROR;
  runner_put_bool (runner_result (step), "found", found);
  runner_put_int (runner_result (step), "value", found ? ((struct thing *) object)->value : 0);
  return RUNNER_PASS;
}

static int
abi_close (struct runner_step *step, const void *args)
{
  const struct use_args *a = args;
  return runner_handle_close (step, a->conn, type_of (a->copies)) == 0 ? RUNNER_PASS : RUNNER_ERROR;
}

/* ---- programs ---- */

struct run_args {
  struct runner_list argv;
  struct runner_bytes input;
  const char *cwd;
  const char *variable;
  struct runner_bool clear_env;
  struct runner_bool terminal;
};

static const struct runner_param run_params[] = {
  RUNNER_PARAM (struct run_args, argv, .flags = RUNNER_PRIMARY | RUNNER_REQUIRED, .help = "program and arguments"),
  RUNNER_PARAM (struct run_args, input, .help = "its standard input"),
  RUNNER_PARAM (struct run_args, cwd, .help = "its folder"),
  RUNNER_PARAM (struct run_args, variable, .help = "NAME=value for its environment"),
  RUNNER_PARAM (struct run_args, clear_env, .help = "nothing else in its environment"),
  RUNNER_PARAM (struct run_args, terminal, .help = "it has a terminal"),
  { 0 }
};
static const struct runner_field run_result[] = {
  { .name = "exit", .type = RUNNER_INT, .help = "its status" },
  { .name = "output", .type = RUNNER_TEXT, .help = "what it wrote" },
  { .name = "total", .type = RUNNER_INT, .help = "bytes of that" },
  { 0 }
};

/* The two sides of what it reads and writes: ours, its own. */
struct sides { int ours, theirs; };

static int
open_sides (int terminal, struct sides *in, struct sides *out)
{
  int a[2], b[2];
  if (terminal) {
    in->ours = out->ours = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (in->ours < 0 || grantpt (in->ours) < 0 || unlockpt (in->ours) < 0)
      return -1;
    in->theirs = out->theirs = open (ptsname (in->ours), O_RDWR | O_NOCTTY | O_CLOEXEC);
    return in->theirs < 0 ? -1 : 0;
  }
  if (pipe2 (a, O_CLOEXEC) < 0 || pipe2 (b, O_CLOEXEC) < 0)
    return -1;
  *in = (struct sides) { a[1], a[0] };
  *out = (struct sides) { b[0], b[1] };
  return 0;
}

static int
start (struct runner_step *step, const struct run_args *a, struct sides in, struct sides out, pid_t *pid)
{
  const char *argv[17], *env[] = { a->variable, NULL };
  size_t n = runner_node_count (a->argv.node), size;
  if (n == 0 || n > 16)
    return runner_error (step, "argv: from 1 to 16 words");
  for (size_t i = 0; i < n; i++)
    argv[i] = runner_node_print (step, runner_node_at (a->argv.node, i), &size);
  argv[n] = NULL;
  struct runner_spawn_options options = {
    .struct_size = sizeof options, .argv = argv, .env = a->variable ? env : NULL, .cwd = a->cwd,
    .stdin_fd = in.theirs, .stdout_fd = out.theirs, .stderr_fd = -1, .clear_env = a->clear_env.on,
    .terminal = a->terminal.on
  };
  *pid = runner_spawn (step, &options);
  return *pid < 0 ? RUNNER_ERROR : RUNNER_PASS;
}

/* Reads to the end, piece by piece; the text belongs to the caller. */
static int
read_all (struct runner_step *step, struct runner_drain *drain, char *text, size_t room, size_t *size)
{
  uint64_t from = 0;
  *size = 0;
  for (;;) {
    size_t n = runner_drain_read (drain, &from, text + *size, room - *size < 10 ? room - *size : 10);
    from += n;
    *size += n;
    if (n == 0 && runner_drain_ended (drain) && runner_drain_total (drain) == from)
      return RUNNER_PASS;
    if (n == 0 && runner_drain_wait (step, drain, from, -1) < 0)
      return runner_expired (step, "reading what it writes");
    if (*size == room)
      return runner_error (step, "it writes too much");
  }
}

static int
abi_run (struct runner_step *step, const void *args)
{
  const struct run_args *a = args;
  struct sides in, out;
  char text[4096];
  size_t size = 0;
  pid_t pid = -1;
  int status;
  if (open_sides (a->terminal.on, &in, &out) < 0)
    return runner_error (step, "no pipe: %s", strerror (errno));
  int outcome = start (step, a, in, out, &pid);
  close (in.theirs);
  if (out.theirs != in.theirs)
    close (out.theirs);
  struct runner_drain *drain = outcome == RUNNER_PASS ? runner_drain_open (step, out.ours, "abi program") : NULL;
  if (!drain) {
    close (in.ours);
    if (out.ours != in.ours)
      close (out.ours);
    return outcome == RUNNER_PASS ? RUNNER_ERROR : outcome;
  }
  if (!a->terminal.on && (write (in.ours, a->input.data, a->input.size) < 0 || close (in.ours) < 0))
    outcome = runner_error (step, "it cannot be written to: %s", strerror (errno));
  if (outcome == RUNNER_PASS)
    outcome = read_all (step, drain, text, sizeof text, &size);
  if (outcome != RUNNER_PASS)
    kill (pid, SIGKILL);
  if (waitpid (pid, &status, 0) != pid)
    outcome = runner_error (step, "waitpid: %s", strerror (errno));
  if (outcome == RUNNER_PASS) {
    runner_put_int (runner_result (step), "exit", WIFEXITED (status) ? WEXITSTATUS (status) : -1);
    runner_put_text (runner_result (step), "output", text, size);
    runner_put_int (runner_result (step), "total", (int64_t) runner_drain_total (drain));
  }
  runner_drain_close (drain);
  return outcome;
}

/* ---- a role: takes a line from each connection and observes it ---- */

struct listener_args {
  struct runner_address at;
  struct runner_secret key;
  int64_t number;
  struct runner_bool broken;
  struct runner_bool forget;
};

static const struct runner_param listener_params[] = {
  RUNNER_PARAM (struct listener_args, at, .preset = "127.0.0.1:0", .help = "where it listens"),
  RUNNER_PARAM (struct listener_args, key, .help = "a secret"),
  RUNNER_PARAM (struct listener_args, number, .preset = "1", .min = "0", .help = "exported"),
  RUNNER_PARAM (struct listener_args, broken, .help = "it says that it cannot go on"),
  RUNNER_PARAM (struct listener_args, forget, .help = "it exports too little"),
  { 0 }
};
static const struct runner_field listener_exports[] = {
  { .name = "address", .type = RUNNER_ADDRESS, .param = "at", .help = "where it listens" },
  { .name = "greeting", .type = RUNNER_TEXT, .help = "a text" },
  { .name = "number", .type = RUNNER_INT, .help = "a number" },
  { .name = "extra", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "only with a key" },
  { 0 }
};

static int
listen_at (const struct runner_address *at, uint16_t *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (at->port) };
  socklen_t size = sizeof address;
  int on = 1, fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && inet_pton (AF_INET, at->host, &address.sin_addr) == 1
      && setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0
      && bind (fd, (struct sockaddr *) &address, sizeof address) == 0 && listen (fd, 16) == 0
      && getsockname (fd, (struct sockaddr *) &address, &size) == 0) {
    *port = ntohs (address.sin_port);
    return fd;
  }
  if (fd >= 0)
    close (fd);
  return -1;
}

static void
observe_line (struct runner_role *role, int fd, const struct listener_args *a)
{
  char line[256];
  size_t size = 0;
  ssize_t n;
  while (size < sizeof line && (n = read (fd, line + size, sizeof line - size)) > 0)
    size += (size_t) n;
  struct runner_out *out = runner_observation (role);
  runner_put_text (out, "line", line, size);
  runner_put_int (out, "key_size", (int64_t) a->key.size);
  runner_put_list (out, "list");
  runner_put_bool (out, NULL, 0);
  runner_put_end (out);
  runner_observe (role);
  close (fd);
}

static int
abi_listener (struct runner_role *role, const void *args)
{
  const struct listener_args *a = args;
  uint16_t port;
  if (a->broken.on)
    return runner_role_error (role, "it is %s", "broken");
  int fd = listen_at (&a->at, &port);
  if (fd < 0)
    return runner_role_error (role, "%s: %s", a->at.text, strerror (errno));
  runner_export_address (role, "address", a->at.host, port);
  if (!a->forget.on)
    runner_export_text (role, "greeting", "hello");
  runner_export_int (role, "number", a->number);
  if (runner_role_given (role, "key"))
    runner_export_text (role, "extra", "there is a key");
  if (runner_ready (role) < 0)
    return 1;
  struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = runner_stop_fd (role), .events = POLLIN } };
  while (!fds[1].revents) {
    if (poll (fds, 2, -1) < 0 && errno != EINTR)
      return 1;
    int peer = fds[0].revents ? accept (fd, NULL, NULL) : -1;
    if (peer >= 0)
      observe_line (role, peer, a);
  }
  close (fd);
  return 0;
}

struct tell_args { struct runner_address to; struct runner_bytes line; };

static const struct runner_param tell_params[] = {
  RUNNER_PARAM (struct tell_args, to, .flags = RUNNER_REQUIRED, .help = "address of the role"),
  RUNNER_PARAM (struct tell_args, line, .flags = RUNNER_REQUIRED, .help = "line for it"),
  { 0 }
};

static int
abi_tell (struct runner_step *step, const void *args)
{
  const struct tell_args *a = args;
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (a->to.port) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int outcome = RUNNER_PASS;
  if (fd < 0 || !a->to.host || inet_pton (AF_INET, a->to.host, &address.sin_addr) != 1)
    outcome = runner_error (step, "%s is no address", a->to.text);
  else if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    outcome = runner_fail (step, "%s: %s", a->to.text, strerror (errno));
  else if (send (fd, a->line.data, a->line.size, MSG_NOSIGNAL) != (ssize_t) a->line.size)
    outcome = runner_fail (step, "%s: it takes nothing", a->to.text);
  if (fd >= 0)
    close (fd);
  return outcome;
}

/* ---- the tables ---- */

#define VERB(verb, row, fields, ...)                                                                       \
  { .name = #verb, .help = "abi verb " #verb, .run = abi_##verb, .params = row##_params,                   \
    .args_size = sizeof (struct row##_args), .result = fields, __VA_ARGS__ }

static const struct runner_verb verbs[] = {
  VERB (types, types, types_result, .flags = 0),
  VERB (group, group, group_result, .flags = 0),
  VERB (read, read, read_result, .flags = 0),
  VERB (build, build, build_result, .flags = RUNNER_OPEN_RESULT),
  VERB (outcome, outcome, outcome_result, .flags = 0),
  VERB (wait, wait, wait_result, .flags = 0),
  VERB (receive, receive, receive_result, .flags = RUNNER_RECEIVES),
  VERB (regex, regex, regex_result, .flags = 0),
  VERB (note, note, note_result, .flags = 0),
  VERB (make, make, NULL, .flags = 0),
  VERB (use, use, use_result, .flags = 0),
  VERB (find, use, use_result, .flags = 0),
  VERB (close, use, NULL, .flags = 0),
  VERB (run, run, run_result, .flags = 0),
  VERB (tell, tell, NULL, .flags = 0),
  { 0 }
};

static const struct runner_role_type roles[] = {
  { .name = "listener", .help = "takes lines and observes them", .run = abi_listener, .params = listener_params,
    .args_size = sizeof (struct listener_args), .exports = listener_exports },
  { 0 }
};

RUNNER_PLUGIN (.name = "abi", .version = "1.0", .help = "uses all of the interface", .verbs = verbs,
               .roles = roles);
