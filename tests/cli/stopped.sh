#!/bin/sh
# stopped.sh - a keeper that somebody stops (SIGSTOP) does not keep a run from ending.
. "${0%/*}/functions.sh"
requires_plugin exec tcp-device
requires pgrep

# The supervisor is the keeper's parent, and the keeper the worker's, which is $PPID of a program.
cat > stop <<'EOT'
above () { sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status"; }
keeper=$(above "$PPID")
case $1 in
  once) kill -STOP "$keeper" ;;
  ever) while kill -STOP "$keeper"; do sleep 0.01; done ;;
  first) kill -STOP "$(pgrep -o -P "$(above "$keeper")")" ;;
esac
EOT

# runs STATUS SUITE: ends so, and that in time.
runs ()
{
  expect "$1" timeout -s KILL 60 "$RUNNER" -o "$2" "$2.yaml"
}

# once: it goes on, and is told
cat > once.yaml <<'EOT'
suite: once
roles: {hub: {tcp-device.stack: {}}}
tests:
  - {test: stops, steps: [{exec.run: {argv: [sh, stop, once]}, expect: {exit: 0}}]}
  - {test: after, roles: {other: {tcp-device.stack: {}}}, steps: [{exec.run: {shell: exit 3}, expect: {exit: 3}}]}
EOT
runs 0 once
[ "$(grep -c "the keeper process (the parent of the suite's worker) was stopped; it goes on" once/events.jsonl)" = 1 ] \
  || fail "that it was stopped is not told once"

# again and again: that is told once, it is killed, and its suite ends
cat > ever.yaml <<'EOT'
suite: ever
tests:
  - {test: stops, steps: [{exec.run: {argv: [sh, stop, ever]}, timeout: 100s}]}
  - {test: after, steps: [check: true]}
EOT
runs 3 ever
[ "$(grep -c 'was stopped; it goes on' ever/events.jsonl)" = 1 ] || fail "each time is told"
grep -q 'was stopped again and again, and is killed' ever/events.jsonl || fail "why it is killed is not told"
has out 'ever.yaml:3:28: exec.run: the keeper process (the parent of the suite'
grep -q '"name":"after".*"outcome":"not_run"' ever/events.jsonl || fail "the rest is not told"
grep -q '<testcase name="after"' ever/junit.xml || fail "junit.xml is not whole"

# the one of the roles with scope: run; it is started first
cat > run.yaml <<'EOT'
suite: run
roles: {hub: {tcp-device.stack: {}, scope: run}}
tests:
  - {test: stops, steps: [{exec.run: {argv: [sh, stop, first]}, expect: {exit: 0}}]}
EOT
runs 0 run
grep -q 'the keeper process of the roles with scope: run was stopped; it goes on' run/events.jsonl \
  || fail "that it was stopped is not told"
