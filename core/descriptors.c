/* descriptors.c - see descriptors.h. */
#include "config.h"

#include "descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DESCRIPTORS_WANTED ((rlim_t) 65536)

static struct rlimit given;
static bool raised;

void
descriptors_raise (void)
{
  struct rlimit limit;
  if (raised || getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= DESCRIPTORS_WANTED)
    return;
  given = limit;
  limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max : DESCRIPTORS_WANTED;
  raised = setrlimit (RLIMIT_NOFILE, &limit) == 0;
}

/* Programs that use select count on the lower limit. */
void
descriptors_restore (void)
{
  if (raised)
    setrlimit (RLIMIT_NOFILE, &given);
}

/* Room for them beside a message; aligned as the kernel wants it. */
union ancillary {
  char room[CMSG_SPACE (DESCRIPTORS_SENT * sizeof (int))];
  struct cmsghdr align;
};

bool
descriptors_send (int socket, const void *data, size_t size, const int *fds, size_t n)
{
  union ancillary control = { { 0 } };
  struct iovec part = { (void *) data, size };
  struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
  if (n > DESCRIPTORS_SENT) {
    errno = EINVAL;
    return false;
  }
  if (n) {
    header.msg_control = control.room;
    header.msg_controllen = CMSG_SPACE (n * sizeof *fds);
    struct cmsghdr *cmsg = CMSG_FIRSTHDR (&header);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN (n * sizeof *fds);
    memcpy (CMSG_DATA (cmsg), fds, n * sizeof *fds);
  }
  ssize_t sent;
  do
    sent = sendmsg (socket, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t) size;
}

ssize_t
descriptors_receive (int socket, void *data, size_t size, int flags, int fds[DESCRIPTORS_SENT], size_t *n)
{
  union ancillary control = { { 0 } };
  struct iovec part = { data, size };
  struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
                           .msg_controllen = sizeof control.room };
  ssize_t got;
  *n = 0;
  do
    got = recvmsg (socket, &header, MSG_CMSG_CLOEXEC | flags);
  while (got < 0 && errno == EINTR);
  struct cmsghdr *cmsg = got < 0 ? NULL : CMSG_FIRSTHDR (&header);
  if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS) {
    *n = (cmsg->cmsg_len - CMSG_LEN (0)) / sizeof *fds;
    memcpy (fds, CMSG_DATA (cmsg), *n * sizeof *fds);
  }
  return got;
}

static ssize_t
send_quietly (int socket, const void *data, size_t size)
{
  return send (socket, data, size, MSG_NOSIGNAL);
}

static bool
put_all (ssize_t (*put) (int fd, const void *data, size_t size), int fd, const char *data, size_t size)
{
  while (size) {
    ssize_t n = put (fd, data, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return false;
    data += n;
    size -= (size_t) n;
  }
  return true;
}

bool
descriptor_write (int fd, const char *data, size_t size)
{
  return put_all (write, fd, data, size);
}

bool
descriptor_send (int socket, const char *data, size_t size)
{
  return put_all (send_quietly, socket, data, size);
}
