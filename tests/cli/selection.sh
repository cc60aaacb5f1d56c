#!/bin/sh
# selection.sh - which tests run, in which order, how many at once; retries, targets.
. "${0%/*}/functions.sh"
requires_plugin exec
for s in a b c d; do
  {
    printf 'suite: suite %s\ntags: [%s]\ntests:\n' "$s" "$s"
    for i in 1 2 3 4 5 6 7 8 9; do
      printf '  - {test: "%s%s", tags: [odd%s], steps: [check: true]}\n' "$s" "$i" "$((i % 2))"
    done
  } > "$s.yaml"
done
all='a.yaml b.yaml c.yaml d.yaml'

# shellcheck disable=SC2086
names () { "$RUNNER" list "$@" $all | sed 's/.*: //'; }
[ "$(names | wc -l)" = 36 ] || fail "list does not show 36 tests"
[ "$(names -k b1)" = b1 ] || fail "-k"
[ "$(names --tag a | wc -l)" = 9 ] || fail "--tag"
[ "$(names --tag a --tag '!odd1' | wc -l)" = 4 ] || fail "--tag !"
[ "$(names --where 'suite == "suite c" and matches(name, "[12]$")' | wc -l)" = 2 ] || fail "--where"
expect 2 "$RUNNER" list --where 'nonsense ==' a.yaml
expect 2 "$RUNNER" list --where '1' a.yaml

# shards: together each test once, and the same whatever the order of files
for i in 1 2 3; do names --shard "$i/3"; done | sort > shards
names | sort > whole
cmp shards whole || fail "the shards are not the whole"
CI_NODE_INDEX=2 CI_NODE_TOTAL=3 names > from-environment
names --shard 2/3 | cmp - from-environment || fail "CI_NODE_INDEX"
JOB_COMPLETION_INDEX=1 JOB_COMPLETIONS=3 names | cmp - from-environment || fail "JOB_COMPLETION_INDEX"
SLURM_ARRAY_TASK_ID=6 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=5 names | cmp - from-environment || fail "SLURM"
expect 2 "$RUNNER" list --shard 4/3 a.yaml

# the total alone on the command line: Kubernetes tells the index only
JOB_COMPLETION_INDEX=1 names --shard /3 | cmp - from-environment || fail "--shard /3 with JOB_COMPLETION_INDEX"
CI_NODE_INDEX=2 names --shard /3 | cmp - from-environment || fail "--shard /3 with CI_NODE_INDEX"
CI_NODE_INDEX=2 CI_NODE_TOTAL=9 names --shard /3 | cmp - from-environment || fail "--shard /3 with another total"
SLURM_ARRAY_TASK_ID=6 SLURM_ARRAY_TASK_MIN=5 names --shard /3 | cmp - from-environment || fail "--shard /3 with SLURM"
JOB_COMPLETION_INDEX=1 expect 0 "$RUNNER" list --shard /3 a.yaml
[ ! -s err ] || fail "a complete shard gives a warning"
expect 2 "$RUNNER" list --shard /3 a.yaml
has err '--shard /3 leaves the part to the environment, and there is no CI_NODE_INDEX, JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID'
JOB_COMPLETION_INDEX=3 expect 2 "$RUNNER" list --shard /3 a.yaml
has err 'JOB_COMPLETION_INDEX=3 is none of 3 parts'
JOB_COMPLETION_INDEX=x expect 2 "$RUNNER" list --shard /3 a.yaml
JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=3 expect 2 "$RUNNER" list a.yaml
has err 'JOB_COMPLETION_INDEX=3 is none of 3 parts'
JOB_COMPLETION_INDEX=0 JOB_COMPLETIONS=x expect 2 "$RUNNER" list a.yaml
has err 'JOB_COMPLETIONS=x'
for wrong in / /0 /x 1/ 3 /3/3 '/ 3' -1/3 +1/3 ' 1/3'; do
  JOB_COMPLETION_INDEX=1 expect 2 "$RUNNER" list --shard "$wrong" a.yaml
  has err "got \"$wrong\""
