#!/bin/sh
# html.sh - the HTML report: valid, complete, harmless, readable under a strict content security
# policy, with links that lead somewhere and pages that stay small.
. "${0%/*}/functions.sh"
requires xmllint
requires_plugin exec

# check_report FOLDER: what holds for every report.
check_report ()
{
  for page in "$1"/*.html; do
    if command -v tidy >/dev/null 2>&1; then
      tidy -q -e -utf8 "$page" >err 2>&1 || fail "$page is not valid HTML"
    fi
    for word in '<script' '<style' ' style="' ' onerror="' ' onload="' '="http' '="//' '<iframe' '<object'; do
      lacks "$page" "$word"
    done
    if LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$page"; then fail "$page has control characters"; fi
    [ "$(wc -c <"$page")" -lt 2000000 ] || fail "$page is large"
    grep -q '<html lang="en">' "$page" || fail "$page does not tell its language"
    check_links "$1" "$page"
  done
  xmllint --noout "$1"/*.svg 2>err || fail "a picture is no XML"
  for picture in "$1"/*.svg; do
    if grep -qE '<script|href|url\(|@import|<foreignObject' "$picture"; then fail "$picture loads something"; fi
  done
  if grep -qE 'url\(|@import' "$1/style.css"; then fail "the style loads something"; fi
  for file in "$1"/* "$1"/.[!.]*; do
    [ -e "$file" ] || continue
    case ${file##*/} in *.html | *.svg | style.css) ;; *) fail "$file is left in the report" ;; esac
  done
  if ! command -v tidy >/dev/null 2>&1; then
    echo "html.sh: THERE IS NO tidy: it was not tried whether the pages are valid HTML"
  fi
}

# check_links FOLDER PAGE: each link leads to a file, and to a place in it.
check_links ()
{
  grep -oE '(href|src)="[^"]*"' "$2" | sed 's/^[a-z]*="//; s/"$//; s/%20/ /g' | sort -u >links
  while read -r link; do
    file=${link%%#*}
    [ -f "$1/$file" ] || fail "$2 leads to $link, which is not there"
    case $link in
      *'#'*) grep -qF "id=\"${link#*#}\"" "$1/$file" || fail "$2 leads to $link: the place is not there" ;;
    esac
  done <links
}

# a run makes one, with what failed, role logs and a secret in it
cat >mixed.yaml <<'END'
suite: "mixed <script>alert(1)</script>"
secrets: {word: {env: SECRET_WORD}}
tests:
  - test: good
    steps: [{check: 1 == 1}, {check: 2 == 2}]
  - test: "bad <img src=x onerror=alert(1)> & 'quoted'"
    steps:
      - exec.run: {shell: 'printf "\033[31mred </pre><script>alert(2)</script> $WORD \377\n"; exit 3', env: {WORD: "${word}"}}
  - test: says the secret
    steps: [{fail: "it is ${word}"}]
  - test: left out
    skip: no time
    steps: [{check: 1 == 1}]
END
export SECRET_WORD=hunter-two-hundred
expect 1 "$RUNNER" mixed.yaml
check_report test-results/report
page=test-results/report/suite-0-mixed.html
for name in '>good<' '>bad &lt;img src=x onerror=alert(1)&gt; &amp; &#39;quoted&#39;<' '>says the secret<' '>left out<'; do
  has "$page" "$name"
done
has "$page" '\x1b[31mred &lt;/pre&gt;&lt;script&gt;'
has "$page" 'it is ***'
if grep -rqF hunter-two-hundred test-results/report; then fail "the secret is in the report"; fi
has test-results/report/index.html '2 of 4 failed'
has "$page" '<span class="reason">no time</span>'

# the same again from the events, elsewhere too
cp -r test-results/report first
expect 1 "$RUNNER" report test-results --html test-results/report
diff -r first test-results/report >err || fail "the report made again differs"
expect 1 "$RUNNER" report test-results --html pages
[ ! -s out ] || fail "another report was printed"
check_report pages

# a run with loads, a crash, flaky tests; what its pages lead to is not here
mkdir other
expect 3 "$RUNNER" report "$top_srcdir/tests/cli/report.jsonl" --html other/report
check_report other/report
for text in 'a wrong password is refused' 'the worker crashed with SIGSEGV' 'around its tests' '500 users log in' 'passed at attempt 2' \
    '<span>the test checks nothing</span>'; do
  has other/report/index.html "$text"
done
[ "$(cat other/report/suite-*.html | grep -o ' id="t[0-9]*"' | wc -l)" = 31 ] || fail "not every test is there"
grep -q 'load-2-0-1-0-times.svg' other/report/suite-2-suites.load.html || fail "the load has no picture"

# a run that is killed amid a load: what its seconds told is there
cat >cut.yaml <<'END'
suite: cut off
tests:
  - test: killed
    steps:
      - load: {users: 2, for: 5m, steps: [{sleep: 3ms, name: one}, {sleep: 9ms, name: two}]}
        name: the crowd
    timeout: 6m
  - test: never
    steps: [{check: 1 == 1}]
