#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caiman run --testbed lab and caiman lab from the outside: records, other programs, and that
nothing stays behind, whatever happens.

usage: test-lab.py CAIMAN RELAY

Prints TAP. Skipped where no network namespaces can be made.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback

CAIMAN = os.path.abspath(sys.argv[1])
RELAY = os.path.abspath(sys.argv[2])
LIMIT_S = 40
ATTEMPTS = 5  # a busy machine makes a run invalid, which says nothing
TESTS = []

SCENARIO = """
[scenario]
format = 1
carrier = tcp
duration = 60s
title = Lab
[link a]
rate = 20mbit
delay = 10ms
[link default]
rate = 20mbit
delay = 20ms
[link lo]
rate = 1mbit
delay = 20ms
[traffic data]
from = client
kind = bulk
bytes = 1MB
[event flap]
at = 100ms
do = down default for 100ms
[expect]
integrity = exact
"""


class Skip(Exception):
    pass


def test(function):
    TESTS.append(function)
    return function


def run(*arguments, status=0):
    for _ in range(ATTEMPTS):
        done = subprocess.run([CAIMAN, *arguments], capture_output=True, text=True, timeout=LIMIT_S)
        if "could not keep up" not in done.stderr:
            break
    else:
        raise Skip("this machine is too busy for real time")
    assert done.returncode == status, f"{arguments}: status {done.returncode}, {done.stdout}, {done.stderr}"
    return done.stdout, done.stderr


def wait_until(what):
    end = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def find_processes(*words):
    """The numbers of processes that have all the words in their command lines."""
    found = []
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{number}/cmdline", "rb") as file:
                command = file.read().split(b"\0")
        except OSError:
            continue
        if all(word.encode() in command for word in words):
            found.append(int(number))
    return found


def namespaces():
    """The network namespaces that processes are in."""
    found = set()
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.add(os.readlink(f"/proc/{number}/ns/net"))
        except OSError:
            pass
    return found


@test
def own_endpoints():
    out, _ = run("run", "--testbed", "lab", "--db", "own.db", "--json", "s.ini")
    metrics = json.loads(out)["metrics"]
    for name in ("network-timer", "network-lateness-p99", "network-lateness-max", "network-cpu"):
        assert metrics[name]["value"] > 0, name
    with sqlite3.connect("own.db") as db:
        assert db.execute("SELECT testbed, policy FROM run").fetchall() == [("lab", "adaptive")]


@test
def validate():
    short = SCENARIO.replace("duration = 60s", "duration = 2s\nends = at-duration")
    with open("v.ini", "w", encoding="utf-8") as file:
        file.write(short.replace("bytes = 1MB\n", ""))
    done = subprocess.run([CAIMAN, "validate", "--repeat", "1", "--db", "v.db", "--json", "v.ini"], capture_output=True, text=True, timeout=LIMIT_S)
    with sqlite3.connect("v.db") as db:
        counts = dict(db.execute("SELECT testbed, count(*) FROM run WHERE exit_class != 70 GROUP BY testbed"))
        if "lab" not in counts:
            raise Skip("this machine is too busy for real time")
        assert counts == {"lab": 1, "sim": 5}, (counts, done.stderr)
        stored = db.execute("SELECT scenario_name, metric, held FROM validation_error").fetchall()
    assert done.returncode in (0, 1), (done.returncode, done.stderr)
    rows = json.loads(done.stdout)["rows"]
    assert stored == [(row["scenario"], row["metric"], row["held"]) for row in rows]
    assert {"data.goodput", "data.longest-gap", "client.connect-time"} <= {row["metric"] for row in rows}, rows


@test
def kernel_alone():
    out, _ = run("lab", "--direct", "tcp", "--name", "plain-tcp", "--db", "direct.db", "--json", "s.ini")
    result = json.loads(out)
    assert (result["policy"], result["testbed"]) == ("plain-tcp", "lab"), result
    assert result["metrics"]["data.goodput"]["value"] > 1e6
    with sqlite3.connect("direct.db") as db:
        assert db.execute("SELECT policy FROM run").fetchall() == [("plain-tcp",)]


