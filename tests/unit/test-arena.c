/* test-arena.c - core/arena.c: marks, and back to them. */
#include "unit.h"

#include <string.h>

#include "arena.h"

#define LARGE ((size_t) 5 << 20) /* larger than any usual block */

START_TEST (back_to_a_mark)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  char *before = arena_strdup (&arena, "before");
  size_t used = arena.used;
  struct arena_mark mark = arena_mark (&arena);
  char *first = NULL, *again;
  for (int round = 0; round < 100; round++) {
    again = arena_strdup (&arena, "after");
    if (round == 0)
      first = again;
    ck_assert_ptr_eq (again, first); /* the same memory each time */
    memset (arena_alloc (&arena, LARGE), 'x', LARGE);
    for (int i = 0; i < 100; i++)
      memset (arena_alloc (&arena, 10000), 'y', 10000);
    arena_release (&arena, mark);
    ck_assert_uint_eq (arena.used, used);
  }
  ck_assert_str_eq (before, "before");
}
END_TEST

START_TEST (back_to_nothing)
{
  CLEANUP_ARENA struct arena arena = { 0 };
  struct arena_mark mark = arena_mark (&arena);
  char *first = arena_strdup (&arena, "first");
  arena_alloc (&arena, LARGE);
  arena_release (&arena, mark);
  ck_assert_uint_eq (arena.used, 0);
  ck_assert_ptr_eq (arena_strdup (&arena, "again"), first);
}
END_TEST

Suite *
arena_suite (void)
{
  Suite *suite = suite_create ("arena");
  TCase *tc = tcase_create ("arena");
  tcase_add_test (tc, back_to_a_mark);
  tcase_add_test (tc, back_to_nothing);
  suite_add_tcase (suite, tc);
  return suite;
}
