/* event-fields.h - which JSON member is which C field of an event: the table that
 * event.c writes by and event-read.c reads by. */
#ifndef EVENT_FIELDS_H
#define EVENT_FIELDS_H

#include "event.h"

struct event_name { const char *text; size_t size; };
extern const struct event_name event_names[]; /* by enum event_type, without EVENT_UNKNOWN */

enum kind {
  KIND_TEXT,    /* const char *, without NULs; NULL: absent */
  KIND_BYTES,   /* const char * and size_t */
  KIND_INT64,
  KIND_UINT64,
  KIND_UINT32,
  KIND_INT,
  KIND_DOUBLE,  /* finite; never required */
  KIND_BOOL,    /* bool */
  KIND_FLAG,    /* int, 0 or 1 */
  KIND_OUTCOME, /* int: enum outcome */
  KIND_TEXTS,   /* const char ** and size_t */
  KIND_RECORDS, /* a struct's array and size_t */
};

struct record;
struct field {
  const char *lead;   /* `,"name":` as it is written */
  uint8_t name_size;
  uint8_t kind;
  uint8_t preset;     /* of numbers: left out when it has this value */
  uint16_t offset;
  uint16_t more;      /* where the size or count is */
  uint32_t in;        /* bits of the event types that have it */
  uint32_t required;  /* bits of those that must have it */
  const struct record *record;
};
struct record { const struct field *fields; size_t count, size; };

extern const struct record event_record;

#endif
