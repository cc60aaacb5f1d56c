/* expr-internal.h - what the files of the expression engine share.
 *
 * expr.c           the engine: compiles, keeps what it compiled, evaluates
 * expr-sandbox.c   limits, and the part of Lua's library that is allowed
 * expr-value.c     values to Lua and back
 * expr-string.c    find, match, gmatch, gsub with PCRE2
 * expr-helpers.c   has, len, unique, read, …
 * expr-time.c      times as texts
 * expr-lex.c       Lua's tokens
 * expr-template.c  `${…}` in texts
 * expr-check.c     what can be said before anything runs */
#ifndef EXPR_INTERNAL_H
#define EXPR_INTERNAL_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <string.h>

#include "expr.h"

/* ---- limits of one evaluation ---- */
#define EXPR_MEMORY ((size_t) 64 << 20) /* of the Lua state, and once more of temporary values */
#define EXPR_WORK 10000000              /* instructions, or items handled by a C function */
#define EXPR_SECONDS 5                  /* of the thread's processor time */
#define EXPR_SEARCH 150                 /* of that work, for a search with a regular expression */
#define EXPR_NODES 1000000              /* of a result */
#define EXPR_DEPTH 64                   /* of a result */
#define EXPR_CALLS 10                   /* of Lua functions by C functions, nested */
#define EXPR_TEXT ((size_t) 64 << 10)   /* of an expression */
#define EXPR_FILE ((size_t) 16 << 20)   /* that read() takes */
#define EXPR_TOO_LONG "the expression needs too long (a loop without end?)"
#define EXPR_TOO_LARGE "the expression needs too much memory (more than 64 MiB)"

/* What belongs to one evaluation. */
struct expr_run {
  const struct expr_scope *scope;
  int64_t work;          /* what is left of EXPR_WORK */
  int64_t started;       /* clock_now_ns when first looked at; 0: not yet */
  int64_t started_cpu;   /* the thread's processor time then */
  size_t churn;          /* bytes allocated since the clock was looked at */
  unsigned calls;        /* nested calls of Lua functions by C functions */
  bool late;
  char culprit[80];      /* the undefined name, for its column */
  const char *unstarted; /* the last name that stood for a role that has not been started, Lua's */
};

#define EXPR_BUCKETS 1024
struct expr_engine {
  lua_State *lua;
  size_t memory;          /* bytes that Lua holds */
  unsigned depth;         /* evaluations that run: lookups may evaluate again */
  struct expr_run run;
  struct arena temporary; /* values that helpers make; forgotten after the evaluation */
  struct buffer scratch;  /* working memory of one C function, never held across a call of Lua */
  int environment;        /* registry references */
  struct expr_chunk *chunks[EXPR_BUCKETS];
  size_t n_chunks, chunk_bytes;
};

static inline struct expr_engine *
expr_engine_of (lua_State *lua)
{
  return *(struct expr_engine **) lua_getextraspace (lua);
}

/* An expression inside a scalar. */
struct expr_site {
  const struct value *scalar;
  size_t offset, size; /* bytes */
};
static inline const char *
expr_site_text (const struct expr_site *site)
{
  return site->scalar->string + site->offset;
}
/* A null with the place of the expression's byte `at`, as near as it can be told. */
struct value expr_site_place (const struct expr_site *site, size_t at);

/* ---- expr.c ---- */
/* Leaves the result on top of the Lua stack; after it expr_end must be called.
 * False: nothing is left there and the error is set. */
bool expr_begin (struct expr_engine *engine, const struct expr_site *site, const struct expr_scope *scope,
                 struct expr_error *error);
void expr_end (struct expr_engine *engine);
/* Compiles without evaluating. False: `message` says why, *at is near which byte. */
bool expr_compiles (struct expr_engine *engine, const char *text, size_t size, char *message, size_t message_size,
                    size_t *at);
/* Says why a value that is no text is no expression; returns false. */
bool expr_refuse (const struct value *where, struct expr_error *error);
bool expr_fail (struct expr_error *error, const struct value *where, const char *fmt, ...)
  __attribute__ ((format (printf, 3, 4))); /* returns false */

