/* report.c - hands events to a reporter, and nothing more once it has failed. */
#include "config.h"

#include "report.h"

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
