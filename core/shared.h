/* shared.h - memory that a worker shares with the supervisor: what it does right
 * now, where it crashed, and the last traffic.  It survives the worker. */
#ifndef SHARED_H
#define SHARED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOTS 16384       /* threads that run steps and are told apart */
#define RINGS 16          /* connections whose traffic is kept */
#define RING_RECORDS 32   /* of each */
#define RECORD_DATA 1000  /* bytes of each */
#define FRAMES 48
#define WIRE_RECORDS 8    /* of the traffic of one thread */
#define WIRE_DATA 256     /* bytes of each */

#define NO_STEP UINT32_MAX
#define SLOT_PARKED (-1)  /* of a fiber that waits while others run in its thread */

/* Why a test was not run, or not to its end. */
#define STOPPED_AFTER_FAILURE "stopped after the first failure (--fail-fast)"

/* Why a worker ended itself. */
enum worker_fault { FAULT_NONE, FAULT_DESCRIPTORS };

enum phase { PHASE_IDLE, PHASE_ROLES, PHASE_SETUP, PHASE_TEST, PHASE_TEARDOWN };

/* A thread, or a fiber. */
struct slot {
  _Atomic uint32_t step;         /* id in the suite; NO_STEP: none */
  _Atomic int64_t deadline_ns;   /* of the step, monotonic; 0: none */
  _Atomic int32_t thread;        /* kernel's id; 0: slot is free; SLOT_PARKED */
};

/* The last traffic of one of very many threads, which have no rings: private to its process. */
struct wire {
  _Atomic uint32_t count;        /* records ever put */
  struct wire_record {
    int64_t time_ns;
    uint64_t size;
    uint32_t kept;
    bool received;
    char peer[64], data[WIRE_DATA];
  } records[WIRE_RECORDS];
};

/* The handle that a thread is closing: "tcp connection "a""; empty: none. */
struct closing { char what[64]; };

struct crash {
  _Atomic int32_t signal;        /* 0: none */
  int32_t slot;
  _Atomic int32_t probed;        /* the slot that is asked where it is */
  bool has_address;
  int32_t sender;                /* the process that sent the signal; 0: none, or the worker itself */
  uint64_t address;
  _Atomic int32_t frame_count;
  void *frames[FRAMES];
  struct wire wire;              /* of the thread, if it had one of its own */
};

struct record {
  int64_t time_ns;               /* monotonic */
  uint64_t size;                 /* of the whole */
  uint32_t kept;
  uint32_t received;
  char data[RECORD_DATA];        /* its beginning */
};

struct ring {
  char peer[96];
  _Atomic uint64_t used;         /* turns of the clock: the least recently used ring is taken over */
  _Atomic uint64_t count;        /* records ever put */
  struct record records[RING_RECORDS];
};

struct shared {
  _Atomic uint32_t test;         /* number in the suite */
  _Atomic uint32_t attempt;
  _Atomic int32_t phase;         /* enum phase */
  _Atomic int64_t test_start_ns; /* monotonic */
  _Atomic int64_t test_start_us; /* since 1970 */
  _Atomic bool started;          /* its start has been written as an event */
  _Atomic bool after_failure;    /* it is asked to stop by --fail-fast */
  _Atomic int32_t fault;         /* enum worker_fault */
  _Atomic uint64_t printed_before; /* by the worker itself, before the test began */
  _Atomic uint64_t turn;
  _Atomic uint32_t slots_used;   /* those from here on have never been in use */
  struct slot slots[SLOTS];
  struct closing closing[SLOTS]; /* apart: slots are looked through */
  struct crash crash;
  struct ring rings[RINGS];
};

/* NULL: no memory.  Shared with all processes forked later. */
struct shared *shared_new (void);
void shared_free (struct shared *shared);

/* Takes over a slot for the calling thread; -1 when all are in use. */
int shared_enter (struct shared *shared);
void shared_leave (struct shared *shared, int slot);
/* Of a fiber: others go on in its thread; it goes on itself, in the calling thread. */
void shared_park (struct shared *shared, int slot);
void shared_resume (struct shared *shared, int slot);
/* How many of the first slots may be in use. */
int shared_slots_used (const struct shared *shared);

/* Notes traffic.  Callers hold a lock of their own: one at a time. */
void shared_wire (struct shared *shared, bool received, const char *peer, const void *data, size_t size);
/* Nothing of it is kept; with that lock held, too. */
void shared_forget_wire (struct shared *shared);

/* Notes traffic of the calling thread only. */
void wire_put (struct wire *wire, bool received, const char *peer, const void *data, size_t size);
/* Adds it to what is kept.  Callers hold a lock, as for shared_wire. */
void shared_wire_all (struct shared *shared, const struct wire *wire);
/* From now on the calling thread's own, which is told if it crashes or hangs; NULL: none. */
void shared_own_wire (const struct wire *wire);

/* Installs handlers that write the crash into `shared` and end the process by the
 * same signal; on `probe` the thread only notes where it is.  Each thread that
 * runs steps calls shared_alternate_stack once. */
void shared_watch_crashes (struct shared *shared, int probe);
void shared_alternate_stack (void);
void shared_end_alternate_stack (void); /* before such a thread ends */

#endif
