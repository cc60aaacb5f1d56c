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
  arena_free (&old);
}

void
scope_unset (struct scope *scope, const char *name)
{
  struct variable *variable = own_variable (scope, name, strlen (name));
  if (!variable)
    return;
  arena_free (&variable->arena);
  *variable = scope->vars[--scope->count];
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

static struct handle *
own_handle (const struct scope *scope, const char *name, const struct runner_handle_type *type, struct handle **other)
{
  for (struct handle *handle = scope->handles; handle; handle = handle->older)
    if (strcmp (handle->name, name) == 0) {
      if (strcmp (handle->type->name, type->name) == 0)
        return handle;
      *other = handle;
    }
  return NULL;
}

enum take
scope_take (struct scope *scope, const char *name, const struct runner_handle_type *type, void *user,
            const struct value *where, struct handle **out)
{
  struct handle *other = NULL;
  bool outer_thread = false;
  *out = NULL;
  for (struct scope *s = scope->owner; s; s = s->parent ? s->parent->owner : NULL) {
    pthread_mutex_lock (&s->lock);
    struct handle *handle = own_handle (s, name, type, &other);
    enum take take = TAKE_NONE;
    if (handle && outer_thread && type->copy)
      take = TAKE_COPY;
    else if (handle && handle->user && handle->user != user)
      take = TAKE_BUSY;
    else if (handle) {
      handle->user = user;
      handle->user_where = *where;
      take = TAKE_OK;
    }
    if (handle)
      *out = handle;
    pthread_mutex_unlock (&s->lock);
    if (handle)
      return take;
    outer_thread |= s->branch;
  }
  *out = other;
  return other ? TAKE_TYPE : TAKE_NONE;
}

void
scope_release (struct scope *scope, struct handle *handle)
{
  for (struct scope *s = scope->owner; s; s = s->parent ? s->parent->owner : NULL) {
    pthread_mutex_lock (&s->lock);
    bool here = false;
    for (struct handle *h = s->handles; h && !here; h = h->older)
      here = h == handle;
    if (here)
      handle->user = NULL;
    pthread_mutex_unlock (&s->lock);
    if (here)
      return;
  }
}

void
scope_add (struct scope *scope, const char *name, const struct runner_handle_type *type, void *object,
           const struct value *where, uint32_t made_by)
{
  struct scope *owner = scope->owner;
  struct handle *handle = xcalloc (1, sizeof *handle);
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

struct handle *
scope_remove (struct scope *scope, const char *name, const struct runner_handle_type *type)
{
  struct scope *owner = scope->owner;
  struct handle *found = NULL;
  pthread_mutex_lock (&owner->lock);
  for (struct handle **link = &owner->handles; *link; link = &(*link)->older)
    if (strcmp ((*link)->name, name) == 0 && strcmp ((*link)->type->name, type->name) == 0) {
      found = *link;
      *link = found->older;
      break;
    }
  pthread_mutex_unlock (&owner->lock);
  return found;
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
