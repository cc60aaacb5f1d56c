/* files.h - folders and whole files, by their path. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

/* Makes a folder and those above it, as far as they are not there.  False: errno; to
 * *failed (NULL: not wanted) is added the one that cannot be made. */
bool make_folders (const char *path, struct buffer *failed);
/* Removes a folder and all in it; false: not all of it. */
bool remove_tree (const char *path);
/* Writes a whole file beside and renames it, without sync; false: errno. */
bool write_file (const char *path, const char *data, size_t size);

#endif
