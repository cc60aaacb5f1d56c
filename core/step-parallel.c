/* step-parallel.c - `parallel` and `first_of`: branches in threads of their own.
 *
 * A branch sees its parent's variables and handles through a scope of its own, has
 * its own expression engine and its own record of what it did.  The parent waits:
 * it closes what a branch has opened as soon as the branch ends, and when all have
 * ended, what they saved becomes its own.  Losers of first_of leave nothing. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "text.h"
#include "worker.h"

#define BRANCH_STACK ((size_t) 1 << 20)

struct group;

struct branch {
  struct group *group;
  const struct step *step;
  const char *name;        /* of first_of; NULL */
  struct context context;
  struct scope scope;
  struct test_run test;
  pthread_t thread;
  bool started, ended, closed;
  int outcome;
  unsigned order;          /* of its end, from 1 */
};

struct group {
  struct worker *worker;
  struct branch *branches;
  size_t count;
  int cancel_fd;           /* eventfd: readable when the branches must stop */
  int ended_fd;            /* eventfd: counts branches that have ended */
  pthread_mutex_t lock;    /* of `ended`, `order`, `endings` */
  unsigned endings;
};

static void
notify (int fd)
{
  uint64_t one = 1;
  while (write (fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

/* ---- engines: one a thread, kept for the next ---- */

static struct expr_engine *
take_engine (struct worker *worker)
{
  struct expr_engine *engine = NULL;
  pthread_mutex_lock (&worker->lock);
  if (worker->engine_count)
    engine = worker->engines[--worker->engine_count];
  pthread_mutex_unlock (&worker->lock);
  return engine ? engine : expr_new (worker->options->seed);
}

static void
give_engine (struct worker *worker, struct expr_engine *engine)
{
  pthread_mutex_lock (&worker->lock);
  if (worker->engine_count < sizeof worker->engines / sizeof *worker->engines) {
    worker->engines[worker->engine_count++] = engine;
    engine = NULL;
  }
  pthread_mutex_unlock (&worker->lock);
  if (engine)
    expr_free (engine);
}

/* ---- a branch ---- */

static void *
run_branch (void *data)
{
  struct branch *branch = data;
  struct group *group = branch->group;
  struct context *context = &branch->context;
  shared_alternate_stack ();
  context->slot = shared_enter (group->worker->shared);
  if (context->slot >= 0)
    branch->outcome = run_steps (context, (struct steps) { branch->step, 1 });
  else {
    branch->outcome = RUNNER_ERROR;
    record_failure (context, branch->step, branch->step->key, RUNNER_ERROR, false, "too many branches at once", NULL);
  }
  shared_leave (group->worker->shared, context->slot);
  shared_end_alternate_stack ();
  pthread_mutex_lock (&group->lock);
  branch->ended = true;
  branch->order = ++group->endings;
  pthread_mutex_unlock (&group->lock);
  notify (group->ended_fd);
  return NULL;
}

static bool
start_branch (struct context *parent, struct branch *branch)
{
  struct context *context = &branch->context;
  context->worker = parent->worker;
  context->engine = take_engine (parent->worker);
  context->test = &branch->test;
  context->scope = &branch->scope;
  context->phase = parent->phase;
  context->cancel_fd = branch->group->cancel_fd;
  context->deadline_ns = parent->deadline_ns;
  context->depth = parent->depth;
  branch->test.scope = &branch->scope;
  branch->test.planned = parent->test->planned;
  branch->test.start_ns = parent->test->start_ns;
  branch->test.start_us = parent->test->start_us;
  roles_branch (context, parent);
  scope_init (&branch->scope, parent->scope, NULL);
  branch->scope.branch = true;
  pthread_attr_t attributes;
  if (pthread_attr_init (&attributes) != 0)
    return false;
  pthread_attr_setstacksize (&attributes, BRANCH_STACK);
  branch->started = pthread_create (&branch->thread, &attributes, run_branch, branch) == 0;
  pthread_attr_destroy (&attributes);
  return branch->started;
}

/* ---- what a branch leaves to its parent ---- */

static void
join_record (struct context *parent, struct branch *branch)
{
  struct test_run *to = parent->test, *from = &branch->test;
  to->checks += from->checks;
  to->steps_untold += from->steps_untold;
  to->spawned |= from->spawned;
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

static void
tell_verdict (struct context *parent, const struct branch *branch)
{
  const struct verdict *verdict = &branch->test.verdict;
  record_failure (parent, verdict->step, &verdict->where, verdict->outcome, verdict->expired,
                  verdict->message ? verdict->message : "", verdict->details);
}

/* A branch whose result does not count cleans up at once, while its connections are
 * there.  In the parent's thread: its own has ended. */
static void
clean_loser (struct context *parent, struct branch *branch)
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
    tell_verdict (parent, branch);
  branch->test.verdict = before;
}

static void
join_scope (struct context *parent, struct branch *branch)
{
  for (size_t i = 0; i < branch->scope.count; i++)
    scope_set (parent->scope, branch->scope.vars[i].name, &branch->scope.vars[i].value);
}

static void
free_branch (struct context *parent, struct branch *branch)
{
  remove_test_temp (&branch->test);
  free_kept_scopes (&branch->test);
  scope_free (&branch->scope);
  context_free (&branch->context);
  buffer_free (&branch->test.output);
  arena_free (&branch->test.arena);
  give_engine (parent->worker, branch->context.engine);
}

/* ---- the group ---- */

static bool
group_init (struct group *group, struct context *parent, const struct step *step)
{
  *group = (struct group) { .worker = parent->worker, .count = step->body.count };
  pthread_mutex_init (&group->lock, NULL);
  group->cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  group->ended_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  group->branches = xcalloc (group->count, sizeof *group->branches);
  for (size_t i = 0; i < group->count; i++)
    group->branches[i] = (struct branch) { .group = group, .step = &step->body.items[i],
                                           .name = step->branch_names ? step->branch_names[i] : NULL };
  return group->cancel_fd >= 0 && group->ended_fd >= 0;
}

static void
group_free (struct group *group)
{
  if (group->cancel_fd >= 0)
    close (group->cancel_fd);
  if (group->ended_fd >= 0)
    close (group->ended_fd);
  pthread_mutex_destroy (&group->lock);
  free (group->branches);
}

/* Has one passed, failed?  All ended? */
static void
look (struct group *group, bool *any_passed, bool *any_failed, bool *all_ended)
{
  *any_passed = *any_failed = false;
  *all_ended = true;
  pthread_mutex_lock (&group->lock);
  for (size_t i = 0; i < group->count; i++) {
    struct branch *branch = &group->branches[i];
    if (!branch->started)
      continue;
    *all_ended &= branch->ended;
    *any_passed |= branch->ended && branch->outcome == RUNNER_PASS;
    *any_failed |= branch->ended && branch->outcome != RUNNER_PASS;
  }
  pthread_mutex_unlock (&group->lock);
}

/* Did another branch win before this one? */
static bool
has_lost (struct group *group, const struct branch *branch)
{
  bool lost = branch->outcome != RUNNER_PASS;
  pthread_mutex_lock (&group->lock);
  for (size_t i = 0; i < group->count; i++) {
    const struct branch *other = &group->branches[i];
    lost |= other->started && other->ended && other->outcome == RUNNER_PASS && other->order < branch->order;
  }
  pthread_mutex_unlock (&group->lock);
  return lost;
}

/* A branch that has ended: its connections end with it, others may wait for that.
 * Here, in the parent's thread, as the interface promises for the main one. */
static void
close_ended (struct context *parent, struct group *group, bool first_passed_wins)
{
  for (size_t i = 0; i < group->count; i++) {
    struct branch *branch = &group->branches[i];
    pthread_mutex_lock (&group->lock);
    bool now = branch->started && branch->ended && !branch->closed;
    pthread_mutex_unlock (&group->lock);
    if (!now)
      continue;
    branch->closed = true;
    pthread_join (branch->thread, NULL);
    if (first_passed_wins && has_lost (group, branch))
      clean_loser (parent, branch);
    destroy_handles (parent, &branch->scope);
  }
}

/* Waits for all; the others are cancelled when one has decided the outcome, or
 * when the parent must stop. */
static void
wait_for_all (struct context *parent, struct group *group, bool first_passed_wins)
{
  bool passed, failed, ended, cancelled = false;
  for (;;) {
    look (group, &passed, &failed, &ended);
    close_ended (parent, group, first_passed_wins);
    if (ended)
      break;
    if (!cancelled && (first_passed_wins ? passed : failed)) {
      notify (group->cancel_fd);
      cancelled = true;
    }
    struct pollfd fds[] = { { .fd = group->ended_fd, .events = POLLIN },
                            { .fd = cancelled ? -1 : parent->cancel_fd, .events = POLLIN } };
    if (poll (fds, 2, -1) < 0 && errno != EINTR)
      break;
    uint64_t count;
    if (fds[0].revents && read (group->ended_fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
      break;
    if (fds[1].revents) {
      notify (group->cancel_fd);
      cancelled = true;
    }
  }
}

/* The branch that ended first with what is looked for. */
static struct branch *
first_with (struct group *group, bool passed)
{
  struct branch *first = NULL;
  for (size_t i = 0; i < group->count; i++) {
    struct branch *branch = &group->branches[i];
    if (branch->started && (branch->outcome == RUNNER_PASS) == passed && (!first || branch->order < first->order))
      first = branch;
  }
  return first;
}

static int
run_group (struct context *parent, const struct step *step, bool first_of, const char **which)
{
  struct group group;
  bool fine = group_init (&group, parent, step);
  tell_start (parent->worker);
  for (size_t i = 0; i < group.count && fine; i++)
    fine = start_branch (parent, &group.branches[i]);
  if (!fine) {
    record_failure (parent, step, step->key, RUNNER_ERROR, false, "its branches cannot be started", NULL);
    if (group.cancel_fd >= 0)
      notify (group.cancel_fd);
  }
  wait_for_all (parent, &group, first_of);
  struct branch *winner = first_with (&group, true), *loser = first_with (&group, false);
  if (fine && (first_of ? !winner : loser != NULL)) {
    if (loser)
      tell_verdict (parent, loser);
    fine = false;
  }
  for (size_t i = 0; i < group.count; i++) {
    struct branch *branch = &group.branches[i];
    if (!branch->context.worker)
      continue;
    bool kept = !first_of || branch == winner;
    if (kept || !fine)
      join_record (parent, branch);
    if (kept) {
      join_deferred (parent, branch);
      join_scope (parent, branch);
    }
    roles_join (parent, &branch->context, kept);
    free_branch (parent, branch);
  }
  if (parent == &parent->worker->context)
    roles_publish (parent); /* those that branches have started */
  if (which)
    *which = winner ? winner->name : NULL;
  int outcome = fine ? RUNNER_PASS : loser ? loser->outcome : RUNNER_ERROR;
  group_free (&group);
  return outcome;
}

int
run_parallel (struct context *context, const struct step *step)
{
  return run_group (context, step, false, NULL);
}

int
run_first_of (struct context *context, const struct step *step, const char **which)
{
  return run_group (context, step, true, which);
}
