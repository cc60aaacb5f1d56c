/* load-stats.h - what is measured in a load: how long each step took and how often it
 * failed, in total, for each iteration, and for each step by its name.
 *
 * Users record from many threads; there is a set of histograms for each processor,
 * and one for what began during the warm-up, which does not count. */
#ifndef LOAD_STATS_H
#define LOAD_STATS_H

#include <pthread.h>

#include "event.h"
#include "histogram.h"
#include "suite.h"

#define SERIES_TOTAL 0
#define SERIES_ITERATION 1
#define SERIES_STEPS 2      /* the first of a step */

/* The series of a load's steps, known before it runs. */
struct load_names {
  const char **names;       /* in `arena` */
  size_t count;
  const struct value *taken; /* the name of a step that is also that of a series of the load's own; NULL: none */
  uint32_t *of_step;        /* by the step's id: its series, 0: none; with IN_TOTAL */
  struct arena arena;
};
#define IN_TOTAL (UINT32_C (1) << 31) /* it is a verb of a plugin: counts in total too */

/* Steps with a name and verbs of plugins, those of keywords and groups included;
 * `step_count`: how many the suite has. */
void load_names_init (struct load_names *names, size_t step_count, struct steps steps);
void load_names_free (struct load_names *names);
/* Its number, or -1. */
int load_names_find (const struct load_names *names, const char *text, size_t size);

/* One kind of failure: the same place and outcome. */
struct load_failure {
  struct value where;
  int outcome;              /* enum runner_outcome */
  const char *verb, *message, *details; /* of the first; in the stats' arena.  NULL: none */
  uint64_t count;
};

struct load_stats {
  struct load_names names;
  size_t shards;
  struct histogram *histograms; /* [warm-up?][shard][series], zeroed pages: only what is used takes memory */
  size_t histograms_size;
  struct histogram *before;     /* [series]: all together at the last sample */
  pthread_mutex_t lock;         /* of the failures */
  struct arena arena;
  struct load_failure failures[100];
  size_t failure_count;
  uint64_t other_failures;
  _Atomic uint64_t *withdrawn;  /* by series: steps that the runner itself cancelled; no samples */
  uint64_t unbegun;             /* iterations that were due; they are failures too */
  _Atomic uint64_t skipped;     /* iterations in which no step did anything */
  const char *skipped_why;      /* of the first; NULL: none was given */
};

/* False: no memory. */
bool load_stats_init (struct load_stats *stats, const struct suite *suite, struct steps steps);
void load_stats_free (struct load_stats *stats);

/* A step of that series has ended, `ns` after its start; from any thread. */
void load_stats_record (struct load_stats *stats, unsigned series, bool warmup, int64_t ns, bool failed);
/* So many iterations have failed: they count in the total, which has one failure for each. */
void load_stats_count_failures (struct load_stats *stats, bool warmup, uint64_t count);
/* An iteration of which every step was skipped: it does not count.  `why`: NULL, or of the step that said so. */
void load_stats_skip (struct load_stats *stats, const char *why);
/* Notes that something failed `count` times.  True: it is the first of its kind.  With the lock held. */
bool load_stats_note (struct load_stats *stats, const struct value *where, int outcome, const char *verb,
                      const char *message, const char *details, uint64_t count);

/* All of a series but the warm-up, put together. */
void load_stats_merge (const struct load_stats *stats, unsigned series, struct histogram *to);
/* Did an iteration that does not count run during the warm-up? */
bool load_stats_warmed_up (const struct load_stats *stats);
/* The series of what has come since the last call, warm-up included; in the arena. */
struct event_series *load_stats_sample (struct load_stats *stats, struct arena *arena, size_t *count);
/* As an event tells it.  `buckets`: with the distribution. */
struct event_series load_stats_series (const struct histogram *histogram, const char *name, struct arena *arena,
                                       bool buckets);

#endif
