/* expr-check.c - what can be said of expressions before anything runs: syntax,
 * what people write who know other languages, names that nobody defines. */
#include "config.h"

#include "expr-internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "text.h"

bool
expr_is_blank (const char *text, size_t size)
{
  struct expr_lexer lexer = { text, size, 0 };
  return expr_next_token (&lexer).type == EXPR_END;
}

/* ---- traps ---- */

/* Can a value end with this token? */
static bool
ends_value (const struct expr_lexer *lexer, const struct expr_token *token)
{
  const char *text = lexer->text + token->start;
  if (token->type == EXPR_NAME)
    return !text_is_reserved (text, token->size) || *text == 't' || *text == 'f' || *text == 'e';
  return token->type == EXPR_NUMBER || token->type == EXPR_STRING
         || (token->type == EXPR_SIGN && token->size == 1 && strchr (")]}", *text));
}

static bool
holds_function (const char *text, size_t size)
{
  struct expr_lexer lexer = { text, size, 0 };
  for (;;) {
    struct expr_token token = expr_next_token (&lexer);
    if (token.type == EXPR_END)
      return false;
    if (expr_token_is (&lexer, &token, "function"))
      return true;
  }
}

/* A sign that other languages have.  `braces`: how many `{` are open. */
static const char *
foreign_sign (const struct expr_lexer *lexer, const struct expr_token *token, const struct expr_token *before,
              size_t braces)
{
  static const char *const signs[][2] = {
    { "!=", "`!=` is written `~=`" },
    { "!", "`!` is written `not`" },
    { "&&", "`&&` is written `and`" },
    { "||", "`||` is written `or`" },
    { "+=", "an expression changes nothing, so there is no `+=` (use the step `set`)" },
    { "-=", "an expression changes nothing, so there is no `-=` (use the step `set`)" },
    { "*=", "an expression changes nothing, so there is no `*=` (use the step `set`)" },
    { "/=", "an expression changes nothing, so there is no `/=` (use the step `set`)" },
    { "=>", "`=>` is nothing here: is `>=` meant?" },
    { "?", "`a ? b : c` is written `a and b or c`" },
    { "$", "this is an expression already: names stand here without `${}`" },
  };
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (expr_token_is (lexer, token, signs[i][0]))
      return signs[i][1];
  if (expr_token_is (lexer, token, "=") && braces == 0 && !holds_function (lexer->text, lexer->size))
    return "`=` does not compare: write `==`";
  if (expr_token_is (lexer, token, ":") && before->type == EXPR_STRING)
    return "a map is written {name = value} or {[\"name\"] = value}";
  if (expr_token_is (lexer, token, "[") && braces == 0 && !ends_value (lexer, before))
    return "a list is written {1, 2, 3}";
  return NULL;
}

const char *
expr_trap (const char *text, size_t size, size_t *at)
{
  struct expr_lexer lexer = { text, size, 0 };
  struct expr_token before = { EXPR_END, 0, 0 };
  for (size_t braces = 0;;) {
    struct expr_token token = expr_next_token (&lexer);
    *at = token.start;
    if (token.type == EXPR_END) {
      *at = 0;
      return NULL;
    }
    if (token.type == EXPR_SIGN) {
      const char *told = foreign_sign (&lexer, &token, &before, braces);
      if (told)
        return told;
      if (text[token.start] == '{')
        braces++;
      else if (text[token.start] == '}' && braces)
        braces--;
    }
    before = token;
  }
}

/* ---- names ---- */

/* An expression under examination. */
struct examination {
  const struct expr_site *site;
  const struct expr_scope *scope;
  struct faults *faults;
  struct expr_token *tokens; /* all of them, and EXPR_END */
  size_t count, room;
  struct expr_lexer lexer;
  size_t *locals;            /* tokens that declare a parameter or local variable */
  size_t n_locals, locals_room;
};

static void
take_tokens (struct examination *x)
{
  struct expr_token token;
  do {
    token = expr_next_token (&x->lexer);
    if (x->count == x->room) {
      x->room = x->room ? x->room * 2 : 32;
      x->tokens = xrealloc (x->tokens, x->room, sizeof *x->tokens);
    }
    x->tokens[x->count++] = token;
  } while (token.type != EXPR_END);
}

static inline bool
token_is (const struct examination *x, size_t i, const char *text)
{
  return i < x->count && expr_token_is (&x->lexer, &x->tokens[i], text);
}

static bool
is_name (const struct examination *x, size_t i)
{
  return i < x->count && x->tokens[i].type == EXPR_NAME
         && !text_is_reserved (x->lexer.text + x->tokens[i].start, x->tokens[i].size);
}

static void
fault_at (const struct examination *x, size_t i, const char *message)
{
  struct value place = expr_site_place (x->site, x->tokens[i].start);
  fault_add (x->faults, &place, "%s", message);
}

