/* suite.h - a suite as types: what a document means, checked against the tables.
 *
 * Everything is made before anything runs and never changes afterwards; the
 * supervisor and its forked workers see the same memory. */
#ifndef SUITE_H
#define SUITE_H

#include "plugin.h"

struct step;
struct steps { const struct step *items; size_t count; };

enum step_kind {
  STEP_VERB,    /* of a plugin or of the core: `verb` */
  STEP_KEYWORD, /* my.NAME: `keyword` */
  STEP_SET,
  STEP_CHECK,
  STEP_DO,      /* `body` */
  STEP_DEFER,   /* `body` */
  STEP_PARALLEL, /* `body`: a branch each */
  STEP_FIRST_OF, /* `body`, `branch_names` */
  STEP_BACKGROUND, /* `body`; `args`: its name */
  STEP_JOIN,    /* `args`: the name */
  STEP_LOAD,    /* `body`: an iteration; `args`: the rest */
};

struct step {
  const struct value *key;   /* the verb as written, and its place */
  const struct value *args;  /* what stands behind it */
  enum step_kind kind;
  uint32_t id;               /* index in suite->all_steps */
  const struct verb *verb;
  const struct keyword *keyword;
  struct steps body;
  const char **branch_names;
  const struct value *name, *each, *condition, *timeout, *save, *expect, *check, *fails; /* NULL: not given */
  const struct value *retry; /* NULL: none; then: */
  const struct value *retry_for, *retry_every, *until, *stop_if;
};

struct keyword_param {
  struct value name;
  const char *type;            /* string integer number boolean duration size list map any */
  const struct value *preset;  /* NULL: required */
  bool primary;
};

struct keyword {
  const char *name;
  struct value where;
  struct keyword_param *params;
  size_t param_count;
  struct steps steps;
  const struct value *returns; /* NULL: no result */
};

struct role_def {
  const char *name;
  struct value where;
  const struct role_type *type;
  const struct value *args;
  uint32_t count;              /* 0: a single one; else a list of that many */
  bool manual, run_scope;
  int64_t ready_ns;            /* how long it may take to get ready */
};

struct named_value { const char *name; struct value where; const struct value *value; };

struct secret {
  const char *name;
  struct value where;
  const char *env, *file;      /* where it comes from: one of them */
  const char *text;            /* the value, read before the run starts; NULL: was not */
  size_t size;
};

struct test {
  const char *name;
  struct value where;
  const char *about;
  const char **tags;           /* with the suite's; ends with NULL */
  const char *skip;            /* the reason; NULL: is run */
  const struct value *condition;
  int64_t timeout_ns;
  uint32_t retries;
  const struct value *matrix;  /* map of lists, or list of maps; NULL: none */
  struct role_def *roles;
  size_t role_count;
  struct steps steps, on_failure;
};

struct suite {
  struct arena arena;
  uint32_t number;
  const char *path;            /* as named on the command line */
  const char *folder;
  const char *name;
  struct value where;
  const char *about;
  const char **tags;
  struct named_value *vars;
  size_t var_count;
  struct secret *secrets;
  size_t secret_count;
  struct role_def *roles;
  size_t role_count;
  struct keyword *keywords;
  size_t keyword_count;
  struct steps setup, teardown, before_each, after_each;
  struct test *tests;
  size_t test_count;
  const char **locks;          /* its own and its tests'; ends with NULL */
  bool isolated;               /* a fresh worker for every test */
  bool ordered;

  const struct step **all_steps; /* by id */
  uint32_t step_count;
};

#define DEFAULT_STEP_NS (INT64_C (30) * 1000000000)
#define DEFAULT_TEST_NS (INT64_C (300) * 1000000000)
#define DEFAULT_READY_NS (INT64_C (30) * 1000000000)
#define DEFAULT_GRACE_NS (INT64_C (5) * 1000000000)

/* Reads and checks one file; freed by suite_free.  All that is wrong goes to
 * `faults`; then NULL may be returned, as it is for a library, which is no suite
 * by itself.  `engine` compiles the expressions (and keeps them). */
struct suite *suite_load (const char *path, uint32_t number, struct expr_engine *engine, struct faults *faults);
/* The same from memory; `name` stands for the path. */
struct suite *suite_parse (const char *name, const char *text, size_t size, uint32_t number,
                           struct expr_engine *engine, struct faults *faults);
/* A library by itself: what does not depend on who includes it. */
void suite_check_library (const char *path, struct expr_engine *engine, struct faults *faults);
void suite_free (struct suite *suite);

/* Reads the values of its secrets and has them masked from now on. */
void suite_read_secrets (struct suite *suite, struct faults *faults);

/* NULL: there is none of that name. */
const struct keyword *suite_keyword (const struct suite *suite, const char *name, size_t size);
const struct role_def *suite_role (const struct suite *suite, const char *name);

/* Does some test have roles of its own? */
bool suite_has_test_roles (const struct suite *suite);

/* The folder of the file that a value was written in; kept. */
const char *folder_of (const struct value *where);

/* Is `name` used in some ${…} of the tree? */
bool value_mentions (const struct value *tree, const char *name);

/* Is the value of a keyword parameter's type ("string", "duration", …)? */
bool value_fits (const struct value *value, const char *type);

/* A duration written in a suite (not dynamic); false: `value` is none. */
bool value_duration (const struct value *value, int64_t *ns);
/* The same for the times of a suite itself, which are limited.  NULL, or why it is none. */
const char *duration_fault (const struct value *value, int64_t *ns);

#endif
