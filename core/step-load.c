/* step-load.c - `load`: many simulated users, each with a scope of its own.
 *
 * Each is a thread; where all that its steps wait for is waited for by context_poll, they
 * are fibers, which share a thread for each processor.
 *
 * The thread of the step itself starts users as the schedule wants them, tells a
 * sample every second, ends them, and judges what was measured.  What a user does
 * is run by run_steps as everywhere; instead of records of each step, durations go
 * into histograms, and failures are counted by their place.  Expression engines are
 * lent: there are as many as processors. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fiber.h"
#include "load-form.h"
#include "load-stats.h"
#include "load-tell.h"
#include "load-verdict.h"
#include "step-attempt.h"
#include "text.h"
#include "thread.h"
#include "units.h"
#include "worker.h"

#define USER_STACK ((size_t) 256 << 10)
#define SAMPLE_NS INT64_C (1000000000)
#define SLIVER_NS INT64_C (500000000) /* at a load's end: shorter ones are no second of their own */
#define RAMP_NS 1000000   /* users are started as exactly as this */

/* Nothing new begins, what runs is cancelled, and then has failed; or is not counted, because it was not to end. */
enum stop { GO_ON, STOP_LATE, STOP_WITHDRAWN };

struct load {
  struct context *parent;
  struct event_load known;  /* what it is, as far as that is known when it begins; in the test's arena */
  bool known_told;
  uint32_t number;          /* of the test's */
  struct load_form form;
  struct load_stats stats;
  struct engine_pool engines;
  struct crew *crew;        /* whose fibers the users are; NULL: each has a thread */
  struct steps steps;
  int64_t start_ns;
  int cancel_fd;            /* eventfd: readable when users must stop */
  int over_fd;              /* eventfd: readable when it ends before its time */
  _Atomic int64_t end_ns;   /* the form's, or when it was ended before */
  int ended_fd;             /* eventfd: counts users that have ended */
  _Atomic int stop;         /* enum stop */
  _Atomic int64_t late_ns;  /* what ends after that has failed: the grace time is over; 0: not yet */
  _Atomic bool overrun;     /* the time of what is around it was over before a user had ended, or its grace time */
  _Atomic uint64_t due, begun; /* open model: the next iteration; how many have begun */
  _Atomic int64_t overdue_ns; /* after the start: when the last one began that had to wait for a user */
  _Atomic uint32_t running, busy;
  uint32_t users_most;      /* that the schedule has wanted at once; they may have ended before the next began */
  struct load_user **users; /* by number; NULL: not started yet */
};


struct load_user {
  struct load *load;
  uint32_t number;
  struct context context;
  struct scope scope;
  struct test_run test;
  pthread_t thread;
  _Atomic bool ended;
  bool done;                /* it has run its `times` */
  bool warmup;              /* the iteration began in it */
  const struct step *late;  /* a step that passed, but after the grace time; NULL */
  int64_t due_ns;           /* open model: when the iteration should have begun, until a step was measured; 0 */
  uint64_t random;
  uint64_t iterations;
  char *temp;               /* folder; NULL: none was asked for */
  struct wire *wire;        /* NULL: no traffic yet */
};

/* ---- measuring ---- */

/* Did the runner itself make the step fail: by an interrupt, or because another branch of first_of or parallel has
 * decided? */
static bool
is_withdrawn (const struct context *context)
{
  const struct load *load = context->load;
  if (load->stop != GO_ON)
    return load->stop == STOP_WITHDRAWN;
  bool in_branch = context->cancel_fd != load->cancel_fd && context->cancel_fd != context->worker->never_fd;
  return in_branch && context_cancelled (context);
}

