/* store.h - the registrations, in SQLite: one connection writes, another one reads. */
#ifndef TWO_PORT_AUTH_STORE_H
#define TWO_PORT_AUTH_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "uuid.h"

/* One that is to be stored. */
struct registration {
  struct registration *next;
  const char *client;
  size_t client_size;
  char server[UUID_SIZE + 1];
  bool stored;
  void *owner;
};

/* Each is for one thread. */
struct store_writer;
struct store_reader;

/* Is `other`, which there is, one of the files of the database that is at `path`, or will be? */
bool store_has_file (const char *path, const char *other);

/* Opens or creates the database, in WAL mode.  A table of others that has no index for the look-up gets one.
 * NULL with a text in `error`. */
struct store_writer *store_writer_open (const char *path, char *error, size_t error_size);
/* Stores all of them in one transaction and sets `stored` in each.  When it returns
 * true they are on the disk (synchronous=FULL), in the file that has the path's name; false: none is, with the
 * reason in `error`. */
bool store_add (struct store_writer *writer, struct registration *list, char *error, size_t error_size);
void store_writer_close (struct store_writer *writer);

struct store_reader *store_reader_open (const char *path, char *error, size_t error_size);
/* A batch of look-ups begins, or ends: at its first one it is seen whether the file still has its name.  What others
 * commit is seen at once; only to copy the WAL into the database they may have to wait until the batch ends. */
void store_reader_batch (struct store_reader *reader);
/* 1: there is such a registration, 0, -1: the database failed, or its file is gone. */
int store_find (struct store_reader *reader, const char *client, size_t client_size, const char *server,
                size_t server_size);
const char *store_reader_error (struct store_reader *reader);
void store_reader_close (struct store_reader *reader);

#endif
