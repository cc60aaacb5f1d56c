/* receive.c - the verbs receive, wait and quiet on a stream; see stream.h. */
#define _GNU_SOURCE 1
#include "stream.h"

#include <inttypes.h>
#include <stdio.h>

#include "pace.h"
#include "quiet.h"
#include "show.h"

/* What a wait has passed over is let go when it is more than this. */
#define PASSED_OVER ((size_t) 1 << 20)

#define UNREAD_ROOM (SHOW_ROOM + 80)

static const char *
describe_unread (char *out, const struct stream *stream)
{
  char shown[SHOW_ROOM];
  if (stream->size)
    snprintf (out, UNREAD_ROOM, "what came: %s", show_last (shown, stream->data, stream->size));
  else if (stream->received)
    snprintf (out, UNREAD_ROOM, "nothing came (after %" PRIu64 " bytes that were read before)", stream->received);
  else
    snprintf (out, UNREAD_ROOM, "nothing came");
  return out;
}

/* In a stream without framing, no bytes are always there. */
static int
wanted_in_stream (struct runner_step *step, const struct stream_args *args, struct stream_wanted *wanted)
{
  int outcome = stream_wanted (step, args, wanted);
  if (outcome == RUNNER_PASS && wanted->content == CONTENT_PATTERN && wanted->framing == FRAMING_NONE
      && wanted->pattern_size == 0)
    return runner_error (step, "text is empty: there is nothing to compare with");
  return outcome;
}

static int
fail_ended (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted)
{
  char what[STREAM_DESCRIBE_ROOM], unread[UNREAD_ROOM];
  return runner_fail (step, "%s: %s before %s came; %s", source->name,
                      source->stream->state == STREAM_RESET ? "the connection was reset" : "it ended",
                      stream_describe (what, wanted), describe_unread (unread, source->stream));
}

/* Nobody can say whether what was wanted was among the bytes that are lost. */
static int
fail_lost (struct runner_step *step, const struct stream_source *source)
{
  return runner_error (step, "%s: so much came that %" PRIu64 " bytes were gone before a step could look at them",
                       source->name, source->stream->lost);
}

static int
fail_expired (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted)
{
  char what[STREAM_DESCRIBE_ROOM], unread[UNREAD_ROOM];
  return runner_expired (step, "waiting for %s from %s; %s", stream_describe (what, wanted), source->name,
                         describe_unread (unread, source->stream));
}

/* Waits for more.  RUNNER_PASS, or the outcome to return. */
static int
await_more (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted,
            struct pace *pace)
{
  if (source->stream->lost)
    return fail_lost (step, source);
  if (pace_over (step, pace))
    return fail_expired (step, source, wanted);
  int outcome = RUNNER_ERROR;
  int more = source->more (step, source->object, -1, &outcome);
  if (more == MORE_FAILED)
    return outcome;
  return more == MORE_EXPIRED ? fail_expired (step, source, wanted) : RUNNER_PASS;
}

static int
fail_differs (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted,
              const struct stream_found *found)
{
  struct stream *stream = source->stream;
  char what[STREAM_DESCRIBE_ROOM], got[SHOW_ROOM];
  stream_describe (what, wanted);
  if (wanted->framing != FRAMING_NONE) {
    /* The message was taken, as one that is compared by `expect` is. */
    show_first (got, stream->data, found->size);
    stream_consume (stream, found->end);
    return runner_fail (step, "%s: expected %s, got %s", source->name, what, got);
  }
  /* Show the bytes after the one that differs too, as far as they are there. */
  int ignored;
  if (stream->state == STREAM_OPEN)
    (void) source->more (step, source->object, 0, &ignored);
  show_first (got, stream->data, stream->size);
  if (wanted->content == CONTENT_CLOSED)
    return runner_fail (step, "%s: expected the end, got %s", source->name, got);
  return runner_fail (step, "%s: expected %s, got %s: byte %zu (from 0) differs", source->name, what, got,
                      found->at);
}

static int
receive_one (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted,
             struct pace *pace, struct stream_found *found)
{
  struct stream *stream = source->stream;
  for (;;) {
    int ended = stream->state != STREAM_OPEN;
    switch (stream_match_next (step, wanted, stream->data, stream->size, ended, found)) {
    case MATCH_FOUND:
      return RUNNER_PASS;
    case MATCH_WRONG:
      return RUNNER_ERROR;
    case MATCH_DIFFERS:
      return fail_differs (step, source, wanted, found);
    case MATCH_MORE:
      break;
    }
    if (ended)
      return fail_ended (step, source, wanted);
    int outcome = await_more (step, source, wanted, pace);
    if (outcome != RUNNER_PASS)
      return outcome;
  }
}

