#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What any program in the lab may be: a relay at either side, over the first link.

    caiman lab FILE -- relay.py ::: relay.py

With an argument it misbehaves: `quits` ends at once with status 5, `deaf` does nothing, `breaks`
removes the first link's interface once the connection stands, and `breeds` has a child in a
session of its own, `sleep` for CAIMAN_TEST_SLEEP seconds, by which it can be found.
"""

import os
import socket
import subprocess
import sys
import threading
import time

PORT = 9000


def get_address(name):
    host, port = os.environ[name].split(":")
    return host, int(port)


def connect(address):
    while True:
        try:
            return socket.create_connection(address)
        except OSError:
            time.sleep(0.02)


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve(connection, target):
    onward = connect(target)
    threading.Thread(target=copy, args=(onward, connection), daemon=True).start()
    if sys.argv[1:] == ["breaks"]:
        subprocess.run(["ip", "link", "delete", "dev", os.environ["CAIMAN_LAB_LINK_0_INTERFACE"]])
    copy(connection, onward)


def main():
    tunnel = (os.environ["CAIMAN_LAB_LINK_0_SERVER"], PORT)
    is_client = os.environ["CAIMAN_LAB_SIDE"] == "client"
    entry, target = (get_address("CAIMAN_LAB_ENTRY"), tunnel) if is_client \
        else (tunnel, get_address("CAIMAN_LAB_TARGET"))

    if sys.argv[1:] == ["quits"]:
        sys.exit(5)
    if sys.argv[1:] == ["deaf"]:
        time.sleep(1000)
    if sys.argv[1:] == ["breeds"]:
        subprocess.Popen(["sleep", os.environ["CAIMAN_TEST_SLEEP"]], start_new_session=True)
    with socket.create_server(entry) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection, target), daemon=True).start()


main()
