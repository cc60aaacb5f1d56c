/* percent.h - percent-encoding, byte by byte: of parts of URLs and of application/x-www-form-urlencoded, which
 * leave different marks as they are. */
#ifndef COMMON_PERCENT_H
#define COMMON_PERCENT_H

#include <stddef.h>
#include <string.h>

#define PERCENT_URL "-._~"  /* RFC 3986, section 2.3: the unreserved characters */
#define PERCENT_FORM "*-._" /* WHATWG URL, section 1.3: the form's percent-encode set leaves these */

/* Writes what stands for a byte into `out` and returns its size, 1 or 3: ASCII's letters and digits and `marks`
 * (a text) stand for themselves, and with `plus` a `+` for a blank. */
static inline size_t
percent_encode (char out[3], unsigned char byte, const char *marks, int plus)
{
  static const char digits[] = "0123456789ABCDEF";
  if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')
      || (byte && strchr (marks, byte)) || (byte == ' ' && plus)) {
    out[0] = byte == ' ' ? '+' : (char) byte;
    return 1;
  }
  out[0] = '%';
  out[1] = digits[byte >> 4];
  out[2] = digits[byte & 15];
  return 3;
}

#endif
