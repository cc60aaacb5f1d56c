/* plugin.c - see plugin.h. */
#include "config.h"

#include "plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin-guard.h"

#define ROWS_MOST 1000 /* of one table: a table that never ends is not followed */
#define ROW_MOST 4096  /* bytes */
#define END_OF(type, field) (offsetof (type, field) + sizeof (((type *) 0)->field))

static struct arena tables; /* lives as long as the process */
static const struct plugin *loaded[256];
static size_t loaded_count;
static const char *given_path;

void
plugin_set_path (const char *path)
{
  given_path = path;
}

const char *
plugin_get_path (void)
{
  return given_path;
}

/* ---- tables ---- */

/* A row of an older plugin is shorter, of a newer one longer than ours: copies
 * what both know, the rest is zero. */
static void
copy_row (void *to, size_t to_size, const void *from, size_t from_size)
{
  memset (to, 0, to_size);
  memcpy (to, from, from_size < to_size ? from_size : to_size);
}

/* Copies rows until the one without a name.  Every row type begins with its name. */
static void *
copy_rows (const void *rows, size_t row_size, size_t our_size, size_t *count)
{
  *count = 0;
  if (!rows)
    return NULL;
  const char *p = rows;
  size_t n = 0;
  for (; n < ROWS_MOST; n++) {
    const char *name;
    memcpy (&name, p + n * row_size, sizeof name);
    if (!name)
      break;
  }
  char *copy = arena_array (&tables, n + 1, our_size);
  for (size_t i = 0; i < n; i++)
    copy_row (copy + i * our_size, our_size, p + i * row_size, row_size);
  *count = n;
  return copy;
}

static bool
make_params (struct params *params, const struct runner_plugin *head, const struct runner_param *rows,
             size_t args_size, const char *what, char *error, size_t error_size)
{
  char why[512];
  params->rows = copy_rows (rows, head->param_size, sizeof (struct runner_param), &params->count);
  params->args_size = args_size;
  if (params_prepare (params, &tables, why, sizeof why))
    return true;
  snprintf (error, error_size, "%s: %s", what, why);
  return false;
}

/* Names as they are written in suites, each once. */
static bool
names_acceptable (const void *rows, size_t row_size, size_t count, const char *what, char *error, size_t error_size)
{
  for (size_t i = 0; i < count; i++) {
    const char *name, *other;
    memcpy (&name, (const char *) rows + i * row_size, sizeof name);
    if (!name[0] || strlen (name) > 64 || strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen (name)) {
      snprintf (error, error_size, "a %s's name \"%.60s\" is none (a-z, 0-9, _)", what, name);
      return false;
    }
    for (size_t j = 0; j < i; j++) {
      memcpy (&other, (const char *) rows + j * row_size, sizeof other);
      if (strcmp (name, other) == 0) {
        snprintf (error, error_size, "two of its %ss are named %s", what, name);
        return false;
      }
    }
  }
  return true;
}

/* An export is asked for by a parameter that there is. */
static bool
exports_acceptable (const struct role_type *role, char *error, size_t error_size)
{
  for (size_t i = 0; i < role->export_count; i++) {
    const char *param = role->exports[i].param;
    if (param && !param_find (&role->params, param, strlen (param))) {
      snprintf (error, error_size, "%s: export %s: there is no parameter %s", role->name, role->exports[i].name, param);
      return false;
    }
  }
  return true;
}

static bool
make_verbs (struct plugin *plugin, const struct runner_plugin *head, char *error, size_t error_size)
{
  size_t n;
  const struct runner_verb *rows = copy_rows (head->verbs, head->verb_size, sizeof *rows, &n);
  plugin->verbs = arena_array (&tables, n, sizeof *plugin->verbs);
  plugin->verb_count = n;
  if (!names_acceptable (rows, sizeof *rows, n, "verb", error, error_size))
    return false;
  for (size_t i = 0; i < n; i++) {
    struct verb *verb = &plugin->verbs[i];
    verb->plugin = plugin;
    verb->name = arena_printf (&tables, "%s.%s", plugin->name, rows[i].name);
    verb->help = rows[i].help ? rows[i].help : "";
    verb->run = rows[i].run;
    verb->flags = rows[i].flags;
    verb->result = copy_rows (rows[i].result, head->field_size, sizeof (struct runner_field), &verb->result_count);
    if (!verb->run) {
      snprintf (error, error_size, "%s has no function", verb->name);
      return false;
    }
    if (!make_params (&verb->params, head, rows[i].params, rows[i].args_size, verb->name, error, error_size))
      return false;
  }
  return true;
}

