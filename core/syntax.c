/* syntax.c - see syntax.h. */
#include "config.h"

#include "syntax.h"

#include <string.h>

#include "text.h"

struct value
syntax_place (uint16_t file, const yaml_mark_t *mark)
{
  return (struct value) { .file = file, .line = (uint32_t) mark->line + 1, .column = (uint32_t) mark->column + 1 };
}

/* ---- characters ---- */

static bool
is_allowed (uint32_t point)
{
  if (point < 0xa0)
    return (point >= 0x20 && point < 0x7f) || point == '\n' || point == '\t' || point == '\r' || point == 0x85;
  return point != 0xfffe && point != 0xffff;
}

/* Does libyaml count a line here? */
static bool
is_break (uint32_t point)
{
  return point == '\n' || point == '\r' || point == 0x85 || point == 0x2028 || point == 0x2029;
}

/* The place of a byte of the text. */
static struct value
place_of (uint16_t file, const char *text, size_t size, size_t at)
{
  struct value place = { .file = file, .line = 1, .column = 1 };
  for (size_t i = 0; i < at;) {
    uint32_t point = 0;
    size_t n = utf8_decode (text + i, size - i, &point);
    bool ends = is_break (point) && !(point == '\r' && text[i + 1] == '\n');
    i += n ? n : 1;
    place.line += ends;
    place.column = ends ? 1 : place.column + 1;
  }
  return place;
}

static bool
refuse_bytes (uint16_t file, const char *text, size_t size, size_t at, struct faults *faults)
{
  struct value place = place_of (file, text, size, at);
  uint32_t point;
  size_t n = utf8_decode (text + at, size - at, &point);
  unsigned char byte = (unsigned char) text[at];
  if (at == 0 && size > 1 && (memcmp (text, "\xff\xfe", 2) == 0 || memcmp (text, "\xfe\xff", 2) == 0))
    fault_add (faults, &place, "the file is UTF-16; save it as UTF-8");
  else if (n == 0)
    fault_add (faults, &place, "byte 0x%02x is not UTF-8", byte);
  else if (point == 0)
    fault_add (faults, &place, "a NUL byte: this is no text");
  else
    fault_add (faults, &place, "control character U+%04X; write it as \\x%02x between double quotes", point, point);
  return false;
}

/* %TAG is of no use here, and libyaml takes quadratic time for many of them. */
static bool
is_tag_directive (const char *line, size_t size)
{
  return size > 4 && memcmp (line, "%TAG", 4) == 0 && (line[4] == ' ' || line[4] == '\t');
}

static bool
refuse_directive (uint16_t file, const char *text, size_t size, size_t at, struct faults *faults)
{
  struct value place = place_of (file, text, size, at);
  fault_add (faults, &place, "there are no tags of one's own: %%TAG cannot be used");
  return false;
}

bool
syntax_check_text (uint16_t file, const char *text, size_t size, struct faults *faults)
{
  if (is_tag_directive (text, size))
    return refuse_directive (file, text, size, 0, faults);
  for (size_t i = 0; (i += text_plain (text + i, size - i)) < size;) {
    uint32_t point = 0;
    size_t n = utf8_decode (text + i, size - i, &point);
    if (n == 0 || !is_allowed (point))
      return refuse_bytes (file, text, size, i, faults);
    i += n;
    if (is_break (point) && is_tag_directive (text + i, size - i))
      return refuse_directive (file, text, size, i, faults);
  }
  return true;
}

static void
go_to (struct syntax_cursor *cursor, size_t line, size_t column)
{
  if (!cursor->text || line != cursor->line || column < cursor->column) {
    cursor->text = line < UINT32_MAX ? source_line (cursor->file, (uint32_t) line + 1, &cursor->size) : NULL;
    cursor->line = line;
    cursor->column = 0;
    if (!cursor->text)
      cursor->size = 0;
  }
  for (; cursor->column < column && cursor->size; cursor->column++) {
    size_t n = utf8_decode (cursor->text, cursor->size, NULL);
    n = n ? n : 1;
    cursor->text += n;
    cursor->size -= n;
  }
}

