/* suite-step.c - steps: one verb and the modifiers beside it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "load-form.h"
#include "load-require.h"
#include "match.h"
#include "path.h"
#include "suite-read.h"
#include "text.h"
#include "units.h"

#define STEP_DEPTH 32

static const char *const modifiers[]
  = { "name", "each", "if", "retry", "timeout", "save", "expect", "check", "fails", NULL };
static const char *const special_verbs[] = { "set", "check", "do", "defer", "parallel", "first_of", "background",
                                             "join", "load", NULL };

/* Gives the step the modifier of that name; false: it is none. */
static bool
set_modifier (struct step *step, const struct value *key, const struct value *value)
{
  static const size_t fields[]
    = { offsetof (struct step, name),    offsetof (struct step, each),    offsetof (struct step, condition),
        offsetof (struct step, retry),   offsetof (struct step, timeout), offsetof (struct step, save),
        offsetof (struct step, expect),  offsetof (struct step, check),   offsetof (struct step, fails) };
  for (size_t i = 0; modifiers[i]; i++)
    if (value_is (key, modifiers[i])) {
      *(const struct value **) ((char *) step + fields[i]) = value;
      return true;
    }
  return false;
}

/* ---- finding the verb ---- */

/* A fault for a verb that does not exist, with the nearest of all there are. */
static void
unknown_verb (struct reader *reader, const struct value *key, const struct plugin *plugin)
{
  const char *names[512];
  size_t n = 0, most = sizeof names / sizeof *names - 1;
  if (plugin)
    for (size_t i = 0; i < plugin->verb_count && n < most; i++)
      names[n++] = plugin->verbs[i].name;
  for (const struct verb *verb = core_verbs; verb->name && n < most; verb++)
    names[n++] = verb->name;
  for (const char *const *special = special_verbs; *special && n < most; special++)
    names[n++] = *special;
  for (size_t i = 0; i < reader->suite->keyword_count && n < most; i++)
    names[n++] = arena_printf (reader->arena, "my.%s", reader->suite->keywords[i].name);
  if (!strchr (key->string, '.'))
    for (const char *const *m = modifiers; *m && n < most; m++)
      names[n++] = *m;
  names[n] = NULL;
  fault_unknown (reader->faults, key, strchr (key->string, '.') ? "verb" : "verb or modifier", key->string, names);
}

static void
unknown_plugin (struct reader *reader, const struct value *key, const char *name, const char *error)
{
  struct arena arena = { 0 };
  const char **names = plugin_names (&arena), *best = NULL;
  size_t distance = 0;
  for (const char **p = names; *p; p++)
    text_nearest (name, *p, &best, &distance);
  if (best && strcmp (best, name) != 0)
    fault_add (reader->faults, key, "%s; did you mean \"%s%s\"?", error, best, key->string + strlen (name));
  else
    fault_add (reader->faults, key, "%s", error);
  arena_free (&arena);
}

const struct plugin *
read_plugin (struct reader *reader, const struct value *key)
{
  char name[sizeof reader->missing[0]], error[1024];
  size_t n = strcspn (key->string, ".");
  if (n >= sizeof name)
    n = sizeof name - 1;
  memcpy (name, key->string, n);
  name[n] = '\0';
  for (size_t i = 0; i < reader->missing_count; i++)
    if (strcmp (reader->missing[i], name) == 0)
      return NULL;
  const struct plugin *plugin = plugin_find (name, error, sizeof error);
  if (!plugin) {
    unknown_plugin (reader, key, name, error);
    if (reader->missing_count < sizeof reader->missing / sizeof *reader->missing)
      memcpy (reader->missing[reader->missing_count++], name, sizeof name);
  }
  return plugin;
}

