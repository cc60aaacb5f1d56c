#!/bin/sh
# autogen.sh - makes ./configure; with --install-deps it first installs what the
# build, the tests and the plugins need (Debian and Ubuntu).
set -eu
cd "$(dirname "$0")"

build="autoconf automake libtool pkg-config gcc libc6-dev make"
core="libyaml-dev libxml2-dev libjansson-dev liblua5.4-dev libpcre2-dev"
plugins="libcurl4-openssl-dev libssl-dev libwslay-dev libmicrohttpd-dev libuv1-dev libsqlite3-dev"
tests="check libxml2-utils curl openssl ca-certificates procps tidy python3 python3-jsonschema python3-websockets python3-yaml perl"

# configure removes core dumps of its trials by `rm -f core`: here that is a folder, and what
# such a line removes besides would stay.
spare_core ()
{
  sed 's/rm -f core\b/rm -f/' configure > configure.tmp
  cat configure.tmp > configure
  rm configure.tmp
}

# missing PACKAGE…: those that are not installed.
missing ()
{
  for package; do
    # shellcheck disable=SC2016
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf ' %s' "$package"
  done
}

install_packages ()
{
  # shellcheck disable=SC2086
  if ! command -v apt-get >/dev/null 2>&1; then
    echo "autogen.sh: only Debian and Ubuntu (apt-get) are known here. Debian's names of what is needed:" >&2
    echo "  $build $core $plugins $tests" >&2
    for tool in autoreconf automake libtoolize pkg-config cc make; do
      command -v "$tool" >/dev/null 2>&1 || echo "  missing: $tool" >&2
    done
    return
  fi
  # shellcheck disable=SC2086
  packages=$(missing $build $core $plugins $tests)
  [ -n "$packages" ] || return 0
  sudo=
  if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null 2>&1; then
      echo "autogen.sh: packages are missing, and only root can install them:" >&2
      echo "  apt-get install$packages" >&2
      exit 1
    fi
  fi
  # shellcheck disable=SC2086
  if ! $sudo apt-get update -q \
    || ! $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages; then
    echo "autogen.sh: packages are missing, and could not be installed; as root:" >&2
    echo "  apt-get install$packages" >&2
    exit 1
  fi
}

case ${1-} in
  --autoconf) # what make runs when configure is out of date
    autoconf
    spare_core
    exit ;;
  --install-deps) install_packages ;;
  '') ;;
  *) echo "usage: ./autogen.sh [--install-deps]" >&2; exit 2 ;;
esac

autoreconf --install --warnings=all,no-obsolete
spare_core
echo "autogen.sh: now ./configure && make"
