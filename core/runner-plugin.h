/* runner-plugin.h - the interface between runner and its plugins.
 *
 * This is the only header a plugin needs.  A plugin is a shared object that
 * describes its verbs and roles in tables; the runner checks suites against
 * those tables, converts the arguments, calls the functions in them, and makes
 * help texts, manuals and the JSON Schema from the same rows.
 *
 * Conventions that hold for every function below, unless it says otherwise:
 *  - `const char *` and other pointers given to the runner are borrowed for the
 *    call; the runner copies what it keeps.  Pointers that the runner hands out
 *    live until the verb (or role) function returns.  Nobody frees the other
 *    side's memory.
 *  - Texts are UTF-8.  Bytes that are not UTF-8 are accepted wherever a length
 *    is given, and are shown escaped.
 *  - Durations are nanoseconds of the monotonic clock.
 *  - No function throws, exits or changes signal dispositions.
 *
 * Threads.  These rules hold for the whole of major version 1:
 *  - A verb is a plain blocking call.  It may be called from several threads at
 *    once, each with a `struct runner_step` of its own: keep state in handles,
 *    not in static variables.
 *  - A step, its result and its nodes are used only by the thread that the verb
 *    was called in, and not after the verb has returned.  Threads that a plugin
 *    starts itself may call runner_now and the functions that take a drain, and
 *    end before the verb returns or the handle they belong to is destroyed.
 *    (In a role: see runner_observation.)
 *  - A handle is used by one step at a time.  A second one is refused at once:
 *    its verb gets no object, and ends with an error that names the place of the
 *    first.  Nothing waits for a handle, so nothing can wait in a circle.
 *  - A verb must end soon after its deadline, and soon after it was cancelled,
 *    which may happen at any moment: every wait goes through runner_poll,
 *    runner_sleep or runner_drain_wait, or watches runner_cancel_fd itself.
 *
 * What may change in later minor versions: functions and types of parameters
 * are added, structs with a size (below) get fields at their end, which read as 0
 * from older plugins.  The types of parameters never change.  A plugin that was
 * built for a later minor version is loaded as long as it calls no function that
 * is not there.
 *
 * The declarations compile as C11 and as C++; the RUNNER_* row macros are C only.
 *
 * Copyright (c) the runner authors.  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef RUNNER_PLUGIN_H
#define RUNNER_PLUGIN_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The interface's version.  The major number changes when old plugins can no
 * longer be loaded; the minor number when something is added.
 *   1.0  first version
 *   1.1  runner_role_temp, runner_role_print, runner_mask; RUNNER_COOPERATIVE; of a parameter RUNNER_REGEX, pattern and form,
 *        min and max of a list
 */
#define RUNNER_ABI_MAGIC 0x52754e65u /* "RuNe" */
#define RUNNER_ABI_MAJOR 1
#define RUNNER_ABI_MINOR 1

#if defined __GNUC__
#define RUNNER_API __attribute__ ((visibility ("default")))
#define RUNNER_PRINTF(fmt, args) __attribute__ ((format (printf, fmt, args)))
#else
#define RUNNER_API
#define RUNNER_PRINTF(fmt, args)
#endif

/* Opaque things that the runner owns. */
struct runner_step;  /* one execution of one step, in one thread */
struct runner_role;  /* a role's process */
struct runner_out;   /* a value under construction: a result, an observation */
struct runner_node;  /* a value out of a suite or a result, read only */
struct runner_drain; /* a descriptor whose bytes the runner collects */

/* ------------------------------------------------------------------------
 * Types of parameters.  The type of a parameter is the type of its C field.
 */
