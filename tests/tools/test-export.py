#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""caiman export: qlog as its schema has it, and packets that are right to the last checksum, by a
parser of our own and by Wireshark's tshark with the dissector that is shipped.

usage: test-export.py CAIMAN ROOT [tshark]

Prints TAP. With "tshark" the tests that need it, which are skipped where it is not installed; else
all others.
"""

import collections
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import traceback
import zlib

CAIMAN = os.path.abspath(sys.argv[1])
ROOT = os.path.abspath(sys.argv[2])
LUA = os.path.join(ROOT, "tools", "wireshark", "caiman.lua")
TSHARK = shutil.which("tshark")

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
loss = 1%

[traffic upload]
from = client
kind = bulk
mode = messages
bytes = 2MB

[traffic chat]
from = client
kind = request
count = 20
request-size = 300B
response-size = 5kB

[event silence]
at = 150ms
do = blackhole a for 200ms

[event block]
at = 400ms
do = block b by server for 50ms
"""
# A frame is corrupted, a link reset: what a capture shows of them.
BAD_SCENARIO = """\
[scenario]
format = 1
carrier = pipe
title = Bad frames
duration = 30s
ends = at-duration

[client]
reconnect = 500ms

[link a]
rate = 20mbit
delay = 10ms

[link b]
rate = 20mbit
delay = 20ms

[traffic download]
from = server
kind = bulk
bytes = 3MB

[event corrupt]
at = 200ms
do = corrupt a.down 1

[event reset]
at = 400ms
do = reset b

[event refuse]
at = 400ms
do = refuse b for 1s
"""
# Real segments: lost, sent again, overtaken, damaged.
TCP_SCENARIO = (
    SCENARIO.replace("carrier = pipe", "carrier = tcp")
    .replace("loss = 1%\n", "loss = 1%\ncorrupt-rate = 3%\n")
    .replace("bytes = 2MB", "bytes = 5MB")
)
TYPES = {"welcome": 1, "connect": 2, "accepted": 3, "refused": 4, "ping": 5, "pong": 6, "data": 7, "ack": 8}
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Skip(Exception):
    pass


def caiman(*arguments, data=False):
    done = subprocess.run([CAIMAN, *arguments], capture_output=True)
    out = done.stdout if data else done.stdout.decode()
    return done.returncode, out, done.stderr.decode()


def expect(status, *arguments, data=False):
    got, out, err = caiman(*arguments, data=data)
    assert got == status, f"caiman {' '.join(arguments)}: status {got}, not {status}\n{out}\n{err}"
    return out, err


def record(text=SCENARIO, *options):
    """A database with a run of @text; its name."""
    record.count = getattr(record, "count", 0) + 1
    name = f"r{record.count}"
    with open(f"{name}.ini", "w", encoding="utf-8") as file:
        file.write(text)
    status, out, err = caiman("run", "-q", "--db", f"{name}.db", *options, f"{name}.ini")
    assert status in (0, 4), out + err
    return f"{name}.db"


def get_events(db):
    """The trace events: (time in s, side, type, link, a, b)."""
    out, _ = expect(0, "show", "--events", db, "1")
    rows = [line.split() for line in out.splitlines()]
    return [(r[0], r[1], r[2], r[3].split("#")[0], int(r[4]), int(r[5])) for r in rows]


# ---- qlog ----

# What the main schema wants of each part; a stand-in for its CDDL.
def check_qlog(log):
    assert log["qlog_version"] == "0.3" and log["qlog_format"] == "JSON"
    assert isinstance(log["title"], str) and isinstance(log["traces"], list) and log["traces"]
    for trace in log["traces"]:
        assert set(trace) == {"title", "vantage_point", "common_fields", "events"}, set(trace)
        assert trace["vantage_point"]["type"] in ("client", "server")
        assert trace["common_fields"]["time_format"] == "relative"
        assert isinstance(trace["common_fields"]["reference_time"], (int, float))
        last = 0
        for event in trace["events"]:
            assert set(event) <= {"time", "name", "data", "group_id"}, event
            assert isinstance(event["time"], (int, float)) and event["time"] >= last, event
            category, colon, kind = event["name"].partition(":")
            assert colon and category and kind, event
            assert isinstance(event["data"], dict), event
            last = event["time"]


