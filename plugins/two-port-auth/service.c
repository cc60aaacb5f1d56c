/* service.c - see service.h. */
#include "service.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "../common/utf8.h"

/* `application/x-www-form-urlencoded`, whatever parameters follow.  Clients that do
 * not say what they send are taken at their word. */
static bool
is_form_type (const char *type)
{
  static const char form[] = "application/x-www-form-urlencoded";
  size_t size = sizeof form - 1;
  if (!type)
    return true;
  type += strspn (type, " \t");
  return strncasecmp (type, form, size) == 0 && strchr ("; \t", type[size]) != NULL;
}

bool
service_is_id (const struct form_field *field)
{
  if (!field->text || !field->size || field->size > SERVICE_ID_LIMIT)
    return false;
  for (size_t i = 0; i < field->size;) {
    uint32_t point;
    size_t length = utf8_next (field->text + i, field->size - i, &point);
    if (!length || point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 || point == 0x2029)
      return false;
    i += length;
  }
  return true;
}

static enum service_verdict
judge_registration (const struct service_fields *fields)
{
  if (!fields->client.size || fields->server.text)
    return VERDICT_ERROR;
  return service_is_id (&fields->client) ? VERDICT_REGISTER : VERDICT_BAD;
}

static enum service_verdict
judge_authentication (const struct service_fields *fields)
{
  if (!fields->client.size || !fields->server.text)
    return VERDICT_ERROR;
  return service_is_id (&fields->client) ? VERDICT_AUTHENTICATE : VERDICT_REFUSE;
}

enum service_verdict
service_read (const struct service_request *request, struct service_fields *fields)
{
  static const char *const names[] = { "client_uuid", "server_uuid", "message", NULL };
  struct form_field found[3];
  *fields = (struct service_fields) { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
  if (strcmp (request->method, "POST") != 0)
    return VERDICT_METHOD;
  if (request->too_long)
    return VERDICT_TOO_LONG;
  if (request->body_size && !is_form_type (request->type))
    return VERDICT_BAD;
  if (!form_parse (request->body, request->body_size, names, found))
    return VERDICT_BAD;
  *fields = (struct service_fields) { found[0], found[1], found[2] };
  return request->port == PORT_REGISTRATION ? judge_registration (fields) : judge_authentication (fields);
}
