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

# ---- the suite's end: the worst of its tests, from its first begin to its last end ----
cat >ends.yaml <<'EOT'
suite: ends
tests:
  - test: fails
    steps: [{check: 1 == 2}]
  - test: takes a while
    steps: [{sleep: 700ms}, {check: 1 == 1}]
  - test: ends its worker
    steps: [{exec.run: "kill -9 $PPID"}]
  - test: passes
    steps: [{check: 1 == 1}]
EOT
expect 3 "$RUNNER" -o results ends.yaml
look 'len(ends) == 1 and ends[0]["outcome"] == "error"'
look 'ends[0]["duration_us"] >= 700000'
look 'ends[0]["start_us"] <= min(t["start_us"] for t in tests.values())'
look 'float(junit.find("testsuite").get("time")) >= 0.7'
look 'junit.find("testsuite").get("timestamp") <= min(c.get("timestamp") for c in cases.values())'

# ---- only the last attempt counts, and nothing of a step that passed has failed ----
cat >attempts.yaml <<'EOT'
suite: attempts
vars: {folder: .}
tests:
  - test: expected to fail
    steps:
      - load: {users: 2, times: 2, steps: [{check: 1 == 2}]}
        fails: {message: {$contains: errors}}
  - test: in a group
    steps:
      - parallel:
          - do: [{load: {users: 1, times: 1, steps: [{check: 1 == 2}]}}]
        fails: true
  - test: retried
    steps:
      - set: {n: 0}
      - load:
          users: 1
          times: 1
          steps: [{exec.run: "echo x >>tries; test $(wc -l <tries) -ge 3", name: third}]
          require: {errors: 0, third.count: 1}
        retry: {for: 60s, every: 1ms}
  - test: tried again
    retries: 1
    steps:
      - load: {users: 1, times: 1, steps: [{exec.run: "test -e again || ! touch again"}]}
  - test: fails
    steps:
      - load: {users: 1, times: 1, steps: [{exec.run: echo x >>twice}, {check: 1 == 2}]}
        retry: {for: 60s, every: 1ms, stop_if: {$expr: "len(read('twice')) == 4"}}
  - test: cut
    steps:
      - load:
          users: 1
          times: 1
          steps: [{exec.run: "test -e first || ! touch first"}, {sleep: 100s, name: second, timeout: 100s}]
          require: {errors: 0, second.p95: {$lt: 1s}}
        retry: {for: 8s, every: 1ms}
EOT
expect 1 "$RUNNER" -o results attempts.yaml
look 'bad == ["cut", "fails", "fails: errors"]'
look '[cases[n].find("skipped").get("message") for n in ("cut: errors", "cut: second.p95")] == 2 * ["not judged: the load was cut off"]'
look 'junit.get("skipped") == "2"'
look 'threshold(load("cut"), "errors")["outcome"] == "not_run"'
lacks out 'not judged'
look 'all(len(l) == 1 for l in loads.values())'
look '[n for n in cases if n.startswith("retried")] == ["retried", "retried: errors", "retried: third.count"]'
look '[n for n in cases if n.startswith("tried again")] == ["tried again", "tried again: errors"]'
look 'len([n for n in cases if n.startswith("fails:")]) == 1'
look '"as `fails` wants it: expected 0, got 4" in cases["expected to fail: errors"].findtext("system-out")'
look 'threshold(load("in a group"), "errors")["outcome"] == "passed"'
look 'junit.get("failures") == "3"'

# ---- nothing passes without having done something ----
cat >nothing.yaml <<'EOT'
suite: nothing
tests:
  - test: all skipped
    steps: [{load: {users: 2, times: 3, steps: [{skip: because}]}}]
  - test: no condition holds
    steps:
      - load: {users: 2, times: 3, steps: [{do: [{check: 1 == 1, if: 1 == 2}]}]}
  - test: never ran
    steps:
      - load:
          users: 1
          times: 1
          steps: [{check: 1 == 1, name: never, if: 1 == 2}, {check: 1 == 1, name: ran}]
          require: {never.errors: 0, never.count: 0, ran.errors: 0}
  - test: all in the warm-up
    steps: [{load: {users: 1, times: 5, warmup: 4m, steps: [{check: 1 == 1}]}}]
  - test: some are skipped
    steps:
      - load: {users: 2, times: 3, steps: [{skip: because, if: user_number == 0}, {check: 1 == 1}]}
