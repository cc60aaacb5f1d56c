/* worker.c - runs the tests of one suite in turn and tells what came of them. */
#include "config.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptors.h"
#include "files.h"
#include "secret.h"
#include "text.h"
#include "worker.h"

#define EVENTS_BATCH ((size_t) 16 << 10)
#define BATCH_NS (INT64_C (20) * 1000000) /* a finished test is told after that at the latest */

/* ---- events ---- */

static void
flush_events (struct worker *worker)
{
  if (!worker->lost_events && !descriptor_write (worker->events_fd, worker->events.data, worker->events.size))
    worker->lost_events = true; /* the supervisor is gone, and soon this worker */
  worker->events.size = 0;
  worker->flushed_ns = clock_now_ns ();
}

static void
put_event (struct worker *worker, const struct event *event)
{
  if (!secret_any ()) {
    event_write (&worker->events, event);
    return;
  }
  CLEANUP_ARENA struct arena arena = { 0 };
  struct event masked = *event;
  event_mask (&masked, &arena);
  event_write (&worker->events, &masked);
}

static void
put_start (struct worker *worker, const struct planned *planned, uint32_t attempt)
{
  struct event event = { .type = EVENT_START, .time_us = worker->shared->test_start_us, .suite = worker->suite->number,
                         .test = planned->number, .name = planned->name, .attempt = attempt,
                         .worker = worker->number };
  put_event (worker, &event);
}

/* Small tests end before anybody could see that they run: their start is only
 * told when something begins that may take long.  By the main thread: before any other
 * thread begins; nor does it write another event before all have ended. */
void
tell_start (struct worker *worker)
{
  if (worker->shared->started)
    return;
  worker->shared->started = true;
  if (worker->running)
    put_start (worker, worker->running, worker->shared->attempt);
  flush_events (worker);
}

void
tell_event (struct worker *worker, struct event *event)
{
  event->suite = worker->suite->number;
  event->test = worker->running ? worker->running->number : 0;
  event->attempt = worker->shared->attempt;
  event->worker = worker->number;
  event->time_us = time_now_us ();
  pthread_mutex_lock (&worker->lock);
  put_event (worker, event);
  flush_events (worker);
  pthread_mutex_unlock (&worker->lock);
}

void
test_output (struct context *context, const char *text, size_t size)
{
  struct test_run *test = context->test;
  pthread_mutex_lock (&context->worker->lock);
  if (test->output.size + size > OUTPUT_MOST) {
    /* the first half stays, the second is what came last */
    size_t keep = OUTPUT_MOST / 2;
    buffer_add (&test->output, text, size);
    if (test->output.size > OUTPUT_MOST * 2 || size > keep) {
      size_t drop = test->output.size - OUTPUT_MOST;
      if (test->output.size > OUTPUT_MOST) {
        memmove (test->output.data + keep, test->output.data + keep + drop, test->output.size - keep - drop);
        test->output.size -= drop;
        test->output_lost += drop;
      }
    }
  }
  else
    buffer_add (&test->output, text, size);
  pthread_mutex_unlock (&context->worker->lock);
}

void
test_mark_lost (struct test_run *test)
{
  if (!test->output_lost)
    return;
  CLEANUP_BUFFER struct buffer last = { 0 };
  size_t half = OUTPUT_MOST / 2;
  buffer_add (&last, test->output.data + half, test->output.size - half);
  test->output.size = half;
  secret_mask_cut (&test->output, 0, SECRET_CUT_END);
  secret_mask_cut (&last, 0, SECRET_CUT_BEGIN);
  buffer_printf (&test->output, "\n[… %zu bytes left out …]\n", test->output_lost);
  buffer_add (&test->output, last.data, last.size);
  test->output_lost = 0;
}

