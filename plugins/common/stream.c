/* stream.c - the bytes that came, and finding things in them; see stream.h.
 * Nothing here waits: the verbs are in receive.c. */
#define _GNU_SOURCE 1
#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"

/* ---- the bytes ---- */

int
stream_add (struct stream *stream, const void *data, size_t size)
{
  if (size > STREAM_LIMIT - stream->size)
    return -1;
  size_t before = stream->base ? (size_t) (stream->data - stream->base) : 0;
  if (before + stream->size + size > stream->room) {
    if (before)
      memmove (stream->base, stream->data, stream->size);
    stream->data = stream->base;
    if (stream->size + size > stream->room) {
      size_t room = (stream->size + size) * 2;
      char *base = realloc (stream->base, room);
      if (!base)
        return -1;
      stream->base = stream->data = base;
      stream->room = room;
    }
  }
  if (size)
    memcpy (stream->data + stream->size, data, size);
  stream->size += size;
  stream->received += size;
  return 0;
}

void
stream_consume (struct stream *stream, size_t size)
{
  stream->data += size;
  stream->size -= size;
}

void
stream_free (struct stream *stream)
{
  free (stream->base);
  *stream = (struct stream) { 0 };
}

/* ---- what is wanted ---- */

static int
wanted_content (struct runner_step *step, const struct stream_args *args, struct stream_wanted *wanted)
{
  if (runner_given (step, "text") || runner_given (step, "line")) {
    int line = runner_given (step, "line");
    wanted->content = CONTENT_PATTERN;
    wanted->pattern = line ? (const uint8_t *) args->line : args->text.data;
    wanted->pattern_size = line ? strlen (args->line) : args->text.size;
    if (line)
      wanted->framing = FRAMING_LINE;
  } else if (runner_given (step, "bytes")) {
    wanted->content = CONTENT_PATTERN;
    wanted->pattern = args->bytes.data;
    wanted->mask = args->bytes.mask;
    wanted->pattern_size = args->bytes.size;
    if (wanted->pattern_size == 0)
      return runner_error (step, "bytes is empty: there is nothing to compare with");
  } else if (runner_given (step, "regex")) {
    wanted->content = CONTENT_REGEX;
    wanted->regex = args->regex;
  } else if (runner_given (step, "closed")) {
    wanted->content = CONTENT_CLOSED;
    if (!args->closed.on)
      return runner_error (step, "closed: only true says something (in quiet it says that it stays open)");
  }
  return RUNNER_PASS;
}

int
stream_wanted (struct runner_step *step, const struct stream_args *args, struct stream_wanted *wanted)
{
  *wanted = (struct stream_wanted) { .content = CONTENT_ANY };
  if (runner_given (step, "delimiter")) {
    wanted->framing = FRAMING_DELIMITER;
    wanted->delimiter = args->delimiter.data;
    wanted->delimiter_size = args->delimiter.size;
    if (args->delimiter.size == 0)
      return runner_error (step, "delimiter is empty");
  } else if (runner_given (step, "length")) {
    wanted->framing = FRAMING_LENGTH;
    if (args->length.bytes == 0 || args->length.bytes > STREAM_LIMIT)
      return runner_error (step, "length must be from 1 to %zu bytes", STREAM_LIMIT);
    wanted->length = (size_t) args->length.bytes;
  }
  int framed = wanted->framing != FRAMING_NONE;
  if (framed && (runner_given (step, "closed") || runner_given (step, "line")))
    return runner_error (step, "delimiter and length do not go with %s",
                         runner_given (step, "line") ? "line, which is a message of its own kind" : "closed");
  return wanted_content (step, args, wanted);
}

const char *
stream_describe (char *out, const struct stream_wanted *wanted)
{
  char shown[SHOW_ROOM];
  char content[SHOW_ROOM + 40] = "";
  if (wanted->content == CONTENT_PATTERN)
    snprintf (content, sizeof content, "%s", show_first (shown, wanted->pattern, wanted->pattern_size));
  else if (wanted->content == CONTENT_REGEX)
    snprintf (content, sizeof content, "a match of /%.600s/", wanted->regex);
  const char *that = *content ? ": " : "";
  switch (wanted->framing) {
  case FRAMING_LINE:
    snprintf (out, STREAM_DESCRIBE_ROOM, "the line %s", content);
    break;
  case FRAMING_LENGTH:
    snprintf (out, STREAM_DESCRIBE_ROOM, "a message of %zu bytes%s%s", wanted->length, that, content);
    break;
  case FRAMING_DELIMITER:
    show_first (shown, wanted->delimiter, wanted->delimiter_size > 20 ? 20 : wanted->delimiter_size);
    snprintf (out, STREAM_DESCRIBE_ROOM, "a message that ends with %.90s%s%s", shown, that, content);
    break;
  case FRAMING_NONE:
    snprintf (out, STREAM_DESCRIBE_ROOM, "%s", wanted->content == CONTENT_ANY ? "any bytes"
              : wanted->content == CONTENT_CLOSED ? "the end" : content);
    break;
  }
  return out;
}

