/* judge.c - see judge.h.  It tells nobody: the supervisor does. */
#include "config.h"

#include "judge.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secret.h"
#include "symbols.h"
#include "text.h"
#include "worker.h"

#define OVERRUN_NS (INT64_C (2) * 1000000000)  /* a step that ignores its deadline is ended after that */
#define PROBE_NS (INT64_C (200) * 1000000)     /* and not before it has told for so long where it is */
#define ANSWER_NS (INT64_C (2) * 1000000000)   /* or has not told it in that time */
#define PRINTED_MOST ((size_t) 16 << 10)
#define LINE_MOST ((size_t) 300)
#define AT_WORK_MOST ((size_t) 2 << 10) /* bytes about the steps that a dead worker was at */

/* "SIGSEGV (Segmentation fault)" */
static const char *
signal_name (struct arena *arena, int number)
{
  const char *name = sigabbrev_np (number);
  return name ? arena_printf (arena, "SIG%s", name) : arena_printf (arena, "signal %d", number);
}

/* The step to blame: of the thread that hung or crashed, or the only one that threads were at. */
static const struct step *
step_at_work (const struct job *job)
{
  uint32_t id = NO_STEP;
  int slot = job->shared->crash.slot;
  if (job->hung)
    id = job->hung_step;
  else if (job->shared->crash.signal && slot >= 0 && slot < SLOTS)
    id = job->shared->slots[slot].step;
  else
    for (int i = 0; i < shared_slots_used (job->shared); i++) {
      bool parked = job->shared->crash.signal && job->shared->slots[i].thread == SLOT_PARKED; /* it ran no more */
      uint32_t other = parked ? NO_STEP : job->shared->slots[i].step;
      if (other != NO_STEP && id != NO_STEP && other != id)
        return NULL; /* which of them it was, nobody knows */
      id = other != NO_STEP ? other : id;
    }
  return id < job->planned->suite->step_count ? job->planned->suite->all_steps[id] : NULL;
}

/* The step to blame had opened a handle, and it was closing that, which did this. */
static const char *
while_closing (const struct job *job, struct arena *arena, const char *message)
{
  int slot = job->hung ? job->hung_slot : job->shared->crash.signal ? job->shared->crash.slot : -1;
  for (int i = 0; slot < 0 && i < shared_slots_used (job->shared); i++)
    if (job->shared->slots[i].step != NO_STEP)
      slot = i;
  if (!job->exited || slot < 0 || slot >= SLOTS || !job->shared->closing[slot].what[0])
    return message;
  const char *what = job->shared->closing[slot].what; /* a worker that crashed may have left anything */
  return arena_printf (arena, "closing %.*s %s", (int) sizeof job->shared->closing[slot].what, what, message);
}

/* All steps that threads were at, a line each; NULL: none. */
static const char *
steps_at_work (const struct job *job, struct arena *arena)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  const struct suite *suite = job->planned->suite;
  unsigned *threads = arena_array (arena, suite->step_count + 1, sizeof *threads);
  for (int i = 0; i < shared_slots_used (job->shared); i++) {
    uint32_t id = job->shared->slots[i].step; /* a worker that crashed may have left anything */
    threads[id < suite->step_count ? id : suite->step_count]++;
  }
  for (size_t id = 0; id < suite->step_count && text.size < AT_WORK_MOST; id++) {
    if (!threads[id])
      continue;
    buffer_puts (&text, text.size ? "\n" : "at work were:\n");
    place_print (&text, suite->all_steps[id]->key);
    buffer_printf (&text, ": %s", suite->all_steps[id]->key->string);
    if (threads[id] > 1)
      buffer_printf (&text, " (%u times)", threads[id]);
  }
  return text.size ? arena_copy (arena, text.data, text.size) : NULL;
}

