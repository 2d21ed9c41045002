#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a database with many runs out of one with a few, quickly: their rows are copied, with other
seeds and with metrics that differ a little.

usage: campaign.py CAIMAN DB N
"""

import os
import sqlite3
import subprocess
import sys
import tempfile

SCENARIO = """\
[scenario]
format = 1
carrier = pipe
duration = 30s

[link wifi]
rate = 50mbit
delay = 10ms
jitter = normal(2ms)

[link lte]
rate = 20mbit
delay = 40ms

[traffic upload]
from = client
kind = bulk
bytes = 2MB

[traffic chat]
from = server
kind = messages
message-size = 1kB
interval = 10ms
count = 30

[event silence]
at = 100ms
do = blackhole wifi for 200ms

[expect]
upload.longest-gap = <= %s
"""

# A number in 0 to 0.999 that depends on what follows it alone.
NOISE = "((abs(({run} * 7919 + {seq} * 104729) * 2654435761) % 1000) / 1000.0)"


def make_base(caiman, db):
    """Two scenarios, one of which fails, with two policies and four seeds each."""
    with tempfile.TemporaryDirectory() as folder:
        for name, bound in (("holds", "1s"), ("fails", "1ms")):
            path = os.path.join(folder, f"{name}.ini")
            with open(path, "w", encoding="utf-8") as file:
                file.write(SCENARIO % bound)
            for policy in ("adaptive", "reference"):
                subprocess.run([caiman, "run", "-q", "--db", db, "--campaign", "big", "--keep-events", "0",
                                "--seed", "1..4", "--policy", policy, path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def columns_of(connection, table):
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]


def copy_rows(connection, table, changes):
    """Copies the rows of @table for each pair in the table copy; @changes: column to expression."""
    names = columns_of(connection, table)
    key = "id" if table == "run" else "run_id"
    values = [changes.get(name, f"t.{name}") for name in names]
    connection.execute(f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
                       f" FROM copy JOIN {table} AS t ON t.{key} = copy.old")


def grow(db, n_runs):
    """Until @db has @n_runs runs. Copies have no samples and events."""
    connection = sqlite3.connect(db)
    with connection:
        old = [row[0] for row in connection.execute("SELECT id FROM run ORDER BY id")]
        connection.execute("CREATE TEMP TABLE copy (new INTEGER PRIMARY KEY, old INTEGER)")
        first = old[-1] + 1
        connection.executemany("INSERT INTO copy VALUES (?, ?)",
                               ((first + i, old[i % len(old)]) for i in range(n_runs - len(old))))
        noise = NOISE.format(run="copy.new", seq="t.seq")
        copy_rows(connection, "run", {"id": "copy.new", "seed": "copy.new", "origin": "'copy-' || copy.new"})
        copy_rows(connection, "metric_value", {"run_id": "copy.new", "value": f"round(t.value * (0.9 + 0.2 * {noise}), 9)"})
        copy_rows(connection, "expectation", {"run_id": "copy.new"})
        copy_rows(connection, "flow", {"run_id": "copy.new"})
        copy_rows(connection, "link", {"run_id": "copy.new"})
    connection.close()


def main():
    caiman, db, n_runs = sys.argv[1:]
    make_base(caiman, db)
    grow(db, int(n_runs))


if __name__ == "__main__":
    main()
