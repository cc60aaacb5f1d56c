/* fuzz-device_web.c - any bytes as requests to the web, and as messages of its broker: `METHOD PATH` and a body, or
 * a message alone.  What is answered is well formed, and only good requests change the store.
 *
 * What this and fuzz-device_frames.c both need is included there. */
#include "fuzz.h"

#include <string.h>

#include "../broker-memory.c"
#include "../journal.c"
#include "../message.c"
#include "../web.c"

#define REPORTS 4

/* A store in memory that knows one device besides number 1. */
struct fuzz_store {
  struct store store;
  int64_t device;
  bool created;
  struct bytes reports[REPORTS];
  size_t count;
};

static int
fuzz_create (struct store *store, int64_t id)
{
  struct fuzz_store *fuzz = (struct fuzz_store *) store;
  fuzz->device = id;
  fuzz->created = true;
  return 0;
}

static int
fuzz_has (struct store *store, int64_t id)
{
  struct fuzz_store *fuzz = (struct fuzz_store *) store;
  return id == 1 || (fuzz->created && id == fuzz->device);
}

static int
fuzz_add_report (struct store *store, const struct report *report)
{
  struct fuzz_store *fuzz = (struct fuzz_store *) store;
  FUZZ_CHECK (utf8_is_valid (report->text, report->size));
  FUZZ_CHECK (report->size <= 4 * WEB_STORED_CHARACTERS);
  if (!fuzz_has (store, report->id))
    return 0;
  if (fuzz->count < REPORTS)
    bytes_add (&fuzz->reports[fuzz->count++], report->text, report->size);
  return 1;
}

static int
fuzz_list_reports (struct store *store, int64_t device, int64_t before, int limit,
                   void (*each) (void *data, const struct stored_report *report), void *data)
{
  struct fuzz_store *fuzz = (struct fuzz_store *) store;
  int count = 0;
  for (size_t i = fuzz->count; i-- > 0 && fuzz_has (store, device) && count < limit; count++) {
    struct stored_report report = { (int64_t) i + 1, 1579600000, bytes_text (&fuzz->reports[i]),
                                    fuzz->reports[i].size };
    if (report.id < before)
      each (data, &report);
  }
  return count;
}

static void
ignore_line (struct journal *journal, const char *line)
{
  (void) journal;
  FUZZ_CHECK (!strchr (line, '\n'));
}

static void
ignore_event (struct journal *journal, const struct event *event)
{
  (void) journal;
  FUZZ_CHECK (event->name);
}

static void
check_output (void *data, struct broker_message *message)
{
  struct web *web = data;
  json_t *json;
  struct report report;
  FUZZ_CHECK (!message_decode (message->body, message->size, &json, &report)); /* only such are published */
  json_decref (json);
  web->broker->ops->acknowledge (web->broker, message);
}

/* `METHOD PATH`, a line end, and the body. */
static void
request_and_check (struct web *web, const char *text, size_t size)
{
  char method[16] = "", path[256] = "";
  const char *end = memchr (text, '\n', size);
  size_t line = end ? (size_t) (end - text) : size;
  const char *blank = memchr (text, ' ', line);
  size_t word = blank ? (size_t) (blank - text) : line;
  snprintf (method, sizeof method, "%.*s", (int) word, text);
  if (blank)
    snprintf (path, sizeof path, "%.*s", (int) (line - word - 1), blank + 1);
  const char *body = end ? end + 1 : text + size;
  struct web_request request = { method, path, body, (size_t) (text + size - body), false };
  struct web_response response;
  web_answer (web, &request, &response);
  FUZZ_CHECK (response.status == 200 || response.status == 400 || response.status == 404 || response.status == 413);
  FUZZ_CHECK (!response.more);
  if (response.body.data[0] == '{') {
    json_t *json = json_loadb (response.body.data, response.body.size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                               NULL);
    FUZZ_CHECK (json && strcmp (response.type, JSON) == 0);
    FUZZ_CHECK (!json_object_get (json, "error") == (response.status == 200));
    json_decref (json);
  } else
    FUZZ_CHECK (response.status == 200);
  bytes_free (&response.body);
}

FUZZ_TARGET (device_web)
{
  static const struct store_ops ops = { fuzz_create, fuzz_has, fuzz_add_report, fuzz_list_reports, NULL };
  struct fuzz_store store = { .store.ops = &ops };
  struct journal journal = { ignore_line, ignore_line, ignore_event };
  struct web web = { &store.store, broker_memory_open (), &journal };
  const char *text = (const char *) data;
  FUZZ_CHECK (web_start (&web) == 0);
  FUZZ_CHECK (web.broker->ops->subscribe (web.broker, BROKER_OUTPUT, check_output, &web) == 0);
  FUZZ_CHECK (web.broker->ops->publish (web.broker, BROKER_INPUT, text, size) == 0);
  request_and_check (&web, text, size);
  request_and_check (&web, "GET /api/v1/device/1/reports", 28);
  web.broker->ops->close (web.broker);
  for (size_t i = 0; i < REPORTS; i++)
    bytes_free (&store.reports[i]);
}
