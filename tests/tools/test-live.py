#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What watches a running tunnel: monitor (on a pseudo-terminal), status socket, recorder.

usage: test-live.py CAIMAN

Prints TAP. Traffic is on loopback. Nothing is expected within a time; there is a generous limit
after which something that does not happen fails.
"""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import traceback

CAIMAN = os.path.abspath(sys.argv[1])
LIMIT_S = 40
ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78M]|\][^\x07]*\x07)")
CTRL_L = b"\x0c"

TESTS = []


def test(function):
    TESTS.append(function)
    return function


def wait_for(what, is_there):
    """The value of is_there() once it is true."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        value = is_there()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"this has not happened: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve_echo(listener):
    def echo(connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=echo, args=(connection,), daemon=True).start()


def caiman(*arguments, env=None):
    return subprocess.run(
        [CAIMAN, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False, env=env
    )


class Tunnel:
    """An echo service behind a tunnel server; the client is the test's."""

    def __init__(self, folder, *server_options):
        self.folder = folder
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=serve_echo, args=(self.listener,), daemon=True).start()
        self.link_port, self.port = free_port(), free_port()
        self.socket = os.path.join(folder, "server.sock")
        target = self.listener.getsockname()[1]
        self.server = subprocess.Popen(
            [CAIMAN, "tunnel", "server", "-q", "-n", "-p", f"127.0.0.1:{target}:22",
             "--tcp", f"127.0.0.1:{self.link_port}", "--status", self.socket, *server_options]
        )
        wait_for("the server's status socket", lambda: os.path.exists(self.socket))

    def client(self, *options):
        return [CAIMAN, "tunnel", "client", "-p", f"22:{self.port}",
                "--tcp", f"127.0.0.1:{self.link_port}", *options]

    def connect(self):
        def attempt():
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", self.port))

        connection = wait_for("the forwarded port", attempt)
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"
        return connection

    def status(self):
        result = caiman("tunnel", "status", "--json", self.socket)
        return json.loads(result.stdout)

    def close(self):
        self.server.kill()
        self.server.wait()
        self.listener.close()


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, command, columns=80, lines=24, **env):
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = dict(os.environ, TERM="xterm-256color", LANG="C.UTF-8", LC_ALL="C.UTF-8")
            environment.pop("NO_COLOR", None)
            os.execve(command[0], command, dict(environment, **env))
        self.resize(columns, lines)

    def resize(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, timeout_s):
        """What comes until nothing has come for @timeout_s; None at the end."""
        data = b""
        while select.select([self.fd], [], [], timeout_s)[0]:
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                part = b""
            if not part:
                return data or None
            data += part
            self.raw += part
        return data

    def send(self, keys):
        os.write(self.fd, keys)

    def wait_for(self, *words):
        """Has the screen painted anew until it has all of @words; returns it."""

        def has_all():
            with contextlib.suppress(OSError):
                self.send(CTRL_L)
            data = self.read(0.1)
            screen = ESCAPES.sub(b" ", data or b"").decode(errors="replace")
            return screen if all(word in screen for word in words) else None

        return wait_for(f"{words} on the screen", has_all)

    def wait(self):
        """The exit status."""

        def has_ended():
            self.read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            return [status] if pid else None

        status = wait_for("the end of the program", has_ended)[0]
        self.pid = 0
        self.read(0.1)
        return os.waitstatus_to_exitcode(status)

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextlib.contextmanager
def running(*server_options):
    with tempfile.TemporaryDirectory() as folder:
        tunnel = Tunnel(folder, *server_options)
        try:
            yield tunnel
        finally:
            tunnel.close()


LEAVES_SCREEN = b"\x1b[?1049l"


