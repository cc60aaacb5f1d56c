/* step-handle.c - the interface for plugins: handles, which are what steps open and later
 * steps use.  Where they are kept is scope.c. */
#include "config.h"

#include <stdio.h>

#include "text.h"
#include "worker.h"

static uint32_t
step_id (const struct runner_step *step)
{
  return step->step ? step->step->id : NO_STEP;
}

static const char *
handle_name (const char *name)
{
  return name && *name ? name : "default";
}

/* Says that the handle is another's since `where`. */
static int
in_use (struct runner_step *step, const char *name, const struct runner_handle_type *type, const struct value *where)
{
  CLEANUP_BUFFER struct buffer place = { 0 };
  place_print (&place, where);
  runner_error (step, "%s \"%s\" is in use at %s", type->name, name, buffer_text (&place));
  return -1;
}

/* A copy of what an outer scope has becomes this scope's own. */
static bool
copy_handle (struct runner_step *step, const char *name, const struct runner_handle_type *type, struct handle *original)
{
  void *copy = type->copy (step, original->object);
  scope_copied (original);
  if (copy)
    scope_add (step->context->scope, name, type, copy, &step->where, step_id (step));
  else
    runner_error (step, "%s \"%s\" cannot be copied", type->name, name);
  return copy != NULL;
}

/* As runner_handle_find. */
static int
take_handle (struct runner_step *step, const char *name, const struct runner_handle_type *type, struct handle **handle)
{
  struct value busy;
  struct scope *scope = step->context->scope;
  enum take take = scope_take (scope, name, type, step, &step->where, handle, &busy);
  if (take == TAKE_COPY) {
    if (!copy_handle (step, name, type, *handle))
      return -1;
    take = scope_take (scope, name, type, step, &step->where, handle, &busy);
  }
  if (take == TAKE_NONE)
    return 0;
  if (take != TAKE_OK)
    return in_use (step, name, type, &busy);
  for (size_t i = 0; i < step->held_count; i++)
    if (step->held[i] == *handle)
      return 1;
  if (step->held_count == sizeof step->held / sizeof *step->held) {
    scope_release (*handle);
    runner_error (step, "a step uses at most %zu handles", step->held_count);
    return -1;
  }
  step->held[step->held_count++] = *handle;
  return 1;
}

static void
there_is_none (struct runner_step *step, const char *name, const struct runner_handle_type *type)
{
  runner_error (step, "there is no %s named \"%s\" (it is closed, or was never made: `as: %s`)", type->name, name,
                name);
}

int
runner_handle_find (struct runner_step *step, const char *name, const struct runner_handle_type *type, void **object)
{
  struct handle *handle;
  int found = take_handle (step, handle_name (name), type, &handle);
  *object = found == 1 ? handle->object : NULL;
  return found;
}

void *
runner_handle_use (struct runner_step *step, const char *name, const struct runner_handle_type *type)
{
  struct handle *handle;
  int found = take_handle (step, handle_name (name), type, &handle);
  if (found == 0)
    there_is_none (step, handle_name (name), type);
  return found == 1 ? handle->object : NULL;
}

/* Runs a destructor with a step of its own; its failure is the test's. */
static void
destroy_handle (struct context *context, struct handle *handle)
{
  struct arena arena = { 0 };
  struct runner_step step;
  step_begin (&step, context, NULL, &arena, clock_now_ns () + DEFAULT_GRACE_NS);
  step.cancel_fd = context->worker->never_fd;
  /* the supervisor watches this deadline too, and blames the step that made it */
  struct slot *slot = &context->worker->shared->slots[context->slot];
  struct closing *closing = &context->worker->shared->closing[context->slot], closing_before = *closing;
  snprintf (closing->what, sizeof closing->what, "%s \"%s\"", handle->type->name, handle->name);
  uint32_t step_before = slot->step;
  int64_t deadline_before = slot->deadline_ns;
  slot->step = handle->made_by;
  slot->deadline_ns = step.deadline_ns;
  handle->type->destroy (&step, handle->object);
  if (!context->user)
    guard_look (context, handle->made_by);
  *closing = closing_before;
  slot->step = step_before;
  slot->deadline_ns = deadline_before;
  if (step.outcome == RUNNER_FAIL || step.outcome == RUNNER_ERROR)
    record_failure (context, NULL, &handle->user_where, step.outcome, step.expired,
                    arena_printf (&arena, "closing %s \"%s\": %s", handle->type->name, handle->name, step.message),
                    NULL);
  step_release (&step);
  arena_free (&arena);
  handle_free (handle);
}

void
destroy_handles (struct context *context, struct scope *scope)
{
  struct handle *handle;
  while ((handle = scope_pop (scope)))
    destroy_handle (context, handle);
}

static void
forget_held (struct runner_step *step, const struct handle *handle)
{
  for (size_t i = 0; i < step->held_count; i++)
    if (step->held[i] == handle)
      step->held[i--] = step->held[--step->held_count];
}

int
runner_handle_close (struct runner_step *step, const char *name, const struct runner_handle_type *type)
{
  struct handle *handle;
  struct value busy;
  name = handle_name (name);
  int found = take_handle (step, name, type, &handle);
  if (found == 0)
    there_is_none (step, name, type);
  if (found != 1)
    return -1;
  if (scope_remove (handle->home, name, type, step, &handle, &busy) != TAKE_OK)
    return in_use (step, name, type, &busy); /* it is being copied */
  forget_held (step, handle);
  destroy_handle (step->context, handle);
  return 0;
}

int
runner_handle_add (struct runner_step *step, const char *name, const struct runner_handle_type *type, void *object)
{
  struct scope *scope = step->context->scope;
  struct handle *older;
  struct value busy;
  name = handle_name (name);
  enum take take = scope_remove (scope, name, type, step, &older, &busy);
  if (take == TAKE_BUSY)
    return in_use (step, name, type, &busy);
  if (take == TAKE_OK) {
    forget_held (step, older);
    destroy_handle (step->context, older);
  }
  scope_add (scope, name, type, object, &step->where, step_id (step));
  return 0;
}
