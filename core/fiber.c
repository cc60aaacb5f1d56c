/* fiber.c - see fiber.h.
 *
 * A thread of a crew goes round: what came in, what is ready, what is due, what the kernel has
 * seen.  Descriptors are watched by epoll, each for one event at a time (EPOLLONESHOT), since
 * whoever waits for it may close it before it waits again. */
#undef _FORTIFY_SOURCE /* its longjmp takes another stack for an error */
#include "config.h"

#include "fiber.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "arena.h"
#include "sanitizers.h"
#include "text.h"
#include "thread.h"

#if WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif

#define GUARD ((size_t) 128 << 10) /* below each stack: more than any frame of a function has */
#define THREAD_STACK ((size_t) 128 << 10)
#define EVENTS 256         /* taken from the kernel at once */
#define WAITERS_FEW 8
#define MS_NS 1000000
#define TURN_NS 1000000    /* what never waits lets others go on after that */

/* One descriptor that one fiber waits for. */
struct waiter {
  struct waiter *next, **link; /* of those for the same descriptor */
  struct fiber *fiber;
  struct pollfd *poll;
};

/* A descriptor. */
struct watch {
  struct waiter *first;
  uint32_t armed;            /* what the kernel looks for; 0: nothing */
  bool known;                /* to the kernel, unless it was closed since */
};

/* Where a fiber, or its thread, goes on. */
struct place {
  ucontext_t context;
  jmp_buf jump;
  bool left;                 /* by `jump`: it goes on there, not at `context` */
};

struct fiber {
  struct lane *lane;
  const struct fiber_calls *calls;
  void *data;
  struct place place;
  char *memory;              /* GUARD, and the stack above it */
  size_t size;               /* of both */
  struct fiber *next;        /* in a queue */
  int64_t end_ns;            /* it waits until then */
  size_t timer;              /* its place among the timers; 0: none */
  bool queued, ended;
  bool waited;               /* since it was asked to yield */
  void *fake_stack, *sanitizer; /* of AddressSanitizer, ThreadSanitizer */
};

struct queue { struct fiber *first, *last; };

/* A thread and its fibers. */
struct lane {
  pthread_t thread;
  void (*begin) (void), (*end) (void);
  int epoll_fd, wake_fd;
  pthread_mutex_t lock;      /* of the next three */
  struct queue inbox;
  bool closing;
  _Atomic bool called;       /* one of them has changed */
  bool over;                 /* no more will come */
  size_t alive;              /* fibers; not those in the inbox */
  struct queue ready;
  int64_t round_ns;          /* when it began to run those that were ready */
  struct fiber **timers;     /* a heap, from 1: the next one first */
  size_t timer_count, timer_room;
  struct watch *watches;     /* by descriptor */
  size_t watch_room;
  struct place place;
  void *fake_stack, *sanitizer;
  const void *stack;
  size_t stack_size;
};

struct crew {
  struct lane *lanes;
  size_t count;
};

/* ---- queues ---- */

static void
enqueue (struct queue *queue, struct fiber *fiber)
{
  fiber->next = NULL;
  if (queue->first)
    queue->last->next = fiber;
  else
    queue->first = fiber;
  queue->last = fiber;
}

static struct fiber *
dequeue (struct queue *queue)
{
  struct fiber *fiber = queue->first;
  if (fiber)
    queue->first = fiber->next;
  return fiber;
}

static void
make_ready (struct fiber *fiber)
{
  if (!fiber->queued)
    enqueue (&fiber->lane->ready, fiber);
  fiber->queued = true;
}

/* ---- timers ---- */

static void
put_timer (struct lane *lane, size_t at, struct fiber *fiber)
{
  lane->timers[at] = fiber;
  fiber->timer = at;
}

/* To its place, from one that may be too high or too low. */
static void
sift (struct lane *lane, size_t at, struct fiber *fiber)
{
  for (; at > 1 && fiber->end_ns < lane->timers[at / 2]->end_ns; at /= 2)
    put_timer (lane, at, lane->timers[at / 2]);
  for (;;) {
    size_t child = 2 * at;
    if (child < lane->timer_count && lane->timers[child + 1]->end_ns < lane->timers[child]->end_ns)
      child++;
    if (child > lane->timer_count || lane->timers[child]->end_ns >= fiber->end_ns)
      break;
    put_timer (lane, at, lane->timers[child]);
    at = child;
  }
  put_timer (lane, at, fiber);
}