void
test_warning (struct test_run *test, const char *fmt, ...)
{
  const char **warnings = arena_array (&test->arena, test->warning_count + 1, sizeof *warnings);
  if (test->warning_count)
    memcpy (warnings, test->warnings, test->warning_count * sizeof *warnings);
  va_list args;
  va_start (args, fmt);
  warnings[test->warning_count++] = arena_vprintf (&test->arena, fmt, args);
  va_end (args);
  test->warnings = warnings;
}

/* The traffic kept in shared memory, oldest first for each connection. */
size_t
collect_traffic (struct shared *shared, int64_t start_ns, struct arena *arena, struct event_traffic **traffic)
{
  size_t n = 0, count = 0;
  for (int i = 0; i < RINGS; i++)
    n += shared->rings[i].count < RING_RECORDS ? shared->rings[i].count : RING_RECORDS;
  *traffic = arena_array (arena, n + 1, sizeof **traffic);
  for (int i = 0; i < RINGS; i++) {
    struct ring *ring = &shared->rings[i];
    uint64_t total = ring->count, first = total > RING_RECORDS ? total - RING_RECORDS : 0;
    for (uint64_t j = first; j < total && count < n; j++) {
      struct record *record = &ring->records[j % RING_RECORDS];
      /* a worker that crashed may have left anything here */
      uint32_t kept = record->kept < RECORD_DATA ? record->kept : RECORD_DATA;
      (*traffic)[count++] = (struct event_traffic) {
        .peer = arena_copy (arena, ring->peer, strnlen (ring->peer, sizeof ring->peer)),
        .received = record->received != 0,
        .time_us = (record->time_ns - start_ns) / 1000,
        .size = record->size,
        .data = arena_copy (arena, record->data, kept),
        .data_size = kept,
      };
    }
  }
  return count;
}

static int
event_outcome (const struct verdict *verdict)
{
  switch (verdict->outcome) {
  case RUNNER_PASS:
    return OUTCOME_PASSED;
  case RUNNER_FAIL:
    return OUTCOME_FAILED;
  case RUNNER_SKIP:
    return OUTCOME_SKIPPED;
  default:
    return OUTCOME_ERROR;
  }
}

/* The end of a longer log begins amid a line, and it may be amid a secret. */
static void
begin_at_line (struct event_log *log, struct arena *arena)
{
  size_t n = log->text_size == LOG_TAIL ? text_cut_line (log->text, log->text_size) : 0;
  log->text += n;
  log->text_size -= n;
  if (n || log->text_size < LOG_TAIL || !secret_any ())
    return;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_add (&text, log->text, log->text_size);
  secret_mask_cut (&text, 0, SECRET_CUT_BEGIN);
  log->text = arena_copy (arena, buffer_text (&text), text.size);
  log->text_size = text.size;
}

/* Logs of roles and of the programs that still run. */
static void
add_logs (struct worker *worker, struct test_run *test, struct event *event)
{
  struct event_log *logs, programs[16];
  size_t n = roles_logs (worker, &test->arena, &logs);
  size_t more = drain_logs (worker, &test->arena, programs, sizeof programs / sizeof *programs);
  event->logs = arena_array (&test->arena, n + more + 1, sizeof *event->logs);
  if (n)
    memcpy (event->logs, logs, n * sizeof *logs);
  if (more)
    memcpy (event->logs + n, programs, more * sizeof *programs);
  event->log_count = n + more;
  for (size_t i = 0; i < event->log_count; i++)
    begin_at_line (&event->logs[i], &test->arena);
  /* Jenkins shows attached files beside the test; it wants absolute names */
  char folder[PATH_MAX];
  if (!n || !getcwd (folder, sizeof folder))
    return;
  event->attachments = arena_array (&test->arena, n, sizeof *event->attachments);
  for (size_t i = 0; i < n; i++)
    event->attachments[event->attachment_count++]
      = logs[i].file[0] == '/' ? logs[i].file : arena_printf (&test->arena, "%s/%s", folder, logs[i].file);
}

