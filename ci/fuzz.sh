#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh - runs every fuzz target for a short while, from its seed corpus.
#
# usage: ci/fuzz.sh BUILD-DIR [SECONDS]
#
# BUILD-DIR was configured with CC=clang and -Dfuzz=true. Two targets run at a time. What a target
# finds is left in BUILD-DIR/found/; run the target with that file as its argument to see it again.
# The corpus in tests/fuzz/corpus/ is read and never written. Exit status: 0 nothing was found.
set -euo pipefail

if (($# < 1)); then
  echo "usage: $0 BUILD-DIR [SECONDS]" >&2
  exit 2
fi
build=$1
seconds=${2:-20}
mkdir -p "$build/found"

fuzz() {
  local target=$1 name scratch status=0
  name=$(basename "$target")
  name=${name#fuzz-}
  scratch=$(mktemp -d)
  local -a corpora=("$scratch")
  if [[ -d tests/fuzz/corpus/$name ]]; then corpora+=("tests/fuzz/corpus/$name"); fi
  "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$build/found/$name-" "${corpora[@]}" > "$build/found/$name.log" 2>&1 || status=$?
  rm -rf "$scratch"
  if ((status == 0)); then
    echo "nothing   $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/found/$name.log") inputs"
  else
    echo "FOUND     $name: exit status $status, the end of $build/found/$name.log:"
    tail -n 40 "$build/found/$name.log"
  fi
  return "$status"
}

mapfile -t targets < <(find "$build/tests/fuzz" -maxdepth 1 -name 'fuzz-*' -type f -executable | sort)
if ((${#targets[@]} == 0)); then
  echo "no fuzz target in $build/tests/fuzz" >&2
  exit 1
fi
failures=0
for ((i = 0; i < ${#targets[@]}; i += 2)); do
  pids=()
  for target in "${targets[@]:i:2}"; do
    fuzz "$target" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do
    wait "$pid" || failures=$((failures + 1))
  done
done
((failures == 0))