void
load_record (struct context *context, const struct step *step, int outcome, int64_t start_ns, int64_t end_ns)
{
  struct load *load = context->load;
  struct load_user *user = context->user;
  uint32_t series = load->stats.names.of_step[step->id];
  bool warmup = user ? user->warmup : start_ns - load->start_ns < load->form.warmup_ns;
  bool failed = outcome == RUNNER_FAIL || outcome == RUNNER_ERROR;
  if (!failed && user && context->cancel_fd == load->cancel_fd && load->late_ns && end_ns > load->late_ns) {
    failed = true; /* it took no notice of being cancelled */
    user->late = step;
  }
  if (!series)
    return;
  if (failed && is_withdrawn (context)) {
    load->stats.withdrawn[series & ~IN_TOTAL]++;
    return;
  }
  if (user && user->due_ns) { /* it has waited since it was due */
    start_ns = user->due_ns;
    user->due_ns = 0;
  }
  load_stats_record (&load->stats, series & ~IN_TOTAL, warmup, end_ns - start_ns, failed);
  if (series & IN_TOTAL)
    load_stats_record (&load->stats, SERIES_TOTAL, warmup, end_ns - start_ns, false);
}

bool
load_cancelled (const struct context *context)
{
  const struct load *load = context->load;
  return context->cancel_fd == load->cancel_fd ? load->stop != GO_ON : context_cancelled (context);
}

void
load_wire (struct load_user *user, bool received, const char *peer, const void *data, size_t size)
{
  if (!user->wire) {
    user->wire = xcalloc (1, sizeof *user->wire);
    shared_own_wire (user->wire);
  }
  wire_put (user->wire, received, peer, data, size);
}

/* The first failure of a kind shows what the user sent and received, and logged. */
static void
show_user (struct load_user *user)
{
  struct load *load = user->load;
  struct worker *worker = user->context.worker;
  pthread_mutex_lock (&worker->lock);
  if (user->wire)
    shared_wire_all (worker->shared, user->wire);
  pthread_mutex_unlock (&worker->lock);
  if (user->test.output.size)
    test_output (load->parent, user->test.output.data, user->test.output.size);
}

static void
note_failure (struct load_user *user)
{
  struct load_stats *stats = &user->load->stats;
  const struct verdict *verdict = &user->test.verdict;
  pthread_mutex_lock (&stats->lock);
  bool first = load_stats_note (stats, &verdict->where, verdict->outcome,
                                verdict->step ? verdict->step->key->string : NULL, verdict->message,
                                verdict->details, 1);
  if (first)
    show_user (user); /* one after the other */
  pthread_mutex_unlock (&stats->lock);
}

/* ---- a user ---- */

/* A number below `n`, of this user's own sequence (xorshift64*). */
static uint64_t
random_below (struct load_user *user, uint64_t n)
{
  user->random ^= user->random >> 12;
  user->random ^= user->random << 25;
  user->random ^= user->random >> 27;
  return n ? (user->random * UINT64_C (2685821657736338717)) % n : 0;
}

/* The user has failed as such, and does not begin anew. */
static void
give_up (struct load_user *user, const char *message)
{
  record_failure (&user->context, NULL, user->load->steps.items[0].key, RUNNER_ERROR, false, message, NULL);
  user->done = true;
}

/* Sleeps until then.  False: cancelled, or nothing more is to begin. */
static bool
sleep_until (struct load_user *user, int64_t end_ns)
{
  const struct load *load = user->load;
  for (;;) {
    int64_t left = end_ns - clock_now_ns ();
    if (left <= 0)
      return true;
    struct pollfd fds[] = { { .fd = load->cancel_fd, .events = POLLIN }, { .fd = load->over_fd, .events = POLLIN } };
    int ready = context_poll (&user->context, fds, 2, end_ns);
    if (ready > 0) /* what was due before the end begins */
      return !fds[0].revents && clock_now_ns () >= end_ns;
    if (ready < 0) {
      give_up (user, arena_printf (&user->test.arena, "cannot wait: %s", strerror (errno)));
      return false;
    }
  }
}

static bool
think (struct load_user *user)
{
  const struct load_form *form = &user->load->form;
  if (form->think_max_ns == 0)
    return true;
  int64_t range = form->think_max_ns - form->think_min_ns;
  int64_t end = clock_now_ns () + form->think_min_ns + (int64_t) random_below (user, (uint64_t) range + 1);
  int64_t load_end = form->end_ns == INT64_MAX ? INT64_MAX : user->load->start_ns + form->end_ns;
  return sleep_until (user, end < load_end ? end : load_end);
}

