/* load-form.c - see load-form.h. */
#include "config.h"

#include "load-form.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "units.h"

#define STAGES_MOST 1000

struct args {
  int64_t users;
  struct runner_value spawn;
  struct runner_duration time;
  int64_t times;
  struct runner_value rate, think;
  struct runner_duration warmup, grace;
  struct runner_list stages, steps;
  struct runner_map require;
};

static const struct runner_param rows[] = {
  RUNNER_PARAM (struct args, users, .min = "1", .max = "16000",
                .help = "how many at once; with `rate`: at most (preset: 100)"),
  RUNNER_PARAM (struct args, spawn, .help = "how many start in a second (100/s); without it all at once"),
  RUNNER_PARAM_AS ("for", struct args, time, .max = DURATION_MOST,
                   .help = "how long new iterations begin, warm-up included"),
  RUNNER_PARAM (struct args, times, .min = "1", .help = "iterations of each user; with `rate`: of all together"),
  RUNNER_PARAM (struct args, rate, .help = "iterations that are due in a second (1000/s, 30/m), whatever the answers"),
  RUNNER_PARAM (struct args, think, .help = "a user's pause after an iteration: a duration, or 5s..9s at random"),
  RUNNER_PARAM (struct args, stages,
                .help = "a list of {for, users} or {for, rate}: the number goes evenly from one to the next"),
  RUNNER_PARAM (struct args, warmup, .preset = "0s", .max = DURATION_MOST,
                .help = "iterations that begin in that time do not count"),
  RUNNER_PARAM (struct args, grace, .preset = "5s", .max = DURATION_MOST,
                .help = "what still runs then after the end is cancelled"),
  RUNNER_PARAM (struct args, steps, .flags = RUNNER_REQUIRED, .help = "an iteration"),
  RUNNER_PARAM (struct args, require, .help = "what must hold: {errors: 0, p95: {$lt: 50ms}, NAME.p99: …}"),
  { 0 }
};

const struct params *
load_params (void)
{
  static struct params params = { .rows = rows, .count = sizeof rows / sizeof *rows - 1,
                                  .args_size = sizeof (struct args) };
  static struct arena arena;
  char error[512];
  if (!params.presets && !params_prepare (&params, &arena, error, sizeof error)) {
    fprintf (stderr, "runner: load: %s\n", error);
    abort (); /* the table is part of the program */
  }
  return &params;
}

static bool __attribute__ ((format (printf, 3, 4)))
wrong (struct param_error *error, const struct value *where, const char *fmt, ...)
{
  va_list list;
  va_start (list, fmt);
  error->where = *where;
  vsnprintf (error->message, sizeof error->message, fmt, list);
  va_end (list);
  return false;
}

/* ---- values ---- */

/* "500/s", "30/m", "1/h", 500: a second. */
static bool
read_rate (const struct value *value, double *rate)
{
  *rate = -1;
  if (value->type == VALUE_INT)
    *rate = (double) value->integer;
  else if (value->type == VALUE_FLOAT)
    *rate = value->number;
  else if (value->type == VALUE_STRING) {
    char text[64], *end;
    if (value->size >= sizeof text || strlen (value->string) != value->size)
      return false;
    memcpy (text, value->string, value->size + 1);
    char *slash = strchr (text, '/');
    double per = !slash ? 1 : strcmp (slash, "/s") == 0 ? 1 : strcmp (slash, "/m") == 0 ? 60 : strcmp (slash, "/h") == 0 ? 3600 : 0;
    if (slash)
      *slash = '\0';
    if (per == 0 || text[strspn (text, "0123456789.")] != '\0')
      return false;
    *rate = strtod (text, &end) / per;
    if (end == text || *end) {
      *rate = -1;
      return false;
    }
  }
  return *rate >= 1e-5 && *rate <= 1e7;
}

static bool
read_think (const struct value *value, int64_t *least, int64_t *most)
{
  const char *dots = value->type == VALUE_STRING ? strstr (value->string, "..") : NULL;
  if (!dots)
    return value_duration (value, least) && value_duration (value, most) && *most <= DURATION_MOST_NS;
  return parse_duration (value->string, (size_t) (dots - value->string), least)
         && parse_duration (dots + 2, value->size - (size_t) (dots + 2 - value->string), most) && *least <= *most
         && *most <= DURATION_MOST_NS;
}

