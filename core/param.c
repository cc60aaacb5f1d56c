/* param.c - see param.h. */
#include "config.h"

#include "param.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "document.h"
#include "regexp.h"
#include "text.h"
#include "units.h"

#define FILE_LIMIT ((off_t) 64 << 20) /* of {file:} */

const struct runner_param *
param_find (const struct params *params, const char *name, size_t size)
{
  for (size_t i = 0; i < params->count; i++)
    if (strlen (params->rows[i].name) == size && memcmp (params->rows[i].name, name, size) == 0)
      return &params->rows[i];
  return NULL;
}

const struct runner_param *
param_primary (const struct params *params)
{
  for (size_t i = 0; i < params->count; i++)
    if (params->rows[i].flags & RUNNER_PRIMARY)
      return &params->rows[i];
  return NULL;
}

static const struct {
  const char *name;
  size_t size;
} types[] = {
  [RUNNER_NONE] = { "nothing", 0 },
  [RUNNER_TEXT] = { "text", sizeof (const char *) },
  [RUNNER_INT] = { "integer", sizeof (int64_t) },
  [RUNNER_FLOAT] = { "number", sizeof (double) },
  [RUNNER_BOOL] = { "boolean", sizeof (struct runner_bool) },
  [RUNNER_BYTES] = { "bytes", sizeof (struct runner_bytes) },
  [RUNNER_DURATION] = { "duration", sizeof (struct runner_duration) },
  [RUNNER_SIZE] = { "size", sizeof (struct runner_size) },
  [RUNNER_ADDRESS] = { "address", sizeof (struct runner_address) },
  [RUNNER_SECRET] = { "secret", sizeof (struct runner_secret) },
  [RUNNER_VALUE] = { "value", sizeof (struct runner_value) },
  [RUNNER_LIST] = { "list", sizeof (struct runner_list) },
  [RUNNER_MAP] = { "map", sizeof (struct runner_map) },
  [RUNNER_PATTERN] = { "pattern", sizeof (struct runner_pattern) },
  [RUNNER_BYTES_PATTERN] = { "bytes pattern", sizeof (struct runner_bytes_pattern) },
};

const char *
param_type_name (uint32_t type)
{
  return type < sizeof types / sizeof *types ? types[type].name : "unknown";
}

/* ---- one value ---- */

struct conversion {
  const struct runner_param *row;
  struct arena *arena;
  const char *folder;
  char *error;
  size_t error_size;
};

static bool
refuse (const struct conversion *c, const struct value *value, const char *wanted)
{
  struct buffer shown = { 0 };
  value_show (&shown, value, 80);
  snprintf (c->error, c->error_size, "%s: expected %s, got %s %s", c->row->name, wanted,
            value_type_name (value->type), buffer_text (&shown));
  buffer_free (&shown);
  return false;
}

static bool
as_number (const struct value *value, double *number)
{
  if (value->type == VALUE_INT)
    *number = (double) value->integer;
  else if (value->type == VALUE_FLOAT)
    *number = value->number;
  else
    return false;
  return true;
}

static bool
as_duration (const struct value *value, int64_t *ns)
{
  if (value->type == VALUE_STRING)
    return parse_duration (value->string, value->size, ns);
  if (value->type == VALUE_INT && value->integer == 0) {
    *ns = 0;
    return true;
  }
  return false;
}

static bool
as_size (const struct value *value, uint64_t *bytes)
{
  if (value->type == VALUE_STRING)
    return parse_size (value->string, value->size, bytes);
  if (value->type == VALUE_INT && value->integer >= 0) {
    *bytes = (uint64_t) value->integer;
    return true;
  }
  return false;
}

/* A value's size for comparisons with min and max, in the row's own unit. */
static bool
magnitude (uint32_t type, const struct value *value, double *number)
{
  int64_t ns;
  uint64_t bytes;
  if (type == RUNNER_DURATION && as_duration (value, &ns))
    *number = (double) ns;
  else if (type == RUNNER_SIZE && as_size (value, &bytes))
    *number = (double) bytes;
  else if (type == RUNNER_LIST && value->type == VALUE_LIST)
    *number = (double) value->count;
  else
    return as_number (value, number);
  return true;
}

