#!/bin/sh
# load-verdicts.sh - what the reports say of a load, of its thresholds and of its suite.
. "${0%/*}/functions.sh"
requires_python json xml

cat >look.py <<'EOT'
# look.py EXPRESSION: over the events and junit.xml of the run in results/.
import json, sys
import xml.etree.ElementTree as ET
events = [json.loads(line) for line in open("results/events.jsonl")]
junit = ET.parse("results/junit.xml").getroot()
cases = {c.get("name"): c for c in junit.iter("testcase")}
bad = sorted(name for name, c in cases.items() if c.find("failure") is not None or c.find("error") is not None)
tests = {e["name"]: e for e in events if e["event"] == "test" and e["final"]}
ends = [e for e in events if e["event"] == "suite_end"]
loads = {name: e.get("loads", []) for name, e in tests.items()}
def load(name):
    assert len(loads[name]) == 1, loads[name]
    return loads[name][0]
def series(load, name):
    return [s for s in load["series"] if s["name"] == name][0]
def threshold(load, name):
    return [t for t in load["thresholds"] if t["name"] == name][0]
assert eval(sys.argv[1]), (bad, sorted(cases), ends, loads)
EOT
look ()
{
  "$PYTHON" look.py "$1" >out 2>err || fail "not so: $1"
}

# ---- what the runner itself cancels has not failed ----
cat >losers.yaml <<'EOT'
suite: losers
tests:
  - test: of first_of
    steps:
      - load:
          users: 1
          times: 3
          steps:
            - first_of:
                lose: {sleep: 1h, name: lose}
                win: {sleep: 1ms, name: win}
              name: race
          require: {lose.count: 0, race.errors: 0, race.count: 3, win.count: 3}
  - test: of parallel
    steps:
      - load:
          users: 1
          times: 3
          steps: [{parallel: [{sleep: 1h, name: other}, {fail: really, name: one}]}]
          require: {other.count: 0, one.errors: 3, errors: 3}
  - test: what is cut has failed
    steps:
      - load: {users: 1, for: 50ms, grace: 0s, steps: [{parallel: [{sleep: 1h, name: long}]}], require: {long.errors: 1, errors: 1}}
EOT
expect 0 "$RUNNER" -o results losers.yaml
look 'bad == []'

cat >interrupted.yaml <<'EOT'
suite: interrupted
tests:
  - test: t
    timeout: 10m
    steps:
      - load: {users: 11, for: 5m, steps: [{exec.run: "echo x >>begun; exec sleep 60", name: long}]}
EOT
rm -rf results
"$RUNNER" -o results interrupted.yaml >out 2>err &
pid=$!
cleanup "kill -9 $pid 2>/dev/null"
all_begun () { [ -e begun ] && [ "$(wc -l <begun)" = 11 ]; }
wait_for "all users are at work" all_begun
kill -INT $pid
got=0
wait $pid || got=$?
[ "$got" = 130 ] || fail "interrupted, it ended with $got"
look '"errors" not in load("t") and all(s.get("failed", 0) == 0 for s in load("t")["series"])'
look 'tests["t"]["outcome"] == "not_run"'
lacks out 'what failed'
