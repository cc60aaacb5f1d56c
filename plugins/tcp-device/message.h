/* message.h - what server and web send each other through the broker: {"id": 123, "report": "name"}. */
#ifndef TCP_DEVICE_MESSAGE_H
#define TCP_DEVICE_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "../common/bytes.h"
#include "frame.h"

void message_encode (struct bytes *out, const struct report *report);

/* Reads such an object; other members are ignored.  NULL, or what is wrong with
 * it.  report->text lives as long as *json, which the caller releases. */
const char *message_decode (const char *text, size_t size, json_t **json, struct report *report);

/* A JSON object out of a text of at most 64 KiB; an error text else. */
json_t *object_decode (const char *text, size_t size, struct bytes *error);

/* As a line shows it: {'id': 123, 'report': 'name'} */
void message_repr (struct bytes *out, const struct report *report);

void json_add_text (struct bytes *out, const char *text, size_t size); /* in quotes; a byte that is
                                                                          not UTF-8 as U+FFFD */

#endif
