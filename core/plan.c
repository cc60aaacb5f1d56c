/* plan.c - see plan.h. */
#include "config.h"

#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "document.h"
#include "event.h"
#include "keys.h"
#include "text.h"
#include "units.h"

#define SUITES_NUMBERED 65536
#define CASES_MOST 1000000 /* of one suite, with its matrices and repeats */

/* A failure of the last run whose name may be that of a repeat: "x #3". */
struct repeat {
  const char *path, *name; /* of its suite; whole */
  size_t base;             /* bytes of `name` before " #3" */
};

struct maker {
  struct plan *plan;
  const struct run_options *options;
  struct expr_engine *engine;
  struct faults *faults;
  struct keys failed;      /* "path\nname" of the last run's failures */
  struct repeat *repeats;
  size_t repeat_count, repeat_room;
  struct arena arena;      /* as long as the making */
  const struct suite *suite;
  struct planned *tests;
  size_t count, room;
  bool broken;
};

/* ---- expanding ---- */

static void
add_case (struct maker *maker, const struct test *test, const struct value *row, const char *name)
{
  if (maker->count == maker->room) {
    maker->room = maker->room ? maker->room * 2 : 64;
    maker->tests = xrealloc (maker->tests, maker->room, sizeof *maker->tests);
  }
  maker->tests[maker->count++] = (struct planned) { .test = test, .row = row, .name = name };
}

/* "name (a=1, b=x)" */
static const char *
row_name (struct maker *maker, const struct test *test, const struct value *row)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_printf (&text, "%s (", test->name);
  for (size_t i = 0; i < row->count; i++) {
    buffer_printf (&text, "%s%s=", i ? ", " : "", row->members[i].key.string);
    size_t from = text.size;
    if (!value_print (&text, &row->members[i].value))
      value_show (&text, &row->members[i].value, 100);
    if (text.size - from > 200) {
      text.size = from + 200;
      buffer_lit (&text, "…");
    }
  }
  buffer_putc (&text, ')');
  return arena_copy (&maker->plan->arena, text.data, text.size);
}

static void
add_row (struct maker *maker, const struct test *test, const struct value *row)
{
  add_case (maker, test, row, row_name (maker, test, row));
}

/* Every combination of a map of lists; the last name changes fastest. */
static void
expand_product (struct maker *maker, const struct test *test)
{
  const struct value *matrix = test->matrix;
  size_t total = 1;
  for (size_t i = 0; i < matrix->count; i++)
    if (__builtin_mul_overflow (total, matrix->members[i].value.count, &total) || total > CASES_MOST) {
      fault_add (maker->faults, matrix, "matrix: more than %d cases", CASES_MOST);
      maker->broken = true;
      return;
    }
  for (size_t n = 0; n < total; n++) {
    struct member *members = arena_array (&maker->plan->arena, matrix->count, sizeof *members);
    size_t rest = n;
    for (size_t i = matrix->count; i-- > 0;) {
      const struct value *list = &matrix->members[i].value;
      members[i].key = matrix->members[i].key;
      members[i].value = list->items[rest % list->count];
      rest /= list->count;
    }
    struct value *row = arena_alloc (&maker->plan->arena, sizeof *row);
    *row = (struct value) { .type = VALUE_MAP, .count = matrix->count, .members = members };
    add_row (maker, test, row);
  }
}

static void
expand_test (struct maker *maker, const struct test *test)
{
  if (!test->matrix)
    add_case (maker, test, NULL, test->name);
  else if (test->matrix->type == VALUE_MAP)
    expand_product (maker, test);
  else
    for (size_t i = 0; i < test->matrix->count; i++)
      add_row (maker, test, &test->matrix->items[i]);
}

