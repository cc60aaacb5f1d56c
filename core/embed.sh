#!/bin/sh
# embed.sh FOLDER FILE… - prints C source that holds these files of a folder as texts,
# under their names in it: they are then part of the program, see embedded.h.
set -eu
folder=$1
shift
echo '/* Made by embed.sh. */'
echo '#include "embedded.h"'
echo
echo 'const struct embedded embedded_files[] = {'
for file; do
  name=${file#"$folder"/}
  printf '  { "%s",\n' "$name"
  sed 's/[\\"]/\\&/g; s/?/\\?/g; s/	/\\t/g; s/^/    "/; s/$/\\n"/' "$file"
  echo '  },'
done
echo '  { 0, 0 }'
echo '};'
