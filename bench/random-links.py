#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does a second link ever hurt? Random pairs of links against each of the two alone.

usage: random-links.py [options] [CAIMAN]

Draws pairs of links from a seeded generator and carries 20 MB from client to server over the pair,
over its first link alone and over its second link alone, with each of several settings. Every run
is deterministic: the same seed gives the same table on every machine.

  CAIMAN          the command to run (default: build/tools/caiman)
  --draws N       how many pairs (default 500)
  --seed N        of the generator (default 1)
  --jobs N        runs at a time (default 2)
  --settings A,B  columns of the table, of: adaptive, aggligator-0.10, aggligator-0.9, reference,
                  min-rtt, round-robin, redundant (default: adaptive,aggligator-0.10,reference)
  --keep DIR      leave the scenario files in DIR, to run one of them by hand
  --write         write the table to docs/random-links.md, not only to standard output
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REPORT = os.path.join(ROOT, "docs", "random-links.md")
BYTES = 20_000_000
BUFFER_MIN_BYTES = 16 * 1024
SLACK = 1.01  # the pair may take this many times as long as the better link, plus one RTT of it

# What a column is: arguments of `caiman run`, and how the table's legend tells it.
SETTINGS = {
    "adaptive": ([], "policy `adaptive` with its own settings, caiman's default"),
    "aggligator-0.10": (
        ["--set", "config.preset=aggligator-0.10"],
        "policy `reference` with the settings of preset `aggligator-0.10`, at both ends",
    ),
    "aggligator-0.9": (
        ["--set", "config.preset=aggligator-0.9"],
        "policy `reference` with the settings of preset `aggligator-0.9`, at both ends",
    ),
    "reference": (
        ["--policy", "reference"],
        "policy `reference` with all other settings as in preset `adaptive`",
    ),
    "min-rtt": (["--policy", "min-rtt"], "policy `min-rtt`, other settings as in preset `adaptive`"),
    "round-robin": (["--policy", "round-robin"], "policy `round-robin`, other settings as in preset `adaptive`"),
    "redundant": (["--policy", "redundant"], "policy `redundant`, other settings as in preset `adaptive`"),
}

HEAD = """\
# {title}
[scenario]
format = 1
carrier = pipe
title = {title}
duration = 24h
sample-interval = 1h

"""
LINK = """\
[link {name}]
rate = {rate_kbps}kbit
delay = {delay_us}us
queue = {buffer_bytes}B

"""
TAIL = f"""\
[traffic upload]
from = client
kind = bulk
bytes = {BYTES}B

[expect]
integrity = exact
connection = survives
"""


class Link:
    """A link that was drawn: rate and RTT log-uniform, the buffer in proportion to their product."""

    def __init__(self, generator):
        def log_uniform(low, high):
            return low * math.exp(generator.random() * math.log(high / low))

        self.rate_kbps = round(log_uniform(1_000, 100_000))
        self.delay_us = round(log_uniform(2_000, 400_000) / 2)
        bdp_bytes = self.rate_kbps * 2 * self.delay_us / 8_000
        self.buffer_bytes = max(BUFFER_MIN_BYTES, round((0.1 + 1.9 * generator.random()) * bdp_bytes))

    @property
    def rtt_s(self):
        return 2 * self.delay_us / 1e6

    def format(self, name):
        return LINK.format(name=name, **vars(self))

    def describe(self):
        return f"{self.rate_kbps / 1000:.1f} Mbit/s, {self.rtt_s * 1000:.0f} ms, {self.buffer_bytes / 1024:.0f} KiB"


class Run:
    """What is read of a run's JSON object. Times in s."""

    def __init__(self, report):
        value = {name: metric["value"] for name, metric in report["metrics"].items()}
        self.flow_s = value["upload.completion-time"] / 1e9
        self.total_s = self.flow_s + value["client.connect-time"] / 1e9
        self.efficiency = value["upload.efficiency"]
        self.ideal_s = value["upload.ideal-time"] / 1e9