EOT
expect 3 "$RUNNER" -o results nothing.yaml
look 'bad == ["all in the warm-up", "all in the warm-up: errors", "all skipped", "all skipped: errors", "never ran", "never ran: never.errors", "no condition holds", "no condition holds: errors"]'
look '"all steps were skipped: because" in tests["all skipped"]["message"]'
look '"all steps were skipped" in tests["no condition holds"]["message"]'
look 'tests["all in the warm-up"]["message"] == "no iteration was counted: all began during the warm-up"'
look 'tests["never ran"]["message"].endswith("never.errors: the step never ran")'
look 'series(load("some are skipped"), "iteration")["count"] == 3'

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
          require: {lose.count: 0, lose.errors: 0, race.errors: 0, race.count: 3, win.count: 3}
  - test: of parallel
    steps:
      - load:
          users: 1
          times: 3
          steps: [{parallel: [{sleep: 1h, name: other}, {fail: really, name: one}]}]
          require: {other.count: 0, one.errors: 3, errors: 3}
  - test: what is cut has failed
    steps:
      - load: {users: 1, for: 2s, grace: 0s, steps: [{parallel: [{sleep: 1h, name: long}]}], require: {long.errors: 1, errors: 1}}
EOT
expect 0 "$RUNNER" -o results losers.yaml
look 'bad == []'

# where all branches of first_of fail, each is told
cat >all-fail.yaml <<'EOT'
suite: all fail
tests:
  - test: t
    steps:
      - load:
          users: 1
          times: 1
          steps:
            - first_of:
                a: {fail: nobody is there}
                b: {fail: nothing is left}
          require: {errors: 1}
EOT
expect 0 "$RUNNER" -o results all-fail.yaml
look 'len(load("t")["errors"]) == 1'
look 'all(text in load("t")["errors"][0]["message"] for text in ("nobody is there", "nothing is left", "; then, at all-fail.yaml:1"))'

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

# ---- what ends after the grace time has failed, however it ends ----
plugins=$top_builddir/tests/cli/.libs
[ -e "$plugins/runner-bad-plugin.so" ] || fail "there is no plugin in $plugins: it is built by make check"
cat >late.yaml <<'EOT'
suite: late
tests:
  - test: t
    steps:
      - load: {users: 1, for: 3s, grace: 100ms, steps: [{bad.deaf: 5s}], require: {bad.deaf.errors: 0}}
EOT
expect 1 "$RUNNER" --plugin-path "$plugins" -o results late.yaml
look 'series(load("t"), "bad.deaf")["failed"] == 1 and series(load("t"), "total")["failed"] == 1'
look 'load("t")["errors"][0]["where"] == "late.yaml:5:58" and "when the grace time was over" in load("t")["errors"][0]["message"]'
look 'bad == ["t", "t: bad.deaf.errors", "t: errors"]'

# ---- how many users there were, and in which time ----
cat >numbers.yaml <<'EOT'
suite: numbers
tests:
  - test: quick
    steps: [{load: {users: 50, times: 2, steps: [{check: 1 == 1}]}, save: {n: $.users}}, {check: n == 50}]
  - test: stages
    steps: [{load: {stages: [{for: 100ms, users: 3}, {for: 2s, users: 3}, {for: 100ms, users: 0}], steps: [{sleep: 1ms}]}}]
  - test: open
    steps: [{load: {rate: 600/m, for: 3s, warmup: 1s, steps: [{sleep: 1ms, name: nap}], require: {nap.rate: 10, iteration.rate: 10}}}]
  - test: so many of them
    steps: [{load: {rate: 10/s, times: 30, steps: [{check: 1 == 1, name: looked}], require: {looked.rate: {$near: {value: 10, within: 0.01}}}}}]
  - test: one that is late
    steps: [{load: {users: 4, for: 2s, warmup: 500ms, steps: [{sleep: 5ms}, {exec.run: sleep 3, if: user_number == 0}]}}]
  - test: stages and one that is late
    steps: [{load: {stages: [{for: 0s, users: 2}, {for: 2s, users: 2}], steps: [{sleep: 3s}]}}]
  - test: times before the time is over
    steps: [{load: {users: 1, times: 1, for: 1m, steps: [{sleep: 1ms}]}}]
  - test: times alone
    steps: [{load: {users: 2, times: 1, steps: [{sleep: 500ms}]}}]
