/* keeper.c - see keeper.h. */
#include "config.h"

#include "keeper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "descriptors.h"
#include "files.h"
#include "secret.h"
#include "text.h"
#include "worker.h"

#define DRAINS_MOST 4096
#define NAME_MOST 128

/* ---- processes below a process ---- */

static size_t
children_of_thread (const char *path, pid_t *pids, size_t n)
{
  FILE *file = fopen (path, "re");
  size_t count = 0;
  int pid;
  if (!file)
    return 0;
  while (count < n && fscanf (file, "%d", &pid) == 1)
    pids[count++] = pid;
  fclose (file);
  return count;
}

size_t
children_of (pid_t parent, pid_t *pids, size_t n)
{
  char path[96];
  snprintf (path, sizeof path, "/proc/%d/task", (int) parent);
  DIR *dir = opendir (path);
  size_t count = 0;
  if (!dir)
    return 0;
  for (struct dirent *entry; (entry = readdir (dir));) {
    if (entry->d_name[0] == '.')
      continue;
    snprintf (path, sizeof path, "/proc/%d/task/%.20s/children", (int) parent, entry->d_name);
    count += children_of_thread (path, pids + count, n - count);
  }
  closedir (dir);
  return count;
}

#define FAMILY 512

static unsigned
kill_below (pid_t parent, pid_t except, unsigned depth)
{
  pid_t pids[FAMILY];
  size_t n = children_of (parent, pids, FAMILY);
  unsigned killed = 0;
  for (size_t i = 0; i < n; i++) {
    if (pids[i] == except)
      continue;
    /* stopped first, so that it cannot make new ones while its own are ended */
    kill (pids[i], SIGSTOP);
    if (depth < 64)
      killed += kill_below (pids[i], except, depth + 1);
    killed += kill (pids[i], SIGKILL) == 0;
  }
  return killed;
}

unsigned
kill_descendants (pid_t parent, pid_t except)
{
  return kill_below (parent, except, 0);
}

void
describe_process (pid_t pid, struct buffer *out)
{
  char path[64], text[200];
  snprintf (path, sizeof path, "/proc/%d/cmdline", (int) pid);
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read (fd, text, sizeof text);
  while (n > 0 && text[n - 1] == '\0')
    n--;
  buffer_printf (out, "%d (", (int) pid);
  size_t from = out->size;
  for (ssize_t i = 0; i < n; i++)
    buffer_putc (out, text[i] >= 0 && text[i] < ' ' ? ' ' : text[i]);
  secret_mask_cut (out, from, n == (ssize_t) sizeof text ? SECRET_CUT_END : 0);
  buffer_puts (out, n > 0 ? ")" : "?)");
}

#define ORPHANS_NS (INT64_C (10) * 1000000000) /* one that hangs in the kernel may stay so long */

static bool
is_among (pid_t pid, const pid_t *pids, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (pids[i] == pid)
      return true;
  return false;
}

bool
end_orphans (const pid_t *but, size_t n)
{
  int64_t end = clock_now_ns () + ORPHANS_NS;
  for (;;) {
    pid_t pids[FAMILY];
    size_t count = children_of (getpid (), pids, FAMILY), left = 0;
    for (size_t i = 0; i < count; i++) {
      if (is_among (pids[i], but, n))
        continue;
      left++;
      kill (pids[i], SIGSTOP);
      kill_below (pids[i], 0, 0);
      kill (pids[i], SIGKILL);
      waitpid (pids[i], NULL, WNOHANG);
    }
    if (!left)
      return true;
    if (clock_now_ns () > end)
      return false;
    struct timespec wait = { 0, 1000000 };
    nanosleep (&wait, NULL);
  }
}

/* ---- folders of tests ---- */

/* $TMPDIR/runner-PID-XXXXXX: PID is the keeper's. */
void
temp_template (char *out, size_t size, pid_t keeper)
{
  const char *base = getenv ("TMPDIR");
  snprintf (out, size, "%s/runner-%ld-XXXXXX", base && *base ? base : "/tmp", (long) keeper);
}

/* The folders of a worker that could not remove them itself. */
void
remove_temps (pid_t keeper)
{
  char pattern[PATH_MAX];
  glob_t found = { .gl_pathc = 0 };
  temp_template (pattern, sizeof pattern, keeper);
  size_t n = strlen (pattern);
  memcpy (pattern + n - 6, "??????", 6);
  if (glob (pattern, GLOB_NOSORT, NULL, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; i++)
      remove_tree (found.gl_pathv[i]);
    globfree (&found);
  }
}

/* ---- messages from the worker ---- */

struct message {
  enum { MESSAGE_DRAIN, MESSAGE_FINISH } kind;
  int number;
  char name[NAME_MOST];
  char path[PATH_MAX]; /* "": none */
};

