/* recent.c - see recent.h. */
#include "recent.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../common/bytes.h"

#define PLACES (1u << 16) /* 6 MiB when all are taken */
#define CLIENT_ROOM 59    /* longer ids are not kept */

struct place {
  uint8_t client_size; /* 0: it is free */
  char client[CLIENT_ROOM];
  char server[UUID_SIZE];
};

struct recent {
  struct place places[PLACES];
};

struct recent *
recent_new (void)
{
  return bytes_allocate (sizeof (struct recent));
}

/* The first four digits of a code are random: those of ours, and only they are added. */
static size_t
place_of (const char server[UUID_SIZE])
{
  size_t place = 0;
  for (int i = 0; i < 4; i++)
    place = (place << 4) + ((unsigned char) server[i] & 0x0f) + (server[i] > '9' ? 9 : 0);
  return place % PLACES;
}

void
recent_add (struct recent *recent, const char *client, size_t client_size, const char server[UUID_SIZE])
{
  struct place *place = &recent->places[place_of (server)];
  if (!client_size || client_size > CLIENT_ROOM)
    return;
  place->client_size = (uint8_t) client_size;
  memcpy (place->client, client, client_size);
  memcpy (place->server, server, UUID_SIZE);
}

bool
recent_has (const struct recent *recent, const char *client, size_t client_size, const char server[UUID_SIZE])
{
  const struct place *place = &recent->places[place_of (server)];
  return client_size && place->client_size == client_size && memcmp (place->client, client, client_size) == 0
         && memcmp (place->server, server, UUID_SIZE) == 0;
}

void
recent_free (struct recent *recent)
{
  free (recent);
}
