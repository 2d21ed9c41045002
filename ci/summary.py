#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sums up a test run from Meson's testlog.json: a line per suite, then "N passed, N failed".

What is counted are the cases inside a test where it reports them in TAP, and the test itself where
it does not. A test that went wrong without saying which case (it crashed, hung, or ran fewer cases
than planned) counts as one failure on top of the cases that passed.

Exit status: 0 when nothing failed and at least one case passed, else 1.
"""

import argparse
import json
import re
import sys
from collections import Counter, OrderedDict

CASE = re.compile(r"^(not )?ok\b(?:\s+\d+)?(.*)$")
DIRECTIVE = re.compile(r"#\s*(SKIP|TOD[O])\b", re.IGNORECASE)
GOOD = {"OK", "EXPECTEDFAIL"}


def count_cases(stdout):
    """Counts the top-level TAP cases in what a test printed."""
    cases = Counter()
    for line in stdout.splitlines():
        match = CASE.match(line)
        if not match:
            continue
        directive = DIRECTIVE.search(match.group(2))
        if directive and directive.group(1).upper() == "SKIP":
            cases["skipped"] += 1
        elif match.group(1) and not directive:
            cases["failed"] += 1
        elif match.group(1):
            cases["skipped"] += 1
        else:
            cases["passed"] += 1
    return cases


def count_test(test):
    """Counts one test of the log, by its cases where it has any."""
    result = test["result"]
    cases = count_cases(test.get("stdout") or "")
    if not cases:
        if result in GOOD:
            return Counter(passed=1)
        return Counter(skipped=1) if result == "SKIP" else Counter(failed=1)
    if result not in GOOD | {"SKIP"} and not cases["failed"]:
        cases["failed"] += 1
    return cases


def read_log(path):
    """Returns the counts by suite and the names of the tests that failed."""
    suites, failed = OrderedDict(), []
    with open(path, encoding="utf-8") as log:
        for line in log:
            test = json.loads(line)
            suite = test["name"].rpartition(" / ")[0].rpartition(":")[2].partition("+")[0] or "tests"
            cases = count_test(test)
            suites.setdefault(suite, Counter()).update(cases)
            if cases["failed"]:
                failed.append((test["name"], test["result"]))
    return suites, failed


def verdict(counts):
    line = f"{counts['passed']} passed, {counts['failed']} failed"
    return line + (f", {counts['skipped']} skipped" if counts["skipped"] else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log", help="meson-logs/testlog.json of a build directory")
    parser.add_argument("--meson-status", type=int, default=0, help="exit status of meson test")
    options = parser.parse_args()
    try:
        suites, failed = read_log(options.log)
    except (OSError, ValueError) as error:
        print(f"summary: {error}", file=sys.stderr)
        suites, failed = {}, []
    total = sum(suites.values(), Counter())
    if not total["failed"] and (options.meson_status or not total["passed"]):
        print(f"summary: the run itself failed (status {options.meson_status})", file=sys.stderr)
        total["failed"] += 1
    print()
    for suite, counts in suites.items():
        print(f"  {suite:<12} {verdict(counts)}")
    for name, result in failed:
        print(f"  failed: {name} ({result})")
    print(verdict(total), flush=True)
    return 1 if total["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