int
keeper_drain (struct keeper_link *link, int fd, struct capture *capture, const char *name, const char *path)
{
  static _Atomic int numbers;
  struct message message = { .kind = MESSAGE_DRAIN, .number = ++numbers };
  snprintf (message.name, sizeof message.name, "%s", name);
  snprintf (message.path, sizeof message.path, "%s", path ? path : "");
  int fds[3] = { fd, capture->memory_fd, capture->event_fd };
  if (!descriptors_send (link->socket, &message, sizeof message, fds, 3))
    return -1;
  close (fd);
  return message.number;
}

bool
keeper_finish (struct keeper_link *link, int number, const char *path)
{
  struct message message = { .kind = MESSAGE_FINISH, .number = number };
  snprintf (message.path, sizeof message.path, "%s", path ? path : "");
  return descriptors_send (link->socket, &message, sizeof message, NULL, 0);
}

/* ---- the keeper itself ---- */

struct drain {
  int fd;             /* -1: at its end */
  int number;
  struct capture capture;
  bool finished;      /* the worker has said what is to become of it */
  char name[NAME_MOST];
  char path[PATH_MAX];
};

struct house {
  pid_t worker;
  int worker_status;
  bool worker_gone;
  int lifeline, status, socket, signals;
  struct drain **drains;
  size_t count, room;
};

static void
tell (struct house *house, const char *fmt, ...) __attribute__ ((format (printf, 2, 3)));
static void
tell (struct house *house, const char *fmt, ...)
{
  char line[PATH_MAX + 256];
  va_list args;
  va_start (args, fmt);
  int n = vsnprintf (line, sizeof line, fmt, args);
  va_end (args);
  if (n > 0 && write (house->status, line, (size_t) n < sizeof line ? (size_t) n : sizeof line - 1) < 0) {
    /* the supervisor is gone: there is nobody to tell */
  }
}

static void
add_drain (struct house *house, struct drain *drain)
{
  fcntl (drain->fd, F_SETFL, fcntl (drain->fd, F_GETFL) | O_NONBLOCK);
  if (house->count == house->room) {
    house->room = house->room ? house->room * 2 : 16;
    house->drains = xrealloc (house->drains, house->room, sizeof *house->drains);
  }
  house->drains[house->count++] = drain;
}

/* What the worker itself prints. */
static void
drain_worker (struct house *house, int fd, const struct capture *printed)
{
  struct drain *drain = xcalloc (1, sizeof *drain);
  drain->fd = fd;
  drain->capture = *printed;
  add_drain (house, drain);
}

static void
receive_message (struct house *house)
{
  struct message message = { .number = 0 };
  int fds[DESCRIPTORS_SENT];
  size_t count;
  ssize_t n = descriptors_receive (house->socket, &message, sizeof message, MSG_DONTWAIT, fds, &count);
  if (n == 0) {
    close (house->socket);
    house->socket = -1;
  }
  if (n != (ssize_t) sizeof message)
    return;
  message.name[NAME_MOST - 1] = message.path[PATH_MAX - 1] = '\0';
  if (message.kind == MESSAGE_FINISH) {
    for (size_t i = 0; i < house->count; i++)
      if (house->drains[i]->number == message.number) {
        house->drains[i]->finished = true;
        memcpy (house->drains[i]->path, message.path, sizeof message.path);
      }
    return;
  }
  if (count != 3)
    return;
  struct drain *drain = xcalloc (1, sizeof *drain);
  drain->number = message.number;
  memcpy (drain->name, message.name, sizeof drain->name);
  memcpy (drain->path, message.path, sizeof drain->path);
  drain->fd = fds[0];
  if (house->count >= DRAINS_MOST || !capture_open (&drain->capture, fds[1], fds[2])) {
    close (fds[0]);
    free (drain);
    return;
  }
  add_drain (house, drain);
}

/* One read; false: there is nothing more now. */
static bool
read_some (struct drain *drain)
{
  static char data[64 << 10];
  atomic_store (&drain->capture.head->busy, 1);
  ssize_t n = read (drain->fd, data, sizeof data);
  int error = errno;
  if (n > 0)
    capture_put (&drain->capture, data, (size_t) n);
  atomic_store (&drain->capture.head->busy, 0);
  if (n > 0)
    return true;
  errno = error;
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return errno == EINTR;
  /* the end; for a terminal EIO */
  close (drain->fd);
  drain->fd = -1;
  capture_end (&drain->capture);
  return false;
}

