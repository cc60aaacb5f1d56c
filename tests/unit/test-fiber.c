/* test-fiber.c - fiber.c: waiting for descriptors and times, sharing a thread, ending. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arena.h"
#include "fiber.h"
#include "text.h"

#define STACK ((size_t) 64 << 10)
#define S_NS INT64_C (1000000000)
#define SOON(ns) (clock_now_ns () + (ns))
#define FOREVER INT64_MAX

static atomic_int begun_threads, ended_threads;

static void
begin (void)
{
  begun_threads++;
}

static void
end (void)
{
  ended_threads++;
}

/* What a fiber of these tests is given. */
struct job {
  void (*body) (struct fiber *self, struct job *job);
  int number, fd;
  struct job *other;
  struct { int in, out; } pipe;
  pthread_t thread;
  int resumed, parked;
  bool done, ended;
};

static void
run (struct fiber *self, void *data)
{
  struct job *job = data;
  job->thread = pthread_self ();
  job->body (self, job);
  job->done = true;
}

static void
resume (void *data)
{
  struct job *job = data;
  job->resumed++;
}

static void
park (void *data)
{
  struct job *job = data;
  job->parked++;
}

static void
ended (void *data)
{
  struct job *job = data;
  job->ended = true;
}

static const struct fiber_calls calls = { run, resume, park, ended };

/* All of them in one thread, unless `spread`; until all have ended. */
static void
run_all (struct job *jobs, size_t count, bool spread)
{
  struct crew *crew = crew_new (spread ? 4 : 1, begin, end);
  ck_assert_ptr_nonnull (crew);
  for (size_t i = 0; i < count; i++)
    ck_assert (fiber_start (crew, i, STACK, &calls, &jobs[i]));
  crew_free (crew);
  for (size_t i = 0; i < count; i++) {
    ck_assert_msg (jobs[i].done, "fiber %zu has not come to its end", i);
    ck_assert (jobs[i].ended);
    ck_assert_int_eq (jobs[i].resumed, jobs[i].parked + 1);
    ck_assert (spread || pthread_equal (jobs[i].thread, jobs[0].thread));
  }
  ck_assert_int_gt (begun_threads, 0);
  ck_assert_int_eq (begun_threads, ended_threads);
}

static int
wait_for (struct fiber *self, int fd, short events, int64_t end_ns)
{
  struct pollfd poll = { .fd = fd, .events = events };
  int ready = fiber_poll (self, &poll, 1, end_ns);
  ck_assert_int_eq (ready, poll.revents ? 1 : 0);
  return ready == 1 ? poll.revents : 0;
}

/* ---- a token goes round ---- */

#define RING 300
#define ROUNDS 20

static void
pass_token (struct fiber *self, struct job *job)
{
  char token;
  for (int i = 0; i < ROUNDS; i++) {
    if (i > 0 || job->number > 0) {
      ck_assert_int_eq (wait_for (self, job->pipe.in, POLLIN, FOREVER), POLLIN);
      ck_assert_int_eq (read (job->pipe.in, &token, 1), 1);
    }
    ck_assert_int_eq (write (job->pipe.out, "t", 1), 1);
  }
}

static void
make_ring (struct job *jobs)
{
  for (int i = 0; i < RING; i++) {
    int fds[2];
    ck_assert_int_eq (pipe2 (fds, O_CLOEXEC), 0);
    jobs[(i + 1) % RING].pipe.in = fds[0];
    jobs[i].pipe.out = fds[1];
    jobs[i].number = i;
    jobs[i].body = pass_token;
  }
}

static void
token_goes_round (bool spread)
{
  struct job *jobs = xcalloc (RING, sizeof *jobs);
  make_ring (jobs);
  run_all (jobs, RING, spread);
  for (int i = 0; i < RING; i++) {
    close (jobs[i].pipe.in);
    close (jobs[i].pipe.out);
  }
  free (jobs);
}

START_TEST (in_one_thread)
{
  token_goes_round (false);
}
END_TEST

START_TEST (in_several_threads)
{
  token_goes_round (true);
}
END_TEST

/* ---- times ---- */

#define SLEEPERS 50

static int order[SLEEPERS];
static int order_count;
static int64_t begin_ns;

/* All begin in the same round, when the last of them opens the gate. */
static void
sleep_by_number (struct fiber *self, struct job *job)
{
  if (job->pipe.out)
    ck_assert_int_eq (write (job->pipe.out, "x", 1), 1);
  ck_assert_int_eq (wait_for (self, job->pipe.in, POLLIN, FOREVER), POLLIN);
  int64_t end_ns = begin_ns + (int64_t) job->number * 1000000;
  ck_assert_int_eq (fiber_poll (self, NULL, 0, end_ns), 0);
  ck_assert_int_ge (clock_now_ns (), end_ns);
  order[order_count++] = job->number;
}

