/* schema.c - see schema.h.  What belongs to the language is written down in
 * templates/suite.schema.json; here the verbs and roles of tables are put into it.
 * An editor shows what is refused by the same rules as param.c: what is accepted here
 * and not there is found by `runner check`. */
#include "config.h"

#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "document.h"
#include "embedded.h"
#include "json.h"
#include "suite-read.h"

/* ---- building ---- */

struct writer {
  struct arena arena;
  struct builder builder;
  const struct plugin *const *plugins;
  size_t plugin_count;
};

static void
put_key (struct writer *w, const char *key)
{
  builder_key (&w->builder, value_string (key));
}

static void
put_text (struct writer *w, const char *key, const char *text)
{
  put_key (w, key);
  builder_put (&w->builder, value_string (text));
}

/* Opens a map or list: a member of a map if `key` is not NULL. */
static void
open_value (struct writer *w, const char *key, enum value_type type)
{
  if (key)
    put_key (w, key);
  builder_open (&w->builder, (struct value) { .type = (uint8_t) type });
}

static void
end_value (struct writer *w)
{
  builder_close (&w->builder);
}

static void
put_ref (struct writer *w, const char *name)
{
  put_text (w, "$ref", arena_printf (&w->arena, "#/$defs/%s", name));
}

/* {"$ref": …} as a member (key not NULL) or an item. */
static void
put_ref_map (struct writer *w, const char *key, const char *name)
{
  open_value (w, key, VALUE_MAP);
  put_ref (w, name);
  end_value (w);
}

/* {"required": [name]} */
static void
put_required (struct writer *w, const char *name)
{
  open_value (w, NULL, VALUE_MAP);
  open_value (w, "required", VALUE_LIST);
  builder_put (&w->builder, value_string (name));
  end_value (w);
  end_value (w);
}

/* ---- a parameter ---- */

static void
put_limit (struct writer *w, const char *key, const char *limit)
{
  struct value number;
  if (limit && document_scalar (limit, strlen (limit), &number)
      && (number.type == VALUE_INT || number.type == VALUE_FLOAT)) {
    put_key (w, key);
    builder_put (&w->builder, number);
  }
}

/* What has a JSON type and lies within the row's limits, whose keywords are given, or `${…}`. */
static void
put_limited (struct writer *w, const struct runner_param *row, const char *type, const char *min, const char *max)
{
  open_value (w, "anyOf", VALUE_LIST);
  open_value (w, NULL, VALUE_MAP);
  put_text (w, "type", type);
  put_limit (w, min, row->min);
  put_limit (w, max, row->max);
  end_value (w);
  put_ref_map (w, NULL, "dynamic");
  end_value (w);
}

/* A choice that YAML would read as a number or boolean is one of that kind too. */
static void
put_choices (struct writer *w, const struct runner_param *row)
{
  open_value (w, "anyOf", VALUE_LIST);
  open_value (w, NULL, VALUE_MAP);
  open_value (w, "enum", VALUE_LIST);
  for (const char *const *choice = row->choices; *choice; choice++) {
    struct value scalar;
    builder_put (&w->builder, value_string (*choice));
    if (document_scalar (*choice, strlen (*choice), &scalar) && scalar.type != VALUE_STRING
        && scalar.type != VALUE_NULL)
      builder_put (&w->builder, scalar);
  }
  end_value (w);
  end_value (w);
  put_ref_map (w, NULL, "dynamic");
  end_value (w);
}

/* A text that its pattern matches, or one with `${…}`; a number is looked at when the suite is checked. */
static void
put_text_type (struct writer *w, const struct runner_param *row)
{
  open_value (w, "anyOf", VALUE_LIST);
  open_value (w, NULL, VALUE_MAP);
  if (row->type == RUNNER_TEXT)
    put_ref (w, "scalar");
  else
    put_text (w, "type", "string");
  if (row->pattern)
    put_text (w, "pattern", row->pattern);
  if (row->flags & RUNNER_REGEX)
    put_text (w, "format", "regex");
  end_value (w);
  put_ref_map (w, NULL, "dynamic");
  end_value (w);
}

