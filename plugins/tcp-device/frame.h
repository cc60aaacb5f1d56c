/* frame.h - the frames that devices and server exchange: `@ID,REPORT@`.
 *
 * A codec only: it sees bytes, never a socket.  Frames are found from left to
 * right as `@[^@]+@`; what stands before a frame's first `@` is skipped.
 */
#ifndef TCP_DEVICE_FRAME_H
#define TCP_DEVICE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../common/bytes.h"

/* So many bytes in which no frame ends are too many. */
#define FRAME_LIMIT 65536

struct frame {
  const char *text; /* with both `@`; valid until the reader's next call */
  size_t size;
};

/* `{ 0 }` is a fresh one. */
struct frame_reader {
  struct bytes kept; /* the beginning of a frame whose end has not come yet */
  size_t seen;       /* bytes since the last end of a frame */
  bool handed_out;   /* `kept` is the frame of the last call */
};

enum frame_found {
  FRAME_MORE,     /* all bytes are used up */
  FRAME_FOUND,
  FRAME_TOO_LONG, /* the stream is over: there is no way to go on */
};

/* Uses up bytes of *data until a frame is found; call again for the rest. */
enum frame_found frame_next (struct frame_reader *reader, const char **data, size_t *size, struct frame *frame);
void frame_reader_free (struct frame_reader *reader);

struct report {
  int64_t id;
  const char *text; /* UTF-8; may hold any character, NUL too */
  size_t size;
};

/* Reads `@integer,text@`.  NULL, or what is wrong with it. */
const char *frame_parse (const struct frame *frame, struct report *report);
void frame_write (struct bytes *out, const struct report *report);

/* An optional sign and decimal digits within int64, nothing else. */
bool parse_id (const char *text, size_t size, int64_t *id);

#endif
