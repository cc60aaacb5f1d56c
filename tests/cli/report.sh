#!/bin/sh
# report.sh - `runner report` makes the reports of a run again, also of one that was
# killed, and says what is wrong with files that hold no events.
. "${0%/*}/functions.sh"
requires_plugin exec

cat >mixed.yaml <<'END'
suite: mixed
tests:
  - test: good
    steps: [{check: 1 == 1}]
  - test: bad
    steps: [{fail: it is bad}]
  - test: left out
    skip: no time
    steps: [{check: 1 == 1}]
END
expect 1 "$RUNNER" mixed.yaml
grep -v "^report: " out >console # the folder of the reports is the run's own

# the same reports, with the run's exit status
expect 1 "$RUNNER" report test-results/events.jsonl --junit again.xml
cmp again.xml test-results/junit.xml || fail "junit.xml differs"
expect 1 "$RUNNER" report test-results
cmp out console || { diff out console >&2; fail "the console report differs"; }
expect 1 "$RUNNER" report --tap test-results/events.jsonl
has out 'TAP version 14'
has out 'not ok 2 - '
cat test-results/events.jsonl | expect 1 "$RUNNER" report --tap -
has out 'not ok 2 - '
expect 1 "$RUNNER" report -q test-results
has out 'it is bad'
lacks out 'good'

# cut off within the last line, and without the end
lines=$(wc -l <test-results/events.jsonl)
head -n $((lines - 1)) test-results/events.jsonl >unended.jsonl
expect 3 "$RUNNER" report unended.jsonl
has err 'the run did not come to its end'
lacks err 'cut off'
bad=$(grep -n '"name":"bad"' test-results/events.jsonl | grep '"event":"test"' | cut -d: -f1)
{ head -n $((bad - 1)) test-results/events.jsonl; sed -n "${bad}p" test-results/events.jsonl | head -c 60; } >cut.jsonl
expect 3 "$RUNNER" report cut.jsonl --junit cut.xml --tap
has err 'the last line is cut off'
has err 'the run did not come to its end'
has out 'ok 1 - '
has cut.xml 'name="left out"'
grep -q 'tests="3"' cut.xml || fail "cut.xml does not tell of 3 tests"

# a broken line in the middle is left out, and shows in the status
sed '2s/.*/{"event":/' test-results/events.jsonl >broken.jsonl
expect 3 "$RUNNER" report broken.jsonl
has err 'broken.jsonl:2: the line is left out: '

# files that hold no events
echo 'suite: x' >suite.yaml
printf '{"a": 1}\n' >other.json
sed 1d test-results/events.jsonl >headless.jsonl
sed '1s/"version":1/"version":99/' test-results/events.jsonl >later.jsonl
: >empty.jsonl
for file in suite.yaml other.json headless.jsonl later.jsonl empty.jsonl "$RUNNER" missing.jsonl /; do
  expect 2 "$RUNNER" report "$file" --junit none.xml
  has err "${file%/}"
  [ ! -e none.xml ] || fail "$file: a report was written"
  [ ! -s out ] || fail "$file: something was printed"
done

# a report that cannot be written
expect 3 "$RUNNER" report test-results --junit missing/folder/junit.xml
has err 'the report junit is lost'

# a line longer than any event is not kept in memory
{ head -n 1 test-results/events.jsonl; head -c 40000000 /dev/zero | tr '\0' x; echo; } >long.jsonl
expect 3 "$RUNNER" report long.jsonl
has err 'longer than any event'

# a run that is killed: what had ended is told, the rest was not run
cat >killed.yaml <<'END'
suite: killed
tests:
  - test: first
    steps: [{check: 1 == 1}]
  - test: second
    steps: [{exec.run: "echo > started; cat fifo"}]
  - test: third
    steps: [{check: 1 == 1}]
END
mkfifo fifo
"$RUNNER" -o killed killed.yaml >out 2>err &
pid=$!
cleanup "kill -9 $pid 2>/dev/null"
second_runs ()
{
  kill -0 "$pid" 2>/dev/null || fail "the run has ended"
  exists started && grep -q '"event":"test"' killed/events.jsonl
}
wait_for "the second test starts" second_runs
kill -9 $pid
wait $pid || :
expect 3 "$RUNNER" report killed --tap
has out 'ok 1 - '
has out '1..3'
has err 'the run did not come to its end'
expect 3 "$RUNNER" report killed --junit killed.xml
grep -q 'tests="3"' killed.xml || fail "killed.xml does not tell of 3 tests"

expect 0 "$RUNNER" report --help
has out 'Usage: runner report'
expect 2 "$RUNNER" report
expect 2 "$RUNNER" report --tap --console test-results
expect 2 "$RUNNER" report --nonsense test-results
