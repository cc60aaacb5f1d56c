#!/bin/sh
# plugins.sh - `runner plugins` lists what there is, and tells the loader's own words.
. "${0%/*}/functions.sh"
requires_plugin udp exec

expect 0 "$RUNNER" plugins
has out 'udp              1.0'
has out runner-udp-plugin.so

# all about one
expect 0 "$RUNNER" plugins udp
has out 'udp.send: send a datagram'
has out 'text (bytes; required; may stand alone)'
has out 'at most one of text, regex, bytes'
has out 'count (integer from 1 to 1000000'
has out 'peer (text, may be absent)'
expect 0 "$RUNNER" plugins core
has out 'sleep: waits for a time'
has out 'do: a group of steps'
has out 'role.wait: '

# by path, also one that is not on the search path
so=$(find "$top_builddir/plugins/udp" -name runner-udp-plugin.so)
mkdir elsewhere
cp "$so" elsewhere/runner-udp-plugin.so
expect 0 "$RUNNER" plugins ./elsewhere/runner-udp-plugin.so
has out './elsewhere/runner-udp-plugin.so (interface'

# the path has an order: ours comes first
expect 0 "$RUNNER" plugins --plugin-path elsewhere
has out elsewhere/runner-udp-plugin.so
lacks out "$so"
RUNNER_PLUGIN_PATH=elsewhere expect 0 "$RUNNER" plugins
has out elsewhere/runner-udp-plugin.so

# what cannot be loaded does not hide the others
mkdir bad
echo "this is no library" >bad/runner-broken-plugin.so
expect 2 "$RUNNER" plugins --plugin-path bad
has err 'runner-broken-plugin.so: '
has out runner-udp-plugin.so
expect 2 "$RUNNER" plugins --plugin-path bad broken udp
has err 'runner: broken: '
has out 'udp.send: send a datagram'
expect 2 "$RUNNER" plugins nothing
has err 'there is no plugin "nothing"'

# names alone, for programs
expect 0 "$RUNNER" plugins --names
grep -qx exec out || fail "no line exec"
expect 0 "$RUNNER" plugins --verbs
grep -qx exec.run out && grep -qx log out && grep -qx defer out || fail "verbs are missing"
if "$RUNNER" plugins --names | grep -qx tcp-device; then
  expect 0 "$RUNNER" plugins --roles
  grep -qx tcp-device.stack out || fail "no line tcp-device.stack"
fi

# POD: what it tells is escaped
expect 0 "$RUNNER" plugins --pod udp
has out '=item B<text> (bytes; required; may stand alone)'
has out '=head2 Parameters of udp.send'
if command -v podchecker >/dev/null 2>&1; then
  for name in $("$RUNNER" plugins --names) core; do
    { printf '=encoding utf8\n\n=head1 NAME\n\nx - y\n\n=head1 PARAMETERS\n\n'; "$RUNNER" plugins --pod "$name"; } >x.pod
    expect 0 podchecker -nowarnings x.pod
  done
fi

expect 0 "$RUNNER" plugins --help
has out 'Usage: runner plugins'
expect 2 "$RUNNER" plugins --nonsense
has err '--nonsense'
