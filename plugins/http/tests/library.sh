#!/bin/sh
# library.sh - WebSockets against a server that is not ours: Debian's python3-websockets.
set -u
here=${srcdir:-.}/plugins/http/tests
runner=${RUNNER:-./runner}
python=
for one in /usr/bin/python3 python3; do
  if "$one" -c 'import websockets' 2>/dev/null; then python=$one; break; fi
done
[ "$python" ] || { echo "library.sh: python3-websockets is missing"; exit 77; }

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
"$python" "$here/library.py" "$runner" -o "$out" "$here/library.yaml"
