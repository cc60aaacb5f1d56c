/* suite.c - files: suites and the libraries they include.  Steps are in
 * suite-step.c, names and expressions in suite-names.c. */
#include "config.h"

#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "secret.h"
#include "suite-read.h"
#include "text.h"
#include "units.h"

static const char *const suite_keys[]
  = { "suite",       "about",      "tags",  "vars",    "secrets",   "include", "roles",   "keywords", "setup", "teardown",
      "before_each", "after_each", "tests", "timeout", "isolation", "locks",   "ordered", NULL };
static const char *const library_keys[]
  = { "library", "about", "vars", "roles", "keywords", "before_each", "after_each", NULL };
static const char *const test_keys[] = { "test",    "about",  "tags",  "skip",  "if",    "timeout",
                                         "retries", "matrix", "locks", "roles", "steps", "on_failure", NULL };

/* ---- small things ---- */

const struct value *
read_key (const struct value *map, const char *key)
{
  return value_get (map, key);
}

void
check_keys (struct reader *reader, const struct value *map, const char *what, const char *const *known)
{
  for (size_t i = 0; i < map->count; i++) {
    const struct value *key = &map->members[i].key;
    bool fine = key->size > 2 && memcmp (key->string, "x-", 2) == 0;
    for (const char *const *k = known; *k && !fine; k++)
      fine = value_is (key, *k);
    if (!fine) {
      char of[160];
      snprintf (of, sizeof of, "%s: key", what);
      fault_unknown (reader->faults, key, of, key->string, known);
    }
  }
}

/* A text of a key, or NULL with a fault when it is something else or dynamic. */
static const char *
read_text (struct reader *reader, const struct value *value, const char *what)
{
  if (!value)
    return NULL;
  if (value->type != VALUE_STRING && value->type != VALUE_INT && value->type != VALUE_FLOAT) {
    fault_add (reader->faults, value, "%s: expected a text, got %s", what, value_type_name (value->type));
    return NULL;
  }
  if (value->flags & VALUE_DYNAMIC) {
    fault_add (reader->faults, value, "%s: ${…} cannot stand here", what);
    return NULL;
  }
  if (value->type == VALUE_STRING) {
    if (strlen (value->string) != value->size) {
      fault_add (reader->faults, value, "%s: a NUL character cannot stand here", what);
      return NULL;
    }
    return value->string;
  }
  CLEANUP_BUFFER struct buffer text = { 0 };
  value_print (&text, value);
  return arena_copy (reader->arena, text.data, text.size);
}

static bool
read_bool (struct reader *reader, const struct value *value, const char *what, bool *out)
{
  if (!value)
    return false;
  if (value->type != VALUE_BOOL) {
    fault_add (reader->faults, value, "%s: expected true or false", what);
    return false;
  }
  *out = value->boolean;
  return true;
}

bool
value_duration (const struct value *value, int64_t *ns)
{
  if (value->type == VALUE_STRING)
    return parse_duration (value->string, value->size, ns);
  *ns = 0;
  return value->type == VALUE_INT && value->integer == 0;
}

const char *
duration_fault (const struct value *value, int64_t *ns)
{
  if (!value_duration (value, ns))
    return "expected a duration with its unit (200ms, 5s, 2m)";
  return *ns > DURATION_MOST_NS ? "expected a duration of at most " DURATION_MOST : NULL;
}

/* Of tests and roles: with no time at all they could only fail. */
static void
read_time (struct reader *reader, const struct value *value, const char *what, int64_t *ns)
{
  const char *why = value ? duration_fault (value, ns) : NULL;
  if (value && !why && *ns == 0)
    why = "expected a duration with its unit (200ms, 5s, 2m), and not 0";
  if (why)
    fault_add (reader->faults, value, "%s: %s", what, why);
}

/* A name of a role, keyword, variable: an identifier that is no helper. */
static void
check_identifier (struct reader *reader, const struct value *key, const char *what)
{
  if (!text_is_name (key->string, key->size))
    fault_add (reader->faults, key, "%s: \"%.60s\" %s", what, key->string, why_no_name (key));
  if (text_is_one_of (key->string, key->size, expr_helpers ()))
    fault_add (reader->faults, key, "%s: \"%s\" is the name of a helper: choose another", what, key->string);
  if (value_is (key, "result"))
    fault_add (reader->faults, key, "%s: \"result\" is the name of a step's own result: choose another", what);
}

