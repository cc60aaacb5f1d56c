#!/bin/sh
# output-files.sh - what a report replaces: a regular file, also behind a link; devices, FIFOs
# and sockets stay what they are.  All of them are made here: none of the system's is touched.
. "${0%/*}/functions.sh"
requires_python socket
cat >one.yaml <<'END'
suite: one
tests: [{test: one, steps: [check: true]}]
END
expect 0 "$RUNNER" one.yaml

# a link stays, and what it leads to is replaced; also when there is nothing yet
mkdir there
echo old >there/old.xml
ln -s there/old.xml first
ln -s first second
ln -s there/new.xml dangling
ln -s loop loop
for link in second dangling; do
  expect 0 "$RUNNER" --junit "$link" one.yaml
  [ -L "$link" ] || fail "$link is no link any more"
  has "$link" '</testsuites>'
done
[ -L first ] || fail "first is no link any more"
has there/old.xml '</testsuites>'
has there/new.xml '</testsuites>'
[ "$(ls there)" = "$(printf 'new.xml\nold.xml')" ] || fail "something is left in the folder: $(ls there)"
expect 3 "$RUNNER" --junit loop one.yaml
has err 'the report junit is lost: loop'
[ -L loop ] || fail "loop is no link any more"

# what stands behind a link would be taken for this run's, too
expect 2 "$RUNNER" --junit second -k nothing-like-it one.yaml
[ -L second ] || fail "second was removed"
[ ! -e there/old.xml ] || fail "an old report behind links is still there"

# a FIFO is written; who reads it may come a little later
mkfifo fifo
timeout 60 cat fifo >from-fifo &
reader=$!
expect 0 "$RUNNER" report test-results --junit fifo
wait "$reader" || fail "nothing came through the FIFO"
[ -p fifo ] || fail "the FIFO was replaced"
has from-fifo '</testsuites>'
# one that nobody reads is told
expect 3 timeout 60 "$RUNNER" report test-results --junit fifo
has err 'the report junit is lost: fifo: '
[ -p fifo ] || fail "the FIFO was replaced"

# a socket cannot be written
"$PYTHON" -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
expect 3 "$RUNNER" report test-results --junit socket
has err 'the report junit is lost: socket: '
[ -S socket ] || fail "the socket was replaced"

# what standard output leads to is not replaced under it
ln -s /proc/self/fd/1 stdout
expect 0 "$RUNNER" report test-results --console --junit stdout
has out '</testsuites>'
has out '1 passed'
got=0
"$RUNNER" report test-results --junit stdout --tap 2>err | cat >out || got=$?
[ "$got" = 0 ] || fail "exit $got"
has out '</testsuites>'
has out 'TAP version 14'

# a role's ready file is of the same kind
if "$RUNNER" plugins --names | grep -qx tcp-device; then
  ln -s there/ready.json ready
  mkfifo ready-fifo
  for file in ready ready-fifo; do
    "$RUNNER" role tcp-device.stack --web-port 0 --device-port 0 --ready-file $file >role.out 2>err &
    role=$!
    cleanup "kill $role 2>/dev/null || :"
    if [ -p $file ]; then
      timeout 60 cat $file >exports || fail "$file: nothing is read"
      has exports '"web": "http://'
    else
      wait_for "the role is ready" exists there/ready.json
      has there/ready.json '"web": "http://'
    fi
    kill "$role"
    wait "$role" || fail "the role ended with $?"
  done
  [ -L ready ] || fail "ready is no link any more"
  [ -p ready-fifo ] || fail "ready-fifo is no FIFO any more"
fi

# devices, as far as they can be made here
if mknod full c 1 7 2>/dev/null && mknod null c 1 3; then
  expect 3 "$RUNNER" --junit full one.yaml
  has err 'the report junit is lost: full: '
  [ -c full ] || fail "a device was replaced by a file"
  got=0
  "$RUNNER" report test-results --junit null >out 2>err || got=$?
  [ "$got" = 0 ] || has err 'the report junit is lost: null: Permission denied' # a file system without devices
  [ -c null ] || fail "a device was replaced by a file"
fi
