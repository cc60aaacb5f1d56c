/* utf8.h - the characters of a text in UTF-8 (RFC 3629). */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length in bytes of the character at `text` (no surrogates, no overlong
 * forms), 0 if there is none; its code point in *point. */
size_t utf8_next (const char *text, size_t size, uint32_t *point);
bool utf8_is_valid (const char *text, size_t size);
/* Length in bytes of the first `characters` characters, or of the whole; a byte that is none counts as one. */
size_t utf8_cut (const char *text, size_t size, size_t characters);

#endif
