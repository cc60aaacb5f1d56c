/* engines.c - see engines.h. */
#include "config.h"

#include "engines.h"

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

void
engine_store_init (struct engine_store *store, uint64_t seed)
{
  *store = (struct engine_store) { .seed = seed };
  pthread_mutex_init (&store->lock, NULL);
}

struct expr_engine *
engine_take (struct engine_store *store)
{
  struct expr_engine *engine = NULL;
  pthread_mutex_lock (&store->lock);
  if (store->count)
    engine = store->kept[--store->count];
  pthread_mutex_unlock (&store->lock);
  return engine ? engine : expr_new (store->seed);
}

void
engine_give (struct engine_store *store, struct expr_engine *engine)
{
  pthread_mutex_lock (&store->lock);
  if (store->count < ENGINES_KEPT) {
    store->kept[store->count++] = engine;
    engine = NULL;
  }
  pthread_mutex_unlock (&store->lock);
  if (engine)
    expr_free (engine);
}

/* ---- lending ---- */

void
engine_pool_init (struct engine_pool *pool, struct engine_store *store)
{
  long processors = sysconf (_SC_NPROCESSORS_ONLN);
  pool->count = processors < 1 ? 1 : processors > ENGINES_KEPT ? ENGINES_KEPT : (size_t) processors;
  pool->items = xcalloc (pool->count, sizeof *pool->items);
  for (size_t i = 0; i < pool->count; i++) {
    pthread_mutex_init (&pool->items[i].lock, NULL);
    pool->items[i].engine = engine_take (store);
  }
}

void
engine_pool_free (struct engine_pool *pool, struct engine_store *store)
{
  for (size_t i = 0; i < pool->count; i++) {
    engine_give (store, pool->items[i].engine);
    pthread_mutex_destroy (&pool->items[i].lock);
  }
  free (pool->items);
}

/* The one of this processor is free nearly always: an evaluation is short and waits for nothing. */
static struct lent_engine *
lend (struct engine_pool *pool)
{
  int processor = sched_getcpu ();
  size_t first = processor < 0 ? 0 : (size_t) processor % pool->count;
  for (size_t i = 0; i < pool->count; i++) {
    struct lent_engine *lent = &pool->items[(first + i) % pool->count];
    if (pthread_mutex_trylock (&lent->lock) == 0)
      return lent;
  }
  pthread_mutex_lock (&pool->items[first].lock);
  return &pool->items[first];
}

bool
evaluator_expand (const struct evaluator *evaluator, const struct value *in, const struct expr_scope *scope,
                  struct arena *arena, struct value *out, struct expr_error *error)
{
  if (evaluator->own || !(in->flags & VALUE_DYNAMIC))
    return expr_expand (evaluator->own, in, scope, arena, out, error);
  struct lent_engine *lent = lend (evaluator->pool);
  bool fine = expr_expand (lent->engine, in, scope, arena, out, error);
  pthread_mutex_unlock (&lent->lock);
  return fine;
}

bool
evaluator_test (const struct evaluator *evaluator, const struct value *where, const struct expr_scope *scope,
                bool *out, struct expr_error *error)
{
  if (evaluator->own)
    return expr_test (evaluator->own, where, scope, out, error);
  struct lent_engine *lent = lend (evaluator->pool);
  bool fine = expr_test (lent->engine, where, scope, out, error);
  pthread_mutex_unlock (&lent->lock);
  return fine;
}
