/* pairing.h - a largest matching between two sides ("one to one"): so that no order of
 * choosing makes a difference. */
#ifndef PAIRING_H
#define PAIRING_H

#include <stddef.h>

/* May `left` go with `right`?  1, 0, or -1: stop. */
typedef int pairing_fits (void *data, size_t left, size_t right);

/* Fills partner_of_left[lefts] (SIZE_MAX: none is left for it) and partner_of_right[rights].
 * Every pair is asked about once at most, those of equal index first.  Returns how many pairs
 * there are; SIZE_MAX when `fits` said stop.  Takes lefts * rights bytes of memory. */
size_t pairing_largest (size_t lefts, size_t rights, pairing_fits *fits, void *data, size_t *partner_of_left,
                        size_t *partner_of_right);

#endif