EOT
expect 0 "$RUNNER" -v -o results numbers.yaml
has out "load: 50 users, "
look '[p.get("value") for p in cases["quick"].iter("property") if p.get("name") == "load.users"] == ["50"]'
look 'load("stages")["users"] == 3'
look 'load("one that is late")["window_us"] == 1500000 and load("one that is late")["duration_us"] >= 3000000'
look 'load("stages and one that is late")["window_us"] == 2000000 and load("stages and one that is late")["rate"] == 1'
look 'load("times before the time is over")["window_us"] == load("times before the time is over")["duration_us"] < 60000000'
look 'load("times alone")["window_us"] == load("times alone")["duration_us"] >= 500000'
look 'load("open")["rate"] == 10 and load("open")["window_us"] == 2000000 and load("open")["duration_us"] >= 3000000'

# ---- a load in the background ends with its test, and is judged ----
cat >beside.yaml <<'EOT'
suite: beside
tests:
  - test: is judged
    steps:
      - background: {as: b, do: [{load: {users: 2, for: 60s, steps: [{sleep: 1ms, name: nap}, {exec.run: touch begun0}], require: {nap.max: {$lt: 1ns}}}}]}
      - exec.run: test -e begun0
        retry: {for: 60s, every: 5ms}
      - check: 1 == 1
  - test: passes
    steps:
      - background: {as: b, do: [{load: {users: 2, times: 100000000, think: 20s, steps: [{sleep: 1ms, name: nap}, {exec.run: touch begun1}]}}, {fail: afterwards}]}
      - exec.run: test -e begun1
        retry: {for: 60s, every: 5ms}
      - check: 1 == 1
  - test: open
    steps:
      - background: {as: b, do: [{parallel: [{sleep: 1h}, {load: {rate: 1/s, for: 60s, steps: [{sleep: 1ms, name: nap}, {exec.run: touch begun2}], require: {nap.count: 0}}}]}]}
      - exec.run: test -e begun2
        retry: {for: 60s, every: 5ms}
      - check: 1 == 1
  - test: before it cleans up
    steps:
      - exec.run: touch there
      - defer: [{exec.run: rm there}]
      - background: {as: b, do: [{load: {users: 1, for: 60s, steps: [{exec.run: test -e there, name: looked}, {exec.run: touch begun3}]}}]}
      - exec.run: test -e begun3
        retry: {for: 60s, every: 5ms}
      - check: 1 == 1
  - test: in a branch
    steps:
      - background:
          as: outer
          do:
            - background: {as: inner, do: [{load: {users: 1, for: 60s, steps: [{sleep: 1ms, name: nap}, {exec.run: touch begun4}]}}]}
            - sleep: 1h
      - exec.run: test -e begun4
        retry: {for: 60s, every: 5ms}
      - check: 1 == 1
  - test: after its grace
    steps:
      - background: {as: b, do: [{load: {users: 1, for: 60s, grace: 100ms, steps: [{exec.run: touch begun5}, {sleep: 1h, name: nap}]}}]}
      - exec.run: test -e begun5
        retry: {for: 60s, every: 5ms}
      - check: 1 == 1
  - test: had ended before
    steps:
      - background: {as: b, do: [{load: {users: 1, times: 1, steps: [{exec.run: touch ended}]}}]}
      - exec.run: test -e ended
        retry: {for: 60s, every: 5ms}