static bool
make_roles (struct plugin *plugin, const struct runner_plugin *head, char *error, size_t error_size)
{
  size_t n;
  const struct runner_role_type *rows = copy_rows (head->roles, head->role_size, sizeof *rows, &n);
  plugin->roles = arena_array (&tables, n, sizeof *plugin->roles);
  plugin->role_count = n;
  if (!names_acceptable (rows, sizeof *rows, n, "role", error, error_size))
    return false;
  for (size_t i = 0; i < n; i++) {
    struct role_type *role = &plugin->roles[i];
    role->plugin = plugin;
    role->name = arena_printf (&tables, "%s.%s", plugin->name, rows[i].name);
    role->help = rows[i].help ? rows[i].help : "";
    role->run = rows[i].run;
    role->exports = copy_rows (rows[i].exports, head->field_size, sizeof (struct runner_field), &role->export_count);
    if (!role->run) {
      snprintf (error, error_size, "%s has no function", role->name);
      return false;
    }
    if (!make_params (&role->params, head, rows[i].params, rows[i].args_size, role->name, error, error_size)
        || !exports_acceptable (role, error, error_size))
      return false;
  }
  return true;
}

static bool
head_acceptable (const struct runner_plugin *head, char *error, size_t error_size)
{
  if (!head || head->magic != RUNNER_ABI_MAGIC) {
    snprintf (error, error_size, "it is no plugin of runner (its tables do not begin with the magic number)");
    return false;
  }
  if (head->abi_major != RUNNER_ABI_MAJOR) {
    snprintf (error, error_size, "it was built for plugin interface %u.%u, this runner has %d.%d: build it again",
              head->abi_major, head->abi_minor, RUNNER_ABI_MAJOR, RUNNER_ABI_MINOR);
    return false;
  }
  /* what each had in 1.0 is there; later fields may be */
  const struct { uint32_t theirs; size_t least; } sizes[] = {
    { head->plugin_size, END_OF (struct runner_plugin, roles) },
    { head->verb_size, END_OF (struct runner_verb, reserved) },
    { head->role_size, END_OF (struct runner_role_type, exports) },
    { head->param_size, END_OF (struct runner_param, max) },
    { head->field_size, END_OF (struct runner_field, param) },
    { head->handle_size, END_OF (struct runner_handle_type, copy) },
  };
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i].theirs < sizes[i].least || sizes[i].theirs > ROW_MOST || sizes[i].theirs % sizeof (void *)) {
      snprintf (error, error_size, "the sizes of its tables' rows are impossible");
      return false;
    }
  return true;
}

static bool
name_acceptable (const char *name)
{
  return name && name[0] && strlen (name) <= 64
         && strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen (name);
}

/* What the plugin itself says it is, unchecked; NULL: it cannot be asked. */
static const struct runner_plugin *
open_plugin (const char *path, char *error, size_t error_size)
{
  /* RTLD_LOCAL: plugins do not see each other; never closed: destructors and
   * thread-local storage of libraries do not survive that. */
  void *object = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (!object) {
    snprintf (error, error_size, "%s", dlerror ());
    return NULL;
  }
  const struct runner_plugin *(*entry) (void);
  void *symbol = dlsym (object, "runner_plugin_entry");
  if (!symbol) {
    snprintf (error, error_size, "%s: it is no plugin of runner (no symbol runner_plugin_entry)", path);
    return NULL;
  }
  memcpy (&entry, &symbol, sizeof entry);
  return entry ();
}

const struct plugin *
plugin_load (const char *path, char *error, size_t error_size)
{
  char why[1024];
  *error = '\0';
  plugin_guard_begin (path);
  const struct runner_plugin *theirs = open_plugin (path, error, error_size);
  plugin_guard_end ();
  if (*error)
    return NULL;
  if (!head_acceptable (theirs, why, sizeof why)) {
    snprintf (error, error_size, "%s: %s", path, why);
    return NULL;
  }
  struct runner_plugin head;
  copy_row (&head, sizeof head, theirs, theirs->plugin_size);
  if (!name_acceptable (head.name)) {
    snprintf (error, error_size, "%s: its name is no plugin's name (a-z, 0-9, -, _)", path);
    return NULL;
  }
  struct plugin *plugin = arena_alloc (&tables, sizeof *plugin);
  plugin->name = head.name;
  plugin->version = head.version ? head.version : "";
  plugin->help = head.help ? head.help : "";
  plugin->path = arena_strdup (&tables, path);
  plugin->abi_major = head.abi_major;
  plugin->abi_minor = head.abi_minor;
  if (!make_verbs (plugin, &head, why, sizeof why) || !make_roles (plugin, &head, why, sizeof why)) {
    snprintf (error, error_size, "%s: %s", path, why);
    return NULL;
  }
  if (loaded_count < sizeof loaded / sizeof *loaded)
    loaded[loaded_count++] = plugin;
  return plugin;
}

/* ---- finding ---- */

/* Where the program itself lies, without a final slash; "" if that is unknown. */
static const char *
own_folder (void)
{
  static char folder[PATH_MAX];
  if (!folder[0]) {
    ssize_t n = readlink ("/proc/self/exe", folder, sizeof folder - 1);
    char *slash = n > 0 ? (folder[n] = '\0', strrchr (folder, '/')) : NULL;
    if (slash)
      *slash = '\0';
    else
      folder[0] = '\0';
  }
  return folder;
}