static void
fill_verdict (struct event *event, struct test_run *test)
{
  const struct verdict *verdict = &test->verdict;
  event->outcome = event_outcome (verdict);
  event->start_us = test->start_us;
  event->duration_us = (clock_now_ns () - test->start_ns) / 1000;
  event->time_us = event->start_us + event->duration_us;
  if (verdict->outcome != RUNNER_PASS) {
    struct buffer place = { 0 };
    event->message = verdict->message;
    place_print (&place, &verdict->where);
    event->where = verdict->at ? verdict->at->where
                   : place.size ? arena_copy (&test->arena, place.data, place.size) : NULL;
    buffer_free (&place);
    event->verb = verdict->at ? verdict->at->verb : verdict->step ? verdict->step->key->string : NULL;
    event->step = verdict->at ? verdict->at->name : verdict->name;
    event->details = verdict->details;
  }
  event->steps = test->steps;
  event->step_count = test->step_count;
  if (test->steps_untold)
    test_warning (test, "%zu more steps are not listed", test->steps_untold);
  test_mark_lost (test);
  event->output = test->output.size ? test->output.data : NULL;
  event->output_size = test->output.size;
  event->loads = test->loads;
  event->load_count = test->load_count;
  event->warnings = test->warnings;
  event->warning_count = test->warning_count;
}

static bool
went_wrong (const struct test_run *test)
{
  return test->verdict.outcome == RUNNER_FAIL || test->verdict.outcome == RUNNER_ERROR;
}

/* What must be read while connections and roles are still there. */
struct evidence {
  struct event event;
  bool taken;
};

static void
take_evidence (struct context *context, struct evidence *evidence)
{
  struct test_run *test = context->test;
  if (evidence->taken || !went_wrong (test))
    return;
  evidence->taken = true;
  add_logs (context->worker, test, &evidence->event);
  evidence->event.traffic_count
    = collect_traffic (context->worker->shared, test->start_ns, &test->arena, &evidence->event.traffic);
}

/* Has the supervisor asked to stop? */
static bool
cancelled (const struct worker *worker)
{
  struct pollfd fd = { .fd = worker->control_fd, .events = POLLIN };
  return poll (&fd, 1, 0) > 0;
}

/* ---- a test ---- */

void
remove_test_temp (struct test_run *test)
{
  if (test->temp && !remove_tree (test->temp))
    test_warning (test, "the temporary folder %s cannot be removed", test->temp);
}

static void
test_begin (struct test_run *test, const struct planned *planned)
{
  struct arena arena = test->arena;
  struct buffer output = test->output;
  arena_reset (&arena);
  output.size = 0;
  *test = (struct test_run) { .arena = arena, .output = output, .planned = planned };
  test->start_us = time_now_us ();
  test->start_ns = clock_now_ns ();
}

/* Steps that run whatever came before: they are judged by themselves, so that one
 * that `fails` as it should takes no earlier failure back, nor one that is skipped
 * while `cleaning` up what has passed. */
static void
run_apart (struct context *context, struct steps steps, bool cleaning)
{
  struct test_run *test = context->test;
  struct verdict before = test->verdict;
  test->verdict = (struct verdict) { .outcome = RUNNER_PASS };
  run_steps (context, steps);
  struct verdict after = test->verdict;
  test->verdict = before;
  if (after.outcome != RUNNER_PASS && !(cleaning && after.outcome == RUNNER_SKIP)) {
    record_failure (context, after.step, &after.where, after.outcome, after.expired, after.message, after.details);
    name_failure (context, after.step, after.name);
  }
}

void
run_deferred (struct context *context)
{
  struct test_run *test = context->test;
  struct scope *scope = context->scope;
  context->phase = "defer";
  while (test->deferred) {
    struct deferred *deferred = test->deferred;
    test->deferred = deferred->older;
    context->scope = deferred->scope;
    for (size_t i = 0; i < deferred->steps.count; i++) /* all of them, whatever fails */
      run_apart (context, (struct steps) { &deferred->steps.items[i], 1 }, true);
  }
  context->scope = scope;
}

