#!/bin/sh
# load-suite.sh - suites/two-port-auth-load.yaml, for a short time and on machines that are busy with other things.
RUNNER=${RUNNER:-$PWD/runner}
suite=$(cd "${0%/*}/../../../suites" && pwd)/two-port-auth-load.yaml
results=$(mktemp -d "${TMPDIR:-/tmp}/runner-load.XXXXXX")
trap 'rm -rf "$results"' EXIT
"$RUNNER" -o "$results" --var time=4s --var think=100ms..2s --var grace=2m --var limit=30s --var rate=1 --var memory=4GiB "$suite"
