/* socket.c - see socket.h. */
#define _GNU_SOURCE 1
#include "socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGEST 65536 /* no datagram is longer (RFC 768: the length has 16 bits) */
#define KEPT_LIMIT ((size_t) 16 << 20) /* bytes: what `quiet` has passed over stays for later steps */

static void
socket_free (struct udp_socket *socket)
{
  while (socket->first)
    free (socket_take (socket));
  close (socket->fd);
  free (socket);
}

static void
socket_destroy (struct runner_step *step, void *object)
{
  (void) step;
  socket_free (object);
}

const struct runner_handle_type udp_type = { .name = "udp socket", .destroy = socket_destroy };

struct udp_socket *
socket_use (struct runner_step *step, const char *name)
{
  return runner_handle_use (step, name, &udp_type);
}

/* ---- open ---- */

static int
bind_and_connect (struct runner_step *step, const struct open_args *args, int fd, const struct address *bind_to,
                  const struct address *to)
{
  if (bind_to && bind (fd, (const struct sockaddr *) &bind_to->addr, bind_to->size) < 0)
    return runner_error (step, "cannot bind to %s: %s", args->bind.text, strerror (errno));
  if (to && connect (fd, (const struct sockaddr *) &to->addr, to->size) < 0)
    return runner_fail (step, "cannot send to %s: %s", args->to.text, strerror (errno));
  return RUNNER_PASS;
}

/* The addresses of both sides.  RUNNER_PASS, or the outcome to return. */
static int
open_addresses (struct runner_step *step, const struct open_args *args, struct addresses *bind_to,
                struct addresses *to)
{
  if (args->to.path || args->bind.path)
    return runner_error (step, "udp has no unix: addresses");
  if (args->to.text && args->to.port == 0)
    return runner_error (step, "to: %s has no port", args->to.text);
  int outcome = RUNNER_PASS;
  if (args->to.text)
    outcome = address_resolve (step, &args->to, SOCK_DGRAM, 0, to);
  struct runner_address anywhere = { .text = "127.0.0.1:0", .host = "127.0.0.1" };
  if (outcome == RUNNER_PASS && (args->bind.text || !args->to.text))
    outcome = address_resolve (step, args->bind.text ? &args->bind : &anywhere, SOCK_DGRAM, 1, bind_to);
  return outcome;
}

/* The first of `to` that goes with one of `bind_to`, if that is given. */
static const struct address *
choose_peer (const struct addresses *to, const struct addresses *bind_to)
{
  for (size_t i = 0; i < to->count; i++)
    if (!bind_to->count || address_of_family (bind_to, to->list[i].addr.ss_family))
      return &to->list[i];
  return NULL;
}

static int
open_socket (struct runner_step *step, const struct open_args *args, struct udp_socket *socket_)
{
  struct addresses bind_list = { .count = 0 }, to_list = { .count = 0 };
  int outcome = open_addresses (step, args, &bind_list, &to_list);
  if (outcome != RUNNER_PASS)
    return outcome;
  const struct address *to = choose_peer (&to_list, &bind_list);
  if (to_list.count && !to)
    return runner_error (step, "bind: %s is of another family of addresses than `to`", args->bind.text);
  int family = (to ? to : &bind_list.list[0])->addr.ss_family;
  const struct address *bind_to = address_of_family (&bind_list, family);
  socket_->fd = socket (family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_->fd < 0)
    return runner_error (step, "no socket: %s", strerror (errno));
  socket_->connected = to != NULL;
  socket_->family = family;
  return bind_and_connect (step, args, socket_->fd, bind_to, to);
}

int
udp_open (struct runner_step *step, const void *arguments)
{
  const struct open_args *args = arguments;
  struct udp_socket *opened = calloc (1, sizeof *opened);
  if (!opened)
    return runner_error (step, "out of memory");
  opened->end = &opened->first;
  opened->fd = -1;
  int outcome = open_socket (step, args, opened);
  if (outcome == RUNNER_PASS) {
    char local[ADDRESS_ROOM], peer[ADDRESS_ROOM];
    struct runner_out *out = runner_result (step);
    address_local (local, opened->fd);
    address_peer (peer, opened->fd);
    snprintf (opened->name, sizeof opened->name, "%.60s %s", args->as, opened->connected ? peer : local);
    runner_put_string (out, "address", local);
    runner_put_int (out, "port", strtol (strrchr (local, ':') + 1, NULL, 10));
    if (opened->connected)
      runner_put_string (out, "peer", peer);
    if (runner_handle_add (step, args->as, &udp_type, opened) == 0)
      return RUNNER_PASS;
    outcome = RUNNER_ERROR;
  }
  if (opened->fd >= 0)
    close (opened->fd);
  free (opened);
  return outcome;
}