static void
write_log (struct house *house, struct drain *drain)
{
  if (!drain->path[0])
    return;
  if (capture_total (&drain->capture) == 0) {
    unlink (drain->path); /* the worker has only taken the name */
    return;
  }
  struct buffer text = { 0 };
  capture_text (&drain->capture, &text);
  secret_mask (&text, 0);
  if (write_file (drain->path, text.data, text.size)) {
    if (!drain->finished)
      tell (house, "last %s\t%s\n", drain->name, drain->path);
  }
  else
    tell (house, "lost %s\t%s: %s\n", drain->name, drain->path, strerror (errno));
  buffer_free (&text);
}

/* Drains that are at their end and finished with: their logs are written. */
static void
put_away (struct house *house, bool all)
{
  for (size_t i = 0; i < house->count;) {
    struct drain *drain = house->drains[i];
    if (!all && (drain->fd >= 0 || !drain->finished)) {
      i++;
      continue;
    }
    if (drain->fd >= 0) {
      while (read_some (drain))
        continue;
      if (drain->fd >= 0)
        close (drain->fd);
      capture_end (&drain->capture);
    }
    write_log (house, drain);
    capture_free (&drain->capture);
    free (drain);
    house->drains[i] = house->drains[--house->count];
  }
}

/* How many children have ended; -1: there is none any more. */
static int
reap (struct house *house)
{
  struct signalfd_siginfo info;
  while (read (house->signals, &info, sizeof info) == (ssize_t) sizeof info)
    continue;
  int status, count = 0;
  pid_t pid;
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0) {
    count++;
    if (pid == house->worker) {
      house->worker_gone = true;
      house->worker_status = status;
    }
  }
  return pid < 0 && errno == ECHILD ? -1 : count;
}

#define LEFT_MOST 32 /* that are told */

static void
tell_left (struct house *house)
{
  pid_t pids[LEFT_MOST];
  size_t n = children_of (getpid (), pids, LEFT_MOST);
  for (size_t i = 0; i < n; i++) {
    CLEANUP_BUFFER struct buffer text = { 0 };
    describe_process (pids[i], &text);
    tell (house, "left %s\n", buffer_text (&text));
  }
}

/* Ends all descendants and waits for them: what is killed in turn becomes a child
 * of the keeper, until there is none.  One that is another user's by now, or hangs in the
 * kernel, is told and left when for some seconds no other has ended either. */
static void
end_all (struct house *house)
{
  int64_t end = clock_now_ns () + ORPHANS_NS;
  for (;;) {
    kill_descendants (getpid (), 0);
    int reaped = reap (house);
    if (reaped < 0)
      return;
    if (reaped > 0)
      end = clock_now_ns () + ORPHANS_NS;
    else if (clock_now_ns () > end) {
      tell_left (house);
      return;
    }
    struct pollfd fd = { .fd = house->signals, .events = POLLIN };
    poll (&fd, 1, 20); /* one that became a child after it was killed may have ended unseen */
  }
}

static void
keep (struct house *house)
{
  size_t room = 16;
  struct pollfd *fds = xrealloc (NULL, room, sizeof *fds);
  bool cut = false;
  while (!house->worker_gone && !cut) {
    if (room < house->count + 3) {
      room = (house->count + 3) * 2;
      fds = xrealloc (fds, room, sizeof *fds);
    }
    fds[0] = (struct pollfd) { .fd = house->lifeline, .events = POLLIN };
    fds[1] = (struct pollfd) { .fd = house->signals, .events = POLLIN };
    fds[2] = (struct pollfd) { .fd = house->socket, .events = POLLIN };
    size_t drains = house->count;
    for (size_t i = 0; i < drains; i++)
      fds[3 + i] = (struct pollfd) { .fd = house->drains[i]->fd, .events = POLLIN };
    if (poll (fds, 3 + drains, -1) < 0 && errno != EINTR)
      break;
    cut = fds[0].revents != 0;
    if (fds[1].revents)
      reap (house);
    if (fds[2].revents)
      receive_message (house);
    for (size_t i = 0; i < drains; i++)
      if (fds[3 + i].revents && house->drains[i]->fd >= 0)
        read_some (house->drains[i]);
    put_away (house, false);
  }
  free (fds);
  /* what the worker said last may still lie in the socket */
  for (int i = 0; i < 1000 && house->socket >= 0; i++) {
    struct pollfd fd = { .fd = house->socket, .events = POLLIN };
    if (poll (&fd, 1, 0) <= 0)
      break;
    receive_message (house);
  }
}

/* What the supervisor wants of a keeper and its worker. */
struct order {
  int (*work) (void *data, struct keeper_link *link);
  void *data;
  const int *not_keepers, *not_ours;
  struct capture *printed;
};

/* In the worker: a process group of its own, so that a signal to its group reaches nobody else (no
 * session: it would get the first terminal that a plugin opens as its own); it ends with its
 * keeper; what it prints goes where it is collected. */
