/* command-schema.c - `runner schema`: what editors complete suites from. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "schema.h"

static const struct option_row rows[] = { OPTION_ROW_PLUGIN_PATH, OPTION_ROWS_END };

static const struct options options = {
  .command = "schema",
  .usage =
  "Usage: runner schema [--plugin-path PATH] [NAME…]\n"
  "Prints the JSON Schema (2020-12) of suites and libraries that use the plugins named, or\n"
  "all there are (`core`: none).  An editor with a YAML language server completes and checks\n"
  "suites by it:\n"
  "\n"
  "  # yaml-language-server: $schema=runner.schema.json\n",
  .rows = rows,
  .more =
  "Exit status: 0 fine; 2 a plugin cannot be loaded (nothing is printed), or there is none of\n"
  "that name; 3 output is lost.\n"
};

/* All are tried, so that every one that cannot be loaded is told. */
static bool
load_all (const char *const *names, const struct plugin **plugins, size_t *count)
{
  bool fine = true;
  for (; *names; names++) {
    char error[2048];
    if (strcmp (*names, "core") == 0)
      continue; /* its verbs are always there */
    const struct plugin *plugin = plugin_find (*names, error, sizeof error);
    if (plugin)
      plugins[(*count)++] = plugin;
    else {
      fprintf (stderr, "runner schema: %s: %s\n", *names, error);
      fine = false;
    }
  }
  return fine;
}

static int
print_schema (const char *const *names)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  CLEANUP_BUFFER struct buffer schema = { 0 };
  size_t most = 0, count = 0;
  if (!*names)
    names = plugin_names (&arena);
  while (names[most])
    most++;
  const struct plugin **plugins = arena_array (&arena, most + 1, sizeof *plugins);
  if (!load_all (names, plugins, &count))
    return 2;
  schema_write (&schema, plugins, count);
  bool written = fwrite (schema.data, 1, schema.size, stdout) == schema.size;
  return fflush (stdout) == 0 && written ? 0 : 3;
}

int
command_schema (int argc, char **argv)
{
  int first, status = options_read (&options, argc, argv, &first);
  return status >= 0 ? status : print_schema ((const char *const *) argv + first);
}
