/* command-version.c - `runner version`. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"

int
command_version (int argc, char **argv)
{
  if (argc > 1 && (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0))
    puts ("Usage: runner version\n"
          "Prints the version of runner and of its interface to plugins, and the installed folders.\n"
          "\n"
          "      --help");
  else if (argc > 1)
    return usage_error ("version", "\"%s\": nothing may follow", argv[1]);
  else
    printf (PACKAGE_STRING "\nplugin interface %d.%d\nplugins %s\ndata %s\n", RUNNER_ABI_MAJOR, RUNNER_ABI_MINOR,
            PLUGIN_DIR, DATA_DIR);
  return fflush (stdout) == 0 ? 0 : 3;
}
