#!/bin/sh
# verdicts.sh - nothing passes by accident: what cleans up takes no failure back, `fails`
# works inside of `retry`, a worker that ends without a word is no success.
. "${0%/*}/functions.sh"
requires_plugin exec
bad="$top_builddir/tests/cli/.libs"

# outcome FOLDER TEST OUTCOME: of its final result
outcome ()
{
  line=$(grep -F '"event":"test"' "$1/events.jsonl" | grep -F "\"name\":\"$2\"" | grep '"final":true' || :)
  case $line in *"\"final\":true,\"outcome\":\"$3\""*) ;; *) fail "\"$2\" is not $3: $line" ;; esac
}

for hook in 'after_each: [{fail: expected, fails: expected}]' 'after_each: [{do: [{fail: x}], fails: x}]'; do
  cat > apart.yaml <<EOT
suite: apart
$hook
tests:
  - test: in its steps
    steps: [check: 1 == 2]
  - test: in its steps, with more after it
    steps:
      - defer: [{fail: expected, fails: expected}]
      - check: 1 == 2
    on_failure: [{fail: expected, fails: expected}]
  - test: in what it deferred
    steps:
      - check: true
      - defer: [{fail: expected, fails: expected}]
      - defer: [fail: really]
  - test: not at all
    steps: [{fail: expected, fails: expected}]
EOT
  expect 1 "$RUNNER" -o apart apart.yaml
  outcome apart 'in its steps' failed
  outcome apart 'in its steps, with more after it' failed
  outcome apart 'in what it deferred' failed
  outcome apart 'not at all' passed
done

cat > fails.yaml <<'EOT'
suite: fails
vars: {text: "n < 4"}
tests:
  - test: again until it fails
    steps:
      - set: {n: 0}
      - do: [{set: {n: "${n + 1}"}}, check: n < 4]
        retry: {for: 10s, every: 1ms}
        fails: {$contains: "n < 4"}
      - check: n == 4
  - test: a text of a variable
    steps: [{fail: "x n < 4 y", fails: "${text}"}]
  - test: another text of a variable
    steps: [{fail: "x n < 4 y", fails: "${text .. text}"}]
  - test: a deadline is no failure
    steps: [{sleep: 2s, timeout: 10ms, fails: true}]
  - test: nor is that of a group
    steps: [{do: [sleep: 2s], timeout: 10ms, retry: 30ms, fails: true}]
  - test: it knows the result
    steps: [{exec.run: {shell: exit 2}, fails: {result: {exit: "${result.exit}"}}}]
  - test: until knows the result
    steps: [{exec.run: {shell: echo 5}, retry: {for: 10s, until: {exit: "${len(result.stdout) - 2}"}}}]
  - test: stop_if knows the result
    steps: [{exec.run: {shell: echo 5}, retry: {for: 10s, stop_if: {exit: "${len(result.stdout) - 2}"}}}]
  - test: stop_if after a failure
    steps: [{exec.run: {shell: "echo broken; exit 3"}, retry: {for: 1h, every: 50m, stop_if: {stdout: {$contains: broken}}}}]
  - test: stop_if after a load that did not hold
    steps: [{load: {users: 1, times: 3, steps: [{fail: x}]}, retry: {for: 1h, every: 50m, stop_if: {errors: {$gt: 0}}}}]
  - test: why it failed before its time was over
    steps:
      - set: {n: 0}
      - do: [{set: {n: "${n + 1}"}}, {sleep: 10s, if: n > 1}, {fail: the real reason}]
        retry: {for: 2s, every: 1ms}
  - test: a stop_if that cannot be told
    steps: [{log: x, retry: {for: 30ms, every: 1ms, stop_if: {exit: "${result.nothing}"}}}]
