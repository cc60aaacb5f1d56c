#!/bin/sh
# Do clients written for the original system work against our roles?  See clients.py.
: "${srcdir:=.}"
command -v python3 >/dev/null || { echo "python3 is not installed"; exit 77; }
exec python3 -B "$srcdir/plugins/two-port-auth/tests/clients.py" "${RUNNER:-./runner}"
