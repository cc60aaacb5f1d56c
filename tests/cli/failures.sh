#!/bin/sh
# failures.sh - a suite in which everything goes wrong that can: each test has its own
# true verdict, every other test still runs, nothing is left.
. "${0%/*}/functions.sh"
requires xmllint pgrep
requires_plugin exec

marker=31$$
sed "s/sleep 1000/sleep $marker/" "$top_srcdir/tests/cli/bad.yaml" > bad.yaml
mkdir temp
export TMPDIR="$tmp/temp"
ln -s "$top_builddir/tests/cli/.libs" plugins # a name of our own: by it we know our roles
BAD_TOKEN=Xyzzy-$marker
export BAD_TOKEN
expect 3 "$RUNNER" --plugin-path "$tmp/plugins" --tap -o results bad.yaml

# verdict TEST OUTCOME TEXT…: the event of the test, its outcome, and texts in it.
verdict ()
{
  line=$(grep -F "\"event\":\"test\"" results/events.jsonl | grep -F "\"name\":\"$1\"" || :)
  [ -n "$line" ] || fail "no result of the test \"$1\""
  case $line in *"\"outcome\":\"$2\""*) ;; *) fail "\"$1\" is not $2: $line" ;; esac
  name=$1
  shift 2
  for text; do
    case $line in *"$text"*) ;; *) fail "\"$name\" does not say \"$text\": $line" ;; esac
  done
}

verdict 'passes at first' passed
verdict 'fails' failed 'does not hold: 1 == 2' 'bad.yaml:9:20'
verdict 'crashes' error 'SIGSEGV' 'bad.yaml:12:9' 'bad.crash' 'last words' 'crash-peer' 'address 0x10'
verdict 'aborts' error 'SIGABRT' 'bad.yaml:14:13'
verdict 'exits' error 'exit status 5' 'bad.yaml:16:13'
verdict 'overflows its stack' error 'SIGSEGV' 'bad.yaml:18:13'
verdict 'hangs' error 'ignored its deadline' 'bad.yaml:21:9' 'bad.hang'
verdict 'returns nonsense' error 'no outcome'
verdict 'leaves a grandchild' failed 'left running' 'bad.yaml:25'
verdict 'its role never gets ready' error 'did not get ready within' 'thinking about it'
verdict 'its role ends early' error 'exit status 1' 'the port is taken'
verdict 'its role dies' error 'role mortal was killed by SIGSEGV' 'this is the end'
verdict 'its role ignores SIGTERM' passed 'did not end within its grace time'
verdict 'a program floods' passed
verdict 'a role floods' passed
verdict 'logs too much' passed 'bytes left out'
verdict 'its handle does not close' failed 'it would not be closed' 'bad.yaml:56:9'
verdict 'closing its handle hangs' error 'closing bad thing \"default\" ignored its deadline' 'bad.yaml:60:9'
verdict 'closing its handle crashes' error 'closing bad thing \"a\" crashed: SIGABRT' 'bad.yaml:64:9'
verdict 'kills its group' error 'crashed: SIGKILL' 'bad.yaml:67:13' 'bad.group'
verdict 'closes everything' error 'closed descriptors of the runner' 'bad.yaml:71:9' 'bad.descriptors'
verdict 'prints' passed 'the token is ***"'
verdict 'prints too much' failed 'bytes left out' 'the end"'
verdict 'asserts' error 'SIGABRT' "Assertion" 'all is well' 'bad.assert' 'bad_assert+0x'
has_tsan || verdict 'frees twice' error 'double' 'bad.heap' # which takes what it was given twice
verdict 'passes at last' passed
grep '"event":"suite_end"' results/events.jsonl | grep -qF '"output":"at the end"' || fail "what the teardown printed is lost"
verdict 'passes at first' passed "\"output\":\"[output of the suite's setup]\\nat the start\\n[end of that]"

# what plugins print is the test's, not the console's
[ "$(head -n 1 out)" = 'TAP version 14' ] || fail "something came before the first line of TAP"
if grep -rlF "$BAD_TOKEN" out err results; then fail "a secret that was printed is in there"; fi
[ "$(cat out err | wc -c)" -lt 300000 ] || fail "a flood got to the console"

xmllint --noout --schema "$top_srcdir/tests/junit.xsd" results/junit.xml 2>err || fail "junit.xml is not valid"
[ "$(grep -c '<testcase ' results/junit.xml)" = 26 ] || fail "junit.xml does not hold every test"
if pgrep -f "sleep $marker" >out; then fail "a program still runs"; fi
if pgrep -f "$tmp/plugins bad\.(silent|early|dies|stubborn|flood)" >out; then fail "a role still runs"; fi
[ -z "$(ls -A temp)" ] || fail "left in the temporary folder: $(ls -A temp)"
size=$(stat -c %s results/events.jsonl)
[ "$size" -lt 3000000 ] || fail "events.jsonl has $size bytes: a flood got into it"
for log in results/logs/*/*.log; do
  [ "$(stat -c %s "$log")" -lt 2200000 ] || fail "$log is too long"
done

# retries are made after a crash, too, and a set-up that dies twice ends its suite
cat > again.yaml <<'EOT'
suite: again
tests:
  - test: crashes always
    retries: 2
    steps: [bad.crash: ]
  - test: goes on
    steps: [check: true]
EOT
cat > setup.yaml <<'EOT'
suite: setup
setup: [bad.crash: ]
tests:
  - test: first
    steps: [check: true]
  - test: second
    steps: [check: true]
EOT
expect 3 "$RUNNER" --plugin-path "$top_builddir/tests/cli/.libs" -o again again.yaml setup.yaml
[ "$(grep -c '"name":"crashes always","attempt":[123],' again/events.jsonl)" -ge 3 ] || fail "there were no 3 attempts"
grep -q '"name":"goes on".*"outcome":"passed"' again/events.jsonl || fail "the next test did not run"
grep -q '"name":"first".*"outcome":"error".*twice' again/events.jsonl || fail "the setup's crash is not told"
grep -q '"name":"second".*"outcome":"not_run"' again/events.jsonl || fail "the rest is not told as not run"
