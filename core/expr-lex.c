/* expr-lex.c - Lua's tokens, as the reference manual's section 3.1 has them, as
 * far as names, strings and comments must be told apart.  It judges nothing:
 * that is the compiler's part. */
#include "config.h"

#include "expr-internal.h"
#include "text.h"

static bool
is_letter (char c)
{
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char
peek (const struct expr_lexer *lexer, size_t ahead)
{
  return ahead < lexer->size - lexer->at ? lexer->text[lexer->at + ahead] : '\0';
}

/* At a `[`: the level of a long bracket (`[[` is 0), or -1. */
static long
bracket_level (const struct expr_lexer *lexer)
{
  size_t n = 1;
  while (peek (lexer, n) == '=')
    n++;
  return peek (lexer, n) == '[' ? (long) n - 1 : -1;
}

/* Skips a long bracket of that level; false: it does not end. */
static bool
skip_long (struct expr_lexer *lexer, long level)
{
  lexer->at += (size_t) level + 2;
  for (; lexer->at < lexer->size; lexer->at++) {
    if (peek (lexer, 0) != ']')
      continue;
    size_t n = 1;
    while (peek (lexer, n) == '=')
      n++;
    if ((long) n - 1 == level && peek (lexer, n) == ']') {
      lexer->at += n + 1;
      return true;
    }
  }
  return false;
}

/* Skips a string in quotes; false: it does not end in its line. */
static bool
skip_string (struct expr_lexer *lexer)
{
  char quote = lexer->text[lexer->at++];
  while (lexer->at < lexer->size) {
    char c = lexer->text[lexer->at];
    if (c == '\\' && peek (lexer, 1) == 'z') { /* blanks and ends of lines after it are skipped */
      lexer->at += 2;
      while (lexer->at < lexer->size && peek (lexer, 0) && strchr (" \t\r\n\v\f", peek (lexer, 0)))
        lexer->at++;
    }
    else if (c == '\\' && lexer->size - lexer->at >= 2)
      lexer->at += 2;
    else if (c == '\n' || c == '\r')
      return false;
    else {
      lexer->at++;
      if (c == quote)
        return true;
    }
  }
  return false;
}

/* Skips blanks and comments; false: a long comment does not end. */
static bool
skip_blanks (struct expr_lexer *lexer)
{
  while (lexer->at < lexer->size) {
    char c = lexer->text[lexer->at];
    if (c == ' ' || (c >= '\t' && c <= '\r'))
      lexer->at++;
    else if (c == '-' && peek (lexer, 1) == '-') {
      size_t start = lexer->at;
      lexer->at += 2;
      long level = peek (lexer, 0) == '[' ? bracket_level (lexer) : -1;
      if (level >= 0) {
        if (!skip_long (lexer, level)) {
          lexer->at = start;
          return false;
        }
      }
      else
        while (lexer->at < lexer->size && lexer->text[lexer->at] != '\n' && lexer->text[lexer->at] != '\r')
          lexer->at++;
    }
    else
      break;
  }
  return true;
}

static void
skip_number (struct expr_lexer *lexer)
{
  bool hexadecimal = peek (lexer, 0) == '0' && (peek (lexer, 1) | 32) == 'x';
  if (hexadecimal)
    lexer->at += 2;
  while (lexer->at < lexer->size) {
    char c = lexer->text[lexer->at];
    if ((c | 32) == (hexadecimal ? 'p' : 'e') && (peek (lexer, 1) == '-' || peek (lexer, 1) == '+'))
      lexer->at += 2;
    else if (is_digit (c) || is_letter (c) || (c == '.' && peek (lexer, 1) != '.'))
      lexer->at++;
    else
      break;
  }
}

/* The longest sign; those of other languages too, so that traps can be told. */
static size_t
sign_size (const struct expr_lexer *lexer)
{
  static const char pairs[][3] = { "==", "~=", "<=", ">=", "//", "::", "<<", ">>",
                                   "!=", "&&", "||", "+=", "-=", "*=", "/=", "=>" };
  char first = peek (lexer, 0), second = peek (lexer, 1);
  if (first == '.' && second == '.')
    return peek (lexer, 2) == '.' ? 3 : 2;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    if (pairs[i][0] == first && pairs[i][1] == second)
      return 2;
  return 1;
}

struct expr_token
expr_next_token (struct expr_lexer *lexer)
{
  struct expr_token token = { EXPR_END, 0, 0 };
  bool finished = skip_blanks (lexer);
  token.start = lexer->at;
  if (!finished) {
    token.type = EXPR_UNFINISHED;
    lexer->at = lexer->size;
  }
  else if (lexer->at >= lexer->size)
    return token;
  else {
    char c = lexer->text[lexer->at];
    long level = c == '[' ? bracket_level (lexer) : -1;
    if (is_letter (c)) {
      token.type = EXPR_NAME;
      while (is_letter (peek (lexer, 0)) || is_digit (peek (lexer, 0)))
        lexer->at++;
    }
    else if (is_digit (c) || (c == '.' && is_digit (peek (lexer, 1)))) {
      token.type = EXPR_NUMBER;
      skip_number (lexer);
    }
    else if (c == '"' || c == '\'')
      token.type = skip_string (lexer) ? EXPR_STRING : EXPR_UNFINISHED;
    else if (level >= 0)
      token.type = skip_long (lexer, level) ? EXPR_STRING : EXPR_UNFINISHED;
    else {
      token.type = EXPR_SIGN;
      lexer->at += sign_size (lexer);
    }
  }
  token.size = lexer->at - token.start;
  return token;
}