/* A text or a list of texts.  With room for `more` entries and the final NULL. */
static const char **
read_texts (struct reader *reader, const struct value *value, const char *what, const char *const *first)
{
  size_t n = 0, more = value ? (value->type == VALUE_LIST ? value->count : 1) : 0;
  while (first && first[n])
    n++;
  const char **texts = arena_array (reader->arena, n + more + 1, sizeof *texts);
  for (size_t i = 0; i < n; i++)
    texts[i] = first[i];
  for (size_t i = 0; i < more; i++) {
    const char *text = read_text (reader, value->type == VALUE_LIST ? &value->items[i] : value, what);
    if (text)
      texts[n++] = text;
  }
  return texts;
}

static bool
expect_map (struct reader *reader, const struct value *value, const char *what)
{
  if (value && value->type != VALUE_MAP && value->type != VALUE_NULL)
    fault_add (reader->faults, value, "%s: expected a map, got %s", what, value_type_name (value->type));
  return value && value->type == VALUE_MAP;
}

const char *
folder_of (const struct value *where)
{
  /* one entry a file, made when it is first asked for: before anything forks */
  static const char *folders[UINT16_MAX + 1];
  uint16_t file = where->file;
  if (!folders[file]) {
    const char *name = source_name (where->file), *slash = strrchr (name, '/');
    char *copy = xstrdup (slash ? name : ".");
    if (slash)
      copy[slash == name ? 1 : slash - name] = '\0';
    folders[file] = copy;
  }
  return folders[file];
}

/* ---- vars, secrets, roles ---- */

static void
collision (struct reader *reader, const struct value *key, const char *what, const struct value *earlier)
{
  struct buffer place = { 0 };
  place_print (&place, earlier);
  fault_add (reader->faults, key, "%s \"%s\" is already defined at %s", what, key->string, buffer_text (&place));
  buffer_free (&place);
}

/* Roles hide variables, and secrets both: a name that is given twice is a mistake. */
static void
check_name_twice (struct reader *reader, const struct value *name, const char *what, const struct role_def *roles,
                  size_t role_count)
{
  for (size_t i = 0; i < role_count; i++)
    if (value_is (name, roles[i].name)) {
      CLEANUP_BUFFER struct buffer place = { 0 };
      place_print (&place, &roles[i].where);
      fault_add (reader->faults, name, "%s \"%s\" has the name of the role at %s, which would hide it: "
                 "choose another", what, name->string, buffer_text (&place));
    }
}

static void
check_names_twice (struct reader *reader)
{
  const struct suite *suite = reader->suite;
  for (size_t i = 0; i < suite->var_count; i++) {
    check_name_twice (reader, &suite->vars[i].where, "variable", suite->roles, suite->role_count);
    for (size_t t = 0; t < suite->test_count; t++)
      check_name_twice (reader, &suite->vars[i].where, "variable", suite->tests[t].roles,
                        suite->tests[t].role_count);
    for (size_t s = 0; s < suite->secret_count; s++)
      if (value_is (&suite->secrets[s].where, suite->vars[i].name))
        collision (reader, &suite->secrets[s].where, "variable", &suite->vars[i].where);
  }
  for (size_t i = 0; i < suite->secret_count; i++) {
    check_name_twice (reader, &suite->secrets[i].where, "secret", suite->roles, suite->role_count);
    for (size_t t = 0; t < suite->test_count; t++)
      check_name_twice (reader, &suite->secrets[i].where, "secret", suite->tests[t].roles,
                        suite->tests[t].role_count);
  }
}

static void
read_vars (struct reader *reader, const struct value *vars)
{
  struct suite *suite = reader->suite;
  if (!expect_map (reader, vars, "vars"))
    return;
  struct named_value *all = arena_array (reader->arena, suite->var_count + vars->count, sizeof *all);
  if (suite->var_count)
    memcpy (all, suite->vars, suite->var_count * sizeof *all);
  for (size_t i = 0; i < vars->count; i++) {
    const struct member *m = &vars->members[i];
    check_identifier (reader, &m->key, "vars");
    for (size_t j = 0; j < suite->var_count; j++)
      if (value_is (&m->key, all[j].name))
        collision (reader, &m->key, "variable", &all[j].where);
    all[suite->var_count++] = (struct named_value) { m->key.string, m->key, &m->value };
  }
  suite->vars = all;
}

