/* broker.h - the way between server and web: exchange `report`, type direct.
 *
 * An interface: broker-memory.c is the one that is built in; one that speaks
 * AMQP can stand in its place without a change to server and web.
 */
#ifndef TCP_DEVICE_BROKER_H
#define TCP_DEVICE_BROKER_H

#include <stddef.h>

#define BROKER_INPUT "input"   /* routing key: what devices report */
#define BROKER_OUTPUT "output" /* routing key: what devices shall get */

struct broker_message {
  const char *body; /* the broker's, until it is acknowledged */
  size_t size;
};

/* Gets each message of a subscription, in their order, one at a time: the next
 * comes after this one has been acknowledged, which the handler must do. */
typedef void broker_handler (void *data, struct broker_message *message);

struct broker;
struct broker_ops {
  /* Binds a private queue to a routing key.  0, or -1. */
  int (*subscribe) (struct broker *broker, const char *key, broker_handler *handler, void *data);
  /* Copies the body as far as it keeps it.  0, or -1. */
  int (*publish) (struct broker *broker, const char *key, const char *body, size_t size);
  void (*acknowledge) (struct broker *broker, struct broker_message *message);
  void (*close) (struct broker *broker);
};
struct broker {
  const struct broker_ops *ops;
};

/* In this process; messages are handled before `publish` returns, or, when it is
 * called by a handler, after that one has returned. */
struct broker *broker_memory_open (void);

#endif
