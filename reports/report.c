/* report.c - hands events to reporters, and nothing more to one that has failed. */
#include "config.h"

#include "report.h"

#include <assert.h>
#include <stdarg.h>

void
report_event (struct reporter *reporter, const struct event *event)
{
  if (!*reporter->error)
    reporter->type->event (reporter, event);
}

void
report_finish (struct reporter *reporter)
{
  if (!*reporter->error)
    reporter->type->finish (reporter);
}

void
report_free (struct reporter *reporter)
{
  if (reporter)
    reporter->type->free (reporter);
}

void
report_failed (struct reporter *reporter, const char *fmt, ...)
{
  if (*reporter->error)
    return;
  va_list args;
  va_start (args, fmt);
  int n = vsnprintf (reporter->error, sizeof reporter->error, fmt, args);
  va_end (args);
  if (n <= 0)
    snprintf (reporter->error, sizeof reporter->error, "failed");
}

void
reporters_add (struct reporters *reporters, struct reporter *reporter)
{
  assert (reporters->count < REPORTERS_MOST);
  reporters->items[reporters->count++] = reporter;
}

void
reporters_event (struct reporters *reporters, const struct event *event)
{
  for (size_t i = 0; i < reporters->count; i++)
    report_event (reporters->items[i], event);
}

void
reporters_tick (struct reporters *reporters, int64_t now_us)
{
  for (size_t i = 0; i < reporters->count; i++) {
    struct reporter *reporter = reporters->items[i];
    if (reporter->type->tick && !*reporter->error)
      reporter->type->tick (reporter, now_us);
  }
}

bool
reporters_finish (struct reporters *reporters, const char *program)
{
  bool fine = true;
  for (size_t i = reporters->count; i > 0; i--)
    report_finish (reporters->items[i - 1]);
  for (size_t i = 0; i < reporters->count; i++) {
    const struct reporter *reporter = reporters->items[i];
    if (*reporter->error) {
      fprintf (stderr, "%s: the report %s is lost: %s\n", program, reporter->type->name, reporter->error);
      fine = false;
    }
  }
  return fine;
}

void
reporters_free (struct reporters *reporters)
{
  for (size_t i = 0; i < reporters->count; i++)
    report_free (reporters->items[i]);
  reporters->count = 0;
}