@test
def other_programs():
    out, _ = run("lab", "--no-db", "s.ini", "--", RELAY, ":::", RELAY)
    assert "relay.py" in out and "survives" in out, out
    shown = "echo server=$CAIMAN_LAB_SERVERS link=$CAIMAN_LAB_LINK_1_NAME/$CAIMAN_LAB_LINK_1_INTERFACE" \
            "/$CAIMAN_LAB_LINK_1_CLIENT/$CAIMAN_LAB_LINK_1_CONGESTION n=$CAIMAN_LAB_LINKS side=$CAIMAN_LAB_SIDE"
    with open("quiet.ini", "w") as file:
        file.write(SCENARIO.replace("[traffic data]\nfrom = client\nkind = bulk\nbytes = 1MB\n", ""))
    _, err = run("lab", "--no-db", "quiet.ini", "--", "sleep", "1000", ":::", "sh", "-c", shown)
    assert "server=10.76.0.2 10.76.0.6 10.76.0.10 link=default/link1/10.76.0.5/cubic n=3 side=client" in err, err


@test
def caiman_as_a_program():
    """Its own tunnel is like any other program: only TCP connections over the links are."""
    links = '--tcp "$CAIMAN_LAB_LINK_0_SERVER:5900" --tcp "$CAIMAN_LAB_LINK_1_SERVER:5900"'
    server = f'exec {CAIMAN} tunnel server -n --tcp 0.0.0.0:5900 -p 127.0.0.1:7001:7000'
    client = f'exec {CAIMAN} tunnel client -n {links} --single-interface -p 7000'
    out, err = run("lab", "--no-db", "--name", "tunnel", "s.ini", "--", "sh", "-c", server, ":::", "sh", "-c", client)
    assert "survives" in out, (out, err)


@test
def programs_that_fail():
    _, err = run("lab", "--no-db", "s.ini", "--", RELAY, "quits", ":::", RELAY, status=70)
    assert "the server's program has ended with status 5" in err, err
    _, err = run("lab", "--no-db", "s.ini", "--", "there-is-no-such-program", ":::", RELAY, status=70)
    assert "there-is-no-such-program" in err, err


@test
def killed_in_the_middle():
    """Programs, their children in other sessions, interfaces and namespaces go with it."""
    before = namespaces()
    number = str(100000 + os.getpid())
    environment = dict(os.environ, CAIMAN_TEST_SLEEP=number)
    slow = ["--set", "traffic data.bytes=400MB", "--set", "scenario.duration=5min"]
    command = [CAIMAN, "lab", "--no-db", *slow, "s.ini", "--", RELAY, "breeds", ":::", RELAY, "breeds"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    wait_until(lambda: len(find_processes("sleep", number)) == 2)
    assert len(namespaces() - before) == 2
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=LIMIT_S)
    wait_until(lambda: not find_processes("sleep", number))
    wait_until(lambda: not namespaces() - before)


@test
def interrupted():
    number = str(200000 + os.getpid())
    environment = dict(os.environ, CAIMAN_TEST_SLEEP=number)
    command = [CAIMAN, "lab", "--no-db", "s.ini", "--", RELAY, "breeds", ":::", RELAY, "breeds"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    wait_until(lambda: len(find_processes("sleep", number)) == 2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT_S)
    assert process.returncode in (0, 130, 70), process.returncode
    assert not find_processes("sleep", number)


@test
def not_permitted():
    unprivileged = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CAIMAN]
    done = subprocess.run([*unprivileged, "run", "--testbed", "lab", "--no-db", "s.ini"], capture_output=True, text=True)
    if "setpriv" in done.stderr or done.returncode in (126, 127):
        raise Skip("setpriv does not work here")
    assert done.returncode == 77 and "CAP_NET_ADMIN" in done.stderr, (done.returncode, done.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chdir(folder)
        with open("s.ini", "w") as file:
            file.write(SCENARIO)
        done = subprocess.run([CAIMAN, "lab", "--direct", "tcp", "--no-db", "s.ini"], capture_output=True, text=True)
        if done.returncode == 77:
            print("1..0 # SKIP", done.stderr.strip().replace("\n", "; "))
            return 0
        print(f"1..{len(TESTS)}", flush=True)
        failed = False
        for number, function in enumerate(TESTS, 1):
            try:
                function()
                print(f"ok {number} {function.__name__}", flush=True)
            except Skip as why:
                print(f"ok {number} {function.__name__} # SKIP {why}", flush=True)
            except Exception:
                failed = True
                print(f"not ok {number} {function.__name__}", flush=True)
                traceback.print_exc()
        return 1 if failed else 0


sys.exit(main())
