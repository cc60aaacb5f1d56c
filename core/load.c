/* load.c - suites from the paths of a command line. */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"

#define SUITES_MOST 10000

struct loading {
  struct expr_engine *engine;
  struct faults *faults;
  struct suite **suites;
  size_t count, room;
};

static void
load_one (struct loading *loading, const char *path)
{
  while (strncmp (path, "./", 2) == 0 && path[2])
    path += 2; /* one name for one file, as it is told */
  for (size_t i = 0; i < loading->count; i++)
    if (strcmp (loading->suites[i]->path, path) == 0)
      return; /* named twice, run once */
  if (loading->count == SUITES_MOST) {
    fault_add (loading->faults, NULL, "%s: more than %d suites", path, SUITES_MOST);
    return;
  }
  if (loading->count == loading->room) {
    loading->room = loading->room ? loading->room * 2 : 16;
    loading->suites = xrealloc (loading->suites, loading->room, sizeof *loading->suites);
  }
  struct suite *suite = suite_load (path, (uint32_t) loading->count, loading->engine, loading->faults);
  if (suite)
    loading->suites[loading->count++] = suite;
}

/* All *.yaml of a folder, by name. */
static void
load_folder (struct loading *loading, const char *folder)
{
  CLEANUP_BUFFER struct buffer pattern = { 0 };
  glob_t found = { .gl_pathc = 0 };
  size_t n = strlen (folder);
  while (n > 1 && folder[n - 1] == '/')
    n--;
  for (size_t i = 0; i < n; i++) {
    if (strchr ("*?[\\", folder[i]))
      buffer_putc (&pattern, '\\');
    buffer_putc (&pattern, folder[i]);
  }
  buffer_lit (&pattern, "/*.yaml");
  if (glob (buffer_text (&pattern), 0, NULL, &found) != 0) {
    fault_add (loading->faults, NULL, "%s: there is no suite (*.yaml) in this folder", folder);
    return;
  }
  for (size_t i = 0; i < found.gl_pathc; i++)
    load_one (loading, found.gl_pathv[i]);
  globfree (&found);
}

struct suite **
load_suites (const char *const *paths, size_t count, struct expr_engine *engine, size_t *loaded, struct faults *faults)
{
  struct loading loading = { .engine = engine, .faults = faults };
  for (size_t i = 0; i < count; i++) {
    struct stat st;
    if (stat (paths[i], &st) == 0 && S_ISDIR (st.st_mode))
      load_folder (&loading, paths[i]);
    else
      load_one (&loading, paths[i]);
  }
  *loaded = loading.count;
  if (faults->count == 0 && loading.count == 0)
    fault_add (faults, NULL, "there is no suite: libraries are included by suites, not run alone");
  if (faults->count == 0)
    return loading.suites ? loading.suites : xcalloc (1, sizeof *loading.suites);
  faults_print (faults, stderr, wants_color (STDERR_FILENO, -1));
  free_suites (loading.suites, loading.count);
  return NULL;
}

void
free_suites (struct suite **suites, size_t count)
{
  for (size_t i = 0; i < count; i++)
    suite_free (suites[i]);
  free (suites);
}
