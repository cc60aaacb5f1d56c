/* describe.h - the rows of tables in words, for people: `runner plugins`, manuals, the
 * schema's descriptions.  What is checked is in param.c. */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include "plugin.h"

/* Verbs that are forms of the language itself: they take steps or names, which no table
 * of parameters can tell. */
struct form {
  const char *name;
  const char *takes; /* "[STEP, …]" */
  const char *help;
};
const struct form *described_forms (void); /* ends with a name of NULL */

/* The core's verbs of tables, ready for use; ends with a name of NULL. */
const struct verb *described_core_verbs (void);

/* "address; required, may stand alone; default x" */
void describe_param (struct buffer *out, const struct params *params, const struct runner_param *row);
/* "integer, may be absent" */
void describe_field (struct buffer *out, const struct runner_field *field);

/* Are the tables the same rows, so that one description is enough for both? */
bool same_params (const struct params *a, const struct params *b);
bool same_fields (const struct runner_field *a, size_t a_count, const struct runner_field *b, size_t b_count);

/* The plugin's parameters, results and exports as POD, from =head2 on. */
void describe_pod (struct buffer *out, const struct plugin *plugin);
/* The same of the core. */
void describe_core_pod (struct buffer *out);

#endif
