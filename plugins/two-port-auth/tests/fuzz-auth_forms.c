/* fuzz-auth_forms.c - any bytes as bodies of requests to both ports: `PORT METHOD TYPE`, a line end, and the body.
 * What is taken is UTF-8, an id fits into a header, and a message is one line out of which it can be read back. */
#include "fuzz.h"

#include <string.h>

#include "../../common/bytes.h"
#include "../form.c"
#include "../line.c"
#include "../service.c"

#define WORDS 64 /* bytes of the first line that count */

static uint32_t
escaped_point (const char **text)
{
  unsigned point = 0;
  char kind = *(*text)++;
  if (kind == '\\')
    return '\\';
  if (kind == 'n' || kind == 'r' || kind == 't')
    return kind == 'n' ? '\n' : kind == 'r' ? '\r' : '\t';
  FUZZ_CHECK (kind == 'x' || kind == 'u');
  for (int i = kind == 'x' ? 2 : 4; i; i--) {
    int digit = hex_digit (*(*text)++);
    FUZZ_CHECK (digit >= 0);
    point = point << 4 | (unsigned) digit;
  }
  return point;
}

static void
add_point (struct bytes *out, uint32_t point)
{
  char text[3] = { (char) (0xe0 | point >> 12), (char) (0x80 | (point >> 6 & 0x3f)),
                   (char) (0x80 | (point & 0x3f)) };
  if (point < 0x80)
    bytes_add (out, &(char) { (char) point }, 1);
  else if (point < 0x800)
    bytes_add (out, (char[]) { (char) (0xc0 | point >> 6), text[2] }, 2);
  else
    bytes_add (out, text, 3);
}

/* What was escaped, back again, is the field. */
static void
check_read_back (const char *text, const char *end, const struct form_field *field)
{
  CLEANUP_BYTES struct bytes out = { 0 };
  while (text < end) {
    FUZZ_CHECK ((unsigned char) *text >= 0x20 && *text != 0x7f);
    if (*text == '\\') {
      text++;
      add_point (&out, escaped_point (&text));
    } else
      bytes_add (&out, text++, 1);
  }
  FUZZ_CHECK (text == end);
  FUZZ_CHECK (out.size == field->size && (!out.size || memcmp (out.data, field->text, out.size) == 0));
}

static void
check_line (const struct service_fields *fields)
{
  static const char before[] = ": [success] (";
  CLEANUP_BYTES struct bytes line = { 0 };
  struct timespec when = { 1579600000, 0 };
  line_write (&line, &when, &fields->message, &fields->client, &fields->server);
  FUZZ_CHECK (memchr (line.data, '\n', line.size) == line.data + line.size - 1);
  char *start = memmem (line.data, line.size, before, sizeof before - 1);
  char *code = memrchr (line.data, ' ', line.size);
  FUZZ_CHECK (start && code && code > start);
  char *client = memrchr (line.data, ' ', (size_t) (code - line.data));
  FUZZ_CHECK (client && client > start && client[-1] == ')');
  check_read_back (start + sizeof before - 1, client - 1, &fields->message);
  check_read_back (client + 1, code, &fields->client);
  check_read_back (code + 1, line.data + line.size - 1, &fields->server);
}

FUZZ_TARGET (auth_forms)
{
  char words[WORDS + 1] = "", port[8] = "", method[16] = "", type[WORDS] = "";
  const char *end = memchr (data, '\n', size);
  size_t line = end ? (size_t) (end - (const char *) data) : size, body_size = end ? size - line - 1 : 0;
  memcpy (words, data, line < WORDS ? line : WORDS);
  if (sscanf (words, "%7s %15s %63s", port, method, type) < 0)
    return;
  char *body = malloc (body_size + 1); /* of its exact size: reading beyond it is found */
  FUZZ_CHECK (body);
  if (body_size)
    memcpy (body, end + 1, body_size);
  char *exact = realloc (body, body_size ? body_size : 1);
  struct service_request request = { strcmp (port, "8001") == 0 ? PORT_AUTHENTICATION : PORT_REGISTRATION, method,
                                     *type ? type : NULL, exact, body_size, false };
  struct service_fields fields;
  enum service_verdict verdict = service_read (&request, &fields);
  if (verdict == VERDICT_REGISTER || verdict == VERDICT_AUTHENTICATE) {
    FUZZ_CHECK (service_is_id (&fields.client) && fields.client.size <= SERVICE_ID_LIMIT);
    FUZZ_CHECK (!memchr (fields.client.text, '\r', fields.client.size));
    FUZZ_CHECK (!fields.message.text || utf8_is_valid (fields.message.text, fields.message.size));
    FUZZ_CHECK (!fields.server.text == (request.port == PORT_REGISTRATION));
    if (verdict == VERDICT_AUTHENTICATE && service_is_id (&fields.server)) /* others are never found */
      check_line (&fields);
  }
  free (exact);
}
