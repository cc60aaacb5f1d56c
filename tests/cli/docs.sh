#!/bin/sh
# docs.sh - the documents say what the program does: what they show is run.
#
# In README.md and docs/*.md a fenced block's first line says what is done with it:
#
#   ```yaml file=NAME           written to the file NAME; any language
#   ```console                  each `$ COMMAND` is run by sh; the lines below it are what it prints, standard
#                               output and error together.  A line `[…]` stands for any lines.  Numbers, ports,
#                               addresses and times are not compared, nor is how far apart words stand.
#   ```console status=1         the last command ends with this status; those before it with 0
#   ```yaml steps               a list of steps: they are checked, run as a test, and pass
#   ```yaml suite               a whole suite: it is checked
#
# Other blocks are only shown.  All blocks of a document share one folder, which is empty at first; `runner` is the
# built program.  What a document starts in the background, with its number in NAME.pid, is ended.
#
# In docs/*.pod a paragraph `=for runner WHAT` says the same of the verbatim paragraphs that follow it:
#
#   =for runner suite           a whole suite: it is checked
#   =for runner run             likewise, and it is run, and passes
#   =for runner file NAME       written to a file, for the examples below it
#   =for runner head            the beginning of a suite, to which the examples `steps` below it are tests
#   =for runner test            a test of such a suite, or several; they pass
#   =for runner steps           steps of such a test; they pass
#   =for runner fails           steps that fail, after they were checked
#   =for runner fault           a suite that is wrong, if it begins with `suite:`; else steps that are
#   =for runner says            lines that were printed for the last `fails` or `fault`
#
# And podchecker finds nothing wrong in any POD file.
. "${0%/*}/functions.sh"
requires_plugin exec tcp http tcp-device
requires_python subprocess

for pod in "$top_srcdir"/docs/*.pod "$top_srcdir"/plugins/*/*.pod; do
  if command -v podchecker >/dev/null 2>&1; then
    podchecker -warnings "$pod" >out 2>&1 || fail "podchecker finds faults in $pod"
    if grep -q WARNING out; then fail "podchecker warns of $pod"; fi
  fi
done

mkdir bin
ln -s "$RUNNER" bin/runner
PATH=$tmp/bin:$PATH
export PATH RUNNER top_srcdir top_builddir
for document in "$top_srcdir"/README.md "$top_srcdir"/docs/*.md "$top_srcdir"/docs/*.pod; do
  [ -e "$document" ] || continue
  "$PYTHON" "$top_srcdir/tests/cli/docs.py" "$document" || fail "$document is not true"
done
