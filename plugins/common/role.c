/* role.c - see role.h. */
#include "role.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

void
role_raise_descriptors (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit); /* else: those that we have */
  }
}

int
role_milliseconds (int64_t until)
{
  int64_t left = until - runner_now ();
  if (left <= 0)
    return 0;
  return left > INT64_C (60000000000) ? 60000 : (int) (left / 1000000 + 1);
}

int
role_wait (void *data, int fd, short events)
{
  const struct role_wait *wait = data;
  struct pollfd fds[2] = { { .fd = runner_stop_fd (wait->role), .events = POLLIN }, { .fd = fd, .events = events } };
  while (runner_now () < wait->until) {
    int n = poll (fds, 2, role_milliseconds (wait->until));
    if (n < 0 && errno != EINTR)
      return -1;
    if (n > 0)
      return fds[0].revents ? -1 : 1;
  }
  return 0;
}

const char *
role_host_to_export (const char *host)
{
  if (strcmp (host, "0.0.0.0") == 0)
    return "127.0.0.1";
  return strcmp (host, "::") == 0 ? "::1" : host;
}

bool
role_export_url (struct runner_role *role, const char *name, const char *host, uint16_t port)
{
  const char *shown = role_host_to_export (host);
  bool v6 = strchr (shown, ':') != NULL;
  char url[300];
  int n = snprintf (url, sizeof url, "http://%s%s%s:%u", v6 ? "[" : "", shown, v6 ? "]" : "", (unsigned) port);
  if (n < 0 || (size_t) n >= sizeof url) {
    runner_role_error (role, "the host's name is too long");
    return false;
  }
  runner_export_text (role, name, url);
  return true;
}
