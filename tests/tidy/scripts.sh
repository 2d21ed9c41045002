#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# scripts.sh - shellcheck has nothing to say about any script, completion included.
set -euo pipefail

cd "${1:-.}"
if ! command -v shellcheck > /dev/null; then
  echo "shellcheck is not installed (package shellcheck)"
  exit 77
fi
mapfile -t files < <(find . -path './build*' -prune -o -path ./.git -prune -o -name '*.sh' -type f -print | sort)
shellcheck --shell=bash quickstart .ci/run data/completions/caiman "${files[@]}"
