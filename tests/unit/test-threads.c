/* test-threads.c - the rules for threads that runner-plugin.h promises and demands: many
 * threads in one plugin's verbs at once, handles that one has at a time, copies, cancelling.
 * Meant to run under TSan.  A worker without its process: contexts, scopes, no suite. */
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "json.h"
#include "plugin.h"
#include "source.h"
#include "text.h"
#include "worker.h"

#define THREADS 16
#define ROUNDS 100
#define SECOND INT64_C (1000000000)
#define AT_ONCE (10 * SECOND) /* on a machine that does much else; deadlines are a minute */

static struct suite suite = { .path = "threads.yaml", .folder = "." };
static struct run_options options = { .seed = 1 };
static struct worker worker;
static struct test_run main_run;
static int cancel_fd;
static uint16_t file;
static pthread_t main_thread;

/* ---- a worker ---- */

static void
begin_context (struct context *context, struct test_run *run, struct scope *scope)
{
  *context = (struct context) { .worker = &worker, .test = run, .scope = scope, .cancel_fd = cancel_fd,
                                .deadline_ns = clock_now_ns () + 120 * SECOND };
  context->slot = shared_enter (worker.shared);
  ck_assert_int_ge (context->slot, 0);
}

static void
setup (void)
{
  worker = (struct worker) { .suite = &suite, .options = &options, .shared = shared_new (), .events_fd = -1,
                             .never_fd = eventfd (0, EFD_CLOEXEC) };
  ck_assert_ptr_nonnull (worker.shared);
  pthread_mutex_init (&worker.lock, NULL);
  scope_init (&worker.scope, NULL, NULL);
  cancel_fd = eventfd (0, EFD_CLOEXEC);
  file = source_add ("threads.yaml", "", 0);
  main_run = (struct test_run) { .checks = 0 };
  begin_context (&worker.context, &main_run, &worker.scope);
  main_thread = pthread_self ();
}

static void
end_run (struct test_run *run)
{
  remove_test_temp (run);
  buffer_free (&run->output);
  arena_free (&run->arena);
}

static void
teardown (void)
{
  destroy_handles (&worker.context, &worker.scope);
  ck_assert_msg (main_run.verdict.outcome == RUNNER_PASS, "at the end: %s", main_run.verdict.message);
  scope_free (&worker.scope);
  end_run (&main_run);
  pthread_mutex_destroy (&worker.lock);
  shared_free (worker.shared);
  close (worker.never_fd);
  close (cancel_fd);
}

static const struct plugin *
plugin_of (const char *name)
{
  char path[4096], error[1024];
  snprintf (path, sizeof path, "%s/plugins/%s/.libs/runner-%s-plugin.so", TOP_BUILDDIR, name, name);
  if (access (path, R_OK) < 0)
    return NULL; /* left out by configure */
  const struct plugin *plugin = plugin_load (path, error, sizeof error);
  ck_assert_msg (plugin != NULL, "%s", error);
  return plugin;
}

/* ---- a step ---- */

struct answer {
  int outcome;
  int64_t ns;
  char message[512];
  struct arena arena;
  struct value result;
};

static void
answer_free (struct answer *answer)
{
  arena_free (&answer->arena);
}

