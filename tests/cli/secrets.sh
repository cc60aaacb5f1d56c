#!/bin/sh
# secrets.sh - a secret appears nowhere: not raw, not encoded, not split over two
# writes, not in a role's log, not in any process's command line.
. "${0%/*}/functions.sh"
requires awk base64 od pgrep sha256sum
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

# texts that are cut amid a secret show no piece of it
TOKEN=Qx7v9Lm2Tk4Rb8Zc1Wd5Nf3Hj6Pg0SyA
LONG=$(for i in 100 101 102 103 104 105 106 107 108 109; do printf %s "$TOKEN$i$TOKEN" | sha256sum | tr -d ' \n-'; printf %s $i; printf %s "$TOKEN$i" | sha256sum | tr -d ' \n-'; done)
export LONG
cat >cut.yaml <<'EOT'
suite: cut
secrets: {token: {env: TOKEN}, long: {env: LONG}}
tests:
  - test: output
    steps:
      - log: "${string.rep('x', 50000)}"
        each: {i: 1..2}
      - log: "${string.rep('ab ' .. token .. ' ', 900)}"
        each: {i: 1..40}
      - check: true
  - test: output of a branch
    steps:
      - parallel: [{log: "${string.rep('ab ' .. token .. ' ', 900)}", each: {i: 1..40}}, {check: true}]
  - test: traffic
    steps:
      - exec.start: {argv: [cat], as: c}
      - exec.send: {conn: c, text: "${string.rep('y', 980)}${token}zzz"}
      - exec.send: {conn: c, text: "${string.rep('y', 100)}${long}zzz"}
      - fail: now
  - test: traffic of a load
    steps:
      - load: {users: 1, times: 1, steps: [{exec.start: {argv: [cat], as: c}}, {exec.send: {conn: c, text: "${string.rep('y', 240)}${token}zzz"}}, {fail: now}]}
  - test: difference
    matrix: {n: [0, 40, 60, 70, 80, 90, 100, 110, 120, 150, 180, 190, 195, 230, 250, 280, 290, 295, 390, 490]}
    steps:
      - exec.run: {argv: [printf, "%s", "${string.rep('y', n)}${token}zzzzzzzzzzzzzzzzzzz"]}
        expect: {stdout: foo}
  - test: difference in a line
    matrix: {n: [0, 40, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 180, 190, 195, 230]}
    steps:
      - exec.run: {argv: [printf, "a\n%s\nb\n", "${string.rep('y', n)}${token}zzzzzzzzzzzzzzzzzzz"]}
        expect: {stdout: "a\n${string.rep('y', n)}\nb\n"}
  - test: check
    matrix: {n: [0, 40, 60, 70, 80, 90, 100, 110, 120, 150, 180, 190, 195, 230, 250, 280, 290, 295, 390, 490]}
    steps:
      - set: {v: "${string.rep('y', n)}${token}zzzzzzzzzzzzzzzzzzz"}
      - check: v == "1"
  - test: exit
    matrix: {n: [0, 40, 60, 70, 80, 90, 100, 110, 120, 150, 180, 190, 195, 230, 250, 280, 290, 295, 390, 490]}
    steps:
      - exec.run: {argv: [sh, -c, 'printf %s "$1" >&2; exit 3', x, "${string.rep('y', n)}${token}zzzzzzzzzzzzzzzzzzz"]}
  - test: the end of what a program said
    matrix: {n: [160, 166, 170, 173, 176, 180, 185, 190, 195]}
    steps:
      - exec.run: {argv: [sh, -c, 'printf %s "$1" >&2; exit 3', x, "yyyyy${token}${string.rep('z', n)}"]}
  - test: the end of what a program in the background said
    matrix: {n: [160, 170, 180, 190, 270, 280, 290]}
    steps:
      - exec.start: {argv: [sh, -c, 'printf %s "$1" >&2; exit 3', x, "yyyyy${token}${string.rep('z', n)}"], as: p}
      - exec.wait: p
  - test: a program that is left running
    steps:
      - exec.run: {argv: [sh, -c, 'sh -c "sleep 1000; true" x "$1" >/dev/null 2>&1 &', x, "${string.rep('y', 165)}${token}"]}
        expect: {exit: 0}
  - test: the last line of a crash
    steps: [{bad.print: {text: "${string.rep('y', 285)}${token}${token}", crash: true}}]
  - test: bytes as hex
    steps: [{exec.start: {argv: [cat], as: c}}, {exec.send: {conn: c, text: {hex: "${string.rep('0', 40)}${token}"}}}]
  - test: bytes as base64
    steps: [{exec.start: {argv: [cat], as: c}}, {exec.send: {conn: c, text: {base64: "${string.rep('0', 40)}!${token}"}}}]
  - test: log
    roles: {loud: {bad.shouts: {text: "a ${token} b ${token} c", megabytes: 3}}}
    steps: [{check: false}]
  - test: last words
    roles: {loud: {bad.shouts: {text: "${token}", dies: true}}}
    steps: [{role.ended: loud, expect: {exit: 7}}]
EOT
got=0
RUNNER_PLUGIN_PATH="$top_builddir/tests/cli/.libs" "$RUNNER" -v -v -o cut cut.yaml >out 2>err || got=$?
[ "$got" = 1 ] || [ "$got" = 3 ] || fail "exit $got"
# all pieces of 5 bytes; of hexadecimal digits there may be such by chance
printf '5 %s\n12 %s\n' "$TOKEN" "$LONG" |
  awk '{ for (i = 1; i + $1 <= length ($2) + 1; i++) print substr ($2, i, $1) }' >pieces
if grep -rnoFf pieces cut out err >found; then fail "pieces of a secret are seen: $(head -c 2000 found)"; fi
grep -q 'bytes left out' cut/logs/cut/loud.1.log || fail "the role's log is whole"

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