@test
def the_monitor_shows_links_and_obeys_keys():
    with running() as tunnel:
        terminal = Terminal(tunnel.client("-v", "--no-status"))
        try:
            terminal.wait_for("caiman tunnel client", "no connections")
            with tunnel.connect():
                terminal.wait_for("lo", "working", "link lo", "log")
                terminal.send(b"b")
                terminal.wait_for("blocked here")
                assert tunnel.status()["connections"][0]["links"][0]["blocked_remote"]
                terminal.send(b"b")
                terminal.wait_for("working; up")
                terminal.send(b"?")
                terminal.wait_for("disconnect the selected link")
                terminal.send(b"k")  # leaves the help
                terminal.send(b"k")  # up, to the connection
                terminal.wait_for("unacknowledged")
                terminal.send(b"b")
                terminal.wait_for("Select a link first.")
                terminal.resize(160, 50)
                terminal.wait_for("127.0.0.1 lo")
                terminal.resize(30, 5)
                terminal.wait_for("caiman tunnel")
                terminal.resize(80, 24)
                terminal.send(b"q")
                terminal.wait_for("Press q again")
                terminal.send(b"q")
                terminal.wait_for("to end at once")
            assert terminal.wait() == 0
            assert LEAVES_SCREEN in terminal.raw
        finally:
            terminal.close()


@test
def nothing_that_was_logged_is_lost():
    """What came before the monitor stands in its log; what came meanwhile is printed at the end, once."""
    with running() as tunnel:
        terminal = Terminal(tunnel.client("-v", "--no-status"))
        try:
            terminal.wait_for("no connections", "forwards localhost:", "travels unencrypted")
            for _ in range(12):
                tunnel.connect().close()
            terminal.send(b"l")
            terminal.wait_for("log, ", "l back", "#12 link lo (127.0.0.1): closed")
            terminal.send(b"\x1bOH")  # home
            terminal.wait_for("travels unencrypted", "#1 link lo (127.0.0.1): working", "log, to line ")
            terminal.send(b"l")
            terminal.wait_for("block/unblock")
            terminal.send(b"qq")
            assert terminal.wait() == 0
            after = terminal.raw.split(LEAVES_SCREEN)[-1].decode()
            assert "travels unencrypted" not in after, after
            for number in range(1, 13):
                assert after.count(f"#{number} link lo (127.0.0.1): working") == 1, after
        finally:
            terminal.close()


@test
def colours_can_be_turned_off():
    with running() as tunnel:
        for env, has_colour in (({}, True), ({"NO_COLOR": "1"}, False)):
            terminal = Terminal(tunnel.client("--no-status"), **env)
            try:
                terminal.wait_for("no connections")
                with tunnel.connect():
                    terminal.wait_for("working; up")
                    assert (re.search(rb"\x1b\[(\d+;)*32m", terminal.raw) is not None) == has_colour
                terminal.send(b"qq")
                assert terminal.wait() == 0
            finally:
                terminal.close()


@test
def a_terminal_without_cursor_gets_lines():
    with running() as tunnel:
        terminal = Terminal(tunnel.client("--no-status"), TERM="dumb")
        try:
            with tunnel.connect():
                wait_for("a line", lambda: terminal.read(0.1) is None or b"opened" in terminal.raw)
            assert b"cannot show the monitor: the terminal 'dumb'" in terminal.raw, terminal.raw
            assert b"\x1b" not in terminal.raw
            os.kill(terminal.pid, signal.SIGTERM)
            assert terminal.wait() == 0
        finally:
            terminal.close()


@test
def the_terminal_comes_back_after_a_signal():
    with running() as tunnel:
        for number, status in ((signal.SIGTERM, 0), (signal.SIGABRT, -signal.SIGABRT)):
            terminal = Terminal(tunnel.client("--no-status"))
            try:
                terminal.wait_for("no connections")
                os.kill(terminal.pid, number)
                assert terminal.wait() == status
                assert LEAVES_SCREEN in terminal.raw
            finally:
                terminal.close()


@test
def the_end_of_the_terminal_ends_the_program():
    with running() as tunnel:
        terminal = Terminal(tunnel.client("--no-status"))
        terminal.wait_for("no connections")
        os.close(terminal.fd)
        wait_for("the end", lambda: os.waitpid(terminal.pid, os.WNOHANG)[0])


