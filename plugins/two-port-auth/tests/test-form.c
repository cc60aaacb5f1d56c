/* test-form.c - form.c, service.c, exchange.c, uuid.c: what a body says, and what is made of it. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/utf8.h"
#include "exchange.h"
#include "service.h"
#include "uuid.h"

static const char *const names[] = { "a", "b", NULL };

/* The values of a and b as `<a>|<b>`, `-` for one that is missing; NULL: it is no form. */
static const char *
parsed (const char *body, size_t size)
{
  static char out[256], copy[256];
  struct form_field fields[2];
  memcpy (copy, body, size);
  if (!form_parse (copy, size, names, fields))
    return NULL;
  int n = snprintf (out, sizeof out, "%.*s|%.*s", fields[0].text ? (int) fields[0].size : 1,
                    fields[0].text ? fields[0].text : "-", fields[1].text ? (int) fields[1].size : 1,
                    fields[1].text ? fields[1].text : "-");
  ck_assert_int_lt (n, (int) sizeof out);
  return out;
}

START_TEST (fields_are_found_and_decoded)
{
  static const struct {
    const char *body, *values;
  } samples[] = {
    { "", "-|-" },              { "\r\n", "-|-" },             { "a=1", "1|-" },          { "a=1&b=2", "1|2" },
    { "b=2&a=1", "1|2" },       { "a=1&a=2", "1|-" },          { "a=&b=2", "|2" },        { "a&b=2", "-|2" },
    { "&&a=1&&", "1|-" },       { "a=1\r\n", "1|-" },          { "a=1\n\n", "1\n|-" },
    { "a=x+y%20z", "x y z|-" },
    { "%61=%42%6a%6A", "Bjj|-" }, { "a=%", "%|-" },            { "a=%4", "%4|-" },        { "a=%zz%4", "%zz%4|-" },
    { "a=%%34", "%4|-" },       { "a=1=2&b==", "1=2|=" },      { "aa=1&=2&b=3", "-|3" },  { "a=1;b=2", "1;b=2|-" },
    { "a=%D0%96", "Ж|-" },      { "a=Ж", "Ж|-" },              { "a=%26%3D%2B&b=2", "&=+|2" },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    const char *values = parsed (samples[i].body, strlen (samples[i].body));
    ck_assert_msg (values != NULL, "%s", samples[i].body);
    ck_assert_str_eq (values, samples[i].values);
  }
}
END_TEST

START_TEST (what_is_no_form_is_refused)
{
  static const char *const samples[] = { "a", "{\"a\": 1}", "a=%ff", "a=\xff", "\xff=1", "x=%ed%a0%80&a=1",
                                         "a=%c0%80", "a=1&%80=", "a=1&%80" };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
    ck_assert_msg (!parsed (samples[i], strlen (samples[i])), "%s", samples[i]);
}
END_TEST

START_TEST (a_nul_is_a_character)
{
  char body[] = "a=x%00y&b=x\0y";
  struct form_field fields[2];
  ck_assert (form_parse (body, sizeof body - 1, names, fields));
  for (int i = 0; i < 2; i++) {
    ck_assert_uint_eq (fields[i].size, 3);
    ck_assert_mem_eq (fields[i].text, "x\0y", 3);
  }
}
END_TEST

static enum service_verdict
verdict (enum service_port port, const char *method, const char *type, const char *body)
{
  char copy[1024];
  struct service_fields fields;
  ck_assert_uint_lt (strlen (body), sizeof copy);
  strcpy (copy, body);
  struct service_request request = { port, method, type, copy, strlen (body), false };
  return service_read (&request, &fields);
}

#define FORM "application/x-www-form-urlencoded"

