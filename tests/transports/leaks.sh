#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Connections that come and go, under valgrind: nothing leaks, nothing uninitialised is used.
#
# usage: leaks.sh TEST-SCALE SANITIZERS [CYCLES]
#
# CONTRIBUTING.md tells how to run ten thousand.
set -eu

scale=$1
if [ "$2" != none ]; then
  echo "built with sanitizers, which valgrind cannot run"
  exit 77
fi
if ! command -v valgrind > /dev/null; then
  echo "valgrind is not installed"
  exit 77
fi
export CAIMAN_SCALE_CYCLES="${3:-140}"
export G_SLICE=always-malloc
exec valgrind --quiet --leak-check=full --errors-for-leak-kinds=definite,indirect \
  --error-exitcode=99 "$scale" -p /transports/scale/one-after-the-other