/* ---- finding it ---- */

static size_t
pattern_compare (const struct stream_wanted *wanted, const char *data, size_t size)
{
  const uint8_t *bytes = (const uint8_t *) data;
  size_t i = 0;
  for (; i < size && i < wanted->pattern_size; i++) {
    uint8_t mask = wanted->mask ? wanted->mask[i] : 0xff;
    if ((bytes[i] ^ wanted->pattern[i]) & mask)
      break;
  }
  return i;
}

/* The first match that is not empty, for a regex with one that is (pcre2pattern(3), "Special
 * start-of-pattern items"). */
static int
match_something (struct runner_step *step, const char *regex, const char *data, size_t size, size_t *groups)
{
  char *not_empty;
  if (asprintf (&not_empty, "(*NOTEMPTY)%s", regex) < 0) {
    runner_error (step, "out of memory");
    return -1;
  }
  int n = runner_regex (step, not_empty, data, size, groups, STREAM_GROUPS);
  free (not_empty);
  return n;
}

/* Unless it may be so, the whole match must not be empty: nothing would have arrived then. */
static enum stream_match
match_regex (struct runner_step *step, const struct stream_wanted *wanted, const char *data, size_t size,
             int may_be_empty, struct stream_found *found)
{
  int n = runner_regex (step, wanted->regex, data, size, found->group, STREAM_GROUPS);
  if (n > 0 && !may_be_empty && found->group[0] == found->group[1])
    n = match_something (step, wanted->regex, data, size, found->group);
  if (n < 0)
    return MATCH_WRONG;
  if (n == 0 || (!may_be_empty && found->group[0] == found->group[1]))
    return MATCH_MORE;
  found->groups = n > STREAM_GROUPS ? STREAM_GROUPS : (size_t) n;
  found->at = found->group[0];
  found->size = found->group[1] - found->group[0];
  found->end = found->group[1];
  return MATCH_FOUND;
}

/* Groups count from where the match begins. */
static void
groups_from (struct stream_found *found, size_t at)
{
  for (size_t i = 0; i < 2 * found->groups; i++)
    if (found->group[i] != SIZE_MAX)
      found->group[i] -= at;
}

enum stream_match
stream_match_message (struct runner_step *step, const struct stream_wanted *wanted, const char *data, size_t size,
                      struct stream_found *found)
{
  *found = (struct stream_found) { .size = size, .end = size };
  if (wanted->content == CONTENT_PATTERN) {
    found->at = pattern_compare (wanted, data, size);
    if (found->at < wanted->pattern_size || size != wanted->pattern_size)
      return MATCH_DIFFERS;
  } else if (wanted->content == CONTENT_REGEX) {
    enum stream_match match = match_regex (step, wanted, data, size, 1, found);
    if (match != MATCH_FOUND)
      return match == MATCH_MORE ? MATCH_DIFFERS : match;
  }
  found->at = 0;
  found->size = found->end = size;
  return MATCH_FOUND;
}

/* The message that begins at `from`, by its framing.  1, or 0: it is not complete. */
static int
frame (const struct stream_wanted *wanted, const char *data, size_t size, size_t from, int ended,
       struct stream_found *found)
{
  found->at = from;
  if (wanted->framing == FRAMING_LENGTH) {
    if (size - from < wanted->length)
      return 0;
    found->size = wanted->length;
    found->end = from + wanted->length;
    return 1;
  }
  int line = wanted->framing == FRAMING_LINE;
  const char *delimiter = line ? "\n" : wanted->delimiter;
  size_t delimiter_size = line ? 1 : wanted->delimiter_size;
  const char *at = from < size ? memmem (data + from, size - from, delimiter, delimiter_size) : NULL;
  if (at) {
    found->size = (size_t) (at - data) - from;
    found->end = from + found->size + delimiter_size;
  } else if (line && ended && size > from) {
    found->size = size - from; /* the last line may lack its end */
    found->end = size;
  } else {
    return 0;
  }
  if (line && found->size && data[from + found->size - 1] == '\r')
    found->size--;
  return 1;
}

/* As stream_match_next, for messages that are framed, with the first at `from`. */
static enum stream_match
match_framed (struct runner_step *step, const struct stream_wanted *wanted, const char *data, size_t size,
              size_t from, int ended, struct stream_found *found)
{
  struct stream_found whole = { 0 };
  if (!frame (wanted, data, size, from, ended, &whole))
    return MATCH_MORE;
  enum stream_match match = stream_match_message (step, wanted, data + from, whole.size, found);
  found->at = match == MATCH_DIFFERS ? from + found->at : from;
  found->size = whole.size;
  found->end = whole.end;
  return match;
}

