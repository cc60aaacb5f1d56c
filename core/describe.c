/* describe.c - see describe.h. */
#include "config.h"

#include "describe.h"

#include <string.h>

#include "suite-read.h"

/* The words for what suite_forms names. */
static const struct form form_words[] = {
  { "set", "{NAME: VALUE, …}", "sets variables" },
  { "check", "EXPRESSION or a list of them",
    "holds if every expression is true; beside another verb it is a modifier" },
  { "do", "[STEP, …]", "a group of steps; takes every modifier" },
  { "defer", "[STEP, …]", "steps for the end of the test, or of the keyword's caller; the newest first" },
  { "parallel", "[STEP, …]", "runs steps at the same time, each with its own copy of the variables" },
  { "background", "{as: NAME, do: [STEP, …]}", "runs steps beside those that follow, until they are joined" },
  { "join", "NAME", "waits for the end of what runs in the background" },
  { "first_of", "{NAME: STEP, …}", "runs steps at the same time until one passes; the result's `which` names it" },
  { "load", "{users: N, steps: [STEP, …], …}", "simulated users that run steps again and again" },
  { NULL, NULL, NULL }
};

const struct form *
described_forms (void)
{
  static struct form forms[32];
  const char *const *names = suite_forms ();
  for (size_t n = 0; names[n] && n + 1 < sizeof forms / sizeof *forms; n++) {
    forms[n] = (struct form) { names[n], "…", "" };
    for (const struct form *words = form_words; words->name; words++)
      if (strcmp (words->name, names[n]) == 0)
        forms[n] = *words;
  }
  return forms;
}

const struct verb *
described_core_verbs (void)
{
  core_verb_find ("log", 3); /* what prepares the table */
  return core_verbs;
}

/* ---- rows ---- */

static void
put_group (struct buffer *out, const struct params *params, const char *group)
{
  bool optional = group[0] == '?', first = true;
  buffer_puts (out, optional ? "; at most one of " : "; exactly one of ");
  for (size_t i = 0; i < params->count; i++)
    if (params->rows[i].group && strcmp (params->rows[i].group, group) == 0) {
      buffer_printf (out, "%s%s", first ? "" : ", ", params->rows[i].name);
      first = false;
    }
}

static void
put_limits (struct buffer *out, const struct runner_param *row)
{
  const char *of = row->type == RUNNER_LIST ? " item(s)" : "";
  if (row->min && row->max)
    buffer_printf (out, " from %s to %s%s", row->min, row->max, of);
  else if (row->min)
    buffer_printf (out, ", at least %s%s", row->min, of);
  else if (row->max)
    buffer_printf (out, ", at most %s%s", row->max, of);
}

void
describe_param (struct buffer *out, const struct params *params, const struct runner_param *row)
{
  buffer_puts (out, param_type_name (row->type));
  put_limits (out, row);
  for (const char *const *choice = row->choices; choice && *choice; choice++)
    buffer_printf (out, "%s%s", choice == row->choices ? ": " : choice[1] ? ", " : " or ", *choice);
  if (row->flags & RUNNER_REQUIRED)
    buffer_lit (out, "; required");
  if (row->flags & RUNNER_PRIMARY)
    buffer_lit (out, "; may stand alone");
  if (row->group)
    put_group (out, params, row->group);
  if (row->preset)
    buffer_printf (out, "; default: %s", *row->preset ? row->preset : "\"\"");
}

void
describe_field (struct buffer *out, const struct runner_field *field)
{
  buffer_puts (out, param_type_name (field->type));
  if (field->flags & RUNNER_OPTIONAL)
    buffer_lit (out, ", may be absent");
}

/* Texts of one table are often the very same in another: tables are made by macros. */
static bool
same_text (const char *a, const char *b)
{
  return a == b || (a && b && strcmp (a, b) == 0);
}

static bool
same_row (const struct runner_param *a, const struct runner_param *b)
{
  return a->type == b->type && a->flags == b->flags && a->choices == b->choices && same_text (a->name, b->name)
         && same_text (a->preset, b->preset) && same_text (a->help, b->help) && same_text (a->group, b->group)
         && same_text (a->min, b->min) && same_text (a->max, b->max) && same_text (a->pattern, b->pattern)
         && same_text (a->form, b->form);
}

bool
same_params (const struct params *a, const struct params *b)
{
  bool same = a->count == b->count;
  for (size_t i = 0; i < a->count && same; i++)
    same = same_row (&a->rows[i], &b->rows[i]);
  return same;
}

