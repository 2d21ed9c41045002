#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sweeps as their users meet them: points, policies, resuming, shards and merging.

usage: test-sweep.py CAIMAN

Prints TAP. Nothing here waits for a time: where a process must be under way, its database tells.
"""

import importlib.util
import os
import signal
import sys

spec = importlib.util.spec_from_file_location("cli", os.path.join(os.path.dirname(__file__), "test-cli.py"))
cli = importlib.util.module_from_spec(spec)
spec.loader.exec_module(cli)
expect, query, write, Process, SCENARIO = cli.expect, cli.query, cli.write, cli.Process, cli.SCENARIO
cli.TESTS.clear()
test = cli.test

SWEEP = ["--vary", "link b.delay = 10ms..40ms x2", "--vary", "where = link b.delay > link a.delay",
         "--policy", "adaptive,reference", "--seed", "1..3"]
N_RUNS = 2 * 2 * 3

# All that identifies a run and what came of it, but for numbers and real time.
FACTS = """SELECT scenario_name, scenario_hash, variant, seed, policy, outcome, exit_class, digest, simulated_ns,
 (SELECT group_concat(name || ':' || coalesce(value, '-'), ' ') FROM
   (SELECT name, value FROM metric WHERE run_id = run.id ORDER BY seq)) FROM run ORDER BY 2, 4"""


@test
def points_and_policies():
    """Policies take turns under the same seeds; the table has a row for each point and policy."""
    write("s.ini")
    out, err = expect(0, "sweep", "-j2", "--db", "x.db", *SWEEP, "s.ini")
    lines = out.splitlines()
    assert f"{N_RUNS} runs: {N_RUNS} ok" in out, out
    assert len(lines) == 1 + 4 + 1 and "link b.delay=40ms" in lines[3] and "goodput" in lines[0], out
    rows = query("x.db", "SELECT variant, seed, policy FROM run ORDER BY id")
    wanted = [(f"link b.delay={d}ms", s, p) for d in (20, 40) for s in (1, 2, 3) for p in ("adaptive", "reference")]
    assert sorted(rows) == sorted(wanted), rows
    assert query("x.db", "SELECT count(*), min(plan IS NOT NULL) FROM campaign") == [(1, 1)]
    assert query("x.db", "SELECT count(*) FROM trace_block") == [(0,)]
    # The same plan by `run`: a line each, in the plan's order, and alike to the bit.
    out, err = expect(0, "run", "--db", "y.db", "--keep-events", "0", *SWEEP, "s.ini")
    assert [(f"link b.delay={d}ms" in line, p in line) for line, (d, p) in zip(
        out.splitlines(), [(d, p) for d in (20, 40) for s in range(3) for p in ("adaptive", "reference")])] == [
        (True, True)] * N_RUNS, out
    assert query("x.db", FACTS) == query("y.db", FACTS)
    # Every sweep's run can be replayed, though no events were kept.
    expect(0, "replay", "x.db", "1")


@test
def sweep_in_the_file():
    write("s.ini", SCENARIO + "[sweep]\nseed = 1..2\nlink a.rate = 10mbit, 20mbit\nlink b.rate = 1mbit..2mbit x2\n"
          "zip = link a.rate, link b.rate\nwhere = link a.rate != 20mbit\n")
    out, err = expect(0, "check", "s.ini")
    assert "# 1 point of its sweep, 2 seeds: 2 runs" in out, out
    assert "#   link a.rate=10mbit link b.rate=1mbit" in out, out
    out, err = expect(0, "check", "--vary", "where=link a.rate != 10mbit", "--vary", "seed=4", "s.ini")
    assert "# 1 point of its sweep: 1 run\n" in out and "link a.rate=20mbit link b.rate=2mbit" in out, out
    out, err = expect(0, "sweep", "--no-db", "--json", "s.ini")
    assert [(r["seed"], r["variant"]) for r in cli.runs_of(out)] == [
        (s, "link a.rate=10mbit link b.rate=1mbit") for s in (1, 2)], out


@test
def errors():
    write("s.ini")
    for arguments, text in [
        (["--vary", "link b.delay"], "--vary takes a line"),
        (["--vary", "link b.delay=1ms..2ms"], "(vary link b.delay): link b.delay: '1ms..2ms' needs"),
        (["--policy", "adaptive,adaptive"], "--policy has 'adaptive' twice"),
        (["--policy", "adaptive,fast"], "no policy 'fast'"),
        (["--shard", "4/3"], "--shard takes"),
        (["--policy", "adaptive,reference", "--vary", "config.policy=adaptive,min-rtt"], "sweeps config.policy itself"),
    ]:
        out, err = expect(2, "sweep", *arguments, "s.ini")
        assert out == "" and text in err, (arguments, err)
        assert not os.path.exists("caiman.db")
    assert "unknown option" in expect(2, "sweep", "--trace", "x", "s.ini")[1].lower()
    for arguments in (["merge", "a.db"], ["merge", "-o", "x.db"], ["merge", "-o", "x.db", "nothing.db"]):
        expect(2, *arguments)
        assert not os.path.exists("x.db")


@test
def failures_are_told():
    write("s.ini", SCENARIO + "upload.goodput = >= 1gbit\n")
    out, err = expect(1, "sweep", "--db", "x.db", "--seed", "1..30", "s.ini")
    assert sum(line.startswith("FAILED") for line in out.splitlines()) == 20, out
    assert "... and 10 more failures: caiman show --failed x.db" in out and "30 FAILED" in out, out
    out, err = expect(1, "sweep", "-q", "--db", "x.db", "--seed", "1..30", "s.ini")
    assert out == "" and err.count("FAILED") == 20 and "and 10 more failures" in err, (out, err)
    out, err = expect(1, "sweep", "-v", "--db", "x.db", "--seed", "1..30", "s.ini")
    assert out.count("FAILED  s ") >= 30 or out.count("FAILED ") >= 30, out


@test
def resume():
    """What is there is not run again; what is not, is. Another binary's runs do not count."""
    write("s.ini")
    expect(0, "sweep", "-q", "--db", "x.db", "--seed", "1..4", "s.ini")
    first = query("x.db", "SELECT id, started_us FROM run ORDER BY id")
    out, err = expect(0, "sweep", "--db", "x.db", "--seed", "1..6", "s.ini")
    assert "6 runs: 6 ok" in out and "4 of them were in the database already" in out, out
    assert query("x.db", "SELECT id, started_us FROM run WHERE id <= 4 ORDER BY id") == first
    assert query("x.db", "SELECT count(*), count(DISTINCT campaign_id) FROM run") == [(6, 1)]
    again, _ = expect(0, "sweep", "--json", "--db", "x.db", "--seed", "1..6", "s.ini")
    fresh, _ = expect(0, "sweep", "--json", "--no-db", "--seed", "1..6", "s.ini")
    known = [(r["seed"], r["digest"], r["metrics"]) for r in cli.runs_of(again)]
    assert known == [(r["seed"], r["digest"], r["metrics"]) for r in cli.runs_of(fresh)]
    out, err = expect(0, "run", "--resume", "--db", "x.db", "--seed", "1..7", "s.ini")
    assert query("x.db", "SELECT count(*) FROM run") == [(7,)]
    cli.change("x.db", "UPDATE run SET build_id = 'another' WHERE seed = 1")
    expect(0, "sweep", "-q", "--db", "x.db", "--seed", "1..6", "s.ini")
    assert query("x.db", "SELECT count(*) FROM run WHERE seed = 1") == [(2,)]
    expect(0, "sweep", "-q", "--again", "--db", "x.db", "--seed", "1..2", "s.ini")
    assert query("x.db", "SELECT count(*) FROM run") == [(10,)]