done

# an index alone: all tests are run, and that is told
for index in CI_NODE_INDEX JOB_COMPLETION_INDEX SLURM_ARRAY_TASK_ID; do
  expect 0 env "$index=1" "$RUNNER" list a.yaml
  [ "$(wc -l <out)" = 9 ] || fail "$index alone leaves tests out"
  [ "$(wc -l <err)" = 1 ] || fail "$index alone: not one warning"
  has err "runner list: $index=1 is set without"
  has err 'all tests'
  expect 0 env "$index=1" "$RUNNER" list --shard 1/1 a.yaml
  [ ! -s err ] || fail "a warning in spite of --shard 1/1"
done

# shuffle: the seed reproduces, and changes the order
names --shuffle=7 > one
names --shuffle=7 | cmp - one || fail "--shuffle=7 twice"
if names | cmp -s - one; then fail "--shuffle=7 is as written"; fi
sort one | cmp - whole || fail "--shuffle loses tests"

# -j 4 over 40 suites gives the same results as -j 1, with no more than four of them at once
mkdir many
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
  printf 'suite: number %s\ntests:\n  - test: waits\n    steps: [sleep: 50ms, check: %s ~= 7]\n' "$i" "$i" > "many/$i.yaml"
done
results () { grep '"event":"test"' "$1/events.jsonl" | sed 's/.*"suite":\([0-9]*\).*"name":"\([^"]*\)".*"outcome":"\([a-z]*\)".*/\1 \2 \3/' | sort; }
# at_once FOLDER: how many suites ran at the same time, at most
at_once ()
{
  sed -n 's/.*"event":"suite_end".*"start_us":\([0-9]*\),"duration_us":\([0-9]*\).*/\1 \2/p' "$1/events.jsonl" \
    | awk '{ printf "%.0f 1\n%.0f -1\n", $1, $1 + $2 }' | sort -k1,1n -k2,2n \
    | awk '{ now += $2; if (now > most) most = now } END { print most + 0 }'
}
expect 1 "$RUNNER" -j 1 -o j1 many
expect 1 "$RUNNER" -j 4 -o j4 many
results j1 > r1
results j4 > r4
cmp r1 r4 || fail "-j 4 has other results"
[ "$(wc -l < r1)" = 40 ] || fail "there are not 40 results"
[ "$(at_once j1)" = 1 ] || fail "-j 1 ran $(at_once j1) suites at once"
[ "$(at_once j4)" -le 4 ] || fail "-j 4 ran $(at_once j4) suites at once"
# and four there are: each of these waits for the others
mkdir four
for i in 1 2 3 4; do
  cat >"four/$i.yaml" <<EOT
suite: one of four
tests:
  - test: waits
    steps:
      - exec.run: {shell: ': >here.$i; until [ "\$(ls here.* | wc -l)" = 4 ]; do sleep 0.05; done'}
        timeout: 60s
EOT
done
expect 0 "$RUNNER" -j 4 -o j4 four

# last-failed, retries, repeat, fail-fast
expect 1 "$RUNNER" -o j1 --last-failed many
[ "$(results j1 | wc -l)" = 1 ] || fail "--last-failed ran more than the failed test"
cat > flaky.yaml <<'EOT'
suite: flaky
vars: {count: /tmp}
tests:
  - test: passes the second time
    retries: 2
    steps:
      - exec.run: {shell: 'echo x >> "$COUNT"; test $(wc -l < "$COUNT") -ge 2'}