static int
receive_many (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted,
              int64_t count)
{
  if (wanted->content == CONTENT_CLOSED)
    return runner_error (step, "count does not go with closed: there is one end");
  struct runner_out *out = runner_result (step);
  runner_put_list (out, "messages");
  struct pace pace = { 0 };
  for (int64_t i = 0; i < count; i++) {
    struct stream_found found = { 0 };
    int outcome = pace_over (step, &pace) ? fail_expired (step, source, wanted)
                                          : receive_one (step, source, wanted, &pace, &found);
    if (outcome != RUNNER_PASS) {
      runner_log (step, "%" PRId64 " of %" PRId64 " messages came", i, count);
      runner_put_end (out);
      return outcome;
    }
    runner_put_map (out, NULL);
    stream_put_found (out, wanted, source->stream->data, &found);
    runner_put_end (out);
    stream_consume (source->stream, found.end);
  }
  runner_put_end (out);
  return RUNNER_PASS;
}

int
stream_receive (struct runner_step *step, const struct stream_source *source, const struct stream_args *args,
                int64_t count)
{
  struct stream_wanted wanted;
  int outcome = wanted_in_stream (step, args, &wanted);
  if (outcome != RUNNER_PASS)
    return outcome;
  if (count)
    return receive_many (step, source, &wanted, count);
  struct stream_found found;
  struct pace pace = { 0 };
  outcome = receive_one (step, source, &wanted, &pace, &found);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct runner_out *out = runner_result (step);
  stream_put_found (out, &wanted, source->stream->data, &found);
  if (wanted.content == CONTENT_CLOSED)
    runner_put_bool (out, "reset", source->stream->state == STREAM_RESET);
  stream_consume (source->stream, found.end);
  return RUNNER_PASS;
}

/* What a wait has done so far. */
struct waiting {
  size_t from;        /* the search goes on here */
  uint64_t let_go;    /* bytes consumed, since they were passed over, or lost */
  uint64_t lost;      /* of these, bytes that nobody saw */
  int resync;         /* where the next message begins is not known: after the next delimiter */
  size_t unsuitable;  /* messages for which the step's `expect` did not hold */
  struct pace pace;
};

/* 1: it is what the step expects too; 0: go on; -1: the step's error is set. */
static int
wait_suits (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted,
            const struct stream_found *found, struct waiting *waiting)
{
  struct stream *stream = source->stream;
  struct runner_out *out = runner_result (step);
  stream_put_found (out, wanted, stream->data, found);
  runner_put_int (out, "skipped", (int64_t) (waiting->let_go + found->at));
  if (wanted->content == CONTENT_CLOSED) {
    runner_put_bool (out, "reset", stream->state == STREAM_RESET);
    stream_consume (stream, found->end);
    return 1; /* there is no other end: the runner says what does not hold */
  }
  int holds = runner_result_holds (step);
  if (holds == 1) {
    stream_consume (stream, found->end);
  } else if (holds == 0) {
    runner_put_reset (out);
    waiting->unsuitable++;
    waiting->from = found->end;
  }
  return holds;
}

static void
wait_let_go (struct stream *stream, struct waiting *waiting)
{
  if (waiting->from < PASSED_OVER)
    return;
  stream_consume (stream, waiting->from);
  waiting->let_go += waiting->from;
  waiting->from = 0;
}

/* Bytes that were lost were passed over too, if what is wanted comes later. */
static int
wait_over_gap (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted,
               struct waiting *waiting)
{
  struct stream *stream = source->stream;
  if (wanted->framing == FRAMING_LENGTH)
    return fail_lost (step, source);
  waiting->let_go += stream->size + stream->lost;
  waiting->lost += stream->lost;
  waiting->from = 0;
  waiting->resync = wanted->framing != FRAMING_NONE;
  stream_consume (stream, stream->size);
  stream->lost = 0;
  return RUNNER_PASS;
}

/* Passes over the rest of a message whose beginning is lost.  1: done. */
static int
wait_resync (struct stream *stream, const struct stream_wanted *wanted, struct waiting *waiting)
{
  struct stream_wanted any = *wanted;
  struct stream_found found;
  any.content = CONTENT_ANY;
  if (waiting->resync && stream_match_next (NULL, &any, stream->data, stream->size, 0, &found) == MATCH_FOUND) {
    waiting->resync = 0;
    waiting->let_go += found.end;
    stream_consume (stream, found.end);
  }
  return !waiting->resync;
}