/* Resolves the key to a verb, keyword or special form.  False: a fault was added. */
static bool
resolve (struct reader *reader, struct step *step)
{
  const struct value *key = step->key;
  static const enum step_kind kinds[] = { STEP_SET, STEP_CHECK, STEP_DO, STEP_DEFER, STEP_PARALLEL, STEP_FIRST_OF,
                                          STEP_BACKGROUND, STEP_JOIN, STEP_LOAD };
  for (size_t i = 0; special_verbs[i]; i++)
    if (value_is (key, special_verbs[i])) {
      step->kind = kinds[i];
      return true;
    }
  if (key->size > 3 && memcmp (key->string, "my.", 3) == 0) {
    step->kind = STEP_KEYWORD;
    step->keyword = suite_keyword (reader->suite, key->string + 3, key->size - 3);
    if (!step->keyword && !reader->alone)
      unknown_verb (reader, key, NULL);
    return step->keyword != NULL;
  }
  step->kind = STEP_VERB;
  step->verb = core_verb_find (key->string, key->size);
  if (step->verb)
    return true;
  size_t n = strcspn (key->string, ".");
  if (!key->string[n] || n == 0 || strlen (key->string) != key->size || strncmp (key->string, "role.", 5) == 0) {
    unknown_verb (reader, key, NULL);
    return false;
  }
  const struct plugin *plugin = read_plugin (reader, key);
  if (!plugin)
    return false;
  step->verb = plugin_verb (plugin, key->string);
  if (!step->verb)
    unknown_verb (reader, key, plugin);
  return step->verb != NULL;
}

/* ---- modifiers ---- */

static void
check_duration (struct reader *reader, const struct value *value, const char *what)
{
  int64_t ns;
  const char *why = value->flags & VALUE_DYNAMIC ? NULL : duration_fault (value, &ns);
  if (why)
    fault_add (reader->faults, value, "%s: %s", what, why);
}

static void
read_retry (struct reader *reader, struct step *step)
{
  static const char *const known[] = { "for", "every", "until", "stop_if", NULL };
  const struct value *retry = step->retry;
  if (retry->type != VALUE_MAP) {
    step->retry_for = retry;
    check_duration (reader, retry, "retry");
    return;
  }
  check_keys (reader, retry, "retry", known);
  step->retry_for = read_key (retry, "for");
  step->retry_every = read_key (retry, "every");
  step->until = read_key (retry, "until");
  step->stop_if = read_key (retry, "stop_if");
  if (!step->retry_for)
    fault_add (reader->faults, retry, "retry: for is missing: how long to try again");
  else
    check_duration (reader, step->retry_for, "retry: for");
  if (step->retry_every)
    check_duration (reader, step->retry_every, "retry: every");
  if (step->until)
    match_check (step->until, reader->faults);
  if (step->stop_if)
    match_check (step->stop_if, reader->faults);
}

const char *
why_no_name (const struct value *key)
{
  return text_is_reserved (key->string, key->size)
           ? "is a word of Lua, in which expressions are written: choose another name"
           : "is no name: letters, digits and _, no digit first";
}

static void
check_name (struct reader *reader, const struct value *key, const char *what)
{
  if (!text_is_name (key->string, key->size) || strlen (key->string) != key->size)
    fault_add (reader->faults, key, "%s: \"%.60s\" %s", what, key->string, why_no_name (key));
  if (text_is_one_of (key->string, key->size, expr_helpers ()))
    fault_add (reader->faults, key, "%s: \"%s\" is the name of a helper: choose another", what, key->string);
  if (value_is (key, "result"))
    fault_add (reader->faults, key, "%s: \"result\" is the name of a step's own result: choose another", what);
}

int
read_result_fields (const struct step *step, const char **names, size_t most)
{
  static const struct runner_field which[] = { { .name = "which" } };
  const struct runner_field *fields = NULL;
  size_t count = 0, n = 0;
  switch (step->kind) {
  case STEP_LOAD:
    names[n++] = "users";
    names[n++] = "iteration";
    names[n++] = "steps";
    for (size_t i = 0; load_metrics[i] && n < most; i++)
      names[n++] = load_metrics[i];
    break;
  case STEP_KEYWORD:
    return -1;
  case STEP_VERB:
    fields = step->verb->result;
    count = step->verb->result_count;
    if (!fields || (step->verb->flags & RUNNER_OPEN_RESULT))
      return -1;
    break;
  case STEP_FIRST_OF:
    fields = which;
    count = 1;
    break;
  default: /* none */
    break;
  }
  for (; n < count && n < most; n++)
    names[n] = fields[n].name;
  names[n] = NULL;
  return (int) n;
}

