/* bad.c - a plugin whose verbs and roles do what none should: for the tests of the
 * runner's own robustness. */
#include <runner-plugin.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct handle_args { const char *as; struct runner_bool hang, crash; };
struct print_args { const char *text; int64_t megabytes; struct runner_bool crash; };
struct flood_args { int64_t megabytes; };

static int
bad_crash (struct runner_step *step, const void *args)
{
  (void) args;
  runner_wire (step, RUNNER_SENT, "crash-peer", "last words", 10);
  static volatile uintptr_t nowhere = 16; /* volatile: the compiler must not know */
  *(volatile int *) nowhere = 1;
  return RUNNER_PASS;
}

static int
bad_abort (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
  abort ();
}

static int
bad_exit (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
  _exit (5);
}

static int
bad_quit (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
  _exit (0);
}

static int
bad_keeper (struct runner_step *step, const void *args)
{
  (void) args;
  return kill (getppid (), SIGKILL) == 0 ? RUNNER_PASS : runner_error (step, "the parent cannot be killed");
}

static int
bad_group (struct runner_step *step, const void *args)
{
  (void) args;
  return kill (0, SIGKILL) == 0 ? RUNNER_PASS : runner_error (step, "the group cannot be killed");
}

static int
bad_descriptors (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
  for (int fd = 0; fd < 1024; fd++)
    close (fd);
  return RUNNER_PASS;
}

static int
bad_print (struct runner_step *step, const void *args)
{
  const struct print_args *a = args;
  static char line[1024];
  memset (line, 'z', sizeof line - 1);
  line[sizeof line - 1] = '\n';
  for (int64_t i = 0; i < a->megabytes * 1024; i++)
    if (fwrite (line, 1, sizeof line, i & 1 ? stdout : stderr) != sizeof line)
      return runner_error (step, "cannot print");
  printf ("%s", a->text ? a->text : "");
  if (a->crash.on) {
    puts ("");
    abort ();
  }
  return RUNNER_PASS;
}

static int
bad_assert (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
#undef NDEBUG
#include <assert.h>
  assert (!"all is well");
  return RUNNER_PASS;
}

static int
bad_heap (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
  char *volatile block = malloc (24); /* volatile: the compiler must not know */
  char *volatile same = block;
  free (block);
  free (same);
  return RUNNER_PASS;
}

static int overflow (volatile char *outer);
static int
overflow (volatile char *outer)
{
  volatile char frame[4096];
  if (!outer[0]) /* it never is, which the compiler must not know */
    return 0;
  frame[0] = outer[0];
  return overflow (frame) + frame[0];
}

static int
bad_overflow (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
  char c = 1;
  return overflow (&c);
}

static int
bad_hang (struct runner_step *step, const void *args)
{
  (void) args;
  runner_wire (step, RUNNER_SENT, "crash-peer", "last words", 10);
  while (pause () < 0) /* neither the deadline nor the cancel descriptor is looked at */
    continue;
  return RUNNER_PASS;
}

struct deaf_args { struct runner_duration time; const char *fail; };

static int
bad_deaf (struct runner_step *step, const void *args)
{
  const struct deaf_args *a = args;
  struct timespec time = { a->time.ns / 1000000000, a->time.ns % 1000000000 };
  while (nanosleep (&time, &time) < 0)
    continue;
  return a->fail ? runner_fail (step, "%s", a->fail) : RUNNER_PASS;
}

/* Goes on to wait, whatever it is told. */
static int
bad_heedless (struct runner_step *step, const void *args)
{
  (void) args;
  while (runner_sleep (step, 10000000) <= 0)
    continue;
  return RUNNER_PASS;
}

/* Ignores its deadline until the runner asks where it is. */
static int
bad_late (struct runner_step *step, const void *args)
{
  (void) args;
  runner_wire (step, RUNNER_SENT, "late-peer", "late words", 10);
  pause ();
  return RUNNER_PASS;
}

static int
bad_temp (struct runner_step *step, const void *args)
{
  (void) args;
  const char *temp = runner_temp (step);
  return temp && rmdir (temp) == 0 ? RUNNER_PASS : runner_error (step, "there is no temporary folder, or it stays");
}

static int
bad_nonsense (struct runner_step *step, const void *args)
{
  (void) step;
  (void) args;
  return 77;
}

static int
bad_log (struct runner_step *step, const void *args)
{
  const struct flood_args *a = args;
  static char line[1024];
  memset (line, 'x', sizeof line - 1);
  for (int64_t i = 0; i < a->megabytes * 1024; i++)
    runner_log (step, "%s", line);
  return RUNNER_PASS;
}

struct thing { int hang, crash; };

static void
destroy_thing (struct runner_step *step, void *object)
{
  struct thing *thing = object;
  if (thing->hang)
    for (;;)
      pause ();
  if (thing->crash)
    abort ();
  runner_fail (step, "it would not be closed");
  free (thing);
}

