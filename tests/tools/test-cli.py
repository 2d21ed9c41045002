#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command line tool as its users meet it: output, exit status, databases, signals.

usage: test-cli.py CAIMAN

Prints TAP. Nothing here waits for a time: where a process must be under way, its output tells.
"""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback
import xml.etree.ElementTree

CAIMAN = os.path.abspath(sys.argv[1])

SCENARIO = """\
[scenario]
format = 1
carrier = pipe
title = Two links
duration = 30s
seed = 1

[link a]
rate = 50mbit
delay = 10ms
jitter = uniform(1ms)

[link b]
rate = 20mbit
delay = 30ms

[traffic upload]
from = client
kind = bulk
bytes = 500kB

[event silence]
at = 50ms
do = blackhole a for 200ms

[expect]
upload.delivered-bytes = 500kB
"""

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def caiman(*arguments, env=None):
    """Runs the tool here; returns status, standard output, standard error."""
    environment = {k: v for k, v in os.environ.items() if k != "CAIMAN_LOG"}
    environment.update(env or {})
    done = subprocess.run([CAIMAN, *arguments], capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout, done.stderr


def expect(status, *arguments, env=None):
    got, out, err = caiman(*arguments, env=env)
    assert got == status, f"caiman {' '.join(arguments)}: status {got}, not {status}\n{out}\n{err}"
    return out, err


def write(name, text=SCENARIO):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def query(db, sql):
    connection = sqlite3.connect(db)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def change(db, sql):
    connection = sqlite3.connect(db)
    with connection:
        connection.execute(sql)
    connection.close()


def read_text(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def runs_of(out):
    return [json.loads(line) for line in out.splitlines()]


@test
def usage_errors():
    write("s.ini")
    out, err = expect(2)
    assert out == "" and "usage: caiman" in err
    for arguments, text in [
        (["rum"], "did you mean 'run'"),
        (["qqqqqq"], "see 'caiman help'"),
        (["run"], "usage: caiman run"),
        (["run", "--nonsense", "s.ini"], "--nonsense"),
        (["run", "-j", "0", "s.ini"], "-j takes"),
        (["run", "--seed", "5..1", "s.ini"], "--seed takes"),
        (["run", "--seed", "x", "s.ini"], "--seed takes"),
        (["run", "--policy", "best", "s.ini"], "there is no policy 'best'"),
        (["run", "--set", "nonsense", "s.ini"], "--set takes"),
        (["run", "--set", "nonsense=1", "s.ini"], "--set takes"),
        (["run", "--testbed", "moon", "s.ini"], "there is no testbed 'moon'"),
        (["run", "--db", "x.db", "--no-db", "s.ini"], "exclude each other"),
        (["run", "--keep-events", "-1", "s.ini"], "--keep-events takes"),
        (["run", "--trace", "t", "--seed", "1..2", "s.ini"], "single run"),
        (["run", "missing.ini"], "missing.ini"),
        (["lab", "s.ini"], "what is to carry the traffic?"),
        (["lab", "--direct", "udp", "s.ini"], "what is to carry the traffic?"),
        (["lab", "--direct", "tcp", "s.ini", "--", "a", ":::", "b"], "exclude each other"),
        (["lab", "s.ini", "--", "a", "b"], "two commands are needed"),
        (["lab", "s.ini", "--", ":::", "b"], "two commands are needed"),
        (["lab", "--direct", "tcp", "--db", "x.db", "--no-db", "s.ini"], "exclude each other"),
        (["lab", "--direct", "tcp", "--seed", "x", "s.ini"], "--seed takes"),
        (["lab", "--direct", "tcp", "missing.ini"], "missing.ini"),
        (["lab", "--direct", "tcp"], "usage: caiman lab"),
        (["validate"], "name scenario files"),
        (["validate", "missing.ini"], "missing.ini"),
        (["validate", "--repeat", "0", "s.ini"], "--repeat takes"),
        (["validate", "--json", "--markdown", "-", "s.ini"], "only one of"),
        (["validate", "--from", "x.db", "s.ini"], "--from compares"),
        (["validate", "--from", "missing.db"], "missing.db"),
        (["replay", "x.db"], "usage: caiman replay"),
        (["replay", "missing.db", "1"], "missing.db"),
        (["replay", "missing.db", "one"], "not the number of a run"),
        (["show", "missing.db"], "missing.db"),
        (["prune", "missing.db"], "say which runs"),
        (["prune", "--older-than", "soon", "missing.db"], "--older-than takes"),
        (["report", "missing.db"], "missing.db"),
        (["report", "--format", "htlm", "missing.db"], "did you mean 'html'"),
        (["report", "--run", "one", "missing.db"], "not the number of a run"),
        (["report", "--format", "md", "--all-runs", "missing.db"], "are for HTML"),
        (["plot", "missing.db", "1"], "usage: caiman plot"),
        (["plot", "missing.db", "1", "thruput"], "did you mean 'throughput'"),
        (["plot", "missing.db", "1", "rtt"], "missing.db"),
        (["plot", "-o", "x.gif", "missing.db", "1", "rtt"], "ends in .svg or .png"),
        (["plot", "--width", "3", "missing.db", "1", "rtt"], "--width and --height take"),
        (["help", "rum"], "did you mean"),
    ]:
        out, err = expect(2, *arguments)
        assert out == "" and text in err, (arguments, out, err)
    assert not os.path.exists("caiman.db")
    expect(2, "version", env={"CAIMAN_LOG": "loud"})


@test
def help_and_version():
    out, _ = expect(0, "version")
    assert out.startswith("caiman 0."), out
    assert expect(0, "--version")[0] == out
    assert expect(0, "help")[0] == expect(0, "--help")[0]
    verbs = ["run", "lab", "validate", "check", "replay", "show", "report", "plot", "export", "diff", "prune", "version", "help"]
    for verb in verbs:
        out, err = expect(0, "help", verb)
        assert f"caiman {verb}" in out and "--help" in out and err == "", (verb, out, err)
        assert out == expect(0, verb, "--help")[0]
        assert verb in expect(0, "help")[0]


@test
def validate_what_is_recorded():
    """Without a lab: runs of the simulator, some of which are given out as the lab's."""
    text = SCENARIO.replace("carrier = pipe", "carrier = tcp")
    expect(0, "run", "-q", "--db", "v.db", "--seed", "1..4", write("v.ini", text))
    _, err = expect(2, "validate", "--from", "v.db")
    assert "no scenario with runs of both" in err, err
    db = sqlite3.connect("v.db")
    db.execute("UPDATE run SET testbed = 'lab' WHERE seed > 2")
    db.commit()
    out, _ = expect(0, "validate", "--from", "v.db", "--markdown", "v.md")
    assert "within" in out and "OUTSIDE" not in out and "metrics are within their tolerance" in out, out
    with open("v.md", encoding="utf-8") as file:
        assert file.read().count("| within |") == out.count(" within\n")
    db.execute("UPDATE metric_value SET value = 1.2 * value WHERE (run_id, seq) IN"
               " (SELECT run_id, metric.seq FROM metric JOIN run ON run.id = run_id WHERE name = 'goodput' AND seed <= 2)")
    db.commit()
    rows = json.loads(expect(1, "validate", "--from", "v.db", "--json")[0])["rows"]
    outside = [row for row in rows if not row["held"]]
    assert outside and all(row["metric"].endswith(".goodput") and 0.1 < row["error"] < 0.3 for row in outside), rows
    assert all(row["sim"]["runs"] == row["lab"]["runs"] == 2 for row in rows), rows
    assert expect(2, "validate", "--from", "v.db", "--campaign", "other")[1]
    # What has no packets cannot be in the lab.
    _, err = expect(77, "validate", "--db", "none.db", write("s.ini"))
    assert "skipped s.ini: " in err and not os.path.exists("none.db"), err


