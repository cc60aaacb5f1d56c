/* tcp-device.c - the plugin tcp-device: devices that hold connections to a server, and the web that stores what
 * they report.  Here are its tables only. */
#include "roles.h"
#include "verbs.h"

#define CONN(args) \
  RUNNER_PARAM (args, conn, .preset = "default", .flags = RUNNER_HANDLE, .help = "name of the connection")

static const struct runner_param connect_params[] = {
  RUNNER_PARAM (struct connect_args, to, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                .help = "host:port of the server"),
  RUNNER_PARAM (struct connect_args, as, .preset = "default", .flags = RUNNER_NEW_HANDLE,
                .help = "name that the connection gets"),
  RUNNER_PARAM (struct connect_args, id, .help = "the device that reports on it, unless a step says another"),
  { 0 },
};

static const struct runner_param report_params[] = {
  RUNNER_PARAM (struct report_args, report, .group = "what", .flags = RUNNER_PRIMARY,
                .help = "what the device reports: sent as @ID,REPORT@"),
  RUNNER_PARAM (struct report_args, raw, .group = "what", .help = "bytes that are sent as they are"),
  RUNNER_PARAM (struct report_args, id, .help = "the device; that of the connection if it is not given"),
  CONN (struct report_args),
  { 0 },
};
static const struct runner_field report_result[] = {
  { .name = "sent", .type = RUNNER_INT, .help = "bytes sent" },
  { 0 },
};

#define WANTED(args)                                                                                       \
  RUNNER_PARAM_AS ("report", args, wanted.report, .flags = RUNNER_PRIMARY, .help = "exactly this report"), \
  RUNNER_PARAM_AS ("id", args, wanted.id, .help = "for this device"),                                      \
  RUNNER_PARAM_AS ("match", args, wanted.match, .help = "a pattern for the result: id, report, frame")

static const struct runner_param receive_params[] = {
  WANTED (struct receive_args),
  CONN (struct receive_args),
  RUNNER_PARAM (struct receive_args, count, .min = "1", .max = "1000000",
                .help = "receive so many, as the list `messages`"),
  { 0 },
};
static const struct runner_param wait_params[] = {
  WANTED (struct receive_args),
  CONN (struct receive_args),
  { 0 },
};
static const struct runner_param quiet_params[] = {
  RUNNER_PARAM_AS ("for", struct quiet_args, duration, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                   .help = "how long"),
  RUNNER_PARAM_AS ("report", struct quiet_args, wanted.report, .help = "only this report may not come"),
  RUNNER_PARAM_AS ("id", struct quiet_args, wanted.id, .help = "only for this device"),
  RUNNER_PARAM_AS ("match", struct quiet_args, wanted.match, .help = "only what matches this pattern"),
  CONN (struct quiet_args),
  { 0 },
};

#define FRAME_RESULT                                                                                    \
  { .name = "id", .type = RUNNER_INT, .flags = RUNNER_OPTIONAL,                                         \
    .help = "the device; absent if the frame is not integer,text" },                                    \
  { .name = "report", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "the report" },            \
  { .name = "frame", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "the frame as it came, with both @" }

static const struct runner_field receive_result[] = {
  FRAME_RESULT,
  { .name = "messages", .type = RUNNER_LIST, .flags = RUNNER_OPTIONAL,
    .help = "with count: id, report and frame of each, instead of the above" },
  { 0 },
};
static const struct runner_field wait_result[] = {
  FRAME_RESULT,
  { .name = "skipped", .type = RUNNER_INT, .help = "frames that came before and did not match" },
  { 0 },
};

static const struct runner_param close_params[] = {
  RUNNER_PARAM (struct close_args, conn, .preset = "default", .flags = RUNNER_HANDLE | RUNNER_PRIMARY,
                .help = "name of the connection"),
  { 0 },
};

#define VERB(verb, args) \
  .name = #verb, .run = verb_##verb, .params = verb##_params, .args_size = sizeof (struct args)

