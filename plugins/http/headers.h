/* headers.h - a block of header lines, as it came or was sent. */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include <stddef.h>

#include "runner-plugin.h"

struct http_header { const char *name, *value; size_t name_size, value_size; int done; };
struct http_headers { struct http_header *rows; size_t n; };

int http_is_blank (char c);
/* Without the blanks at both ends. */
void http_trim (const char **text, size_t *size);

/* Cuts a block of lines "Name: value" into rows that point into it; lines that are
 * none (the status line) are passed over.  0, or -1: no memory.  Free `rows`. */
int http_headers_split (const char *data, size_t size, struct http_headers *headers);

/* Puts the headers of such a block as a map: repeated ones joined, set-cookie a list.
 * 0, or -1: no memory. */
int http_headers_put (struct runner_out *out, const char *key, const char *data, size_t size);

/* The first header of that name; NULL: none. */
const struct http_header *http_headers_find (const struct http_headers *headers, const char *name);
/* Is the word, whatever its case, in one of the lists that the headers of that name hold (RFC 9110, 5.6.1)? */
int http_headers_list (const struct http_headers *headers, const char *name, const char *word);

#endif
