/* address.c - see address.h. */
#define _GNU_SOURCE 1
#include "address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "resolve.h"

static int
wait_for (void *data, int fd, short events)
{
  struct pollfd ready = { .fd = fd, .events = events };
  return runner_poll (data, &ready, 1, -1);
}

static int
resolve_host (struct runner_step *step, const struct runner_address *address, int type, int passive,
              struct addresses *found)
{
  char error[256];
  struct resolve_question question = { address->host, address->port, type, passive };
  struct addrinfo *list;
  int result = resolve_name (&question, &(struct net_wait) { wait_for, step }, &list, error, sizeof error);
  if (result == NET_FAILED)
    return runner_error (step, "%s: the name has no address: %s", address->text, error);
  if (result != NET_OK)
    return runner_expired (step, "waiting for the name service to tell the address of %s", address->host);
  for (struct addrinfo *a = list; a && found->count < ADDRESSES; a = a->ai_next) {
    if (a->ai_addrlen > sizeof found->list->addr)
      continue;
    struct address *to = &found->list[found->count++];
    memcpy (&to->addr, a->ai_addr, a->ai_addrlen);
    to->size = a->ai_addrlen;
  }
  freeaddrinfo (list);
  return RUNNER_PASS;
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

const struct address *
address_of_family (const struct addresses *addresses, int family)
{
  for (size_t i = 0; i < addresses->count; i++)
    if (addresses->list[i].addr.ss_family == family)
      return &addresses->list[i];
  return NULL;
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