static void
add_timer (struct lane *lane, struct fiber *fiber)
{
  if (fiber->end_ns == INT64_MAX)
    return;
  if (lane->timer_count + 1 >= lane->timer_room) {
    lane->timer_room = lane->timer_room ? 2 * lane->timer_room : 64;
    lane->timers = xrealloc (lane->timers, lane->timer_room, sizeof *lane->timers);
  }
  sift (lane, ++lane->timer_count, fiber);
}

static void
remove_timer (struct lane *lane, struct fiber *fiber)
{
  size_t at = fiber->timer;
  if (!at)
    return;
  fiber->timer = 0;
  struct fiber *last = lane->timers[lane->timer_count--];
  if (last != fiber)
    sift (lane, at, last);
}

static void
expire (struct lane *lane)
{
  if (!lane->timer_count)
    return;
  int64_t now = clock_now_ns ();
  while (lane->timer_count && lane->timers[1]->end_ns <= now) {
    make_ready (lane->timers[1]);
    remove_timer (lane, lane->timers[1]);
  }
}

/* ---- descriptors ---- */

static struct watch *
watch_of (struct lane *lane, int fd)
{
  size_t needed = (size_t) fd + 1;
  if (needed > lane->watch_room) {
    size_t room = needed + needed / 2 + 16;
    lane->watches = xrealloc (lane->watches, room, sizeof *lane->watches);
    memset (lane->watches + lane->watch_room, 0, (room - lane->watch_room) * sizeof *lane->watches);
    lane->watch_room = room;
    for (size_t i = 0; i < room; i++) /* they have moved */
      if (lane->watches[i].first)
        lane->watches[i].first->link = &lane->watches[i].first;
  }
  return &lane->watches[fd];
}

