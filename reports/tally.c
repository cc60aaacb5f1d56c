/* tally.c - see tally.h. */
#include "config.h"

#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

/* ---- unique names ---- */

static size_t
hash (const char *text)
{
  uint64_t h = 14695981039346656037u; /* FNV-1a */
  for (; *text; text++)
    h = (h ^ (unsigned char) *text) * 1099511628211u;
  return (size_t) (h ^ h >> 32);
}

/* Where `name` is, or where it belongs. */
static const char **
find_slot (const struct tally_names *names, const char *name)
{
  size_t i = hash (name) & (names->room - 1);
  while (names->slots[i] && strcmp (names->slots[i], name) != 0)
    i = (i + 1) & (names->room - 1);
  return &names->slots[i];
}

static void
make_room (struct tally_names *names)
{
  if (names->count * 4 < names->room * 3)
    return;
  struct tally_names larger = { .room = names->room ? names->room * 2 : 16, .count = names->count };
  larger.slots = xcalloc (larger.room, sizeof *larger.slots);
  for (size_t i = 0; i < names->room; i++)
    if (names->slots[i])
      *find_slot (&larger, names->slots[i]) = names->slots[i];
  free (names->slots);
  *names = larger;
}

/* A copy of `name`, with a number behind it if it is in use. */
static const char *
unique_name (struct arena *arena, struct tally_names *names, const char *name, const char *before,
             const char *after)
{
  make_room (names);
  const char **slot = find_slot (names, name);
  CLEANUP_BUFFER struct buffer other = { 0 };
  for (int64_t n = 2; *slot; n++) {
    other.size = 0;
    buffer_puts (&other, name);
    buffer_puts (&other, before);
    buffer_int (&other, n);
    buffer_puts (&other, after);
    slot = find_slot (names, buffer_text (&other));
  }
  *slot = other.size ? arena_copy (arena, other.data, other.size) : arena_strdup (arena, name);
  names->count++;
  return *slot;
}

static void
add_component (struct buffer *out, const char *name, size_t size)
{
  if (out->size)
    buffer_putc (out, '.');
  for (size_t i = 0; i < size; i++)
    buffer_putc (out, name[i] == '.' ? '_' : name[i]);
}

/* Drops the last component, for `..`. */
static void
drop_component (struct buffer *out)
{
  while (out->size && out->data[out->size - 1] != '.')
    out->size--;
  if (out->size)
    out->size--;
}

void
tally_class_name (struct buffer *out, const char *path)
{
  CLEANUP_BUFFER struct buffer name = { 0 };
  for (const char *p = path; *p;) {
    size_t n = strcspn (p, "/");
    bool last = !p[n];
    size_t kept = n;
    if (last && n > 5 && memcmp (p + n - 5, ".yaml", 5) == 0)
      kept = n - 5;
    else if (last && n > 4 && memcmp (p + n - 4, ".yml", 4) == 0)
      kept = n - 4;
    if (n == 2 && p[0] == '.' && p[1] == '.')
      drop_component (&name);
    else if (n && !(n == 1 && p[0] == '.'))
      add_component (&name, p, kept);
    p += last ? n : n + 1;
  }
  if (!name.size)
    buffer_puts (&name, "suite");
  buffer_add (out, name.data, name.size);
}

/* ---- suites and tests by number ---- */

/* Room for one more at the place of `number`: entries come in order nearly always. */
#define INSERT(array, count, room, at)                                                             \
  do {                                                                                             \
    if ((count) == (room)) {                                                                       \
      (room) = (room) ? (room) * 2 : 16;                                                           \
      (array) = xrealloc ((array), (room), sizeof *(array));                                       \
    }                                                                                              \
    memmove ((array) + (at) + 1, (array) + (at), ((count) - (at)) * sizeof *(array));              \
    (count)++;                                                                                     \
  } while (0)