def read_qlog(db, *options):
    out, err = expect(0, "export", "--format", "qlog", "-o", "-", *options, db, "1")
    log = json.loads(out)
    check_qlog(log)
    return log, err


@test
def qlog_has_every_event():
    db = record()
    log, err = read_qlog(db)
    assert err == ""
    names = {"data-sent": "transport:data_sent", "data-acked": "recovery:data_acked",
             "data-duplicated": "transport:data_duplicated", "ack-sent": "transport:ack_sent",
             "control-received": "transport:control_received", "link-state": "connectivity:link_state_updated"}
    events = get_events(db)
    for trace in log["traces"]:
        side = trace["vantage_point"]["type"]
        for of_trace, of_qlog in names.items():
            wanted = [(e[3], e[0]) for e in events if e[1] == side and e[2] == of_trace]
            got = [(e["group_id"], f"{e['time'] / 1000:.9f}") for e in trace["events"] if e["name"] == of_qlog]
            assert wanted == got, (side, of_trace, len(wanted), len(got))
        sent = [e for e in trace["events"] if e["name"] == "transport:data_sent"]
        wanted = [(e[4], e[5]) for e in events if e[1] == side and e[2] == "data-sent"]
        assert [(e["data"]["seq"], e["data"]["length"]) for e in sent] == wanted and wanted
        markers = [e["data"] for e in trace["events"] if e["name"] == "simulation:marker"]
        assert [m["message"] for m in markers] == ["silence: blackhole"] * 2 + ["block: block"] * 2, markers
        states = [e["data"] for e in trace["events"] if e["name"] == "connectivity:connection_state_updated"]
        assert [s["new"] for s in states] == ["open", "ended"], states
    assert trace["events"][0]["name"] == "simulation:scenario"
    assert trace["events"][0]["data"]["details"]["seed"] == 1


@test
def qlog_has_samples():
    db = record()
    log, _ = read_qlog(db, "--side", "client")
    assert [t["title"] for t in log["traces"]] == ["client"]
    got = [(e["time"], e["group_id"], e["data"]["bytes_in_flight"], e["data"]["hold"])
           for e in log["traces"][0]["events"] if "bytes_in_flight" in e["data"]]
    rows = sqlite3.connect(db).execute(
        "SELECT t_ns / 1e6, link.name, in_flight_bytes, hold FROM link_sample AS s JOIN link USING (run_id, link)"
        " WHERE side = 'client' ORDER BY t_ns, s.link").fetchall()
    assert got == [tuple(row) for row in rows] and len(got) > 5, (got[:3], rows[:3])
    assert [e for e in log["traces"][0]["events"] if e["name"] == "caiman:flow_updated"]


@test
def qlog_without_events():
    log, err = read_qlog(record(SCENARIO, "--keep-events", "0"))
    assert "not recorded" in err
    names = collections.Counter(e["name"] for e in log["traces"][1]["events"])
    assert names["connectivity:link_state_updated"] > 2 and "transport:data_sent" not in names, names
    log, err = read_qlog(record(SCENARIO, "--keep-events", "700"))
    events = log["traces"][0]["events"]
    kept = [e for e in events if e["name"] == "transport:data_sent"]
    assert kept and [e["data"]["new"] for e in events if e["name"] == "connectivity:connection_state_updated"] == [
        "open", "ended"], "states are there once each, kept or not"


@test
def qlog_of_damaged_events():
    db = record()
    connection = sqlite3.connect(db)
    with connection:
        connection.execute("UPDATE trace_block SET data = x'0011'")
    connection.close()
    out, err = expect(70, "export", "--format", "qlog", "-o", "-", db, "1")
    assert "damaged" in err
    check_qlog(json.loads(out))


# ---- packets ----

Packet = collections.namedtuple(
    "Packet", "interface time_ns outbound source destination seq ack flags payload options is_intact comment")


