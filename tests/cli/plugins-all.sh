#!/bin/sh
# plugins-all.sh - what must hold of every plugin that is built here: it loads, says all of
# itself, has a manual and suites that check, shows one symbol and needs none that is missing.
. "${0%/*}/functions.sh"
requires nm ldd awk

# Reads what `runner plugins NAME` prints; tells every line that should not be so.
cat >faults.awk <<'EOT'
function fault(text) { print NR ": " text ": " line; faults = 1 }
function help(text) {
  if (text == "") fault("no help")
  else if (text ~ /\.$/) fault("help with a final stop")
  else if (text ~ /^[ \t]|[ \t]$/) fault("help with blanks around it")
}
{ line = $0 }
wanted { # the line below a parameter's, a result's or an export's
  wanted = 0
  if ($0 !~ /^        [^ ]/) fault("no help above")
  else help(substr($0, 9))
  next
}
NR == 1 { if ($0 !~ /^[a-z0-9_-]+ [^ ]+: /) fault("no head"); sub(/^[^:]*: */, ""); help($0); next }
NR == 2 { if ($0 !~ /\(interface [0-9]+\.[0-9]+\)$/) fault("no interface"); next }
/^$/ { next }
/^(role )?[a-z0-9_-]+\.[a-z][a-z0-9_]*: / { sub(/^[^:]*: /, ""); help($0); next }
/^  (parameters|exports|result|result, among others):$/ { next }
/^  parameters and results are those of / { next }
/^    [a-z][a-z0-9_]* \([^()]*(\([^()]*\)[^()]*)*\)$/ { if (/unknown/) fault("unknown type"); wanted = 1; next }
{ fault("no line of a table (a help of several lines?)") }
END { if (wanted) fault("no help at the end"); exit faults }
EOT

tables ()
{
  expect 0 "$RUNNER" plugins "$1"
  awk -f faults.awk out >err || fail "$1: its tables have faults"
  verbs=$("$RUNNER" plugins --verbs "$1")
  roles=$("$RUNNER" plugins --roles "$1")
  [ -n "$verbs$roles" ] || fail "$1 has neither verbs nor roles"
  doubles=$(printf '%s\n' $verbs | sort | uniq -d)$(printf '%s\n' $roles | sort | uniq -d)
  [ -z "$doubles" ] || fail "$1: twice the same name: $doubles"
  for each in $verbs $roles; do
    case $each in "$1".[a-z]*) ;; *) fail "$1 has $each" ;; esac
  done
  for role in $roles; do
    expect 0 "$RUNNER" role "$role" --help
    has out --ready-file
  done
}

# The manual: its head, its generated section, and a word about every verb and role.
manual ()
{
  pod=$top_srcdir/plugins/$1/runner-$1-plugin.pod
  [ -s "$pod" ] || fail "$1 has no manual $pod"
  awk -v name="$1" '/^=head1 NAME$/ { getline; getline; found = index($0, "runner-" name "-plugin - ") == 1 }
    END { exit !found }' "$pod" || fail "$pod does not begin with NAME and runner-$1-plugin - …"
  for line in '=head1 SYNOPSIS' '=head1 DESCRIPTION' '=for runner parameters'; do
    [ "$(grep -cxF "$line" "$pod")" = 1 ] || fail "$pod does not have one line $line"
  done
  expect 0 "$RUNNER" plugins --pod "$1"
  cp out parameters.pod
  for each in $verbs $roles; do
    grep -q "$each" parameters.pod || fail "--pod $1 says nothing about $each"
    # `tcp.send`, or `send` in a list of verbs
    grep -qE "(^|[^a-z_-])(${1}\.)?${each#*.}([^a-z_]|\$)" "$pod" || fail "$pod says nothing about $each"
  done
  if command -v podchecker >/dev/null 2>&1; then
    sed -e '/^=for runner parameters$/{r parameters.pod' -e 'd;}' "$pod" >whole.pod
    expect 0 podchecker whole.pod
    lacks err WARNING
  fi
}

schema ()
{
  expect 0 "$RUNNER" schema "$1"
  for each in $verbs $roles; do
    has out "\"$each\""
  done
  if command -v python3 >/dev/null 2>&1; then
    python3 -c 'import json, sys; json.load (sys.stdin)' <out 2>err || fail "schema $1 is no JSON"
  fi
}

# Its own suites, and those in suites/ that name it, are right as they are written.
suites ()
{
  found=
  for suite in "$top_srcdir/plugins/$1/tests"/*.yaml "$top_srcdir"/suites/*.yaml; do
    [ -e "$suite" ] || continue
    grep -q '^suite:' "$suite" || continue
    case $suite in
      "$top_srcdir"/plugins/*) ;;
      *) grep -qE "(^|[^a-z_-])$1\.[a-z]" "$suite" || continue ;;
    esac
    found=yes
    needs_left_out "$suite" || expect 0 "$RUNNER" check "$suite"
  done
  [ -n "$found" ] || fail "$1 has no suite of its own"
}

symbols ()
{
  so=$("$RUNNER" plugins "$1" | sed -n '2s/^  \(.*\) (interface .*/\1/p')
  [ -r "$so" ] || fail "$1: there is no file $so"
  nm -D --defined-only "$so" | awk '{ sub(/@.*/, "", $NF); print $NF }' | grep -vE "$tools" >shown || :
  [ "$(cat shown)" = runner_plugin_entry ] || fail "$1 shows more than its entry: $(tr '\n' ' ' <shown)"
  # ldd -r tells what no library has: that must be ours, and there
  ldd -r "$so" 2>&1 | sed -n 's/^undefined symbol: *\([^ \t,]*\).*/\1/p' | sort -u | grep -vE "$tools" >needed || :
  missing=$(grep -vxFf exported needed | tr '\n' ' ' || :)
  [ -z "$missing" ] || fail "$1 needs what nobody has: $missing"
}

# What the sanitizers put into everything.
tools='^__?(asan|tsan|ubsan|msan|lsan|sanitizer|sancov|odr_asan)'
nm -D --defined-only "$RUNNER" | awk '{ print $NF }' | grep '^runner_' | sort >exported
[ -s exported ] || fail "the program exports nothing"

# The interface, function by function: each is there, and nothing else is.
sed -n 's/^.*RUNNER_API .*[ *]\(runner_[a-z_]*\) (.*/\1/p' "$top_srcdir/core/runner-plugin.h" \
  | grep -vx runner_plugin_entry | sort >declared
cmp declared exported >/dev/null || fail "header and program differ: $(diff declared exported | grep '^[<>]' | tr '\n' ' ')"

names=$("$RUNNER" plugins --names)
[ -n "$names" ] || fail "there are no plugins"
# all whose folder was built
for folder in "$top_builddir"/plugins/*/.libs; do
  [ -d "$folder" ] || continue
  name=${folder%/.libs}
  name=${name##*/}
  [ -e "$folder/runner-$name-plugin.so" ] || continue
  printf '%s\n' "$names" | grep -qx -e "$name" || fail "$name is built, but not listed"
done
for name in $names; do
  tables "$name"
  manual "$name"
  schema "$name"
  suites "$name"
  symbols "$name"
done