/* False: errno says why not. */
static bool
arm (const struct lane *lane, int fd, struct watch *watch, uint32_t events)
{
  struct epoll_event event = { .events = events | EPOLLONESHOT, .data.fd = fd };
  int operation = watch->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  int failed = epoll_ctl (lane->epoll_fd, operation, fd, &event);
  if (failed && errno == (watch->known ? ENOENT : EEXIST))
    failed = epoll_ctl (lane->epoll_fd, watch->known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
  watch->known = !failed;
  watch->armed = failed ? 0 : event.events;
  return !failed;
}

static void
forget (struct waiter *waiter)
{
  *waiter->link = waiter->next;
  if (waiter->next)
    waiter->next->link = waiter->link;
}

/* Waits for a descriptor too.  1: something is ready without waiting; 0; -1: errno. */
static int
watch_for (struct waiter *waiter)
{
  struct pollfd *poll = waiter->poll;
  struct lane *lane = waiter->fiber->lane;
  struct watch *watch = watch_of (lane, poll->fd);
  uint32_t wanted = (uint32_t) poll->events;
  if (!watch->first)
    watch->armed = 0; /* it may be another descriptor by now, of the same number */
  waiter->next = watch->first;
  waiter->link = &watch->first;
  if (watch->first)
    watch->first->link = &waiter->next;
  watch->first = waiter;
  if ((watch->armed && (watch->armed & wanted) == wanted) || arm (lane, poll->fd, watch, watch->armed | wanted))
    return 0;
  forget (waiter);
  waiter->link = NULL;
  if (errno == EPERM) /* a file, say: poll (2) calls it ready always */
    poll->revents = (short) (poll->events & (POLLIN | POLLOUT));
  else if (errno == EBADF)
    poll->revents = POLLNVAL;
  else
    return -1;
  return poll->revents ? 1 : 0;
}

/* Wakes those that wait for one of these events; who waits for another one goes on to. */
static void
dispatch (struct lane *lane, int fd, uint32_t events)
{
  struct watch *watch = &lane->watches[fd];
  uint32_t others = 0;
  bool more = false;
  watch->armed = 0;
  for (struct waiter *waiter = watch->first; waiter; waiter = waiter->next) {
    struct pollfd *poll = waiter->poll;
    uint32_t came = events & ((uint32_t) poll->events | EPOLLERR | EPOLLHUP);
    poll->revents = (short) (poll->revents | (short) came);
    if (poll->revents)
      make_ready (waiter->fiber);
    else {
      others |= (uint32_t) poll->events;
      more = true;
    }
  }
  if (more && !arm (lane, fd, watch, others))
    for (struct waiter *waiter = watch->first; waiter; waiter = waiter->next) {
      waiter->poll->revents = waiter->poll->revents ? waiter->poll->revents : POLLERR;
      make_ready (waiter->fiber);
    }
}

/* ---- changing stacks ---- */

/* swapcontext would do, but asks the kernel for the signal mask each time, which is a fiftieth of the
 * processor time of a request to a near server.  The sanitizers do not know of such jumps; and
 * AddressSanitizer warns of swapcontext, in spite of being told what happens. */
static void
change_place (struct place *from, struct place *to)
{
#if WITH_ASAN
  volatile bool back = false;
  getcontext (&from->context);
  if (!back) {
    back = true;
    setcontext (&to->context);
  }
#elif WITH_TSAN
  swapcontext (&from->context, &to->context);
#else
  from->left = true;
  if (_setjmp (from->jump))
    return;
  if (to->left)
    _longjmp (to->jump, 1);
  setcontext (&to->context);
#endif
}

static _Thread_local volatile sig_atomic_t switching;

bool
fiber_is_switching (void)
{
  return switching;
}

/* From the thread to the fiber; comes back when that waits or has ended. */
static void
enter (struct lane *lane, struct fiber *fiber)
{
#if WITH_ASAN
  __sanitizer_start_switch_fiber (&lane->fake_stack, fiber->memory + GUARD, fiber->size - GUARD);
#endif
#if WITH_TSAN
  __tsan_switch_to_fiber (fiber->sanitizer, 0);
#endif
  switching = 1;
  change_place (&lane->place, &fiber->place);
  switching = 0;
#if WITH_ASAN
  __sanitizer_finish_switch_fiber (lane->fake_stack, NULL, NULL);
#endif
}

/* On the fiber's stack: it has come here. */
static void
entered (struct fiber *fiber)
{
  switching = 0;
#if WITH_ASAN
  __sanitizer_finish_switch_fiber (fiber->fake_stack, &fiber->lane->stack, &fiber->lane->stack_size);
#else
  (void) fiber;
#endif
}

/* From the fiber to its thread; comes back when the fiber is to go on. */
static void
leave (struct fiber *fiber)
{
  struct lane *lane = fiber->lane;
#if WITH_ASAN
  __sanitizer_start_switch_fiber (fiber->ended ? NULL : &fiber->fake_stack, lane->stack, lane->stack_size);
#endif
#if WITH_TSAN
  __tsan_switch_to_fiber (lane->sanitizer, 0);
#endif
  switching = 1;
  change_place (&fiber->place, &lane->place);
  entered (fiber);
}

/* makecontext passes integers only. */
static void
begin_fiber (unsigned high, unsigned low)
{
  struct fiber *fiber = (struct fiber *) (((uintptr_t) high << 16 << 16) | low);
  entered (fiber);
  fiber->calls->run (fiber, fiber->data);
  fiber->ended = true;
  leave (fiber);
}

/* ---- a fiber's life ---- */

static void
free_fiber (struct fiber *fiber)
{
#if WITH_TSAN
  if (fiber->sanitizer)
    __tsan_destroy_fiber (fiber->sanitizer);
#endif
#if WITH_ASAN
  __asan_unpoison_memory_region (fiber->memory, fiber->size); /* of its last frames: others will use the place */
#endif
  munmap (fiber->memory, fiber->size);
  free (fiber);
}

static struct fiber *
make_fiber (struct lane *lane, size_t stack_size, const struct fiber_calls *calls, void *data)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  size_t size = (thread_stack_size (stack_size) + page - 1) / page * page + GUARD;
  char *memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED)
    return NULL;
  if (mprotect (memory, GUARD, PROT_NONE) < 0) {
    munmap (memory, size);
    return NULL;
  }
  struct fiber *fiber = xcalloc (1, sizeof *fiber);
  *fiber = (struct fiber) { .lane = lane, .calls = calls, .data = data, .memory = memory, .size = size };
  ucontext_t *context = &fiber->place.context;
  getcontext (context);
  context->uc_stack.ss_sp = memory + GUARD;
  context->uc_stack.ss_size = size - GUARD;
  uintptr_t self = (uintptr_t) fiber;
  makecontext (context, (void (*) (void)) begin_fiber, 2, (unsigned) (self >> 16 >> 16), (unsigned) self);