/* Everything of an iteration but the user's variables and connections ends with it. */
static void
forget_iteration (struct load_user *user)
{
  struct test_run *test = &user->test;
  free_kept_scopes (test);
  if (test->temp && !user->temp)
    user->temp = xstrdup (test->temp);
  test->temp = user->temp;
  test->verdict = (struct verdict) { .outcome = RUNNER_PASS };
  test->output.size = test->output_lost = 0;
  test->warning_count = 0;
  test->warnings = NULL;
  test->acted = 0;
  arena_reset (&test->arena);
  if (user->wire)
    user->wire->count = 0;
}

/* What an iteration has deferred runs also when it was cancelled, in a time of its own. */
static void
clean_up (struct context *context)
{
  int cancel_fd = context->cancel_fd;
  int64_t deadline_ns = context->deadline_ns;
  const char *phase = context->phase;
  context->cancel_fd = context->worker->never_fd;
  context->deadline_ns = clock_now_ns () + DEFAULT_STEP_NS;
  run_deferred (context);
  context->cancel_fd = cancel_fd;
  context->deadline_ns = deadline_ns;
  context->phase = phase;
}

/* One in which every step was skipped is none, and one that the runner took back has not failed. */
static void
count_iteration (struct load_user *user, int64_t start_ns)
{
  struct load_stats *stats = &user->load->stats;
  const struct verdict *verdict = &user->test.verdict;
  bool failed = verdict->outcome == RUNNER_FAIL || verdict->outcome == RUNNER_ERROR;
  if (!user->test.acted) {
    load_stats_skip (stats, verdict->outcome == RUNNER_SKIP ? verdict->message : NULL);
    return;
  }
  if (failed && user->load->stop == STOP_WITHDRAWN)
    return;
  load_stats_record (stats, SERIES_ITERATION, user->warmup, clock_now_ns () - start_ns, failed);
  if (failed) {
    load_stats_count_failures (stats, user->warmup, 1);
    note_failure (user);
  }
}

static void
run_iteration (struct load_user *user, int64_t due_ns)
{
  struct load *load = user->load;
  struct context *context = &user->context;
  int64_t start = due_ns ? due_ns : clock_now_ns ();
  user->due_ns = due_ns;
  user->warmup = start - load->start_ns < load->form.warmup_ns;
  load->busy++;
  run_steps (context, load->steps);
  if (user->late && user->test.verdict.outcome == RUNNER_PASS)
    record_failure (context, user->late, user->late->key, RUNNER_FAIL, true,
                    "it still ran when the grace time was over, and took no notice of being cancelled", NULL);
  user->late = NULL;
  if (user->test.deferred)
    clean_up (context);
  load->busy--;
  count_iteration (user, start);
  user->iterations++;
  forget_iteration (user);
  if (context->fiber)
    fiber_yield (context->fiber);
}

/* Must this user stop, whatever is still to be done? */
static bool
must_stop (const struct load_user *user)
{
  return user->load->stop != GO_ON || clock_now_ns () >= user->context.deadline_ns;
}

static void
run_closed (struct load_user *user)
{
  struct load *load = user->load;
  while (!must_stop (user)) {
    int64_t now = clock_now_ns () - load->start_ns;
    if (now >= load->end_ns || user->number >= load_users_at (&load->form, now))
      return;
    if (user->iterations == load->form.times) {
      user->done = true;
      return;
    }
    run_iteration (user, 0);
    if (user->iterations < load->form.times && !think (user))
      return;
  }
}

/* No user was free when it was due. */
static void
note_overdue (struct load *load, int64_t begins_ns)
{
  int64_t last = load->overdue_ns;
  while (last < begins_ns && !atomic_compare_exchange_weak (&load->overdue_ns, &last, begins_ns))
    continue;
}

static void
run_open (struct load_user *user)
{
  struct load *load = user->load;
  while (!must_stop (user)) {
    uint64_t i = load->due++;
    int64_t due = i < load->form.times ? load_due_ns (&load->form, i) : INT64_MAX;
    if (due == INT64_MAX) {
      user->done = true;
      return;
    }
    int64_t now = clock_now_ns () - load->start_ns;
    if (now >= load->end_ns || !sleep_until (user, load->start_ns + due) || due >= load->end_ns)
      return;
    if (now > due)
      note_overdue (load, now);
    load->begun++;
    run_iteration (user, load->start_ns + due);
  }
}

