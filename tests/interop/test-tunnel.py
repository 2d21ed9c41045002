#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A tunnel through four links between two network namespaces, of caiman and the real peer in either
role, while the links are cut, silenced, taken down and brought back.

usage: test-tunnel.py CAIMAN CLIENT SERVER [TEST...]

CLIENT and SERVER are caiman or aggligator. Prints TAP. Skipped where a peer that is wanted is not
installed or namespaces cannot be made.
"""

import contextlib
import hashlib
import os
import signal
import socket
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from programs import CAIMAN, PEER, end_by_signal, require, run_tests  # noqa: E402
from tunnel import LOCAL_DEAD_PORT, LOCAL_UNPUBLISHED_PORT, TIMEOUT_S, Tunnel  # noqa: E402

BULK_BYTES = 200 * 1000 * 1000
RATE_MBIT = 60
PIECE_BYTES = 1 << 20
# How each client says that its server is not the one that it was.
MISMATCH = {CAIMAN: "server-id-mismatch", PEER: "server id changed"}


class Receiver(threading.Thread):
    """Reads a socket to its end: how much came, and its SHA-256. @at: bytes to function, called when
    so much has come."""

    def __init__(self, sock, at=None):
        super().__init__(daemon=True)
        self.sock, self.at = sock, sorted((at or {}).items())
        self.n_bytes, self.digest, self.failure = 0, hashlib.sha256(), None
        self.start()

    def run(self):
        try:
            while data := self.sock.recv(PIECE_BYTES):
                self.n_bytes += len(data)
                self.digest.update(data)
                while self.at and self.n_bytes >= self.at[0][0]:
                    self.at.pop(0)[1]()
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def result(self):
        self.join(TIMEOUT_S)
        assert not self.is_alive() and self.failure is None, (self.failure, self.n_bytes)
        return self.n_bytes, self.digest.hexdigest()


class Sender(threading.Thread):
    """Sends @n_bytes in pieces of @piece_bytes, then the end of stream if it is to @finish."""

    def __init__(self, sock, n_bytes, piece_bytes=PIECE_BYTES, finish=True):
        super().__init__(daemon=True)
        self.sock, self.n_bytes, self.piece_bytes, self.finish = sock, n_bytes, piece_bytes, finish
        self.digest, self.failure = hashlib.sha256(), None
        self.start()

    def run(self):
        content = memoryview(os.urandom(PIECE_BYTES + 65536))
        try:
            for offset in range(0, self.n_bytes, self.piece_bytes):
                # A window that moves makes each piece another.
                start = offset // self.piece_bytes % 65536
                piece = content[start : start + min(self.piece_bytes, self.n_bytes - offset)]
                self.sock.sendall(piece)
                self.digest.update(piece)
            if self.finish:
                self.sock.shutdown(socket.SHUT_WR)
        except OSError as failure:
            self.failure = failure

    def result(self):
        self.join(TIMEOUT_S)
        assert not self.is_alive() and self.failure is None, self.failure
        return self.n_bytes, self.digest.hexdigest()


def echo_all(tunnel, n_connections):
    """The target answers with what comes, up to the end of stream."""

    def serve(sock):
        with sock:
            while data := sock.recv(65536):
                sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)

    def accept():
        for _ in range(n_connections):
            sock, _ = tunnel.target.accept()
            threading.Thread(target=serve, args=(sock,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def read_all(sock):
    data = b""
    while more := sock.recv(65536):
        data += more
    return data


def bulk_while_links_fail(caiman, client, server):
    """200 MB each way; every link fails in its own way, and no more than two at a time."""
    with Tunnel(caiman, client, server, RATE_MBIT) as tunnel:
        lab = tunnel.lab
        user, far = tunnel.connect()
        cuts = []
        faults = {
            0.05: lambda: cuts.append(lab.cut(0)),
            0.15: lambda: lab.silence(1),
            0.30: lambda: lab.take_down(2),
            0.45: lambda: lab.restore(1),
            0.55: lambda: lab.bring_up(2),
            0.65: lambda: cuts.append(lab.cut(3)),
            0.80: lambda: lab.silence(0),
            0.90: lambda: lab.restore(0),
        }
        uploaded = Receiver(far, {int(part * BULK_BYTES): fault for part, fault in faults.items()})
        downloaded = Receiver(user)
        upload, download = Sender(user, BULK_BYTES), Sender(far, BULK_BYTES)
        assert upload.result() == uploaded.result()
        assert download.result() == downloaded.result()
        # What was to be cut was there.
        assert len(cuts) == 2 and min(cuts) >= 1, cuts
        user.close()
        far.close()


def hundred_short_connections(caiman, client, server):
    """Ten at a time, each with its own content and an answer that is the same."""
    with Tunnel(caiman, client, server) as tunnel:
        echo_all(tunnel, 100)
        failures = []

        def use(number):
            try:
                for turn in range(10):
                    content = f"{number}/{turn} ".encode() * (turn * 50 + 1)
                    with tunnel.dial() as sock:
                        sock.sendall(content)
                        sock.shutdown(socket.SHUT_WR)
                        assert read_all(sock) == content
            except (AssertionError, OSError) as failure:
                failures.append((number, failure))

        users = [threading.Thread(target=use, args=(number,), daemon=True) for number in range(10)]
        for thread in users:
            thread.start()
        for thread in users:
            thread.join(TIMEOUT_S)
        assert not failures and not any(thread.is_alive() for thread in users), failures


def half_close(caiman, client, server):
    """Each side in turn ends its direction, and the other goes on."""
    with Tunnel(caiman, client, server) as tunnel:
        for swap in (False, True):
            first, second = tunnel.connect()
            if swap:
                first, second = second, first
            received = Receiver(second)
            assert Sender(first, 300_000).result() == received.result()
            received = Receiver(first)
            sent = Sender(second, 3_000_000)
            if swap and client != CAIMAN:
                # Its process may go on, but it forwards no more once the server's direction has ended.
                sent.join(TIMEOUT_S)
            else:
                assert sent.result() == received.result()
            first.close()
            second.close()


def tiny_and_big_writes(caiman, client, server):
    """Single bytes to and fro, then writes of megabytes, on one connection."""
    with Tunnel(caiman, client, server) as tunnel:
        user, far = tunnel.connect()
        for sock in (user, far):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(100):
            user.sendall(bytes([number]))
            assert far.recv(10) == bytes([number])
            far.sendall(bytes([number, number]))
            assert read_exactly(user, 2) == bytes([number, number])
        received = Receiver(far)
        tiny = Sender(user, 20_000, 1, finish=False)
        tiny.join(TIMEOUT_S)
        sent = os.urandom(8 << 20)
        user.sendall(sent)
        user.shutdown(socket.SHUT_WR)
        n_bytes, digest = received.result()
        tiny.digest.update(sent)
        assert (n_bytes, digest) == (20_000 + len(sent), tiny.digest.hexdigest())
        user.close()
        far.close()


def read_exactly(sock, n_bytes):
    data = b""
    while len(data) < n_bytes:
        more = sock.recv(n_bytes - len(data))
        assert more, data
        data += more
    return data


def expect_end(sock):
    """The connection ends, by end of stream or reset, after whatever was still to come."""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while sock.recv(PIECE_BYTES):
            pass


def refused_ports(caiman, client, server):
    """Neither a port that is not published nor a target that does not answer leaves a user hanging,
    and the tunnel lives on."""
    with Tunnel(caiman, client, server) as tunnel:
        for port in (LOCAL_UNPUBLISHED_PORT, LOCAL_DEAD_PORT):
            with tunnel.dial(port) as user:
                expect_end(user)
        expect_it_works(tunnel)


def expect_it_works(tunnel):
    user, far = tunnel.connect()
    with user, far:
        user.sendall(b"still there?")
        user.shutdown(socket.SHUT_WR)
        assert read_all(far) == b"still there?"
        far.sendall(b"yes")
        far.shutdown(socket.SHUT_WR)
        assert read_all(user) == b"yes"


def terminated_by_client(caiman, client, server):
    """The client is told to end in the middle of a transfer: so does the connection to the target."""
    with Tunnel(caiman, client, server) as tunnel:
        user, far = tunnel.connect()
        with user, far:
            Sender(user, 1 << 40)
            read_exactly(far, PIECE_BYTES)
            stop(tunnel.client, client)
            expect_end(far)


def terminated_by_server(caiman, client, server):
    """The other way round. A server of the peer does not do that: it just goes."""
    with Tunnel(caiman, client, server) as tunnel:
        user, far = tunnel.connect()
        with user, far:
            Sender(far, 1 << 40)
            read_exactly(user, PIECE_BYTES)
            stop(tunnel.server, server)
            expect_end(user)


def stop(program, kind):
    """caiman lets connections go on for a while, and ends them at the second signal."""
    if kind == CAIMAN:
        program.send(signal.SIGTERM)
        program.wait_for_text("again: end at once")
    end_by_signal(program)


def server_replaced(caiman, client, server):
    """The server is killed in the middle of a transfer and another takes its place: the old
    connection is over, and new ones work."""
    with Tunnel(caiman, client, server) as tunnel:
        user, far = tunnel.connect()
        with user, far:
            Sender(user, 1 << 40)
            read_exactly(far, PIECE_BYTES)
            tunnel.replace_server()
            expect_end(far)
            expect_end(user)
            tunnel.client.wait_for_text(MISMATCH[client])
        expect_it_works(tunnel)


TESTS = [
    bulk_while_links_fail,
    hundred_short_connections,
    half_close,
    tiny_and_big_writes,
    refused_ports,
    terminated_by_client,
    server_replaced,
]


def main():
    caiman, client, server, *names = sys.argv[1:]
    require(client, server)
    # The peer's server has no orderly end.
    tests = TESTS + ([terminated_by_server] if server == CAIMAN else [])
    tests = [test for test in tests if not names or test.__name__ in names]
    return run_tests(tests, caiman, client, server)


if __name__ == "__main__":
    sys.exit(main())
