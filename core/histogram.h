/* histogram.h - how often which duration came, in buckets of a fixed relative width.
 *
 * Below 256 ns a bucket is 1 ns wide, from there on 1/128 of its lower end: what is
 * read from it is less than 0.4 % off (the middle of the bucket).  Several threads
 * may record at once; adding up loses nothing.  Longer than 4.8 h counts as that. */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 4864

struct histogram {
  _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
  _Atomic uint64_t count, sum; /* ns */
  _Atomic uint64_t failed;     /* as many of `count` */
  _Atomic int64_t least, most; /* ns; `least` is kept as its complement, so that zeroed memory is empty */
};

/* Both from any thread.  `failed`: 1 or 0. */
void histogram_record (struct histogram *histogram, int64_t ns, int failed);
void histogram_add (struct histogram *to, const struct histogram *from);
/* `to` gets what has come to `now` since `before`; its least and most are those of its buckets. */
void histogram_since (struct histogram *to, const struct histogram *now, const struct histogram *before);

/* 0 when it is empty. */
int64_t histogram_least (const struct histogram *histogram);
int64_t histogram_most (const struct histogram *histogram);
int64_t histogram_mean (const struct histogram *histogram);
/* The least duration that `percent` % of all do not exceed. */
int64_t histogram_percentile (const struct histogram *histogram, double percent);
/* The longest duration that bucket `i` counts. */
int64_t histogram_bucket_end (unsigned i);

#endif
