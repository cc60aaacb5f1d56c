/* stream.h - what arrived from a peer, and finding in it what a test waits for.
 *
 * Shared by the plugins whose verbs are receive, wait and quiet on bytes: exec,
 * tcp, udp.  Where the bytes come from is the plugin's business (struct
 * stream_source); where they go, and what they mean, is not known here.
 */
#ifndef COMMON_STREAM_H
#define COMMON_STREAM_H

#include "runner-plugin.h"

/* More unread bytes than this are an error: somebody floods us. */
#define STREAM_LIMIT ((size_t) 64 << 20)
#define STREAM_GROUPS 32 /* of a regular expression, with the whole match */

enum stream_state { STREAM_OPEN, STREAM_ENDED, STREAM_RESET };

/* The bytes that came and were not consumed.  `{ 0 }` is an empty, open one. */
struct stream {
  char *data;
  size_t size;
  char *base;  /* what is allocated: `data` is within */
  size_t room;
  uint64_t received; /* in all, consumed ones too */
  uint64_t lost;     /* after `data`, so many came and went unseen; who goes on sets it to 0 */
  enum stream_state state;
};

/* 0, or -1: no memory, or the limit is reached. */
int stream_add (struct stream *stream, const void *data, size_t size);
void stream_consume (struct stream *stream, size_t size); /* the first `size` bytes, at most all, are done with */
void stream_free (struct stream *stream);

/* Where a stream's bytes come from. */
enum stream_more {
  MORE_CAME = 1,     /* bytes, or the end; or `lost` is set */
  MORE_NOT_YET = 0,  /* the time that was given is over */
  MORE_EXPIRED = -1, /* the step's time is over, or it was cancelled */
  MORE_FAILED = -2,  /* the step's outcome is set, and returned in *outcome */
};
struct stream_source {
  struct stream *stream;
  const char *name; /* of the peer: "dev 127.0.0.1:4000" */
  void *object;
  /* Waits at most `ns` (negative: as long as the step may) until more came. */
  int (*more) (struct runner_step *step, void *object, int64_t ns, int *outcome);
};

/* The parameters that say what is waited for. */
struct stream_args {
  struct runner_bytes text;
  const char *regex;
  struct runner_bytes_pattern bytes;
  const char *line;
  struct runner_bool closed;
  struct runner_bytes delimiter;
  struct runner_size length;
};

#define STREAM_PARAMS(args, member, text_flags)                                                            \
  RUNNER_PARAM_AS ("text", args, member.text, .flags = text_flags, .group = "?content",                    \
                   .help = "exactly these bytes"),                                                         \
  RUNNER_PARAM_AS ("regex", args, member.regex, .flags = RUNNER_REGEX, .group = "?content",                \
                   .help = "a match of this regular expression (PCRE2)"),                                  \
  RUNNER_PARAM_AS ("bytes", args, member.bytes, .group = "?content",                                       \
                   .help = "bytes in which `.` stands for any hexadecimal digit: {hex: \"00 .. ff\"}"),    \
  RUNNER_PARAM_AS ("line", args, member.line, .group = "?content",                                         \
                   .help = "exactly this line; its end, \\n or \\r\\n, is not part of it"),                \
  RUNNER_PARAM_AS ("closed", args, member.closed, .group = "?content",                                     \
                   .help = "the end: the peer sends no more"),                                             \
  RUNNER_PARAM_AS ("delimiter", args, member.delimiter, .group = "?framing",                               \
                   .help = "messages end with these bytes, which are not part of them"),                   \
  RUNNER_PARAM_AS ("length", args, member.length, .group = "?framing", .min = "1", .max = "64MiB",         \
                   .help = "messages have this many bytes")

#define STREAM_RESULT                                                                                      \
  { .name = "groups", .type = RUNNER_LIST, .flags = RUNNER_OPTIONAL,                                       \
    .help = "with regex: what its groups matched; null for one that took no part" },                       \
  { .name = "reset", .type = RUNNER_BOOL, .flags = RUNNER_OPTIONAL,                                        \
    .help = "with closed: the peer reset the connection instead of closing it" }
