/* replay.c - runs a fuzz target over files, without a fuzzer.
 *
 *   replay …/fuzz-NAME.c          over the empty input and all of …/corpus/NAME/
 *   replay NAME FILE…             over these files
 *   replay --list                 tells the names */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "buffer.h"

static void
replay_file (const struct fuzz_target *target, const char *path)
{
  /* Told first: a crash is the file's that was named last. */
  printf ("%s\n", path);
  fflush (stdout);
  FILE *file = fopen (path, "rbe");
  struct buffer text = { 0 };
  size_t n = 1;
  while (file && n) {
    buffer_reserve (&text, 4096);
    n = fread (text.data + text.size, 1, 4096, file);
    text.size += n;
  }
  if (!file || ferror (file)) {
    fprintf (stderr, "replay: %s: %s\n", path, strerror (errno));
    exit (EXIT_FAILURE);
  }
  fclose (file);
  /* A copy of just this size lets the sanitizers see a byte too far. */
  uint8_t *data = malloc (text.size ? text.size : 1);
  FUZZ_CHECK (data);
  memcpy (data, text.data, text.size);
  target->run (data, text.size);
  free (data);
  buffer_free (&text);
}

static int
replay_folder (const struct fuzz_target *target, const char *folder)
{
  struct dirent **entries;
  int count = scandir (folder, &entries, NULL, alphasort), files = 0;
  if (count < 0) {
    fprintf (stderr, "replay: %s: %s\n", folder, strerror (errno));
    return EXIT_FAILURE;
  }
  target->run ((const uint8_t *) "", 0);
  for (int i = 0; i < count; i++) {
    char path[4096];
    int n = snprintf (path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    FUZZ_CHECK (n > 0 && (size_t) n < sizeof path);
    if (entries[i]->d_name[0] != '.') {
      replay_file (target, path);
      files++;
    }
    free (entries[i]);
  }
  free (entries);
  if (files == 0)
    fprintf (stderr, "replay: %s: no files\n", folder);
  return files ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* …/fuzz-NAME.c */
static int
replay_corpus (const char *source)
{
  const char *slash = strrchr (source, '/'), *base = slash ? slash + 1 : source;
  size_t size = strlen (base);
  char name[256], folder[4096];
  FUZZ_CHECK (size > 7 && size < sizeof name && strncmp (base, "fuzz-", 5) == 0);
  snprintf (name, sizeof name, "%.*s", (int) (size - 7), base + 5);
  const struct fuzz_target *target = fuzz_find (name);
  if (!target) {
    fprintf (stderr, "replay: there is no target %s\n", name);
    return EXIT_FAILURE;
  }
  int n = snprintf (folder, sizeof folder, "%.*scorpus/%s", (int) (base - source), source, name);
  FUZZ_CHECK (n > 0 && (size_t) n < sizeof folder);
  return replay_folder (target, folder);
}

int
main (int argc, char **argv)
{
  if (argc == 2 && strcmp (argv[1], "--list") == 0) {
    fuzz_list (stdout);
    return EXIT_SUCCESS;
  }
  if (argc == 2 && strlen (argv[1]) > 2 && strcmp (argv[1] + strlen (argv[1]) - 2, ".c") == 0)
    return replay_corpus (argv[1]);
  const struct fuzz_target *target = argc > 2 ? fuzz_find (argv[1]) : NULL;
  if (!target) {
    fprintf (stderr, "usage: replay --list | …/fuzz-NAME.c | NAME FILE…\n");
    return EXIT_FAILURE;
  }
  for (int i = 2; i < argc; i++)
    replay_file (target, argv[i]);
  return EXIT_SUCCESS;
}
