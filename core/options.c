/* options.c - see options.h. */
#include "config.h"

#include "options.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "plugin.h"
#include "text.h"

#define ROWS_MOST 40
#define HELP_COLUMN 27 /* where the words about an option begin */

/* ---- help ---- */

static void
print_row (const struct option_row *row)
{
  int column = row->number < 256 ? printf ("  -%c, --%s", row->number, row->name) : printf ("      --%s", row->name);
  if (row->value)
    column += printf ("%s%s", *row->value == '[' ? "" : " ", row->value);
  const char *line = row->help;
  for (;;) {
    size_t size = strcspn (line, "\n");
    int blanks = column < HELP_COLUMN ? HELP_COLUMN - column : 2;
    printf ("%*s%.*s\n", blanks, "", (int) size, line);
    if (!line[size])
      return;
    line += size + 1;
    column = 0;
  }
}

static void
print_help (const struct options *options)
{
  fputs (options->usage, stdout);
  puts ("");
  for (const struct option_row *row = options->rows; row->help; row++)
    if (row->number)
      print_row (row);
    else
      puts (row->help);
  puts ("      --help, --version");
  if (options->more)
    printf ("\n%s", options->more);
}

/* ---- reading ---- */

/* The rows as getopt_long wants them; `letters` begins with what says how it works. */
static void
translate (const struct options *options, struct option *names, char *letters)
{
  size_t n = 0;
  letters = stpcpy (letters, options->words_follow ? "+:h" : ":h");
  for (const struct option_row *row = options->rows; row->help; row++) {
    if (!row->number)
      continue;
    assert (n < ROWS_MOST);
    int takes = !row->value ? no_argument : *row->value == '[' ? optional_argument : required_argument;
    names[n++] = (struct option) { row->name, takes, NULL, row->number };
    if (row->number < 256) {
      assert (takes != optional_argument);
      *letters++ = (char) row->number;
      if (takes == required_argument)
        *letters++ = ':';
    }
  }
  *letters = '\0';
  names[n++] = (struct option) { "help", no_argument, NULL, OPTION_HELP };
  names[n++] = (struct option) { "version", no_argument, NULL, OPTION_VERSION };
  names[n] = (struct option) { NULL, 0, NULL, 0 };
}

static int
unknown (const struct options *options, const struct option *names, const char *word)
{
  const char *best = NULL;
  size_t distance = 0;
  if (optopt && optopt < 256)
    return usage_error (options->command, "unknown option -%c", optopt);
  for (const struct option *name = names; name->name; name++)
    text_nearest (word + strspn (word, "-"), name->name, &best, &distance);
  return usage_error (options->command, "unknown option %s%s%s%s", word, best ? "; did you mean --" : "",
                      best ? best : "", best ? "?" : "");
}

static const struct option_row *
find_row (const struct options *options, int number)
{
  const struct option_row *row = options->rows;
  while (row->number != number)
    row++;
  return row;
}

/* An option whose value may be left out takes none from the next word: that one is left as
 * a word, and is hardly meant as one when there is no such file. */
static int
check_word (const struct options *options, const struct option_row *row, const char *word)
{
  if (!row->value || *row->value != '[' || strpbrk (word, "-./") || access (word, F_OK) == 0)
    return -1;
  return usage_error (options->command, "there is no file or folder \"%s\"; as the value of --%s it is written --%s=%s",
                      word, row->name, row->name, word);
}

/* One that the command knows.  -1: fine; else the exit status. */
static int
take (const struct options *options, int number, const char *text)
{
  if (number == OPTION_PLUGIN_PATH) {
    plugin_set_path (text);
    return -1;
  }
  if (options->take (options->data, number, text))
    return -1;
  const struct option_row *row = find_row (options, number);
  return usage_error (options->command, "--%s: expected %s, got \"%s\"", row->name, row->expects, text ? text : "");
}

int
options_read (const struct options *options, int argc, char **argv, int *first)
{
  struct option names[ROWS_MOST + 3];
  char letters[2 * ROWS_MOST + 8];
  int number, status = -1;
  translate (options, names, letters);
  opterr = 0;
  optind = 1;
  while (status < 0 && (number = getopt_long (argc, argv, letters, names, NULL)) != -1)
    switch (number) {
    case OPTION_HELP:
    case 'h':
      print_help (options);
      return 0;
    case OPTION_VERSION:
      puts (PACKAGE_STRING);
      return 0;
    case ':':
      return usage_error (options->command, "%s needs a value", argv[optind - 1]);
    case '?':
      return unknown (options, names, argv[optind - 1]);
    default:
      status = take (options, number, optarg);
      if (status < 0 && !optarg && optind < argc)
        status = check_word (options, find_row (options, number), argv[optind]);
    }
  *first = optind;
  return status;
}

/* ---- --color ---- */

bool
parse_color (const char *text, int *color)
{
  if (!text || strcmp (text, "always") == 0)
    *color = 1;
  else if (strcmp (text, "never") == 0)
    *color = 0;
  else if (strcmp (text, "auto") == 0)
    *color = -1;
  else
    return false;
  return true;
}

bool
wants_color (int fd, int option)
{
  if (option >= 0)
    return option;
  const char *no = getenv ("NO_COLOR"), *term = getenv ("TERM");
  return isatty (fd) && !(no && *no) && term && strcmp (term, "dumb") != 0;
}
