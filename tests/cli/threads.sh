#!/bin/sh
# threads.sh - verbs in several threads: those of the runner itself, and that the suites of the plugins have all of
# theirs in `parallel`, `first_of`, `background` and `load`.
. "${0%/*}/functions.sh"
requires_python yaml
plugins=$top_builddir/tests/abi/.libs
[ -e "$plugins/runner-abi-plugin.so" ] || fail "there is no plugin in $plugins: it is built by make check"

expect 0 "$RUNNER" --plugin-path "$plugins" -o results "$top_srcdir/tests/cli/threads.yaml"
has out '5 passed, 0 failed, 3 skipped'

complete ()
{
  "$PYTHON" "$top_srcdir/tests/cli/threads.py" "$RUNNER" "$plugins" "$1" "$2"
}

complete "$top_srcdir/tests/cli/threads.yaml" core || fail 'verbs of the runner'
for plugin in $("$RUNNER" plugins --names); do
  suite=$top_srcdir/plugins/$plugin/tests/threads.yaml
  [ -e "$top_srcdir/plugins/$plugin" ] || continue # not of this source
  [ -e "$suite" ] || fail "there is no $suite"
  complete "$suite" "$plugin" || fail "verbs of $plugin"
  # the same suite without one of its verbs is seen
  verb=$("$RUNNER" plugins --verbs "$plugin" | tail -n 1)
  sed "s/$verb:/x-&/" "$suite" >without.yaml
  if complete without.yaml "$plugin" 2>err; then fail "$plugin: $verb is not missed"; fi
  has err "$verb in load"
done
