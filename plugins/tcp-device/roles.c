/* roles.c - what the roles have in common. */
#include "roles.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>


static bool
write_line (int fd, const char *line)
{
  CLEANUP_BYTES struct bytes text = { 0 };
  bytes_puts (&text, line);
  bytes_puts (&text, "\n");
  return bytes_write (fd, text.data, text.size);
}

static void
role_print (struct journal *journal, const char *line)
{
  struct role_journal *of_role = (struct role_journal *) journal;
  if (of_role->deaf || write_line (STDOUT_FILENO, line))
    return;
  of_role->deaf = true;
  journal->warn (journal, "standard output fails: nothing is printed any more");
}

static void
role_warn (struct journal *journal, const char *line)
{
  (void) journal;
  (void) !write_line (STDERR_FILENO, line); /* there is nobody left to tell */
}

static void
role_tell (struct journal *journal, const struct event *event)
{
  struct role_journal *of_role = (struct role_journal *) journal;
  struct runner_out *out = runner_observation (of_role->role);
  runner_put_string (out, "event", event->name);
  if (event->report) {
    runner_put_int (out, "id", event->report->id);
    runner_put_text (out, "report", event->report->text, event->report->size);
  } else if (event->id)
    runner_put_int (out, "id", *event->id);
  if (event->cached)
    runner_put_text (out, "cached", event->cached->text, event->cached->size);
  if (event->frame)
    runner_put_text (out, "frame", event->frame->data, event->frame->size);
  if (event->reason)
    runner_put_string (out, "reason", event->reason);
  if (event->success)
    runner_put_bool (out, "success", *event->success);
  if (event->connections)
    runner_put_int (out, "connections", event->connections);
  runner_observe (of_role->role);
}

void
role_journal_init (struct role_journal *journal, struct runner_role *role)
{
  *journal = (struct role_journal) { { role_print, role_warn, role_tell }, role, false };
}

bool
role_delay (struct runner_role *role, double seconds)
{
  int64_t until = runner_now () + (int64_t) (seconds * 1e9), left;
  while ((left = until - runner_now ()) > 0) {
    struct pollfd stop = { .fd = runner_stop_fd (role), .events = POLLIN };
    int64_t ms = left / 1000000 + 1;
    int n = poll (&stop, 1, ms > 60000 ? 60000 : (int) ms);
    if (n > 0 || (n < 0 && errno != EINTR))
      return false;
  }
  return true;
}
