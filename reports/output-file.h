/* output-file.h - a file that is there whole or not at all: written beside its
 * place under another name, and renamed when it is on the disk.  Only regular files
 * are replaced so: behind links, what they lead to; devices, FIFOs and whatever
 * standard output leads to are written as they are. */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "buffer.h"

struct output_file {
  char *target;    /* what is replaced; NULL: nothing, it is written as it is */
  char *temporary;
  int fd;          /* -1: not open */
};

/* Is a regular file, or nothing, at this path?  Its path behind links goes to *target. */
bool output_file_target (const char *path, struct buffer *target);

/* All return false with errno set; then nothing is left of it, neither open nor beside its place.  What was opened
 * ends with a commit, or with one that failed. */
bool output_file_open (struct output_file *file, const char *path);
bool output_file_write (struct output_file *file, const void *data, size_t size);
bool output_file_commit (struct output_file *file); /* fsync, rename, close */

#endif