static bool
in_range (const struct conversion *c, const struct value *value)
{
  double number, limit;
  struct value bound;
  const struct runner_param *row = c->row;
  if ((!row->min && !row->max) || !magnitude (row->type, value, &number))
    return true;
  const char *what = row->type == RUNNER_LIST ? "have" : "be", *of = row->type == RUNNER_LIST ? " item(s)" : "";
  if (row->min && document_scalar (row->min, strlen (row->min), &bound) && magnitude (row->type, &bound, &limit)
      && number < limit) {
    snprintf (c->error, c->error_size, "%s: must %s at least %s%s", row->name, what, row->min, of);
    return false;
  }
  if (row->max && document_scalar (row->max, strlen (row->max), &bound) && magnitude (row->type, &bound, &limit)
      && number > limit) {
    snprintf (c->error, c->error_size, "%s: must %s at most %s%s", row->name, what, row->max, of);
    return false;
  }
  return true;
}

static bool
is_choice (const struct conversion *c, const char *text)
{
  const char *const *choices = c->row->choices;
  if (!choices)
    return true;
  const char *best = NULL;
  size_t distance = 0;
  struct buffer all = { 0 };
  for (; *choices; choices++) {
    if (strcmp (*choices, text) == 0) {
      buffer_free (&all);
      return true;
    }
    text_nearest (text, *choices, &best, &distance);
    buffer_printf (&all, "%s%s", all.size ? ", " : "", *choices);
  }
  if (best)
    snprintf (c->error, c->error_size, "%s: unknown \"%s\"; did you mean \"%s\"?", c->row->name, text, best);
  else
    snprintf (c->error, c->error_size, "%s: \"%s\" is none of %s", c->row->name, text, buffer_text (&all));
  buffer_free (&all);
  return false;
}

static bool
read_file (struct arena *arena, const char *folder, const struct value *name, const uint8_t **data, size_t *size,
           char *error, size_t error_size)
{
  const char *path = name->string;
  if (path[0] != '/' && folder)
    path = arena_printf (arena, "%s/%s", folder, path);
  CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat st;
  if (fd < 0 || fstat (fd, &st) < 0) {
    snprintf (error, error_size, "cannot read the file %s: %s", path, strerror (errno));
    return false;
  }
  if (!S_ISREG (st.st_mode) || st.st_size > FILE_LIMIT) {
    snprintf (error, error_size, "%s is %s", path, S_ISREG (st.st_mode) ? "larger than 64 MiB" : "no regular file");
    return false;
  }
  char *content = arena_alloc (arena, (size_t) st.st_size + 1);
  size_t n = 0;
  while (n < (size_t) st.st_size) {
    ssize_t got = read (fd, content + n, (size_t) st.st_size - n);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0) {
      snprintf (error, error_size, "cannot read the file %s: %s", path, strerror (errno));
      return false;
    }
    if (got == 0)
      break;
    n += (size_t) got;
  }
  *data = (const uint8_t *) content;
  *size = n;
  return true;
}

bool
param_bytes (struct arena *arena, const struct value *value, const char *folder, const uint8_t **data,
             const uint8_t **mask, size_t *size, char *error, size_t error_size)
{
  if (mask)
    *mask = NULL;
  if (value->type == VALUE_STRING) {
    *data = (const uint8_t *) value->string;
    *size = value->size;
    return true;
  }
  if (value->type == VALUE_MAP && value->count == 1 && value->members[0].value.type != VALUE_STRING) {
    snprintf (error, error_size, "%.60s: expected a text, got %s: put it in quotes", value->members[0].key.string,
              value_type_name (value->members[0].value.type));
    return false;
  }
  if (value->type != VALUE_MAP || value->count != 1) {
    snprintf (error, error_size, "expected bytes: a text, {hex: …}, {base64: …} or {file: …}; got %s",
              value_type_name (value->type));
    return false;
  }
  const struct value *kind = &value->members[0].key, *text = &value->members[0].value;
  uint8_t *bytes = NULL, *bits = NULL;
  if (value_is (kind, "hex")) {
    if (!parse_hex (arena, text->string, text->size, &bytes, mask ? &bits : NULL, size)) {
      CLEANUP_BUFFER struct buffer shown = { 0 };
      text_quote (&shown, text->string, text->size, 60);
      snprintf (error, error_size, "hex: expected pairs of hexadecimal digits, got %s", buffer_text (&shown));
      return false;
    }
  }
  else if (value_is (kind, "base64")) {
    if (!parse_base64 (arena, text->string, text->size, &bytes, size)) {
      CLEANUP_BUFFER struct buffer shown = { 0 };
      text_quote (&shown, text->string, text->size, 60);
      snprintf (error, error_size, "base64: %s is no base64", buffer_text (&shown));
      return false;
    }
  }
  else if (value_is (kind, "file"))
    return read_file (arena, folder, text, data, size, error, error_size);
  else {
    snprintf (error, error_size, "unknown kind of bytes \"%.60s\": one of hex, base64, file", kind->string);
    return false;
  }
  *data = bytes;
  if (mask)
    *mask = bits;
  return true;
}

