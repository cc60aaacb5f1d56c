#!/bin/sh
# roles.sh - roles of suites, tests and the whole run: their order, their deaths, and
# what cannot be.
. "${0%/*}/functions.sh"
requires pgrep
requires_plugin exec tcp-device http
RUNNER_PLUGIN_PATH="$top_builddir/tests/cli/.libs"
export RUNNER_PLUGIN_PATH

# every attempt at a test has living roles, and the next test, too
cat > mortal.yaml <<'EOT'
suite: mortal
roles: {mortal: {bad.dies: {after: 0.05}}}
tests:
  - test: outlives it
    retries: 5
    steps: [role.ended: mortal, {role.start: mortal}, {role.wait: mortal, timeout: 100s, fails: ended with exit status 4}]
  - test: meets it
    steps: [{role.stats: mortal, check: result.pid > 0}]
EOT
expect 3 "$RUNNER" -o mortal mortal.yaml
[ "$(grep -c '"name":"outlives it".*"message":"role mortal ended with exit status 4' mortal/events.jsonl)" = 6 ] ||
  fail "not every attempt had its role"

# references decide the order, whatever is written first; texts that look alike do not
cat > order.yaml <<'EOT'
suite: order
vars: {far: "${near}/b", near: "${hub.web}/a", five: "${four + 1}", four: 4}
roles:
  dev: {tcp-device.device: {id: 5, server: "${''..hub.device}", web: "${hub.web}"}}
  hub: {tcp-device.stack: {store: "dev-${four}-${'dev'}"}}
tests:
  - test: all is there
    steps: [check: far == hub.web .. "/a/b", check: five == 5]
EOT
expect 0 "$RUNNER" -o order order.yaml
sed 's/far == hub.web/far == hub.wbe/' order.yaml > wrong.yaml
expect 2 "$RUNNER" check wrong.yaml
has err 'wrong.yaml:8:31: unknown export of hub "wbe"; did you mean "web"?'
cat > run.yaml <<'EOT'
suite: run
roles:
  b: {tcp-device.stack: {host: "${matches(a.web, '^http') and '127.0.0.1'}"}, scope: run}
  a: {tcp-device.stack: {}, scope: run}
tests: [{test: two, steps: [check: a.web ~= b.web]}]
EOT
expect 0 "$RUNNER" -o run run.yaml

cat > circle.yaml <<'EOT'
suite: circle
vars: {v: "${w}", w: "${v}"}
roles:
  a: {tcp-device.stack: {host: "${b.web}"}}
  b: {tcp-device.stack: {host: "${a.web}"}}
  c: {tcp-device.stack: {host: "${a.web}"}, scope: run}
  d: {tcp-device.stack: {}, scope: run, start: manual}
tests: [{test: never, steps: [check: true]}]
EOT
expect 2 "$RUNNER" check circle.yaml
has err 'd: {tcp-device.stack'
has err 'is started before the first suite'
sed -i '/^  d:/d' circle.yaml
expect 2 "$RUNNER" check circle.yaml
has err 'circle.yaml:2:8: vars: "v" needs itself'
has err 'circle.yaml:4:3: roles: a: its references go in a circle'
has err 'role c with scope: run needs a, which has not'

# a run that waits for its own roles can be interrupted
cat > silent.yaml <<'EOT'
suite: silent
roles: {silent: {bad.silent: , scope: run}}
tests: [{test: never, steps: [check: true]}]
EOT
"$RUNNER" -o silent silent.yaml > out 2> err & pid=$!
wait_for "the run starts its role" exists silent/logs/run
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" = 130 ] || fail "interrupted, it ended with $status"
grep -q '"outcome":"not_run"' silent/events.jsonl || fail "the test is not told as not run"

# a test whose time is over before its role is ready blames the time, and an interrupted
# one nobody
cat > slow.yaml <<'EOT'
suite: slow
tests:
  - test: one
    timeout: 100ms
    roles: {silent: {bad.silent: }}
    steps: [check: true]
EOT
expect 3 "$RUNNER" -o slow slow.yaml
grep -q "the test's time was over before role silent was ready" slow/events.jsonl || fail "the wrong one is blamed"
sed -i '/timeout/d' slow.yaml
"$RUNNER" -o slower slow.yaml > out 2> err & pid=$!
wait_for "the suite begins" grep -qs '"event":"start"\|"event":"suite"' slower/events.jsonl
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" = 130 ] || fail "interrupted, it ended with $status"
grep -q '"name":"one".*"outcome":"not_run"' slower/events.jsonl || fail "an interrupted test is judged"

# what a role has said, or not, is told when it was waited for in vain
cat > vain.yaml <<'EOF'
suite: vain
roles: {hub: {tcp-device.stack: {}}}
tests:
  - test: silent
    steps: [{role.wait: hub, timeout: 50ms, expect: {event: stored, id: 5}}]
  - test: another
    steps:
      - tcp-device.connect: {to: "${hub.device}", id: 5}
      - tcp-device.report: name
      - {role.wait: hub, timeout: 5s, expect: {id: 6}}
EOF
expect 1 "$RUNNER" -o vain vain.yaml
has out 'waiting for an observation of role hub: it said nothing'
has out 'messages looked at, the last did not do'
has out '$.id: expected 6, got 5'
cat > gone.yaml <<'EOF'
suite: gone
roles: {hub: {tcp-device.stack: {}}}
tests:
  - test: gone
    steps: [role.kill: hub, {role.wait: hub, expect: {event: stored, id: 5}}]
EOF
expect 1 "$RUNNER" -o gone gone.yaml
has out 'role hub has ended, and said nothing'
lacks out 'said nothing that matches'

# the output of each process of a role stays, whoever starts it: another worker after a crash, another attempt, another
# test with a role of this name; and the report names the file that has it
cat > logs.yaml <<'EOT'
suite: logs
roles: {hub: {tcp-device.stack: {}}, wide: {tcp-device.stack: {}, scope: run}}
keywords:
  say:
    params: {what: {primary: true}, to: }
    steps: [{tcp-device.connect: {to: "${to}", id: 5}}, {tcp-device.report: "${what}"}]
tests:
  - test: crashes
    steps: [{my.say: {what: one, to: "${hub.device}"}}, role.wait: hub, bad.crash: ]
  - test: fails
    steps: [{my.say: {what: two, to: "${hub.device}"}}, role.wait: hub, check: false]
  - test: tries
    retries: 1
    roles: {own: {tcp-device.stack: {}}}
    steps: [{my.say: {what: tried, to: "${own.device}"}}, role.wait: own, check: false]
  - test: another of this name
    roles: {own: {tcp-device.stack: {host: 127.8.0.4}}} # where nobody else takes its ports while it is away
    steps: [{my.say: {what: three, to: "${own.device}"}}, role.wait: own, {role.stop: own}, {role.start: own},
            {my.say: {what: four, to: "${own.device}"}}, role.wait: own, check: false]
  - test: silent
    roles: {mute: {tcp-device.stack: {}}}
    steps: [check: 'has(mute, "web")']
  - test: of the run
    steps: [{my.say: {what: five, to: "${wide.device}"}}, role.wait: wide, check: false]
EOT
expect 3 "$RUNNER" -o logs logs.yaml
# said FILE WORD: has this log, and no other, this word, and was it named beside it?
said ()
{
  has "logs/logs/$1" ",$2@"
  [ "$(grep -rl ",$2@" logs/logs)" = "logs/logs/$1" ] || fail "$2 is in more logs than $1"
  grep '"event":"test"' logs/events.jsonl | grep -F ",$2@" | grep -qF "\"file\":\"logs/logs/$1\"" ||
    fail "the report of \"$2\" does not name $1"
}
said logs/hub.1.log one
said logs/hub.2.log two
said logs/own.4.log four
said run/wide.1.log five
for i in 1 2; do
  has "logs/logs/logs/own.$i.log" ',tried@'
  grep -q "\"attempt\":$i,.*\"file\":\"logs/logs/logs/own.$i.log\"" logs/events.jsonl || fail "attempt $i names another log"
done
has logs/logs/logs/own.3.log ',three@'
[ "$(cd logs/logs && echo */*)" = 'logs/hub.1.log logs/hub.2.log logs/own.1.log logs/own.2.log logs/own.3.log logs/own.4.log run/wide.1.log' ] ||
  fail "other logs: $(cd logs/logs && echo */*)"

# a role of the whole run that dies: who uses it then or later is told so, others go on with theirs
for i in 1 2 3; do
  cat > dead$i.yaml <<EOT
suite: dead
roles: {sh: {tcp-device.stack: {}, scope: run}, dy: {bad.dies: {once: "$tmp/go"}, scope: run}}
tests:
  - test: t
    steps: [{exec.run: ': >began$i; until [ -e over ]; do sleep 0.05; done', timeout: 100s}, {check: 'has(dy, "pid") == false'}]
  - test: u
    steps: [{http.get: "\${sh.web}/", expect: {status: {\$type: integer}}}]
EOT
done
cat > alive.yaml <<'EOT'
suite: alive
roles: {sh: {tcp-device.stack: {}, scope: run}}
tests:
  - {test: t, steps: [{exec.run: ': >began4; until [ -e over ]; do sleep 0.05; done', timeout: 100s}, {check: true}]}
  - {test: u, steps: [{http.get: "${sh.web}/", expect: {status: {$type: integer}}}]}
EOT
# all are in a step when it dies, and the step ends only when that is known
"$RUNNER" -j 4 -o dead dead1.yaml dead2.yaml dead3.yaml alive.yaml > out 2> err & pid=$!
cleanup "kill -TERM $pid 2>/dev/null"
wait_for "all are in a step" exists began1 began2 began3 began4
: > go
wait_for "its end is in its log" test -s dead/logs/run/dy.1.log
: > over
status=0
wait "$pid" || status=$?
[ "$status" = 3 ] || fail "it ended with $status"
how='role dy (scope: run) ended with exit status 4: this is the end'
for i in 1 2 3; do
  has out "dead$i.yaml:5:14: exec.run: $how"
  has out "dead$i.yaml:2:49: in the suite's setup: $how"
done
has out 'warning  role dy (scope: run) ended with exit status 4'
[ "$(grep -c "<error message=\"[^\"]*$how" dead/junit.xml)" = 6 ] || fail "junit.xml does not name the role 6 times"
grep -q 'this is the end' dead/logs/run/dy.1.log || fail "its log is not there"
grep '"event":"test"' dead/events.jsonl | grep -q '"file":"dead/logs/run/dy.1.log"' || fail "its log is not named"
grep -q 'passed *alive.yaml *2 passed' out || fail "a suite without it did not pass"

# the same of all of them: the process that keeps them is killed
sed '/dy:/s/, dy:.*}}/}/; s/steps: .*began.*/steps: [sleep: 100s]/' dead1.yaml > kept.yaml
mkdir temp
TMPDIR="$tmp/temp" "$RUNNER" -o kept kept.yaml > out 2> err & pid=$!
wait_for "the test starts" grep -qs '"event":"start"' kept/events.jsonl
first=$(pgrep -o -P "$pid")
kill -KILL "$first"
wait_for "that is told" grep -q 'the keeper process of the roles with scope: run was killed' kept/events.jsonl
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" = 130 ] || fail "interrupted, it ended with $status"
[ -z "$(ls -A temp)" ] || fail "left in the temporary folder: $(ls -A temp)"

# which step ran when a role died, that waiting for it ends at once, and how it ended
cat > death.yaml <<'EOF2'
suite: death
tests:
  - test: in a step
    roles: {mortal: {bad.dies: {after: 2, crash: true}}}
    steps: [{sleep: 10ms}, {do: [{role.wait: mortal, timeout: 100s, fails: was killed}]}, {sleep: 10ms}, {check: 1 == 2}]
  - test: waits
    roles: {mortal: {bad.dies: {after: 2, crash: true}}}
    steps: [{role.wait: mortal, timeout: 100s, expect: {event: stored}}]
  - test: other end
    roles: {mortal: {bad.dies: {crash: true}}}
    steps: [{role.ended: mortal, expect: {exit: 7}}]
  - test: same end
    roles: {mortal: {bad.dies: {crash: true}}}
    steps: [{role.ended: mortal, expect: {exit: null, signal: SIGSEGV}}]
EOF2
expect 3 "$RUNNER" -o death death.yaml
has out 'death.yaml:5:35: role.wait: role mortal was killed by SIGSEGV (Segmentation fault): this is the end'
has out 'death.yaml:5:114: check failed with: does not hold: 1 == 2'
has out 'death.yaml:8:14: role.wait: role mortal was killed by SIGSEGV'
has out 'role.wait failed with: role mortal was killed by SIGSEGV (Segmentation fault), and said nothing'
has out 'death.yaml:11:14: role.ended: role mortal was killed by SIGSEGV (Segmentation fault): $.exit: expected 7 (integer), got null'
has out '1 passed, 1 failed, 2 errors'
