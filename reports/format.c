/* format.c - see format.h. */
#include "config.h"

#include "format.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "text.h"

static const char hex_digits[] = "0123456789abcdef";

/* ---- numbers ---- */

static void
add_padded (struct buffer *out, int64_t number, int64_t largest_digit)
{
  for (; largest_digit > 1 && number < largest_digit; largest_digit /= 10)
    buffer_putc (out, '0');
  buffer_int (out, number);
}

void
format_seconds (struct buffer *out, int64_t us)
{
  int64_t ms = us < 0 ? 0 : us / 1000 + (us % 1000 >= 500);
  buffer_int (out, ms / 1000);
  buffer_putc (out, '.');
  add_padded (out, ms % 1000, 100);
}

void
format_duration (struct buffer *out, int64_t us)
{
  if (us < 0)
    us = 0;
  if (us < 1000) {
    buffer_int (out, us);
    buffer_lit (out, " µs");
  }
  else if (us < 1000000) {
    buffer_int (out, us / 1000);
    if (us < 100000) {
      buffer_putc (out, '.');
      buffer_int (out, us / 100 % 10);
    }
    buffer_lit (out, " ms");
  }
  else if (us < 60000000) {
    buffer_int (out, us / 1000000);
    buffer_putc (out, '.');
    add_padded (out, us / 10000 % 100, 10);
    buffer_lit (out, " s");
  }
  else {
    buffer_int (out, us / 60000000);
    buffer_lit (out, " min ");
    buffer_int (out, us / 1000000 % 60);
    buffer_lit (out, " s");
  }
}

/* ---- texts ---- */

/* Is `size` bytes before `at` no middle of a character? */
static size_t
character_start (const char *text, size_t at)
{
  for (int i = 0; i < 3 && at > 0 && ((unsigned char) text[at] & 0xc0) == 0x80; i++)
    at--;
  return at;
}

void
format_ends (struct buffer *out, const char *text, size_t size, size_t limit)
{
  if (size <= limit) {
    buffer_add (out, text, size);
    return;
  }
  size_t head = character_start (text, limit / 2), tail = character_start (text, size - limit / 2);
  buffer_add (out, text, head);
  buffer_lit (out, "\n[... ");
  buffer_int (out, (int64_t) (tail - head));
  buffer_lit (out, " bytes are left out here ...]\n");
  buffer_add (out, text + tail, size - tail);
}

static void
add_lines (struct buffer *out, const char *text, size_t size, const char *indent)
{
  while (size) {
    const char *newline = memchr (text, '\n', size);
    size_t n = newline ? (size_t) (newline - text) : size;
    buffer_puts (out, indent);
    buffer_add (out, text, n);
    buffer_putc (out, '\n');
    n += newline != NULL;
    text += n;
    size -= n;
  }
}

/* The next line, or in the only one the next character. */
static const char *
whole_line (const char *text, const char *at, const char *end)
{
  size_t n = text_cut_line (at, (size_t) (end - at));
  return n ? at + n : text + character_start (text, (size_t) (at - text));
}

bool
format_tail (struct buffer *out, const char *text, size_t size, size_t lines, size_t bytes, const char *indent)
{
  if (!size)
    return true;
  const char *end = text + size, *at = end;
  if (at[-1] == '\n')
    at--;
  while (at > text && (size_t) (end - at) < bytes) {
    if (at[-1] == '\n' && --lines == 0)
      break;
    at--;
  }
  if (at > text && at[-1] != '\n')
    at = whole_line (text, at, end);
  add_lines (out, at, (size_t) (end - at), indent);
  return at == text;
}

void
format_blame (struct buffer *out, const char *where, const char *verb, const char *message)
{
  if (where) {
    buffer_puts (out, where);
    buffer_lit (out, ": ");
  }
  if (verb) {
    buffer_puts (out, verb);
    buffer_lit (out, ": ");
  }
  buffer_puts (out, message ? message : "failed");
}