static void
read_secrets (struct reader *reader, const struct value *secrets)
{
  static const char *const known[] = { "env", "file", NULL };
  struct suite *suite = reader->suite;
  if (!expect_map (reader, secrets, "secrets"))
    return;
  suite->secrets = arena_array (reader->arena, secrets->count, sizeof *suite->secrets);
  for (size_t i = 0; i < secrets->count; i++) {
    const struct member *m = &secrets->members[i];
    check_identifier (reader, &m->key, "secrets");
    struct secret *secret = &suite->secrets[suite->secret_count++];
    *secret = (struct secret) { .name = m->key.string, .where = m->key };
    if (!expect_map (reader, &m->value, "secrets"))
      continue;
    check_keys (reader, &m->value, "secrets", known);
    secret->env = read_text (reader, read_key (&m->value, "env"), "secrets: env");
    secret->file = read_text (reader, read_key (&m->value, "file"), "secrets: file");
    if (!secret->env == !secret->file)
      fault_add (reader->faults, &m->key, "secrets: %s: one of env, file must be given", secret->name);
  }
}

static const struct role_type *
find_role_type (struct reader *reader, const struct value *key)
{
  size_t n = strcspn (key->string, ".");
  if (!key->string[n] || n == 0) {
    fault_add (reader->faults, key, "\"%.60s\" is no role: a role is named PLUGIN.ROLE", key->string);
    return NULL;
  }
  const struct plugin *plugin = read_plugin (reader, key);
  if (!plugin)
    return NULL;
  const struct role_type *type = plugin_role (plugin, key->string);
  if (!type) {
    const char *names[64];
    size_t count = 0;
    for (; count < plugin->role_count && count < 63; count++)
      names[count] = plugin->roles[count].name;
    names[count] = NULL;
    fault_unknown (reader->faults, key, "role", key->string, names);
  }
  return type;
}

static void
read_role_options (struct reader *reader, const struct value *node, struct role_def *role)
{
  const struct value *count = read_key (node, "count"), *start = read_key (node, "start"),
                     *scope = read_key (node, "scope"), *ready = read_key (node, "ready");
  read_time (reader, ready, "ready", &role->ready_ns);
  if (count) {
    if (count->type != VALUE_INT || count->integer < 1 || count->integer > 1000)
      fault_add (reader->faults, count, "count: expected an integer from 1 to 1000");
    else
      role->count = (uint32_t) count->integer;
  }
  if (start) {
    role->manual = value_is (start, "manual");
    if (!role->manual && !value_is (start, "auto"))
      fault_add (reader->faults, start, "start: expected manual or auto");
  }
  if (scope) {
    role->run_scope = value_is (scope, "run");
    if (!role->run_scope && !value_is (scope, "suite"))
      fault_add (reader->faults, scope, "scope: expected run or suite");
  }
  if (role->manual && role->run_scope)
    fault_add (reader->faults, start, "start: a role with scope: run is started before the first suite: no suite can do it");
}

static void
read_role (struct reader *reader, const struct member *m, struct role_def *role)
{
  *role = (struct role_def) { .name = m->key.string, .where = m->key, .args = &value_null,
                              .ready_ns = DEFAULT_READY_NS };
  check_identifier (reader, &m->key, "roles");
  if (m->value.type != VALUE_MAP) {
    fault_add (reader->faults, &m->value, "roles: %s: expected a map {PLUGIN.ROLE: {…}}", role->name);
    return;
  }
  const struct value *type_key = NULL;
  for (size_t i = 0; i < m->value.count; i++) {
    const struct member *entry = &m->value.members[i];
    if (value_is (&entry->key, "count") || value_is (&entry->key, "start") || value_is (&entry->key, "scope")
        || value_is (&entry->key, "ready")
        || (entry->key.size > 2 && memcmp (entry->key.string, "x-", 2) == 0))
      continue;
    if (type_key) {
      fault_add (reader->faults, &entry->key, "roles: %s has one role; \"%.60s\" is another key (count, start, scope, ready)",
                 role->name, entry->key.string);
      continue;
    }
    type_key = &entry->key;
    role->args = &entry->value;
  }
  read_role_options (reader, &m->value, role);
  if (!type_key) {
    fault_add (reader->faults, &m->key, "roles: %s: PLUGIN.ROLE is missing", role->name);
    return;
  }
  role->type = find_role_type (reader, type_key);
  if (role->type)
    params_check (&role->type->params, role->type->name, type_key, role->args, reader->faults);
}

static struct role_def *
read_roles (struct reader *reader, const struct value *roles, struct role_def *first, size_t *count)
{
  if (!expect_map (reader, roles, "roles"))
    return first;
  struct role_def *all = arena_array (reader->arena, *count + roles->count, sizeof *all);
  if (first)
    memcpy (all, first, *count * sizeof *all);
  for (size_t i = 0; i < roles->count; i++) {
    for (size_t j = 0; j < *count; j++)
      if (value_is (&roles->members[i].key, all[j].name))
        collision (reader, &roles->members[i].key, "role", &all[j].where);
    read_role (reader, &roles->members[i], &all[*count]);
    ++*count;
  }
  return all;
}

