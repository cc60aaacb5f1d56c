/* suite-read.h - what the files that make a suite out of a document share. */
#ifndef SUITE_READ_H
#define SUITE_READ_H

#include "suite.h"

#define LIBRARIES_MOST 100

struct libraries {
  struct value roots[LIBRARIES_MOST];
  size_t count;
};

struct reader {
  struct suite *suite;
  struct arena *arena;         /* the suite's */
  struct expr_engine *engine;
  struct faults *faults;
  const struct step **steps;   /* all, by id */
  size_t step_count, step_room;
  unsigned depth;              /* of nested groups */
  char missing[16][80];        /* plugins that could not be had: told once */
  size_t missing_count;
  const struct value *root;    /* of the suite's document */
  struct libraries *libraries;
  bool incomplete;             /* of a library, or of who includes it, nothing is known: names may be theirs */
  bool alone;                  /* it is a library, and so may keywords be */
};

/* The plugin of a verb or role ("tcp" of "tcp.send"), or NULL: told once. */
const struct plugin *read_plugin (struct reader *reader, const struct value *key);

/* suite-step.c: what is wrong with it, of a key that text_is_name does not take. */
const char *why_no_name (const struct value *key);

/* suite-step.c: the fields that the step's result can have; returns how many, at most `most` in `names` (which then
 * ends with NULL, beyond them); -1: that is not known. */
int read_result_fields (const struct step *step, const char **names, size_t most);

/* suite-step.c: a list of steps.  `what` names the list in messages. */
struct steps read_steps (struct reader *reader, const struct value *list, const char *what);
/* The same; a list without any is a fault. */
struct steps read_some_steps (struct reader *reader, const struct value *list, const char *what);

/* The type of a keyword's parameter by its name, kept; NULL: unknown. */
const char *keyword_type (const struct value *type);

/* suite-names.c: expressions, and the names they use.  `faulty`: the structure has faults; what
 * could only follow from them is not told. */
void check_names (struct reader *reader, bool faulty);

/* The verbs of the core itself (log, sleep, role.start, …), ends with a name of NULL. */
extern const struct verb *const core_verbs;
/* NULL: there is none of that name. */
const struct verb *core_verb_find (const char *name, size_t size);
/* The verbs that are forms of the language (set, do, …), ends with NULL. */
const char *const *suite_forms (void);

/* What stands behind a key; NULL: it is not there. */
const struct value *read_key (const struct value *map, const char *key);
/* A fault for each key that is not among `known` (ends with NULL), `x-` aside; `what` names the map in messages. */
void check_keys (struct reader *reader, const struct value *map, const char *what, const char *const *known);

#endif