/* How it ends when it was not found. */
static int
wait_gives_up (struct runner_step *step, const struct waiting *waiting, int outcome)
{
  if (waiting->unsuitable)
    runner_log (step, "%zu came that the step's expectations do not hold for", waiting->unsuitable);
  if (waiting->lost)
    runner_log (step, "so much came that %" PRIu64 " bytes were gone before they could be looked at",
                waiting->lost);
  return outcome;
}

int
stream_wait (struct runner_step *step, const struct stream_source *source, const struct stream_args *args)
{
  struct stream_wanted wanted;
  int outcome = wanted_in_stream (step, args, &wanted);
  if (outcome != RUNNER_PASS)
    return outcome;
  struct stream *stream = source->stream;
  struct waiting waiting = { 0 };
  for (;;) {
    int ended = stream->state != STREAM_OPEN;
    struct stream_found found;
    enum stream_match match = MATCH_MORE;
    if (wait_resync (stream, &wanted, &waiting))
      match = stream_match_find (step, &wanted, stream->data, stream->size, ended, &waiting.from, &found);
    if (match == MATCH_WRONG)
      return RUNNER_ERROR;
    if (match == MATCH_FOUND) {
      int suits = wait_suits (step, source, &wanted, &found, &waiting);
      if (suits)
        return suits > 0 ? RUNNER_PASS : RUNNER_ERROR;
    }
    if (match != MATCH_MORE)
      outcome = pace_over (step, &waiting.pace) ? fail_expired (step, source, &wanted) : RUNNER_PASS;
    else if (stream->lost)
      outcome = wait_over_gap (step, source, &wanted, &waiting);
    else
      outcome = ended ? fail_ended (step, source, &wanted) : await_more (step, source, &wanted, &waiting.pace);
    if (outcome != RUNNER_PASS)
      return wait_gives_up (step, &waiting, outcome);
    wait_let_go (stream, &waiting);
  }
}

/* RUNNER_PASS: still quiet; *searched: in all that came; *over: and nothing can come any more. */
static int
quiet_so_far (struct runner_step *step, const struct stream_source *source, const struct stream_wanted *wanted,
              size_t *from, int *searched, int *over)
{
  struct stream *stream = source->stream;
  int ended = stream->state != STREAM_OPEN;
  const char *end = stream->state == STREAM_RESET ? "the connection was reset" : "it ended";
  char what[STREAM_DESCRIBE_ROOM], got[SHOW_ROOM];
  if (wanted->content == CONTENT_CLOSED)
    return ended ? runner_fail (step, "%s: %s, expected it to stay open", source->name, end) : RUNNER_PASS;
  struct stream_found found;
  switch (stream_match_find (step, wanted, stream->data, stream->size, ended, from, &found)) {
  case MATCH_WRONG:
    return RUNNER_ERROR;
  case MATCH_FOUND:
    show_first (got, stream->data + found.at, found.size);
    if (wanted->content == CONTENT_ANY && wanted->framing == FRAMING_NONE)
      return runner_fail (step, "%s: expected nothing, got %s", source->name, got);
    return runner_fail (step, "%s: expected not to get %s, got %s", source->name, stream_describe (what, wanted),
                        got);
  case MATCH_DIFFERS:
    *searched = 0;
    return RUNNER_PASS;
  case MATCH_MORE:
    break;
  }
  if (ended && wanted->content == CONTENT_ANY && wanted->framing == FRAMING_NONE)
    return runner_fail (step, "%s: expected nothing, but %s", source->name, end);
  *over = ended;
  return RUNNER_PASS;
}

int
stream_quiet (struct runner_step *step, const struct stream_source *source, const struct stream_args *args,
              int64_t ns)
{
  struct stream_wanted wanted;
  int outcome = wanted_in_stream (step, args, &wanted);
  if (outcome == RUNNER_PASS)
    outcome = quiet_fits (step, ns);
  if (outcome != RUNNER_PASS)
    return outcome;
  const struct stream *stream = source->stream;
  int64_t end = runner_now () + ns;
  struct pace pace = { 0 };
  size_t from = 0;
  for (;;) {
    int searched = 1, over = 0;
    outcome = quiet_so_far (step, source, &wanted, &from, &searched, &over);
    if (outcome == RUNNER_PASS && searched && stream->lost)
      return fail_lost (step, source);
    int64_t left = end - runner_now ();
    if (outcome != RUNNER_PASS || over || (searched && left <= 0))
      return outcome;
    int more = pace_over (step, &pace) ? MORE_EXPIRED : MORE_CAME;
    if (searched && more == MORE_CAME)
      more = source->more (step, source->object, left, &outcome);
    if (more == MORE_FAILED)
      return outcome;
    if (more == MORE_EXPIRED)
      return runner_expired (step, "waiting whether something comes from %s", source->name);
  }
}