EOT
expect 3 "$RUNNER" -o fails fails.yaml
outcome fails 'again until it fails' passed
outcome fails 'a text of a variable' passed
outcome fails 'another text of a variable' failed
outcome fails 'a deadline is no failure' failed
outcome fails 'nor is that of a group' failed
outcome fails 'it knows the result' passed
outcome fails 'until knows the result' passed
outcome fails 'stop_if knows the result' failed
outcome fails 'stop_if after a failure' failed
case $line in *'exit status 3'*'(gave up: stop_if holds) (after 1 attempt in '*) ;; *) fail "that it gave up is not told: $line" ;; esac
outcome fails 'stop_if after a load that did not hold' failed
case $line in *'errors: '*'(gave up: stop_if holds) (after 1 attempt in '*) ;; *) fail "that the load gave up is not told: $line" ;; esac
outcome fails 'why it failed before its time was over' failed
case $line in *'the attempt before it: the real reason'*) ;; *) fail "the real reason is not told: $line" ;; esac
outcome fails 'a stop_if that cannot be told' error

# a fresh worker for every test, of which there are many
{
  printf 'suite: isolated\nisolation: test\ntests:\n'
  for i in 1 2 3 4 5 6 7 8 9; do printf '  - {test: t%s, steps: [check: true]}\n' "$i"; done
} > isolated.yaml
expect 0 "$RUNNER" -o isolated isolated.yaml
outcome isolated t9 passed

# a library that ends the process calls it a success: nobody else does
cat > quits.yaml <<'EOT'
suite: quits
tests:
  - test: quits
    steps: [bad.quit: ]
  - test: goes on
    steps: [check: true]
EOT
expect 3 "$RUNNER" --plugin-path "$bad" -o quits quits.yaml
outcome quits quits error
outcome quits 'goes on' passed

# a row of `each` that saves nothing has null, not the value of the row before
cat > rows.yaml <<'EOT'
suite: rows
tests:
  - test: rows
    steps:
      - do: [{set: {z: "${i}"}, if: i == 1}]
        each: {i: [1, 2]}
      - check: ["z[1] == 1", "z[2] == null"]
  - test: sums
    steps:
      - set: {sum: 0}
      - {set: {sum: "${sum + i}"}, each: {i: 1..4}}
      - check: sum[4] == 10
EOT
expect 0 "$RUNNER" -o rows rows.yaml

# --fail-fast: nothing more begins in the suite that failed
{
  printf 'suite: fast\ntests:\n  - {test: fails, steps: [check: false]}\n'
  for i in 1 2 3 4 5 6 7 8 9; do printf '  - {test: t%s, steps: [check: true]}\n' "$i"; done
} > fast.yaml
expect 1 "$RUNNER" --fail-fast -o fast fast.yaml
[ "$(grep -c '"outcome":"not_run"' fast/events.jsonl)" = 9 ] || fail "--fail-fast went on"

# a NUL byte does not end what is told
cat >nul.yaml <<'END'
suite: nul
tests:
  - test: fails
    steps: [fail: "before\0after"]
  - test: skips
    steps: [skip: "there\0${'a\0b'}"]
  - test: the same to fails
    steps: [{fail: "before\0after", fails: {message: 'before\x00after'}}]
END
expect 1 "$RUNNER" -v nul.yaml
has out 'fail: before\x00after'
has out 'there\x00a\x00b'
has out '1 passed, 1 failed, 1 skipped'
# the name of the step to blame is told beside its verb; one that cannot be told is an error of the step
cat > named.yaml <<'EOT'
suite: named
tests:
  - test: fails
    steps:
      - {exec.run: exit 3, name: "boot the ${'engine'}"}
  - test: in a branch
    steps:
      - parallel:
          - {fail: over, name: stop the engine}
          - {log: x}
  - test: deferred
    steps:
      - defer: [{fail: late, name: wash it}]
  - test: crashes
    steps:
      - {bad.crash: , name: blow it up}
  - test: errs
    steps:
      - {log: x, name: "${({}).zzz.y}"}
  - test: is no text
    steps:
      - {log: x, name: "${list ({1, 2})}"}
  - test: fails, and its name errs
    steps:
      - {fail: really, name: "${({}).zzz.y}"}