char
syntax_byte_at (struct syntax_cursor *cursor, size_t line, size_t column)
{
  go_to (cursor, line, column);
  return cursor->size ? *cursor->text : '\0';
}

bool
syntax_has_colon (struct syntax_cursor *cursor, const yaml_mark_t *from, const yaml_mark_t *to)
{
  for (size_t line = from->line; line <= to->line; line++) {
    go_to (cursor, line, line == from->line ? from->column : 0);
    for (size_t i = 0; i < cursor->size && (line < to->line || cursor->column + i < to->column); i++) {
      if (cursor->text[i] == ':')
        return true;
      if (cursor->text[i] == '#')
        break;
    }
  }
  return false;
}

/* ---- the parser's errors ---- */

struct trouble {
  struct syntax_cursor *cursor;
  const yaml_parser_t *parser;
  struct faults *faults;
  struct value at, begin; /* where it failed, and where what failed begins */
  char c;                 /* the byte where it failed */
};

static void
explain_start (const struct trouble *t)
{
  if (t->c == '\t')
    fault_add (t->faults, &t->at, "a tab cannot indent or begin a text: use spaces");
  else if (t->c == '|' || t->c == '>')
    fault_add (t->faults, &t->at, "a block text (%c) cannot be inside [ ] or { }: use quotes", t->c);
  else
    fault_add (t->faults, &t->at, "a text cannot begin with %c: put it in quotes", t->c ? t->c : ' ');
}

static void
explain_tab (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "a tab cannot indent: use spaces");
}

static void
explain_second_colon (const struct trouble *t)
{
  fault_add (t->faults, &t->at,
             "a \": \" cannot be here: put a text that contains \": \" in quotes, or check the indentation");
}

static void
explain_missing_colon (const struct trouble *t)
{
  fault_add (t->faults, &t->begin, "a key needs a colon and a blank after it on the same line (or the indentation is wrong)");
}

/* The last byte before the place on its line that is no blank; 0 if there is none. */
static char
byte_before (const struct trouble *t)
{
  char last = '\0';
  for (size_t column = 0; column + 1 < t->at.column; column++) {
    char c = syntax_byte_at (t->cursor, t->at.line - 1, column);
    if (c != ' ' && c != '\t')
      last = c;
  }
  return last;
}

static void
explain_missing_key (const struct trouble *t)
{
  char before = byte_before (t);
  if (before && strchr ("\"']}", before))
    fault_add (t->faults, &t->at, "nothing may follow the closing %c here: put the whole text in quotes", before);
  else
    fault_add (t->faults, &t->at,
               "a key of the map that begins at line %u, column %u is expected: check the indentation", t->begin.line,
               t->begin.column);
}

static void
explain_missing_item (const struct trouble *t)
{
  fault_add (t->faults, &t->at,
             "\"- \" of the list that begins at line %u, column %u is expected: check the indentation",
             t->begin.line, t->begin.column);
}

/* In [ ] or { }. */
static void
explain_flow (const struct trouble *t)
{
  char close = strstr (t->parser->problem, "']'") ? ']' : '}';
  if (t->c == '{' && t->at.column > 1 && syntax_byte_at (t->cursor, t->at.line - 1, t->at.column - 2) == '$') {
    struct value dollar = t->at;
    dollar.column--;
    fault_add (t->faults, &dollar, "inside [ ] and { } a text with ${…} must be in quotes: {key: \"${name}\"}");
  }
  else if (!t->c && !source_line (t->at.file, t->at.line + 1, &(size_t) { 0 }))
    fault_add (t->faults, &t->begin, "the closing %c is missing", close);
  else
    fault_add (t->faults, &t->at,
               "\",\" or \"%c\" is expected here, in the %s that begins at line %u, column %u", close,
               close == ']' ? "list" : "map", t->begin.line, t->begin.column);
}

static void
explain_open_quote (const struct trouble *t)
{
  fault_add (t->faults, &t->begin, "the closing quote is missing");
}

