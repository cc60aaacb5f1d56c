#!/bin/sh
# hostile.sh - suites that want to harm: a clear message with its place, at once, and
# exit 2; a failed step where it can only be known at run time; never a crash.
. "${0%/*}/functions.sh"
requires_plugin exec

# refused NAME TEXT: the suite on standard input is refused with exit 2 and this text.
refused ()
{
  cat > "$1.yaml"
  got=0
  timeout 60 "$RUNNER" -o results "$1.yaml" >out 2>err || got=$?
  [ "$got" = 2 ] || fail "$1: exit $got instead of 2"
  grep -qF -- "$2" err || fail "$1: the message does not say \"$2\""
  grep -qE "^$1\.yaml:[0-9]+:[0-9]+: " err || fail "$1: the message has no place"
}

# fails NAME TEXT: the suite's only test is an error or failure that says this text.
fails ()
{
  cat > "$1.yaml"
  got=0
  timeout 60 "$RUNNER" -o results "$1.yaml" >out 2>err || got=$?
  [ "$got" = 1 ] || [ "$got" = 3 ] || fail "$1: exit $got instead of 1 or 3"
  grep -qF -- "$2" out || fail "$1: the message does not say \"$2\""
  if grep -q 'crashed' out; then fail "$1: it crashed"; fi
  grep -qE "$1\.yaml:[0-9]+:[0-9]+: " out || fail "$1: the message has no place"
}

# with STEPS: a suite of one test with these steps (YAML, one a line)
with () { printf 'suite: hostile\ntests:\n  - test: it\n    steps:\n'; printf '      %s\n' "$@"; }

{
  echo 'a: &a [x, x, x, x, x, x, x, x, x, x]'
  last=a
  for next in b c d e f g h i j; do
    echo "$next: &$next [*$last, *$last, *$last, *$last, *$last, *$last, *$last, *$last, *$last, *$last]"
    last=$next
  done
} | refused laughs 'alias'
head -c 100000 /dev/zero | tr '\0' '[' | refused brackets 'nest'
{ printf 'suite: '; head -c 10000000 /dev/zero | tr '\0' 'x'; } | refused scalar '8 MiB'
printf 'suite: x\ntests: &t [*t]\n' | refused cycle 'inside of what it stands for'
printf 'suite: x\nsuite: y\ntests: []\n' | refused twice 'suite'
printf 'suite: x\nbogus: 1\ntests: []\n' | refused unknown-key 'bogus'
printf 'suite: x\ntest: []\ntests: []\n' | refused near-key 'did you mean "tests"'
with '- exec.rum: "true"' | refused unknown-verb 'did you mean "exec.run"'
with '- exce.run: "true"' | refused unknown-plugin 'did you mean "exec.run"'
with '- exec.run: {shel: "true"}' | refused unknown-parameter 'did you mean "shell"'
with '- exec.run: {shell: "true", argv: ["true"]}' | refused group 'only one of'
with '- sleep: soon' | refused wrong-type 'duration'
with '- log: ${undefined}' | refused undefined 'undefined'
with '- log: x' '  expect: {$lenght: 3}' | refused matcher 'did you mean "$length"'
with '- log: x' '  expect: {$matches: "("}' | refused regex '('
with '- check: "1 +"' | refused syntax 'check'
with '- check: #list == 3' | refused comment 'len('
with '- check: "a != b"' | refused unequal '~='
printf 'suite: x\ntests:\n  - test: a\n    steps: [check: true]\n---\nsuite: y\n' | refused second 'document'
printf 'suite: !!python/object x\ntests: []\n' | refused tag 'tag'
printf 'suite: \377\376x\ntests: []\n' | refused encoding 'UTF-8'
printf '' | refused empty 'the file is empty'
printf 'suite: x\ntests:\n  - test: a\n    steps: [log: x]\n  - test: a\n    steps: [log: x]\n' | refused same-name 'two tests'

# constants that no verb can take
with '- exec.run: {argv: []}' | refused no-program 'no-program.yaml:5:26: exec.run: argv: must have at least 1 item(s)'
with '- exec.signal: NOPE' | refused no-signal 'signal: expected a signal by its name or number (TERM, SIGTERM, 15), got string "NOPE"'
with '- exec.signal: 65' | refused signal-number 'expected a signal'
with '- exec.receive: {regex: "("}' | refused parameter-regex 'regex: bad regular expression at character 2: missing'
if "$RUNNER" plugins --names | grep -qx tcp; then
  with '- tcp.receive: {regex: "[a"}' | refused tcp-regex 'tcp-regex.yaml:5:30: tcp.receive: regex: bad regular expression'
  with '- tcp.connect: {to: nohostport}' | refused no-port 'to: expected an address with a port'
  with '- tcp.connect: "[::1]:0"' | refused port-zero 'to: expected an address with a port'
