/* SPDX-License-Identifier: Apache-2.0 */
/* pump-carrier.h - a transport of a pump with the link that it carries. Either is told what the
 * other says about how much may be sent: how much the transport takes and what it knows of its
 * path, whether the application reads and how large a packet may be.
 *
 * A part of pump.c, which embeds it as the first member of a struct of its own. */
#pragma once

#include "core/connection.h"
#include "transports/transport.h"

G_BEGIN_DECLS

/* The link's transport data points here. */
typedef struct {
  CaimanTransport *transport; /* (owned) */
  CaimanLink *link;           /* (owned) NULL: it is connecting */
  gboolean reading;
  gint64 hint_ns;          /* when it was last asked for a hint */
  gint64 send_limit_bytes; /* what it was last told */
  gsize packet_max_bytes;  /* the same */
} CaimanPumpCarrier;

/* @transport: (transfer full). */
void caiman_pump_carrier_init (CaimanPumpCarrier *carrier, CaimanTransport *transport);
void caiman_pump_carrier_clear (CaimanPumpCarrier *carrier);

/* @link (transfer full) is what @carrier carries from now on. */
void caiman_pump_carrier_set_link (CaimanPumpCarrier *carrier, CaimanLink *link, gint64 now_ns);

/* To be called after each packet that has come in, at once: more may follow before the pump runs.
 */
void caiman_pump_carrier_received (CaimanPumpCarrier *carrier);

/* Gives @packet (transfer full) to the transport of its link. */
void caiman_pump_carrier_send (CaimanPacket *packet, gint64 now_ns);

/* All links of @connection; those whose transport has failed are left out. */
void caiman_pump_carriers_take_hints (CaimanConnection *connection, gint64 now_ns);
void caiman_pump_carriers_update (CaimanConnection *connection, gint64 now_ns); /* hints, too */

G_END_DECLS
