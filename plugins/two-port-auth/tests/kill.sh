#!/bin/sh
# Is anything lost that was answered, when the server is killed?  See kill.py.
: "${srcdir:=.}"
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
exec python3 -B "$srcdir/plugins/two-port-auth/tests/kill.py" "${RUNNER:-./runner}" plugins/two-port-auth/tests/load