fi
if "$RUNNER" plugins --names | grep -qx udp; then
  with '- udp.open: localhost' | refused udp-port 'to: expected an address with a port'
  with '- udp.receive: {regex: "*"}' | refused udp-regex 'regex: bad regular expression'
fi
if "$RUNNER" plugins --names | grep -qx http; then
  with '- http.get: "htp://x"' | refused scheme 'scheme.yaml:5:19: http.get: url: expected a URL of http or https, got string "htp://x"'
  with '- http.session: {base_url: "ftp://x"}' | refused base-scheme 'base_url: expected a URL of http or https'
fi
cat >constants.yaml <<'EOT'
suite: constants
tests:
  - test: these are fine
    skip: true
    steps:
      - exec.signal: SIGSTKFLT
      - exec.signal: 64
      - exec.stop: {signal: "${'KILL'}"}
      - exec.receive: {regex: "${'('}"}
EOT
expect 0 "$RUNNER" check constants.yaml

# what would do nothing, and pass
printf 'suite: x\ntests: [{test: a, steps: []}]\n' | refused no-steps 'no-steps.yaml:2:26: steps: there are no steps'
with '- do: []' | refused no-group 'no-group.yaml:5:13: do: there are no steps'
with '- defer: []' | refused no-deferred 'defer: there are no steps'
with '- background: {as: x, do: []}' | refused no-background 'background: there are no steps'
printf 'suite: x\nkeywords: {k: {steps: []}}\ntests: [{test: a, steps: [my.k: ]}]\n' | refused no-keyword 'steps: there are no steps'
with '- log: x' '  expect: {}' | refused no-expect 'no-expect.yaml:6:17: expect: the map is empty'
with '- log: x' '  retry: {for: 1s, until: {}}' | refused no-until 'until: the map is empty'
with '- log: x' '  each: {i: 5..1}' | refused no-range 'no-range.yaml:6:19: each: i: this is empty'
with '- log: x' '  each: {i: []}' | refused no-rows 'each: i: this is empty'
with '- log: x' '  timeout: 0' | refused no-time 'no-time.yaml:6:18: timeout: with no time at all'
printf 'suite: x\ntimeout: 0s\ntests: [{test: a, steps: [log: x]}]\n' | refused no-suite-time 'timeout: expected a duration'
printf 'suite: x\ntests: [{test: a, skip: "", steps: [log: x]}]\n' | refused no-reason 'skip: the reason is empty'
printf 'suite: x\nkeywords: {k: {steps: [], returns: 1}}\ntests: [{test: a, skip: later, steps: []}, {test: b, steps: [my.k: ]}]\n' > nothing.yaml
expect 0 "$RUNNER" check nothing.yaml

# times without end
with '- log: x' '  timeout: 2562047h' | refused long-step 'long-step.yaml:6:18: timeout: expected a duration of at most 30d'
with '- log: x' '  retry: 31d' | refused long-retry 'long-retry.yaml:6:16: retry: expected a duration of at most 30d'
with '- log: x' '  retry: {for: 2562047h}' | refused long-for 'retry: for: expected a duration of at most 30d'
with '- log: x' '  retry: {for: 1s, every: 2562047h}' | refused long-every 'retry: every: expected a duration of at most 30d'
printf 'suite: x\ntimeout: 2562047h\ntests: [{test: a, steps: [log: x]}]\n' | refused long-suite 'long-suite.yaml:2:10: timeout: expected a duration of at most 30d'
printf 'suite: x\ntests: [{test: a, timeout: 2562047h, steps: [log: x]}]\n' | refused long-test 'timeout: expected a duration of at most 30d'
printf 'suite: x\nroles: {r: {bad.early: , ready: 2562047h}}\ntests: [{test: a, steps: [log: x]}]\n' > long-ready.yaml
expect 2 "$RUNNER" check --plugin-path "$top_builddir/tests/cli/.libs" long-ready.yaml
has err 'long-ready.yaml:2:33: ready: expected a duration of at most 30d'
with '- log: x' > long.yaml
expect 2 "$RUNNER" --timeout 2562047h long.yaml
has err 'at most 30d'
with '- set: {t: 2562047h}' '- {log: x, retry: {for: 1s, every: "${t}"}}' | fails long-computed 'expected a duration of at most 30d'
with '- log: x' '  timeout: 30d' '  retry: {for: 30d, every: 30d}' > longest.yaml
expect 0 "$RUNNER" --timeout 30d -o results longest.yaml