EOT
expect 3 "$RUNNER" --plugin-path "$bad" -o named named.yaml
for report in out named/junit.xml; do
  has "$report" 'named.yaml:5:10: boot the engine (exec.run): the command ended with exit status 3'
  has "$report" 'named.yaml:9:14: stop the engine (fail): over'
  has "$report" 'named.yaml:13:18: wash it (fail): late'
  has "$report" ': blow it up (bad.crash): crashed: SIGSEGV'
  has "$report" 'named.yaml:19:27: log: attempt to index a nil value'
  has "$report" 'zzz'
  has "$report" 'name: expected a text, got list'
  has "$report" ': fail: really'
done
has named/events.jsonl '"verb":"exec.run","step":"boot the engine"'
grep -rqF 'boot the engine' named/report || fail "the HTML report does not name the step"
outcome named errs error
outcome named 'fails, and its name errs' failed

# a step that takes no notice of its deadline fails, whatever it says, and so does what is around it
cat > late.yaml <<'EOT'
suite: late
keywords: {slow: {steps: [bad.deaf: 1500ms]}}
tests:
  - test: of the step
    steps: [{bad.deaf: 1500ms, timeout: 500ms}]
  - test: of the test
    timeout: 500ms
    steps: [bad.deaf: 1500ms]
  - test: of a group
    steps: [{do: [bad.deaf: 1500ms], timeout: 500ms}]
  - test: of a keyword
    steps: [{my.slow: {}, timeout: 500ms}]
  - test: of a branch
    steps: [{parallel: [{bad.deaf: 1500ms}, {log: x}], timeout: 500ms}]
  - test: of a retry
    steps: [{bad.deaf: 1500ms, retry: 500ms}]
  - test: its failure is not the one that is wanted
    steps: [{bad.deaf: {for: 1500ms, fail: too bad}, timeout: 500ms, fails: too bad}]
  - test: nor is that of its group
    steps: [{do: [{bad.deaf: 1500ms}, {fail: now}], timeout: 500ms, fails: true}]
  - test: nor one that its group forgives
    steps: [{do: [{bad.deaf: {for: 1500ms, fail: too bad}}], timeout: 500ms, fails: true}]
  - test: in time
    steps: [{bad.deaf: 10ms, timeout: 30s}, {do: [{bad.deaf: {for: 10ms, fail: now}}], timeout: 30s, fails: now}]
EOT
expect 1 "$RUNNER" --plugin-path "$bad" -o late late.yaml
for test in 'of the step' 'of the test' 'of a group' 'of a keyword' 'of a branch' 'of a retry' \
  'its failure is not the one that is wanted' 'nor is that of its group' 'nor one that its group forgives'; do
  outcome late "$test" failed
  case $line in *'it took no notice of its deadline, and ended '*) ;; *) fail "\"$test\" does not say why: $line" ;; esac
done
outcome late 'its failure is not the one that is wanted' failed
case $line in *'"message":"too bad (it took no notice'*) ;; *) fail "its own message is lost: $line" ;; esac
outcome late 'in time' passed

# one that got no processor when its time was over has not ignored it
cat > starved.yaml <<'EOT'
suite: starved
tests:
  - test: starved
    steps: [{parallel: [{sleep: 1h, timeout: 500ms}, {exec.run: 'kill -STOP $PPID; sleep 3; kill -CONT $PPID'}]}]
EOT
expect 1 "$RUNNER" -o starved starved.yaml
outcome starved starved failed
case $line in *'timed out while sleeping'*) ;; *) fail "it does not say why: $line" ;; esac

# on_failure: also of a test whose own role does not start
cat > unready.yaml <<'EOT'
suite: unready
tests:
  - test: its role does not start
    roles: {x: {bad.early: }}
    steps: [check: true]
    on_failure: [log: looked after it]
EOT
expect 3 "$RUNNER" --plugin-path "$bad" -o unready unready.yaml
outcome unready 'its role does not start' error
has out 'looked after it'
case $line in *'the port is taken'*'"phase":"on_failure"'*) ;; *) fail "it is not told what it came to: $line" ;; esac