@test
def unfinished_runs_are_replaced():
    """Of a process that is dead; a run that is a failure stays one, and counts, when it is known."""
    write("s.ini", SCENARIO + "upload.goodput = >= 1gbit\n")
    expect(1, "run", "-q", "--db", "x.db", "--seed", "1..2", "s.ini")
    cli.change("x.db", "UPDATE run SET state = 'unfinished', process = '1/2/gone' WHERE seed = 1")
    out, err = expect(1, "sweep", "--db", "x.db", "--seed", "1..2", "s.ini")
    assert query("x.db", "SELECT seed, state FROM run ORDER BY seed") == [(1, "finished"), (2, "finished")]
    assert "2 FAILED" in out and "1 of them" in out, out


def start_and_wait(n=3000):
    """A sweep that is under way: some runs are in the database."""
    tool = Process("sweep", "-j2", "--db", "x.db", "--seed", f"1..{n}", "s.ini")
    while not os.path.exists("x.db") or cli.query("x.db", "SELECT count(*) FROM sqlite_schema") == [(0,)]:
        assert tool.process.poll() is None
    while query("x.db", "SELECT count(*) FROM run") == [(0,)]:
        assert tool.process.poll() is None
    return tool


def go_on():
    """Runs the sweep again, a little farther than it was; how many runs it found."""
    n = query("x.db", "SELECT count(*) FROM run")[0][0]
    last = query("x.db", "SELECT max(seed) FROM run")[0][0]
    assert 0 < n <= last < 3000, (n, last)
    out, err = expect(0, "sweep", "-j2", "--db", "x.db", "--seed", f"1..{last + 20}", "s.ini")
    assert f"{last + 20} runs: {last + 20} ok" in out and f"{n} of them w" in out, (n, out)
    check_whole(last + 20)


