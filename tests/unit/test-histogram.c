/* test-histogram.c - histogram.c: percentiles beside exact ones, adding up. */
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>

#include "arena.h"
#include "histogram.h"

#define MANY 10000000

static uint64_t state = 88172645463325252u;

static uint64_t
next_random (void)
{
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* Durations of very different sizes: 1 ns to about 100 s, small ones as common as large ones. */
static int64_t
some_duration (void)
{
  return (int64_t) (next_random () % (UINT64_C (1) << (next_random () % 37 + 1)));
}

static int
by_size (const void *a, const void *b)
{
  int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
  return x < y ? -1 : x > y;
}

START_TEST (percentiles_are_within_one_percent)
{
  static const double percents[] = { 0.001, 1, 5, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 100 };
  struct histogram *h = xcalloc (1, sizeof *h);
  int64_t *exact = xmalloc (MANY * sizeof *exact);
  uint64_t sum = 0;
  for (size_t i = 0; i < MANY; i++) {
    exact[i] = some_duration ();
    sum += (uint64_t) exact[i];
    histogram_record (h, exact[i], 0);
  }
  qsort (exact, MANY, sizeof *exact, by_size);
  ck_assert_uint_eq (h->count, MANY);
  ck_assert_int_eq (histogram_least (h), exact[0]);
  ck_assert_int_eq (histogram_most (h), exact[MANY - 1]);
  ck_assert_int_eq (histogram_mean (h), (int64_t) (sum / MANY));
  for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
    size_t rank = (size_t) (percents[i] / 100 * MANY + 0.999999);
    double wanted = (double) exact[rank ? rank - 1 : 0], got = (double) histogram_percentile (h, percents[i]);
    ck_assert_msg (got >= wanted * 0.99 && got <= wanted * 1.01, "p%g: %g instead of %g", percents[i], got, wanted);
  }
  free (exact);
  free (h);
}
END_TEST

START_TEST (a_bucket_holds_what_it_says)
{
  int64_t end = -1;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    struct histogram h = { .count = 0 };
    ck_assert_int_gt (histogram_bucket_end (i), end);
    histogram_record (&h, end + 1, 0); /* its first, and its last */
    histogram_record (&h, histogram_bucket_end (i), 0);
    ck_assert_uint_eq (h.buckets[i], 2);
    end = histogram_bucket_end (i);
  }
  ck_assert_int_ge (end, INT64_C (4) * 3600 * 1000000000);
}
END_TEST

START_TEST (extremes_are_kept)
{
  struct histogram h = { .count = 0 };
  ck_assert_int_eq (histogram_least (&h), 0);
  ck_assert_int_eq (histogram_percentile (&h, 99), 0);
  ck_assert_int_eq (histogram_mean (&h), 0);
  histogram_record (&h, -5, 0); /* a clock that went back */
  histogram_record (&h, INT64_MAX / 2, 1);
  ck_assert_int_eq (histogram_least (&h), 0);
  ck_assert_int_eq (histogram_most (&h), INT64_MAX / 2);
  ck_assert_int_eq (histogram_percentile (&h, 100), INT64_MAX / 2);
  ck_assert_uint_eq (h.failed, 1);
}
END_TEST

START_TEST (adding_up_loses_nothing)
{
  struct histogram *parts = xcalloc (4, sizeof *parts), *sum = xcalloc (1, sizeof *sum), *whole = xcalloc (1, sizeof *whole);
  for (int i = 0; i < 100000; i++) {
    int64_t ns = some_duration ();
    histogram_record (&parts[i % 4], ns, i % 7 == 0);
    histogram_record (whole, ns, i % 7 == 0);
  }
  for (int i = 0; i < 4; i++)
    histogram_add (sum, &parts[i]);
  ck_assert_mem_eq ((const void *) sum, (const void *) whole, sizeof *sum);
  free (parts);
  free (sum);
  free (whole);
}
END_TEST

static void *
record_many (void *histogram)
{
  for (int i = 0; i < 100000; i++)
    histogram_record (histogram, i, i % 2);
  return NULL;
}

START_TEST (threads_record_at_once)
{
  struct histogram h = { .count = 0 };
  pthread_t threads[4];
  uint64_t sum = 0;
  for (int i = 0; i < 4; i++)
    ck_assert_int_eq (pthread_create (&threads[i], NULL, record_many, &h), 0);
  for (int i = 0; i < 4; i++)
    pthread_join (threads[i], NULL);
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
    sum += h.buckets[i];
  ck_assert_uint_eq (sum, 400000);
  ck_assert_uint_eq (h.count, 400000);
  ck_assert_uint_eq (h.failed, 200000);
  ck_assert_int_eq (histogram_most (&h), 99999);
}
END_TEST

START_TEST (a_second_is_what_came_since)
{
  struct histogram before = { .count = 0 }, now = { .count = 0 }, since;
  for (int i = 1; i <= 10; i++)
    histogram_record (&now, i * 1000000, 0);
  before = now;
  for (int i = 0; i < 5; i++)
    histogram_record (&now, 50000000, i == 0);
  histogram_since (&since, &now, &before);
  ck_assert_uint_eq (since.count, 5);
  ck_assert_uint_eq (since.failed, 1);
  ck_assert_int_ge (histogram_percentile (&since, 50), 49500000);
  ck_assert_int_le (histogram_percentile (&since, 50), 50500000);
  ck_assert_int_ge (histogram_least (&since), 49500000);
}
END_TEST

Suite *
histogram_suite (void)
{
  Suite *suite = suite_create ("histogram");
  TCase *test_case = tcase_create ("histogram");
  tcase_set_timeout (test_case, 120);
  tcase_add_test (test_case, percentiles_are_within_one_percent);
  tcase_add_test (test_case, a_bucket_holds_what_it_says);
  tcase_add_test (test_case, extremes_are_kept);
  tcase_add_test (test_case, adding_up_loses_nothing);
  tcase_add_test (test_case, threads_record_at_once);
  tcase_add_test (test_case, a_second_is_what_came_since);
  suite_add_tcase (suite, test_case);
  return suite;
}
