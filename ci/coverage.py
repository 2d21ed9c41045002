#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Coverage per folder from gcovr's JSON, with bars that must be met.

usage: ci/coverage.py BUILD-DIR [FOLDER:LINES%:BRANCHES% ...]

Runs gcovr over BUILD-DIR and prints lines and branches for each folder and, for folders below a
bar, the files that miss most. Assertions are left out: a branch that only a bug can take is no
branch a test can take. Left out are whole statements, over as many lines as they have, and for
g_assert_not_reached() also the line; so are the clean-up functions that G_DEFINE_AUTOPTR_… writes,
whose NULL tests are GLib's. Exit status: 0 all bars met, 1 not, 2 no data.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict

FOLDERS = ["core", "transports", "sim", "lab", "config", "harness", "reports", "apps", "tools"]
ASSERTION = re.compile(
    r"\b(g_assert\w*|g_return_(?:val_)?if_(?:fail|reached)"
    r"|g_error|G_DEFINE_AUTO\w+|G_STATIC_ASSERT)\s*\("
)
UNREACHABLE = re.compile(r"\b(g_assert_not_reached|g_error|g_return_(?:val_)?if_reached|abort)\s*\(")
STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.DOTALL)


def blank(match):
    """White space of the same shape, so that offsets and line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group(0))


def statement_lines(text, pattern):
    """The numbers of all lines that a call matching @pattern covers, up to its closing bracket."""
    text = STRING_OR_COMMENT.sub(blank, text)
    lines = set()
    for match in pattern.finditer(text):
        depth, end = 1, match.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        first = text.count("\n", 0, match.start()) + 1
        lines.update(range(first, text.count("\n", 0, end) + 2))
    return lines


def count_file(entry, text):
    """[lines, lines covered, branches, branches covered] of a file in gcovr's JSON."""
    assertions = statement_lines(text, ASSERTION)
    unreachable = statement_lines(text, UNREACHABLE)
    counts = [0, 0, 0, 0]
    for line in entry["lines"]:
        number = line["line_number"]
        if line.get("gcovr/noncode") or number in unreachable:
            continue
        counts[0] += 1
        counts[1] += line["count"] > 0
        if number in assertions:
            continue
        branches = [branch for branch in line["branches"] if not branch.get("throw")]
        counts[2] += len(branches)
        counts[3] += sum(branch["count"] > 0 for branch in branches)
    return counts


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def row(name, counts):
    lines, lines_hit, branches, branches_hit = counts
    return (
        f"{name:<34} {percent(lines_hit, lines):6.1f} % of {lines:6} lines"
        f"  {percent(branches_hit, branches):6.1f} % of {branches:6} branches"
    )


def run_gcovr(build):
    command = ["gcovr", "--root", ".", "--object-directory", build, "--exclude-unreachable-branches"]
    for folder in FOLDERS:
        command += ["--filter", folder + "/"]
    command += ["--json", "-", build]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def check_bars(folders, files, bars):
    """Prints the verdict on each bar; returns whether all are met."""
    met = True
    for bar in bars:
        folder, lines_min, branches_min = bar.split(":")
        counts = folders.get(folder)
        if not counts or not counts[0]:
            print(f"BELOW {folder}: no coverage data at all")
            met = False
            continue
        lines, branches = percent(counts[1], counts[0]), percent(counts[3], counts[2])
        if lines >= float(lines_min) and branches >= float(branches_min):
            print(f"met   {folder}: {lines:.1f} % lines (bar {lines_min}), {branches:.1f} % branches (bar {branches_min})")
            continue
        met = False
        print(f"BELOW {folder}: {lines:.1f} % lines (bar {lines_min}), {branches:.1f} % branches (bar {branches_min})")
        in_folder = [(name, c) for name, c in files.items() if name.startswith(folder + "/")]
        in_folder.sort(key=lambda item: item[1][1] - item[1][0] + item[1][3] - item[1][2])
        for name, file_counts in in_folder[:8]:
            print("      " + row(name, file_counts))
    return met


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        data = run_gcovr(sys.argv[1])
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"coverage: gcovr: {error}", file=sys.stderr)
        return 2
    files, folders = {}, defaultdict(lambda: [0, 0, 0, 0])
    for entry in data["files"]:
        with open(entry["file"], encoding="utf-8") as source:
            counts = count_file(entry, source.read())
        files[entry["file"]] = counts
        for i, value in enumerate(counts):
            folders[entry["file"].split("/")[0]][i] += value
    for folder in sorted(folders):
        print(row(folder, folders[folder]))
    return 0 if check_bars(folders, files, sys.argv[2:]) else 1


if __name__ == "__main__":
    sys.exit(main())