/* ---- datagrams ---- */

struct datagram *
socket_take (struct udp_socket *socket)
{
  struct datagram *datagram = socket->first;
  socket->first = datagram->next;
  if (!socket->first)
    socket->end = &socket->first;
  socket->kept -= sizeof *datagram + datagram->size;
  socket->last = datagram->from;
  return datagram;
}

/* Reads one datagram into the queue.  1; 0: there is none; -1: *outcome is to be returned. */
static int
socket_read (struct runner_step *step, struct udp_socket *socket, int *outcome)
{
  char data[LARGEST];
  struct address from = { .size = sizeof from.addr };
  ssize_t n;
  do
    n = recvfrom (socket->fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *) &from.addr, &from.size);
  while (n < 0 && errno == EINTR);
  if (n < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK)
      return 0;
    /* An ICMP message came back for something that we sent. */
    *outcome = runner_fail (step, "%s: %s", socket->name, strerror (errno));
    return -1;
  }
  size_t room = sizeof (struct datagram) + (size_t) n;
  if (room > KEPT_LIMIT - socket->kept) {
    *outcome = runner_error (step, "%s: more than %zu MiB came that was passed over", socket->name,
                             KEPT_LIMIT >> 20);
    return -1;
  }
  struct datagram *datagram = malloc (room);
  if (!datagram) {
    *outcome = runner_error (step, "out of memory");
    return -1;
  }
  *datagram = (struct datagram) { .from = from, .size = (size_t) n };
  memcpy (datagram->data, data, (size_t) n);
  *socket->end = datagram;
  socket->end = &datagram->next;
  socket->kept += room;
  char address[ADDRESS_ROOM], peer[sizeof socket->name + ADDRESS_ROOM];
  snprintf (peer, sizeof peer, "%s%s%s", socket->name, socket->connected ? "" : " from ",
            socket->connected ? "" : address_print (address, &from));
  runner_wire (step, RUNNER_RECEIVED, peer, data, (size_t) n);
  return 1;
}

int
socket_next (struct runner_step *step, struct udp_socket *socket, struct datagram **at, int64_t ns,
             int *outcome)
{
  struct datagram *next = *at ? (*at)->next : socket->first;
  int64_t end = ns < 0 ? INT64_MAX : runner_now () + ns;
  while (!next) {
    struct datagram **place = socket->end;
    int got = socket_read (step, socket, outcome);
    if (got < 0)
      return MORE_FAILED;
    if (got) {
      next = *place;
      break;
    }
    int64_t left = ns < 0 ? -1 : end - runner_now ();
    if (ns >= 0 && left <= 0)
      return MORE_NOT_YET;
    struct pollfd ready = { .fd = socket->fd, .events = POLLIN };
    if (runner_poll (step, &ready, 1, left) < 0)
      return MORE_EXPIRED;
  }
  *at = next;
  return MORE_CAME;
}

int
socket_send (struct runner_step *step, struct udp_socket *socket, const struct address *to, const void *data,
             size_t size)
{
  char address[ADDRESS_ROOM], peer[sizeof socket->name + ADDRESS_ROOM];
  snprintf (peer, sizeof peer, "%s%s%s", socket->name, to ? " to " : "", to ? address_print (address, to) : "");
  runner_wire (step, RUNNER_SENT, peer, data, size);
  for (;;) {
    ssize_t n = sendto (socket->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT,
                        to ? (const struct sockaddr *) &to->addr : NULL, to ? to->size : 0);
    if (n >= 0)
      return RUNNER_PASS; /* a datagram goes out whole or not at all */
    if (errno == EMSGSIZE)
      return runner_error (step, "%s: %zu bytes are too many for one datagram", peer, size);
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      struct pollfd ready = { .fd = socket->fd, .events = POLLOUT };
      if (runner_poll (step, &ready, 1, -1) < 0)
        return runner_expired (step, "sending to %s", peer);
    } else if (errno != EINTR) {
      return runner_fail (step, "%s: sending: %s", peer, strerror (errno));
    }
  }
}
