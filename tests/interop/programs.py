# SPDX-License-Identifier: Apache-2.0
"""The programs that are brought together: caiman's and the real peer's, started in a lab; and what
tests of them have in common."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import netlab

CAIMAN, PEER = "caiman", "aggligator"
PEER_VERSION = "0.18.11"
SPEED_PORT, TUNNEL_PORT = 5700, 5800
DEADLINE_S = 60


def find_peer():
    """The folder with agg-speed and agg-tunnel, or None. CAIMAN_PEER names it, or says that none is
    wanted ("none"); without it they are looked for on the PATH and where .ci/run installs them."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    on_path = shutil.which("agg-speed")
    candidates = [
        os.path.dirname(on_path) if on_path else None,
        os.path.join(cache, "caiman", f"aggligator-util-{PEER_VERSION}", "bin"),
    ]
    if "CAIMAN_PEER" in os.environ:
        candidates = [os.environ["CAIMAN_PEER"]]
    for folder in candidates:
        if folder and all(os.access(f"{folder}/{name}", os.X_OK) for name in ("agg-speed", "agg-tunnel")):
            return folder
    return None


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def require(*kinds):
    """Ends the test program as skipped when what it needs is not here."""
    if PEER in kinds and find_peer() is None:
        skip("agg-speed and agg-tunnel are not installed (tests/interop/README.md)")
    possible, why = netlab.is_possible()
    if not possible:
        skip(f"there can be no lab of network namespaces: {why}")


def wait_for(what, condition, deadline_s=DEADLINE_S):
    """Returns what @condition returns as soon as it is something."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {deadline_s} s")


class Program:
    """A process in the lab. Its output goes to a file, so that it never waits for a reader."""

    def __init__(self, lab, side, command):
        self.command = command
        self.output = tempfile.TemporaryFile("w+b")
        with lab.inside(side):
            # The variable makes the peer tell what it finds; caiman does not know it.
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self.output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"RUST_LOG": "info", "NO_COLOR": "1"},
            )

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if kind:
            print(f"# {' '.join(self.command)}: status {self.process.returncode}")
            print("".join(f"#   {line}\n" for line in self.text().splitlines()[-40:]), end="")
        self.output.close()

    def text(self):
        """All that it has printed so far."""
        return os.pread(self.output.fileno(), 1 << 20, 0).decode(errors="replace")

    def send(self, signal_number):
        self.process.send_signal(signal_number)

    def wait(self, deadline_s=DEADLINE_S):
        """Its exit status."""
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command[0]} has not ended within {deadline_s} s") from None

    def wait_for_text(self, text):
        wait_for(f"'{text}' from {self.command[0]}", lambda: text in self.text())


class Site:
    """A lab with the programs of both kinds. @caiman is the path of our own."""

    def __init__(self, lab, caiman):
        self.lab, self.caiman, self.peer = lab, os.path.abspath(caiman), find_peer()

    def speed(self, kind, side, *options):
        return self.start(kind, "speed", side, options)

    def tunnel(self, kind, side, *options):
        return self.start(kind, "tunnel", side, options)

    def start(self, kind, verb, side, options):
        command = [self.caiman, verb] if kind == CAIMAN else [f"{self.peer}/agg-{verb}"]
        return Program(self.lab, side, [*command, side, "-n", *options])

    def targets(self, port, links=None):
        """The server's addresses, as options of a client."""
        links = range(self.lab.n_links) if links is None else links
        return [f"--tcp={self.lab.address(netlab.SERVER, link)}:{port}" for link in links]

    def wait_until_listening(self, side, port):
        command = ("ss", "-N", self.lab.names[side], "-Hltn", "sport", "=", f":{port}")
        wait_for(f"a listener on port {port}", lambda: netlab.call(*command))

    def count_links(self, port, link):
        """TCP connections to the server's @port that are open over @link."""
        address = self.lab.address(netlab.SERVER, link)
        command = ("ss", "-N", self.lab.names[netlab.CLIENT], "-Hnt", "state", "established")
        return len(netlab.call(*command, "dst", f"{address}:{port}").splitlines())


def end_by_signal(program, signal_number=signal.SIGTERM, deadline_s=10):
    """Some of the peer's programs take no notice of signals at times, hence SIGKILL."""
    program.send(signal_number)
    with contextlib.suppress(AssertionError):
        return program.wait(deadline_s)
    program.send(signal.SIGKILL)
    return program.wait()


def run_tests(tests, *arguments):
    """Runs functions as TAP test cases, named by what they say they do; a sharp word from any of
    them is its failure. Returns the exit status."""
    failures = 0
    # So that labs are taken down when a test takes too long.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"1..{len(tests)}", flush=True)
    for number, test in enumerate(tests, 1):
        start = time.monotonic()
        try:
            test(*arguments)
            verdict = "ok"
        except Exception:  # pylint: disable=broad-except
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            verdict = "not ok"
            failures += 1
        print(f"{verdict} {number} {test.__name__}", flush=True)
        print(f"# {time.monotonic() - start:.1f} s", flush=True)
    return 1 if failures else 0