EOT
COUNT="$tmp/count" expect 0 "$RUNNER" -o flaky flaky.yaml
grep -q '<flakyFailure' flaky/junit.xml || fail "the flaky failure is not told"
expect 0 "$RUNNER" -o repeat --repeat 3 a.yaml
[ "$(results repeat | wc -l)" = 27 ] || fail "--repeat 3"
cat > third.yaml <<'EOT'
suite: third
tests:
  - test: fails the third time
    steps: [exec.run: {shell: 'echo x >> times; test $(wc -l < times) -ne 3'}]
  - {test: passes, steps: [check: true]}
EOT
expect 1 "$RUNNER" -o third --repeat 4 third.yaml
expect 0 "$RUNNER" -o third --last-failed third.yaml
[ "$(results third)" = '0 fails the third time passed' ] || fail "--last-failed after --repeat: $(results third)"
expect 1 "$RUNNER" -o fast --fail-fast many
grep -q '"outcome":"not_run"' fast/events.jsonl || fail "--fail-fast ran everything"

# what runs beside the first failure is ended, and says why
mkdir beside
cat >beside/fails.yaml <<EOT
suite: fails
tests:
  - test: fails
    steps:
      - exec.run: {shell: 'until [ -e "$tmp/begun" ]; do sleep 0.05; done'}
        timeout: 60s
      - fail: first
EOT
cat >beside/goes-on.yaml <<EOT
suite: goes on
tests:
  - test: goes on
    steps:
      - exec.run: {shell: 'echo >"$tmp/begun"; exec sleep 60'}
        timeout: 60s
  - test: comes later
    steps: [log: later]
EOT
expect 1 "$RUNNER" -v -j 2 --fail-fast -o beside/results beside
has out 'stopped after the first failure (--fail-fast): cancelled while waiting for the command to end'
lacks out 'interrupted'
lacks beside/results/junit.xml 'interrupted'

# variables and targets
cat > var.yaml <<'EOT'
suite: var
vars: {x: 1}
tests: [{test: a, steps: [check: x == 5]}]
EOT
expect 1 "$RUNNER" -o var var.yaml
expect 0 "$RUNNER" -o var --var x=5 var.yaml
expect 2 "$RUNNER" -o var --var y=5 var.yaml
has err 'no suite has a variable y'

# a text stays a text, what has another type keeps it
cat > types.yaml <<'EOT'
suite: types
vars: {version: "1.9", id: "0012", n: 5, pi: 3.1, on: true, none: null, part: 9, made: "1.${part}", whole: "${part}"}
tests:
  - test: types
    steps:
      - exec.run: {argv: [printf, "%s", "${to_json ({version, id, n, pi, on, none, made, whole})}"]}
        expect: {stdout: {$exact: "${env ('WANTED')}"}}
EOT
WANTED='["1.9","0012",5,3.1,true,null,"1.9",9]' expect 0 "$RUNNER" -o var types.yaml
WANTED='["1.10","1e3",6,4,false,7,"1.10","x"]' expect 0 "$RUNNER" -o var types.yaml --var version=1.10 --var id=1e3 \
  --var n=abc --var n=6 --var pi=4 --var on=false --var none=7 --var made=1.10 --var whole=x
WANTED='["","true",5,3.1,true,"x","null",1.5]' expect 0 "$RUNNER" -o var types.yaml --var version= --var id=true \
  --var none=x --var made=null --var whole=1.5
for given in n=abc n=1.5 n= pi=x on=1 on=yes; do
  expect 2 "$RUNNER" -o var types.yaml --var "$given"
  has err "--var ${given%%=*}: expected a"
  grep -qE '^types\.yaml:2:[0-9]+: ' err || fail "--var $given: the message has no place"
done
expect 2 "$RUNNER" list types.yaml --var n=abc
has err 'types.yaml:2:39: --var n: expected an integer, as it is here, got string "abc"'

