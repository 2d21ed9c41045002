#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records golden vectors from the real peer: agg-tunnel and agg-speed.

usage: record-vectors.py FOLDER > tests/golden/aggligator-util-VERSION.txt

FOLDER has the two programs. Each vector is what one of them put on the wire, in a scene that is
played here over loopback; secrets are those that this script used on its own side. The result
differs from time to time (keys and ids are random), and any result must pass the tests.
"""

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import wire  # noqa: E402

FOLDER = sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__)
SERVER_ID = bytes(range(0xA0, 0xB0))
SECRETS = [bytes(range(1, 33)), bytes(range(33, 65))]
CONNECTION_ID = bytes(range(0xC0, 0xD0))
TEST_DATA_BYTES = 64


def listen():
    return socket.create_server(("127.0.0.1", 0), backlog=8)


def port_of(listener):
    return listener.getsockname()[1]


def free_port():
    with listen() as listener:
        return port_of(listener)


def emit(name, data):
    print(name, data.hex())


class Peer:
    """Starts the peer's programs, with little test data so that the recordings stay short."""

    def __init__(self, folder):
        self.config = os.path.join(folder, "config.json")
        shown = subprocess.run([f"{FOLDER}/agg-speed", "show-cfg"], check=True, capture_output=True).stdout
        with open(self.config, "w", encoding="utf-8") as out:
            json.dump(json.loads(shown) | {"link_test_data_limit": TEST_DATA_BYTES}, out)

    @contextlib.contextmanager
    def run(self, program, *arguments, terminal=None):
        command = [f"{FOLDER}/{program}", "--cfg", self.config, *arguments]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if terminal is not None:
            quiet = {"stdin": terminal, "stdout": terminal, "stderr": terminal, "start_new_session": True}
        with subprocess.Popen(command, **quiet) as process:
            try:
                yield process
            finally:
                process.kill()


def connect_when_there(port):
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port))


def echo(listener):
    sock, _ = listener.accept()
    with sock:
        while data := sock.recv(65536):
            sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)


def copy(source, target, record):
    while data := source.recv(65536):
        record.extend(data)
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


def scene_tunnel(peer):
    """A tunnel of agg-tunnel to agg-tunnel, recorded in the middle of its only link."""
    records = bytearray(), bytearray()
    with listen() as target, listen() as proxy:
        threading.Thread(target=echo, args=(target,), daemon=True).start()
        server_port, local_port = free_port(), free_port()
        server_options = ("server", "-n", "--tcp", str(server_port), "-p", f"127.0.0.1:{port_of(target)}:7")
        client_options = ("client", "-n", "--tcp", f"127.0.0.1:{port_of(proxy)}", "-p", f"7:{local_port}")
        with peer.run("agg-tunnel", *server_options), peer.run("agg-tunnel", *client_options):
            user = connect_when_there(local_port)
            inner, _ = proxy.accept()
            outer = connect_when_there(server_port)
            copies = [
                threading.Thread(target=copy, args=(inner, outer, records[0]), daemon=True),
                threading.Thread(target=copy, args=(outer, inner, records[1]), daemon=True),
            ]
            for thread in copies:
                thread.start()
            user.sendall(b"through the tunnel")
            user.shutdown(socket.SHUT_WR)
            while user.recv(65536):
                pass
            for thread in copies:
                thread.join()
    emit("tunnel/client", records[0])
    emit("tunnel/server", records[1])


