/* pyrepr.h - values as Python's repr() prints them: people grep for such lines. */
#ifndef TCP_DEVICE_PYREPR_H
#define TCP_DEVICE_PYREPR_H

#include <stddef.h>

#include "../common/bytes.h"

void pyrepr_text (struct bytes *out, const char *text, size_t size);  /* UTF-8: 'name' */
void pyrepr_bytes (struct bytes *out, const void *data, size_t size); /* b'name' */

/* The text as print() shows it, but what is not printable escaped as repr()
 * does: a line stays one line.  Bytes that are not UTF-8 come out as \xhh. */
void pyrepr_line (struct bytes *out, const char *text, size_t size);

#endif
