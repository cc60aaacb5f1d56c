#!/bin/sh
# interrupted.sh - the runner is killed, interrupted, or runs out of disk.
. "${0%/*}/functions.sh"
requires xmllint pgrep python3 flock
requires_plugin exec
requires_plugin tcp-device

marker=32$$
cat > long.yaml <<EOT
suite: long
roles: {hub: {tcp-device.stack: {}}}
setup:
  - exec.start: {argv: [sleep, "$marker"], as: background}
teardown:
  - exec.run: {argv: [touch, "$tmp/torn-down"]}
tests:
  - test: first
    steps: [check: true]
  - test: waits
    steps:
      - defer: [{exec.run: {argv: [touch, "$tmp/deferred"]}}]
      - exec.run: {shell: "sleep $marker & touch $tmp/started; wait"}
        timeout: 2m
  - test: last
    steps: [check: true]
EOT

# second_waits: the second test does, and the first one's result is told.
second_waits ()
{
  exists started && grep -q '"event":"test"' results/events.jsonl
}

# free: no run writes there; the keeper of one that was killed still does for a moment.
free ()
{
  flock -n results/events.jsonl true
}

# start: the runner in the background, until the second test waits; its pid in $pid.
start ()
{
  rm -f started torn-down deferred
  "$RUNNER" -o results long.yaml >out 2>err &
  pid=$!
  wait_for "the second test starts" second_waits
}

# gone: no program or role of the run is left, within some seconds.
gone ()
{
  wait_for "all programs of the run end" none_left
}
none_left ()
{
  ! pgrep -f "sleep $marker" >out && ! pgrep -f "tcp-device.stack --?.*$marker" >out # which fail shows
}

# SIGKILL: nothing survives, and the report can be made from the events
start
role=$(pgrep -f 'role.*tcp-device.stack' -P "$(pgrep -P "$(pgrep -P "$pid" | head -n 1)" | head -n 1)" | head -n 1 || :)
kill -KILL "$pid"
wait "$pid" || :
gone
[ -z "$role" ] || wait_for "the role ends" is_gone "$role"
"$RUNNER" report results/events.jsonl --junit x.xml >out 2>err || :
xmllint --noout --schema "$top_srcdir/tests/junit.xsd" x.xml 2>err || fail "the report made again is not valid"
[ "$(grep -c '<testcase ' x.xml)" = 3 ] || fail "the report made again does not hold every test"
[ "$(grep -c '<skipped' x.xml)" = 2 ] || fail "what did not end is not told as not run"

# SIGINT: clean teardown, reports, 130
wait_for "the folder is free" free
start
kill -INT "$pid"
got=0
wait "$pid" || got=$?
[ "$got" = 130 ] || fail "SIGINT gives $got"
gone
[ -e deferred ] || fail "what was deferred did not run"
[ -e torn-down ] || fail "the teardown did not run"
xmllint --noout --schema "$top_srcdir/tests/junit.xsd" results/junit.xml 2>err || fail "junit.xml is not valid"
[ "$(grep -c '<testcase ' results/junit.xml)" = 3 ] || fail "junit.xml does not hold every test"
grep -q '"name":"first".*"outcome":"passed"' results/events.jsonl || fail "the finished test lost its result"
grep -q '"name":"last".*"outcome":"not_run"' results/events.jsonl || fail "the rest is not told as not run"
for event in suite_end end; do
  grep "\"event\":\"$event\"" results/events.jsonl | grep -q '"outcome":"not_run"' || fail "$event has another worst outcome"
done
"$RUNNER" report results/events.jsonl --junit again.xml >out 2>err || :
[ "$(grep -c '<skipped' again.xml)" = 2 ] && ! grep -q '<error' again.xml || fail "the interrupted run is told as another one"

# a full disk: the run finishes, says what it lost, exit 3
if unshare -rm mount -t tmpfs -o size=64k tmpfs /mnt 2>/dev/null; then
  {
    echo 'suite: many'
    echo 'tests:'
    i=0
    while [ "$i" -lt 2000 ]; do
      i=$((i + 1))
      echo "  - {test: number $i, steps: [check: true]}"
    done
  } > many.yaml
  expect 3 unshare -rm sh -c 'mount -t tmpfs -o size=64k tmpfs /mnt && exec "$0" -o /mnt/results "$1"' \
    "$RUNNER" "$tmp/many.yaml"
  grep -q 'events.jsonl cannot be written' err || fail "the lost events are not told"
  grep -q 'junit.*No space left' err || fail "the lost report is not told"
  grep -q 'html.*No space left' err || fail "the lost pages are not told"
  grep -q '^2000 passed, 0 failed' out || fail "the run did not finish"
else
  echo "interrupted.sh: the full disk was not tried: no tmpfs can be mounted here"
fi
