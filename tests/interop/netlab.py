# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces with a number of links between them, which can be cut, silenced, taken down
and brought back. Needs root and iproute2; needs no firewall.

    with Lab(4, rate_mbit=200) as lab:
        with lab.inside(CLIENT):
            subprocess.Popen(...)  # and sockets that are made here
        lab.silence(2)
"""

import contextlib
import ctypes
import os
import socket
import subprocess

CLIENT, SERVER = "client", "server"
CLONE_NEWNET = 0x40000000
NOWHERE = "02:00:00:00:00:fe"
LIBC = ctypes.CDLL(None, use_errno=True)


def is_possible():
    """Whether all that a lab does can be done here; else why not."""
    if os.geteuid() != 0:
        return False, "that needs root"
    try:
        with Lab(1, 100) as lab:
            with lab.inside(SERVER):
                listener = socket.create_server(("", 1))
            with listener, lab.inside(CLIENT), socket.create_connection((lab.address(SERVER, 0), 1), 5):
                return (True, "") if lab.cut(0) else (False, "ss -K does nothing")
    except (OSError, RuntimeError) as failure:
        return False, str(failure)


def enter(descriptor):
    if LIBC.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class Lab:
    """Link N: interface cN, 10.77.N.1, in the client's namespace; sN, 10.77.N.2, in the server's."""

    def __init__(self, n_links, rate_mbit=None, latency_ms=20):
        self.n_links, self.rate_mbit, self.latency_ms = n_links, rate_mbit, latency_ms
        self.names = {side: f"caiman-{os.getpid()}-{side}" for side in (CLIENT, SERVER)}
        self.descriptors = {}
        self.addresses = {}

    def __enter__(self):
        try:
            for side, name in self.names.items():
                call("ip", "netns", "add", name)
                self.descriptors[side] = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
                self.ip(side, "link", "set", "lo", "up")
                self.keep_links_apart(side)
            for link in range(self.n_links):
                self.make_link(link)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for side, name in self.names.items():
            if side in self.descriptors:
                os.close(self.descriptors.pop(side))
            # The interfaces go with their namespace.
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def make_link(self, link):
        peer = ("peer", "name", f"s{link}", "netns", self.names[SERVER])
        self.ip(CLIENT, "link", "add", f"c{link}", "type", "veth", *peer)
        for side in self.names:
            device = self.device(side, link)
            self.ip(side, "address", "add", f"{self.address(side, link)}/30", "dev", device)
            self.ip(side, "link", "set", device, "up")
            if self.rate_mbit:
                self.shape(side, link)
            shown = self.ip(side, "-br", "link", "show", "dev", device)
            self.addresses[side, link] = shown.split()[2]
        for side in self.names:
            self.point_at(side, link, self.addresses[other(side), link])

    def keep_links_apart(self, side):
        """An address answers on its own interface only, else each would be reached over all links."""
        with self.inside(side), open("/proc/sys/net/ipv4/conf/all/arp_ignore", "w", encoding="ascii") as out:
            out.write("1")

    def shape(self, side, link):
        rate, latency = f"{self.rate_mbit}mbit", f"{self.latency_ms}ms"
        # A burst of a large segment, else segmentation offload would not get through.
        shaper = ("tbf", "rate", rate, "burst", "64k", "latency", latency)
        device = self.device(side, link)
        call("tc", "-n", self.names[side], "qdisc", "replace", "dev", device, "root", *shaper)

    @contextlib.contextmanager
    def inside(self, side):
        """What this thread opens and starts within lies in the namespace of @side."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        enter(self.descriptors[side])
        try:
            yield
        finally:
            enter(home)
            os.close(home)

    def ip(self, side, *arguments):
        return call("ip", "-n", self.names[side], *arguments)

    @staticmethod
    def device(side, link):
        return f"{side[0]}{link}"

    @staticmethod
    def address(side, link):
        return f"10.77.{link}.{1 if side == CLIENT else 2}"

    def point_at(self, side, link, hardware_address):
        neighbour = ("lladdr", hardware_address, "dev", self.device(side, link), "nud", "permanent")
        self.ip(side, "neighbour", "replace", self.address(other(side), link), *neighbour)

    def cut(self, link):
        """Ends all TCP connections over @link by RST. Returns how many there were."""
        command = ("ss", "-N", self.names[CLIENT], "-HKnt", "dst", self.address(SERVER, link))
        return len(call(*command).splitlines())

    def forget(self, side, port):
        """Ends what is left of TCP connections to @port at @side, those that wait for their end
        included. Returns how many there were."""
        command = ("ss", "-N", self.names[side], "-HKnt", "state", "connected", "sport", "=", f":{port}")
        return len(call(*command).splitlines())

    def silence(self, link):
        """Swallows all that is sent over @link, at either end, and tells nobody: what goes out is
        for a station that is not there."""
        for side in self.names:
            self.point_at(side, link, NOWHERE)

    def restore(self, link):
        for side in self.names:
            self.point_at(side, link, self.addresses[other(side), link])

    def take_down(self, link):
        """The client's end is switched off, the server's loses its carrier."""
        self.ip(CLIENT, "link", "set", self.device(CLIENT, link), "down")

    def bring_up(self, link):
        """An interface that was down has forgotten its neighbours."""
        self.ip(CLIENT, "link", "set", self.device(CLIENT, link), "up")
        self.restore(link)


def other(side):
    return SERVER if side == CLIENT else CLIENT


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
