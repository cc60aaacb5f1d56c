#!/bin/sh
# load.sh - simulated users: what they do, how they are counted, what must hold, how they end.
. "${0%/*}/functions.sh"
requires_plugin exec
requires_python json

cat >look.py <<'EOT'
# look.py EXPRESSION: over the events of the run; `loads` of all tests in their order, `samples`.
import json, sys
events = [json.loads(line) for line in open("results/events.jsonl")]
samples = [e for e in events if e["event"] == "sample"]
loads = [l for e in events if e["event"] == "test" for l in e.get("loads", [])]
def series(load, name):
    return [s for s in load["series"] if s["name"] == name][0]
def complete(load):
    return all(sum(b["count"] for b in s.get("buckets", [])) == s.get("count", 0) for s in load["series"])
assert eval(sys.argv[1]), (loads, samples[-3:])
EOT
look ()
{
  "$PYTHON" look.py "$1" >out 2>err || fail "events: $1"
}

cat >counts.yaml <<'EOT'
suite: counts
keywords:
  twice:
    params: {n: {type: integer, primary: true}}
    steps: [{check: n >= 0, name: inner}, {set: {m: "${n * 2}"}}]
    returns: "${m}"
tests:
  - test: each user runs its times with variables of its own
    steps:
      - set: {outer: 7}
      - load:
          users: 5
          times: 40
          steps:
            - set: {i: "${user_number}"}
            - my.twice: "${user_number}"
              name: doubled
              save: {double: $}
            - check: [double == user_number * 2, outer == 7, i == user_number]
              name: "looked at ${i}"
        save: {whole: $}
      - check:
          - whole.iteration.count == 200 and whole.steps.doubled.count == 200 and whole.steps.inner.count == 200
          - whole.errors == 0 and whole.error_rate == 0 and whole.users >= 1 and whole.count == 0
          - not defined("i") and not defined("double")
          - seconds(whole.steps.doubled.max) >= seconds(whole.steps.doubled.p50) and whole.iteration.rate > 1
  - test: what begins in the warm-up does not count
    steps:
      - load: {users: 1, for: 2700ms, warmup: 700ms, steps: [{sleep: 10ms, name: nap}]}
        save: {n: $.iteration.count}
      - check: n >= 1 and n <= 201
  - test: failures end their iteration only
    steps:
      - load:
          users: 4
          times: 10
          steps:
            - {check: user_number ~= 2, name: not two}
            - {check: 1 == 1, name: then}
          require: {errors: 10, error_rate: 0.25, not two.errors: 10, then.errors: 0, then.count: 30, then.p99: {$lt: 10s}}
  - test: what a user defers runs after each iteration
    steps:
      - load:
          users: 3
          times: 2
          steps:
            - {set: {a: 1}}
            - defer: [{check: a == 1, name: cleaned}]
        expect: {steps: {cleaned: {count: 6, errors: 0}}}
  - test: a load in the background
    steps:
      - background: {as: l, do: [{load: {users: 2, times: 2, steps: [{sleep: 5ms}]}, save: {r: $.iteration.count}}]}
      - join: l
      - check: r == 4
  - test: users come one after the other
    steps:
      - load: {users: 10, spawn: 20/s, times: 1, steps: [{check: user_number < 10}]}
        expect: {iteration: {count: 10}}
  - test: what a user counts itself
    steps:
      - load:
          users: 2
          times: 3
          steps: [{set: {n: "${has('n') and n + 1 or 1}"}}, {check: n <= 3}, {check: n < 3, name: not yet}]
          require: {errors: 2, not yet.errors: 2}
  - test: users come and go
    steps:
      - load:
          stages: [{for: 200ms, users: 6}, {for: 3s, users: 6}, {for: 200ms, users: 0}, {for: 200ms, users: 4}]
          steps: [{sleep: 2ms}]
          require: {iteration.count: {$gt: 20}}
  - test: an open model has as many as are due
    steps:
      - load: {rate: 20/s, users: 40, for: 5s, steps: [{sleep: 1ms, name: nap}], require: {iteration.count: 100}}
      - load: {rate: 6000/m, times: 7, steps: [{check: 1 == 1}], require: {iteration.count: 7}}
  - test: what begins overdue makes the rate smaller
    steps:
      - load: {rate: 1000/s, times: 40, users: 2, steps: [{sleep: 10ms}], require: {iteration.rate: {$lt: 300}}}
  - test: what never began counts in the error rate
    steps:
      - load: {rate: 100/s, for: 3s, users: 1, steps: [{sleep: 4s}], require: {errors: 299, error_rate: {$near: {value: 0.99667, within: 0.00001}}}}
  - test: a load has a name that is computed
    steps:
      - set: {n: 3}
      - load: {users: "${n}", times: 1, steps: [{check: 1 == 1}]}
        name: "by ${n} users"