/* ---- stages ---- */

static void
add_stage (struct load_form *form, int64_t ns, double from, double to)
{
  form->stages[form->stage_count++] = (struct load_stage) { ns, from, to };
}

static bool
read_stage (const struct value *item, struct load_form *form, struct param_error *error)
{
  int64_t ns = 0;
  double level = 0, before = form->stage_count ? form->stages[form->stage_count - 1].to : 0;
  if (item->type != VALUE_MAP)
    return wrong (error, item, "stages: expected a map {for: 10s, users: 50}");
  for (size_t i = 0; i < item->count; i++) {
    const struct value *key = &item->members[i].key, *value = &item->members[i].value;
    if (value_is (key, "for")) {
      if (!value_duration (value, &ns) || ns > DURATION_MOST_NS)
        return wrong (error, value, "stages: for: expected a duration with its unit (200ms, 5s, 2m), at most " DURATION_MOST);
    }
    else if (value_is (key, form->open ? "rate" : "users")) {
      if (form->open ? !read_rate (value, &level) && level != 0
                     : value->type != VALUE_INT || value->integer < 0 || value->integer > LOAD_USERS_MOST)
        return wrong (error, value, "stages: %s: expected %s", key->string,
                      form->open ? "a rate (100/s)" : "a number of users, at most 16000");
      level = form->open ? (level < 0 ? 0 : level) : (double) value->integer;
    }
    else
      return wrong (error, key, "stages: \"%.40s\" is not known here: there are for and %s", key->string,
                    form->open ? "rate" : "users");
  }
  if (!value_get (item, "for") || !value_get (item, form->open ? "rate" : "users"))
    return wrong (error, item, "stages: for and %s are needed", form->open ? "rate" : "users");
  add_stage (form, ns, before, level);
  form->end_ns += ns;
  if (!form->open && level > form->users)
    form->users = (uint32_t) level;
  return true;
}

static bool
read_stages (const struct value *list, struct load_form *form, struct param_error *error)
{
  if (list->count == 0 || list->count > STAGES_MOST)
    return wrong (error, list, list->count ? "stages: there are more than 1000" : "stages: the list is empty");
  form->open = list->items[0].type == VALUE_MAP && value_get (&list->items[0], "rate");
  form->end_ns = 0;
  if (!form->open)
    form->users = 0;
  for (size_t i = 0; i < list->count; i++)
    if (!read_stage (&list->items[i], form, error))
      return false;
  if (!form->open && form->users == 0)
    return wrong (error, list, "stages: there is never a user");
  if (form->open && load_due_before (form, form->end_ns) == 0)
    return wrong (error, list, "stages: no iteration is ever due");
  return true;
}

/* Without stages: one level, which `spawn` goes up to. */
static bool
make_stages (const struct args *args, const struct value *given, struct load_form *form, struct param_error *error)
{
  double rate = 0;
  if (args->rate.node) {
    form->open = true;
    if (!read_rate ((const struct value *) args->rate.node, &rate))
      return wrong (error, value_get (given, "rate"), "rate: expected a number a second (1000/s, 30/m)");
    add_stage (form, INT64_MAX, rate, rate);
  }
  else if (args->spawn.node) {
    if (!read_rate ((const struct value *) args->spawn.node, &rate))
      return wrong (error, value_get (given, "spawn"), "spawn: expected a number a second (100/s)");
    add_stage (form, (int64_t) (form->users / rate * 1e9), 0, form->users);
    add_stage (form, INT64_MAX, form->users, form->users);
  }
  else
    add_stage (form, INT64_MAX, form->users, form->users);
  return true;
}

/* ---- all of it ---- */

static bool
check_together (const struct args *args, const struct value *given, struct load_form *form, struct param_error *error)
{
  bool stages = args->stages.node != NULL;
  if (stages && (value_get (given, "for") || args->rate.node || args->spawn.node || (!form->open && args->users)))
    return wrong (error, given, "`stages` say what for, rate, spawn and users would: give one or the other");
  if (!stages && !value_get (given, "for") && !args->times)
    return wrong (error, given, "how long? `for` (30s), `times` or `stages` is missing");
  if (form->open && (args->think.node || args->spawn.node))
    return wrong (error, given, "with a rate nobody thinks or is spawned: users wait for what is due next");
  if (!stages && !form->open && !args->users)
    return wrong (error, given, "how many? `users`, `rate` or `stages` is missing");
  if (form->end_ns == 0)
    return wrong (error, given, "it lasts no time");
  if (form->warmup_ns >= form->end_ns) /* so it was given */
    return wrong (error, value_get (given, "warmup"), "warmup: nothing is left to count");
  return true;
}