def read_options(data):
    options, at = collections.defaultdict(list), 0
    while at + 4 <= len(data):
        code, size = struct.unpack_from("<HH", data, at)
        if code == 0:
            break
        options[code].append(data[at + 4:at + 4 + size])
        at += 4 + (size + 3) // 4 * 4
    return options


def add_words(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def read_frame(frame):
    assert frame[12:14] == b"\x08\0"
    ip = frame[14:]
    assert ip[0] == 0x45 and ip[9] == 6 and struct.unpack_from(">H", ip, 2)[0] == len(ip)
    assert add_words(ip[:20]) == 0xFFFF, "IPv4 checksum"
    tcp = ip[20:]
    is_intact = add_words(ip[12:20] + struct.pack(">HH", 6, len(tcp)) + tcp) == 0xFFFF
    source, destination, seq, ack, offset, flags = struct.unpack_from(">HHIIBB", tcp)
    size = offset >> 4 << 2
    return (ip[12:16], source), (ip[16:20], destination), seq, ack, flags, tcp[size:], read_tcp_options(tcp[20:size]), is_intact


def read_tcp_options(data):
    options, at = {}, 0
    while at < len(data):
        if data[at] == 1:
            at += 1
            continue
        options[data[at]] = data[at + 2:at + data[at + 1]]
        at += data[at + 1]
    return options


def read_pcapng(data):
    """Names of the interfaces, and the packets."""
    names, packets, at = [], [], 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        assert size % 4 == 0 and struct.unpack_from("<I", data, at + size - 4)[0] == size
        body = data[at + 8:at + size - 4]
        if at == 0:
            assert kind == 0x0A0D0D0A and struct.unpack_from("<IHH", body) == (0x1A2B3C4D, 1, 0)
        elif kind == 1:
            options = read_options(body[8:])
            assert body[:2] == b"\1\0" and options[9] == [b"\x09"], "Ethernet, and times in ns"
            names.append(options[2][0].decode())
        else:
            assert kind == 6
            interface, high, low, length, original = struct.unpack_from("<IIIII", body)
            assert length == original
            options = read_options(body[20 + (length + 3) // 4 * 4:])
            outbound = {1: False, 2: True}[struct.unpack("<I", options[2][0])[0]]
            packets.append(Packet(interface, high << 32 | low, outbound, *read_frame(body[20:20 + length]),
                                  options[1][0].decode() if options[1] else None))
        at += size
    return names, packets


def export_packets(db, side="client", status=0):
    data, err = expect(status, "export", "--format", "pcapng", "--side", side, "-o", "-", db, "1", data=True)
    names, packets = read_pcapng(data)
    assert names == ["a", "b"] and f"{len(packets)} packets, as the {side} sees them" in err
    assert all(p.time_ns <= q.time_ns for p, q in zip(packets, packets[1:]))
    assert all(p.is_intact or p.comment == "damaged on the way" for p in packets), "TCP checksum"
    return packets


def follow(packets):
    """By (interface, source, destination): the bytes, with when each segment's first came; checks the
    sequence and acknowledgement numbers on the way."""
    streams = {}
    for p in packets:
        key, back = (p.interface, p.source, p.destination), (p.interface, p.destination, p.source)
        if p.flags & SYN:
            streams[key] = {"first": p.seq, "next": p.seq + 1, "data": b"", "times": [], "ended": False}
            assert p.payload == b""
            continue
        if key not in streams:
            assert p.flags & RST, "a segment without a handshake"
            continue
        stream = streams[key]
        assert p.seq == stream["next"] & 0xFFFFFFFF, (p, stream["next"])
        assert not stream["ended"] or p.flags & RST, "data behind a FIN"
        if back in streams and p.flags & ACK:
            assert p.ack <= streams[back]["next"], "acknowledges what was not sent yet"
            assert p.ack >= stream.get("ack", 0), "goes back"
            stream["ack"] = p.ack
        assert len(p.payload) <= 1448
        if p.payload:
            stream["times"].append((len(stream["data"]), p.time_ns))
        stream["data"] += p.payload
        stream["next"] += len(p.payload) + bool(p.flags & FIN)
        stream["ended"] |= bool(p.flags & FIN)
    return streams


def read_messages(stream):
    """(type, sequence number or None, bytes of payload) of each message in a stream of frames."""
    data, at, number, messages = stream["data"], 0, 0, []
    while at + 10 <= len(data):
        length, seq, crc = struct.unpack_from(">IHI", data, at)
        payload = data[at + 10:at + 10 + length]
        if len(payload) < length:
            break
        assert seq == number & 0xFFFF, "frames are numbered"
        assert zlib.crc32(payload) == crc, "CRC"
        if messages and messages[-1][0] == 7 and messages[-1][2] is None:
            messages[-1][2] = length
        else:
            has_seq = 7 <= payload[0] <= 12
            messages.append([payload[0], struct.unpack_from(">I", payload, 1)[0] if has_seq else None,
                             None if payload[0] == 7 else 0])
        at += 10 + length
        number += 1
    return messages


def count_wanted(db, side):
    """What the trace of both sides says of the messages that @side's capture must have."""
    other = "server" if side == "client" else "client"
    wanted = collections.Counter()
    for _, who, kind, link, _, _ in get_events(db):
        if kind in ("data-sent", "data-resent", "data-duplicated") and who == side:
            wanted[link, True, 7] += 1
        elif kind in ("data-received", "duplicate-received") and who == side:
            wanted[link, False, 7] += 1
        elif kind == "ack-sent" and who == side:
            wanted[link, True, 8] += 1
    return wanted, other


def check_capture(db, side):
    packets = export_packets(db, side)
    streams = follow(packets)
    outbound = {(p.interface, p.source, p.destination): p.outbound for p in packets}
    got, seqs = collections.Counter(), []
    for key, stream in streams.items():
        for kind, seq, length in read_messages(stream):
            got["ab"[key[0]], outbound[key], kind] += 1
            if kind == 7 and outbound[key]:
                seqs.append((seq, length))
    wanted, _ = count_wanted(db, side)
    assert wanted, "a trace with nothing in it"
    for key, count in wanted.items():
        # The end of a run may cut off what waits for the wire.
        assert got[key] == count or key[1] and count - 2 <= got[key] <= count, (key, count, got[key])
    sent = {(e[4], e[5]) for e in get_events(db) if e[1] == side and e[2] == "data-sent"}
    assert set(seqs) <= sent and len(sent) - len(set(seqs)) <= 2
    return got


@test
def packets_at_the_client():
    got = check_capture(record(), "client")
    assert got["a", True, 7] > 100 and got["b", True, 7] > 20 and got["b", False, 14] == 2, got


@test
def packets_at_the_server():
    got = check_capture(record(), "server")
    assert got["a", False, 7] > 100 and got["a", True, 8] > 100, got


@test
def packets_of_a_day_in_a_life():
    """Connects, a refusal, a reset, a corrupted frame: TCP's flags tell them."""
    db = record(BAD_SCENARIO)
    packets = export_packets(db)
    assert [p.comment for p in packets if p.comment] == ["corrupted on the way"]
    flags = collections.Counter((p.interface, p.outbound, p.flags & (SYN | RST)) for p in packets)
    assert flags[0, True, RST] == 1, "the client resets the link whose frame was bad"
    assert flags[1, False, RST] >= 2, "the reset of b, and refusals"
    assert flags[1, True, SYN] >= 3 and flags[0, True, SYN] >= 2
    streams = follow(packets)
    ports = {key[1][1] for key in streams if key[0] == 0 and key[1][1] != 5800}
    assert min(ports) == 49152 and len(ports) == flags[0, True, SYN], "a port for each connection"


@test
def capture_changes_nothing():
    db = record()
    expect(0, "export", "--format", "pcapng", "-o", "x.pcapng", db, "1")
    expect(0, "replay", db, "1")
    one = open("x.pcapng", "rb").read()
    expect(0, "export", "--format", "pcapng", "-o", "x.pcapng", db, "1")
    assert one == open("x.pcapng", "rb").read(), "the same run gives the same file"


def put_together(packets):
    """By (interface, source, destination): the bytes of the stream, up to the first that did not come."""
    pieces, first = collections.defaultdict(dict), {}
    for p in packets:
        key = (p.interface, p.source, p.destination)
        if p.flags & SYN:
            assert first.setdefault(key, p.seq) == p.seq and p.options[2] == b"\x05\xb4" and 3 in p.options and 4 in p.options
        elif p.payload and p.is_intact:
            at = (p.seq - first[key] - 1) & 0xFFFFFFFF
            for i in range(0, len(p.payload), 100):
                piece = p.payload[i:i + 100]
                known = pieces[key].setdefault(at + i, piece)
                assert known[:len(piece)] == piece[:len(known)], "what is sent again is the same"
                if len(piece) > len(known):
                    pieces[key][at + i] = piece
    streams = {}
    for key, parts in pieces.items():
        data = bytearray()
        for at in sorted(parts):
            if at > len(data):
                break
            data[at:at + len(parts[at])] = parts[at]
        streams[key] = {"data": bytes(data)}
    return streams


def check_tcp_capture(side):
    db = record(TCP_SCENARIO)
    packets = export_packets(db, side)
    outbound = {(p.interface, p.source, p.destination): p.outbound for p in packets}
    got = collections.Counter()
    for key, stream in put_together(packets).items():
        for kind, _, _ in read_messages(stream):
            got["ab"[key[0]], outbound[key], kind] += 1
    wanted, _ = count_wanted(db, side)
    assert wanted
    for key, count in wanted.items():
        assert got[key] == count or key[1] and count - 2 <= got[key] <= count, (key, count, got[key])
    return packets


@test
def segments_at_the_client():
    packets = check_tcp_capture("client")
    sent = collections.Counter((p.interface, p.source, p.seq, len(p.payload)) for p in packets if p.outbound and p.payload)
    assert any(count > 1 for key, count in sent.items() if key[0] == 1), "retransmissions"
    assert any(5 in p.options for p in packets if not p.outbound), "SACK"
    assert all(8 in p.options for p in packets if not p.flags & RST), "timestamps"
    pure = [p for p in packets if not p.outbound and not p.payload and p.flags == ACK]
    assert len(pure) > 500, "acknowledgements"


@test
def segments_at_the_server():
    packets = check_tcp_capture("server")
    damaged = [p for p in packets if not p.is_intact]
    assert damaged and all(not p.outbound and p.interface == 1 and p.comment for p in damaged)


@test
def segments_are_full():
    """A bulk sender that is quick leaves none that is not, once it has more to send than the window."""
    db = record("[scenario]\nformat = 1\ncarrier = tcp\ncongestion-control = bbr\nduration = 30s\n"
                "[link a]\nrate = 50mbit\ndelay = 10ms\nqueue = 50ms\n[link b]\nrate = 1mbit\nstarts = never\n"
                "[traffic data]\nfrom = client\nkind = bulk\nbytes = 5MB\n")
    sizes = [len(p.payload) for p in export_packets(db) if p.outbound and p.payload]
    assert sum(sizes) > 5e6 and all(size == 1448 for size in sizes[len(sizes) // 4:-20]), collections.Counter(sizes)


@test
def segments_of_a_long_stream():
    """More than is kept of what was acknowledged."""
    db = record(TCP_SCENARIO.replace("bytes = 5MB", "bytes = 120MB").replace("loss = 1%", "loss = 0%"))
    out, err = expect(0, "export", "--format", "pcapng", "-o", "long.pcapng", db, "1")
    assert os.path.getsize("long.pcapng") > 120e6, err
    os.unlink("long.pcapng")


# ---- tshark ----

def tshark(path, *arguments):
    if not TSHARK:
        raise Skip("tshark is not installed")
    command = [TSHARK, "-o", "caiman.check_crc:TRUE", "-X", f"lua_script:{LUA}", "-r", path, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "Lua: Error" not in done.stderr, done.stderr
    return done.stdout


def capture_file(db, *options):
    expect(0, "export", "--format", "pcapng", "-o", f"{db}.pcapng", *options, db, "1")
    return f"{db}.pcapng"


def read_fields(path, *fields, only=""):
    arguments = [word for field in fields for word in ("-e", field)]
    out = tshark(path, "-T", "fields", *arguments, *(["-Y", only] if only else []))
    return [line.split("\t") for line in out.splitlines()]


@test
def tshark_counts_messages():
    db = record()
    for side in ("client", "server"):
        path = capture_file(db, "--side", side)
        got = collections.Counter()
        sender_port = "5800" if side == "server" else None
        for link, port, kinds in read_fields(path, "frame.interface_name", "tcp.srcport", "caiman.type"):
            is_outbound = (port == "5800") == (sender_port == "5800")
            for kind in filter(None, kinds.split(",")):
                got[link, is_outbound, int(kind)] += 1
        wanted, _ = count_wanted(db, side)
        for key, count in wanted.items():
            assert got[key] == count or key[1] and count - 2 <= got[key] <= count, (side, key, count, got[key])
        assert got["a", side == "client", 2] == 1 and got["a", side == "server", 1] == 1


@test
def tshark_reads_fields():
    path = capture_file(record())
    frames = collections.defaultdict(list)
    for stream, port, numbers in read_fields(path, "tcp.stream", "tcp.srcport", "caiman.frame.seq", only="caiman"):
        frames[stream, port] += [int(n) for n in numbers.split(",")]
    assert len(frames) >= 4
    for key, numbers in frames.items():
        assert numbers == list(range(len(numbers))), (key, numbers[:20])
    (row,) = read_fields(path, "caiman.receive_buffer", "caiman.version", "caiman.existing",
                         only="caiman.type == 2 && frame.interface_name == \"a\"")
    assert row == [str(64 * 1024 * 1024), "4", "0"] or row == [str(64 * 1024 * 1024), "4", "False"], row
    lengths = read_fields(path, "caiman.data.length", only="caiman.data.length")
    assert sum(int(n) for row in lengths for n in row[0].split(",")) > 2000000
    assert read_fields(path, "caiman.consumed", only="caiman.consumed > 0 || caiman.blocked == 1")


@test
def tshark_finds_nothing_wrong():
    path = capture_file(record(SCENARIO.replace("do = blackhole a for 200ms", "do = pause a.up for 50ms")))
    wrong = ("_ws.malformed || _ws.expert.severity >= \"Warning\" || tcp.analysis.retransmission || "
             "tcp.analysis.out_of_order || tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || "
             "caiman.frame.crc.ok == 0 || caiman.frame.out_of_sequence || caiman.bad_message || caiman.frame.too_big")
    assert tshark(path, "-Y", wrong) == ""
    good = read_fields(path, "caiman.frame.crc.ok", only="caiman.frame.crc.ok == 1")
    assert len(good) > 200, len(good)


@test
def tshark_reads_tcp():
    db = record(TCP_SCENARIO)
    path = capture_file(db, "--side", "server")
    options = ("-o", "tcp.check_checksum:TRUE", "-o", "tcp.reassemble_out_of_order:TRUE")
    wrong = ("_ws.malformed || caiman.frame.crc.ok == 0 || caiman.frame.out_of_sequence || caiman.bad_message || "
             "tcp.checksum.status == \"Bad\" && !frame.comment")
    assert tshark(path, *options, "-Y", wrong) == ""
    assert tshark(path, *options, "-Y", "tcp.checksum.status == \"Bad\" && frame.comment").count("\n") > 0
    assert tshark(path, *options, "-Y", "tcp.options.sack_le").count("\n") > 10
    kinds = tshark(path, *options, "-Y", "tcp.dstport == 5800", "-T", "fields", "-e", "caiman.type").replace(",", "\n").split()
    wanted, _ = count_wanted(db, "server")
    assert kinds.count("7") == wanted["a", False, 7] + wanted["b", False, 7], (kinds.count("7"), wanted)


@test
def tshark_sees_the_corrupt_frame():
    path = capture_file(record(BAD_SCENARIO))
    rows = read_fields(path, "frame.comment", only="caiman.frame.bad_crc || caiman.frame.out_of_sequence")
    assert rows == [["corrupted on the way"]], rows


@test
def tshark_finds_links_on_other_ports():
    path = capture_file(record())
    by_port = tshark(path, "-Y", "caiman.type == 7", "-T", "fields", "-e", "caiman.seq")
    by_hello = tshark(path, "-o", "caiman.ports:1", "-Y", "caiman.type == 7", "-T", "fields", "-e", "caiman.seq")
    assert by_port == by_hello and by_port.count("\n") > 100


# ---- the database ----

@test
def database_size():
    """30 s over four links, with all that is recorded by default."""
    expect(0, "run", "-q", "--db", "size.db", os.path.join(ROOT, "bench", "thirty-seconds.ini"))
    connection = sqlite3.connect("size.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    (links, seconds, events, kept), = connection.execute(
        "SELECT (SELECT count(*) FROM link), simulated_ns / 1e9, n_events, (SELECT sum(n_events) FROM trace_block) FROM run")
    connection.close()
    assert links == 4 and 30 <= seconds <= 40 and events == kept > 300000, (links, seconds, events, kept)
    size = os.path.getsize("size.db")
    assert 500000 < size < 2000000, size


# ---- the command ----

@test
def usage():
    db = record()
    for arguments, text in [
        ([db, "1"], "--format takes qlog or pcapng"),
        (["--format", "csv", "-o", "x", db, "1"], "and not 'csv'"),
        (["--format", "qlog", db, "1"], "-o FILE is missing"),
        (["--format", "qlog", "-o", "-", "--side", "both", db, "1"], "--side takes client or server"),
        (["--format", "qlog", "-o", "-", db, "one"], "one"),
        (["--format", "qlog", "-o", "-", db, "77"], "no run 77"),
        (["--format", "qlog", "-o", "-", "none.db", "1"], "none.db"),
        (["--format", "qlog", "-o", "no/such/folder", db, "1"], "no/such/folder"),
        (["--format", "qlog", "-o", f"./{db}", db, "1"], "the database itself"),
        (["--format", "qlog"], "usage: caiman export"),
    ]:
        _, err = expect(2, "export", *arguments)
        assert text in err, (arguments, err)
    assert expect(0, "show", db, "1"), "the database is as it was"


@test
def runs_without_packets():
    db = record()
    for change, text in [("testbed = 'tcp'", "testbed tcp"), ("testbed = 'sim', digest = NULL", "was skipped"),
                         ("state = 'unfinished'", "did not finish")]:
        connection = sqlite3.connect(db)
        with connection:
            connection.execute(f"UPDATE run SET {change}")
        connection.close()
        _, err = expect(2, "export", "--format", "pcapng", "-o", "none.pcapng", db, "1")
        assert text in err and not os.path.exists("none.pcapng"), err


@test
def another_build():
    db = record()
    connection = sqlite3.connect(db)
    with connection:
        connection.execute("UPDATE run SET digest = 'other', git_id = 'old1'")
    connection.close()
    _, err = expect(1, "export", "--format", "pcapng", "-o", "other.pcapng", db, "1")
    assert "not the packets of the recorded run" in err and "old1" in err
    assert os.path.getsize("other.pcapng") > 100000


@test
def full_disk():
    if not os.path.exists("/dev/full"):
        raise Skip("there is no /dev/full")
    db = record()
    for kind in ("qlog", "pcapng"):
        _, err = expect(70, "export", "--format", kind, "-o", "/dev/full", db, "1")
        assert "No space left" in err, err


def main():
    failed = 0
    tests = [t for t in TESTS if t.__name__.startswith("tshark_") == ("tshark" in sys.argv[3:])]
    print(f"1..{len(tests)}")
    with tempfile.TemporaryDirectory(prefix="caiman-export-") as folder:
        os.chdir(folder)
        for number, function in enumerate(tests, 1):
            name = function.__name__.replace("_", "-")
            try:
                function()
                print(f"ok {number} {name}")
            except Skip as reason:
                print(f"ok {number} {name} # SKIP {reason}")
            except Exception:
                failed += 1
                print(f"not ok {number} {name}")
                for line in traceback.format_exc().splitlines():
                    print(f"# {line}")
            sys.stdout.flush()
        os.chdir("/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
