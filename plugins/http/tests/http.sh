#!/bin/sh
# http.sh - runs the suites of the plugin http against the servers of peer.py.
set -u
here=${srcdir:-.}/plugins/http/tests
runner=${RUNNER:-./runner}

for tool in python3 openssl; do
  command -v "$tool" >/dev/null 2>&1 || { echo "http.sh: $tool is missing"; exit 77; }
done

out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

# Neither of the two is to count, also for a request that names its proxy itself.
export http_proxy=http://127.0.0.1:9 no_proxy=shop.example
python3 "$here/peer.py" "$runner" -o "$out/good" "$here/requests.yaml" "$here/bodies.yaml" "$here/responses.yaml" \
  "$here/sessions.yaml" "$here/tls.yaml" "$here/hostile.yaml" \
  "$here/websockets.yaml" "$here/threads.yaml" || exit 1

# What comes too late, or never: all tests but one fail, saying what they waited for.
python3 "$here/peer.py" "$runner" -o "$out/late" "$here/late.yaml" >"$out/late.txt" 2>&1
status=$?
cat "$out/late.txt"
[ "$status" = 1 ] || { echo "http.sh: exit status $status instead of 1"; exit 1; }
for text in 'waiting for the response to GET http://.*/silent' \
  'reading the body of GET http://.*/stalled, after 5 bytes' \
  'waiting for the answer of 127.0.0.1:' \
  'waiting for a message from default 127.0.0.1:' \
  'waiting for default 127.0.0.1:.* to close, too' \
  'sending the message to default 127.0.0.1:.*: it takes no more'
do
  grep -q "timed out while $text" "$out/late.txt" || { echo "http.sh: not told: $text"; exit 1; }
done
failures=$(grep -c '<failure' "$out/late/junit.xml")
[ "$failures" = 10 ] || { echo "http.sh: $failures failures instead of 10"; exit 1; }
