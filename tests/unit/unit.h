/* unit.h - the suites of the unit tests: one file a core file. */
#ifndef UNIT_H
#define UNIT_H

#include "config.h"

#include <check.h>

/* A new file adds its suite here; main.c runs them all. */
#define UNIT_SUITES(X) \
  X (plan) \
  X (suite) \
  X (scope) \
  X (param) \
  X (arena) \
  X (capture) \
  X (document) \
  X (event) \
  X (expr) \
  X (fiber) \
  X (histogram) \
  X (html) \
  X (http) \
  X (json) \
  X (keys) \
  X (load) \
  X (match) \
  X (path) \
  X (regexp) \
  X (report) \
  X (secret) \
  X (source) \
  X (stream) \
  X (text) \
  X (threads) \
  X (units) \
  X (value)

#define X(name) Suite *name##_suite (void);
UNIT_SUITES (X)
#undef X

#endif
