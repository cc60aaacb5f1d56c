/* command-schema.c - `runner schema`: what editors complete suites from. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "schema.h"

static const char schema_help[] =
  "Usage: runner schema [--plugin-path PATH] [NAME…]\n"
  "Prints the JSON Schema (2020-12) of suites and libraries that use the plugins named, or\n"
  "all there are (`core`: none).  An editor with a YAML language server completes and checks\n"
  "suites by it:\n"
  "\n"
  "  # yaml-language-server: $schema=runner.schema.json\n"
  "\n"
  "      --plugin-path PATH   where plugins are looked for first, colon-separated\n"
  "      --help, --version\n"
  "\n"
  "Exit status: 0 fine; 2 a plugin cannot be loaded (nothing is printed), or there is none of\n"
  "that name; 3 output is lost.\n";

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
  enum { OPTION_PLUGIN_PATH = 256, OPTION_HELP, OPTION_VERSION };
  static const struct option options[] = { { "plugin-path", required_argument, NULL, OPTION_PLUGIN_PATH },
                                           { "help", no_argument, NULL, OPTION_HELP },
                                           { "version", no_argument, NULL, OPTION_VERSION },
                                           { NULL, 0, NULL, 0 } };
  int option;
  opterr = 0;
  optind = 1;
  while ((option = getopt_long (argc, argv, ":h", options, NULL)) != -1)
    switch (option) {
    case OPTION_PLUGIN_PATH:
      plugin_set_path (optarg);
      break;
    case OPTION_HELP:
    case 'h':
      fputs (schema_help, stdout);
      return 0;
    case OPTION_VERSION:
      puts (PACKAGE_STRING);
      return 0;
    default:
      return usage_error ("schema", "unknown option %s, or its value is missing", argv[optind - 1]);
    }
  return print_schema ((const char *const *) argv + optind);
}
