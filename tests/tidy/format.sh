#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# format.sh - clang-format decides the layout. Another version than Debian 12's lays out
# differently, so then the test is skipped.
set -euo pipefail

cd "${1:-.}"
if ! command -v clang-format > /dev/null; then
  echo "clang-format is not installed (package clang-format)"
  exit 77
fi
if ! clang-format --version | grep -q 'version 14\.'; then
  echo "needs clang-format 14, found $(clang-format --version)"
  exit 77
fi
mapfile -t files < <(find . -path './build*' -prune -o -path ./.git -prune -o -name '*.[ch]' -type f -print | sort)
clang-format --dry-run -Werror --style=file "${files[@]}"
echo "${#files[@]} files are formatted"