# a step that is skipped while it cleans up takes no pass back, and no failure
cat > cleaning.yaml <<'EOT'
suite: cleaning
after_each: [{skip: nothing to clean}, {fail: never reached}]
teardown: [{skip: nothing to tear down}, {fail: never reached}]
tests:
  - test: passes
    steps: [{defer: [{skip: nothing was deferred}]}, {check: true}]
  - test: fails
    steps: [check: false]
    on_failure: [{skip: nothing to look at}, {fail: never reached}]
  - test: skipped in its steps
    steps: [{skip: not here}]
EOT
expect 1 "$RUNNER" --plugin-path "$bad" -o cleaning cleaning.yaml
outcome cleaning passes passed
outcome cleaning fails failed
case $line in *'nothing to look at'*'nothing to clean'*) ;; *) fail "what was skipped is not told: $line" ;; esac
outcome cleaning 'skipped in its steps' skipped
grep -q '"event":"suite_end".*"outcome":"failed"' cleaning/events.jsonl || fail "the teardown changed the outcome of the suite"
lacks out 'nothing to tear down'
lacks cleaning/events.jsonl 'never reached'

# what a setup that passed has printed is told with the first test that runs after it, in each worker
cat > setup-output.yaml <<'EOT'
suite: setup output
setup: [{log: from the setup}, {bad.print: from a library, if: true}]
teardown: [{log: from the teardown}]
tests:
  - test: first
    steps: [{log: of its own}, {check: false}]
  - test: second
    steps: [check: false]
EOT
expect 1 "$RUNNER" --plugin-path "$bad" -o setup-output setup-output.yaml
outcome setup-output first failed
case $line in *'"output":"[output of the suite'"'"'s setup]\nfrom the setup\nfrom a library\n[end of that]\nof its own\n"'*) ;;
  *) fail "the output of the setup is not told: $line" ;;
esac
has out '        | from the setup'
outcome setup-output second failed
case $line in *'from the setup'*) fail "the output of the setup is told twice" ;; esac
sed 's/^suite:.*/&\nisolation: test/' setup-output.yaml > setup-outputs.yaml
expect 1 "$RUNNER" --plugin-path "$bad" -o setup-outputs setup-outputs.yaml
[ "$(grep -c '"event":"test".*from the setup' setup-outputs/events.jsonl)" = 2 ] || fail "not every setup is told"
printf "suite: much\\nsetup: [bad.log: 3]\\ntests: [{test: t, steps: [{log: x}, {check: true}]}]\\n" > much.yaml
expect 0 "$RUNNER" --plugin-path "$bad" -o much much.yaml
grep -q '"output":"\[output of the suite.s setup\]\\n.*bytes left out.*\[end of that\]\\nx\\n"' much/events.jsonl \
  || fail "much output of a setup is not told"

# a bad status that `expect` names, however it is written
cat > named-field.yaml <<'EOT'
suite: named field
tests:
  - {test: key, steps: [{exec.run: exit 3, expect: {exit: 3}}]}
  - {test: path, steps: [{exec.run: exit 3, expect: {$.exit: 3}}]}
  - {test: brackets, steps: [{exec.run: exit 3, expect: {"$['exit']": 3}}]}
  - {test: double quotes, steps: [{exec.run: exit 3, expect: {'$["exit"]': 3}}]}
  - {test: computed, steps: [{set: {p: {exit: 3}}}, {exec.run: exit 3, expect: "${p}"}]}
  - {test: computed key, steps: [{set: {k: exit}}, {exec.run: exit 3, expect: {"${k}": 3}}]}
  - {test: of the result, steps: [{exec.run: exit 3, expect: "${ {exit = result.exit, stdout = ''} }"}]}
  - {test: not named, steps: [{exec.run: exit 3, expect: {stdout: ""}}]}
  - {test: another name, steps: [{exec.run: exit 3, expect: {"$['stdout']": ""}}]}
  - {test: anything, steps: [{exec.run: exit 3, expect: {"$..exit": [3]}}]}
  - {test: computed without it, steps: [{set: {p: {stdout: ""}}}, {exec.run: exit 3, expect: "${p}"}]}