static void
put_type (struct writer *w, const struct runner_param *row)
{
  static const char *const names[]
    = { [RUNNER_TEXT] = "scalar",        [RUNNER_BOOL] = "boolean",   [RUNNER_BYTES] = "bytes",
        [RUNNER_DURATION] = "duration",  [RUNNER_SIZE] = "size",      [RUNNER_SECRET] = "bytes",
        [RUNNER_LIST] = "list",          [RUNNER_MAP] = "map",        [RUNNER_PATTERN] = "pattern",
        [RUNNER_BYTES_PATTERN] = "bytes", [RUNNER_VALUE] = NULL };
  if (row->choices && row->type == RUNNER_TEXT)
    put_choices (w, row);
  else if (row->type == RUNNER_INT || row->type == RUNNER_FLOAT)
    put_limited (w, row, row->type == RUNNER_INT ? "integer" : "number", "minimum", "maximum");
  else if (row->type == RUNNER_LIST && (row->min || row->max))
    put_limited (w, row, "array", "minItems", "maxItems");
  else if ((row->type == RUNNER_TEXT || row->type == RUNNER_ADDRESS)
           && (row->pattern || (row->flags & RUNNER_REGEX)))
    put_text_type (w, row);
  else if (row->type == RUNNER_ADDRESS)
    put_text (w, "type", "string");
  else if (row->type < sizeof names / sizeof *names && names[row->type])
    put_ref (w, names[row->type]);
}

static void
put_default (struct writer *w, const struct runner_param *row)
{
  struct value value;
  struct param_error error;
  if (row->preset && param_from_text (row, row->preset, &w->arena, &value, &error)) {
    put_key (w, "default");
    builder_put (&w->builder, value);
  }
}

static void
put_param (struct writer *w, const struct params *params, const struct runner_param *row)
{
  CLEANUP_BUFFER struct buffer facts = { 0 };
  describe_param (&facts, params, row);
  open_value (w, row->name, VALUE_MAP);
  put_type (w, row);
  put_text (w, "description", arena_printf (&w->arena, "%s (%s)", row->help, buffer_text (&facts)));
  put_default (w, row);
  end_value (w);
}

/* ---- a table ---- */

static bool
first_of_group (const struct params *params, size_t i)
{
  if (!params->rows[i].group)
    return false;
  for (size_t j = 0; j < i; j++)
    if (params->rows[j].group && strcmp (params->rows[j].group, params->rows[i].group) == 0)
      return false;
  return true;
}

/* oneOf: each of the group alone; also none when its name begins with `?`. */
static void
put_group (struct writer *w, const struct params *params, const char *group)
{
  open_value (w, NULL, VALUE_MAP);
  open_value (w, "oneOf", VALUE_LIST);
  for (size_t i = 0; i < params->count; i++)
    if (params->rows[i].group && strcmp (params->rows[i].group, group) == 0)
      put_required (w, params->rows[i].name);
  if (group[0] == '?') {
    open_value (w, NULL, VALUE_MAP);
    open_value (w, "not", VALUE_MAP);
    open_value (w, "anyOf", VALUE_LIST);
    for (size_t i = 0; i < params->count; i++)
      if (params->rows[i].group && strcmp (params->rows[i].group, group) == 0)
        put_required (w, params->rows[i].name);
    end_value (w);
    end_value (w);
    end_value (w);
  }
  end_value (w);
  end_value (w);
}

static void
put_groups (struct writer *w, const struct params *params)
{
  bool any = false;
  for (size_t i = 0; i < params->count; i++)
    if (first_of_group (params, i)) {
      if (!any)
        open_value (w, "allOf", VALUE_LIST);
      any = true;
      put_group (w, params, params->rows[i].group);
    }
  if (any)
    end_value (w);
}

/* Which must be given; a verb without such parameters may stand with nothing. */
static bool
put_all_required (struct writer *w, const struct params *params)
{
  bool any = false, group = false;
  for (size_t i = 0; i < params->count; i++) {
    group |= params->rows[i].group && params->rows[i].group[0] != '?';
    if (!(params->rows[i].flags & RUNNER_REQUIRED))
      continue;
    if (!any)
      open_value (w, "required", VALUE_LIST);
    any = true;
    builder_put (&w->builder, value_string (params->rows[i].name));
  }
  if (any)
    end_value (w);
  return any || group;
}

/* The map of parameters.  True: something must be in it. */
static bool
put_param_map (struct writer *w, const struct params *params)
{
  open_value (w, NULL, VALUE_MAP);
  put_text (w, "type", "object");
  open_value (w, "properties", VALUE_MAP);
  for (size_t i = 0; i < params->count; i++)
    put_param (w, params, &params->rows[i]);
  end_value (w);
  open_value (w, "patternProperties", VALUE_MAP); /* names that are made when it runs */
  put_key (w, "\\$\\{");
  builder_put (&w->builder, value_bool (true));
  end_value (w);
  put_key (w, "additionalProperties");
  builder_put (&w->builder, value_bool (false));
  bool needed = put_all_required (w, params);
  put_groups (w, params);
  end_value (w);
  return needed;
}

