/* main.c - the program: picks a command and runs it. */
#include "config.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "text.h"

struct command {
  const char *name;
  int (*run) (int argc, char **argv);
  const char *help; /* one line */
};
static const struct command commands[] = {
  { "run", command_run, "run suites (the default: `runner SUITE…`)" },
  { "check", command_check, "say all that is wrong with suites, and run nothing" },
  { "list", command_list, "print the tests that would be run" },
  { "role", command_role, "run a role of a system in the foreground" },
  { "plugins", command_plugins, "list plugins; with a name: its verbs, roles and parameters" },
  { "report", command_report, "make reports again from the events of a run" },
  { "schema", command_schema, "print the JSON Schema of suites, for editors" },
  { "plugin", command_plugin, "`runner plugin new NAME` writes a plugin to begin with" },
  { "version", command_version, "print the version, and where things are" },
  { NULL, NULL, NULL }
};

int
usage_error (const char *command, const char *fmt, ...)
{
  va_list args;
  va_start (args, fmt);
  fprintf (stderr, "runner%s%s: ", command ? " " : "", command ? command : "");
  vfprintf (stderr, fmt, args);
  fprintf (stderr, "; try `runner%s%s --help`\n", command ? " " : "", command ? command : "");
  va_end (args);
  return 2;
}

static void
print_help (FILE *out)
{
  fputs ("Usage: runner COMMAND …\n"
         "       runner SUITE…        the same as runner run SUITE…\n"
         "Tests systems: starts their parts, talks to them, tells what does not hold.\n\nCommands:\n",
         out);
  for (const struct command *command = commands; command->name; command++)
    fprintf (out, "  %-10s %s\n", command->name, command->help);
  fputs ("\n`runner COMMAND --help` tells more; `runner --version` the version.\n", out);
}

/* Descriptors 0, 1 and 2 are open, so that no file of ours gets their numbers. */
static void
open_standard_descriptors (void)
{
  struct stat st;
  for (int fd = 0; fd <= 2; fd++)
    if (fstat (fd, &st) < 0 && open ("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
      _exit (3);
}

/* Not a command: is it meant as one, or the name of a suite? */
static int
run_default (int argc, char **argv)
{
  struct stat st;
  const char *best = NULL;
  size_t distance = 0;
  const char *word = argv[1];
  if (word[0] != '-' && !strchr (word, '.') && !strchr (word, '/') && stat (word, &st) < 0) {
    for (const struct command *command = commands; command->name; command++)
      text_nearest (word, command->name, &best, &distance);
    return usage_error (NULL, "there is no command or suite \"%s\"%s%s%s", word, best ? "; did you mean " : "",
                        best ? best : "", best ? "?" : "");
  }
  return command_run (argc, argv);
}

int
main (int argc, char **argv)
{
  open_standard_descriptors ();
  if (argc < 2) {
    print_help (stderr);
    return 2;
  }
  if (strcmp (argv[1], "--help") == 0 || strcmp (argv[1], "-h") == 0 || strcmp (argv[1], "help") == 0) {
    print_help (stdout);
    return 0;
  }
  if (strcmp (argv[1], "--version") == 0 || strcmp (argv[1], "-V") == 0) {
    puts (PACKAGE_STRING);
    return 0;
  }
  for (const struct command *command = commands; command->name; command++)
    if (strcmp (argv[1], command->name) == 0)
      return command->run (argc - 1, argv + 1);
  return run_default (argc, argv);
}