enum stream_match
stream_match_next (struct runner_step *step, const struct stream_wanted *wanted, const char *data, size_t size,
                   int ended, struct stream_found *found)
{
  *found = (struct stream_found) { 0 };
  if (wanted->framing != FRAMING_NONE)
    return match_framed (step, wanted, data, size, 0, ended, found);
  enum stream_match match;
  switch (wanted->content) {
  case CONTENT_CLOSED:
    return size ? MATCH_DIFFERS : ended ? MATCH_FOUND : MATCH_MORE;
  case CONTENT_PATTERN:
    found->at = pattern_compare (wanted, data, size);
    if (found->at < wanted->pattern_size)
      return found->at < size ? MATCH_DIFFERS : MATCH_MORE;
    found->at = 0;
    found->size = found->end = wanted->pattern_size;
    return MATCH_FOUND;
  case CONTENT_REGEX:
    match = size ? match_regex (step, wanted, data, size, 0, found) : MATCH_MORE;
    /* The leftmost match is found: if it begins later, there is none here yet. */
    return match == MATCH_FOUND && found->at > 0 ? MATCH_MORE : match;
  case CONTENT_ANY:
    break;
  }
  found->size = found->end = size;
  return size ? MATCH_FOUND : MATCH_MORE;
}

/* A pattern anywhere from *from on. */
static enum stream_match
find_pattern (const struct stream_wanted *wanted, const char *data, size_t size, size_t *from,
              struct stream_found *found)
{
  size_t n = wanted->pattern_size;
  size_t at = *from;
  if (!wanted->mask) {
    const char *hit = size - at >= n ? memmem (data + at, size - at, wanted->pattern, n) : NULL;
    at = hit ? (size_t) (hit - data) : size;
  } else {
    while (size - at >= n && pattern_compare (wanted, data + at, n) < n)
      at++;
    if (size - at < n)
      at = size;
  }
  if (at == size) {
    if (size - *from >= n)
      *from = size - (n - 1);
    return MATCH_MORE;
  }
  *found = (struct stream_found) { .at = at, .size = n, .end = at + n };
  return MATCH_FOUND;
}

/* How far back a match of a regex may begin when much has been passed over. */
#define REGEX_WINDOW ((size_t) 512 << 10)

static enum stream_match
find_regex (struct runner_step *step, const struct stream_wanted *wanted, const char *data, size_t size,
            size_t *from, struct stream_found *found)
{
  size_t start = *from;
  if (start == size)
    return MATCH_MORE;
  enum stream_match match = match_regex (step, wanted, data + start, size - start, 0, found);
  if (match == MATCH_FOUND) {
    groups_from (found, found->at);
    found->at += start;
    found->end += start;
  } else if (match == MATCH_MORE && size - start > 2 * REGEX_WINDOW) {
    *from = size - REGEX_WINDOW;
  }
  return match;
}

#define AT_ONCE 1000 /* messages */

enum stream_match
stream_match_find (struct runner_step *step, const struct stream_wanted *wanted, const char *data, size_t size,
                   int ended, size_t *from, struct stream_found *found)
{
  *found = (struct stream_found) { 0 };
  if (wanted->framing != FRAMING_NONE) {
    enum stream_match match = MATCH_DIFFERS;
    for (int i = 0; i < AT_ONCE && match == MATCH_DIFFERS; i++) {
      match = match_framed (step, wanted, data, size, *from, ended, found);
      if (match == MATCH_DIFFERS)
        *from = found->end;
    }
    return match;
  }
  switch (wanted->content) {
  case CONTENT_PATTERN:
    return find_pattern (wanted, data, size, from, found);
  case CONTENT_REGEX:
    return find_regex (step, wanted, data, size, from, found);
  case CONTENT_CLOSED:
    found->at = *from;
    found->size = size - *from;
    found->end = size;
    return ended ? MATCH_FOUND : MATCH_MORE;
  case CONTENT_ANY:
    break;
  }
  *found = (struct stream_found) { .at = *from, .size = size - *from, .end = size };
  return size > *from ? MATCH_FOUND : MATCH_MORE;
}

void
stream_put_found (struct runner_out *out, const struct stream_wanted *wanted, const char *data,
                  const struct stream_found *found)
{
  runner_put_text (out, "data", data + found->at, found->size);
  if (wanted->content != CONTENT_REGEX)
    return;
  runner_put_list (out, "groups");
  for (size_t i = 1; i < found->groups; i++) {
    size_t start = found->group[2 * i], end = found->group[2 * i + 1];
    if (start == SIZE_MAX || end == SIZE_MAX || end < start)
      runner_put_null (out, NULL);
    else
      runner_put_text (out, NULL, data + found->at + start, end - start);
  }
  runner_put_end (out);
}
