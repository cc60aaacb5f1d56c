/* load-verdict.c - see load-verdict.h. */
#include "config.h"

#include "load-verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "load-tell.h"
#include "match.h"
#include "text.h"

#define FAILURES_TOLD 20

/* ---- values ---- */

/* "48.2ms": three or four digits, to be compared with durations. */
static const char *
duration_text (struct arena *arena, int64_t us)
{
  static const struct { const char *name; int64_t worth; } units[] = { { "s", 1000000 }, { "ms", 1000 }, { "us", 1 } };
  size_t u = us >= 1000000 ? 0 : us >= 1000 ? 1 : 2;
  int64_t whole = us / units[u].worth, thousandths = us % units[u].worth * 1000 / units[u].worth;
  if (thousandths == 0)
    return arena_printf (arena, "%lld%s", (long long) whole, units[u].name);
  int digits = whole >= 100 ? 1 : whole >= 10 ? 2 : 3;
  for (int i = digits; i < 3; i++)
    thousandths /= 10;
  return arena_printf (arena, "%lld.%0*lld%s", (long long) whole, digits, (long long) thousandths, units[u].name);
}

struct measured {
  struct histogram *histogram;
  uint64_t failed, of;     /* failures, and out of how many: of all iterations in the total, also of those that did
                              not begin */
  uint64_t withdrawn;      /* that the runner itself has cancelled */
  int64_t ns;              /* how long it was measured */
};

static double
per_second (uint64_t n, int64_t ns)
{
  double rate = ns > 0 ? (double) n * 1e9 / (double) ns : 0;
  return (double) (int64_t) (rate * 1000 + 0.5) / 1000; /* no more digits than it is worth */
}

static struct value
metric_value (const struct measured *measured, const struct load_threshold *threshold, struct arena *arena)
{
  const struct histogram *h = measured->histogram;
  int64_t ns;
  switch (threshold->metric) {
  case LOAD_ERRORS:
    return value_int ((int64_t) measured->failed);
  case LOAD_ERROR_RATE:
    return value_float (measured->of ? (double) measured->failed / (double) measured->of : 0);
  case LOAD_COUNT:
    return value_int ((int64_t) h->count);
  case LOAD_RATE:
    return value_float (per_second (h->count, measured->ns));
  case LOAD_MIN:
    ns = histogram_least (h);
    break;
  case LOAD_MEAN:
    ns = histogram_mean (h);
    break;
  case LOAD_MAX:
    ns = histogram_most (h);
    break;
  default:
    ns = histogram_percentile (h, threshold->percentile);
  }
  return value_string (duration_text (arena, (ns + 500) / 1000));
}

/* ---- thresholds ---- */

/* Whose series is it?  False: nobody's. */
static bool
find_series (const struct value *key, const struct load_threshold *threshold, const struct load_names *names, int *series,
             struct param_error *error)
{
  *series = threshold->series ? load_names_find (names, threshold->series, threshold->series_size) : SERIES_TOTAL;
  if (*series >= 0)
    return true;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "require: no step is called \"%.*s\"; measured are",
                 (int) (threshold->series_size < 60 ? threshold->series_size : 60), threshold->series);
  for (size_t i = 0; i < names->count && text.size < 400; i++)
    buffer_printf (&text, "%s %s", i ? "," : "", names->names[i]);
  error->where = *key;
  snprintf (error->message, sizeof error->message, "%s", buffer_text (&text));
  return false;
}

void
load_thresholds_check (const struct value *require, const struct load_names *names, struct faults *faults)
{
  for (size_t i = 0; i < require->count; i++) {
    struct load_threshold threshold;
    struct param_error error;
    int series;
    const struct value *key = &require->members[i].key;
    if (!(key->flags & VALUE_DYNAMIC) && load_threshold_parse (key->string, key->size, &threshold)
        && !find_series (key, &threshold, names, &series, &error))
      fault_add (faults, &error.where, "%s", error.message);
  }
}

bool
load_thresholds_ready (const struct value *require, const struct load_names *names, struct param_error *error)
{
  for (size_t i = 0; require && i < require->count; i++) {
    struct load_threshold threshold;
    int series;
    const struct value *key = &require->members[i].key;
    if (!load_require_check (key, &require->members[i].value, error)
        || !load_threshold_parse (key->string, key->size, &threshold)
        || !find_series (key, &threshold, names, &series, error))
      return false;
  }
  return true;
}

struct judging {
  struct context *context;
  const struct load_names *names;
  const struct measured *measured; /* by series */
  struct arena *arena;             /* the test's */
  struct event_load *told;
  struct value first_where;        /* of the first that did not hold */
  const char *first;
  int outcome;
};

