/* scope.c - see scope.h. */
#include "config.h"

#include "scope.h"

#include <stdlib.h>
#include <string.h>

void
scope_init (struct scope *scope, struct scope *parent, struct scope *owner)
{
  *scope = (struct scope) { .parent = parent, .owner = owner ? owner : scope };
  pthread_mutex_init (&scope->lock, NULL);
}

void
scope_free (struct scope *scope)
{
  for (size_t i = 0; i < scope->count; i++)
    arena_free (&scope->vars[i].arena);
  free (scope->vars);
  pthread_mutex_destroy (&scope->lock);
  scope->vars = NULL;
  scope->count = scope->room = 0;
}

/* ---- variables ---- */

static struct variable *
own_variable (const struct scope *scope, const char *name, size_t size)
{
  for (size_t i = 0; i < scope->count; i++)
    if (strlen (scope->vars[i].name) == size && memcmp (scope->vars[i].name, name, size) == 0)
      return &scope->vars[i];
  return NULL;
}

void
scope_set (struct scope *scope, const char *name, const struct value *value)
{
  struct variable *variable = own_variable (scope, name, strlen (name));
  if (!variable) {
    if (scope->count == scope->room) {
      scope->room = scope->room ? scope->room * 2 : 8;
      scope->vars = xrealloc (scope->vars, scope->room, sizeof *scope->vars);
    }
    variable = &scope->vars[scope->count++];
    *variable = (struct variable) { .name = name };
  }
  /* the new value may be made of the old one */
  struct arena old = variable->arena;
  variable->arena = (struct arena) { 0 };
  variable->value = value_copy (&variable->arena, value);
  variable->times++;
  arena_free (&old);
}

void
scope_copy (struct scope *to, const struct scope *from)
{
  for (; from; from = from->parent)
    for (size_t i = 0; i < from->count; i++) {
      const char *name = from->vars[i].name;
      if (own_variable (to, name, strlen (name)))
        continue; /* an inner scope's comes first */
      scope_set (to, name, &from->vars[i].value);
      to->vars[to->count - 1].times = 0;
    }
}

unsigned
scope_times (const struct scope *scope, const char *name)
{
  const struct variable *variable = own_variable (scope, name, strlen (name));
  return variable ? variable->times : 0;
}

const struct value *
scope_get (const struct scope *scope, const char *name, size_t size)
{
  for (; scope; scope = scope->parent) {
    const struct variable *variable = own_variable (scope, name, size);
    if (variable)
      return &variable->value;
  }
  return NULL;
}

void
scope_names (const struct scope *scope, void (*each) (void *data, const char *name), void *data)
{
  for (; scope; scope = scope->parent)
    for (size_t i = 0; i < scope->count; i++)
      each (data, scope->vars[i].name);
}

/* ---- handles ---- */

/* A type is known by its address: two plugins may call theirs the same. */
static struct handle **
own_handle (struct scope *scope, const char *name, const struct runner_handle_type *type)
{
  struct handle **link = &scope->handles;
  while (*link && ((*link)->type != type || strcmp ((*link)->name, name) != 0))
    link = &(*link)->older;
  return link;
}

/* With the scope's lock held. */
static enum take
take_locked (struct handle *handle, bool outer_thread, void *user, const struct value *where, struct value *busy)
{
  if (outer_thread && handle->type->copy) {
    handle->copiers++;
    return TAKE_COPY;
  }
  if (handle->user && handle->user != user) {
    *busy = handle->user_where;
    return TAKE_BUSY;
  }
  handle->user = user;
  handle->user_where = *where;
  return TAKE_OK;
}

enum take
scope_take (struct scope *scope, const char *name, const struct runner_handle_type *type, void *user,
            const struct value *where, struct handle **out, struct value *busy)
{
  bool outer_thread = false;
  for (struct scope *s = scope->owner; s; s = s->parent ? s->parent->owner : NULL) {
    enum take take = TAKE_NONE;
    pthread_mutex_lock (&s->lock);
    *out = *own_handle (s, name, type);
    if (*out)
      take = take_locked (*out, outer_thread, user, where, busy);
    pthread_mutex_unlock (&s->lock);
    if (*out)
      return take;
    outer_thread |= s->branch;
  }
  return TAKE_NONE;
}

void
scope_copied (struct handle *handle)
{
  struct scope *home = handle->home;
  pthread_mutex_lock (&home->lock);
  handle->copiers--;
  pthread_mutex_unlock (&home->lock);
}

void
scope_release (struct handle *handle)
{
  struct scope *home = handle->home;
  pthread_mutex_lock (&home->lock);
  handle->user = NULL;
  pthread_mutex_unlock (&home->lock);
}

void
scope_add (struct scope *scope, const char *name, const struct runner_handle_type *type, void *object,
           const struct value *where, uint32_t made_by)
{
  struct scope *owner = scope->owner;
  struct handle *handle = xcalloc (1, sizeof *handle);
  handle->home = owner;
  handle->name = xstrdup (name);
  handle->type = type;
  handle->object = object;
  handle->user_where = *where;
  handle->made_by = made_by;
  pthread_mutex_lock (&owner->lock);
  handle->older = owner->handles;
  owner->handles = handle;
  pthread_mutex_unlock (&owner->lock);
}

enum take
scope_remove (struct scope *scope, const char *name, const struct runner_handle_type *type, const void *user,
              struct handle **out, struct value *busy)
{
  struct scope *owner = scope->owner;
  enum take take = TAKE_OK;
  pthread_mutex_lock (&owner->lock);
  struct handle **link = own_handle (owner, name, type), *found = *link;
  if (!found)
    take = TAKE_NONE;
  else if (found->copiers || (found->user && found->user != user)) {
    *busy = found->user_where;
    take = TAKE_BUSY;
  }
  else
    *link = found->older;
  pthread_mutex_unlock (&owner->lock);
  *out = take == TAKE_OK ? found : NULL;
  return take;
}

struct handle *
scope_pop (struct scope *scope)
{
  pthread_mutex_lock (&scope->lock);
  struct handle *handle = scope->handles;
  if (handle)
    scope->handles = handle->older;
  pthread_mutex_unlock (&scope->lock);
  return handle;
}

void
handle_free (struct handle *handle)
{
  free (handle->name);
  free (handle);
}
