/* branch.c - see branch.h. */
#include "config.h"

#include "branch.h"

#include <stdlib.h>

#include "load-verdict.h"
#include "text.h"

#define BRANCH_STACK ((size_t) 1 << 20)

/* ---- its thread ---- */

static void *
run_branch (void *data)
{
  struct branch *branch = data;
  struct context *context = &branch->context;
  struct shared *shared = context->worker->shared;
  shared_alternate_stack ();
  context->slot = shared_enter (shared);
  if (context->slot >= 0)
    branch->outcome = run_steps (context, branch->steps);
  else {
    branch->outcome = RUNNER_ERROR;
    record_failure (context, NULL, branch->where, RUNNER_ERROR, false, "too many branches at once", NULL);
  }
  background_end (context);
  if (branch->outcome == RUNNER_PASS)
    branch->outcome = branch->test.verdict.outcome; /* of what it left in the background */
  shared_leave (shared, context->slot);
  shared_end_alternate_stack ();
  if (branch->endings)
    branch->order = atomic_fetch_add (branch->endings, 1) + 1;
  branch->ended = true;
  notify (branch->ended_fd);
  return NULL;
}

bool
branch_start (struct context *parent, struct branch *branch, int cancel_fd)
{
  struct context *context = &branch->context;
  context->worker = parent->worker;
  context->evaluator.own = engine_take (&parent->worker->engines);
  context->load = parent->load;
  context->test = &branch->test;
  context->scope = &branch->scope;
  context->suite_scope = branch->suite_scope ? branch->suite_scope : parent->suite_scope;
  context->phase = parent->phase;
  context->cancel_fd = cancel_fd;
  context->background = branch->background ? branch->background : parent->background;
  context->deadline_ns = parent->deadline_ns;
  context->step_deadline = parent->step_deadline;
  context->depth = parent->depth;
  branch->test.scope = &branch->scope;
  branch->test.planned = parent->test->planned;
  branch->test.start_ns = parent->test->start_ns;
  branch->test.start_us = parent->test->start_us;
  roles_branch (context, parent);
  branch->scope.branch = true;
  branch->started = thread_start (&branch->thread, BRANCH_STACK, run_branch, branch);
  return branch->started;
}

void
branch_wait (struct branch *branch)
{
  if (branch->started && !branch->waited)
    pthread_join (branch->thread, NULL);
  branch->waited = true;
}

/* ---- what a branch leaves to its parent ---- */

void
branch_join_loads (struct context *parent, struct branch *branch)
{
  for (size_t i = 0; i < branch->test.load_count; i++)
    load_join (parent->test, &branch->test.loads[i]);
}

void
branch_join_record (struct context *parent, struct branch *branch)
{
  struct test_run *to = parent->test, *from = &branch->test;
  to->checks += from->checks;
  to->acted += from->acted;
  to->steps_untold += from->steps_untold;
  for (size_t i = 0; i < from->step_count; i++) {
    struct event_step *step = add_step_record (to);
    if (!step)
      continue;
    *step = from->steps[i];
    const char **texts[] = { &step->where, &step->name, &step->message };
    for (size_t t = 0; t < 3; t++)
      if (*texts[t])
        *texts[t] = arena_strdup (&to->arena, *texts[t]);
  }
  branch_join_loads (parent, branch);
  test_mark_lost (from);
  if (from->output.size)
    test_output (parent, from->output.data, from->output.size);
  for (size_t i = 0; i < from->warning_count; i++)
    test_warning (to, "%s", from->warnings[i]);
}

/* Deferred steps of a branch run at the test's end, with the parent's names: what
 * the branch saved is among them by then. */
static void
join_deferred (struct context *parent, struct branch *branch)
{
  struct test_run *test = parent->test;
  struct deferred *oldest = NULL;
  while (branch->test.deferred) { /* their order turned round: the newest is to run first again */
    struct deferred *next = branch->test.deferred;
    branch->test.deferred = next->older;
    next->older = oldest;
    oldest = next;
  }
  for (const struct deferred *d = oldest; d; d = d->older) {
    struct deferred *copy = arena_alloc (&test->arena, sizeof *copy);
    *copy = *d;
    if (copy->scope == &branch->scope)
      copy->scope = parent->scope;
    copy->older = test->deferred;
    test->deferred = copy;
  }
  while (branch->test.kept_scopes) {
    struct scope *scope = branch->test.kept_scopes;
    branch->test.kept_scopes = scope->next_kept;
    if (scope->owner == &branch->scope)
      scope->owner = parent->scope->owner;
    scope->next_kept = test->kept_scopes;
    test->kept_scopes = scope;
  }
}

bool
branch_failed_by_load (const struct branch *branch)
{
  const struct verdict *verdict = &branch->test.verdict;
  return branch->outcome != RUNNER_PASS && !verdict->expired && verdict->step && verdict->step->kind == STEP_LOAD;
}

void
branch_tell_verdict (struct context *parent, const struct branch *branch)
{
  const struct verdict *verdict = &branch->test.verdict;
  record_failure (parent, verdict->step, &verdict->where, verdict->outcome, verdict->expired,
                  verdict->message ? verdict->message : "", verdict->details);
  name_failure (parent, verdict->step, verdict->name);
}

void
branch_clean (struct context *parent, struct branch *branch)
{
  struct verdict before = branch->test.verdict;
  if (!branch->test.deferred)
    return;
  branch->test.verdict = (struct verdict) { .outcome = RUNNER_PASS };
  branch->context.slot = parent->slot;
  branch->context.cancel_fd = parent->worker->never_fd;
  branch->context.deadline_ns = clock_now_ns () + DEFAULT_STEP_NS;
  run_deferred (&branch->context);
  if (branch->test.verdict.outcome != RUNNER_PASS)
    branch_tell_verdict (parent, branch);
  branch->test.verdict = before;
}

void
branch_join_names (struct context *parent, struct branch *branch)
{
  join_deferred (parent, branch);
  for (size_t i = 0; i < branch->scope.count; i++)
    if (branch->scope.vars[i].times) /* else it was copied from the parent */
      scope_set (parent->scope, branch->scope.vars[i].name, &branch->scope.vars[i].value);
}

void
branch_free (struct context *parent, struct branch *branch)
{
  size_t warned = branch->test.warning_count;
  parent->test->spawned |= branch->test.spawned; /* also by one that lost */
  remove_test_temp (&branch->test);
  for (size_t i = warned; i < branch->test.warning_count; i++)
    test_warning (parent->test, "%s", branch->test.warnings[i]);
  free_kept_scopes (&branch->test);
  scope_free (&branch->scope);
  context_free (&branch->context);
  buffer_free (&branch->test.output);
  arena_free (&branch->test.arena);
  if (branch->context.worker)
    engine_give (&parent->worker->engines, branch->context.evaluator.own);
}

