#!/bin/sh
# plugin-new.sh - `runner plugin new` writes a plugin that builds, passes its tests and is
# installed without runner's source.  With INSTALLED=yes (make installcheck) it is built
# against the runner that pkg-config and PATH give, else against a copy of the built one.
installed=${INSTALLED:-}
. "${0%/*}/functions.sh"
requires pkg-config make cc

if [ "$installed" = yes ]; then
  RUNNER=$(command -v runner) || fail "there is no runner in PATH"
else
  mkdir -p prefix/bin prefix/include prefix/lib/pkgconfig prefix/lib/runner
  cp "$RUNNER" prefix/bin
  cp "$top_srcdir/core/runner-plugin.h" prefix/include
  # as a plain configure would have made it, whatever this build was configured with
  sed -e 's,^prefix=.*,prefix=/usr,; s,^exec_prefix=.*,exec_prefix=${prefix},; s,^libdir=.*,libdir=${exec_prefix}/lib,' \
    -e 's,^includedir=.*,includedir=${prefix}/include,; s,^bindir=.*,bindir=${exec_prefix}/bin,' \
    "$top_builddir/runner.pc" >prefix/lib/pkgconfig/runner.pc
  RUNNER=$tmp/prefix/bin/runner
  PKG_CONFIG_PATH=$tmp/prefix/lib/pkgconfig
  export PKG_CONFIG_PATH
fi
pkg_config='pkg-config --define-prefix' # also below a DESTDIR
# nothing of the make that runs this
unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR CFLAGS CPPFLAGS LDFLAGS || :

build ()
{
  make PKG_CONFIG="$pkg_config" CFLAGS='-O1 -Wall -Wextra -Werror' "$@"
}

expect 0 "$RUNNER" plugin new mine
has out 'mine: a plugin is there'
cd mine
expect 0 build check
has "$tmp/out" '5 passed, 0 failed'
if grep -rn '@NAME@\|NAME\.c' . --include='*' -I; then fail "a mark is left"; fi
expect 0 "$RUNNER" plugins --plugin-path . mine
has "$tmp/out" 'mine.ask: asks a server'
if command -v pod2man >/dev/null 2>&1; then
  expect 0 build manual
  has runner-mine-plugin.7 'who is to be greeted'
fi
expect 0 build install DESTDIR="$tmp/destination"
find "$tmp/destination" -name runner-mine-plugin.so | grep -q /runner/ || fail "it is not installed"
expect 0 build clean
[ ! -e runner-mine-plugin.so ] || fail "clean leaves the plugin"
# its tests can fail: the server says another word
sed -i 's/"%s, %s!/"%s; %s!/' mine.c
expect 2 build check
has "$tmp/out" '4 passed, 1 failed'
cd "$tmp"

# a name that there is
expect 2 env RUNNER_PLUGIN_PATH="$(dirname "$(find "$tmp/destination" -name runner-mine-plugin.so)")" \
  "$RUNNER" plugin new mine again
has "$tmp/err" 'there is a plugin "mine" already'
[ ! -e again ] || fail "something was written all the same"

# a name with a hyphen, and another folder
expect 0 "$RUNNER" plugin new my-own some/where/else
cd some/where/else
[ -f my-own.c ] && [ -f tests/my-own.yaml ] && [ -f runner-my-own-plugin.pod ] || fail "files are missing"
expect 0 build check
cd "$tmp"

# nothing is overwritten
cp mine/mine.c before.c
expect 2 "$RUNNER" plugin new mine
has err 'mine is not empty: nothing is written'
cmp before.c mine/mine.c || fail "it was overwritten"
: >file
expect 2 "$RUNNER" plugin new mine file
has err 'file'
mkdir empty
expect 0 "$RUNNER" plugin new other empty

# names that cannot be
for name in '' Mine 9mine -mine mine- 'my own' ../mine mine/x ümläut core role my runner \
            "$(printf '%065d' 0 | tr 0 a)"; do
  expect 2 "$RUNNER" plugin new "$name"
  [ ! -e "$tmp/$name" ] || [ "$name" = '' ] || fail "\"$name\": something was written"
done
expect 2 "$RUNNER" plugin new
expect 2 "$RUNNER" plugin old mine
expect 2 "$RUNNER" plugin
expect 0 "$RUNNER" plugin --help
has out 'Usage: runner plugin new'