@test
def scenario_errors():
    text = SCENARIO.replace("rate = 50mbit", "rat = 50mbit").replace("500kB\n\n[event", "500\n\n[event")
    write("bad.ini", text)
    for verb in ["check", "run"]:
        out, err = expect(2, verb, "bad.ini")
        lines = err.splitlines()
        assert out == "" and len(lines) >= 2, err
        assert all(line.startswith("bad.ini:") for line in lines), err
        assert "rat" in lines[0] and "rate" in lines[0], err
        with open("noise", "wb") as file:
            file.write(b"\x80\x81\n" * 1000)
        lines = expect(2, verb, "noise")[1].splitlines()
        assert len(lines) == 21 and lines[-1] == "noise: and 983 more errors", lines
    assert not os.path.exists("caiman.db")


@test
def check_round_trip():
    out, _ = expect(0, "check", write("s.ini"))
    write("again.ini", out)
    again, _ = expect(0, "check", "again.ini")
    assert out.split("\n", 1)[1] == again.split("\n", 1)[1]
    assert out.splitlines()[0].split()[-1] == again.splitlines()[0].split()[-1]
    out, _ = expect(0, "check", "--set", "link a.delay = 77ms", "s.ini")
    assert "77ms" in out
    out, err = expect(2, "check", "s.ini", "missing.ini")
    assert "[link a]" in out and "missing.ini" in err
    assert expect(0, "check", "-q", "s.ini")[0] == ""
    write("swept.ini", SCENARIO.replace("seed = 1\n", "seed = 1..200\n") +
          "\n[sweep]\nlink a.delay = 10ms, 20ms\nlink b.delay = 10ms, 20ms, 30ms\n")
    assert "# 6 points of its sweep, 200 seeds: 1200 runs" in expect(0, "check", "swept.ini")[0]
    out, _ = expect(0, "check", "--set", "scenario.seed=1..3", "s.ini")
    assert out.splitlines()[1] == "# 3 seeds: 3 runs", out


