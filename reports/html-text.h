/* html-text.h - texts of tests and systems as HTML and SVG: nothing of them is ever
 * markup.  Control characters, bytes that are not UTF-8 and marks that turn the
 * direction of writing become visible, as on the console. */
#ifndef HTML_TEXT_H
#define HTML_TEXT_H

#include <stdbool.h>

#include "buffer.h"

void html_text (struct buffer *out, const char *text, size_t size); /* newlines are kept */
void html_line (struct buffer *out, const char *text);              /* newlines and tabs become blanks */
/* At most so many characters, then an ellipsis. */
void html_short (struct buffer *out, const char *text, size_t most);
/* The ends of a text of more than `limit` bytes, and what is left out between them. */
void html_ends (struct buffer *out, const char *text, size_t size, size_t limit);
/* The path of a file as an URL: what is not plain becomes %20. */
void html_path (struct buffer *out, const char *path);
/* <code>file:line:col</code> and friends: an element around a line; NULL: nothing. */
void html_element (struct buffer *out, const char *name, const char *class_name, const char *text);
void html_number (struct buffer *out, double number); /* rounded to tenths: for SVG */

#endif
