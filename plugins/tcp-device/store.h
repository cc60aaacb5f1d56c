/* store.h - the devices that exist, and what they have reported.
 *
 * An interface: store-sqlite.c is the one that is built in.  A failing call
 * leaves a text in `error`.
 */
#ifndef TCP_DEVICE_STORE_H
#define TCP_DEVICE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

struct stored_report {
  int64_t id;        /* of the report: a later one has a higher one */
  int64_t timestamp; /* unix seconds */
  const char *text;
  size_t size;
};

struct store;
struct store_ops {
  int (*create_device) (struct store *store, int64_t id); /* 0, also if there was one; -1 */
  int (*has_device) (struct store *store, int64_t id);    /* 1, 0, -1 */
  int (*add_report) (struct store *store, const struct report *report); /* 1; 0: no such device; -1 */
  /* The newest reports of a device whose id is below `before`, at most `limit`
   * of them, newest first.  Returns their number, or -1. */
  int (*list_reports) (struct store *store, int64_t device, int64_t before, int limit,
                       void (*each) (void *data, const struct stored_report *report), void *data);
  void (*close) (struct store *store);
};
struct store {
  const struct store_ops *ops;
  char error[512];
};

/* A file, or (NULL) memory.  `clean`: drops and creates the tables.  NULL: see `error`. */
struct store *store_sqlite_open (const char *path, bool clean, char *error, size_t error_size);

#endif
