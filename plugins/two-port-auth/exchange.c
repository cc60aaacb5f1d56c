/* exchange.c - see exchange.h. */
#include "exchange.h"

#include <string.h>

static bool
is_unreserved (unsigned char c)
{
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr ("*-._", c));
}

void
exchange_add_field (struct bytes *form, const char *name, const void *value, size_t size)
{
  static const char digits[] = "0123456789ABCDEF";
  const unsigned char *text = value;
  if (form->size)
    bytes_puts (form, "&");
  bytes_puts (form, name);
  bytes_puts (form, "=");
  for (size_t i = 0; i < size; i++) {
    char escaped[3] = { '%', digits[text[i] >> 4], digits[text[i] & 15] };
    if (is_unreserved (text[i]))
      bytes_add (form, &text[i], 1);
    else if (text[i] == ' ')
      bytes_puts (form, "+");
    else
      bytes_add (form, escaped, sizeof escaped);
  }
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