/* ---- keywords: first their heads, so that steps can call any of them ---- */

static void
check_keyword_default (struct reader *reader, const struct keyword_param *param)
{
  if ((param->preset->flags & VALUE_DYNAMIC) || value_fits (param->preset, param->type))
    return;
  CLEANUP_BUFFER struct buffer shown = { 0 };
  value_show (&shown, param->preset, 60);
  fault_add (reader->faults, param->preset, "default: expected %s, got %s %s", param->type,
             value_type_name (param->preset->type), buffer_text (&shown));
}

static void
read_keyword_param (struct reader *reader, const struct member *m, struct keyword_param *param)
{
  static const char *const known[] = { "type", "primary", "default", "about", NULL };
  *param = (struct keyword_param) { .name = m->key, .type = "any" };
  check_identifier (reader, &m->key, "params");
  if (m->value.type == VALUE_NULL)
    return;
  if (!expect_map (reader, &m->value, "params"))
    return;
  check_keys (reader, &m->value, "params", known);
  const struct value *type = read_key (&m->value, "type");
  if (type) {
    param->type = keyword_type (type);
    if (!param->type) {
      fault_add (reader->faults, type,
                 "type: expected one of string, integer, number, boolean, duration, size, list, map, any");
      param->type = "any";
    }
  }
  param->preset = read_key (&m->value, "default");
  if (param->preset)
    check_keyword_default (reader, param);
  read_bool (reader, read_key (&m->value, "primary"), "primary", &param->primary);
}

/* Only one may stand alone. */
static void
check_primaries (struct reader *reader, const struct keyword *keyword)
{
  const struct keyword_param *first = NULL;
  for (size_t i = 0; i < keyword->param_count; i++) {
    const struct keyword_param *param = &keyword->params[i];
    if (param->primary && first)
      fault_add (reader->faults, &param->name, "params: %s is primary already: only one parameter can stand alone",
                 first->name.string);
    else if (param->primary)
      first = param;
  }
}

static void
read_keyword_head (struct reader *reader, const struct member *m, struct keyword *keyword)
{
  static const char *const known[] = { "about", "params", "steps", "returns", NULL };
  *keyword = (struct keyword) { .name = m->key.string, .where = m->key };
  check_identifier (reader, &m->key, "keywords");
  if (!expect_map (reader, &m->value, "keywords"))
    return;
  check_keys (reader, &m->value, "keywords", known);
  keyword->returns = read_key (&m->value, "returns");
  const struct value *params = read_key (&m->value, "params");
  if (!expect_map (reader, params, "params"))
    return;
  if (params->count > PARAM_MOST) {
    fault_add (reader->faults, params, "params: more than %d", PARAM_MOST);
    return;
  }
  keyword->params = arena_array (reader->arena, params->count, sizeof *keyword->params);
  for (size_t i = 0; i < params->count; i++)
    read_keyword_param (reader, &params->members[i], &keyword->params[keyword->param_count++]);
  check_primaries (reader, keyword);
}

static void
read_keyword_heads (struct reader *reader, const struct value *keywords)
{
  struct suite *suite = reader->suite;
  if (!expect_map (reader, keywords, "keywords"))
    return;
  struct keyword *all = arena_array (reader->arena, suite->keyword_count + keywords->count, sizeof *all);
  if (suite->keyword_count)
    memcpy (all, suite->keywords, suite->keyword_count * sizeof *all);
  for (size_t i = 0; i < keywords->count; i++) {
    for (size_t j = 0; j < suite->keyword_count; j++)
      if (value_is (&keywords->members[i].key, all[j].name))
        collision (reader, &keywords->members[i].key, "keyword", &all[j].where);
    read_keyword_head (reader, &keywords->members[i], &all[suite->keyword_count++]);
  }
  suite->keywords = all;
}

static void
read_keyword_bodies (struct reader *reader, const struct value *keywords)
{
  if (!keywords || keywords->type != VALUE_MAP)
    return;
  for (size_t i = 0; i < keywords->count; i++) {
    const struct value *body = &keywords->members[i].value;
    const struct value *steps = body->type == VALUE_MAP ? read_key (body, "steps") : NULL;
    struct keyword *keyword
      = (struct keyword *) suite_keyword (reader->suite, keywords->members[i].key.string, keywords->members[i].key.size);
    if (!steps)
      fault_add (reader->faults, &keywords->members[i].key, "keywords: %s: steps are missing",
                 keywords->members[i].key.string);
    else if (keyword && !keyword->steps.items)
      keyword->steps = (keyword->returns ? read_steps : read_some_steps) (reader, steps, "steps");
  }
}

