/* plugin.h - finding, loading and checking plugins; their tables as the core uses them. */
#ifndef PLUGIN_H
#define PLUGIN_H

#include "param.h"

#define VERB_OWN_TIME 0x80000000u /* core verbs: no default timeout */

struct verb {
  const struct plugin *plugin;
  const char *name;      /* "tcp.send" */
  const char *help;
  int (*run) (struct runner_step *step, const void *args);
  struct params params;
  const struct runner_field *result;
  size_t result_count;
  uint32_t flags;
};

struct role_type {
  const struct plugin *plugin;
  const char *name;      /* "tcp-device.stack" */
  const char *help;
  int (*run) (struct runner_role *role, const void *args);
  struct params params;
  const struct runner_field *exports;
  size_t export_count;
};

struct plugin {
  const char *name, *version, *help;
  const char *path;      /* of its file */
  unsigned abi_major, abi_minor;
  struct verb *verbs;
  size_t verb_count;
  struct role_type *roles;
  size_t role_count;
};

/* Where to look: --plugin-path (colon-separated, may be NULL) comes first, then
 * RUNNER_PLUGIN_PATH, the build tree's own plugins, the installed folder. */
void plugin_set_path (const char *path);
/* The colon-separated path of --plugin-path, for roles' command lines; or NULL. */
const char *plugin_get_path (void);

/* The plugin of that name, loaded on first use.  NULL: `error` says why, with the
 * loader's own words.  Kept until the process ends. */
const struct plugin *plugin_find (const char *name, char *error, size_t error_size);
/* One file, for tests and `runner plugins ./x.so`. */
const struct plugin *plugin_load (const char *path, char *error, size_t error_size);
/* The names of all plugins on the path, sorted, ends with NULL; belongs to the arena. */
const char **plugin_names (struct arena *arena);

/* NULL: it has none of that name. */
const struct verb *plugin_verb (const struct plugin *plugin, const char *name); /* "tcp.send" or "send" */
const struct role_type *plugin_role (const struct plugin *plugin, const char *name);

#endif
