/* bytes.h - a growing string of bytes, and the encodings that HTTP needs.
 *
 * A failed allocation is remembered in `failed` and makes later additions do
 * nothing, so that it needs to be looked at only once, at the end. */
#ifndef HTTP_BYTES_H
#define HTTP_BYTES_H

#include <stddef.h>

struct http_bytes {
  char *data; /* NUL-terminated when room > 0 */
  size_t size, room;
  int failed;
};

/* `{ 0 }` is empty. */
void http_bytes_add (struct http_bytes *bytes, const void *data, size_t size);
void http_bytes_puts (struct http_bytes *bytes, const char *text);
void http_bytes_clear (struct http_bytes *bytes); /* keeps the memory, unless it is much */
void http_bytes_cut_line (struct http_bytes *bytes); /* takes a final line end away */
void http_bytes_free (struct http_bytes *bytes);
const char *http_bytes_text (const struct http_bytes *bytes); /* never NULL */

/* Percent-encodes all but RFC 3986's unreserved characters; `plus`: a blank
 * becomes `+` (application/x-www-form-urlencoded). */
void http_bytes_url (struct http_bytes *bytes, const char *text, size_t size, int plus);

/* For messages: at most `limit` bytes on one line, then `...`; control characters
 * and cut UTF-8 characters do not get through. */
void http_bytes_shown (struct http_bytes *bytes, const char *text, size_t size, size_t limit);

#endif