const struct keyword *
suite_keyword (const struct suite *suite, const char *name, size_t size)
{
  for (size_t i = 0; i < suite->keyword_count; i++)
    if (strlen (suite->keywords[i].name) == size && memcmp (suite->keywords[i].name, name, size) == 0)
      return &suite->keywords[i];
  return NULL;
}

const struct role_def *
suite_role (const struct suite *suite, const char *name)
{
  for (size_t i = 0; i < suite->role_count; i++)
    if (strcmp (suite->roles[i].name, name) == 0)
      return &suite->roles[i];
  return NULL;
}

bool
suite_has_test_roles (const struct suite *suite)
{
  for (size_t i = 0; i < suite->test_count; i++)
    if (suite->tests[i].role_count)
      return true;
  return false;
}

/* ---- tests ---- */

static void
check_matrix_values (struct reader *reader, const struct value *map)
{
  for (size_t i = 0; i < map->count; i++) {
    check_identifier (reader, &map->members[i].key, "matrix");
    if (map->members[i].value.type != VALUE_LIST || map->members[i].value.count == 0)
      fault_add (reader->faults, &map->members[i].value, "matrix: %s: expected a list that is not empty",
                 map->members[i].key.string);
  }
}

/* Each row has the names of the first, which all cases of the test have then. */
static void
check_matrix_row (struct reader *reader, const struct value *first, const struct value *row)
{
  for (size_t i = 0; i < row->count; i++) {
    check_identifier (reader, &row->members[i].key, "matrix");
    if (!value_find (first, row->members[i].key.string, row->members[i].key.size))
      fault_add (reader->faults, &row->members[i].key, "matrix: the first row has no \"%.60s\"",
                 row->members[i].key.string);
  }
  for (size_t i = 0; i < first->count; i++)
    if (!value_find (row, first->members[i].key.string, first->members[i].key.size))
      fault_add (reader->faults, row, "matrix: this row has no \"%.60s\", which the first one has",
                 first->members[i].key.string);
}

static void
check_matrix_rows (struct reader *reader, const struct value *list)
{
  const struct value *first = NULL;
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i].type != VALUE_MAP) {
      fault_add (reader->faults, &list->items[i], "matrix: expected a row {name: value, …}");
      continue;
    }
    if (!first)
      first = &list->items[i];
    check_matrix_row (reader, first, &list->items[i]);
  }
}

static void
read_matrix (struct reader *reader, const struct value *matrix, struct test *test)
{
  if (!matrix)
    return;
  if (matrix->flags & VALUE_DYNAMIC)
    fault_add (reader->faults, matrix, "matrix: ${…} cannot stand here: its rows name the cases");
  else if (matrix->type == VALUE_MAP && matrix->count)
    check_matrix_values (reader, matrix);
  else if (matrix->type == VALUE_LIST && matrix->count)
    check_matrix_rows (reader, matrix);
  else {
    fault_add (reader->faults, matrix, "matrix: expected a map of lists, or a list of rows");
    return;
  }
  test->matrix = matrix;
}

static void
read_test_options (struct reader *reader, const struct value *node, struct test *test)
{
  const struct value *timeout = read_key (node, "timeout"), *retries = read_key (node, "retries"),
                     *skip = read_key (node, "skip");
  test->about = read_text (reader, read_key (node, "about"), "about");
  test->tags = read_texts (reader, read_key (node, "tags"), "tags", reader->suite->tags);
  test->condition = read_key (node, "if");
  if (skip) {
    if (skip->type == VALUE_BOOL)
      test->skip = skip->boolean ? "skipped in the suite" : NULL;
    else
      test->skip = read_text (reader, skip, "skip");
    if (test->skip && !*test->skip)
      fault_add (reader->faults, skip, "skip: the reason is empty: say why, or true");
  }
  read_time (reader, timeout, "timeout", &test->timeout_ns);
  if (retries) {
    if (retries->type != VALUE_INT || retries->integer < 0 || retries->integer > 100)
      fault_add (reader->faults, retries, "retries: expected an integer from 0 to 100");
    else
      test->retries = (uint32_t) retries->integer;
  }
}