static bool
set_apart (struct keeper_link *link)
{
  int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  setpgid (0, 0);
  if (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != link->pid || null < 0 || dup2 (null, 0) < 0)
    return false;
  if (null > 0)
    close (null);
  if (link->printed_fd < 0)
    return true;
  setvbuf (stdout, NULL, _IOLBF, 0); /* of what it printed before it crashed, as much as can be */
  return dup2 (link->printed_fd, 1) == 1 && dup2 (link->printed_fd, 2) == 2;
}

static void
block_signals (sigset_t *old)
{
  sigset_t set;
  signal (SIGPIPE, SIG_IGN);
  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGHUP);
  sigprocmask (SIG_BLOCK, &set, old);
}

static int
child_signals (void)
{
  sigset_t child;
  sigemptyset (&child);
  sigaddset (&child, SIGCHLD);
  return signalfd (-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
close_list (const int *fds)
{
  for (; *fds >= 0; fds++)
    close (*fds);
}

static _Noreturn void
run_keeper (int lifeline, int status, const struct order *order)
{
  close_list (order->not_ours);
  int pair[2], printed[2] = { -1, -1 };
  sigset_t old;
  prctl (PR_SET_CHILD_SUBREAPER, 1);
  /* Ctrl-C reaches the supervisor, which tells the workers: not the keeper's group */
  setpgid (0, 0);
  block_signals (&old);
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0
      || (order->printed && pipe2 (printed, O_CLOEXEC) < 0))
    _exit (3);
  struct house house = { .lifeline = lifeline, .status = status, .socket = pair[0], .signals = child_signals () };
  struct keeper_link link = { .pid = getpid (), .socket = pair[1], .printed_fd = printed[1] };
  house.worker = house.signals < 0 ? -1 : fork ();
  if (house.worker == 0) {
    close (pair[0]);
    close (lifeline);
    close (status);
    close (house.signals);
    if (order->printed)
      close (printed[0]);
    sigprocmask (SIG_SETMASK, &old, NULL);
    _exit (set_apart (&link) ? order->work (order->data, &link) : 3);
  }
  close (pair[1]);
  if (order->printed) {
    close (printed[1]);
    drain_worker (&house, printed[0], order->printed);
  }
  close_list (order->not_keepers);
  if (house.worker < 0)
    _exit (3);
  tell (&house, "worker %d\n", (int) house.worker);
  keep (&house);
  end_all (&house);
  int code = WIFEXITED (house.worker_status) ? WEXITSTATUS (house.worker_status) : -1;
  if (code != WORKER_DONE && code != WORKER_RESTART)
    remove_temps (getpid ());
  put_away (&house, true);
  if (house.worker_gone)
    tell (&house, "exit %d\n", house.worker_status);
  _exit (0);
}

bool
keeper_start (struct keeper *keeper, int (*work) (void *data, struct keeper_link *link), void *data,
              const int *not_keepers, const int *not_ours, struct capture *printed)
{
  struct order order = { work, data, not_keepers, not_ours, printed };
  int lifeline[2], status[2];
  if (pipe2 (lifeline, O_CLOEXEC) < 0)
    return false;
  if (pipe2 (status, O_CLOEXEC) < 0) {
    close (lifeline[0]);
    close (lifeline[1]);
    return false;
  }
  pid_t pid = fork ();
  if (pid == 0) {
    close (lifeline[1]);
    close (status[0]);
    run_keeper (lifeline[0], status[1], &order);
  }
  close (lifeline[0]);
  close (status[1]);
  if (pid < 0) {
    close (lifeline[1]);
    close (status[0]);
    return false;
  }
  *keeper = (struct keeper) { pid, lifeline[1], status[0], 0 };
  return true;
}

#define STOPS_MOST 10

const char *
keeper_look (struct keeper *keeper)
{
  siginfo_t info = { .si_pid = 0 };
  if (keeper->pid <= 0 || waitid (P_PID, (id_t) keeper->pid, &info, WSTOPPED | WNOHANG) < 0 || info.si_pid == 0)
    return NULL;
  bool often = ++keeper->stops > STOPS_MOST;
  kill (keeper->pid, often ? SIGKILL : SIGCONT);
  if (often)
    return "was stopped again and again, and is killed";
  return keeper->stops == 1 ? "was stopped; it goes on" : NULL;
}

bool
keeper_read (const struct keeper *keeper, struct buffer *pending, void (*each) (void *data, const char *line),
             void *data)
{
  for (;;) {
    buffer_reserve (pending, 4096);
    ssize_t n = read (keeper->status, pending->data + pending->size, 4096);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    if (n == 0)
      return true;
    pending->size += (size_t) n;
    char *end;
    while (pending->size && (end = memchr (pending->data, '\n', pending->size))) {
      *end = '\0';
      each (data, pending->data);
      buffer_remove (pending, (size_t) (end - pending->data) + 1);
    }
  }
}
