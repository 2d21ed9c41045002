#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# man.sh - the man pages are correct mdoc.
set -euo pipefail

cd "${1:-.}"
if ! command -v mandoc > /dev/null; then
  echo "mandoc is not installed (package mandoc)"
  exit 77
fi
mandoc -T lint -W warning docs/man/*.[1-9]