static void
read_test (struct reader *reader, const struct value *node, struct test *test, int64_t timeout_ns)
{
  struct suite *suite = reader->suite;
  test->where = *node;
  test->timeout_ns = timeout_ns;
  if (node->type != VALUE_MAP) {
    fault_add (reader->faults, node, "expected a test: a map with test and steps, got %s", value_type_name (node->type));
    return;
  }
  check_keys (reader, node, "test", test_keys);
  const struct value *name = read_key (node, "test"), *steps = read_key (node, "steps"),
                     *on_failure = read_key (node, "on_failure");
  if (name)
    test->where = *name;
  test->name = read_text (reader, name, "test");
  if (!name)
    fault_add (reader->faults, node, "this test has no name (test: …)");
  else if (test->name && !*test->name)
    fault_add (reader->faults, name, "test: the name is empty");
  if (node->count)
    test->where = node->members[0].key;
  read_test_options (reader, node, test);
  read_matrix (reader, read_key (node, "matrix"), test);
  suite->locks = read_texts (reader, read_key (node, "locks"), "locks", suite->locks);
  test->roles = read_roles (reader, read_key (node, "roles"), NULL, &test->role_count);
  for (size_t i = 0; i < test->role_count; i++) {
    if (suite_role (suite, test->roles[i].name))
      collision (reader, &test->roles[i].where, "role", &suite_role (suite, test->roles[i].name)->where);
    if (test->roles[i].run_scope)
      fault_add (reader->faults, &test->roles[i].where, "a test's own role cannot have scope: run");
  }
  if (steps)
    test->steps = (test->skip ? read_steps : read_some_steps) (reader, steps, "steps");
  else
    fault_add (reader->faults, name ? name : node, "this test has no steps");
  if (on_failure)
    test->on_failure = read_steps (reader, on_failure, "on_failure");
}

static int
compare_tests (const void *a, const void *b)
{
  const struct test *const *x = a, *const *y = b;
  int order = strcmp ((*x)->name, (*y)->name);
  return order ? order : (*x)->where.line < (*y)->where.line ? -1 : (*x)->where.line > (*y)->where.line;
}

static void
check_test_names (struct reader *reader)
{
  struct suite *suite = reader->suite;
  const struct test **sorted = xcalloc (suite->test_count, sizeof *sorted);
  size_t n = 0;
  for (size_t i = 0; i < suite->test_count; i++)
    if (suite->tests[i].name)
      sorted[n++] = &suite->tests[i];
  qsort (sorted, n, sizeof *sorted, compare_tests);
  for (size_t i = 1; i < n; i++)
    if (strcmp (sorted[i - 1]->name, sorted[i]->name) == 0) {
      struct buffer place = { 0 };
      place_print (&place, &sorted[i - 1]->where);
      fault_add (reader->faults, &sorted[i]->where, "two tests are named \"%.100s\": the other is at %s",
                 sorted[i]->name, buffer_text (&place));
      buffer_free (&place);
    }
  free (sorted);
}

static void
read_tests (struct reader *reader, const struct value *root)
{
  struct suite *suite = reader->suite;
  const struct value *tests = read_key (root, "tests"), *timeout = read_key (root, "timeout");
  int64_t timeout_ns = DEFAULT_TEST_NS;
  read_time (reader, timeout, "timeout", &timeout_ns);
  if (!tests || tests->type != VALUE_LIST) {
    fault_add (reader->faults, tests ? tests : root, tests ? "tests: expected a list of tests"
                                                           : "this suite has no tests");
    return;
  }
  if (tests->count == 0)
    fault_add (reader->faults, tests, "this suite has no tests");
  suite->tests = arena_array (reader->arena, tests->count, sizeof *suite->tests);
  for (size_t i = 0; i < tests->count; i++)
    read_test (reader, &tests->items[i], &suite->tests[suite->test_count++], timeout_ns);
  check_test_names (reader);
}

/* ---- files ---- */

/* Steps of before_each and after_each of a library stand before the suite's own. */
static struct steps
join_steps (struct reader *reader, struct steps a, struct steps b)
{
  if (!a.count || !b.count)
    return a.count ? a : b;
  struct step *items = arena_array (reader->arena, a.count + b.count, sizeof *items);
  memcpy (items, a.items, a.count * sizeof *items);
  memcpy (items + a.count, b.items, b.count * sizeof *items);
  for (size_t i = 0; i < a.count + b.count; i++)
    reader->steps[items[i].id] = &items[i];
  return (struct steps) { items, a.count + b.count };
}

