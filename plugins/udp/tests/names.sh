#!/bin/sh
# names.sh - a name with addresses of both families: one is taken that the socket can send to.
. "${0%/*}/../../../tests/cli/functions.sh"
requires_plugin udp

printf '::1 both\n127.0.0.1 both\n' >hosts
in_place_of /etc/hosts "$tmp/hosts" getent ahosts both | grep -q ^::1 || { echo "skipped: there is no IPv6"; exit 77; }
cat >names.yaml <<'END_OF_SUITE'
suite: names
tests:
  - test: our own address decides
    steps:
      - udp.open: {to: "both:9", bind: "127.0.0.1:0"}
        expect: {peer: "127.0.0.1:9"}
      - udp.open: {to: "both:9", bind: "[::1]:0"}
        expect: {peer: "[::1]:9"}
  - test: so does that of an open socket
    steps:
      - udp.open: {as: four}
        save: {port: $.port}
      - udp.open: {}
      - udp.send: {to: "both:${port}", text: hello}
      - udp.receive: {conn: four, text: hello}
      - udp.open: {as: six, bind: "[::1]:0"}
        save: {port: $.port}
      - udp.open: {bind: "[::1]:0"}
      - udp.send: {to: "both:${port}", text: hello}
      - udp.receive: {conn: six, text: hello}
      - udp.send: {to: "127.0.0.1:${port}", text: hello}
        fails: {outcome: error, message: {$contains: another family}}
END_OF_SUITE
expect 0 in_place_of /etc/hosts "$tmp/hosts" "$RUNNER" -o results names.yaml
