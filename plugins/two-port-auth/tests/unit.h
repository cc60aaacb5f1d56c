/* unit.h - the unit tests of this plugin. */
#ifndef TWO_PORT_AUTH_UNIT_H
#define TWO_PORT_AUTH_UNIT_H

#include <check.h>

#include "form.h"

Suite *form_suite (void);
Suite *http_suite (void);
Suite *log_suite (void);
Suite *store_suite (void);

/* A field whose value is a literal, which may hold NULs. */
#define FIELD(literal) ((struct form_field) { "" literal, sizeof literal - 1 })

/* An empty folder, which is the current one, and goes with the test. */
void enter_folder (void);
void leave_folder (void);

#endif
