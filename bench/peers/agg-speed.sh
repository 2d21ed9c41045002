#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Either side of aggligator's speed test, for caiman lab: AGG_BIN is the folder of its programs, the
# client sends MEGABYTES and writes its report into the file AGG_REPORT.
set -eu
port=5901

if [ "$CAIMAN_LAB_SIDE" = server ]; then
    exec "$AGG_BIN/agg-speed" server -n --tcp $port
fi
targets=
for address in $CAIMAN_LAB_SERVERS; do
    targets="$targets --tcp $address:$port"
done
sleep 0.3 # until the server listens
# shellcheck disable=SC2086 # one word per address
exec "$AGG_BIN/agg-speed" client -n -s -j -t 600 -l "$MEGABYTES" $targets > "$AGG_REPORT"