/* Two rows may print alike: then their number tells them apart. */
static void
make_unique (struct maker *maker)
{
  struct keys seen = { 0 };
  size_t first = 0; /* case of the same test */
  for (size_t i = 0; i < maker->count; i++) {
    struct value *name = arena_alloc (&maker->arena, sizeof *name);
    const char *base = maker->tests[i].name;
    if (maker->tests[i].test != maker->tests[first].test)
      first = i;
    *name = value_string (base);
    for (size_t n = i - first + 1; keys_add (&seen, name); n++) {
      maker->tests[i].name = arena_printf (&maker->plan->arena, "%s [%zu]", base, n);
      *name = value_string (maker->tests[i].name);
    }
  }
  keys_free (&seen);
}

/* ---- selecting ---- */

static bool
any_keyword (const struct maker *maker, const struct planned *planned)
{
  if (!maker->options->keyword_count)
    return true;
  for (size_t i = 0; i < maker->options->keyword_count; i++)
    if (strcasestr (planned->name, maker->options->keywords[i])
        || (maker->suite->name && strcasestr (maker->suite->name, maker->options->keywords[i])))
      return true;
  return false;
}

static bool
has_tag (const struct test *test, const char *tag)
{
  for (const char **t = test->tags; t && *t; t++)
    if (strcmp (*t, tag) == 0)
      return true;
  return false;
}

/* Any of the plain tags, and none of the excluded ones (`!slow`). */
static bool
tags_fit (const struct maker *maker, const struct planned *planned)
{
  bool wanted = false, any = false;
  for (size_t i = 0; i < maker->options->tag_count; i++) {
    const char *tag = maker->options->tags[i];
    if (tag[0] == '!') {
      if (has_tag (planned->test, tag + 1))
        return false;
      continue;
    }
    wanted = true;
    any |= has_tag (planned->test, tag);
  }
  return !wanted || any;
}

struct where_data {
  struct value name, suite, path, tags, line;
};

static const struct value *
where_lookup (void *data, const char *name, size_t size)
{
  struct where_data *d = data;
  const struct {
    const char *name;
    const struct value *value;
  } all[] = { { "name", &d->name }, { "suite", &d->suite }, { "path", &d->path }, { "tags", &d->tags }, { "line", &d->line } };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (strlen (all[i].name) == size && memcmp (all[i].name, name, size) == 0)
      return all[i].value;
  return NULL;
}

static void
where_names (void *data, void (*each) (void *each_data, const char *name), void *each_data)
{
  (void) data;
  static const char *const names[] = { "name", "suite", "path", "tags", "line" };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    each (each_data, names[i]);
}

static bool
where_fits (struct maker *maker, const struct planned *planned)
{
  if (!maker->options->where || maker->broken)
    return true;
  CLEANUP_ARENA struct arena arena = { 0 };
  size_t n = 0;
  while (planned->test->tags && planned->test->tags[n])
    n++;
  struct value *tags = arena_array (&arena, n, sizeof *tags);
  for (size_t i = 0; i < n; i++)
    tags[i] = value_string (planned->test->tags[i]);
  struct where_data data = {
    .name = value_string (planned->name),
    .suite = value_string (maker->suite->name ? maker->suite->name : ""),
    .path = value_string (maker->suite->path),
    .tags = { .type = VALUE_LIST, .count = n, .items = tags },
    .line = value_int (planned->test->where.line),
  };
  struct expr_scope scope = { where_lookup, where_names, &data, "." };
  struct value expression = value_string (maker->options->where);
  struct expr_error error;
  bool fits = false;
  if (!expr_test (maker->engine, &expression, &scope, &fits, &error)) {
    fault_add (maker->faults, NULL, "--where: %s", error.message);
    maker->broken = true;
  }
  return fits;
}

/* FNV-1a: stable over runs, machines and the order of files. */
static uint64_t
hash_test (const char *path, const char *name)
{
  uint64_t hash = UINT64_C (0xcbf29ce484222325);
  const char *texts[] = { path, name };
  for (int t = 0; t < 2; t++)
    for (const char *p = texts[t];; p++) {
      hash = (hash ^ (unsigned char) *p) * UINT64_C (0x100000001b3);
      if (!*p)
        break;
    }
  return hash ^ hash >> 32;
}