/* Calls a verb as a step at `line` would. */
static int
call (struct context *context, const struct plugin *plugin, const char *name, unsigned line, int64_t ns,
      struct answer *answer, const char *json)
{
  const struct verb *verb = plugin_verb (plugin, name);
  struct value key = { .type = VALUE_STRING, .file = file, .line = line, .size = strlen (name), .string = name };
  struct step source = { .key = &key, .verb = verb };
  struct value given;
  struct param_error error = { .message = "" };
  struct runner_step step;
  char why[200] = "";
  *answer = (struct answer) { .outcome = RUNNER_ERROR };
  ck_assert_msg (verb != NULL, "no verb %s", name);
  ck_assert_msg (json_parse (&answer->arena, json, strlen (json), &given, why, sizeof why), "%s: %s", json, why);
  int64_t start = clock_now_ns ();
  step_begin (&step, context, &source, &answer->arena, start + ns);
  void *args = arena_alloc (&answer->arena, verb->params.args_size + 1);
  ck_assert_msg (params_convert (&verb->params, &given, args, &step.given, &answer->arena, ".", &error), "%s: %s",
                 json, error.message);
  answer->outcome = verb->run (&step, args);
  answer->ns = clock_now_ns () - start;
  snprintf (answer->message, sizeof answer->message, "%s", step.message ? step.message : "");
  answer->result = out_finish (&step.out);
  step_release (&step);
  return answer->outcome;
}

/* The same, which must pass. */
static void
must (struct context *context, const struct plugin *plugin, const char *name, unsigned line, struct answer *answer,
      const char *fmt, ...) __attribute__ ((format (printf, 6, 7)));
static void
must (struct context *context, const struct plugin *plugin, const char *name, unsigned line, struct answer *answer,
      const char *fmt, ...)
{
  char json[1024];
  struct answer own;
  va_list args;
  va_start (args, fmt);
  vsnprintf (json, sizeof json, fmt, args);
  va_end (args);
  call (context, plugin, name, line, 60 * SECOND, answer ? answer : &own, json);
  ck_assert_msg ((answer ? answer : &own)->outcome == RUNNER_PASS, "%s %s: %s", name, json,
                 (answer ? answer : &own)->message);
  if (!answer)
    answer_free (&own);
}

static void
listen_at (struct context *context, const struct plugin *tcp, const char *as, char *address, size_t size)
{
  struct answer answer;
  must (context, tcp, "listen", 1, &answer, "{\"as\": \"%s\"}", as);
  snprintf (address, size, "%s", value_get (&answer.result, "address")->string);
  answer_free (&answer);
}

/* ---- threads, each with a scope over the worker's, as branches have ---- */

struct user {
  const struct plugin *plugin, *other;
  int number;
  const char *address;
  void (*work) (struct user *user);
  pthread_t thread;
  struct context context;
  struct scope scope;
  struct test_run run;
  _Atomic int kernel_id;   /* of the thread, when it has begun */
  _Atomic bool in_last;    /* the call in which it is to wait is the next thing, or has begun */
  struct answer answer;
};

static void *
run_user (void *data)
{
  struct user *user = data;
  user->context.slot = shared_enter (worker.shared);
  ck_assert_int_ge (user->context.slot, 0);
  atomic_store (&user->kernel_id, (int) syscall (SYS_gettid));
  user->work (user);
  shared_leave (worker.shared, user->context.slot);
  return NULL;
}

static void
prepare_user (struct user *user)
{
  scope_init (&user->scope, &worker.scope, NULL);
  user->scope.branch = true;
  user->context = worker.context;
  user->context.test = &user->run;
  user->context.scope = &user->scope;
}

static void
start_user (struct user *user)
{
  ck_assert_int_eq (pthread_create (&user->thread, NULL, run_user, user), 0);
}

/* What it opened is closed here, on the main thread. */
static void
end_user (struct user *user)
{
  ck_assert_int_eq (pthread_join (user->thread, NULL), 0);
  destroy_handles (&worker.context, &user->scope);
  scope_free (&user->scope);
  context_free (&user->context);
  end_run (&user->run);
}

static struct user *
start_users (size_t n, const struct plugin *plugin, void (*work) (struct user *user), const char *address)
{
  struct user *users = xcalloc (n, sizeof *users);
  for (size_t i = 0; i < n; i++) {
    users[i].plugin = plugin;
    users[i].number = (int) i;
    users[i].work = work;
    users[i].address = address;
    prepare_user (&users[i]);
    start_user (&users[i]);
  }
  return users;
}

