/* load-require.h - the rows of `require`: what is measured, and what must hold of it. */
#ifndef LOAD_REQUIRE_H
#define LOAD_REQUIRE_H

#include "param.h"

/* "total.p99", "errors": the step's name (NULL: all) and the metric; false: no metric
 * is called so. */
enum load_metric { LOAD_ERRORS, LOAD_ERROR_RATE, LOAD_COUNT, LOAD_RATE, LOAD_MIN, LOAD_MEAN, LOAD_MAX, LOAD_PERCENTILE };
struct load_threshold { const char *series; size_t series_size; enum load_metric metric; double percentile; };
bool load_threshold_parse (const char *text, size_t size, struct load_threshold *out);

/* What a load's result tells of each series, by names that load_threshold_parse knows; NULL ends them. */
extern const char *const load_metrics[];

/* Is the row's name that of a metric, and can what is required of it hold?  Parts with `${`
 * are left for later.  False: `error` says why not. */
bool load_require_check (const struct value *key, const struct value *pattern, struct param_error *error);

#endif
