/* schema.h - the JSON Schema of suites and libraries, from the tables of plugins. */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "plugin.h"

/* Appends the schema (draft 2020-12) for the core's verbs and those of the plugins. */
void schema_write (struct buffer *out, const struct plugin *const *plugins, size_t count);

#endif
