/* test-keys.c - keys.c: a few keys and very many. */
#include "unit.h"

#include <stdlib.h>

#include "keys.h"

#define MANY 100000

/* `n` different keys, and an equal copy of each. */
static struct value *
make_keys (struct arena *arena, size_t n)
{
  struct value *keys = arena_array (arena, n, sizeof *keys);
  for (size_t i = 0; i < n; i++)
    keys[i] = value_string (arena_printf (arena, "a key with number %zu", i));
  return keys;
}

static void
check_keys (size_t n)
{
  struct arena arena = { 0 };
  struct value *first = make_keys (&arena, n), *second = make_keys (&arena, n);
  struct keys keys = { 0 };
  for (size_t i = 0; i < n; i++) {
    ck_assert_ptr_null (keys_find (&keys, &first[i]));
    ck_assert_ptr_null (keys_add (&keys, &first[i]));
  }
  for (size_t i = 0; i < n; i++) {
    ck_assert_ptr_eq (keys_find (&keys, &second[i]), &first[i]);
    ck_assert_ptr_eq (keys_add (&keys, &second[i]), &first[i]);
  }
  for (size_t i = 0; i < n; i++) {
    keys_replace (&keys, &second[i]);
    ck_assert_ptr_eq (keys_find (&keys, &first[i]), &second[i]);
  }
  ck_assert_uint_eq (keys.count, n);
  keys_clear (&keys);
  ck_assert_ptr_null (keys_find (&keys, &first[0]));
  ck_assert_ptr_null (keys_add (&keys, &first[0]));
  keys_free (&keys);
  arena_free (&arena);
}

START_TEST (few) { check_keys (3); }
END_TEST
START_TEST (as_many_as_are_listed) { check_keys (16); }
END_TEST
START_TEST (one_more) { check_keys (17); }
END_TEST
START_TEST (many) { check_keys (MANY); }
END_TEST

START_TEST (keys_with_the_same_beginning_or_a_nul_differ)
{
  struct value parts[] = { value_text ("a", 1), value_text ("a\0", 2), value_text ("", 0), value_text ("a\0b", 3) };
  struct keys keys = { 0 };
  for (int i = 0; i < 4; i++)
    ck_assert_ptr_null (keys_add (&keys, &parts[i]));
  keys_free (&keys);
}
END_TEST

Suite *
keys_suite (void)
{
  Suite *suite = suite_create ("keys");
  TCase *tc = tcase_create ("keys");
  tcase_add_test (tc, few);
  tcase_add_test (tc, as_many_as_are_listed);
  tcase_add_test (tc, one_more);
  tcase_add_test (tc, many);
  tcase_add_test (tc, keys_with_the_same_beginning_or_a_nul_differ);
  suite_add_tcase (suite, tc);
  return suite;
}
