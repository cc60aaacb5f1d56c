#!/bin/sh
# run-suite.sh - runs a suite as a test of `make check`: $RUNNER on $1, whose reports
# are kept apart from those of suites that run at the same time.
set -eu
name=$(printf '%s' "$1" | sed 's,^.*/\(plugins\|suites\)/,\1/,; s,\.yaml$,,; s,/,-,g')
exec "${RUNNER:-./runner}" -o "test-results/$name" "$1"
