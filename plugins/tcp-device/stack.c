/* stack.c - the role `stack`: server and web in one process and one thread, with a broker and a cache in memory
 * and the tables in SQLite. */
#include "roles.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "broker.h"
#include "cache.h"
#include "http.h"
#include "../common/http-daemon.h"
#include "../common/net.h"
#include "../common/role.h"
#include "server.h"
#include "store.h"
#include "web.h"

#define WEB_CONNECTIONS 20000 /* at most */
#define CACHE_LIMIT ((size_t) 16 << 20)

struct stack {
  struct runner_role *role;
  const struct stack_args *args;
  struct role_journal journal;
  bool stopped; /* before it was ready */
  uv_loop_t loop;
  uv_poll_t stop;
  struct store *store;
  struct broker *broker;
  struct cache *cache;
  struct web web;
  struct server *server;
  struct http *http;
};

/* How many there may be at once.  Both ports together have what fits: a crowd on one leaves the other its share, and
 * libuv, which would close those that wait, always finds a descriptor. */
static size_t
share_descriptors (unsigned *web)
{
  size_t fit = descriptors_that_fit ();
  *web = fit / 2 < WEB_CONNECTIONS ? (unsigned) (fit / 2) : WEB_CONNECTIONS;
  if (!*web)
    *web = 1;
  return fit > *web ? fit - *web : 1;
}

static bool
listen_both (struct stack *stack, uint16_t *device_port, uint16_t *web_port)
{
  char error[256];
  *device_port = (uint16_t) stack->args->device_port;
  *web_port = (uint16_t) stack->args->web_port;
  struct role_wait until_stop = { stack->role, INT64_MAX };
  struct net_wait wait = { role_wait, &until_stop };
  int devices = net_bind (stack->args->host, device_port, &wait, error, sizeof error);
  int requests = devices < 0 ? devices : net_bind (stack->args->host, web_port, &wait, error, sizeof error);
  if (requests < 0) {
    if (devices >= 0)
      close (devices);
    stack->stopped = requests == NET_STOPPED;
    if (!stack->stopped)
      runner_role_error (stack->role, "%s", error);
    return false;
  }
  unsigned most_requests;
  size_t most_devices = share_descriptors (&most_requests);
  stack->server = server_start (&stack->loop, devices, most_devices, stack->broker, stack->cache,
                                &stack->journal.journal);
  if (!stack->server) {
    runner_role_error (stack->role, "cannot serve devices on port %u: %s", (unsigned) *device_port,
                       strerror (errno));
    close (requests);
    return false;
  }
  if (listen (requests, SOMAXCONN) == 0)
    stack->http = http_start (&stack->loop, requests, most_requests, &stack->web);
  if (!stack->http)
    runner_role_error (stack->role, "cannot serve HTTP on port %u: %s", (unsigned) *web_port, strerror (errno));
  return stack->http != NULL;
}

static int
export (struct stack *stack, uint16_t device_port, uint16_t web_port)
{
  runner_export_address (stack->role, "device", role_host_to_export (stack->args->host), device_port);
  if (!role_export_url (stack->role, "web", stack->args->host, web_port))
    return 1;
  return runner_ready (stack->role) == 0 ? 0 : runner_role_error (stack->role, "nobody waits for this role");
}

static void
end_all (struct stack *stack)
{
  if (stack->http)
    http_stop (stack->http);
  if (stack->server)
    server_stop (stack->server);
  stack->http = NULL;
  stack->server = NULL;
}

static void
stop_asked (uv_poll_t *stop, int status, int events)
{
  (void) status;
  (void) events;
  struct stack *stack = stop->data;
  uv_close ((uv_handle_t *) stop, NULL);
  end_all (stack);
}

/* Serves until the role is stopped. */
static int
serve (struct stack *stack)
{
  uint16_t device_port, web_port;
  stack->stop.data = stack;
  if (uv_poll_init (&stack->loop, &stack->stop, runner_stop_fd (stack->role)) != 0)
    return runner_role_error (stack->role, "the loop cannot watch for the role's end");
  uv_poll_start (&stack->stop, UV_READABLE, stop_asked); /* fails for handles being closed only */
  if (web_start (&stack->web) != 0)
    runner_role_error (stack->role, "the broker takes no subscription");
  else if (listen_both (stack, &device_port, &web_port) && export (stack, device_port, web_port) == 0) {
    uv_run (&stack->loop, UV_RUN_DEFAULT);
    return 0;
  }
  uv_close ((uv_handle_t *) &stack->stop, NULL);
  end_all (stack);
  return stack->stopped ? 0 : 1;
}

int
stack_run (struct runner_role *role, const void *args)
{
  struct stack stack = { .role = role, .args = args };
  char error[512];
  signal (SIGPIPE, SIG_IGN); /* libuv writes without MSG_NOSIGNAL */
  signal (SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the store, no end */
  role_raise_descriptors ();
  role_journal_init (&stack.journal, role);
  if (!role_delay (role, stack.args->delay))
    return 0;
  const char *path = stack.args->store && *stack.args->store ? stack.args->store : NULL;
  stack.store = store_sqlite_open (path, stack.args->clean.on, error, sizeof error);
  if (!stack.store)
    return runner_role_error (role, "%s", error);
  int rc = uv_loop_init (&stack.loop);
  if (rc != 0) {
    stack.store->ops->close (stack.store);
    return runner_role_error (role, "libuv: %s", uv_strerror (rc));
  }
  stack.broker = broker_memory_open ();
  stack.cache = cache_memory_open (CACHE_LIMIT);
  stack.web = (struct web) { stack.store, stack.broker, &stack.journal.journal };
  int status = serve (&stack);
  uv_run (&stack.loop, UV_RUN_DEFAULT); /* until every handle is closed */
  if (uv_loop_close (&stack.loop) != 0)
    status = runner_role_error (role, "something of the loop is still open");
  stack.cache->ops->close (stack.cache);
  stack.broker->ops->close (stack.broker);
  stack.store->ops->close (stack.store);
  return status;
}