enum runner_type {
  RUNNER_NONE = 0,
  RUNNER_TEXT,          /* const char *          text without NUL */
  RUNNER_INT,           /* int64_t               integer */
  RUNNER_FLOAT,         /* double                number */
  RUNNER_BOOL,          /* struct runner_bool    true, false */
  RUNNER_BYTES,         /* struct runner_bytes   text, {hex:}, {base64:}, {file:} */
  RUNNER_DURATION,      /* struct runner_duration  10ms, 5s, 2m, 1h */
  RUNNER_SIZE,          /* struct runner_size    100, 4KiB, 1MB */
  RUNNER_ADDRESS,       /* struct runner_address host:port, [v6]:port, unix:/path */
  RUNNER_SECRET,        /* struct runner_secret  bytes, shown nowhere */
  RUNNER_VALUE,         /* struct runner_value   any value */
  RUNNER_LIST,          /* struct runner_list    a list */
  RUNNER_MAP,           /* struct runner_map     a map */
  RUNNER_PATTERN,       /* struct runner_pattern a pattern, see runner_match */
  RUNNER_BYTES_PATTERN, /* struct runner_bytes_pattern  bytes; `.` in {hex:} is any digit */
};

struct runner_bool { uint8_t on; };
struct runner_bytes { const void *data; size_t size; };
struct runner_duration { int64_t ns; };
struct runner_size { uint64_t bytes; };

/* An address as written, and its parts.  `host` and `port` are set for
 * host:port (port 0: none given), `path` for unix:/path (a leading `@` means the
 * abstract namespace); the others are NULL or 0. */
struct runner_address { const char *text; const char *host; const char *path; uint16_t port; };
struct runner_secret { const char *data; size_t size; };
struct runner_value { const struct runner_node *node; };
struct runner_list { const struct runner_node *node; };
struct runner_map { const struct runner_node *node; };
struct runner_pattern { const struct runner_node *node; };

/* `mask[i]` says which bits of `data[i]` count (0xff, 0xf0, 0x0f or 0). */
struct runner_bytes_pattern { const uint8_t *data; const uint8_t *mask; size_t size; };

/* Flags of a parameter. */
#define RUNNER_REQUIRED 1u /* must be given */
#define RUNNER_PRIMARY 2u  /* may stand alone: `verb: VALUE` */
#define RUNNER_HANDLE 4u   /* names a handle that exists (completion, manuals) */
#define RUNNER_NEW_HANDLE 8u /* names a handle that the verb makes */
#define RUNNER_REGEX 16u   /* a text that is a regular expression, as for runner_regex.  Since 1.1 */

/* One row per parameter of a verb or role.  End the table with { 0 }. */
struct runner_param {
  const char *name;           /* a Lua identifier; on a role's command line `_` is `-` */
  uint32_t type;              /* enum runner_type; set by RUNNER_PARAM */
  uint32_t flags;
  size_t offset;              /* of the field in the arguments' struct */
  size_t size;                /* of that field */
  const char *preset;         /* default, as one would write it; NULL: zero */
  const char *help;           /* one line, no final stop */
  const char *group;          /* exactly one parameter of a group must be given; NULL: none.
                                 A group whose name begins with `?` may also be left out */
  const char *const *choices; /* allowed texts, ends with NULL; NULL: any */
  const char *min;            /* lowest and highest allowed value, as one would write */
  const char *max;            /* them; NULL: no limit.  Of a list: how many items */
  /* Since 1.1.  A regular expression that a text or an address must match (where it must
   * match in whole, with ^ and $), for editors and `runner check` alone: a text that is made
   * when the suite runs (`${…}`) is for the verb to judge.  What both PCRE2 and ECMA-262 know. */
  const char *pattern;        /* NULL: any text */
  const char *form;           /* what the pattern asks for, in words: "a port's number" */
};

/* What a verb's result or a role's exports hold.  End the table with { 0 }. */
struct runner_field {
  const char *name;
  uint32_t type;      /* enum runner_type */
  uint32_t flags;     /* RUNNER_OPTIONAL */
  const char *help;   /* one line */
  const char *param;  /* exports: the parameter that asks for this very address
                         when the role is started again; NULL: none */
};
#define RUNNER_OPTIONAL 1u /* may be absent */

/* ------------------------------------------------------------------------
 * Outcomes of a verb.
 */
enum runner_outcome {
  RUNNER_PASS = 0,
  RUNNER_FAIL = 1,  /* the system is wrong; refused and reset connections too */
  RUNNER_ERROR = 2, /* could not be judged: bad arguments, no such file, no memory */
  RUNNER_SKIP = 3,  /* does not apply here */
};

