/* options.h - the options of a command as a table, from which they are read and its help is
 * printed; the completions ask for the help.  The options of a role are its parameters:
 * role-process.c. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

/* Those that are alike in all commands.  A letter is an option's number where it has one. */
enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_PLUGIN_PATH, OPTION_OWN };

struct option_row {
  int number;          /* of the option; 0: `help` is the heading of what follows */
  const char *name;    /* long, without dashes; NULL, and no help: the table's end */
  const char *value;   /* what the help calls its value, "[=X]": it may be left out; NULL: it takes none */
  const char *help;    /* lines */
  const char *expects; /* what its value must be: "a folder"; NULL: anything is fine */
};

#define OPTION_ROW_PLUGIN_PATH \
  { OPTION_PLUGIN_PATH, "plugin-path", "PATH", "where plugins are looked for first, colon-separated", NULL }
#define OPTION_ROWS_END { 0, NULL, NULL, NULL, NULL }

struct options {
  const char *command;           /* its name, for messages */
  const char *usage;             /* the help before the options */
  const struct option_row *rows; /* --help and --version are in no table */
  const char *more;              /* the help after the options */
  bool words_follow;             /* options end where the first word is that is none */
  /* Takes one that is the command's own.  `text`: NULL: it has no value.  False: the value is
   * not what the row expects.  NULL: there are none. */
  bool (*take) (void *data, int number, const char *text);
  void *data;
};

/* Reads the options.  -1: go on with argv[*first], which is the first that is none; else the
 * exit status: they were wrong, or asked for help. */
int options_read (const struct options *options, int argc, char **argv, int *first);

/* The value of --color (NULL: always) as 1, 0 or -1.  False: it is none. */
bool parse_color (const char *text, int *color);
/* Colours on this stream?  NO_COLOR, TERM=dumb, --color. */
bool wants_color (int fd, int option);

#endif
