/* load-form.h - what is written behind `load`, and the schedule that follows from it:
 * how many users there are, or when which iteration is due.
 *
 * Closed model: each user runs the steps again and again and waits for its answers.
 * Open model (`rate`): iterations are due at times that do not depend on answers;
 * a user that is free takes the next one. */
#ifndef LOAD_FORM_H
#define LOAD_FORM_H

#include "param.h"

#define LOAD_USERS_MOST 16000

/* The level (users, or iterations a second) goes evenly from `from` to `to`. */
struct load_stage { int64_t ns; double from, to; };

struct load_form {
  bool open;
  uint32_t users;              /* at most at once */
  struct load_stage *stages;   /* one after the other */
  size_t stage_count;
  int64_t end_ns;              /* when nothing new begins; INT64_MAX: `times` says it */
  uint64_t times;              /* closed: of each user; open: in all; UINT64_MAX: end_ns says it */
  int64_t warmup_ns, grace_ns;
  int64_t think_min_ns, think_max_ns;
  const struct value *require; /* a map, or NULL */
};

/* The table of what may be written, prepared; lasts as long as the process. */
const struct params *load_params (void);

/* From the expanded arguments (without the steps).  False: `error` says what is wrong. */
bool load_form_read (const struct value *args, const char *folder, struct arena *arena, struct load_form *form,
                     struct param_error *error);

/* "the load is to last 10 m 00 s, but the test has only 5 m 00 s": `whose` time that is. */
void load_print_too_long (struct buffer *out, int64_t load_ns, const char *whose, int64_t has_ns);

/* How many users there should be `ns` after the start (closed model). */
uint32_t load_users_at (const struct load_form *form, int64_t ns);
/* When iteration `i`, from 0, is due after the start; INT64_MAX: never (open model). */
int64_t load_due_ns (const struct load_form *form, uint64_t i);
/* How many are due before `ns` (open model). */
uint64_t load_due_before (const struct load_form *form, int64_t ns);

#endif