@test
def run_tells_and_records():
    out, err = expect(0, "run", write("s.ini"))
    for text in ["ok", "survives", "Expectations", "upload.delivered-bytes", "Where the lost time went"]:
        assert text in out, (text, out)
    assert err == ""
    rows = query("caiman.db", "SELECT state, outcome, exit_class, seed FROM run")
    assert len(rows) == 1 and rows[0][1:] == ("survives", 0, 1), rows
    out, _ = expect(0, "run", "--seed", "1..3", "--db", "other.db", "--campaign", "three", "s.ini")
    assert len(out.splitlines()) == 4 and "3 runs: 3 ok" in out, out
    assert query("other.db", "SELECT name FROM campaign") == [("three",)]
    assert len(query("caiman.db", "SELECT 1 FROM run")) == 1


@test
def run_quiet():
    write("s.ini")
    assert expect(0, "run", "-q", "--no-db", "s.ini") == ("", "")
    assert not os.path.exists("caiman.db")
    out, err = expect(1, "run", "-q", "--no-db", "--set", "expect.upload.efficiency=>= 100%", "s.ini")
    assert out == "" and "upload.efficiency" in err, (out, err)


@test
def run_verbose():
    out, _ = expect(0, "run", "-v", "--no-db", "--seed", "1..2", write("s.ini"))
    assert out.count("Expectations") == 2


@test
def run_json():
    write("s.ini")
    out, _ = expect(1, "run", "--json", "--no-db", "--set", "expect.upload.recovery=<= 1ns", "s.ini")
    (run,) = runs_of(out)
    for key in ["schema", "scenario", "hash", "seed", "policy", "testbed", "outcome", "exit", "digest"]:
        assert key in run, key
    assert (run["scenario"], run["seed"], run["policy"]) == ("s", 1, "adaptive")
    assert (run["testbed"], run["outcome"], run["exit"]) == ("sim", "survives", 1)
    assert len(run["digest"]) == 64 and len(run["hash"]) == 64
    assert all(set(metric) == {"value", "unit"} for metric in run["metrics"].values())
    assert run["metrics"]["upload.delivered-bytes"] == {"value": 500000, "unit": "bytes"}
    held = {e["name"]: e["held"] for e in run["expectations"]}
    assert held["integrity"] and held["upload.delivered-bytes"] and not held["upload.recovery"], held


@test
def run_junit():
    write("s.ini")
    expect(1, "run", "-q", "--junit", "out.xml", "--db", "x.db", "--seed", "1..2",
           "--set", "expect.upload.efficiency=>= 100%", "s.ini")
    root = xml.etree.ElementTree.parse("out.xml").getroot()
    cases = root.findall(".//testcase")
    assert len(cases) == 2 and len(root.findall(".//failure")) == 2
    assert "caiman replay 'x.db'" in root.find(".//failure").text
    expect(4, "run", "-q", "--junit", "out.xml", "--no-db", "--set", "scenario.duration=100ms", "s.ini")
    root = xml.etree.ElementTree.parse("out.xml").getroot()
    assert "upload is not complete" in root.find(".//failure").text
    out, err = expect(70, "run", "-q", "--junit", "missing/out.xml", "--no-db", "s.ini")
    assert "missing/out.xml" in err


@test
def run_options_replace_values():
    write("s.ini")
    out, _ = expect(0, "run", "--json", "--no-db", "--seed", "7", "--policy", "round-robin", "s.ini")
    (run,) = runs_of(out)
    assert (run["seed"], run["policy"]) == (7, "round-robin")


@test
def sweeps():
    write("s.ini", SCENARIO + "\n[sweep]\nlink b.delay = 20ms, 60ms\nlink b.rate = 10mbit, 20mbit\n")
    out, _ = expect(0, "run", "--json", "--no-db", "-j2", "--seed", "1..2", "s.ini")
    runs = runs_of(out)
    assert len(runs) == 8 and len({run["digest"] for run in runs}) == 8
    assert [run["seed"] for run in runs] == [1, 2] * 4
    assert "20ms" in runs[0]["variant"] and "60ms" in runs[-1]["variant"]
    write("bad.ini", SCENARIO + "\n[sweep]\nlink b.delay = 20ms, 60\n")
    _, err = expect(2, "run", "--no-db", "bad.ini")
    assert "bad.ini:" in err


@test
def jobs_change_nothing():
    write("s.ini")
    one, _ = expect(0, "run", "--json", "--no-db", "--seed", "1..12", "s.ini")
    assert len({run["digest"] for run in runs_of(one)}) == 12
    for jobs in [["-j", "2"], ["-j5"], ["--jobs=12"]]:
        assert expect(0, "run", "--json", "--db", "x.db", *jobs, "--seed", "1..12", "s.ini")[0] == one
    assert query("x.db", "SELECT count(*) FROM run WHERE digest IS NOT NULL") == [(36,)]