struct runner_verb {
  const char *name;                   /* without the plugin's name: "send" */
  const char *help;                   /* what it does, one line */
  int (*run) (struct runner_step *step, const void *args); /* enum runner_outcome */
  const struct runner_param *params;  /* NULL: none */
  size_t args_size;                   /* of the struct that `args` points to */
  const struct runner_field *result;  /* NULL: no result */
  uint32_t flags;                     /* RUNNER_OPEN_RESULT, RUNNER_RECEIVES, RUNNER_COOPERATIVE */
  uint32_t reserved;                  /* 0 */
};
#define RUNNER_OPEN_RESULT 1u /* the result has fields that the table does not name */
#define RUNNER_RECEIVES 2u    /* `expect` selects the message: see runner_result_holds */
/* Every wait of the verb goes through runner_poll or runner_sleep, and so do those of its handles' functions; it
 * holds no lock meanwhile and uses no variables of the thread (errno is fine).  The simulated users of a `load`
 * whose verbs all have it share a thread for each processor: many more of them fit, and they are faster.  Since 1.1 */
#define RUNNER_COOPERATIVE 4u

struct runner_role_type {
  const char *name;                   /* "stack" */
  const char *help;
  int (*run) (struct runner_role *role, const void *args); /* exit status, 0: fine */
  const struct runner_param *params;
  size_t args_size;
  const struct runner_field *exports; /* what ${role.NAME} reads */
};

/* The plugin itself.  The first fields are set by RUNNER_PLUGIN. */
struct runner_plugin {
  uint32_t magic;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t plugin_size; /* sizeof of this struct and of the rows, as compiled: */
  uint32_t verb_size;   /* a newer runner reads an older plugin's shorter rows */
  uint32_t role_size;
  uint32_t param_size;
  uint32_t field_size;
  uint32_t handle_size;

  const char *name;     /* "tcp", "tcp-device": the file is runner-NAME-plugin.so */
  const char *version;  /* of the plugin */
  const char *help;     /* one line */
  const struct runner_verb *verbs;      /* ends with { 0 }; NULL: none */
  const struct runner_role_type *roles; /* ends with { 0 }; NULL: none */
};

/* The one symbol that a plugin exports: returns its tables.  Called once. */
RUNNER_API const struct runner_plugin *runner_plugin_entry (void);

/* ------------------------------------------------------------------------
 * A step: time, cancellation, outcome.
 */

/* How long the step may still take; 0 when its time is over. */
RUNNER_API int64_t runner_left (struct runner_step *step);

/* The monotonic time at which the step must be over, as clock_gettime counts. */
RUNNER_API int64_t runner_deadline (struct runner_step *step);

/* The monotonic clock now. */
RUNNER_API int64_t runner_now (void);

/* A descriptor that becomes readable when the step must stop.  Do not read it. */
RUNNER_API int runner_cancel_fd (struct runner_step *step);

/* Waits like poll(2) until one of `n` descriptors (at most 1024) is ready, for
 * at most `ns` (negative: as long as the step may), watching the deadline and
 * the cancel descriptor.  Returns the number of ready descriptors; 0 when `ns`
 * is over; -1 when the step must end: return what runner_expired gives.  EINTR
 * is handled. */
RUNNER_API int runner_poll (struct runner_step *step, struct pollfd *fds, size_t n, int64_t ns);

/* Waits for `ns`, as runner_poll does.  0, or -1 when the step must end. */
RUNNER_API int runner_sleep (struct runner_step *step, int64_t ns);

/* Says that the step's time was over (or that it was cancelled) while it waited
 * for what the text says ("waiting for the greeting").  Returns RUNNER_FAIL. */
RUNNER_API int runner_expired (struct runner_step *step, const char *fmt, ...) RUNNER_PRINTF (2, 3);

/* Say why the step does not pass, and return the outcome to return:
 * `return runner_fail (step, "expected %s, got %s", a, b);`.  The runner knows
 * the place in the suite and the verb.  The first message of a step counts. */
