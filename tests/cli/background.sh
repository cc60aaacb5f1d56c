#!/bin/sh
# background.sh - steps beside others: what they see, what they leave, how they end.
. "${0%/*}/functions.sh"
requires_plugin exec

cat >fine.yaml <<'EOT'
suite: fine
vars: {base: 1}
keywords:
  look: {steps: [{check: base == 1}, {set: {seen: "${base}"}}], returns: "${seen}"}
  start: {steps: [{background: {as: own, do: [{set: {of_keyword: 3}}]}}, {join: own}], returns: "${of_keyword}"}
tests:
  - test: they have copies of the variables, and give what they set
    steps:
      - set: {a: 1, b: 1}
      - background:
          as: beside
          do:
            - my.look: {}
              save: {looked: $}
            - sleep: 50ms
            - check: a == 1
            - set: {b: "${a + 10}", c: 5}
      - set: {a: 2}
      - join: beside
      - check: [a == 2, b == 11, c == 5, looked == 1]
  - test: several at once, names are free again afterwards
    steps:
      - background: {as: "x${i}", do: [{sleep: 20ms}, {set: {last: "${i}"}}]}
        each: {i: 0..4}
      - join: "x${i}"
        each: {i: 0..4}
      - background: {as: x0, do: [{set: {again: true}}]}
      - join: x0
      - check: again
  - test: what is saved before stays while each starts some
    steps:
      - set: {x: 5, kept: 6}
      - background: {as: "w${i}", do: [{set: {x: "${i}", kept: "${i}"}, if: i == 1}]}
        each: {i: 1..2}
      - check: x == 5 and kept == 6
      - join: w1
      - check: x == 1 and kept == 1
      - join: w2
      - do:
          - background: {as: w, do: [{set: {y: "${i * 10}"}}]}
          - join: w
        each: {i: 1..2}
      - check: y[1] == 10 and y[2] == 20
  - test: a keyword starts and joins its own
    steps:
      - my.start: {}
        expect: 3
  - test: what is not joined is cancelled
    steps:
      - background: {as: forever, do: [{sleep: 1h}]}
      - check: 1 == 1
  - test: in a branch it ends with the branch
    steps:
      - parallel:
          - do: [{background: {as: forever, do: [{sleep: 1h}]}}, {check: 1 == 1}]
          - do: [{background: {as: forever, do: [{sleep: 1h}]}}, {check: 1 == 1}]
  - test: what it defers runs at the end of the test
    steps:
      - background: {as: x, do: [{set: {of_x: 1}}, {defer: [{check: of_x == 1}, {log: was deferred}]}]}
      - join: x
EOT
expect 0 "$RUNNER" -v -o results fine.yaml
has out '7 passed, 0 failed, 0 skipped'
has results/events.jsonl 'was deferred'

# its steps are told as those within it, in whatever order backgrounds are joined
cat >order.yaml <<'EOT'
suite: order
keywords:
  wrong: {steps: [{fail: it is}]}
tests:
  - test: two
    steps:
      - background: {as: a, do: [{set: {x: 1}}]}
      - background: {as: b, do: [{do: [{sleep: 1ms}]}]}
      - check: 1 == 1
      - join: b
      - join: a
  - test: bad
    steps:
      - background: {as: a, do: [{my.wrong: {}}]}
      - check: 1 == 1
      - join: a
EOT
expect 1 "$RUNNER" -vv order.yaml
sed -n 's/^    \( *\)passed *order.yaml:[0-9:]*  \([a-z.]*\).*/\1\2/p' out | head -n 8 >steps
printf '%s\n' background '  set' background '  do' '    sleep' check join join | diff - steps >err || fail "they are in another order"
has out 'called at order.yaml:14:35: my.wrong'

# The first waits until its branch has ended, which is when its thread is gone: that is looked for by its number,
# since another one that was joined before may still be counted.
cat >failing.yaml <<'EOT'
suite: failing
tests:
  - test: its failure is the test's when nobody joins it
    steps:
      - background:
          as: bad
          do: [{exec.run: "echo ${read('/proc/thread-self/status'):match('Pid:[^0-9]*([0-9]+)')} >new && mv new thread"}, {fail: unseen}, {log: x}]
      - exec.run: test -s thread && ! test -e /proc/$PPID/task/$(cat thread)
        retry: {for: 25s, every: 1ms}
  - test: its failure is that of the join
    steps:
      - background: {as: bad, do: [{fail: early}]}
      - join: bad
  - test: a name is used once at a time
    steps:
      - background: {as: x, do: [{sleep: 1h}]}
      - background: {as: x, do: [{sleep: 1h}]}
  - test: there must be one
    steps:
      - background: {as: y, do: [{sleep: 1h}]}
      - join: "${'x'}"
  - test: join has the time of its test
    timeout: 2s
    steps:
      - background: {as: x, do: [{sleep: 1h}]}
      - join: x
  - test: join has its own timeout
    steps:
      - background: {as: x, do: [{sleep: 1h}]}
      - join: x
        timeout: 50ms
EOT
expect 3 "$RUNNER" -o results failing.yaml
has out 'failing.yaml:7:124: fail: unseen'
has out 'failing.yaml:12:37: fail: early'
has out '"x" is in the background already: join it first'
has out 'nothing is in the background as "x"; there is "y"'
grep -qE 'failing.yaml:(25:35: sleep|26:9: join): timed out while' out || fail 'which of the two has timed out?'
has out 'failing.yaml:30:9: join: timed out while waiting for the end of "x"'
has out '0 passed, 6 failed, 0 skipped'

cat >setup.yaml <<'EOT'
suite: setup
setup: [{background: {as: x, do: [{sleep: 1h}]}}]
tests: [{test: t, steps: [{check: 1 == 1}]}]
EOT
expect 3 "$RUNNER" -o results setup.yaml
has out 'background belongs to a test'

# A branch of which nothing ran does not win; of branches that all fail each failure is told.
cat >winner.yaml <<'EOT'
suite: winner
tests:
  - test: one does nothing
    steps:
      - first_of:
          x: {fail: no, if: 1 == 2}
          y: {do: [{fail: no, if: 1 == 2}]}
          real: {sleep: 100ms}
        expect: {which: real}
  - test: all do nothing
    steps:
      - first_of:
          x: {fail: no, if: 1 == 2}
          y: {fail: no, if: 1 == 2}
        expect: {which: {$one_of: [x, y]}}
  - test: nothing beside a failure
    steps:
      - first_of:
          x: {fail: no, if: 1 == 2}
          y: {fail: it is broken}
        fails: it is broken
EOT
expect 0 "$RUNNER" -o results winner.yaml
has out '3 passed, 0 failed, 0 skipped'
cat >losers.yaml <<'EOT'
suite: losers
tests:
  - test: t
    steps:
      - first_of:
          x: {fail: this is wrong}
          y: {fail: that is wrong}
          z: {fail: all is wrong}
EOT
expect 1 "$RUNNER" -o results losers.yaml
for text in 'losers.yaml:6:15: ' 'losers.yaml:7:15: ' 'losers.yaml:8:15: ' 'this is wrong' 'that is wrong' 'all is wrong'; do
  has out "$text"
done
