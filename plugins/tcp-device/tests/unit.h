/* unit.h - the unit tests of this plugin, and what they share. */
#ifndef TCP_DEVICE_UNIT_H
#define TCP_DEVICE_UNIT_H

#include <check.h>

#include "../../common/bytes.h"
#include "journal.h"

Suite *frame_suite (void);
Suite *parts_suite (void);
Suite *pyrepr_suite (void);
Suite *server_suite (void);
Suite *web_suite (void);

/* Collects what it is told, a line each: `print …`, `warn …`, `tell name id=… report=…`. */
struct collector {
  struct journal journal; /* first */
  struct bytes lines;
};
void collector_init (struct collector *collector);
/* What came since the last call. */
const char *collector_take (struct collector *collector);
void collector_free (struct collector *collector);

#endif
