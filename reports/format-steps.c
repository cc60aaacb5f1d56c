/* format-steps.c - which step is within which: see format.h.
 *
 * The event has steps in the order in which they ended: those within a step stand
 * before it, one level deeper. */
#include "config.h"

#include "format.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

static bool
same_text (const char *a, const char *b)
{
  return a && b && strcmp (a, b) == 0;
}

static bool
went_wrong (const struct event_step *step)
{
  return step->outcome == OUTCOME_FAILED || step->outcome == OUTCOME_ERROR;
}

/* The step around step `i`: told after it, and one level up.  NULL: there is none. */
static const struct event_step *
step_around (const struct event *event, size_t i)
{
  uint32_t depth = event->steps[i].depth;
  for (size_t j = i + 1; depth && j < event->step_count; j++)
    if (event->steps[j].depth == depth - 1)
      return &event->steps[j];
  return NULL;
}

/* What begins a background has passed whatever becomes of it. */
static bool
may_be_around (const struct event_step *step)
{
  return went_wrong (step) || same_text (step->verb, "background");
}

/* Is it the step that the failure is of, and did it bring down all those around it? */
static bool
is_to_blame (const struct event *event, size_t i)
{
  const struct event_step *step = &event->steps[i];
  if (!went_wrong (step) || !same_text (step->where, event->where) || !same_text (step->verb, event->verb))
    return false;
  while ((step = step_around (event, (size_t) (step - event->steps))))
    if (!may_be_around (step))
      return false;
  return true;
}

/* A step of a keyword stands at one place, whoever calls it: tells by which calls it
 * was reached, the nearest first. */
void
format_callers (struct buffer *out, const struct event *event)
{
  size_t i = 0;
  while (i < event->step_count && !is_to_blame (event, i))
    i++;
  if (i == event->step_count)
    return;
  for (const struct event_step *step = &event->steps[i]; (step = step_around (event, (size_t) (step - event->steps)));)
    if (step->where && step->verb && strncmp (step->verb, "my.", 3) == 0) {
      buffer_lit (out, "  called at ");
      format_blame (out, step->where, NULL, step->verb);
      buffer_putc (out, '\n');
    }
}

/* A step and those within it stand at the same places in both orders: it goes from the
 * last of them to the first, and behind each step that is around it. */
struct format_step *
format_order_steps (const struct event *event)
{
  size_t n = event->step_count;
  struct format_step *ordered = xcalloc (n + 1, sizeof *ordered);
  size_t *first = xcalloc (n + 1, sizeof *first);  /* of the steps within it, and itself */
  size_t *around = xcalloc (n + 1, sizeof *around); /* those that are, while going back */
  for (size_t i = 0; i < n; i++)
    for (first[i] = i; first[i] > 0 && event->steps[first[i] - 1].depth > event->steps[i].depth;)
      first[i] = first[first[i] - 1];
  size_t level = 0;
  for (size_t i = n; i-- > 0;) {
    while (level && i < first[around[level - 1]])
      level--;
    ordered[first[i] + level] = (struct format_step) { .step = &event->steps[i], .level = (uint32_t) level };
    around[level++] = i;
  }
  free (around);
  free (first);
  return ordered;
}