@test
def a_monitor_attaches_to_a_running_tunnel():
    with running() as tunnel:
        client = subprocess.Popen(tunnel.client("-q", "-n", "--no-status"))
        terminal = Terminal([CAIMAN, "monitor", tunnel.socket])
        try:
            with tunnel.connect():
                terminal.wait_for("caiman tunnel server", "working; up")
                terminal.send(b"b")
                terminal.wait_for("blocked here")
                assert tunnel.status()["connections"][0]["links"][0]["blocked_local"]
                terminal.send(b"q")
                assert terminal.wait() == 0
                assert tunnel.status()["n_live"] == 1
        finally:
            terminal.close()
            client.kill()
            client.wait()


@test
def a_monitor_tells_that_the_tunnel_has_ended():
    with running() as tunnel:
        terminal = Terminal([CAIMAN, "monitor", tunnel.socket])
        try:
            terminal.wait_for("no connections")
            tunnel.server.kill()
            assert terminal.wait() == 70
            assert b"the tunnel has ended" in terminal.raw
        finally:
            terminal.close()


@test
def a_monitor_needs_a_terminal_and_a_tunnel():
    result = caiman("monitor")
    assert result.returncode == 2 and "needs a terminal" in result.stderr
    terminal = Terminal([CAIMAN, "monitor", "/nonexistent.sock"])
    try:
        assert terminal.wait() == 2
        assert b"/nonexistent.sock" in terminal.raw
    finally:
        terminal.close()


@test
def status_in_tables_and_json():
    with running() as tunnel:
        client = subprocess.Popen(tunnel.client("-q", "-n", "--no-status"))
        try:
            with tunnel.connect():
                text = caiman("tunnel", "status", tunnel.socket)
                assert text.returncode == 0
                assert "connections: 1 open, 1 since the start" in text.stdout
                assert "working" in text.stdout
                status = tunnel.status()
                assert status["title"] == "tunnel server"
                assert status["pid"] == tunnel.server.pid
                connection = status["connections"][0]
                assert connection["received_bytes"] == 5 + 2, connection
                assert connection["links"][0]["state"] == "working"
        finally:
            client.kill()
            client.wait()


@test
def status_does_things_to_links():
    with running() as tunnel:
        client = subprocess.Popen(tunnel.client("-q", "-n", "--no-status"))
        try:
            with tunnel.connect():
                result = caiman("tunnel", "status", "--block", "lo", tunnel.socket)
                assert (result.returncode, result.stdout) == (0, "1 link\n")
                link = tunnel.status()["connections"][0]["links"][0]
                assert link["blocked_local"]
                result = caiman("tunnel", "status", "--unblock", str(link["id"]),
                                "--connection", "1", tunnel.socket)
                assert result.returncode == 0
                assert not tunnel.status()["connections"][0]["links"][0]["blocked_local"]
                result = caiman("tunnel", "status", "--disconnect", "nope", tunnel.socket)
                assert result.returncode == 2 and "there is no link 'nope'" in result.stderr
                result = caiman("tunnel", "status", "--connection", "-1", tunnel.socket)
                assert result.returncode == 2
        finally:
            client.kill()
            client.wait()


@test
def status_finds_the_only_tunnel():
    with tempfile.TemporaryDirectory() as runtime:
        env = dict(os.environ, XDG_RUNTIME_DIR=runtime)
        if not os.path.isdir("/run/caiman"):  # else there may be a tunnel of the system
            none = caiman("tunnel", "status", env=env)
            assert none.returncode == 2 and "no status socket" in none.stderr
        with running() as tunnel:
            clients = []
            try:
                for _ in range(2):
                    clients.append(subprocess.Popen(tunnel.client("-q", "-n"), env=env))
                    tunnel.port = free_port()
                    path = os.path.join(
                        runtime, "caiman", f"tunnel-client-{clients[-1].pid}.sock")
                    wait_for("its socket", lambda: os.path.exists(path))  # pylint: disable=cell-var-from-loop
                    if len(clients) == 1:
                        one = caiman("tunnel", "status", env=env)
                        assert one.returncode == 0 and "tunnel client, process" in one.stdout
                two = caiman("tunnel", "status", env=env)
                assert two.returncode == 2 and path in two.stderr
                clients[0].kill()  # leaves its socket behind
                clients[0].wait()
                assert caiman("tunnel", "status", env=env).returncode == 0
            finally:
                for client in clients:
                    client.kill()
                    client.wait()