/* Does the thread sleep?  (proc(5): state S)  Before its last call that may be for a lock. */
static bool
is_asleep (const struct user *user)
{
  char path[64], text[512];
  int id = atomic_load (&user->in_last) ? atomic_load (&user->kernel_id) : 0;
  snprintf (path, sizeof path, "/proc/self/task/%d/stat", id);
  FILE *stream = id ? fopen (path, "re") : NULL;
  const char *state = stream && fgets (text, sizeof text, stream) ? strrchr (text, ')') : NULL;
  if (stream)
    fclose (stream);
  return state && state[1] == ' ' && state[2] == 'S';
}

static void
wait_until_asleep (const struct user *user)
{
  for (int64_t end = clock_now_ns () + 60 * SECOND; !is_asleep (user);) {
    ck_assert_msg (clock_now_ns () < end, "user %d does not wait", user->number);
    sched_yield ();
  }
}

static void
cancel (void)
{
  uint64_t one = 1;
  ck_assert_int_eq (write (cancel_fd, &one, sizeof one), (int) sizeof one);
}

/* ---- many threads in the verbs of tcp ---- */

static void
talk (struct user *user)
{
  struct context *context = &user->context;
  const struct plugin *tcp = user->plugin;
  char address[100];
  for (int i = 0; i < ROUNDS; i++) {
    listen_at (context, tcp, "listener", address, sizeof address);
    must (context, tcp, "connect", 2, NULL, "{\"to\": \"%s\", \"as\": \"out\"}", address);
    must (context, tcp, "accept", 3, NULL, "{\"as\": \"in\"}");
    must (context, tcp, "send", 4, NULL, "{\"conn\": \"out\", \"text\": \"question %d of %d\\n\"}", i, user->number);
    must (context, tcp, "receive", 5, NULL, "{\"conn\": \"in\", \"line\": \"question %d of %d\"}", i, user->number);
    must (context, tcp, "send", 6, NULL, "{\"conn\": \"in\", \"text\": \"noise, then answer %d\\n\"}", i);
    must (context, tcp, "wait", 7, NULL, "{\"conn\": \"out\", \"regex\": \"answer %d\\n\"}", i);
    must (context, tcp, "quiet", 8, NULL, "{\"conn\": \"out\", \"for\": \"0s\", \"regex\": \".+\"}");
    must (context, tcp, "close", 9, NULL, "{\"conn\": \"out\"}");
    must (context, tcp, "receive", 10, NULL, "{\"conn\": \"in\", \"closed\": true}");
    if (i % 2) /* else the next round's takes its place */
      must (context, tcp, "close", 11, NULL, "{\"conn\": \"in\"}");
  }
}

START_TEST (many_threads_are_in_the_verbs_at_once)
{
  const struct plugin *tcp = plugin_of ("tcp");
  if (!tcp)
    return;
  struct user *users = start_users (THREADS, tcp, talk, NULL);
  for (int i = 0; i < THREADS; i++)
    end_user (&users[i]);
  free (users);
}
END_TEST

/* ---- one listener of the suite, which one thread has at a time ---- */

static void
take_door (struct user *user)
{
  atomic_store (&user->in_last, true);
  call (&user->context, user->plugin, "accept", 100 + (unsigned) user->number, 60 * SECOND, &user->answer,
        "{\"conn\": \"door\"}");
}