void
free_kept_scopes (struct test_run *test)
{
  while (test->kept_scopes) {
    struct scope *scope = test->kept_scopes;
    test->kept_scopes = scope->next_kept;
    scope_free (scope);
    free (scope);
  }
}

static void
run_phase (struct context *context, const char *phase, struct steps steps)
{
  context->phase = phase;
  run_apart (context, steps, false);
}

/* A step in it that is skipped skips what follows in it, and nothing else. */
static void
run_cleaning_phase (struct context *context, const char *phase, struct steps steps)
{
  context->phase = phase;
  run_apart (context, steps, true);
}

/* Cleaning up has a deadline of its own, and is not cancelled. */
static void
begin_cleaning (struct context *context)
{
  context->deadline_ns = clock_now_ns () + DEFAULT_TEST_NS;
  context->cancel_fd = context->worker->never_fd;
}

/* The step that ran at that time: the innermost; NULL: none that was told. */
static const struct event_step *
step_at (const struct test_run *test, int64_t ns)
{
  int64_t us = (ns - test->start_ns) / 1000;
  const struct event_step *found = NULL;
  for (size_t i = 0; i < test->step_count && ns; i++) {
    const struct event_step *step = &test->steps[i];
    bool later = !found || step->start_us > found->start_us
                 || (step->start_us == found->start_us && step->depth > found->depth);
    if (step->start_us <= us && us <= step->start_us + step->time_us && later)
      found = step;
  }
  return found;
}

/* A role died at that time: what failed then or later is not the test's own. */
static void
blame_role (struct context *context, const char *dead, int64_t ended_ns)
{
  struct test_run *test = context->test;
  struct verdict before = test->verdict;
  test->verdict = (struct verdict) { .outcome = RUNNER_ERROR, .step = before.step, .where = before.where,
                                     .name = before.name, .at = step_at (test, ended_ns), .message = dead };
  if (!before.where.line)
    test->verdict.where = test->planned ? test->planned->test->where : context->worker->suite->where;
  if (before.outcome == RUNNER_PASS)
    return;
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (before.where.line)
    place_print (&text, &before.where);
  buffer_printf (&text, "%s%s failed with: %s", text.size ? ": " : "",
                 before.step ? before.step->key->string : "the step", before.message);
  if (before.details)
    buffer_printf (&text, "\n%s", before.details);
  test->verdict.details = arena_copy (&test->arena, text.data, text.size);
}

/* Ends what the test has left.  True: a role has died. */
static bool
clean_up (struct context *context, struct evidence *evidence)
{
  struct test_run *test = context->test;
  struct worker *worker = context->worker;
  begin_cleaning (context);
  background_end_loads (context);
  if (worker->suite->after_each.count)
    run_cleaning_phase (context, "after_each", worker->suite->after_each);
  run_deferred (context);
  background_end (context);
  roles_resume (context);
  int64_t ended_ns = 0;
  const char *dead = worker->roles ? roles_dead (worker, &test->arena, &ended_ns) : NULL;
  if (dead)
    blame_role (context, dead, ended_ns);
  take_evidence (context, evidence);
  destroy_handles (context, context->scope);
  roles_stop (context, true);
  if (test->spawned) {
    const char *left = leftover_end (worker, &test->arena);
    if (left)
      record_failure (context, NULL, &test->planned->test->where, RUNNER_FAIL, false, left, NULL);
  }
  remove_test_temp (test);
  take_evidence (context, evidence);
  return dead != NULL;
}

/* Of a setup that passed: the first test that runs after it tells. */
static void
tell_setup (struct context *context)
{
  struct test_run *setup = context->worker->setup;
  if (!setup)
    return;
  context->worker->setup = NULL;
  test_mark_lost (setup);
  if (setup->output.size) {
    static const char head[] = "[output of the suite's setup]\n", foot[] = "\n[end of that]\n";
    bool line_ends = setup->output.data[setup->output.size - 1] == '\n';
    test_output (context, head, sizeof head - 1);
    test_output (context, setup->output.data, setup->output.size);
    test_output (context, foot + line_ends, sizeof foot - 1 - line_ends);
  }
  for (size_t i = 0; i < setup->warning_count; i++)
    test_warning (context->test, "in the suite's setup: %s", setup->warnings[i]);
}

