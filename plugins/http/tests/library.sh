#!/bin/sh
# library.sh - WebSockets against a server that is not ours: Debian's python3-websockets.
. "${0%/*}/../../../tests/cli/functions.sh"
requires_plugin http
requires_python websockets
"$PYTHON" "$top_srcdir/plugins/http/tests/library.py" "$RUNNER" "$top_srcdir/plugins/http/tests/library.yaml"