expect 2 "$RUNNER" -o var --target hub.web=x var.yaml
has err 'no suite has a role hub'
if "$RUNNER" plugins --names | grep -qx tcp-device; then
  printf 'suite: t\nroles: {hub: {tcp-device.stack: {}}, dev: {tcp-device.device: {id: 1}}}\ntests: [{test: a, steps: [log: "${hub.device}"]}]\n' >target.yaml
  expect 0 "$RUNNER" list --target hub.device=lab:1 --target hub.web=x target.yaml
  expect 0 "$RUNNER" list --target hub.device=unix:/lab --target hub.web=x target.yaml
  for wrong in lab lab: lab:0 lab:x '' :; do
    expect 2 "$RUNNER" list --target "hub.device=$wrong" --target hub.web=x target.yaml
    has err "--target: hub.device: expected host:port, [v6]:port or unix:/path, got \"$wrong\""
  done
  expect 2 "$RUNNER" list --target hub.device=lab:1 --target hub.web=x --target hub.device=lab:2 target.yaml
  has err '--target: hub.device is given twice'
  expect 2 "$RUNNER" list --target dev.id=x target.yaml
  has err '--target: dev.id: expected an integer, got "x"'
  expect 0 "$RUNNER" list --target dev.id=77 target.yaml
fi
expect 2 "$RUNNER" --shufle a.yaml
has err 'did you mean --shuffle'

# a folder that cannot be one, or cannot be written, is told before anything runs
: >a-file
ln -s nowhere/at/all a-link
for folder in a-file a-file/below /proc /proc/below a-link; do
  expect 2 "$RUNNER" -o "$folder" a.yaml
  has err "$folder"
  [ ! -s out ] || fail "-o $folder: tests were run"
done

# names cannot drive a terminal, and are each on a line of their own
printf 'suite: x\ntests: [{test: t, matrix: {a: ["x\\ny", "\\e[31mz", "\\u202e"]}, steps: [check: a]}]\n' >names.yaml
expect 0 "$RUNNER" list names.yaml
[ "$(wc -l <out)" = 3 ] || fail "not each test is on one line"
has out '\x1b[31mz'
has out '\u202e'
if LC_ALL=C grep -q "$(printf '\033')" out; then fail "a test's name can drive the terminal"; fi

# a run that did not begin leaves no report of the one before
expect 0 "$RUNNER" -o stale a.yaml
[ -f stale/junit.xml ] || fail "there is no report"
printf 'suite: x\ntests: [{test: a, timeout: 0, steps: [log: x]}]\n' > broken.yaml
expect 2 "$RUNNER" -o stale broken.yaml
has err 'and not 0'
[ ! -e stale/junit.xml ] || fail "the old report is still there"

# a folder: what is in its folders too; no libraries, nothing hidden, no circles
mkdir -p deep/b/c deep/a deep/.hidden empty
for file in deep/z.yaml deep/a/x.yaml deep/b/c/y.yaml deep/.hidden/w.yaml; do
  printf 'suite: x\ntests: [{test: t, steps: [check: 1 < 2]}]\n' >"$file"
done
ln -s .. deep/b/loop
printf 'library: l\nkeywords: {k: {steps: [{log: "${hub.web}"}, {my.other: 1}]}}\n' >deep/b/l.library.yaml
expect 0 "$RUNNER" list deep
[ "$(cat out)" = "deep/a/x.yaml: t
deep/b/c/y.yaml: t
deep/z.yaml: t" ] || fail "these are not the suites below a folder"
expect 2 "$RUNNER" list empty
has err 'empty: there is no suite (*.yaml) in this folder, nor below it'

# a library alone is checked, as far as that depends on nobody else, but not run
expect 0 "$RUNNER" check deep/b/l.library.yaml
has out '1 library: no fault'
echo 'before_each: [{lgo: 1}, {log: "${1 +}"}]' >>deep/b/l.library.yaml
expect 2 "$RUNNER" check deep/b/l.library.yaml
has err 'l.library.yaml:3:16: unknown verb or modifier "lgo"'
has err 'l.library.yaml:3:34: unexpected symbol'
expect 2 "$RUNNER" deep/b/l.library.yaml