static const struct runner_handle_type thing_type = { .name = "bad thing", .destroy = destroy_thing };

static int
bad_handle (struct runner_step *step, const void *args)
{
  const struct handle_args *a = args;
  struct thing *thing = calloc (1, sizeof *thing);
  if (!thing)
    return runner_error (step, "no memory");
  thing->hang = a->hang.on;
  thing->crash = a->crash.on;
  if (runner_handle_add (step, a->as, &thing_type, thing) < 0) {
    free (thing);
    return RUNNER_ERROR;
  }
  return RUNNER_PASS;
}

/* ---- roles ---- */

static int
wait_stop (struct runner_role *role)
{
  struct pollfd fd = { .fd = runner_stop_fd (role), .events = POLLIN };
  while (poll (&fd, 1, -1) <= 0)
    continue;
  return 0;
}

static int
role_silent (struct runner_role *role, const void *args)
{
  (void) args;
  puts ("thinking about it");
  return wait_stop (role);
}

static int
role_dies_early (struct runner_role *role, const void *args)
{
  (void) args;
  return runner_role_error (role, "the port is taken");
}

struct dies_args { double after; const char *once; struct runner_bool crash; };

static int
role_dies (struct runner_role *role, const void *args)
{
  const struct dies_args *a = args;
  if (runner_ready (role) < 0)
    return 1;
  struct timespec time = { (time_t) a->after, (long) ((a->after - (double) (time_t) a->after) * 1e9) };
  while (nanosleep (&time, &time) < 0)
    continue;
  while (a->once && access (a->once, F_OK) < 0)
    poll (NULL, 0, 10);
  puts ("this is the end");
  fflush (stdout);
  if (a->crash.on) {
    signal (SIGSEGV, SIG_DFL); /* a sanitizer may have taken it */
    raise (SIGSEGV);
  }
  return 4;
}

static int
role_sulky (struct runner_role *role, const void *args)
{
  (void) args;
  puts ("ready, for once");
  return runner_ready (role) < 0 ? 1 : wait_stop (role) + 3;
}

static int
role_stubborn (struct runner_role *role, const void *args)
{
  (void) args;
  if (runner_ready (role) < 0)
    return 1;
  for (;;)
    pause ();
}

static int
role_flood (struct runner_role *role, const void *args)
{
  const struct flood_args *a = args;
  static char line[1024];
  memset (line, 'y', sizeof line - 2);
  line[sizeof line - 2] = '\n';
  for (int64_t i = 0; i < a->megabytes * 1024; i++)
    fputs (line, stdout);
  if (fflush (stdout) != 0 || runner_ready (role) < 0)
    return 1;
  return wait_stop (role);
}

struct shouts_args { const char *text; int64_t megabytes; struct runner_bool dies; };

/* Says a text again and again; at last without an end of line. */
static int
role_shouts (struct runner_role *role, const void *args)
{
  const struct shouts_args *a = args;
  size_t size = strlen (a->text), said = 0;
  for (; said < (size_t) a->megabytes << 20; said += size)
    fputs (a->text, stdout);
  puts ("");
  for (said = 0; said < 1000; said += size)
    fputs (a->text, stdout);
  if (fflush (stdout) != 0 || runner_ready (role) < 0)
    return 1;
  return a->dies.on ? 4 : wait_stop (role);
}

static int
role_observes (struct runner_role *role, const void *args)
{
  const struct flood_args *a = args;
  if (runner_ready (role) < 0)
    return 1;
  for (int64_t i = 0; i < a->megabytes; i++) {
    runner_put_int (runner_observation (role), "n", i);
    runner_observe (role);
  }
  return wait_stop (role);
}

struct babbles_args { struct runner_duration every; };

static int
role_babbles (struct runner_role *role, const void *args)
{
  const struct babbles_args *a = args;
  struct pollfd stop = { .fd = runner_stop_fd (role), .events = POLLIN };
  if (runner_ready (role) < 0)
    return 1;
  for (int64_t i = 0; poll (&stop, 1, (int) (a->every.ns / 1000000)) <= 0; i++) {
    runner_put_int (runner_observation (role), "n", i);
    runner_observe (role);
  }
  return 0;
}