static bool
convert_text (const struct conversion *c, const struct value *value, void *field)
{
  struct buffer text = { 0 };
  if (value->type == VALUE_STRING) {
    if (memchr (value->string, 0, value->size))
      return refuse (c, value, "a text without NUL");
    if (!is_choice (c, value->string))
      return false;
    *(const char **) field = value->string;
    return true;
  }
  if (value->type == VALUE_NULL || !value_print (&text, value)) {
    buffer_free (&text);
    return refuse (c, value, "a text");
  }
  char *copy = arena_copy (c->arena, text.data, text.size);
  buffer_free (&text);
  if (!is_choice (c, copy))
    return false;
  *(const char **) field = copy;
  return true;
}

static bool
convert_address (const struct conversion *c, const struct value *value, struct runner_address *field)
{
  struct address address;
  const char *why = "it is no text";
  if (value->type != VALUE_STRING || !parse_address (c->arena, value->string, value->size, &address, &why)) {
    struct buffer shown = { 0 };
    value_show (&shown, value, 80);
    snprintf (c->error, c->error_size, "%s: %s is no address (host:port, [v6]:port or unix:/path): %s", c->row->name,
              buffer_text (&shown), why);
    buffer_free (&shown);
    return false;
  }
  field->text = value->string;
  field->host = address.host;
  field->path = address.path;
  field->port = address.port;
  return true;
}

static bool
convert_bytes (const struct conversion *c, const struct value *value, void *field)
{
  const uint8_t *data, *mask;
  size_t size;
  char why[256];
  struct value printed = *value;
  if (value->type != VALUE_STRING && value->type != VALUE_MAP) {
    struct buffer text = { 0 };
    if (value->type == VALUE_NULL || !value_print (&text, value)) {
      buffer_free (&text);
      return refuse (c, value, "bytes: a text, {hex: …}, {base64: …} or {file: …}");
    }
    printed = value_text (arena_copy (c->arena, text.data, text.size), text.size);
    buffer_free (&text);
  }
  bool pattern = c->row->type == RUNNER_BYTES_PATTERN;
  if (!param_bytes (c->arena, &printed, c->folder, &data, pattern ? &mask : NULL, &size, why, sizeof why)) {
    snprintf (c->error, c->error_size, "%s: %s", c->row->name, why);
    return false;
  }
  if (c->row->type == RUNNER_BYTES)
    *(struct runner_bytes *) field = (struct runner_bytes) { data, size };
  else if (c->row->type == RUNNER_SECRET)
    *(struct runner_secret *) field = (struct runner_secret) { (const char *) data, size };
  else {
    if (!mask) {
      uint8_t *all = arena_alloc (c->arena, size + 1);
      memset (all, 0xff, size);
      mask = all;
    }
    *(struct runner_bytes_pattern *) field = (struct runner_bytes_pattern) { data, mask, size };
  }
  return true;
}

