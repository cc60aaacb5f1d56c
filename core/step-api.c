/* step-api.c - the interface for plugins: what runner-plugin.h says of steps.  Handles are in
 * step-handle.c, programs in step-program.c. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "path.h"
#include "regexp.h"
#include "secret.h"
#include "text.h"
#include "worker.h"

void
step_begin (struct runner_step *step, struct context *context, const struct step *source, struct arena *arena,
            int64_t deadline_ns)
{
  *step = (struct runner_step) {
    .context = context, .step = source, .arena = arena, .deadline_ns = deadline_ns, .cancel_fd = context->cancel_fd
  };
  if (source) {
    step->where = *source->key;
    if (source->verb)
      step->params = &source->verb->params;
  }
  out_init (&step->out, arena);
}

void
step_release (struct runner_step *step)
{
  for (size_t i = 0; i < step->held_count; i++)
    scope_release (step->held[i]);
  step->held_count = 0;
  out_free (&step->out);
  arena_free (&step->scratch);
  buffer_free (&step->near);
}

/* ---- outcome ---- */

static int __attribute__ ((format (printf, 3, 0)))
say (struct runner_step *step, int outcome, const char *fmt, va_list args)
{
  if (!step->message)
    step->message = arena_vprintf (step->arena, fmt, args);
  if (step->outcome == RUNNER_PASS)
    step->outcome = outcome;
  return step->outcome;
}

int
runner_fail (struct runner_step *step, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_FAIL, fmt, args);
  va_end (args);
  return outcome;
}

int
runner_error (struct runner_step *step, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_ERROR, fmt, args);
  va_end (args);
  return outcome;
}

int
runner_skip (struct runner_step *step, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_SKIP, fmt, args);
  va_end (args);
  return outcome;
}

int
runner_expired (struct runner_step *step, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  struct pollfd cancel = { .fd = step->cancel_fd, .events = POLLIN };
  bool cancelled = poll (&cancel, 1, 0) > 0;
  va_list args;
  va_start (args, fmt);
  buffer_puts (&text, cancelled ? "cancelled while " : "timed out while ");
  buffer_vprintf (&text, fmt, args);
  va_end (args);
  step->expired = true;
  return runner_fail (step, "%s", buffer_text (&text));
}

/* Has the pattern a key `field`, or a path that goes to it ("$.status", "$['status']")? */
static bool
names_field (struct arena *arena, const struct value *pattern, const char *field)
{
  for (size_t i = 0; pattern->type == VALUE_MAP && i < pattern->count; i++) {
    const struct value *key = &pattern->members[i].key;
    char error[256];
    if (value_is (key, field))
      return true;
    const struct path *path
      = path_is (key->string, key->size) ? path_compile (arena, key->string, key->size, error, sizeof error) : NULL;
    if (path && path_goes_to (path, field))
      return true;
  }
  return false;
}

/* What `expect` comes to when it is computed as a whole, or has keys that are; else as it is written.
 * What cannot be computed names nothing: the step fails anyhow. */
static const struct value *
computed_pattern (struct runner_step *step, const struct value *expect, struct value *computed)
{
  bool is_computed = expect->type != VALUE_MAP && expect->flags & VALUE_DYNAMIC;
  for (size_t i = 0; expect->type == VALUE_MAP && i < expect->count; i++)
    is_computed |= (expect->members[i].key.flags & VALUE_DYNAMIC) != 0;
  if (!is_computed)
    return expect;
  struct context *context = step->context;
  struct expr_scope scope = context_scope_at (context, expect);
  struct expr_error error;
  const struct value *before = context->result;
  struct value result = out_peek (&step->out);
  context->result = &result;
  bool fine = evaluator_expand (&context->evaluator, expect, &scope, step->arena, computed, &error);
  context->result = before;
  return fine ? computed : &value_null;
}

int
runner_bad (struct runner_step *step, const char *field, const char *fmt, ...)
{
  const struct value *expect = step->step ? step->step->expect : NULL;
  struct value computed;
  if (expect && names_field (step->arena, computed_pattern (step, expect, &computed), field))
    return RUNNER_PASS;
  va_list args;
  va_start (args, fmt);
  int outcome = say (step, RUNNER_FAIL, fmt, args);
  va_end (args);
  step->bad = true;
  return outcome;
}

void
runner_log (struct runner_step *step, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  va_list args;
  va_start (args, fmt);
  buffer_vprintf (&text, fmt, args);
  va_end (args);
  buffer_putc (&text, '\n');
  test_output (step->context, text.data, text.size);
}

