/* load-require.c - see load-require.h.  What was measured is judged in load-verdict.c. */
#include "config.h"

#include "load-require.h"

#include <stdio.h>
#include <string.h>

#include "matchers.h"
#include "suite.h"

/* ---- what is measured ---- */

const char *const load_metrics[] = { "count", "errors", "error_rate", "rate", "min", "mean", "p50", "p90", "p95", "p99",
                                     "p999", "max", NULL };

bool
load_threshold_parse (const char *text, size_t size, struct load_threshold *out)
{
  static const struct { const char *name; enum load_metric metric; } metrics[] = {
    { "errors", LOAD_ERRORS }, { "error_rate", LOAD_ERROR_RATE }, { "count", LOAD_COUNT }, { "rate", LOAD_RATE },
    { "min", LOAD_MIN },       { "mean", LOAD_MEAN },             { "max", LOAD_MAX },
  };
  const char *metric = text + size; /* behind the last dot */
  while (metric > text && metric[-1] != '.')
    metric--;
  size_t n = (size_t) (text + size - metric);
  *out = (struct load_threshold) { .series = metric > text ? text : NULL,
                                   .series_size = metric > text ? (size_t) (metric - 1 - text) : 0 };
  for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
    if (strlen (metrics[i].name) == n && memcmp (metrics[i].name, metric, n) == 0) {
      out->metric = metrics[i].metric;
      return true;
    }
  /* with more than two digits only those that are meant: p200 is none, p999 is 99.9 */
  bool all = n == 4 && memcmp (metric, "p100", 4) == 0;
  if (n < 2 || n > 6 || metric[0] != 'p' || metric[1] == '0' || (n > 3 && metric[1] != '9' && !all))
    return false;
  double percentile = 0, worth = 10; /* p95, p999 = 99.9, p9999 = 99.99; p100, p5 */
  for (size_t i = 1; i < n; i++) {
    if (metric[i] < '0' || metric[i] > '9')
      return false;
    percentile += (metric[i] - '0') * worth;
    worth /= 10;
  }
  out->metric = LOAD_PERCENTILE;
  out->percentile = n == 2 ? percentile / 10 : all ? 100 : percentile;
  return true;
}

/* ---- what can be required of it ---- */

enum kind { KIND_WHOLE, KIND_SHARE, KIND_RATE, KIND_TIME };

static enum kind
kind_of (enum load_metric metric)
{
  return metric == LOAD_ERRORS || metric == LOAD_COUNT ? KIND_WHOLE
         : metric == LOAD_ERROR_RATE                   ? KIND_SHARE
         : metric == LOAD_RATE                         ? KIND_RATE
                                                       : KIND_TIME;
}

static bool
wrong (struct param_error *error, const struct value *where, const char *name, const char *what)
{
  error->where = *where;
  snprintf (error->message, sizeof error->message, "require: %.60s: %s", name, what);
  return false;
}

/* What the metric can be compared with. */
static bool
is_comparable (enum kind kind, const struct value *operand)
{
  int64_t ns;
  if (kind == KIND_TIME)
    return value_duration (operand, &ns);
  double number = operand->type == VALUE_INT     ? (double) operand->integer
                  : operand->type == VALUE_FLOAT ? operand->number
                                                 : -1;
  return number >= 0 && (kind != KIND_SHARE || number <= 1);
}

static const char *const expected[] = {
  [KIND_WHOLE] = "expected a number (0), or a limit ({$lt: 5})",
  [KIND_SHARE] = "expected a number from 0 to 1 (5 % is 0.05), or a limit ({$lt: 0.05})",
  [KIND_RATE] = "expected a number: how many a second (30/m is 0.5), or a limit ({$gt: 0.5})",
  [KIND_TIME] = "expected a limit that is a duration with its unit ({$lt: 50ms})",
};

/* A plain value must be met exactly, which no time is. */
static bool
check_plain (const char *name, enum kind kind, const struct value *value, struct param_error *error)
{
  char hint[160];
  int64_t ns;
  if (kind != KIND_TIME)
    return is_comparable (kind, value) || wrong (error, value, name, expected[kind]);
  if (value->type != VALUE_STRING || !value_duration (value, &ns))
    return wrong (error, value, name, expected[kind]);
  snprintf (hint, sizeof hint, "it would have to be exactly %.40s: write {$lt: %.40s}", value->string, value->string);
  return wrong (error, value, name, hint);
}

static bool check_pattern (const char *name, enum kind kind, const struct value *pattern, struct param_error *error);

/* A matcher that no number and no time can meet, or that all meet, is none to limit them with. */
static bool
check_matcher (const char *name, enum kind kind, const struct member *m, struct param_error *error)
{
  const struct value *operand = &m->value;
  if (matcher_key_kind (&m->key) != KEY_MATCHER)
    return wrong (error, &m->key, name, expected[kind]);
  bool later = operand->flags & VALUE_DYNAMIC;
  switch (matcher_find (&m->key)) {
  case MATCHER_LT: case MATCHER_LE: case MATCHER_GT: case MATCHER_GE:
    return later || is_comparable (kind, operand) || wrong (error, operand, name, expected[kind]);
  case MATCHER_NOT: case MATCHER_EQUALS: case MATCHER_EXACT:
    return check_pattern (name, kind, operand, error);
  case MATCHER_ONE_OF:
    for (size_t i = 0; operand->type == VALUE_LIST && i < operand->count; i++)
      if (!check_pattern (name, kind, &operand->items[i], error))
        return false;
    return true;
  case MATCHER_NEAR:
    return kind != KIND_TIME || wrong (error, &m->key, name, expected[kind]);
  case MATCHER_ANY: case MATCHER_EXPR:
    return true;
  default:
    return wrong (error, &m->key, name, expected[kind]);
  }
}

static bool
check_pattern (const char *name, enum kind kind, const struct value *pattern, struct param_error *error)
{
  if (pattern->type == VALUE_STRING && (pattern->flags & VALUE_DYNAMIC))
    return true;
  if (pattern->type != VALUE_MAP)
    return check_plain (name, kind, pattern, error);
  if (pattern->count == 0)
    return wrong (error, pattern, name, expected[kind]);
  for (size_t i = 0; i < pattern->count; i++)
    if (!(pattern->members[i].key.flags & VALUE_DYNAMIC) && !check_matcher (name, kind, &pattern->members[i], error))
      return false;
  return true;
}

bool
load_require_check (const struct value *key, const struct value *pattern, struct param_error *error)
{
  struct load_threshold threshold;
  error->where = *key;
  if (load_threshold_parse (key->string, key->size, &threshold))
    return check_pattern (key->string, kind_of (threshold.metric), pattern, error);
  snprintf (error->message, sizeof error->message,
            "require: \"%.60s\" is nothing that is measured: errors, error_rate, count, rate, min, mean, max, p95 "
            "(p1 to p100; p999 is 99.9 %%), with a step's name before it: NAME.p95", key->string);
  return false;
}
