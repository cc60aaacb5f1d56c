#!/bin/sh
# load-robust.sh - loads beside other things, and users that do what nobody should: the runner goes on, and tells which
# step of which test it was.
. "${0%/*}/functions.sh"
requires_plugin tcp tcp-device exec
requires_python json
plugins=$top_builddir/tests/cli/.libs
[ -e "$plugins/runner-bad-plugin.so" ] || fail "there is no plugin in $plugins: it is built by make check"

# as deep as users may nest, and what needs most of a stack there
"$PYTHON" - >deep.yaml <<'EOT2'
verbs = {
    "tcp.receive": ("[{tcp.listen: {}, save: {a: $.address}}, {tcp.connect: '${a}'}, {tcp.accept: s},"
                    " {tcp.send: {conn: s, text: x}}]", "{tcp.receive: x}"),
    "tcp-device": ("[{tcp.listen: {}, save: {a: $.address}}, {tcp-device.connect: {to: '${a}', id: 1}},"
                   " {tcp.accept: s}, {tcp.send: {conn: s, text: '@1,x@'}}]", "{tcp-device.receive: x}"),
    "exec.run": ("[]", "{exec.run: head -c 200000 /dev/zero, check: len(result.stdout) == 200000}"),
    "exec.receive": ("[{exec.start: head -c 200000 /dev/zero}]", "{exec.wait: {closed: true}}"),
    "regex": ("[]", "{check: 'matches(string.rep(\"ab\", 5000), \"^(a|b|ab)*$\")'}"),
    "functions": ("[]", "{check: '(function() local function f(s) return (string.gsub(s, \".\", f)) end return f(\"x\")"
                  " end)()', fails: nested too deeply}"),
    "values": ("[]", "{check: 'len(from_json(string.rep(\"[\", 60) .. string.rep(\"]\", 60))) == 1'}"),
    "parentheses": ("[]", "{check: '" + "(" * 150 + "true" + ")" * 150 + "'}"),
}
print("suite: deep\nkeywords:")
for n, (before, last) in enumerate(verbs.values()):
    for i in range(20):
        print(f"  k{n}_{i}: {{steps: [{f'{{my.k{n}_{i + 1}: {{}}}}' if i < 19 else last}]}}")
print("tests:")
for n, (name, (before, last)) in enumerate(verbs.items()):
    print(f"  - test: {name}\n    steps: [{{load: {{users: 3, times: 2, steps: [{{do: {before}}}, {{do: [{{my.k{n}_0: {{}}}}]}}]}}}}]"
          .replace("{do: []}, ", ""))
EOT2
expect 0 "$RUNNER" -o results deep.yaml
has out '8 passed, 0 failed, 0 skipped'

cat >beside.yaml <<'EOT2'
suite: beside
tests:
  - test: many users
    timeout: 2m
    steps:
      - tcp.listen: {as: door}
        save: {address: $.address}
      - background: {as: users, do: [{load: {users: 2000, times: 1, grace: 0s, require: {errors: 2000}, steps: [{tcp.connect: "${address}"}, {sleep: 1h, timeout: 2h}]}}]}
      - tcp.accept: {conn: door, as: "c${i % 10}"}
        each: {i: 1..2000}
        timeout: 1m
  - test: a role is killed and started again
    roles: {hub: {tcp-device.stack: {host: 127.8.0.5}}} # where nobody else takes its ports while it is away
    steps:
      - tcp.listen: {as: bell}
        save: {bell: $.address}
      - background:
          as: users
          do:
            - load:
                users: 20
                times: 1
                steps:
                  - &visit
                    do:
                      - tcp-device.connect: {to: "${hub.device}", id: "${user_number}"}
                      - tcp-device.report: name
                      - tcp-device.quiet: {for: 1ms}
                  - tcp.connect: "${bell}"
                  - name: while it is away
                    do: [*visit]
                    fails: {$matches: "refused|reset|closed|Broken pipe"}
                    retry: {for: 1m, every: 1ms}
                  - name: again
                    do: [*visit]
                    retry: {for: 1m, every: 1ms}
                require: {errors: 0, again.count: 20}
      - tcp.accept: {conn: bell, as: c}
        each: {i: 1..20}
      - role.kill: hub
      - sleep: 50ms
      - role.start: hub
      - join: users
  - test: forms inside of each other
    steps:
      - parallel:
          - load: &inner
              users: 4
              times: 5
              steps:
                - check: i >= 0
                  each: {i: 0..9}
                - set: {n: 0}
                - do: [{set: {n: "${n + 1}"}}, {check: n == 3}]
                  retry: {for: 1m, every: 1ms}
                - parallel: [{set: {a: 1}}, {sleep: 1ms}, {set: {b: 2}}]
                - first_of: {never: {sleep: 1h}, now: {set: {c: 3}}}
                - check: a + b == n and c == n
                  name: looked
            save: {first: $.iteration.count}
          - load: *inner
            save: {second: $.iteration.count}
      - check: first == 20 and second == 20
  - test: greedy expressions
    steps:
      - load: {users: 8, times: 2, steps: [{set: {x: "${string.rep('x', 1000000000)}"}, fails: too much memory}]}
      - load: {users: 3, times: 1, steps: [{check: "(function() while true do end end)()", fails: needs too long}]}
