#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The queries of docs/queries.md: each is run and gives what the page says, and the answer to "why was
link 2 idle at 4.2 s" is the true one in runs that are made for each reason.

usage: test-queries.py CAIMAN ROOT [--write]

Prints TAP. With --write the page gets the output of now instead.
"""

import os
import re
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import traceback

CAIMAN = os.path.abspath(sys.argv[1])
ROOT = os.path.abspath(sys.argv[2])
PAGE = os.path.join(ROOT, "docs", "queries.md")
BLOCK = re.compile(r"^```sql\n(.*?)^```\n\n```text\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^\$ caiman (run .*)$", re.MULTILINE)
# An expectation that did not hold is no matter here: runs of other policies are expected to miss some.
STATUS_FINE = (0, 1)

BASE = """\
[scenario]
format = 1
carrier = pipe
title = Why is link 2 idle
duration = 8s
ends = at-duration
{scenario}
[link one]
rate = 20mbit
delay = 10ms
{one}
[link two]
rate = 20mbit
delay = 20ms
{two}
{rest}
"""
BULK = "[traffic upload]\nfrom = client\nkind = bulk\nbytes = 40MB\n"
STEADY = "[traffic upload]\nfrom = client\nkind = rate\nrate = 2mbit\nbytes = 2MB\n"
# Reason, and what of the scenario brings it about: link 2 is idle for it from 4.1 s to 4.2 s.
CASES = [
    ("no-data", {"rest": "[traffic upload]\nfrom = client\nkind = messages\ninterval = 3s\ncount = 3\nmessage-size = 1kB\n"}),
    ("others-chosen", {"rest": STEADY}),
    ("blocked-local", {"rest": BULK + "[event e]\nat = 2s\ndo = block two by client\n"}),
    ("blocked-remote", {"rest": BULK + "[event e]\nat = 2s\ndo = block two by server\n"}),
    ("quota", {"two": "quota = 1MB", "rest": BULK}),
    ("cost", {"two": "cost = 5", "rest": STEADY}),
    ("suspected", {"rest": BULK + "[event e]\nat = 4050ms\ndo = blackhole two for 1s\n"}),
    ("not-working", {"rest": BULK + "[event e]\nat = 2s\ndo = blackhole two for 4s\n"}),
    ("closing", {"rest": BULK + "[event e]\nat = 4090ms\ndo = pause two.down for 3s\n[event f]\nat = 4091ms\ndo = disconnect two by client\n"}),
    ("no-link", {"two": "starts = 5s", "rest": BULK}),
    ("handshake", {"two": "starts = 3900ms", "rest": BULK + "[event e]\nat = 3950ms\ndo = blackhole two for 3s\n"}),
    ("peer-window", {"rest": "[server]\nreceive-buffer = 64KiB\n" + BULK + "[event e]\nat = 2s\ndo = slow-reader upload 8kbit\n"}),
    ("send-window", {"rest": "[client]\nsend-buffer = 32KiB\n" + BULK + "[event e]\nat = 4s\ndo = blackhole one,two for 1s\n"}),
    ("back-pressure", {"rest": BULK + "[event e]\nat = 2s\ndo = remove one\n[event f]\nat = 4s\ndo = blackhole two for 1s\n"}),
    ("link-window", {"one": "delay = 500ms", "two": "delay = 600ms", "rest": "[client]\nlink-window-start = 32KiB\nlink-window-max = 32KiB\n" + BULK}),
    ("better-link", {
        "two": "delay = 400ms",
        "rest": "[traffic upload]\nfrom = client\nkind = on-off\nrate = 100mbit\non = 30ms\noff = 1015ms\nstarts = 1025ms\nbytes = 2MB\n",
    }),
    ("in-use", {"rest": BULK}),
]


class Database:
    """A new one, in a folder that goes when it is closed."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="caiman-queries-")
        self.path = os.path.join(self.folder.name, "results.db")

    def run(self, arguments):
        words = [self.path if word == "results.db" else word for word in arguments]
        done = subprocess.run([CAIMAN, *words, "-q"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode in STATUS_FINE, f"caiman {' '.join(words)}: {done.returncode}\n{done.stdout}{done.stderr}"

    def query(self, sql):
        connection = sqlite3.connect(self.path)
        try:
            cursor = connection.execute(sql)
            return [column[0] for column in cursor.description], cursor.fetchall()
        finally:
            connection.close()

    def close(self):
        self.folder.cleanup()


def format_cell(value):
    return "" if value is None else str(value)


def format_table(columns, rows):
    cells = [[format_cell(value) for value in row] for row in rows]
    widths = [max(len(text) for text in column) for column in zip(columns, *cells)]
    lines = [columns, ["-" * width for width in widths], *cells]
    return "".join("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() + "\n" for line in lines)


def make_documented(page):
    database = Database()
    commands = CONSOLE.findall(page)
    assert commands, "the page does not say how its database is made"
    for command in commands:
        database.run(shlex.split(command))
    return database


def compare(sql, expected, got, rows):
    assert rows, f"no rows come of\n{sql}"
    assert got == expected, f"{sql}\ngives\n{got}\nand not\n{expected}\n(--write puts it into the page)"


def merge_keys(text):
    """One of each key, the last: a case changes what the base says of a link."""
    out, keys = [], {}
    for line in text.splitlines():
        key = line.split("=")[0].strip()
        if line.startswith("["):
            keys = {}
        elif key in keys and key:
            out[keys[key]] = line
            continue
        keys[key] = len(out)
        out.append(line)
    return "\n".join(out) + "\n"


def check_case(sql, why, parts):
    database = Database()
    try:
        parts = {"scenario": "", "one": "", "two": "", "rest": "", **parts}
        path = os.path.join(database.folder.name, "case.ini")
        with open(path, "w", encoding="utf-8") as file:
            file.write(merge_keys(BASE.format(**parts)))
        done = subprocess.run([CAIMAN, "run", "-q", "--db", database.path, path], capture_output=True, text=True)
        assert done.returncode in (0, 1, 4), done.stdout + done.stderr
        columns, rows = database.query(sql)
        row = {r[columns.index("side")]: dict(zip(columns, r)) for r in rows}["client"]
        assert abs(row["t_s"] - 4.2) < 1e-6, row
        assert row["link"] == "two" and row["why"] == why, row
        has_fault = "blackhole" in parts["rest"] and why not in ("no-data",)
        assert not has_fault or "blackhole" in (row["fault"] or ""), row
    finally:
        database.close()


def write_page(page, database):
    def replace(match):
        columns, rows = database.query(match[1])
        return f"```sql\n{match[1]}```\n\n```text\n{format_table(columns, rows)}```\n"

    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(BLOCK.sub(replace, page))


def main():
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    blocks = BLOCK.findall(page)
    n_sql = page.count("```sql\n")
    database = make_documented(page)
    if "--write" in sys.argv[3:]:
        write_page(page, database)
        return 0
    tests = [("each-query-has-its-output", lambda: compare("", str(n_sql), str(len(blocks)), blocks))]
    for sql, expected in blocks:
        columns, rows = database.query(sql)
        got = format_table(columns, rows)
        name = re.sub(r"\W+", "-", sql.split("\n")[0].lower())[:50].strip("-")
        tests.append((name, lambda s=sql, e=expected, g=got, r=rows: compare(s, e, g, r)))
    for why, parts in CASES:
        tests.append((f"why/{why}", lambda w=why, p=parts: check_case(blocks[0][0], w, p)))
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        try:
            test()
            print(f"ok {number} {name}")
        except Exception:
            failed += 1
            print(f"not ok {number} {name}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
        sys.stdout.flush()
    database.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
