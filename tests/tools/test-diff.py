#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caiman diff, caiman run --tap and the recipes for CI, as their users meet them.

usage: test-diff.py CAIMAN SOURCE-FOLDER

Prints TAP. A test whose other program (prove, xmllint, PyYAML) is not there is skipped.
"""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback

CAIMAN = os.path.abspath(sys.argv[1])
SOURCE = os.path.abspath(sys.argv[2])

SCENARIO = """\
[scenario]
format = 1
carrier = pipe
duration = 30s

[link a]
rate = 50mbit
delay = 10ms
jitter = normal(2ms)

[link b]
rate = 20mbit
delay = 30ms
jitter = normal(2ms)

[traffic upload]
from = client
kind = bulk
bytes = 1MB

[expect]
upload.longest-gap = <= 10s
"""
SLOWER = ["--set", "link a.rate=40mbit", "--set", "link b.rate=16mbit"]

TESTS = []


class Skipped(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def need(program):
    if not shutil.which(program):
        raise Skipped(f"{program} is not installed")


def call(*command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    return done.returncode, done.stdout, done.stderr


def expect(status, *arguments):
    got, out, err = call(CAIMAN, *arguments)
    assert got == status, f"caiman {' '.join(arguments)}: status {got}, not {status}\n{out}\n{err}"
    return out, err


def write(name, text=SCENARIO):
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def read(name):
    with open(name, encoding="utf-8") as file:
        return file.read()


def change(db, sql):
    connection = sqlite3.connect(db)
    with connection:
        connection.executescript(sql)
    connection.close()


def record(db, *options, status=0, scenario="s.ini"):
    expect(status, "run", "-q", "--db", db, *options, scenario)


def validate(path):
    need("xmllint")
    schema = os.path.join(SOURCE, "tests/reports/junit.xsd")
    status, _, err = call("xmllint", "--noout", "--nonet", "--schema", schema, path)
    assert status == 0, err


def metrics_of(out):
    (group,) = json.loads(out)["groups"]
    return {metric["metric"]: metric for metric in group["metrics"]}


# ---- diff ----


@test
def usage():
    write("s.ini")
    record("a.db")
    write("noise", "no database\n" * 100)
    for arguments, text in [
        ([], "usage: caiman diff"),
        (["a.db"], "usage: caiman diff"),
        (["a.db", "missing.db"], "missing.db"),
        (["missing.db", "a.db"], "missing.db"),
        (["a.db", "noise"], "noise"),
        (["--base-policy", "adaptive", "a.db", "a.db"], "go together"),
        (["--new-campaign", "monday", "a.db", "a.db"], "no runs of campaign monday"),
        (["--base-policy", "adaptive", "--new-policy", "min-rtt", "a.db", "a.db"], "with policy min-rtt"),
        (["--confidence", "30%", "a.db", "a.db"], "--confidence takes"),
        (["--confidence", "high", "a.db", "a.db"], "--confidence takes"),
        (["--json", "--junit", "-", "a.db", "a.db"], "only one of"),
    ]:
        out, err = expect(2, "diff", *arguments)
        assert out == "" and text in err, (arguments, out, err)
    out, err = expect(70, "diff", "--junit", "no/folder.xml", "a.db", "a.db")
    assert "no/folder.xml" in err


@test
def identical():
    write("s.ini")
    record("a.db", "--seed", "1..10")
    record("b.db", "--seed", "1..10", "-j", "2")
    for new in ["a.db", "b.db"]:
        out, err = expect(0, "diff", "a.db", new)
        assert "\nno difference; of all metrics" in out and err == "", (out, err)
        assert json.loads(expect(0, "diff", "--json", "a.db", new)[0])["identical"]
        assert expect(0, "diff", "-q", "a.db", new) == ("", "")


@test
def slowdown():
    write("s.ini")
    record("a.db", "--seed", "1..20")
    record("b.db", "--seed", "1..20", *SLOWER)
    out, _ = expect(1, "diff", "a.db", "b.db")
    assert "  WORSE   upload.goodput  " in out and "REGRESSION: " in out, out
    assert "the scenario itself is not the same" in out and "other events than before" in out, out
    assert max(len(line) for line in out.splitlines()) <= 80
    more, _ = expect(1, "diff", "-v", "a.db", "b.db")
    assert "upload.offered-bytes" in more and "upload.offered-bytes" not in out
    goodput = metrics_of(expect(1, "diff", "--json", "a.db", "b.db")[0])["upload.goodput"]
    assert goodput["verdict"] == "worse" and goodput["regression"] and goodput["paired"], goodput
    assert goodput["high"] < 0 and goodput["effect"] < -0.9 and goodput["p_adjusted"] <= 0.01, goodput
    # With faster links the same transfer is less efficient; what counts here is the other way round.
    back = metrics_of(call(CAIMAN, "diff", "--json", "b.db", "a.db")[1])["upload.goodput"]
    assert back["verdict"] == "better" and not back["regression"] and back["difference"] == -goodput["difference"], back


@test
def gates_are_read_from_new():
    write("s.ini")
    record("a.db", "--seed", "1..20")
    for gate, status in [("goodput = 50%\ncompletion-time = 50%", 0), ("default = none", 0),
                         ("default = none\nupload.goodput = 3%", 1)]:
        write("gated.ini", SCENARIO + "\n[gate]\nlongest-gap = ignore\n" + gate + "\n")
        os.replace("gated.ini", "s.ini")
        record("b.db", "--seed", "1..20", *SLOWER)
        expect(status, "diff", "a.db", "b.db")
        os.remove("b.db")
    # A gate alone makes no other scenario.
    record("b.db", "--seed", "1..20")
    assert "the scenario itself" not in expect(0, "diff", "a.db", "b.db")[0]


@test
def lost_runs():
    write("s.ini")
    write("t.ini")
    record("a.db", "--seed", "1..3")
    record("a.db", scenario="t.ini")
    record("b.db", "--seed", "1..2")
    record("b.db", "--seed", "3", "--set", "expect.upload.longest-gap=<= 1ns", status=1)
    out, _ = expect(1, "diff", "a.db", "b.db")
    assert "LOST NEW has no runs of it" in out, out
    record("b.db", scenario="t.ini")
    change("b.db", "UPDATE run SET scenario_hash = (SELECT min (scenario_hash) FROM run)")
    change("a.db", "UPDATE run SET scenario_hash = 'x'")
    out, _ = expect(1, "diff", "a.db", "b.db")
    assert "LOST does not hold any more: seed 3\n" in out and "upload.longest-gap <= 1ns" in out, out
    assert "caiman replay 'b.db' 3" in out and "1 run lost" in out, out
    change("b.db", "UPDATE run SET state = 'unfinished' WHERE seed = 3")
    out, _ = expect(1, "diff", "a.db", "b.db")
    assert "LOST held, and has no valid result now: seed 3\n" in out, out


@test
def strict_digest():
    write("s.ini")
    record("a.db")
    record("b.db")
    change("b.db", "UPDATE run SET digest = 'ff'")
    assert "other events than before: seed 1" in expect(0, "diff", "a.db", "b.db")[0]
    expect(1, "diff", "--strict-digest", "a.db", "b.db")


@test
def policies_and_campaigns_of_one_database():
    write("s.ini")
    for policy in ["adaptive", "redundant"]:
        record("a.db", "--seed", "1..20", "--policy", policy, "--campaign", policy)
    policies = ["--base-policy", "adaptive", "--new-policy", "redundant"]
    out, _ = expect(1, "diff", *policies, "a.db", "a.db")
    assert "s, adaptive to redundant, sim: 20 runs to 20, 20 pairs" in out, out
    out, _ = expect(1, "diff", "--base-campaign", "adaptive", "--new-campaign", "redundant", "a.db", "a.db")
    assert "LOST NEW has no runs of it" in out, out
    expect(0, "diff", "--base-campaign", "adaptive", "--new-campaign", "adaptive", "a.db", "a.db")


@test
def earlier_schema():
    write("s.ini")
    record("a.db", "--seed", "1..3")
    record("b.db", "--seed", "1..3")
    change("a.db", "DROP TABLE trace_block; PRAGMA user_version = 1")
    before = os.stat("a.db").st_mtime_ns
    assert "no difference" in expect(0, "diff", "a.db", "b.db")[0]
    assert os.stat("a.db").st_mtime_ns == before, "a database that is only read was changed"


@test
def forms():
    write("s.ini")
    record("a.db", "--seed", "1..20")
    record("b.db", "--seed", "1..20", *SLOWER)
    out, _ = expect(1, "diff", "--markdown", "diff.md", "--junit", "diff.xml", "a.db", "b.db")
    assert "REGRESSION" in out
    assert read("diff.md").startswith("### ❌ caiman diff: REGRESSION") and len(read("diff.md")) <= 65536
    assert expect(1, "diff", "--markdown", "-", "a.db", "b.db")[0] == read("diff.md")
    assert expect(1, "diff", "--junit", "-", "a.db", "b.db")[0] == read("diff.xml")
    assert '<failure message="worse: ' in read("diff.xml")
    validate("diff.xml")


# ---- TAP ----


@test
def tap():
    write("s.ini")
    out, err = expect(0, "run", "--no-db", "--tap", "-", "--seed", "1..3", "s.ini")
    assert out.splitlines() == ["TAP version 13", "ok 1 - s, seed 1, adaptive, sim", "ok 2 - s, seed 2, adaptive, sim",
                                "ok 3 - s, seed 3, adaptive, sim", "1..3"], out
    expect(2, "run", "--no-db", "--json", "--tap", "-", "s.ini")
    out, _ = expect(1, "run", "--db", "a.db", "--tap", "out.tap", "--set", "expect.upload.longest-gap=<= 1ns", "s.ini")
    assert "FAILED" in out
    text = read("out.tap")
    assert "not ok 1 - s, seed 1, adaptive, sim\n  ---\n" in text and "caiman replay 'a.db' 1" in text, text
    _, err = expect(70, "run", "--no-db", "-q", "--tap", "no/folder.tap", "s.ini")
    assert "no/folder.tap" in err


@test
def tap_in_prove():
    need("prove")
    write("s.ini")
    record("x.db", "--tap", "ok.tap", "--seed", "1..5")
    status, out, err = call("prove", "ok.tap")
    assert status == 0 and "Tests=5" in out, (out, err)
    write("swept.ini", SCENARIO + "\n[sweep]\ntraffic upload.bytes = 1MB, 2MB\n")
    expect(1, "run", "-q", "--no-db", "--tap", "mixed.tap", "--set", "expect.upload.completion-time=<= 290ms",
           "--seed", "1..3", "swept.ini")
    status, out, err = call("prove", "-v", "mixed.tap")
    assert status != 0 and "Tests=6" in out and "No plan" not in out, (out, err)
    os.environ["PATH"] = os.path.dirname(CAIMAN) + os.pathsep + os.environ["PATH"]
    status, out, err = call("prove", "-e", "caiman run --no-db --tap -", "s.ini", "swept.ini")
    assert status == 0 and "Tests=3" in out, (out, err)
    # What a testbed does not honour is skipped.
    write("carrier.ini", SCENARIO.replace("jitter = normal(2ms)\n", "loss = 1%\n"))
    expect(77, "run", "-q", "--no-db", "--testbed", "tcp", "--tap", "skipped.tap", "carrier.ini")
    assert "# SKIP " in read("skipped.tap"), read("skipped.tap")
    status, out, err = call("prove", "skipped.tap")
    assert status == 0, (out, err)


@test
def tap_diagnostics_are_yaml():
    try:
        import yaml
    except ImportError as error:
        raise Skipped("PyYAML is not installed") from error
    write("s.ini")
    expect(1, "run", "-q", "--db", "a 'b'.db", "--tap", "out.tap", "--set", "expect.upload.longest-gap=<= 1ns", "s.ini")
    block = read("out.tap").split("  ---\n")[1].split("  ...\n")[0]
    parsed = yaml.safe_load(block)
    assert parsed["message"] == "FAILED" and parsed["failed"][0]["name"] == "upload.longest-gap", parsed
    assert parsed["replay"].startswith("caiman replay "), parsed


@test
def tap_interrupted():
    write("s.ini")
    tool = subprocess.Popen([CAIMAN, "run", "--no-db", "--tap", "-", "--seed", "1..1000000", "s.ini"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    head = [tool.stdout.readline() for _ in range(2)]
    tool.send_signal(signal.SIGINT)
    out, _ = tool.communicate()
    assert tool.returncode == 130 and head[0] == "TAP version 13\n" and head[1].startswith("ok 1 - "), head
    assert out.splitlines()[-1].startswith("Bail out! "), out[-200:]


# ---- recipes ----


@test
def run_report_is_valid():
    write("s.ini")
    expect(1, "run", "-q", "--no-db", "--junit", "run.xml", "--set", "expect.upload.longest-gap=<= 1ns", "s.ini")
    validate("run.xml")


def gate(*arguments):
    environment = dict(os.environ, PATH=os.path.dirname(CAIMAN) + os.pathsep + os.environ["PATH"])
    return call("bash", os.path.join(SOURCE, "data/ci/resilience-gate.sh"), *arguments, env=environment)


@test
def gate_script():
    write("s.ini", SCENARIO.replace("[scenario]", "[scenario]\nseed = 1..20"))
    assert gate("base.db")[0] == 2
    status, out, err = gate("base/results.db", "out", "s.ini")
    assert status == 0 and "no base" in read("out/diff.md"), (status, out, err)
    os.rename("out", "base")
    status, out, err = gate("base/results.db", "out", "s.ini")
    assert status == 0 and "no difference" in read("out/diff.md"), (status, out, err)
    validate("out/run.xml")
    validate("out/diff.xml")
    write("s.ini", read("s.ini").replace("50mbit", "40mbit").replace("20mbit", "16mbit"))
    status, out, err = gate("base/results.db", "out", "s.ini")
    assert status == 1 and "REGRESSION" in read("out/diff.md"), (status, out, err)
    write("s.ini", read("s.ini").replace("<= 10s", "<= 1ns"))
    assert gate("base/results.db", "out", "s.ini")[0] == 1
    assert "does not hold any more" in read("out/diff.md")


@test
def recipes_are_yaml():
    try:
        import yaml
    except ImportError as error:
        raise Skipped("PyYAML is not installed") from error
    with open(os.path.join(SOURCE, "data/ci/github-actions.yml"), encoding="utf-8") as file:
        workflow = yaml.safe_load(file)
    steps = workflow["jobs"]["gate"]["steps"]
    commands = "\n".join(step["run"] for step in steps if "run" in step)
    assert all(("run" in step) != ("uses" in step) for step in steps)
    with open(os.path.join(SOURCE, "data/ci/gitlab-ci.yml"), encoding="utf-8") as file:
        job = yaml.safe_load(file)["resilience"]
    assert all(isinstance(line, str) for key in ["before_script", "script", "after_script"] for line in job[key])
    assert job["artifacts"]["reports"]["junit"] == ["out/run.xml", "out/diff.xml"]
    scripts = {"github": commands, "gitlab": "\n".join(job["before_script"] + job["script"] + job["after_script"])}
    for name, script in scripts.items():
        assert "ci/resilience-gate.sh base/results.db out resilience/*.ini" in script, name
        status, _, err = call("bash", "-n", write(name, script + "\n"))
        assert status == 0, (name, err)


def main():
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    for number, function in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                function()
                print(f"ok {number} {function.__name__}", flush=True)
            except Skipped as reason:
                print(f"ok {number} {function.__name__} # SKIP {reason}", flush=True)
            except Exception:  # whatever it is, the other tests go on
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
                print(f"not ok {number} {function.__name__}", flush=True)
            os.chdir("/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
