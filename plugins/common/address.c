/* address.c - see address.h. */
#define _GNU_SOURCE 1
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/un.h>
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
question_new (const struct runner_address *address, int type, int passive)
{
  struct question *question = calloc (1, sizeof *question);
  if (!question)
    return NULL;
  pthread_mutex_init (&question->lock, NULL);
  pthread_mutex_init (&question->answering, NULL);
  question->holders = 1;
  question->hints.ai_socktype = type;
  question->hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  question->done_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  question->host = strdup (address->host);
  snprintf (question->port, sizeof question->port, "%u", (unsigned) address->port);
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

static int
question_answered (struct runner_step *step, struct question *question, const struct runner_address *address)
{
  /* An address in digits needs no name service. */
  question->hints.ai_flags |= AI_NUMERICHOST;
  question_ask (question);
  if (question->error != EAI_NONAME)
    return RUNNER_PASS;
  question->hints.ai_flags &= ~AI_NUMERICHOST;
  int error = question_start (question);
  if (error)
    return runner_error (step, "%s: no thread to resolve the name: %s", address->text, strerror (error));
  struct pollfd done = { .fd = question->done_fd, .events = POLLIN };
  if (runner_poll (step, &done, 1, -1) < 0)
    return runner_expired (step, "waiting for the name service to tell the address of %s", address->host);
  pthread_mutex_lock (&question->answering);
  pthread_mutex_unlock (&question->answering);
  return RUNNER_PASS;
}

static int
resolve_host (struct runner_step *step, const struct runner_address *address, int type, int passive,
              struct addresses *found)
{
  struct question *question = question_new (address, type, passive);
  if (!question)
    return runner_error (step, "%s: cannot ask for the name: %s", address->text, strerror (errno));
  int outcome = question_answered (step, question, address);
  if (outcome == RUNNER_PASS && question->error)
    outcome = runner_error (step, "%s: the name has no address: %s", address->text,
                            question->error == EAI_SYSTEM ? strerror (question->error_errno)
                                                          : gai_strerror (question->error));
  for (struct addrinfo *a = outcome == RUNNER_PASS ? question->answer : NULL; a && found->count < ADDRESSES;
       a = a->ai_next) {
    if (a->ai_addrlen > sizeof found->list->addr)
      continue;
    struct address *to = &found->list[found->count++];
    memcpy (&to->addr, a->ai_addr, a->ai_addrlen);
    to->size = a->ai_addrlen;
  }
  question_release (question);
  return outcome;
}

/* `@name` is in the abstract namespace: its first byte is 0 (unix(7)). */
static int
resolve_path (struct runner_step *step, const struct runner_address *address, struct addresses *found)
{
  struct sockaddr_un *addr = (struct sockaddr_un *) &found->list[0].addr;
  size_t size = strlen (address->path);
  int abstract = address->path[0] == '@';
  if (size == 0 || size + !abstract > sizeof addr->sun_path)
    return runner_error (step, "%s: the path of a Unix socket has 1 to %zu bytes", address->text,
                         sizeof addr->sun_path - 1);
  addr->sun_family = AF_UNIX;
  memcpy (addr->sun_path, address->path, size);
  if (abstract)
    addr->sun_path[0] = '\0';
  else
    addr->sun_path[size] = '\0';
  found->list[0].size = (socklen_t) (offsetof (struct sockaddr_un, sun_path) + size + !abstract);
  found->count = 1;
  return RUNNER_PASS;
}

int
address_resolve (struct runner_step *step, const struct runner_address *address, int type, int passive,
                 struct addresses *found)
{
  memset (found, 0, sizeof *found);
  if (address->path)
    return resolve_path (step, address, found);
  if (!address->host)
    return runner_error (step, "%s: neither host:port nor unix:/path", address->text ? address->text : "(empty)");
  return resolve_host (step, address, type, passive, found);
}

const char *
address_print (char *out, const struct address *address)
{
  char host[INET6_ADDRSTRLEN] = "?";
  const struct sockaddr_in *v4 = (const struct sockaddr_in *) &address->addr;
  const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) &address->addr;
  const struct sockaddr_un *local = (const struct sockaddr_un *) &address->addr;
  size_t offset = offsetof (struct sockaddr_un, sun_path);
  *out = '\0';
  if (address->size == 0)
    return out;
  switch (address->addr.ss_family) {
  case AF_INET:
    inet_ntop (AF_INET, &v4->sin_addr, host, sizeof host);
    snprintf (out, ADDRESS_ROOM, "%s:%u", host, ntohs (v4->sin_port));
    break;
  case AF_INET6:
    inet_ntop (AF_INET6, &v6->sin6_addr, host, sizeof host);
    snprintf (out, ADDRESS_ROOM, "[%s]:%u", host, ntohs (v6->sin6_port));
    break;
  case AF_UNIX:
    if (address->size <= offset)
      snprintf (out, ADDRESS_ROOM, "unix:");
    else if (local->sun_path[0])
      snprintf (out, ADDRESS_ROOM, "unix:%.*s", (int) strnlen (local->sun_path, address->size - offset),
                local->sun_path);
    else
      snprintf (out, ADDRESS_ROOM, "unix:@%.*s", (int) (address->size - offset - 1), local->sun_path + 1);
    break;
  default:
    snprintf (out, ADDRESS_ROOM, "family %d", address->addr.ss_family);
  }
  return out;
}

const char *
address_local (char *out, int fd)
{
  struct address address = { .size = sizeof address.addr };
  if (getsockname (fd, (struct sockaddr *) &address.addr, &address.size) < 0)
    address.size = 0;
  return address_print (out, &address);
}

const char *
address_peer (char *out, int fd)
{
  struct address address = { .size = sizeof address.addr };
  if (getpeername (fd, (struct sockaddr *) &address.addr, &address.size) < 0)
    address.size = 0;
  return address_print (out, &address);
}