START_TEST (a_handle_in_use_is_refused_at_once)
{
  const struct plugin *tcp = plugin_of ("tcp");
  char address[100];
  if (!tcp)
    return;
  listen_at (&worker.context, tcp, "door", address, sizeof address);
  struct user *holder = start_users (1, tcp, take_door, NULL);
  wait_until_asleep (holder);

  struct answer answer;
  for (int i = 0; i < THREADS; i++) {
    ck_assert_int_eq (call (&worker.context, tcp, "accept", 7, 60 * SECOND, &answer, "{\"conn\": \"door\"}"),
                      RUNNER_ERROR);
    ck_assert_str_eq (answer.message, "tcp socket \"door\" is in use at threads.yaml:100");
    ck_assert_int_lt (answer.ns, AT_ONCE);
    answer_free (&answer);
  }
  /* nor is it closed, or replaced, under the other's hands */
  ck_assert_int_eq (call (&worker.context, tcp, "close", 8, SECOND, &answer, "{\"conn\": \"door\"}"), RUNNER_ERROR);
  answer_free (&answer);
  ck_assert_int_eq (call (&worker.context, tcp, "listen", 9, SECOND, &answer, "{\"as\": \"door\"}"), RUNNER_ERROR);
  answer_free (&answer);

  /* all others are refused too; the holder then gets what it waits for */
  struct user *others = start_users (THREADS, tcp, take_door, NULL);
  for (int i = 0; i < THREADS; i++) {
    end_user (&others[i]);
    ck_assert_int_eq (others[i].answer.outcome, RUNNER_ERROR);
    ck_assert_int_lt (others[i].answer.ns, AT_ONCE);
    answer_free (&others[i].answer);
  }
  free (others);
  must (&worker.context, tcp, "connect", 10, NULL, "{\"to\": \"%s\"}", address);
  end_user (holder);
  ck_assert_msg (holder->answer.outcome == RUNNER_PASS, "%s", holder->answer.message);
  answer_free (&holder->answer);
  free (holder);
  must (&worker.context, tcp, "close", 11, NULL, "{\"conn\": \"door\"}");
}
END_TEST

/* ---- cancelling ---- */

/* Each ends in a wait that nothing but cancelling ends, but for the minute. */
static void
wait_somehow (struct user *user)
{
  static const struct { const char *verb, *args; } waits[] = {
    { "receive", "{\"line\": \"never\"}" },
    { "receive", "{\"length\": 10}" },
    { "receive", "{\"closed\": true}" },
    { "wait", "{\"regex\": \"never\"}" },
    { "quiet", "{\"for\": \"50s\", \"text\": \"x\"}" },
    { "accept", "{}" },
    { "start_tls", "{}" },
    { "send", NULL }, /* more than fits */
  };
  struct context *context = &user->context;
  const struct plugin *tcp = user->plugin;
  int which = user->number % (int) (sizeof waits / sizeof *waits);
  char address[100];
  listen_at (context, tcp, "listener", address, sizeof address);
  must (context, tcp, "connect", 2, NULL, "{\"to\": \"%s\"}", strcmp (waits[which].verb, "accept") ? address : user->address);
  if (waits[which].args) {
    atomic_store (&user->in_last, true);
    call (context, tcp, waits[which].verb, 3, 60 * SECOND, &user->answer, waits[which].args);
    return;
  }
  size_t size = (size_t) 16 << 20;
  char *json = xmalloc (size);
  memset (json, 'x', size);
  memcpy (json, "{\"text\": \"", 10);
  memcpy (json + size - 3, "\"}", 3);
  atomic_store (&user->in_last, true);
  call (context, tcp, waits[which].verb, 3, 60 * SECOND, &user->answer, json);
  free (json);
}

START_TEST (cancelling_wakes_every_wait)
{
  const struct plugin *tcp = plugin_of ("tcp");
  char address[100];
  if (!tcp)
    return;
  listen_at (&worker.context, tcp, "backlog", address, sizeof address);
  struct user *users = start_users (THREADS, tcp, wait_somehow, address);
  for (int i = 0; i < THREADS; i++)
    wait_until_asleep (&users[i]);
  int64_t start = clock_now_ns ();
  cancel ();
  for (int i = 0; i < THREADS; i++) {
    end_user (&users[i]);
    ck_assert_msg (users[i].answer.outcome == RUNNER_FAIL, "user %d: %s", i, users[i].answer.message);
    ck_assert_msg (strstr (users[i].answer.message, "cancelled while ") != NULL, "user %d: %s", i,
                   users[i].answer.message);
    answer_free (&users[i].answer);
  }
  ck_assert_int_lt (clock_now_ns () - start, AT_ONCE);
  free (users);
}
END_TEST

