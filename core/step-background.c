/* step-background.c - `background` and `join`: steps beside those that follow.
 *
 * The branch works on copies of the variables, since its parent goes on and sets
 * them; handles of the parent are taken as in any branch.  What is not joined when
 * the test (or the branch that started it) ends is cancelled then; if it failed
 * before, that is the test's failure too.  A load in it is not cancelled: it ends, and
 * is judged. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "branch.h"
#include "text.h"

struct background {
  struct background *next;
  char *name;
  struct branch branch;
  struct scope suite;  /* the suite's variables as they were when it started */
  int cancel_fd;       /* eventfd */
  size_t at;           /* the place of its step's record in the test's */
  struct background_life life;
  bool failed;         /* by itself, before it was cancelled */
};

static struct background **
find_background (struct test_run *test, const char *name)
{
  struct background **link = &test->backgrounds;
  while (*link && strcmp ((*link)->name, name) != 0)
    link = &(*link)->next;
  return link;
}

static void
free_background (struct context *context, struct background *background)
{
  branch_free (context, &background->branch);
  scope_free (&background->suite);
  if (background->cancel_fd >= 0)
    close (background->cancel_fd);
  if (background->branch.ended_fd >= 0)
    close (background->branch.ended_fd);
  free (background->name);
  free (background);
}

static struct background *
make_background (struct context *context, const struct step *step, const char *name)
{
  struct background *background = xcalloc (1, sizeof *background);
  struct branch *branch = &background->branch;
  background->name = xstrdup (name);
  background->cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  branch->ended_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  branch->steps = step->body;
  branch->where = step->key;
  background->life.outer = context->background;
  branch->background = &background->life;
  /* its names end here; handles are found in the parent's scope */
  scope_init (&background->suite, NULL, context->scope->owner);
  scope_copy (&background->suite, context->suite_scope);
  branch->suite_scope = &background->suite;
  scope_init (&branch->scope, &background->suite, NULL);
  scope_copy (&branch->scope, context->scope);
  return background;
}

int
run_background (struct context *context, const struct step *step, const struct value *name)
{
  struct test_run *test = context->test;
  if (!test->planned) {
    record_failure (context, step, step->key, RUNNER_ERROR, false,
                    "background belongs to a test: there is none in setup and teardown", NULL);
    return RUNNER_ERROR;
  }
  if (context->load) { /* by a keyword: elsewhere it is seen when the suite is read */
    record_failure (context, step, step->key, RUNNER_ERROR, false, "a background inside of a load", NULL);
    return RUNNER_ERROR;
  }
  if (*find_background (test, name->string)) {
    record_failure (context, step, step->key, RUNNER_ERROR, false,
                    arena_printf (&test->arena, "\"%s\" is in the background already: join it first", name->string),
                    NULL);
    return RUNNER_ERROR;
  }
  tell_start (context->worker);
  struct background *background = make_background (context, step, name->string);
  if (background->cancel_fd < 0 || background->branch.ended_fd < 0
      || !branch_start (context, &background->branch, background->cancel_fd)) {
    record_failure (context, step, step->key, RUNNER_ERROR, false, "its thread cannot be started", NULL);
    roles_join (context, &background->branch.context, false);
    free_background (context, background);
    return RUNNER_ERROR;
  }
  background->at = test->step_count;
  background->next = test->backgrounds;
  test->backgrounds = background;
  return RUNNER_PASS;
}

/* Its steps' records, the last of the test's, to their place: as those of any other step they
 * stand before that of the step around them. */
static void
move_record (struct test_run *test, size_t last, size_t at)
{
  size_t n = test->step_count - last;
  if (!n || at >= last)
    return;
  struct event_step *moved = xcalloc (n, sizeof *moved);
  memcpy (moved, test->steps + last, n * sizeof *moved);
  memmove (test->steps + at + n, test->steps + at, (last - at) * sizeof *moved);
  memcpy (test->steps + at, moved, n * sizeof *moved);
  free (moved);
  for (struct background *b = test->backgrounds; b; b = b->next)
    if (b->at > at)
      b->at += n;
}

