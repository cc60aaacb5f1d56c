/* run-events.c - see run-events.h.  What an event says is decided by who tells it. */
#include "config.h"

#include "run-events.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "descriptors.h"
#include "text.h"

#define OUT_MOST ((size_t) 256 << 10) /* not yet written */

static void
lost (struct run_events *events, int error)
{
  fprintf (stderr, "runner: events.jsonl cannot be written any more: %s\n", strerror (error));
  if (events->file >= 0)
    close (events->file);
  events->file = -1;
  events->lost = true;
}

bool
run_events_open (struct run_events *events, const char *folder, struct reporters *reporters)
{
  char path[PATH_MAX];
  *events = (struct run_events) { .reporters = reporters };
  snprintf (path, sizeof path, "%s/events.jsonl", folder);
  events->file = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (events->file >= 0 && flock (events->file, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
    return false;
  if (events->file < 0 || (ftruncate (events->file, 0) < 0 && errno != EINVAL)) /* EINVAL: no regular file */
    lost (events, errno);
  return true;
}

void
run_events_flush (struct run_events *events)
{
  if (events->file >= 0 && !descriptor_write (events->file, events->out.data, events->out.size))
    lost (events, errno);
  events->out.size = 0;
}

void
run_events_pass (struct run_events *events, const struct event *event, const char *line, size_t size)
{
  if (events->file >= 0) {
    buffer_add (&events->out, line, size);
    if (events->out.size > OUT_MOST)
      run_events_flush (events);
  }
  reporters_event (events->reporters, event);
}

void
run_events_tell (struct run_events *events, struct event *event)
{
  if (!event->time_us)
    event->time_us = time_now_us ();
  CLEANUP_ARENA struct arena arena = { 0 };
  event_mask (event, &arena);
  events->line.size = 0;
  event_write (&events->line, event);
  run_events_pass (events, event, events->line.data, events->line.size);
}

void
run_events_warn (struct run_events *events, const char *where, const char *fmt, ...)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  va_list args;
  va_start (args, fmt);
  buffer_vprintf (&text, fmt, args);
  va_end (args);
  struct event event = { .type = EVENT_WARNING, .message = buffer_text (&text), .where = where };
  run_events_tell (events, &event);
}

void
run_events_close (struct run_events *events)
{
  run_events_flush (events);
  if (events->file >= 0 && close (events->file) < 0) {
    events->file = -1; /* whatever close says, it is closed */
    lost (events, errno);
  }
  events->file = -1;
  buffer_free (&events->out);
  buffer_free (&events->line);
}
