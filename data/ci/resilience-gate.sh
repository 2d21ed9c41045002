#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# resilience-gate.sh - runs scenarios and compares them with the results of an earlier version, for
# a CI job. docs/ci-recipes.md has the jobs around it.
#
# usage: resilience-gate.sh BASE.db OUT SCENARIO...
#
# Writes to the folder OUT: results.db (the next base), run.xml and diff.xml (JUnit), diff.md (a
# comment). Without BASE.db nothing is compared. Ends with the status of `caiman run` where runs
# failed, else with that of `caiman diff`: 0 is a pass.
set -euo pipefail

if (($# < 3)); then
  echo "usage: resilience-gate.sh BASE.db OUT SCENARIO..." >&2
  exit 2
fi
base=$1
out=$2
shift 2

mkdir -p "$out"
rm -f "$out"/results.db "$out"/run.xml "$out"/diff.xml "$out"/diff.md

ran=0
caiman run -j "$(nproc)" --db "$out/results.db" --junit "$out/run.xml" "$@" || ran=$?

compared=0
if [[ -e $base && -e $out/results.db ]]; then
  caiman diff --markdown "$out/diff.md" --junit "$out/diff.xml" "$base" "$out/results.db" || compared=$?
else
  echo "There is no base to compare with yet." | tee "$out/diff.md"
fi

if ((ran != 0)); then exit "$ran"; fi
exit "$compared"
