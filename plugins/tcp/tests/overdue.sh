#!/bin/sh
# overdue.sh - steps whose time is over: a suite cannot test that (`fails` is never
# satisfied by an overrun deadline), so the report of such suites is looked at.
set -eu
runner=${RUNNER:-./runner}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail ()
{
  echo "$1" >&2
  cat "$folder/output" >&2
  exit 1
}

# $1: name; standard input: steps after a connection was made.  The suite must fail.
run ()
{
  {
    printf 'suite: %s\ntests:\n  - test: it\n    steps:\n' "$1"
    cat <<'END'
      - tcp.listen: {}
        save: {address: $.address}
      - tcp.connect: {to: "${address}", as: client}
      - tcp.accept: server
END
    cat
  } >"$folder/$1.yaml"
  if "$runner" -o "$folder/results" "$folder/$1.yaml" >"$folder/output" 2>&1; then
    fail "$1 passed"
  fi
}

says ()
{
  grep -q -e "$1" "$folder/output" || fail "no \"$1\" in the output:"
}

run receive <<'END'
      - tcp.send: {conn: client, text: "abc"}
      - tcp.receive: {conn: server, text: "abcdef"}
        timeout: 200ms
END
says 'timed out while waiting for "abcdef" from server 127.0.0.1:[0-9]*; what came: "abc"'

run nothing <<'END'
      - tcp.receive: {conn: server, regex: "x+"}
        timeout: 200ms
END
says 'timed out while waiting for a match of /x+/ from server .*; nothing came'

run unsuitable <<'END'
      - tcp.send: {conn: client, text: "a\nb\n"}
      - tcp.wait: {conn: server, delimiter: "\n"}
        timeout: 200ms
        expect: {data: c}
END
says 'timed out while waiting for a message that ends with "\\n" from server'
says '2 came that the step.s expectations do not hold for'

run accept <<'END'
      - tcp.accept: another
        timeout: 200ms
END
says 'timed out while waiting for a connection to listener 127.0.0.1:'

run send <<'END'
      - tcp.send: {conn: client, text: '${string.rep("x", 16000000)}'}
        timeout: 500ms
END
says 'timed out while sending to client .*: it does not take the last [0-9]* bytes'

run handshake <<'END'
      - tcp.start_tls: {conn: client, tls_verify: false}
        timeout: 300ms
END
says 'timed out while waiting for client .* in the TLS handshake'

run cancel <<'END'
      - first_of:
          quick: {tcp.quiet: {conn: client, for: 50ms}}
          slow: {tcp.receive: {conn: server, text: x}}
        expect: {which: quick}
      - fail: the loser was cancelled
END
says 'the loser was cancelled'