START_TEST (times_come_in_order)
{
  struct job jobs[SLEEPERS] = { 0 };
  int fds[2];
  ck_assert_int_eq (pipe2 (fds, O_CLOEXEC), 0);
  begin_ns = SOON (0);
  for (int i = 0; i < SLEEPERS; i++)
    jobs[i] = (struct job) { .body = sleep_by_number, .number = (i * 37) % SLEEPERS, .pipe.in = fds[0] };
  jobs[SLEEPERS - 1].pipe.out = fds[1];
  run_all (jobs, SLEEPERS, false);
  ck_assert_int_eq (order_count, SLEEPERS);
  for (int i = 0; i < SLEEPERS; i++)
    ck_assert_int_eq (order[i], i);
  close (fds[0]);
  close (fds[1]);
}
END_TEST

static void
wait_in_vain (struct fiber *self, struct job *job)
{
  int64_t end_ns = SOON (20000000);
  ck_assert_int_eq (wait_for (self, job->fd, POLLIN, end_ns), 0);
  ck_assert_int_ge (clock_now_ns (), end_ns);
  ck_assert_int_eq (wait_for (self, job->fd, POLLIN, 0), 0); /* it is past */
  ck_assert_int_eq (write (job->pipe.out, "x", 1), 1);
  ck_assert_int_eq (wait_for (self, job->fd, POLLIN, FOREVER), POLLIN);
  ck_assert_int_eq (wait_for (self, job->fd, POLLIN, 0), POLLIN); /* what is there is seen also then */
}

START_TEST (time_is_over)
{
  int fds[2];
  ck_assert_int_eq (pipe2 (fds, O_CLOEXEC), 0);
  struct job job = { .body = wait_in_vain, .fd = fds[0], .pipe.out = fds[1] };
  run_all (&job, 1, false);
  close (fds[0]);
  close (fds[1]);
}
END_TEST

/* ---- descriptors ---- */

static void
wait_to_read (struct fiber *self, struct job *job)
{
  ck_assert_int_eq (wait_for (self, job->fd, POLLIN, FOREVER), POLLIN);
}

static void
wait_to_write (struct fiber *self, struct job *job)
{
  ck_assert_int_eq (wait_for (self, job->fd, POLLOUT, FOREVER), POLLOUT);
  char byte = 'x'; /* now to those that wait for bytes */
  ck_assert_int_eq (write (job->pipe.out, &byte, 1), 1);
}

START_TEST (many_wait_for_one)
{
  int fds[2];
  ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  struct job jobs[] = { { .body = wait_to_read, .fd = fds[0] }, { .body = wait_to_read, .fd = fds[0] },
                        { .body = wait_to_write, .fd = fds[0], .pipe.out = fds[1] },
                        { .body = wait_to_read, .fd = fds[0] } };
  run_all (jobs, 4, false);
  close (fds[0]);
  close (fds[1]);
}
END_TEST

static void
look_at_odd_ones (struct fiber *self, struct job *job)
{
  int file = open ("/dev/null", O_RDONLY | O_CLOEXEC), fds[2];
  (void) job;
  char name[] = "/tmp/runner-fiber.XXXXXX";
  int plain = mkostemp (name, O_CLOEXEC);
  ck_assert_int_ge (plain, 0);
  unlink (name);
  ck_assert_int_eq (wait_for (self, plain, POLLIN, FOREVER), POLLIN);
  close (plain);
  close (file);
  ck_assert_int_eq (wait_for (self, file, POLLIN, FOREVER), POLLNVAL);
  ck_assert_int_eq (wait_for (self, -1, POLLIN, SOON (1000000)), 0);
  ck_assert_int_eq (pipe2 (fds, O_CLOEXEC), 0);
  close (fds[1]);
  ck_assert_int_eq (wait_for (self, fds[0], POLLIN, FOREVER), POLLHUP);
  close (fds[0]);
}

START_TEST (files_and_ends)
{
  struct job job = { .body = look_at_odd_ones };
  run_all (&job, 1, false);
}
END_TEST

/* The number stands for another descriptor each time, also after a wait that was in vain. */
static void
reuse_number (struct fiber *self, struct job *job)
{
  int first = -1;
  (void) job;
  for (int i = 0; i < 20; i++) {
    int fds[2];
    ck_assert_int_eq (pipe2 (fds, O_CLOEXEC), 0);
    first = first < 0 ? fds[0] : first;
    ck_assert_int_eq (fds[0], first);
    if (i % 2)
      ck_assert_int_eq (wait_for (self, fds[0], POLLIN, SOON (1000000)), 0);
    ck_assert_int_eq (write (fds[1], "x", 1), 1);
    ck_assert_int_eq (wait_for (self, fds[0], POLLIN, SOON (60 * S_NS)), POLLIN);
    close (fds[0]);
    close (fds[1]);
  }
}

