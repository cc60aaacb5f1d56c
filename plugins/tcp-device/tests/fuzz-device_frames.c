/* fuzz-device_frames.c - any stream as frames of devices: they are the same however it is cut. */
#include "fuzz.h"

#include <string.h>

#include "../frame.c"
#include "../pyrepr.c"

/* The frames, each behind its length, and whether the stream was too long. */
static struct bytes
cut_stream (const char *stream, size_t size, size_t piece)
{
  struct frame_reader reader = { 0 };
  struct bytes out = { 0 };
  enum frame_found found = FRAME_MORE;
  for (size_t at = 0; at < size && found != FRAME_TOO_LONG; at += piece) {
    const char *data = stream + at;
    size_t left = size - at < piece ? size - at : piece;
    struct frame frame;
    while ((found = frame_next (&reader, &data, &left, &frame)) == FRAME_FOUND) {
      bytes_int (&out, (int64_t) frame.size);
      bytes_add (&out, frame.text, frame.size);
    }
    FUZZ_CHECK (found == FRAME_TOO_LONG || left == 0);
  }
  bytes_puts (&out, found == FRAME_TOO_LONG ? "!" : ".");
  frame_reader_free (&reader);
  return out;
}

/* A frame that can be read is written so that it reads the same. */
static void
check_parse (const char *text, size_t size)
{
  struct frame frame = { text, size };
  struct report report, again;
  if (frame_parse (&frame, &report))
    return;
  struct bytes written = { 0 }, line = { 0 };
  frame_write (&written, &report);
  struct frame second = { written.data, written.size };
  FUZZ_CHECK (!frame_parse (&second, &again));
  FUZZ_CHECK (again.id == report.id && again.size == report.size);
  FUZZ_CHECK (memcmp (again.text, report.text, report.size) == 0);
  pyrepr_line (&line, report.text, report.size);
  FUZZ_CHECK (!line.size || !memchr (line.data, '\n', line.size));
  bytes_free (&written);
  bytes_free (&line);
}

FUZZ_TARGET (device_frames)
{
  const char *stream = (const char *) data;
  struct bytes whole = cut_stream (stream, size, size + 1);
  for (size_t piece = 1; piece < 5; piece++) {
    struct bytes cut = cut_stream (stream, size, piece);
    FUZZ_CHECK (cut.size == whole.size && memcmp (cut.data, whole.data, cut.size) == 0);
    bytes_free (&cut);
  }
  bytes_free (&whole);
  struct bytes framed = { 0 }; /* the bytes themselves as a frame's content */
  bytes_puts (&framed, "@");
  bytes_add (&framed, data, size);
  bytes_puts (&framed, "@");
  check_parse (framed.data, framed.size);
  bytes_free (&framed);
}