EOT
expect 0 "$RUNNER" -v -o results counts.yaml
has out '12 passed, 0 failed, 0 skipped'
# where no step is measured the live line has the iterations
grep -q '^load .*users come and go  [1-3] s .* users  [1-9][0-9.]*/s  p50 ' out || fail 'no rate of iterations'
look 'loads[12]["name"] == "by 3 users"'
look 'len(loads) == 13 and all(complete(l) for l in loads)'
look 'loads[0]["model"] == "closed" and series(loads[0], "iteration")["count"] == 200'
look 'series(loads[2], "not two")["failed"] == 10 and series(loads[2], "total")["failed"] == 10'
look 'loads[2]["errors"][0]["count"] == 10 and "counts.yaml:" in loads[2]["errors"][0]["where"]'
look '[t["outcome"] for t in loads[2]["thresholds"]] == ["passed"] * 6'
look '[t["limit"] for t in loads[2]["thresholds"]] == ["10", "0.25", "10", "0", "30", "< 10s"]'
look 'loads[8]["settings"] == [{"name": n, "value": v} for n, v in [("rate", "20/s"), ("users", "40"), ("for", "5s")]]'
look 'loads[7]["settings"][0]["value"].startswith("[{\"for\": \"200ms\", \"users\": 6}")'
look 'loads[7]["users"] == 6 and loads[8]["model"] == "open"'
look 'sum(series(s, "iteration").get("count", 0) for s in samples if s["test"] == 0) == 200'
look 'any(s.get("warmup") for s in samples if s["test"] == 1)'

# The end of a load belongs to its last second, and tells of the users that it had.
cat >seconds.yaml <<'EOT'
suite: seconds
tests:
  - test: up and down
    steps: [{load: {stages: [{for: 1s, users: 4}, {for: 1s, users: 0}], steps: [{sleep: 10ms}]}}]
  - test: cancelled
    steps:
      - first_of:
          loaded: {load: {users: 2, for: 4m, steps: [{sleep: 10ms}, {exec.run: touch begun}]}}
          quick: {exec.run: test -e begun, retry: {for: 1m, every: 1ms}}
        expect: {which: quick}
  - test: by times
    steps: [{load: {users: 3, times: 2, steps: [{sleep: 1ms}]}}]
  - test: due
    steps: [{load: {rate: 20/s, users: 3, for: 2s, steps: [{sleep: 3s}], require: {error_rate: {$le: 1}}}}]
EOT
expect 0 "$RUNNER" -o results seconds.yaml
# less than half a second is told alone only behind a second that was told too late
look 'all(s["span_us"] >= 500000 or s["at_us"] > 2500000 or before["span_us"] >= 1500000 for before, s in zip(samples, samples[1:]) if s["test"] == 0)'
look '[s.get("users", 0) for s in samples if s["test"] == 0][-1] == 0'
look '[s.get("users", 0) for s in samples if s["test"] == 1][-1] == 2'
look '[s.get("users", 0) for s in samples if s["test"] == 2][-1] == 3'
look '[s.get("users", 0) for s in samples if s["test"] == 3][-1] == 3'
grep -q 'load: 2 users, .*: cancelled after ' results/report/suite-0-seconds.html || fail 'the page tells of a cancelled load as of another'

cat >failing.yaml <<'EOT'
suite: failing
tests:
  - test: errors fail it where nothing else is said
    steps:
      - load: {users: 2, times: 3, steps: [{log: "user ${user_number}"}, {fail: "not ${user_number}"}]}
  - test: what does not hold is told
    steps:
      - load:
          users: 2
          times: 5
          steps: [{sleep: 5ms, name: nap}]
          require:
            nap.p50: {$lt: 1ms}
            nap.count: {$gt: 1000}
            nap.max: {$gt: 1ms}
  - test: where nothing is measured there is no percentile
    steps:
      - load: {users: 1, times: 1, steps: [{set: {a: 1}}], require: {p95: {$lt: 1s}}}
  - test: it must fit into the test
    timeout: 10s
    steps:
      - set: {time: 1m}
      - load: {users: 1, for: "${time}", steps: [{sleep: 1ms}]}
  - test: the test's time is over
    timeout: 3s
    steps:
      - load: {users: 2, times: 100000000, steps: [{sleep: 10ms}]}
  - test: what hangs is cancelled after the grace time
    steps:
      - load: {users: 3, for: 2s, grace: 100ms, steps: [{sleep: 1h}]}
  - test: what is cancelled cleans up
    steps:
      - load: {users: 1, for: 2s, grace: 0s, steps: [{defer: [{log: was cleaned up}]}, {sleep: 1h}]}
  - test: all users are busy
    steps:
      - load: {rate: 100/s, users: 1, for: 300ms, grace: 0s, steps: [{sleep: 50ms}]}
  - test: nothing passes by doing nothing
    steps:
      - load: {users: 1, times: 1, for: 1m, warmup: 30s, steps: [{sleep: 1ms}]}
  - test: numbers that are computed
    steps:
      - set: {n: 0}
      - load: {users: "${n}", times: 1, steps: [{check: 1 == 1}]}
