#!/bin/sh
# flood.sh - a peer that never pauses: what waits for a message ends in time all the same.
. "${0%/*}/functions.sh"
requires python3
requires_plugin exec tcp tcp-device udp
cp "$top_srcdir/tests/cli/flood.py" .

# flooded KIND NAME: the steps of standard input, after a connection to such a peer, must not pass.
flooded ()
{
  {
    cat <<END_OF_STEPS
      - exec.start: {argv: [python3, flood.py, $1], as: peer}
      - exec.receive: {conn: peer, delimiter: "\n"}
        save: {port: \$.data}
END_OF_STEPS
    cat
  } | steps_fail "$2"
  lacks out 'ignored its deadline'
}

flooded lines expectation <<'END_OF_STEPS'
      - tcp.connect: "127.0.0.1:${port}"
      - tcp.wait: {delimiter: "\n"}
        expect: {data: never}
        timeout: 500ms
END_OF_STEPS
says 'timed out while waiting for a message that ends with'

flooded lines framed <<'END_OF_STEPS'
      - tcp.connect: "127.0.0.1:${port}"
      - tcp.wait: {delimiter: "\n", regex: never}
        timeout: 500ms
END_OF_STEPS
says 'timed out while waiting for a message that ends with'

flooded lines receive <<'END_OF_STEPS'
      - tcp.connect: "127.0.0.1:${port}"
      - tcp.receive: {regex: "never[0-9]+"}
        timeout: 200ms
END_OF_STEPS
says 'timed out while waiting for a match of /never'

flooded lines cancelled <<'END_OF_STEPS'
      - tcp.connect: "127.0.0.1:${port}"
      - first_of:
          quick: {sleep: 200ms}
          slow: {tcp.wait: {delimiter: "\n", text: never}, timeout: 30s}
        expect: {which: quick}
      - fail: the loser was cancelled
END_OF_STEPS
says 'the loser was cancelled'

steps_fail program <<'END_OF_STEPS'
      - exec.start: {argv: ["yes"]}
      - exec.wait: {delimiter: "\n"}
        expect: {data: never}
        timeout: 500ms
END_OF_STEPS
lacks out 'ignored its deadline'
says 'timed out while waiting for a message that ends with'

flooded frames device <<'END_OF_STEPS'
      - tcp-device.connect: {to: "127.0.0.1:${port}", id: 1}
      - tcp-device.wait: never
        timeout: 500ms
END_OF_STEPS
says 'timed out while .*waiting for a frame with report .never'

# Quiet is over when its time is, although the peer is not.
flooded frames quiet <<'END_OF_STEPS'
      - tcp-device.connect: {to: "127.0.0.1:${port}", id: 1}
      - tcp-device.quiet: {for: 200ms, report: never}
        timeout: 20s
      - fail: it was quiet
END_OF_STEPS
says 'it was quiet'

steps_fail datagrams <<'END_OF_STEPS'
      - udp.open: {}
        save: {port: $.port}
      - exec.start: {argv: [python3, flood.py, datagrams, "${port}"]}
      - udp.quiet: {for: 200ms, text: never}
        timeout: 20s
      - udp.wait: {regex: never}
        timeout: 500ms
END_OF_STEPS
lacks out 'ignored its deadline'
says 'timed out while waiting for a match of /never/ at default'

# What is kept for later steps has a limit.
steps_fail kept-datagrams <<'END_OF_STEPS'
      - udp.open: {}
        save: {port: $.port}
      - exec.start: {argv: [python3, flood.py, datagrams, "${port}", "60000"]}
      - udp.quiet: {for: 90s, text: never}
        timeout: 100s
END_OF_STEPS
says 'udp.quiet: default 127.0.0.1:[0-9]*: more than 16 MiB came that was passed over'

# Quiet has its time with a role too, whose observations come faster than they are looked at.
RUNNER_PLUGIN_PATH="$top_builddir/tests/cli/.libs"
export RUNNER_PLUGIN_PATH
slow="(function () for i = 1, 1000000 do end return false end) ()"

steps_fail role-wait <<END_OF_STEPS
      - role.wait: many
        check: $slow
        timeout: 300ms
    roles: {many: {bad.observes: 20000}}
END_OF_STEPS
lacks out 'ignored its deadline'
says 'role.wait: timed out while waiting for an observation of role many'

# All of them have come, as another branch sees, before quiet begins to look.
steps_fail role-quiet <<END_OF_STEPS
      - parallel:
          - do: [{role.wait: many, expect: {n: 19999}}, {exec.run: touch come}]
          - do:
              - role.wait: many
                expect: {n: 0}
              - exec.run: test -e come
                retry: {for: 60s, every: 5ms}
              - role.quiet: {role: many, for: 10ms, match: {n: {\$expr: "$slow"}}}
                timeout: 300ms
    roles: {many: {bad.observes: 20000}}
END_OF_STEPS
lacks out 'ignored its deadline'
says 'role.quiet: timed out while watching role many'

steps_fail role-babbles <<END_OF_STEPS
      - role.quiet: {role: one, for: 100ms, match: {n: {\$expr: "$slow"}}}
        timeout: 60s
      - fail: it was quiet
    roles: {one: {bad.babbles: 1ms}}
END_OF_STEPS
says 'it was quiet'

# What was passed over takes no memory: of these lines, a result each would be more than 100 MB.
cat >memory.yaml <<'END_OF_SUITE'
suite: memory
setup:
  - exec.run: 'grep ^VmRSS /proc/$PPID/status | grep -o "[0-9]*"'
    save: {before: $.stdout}
tests:
  - test: a long wait
    steps:
      - exec.start: {shell: 'yes | head -n 200000; echo n'}
      - exec.wait: {delimiter: "\n"}
        expect: {data: {$one_of: [n, o]}}
        check: result.data < "o"
        timeout: 100s
      - exec.run: 'grep ^VmRSS /proc/$PPID/status | grep -o "[0-9]*"'
        check: tonumber(result.stdout) - tonumber(before) < 50000
END_OF_SUITE
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
export ASAN_OPTIONS
expect 0 "$RUNNER" -o results memory.yaml