# fields that there are not
with '- check: string.repp("x", 2) == "xx"' | refused library-field 'library-field.yaml:5:23: there is no string.repp; did you mean string.rep?'
with '- log: "${math.tau}"' | refused library-none 'there is no math.tau'
with '- log: "${(function () return table.concatt ({}) end) ()}"' | refused library-inner 'did you mean table.concat?'
with '- exec.run: "true"' '  check: result.stdot == ""' | refused result-field 'result-field.yaml:6:23: unknown field of result "stdot"; did you mean "stdout"?'
load='- load: {users: 1, times: 1, steps: [log: x]}'
with "$load" '  save: {x: $.p96}' | refused load-save 'load-save.yaml:6:19: unknown field in save: the result of load has no "p96"'
with "$load" '  expect: {errorz: 0}' | refused load-expect 'the result of load has no "errorz"; did you mean "errors"?'
with "$load" '  check: result.p98 > 0' | refused load-check 'unknown field of result "p98"'
with "$load" '  expect: {users: 1, iteration: {count: 1}, p95: null, $.steps: {}}' > load-fields.yaml
expect 0 "$RUNNER" check load-fields.yaml
with '- exec.run: "true"' '  save: {x: "${result.exti}"}' | refused result-saved 'unknown field of result "exti"; did you mean "exit"?'
with '- exec.run: "true"' '  expect: {"$.stdot": ""}' | refused result-path 'result-path.yaml:6:18: unknown field in expect: the result of exec.run has no "stdot"; did you mean "stdout"?'
with '- exec.run: "true"' '  retry: {for: 1s, until: {"$.exti": 0}}' | refused until-path 'unknown field in until: the result of exec.run has no "exti"'
with '- first_of: {a: {log: x}, b: {log: y}}' '  check: result.wich == "a"' | refused first-field 'did you mean "which"?'
with '- check: result.exit == 0' | refused no-result 'no-result.yaml:5:16: this step has no result: write `check` beside the verb'
with '- do: [log: x]' '  expect: {exit: 0}' | refused group-result 'expect: the step do has no result'
cat >fields.yaml <<'EOT'
suite: fields
keywords:
  k: {steps: [exec.run: "true"], returns: {x: 1}}
tests:
  - test: these are fine
    steps:
      - exec.run: "true"
        check: [result.stdout == "", 'not has(result, "stdot")', string.len("x") == 1, '("x"):rep(2) == "xx"']
        expect: {"$.stdout": "", "$['exit']": 0, "$..x": {$length: 0}}
      - my.k: {}
        check: result.x == 1
      - check: (function (result) return result.any end) ({any = true})
      - set: {string_like: {repp: 1}}
      - check: string_like.repp == 1
EOT
expect 0 "$RUNNER" -o results fields.yaml

# join: what was started before, by the same thread
with '- join: nobody' | refused join-nobody 'join-nobody.yaml:5:15: join: before this nothing was started in the background as "nobody"'
with '- background: {as: writer, do: [log: x]}' '- join: writr' | refused join-near 'did you mean "writer"'
with '- join: late' '- background: {as: late, do: [log: x]}' | refused join-early '"late"'
with '- background: {as: other, do: [log: x]}' '- parallel: [{join: other}, {log: x}]' | refused join-branch '"other"'
cat >joins.yaml <<'EOT'
suite: joins
keywords:
  begin: {steps: [{background: {as: by-keyword, do: [log: x]}}]}
  finish: {params: {name: {primary: true}}, steps: [join: "${name}", join: by-caller]}
before_each: [{background: {as: first, do: [log: x]}}]
after_each: [{join: by-caller, if: false}]
tests:
  - test: these are fine
    steps:
      - join: first
      - background: {as: by-caller, do: [{background: {as: inner, do: [log: x]}}, {join: inner}]}
      - my.finish: first
      - do: [{join: again, if: n > 1}, {background: {as: again, do: [log: x]}}]
        each: {n: 1..3}
      - defer: [join: last]
      - background: {as: last, do: [log: x]}
      - my.begin: {}
      - join: by-keyword
EOT
expect 0 "$RUNNER" check joins.yaml
cat >run-role.yaml <<'EOT'
suite: x
roles: {shared: {bad.early: {}, scope: run}}
tests: [{test: a, steps: [role.stop: shared, role.kill: {role: shared}, role.log: shared]}]
EOT
expect 2 "$RUNNER" check --plugin-path "$top_builddir/tests/cli/.libs" run-role.yaml
has err 'run-role.yaml:3:38: role.stop: role shared is used by the whole run (scope: run)'
has err 'run-role.yaml:3:64: role.kill: role shared'
lacks err 'role.log: role shared'

