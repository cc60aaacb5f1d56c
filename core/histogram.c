/* histogram.c - see histogram.h. */
#include "config.h"

#include "histogram.h"

#include <math.h>

#define SUB_BITS 7
#define LONGEST_NS ((INT64_C (1) << 44) - 1)

/* 0..255 as they are; then the leading 8 bits, 128 buckets for each power of two. */
static unsigned
bucket_of (int64_t ns)
{
  uint64_t value = ns < 0 ? 0 : ns > LONGEST_NS ? (uint64_t) LONGEST_NS : (uint64_t) ns;
  if (value < 2u << SUB_BITS)
    return (unsigned) value;
  unsigned shift = 63 - (unsigned) __builtin_clzll (value) - SUB_BITS;
  return (shift << SUB_BITS) + (unsigned) (value >> shift);
}

static int64_t
bucket_begin (unsigned i)
{
  if (i < 2u << SUB_BITS)
    return i;
  unsigned shift = (i >> SUB_BITS) - 1;
  return (int64_t) (i - (shift << SUB_BITS)) << shift;
}

int64_t
histogram_bucket_end (unsigned i)
{
  return bucket_begin (i + 1) - 1;
}

#define ADD(counter, n) atomic_fetch_add_explicit (&(counter), n, memory_order_relaxed)
#define READ(counter) atomic_load_explicit (&(counter), memory_order_relaxed)

/* Both extremes grow: the least is kept as its complement. */
static void
grow (_Atomic int64_t *extreme, int64_t ns)
{
  int64_t now = READ (*extreme);
  while (ns > now && !atomic_compare_exchange_weak_explicit (extreme, &now, ns, memory_order_relaxed, memory_order_relaxed))
    continue;
}

void
histogram_record (struct histogram *histogram, int64_t ns, int failed)
{
  if (ns < 0)
    ns = 0;
  ADD (histogram->buckets[bucket_of (ns)], 1);
  ADD (histogram->sum, (uint64_t) ns);
  if (failed)
    ADD (histogram->failed, 1);
  grow (&histogram->most, ns);
  grow (&histogram->least, INT64_MAX - ns);
  ADD (histogram->count, 1);
}

void
histogram_add (struct histogram *to, const struct histogram *from)
{
  if (!READ (from->count) && !READ (from->failed))
    return;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    uint64_t n = READ (from->buckets[i]);
    if (n)
      ADD (to->buckets[i], n);
  }
  ADD (to->count, READ (from->count));
  ADD (to->sum, READ (from->sum));
  ADD (to->failed, READ (from->failed));
  grow (&to->most, READ (from->most));
  grow (&to->least, READ (from->least));
}

void
histogram_since (struct histogram *to, const struct histogram *now, const struct histogram *before)
{
  uint64_t count = 0;
  to->most = to->least = 0;
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    uint64_t n = READ (now->buckets[i]) - READ (before->buckets[i]);
    to->buckets[i] = n;
    count += n;
    if (!n)
      continue;
    if (!to->least)
      to->least = INT64_MAX - bucket_begin (i);
    to->most = histogram_bucket_end (i);
  }
  to->count = count; /* what the buckets say: they are read while others record */
  to->sum = READ (now->sum) - READ (before->sum);
  to->failed = READ (now->failed) - READ (before->failed);
}

int64_t
histogram_least (const struct histogram *histogram)
{
  return READ (histogram->count) ? INT64_MAX - READ (histogram->least) : 0;
}

int64_t
histogram_most (const struct histogram *histogram)
{
  return READ (histogram->most);
}

int64_t
histogram_mean (const struct histogram *histogram)
{
  uint64_t count = READ (histogram->count);
  return count ? (int64_t) (READ (histogram->sum) / count) : 0;
}

int64_t
histogram_percentile (const struct histogram *histogram, double percent)
{
  uint64_t count = READ (histogram->count), seen = 0;
  if (!count)
    return 0;
  double exact = ceil (percent / 100 * (double) count - 1e-9);
  uint64_t rank = exact < 1 ? 1 : exact > (double) count ? count : (uint64_t) exact;
  if (rank == count)
    return histogram_most (histogram);
  for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += READ (histogram->buckets[i]);
    if (seen < rank)
      continue;
    int64_t middle = bucket_begin (i) + (histogram_bucket_end (i) - bucket_begin (i)) / 2;
    int64_t least = histogram_least (histogram), most = histogram_most (histogram);
    return middle < least ? least : middle > most ? most : middle;
  }
  return histogram_most (histogram);
}