END
"$RUNNER" -o cut cut.yaml >out 2>err &
pid=$!
two_samples ()
{
  [ -f cut/events.jsonl ] && [ "$(grep -c '"event":"sample"' cut/events.jsonl)" -ge 2 ]
}
wait_for "the load has told two seconds" two_samples
kill -9 "$pid"
wait "$pid" 2>err || :
expect 3 "$RUNNER" report cut --html cut/report --junit cut/junit.xml --console
has out ': the run was broken off while it ran, after '
has out '     1  not run: the run was broken off'
check_report cut/report
page=cut/report/suite-0-cut.html
has "$page" '<span class="badge notrun">broken off</span> <span class="name">killed</span>'
has "$page" '<p class="label">load the crowd: '
has "$page" ', closed model: broken off after '
has "$page" '<li>for <code>5m</code></li>'
[ "$(grep -c '"event":"sample".*"loads":' cut/events.jsonl)" = 1 ] || fail "what the load is, is not told once"
has "$page" '<caption>Over time: two</caption>'
[ -f cut/report/load-0-0-1-0-p95.svg ] || fail "there is no picture of its steps"
grep -q 'name="killed".* time="[1-9].*not run: the run was broken off while it ran, after ' cut/junit.xml || fail "junit.xml does not tell"

# the end of a long log begins with a line
cat >log.yaml <<'END'
suite: log
tests:
  - test: much is said
    steps:
      - exec.start: {shell: 'i=0; while [ $i -lt 300 ]; do i=$((i + 1)); printf "line %0100d\n" $i; done; echo ready; exec sleep 100'}
      - exec.wait: {line: ready}
      - fail: see the log
END
expect 1 "$RUNNER" -o log log.yaml
sed -n '/<pre class="log">/,/<\/pre>/p' log/report/suite-0-log.html | sed 's/<pre class="log">//; s/<\/pre>.*//' >lines
[ "$(wc -l <lines)" -gt 100 ] || fail "the log is not there"
if grep -vxE 'line [0-9]{100}|ready' lines >out; then fail "a line is cut"; fi

# attachments below the output folder are links
cat >roles.yaml <<'END'
suite: roles
roles:
  hub: {tcp-device.stack: {}}
tests:
  - test: bad
    steps: # what the hub says of the device is in its log, which is then shown
      - tcp.connect: "${hub.device}"
      - tcp.send: "@1,name@"
      - role.log: hub
        expect: {text: {$contains: connected}}
        retry: 20s
      - fail: see the log
END
if [ "$("$RUNNER" plugins --names | grep -cx -e tcp-device -e tcp)" = 2 ]; then
  expect 1 "$RUNNER" -o "with blank/out" roles.yaml
  check_report "with blank/out/report"
  has "with blank/out/report/suite-0-roles.html" '<li><a href="../logs/roles/'
fi

# 10,000 tests: all are there, in pages of some size
{
  echo 'suite: many'
  echo 'tests:'
  i=0
  while [ "$i" -lt 10000 ]; do
    echo "  - {test: number $i, steps: [check: $((i % 1000)) ~= 7]}"
    i=$((i + 1))
  done
} >many.yaml
expect 1 "$RUNNER" -q -o many many.yaml
[ "$(cat many/report/suite-*.html | grep -o ' id="t[0-9]*"' | sort -u | wc -l)" = 10000 ] || fail "not every test is there"
for page in many/report/*.html; do
  [ "$(wc -c <"$page")" -lt 700000 ] || fail "$page is large"
done
[ "$(find many/report -name '*.html' | wc -l)" -lt 60 ] || fail "there are too many pages"
has many/report/index.html '10 of 10000 failed'
grep -q '>number 9007<' many/report/suite-0-many.html || fail "what failed is not on the first page"
check_links many/report many/report/index.html

# smaller than before: pages of the run before are gone
expect 1 "$RUNNER" -o many mixed.yaml
[ ! -e many/report/suite-0-many.html ] || fail "a page of the run before is still there"

# it cannot be written
expect 3 "$RUNNER" report test-results --html mixed.yaml/report
has err 'the report html is lost: '
expect 2 "$RUNNER" report test-results --html
expect 0 "$RUNNER" report --help
has out '--html DIR'

# the console names the report, unless it is to be quiet or the report is lost
printf 'suite: named\ntests: [{test: t, steps: [check: true]}]\n' >named.yaml
expect 0 "$RUNNER" -o named named.yaml
[ "$(tail -n 2 out | head -n 1)" = 'report: named/report/index.html' ] || fail "the report is not named before the last line"
[ -e named/report/index.html ] || fail "what was named is not there"
expect 0 "$RUNNER" -q -o named named.yaml
lacks out 'report:'
expect 0 "$RUNNER" --tap -o named named.yaml
lacks out 'report:'
rm -r named/report
touch named/report
expect 3 "$RUNNER" -o named named.yaml
lacks out 'report:'
has err 'the report html is lost'
