#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Either side of aggligator's tunnel, for caiman lab: AGG_BIN is the folder of its programs.
set -eu
port=5900

if [ "$CAIMAN_LAB_SIDE" = server ]; then
    exec "$AGG_BIN/agg-tunnel" server -n --tcp $port -p "$CAIMAN_LAB_TARGET:${CAIMAN_LAB_TARGET##*:}"
fi
targets=
for address in $CAIMAN_LAB_SERVERS; do
    targets="$targets --tcp $address:$port"
done
# shellcheck disable=SC2086 # one word per address
exec "$AGG_BIN/agg-tunnel" client -n -p "${CAIMAN_LAB_TARGET##*:}:${CAIMAN_LAB_ENTRY##*:}" $targets
