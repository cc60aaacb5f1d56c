/* command-plugins.c - `runner plugins`: what the plugins on the path offer. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "describe.h"
#include "options.h"

enum what { WHAT_ALL, WHAT_NAMES = OPTION_OWN, WHAT_VERBS, WHAT_ROLES, WHAT_POD };

static const struct option_row rows[] = {
  { WHAT_NAMES, "names", NULL, "print nothing but names of plugins, one a line", NULL },
  { WHAT_VERBS, "verbs", NULL, "print nothing but names of verbs", NULL },
  { WHAT_ROLES, "roles", NULL, "print nothing but names of roles", NULL },
  { WHAT_POD, "pod", NULL, "print parameters and results as POD, for a manual page", NULL },
  OPTION_ROW_PLUGIN_PATH,
  OPTION_ROWS_END
};

static const char usage[] =
  "Usage: runner plugins [--plugin-path PATH] [NAME…]\n"
  "Lists the plugins there are; or, of those named (also ./FILE.so, or core: the runner's\n"
  "own), all verbs and roles with their parameters, results and exports.\n";

static const char more[] =
  "Exit status: 0 fine; 2 a plugin cannot be loaded, or there is none of that name; 3 output\n"
  "is lost.\n";

/* ---- loading ---- */

/* By name or, with a slash in it, by path.  NULL: told. */
static const struct plugin *
load (const char *name)
{
  char error[2048];
  const struct plugin *plugin
    = strchr (name, '/') ? plugin_load (name, error, sizeof error) : plugin_find (name, error, sizeof error);
  if (!plugin)
    fprintf (stderr, "runner: %s: %s\n", name, error);
  return plugin;
}

/* ---- printing ---- */

static void
print_row (const char *name, struct buffer *facts, const char *help)
{
  printf ("    %s (%s)\n", name, buffer_text (facts));
  if (help && *help)
    printf ("        %s\n", help);
}

static void
print_params (const struct params *params)
{
  for (size_t i = 0; i < params->count; i++) {
    CLEANUP_BUFFER struct buffer facts = { 0 };
    describe_param (&facts, params, &params->rows[i]);
    print_row (params->rows[i].name, &facts, params->rows[i].help);
  }
}

static void
print_fields (const char *what, const struct runner_field *fields, size_t count, bool open)
{
  if (count)
    printf ("  %s%s:\n", what, open ? ", among others" : "");
  for (size_t i = 0; i < count; i++) {
    CLEANUP_BUFFER struct buffer facts = { 0 };
    describe_field (&facts, &fields[i]);
    print_row (fields[i].name, &facts, fields[i].help);
  }
}

static void
print_verb (const struct verb *verbs, size_t i)
{
  const struct verb *verb = &verbs[i];
  printf ("\n%s: %s\n", verb->name, verb->help);
  for (size_t j = 0; j < i; j++)
    if (verb->params.count > 1 && same_params (&verbs[j].params, &verb->params)
        && same_fields (verbs[j].result, verbs[j].result_count, verb->result, verb->result_count)) {
      printf ("  parameters and results are those of %s\n", verbs[j].name);
      return;
    }
  if (verb->params.count)
    puts ("  parameters:");
  print_params (&verb->params);
  print_fields ("result", verb->result, verb->result_count, verb->flags & RUNNER_OPEN_RESULT);
}

static void
print_plugin (const struct plugin *plugin)
{
  printf ("%s %s: %s\n  %s (interface %u.%u)\n", plugin->name, plugin->version, plugin->help, plugin->path,
          plugin->abi_major, plugin->abi_minor);
  for (size_t i = 0; i < plugin->verb_count; i++)
    print_verb (plugin->verbs, i);
  for (size_t i = 0; i < plugin->role_count; i++) {
    const struct role_type *role = &plugin->roles[i];
    printf ("\nrole %s: %s\n", role->name, role->help);
    if (role->params.count)
      puts ("  parameters:");
    print_params (&role->params);
    print_fields ("exports", role->exports, role->export_count, false);
  }
}

static void
print_core (void)
{
  printf ("core " PACKAGE_VERSION ": verbs of the runner itself\n");
  for (const struct form *form = described_forms (); form->name; form++)
    printf ("\n%s: %s\n    %s\n", form->name, form->help, form->takes);
  const struct verb *verbs = described_core_verbs ();
  for (size_t i = 0; verbs[i].name; i++)
    print_verb (verbs, i);
}

static void
print_line (const struct plugin *plugin)
{
  printf ("%-16s %-8s %s\n%-26s%s\n", plugin->name, plugin->version, plugin->help, "", plugin->path);
}

/* ---- what is asked for ---- */

static void
show_core (enum what what, bool listed)
{
  if (what == WHAT_POD) {
    CLEANUP_BUFFER struct buffer pod = { 0 };
    describe_core_pod (&pod);
    fputs (buffer_text (&pod), stdout);
  }
  else if (what == WHAT_VERBS) {
    for (const struct form *form = described_forms (); form->name; form++)
      puts (form->name);
    for (const struct verb *verb = described_core_verbs (); verb->name; verb++)
      puts (verb->name);
  }
  else if (what == WHAT_ALL && !listed)
    print_core ();
}

static void
show_plugin (const struct plugin *plugin, enum what what, bool listed)
{
  if (what == WHAT_POD) {
    CLEANUP_BUFFER struct buffer pod = { 0 };
    describe_pod (&pod, plugin);
    fputs (buffer_text (&pod), stdout);
  }
  else if (what == WHAT_NAMES)
    puts (plugin->name);
  else if (what == WHAT_VERBS)
    for (size_t i = 0; i < plugin->verb_count; i++)
      puts (plugin->verbs[i].name);
  else if (what == WHAT_ROLES)
    for (size_t i = 0; i < plugin->role_count; i++)
      puts (plugin->roles[i].name);
  else if (listed)
    print_line (plugin);
  else
    print_plugin (plugin);
}

/* Several are told apart by an empty line.  False: one could not be loaded. */
static bool
show (const char *const *names, bool listed, enum what what)
{
  bool fine = true, first = true;
  for (; *names; names++) {
    bool core = strcmp (*names, "core") == 0;
    const struct plugin *plugin = core ? NULL : load (*names);
    if (!core && !plugin) {
      fine = false;
      continue;
    }
    if (!first && what == WHAT_ALL && !listed)
      puts ("");
    first = false;
    if (core)
      show_core (what, listed);
    else
      show_plugin (plugin, what, listed);
  }
  return fine;
}

/* Every plugin on the path; with verbs, the core's come first. */
static bool
show_all (enum what what)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  const char **names = plugin_names (&arena);
  if (what == WHAT_VERBS || what == WHAT_POD)
    show_core (what, true);
  if (what == WHAT_ALL && !names[0])
    fputs ("runner: there is no plugin on the path\n", stderr);
  return show (names, true, what);
}

static bool
take_option (void *data, int number, const char *text)
{
  enum what *what = data;
  (void) text;
  *what = (enum what) number;
  return true;
}

int
command_plugins (int argc, char **argv)
{
  enum what what = WHAT_ALL;
  const struct options options = { .command = "plugins", .usage = usage, .rows = rows, .more = more,
                                   .take = take_option, .data = &what };
  int first, status = options_read (&options, argc, argv, &first);
  if (status >= 0)
    return status;
  bool fine = first < argc ? show ((const char *const *) argv + first, false, what) : show_all (what);
  if (fflush (stdout) != 0 || ferror (stdout))
    return 3;
  return fine ? 0 : 2;
}
