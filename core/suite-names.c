/* suite-names.c - every expression of a suite, and whether the names in it can be
 * defined where it stands.  What can only be known when it runs is left alone. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "load-verdict.h"
#include "suite-read.h"
#include "text.h"

/* Names that are defined at a place: a stack, popped when a scope ends. */
struct names {
  const char **items;
  const struct value **values; /* what is known of each */
  size_t count, room;
};

/* What was started in the background before, in the same thread of the same test. */
struct started {
  const char **names;
  size_t count, room;
  bool open;      /* there may be others */
};

/* The longest load within a keyword, that every call runs. */
struct longest {
  const struct keyword *keyword;
  const struct step *load; /* NULL: none */
  int64_t ns;
};

struct checker {
  struct reader *reader;
  bool faulty;    /* the structure has faults: other names may be meant to be defined, too */
  struct started started;
  bool keywords_start; /* some keyword starts something in the background, which belongs to its caller */
  struct names names;
  const struct step *result_of; /* `result` is this step's here; NULL: there is none */
  const struct verb *known_verb; /* the last one whose result was asked for, and its fields */
  const struct value *known_fields;
  const struct step **deferred;
  size_t deferred_count, deferred_room;
  struct longest *longest; /* of keywords that were asked for */
  size_t longest_count;
};

/* `value`: null, or a map whose keys are all that it can have. */
static void
define_as (struct checker *checker, const char *name, const struct value *value)
{
  struct names *names = &checker->names;
  if (names->count == names->room) {
    names->room = names->room ? names->room * 2 : 32;
    names->items = xrealloc (names->items, names->room, sizeof *names->items);
    names->values = xrealloc (names->values, names->room, sizeof *names->values);
  }
  names->values[names->count] = value;
  names->items[names->count++] = name;
}

static void
define (struct checker *checker, const char *name)
{
  define_as (checker, name, &value_null);
}

static void
define_keys (struct checker *checker, const struct value *map)
{
  if (map && map->type == VALUE_MAP)
    for (size_t i = 0; i < map->count; i++)
      define (checker, map->members[i].key.string);
}

/* Is it a key somewhere?  Then what is wrong may be why it is not defined. */
static bool
stands_in (const struct value *tree, const char *name, size_t size)
{
  bool found = false;
  if (tree->type == VALUE_MAP)
    for (size_t i = 0; i < tree->count && !found; i++)
      found = (tree->members[i].key.size == size && memcmp (tree->members[i].key.string, name, size) == 0)
              || stands_in (&tree->members[i].value, name, size);
  else if (tree->type == VALUE_LIST)
    for (size_t i = 0; i < tree->count && !found; i++)
      found = stands_in (&tree->items[i], name, size);
  return found;
}

static bool
may_be_meant (const struct checker *checker, const char *name, size_t size)
{
  const struct reader *reader = checker->reader;
  if (!checker->faulty)
    return false;
  bool found = reader->incomplete || stands_in (reader->root, name, size);
  for (size_t i = 0; i < reader->libraries->count && !found; i++)
    found = stands_in (&reader->libraries->roots[i], name, size);
  return found;
}

/* A map of names: all that something can have. */
static const struct value *
map_of (struct checker *checker, const char *const *names, size_t count)
{
  struct member *members = arena_array (checker->reader->arena, count, sizeof *members);
  for (size_t i = 0; i < count; i++)
    members[i] = (struct member) { value_string (names[i]), value_null };
  struct value *map = arena_alloc (checker->reader->arena, sizeof *map);
  *map = (struct value) { .type = VALUE_MAP, .count = count, .members = members };
  return map;
}

/* What is known of its result: null, or a map of all that it can have. */
static const struct value *
result_of (struct checker *checker, const struct step *step)
{
  static const struct value nothing = { .type = VALUE_MAP };
  const char *names[128];
  if (step->verb && step->verb == checker->known_verb)
    return checker->known_fields;
  int count = read_result_fields (step, names, 127);
  const struct value *fields = count < 0    ? &value_null
                               : count == 0 ? &nothing
                                            : map_of (checker, names, (size_t) count);
  if (step->verb) {
    checker->known_verb = step->verb;
    checker->known_fields = fields;
  }
  return fields;
}

