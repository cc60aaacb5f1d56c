/* plugin-guard.h - while a plugin is loaded, its constructors run in our process: one that
 * crashes, hangs or ends the program is named on stderr, and the exit status is 3.  What a
 * plugin does later is not watched here: workers are for that. */
#ifndef PLUGIN_GUARD_H
#define PLUGIN_GUARD_H

/* One plugin at a time, in one thread.  `path` is used until plugin_guard_end. */
void plugin_guard_begin (const char *path);
void plugin_guard_end (void); /* all is as it was before */

#endif