START_TEST (a_request_is_judged)
{
  static const struct {
    enum service_port port;
    const char *type, *body;
    enum service_verdict verdict;
  } samples[] = {
    { PORT_REGISTRATION, FORM, "client_uuid=1", VERDICT_REGISTER },
    { PORT_REGISTRATION, NULL, "client_uuid=1", VERDICT_REGISTER },
    { PORT_REGISTRATION, FORM "; charset=utf-8", "client_uuid=1&message=2", VERDICT_REGISTER },
    { PORT_REGISTRATION, " APPLICATION/x-www-form-urlencoded ", "client_uuid=1", VERDICT_REGISTER },
    { PORT_REGISTRATION, FORM, "client_uuid=", VERDICT_ERROR },
    { PORT_REGISTRATION, FORM, "", VERDICT_ERROR },
    { PORT_REGISTRATION, "text/plain", "", VERDICT_ERROR },
    { PORT_REGISTRATION, FORM, "client_uuid=1&server_uuid=", VERDICT_ERROR },
    { PORT_REGISTRATION, "text/plain", "client_uuid=1", VERDICT_BAD },
    { PORT_REGISTRATION, FORM "x", "client_uuid=1", VERDICT_BAD },
    { PORT_REGISTRATION, FORM, "client_uuid=%0a", VERDICT_BAD },
    { PORT_REGISTRATION, FORM, "client_uuid=a%c2%85", VERDICT_BAD },
    { PORT_AUTHENTICATION, FORM, "client_uuid=1&server_uuid=2", VERDICT_AUTHENTICATE },
    { PORT_AUTHENTICATION, FORM, "client_uuid=1&server_uuid=", VERDICT_AUTHENTICATE },
    { PORT_AUTHENTICATION, FORM, "client_uuid=1%0d&server_uuid=2", VERDICT_REFUSE },
    { PORT_AUTHENTICATION, FORM, "client_uuid=1", VERDICT_ERROR },
    { PORT_AUTHENTICATION, FORM, "server_uuid=1&message=2", VERDICT_ERROR },
    { PORT_AUTHENTICATION, FORM, "client_uuid=&server_uuid=1", VERDICT_ERROR },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
    ck_assert_msg (verdict (samples[i].port, "POST", samples[i].type, samples[i].body) == samples[i].verdict, "%s",
                   samples[i].body);
  ck_assert_int_eq (verdict (PORT_REGISTRATION, "GET", NULL, "client_uuid=1"), VERDICT_METHOD);
  ck_assert_int_eq (verdict (PORT_REGISTRATION, "post", NULL, "client_uuid=1"), VERDICT_METHOD);
}
END_TEST

START_TEST (a_body_that_was_too_long_is_said_so)
{
  struct service_fields fields;
  struct service_request request = { PORT_REGISTRATION, "POST", FORM, NULL, 0, true };
  ck_assert_int_eq (service_read (&request, &fields), VERDICT_TOO_LONG);
}
END_TEST

START_TEST (an_id_has_a_limit)
{
  char text[SERVICE_ID_LIMIT + 1];
  memset (text, 'x', sizeof text);
  ck_assert (service_is_id (&(struct form_field) { text, SERVICE_ID_LIMIT }));
  ck_assert (!service_is_id (&(struct form_field) { text, SERVICE_ID_LIMIT + 1 }));
  ck_assert (!service_is_id (&FIELD ("")));
  ck_assert (!service_is_id (&(struct form_field) { NULL, 0 }));
}
END_TEST

START_TEST (what_a_client_sends_is_read_back)
{
  static const char value[] = "a b&c=d+e%f\n\0\xd0\x96~-._*";
  CLEANUP_BYTES struct bytes form = { 0 };
  struct form_field fields[2];
  exchange_add_field (&form, "a", value, sizeof value - 1);
  exchange_add_field (&form, "b", "", 0);
  ck_assert_str_eq (bytes_text (&form), "a=a+b%26c%3Dd%2Be%25f%0A%00%D0%96%7E-._*&b=");
  ck_assert (form_parse (form.data, form.size, names, fields));
  ck_assert_uint_eq (fields[0].size, sizeof value - 1);
  ck_assert_mem_eq (fields[0].text, value, sizeof value - 1);
  ck_assert_uint_eq (fields[1].size, 0);
}
END_TEST

START_TEST (answers_are_understood)
{
  static const struct {
    const char *text, *code;
    bool success;
  } samples[] = {
    { "HTTP/1.1 200 OK\r\nServer-Uuid: abc\r\n\r\n", "abc", false },
    { "HTTP/1.1 200 OK\r\nserver-uuid:abc \r\n\r\n", "abc", false },
    { "HTTP/1.1 200 OK\r\nServer-Uuid:\r\n\r\n", NULL, false },
    { "HTTP/1.1 503 No\r\nServer-Uuid: abc\r\n\r\n", NULL, false },
    { "HTTP/1.1 200 OK\r\n\r\nServer-Uuid: abc\r\n", NULL, false },
    { "HTTP/1.1 200 OK\r\nStatus: Authentication success\r\n\r\n", NULL, true },
    { "HTTP/1.1 200 OK\r\nStatus: Authentication error\r\n\r\nError", NULL, false },
  };
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    struct http_answer answer = { 0 };
    size_t size = 0;
    bytes_puts (&answer.text, samples[i].text);
    answer.status = atoi (samples[i].text + strlen ("HTTP/1.1 "));
    answer.body = (size_t) (strstr (bytes_text (&answer.text), "\r\n\r\n") - answer.text.data) + 4;
    const char *code = exchange_code (&answer, &size);
    ck_assert_int_eq (code != NULL, samples[i].code != NULL);
    if (code)
      ck_assert (size == strlen (samples[i].code) && memcmp (code, samples[i].code, size) == 0);
    ck_assert_int_eq (exchange_is_success (&answer), samples[i].success);
    http_answer_free (&answer);
  }
}
END_TEST

START_TEST (uuids_are_of_version_4_and_differ)
{
  static struct uuid_source source;
  static char made[500][UUID_SIZE + 1];
  for (int i = 0; i < 500; i++) {
    ck_assert (uuid_make (&source, made[i]));
    ck_assert_uint_eq (strspn (made[i], "0123456789abcdef-"), UUID_SIZE);
    for (int at = 0; at < UUID_SIZE; at++)
      ck_assert_int_eq (made[i][at] == '-', at == 8 || at == 13 || at == 18 || at == 23);
    ck_assert_int_eq (made[i][14], '4');
    ck_assert_ptr_nonnull (strchr ("89ab", made[i][19]));
    for (int j = 0; j < i; j++)
      ck_assert_str_ne (made[i], made[j]);
  }
}
END_TEST

Suite *
form_suite (void)
{
  Suite *suite = suite_create ("form");
  TCase *tests = tcase_create ("form");
  tcase_add_test (tests, fields_are_found_and_decoded);
  tcase_add_test (tests, what_is_no_form_is_refused);
  tcase_add_test (tests, a_nul_is_a_character);
  tcase_add_test (tests, a_request_is_judged);
  tcase_add_test (tests, a_body_that_was_too_long_is_said_so);
  tcase_add_test (tests, an_id_has_a_limit);
  tcase_add_test (tests, what_a_client_sends_is_read_back);
  tcase_add_test (tests, answers_are_understood);
  tcase_add_test (tests, uuids_are_of_version_4_and_differ);
  suite_add_tcase (suite, tests);
  return suite;
}
