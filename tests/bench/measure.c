/* measure.c - runs a program once and prints what it took.
 *
 *   measure PROGRAM ARGUMENT…
 *
 * One line: exit status, wall time in nanoseconds, processor time (user and
 * system, of all its processes) in microseconds, peak memory of its largest
 * process in KiB.  It is small itself: the peak of a child begins with its
 * parent's. */
#include "config.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static void
die (const char *what)
{
  perror (what);
  exit (2);
}

static long long
now_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long
microseconds (const struct timeval *time)
{
  return time->tv_sec * 1000000LL + time->tv_usec;
}

int
main (int argc, char **argv)
{
  posix_spawn_file_actions_t quiet;
  struct rusage usage;
  pid_t pid;
  int status;
  if (argc < 2) {
    fprintf (stderr, "usage: measure PROGRAM ARGUMENT…\n");
    return 2;
  }
  if (posix_spawn_file_actions_init (&quiet) != 0
      || posix_spawn_file_actions_addopen (&quiet, 1, "/dev/null", O_WRONLY, 0) != 0)
    die ("measure");
  long long start = now_ns ();
  if (posix_spawnp (&pid, argv[1], &quiet, NULL, argv + 1, environ) != 0 || wait4 (pid, &status, 0, &usage) != pid)
    die (argv[1]);
  long long wall = now_ns () - start;
  posix_spawn_file_actions_destroy (&quiet);
  printf ("%d %lld %lld %ld\n", WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status), wall,
          microseconds (&usage.ru_utime) + microseconds (&usage.ru_stime), usage.ru_maxrss);
  return 0;
}
