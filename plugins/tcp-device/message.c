/* message.c - see message.h. */
#include "message.h"

#include <stdio.h>

#include "pyrepr.h"
#include "../common/utf8.h"

/* What a character needs in a JSON string. */
static void
add_json_escape (struct bytes *out, uint8_t c)
{
  static const char hex[] = "0123456789abcdef";
  if (c >= 0x80)
    bytes_puts (out, "\xef\xbf\xbd"); /* U+FFFD: a byte that is not UTF-8 */
  else if (c >= 0x20)
    bytes_add (out, (char[]) { '\\', (char) c }, 2);
  else if (c == '\n')
    bytes_add (out, "\\n", 2);
  else
    bytes_add (out, (char[]) { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
}

void
json_add_text (struct bytes *out, const char *text, size_t size)
{
  bytes_reserve (out, size + 2);
  bytes_add (out, "\"", 1);
  size_t plain = 0;
  for (size_t i = 0; i < size;) {
    uint8_t c = (uint8_t) text[i];
    uint32_t point;
    size_t length = c < 0x80 ? (c >= 0x20 && c != '"' && c != '\\') : utf8_next (text + i, size - i, &point);
    if (!length) {
      bytes_add (out, text + plain, i - plain);
      add_json_escape (out, c);
      plain = i + 1;
    }
    i += length ? length : 1;
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
  if (!size) { /* jansson takes it for a mistake of ours */
    bytes_puts (error, "bad JSON: the body is empty");
    return NULL;
  }
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
