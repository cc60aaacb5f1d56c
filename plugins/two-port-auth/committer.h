/* committer.h - the thread that stores registrations: all that are waiting in one transaction (group commit).
 *
 * Everything else of the server happens in one other thread, which never waits for
 * the disk here. */
#ifndef TWO_PORT_AUTH_COMMITTER_H
#define TWO_PORT_AUTH_COMMITTER_H

#include "store.h"

struct committer;

/* Takes the writer.  `told` (may be NULL) is called on the thread when the store
 * begins to fail, and when it works again.  NULL: see errno. */
struct committer *committer_start (struct store_writer *writer, void (*told) (void *data, const char *text),
                                   void *data);
/* Readable when committer_take has something. */
int committer_fd (const struct committer *committer);
/* Gives it a list; nobody touches it until committer_take returns it. */
void committer_give (struct committer *committer, struct registration *first, struct registration *last);
/* Those that are stored, or are not (`stored`), since the last call.  They are in
 * the database when they come out of here.  NULL: none. */
struct registration *committer_take (struct committer *committer);
/* Stores what it was given, ends the thread and closes the writer.  What was not
 * taken is returned. */
struct registration *committer_stop (struct committer *committer);

#endif