/* The primary parameter's value alone: any but a map, which would be the parameters. */
static void
put_alone (struct writer *w, const struct params *params, const struct runner_param *primary)
{
  size_t required = 0;
  for (size_t i = 0; i < params->count; i++)
    required += &params->rows[i] != primary && (params->rows[i].flags & RUNNER_REQUIRED);
  if (required)
    return; /* another one is needed, so it can never stand alone */
  open_value (w, NULL, VALUE_MAP);
  open_value (w, "not", VALUE_MAP);
  open_value (w, "type", VALUE_LIST);
  builder_put (&w->builder, value_string ("object"));
  builder_put (&w->builder, value_string ("null"));
  end_value (w);
  end_value (w);
  put_type (w, primary);
  put_text (w, "description", arena_printf (&w->arena, "%s: %s", primary->name, primary->help));
  end_value (w);
}

static void
put_params (struct writer *w, const char *name, const char *help, const struct params *params)
{
  const struct runner_param *primary = param_primary (params);
  open_value (w, name, VALUE_MAP);
  put_text (w, "description", help);
  open_value (w, "anyOf", VALUE_LIST);
  bool needed = put_param_map (w, params);
  if (!needed) {
    open_value (w, NULL, VALUE_MAP);
    put_text (w, "type", "null");
    end_value (w);
  }
  if (primary)
    put_alone (w, params, primary);
  end_value (w);
  end_value (w);
}

/* ---- results ---- */

static void
put_result (struct writer *w, const struct verb *verb)
{
  open_value (w, arena_printf (&w->arena, "result:%s", verb->name), VALUE_MAP);
  open_value (w, "properties", VALUE_MAP);
  for (size_t i = 0; i < verb->result_count; i++) {
    const struct runner_field *field = &verb->result[i];
    CLEANUP_BUFFER struct buffer facts = { 0 };
    describe_field (&facts, field);
    open_value (w, field->name, VALUE_MAP);
    put_text (w, "description",
              arena_printf (&w->arena, "%s (%s)", field->help ? field->help : "", buffer_text (&facts)));
    end_value (w);
  }
  end_value (w);
  if (!(verb->flags & RUNNER_OPEN_RESULT)) {
    open_value (w, "patternProperties", VALUE_MAP); /* matchers, paths, ${…} */
    put_key (w, "^\\$|\\$\\{");
    builder_put (&w->builder, value_bool (true));
    end_value (w);
    put_key (w, "additionalProperties");
    builder_put (&w->builder, value_bool (false));
  }
  end_value (w);
}

/* ---- all verbs and roles ---- */

typedef void each_verb (struct writer *w, const struct verb *verb);

static void
for_verbs (struct writer *w, each_verb *each)
{
  for (const struct verb *verb = described_core_verbs (); verb->name; verb++)
    each (w, verb);
  for (size_t i = 0; i < w->plugin_count; i++)
    for (size_t j = 0; j < w->plugins[i]->verb_count; j++)
      each (w, &w->plugins[i]->verbs[j]);
}

typedef void each_role (struct writer *w, const struct role_type *role);

static void
for_roles (struct writer *w, each_role *each)
{
  for (size_t i = 0; i < w->plugin_count; i++)
    for (size_t j = 0; j < w->plugins[i]->role_count; j++)
      each (w, &w->plugins[i]->roles[j]);
}

static void
define_verb (struct writer *w, const struct verb *verb)
{
  put_params (w, arena_printf (&w->arena, "verb:%s", verb->name), verb->help, &verb->params);
  if (verb->result_count)
    put_result (w, verb);
}

static void
define_role (struct writer *w, const struct role_type *role)
{
  put_params (w, arena_printf (&w->arena, "role:%s", role->name), role->help, &role->params);
}

static void
offer_verb (struct writer *w, const struct verb *verb)
{
  put_ref_map (w, verb->name, arena_printf (&w->arena, "verb:%s", verb->name));
}

static void
offer_role (struct writer *w, const struct role_type *role)
{
  put_ref_map (w, role->name, arena_printf (&w->arena, "role:%s", role->name));
}

/* Beside `name` only what `others` names may stand: no second verb, no second role. */
static void
put_no_second (struct writer *w, const char *name, const char *others)
{
  open_value (w, "propertyNames", VALUE_MAP);
  open_value (w, "anyOf", VALUE_LIST);
  open_value (w, NULL, VALUE_MAP);
  put_text (w, "const", name);
  end_value (w);
  put_ref_map (w, NULL, others);
  end_value (w);
  end_value (w);
}

static void
depend_verb (struct writer *w, const struct verb *verb)
{
  open_value (w, verb->name, VALUE_MAP);
  put_no_second (w, verb->name, "modifier");
  if (verb->result_count) {
    open_value (w, "properties", VALUE_MAP);
    put_ref_map (w, "expect", arena_printf (&w->arena, "result:%s", verb->name));
    end_value (w);
  }
  end_value (w);
}

