/* fuzz-events.c - lines of events.jsonl: whatever they are, they are read or refused;
 * what was read is written to the same again, and no reporter stumbles over it. */
#include "fuzz.h"

#include <string.h>

#include "event.h"
#include "report.h"

struct run {
  struct arena arena;
  struct buffer once, twice;
  FILE *nowhere;
  struct reporter *reporters[4];
};

/* Written, read and written again, an event is the same text. */
static void
check_round_trip (struct run *run, const struct event *event)
{
  char error[200];
  struct event again;
  run->once.size = run->twice.size = 0;
  event_write (&run->once, event);
  if (!run->once.size) /* of a type that is not known */
    return;
  FUZZ_CHECK (event_read (&run->arena, run->once.data, run->once.size, &again, error, sizeof error));
  event_write (&run->twice, &again);
  FUZZ_CHECK (run->once.size == run->twice.size);
  FUZZ_CHECK (memcmp (run->once.data, run->twice.data, run->once.size) == 0);
}

static void
take_line (struct run *run, const char *line, size_t size)
{
  char error[200] = "";
  struct event event;
  arena_reset (&run->arena);
  if (!event_read (&run->arena, line, size, &event, error, sizeof error)) {
    FUZZ_CHECK (*error);
    return;
  }
  check_round_trip (run, &event);
  for (size_t i = 0; i < 4; i++) {
    report_event (run->reporters[i], &event);
    if (run->reporters[i]->type->tick)
      run->reporters[i]->type->tick (run->reporters[i], event.time_us);
  }
}

FUZZ_TARGET (events)
{
  struct run run = { .nowhere = fopen ("/dev/null", "w") };
  FUZZ_CHECK (run.nowhere);
  struct console_options options = { .out = run.nowhere, .color = true, .live = true, .verbose = 2, .width = 80 };
  run.reporters[0] = report_console (&options);
  run.reporters[1] = report_tap (run.nowhere);
  run.reporters[2] = report_junit ("/dev/null/junit.xml"); /* which cannot be written */
  run.reporters[3] = report_html ("/dev/null/report");
  const char *at = (const char *) data, *end = at + size;
  while (at < end) {
    const char *newline = memchr (at, '\n', (size_t) (end - at));
    size_t n = newline ? (size_t) (newline - at) : (size_t) (end - at);
    take_line (&run, at, n);
    at += n + (newline != NULL);
  }
  for (size_t i = 0; i < 4; i++) {
    report_finish (run.reporters[i]);
    report_free (run.reporters[i]);
  }
  arena_free (&run.arena);
  buffer_free (&run.once);
  buffer_free (&run.twice);
  fclose (run.nowhere);
}
