#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caiman tunnel and caiman speed from the outside: usage, configuration, exit status, output.

usage: test-network.py CAIMAN

Prints TAP. Traffic is on loopback.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import traceback

CAIMAN = os.path.abspath(sys.argv[1])
CREDENTIALS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "transports", "tls")
LIMIT_S = 60
TESTS = []


def test(function):
    TESTS.append(function)
    return function


def run(*arguments, status=0):
    """Runs caiman and returns (stdout, stderr)."""
    done = subprocess.run([CAIMAN, *arguments], capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == status, f"{arguments}: status {done.returncode}, {done.stderr}"
    return done.stdout, done.stderr


class Server:
    """A caiman server on a free port, which it is asked for until it answers."""

    def __init__(self, *arguments):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [CAIMAN, *arguments, "-n", "--tcp", self.address], stderr=subprocess.PIPE, text=True
        )
        line = self.process.stderr.readline()  # that data travels unencrypted: it listens now
        assert "unencrypted" in line, line

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        _, text = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, text


@test
def usage():
    for verb in ("tunnel", "speed"):
        _, errors = run(verb, status=2)
        assert f"usage: caiman {verb} server|client" in errors, errors
        run(verb, "both", status=2)
        text, _ = run(verb, "--help")
        assert f"caiman {verb} client --help" in text, text
        for role in ("client", "server"):
            text, _ = run(verb, role, "--help")
            assert f"caiman {verb} {role} [OPTION" in text, text


@test
def wrong_options():
    cases = (
        (("speed", "client"), "which server"),
        (("speed", "client", "--tcp", "a", "-s", "-r"), "exclude each other"),
        (("speed", "client", "--tcp", "a", "-t", "-1"), "out of range"),
        (("speed", "client", "--tcp", "a", "-t", "nan"), ""),
        (("speed", "client", "--tcp", "a", "--set", "x=1"), "unknown tunable"),
        (("speed", "client", "--tcp", "a:b:c:"), "a:b:c:"),
        (("speed", "server", "--tls"), "needs a certificate"),
        (("tunnel", "server"), "no port is published"),
        (("tunnel", "server", "-p", "a"), "'a' is none of PORT"),
        (("tunnel", "client", "--tcp", "a"), "no port is forwarded"),
        (("tunnel", "client", "-p", "80"), "which server"),
        (("tunnel", "client", "-p", "80", "-p", "81:80", "--tcp", "a"), "forwarded twice"),
        (("tunnel", "client", "-p", "80", "--config", "/nowhere.ini"), "/nowhere.ini"),
        (("tunnel", "client", "extra"), "'extra' is no option"),
    )
    for arguments, complaint in cases:
        output, errors = run(*arguments, status=2)
        assert output == "", output
        assert complaint in errors, f"{arguments}: {errors}"


@test
def attached_values():
    """-t5 as well as -t 5, as the peers' tools take them; a value that looks like an option is none."""
    cases = (
        (("speed", "client", "-t5", "-l100", "-s", "-r", "--tcp", "a"), "exclude each other"),
        (("speed", "client", "-t=5", "-srl100", "--tcp", "a"), "exclude each other"),
        (("speed", "client", "-nt-1", "--tcp", "a"), "out of range"),
        (("speed", "client", "-nt", "-1", "--tcp", "a"), "out of range"),
        (("speed", "client", "-tx", "--tcp", "a"), "x"),
        (("speed", "client", "-l1x", "--tcp", "a"), "1x"),
        (("speed", "client", "-t"), "-t"),
        (("speed", "client", "-Z5"), "-Z5"),
        (("speed", "client", "--preset", "-t5", "--tcp", "a"), "not -t5"),
        (("tunnel", "client", "-p80:81", "-p", "82:81", "--tcp", "a"), "port 81 is forwarded twice"),
        (("tunnel", "client", "-4gp80", "-p81:80", "--tcp", "a"), "port 80 is forwarded twice"),
        (("tunnel", "server", "-p80", "-pb:82:80"), "port 80 is published twice"),
        (("tunnel", "server", "-p=80", "-c/nowhere.ini"), "/nowhere.ini"),
        (("tunnel", "server", "-p80", "--", "-p80"), "'-p80' is no option"),
    )
    for arguments, complaint in cases:
        output, errors = run(*arguments, status=2)
        assert output == "", output
        assert complaint in errors, f"{arguments}: {errors}"
    server = Server("tunnel", "server", "-p80")
    assert server.end()[0] == 0
    server = Server("speed", "server")
    output, _ = run("speed", "client", "-nqjl2", "-t60", "--tcp", server.address)
    result = json.loads(output)
    assert result["data_limit"] == 2 and result["time_limit"] == 60, result
    assert result["complete"] and result["sent_bytes"] == 2 << 20, result
    assert server.end()[0] == 0


@test
def bad_file():
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
        file.write("[tunnel]\nlisen = 5800\n[publish a]\nport = 0\n")
        file.flush()
        _, errors = run("tunnel", "server", "--config", file.name, status=2)
    assert f"{file.name}:2: unknown key 'lisen' in [tunnel]; did you mean 'listen'?" in errors, errors
    assert f"{file.name}:4: port: " in errors, errors