static const struct value *
lookup (void *data, const char *name, size_t size)
{
  struct checker *checker = data;
  if (checker->result_of && size == 6 && memcmp (name, "result", 6) == 0)
    return result_of (checker, checker->result_of);
  for (size_t i = checker->names.count; i-- > 0;)
    if (strlen (checker->names.items[i]) == size && memcmp (checker->names.items[i], name, size) == 0)
      return checker->names.values[i];
  return may_be_meant (checker, name, size) ? &value_null : NULL;
}

static void
each_name (void *data, void (*each) (void *each_data, const char *name), void *each_data)
{
  struct checker *checker = data;
  for (size_t i = 0; i < checker->names.count; i++)
    each (each_data, checker->names.items[i]);
  if (checker->result_of)
    each (each_data, "result");
}

static void
check_tree (struct checker *checker, const struct value *tree)
{
  struct expr_scope scope = { lookup, each_name, checker, NULL };
  if (tree && (tree->flags & VALUE_DYNAMIC))
    expr_check_all (checker->reader->engine, tree, &scope, checker->reader->faults);
}

static void
check_expression (struct checker *checker, const struct value *expression)
{
  struct expr_scope scope = { lookup, each_name, checker, NULL };
  if (expression)
    expr_check (checker->reader->engine, expression, &scope, checker->reader->faults);
}

/* `check`: an expression or a list of them. */
static void
check_checks (struct checker *checker, const struct value *check)
{
  if (check && check->type == VALUE_LIST) {
    if (check->count == 0)
      fault_add (checker->reader->faults, check, "check: the list is empty");
    for (size_t i = 0; i < check->count; i++)
      check_expression (checker, &check->items[i]);
  }
  else
    check_expression (checker, check);
}

static void check_step (struct checker *checker, const struct step *step);
static void check_steps (struct checker *checker, struct steps steps);

static void
defer (struct checker *checker, const struct step *step)
{
  if (checker->deferred_count == checker->deferred_room) {
    checker->deferred_room = checker->deferred_room ? checker->deferred_room * 2 : 8;
    checker->deferred = xrealloc (checker->deferred, checker->deferred_room, sizeof *checker->deferred);
  }
  checker->deferred[checker->deferred_count++] = step;
}

static void
check_result_parts (struct checker *checker, const struct step *step)
{
  const struct step *before = checker->result_of;
  checker->result_of = step;
  check_tree (checker, step->until);
  check_tree (checker, step->stop_if);
  check_tree (checker, step->save);
  define_keys (checker, step->save);
  check_tree (checker, step->expect);
  check_checks (checker, step->check);
  check_tree (checker, step->fails);
  checker->result_of = before;
}

/* A role of that name in any part of the suite, or NULL.  All names there are go to `names`. */
static const struct role_def *
find_role (const struct suite *suite, const struct value *name, const char **names, size_t most)
{
  const struct role_def *found = NULL;
  size_t n = 0;
  for (size_t t = 0; t <= suite->test_count; t++) { /* the first time: the suite's own */
    const struct role_def *roles = t ? suite->tests[t - 1].roles : suite->roles;
    size_t count = t ? suite->tests[t - 1].role_count : suite->role_count;
    for (size_t i = 0; i < count; i++) {
      if (!found && value_is (name, roles[i].name))
        found = &roles[i];
      if (n < most)
        names[n++] = roles[i].name;
    }
  }
  names[n] = NULL;
  return found;
}

/* role.wait: hub */
static void
check_role_name (struct checker *checker, const struct step *step)
{
  const struct value *name = step->args;
  const char *names[65];
  static const char *const changing[]
    = { "role.start", "role.stop", "role.kill", "role.ended", "role.pause", "role.resume", NULL };
  if (step->kind != STEP_VERB || strncmp (step->verb->name, "role.", 5) != 0)
    return;
  if (name->type == VALUE_MAP)
    name = value_get (name, "role");
  if (!name || name->type != VALUE_STRING || (name->flags & VALUE_DYNAMIC))
    return;
  const struct role_def *role = find_role (checker->reader->suite, name, names, 64);
  if (!role && !may_be_meant (checker, name->string, name->size))
    fault_unknown (checker->reader->faults, name, "role", name->string, names);
  if (role && role->run_scope && text_is_one_of (step->verb->name, strlen (step->verb->name), changing))
    fault_add (checker->reader->faults, name, "%s: role %s is used by the whole run (scope: run): no suite can "
               "start, stop or pause it", step->verb->name, role->name);
}

