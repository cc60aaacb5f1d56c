#!/bin/sh
# robust.sh - few descriptors, one folder for two runs, words that fit no test, what is
# left by setups, teardowns, crashes and losers.
. "${0%/*}/functions.sh"
requires pgrep
requires_plugin exec http tcp-device
RUNNER_PLUGIN_PATH="$top_builddir/tests/cli/.libs"
export RUNNER_PLUGIN_PATH

# more suites at once than there are descriptors for: they wait for each other
mkdir many
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  printf 'suite: s%s\ntests: [{test: t, steps: [{sleep: 50ms}, {check: true}]}]\n' "$i" > "many/$i.yaml"
done
(ulimit -n 40 && expect 0 "$RUNNER" -j 20 -o many-results many)
[ "$(grep -c '"outcome":"passed"' many-results/events.jsonl)" -ge 20 ] || fail "not all suites ran"
grep -q 'suites at once, not 20' many-results/events.jsonl || fail "that there were fewer at once is not told"

# two runs in one folder
cat > long.yaml <<'EOT'
suite: long
tests: [{test: long, steps: [{exec.run: {shell: "touch started; exec sleep 1000"}, timeout: 100s}]}]
EOT
"$RUNNER" -o shared long.yaml > long.out 2>&1 & pid=$!
cleanup "kill -KILL $pid 2>/dev/null"
wait_for "the test starts" exists started
expect 3 "$RUNNER" -o shared many/1.yaml
has err 'another run writes into shared'
kill -KILL "$pid"
# its keeper ends what ran, and only then the folder is free
run_again () { "$RUNNER" -o shared many/1.yaml > out 2> err; }
wait_for "the folder is free again" run_again

# what fits nothing is no success, but a part of a whole may be empty
expect 2 "$RUNNER" -o none -k nosuch many
has err 'no test fits'
expect 2 "$RUNNER" -o none --tag nosuch many
expect 0 "$RUNNER" -o none -k nosuch --shard 1/2 many

# rows that look alike are told apart by their place among the test's rows
cat > alike.yaml <<'EOT'
suite: alike
tests:
  - {test: a, steps: [check: true]}
  - {test: b, matrix: {x: [1, "1"]}, steps: [check: true]}
EOT
[ "$("$RUNNER" list alike.yaml | sed 's/.*: //' | tr '\n' ';')" = 'a;b (x=1);b (x=1) [2];' ] || fail "the names of rows"

# folders of setups, and of workers that crash, go; deferred steps of teardowns and of
# branches that lose are run
mkdir temp
cat > left.yaml <<'EOT'
suite: left
vars: {notes: "${env('NOTES')}"}
roles: {hub: {tcp-device.stack: {}}}
keywords:
  note:
    params: {text: {primary: true}}
    steps: [{defer: [{exec.run: {shell: "echo ${text} >> ${notes}"}}]}]
setup: [{http.get: {url: "${hub.web}/", save_to: setup}, expect: {status: {$type: integer}}}]
teardown: [{my.note: teardown}]
tests:
  - test: crashes with a folder
    steps: [{http.get: {url: "${hub.web}/", save_to: test}, expect: {status: {$type: integer}}}, {bad.crash: }]
  - test: first of
    steps:
      - first_of:
          loser: {do: [{my.note: loser}, {exec.run: touch noted}, {sleep: 100s}]}
          winner: {exec.run: test -e noted, retry: {for: 1m, every: 5ms}}
      - exec.run: {shell: "cat ${notes}"}
        expect: {stdout: "loser\n"}
  - test: first of equals
    steps:
      - first_of:
          one: {do: [{my.note: equal}, {exec.run: {shell: "echo deferred >> ${notes}"}}]}
          two: {do: [{my.note: equal}, {exec.run: {shell: "echo deferred >> ${notes}"}}]}
          three: {do: [{my.note: equal}, {exec.run: {shell: "echo deferred >> ${notes}"}}]}
        each: {i: 1..30}
  - test: many deferred steps in a branch
    steps: [{parallel: [{do: [{my.note: branch}], each: {i: 1..260}}, {check: true}]}]
EOT
NOTES="$tmp/notes" TMPDIR="$tmp/temp" expect 3 "$RUNNER" -o left left.yaml
grep -q '"name":"first of".*"outcome":"passed"' left/events.jsonl || fail "the loser did not clean up at once"
deferred=$(grep -c deferred notes) equal=$(grep -c equal notes)
[ "$deferred" -ge 30 ] && [ "$equal" -ge "$deferred" ] || fail "$equal of $deferred deferred steps of equal branches were run"
[ "$(grep -c branch notes)" = 260 ] || fail "$(grep -c branch notes) of 260 deferred steps were run"
[ "$(grep -c teardown notes)" = 1 ] || fail "what a teardown deferred was not run"
[ -z "$(ls -A temp)" ] || fail "left in the temporary folder: $(ls -A temp)"

