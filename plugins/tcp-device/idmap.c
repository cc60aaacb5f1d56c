/* idmap.c - see idmap.h. */
#include "idmap.h"

#include <stdlib.h>
#include <sys/random.h>

#include "../common/bytes.h"

/* The finalizer of splitmix64. */
static size_t
bucket_of (const struct idmap *map, int64_t id)
{
  uint64_t x = (uint64_t) id ^ map->seed;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return (size_t) (x ^ x >> 31) & (map->room - 1);
}

static void
put (struct idmap *map, struct idmap_node *node)
{
  struct idmap_node **bucket = &map->buckets[bucket_of (map, node->id)];
  node->next = *bucket;
  *bucket = node;
}

static void
grow (struct idmap *map)
{
  struct idmap old = *map;
  if (!old.room && getrandom (&map->seed, sizeof map->seed, 0) != sizeof map->seed)
    map->seed = (uintptr_t) map;
  map->room = old.room ? old.room * 2 : 64;
  map->buckets = bytes_allocate (map->room * sizeof *map->buckets);
  for (size_t i = 0; i < old.room; i++)
    for (struct idmap_node *node = old.buckets[i], *next; node; node = next) {
      next = node->next;
      put (map, node);
    }
  free (old.buckets);
}

struct idmap_node *
idmap_find (const struct idmap *map, int64_t id)
{
  struct idmap_node *node = map->room ? map->buckets[bucket_of (map, id)] : NULL;
  while (node && node->id != id)
    node = node->next;
  return node;
}

void
idmap_add (struct idmap *map, struct idmap_node *node, int64_t id)
{
  if (map->count == map->room)
    grow (map);
  node->id = id;
  put (map, node);
  map->count++;
}

void
idmap_remove (struct idmap *map, struct idmap_node *node)
{
  struct idmap_node **place = &map->buckets[bucket_of (map, node->id)];
  while (*place != node)
    place = &(*place)->next;
  *place = node->next;
  map->count--;
}

void
idmap_free (struct idmap *map)
{
  free (map->buckets);
  *map = (struct idmap) { 0 };
}
