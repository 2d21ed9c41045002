#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# determinism.sh - same scenario and seed, same digest, whatever built the binary.
#
# usage: ci/determinism.sh LIST CAIMAN...
#
# Runs each scenario of LIST (a path per line, `#` comments) twice with each of the given binaries
# and compares the digests of all runs. Exit status: 0 all the same, 1 not, 2 usage.
set -euo pipefail

if (($# < 2)); then
  echo "usage: $0 LIST CAIMAN..." >&2
  exit 2
fi
list=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A line "seed digest" for each run of a scenario, by seed. A run may fail its expectations (status
# 1, 3, 4): what is compared here is only that it does so in the same way every time.
digests() {
  local caiman=$1 scenario=$2 status=0
  rm -f "$scratch"/runs.db*
  "$caiman" run --quiet --json --db "$scratch/runs.db" "$scenario" > "$scratch/runs.json" || status=$?
  case $status in
    0 | 1 | 3 | 4) ;;
    *)
      echo "$caiman run $scenario: exit status $status" >&2
      return 1
      ;;
  esac
  python3 - "$scratch/runs.json" << 'PY'
import json, sys
runs = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
rows = sorted((str(run["seed"]), run["outcome"], run["digest"]) for run in runs)
if not rows or any(len(digest) < 32 for _, _, digest in rows):
    sys.exit("no run, or a run without a digest")
for row in rows:
    print(*row)
PY
}

failures=0
scenarios=0
while IFS= read -r line || [[ -n $line ]]; do
  line=${line%%#*}
  scenario=${line//[[:space:]]/}
  [[ -n $scenario ]] || continue
  scenarios=$((scenarios + 1))
  same=yes
  rm -f "$scratch/first"
  for caiman in "$@"; do
    for _ in 1 2; do
      if ! digests "$caiman" "$scenario" > "$scratch/now"; then
        same=no
      elif [[ ! -e $scratch/first ]]; then
        cp "$scratch/now" "$scratch/first"
      elif ! diff "$scratch/first" "$scratch/now" > "$scratch/diff"; then
        echo "$scenario: $caiman differs from $1:"
        head -n 20 "$scratch/diff"
        same=no
      fi
    done
  done
  if [[ $same == yes ]]; then
    echo "same      $scenario ($(wc -l < "$scratch/first") runs)"
  else
    echo "DIFFERENT $scenario"
    failures=$((failures + 1))
  fi
done < "$list"

if ((scenarios == 0)); then
  echo "$list names no scenario" >&2
  exit 1
fi
((failures == 0))