static bool
applies (struct context *context, const struct test *test)
{
  struct expr_error error;
  struct expr_scope scope = context_scope (context);
  bool holds = true;
  if (test->skip) {
    record_failure (context, NULL, &test->where, RUNNER_SKIP, false, test->skip, NULL);
    return false;
  }
  if (test->condition && !evaluator_test (&context->evaluator, test->condition, &scope, &holds, &error)) {
    record_failure (context, NULL, test->condition, RUNNER_ERROR, false, error.message, NULL);
    return false;
  }
  if (!holds)
    record_failure (context, NULL, test->condition, RUNNER_SKIP, false,
                    arena_printf (&context->test->arena, "its condition does not hold: %s",
                                  test->condition->type == VALUE_STRING ? test->condition->string : ""), NULL);
  return holds;
}

static void
run_test_body (struct context *context, const struct test *test)
{
  const struct suite *suite = context->worker->suite;
  if (context->worker->roles)
    roles_mark (context->worker);
  if (test->role_count)
    flush_events (context->worker); /* it may take long, and end this worker */
  bool started = !test->role_count || roles_start (context, test->roles, test->role_count, true);
  if (started && suite->before_each.count)
    run_phase (context, "before_each", suite->before_each);
  if (started && context->test->verdict.outcome == RUNNER_PASS)
    run_phase (context, NULL, test->steps);
  if (went_wrong (context->test) && test->on_failure.count) {
    int64_t deadline = context->deadline_ns;
    int cancel_fd = context->cancel_fd;
    begin_cleaning (context);
    run_cleaning_phase (context, "on_failure", test->on_failure);
    context->deadline_ns = deadline;
    context->cancel_fd = cancel_fd;
  }
  if (context->test->verdict.outcome == RUNNER_PASS && context->test->checks == 0)
    test_warning (context->test, "it checks nothing: no expect, check, fails or receive was at work");
}

static int64_t
test_deadline (const struct worker *worker, const struct test *test)
{
  int64_t ns = test->timeout_ns;
  if (worker->options->timeout_ns && worker->options->timeout_ns < ns)
    ns = worker->options->timeout_ns;
  return clock_now_ns () + ns;
}

/* One attempt.  True: a role has died, and the worker must be made anew. */
static bool
run_attempt (struct worker *worker, struct test_run *run, const struct planned *planned, uint32_t attempt,
             uint32_t attempts_left, int *outcome)
{
  struct shared *shared = worker->shared;
  struct context *context = &worker->context;
  struct scope scope;
  struct evidence evidence = { .taken = false };
  test_begin (run, planned);
  shared->attempt = attempt;
  shared->test_start_ns = run->start_ns;
  shared->test_start_us = run->start_us;
  shared->started = false;
  shared->printed_before = worker->guard.collected;
  shared->test = planned->number;
  shared->phase = PHASE_TEST;
  shared_forget_wire (shared);
  worker->running = planned;
  worker->loads = 0;

  scope_init (&scope, &worker->scope, NULL);
  run->scope = &scope;
  context->test = run;
  context->scope = &scope;
  context->depth = 0;
  context->cancel_fd = worker->control_fd;
  context->deadline_ns = test_deadline (worker, planned->test);
  for (size_t i = 0; planned->row && i < planned->row->count; i++)
    scope_set (&scope, planned->row->members[i].key.string, &planned->row->members[i].value);
  tell_setup (context);

  bool dead = false;
  if (applies (context, planned->test)) {
    run_test_body (context, planned->test);
    dead = clean_up (context, &evidence);
    if (shared->started)
      guard_end_test (context);
  }
  free_kept_scopes (run);
  scope_free (&scope);

  struct event *event = &evidence.event;
  event->type = EVENT_TEST;
  event->suite = worker->suite->number;
  event->test = planned->number;
  event->name = planned->name;
  event->attempt = attempt;
  event->worker = worker->number;
  fill_verdict (event, run);
  event->final = attempts_left == 0 || !went_wrong (run) || cancelled (worker);
  if (run->verdict.expired && cancelled (worker)) {
    event->outcome = OUTCOME_NOT_RUN;
    event->message = arena_printf (&run->arena, "%s: %s", shared->after_failure ? STOPPED_AFTER_FAILURE : "interrupted",
                                   event->message);
  }
  put_event (worker, event);
  shared->phase = PHASE_IDLE; /* only now: what it has spoilt may show at the last moment */
  *outcome = event->outcome;
  worker->running = NULL;
  if (worker->events.size > EVENTS_BATCH || went_wrong (run) || clock_now_ns () - worker->flushed_ns > BATCH_NS)
    flush_events (worker);
  return dead;
}