EOT
expect 3 "$RUNNER" -o results failing.yaml
has out 'failing.yaml:5:9: load: errors: expected 0, got 6'
has out '6  failing.yaml:5:75: fail: not '
has out 'no iteration was counted'
has out 'was cleaned up'
has out 'user '
has out 'failing.yaml:13:13: load: nap.p50: expected less than 1 ms, got '
has out 'failing.yaml:14:13: nap.count: expected more than 1000, got 10'
lacks out 'nap.max: '
has out 'load: p95: nothing was measured'
has out 'the load is to last 1 m 00 s, but the test has only '
has out "load: the test's time was over"
has out 'sleep: cancelled while sleeping'
has out 'iterations were due and did not begin: all 1 users were busy'
has out 'failing.yaml:43:23: load: users: '
has out '0 passed, 10 failed, 0 skipped'
look 'loads[1]["thresholds"][1]["outcome"] == "failed" and loads[1]["thresholds"][3]["name"] == "nap.max"'

# What can be known before a run is told before it.
cat >wrong.yaml <<'EOT'
suite: wrong
tests:
  - test: t
    steps:
      - load: {users: 1, steps: [{check: 1 == 1}]}
      - load: {users: 1, times: 1, steps: []}
      - load: {users: 1, times: 1, steps: [{check: 1 == 1}], require: {p95s: 1s}}
      - load: {users: 1, times: 1, steps: [{load: {users: 1, times: 1, steps: [{check: 1 == 1}]}}]}
      - load: {users: 1, times: 1, steps: [{background: {as: x, do: [{check: 1 == 1}]}}]}
      - load: {user: 1, times: 1, steps: [{check: 1 == 1}]}
      - load: {users: many, times: 1, steps: [{check: 1 == 1}]}
      - background: {as: x}
      - join: [x]
EOT
expect 2 "$RUNNER" check wrong.yaml
for place in 5:15 6:43 7:72 8:45 9:45 10:16 11:23 12:9 13:15; do
  has err "wrong.yaml:$place: "
done
cat >names.yaml <<'EOT'
suite: names
tests:
  - test: t
    steps:
      - load: {users: 1, times: 1, steps: [{check: 1 == 1, name: looked}], require: {loked.p95: {$lt: 1s}}}
      - load: {users: 1, times: 1, steps: [{set: {inside: 1}}]}
      - check: inside == 1
EOT
expect 2 "$RUNNER" check names.yaml
has err 'names.yaml:5:86: require: no step is called "loked"; measured are total, iteration, looked'
has err 'names.yaml:7:16: '

# A load in a keyword that a load calls is known when it runs.
cat >nested.yaml <<'EOT'
suite: nested
keywords:
  k: {steps: [{load: {users: 1, times: 1, steps: [{check: 1 == 1}]}}]}
tests:
  - test: t
    steps:
      - load: {users: 1, times: 1, steps: [{my.k: {}}]}
EOT
expect 1 "$RUNNER" -o results nested.yaml
has out 'a load inside of a load'

# Interrupted: the users end, the reports are there.
cat >long.yaml <<'EOT'
suite: long
tests:
  - test: t
    timeout: 10m
    steps: [{load: {users: 50, for: 5m, steps: [{sleep: 1m}]}}]
EOT
rm -rf results
"$RUNNER" -o results long.yaml >out 2>err &
pid=$!
cleanup "kill -9 $pid 2>/dev/null"
wait_for "a sample comes" grep -qs '"event":"sample"' results/events.jsonl
kill -INT $pid
got=0
wait $pid || got=$?
[ "$got" = 130 ] || fail "interrupted, it ended with $got"
xmllint --noout results/junit.xml
has results/junit.xml 'interrupted'
