#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What many short runs cost beside the simulation itself, as a table in Markdown.

usage: sweep.py [--runs N] [--repeat N] [--jobs N] [--scenario FILE] BUILD

Takes turns: `caiman sweep` with a database, the same without one, and BUILD/bench/whole-run, which
runs the same scenario in one process with nothing around it. Real time suffers from whatever else
the machine does, so processor time (of all processes) is told as well; ratios are those within a
turn, and their median. Ends with status 1 when a run fails, not when a target is missed.
"""

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCENARIO = os.path.join(HERE, "short-runs.ini")


def measure(command):
    """Real and processor time."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def take_turn(options, folder):
    """(real, processor) time of each way."""
    db = os.path.join(folder, "sweep.db")
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    sweep = [f"{options.build}/tools/caiman", "sweep", "-q", "-j", str(options.jobs), "--seed", f"1..{options.runs}"]
    ways = {
        "recorded": [*sweep, "--db", db, options.scenario],
        "not recorded": [*sweep, "--no-db", options.scenario],
        "simulation alone": [f"{options.build}/bench/whole-run", "--seeds", str(options.runs), options.scenario],
    }
    times = {way: measure(command) for way, command in ways.items()}
    times["again"] = measure(ways["recorded"])  # all is there
    return times, os.path.getsize(db)


def format_row(what, turns, way, against, index):
    values = [turn[way][index] for turn in turns]
    ratios = [turn[way][index] / turn[against][index] for turn in turns]
    return (f"| {what} | {statistics.median(values):.1f} s | {statistics.median(ratios):.2f} "
            f"| {min(ratios):.2f} to {max(ratios):.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--scenario", default=SCENARIO, help="bench/short-runs.ini, runs of some 1.4 ms")
    parser.add_argument("build")
    options = parser.parse_args()
    turns = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.repeat):
            times, size = take_turn(options, folder)
            turns.append(times)
    print(f"{options.runs} runs, -j {options.jobs}, {options.repeat} turns; database {size / 1e6:.0f} MB\n")
    print("| what | median | ratio, median | spread |\n| --- | ---: | ---: | ---: |")
    print(format_row("recorded, against not recorded: real time", turns, "recorded", "not recorded", 0))
    print(format_row("the same: processor time", turns, "recorded", "not recorded", 1))
    print(format_row("recorded, against the simulation alone: processor time", turns, "recorded", "simulation alone", 1))
    print(format_row("not recorded, against the simulation alone: processor time", turns, "not recorded",
                     "simulation alone", 1))
    print(format_row("resumed with nothing to do, against the first time: real time", turns, "again", "recorded", 0))


if __name__ == "__main__":
    main()
