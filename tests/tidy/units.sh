#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# units.sh - systemd has nothing to say about the example units.
# usage: units.sh SOURCE CAIMAN
set -euo pipefail

if ! command -v systemd-analyze > /dev/null; then
  echo "systemd-analyze is not installed (package systemd)"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for unit in "$1"/data/systemd/*.service; do
  sed "s|^ExecStart=/usr/bin/caiman|ExecStart=$2|" "$unit" > "$folder/${unit##*/}"
done
told=$(systemd-analyze verify --man=no "$folder"/*.service 2>&1) || told="$told (status $?)"
if [[ -n $told ]]; then
  echo "$told"
  exit 1
fi
