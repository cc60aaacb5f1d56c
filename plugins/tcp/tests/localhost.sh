#!/bin/sh
# localhost.sh - where no file names it, as in a small container, localhost is this machine.
. "${0%/*}/../../../tests/cli/functions.sh"

cat >localhost.yaml <<'END'
suite: localhost
tests:
  - test: it is this machine
    steps:
      - tcp.listen: {at: "localhost:0", as: both}
        expect: {host: {$one_of: ["127.0.0.1", "::1"]}}
      - tcp.listen: {at: "127.0.0.1:0"}
        save: {port: $.port}
      - tcp.connect: "localhost:${port}"
        expect: {peer: "127.0.0.1:${port}"}
END
expect 0 without_hosts "$RUNNER" -o results localhost.yaml
