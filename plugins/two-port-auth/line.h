/* line.h - a line of the log. */
#ifndef TWO_PORT_AUTH_LINE_H
#define TWO_PORT_AUTH_LINE_H

#include <time.h>

#include "../common/bytes.h"
#include "form.h"

/* What a line begins with in the file, and does not on the console. */
#define LINE_PREFIX "INFO:root:"

/* Adds `INFO:root:<time>: [success] (<message>) <client> <server>` and its end.
 *
 * One message is one line, and what it was can be read back: a backslash is written
 * `\\`, line breaks and tab `\n`, `\r`, `\t`, other control characters `\x1b`, and
 * U+0085, U+2028 and U+2029 `\u2028`.  In the client's id a space is `\x20` too: so
 * the last two words of a line are the ids, whatever a message holds. */
void line_write (struct bytes *out, const struct timespec *when, const struct form_field *message,
                 const struct form_field *client, const struct form_field *server);

#endif
