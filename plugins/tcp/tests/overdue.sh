#!/bin/sh
# overdue.sh - steps whose time is over: a suite cannot test that (`fails` is never
# satisfied by an overrun deadline), so the report of such suites is looked at.
. "${0%/*}/../../../tests/cli/functions.sh"

# $1: name; standard input: steps after a connection was made.
connected_fail ()
{
  {
    cat <<'END'
      - tcp.listen: {}
        save: {address: $.address}
      - tcp.connect: {to: "${address}", as: client}
      - tcp.accept: server
END
    cat
  } | steps_fail "$1"
}

connected_fail receive <<'END'
      - tcp.send: {conn: client, text: "abc"}
      - tcp.receive: {conn: server, text: "abcdef"}
        timeout: 200ms
END
says 'timed out while waiting for "abcdef" from server 127.0.0.1:[0-9]*; what came: "abc"'

connected_fail nothing <<'END'
      - tcp.receive: {conn: server, regex: "x+"}
        timeout: 200ms
END
says 'timed out while waiting for a match of /x+/ from server .*; nothing came'

connected_fail unsuitable <<'END'
      - tcp.send: {conn: client, text: "a\nb\n"}
      - tcp.wait: {conn: server, delimiter: "\n"}
        timeout: 200ms
        expect: {data: c}
END
says 'timed out while waiting for a message that ends with "\\n" from server'
says '2 came that the step.s expectations do not hold for'

connected_fail accept <<'END'
      - tcp.accept: another
        timeout: 200ms
END
says 'timed out while waiting for a connection to listener 127.0.0.1:'

connected_fail send <<'END'
      - tcp.send: {conn: client, text: '${string.rep("x", 16000000)}'}
        timeout: 500ms
END
says 'timed out while sending to client .*: it does not take the last [0-9]* bytes'

# Whoever accepts any certificate does not read the system's, which takes long, or for ever.
mkfifo authorities
SSL_CERT_FILE=$tmp/authorities
export SSL_CERT_FILE
connected_fail handshake <<'END'
      - tcp.start_tls: {conn: client, tls_verify: false}
        timeout: 300ms
END
says 'timed out while waiting for client .* in the TLS handshake'
unset SSL_CERT_FILE

connected_fail cancel <<'END'
      - first_of:
          quick: {tcp.quiet: {conn: client, for: 50ms}}
          slow: {tcp.receive: {conn: server, text: x}}
        expect: {which: quick}
      - fail: the loser was cancelled
END
says 'the loser was cancelled'