size_t
runner_mask (char *text, size_t size, int cut)
{
  _Static_assert (RUNNER_CUT_BEGIN == (int) SECRET_CUT_BEGIN && RUNNER_CUT_END == (int) SECRET_CUT_END, "the same");
  if (!size || !secret_any ())
    return size;
  CLEANUP_BUFFER struct buffer masked = { 0 };
  buffer_add (&masked, text, size);
  secret_mask_cut (&masked, 0, (enum secret_cut) (cut & SECRET_CUT_BOTH));
  size = masked.size < size ? masked.size : size;
  memcpy (text, masked.data, size);
  return size;
}

void
runner_wire (struct runner_step *step, int direction, const char *peer, const void *data, size_t size)
{
  struct worker *worker = step->context->worker;
  if (step->context->load) {
    if (step->context->user)
      load_wire (step->context->user, direction == RUNNER_RECEIVED, peer, data, size);
    return;
  }
  pthread_mutex_lock (&worker->lock);
  shared_wire (worker->shared, direction == RUNNER_RECEIVED, peer, data, size);
  pthread_mutex_unlock (&worker->lock);
}

/* ---- time ---- */

int64_t
runner_now (void)
{
  return clock_now_ns ();
}

int64_t
runner_deadline (struct runner_step *step)
{
  return step->deadline_ns;
}

int64_t
runner_left (struct runner_step *step)
{
  int64_t left = step->deadline_ns - clock_now_ns ();
  return left > 0 ? left : 0;
}

int
runner_cancel_fd (struct runner_step *step)
{
  return step->cancel_fd;
}

#define POLL_MOST 1024

int
runner_poll (struct runner_step *step, struct pollfd *fds, size_t n, int64_t ns)
{
  struct pollfd few[16], *all = few, *many = NULL;
  if (n > POLL_MOST) {
    runner_error (step, "runner_poll watches at most %d descriptors, not %zu", POLL_MOST, n);
    return -1;
  }
  if (n + 1 > sizeof few / sizeof *few)
    all = many = xcalloc (n + 1, sizeof *many);
  if (n)
    memcpy (all, fds, n * sizeof *fds);
  all[n] = (struct pollfd) { .fd = step->cancel_fd, .events = POLLIN };

  int64_t now = clock_now_ns (), end = step->deadline_ns;
  if (ns >= 0 && ns < end - now)
    end = now + ns;
  /* A verb that goes on after its deadline keeps its thread, also from other fibers, so that it is seen. */
  int result = now < step->deadline_ns ? context_poll (step->context, all, n + 1, end) : poll (all, n + 1, 0);
  int wrong = errno;
  if (result > 0 ? all[n].revents != 0 : clock_now_ns () >= step->deadline_ns)
    result = -1;
  else if (result < 0)
    runner_error (step, "cannot wait: %s", strerror (wrong));
  for (size_t i = 0; i < n; i++)
    fds[i].revents = result > 0 ? all[i].revents : 0;
  free (many);
  return result;
}

int
runner_sleep (struct runner_step *step, int64_t ns)
{
  return runner_poll (step, NULL, 0, ns) < 0 ? -1 : 0;
}

/* ---- arguments ---- */

int
runner_given (struct runner_step *step, const char *param)
{
  if (!step->params)
    return 0;
  const struct runner_param *row = param_find (step->params, param, strlen (param));
  return row && (step->given >> (row - step->params->rows) & 1);
}

const char *
runner_folder (struct runner_step *step)
{
  return step->step ? folder_of (&step->where) : step->context->worker->suite->folder;
}

const char *
runner_temp (struct runner_step *step)
{
  struct test_run *test = step->context->test;
  if (test->temp)
    return test->temp;
  char template[PATH_MAX];
  temp_template (template, sizeof template, step->context->worker->link->pid);
  char *path = arena_strdup (&test->arena, template);
  if (!mkdtemp (path)) {
    runner_error (step, "cannot make a temporary folder %s: %s", template, strerror (errno));
    return NULL;
  }
  test->temp = path;
  return path;
}

/* ---- values ---- */

struct runner_out *
runner_result (struct runner_step *step)
{
  return &step->out;
}

/* Only the parts of a step itself see its result; what `expect` looks at is known
 * unless it has paths, matchers or computed keys. */
int
runner_wants (struct runner_step *step, const char *field)
{
  const struct step *source = step->step;
  if (!source)
    return 0;
  if (source->save || source->check || source->fails || source->until || source->stop_if)
    return 1;
  const struct value *expect = source->expect;
  if (!expect || expect->type != VALUE_MAP)
    return expect != NULL;
  for (size_t i = 0; i < expect->count; i++) {
    const struct value *key = &expect->members[i].key;
    if (key->flags & VALUE_DYNAMIC || key->string[0] == '$' || value_is (key, field))
      return 1;
  }
  return 0;
}

const char *
runner_node_json (struct runner_step *step, const struct runner_node *node, size_t *size)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  json_write (&text, node ? (const struct value *) node : &value_null);
  if (size)
    *size = text.size;
  return arena_copy (step->arena, text.data, text.size);
}

