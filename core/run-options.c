/* run-options.c - the options of `runner run` and `runner list`. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "plan.h"
#include "text.h"
#include "units.h"

enum {
  OPTION_TAG = OPTION_OWN, OPTION_WHERE, OPTION_SHARD, OPTION_LAST_FAILED, OPTION_LIST, OPTION_DRY_RUN, OPTION_SHUFFLE,
  OPTION_FAIL_FAST, OPTION_RETRIES, OPTION_REPEAT, OPTION_TIMEOUT, OPTION_VAR, OPTION_TARGET, OPTION_JUNIT, OPTION_TAP,
  OPTION_COLOR
};

static const struct option_row rows[] = {
  { 0, NULL, NULL, "Which tests:", NULL },
  { 'k', "keyword", "TEXT", "only tests whose name, or whose suite's name, holds TEXT", NULL },
  { OPTION_TAG, "tag", "TAG", "only tests with the tag; `!TAG`: only those without", NULL },
  { OPTION_WHERE, "where", "EXPRESSION", "only tests for which it holds: name, suite, path, tags, line", NULL },
  { OPTION_SHARD, "shard", "I/N",
    "only the I-th of N parts; /N: I comes from the environment, as do\n"
    "both without it: CI_NODE_INDEX/CI_NODE_TOTAL,\n"
    "JOB_COMPLETION_INDEX/JOB_COMPLETIONS, SLURM_ARRAY_TASK_ID/_COUNT",
    "I/N with I from 1 to N, or /N with I from the environment" },
  { OPTION_LAST_FAILED, "last-failed", NULL, "only tests that did not pass in the run told in OUTPUT", NULL },
  { OPTION_LIST, "list", NULL, "print what would be run, and run nothing", NULL },
  { OPTION_DRY_RUN, "dry-run", NULL, "the same as --list", NULL },
  { 0, NULL, NULL, "How:", NULL },
  { 'j', "jobs", "N", "suites at once [1]", "an integer from 1 to 256" },
  { OPTION_SHUFFLE, "shuffle", "[=SEED]", "in an order by chance; the seed is printed", "a seed, an integer from 0 on" },
  { OPTION_FAIL_FAST, "fail-fast", NULL, "stop after the first failure", NULL },
  { OPTION_RETRIES, "retries", "N", "try a test that fails again, N times at most", "an integer from 0 to 100" },
  { OPTION_REPEAT, "repeat", "N", "run every test N times", "an integer from 1 to 100000" },
  { OPTION_TIMEOUT, "timeout", "TIME", "no test may take longer",
    "a duration with its unit (30s, 5m), more than 0 and at most " DURATION_MOST },
  { OPTION_VAR, "var", "NAME=VALUE", "the value of a suite's variable", NULL },
  { OPTION_TARGET, "target", "ROLE.EXPORT=VALUE", "use a system that runs elsewhere instead of the role", NULL },
  OPTION_ROW_PLUGIN_PATH,
  { 0, NULL, NULL, "What comes out:", NULL },
  { 'o', "output", "DIR",
    "folder for reports and logs [test-results]; report/index.html in it\n"
    "shows the run",
    "a folder" },
  { OPTION_JUNIT, "junit", "FILE", "the JUnit report [OUTPUT/junit.xml]", NULL },
  { OPTION_TAP, "tap", NULL, "TAP version 14 on standard output instead of the console report", NULL },
  { 'v', "verbose", NULL, "more; twice: also every step", NULL },
  { 'q', "quiet", NULL, "only failures and the end", NULL },
  { OPTION_COLOR, "color", "[=WHEN]", "always, never, auto", "always, never or auto" },
  OPTION_ROWS_END
};

static const char usage[] =
  "Usage: runner [run] [OPTION]… SUITE…\n"
  "Runs suites: files, or folders with *.yaml below them.\n";

static const char more[] =
  "Exit status: 0 all passed; 1 a test failed; 2 the suites or the command line are wrong;\n"
  "3 something could not be run or told; 130 interrupted.\n";

/* ---- values ---- */

static void
add_text (const char ***list, size_t *count, const char *text)
{
  *list = xrealloc (*list, *count + 1, sizeof **list);
  (*list)[(*count)++] = text;
}

/* NULL is no number: a variable that is not set. */
static bool
parse_number (const char *text, long min, long max, long *out)
{
  char *end;
  if (!text)
    return false;
  errno = 0;
  *out = strtol (text, &end, 10);
  return !errno && end != text && !*end && *out >= min && *out <= max;
}

static bool
parse_count (const char *text, long min, long max, uint32_t *out)
{
  long number;
  bool fine = parse_number (text, min, max, &number);
  if (fine)
    *out = (uint32_t) number;
  return fine;
}

#define SHARDS_MOST 100000

/* I/N, or /N: then the shard is 0. */
static bool
parse_shard (const char *text, struct run_options *options)
{
  size_t digits = strspn (text, "0123456789");
  char index[8];
  options->shard = 0;
  if (text[digits] != '/' || digits >= sizeof index || !isdigit ((unsigned char) text[digits + 1])
      || !parse_count (text + digits + 1, 1, SHARDS_MOST, &options->shards))
    return false;
  memcpy (index, text, digits);
  index[digits] = '\0';
  return !digits || parse_count (index, 1, options->shards, &options->shard);
}

