/* plan.h - what is run, in which order: immutable once made. */
#ifndef PLAN_H
#define PLAN_H

#include "suite.h"

struct run_options {
  const char **paths;
  size_t path_count;
  uint32_t jobs;
  const char *output;           /* folder */
  const char **keywords;        /* -k */
  size_t keyword_count;
  const char **tags;            /* --tag; `!x` excludes */
  size_t tag_count;
  const char *where;            /* --where */
  uint32_t shard, shards;       /* 1-based; 0: all */
  bool last_failed, shuffle, fail_fast, list;
  uint64_t seed;
  uint32_t retries, repeat;
  int64_t timeout_ns;           /* --timeout: of every test that has no smaller one; 0: none */
  const char **targets;         /* --target ROLE.EXPORT=VALUE */
  size_t target_count;
  const char **vars;            /* --var NAME=VALUE */
  size_t var_count;
  const char *junit;
  bool tap;
  int verbose;
  int color;                    /* -1: as the terminal is */
  const char *command;          /* for the report */
};

/* Reads the options of `runner run`, or of another `command`.  -1: go on; else the exit status.
 * To be freed in any case; what it holds belongs to argv, or to it.  run-options.c */
int run_options_read (struct run_options *options, const char *command, int argc, char **argv);
void run_options_free (struct run_options *options);

struct planned {
  uint32_t number;              /* in its suite's plan */
  const struct test *test;
  const struct value *row;      /* of the matrix: a map; NULL: none */
  const char *name;             /* unique in its suite: with the row's values, and #n when repeated */
};

struct planned_suite {
  const struct suite *suite;
  struct planned *tests;        /* selected ones, in the order in which they run */
  size_t count;
};

struct target { const char *role, *export, *value; };

struct plan {
  struct arena arena;
  struct planned_suite *suites; /* in the order in which they run */
  size_t suite_count;
  size_t test_count;
  struct target *targets;
  size_t target_count;
};

/* Expands, selects, orders.  False: `faults` says what is wrong with the options. */
bool plan_make (struct plan *plan, struct suite **suites, size_t count, const struct run_options *options,
                struct expr_engine *engine, struct faults *faults);
void plan_free (struct plan *plan);

/* The value that --target gives for a role's export; NULL: none. */
const char *plan_target (const struct plan *plan, const char *role, const char *export);
/* The value that --var gives for a variable; NULL: none. */
const char *options_var (const struct run_options *options, const char *name);
/* The same as a value: a text where the suite's own, `preset`, is one, else read as a scalar of YAML; `given` is
 * borrowed.  False: it is not of the type of an integer, number or boolean there. */
bool options_var_value (const char *given, const struct value *preset, struct value *out);
/* Does --target give any of the role's exports, so that it runs elsewhere? */
bool plan_targets_role (const struct plan *plan, const char *role);

#endif