@test
def port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        _, errors = run("tunnel", "server", "-n", "-p", "80", "--tcp", address, status=70)
    assert address in errors, errors


@test
def speed_test():
    server = Server("speed", "server")
    output, errors = run("speed", "client", "-n", "-j", "-l", "4", "--tcp", server.address)
    result = json.loads(output)
    assert result["complete"] and result["sent_bytes"] == 4 << 20, result
    assert result["received_bytes"] >= 4 << 20 and result["recv_speed"] > 0, result
    assert errors.count("travels unencrypted") == 1, errors
    output, errors = run("speed", "client", "-nq", "-r", "-l", "1", "--tcp", server.address)
    assert re.fullmatch(r"sent      -\nreceived  1\.\d+ MB in .*/s\n", output), output
    assert errors == "", errors
    status, text = server.end()
    assert status == 0, status
    assert text.count("content right") == 2, text


@test
def speed_oneshot():
    server = Server("speed", "server", "--oneshot")
    run("speed", "client", "-n", "-s", "-l", "1", "--tcp", server.address)
    _, text = server.process.communicate(timeout=LIMIT_S)
    assert server.process.returncode == 0, text


@test
def no_server():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    _, errors = run(
        "speed", "client", "-n", "--set", "no-link-timeout=100ms", "--tcp", address, status=4
    )
    assert "no connection: all-links-failed" in errors, errors
    # Much sooner than the protocol would give up (90 s), and -q names what was tried as well.
    for options in ((), ("--connect-timeout", "100ms")):
        _, errors = run("speed", "client", "-nq", *options, "--tcp", address, status=4)
        assert errors == (
            f"caiman: speed: no connection: all-links-failed; tried lo -> {address}: connect-refused\n"
        ), errors
    for timeout in ("1", "50ms", "25h"):
        _, errors = run(
            "speed", "client", "--connect-timeout", timeout, "--tcp", address, status=2
        )
        assert "speed: --connect-timeout: " in errors, errors


@test
def tunnel_reload():
    """SIGHUP with a bad file, then a good one; the order of the log lines says that it is done."""
    with tempfile.NamedTemporaryFile("w", suffix=".ini") as file:
        file.write("[publish a]\nport = 80\n")
        file.flush()
        server = Server("tunnel", "server", "--config", file.name)
        assert "publishes 80 -> localhost:80" in server.process.stderr.readline()
        file.write("[publish b]\nport = 81\ntarget = db.example:82\nx = y\n")
        file.flush()
        server.process.send_signal(signal.SIGHUP)
        line = server.process.stderr.readline()
        assert f"error: {file.name}:6: unknown key 'x'" in line, line
        assert "all stays as it was" in server.process.stderr.readline()
        with open(file.name, "w", encoding="utf-8") as again:
            again.write("[publish b]\nport = 81\ntarget = db.example:82\n")
        server.process.send_signal(signal.SIGHUP)
        assert "again" in server.process.stderr.readline()
        assert "publishes 81 -> db.example:82" in server.process.stderr.readline()
        status, _ = server.end()
        assert status == 0, status


@test
def certificates_again():
    """SIGHUP without a configuration file: the certificate is read, and a bad one is told."""
    with tempfile.NamedTemporaryFile() as file:
        with open(os.path.join(CREDENTIALS, "stranger.pem"), "rb") as good:
            file.write(good.read())
        file.flush()
        server = subprocess.Popen(
            [CAIMAN, "tunnel", "server", "-n", "-p80", "--tcp=127.0.0.1:0", "--tls",
             "--tls-certificate", file.name], stderr=subprocess.PIPE, text=True,
            env={**os.environ, "LSAN_OPTIONS": "detect_leaks=0"},  # it dies in GIO's module for TLS
        )
        assert "publishes 80" in server.stderr.readline()
        server.send_signal(signal.SIGHUP)
        assert "read the certificates for new links again" in server.stderr.readline()
        file.truncate(100)
        server.send_signal(signal.SIGHUP)
        assert f"error: certificate {file.name}: " in server.stderr.readline()
        assert "all stays as it was" in server.stderr.readline()
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=LIMIT_S)
        assert server.returncode == 0, server.returncode


@test
def signal_at_once():
    """A signal right after the first line finds somebody who takes it (Server waits for that line)."""
    for _ in range(10):
        status, _ = Server("tunnel", "server", "-p", "80").end()
        assert status == 0, status


@test
def ports_in_the_wrong_order():
    _, errors = run("tunnel", "server", "-p", "5432:15432", status=2)
    assert "'5432:15432' is none of PORT" in errors, errors


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, function in enumerate(TESTS, 1):
        try:
            function()
            print(f"ok {number} - {function.__name__}", flush=True)
        except (AssertionError, subprocess.TimeoutExpired, OSError, ValueError):
            failed += 1
            for line in traceback.format_exc().splitlines():
                print(f"# {line}")
            print(f"not ok {number} - {function.__name__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