static bool
convert_one (const struct conversion *c, const struct value *value, void *field)
{
  double number;
  if (!in_range (c, value))
    return false;
  switch (c->row->type) {
  case RUNNER_TEXT:
    return convert_text (c, value, field);
  case RUNNER_INT:
    if (value->type == VALUE_FLOAT && value->number == floor (value->number) && fabs (value->number) < 0x1p63)
      *(int64_t *) field = (int64_t) value->number;
    else if (value->type == VALUE_INT)
      *(int64_t *) field = value->integer;
    else
      return refuse (c, value, "an integer");
    return true;
  case RUNNER_FLOAT:
    if (!as_number (value, &number))
      return refuse (c, value, "a number");
    *(double *) field = number;
    return true;
  case RUNNER_BOOL:
    if (value->type != VALUE_BOOL)
      return refuse (c, value, "true or false");
    ((struct runner_bool *) field)->on = value->boolean;
    return true;
  case RUNNER_DURATION:
    if (!as_duration (value, &((struct runner_duration *) field)->ns))
      return refuse (c, value, "a duration with its unit (200ms, 5s, 2m)");
    return true;
  case RUNNER_SIZE:
    if (!as_size (value, &((struct runner_size *) field)->bytes))
      return refuse (c, value, "a size (100, 4KiB, 1MB)");
    return true;
  case RUNNER_ADDRESS:
    return convert_address (c, value, field);
  case RUNNER_BYTES:
  case RUNNER_SECRET:
  case RUNNER_BYTES_PATTERN:
    return convert_bytes (c, value, field);
  case RUNNER_LIST:
    if (value->type != VALUE_LIST)
      return refuse (c, value, "a list");
    break;
  case RUNNER_MAP:
    if (value->type != VALUE_MAP)
      return refuse (c, value, "a map");
    break;
  default: /* RUNNER_VALUE, RUNNER_PATTERN: anything */
    break;
  }
  /* the four node types have the same layout: one pointer */
  struct value *copy = arena_alloc (c->arena, sizeof *copy);
  *copy = *value;
  ((struct runner_value *) field)->node = (const struct runner_node *) copy;
  return true;
}

/* ---- a whole table ---- */

static bool
convert_row (const struct runner_param *row, const struct value *value, void *args, struct arena *arena,
             const char *folder, struct param_error *error)
{
  struct conversion c = { row, arena, folder, error->message, sizeof error->message };
  if (convert_one (&c, value, (char *) args + row->offset))
    return true;
  error->where = *value;
  return false;
}

static size_t
row_index (const struct params *params, const struct runner_param *row)
{
  return (size_t) (row - params->rows);
}

/* One of the group must be given, or only one: which names? */
static void
tell_group (const struct params *params, const struct param_group *group, uint64_t given,
            void (*tell) (void *data, const char *message), void *data)
{
  CLEANUP_BUFFER struct buffer names = { 0 };
  char message[512];
  for (size_t i = 0; i < params->count; i++)
    if (group->rows >> i & 1)
      buffer_printf (&names, "%s%s", names.size ? ", " : "", params->rows[i].name);
  snprintf (message, sizeof message, "%s of %s must be given", given ? "only one" : "one", buffer_text (&names));
  tell (data, message);
}

/* What the rows demand of the mask as a whole: required ones, groups.  Calls
 * `tell` for each fault. */
static bool
check_presence (const struct params *params, uint64_t mask, void (*tell) (void *data, const char *message), void *data)
{
  bool fine = true;
  char message[512];
  uint64_t missing = params->required & ~mask;
  for (size_t i = 0; missing; i++, missing >>= 1)
    if (missing & 1) {
      const struct runner_param *row = &params->rows[i];
      snprintf (message, sizeof message, "%s is missing: %s", row->name, row->help ? row->help : "");
      tell (data, message);
      fine = false;
    }
  for (size_t i = 0; i < params->group_count; i++) {
    const struct param_group *group = &params->groups[i];
    uint64_t given = group->rows & mask;
    bool several = given & (given - 1);
    if (several || (!given && !group->optional)) {
      tell_group (params, group, given, tell, data);
      fine = false;
    }
  }
  return fine;
}

static void
tell_error (void *data, const char *message)
{
  struct param_error *error = data;
  if (!error->message[0])
    snprintf (error->message, sizeof error->message, "%s", message);
}

bool
params_convert (const struct params *params, const struct value *given, void *args, uint64_t *mask,
                struct arena *arena, const char *folder, struct param_error *error)
{
  error->message[0] = '\0';
  error->where = *given;
  memcpy (args, params->presets, params->args_size);
  *mask = 0;
  if (given->type == VALUE_MAP) {
    for (size_t i = 0; i < given->count; i++) {
      const struct member *m = &given->members[i];
      const struct runner_param *row = param_find (params, m->key.string, m->key.size);
      if (!row) {
        error->where = m->key;
        snprintf (error->message, sizeof error->message, "unknown parameter \"%.100s\"", m->key.string);
        return false;
      }
      if (!convert_row (row, &m->value, args, arena, folder, error))
        return false;
      *mask |= UINT64_C (1) << row_index (params, row);
    }
  }
  else if (given->type != VALUE_NULL) {
    const struct runner_param *row = param_primary (params);
    if (!row) {
      snprintf (error->message, sizeof error->message, "expected a map of parameters, got %s",
                value_type_name (given->type));
      return false;
    }
    if (!convert_row (row, given, args, arena, folder, error))
      return false;
    *mask |= UINT64_C (1) << row_index (params, row);
  }
  return check_presence (params, *mask, tell_error, error);
}

