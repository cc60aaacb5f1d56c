/* xml.h - text as XML.  What XML 1.0 forbids even in CDATA (control characters,
 * bytes that are not UTF-8, U+FFFE) is replaced visibly and reversibly: each byte
 * becomes \x1b, and the backslash of a \x1b that was there before becomes \x5c.
 * So `\x` and two digits always means a byte.  The same becomes of the first `[` of
 * what makes Jenkins and GitLab attach a file: no text of a test chooses one. */
#ifndef XML_H
#define XML_H

#include "buffer.h"

#define XML_ATTACHMENT "[[ATTACHMENT|"

void xml_text (struct buffer *out, const char *text, size_t size);
/* ` name="value"`, newlines and tabs kept as character references. */
void xml_attribute (struct buffer *out, const char *name, const char *value);

#endif
