#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often caiman diff is wrong, measured with runs of the simulator: it must not cry wolf between two halves of the
seeds of one policy, and must find a slowdown of 5 %.

usage: test-diff-proof.py CAIMAN

Prints TAP. The halves are drawn by a generator with a fixed seed.
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import traceback

CAIMAN = os.path.abspath(sys.argv[1])
N_DIFFS = 300
N_SEEDS = 200
N_HALF = 50

# Chance everywhere: jitter and two kinds of loss, and a fault that finds the stream in another state each time.
SCENARIO = """\
[scenario]
format = 1
carrier = pipe
duration = 60s

[link a]
rate = 50mbit
delay = 10ms
jitter = normal(3ms)
loss = 0.2%

[link b]
rate = 20mbit
delay = 30ms
jitter = normal(5ms)
loss = gilbert(0.1%, 30%)

[traffic upload]
from = client
kind = bulk
bytes = 4MB

[event silence]
at = 200ms
do = blackhole a for 100ms

[expect]
upload.longest-gap = <= 105ms
"""
SLOWER = ["--set", "link a.rate=47.5mbit", "--set", "link b.rate=19mbit"]


def caiman(*arguments, statuses=(0,)):
    done = subprocess.run([CAIMAN, *arguments], capture_output=True, text=True)
    assert done.returncode in statuses, (arguments, done.returncode, done.stdout, done.stderr)
    return done


def draw_halves(connection, rng):
    """Puts two disjoint samples of the runs into two campaigns."""
    runs = [row[0] for row in connection.execute("SELECT id FROM run ORDER BY id")]
    drawn = rng.sample(runs, 2 * N_HALF)
    with connection:
        connection.execute("UPDATE run SET campaign_id = 1")
        for campaign, part in [(2, drawn[:N_HALF]), (3, drawn[N_HALF:])]:
            connection.executemany("UPDATE run SET campaign_id = ? WHERE id = ?", [(campaign, run) for run in part])


def split_halves():
    # Some seeds fail, so that failures, too, are a matter of chance.
    caiman("run", "-q", "--keep-events", "0", "--db", "all.db", "--seed", f"1..{N_SEEDS}", "s.ini", statuses=(1,))
    connection = sqlite3.connect("all.db")
    failing = connection.execute("SELECT count(*) FROM run WHERE exit_class = 1").fetchone()[0]
    assert 2 <= failing <= N_SEEDS // 2, failing
    with connection:
        for campaign, name in [(2, "one"), (3, "other")]:
            connection.execute("INSERT INTO campaign (id, name, command, host, started_us, ended_us) VALUES (?, ?, '', '', 0, 0)", (campaign, name))
    rng = random.Random(1)
    alarms, verdicts, significant, tested = 0, 0, 0, 0
    for _ in range(N_DIFFS):
        draw_halves(connection, rng)
        done = caiman("diff", "--json", "--base-campaign", "one", "--new-campaign", "other", "all.db", "all.db",
                      statuses=(0, 1))
        diff = json.loads(done.stdout)
        metrics = diff["groups"][0]["metrics"]
        assert diff["n_pairs"] == 0 and diff["groups"][0]["n_base"] == N_HALF, diff["groups"][0]
        assert diff["regression"] == (done.returncode == 1)
        alarms += diff["regression"]
        verdicts += any(metric["verdict"] in ("better", "worse", "changed") for metric in metrics)
        significant += any((metric["p_adjusted"] or 1) <= 0.01 for metric in metrics if metric["p_adjusted"] is not None)
        tested += diff["n_tested"]
    print(f"# {N_DIFFS} diffs, {tested / N_DIFFS:.1f} comparisons tested in each, {failing} of {N_SEEDS} seeds fail: "
          f"{alarms} regressions, {verdicts} with any change told, {significant} with a significant metric")
    assert tested >= 20 * N_DIFFS, "the scenario leaves nothing to chance"
    assert alarms <= N_DIFFS / 100, alarms
    assert verdicts <= N_DIFFS / 100, verdicts


def slowdown(base_seeds, new_seeds, is_paired):
    caiman("run", "-q", "--keep-events", "0", "--db", "base.db", "--seed", base_seeds, "s.ini", statuses=(0, 1))
    caiman("run", "-q", "--keep-events", "0", "--db", "new.db", "--seed", new_seeds, *SLOWER, "s.ini", statuses=(0, 1))
    done = caiman("diff", "--json", "base.db", "new.db", statuses=(1,))
    (group,) = json.loads(done.stdout)["groups"]
    worse = {metric["metric"]: metric for metric in group["metrics"] if metric["regression"]}
    for name in ["upload.goodput", "upload.completion-time"]:
        metric = worse[name]
        print(f"# {name}: {metric['difference'] / metric['base']:+.2%}, p {metric['p_adjusted']:.1e}")
        assert metric["paired"] == is_paired and metric["p_adjusted"] <= 0.01, metric
    out = caiman("diff", "base.db", "new.db", statuses=(1,)).stdout
    assert "WORSE   upload.goodput" in out or "WORSE  upload.goodput" in out, out


def slowdown_paired():
    slowdown("1..50", "1..50", True)


def slowdown_unpaired():
    slowdown("1..50", "1001..1050", False)


def slowdown_unpaired_other_seeds():
    slowdown("301..350", "501..550", False)


def main():
    tests = [split_halves, slowdown_paired, slowdown_unpaired, slowdown_unpaired_other_seeds]
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for number, function in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            with open("s.ini", "w", encoding="utf-8") as file:
                file.write(SCENARIO)
            try:
                function()
                print(f"ok {number} {function.__name__}", flush=True)
            except Exception:  # whatever it is, the other tests go on
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
                print(f"not ok {number} {function.__name__}", flush=True)
            os.chdir("/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