/* ---- background, join ---- */

static bool
has_background (struct steps steps)
{
  for (size_t i = 0; i < steps.count; i++)
    if (steps.items[i].kind == STEP_BACKGROUND || has_background (steps.items[i].body))
      return true;
  return false;
}

static void
note_started (struct checker *checker, const struct step *step)
{
  struct started *started = &checker->started;
  if (step->kind == STEP_KEYWORD)
    started->open |= checker->keywords_start;
  if (step->kind != STEP_BACKGROUND)
    return;
  if (step->args->type != VALUE_STRING || (step->args->flags & VALUE_DYNAMIC)) {
    started->open = true;
    return;
  }
  if (started->count == started->room) {
    started->room = started->room ? started->room * 2 : 8;
    started->names = xrealloc (started->names, started->room, sizeof *started->names);
  }
  started->names[started->count++] = step->args->string;
}

static void
check_join (struct checker *checker, const struct value *name)
{
  const struct started *started = &checker->started;
  if (started->open || checker->faulty || name->type != VALUE_STRING || (name->flags & VALUE_DYNAMIC))
    return;
  const char *best = NULL;
  size_t distance = 0;
  for (size_t i = 0; i < started->count; i++) {
    if (value_is (name, started->names[i]))
      return;
    text_nearest (name->string, started->names[i], &best, &distance);
  }
  fault_add (checker->reader->faults, name, "join: before this nothing was started in the background as \"%.100s\""
             "%s%s%s", name->string, best ? "; did you mean \"" : "", best ? best : "", best ? "\"?" : "");
}

/* The steps inside of a step. */
static void
check_body (struct checker *checker, const struct step *step)
{
  struct started outer = checker->started;
  bool threads = step->kind != STEP_DO;
  if (threads) /* they join but what they have started */
    checker->started = (struct started) { .names = NULL };
  else if (step->each || step->retry) /* in the next round an earlier step may join what a later one started */
    checker->started.open |= has_background (step->body);
  for (size_t i = 0; i < step->body.count; i++) {
    if (step->kind == STEP_PARALLEL || step->kind == STEP_FIRST_OF)
      checker->started.count = 0;
    check_step (checker, &step->body.items[i]);
  }
  if (threads) {
    free (checker->started.names);
    checker->started = outer;
  }
}

/* What its users save stays with them. */
static void
check_load (struct checker *checker, const struct step *step)
{
  struct reader *reader = checker->reader;
  size_t before = checker->names.count, deferred = checker->deferred_count;
  struct load_names names;
  const struct value *require = step->args->type == VALUE_MAP ? value_get (step->args, "require") : NULL;
  check_tree (checker, step->args);
  define (checker, "user_number");
  check_body (checker, step);
  for (size_t i = deferred; i < checker->deferred_count; i++) /* they run at the end of an iteration */
    check_steps (checker, checker->deferred[i]->body);
  checker->deferred_count = deferred;
  checker->names.count = before;
  load_names_init (&names, reader->step_count, step->body);
  if (names.taken)
    fault_add (reader->faults, names.taken,
               "name: no step of a load can be called \"%s\": a load measures that itself", names.taken->string);
  if (require && require->type == VALUE_MAP)
    load_thresholds_check (require, &names, reader->faults);
  load_names_free (&names);
}

static void
check_step (struct checker *checker, const struct step *step)
{
  check_role_name (checker, step);
  check_tree (checker, step->name);
  if (step->each) {
    check_tree (checker, step->each);
    define_keys (checker, step->each);
  }
  check_expression (checker, step->condition);
  check_tree (checker, step->retry_for);
  check_tree (checker, step->retry_every);
  check_tree (checker, step->timeout);
  if (step->kind == STEP_DEFER)
    defer (checker, step); /* it sees what the steps after it define */
  else if (step->kind == STEP_LOAD)
    check_load (checker, step);
  else if (step->body.count) {
    if (step->kind == STEP_BACKGROUND)
      check_tree (checker, step->args);
    check_body (checker, step);
  }
  else
    check_tree (checker, step->args);
  if (step->kind == STEP_JOIN)
    check_join (checker, step->args);
  else
    note_started (checker, step);
  check_result_parts (checker, step);
  if (step->kind == STEP_SET)
    define_keys (checker, step->args);
}

