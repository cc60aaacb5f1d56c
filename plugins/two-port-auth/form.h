/* form.h - bodies of type application/x-www-form-urlencoded (WHATWG URL, section 5.1), in UTF-8. */
#ifndef TWO_PORT_AUTH_FORM_H
#define TWO_PORT_AUTH_FORM_H

#include <stdbool.h>
#include <stddef.h>

/* A field's value: not NUL-terminated, and it may hold NULs. */
struct form_field {
  const char *text; /* within the body; NULL: there is no such field */
  size_t size;
};

/* Decodes the body in place and finds fields by name (`names` ends with NULL; there
 * is one of `fields` for each).  Of several with one name the first counts.  A `%`
 * without two hexadecimal digits stands for itself, and a line end behind the last
 * field is not part of it.  False: this is no form, or not UTF-8. */
bool form_parse (char *body, size_t size, const char *const *names, struct form_field *fields);

#endif