# names that would hide each other, and what no step can come to
printf 'suite: x\nvars: {hub: 4}\nroles: {hub: {bad.early: {}}}\ntests: [{test: a, steps: [log: x]}]\n' > hidden.yaml
expect 2 "$RUNNER" check --plugin-path "$top_builddir/tests/cli/.libs" hidden.yaml
has err 'hidden.yaml:2:8: variable "hub" has the name of the role at hidden.yaml:3:9'
printf 'suite: x\nvars: {key: 4}\nsecrets: {key: {env: KEY}}\ntests: [{test: a, steps: [log: x]}]\n' \
  | refused secret-and-variable 'secret-and-variable.yaml:3:11: variable "key" is already defined'
printf 'suite: x\nkeywords: {k: {params: {a: {primary: true}, b: {primary: true}}, steps: [log: x]}}\ntests: [{test: a, steps: [log: x]}]\n' \
  | refused two-primaries 'two-primaries.yaml:2:45: params: a is primary already'
printf 'suite: x\nkeywords: {k: {params: {a: {type: integer, default: abc}}, steps: [log: x]}}\ntests: [{test: a, steps: [log: x]}]\n' \
  | refused default-type 'default: expected integer, got string "abc"'
with '- log: x' '  fails: false' | refused fails-false 'fails-false.yaml:6:16: fails: false says nothing'
with '- log: x' '  fails: 404' | refused fails-number 'a text stands in quotes'
with '- log: x' '  fails: {outcome: passed}' | refused fails-passed 'expected failed or error: a step that passes does not fail'
with '- log: x' '  fails: {mesage: x}' | refused fails-key 'did you mean "message"'

with '- check: "(function() while true do end end)()"' | fails loop 'too long'
with "- set: {x: '\${string.rep(\"x\", 1000000000)}'}" | fails string-rep 'string'
with "- set: {x: '\${table.move({1}, 1, 1000000000, 2)}'}" | fails table-move 'table'
with '- check: "(function() local t = {} for i = 1, 1e9 do t[i] = tostring(i) .. \"xxxxxxxxxxxxxxxxxxxxxxxxxxxx\" end return true end)()"' \
  | fails memory ':'
with '- set: {s: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}' "- check: 'matches(s, \"^(a+)+\$\")'" | fails regex-time 'too'
with '- set: {x: 5}' '- check: x' | fails no-boolean 'integer'
with '- set: {m: {some: 1}}' '- check: m.nothing == 1' | fails absent 'nothing'
with '- set: {l: [1, 2]}' '- check: l[0] == 1' | refused index-zero '1'

# escapes from the sandbox: none of these names is there
for escape in 'os.execute("id")' 'io.open("/etc/passwd")' 'require("os")' 'load("return 1")()' 'debug.getregistry()' \
  'dofile("/etc/passwd")' 'package.path' 'collectgarbage()' '_G.os' 'getmetatable("").__index'; do
  with "- set: {x: '\${$escape}'}" > escape.yaml
  got=0
  timeout 60 "$RUNNER" -o results escape.yaml >out 2>err || got=$?
  [ "$got" = 1 ] || [ "$got" = 2 ] || [ "$got" = 3 ] || fail "$escape: exit $got"
done

# plugins that are none
mkdir plugins
echo 'not a shared object' > plugins/runner-text-plugin.so
printf 'int nothing;\n' > nothing.c
printf '#include <runner-plugin.h>\nstatic const struct runner_plugin t = { .magic = RUNNER_ABI_MAGIC, .abi_major = 99 };\nRUNNER_API const struct runner_plugin *runner_plugin_entry (void) { return &t; }\n' > major.c
if command -v cc >/dev/null 2>&1; then
  cc -shared -fPIC -o plugins/runner-nothing-plugin.so nothing.c
  cc -shared -fPIC -I"$top_srcdir/core" -o plugins/runner-major-plugin.so major.c
  with '- nothing.verb: ' > nothing.yaml
  expect 2 "$RUNNER" --plugin-path "$tmp/plugins" nothing.yaml
  has err 'no plugin of runner'
  with '- major.verb: ' > major.yaml
  expect 2 "$RUNNER" --plugin-path "$tmp/plugins" major.yaml
  has err 'interface 99.0'
fi
with '- text.verb: ' > text.yaml
expect 2 "$RUNNER" --plugin-path "$tmp/plugins" text.yaml
has err 'runner-text-plugin.so'
# never from the current folder
cd plugins
with '- text.verb: ' > text.yaml
expect 2 "$RUNNER" text.yaml
has "$tmp/err" 'there is no plugin "text"'
cd ..

# every fault of ten broken files in one go
n=0
for i in 1 2 3 4 5 6 7 8 9 10; do
  printf 'suite: s%s\nbogus: 1\ntests:\n  - test: a\n    stpes: []\n' "$i" > "many$i.yaml"
done
expect 2 "$RUNNER" check many*.yaml
n=$(grep -cE '^many[0-9]+\.yaml:[0-9]+:[0-9]+: ' err)
[ "$n" -ge 30 ] || fail "only $n faults of 30 are told"