/* ---- checking ---- */

struct check {
  struct faults *faults;
  const struct value *where;
  const char *what;
};

static void
tell_fault (void *data, const char *message)
{
  struct check *check = data;
  fault_add (check->faults, check->where, "%s: %s", check->what, message);
}

/* What only a text that stands in the suite is held against: see `pattern` of runner_param. */
static bool
text_fits (const struct conversion *c, const struct value *value)
{
  char why[256];
  size_t at;
  const struct runner_param *row = c->row;
  CLEANUP_BUFFER struct buffer printed = { 0 };
  if ((!row->pattern && !(row->flags & RUNNER_REGEX)) || value->type == VALUE_LIST || value->type == VALUE_MAP)
    return true;
  if (value->type != VALUE_STRING)
    value_print (&printed, value);
  const char *text = value->type == VALUE_STRING ? value->string : buffer_text (&printed);
  size_t size = value->type == VALUE_STRING ? value->size : printed.size;
  if ((row->flags & RUNNER_REGEX) && !regex_check (text, size, &at, why, sizeof why)) {
    snprintf (c->error, c->error_size, "%s: bad regular expression at character %zu: %s", row->name, at + 1, why);
    return false;
  }
  if (row->pattern && !regex_fits (row->pattern, text, size))
    return refuse (c, value, row->form ? row->form : row->pattern);
  return true;
}

static void
check_row (const struct runner_param *row, const char *what, const struct value *value, struct faults *faults)
{
  if (value->flags & VALUE_DYNAMIC)
    return;
  if (value->type == VALUE_MAP && value->count == 1 && value_is (&value->members[0].key, "file"))
    return; /* read when it runs: an earlier step may make it */
  struct arena arena = { 0 };
  union {
    char room[64];
    int64_t align;
  } field;
  char message[512];
  struct conversion c = { row, &arena, NULL, message, sizeof message };
  if (!convert_one (&c, value, &field) || !text_fits (&c, value))
    fault_add (faults, value, "%s: %s", what, message);
  arena_free (&arena);
}

static void
unknown_parameter (const struct params *params, const char *what, const struct value *key, struct faults *faults)
{
  const char *names[PARAM_MOST + 1];
  size_t n = 0;
  for (; n < params->count && n < PARAM_MOST; n++)
    names[n] = params->rows[n].name;
  names[n] = NULL;
  char of[128];
  snprintf (of, sizeof of, "%s: parameter", what);
  fault_unknown (faults, key, of, key->string, names);
}

void
params_check (const struct params *params, const char *what, const struct value *where, const struct value *given,
              struct faults *faults)
{
  uint64_t mask = 0;
  bool dynamic_keys = false;
  if (given->type == VALUE_MAP) {
    for (size_t i = 0; i < given->count; i++) {
      const struct member *m = &given->members[i];
      if (m->key.flags & VALUE_DYNAMIC) {
        dynamic_keys = true;
        continue;
      }
      const struct runner_param *row = param_find (params, m->key.string, m->key.size);
      if (!row) {
        unknown_parameter (params, what, &m->key, faults);
        continue;
      }
      mask |= UINT64_C (1) << row_index (params, row);
      check_row (row, what, &m->value, faults);
    }
  }
  else if (given->type != VALUE_NULL) {
    const struct runner_param *row = param_primary (params);
    if (!row) {
      fault_add (faults, given, "%s: expected a map of parameters, got %s", what, value_type_name (given->type));
      return;
    }
    mask |= UINT64_C (1) << row_index (params, row);
    check_row (row, what, given, faults);
  }
  struct check check = { faults, where, what };
  if (!dynamic_keys)
    check_presence (params, mask, tell_fault, &check);
}

