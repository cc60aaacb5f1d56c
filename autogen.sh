#!/bin/sh
# autogen.sh - makes ./configure; with --install-deps it first installs what the
# build, the tests and the plugins need (Debian and Ubuntu).
set -eu
cd "$(dirname "$0")"

build="autoconf automake libtool pkg-config gcc libc6-dev make"
core="libyaml-dev libxml2-dev libjansson-dev liblua5.4-dev libpcre2-dev"
plugins="libcurl4-openssl-dev libssl-dev libmicrohttpd-dev libuv1-dev libsqlite3-dev"
tests="check libxml2-utils curl openssl ca-certificates procps python3 python3-jsonschema python3-yaml perl"

# configure removes core dumps of its trials by `rm -f core`: here that is a folder, and what
# such a line removes besides would stay.
spare_core ()
{
  sed 's/rm -f core\b/rm -f/' configure > configure.tmp
  cat configure.tmp > configure
  rm configure.tmp
}

case ${1-} in
  --autoconf) # what make runs when configure is out of date
    autoconf
    spare_core
    exit ;;
  --install-deps)
    # shellcheck disable=SC2086
    packages=$(echo $build $core $plugins $tests)
    if command -v apt-get >/dev/null 2>&1; then
      sudo=
      [ "$(id -u)" = 0 ] || sudo=sudo
      if ! dpkg -s $packages >/dev/null 2>&1; then
        $sudo apt-get update -q
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
      fi
    else
      echo "autogen.sh: only Debian and Ubuntu (apt-get) are known here. Debian's names of what is needed:" >&2
      echo "  $packages" >&2
      for tool in autoreconf automake libtoolize pkg-config cc make; do
        command -v "$tool" >/dev/null 2>&1 || echo "  missing: $tool" >&2
      done
    fi ;;
  '') ;;
  *) echo "usage: ./autogen.sh [--install-deps]" >&2; exit 2 ;;
esac

autoreconf --install --warnings=all,no-obsolete
spare_core
echo "autogen.sh: now ./configure && make"
