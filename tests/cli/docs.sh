#!/bin/sh
# docs.sh - the documents say what the program does: what they show is run.
#
# In README.md and docs/*.md a fenced block's first line says what is done with it:
#
#   ```yaml file=NAME           written to the file NAME; any language
#   ```console                  each `$ COMMAND` is run by sh; the lines below it are what it prints, standard
#                               output and error together.  A line `[…]` stands for any lines.  Numbers, ports,
#                               addresses and times are not compared, nor is how far apart words stand, nor the
#                               list of the slowest tests.
#   ```console status=1         the last command ends with this status; those before it with 0
#   ```diff file=NAME           a change of that file: lines with - become those with +; the others are where
#   ```yaml steps               a list of steps: they are checked, run as a test, and pass
#   ```yaml suite               a whole suite: it is checked
#
# Other blocks are only shown.  All blocks of a document share one folder, which is empty at first; a command `cd` is
# for all that comes after it.  `runner` is the built program.  What a document starts in the background, with its number in NAME.pid, is ended.
#
# In docs/*.pod a paragraph `=for runner WHAT` says the same of the verbatim paragraphs that follow it:
#
#   =for runner suite           a whole suite: it is checked
#   =for runner run             likewise, and it is run, and passes
#   =for runner file NAME       written to a file, for the examples below it
#   =for runner console         `$ COMMAND` and what it prints, as above
#   =for runner head            the beginning of a suite, to which the examples `steps` below it are tests
#   =for runner test            a test of such a suite, or several; they pass
#   =for runner steps           steps of such a test; they pass
#   =for runner fails           steps that fail, after they were checked
#   =for runner fault           a suite that is wrong, if it begins with `suite:`; else steps that are
#   =for runner says            lines that were printed for the last `fails` or `fault`
#
# Links to files lead somewhere, podchecker finds nothing wrong in any POD file, and design.md says of every file of
# core/ and reports/ what it is for.
. "${0%/*}/functions.sh"
requires_plugin exec tcp http tcp-device two-port-auth
requires_python subprocess
requires pkg-config make cc

for pod in "$top_srcdir"/docs/*.pod "$top_srcdir"/plugins/*/*.pod; do
  if command -v podchecker >/dev/null 2>&1; then
    podchecker -warnings "$pod" >out 2>&1 || fail "podchecker finds faults in $pod"
    if grep -q WARNING out; then fail "podchecker warns of $pod"; fi
  fi
done

for file in "$top_srcdir"/core/*.[ch] "$top_srcdir"/reports/*.[ch]; do
  name=${file##*/}
  grep -q "\`\([a-z]*/\)\?${name%.?}\.[ch]\`" "$top_srcdir/docs/design.md" \
    || fail "docs/design.md does not say what ${file#"$top_srcdir"/} is for"
done

# as installed: `runner` in PATH, and what pkg-config says of it
mkdir -p prefix/bin prefix/lib/pkgconfig
ln -s "$RUNNER" prefix/bin/runner
ln -s "$top_srcdir/core" prefix/include
sed -e "s,^prefix=.*,prefix=$tmp/prefix,; s,^exec_prefix=.*,exec_prefix=\${prefix},; s,^libdir=.*,libdir=\${prefix}/lib," \
  -e 's,^includedir=.*,includedir=${prefix}/include,; s,^bindir=.*,bindir=${prefix}/bin,' \
  "$top_builddir/runner.pc" >prefix/lib/pkgconfig/runner.pc
PATH=$tmp/prefix/bin:$PATH
PKG_CONFIG_PATH=$tmp/prefix/lib/pkgconfig
export PATH PKG_CONFIG_PATH
unset MAKEFLAGS MAKELEVEL MFLAGS DESTDIR CFLAGS CPPFLAGS LDFLAGS || :
for document in "$top_srcdir"/README.md "$top_srcdir"/docs/*.md "$top_srcdir"/docs/*.pod; do
  [ -e "$document" ] || continue
  "$PYTHON" "$top_srcdir/tests/cli/docs.py" "$document" || fail "$document is not true"
done
