/* fuzz.h - what a fuzz target needs.  See README.md for how to add one. */
#ifndef FUZZ_H
#define FUZZ_H

#include "config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct fuzz_target {
  const char *name;
  void (*run) (const uint8_t *data, size_t size);
  struct fuzz_target *next;
};

void fuzz_add (struct fuzz_target *target);
const struct fuzz_target *fuzz_find (const char *name); /* NULL: there is none */
void fuzz_list (FILE *out);                             /* the names, one a line */

/* FUZZ_TARGET (NAME) { … uses `data` and `size` … } makes a target of its own. */
#define FUZZ_TARGET(id)                                                        \
  static void fuzz_##id (const uint8_t *data, size_t size);                    \
  static struct fuzz_target target_##id = { .name = #id, .run = fuzz_##id };   \
  __attribute__ ((constructor)) static void add_##id (void)                    \
  {                                                                            \
    fuzz_add (&target_##id);                                                   \
  }                                                                            \
  static void fuzz_##id (const uint8_t *data, size_t size)

/* What must hold for every input. */
#define FUZZ_CHECK(condition)                                                           \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      fprintf (stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);   \
      abort ();                                                                         \
    }                                                                                   \
  } while (0)

#endif
