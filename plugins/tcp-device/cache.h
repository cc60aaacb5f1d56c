/* cache.h - the last report of each device: key `123`, value `name`.
 *
 * An interface: cache-memory.c is the one that is built in.
 */
#ifndef TCP_DEVICE_CACHE_H
#define TCP_DEVICE_CACHE_H

#include <stddef.h>

#include "frame.h"

struct cache;
struct cache_ops {
  int (*set) (struct cache *cache, const struct report *report); /* 0, or -1 */
  /* The device's last report, until the next call.  NULL: there is none. */
  const char *(*get) (struct cache *cache, int64_t id, size_t *size);
  void (*close) (struct cache *cache);
};
struct cache {
  const struct cache_ops *ops;
};

/* Within the process.  What was set longest ago goes first when keys and values
 * take more than `limit` bytes. */
struct cache *cache_memory_open (size_t limit);

#endif
