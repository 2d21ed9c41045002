#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One TCP flow in ns-3 and in the simulator (carrier = tcp), a dozen cases beside each other.

usage: compare.py CAIMAN SINGLE-FLOW

Prints a table in Markdown: medians of seeds 1 to 9. Exit status 0: all within their tolerance, 1: one is not.
docs/validation.md has what came out, and why the tolerances are what they are.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

SEEDS = 9
TOLERANCE, TOLERANCE_LOSS = 0.10, 0.25

# Mbit/s, RTT in ms, queue in BDP, loss in percent, congestion control, seconds
CASES = (
    (1, 40, 4, 0, "cubic", 20),
    (5, 100, 1, 0, "reno", 20),
    (10, 20, 1, 0, "cubic", 20),
    (10, 20, 1, 0, "reno", 20),
    (20, 50, 0.5, 0, "cubic", 30),
    (20, 50, 0.5, 0, "reno", 30),
    (50, 100, 1, 0, "cubic", 30),
    (100, 10, 1, 0, "cubic", 10),
    (10, 50, 1, 1, "cubic", 60),
    (10, 50, 1, 1, "reno", 60),
    (20, 20, 1, 2, "reno", 60),
    (50, 20, 1, 0.5, "cubic", 60),
)

SCENARIO = """
[scenario]
format = 1
carrier = tcp
congestion-control = {congestion}
duration = {seconds}s
ends = at-duration
[link a]
rate = {rate}mbit
delay = {delay_us}us
queue = {queue}B
up.loss = {loss}%
[testbed sim]
link a.jitter = uniform(200us)
[traffic upload]
from = client
kind = bulk
"""


def get_queue(rate, rtt, bdp):
    return max(round(rate * 1e6 * rtt / 1e3 / 8 * bdp), 3000)


def run_ns3(program, case):
    rate, rtt, bdp, loss, congestion, seconds = case
    values = []
    for seed in range(1, SEEDS + 1):
        command = [program, str(rate), str(rtt / 2), str(get_queue(rate, rtt, bdp)), str(loss), congestion, str(seconds), str(seed)]
        values.append(float(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return statistics.median(values)


def get_goodput(run):
    value = run["metrics"]["upload.goodput"]
    return value["value"] if isinstance(value, dict) else value


def run_caiman(program, case, folder):
    rate, rtt, bdp, loss, congestion, seconds = case
    path = os.path.join(folder, "case.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SCENARIO.format(rate=rate, delay_us=round(rtt * 500), queue=get_queue(rate, rtt, bdp), loss=loss, congestion=congestion, seconds=seconds))
    command = [program, "run", "--no-db", "--json", "--seed", f"1..{SEEDS}", path]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    return statistics.median(get_goodput(run) for run in runs)


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    caiman, ns3 = map(os.path.abspath, sys.argv[1:])
    status = 0
    print("| rate | RTT | queue | loss | | simulator | ns-3 | difference | tolerance | |")
    print("| ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            rate, rtt, bdp, loss, congestion, _ = case
            sim, other = run_caiman(caiman, case, folder), run_ns3(ns3, case)
            tolerance = TOLERANCE_LOSS if loss else TOLERANCE
            held = abs(sim - other) <= tolerance * other
            status |= not held
            print(
                f"| {rate} Mbit/s | {rtt} ms | {bdp:g} BDP | {loss:g} % | {congestion} | {sim / 1e6:.2f} Mbit/s | {other / 1e6:.2f} Mbit/s"
                f" | {100 * (sim - other) / other:+.1f} % | {100 * tolerance:.0f} % | {'within' if held else '**outside**'} |",
                flush=True,
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