RUNNER_API int runner_fail (struct runner_step *step, const char *fmt, ...) RUNNER_PRINTF (2, 3);
RUNNER_API int runner_error (struct runner_step *step, const char *fmt, ...) RUNNER_PRINTF (2, 3);
RUNNER_API int runner_skip (struct runner_step *step, const char *fmt, ...) RUNNER_PRINTF (2, 3);

/* Says that the result is bad by its own protocol: result field `field` has a
 * value (status 500, exit 1) that means failure unless the suite's `expect`
 * names that field.  Returns RUNNER_PASS in that case, else RUNNER_FAIL. */
RUNNER_API int runner_bad (struct runner_step *step, const char *field, const char *fmt, ...) RUNNER_PRINTF (3, 4);

/* Adds a line to the test's output. */
RUNNER_API void runner_log (struct runner_step *step, const char *fmt, ...) RUNNER_PRINTF (2, 3);

/* Notes traffic; the last of each connection is shown when the test fails.
 * `peer` names the connection ("dev 127.0.0.1:8889"). */
enum runner_direction { RUNNER_SENT = 0, RUNNER_RECEIVED = 1 };
RUNNER_API void runner_wire (struct runner_step *step, int direction, const char *peer, const void *data, size_t size);

/* Takes the secrets out of a piece of a longer text, in place, before a message shows it: also what the
 * cut has left of one at its beginning or its end, which would not be found later.  Returns how many
 * bytes there are then, at most `size`.  Since 1.1. */
enum runner_cut { RUNNER_CUT_BEGIN = 1, RUNNER_CUT_END = 2 };
RUNNER_API size_t runner_mask (char *text, size_t size, int cut);

/* Was this parameter written in the suite?  (Presets do not count.) */
RUNNER_API int runner_given (struct runner_step *step, const char *param);

/* The folder of the suite's own file: relative names of files start there. */
RUNNER_API const char *runner_folder (struct runner_step *step);

/* A folder of the test's own for temporary files; removed when the test ends.  A
 * branch and a simulated user have their own, which go when they end.
 * NULL (and the step's error is set) if it cannot be made. */
RUNNER_API const char *runner_temp (struct runner_step *step);

/* ------------------------------------------------------------------------
 * Building values.  A result is a map: give its members by key.
 *   struct runner_out *out = runner_result (step);
 *   runner_put_int (out, "status", 200);
 *   runner_put_list (out, "headers");
 *     runner_put_text (out, NULL, "x", 1);
 *   runner_put_end (out);
 * Inside a list the key is NULL.  Depth is limited to 64, sizes by memory.
 */
RUNNER_API struct runner_out *runner_result (struct runner_step *step);
/* Can anybody look at this field of the result: the step's `expect`, `save`,
 * `check`, a report?  0 spares a verb the work of making it. */
RUNNER_API int runner_wants (struct runner_step *step, const char *field);
RUNNER_API void runner_put_null (struct runner_out *out, const char *key);
RUNNER_API void runner_put_bool (struct runner_out *out, const char *key, int on);
RUNNER_API void runner_put_int (struct runner_out *out, const char *key, int64_t number);
RUNNER_API void runner_put_float (struct runner_out *out, const char *key, double number);
RUNNER_API void runner_put_text (struct runner_out *out, const char *key, const char *text, size_t size);
RUNNER_API void runner_put_string (struct runner_out *out, const char *key, const char *text); /* NULL: null */
RUNNER_API void runner_put_map (struct runner_out *out, const char *key);
RUNNER_API void runner_put_headers (struct runner_out *out, const char *key); /* a map whose keys ignore case */
RUNNER_API void runner_put_list (struct runner_out *out, const char *key);
RUNNER_API void runner_put_end (struct runner_out *out);
/* Copies a value. */
RUNNER_API void runner_put_node (struct runner_out *out, const char *key, const struct runner_node *node);
/* Parses JSON.  0, or -1 with a text in `error` (may be NULL); nothing is put then. */
RUNNER_API int runner_put_json (struct runner_out *out, const char *key, const char *text, size_t size,
                                char *error, size_t error_size);
/* Forgets everything put so far. */
RUNNER_API void runner_put_reset (struct runner_out *out);

