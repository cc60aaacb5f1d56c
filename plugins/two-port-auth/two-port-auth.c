/* two-port-auth.c - the plugin two-port-auth: clients that get a code on one port and authenticate with it on
 * another.  Here are its tables only. */
#include "roles.h"
#include "verbs.h"

static const struct runner_param register_params[] = {
  RUNNER_PARAM (struct register_args, to, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                .help = "where clients register, http://host:port"),
  RUNNER_PARAM (struct register_args, client_uuid, .help = "the client's id; a fresh UUID if it is not given"),
  { 0 },
};
static const struct runner_field register_result[] = {
  { .name = "registered", .type = RUNNER_BOOL, .help = "a code was answered; false fails unless it is expected" },
  { .name = "client_uuid", .type = RUNNER_TEXT, .help = "the client's id" },
  { .name = "server_uuid", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "its code" },
  { .name = "status", .type = RUNNER_INT, .help = "of the answer" },
  { .name = "body", .type = RUNNER_TEXT, .help = "of the answer" },
  { 0 },
};

static const struct runner_param authenticate_params[] = {
  RUNNER_PARAM (struct authenticate_args, to, .flags = RUNNER_REQUIRED | RUNNER_PRIMARY,
                .help = "where clients authenticate, http://host:port"),
  RUNNER_PARAM (struct authenticate_args, client_uuid, .flags = RUNNER_REQUIRED, .help = "the client's id"),
  RUNNER_PARAM (struct authenticate_args, server_uuid, .help = "its code; left out if it is not given"),
  RUNNER_PARAM (struct authenticate_args, message, .help = "to be logged; left out if it is not given"),
  { 0 },
};
static const struct runner_field authenticate_result[] = {
  { .name = "authenticated", .type = RUNNER_BOOL, .help = "the code was right; false fails unless it is expected" },
  { .name = "status", .type = RUNNER_INT, .help = "of the answer" },
  { .name = "body", .type = RUNNER_TEXT, .help = "of the answer" },
  { 0 },
};

static const struct runner_verb verbs[] = {
  { .name = "register", .help = "registers a client and gets its code", .run = verb_register,
    .params = register_params, .args_size = sizeof (struct register_args), .result = register_result,
    .flags = RUNNER_COOPERATIVE },
  { .name = "authenticate", .help = "authenticates with a code, and sends a message", .run = verb_authenticate,
    .params = authenticate_params, .args_size = sizeof (struct authenticate_args), .result = authenticate_result,
    .flags = RUNNER_COOPERATIVE },
  { 0 },
};

static const struct runner_param server_params[] = {
  RUNNER_PARAM (struct server_args, registration_port, .preset = "0", .min = "0", .max = "65535",
                .help = "port for registrations, classically 8000; 0: any that is free"),
  RUNNER_PARAM (struct server_args, authentication_port, .preset = "0", .min = "0", .max = "65535",
                .help = "port for authentications, classically 8001; 0: any that is free"),
  RUNNER_PARAM (struct server_args, host, .preset = "127.0.0.1", .help = "where to listen; 0.0.0.0: everywhere"),
  RUNNER_PARAM (struct server_args, database,
                .help = "SQLite file; else database.db in the role's own folder, or the current one"),
  RUNNER_PARAM (struct server_args, log,
                .help = "log file; else logfile.log in the role's own folder, or the current one"),
  RUNNER_PARAM (struct server_args, body_limit, .preset = "64KiB", .min = "1KiB", .max = "4MiB",
                .help = "bytes that a request's body may have"),
  RUNNER_PARAM (struct server_args, request_limit, .preset = "30s", .min = "50ms", .max = "1h",
                .help = "time a request may take, from its first byte to its last"),
  RUNNER_PARAM (struct server_args, idle_limit, .preset = "60s", .min = "1s", .max = "24h",
                .help = "time a connection may be without a byte; in whole seconds"),
  { 0 },
};
static const struct runner_field server_exports[] = {
  { .name = "registration", .type = RUNNER_TEXT, .help = "where clients register, http://host:port",
    .param = "registration_port" },
  { .name = "authentication", .type = RUNNER_TEXT, .help = "where clients authenticate, http://host:port",
    .param = "authentication_port" },
  { .name = "database", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "path of the SQLite file" },
  { .name = "log", .type = RUNNER_TEXT, .flags = RUNNER_OPTIONAL, .help = "path of the log file" },
  { 0 },
};

static const struct runner_param client_params[] = {
  RUNNER_PARAM (struct client_args, registration, .preset = "http://localhost:8000",
                .help = "where to register, http://host:port"),
  RUNNER_PARAM (struct client_args, authentication, .preset = "http://localhost:8001",
                .help = "where to authenticate, http://host:port"),
  RUNNER_PARAM (struct client_args, client_uuid, .help = "its id; a fresh UUID if it is not given"),
  RUNNER_PARAM (struct client_args, message, .preset = "Hello", .help = "to be logged by the server"),
  { 0 },
};
static const struct runner_field client_exports[] = {
  { .name = "client_uuid", .type = RUNNER_TEXT, .help = "its id" },
  { 0 },
};

static const struct runner_role_type roles[] = {
  { "server", "the server: codes on one port, authentication and messages on another", server_run, server_params,
    sizeof (struct server_args), server_exports },
  { "client", "a client: registers, authenticates with a message, prints the answers' headers, ends", client_run,
    client_params, sizeof (struct client_args), client_exports },
  { 0 },
};

RUNNER_PLUGIN (.name = "two-port-auth", .version = "1.0",
               .help = "clients that register on one port and authenticate on another", .verbs = verbs,
               .roles = roles);