/* ---- copies, and who destroys ---- */

struct thing { bool copy; pthread_t maker; };
static _Atomic int made, destroyed, destroyed_elsewhere, copying;
static int gate_fd; /* readable when copies may be made */

static struct thing *
new_thing (bool is_copy)
{
  struct thing *thing = xcalloc (1, sizeof *thing);
  thing->copy = is_copy;
  thing->maker = pthread_self ();
  atomic_fetch_add (&made, 1);
  return thing;
}

static void
destroy_thing (struct runner_step *step, void *object)
{
  ck_assert_int_gt (runner_left (step), 0);
  atomic_fetch_add (&destroyed, 1);
  if (!pthread_equal (pthread_self (), main_thread))
    atomic_fetch_add (&destroyed_elsewhere, 1);
  free (object);
}

static void *
copy_thing (struct runner_step *step, void *object)
{
  const struct thing *from = object;
  struct pollfd gate = { .fd = gate_fd, .events = POLLIN };
  atomic_fetch_add (&copying, 1);
  ck_assert_int_eq (runner_poll (step, &gate, 1, -1), 1);
  ck_assert (!from->copy); /* still there */
  return new_thing (true);
}

static const struct runner_handle_type thing_type
  = { .name = "thing", .destroy = destroy_thing, .copy = copy_thing };

/* A step that is none of a verb. */
static void
begin_step (struct runner_step *step, struct context *context, struct arena *arena)
{
  step_begin (step, context, NULL, arena, clock_now_ns () + 60 * SECOND);
}

static void
use_things (struct user *user)
{
  struct thing *own = NULL;
  for (int i = 0; i < ROUNDS; i++) {
    CLEANUP_ARENA struct arena arena = { 0 };
    struct runner_step step;
    begin_step (&step, &user->context, &arena);
    struct thing *thing = runner_handle_use (&step, "thing", &thing_type);
    ck_assert_msg (thing != NULL, "%s", step.message);
    ck_assert (thing->copy && pthread_equal (thing->maker, pthread_self ()));
    ck_assert (!own || own == thing); /* copied once */
    own = thing;
    step_release (&step);
  }
}

static int
close_thing (void)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct runner_step step;
  begin_step (&step, &worker.context, &arena);
  int result = runner_handle_close (&step, "thing", &thing_type);
  ck_assert_msg (result == 0 || strstr (step.message, "thing \"thing\" is in use at"), "%s", step.message);
  step_release (&step);
  return result;
}

START_TEST (each_thread_has_its_copy_and_the_main_thread_destroys)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct runner_step step;
  gate_fd = eventfd (0, EFD_CLOEXEC);
  begin_step (&step, &worker.context, &arena);
  struct thing *original = new_thing (false);
  ck_assert_int_eq (runner_handle_add (&step, "thing", &thing_type, original), 0);
  /* the original may be at work meanwhile */
  ck_assert_ptr_eq (runner_handle_use (&step, "thing", &thing_type), original);
  struct user *users = start_users (THREADS, NULL, use_things, NULL);
  for (int64_t end = clock_now_ns () + 60 * SECOND; atomic_load (&copying) < THREADS;) {
    ck_assert_int_lt (clock_now_ns (), end);
    sched_yield ();
  }
  step_release (&step);
  ck_assert_int_eq (close_thing (), -1); /* it is being copied */
  uint64_t one = 1;
  ck_assert_int_eq (write (gate_fd, &one, sizeof one), (int) sizeof one);
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq (pthread_join (users[i].thread, NULL), 0);
  ck_assert_int_eq (atomic_load (&copying), THREADS);
  ck_assert_int_eq (atomic_load (&destroyed), 0);
  ck_assert_int_eq (close_thing (), 0);
  ck_assert_int_eq (atomic_load (&destroyed), 1);
  for (int i = 0; i < THREADS; i++) {
    destroy_handles (&worker.context, &users[i].scope);
    scope_free (&users[i].scope);
    end_run (&users[i].run);
  }
  free (users);
  ck_assert_int_eq (atomic_load (&destroyed), 1 + THREADS);
  ck_assert_int_eq (atomic_load (&made), 1 + THREADS);
  ck_assert_int_eq (atomic_load (&destroyed_elsewhere), 0);
  close (gate_fd);
}
END_TEST

