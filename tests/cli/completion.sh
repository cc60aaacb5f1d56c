#!/bin/sh
# completion.sh - the completions for bash and zsh are well formed, and bash's offers
# what there is.
. "${0%/*}/functions.sh"
requires bash

bash -n "$top_srcdir/completion/runner.bash" || fail "runner.bash is no bash"
if command -v zsh >/dev/null 2>&1; then
  zsh -n "$top_srcdir/completion/_runner" || fail "_runner is no zsh"
fi

mkdir suites
: >suites/a.yaml
: >notes.txt
: >events.jsonl
: >"two words.yaml"

cat >complete.bash <<'END'
# complete.bash WORD… - prints what bash would offer for the last word, one a line.
source "$COMPLETION"
COMP_WORDS=("$RUNNER" "$@")
COMP_CWORD=$#
_runner
printf '%s\n' "${COMPREPLY[@]}"
END

# offers WORD… -- TEXT…: these are offered, among others; with a `!` before it: is not.
offers ()
{
  words=$*
  count=0
  for word; do
    [ "$word" != -- ] || break
    count=$((count + 1))
  done
  i=0
  for word; do # the words go to the end, so that what follows -- is first
    i=$((i + 1))
    shift
    [ $i -gt $count ] || set -- "$@" "$word"
    [ $i -le $((count + 1)) ] || wanted="$wanted
$word"
  done
  COMPLETION="$top_srcdir/completion/runner.bash" RUNNER="$RUNNER" bash complete.bash "$@" >offered 2>err ||
    fail "$words: completion fails"
  printf '%s\n' "$wanted" | sed 1d | while read -r text; do
    case $text in
      !*) ! grep -qxF -- "${text#!}" offered ;;
      *) grep -qxF -- "$text" offered ;;
    esac || { echo "offered:" >&2; cat offered >&2; fail "$words: $text"; }
  done
  wanted=
}
wanted=

offers '' -- run check plugins schema suites 'two words.yaml' '!notes.txt'
offers pl -- plugin plugins '!run'
offers --sh -- --shard --shuffle '!--tag'
offers run -- run
offers run --l -- --last-failed --list
offers run suites/ -- suites/a.yaml
offers check '' -- suites
offers run -o '' -- suites '!two words.yaml'
offers run --color '' -- always never auto
offers run --color = n -- never '!auto'
offers report '' -- events.jsonl '!notes.txt'
offers report --j -- --junit
offers report --ht -- --html
offers plugin '' -- new
offers nonsense --fail -- --fail-fast
for plugin in $("$RUNNER" plugins --names); do
  offers schema '' -- "$plugin" core
  offers plugins "$plugin" -- "$plugin"
done
role=$("$RUNNER" plugins --roles | head -n 1)
if [ "$role" ]; then
  offers role '' -- "$role"
  offers role "$role" --rea -- --ready-file
fi
mkdir elsewhere
offers role --plugin-path elsewhere '' -- '!elsewhere'

# every command and every option of runner's help has its place
"$RUNNER" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' >commands
[ "$(wc -l <commands)" -ge 8 ] || fail "the help's commands were not found"
while read -r command; do
  expect 0 "$RUNNER" "$command" --help
  offers "$command" --h -- --help
done <commands
