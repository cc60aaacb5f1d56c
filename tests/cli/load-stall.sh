#!/bin/sh
# load-stall.sh - a server that does nothing for a second is seen in all requests that were due
# in that second (the open model), not only in the few that were on their way.
. "${0%/*}/functions.sh"
requires_plugin http
requires_python json

# Its standard input is a pipe that this script holds: it ends with the script.
mkfifo hold address
"$top_builddir/tests/cli/stalling-server" 400 1000 <hold >address &
server=$!
exec 3>hold
cleanup "kill $server 2>/dev/null || :; exec 3>&-; wait $server || :"
read -r port <address || fail "the server does not start"

# 1,000 requests in 5 s, 200 of them in the second of the stall.  The five users alone
# would be 0.5 % of them.  With `for` the last one would not begin if all five were busy then.
cat >stall.yaml <<EOF
suite: stall
tests:
  - test: a stall is seen
    timeout: 5m
    steps:
      - load:
          rate: 200/s
          users: 5
          times: 1000
          grace: 2m
          steps:
            - http.get: "http://127.0.0.1:$port/"
              expect: {status: 200}
          require: {errors: 0, count: 1000, p99: {\$gt: 900ms}, p90: {\$gt: 400ms}}
        save: {p99: \$.p99, mean: \$.mean}
      - log: "p99 \${p99}, mean \${mean}"
EOF
expect 0 "$RUNNER" -v -o results stall.yaml
has out '1 passed, 0 failed, 0 skipped'
