/* command-plugin.c - `runner plugin new`: a plugin to begin with.  Its files are
 * templates/plugin, which are part of the program. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "commands.h"
#include "descriptors.h"
#include "embedded.h"
#include "files.h"
#include "options.h"
#include "plugin.h"
#include "text.h"

static const struct option_row rows[] = { OPTION_ROWS_END };

static const struct options options = {
  .command = "plugin",
  .usage =
  "Usage: runner plugin new NAME [DIR]\n"
  "Writes a plugin to begin with into DIR [./NAME], which must not be there or be empty: a\n"
  "step, a role, a suite that tests them, a manual, and a Makefile that builds it outside of\n"
  "runner's source, by pkg-config.\n"
  "\n"
  "NAME: small letters, digits, - and _, a letter first; steps are then NAME.STEP.\n",
  .rows = rows,
  .more =
  "Exit status: 0 fine; 2 the name or the folder cannot be taken; 3 a file cannot be written.\n"
};

#define NAME_MOST 64

static bool
name_is_free (const char *name)
{
  static const char *const taken[] = { "core", "role", "my", "runner", NULL };
  for (const char *const *t = taken; *t; t++)
    if (strcmp (name, *t) == 0)
      return false;
  return true;
}

static bool
plugin_is_there (const char *name)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  return text_is_one_of (name, strlen (name), plugin_names (&arena));
}

static bool
name_is_good (const char *name)
{
  size_t n = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
  return n > 0 && n <= NAME_MOST && !name[n] && name[0] >= 'a' && name[0] <= 'z' && name[n - 1] != '-';
}

/* ---- files ---- */

/* Text with `@NAME@` replaced, and `NAME` in names of files. */
static void
put_replaced (struct buffer *out, const char *text, const char *mark, const char *name)
{
  const char *next;
  for (; (next = strstr (text, mark)); text = next + strlen (mark)) {
    buffer_add (out, text, (size_t) (next - text));
    buffer_puts (out, name);
  }
  buffer_puts (out, text);
}

static bool
tell (const char *what, const char *path)
{
  fprintf (stderr, "runner plugin: cannot %s %s: %s\n", what, path, strerror (errno));
  return false;
}

/* The folder, and those above it. */
static bool
prepare_folder (const char *path)
{
  CLEANUP_BUFFER struct buffer failed = { 0 };
  return make_folders (path, &failed) || tell ("make the folder", buffer_text (&failed));
}

/* Never over a file that is there. */
static bool
write_template (const char *folder, const char *name, const struct embedded *file)
{
  CLEANUP_BUFFER struct buffer path = { 0 }, text = { 0 }, above = { 0 };
  buffer_printf (&path, "%s/", folder);
  put_replaced (&path, strchr (file->name, '/') + 1, "NAME", name);
  put_replaced (&text, file->text, "@NAME@", name);
  const char *whole = buffer_text (&path);
  buffer_add (&above, whole, (size_t) (strrchr (whole, '/') - whole));
  if (!prepare_folder (buffer_text (&above)))
    return false;
  int fd = open (buffer_text (&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    return tell ("write", buffer_text (&path));
  bool written = descriptor_write (fd, text.data, text.size);
  if (!written)
    tell ("write", buffer_text (&path));
  if (close (fd) < 0 && written)
    return tell ("write", buffer_text (&path));
  return written;
}

/* There, empty and a folder; or not there, then it is made. */
static bool
prepare_empty (const char *folder)
{
  if (!prepare_folder (folder))
    return false;
  DIR *dir = opendir (folder);
  if (!dir)
    return tell ("read the folder", folder);
  bool empty = true;
  for (struct dirent *entry; empty && (entry = readdir (dir));)
    empty = strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0;
  closedir (dir);
  if (!empty)
    fprintf (stderr, "runner plugin: %s is not empty: nothing is written\n", folder);
  return empty;
}

static int
plugin_new (const char *name, const char *folder)
{
  static const char begin[] = "plugin/";
  if (!name_is_good (name))
    return usage_error ("plugin",
                        "\"%.80s\" cannot be a plugin's name: small letters, digits, - and _, a letter first", name);
  if (!name_is_free (name))
    return usage_error ("plugin", "the name \"%s\" is taken by the runner itself", name);
  if (plugin_is_there (name))
    return usage_error ("plugin", "there is a plugin \"%s\" already, see `runner plugins %s`: choose another name", name,
                        name);
  if (!prepare_empty (folder))
    return 2;
  for (const struct embedded *file = embedded_files; file->name; file++)
    if (strncmp (file->name, begin, sizeof begin - 1) == 0 && !write_template (folder, name, file))
      return 3;
  printf ("%s: a plugin is there; `make check` in it builds and tests it, README.md says more\n", folder);
  return fflush (stdout) == 0 ? 0 : 3;
}

int
command_plugin (int argc, char **argv)
{
  int first, status = options_read (&options, argc, argv, &first);
  if (status >= 0)
    return status;
  argc -= first;
  argv += first;
  if (argc < 1 || strcmp (argv[0], "new") != 0)
    return usage_error ("plugin", "`runner plugin new NAME [DIR]` is all there is; `runner plugins` lists plugins");
  if (argc < 2 || argc > 3)
    return usage_error ("plugin", argc < 2 ? "no name is given" : "one name and one folder are enough");
  return plugin_new (argv[1], argc == 3 ? argv[2] : argv[1]);
}
