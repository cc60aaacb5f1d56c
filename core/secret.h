/* secret.h - values that must be seen nowhere: masking them in all they may look like.
 *
 * Every secret is looked for raw and as JSON (with and without escaped slashes),
 * URL (both cases of hex, + and %20), base64 (three alignments, both alphabets)
 * and hex (both cases); what is found becomes `***`.  A secret of several lines (a
 * key file) is also looked for line by line, without those shorter than 8 bytes,
 * and one that ends in line ends also without them.  The list is filled before
 * anything forks and shared by all; masking is safe in several threads. */
#ifndef SECRET_H
#define SECRET_H

#include "buffer.h"
#include <stdbool.h>

#define SECRET_SHORTEST 4

/* Adds a value; false when it is shorter than SECRET_SHORTEST. */
bool secret_add (const char *data, size_t size);
bool secret_any (void);
/* Masks in place from position `from` of the buffer on. */
void secret_mask (struct buffer *buffer, size_t from);
/* Streams: bytes that could begin a secret are held back until more come.
 * Appends the masked bytes to `out`. */
struct secret_stream {
  struct buffer held;
  size_t covered; /* of its bytes: belong to a secret for which `***` has been written */
};
void secret_stream_feed (struct secret_stream *stream, const char *data, size_t size, struct buffer *out);
void secret_stream_end (struct secret_stream *stream, struct buffer *out); /* and frees it */
void secret_forget_all (void);

#endif