bool
load_form_read (const struct value *given, const char *folder, struct arena *arena, struct load_form *form,
                struct param_error *error)
{
  const struct params *params = load_params ();
  struct args *args = arena_alloc (arena, params->args_size);
  uint64_t mask;
  if (!params_convert (params, given, args, &mask, arena, folder, error))
    return false;
  const struct value *stages = (const struct value *) args->stages.node;
  *form = (struct load_form) {
    .users = args->users ? (uint32_t) args->users : 100,
    .end_ns = value_get (given, "for") ? args->time.ns : INT64_MAX,
    .times = args->times ? (uint64_t) args->times : UINT64_MAX,
    .warmup_ns = args->warmup.ns, .grace_ns = args->grace.ns,
    .require = (const struct value *) args->require.node,
  };
  form->stages = arena_array (arena, (stages ? stages->count : 0) + 2, sizeof *form->stages);
  if (stages ? !read_stages (stages, form, error) : !make_stages (args, given, form, error))
    return false;
  if (args->think.node
      && !read_think ((const struct value *) args->think.node, &form->think_min_ns, &form->think_max_ns))
    return wrong (error, value_get (given, "think"), "think: expected a duration (2s) or two of them (5s..9s)");
  return check_together (args, given, form, error);
}

void
load_print_too_long (struct buffer *out, int64_t load_ns, const char *whose, int64_t has_ns)
{
  buffer_lit (out, "the load is to last ");
  print_duration (out, load_ns);
  buffer_printf (out, ", but the %s has only ", whose);
  print_duration (out, has_ns > 0 ? has_ns : 0);
  buffer_lit (out, ": give it a longer `timeout`");
}

/* ---- the schedule ---- */

uint32_t
load_users_at (const struct load_form *form, int64_t ns)
{
  double level = 0;
  for (size_t i = 0; i < form->stage_count; i++) {
    const struct load_stage *stage = &form->stages[i];
    if (ns >= stage->ns) {
      ns -= stage->ns;
      level = stage->to;
      continue;
    }
    level = stage->from + (stage->to - stage->from) * ((double) ns / (double) stage->ns);
    /* the first starts at once, the last is there before the ramp ends */
    return (uint32_t) (stage->to > stage->from ? floor (level) + 1 : ceil (level));
  }
  return (uint32_t) level;
}

/* Iterations due in the first `seconds` of a stage. */
static double
due_in (const struct load_stage *stage, double seconds)
{
  double length = (double) stage->ns / 1e9;
  if (length <= 0) /* a jump to another rate */
    return 0;
  return stage->from * seconds + (stage->to - stage->from) * seconds * seconds / (2 * length);
}

int64_t
load_due_ns (const struct load_form *form, uint64_t i)
{
  double left = (double) i, before = 0; /* seconds */
  for (size_t s = 0; s < form->stage_count; s++) {
    const struct load_stage *stage = &form->stages[s];
    double length = (double) stage->ns / 1e9, due = due_in (stage, length);
    if (left >= due) {
      left -= due;
      before += length;
      continue;
    }
    double slope = (stage->to - stage->from) / length;
    /* left = from * t + slope * t * t / 2, written so that a slope near 0 does no harm */
    double root = sqrt (stage->from * stage->from + 2 * slope * left);
    double t = stage->from + root > 0 ? 2 * left / (stage->from + root) : 0;
    double ns = (before + t) * 1e9;
    return ns < (double) form->end_ns ? (int64_t) ns : INT64_MAX;
  }
  return INT64_MAX;
}

uint64_t
load_due_before (const struct load_form *form, int64_t ns)
{
  double due = 0;
  for (size_t s = 0; s < form->stage_count && ns > 0; s++) {
    const struct load_stage *stage = &form->stages[s];
    int64_t part = ns < stage->ns ? ns : stage->ns;
    due += due_in (stage, (double) part / 1e9);
    ns -= part;
  }
  due = ceil (due - 1e-9);
  return due < (double) form->times ? (uint64_t) due : form->times;
}