def scene_client_of_two_links(peer):
    """agg-speed's client, which joins two links into one connection."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(listen()) for _ in SECRETS]
        targets = [f"--tcp=127.0.0.1:{port_of(listener)}" for listener in listeners]
        stack.enter_context(peer.run("agg-speed", "client", "-n", "--tcp-link-filter=none", "-s", "-l1", *targets))
        found = {}
        for number, (listener, secret) in enumerate(zip(listeners, SECRETS), 1):
            link, connection_id = wire.accept(listener, SERVER_ID, secret)
            emit(f"client/{number}/secret-of-server", secret)
            emit(f"client/{number}/key-of-client", link.peer["key"])
            emit(f"client/{number}/connection-id", connection_id)
            emit(f"client/{number}/connect", last_packet(link))
            link.send(wire.message("accepted"))
            if number == 1:
                drop_receiver(link, found)
        for name in ("test-data", "ping", "data", "ack", "receive-close", "receive-finish"):
            if name in found:
                emit(f"message/{name}", found[name])


def drop_receiver(link, found):
    """A client that only sends drops its receiver when something comes."""
    for sequence, payload in enumerate((bytes(8), bytes(8192))):
        link.send(wire.message("data", sequence))
        link.send(payload)
    while "receive-finish" not in found or "ack" not in found:
        message = link.read_message()
        found.setdefault(message[0], message[1])
        link.answer(message)


def last_packet(link):
    return list(wire.split_frames(link.received))[-1]


def scene_server(peer):
    """agg-tunnel's server: two links of one connection, a refusal, Goodbye and Terminate."""
    port = free_port()
    address = ("127.0.0.1", port)
    with peer.run("agg-tunnel", "server", "-n", "--tcp", str(port), "-p", "127.0.0.1:9:7"):
        connect_when_there(port).close()
        stranger, refused = wire.join(address, CONNECTION_ID, existing=1)
        emit("message/refused-1", refused[1])
        stranger.close()
        links = [join_and_emit(address, number, secret) for number, secret in enumerate(SECRETS, 1)]
        links[0].send(wire.message("ping"))
        emit("message/pong", links[0].read_until("pong")[1])
        links[0].send(wire.message("data", 0))
        links[0].send(b"\x00")
        emit("message/consumed", links[0].read_until("consumed")[1])
        links[0].send(wire.message("goodbye"))
        emit("message/goodbye", links[0].read_until("goodbye")[1])
        links[1].send(wire.message("terminate"))
        emit("message/terminate", links[1].read_until("terminate")[1])


def join_and_emit(address, number, secret):
    link, accepted = wire.join(address, CONNECTION_ID, 0, secret)
    assert accepted[0] == "accepted", accepted
    emit(f"server/{number}/welcome", next(wire.split_frames(link.received)))
    emit(f"server/{number}/secret-of-client", secret)
    emit(f"server/{number}/connect-of-client", list(wire.split_frames(link.sent))[0])
    emit(f"server/{number}/accepted", accepted[1])
    return link


def scene_block(peer):
    """A user who blocks and unblocks a link in the peer's monitor."""
    master, slave = pty.openpty()
    # The monitor writes all the time; without a reader it would stop.
    threading.Thread(target=drain, args=(master,), daemon=True).start()
    with listen() as listener:
        target = f"127.0.0.1:{port_of(listener)}"
        with peer.run("agg-speed", "client", "-r", "--tcp", target, terminal=slave) as process:
            link, _ = wire.accept(listener, SERVER_ID)
            link.send(wire.message("accepted"))
            for value in (1, 0):
                # Until the monitor shows the link, it takes no notice of the key.
                press_until(link, master, b"0", value)
            process.send_signal(signal.SIGTERM)
            emit("message/terminate-by-signal", link.read_until("terminate")[1])


def drain(descriptor):
    with contextlib.suppress(OSError):
        while os.read(descriptor, 65536):
            pass


def press_until(link, terminal, key, value):
    link.sock.settimeout(3)
    while True:
        os.write(terminal, key)
        with contextlib.suppress(TimeoutError):
            found = link.read_until("set-block")
            emit(f"message/set-block-{value}", found[1])
            assert found[1] == wire.message("set-block", value)
            return


def main():
    version = subprocess.run([f"{FOLDER}/agg-speed", "--version"], check=True, capture_output=True, text=True)
    print("# Bytes of the real peer, recorded by tests/interop/record-vectors.py: the programs of the Rust crate")
    print(f"# aggligator-util {version.stdout.split()[-1]}. One vector per line, its name and its bytes. tunnel/ is")
    print("# what each end of a link wrote, frames and all; the others are single packets, keys and ids.")
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(folder)
        for scene in (scene_tunnel, scene_client_of_two_links, scene_server, scene_block):
            print(f"# {scene.__doc__}")
            scene(peer)


if __name__ == "__main__":
    main()