class Draw:
    """A pair with its three runs under one setting."""

    def __init__(self, number, links, pair, singles):
        self.number, self.links, self.pair = number, links, pair
        self.singles = singles
        self.total_ratio = self.ratio(lambda run: run.total_s)
        self.flow_ratio = self.ratio(lambda run: run.flow_s)
        self.distance = max(link.rtt_s for link in links) / pair.ideal_s
        self.gain = min(single.total_s for single in singles) / pair.total_s

    def ratio(self, time_of):
        """The pair's time over the longest that it may take: up to 1 it is no slower."""
        best = min(range(2), key=lambda i: time_of(self.singles[i]))
        return time_of(self.pair) / (SLACK * time_of(self.singles[best]) + self.links[best].rtt_s)


def make_scenarios(folder, pairs):
    """The files of all runs, three per pair: the pair, its first link, its second link."""
    paths = []
    for number, links in enumerate(pairs):
        a, b = (link.format(name) for link, name in zip(links, "ab"))
        for kind, groups in (("both", a + b), ("a", a), ("b", b)):
            path = os.path.join(folder, f"{number:03}-{kind}.ini")
            with open(path, "w", encoding="utf-8") as file:
                file.write(HEAD.format(title=f"Random pair {number}: {kind}") + groups + TAIL)
            paths.append(path)
    return paths


def run(options, setting, paths):
    command = [options.caiman, "run", "--no-db", "--json", "-j", str(options.jobs), *SETTINGS[setting][0], *paths]
    print(f"{setting}: {len(paths)} runs", file=sys.stderr)
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    reports = [json.loads(line) for line in result.stdout.splitlines()]
    failed = [f"{report['scenario']}: {report['outcome']}" for report in reports if report["exit"] != 0]
    if failed or len(reports) != len(paths):
        raise SystemExit("\n".join([f"{len(reports)} of {len(paths)} runs came back", *failed]))
    return [Run(report) for report in reports]


def make_draws(pairs, runs):
    return [
        Draw(number, links, runs[3 * number], runs[3 * number + 1 : 3 * number + 3])
        for number, links in enumerate(pairs)
    ]


def quantile(values, share):
    """The value below which @share of all lie: the nearest rank, without interpolation."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def percent(value):
    return f"{100 * value:.1f} %"


def share_of(draws, ratio):
    slower = sum(getattr(draw, ratio) > 1 for draw in draws)
    return f"{percent(1 - slower / len(draws))} ({slower} slower)"


def efficiency_at(draws, share):
    return percent(quantile([draw.pair.efficiency for draw in draws], share))


def efficiency_alone(draws):
    return percent(quantile([single.efficiency for draw in draws for single in draw.singles], 0.5))


# Title, bar for policy adaptive, and what makes a cell of a column's draws.
ROWS = [
    ("no slower than the better link, from the first connect", "≥ 99 %", lambda d: share_of(d, "total_ratio")),
    ("the same on the flow's clock", "", lambda d: share_of(d, "flow_ratio")),
    ("worst time over the time allowed, from the first connect", "", lambda d: f"{max(x.total_ratio for x in d):.2f}"),
    ("the same on the flow's clock", "", lambda d: f"{max(x.flow_ratio for x in d):.2f}"),
    ("efficiency, median", "≥ 90 %", lambda d: efficiency_at(d, 0.5)),
    ("efficiency, 10th percentile", "", lambda d: efficiency_at(d, 0.1)),
    ("efficiency, smallest", "", lambda d: efficiency_at(d, 0)),
    ("times as fast as the better link, median", "", lambda d: f"{quantile([x.gain for x in d], 0.5):.2f}"),
    ("efficiency of a link alone, median", "", efficiency_alone),
]


def format_table(columns):
    lines = [
        "| | bar for adaptive | " + " | ".join(columns) + " |",
        "| --- | ---: |" + " ---: |" * len(columns),
    ]
    for title, bar, cell in ROWS:
        lines.append(f"| {title} | {bar} | " + " | ".join(cell(draws) for draws in columns.values()) + " |")
    return "\n".join(lines)


def format_distances(columns):
    """Median efficiency by the longer RTT of the pair, in parts of the ideal time."""
    bounds = (0, 0.01, 0.03, 0.1, math.inf)
    lines = [
        "| longer RTT / ideal time | draws | " + " | ".join(columns) + " |",
        "| ---: | ---: |" + " ---: |" * len(columns),
    ]
    for low, high in zip(bounds, bounds[1:]):
        cells = []
        for draws in columns.values():
            some = [draw.pair.efficiency for draw in draws if low <= draw.distance < high]
            cells.append(percent(quantile(some, 0.5)) if some else "-")
        span = f"{percent(low)} to {percent(high)}" if high < math.inf else f"over {percent(low)}"
        lines.append(f"| {span} | {len(some)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def format_worst(columns, count=5):
    """The pairs of lowest efficiency under the first setting."""
    setting, draws = next(iter(columns.items()))
    lines = [
        f"| pair | first link | second link | efficiency of {setting} | time over the time allowed |",
        "| ---: | --- | --- | ---: | ---: |",
    ]
    for draw in sorted(draws, key=lambda draw: draw.pair.efficiency)[:count]:
        a, b = (link.describe() for link in draw.links)
        lines.append(f"| {draw.number} | {a} | {b} | {percent(draw.pair.efficiency)} | {draw.total_ratio:.3f} |")
    return "\n".join(lines)


def format_report(options, columns):
    legend = "\n".join(f"- {name}: {SETTINGS[name][1]}." for name in columns)
    return f"""# Random pairs of links