const char *
runner_node_print (struct runner_step *step, const struct runner_node *node, size_t *size)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!node || !value_print (&text, (const struct value *) node))
    return NULL;
  if (size)
    *size = text.size;
  return arena_copy (step->arena, text.data ? text.data : "", text.size);
}

int
runner_node_bytes (struct runner_step *step, const struct runner_node *node, struct runner_bytes *bytes)
{
  char error[512];
  const uint8_t *data;
  const struct value *value = node ? (const struct value *) node : &value_null;
  CLEANUP_BUFFER struct buffer text = { 0 };
  struct value printed = *value;
  if (value->type != VALUE_STRING && value->type != VALUE_NULL && value_print (&text, value))
    printed = value_text (arena_copy (step->arena, text.data, text.size), text.size);
  if (param_bytes (step->arena, &printed, runner_folder (step), &data, NULL, &bytes->size, error, sizeof error)) {
    bytes->data = data;
    return 0;
  }
  runner_error (step, "%s", error);
  return -1;
}

/* For what is forgotten once a value was looked at.  A verb may look at any number of them,
 * so only the first takes of the step's own memory, which most steps never leave. */
static struct arena *
scratch (struct runner_step *step)
{
  if (!step->looked) {
    step->looked = true;
    return step->arena;
  }
  arena_reset (&step->scratch);
  return &step->scratch;
}

static struct match
matching (struct runner_step *step, const struct expr_scope *scope, struct arena *arena)
{
  return (struct match) { .evaluator = &step->context->evaluator, .scope = scope, .arena = arena };
}

int
runner_match (struct runner_step *step, struct runner_pattern pattern, struct runner_out *value)
{
  if (!pattern.node)
    return 1;
  struct expr_scope scope = context_scope (step->context);
  struct match match = matching (step, &scope, scratch (step));
  struct value actual = out_peek (value);
  struct differences differences = { .arena = match.arena };
  int result = match_value (&match, (const struct value *) pattern.node, &actual, &differences);
  if (result == MATCH_WRONG)
    runner_error (step, "%s", differences.count ? differences.items[0].text : "the pattern is wrong");
  return result;
}

/* Do the expectation and the checks of the step hold for `candidate`?  Why not
 * goes to step->near. */
static int
candidate_holds (struct runner_step *step, const struct value *candidate)
{
  const struct step *source = step->step;
  struct expr_scope scope = context_scope (step->context);
  struct expr_error error;
  struct value pattern;
  struct arena *arena = scratch (step);
  step->near.size = 0;
  if (source->expect) {
    if (!evaluator_expand (&step->context->evaluator, source->expect, &scope, arena, &pattern, &error)) {
      runner_error (step, "%s", error.message);
      return -1;
    }
    struct match match = matching (step, &scope, arena);
    struct differences differences = { .arena = arena };
    int result = match_value (&match, &pattern, candidate, &differences);
    if (result == MATCH_WRONG)
      runner_error (step, "%s", differences.count ? differences.items[0].text : "the pattern is wrong");
    for (size_t i = 0; i < differences.count && result == MATCH_NO; i++)
      buffer_printf (&step->near, "%s: %s\n", differences.items[i].path, differences.items[i].text);
    if (result != MATCH_YES)
      return result;
  }
  size_t checks = !source->check ? 0 : source->check->type == VALUE_LIST ? source->check->count : 1;
  for (size_t i = 0; i < checks; i++) {
    const struct value *check = source->check->type == VALUE_LIST ? &source->check->items[i] : source->check;
    bool holds;
    if (!evaluator_test (&step->context->evaluator, check, &scope, &holds, &error)) {
      runner_error (step, "%s", error.message);
      return -1;
    }
    if (!holds) {
      buffer_printf (&step->near, "check does not hold: %s\n", check->type == VALUE_STRING ? check->string : "");
      return 0;
    }
  }
  return 1;
}

int
runner_result_holds (struct runner_step *step)
{
  if (!step->step || (!step->step->expect && !step->step->check))
    return 1;
  struct context *context = step->context;
  const struct value *before = context->result;
  struct value candidate = out_peek (&step->out);
  context->result = &candidate;
  int result = candidate_holds (step, &candidate);
  context->result = before;
  step->candidates++;
  return result;
}

int
runner_regex (struct runner_step *step, const char *regex, const char *text, size_t size, size_t *groups, size_t n)
{
  char error[512];
  size_t found = 0;
  int result = regex_search (regex, strlen (regex), text, size, groups, n, &found, error, sizeof error);
  if (result == REGEX_WRONG) {
    runner_error (step, "%s", error);
    return -1;
  }
  return result == REGEX_YES ? (int) found : 0;
}
