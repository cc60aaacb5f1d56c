/* source.h - the files that values were written in, and faults found in them.
 *
 * A process-wide list: values carry a file's number.  Sources are added before
 * any thread starts and never change afterwards. */
#ifndef SOURCE_H
#define SOURCE_H

#include <stdbool.h>
#include <stdio.h>

#include "value.h"

/* Takes a copy of both.  Returns the file's number (from 1); 0 when there are
 * more than 65,000. `name` is shown in messages. */
uint16_t source_add (const char *name, const char *text, size_t size);
/* The same, with a text from malloc that becomes its own; also when 0 is returned. */
uint16_t source_take (const char *name, char *text, size_t size);
const char *source_name (uint16_t file); /* "" for 0 */
/* The text of a line without its end, borrowed; NULL when there is none. */
const char *source_line (uint16_t file, uint32_t line, size_t *size);
void source_forget_all (void); /* for tests and fuzzers */

/* "file:line:col"; without the column or the line when they are 0 */
void place_print (struct buffer *out, const struct value *where);

struct fault { struct value where; char *message; };
struct faults {
  struct fault *items;
  size_t count, room;
  size_t more; /* how many came after the first FAULTS_LIMIT: only counted */
};
#define FAULTS_LIMIT 1000

/* Adds "file:line:col: message" for where `where` was written (NULL: nowhere);
 * its content is not kept.  A fault equal to an earlier one is dropped. */
void fault_add (struct faults *faults, const struct value *where, const char *fmt, ...)
  __attribute__ ((format (printf, 3, 4)));
/* The same with the nearest of `names` (ends with NULL) to `name` as a hint, or all, if they are few and none is near. */
void fault_unknown (struct faults *faults, const struct value *where, const char *what, const char *name,
                    const char *const *names);
/* All of them in the order of files and lines, each with its line and a caret. */
void faults_print (const struct faults *faults, FILE *out, bool color);
void faults_free (struct faults *faults);

#endif
