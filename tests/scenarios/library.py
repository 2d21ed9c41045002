#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scenario library: every file is well kept, runs, and holds all that it expects.

usage: library.py check|run ROOT CAIMAN

check   what can be said without a run: the head of each file, names, bases, the determinism list
run     runs them all

Prints TAP, a test per scenario. Files of the library end in .ini; a base that only others extend
ends in .inc and is no scenario.
"""

import json
import os
import re
import subprocess
import sys

FOLDERS = ("basics", "failover", "heterogeneous", "hostile", "lifecycle", "matrix")
EXTENDS = re.compile(r"^extends\s*=\s*(\S+)", re.MULTILINE)
JOBS = 2


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


def check(root, caiman):
    tap = Tap()
    scenarios = find(root, ".ini")
    for path in scenarios:
        tap.case(path, check_head(read(root, path)) + check_resolved(caiman, path))
    tap.case("names differ", check_names(scenarios))
    tap.case("bases are extended", check_bases(root, scenarios))
    tap.case("determinism.list", check_determinism(root, scenarios))
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


def run(root, caiman):
    tap = Tap()
    scenarios = find(root, ".ini")
    command = [caiman, "run", "--no-db", "--json", "-j", str(JOBS), *scenarios]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    for path in scenarios:
        name = os.path.basename(path)[: -len(".ini")]
        tap.case(path, judge([run for run in runs if run["scenario"] == name]))
    tap.case("exit status", [] if done.returncode == 0 else [f"it is {done.returncode}"])
    return tap.end()


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("check", "run"):
        print(__doc__, file=sys.stderr)
        return 2
    mode, root, caiman = sys.argv[1:]
    caiman = os.path.abspath(caiman)
    root = os.path.abspath(root)
    os.chdir(root)
    return check(root, caiman) if mode == "check" else run(root, caiman)


if __name__ == "__main__":
    sys.exit(main())
