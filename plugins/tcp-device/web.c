/* web.c - see web.h. */
#include "web.h"

#include <jansson.h>
#include <string.h>

#include "message.h"
#include "../common/utf8.h"

#define HTML "text/html; charset=utf-8"
#define JSON "application/json"

#define DEVICES "/api/v1/device"

/* Reports that one piece of a list holds. */
#define PIECE 500

/* ---- answers ----------------------------------------------------------- */

static void
answer_text (struct web_response *response, const char *text)
{
  response->status = 200;
  response->type = HTML;
  bytes_puts (&response->body, text);
}

static void
answer_error (struct web_response *response, unsigned status, const char *text)
{
  response->status = status;
  response->type = JSON;
  bytes_puts (&response->body, "{\"error\": ");
  json_add_text (&response->body, text, strlen (text));
  bytes_puts (&response->body, "}\n");
}

static void
answer_store_error (struct web *web, struct web_response *response)
{
  web->journal->warn (web->journal, web->store->error);
  answer_error (response, 500, web->store->error);
}

/* ---- what the requests have in common ---------------------------------- */

/* `/api/v1/device/ID/reports` */
static bool
is_reports_path (const char *path, int64_t *id)
{
  static const char before[] = DEVICES "/", after[] = "/reports";
  if (strncmp (path, before, sizeof before - 1) != 0)
    return false;
  const char *start = path + sizeof before - 1;
  const char *end = strchr (start, '/');
  return end && strcmp (end, after) == 0 && *start != '+' && parse_id (start, (size_t) (end - start), id);
}

/* The body as an object with an integer `id`.  NULL: it has been answered. */
static json_t *
take_body (const struct web_request *request, struct web_response *response, int64_t *id)
{
  if (request->oversized || request->body_size > WEB_BODY_LIMIT) {
    answer_error (response, 413, "the body is longer than 64 KiB");
    return NULL;
  }
  CLEANUP_BYTES struct bytes error = { 0 };
  json_t *body = object_decode (request->body, request->body_size, &error);
  if (!body) {
    answer_error (response, 400, bytes_text (&error));
    return NULL;
  }
  json_t *given = json_object_get (body, "id");
  if (!json_is_integer (given)) {
    answer_error (response, 400, given ? "\"id\" must be an integer" : "\"id\" is missing");
    json_decref (body);
    return NULL;
  }
  *id = json_integer_value (given);
  return body;
}

/* ---- the requests ------------------------------------------------------- */

static void
create_device (struct web *web, const struct web_request *request, struct web_response *response)
{
  int64_t id;
  json_t *body = take_body (request, response, &id);
  if (!body)
    return;
  json_decref (body);
  if (web->store->ops->create_device (web->store, id) != 0) {
    answer_store_error (web, response);
    return;
  }
  web->journal->tell (web->journal, &(struct event) { .name = "created", .id = &id });
  answer_text (response, "OK");
}

static void
publish_report (struct web *web, int64_t id, const struct web_request *request, struct web_response *response)
{
  int known = web->store->ops->has_device (web->store, id);
  if (known < 0)
    answer_store_error (web, response);
  else if (!known)
    answer_text (response, "device is UNKNOWN");
  else if (web->broker->ops->publish (web->broker, BROKER_OUTPUT, request->body, request->body_size) != 0)
    answer_error (response, 500, "the broker did not take the report");
  else
    answer_text (response, "OK");
}

static void
send_report (struct web *web, int64_t id, const struct web_request *request, struct web_response *response)
{
  int64_t given;
  json_t *body = take_body (request, response, &given);
  if (!body)
    return;
  if (given != id)
    answer_error (response, 400, "\"id\" is not that of the URL");
  else if (!json_is_string (json_object_get (body, "report")))
    answer_error (response, 400, "\"report\" must be a text");
  else
    publish_report (web, id, request, response);
  json_decref (body);
}

struct listing {
  struct web_response *response;
  bool first;
};

static void
add_report (void *data, const struct stored_report *report)
{
  struct listing *listing = data;
  struct bytes *body = &listing->response->body;
  bytes_puts (body, listing->first ? "" : ", ");
  listing->first = false;
  bytes_puts (body, "{\"timestamp\": ");
  bytes_int (body, report->timestamp);
  bytes_puts (body, ", \"report\": ");
  json_add_text (body, report->text, report->size);
  bytes_puts (body, "}");
  listing->response->before = report->id;
}

static int
list_piece (struct web *web, struct web_response *response, bool first)
{
  struct listing listing = { response, first };
  int count = web->store->ops->list_reports (web->store, response->device, response->before, PIECE, add_report,
                                             &listing);
  if (count < 0)
    return -1;
  response->more = count == PIECE;
  if (!response->more)
    bytes_puts (&response->body, "]}\n");
  return 0;
}

static void
list_reports (struct web *web, int64_t id, struct web_response *response)
{
  response->status = 200;
  response->type = JSON;
  response->device = id;
  response->before = INT64_MAX;
  bytes_puts (&response->body, "{\"reports\": [");
  if (list_piece (web, response, true) == 0)
    return;
  response->body.size = 0;
  answer_store_error (web, response);
}

int
web_more (struct web *web, struct web_response *response)
{
  response->body.size = 0;
  if (list_piece (web, response, false) == 0)
    return 0;
  web->journal->warn (web->journal, web->store->error);
  return -1;
}

void
web_answer (struct web *web, const struct web_request *request, struct web_response *response)
{
  *response = (struct web_response) { 0 };
  bool post = strcmp (request->method, "POST") == 0;
  bool get = strcmp (request->method, "GET") == 0;
  int64_t id;
  if (post && strcmp (request->path, DEVICES) == 0)
    create_device (web, request, response);
  else if (post && is_reports_path (request->path, &id))
    send_report (web, id, request, response);
  else if (get && is_reports_path (request->path, &id))
    list_reports (web, id, response);
  else
    answer_error (response, 404, "not found");
}

/* ---- what comes from the devices ---------------------------------------- */

static void
store_report (struct web *web, const struct report *report)
{
  struct report cut = *report;
  cut.size = utf8_cut (report->text, report->size, WEB_STORED_CHARACTERS);
  int stored = web->store->ops->add_report (web->store, &cut);
  if (stored < 0) {
    web->journal->warn (web->journal, web->store->error);
    web->journal->tell (web->journal, &(struct event) { .name = "lost", .report = report,
                                                        .reason = web->store->error });
  } else if (stored) {
    journal_print_message (web->journal, "web on_message_input ", report);
    web->journal->tell (web->journal, &(struct event) { .name = "stored", .report = &cut });
  } else {
    journal_print_message (web->journal, "web on_message_input UNKNOWN device_id ", report);
    web->journal->tell (web->journal, &(struct event) { .name = "unknown", .report = report });
  }
}

static void
on_message_input (void *data, struct broker_message *message)
{
  struct web *web = data;
  json_t *json;
  struct report report;
  const char *wrong = message_decode (message->body, message->size, &json, &report);
  if (wrong) {
    CLEANUP_BYTES struct bytes line = { 0 };
    bytes_puts (&line, "web: message dropped: ");
    bytes_puts (&line, wrong);
    web->journal->warn (web->journal, bytes_text (&line));
  } else
    store_report (web, &report);
  json_decref (json);
  web->broker->ops->acknowledge (web->broker, message);
}

int
web_start (struct web *web)
{
  return web->broker->ops->subscribe (web->broker, BROKER_INPUT, on_message_input, web);
}