/* ---- expr-sandbox.c ---- */
void *expr_alloc (void *engine, void *old, size_t old_size, size_t size);
void expr_open_sandbox (lua_State *lua, uint64_t seed); /* pushes the environment */
/* Takes `items` from the work that is left; an error when there is none. */
void expr_charge (lua_State *lua, size_t items);
/* lua_call, nested at most so deeply that the smallest thread's stack holds it. */
void expr_call (lua_State *lua, int arguments, int results);
/* Is there `library.name`?  Also when there is no such library.  Else *best is the nearest, or NULL. */
bool expr_library_has (const char *library, size_t library_size, const char *name, size_t size, const char **best);
/* Writes `undefined name "x"; did you mean "y"?`. */
void expr_tell_undefined (const struct expr_scope *scope, const char *name, char *message, size_t size);

/* ---- expr-value.c ---- */
void expr_open_values (lua_State *lua);
void expr_push (lua_State *lua, const struct value *value); /* lists and maps by reference */
void expr_push_null (lua_State *lua);
bool expr_is_null (lua_State *lua, int index);
/* The list or map that this Lua table stands for; NULL: it is an ordinary one, or no table. */
const struct value *expr_reference (lua_State *lua, int index);

/* From Lua to a value. */
struct expr_conversion {
  lua_State *lua;
  struct arena *arena;
  const struct value *where; /* place of what is made; NULL: nowhere */
  bool borrow;               /* strings stay Lua's, lists and maps the variables' */
  size_t nodes, bytes;
  char problem[256];
};
bool expr_convert (struct expr_conversion *conversion, int index, struct value *out);
/* The value of an argument, borrowed until the C function returns; or an error. */
struct value expr_argument (lua_State *lua, int index);
const char *expr_type_name (lua_State *lua, int index); /* "list", "null", "integer", "function", … */
int expr_pairs (lua_State *lua);
int expr_ipairs (lua_State *lua);
int expr_make_list (lua_State *lua);
int expr_make_map (lua_State *lua);

/* ---- expr-helpers.c, expr-string.c, expr-time.c ---- */
extern const luaL_Reg expr_helper_functions[];
extern const luaL_Reg expr_string_functions[];
int expr_time_format (lua_State *lua);
int expr_time_parse (lua_State *lua);

/* ---- expr-lex.c ---- */
enum expr_token_type { EXPR_END, EXPR_NAME, EXPR_NUMBER, EXPR_STRING, EXPR_SIGN, EXPR_UNFINISHED };
struct expr_token { enum expr_token_type type; size_t start, size; };
struct expr_lexer { const char *text; size_t size, at; };
struct expr_token expr_next_token (struct expr_lexer *lexer);

/* Inline: for texts whose size is known when this is compiled. */
static inline bool
expr_token_is (const struct expr_lexer *lexer, const struct expr_token *token, const char *text)
{
  size_t size = strlen (text);
  return token->size == size && memcmp (lexer->text + token->start, text, size) == 0;
}

/* ---- expr-template.c ---- */
enum expr_piece_type { EXPR_PIECE_END, EXPR_PIECE_TEXT, EXPR_PIECE_ESCAPE, EXPR_PIECE_CODE, EXPR_PIECE_OPEN };
struct expr_piece {
  enum expr_piece_type type;
  size_t start, size;     /* the text; or the code without its braces */
  const char *problem;    /* of EXPR_PIECE_OPEN */
};
/* The piece that begins at *at, which is moved behind it. */
struct expr_piece expr_next_piece (const char *text, size_t size, size_t *at);

/* ---- expr-check.c ---- */
/* What people write who know other languages: says how it is written here.
 * NULL: nothing known; else *at is the byte where it is. */
const char *expr_trap (const char *text, size_t size, size_t *at);
bool expr_is_blank (const char *text, size_t size); /* nothing but blanks and comments */

#endif