/* What CI systems say of the part this machine is to do. */
static const struct part {
  const char *index, *total;
  long first;
  const char *least; /* has the first index, for `first` */
} parts[] = {
  { "CI_NODE_INDEX", "CI_NODE_TOTAL", 1, NULL },
  { "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0, NULL },
  { "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", 0, "SLURM_ARRAY_TASK_MIN" },
};
#define PART_COUNT (sizeof parts / sizeof *parts)

static const char *
environment (const char *name)
{
  const char *value = getenv (name);
  return value && *value ? value : NULL;
}

/* The one whose index is set, and whose total, if that is needed. */
static const struct part *
find_part (bool with_total)
{
  for (size_t i = 0; i < PART_COUNT; i++)
    if (environment (parts[i].index) && (!with_total || environment (parts[i].total)))
      return &parts[i];
  return NULL;
}

static bool
take_part (struct run_options *options, const char *command, const struct part *part)
{
  const char *index = getenv (part->index), *least = part->least ? getenv (part->least) : NULL;
  long at, first = part->first;
  if (!parse_number (least, 0, 1000000, &first))
    first = part->first;
  if (parse_number (index, first, first + (long) options->shards - 1, &at)) {
    options->shard = (uint32_t) (at - first + 1);
    return true;
  }
  usage_error (command, "%s=%s is none of %u parts, which are counted from %ld", part->index, index,
               (unsigned) options->shards, first);
  return false;
}

/* What --shard has left open.  An index alone may be meant for something else: it is told that
 * it has no effect. */
static bool
shard_from_environment (struct run_options *options, const char *command)
{
  const struct part *part = find_part (options->shards == 0);
  if (part) {
    const char *total = getenv (part->total);
    if (options->shards || parse_count (total, 1, SHARDS_MOST, &options->shards))
      return take_part (options, command, part);
    usage_error (command, "%s=%s is no number of parts", part->total, total);
    return false;
  }
  if (options->shards) {
    usage_error (command, "--shard /%u leaves the part to the environment, and there is no %s, %s or %s",
                 (unsigned) options->shards, parts[0].index, parts[1].index, parts[2].index);
    return false;
  }
  if ((part = find_part (false)))
    fprintf (stderr, "runner %s: %s=%s is set without %s: this machine does all tests; --shard /N leaves it its part "
             "of N, --shard 1/1 says that all are meant\n", command, part->index, getenv (part->index), part->total);
  return true;
}

static bool
parse_seed (const char *text, uint64_t *seed)
{
  char *end;
  if (!text) {
    *seed = (uint64_t) time_now_us () ^ (uint64_t) getpid () << 32;
    *seed %= 1000000000; /* short enough to be typed again */
    return true;
  }
  errno = 0;
  *seed = strtoull (text, &end, 10);
  return !errno && end != text && !*end && text[0] != '-';
}

/* ---- the command line ---- */

static bool
take_option (void *data, int number, const char *text)
{
  struct run_options *o = data;
  bool fine = true;
  switch (number) {
  case 'j':
    fine = parse_count (text, 1, 256, &o->jobs);
    break;
  case 'o':
    o->output = text;
    fine = *text != '\0';
    break;
  case 'k':
    add_text (&o->keywords, &o->keyword_count, text);
    break;
  case 'v':
    o->verbose++;
    break;
  case 'q':
    o->verbose = -1;
    break;
  case OPTION_TAG:
    add_text (&o->tags, &o->tag_count, text);
    break;
  case OPTION_WHERE:
    o->where = text;
    break;
  case OPTION_SHARD:
    fine = parse_shard (text, o);
    break;
  case OPTION_LAST_FAILED:
    o->last_failed = true;
    break;
  case OPTION_SHUFFLE:
    o->shuffle = true;
    fine = parse_seed (text, &o->seed);
    break;
  case OPTION_FAIL_FAST:
    o->fail_fast = true;
    break;
  case OPTION_RETRIES:
    fine = parse_count (text, 0, 100, &o->retries);
    break;
  case OPTION_REPEAT:
    fine = parse_count (text, 1, 100000, &o->repeat);
    break;
  case OPTION_TIMEOUT:
    fine = parse_duration (text, strlen (text), &o->timeout_ns) && o->timeout_ns > 0
           && o->timeout_ns <= DURATION_MOST_NS;
    break;
  case OPTION_TARGET:
    add_text (&o->targets, &o->target_count, text);
    break;
  case OPTION_VAR:
    add_text (&o->vars, &o->var_count, text);
    break;
  case OPTION_JUNIT:
    o->junit = text;
    break;
  case OPTION_TAP:
    o->tap = true;
    break;
  case OPTION_LIST:
  case OPTION_DRY_RUN:
    o->list = true;
    break;
  case OPTION_COLOR:
    fine = parse_color (text, &o->color);
    break;
  }
  return fine;
}

static const char *
join_words (int argc, char **argv)
{
  struct buffer text = { 0 };
  buffer_lit (&text, "runner");
  for (int i = 0; i < argc; i++)
    buffer_printf (&text, " %s", argv[i]);
  buffer_putc (&text, '\0');
  return text.data;
}

int
run_options_read (struct run_options *o, const char *command, int argc, char **argv)
{
  const struct options options = { .command = command, .usage = usage, .rows = rows, .more = more,
                                   .take = take_option, .data = o };
  int first;
  *o = (struct run_options) { .jobs = 1, .output = "test-results", .repeat = 1, .color = -1,
                              .command = join_words (argc - 1, argv + 1) };
  int status = options_read (&options, argc, argv, &first);
  if (status >= 0)
    return status;
  o->paths = (const char **) argv + first;
  o->path_count = (size_t) (argc - first);
  if (!o->path_count)
    return usage_error (command, "no suite is named");
  if (!o->shard && !shard_from_environment (o, command))
    return 2;
  return -1;
}

void
run_options_free (struct run_options *o)
{
  free (o->keywords);
  free (o->tags);
  free (o->targets);
  free (o->vars);
  free ((char *) o->command);
}