/* ------------------------------------------------------------------------
 * Reading values.
 */
enum runner_kind { RUNNER_IS_NULL, RUNNER_IS_BOOL, RUNNER_IS_INT, RUNNER_IS_FLOAT, RUNNER_IS_TEXT,
                   RUNNER_IS_LIST, RUNNER_IS_MAP };
RUNNER_API int runner_kind (const struct runner_node *node);
RUNNER_API int64_t runner_node_int (const struct runner_node *node);     /* 0 if it is no integer; bool: 0, 1 */
RUNNER_API double runner_node_float (const struct runner_node *node);    /* integers too; else 0 */
RUNNER_API const char *runner_node_text (const struct runner_node *node, size_t *size); /* NULL if no text */
RUNNER_API size_t runner_node_count (const struct runner_node *node);    /* of a list or map; else 0 */
RUNNER_API const struct runner_node *runner_node_at (const struct runner_node *node, size_t i); /* NULL: none */
RUNNER_API const char *runner_node_key (const struct runner_node *node, size_t i, size_t *size);
RUNNER_API const struct runner_node *runner_node_get (const struct runner_node *node, const char *key);
/* The value as JSON, with its size; lives as long as the step.  NULL: no memory. */
RUNNER_API const char *runner_node_json (struct runner_step *step, const struct runner_node *node, size_t *size);
/* The scalar as text, as `${…}` would print it; NULL for lists and maps. */
RUNNER_API const char *runner_node_print (struct runner_step *step, const struct runner_node *node, size_t *size);
/* Bytes out of a text or {hex:}, {base64:}, {file:}.  0, or -1: the step's error is set. */
RUNNER_API int runner_node_bytes (struct runner_step *step, const struct runner_node *node, struct runner_bytes *bytes);

/* Does the result match the pattern?  1, 0, or -1: the pattern is wrong, the
 * step's error is set. */
RUNNER_API int runner_match (struct runner_step *step, struct runner_pattern pattern, struct runner_out *value);

/* For verbs that wait for a message (RUNNER_RECEIVES): would the step's own
 * `expect` and `check` hold for the result as put so far?  1, 0 or -1 as above.
 * A step without any of them accepts every message. */
RUNNER_API int runner_result_holds (struct runner_step *step);

/* A regular expression (PCRE2, limits on matching).  Compiled once a run and
 * kept.  Returns the number of groups + 1 and fills `groups`, which has room for
 * `n` pairs, with start and end offsets: first of the whole match, then of the
 * groups, SIZE_MAX twice for one that took no part; 0: no match; -1: the step's
 * error is set. */
RUNNER_API int runner_regex (struct runner_step *step, const char *regex, const char *text, size_t size,
                             size_t *groups, size_t n);

/* ------------------------------------------------------------------------
 * Handles: what outlives a step (a connection, a program).  Kept by the test,
 * or by the suite if its setup made it, or by a branch; destroyed at the end,
 * newest first.  A handle is used by one step at a time.  Names are counted by
 * type: several plugins may each have a "default".
 */

/* A type is known by its address: make it one static object, which stays as it
 * is.  Its size is in the plugin's tables: it may get fields at its end. */
struct runner_handle_type {
  const char *name;  /* "tcp connection": for messages */
  /* Ends it: called once, while no step uses it.  At the end of the test or suite
   * that is on the worker's main thread (for a branch: on the thread that waits
   * for it); when a step closes or replaces it, on that step's thread.  So an
   * object may not be bound to the thread that made it.  `step` has a deadline of
   * its own (5 s) and is not cancelled; it has no arguments and no result.  Say
   * with runner_fail what went wrong. */
  void (*destroy) (struct runner_step *step, void *object);
  /* Makes a copy for another thread: when a branch or a simulated user first
   * takes a handle of an outer scope, the copy becomes its own, under the same
   * name.  Called on that thread.  The original may be at work meanwhile, but is
   * not destroyed before the call returns.  NULL on failure: the step's error is
   * set.  Left out: such handles are not copied, and one step at a time has them. */
  void *(*copy) (struct runner_step *step, void *object);
};

