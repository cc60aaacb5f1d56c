/* context.c - a thread of execution: the names it sees, when it must stop, and what its
 * test has come to so far.  It runs no step: step-run.c does. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "fiber.h"
#include "text.h"
#include "worker.h"

#define LOOK_NS 1000000 /* at what cancels: once a millisecond is enough */

/* ---- names ---- */

const struct value *
context_lookup (const struct context *context, const char *name, size_t size)
{
  if (size == 6 && memcmp (name, "result", 6) == 0 && context->result)
    return context->result;
  return scope_get (context->scope, name, size);
}

static const struct value *
lookup (void *data, const char *name, size_t size)
{
  return context_lookup (data, name, size);
}

static void
names (void *data, void (*each) (void *each_data, const char *name), void *each_data)
{
  struct context *context = data;
  scope_names (context->scope, each, each_data);
  if (context->result)
    each (each_data, "result");
}

struct expr_scope
context_scope (struct context *context)
{
  return (struct expr_scope) { .lookup = lookup, .names = names, .data = context,
                               .folder = context->worker->suite->folder };
}

struct expr_scope
context_scope_at (struct context *context, const struct value *where)
{
  struct expr_scope scope = context_scope (context);
  scope.folder = folder_of (where);
  return scope;
}

/* ---- when it must stop ---- */

bool
context_cancelled (const struct context *context)
{
  struct pollfd fd = { .fd = context->cancel_fd, .events = POLLIN };
  return poll (&fd, 1, 0) > 0;
}

int
context_poll (const struct context *context, struct pollfd *fds, size_t n, int64_t end_ns)
{
  if (context->fiber)
    return fiber_poll (context->fiber, fds, n, end_ns);
  for (;;) {
    int64_t left = end_ns == INT64_MAX ? 0 : end_ns - clock_now_ns ();
    left = left > 0 ? left : 0;
    struct timespec wait = { left / 1000000000, left % 1000000000 };
    int ready = ppoll (fds, n, end_ns == INT64_MAX ? NULL : &wait, NULL);
    if (ready >= 0 || errno != EINTR)
      return ready;
  }
}

bool
context_stopped (struct context *context)
{
  int64_t now = clock_now_ns ();
  if (now >= context->deadline_ns)
    return true;
  if (context->user)
    return load_cancelled (context);
  if (now - context->looked_ns < LOOK_NS)
    return false;
  context->looked_ns = now;
  return context_cancelled (context);
}

/* ---- what its test has come to ---- */

void
record_failure (struct context *context, const struct step *step, const struct value *where, int outcome, bool expired,
                const char *message, const char *details)
{
  struct test_run *test = context->test;
  struct verdict *verdict = &test->verdict;
  if (verdict->outcome != RUNNER_PASS && verdict->outcome != RUNNER_SKIP) {
    /* the first is the verdict; what came after it is told too */
    CLEANUP_BUFFER struct buffer text = { 0 };
    if (verdict->details)
      buffer_printf (&text, "%s\n", verdict->details);
    buffer_lit (&text, "then, at ");
    place_print (&text, where);
    buffer_printf (&text, ": %s", message);
    if (text.size < 64 << 10)
      verdict->details = arena_copy (&test->arena, text.data, text.size);
    return;
  }
  *verdict = (struct verdict) {
    .outcome = outcome, .expired = expired, .step = step, .where = *where,
    .message = arena_strdup (&test->arena, message),
    .details = details ? arena_strdup (&test->arena, details) : NULL
  };
}

void
name_failure (struct context *context, const struct step *step, const char *name)
{
  struct verdict *verdict = &context->test->verdict;
  if (name && step && verdict->step == step && !verdict->name)
    verdict->name = arena_strdup (&context->test->arena, name);
}

struct event_step *
add_step_record (struct test_run *test)
{
  if (test->step_count >= STEPS_TOLD) {
    test->steps_untold++;
    return NULL;
  }
  test->steps = arena_grow (&test->arena, test->steps, test->step_count, &test->step_room, sizeof *test->steps);
  return &test->steps[test->step_count++];
}

void
context_free (struct context *context)
{
  for (size_t i = 0; i < sizeof context->pool / sizeof *context->pool; i++)
    arena_free (&context->pool[i]);
}
