/* path-tree.h - what path.c makes of a path, for path-select.c.  All of it is in one arena. */
#ifndef PATH_TREE_H
#define PATH_TREE_H

#include "path.h"

enum selector_kind { SELECT_NAME, SELECT_ALL, SELECT_INDEX, SELECT_SLICE, SELECT_FILTER };

struct slice {
  bool has_start, has_end;
  int64_t start, end, step;
};

struct filter;
struct selector {
  enum selector_kind kind;
  union {
    struct { const char *name; size_t size; };
    int64_t index;
    struct slice slice;
    const struct filter *filter;
  };
};

struct segment {
  bool descend; /* `..` */
  const struct selector *selectors;
  size_t count;
};

struct path {
  bool relative; /* begins with `@`, in a filter */
  bool singular;
  const struct segment *segments;
  size_t count;
};

enum operand_kind { OPERAND_LITERAL, OPERAND_PATH, OPERAND_FUNCTION };
enum function { FUNCTION_LENGTH, FUNCTION_COUNT, FUNCTION_MATCH, FUNCTION_SEARCH, FUNCTION_VALUE };

struct operand {
  enum operand_kind kind;
  struct value literal;
  const struct path *path;
  enum function function;
  const struct operand *arguments;
};

enum filter_kind { FILTER_OR, FILTER_AND, FILTER_NOT, FILTER_COMPARE, FILTER_EXISTS, FILTER_FUNCTION };
enum comparison { COMPARE_EQ, COMPARE_NE, COMPARE_LT, COMPARE_LE, COMPARE_GT, COMPARE_GE };

struct filter {
  enum filter_kind kind;
  enum comparison comparison;
  const struct filter *left, *right; /* of or, and; not has left only */
  struct operand a, b;               /* of comparisons; a of the others */
};

/* Grows an array in the arena by doubling: `n` are there. */
void *path_room_for_one (struct arena *arena, void *items, size_t n, size_t size);

#endif