static void
read_hooks (struct reader *reader, const struct value *root)
{
  struct suite *suite = reader->suite;
  const struct value *before = read_key (root, "before_each"), *after = read_key (root, "after_each");
  if (before)
    suite->before_each = join_steps (reader, suite->before_each, read_steps (reader, before, "before_each"));
  if (after)
    suite->after_each = join_steps (reader, suite->after_each, read_steps (reader, after, "after_each"));
}

/* False: it could not be had. */
static bool
read_library (struct reader *reader, const struct value *include, struct libraries *libraries)
{
  const char *name = read_text (reader, include, "include");
  if (!name)
    return false;
  if (libraries->count == LIBRARIES_MOST) {
    fault_add (reader->faults, include, "include: more than %d libraries", LIBRARIES_MOST);
    return false;
  }
  const char *path = name[0] == '/' ? name : arena_printf (reader->arena, "%s/%s", folder_of (include), name);
  if (strncmp (path, "./", 2) == 0)
    path += 2;
  struct value *root = &libraries->roots[libraries->count];
  if (access (path, R_OK) < 0) { /* told where it is named, not in a file that is not there */
    fault_add (reader->faults, include, "include: %s cannot be read: %s", path, strerror (errno));
    return false;
  }
  if (!document_load (reader->arena, path, root, reader->faults))
    return false;
  if (root->type != VALUE_MAP || !read_key (root, "library")) {
    fault_add (reader->faults, include, "include: %s is no library (it has no key library)", path);
    return false;
  }
  libraries->count++;
  folder_of (root); /* now, while there is one thread */
  check_keys (reader, root, "library", library_keys);
  read_vars (reader, read_key (root, "vars"));
  reader->suite->roles = read_roles (reader, read_key (root, "roles"), reader->suite->roles, &reader->suite->role_count);
  read_keyword_heads (reader, read_key (root, "keywords"));
  return true;
}

static void
read_isolation (struct reader *reader, const struct value *value)
{
  if (!value)
    return;
  reader->suite->isolated = value_is (value, "test");
  if (!reader->suite->isolated && !value_is (value, "suite"))
    fault_add (reader->faults, value, "isolation: expected test or suite");
}

static void
read_suite (struct reader *reader, const struct value *root)
{
  struct suite *suite = reader->suite;
  struct libraries *libraries = arena_alloc (reader->arena, sizeof *libraries);
  reader->root = root;
  reader->libraries = libraries;
  check_keys (reader, root, "suite", suite_keys);
  suite->name = read_text (reader, read_key (root, "suite"), "suite");
  suite->about = read_text (reader, read_key (root, "about"), "about");
  suite->tags = read_texts (reader, read_key (root, "tags"), "tags", NULL);
  suite->locks = read_texts (reader, read_key (root, "locks"), "locks", NULL);
  read_isolation (reader, read_key (root, "isolation"));
  read_bool (reader, read_key (root, "ordered"), "ordered", &suite->ordered);

  const struct value *include = read_key (root, "include");
  if (include && include->type == VALUE_LIST)
    for (size_t i = 0; i < include->count; i++)
      reader->incomplete |= !read_library (reader, &include->items[i], libraries);
  else if (include)
    reader->incomplete = !read_library (reader, include, libraries);
  read_vars (reader, read_key (root, "vars"));
  read_secrets (reader, read_key (root, "secrets"));
  suite->roles = read_roles (reader, read_key (root, "roles"), suite->roles, &suite->role_count);
  read_keyword_heads (reader, read_key (root, "keywords"));

  for (size_t i = 0; i < libraries->count; i++)
    read_keyword_bodies (reader, read_key (&libraries->roots[i], "keywords"));
  read_keyword_bodies (reader, read_key (root, "keywords"));
  for (size_t i = 0; i < libraries->count; i++)
    read_hooks (reader, &libraries->roots[i]);
  read_hooks (reader, root);
  if (read_key (root, "setup"))
    suite->setup = read_steps (reader, read_key (root, "setup"), "setup");
  if (read_key (root, "teardown"))
    suite->teardown = read_steps (reader, read_key (root, "teardown"), "teardown");
  read_tests (reader, root);
  check_names_twice (reader);
}

static struct suite *
new_suite (const char *path, uint32_t number)
{
  struct suite *suite = xcalloc (1, sizeof *suite);
  suite->number = number;
  suite->path = arena_strdup (&suite->arena, path);
  return suite;
}