def check_whole(n):
    assert query("x.db", "SELECT count(*), count(DISTINCT seed), sum(state = 'finished') FROM run") == [(n, n, n)]
    assert query("x.db", "PRAGMA integrity_check") == [("ok",)]
    assert query("x.db", "SELECT count(*) FROM pragma_foreign_key_check") == [(0,)]


@test
def interrupted():
    write("s.ini")
    tool = start_and_wait()
    tool.process.send_signal(signal.SIGINT)
    status, out, err = tool.end()
    assert status == 130 and "of 3000 runs are done; the same command goes on from there" in err, (status, err)
    go_on()


@test
def killed():
    """kill -9 of the whole tool in the middle, then the same command again."""
    write("s.ini")
    tool = start_and_wait()
    workers = tool.workers()
    tool.process.kill()
    tool.end()
    for worker in workers:  # they end with their parent
        while os.path.exists(f"/proc/{worker}"):
            with open(f"/proc/{worker}/stat", encoding="ascii") as file:
                if file.read().rsplit(")", 1)[1].split()[0] == "Z":
                    break
    go_on()


@test
def worker_killed():
    """A worker that dies costs no run of its batch but, at most, the one it was at."""
    write("s.ini")
    tool = start_and_wait(1500)
    os.kill(tool.workers()[0], signal.SIGKILL)
    status, out, err = tool.end()
    assert status in (0, 70), (status, err)
    finished = query("x.db", "SELECT count(DISTINCT seed) FROM run WHERE state = 'finished'")[0][0]
    assert finished >= 1499 and (finished == 1500) == (status == 0), (finished, out, err)
    expect(0, "sweep", "-q", "-j2", "--db", "x.db", "--seed", "1..1500", "s.ini")
    check_whole(1500)


@test
def shards():
    """Three shards merged are the whole sweep; merged twice they are no more."""
    write("s.ini")
    expect(0, "sweep", "-q", "--db", "whole.db", *SWEEP, "s.ini")
    for i in (1, 2, 3):
        expect(0, "sweep", "-q", "--db", f"shard-{i}.db", "--shard", f"{i}/3", *SWEEP, "s.ini")
        assert query(f"shard-{i}.db", "SELECT count(*) FROM run") == [(N_RUNS // 3,)]
    names = [f"shard-{i}.db" for i in (1, 2, 3)]
    out, err = expect(0, "merge", "-o", "all.db", *names)
    assert out == f"all.db: {N_RUNS} runs added, 0 were there already, 0 unfinished ones left out\n", out
    assert query("all.db", FACTS) == query("whole.db", FACTS)
    assert query("all.db", "SELECT count(*) FROM campaign") == [(1,)]
    out, err = expect(0, "merge", "-o", "all.db", *names, "whole.db")
    assert f"0 runs added, {2 * N_RUNS} were there already" in out, out
    out, err = expect(0, "sweep", "--db", "all.db", *SWEEP, "s.ini")
    assert f"{N_RUNS} of them were in the database already" in out, out
    # More shards than runs: some have none.
    for i in range(1, 6):
        expect(0, "sweep", "-q", "--db", "few.db", "--shard", f"{i}/5", "--seed", "1..2", "s.ini")
    assert query("few.db", "SELECT count(*), count(DISTINCT seed) FROM run") == [(2, 2)]


@test
def merge_of_what_differs():
    write("s.ini")
    for db in ("a.db", "b.db"):
        expect(0, "sweep", "-q", "--db", db, "--seed", "1..2", "s.ini")
    cli.change("b.db", "UPDATE run SET digest = 'beef' WHERE seed = 2")
    out, err = expect(1, "merge", "-o", "all.db", "a.db", "b.db")
    assert out == "" and "seed 2, adaptive) has digest beef" in err and "nothing was merged" in err, err
    assert not os.path.exists("all.db")
    cli.make_version_1("a.db")
    expect(0, "merge", "-q", "-o", "all.db", "a.db")
    assert query("a.db", "PRAGMA user_version") == [(1,)]
    assert query("all.db", "SELECT count(*) FROM run") == [(2,)]


if __name__ == "__main__":
    sys.exit(cli.main())
