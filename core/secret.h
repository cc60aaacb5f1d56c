/* secret.h - values that must be seen nowhere: masking them in all they may look like.
 *
 * Every secret is looked for raw and as JSON (with and without escaped slashes),
 * URL (both cases of hex, + and %20), base64 (three alignments, both alphabets,
 * also broken into lines, which may be indented) and hex (both cases); what is
 * found becomes `***`.  A secret of several lines (a key file) is also looked for
 * line by line, without those shorter than 8 bytes, and one that ends in line
 * ends also without them.  The list is filled before anything forks and shared by
 * all; masking is safe in several threads. */
#ifndef SECRET_H
#define SECRET_H

#include "buffer.h"
#include <stdbool.h>

#define SECRET_SHORTEST 4

/* Adds a value, which is copied; false when it is shorter than SECRET_SHORTEST. */
bool secret_add (const char *data, size_t size);
bool secret_any (void); /* is there one? */
/* Masks in place from position `from` of the buffer on. */
void secret_mask (struct buffer *buffer, size_t from);
/* The same of a text that is a piece of a longer one, and what is left of a secret that was cut: in a beginning
 * and an end of 4 bytes or more. */
enum secret_cut { SECRET_CUT_BEGIN = 1, SECRET_CUT_END = 2, SECRET_CUT_BOTH = 3 };
void secret_mask_cut (struct buffer *buffer, size_t from, enum secret_cut where);
void secret_forget_all (void); /* for tests: no other thread may mask */

#endif