EOT
expect 1 "$RUNNER" -o results beside.yaml
look 'bad == ["after its grace", "after its grace: errors", "is judged", "is judged: nap.max", "open", "open: nap.count"]'
look 'all(len(l) == 1 for l in loads.values())'
look 'load("is judged")["duration_us"] < 30000000 and series(load("is judged"), "nap")["count"] >= 1'
look '[e["count"] for e in load("after its grace")["errors"]] == [1] and tests["after its grace"]["where"].endswith(":35")'
look 'load("passes")["users"] == 2'

# ---- whose time was over ----
cat >time.yaml <<'EOT'
suite: time
tests:
  - test: the step's
    steps: [{load: {users: 1, times: 100000000, steps: [{sleep: 1ms}]}, timeout: 300ms}]
  - test: the step is too short
    steps: [{set: {t: 10s}}, {load: {users: 1, for: "${t}", steps: [{sleep: 1ms}]}, timeout: 300ms}]
  - test: a group's
    steps: [{do: [{set: {a: 1}, each: {i: 1..1000000}}], timeout: 10ms}]
  - test: the step's, in the grace time
    steps:
      - load:
          users: 3
          for: 2s
          grace: 1h
          steps: [{sleep: 1ms, name: nap}, {sleep: 1h, name: hang, if: user_number == 0}]
          require: {error_rate: {$le: 1}}
        timeout: 4s
  - test: the test's, in the grace time
    timeout: 4s
    steps: [{load: {rate: 3/s, for: 2s, grace: 1h, steps: [{exec.run: sleep 1000, name: hang}], require: {error_rate: {$le: 1}}}}]
  - test: a group's, in the grace time
    steps: [{do: [{load: {users: 1, for: 2s, grace: 1h, steps: [{sleep: 1h}], require: {error_rate: {$le: 1}}}}], timeout: 4s}]
  - test: the grace time is over first
    steps: [{load: {users: 1, for: 2s, grace: 100ms, steps: [{sleep: 1h}], require: {error_rate: {$le: 1}}}, timeout: 20s}]
EOT
expect 3 "$RUNNER" -o results time.yaml
look '"the step'"'"'s time was over" in tests["the step'"'"'s"]["message"]'
look '", but the step has only " in tests["the step is too short"]["message"]'
look '"the time of the group was over before this step" in tests["a group'"'"'s"]["message"]'
look 'tests["the step'"'"'s, in the grace time"]["message"] == "the step'"'"'s time was over before its users had ended"'
look 'tests["the test'"'"'s, in the grace time"]["message"] == "the test'"'"'s time was over before its users had ended"'
look 'tests["a group'"'"'s, in the grace time"]["message"] == "the time of the group around it was over before its users had ended"'
look 'all(tests[t + ", in the grace time"]["outcome"] == "failed" for t in ("the step'"'"'s", "the test'"'"'s", "a group'"'"'s"))'
look 'series(load("the step'"'"'s, in the grace time"), "nap")["count"] >= 3 and threshold(load("the step'"'"'s, in the grace time"), "error_rate")["outcome"] == "not_run"'
look 'tests["the grace time is over first"]["outcome"] == "passed"'

# ---- what can be known of thresholds and times before a run is told before it ----
cat >wrong.yaml <<'EOT'
suite: wrong
tests:
  - test: thresholds
    steps:
      - load:
          users: 1
          times: 1
          steps: [{check: 1 == 1}]
          require:
            p200: {$lt: 5ms}
            errors: abc
            p95: 50ms
            p99: {$lt: 5}
            rate: {$gt: 5/s}
            error_rate: {$lt: 5}
            max: {lt: 5ms}
            count: {$lt: 5ms}
            mean: {$not: {$gt: 1}}
            min: {$gt: 1ms, $lt: 5s}
  - test: too long
    steps: [{do: [{load: {users: 1, for: 10m, steps: [{check: 1 == 1}]}}]}]
  - test: too long for its step
    steps: [{load: {stages: [{for: 1s, users: 1}], steps: [{check: 1 == 1}]}, timeout: 300ms}]
