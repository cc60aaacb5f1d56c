/* command-version.c - `runner version`. */
#include "config.h"

#include <stdio.h>

#include "commands.h"
#include "options.h"
#include "runner-plugin.h"

static const struct option_row rows[] = { OPTION_ROWS_END };

static const struct options options = {
  .command = "version",
  .usage =
  "Usage: runner version\n"
  "Prints the version of runner and of its interface to plugins, and the installed folders.\n",
  .rows = rows
};

int
command_version (int argc, char **argv)
{
  int first, status = options_read (&options, argc, argv, &first);
  if (status >= 0)
    return status;
  if (first < argc)
    return usage_error ("version", "\"%s\": nothing may follow", argv[first]);
  printf (PACKAGE_STRING "\nplugin interface %d.%d\nplugins %s\ndata %s\n", RUNNER_ABI_MAJOR, RUNNER_ABI_MINOR,
          PLUGIN_DIR, DATA_DIR);
  return fflush (stdout) == 0 ? 0 : 3;
}
