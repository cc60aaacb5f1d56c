#!/bin/sh
# plugin-load.sh - a plugin whose constructor does not let it be loaded is named, and ends the
# command; so does one whose entry function crashes.
. "${0%/*}/functions.sh"
requires cc

cat >plugin.c <<'END'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int
deep (volatile char *above)
{
  volatile char here[4096];
  here[0] = above ? above[0] : 0;
  return deep (here) + here[0];
}

static void
misbehave (void)
{
  switch (HOW) {
  case 1: abort ();
  case 2: raise (SIGSEGV); break;
  case 3: exit (0);
  case 4: for (;;) pause ();
  case 5: deep (NULL);
  }
}

__attribute__ ((constructor)) static void
begin (void)
{
  if (!IN_ENTRY)
    misbehave ();
}

const void *
runner_plugin_entry (void)
{
  misbehave ();
  return NULL;
}
END
# make_plugin NAME HOW IN_ENTRY
make_plugin ()
{
  mkdir "$1"
  cc -shared -fPIC -O0 -w -DHOW="$2" -DIN_ENTRY="$3" -o "$1/runner-$1-plugin.so" plugin.c || fail "cannot build $1"
  printf 'suite: s\ntests: [{test: t, steps: [%s.verb: 1]}]\n' "$1" >"$1.yaml"
}
# is_told NAME TEXT: by each command that loads it
is_told ()
{
  for command in "check $1.yaml" "run $1.yaml" "plugins" "plugins $1" "role $1.any" "schema $1"; do
    # shellcheck disable=SC2086
    RUNNER_PLUGIN_PATH=$1 expect 3 timeout 60 "$RUNNER" $command
    has err "runner: $1/runner-$1-plugin.so: $2"
    [ "$(wc -l <err)" = 1 ] || fail "$1, $command: not one line"
  done
}
make_plugin aborts 1 0
make_plugin crashes 2 0
make_plugin leaves 3 0
make_plugin hangs 4 0
make_plugin deepens 5 0
make_plugin aborts_later 1 1
is_told aborts 'crashed while it was loaded (SIGABRT)'
is_told crashes 'crashed while it was loaded (SIGSEGV)'
has_tsan || is_told leaves 'ended the program while it was loaded' # it has an end of its own, with another status
is_told deepens 'crashed while it was loaded (SIGSEGV)'
is_told aborts_later 'crashed while it was loaded (SIGABRT)'
RUNNER_PLUGIN_PATH=hangs expect 3 timeout 60 "$RUNNER" check hangs.yaml
has err 'runner: hangs/runner-hangs-plugin.so: did not finish loading within 10 s'
