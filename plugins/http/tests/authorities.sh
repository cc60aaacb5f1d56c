#!/bin/sh
# authorities.sh - with `ca`, the authorities that the system trusts count no more, also those
# that are in its folder (/etc/ssl/certs) and not in its file.
. "${0%/*}/../../../tests/cli/functions.sh"
requires openssl
requires_plugin exec http

# Two authorities: the one that issued the server's certificate is in the system's folder only.
new='openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2'
mkdir system
{
  $new -keyout system.key -out system/authority.pem -subj '/CN=system authority'
  $new -keyout own.key -out own.pem -subj '/CN=own authority'
  $new -keyout server.key -out server.pem -subj /CN=server -CA system/authority.pem -CAkey system.key \
    -addext basicConstraints=CA:FALSE -addext subjectAltName=IP:127.0.0.1
} 2>err || fail 'openssl makes no certificates'
ln -s authority.pem "system/$(openssl x509 -in system/authority.pem -noout -hash).0"
cp own.pem system/ca-certificates.crt

cat >authorities.yaml <<'END_OF_SUITE'
suite: authorities
setup:
  - exec.start: {as: server, argv: [openssl, s_server, -accept, "127.0.0.1:0", -cert, server.pem, -key, server.key, -www]}
  - exec.wait: {conn: server, regex: 'ACCEPT \S*:(\d+)\n'}
    save: {port: "$.groups[0]"}
tests:
  - test: the system's authorities are trusted
    steps:
      - http.get: {url: "https://127.0.0.1:${port}/"}
        expect: {status: 200}
  - test: a file is trusted instead
    steps:
      - http.get: {url: "https://127.0.0.1:${port}/", ca: own.pem}
        fails: {message: {$contains: the certificate is not trusted}}
      - http.get: {url: "https://127.0.0.1:${port}/", ca: system/authority.pem}
        expect: {status: 200}
  - test: the next request trusts the system's again
    steps:
      - http.get: {url: "https://127.0.0.1:${port}/"}
        expect: {status: 200}
END_OF_SUITE
expect 0 in_place_of /etc/ssl/certs "$tmp/system" "$RUNNER" -o results authorities.yaml