EOT
expect 1 "$RUNNER" -o named-field named-field.yaml
for test in key path brackets 'double quotes' computed 'computed key' 'of the result'; do
  outcome named-field "$test" passed
done
for test in 'not named' 'another name' anything 'computed without it'; do
  outcome named-field "$test" failed
  case $line in *'the command ended with exit status 3'*) ;; *) fail "\"$test\" does not say why: $line" ;; esac
done

# what failed attempts of a group have said is not kept
cat > attempts.yaml <<'EOT'
suite: attempts
vars: {long: "${string.rep('x', 4000)}"}
keywords:
  memory: {steps: [check: true], returns: {kib: "${tonumber(string.match(read('/proc/self/status'), 'VmRSS:[^0-9]*([0-9]+)'))}"}}
  fail: {params: {text: {primary: true}}, steps: [fail: "${text}"]}
tests:
  - test: many
    steps:
      - my.memory: {}
        save: {before: $.kib}
      - set: {n: 0}
      - do:
          - set: {n: "${n + 1}"}
          - my.fail: "${long}"
            if: n < 20000
        retry: {for: 4m, every: 0s}
      - my.memory: {}
        save: {after: $.kib}
      - check: n == 20000 and after - before < 50000
EOT
ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1" expect 0 "$RUNNER" -o attempts attempts.yaml

# a temporary folder that cannot be removed is warned about, also that of a branch
cat > temp.yaml <<'EOT'
suite: temp
setup: [{parallel: [{bad.temp: }, {log: x}]}]
tests:
  - {test: of the setup, steps: [check: true]}
  - {test: of the test, steps: [{bad.temp: }, {check: true}]}
  - {test: of a branch, steps: [{parallel: [{bad.temp: }, {bad.temp: }]}, {check: true}]}
  - test: of a loser
    steps:
      - first_of:
          loses: {do: [{bad.temp: }, {exec.run: touch begun}, {sleep: 1h}]}
          wins: {exec.run: test -e begun, retry: 60s}
      - check: true
  - {test: of the background, steps: [{background: {as: b, do: [bad.temp: ]}}, {join: b}, {check: true}]}
EOT
expect 0 "$RUNNER" --plugin-path "$bad" -o temp temp.yaml
for test in 'of the setup' 'of the test' 'of a branch' 'of a loser' 'of the background'; do
  outcome temp "$test" passed
  case $line in *'"warnings":["'*'the temporary folder /'*' cannot be removed"'*) ;; *) fail "no warning \"$test\": $line" ;; esac
done

# A signal that a process sent is no access to memory.  It comes while the worker waits: the thread sanitizer hands
# it over at once, and locks up if it is at work itself.
cat > sent.yaml <<'EOT'
suite: sent
tests:
  - {test: by itself, steps: [bad.crash: ]}
  - {test: by a child, steps: [{exec.run: 'echo $$ >child; until grep -q State:.S /proc/$PPID/status; do :; done; kill -SEGV $PPID'}]}
EOT
expect 3 "$RUNNER" --plugin-path "$bad" sent.yaml
has out 'bad.crash: crashed: SIGSEGV (Segmentation fault) at address 0x'
has out "exec.run: crashed: SIGSEGV (Segmentation fault), sent by process $(cat child)"

# What an expression makes stands for the primary parameter, also when it is a map.
cat > alone.yaml <<'EOT'
suite: alone
tests:
  - test: maps
    steps:
      - set: {m: {message: 1}}
      - log: "${m}"
      - {fail: "${m}", fails: {message: '{"message": 1}'}}
EOT
expect 0 "$RUNNER" -vv alone.yaml
has test-results/events.jsonl '"output":"{\"message\": 1}'
