/* trail.c - see trail.h. */
#include "config.h"

#include "trail.h"

#include "path.h"

#define DEPTH 200

static bool
within (const struct value *node, const void *first, size_t n, size_t size)
{
  uintptr_t p = (uintptr_t) node, start = (uintptr_t) first;
  return p >= start && p - start < n * size;
}

/* Adds the way from `of` to a node in it; false when it is not there. */
static bool
locate (struct buffer *out, const struct value *of, const struct value *node, size_t depth)
{
  if (of == node)
    return true;
  if ((of->type != VALUE_LIST && of->type != VALUE_MAP) || depth >= DEPTH)
    return false;
  bool list = of->type == VALUE_LIST;
  if (list && within (node, of->items, of->count, sizeof *of->items)) {
    path_add_index (out, (size_t) (node - of->items));
    return true;
  }
  for (size_t i = 0; i < of->count; i++) {
    const struct value *child = list ? &of->items[i] : &of->members[i].value;
    bool leaf = child->type != VALUE_LIST && child->type != VALUE_MAP;
    if (leaf && child != node)
      continue;
    size_t before = out->size;
    if (list)
      path_add_index (out, i);
    else
      path_add_name (out, of->members[i].key.string, of->members[i].key.size);
    if (locate (out, child, node, depth + 1))
      return true;
    out->size = before;
  }
  return false;
}

static void
print (struct buffer *out, const struct trail *t, size_t end)
{
  if (t->kind == TRAIL_ROOT) {
    buffer_putc (out, '$');
    return;
  }
  if (t->kind == TRAIL_INDEX && t->parent->kind == TRAIL_NODES) {
    print (out, t->parent->parent, end);
    locate (out, t->parent->of, t->parent->nodes[t->index], 0);
    return;
  }
  print (out, t->parent, end);
  if (out->size >= end)
    return;
  if (t->kind == TRAIL_NAME)
    path_add_name (out, t->key->string, t->key->size);
  else if (t->kind == TRAIL_INDEX)
    path_add_index (out, t->index);
  else if (t->kind == TRAIL_NODES || !t->node || !locate (out, t->of, t->node, 0))
    buffer_add (out, t->key->string + 1, t->key->size - 1); /* without its `$` */
}

void
trail_print (struct buffer *out, const struct trail *trail, size_t limit)
{
  size_t end = out->size + limit;
  print (out, trail, end);
  if (out->size <= end)
    return;
  while (end > 0 && ((unsigned char) out->data[end] & 0xc0) == 0x80) /* not amid a character */
    end--;
  out->size = end;
  buffer_lit (out, "…");
}