#if WITH_TSAN
  fiber->sanitizer = __tsan_create_fiber (0);
#endif
  return fiber;
}

static void
call_lane (struct lane *lane)
{
  atomic_store (&lane->called, true);
  notify (lane->wake_fd);
}

bool
fiber_start (struct crew *crew, size_t number, size_t stack_size, const struct fiber_calls *calls, void *data)
{
  struct lane *lane = &crew->lanes[number % crew->count];
  struct fiber *fiber = make_fiber (lane, stack_size, calls, data);
  if (!fiber)
    return false;
  pthread_mutex_lock (&lane->lock);
  enqueue (&lane->inbox, fiber);
  pthread_mutex_unlock (&lane->lock);
  call_lane (lane);
  return true;
}

/* What is ready now. */
static int
look (struct pollfd *fds, size_t n)
{
  int ready;
  do
    ready = poll (fds, n, 0);
  while (ready < 0 && errno == EINTR);
  return ready;
}

int
fiber_poll (struct fiber *self, struct pollfd *fds, size_t n, int64_t end_ns)
{
  struct waiter few[WAITERS_FEW], *waiters = few, *many = NULL;
  if (n > WAITERS_FEW)
    waiters = many = xcalloc (n, sizeof *many);
  int ready = 0;
  size_t watched = 0;
  for (; watched < n && ready >= 0; watched++) {
    struct pollfd *poll = &fds[watched];
    poll->revents = 0;
    waiters[watched] = (struct waiter) { .fiber = self, .poll = poll };
    if (poll->fd >= 0) {
      int now = watch_for (&waiters[watched]);
      ready = now < 0 ? -1 : ready + now;
    }
  }
  if (ready == 0) {
    self->end_ns = end_ns;
    add_timer (self->lane, self);
  }
  else if (ready > 0)
    make_ready (self);
  if (ready >= 0) {
    leave (self);
    remove_timer (self->lane, self);
    self->waited = true;
  }
  int wrong = errno;
  for (size_t i = 0; i < watched; i++)
    if (waiters[i].link)
      forget (&waiters[i]);
  free (many);
  errno = wrong;
  if (ready < 0)
    return -1;
  int seen = 0;
  for (size_t i = 0; i < n; i++)
    seen += fds[i].revents != 0;
  /* what has come may not have been dispatched yet; what needs no waiting was all that was looked at */
  return n && (!seen || ready) ? look (fds, n) : seen;
}

void
fiber_yield (struct fiber *self)
{
  bool waited = self->waited;
  self->waited = false;
  if (waited || clock_now_ns () - self->lane->round_ns < TURN_NS)
    return;
  make_ready (self);
  leave (self);
}

/* ---- the threads ---- */

static void
take_calls (struct lane *lane)
{
  if (!atomic_exchange (&lane->called, false))
    return;
  pthread_mutex_lock (&lane->lock);
  for (struct fiber *fiber; (fiber = dequeue (&lane->inbox));) {
    lane->alive++;
    make_ready (fiber);
  }
  lane->over = lane->closing;
  pthread_mutex_unlock (&lane->lock);
}

/* Those that are ready now; who gets ready meanwhile is for the next time. */
static void
run_ready (struct lane *lane)
{
  struct queue ready = lane->ready;
  lane->ready = (struct queue) { 0 };
  lane->round_ns = clock_now_ns ();
  for (struct fiber *fiber; (fiber = dequeue (&ready));) {
    const struct fiber_calls *calls = fiber->calls;
    void *data = fiber->data;
    fiber->queued = false;
    if (calls->resume)
      calls->resume (data);
    enter (lane, fiber);
    if (fiber->ended) {
      free_fiber (fiber);
      lane->alive--;
      calls->end (data);
    }
    else if (calls->park)
      calls->park (data);
  }
}