bool
same_fields (const struct runner_field *a, size_t a_count, const struct runner_field *b, size_t b_count)
{
  bool same = a_count == b_count;
  for (size_t i = 0; i < a_count && same; i++)
    same = a[i].type == b[i].type && a[i].flags == b[i].flags && same_text (a[i].name, b[i].name)
           && same_text (a[i].help, b[i].help);
  return same;
}

/* ---- POD ---- */

/* A text of POD: what would be a command of it is escaped, code in `` becomes C<>. */
static void
pod_text (struct buffer *out, const char *text)
{
  bool code = false;
  for (; *text; text++)
    if (*text == '<')
      buffer_lit (out, "E<lt>");
    else if (*text == '>')
      buffer_lit (out, "E<gt>");
    else if (*text == '`' && (code || strchr (text + 1, '`'))) {
      buffer_puts (out, code ? ">" : "C<");
      code = !code;
    }
    else if (*text == '\n')
      buffer_putc (out, ' ');
    else
      buffer_putc (out, *text);
}

static void
pod_item (struct buffer *out, const char *name, struct buffer *facts, const char *help)
{
  buffer_printf (out, "=item B<%s> (", name);
  pod_text (out, buffer_text (facts));
  buffer_lit (out, ")\n\n");
  if (help && *help) {
    pod_text (out, help);
    buffer_lit (out, "\n\n");
  }
}

static void
pod_params (struct buffer *out, const struct params *params)
{
  if (!params->count)
    return;
  buffer_lit (out, "=over\n\n");
  for (size_t i = 0; i < params->count; i++) {
    CLEANUP_BUFFER struct buffer facts = { 0 };
    describe_param (&facts, params, &params->rows[i]);
    pod_item (out, params->rows[i].name, &facts, params->rows[i].help);
  }
  buffer_lit (out, "=back\n\n");
}

static void
pod_fields (struct buffer *out, const char *what, const struct runner_field *fields, size_t count, bool open)
{
  if (!count)
    return;
  buffer_printf (out, "%s%s\n\n=over\n\n", what, open ? ", among others:" : ":");
  for (size_t i = 0; i < count; i++) {
    CLEANUP_BUFFER struct buffer facts = { 0 };
    describe_field (&facts, &fields[i]);
    pod_item (out, fields[i].name, &facts, fields[i].help);
  }
  buffer_lit (out, "=back\n\n");
}

static void
pod_verb (struct buffer *out, const struct verb *verbs, size_t i)
{
  const struct verb *verb = &verbs[i];
  size_t same = i;
  for (size_t j = 0; j < i && same == i; j++)
    if (verb->params.count > 1 && same_params (&verbs[j].params, &verb->params)
        && same_fields (verbs[j].result, verbs[j].result_count, verb->result, verb->result_count))
      same = j;
  buffer_printf (out, "=head2 Parameters of %s\n\n%s: ", verb->name, verb->name);
  pod_text (out, verb->help);
  buffer_lit (out, ".\n\n");
  if (same != i) {
    buffer_printf (out, "Parameters and results are those of %s.\n\n", verbs[same].name);
    return;
  }
  pod_params (out, &verb->params);
  pod_fields (out, "The result holds", verb->result, verb->result_count, verb->flags & RUNNER_OPEN_RESULT);
}

void
describe_pod (struct buffer *out, const struct plugin *plugin)
{
  for (size_t i = 0; i < plugin->verb_count; i++)
    pod_verb (out, plugin->verbs, i);
  for (size_t i = 0; i < plugin->role_count; i++) {
    const struct role_type *role = &plugin->roles[i];
    buffer_printf (out, "=head2 Parameters of the role %s\n\n%s: ", role->name, role->name);
    pod_text (out, role->help);
    buffer_lit (out, ".\n\n");
    pod_params (out, &role->params);
    pod_fields (out, "It exports", role->exports, role->export_count, false);
  }
}

void
describe_core_pod (struct buffer *out)
{
  for (const struct form *form = described_forms (); form->name; form++) {
    buffer_printf (out, "=head2 %s\n\n - %s: ", form->name, form->name);
    buffer_puts (out, form->takes);
    buffer_lit (out, "\n\n");
    pod_text (out, form->help);
    buffer_lit (out, ".\n\n");
  }
  const struct verb *verbs = described_core_verbs ();
  for (size_t i = 0; verbs[i].name; i++)
    pod_verb (out, verbs, i);
}
