#!/bin/sh
# secrets.sh - a secret appears nowhere: not raw, not encoded, not split over two
# writes, not in a role's log, not in any process's command line.
. "${0%/*}/functions.sh"
requires base64 od pgrep
requires_plugin exec
requires_plugin tcp-device
requires_plugin http

TOKEN='s3cr3t/tok"en+value='
export TOKEN
printf 'key-in-a-file-0123456789\n' > key.txt
cat > secret.yaml <<'EOT'
suite: secrets
secrets: {token: {env: TOKEN}, key: {file: key.txt}}
roles:
  hub: {tcp-device.stack: {store: "${dir}/${token:gsub('[/\"]', '_')}.db"}}
tests:
  - test: it is printed in every way
    steps:
      - exec.run: {shell: 'printf %s "$TOKEN"; printf %s "$TOKEN" | base64; printf %s "$TOKEN" | od -An -tx1 | tr -d " \n"'}
      - exec.run: {shell: 'printf %s "$TOKEN" | base64 -w 10; printf %s "$TOKEN" | base64 -w 10 >&2'}
      - log: "in lines ${to_json((base64(token):gsub('(..........)', '%1\\r\\n  ')))}"
      - exec.run: {shell: 'printf "s3cr3t/"; sleep 0.1; printf "tok\"en+value="'}
      - log: "the token is ${token}, as JSON ${to_json(token)}, as base64 ${base64('xy' .. token)}, as hex ${hex(token)}"
      - log: "the key is ${key}"
      - exec.run: {argv: [sh, -c, 'cat; tr "\0" " " < /proc/$PPID/cmdline >&2'], stdin: "${token}"}
        check: result.stdout == token
  - test: a role logs it
    steps:
      - http.post: {url: "${hub.web}/api/v1/device", json: {id: 1}}
      - tcp-device.connect: {to: "${hub.device}", id: 1}
      - tcp-device.report: "${token}"
      - role.wait: hub
        expect: {event: stored, report: "${token}"}
      - role.log: hub
        expect: {text: {$contains: "${token}"}}
  - test: it fails with it
    steps:
      - exec.run: {shell: 'echo "$TOKEN"; echo "$TOKEN" >&2; exit 3'}
  - test: a difference shows it
    steps:
      - exec.run: {shell: 'echo "$TOKEN"'}
        expect: {stdout: "other ${token}"}
EOT
got=0
"$RUNNER" -v -v -o results secret.yaml >out 2>err || got=$?
[ "$got" = 1 ] || fail "exit $got instead of 1"
grep -q '\*\*\*' out || fail "nothing was masked on the console"
grep -q '\*\*\*' results/logs/secret/hub.1.log || fail "nothing was masked in the role's log"
grep -q '\*\*\*' results/events.jsonl || fail "nothing was masked in the events"

encoded=$(printf %s "$TOKEN" | base64 -w 0)
hex=$(printf %s "$TOKEN" | od -An -tx1 | tr -d ' \n')
# without the last characters, which depend on what follows
for form in "$TOKEN" 's3cr3t/tok\"en+value=' 's3cr3t%2Ftok%22en%2Bvalue%3D' "$(printf %s "$encoded" | cut -c1-24)" "$hex" \
  "$(printf %s "$hex" | tr a-f A-F)" 'key-in-a-file-0123456789'; do
  if grep -rlF -- "$form" results out err >found; then fail "\"$form\" is seen in $(cat found)"; fi
done
for piece in "$(printf %s "$encoded" | cut -c1-10)" "$(printf %s "$encoded" | cut -c11-20)"; do
  if grep -rlF -- "$piece" results out err >found; then fail "base64 in lines is seen in $(cat found)"; fi
done
aligned=$(printf 'xy%s' "$TOKEN" | base64 -w 0 | cut -c5-24)
if grep -rlF -- "$aligned" results out err >found; then fail "the other alignment of base64 is seen in $(cat found)"; fi

# too short to be masked
cat > short.yaml <<'EOT'
suite: short
secrets: {token: {env: SHORT}}
tests: [{test: a, steps: [check: true]}]
EOT
SHORT=abc expect 2 "$RUNNER" short.yaml
has err 'shorter than 4 bytes'

# only a run needs them: suites are checked and listed where there are none
cat > absent.yaml <<'EOT'
suite: absent
secrets: {token: {env: ABSENT}, key: {file: absent.txt}}
tests: [{test: a, steps: [check: token == key]}]
EOT
unset ABSENT
expect 0 "$RUNNER" check absent.yaml
for option in --list --dry-run; do
  expect 0 "$RUNNER" $option absent.yaml
  has out 'absent.yaml: a'
done
expect 0 "$RUNNER" list absent.yaml
expect 2 "$RUNNER" absent.yaml
has err 'the environment has no ABSENT'
has err 'absent.txt'
