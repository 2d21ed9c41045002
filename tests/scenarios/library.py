#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scenario library: every file is well kept, runs, and holds all that it expects.

usage: library.py check|run|tcp|tcp-all ROOT CAIMAN

check   what can be said without a run: the head of each file, names, bases, the lists
run     runs them all
tcp     runs those of tests/scenarios/tcp.list on the testbed tcp
tcp-all runs all that the testbed tcp honours

Prints TAP, a test per scenario. Files of the library end in .ini; a base that only others extend
ends in .inc and is no scenario.
"""

import json
import os
import re
import subprocess
import sys

FOLDERS = ("basics", "failover", "heterogeneous", "hostile", "lifecycle", "matrix", "sweeps", "tcp", "validation")
EXTENDS = re.compile(r"^extends\s*=\s*(\S+)", re.MULTILINE)
JOBS = 2
# In real time runs mostly wait.
TCP_JOBS = 8
TCP_JOBS_AGAIN = (4, 2, 1)
INVALID, SKIPPED = 70, 77


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def case(self, name, problems):
        self.count += 1
        self.failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} {name}")
        for problem in problems:
            print(f"# {problem}")
        sys.stdout.flush()

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def find(root, ending):
    found = []
    for folder in FOLDERS:
        names = os.listdir(os.path.join(root, "scenarios", folder))
        found += [f"scenarios/{folder}/{name}" for name in names if name.endswith(ending)]
    return sorted(found)


def read_list(root, path):
    """The pairs (scenario, remark) of a list with a path per line."""
    rows = []
    for line in read(root, path).splitlines():
        entry, _, remark = line.partition("#")
        if entry.strip():
            rows.append((entry.strip(), remark.strip()))
    return rows


# --- check ---


def check_head(text):
    problems = []
    if not re.match(r"# \S.{20,}", text):
        problems.append("the first line is no comment that says what it shows")
    if not re.search(r"^title\s*=", text, re.MULTILINE):
        problems.append("there is no title")
    return problems


def check_resolved(caiman, path):
    done = subprocess.run([caiman, "check", path], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"check: exit status {done.returncode}"] + done.stderr.splitlines()


def check_names(scenarios):
    names = [os.path.basename(path) for path in scenarios]
    return [f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


def check_bases(root, scenarios):
    used = set()
    for path in scenarios:
        for base in EXTENDS.findall(read(root, path)):
            used.add(os.path.normpath(os.path.join(os.path.dirname(path), base)))
    return [f"nothing extends {path}" for path in find(root, ".inc") if path not in used]


def check_determinism(root, scenarios):
    rows = read_list(root, "tests/determinism.list")
    problems = [f"{path} is not there" for path, _ in rows if path not in scenarios]
    if sum(remark == "memcheck" for _, remark in rows) != 1:
        problems.append("not exactly one is marked memcheck")
    return problems


def check_tcp(root, scenarios, caiman):
    paths = [path for path, _ in read_list(root, "tests/scenarios/tcp.list")]
    problems = [f"{path} is not there" for path in paths if path not in scenarios]
    problems += [f"{path} is there twice" for path in sorted(set(paths)) if paths.count(path) > 1]
    command = [caiman, "check", "--quiet", "--testbed", "tcp", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return problems + ([] if done.returncode == 0 else done.stderr.splitlines())


def check(root, caiman):
    tap = Tap()
    scenarios = find(root, ".ini")
    for path in scenarios:
        tap.case(path, check_head(read(root, path)) + check_resolved(caiman, path))
    tap.case("names differ", check_names(scenarios))
    tap.case("bases are extended", check_bases(root, scenarios))
    tap.case("determinism.list", check_determinism(root, scenarios))
    tap.case("tcp.list", check_tcp(root, scenarios, caiman))
    return tap.end()


# --- run ---


def judge(runs):
    problems = []
    for run in runs:
        if run["exit"] != 0:
            what = run["variant"] or f"seed {run['seed']}"
            problems.append(f"{what}: {run['outcome']}, exit {run['exit']}")
        for expect in run["expectations"]:
            if not expect["held"]:
                problems.append(f"  {expect['name']}: expected {expect['bound']}, got {expect['actual']}")
    return problems if runs else ["it was not run"]


def run_all(caiman, scenarios, jobs, *options):
    """The exit status, and the runs of each scenario by its path."""
    command = [caiman, "run", "--no-db", "--json", "-j", str(jobs), *options, *scenarios]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    names = {path: os.path.basename(path)[: -len(".ini")] for path in scenarios}
    return done.returncode, {path: [run for run in runs if run["scenario"] == names[path]] for path in scenarios}


def run(root, caiman):
    tap = Tap()
    status, runs = run_all(caiman, find(root, ".ini"), JOBS)
    for path, of_path in runs.items():
        tap.case(path, judge(of_path))
    tap.case("exit status", [] if status == 0 else [f"it is {status}"])
    return tap.end()


def has_exit(runs, exit_class):
    return any(run["exit"] == exit_class for run in runs)


def run_tcp(caiman, scenarios):
    """A run that could not keep up with real time says nothing, and is run again with more room."""
    tap = Tap()
    _, runs = run_all(caiman, scenarios, TCP_JOBS, "--testbed", "tcp")
    for jobs in TCP_JOBS_AGAIN:
        again = [path for path in runs if has_exit(runs[path], INVALID)]
        if again:
            runs.update(run_all(caiman, again, jobs, "--testbed", "tcp")[1])
    for path, of_path in runs.items():
        if of_path and all(run["exit"] == SKIPPED for run in of_path):
            print(f"# skipped: {path}")
        else:
            tap.case(path, judge(of_path))
    return tap.end()


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("check", "run", "tcp", "tcp-all"):
        print(__doc__, file=sys.stderr)
        return 2
    mode, root, caiman = sys.argv[1:]
    caiman = os.path.abspath(caiman)
    root = os.path.abspath(root)
    os.chdir(root)
    if mode == "tcp":
        if os.environ.get("CAIMAN_SANITIZED"):
            print("1..0 # SKIP too slow for real time")
            return 0
        return run_tcp(caiman, [path for path, _ in read_list(root, "tests/scenarios/tcp.list")])
    if mode == "tcp-all":
        return run_tcp(caiman, find(root, ".ini"))
    return check(root, caiman) if mode == "check" else run(root, caiman)


if __name__ == "__main__":
    sys.exit(main())