/* Declares names that are separated by commas, from token i on; returns the token behind them. */
static size_t
declare_names (struct examination *x, size_t i)
{
  while (is_name (x, i)) {
    if (x->n_locals == x->locals_room) {
      x->locals_room = x->locals_room ? x->locals_room * 2 : 8;
      x->locals = xrealloc (x->locals, x->locals_room, sizeof *x->locals);
    }
    x->locals[x->n_locals++] = i++;
    if (token_is (x, i, "<") && is_name (x, i + 1) && token_is (x, i + 2, ">")) /* <const> */
      i += 3;
    if (!token_is (x, i, ","))
      break;
    i++;
  }
  return i;
}

static void
find_locals (struct examination *x)
{
  for (size_t i = 0; i < x->count; i++) {
    if (x->tokens[i].type != EXPR_NAME)
      continue;
    if (token_is (x, i, "function")) {
      size_t open = i + 1;
      if (is_name (x, open)) /* `local function f` */
        open = declare_names (x, open);
      if (token_is (x, open, "("))
        declare_names (x, open + 1);
    }
    else if (token_is (x, i, "for") || token_is (x, i, "local"))
      declare_names (x, i + 1);
  }
}

static bool
is_local (const struct examination *x, size_t i)
{
  const struct expr_token *name = &x->tokens[i];
  for (size_t j = 0; j < x->n_locals; j++) {
    const struct expr_token *local = &x->tokens[x->locals[j]];
    if (local->size == name->size
        && memcmp (x->lexer.text + local->start, x->lexer.text + name->start, name->size) == 0)
      return true;
  }
  return false;
}

/* Is the name at token i looked up, that is, no field, key or label? */
static bool
is_free (const struct examination *x, size_t i)
{
  bool first = i == 0;
  if (!first && (token_is (x, i - 1, ".") || token_is (x, i - 1, ":") || token_is (x, i - 1, "::")
                 || token_is (x, i - 1, "goto")))
    return false;
  if (!first && token_is (x, i - 1, "<") && token_is (x, i + 1, ">")
      && (token_is (x, i, "const") || token_is (x, i, "close")))
    return false;
  bool key = !first && (token_is (x, i - 1, "{") || token_is (x, i - 1, ",") || token_is (x, i - 1, ";"))
             && token_is (x, i + 1, "=");
  return !key && !is_local (x, i);
}

/* `string.repp` */
static void
check_library (struct examination *x, size_t i)
{
  if (!token_is (x, i + 1, ".") || x->tokens[i + 2].type != EXPR_NAME)
    return;
  const struct expr_token *library = &x->tokens[i], *name = &x->tokens[i + 2];
  const char *text = x->lexer.text, *best;
  if (expr_library_has (text + library->start, library->size, text + name->start, name->size, &best))
    return;
  struct value place = expr_site_place (x->site, name->start);
  int size = (int) library->size;
  if (best)
    fault_add (x->faults, &place, "there is no %.*s.%.*s; did you mean %.*s.%s?", size, text + library->start,
               (int) name->size, text + name->start, size, text + library->start, best);
  else
    fault_add (x->faults, &place, "there is no %.*s.%.*s", size, text + library->start, (int) name->size,
               text + name->start);
}

/* Is the name, or its very text in quotes, at token i? */
static bool
is_text_of (const struct examination *x, size_t i, const char *name, size_t size)
{
  const struct expr_token *token = i < x->count ? &x->tokens[i] : NULL;
  return token && token->type == EXPR_STRING && token->size == size + 2
         && memcmp (x->lexer.text + token->start + 1, name, size) == 0;
}

/* Does the expression ask by defined ("name"), or has ("name"), whether there is such a name? */
static bool
is_asked_for (const struct examination *x, const char *name, size_t size)
{
  for (size_t i = 0; i < x->count; i++) {
    if (!token_is (x, i, "defined") && !token_is (x, i, "has"))
      continue;
    bool open = token_is (x, i + 1, "(");
    if (is_text_of (x, i + 1 + open, name, size) && (!open || token_is (x, i + 3, ")")))
      return true;
  }
  return false;
}

/* `hub.wob`, of a variable of which all members are known; `result.stdot`. */
static void
check_member (struct examination *x, size_t i, const struct value *value)
{
  if (value->type != VALUE_MAP || !token_is (x, i + 1, ".") || !is_name (x, i + 2))
    return;
  const struct expr_token *member = &x->tokens[i + 2];
  if (value_find (value, x->lexer.text + member->start, member->size))
    return;
  bool result = token_is (x, i, "result");
  if (result && !value->count) {
    fault_at (x, i, "this step has no result: write `check` beside the verb whose result is meant, or save what is "
                    "needed");
    return;
  }
  const char *names[64];
  char what[80], name[80];
  size_t n = 0;
  for (; n < value->count && n < 63; n++)
    names[n] = value->members[n].key.string;
  names[n] = NULL;
  snprintf (what, sizeof what, "%s of %.*s", result ? "field" : "export", (int) x->tokens[i].size,
            x->lexer.text + x->tokens[i].start);
  snprintf (name, sizeof name, "%.*s", (int) member->size, x->lexer.text + member->start);
  struct value place = expr_site_place (x->site, member->start);
  fault_unknown (x->faults, &place, what, name, names);
}

