#!/bin/sh
# A program beside the suite: `./program.sh` finds it, since the suite's folder is where programs run.
echo "program says $1"