static void
run_user (struct load_user *user)
{
  struct load *load = user->load;
  struct context *context = &user->context;
  struct shared *shared = context->worker->shared;
  context->slot = shared_enter (shared);
  if (context->slot < 0)
    give_up (user, arena_printf (&user->test.arena, "more than %d users at once in all loads of the suite", SLOTS));
  else if (load->form.open)
    run_open (user);
  else
    run_closed (user);
  if (context->slot >= 0)
    destroy_handles (context, &user->scope);
  if (user->test.verdict.outcome != RUNNER_PASS) { /* of its connections' end */
    load_stats_count_failures (&load->stats, false, 1);
    note_failure (user);
  }
  shared_leave (shared, context->slot);
  shared_own_wire (NULL);
}

/* A fiber's user is freed by the thread of the step as soon as it has ended. */
static void
user_ended (void *data)
{
  struct load_user *user = data;
  struct load *load = user->load;
  if (!load->late_ns && clock_now_ns () >= user->context.deadline_ns)
    load->overrun = true;
  load->running--;
  user->ended = true;
  notify (load->ended_fd);
}

static void *
run_thread (void *data)
{
  shared_alternate_stack ();
  run_user (data);
  shared_end_alternate_stack ();
  user_ended (data);
  return NULL;
}

static void
run_fiber (struct fiber *self, void *data)
{
  struct load_user *user = data;
  user->context.fiber = self;
  run_user (user);
}

static void
resume_user (void *data)
{
  const struct load_user *user = data;
  shared_resume (user->context.worker->shared, user->context.slot);
  shared_own_wire (user->wire);
}

static void
park_user (void *data)
{
  const struct load_user *user = data;
  shared_park (user->context.worker->shared, user->context.slot);
  shared_own_wire (NULL);
}

static const struct fiber_calls fiber_calls = { run_fiber, resume_user, park_user, user_ended };

static struct load_user *
make_user (struct load *load, uint32_t number)
{
  struct context *parent = load->parent;
  struct load_user *user = xcalloc (1, sizeof *user);
  struct context *context = &user->context;
  user->load = load;
  user->number = number;
  user->random = (parent->worker->options->seed + 1) * UINT64_C (0x9e3779b97f4a7c15) + number;
  context->worker = parent->worker;
  context->slot = -1;
  context->evaluator.pool = &load->engines;
  context->load = load;
  context->user = user;
  context->test = &user->test;
  context->scope = &user->scope;
  context->suite_scope = parent->suite_scope;
  context->phase = parent->phase;
  context->cancel_fd = load->cancel_fd;
  context->deadline_ns = parent->deadline_ns;
  context->step_deadline = parent->step_deadline;
  context->depth = parent->depth;
  user->test.scope = &user->scope;
  user->test.planned = parent->test->planned;
  user->test.start_ns = parent->test->start_ns;
  user->test.start_us = parent->test->start_us;
  roles_branch (context, parent);
  scope_init (&user->scope, parent->scope, NULL);
  user->scope.branch = true;
  struct value own = value_int (number);
  scope_set (&user->scope, "user_number", &own);
  return user;
}

static void
free_user (struct load *load, struct load_user *user)
{
  struct test_run *to = load->parent->test;
  to->checks += user->test.checks;
  to->spawned |= user->test.spawned;
  user->test.temp = user->temp ? user->temp : user->test.temp;
  user->test.warning_count = 0;
  remove_test_temp (&user->test);
  if (user->test.warning_count)
    test_warning (to, "%s", user->test.warnings[0]);
  roles_join (load->parent, &user->context, false);
  free_kept_scopes (&user->test);
  scope_free (&user->scope);
  context_free (&user->context);
  buffer_free (&user->test.output);
  arena_free (&user->test.arena);
  free (user->temp);
  free (user->wire);
  free (user);
}

