#!/bin/sh
# schema.sh - the schema of suites accepts what `runner check` accepts, refuses what is
# broken in structure, and knows every verb and role.
. "${0%/*}/functions.sh"
requires_plugin exec udp
requires_python jsonschema yaml

judge ()
{
  "$PYTHON" "$top_srcdir/tests/cli/check-schema.py" "$@"
}

expect 0 "$RUNNER" schema
mv out schema.json

# what has no fault
cat >fine.yaml <<'END'
# yaml-language-server: $schema=../runner.schema.json
suite: 2024
about: every way to write things
x-anything: {at: all}
tags: smoke
timeout: 1m30s
isolation: test
ordered: true
locks: [a, b]
vars: {n: 3, items: [1, 2], wait: 5s, options: {a: 1}}
keywords:
  add:
    about: one of each
    params: {pv: {type: string, primary: true}, n: {type: integer, default: 1}, other: {default: 1}}
    steps: [{log: "${pv}"}]
    returns: {pv: "${pv}"}
setup: [{set: {id: "${unique()}"}}]
tests:
  - test: steps
    x-note: free
    tags: [slow, 1]
    skip: false
    if: n == 3
    timeout: 10s
    retries: 2
    matrix: {method: [GET, PUT], on: [yes, no]}
    steps:
      - exec.run: "true"
        name: alone
        x-step: free
      - exec.run: {shell: "true", limit: 1MiB}
        timeout: "${wait}"
        save: {code: $.exit, whole: "$", text: "${result.stdout}"}
        expect: {exit: 0, "$.stdout": "", stderr: {$length: 0}}
        check: [result.exit == 0, "true"]
      - exec.run: {argv: "${items}"}
        retry: {for: 5s, every: 100ms, until: {exit: 0}, stop_if: {exit: 9}}
        if: false
      - my.add: x
      - my.add: {pv: x, n: "${n}", other: [1]}
        each: {n: 1..3, m: [1, 2, 3], o: "${items}"}
      - udp.open: {}
      - udp.open:
      - udp.send: {text: {hex: "00 ff"}}
      - udp.send: 5
      - udp.receive: {count: "${n}", bytes: {hex: "00 .."}}
      - udp.quiet: {for: 0.5s}
      - sleep: 0
      - do: [{check: n == 3}]
        retry: 5s
      - defer: [{log: {message: {any: value}}}]
      - check: true
      - fail: on purpose
        fails: on purpose
    on_failure: [{log: failed}]
  - test: rows
    matrix: [{a: 1, b: x}, {a: 2, b: y}]
    steps: [{check: a > 0}]
END
expect 0 "$RUNNER" check fine.yaml
expect 0 judge schema.json accept fine.yaml

# all suites that there are: those that `runner check` accepts, and the libraries
set -- "$top_srcdir"/suites/*.yaml "$top_srcdir"/plugins/*/tests/*.yaml
accepted=0
for suite; do
  [ -f "$suite" ] || continue
  case $suite in
    *.library.yaml) if needs_left_out "$suite"; then continue; fi ;;
    *) "$RUNNER" check "$suite" >/dev/null 2>&1 || { echo "has faults, is left out: $suite"; continue; } ;;
  esac
  printf '%s\n' "$suite" >>suites
  accepted=$((accepted + 1))
done
[ "$accepted" -ge 5 ] || fail "only $accepted suites have no fault"
xargs -d '\n' "$PYTHON" "$top_srcdir/tests/cli/check-schema.py" schema.json accept <suites || fail "suites are refused"

# what is broken is refused by both
broken=0
for suite in "$top_srcdir"/tests/cli/broken/*.yaml; do
  expect 2 "$RUNNER" check "$suite"
  broken=$((broken + 1))
done
expect 0 judge schema.json reject "$top_srcdir"/tests/cli/broken/*.yaml
[ "$broken" -ge 30 ] || fail "only $broken broken suites"
expect 1 judge schema.json accept "$top_srcdir/tests/cli/broken/verb.yaml"

# every verb and role can be completed, and tells what it is
"$RUNNER" plugins --verbs >verbs
"$RUNNER" plugins --roles >roles
"$PYTHON" - <<'END' || fail "the schema is not complete"
import json
schema = json.load(open("schema.json"))
defs = schema["$defs"]
for kind, names in ("step", "verbs"), ("role", "roles"):
    for name in open(names).read().split():
        offered = defs[kind]["properties"][name]
        if "description" not in offered:
            offered = defs[offered["$ref"].split("/")[-1]]
        assert offered["description"], name
def references(value):
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                assert item.split("/")[-1] in defs, item
            references(item)
    elif isinstance(value, list):
        for item in value:
            references(item)
references(schema)
END

# of some plugins only
expect 0 "$RUNNER" schema udp
has out '"verb:udp.send"'
lacks out '"verb:exec.run"'
expect 0 "$RUNNER" schema core
has out '"verb:sleep"'
lacks out '"verb:udp.send"'
expect 2 "$RUNNER" schema udp nothing
has err 'there is no plugin "nothing"'
[ ! -s out ] || fail "half a schema was printed"

# what make installs
if [ -e "$top_builddir/runner.schema.json" ]; then
  has "$top_builddir/runner.schema.json" '"verb:udp.send"'
fi
expect 0 "$RUNNER" schema --help
has out 'Usage: runner schema'