/* A fault when the step's result has no such field, as far as that can be known. */
static void
check_result_name (struct reader *reader, const struct step *step, const struct value *where, const char *name,
                   size_t size, const char *what)
{
  const char *names[128];
  int n = read_result_fields (step, names, 127);
  if (n < 0 || text_is_one_of (name, size, names))
    return;
  if (n == 0) {
    fault_add (reader->faults, where, "%s: the step %s has no result", what, step->key->string);
    return;
  }
  char of[160], shown[160];
  snprintf (of, sizeof of, "field in %s: the result of %s has no", what, step->key->string);
  snprintf (shown, sizeof shown, "%.*s", (int) size, name);
  fault_unknown (reader->faults, where, of, shown, names);
}

static bool
in_name (char c)
{
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* `$.statsu`: the first member that a path goes to.  Other paths are looked at when there is a result. */
static void
check_result_path (struct reader *reader, const struct step *step, const struct value *path, const char *what)
{
  const char *name = path->string + 2;
  size_t size = 0;
  if (path->size < 3 || memcmp (path->string, "$.", 2) != 0)
    return;
  while (size < path->size - 2 && in_name (name[size]))
    size++;
  if (size && (size == path->size - 2 || name[size] == '.' || name[size] == '['))
    check_result_name (reader, step, path, name, size, what);
}

/* `expect` names fields that the verb's result does not have? */
static void
check_result_names (struct reader *reader, const struct step *step, const struct value *pattern, const char *what)
{
  for (size_t i = 0; pattern->type == VALUE_MAP && i < pattern->count; i++) {
    const struct value *key = &pattern->members[i].key;
    if (key->flags & VALUE_DYNAMIC)
      continue;
    if (key->size && key->string[0] == '$')
      check_result_path (reader, step, key, what);
    else
      check_result_name (reader, step, key, key->string, key->size, what);
  }
}

static void
check_save (struct reader *reader, const struct step *step, const struct value *save)
{
  if (save->type != VALUE_MAP) {
    fault_add (reader->faults, save, "save: expected a map {name: PATH} or {name: \"${…}\"}");
    return;
  }
  for (size_t i = 0; i < save->count; i++) {
    const struct member *m = &save->members[i];
    char error[256];
    check_name (reader, &m->key, "save");
    if (m->value.flags & VALUE_DYNAMIC)
      continue;
    if (m->value.type != VALUE_STRING || !path_is (m->value.string, m->value.size)) {
      fault_add (reader->faults, &m->value, "save: %s: expected a path into the result ($.…) or ${…}", m->key.string);
      continue;
    }
    struct arena arena = { 0 };
    if (!path_compile (&arena, m->value.string, m->value.size, error, sizeof error))
      fault_add (reader->faults, &m->value, "save: %s: %s", m->key.string, error);
    else if (!step->fails)
      check_result_path (reader, step, &m->value, "save");
    arena_free (&arena);
  }
}

/* The number of rows that a list or range of `each` gives, as it is written; -1: not known yet. */
static int64_t
written_rows (const struct value *value)
{
  long long from, to;
  char end;
  if (value->type == VALUE_LIST)
    return (int64_t) value->count;
  if (value->type != VALUE_STRING || (value->flags & VALUE_DYNAMIC)
      || sscanf (value->string, "%lld..%lld%c", &from, &to, &end) != 2)
    return -1;
  if (to < from)
    return 0;
  return (uint64_t) to - (uint64_t) from >= INT64_MAX ? -1 : (int64_t) ((uint64_t) to - (uint64_t) from) + 1;
}

static void
check_each_lengths (struct reader *reader, const struct value *each)
{
  const struct member *first = NULL;
  int64_t rows = -1;
  for (size_t i = 0; i < each->count; i++) {
    int64_t n = written_rows (&each->members[i].value);
    if (rows < 0 && n >= 0) {
      first = &each->members[i];
      rows = n;
    }
    else if (n >= 0 && n != rows)
      fault_add (reader->faults, &each->members[i].key, "each: lists of different lengths: %s has %lld, %s has %lld",
                 first->key.string, (long long) rows, each->members[i].key.string, (long long) n);
  }
}

static void
check_each (struct reader *reader, const struct value *each)
{
  if (each->type != VALUE_MAP || each->count == 0) {
    fault_add (reader->faults, each, "each: expected a map {name: list}");
    return;
  }
  for (size_t i = 0; i < each->count; i++) {
    const struct value *value = &each->members[i].value;
    check_name (reader, &each->members[i].key, "each");
    long long from, to;
    char end;
    if (written_rows (value) == 0)
      fault_add (reader->faults, value, "each: %s: this is empty: the step would never run, and pass",
                 each->members[i].key.string);
    if (value->type == VALUE_LIST || (value->flags & VALUE_DYNAMIC))
      continue;
    if (value->type != VALUE_STRING || sscanf (value->string, "%lld..%lld%c", &from, &to, &end) != 2)
      fault_add (reader->faults, value, "each: %s: expected a list or a range (0..9)", each->members[i].key.string);
  }
  check_each_lengths (reader, each);
}

/* What a step that failed can be described by: a part of the message, a matcher for it, or a
 * pattern for {outcome, message, result}. */
static void
check_fails (struct reader *reader, const struct value *fails)
{
  static const char *const known[] = { "outcome", "message", "result", NULL };
  match_check (fails, reader->faults);
  if (fails->type == VALUE_BOOL && !fails->boolean)
    fault_add (reader->faults, fails, "fails: false says nothing: leave it out, and the step must pass");
  else if (fails->type != VALUE_BOOL && fails->type != VALUE_STRING && fails->type != VALUE_MAP)
    fault_add (reader->faults, fails, "fails: expected true, a part of the message, or a pattern: {message: …}; "
               "got %s%s", value_type_name (fails->type), fails->type == VALUE_INT ? " (a text stands in quotes)" : "");
  if (fails->type != VALUE_MAP || !fails->count || fails->members[0].key.string[0] == '$')
    return; /* a matcher, a path */
  for (size_t i = 0; i < fails->count; i++) {
    const struct value *key = &fails->members[i].key, *value = &fails->members[i].value;
    if ((key->flags & VALUE_DYNAMIC) || key->string[0] == '$')
      continue;
    if (!text_is_one_of (key->string, key->size, known))
      fault_unknown (reader->faults, key, "fails: key", key->string, known);
    else if (value_is (key, "outcome") && value->type != VALUE_MAP && !(value->flags & VALUE_DYNAMIC)
             && !value_is (value, "failed") && !value_is (value, "error"))
      fault_add (reader->faults, value, "fails: outcome: expected failed or error: a step that %s does not fail",
                 value_is (value, "skipped") ? "is skipped" : "passes");
  }
}

/* What everything matches is no expectation. */
static void
check_pattern (struct reader *reader, const struct step *step, const struct value *pattern, const char *what)
{
  if (pattern->type == VALUE_MAP && pattern->count == 0)
    fault_add (reader->faults, pattern, "%s: the map is empty: every result matches it", what);
  check_result_names (reader, step, pattern, what);
}

static void
check_modifiers (struct reader *reader, struct step *step)
{
  if (step->retry)
    read_retry (reader, step);
  int64_t ns;
  if (step->timeout)
    check_duration (reader, step->timeout, "timeout");
  if (step->timeout && !(step->timeout->flags & VALUE_DYNAMIC) && value_duration (step->timeout, &ns) && ns == 0)
    fault_add (reader->faults, step->timeout, "timeout: with no time at all the step could only fail");
  if (step->save)
    check_save (reader, step, step->save);
  if (step->each)
    check_each (reader, step->each);
  if (step->expect) {
    match_check (step->expect, reader->faults);
    check_pattern (reader, step, step->expect, "expect");
  }
  if (step->until)
    check_pattern (reader, step, step->until, "until");
  if (step->stop_if)
    check_pattern (reader, step, step->stop_if, "stop_if");
  if (step->fails)
    check_fails (reader, step->fails);
  if (step->kind == STEP_DEFER && (step->each || step->save || step->expect || step->check || step->fails || step->retry))
    fault_add (reader->faults, step->key, "defer takes no such modifier: give it to the steps inside");
}

/* ---- arguments ---- */

static const char *const keyword_types[]
  = { "string", "integer", "number", "boolean", "duration", "size", "list", "map", "any", NULL };

bool
value_fits (const struct value *value, const char *type)
{
  int64_t ns;
  uint64_t bytes;
  if (strcmp (type, "string") == 0)
    return value->type == VALUE_STRING;
  if (strcmp (type, "integer") == 0)
    return value->type == VALUE_INT;
  if (strcmp (type, "number") == 0)
    return value->type == VALUE_INT || value->type == VALUE_FLOAT;
  if (strcmp (type, "boolean") == 0)
    return value->type == VALUE_BOOL;
  if (strcmp (type, "duration") == 0)
    return value_duration (value, &ns);
  if (strcmp (type, "size") == 0)
    return value->type == VALUE_INT || (value->type == VALUE_STRING && parse_size (value->string, value->size, &bytes));
  if (strcmp (type, "list") == 0)
    return value->type == VALUE_LIST;
  if (strcmp (type, "map") == 0)
    return value->type == VALUE_MAP;
  return true;
}

static const struct keyword_param *
keyword_param (const struct keyword *keyword, const struct value *name)
{
  for (size_t i = 0; i < keyword->param_count; i++)
    if (value_equal (&keyword->params[i].name, name))
      return &keyword->params[i];
  return NULL;
}

static void
check_keyword_value (struct reader *reader, const struct keyword *keyword, const struct keyword_param *param,
                     const struct value *value)
{
  if (!(value->flags & VALUE_DYNAMIC) && !value_fits (value, param->type)) {
    struct buffer shown = { 0 };
    value_show (&shown, value, 60);
    fault_add (reader->faults, value, "my.%s: %s: expected %s, got %s %s", keyword->name, param->name.string,
               param->type, value_type_name (value->type), buffer_text (&shown));
    buffer_free (&shown);
  }
}

static void
check_keyword_call (struct reader *reader, const struct step *step)
{
  const struct keyword *keyword = step->keyword;
  const struct value *args = step->args;
  if (args->type == VALUE_MAP) {
    const char *names[PARAM_MOST + 1];
    size_t n = 0;
    for (; n < keyword->param_count && n < PARAM_MOST; n++)
      names[n] = keyword->params[n].name.string;
    names[n] = NULL;
    for (size_t i = 0; i < args->count; i++) {
      const struct keyword_param *param = keyword_param (keyword, &args->members[i].key);
      if (param)
        check_keyword_value (reader, keyword, param, &args->members[i].value);
      else
        fault_unknown (reader->faults, &args->members[i].key, "parameter", args->members[i].key.string, names);
    }
  }
  for (size_t i = 0; i < keyword->param_count; i++) {
    const struct keyword_param *param = &keyword->params[i];
    bool given = args->type == VALUE_MAP ? value_find (args, param->name.string, param->name.size) != NULL
                                         : args->type != VALUE_NULL && param->primary;
    if (!given && !param->preset)
      fault_add (reader->faults, step->key, "my.%s: %s is missing", keyword->name, param->name.string);
    else if (given && args->type != VALUE_MAP)
      check_keyword_value (reader, keyword, param, args);
  }
  bool has_primary = false;
  for (size_t i = 0; i < keyword->param_count; i++)
    has_primary |= keyword->params[i].primary;
  if (args->type != VALUE_MAP && args->type != VALUE_NULL && !has_primary)
    fault_add (reader->faults, args, "my.%s: expected a map of parameters: none of them is primary", keyword->name);
}

static void
check_set (struct reader *reader, const struct step *step)
{
  if (step->args->type != VALUE_MAP) {
    fault_add (reader->faults, step->args, "set: expected a map {name: value}");
    return;
  }
  for (size_t i = 0; i < step->args->count; i++)
    check_name (reader, &step->args->members[i].key, "set");
}

#define BRANCHES_MOST 60 /* threads that the supervisor can tell apart, with some to spare */

/* The names that a branch saves: calls `each` for all. */
static void
each_saved (const struct step *step, void (*each) (void *data, const struct value *name), void *data)
{
  const struct value *maps[] = { step->save, step->kind == STEP_SET ? step->args : NULL };
  for (size_t m = 0; m < 2; m++)
    for (size_t i = 0; maps[m] && maps[m]->type == VALUE_MAP && i < maps[m]->count; i++)
      each (data, &maps[m]->members[i].key);
  for (size_t i = 0; i < step->body.count && step->kind != STEP_LOAD; i++)
    each_saved (&step->body.items[i], each, data);
}

struct saved {
  struct reader *reader;
  const struct step *parallel;
  size_t branch;
  const struct value *names[256];
  size_t owners[256];
  size_t count;
};

static void
note_saved (void *data, const struct value *name)
{
  struct saved *saved = data;
  for (size_t i = 0; i < saved->count; i++)
    if (saved->owners[i] != saved->branch && value_equal (saved->names[i], name)) {
      fault_add (saved->reader->faults, name, "two branches of parallel save \"%s\": which of them would count?",
                 name->string);
      return;
    }
  if (saved->count < sizeof saved->names / sizeof *saved->names) {
    saved->names[saved->count] = name;
    saved->owners[saved->count++] = saved->branch;
  }
}

static void
check_branches (struct reader *reader, const struct step *step)
{
  struct saved saved = { .reader = reader, .parallel = step };
  if (step->body.count > BRANCHES_MOST)
    fault_add (reader->faults, step->key, "%s: more than %d branches", step->key->string, BRANCHES_MOST);
  if (step->args->type == VALUE_LIST && step->args->count == 0)
    fault_add (reader->faults, step->key, "%s has no branch", step->key->string);
  for (saved.branch = 0; saved.branch < step->body.count && step->kind == STEP_PARALLEL; saved.branch++)
    each_saved (&step->body.items[saved.branch], note_saved, &saved);
}

static void
read_first_of (struct reader *reader, struct step *step)
{
  const struct value *map = step->args;
  if (map->type != VALUE_MAP || map->count < 2) {
    fault_add (reader->faults, map, "first_of: expected a map {name: step, other: step}");
    return;
  }
  struct value *items = arena_array (reader->arena, map->count, sizeof *items);
  step->branch_names = arena_array (reader->arena, map->count, sizeof *step->branch_names);
  for (size_t i = 0; i < map->count; i++) {
    items[i] = map->members[i].value;
    step->branch_names[i] = map->members[i].key.string;
  }
  struct value list = { .type = VALUE_LIST, .file = map->file, .line = map->line, .column = map->column,
                        .count = map->count, .items = items };
  step->body = read_steps (reader, &list, "first_of");
  check_branches (reader, step);
}

static bool
check_background_name (struct reader *reader, const struct value *name, const char *what)
{
  if (name && name->type == VALUE_STRING && name->size && strlen (name->string) == name->size)
    return true;
  fault_add (reader->faults, name ? name : &value_null, "%s: expected a name", what);
  return false;
}

static void
read_background (struct reader *reader, struct step *step)
{
  static const char *const known[] = { "as", "do", NULL };
  const struct value *map = step->args;
  if (map->type != VALUE_MAP) {
    fault_add (reader->faults, map, "background: expected a map {as: NAME, do: [steps]}");
    return;
  }
  check_keys (reader, map, "background", known);
  const struct value *name = read_key (map, "as"), *steps = read_key (map, "do");
  if (!name || !steps) {
    fault_add (reader->faults, step->key, "background: %s is missing", name ? "do" : "as");
    return;
  }
  if (check_background_name (reader, name, "background: as"))
    step->args = name;
  step->body = read_some_steps (reader, steps, "background");
}

/* Steps that cannot stand where many users run them. */
static void
check_load_steps (struct reader *reader, struct steps steps)
{
  for (size_t i = 0; i < steps.count; i++) {
    const struct step *step = &steps.items[i];
    if (step->kind == STEP_LOAD || step->kind == STEP_BACKGROUND)
      fault_add (reader->faults, step->key, "%s cannot stand inside of load", step->key->string);
    else
      check_load_steps (reader, step->body);
  }
}

/* `require` is a map of patterns; the steps' names are looked at when all is read. */
static void
check_require (struct reader *reader, const struct value *require)
{
  for (size_t i = 0; require && require->type == VALUE_MAP && i < require->count; i++) {
    struct param_error error;
    const struct value *key = &require->members[i].key, *pattern = &require->members[i].value;
    size_t faults = reader->faults->count;
    match_check (pattern, reader->faults);
    if (reader->faults->count == faults && !(key->flags & VALUE_DYNAMIC) && !load_require_check (key, pattern, &error))
      fault_add (reader->faults, &error.where, "%s", error.message);
  }
}

static void
read_load (struct reader *reader, struct step *step)
{
  const struct value *map = step->args, *steps = map->type == VALUE_MAP ? value_get (map, "steps") : NULL;
  size_t faults = reader->faults->count;
  params_check (load_params (), "load", step->key, map, reader->faults);
  if (!steps)
    return;
  check_require (reader, value_get (map, "require"));
  step->body = read_steps (reader, steps, "load");
  if (steps->type == VALUE_LIST && steps->count == 0)
    fault_add (reader->faults, steps, "load: there are no steps");
  check_load_steps (reader, step->body);
  /* the steps are no arguments: they are expanded when they run */
  struct member *members = arena_array (reader->arena, map->count, sizeof *members);
  struct value *rest = arena_alloc (reader->arena, sizeof *rest);
  *rest = *map;
  rest->members = members;
  rest->flags &= (uint8_t) ~VALUE_DYNAMIC;
  for (size_t i = 0; i < map->count; i++) {
    members[i] = map->members[i];
    if (&map->members[i].value == steps)
      members[i].value = (struct value) { .type = VALUE_LIST };
    rest->flags |= (uint8_t) ((members[i].value.flags | members[i].key.flags) & VALUE_DYNAMIC);
  }
  step->args = rest;
  struct load_form form;
  struct param_error error;
  if (reader->faults->count == faults && !(rest->flags & VALUE_DYNAMIC)
      && !load_form_read (rest, folder_of (step->key), reader->arena, &form, &error))
    fault_add (reader->faults, error.where.line ? &error.where : step->key, "load: %s", error.message);
}

static void
read_args (struct reader *reader, struct step *step)
{
  switch (step->kind) {
  case STEP_VERB:
    params_check (&step->verb->params, step->verb->name, step->key, step->args, reader->faults);
    break;
  case STEP_KEYWORD:
    check_keyword_call (reader, step);
    break;
  case STEP_SET:
    check_set (reader, step);
    break;
  case STEP_CHECK:
    step->check = step->args;
    step->args = &value_null;
    break;
  case STEP_DO:
  case STEP_DEFER:
    step->body = read_some_steps (reader, step->args, step->key->string);
    break;
  case STEP_PARALLEL:
    step->body = read_steps (reader, step->args, step->key->string);
    check_branches (reader, step);
    break;
  case STEP_FIRST_OF:
    read_first_of (reader, step);
    break;
  case STEP_BACKGROUND:
    read_background (reader, step);
    break;
  case STEP_JOIN:
    check_background_name (reader, step->args, "join");
    break;
  case STEP_LOAD:
    read_load (reader, step);
    break;
  }
}

/* ---- a step ---- */

/* Two keys of a step that are no modifiers: a misspelt modifier, or two verbs. */
static void
second_verb (struct reader *reader, const struct value *first, const struct value *second)
{
  const struct value *const keys[] = { first, second };
  for (int i = 0; i < 2; i++) {
    const char *best = NULL;
    size_t distance = 0;
    bool verb = strchr (keys[i]->string, '.') || core_verb_find (keys[i]->string, keys[i]->size)
                || text_is_one_of (keys[i]->string, keys[i]->size, special_verbs);
    for (const char *const *m = modifiers; *m && !verb; m++)
      text_nearest (keys[i]->string, *m, &best, &distance);
    if (best) {
      fault_unknown (reader->faults, keys[i], "modifier", keys[i]->string, modifiers);
      return;
    }
  }
  fault_add (reader->faults, second, "a step has one verb: \"%.60s\" stands beside \"%.60s\"%s", second->string,
             first->string, strchr (second->string, '.') ? "" : " (or is no modifier)");
}

static bool
read_step (struct reader *reader, const struct value *node, struct step *step)
{
  if (node->type != VALUE_MAP) {
    fault_add (reader->faults, node, "expected a step: a map with one verb (\"log: text\"), got %s",
               value_type_name (node->type));
    return false;
  }
  const struct member *check = NULL;
  for (size_t i = 0; i < node->count; i++) {
    const struct member *m = &node->members[i];
    if (m->key.size > 2 && memcmp (m->key.string, "x-", 2) == 0)
      continue;
    if (set_modifier (step, &m->key, &m->value)) {
      if (value_is (&m->key, "check"))
        check = m;
    }
    else if (step->key) {
      second_verb (reader, step->key, &m->key);
      return false;
    }
    else {
      step->key = &m->key;
      step->args = &m->value;
    }
  }
  if (!step->key && check) { /* alone it is a step */
    step->key = &check->key;
    step->args = &check->value;
  }
  if (!step->key) {
    fault_add (reader->faults, node, "this step has no verb");
    return false;
  }
  if (!resolve (reader, step))
    return false;
  read_args (reader, step);
  check_modifiers (reader, step);
  return true;
}

static void
number_step (struct reader *reader, struct step *step)
{
  if (reader->step_count == reader->step_room) {
    reader->step_room = reader->step_room ? reader->step_room * 2 : 64;
    reader->steps = xrealloc (reader->steps, reader->step_room, sizeof *reader->steps);
  }
  step->id = (uint32_t) reader->step_count;
  reader->steps[reader->step_count++] = step;
}

struct steps
read_steps (struct reader *reader, const struct value *list, const char *what)
{
  struct steps steps = { NULL, 0 };
  if (list->type != VALUE_LIST) {
    fault_add (reader->faults, list, "%s: expected a list of steps, got %s", what, value_type_name (list->type));
    return steps;
  }
  if (reader->depth >= STEP_DEPTH) {
    fault_add (reader->faults, list, "%s: groups are nested more than %d deep", what, STEP_DEPTH);
    return steps;
  }
  reader->depth++;
  struct step *items = arena_array (reader->arena, list->count, sizeof *items);
  for (size_t i = 0; i < list->count; i++)
    if (read_step (reader, &list->items[i], &items[steps.count])) {
      number_step (reader, &items[steps.count]);
      steps.count++;
    }
    else
      memset (&items[steps.count], 0, sizeof *items);
  steps.items = items;
  reader->depth--;
  return steps;
}

struct steps
read_some_steps (struct reader *reader, const struct value *list, const char *what)
{
  if (list->type == VALUE_LIST && list->count == 0)
    fault_add (reader->faults, list, "%s: there are no steps: it would do nothing, and pass", what);
  return read_steps (reader, list, what);
}

/* For the parameters of keywords: a known type's own text. */
const char *
keyword_type (const struct value *type)
{
  for (const char *const *t = keyword_types; *t; t++)
    if (value_is (type, *t))
      return *t;
  return NULL;
}

const char *const *
suite_forms (void)
{
  return special_verbs;
}