/* ---- the schedule ---- */

static bool
start_user (struct load *load, uint32_t number)
{
  struct load_user *user = make_user (load, number);
  load->running++;
  if (load->crew ? !fiber_start (load->crew, number, USER_STACK, &fiber_calls, user)
                 : !thread_start (&user->thread, USER_STACK, run_thread, user)) {
    load->running--;
    free_user (load, user);
    return false;
  }
  load->users[number] = user;
  return true;
}

/* Starts those that are missing; one that a falling number has ended starts anew when it rises. */
static bool
start_users (struct load *load, uint32_t wanted)
{
  for (uint32_t i = 0; i < wanted; i++) {
    struct load_user *user = load->users[i];
    if (user && (!user->ended || user->done))
      continue;
    if (user) {
      if (!load->crew)
        pthread_join (user->thread, NULL);
      free_user (load, user);
      load->users[i] = NULL;
    }
    if (!start_user (load, i))
      return false;
  }
  return true;
}

/* Have all users done what there is to do?  An open model lasts as long as it is to, also
 * after its last iteration. */
static bool
all_done (const struct load *load)
{
  if (load->form.open && load->form.end_ns != INT64_MAX && load->due < load->form.times)
    return false;
  for (uint32_t i = 0; i < load->form.users; i++)
    if (!load->users[i] || !load->users[i]->ended || !load->users[i]->done)
      return false;
  return true;
}

struct sampling {
  int64_t last_ns, next_ns;
  uint32_t busy; /* users of an open model, as long as something begins */
};

/* Is so little left that it belongs to this second? */
static bool
ends_soon (const struct load *load, const struct sampling *sampling, int64_t now)
{
  int64_t left = load->end_ns == INT64_MAX ? INT64_MAX : load->end_ns - (now - load->start_ns);
  return left > -SLIVER_NS && left < SLIVER_NS && now - sampling->last_ns < SAMPLE_NS + SLIVER_NS;
}

/* `last`: all users have ended; what counts is how many there were before. */
static uint32_t
users_of (const struct load *load, const struct sampling *sampling, int64_t now, bool last)
{
  if (load->form.open)
    return last ? sampling->busy : load->busy;
  return last ? load_users_at (&load->form, now - load->start_ns) : load->running;
}

static void
tell_sample (struct load *load, struct sampling *sampling, int64_t now, bool last)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct event event = { .type = EVENT_SAMPLE, .load = load->number };
  sampling->next_ns += SAMPLE_NS;
  if (!load->parent->test->planned)
    return; /* of a suite's setup: samples belong to tests */
  event.at_us = (now - load->start_ns) / 1000;
  event.span_us = (now - sampling->last_ns) / 1000;
  event.warmup = sampling->last_ns - load->start_ns < load->form.warmup_ns;
  event.users = users_of (load, sampling, now, last);
  if (!load->known_told) { /* who cannot tell its end has told this */
    event.loads = &load->known;
    event.load_count = 1;
    load->known_told = true;
  }
  event.series = load_stats_sample (&load->stats, &arena, &event.series_count);
  tell_event (load->parent->worker, &event);
  sampling->last_ns = now;
}

static int64_t
least (int64_t a, int64_t b)
{
  return a < b ? a : b;
}

/* When the schedule is to be looked at again. */
static int64_t
next_look (const struct load *load, const struct sampling *sampling, int64_t now, bool over)
{
  int64_t t = now - load->start_ns, next = sampling->next_ns;
  bool timed = load->end_ns != INT64_MAX;
  next = least (next, load->parent->deadline_ns);
  if (over)
    return timed ? least (next, load->start_ns + load->end_ns + load->form.grace_ns) : next;
  if (timed)
    next = least (next, load->start_ns + load->end_ns);
  if (load->form.open)
    return next;
  /* when the number of users changes: first too far, then nearer to it */
  uint32_t users = load_users_at (&load->form, t);
  int64_t before = 0, after = RAMP_NS;
  while (after < next - now && load_users_at (&load->form, t + after) == users) {
    before = after;
    after *= 2;
  }
  while (after - before > RAMP_NS)
    if (load_users_at (&load->form, t + (before + after) / 2) == users)
      before = (before + after) / 2;
    else
      after = (before + after) / 2;
  return least (next, now + after);
}

