/* message.c - see message.h. */
#include "message.h"

#include <stdio.h>
#include <stdlib.h>

#include "pyrepr.h"

void
json_add_text (struct bytes *out, const char *text, size_t size)
{
  static const char hex[] = "0123456789abcdef";
  bytes_reserve (out, size + 2);
  bytes_add (out, "\"", 1);
  size_t plain = 0;
  for (size_t i = 0; i < size; i++) {
    uint8_t c = (uint8_t) text[i];
    if (c >= 0x20 && c != '"' && c != '\\')
      continue;
    bytes_add (out, text + plain, i - plain);
    plain = i + 1;
    if (c >= 0x20)
      bytes_add (out, (char[]) { '\\', (char) c }, 2);
    else if (c == '\n')
      bytes_add (out, "\\n", 2);
    else
      bytes_add (out, (char[]) { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
  }
  bytes_add (out, text + plain, size - plain);
  bytes_add (out, "\"", 1);
}

void
message_encode (struct bytes *out, const struct report *report)
{
  bytes_puts (out, "{\"id\": ");
  bytes_int (out, report->id);
  bytes_puts (out, ", \"report\": ");
  json_add_text (out, report->text, report->size);
  bytes_puts (out, "}");
}

json_t *
object_decode (const char *text, size_t size, struct bytes *error)
{
  json_error_t why;
  json_t *json = json_loadb (text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
  if (!json) {
    char place[64];
    snprintf (place, sizeof place, "bad JSON at line %d, column %d: ", why.line, why.column);
    bytes_puts (error, place);
    bytes_puts (error, why.text);
  } else if (!json_is_object (json)) {
    json_decref (json);
    json = NULL;
    bytes_puts (error, "the body must be a JSON object");
  }
  return json;
}

const char *
message_decode (const char *text, size_t size, json_t **json, struct report *report)
{
  *json = json_loadb (text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
  json_t *id = json_object_get (*json, "id"); /* NULL stays NULL */
  json_t *reported = json_object_get (*json, "report");
  if (!json_is_integer (id))
    return "it has no integer \"id\"";
  if (!json_is_string (reported))
    return "it has no text \"report\"";
  *report = (struct report) { json_integer_value (id), json_string_value (reported),
                              json_string_length (reported) };
  return NULL;
}

void
message_repr (struct bytes *out, const struct report *report)
{
  bytes_puts (out, "{'id': ");
  bytes_int (out, report->id);
  bytes_puts (out, ", 'report': ");
  pyrepr_text (out, report->text, report->size);
  bytes_puts (out, "}");
}
