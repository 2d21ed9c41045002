/* SPDX-License-Identifier: Apache-2.0 */
/* caiman.h - all of libcaiman's interface. Programs include <caiman/caiman.h> and nothing else.
 *
 * Three ways in, from the most comfortable to the most free (docs/library.md):
 *   transports/glib-client.h, -listener.h, -stream.h   GIO streams in a GLib main context
 *   transports/loop.h, pump.h, tcp-connector.h, ...    any event loop: one descriptor to poll
 *   core/connection.h, server.h, connector.h           the protocol alone: bring all I/O yourself
 */
#pragma once

#include "core/config.h"
#include "core/connection.h"
#include "core/connector.h"
#include "core/error.h"
#include "core/hold.h"
#include "core/link.h"
#include "core/packet.h"
#include "core/random.h"
#include "core/server.h"
#include "core/trace.h"
#include "core/types.h"
#include "transports/glib-client.h"
#include "transports/glib-error.h"
#include "transports/glib-listener.h"
#include "transports/glib-stream.h"
#include "transports/interfaces.h"
#include "transports/link-filter.h"
#include "transports/loop.h"
#include "transports/memory.h"
#include "transports/pump.h"
#include "transports/tcp-acceptor.h"
#include "transports/tcp-connector.h"
#include "transports/tcp.h"
#include "transports/timer-queue.h"
#include "transports/tls.h"
#include "transports/transport.h"
