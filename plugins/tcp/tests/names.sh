#!/bin/sh
# names.sh - a name with addresses of both families: those that cannot be it are passed over.
. "${0%/*}/../../../tests/cli/functions.sh"
requires_plugin tcp

cat >hosts <<'END_OF_HOSTS'
127.0.0.1 localhost
::1 both
127.0.0.1 both
127.0.0.1 partly
2001:db8::1 partly
END_OF_HOSTS
in_place_of /etc/hosts "$tmp/hosts" getent ahosts both | grep -q ^::1 || { echo "skipped: there is no IPv6"; exit 77; }
cat >names.yaml <<'END_OF_SUITE'
suite: names
tests:
  - test: our own address decides
    steps:
      - tcp.listen: {at: "127.0.0.1:0"}
        save: {port: $.port}
      - tcp.connect: {to: "both:${port}", bind: "127.0.0.1:0"}
        expect: {peer: "127.0.0.1:${port}"}
      - tcp.listen: {at: "[::1]:0"}
        save: {port: $.port}
      - tcp.connect: {to: "both:${port}", bind: "[::1]:0"}
        expect: {peer: "[::1]:${port}"}
      - tcp.connect: {to: "127.0.0.1:${port}", bind: "[::1]:0"}
        fails: {outcome: error, message: {$contains: another family}}
  - test: one address may come up, although the last cannot
    steps:
      - tcp.listen: {}
        save: {port: $.port}
      - tcp.close: listener
      - parallel:
          - tcp.connect: {to: "partly:${port}", within: 20s}
            expect: {peer: "127.0.0.1:${port}"}
          - do:
              - sleep: 300ms
              - tcp.listen: {at: "127.0.0.1:${port}"}
              - tcp.accept: {}
END_OF_SUITE
expect 0 in_place_of /etc/hosts "$tmp/hosts" "$RUNNER" -o results names.yaml
