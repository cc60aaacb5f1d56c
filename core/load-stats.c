/* load-stats.c - see load-stats.h. */
#include "config.h"

#include "load-stats.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source.h"
#include "suite-read.h"

#define SHARDS_MOST 16
#define BUCKETS_TOGETHER 8 /* in events: 16 for each power of two */

/* ---- names ---- */

int
load_names_find (const struct load_names *names, const char *text, size_t size)
{
  for (size_t i = 0; i < names->count; i++)
    if (strlen (names->names[i]) == size && memcmp (names->names[i], text, size) == 0)
      return (int) i;
  return -1;
}

static uint32_t
series_of (struct load_names *names, const char *name)
{
  int found = load_names_find (names, name, strlen (name));
  if (found >= 0)
    return (uint32_t) found;
  const char **larger = arena_array (&names->arena, names->count + 1, sizeof *larger);
  memcpy (larger, names->names, names->count * sizeof *larger);
  larger[names->count] = name;
  names->names = larger;
  return (uint32_t) names->count++;
}

static void
collect (struct load_names *names, bool *seen, struct steps steps)
{
  for (size_t i = 0; i < steps.count; i++) {
    const struct step *step = &steps.items[i];
    if (seen[step->id])
      continue; /* a keyword that is called twice, or calls itself */
    seen[step->id] = true;
    bool named = step->name && step->name->type == VALUE_STRING && !(step->name->flags & VALUE_DYNAMIC);
    bool of_plugin = step->kind == STEP_VERB && step->verb
                     && core_verb_find (step->verb->name, strlen (step->verb->name)) != step->verb;
    if (named && !names->taken && (value_is (step->name, "total") || value_is (step->name, "iteration")))
      names->taken = step->name;
    if (named || of_plugin)
      names->of_step[step->id] = series_of (names, named ? step->name->string : step->verb->name)
                                 | (of_plugin ? IN_TOTAL : 0);
    collect (names, seen, step->body);
    if (step->kind == STEP_KEYWORD && step->keyword)
      collect (names, seen, step->keyword->steps);
  }
}

void
load_names_init (struct load_names *names, size_t step_count, struct steps steps)
{
  *names = (struct load_names) { .count = SERIES_STEPS };
  names->names = arena_array (&names->arena, SERIES_STEPS, sizeof *names->names);
  names->names[SERIES_TOTAL] = "total";
  names->names[SERIES_ITERATION] = "iteration";
  names->of_step = arena_array (&names->arena, step_count, sizeof *names->of_step);
  bool *seen = xcalloc (step_count, sizeof *seen);
  collect (names, seen, steps);
  free (seen);
}

void
load_names_free (struct load_names *names)
{
  arena_free (&names->arena);
}

/* ---- recording ---- */

