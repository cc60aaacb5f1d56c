/* test-scope.c - scope.c: who sees which variable, who has which handle. */
#include "unit.h"

#include "scope.h"

static void
destroy (struct runner_step *step, void *object)
{
  (void) step;
  (void) object;
}

static void *
copy (struct runner_step *step, void *object)
{
  (void) step;
  return object;
}

static const struct runner_handle_type plain = { .name = "plain", .destroy = destroy };
static const struct runner_handle_type copied = { .name = "copied", .destroy = destroy, .copy = copy };

static struct scope outer, inner;

static void
setup (void)
{
  scope_init (&outer, NULL, NULL);
  scope_init (&inner, &outer, NULL);
}

static void
teardown (void)
{
  struct handle *handle;
  while ((handle = scope_pop (&inner)) || (handle = scope_pop (&outer)))
    handle_free (handle);
  scope_free (&inner);
  scope_free (&outer);
}

START_TEST (inner_names_hide_outer_ones)
{
  struct value one = value_int (1), two = value_int (2);
  scope_set (&outer, "x", &one);
  ck_assert_int_eq (scope_get (&inner, "x", 1)->integer, 1);
  scope_set (&inner, "x", &two);
  ck_assert_int_eq (scope_get (&inner, "x", 1)->integer, 2);
  ck_assert_int_eq (scope_get (&outer, "x", 1)->integer, 1);
  ck_assert_ptr_null (scope_get (&inner, "y", 1));
}
END_TEST

START_TEST (a_value_may_be_made_of_the_old_one)
{
  struct value text = value_string ("text");
  scope_set (&outer, "x", &text);
  scope_set (&outer, "x", scope_get (&outer, "x", 1));
  ck_assert_str_eq (scope_get (&outer, "x", 1)->string, "text");
}
END_TEST

START_TEST (a_handle_is_used_by_one_at_a_time)
{
  struct handle *handle;
  struct value where = { .line = 7 }, busy = { .line = 0 };
  int a, b;
  scope_add (&outer, "default", &plain, &a, &where, 1);
  ck_assert_int_eq (scope_take (&inner, "default", &plain, &a, &where, &handle, &busy), TAKE_OK);
  ck_assert_ptr_eq (handle->object, &a);
  ck_assert_int_eq (scope_take (&inner, "default", &plain, &a, &where, &handle, &busy), TAKE_OK); /* the same step again */
  ck_assert_int_eq (scope_take (&inner, "default", &plain, &b, &where, &handle, &busy), TAKE_BUSY);
  ck_assert_uint_eq (busy.line, 7);
  scope_release (handle);
  ck_assert_int_eq (scope_take (&inner, "default", &plain, &b, &where, &handle, &busy), TAKE_OK);
  ck_assert_int_eq (scope_take (&inner, "other", &plain, &b, &where, &handle, &busy), TAKE_NONE);
  ck_assert_int_eq (scope_take (&inner, "default", &copied, &b, &where, &handle, &busy), TAKE_NONE);
}
END_TEST

START_TEST (a_branch_copies_what_can_be_copied)
{
  struct handle *handle, *original;
  struct value where = { .line = 1 }, busy;
  int a;
  inner.branch = true;
  scope_add (&outer, "default", &copied, &a, &where, 1);
  ck_assert_int_eq (scope_take (&inner, "default", &copied, &a, &where, &original, &busy), TAKE_COPY);
  /* nobody destroys the original under its copier's hands */
  ck_assert_int_eq (scope_remove (&outer, "default", &copied, NULL, &handle, &busy), TAKE_BUSY);
  ck_assert_uint_eq (busy.line, 1);
  scope_copied (original);
  scope_add (&inner, "default", &copied, &a, &where, 1);
  ck_assert_int_eq (scope_take (&inner, "default", &copied, &a, &where, &handle, &busy), TAKE_OK);
}
END_TEST

START_TEST (a_handle_in_use_is_not_taken_out)
{
  struct handle *handle;
  struct value where = { .line = 3 }, busy;
  int a, b;
  scope_add (&outer, "default", &plain, &a, &where, 1);
  ck_assert_int_eq (scope_take (&inner, "default", &plain, &a, &where, &handle, &busy), TAKE_OK);
  ck_assert_int_eq (scope_remove (&outer, "default", &plain, &b, &handle, &busy), TAKE_BUSY);
  ck_assert_ptr_null (handle);
  ck_assert_int_eq (scope_remove (&inner, "default", &plain, &a, &handle, &busy), TAKE_NONE);
  ck_assert_int_eq (scope_remove (&outer, "default", &plain, &a, &handle, &busy), TAKE_OK);
  ck_assert_ptr_eq (handle->object, &a);
  handle_free (handle);
}
END_TEST

START_TEST (types_of_the_same_name_are_two)
{
  static const struct runner_handle_type twin = { .name = "plain", .destroy = destroy };
  struct handle *handle;
  struct value where = { .line = 1 }, busy;
  int a, b;
  scope_add (&outer, "default", &plain, &a, &where, 1);
  scope_add (&outer, "default", &twin, &b, &where, 1);
  ck_assert_int_eq (scope_take (&outer, "default", &plain, &a, &where, &handle, &busy), TAKE_OK);
  ck_assert_ptr_eq (handle->object, &a);
  ck_assert_int_eq (scope_take (&outer, "default", &twin, &a, &where, &handle, &busy), TAKE_OK);
  ck_assert_ptr_eq (handle->object, &b);
}
END_TEST

Suite *
scope_suite (void)
{
  Suite *suite = suite_create ("scope");
  TCase *tc = tcase_create ("scope");
  tcase_add_checked_fixture (tc, setup, teardown);
  tcase_add_test (tc, inner_names_hide_outer_ones);
  tcase_add_test (tc, a_value_may_be_made_of_the_old_one);
  tcase_add_test (tc, a_handle_is_used_by_one_at_a_time);
  tcase_add_test (tc, a_branch_copies_what_can_be_copied);
  tcase_add_test (tc, a_handle_in_use_is_not_taken_out);
  tcase_add_test (tc, types_of_the_same_name_are_two);
  suite_add_tcase (suite, tc);
  return suite;
}