static const char *
place_text (struct arena *arena, const struct value *where)
{
  CLEANUP_BUFFER struct buffer place = { 0 };
  place_print (&place, where);
  return place.size ? arena_copy (arena, place.data, place.size) : NULL;
}

static const char *
difference_text (struct arena *arena, const struct event_threshold *row)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_lit (&text, "expected ");
  format_limit (&text, row->limit);
  buffer_lit (&text, ", got ");
  format_measure (&text, row->actual);
  return arena_copy (arena, text.data, text.size);
}

static void
not_held (struct judging *j, struct event_threshold *row, const struct value *where, int outcome, const char *why)
{
  row->outcome = outcome == RUNNER_ERROR ? OUTCOME_ERROR : OUTCOME_FAILED;
  row->message = why;
  if (j->outcome == RUNNER_PASS) {
    j->outcome = outcome;
    j->first_where = *where;
    j->first = arena_printf (j->arena, "%s: %s", row->name, why);
  }
}

/* Without a single sample nothing holds, but what asks how many there were.  NULL: there are some. */
static const char *
why_nothing (const struct load_threshold *threshold, const struct measured *measured, int series)
{
  bool of_errors = threshold->metric <= LOAD_ERROR_RATE, of_iterations = of_errors && series == SERIES_TOTAL;
  if (threshold->metric == LOAD_COUNT || (of_iterations ? measured->of : measured->histogram->count)
      || (of_errors && measured->withdrawn))
    return NULL;
  return of_iterations || series == SERIES_ITERATION ? "no iteration was counted"
         : series == SERIES_TOTAL ? "nothing was measured: no step is a plugin's"
         : measured->withdrawn    ? "the step never ended by itself: it was always cancelled"
                                  : "the step never ran";
}

static void
judge_one (struct judging *j, const struct value *key, const struct value *pattern, const struct value *where)
{
  struct load_threshold threshold;
  struct param_error error;
  int series;
  struct event_threshold *row = &j->told->thresholds[j->told->threshold_count++];
  *row = (struct event_threshold) { .name = arena_copy (j->arena, key->string, key->size),
                                    .where = place_text (j->arena, where), .outcome = OUTCOME_PASSED,
                                    .limit = load_tell_limit (pattern, j->arena) };
  j->context->test->checks++;
  if (!load_threshold_parse (key->string, key->size, &threshold)
      || !find_series (key, &threshold, j->names, &series, &error)) { /* not those of load_thresholds_ready */
    not_held (j, row, where, RUNNER_ERROR, "it cannot be judged");
    return;
  }
  const struct measured *measured = &j->measured[series];
  const char *nothing = why_nothing (&threshold, measured, series);
  if (nothing) {
    not_held (j, row, where, RUNNER_ERROR, nothing);
    return;
  }
  struct value actual = metric_value (measured, &threshold, j->arena);
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (!value_print (&text, &actual))
    buffer_lit (&text, "?");
  row->actual = arena_copy (j->arena, text.data, text.size);
  struct expr_scope scope = context_scope (j->context);
  struct match match = { .evaluator = &j->context->evaluator, .scope = &scope, .arena = j->arena };
  struct differences differences = { .arena = j->arena };
  int matched = match_value (&match, pattern, &actual, &differences);
  if (matched == MATCH_WRONG)
    not_held (j, row, where, RUNNER_ERROR, differences.count ? differences.items[0].text : "it cannot be judged");
  else if (matched != MATCH_YES)
    not_held (j, row, where, RUNNER_FAIL, difference_text (j->arena, row));
}

static bool
names_errors (const struct value *require)
{
  for (size_t i = 0; require && i < require->count; i++)
    if (value_is (&require->members[i].key, "errors") || value_is (&require->members[i].key, "error_rate"))
      return true;
  return false;
}

static void
judge_all (struct judging *j, const struct value *require, const struct value *where)
{
  size_t n = require ? require->count : 0;
  j->told->thresholds = arena_array (j->arena, n + 1, sizeof *j->told->thresholds);
  if (!names_errors (require)) { /* nothing passes by accident: errors are allowed only where it is said */
    struct value key = value_string ("errors"), none = value_int (0);
    judge_one (j, &key, &none, where);
  }
  for (size_t i = 0; i < n; i++)
    judge_one (j, &require->members[i].key, &require->members[i].value, &require->members[i].key);
}

static void
tell_unjudged (struct event_load *told, const struct value *key, const struct value *pattern,
               const struct value *where, struct arena *arena)
{
  told->thresholds[told->threshold_count++] = (struct event_threshold) {
    .name = arena_copy (arena, key->string, key->size), .where = place_text (arena, where),
    .outcome = OUTCOME_NOT_RUN, .limit = load_tell_limit (pattern, arena),
    .message = "not judged: the load was cut off",
  };
}

