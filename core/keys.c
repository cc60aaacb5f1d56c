/* keys.c - see keys.h. */
#include "config.h"

#include "keys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define KEYS_FEW 16

/* A secret of this process, so that nobody can write keys that collide. */
static const uint64_t *
secret (void)
{
  static const uint64_t fallback[2] = { UINT64_C (0x9e3779b97f4a7c15), UINT64_C (0xd1b54a32d192ed03) };
  const void *random = (const void *) getauxval (AT_RANDOM); /* 16 bytes */
  return random ? random : fallback;
}

static uint64_t
fold (uint64_t a, uint64_t b)
{
  unsigned __int128 product = (unsigned __int128) a * b;
  return (uint64_t) product ^ (uint64_t) (product >> 64);
}

static uint64_t
hash (const char *text, size_t size)
{
  uint64_t seed[2], chunk, h;
  memcpy (seed, secret (), sizeof seed);
  h = seed[0] ^ size;
  for (; size > 8; text += 8, size -= 8) {
    memcpy (&chunk, text, 8);
    h = fold (h ^ chunk, seed[1] | 1);
  }
  chunk = 0;
  if (size)
    memcpy (&chunk, text, size);
  return fold (h ^ chunk, seed[1] | 1);
}

static bool
equal (const struct value *a, const struct value *b)
{
  return a->size == b->size && memcmp (a->string, b->string, a->size) == 0;
}

/* The slot of an equal key, or the one that is free for it.  There is always a free one. */
static const struct value **
slot_of (const struct keys *keys, const struct value *key)
{
  if (keys->room <= KEYS_FEW) {
    size_t i = 0;
    while (i < keys->count && !equal (keys->slots[i], key))
      i++;
    return &keys->slots[i];
  }
  size_t mask = keys->room - 1;
  size_t i = hash (key->string, key->size) & mask;
  while (keys->slots[i] && !equal (keys->slots[i], key))
    i = (i + 1) & mask;
  return &keys->slots[i];
}

/* Makes room for one more key. */
static void
grow (struct keys *keys)
{
  if (keys->room == 0) {
    keys->room = KEYS_FEW;
    keys->slots = xcalloc (keys->room, sizeof *keys->slots);
    return;
  }
  bool few = keys->room <= KEYS_FEW;
  if (few ? keys->count < keys->room : keys->count < keys->room / 2)
    return;
  struct keys old = *keys;
  keys->room *= 4;
  keys->slots = xcalloc (keys->room, sizeof *keys->slots);
  for (size_t i = 0; i < old.room; i++)
    if (old.slots[i])
      *slot_of (keys, old.slots[i]) = old.slots[i];
  free (old.slots);
}

const struct value *
keys_add (struct keys *keys, const struct value *key)
{
  grow (keys);
  const struct value **slot = slot_of (keys, key);
  if (*slot)
    return *slot;
  *slot = key;
  keys->count++;
  return NULL;
}

const struct value *
keys_find (const struct keys *keys, const struct value *key)
{
  if (keys->count == 0)
    return NULL;
  if (keys->room <= KEYS_FEW) {
    for (size_t i = 0; i < keys->count; i++)
      if (equal (keys->slots[i], key))
        return keys->slots[i];
    return NULL;
  }
  return *slot_of (keys, key);
}

void
keys_replace (struct keys *keys, const struct value *key)
{
  grow (keys);
  const struct value **slot = slot_of (keys, key);
  if (!*slot)
    keys->count++;
  *slot = key;
}

void
keys_clear (struct keys *keys)
{
  if (keys->room > KEYS_FEW) /* a small map after a large one must not pay for it */
    keys_free (keys);
  else if (keys->count)
    memset (keys->slots, 0, keys->room * sizeof *keys->slots);
  keys->count = 0;
}

void
keys_free (struct keys *keys)
{
  free (keys->slots);
  *keys = (struct keys) { 0 };
}
