# SPDX-License-Identifier: Apache-2.0
"""The wire protocol (PROTOCOL.md, 2 to 4) in its shortest form, for programs that look at a peer's
bytes or play a peer by hand. It shares no code with caiman, so each checks the other.
"""

import os
import socket
import struct
import zlib

NAMES = {
    1: "welcome",
    2: "connect",
    3: "accepted",
    4: "refused",
    5: "ping",
    6: "pong",
    7: "data",
    8: "ack",
    9: "consumed",
    10: "send-finish",
    11: "receive-close",
    12: "receive-finish",
    13: "test-data",
    14: "set-block",
    15: "goodbye",
    16: "terminate",
}
TYPES = {name: number for number, name in NAMES.items()}
SEQUENCED = ("data", "ack", "consumed", "send-finish", "receive-close", "receive-finish")
MAGIC = b"LIAG\0\x04"
HEADER = struct.Struct(">IHI")
PRIME = 2**255 - 19


def x25519(secret, point):
    """RFC 7748, section 5: the Montgomery ladder, in integers."""
    scalar = int.from_bytes(secret, "little") & ~7 & ~(1 << 255) | (1 << 254)
    x1 = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swapped = 1, 0, x1, 1, 0
    for bit in reversed(range(255)):
        now = scalar >> bit & 1
        if now != swapped:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swapped = now
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb = d * a % PRIME, c * b % PRIME
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        aa, bb = a * a % PRIME, b * b % PRIME
        e = aa - bb
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def public_key(secret):
    return x25519(secret, bytes([9]) + bytes(31))


def hide_id(secret, peer_public_key, connection_id):
    """Encrypts a connection id, or decrypts it."""
    shared = x25519(secret, peer_public_key)
    return bytes(a ^ b for a, b in zip(connection_id, shared))


def welcome(key, server_id, user_data=b"", receive_buffer=1 << 26):
    fields = struct.pack(">I", 0) + key + server_id + struct.pack(">H", len(user_data)) + user_data
    return b"\x01" + MAGIC + fields + struct.pack(">I", receive_buffer)


def connect(key, hidden_id, existing=0, user_data=b"", receive_buffer=1 << 26):
    fields = struct.pack(">I", 0) + key + bytes(16) + hidden_id + bytes([existing])
    user = struct.pack(">H", len(user_data)) + user_data
    return b"\x02" + MAGIC + fields + user + struct.pack(">I", receive_buffer)


def message(name, *numbers):
    """One of the plain messages; sequence numbers and sizes are u32, the rest one byte."""
    wide = name in SEQUENCED
    return bytes([TYPES[name]]) + b"".join(struct.pack(">I" if wide else ">B", n) for n in numbers)


def parse_handshake(packet):
    """The fields of Welcome or Connect that a player needs."""
    assert packet[0] in (1, 2) and packet[1:7] == MAGIC, packet[:7].hex()
    fields = {"key": packet[11:43], "server_id": packet[43:59]}
    rest = packet[59:]
    if packet[0] == 2:
        fields["hidden_id"], fields["existing"], rest = rest[:16], rest[16], rest[17:]
    size = struct.unpack(">H", rest[:2])[0]
    fields["user_data"] = rest[2 : 2 + size]
    fields["receive_buffer"] = struct.unpack(">I", rest[2 + size : 6 + size])[0]
    return fields


def split_frames(stream):
    """The payloads of the whole frames in @stream; anything wrong is an assertion."""
    offset = number = 0
    while offset + HEADER.size <= len(stream):
        size, sequence, checksum = HEADER.unpack_from(stream, offset)
        payload = stream[offset + HEADER.size : offset + HEADER.size + size]
        if len(payload) < size:
            return
        assert sequence == number % 65536 and zlib.crc32(payload) == checksum
        yield payload
        offset += HEADER.size + size
        number += 1


class Link:
    """One TCP link, played by hand. Bytes are kept as they came, and as they went."""

    def __init__(self, sock, timeout=10):
        self.sock = sock
        self.sock.settimeout(timeout)
        self.sent, self.received = b"", b""
        self.n_sent = self.n_received = self.parsed = 0

    @classmethod
    def open(cls, address, timeout=10):
        return cls(socket.create_connection(address, timeout=timeout), timeout)

    def send(self, payload):
        frame = HEADER.pack(len(payload), self.n_sent % 65536, zlib.crc32(payload)) + payload
        self.n_sent += 1
        self.sent += frame
        self.sock.sendall(frame)

    def read_packet(self):
        """The next payload, or None at the end of the stream."""
        while True:
            pending = self.received[self.parsed :]
            if len(pending) >= HEADER.size:
                size, sequence, checksum = HEADER.unpack_from(pending)
                if len(pending) >= HEADER.size + size:
                    payload = pending[HEADER.size : HEADER.size + size]
                    assert sequence == self.n_received % 65536 and zlib.crc32(payload) == checksum
                    self.n_received += 1
                    self.parsed += HEADER.size + size
                    return payload
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.received += data

    def read_message(self):
        """(name, packet, payload) of the next message, or None."""
        packet = self.read_packet()
        if packet is None:
            return None
        name = NAMES[packet[0]]
        return name, packet, self.read_packet() if name == "data" else None

    def read_until(self, *names):
        """Answers pings and acknowledges until one of the messages comes, which it returns."""
        while True:
            found = self.read_message()
            if found is None:
                return None
            if found[0] in names:
                return found
            self.answer(found)

    def answer(self, found):
        name, packet, _ = found
        if name == "ping":
            self.send(message("pong"))
        elif name in SEQUENCED and name != "ack":
            self.send(message("ack", struct.unpack(">I", packet[1:5])[0]))

    def close(self):
        self.sock.close()


def join(address, connection_id, existing=0, secret=None, user_data=b"", timeout=10):
    """Opens a link as a client. Returns it and the server's answer (None when it hung up)."""
    link = Link.open(address, timeout)
    link.secret = secret or os.urandom(32)
    link.peer = parse_handshake(link.read_packet())
    hidden = hide_id(link.secret, link.peer["key"], connection_id)
    link.send(connect(public_key(link.secret), hidden, existing, user_data))
    return link, link.read_message()


def accept(listener, server_id, secret=None, timeout=10):
    """Takes a link as a server, up to its Connect. Returns it and the connection id."""
    sock, _ = listener.accept()
    link = Link(sock, timeout)
    link.secret = secret or os.urandom(32)
    link.send(welcome(public_key(link.secret), server_id))
    link.peer = parse_handshake(link.read_packet())
    return link, hide_id(link.secret, link.peer["key"], link.peer["hidden_id"])
