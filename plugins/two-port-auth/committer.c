/* committer.c - see committer.h. */
#include "committer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../common/bytes.h"

struct list {
  struct registration *first, **end;
};

struct committer {
  struct store_writer *writer;
  void (*told) (void *data, const char *text);
  void *data; /* of `told` */
  uint64_t unstored; /* registrations, since the store fails */
  int event_fd;
  pthread_t thread;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t given;
  struct list waiting, done;
  bool stop;
};

static void
list_clear (struct list *list)
{
  list->first = NULL;
  list->end = &list->first;
}

static void
list_append (struct list *list, struct registration *first, struct registration *last)
{
  *list->end = first;
  list->end = &last->next;
  last->next = NULL;
}

/* The next batch; NULL: there will be none. */
static struct registration *
next_batch (struct committer *committer, struct registration **last)
{
  pthread_mutex_lock (&committer->lock);
  while (!committer->waiting.first && !committer->stop)
    pthread_cond_wait (&committer->given, &committer->lock);
  struct registration *first = committer->waiting.first;
  if (first)
    *last = (struct registration *) ((char *) committer->waiting.end - offsetof (struct registration, next));
  list_clear (&committer->waiting);
  pthread_mutex_unlock (&committer->lock);
  return first;
}

static void
hand_back (struct committer *committer, struct registration *first, struct registration *last)
{
  pthread_mutex_lock (&committer->lock);
  bool was_empty = !committer->done.first;
  list_append (&committer->done, first, last);
  pthread_mutex_unlock (&committer->lock);
  uint64_t one = 1;
  if (was_empty)
    while (write (committer->event_fd, &one, sizeof one) < 0 && errno == EINTR)
      continue; /* it cannot be full */
}

/* A failure is told once, and when it is over how many it has met. */
static void
tell (struct committer *committer, const struct registration *batch, bool stored, const char *error)
{
  char text[80];
  bool first = !committer->unstored;
  if (stored && first)
    return;
  if (stored) {
    snprintf (text, sizeof text, "it works again; %" PRIu64 " registration%s answered by 503",
              committer->unstored, committer->unstored == 1 ? " was" : "s were");
    committer->unstored = 0;
  }
  for (; !stored && batch; batch = batch->next)
    committer->unstored++;
  if (committer->told && (stored || first))
    committer->told (committer->data, stored ? text : error);
}

static void *
commit_all (void *data)
{
  struct committer *committer = data;
  struct registration *first, *last;
  char error[256];
  while ((first = next_batch (committer, &last))) {
    bool stored = store_add (committer->writer, first, error, sizeof error);
    tell (committer, first, stored, error);
    hand_back (committer, first, last);
  }
  return NULL;
}

/* With all signals blocked: they are the other thread's. */
static int
start_thread (struct committer *committer)
{
  sigset_t all, old;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  int rc = pthread_create (&committer->thread, NULL, commit_all, committer);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  return rc;
}

struct committer *
committer_start (struct store_writer *writer, void (*told) (void *data, const char *text), void *data)
{
  struct committer *committer = bytes_allocate (sizeof *committer);
  committer->writer = writer;
  committer->told = told;
  committer->data = data;
  list_clear (&committer->waiting);
  list_clear (&committer->done);
  pthread_mutex_init (&committer->lock, NULL);
  pthread_cond_init (&committer->given, NULL);
  committer->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  int failed = committer->event_fd < 0 ? errno : start_thread (committer);
  if (!failed)
    return committer;
  if (committer->event_fd >= 0)
    close (committer->event_fd);
  free (committer);
  errno = failed;
  return NULL;
}

int
committer_fd (const struct committer *committer)
{
  return committer->event_fd;
}

void
committer_give (struct committer *committer, struct registration *first, struct registration *last)
{
  pthread_mutex_lock (&committer->lock);
  list_append (&committer->waiting, first, last);
  pthread_cond_signal (&committer->given);
  pthread_mutex_unlock (&committer->lock);
}

struct registration *
committer_take (struct committer *committer)
{
  uint64_t count;
  while (read (committer->event_fd, &count, sizeof count) < 0 && errno == EINTR)
    continue; /* EAGAIN: nothing came */
  pthread_mutex_lock (&committer->lock);
  struct registration *done = committer->done.first;
  list_clear (&committer->done);
  pthread_mutex_unlock (&committer->lock);
  return done;
}

struct registration *
committer_stop (struct committer *committer)
{
  pthread_mutex_lock (&committer->lock);
  committer->stop = true;
  pthread_cond_signal (&committer->given);
  pthread_mutex_unlock (&committer->lock);
  pthread_join (committer->thread, NULL);
  struct registration *done = committer->done.first;
  store_writer_close (committer->writer);
  close (committer->event_fd);
  pthread_cond_destroy (&committer->given);
  pthread_mutex_destroy (&committer->lock);
  free (committer);
  return done;
}
