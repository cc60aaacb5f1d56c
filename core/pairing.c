/* pairing.c - see pairing.h.  Augmenting paths, searched breadth first. */
#include "config.h"

#include "pairing.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

enum { UNASKED, NO, YES };

struct pairing {
  size_t lefts, rights;
  pairing_fits *fits;
  void *data;
  unsigned char *answers;          /* [left * rights + right] */
  size_t *of_left, *of_right;
  size_t *from, *queue;            /* of a search: from which left a right was reached */
  bool stopped;
};

static bool
fit (struct pairing *p, size_t left, size_t right)
{
  unsigned char *answer = &p->answers[left * p->rights + right];
  if (*answer == UNASKED && !p->stopped) {
    int said = p->fits (p->data, left, right);
    p->stopped = said < 0;
    *answer = said > 0 ? YES : NO;
  }
  return *answer == YES;
}

/* Turns the pairs along the way that led to the free `right`. */
static void
turn (struct pairing *p, size_t right)
{
  while (right != SIZE_MAX) {
    size_t left = p->from[right], next = p->of_left[left];
    p->of_left[left] = right;
    p->of_right[right] = left;
    right = next;
  }
}

static bool
augment (struct pairing *p, size_t start)
{
  size_t head = 0, tail = 0;
  memset (p->from, 0xff, p->rights * sizeof *p->from);
  p->queue[tail++] = start;
  while (head < tail && !p->stopped) {
    size_t left = p->queue[head++];
    for (size_t i = 0; i < p->rights; i++) {
      size_t right = (left + i) % p->rights; /* its own place first: most lists are in order */
      if (p->from[right] != SIZE_MAX || !fit (p, left, right))
        continue;
      p->from[right] = left;
      if (p->of_right[right] == SIZE_MAX) {
        turn (p, right);
        return true;
      }
      p->queue[tail++] = p->of_right[right];
    }
  }
  return false;
}

size_t
pairing_largest (size_t lefts, size_t rights, pairing_fits *fits, void *data, size_t *partner_of_left,
                 size_t *partner_of_right)
{
  struct pairing p = { .lefts = lefts, .rights = rights, .fits = fits, .data = data };
  size_t pairs = 0;
  p.of_left = partner_of_left;
  p.of_right = partner_of_right;
  memset (p.of_left, 0xff, lefts * sizeof *p.of_left);
  memset (p.of_right, 0xff, rights * sizeof *p.of_right);
  if (lefts == 0 || rights == 0)
    return 0;
  p.answers = xcalloc (lefts, rights);
  p.from = xcalloc (rights, sizeof *p.from);
  p.queue = xcalloc (lefts + 1, sizeof *p.queue);
  for (size_t left = 0; left < lefts && !p.stopped; left++)
    pairs += augment (&p, left);
  free (p.answers);
  free (p.from);
  free (p.queue);
  return p.stopped ? SIZE_MAX : pairs;
}