static bool
in_shard (const struct maker *maker, const struct planned *planned)
{
  uint32_t shards = maker->options->shards;
  return !shards || hash_test (maker->suite->path, planned->name) % shards == maker->options->shard - 1;
}

static void
add_failed (struct maker *maker, const char *path, const char *name, size_t size)
{
  struct value *key = arena_alloc (&maker->arena, sizeof *key);
  *key = value_string (arena_printf (&maker->arena, "%s\n%.*s", path, (int) size, name));
  keys_add (&maker->failed, key);
}

/* A repeat that failed stands for its test, unless there is a test of that very name. */
static void
add_failed_repeats (struct maker *maker)
{
  if (!maker->repeat_count)
    return;
  struct keys names = { 0 };
  struct value *all = arena_array (&maker->arena, maker->count, sizeof *all);
  for (size_t i = 0; i < maker->count; i++) {
    all[i] = value_string (maker->tests[i].name);
    keys_add (&names, &all[i]);
  }
  for (size_t i = 0; i < maker->repeat_count; i++) {
    const struct repeat *repeat = &maker->repeats[i];
    struct value name = value_string (repeat->name);
    if (strcmp (repeat->path, maker->suite->path) == 0 && !keys_find (&names, &name))
      add_failed (maker, repeat->path, repeat->name, repeat->base);
  }
  keys_free (&names);
}

static bool
failed_last (struct maker *maker, const struct planned *planned)
{
  if (!maker->options->last_failed)
    return true;
  char *text = arena_printf (&maker->arena, "%s\n%s", maker->suite->path, planned->name);
  struct value key = value_string (text);
  return keys_find (&maker->failed, &key) != NULL;
}

static void
select_tests (struct maker *maker)
{
  size_t n = 0;
  add_failed_repeats (maker);
  for (size_t i = 0; i < maker->count; i++) {
    const struct planned *planned = &maker->tests[i];
    if (any_keyword (maker, planned) && tags_fit (maker, planned) && where_fits (maker, planned)
        && failed_last (maker, planned) && in_shard (maker, planned))
      maker->tests[n++] = *planned;
  }
  maker->count = n;
}

/* ---- the last run ---- */

/* Is it "x #3", as repeat_tests names them? */
static void
note_repeat (struct maker *maker, const char *path, const char *name, size_t size)
{
  size_t base = size;
  while (base && is_digit (name[base - 1]))
    base--;
  if (base == size || base < 3 || memcmp (name + base - 2, " #", 2) != 0)
    return;
  if (maker->repeat_count == maker->repeat_room) {
    maker->repeat_room = maker->repeat_room ? maker->repeat_room * 2 : 16;
    maker->repeats = xrealloc (maker->repeats, maker->repeat_room, sizeof *maker->repeats);
  }
  maker->repeats[maker->repeat_count++] = (struct repeat) { path, arena_copy (&maker->arena, name, size), base - 2 };
}

static void
note_result (struct maker *maker, const struct event *event, const char *const *paths, size_t path_count)
{
  if (event->type != EVENT_TEST || !event->final || event->suite >= path_count || !paths[event->suite]
      || (event->outcome != OUTCOME_FAILED && event->outcome != OUTCOME_ERROR && event->outcome != OUTCOME_NOT_RUN))
    return;
  const char *name = event->name ? event->name : "";
  add_failed (maker, paths[event->suite], name, strlen (name));
  note_repeat (maker, paths[event->suite], name, strlen (name));
}

