#!/bin/sh
# overdue.sh - steps whose time is over: a suite cannot test that (`fails` is never
# satisfied by an overrun deadline), so the report of such suites is looked at.
set -eu
runner=${RUNNER:-./runner}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail ()
{
  echo "$1" >&2
  cat "$folder/output" >&2
  exit 1
}

# $1: name; standard input: steps.  The suite must fail.
run ()
{
  { printf 'suite: %s\ntests:\n  - test: it\n    steps:\n' "$1"; cat; } >"$folder/$1.yaml"
  if "$runner" -o "$folder/results" "$folder/$1.yaml" >"$folder/output" 2>&1; then
    fail "$1 passed"
  fi
}

says ()
{
  grep -q -e "$1" "$folder/output" || fail "no \"$1\" in the output:"
}

gone ()
{
  pid=$(cat "$1")
  if kill -0 "$pid" 2>/dev/null; then
    fail "process $pid is still there"
  fi
}

run run <<END
      - exec.run: 'echo \$\$ >$folder/pid; echo last words >&2; exec sleep 1000'
        timeout: 500ms
END
says 'timed out while waiting for the command to end: still running after .*; the last it said: "last words"'
gone "$folder/pid"

# One that ignores SIGTERM, with a child in its group.
run stubborn <<END
      - exec.run: 'trap "" TERM; echo \$\$ >$folder/pid; sleep 1000 & echo \$! >$folder/child; wait; sleep 1000'
        timeout: 500ms
END
says 'still running after .*; the last it said: nothing'
gone "$folder/pid"
gone "$folder/child"

# One that goes on writing when it gets SIGTERM.
run flood <<END
      - exec.run: 'trap "" TERM; exec yes'
        timeout: 500ms
END
says 'still running after .*y.ny.ny'

run receive <<END
      - exec.start: {shell: 'echo not that; exec sleep 1000'}
      - exec.wait: {line: ready}
        timeout: 200ms
END
says 'timed out while waiting for the line "ready" from default stdout; what came: "not that.n"'

run wait_exit <<END
      - exec.start: {shell: 'echo \$\$ >$folder/pid; echo busy; exec sleep 1000'}
      - exec.wait: {line: busy}
      - exec.wait_exit: {}
        timeout: 200ms
END
says 'timed out while waiting for default to end: still running after .*; the last it said: "busy.n"'
gone "$folder/pid"

# Input that is not read.
run send <<END
      - exec.start: {shell: 'exec sleep 1000'}
      - exec.send: {text: '\${string.rep("x", 1000000)}'}
        timeout: 200ms
END
says 'timed out while sending to default stdin: it does not read the last [0-9]* bytes'

# A crash in the background that no step looks at.
run crash <<END
      - exec.start: {shell: 'kill -SEGV \$\$'}
      - exec.receive: {closed: true}
END
says 'default crashed: it was ended by SIGSEGV'

# Likewise a bad exit status, or a signal that was not ours.
run exit <<END
      - exec.start: {shell: 'echo no room; exit 3'}
      - exec.receive: {line: no room}
      - exec.receive: {closed: true}
END
says 'default ended by itself with exit status 3, and no step looked'
run killed <<END
      - exec.start: {shell: 'kill -KILL \$\$'}
      - exec.receive: {closed: true}
END
says 'default was ended by SIGKILL, and no step looked'

# A program that outlives its handle's end by leaving the group.
run stopped <<END
      - exec.start: {shell: 'echo \$\$ >$folder/pid; kill -STOP \$\$; exit 0'}
      - exec.quiet: {for: 100ms, text: never}
      - fail: for the report
END
says 'for the report'
gone "$folder/pid"
