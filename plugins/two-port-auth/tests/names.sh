#!/bin/sh
# Where no file names localhost, and no name service answers: see names.py.
: "${srcdir:=.}"
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
[ -e /etc/resolv.conf ] || { echo "there is no /etc/resolv.conf to hide"; exit 77; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >"$folder/resolv.conf"
hide="mount --bind '$folder/resolv.conf' /etc/resolv.conf && { [ ! -e /etc/hosts ] || mount --bind /dev/null /etc/hosts; }"
unshare -rmn sh -c "$hide" 2>/dev/null || { echo "skipped: no namespaces here"; exit 77; }
unshare -rmn sh -c "$hide && exec \"\$@\"" sh \
  python3 -B "$srcdir/plugins/two-port-auth/tests/names.py" "${RUNNER:-./runner}"