#define STREAM_RECEIVE_RESULT                                                                              \
  { .name = "data", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL,                                         \
    .help = "what was found: the message, or the matching bytes" },                                        \
  STREAM_RESULT,                                                                                           \
  { .name = "messages", .type = RUNNER_LIST, .flags = RUNNER_OPTIONAL,                                     \
    .help = "with count: data (and groups) of each, instead of the above" }
#define STREAM_WAIT_RESULT                                                                                 \
  { .name = "data", .type = RUNNER_TEXT,                                                                   \
    .help = "what was found: the message, the matching bytes; with closed: the bytes before it" },         \
  { .name = "skipped", .type = RUNNER_INT, .help = "bytes that were passed over" },                        \
  STREAM_RESULT

/* The arguments, checked and brought into one form. */
enum stream_content { CONTENT_ANY, CONTENT_PATTERN, CONTENT_REGEX, CONTENT_CLOSED };
enum stream_framing { FRAMING_NONE, FRAMING_DELIMITER, FRAMING_LENGTH, FRAMING_LINE };
struct stream_wanted {
  enum stream_content content;
  enum stream_framing framing;
  const uint8_t *pattern; /* CONTENT_PATTERN */
  const uint8_t *mask;    /* which bits of it count; NULL: all */
  size_t pattern_size;
  const char *regex;
  const char *delimiter;
  size_t delimiter_size;
  size_t length;
};

/* What was found: offsets from the beginning of the data searched. */
struct stream_found {
  size_t at, size;               /* the message or match */
  size_t end;                    /* the first byte after it and its delimiter */
  size_t groups;                 /* of the regex, with the whole match; 0: no regex */
  size_t group[2 * STREAM_GROUPS]; /* start and end of each, from `at` */
};
enum stream_match {
  MATCH_FOUND,
  MATCH_MORE,    /* not yet: more bytes decide */
  MATCH_DIFFERS, /* what is there cannot be it; `at` is the first byte that differs */
  MATCH_WRONG,   /* the step's error is set */
};

/* RUNNER_PASS, or the outcome to return. */
int stream_wanted (struct runner_step *step, const struct stream_args *args, struct stream_wanted *wanted);

/* Is what begins at the data's first byte what is wanted?  `ended`: no more will
 * come after these bytes. */
enum stream_match stream_match_next (struct runner_step *step, const struct stream_wanted *wanted, const char *data,
                                     size_t size, int ended, struct stream_found *found);
/* Does a whole message (its framing is known otherwise) hold it? */
enum stream_match stream_match_message (struct runner_step *step, const struct stream_wanted *wanted,
                                        const char *data, size_t size, struct stream_found *found);
/* Is it anywhere from *from on?  MATCH_MORE moves *from to where the next search
 * must begin; so does MATCH_DIFFERS, with which it may begin at once: so many messages
 * were passed over that it is time to look at the clock. */
enum stream_match stream_match_find (struct runner_step *step, const struct stream_wanted *wanted, const char *data,
                                     size_t size, int ended, size_t *from, struct stream_found *found);
/* "the text "OK"", into STREAM_DESCRIBE_ROOM bytes. */
#define STREAM_DESCRIBE_ROOM 1500
const char *stream_describe (char *out, const struct stream_wanted *wanted);
/* Puts `data` and `groups` into a result. */
void stream_put_found (struct runner_out *out, const struct stream_wanted *wanted, const char *data,
                       const struct stream_found *found);

/* The verbs; they return the step's outcome.  `count` 0: one message, without a list. */
int stream_receive (struct runner_step *step, const struct stream_source *source, const struct stream_args *args,
                    int64_t count);
int stream_wait (struct runner_step *step, const struct stream_source *source, const struct stream_args *args);
int stream_quiet (struct runner_step *step, const struct stream_source *source, const struct stream_args *args,
                  int64_t ns);

#endif