EOT
expect 2 "$RUNNER" check wrong.yaml
for place in 10:13 11:21 12:18 13:24 14:25 15:31 16:19 17:26 18:32 21:42 23:14; do
  has err "wrong.yaml:$place: "
done
lacks err wrong.yaml:19:
has err 'p95: it would have to be exactly 50ms: write {$lt: 50ms}'
has err 'the load is to last 10 m 00 s, but the test has only 5 m 00 s'
has err 'the load is to last 1.00 s, but the step has only 300 ms'

# only what can limit a number or a time
cat >matchers.yaml <<'EOT'
suite: matchers
tests:
  - test: none of these
    steps:
      - load:
          users: 1
          times: 1
          steps: [{sleep: 1ms, name: nap}]
          require:
            errors: {$matches: x}
            max: {$type: string}
            mean: {$not: {$length: 1}}
            count: {$one_of: [1, a]}
            min: {$near: {value: 10, within: 1}}
            p95: {$equals: 5ms}
            rate: {$gt: 1, $absent: true}
EOT
expect 2 "$RUNNER" check matchers.yaml
for place in 10:22 11:19 12:27 13:34 14:19 15:28 16:28; do
  has err "matchers.yaml:$place: require: "
done
[ "$(grep -c '^matchers.yaml' err)" = 7 ] || fail "more than that is told"
cat >limits.yaml <<'EOT'
suite: limits
tests:
  - test: all of these
    steps:
      - load:
          users: 1
          times: 1
          steps: [{sleep: 1ms, name: nap}]
          require:
            errors: {$one_of: [0, 1]}
            error_rate: {$near: {value: 0, within: 0.1}}
            nap.count: {$equals: 1}
            nap.errors: {$not: 1}
            nap.p95: {$expr: seconds(value) > 0}
            nap.max: {$any: true}
            iteration.count: {$exact: 1}
EOT
expect 0 "$RUNNER" -o results limits.yaml

cat >names.yaml <<'EOT'
suite: names
keywords:
  called: {steps: [{check: 1 == 1, name: total}]}
tests:
  - test: own
    steps:
      - load: {users: 1, times: 1, steps: [{check: 1 == 1, name: iteration}]}
  - test: in a keyword
    steps:
      - load: {users: 1, times: 1, steps: [my.called: ]}
  - test: not in a load
    steps: [{check: 1 == 1, name: total}]
EOT
expect 2 "$RUNNER" check names.yaml
has err 'names.yaml:3:42: name: no step of a load can be called "total"'
has err 'names.yaml:7:66: name: no step of a load can be called "iteration"'
lacks err names.yaml:12:

# the same of loads in keywords: told where the keyword is called; what depends on a condition is seen when it runs
cat >calls.yaml <<'EOT'
suite: calls
keywords:
  crowd: {steps: [{do: [{load: {users: 1, for: 10m, steps: [{check: 1 == 1}]}}]}]}
  round: {steps: [my.crowd: , my.round: ]}
  short: {steps: [{my.crowd: , timeout: 1m}]}
  may: {params: {long: {default: false}}, steps: [{my.crowd: , if: long}]}
tests:
  - {test: by another, steps: [my.round: ]}
  - {test: for its step, steps: [{my.crowd: , timeout: 20s}], timeout: 1h}
  - {test: told there, steps: [my.short: ]}
  - {test: perhaps, steps: [my.may: ]}
  - {test: time enough, steps: [my.round: ], timeout: 11m}
EOT
expect 2 "$RUNNER" check calls.yaml
has err 'calls.yaml:8:32: my.round: calls.yaml:3:26: the load is to last 10 m 00 s, but the test has only 5 m 00 s'
has err 'calls.yaml:9:35: my.crowd: calls.yaml:3:26: the load is to last 10 m 00 s, but the step has only 20.0 s'
has err 'calls.yaml:5:20: my.crowd: calls.yaml:3:26: the load is to last 10 m 00 s, but the step has only 1 m 00 s'
[ "$(grep -c '^calls.yaml' err)" = 3 ] || fail "it is told of others too"