bool
param_from_text (const struct runner_param *row, const char *text, struct arena *arena, struct value *out,
                 struct param_error *error)
{
  switch (row->type) {
  case RUNNER_INT:
  case RUNNER_FLOAT:
  case RUNNER_BOOL:
  case RUNNER_DURATION:
  case RUNNER_SIZE:
    if (!document_scalar (text, strlen (text), out)) {
      snprintf (error->message, sizeof error->message, "%s: %s is out of range", row->name, text);
      return false;
    }
    return true;
  case RUNNER_VALUE:
  case RUNNER_LIST:
  case RUNNER_MAP:
  case RUNNER_PATTERN: {
    struct faults faults = { 0 };
    bool fine = document_parse (arena, row->name, text, strlen (text), out, &faults);
    if (!fine)
      snprintf (error->message, sizeof error->message, "%s: %s", row->name,
                faults.count ? faults.items[0].message : "is no YAML");
    faults_free (&faults);
    return fine;
  }
  default:
    *out = value_string (arena_strdup (arena, text));
    return true;
  }
}

/* ---- the rows themselves ---- */

static bool
row_wellformed (const struct params *params, const struct runner_param *row, char *error, size_t error_size)
{
  if (!row->name || !text_is_name (row->name, strlen (row->name))) {
    /* `for` and `in` are fine in YAML, though reserved in Lua */
    if (!row->name || strspn (row->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen (row->name)
        || !row->name[0]) {
      snprintf (error, error_size, "a parameter's name \"%.60s\" is no identifier", row->name ? row->name : "");
      return false;
    }
  }
  if (row->type == RUNNER_NONE || row->type >= sizeof types / sizeof *types || row->size != types[row->type].size) {
    snprintf (error, error_size, "parameter %s: type %u does not fit its field of %zu bytes", row->name, row->type,
              row->size);
    return false;
  }
  if (row->offset > params->args_size || params->args_size - row->offset < row->size) {
    snprintf (error, error_size, "parameter %s lies outside its struct of %zu bytes", row->name, params->args_size);
    return false;
  }
  if (!row->help || !row->help[0]) {
    snprintf (error, error_size, "parameter %s has no help", row->name);
    return false;
  }
  char why[256];
  size_t at;
  if (row->pattern && !regex_check (row->pattern, strlen (row->pattern), &at, why, sizeof why)) {
    snprintf (error, error_size, "parameter %s: its pattern is no regular expression: %s", row->name, why);
    return false;
  }
  return true;
}

static bool
fill_preset (const struct params *params, const struct runner_param *row, struct arena *arena, char *error,
             size_t error_size)
{
  struct param_error why = { .message = "" };
  struct value value;
  if (!row->preset)
    return true;
  if (param_from_text (row, row->preset, arena, &value, &why)
      && convert_row (row, &value, params->presets, arena, NULL, &why))
    return true;
  snprintf (error, error_size, "parameter %s: preset \"%.60s\": %.300s", row->name, row->preset, why.message);
  return false;
}

/* Notes what check_presence asks for. */
static void
note_demands (struct params *params, struct arena *arena)
{
  params->groups = arena_array (arena, params->count, sizeof *params->groups);
  for (size_t i = 0; i < params->count; i++) {
    const char *name = params->rows[i].group;
    if (params->rows[i].flags & RUNNER_REQUIRED)
      params->required |= UINT64_C (1) << i;
    bool first = name != NULL;
    for (size_t j = 0; first && j < i; j++)
      first = !params->rows[j].group || strcmp (params->rows[j].group, name) != 0;
    if (!first)
      continue;
    struct param_group *group = &params->groups[params->group_count++];
    *group = (struct param_group) { .optional = name[0] == '?' };
    for (size_t j = i; j < params->count; j++)
      if (params->rows[j].group && strcmp (params->rows[j].group, name) == 0)
        group->rows |= UINT64_C (1) << j;
  }
}

bool
params_prepare (struct params *params, struct arena *arena, char *error, size_t error_size)
{
  params->presets = arena_alloc (arena, params->args_size + 1);
  if (params->count > PARAM_MOST) {
    snprintf (error, error_size, "more than %d parameters", PARAM_MOST);
    return false;
  }
  size_t primaries = 0;
  for (size_t i = 0; i < params->count; i++) {
    if (!row_wellformed (params, &params->rows[i], error, error_size)
        || !fill_preset (params, &params->rows[i], arena, error, error_size))
      return false;
    primaries += (params->rows[i].flags & RUNNER_PRIMARY) != 0;
    for (size_t j = 0; j < i; j++)
      if (strcmp (params->rows[i].name, params->rows[j].name) == 0) {
        snprintf (error, error_size, "two parameters are named %s", params->rows[i].name);
        return false;
      }
  }
  if (primaries > 1) {
    snprintf (error, error_size, "%zu parameters are primary", primaries);
    return false;
  }
  note_demands (params, arena);
  return true;
}
