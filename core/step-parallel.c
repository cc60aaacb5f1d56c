/* step-parallel.c - `parallel` and `first_of`: branches that their parent waits for.
 *
 * It closes what a branch has opened as soon as the branch ends, and when all have
 * ended, what they saved becomes its own.  Losers of first_of leave nothing. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "branch.h"

struct member_branch {
  struct branch branch;
  const char *name;   /* of first_of; NULL */
  bool closed;
};

struct group {
  struct member_branch *members;
  size_t count;
  int cancel_fd;      /* eventfd: readable when the branches must stop */
  int ended_fd;       /* eventfd: counts branches that have ended */
  atomic_uint endings;
};

static bool
group_init (struct group *group, struct context *parent, const struct step *step)
{
  *group = (struct group) { .count = step->body.count };
  group->cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  group->ended_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  group->members = xcalloc (group->count, sizeof *group->members);
  for (size_t i = 0; i < group->count; i++) {
    struct member_branch *m = &group->members[i];
    m->name = step->branch_names ? step->branch_names[i] : NULL;
    m->branch.steps = (struct steps) { &step->body.items[i], 1 };
    m->branch.where = step->body.items[i].key;
    m->branch.ended_fd = group->ended_fd;
    m->branch.endings = &group->endings;
    scope_init (&m->branch.scope, parent->scope, NULL);
  }
  return group->cancel_fd >= 0 && group->ended_fd >= 0;
}

static void
group_free (struct group *group)
{
  if (group->cancel_fd >= 0)
    close (group->cancel_fd);
  if (group->ended_fd >= 0)
    close (group->ended_fd);
  free (group->members);
}

static bool
has_passed (const struct branch *branch)
{
  return branch->started && branch->ended && branch->outcome == RUNNER_PASS;
}

/* It has passed, and did something: one of which all steps were skipped wins nothing. */
static bool
has_done (const struct branch *branch)
{
  return has_passed (branch) && branch->test.acted;
}

/* Has one passed, failed?  All ended? */
static void
look (struct group *group, bool *any_done, bool *any_failed, bool *all_ended)
{
  *any_done = *any_failed = false;
  *all_ended = true;
  for (size_t i = 0; i < group->count; i++) {
    const struct branch *branch = &group->members[i].branch;
    if (!branch->started)
      continue;
    bool ended = branch->ended;
    *all_ended &= ended;
    *any_done |= has_done (branch);
    *any_failed |= ended && branch->outcome != RUNNER_PASS;
  }
}

/* Are all known to have ended that did so before this one?  A branch has its place among them a moment
 * before it counts as ended. */
static bool
is_its_turn (const struct group *group, const struct branch *branch)
{
  unsigned before = 0;
  for (size_t i = 0; i < group->count; i++) {
    const struct branch *other = &group->members[i].branch;
    before += other->started && other->ended && other->order < branch->order;
  }
  return before + 1 == branch->order;
}

/* Did another branch win before this one? */
static bool
has_lost (struct group *group, const struct branch *branch)
{
  bool lost = !has_done (branch);
  for (size_t i = 0; i < group->count; i++) {
    const struct branch *other = &group->members[i].branch;
    lost |= has_done (other) && other->order < branch->order;
  }
  return lost;
}

/* A branch that has ended: its connections end with it, others may wait for that.
 * Here, in the parent's thread, as the interface promises for the main one. */
static void
close_ended (struct context *parent, struct group *group, bool first_passed_wins)
{
  for (size_t i = 0; i < group->count; i++) {
    struct member_branch *m = &group->members[i];
    if (!m->branch.started || !m->branch.ended || m->closed)
      continue;
    if (first_passed_wins && !is_its_turn (group, &m->branch))
      continue;
    m->closed = true;
    branch_wait (&m->branch);
    if (first_passed_wins && has_lost (group, &m->branch))
      branch_clean (parent, &m->branch);
    destroy_handles (parent, &m->branch.scope);
  }
}

/* Waits for all; the others are cancelled when one has decided the outcome, or
 * when the parent must stop. */
static void
wait_for_all (struct context *parent, struct group *group, bool first_passed_wins)
{
  bool done, failed, ended, cancelled = false;
  for (;;) {
    look (group, &done, &failed, &ended);
    close_ended (parent, group, first_passed_wins);
    if (ended)
      break;
    if (!cancelled && (first_passed_wins ? done : failed)) {
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

static bool
has_failed (const struct branch *branch)
{
  return branch->started && branch->outcome != RUNNER_PASS;
}

/* The branch that ended first of those that are looked for, after `before` (NULL: of all). */
static struct branch *
first_that (struct group *group, bool (*wanted) (const struct branch *), const struct branch *before)
{
  struct branch *first = NULL;
  for (size_t i = 0; i < group->count; i++) {
    struct branch *branch = &group->members[i].branch;
    if (wanted (branch) && (!before || branch->order > before->order) && (!first || branch->order < first->order))
      first = branch;
  }
  return first;
}

/* Of first_of.  Where nobody did anything, the first that passed; but not beside one that failed. */
static struct branch *
find_winner (struct group *group)
{
  struct branch *winner = first_that (group, has_done, NULL);
  return winner || first_that (group, has_failed, NULL) ? winner : first_that (group, has_passed, NULL);
}

/* Of parallel the first failure, by which the others were cancelled; of first_of all.  The outcome. */
static int
tell_failures (struct context *parent, struct group *group, bool all)
{
  int outcome = RUNNER_SKIP;
  bool over = !all && parent->background && parent->background->over; /* then the others were cancelled first */
  struct branch *failed = over ? first_that (group, branch_failed_by_load, NULL) : NULL;
  failed = failed ? failed : first_that (group, has_failed, NULL);
  for (; failed; failed = all ? first_that (group, has_failed, failed) : NULL) {
    branch_tell_verdict (parent, failed);
    outcome = outcome == RUNNER_SKIP ? failed->outcome : outcome;
  }
  return outcome;
}

static int
run_group (struct context *parent, const struct step *step, bool first_of, const char **which)
{
  struct group group;
  bool fine = group_init (&group, parent, step);
  tell_start (parent->worker);
  for (size_t i = 0; i < group.count && fine; i++)
    fine = branch_start (parent, &group.members[i].branch, group.cancel_fd);
  if (!fine) {
    record_failure (parent, step, step->key, RUNNER_ERROR, false, "its branches cannot be started", NULL);
    if (group.cancel_fd >= 0)
      notify (group.cancel_fd);
  }
  wait_for_all (parent, &group, first_of);
  struct branch *winner = find_winner (&group);
  int outcome = fine ? RUNNER_PASS : RUNNER_ERROR;
  if (fine && (first_of ? !winner : first_that (&group, has_failed, NULL) != NULL))
    outcome = tell_failures (parent, &group, first_of);
  for (size_t i = 0; i < group.count; i++) {
    struct branch *branch = &group.members[i].branch;
    bool kept = !first_of || branch == winner;
    if (kept || outcome != RUNNER_PASS)
      branch_join_record (parent, branch);
    if (kept)
      branch_join_names (parent, branch);
    roles_join (parent, &branch->context, kept);
    branch_free (parent, branch);
  }
  if (parent == &parent->worker->context)
    roles_publish (parent); /* those that branches have started */
  if (which)
    *which = winner ? ((struct member_branch *) winner)->name : NULL;
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
