#!/bin/sh
# endings.sh - how suites end, and their workers: what is told when a setup, a teardown or a role does
# not end well.
. "${0%/*}/functions.sh"
requires_plugin exec
RUNNER_PLUGIN_PATH="$top_builddir/tests/cli/.libs"
export RUNNER_PLUGIN_PATH

# count N FILE REGEX: so many lines of the file match
count ()
{
  n=$(grep -c -e "$3" "$2" || :)
  [ "$n" = "$1" ] || fail "$2 has $n lines with \"$3\", not $1"
}

# a test that has ended is told before anything is torn down: a teardown that ends the worker, or a
# handle of the setup, takes no result with it, and no test runs twice
cat >verb.yaml <<'EOT'
suite: verb
teardown: [bad.group: ]
tests:
  - {test: one, steps: [{bad.print: one}, {check: true}]}
  - {test: two, steps: [{bad.print: two}, {check: true}]}
EOT
sed '/^teardown/c setup: [{bad.handle: {crash: true}}]' verb.yaml >handle.yaml
sed '/^suite/a isolation: test' handle.yaml >isolated.yaml
for suite in verb handle isolated; do
  expect 3 "$RUNNER" -o results $suite.yaml
  count 2 results/events.jsonl '"event":"test".*"outcome":"passed"'
  count 2 results/events.jsonl '"event":"test"'
  has out 'after its tests, the suite'
  count 1 results/events.jsonl '"event":"suite_end"'
done

# nor does the role of a later test, which is started for a long time
cat >own.yaml <<'EOT'
suite: own
tests:
  - {test: one, steps: [{check: true}]}
  - {test: two, roles: {silent: {bad.silent: }}, steps: [{check: true}]}
EOT
"$RUNNER" -o own own.yaml >out 2>err & pid=$!
cleanup "kill -TERM $pid 2>/dev/null; wait $pid"
wait_for "the first test is told while a role of the second starts" grep -qs '"name":"one".*"outcome":"passed"' own/events.jsonl
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
[ "$status" = 130 ] || fail "interrupted, it ended with $status"

# a setup that ends the worker has a second try, which is told
cat >setup.yaml <<'EOT'
suite: setup
setup:
  - {exec.run: {shell: 'test -e flag'}, expect: {exit: {$ge: 0}}, save: {status: $.exit}}
  - exec.run: {shell: 'echo >flag'}
  - {bad.abort: , if: status ~= 0}
tests:
  - {test: one, steps: [{check: true}]}
EOT
expect 0 "$RUNNER" -o setup setup.yaml
has out "warning  setup.yaml:5:6: the suite's setup crashed: SIGABRT (Aborted)"
has out 'bad_abort'
count 1 setup/events.jsonl '"event":"warning"'

# where a step was that overran its deadline, and went on when it was asked, is not told of another
cat >late.yaml <<'EOT'
suite: late
tests:
  - test: late, then it exits
    steps: [{defer: [{bad.exit: }]}, {bad.late: , timeout: 100ms}]
  - test: late
    steps: [{bad.late: , timeout: 100ms}]
  - test: later another exits
    steps: [{sleep: 500ms}, {bad.exit: }]
  - test: late, then it hangs
    steps: [{defer: [{bad.hang: , timeout: 100ms}]}, {bad.late: , timeout: 100ms}]
EOT
expect 3 "$RUNNER" -o late late.yaml
count 2 late/events.jsonl '"event":"test".*"outcome":"error".*ended the worker with exit status 5'
count 1 late/events.jsonl '"event":"test".*"outcome":"error".*ignored its deadline'
lacks late/events.jsonl 'bad_late+'
count 1 late/events.jsonl 'bad_hang+'

# a suite tells its end once, after its tests, though each of them has a worker and each worker a teardown
cat >each.yaml <<'EOT'
suite: each
isolation: test
teardown: [{fail: the teardown is broken}]
tests:
  - {test: one, steps: [{check: true}]}
  - {test: two, steps: [{sleep: 300ms}, {check: true}]}
  - {test: three, steps: [{check: 1 == 2}]}
