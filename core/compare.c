/* compare.c - see compare.h. */
#include "config.h"

#include "compare.h"

#include <math.h>
#include <string.h>

#include "units.h"

enum kind { KIND_NONE, KIND_NUMBER, KIND_DURATION, KIND_SIZE, KIND_TIME, KIND_TEXT };

/* Nanoseconds (of a duration or since 1970) or bytes. */
__extension__ typedef __int128 wide;

struct measure {
  enum kind kind;
  wide amount;
  bool zoned; /* of times */
};

static const char *const is_no[] = { [KIND_NUMBER] = "is no number", [KIND_DURATION] = "is no duration",
                                     [KIND_SIZE] = "is no size",     [KIND_TIME] = "is no time",
                                     [KIND_TEXT] = "is no plain text" };

/* ---- times ---- */

struct scan { const char *text; size_t size, at; };

static bool
scan_digits (struct scan *s, size_t n, int *out)
{
  *out = 0;
  if (s->size - s->at < n)
    return false;
  for (size_t i = 0; i < n; i++, s->at++) {
    char c = s->text[s->at];
    if (c < '0' || c > '9')
      return false;
    *out = *out * 10 + (c - '0');
  }
  return true;
}

static bool
scan_char (struct scan *s, const char *of)
{
  if (s->at >= s->size || s->text[s->at] == '\0' || !strchr (of, s->text[s->at]))
    return false;
  s->at++;
  return true;
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar, counted in years that
 * begin in March, so that the leap day is the last. */
static int64_t
days_since_1970 (int year, int month, int day)
{
  int64_t y = month <= 2 ? year - 1 : year;
  int64_t era = (y >= 0 ? y : y - 399) / 400;
  int64_t year_of_era = y - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static bool
scan_date (struct scan *s, int64_t *days)
{
  static const int lengths[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  int year, month, day;
  if (!scan_digits (s, 4, &year) || !scan_char (s, "-") || !scan_digits (s, 2, &month) || !scan_char (s, "-")
      || !scan_digits (s, 2, &day) || month < 1 || month > 12 || day < 1 || day > lengths[month - 1])
    return false;
  bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  if (month == 2 && day == 29 && !leap)
    return false;
  *days = days_since_1970 (year, month, day);
  return true;
}

static bool
scan_fraction (struct scan *s, int32_t *nanoseconds)
{
  int32_t worth = 100000000;
  size_t start = s->at;
  for (; s->at < s->size && s->text[s->at] >= '0' && s->text[s->at] <= '9'; s->at++, worth /= 10)
    *nanoseconds += (s->text[s->at] - '0') * worth; /* beyond nine digits: 0 */
  return s->at > start;
}

/* Z, +02, +0200, +02:00: seconds east of UTC. */
static bool
scan_zone (struct scan *s, int *offset)
{
  *offset = 0;
  if (scan_char (s, "Zz"))
    return true;
  int sign = scan_char (s, "-") ? -1 : scan_char (s, "+") ? 1 : 0;
  int hours, minutes = 0;
  if (sign == 0 || !scan_digits (s, 2, &hours))
    return false;
  if (s->at < s->size) {
    scan_char (s, ":");
    if (!scan_digits (s, 2, &minutes))
      return false;
  }
  *offset = sign * (hours * 3600 + minutes * 60);
  return hours <= 23 && minutes <= 59;
}

static bool
scan_clock (struct scan *s, struct compare_time *out)
{
  int hours, minutes, seconds = 0, offset;
  if (!scan_digits (s, 2, &hours) || !scan_char (s, ":") || !scan_digits (s, 2, &minutes) || hours > 23
      || minutes > 59)
    return false;
  if (scan_char (s, ":") && (!scan_digits (s, 2, &seconds) || seconds > 60)) /* 60: a leap second */
    return false;
  if (scan_char (s, ".,") && !scan_fraction (s, &out->nanoseconds))
    return false;
  out->seconds += hours * 3600 + minutes * 60 + seconds;
  if (s->at == s->size)
    return true;
  out->zoned = true;
  if (!scan_zone (s, &offset))
    return false;
  out->seconds -= offset;
  return s->at == s->size;
}

bool
compare_parse_time (const char *text, size_t size, struct compare_time *out)
{
  struct scan s = { text, size, 0 };
  int64_t days;
  *out = (struct compare_time) { 0 };
  if (!scan_date (&s, &days))
    return false;
  out->seconds = days * 86400;
  return s.at == size || (scan_char (&s, "Tt ") && scan_clock (&s, out));
}

/* ---- measures ---- */

/* A text that ends with a letter may end with a unit; "12" is a number in a text. */
static bool
has_unit (const char *text, size_t size)
{
  char last = size ? text[size - 1] : '\0';
  return size >= 2 && text[0] >= '0' && text[0] <= '9' && ((last >= 'a' && last <= 'z') || last == 'B');
}

static struct measure
measure_text (const struct value *value)
{
  int64_t ns;
  uint64_t bytes;
  struct compare_time time;
  if (has_unit (value->string, value->size)) {
    if (parse_duration (value->string, value->size, &ns))
      return (struct measure) { .kind = KIND_DURATION, .amount = ns };
    if (parse_size (value->string, value->size, &bytes))
      return (struct measure) { .kind = KIND_SIZE, .amount = bytes };
  }
  if (compare_parse_time (value->string, value->size, &time))
    return (struct measure) { .kind = KIND_TIME, .zoned = time.zoned,
                              .amount = (wide) time.seconds * 1000000000 + time.nanoseconds };
  return (struct measure) { .kind = KIND_TEXT };
}

static struct measure
measure (const struct value *value)
{
  switch (value->type) {
  case VALUE_FLOAT:
    return (struct measure) { .kind = isnan (value->number) ? KIND_NONE : KIND_NUMBER };
  case VALUE_INT:
    return (struct measure) { .kind = KIND_NUMBER };
  case VALUE_STRING:
    return measure_text (value);
  default:
    return (struct measure) { .kind = KIND_NONE };
  }
}

/* Seconds to nanoseconds, or bytes as they are; what is beyond all durations stays there. */
static wide
scaled (const struct value *number, int64_t scale)
{
  static const double most = 1e30;
  if (number->type == VALUE_INT)
    return (wide) number->integer * scale;
  double x = rint (number->number * (double) scale);
  return (wide) (x > most ? most : x < -most ? -most : x);
}

/* `value` as something of the kind `wanted`, whose other side is a text with a unit or a time. */
static bool
measure_as (const struct value *value, enum kind wanted, struct measure *out)
{
  *out = measure (value);
  if (out->kind == wanted)
    return true;
  if (out->kind == KIND_NUMBER && (wanted == KIND_DURATION || wanted == KIND_SIZE)) {
    out->amount = scaled (value, wanted == KIND_DURATION ? 1000000000 : 1);
    return true;
  }
  uint64_t bytes;
  if (wanted == KIND_SIZE && value->type == VALUE_STRING && parse_size (value->string, value->size, &bytes)) {
    out->amount = bytes;
    return true;
  }
  return false;
}

static enum value_order
compare_texts (const struct value *a, const struct value *b)
{
  int order = memcmp (a->string, b->string, a->size < b->size ? a->size : b->size);
  if (order == 0)
    return a->size < b->size ? VALUE_LESS : a->size > b->size ? VALUE_MORE : VALUE_SAME;
  return order < 0 ? VALUE_LESS : VALUE_MORE;
}

bool
compare_usable (const struct value *expected)
{
  return measure (expected).kind != KIND_NONE;
}

static const char zones_differ[] = "only one of them has a time zone";

enum value_order
compare_values (const struct value *actual, const struct value *expected, const char **why)
{
  struct measure e = measure (expected), a = measure (actual);
  *why = is_no[e.kind];
  switch (e.kind) {
  case KIND_NONE:
    *why = "cannot be compared";
    return VALUE_UNORDERED;
  case KIND_NUMBER:
    return value_compare_numbers (actual, expected);
  case KIND_TEXT:
    return a.kind == KIND_TEXT ? compare_texts (actual, expected) : VALUE_UNORDERED;
  default:
    if (!measure_as (actual, e.kind, &a))
      return VALUE_UNORDERED;
    if (e.kind == KIND_TIME && a.zoned != e.zoned) {
      *why = zones_differ;
      return VALUE_UNORDERED;
    }
    return a.amount < e.amount ? VALUE_LESS : a.amount > e.amount ? VALUE_MORE : VALUE_SAME;
  }
}

/* ---- near ---- */

bool
compare_near_usable (const struct value *expected, const struct value *within)
{
  struct measure e = measure (expected), w = measure (within);
  switch (e.kind) {
  case KIND_NUMBER: {
    struct value zero = value_int (0);
    return w.kind == KIND_NUMBER && value_compare_numbers (within, &zero) != VALUE_LESS;
  }
  case KIND_DURATION:
  case KIND_TIME:
    return w.kind == KIND_DURATION;
  case KIND_SIZE:
    return w.kind == KIND_SIZE;
  default:
    return false;
  }
}

static double
as_double (const struct value *number)
{
  return number->type == VALUE_INT ? (double) number->integer : number->number;
}

/* Integers exactly; others as doubles, where 0.3 is within 0.1 of 0.2 although the
 * difference of these doubles is more: a few units in the last place are allowed. */
static bool
near_numbers (const struct value *a, const struct value *b, const struct value *within)
{
  if (a->type == VALUE_INT && b->type == VALUE_INT && within->type == VALUE_INT) {
    wide difference = (wide) a->integer - b->integer;
    return (difference < 0 ? -difference : difference) <= within->integer;
  }
  double x = as_double (a), y = as_double (b), most = as_double (within);
  if (x == y)
    return true;
  double slack = 4 * 0x1p-53 * fmax (fabs (x), fabs (y));
  return isinf (x) || isinf (y) ? isinf (most) : fabs (x - y) <= most + (most > 0 ? slack : 0);
}

int
compare_near (const struct value *actual, const struct value *expected, const struct value *within,
              const char **why)
{
  struct measure e = measure (expected), w = measure (within), a = measure (actual);
  *why = is_no[e.kind];
  if (e.kind == KIND_NUMBER)
    return a.kind == KIND_NUMBER ? near_numbers (actual, expected, within) : -1;
  if (e.kind == KIND_NONE || e.kind == KIND_TEXT || !measure_as (actual, e.kind, &a))
    return -1;
  if (e.kind == KIND_TIME && a.zoned != e.zoned) {
    *why = zones_differ;
    return -1;
  }
  wide difference = a.amount - e.amount;
  return (difference < 0 ? -difference : difference) <= w.amount;
}