@test
def the_record_survives_a_kill():
    with tempfile.TemporaryDirectory() as folder, running() as tunnel:
        path = os.path.join(folder, "live.db")
        client = subprocess.Popen(
            tunnel.client("-q", "-n", "--no-status", "--db", path, "--db-interval", "20ms"))
        with tunnel.connect() as connection:

            def is_recorded():
                connection.sendall(b"x" * 1000)
                connection.recv(1000)
                with sqlite3.connect(path) as db:
                    return db.execute("SELECT count(*) > 10 FROM link_sample").fetchone()[0]

            wait_for("samples in the database", is_recorded)
            client.kill()
            client.wait()
        shown = caiman("show", path, "1")
        assert shown.returncode == 0 and shown.stdout.startswith("UNFINISHED"), shown.stdout
        assert "-> port 22\n" in shown.stdout, shown.stdout
        again = caiman("replay", path, "1")
        assert again.returncode != 0


@test
def what_it_opened_is_closed_at_the_end():
    with tempfile.TemporaryDirectory() as folder, running() as tunnel:
        path = os.path.join(folder, "live.db")
        env = dict(os.environ, XDG_RUNTIME_DIR=folder)
        client = subprocess.Popen(tunnel.client("-q", "-n", "--db", path), env=env)
        with tunnel.connect():
            assert os.listdir(os.path.join(folder, "caiman")) == [
                f"tunnel-client-{client.pid}.sock"]
        with tunnel.connect():
            pass
        client.send_signal(signal.SIGTERM)
        assert client.wait(LIMIT_S) == 0
        assert not os.listdir(os.path.join(folder, "caiman"))
        with sqlite3.connect(path) as db:
            rows = db.execute("SELECT state, outcome FROM run ORDER BY id").fetchall()
            ended = db.execute("SELECT ended_us IS NOT NULL FROM campaign").fetchall()
        assert rows == [("finished", "finished")] * 2, rows
        assert ended == [(1,)]


@test
def what_was_asked_for_and_cannot_be_had_is_an_error():
    with running() as tunnel:
        for options in (["--db", "/nonexistent/x.db"], ["--status", "/nonexistent/x.sock"],
                        ["--status", tunnel.socket]):
            result = caiman(*tunnel.client("-n", *options)[1:])
            assert result.returncode in (2, 70), options
            assert options[1] in result.stderr
        env = dict(os.environ, XDG_RUNTIME_DIR="/dev/null")  # not asked for: told to who wants it
        client = subprocess.Popen(tunnel.client("-v", "-n"), env=env, stderr=subprocess.PIPE, text=True)
        with tunnel.connect():
            client.send_signal(signal.SIGTERM)
        assert "no status socket: /dev/null" in client.communicate(timeout=LIMIT_S)[1]
        assert client.returncode == 0


@test
def options_that_exclude_each_other():
    for options in (["--status", "x", "--no-status"], ["--db-interval", "1s"],
                    ["--db", "x", "--db-interval", "1ms"], ["--db", "x", "--db-interval", "fast"]):
        result = caiman("tunnel", "client", "-p", "22", "--tcp", "127.0.0.1", *options)
        assert result.returncode == 2, options
        assert "--" in result.stderr


def main():
    failed = False
    print(f"1..{len(TESTS)}", flush=True)
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Exception:  # pylint: disable=broad-exception-caught
            failed = True
            print(f"not ok {number} - {name}", flush=True)
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
