# SPDX-License-Identifier: Apache-2.0
"""A tunnel between two network namespaces, of caiman or the real peer at each end."""

import contextlib
import signal
import socket

from netlab import CLIENT, SERVER, Lab
from programs import TUNNEL_PORT, Site, wait_for

TARGET_PORT, LOCAL_PORT = 7000, 7001
DEAD_PORT, LOCAL_DEAD_PORT = 7002, 7003
UNPUBLISHED_PORT, LOCAL_UNPUBLISHED_PORT = 7004, 7005
TIMEOUT_S = 60


class Tunnel:
    """A lab with both ends of a tunnel and a target that is a listening socket of ours."""

    def __init__(self, caiman, client, server, rate_mbit=None, n_links=4):
        self.kinds = client, server
        self.caiman, self.rate_mbit, self.n_links = caiman, rate_mbit, n_links

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.lab = stack.enter_context(Lab(self.n_links, self.rate_mbit))
            self.site = Site(self.lab, self.caiman)
            with self.lab.inside(SERVER):
                self.target = stack.enter_context(socket.create_server(("127.0.0.1", TARGET_PORT), backlog=128))
            self.target.settimeout(TIMEOUT_S)
            self.server = stack.enter_context(self.start_server())
            self.client = stack.enter_context(self.start_client())
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self.stack.__exit__(*exception)

    def start_server(self):
        ports = [f"-p127.0.0.1:{port}:{port}" for port in (TARGET_PORT, DEAD_PORT)]
        server = self.site.tunnel(self.kinds[1], SERVER, f"--tcp={TUNNEL_PORT}", *spell(ports))
        self.site.wait_until_listening(SERVER, TUNNEL_PORT)
        return server

    def start_client(self):
        ports = [
            f"-p{TARGET_PORT}:{LOCAL_PORT}",
            f"-p{DEAD_PORT}:{LOCAL_DEAD_PORT}",
            f"-p{UNPUBLISHED_PORT}:{LOCAL_UNPUBLISHED_PORT}",
        ]
        targets = self.site.targets(TUNNEL_PORT)
        client = self.site.tunnel(self.kinds[0], CLIENT, *targets, *spell(ports))
        for port in (LOCAL_PORT, LOCAL_DEAD_PORT, LOCAL_UNPUBLISHED_PORT):
            self.site.wait_until_listening(CLIENT, port)
        return client

    def replace_server(self):
        """Kills the server and starts another on the same port."""
        self.server.send(signal.SIGKILL)
        self.server.wait()
        # The peer's server insists on a port that nothing of the old one lingers on.
        wait_for("the port to be free", lambda: not self.lab.forget(SERVER, TUNNEL_PORT))
        self.server = self.stack.enter_context(self.start_server())

    def dial(self, port=LOCAL_PORT):
        """A user's connection into the tunnel."""
        with self.lab.inside(CLIENT):
            return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)

    def connect(self):
        """A user's connection and the one to the target that belongs to it."""
        user = self.dial()
        # The peer's client does not speak to its server before there is something to forward.
        far, _ = self.target.accept()
        far.settimeout(TIMEOUT_S)
        return user, far


def spell(ports):
    """-pVALUE as two arguments."""
    return [word for port in ports for word in ("-p", port[2:])]