void
format_event_blame (struct buffer *out, const struct event *event)
{
  CLEANUP_BUFFER struct buffer step = { 0 };
  if (event->step)
    buffer_printf (&step, event->verb ? "%s (%s)" : "%s", event->step, event->verb);
  format_blame (out, event->where, event->step ? buffer_text (&step) : event->verb, event->message);
}

/* Is it better read as characters than as numbers? */
static bool
is_text (const char *data, size_t size)
{
  size_t odd = 0;
  for (size_t i = 0; i < size;) {
    size_t n = utf8_decode (data + i, size - i, NULL);
    unsigned char c = (unsigned char) data[i];
    if (n == 0 || c == 0x7f || (c < 0x20 && c != '\n' && c != '\r' && c != '\t'))
      odd++;
    i += n ? n : 1;
  }
  return odd * 8 <= size;
}

static void
add_hexdump (struct buffer *out, const char *data, size_t size, const char *indent)
{
  for (size_t row = 0; row < size; row += 16) {
    buffer_puts (out, indent);
    for (int shift = 12; shift >= 0; shift -= 4)
      buffer_putc (out, hex_digits[row >> shift & 15]);
    for (size_t i = row; i < row + 16; i++) {
      buffer_puts (out, i % 8 ? " " : "  ");
      unsigned char c = i < size ? (unsigned char) data[i] : 0;
      buffer_putc (out, i < size ? hex_digits[c >> 4] : ' ');
      buffer_putc (out, i < size ? hex_digits[c & 15] : ' ');
    }
    buffer_lit (out, "  |");
    for (size_t i = row; i < row + 16 && i < size; i++)
      buffer_putc (out, data[i] >= 0x20 && data[i] < 0x7f ? data[i] : '.');
    buffer_lit (out, "|\n");
  }
}

/* A line in quotes for each line of the message. */
static void
add_quoted (struct buffer *out, const char *data, size_t size, const char *indent)
{
  while (size) {
    const char *newline = memchr (data, '\n', size);
    size_t n = newline ? (size_t) (newline - data) + 1 : size;
    buffer_puts (out, indent);
    text_quote (out, data, n, 4 * n + 16);
    buffer_putc (out, '\n');
    data += n;
    size -= n;
  }
}

/* What is shown of its data. */
static size_t
shown_of (const struct event_traffic *traffic, size_t limit)
{
  return traffic->data_size < limit ? traffic->data_size : limit;
}

void
format_message_title (struct buffer *out, const struct event_traffic *traffic, size_t limit)
{
  buffer_puts (out, traffic->received ? "received from " : "sent to ");
  buffer_puts (out, traffic->peer ? traffic->peer : "?");
  buffer_lit (out, " at ");
  format_duration (out, traffic->time_us);
  buffer_lit (out, ", ");
  uint64_t size = traffic->size > traffic->data_size ? traffic->size : traffic->data_size;
  size_t shown = shown_of (traffic, limit);
  buffer_int (out, (int64_t) size);
  buffer_puts (out, size == 1 ? " byte" : " bytes");
  if (shown < size) {
    buffer_lit (out, ", the first ");
    buffer_int (out, (int64_t) shown);
  }
}

void
format_message_body (struct buffer *out, const struct event_traffic *traffic, size_t limit, const char *indent)
{
  size_t shown = shown_of (traffic, limit);
  if (is_text (traffic->data, shown))
    add_quoted (out, traffic->data, shown, indent);
  else
    add_hexdump (out, traffic->data, shown, indent);
}

static void
add_message (struct buffer *out, const struct event_traffic *traffic, size_t limit)
{
  buffer_lit (out, "    ");
  format_message_title (out, traffic, limit);
  buffer_puts (out, shown_of (traffic, limit) ? ":\n" : "\n");
  format_message_body (out, traffic, limit, "      ");
}

static void
add_log (struct buffer *out, const struct event_log *log, const struct format_limits *limits)
{
  CLEANUP_BUFFER struct buffer tail = { 0 };
  bool all = format_tail (&tail, log->text, log->text_size, limits->log_lines, limits->log_bytes, "    | ");
  buffer_puts (out, all ? "  the log of " : "  the end of the log of ");
  buffer_puts (out, log->name ? log->name : "?");
  if (log->file) {
    buffer_lit (out, " (");
    buffer_puts (out, log->file);
    buffer_putc (out, ')');
  }
  buffer_puts (out, tail.size ? ":\n" : ": nothing\n");
  buffer_add (out, tail.data, tail.size);
}

