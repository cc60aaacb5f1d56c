/* core-verbs.c - log, sleep, fail, skip: verbs that belong to no plugin, described
 * by the same tables.  set, check, do and defer are forms of the language itself
 * (suite-step.c, step-run.c), role.* is in role-control.c. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "suite-read.h"
#include "worker.h"

struct message_args { struct runner_value message; };
struct sleep_args { struct runner_duration time; };

static const struct runner_param log_params[] = {
  RUNNER_PARAM_AS ("message", struct message_args, message, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                   .help = "what to note in the test's output: a text or any value"),
  { 0 }
};
static const struct runner_param sleep_params[] = {
  RUNNER_PARAM_AS ("for", struct sleep_args, time, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                   .help = "how long; better wait for something by retry, X.wait or role.wait"),
  { 0 }
};
static const struct runner_param fail_params[] = {
  RUNNER_PARAM_AS ("message", struct message_args, message, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                   .help = "why the test fails"),
  { 0 }
};
static const struct runner_param skip_params[] = {
  RUNNER_PARAM_AS ("message", struct message_args, message, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                   .help = "why the test does not apply"),
  { 0 }
};

static void
print_message (const struct message_args *args, struct buffer *out)
{
  const struct value *value = (const struct value *) args->message.node;
  if (!value_print (out, value))
    value_show (out, value, 10000);
}

static int
run_log (struct runner_step *step, const void *args)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  print_message (args, &text);
  buffer_putc (&text, '\n');
  test_output (step->context, text.data, text.size);
  return RUNNER_PASS;
}

static int
run_sleep (struct runner_step *step, const void *args)
{
  const struct sleep_args *a = args;
  if (runner_sleep (step, a->time.ns) < 0)
    return runner_expired (step, "sleeping");
  return RUNNER_PASS;
}

/* Reasons end at a NUL, unless it is shown escaped as in a report. */
static const char *
reason (const struct message_args *args, struct buffer *out)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  print_message (args, &text);
  for (size_t i = 0; i < text.size; i++)
    if (text.data[i])
      buffer_putc (out, text.data[i]);
    else
      buffer_lit (out, "\\x00");
  return buffer_text (out);
}

static int
run_fail (struct runner_step *step, const void *args)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  return runner_fail (step, "%s", reason (args, &text));
}

static int
run_skip (struct runner_step *step, const void *args)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  return runner_skip (step, "%s", reason (args, &text));
}

#define PARAMS(table, type) { .rows = table, .count = sizeof table / sizeof *table - 1, .args_size = sizeof (type) }

static struct verb verbs[32] = {
  { .name = "log", .help = "notes a text in the test's output", .run = run_log, .flags = RUNNER_COOPERATIVE,
    .params = PARAMS (log_params, struct message_args) },
  { .name = "sleep", .help = "waits for a time", .run = run_sleep, .flags = VERB_OWN_TIME | RUNNER_COOPERATIVE,
    .params = PARAMS (sleep_params, struct sleep_args) },
  { .name = "fail", .help = "fails the test", .run = run_fail, .flags = RUNNER_COOPERATIVE,
    .params = PARAMS (fail_params, struct message_args) },
  { .name = "skip", .help = "skips the rest of the test", .run = run_skip, .flags = RUNNER_COOPERATIVE,
    .params = PARAMS (skip_params, struct message_args) },
};
const struct verb *const core_verbs = verbs;

/* The verbs of roles join the table, and presets are made, before the first use. */
static void
prepare (void)
{
  static struct arena arena;
  static bool done;
  char error[512];
  size_t n = 0, more;
  if (done)
    return;
  done = true;
  while (verbs[n].name)
    n++;
  const struct verb *roles = role_verb_table (&more);
  for (size_t i = 0; i < more && n + 1 < sizeof verbs / sizeof *verbs; i++)
    verbs[n++] = roles[i];
  for (size_t i = 0; i < n; i++)
    if (!params_prepare (&verbs[i].params, &arena, error, sizeof error)) {
      fprintf (stderr, "runner: %s: %s\n", verbs[i].name, error);
      verbs[i].name = NULL;
      return;
    }
}

const struct verb *
core_verb_find (const char *name, size_t size)
{
  prepare ();
  for (struct verb *verb = verbs; verb->name; verb++)
    if (strlen (verb->name) == size && memcmp (verb->name, name, size) == 0)
      return verb;
  return NULL;
}
