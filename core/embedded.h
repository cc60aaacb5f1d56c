/* embedded.h - files that are part of the program: templates, see core/templates.  The
 * array is made by embed.sh. */
#ifndef EMBEDDED_H
#define EMBEDDED_H

struct embedded { const char *name, *text; };
extern const struct embedded embedded_files[]; /* ends with a name of NULL */

#endif
