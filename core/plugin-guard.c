/* plugin-guard.c - see plugin-guard.h. */
#include "config.h"

#include "plugin-guard.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOAD_SECONDS 10
#define TEXT(number) TEXT_OF (number)
#define TEXT_OF(number) #number

static const struct watched {
  int signal;
  const char *says;
} watched[] = {
  { SIGABRT, "crashed while it was loaded (SIGABRT)" }, { SIGSEGV, "crashed while it was loaded (SIGSEGV)" },
  { SIGBUS, "crashed while it was loaded (SIGBUS)" },   { SIGFPE, "crashed while it was loaded (SIGFPE)" },
  { SIGILL, "crashed while it was loaded (SIGILL)" },
  { SIGALRM, "did not finish loading within " TEXT (LOAD_SECONDS) " s" },
};
#define WATCHED_COUNT (sizeof watched / sizeof *watched)

static const char *volatile loading; /* NULL: nothing */
static struct sigaction before[WATCHED_COUNT];
static sigset_t mask_before;
static stack_t stack_before;
static unsigned alarm_before;

static void
put (const char *text)
{
  if (write (STDERR_FILENO, text, strlen (text)) < 0)
    return; /* there is nobody else to tell */
}

/* Calls only what is safe in a handler. */
static void
give_up (const char *says)
{
  put ("runner: ");
  put (loading);
  put (": ");
  put (says);
  put ("\n");
  _exit (3);
}

static void
on_signal (int signal)
{
  for (size_t i = 0; i < WATCHED_COUNT; i++)
    if (watched[i].signal == signal)
      give_up (watched[i].says);
}

static void
on_exit_while_loading (void)
{
  if (loading)
    give_up ("ended the program while it was loaded");
}

void
plugin_guard_begin (const char *path)
{
  static char stack[64 << 10]; /* for who has used up the other */
  static bool registered;
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK | (int) SA_RESETHAND };
  sigset_t set;
  loading = path;
  if (!registered)
    registered = atexit (on_exit_while_loading) == 0;
  sigaltstack (&(stack_t) { .ss_sp = stack, .ss_size = sizeof stack }, &stack_before);
  sigemptyset (&set);
  for (size_t i = 0; i < WATCHED_COUNT; i++) {
    sigaddset (&set, watched[i].signal);
    sigaction (watched[i].signal, &action, &before[i]);
  }
  sigprocmask (SIG_UNBLOCK, &set, &mask_before);
  alarm_before = alarm (LOAD_SECONDS);
}

void
plugin_guard_end (void)
{
  alarm (alarm_before);
  for (size_t i = 0; i < WATCHED_COUNT; i++)
    sigaction (watched[i].signal, &before[i], NULL);
  sigprocmask (SIG_SETMASK, &mask_before, NULL);
  sigaltstack (&stack_before, NULL);
  loading = NULL;
}
