/* load-tell.h - what a load was told to do, as texts for its event. */
#ifndef LOAD_TELL_H
#define LOAD_TELL_H

#include "event.h"

/* Its arguments, in their order, without steps and thresholds. */
void load_tell_settings (const struct value *args, struct event_load *told, struct arena *arena);
/* What a threshold's pattern asks for: "< 50ms", "> 1ms and < 5ms", "0"; of the arena. */
const char *load_tell_limit (const struct value *pattern, struct arena *arena);

#endif
