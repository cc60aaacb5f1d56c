/* engines.h - expression engines for threads: taken from those that others have
 * left, or, for many threads, lent for one evaluation at a time. */
#ifndef ENGINES_H
#define ENGINES_H

#include <pthread.h>

#include "expr.h"

#define ENGINES_KEPT 16

/* Engines that threads have left, for the next ones. */
struct engine_store {
  pthread_mutex_t lock;
  uint64_t seed;
  struct expr_engine *kept[ENGINES_KEPT];
  size_t count;
};

/* It is never freed: it lasts as long as its worker.  `seed`: as for expr_new. */
void engine_store_init (struct engine_store *store, uint64_t seed);
/* One that was left, else a new one; the thread gives it back, or frees it. */
struct expr_engine *engine_take (struct engine_store *store);
/* When ENGINES_KEPT are there already, it is freed. */
void engine_give (struct engine_store *store, struct expr_engine *engine);

/* One engine a processor, for threads of which there are too many to have one each. */
struct engine_pool {
  struct lent_engine { pthread_mutex_t lock; struct expr_engine *engine; } *items;
  size_t count;
};

/* Its engines are taken from the store, and given back to it. */
void engine_pool_init (struct engine_pool *pool, struct engine_store *store);
void engine_pool_free (struct engine_pool *pool, struct engine_store *store);

/* A thread's way to evaluate: an engine of its own, or a pool. */
struct evaluator {
  struct expr_engine *own;  /* NULL: */
  struct engine_pool *pool; /* lends one */
};

/* As expr_expand and expr_test. */
bool evaluator_expand (const struct evaluator *evaluator, const struct value *in, const struct expr_scope *scope,
                       struct arena *arena, struct value *out, struct expr_error *error);
bool evaluator_test (const struct evaluator *evaluator, const struct value *where, const struct expr_scope *scope,
                     bool *out, struct expr_error *error);

#endif