static void
check_names (struct examination *x)
{
  for (size_t i = 0; i < x->count; i++) {
    if (!is_name (x, i) || !is_free (x, i))
      continue;
    char name[80], message[256];
    size_t size = x->tokens[i].size < sizeof name ? x->tokens[i].size : sizeof name - 1;
    memcpy (name, x->lexer.text + x->tokens[i].start, size);
    name[size] = '\0';
    const struct value *value = x->scope->lookup (x->scope->data, name, size);
    if (value)
      check_member (x, i, value);
    if (value || is_asked_for (x, name, size))
      continue;
    if (text_is_one_of (name, size, expr_helpers ())) {
      check_library (x, i);
      continue;
    }
    expr_tell_undefined (x->scope, name, message, sizeof message);
    fault_at (x, i, message);
  }
}

/* ---- what compiles, but is not what is meant ---- */

/* `x[0]`: no list has it, and a map's keys are strings. */
static bool
is_index_zero (const struct examination *x, size_t i)
{
  return i > 0 && token_is (x, i, "[") && token_is (x, i + 1, "0") && token_is (x, i + 2, "]")
         && (is_name (x, i - 1) ? !is_local (x, i - 1) : token_is (x, i - 1, "]") || token_is (x, i - 1, ")"));
}

/* `x.y == nil`: a variable is null, never nil.  What a function gives or has in it may be nil. */
static bool
is_compared_with_nil (const struct examination *x, size_t i)
{
  return i > 0 && (token_is (x, i, "==") || token_is (x, i, "~=")) && token_is (x, i + 1, "nil")
         && (is_name (x, i - 1) || token_is (x, i - 1, "]")) && !holds_function (x->lexer.text, x->lexer.size);
}

static bool
is_template_in_string (const struct examination *x, size_t i)
{
  const struct expr_token *token = &x->tokens[i];
  return token->type == EXPR_STRING && expr_is_dynamic (x->lexer.text + token->start, token->size);
}

static void
check_meaning (struct examination *x)
{
  for (size_t i = 0; i < x->count; i++) {
    if (is_index_zero (x, i))
      fault_at (x, i, "lists begin at 1 in expressions (from 0 they count in JSONPath only)");
    else if (is_compared_with_nil (x, i))
      fault_at (x, i, "no variable is ever nil: compare with null, or ask has (value, \"field\")");
    else if (is_template_in_string (x, i))
      fault_at (x, i, "`${…}` is not replaced inside an expression: write \"text\" .. name");
  }
}

/* ---- checking ---- */

static void
check_site (struct expr_engine *engine, const struct expr_site *site, const struct expr_scope *scope,
            struct faults *faults)
{
  char message[512];
  size_t at;
  const char *text = expr_site_text (site);
  if (!expr_compiles (engine, text, site->size, message, sizeof message, &at)) {
    struct value place = expr_site_place (site, at);
    fault_add (faults, &place, "%s", message);
    return;
  }
  struct examination x = { .site = site, .scope = scope, .faults = faults, .lexer = { text, site->size, 0 } };
  take_tokens (&x);
  find_locals (&x);
  check_meaning (&x);
  if (scope)
    check_names (&x);
  free (x.tokens);
  free (x.locals);
}

void
expr_check (struct expr_engine *engine, const struct value *expression, const struct expr_scope *scope,
            struct faults *faults)
{
  struct expr_error error;
  if (expression->type == VALUE_BOOL)
    return;
  if (expression->type != VALUE_STRING) {
    expr_refuse (expression, &error);
    fault_add (faults, expression, "%s", error.message);
    return;
  }
  struct expr_site site = { expression, 0, expression->size };
  check_site (engine, &site, scope, faults);
}

static void
check_string (struct expr_engine *engine, const struct value *text, const struct expr_scope *scope,
              struct faults *faults)
{
  size_t at = 0;
  for (;;) {
    struct expr_piece piece = expr_next_piece (text->string, text->size, &at);
    if (piece.type == EXPR_PIECE_END)
      return;
    struct expr_site site = { text, piece.start, piece.size };
    if (piece.type == EXPR_PIECE_CODE)
      check_site (engine, &site, scope, faults);
    else if (piece.type == EXPR_PIECE_OPEN) {
      site.offset -= 2; /* at the `${` */
      struct value place = expr_site_place (&site, 0);
      fault_add (faults, &place, "%s", piece.problem);
    }
  }
}

void
expr_check_all (struct expr_engine *engine, const struct value *tree, const struct expr_scope *scope,
                struct faults *faults)
{
  if (!(tree->flags & VALUE_DYNAMIC))
    return;
  if (tree->type == VALUE_STRING)
    check_string (engine, tree, scope, faults);
  else if (tree->type == VALUE_LIST)
    for (size_t i = 0; i < tree->count; i++)
      expr_check_all (engine, &tree->items[i], scope, faults);
  else if (tree->type == VALUE_MAP)
    for (size_t i = 0; i < tree->count; i++) {
      expr_check_all (engine, &tree->members[i].key, scope, faults);
      expr_check_all (engine, &tree->members[i].value, scope, faults);
    }
}