# roles: one that is left paused goes on, a manual one of a test is known to the test
cat > roles.yaml <<'EOT'
suite: roles
roles: {hub: {tcp-device.stack: {}}}
keywords: {begin: {steps: [{role.start: own}]}}
tests:
  - test: pauses
    steps: [{role.pause: hub}, {check: true}]
  - test: asks
    steps: [{http.get: "${hub.web}/", timeout: 10s, expect: {status: {$type: integer}}}]
  - test: begins its own
    roles: {own: {tcp-device.stack: {}, start: manual}}
    steps: [{my.begin: }, {check: "has(own, \"web\")"}]
  - test: has not begun its own yet
    roles:
      own: {tcp-device.stack: {}, start: manual}
      many: {tcp-device.stack: {}, start: manual, count: 2}
    steps:
      - check: not has(own, "web") and len(many) == 2
      - log: "${own.web}"
        fails: 'there is no field "web": the role own has not been started (role.start)'
      - log: "${many[2].web}"
        fails: the role many has not been started
      - role.start: own
      - log: "${own.web}"
      - role.stop: own
      - log: "${own.web}"
EOT
expect 0 "$RUNNER" -o roles roles.yaml
grep -q 'hub was still paused' roles/events.jsonl || fail "that the role was paused is not told"
# what cleans up by a step of a role that runs elsewhere takes no pass back
cat > elsewhere.yaml <<'EOT'
suite: elsewhere
roles: {hub: {tcp-device.stack: {}}}
after_each: [role.resume: hub]
tests: [{test: passes, steps: [check: true]}]
EOT
expect 0 "$RUNNER" --target hub.web=http://localhost:1 --target hub.device=localhost:1 -o elsewhere elsewhere.yaml
has out '1 passed, 0 failed, 0 skipped'
cat > early.yaml <<'EOT'
suite: early
roles: {early: {bad.early: , scope: run}}
tests: [{test: one, steps: [check: true]}, {test: two, steps: [check: true]}]
EOT
expect 3 "$RUNNER" -o early early.yaml
grep -q '<testcase name="one".*<error message="[^"]*the port is taken' early/junit.xml || fail "junit.xml has no error"

# a keeper that is killed, by a verb or by somebody: the test and the step that ran are told, the
# rest of its suite is not run, other suites are; nothing is left, whatever had escaped
marker=32$$
rm -rf temp && mkdir temp
cat > keeper.yaml <<EOT
suite: keeper
roles: {hub: {tcp-device.stack: {}}}
tests:
  - {test: before, steps: [check: true]}
  - test: kills its parent
    steps:
      - exec.run: {shell: "setsid sleep $marker > setsid.log 2>&1 &"}
      - bad.keeper:
      - check: true
  - {test: after, steps: [check: true]}
EOT
printf 'suite: other\ntests: [{test: other, steps: [{sleep: 300ms}, {check: true}]}]\n' > other.yaml
TMPDIR="$tmp/temp" expect 3 "$RUNNER" -j 2 -o keeper keeper.yaml other.yaml
has out 'keeper.yaml:8:9: bad.keeper: the keeper process (the parent of the suite'
grep -q '"name":"before".*"outcome":"passed"' keeper/events.jsonl || fail "what was before it is lost"
grep -q '"name":"kills its parent".*"outcome":"error"' keeper/events.jsonl || fail "the test is no error"
grep -q '"name":"after".*"outcome":"not_run".*"the keeper process' keeper/events.jsonl || fail "the rest is not told"
grep -q '"name":"other".*"outcome":"passed"' keeper/events.jsonl || fail "the other suite did not run"
nothing_left ()
{
  if pgrep -f "sleep $marker" > pids; then fail "still runs: $(cat pids)"; fi
  [ -z "$(ls -A temp)" ] || fail "left in the temporary folder: $(ls -A temp)"
}
nothing_left

cat > killed.yaml <<EOT
suite: killed
roles: {hub: {tcp-device.stack: {}}}
tests:
  - test: runs long
    steps: [{exec.run: {shell: "touch begun; setsid sleep $marker & sleep $marker"}, timeout: 100s}]
  - {test: after, steps: [check: true]}
EOT
TMPDIR="$tmp/temp" "$RUNNER" -o killed killed.yaml > out 2> err & pid=$!
wait_for "the test starts" exists begun
kill -KILL "$(pgrep -P "$pid")"
status=0
wait "$pid" || status=$?
[ "$status" = 3 ] || fail "after its keeper was killed, it ended with $status"
has out 'killed.yaml:5:14: exec.run: the keeper process (the parent of the suite'
grep -q '"name":"after".*"outcome":"not_run"' killed/events.jsonl || fail "the rest is not told"
nothing_left
