/* idmap.h - finds things by device id: a hash table whose nodes live in the things. */
#ifndef TCP_DEVICE_IDMAP_H
#define TCP_DEVICE_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_node {
  int64_t id;
  struct idmap_node *next;
};

/* `{ 0 }` is an empty one. */
struct idmap {
  struct idmap_node **buckets;
  size_t room;   /* a power of two */
  size_t count;
  uint64_t seed; /* random: ids come from outside, and shall not choose their bucket */
};

struct idmap_node *idmap_find (const struct idmap *map, int64_t id); /* NULL: none */
void idmap_add (struct idmap *map, struct idmap_node *node, int64_t id); /* there is none yet */
void idmap_remove (struct idmap *map, struct idmap_node *node);
void idmap_free (struct idmap *map); /* the nodes are their owners' */

#endif
