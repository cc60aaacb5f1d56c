/* cache-memory.c - a cache within the process.  It belongs to one thread. */
#include <stdlib.h>
#include <string.h>

#include "../common/bytes.h"
#include "cache.h"
#include "idmap.h"

struct entry {
  struct idmap_node node; /* first */
  struct entry *older, *newer;
  char *value;
  size_t size;
};

struct cache_memory {
  struct cache cache;
  struct idmap entries;
  struct entry *oldest, *newest;
  size_t used, limit; /* bytes */
};

static size_t
cost_of (const struct entry *entry)
{
  return sizeof *entry + entry->size;
}

static void
unlink_entry (struct cache_memory *memory, struct entry *entry)
{
  *(entry->older ? &entry->older->newer : &memory->oldest) = entry->newer;
  *(entry->newer ? &entry->newer->older : &memory->newest) = entry->older;
  memory->used -= cost_of (entry);
}

static void
link_newest (struct cache_memory *memory, struct entry *entry)
{
  entry->newer = NULL;
  entry->older = memory->newest;
  *(memory->newest ? &memory->newest->newer : &memory->oldest) = entry;
  memory->newest = entry;
  memory->used += cost_of (entry);
}

static void
forget_oldest (struct cache_memory *memory)
{
  struct entry *entry = memory->oldest;
  unlink_entry (memory, entry);
  idmap_remove (&memory->entries, &entry->node);
  free (entry->value);
  free (entry);
}

static int
memory_set (struct cache *cache, const struct report *report)
{
  struct cache_memory *memory = (struct cache_memory *) cache;
  struct entry *entry = (struct entry *) idmap_find (&memory->entries, report->id);
  if (entry)
    unlink_entry (memory, entry);
  else {
    entry = bytes_allocate (sizeof *entry);
    idmap_add (&memory->entries, &entry->node, report->id);
  }
  if (!entry->value || entry->size != report->size) {
    free (entry->value);
    entry->value = bytes_allocate (report->size);
    entry->size = report->size;
  }
  memcpy (entry->value, report->text, report->size);
  link_newest (memory, entry);
  while (memory->used > memory->limit && memory->oldest != entry)
    forget_oldest (memory);
  return 0;
}

static const char *
memory_get (struct cache *cache, int64_t id, size_t *size)
{
  struct cache_memory *memory = (struct cache_memory *) cache;
  const struct entry *entry = (const struct entry *) idmap_find (&memory->entries, id);
  if (!entry)
    return NULL;
  *size = entry->size;
  return entry->value;
}

static void
memory_close (struct cache *cache)
{
  struct cache_memory *memory = (struct cache_memory *) cache;
  while (memory->oldest)
    forget_oldest (memory);
  idmap_free (&memory->entries);
  free (memory);
}

struct cache *
cache_memory_open (size_t limit)
{
  static const struct cache_ops ops = { memory_set, memory_get, memory_close };
  struct cache_memory *memory = bytes_allocate (sizeof *memory);
  memory->cache.ops = &ops;
  memory->limit = limit;
  return &memory->cache;
}
