#!/bin/sh
# abi.sh - plugins outlive runners: the binary that was built against interface 1.0 is loaded
# and does all that it did; so does its source, built against today's header.
. "${0%/*}/../cli/functions.sh"
abi=$top_srcdir/tests/abi
ABI_TOKEN=a-secret-for-the-interface
export ABI_TOKEN

# What is wrong with the arguments is known before anything runs.
faults_of ()
{
  cat >faults.yaml <<'EOT'
suite: faults
tests:
  - test: all of them
    steps:
      - abi.types: {integer: 11, number: 1000001, time: 2h, size: 2MB, choice: rde, bytes: {hex: 0}}
      - abi.group: {}
      - abi.group: {one: a, other: b, left: 1, right: 2}
      - abi.type: x
EOT
  expect 2 "$RUNNER" check --plugin-path "$1" faults.yaml
  for text in 'must be at most 10' 'must be at most 1e6' 'must be at most 1h' 'must be at most 1MB' \
              'did you mean "red"?' 'text is missing' 'abi.types: bytes: ' 'one of one, other must be given' \
              'only one of one, other must' 'only one of left, right must' 'did you mean "abi.types"?'; do
    has err "$text"
  done
}

# all_of FOLDER: everything that the plugin abi of that folder can do.
all_of ()
{
  expect 0 "$RUNNER" plugins --plugin-path "$1" abi
  has out "$1"
  has out '(interface 1.'
  has out 'integer (integer from -10 to 10; default: -7)'
  has out 'choice (text: red or green; default: green)'
  has out 'one (text; exactly one of one, other)'
  has out 'left (integer; at most one of left, right)'
  has out 'extra (text, may be absent)'
  has out 'role abi.listener: takes lines and observes them'
  expect 0 "$RUNNER" schema --plugin-path "$1" abi
  has out '"abi.types"'
  has out '"bytes_pattern"'
  expect 0 "$RUNNER" role --plugin-path "$1" abi.listener --help
  has out '--forget'

  expect 0 "$RUNNER" --plugin-path "$1" -o results "$abi/abi.yaml"
  has out ' passed, 0 failed, 0 skipped'
  for log in results/events.jsonl results/junit.xml; do
    lacks "$log" "$ABI_TOKEN"
  done

  # what only a test that does not pass can show
  expect 1 "$RUNNER" --plugin-path "$1" -o results "$abi/ends.yaml"
  has out '0 passed, 3 failed, 1 skipped'
  has out 'does not apply here'
  has out 'closing abi thing "bad": thing 7 does not end well'
  has out 'timed out while it waited by descriptor'
  has out 'abi peer'
  has out 'noted 12 bytes'
  has out 'the words 12'
  faults_of "$1"
}

# Today's header, as C and as C++.
fresh=$top_builddir/tests/abi/.libs
[ -e "$fresh/runner-abi-plugin.so" ] || fail "there is no plugin in $fresh: it is built by make check"
all_of "$fresh"

if command -v "${CXX:=c++}" >/dev/null 2>&1; then
  mkdir cxx
  for standard in c++11 c++17; do
    expect 0 "$CXX" -std=$standard -Wall -Wextra -Wpedantic -Wshadow -Werror -Wno-missing-field-initializers -fPIC \
      -fvisibility=hidden -shared -I "$top_srcdir/core" -o cxx/runner-cxx-plugin.so "$abi/cxx.cc"
  done
  cat >cxx.yaml <<'EOT'
suite: a plugin in C++
tests:
  - test: it greets
    steps:
      - cxx.greet: you
        expect: {greeting: you}
      - cxx.greet: {pause: 1ms}
        expect: {greeting: world}
EOT
  expect 0 "$RUNNER" --plugin-path cxx -o results cxx.yaml
  has out '1 passed, 0 failed'
fi

# The binaries of earlier versions are for x86_64 GNU/Linux, as this runner must be: ELF's
# class and machine tell (elf(5)).
machine ()
{
  od -An -tx1 -j4 -N1 "$1" && od -An -tx1 -j18 -N2 "$1"
}
for version in "$abi"/[0-9]*; do
  folder=$version/x86_64
  [ -r "$folder/runner-abi-plugin.so" ] || fail "there is no binary in $folder"
  if [ "$(machine "$RUNNER")" != "$(machine "$folder/runner-abi-plugin.so")" ] \
      || ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
    echo "abi.sh: skipped: the binary of ${version##*/} is for x86_64 GNU/Linux"
    exit 77
  fi
  all_of "$folder"
done