static const struct runner_param handle_params[] = {
  RUNNER_PARAM (struct handle_args, as, .preset = "default", .help = "name"),
  RUNNER_PARAM (struct handle_args, hang, .help = "never come back from being destroyed"),
  RUNNER_PARAM (struct handle_args, crash, .help = "crash when it is destroyed"),
  { 0 }
};
static const struct runner_param flood_params[] = {
  RUNNER_PARAM (struct flood_args, megabytes, .flags = RUNNER_PRIMARY, .preset = "1", .help = "how much"),
  { 0 }
};
static const struct runner_param babbles_params[] = {
  RUNNER_PARAM (struct babbles_args, every, .flags = RUNNER_PRIMARY | RUNNER_REQUIRED, .help = "in milliseconds"),
  { 0 }
};
static const struct runner_param deaf_params[] = {
  RUNNER_PARAM_AS ("for", struct deaf_args, time, .flags = RUNNER_PRIMARY | RUNNER_REQUIRED, .help = "how long"),
  RUNNER_PARAM (struct deaf_args, fail, .help = "fail then, with this message"),
  { 0 }
};
static const struct runner_param print_params[] = {
  RUNNER_PARAM (struct print_args, text, .flags = RUNNER_PRIMARY, .help = "at last, without an end of line"),
  RUNNER_PARAM (struct print_args, megabytes, .preset = "0", .help = "of other lines before, to both streams"),
  RUNNER_PARAM (struct print_args, crash, .help = "abort then"),
  { 0 }
};
static const struct runner_param shouts_params[] = {
  RUNNER_PARAM (struct shouts_args, text, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY, .help = "what"),
  RUNNER_PARAM (struct shouts_args, megabytes, .preset = "0", .help = "how much"),
  RUNNER_PARAM (struct shouts_args, dies, .help = "ends then"),
  { 0 }
};
static const struct runner_param dies_params[] = {
  RUNNER_PARAM (struct dies_args, after, .preset = "0", .help = "seconds"),
  RUNNER_PARAM (struct dies_args, once, .help = "and not before this file is there"),
  RUNNER_PARAM (struct dies_args, crash, .help = "by a signal"),
  { 0 }
};

static const struct runner_verb verbs[] = {
  { .name = "crash", .help = "writes to address 16", .run = bad_crash, .flags = RUNNER_COOPERATIVE },
  { .name = "abort", .help = "aborts", .run = bad_abort },
  { .name = "exit", .help = "ends the process", .run = bad_exit },
  { .name = "quit", .help = "ends the process as if all were well", .run = bad_quit, .flags = RUNNER_COOPERATIVE },
  { .name = "keeper", .help = "kills its parent", .run = bad_keeper },
  { .name = "group", .help = "kills its process group", .run = bad_group },
  { .name = "descriptors", .help = "closes all descriptors", .run = bad_descriptors },
  { .name = "print", .help = "prints", .run = bad_print, .params = print_params,
    .args_size = sizeof (struct print_args) },
  { .name = "assert", .help = "asserts what is not so", .run = bad_assert },
  { .name = "heap", .help = "frees a block of memory twice", .run = bad_heap },
  { .name = "overflow", .help = "uses up the stack", .run = bad_overflow, .flags = RUNNER_COOPERATIVE },
  { .name = "hang", .help = "ignores its deadline", .run = bad_hang, .flags = RUNNER_COOPERATIVE },
  { .name = "deaf", .help = "takes no notice of its deadline, nor of being cancelled", .run = bad_deaf,
    .flags = RUNNER_COOPERATIVE, .params = deaf_params,
    .args_size = sizeof (struct deaf_args) },
  { .name = "heedless", .help = "waits again when its time is over", .run = bad_heedless, .flags = RUNNER_COOPERATIVE },
  { .name = "late", .help = "goes on when it is looked at, after its deadline", .run = bad_late },
  { .name = "temp", .help = "removes the temporary folder", .run = bad_temp },
  { .name = "nonsense", .help = "returns what is no outcome", .run = bad_nonsense },
  { .name = "log", .help = "logs a lot", .run = bad_log, .params = flood_params, .args_size = sizeof (struct flood_args) },
  { .name = "handle", .help = "makes a handle that does not close well", .run = bad_handle,
    .flags = RUNNER_COOPERATIVE, .params = handle_params,
    .args_size = sizeof (struct handle_args) },
  { 0 }
};

static const struct runner_role_type roles[] = {
  { .name = "silent", .help = "never gets ready", .run = role_silent },
  { .name = "early", .help = "ends before it is ready", .run = role_dies_early },
  { .name = "dies", .help = "ends by itself", .run = role_dies, .params = dies_params,
    .args_size = sizeof (struct dies_args) },
  { .name = "sulky", .help = "does not end well when it is stopped", .run = role_sulky },
  { .name = "stubborn", .help = "ignores SIGTERM", .run = role_stubborn },
  { .name = "flood", .help = "prints a lot", .run = role_flood, .params = flood_params,
    .args_size = sizeof (struct flood_args) },
  { .name = "shouts", .help = "prints a text again and again", .run = role_shouts, .params = shouts_params,
    .args_size = sizeof (struct shouts_args) },
  { .name = "observes", .help = "observes many things", .run = role_observes, .params = flood_params,
    .args_size = sizeof (struct flood_args) },
  { .name = "babbles", .help = "observes something for ever", .run = role_babbles, .params = babbles_params,
    .args_size = sizeof (struct babbles_args) },
  { 0 }
};

RUNNER_PLUGIN (.name = "bad", .version = "1.0", .help = "misbehaves", .verbs = verbs, .roles = roles);
