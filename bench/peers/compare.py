#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caiman and its peers on the same scenarios in the lab, side by side in one database.

    compare.py run --db peers.db --repeats 10 scenarios/tcp/tcp-*.ini    (as root)
    compare.py table peers.db > comparison.md

README.md beside this file says what is measured, and what of it is comparable. A run that the lab
could not keep up with is repeated. What has been recorded is not run again, so that an interrupted
comparison goes on where it stopped.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PEER_VERSION = "0.18.11"
ATTEMPTS = 3
LIMIT_S = 600
CONTENDERS = ("adaptive", "reference", "agg-tunnel", "agg-speed", "mptcp", "tcp", "sim-adaptive", "sim-reference")
POLICIES = ("adaptive", "reference")
INVALID = (70, 77)  # exit statuses of a run that says nothing
FIGURES = (
    # heading, metric, factor, decimals
    ("goodput, Mbit/s", "goodput", 1e-6, 1),
    ("of the ideal, %", "efficiency", 100, 1),
    ("longest gap, ms", "longest-gap", 1e-6, 0),
    ("recovery, ms", "recovery", 1e-6, 0),
)


# --- Scenarios ---


class Scenario:
    """A scenario as caiman resolves it, in groups."""

    def __init__(self, caiman, path):
        done = subprocess.run([caiman, "check", "--testbed", "lab", path], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr.strip() or f"{path}: caiman check has failed")
        self.name = os.path.splitext(os.path.basename(path))[0]
        self.groups = []
        for line in done.stdout.splitlines():
            if line.startswith("["):
                self.groups.append((line.strip("[]"), []))
            elif self.groups and "=" in line:
                self.groups[-1][1].append([part.strip() for part in line.split("=", 1)])

    def get(self, kind):
        return [(name[len(kind):].strip(), keys) for name, keys in self.groups if name.split()[0] == kind]

    @property
    def links(self):
        return [name for name, _ in self.get("link")]

    @property
    def congestion(self):
        found = {dict(keys).get("congestion-control", "?") for _, keys in self.get("link")}
        return "/".join(sorted(found))

    def rate(self, link):
        keys = dict(dict(self.get("link"))[link])
        return parse_rate(keys.get("up.rate", keys.get("rate")))

    def megabytes(self):
        """What the only bulk flow sends; None: there is another traffic."""
        flows = self.get("traffic")
        keys = dict(flows[0][1]) if len(flows) == 1 else {}
        if keys.get("kind") != "bulk" or keys.get("from") != "client":
            return None
        return max(1, parse_bytes(keys["bytes"]) // 1_000_000)

    def write(self, path, kept):
        with open(path, "w") as file:
            for name, keys in self.groups:
                keys = kept(name, keys)
                if keys is not None:
                    file.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys))

    def write_without_traffic(self, path):
        """For a program that brings its own."""
        dropped = ("traffic", "expect", "sweep")
        self.write(path, lambda name, keys: None if name.split()[0] in dropped else keys)

    def write_single(self, path, link):
        """One link alone, with its share of the bytes, so that it takes as long as all together."""
        total = sum(self.rate(other) for other in self.links)

        def kept(name, keys):
            kind, _, rest = name.partition(" ")
            if kind in ("expect", "sweep") or (kind == "link" and rest != link):
                return None
            if kind == "event":
                return keep_targets(keys, link)
            if kind == "traffic":
                return [[k, f"{int(parse_bytes(v) * self.rate(link) / total)}B" if k == "bytes" else v] for k, v in keys]
            return keys

        self.write(path, kept)


def keep_targets(keys, link):
    """An event's keys with @link for its only target, or None."""
    kept = []
    for key, value in keys:
        if key == "do":
            verb, targets, *rest = value.split(" ", 2)
            named = [t for t in targets.split(",") if t.split(".")[0] in (link, "all")]
            if not named:
                return None
            value = " ".join([verb, named[0], *rest])
        kept.append([key, value])
    return kept


def parse_rate(text):
    match = re.fullmatch(r"([0-9.]+)(k|m|g)?bit", text or "")
    if not match:
        return 1.0
    return float(match[1]) * {None: 1, "k": 1e3, "m": 1e6, "g": 1e9}[match[2]]


