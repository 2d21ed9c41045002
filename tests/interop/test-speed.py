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


def speed_test(caiman, client, server, n_links, options=(), client_options=(), server_options=()):
    """One test of a second. Returns the JSON of the client."""
    with Lab(n_links) as lab:
        return speed_test_in(Site(lab, caiman), client, server, [*options, *client_options], server_options)


def speed_test_in(site, client, server, client_options, server_options):
    oneshot = ["--oneshot"] if server == CAIMAN else []
    with site.speed(server, SERVER, f"--tcp={SPEED_PORT}", *oneshot, *server_options) as serving:
        site.wait_until_listening(SERVER, SPEED_PORT)
        with site.speed(client, CLIENT, "-j", "-t", "1", *site.targets(SPEED_PORT), *client_options) as testing:
            assert testing.wait() == 0
            report = testing.text()
        if server == CAIMAN:
            assert serving.wait() == 0
            assert "content right" in serving.text(), serving.text()
        else:
            check_peer_server(serving, receives="-r" not in client_options)
    carried = [count_bytes(site, link) for link in range(site.lab.n_links)]
    assert min(carried) > MEGABYTE, carried
    return json.JSONDecoder().raw_decode(report, report.index("{\n"))[0]


def check_peer_server(serving, receives):
    """What the peer says about a whole number of words, all of them right, up to the end of stream."""
    if receives:
        serving.wait_for_text("Receiver ")
        assert "Receiver exited" in serving.text(), serving.text()
    assert "malformed" not in serving.text(), serving.text()


def count_bytes(site, link):
    """What went over a link, to and fro."""
    shown = json.loads(site.lab.ip(CLIENT, "-s", "-j", "link", "show", "dev", f"c{link}"))
    stats = shown[0]["stats64"]
    return stats["rx"]["bytes"] + stats["tx"]["bytes"]


def check_both_directions(report, client):
    assert report["send_speed"] > MEGABYTE and report["recv_speed"] > MEGABYTE, report
    if client == CAIMAN:
        assert report["send_speed"] != report["recv_speed"], report


def peer_client_over_one_link(caiman):
    check_both_directions(speed_test(caiman, PEER, CAIMAN, 1), PEER)


def peer_client_over_four_links(caiman):
    check_both_directions(speed_test(caiman, PEER, CAIMAN, 4), PEER)


def peer_server_over_one_link(caiman):
    check_both_directions(speed_test(caiman, CAIMAN, PEER, 1), CAIMAN)


def peer_server_over_four_links(caiman):
    check_both_directions(speed_test(caiman, CAIMAN, PEER, 4), CAIMAN)


def peer_client_only_sends(caiman):
    assert speed_test(caiman, PEER, CAIMAN, 4, ["-s"])["send_speed"] > MEGABYTE


def peer_client_only_receives(caiman):
    speed_test(caiman, PEER, CAIMAN, 4, ["-r"])


def peer_server_only_receives(caiman):
    report = speed_test(caiman, CAIMAN, PEER, 4, ["-s"])
    assert report["send_speed"] > MEGABYTE and report["recv_speed"] is None, report


def peer_server_only_sends(caiman):
    report = speed_test(caiman, CAIMAN, PEER, 4, ["-r"])
    assert report["recv_speed"] > MEGABYTE and report["send_speed"] is None, report


def peer_client_with_tls(caiman):
    certificate = [f"--tls-certificate={CREDENTIALS}/server.pem", f"--tls-key={CREDENTIALS}/server-key.pem"]
    report = speed_test(caiman, PEER, CAIMAN, 2, ["--tls"], server_options=["--tls", *certificate])
    check_both_directions(report, PEER)


def peer_server_with_tls(caiman):
    report = speed_test(caiman, CAIMAN, PEER, 2, ["--tls"], ["--tls-fingerprint=any"], ["--tls"])
    check_both_directions(report, CAIMAN)


def tls_is_not_optional(caiman):
    """A client in the clear gets nowhere with a server that wants TLS, and neither is harmed."""
    with Lab(1) as lab, Site(lab, caiman).speed(PEER, SERVER, "--tls", f"--tcp={SPEED_PORT}"):
        site = Site(lab, caiman)
        site.wait_until_listening(SERVER, SPEED_PORT)
        targets = site.targets(SPEED_PORT)
        with site.speed(CAIMAN, CLIENT, "-t", "1", "--set=no-link-timeout=1s", *targets) as testing:
            assert testing.wait() == 4
        with site.speed(CAIMAN, CLIENT, "-t", "1", "--tls", "--tls-fingerprint=any", *targets) as testing:
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
    return run_tests(TESTS, sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