static size_t
suite_place (const struct tally *tally, uint32_t number)
{
  size_t low = 0, high = tally->count;
  if (high && tally->suites[high - 1]->number < number)
    return high;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (tally->suites[middle]->number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct tally_suite *
tally_suite (struct tally *tally, uint32_t number)
{
  size_t at = suite_place (tally, number);
  if (at < tally->count && tally->suites[at]->number == number)
    return tally->suites[at];
  struct tally_suite *suite = arena_alloc (&tally->arena, sizeof *suite);
  suite->number = number;
  INSERT (tally->suites, tally->count, tally->room, at);
  tally->suites[at] = suite;
  return suite;
}

static size_t
test_place (const struct tally_suite *suite, uint32_t number)
{
  size_t low = 0, high = suite->count;
  if (number < high && suite->tests[number].number == number)
    return number;
  if (high && suite->tests[high - 1].number < number)
    return high;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (suite->tests[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* `name` NULL: a test that was not planned and has no name. */
static struct tally_test *
find_test (struct tally *tally, struct tally_suite *suite, uint32_t number, const char *name, uint32_t line)
{
  size_t at = test_place (suite, number);
  if (at < suite->count && suite->tests[at].number == number)
    return &suite->tests[at];
  INSERT (suite->tests, suite->count, suite->room, at);
  char invented[32] = "test ";
  if (!name || !*name) {
    CLEANUP_BUFFER struct buffer digits = { 0 };
    buffer_int (&digits, number);
    memcpy (invented + 5, buffer_text (&digits), digits.size + 1);
    name = invented;
  }
  suite->tests[at] = (struct tally_test) { .number = number, .line = line,
                                           .name = unique_name (&tally->arena, &suite->names, name, " (", ")") };
  tally->tests++;
  return &suite->tests[at];
}

struct tally_test *
tally_test (struct tally *tally, struct tally_suite *suite, uint32_t number)
{
  return find_test (tally, suite, number, NULL, 0);
}

const char *
tally_case_name (struct tally *tally, struct tally_suite *suite, const char *name)
{
  return unique_name (&tally->arena, &suite->names, name, " (", ")");
}

/* ---- events ---- */

static const char *
copy_text (struct tally *tally, const char *text)
{
  return text ? arena_strdup (&tally->arena, text) : NULL;
}

static void
note_run (struct tally *tally, const struct event *event)
{
  tally->runner = copy_text (tally, event->runner);
  tally->host = copy_text (tally, event->host);
  tally->seed = copy_text (tally, event->seed);
  tally->command = copy_text (tally, event->command);
}

/* The suite's path and name are told in the plan, again at its start. */
static struct tally_suite *
note_suite (struct tally *tally, uint32_t number, const char *path, const char *name)
{
  struct tally_suite *suite = tally_suite (tally, number);
  if (suite->path)
    return suite;
  suite->path = arena_strdup (&tally->arena, path ? path : "");
  suite->name = name && *name ? arena_strdup (&tally->arena, name) : suite->path;
  CLEANUP_BUFFER struct buffer class_name = { 0 };
  tally_class_name (&class_name, suite->path);
  suite->class_name = unique_name (&tally->arena, &tally->class_names, buffer_text (&class_name), "-", "");
  return suite;
}

static void
note_plan (struct tally *tally, const struct event *event)
{
  struct tally_suite *suite = note_suite (tally, event->suite, event->path, event->name);
  if (!suite->about)
    suite->about = copy_text (tally, event->about);
  for (size_t i = 0; i < event->planned_count; i++) {
    uint32_t number;
    if (__builtin_add_overflow (event->first, (uint32_t) i, &number))
      return;
    struct tally_test *test = find_test (tally, suite, number, event->planned[i].name, event->planned[i].line);
    test->tags = copy_text (tally, event->planned[i].tags);
    test->about = copy_text (tally, event->planned[i].about);
  }
}

static void
count_outcome (struct tally_counts *counts, int outcome)
{
  size_t *const by_outcome[] = { &counts->passed, &counts->failed, &counts->error, &counts->skipped,
                                 &counts->not_run };
  ++*by_outcome[outcome];
}

static bool
note_test (struct tally *tally, const struct event *event)
{
  struct tally_suite *suite = note_suite (tally, event->suite, NULL, NULL);
  struct tally_test *test = find_test (tally, suite, event->test, event->name, 0);
  if (test->done)
    return false;
  test->start_us = 0;
  if (test->attempts < UINT8_MAX)
    test->attempts++;
  if (__builtin_add_overflow (suite->busy_us, event->duration_us, &suite->busy_us))
    suite->busy_us = INT64_MAX;
  if (!event->final)
    return true;
  test->done = true;
  test->outcome = (uint8_t) event->outcome;
  count_outcome (&suite->counts, event->outcome);
  count_outcome (&tally->counts, event->outcome);
  if (event->outcome == OUTCOME_PASSED && test->attempts > 1) {
    suite->counts.flaky++;
    tally->counts.flaky++;
  }
  return true;
}

bool
tally_is_failure (const struct event *event)
{
  return (event->outcome == OUTCOME_FAILED || event->outcome == OUTCOME_ERROR)
         && (event->type == EVENT_TEST || (event->type == EVENT_SUITE_END && event->message));
}

static bool
note_suite_end (struct tally *tally, const struct event *event)
{
  struct tally_suite *suite = note_suite (tally, event->suite, NULL, NULL);
  if (suite->ended)
    return false;
  suite->ended = true;
  if (event->start_us)
    suite->start_us = event->start_us;
  suite->duration_us = event->duration_us ? event->duration_us
                       : suite->started   ? event->time_us - suite->start_us
                                          : 0;
  if (tally_is_failure (event)) {
    count_outcome (&suite->counts, event->outcome);
    count_outcome (&tally->counts, event->outcome);
  }
  return true;
}

/* By its start, or the first sample of a load. */
static void
note_start (struct tally *tally, const struct event *event)
{
  size_t at = suite_place (tally, event->suite);
  struct tally_suite *suite = at < tally->count ? tally->suites[at] : NULL;
  size_t place = suite ? test_place (suite, event->test) : 0;
  if (!suite || suite->number != event->suite || place == suite->count || suite->tests[place].number != event->test)
    return; /* it was not planned */
  struct tally_test *test = &suite->tests[place];
  if (test->done || test->start_us)
    return;
  test->worker = event->worker;
  test->start_us = event->time_us - (event->type == EVENT_SAMPLE ? event->at_us : 0);
  test->start_us = test->start_us > tally->start_us ? test->start_us : tally->start_us;
}

bool
tally_event (struct tally *tally, const struct event *event)
{
  if (event->type == EVENT_UNKNOWN)
    return true;
  if (!tally->start_us)
    tally->start_us = event->time_us;
  tally->last_us = event->time_us;
  struct tally_suite *suite;
  switch (event->type) {
  case EVENT_RUN:
    note_run (tally, event);
    return true;
  case EVENT_PLAN:
    note_plan (tally, event);
    return true;
  case EVENT_SUITE:
    suite = note_suite (tally, event->suite, event->path, event->name);
    if (!suite->started)
      suite->start_us = event->time_us;
    suite->started = true;
    return true;
  case EVENT_START:
  case EVENT_SAMPLE:
    note_start (tally, event);
    return true;
  case EVENT_TEST:
    return note_test (tally, event);
  case EVENT_SUITE_END:
    return note_suite_end (tally, event);
  case EVENT_END:
    tally->ended = true;
    tally->interrupted = event->interrupted;
    tally->status = event->status;
    return true;
  default:
    return true;
  }
}

void
tally_finish (struct tally *tally)
{
  for (size_t s = 0; s < tally->count; s++) {
    struct tally_suite *suite = tally->suites[s];
    note_suite (tally, suite->number, NULL, NULL);
    for (size_t t = 0; t < suite->count; t++) {
      if (suite->tests[t].done)
        continue;
      suite->tests[t].done = true;
      suite->tests[t].outcome = OUTCOME_NOT_RUN;
      suite->counts.not_run++;
      tally->counts.not_run++;
    }
  }
}

int64_t
tally_ran_us (const struct tally *tally, const struct tally_test *test)
{
  return test->start_us && tally->last_us > test->start_us ? tally->last_us - test->start_us : 0;
}

struct event
tally_broken_off (struct tally *tally, const struct tally_suite *suite, const struct tally_test *test)
{
  return (struct event) { .type = EVENT_TEST, .time_us = tally->last_us, .suite = suite->number, .test = test->number,
                          .name = test->name, .attempt = test->attempts + 1, .worker = test->worker, .final = true,
                          .outcome = OUTCOME_NOT_RUN, .start_us = test->start_us,
                          .duration_us = tally_ran_us (tally, test), .message = tally_why_not_run (tally, test) };
}

const char *
tally_why_not_run (struct tally *tally, const struct tally_test *test)
{
  if (test && test->start_us) {
    CLEANUP_BUFFER struct buffer text = { 0 };
    buffer_puts (&text, tally->ended ? "it did not come to its end, after " : "the run was broken off while it ran, after ");
    format_duration (&text, tally_ran_us (tally, test));
    return arena_copy (&tally->arena, text.data, text.size);
  }
  return tally->interrupted ? "interrupted" : tally->ended ? "it was never started" : "the run was broken off";
}

void
tally_free (struct tally *tally)
{
  for (size_t i = 0; i < tally->count; i++) {
    free (tally->suites[i]->tests);
    free (tally->suites[i]->names.slots);
  }
  free (tally->suites);
  free (tally->class_names.slots);
  arena_free (&tally->arena);
  *tally = (struct tally) { 0 };
}
