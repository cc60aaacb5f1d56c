/* child.c - see child.h.  Not posix_spawn: it cannot make a terminal the controlling one. */
#include "config.h"

#include "child.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "descriptors.h"

pid_t
child_fork (void)
{
  struct sigaction plain = { .sa_handler = SIG_DFL };
  sigset_t all, old, none;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old); /* no handler of ours runs in the child */
  pid_t pid = fork ();
  if (pid == 0) {
    setsid ();
    descriptors_restore ();
    for (int s = 1; s < NSIG; s++)
      sigaction (s, &plain, NULL);
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    return 0;
  }
  int error = errno;
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  errno = error;
  return pid;
}
