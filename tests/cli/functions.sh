# functions.sh - what the scripts of tests/cli share, and those of plugins.  Each begins with
#   . "${0%/*}/functions.sh"                        or, of a plugin,
#   . "${0%/*}/../../../tests/cli/functions.sh"
# and is then in an empty folder of its own, $tmp, which goes when the script ends.
# $RUNNER is the program, $top_srcdir the source, $top_builddir the build; all absolute.
set -eu
LC_ALL=C.UTF-8
export LC_ALL
unset RUNNER_PLUGIN_PATH NO_COLOR CI_NODE_INDEX CI_NODE_TOTAL JOB_COMPLETION_INDEX SLURM_ARRAY_TASK_ID || :

top_srcdir=$(cd "${0%/*}/../.." && pwd)
top_srcdir=${top_srcdir%/plugins}
RUNNER=${RUNNER:-$PWD/runner}
top_builddir=${RUNNER%/*}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/runner-cli.XXXXXX")
cd "$tmp"

cleanup_commands=
# cleanup COMMAND: is run when the script ends, however it does; the newest first.
cleanup ()
{
  cleanup_commands="$1
$cleanup_commands"
}

run_cleanup ()
{
  status=$?
  trap - EXIT INT TERM
  set +e
  eval "$cleanup_commands"
  cd /
  rm -rf "$tmp"
  exit "$status"
}
trap run_cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# fail TEXT: says why, with what the last command said.
fail ()
{
  echo "${0##*/}: $*" >&2
  for log in "$tmp/out" "$tmp/err"; do
    if [ -s "$log" ]; then
      echo "--- ${log##*/}:" >&2
      head -c 20000 "$log" >&2
    fi
  done
  exit 1
}

# requires TOOL…: the script is skipped when one of them is missing.
requires ()
{
  for tool; do
    command -v "$tool" >/dev/null 2>&1 || { echo "${0##*/}: skipped: there is no $tool"; exit 77; }
  done
}

# requires_plugin NAME…: likewise, for plugins that were left out by configure.
requires_plugin ()
{
  for plugin; do
    "$RUNNER" plugins --names | grep -qx "$plugin" || { echo "${0##*/}: skipped: no plugin $plugin"; exit 77; }
  done
}

# in_place_of FILE OTHER COMMAND…: runs it where OTHER stands in the place of FILE; where that cannot be done the
# script is skipped.
in_place_of ()
{
  in_place="mount --bind '$2' '$1'"
  unshare -rm sh -c "$in_place" 2>/dev/null || { echo "${0##*/}: skipped: $1 cannot be another here" >&2; exit 77; }
  shift 2
  unshare -rm sh -c "$in_place && exec \"\$@\"" sh "$@"
}

# without_hosts COMMAND…: runs it where no file names localhost.
without_hosts ()
{
  if [ -e /etc/hosts ]; then
    in_place_of /etc/hosts /dev/null "$@"
  else
    "$@"
  fi
}

# has_tsan: was the program built for the thread sanitizer?
has_tsan ()
{
  grep -q __tsan_init "$RUNNER"
}

# needs_left_out FILE: does this suite use a plugin that was left out by configure?
needs_left_out ()
{
  for folder in "$top_srcdir"/plugins/*/runner-*-plugin.pod; do
    plugin=${folder%/*}
    plugin=${plugin##*/}
    "$RUNNER" plugins --names | grep -qx -e "$plugin" && continue
    if grep -qE "(^|[^a-z_-])$plugin\.[a-z]" "$1"; then return 0; fi
  done
  return 1
}

# requires_python MODULE…: sets $PYTHON to a python3 that has them.
requires_python ()
{
  for PYTHON in "${PYTHON:-python3}" /usr/bin/python3; do
    imports=$(printf 'import %s\n' "$@")
    if "$PYTHON" -c "$imports" 2>/dev/null; then
      return 0
    fi
  done
  echo "${0##*/}: skipped: there is no python3 with $*"
  exit 77
}

# expect STATUS COMMAND…: runs it, with its output in the files out and err.
expect ()
{
  wanted=$1
  shift
  got=0
  "$@" >"$tmp/out" 2>"$tmp/err" || got=$?
  [ "$got" = "$wanted" ] || fail "\"$*\" ended with $got instead of $wanted"
}

# wait_for WHAT COMMAND…: until the command succeeds, but not for ever; fails with WHAT was waited for.
wait_for ()
{
  what=$1
  shift
  end=$(($(date +%s) + ${WAIT_LIMIT:-60}))
  until "$@"; do
    [ "$(date +%s)" -lt "$end" ] || fail "not within ${WAIT_LIMIT:-60} s: $what"
    sleep 0.05
  done
}

# exists FILE…, is_gone PID: conditions for it
exists ()
{
  for file; do
    [ -e "$file" ] || return 1
  done
}
is_gone ()
{
  ! kill -0 "$1" 2>/dev/null
}

# has FILE TEXT, lacks FILE TEXT: is this very text in the file (out, err)?
has ()
{
  grep -qF -- "$2" "$1" || fail "$1 has no \"$2\""
}
lacks ()
{
  if grep -qF -- "$2" "$1"; then fail "$1 has \"$2\""; fi
}

# steps_fail NAME: a test with the steps of standard input must not pass; what is told is in out.
steps_fail ()
{
  { printf 'suite: %s\ntests:\n  - test: it\n    steps:\n' "$1"; cat; } >"$1.yaml"
  if "$RUNNER" -o results "$1.yaml" >"$tmp/out" 2>&1; then fail "$1 passed"; fi
}

# says REGEX: is this in out?
says ()
{
  grep -q -e "$1" "$tmp/out" || fail "no \"$1\" in the output"
}