/* From the document; frees the suite when there is none in it. */
static struct suite *
make_suite (struct suite *suite, struct value root, struct expr_engine *engine, struct faults *faults)
{
  struct reader reader = { .suite = suite, .arena = &suite->arena, .engine = engine, .faults = faults };
  suite->where = root;
  suite->folder = folder_of (&root);
  if (root.type != VALUE_MAP || !read_key (&root, "suite")) {
    if (root.type == VALUE_MAP && read_key (&root, "library"))
      check_keys (&reader, &root, "library", library_keys); /* a pattern of files names it too: it is included, not run alone */
    else
      fault_add (faults, &root, "this is no suite: it has no key suite");
    suite_free (suite);
    return NULL;
  }
  size_t before = faults->count;
  read_suite (&reader, &root);
  check_names (&reader, faults->count != before);
  suite->all_steps = arena_array (&suite->arena, reader.step_count, sizeof *suite->all_steps);
  if (reader.step_count)
    memcpy (suite->all_steps, reader.steps, reader.step_count * sizeof *suite->all_steps);
  suite->step_count = (uint32_t) reader.step_count;
  free (reader.steps);
  return suite;
}

struct suite *
suite_load (const char *path, uint32_t number, struct expr_engine *engine, struct faults *faults)
{
  struct suite *suite = new_suite (path, number);
  struct value root;
  if (document_load (&suite->arena, path, &root, faults))
    return make_suite (suite, root, engine, faults);
  suite_free (suite);
  return NULL;
}

struct suite *
suite_parse (const char *name, const char *text, size_t size, uint32_t number, struct expr_engine *engine,
             struct faults *faults)
{
  struct suite *suite = new_suite (name, number);
  struct value root;
  if (document_parse (&suite->arena, name, text, size, &root, faults))
    return make_suite (suite, root, engine, faults);
  suite_free (suite);
  return NULL;
}

void
suite_check_library (const char *path, struct expr_engine *engine, struct faults *faults)
{
  struct suite *suite = new_suite (path, 0);
  struct libraries *libraries = arena_alloc (&suite->arena, sizeof *libraries);
  struct reader reader = { .suite = suite, .arena = &suite->arena, .engine = engine, .faults = faults,
                           .libraries = libraries, .incomplete = true, .alone = true };
  struct value root;
  if (document_load (&suite->arena, path, &root, faults) && root.type == VALUE_MAP) {
    reader.root = &root;
    check_keys (&reader, &root, "library", library_keys);
    read_vars (&reader, read_key (&root, "vars"));
    suite->roles = read_roles (&reader, read_key (&root, "roles"), NULL, &suite->role_count);
    read_keyword_heads (&reader, read_key (&root, "keywords"));
    read_keyword_bodies (&reader, read_key (&root, "keywords"));
    read_hooks (&reader, &root);
    check_names (&reader, true);
  }
  free (reader.steps);
  suite_free (suite);
}

/* ---- secrets ---- */

static const char *
secret_from_file (struct suite *suite, const struct secret *secret, size_t *size, struct faults *faults)
{
  char error[512];
  const uint8_t *data;
  struct member m = { value_string ("file"), value_string (secret->file) };
  struct value file = { .type = VALUE_MAP, .count = 1, .members = &m };
  if (!param_bytes (&suite->arena, &file, folder_of (&secret->where), &data, NULL, size, error, sizeof error)) {
    fault_add (faults, &secret->where, "secret %s: %s", secret->name, error);
    return NULL;
  }
  return (const char *) data;
}

void
suite_read_secrets (struct suite *suite, struct faults *faults)
{
  for (size_t i = 0; i < suite->secret_count; i++) {
    struct secret *secret = &suite->secrets[i];
    if (secret->env) {
      const char *text = getenv (secret->env);
      if (!text) {
        fault_add (faults, &secret->where, "secret %s: the environment has no %s", secret->name, secret->env);
        continue;
      }
      secret->text = arena_strdup (&suite->arena, text);
      secret->size = strlen (text);
    }
    else if (secret->file) {
      secret->text = secret_from_file (suite, secret, &secret->size, faults);
      /* editors end a file by a newline that is not part of the value; keys keep theirs inside */
      if (secret->text && secret->size && secret->text[secret->size - 1] == '\n'
          && memchr (secret->text, '\n', secret->size - 1) == NULL)
        secret->text = arena_copy (&suite->arena, secret->text, --secret->size);
    }
    if (secret->text && !secret_add (secret->text, secret->size))
      fault_add (faults, &secret->where, "secret %s: shorter than %d bytes: it could not be masked", secret->name,
                 SECRET_SHORTEST);
  }
}

void
suite_free (struct suite *suite)
{
  if (!suite)
    return;
  struct arena arena = suite->arena;
  free (suite);
  arena_free (&arena);
}
