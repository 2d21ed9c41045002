#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A sweep through Slurm: three shards and a merge on a cluster of one node, which is started here.

usage: test-slurm.py CAIMAN

Prints TAP; all is skipped, saying why, where Slurm is not installed or cannot be started.
"""

import contextlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

CAIMAN = os.path.abspath(sys.argv[1])
SUBMIT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "slurm", "caiman-slurm-sweep")

# A limit for what cannot be waited for as a fact: daemons that never come up.
START_S = 60

SCENARIO = """\
[scenario]
format = 1
carrier = pipe
title = Two links
duration = 30s

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
bytes = 200kB

[sweep]
seed = 1..4
link b.delay = 10ms..40ms x2
"""
N_RUNS = 3 * 4 * 2

FACTS = "SELECT scenario_hash, variant, seed, policy, outcome, exit_class, digest FROM run ORDER BY 1, 3"


class CannotStart(Exception):
    pass


def free_ports(n):
    sockets = [socket.socket() for _ in range(n)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def wait_for(what, is_there, processes):
    """Waits for a fact, as long as the processes live."""
    end = time.monotonic() + START_S
    while not is_there():
        for process in processes:
            if process.poll() is not None:
                raise CannotStart(f"{os.path.basename(process.args[0])} ended with status {process.returncode}")
        if time.monotonic() > end:
            raise CannotStart(f"{what} did not come up")
        time.sleep(0.05)


class Cluster:
    """munged, slurmctld and slurmd with all their files in one folder; they end with it, by their PID."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.environment = dict(os.environ, SLURM_CONF=os.path.join(folder, "slurm.conf"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *command):
        log = open(self.path(os.path.basename(command[0]) + ".out"), "w", encoding="utf-8")
        with log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        self.processes.append(process)

    def run(self, *command):
        return subprocess.run(command, capture_output=True, text=True, env=self.environment)

    def write_config(self):
        host = socket.gethostname().split(".")[0]
        controller, node = free_ports(2)
        lines = [
            "ClusterName=caiman", f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={controller}",
            f"SlurmdPort={node}", "AuthType=auth/munge", f"AuthInfo=socket={self.path('munge.socket')}",
            "CryptoType=crypto/munge", "SlurmUser=root", "SlurmdUser=root", "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none", "MpiDefault=none", "ReturnToService=2", "SchedulerType=sched/backfill",
            "SchedulerParameters=sched_interval=1,sched_min_interval=0,bf_interval=1", "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU", "JobAcctGatherType=jobacct_gather/none", "MinJobAge=300", "KillWait=5",
            f"StateSaveLocation={self.path('state')}", f"SlurmdSpoolDir={self.path('spool')}",
            f"SlurmctldPidFile={self.path('slurmctld.pid')}", f"SlurmdPidFile={self.path('slurmd.pid')}",
            f"SlurmctldLogFile={self.path('slurmctld.log')}", f"SlurmdLogFile={self.path('slurmd.log')}",
            f"NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} State=UNKNOWN",
            f"PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP",
        ]
        write(self.path("slurm.conf"), "\n".join(lines) + "\n")
        write(self.path("cgroup.conf"), "CgroupPlugin=cgroup/v1\n")
        for name in ("state", "spool"):
            os.mkdir(self.path(name))

    def bring_up(self):
        for name in ("munged", "slurmctld", "slurmd", "sbatch", "sinfo"):
            if shutil.which(name) is None:
                raise CannotStart(f"{name} is not installed (packages munge, slurm-wlm)")
        if os.geteuid() != 0:
            raise CannotStart("it takes root")
        with open(self.path("munge.key"), "wb") as file:
            file.write(os.urandom(128))
        os.chmod(self.path("munge.key"), 0o400)
        self.write_config()
        # The daemons' own checks of who owns a temporary folder are not what is tested here.
        self.start("munged", "--foreground", "--force", f"--key-file={self.path('munge.key')}",
                   f"--socket={self.path('munge.socket')}", f"--pid-file={self.path('munged.pid')}",
                   f"--log-file={self.path('munged.log')}", f"--seed-file={self.path('munged.seed')}")
        wait_for("munged", lambda: os.path.exists(self.path("munge.socket")), self.processes)
        self.start("slurmctld", "-D", "-f", self.path("slurm.conf"))
        wait_for("slurmctld", lambda: self.run("scontrol", "ping").stdout.count("UP"), self.processes)
        self.start("slurmd", "-D", "-f", self.path("slurm.conf"))
        wait_for("slurmd", lambda: "idle" in self.run("sinfo", "-h", "-o", "%t").stdout, self.processes)

    def take_down(self):
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def query(db, sql):
    with contextlib.closing(sqlite3.connect(db)) as connection:
        return connection.execute(sql).fetchall()


def submit(cluster, directory, *arguments, shards=3, wait=True):
    command = [SUBMIT, *(["-w"] if wait else []), "-n", str(shards), "-d", directory, "-c", CAIMAN, "-o", "--time=10", "--", *arguments]
    done = cluster.run(*command)
    return done.returncode, done.stdout + done.stderr


