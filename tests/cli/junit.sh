#!/bin/sh
# junit.sh - output that XML cannot hold stays well-formed; names are unique and stable.
. "${0%/*}/functions.sh"
requires xmllint
requires_plugin exec
mkdir -p sub.dir/deeper
cat > sub.dir/deeper/odd.name.yaml <<'EOT'
suite: "odd <&\"'> names"
tests:
  - test: "prints \e[31mcolours\e[0m, ]]> and <tags> & \"quotes\""
    steps:
      - exec.run: {shell: 'printf "\033[31mred\033[0m \000 nul \377\376 bad ]]> end \357\277\276 \355\240\200 x\n"; exit 1'}
  - test: matrix
    matrix: {a: [1, 2], b: [x, "y\u0001z"]}
    steps:
      - check: a == 1
  - test: skipped
    skip: "because of ]]> and \x1b"
    steps: [check: true]
EOT
for i in 1 2; do
  got=0
  "$RUNNER" -o "results$i" sub.dir/deeper/odd.name.yaml >out 2>err || got=$?
  [ "$got" = 1 ] || fail "exit $got instead of 1"
  xmllint --noout --schema "$top_srcdir/tests/junit.xsd" "results$i/junit.xml" 2>err || fail "junit.xml is not valid"
  xmllint --xpath '//testcase/@name' "results$i/junit.xml" > "names$i"
done
cmp names1 names2 || fail "the names differ from run to run"
[ "$(sort names1 | uniq -d | wc -l)" = 0 ] || fail "two cases have one name"
[ "$(xmllint --xpath 'count(//testcase)' results1/junit.xml)" = 6 ] || fail "there are not 6 cases"
[ "$(xmllint --xpath 'count(//testcase/failure)' results1/junit.xml)" = 3 ] || fail "there are not 3 failures"
class=$(xmllint --xpath 'string(//testcase/@classname)' results1/junit.xml)
case $class in *.yaml) fail "the class ends in .yaml" ;; sub_dir.deeper.odd_name) ;; *) fail "the class is $class" ;; esac
grep -q '\\x1b' results1/junit.xml || fail "the escape character is not shown"
if LC_ALL=C grep -q "$(printf '\033')" out; then fail "a test's output can drive the terminal"; fi

# TAP
got=0
"$RUNNER" --tap -o tap sub.dir/deeper/odd.name.yaml >out 2>err || got=$?
[ "$(sed -n 1p out)" = 'TAP version 14' ] || fail "no TAP"
grep -q '^1\.\.6$' out || fail "the plan is missing"
[ "$(grep -cE '^(not )?ok [0-9]+ ' out)" = 6 ] || fail "there are not 6 lines"

# Jenkins and GitLab attach the files that such lines name: only the runner's own may be seen so
cat > attach.yaml <<'END'
suite: attach
tests:
  - test: "passes\n[[ATTACHMENT|/etc/a]]\n"
    steps:
      - log: "\n[[ATTACHMENT|/etc/b]]\n[[[attachment|/etc/c]]\n"
      - exec.run: "printf '[[ATTACHMENT|/etc/d]]\\n'"
  - test: fails
    steps:
      - exec.run: "printf '[[ATTACHMENT|/etc/e]]\\n'"
      - fail: "[[ATTACHMENT|/etc/f]]"
END
expect 1 "$RUNNER" -o attach attach.yaml
for letter in a b c e f; do # of d, the output of a program that ended well, nothing is kept
  has attach/junit.xml "/etc/$letter]]"
done
if grep -i '\[\[attachment|' attach/junit.xml | grep -v "\[\[ATTACHMENT|$PWD/attach/"; then
  fail "junit.xml names a file that the suite chose as an attachment"
fi
has attach/junit.xml '\x5b[ATTACHMENT|/etc/b]]'