@test
def several_runs_worst_counts():
    write("good.ini")
    write("fails.ini", SCENARIO + "upload.efficiency = >= 100%\n")
    write("stuck.ini", SCENARIO.replace("duration = 30s", "duration = 100ms"))
    out, _ = expect(4, "run", "--no-db", "good.ini", "stuck.ini", "fails.ini")
    assert "1 ok, 1 FAILED, 1 STUCK" in out, out
    expect(1, "run", "--no-db", "fails.ini", "good.ini")


@test
def skipped():
    write("tcp.ini", SCENARIO.replace("carrier = pipe", "carrier = tcp"))
    write("s.ini")
    out, err = expect(77, "run", "--no-db", "--testbed", "tcp", "tcp.ini")
    assert "skipped" in out and "carrier = tcp" in err, (out, err)
    expect(0, "run", "--no-db", "tcp.ini", "s.ini")
    _, err = expect(77, "run", "--no-db", "--testbed", "lab", "s.ini")
    assert "testbed lab" in err and "carrier = " in err or "built without it" in err, err
    write("loss.ini", SCENARIO.replace("[link ", "[testbed tcp]\nlink a.loss = 1%\n[link ", 1))
    expect(0, "check", "--quiet", "loss.ini")
    for verb in (["run", "--no-db"], ["check"]):
        _, err = expect(77, *verb, "--testbed", "tcp", "loss.ini")
        assert "loss: the testbed tcp relays streams" in err, err


@test
def real_tcp():
    text = SCENARIO + "[testbed tcp]\ntraffic upload.bytes = 100kB\nexpect.upload.delivered-bytes = 100kB\n"
    write("s.ini", text)
    out, _ = expect(0, "check", "--testbed", "tcp", "s.ini")
    assert "bytes = 100kB" in out and "testbed" not in out.split("\n", 1)[1], out
    status, out, err = caiman("run", "--json", "--db", "tcp.db", "--testbed", "tcp", "s.ini")
    assert status in (0, 70), (status, out, err)  # 70: this machine could not keep up
    assert json.loads(out)["testbed"] == "tcp", out


