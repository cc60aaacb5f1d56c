#!/bin/sh
# make-manual.sh RUNNER PLUGINS POD PAGE.SECTION - prints a manual page made of POD.  The line
# `=for runner parameters` becomes what the tables of the plugin say, that of runner.pod what
# the runner's own say.
set -eu
runner=$1 plugins=$2 pod=$3 page=${4##*/}
name=${page%.*}
case $name in
  runner-*-plugin) plugin=${name#runner-} plugin=${plugin%-plugin} ;;
  *) plugin=core ;;
esac
parameters=$(mktemp)
trap 'rm -f "$parameters"' EXIT
if grep -q '^=for runner parameters$' "$pod"; then
  "$runner" plugins --plugin-path "$plugins" --pod "$plugin" >"$parameters"
fi
{
  grep -q '^=encoding' "$pod" || printf '=encoding utf8\n\n'
  sed -e "/^=for runner parameters\$/{r $parameters" -e 'd;}' "$pod"
} | pod2man --utf8 --errors=die --center=runner --release="$("$runner" --version)" --name="$name" \
  --section="${page##*.}"
