/* exchange.c - see exchange.h. */
#include "exchange.h"

#include <string.h>

#include "../common/percent.h"

void
exchange_add_field (struct bytes *form, const char *name, const void *value, size_t size)
{
  const unsigned char *text = value;
  char code[3];
  if (form->size)
    bytes_puts (form, "&");
  bytes_puts (form, name);
  bytes_puts (form, "=");
  for (size_t i = 0; i < size; i++)
    bytes_add (form, code, percent_encode (code, text[i], PERCENT_FORM, true));
}

int
exchange_post (int fd, const char *host, uint16_t port, const struct bytes *form, struct http_answer *answer,
               const struct net_wait *wait, char *error, size_t error_size)
{
  struct http_request request = { host, port, "/", "application/x-www-form-urlencoded", form->data, form->size };
  return http_exchange (fd, &request, answer, wait, error, error_size);
}

const char *
exchange_code (const struct http_answer *answer, size_t *size)
{
  const char *code = answer->status == 200 ? http_answer_field (answer, "Server-Uuid", size) : NULL;
  return code && *size ? code : NULL;
}

bool
exchange_is_success (const struct http_answer *answer)
{
  static const char success[] = "Authentication success";
  size_t size;
  const char *status = answer->status == 200 ? http_answer_field (answer, "Status", &size) : NULL;
  return status && size == sizeof success - 1 && memcmp (status, success, size) == 0;
}