static void
explain_escape (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "between double quotes \\ begins an escape that must exist (\\n, \\t, \\\", \\x41): "
                                "write \\\\ for a backslash, or use single quotes");
}

static void
explain_digits (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "after \\x, \\u and \\U come 2, 4 and 8 hexadecimal digits");
}

static void
explain_code (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "no character has this code");
}

static void
explain_first (const struct trouble *t)
{
  char c = syntax_byte_at (t->cursor, t->begin.line - 1, t->begin.column - 1);
  fault_add (t->faults, &t->begin, "a text cannot begin with %c: put it in quotes", c ? c : '*');
}

static void
explain_tag (const struct trouble *t)
{
  fault_add (t->faults, &t->begin,
             "a text cannot begin with !: put it in quotes (in an expression, write \"not\" and \"~=\")");
}

static void
explain_list_here (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "a list cannot begin here: give its first \"- \" a line of its own");
}

static void
explain_question (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "a text cannot begin with \"? \": put it in quotes");
}

static void
explain_no_value (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "a value is missing here");
}

static void
explain_rest (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "this does not belong to what is above: check indentation, quotes and brackets");
}

static void
explain_block_head (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "the text after | or > begins on the next line; put a text that begins so in quotes");
}

static void
explain_version (const struct trouble *t)
{
  fault_add (t->faults, &t->at, "only YAML 1.1 and 1.2 are known");
}

static const struct {
  const char *problem;
  void (*explain) (const struct trouble *trouble);
} explanations[] = {
  { "found character that cannot start any token", explain_start },
  { "found a tab character", explain_tab },
  { "mapping values are not allowed in this context", explain_second_colon },
  { "could not find expected ':'", explain_missing_colon },
  { "did not find expected key", explain_missing_key },
  { "did not find expected '-' indicator", explain_missing_item },
  { "did not find expected ',' or", explain_flow },
  { "found unexpected end of stream", explain_open_quote },
  { "found unexpected document indicator", explain_open_quote },
  { "found unknown escape character", explain_escape },
  { "did not find expected hexdecimal number", explain_digits },
  { "found invalid Unicode character escape code", explain_code },
  { "did not find expected alphabetic or numeric character", explain_first },
  { "found unknown directive name", explain_first },
  { "could not find expected directive name", explain_first },
  { "found unexpected non-alphabetical character", explain_first },
  { "did not find expected '!'", explain_tag },
  { "did not find expected tag URI", explain_tag },
  { "did not find expected whitespace or line break", explain_tag },
  { "did not find URI escaped octet", explain_tag },
  { "found undefined tag handle", explain_tag },
  { "block sequence entries are not allowed in this context", explain_list_here },
  { "mapping keys are not allowed in this context", explain_question },
  { "did not find expected node content", explain_no_value },
  { "did not find expected <document start>", explain_rest },
  { "did not find expected comment or line break", explain_block_head },
  { "found incompatible YAML document", explain_version },
};

void
syntax_explain (uint16_t file, const yaml_parser_t *parser, struct faults *faults)
{
  const char *problem = parser->problem ? parser->problem : "it cannot be read as YAML";
  struct syntax_cursor cursor = { .file = file };
  struct trouble trouble = {
    .cursor = &cursor, .parser = parser, .faults = faults,
    .at = syntax_place (file, &parser->problem_mark),
    .begin = syntax_place (file, parser->context ? &parser->context_mark : &parser->problem_mark),
    .c = syntax_byte_at (&cursor, parser->problem_mark.line, parser->problem_mark.column),
  };
  if (parser->error == YAML_MEMORY_ERROR)
    problem = "out of memory";
  for (size_t i = 0; i < sizeof explanations / sizeof *explanations; i++)
    if (strncmp (problem, explanations[i].problem, strlen (explanations[i].problem)) == 0) {
      explanations[i].explain (&trouble);
      return;
    }
  if (parser->context)
    fault_add (faults, &trouble.at, "%s (%s)", problem, parser->context);
  else
    fault_add (faults, &trouble.at, "%s", problem);
}
