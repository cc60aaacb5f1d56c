/* symbols.h - names for addresses in a backtrace, static functions included. */
#ifndef SYMBOLS_H
#define SYMBOLS_H

#include "arena.h"

/* A readable backtrace of frames of a process that has the same objects at the
 * same addresses as this one (it was forked from it): one line a frame, the
 * signal handler's own frames and the runner's below the plugin left out, frames
 * that repeat counted.  Belongs to the arena; NULL: there is none. */
const char *symbols_backtrace (void *const *frames, size_t count, struct arena *arena);

#endif