START_TEST (numbers_are_used_again)
{
  struct job job = { .body = reuse_number };
  run_all (&job, 1, false);
}
END_TEST

/* ---- late ones ---- */

#define MANY 300 /* more than the kernel tells at once */

/* Holds the thread until all is there, and everybody's time is over. */
static void
hold_up (struct fiber *self, struct job *job)
{
  ck_assert_int_eq (wait_for (self, job->pipe.in, POLLIN, FOREVER), POLLIN);
  for (int i = 0; i < MANY; i++)
    ck_assert_int_eq (write (job->other[i].pipe.out, "x", 1), 1);
  while (clock_now_ns () < begin_ns + S_NS)
    continue;
}

static void
find_it_ready (struct fiber *self, struct job *job)
{
  if (job->number == MANY - 1) /* all of them wait when this one does */
    ck_assert_int_eq (write (job->fd, "x", 1), 1);
  ck_assert_int_eq (wait_for (self, job->pipe.in, POLLIN, begin_ns + S_NS), POLLIN);
}

START_TEST (what_came_in_time_is_seen_late_too)
{
  struct job *jobs = xcalloc (MANY + 1, sizeof *jobs);
  int gate[2];
  ck_assert_int_eq (pipe2 (gate, O_CLOEXEC), 0);
  jobs[0] = (struct job) { .body = hold_up, .other = jobs + 1, .pipe.in = gate[0] };
  for (int i = 0; i < MANY; i++) {
    int fds[2];
    ck_assert_int_eq (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    jobs[i + 1] = (struct job) { .body = find_it_ready, .number = i, .pipe = { fds[0], fds[1] }, .fd = gate[1] };
  }
  begin_ns = SOON (0);
  run_all (jobs, MANY + 1, false);
  for (int i = 0; i < MANY; i++) {
    close (jobs[i + 1].pipe.in);
    close (jobs[i + 1].pipe.out);
  }
  close (gate[0]);
  close (gate[1]);
  free (jobs);
}
END_TEST

/* Of a file, which is ready always, and a pipe: both are told, and others have their turn. */
static void
poll_both (struct fiber *self, struct job *job)
{
  char name[] = "/tmp/runner-fiber.XXXXXX";
  int file = mkostemp (name, O_CLOEXEC);
  ck_assert_int_ge (file, 0);
  unlink (name);
  while (!job->other->done) {
    struct pollfd fds[] = { { .fd = file, .events = POLLIN }, { .fd = job->pipe.out, .events = POLLOUT },
                            { .fd = job->pipe.in, .events = POLLIN } };
    ck_assert_int_eq (fiber_poll (self, fds, 3, FOREVER), 2);
    ck_assert_int_eq (fds[0].revents, POLLIN);
    ck_assert_int_eq (fds[1].revents, POLLOUT);
  }
  close (file);
}

static void sleep_a_little (struct fiber *self, struct job *job);

START_TEST (what_is_ready_at_once_hides_nothing)
{
  int fds[2];
  ck_assert_int_eq (pipe2 (fds, O_CLOEXEC), 0);
  struct job jobs[2] = { { .body = poll_both, .pipe = { fds[0], fds[1] } }, { .body = sleep_a_little } };
  jobs[0].other = &jobs[1];
  run_all (jobs, 2, false);
  close (fds[0]);
  close (fds[1]);
}
END_TEST

/* ---- turns ---- */

static void
spin (struct fiber *self, struct job *job)
{
  while (!job->other->done)
    fiber_yield (self);
}

static void
sleep_a_little (struct fiber *self, struct job *job)
{
  (void) job;
  ck_assert_int_eq (fiber_poll (self, NULL, 0, SOON (5000000)), 0);
}

START_TEST (who_never_waits_lets_others_go_on)
{
  struct job jobs[2] = { { .body = spin }, { .body = sleep_a_little } };
  jobs[0].other = &jobs[1];
  run_all (jobs, 2, false);
}
END_TEST

Suite *
fiber_suite (void)
{
  Suite *suite = suite_create ("fiber");
  TCase *test_case = tcase_create ("fiber");
  tcase_set_timeout (test_case, 120);
  tcase_add_test (test_case, in_one_thread);
  tcase_add_test (test_case, in_several_threads);
  tcase_add_test (test_case, times_come_in_order);
  tcase_add_test (test_case, time_is_over);
  tcase_add_test (test_case, many_wait_for_one);
  tcase_add_test (test_case, files_and_ends);
  tcase_add_test (test_case, numbers_are_used_again);
  tcase_add_test (test_case, what_came_in_time_is_seen_late_too);
  tcase_add_test (test_case, what_is_ready_at_once_hides_nothing);
  tcase_add_test (test_case, who_never_waits_lets_others_go_on);
  suite_add_tcase (suite, test_case);
  return suite;
}