/* Calls `each` for every folder to look in until it returns true. */
static bool
each_folder (bool (*each) (void *data, const char *folder), void *data)
{
  const char *paths[] = { given_path, getenv ("RUNNER_PLUGIN_PATH") };
  for (size_t i = 0; i < 2; i++) {
    for (const char *p = paths[i]; p && *p;) {
      size_t n = strcspn (p, ":");
      char folder[PATH_MAX];
      /* an empty entry is not the current folder: plugins never come from there unasked */
      if (n && n < sizeof folder) {
        memcpy (folder, p, n);
        folder[n] = '\0';
        if (each (data, folder))
          return true;
      }
      p += n + (p[n] == ':');
    }
  }
  char build[PATH_MAX];
  struct stat st;
  int n = snprintf (build, sizeof build, "%s/plugins", own_folder ());
  if (n > 0 && (size_t) n < sizeof build && own_folder ()[0] && stat (build, &st) == 0 && S_ISDIR (st.st_mode)
      && each (data, build))
    return true;
  return each (data, PLUGIN_DIR);
}

struct finding {
  const char *name;
  char path[PATH_MAX];
};

static bool
readable (const char *path, int length, size_t size)
{
  return length > 0 && (size_t) length < size && access (path, R_OK) == 0;
}

/* As installed; or as built, in the plugin's own folder of the build tree. */
static bool
find_in (void *data, const char *folder)
{
  struct finding *f = data;
  size_t size = sizeof f->path;
  return readable (f->path, snprintf (f->path, size, "%s/runner-%s-plugin.so", folder, f->name), size)
         || readable (f->path, snprintf (f->path, size, "%s/%s/.libs/runner-%s-plugin.so", folder, f->name, f->name),
                      size);
}

const struct plugin *
plugin_find (const char *name, char *error, size_t error_size)
{
  for (size_t i = 0; i < loaded_count; i++)
    if (strcmp (loaded[i]->name, name) == 0)
      return loaded[i];
  struct finding f = { .name = name };
  if (!name_acceptable (name) || !each_folder (find_in, &f)) {
    snprintf (error, error_size, "there is no plugin \"%.64s\" (looked in --plugin-path, RUNNER_PLUGIN_PATH and %s)",
              name, PLUGIN_DIR);
    return NULL;
  }
  const struct plugin *plugin = plugin_load (f.path, error, error_size);
  if (plugin && strcmp (plugin->name, name) != 0) {
    snprintf (error, error_size, "%s: names itself \"%s\"", f.path, plugin->name);
    return NULL;
  }
  return plugin;
}

struct listing {
  struct arena *arena;
  const char **names;
  size_t count, room;
};

static void
list_add (struct listing *list, const char *name, size_t size)
{
  for (size_t i = 0; i < list->count; i++)
    if (strlen (list->names[i]) == size && memcmp (list->names[i], name, size) == 0)
      return;
  list->names = arena_grow (list->arena, list->names, list->count, &list->room, sizeof *list->names);
  list->names[list->count++] = arena_copy (list->arena, name, size);
}

static bool
list_folder (void *data, const char *folder)
{
  static const char begin[] = "runner-", end[] = "-plugin.so";
  struct listing *list = data;
  DIR *dir = opendir (folder);
  if (!dir)
    return false;
  for (struct dirent *entry; (entry = readdir (dir));) {
    const char *name = entry->d_name;
    size_t n = strlen (name), extra = sizeof begin - 1 + sizeof end - 1;
    if (n > extra && memcmp (name, begin, sizeof begin - 1) == 0 && strcmp (name + n - (sizeof end - 1), end) == 0)
      list_add (list, name + sizeof begin - 1, n - extra);
    else if (name_acceptable (name)) {
      struct finding f = { .name = name };
      if (find_in (&f, folder))
        list_add (list, name, n);
    }
  }
  closedir (dir);
  return false;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

const char **
plugin_names (struct arena *arena)
{
  struct listing list = { .arena = arena };
  each_folder (list_folder, &list);
  list.names = arena_grow (arena, list.names, list.count, &list.room, sizeof *list.names);
  list.names[list.count] = NULL;
  qsort (list.names, list.count, sizeof *list.names, compare_names);
  return list.names;
}

/* Compares with and without the plugin's name in front. */
static bool
same_name (const struct plugin *plugin, const char *full, const char *name)
{
  return strcmp (full, name) == 0 || strcmp (full + strlen (plugin->name) + 1, name) == 0;
}

const struct verb *
plugin_verb (const struct plugin *plugin, const char *name)
{
  for (size_t i = 0; i < plugin->verb_count; i++)
    if (same_name (plugin, plugin->verbs[i].name, name))
      return &plugin->verbs[i];
  return NULL;
}

const struct role_type *
plugin_role (const struct plugin *plugin, const char *name)
{
  for (size_t i = 0; i < plugin->role_count; i++)
    if (same_name (plugin, plugin->roles[i].name, name))
      return &plugin->roles[i];
  return NULL;
}
