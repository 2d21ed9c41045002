/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-tcp.h - the testbed of real TCP connections over loopback, in real time and without
 * privilege.
 *
 * Client and server are in this process, on one event loop, and between them each link is a relay
 * (relay.h) that impairs the bytes that pass it. A link is thus what `carrier = pipe` says, made of
 * real sockets: reliable, with a rate, a delay, jitter, a queue and a receive buffer. Nothing is
 * lost, and there is no congestion on loopback; scenarios that ask for either are refused.
 *
 * Connects take the link's round trip: until the answer to the SYN would have come, the client's
 * end waits (testbed-tcp-connect.c); then its TCP connection is made, which takes no time over
 * loopback, or is refused by the kernel.
 *
 * Runs are not deterministic: digests of two runs differ. */
#pragma once

#include "harness/testbed.h"

G_BEGIN_DECLS

extern const TestbedClass testbed_tcp_class;

G_END_DECLS