EOT
expect 1 "$RUNNER" -o each each.yaml
count 1 each/events.jsonl '"event":"suite_end"'
tail -n 2 each/events.jsonl | head -n 1 >last
count 1 last '"event":"suite_end".*"outcome":"failed".*the teardown is broken'
took=$(sed 's/.*"start_us":[0-9]*,"duration_us":\([0-9]*\).*/\1/' last)
[ "$took" -ge 300000 ] || fail "the suite took $took us"
count 1 out '^FAILED *each.yaml  2 passed, 2 failed'
count 1 each/junit.xml '<testsuite .*tests="4" failures="2" errors="0"'
sed -i '/three/d; s/sleep: 300ms/bad.print: x/; s/fail: the.*}/bad.handle: {crash: true}}/' each.yaml
expect 3 "$RUNNER" -o each each.yaml
count 1 each/events.jsonl '"event":"suite_end".*"outcome":"error".*closing bad thing'

# a teardown that skips itself changes no outcome
for outcome in passed failed; do
  [ $outcome = passed ] && holds=1 status=0 || holds=2 status=1
  printf 'suite: skips\nteardown: [{skip: not here}]\ntests: [{test: one, steps: [{check: 1 == %s}]}]\n' $holds >skips.yaml
  expect $status "$RUNNER" -o skips skips.yaml
  count 1 skips/events.jsonl "\"event\":\"suite_end\".*\"outcome\":\"$outcome\""
done

# a role that does not end well when its suite ends is warned about, in every report, whichever worker it had
cat >sulky.yaml <<'EOT'
suite: sulky
roles: {sulky: {bad.sulky: }}
tests:
  - {test: one, steps: [{check: true}]}
  - {test: two, steps: [{check: true}]}
EOT
sed '1a isolation: test' sulky.yaml >sulky-each.yaml
warning='role sulky ended with exit status 3 when it was stopped'
for suite in sulky sulky-each; do
  expect 0 "$RUNNER" -o sulky $suite.yaml
  count 1 sulky/events.jsonl "\"event\":\"suite_end\".*$warning"
  count 1 out "^warning  $suite.yaml: $warning"
  tr '\n' ' ' <sulky/junit.xml >junit
     count 1 junit "<testcase .*/> <system-out>warning: $warning </system-out> </testsuite>"
  count 1 sulky/report/suite-0-*.html "<b>Warning:</b> $warning"
  expect 0 "$RUNNER" report --tap sulky/events.jsonl
  count 1 out "^# $suite.yaml: $warning"
done
sed -i 's/steps: .{check: true/steps: [{check: false/' sulky.yaml
expect 1 "$RUNNER" -o sulky sulky.yaml
count 1 out "^warning  sulky.yaml: $warning"

# the same of a role with scope: run, and that its log cannot be written
sed 's/{bad.sulky: }/&, scope: run/; s/check: false/check: true/' sulky.yaml >wide.yaml
sed -i 's/bad.sulky: }, scope: run/bad.sulky: , scope: run}/' wide.yaml
expect 0 "$RUNNER" -o wide wide.yaml
count 1 out "^warning  $warning"
count 1 wide/events.jsonl "\"event\":\"warning\".*$warning"
rm -r wide
mkdir wide
: >wide/logs
expect 3 "$RUNNER" -o wide wide.yaml
count 1 out '^warning  a log is lost: sulky'
count 1 wide/events.jsonl '"event":"warning".*a log is lost: sulky'

# who ran what, and how long it took, is in the events
for i in 1 2 3; do
  printf 'suite: s%s\ntests: [{test: t, steps: [{sleep: 300ms}, {check: true}]}]\n' "$i" >"at-once-$i.yaml"
done
expect 0 "$RUNNER" -j 2 -o at-once at-once-1.yaml at-once-2.yaml at-once-3.yaml
has out ', 2 at once'
count 1 at-once/events.jsonl '"event":"run".*"jobs":2'
for event in suite suite_end; do
  grep -q "\"event\":\"$event\".*\"worker\":1" at-once/events.jsonl || fail "no $event has a worker"
done
took=$(sed -n 's/.*"event":"end".*"duration_us":\([0-9]*\).*/\1/p' at-once/events.jsonl)
[ "${took:-0}" -ge 600000 ] || fail "the run took ${took:-no} us"
expect 0 "$RUNNER" -j 9 -o at-once at-once-1.yaml
lacks out 'at once'