bool
load_stats_init (struct load_stats *stats, const struct suite *suite, struct steps steps)
{
  long processors = sysconf (_SC_NPROCESSORS_ONLN);
  *stats = (struct load_stats) { .shards = processors < 1 ? 1 : processors > SHARDS_MOST ? SHARDS_MOST : (size_t) processors };
  load_names_init (&stats->names, suite->step_count, steps);
  pthread_mutex_init (&stats->lock, NULL);
  stats->histograms_size = (2 * stats->shards + 1) * stats->names.count * sizeof *stats->histograms;
  void *memory = mmap (NULL, stats->histograms_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  stats->histograms = memory == MAP_FAILED ? NULL : memory;
  stats->withdrawn = xcalloc (stats->names.count, sizeof *stats->withdrawn);
  stats->before = stats->histograms ? stats->histograms + 2 * stats->shards * stats->names.count : NULL;
  return stats->histograms != NULL;
}

void
load_stats_free (struct load_stats *stats)
{
  if (stats->histograms)
    munmap (stats->histograms, stats->histograms_size);
  free (stats->withdrawn);
  pthread_mutex_destroy (&stats->lock);
  load_names_free (&stats->names);
  arena_free (&stats->arena);
}

static struct histogram *
histogram_at (const struct load_stats *stats, bool warmup, size_t shard, unsigned series)
{
  return &stats->histograms[((warmup ? stats->shards : 0) + shard) * stats->names.count + series];
}

static size_t
own_shard (const struct load_stats *stats)
{
  int processor = sched_getcpu ();
  return processor < 0 ? 0 : (size_t) processor % stats->shards;
}

void
load_stats_record (struct load_stats *stats, unsigned series, bool warmup, int64_t ns, bool failed)
{
  histogram_record (histogram_at (stats, warmup, own_shard (stats), series), ns, failed);
}

void
load_stats_count_failures (struct load_stats *stats, bool warmup, uint64_t count)
{
  atomic_fetch_add (&histogram_at (stats, warmup, own_shard (stats), SERIES_TOTAL)->failed, count);
}

void
load_stats_skip (struct load_stats *stats, const char *why)
{
  if (atomic_fetch_add (&stats->skipped, 1) || !why)
    return;
  pthread_mutex_lock (&stats->lock);
  stats->skipped_why = arena_strdup (&stats->arena, why);
  pthread_mutex_unlock (&stats->lock);
}

bool
load_stats_note (struct load_stats *stats, const struct value *where, int outcome, const char *verb,
                 const char *message, const char *details, uint64_t count)
{
  for (size_t i = 0; i < stats->failure_count; i++) {
    struct load_failure *failure = &stats->failures[i];
    if (failure->where.file == where->file && failure->where.line == where->line
        && failure->where.column == where->column && failure->outcome == outcome) {
      failure->count += count;
      return false;
    }
  }
  if (stats->failure_count == sizeof stats->failures / sizeof *stats->failures) {
    stats->other_failures += count;
    return false;
  }
  stats->failures[stats->failure_count++] = (struct load_failure) {
    .where = *where, .outcome = outcome, .verb = verb, .message = arena_strdup (&stats->arena, message ? message : ""),
    .details = details ? arena_strdup (&stats->arena, details) : NULL, .count = count
  };
  return true;
}

/* ---- results ---- */

void
load_stats_merge (const struct load_stats *stats, unsigned series, struct histogram *to)
{
  for (size_t shard = 0; shard < stats->shards; shard++)
    histogram_add (to, histogram_at (stats, false, shard, series));
}

bool
load_stats_warmed_up (const struct load_stats *stats)
{
  for (size_t shard = 0; shard < stats->shards; shard++)
    if (histogram_at (stats, true, shard, SERIES_ITERATION)->count)
      return true;
  return false;
}

static int64_t
microseconds (int64_t ns)
{
  return (ns + 500) / 1000;
}

static void
add_buckets (struct event_series *series, const struct histogram *histogram, struct arena *arena)
{
  series->buckets = arena_array (arena, HISTOGRAM_BUCKETS / BUCKETS_TOGETHER, sizeof *series->buckets);
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i += BUCKETS_TOGETHER) {
    uint64_t n = 0;
    for (unsigned j = i; j < i + BUCKETS_TOGETHER; j++)
      n += histogram->buckets[j];
    if (!n)
      continue;
    int64_t to_us = microseconds (histogram_bucket_end (i + BUCKETS_TOGETHER - 1));
    struct event_bucket *last = series->bucket_count ? &series->buckets[series->bucket_count - 1] : NULL;
    if (last && last->to_us == to_us)
      last->count += n;
    else
      series->buckets[series->bucket_count++] = (struct event_bucket) { to_us, n };
  }
}

struct event_series
load_stats_series (const struct histogram *histogram, const char *name, struct arena *arena, bool buckets)
{
  struct event_series series = {
    .name = name, .count = histogram->count, .failed = histogram->failed,
    .min_us = microseconds (histogram_least (histogram)), .mean_us = microseconds (histogram_mean (histogram)),
    .p50_us = microseconds (histogram_percentile (histogram, 50)),
    .p90_us = microseconds (histogram_percentile (histogram, 90)),
    .p95_us = microseconds (histogram_percentile (histogram, 95)),
    .p99_us = microseconds (histogram_percentile (histogram, 99)),
    .p999_us = microseconds (histogram_percentile (histogram, 99.9)),
    .max_us = microseconds (histogram_most (histogram)),
  };
  if (buckets)
    add_buckets (&series, histogram, arena);
  return series;
}

struct event_series *
load_stats_sample (struct load_stats *stats, struct arena *arena, size_t *count)
{
  struct event_series *series = arena_array (arena, stats->names.count, sizeof *series);
  struct histogram *now = xmalloc (sizeof *now), *since = xmalloc (sizeof *since);
  for (unsigned i = 0; i < stats->names.count; i++) {
    memset ((void *) now, 0, sizeof *now);
    for (size_t shard = 0; shard < stats->shards; shard++) {
      histogram_add (now, histogram_at (stats, false, shard, i));
      histogram_add (now, histogram_at (stats, true, shard, i));
    }
    histogram_since (since, now, &stats->before[i]);
    memcpy ((void *) &stats->before[i], (const void *) now, sizeof *now);
    series[i] = load_stats_series (since, stats->names.names[i], arena, false);
  }
  free (now);
  free (since);
  *count = stats->names.count;
  return series;
}