/* ---- setup and teardown of the suite ---- */

/* Does the variable need roles that are not there yet, itself or by another one? */
static bool
needs_roles (const struct suite *suite, const struct value *value, unsigned depth)
{
  for (size_t i = 0; i < suite->role_count; i++)
    if (value_mentions (value, suite->roles[i].name))
      return true;
  for (size_t i = 0; i < suite->var_count && depth < 32; i++)
    if (suite->vars[i].value != value && value_mentions (value, suite->vars[i].name)
        && needs_roles (suite, suite->vars[i].value, depth + 1))
      return true;
  return false;
}

static bool
define_var (struct context *context, const struct named_value *var)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct worker *worker = context->worker;
  struct expr_scope scope = context_scope (context);
  struct expr_error error;
  struct value value;
  const char *given = options_var (worker->options, var->name);
  if (given)
    options_var_value (given, var->value, &value); /* it fits: the plan has looked at it */
  else if (!evaluator_expand (&context->evaluator, var->value, &scope, &arena, &value, &error)) {
    record_failure (context, NULL, error.where.line ? &error.where : &var->where, RUNNER_ERROR, false, error.message,
                    NULL);
    return false;
  }
  scope_set (&worker->scope, var->name, &value);
  return true;
}

/* Variables that mention roles come after them: `vars: {url: "${hub.web}/api"}`. */
static bool
define_vars (struct context *context, bool after_roles)
{
  const struct suite *suite = context->worker->suite;
  for (size_t i = 0; i < suite->var_count; i++) {
    bool later = (suite->vars[i].value->flags & VALUE_DYNAMIC) && suite->role_count
                 && needs_roles (suite, suite->vars[i].value, 0);
    if (later == after_roles && !define_var (context, &suite->vars[i]))
      return false;
  }
  return true;
}

static void
define_secrets (struct worker *worker)
{
  for (size_t i = 0; i < worker->suite->secret_count; i++) {
    const struct secret *secret = &worker->suite->secrets[i];
    struct value value = value_text (secret->text, secret->size);
    scope_set (&worker->scope, secret->name, &value);
  }
}

static void
begin_suite_phase (struct worker *worker, struct test_run *run, enum phase phase)
{
  struct context *context = &worker->context;
  test_begin (run, NULL);
  context->test = run;
  context->scope = &worker->scope;
  context->depth = 0;
  context->cancel_fd = worker->control_fd;
  context->deadline_ns = clock_now_ns () + DEFAULT_TEST_NS;
  worker->shared->test_start_ns = run->start_ns;
  worker->shared->test_start_us = run->start_us;
  worker->shared->printed_before = worker->guard.collected;
  worker->shared->phase = phase;
}

/* Programs that a setup started are its own as long as it keeps them as handles;
 * what escaped is nobody's. */
