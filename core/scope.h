/* scope.h - variables and handles, and who sees them.
 *
 * A scope has a parent whose names it sees.  The suite's scope is the outermost;
 * each test has one over it, each keyword call one over the suite's, each branch
 * and simulated user one over its caller's.  What keywords open belongs to the
 * test: a scope may leave its handles to another one. */
#ifndef SCOPE_H
#define SCOPE_H

#include <pthread.h>

#include "runner-plugin.h"
#include "value.h"

struct variable {
  const char *name;      /* kept by who defines it: the suite's memory */
  struct arena arena;    /* of the value */
  struct value value;
  unsigned times;        /* it was set */
};

struct handle {
  struct handle *older;
  struct scope *home;    /* whose list it is in: its lock guards what follows */
  char *name;
  const struct runner_handle_type *type;
  void *object;
  void *user;            /* the step that has it now, or NULL */
  unsigned copiers;      /* threads that make a copy of it now */
  struct value user_where; /* where it was made, or used last */
  uint32_t made_by;      /* id of the step that made it */
};

struct scope {
  struct scope *parent;
  struct scope *owner;     /* of handles: itself, or the scope they are left to */
  struct variable *vars;
  size_t count, room;
  struct handle *handles;  /* newest first */
  bool branch;             /* of a thread of its own: handles of outer scopes are copied or locked */
  struct scope *next_kept; /* for who keeps a list of scopes */
  pthread_mutex_t lock;    /* of the handles */
};

/* `parent`: NULL: none; it lives longer.  `owner`: NULL: itself. */
void scope_init (struct scope *scope, struct scope *parent, struct scope *owner);
void scope_free (struct scope *scope); /* its handles have been destroyed */

/* Sets a variable in this very scope; the value is copied. */
void scope_set (struct scope *scope, const char *name, const struct value *value);
/* Copies what can be seen from `from` and is not in `to` itself; counts as never set there. */
void scope_copy (struct scope *to, const struct scope *from);
/* How often it was set in this very scope. */
unsigned scope_times (const struct scope *scope, const char *name);
/* In this scope and its parents; NULL: none. */
const struct value *scope_get (const struct scope *scope, const char *name, size_t size);
/* Calls `each` with the names that can be seen, some of them perhaps twice. */
void scope_names (const struct scope *scope, void (*each) (void *data, const char *name), void *data);

enum take { TAKE_NONE, TAKE_OK, TAKE_BUSY, TAKE_COPY };
/* Looks a handle up by name and type in the scope and its parents and takes it for `user`.
 * TAKE_BUSY: it is in use, since *busy; TAKE_COPY: *out is of an outer thread and its type
 * copies: copy it, then call scope_copied.  Until then nobody can take it out. */
enum take scope_take (struct scope *scope, const char *name, const struct runner_handle_type *type, void *user,
                      const struct value *where, struct handle **out, struct value *busy);
void scope_copied (struct handle *handle);
/* Who took it has done with it. */
void scope_release (struct handle *handle);
/* Adds a handle, which nobody has taken, to those of the scope's owner; names are copied.  There is none of that name
 * and type any more: see scope_remove. */
void scope_add (struct scope *scope, const char *name, const struct runner_handle_type *type, void *object,
                const struct value *where, uint32_t made_by);
/* Takes the handle out of this very scope, to be destroyed and freed by the caller, unless
 * somebody else than `user` is at work with it: TAKE_BUSY, since *busy. */
enum take scope_remove (struct scope *scope, const char *name, const struct runner_handle_type *type,
                        const void *user, struct handle **out, struct value *busy);
struct handle *scope_pop (struct scope *scope); /* the newest; NULL: none */
void handle_free (struct handle *handle); /* not its object: that is its type's to destroy */

#endif
