#!/bin/sh
# help.sh - every command has help and tells the version; what is unknown is refused with a
# hint, and output that is lost shows in the exit status.
. "${0%/*}/functions.sh"

expect 0 "$RUNNER" --help
expect 0 "$RUNNER" -h
expect 0 "$RUNNER" help
sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' out >commands
for command in run check list role plugins plugin report schema version; do
  grep -qx "$command" commands || fail "--help does not know $command"
done
while read -r command; do
  expect 0 "$RUNNER" "$command" --help
  has out 'Usage: runner '
  [ ! -s err ] || fail "$command --help says something on stderr"
  [ "$(wc -L <out)" -le 100 ] || fail "$command --help is too wide"
  cp out long
  expect 0 "$RUNNER" "$command" -h
  cmp out long || fail "$command -h differs"
  expect 2 "$RUNNER" "$command" --nonsense
  has err "runner"
  has err "nonsense"
  [ ! -s out ] || fail "$command --nonsense says something on stdout"
  if grep -qe --version long; then
    expect 0 "$RUNNER" "$command" --version
    grep -qE '^runner [0-9]+\.[0-9]+' out || fail "$command --version tells no version"
  fi
done <commands
expect 0 "$RUNNER" --version
grep -qE '^runner [0-9]+\.[0-9]+\.[0-9]+$' out || fail "--version tells no version"
expect 0 "$RUNNER" version
has out 'plugin interface 1.'
for command in 'version' 'role' 'role any.thing' 'plugin' 'plugin new any' 'list x.yaml' 'run x.yaml'; do
  # shellcheck disable=SC2086
  expect 0 "$RUNNER" $command --version
  grep -qE '^runner [0-9]+\.[0-9]+\.[0-9]+$' out || fail "$command --version tells no version"
done

# nothing, and what nobody knows
expect 2 "$RUNNER"
has err 'Usage: runner '
expect 2 "$RUNNER" run --shuffle 7 x.yaml
has err 'runner run: there is no file or folder "7"; as the value of --shuffle it is written --shuffle=7'
expect 2 "$RUNNER" report --color always x
has err 'written --color=always'
expect 2 "$RUNNER" run --shuffle x.yaml
lacks err '--shuffle'
expect 2 "$RUNNER" plugnis
has err 'did you mean plugins?'
expect 2 "$RUNNER" run
expect 2 "$RUNNER" list
has err 'runner list: no suite is named'
expect 2 "$RUNNER" run --jobs 0 x.yaml
has err 'jobs: expected an integer from 1 to 256, got "0"'
expect 2 "$RUNNER" run --shard 3/2 x.yaml
has err 'shard: expected I/N'
expect 2 "$RUNNER" check
expect 2 "$RUNNER" role
has err 'no role is named'
expect 2 "$RUNNER" role nothing
expect 2 "$RUNNER" version 2
for command in run list check role schema plugins; do
  expect 2 "$RUNNER" $command --plugin-paht x
  has err 'unknown option --plugin-paht; did you mean --plugin-path?'
  expect 2 "$RUNNER" $command --plugin-path
  has err "runner $command: --plugin-path needs a value"
done
for command in run report; do
  expect 2 "$RUNNER" $command --color=blue x
  has err '--color: expected always, never or auto, got "blue"'
  expect 2 "$RUNNER" $command -z x
  has err 'unknown option -z'
done

# output that is lost
if [ -w /dev/full ]; then
  for command in plugins schema version 'plugins core'; do
    got=0
    # shellcheck disable=SC2086
    "$RUNNER" $command >/dev/full 2>err || got=$?
    [ "$got" = 3 ] || fail "$command on a full disk ended with $got"
  done
fi

# a reader that has gone, as head does: commands that only print end quietly, as other programs;
# a run goes on, writes its reports, and tells that this one is lost
requires_python subprocess
gone ()
{
  "$PYTHON" - "$@" <<'END'
import os, subprocess, sys
read_end, write_end = os.pipe()
os.close(read_end)
status = subprocess.run(sys.argv[1:], stdout=write_end).returncode
sys.exit(status if status >= 0 else 128 - status)
END
}
printf 'suite: one\ntests: [{test: one, steps: [check: 1 == 1]}]\n' >one.yaml
expect 0 "$RUNNER" one.yaml
for command in --help --version version plugins 'plugins core' schema 'list one.yaml' 'check one.yaml' 'run --help' \
  'report test-results' 'report --tap test-results'; do
  # shellcheck disable=SC2086
  expect 141 gone "$RUNNER" $command
  [ ! -s err ] || fail "$command: something is told though nobody listens any more"
done
for form in -v --tap; do
  expect 3 gone "$RUNNER" $form -o gone one.yaml
  [ "$(wc -l <err)" = 1 ] || fail "run $form: not one line on stderr"
  has err 'is lost: '
  has err 'Broken pipe'
  has gone/junit.xml '</testsuites>'
  [ -f gone/report/index.html ] || fail "there are no pages"
  expect 0 "$RUNNER" report --tap gone # it has come to its end, all has passed
  rm -r gone
done
