/* syntax.h - what is wrong with a YAML text, in words for those who write suites.
 * The parsing itself is document.c's. */
#ifndef SYNTAX_H
#define SYNTAX_H

#include <yaml.h>

#include "source.h"

/* Is the whole text UTF-8 without control characters?  Else a fault says where it
 * is not. */
bool syntax_check_text (uint16_t file, const char *text, size_t size, struct faults *faults);

/* Makes a fault out of the parser's error. */
void syntax_explain (uint16_t file, const yaml_parser_t *parser, struct faults *faults);

/* A place in the source.  Going forward on a line is cheap. */
struct syntax_cursor {
  uint16_t file;       /* set this, and nothing else, at the beginning */
  size_t line, column; /* from 0 */
  const char *text;    /* the rest of the line, from here on; NULL: there is no such line */
  size_t size;
};

/* The byte at a place, 0 if there is none. */
char syntax_byte_at (struct syntax_cursor *cursor, size_t line, size_t column);

/* Is there a `:` in the source between two places (comments left out)? */
bool syntax_has_colon (struct syntax_cursor *cursor, const yaml_mark_t *from, const yaml_mark_t *to);

/* A libyaml place as one of ours: a null with file, line and column. */
struct value syntax_place (uint16_t file, const yaml_mark_t *mark);

#endif
