/* SPDX-License-Identifier: Apache-2.0 */
/* testbed-lab.h - the testbed of real kernel TCP over impaired packets, in real time.
 *
 * Client and server are in this process and on one event loop, but their sockets are in two network
 * namespaces, joined by an emulator (lab/emulator.h): what a link does to packets is the path model
 * of the simulator, what TCP makes of it is the kernel's. So links are `carrier = tcp`, with the
 * congestion control that the scenario names.
 *
 * Needs CAP_NET_ADMIN and CAP_SYS_ADMIN; without them every scenario is refused, with that as the
 * reason. Runs are not deterministic. */
#pragma once

#include "harness/testbed.h"

G_BEGIN_DECLS

extern const TestbedClass testbed_lab_class;

G_END_DECLS
