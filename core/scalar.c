/* scalar.c - what a plain scalar means, by YAML 1.2's core schema (10.3.2).
 * See document_scalar in document.h. */
#include "config.h"

#include "document.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

enum reading { NO_NUMBER, NUMBER, TOO_LARGE };

static enum reading
read_integer (const char *text, size_t size, int base, bool negative, struct value *out)
{
  uint64_t number = 0, limit = (uint64_t) INT64_MAX + negative;
  bool large = false;
  if (size == 0)
    return NO_NUMBER;
  for (size_t i = 0; i < size; i++) {
    int digit = hex_digit (text[i]);
    if (digit < 0 || digit >= base)
      return NO_NUMBER;
    large = large || number > (limit - (uint64_t) digit) / (uint64_t) base;
    if (!large)
      number = number * (uint64_t) base + (uint64_t) digit;
  }
  if (large)
    return TOO_LARGE;
  *out = value_int (negative ? (int64_t) (0 - number) : (int64_t) number);
  return NUMBER;
}

static size_t
digits (const char *text, size_t size)
{
  size_t n = 0;
  while (n < size && is_digit (text[n]))
    n++;
  return n;
}

/* Is it ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool
is_float (const char *text, size_t size)
{
  size_t whole = digits (text, size), i = whole;
  if (i < size && text[i] == '.') {
    size_t fraction = digits (text + i + 1, size - i - 1);
    if (whole == 0 && fraction == 0)
      return false;
    i += 1 + fraction;
  }
  else if (whole == 0)
    return false;
  if (i == size)
    return true;
  if (text[i] != 'e' && text[i] != 'E')
    return false;
  i++;
  if (i < size && (text[i] == '-' || text[i] == '+'))
    i++;
  size_t exponent = digits (text + i, size - i);
  return exponent > 0 && i + exponent == size;
}

static enum reading
read_float (const char *text, size_t size, struct value *out)
{
  static const char *const infinities[] = { ".inf", ".Inf", ".INF", NULL };
  static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };
  bool is_signed = *text == '-' || *text == '+';
  if (text_is_one_of (text + is_signed, size - is_signed, infinities)) {
    *out = value_float (*text == '-' ? -INFINITY : INFINITY);
    return NUMBER;
  }
  if (text_is_one_of (text, size, nans)) {
    *out = value_float (NAN);
    return NUMBER;
  }
  if (!is_float (text + is_signed, size - is_signed))
    return NO_NUMBER;
  /* strtod wants a NUL at the end; its locale is C, as the program never calls setlocale. */
  char few[64];
  CLEANUP_FREE char *many = size < sizeof few ? NULL : xmalloc (size + 1);
  char *copy = many ? many : few;
  memcpy (copy, text, size);
  copy[size] = '\0';
  *out = value_float (strtod (copy, NULL));
  return isfinite (out->number) ? NUMBER : TOO_LARGE;
}

static enum reading
read_number (const char *text, size_t size, struct value *out)
{
  if (size > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'o'))
    return read_integer (text + 2, size - 2, text[1] == 'x' ? 16 : 8, false, out);
  bool is_signed = *text == '-' || *text == '+';
  enum reading reading = read_integer (text + is_signed, size - is_signed, 10, *text == '-', out);
  return reading == NO_NUMBER ? read_float (text, size, out) : reading;
}

bool
document_scalar (const char *text, size_t size, struct value *out)
{
  static const char *const nulls[] = { "~", "null", "Null", "NULL", NULL };
  static const char *const trues[] = { "true", "True", "TRUE", NULL };
  static const char *const falses[] = { "false", "False", "FALSE", NULL };
  char c = size ? *text : '~';
  *out = value_text (text, size);
  if (is_digit (c) || c == '-' || c == '+' || c == '.')
    return read_number (text, size, out) != TOO_LARGE;
  if (size == 0 || ((c == '~' || c == 'n' || c == 'N') && text_is_one_of (text, size, nulls)))
    *out = value_null;
  else if ((c == 't' || c == 'T') && text_is_one_of (text, size, trues))
    *out = value_bool (true);
  else if ((c == 'f' || c == 'F') && text_is_one_of (text, size, falses))
    *out = value_bool (false);
  return true;
}