static void
check_steps (struct checker *checker, struct steps steps)
{
  for (size_t i = 0; i < steps.count; i++)
    check_step (checker, &steps.items[i]);
}

/* Deferred groups, with all names of their test or keyword. */
static void
check_deferred (struct checker *checker)
{
  for (size_t i = 0; i < checker->deferred_count; i++) /* may grow while it runs */
    check_steps (checker, checker->deferred[i]->body);
  checker->deferred_count = 0;
}

static void
check_roles (struct checker *checker, const struct role_def *roles, size_t count)
{
  for (size_t i = 0; i < count; i++)
    check_tree (checker, roles[i].args);
}

/* A map of the names that a role of that type exports, as its table has them. */
static const struct value *
exports_of (struct checker *checker, const struct role_def *role)
{
  const struct role_type *type = role->type;
  if (!type || !type->export_count || role->count)
    return &value_null;
  const char *names[128];
  if (type->export_count > sizeof names / sizeof *names)
    return &value_null;
  for (size_t i = 0; i < type->export_count; i++)
    names[i] = type->exports[i].name;
  return map_of (checker, names, type->export_count);
}

static void
define_roles (struct checker *checker, const struct role_def *roles, size_t count)
{
  for (size_t i = 0; i < count; i++)
    define_as (checker, roles[i].name, exports_of (checker, &roles[i]));
}

static void
define_matrix (struct checker *checker, const struct value *matrix)
{
  if (matrix && matrix->type == VALUE_LIST)
    for (size_t i = 0; i < matrix->count; i++)
      define_keys (checker, &matrix->items[i]);
  else
    define_keys (checker, matrix);
}

/* How long a load is to last; 0: that is seen when it runs. */
static int64_t
load_ns (const struct checker *checker, const struct step *step)
{
  struct load_form form;
  struct param_error error;
  bool known = step->args->type == VALUE_MAP && !(step->args->flags & VALUE_DYNAMIC)
               && load_form_read (step->args, folder_of (step->key), checker->reader->arena, &form, &error);
  return known && form.end_ns != INT64_MAX ? form.end_ns : 0;
}

static void
find_longest (struct checker *checker, struct steps steps, struct longest *longest);

static struct longest
longest_of (struct checker *checker, const struct keyword *keyword)
{
  struct longest found = { .keyword = keyword };
  for (size_t i = 0; i < checker->longest_count; i++)
    if (checker->longest[i].keyword == keyword)
      return checker->longest[i];
  size_t at = checker->longest_count++;
  checker->longest = xrealloc (checker->longest, checker->longest_count, sizeof *checker->longest);
  checker->longest[at] = found; /* for one that calls itself */
  find_longest (checker, keyword->steps, &found);
  checker->longest[at] = found;
  return found;
}

/* The step's own timeout, when that is less; else what is around it. */
static int64_t
time_of_step (const struct step *step, int64_t most_ns, const char **whose)
{
  int64_t ns;
  if (!step->timeout || (step->timeout->flags & VALUE_DYNAMIC) || !value_duration (step->timeout, &ns)
      || ns >= most_ns)
    return most_ns;
  *whose = "step";
  return ns;
}

/* What a step runs at times only, and what its own timeout ends, does not count. */
static void
find_longest (struct checker *checker, struct steps steps, struct longest *longest)
{
  for (size_t i = 0; i < steps.count; i++) {
    const struct step *step = &steps.items[i];
    struct longest inner = { .load = step };
    const char *whose;
    if (step->condition)
      continue;
    if (step->kind == STEP_LOAD)
      inner.ns = load_ns (checker, step);
    else if (step->kind == STEP_KEYWORD)
      inner = longest_of (checker, step->keyword);
    else
      find_longest (checker, step->body, &inner);
    if (inner.ns > longest->ns && inner.ns < time_of_step (step, INT64_MAX, &whose)) {
      longest->ns = inner.ns;
      longest->load = inner.load;
    }
  }
}