EOT2
expect 0 "$RUNNER" -o results beside.yaml
has out '4 passed, 0 failed, 0 skipped'
# the loads of one test are told apart, also where they run at the same time
"$PYTHON" - <<'EOT2' || fail 'numbers of loads'
import json
events = [json.loads(line) for line in open("results/events.jsonl")]
for test in (e for e in events if e["event"] == "test"):
    numbers = [load.get("number", 0) for load in test.get("loads", [])]
    assert sorted(numbers) == list(range(len(numbers))), test
    samples = {e.get("load", 0) for e in events if e["event"] == "sample" and e["test"] == test["test"]}
    assert samples >= set(numbers), (samples, test)
EOT2

cat >bad.yaml <<'EOT2'
suite: bad users
keywords:
  beside: {steps: [{background: {as: x, do: [{sleep: 1h, timeout: 2h}]}}]}
  inner: {steps: [{load: {users: 2, times: 1, steps: [{check: 1 == 1}]}}]}
tests:
  - test: one crashes
    steps: [{load: {users: 9, for: 1m, steps: [{sleep: 1ms}, {if: user_number == 7, bad.crash: }]}}]
  - test: one has no stack left
    steps: [{load: {users: 9, for: 1m, steps: [{sleep: 1ms}, {if: user_number == 7, bad.overflow: }]}}]
  - test: one does not heed its deadline
    steps: [{load: {users: 9, for: 60s, grace: 0s, steps: [{sleep: 1ms}, {if: user_number == 7, bad.hang: , timeout: 100ms}]}}]
  - test: all do not heed it
    steps: [{load: {users: 300, for: 60s, grace: 0s, steps: [{bad.heedless: , timeout: 100ms}]}}]
  - test: one ends the process
    steps: [{load: {users: 9, for: 1m, steps: [{sleep: 1ms}, {if: user_number == 7, bad.quit: }]}}]
  - test: a branch crashes
    steps: [{background: {as: b, do: [{bad.crash: }]}}, {join: b}]
  - test: what they leave does not close
    steps: [{load: {users: 3, times: 1, steps: [{bad.handle: }]}}]
  - test: what a loser has left running is found
    steps:
      - first_of:
          loses: {do: [{exec.run: "setsid sh -c 'echo >started; exec sleep 3600' >/dev/null 2>&1 &"}, {sleep: 1h, timeout: 2h}]}
          wins: {exec.run: test -e started, retry: {for: 1m, every: 5ms}}
        expect: {which: wins}
  - test: what cannot be inside of a load is an error there
    steps:
      - load: {users: 3, times: 2, steps: [{my.beside: {}, fails: a background inside of a load}]}
      - load: {users: 3, times: 2, steps: [{parallel: [{my.beside: {}}], fails: a background inside of a load}]}
      - load: {users: 3, times: 2, steps: [{my.inner: {}, fails: a load inside of a load}]}
  - test: the next one goes on
    steps: [{load: {users: 3, times: 1, steps: [{check: 1 == 1}]}}]
EOT2
# as fibers, which share their threads; and as threads, by a step that is never reached
cp bad.yaml as-fibers
sed '/load: {users: [39][0-9]*,/s/\]}}\]$/, {if: 1 == 2, exec.run: "true"}]}}]/' as-fibers >as-threads
[ "$(grep -c 1.==.2 as-threads)" = 7 ] || fail "not all loads of as-threads have threads"
for users in as-fibers as-threads; do
  cp "$users" bad.yaml
  rm -f started
  expect 3 "$RUNNER" --plugin-path "$plugins" -o results bad.yaml
  has out 'bad.yaml:7:85: bad.crash: crashed: SIGSEGV'
  for test in 'one crashes' 'one does not heed its deadline'; do # with what the user has sent and received last
    grep "\"event\":\"test\".*\"name\":\"$test\".*\"data\":\"last words\"" results/events.jsonl | grep -q '"peer":"crash-peer"' ||
      fail "the traffic of \"$test\" is not told"
  done
  has out 'bad.yaml:9:85: bad.overflow: crashed: SIGSEGV'
  has out 'bad.yaml:11:97: bad.hang: ignored its deadline and was ended'
  has out 'bad.yaml:13:63: bad.heedless: ignored its deadline and was ended'
  has out 'bad.yaml:15:85: bad.quit' # nobody knows which of the users it was: all are named
  lacks out ': sleep: ended the worker'
  has out 'bad.yaml:17:40: bad.crash: crashed: SIGSEGV'
  has out '3  bad.yaml:19:50: closing bad thing "default": it would not be closed'
  has out 'left running, and ended by the runner: '
  has out '2 passed, 8 failed, 0 skipped'
done

# nothing survives the runner, whatever its users have started
cat >killed.yaml <<'EOT2'
suite: killed
tests:
  - test: a load with programs
    steps:
      - load:
          users: 5
          times: 1
          steps:
            - exec.start: {shell: "echo $$ >pid.$WHO.new && mv pid.$WHO.new pid.$WHO && exec sleep 3600", env: {WHO: "${user_number}"}}
            - sleep: 1h
              timeout: 2h
EOT2
"$RUNNER" -o results killed.yaml >out 2>err &
runner=$!
cleanup "kill -9 $runner 2>/dev/null"
wait_for "the users' programs start" exists pid.0 pid.1 pid.2 pid.3 pid.4
pids=$(cat pid.? | tr '\n' ' ')
kill -9 "$runner"
wait "$runner" 2>/dev/null || :
for pid in $pids; do
  wait_for "process $pid ends with the runner" is_gone "$pid"
done