/* Gives `object` to the runner under `name` (NULL: "default"); the step does not
 * hold it yet.  An older handle of that name in the same scope is destroyed
 * first.  0, or -1: the older one is in use, the step's error is set and the
 * object still belongs to the caller. */
RUNNER_API int runner_handle_add (struct runner_step *step, const char *name,
                                  const struct runner_handle_type *type, void *object);

/* The object, held by this step until it returns.  NULL: there is none of that
 * name and type, or it is in use; the step's error is set.  A step holds at most
 * 8 handles.  The type must be the one that it was given with. */
RUNNER_API void *runner_handle_use (struct runner_step *step, const char *name,
                                    const struct runner_handle_type *type);

/* The same for handles that a verb makes on their first use: 1 and the object; 0
 * and no error when there is none; -1: the step's error is set. */
RUNNER_API int runner_handle_find (struct runner_step *step, const char *name,
                                   const struct runner_handle_type *type, void **object);

/* Destroys a handle now, on this thread.  0, or -1: there is none, or it is in
 * use; the step's error is set. */
RUNNER_API int runner_handle_close (struct runner_step *step, const char *name,
                                    const struct runner_handle_type *type);

/* ------------------------------------------------------------------------
 * Programs.
 */
struct runner_spawn_options {
  size_t struct_size;       /* sizeof (struct runner_spawn_options) */
  const char *const *argv;  /* ends with NULL; argv[0] is looked up in PATH */
  const char *const *env;   /* NAME=value, added to ours; NULL: none */
  const char *cwd;          /* NULL: the suite's folder */
  int stdin_fd, stdout_fd, stderr_fd; /* -1: /dev/null.  They stay the caller's */
  int clear_env;            /* 1: only `env` */
  int terminal;             /* 1: stdin_fd is a terminal, to be the controlling one */
  int reserved;             /* 0 */
};

/* Starts a program in a session and process group of its own, with a clean
 * signal mask, default dispositions and no other descriptors.  Returns its
 * process id, to be waited for by the caller (waitpid); -1: the step's outcome
 * is set.  A program that still runs when the test ends fails the test. */
RUNNER_API pid_t runner_spawn (struct runner_step *step, const struct runner_spawn_options *options);

/* Has the runner read `fd` (a pipe's or terminal's end, or a socket) until its
 * end, so that nobody stalls, and keep the first and last MiB as log `name`.
 * The descriptor then belongs to the runner.  NULL: the step's error is set.
 * The drain lives until runner_drain_close. */
RUNNER_API struct runner_drain *runner_drain_open (struct runner_step *step, int fd, const char *name);
/* Bytes from position `from` on that are there now: copies at most `size` of
 * them and returns their number; 0: none yet, or the end.  `*from` is moved to
 * the first byte that is still kept, if that is later. */
RUNNER_API size_t runner_drain_read (struct runner_drain *drain, uint64_t *from, void *data, size_t size);
RUNNER_API uint64_t runner_drain_total (struct runner_drain *drain); /* bytes that came so far */
RUNNER_API int runner_drain_ended (struct runner_drain *drain);      /* 1: no more will come */
/* Waits until there are more than `seen` bytes in all, or the end.  As runner_poll. */
RUNNER_API int runner_drain_wait (struct runner_step *step, struct runner_drain *drain, uint64_t seen, int64_t ns);
RUNNER_API void runner_drain_close (struct runner_drain *drain);

/* ------------------------------------------------------------------------
 * Roles: a part of a system, in a process of its own.  The function sets up,
 * says what it exports, calls runner_ready, serves until runner_stop_fd becomes
 * readable (SIGTERM), and returns its exit status.
 */

/* Values for ${role.NAME}; before runner_ready, from the thread that will call
 * it.  An address is host:port. */
RUNNER_API void runner_export_address (struct runner_role *role, const char *name, const char *host, uint16_t port);
RUNNER_API void runner_export_text (struct runner_role *role, const char *name, const char *text);
RUNNER_API void runner_export_int (struct runner_role *role, const char *name, int64_t number);
/* 0, or -1 when an export of the table is missing or nobody listens any more. */
RUNNER_API int runner_ready (struct runner_role *role);
/* Becomes readable when the role must end.  Do not read it. */
RUNNER_API int runner_stop_fd (struct runner_role *role);
/* Was this parameter given? */
RUNNER_API int runner_role_given (struct runner_role *role, const char *param);
/* A folder of the role's own for files that last as long as its suite: a role that
 * is started again finds them there.  NULL for a role that was started from a shell.
 * Since 1.1. */