def parse_bytes(text):
    match = re.fullmatch(r"([0-9.]+)(k|M|G|Ki|Mi|Gi)?B", text)
    factors = {None: 1, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
    return int(float(match[1]) * factors[match[2]])


# --- Runs ---


class Comparison:
    def __init__(self, options):
        self.db, self.caiman, self.agg_bin = options.db, options.caiman, options.agg_bin
        self.folder = tempfile.mkdtemp(prefix="caiman-peers-")

    def make_jobs(self, scenario, path, only):
        """What there is to run of a scenario: ((name, testbed) in the record, command, environment)."""
        jobs = []
        for contender in only:
            policy = contender.removeprefix("sim-")
            if policy in POLICIES:
                testbed = "lab" if policy == contender else "sim"
                command = ["run", "--testbed", testbed, "--keep-events", "0", "--policy", policy, path]
                jobs.append(((policy, testbed), command, {}))
            elif contender == "mptcp":
                jobs.append((("mptcp", "lab"), ["lab", "--direct", "mptcp", "--name", "mptcp", path], {}))
            elif contender == "agg-tunnel":
                script = os.path.join(HERE, "agg-tunnel.sh")
                command = ["lab", "--name", contender, path, "--", script, ":::", script]
                jobs.append(((contender, "lab"), command, {"AGG_BIN": self.agg_bin}))
            elif contender == "agg-speed":
                jobs += self.make_speed_job(scenario)
            elif contender == "tcp":
                jobs += [self.make_single_job(scenario, link) for link in scenario.links]
        return jobs

    def make_path(self, folder, scenario):
        """Of a scenario derived from it, which has the same name in the record."""
        os.makedirs(os.path.join(self.folder, folder), exist_ok=True)
        return os.path.join(self.folder, folder, scenario.name + ".ini")

    def make_speed_job(self, scenario):
        megabytes = scenario.megabytes()
        if megabytes is None:
            return []
        path = self.make_path("agg-speed", scenario)
        scenario.write_without_traffic(path)
        script = os.path.join(HERE, "agg-speed.sh")
        environment = {"AGG_BIN": self.agg_bin, "MEGABYTES": str(megabytes)}
        return [(("agg-speed", "lab"), ["lab", "--name", "agg-speed", path, "--", script, ":::", script], environment)]

    def make_single_job(self, scenario, link):
        path = self.make_path(f"tcp-{link}", scenario)
        scenario.write_single(path, link)
        return ((f"tcp {link}", "lab"), ["lab", "--direct", "tcp", "--name", f"tcp {link}", path], {})

    def is_recorded(self, scenario, who, seed):
        if not os.path.exists(self.db):
            return False
        with sqlite3.connect(self.db) as db:
            query = "SELECT count(*) FROM run WHERE scenario_name = ? AND policy = ? AND testbed = ? AND seed = ? " \
                    "AND state = 'finished' AND exit_class NOT IN (70, 77)"
            return db.execute(query, (scenario.name, *who, seed)).fetchone()[0] > 0

    def run(self, scenario, job, seed):
        who, command, environment = job
        name, testbed = who
        verb, *rest = command
        report = os.path.join(self.folder, f"{scenario.name}-{seed}.json")  # of agg-speed
        full = [self.caiman, verb, "--db", self.db, "--campaign", "peers", "--seed", str(seed), "--json", *rest]
        if self.is_recorded(scenario, who, seed):
            return
        for _ in range(ATTEMPTS):
            try:
                done = subprocess.run(full, env={**os.environ, "AGG_REPORT": report, **environment}, capture_output=True, text=True, timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                print(f"{scenario.name} seed {seed} {name}, {testbed}: no end within {LIMIT_S} s", flush=True)
                return
            if done.returncode == 77:
                sys.exit(done.stderr.strip())
            if done.returncode != 70:
                break
        if name == "agg-speed" and done.returncode not in INVALID:
            self.record_report(scenario, seed, report)
        self.tell(scenario, seed, who, done)

    def record_report(self, scenario, seed, path):
        """agg-speed measures by itself: its figure stands for the flow's goodput."""
        with open(path) as file:
            report, _ = json.JSONDecoder().raw_decode(file.read())  # some words follow
        with sqlite3.connect(self.db) as db:
            query = "SELECT max(id) FROM run WHERE scenario_name = ? AND policy = 'agg-speed' AND seed = ?"
            run_id = db.execute(query, (scenario.name, seed)).fetchone()[0]
            set_id = db.execute("INSERT INTO metric_set (hash) VALUES (NULL)").lastrowid
            db.execute("INSERT INTO metric_name VALUES (?, 0, 'flow', 'agg-speed', 'goodput', 'bit/s')", (set_id,))
            db.execute("INSERT INTO metric_value VALUES (?, 0, ?)", (run_id, find_speed(report)))
            db.execute("UPDATE run SET metric_set = ? WHERE id = ?", (set_id, run_id))

    def tell(self, scenario, seed, who, done):
        with sqlite3.connect(self.db) as db:
            query = "SELECT m.value FROM metric m JOIN run r ON r.id = m.run_id WHERE r.scenario_name = ? AND " \
                    "r.policy = ? AND r.testbed = ? AND r.seed = ? AND m.name = 'goodput' ORDER BY r.id DESC LIMIT 1"
            row = db.execute(query, (scenario.name, *who, seed)).fetchone()
        speed = f"{row[0] / 1e6:.1f} Mbit/s" if row and row[0] is not None else "no goodput"
        invalid = f", exit {done.returncode}: {done.stderr.strip()}" if done.returncode not in (0, 1) else ""
        print(f"{scenario.name} seed {seed} {', '.join(who)}: {speed}{invalid}", flush=True)


def find_speed(report):
    """Bits per second that the client has sent: the report tells bytes per second."""
    return 8.0 * float(report["send_speed"])


def run_all(options):
    only = options.only.split(",")
    unknown = set(only) - set(CONTENDERS)
    if unknown:
        sys.exit(f"--only: there is no {', '.join(sorted(unknown))}; there are {', '.join(CONTENDERS)}")
    if {"agg-tunnel", "agg-speed"} & set(only) and not os.access(f"{options.agg_bin}/agg-tunnel", os.X_OK):
        sys.exit(f"there is no {options.agg_bin}/agg-tunnel (README.md says how to install it), or leave agg-tunnel and "
                 "agg-speed out by --only")
    comparison = Comparison(options)
    try:
        scenarios = [(Scenario(options.caiman, path), path) for path in options.scenarios]
        jobs = [(scenario, comparison.make_jobs(scenario, path, only)) for scenario, path in scenarios]
        # Interleaved: what changes on the machine with time changes for all of them.
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = [
                pool.submit(comparison.run, scenario, job, seed)
                for seed in range(1, options.repeats + 1)
                for scenario, scenario_jobs in jobs
                for job in scenario_jobs
            ]
            try:
                for done in concurrent.futures.as_completed(runs):
                    done.result()
            finally:
                pool.shutdown(cancel_futures=True)
    finally:
        shutil.rmtree(comparison.folder)


# --- The table ---


def order_of(who):
    name, testbed = who
    kind = name.split()[0]
    return (testbed == "sim", CONTENDERS.index(kind) if kind in CONTENDERS else len(CONTENDERS), name)


def read_values(db, scenario, who, metric):
    query = "SELECT m.value FROM metric m JOIN run r ON r.id = m.run_id WHERE r.scenario_name = ? AND r.policy = ? AND " \
            "r.testbed = ? AND m.name = ? AND m.subject_kind = 'flow' AND m.value IS NOT NULL AND " \
            "r.state = 'finished' AND r.exit_class NOT IN (70, 77)"
    return [row[0] for row in db.execute(query, (scenario, *who, metric))]


def format_values(values, factor, decimals):
    if not values:
        return "–"
    low, high = min(values) * factor, max(values) * factor
    middle = statistics.median(values) * factor
    spread = f" ({low:.{decimals}f} … {high:.{decimals}f})" if len(values) > 1 else ""
    return f"{middle:.{decimals}f}{spread}"


def format_scenario(db, scenario):
    ran = db.execute("SELECT DISTINCT policy, testbed FROM run WHERE scenario_name = ?", (scenario,)).fetchall()
    text = db.execute("SELECT text FROM scenario JOIN run USING (text_hash) WHERE scenario_name = ? LIMIT 1", (scenario,)).fetchone()[0]
    congestion = "/".join(sorted(set(re.findall(r"congestion-control = (\S+)", text)))) or "?"
    lines = [f"## {scenario} ({congestion.upper()})", "", "| what | runs | " + " | ".join(f[0] for f in FIGURES) + " |",
             "| --- | --- |" + " --- |" * len(FIGURES)]
    singles = []
    for who in sorted(ran, key=order_of):
        name, testbed = who
        cells = [format_values(read_values(db, scenario, who, metric), factor, decimals)
                 for _, metric, factor, decimals in FIGURES]
        goodputs = read_values(db, scenario, who, "goodput")
        if name.startswith("tcp ") and goodputs:
            singles.append(statistics.median(goodputs))
            cells[1] = "–"  # the ideal is that of another amount of data
        told = f"{name}, simulated" if testbed == "sim" else name
        lines.append(f"| {told} | {len(goodputs)} | " + " | ".join(cells) + " |")
    if len(singles) > 1:
        lines.append(f"| sum of tcp's medians | | {sum(singles) / 1e6:.1f} |" + " – |" * (len(FIGURES) - 1))
    return "\n".join(lines)


def print_table(options):
    with sqlite3.connect(f"file:{options.db}?mode=ro", uri=True) as db:
        scenarios = [row[0] for row in db.execute("SELECT DISTINCT scenario_name FROM run WHERE testbed = 'lab' ORDER BY 1")]
        print("Median (least … most) of the valid runs.\n")
        print("\n\n".join(format_scenario(db, scenario) for scenario in scenarios))


def main():
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="run what is not in the database yet")
    run.add_argument("--db", default="peers.db")
    run.add_argument("--repeats", type=int, default=10, help="seeds 1 to this (default 10)")
    run.add_argument("--jobs", type=int, default=1, help="runs at a time (default 1)")
    run.add_argument("--only", default=",".join(CONTENDERS), help="some of " + ",".join(CONTENDERS))
    run.add_argument("--caiman", default=os.path.join(HERE, "../../build/tools/caiman"))
    run.add_argument("--agg-bin", default=f"{cache}/caiman/aggligator-util-{PEER_VERSION}/bin", help="folder of agg-tunnel and agg-speed")
    run.add_argument("scenarios", nargs="+", metavar="SCENARIO")
    table = verbs.add_parser("table", help="print a table as Markdown")
    table.add_argument("db")
    options = parser.parse_args()
    print_table(options) if options.verb == "table" else run_all(options)


main()
