/* trail.h - where in a value one is: a chain of steps on the stack, made into a
 * normalized path only when it is to be told. */
#ifndef TRAIL_H
#define TRAIL_H

#include "value.h"

enum trail_kind {
  TRAIL_ROOT,
  TRAIL_NAME,  /* of a map: `key` */
  TRAIL_INDEX, /* of a list: `index` */
  TRAIL_FOUND, /* by a JSONPath `key` in `of`: `node`, or NULL when it found nothing */
  TRAIL_NODES  /* the list of what a JSONPath found: `nodes`; below it come TRAIL_INDEX */
};

struct trail {
  const struct trail *parent;
  enum trail_kind kind;
  const struct value *of;
  union {
    const struct value *key;
    size_t index;
  };
  union {
    const struct value *node;
    const struct value *const *nodes;
  };
};

/* At most about `limit` bytes, then `…`. */
void trail_print (struct buffer *out, const struct trail *trail, size_t limit);

#endif
