/* resolve.c - see resolve.h. */
#include "resolve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A question to the name service.  It is asked in a thread, since getaddrinfo
 * cannot be stopped; the last of the two that know it frees it. */
struct question {
  char *host;
  char port[8];
  struct addrinfo hints;
  int done_fd; /* eventfd */
  pthread_mutex_t lock;      /* of `holders` */
  int holders;
  pthread_mutex_t answering; /* of what follows */
  int error, error_errno;
  struct addrinfo *answer;
};

static void
question_release (struct question *question)
{
  pthread_mutex_lock (&question->lock);
  int holders = --question->holders;
  pthread_mutex_unlock (&question->lock);
  if (holders)
    return;
  if (question->answer)
    freeaddrinfo (question->answer);
  if (question->done_fd >= 0)
    close (question->done_fd);
  pthread_mutex_destroy (&question->lock);
  pthread_mutex_destroy (&question->answering);
  free (question->host);
  free (question);
}

static void
question_ask (struct question *question)
{
  question->error = getaddrinfo (question->host, question->port, &question->hints, &question->answer);
  question->error_errno = errno;
  /* A small container may have no /etc/hosts: localhost is this machine even so (RFC 6761, 6.3). */
  if (question->error && !(question->hints.ai_flags & AI_NUMERICHOST) && strcasecmp (question->host, "localhost") == 0) {
    question->hints.ai_flags &= ~AI_PASSIVE;
    question->error = getaddrinfo (NULL, question->port, &question->hints, &question->answer);
    question->error_errno = errno;
  }
}

static void *
question_thread (void *argument)
{
  struct question *question = argument;
  pthread_mutex_lock (&question->answering);
  question_ask (question);
  pthread_mutex_unlock (&question->answering);
  /* Writing 1 to an eventfd that was 0 does not block and cannot fail. */
  while (eventfd_write (question->done_fd, 1) < 0 && errno == EINTR)
    ;
  question_release (question);
  return NULL;
}

static struct question *
question_new (const struct resolve_question *asked)
{
  struct question *question = calloc (1, sizeof *question);
  if (!question)
    return NULL;
  pthread_mutex_init (&question->lock, NULL);
  pthread_mutex_init (&question->answering, NULL);
  question->holders = 1;
  question->hints.ai_socktype = asked->type;
  question->hints.ai_flags = AI_NUMERICSERV | (asked->passive ? AI_PASSIVE : 0);
  question->done_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  question->host = strdup (asked->host);
  snprintf (question->port, sizeof question->port, "%u", (unsigned) asked->port);
  if (question->done_fd < 0 || !question->host) {
    question_release (question);
    return NULL;
  }
  return question;
}

/* Starts the thread, with all signals blocked.  0, or an errno. */
static int
question_start (struct question *question)
{
  sigset_t all, before;
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  pthread_attr_init (&attributes);
  pthread_attr_setdetachstate (&attributes, PTHREAD_CREATE_DETACHED);
  question->holders++;
  pthread_t thread;
  int error = pthread_create (&thread, &attributes, question_thread, question);
  if (error)
    question->holders--;
  pthread_attr_destroy (&attributes);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return error;
}

/* NET_OK: there is an answer, or a reason why there is none. */
static int
question_answered (struct question *question, const struct net_wait *wait)
{
  /* An address in digits needs no name service. */
  question->hints.ai_flags |= AI_NUMERICHOST;
  question_ask (question);
  if (question->error != EAI_NONAME)
    return NET_OK;
  question->hints.ai_flags &= ~AI_NUMERICHOST;
  if (!wait) {
    question_ask (question);
    return NET_OK;
  }
  errno = question_start (question);
  if (errno)
    return NET_FAILED;
  int ready = wait->wait (wait->data, question->done_fd, POLLIN);
  if (ready <= 0)
    return ready == 0 ? NET_TIME_OVER : NET_STOPPED;
  pthread_mutex_lock (&question->answering);
  pthread_mutex_unlock (&question->answering);
  return NET_OK;
}

static const char *
reason (const struct question *question)
{
  return question->error == EAI_SYSTEM ? strerror (question->error_errno) : gai_strerror (question->error);
}

int
resolve_name (const struct resolve_question *asked, const struct net_wait *wait, struct addrinfo **found,
              char *error, size_t error_size)
{
  struct question *question = question_new (asked);
  int result = question ? question_answered (question, wait) : NET_FAILED;
  if (result == NET_FAILED)
    snprintf (error, error_size, "the name service cannot be asked: %s", strerror (errno));
  else if (result != NET_OK)
    snprintf (error, error_size, "%s",
              result == NET_STOPPED ? "it was stopped" : "the name service did not answer in time");
  else if (question->error) {
    snprintf (error, error_size, "%s", reason (question));
    result = NET_FAILED;
  } else {
    *found = question->answer;
    question->answer = NULL;
  }
  if (question)
    question_release (question);
  return result;
}
