#!/bin/sh
# role-threads.sh - branches use roles at the same time: role.* verbs in parallel, for TSan too.
. "${0%/*}/functions.sh"
plugins=$top_builddir/tests/abi/.libs
[ -e "$plugins/runner-abi-plugin.so" ] || fail "there is no plugin in $plugins: it is built by make check"

cat >roles.yaml <<'EOT'
suite: roles in branches
roles:
  hub: {abi.listener: {number: 1}}
  late: {abi.listener: {number: 2}, start: manual}
  many: {abi.listener: {}, count: 3, start: manual}
keywords:
  tell: {params: {address: {type: string}, line: {type: string}}, steps: [{abi.tell: {to: "${address}", line: "${line}"}}]}
  start_late: {steps: [{role.start: late}, {check: late.number == 2}]}
tests:
  - test: each branch reads all observations for itself
    steps:
      - parallel:
          - {role.wait: hub, expect: {line: b}}
          - {role.wait: hub, expect: {line: a}}
          - do: [{role.wait: hub, expect: {line: a}}, {role.wait: hub, expect: {line: b}}]
          - do: [{my.tell: {address: "${hub.address}", line: a}}, {my.tell: {address: "${hub.address}", line: b}}]
      - role.quiet: {role: hub, for: 1ms}
  - test: what branches start has its addresses in them, and afterwards
    steps:
      - parallel:
          - do: [{my.start_late: {}}, {check: late.number == 2}]
          - do: [{role.start: {role: many, index: 0}}, {check: 'has(many[1], "address")'}]
          - {role.start: {role: many, index: 1}}
          - {role.start: {role: many, index: 2}}
          - {check: 'hub.number == 1', each: {i: 0..50}}
          - {my.tell: {address: "${hub.address}", line: "n${i}"}, each: {i: 0..9}}
      - check: late.number == 2
      - role.wait: hub # what was told may still be on its way: the next tests are not to see it
        expect: {line: {$starts_with: n}}
        each: {i: 0..9}
      - my.tell: {address: "${many[i].address}", line: x}
        each: {i: 1..3}
      - role.wait: {role: many, index: 2}
        expect: {line: x}
  - test: they are there in the next test too
    steps:
      - check: late.number == 2 and many[1].address ~= many[3].address
      - {role.stop: late}
      - {role.start: late}
      - my.tell: {address: "${late.address}", line: again}
      - {role.wait: late, expect: {line: again}}
  - test: they are looked at, paused, stopped and killed at once
    steps:
      - parallel:
          - {role.stats: hub, expect: {pid: {$gt: 1}}, each: {i: 0..20}}
          - {role.log: hub, expect: {text: {$type: string}}, each: {i: 0..20}}
          - do: [{role.pause: hub}, {role.resume: hub}]
            each: {i: 0..20}
          - {role.quiet: {role: hub, for: 10ms}}
      - first_of: {stop: {role.stop: hub}, kill: {role.kill: hub}, end: {role.ended: hub}}
      - {role.ended: hub}
      - {role.start: hub}
      - check: hub.number == 1
  - test: a start of what runs already is in nobody's way
    steps:
      - parallel:
          - role.start: hub
            fails: {outcome: error, message: {$matches: 'role hub (runs already|is in use at .*)'}}
            each: {i: 1..3000}
          - {role.log: hub, each: {i: 1..3000}}
          - {role.log: hub, each: {i: 1..3000}}
  - test: who starts a role is alone with it
    steps:
      - first_of:
          refused:
            do:
              - role.start: hub
                fails: {outcome: error, message: {$matches: 'role hub is in use at .*roles\.yaml:[0-9]+'}}
            retry: {for: 10s, every: 1ms}
          waits: {role.wait: hub, expect: {line: never}, timeout: 30s}
        expect: {which: refused}
EOT
for i in 1 2 3 4 5; do
  expect 0 "$RUNNER" --plugin-path "$plugins" -o results roles.yaml
  has out '6 passed, 0 failed, 0 skipped'
done
