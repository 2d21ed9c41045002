#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast the simulator is and how much memory a run takes, as a table in Markdown.

usage: speed.py [--repeat N] [--jobs N] BUILD

Runs BUILD/bench/timer-queue, BUILD/bench/whole-run and BUILD/tools/caiman, each figure N times
(default 3), and prints the median and the best beside the target. Real time suffers from whatever
else the machine does, so processor time is told, too. Ends with status 1 when a run fails, not
when a target is missed.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TWO_BY_FIFTY = os.path.join(HERE, "two-by-fifty.ini")
FAILOVER = os.path.join(HERE, "failover-seeds.ini")
MEMORY_BYTES = ("100MB", "1GB", "4GB")


class Table:
    """Rows of the result. A value is the median; the best is beside it where it was repeated."""

    def __init__(self):
        self.rows = [("what", "median", "best", "target")]

    def add(self, what, values, form, target="", best=max):
        self.rows.append((what, form.format(statistics.median(values)), form.format(best(values)), target))

    def format(self):
        rows = [self.rows[0], ("---", "---:", "---:", "---:"), *self.rows[1:]]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def call(command):
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def measure_queue(options, table):
    """The event queue by itself."""
    rates = {}
    for _ in range(options.repeat):
        for line in call([f"{options.build}/bench/timer-queue"]).splitlines():
            pending, rate = re.fullmatch(r" *(\d+) pending: *([\d.]+) million events/s", line).groups()
            rates.setdefault(pending, []).append(float(rate))
    for pending, values in rates.items():
        table.add(f"event queue alone, {int(pending):,} pending", values, "{:.1f} M events/s", "≥ 1")


def run_whole(options, path):
    return json.loads(call([f"{options.build}/bench/whole-run", path]))


def make_variant(folder, source, key, value):
    """The file @source with @key set to @value, in @folder."""
    with open(source, encoding="utf-8") as file:
        text = re.sub(rf"^{key} = .*$", f"{key} = {value}", file.read(), flags=re.MULTILINE)
    path = os.path.join(folder, f"{key}-{value}.ini")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def measure_tcp(options, table):
    """The same transfer over simulated TCP."""
    with tempfile.TemporaryDirectory() as folder:
        path = make_variant(folder, TWO_BY_FIFTY, "carrier", "tcp")
        runs = [run_whole(options, path) for _ in range(options.repeat)]
    for clock, name in (("wall_s", "real"), ("cpu_s", "processor")):
        table.add(
            f"1 GB over 2 × 50 Mbit/s, `carrier = tcp`: simulated per {name} second",
            [run["simulated_s"] / run[clock] for run in runs],
            "{:.0f} s",
            "≥ 50" if clock == "wall_s" else "",
        )


def measure_run(options, table):
    """Events and simulated time per second of a whole run."""
    for title, path in (("1 GB over 2 × 50 Mbit/s", TWO_BY_FIFTY), ("failover, 2 × 10 Mbit/s", FAILOVER)):
        runs = [run_whole(options, path) for _ in range(options.repeat)]
        for clock, name in (("wall_s", "real"), ("cpu_s", "processor")):
            table.add(
                f"{title}: simulator's events per {name} second",
                [run["steps"] / run[clock] / 1e6 for run in runs],
                "{:.2f} M events/s",
                "≥ 1" if clock == "wall_s" else "",
            )
        if path == TWO_BY_FIFTY:
            for clock, name in (("wall_s", "real"), ("cpu_s", "processor")):
                table.add(
                    f"{title}: simulated per {name} second",
                    [run["simulated_s"] / run[clock] for run in runs],
                    "{:.0f} s",
                    "≥ 100" if clock == "wall_s" else "",
                )


def measure_seeds(options, table, carrier="pipe", target="< 60"):
    """A thousand seeds through the command, with oracle and database."""
    walls, cpus, sizes = [], [], []
    for _ in range(options.repeat):
        with tempfile.TemporaryDirectory() as folder:
            database = os.path.join(folder, "seeds.db")
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            command = [f"{options.build}/tools/caiman", "run", "-q", "-j", str(options.jobs)]
            command.append(f"--set=scenario.carrier={carrier}")
            subprocess.run([*command, "--db", database, FAILOVER], check=True)
            walls.append(time.monotonic() - start)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            sizes.append(os.path.getsize(database) / 1e6)
    table.add(f"1 000 seeds of the failover, `carrier = {carrier}`, `-j {options.jobs}`, recorded: real time", walls, "{:.1f} s", target, min)
    table.add("the same: processor time", cpus, "{:.1f} s", "", min)
    table.add("the same: size of the database", sizes, "{:.1f} MB", "", min)


def measure_tcp_seeds(options, table):
    measure_seeds(options, table, "tcp", "< 120")


def measure_memory(options, table):
    """Peak resident memory against what was sent."""
    with tempfile.TemporaryDirectory() as folder:
        for size in MEMORY_BYTES:
            path = make_variant(folder, TWO_BY_FIFTY, "bytes", size)
            peaks = [run_whole(options, path)["peak_kib"] / 1024 for _ in range(options.repeat)]
            table.add(f"peak memory of a run that sends {size}", peaks, "{:.1f} MiB", "the same for all", min)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("build")
    options = parser.parse_args()
    table = Table()
    load = os.getloadavg()[0]
    for measure in (measure_queue, measure_run, measure_tcp, measure_seeds, measure_tcp_seeds, measure_memory):
        measure(options, table)
    print(table.format())
    print(f"\nMedian and best of {options.repeat}. Load average: {load:.1f} before, {os.getloadavg()[0]:.1f} after.")


if __name__ == "__main__":
    main()
