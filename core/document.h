/* document.h - from YAML text to a value tree with places.
 *
 * Built on libyaml's event interface with limits of our own: depth 64, nodes,
 * bytes, expansions of aliases.  Duplicate keys, unknown tags, keys that are no
 * scalars, cycles and a second document are faults.  `<<` merges work.  Scalars
 * follow YAML 1.2's core schema (yes, on, no are strings). */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "source.h"

#define DOCUMENT_DEPTH 64
#define DOCUMENT_BYTES ((size_t) 64 << 20) /* of a file */
#define DOCUMENT_SCALAR ((size_t) 8 << 20) /* of one scalar */
#define DOCUMENT_NODES ((size_t) 4000000)  /* with aliases expanded */

/* Reads `text`, which is added to the sources as `name`.  The value and its strings
 * belong to `arena`.  False when there were faults (then *out is null). */
bool document_parse (struct arena *arena, const char *name, const char *text, size_t size, struct value *out,
                     struct faults *faults);
/* The same from a file; a file that cannot be read is a fault. */
bool document_load (struct arena *arena, const char *path, struct value *out, struct faults *faults);

/* Classifies one plain scalar by the core schema: null, true, 1, 0x1f, 0o17,
 * 1.5, .inf; everything else is a string (which is `text` itself).  False: a number
 * that is too large, an integer beyond int64. */
bool document_scalar (const char *text, size_t size, struct value *out);

#endif