static bool
same_text (const char *a, const char *b)
{
  return a && b && strcmp (a, b) == 0;
}

/* Is it left out, since the messages of the same connection after it are enough? */
static bool
left_out (const struct event *event, size_t i, const struct format_limits *limits)
{
  const struct event_traffic *traffic = event->traffic;
  size_t bytes = 0;
  for (size_t j = i + 1; j < event->traffic_count; j++)
    if (same_text (traffic[j].peer, traffic[i].peer))
      bytes += traffic[j].data_size < limits->traffic_bytes ? traffic[j].data_size : limits->traffic_bytes;
  return bytes >= limits->traffic_most;
}

static int
earlier_first (const void *a, const void *b)
{
  const struct event_traffic *const *first = a, *const *second = b;
  if ((*first)->time_us != (*second)->time_us)
    return (*first)->time_us < (*second)->time_us ? -1 : 1;
  return (*first > *second) - (*first < *second); /* one connection's stay in their order */
}

/* The event has them connection by connection; a dialogue is read in the order of time. */
const struct event_traffic **
format_pick_traffic (const struct event *event, const struct format_limits *limits, size_t *count)
{
  const struct event_traffic **told = xcalloc (event->traffic_count + 1, sizeof (const struct event_traffic *));
  size_t n = 0;
  for (size_t i = 0; i < event->traffic_count; i++)
    if (!left_out (event, i, limits))
      told[n++] = &event->traffic[i];
  qsort (told, n, sizeof *told, earlier_first);
  *count = n;
  return told;
}

static void
add_traffic (struct buffer *out, const struct event *event, const struct format_limits *limits)
{
  if (!event->traffic_count)
    return;
  size_t n;
  const struct event_traffic **told = format_pick_traffic (event, limits, &n);
  buffer_lit (out, "  the last traffic");
  if (n < event->traffic_count)
    buffer_printf (out, " (%zu earlier messages are left out)", event->traffic_count - n);
  buffer_lit (out, ":\n");
  for (size_t i = 0; i < n; i++)
    add_message (out, told[i], limits->traffic_bytes);
  free (told);
}

void
format_failure (struct buffer *out, const struct event *event, const struct format_limits *limits)
{
  format_event_blame (out, event);
  buffer_putc (out, '\n');
  format_callers (out, event);
  if (event->details)
    add_lines (out, event->details, strlen (event->details), "  ");
  format_loads (out, event);
  add_traffic (out, event, limits);
  for (size_t i = 0; i < event->log_count; i++)
    add_log (out, &event->logs[i], limits);
}

/* ---- terminals ---- */

/* Marks that turn the direction of writing: a text could be made to look like
 * another one. */
static bool
turns_writing (uint32_t c)
{
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static void
add_escaped (struct buffer *out, char letter, uint32_t code, int digits)
{
  buffer_putc (out, '\\');
  buffer_putc (out, letter);
  while (digits--)
    buffer_putc (out, hex_digits[code >> 4 * digits & 15]);
}

void
format_safe (struct buffer *out, const char *text, size_t size)
{
  for (size_t i = 0; i < size;) {
    unsigned char c = (unsigned char) text[i];
    uint32_t point;
    size_t n = c < 0x80 ? 1 : utf8_decode (text + i, size - i, &point);
    if (n == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f) {
      add_escaped (out, 'x', c, 2);
      n = 1;
    }
    else if (n > 1 && (point < 0xa0 || turns_writing (point)))
      add_escaped (out, 'u', point, 4);
    else
      buffer_add (out, text + i, n);
    i += n;
  }
}

void
format_line (struct buffer *out, const char *text)
{
  if (!text)
    return;
  while (*text) {
    size_t n = strcspn (text, "\n\r\t");
    format_safe (out, text, n);
    text += n;
    if (*text && *++text)
      buffer_putc (out, ' ');
  }
}