/* A load that is to last longer than what is around it. */
static void
check_load_fits (struct checker *checker, const struct step *step, int64_t most_ns, const char *whose)
{
  struct longest longest = { .load = step };
  bool called = step->kind == STEP_KEYWORD;
  if (called)
    longest = longest_of (checker, step->keyword);
  else
    longest.ns = load_ns (checker, step);
  if (!longest.ns || longest.ns < most_ns)
    return;
  const struct value *time = called ? NULL : value_get (step->args, "for");
  CLEANUP_BUFFER struct buffer text = { 0 };
  if (called) {
    buffer_printf (&text, "%s: ", step->key->string);
    place_print (&text, longest.load->key);
    buffer_lit (&text, ": ");
  }
  load_print_too_long (&text, longest.ns, whose, most_ns);
  fault_add (checker->reader->faults, time ? time : step->key, "%s", buffer_text (&text));
}

static void
check_times (struct checker *checker, struct steps steps, int64_t most_ns, const char *whose)
{
  for (size_t i = 0; i < steps.count; i++) {
    const struct step *step = &steps.items[i];
    const char *inner = whose;
    int64_t inner_ns = time_of_step (step, most_ns, &inner);
    if (step->kind == STEP_LOAD || step->kind == STEP_KEYWORD)
      check_load_fits (checker, step, inner_ns, inner);
    else
      check_times (checker, step->body, inner_ns, inner);
  }
}

static void
check_keyword (struct checker *checker, const struct keyword *keyword)
{
  size_t before = checker->names.count;
  for (size_t i = 0; i < keyword->param_count; i++) {
    check_tree (checker, keyword->params[i].preset);
    define (checker, keyword->params[i].name.string);
  }
  checker->started.open = true; /* its caller may have started it */
  check_steps (checker, keyword->steps);
  check_deferred (checker);
  check_times (checker, keyword->steps, INT64_MAX, "step");
  check_tree (checker, keyword->returns);
  checker->names.count = before;
}

static void
check_test (struct checker *checker, const struct test *test)
{
  size_t before = checker->names.count, started = checker->started.count;
  bool open = checker->started.open;
  define_matrix (checker, test->matrix);
  check_expression (checker, test->condition);
  define_roles (checker, test->roles, test->role_count);
  check_roles (checker, test->roles, test->role_count);
  check_steps (checker, test->steps);
  check_deferred (checker);
  check_times (checker, test->steps, test->timeout_ns, "test");
  check_steps (checker, test->on_failure);
  check_deferred (checker);
  checker->names.count = before;
  checker->started.count = started;
  checker->started.open = open;
}

/* ---- what is needed first ---- */

static bool
in_name (char c)
{
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Behind the string of Lua that begins at `p`. */
static const char *
skip_string (const char *p, const char *end)
{
  for (char quote = *p++; p < end && *p != quote; p++)
    p += *p == '\\' && p + 1 < end;
  return p < end ? p + 1 : end;
}

/* Is `name` a variable in a ${…} of the text?  What stands around them, Lua's strings
 * and fields (`x.name`) are none. */
static bool
text_mentions (const char *p, const char *end, const char *name, size_t size)
{
  unsigned depth = 0;
  bool field = false; /* behind one `.`, or `:`; two dots join texts */
  while (p < end) {
    const char *start = p;
    if (!depth) {
      if (*p == '$' && p + 2 < end && p[1] == '$' && p[2] == '{')
        p += 2; /* an escape */
      else if (*p == '$' && p + 1 < end && p[1] == '{') {
        depth = 1;
        p++;
      }
      p++;
      continue;
    }
    if (*p == '"' || *p == '\'')
      p = skip_string (p, end);
    else if (in_name (*p)) {
      while (p < end && in_name (*p))
        p++;
      if ((size_t) (p - start) == size && memcmp (start, name, size) == 0 && !field)
        return true;
    }
    else {
      depth += (*p == '{') - (*p == '}');
      p++;
    }
    field = *start == ':' || (*start == '.' && !field) || (*start == ' ' && field);
  }
  return false;
}

bool
value_mentions (const struct value *tree, const char *name)
{
  if (!(tree->flags & VALUE_DYNAMIC))
    return false;
  if (tree->type == VALUE_STRING)
    return text_mentions (tree->string, tree->string + tree->size, name, strlen (name));
  for (size_t i = 0; i < tree->count; i++)
    if (tree->type == VALUE_LIST ? value_mentions (&tree->items[i], name)
                                 : value_mentions (&tree->members[i].value, name) || value_mentions (&tree->members[i].key, name))
      return true;
  return false;
}

/* Variables in the order in which they can be defined: each after those it is made of. */
static void
order_vars (struct reader *reader)
{
  struct suite *suite = reader->suite;
  size_t n = suite->var_count, done = 0;
  struct named_value *ordered = arena_array (reader->arena, n, sizeof *ordered);
  bool *taken = xcalloc (n, sizeof *taken);
  for (size_t before = n; done < n && done != before;) {
    before = done;
    for (size_t i = 0; i < n; i++) {
      bool blocked = taken[i];
      for (size_t j = 0; j < n && !blocked; j++)
        blocked = !taken[j] && value_mentions (suite->vars[i].value, suite->vars[j].name);
      if (blocked)
        continue;
      taken[i] = true;
      ordered[done++] = suite->vars[i];
    }
  }
  for (size_t i = 0; i < n; i++)
    if (!taken[i])
      fault_add (reader->faults, &suite->vars[i].where, "vars: \"%s\" needs itself, or variables that do",
                 suite->vars[i].name);
  if (done == n)
    suite->vars = ordered;
  free (taken);
}

/* Roles that wait for each other's addresses would wait for ever. */
static void
check_circle (struct reader *reader, const struct role_def *roles, size_t n)
{
  bool *ready = xcalloc (n, sizeof *ready);
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < n; i++) {
      bool blocked = ready[i];
      for (size_t j = 0; j < n && !blocked; j++)
        blocked = i != j && !ready[j] && value_mentions (roles[i].args, roles[j].name);
      if (!blocked)
        more = ready[i] = true;
    }
  }
  for (size_t i = 0; i < n; i++)
    if (!ready[i])
      fault_add (reader->faults, &roles[i].where, "roles: %s: its references go in a circle", roles[i].name);
  free (ready);
}