void
load_not_judged (const struct step *step, const struct value *require, struct event_load *told, struct arena *arena)
{
  size_t n = require ? require->count : 0;
  told->thresholds = arena_array (arena, n + 1, sizeof *told->thresholds);
  if (!names_errors (require)) {
    struct value key = value_string ("errors"), none = value_int (0);
    tell_unjudged (told, &key, &none, step->key, arena);
  }
  for (size_t i = 0; i < n; i++)
    tell_unjudged (told, &require->members[i].key, &require->members[i].value, &require->members[i].key, arena);
}

/* ---- failures ---- */

static int
by_count (const void *a, const void *b)
{
  const struct load_failure *const *x = a, *const *y = b;
  return (*x)->count < (*y)->count ? 1 : (*x)->count > (*y)->count ? -1 : 0;
}

#define OTHERS_MOST ((size_t) 4000)

/* The message, and what else record_failure has told in the details: the failures of other branches of first_of. */
static const char *
whole_message (const struct load_failure *failure, struct arena *arena)
{
  static const char then[] = "then, at ";
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (failure->verb)
    buffer_printf (&text, "%s: ", failure->verb);
  buffer_puts (&text, failure->message);
  for (const char *line = failure->details; line && text.size < OTHERS_MOST;) {
    const char *end = strchr (line, '\n');
    if (strncmp (line, then, sizeof then - 1) == 0) {
      buffer_lit (&text, "; ");
      buffer_add (&text, line, end ? (size_t) (end - line) : strlen (line));
    }
    line = end ? end + 1 : NULL;
  }
  return arena_copy (arena, text.data ? text.data : "", text.size);
}

/* The commonest first, with their places. */
static void
tell_failures (const struct load_stats *stats, struct event_load *told, struct arena *arena)
{
  const struct load_failure *sorted[sizeof stats->failures / sizeof *stats->failures] = { NULL };
  if (!stats->failure_count)
    return;
  for (size_t i = 0; i < stats->failure_count; i++)
    sorted[i] = &stats->failures[i];
  qsort (sorted, stats->failure_count, sizeof *sorted, by_count);
  size_t n = stats->failure_count < FAILURES_TOLD ? stats->failure_count : FAILURES_TOLD;
  told->errors = arena_array (arena, n + 1, sizeof *told->errors);
  for (size_t i = 0; i < n; i++)
    told->errors[i] = (struct event_load_error) {
      .message = whole_message (sorted[i], arena),
      .where = place_text (arena, &sorted[i]->where), .count = sorted[i]->count
    };
  told->error_count = n;
  uint64_t rest = stats->other_failures;
  for (size_t i = n; i < stats->failure_count; i++)
    rest += sorted[i]->count;
  if (rest)
    told->errors[told->error_count++] = (struct event_load_error) { .message = "at other places", .count = rest };
}

/* ---- the result ---- */

static void
put_member (struct builder *builder, const char *name, struct value value)
{
  builder_key (builder, value_string (name));
  builder_put (builder, value);
}

static void
put_series (struct builder *builder, const struct measured *measured, struct arena *arena)
{
  for (size_t i = 0; load_metrics[i]; i++) {
    struct load_threshold threshold;
    if (load_threshold_parse (load_metrics[i], strlen (load_metrics[i]), &threshold))
      put_member (builder, load_metrics[i], metric_value (measured, &threshold, arena));
  }
}

static struct value
make_result (const struct load_names *names, const struct measured *measured, uint64_t users, struct arena *arena)
{
  struct builder builder;
  builder_init (&builder, arena);
  builder_open (&builder, (struct value) { .type = VALUE_MAP });
  put_member (&builder, "users", value_int ((int64_t) users));
  put_series (&builder, &measured[SERIES_TOTAL], arena);
  builder_key (&builder, value_string ("iteration"));
  builder_open (&builder, (struct value) { .type = VALUE_MAP });
  put_series (&builder, &measured[SERIES_ITERATION], arena);
  builder_close (&builder);
  builder_key (&builder, value_string ("steps"));
  builder_open (&builder, (struct value) { .type = VALUE_MAP });
  for (size_t i = SERIES_STEPS; i < names->count; i++) {
    builder_key (&builder, value_string (arena_strdup (arena, names->names[i])));
    builder_open (&builder, (struct value) { .type = VALUE_MAP });
    put_series (&builder, &measured[i], arena);
    builder_close (&builder);
  }
  builder_close (&builder);
  builder_close (&builder);
  struct value result = builder_finish (&builder);
  builder_free (&builder);
  return result;
}

/* ---- all of it ---- */

