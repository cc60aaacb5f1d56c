/* shared.c - see shared.h. */
#include "config.h"

#include "shared.h"

#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fiber.h"
#include "secret.h"
#include "text.h"

#define STACK_SIZE ((size_t) 64 << 10)

struct shared *
shared_new (void)
{
  void *p = mmap (NULL, sizeof (struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    return NULL;
  return p;
}

void
shared_free (struct shared *shared)
{
  if (shared)
    munmap (shared, sizeof *shared);
}

static _Thread_local int32_t own_number; /* the calling thread's; 0: it has not been asked for */

static int32_t
ask_number (void)
{
  own_number = (int32_t) syscall (SYS_gettid);
  return own_number;
}

int
shared_enter (struct shared *shared)
{
  int32_t self = ask_number ();
  for (int i = 0; i < SLOTS; i++) {
    int32_t expected = 0;
    if (!atomic_load_explicit (&shared->slots[i].thread, memory_order_relaxed)
        && atomic_compare_exchange_strong (&shared->slots[i].thread, &expected, self)) {
      atomic_store (&shared->slots[i].step, NO_STEP);
      atomic_store (&shared->slots[i].deadline_ns, 0);
      uint32_t used = atomic_load (&shared->slots_used);
      while (used <= (uint32_t) i && !atomic_compare_exchange_weak (&shared->slots_used, &used, (uint32_t) i + 1))
        continue;
      return i;
    }
  }
  return -1;
}

void
shared_leave (struct shared *shared, int slot)
{
  if (slot >= 0)
    atomic_store (&shared->slots[slot].thread, 0);
}

void
shared_park (struct shared *shared, int slot)
{
  if (slot >= 0)
    atomic_store_explicit (&shared->slots[slot].thread, SLOT_PARKED, memory_order_relaxed);
}

void
shared_resume (struct shared *shared, int slot)
{
  int32_t self = own_number ? own_number : ask_number ();
  if (slot >= 0)
    atomic_store_explicit (&shared->slots[slot].thread, self, memory_order_relaxed);
}

int
shared_slots_used (const struct shared *shared)
{
  uint32_t used = atomic_load (&shared->slots_used); /* a worker that crashed may have left anything */
  return used < SLOTS ? (int) used : SLOTS;
}

/* ---- traffic ---- */

static struct ring *
ring_of (struct shared *shared, const char *peer)
{
  struct ring *oldest = &shared->rings[0];
  for (int i = 0; i < RINGS; i++) {
    struct ring *ring = &shared->rings[i];
    if (ring->count && strncmp (ring->peer, peer, sizeof ring->peer - 1) == 0)
      return ring;
    if (ring->used < oldest->used)
      oldest = ring;
  }
  oldest->count = 0;
  strncpy (oldest->peer, peer, sizeof oldest->peer - 1);
  oldest->peer[sizeof oldest->peer - 1] = '\0';
  return oldest;
}

/* Takes over what is kept of the data, without secrets, also one that is only in part there: it is cut
 * here, and a piece would not be found later.  Returns how many bytes that is. */
static uint32_t
keep_data (char *to, size_t room, const void *data, size_t given, uint64_t size)
{
  size_t kept = given < room ? given : room;
  if (!kept || !secret_any ()) {
    if (kept)
      memcpy (to, data, kept);
    return (uint32_t) kept;
  }
  CLEANUP_BUFFER struct buffer text = { 0 };
  buffer_add (&text, data, kept);
  secret_mask_cut (&text, 0, kept < size ? SECRET_CUT_END : 0);
  kept = text.size < room ? text.size : room;
  memcpy (to, text.data, kept);
  return (uint32_t) kept;
}

/* `kept`: how much of `size` bytes is there. */
static void
note_traffic (struct shared *shared, int64_t time_ns, bool received, const char *peer, const void *data,
              size_t kept, uint64_t size)
{
  struct ring *ring = ring_of (shared, peer);
  struct record *record = &ring->records[ring->count % RING_RECORDS];
  record->time_ns = time_ns;
  record->received = received;
  record->size = size;
  record->kept = keep_data (record->data, RECORD_DATA, data, kept, size);
  ring->used = ++shared->turn;
  ring->count++;
}

void
shared_wire (struct shared *shared, bool received, const char *peer, const void *data, size_t size)
{
  note_traffic (shared, clock_now_ns (), received, peer, data, size, size);
}

void
shared_forget_wire (struct shared *shared)
{
  if (shared->turn == 0)
    return;
  for (int i = 0; i < RINGS; i++)
    shared->rings[i].count = shared->rings[i].used = 0;
  shared->turn = 0;
}

/* ---- traffic of one thread ---- */

/* A crash may come at any moment: the record counts when it is whole. */
void
wire_put (struct wire *wire, bool received, const char *peer, const void *data, size_t size)
{
  uint32_t count = atomic_load_explicit (&wire->count, memory_order_relaxed);
  struct wire_record *record = &wire->records[count % WIRE_RECORDS];
  record->time_ns = clock_now_ns ();
  record->received = received;
  record->size = size;
  record->kept = keep_data (record->data, WIRE_DATA, data, size, size);
  strncpy (record->peer, peer, sizeof record->peer - 1);
  record->peer[sizeof record->peer - 1] = '\0';
  atomic_store_explicit (&wire->count, count + 1, memory_order_release);
}

void
shared_wire_all (struct shared *shared, const struct wire *wire)
{
  uint32_t count = atomic_load (&wire->count), n = count < WIRE_RECORDS ? count : WIRE_RECORDS;
  for (uint32_t i = count - n; i != count; i++) {
    /* a worker that crashed may have left anything here */
    struct wire_record record = wire->records[i % WIRE_RECORDS];
    record.peer[sizeof record.peer - 1] = '\0';
    note_traffic (shared, record.time_ns, record.received, record.peer, record.data,
                  record.kept < WIRE_DATA ? record.kept : WIRE_DATA, record.size);
  }
}

static _Thread_local const struct wire *own_wire;

void
shared_own_wire (const struct wire *wire)
{
  own_wire = wire;
}

/* ---- crashes ---- */

static struct shared *watched;

static int
slot_of_this_thread (void)
{
  int32_t self = (int32_t) syscall (SYS_gettid);
  int used = shared_slots_used (watched);
  for (int i = 0; i < used; i++)
    if (atomic_load (&watched->slots[i].thread) == self)
      return i;
  return -1;
}

/* Where this thread is.  backtrace was called once before, so that it loads
 * nothing here. */
static void
note_frames (void)
{
  void *frames[FRAMES];
  int n = backtrace (frames, FRAMES);
  memcpy (watched->crash.frames, frames, (size_t) n * sizeof *frames);
  atomic_store (&watched->crash.frame_count, n);
}

/* The memory is the thread's own and was there when it began. */
static void
note_wire (void)
{
  if (own_wire)
    memcpy (&watched->crash.wire, own_wire, sizeof *own_wire);
}

static void
on_crash (int signal, siginfo_t *info, void *context)
{
  (void) context;
  int32_t none = 0;
  if (atomic_compare_exchange_strong (&watched->crash.signal, &none, signal)) {
    watched->crash.has_address = info->si_code > 0; /* else a process sent it: sigaction (2) */
    watched->crash.address = watched->crash.has_address ? (uint64_t) (uintptr_t) info->si_addr : 0;
    watched->crash.sender = info->si_code > 0 || info->si_pid == getpid () ? 0 : info->si_pid;
    watched->crash.slot = slot_of_this_thread ();
    if (!fiber_is_switching ())
      note_frames ();
    note_wire (); /* last: the crash may have come from there */
  }
  /* SA_RESETHAND: the default action ends the process when it is raised again */
  raise (signal);
}

static void
on_probe (int signal)
{
  (void) signal;
  int slot = slot_of_this_thread ();
  if (fiber_is_switching () || slot != watched->crash.probed)
    return; /* another fiber runs in the thread by now */
  watched->crash.slot = slot;
  note_frames ();
  note_wire ();
}

void
shared_alternate_stack (void)
{
  void *memory = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED)
    return; /* then only a stack overflow stays untold */
  stack_t stack = { .ss_sp = memory, .ss_size = STACK_SIZE };
  sigaltstack (&stack, NULL);
}

void
shared_end_alternate_stack (void)
{
  stack_t off = { .ss_flags = SS_DISABLE }, old;
  if (sigaltstack (&off, &old) == 0 && old.ss_sp && !(old.ss_flags & SS_DISABLE))
    munmap (old.ss_sp, old.ss_size);
}

void
shared_watch_crashes (struct shared *shared, int probe)
{
  static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP };
  watched = shared;
  void *frame[1];
  backtrace (frame, 1);
  shared_alternate_stack ();
  struct sigaction action = { .sa_sigaction = on_crash, .sa_flags = (int) (SA_SIGINFO | SA_ONSTACK | SA_RESETHAND) };
  sigemptyset (&action.sa_mask);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
    sigaction (signals[i], &action, NULL);
  struct sigaction probing = { .sa_handler = on_probe, .sa_flags = SA_ONSTACK | SA_RESTART };
  sigemptyset (&probing.sa_mask);
  sigaction (probe, &probing, NULL);
}