static void
check_leftovers (struct worker *worker, struct test_run *run)
{
  const char *left = run->spawned ? leftover_end (worker, &run->arena) : NULL;
  if (left)
    record_failure (&worker->context, NULL, &worker->suite->where, RUNNER_FAIL, false, left, NULL);
}

static bool
run_setup (struct worker *worker, struct test_run *run)
{
  const struct suite *suite = worker->suite;
  struct context *context = &worker->context;
  begin_suite_phase (worker, run, PHASE_ROLES);
  define_secrets (worker);
  if (!define_vars (context, false))
    return false;
  if (suite->role_count) {
    flush_events (worker);
    if (!roles_start (context, suite->roles, suite->role_count, false) || !define_vars (context, true))
      return false;
  }
  worker->shared->phase = PHASE_SETUP;
  if (suite->setup.count) {
    run_phase (context, "setup", suite->setup);
    check_leftovers (worker, run);
    guard_end_test (context);
  }
  worker->shared->phase = PHASE_IDLE;
  return run->verdict.outcome == RUNNER_PASS;
}

static bool
set_up (struct worker *worker, struct test_run *run)
{
  bool fine = run_setup (worker, run);
  /* what the setup leaves lasts until the suite ends */
  worker->suite_deferred = run->deferred;
  worker->suite_temp = run->temp;
  return fine;
}

static void
tear_down (struct worker *worker, struct test_run *run, struct event *end)
{
  const struct suite *suite = worker->suite;
  struct context *context = &worker->context;
  struct evidence evidence = { .taken = false };
  flush_events (worker); /* results must not go with a worker that dies here */
  begin_suite_phase (worker, run, PHASE_TEARDOWN);
  begin_cleaning (context);
  if (suite->teardown.count)
    run_cleaning_phase (context, "teardown", suite->teardown);
  run_deferred (context);
  run->deferred = worker->suite_deferred;
  run_deferred (context);
  take_evidence (context, &evidence);
  destroy_handles (context, &worker->scope);
  roles_stop (context, false);
  check_leftovers (worker, run);
  remove_test_temp (run);
  run->temp = worker->suite_temp;
  remove_test_temp (run);
  guard_end_test (context);
  *end = evidence.event;
  fill_verdict (end, run);
  end->type = EVENT_SUITE_END;
  end->suite = suite->number;
  end->name = suite->name;
  end->path = suite->path;
  end->start_us = worker->start_us;
  end->duration_us = end->time_us - worker->start_us;
  worker->shared->phase = PHASE_IDLE;
}

/* The setup failed: the first test tells why, the others are not run. */
static void
tell_setup_failed (struct worker *worker, struct test_run *run, const uint32_t *tests, size_t count)
{
  struct evidence evidence = { .taken = false };
  const struct planned *all = worker->plan->suites[worker->plan_index].tests;
  take_evidence (&worker->context, &evidence);
  for (size_t i = 0; i < count; i++) {
    struct event event = i ? (struct event) { .duration_us = 0 } : evidence.event;
    if (i == 0)
      fill_verdict (&event, run);
    event.type = EVENT_TEST;
    event.suite = worker->suite->number;
    event.test = all[tests[i]].number;
    event.name = all[tests[i]].name;
    event.attempt = 1;
    event.final = true;
    event.worker = worker->number;
    if (i == 0 && run->verdict.outcome != RUNNER_SKIP)
      event.message = arena_printf (&run->arena, "in the suite's setup: %s", run->verdict.message);
    else if (run->verdict.outcome == RUNNER_SKIP) {
      event.outcome = OUTCOME_SKIPPED;
      event.message = run->verdict.message;
    }
    else {
      event.outcome = OUTCOME_NOT_RUN;
      event.message = "the suite's setup failed";
    }
    if (i)
      event.time_us = event.start_us = time_now_us ();
    put_event (worker, &event);
  }
}