def read_logs(cluster, directory):
    text = []
    for folder in (directory, cluster.folder):
        for name in sorted(os.listdir(folder)):
            if name.endswith((".log", ".out")):
                with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                    text.append(f"{name}: {file.read()[-2000:]}")
    return "\n".join(text)


def test_same_as_one_machine(cluster, folder):
    """Three shards, merged, are what one machine makes of it; submitted again, nothing is run twice."""
    scenario = write(os.path.join(folder, "s.ini"), SCENARIO)
    directory, whole = os.path.join(folder, "results"), os.path.join(folder, "whole.db")
    arguments = ["--policy", "adaptive,reference", scenario]
    status, said = submit(cluster, directory, *arguments)
    assert status == 0, (status, said, read_logs(cluster, directory))
    subprocess.run([CAIMAN, "sweep", "-q", "--db", whole, *arguments], check=True)
    merged = os.path.join(directory, "all.db")
    assert query(merged, "SELECT count(*) FROM run") == [(N_RUNS,)]
    assert query(merged, FACTS) == query(whole, FACTS)
    assert [query(os.path.join(directory, f"shard-{i}.db"), "SELECT count(*) FROM run") for i in (1, 2, 3)] == [
        [(N_RUNS // 3,)]] * 3
    began = query(merged, "SELECT origin FROM run ORDER BY 1")
    status, said = submit(cluster, directory, *arguments)
    assert status == 0, (status, said, read_logs(cluster, directory))
    assert query(merged, "SELECT origin FROM run ORDER BY 1") == began


def test_failures(cluster, folder):
    """The exit status is the sweep's; a shard that cannot run is no silent gap."""
    scenario = write(os.path.join(folder, "f.ini"), SCENARIO + "[expect]\nupload.goodput = >= 1gbit\n")
    directory = os.path.join(folder, "failures")
    status, said = submit(cluster, directory, scenario)
    assert status == 1, (status, said, read_logs(cluster, directory))
    assert query(os.path.join(directory, "all.db"), "SELECT DISTINCT exit_class FROM run") == [(1,)]
    directory = os.path.join(folder, "missing")
    status, said = submit(cluster, directory, os.path.join(folder, "nowhere.ini"))
    assert status == 70 and not os.path.exists(os.path.join(directory, "all.db")), (status, said)
    with open(os.path.join(directory, "merge.log"), encoding="utf-8") as file:
        assert "shard 1 is not done" in file.read()


def count_runs(folder):
    """Runs in the database of a task that is under way."""
    for name in os.listdir(folder):
        with contextlib.suppress(sqlite3.Error):
            return query(os.path.join(folder, name, "shard.db"), "SELECT count(*) FROM run")[0][0]
    return 0


def test_time_is_over(cluster, folder):
    """A task that is told to end saves what is done, and the next submission goes on from there."""
    scenario = write(os.path.join(folder, "t.ini"), SCENARIO)
    directory, scratch = os.path.join(folder, "stopped"), os.path.join(folder, "scratch")
    os.mkdir(scratch)
    cluster.environment["SLURM_TMPDIR"] = scratch
    status, said = submit(cluster, directory, "--seed", "1..100000", scenario, shards=1, wait=False)
    assert status == 0, said
    job = said.split("job ")[1].split(",")[0]
    wait_for("a run of the task", lambda: count_runs(scratch) > 0, cluster.processes)
    assert cluster.run("scancel", "--batch", "--signal=TERM", f"{job}_1").returncode == 0
    wait_for("the merge", lambda: os.path.exists(os.path.join(directory, "status")), cluster.processes)
    with open(os.path.join(directory, "status"), encoding="ascii") as file:
        assert file.read() == "70\n"
    saved = os.path.join(directory, "shard-1.db")
    n_saved = query(saved, "SELECT count(*) FROM run")[0][0]
    assert n_saved > 0 and os.listdir(scratch) == []
    first = query(saved, "SELECT seed, variant, origin FROM run WHERE seed <= 2 ORDER BY 1, 2")
    status, said = submit(cluster, directory, "--seed", "1..2", scenario, shards=1)
    assert status == 0, (status, said, read_logs(cluster, directory))
    again = query(os.path.join(directory, "all.db"), "SELECT seed, variant, origin FROM run WHERE seed <= 2 ORDER BY 1, 2")
    assert len(again) == 6 and set(first) <= set(again), (first, again)


def main():
    tests = [test_same_as_one_machine, test_failures, test_time_is_over]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="caiman-slurm-") as folder:
        os.chmod(folder, 0o755)
        cluster = Cluster(folder)
        try:
            cluster.bring_up()
            print(f"1..{len(tests)}", flush=True)
            for number, function in enumerate(tests, 1):
                try:
                    function(cluster, folder)
                    print(f"ok {number} {function.__name__}", flush=True)
                except AssertionError as error:
                    failed += 1
                    print("\n".join(f"# {line}" for line in str(error).replace("\\n", "\n").splitlines()))
                    print(f"not ok {number} {function.__name__}", flush=True)
        except CannotStart as error:
            print(f"1..0 # SKIP no Slurm here: {error}")
        finally:
            cluster.take_down()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