# ---- what is known of them only when the load runs is told before anything of it runs ----
cat >early.yaml <<'EOT'
suite: early
vars: {limit: abc, share: 5, name: nobody, t: 0s}
tests:
  - test: limit
    steps:
      - load:
          users: 1
          times: 1
          steps: [{exec.run: touch ran1, name: work}]
          require: {work.p95: {$lt: "${limit}"}}
  - test: value
    steps: [{load: {users: 1, times: 1, steps: [{exec.run: touch ran2}], require: {error_rate: "${share}"}}}]
  - test: name
    steps: [{load: {users: 1, times: 1, steps: [{exec.run: touch ran3}], require: {"${name}.p95": {$lt: 5s}}}}]
  - test: no time
    steps: [{load: {users: 1, for: "${t}", steps: [{exec.run: touch ran4}]}}]
EOT
expect 3 "$RUNNER" -o results early.yaml
look 'tests["limit"]["message"].startswith("require: work.p95: expected a limit")'
look 'tests["limit"]["where"] == "early.yaml:10:37" and tests["limit"]["verb"] == "load"'
look 'tests["value"]["message"].startswith("require: error_rate: expected a number from 0 to 1")'
look 'tests["name"]["message"].startswith("require: no step is called \"nobody\"")'
look 'tests["no time"]["message"] == "it lasts no time"'
look 'all(t["outcome"] == "error" for t in tests.values())'
[ ! -e ran1 ] && [ ! -e ran2 ] && [ ! -e ran3 ] && [ ! -e ran4 ] || fail "the load ran"
cat >none.yaml <<'EOT'
suite: none
tests: [{test: t, steps: [{load: {users: 1, for: 0s, steps: [{sleep: 1s}]}}]}]
EOT
expect 2 "$RUNNER" check none.yaml
has err 'none.yaml:2:34: load: it lasts no time'

# ---- a threshold says what was required and what was measured, in the same words everywhere ----
cat >words.yaml <<'EOT'
suite: words
tests:
  - test: t
    steps:
      - load:
          users: 3
          times: 17
          steps: [{check: user_number ~= 2, name: two}, {sleep: 1ms, name: nap}]
          require:
            errors: 17
            two.error_rate: {$lt: 0.5, $ge: 0}
            nap.p95: {$lt: 10s, $gt: 999us}
            nap.max: {$not: {$lt: 1us}}
  - test: fails
    steps:
      - load:
          users: 3
          times: 17
          steps: [{check: user_number ~= 2, name: two}, {sleep: 1ms, name: nap}]
          require: {two.error_rate: {$lt: 0.02}, nap.p95: {$lt: 1500ns}, nap.rate: {$lt: 0.5}, nap.count: 1, two.max: {$gt: 90s}}
EOT
expect 1 "$RUNNER" -o results words.yaml
cat >said.py <<'EOT'
import re
from look import cases, threshold, load
def said(name):
    return cases[name].findtext("system-out") or cases[name].find("failure").get("message")
for name, pattern in [
    ("t: errors", r"errors: 17, required: 17"),
    ("t: two.error_rate", r"two\.error_rate: 0\.3333, required: less than 0\.5 and at least 0"),
    ("t: nap.p95", r"nap\.p95: [0-9.]+ m?s, required: less than 10 s and more than 999 µs"),
    ("t: nap.max", r"nap\.max: [0-9.]+ m?s, required: .*"),
    ("fails: two.error_rate", r"expected less than 0\.02, got 0\.3333"),
    ("fails: nap.p95", r"expected less than 1500 ns, got [0-9.]+ m?s"),
    ("fails: nap.rate", r"expected less than 0\.5, got [0-9.]{1,6}"),
    ("fails: nap.count", r"expected 1, got 34"),
    ("fails: two.max", r"expected more than 90 s, got [0-9.]+ (µs|ms)"),
]:
    assert re.fullmatch(pattern, said(name)), (name, said(name))
assert threshold(load("t"), "two.error_rate")["limit"] == "< 0.5 and ≥ 0"
EOT
"$PYTHON" said.py True >out 2>err || fail "the words are others"