static void
run_tests (struct worker *worker, struct test_run *run, const uint32_t *tests, size_t count, uint32_t attempt,
           bool *restart)
{
  const struct planned *all = worker->plan->suites[worker->plan_index].tests;
  for (size_t i = 0; i < count && !*restart && !cancelled (worker); i++) {
    const struct planned *planned = &all[tests[i]];
    uint32_t retries = planned->test->retries > worker->options->retries ? planned->test->retries
                                                                        : worker->options->retries;
    uint32_t last = retries + 1;
    for (bool again = true; again && !*restart; attempt++) {
      int outcome;
      *restart = run_attempt (worker, run, planned, attempt, attempt < last ? last - attempt : 0, &outcome);
      again = attempt < last && (outcome == OUTCOME_FAILED || outcome == OUTCOME_ERROR) && !cancelled (worker);
    }
    attempt = 1;
    if (worker->options->fail_fast && went_wrong (run))
      return; /* the supervisor has been told, and stops the others */
    if (worker->suite->isolated && i + 1 < count)
      *restart = true;
  }
}

bool
worker_start_run_role (struct worker *worker, const struct suite *suite, const struct role_def *def,
                       struct verdict *verdict)
{
  static struct test_run run; /* lives as long as the process: the verdict's texts do */
  struct context *context = &worker->context;
  if (!context->worker) {
    context->worker = worker;
    context->evaluator.own = worker->engine;
    context->suite_scope = &worker->scope;
    engine_store_init (&worker->engines, worker->options->seed);
    context->slot = shared_enter (worker->shared);
    pthread_mutex_init (&worker->lock, NULL);
  }
  else
    scope_free (&worker->scope);
  worker->suite = suite;
  scope_init (&worker->scope, NULL, NULL);
  begin_suite_phase (worker, &run, PHASE_ROLES);
  define_secrets (worker);
  roles_publish (context); /* of those that run already */
  bool fine = define_vars (context, false) && roles_start (context, def, 1, false);
  *verdict = run.verdict;
  return fine;
}

size_t
worker_stop_roles (struct worker *worker, const char *const **warnings)
{
  struct context *context = &worker->context;
  if (!context->worker)
    return 0; /* not even the first was to be started */
  begin_cleaning (context);
  roles_stop (context, false);
  *warnings = context->test->warnings;
  return context->test->warning_count;
}

static void
end_run (struct test_run *run)
{
  free_kept_scopes (run);
  buffer_free (&run->output);
  arena_free (&run->arena);
}

int
worker_run (struct worker *worker, const uint32_t *tests, size_t count, uint32_t first_attempt)
{
  struct test_run setup = { .start_ns = 0 }, teardown = { .start_ns = 0 };
  struct event end;
  struct context *context = &worker->context;
  bool restart = false;
  context->worker = worker;
  context->evaluator.own = worker->engine;
  context->suite_scope = &worker->scope;
  engine_store_init (&worker->engines, worker->options->seed);
  context->slot = shared_enter (worker->shared);
  worker->flushed_ns = clock_now_ns ();
  worker->start_us = time_now_us ();
  pthread_mutex_init (&worker->lock, NULL);
  scope_init (&worker->scope, NULL, NULL);
  if (set_up (worker, &setup)) {
    struct test_run run = { .start_ns = 0 };
    worker->setup = &setup;
    run_tests (worker, &run, tests, count, first_attempt, &restart);
    worker->setup = NULL;
    end_run (&run);
  }
  else if (!cancelled (worker))
    tell_setup_failed (worker, &setup, tests, count);
  tear_down (worker, &teardown, &end);
  if (!restart || end.outcome != OUTCOME_PASSED || end.warning_count)
    put_event (worker, &end);
  end_run (&teardown);
  end_run (&setup); /* only now: what it deferred lay in it */
  flush_events (worker);
  arena_free (&worker->arena);
  return restart ? WORKER_RESTART : cancelled (worker) ? WORKER_INTERRUPTED : WORKER_DONE;
}
