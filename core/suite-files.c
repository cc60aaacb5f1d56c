/* suite-files.c - suites from the paths of a command line. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"

#define SUITES_MOST 10000
#define FOLDERS_DEEP 64

struct loading {
  struct expr_engine *engine;
  struct faults *faults;
  struct suite **suites;
  size_t count, room;
  size_t found;          /* files in folders */
  char **libraries;      /* paths of those among the files */
  size_t library_count;
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
  size_t faults = loading->faults->count;
  struct suite *suite = suite_load (path, (uint32_t) loading->count, loading->engine, loading->faults);
  if (suite)
    loading->suites[loading->count++] = suite;
  else if (loading->faults->count == faults) {
    loading->libraries = xrealloc (loading->libraries, loading->library_count + 1, sizeof *loading->libraries);
    loading->libraries[loading->library_count++] = xstrdup (path);
  }
}

static bool
ends_with (const char *name, const char *end)
{
  size_t n = strlen (name), m = strlen (end);
  return n > m && strcmp (name + n - m, end) == 0;
}

/* Folders (but no links to folders, which could go round in circles) and *.yaml, but no
 * libraries and nothing hidden. */
static int
is_wanted (const struct dirent *entry)
{
  return entry->d_name[0] != '.' && !ends_with (entry->d_name, ".library.yaml");
}

static int
by_name (const struct dirent **a, const struct dirent **b)
{
  return strcmp ((*a)->d_name, (*b)->d_name);
}

/* All suites of a folder and of the folders in it, by name.  `named`: on the command line. */
static void
load_folder (struct loading *loading, const char *folder, unsigned depth, bool named)
{
  struct dirent **entries;
  int n = depth < FOLDERS_DEEP ? scandir (folder, &entries, is_wanted, by_name) : (errno = ELOOP, -1);
  if (n < 0) {
    fault_add (loading->faults, NULL, "%s: %s", folder, strerror (errno));
    return;
  }
  size_t before = loading->found;
  for (int i = 0; i < n; i++) {
    CLEANUP_BUFFER struct buffer path = { 0 };
    struct stat st;
    buffer_printf (&path, "%s%s%s", folder, ends_with (folder, "/") ? "" : "/", entries[i]->d_name);
    const char *text = buffer_text (&path);
    if (lstat (text, &st) == 0 && S_ISDIR (st.st_mode))
      load_folder (loading, text, depth + 1, false);
    else if (ends_with (entries[i]->d_name, ".yaml") && stat (text, &st) == 0 && !S_ISDIR (st.st_mode)) {
      loading->found++;
      load_one (loading, text);
    }
    free (entries[i]);
  }
  free (entries);
  if (named && loading->found == before)
    fault_add (loading->faults, NULL, "%s: there is no suite (*.yaml) in this folder, nor below it", folder);
}

/* Suites tell the faults of what they include: libraries are looked at by themselves when those have none. */
static void
check_libraries (struct loading *loading)
{
  bool fine = loading->faults->count == 0;
  for (size_t i = 0; i < loading->library_count; i++) {
    if (fine)
      suite_check_library (loading->libraries[i], loading->engine, loading->faults);
    free (loading->libraries[i]);
  }
  free (loading->libraries);
}

struct suite **
load_suites (const char *const *paths, size_t count, struct expr_engine *engine, size_t *loaded, size_t *libraries,
             struct faults *faults)
{
  struct loading loading = { .engine = engine, .faults = faults };
  for (size_t i = 0; i < count; i++) {
    struct stat st;
    if (stat (paths[i], &st) == 0 && S_ISDIR (st.st_mode))
      load_folder (&loading, paths[i], 0, true);
    else
      load_one (&loading, paths[i]);
  }
  check_libraries (&loading);
  *loaded = loading.count;
  if (libraries)
    *libraries = loading.library_count;
  if (faults->count == 0 && loading.count == 0 && !(libraries && loading.library_count))
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
