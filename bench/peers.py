#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caiman and the real peer side by side, each with itself: how long the receiver waits when a link
fails, and how fast they are over loopback. Needs root, iproute2 and the peer (tests/interop).

usage: peers.py [--rounds N] [--only failover|throughput] BUILD

Prints tables in Markdown, of medians (and worst) of N rounds; the two take turns in each.
"""

import argparse
import contextlib
import json
import os
import re
import resource
import signal
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "interop"))

from netlab import SERVER, Lab, call  # noqa: E402
from programs import CAIMAN, PEER, SPEED_PORT, Program, Site, require  # noqa: E402
from tunnel import Tunnel  # noqa: E402

RATE_MBIT = 50
WARM_UP_S = 2.5
WATCHED_S = 4
N_LINKS = 4
SPEED_S = 3

FAULTS = {
    "silent death": lambda lab: lab.silence(0),
    "RST": lambda lab: lab.cut(0),
    "interface down at the client": lambda lab: lab.take_down(0),
}


@contextlib.contextmanager
def sending(sock):
    """A process that sends as much as there is room for."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            content = os.urandom(65536)
            while True:
                sock.sendall(content)
        os._exit(0)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def read_for(sock, seconds):
    """Reads for so long, and longer while nothing comes. Returns bytes and the longest wait."""
    n_bytes, longest = 0, 0
    start = last = time.monotonic()
    while last < start + seconds:
        n_bytes += len(sock.recv(65536))
        now = time.monotonic()
        longest = max(longest, now - last)
        last = now
    return n_bytes, longest


def measure_gap(options, kind, fault, upload):
    """The longest wait of the receiver after the fault, in ms, and the longest before it."""
    with Tunnel(f"{options.build}/tools/caiman", kind, kind, RATE_MBIT, 2) as tunnel:
        user, far = tunnel.connect()
        sender, receiver = (user, far) if upload else (far, user)
        with user, far, sending(sender):
            read_for(receiver, WARM_UP_S - 1)
            _, before = read_for(receiver, 1)
            thread = threading.Thread(target=fault, args=(tunnel.lab,))
            thread.start()
            _, gap = read_for(receiver, WATCHED_S)
            thread.join()
        return gap * 1000, before * 1000


def show(values, form="{:.0f}"):
    return f"{form.format(statistics.median(values))} ({form.format(max(values))})"


def measure_failover(options):
    rows = []
    for name, fault in FAULTS.items():
        for upload in (True, False):
            gaps = {CAIMAN: [], PEER: []}
            quiet = {CAIMAN: [], PEER: []}
            for _ in range(options.rounds):
                for kind in gaps:
                    gap, before = measure_gap(options, kind, fault, upload)
                    gaps[kind].append(gap)
                    quiet[kind].append(before)
            rows.append((name, "client to server" if upload else "server to client", gaps, quiet))
            print(f"# {name}: {gaps}", file=sys.stderr, flush=True)
    print("| one of two links fails | data go | caiman | aggligator | without fault: caiman | aggligator |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    for name, direction, gaps, quiet in rows:
        values = (show(gaps[CAIMAN]), show(gaps[PEER]), show(quiet[CAIMAN]), show(quiet[PEER]))
        print(f"| {name} | {direction} | " + " | ".join(f"{value} ms" for value in values) + " |")


def measure_speed(site, kind, direction):
    """MB/s over N_LINKS addresses of the loopback interface."""
    for number in range(1, N_LINKS + 1):
        site.lab.ip(SERVER, "address", "replace", f"10.78.0.{number}/32", "dev", "lo")
    targets = [f"--tcp=10.78.0.{number}:{SPEED_PORT}" for number in range(1, N_LINKS + 1)]
    # Both want to be told that several links over the same interface are wanted.
    client = [*targets, "--tcp-link-filter", "none", "-t", str(SPEED_S), direction]
    unfiltered = ["--tcp-link-filter=none"] if kind == CAIMAN else []
    with site.speed(kind, SERVER, f"--tcp={SPEED_PORT}", *unfiltered):
        site.wait_until_listening(SERVER, SPEED_PORT)
        own, theirs = [site.caiman, "speed", "client", "-j"], [f"{site.peer}/agg-speed", "client", "-n"]
        with Program(site.lab, SERVER, [*(own if kind == CAIMAN else theirs), *client]) as program:
            time.sleep(SPEED_S / 2)
            listing = f"ss -N {site.lab.names[SERVER]} -Hnt state established sport = :{SPEED_PORT}"
            n_links = len(call(*listing.split()).splitlines())
            assert n_links == N_LINKS, n_links
            assert program.wait() == 0
            return parse_speed(kind, program.text(), direction)


def parse_speed(kind, text, direction):
    if kind == CAIMAN:
        report = json.JSONDecoder().raw_decode(text, text.index("{\n"))[0]
        return report["send_speed" if direction == "-s" else "recv_speed"] / 1e6
    name = "Upstream" if direction == "-s" else "Downstream"
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    value, unit = re.search(rf"{name}: +([\d.]+) *(\w?)B/s", plain).groups()
    return float(value) * {"": 1e-6, "k": 1e-3, "K": 1e-3, "M": 1, "G": 1e3}[unit]


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure_throughput(options):
    print("| loopback, 4 links, checked content | caiman | aggligator | ratio | processor time per GB: caiman | aggligator |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for direction, name in (("-s", "client to server"), ("-r", "server to client")):
        speeds, costs = {CAIMAN: [], PEER: []}, {CAIMAN: [], PEER: []}
        for _ in range(options.rounds):
            for kind, values in speeds.items():
                before = children_cpu()
                # A lab each: the peer insists on a port that nothing lingers on.
                with Lab(0) as lab:
                    values.append(measure_speed(Site(lab, f"{options.build}/tools/caiman"), kind, direction))
                costs[kind].append((children_cpu() - before) / (values[-1] * SPEED_S / 1e3))
        print_throughput(name, speeds, costs)
        print(f"# {speeds}", file=sys.stderr, flush=True)


def print_throughput(name, speeds, costs):
    ratio = statistics.median(mine / theirs for mine, theirs in zip(speeds[CAIMAN], speeds[PEER]))
    values = [f"{statistics.median(speeds[kind]):.0f} MB/s" for kind in (CAIMAN, PEER)]
    prices = [f"{statistics.median(costs[kind]):.2f} s" for kind in (CAIMAN, PEER)]
    print("| " + " | ".join((name, *values, f"{ratio:.1f}", *prices)) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("failover", "throughput"))
    parser.add_argument("build")
    options = parser.parse_args()
    require(PEER)
    # What else runs on the machine costs both, but not alike: the peer has more threads that compete.
    os.nice(-15)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if options.only != "throughput":
        measure_failover(options)
        print()
    if options.only != "failover":
        measure_throughput(options)
    with open("/proc/pressure/cpu", encoding="ascii") as pressure:
        print(f"\nMedian (worst) of {options.rounds}. {os.cpu_count()} processors; {pressure.readline().strip()}.")


if __name__ == "__main__":
    main()
