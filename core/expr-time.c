/* expr-time.c - time_format and time_parse: seconds since 1970 and their texts, in UTC. */
#include "config.h"

#include "expr-internal.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define LONGEST_FORMAT 200

/* `%s` would take the local time zone; `%E` and `%O` are for locales. */
static void
check_format (lua_State *lua, const char *format)
{
  if (strlen (format) > LONGEST_FORMAT)
    luaL_error (lua, "the format is too long");
  for (const char *p = strchr (format, '%'); p; p = strchr (p + 2, '%'))
    if (p[1] == '\0' || !strchr ("aAbBcCdDeFgGhHIjklmMnprRStTuUVwWxXyYzZ%", p[1]))
      luaL_error (lua, "the format has no `%%%c` (see strftime)", p[1] ? p[1] : ' ');
}

static void
split_seconds (lua_State *lua, double seconds, struct tm *out, long *micro)
{
  double whole = floor (seconds);
  long rest = lround ((seconds - whole) * 1e6);
  if (rest >= 1000000) {
    rest = 0;
    whole += 1;
  }
  /* the years -9999 to 9999, about */
  if (!(fabs (whole) < 2.5e11))
    luaL_error (lua, "time_format: that is no time");
  time_t time = (time_t) whole;
  if (!gmtime_r (&time, out))
    luaL_error (lua, "time_format: that is no time");
  *micro = rest;
}

int
expr_time_format (lua_State *lua)
{
  double seconds = luaL_checknumber (lua, 1);
  const char *format = luaL_optstring (lua, 2, "ISO");
  struct tm tm;
  long micro;
  char text[2048];
  split_seconds (lua, seconds, &tm, &micro);
  if (strcmp (format, "ISO") != 0) {
    check_format (lua, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    size_t n = strftime (text, sizeof text, format, &tm); /* the format was checked */
#pragma GCC diagnostic pop
    if (n == 0 && *format)
      return luaL_error (lua, "time_format: the text becomes too long");
    lua_pushlstring (lua, text, n);
    return 1;
  }
  int n = snprintf (text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                    tm.tm_hour, tm.tm_min, tm.tm_sec);
  if (micro)
    n += snprintf (text + n, sizeof text - (size_t) n, ".%06ld", micro);
  snprintf (text + n, sizeof text - (size_t) n, "Z");
  lua_pushstring (lua, text);
  return 1;
}

/* Reads exactly n digits. */
static bool
digits (const char **text, int n, int *out)
{
  *out = 0;
  for (; n > 0; n--, (*text)++) {
    if (**text < '0' || **text > '9')
      return false;
    *out = *out * 10 + (**text - '0');
  }
  return true;
}

static bool
one_of (const char **text, const char *characters)
{
  if (!**text || !strchr (characters, **text))
    return false;
  (*text)++;
  return true;
}

/* RFC 3339's offset: Z, +01:00, also +0100 and none (UTC); in seconds. */
static bool
read_offset (const char **text, int *seconds)
{
  int hours, minutes, sign = **text == '-' ? -1 : 1;
  *seconds = 0;
  if (!**text || one_of (text, "Zz"))
    return true;
  if (!one_of (text, "+-") || !digits (text, 2, &hours))
    return false;
  one_of (text, ":");
  if (!digits (text, 2, &minutes) || hours > 23 || minutes > 59)
    return false;
  *seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

static bool
read_fraction (const char **text, double *fraction)
{
  double place = 0.1;
  *fraction = 0;
  if (!one_of (text, ".,"))
    return true;
  if (**text < '0' || **text > '9')
    return false;
  for (; **text >= '0' && **text <= '9'; (*text)++, place /= 10)
    *fraction += place * (**text - '0');
  return true;
}

static int
days_in_month (int year, int month)
{
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap);
}

/* RFC 3339, with a blank for the T, and a date alone. */
static bool
parse_iso (const char *text, struct tm *tm, double *fraction, int *offset)
{
  int year, month, day, hour = 0, minute = 0, second = 0;
  *fraction = 0;
  *offset = 0;
  if (!digits (&text, 4, &year) || !one_of (&text, "-") || !digits (&text, 2, &month) || !one_of (&text, "-")
      || !digits (&text, 2, &day))
    return false;
  if (*text
      && (!one_of (&text, "Tt ") || !digits (&text, 2, &hour) || !one_of (&text, ":") || !digits (&text, 2, &minute)))
    return false;
  if (*text == ':' && (text++, !digits (&text, 2, &second) || !read_fraction (&text, fraction)))
    return false;
  if (!read_offset (&text, offset) || *text)
    return false;
  if (month < 1 || month > 12 || day < 1 || day > days_in_month (year, month) || hour > 23 || minute > 59 || second > 60)
    return false;
  *tm = (struct tm) { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day,
                      .tm_hour = hour, .tm_min = minute, .tm_sec = second };
  return true;
}

int
expr_time_parse (lua_State *lua)
{
  const char *text = luaL_checkstring (lua, 1), *format = luaL_optstring (lua, 2, "ISO");
  struct tm tm = { .tm_mday = 1 };
  double fraction = 0;
  int offset = 0;
  bool good;
  if (strcmp (format, "ISO") == 0)
    good = parse_iso (text, &tm, &fraction, &offset);
  else {
    check_format (lua, format);
    const char *end = strptime (text, format, &tm);
    good = end && !*end;
    offset = (int) tm.tm_gmtoff;
  }
  if (!good)
    return luaL_error (lua, "time_parse: \"%s\" is no time of the format %s", text,
                       strcmp (format, "ISO") == 0 ? "2024-12-31T23:59:59Z" : format);
  lua_Integer seconds = (lua_Integer) timegm (&tm) - offset;
  if (fraction > 0)
    lua_pushnumber (lua, (lua_Number) seconds + fraction);
  else
    lua_pushinteger (lua, seconds);
  return 1;
}