/* Sleeps, or until a user has ended.  False: the parent must stop (asked unless `told`). */
static bool
wait_until (struct load *load, int64_t end_ns, bool told)
{
  int64_t left = end_ns - clock_now_ns ();
  struct timespec wait = { left > 0 ? left / 1000000000 : 0, left > 0 ? left % 1000000000 : 0 };
  struct pollfd fds[] = { { .fd = load->ended_fd, .events = POLLIN },
                          { .fd = told ? -1 : load->parent->cancel_fd, .events = POLLIN } };
  uint64_t count;
  if (ppoll (fds, 2, &wait, NULL) <= 0)
    return true;
  if (fds[0].revents && read (load->ended_fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
    return false;
  return !fds[1].revents;
}

/* EXPIRED: while it began more; OVERRUN: while what had begun was to end. */
enum ending { ENDED, CANCELLED, EXPIRED, OVERRUN, NO_ROOM };

/* Starts what the schedule wants by now.  False: nothing more will begin. */
static bool
keep_users (struct load *load, int64_t now, enum ending *ending)
{
  int64_t t = now - load->start_ns;
  if (t >= load->end_ns || *ending != ENDED || all_done (load))
    return false;
  if (now >= load->parent->deadline_ns) {
    *ending = EXPIRED;
    return false;
  }
  uint32_t wanted = load->form.open ? load->form.users : load_users_at (&load->form, t);
  load->users_most = wanted > load->users_most ? wanted : load->users_most;
  if (load->running < wanted && !start_users (load, wanted))
    *ending = NO_ROOM;
  return true;
}

/* The test around it is over: it is as if its time were. */
static void
end_early (struct load *load)
{
  int64_t t = clock_now_ns () - load->start_ns;
  if (t < load->end_ns)
    load->end_ns = t;
  notify (load->over_fd);
}

/* From the first user to the last one's end. */
static enum ending
drive (struct load *load, struct sampling *sampling)
{
  enum ending ending = ENDED;
  bool over = false, cut = false, early = false;
  for (;;) {
    int64_t now = clock_now_ns ();
    if (now >= sampling->next_ns && ends_soon (load, sampling, now))
      sampling->next_ns += SLIVER_NS;
    else if (now >= sampling->next_ns)
      tell_sample (load, sampling, now, false);
    if (!over)
      sampling->busy = load->busy;
    over = over || !keep_users (load, now, &ending);
    if (over && load->running == 0)
      return ending == ENDED && load->overrun ? OVERRUN : ending;
    bool late = load->end_ns != INT64_MAX && now - load->start_ns >= load->end_ns + load->form.grace_ns;
    if (over && !cut && !late && ending == ENDED && now >= load->parent->deadline_ns)
      ending = OVERRUN;
    if (over && !cut && (ending != ENDED || late)) {
      cut = true;
      if (ending == ENDED)
        load->late_ns = now;
      load->stop = ending == CANCELLED ? STOP_WITHDRAWN : STOP_LATE;
      notify (load->cancel_fd);
    }
    if (wait_until (load, cut ? now + SAMPLE_NS : next_look (load, sampling, now, over), cut || early))
      continue;
    if (load->parent->background && load->parent->background->over) {
      end_early (load);
      early = true;
    }
    else if (ending == ENDED)
      ending = CANCELLED;
  }
}

/* Iterations that were due and did not begin: all users were busy. */
static void
count_unbegun (struct load *load, const struct step *step)
{
  if (!load->form.open)
    return;
  int64_t end = load->end_ns == INT64_MAX ? clock_now_ns () - load->start_ns : load->end_ns;
  uint64_t due = load_due_before (&load->form, end), begun = load->begun;
  if (begun >= due)
    return;
  char message[160];
  snprintf (message, sizeof message,
            "%llu iterations were due and did not begin: all %u users were busy (`users` says how many there are)",
            (unsigned long long) (due - begun), load->form.users);
  load_stats_note (&load->stats, step->key, RUNNER_FAIL, NULL, message, NULL, due - begun);
  load->stats.unbegun = due - begun;
  load_stats_count_failures (&load->stats, false, due - begun);
}

/* ---- the step ---- */

static bool
fits (struct context *context, const struct step *step, const struct load_form *form)
{
  int64_t left = context->deadline_ns - clock_now_ns ();
  if (form->end_ns == INT64_MAX || form->end_ns <= left)
    return true;
  CLEANUP_BUFFER struct buffer text = { 0 };
  load_print_too_long (&text, form->end_ns, context->step_deadline ? "step" : "test", left);
  record_failure (context, step, step->key, RUNNER_ERROR, false, buffer_text (&text), NULL);
  return false;
}

/* Is all that these steps wait for waited for by context_poll? */
static bool
may_share (bool *seen, struct steps steps)
{
  for (size_t i = 0; i < steps.count; i++) {
    const struct step *step = &steps.items[i];
    if (seen[step->id])
      continue; /* a keyword that is called twice, or calls itself */
    seen[step->id] = true;
    switch (step->kind) {
    case STEP_VERB:
      if (!(step->verb->flags & RUNNER_COOPERATIVE))
        return false;
      break;
    case STEP_KEYWORD:
      if (!may_share (seen, step->keyword->steps))
        return false;
      break;
    case STEP_DO: case STEP_DEFER:
      if (!may_share (seen, step->body))
        return false;
      break;
    case STEP_SET: case STEP_CHECK:
      break;
    case STEP_PARALLEL: case STEP_FIRST_OF: case STEP_BACKGROUND: case STEP_JOIN: case STEP_LOAD:
      return false;
    }
  }
  return true;
}

static bool
users_are_fibers (const struct load *load)
{
  bool *seen = xcalloc (load->parent->worker->suite->step_count, sizeof *seen);
  bool share = may_share (seen, load->steps);
  free (seen);
  return share;
}

static void
end_users (struct load *load)
{
  if (load->crew)
    crew_free (load->crew);
  for (uint32_t i = 0; i < load->form.users; i++)
    if (load->users[i]) {
      if (!load->crew)
        pthread_join (load->users[i]->thread, NULL);
      free_user (load, load->users[i]);
    }
  free (load->users);
}

/* What rates are over ends when nothing new begins: with the schedule, or later, of an open model, with the last
 * iteration that began overdue; where only `times` says how long, with the last one's end. */
static int64_t
measured_until (const struct load *load, int64_t duration)
{
  const struct load_form *form = &load->form;
  if (load->stop == STOP_WITHDRAWN)
    return duration;
  if (!form->open)
    return least (duration, load->end_ns);
  int64_t last = form->times == UINT64_MAX ? INT64_MAX : load_due_ns (form, form->times);
  int64_t end = least (last, load->end_ns);
  if (end == INT64_MAX)
    return duration;
  return end > load->overdue_ns ? end : load->overdue_ns;
}

/* What it is, and was told to do. */
static void
introduce (struct load *load, const struct step *step, const struct value *args)
{
  struct arena *arena = &load->parent->test->arena;
  struct attempt attempt = { .outcome = RUNNER_PASS }; /* a name that cannot be told fails the step itself later */
  CLEANUP_BUFFER struct buffer place = { 0 };
  place_print (&place, step->key);
  load->known = (struct event_load) {
    .number = load->number,
    .where = arena_copy (arena, place.data, place.size),
    .name = step_name (load->parent, step, arena, &attempt),
    .model = load->form.open ? "open" : "closed",
    .start_us = (load->start_ns - load->parent->test->start_ns) / 1000,
  };
  load_tell_settings (args, &load->known, arena);
}

static void
describe (const struct load *load, int64_t end_ns, struct event_load *told)
{
  int64_t duration = end_ns - load->start_ns, window = measured_until (load, duration) - load->form.warmup_ns;
  *told = load->known;
  told->duration_us = duration / 1000;
  told->warmup_us = load->form.warmup_ns / 1000;
  told->window_us = window > 0 ? window / 1000 : 0;
  told->users = load->users_most;
}

/* It did not end as planned. */
static int
tell_ending (struct context *context, const struct step *step, enum ending ending)
{
  static const char *const texts[] = { [CANCELLED] = "cancelled",
                                       [NO_ROOM] = "its users cannot be started: the system has no more threads, or no memory for their stacks" };
  int outcome = ending == NO_ROOM ? RUNNER_ERROR : RUNNER_FAIL;
  const char *text = texts[ending];
  CLEANUP_BUFFER struct buffer over = { 0 };
  if (ending == EXPIRED || ending == OVERRUN) {
    buffer_printf (&over, "%s was over%s",
                   !context->step_deadline         ? "the test's time"
                   : step->timeout || step->retry ? "the step's time"
                                                   : "the time of the group around it",
                   ending == OVERRUN ? " before its users had ended" : "");
    text = buffer_text (&over);
  }
  record_failure (context, step, step->key, outcome, ending != NO_ROOM, text, NULL);
  return outcome;
}

/* All that is written behind it, before anything of it runs. */
static bool
read_load (struct context *context, const struct step *step, const struct value *args, struct arena *arena,
           struct load_form *form)
{
  struct param_error error;
  struct load_names names;
  bool fine = load_form_read (args, folder_of (step->key), arena, form, &error);
  if (fine) {
    load_names_init (&names, context->worker->suite->step_count, step->body);
    fine = load_thresholds_ready (form->require, &names, &error);
    load_names_free (&names);
  }
  if (!fine)
    record_failure (context, step, error.where.line ? &error.where : step->key, RUNNER_ERROR, false, error.message,
                    NULL);
  return fine;
}

int
run_load (struct context *context, const struct step *step, const struct value *args, struct arena *arena,
          struct value *result)
{
  struct load load = { .parent = context, .steps = step->body };
  struct sampling sampling = { .busy = 0 };
  if (context->load) {
    record_failure (context, step, step->key, RUNNER_ERROR, false, "a load inside of a load", NULL);
    return RUNNER_ERROR;
  }
  if (!read_load (context, step, args, arena, &load.form) || !fits (context, step, &load.form))
    return RUNNER_ERROR;
  tell_start (context->worker);
  background_count_load (context, true);
  load.number = context->worker->loads++;
  load.cancel_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  load.over_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  load.ended_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  load.end_ns = load.form.end_ns;
  load.users = xcalloc (load.form.users, sizeof *load.users);
  engine_pool_init (&load.engines, &context->worker->engines);
  if (users_are_fibers (&load))
    load.crew = crew_new (load.form.users, shared_alternate_stack, shared_end_alternate_stack);
  bool made = load_stats_init (&load.stats, context->worker->suite, step->body) && load.cancel_fd >= 0
              && load.over_fd >= 0 && load.ended_fd >= 0;
  load.start_ns = sampling.last_ns = clock_now_ns ();
  sampling.next_ns = load.start_ns + SAMPLE_NS;
  introduce (&load, step, args);
  enum ending ending = made ? drive (&load, &sampling) : NO_ROOM;
  int64_t end_ns = clock_now_ns ();
  if (made && end_ns > sampling.last_ns)
    tell_sample (&load, &sampling, end_ns, true);
  end_users (&load);
  int outcome = RUNNER_PASS;
  if (made && ending == ENDED)
    count_unbegun (&load, step);
  if (made) {
    struct event_load *told = load_add (context->test);
    describe (&load, end_ns, told);
    outcome = load_judge (context, step, &load.form, &load.stats, told, arena, result, ending == ENDED);
    if (ending != ENDED && ending != CANCELLED)
      load_not_judged (step, load.form.require, told, &context->test->arena);
  }
  if (ending != ENDED && outcome == RUNNER_PASS)
    outcome = tell_ending (context, step, ending);
  background_count_load (context, false);
  engine_pool_free (&load.engines, &context->worker->engines);
  load_stats_free (&load.stats);
  if (load.cancel_fd >= 0)
    close (load.cancel_fd);
  if (load.over_fd >= 0)
    close (load.over_fd);
  if (load.ended_fd >= 0)
    close (load.ended_fd);
  return outcome;
}
