/* out.h - values that plugins build: the other side of runner_put_*. */
#ifndef OUT_H
#define OUT_H

#include "runner-plugin.h"
#include "value.h"

struct runner_out {
  struct builder builder;
  struct arena *arena;  /* strings are copied here */
  bool open;            /* the map at the root has been opened */
  bool broken;          /* nested too deeply or out of order: told by out_finish */
};

/* What is built belongs to the arena; the builder is freed by out_free. */
void out_init (struct runner_out *out, struct arena *arena);
/* The map built so far.  Lists and maps left open are closed.  The builder can
 * be used on after out_finish only by runner_put_reset. */
struct value out_finish (struct runner_out *out);
/* The same without ending it: for runner_match and runner_result_holds. */
struct value out_peek (struct runner_out *out);
void out_free (struct runner_out *out);

#endif
