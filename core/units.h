/* units.h - durations, sizes, addresses and bytes as people write them. */
#ifndef UNITS_H
#define UNITS_H

#include "value.h"

/* The longest time that a suite may give to anything: a time from now on is far from overflowing. */
#define DURATION_MOST "30d"
#define DURATION_MOST_NS (INT64_C (30) * 86400 * 1000000000)

/* 10ns 10us 10ms 1.5s 2m 1h 1d, and sums of them, larger units first (1m30s).  A
 * unit is needed, but for 0.  Whole nanoseconds, never negative.  False: not a duration. */
bool parse_duration (const char *text, size_t size, int64_t *ns);
/* 100, 100B, 4KB = 4000, 4KiB = 4096, MB MiB GB GiB. */
bool parse_size (const char *text, size_t size, uint64_t *bytes);
/* Durations as people read them: "1.50 s", "230 ms", "2 m 03 s". */
void print_duration (struct buffer *out, int64_t ns);

/* host:port, host, [v6]:port, :port (localhost), unix:/path, unix:@name.
 * `host` and `path` are copied to the arena.  False: `why` (static) says. */
struct address { const char *host, *path; uint16_t port; };
bool parse_address (struct arena *arena, const char *text, size_t size, struct address *out, const char **why);

/* Hex digits, blanks between them ignored.  With `mask` (not NULL) a `.` stands
 * for any digit.  The arena owns what is returned; it is NUL-terminated. */
bool parse_hex (struct arena *arena, const char *text, size_t size, uint8_t **data, uint8_t **mask, size_t *n);
/* Base64 (RFC 4648, also without padding and in the URL alphabet; blanks ignored).  Memory as above; both return
 * false for other texts. */
bool parse_base64 (struct arena *arena, const char *text, size_t size, uint8_t **data, size_t *n);
/* Appended: lower-case digits; base64 with padding, on one line. */
void print_hex (struct buffer *out, const void *data, size_t size);
void print_base64 (struct buffer *out, const void *data, size_t size);

#endif
