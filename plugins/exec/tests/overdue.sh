#!/bin/sh
# overdue.sh - steps whose time is over: a suite cannot test that (`fails` is never
# satisfied by an overrun deadline), so the report of such suites is looked at.
. "${0%/*}/../../../tests/cli/functions.sh"

gone ()
{
  pid=$(cat "$1")
  if kill -0 "$pid" 2>/dev/null; then
    fail "process $pid is still there"
  fi
}

steps_fail run <<END
      - exec.run: 'echo \$\$ >$tmp/pid; echo last words >&2; exec sleep 1000'
        timeout: 2s
END
says 'timed out while waiting for the command to end: still running after .*; the last it said: "last words"'
gone pid

# One that ignores SIGTERM, with a child in its group.
steps_fail stubborn <<END
      - exec.run: 'trap "" TERM; echo \$\$ >$tmp/pid; sleep 1000 & echo \$! >$tmp/child; wait; sleep 1000'
        timeout: 2s
END
says 'still running after .*; the last it said: nothing'
gone pid
gone child

# One that goes on writing when it gets SIGTERM.
steps_fail flood <<END
      - exec.run: 'trap "" TERM; exec yes'
        timeout: 2s
END
says 'still running after .*y.ny.ny'

steps_fail receive <<END
      - exec.start: {shell: 'echo not that; exec sleep 1000'}
      - exec.wait: {line: ready}
        timeout: 2s
END
says 'timed out while waiting for the line "ready" from default stdout; what came: "not that.n"'

steps_fail wait_exit <<END
      - exec.start: {shell: 'echo \$\$ >$tmp/pid; echo busy; exec sleep 1000'}
      - exec.wait: {line: busy}
      - exec.wait_exit: {}
        timeout: 200ms
END
says 'timed out while waiting for default to end: still running after .*; the last it said: "busy.n"'
gone pid

# One that has ended, with a child in its group that has not: the step's time counts.
steps_fail stop <<END
      - exec.start: {shell: "(trap '' TERM; echo up; exec sleep 1000) & echo \$! >$tmp/child; exec sleep 1000"}
      - exec.receive: {line: up}
      - exec.stop: {grace: 30s}
        timeout: 2s
END
says 'timed out while waiting for default to end: it has, but not all of its process group'
gone child

# Input that is not read.
steps_fail send <<END
      - exec.start: {shell: 'exec sleep 1000'}
      - exec.send: {text: '\${string.rep("x", 1000000)}'}
        timeout: 200ms
END
says 'timed out while sending to default stdin: it does not read the last [0-9]* bytes'

# A crash in the background that no step looks at.
steps_fail crash <<END
      - exec.start: {shell: 'kill -SEGV \$\$'}
      - exec.receive: {closed: true}
END
says 'default crashed: it was ended by SIGSEGV'

# Likewise a bad exit status, or a signal that was not ours.
steps_fail exit <<END
      - exec.start: {shell: 'echo no room; exit 3'}
      - exec.receive: {line: no room}
      - exec.receive: {closed: true}
END
says 'default ended by itself with exit status 3, and no step looked'
steps_fail killed <<END
      - exec.start: {shell: 'kill -KILL \$\$'}
      - exec.receive: {closed: true}
END
says 'default was ended by SIGKILL, and no step looked'

# One that has closed an output, and is slow to end.
steps_fail slow <<END
      - exec.start: {shell: 'exec >&-; sleep 0.5; exit 3'}
      - exec.receive: {closed: true}
END
says 'default ended by itself with exit status 3, and no step looked'

# What others say for it comes a moment after its end.
steps_fail last <<END
      - exec.start: {shell: '(sleep 0.5; echo no room >&2) & exit 3'}
      - exec.wait_exit:
END
says 'default ended with exit status 3; it said: "no room'

# A program that outlives its handle's end by leaving the group.
steps_fail stopped <<END
      - exec.start: {shell: 'echo \$\$ >$tmp/pid; kill -STOP \$\$; exit 0'}
      - exec.run: 'until grep -qs "^State:.T" /proc/\$(cat $tmp/pid)/status; do sleep 0.01; done'
      - fail: for the report
END
says 'for the report'
gone pid
