/* out.h - values that plugins build: the other side of runner_put_*. */
#ifndef OUT_H
#define OUT_H

#include "arena.h"
#include "runner-plugin.h"
#include "value.h"

struct runner_out {
  struct builder builder;
  struct arena *arena;  /* strings are copied here, which is one of these: */
  struct arena *lasting; /* the caller's, until something was reset */
  struct arena own;     /* from then on: emptied by each reset */
  bool open;            /* the map at the root has been opened */
  bool broken;          /* nested too deeply or out of order: told by out_finish */
};

/* What out_finish gives belongs to the arena; the rest is freed by out_free. */
void out_init (struct runner_out *out, struct arena *arena);
/* The map built so far.  Lists and maps left open are closed.  The builder can
 * be used on after out_finish only by runner_put_reset. */
struct value out_finish (struct runner_out *out);
/* The same without ending it, until runner_put_reset: for runner_match and runner_result_holds. */
struct value out_peek (struct runner_out *out);
/* Begins anew, in the caller's arena, which the caller may empty now. */
void out_reset (struct runner_out *out);
void out_free (struct runner_out *out);

#endif
