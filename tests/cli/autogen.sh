#!/bin/sh
# autogen.sh - packages are missing and cannot be installed: it says which, and has made nothing.
. "${0%/*}/functions.sh"
cp "$top_srcdir/autogen.sh" .

# a machine of Debian's without any package, whose user is not root
mkdir bin
for tool in apt-get dpkg-query; do printf '#!/bin/sh\nexit 1\n' >"bin/$tool"; done
printf '#!/bin/sh\necho 1000\n' >bin/id
chmod +x bin/apt-get bin/dpkg-query bin/id
for tool in sh dirname grep cat; do ln -s "$(command -v "$tool")" "bin/$tool"; done

expect 1 env PATH="$tmp/bin" ./autogen.sh --install-deps
has err 'only root can install them'
has err '  apt-get install autoconf automake'

printf '#!/bin/sh\necho "sudo: a password is required" >&2\nexit 1\n' >bin/sudo
chmod +x bin/sudo
expect 1 env PATH="$tmp/bin" ./autogen.sh --install-deps
has err 'could not be installed'
has err '  apt-get install autoconf automake'
[ "$(ls)" = "autogen.sh
bin
err
out" ] || fail "something was made: $(ls)"