RUNNER_API const char *runner_role_temp (struct runner_role *role);
/* An observation, for `role.wait`: put its members, then send it.  May be called
 * from any thread, by one at a time: begin locks, send unlocks. */
RUNNER_API struct runner_out *runner_observation (struct runner_role *role);
RUNNER_API void runner_observe (struct runner_role *role);
/* Says on standard error why the role cannot go on, or what fails; returns 1, to be returned. */
RUNNER_API int runner_role_error (struct runner_role *role, const char *fmt, ...) RUNNER_PRINTF (2, 3);
/* Prints whole lines on standard output.  It and runner_role_error may be called from any thread.  Neither waits
 * for who reads a role that was started from a shell: what does not fit is dropped, which is told.
 * Since 1.1. */
RUNNER_API void runner_role_print (struct runner_role *role, const void *lines, size_t size);

/* ------------------------------------------------------------------------
 * Macros for the tables (C only).
 */
#ifndef __cplusplus

#define RUNNER_TYPE_OF(field)                                                              \
  _Generic ((field),                                                                       \
            const char *: RUNNER_TEXT,                                                     \
            int64_t: RUNNER_INT,                                                           \
            double: RUNNER_FLOAT,                                                          \
            struct runner_bool: RUNNER_BOOL,                                               \
            struct runner_bytes: RUNNER_BYTES,                                             \
            struct runner_duration: RUNNER_DURATION,                                       \
            struct runner_size: RUNNER_SIZE,                                               \
            struct runner_address: RUNNER_ADDRESS,                                         \
            struct runner_secret: RUNNER_SECRET,                                           \
            struct runner_value: RUNNER_VALUE,                                             \
            struct runner_list: RUNNER_LIST,                                               \
            struct runner_map: RUNNER_MAP,                                                 \
            struct runner_pattern: RUNNER_PATTERN,                                         \
            struct runner_bytes_pattern: RUNNER_BYTES_PATTERN)

/* A row whose parameter has another name than its field (`for`, `default`). */
#define RUNNER_PARAM_AS(parameter, args, field, ...)                                       \
  { .name = parameter, .type = RUNNER_TYPE_OF (((args *) 0)->field),                       \
    .offset = offsetof (args, field), .size = sizeof (((args *) 0)->field), __VA_ARGS__ }

/* A row: RUNNER_PARAM (struct send_args, conn, .preset = "default", .help = "…"). */
#define RUNNER_PARAM(args, field, ...) RUNNER_PARAM_AS (#field, args, field, __VA_ARGS__)

/* The plugin's tables and its entry point:
 *   RUNNER_PLUGIN (.name = "mine", .version = "1.0", .help = "…", .verbs = verbs)
 */
#define RUNNER_PLUGIN(...)                                                                 \
  static const struct runner_plugin runner_plugin_tables = {                               \
    .magic = RUNNER_ABI_MAGIC, .abi_major = RUNNER_ABI_MAJOR, .abi_minor = RUNNER_ABI_MINOR, \
    .plugin_size = sizeof (struct runner_plugin), .verb_size = sizeof (struct runner_verb),  \
    .role_size = sizeof (struct runner_role_type), .param_size = sizeof (struct runner_param), \
    .field_size = sizeof (struct runner_field),                                            \
    .handle_size = sizeof (struct runner_handle_type), __VA_ARGS__                         \
  };                                                                                       \
  RUNNER_API const struct runner_plugin *runner_plugin_entry (void)                        \
  {                                                                                        \
    return &runner_plugin_tables;                                                          \
  }                                                                                        \
  struct runner_plugin /* takes the semicolon */

#endif /* !__cplusplus */

#ifdef __cplusplus
}
#endif

#endif /* RUNNER_PLUGIN_H */