/* ---- http: clients with copies of one session, servers made of tcp ---- */

static void
serve (struct user *user)
{
  struct context *context = &user->context;
  const struct plugin *tcp = user->plugin;
  for (int i = 0; i < ROUNDS / 4; i++) {
    must (context, tcp, "accept", 20, NULL, "{\"as\": \"in\"}");
    must (context, tcp, "wait", 21, NULL, "{\"conn\": \"in\", \"text\": \"\\r\\n\\r\\n\"}");
    must (context, tcp, "send", 22, NULL,
          "{\"conn\": \"in\", \"text\": \"HTTP/1.1 200 OK\\r\\nSet-Cookie: n=%d\\r\\nContent-Length: 2\\r\\n"
          "Connection: close\\r\\n\\r\\nOK\"}", i);
    must (context, tcp, "close", 23, NULL, "{\"conn\": \"in\"}");
  }
}

static void
ask (struct user *user)
{
  struct answer answer;
  for (int i = 0; i < ROUNDS / 4; i++) {
    must (&user->context, user->plugin, "get", 30, &answer, "{\"url\": \"http://%s/%d\", \"conn\": \"shared\"}",
          user->address, i);
    const struct value *status = value_get (&answer.result, "status");
    ck_assert (status && status->integer == 200);
    answer_free (&answer);
  }
}

START_TEST (sessions_of_http_are_copied)
{
  const struct plugin *tcp = plugin_of ("tcp"), *http = plugin_of ("http");
  char addresses[THREADS / 2][100];
  if (!tcp || !http)
    return;
  must (&worker.context, http, "session", 1, NULL, "{\"as\": \"shared\"}");
  struct user *servers = xcalloc (THREADS / 2, sizeof *servers), *clients = xcalloc (THREADS / 2, sizeof *clients);
  for (int i = 0; i < THREADS / 2; i++) {
    servers[i] = (struct user) { .plugin = tcp, .number = i, .work = serve };
    clients[i] = (struct user) { .plugin = http, .number = i, .work = ask, .address = addresses[i] };
    prepare_user (&servers[i]);
    prepare_user (&clients[i]);
    listen_at (&servers[i].context, tcp, "listener", addresses[i], sizeof addresses[i]);
  }
  for (int i = 0; i < THREADS / 2; i++) {
    start_user (&servers[i]);
    start_user (&clients[i]);
  }
  for (int i = 0; i < THREADS / 2; i++) {
    end_user (&clients[i]);
    end_user (&servers[i]);
  }
  free (servers);
  free (clients);
}
END_TEST

/* ---- */

Suite *
threads_suite (void)
{
  Suite *suite_of_tests = suite_create ("threads");
  TCase *tc = tcase_create ("threads");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_set_timeout (tc, 120);
  tcase_add_test (tc, many_threads_are_in_the_verbs_at_once);
  tcase_add_test (tc, a_handle_in_use_is_refused_at_once);
  tcase_add_test (tc, cancelling_wakes_every_wait);
  tcase_add_test (tc, each_thread_has_its_copy_and_the_main_thread_destroys);
  tcase_add_test (tc, sessions_of_http_are_copied);
  suite_add_tcase (suite_of_tests, tc);
  return suite_of_tests;
}