static const struct runner_verb verbs[] = {
  { VERB (connect, connect_args), .help = "connects to the server as a device does", .flags = RUNNER_COOPERATIVE },
  { VERB (report, report_args), .result = report_result, .help = "sends a report to the server",
    .flags = RUNNER_COOPERATIVE },
  { VERB (receive, receive_args), .result = receive_result, .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE,
    .help = "receives the next frame, which must match" },
  { VERB (wait, receive_args), .result = wait_result, .flags = RUNNER_RECEIVES | RUNNER_COOPERATIVE,
    .help = "waits for a frame that matches; others are skipped" },
  { VERB (quiet, quiet_args), .help = "no frame that matches may come for a time", .flags = RUNNER_COOPERATIVE },
  { VERB (close, close_args), .help = "closes the connection", .flags = RUNNER_COOPERATIVE },
  { 0 },
};

static const struct runner_param stack_params[] = {
  RUNNER_PARAM (struct stack_args, device_port, .preset = "0", .min = "0", .max = "65535",
                .help = "TCP port for devices, classically 8889; 0: any that is free"),
  RUNNER_PARAM (struct stack_args, web_port, .preset = "0", .min = "0", .max = "65535",
                .help = "HTTP port, classically 8888; 0: any that is free"),
  RUNNER_PARAM (struct stack_args, host, .preset = "127.0.0.1", .help = "where to listen; 0.0.0.0: everywhere"),
  RUNNER_PARAM (struct stack_args, store, .help = "SQLite file of the tables; without it they are in memory"),
  RUNNER_PARAM (struct stack_args, clean, .preset = "false", .help = "drop the tables and create them again"),
  RUNNER_PARAM (struct stack_args, delay, .preset = "0", .min = "0", .max = "86400",
                .help = "seconds to wait before starting"),
  { 0 },
};
static const struct runner_field stack_exports[] = {
  { .name = "device", .type = RUNNER_ADDRESS, .help = "where devices connect, host:port", .param = "device_port" },
  { .name = "web", .type = RUNNER_TEXT, .help = "the REST service, http://host:port", .param = "web_port" },
  { 0 },
};

static const struct runner_param device_params[] = {
  RUNNER_PARAM (struct device_args, id, .flags = RUNNER_REQUIRED, .help = "id of the device"),
  RUNNER_PARAM (struct device_args, server,
                .help = "host:port of the server; else $OPEN_SOLUTION_TCP_SERVER_HOST or localhost"),
  RUNNER_PARAM (struct device_args, web,
                .help = "http://host:port of the web; else $OPEN_SOLUTION_WEB_HOST or localhost"),
  RUNNER_PARAM (struct device_args, server_port, .preset = "8889", .min = "1", .max = "65535",
                .help = "the server's port, if `server` does not say it"),
  RUNNER_PARAM (struct device_args, web_port, .preset = "8888", .min = "1", .max = "65535",
                .help = "the web's port, if `web` does not say it"),
  RUNNER_PARAM (struct device_args, delay, .preset = "0", .min = "0", .max = "86400",
                .help = "seconds to wait before starting"),
  RUNNER_PARAM (struct device_args, every, .preset = "5s", .min = "1ms", .max = "1h",
                .help = "how often it sends its name until an answer comes"),
  RUNNER_PARAM (struct device_args, give_up, .preset = "30s", .min = "0s", .max = "24h",
                .help = "when it stops to send its name without an answer"),
  RUNNER_PARAM (struct device_args, interactive, .preset = "false",
                .help = "send the lines of standard input as reports instead"),
  { 0 },
};
static const struct runner_field device_exports[] = {
  { .name = "id", .type = RUNNER_INT, .help = "id of the device" },
  { 0 },
};

static const struct runner_role_type roles[] = {
  { "stack", "server and web in one process, with all they need embedded", stack_run, stack_params,
    sizeof (struct stack_args), stack_exports },
  { "device", "a device: creates itself, reports its name, prints what it gets", device_run, device_params,
    sizeof (struct device_args), device_exports },
  { 0 },
};

RUNNER_PLUGIN (.name = "tcp-device", .version = "1.0",
               .help = "devices on TCP connections, and the web that keeps their reports", .verbs = verbs,
               .roles = roles);