Made by `bench/random-links.py --write BUILD/tools/caiman`; the runs are deterministic, so the same
command gives the same figures as long as the code is the same.

{options.draws} pairs of links (generator seed {options.seed}), each link drawn on its own: rate log-uniform from 1 to
100 Mbit/s, RTT log-uniform from 2 to 400 ms, buffer uniform from 0.1 to 2 times the
bandwidth-delay product but at least 16 KiB; carrier `pipe`, no loss, no faults. Over each pair, and
over each of its links alone with the same settings, a client sends {BYTES // 1_000_000} MB.

The pair is *no slower* when its time is at most {SLACK} times that of the better link alone plus one
RTT of that link. Time counts from the first connect (t = 0) to the last byte delivered, the same for
all three runs. On the flow's clock, which efficiency goes by and which starts with the first byte
offered on the established connection, the comparison is lopsided: a far link that runs alone has
opened before its clock starts (3 RTT for connect and handshake), while in the pair the nearer link
starts the clock and the far one opens on it. Both rows are given; the bar is read on the first.

{format_table(columns)}

{legend}

## By distance

The efficiency counts everything from the first byte offered: the time in which the farther link
still opens, and in which the window of each link grows. Both last a few round trips, whatever is
carried. Median efficiency by how long the longer RTT of the pair is, compared with the ideal time:

{format_distances(columns)}

## The hardest pairs

The lowest efficiencies under {next(iter(columns))}. `--keep DIR` leaves the scenario files for a closer look.

{format_worst(columns)}
"""


def parse_options():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("caiman", nargs="?", default=os.path.join(ROOT, "build", "tools", "caiman"))
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--settings", default="adaptive,aggligator-0.10,reference")
    parser.add_argument("--keep")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    unknown = [name for name in options.settings.split(",") if name not in SETTINGS]
    if unknown:
        parser.error(f"unknown settings: {', '.join(unknown)}")
    return options


def main():
    options = parse_options()
    generator = random.Random(options.seed)
    pairs = [(Link(generator), Link(generator)) for _ in range(options.draws)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or temporary
        os.makedirs(folder, exist_ok=True)
        paths = make_scenarios(folder, pairs)
        columns = {
            setting: make_draws(pairs, run(options, setting, paths)) for setting in options.settings.split(",")
        }
    report = format_report(options, columns)
    if options.write:
        with open(REPORT, "w", encoding="utf-8") as file:
            file.write(report)
    print(report, end="")


if __name__ == "__main__":
    main()
