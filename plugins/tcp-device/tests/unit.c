/* unit.c - runs the unit tests. */
#include "unit.h"

#include <stdlib.h>

static void
add_line (struct journal *journal, const char *kind, const char *line)
{
  struct collector *collector = (struct collector *) journal;
  bytes_puts (&collector->lines, kind);
  bytes_puts (&collector->lines, line);
  bytes_puts (&collector->lines, "\n");
}

static void
collect_print (struct journal *journal, const char *line)
{
  add_line (journal, "print ", line);
}

static void
collect_warn (struct journal *journal, const char *line)
{
  add_line (journal, "warn ", line);
}

static void
collect_tell (struct journal *journal, const struct event *event)
{
  CLEANUP_BYTES struct bytes line = { 0 };
  bytes_puts (&line, event->name);
  if (event->id || event->report) {
    bytes_puts (&line, " id=");
    bytes_int (&line, event->report ? event->report->id : *event->id);
  }
  if (event->report) {
    bytes_puts (&line, " report=");
    bytes_add (&line, event->report->text, event->report->size);
  }
  add_line (journal, "tell ", bytes_text (&line));
}

void
collector_init (struct collector *collector)
{
  *collector = (struct collector) { { collect_print, collect_warn, collect_tell }, { 0 } };
}

const char *
collector_take (struct collector *collector)
{
  const char *text = bytes_text (&collector->lines);
  collector->lines.size = 0; /* the text stays until the next line */
  return text;
}

void
collector_free (struct collector *collector)
{
  bytes_free (&collector->lines);
}

int
main (void)
{
  SRunner *runner = srunner_create (frame_suite ());
  srunner_add_suite (runner, pyrepr_suite ());
  srunner_add_suite (runner, parts_suite ());
  srunner_add_suite (runner, web_suite ());
  srunner_add_suite (runner, server_suite ());
  srunner_run_all (runner, CK_ENV);
  int failed = srunner_ntests_failed (runner);
  srunner_free (runner);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