/* What the kernel has seen; sleeps while nothing is ready or due. */
static void
wait_for_events (struct lane *lane)
{
  struct epoll_event events[EVENTS];
  int64_t left = -1;
  if (lane->ready.first || lane->called)
    left = 0;
  else if (lane->timer_count) {
    left = lane->timers[1]->end_ns - clock_now_ns ();
    left = left > 0 ? left : 0;
  }
  if (left > 0 && left < MS_NS) { /* epoll_wait knows milliseconds only */
    struct pollfd any = { .fd = lane->epoll_fd, .events = POLLIN };
    struct timespec wait = { 0, left };
    if (ppoll (&any, 1, &wait, NULL) <= 0)
      return;
    left = 0;
  }
  int64_t ms = left < 0 ? -1 : left / MS_NS;
  int n = epoll_wait (lane->epoll_fd, events, EVENTS, ms > 60000 ? 60000 : (int) ms);
  for (int i = 0; i < n; i++) {
    uint64_t count;
    if (events[i].data.fd != lane->wake_fd)
      dispatch (lane, events[i].data.fd, events[i].events);
    else if (read (lane->wake_fd, &count, sizeof count) < 0)
      continue; /* it was taken before */
  }
}

static void *
run_lane (void *data)
{
  struct lane *lane = data;
  lane->begin ();
#if WITH_TSAN
  lane->sanitizer = __tsan_get_current_fiber ();
#endif
  for (;;) {
    take_calls (lane);
    run_ready (lane);
    if (lane->over && !lane->alive)
      break;
    expire (lane);
    wait_for_events (lane);
  }
  lane->end ();
  return NULL;
}

static bool
lane_start (struct lane *lane, void (*begin) (void), void (*end) (void))
{
  *lane = (struct lane) { .begin = begin, .end = end, .epoll_fd = epoll_create1 (EPOLL_CLOEXEC),
                          .wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK) };
  pthread_mutex_init (&lane->lock, NULL);
  struct epoll_event event = { .events = EPOLLIN, .data.fd = lane->wake_fd };
  return lane->epoll_fd >= 0 && lane->wake_fd >= 0
         && epoll_ctl (lane->epoll_fd, EPOLL_CTL_ADD, lane->wake_fd, &event) == 0
         && thread_start (&lane->thread, THREAD_STACK, run_lane, lane);
}

static void
lane_free (struct lane *lane)
{
  if (lane->epoll_fd >= 0)
    close (lane->epoll_fd);
  if (lane->wake_fd >= 0)
    close (lane->wake_fd);
  pthread_mutex_destroy (&lane->lock);
  free (lane->timers);
  free (lane->watches);
}

static size_t
processors (void)
{
  cpu_set_t set;
  if (sched_getaffinity (0, sizeof set, &set) == 0 && CPU_COUNT (&set) > 0)
    return (size_t) CPU_COUNT (&set);
  long online = sysconf (_SC_NPROCESSORS_ONLN);
  return online > 0 ? (size_t) online : 1;
}

struct crew *
crew_new (size_t most, void (*begin) (void), void (*end) (void))
{
  struct crew *crew = xcalloc (1, sizeof *crew);
  size_t wanted = processors () < most ? processors () : most;
  crew->lanes = xcalloc (wanted, sizeof *crew->lanes);
  while (crew->count < wanted && lane_start (&crew->lanes[crew->count], begin, end))
    crew->count++;
  if (crew->count < wanted)
    lane_free (&crew->lanes[crew->count]);
  if (crew->count)
    return crew;
  free (crew->lanes);
  free (crew);
  return NULL;
}

void
crew_free (struct crew *crew)
{
  for (size_t i = 0; i < crew->count; i++) {
    struct lane *lane = &crew->lanes[i];
    pthread_mutex_lock (&lane->lock);
    lane->closing = true;
    pthread_mutex_unlock (&lane->lock);
    call_lane (lane);
  }
  for (size_t i = 0; i < crew->count; i++) {
    pthread_join (crew->lanes[i].thread, NULL);
    lane_free (&crew->lanes[i]);
  }
  free (crew->lanes);
  free (crew);
}
