/* broker-memory.c - a broker within the process.  It belongs to one thread. */
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "../common/bytes.h"

#define SUBSCRIPTIONS 8

struct waiting {
  struct waiting *next;
  char key[16];
  size_t size;
  char body[];
};

struct broker_memory {
  struct broker broker;
  struct {
    char key[16];
    broker_handler *handler;
    void *data;
  } subscriptions[SUBSCRIPTIONS];
  size_t count;
  int delivering;
  struct waiting *first, **last; /* what handlers have published */
  struct broker_message *open;   /* not acknowledged yet */
};

static int
memory_subscribe (struct broker *broker, const char *key, broker_handler *handler, void *data)
{
  struct broker_memory *memory = (struct broker_memory *) broker;
  if (memory->count == SUBSCRIPTIONS || strlen (key) >= sizeof memory->subscriptions[0].key)
    return -1;
  strcpy (memory->subscriptions[memory->count].key, key);
  memory->subscriptions[memory->count].handler = handler;
  memory->subscriptions[memory->count].data = data;
  memory->count++;
  return 0;
}

/* A message that is not acknowledged is a fault of its handler: without a
 * connection that could break there is nobody to give it to again. */
static int
deliver (struct broker_memory *memory, const char *key, const char *body, size_t size)
{
  int rc = 0;
  for (size_t i = 0; i < memory->count; i++)
    if (strcmp (memory->subscriptions[i].key, key) == 0) {
      struct broker_message message = { body, size };
      memory->open = &message;
      memory->subscriptions[i].handler (memory->subscriptions[i].data, &message);
      rc = memory->open ? -1 : rc;
    }
  memory->open = NULL;
  return rc;
}

static int
enqueue (struct broker_memory *memory, const char *key, const char *body, size_t size)
{
  struct waiting *waiting = bytes_allocate (sizeof *waiting + size);
  if (strlen (key) >= sizeof waiting->key) {
    free (waiting);
    return -1;
  }
  strcpy (waiting->key, key);
  waiting->size = size;
  memcpy (waiting->body, body, size);
  *memory->last = waiting;
  memory->last = &waiting->next;
  return 0;
}

static int
memory_publish (struct broker *broker, const char *key, const char *body, size_t size)
{
  struct broker_memory *memory = (struct broker_memory *) broker;
  if (memory->delivering)
    return enqueue (memory, key, body, size);
  memory->delivering = 1;
  int rc = deliver (memory, key, body, size);
  while (memory->first) {
    struct waiting *waiting = memory->first;
    memory->first = waiting->next;
    if (!memory->first)
      memory->last = &memory->first;
    if (deliver (memory, waiting->key, waiting->body, waiting->size) != 0)
      rc = -1;
    free (waiting);
  }
  memory->delivering = 0;
  return rc;
}

static void
memory_acknowledge (struct broker *broker, struct broker_message *message)
{
  struct broker_memory *memory = (struct broker_memory *) broker;
  if (memory->open == message)
    memory->open = NULL;
}

static void
memory_close (struct broker *broker)
{
  free (broker);
}

struct broker *
broker_memory_open (void)
{
  static const struct broker_ops ops = { memory_subscribe, memory_publish, memory_acknowledge, memory_close };
  struct broker_memory *memory = bytes_allocate (sizeof *memory);
  memory->broker.ops = &ops;
  memory->last = &memory->first;
  return &memory->broker;
}
