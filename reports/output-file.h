/* output-file.h - a file that is there whole or not at all: written beside its
 * place under another name, and renamed when it is on the disk. */
#ifndef OUTPUT_FILE_H
#define OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct output_file {
  const char *path; /* borrowed */
  char *temporary;
  int fd;           /* -1: not open */
};

/* All return false with errno set; the file beside is removed then. */
bool output_file_open (struct output_file *file, const char *path);
bool output_file_write (struct output_file *file, const void *data, size_t size);
bool output_file_commit (struct output_file *file); /* fsync, rename */
/* Without commit: nothing is left.  After it: nothing to do. */
void output_file_abandon (struct output_file *file);

#endif