/* The ends of the logs that the keeper has written. */
static void
read_logs (struct job *job, struct arena *arena, struct event *event)
{
  event->logs = arena_array (arena, job->log_count + 1, sizeof *event->logs);
  for (size_t i = 0; i < job->log_count; i++) {
    char *tab = strchr (job->logs[i], '\t');
    if (!tab)
      continue;
    const char *path = tab + 1;
    CLEANUP_CLOSE int fd = open (path, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? -1 : lseek (fd, 0, SEEK_END);
    if (size <= 0)
      continue;
    off_t from = size > (off_t) LOG_TAIL ? size - (off_t) LOG_TAIL : 0;
    char *text = arena_alloc (arena, (size_t) (size - from) + 1);
    ssize_t n = pread (fd, text, (size_t) (size - from), from);
    size_t cut = from && n > 0 ? text_cut_line (text, (size_t) n) : 0;
    if (n > 0)
      event->logs[event->log_count++] = (struct event_log) {
        .name = arena_copy (arena, job->logs[i], (size_t) (tab - job->logs[i])), .text = text + cut,
        .text_size = (size_t) n - cut, .file = arena_strdup (arena, path)
      };
  }
}

/* What the worker itself printed in the test: messages of libc and of sanitizers too. */
static void
read_printed (struct job *job, struct arena *arena, struct event *event)
{
  CLEANUP_BUFFER struct buffer text = { 0 };
  uint64_t from = job->shared->printed_before;
  if (from > capture_total (&job->printed)) /* a worker that crashed may have left anything */
    from = 0;
  capture_since (&job->printed, from, PRINTED_MOST, &text);
  if (!text.size)
    return;
  event->output = arena_copy (arena, text.data, text.size);
  event->output_size = text.size;
}

/* The line that says most: a sanitizer's headline, else the last one; NULL: none. */
static const char *
telling_line (const struct event *event, struct arena *arena)
{
  const char *best = NULL, *end = event->output + event->output_size;
  size_t best_size = 0;
  bool headline = false;
  for (const char *line = event->output; line && line < end && !headline;) {
    const char *newline = memchr (line, '\n', (size_t) (end - line));
    size_t size = (size_t) ((newline ? newline : end) - line);
    headline = memmem (line, size, "ERROR: ", 7) && memmem (line, size, "Sanitizer", 9);
    if (size && (headline || line[0] != '=')) { /* "==123==ABORTING" */
      best = line;
      best_size = size;
    }
    line = newline ? newline + 1 : NULL;
  }
  if (!best)
    return NULL;
  CLEANUP_BUFFER struct buffer told = { 0 };
  buffer_add (&told, best, best_size < LINE_MOST ? best_size : LINE_MOST);
  secret_mask_cut (&told, 0, best_size > LINE_MOST ? SECRET_CUT_END : 0);
  return arena_copy (arena, buffer_text (&told), told.size);
}

const char *
judge_keeper (const struct job *job, struct arena *arena)
{
  int status = job->keeper_status;
  if (WIFSIGNALED (status))
    return arena_printf (arena, "the keeper process (the parent of the suite's worker) was killed: %s (%s)",
                         signal_name (arena, WTERMSIG (status)), sigdescr_np (WTERMSIG (status)));
  return arena_printf (arena, "the keeper process (the parent of the suite's worker) ended with exit status %d",
                       WEXITSTATUS (status));
}

/* " at address 0x0", ", sent by process 12", or "". */
static const char *
where_from (const struct crash *crash, int number, struct arena *arena)
{
  if (crash->signal != number)
    return "";
  if (crash->sender)
    return arena_printf (arena, ", sent by process %d", (int) crash->sender);
  if (crash->has_address && (number == SIGSEGV || number == SIGBUS))
    return arena_printf (arena, " at address 0x%llx", (unsigned long long) crash->address);
  return "";
}

static const char *
what_happened (const struct job *job, struct arena *arena, struct event *event)
{
  const struct shared *shared = job->shared;
  if (!job->exited)
    return judge_keeper (job, arena);
  if (job->hung)
    return "ignored its deadline and was ended";
  if (shared->fault == FAULT_DESCRIPTORS)
    return "closed descriptors of the runner, which could not go on in this worker";
  const char *line = telling_line (event, arena);
  if (WIFSIGNALED (job->wait_status)) {
    int number = WTERMSIG (job->wait_status);
    event->signal = signal_name (arena, number);
    return arena_printf (arena, "crashed: %s (%s)%s%s%s", event->signal, sigdescr_np (number),
                         where_from (&shared->crash, number, arena),
                         number == SIGABRT && line ? ": " : "", number == SIGABRT && line ? line : "");
  }
  return arena_printf (arena, "ended the worker with exit status %d%s%s", WEXITSTATUS (job->wait_status),
                       line ? ": " : "", line ? line : "");
}

/* It went on after all: what comes of another step is not to show where this one was. */
static void
forget_probe (struct job *job)
{
  job->probed_ns = 0;
  if (job->shared->crash.signal)
    return; /* what is noted is of the crash */
  job->shared->crash.frame_count = 0;
  job->shared->crash.wire.count = 0;
}

void
judge_death (struct job *job, struct arena *arena, struct event *event)
{
  const struct step *step = step_at_work (job);
  event->suite = job->planned->suite->number;
  event->worker = job->slot;
  event->outcome = OUTCOME_ERROR;
  read_printed (job, arena, event);
  event->message = while_closing (job, arena, what_happened (job, arena, event));
  if (!job->hung && !job->shared->crash.signal)
    forget_probe (job); /* it is of a step that went on */
  int frames = job->shared->crash.frame_count;
  if (frames > 0 && frames <= FRAMES)
    event->details = symbols_backtrace (job->shared->crash.frames, (size_t) frames, arena);
  if (step) {
    struct buffer place = { 0 };
    place_print (&place, step->key);
    event->where = arena_copy (arena, place.data, place.size);
    event->verb = step->key->string;
    if (step->name && step->name->type == VALUE_STRING && !(step->name->flags & VALUE_DYNAMIC))
      event->step = step->name->string;
    buffer_free (&place);
  }
  else if (!event->details)
    event->details = steps_at_work (job, arena);
  event->start_us = job->shared->test_start_us;
  event->duration_us = time_now_us () - event->start_us;
  if (event->duration_us < 0)
    event->duration_us = 0;
  shared_wire_all (job->shared, &job->shared->crash.wire);
  event->traffic_count = collect_traffic (job->shared, job->shared->test_start_ns, arena, &event->traffic);
  read_logs (job, arena, event);
}

bool
judge_died (const struct job *job)
{
  int code = job->exited && WIFEXITED (job->wait_status) ? WEXITSTATUS (job->wait_status) : -1;
  return job->hung || job->shared->phase != PHASE_IDLE
         || (code != WORKER_DONE && code != WORKER_RESTART && code != WORKER_INTERRUPTED);
}

/* ---- steps that ignore their deadline ---- */

/* A fiber that waits does not: if it is late, another one holds its thread, and is to blame in its time. */
static bool
overruns (const struct slot *slot, int64_t now)
{
  int64_t deadline = slot->deadline_ns;
  return slot->thread > 0 && deadline && now >= deadline + OVERRUN_NS;
}

static bool
still_overruns (const struct job *job, int64_t now)
{
  const struct slot *slot = &job->shared->slots[job->probed_slot];
  return slot->step == job->probed_step && slot->deadline_ns == job->probed_deadline_ns && overruns (slot, now);
}

/* Has the thread note where it is. */
static void
probe (struct job *job, int number, int64_t now)
{
  const struct slot *slot = &job->shared->slots[number];
  job->probed_ns = now;
  job->answered_ns = 0;
  job->probed_slot = number;
  job->probed_step = slot->step;
  job->probed_deadline_ns = slot->deadline_ns;
  job->shared->crash.probed = number;
  if (job->worker > 0)
    syscall (SYS_tgkill, job->worker, slot->thread, SIGRTMIN + 3);
}

/* It answers as soon as it gets a processor, and one that waits goes on then: on a busy machine a step is late for want
 * of that alone. */
static bool
had_time (struct job *job, int64_t now)
{
  if (!job->answered_ns && job->shared->crash.frame_count > 0)
    job->answered_ns = now;
  return now - job->probed_ns >= ANSWER_NS || (job->answered_ns && now - job->answered_ns >= PROBE_NS);
}

void
judge_deadlines (struct job *job, int64_t now)
{
  if (job->hung)
    return;
  if (job->probed_ns && still_overruns (job, now)) {
    if (!had_time (job, now))
      return;
    job->hung = true;
    job->hung_step = job->probed_step;
    job->hung_slot = job->probed_slot;
    job_cut (job);
    return;
  }
  if (job->probed_ns)
    forget_probe (job);
  for (int i = 0; i < shared_slots_used (job->shared); i++)
    if (overruns (&job->shared->slots[i], now)) {
      probe (job, i, now);
      return;
    }
}
