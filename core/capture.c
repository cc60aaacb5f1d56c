/* capture.c - see capture.h. */
#include "config.h"

#include "capture.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "secret.h"
#include "text.h"

#define HEAD_SIZE ((size_t) 4096)
#define WHOLE (HEAD_SIZE + 2 * CAPTURE_PART)

static bool
map (struct capture *capture)
{
  void *p = mmap (NULL, WHOLE, PROT_READ | PROT_WRITE, MAP_SHARED, capture->memory_fd, 0);
  if (p == MAP_FAILED)
    return false;
  capture->head = p;
  capture->data = (char *) p + HEAD_SIZE;
  return true;
}

bool
capture_new (struct capture *capture)
{
  *capture = (struct capture) { .memory_fd = -1, .event_fd = -1 };
  capture->memory_fd = memfd_create ("runner-output", MFD_CLOEXEC);
  capture->event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (capture->memory_fd >= 0 && capture->event_fd >= 0 && ftruncate (capture->memory_fd, (off_t) WHOLE) == 0
      && map (capture))
    return true;
  capture_free (capture);
  return false;
}

bool
capture_new_plain (struct capture *capture)
{
  *capture = (struct capture) { .memory_fd = -1, .event_fd = -1 };
  void *p = mmap (NULL, WHOLE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return false;
  capture->head = p;
  capture->data = (char *) p + HEAD_SIZE;
  return true;
}

void
capture_reset (struct capture *capture)
{
  atomic_store (&capture->head->total, 0);
  atomic_store (&capture->head->ended, 0);
  atomic_store (&capture->head->busy, 0);
}

bool
capture_open (struct capture *capture, int memory_fd, int event_fd)
{
  *capture = (struct capture) { .memory_fd = memory_fd, .event_fd = event_fd };
  if (map (capture))
    return true;
  capture_free (capture);
  return false;
}

void
capture_free (struct capture *capture)
{
  if (capture->head)
    munmap (capture->head, WHOLE);
  if (capture->memory_fd >= 0)
    close (capture->memory_fd);
  if (capture->event_fd >= 0)
    close (capture->event_fd);
  *capture = (struct capture) { .memory_fd = -1, .event_fd = -1 };
}

static void
wake (struct capture *capture)
{
  uint64_t one = 1;
  if (capture->event_fd >= 0 && write (capture->event_fd, &one, sizeof one) < 0) {
    /* its counter is full: the reader will wake */
  }
}

/* Where byte number `at` lies: in the first part, or in the ring behind it. */
static char *
place (struct capture *capture, uint64_t at, size_t *contiguous)
{
  if (at < CAPTURE_PART) {
    *contiguous = CAPTURE_PART - (size_t) at;
    return capture->data + at;
  }
  size_t in_ring = (size_t) ((at - CAPTURE_PART) % CAPTURE_PART);
  *contiguous = CAPTURE_PART - in_ring;
  return capture->data + CAPTURE_PART + in_ring;
}

void
capture_put (struct capture *capture, const char *data, size_t size)
{
  uint64_t total = atomic_load (&capture->head->total);
  while (size) {
    size_t room;
    char *to = place (capture, total, &room);
    size_t n = size < room ? size : room;
    memcpy (to, data, n);
    data += n;
    size -= n;
    total += n;
    atomic_store (&capture->head->total, total);
  }
  wake (capture);
}

void
capture_tell_status (struct capture *capture, enum capture_status known, int status)
{
  if (atomic_load (&capture->head->status_known) != STATUS_UNKNOWN)
    return;
  atomic_store (&capture->head->status, status);
  atomic_store (&capture->head->status_known, known);
}

enum capture_status
capture_status (const struct capture *capture, int *status)
{
  enum capture_status known = (enum capture_status) atomic_load (&capture->head->status_known);
  *status = atomic_load (&capture->head->status);
  return known;
}

int64_t
capture_ended_ns (const struct capture *capture)
{
  return atomic_load (&capture->head->ended_ns);
}

void
capture_end (struct capture *capture)
{
  atomic_store (&capture->head->ended_ns, clock_now_ns ());
  atomic_store (&capture->head->ended, 1);
  wake (capture);
}

uint64_t
capture_total (const struct capture *capture)
{
  return atomic_load (&capture->head->total);
}

bool
capture_ended (const struct capture *capture)
{
  return atomic_load (&capture->head->ended) != 0;
}

/* The first byte at or after `from` that is still kept. */
static uint64_t
first_kept (uint64_t total, uint64_t from)
{
  uint64_t ring_start = total > 2 * CAPTURE_PART ? total - CAPTURE_PART : CAPTURE_PART;
  return from < CAPTURE_PART || from >= ring_start ? from : ring_start;
}

size_t
capture_read (struct capture *capture, uint64_t *from, void *data, size_t size)
{
  char *to = data;
  size_t done = 0;
  uint64_t total = capture_total (capture);
  *from = first_kept (total, *from);
  while (done < size && *from + done < total) {
    uint64_t at = *from + done;
    size_t n;
    if (first_kept (total, at) != at)
      break; /* the next call jumps over the gap */
    const char *source = place (capture, at, &n);
    if (n > size - done)
      n = size - done;
    if (n > total - at)
      n = (size_t) (total - at);
    memcpy (to + done, source, n);
    done += n;
  }
  /* what was overwritten while it was copied is lost after all */
  if (done && first_kept (capture_total (capture), *from) != *from)
    return capture_read (capture, from, data, size);
  return done;
}

void
capture_text (struct capture *capture, struct buffer *out)
{
  uint64_t from = 0;
  size_t whole = out->size; /* from there on nothing is missing */
  enum secret_cut cut = 0;
  for (;;) {
    uint64_t before = from;
    buffer_reserve (out, 64 << 10);
    size_t n = capture_read (capture, &from, out->data + out->size, 64 << 10);
    if (from != before && n) {
      CLEANUP_BUFFER struct buffer next = { 0 };
      buffer_add (&next, out->data + out->size, n);
      secret_mask_cut (out, whole, cut | SECRET_CUT_END);
      buffer_printf (out, "\n[… %llu bytes left out …]\n", (unsigned long long) (from - before));
      whole = out->size;
      cut = SECRET_CUT_BEGIN;
      buffer_add (out, next.data, n);
    }
    else
      out->size += n;
    if (!n)
      break;
    from += n;
  }
  if (cut)
    secret_mask_cut (out, whole, cut);
}

void
capture_since (struct capture *capture, uint64_t from, size_t most, struct buffer *out)
{
  uint64_t total = capture_total (capture), at = total - from > most ? total - most : from;
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_reserve (&text, (size_t) (total - at) + 1);
  text.size = capture_read (capture, &at, text.data, (size_t) (total - at));
  if (at != from) {
    const char *newline = text.size ? memchr (text.data, '\n', text.size) : NULL;
    size_t skipped = newline ? (size_t) (newline - text.data) + 1 : 0;
    buffer_remove (&text, skipped);
    if (!skipped)
      secret_mask_cut (&text, 0, SECRET_CUT_BEGIN);
    buffer_printf (out, "[… %llu bytes left out …]\n", (unsigned long long) (at + skipped - from));
  }
  buffer_add (out, text.data, text.size);
}

void
capture_tail (struct capture *capture, size_t most, struct buffer *out)
{
  uint64_t total = capture_total (capture);
  uint64_t from = total > most ? total - most : 0;
  buffer_reserve (out, most);
  out->size += capture_read (capture, &from, out->data + out->size, most);
}