static void
read_last_run (struct maker *maker)
{
  const char *path = arena_printf (&maker->arena, "%s/events.jsonl", maker->options->output);
  FILE *file = fopen (path, "re");
  const char **paths = arena_array (&maker->arena, SUITES_NUMBERED, sizeof *paths);
  char *line = NULL;
  size_t room = 0;
  ssize_t n;
  if (!file) {
    fault_add (maker->faults, NULL, "--last-failed: cannot read %s: %s", path, strerror (errno));
    maker->broken = true;
    return;
  }
  while ((n = getline (&line, &room, file)) > 0) {
    CLEANUP_ARENA struct arena arena = { 0 };
    struct event event;
    char error[256];
    if (!event_read (&arena, line, (size_t) n, &event, error, sizeof error))
      continue; /* the last line of a run that was killed */
    if (event.type == EVENT_PLAN && event.suite < SUITES_NUMBERED && event.path)
      paths[event.suite] = arena_strdup (&maker->arena, event.path);
    note_result (maker, &event, paths, SUITES_NUMBERED);
  }
  free (line);
  fclose (file);
}

/* ---- ordering ---- */

/* splitmix64 (public domain, Vigna): any seed gives a good sequence. */
static uint64_t
next_random (uint64_t *state)
{
  uint64_t z = *state += UINT64_C (0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
  return z ^ z >> 31;
}

static void
swap_bytes (char *a, char *b, size_t size)
{
  for (size_t i = 0; i < size; i++) {
    char other = a[i];
    a[i] = b[i];
    b[i] = other;
  }
}

/* Of items of that size; the same state gives the same order. */
static void
shuffle (void *items, size_t count, size_t size, uint64_t *state)
{
  char *all = items;
  for (size_t i = count; i > 1; i--) {
    size_t j = (size_t) (next_random (state) % i);
    if (j != i - 1)
      swap_bytes (all + j * size, all + (i - 1) * size, size);
  }
}

/* ---- targets and variables ---- */

const char *
options_var (const struct run_options *options, const char *name)
{
  size_t n = strlen (name);
  for (size_t i = options->var_count; i-- > 0;)
    if (strncmp (options->vars[i], name, n) == 0 && options->vars[i][n] == '=')
      return options->vars[i] + n + 1;
  return NULL;
}

bool
options_var_value (const char *given, const struct value *preset, struct value *out)
{
  bool text = preset->type == VALUE_STRING
              && !((preset->flags & VALUE_DYNAMIC) && expr_is_whole (preset->string, preset->size));
  if (text || !document_scalar (given, strlen (given), out))
    *out = value_string (given);
  switch (preset->type) {
  case VALUE_INT:
    return out->type == VALUE_INT;
  case VALUE_FLOAT:
    return out->type == VALUE_INT || out->type == VALUE_FLOAT;
  case VALUE_BOOL:
    return out->type == VALUE_BOOL;
  default:
    return true;
  }
}

const char *
plan_target (const struct plan *plan, const char *role, const char *export)
{
  for (size_t i = 0; i < plan->target_count; i++)
    if (strcmp (plan->targets[i].role, role) == 0 && strcmp (plan->targets[i].export, export) == 0)
      return plan->targets[i].value;
  return NULL;
}

bool
plan_targets_role (const struct plan *plan, const char *role)
{
  for (size_t i = 0; i < plan->target_count; i++)
    if (strcmp (plan->targets[i].role, role) == 0)
      return true;
  return false;
}

static void
read_targets (struct maker *maker)
{
  struct plan *plan = maker->plan;
  plan->targets = arena_array (&plan->arena, maker->options->target_count, sizeof *plan->targets);
  for (size_t i = 0; i < maker->options->target_count; i++) {
    char *text = arena_strdup (&plan->arena, maker->options->targets[i]);
    char *equals = strchr (text, '='), *dot = strchr (text, '.');
    if (!equals || !dot || dot > equals || dot == text) {
      fault_add (maker->faults, NULL, "--target: expected ROLE.EXPORT=VALUE, got \"%s\"", text);
      maker->broken = true;
      continue;
    }
    *equals = *dot = '\0';
    if (plan_target (plan, text, dot + 1))
      fault_add (maker->faults, NULL, "--target: %s.%s is given twice", text, dot + 1);
    plan->targets[plan->target_count++] = (struct target) { text, dot + 1, equals + 1 };
  }
}

/* What the table says of it; an address is one to connect to. */
static void
check_target_value (struct maker *maker, const struct role_def *role, const struct runner_field *field)
{
  const char *text = plan_target (maker->plan, role->name, field->name), *why;
  struct address address;
  struct value value;
  size_t size = text ? strlen (text) : 0;
  if (!text)
    return;
  if (field->type == RUNNER_ADDRESS
      && (!parse_address (&maker->arena, text, size, &address, &why) || (!address.path && !address.port)))
    fault_add (maker->faults, &role->where, "--target: %s.%s: expected host:port, [v6]:port or unix:/path, got \"%s\"",
               role->name, field->name, text);
  else if (field->type == RUNNER_INT && (!document_scalar (text, size, &value) || value.type != VALUE_INT))
    fault_add (maker->faults, &role->where, "--target: %s.%s: expected an integer, got \"%s\"", role->name,
               field->name, text);
}

/* A role that runs elsewhere needs all its exports, and only such as it has. */
static void
check_target_role (struct maker *maker, const struct role_def *role)
{
  const struct plan *plan = maker->plan;
  if (!plan_targets_role (plan, role->name))
    return;
  for (size_t i = 0; i < role->type->export_count; i++) {
    const struct runner_field *field = &role->type->exports[i];
    if (!(field->flags & RUNNER_OPTIONAL) && !plan_target (plan, role->name, field->name))
      fault_add (maker->faults, &role->where, "--target: role %s needs %s.%s=… too: all its exports must be given",
                 role->name, role->name, field->name);
    check_target_value (maker, role, field);
  }
  for (size_t t = 0; t < plan->target_count; t++) {
    bool known = strcmp (plan->targets[t].role, role->name) != 0;
    for (size_t i = 0; i < role->type->export_count && !known; i++)
      known = strcmp (role->type->exports[i].name, plan->targets[t].export) == 0;
    if (!known)
      fault_add (maker->faults, &role->where, "--target: role %s exports no %s", role->name, plan->targets[t].export);
  }
  if (role->count)
    fault_add (maker->faults, &role->where, "--target: role %s is a list: a target stands for one", role->name);
}

static bool
some_suite_has_role (struct suite **suites, size_t count, const char *name)
{
  for (size_t i = 0; i < count; i++) {
    if (suite_role (suites[i], name))
      return true;
    for (size_t t = 0; t < suites[i]->test_count; t++)
      for (size_t r = 0; r < suites[i]->tests[t].role_count; r++)
        if (strcmp (suites[i]->tests[t].roles[r].name, name) == 0)
          return true;
  }
  return false;
}

static void
check_targets (struct maker *maker, struct suite **suites, size_t count)
{
  read_targets (maker);
  for (size_t i = 0; i < count; i++) {
    for (size_t r = 0; r < suites[i]->role_count; r++)
      check_target_role (maker, &suites[i]->roles[r]);
    for (size_t t = 0; t < suites[i]->test_count; t++)
      for (size_t r = 0; r < suites[i]->tests[t].role_count; r++)
        check_target_role (maker, &suites[i]->tests[t].roles[r]);
  }
  for (size_t t = 0; t < maker->plan->target_count; t++)
    if (!some_suite_has_role (suites, count, maker->plan->targets[t].role))
      fault_add (maker->faults, NULL, "--target: no suite has a role %s", maker->plan->targets[t].role);
}

/* Has the suite the variable of NAME=VALUE?  A value that is not of its type is a fault. */
static bool
check_var (struct maker *maker, const struct suite *suite, const char *text, const char *equals)
{
  for (size_t i = 0; i < suite->var_count; i++) {
    const struct named_value *var = &suite->vars[i];
    struct value value;
    if (strlen (var->name) != (size_t) (equals - text) || strncmp (var->name, text, (size_t) (equals - text)) != 0)
      continue;
    const char *given = options_var (maker->options, var->name); /* of several the last counts */
    if (given == equals + 1 && !options_var_value (given, var->value, &value))
      fault_add (maker->faults, var->value, "--var %s: expected %s %s, as it is here, got %s \"%.100s\"", var->name,
                 var->value->type == VALUE_INT ? "an" : "a", value_type_name (var->value->type),
                 value_type_name (value.type), given);
    return true;
  }
  return false;
}

static void
check_vars (struct maker *maker, struct suite **suites, size_t count)
{
  for (size_t v = 0; v < maker->options->var_count; v++) {
    const char *text = maker->options->vars[v], *equals = strchr (text, '=');
    bool known = false;
    for (size_t i = 0; equals && i < count; i++)
      known |= check_var (maker, suites[i], text, equals);
    if (!equals)
      fault_add (maker->faults, NULL, "--var: expected NAME=VALUE, got \"%s\"", text);
    else if (!known)
      fault_add (maker->faults, NULL, "--var: no suite has a variable %.*s", (int) (equals - text), text);
  }
}

/* ---- the plan ---- */

static void
repeat_tests (struct maker *maker)
{
  size_t once = maker->count, all;
  if (maker->options->repeat > 1 && (__builtin_mul_overflow (once, maker->options->repeat, &all) || all > CASES_MOST)) {
    fault_add (maker->faults, NULL, "--repeat: more than %d cases in %s", CASES_MOST, maker->suite->path);
    maker->broken = true;
    return;
  }
  for (uint32_t n = 2; n <= maker->options->repeat; n++)
    for (size_t i = 0; i < once; i++)
      add_case (maker, maker->tests[i].test, maker->tests[i].row,
                arena_printf (&maker->plan->arena, "%s #%u", maker->tests[i].name, n));
}

static void
plan_suite (struct maker *maker, struct planned_suite *planned)
{
  maker->suite = planned->suite;
  maker->count = 0;
  for (size_t i = 0; i < planned->suite->test_count; i++)
    expand_test (maker, &planned->suite->tests[i]);
  make_unique (maker);
  select_tests (maker);
  repeat_tests (maker);
  planned->tests = arena_array (&maker->plan->arena, maker->count, sizeof *planned->tests);
  if (maker->count)
    memcpy (planned->tests, maker->tests, maker->count * sizeof *planned->tests);
  planned->count = maker->count;
}

bool
plan_make (struct plan *plan, struct suite **suites, size_t count, const struct run_options *options,
           struct expr_engine *engine, struct faults *faults)
{
  struct maker maker = { .plan = plan, .options = options, .engine = engine, .faults = faults };
  size_t before = faults->count;
  *plan = (struct plan) { .suites = NULL };
  check_targets (&maker, suites, count);
  check_vars (&maker, suites, count);
  if (options->last_failed)
    read_last_run (&maker);
  plan->suites = arena_array (&plan->arena, count, sizeof *plan->suites);
  for (size_t i = 0; i < count; i++) {
    plan->suites[plan->suite_count].suite = suites[i];
    plan_suite (&maker, &plan->suites[plan->suite_count]);
    if (plan->suites[plan->suite_count].count)
      plan->suite_count++;
  }
  uint64_t state = options->seed;
  if (options->shuffle)
    shuffle (plan->suites, plan->suite_count, sizeof *plan->suites, &state);
  for (size_t i = 0; i < plan->suite_count; i++) {
    struct planned_suite *planned = &plan->suites[i];
    if (options->shuffle && !planned->suite->ordered)
      shuffle (planned->tests, planned->count, sizeof *planned->tests, &state);
    for (size_t j = 0; j < planned->count; j++)
      planned->tests[j].number = (uint32_t) j;
    plan->test_count += planned->count;
  }
  free (maker.tests);
  free (maker.repeats);
  keys_free (&maker.failed);
  arena_free (&maker.arena);
  return faults->count == before && !maker.broken;
}

void
plan_free (struct plan *plan)
{
  arena_free (&plan->arena);
}
