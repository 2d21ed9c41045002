#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed tests between caiman and the real peer, in both roles. Each end checks every byte.

usage: test-speed.py CAIMAN

Prints TAP. Skipped where the peer is not installed or namespaces cannot be made.
"""

import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from netlab import CLIENT, SERVER, Lab  # noqa: E402
from programs import CAIMAN, PEER, SPEED_PORT, Site, require, run_tests  # noqa: E402

CREDENTIALS = os.path.join(os.path.dirname(HERE), "transports", "tls")
MEGABYTE = 1000 * 1000


def speed_test(site, client, server, n_links, options=(), client_options=(), server_options=()):
    """One test of a second. Returns the JSON of the client and the server's output."""
    before = [count_bytes(site, link) for link in range(site.lab.n_links)]
    with site.speed(server, SERVER, "--oneshot", f"--tcp={SPEED_PORT}", *server_options) as serving:
        site.wait_until_listening(SERVER, SPEED_PORT)
        targets = site.targets(SPEED_PORT, range(n_links))
        with site.speed(client, CLIENT, "-j", "-t1", *targets, *options, *client_options) as testing:
            assert testing.wait() == 0
            # The peer ends with status 1 when what came was not what should have come.
            assert serving.wait() == 0
            report = testing.text()
        served = serving.text()
    after = [count_bytes(site, link) for link in range(site.lab.n_links)]
    used = [now - then > MEGABYTE for now, then in zip(after, before)]
    assert used == [link < n_links for link in range(site.lab.n_links)], (before, after)
    if server == CAIMAN:
        assert "content right" in served, served
    return json.loads(report[report.index("{") : report.rindex("}") + 1])


def count_bytes(site, link):
    """What went over a link, to and fro."""
    shown = json.loads(site.lab.ip(CLIENT, "-s", "-j", "link", "show", "dev", f"c{link}"))
    stats = shown[0]["stats64"]
    return stats["rx"]["bytes"] + stats["tx"]["bytes"]


def check_both_directions(report, client):
    assert report["send_speed"] > MEGABYTE and report["recv_speed"] > MEGABYTE, report
    if client == CAIMAN:
        assert report["send_speed"] != report["recv_speed"], report


def peer_client_over_one_link(site):
    check_both_directions(speed_test(site, PEER, CAIMAN, 1), PEER)


def peer_client_over_four_links(site):
    check_both_directions(speed_test(site, PEER, CAIMAN, 4), PEER)


def peer_server_over_one_link(site):
    check_both_directions(speed_test(site, CAIMAN, PEER, 1), CAIMAN)


def peer_server_over_four_links(site):
    check_both_directions(speed_test(site, CAIMAN, PEER, 4), CAIMAN)


def peer_client_only_sends(site):
    assert speed_test(site, PEER, CAIMAN, 4, ["-s"])["send_speed"] > MEGABYTE


def peer_client_only_receives(site):
    speed_test(site, PEER, CAIMAN, 4, ["-r"])


def peer_server_only_receives(site):
    report = speed_test(site, CAIMAN, PEER, 4, ["-s"])
    assert report["send_speed"] > MEGABYTE and report["recv_speed"] is None, report


def peer_server_only_sends(site):
    report = speed_test(site, CAIMAN, PEER, 4, ["-r"])
    assert report["recv_speed"] > MEGABYTE and report["send_speed"] is None, report


def peer_client_with_tls(site):
    certificate = [f"--tls-certificate={CREDENTIALS}/server.pem", f"--tls-key={CREDENTIALS}/server-key.pem"]
    report = speed_test(site, PEER, CAIMAN, 2, ["--tls"], server_options=["--tls", *certificate])
    check_both_directions(report, PEER)


def peer_server_with_tls(site):
    report = speed_test(site, CAIMAN, PEER, 2, ["--tls"], ["--tls-fingerprint=any"], ["--tls"])
    check_both_directions(report, CAIMAN)


def tls_is_not_optional(site):
    """A client in the clear gets nowhere with a server that wants TLS, and neither is harmed."""
    with site.speed(PEER, SERVER, "--tls", f"--tcp={SPEED_PORT}"):
        site.wait_until_listening(SERVER, SPEED_PORT)
        targets = site.targets(SPEED_PORT, [0])
        with site.speed(CAIMAN, CLIENT, "-t1", "--set=no-link-timeout=1s", *targets) as testing:
            assert testing.wait() == 4
        with site.speed(CAIMAN, CLIENT, "-t1", "--tls", "--tls-fingerprint=any", *targets) as testing:
            assert testing.wait() == 0


TESTS = [
    peer_client_over_one_link,
    peer_client_over_four_links,
    peer_server_over_one_link,
    peer_server_over_four_links,
    peer_client_only_sends,
    peer_client_only_receives,
    peer_server_only_receives,
    peer_server_only_sends,
    peer_client_with_tls,
    peer_server_with_tls,
    tls_is_not_optional,
]


def main():
    require(PEER)
    with Lab(4) as lab:
        return run_tests(TESTS, Site(lab, sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
