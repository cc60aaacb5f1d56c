#!/bin/sh
# localhost.sh - where no file names it, as in a small container, localhost is this machine for our roles too.
. "${0%/*}/../../../tests/cli/functions.sh"

cat >localhost.yaml <<'END'
suite: localhost
roles:
  hub: {tcp-device.stack: {host: localhost}}
  dev: {tcp-device.device: {id: 1, web: "${hub.web}", server: "${hub.device}", every: 20ms}}
tests:
  - test: it is this machine
    steps:
      - role.wait: hub
        expect: {event: stored, id: 1, report: name}
END
expect 0 without_hosts "$RUNNER" -o results localhost.yaml
