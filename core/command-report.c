/* command-report.c - `runner report`: reports again, from the events of a run. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "report.h"

enum { OPTION_CONSOLE = OPTION_OWN, OPTION_TAP, OPTION_JUNIT, OPTION_HTML, OPTION_COLOR };

static const struct option_row rows[] = {
  { OPTION_CONSOLE, "console", NULL, "what a run prints: the default, unless another report is named", NULL },
  { OPTION_TAP, "tap", NULL, "TAP version 14 on standard output", NULL },
  { OPTION_JUNIT, "junit", "FILE", "the JUnit report", NULL },
  { OPTION_HTML, "html", "DIR", "the HTML report, into this folder", NULL },
  { 'v', "verbose", NULL, "of --console: more; twice: also every step", NULL },
  { 'q', "quiet", NULL, "of --console: only failures and the end", NULL },
  { OPTION_COLOR, "color", "[=WHEN]", "of --console: always, never, auto", "always, never or auto" },
  OPTION_ROWS_END
};

static const char usage[] =
  "Usage: runner report [OPTION]… EVENTS\n"
  "Makes reports again from the events of a run (events.jsonl, the folder it is in, or - for\n"
  "standard input), also of a run that was killed: what has no result was not run.\n";

static const char more[] =
  "Exit status: the run's own; 3 when it did not come to its end, or something could not be\n"
  "told; 2 when EVENTS are no events or the command line is wrong.\n";

struct report_options {
  const char *events, *junit, *html;
  bool console, tap;
  int verbose, color;
};

struct reading {
  const char *name;            /* of the file, for messages */
  struct reporters reporters;
  struct buffer line;          /* what is read of the current line */
  uint64_t number;             /* of that line, from 1 */
  bool too_long;               /* the rest of the line is passed over */
  struct arena arena;          /* of one event */
  bool begun, ended, broken;   /* broken: something is lost */
  bool refused;                /* the file holds no events */
  int status;
};

/* ---- lines ---- */

static void
refuse (struct reading *reading, const char *why)
{
  fprintf (stderr, "runner report: %s holds no events of a run: line %llu: %s\n", reading->name,
           (unsigned long long) reading->number, why);
  reading->refused = true;
}

static void
lost_line (struct reading *reading, const char *why)
{
  fprintf (stderr, "runner report: %s:%llu: the line is left out: %s\n", reading->name,
           (unsigned long long) reading->number, why);
  reading->broken = true;
}

static void
take_event (struct reading *reading, const struct event *event)
{
  if (!reading->begun && event->type != EVENT_RUN) {
    refuse (reading, "the first event must be \"run\"");
    return;
  }
  if (event->type == EVENT_RUN && event->version > EVENT_VERSION) {
    refuse (reading, "it was written by a later version of runner");
    return;
  }
  reading->begun = true;
  if (event->type == EVENT_END) {
    reading->ended = true;
    reading->status = event->status;
  }
  reporters_event (&reading->reporters, event);
}

/* A line, with `whole` false when the file ends within it. */
static void
take_line (struct reading *reading, bool whole)
{
  struct event event;
  char error[512];
  reading->number++;
  arena_reset (&reading->arena);
  if (reading->too_long)
    lost_line (reading, "it is longer than any event");
  else if (event_read (&reading->arena, reading->line.data, reading->line.size, &event, error, sizeof error))
    take_event (reading, &event);
  else if (!reading->begun)
    refuse (reading, error);
  else if (whole)
    lost_line (reading, error);
  else
    fprintf (stderr, "runner report: %s: the last line is cut off\n", reading->name);
  reading->line.size = 0;
  reading->too_long = false;
}

static void
take_bytes (struct reading *reading, const char *data, size_t size)
{
  while (size && !reading->refused) {
    const char *end = memchr (data, '\n', size);
    size_t n = end ? (size_t) (end - data) : size;
    if (n > EVENT_LINE_MAX - reading->line.size)
      reading->too_long = true;
    else if (!reading->too_long)
      buffer_add (&reading->line, data, n);
    if (end)
      take_line (reading, true);
    n += end != NULL;
    data += n;
    size -= n;
  }
}

/* ---- the file ---- */