@test
def full_disk():
    write("s.ini")
    out, err = expect(70, "run", "--db", "/dev/full", "s.ini")
    assert out == "" and "/dev/full" in err, (out, err)
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([CAIMAN, "help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 70 and "standard output" in done.stderr
    expect(2, "show", write("nodb", "this is no database" * 100))


@test
def not_recorded():
    """A database that refuses its rows, as a full disk would: the verdict says so."""
    write("s.ini")
    expect(0, "run", "-q", "--db", "x.db", "s.ini")
    change("x.db", "CREATE TRIGGER full BEFORE INSERT ON run BEGIN SELECT raise(ABORT, 'it is full'); END")
    out, err = expect(70, "run", "--db", "x.db", "--junit", "out.xml", "s.ini")
    assert out.startswith("ERROR ") and "not-recorded" in out and "it is full" in err, (out, err)
    assert "it is full" in xml.etree.ElementTree.parse("out.xml").getroot().find(".//error").text


@test
def show():
    write("s.ini")
    expect(0, "run", "-q", "--db", "x.db", "--seed", "1..3", "s.ini")
    out, _ = expect(0, "show", "x.db")
    assert len(out.splitlines()) == 4, out
    assert len(expect(0, "show", "--limit", "1", "x.db")[0].splitlines()) == 2
    assert len(expect(0, "show", "--scenario", "s", "--json", "x.db")[0].splitlines()) == 3
    assert expect(0, "show", "--failed", "--json", "x.db")[0] == ""
    assert all(len(line) <= 80 for line in expect(0, "show", "x.db")[0].splitlines())
    assert "simulated" in expect(0, "show", "--all", "x.db")[0]
    out, _ = expect(0, "show", "x.db", "2")
    assert "seed 2" in out and "Expectations" in out and "link-state" in out, out
    assert len(expect(0, "show", "--all", "x.db", "2")[0]) > len(out)
    assert json.loads(expect(0, "show", "--json", "x.db", "2")[0])["seed"] == 2
    expect(2, "show", "x.db", "9")
    expect(2, "show", "x.db", "zero")
    expect(2, "show", "--limit", "-1", "x.db")
    assert len(expect(0, "show", "--outcome", "OK", "--json", "x.db")[0].splitlines()) == 3
    assert expect(0, "show", "--outcome", "failed", "--json", "x.db")[0] == ""
    expect(0, "run", "-q", "--db", "x.db", "--seed", "1..50", "--set", "traffic upload.bytes=1kB",
           "--set", "expect.upload.delivered-bytes=1kB", "s.ini")
    lines = expect(0, "show", "x.db")[0].splitlines()
    assert len(lines) == 52 and "--all" in lines[-1] and lines[1].split()[0] == "4", lines
    assert len(expect(0, "show", "--limit", "0", "x.db")[0].splitlines()) == 54


@test
def prune():
    write("s.ini")
    for name in ["one", "two"]:
        expect(0, "run", "-q", "--db", "x.db", "--campaign", name, "--seed", "1..3", "s.ini")
    count = "SELECT count(*) FROM run"
    out, _ = expect(0, "prune", "--dry-run", "--campaign", "one", "x.db")
    assert "3 runs" in out and query("x.db", count) == [(6,)]
    out, _ = expect(0, "prune", "--campaign", "one", "x.db")
    assert "3 runs and 1 campaigns deleted" in out and query("x.db", count) == [(3,)]
    expect(0, "prune", "--outcome", "terminated", "x.db")
    change("x.db", "UPDATE run SET state = 'unfinished', outcome = NULL WHERE id = 5")
    out, _ = expect(0, "prune", "--dry-run", "--outcome", "unfinished", "x.db")
    assert "1 runs" in out, out
    expect(0, "prune", "--older-than", "30d", "x.db")
    expect(0, "prune", "--older-than", "1h", "x.db")
    assert query("x.db", count) == [(3,)]
    assert expect(0, "prune", "-q", "--older-than", "0d", "x.db")[0] == ""
    assert query("x.db", count) == [(0,)]


@test
def replay_equal():
    write("s.ini")
    expect(0, "run", "-q", "--db", "x.db", "--seed", "3..4", "--set", "link a.delay=12ms",
           "--policy", "min-rtt", "s.ini")
    os.remove("s.ini")
    out, _ = expect(0, "replay", "x.db", "2", "--trace", "t.txt")
    digest = query("x.db", "SELECT digest FROM run WHERE id = 2")[0][0]
    assert "the same" in out and digest in out and os.path.getsize("t.txt") > 1000
    assert expect(0, "replay", "-q", "x.db", "1")[0] == ""
    _, err = expect(70, "replay", "--trace", "missing/t.txt", "x.db", "1")
    assert "missing/t.txt" in err
    expect(2, "replay", "x.db", "3")


def read_lines(name):
    with open(name, encoding="utf-8") as file:
        return file.read().splitlines()


def record_other(db, number, old, new):
    """As if run NUMBER had been recorded by a build that does @old where this one does @new."""
    change(db, f"UPDATE scenario SET text = replace(text, '{old}', '{new}') WHERE text_hash ="
               f" (SELECT text_hash FROM run WHERE id = {number})")


@test
def replay_mismatch():
    """The first event that differs, from the database alone."""
    write("s.ini", SCENARIO.replace("500kB", "3MB"))
    expect(0, "run", "-q", "--db", "x.db", "--trace", "old.txt", "s.ini")
    expect(0, "run", "-q", "--no-db", "--trace", "new.txt", "--set", "event silence.at=700ms", "s.ini")
    old, new = read_lines("old.txt"), read_lines("new.txt")
    index = next(i for i, pair in enumerate(zip(old, new)) if pair[0] != pair[1])
    record_other("x.db", 1, "at = 50ms", "at = 700ms")
    out, _ = expect(1, "replay", "x.db", "1")
    assert f"run 1: DIFFERENT from event {index + 1} on" in out, out
    shown = out[out.index("first event that differs"):].splitlines()
    before = [f"  both:     {line}" for line in old[max(0, index - 5):index]]
    assert shown[0] == f"first event that differs: number {index + 1}", out
    assert shown[1:len(before) + 1] == before, out
    assert shown[len(before) + 1] == f"  recorded: {old[index]}", out
    assert shown[len(before) + 2] == f"  now:      {new[index]}", out
    assert "first change of state that differs" in out and "recorded: 0.050000000 harness" in out, out
    assert "this run's events" not in out
    assert "this run's events" in expect(1, "replay", "-v", "x.db", "1")[0]


@test
def replay_late_mismatch():
    """Deep in a run, and the end of one of the two."""
    write("s.ini", SCENARIO.replace("500kB", "3MB").replace("50ms", "450ms"))
    expect(0, "run", "-q", "--db", "x.db", "--trace", "old.txt", "s.ini")
    old = read_lines("old.txt")
    expect(0, "run", "-q", "--no-db", "--trace", "new.txt", "--set", "event silence.at=451ms", "s.ini")
    new = read_lines("new.txt")
    index = next(i for i, pair in enumerate(zip(old, new)) if pair[0] != pair[1])
    assert index > 3000, index
    record_other("x.db", 1, "at = 450ms", "at = 451ms")
    out, _ = expect(1, "replay", "x.db", "1")
    assert f"number {index + 1}" in out and old[index] in out and new[index] in out, out
    # The record ends two events early.
    expect(0, "run", "-q", "--db", "y.db", "--keep-events", str(len(old) - 2), "s.ini")
    change("y.db", f"UPDATE run SET n_events = {len(old) - 2}, digest = '00'")
    out, _ = expect(1, "replay", "y.db", "1")
    assert f"number {len(old) - 1}" in out and "recorded: (the end)" in out, out
    assert f"now:      {old[-2]}" in out, out


@test
def replay_beyond_the_record():
    write("s.ini", SCENARIO.replace("500kB", "3MB").replace("50ms", "300ms"))
    for kept in ["0", "1200"]:
        expect(0, "run", "-q", "--db", "x.db", "--keep-events", kept, "--trace", "old.txt", "s.ini")
    record_other("x.db", 1, "at = 300ms", "at = 301ms")
    expect(0, "run", "-q", "--no-db", "--trace", "new.txt", "--set", "event silence.at=301ms", "s.ini")
    old, new = read_lines("old.txt"), read_lines("new.txt")
    index = next(i for i, pair in enumerate(zip(old, new)) if pair[0] != pair[1])
    first = index // 1000 * 1000
    out, _ = expect(1, "replay", "x.db", "1")
    assert f"DIFFERENT between events {first + 1} and {first + 1000}" in out, out
    assert "no events of this run" in out and f"events {first + 1} to {first + 1000}:" in out, out
    assert new[first] in out and "-v shows them" in out, out
    assert new[first + 999] in expect(1, "replay", "-v", "x.db", "1")[0]
    out, _ = expect(1, "replay", "x.db", "2")
    assert f"first 1200 events are the same; of the other {len(old) - 1200}" in out, out
    # A trace file has them all.
    out, _ = expect(1, "replay", "--against", "old.txt", "x.db", "1")
    assert f"first event that differs: number {index + 1}" in out, out
    assert f"recorded: {old[index]}" in out and f"now:      {new[index]}" in out, out
    assert f"both:     {old[index - 1]}" in out and "this run's events" not in out, out
    write("short.txt", "\n".join(new[:10]) + "\n")
    out, _ = expect(1, "replay", "--against", "short.txt", "x.db", "1")
    assert "number 11" in out and "recorded: (the end)" in out, out
    out, _ = expect(1, "replay", "--against", "new.txt", "x.db", "1")
    assert "both traces are the same" in out, out
    _, err = expect(1, "replay", "--against", "missing.txt", "x.db", "1")
    assert "missing.txt" in err


@test
def replay_changed_database():
    """Digests and events that do not belong together, and events that cannot be read."""
    write("s.ini", SCENARIO.replace("500kB", "3MB"))
    expect(0, "run", "-q", "--db", "x.db", "s.ini")
    change("x.db", "UPDATE run SET digest = replace(digest, substr(digest, 1, 8), '00000000')")
    change("x.db", "UPDATE checkpoint SET digest = zeroblob(32) WHERE n_events >= 2000")
    change("x.db", "UPDATE event SET t_ns = t_ns + 1 WHERE seq = "
                   "(SELECT min(seq) FROM event WHERE side = 'harness')")
    out, _ = expect(1, "replay", "x.db", "1")
    assert "the recorded digest is not theirs" in out, out
    assert "DIFFERENT between events 1001 and 2000" in out, out
    assert "recorded: 0.050000001 harness" in out, out
    change("x.db", "UPDATE trace_block SET data = substr(data, 1, 100)")
    out, _ = expect(1, "replay", "x.db", "1")
    assert "damaged from event 1 on" in out, out
    _, err = expect(70, "show", "--events", "x.db", "1")
    assert "damaged" in err


def make_version_1(db):
    """Takes out of a database what later versions of the schema brought."""
    for sql in [
        "CREATE TABLE old AS SELECT * FROM metric",
        "DROP VIEW metric",
        "DROP TABLE metric_value",
        "DROP TABLE metric_name",
        "CREATE TABLE metric (run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE, subject_kind TEXT NOT NULL,"
        " subject TEXT NOT NULL, name TEXT NOT NULL, value REAL, unit TEXT NOT NULL, seq INTEGER NOT NULL,"
        " PRIMARY KEY (run_id, subject_kind, subject, name)) STRICT, WITHOUT ROWID",
        "INSERT INTO metric SELECT * FROM old",
        "ALTER TABLE run DROP COLUMN metric_set",
        "DROP TABLE metric_set",
        "DROP TABLE old",
        "DROP VIEW validation_error",
        "DROP TABLE validation",
        *(f"DROP VIEW {v}" for v in ["flow_stall", "sent_twice", "idle_time", "link_hold", "fault_interval"]),
        "DROP TABLE stall",
        "DROP TABLE resend",
        "ALTER TABLE link_sample DROP COLUMN hold",
        "CREATE TABLE old AS SELECT * FROM parameter",
        "DROP VIEW parameter",
        "DROP INDEX run_by_origin",
        "DROP INDEX run_by_key",
        "DROP INDEX run_by_parameters",
        *(f"ALTER TABLE run DROP COLUMN {c}" for c in ["build_id", "origin", "process", "parameter_set"]),
        "ALTER TABLE campaign DROP COLUMN plan",
        "DROP TABLE parameter_value",
        "DROP TABLE parameter_set",
        "CREATE TABLE parameter (run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
        " side TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, unit TEXT NOT NULL,"
        " PRIMARY KEY (run_id, side, name)) STRICT, WITHOUT ROWID",
        "INSERT INTO parameter SELECT * FROM old",
        "DROP TABLE old",
        "DROP TABLE trace_block",
        "PRAGMA user_version = 1",
    ]:
        change(db, sql)


@test
def replay_of_version_1():
    """A database that an earlier version has made: read as it is, and brought up to date by a run."""
    write("s.ini")
    expect(0, "run", "-q", "--db", "x.db", "s.ini")
    make_version_1("x.db")
    expect(0, "replay", "x.db", "1")
    assert "survives" in expect(0, "show", "x.db", "1")[0]
    change("x.db", "UPDATE run SET seed = 2")
    assert "no events of this run" in expect(1, "replay", "x.db", "1")[0]
    assert query("x.db", "PRAGMA user_version") == [(1,)]
    expect(0, "run", "-q", "--db", "x.db", "s.ini")
    assert query("x.db", "PRAGMA user_version")[0][0] > 1
    assert "first event that differs: number" not in expect(1, "replay", "x.db", "1")[0]
    expect(0, "replay", "x.db", "2")


@test
def show_events():
    write("s.ini")
    for kept in ["500000", "10"]:
        expect(0, "run", "-q", "--db", "x.db", "--trace", "t.txt", "--keep-events", kept, "s.ini")
    out, err = expect(0, "show", "--events", "x.db", "1")
    assert out.splitlines() == read_lines("t.txt") and err == ""
    out, err = expect(0, "show", "--events", "x.db", "2")
    assert out.splitlines() == read_lines("t.txt")[:10] and "events more" in err, err
    assert "--events is for one run" in expect(2, "show", "--events", "x.db")[1]


@test
def replay_without_digest():
    write("s.ini")
    expect(0, "run", "-q", "--db", "x.db", "s.ini")
    change("x.db", "UPDATE run SET digest = NULL")
    _, err = expect(2, "replay", "x.db", "1")
    assert "no digest" in err
    change("x.db", "UPDATE run SET digest = '00'")
    change("x.db", "UPDATE scenario SET text = 'nonsense'")
    _, err = expect(2, "replay", "x.db", "1")
    assert "cannot read the recorded scenario" in err
    change("x.db", "UPDATE run SET testbed = 'tcp'")
    assert "in real time" in expect(2, "replay", "x.db", "1")[1]


class Process:
    """The tool, under way."""

    def __init__(self, *arguments):
        self.errors = tempfile.TemporaryFile(mode="w+")
        self.process = subprocess.Popen([CAIMAN, *arguments], stdout=subprocess.PIPE, stderr=self.errors, text=True)

    def workers(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]

    def end(self):
        """Status, the rest of standard output, standard error."""
        out = self.process.stdout.read()
        status = self.process.wait()
        self.process.stdout.close()
        self.errors.seek(0)
        with self.errors:
            return status, out, self.errors.read()


def has_worked(pid):
    """Whether the process has spent time of the processor: it has a task, then."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        return int(file.read().rsplit(")", 1)[1].split()[11]) >= 5


@test
def interrupted():
    write("s.ini")
    tool = Process("run", "-j2", "--db", "x.db", "--junit", "out.xml", "--seed", "1..1000000", "s.ini")
    first = tool.process.stdout.readline()
    workers = tool.workers()
    tool.process.send_signal(signal.SIGINT)
    status, out, err = tool.end()
    assert status == 130, (status, err)
    assert "interrupted" in err and workers
    assert not any(os.path.exists(f"/proc/{worker}") for worker in workers)
    finished = query("x.db", "SELECT count(*) FROM run WHERE state = 'finished'")[0][0]
    told = sum(line.startswith("ok") for line in (first + out).splitlines())
    cases = len(xml.etree.ElementTree.parse("out.xml").getroot().findall(".//testcase"))
    assert 1 <= told <= finished <= told + 2 and cases == told, (told, finished, cases)
    assert query("x.db", "SELECT count(*) FROM campaign WHERE ended_us IS NULL") == [(0,)]


@test
def interrupted_in_the_first_run():
    write("s.ini", SCENARIO.replace("500kB", "100GB").replace("30s", "1h"))
    tool = Process("run", "--db", "x.db", "s.ini")
    while not tool.workers() or not has_worked(tool.workers()[0]):
        assert tool.process.poll() is None
    tool.process.send_signal(signal.SIGTERM)
    status, out, err = tool.end()
    assert status == 130 and out == "" and "0 of 1 runs" in err, (status, out, err)
    assert query("x.db", "SELECT state FROM run") == [("unfinished",)]


@test
def worker_crashes():
    write("s.ini", SCENARIO.replace("500kB", "200MB").replace("30s", "300s"))
    tool = Process("run", "-j2", "--json", "--no-db", "--seed", "1..3", "s.ini")
    while not tool.workers() or not has_worked(tool.workers()[0]):
        assert tool.process.poll() is None
    os.kill(tool.workers()[0], signal.SIGKILL)
    status, out, err = tool.end()
    runs = runs_of(out)
    assert status == 70 and "signal 9" in err, (status, err)
    assert [(run["seed"], run["exit"], run["outcome"]) for run in runs] == [
        (1, 70, "crashed"), (2, 0, "survives"), (3, 0, "survives")], runs
    assert runs[0]["digest"] is None


@test
def report():
    write("s.ini")
    expect(0, "run", "-q", "--db", "x.db", "--seed", "1..3", "s.ini")
    out, _ = expect(0, "report", "x.db")
    assert out.startswith("x.html: 3 runs, "), out
    html = read_text("x.html")
    assert html.startswith("<!DOCTYPE html>") and 'id="run-3"' in html and "Chart.js" in html
    assert expect(0, "report", "-q", "--run", "2", "-o", "two.html", "x.db")[0] == ""
    assert 'id="run-2"' in read_text("two.html") and 'id="run-1"' not in read_text("two.html")
    assert expect(0, "report", "-o", "-", "--title", "A <title>", "x.db")[0].count("A &lt;title&gt;") == 2
    document = json.loads(expect(0, "report", "--format", "json", "x.db")[0])
    assert [run["seed"] for run in document["runs"]] == [1, 2, 3] and document["schema"] == 1
    rows = list(csv.reader(expect(0, "report", "-f", "csv", "x.db")[0].splitlines()))
    value = query("x.db", "SELECT value FROM metric WHERE run_id = 2 AND name = 'efficiency'")[0][0]
    assert float(rows[2][rows[0].index("upload.efficiency [ratio]")]) == value
    assert "**3 of 3 runs held**" in expect(0, "report", "-f", "md", "x.db")[0]
    expect(0, "report", "-f", "md", "-o", "x.md", "x.db")
    assert "3 of 3" in read_text("x.md")
    _, err = expect(0, "report", "--failed", "-f", "md", "x.db")
    assert "no run is as was asked for" in err
    assert "no run 9" in expect(2, "report", "--run", "9", "x.db")[1]
    assert "the database itself" in expect(2, "report", "-o", "x.db", "x.db")[1]
    expect(2, "report", "-o", "missing/x.html", "x.db")
    # A database that cannot be written is reported on, and stays as it is.
    before = open("x.db", "rb").read()
    expect(0, "report", "x.db")
    assert open("x.db", "rb").read() == before


IDEAL = """
[event flapping]
at = 500ms
do = flap a on 100ms off 50ms for 400ms

[event slow]
at = 1s
do = set b rate=5mbit for 500ms

[event gone]
at = 1200ms
do = pause a.up for 200ms

[expect]
"""


@test
def report_ideal():
    """The ideal over time of the report, integrated, carries in the time of the metric what was delivered."""
    text = SCENARIO.replace("500kB", "20MB").replace("jitter = uniform(1ms)\n", "").replace("delay = 30ms", "delay = 10ms")
    write("s.ini", text.replace("\n[expect]\n", IDEAL))
    expect(0, "run", "-q", "--db", "x.db", "s.ini")
    expect(0, "report", "-q", "x.db")
    html = read_text("x.html")
    begin = html.index('id="run-1">') + len('id="run-1">')
    detail = json.loads(html[begin:html.index("</script>", begin)])
    metrics = {(m[1], m[2]): m[3] for m in detail["metrics"]}
    start_ms = metrics["client", "connect-time"] / 1e6
    end_ms = start_ms + metrics["upload", "ideal-time"] / 1e6 - 10
    steps = detail["capacity"]["up"] + [[end_ms, 0]]
    assert len(steps) > 10, steps
    bits = sum((min(after[0], end_ms) - max(step[0], start_ms)) / 1e3 * step[1]
               for step, after in zip(steps, steps[1:]) if after[0] > start_ms and step[0] < end_ms)
    assert abs(bits / 8 / metrics["upload", "delivered-bytes"] - 1) < 0.005, bits / 8


@test
def plot():
    write("s.ini")
    expect(0, "run", "-q", "--db", "x.db", "s.ini")
    for metric in ["throughput", "rtt", "in-flight", "states", "lost-time"]:
        out, _ = expect(0, "plot", "x.db", "1", metric)
        root = xml.etree.ElementTree.fromstring(out)
        assert root.tag.endswith("svg") and root.get("width") == "800", metric
    assert "silence: blackhole" in expect(0, "plot", "--width", "1200", "x.db", "1", "throughput")[0]
    assert expect(0, "plot", "-o", "x.svg", "x.db", "1", "rtt")[0] == ""
    assert read_text("x.svg").endswith("</svg>\n")
    status, _, err = caiman("plot", "-o", "x.png", "x.db", "1", "rtt")
    if status == 0:
        assert open("x.png", "rb").read().startswith(b"\x89PNG")
    else:
        assert status == 2 and "without cairo" in err, err
    assert "nothing to show as latency" in expect(2, "plot", "x.db", "1", "latency")[1]
    assert "no run 7" in expect(2, "plot", "x.db", "7", "rtt")[1]


def main():
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    for number, function in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
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