/* Its thread has ended: what it leaves becomes the parent's. */
static int
take_over (struct context *context, struct background *background, bool kept)
{
  struct branch *branch = &background->branch;
  branch_wait (branch);
  int outcome = branch->outcome;
  if (outcome != RUNNER_PASS && kept)
    branch_tell_verdict (context, branch);
  if (!kept) {
    branch_clean (context, branch);
    branch_join_loads (context, branch);
    if (background->life.over && branch_failed_by_load (branch))
      branch_tell_verdict (context, branch);
  }
  destroy_handles (context, &branch->scope);
  if (kept) {
    size_t last = context->test->step_count;
    branch_join_record (context, branch);
    move_record (context->test, last, background->at);
    branch_join_names (context, branch);
  }
  roles_join (context, &branch->context, kept);
  if (context == &context->worker->context)
    roles_publish (context);
  free_background (context, background);
  return outcome;
}

/* Until it has ended: 1; 0: time is over; -1: cancelled. */
static int
wait_for_end (struct context *context, const struct branch *branch)
{
  while (!branch->ended) {
    int64_t left = context->deadline_ns - clock_now_ns ();
    if (left <= 0)
      return 0;
    struct timespec wait = { left / 1000000000, left % 1000000000 };
    struct pollfd fds[] = { { .fd = branch->ended_fd, .events = POLLIN },
                            { .fd = context->cancel_fd, .events = POLLIN } };
    if (ppoll (fds, 2, &wait, NULL) < 0 && errno != EINTR)
      return -1;
    if (fds[1].revents && !branch->ended)
      return -1;
  }
  return 1;
}

int
run_join (struct context *context, const struct step *step, const struct value *name)
{
  struct test_run *test = context->test;
  struct background **link = find_background (test, name->string), *background = *link;
  if (!background) {
    record_failure (context, step, step->args, RUNNER_ERROR, false,
                    arena_printf (&test->arena, "nothing is in the background as \"%s\"%s", name->string,
                                  test->backgrounds ? arena_printf (&test->arena, "; there is \"%s\"",
                                                                    test->backgrounds->name) : ""), NULL);
    return RUNNER_ERROR;
  }
  int ended = wait_for_end (context, &background->branch);
  if (ended != 1) {
    record_failure (context, step, step->key, RUNNER_FAIL, true,
                    arena_printf (&test->arena, "%s while waiting for the end of \"%s\"",
                                  ended == 0 ? "timed out" : "cancelled", background->name), NULL);
    return RUNNER_FAIL;
  }
  *link = background->next;
  return take_over (context, background, true);
}

/* Must this thread stop by somebody's wish, or has it come to its end? */
static bool
is_interrupted (const struct context *context)
{
  struct pollfd fds[] = { { .fd = context->cancel_fd, .events = POLLIN },
                          { .fd = context->worker->control_fd, .events = POLLIN } };
  if (context->background && context->background->over)
    return false;
  return poll (fds, 2, 0) > 0;
}

static void
cancel (struct background *background, bool over)
{
  background->life.over = over;
  notify (background->cancel_fd);
}

void
background_count_load (struct context *context, bool begins)
{
  for (struct background_life *life = context->background; life; life = life->outer)
    life->loads += begins ? 1U : -1U;
}

void
background_end_loads (struct context *context)
{
  if (is_interrupted (context))
    return;
  for (struct background **link = &context->test->backgrounds; *link;) {
    struct background *background = *link;
    if (background->branch.ended || !background->life.loads) {
      link = &background->next;
      continue;
    }
    cancel (background, true);
    *link = background->next;
    take_over (context, background, false);
  }
}

void
background_end (struct context *context)
{
  struct test_run *test = context->test;
  bool over = test->backgrounds && !is_interrupted (context);
  for (struct background *b = test->backgrounds; b; b = b->next)
    if (b->branch.ended)
      b->failed = b->branch.outcome != RUNNER_PASS;
    else
      cancel (b, over);
  while (test->backgrounds) {
    struct background *background = test->backgrounds;
    test->backgrounds = background->next;
    take_over (context, background, background->failed);
  }
}