static void
fill_series (struct event_load *told, const struct load_names *names, const struct measured *measured,
             struct arena *arena)
{
  told->series = arena_array (arena, names->count, sizeof *told->series);
  told->series_count = names->count;
  for (size_t i = 0; i < names->count; i++) {
    told->series[i] = load_stats_series (measured[i].histogram, arena_strdup (arena, names->names[i]), arena, true);
    told->series[i].failed = measured[i].failed;
  }
  told->rate = per_second (measured[SERIES_ITERATION].histogram->count, measured[SERIES_ITERATION].ns);
}

static const char *
no_iteration (const struct load_stats *stats, struct arena *arena)
{
  if (load_stats_warmed_up (stats))
    return "no iteration was counted: all began during the warm-up";
  if (!stats->skipped)
    return "no iteration was counted: there was no time for one";
  return arena_printf (arena, "no iteration was counted: all steps were skipped%s%s", stats->skipped_why ? ": " : "",
                       stats->skipped_why ? stats->skipped_why : "");
}

int
load_judge (struct context *context, const struct step *step, const struct load_form *form,
            const struct load_stats *stats, struct event_load *told, struct arena *arena, struct value *result,
            bool judge)
{
  const struct load_names *names = &stats->names;
  struct arena *kept = &context->test->arena;
  struct histogram *all = xcalloc (names->count, sizeof *all);
  struct measured *measured = xcalloc (names->count, sizeof *measured);
  int64_t ns = told->window_us * 1000;
  for (unsigned i = 0; i < names->count; i++) {
    load_stats_merge (stats, i, &all[i]);
    measured[i] = (struct measured) { .histogram = &all[i], .failed = all[i].failed, .of = all[i].count, .ns = ns,
                                       .withdrawn = stats->withdrawn[i] };
  }
  measured[SERIES_TOTAL].of = all[SERIES_ITERATION].count + stats->unbegun;
  fill_series (told, names, measured, kept);
  tell_failures (stats, told, kept);
  struct judging j = { .context = context, .names = names, .measured = measured, .arena = kept, .told = told };
  if (judge && !all[SERIES_ITERATION].count) { /* nothing passes by accident */
    j.outcome = RUNNER_ERROR;
    j.first_where = *step->key;
    j.first = no_iteration (stats, kept);
  }
  if (judge)
    judge_all (&j, form->require, step->key);
  if (j.outcome != RUNNER_PASS)
    record_failure (context, step, &j.first_where, j.outcome, false, j.first, NULL);
  *result = make_result (names, measured, told->users, arena);
  free (measured);
  free (all);
  return j.outcome;
}

/* ---- passing on ---- */

struct event_load *
load_add (struct test_run *test)
{
  struct event_load *loads = arena_array (&test->arena, test->load_count + 1, sizeof *loads);
  if (test->load_count)
    memcpy (loads, test->loads, test->load_count * sizeof *loads);
  test->loads = loads;
  return &test->loads[test->load_count++];
}

static void *
copy_array (struct arena *arena, const void *items, size_t n, size_t size)
{
  void *copy = arena_array (arena, n + 1, size);
  if (n)
    memcpy (copy, items, n * size);
  return copy;
}

static void
copy_text (struct arena *arena, const char **text)
{
  if (*text)
    *text = arena_strdup (arena, *text);
}

void
load_join (struct test_run *to, const struct event_load *load)
{
  struct arena *arena = &to->arena;
  struct event_load *copy = load_add (to);
  *copy = *load;
  copy_text (arena, &copy->where);
  copy->series = copy_array (arena, load->series, load->series_count, sizeof *load->series);
  for (size_t i = 0; i < copy->series_count; i++) {
    struct event_series *series = &copy->series[i];
    copy_text (arena, &series->name);
    series->buckets = copy_array (arena, series->buckets, series->bucket_count, sizeof *series->buckets);
  }
  copy->settings = copy_array (arena, load->settings, load->setting_count, sizeof *load->settings);
  for (size_t i = 0; i < copy->setting_count; i++) {
    copy_text (arena, &copy->settings[i].name);
    copy_text (arena, &copy->settings[i].value);
  }
  copy->thresholds = copy_array (arena, load->thresholds, load->threshold_count, sizeof *load->thresholds);
  for (size_t i = 0; i < copy->threshold_count; i++) {
    copy_text (arena, &copy->thresholds[i].name);
    copy_text (arena, &copy->thresholds[i].where);
    copy_text (arena, &copy->thresholds[i].actual);
    copy_text (arena, &copy->thresholds[i].limit);
    copy_text (arena, &copy->thresholds[i].message);
  }
  copy->errors = copy_array (arena, load->errors, load->error_count, sizeof *load->errors);
  for (size_t i = 0; i < copy->error_count; i++) {
    copy_text (arena, &copy->errors[i].message);
    copy_text (arena, &copy->errors[i].where);
  }
}
