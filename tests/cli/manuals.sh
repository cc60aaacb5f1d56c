#!/bin/sh
# manuals.sh - runner(1) knows every command and option, every plugin has a manual, and the
# pages hold what the plugins' tables say.
. "${0%/*}/functions.sh"
manual=$top_srcdir/docs/runner.pod

"$RUNNER" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 8 ] || fail "the help's commands were not found"
while read -r command; do
  grep -qE "^=head2 runner \[?$command\]?( |\$)" "$manual" || fail "runner.pod has no command $command"
  "$RUNNER" "$command" --help | grep -oE -- '--[a-z][a-z-]+' | sort -u >options
  while read -r option; do
    has "$manual" "$option"
  done <options
done <commands
for variable in $(cat "$top_srcdir"/core/options.c "$top_srcdir"/core/run-options.c "$top_srcdir"/core/plugin.c | grep -o 'getenv ("[A-Z_]*")' | cut -d'"' -f2); do
  has "$manual" "$variable"
done

for name in $("$RUNNER" plugins --names); do
  pod=$top_srcdir/plugins/$name/runner-$name-plugin.pod
  [ -f "$pod" ] || fail "the plugin $name has no manual"
  grep -qx '=for runner parameters' "$pod" || fail "$pod does not say where its parameters belong"
  page=$top_builddir/plugins/$name/runner-$name-plugin.7
  [ -f "$page" ] || continue
  # what the tables say is in the page
  sed 's/\\//g' "$page" >page
  for verb in $("$RUNNER" plugins --verbs "$name"); do
    has page "Parameters of $verb"
  done
  for role in $("$RUNNER" plugins --roles "$name"); do
    has page "Parameters of the role $role"
  done
done

requires podchecker
for pod in "$top_srcdir"/docs/*.pod "$top_srcdir"/plugins/*/*.pod "$top_srcdir"/core/templates/plugin/*.pod; do
  expect 0 podchecker -nowarnings "$pod"
done