/* One that is started before all suites knows nothing of a single suite's roles. */
static void
check_run_scope (struct reader *reader)
{
  const struct suite *suite = reader->suite;
  for (size_t i = 0; i < suite->role_count; i++)
    for (size_t j = 0; j < suite->role_count && suite->roles[i].run_scope; j++)
      if (!suite->roles[j].run_scope && value_mentions (suite->roles[i].args, suite->roles[j].name))
        fault_add (reader->faults, &suite->roles[i].where, "role %s with scope: run needs %s, which has not",
                   suite->roles[i].name, suite->roles[j].name);
}

void
check_names (struct reader *reader, bool faulty)
{
  struct suite *suite = reader->suite;
  struct checker checker = { .reader = reader, .faulty = faulty };
  order_vars (reader);
  check_circle (reader, suite->roles, suite->role_count);
  check_run_scope (reader);
  for (size_t i = 0; i < suite->test_count; i++)
    check_circle (reader, suite->tests[i].roles, suite->tests[i].role_count);
  for (size_t i = 0; i < suite->var_count; i++)
    define (&checker, suite->vars[i].name);
  for (size_t i = 0; i < suite->secret_count; i++)
    define (&checker, suite->secrets[i].name);
  define_roles (&checker, suite->roles, suite->role_count);
  for (size_t i = 0; i < suite->var_count; i++)
    check_tree (&checker, suite->vars[i].value);
  check_roles (&checker, suite->roles, suite->role_count);
  /* a keyword sees its parameters, the suite's variables and roles, and what the
   * suite's setup saved */
  for (size_t i = 0; i < suite->keyword_count; i++)
    checker.keywords_start |= has_background (suite->keywords[i].steps);
  check_steps (&checker, suite->setup);
  check_deferred (&checker);
  for (size_t i = 0; i < suite->keyword_count; i++)
    check_keyword (&checker, &suite->keywords[i]);
  size_t suite_names = checker.names.count;
  checker.started.open = reader->alone;
  checker.started.count = 0;
  check_steps (&checker, suite->before_each);
  check_deferred (&checker);
  for (size_t i = 0; i < suite->test_count; i++)
    check_test (&checker, &suite->tests[i]);
  checker.started.open = true; /* by the test */
  check_steps (&checker, suite->after_each);
  check_deferred (&checker);
  checker.names.count = suite_names;
  check_steps (&checker, suite->teardown);
  check_deferred (&checker);
  free (checker.names.items);
  free (checker.names.values);
  free (checker.deferred);
  free (checker.longest);
  free (checker.started.names);
}