static bool
read_all (struct reading *reading, int fd)
{
  static char data[65536];
  for (;;) {
    ssize_t n = read (fd, data, sizeof data);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      fprintf (stderr, "runner report: cannot read %s: %s\n", reading->name, strerror (errno));
      return false;
    }
    if (n == 0)
      break;
    take_bytes (reading, data, (size_t) n);
    if (reading->refused)
      return false;
  }
  if (reading->line.size || reading->too_long)
    take_line (reading, false);
  else if (!reading->begun && !reading->refused) {
    fprintf (stderr, "runner report: %s holds no events: it is empty\n", reading->name);
    return false;
  }
  return !reading->refused;
}

/* -1: told.  A folder stands for the events.jsonl in it. */
static int
open_events (struct reading *reading, struct buffer *path)
{
  struct stat st;
  if (strcmp (reading->name, "-") == 0) {
    reading->name = "standard input";
    return fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  }
  if (stat (reading->name, &st) == 0 && S_ISDIR (st.st_mode)) {
    buffer_printf (path, "%s/events.jsonl", reading->name);
    reading->name = buffer_text (path);
  }
  int fd = open (reading->name, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    fprintf (stderr, "runner report: cannot read %s: %s\n", reading->name, strerror (errno));
  return fd;
}

/* ---- reporters ---- */

static void
make_reporters (struct reading *reading, const struct report_options *o)
{
  struct console_options console = { .out = stdout, .color = wants_color (STDOUT_FILENO, o->color),
                                     .verbose = o->verbose, .width = 80 };
  if (o->tap)
    reporters_add (&reading->reporters, report_tap (stdout));
  if (o->console || (!o->tap && !o->junit && !o->html))
    reporters_add (&reading->reporters, report_console (&console));
  if (o->junit)
    reporters_add (&reading->reporters, report_junit (o->junit));
  if (o->html)
    reporters_add (&reading->reporters, report_html (o->html));
}

/* What is wrong with the whole counts as what could not be told: 130 and 2 weigh more. */
static int
exit_status (struct reading *reading)
{
  if (!reading->ended) {
    fprintf (stderr, "runner report: %s: the run did not come to its end: it was killed, or still goes on\n",
             reading->name);
    return 3;
  }
  bool heavier = reading->status == 130 || reading->status == 2;
  return reading->broken && !heavier ? 3 : reading->status;
}

static int
report (const struct report_options *o)
{
  struct reading reading = { .name = o->events };
  CLEANUP_BUFFER struct buffer path = { 0 };
  int status = 2;
  int fd = open_events (&reading, &path);
  if (fd < 0)
    return 2;
  make_reporters (&reading, o);
  if (read_all (&reading, fd)) {
    if (!reporters_finish (&reading.reporters, "runner report"))
      reading.broken = true;
    status = exit_status (&reading);
  }
  reporters_free (&reading.reporters);
  close (fd);
  buffer_free (&reading.line);
  arena_free (&reading.arena);
  if ((fflush (stdout) != 0 || ferror (stdout)) && status < 2)
    status = 3;
  return status;
}

/* ---- options ---- */

static bool
take_option (void *data, int number, const char *text)
{
  struct report_options *o = data;
  switch (number) {
  case OPTION_CONSOLE:
    o->console = true;
    break;
  case OPTION_TAP:
    o->tap = true;
    break;
  case OPTION_JUNIT:
    o->junit = text;
    break;
  case OPTION_HTML:
    o->html = text;
    break;
  case 'v':
    o->verbose++;
    break;
  case 'q':
    o->verbose = -1;
    break;
  case OPTION_COLOR:
    return parse_color (text, &o->color);
  }
  return true;
}

int
command_report (int argc, char **argv)
{
  struct report_options o = { .color = -1 };
  const struct options options = { .command = "report", .usage = usage, .rows = rows, .more = more,
                                   .take = take_option, .data = &o };
  int first, status = options_read (&options, argc, argv, &first);
  if (status >= 0)
    return status;
  if (first + 1 != argc)
    return usage_error ("report", first == argc ? "no file of events is named" : "one file of events is enough");
  if (o.tap && o.console)
    return usage_error ("report", "--tap and --console both print to standard output: choose one");
  o.events = argv[first];
  return report (&o);
}
