#!/bin/sh
# unkillable.sh - a process that a test leaves and that cannot be ended, because it is another
# user's by then: it is told, and the run comes to its end.
. "${0%/*}/functions.sh"
requires setpriv
requires_plugin exec
[ "$(id -u)" = 0 ] || { echo "unkillable.sh: skipped: only root can make such a process"; exit 77; }

# a program that becomes root's by itself
cp "$(command -v setpriv)" become
chmod 4755 become
mkdir results
chown nobody results
chmod 755 .
nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
[ "$($nobody ./become --reuid=0 --keep-groups id -u 2>&1)" = 0 ] ||
  { echo "unkillable.sh: skipped: programs cannot become another user's here"; exit 77; }
# the build's folder may be closed for others
mkdir bin
cp "$RUNNER" "$("$RUNNER" plugins exec | sed -n 's/^  \(\/.*\.so\) (.*/\1/p')" bin
RUNNER_PLUGIN_PATH=$tmp/bin
export RUNNER_PLUGIN_PATH
cleanup "kill -KILL \$(cat '$tmp'/results/pid.*) 2>/dev/null"

cat >left.yaml <<'EOT'
suite: left
tests:
  - test: it came to the keeper
    steps:
      - exec.run: {shell: './become --reuid=0 --keep-groups sh -c "echo \$\$ >results/pid.1; exec sleep 1000" >results/log 2>&1 & until [ -s results/pid.1 ]; do sleep 0.05; done'}
        expect: {exit: 0}
  - {test: next, steps: [{exec.run: 'true', expect: {exit: 0}}]}
  - test: it is the worker's
    steps:
      - exec.start: {argv: [./become, --reuid=0, --keep-groups, sh, -c, 'echo $$ >results/pid.2; exec sleep 1000']}
      - exec.run: {shell: 'until [ -s results/pid.2 ]; do sleep 0.05; done'}
        expect: {exit: 0}
  - {test: last, steps: [{exec.run: 'true', expect: {exit: 0}}]}
EOT
expect 3 $nobody bin/runner -o results left.yaml
for test in 'it came to the keeper' "it is the worker's"; do
  grep "\"name\":\"$test\"" results/events.jsonl | grep '"outcome":"failed"' | grep -q 'cannot be ended: [0-9]* (sleep 1000)' ||
    fail "$test: it is not told that it cannot be ended"
done
for test in next last; do
  grep "\"name\":\"$test\"" results/events.jsonl | grep -q '"outcome":"passed"' || fail "$test did not pass"
done
for i in 1 2; do
  kill -0 "$(cat results/pid.$i)" || fail "there is no such process any more"
  has out "warning  left.yaml: still runs, and cannot be ended: $(cat results/pid.$i) (sleep 1000)"
done
