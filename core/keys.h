/* keys.h - the keys of one map, found fast however many they are.
 *
 * Only while a map is made: a finished map is searched by value_find.  Keys are
 * borrowed. */
#ifndef KEYS_H
#define KEYS_H

#include "value.h"

struct keys {
  const struct value **slots; /* up to KEYS_FEW one after the other, beyond that a hash table */
  size_t count, room;
};

/* `{ 0 }` is empty. */
/* Adds a key unless there is an equal one, which is returned; else NULL. */
const struct value *keys_add (struct keys *keys, const struct value *key);
/* The equal one that was added; NULL: none. */
const struct value *keys_find (const struct keys *keys, const struct value *key);
/* Puts a key in the place of the equal one, if there is one. */
void keys_replace (struct keys *keys, const struct value *key);
void keys_clear (struct keys *keys); /* keeps memory for a few */
void keys_free (struct keys *keys);

#endif