static void
depend_role (struct writer *w, const struct role_type *role)
{
  open_value (w, role->name, VALUE_MAP);
  put_no_second (w, role->name, "role_option");
  end_value (w);
}

/* `check` is a modifier too: the template has it. */
static void
offer_forms (struct writer *w)
{
  for (const char *const *form = suite_forms (); *form; form++)
    if (strcmp (*form, "check") != 0)
      put_ref_map (w, *form, arena_printf (&w->arena, "form:%s", *form));
}

static void
depend_forms (struct writer *w)
{
  for (const char *const *form = suite_forms (); *form; form++)
    if (strcmp (*form, "check") != 0) {
      open_value (w, *form, VALUE_MAP);
      put_no_second (w, *form, "modifier");
      if (strcmp (*form, "defer") == 0)
        put_ref (w, "deferred");
      end_value (w);
    }
}

/* ---- the template, and what is added to its maps ---- */

static void
copy_members (struct writer *w, const struct value *map)
{
  for (size_t i = 0; i < map->count; i++) {
    builder_key (&w->builder, map->members[i].key);
    builder_put (&w->builder, map->members[i].value);
  }
}

/* `step` or `role`, with all verbs or roles in it. */
static void
extend_definition (struct writer *w, const struct value *definition, bool step)
{
  for (size_t i = 0; i < definition->count; i++) {
    const struct member *m = &definition->members[i];
    bool properties = value_is (&m->key, "properties"), dependent = value_is (&m->key, "dependentSchemas");
    builder_key (&w->builder, m->key);
    if (!properties && !dependent) {
      builder_put (&w->builder, m->value);
      continue;
    }
    open_value (w, NULL, VALUE_MAP);
    copy_members (w, &m->value);
    if (step && properties)
      offer_forms (w);
    if (step && dependent)
      depend_forms (w);
    if (step)
      for_verbs (w, properties ? offer_verb : depend_verb);
    else
      for_roles (w, properties ? offer_role : depend_role);
    end_value (w);
  }
}

/* Is it the form of a verb that this runner does not have? */
static bool
is_absent_form (const struct value *key)
{
  if (strncmp (key->string, "form:", 5) != 0)
    return false;
  for (const char *const *form = suite_forms (); *form; form++)
    if (strcmp (*form, key->string + 5) == 0)
      return false;
  return true;
}

static void
write_definitions (struct writer *w, const struct value *definitions)
{
  for (size_t i = 0; i < definitions->count; i++) {
    const struct member *m = &definitions->members[i];
    bool step = value_is (&m->key, "step"), role = value_is (&m->key, "role");
    if (is_absent_form (&m->key))
      continue;
    builder_key (&w->builder, m->key);
    if (!step && !role) {
      builder_put (&w->builder, m->value);
      continue;
    }
    open_value (w, NULL, VALUE_MAP);
    extend_definition (w, &m->value, step);
    end_value (w);
  }
  /* forms that the template says nothing about take anything */
  for (const char *const *form = suite_forms (); *form; form++) {
    const char *name = arena_printf (&w->arena, "form:%s", *form);
    if (!value_get (definitions, name) && strcmp (*form, "check") != 0) {
      put_key (w, name);
      builder_put (&w->builder, value_bool (true));
    }
  }
  for_verbs (w, define_verb);
  for_roles (w, define_role);
}

static void
read_template (struct writer *w, struct value *template)
{
  const struct embedded *file = embedded_files;
  char error[256] = "it is missing";
  while (file->name && strcmp (file->name, "suite.schema.json") != 0)
    file++;
  if (!file->name || !json_parse (&w->arena, file->text, strlen (file->text), template, error, sizeof error)) {
    fprintf (stderr, "runner: the template of the schema: %s\n", error);
    abort (); /* it is part of the program */
  }
}

void
schema_write (struct buffer *out, const struct plugin *const *plugins, size_t count)
{
  struct writer w = { .plugins = plugins, .plugin_count = count };
  struct value template;
  builder_init (&w.builder, &w.arena);
  read_template (&w, &template);
  open_value (&w, NULL, VALUE_MAP);
  for (size_t i = 0; i < template.count; i++) {
    const struct member *m = &template.members[i];
    builder_key (&w.builder, m->key);
    if (!value_is (&m->key, "$defs")) {
      builder_put (&w.builder, m->value);
      continue;
    }
    open_value (&w, NULL, VALUE_MAP);
    write_definitions (&w, &m->value);
    end_value (&w);
  }
  end_value (&w);
  struct value schema = builder_finish (&w.builder);
  json_write_pretty (out, &schema);
  buffer_putc (out, '\n');
  builder_free (&w.builder);
  arena_free (&w.arena);
}
