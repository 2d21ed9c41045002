#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caiman's tunnel server against a client that is played by hand (wire.py), message by message: what
PROTOCOL.md asks for and no well-behaved client provokes. Over loopback, without privilege.

usage: test-by-hand.py CAIMAN

Prints TAP.
"""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wire  # noqa: E402
from programs import run_tests, wait_for  # noqa: E402

PUBLISHED = 7
TIMEOUT_S = 30


class Server:
    """caiman's tunnel server, and the target of its only port."""

    def __init__(self, caiman):
        self.caiman = os.path.abspath(caiman)

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.target = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            self.target.settimeout(TIMEOUT_S)
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.address = probe.getsockname()
            log = stack.enter_context(tempfile.TemporaryFile())
            port = f"127.0.0.1:{self.target.getsockname()[1]}:{PUBLISHED}"
            command = [self.caiman, "tunnel", "server", "-n", "--no-status", "-p", port]
            listen = f"--tcp=127.0.0.1:{self.address[1]}"
            self.process = stack.enter_context(subprocess.Popen([*command, listen], stdout=log, stderr=log))
            stack.callback(self.process.kill)
            wait_for("the server", self.is_listening)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self.stack.__exit__(*exception)

    def is_listening(self):
        assert self.process.poll() is None, "the server has ended"
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(self.address).close()
            return True
        return False

    def join(self, connection_id, existing=0, interface=b"hand0"):
        return wire.join(self.address, connection_id, existing, None, interface, TIMEOUT_S)

    def open(self, n_links=1):
        """A connection with links, and the socket at the target."""
        connection_id = os.urandom(16)
        links = []
        for number in range(n_links):
            link, answer = self.join(connection_id, int(number > 0), f"hand{number}".encode())
            assert answer[0] == "accepted", answer
            links.append(link)
        send_data(links[0], 0, struct.pack(">H", PUBLISHED))
        far, _ = self.target.accept()
        far.settimeout(TIMEOUT_S)
        return links, far


def send_data(link, sequence, payload):
    link.send(wire.message("data", sequence))
    link.send(payload)


def read_exactly(sock, n_bytes):
    data = b""
    while len(data) < n_bytes:
        more = sock.recv(n_bytes - len(data))
        assert more, data
        data += more
    return data


def number_of(packet):
    return struct.unpack(">I", packet[1:5])[0]


def refuses_what_it_does_not_know(caiman):
    """PROTOCOL.md, 4.4: a link for a connection that is to exist and does not."""
    with Server(caiman) as server:
        link, answer = server.join(os.urandom(16), existing=1)
        assert answer[1] == b"\x04\x01", answer
        assert link.read_message() is None


def refuses_redundant_links(caiman):
    """8: one link for each pair of interfaces, which the client names in its Connect."""
    with Server(caiman) as server:
        connection_id = os.urandom(16)
        first, answer = server.join(connection_id)
        assert answer[0] == "accepted", answer
        second, answer = server.join(connection_id, existing=1)
        assert answer[1] == b"\x04\x04", answer
        third, answer = server.join(connection_id, existing=1, interface=b"hand1")
        assert answer[0] == "accepted", answer
        for link in (first, second, third):
            link.close()


def welcomes_anew_each_time(caiman):
    """4.1: the server's id stays, the key is fresh for each link."""
    with Server(caiman) as server:
        first, second = (server.join(os.urandom(16))[0].peer for _ in range(2))
        assert first["server_id"] == second["server_id"] != bytes(16)
        assert first["key"] != second["key"]
        assert first["receive_buffer"] > 0


def puts_links_together(caiman):
    """5: one connection's messages come over two links, in the wrong order and twice."""
    with Server(caiman) as server:
        links, far = server.open(2)
        send_data(links[1], 2, b"after")
        assert number_of(links[1].read_until("ack")[1]) == 2
        send_data(links[0], 1, b"before ")
        send_data(links[1], 1, b"before ")
        assert number_of(links[1].read_until("ack")[1]) == 1
        assert read_exactly(far, 12) == b"before after"
        far.sendall(b"answer")
        while True:
            found, link = read_from_either(links, "data")
            if found[2] == b"answer":
                link.answer(found)
                break


def read_from_either(links, name):
    """Looks at the links in turn, a moment each."""
    for link in links * 1000:
        link.sock.settimeout(0.02)
        with contextlib.suppress(TimeoutError):
            found = link.read_until(name)
            if found:
                return found, link
    raise AssertionError(f"no {name} on any link")


def survives_a_broken_link(caiman):
    """2: a checksum that is wrong ends that link alone."""
    with Server(caiman) as server:
        links, far = server.open(2)
        links[0].sock.sendall(wire.HEADER.pack(1, links[0].n_sent, 0xBAD) + b"\x05")
        assert links[0].read_until() is None
        send_data(links[1], 1, b"still here")
        assert read_exactly(far, 10) == b"still here"


def answers_pings_and_goodbyes(caiman):
    """6: Pong for Ping; Goodbye for Goodbye, after which this link is closed by us, and the other goes on."""
    with Server(caiman) as server:
        links, far = server.open(2)
        links[0].send(wire.message("ping"))
        links[0].read_until("pong")
        links[0].send(wire.message("goodbye"))
        assert links[0].read_until("goodbye")
        links[0].close()
        send_data(links[1], 1, b"alone")
        assert read_exactly(far, 5) == b"alone"


def sends_nothing_over_a_blocked_link(caiman):
    """6: a blocked link stays, and data take the other."""
    with Server(caiman) as server:
        links, far = server.open(2)
        links[0].send(wire.message("set-block", 1))
        # The answer shows that the block has been seen.
        links[0].send(wire.message("ping"))
        links[0].read_until("pong")
        far.sendall(b"around the block")
        assert links[1].read_until("data")[2] == b"around the block"


def terminates_when_told(caiman):
    """5: Terminate is answered on every link, and ends the connection to the target at once."""
    with Server(caiman) as server:
        links, far = server.open(2)
        links[1].send(wire.message("terminate"))
        assert all(link.read_until("terminate") for link in links)
        with contextlib.suppress(ConnectionResetError):
            assert far.recv(1) == b""


def ends_by_the_rules_or_not_at_all(caiman):
    """3 and 5: a violation ends the connection, and no other."""
    with Server(caiman) as server:
        others, other_far = server.open()
        links, far = server.open()
        links[0].send(wire.message("consumed", 1, 1 << 30))
        with contextlib.suppress(ConnectionResetError):
            assert far.recv(1) == b""
        send_data(others[0], 1, b"unharmed")
        assert read_exactly(other_far, 8) == b"unharmed"


TESTS = [
    refuses_what_it_does_not_know,
    refuses_redundant_links,
    welcomes_anew_each_time,
    puts_links_together,
    survives_a_broken_link,
    answers_pings_and_goodbyes,
    sends_nothing_over_a_blocked_link,
    terminates_when_told,
    ends_by_the_rules_or_not_at_all,
]


if __name__ == "__main__":
    sys.exit(run_tests(TESTS, sys.argv[1]))
