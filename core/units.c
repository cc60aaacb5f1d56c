/* units.c - see units.h.  Integers only, so that what is written is what is meant. */
#include "config.h"

#include "units.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/un.h>

#include "text.h"

/* ---- numbers with units ---- */

struct unit { const char *name; uint64_t worth; };

static const struct unit time_units[] = {
  { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "m", UINT64_C (60000000000) },
  { "h", UINT64_C (3600000000000) }, { "d", UINT64_C (86400000000000) }, { NULL, 0 },
};
static const struct unit size_units[] = {
  { "B", 1 }, { "KB", 1000 }, { "kB", 1000 }, { "KiB", 1 << 10 }, { "MB", 1000000 }, { "MiB", 1 << 20 },
  { "GB", 1000000000 }, { "GiB", 1 << 30 }, { NULL, 0 },
};

static bool
is_letter (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A decimal number: its integral part, and `fraction` / `scale` after the point. */
struct decimal { uint64_t whole, fraction, scale; };

/* Bytes read; 0: no number (or too long a one). */
static size_t
read_decimal (const char *text, size_t size, struct decimal *out)
{
  *out = (struct decimal) { .scale = 1 };
  size_t i = 0;
  for (; i < size && is_digit (text[i]); i++)
    if (__builtin_mul_overflow (out->whole, 10, &out->whole)
        || __builtin_add_overflow (out->whole, (uint64_t) (text[i] - '0'), &out->whole))
      return 0;
  if (i == 0 || i == size || text[i] != '.')
    return i;
  size_t point = i++;
  for (; i < size && is_digit (text[i]); i++) {
    if (i - point > 18)
      return 0;
    out->fraction = out->fraction * 10 + (uint64_t) (text[i] - '0');
    out->scale *= 10;
  }
  return i == point + 1 ? 0 : i;
}

/* The number in the smallest unit; false when that is no whole number or too large. */
static bool
multiply (const struct decimal *number, uint64_t worth, uint64_t *out)
{
  unsigned __int128 rest = (unsigned __int128) number->fraction * worth;
  unsigned __int128 total = (unsigned __int128) number->whole * worth + rest / number->scale;
  if (rest % number->scale != 0 || total > UINT64_MAX)
    return false;
  *out = (uint64_t) total;
  return true;
}

/* The unit at the beginning of `text`: all letters there are. */
static const struct unit *
read_unit (const struct unit *units, const char *text, size_t size, size_t *used)
{
  size_t n = 0;
  while (n < size && is_letter (text[n]))
    n++;
  *used = n;
  for (; units->name; units++)
    if (strlen (units->name) == n && memcmp (units->name, text, n) == 0)
      return units;
  return NULL;
}

bool
parse_duration (const char *text, size_t size, int64_t *ns)
{
  uint64_t total = 0, last = UINT64_MAX;
  size_t i = 0;
  if (size == 0)
    return false;
  while (i < size) {
    struct decimal number;
    size_t used = read_decimal (text + i, size - i, &number);
    if (used == 0)
      return false;
    i += used;
    if (i == size && i == used && number.whole == 0 && number.fraction == 0)
      break; /* 0 alone needs no unit */
    const struct unit *unit = read_unit (time_units, text + i, size - i, &used);
    uint64_t part;
    /* The larger units come first: 1m30s, not 30s1m or 1s1s, which are slips. */
    if (!unit || unit->worth >= last || !multiply (&number, unit->worth, &part)
        || __builtin_add_overflow (total, part, &total))
      return false;
    last = unit->worth;
    i += used;
  }
  if (total > INT64_MAX)
    return false;
  *ns = (int64_t) total;
  return true;
}

bool
parse_size (const char *text, size_t size, uint64_t *bytes)
{
  struct decimal number;
  size_t i = read_decimal (text, size, &number), used;
  if (i == 0)
    return false;
  if (i == size)
    return multiply (&number, 1, bytes);
  const struct unit *unit = read_unit (size_units, text + i, size - i, &used);
  return unit && i + used == size && multiply (&number, unit->worth, bytes);
}

/* ---- printing durations ---- */

/* Three digits of `ns` in a unit of `worth`: "1.50 s".  False: `limit` or more of the unit. */
static bool
print_three_digits (struct buffer *out, uint64_t ns, uint64_t worth, unsigned limit, const char *unit)
{
  unsigned scale = 100;
  for (int decimals = 2; decimals >= 0; decimals--, scale /= 10) {
    unsigned __int128 scaled = ((unsigned __int128) ns * scale + worth / 2) / worth;
    if (scaled >= 1000 || scaled >= limit * scale)
      continue;
    unsigned n = (unsigned) scaled;
    if (decimals == 0 || worth == 1)
      buffer_printf (out, "%u %s", n / scale, unit);
    else
      buffer_printf (out, "%u.%0*u %s", n / scale, decimals, n % scale, unit);
    return true;
  }
  return false;
}

void
print_duration (struct buffer *out, int64_t ns)
{
  uint64_t rest = ns < 0 ? 0 - (uint64_t) ns : (uint64_t) ns;
  if (ns < 0)
    buffer_putc (out, '-');
  if (rest == 0) {
    buffer_lit (out, "0 s");
    return;
  }
  if (print_three_digits (out, rest, 1, 1000, "ns") || print_three_digits (out, rest, 1000, 1000, "µs")
      || print_three_digits (out, rest, 1000000, 1000, "ms") || print_three_digits (out, rest, 1000000000, 60, "s"))
    return;
  uint64_t seconds = rest / 1000000000 + (rest % 1000000000 >= 500000000);
  uint64_t minutes = seconds / 60 + (seconds % 60 >= 30), hours = minutes / 60 + (minutes % 60 >= 30);
  if (seconds < 3600)
    buffer_printf (out, "%u m %02u s", (unsigned) (seconds / 60), (unsigned) (seconds % 60));
  else if (minutes < 24 * 60)
    buffer_printf (out, "%u h %02u m", (unsigned) (minutes / 60), (unsigned) (minutes % 60));
  else
    buffer_printf (out, "%u d %02u h", (unsigned) (hours / 24), (unsigned) (hours % 24));
}

/* ---- addresses ---- */

#define LONGEST_HOST 253

static bool
parse_unix (struct arena *arena, const char *path, size_t size, struct address *out, const char **why)
{
  if (size == 0 || (path[0] != '/' && path[0] != '@')) {
    *why = "after unix: comes an absolute path, or @ and a name";
    return false;
  }
  if (path[0] == '@' && size == 1) {
    *why = "a name must follow unix:@";
    return false;
  }
  if (size >= sizeof ((struct sockaddr_un *) 0)->sun_path) {
    *why = "the path of a unix socket must be shorter than 108 bytes";
    return false;
  }
  out->path = arena_copy (arena, path, size);
  return true;
}

static bool
parse_port (const char *text, size_t size, uint16_t *port, const char **why)
{
  unsigned number = 0;
  bool good = size >= 1 && size <= 5;
  for (size_t i = 0; good && i < size; i++) {
    good = is_digit (text[i]);
    number = number * 10 + (unsigned) (text[i] - '0');
  }
  if (!good || number > UINT16_MAX) {
    *why = "a port is a number from 0 to 65535";
    return false;
  }
  *port = (uint16_t) number;
  return true;
}

/* [v6] and [v6]:port; a zone (%eth0) may follow the address. */
static bool
parse_bracketed (struct arena *arena, const char *text, size_t size, struct address *out, const char **why)
{
  const char *end = memchr (text, ']', size);
  if (!end) {
    *why = "the ] after the IPv6 address is missing";
    return false;
  }
  const char *host = arena_copy (arena, text + 1, (size_t) (end - text) - 1);
  const char *zone = strchr (host, '%');
  const char *address = zone ? arena_copy (arena, host, (size_t) (zone - host)) : host;
  struct in6_addr ignored;
  if (inet_pton (AF_INET6, address, &ignored) != 1 || (zone && !zone[1])) {
    *why = "what is in [] is no IPv6 address";
    return false;
  }
  out->host = host;
  size_t rest = size - (size_t) (end + 1 - text);
  if (rest == 0)
    return true;
  if (end[1] != ':') {
    *why = "after ] comes :port";
    return false;
  }
  return parse_port (end + 2, rest - 1, &out->port, why);
}

static bool
check_host (const char *host, size_t size, const char **why)
{
  if (size > LONGEST_HOST) {
    *why = "the host's name is too long";
    return false;
  }
  for (size_t i = 0; i < size; i++)
    if (!is_letter (host[i]) && !is_digit (host[i]) && !strchr ("-._", host[i])) {
      *why = "a host's name has letters, digits, - and . only";
      return false;
    }
  return true;
}

bool
parse_address (struct arena *arena, const char *text, size_t size, struct address *out, const char **why)
{
  *out = (struct address) { 0 };
  if (size == 0) {
    *why = "it is empty";
    return false;
  }
  if (memchr (text, '\0', size)) {
    *why = "it contains a NUL";
    return false;
  }
  if (size >= 5 && memcmp (text, "unix:", 5) == 0)
    return parse_unix (arena, text + 5, size - 5, out, why);
  if (memchr (text, '/', size) || memchr (text, '@', size)) {
    *why = "an address is host:port, not a URL";
    return false;
  }
  if (text[0] == '[')
    return parse_bracketed (arena, text, size, out, why);

  const char *colon = memchr (text, ':', size);
  size_t host = colon ? (size_t) (colon - text) : size;
  if (colon && memchr (colon + 1, ':', size - host - 1)) {
    *why = "an IPv6 address needs brackets: [::1]:80";
    return false;
  }
  if (!check_host (text, host, why))
    return false;
  out->host = host ? arena_copy (arena, text, host) : arena_strdup (arena, "localhost");
  return !colon || parse_port (colon + 1, size - host - 1, &out->port, why);
}

/* ---- bytes ---- */

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool
parse_hex (struct arena *arena, const char *text, size_t size, uint8_t **data, uint8_t **mask, size_t *n)
{
  uint8_t *bytes = arena_alloc (arena, size / 2 + 1), *masks = NULL;
  if (mask)
    masks = arena_alloc (arena, size / 2 + 1);
  size_t digits = 0;
  for (size_t i = 0; i < size; i++) {
    if (is_blank (text[i]))
      continue;
    bool any = mask && text[i] == '.';
    int digit = any ? 0 : hex_digit (text[i]);
    if (digit < 0)
      return false;
    unsigned shift = digits % 2 ? 0 : 4;
    bytes[digits / 2] |= (uint8_t) (digit << shift);
    if (masks && !any)
      masks[digits / 2] |= (uint8_t) (0xf << shift);
    digits++;
  }
  if (digits % 2)
    return false;
  *data = bytes;
  if (mask)
    *mask = masks;
  *n = digits / 2;
  return true;
}

static int
base64_digit (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (is_digit (c))
    return c - '0' + 52;
  if (c == '+' || c == '-')
    return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

bool
parse_base64 (struct arena *arena, const char *text, size_t size, uint8_t **data, size_t *n)
{
  uint8_t *bytes = arena_alloc (arena, size / 4 * 3 + 4);
  size_t count = 0, digits = 0, pads = 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < size; i++) {
    if (is_blank (text[i]))
      continue;
    if (text[i] == '=') {
      pads++;
      continue;
    }
    int digit = base64_digit (text[i]);
    if (digit < 0 || pads)
      return false;
    bits = bits << 6 | (uint32_t) digit;
    if (++digits % 4)
      continue;
    bytes[count++] = (uint8_t) (bits >> 16);
    bytes[count++] = (uint8_t) (bits >> 8);
    bytes[count++] = (uint8_t) bits;
    bits = 0;
  }
  size_t left = digits % 4;
  /* Padding fills the last group or is left out; bits that belong to no byte are zero (RFC 4648, 3.5). */
  if (left == 1 || (pads && (left == 0 || left + pads != 4)))
    return false;
  if ((left == 2 && bits & 0xf) || (left == 3 && bits & 0x3))
    return false;
  if (left == 2)
    bytes[count++] = (uint8_t) (bits >> 4);
  if (left == 3) {
    bytes[count++] = (uint8_t) (bits >> 10);
    bytes[count++] = (uint8_t) (bits >> 2);
  }
  bytes[count] = 0;
  *data = bytes;
  *n = count;
  return true;
}

void
print_hex (struct buffer *out, const void *data, size_t size)
{
  static const char digits[] = "0123456789abcdef";
  const uint8_t *bytes = data;
  buffer_reserve (out, size < SIZE_MAX / 2 ? size * 2 : SIZE_MAX);
  for (size_t i = 0; i < size; i++) {
    buffer_putc (out, digits[bytes[i] >> 4]);
    buffer_putc (out, digits[bytes[i] & 0xf]);
  }
}

void
print_base64 (struct buffer *out, const void *data, size_t size)
{
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const uint8_t *bytes = data;
  for (size_t i = 0; i < size; i += 3) {
    size_t n = size - i < 3 ? size - i : 3;
    uint32_t bits = (uint32_t) bytes[i] << 16 | (n > 1 ? (uint32_t) bytes[i + 1] << 8 : 0) | (n > 2 ? bytes[i + 2] : 0);
    buffer_putc (out, digits[bits >> 18]);
    buffer_putc (out, digits[bits >> 12 & 63]);
    buffer_putc (out, n > 1 ? digits[bits >> 6 & 63] : '=');
    buffer_putc (out, n > 2 ? digits[bits & 63] : '=');
  }
}
